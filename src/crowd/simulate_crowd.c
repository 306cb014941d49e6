/*
 * simulate_crowd.c
 *		From the arguments of simulate_annotations() to a Crowd; see simulate.h.
 *
 * Phases: the options; classes and their shares; the groups of each kind; the
 * annotators; what the parameters of a group name (labels, annotators).
 */
#include "crowd/simulate.h"

#include "names/dictionary.h"
#include "pg/options.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#define MAX_COUNT 1000000
#define LETTERS 26

/*
 * Kinds: the parameters that each has, beside the number of annotators, and their
 * defaults.
 */
typedef enum KindParameter
{
	HAS_ACCURACY = 1,			/* and spread */
	HAS_ANSWERS = 2,
	HAS_LABEL = 4,
	HAS_CONFUSION = 8,
	HAS_TEAMS = 16,
	HAS_SOURCE = 32,
	HAS_COUNT = 0
} KindParameter;

typedef struct KindRule
{
	const char *name;
	int			parameters;
	double		accuracy;
	int			answers;
} KindRule;

static const KindRule kinds[CROWD_KINDS] = {
	[CROWD_RELIABLE] = {"reliable", HAS_ACCURACY | HAS_ANSWERS, 0.9, POOL},
	[CROWD_HASTY] = {"hasty", HAS_ACCURACY | HAS_ANSWERS, 0.7, POOL},
	[CROWD_EXPERT] = {"expert", HAS_ACCURACY | HAS_ANSWERS, 0.97, POOL},
	[CROWD_SPAMMER] = {"spammer", HAS_ANSWERS, 0, POOL},
	[CROWD_CONSTANT] = {"constant", HAS_ANSWERS | HAS_LABEL, 0, POOL},
	[CROWD_CONFUSER] = {"confuser", HAS_ACCURACY | HAS_ANSWERS | HAS_CONFUSION, 0.9, POOL},
	[CROWD_ADVERSARY] = {"adversary", HAS_ACCURACY | HAS_ANSWERS, 0.2, POOL},
	[CROWD_NEWCOMER] = {"newcomer", HAS_ACCURACY | HAS_ANSWERS, 0.8, 10},
	[CROWD_TEAM] = {"team", HAS_ACCURACY | HAS_TEAMS, 0.8, POOL},
	[CROWD_COPY] = {"copy", HAS_ACCURACY | HAS_SOURCE, 0.7, POOL}
};

static const struct
{
	int			needs;			/* KindParameter */
	Option		option;
}			parameters[] =
{
	{HAS_COUNT, {"count", OPTION_INT, offsetof(CrowdGroup, count), 0, MAX_COUNT, NULL}},
	{HAS_ACCURACY, {"accuracy", OPTION_DOUBLE, offsetof(CrowdGroup, accuracy), 0, 1, NULL}},
	{HAS_ACCURACY, {"spread", OPTION_DOUBLE, offsetof(CrowdGroup, spread), 0, 1, NULL}},
	{HAS_ANSWERS, {"answers", OPTION_INT, offsetof(CrowdGroup, answers), 0, PG_INT32_MAX, NULL}},
	{HAS_LABEL, {"label", OPTION_TEXT, offsetof(CrowdGroup, label_name), 0, 0, NULL}},
	{HAS_CONFUSION, {"from", OPTION_TEXT, offsetof(CrowdGroup, from_name), 0, 0, NULL}},
	{HAS_CONFUSION, {"to", OPTION_TEXT, offsetof(CrowdGroup, to_name), 0, 0, NULL}},
	{HAS_CONFUSION, {"rate", OPTION_DOUBLE, offsetof(CrowdGroup, rate), 0, 1, NULL}},
	{HAS_TEAMS, {"mix", OPTION_DOUBLE, offsetof(CrowdGroup, mix), 0, 1, NULL}},
	{HAS_TEAMS, {"shared", OPTION_DOUBLE, offsetof(CrowdGroup, shared), 0, 1, NULL}},
	{HAS_SOURCE, {"of", OPTION_TEXT, offsetof(CrowdGroup, of_name), 0, 0, NULL}},
	{HAS_SOURCE, {"fidelity", OPTION_DOUBLE, offsetof(CrowdGroup, fidelity), 0, 1, NULL}}
};

static const Option option_table[] = {
	{"classes", OPTION_JSONB, offsetof(CrowdOptions, classes), 0, 0, NULL},
	{"shares", OPTION_JSONB, offsetof(CrowdOptions, shares), 0, 0, NULL},
	{"answers", OPTION_DOUBLE, offsetof(CrowdOptions, answers), 0, MAX_COUNT, NULL},
	{"features", OPTION_INT, offsetof(CrowdOptions, features), 0, 10000, NULL},
	{"separation", OPTION_DOUBLE, offsetof(CrowdOptions, separation), 0, 1e6, NULL},
	{"shared_errors", OPTION_DOUBLE, offsetof(CrowdOptions, shared_errors), 0, 1, NULL},
	{"temptation", OPTION_DOUBLE, offsetof(CrowdOptions, temptation), 0, 1, NULL},
	{"seed", OPTION_INT, offsetof(CrowdOptions, seed), 0, PG_INT32_MAX, NULL}
};

static const CrowdOptions default_options = {
	.answers = 5,.separation = 2,.temptation = 0.5
};

const char *
crowd_kind_name(CrowdKind kind)
{
	return kinds[kind].name;
}

/*
 * JSON
 */
static JsonbValue *
element(const Jsonb *array, uint32 i)
{
	return getIthJsonbValueFromContainer((JsonbContainer *) &array->root, i);
}

static JsonbValue *
whole_value(const Jsonb *jsonb)
{
	JsonbValue *value;

	if (JB_ROOT_IS_SCALAR(jsonb))
		return element(jsonb, 0);
	value = palloc(sizeof(JsonbValue));
	value->type = jbvBinary;
	value->val.binary.data = (JsonbContainer *) &jsonb->root;
	value->val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
	return value;
}

static bool
is_array(const Jsonb *jsonb)
{
	return JB_ROOT_IS_ARRAY(jsonb) && !JB_ROOT_IS_SCALAR(jsonb);
}

/* A number, or -1 for what is none. */
static double
number_of(const JsonbValue *value)
{
	if (value->type != jbvNumeric)
		return -1;
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
											  NumericGetDatum(value->val.numeric)));
}

static NameView
json_name(const JsonbValue *string)
{
	return (NameView) {string->val.string.val, string->val.string.len};
}

/*
 * Classes
 */
static NL_NORETURN void
bad_classes(const Jsonb *classes)
{
	options_invalid("classes", whole_value(classes),
					psprintf("Allowed is a whole number from 2 to %d, or an array of as many different names.",
							 NL_MAX_CLASSES));
}

static NL_NORETURN void
bad_shares(const Jsonb *shares)
{
	options_invalid("shares", whole_value(shares),
					"Allowed is an array with a number for each class, or an object with the classes as keys; numbers are not negative, and not all 0.");
}

static void
take_classes(Crowd *crowd, uint32 n)
{
	crowd->classes = n;
	crowd->labels = palloc0(n * sizeof(char *));
	crowd->bounds = palloc(n * sizeof(double));
}

/* A, B, C; where letters do not suffice, numbers, which sort as they should. */
static void
name_classes(Crowd *crowd)
{
	int			digits = strlen(psprintf("%u", crowd->classes));

	for (uint32 k = 0; k < crowd->classes; k++)
		crowd->labels[k] = crowd->classes <= LETTERS ? psprintf("%c", 'A' + k) :
			psprintf("class %0*u", digits, k + 1);
}

static void
read_class_names(Crowd *crowd, const Jsonb *classes)
{
	uint32		n = JB_ROOT_COUNT(classes);
	Dictionary *seen = dictionary_create(CurrentMemoryContext, "label", NL_MAX_CLASSES);

	if (n < 2 || n > NL_MAX_CLASSES)
		bad_classes(classes);
	take_classes(crowd, n);
	for (uint32 k = 0; k < n; k++)
	{
		const JsonbValue *name = element(classes, k);

		if (name->type != jbvString ||
			dictionary_add(seen, json_name(name)) != k)
			bad_classes(classes);
		crowd->labels[k] = pnstrdup(name->val.string.val, name->val.string.len);
	}
}

/* The keys of the shares are the classes, in the order of labels. */
static void
read_share_names(Crowd *crowd, const Jsonb *shares)
{
	uint32		n = JB_ROOT_COUNT(shares);
	Dictionary *dict = dictionary_create(CurrentMemoryContext, "label", NL_MAX_CLASSES);
	JsonbIterator *it = JsonbIteratorInit((JsonbContainer *) &shares->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	uint32	   *order;

	if (n < 2 || n > NL_MAX_CLASSES)
		bad_shares(shares);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
		if (token == WJB_KEY)
			dictionary_add(dict, json_name(&value));
	order = dictionary_order(dict, ORDER_LABELS);
	take_classes(crowd, n);
	for (uint32 k = 0; k < n; k++)
	{
		NameView	name = dictionary_get(dict, order[k]);

		crowd->labels[k] = pnstrdup(name.s, name.len);
	}
}

static void
read_classes(Crowd *crowd)
{
	const Jsonb *classes = crowd->options.classes;
	const Jsonb *shares = crowd->options.shares;
	double		n = 2;

	if (classes != NULL && is_array(classes))
	{
		read_class_names(crowd, classes);
		return;
	}
	if (shares != NULL && JB_ROOT_IS_OBJECT(shares))
		read_share_names(crowd, shares);
	else if (shares != NULL && is_array(shares))
		n = JB_ROOT_COUNT(shares);
	if (classes != NULL)
		n = JB_ROOT_IS_SCALAR(classes) ? number_of(element(classes, 0)) : -1;
	if (classes != NULL && (n < 2 || n > NL_MAX_CLASSES || n != (uint32) n))
		bad_classes(classes);
	if (crowd->labels != NULL)
		return;					/* check_agree() compares the numbers */
	if (n < 2 || n > NL_MAX_CLASSES)
		bad_shares(shares);
	take_classes(crowd, (uint32) n);
	name_classes(crowd);
}

static double
share_of(const Crowd *crowd, uint32 k)
{
	const Jsonb *shares = crowd->options.shares;
	JsonbValue *value;
	double		share;

	if (shares == NULL)
		return 1;
	if (is_array(shares))
		value = element(shares, k);
	else
		value = getKeyJsonValueFromContainer((JsonbContainer *) &shares->root,
											 crowd->labels[k], strlen(crowd->labels[k]),
											 NULL);
	share = value == NULL ? -1 : number_of(value);
	if (!(share >= 0 && share <= 1e100))
		bad_shares(shares);
	return share;
}

/* The number of classes that "classes" and "shares" speak of must be the same. */
static void
check_agree(const Crowd *crowd)
{
	const Jsonb *classes = crowd->options.classes;
	const Jsonb *shares = crowd->options.shares;
	double		n = classes == NULL || is_array(classes) ? crowd->classes :
		number_of(element(classes, 0));

	if (shares == NULL)
		return;
	if (JB_ROOT_IS_SCALAR(shares))
		bad_shares(shares);
	if (JB_ROOT_COUNT(shares) != n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there are %s classes, but %u shares", nl_number(n),
						JB_ROOT_COUNT(shares)),
				 errhint("Option \"shares\" has a number for each of the classes; without option \"classes\", their number and names follow from it.")));
}

/* The bounds of the classes within [0, 1]; a class without a share is never met. */
static void
read_shares(Crowd *crowd)
{
	double		sum = 0;

	check_agree(crowd);
	for (uint32 k = 0; k < crowd->classes; k++)
	{
		sum += share_of(crowd, k);
		crowd->bounds[k] = sum;
	}
	if (sum == 0)
		bad_shares(crowd->options.shares);
	for (uint32 k = 0; k < crowd->classes; k++)
		crowd->bounds[k] /= sum;	/* and so the last that has a share is 1 */
}

/*
 * Kinds
 */
static char *
list_of_kinds(void)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int k = 0; k < CROWD_KINDS; k++)
		appendStringInfo(&buf, "%s\"%s\"", k > 0 ? ", " : "", kinds[k].name);
	return buf.data;
}

static void
check_kinds(const Jsonb *jsonb)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(jsonb))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("kinds must be a JSON object"),
				 errhint("It says how many annotators of each kind there are, as in {\"reliable\": 5, \"hasty\": {\"count\": 3, \"accuracy\": 0.6}}. Kinds are %s.",
						 list_of_kinds())));
	it = JsonbIteratorInit((JsonbContainer *) &jsonb->root);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		bool		known = token != WJB_KEY;

		for (int k = 0; k < CROWD_KINDS && !known; k++)
			known = strlen(kinds[k].name) == (size_t) value.val.string.len &&
				strncmp(kinds[k].name, value.val.string.val, value.val.string.len) == 0;
		if (!known)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unrecognized kind of annotator \"%.*s\"",
							value.val.string.len, value.val.string.val),
					 errhint("Kinds are %s.", list_of_kinds())));
	}
}

static void
tell_kind(void *kind)
{
	errcontext("annotators of kind \"%s\"", (const char *) kind);
}

/* A group, of a number or an object of parameters. */
static void
read_group(Crowd *crowd, CrowdKind kind, const JsonbValue *value)
{
	CrowdGroup	group = {
		.kind = kind,.count = 1,.accuracy = kinds[kind].accuracy,.answers = kinds[kind].answers,
		.rate = 0.8,.mix = 0.95,.shared = 0.2,.fidelity = 1
	};
	Option		table[lengthof(parameters)];
	int			n = 0;
	double		count = number_of(value);
	bool		is_object = value->type == jbvBinary &&
		JsonContainerIsObject(value->val.binary.data);

	for (Size i = 0; i < lengthof(parameters); i++)
		if ((kinds[kind].parameters & parameters[i].needs) == parameters[i].needs)
			table[n++] = parameters[i].option;
	if (is_object)
		options_parse(JsonbValueToJsonb((JsonbValue *) value), table, n, &group);
	else if (count >= 0 && count <= MAX_COUNT && count == (int) count)
		group.count = (int) count;
	else
		options_invalid(kinds[kind].name, value,
						psprintf("Allowed is a whole number of annotators from 0 to %d, an object with \"count\" and other parameters, or an array of them.",
								 MAX_COUNT));
	if (kind == CROWD_TEAM && group.count == 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("one annotator cannot make two teams"),
				 errhint("Give the number of annotators of both teams together.")));
	if (group.count > 0)
		crowd->groups[crowd->n_groups++] = group;
}

/* How many groups a kind has. */
static uint32
group_count(const JsonbValue *value)
{
	if (value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data))
		return JsonContainerSize(value->val.binary.data);
	return 1;
}

static void
read_kind(Crowd *crowd, CrowdKind kind, const JsonbValue *value)
{
	uint32		n = group_count(value);
	ErrorContextCallback context = {
		error_context_stack, tell_kind, (void *) kinds[kind].name
	};

	error_context_stack = &context;
	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		read_group(crowd, kind, value);
	else if (kind == CROWD_TEAM && n > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there can be two teams only"),
				 errhint("Give one object.")));
	else
		for (uint32 i = 0; i < n; i++)
		{
			CHECK_FOR_INTERRUPTS();
			read_group(crowd, kind, getIthJsonbValueFromContainer(value->val.binary.data, i));
		}
	error_context_stack = context.previous;
}

static void
read_kinds(Crowd *crowd, const Jsonb *jsonb)
{
	JsonbValue *values[CROWD_KINDS];
	Size		groups = 0;

	check_kinds(jsonb);
	for (int k = 0; k < CROWD_KINDS; k++)
	{
		values[k] = getKeyJsonValueFromContainer((JsonbContainer *) &jsonb->root,
												 kinds[k].name, strlen(kinds[k].name),
												 NULL);
		groups += values[k] == NULL ? 0 : group_count(values[k]);
	}
	crowd->groups = palloc0(mul_size(Max(groups, 1), sizeof(CrowdGroup)));
	for (int k = 0; k < CROWD_KINDS; k++)
		if (values[k] != NULL)
			read_kind(crowd, k, values[k]);
	if (crowd->n_groups == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("kinds names no annotator"),
				 errhint("Give a number for at least one of %s.", list_of_kinds())));
}

/*
 * Annotators
 */
static double
draw_accuracy(const Crowd *crowd, uint32 annotator)
{
	const CrowdGroup *group = crowd_group(crowd, annotator);
	Random		r = random_for(crowd->options.seed, DRAW_ACCURACY,
							   crowd_annotator_key(crowd, annotator), 0);
	double		accuracy = group->accuracy + group->spread * (2 * random_uniform(&r) - 1);

	return Min(Max(accuracy, 0), 1);
}

static void
make_annotators(Crowd *crowd)
{
	Size		n = 0;
	uint32		number[CROWD_KINDS] = {0};

	for (uint32 g = 0; g < crowd->n_groups; g++)
		n += crowd->groups[g].count;
	if (n > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a crowd has at most %d annotators", PG_INT32_MAX)));
	nl_check_memory(mul_size(n, sizeof(CrowdAnnotator)), "simulating annotations");
	crowd->annotators = nl_alloc(CurrentMemoryContext, n * sizeof(CrowdAnnotator));
	for (uint32 g = 0; g < crowd->n_groups; g++)
	{
		CrowdGroup *group = &crowd->groups[g];

		group->first = crowd->n;
		for (int i = 0; i < group->count; i++)
		{
			CrowdAnnotator *annotator = &crowd->annotators[crowd->n];

			NL_CHECK_INTERRUPTS(i);
			annotator->group = g;
			annotator->number = ++number[group->kind];
			annotator->accuracy = draw_accuracy(crowd, crowd->n++);
		}
	}
}

char *
crowd_annotator_name(const Crowd *crowd, uint32 annotator)
{
	const CrowdGroup *group = crowd_group(crowd, annotator);
	uint32		number = crowd->annotators[annotator].number;

	if (group->kind == CROWD_TEAM)
		return psprintf("team %d-%u", crowd_team(crowd, annotator) + 1, (number + 1) / 2);
	return psprintf("%s %u", kinds[group->kind].name, number);
}

/*
 * What parameters name
 */
static uint32
find_label(const Crowd *crowd, const char *parameter, const char *name)
{
	for (uint32 k = 0; k < crowd->classes; k++)
		if (strcmp(crowd->labels[k], name) == 0)
			return k;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" is no class: \"%s\"", parameter, name),
			 errhint("Classes are named by option \"classes\"; without it they are \"%s\", \"%s\" and so on.",
					 crowd->labels[0], crowd->labels[1])));
}

/* The first class of the largest share. */
static uint32
largest_class(const Crowd *crowd)
{
	uint32		largest = 0;

	for (uint32 k = 1; k < crowd->classes; k++)
		if (share_of(crowd, k) > share_of(crowd, largest))
			largest = k;
	return largest;
}

/* Who is copied: by default the first annotator there is. */
static uint32
find_source(const Crowd *crowd, const char *name)
{
	for (uint32 j = 0; j < crowd->n; j++)
	{
		char	   *its_name;
		bool		found;

		CHECK_FOR_INTERRUPTS();
		if (crowd_group(crowd, j)->kind == CROWD_COPY)
			break;				/* they are the last */
		if (name == NULL)
			return j;
		its_name = crowd_annotator_name(crowd, j);
		found = strcmp(its_name, name) == 0;
		pfree(its_name);
		if (found)
			return j;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 name == NULL ? errmsg("there is no annotator to copy") :
			 errmsg("there is no annotator \"%s\" to copy", name),
			 errhint("Annotators are named by kind and number, such as \"reliable 1\"; copies are not copied.")));
}

static void
resolve_names(Crowd *crowd)
{
	for (uint32 g = 0; g < crowd->n_groups; g++)
	{
		CrowdGroup *group = &crowd->groups[g];

		CHECK_FOR_INTERRUPTS();
		if (group->kind == CROWD_CONSTANT)
			group->label = group->label_name ? find_label(crowd, "label", group->label_name) :
				largest_class(crowd);
		if (group->kind == CROWD_CONFUSER)
		{
			group->from = group->from_name ? find_label(crowd, "from", group->from_name) : 0;
			group->to = group->to_name ? find_label(crowd, "to", group->to_name) :
				group->from == 1 ? 0 : 1;
		}
		if (group->kind == CROWD_COPY)
			group->source = find_source(crowd, group->of_name);
	}
}

/* The narrowest grid among the features that has a place for each class. */
static uint32
grid_side(const Crowd *crowd)
{
	uint32		side = 1;
	double		places = 1;

	while (crowd->options.features > 0 && places < crowd->classes)
	{
		side++;
		places = 1;
		for (int i = 0; i < crowd->options.features && places < crowd->classes; i++)
			places *= side;
	}
	return side;
}

Crowd *
crowd_create(int items, const Jsonb *kinds_jsonb, const Jsonb *options)
{
	Crowd	   *crowd = palloc0(sizeof(Crowd));

	if (items < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the number of items must not be negative: %d", items)));
	crowd->items = items;
	crowd->options = default_options;
	if (options != NULL)
		options_parse(options, option_table, lengthof(option_table), &crowd->options);
	read_classes(crowd);
	read_shares(crowd);
	read_kinds(crowd, kinds_jsonb);
	make_annotators(crowd);
	resolve_names(crowd);
	crowd->side = grid_side(crowd);
	return crowd;
}
