/*
 * class_options.c
 *		What the user knows about classes and annotators before a fit: the options
 *		"prior", "abstain", "silence" and "groups" of dawid_skene().
 *
 * They are read twice: with the other options, so that what is wrong fails before
 * the work, and for the view that is fitted.  There "prior" and "abstain" may bring
 * labels that nobody gave; then the view's labels are numbered again.
 *
 * Memory: names that the options list; labels and gold of the view, where they are
 * numbered again; a number for each annotator.  Interrupts: for each name, and a block
 * of annotations.
 */
#include "crowd/fit.h"

#include <math.h>

#include "pg/json.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#define SILENT_LABEL "abstain"	/* of those who say nothing, unless it has another name */
#define PRIOR_SLACK 0.01		/* by which shares may miss the sum of 1 */

static const char groups_allowed[] =
"Allowed is an array of arrays of annotators, or an object that gives each annotator "
"the name of a group; an annotator is in one group.";

/* A number as it was written. */
static char *
numeric_text(const JsonbValue *value)
{
	return JsonbToCString(NULL, &JsonbValueToJsonb((JsonbValue *) value)->root, 0);
}

/* A name in JSON: a string, or a number or boolean as ::text spells it. */
static NameView
name_in_json(const char *option, const JsonbValue *value, const char *allowed)
{
	if (value->type == jbvNumeric)
		return name_of(numeric_text(value));
	if (value->type == jbvBool)
		return name_of(value->val.boolean ? "true" : "false");
	if (value->type != jbvString)
		options_invalid(option, value, allowed);
	return (NameView) {value->val.string.val, value->val.string.len};
}

/* The label that an option "abstain" names, or NULL if it is not given. */
const char *
label_of_abstain(const Jsonb *abstain)
{
	JsonbValue	value;
	NameView	name;

	if (abstain == NULL)
		return NULL;
	value = options_scalar(abstain);
	name = name_in_json("abstain", &value, "Allowed is a label, as in {\"abstain\": \"unsure\"}.");
	return pnstrdup(name.s, name.len);
}

/* The label of who does not name a class, or NULL. */
static const char *
abstain_label(const FitOptions *options)
{
	if (options->abstain == NULL && options->silence == SILENCE_INFORMATIVE)
		return SILENT_LABEL;
	return label_of_abstain(options->abstain);
}

/*
 * Groups
 */
static NameView
annotator_in_json(const JsonbValue *value)
{
	return name_in_json("groups", value, groups_allowed);
}

/* Annotators that the option lists, and the number of each one's group. */
typedef struct GivenGroups
{
	Dictionary *annotators;
	Dictionary *names;			/* of groups that have a name */
	uint32	   *group;
	uint32		capacity;
	uint32		n_groups;
} GivenGroups;

static void
put_into_group(GivenGroups *given, NameView annotator, uint32 group)
{
	uint32		known = given->annotators->n;
	uint32		code = dictionary_add(given->annotators, annotator);

	given->n_groups = Max(given->n_groups, group + 1);
	CHECK_FOR_INTERRUPTS();
	if (code < known)
	{
		if (given->group[code] != group)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("option \"groups\" puts annotator \"%.*s\" into two groups",
							annotator.len, annotator.s),
					 errhint("%s Groups that depend on each other are one group.", groups_allowed)));
		return;
	}
	if (code == given->capacity)
	{
		given->capacity *= 2;
		given->group = repalloc_huge(given->group, given->capacity * sizeof(uint32));
	}
	given->group[code] = group;
}

/* [["a", "b"], ["c", "d"]] */
static void
read_group_arrays(GivenGroups *given, const Jsonb *groups)
{
	JsonbIterator *it = JsonbIteratorInit((JsonbContainer *) &groups->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	uint32		group = 0;
	int			depth = 0;

	while ((token = JsonbIteratorNext(&it, &value, false)) != WJB_DONE)
	{
		if (token == WJB_BEGIN_OBJECT || (token == WJB_BEGIN_ARRAY && depth == 2) ||
			(token == WJB_ELEM && depth != 2))
			options_invalid("groups", token == WJB_ELEM ? &value :
							&(JsonbValue) {.type = jbvBinary}, groups_allowed);
		if (token == WJB_BEGIN_ARRAY)
			depth++;
		else if (token == WJB_END_ARRAY)
		{
			depth--;
			group++;
		}
		else if (token == WJB_ELEM)
			put_into_group(given, annotator_in_json(&value), group);
	}
}

/* {"a": "first", "b": "first", "c": "second"} */
static void
read_group_object(GivenGroups *given, const Jsonb *groups)
{
	JsonbIterator *it = JsonbIteratorInit((JsonbContainer *) &groups->root);
	JsonbIteratorToken token;
	JsonbValue	key = {.type = jbvNull};
	JsonbValue	value;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
		if (token == WJB_KEY)
			key = value;
		else if (token == WJB_VALUE)
			put_into_group(given, annotator_in_json(&key),
						   dictionary_add(given->names, annotator_in_json(&value)));
}

static GivenGroups
read_groups(const Jsonb *groups)
{
	GivenGroups given = {.capacity = 16};

	given.annotators = dictionary_create(CurrentMemoryContext, "annotator", PG_INT32_MAX);
	given.names = dictionary_create(CurrentMemoryContext, "group", PG_INT32_MAX);
	given.group = palloc(given.capacity * sizeof(uint32));
	if (JB_ROOT_IS_OBJECT(groups))
		read_group_object(&given, groups);
	else if (JB_ROOT_IS_ARRAY(groups) && !JB_ROOT_IS_SCALAR(groups))
		read_group_arrays(&given, groups);
	else
	{
		JsonbValue	scalar = options_scalar(groups);

		options_invalid("groups", &scalar, groups_allowed);
	}
	return given;
}

/* Fails where the option is wrong, whatever the data; it may be NULL. */
void
groups_check(const Jsonb *groups)
{
	if (groups != NULL)
		(void) read_groups(groups);
}

/*
 * By annotator the first of his group, or NULL if nobody here is in one with
 * another.  Who gave no answer in this set is no part of it: the same options
 * serve many sets.
 */
uint32 *
groups_of_option(const AnnotationView *view, const Jsonb *groups)
{
	GivenGroups given;
	uint32	   *first;
	uint32	   *group;
	bool		any = false;

	if (groups == NULL)
		return NULL;
	given = read_groups(groups);
	group = nl_alloc(CurrentMemoryContext, mul_size(view->annotators.n, sizeof(uint32)));
	first = nl_alloc(CurrentMemoryContext, mul_size(Max(given.n_groups, 1), sizeof(uint32)));
	for (uint32 i = 0; i < given.n_groups; i++)
		first[i] = PG_UINT32_MAX;
	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		int64		code = dictionary_find(given.annotators, names_get(&view->annotators, j));
		uint32	   *of_group;

		NL_CHECK_INTERRUPTS(j);
		group[j] = j;
		if (code < 0)
			continue;
		of_group = &first[given.group[code]];
		if (*of_group == PG_UINT32_MAX)
			*of_group = j;
		group[j] = *of_group;
		any = any || group[j] != j;
	}
	pfree(first);
	if (any)
		return group;
	pfree(group);
	return NULL;
}

/*
 * Class shares
 */
static NL_NORETURN void
invalid_prior(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for option \"prior\": %s", what),
			 errhint("Give every class its share, as in {\"cat\": 0.9, \"dog\": 0.1}.")));
}

static double
read_share(const JsonbValue *key, const JsonbValue *value)
{
	double		share = value->type != jbvNumeric ? -1 :
		DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
										   NumericGetDatum(value->val.numeric)));

	if (!(share > 0 && share <= 1 + PRIOR_SLACK))
		invalid_prior(psprintf("class \"%.*s\" must have a share above 0, and not above 1%s",
							   key->val.string.len, key->val.string.val,
							   value->type != jbvNumeric ? "" :
							   psprintf("; it has %s", numeric_text(value))));
	return share;
}

/* The classes that the option names, and their shares, scaled to sum to 1. */
static double *
read_prior(const FitOptions *options, Dictionary *classes)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	key = {.type = jbvNull};
	JsonbValue	value;
	const char *none = abstain_label(options);
	double	   *shares;
	double		sum = 0;

	if (!JB_ROOT_IS_OBJECT(options->prior))
		invalid_prior("it must be an object");
	shares = nl_alloc(CurrentMemoryContext,
					  mul_size(Max(JB_ROOT_COUNT(options->prior), 1), sizeof(double)));
	it = JsonbIteratorInit((JsonbContainer *) &options->prior->root);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		NameView	name = {key.val.string.val, key.val.string.len};

		if (token == WJB_KEY)
			key = value;
		if (token != WJB_VALUE)
			continue;
		CHECK_FOR_INTERRUPTS();
		if (none != NULL && is_same_name(name, name_of(none)))
			invalid_prior(psprintf("\"%s\" stands for no class, and has no share", none));
		shares[dictionary_add(classes, name)] = read_share(&key, &value);
	}
	for (uint32 k = 0; k < classes->n; k++)
		sum += shares[k];
	if (!(fabs(sum - 1) <= PRIOR_SLACK))
		invalid_prior(psprintf("shares must sum to 1; they sum to %.6g", sum));
	for (uint32 k = 0; k < classes->n; k++)
		shares[k] /= sum;
	return shares;
}

/* By the view's labels. */
static double *
prior_of_option(const AnnotationView *view, const FitOptions *options)
{
	Dictionary *classes = dictionary_create(CurrentMemoryContext, "label", NL_MAX_CLASSES);
	double	   *shares = read_prior(options, classes);
	double	   *prior = palloc0(view->labels.n * sizeof(double));

	for (uint32 k = 0; k < view->labels.n; k++)
	{
		NameView	name = names_get(&view->labels, k);
		int64		class = dictionary_find(classes, name);

		CHECK_FOR_INTERRUPTS();
		if (!annotation_is_class(view, k))
			continue;
		if (class < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("option \"prior\" has no share for class \"%.*s\", which occurs in answers or gold",
							name.len, name.s),
					 errhint("Give every class its share; a label that stands for no class is what option \"abstain\" is for.")));
		prior[k] = shares[class];
	}
	return prior;
}

/*
 * Labels
 */

/* Numbers the view's labels as the dictionary has them, which has more. */
static void
number_labels(AnnotationView *view, Dictionary *labels, const uint32 *code)
{
	uint32	   *order = dictionary_order(labels, ORDER_LABELS);
	uint32	   *rank = dictionary_rank(order, labels->n);
	uint16	   *label = nl_alloc(CurrentMemoryContext,
								 mul_size(Max(view->annotations, 1), sizeof(uint16)));
	uint16	   *gold = view->gold == NULL ? NULL :
		nl_alloc(CurrentMemoryContext, mul_size(view->items, sizeof(uint16)));

	for (uint32 a = 0; a < view->annotations; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		label[a] = rank[code[view->label[a]]];
	}
	for (uint32 i = 0; i < view->items && gold != NULL; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		gold[i] = view->gold[i] == NO_GOLD ? NO_GOLD : rank[code[view->gold[i]]];
	}
	view->labels = dictionary_names(labels, order);
	view->label = label;
	view->gold = gold;
}

/* Adds the labels that options name. */
static void
add_labels(AnnotationView *view, const FitOptions *options)
{
	Dictionary *labels = dictionary_create(CurrentMemoryContext, "label", NL_MAX_CLASSES);
	Dictionary *classes = dictionary_create(CurrentMemoryContext, "label", NL_MAX_CLASSES);
	uint32	   *code = dictionary_add_names(labels, &view->labels);

	if (abstain_label(options) != NULL)
		(void) dictionary_add(labels, name_of(abstain_label(options)));
	if (options->prior != NULL)
		(void) read_prior(options, classes);
	(void) dictionary_add_all(labels, classes);
	if (labels->n > view->labels.n)
		number_labels(view, labels, code);
}

/* Gold says what an item is, and "none" that nobody says it. */
void
check_gold_labels(const AnnotationView *view, const char *none)
{
	for (uint32 i = 0; i < view->items && view->gold != NULL; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (view->gold[i] != NO_GOLD && !annotation_is_class(view, view->gold[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a gold label is \"%s\", which stands for no class", none),
					 errhint("Gold is NULL where it is not known. Option \"abstain\" names the label that is an answer but no class%s.",
							 view->silence ? "; with \"silence\" \"informative\" alone it is \"" SILENT_LABEL "\"" : "")));
	}
}

/* Bytes of labels that are numbered again, and of groups. */
Size
class_options_memory(const AnnotationView *view, const FitOptions *options)
{
	Size		labels = abstain_label(options) == NULL && options->prior == NULL ? 0 :
		mul_size(add_size(view->annotations, view->items), sizeof(uint16));

	return add_size(labels, options->groups == NULL ? 0 :
					mul_size(view->annotators.n, 2 * sizeof(uint32)));
}

/*
 * Tells a view that has items what the options know.  False if it has no class
 * then: nobody named one.
 */
bool
class_options_apply(AnnotationView *view, const FitOptions *options)
{
	const char *none = abstain_label(options);

	if (none == NULL && options->prior == NULL)
		return true;
	nl_check_memory(class_options_memory(view, options), "dawid_skene()");
	add_labels(view, options);
	view->silence = options->silence == SILENCE_INFORMATIVE;
	if (none != NULL)
		view->abstains = names_find(&view->labels, name_of(none)) + 1;
	check_gold_labels(view, none);
	if (options->prior != NULL)
		view->prior = prior_of_option(view, options);
	return annotation_classes(view) > 0;
}

/*
 * What goes with what
 */
static NL_NORETURN void
refuse(const char *option, const char *other, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("option %s does not go with %s", option, other),
			 errhint("%s", hint)));
}

static const char *
variant_text(const FitOptions *options)
{
	return psprintf("variant \"%s\"", variant_names[options->variant]);
}

/* What needs the rule of variant auto. */
static void
check_rule(const FitOptions *options, const char *option)
{
	if (options->variant != VARIANT_AUTO)
		refuse(option, variant_text(options),
			   "Variant \"auto\", which is the default, takes it.");
	if (options->learn_from == LEARN_FROM_GOLD)
		refuse(option, "\"learn_from\" \"gold\"", "It is for \"learn_from\" \"all\", which is the default.");
}

static void
check_abstain(const FitOptions *options)
{
	static const char option[] = "\"abstain\"";

	if (options->variant != VARIANT_AUTO && options->variant != VARIANT_FULL)
		refuse(option, variant_text(options),
			   "Variants \"auto\", which is the default, and \"full\" take it.");
	(void) abstain_label(options);
	if (options->em.toward == TOWARD_ACCURACY)
		refuse(option, "\"toward\" \"accuracy\"", "Let smoothing point to the \"pool\".");
	if (options->restarts > 0)
		refuse(option, "\"restarts\"", "Do without restarts.");
}

/* Fails where options are wrong, whatever the data. */
void
class_options_check(const FitOptions *options)
{
	if (options->silence == SILENCE_INFORMATIVE)
		check_rule(options, "\"silence\" \"informative\"");
	if (options->abstain != NULL)
		check_abstain(options);
	if (options->groups != NULL)
		check_rule(options, "\"groups\"");
	groups_check(options->groups);
	if (options->prior != NULL)
		(void) read_prior(options, dictionary_create(CurrentMemoryContext, "label", NL_MAX_CLASSES));
}
