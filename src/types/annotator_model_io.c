/*
 * annotator_model_io.c
 *		Text and binary input and output of annotator_model.
 *
 * Text form: JSON, its matrices with the truth as rows.  Binary form: version;
 * names of labels and annotators; the components; annotations, those on gold, what
 * is reported of them, counts and variances; the fit record; its matrices with the label first, as
 * they are stored.  Both are read into a view that is checked as a whole and put into
 * canonical order.
 */
#include "types/annotator_model.h"

#include <math.h>

#include "pg/arguments.h"
#include "pg/json.h"
#include "libpq/pqformat.h"
#include "names/names_io.h"
#include "types/value_forms.h"

static const char type_name[] = "annotator_model";

/* a count of annotations or items; doubles hold all of them exactly */
#define MAX_COUNT 1e15

/* a model of more components than this is no model of ours */
#define MAX_COMPONENTS 64
#define MAX_WARNINGS 1000

/*
 * Checks that both kinds of input share.
 */
static void
invalid_model(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid annotator_model: %s", what)));
}

/* One distribution for each of n columns, over the rows. */
static void
check_distributions(const double *p, Size rows, Size n, const char *what)
{
	double	   *sum = palloc0(Max(n, 1) * sizeof(double));

	for (Size row = 0; row < rows; row++, p += n)
	{
		NL_CHECK_INTERRUPTS(row * n);
		for (Size k = 0; k < n; k++)
		{
			if (!(p[k] >= 0 && p[k] <= 1 + 1e-6))
				invalid_model(psprintf("%s has a probability %s", what, nl_number(p[k])));
			sum[k] += p[k];
		}
	}
	for (Size k = 0; k < n; k++)
		if (!(fabs(sum[k] - 1) <= 1e-6))
			invalid_model(psprintf("%s sums to %g, not 1", what, sum[k]));
	pfree(sum);
}

static void
check_matrices(const double *matrices, Size n, Size classes, const char *what)
{
	for (Size j = 0; j < n; j++)
	{
		CHECK_FOR_INTERRUPTS();
		check_distributions(matrices + j * classes * classes, classes, classes, what);
	}
}

static void
check_counts(const double *counts, Size n, const char *what)
{
	for (Size i = 0; i < n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (!(counts[i] >= 0 && counts[i] <= MAX_COUNT))
			invalid_model(psprintf("%s has a count %s", what, nl_number(counts[i])));
	}
}

static void
check_warnings(const AnnotatorModelView *view)
{
	Dictionary *dict = dictionary_create(CurrentMemoryContext, "warning", MAX_WARNINGS);

	for (uint32 i = 0; i < view->n_warnings; i++)
		if (dictionary_add(dict, name_of(view->warnings[i])) != i)
			invalid_model("a warning occurs twice");
}

/* The label that is no class, whose number is that of the input. */
static void
check_abstentions(const AnnotatorModelView *view)
{
	Size		labels = view->labels.n;
	uint32		none = view->abstains - 1;

	if (view->silence && view->abstains == 0)
		invalid_model("silence is an answer, but there is no label for it");
	if (view->silence && view->voices == VOICES_ANSWERS)
		invalid_model("silence is an answer, but voices are answers");
	if (view->abstains == 0)
		return;
	if (view->abstains > labels || labels == 1)
		invalid_model("no class is left beside the label that stands for none");
	for (uint32 i = 0; i < view->n_components; i++)
	{
		const ModelComponent *c = &view->components[i];

		if (c->prior[none] != 0)
			invalid_model("the label that stands for no class has a class prior");
		for (Size j = 0; j < view->annotators.n && view->silence; j++)
		{
			CHECK_FOR_INTERRUPTS();
			for (Size k = 0; k < labels; k++)
				if (c->confusion[(j * labels + none) * labels + k] <= 0)
					invalid_model("silence has the probability 0");
		}
	}
}

static void
check_model(const AnnotatorModelView *view)
{
	Size		labels = view->labels.n;
	Size		annotators = view->annotators.n;
	double	   *weights = palloc(Max(view->n_components, 1) * sizeof(double));

	if (labels == 0 || view->n_components == 0)
		invalid_model("it has no labels or no components");
	for (uint32 i = 0; i < view->n_components; i++)
	{
		ModelComponent *c = &view->components[i];

		weights[i] = c->weight;
		check_distributions(c->prior, labels, 1, "a class prior");
		check_matrices(c->pool, 1, labels, "a row of the pool");
		check_matrices(c->confusion, annotators, labels, "a row of a confusion matrix");
	}
	check_distributions(weights, view->n_components, 1, "the list of weights");
	check_counts(view->annotations, annotators, "\"annotations\"");
	check_counts(view->gold_annotations, annotators, "\"gold_annotations\"");
	check_counts(view->reported_right, annotators, "\"reported_right\"");
	check_counts(view->reported_variances, annotators, "\"reported_variances\"");
	check_counts(view->counts, annotators * labels * labels, "\"counts\"");
	check_counts(view->variances, annotators * labels * labels, "\"variances\"");
	if (!(view->gold_weight > 0 && view->gold_weight <= 1))
		invalid_model("its gold_weight is out of range");
	if (!isfinite(view->log_likelihood))
		invalid_model("its log-likelihood is not finite");
	if (view->items < 0 || view->items > MAX_COUNT ||
		view->n_annotations < 0 || view->n_annotations > MAX_COUNT ||
		view->gold_items < 0 || view->gold_items > MAX_COUNT ||
		view->correlation_items < 0 || view->correlation_items > MAX_COUNT ||
		view->teaching_items < 0 || view->teaching_items > MAX_COUNT ||
		view->iterations < 0)
		invalid_model("a number in the fit record is out of range");
	if (!((view->majority_disagreement >= 0 && view->majority_disagreement <= 1) ||
		  view->majority_disagreement == -1))
		invalid_model("its majority_disagreement is out of range");
	if (!(view->correlation >= 0 && view->correlation <= 1))
		invalid_model("its correlation is out of range");
	check_warnings(view);
	check_abstentions(view);
}

static void
allocate_tables(AnnotatorModelView *view)
{
	Size		cells = model_cells(view);
	Size		tables = mul_size(view->annotators.n, cells);

	Size		size = mul_size(annotator_model_doubles(view->labels.n, view->annotators.n,
														view->n_components),
								sizeof(double));

	/* what is read into, a copy in order of one table, the stored form */
	(void) value_check_size(size, KIND_ANNOTATOR_MODEL);
	value_check_memory(mul_size(size, 3), KIND_ANNOTATOR_MODEL, "reading an");
	view->components = palloc0(Max(view->n_components, 1) * sizeof(ModelComponent));
	for (uint32 i = 0; i < view->n_components; i++)
	{
		view->components[i].prior = palloc(Max(view->labels.n, 1) * sizeof(double));
		view->components[i].pool = palloc(Max(cells, 1) * sizeof(double));
		view->components[i].confusion = palloc(Max(tables, 1) * sizeof(double));
	}
	view->annotations = palloc(Max(view->annotators.n, 1) * sizeof(double));
	view->gold_annotations = palloc(Max(view->annotators.n, 1) * sizeof(double));
	view->reported_right = palloc(Max(view->annotators.n, 1) * sizeof(double));
	view->reported_variances = palloc(Max(view->annotators.n, 1) * sizeof(double));
	view->notes = nl_alloc(CurrentMemoryContext, Max(view->annotators.n, 1) * sizeof(char *));
	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		view->notes[j] = "";
	}
	view->counts = palloc(Max(tables, 1) * sizeof(double));
	view->variances = palloc(Max(tables, 1) * sizeof(double));
}

/*
 * Input may list labels and annotators in any order (another encoding has
 * another order of bytes); the stored form has them in canonical order.
 */
typedef struct InputNames
{
	Dictionary *dict;
	uint32	   *order;			/* of the input, canonical */
} InputNames;

static Names
set_order(InputNames *input, NameOrder order)
{
	input->order = dictionary_order(input->dict, order);
	return dictionary_names(input->dict, input->order);
}

static bool
in_order(const uint32 *order, Size n)
{
	for (Size i = 0; i < n; i++)
		if (order[i] != i)
			return false;
	return true;
}

/* Put the K x K cells of n matrices into canonical order, in place. */
static void
reorder_cells(double *tables, Size n, const InputNames *labels)
{
	Size		classes = labels->dict->n;
	double	   *copy;

	if (in_order(labels->order, classes))
		return;
	copy = palloc(Max(classes * classes, 1) * sizeof(double));
	for (Size j = 0; j < n; j++, tables += classes * classes)
	{
		CHECK_FOR_INTERRUPTS();
		memcpy(copy, tables, classes * classes * sizeof(double));
		for (Size l = 0; l < classes; l++)
			for (Size t = 0; t < classes; t++)
				tables[l * classes + t] =
					copy[labels->order[l] * classes + labels->order[t]];
	}
	pfree(copy);
}

/* Put n blocks of "size" doubles into the given order; frees what it copies. */
static double *
reorder_blocks(double *blocks, const uint32 *order, Size n, Size size)
{
	double	   *result;

	if (in_order(order, n))
		return blocks;
	result = palloc(Max(n * size, 1) * sizeof(double));
	for (Size i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		memcpy(result + i * size, blocks + order[i] * size, size * sizeof(double));
	}
	pfree(blocks);
	return result;
}

/*
 * From groups by the input's numbers, where each member has the same one of them,
 * to the first member in canonical order.
 */
static void
reorder_groups(AnnotatorModelView *view, const InputNames *annotators)
{
	uint32		n = view->annotators.n;
	uint32	   *first;
	uint32	   *group;
	bool		any = false;

	if (view->group == NULL)
		return;
	first = nl_alloc(CurrentMemoryContext, mul_size(Max(n, 1), sizeof(uint32)));
	group = nl_alloc(CurrentMemoryContext, mul_size(Max(n, 1), sizeof(uint32)));
	for (uint32 j = 0; j < n; j++)
		first[j] = n;
	for (uint32 j = 0; j < n; j++)
	{
		uint32		member = view->group[annotators->order[j]];

		NL_CHECK_INTERRUPTS(j);
		if (first[member] == n)
			first[member] = j;
		group[j] = first[member];
		any = any || group[j] != j;
	}
	view->group = any ? group : NULL;
	if (view->voices == VOICES_GROUPS && !any)
		view->voices = VOICES_ANNOTATORS;
}

/* Put what is known of annotators into canonical order. */
static void
reorder_annotators(AnnotatorModelView *view, const InputNames *annotators)
{
	uint32		n = view->annotators.n;
	const char **notes = nl_alloc(CurrentMemoryContext, Max(n, 1) * sizeof(char *));

	view->annotations = reorder_blocks(view->annotations, annotators->order, n, 1);
	view->gold_annotations = reorder_blocks(view->gold_annotations, annotators->order, n, 1);
	view->reported_right = reorder_blocks(view->reported_right, annotators->order, n, 1);
	view->reported_variances = reorder_blocks(view->reported_variances, annotators->order, n, 1);
	for (uint32 j = 0; j < n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		notes[j] = view->notes[annotators->order[j]];
	}
	view->notes = notes;
	reorder_groups(view, annotators);
}

static Datum
finish_input(AnnotatorModelView *view, InputNames *labels, InputNames *annotators)
{
	Size		j = view->annotators.n;
	Size		cells = model_cells(view);

	check_model(view);
	for (uint32 i = 0; i < view->n_components; i++)
	{
		ModelComponent *c = &view->components[i];

		c->prior = reorder_blocks(c->prior, labels->order, view->labels.n, 1);
		reorder_cells(c->pool, 1, labels);
		reorder_cells(c->confusion, j, labels);
		c->confusion = reorder_blocks(c->confusion, annotators->order, j, cells);
	}
	reorder_cells(view->counts, j, labels);
	view->counts = reorder_blocks(view->counts, annotators->order, j, cells);
	reorder_cells(view->variances, j, labels);
	view->variances = reorder_blocks(view->variances, annotators->order, j, cells);
	reorder_annotators(view, annotators);
	if (view->abstains > 0)
		view->abstains = dictionary_rank(labels->order, labels->dict->n)[view->abstains - 1] + 1;
	return PointerGetDatum(annotator_model_make(view));
}

/*
 * Text form
 */
static void
append_matrix(StringInfo buf, const double *matrix, Size classes)
{
	double	   *truth_first = palloc(classes * classes * sizeof(double));

	model_matrix_transpose(matrix, truth_first, classes);
	jsonio_append_matrix(buf, truth_first, classes, classes);
	pfree(truth_first);
}

static void
append_tables(StringInfo buf, const double *tables, Size n, Size classes)
{
	appendStringInfoChar(buf, '[');
	for (Size i = 0; i < n; i++)
	{
		if (i > 0)
			appendStringInfoString(buf, ", ");
		append_matrix(buf, tables + i * classes * classes, classes);
	}
	appendStringInfoChar(buf, ']');
}

static void
append_cstring(StringInfo buf, const char *s)
{
	jsonio_append_string(buf, s, strlen(s));
}

static void
append_fit(StringInfo buf, const AnnotatorModelView *view)
{
	appendStringInfo(buf, "{\"items\": " INT64_FORMAT
					 ", \"annotations\": " INT64_FORMAT
					 ", \"gold_items\": " INT64_FORMAT ", \"gold_weight\": ",
					 view->items, view->n_annotations, view->gold_items);
	jsonio_append_double(buf, view->gold_weight);
	appendStringInfo(buf, ", \"iterations\": %d, \"converged\": %s"
					 ", \"log_likelihood\": ",
					 view->iterations, view->converged ? "true" : "false");
	jsonio_append_double(buf, view->log_likelihood);
	appendStringInfoString(buf, ", \"stopped_by\": ");
	append_cstring(buf, view->stopped_by);
	appendStringInfo(buf, ", \"truths_given\": %s, \"majority_disagreement\": ",
					 view->truths_given ? "true" : "false");
	if (view->majority_disagreement < 0)
		appendStringInfoString(buf, "null");
	else
		jsonio_append_double(buf, view->majority_disagreement);
	appendStringInfoString(buf, ", \"warnings\": [");
	for (uint32 i = 0; i < view->n_warnings; i++)
	{
		if (i > 0)
			appendStringInfoString(buf, ", ");
		append_cstring(buf, view->warnings[i]);
	}
	appendStringInfoString(buf, "]}");
}

/* Groups of two annotators or more, as arrays of their names. */
static void
append_groups(StringInfo buf, const AnnotatorModelView *view)
{
	uint32		n = view->group == NULL ? 0 : view->annotators.n;
	uint32	   *next = nl_alloc(CurrentMemoryContext, mul_size(Max(n, 1), sizeof(uint32)));
	uint32	   *last = nl_alloc(CurrentMemoryContext, mul_size(Max(n, 1), sizeof(uint32)));
	const char *separator = "";

	for (uint32 j = 0; j < n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		next[j] = n;
		if (view->group[j] != j)
			next[last[view->group[j]]] = j;
		last[view->group[j]] = j;
	}
	for (uint32 j = 0; j < n; j++)
	{
		if (view->group[j] != j || next[j] == n)
			continue;
		for (uint32 member = j; member < n; member = next[member])
		{
			CHECK_FOR_INTERRUPTS();
			appendStringInfo(buf, "%s%s", member == j ? separator : ", ", member == j ? "[" : "");
			jsonio_append_name(buf, names_get(&view->annotators, member));
		}
		appendStringInfoChar(buf, ']');
		separator = ", ";
	}
	pfree(next);
	pfree(last);
}

static void
append_voices(StringInfo buf, const AnnotatorModelView *view)
{
	appendStringInfo(buf, ", \"voices\": {\"of\": \"%s\", \"groups\": [",
					 view->voices == VOICES_ANSWERS ? "answers" : "annotators");
	append_groups(buf, view);
	appendStringInfoString(buf, "], \"correlation\": ");
	jsonio_append_double(buf, view->correlation);
	appendStringInfo(buf, ", \"gold_items\": " INT64_FORMAT ", \"teaching_items\": " INT64_FORMAT "}",
					 view->correlation_items, view->teaching_items);
}

/* What was said about classes before the fit; nothing, as a rule. */
static void
append_classes(StringInfo buf, const AnnotatorModelView *view)
{
	if (!view->prior_known && view->abstains == 0)
		return;
	appendStringInfo(buf, ", \"classes\": {\"prior_known\": %s, \"abstain\": ",
					 view->prior_known ? "true" : "false");
	if (view->abstains == 0)
		appendStringInfoString(buf, "null");
	else
		jsonio_append_name(buf, names_get(&view->labels, view->abstains - 1));
	appendStringInfo(buf, ", \"silence\": %s}", view->silence ? "true" : "false");
}

static void
append_component(StringInfo buf, const AnnotatorModelView *view,
				 const ModelComponent *c)
{
	appendStringInfo(buf, "{\"variant\": \"%s\", \"weight\": ",
					 variant_names[c->variant]);
	jsonio_append_double(buf, c->weight);
	appendStringInfoString(buf, ", \"prior\": ");
	jsonio_append_doubles(buf, c->prior, view->labels.n);
	appendStringInfoString(buf, ", \"pool\": ");
	append_matrix(buf, c->pool, view->labels.n);
	appendStringInfoString(buf, ", \"confusion\": ");
	append_tables(buf, c->confusion, view->annotators.n, view->labels.n);
	appendStringInfoChar(buf, '}');
}

/* The notes that there are, by annotator. */
static void
append_notes(StringInfo buf, const AnnotatorModelView *view)
{
	const char *separator = "";

	appendStringInfoString(buf, ", \"notes\": {");
	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		if (view->notes[j][0] == '\0')
			continue;
		appendStringInfoString(buf, separator);
		jsonio_append_name(buf, names_get(&view->annotators, j));
		appendStringInfoString(buf, ": ");
		append_cstring(buf, view->notes[j]);
		separator = ", ";
	}
	appendStringInfoChar(buf, '}');
}

/* Where it is another than the counts say. */
static void
append_reported(StringInfo buf, const AnnotatorModelView *view)
{
	if (!model_is_tempered(view))
		return;
	appendStringInfoString(buf, ", \"reported_right\": ");
	jsonio_append_doubles(buf, view->reported_right, view->annotators.n);
	appendStringInfoString(buf, ", \"reported_variances\": ");
	jsonio_append_doubles(buf, view->reported_variances, view->annotators.n);
}

static void
write_json(StringInfo buf, const void *value)
{
	AnnotatorModelView view = annotator_model_view(value);

	appendStringInfoString(buf, "{\"method\": ");
	append_cstring(buf, view.method);
	appendStringInfo(buf, ", \"options\": %s, \"fit\": ", view.options);
	append_fit(buf, &view);
	append_voices(buf, &view);
	append_classes(buf, &view);
	appendStringInfoString(buf, ", \"labels\": ");
	jsonio_append_names(buf, &view.labels);
	appendStringInfoString(buf, ", \"annotators\": ");
	jsonio_append_names(buf, &view.annotators);
	appendStringInfoString(buf, ", \"components\": [");
	for (uint32 i = 0; i < view.n_components; i++)
	{
		if (i > 0)
			appendStringInfoString(buf, ", ");
		append_component(buf, &view, &view.components[i]);
	}
	appendStringInfoString(buf, "], \"annotations\": ");
	jsonio_append_doubles(buf, view.annotations, view.annotators.n);
	appendStringInfoString(buf, ", \"gold_annotations\": ");
	jsonio_append_doubles(buf, view.gold_annotations, view.annotators.n);
	append_reported(buf, &view);
	append_notes(buf, &view);
	appendStringInfoString(buf, ", \"counts\": ");
	append_tables(buf, view.counts, view.annotators.n, view.labels.n);
	appendStringInfoString(buf, ", \"variances\": ");
	append_tables(buf, view.variances, view.annotators.n, view.labels.n);
	appendStringInfoChar(buf, '}');
}

static void
read_matrix(JsonText array, const char *what, double *matrix, uint32 classes)
{
	double	   *truth_first = palloc((Size) classes * classes * sizeof(double));

	jsonio_read_matrix(type_name, array, what, truth_first, classes, classes);
	model_matrix_transpose(truth_first, matrix, classes);
	pfree(truth_first);
}

static void
read_tables(JsonText array, const char *what, double *tables,
			uint32 n, uint32 classes)
{
	JsonText	at = jsonio_first(jsonio_array(type_name, array, what));
	uint32		i = 0;

	for (; at != NULL && i < n; at = jsonio_next(at), i++)
	{
		if (*at != '[')
			jsonio_invalid(type_name, psprintf("The elements of \"%s\" must be arrays.", what));
		read_matrix(at, what, tables + (Size) i * classes * classes, classes);
	}
	if (at != NULL || i < n)
		jsonio_invalid(type_name, psprintf("\"%s\" has %u matrices for %u annotators.",
										   what, jsonio_size(array), n));
}

static Variant
variant_by_name(const char *name)
{
	for (int i = 0; i < VARIANT_COUNT; i++)
		if (strcmp(name, variant_names[i]) == 0)
			return (Variant) i;
	jsonio_invalid(type_name, psprintf("\"%s\" is not a variant.", name));
}

static void
read_component(JsonText object, const AnnotatorModelView *view,
			   ModelComponent *c)
{
	static const char *const keys[] = {"variant", "weight", "prior", "pool", "confusion"};
	JsonText	field[lengthof(keys)];
	uint32		k = view->labels.n;

	jsonio_fields(type_name, jsonio_object(type_name, object, "components"), keys,
				  lengthof(keys), field);
	c->variant = variant_by_name(jsonio_string(type_name, field[0], "variant"));
	c->weight = jsonio_double(type_name, field[1], "weight");
	jsonio_read_doubles(type_name, field[2], "prior", c->prior, k);
	read_matrix(field[3], "pool", c->pool, k);
	read_tables(field[4], "confusion", c->confusion, view->annotators.n, k);
}

static void
read_fit(JsonText fit, AnnotatorModelView *view)
{
	static const char *const keys[] = {"items", "annotations", "gold_items", "gold_weight",
	"iterations", "converged", "log_likelihood", "stopped_by", "truths_given",
	"majority_disagreement", "warnings"};
	JsonText	field[lengthof(keys)];
	Dictionary *warnings = dictionary_create(CurrentMemoryContext, "warning", MAX_WARNINGS);

	jsonio_fields(type_name, jsonio_object(type_name, fit, "fit"), keys,
				  lengthof(keys), field);
	view->items = jsonio_count(type_name, field[0], "items", MAX_COUNT);
	view->n_annotations = jsonio_count(type_name, field[1], "annotations", MAX_COUNT);
	view->gold_items = jsonio_count(type_name, field[2], "gold_items", MAX_COUNT);
	view->gold_weight = jsonio_double(type_name, field[3], "gold_weight");
	view->iterations = jsonio_count(type_name, field[4], "iterations", PG_INT32_MAX);
	view->converged = jsonio_bool(type_name, field[5], "converged");
	view->log_likelihood = jsonio_double(type_name, field[6], "log_likelihood");
	view->stopped_by = jsonio_string(type_name, field[7], "stopped_by");
	view->truths_given = jsonio_bool(type_name, field[8], "truths_given");
	view->majority_disagreement = *field[9] == 'n' ? -1 :
		jsonio_double(type_name, field[9], "majority_disagreement");
	jsonio_read_names(type_name, field[10], "warnings", warnings);
	view->n_warnings = warnings->n;
	view->warnings = palloc(Max(warnings->n, 1) * sizeof(char *));
	for (uint32 i = 0; i < warnings->n; i++)
	{
		NameView	text = dictionary_get(warnings, i);

		view->warnings[i] = pnstrdup(text.s, text.len);
	}
}

static InputNames
read_names(JsonText array, const char *what, const char *kind, uint32 max)
{
	InputNames	input = {.dict = dictionary_create(CurrentMemoryContext, kind, max)};

	jsonio_read_names(type_name, array, what, input.dict);
	return input;
}

/* One group: an array of annotators, who are not in another one. */
static void
read_group(JsonText array, Dictionary *annotators, uint32 *group)
{
	JsonText	at = jsonio_first(jsonio_array(type_name, array, "groups"));
	int64		first = -1;

	for (; at != NULL; at = jsonio_next(at))
	{
		char	   *name = jsonio_string(type_name, at, "groups");
		int64		member = dictionary_find(annotators, name_of(name));

		CHECK_FOR_INTERRUPTS();
		if (member < 0 || group[member] != member || member == first)
			jsonio_invalid(type_name, psprintf("Member \"%s\" of \"groups\" is no annotator, or occurs twice.", name));
		if (first < 0)
			first = member;
		group[member] = first;
		pfree(name);
	}
}

static void
read_voices(JsonText object, AnnotatorModelView *view, Dictionary *annotators)
{
	static const char *const keys[] = {"of", "groups", "correlation", "gold_items",
	"teaching_items"};
	JsonText	field[lengthof(keys)];
	JsonText	at;
	char	   *of;

	jsonio_fields(type_name, jsonio_object(type_name, object, "voices"), keys,
				  lengthof(keys), field);
	of = jsonio_string(type_name, field[0], "of");
	if (strcmp(of, "answers") != 0 && strcmp(of, "annotators") != 0)
		jsonio_invalid(type_name, psprintf("Voices of \"%s\" are not known.", of));
	view->voices = strcmp(of, "answers") == 0 ? VOICES_ANSWERS : VOICES_ANNOTATORS;
	view->correlation = jsonio_double(type_name, field[2], "correlation");
	view->correlation_items = jsonio_count(type_name, field[3], "gold_items", MAX_COUNT);
	view->teaching_items = jsonio_count(type_name, field[4], "teaching_items", MAX_COUNT);
	at = jsonio_first(jsonio_array(type_name, field[1], "groups"));
	if (at == NULL)
		return;
	if (view->voices == VOICES_ANSWERS)
		jsonio_invalid(type_name, "There are groups, but voices of answers.");
	view->voices = VOICES_GROUPS;
	view->group = nl_alloc(CurrentMemoryContext,
						   mul_size(Max(annotators->n, 1), sizeof(uint32)));
	for (uint32 j = 0; j < annotators->n; j++)
		view->group[j] = j;
	for (; at != NULL; at = jsonio_next(at))
		read_group(at, annotators, view->group);
}

/* What append_classes() wrote, if anything. */
static void
read_classes(JsonText object, AnnotatorModelView *view, Dictionary *labels)
{
	static const char *const keys[] = {"prior_known", "abstain", "silence"};
	JsonText	field[lengthof(keys)];
	JsonText	classes = jsonio_find(object, "classes");
	int64		label;

	if (classes == NULL)
		return;
	jsonio_fields(type_name, jsonio_object(type_name, classes, "classes"), keys,
				  lengthof(keys), field);
	view->prior_known = jsonio_bool(type_name, field[0], "prior_known");
	view->silence = jsonio_bool(type_name, field[2], "silence");
	if (*field[1] == 'n')
		return;
	label = dictionary_find(labels, name_of(jsonio_string(type_name, field[1], "abstain")));
	if (label < 0)
		jsonio_invalid(type_name, "\"abstain\" is no label.");
	view->abstains = label + 1;
}

/* The text must be long enough for the numbers that memory is taken for. */
static void
check_length(const AnnotatorModelView *view, const char *text)
{
	Size		doubles = annotator_model_doubles(view->labels.n, view->annotators.n,
												  view->n_components);

	if (doubles > strlen(text) / 2)
		jsonio_invalid(type_name, psprintf("It is too short for the matrices of %u labels and %u annotators.",
										   view->labels.n, view->annotators.n));
}

static void
read_notes(JsonText object, AnnotatorModelView *view, Dictionary *annotators)
{
	JsonText	at = jsonio_first(jsonio_object(type_name, object, "notes"));

	for (; at != NULL; at = jsonio_next(jsonio_member(at)))
	{
		char	   *name = jsonio_key(at);
		int64		annotator = dictionary_find(annotators, name_of(name));

		CHECK_FOR_INTERRUPTS();
		if (annotator < 0)
			jsonio_invalid(type_name, psprintf("\"%s\" of \"notes\" is no annotator.", name));
		view->notes[annotator] = jsonio_string(type_name, jsonio_member(at), "notes");
		pfree(name);
	}
}

/* What append_reported() wrote; zeros where it writes nothing. */
static void
read_reported(JsonText object, AnnotatorModelView *view)
{
	static const char *const keys[] = {"reported_right", "reported_variances"};
	JsonText	field[lengthof(keys)];
	uint32		n = view->annotators.n;

	nl_clear(view->reported_right, n * sizeof(double));
	nl_clear(view->reported_variances, n * sizeof(double));
	if (!model_is_tempered(view))
		return;
	jsonio_fields(type_name, object, keys, lengthof(keys), field);
	jsonio_read_doubles(type_name, field[0], keys[0], view->reported_right, n);
	jsonio_read_doubles(type_name, field[1], keys[1], view->reported_variances, n);
}

static void
read_components(JsonText array, AnnotatorModelView *view)
{
	JsonText	at = jsonio_first(array);

	for (uint32 i = 0; i < view->n_components; at = jsonio_next(at), i++)
		read_component(at, view, &view->components[i]);
}

static Datum
read_json(const char *text)
{
	static const char *const keys[] = {"method", "options", "fit", "voices", "labels", "annotators",
	"components", "annotations", "gold_annotations", "notes", "counts", "variances"};
	JsonText	object = jsonio_parse_object(type_name, text);
	JsonText	field[lengthof(keys)];
	AnnotatorModelView view = {0};
	InputNames	labels;
	InputNames	annotators;

	jsonio_fields(type_name, object, keys, lengthof(keys), field);
	view.method = jsonio_string(type_name, field[0], "method");
	view.options = jsonio_options(type_name, field[1], "options");
	read_fit(field[2], &view);
	labels = read_names(field[4], "labels", "label", NL_MAX_CLASSES);
	annotators = read_names(field[5], "annotators", "annotator", PG_INT32_MAX);
	view.labels = set_order(&labels, ORDER_LABELS);
	view.annotators = set_order(&annotators, ORDER_BYTES);
	view.n_components = jsonio_size(jsonio_array(type_name, field[6], "components"));
	if (view.n_components > MAX_COMPONENTS)
		jsonio_invalid(type_name, "It has too many components.");
	check_length(&view, text);
	allocate_tables(&view);
	read_voices(field[3], &view, annotators.dict);
	read_classes(object, &view, labels.dict);
	read_components(field[6], &view);
	jsonio_read_doubles(type_name, field[7], "annotations", view.annotations,
						view.annotators.n);
	jsonio_read_doubles(type_name, field[8], "gold_annotations", view.gold_annotations,
						view.annotators.n);
	read_notes(field[9], &view, annotators.dict);
	read_tables(field[10], "counts", view.counts, view.annotators.n, view.labels.n);
	read_tables(field[11], "variances", view.variances, view.annotators.n, view.labels.n);
	read_reported(object, &view);
	return finish_input(&view, &labels, &annotators);
}

/*
 * Binary form, in the order of the fields of AnnotatorModelView
 */
static void
send_voices(StringInfo buf, const AnnotatorModelView *view)
{
	pq_sendfloat8(buf, view->correlation);
	pq_sendint64(buf, view->correlation_items);
	pq_sendint64(buf, view->teaching_items);
	pq_sendint8(buf, view->voices);
	for (uint32 j = 0; j < view->annotators.n && view->voices == VOICES_GROUPS; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		pq_sendint32(buf, view->group[j]);
	}
}

/* The notes that there are: whose, and the text. */
static void
send_notes(StringInfo buf, const AnnotatorModelView *view, int encoding)
{
	uint32		n = 0;

	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		n += view->notes[j][0] != '\0';
	}
	pq_sendint32(buf, n);
	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		if (view->notes[j][0] == '\0')
			continue;
		pq_sendint32(buf, j);
		name_send(buf, name_of(view->notes[j]), encoding);
	}
}

static void
write_binary(StringInfo buf, const void *value, int encoding)
{
	AnnotatorModelView view = annotator_model_view(value);
	Size		tables = view.annotators.n * model_cells(&view);

	value_send_version(buf, KIND_ANNOTATOR_MODEL);
	names_send(buf, &view.labels, encoding);
	names_send(buf, &view.annotators, encoding);
	pq_sendint32(buf, view.n_components);
	for (uint32 i = 0; i < view.n_components; i++)
	{
		const ModelComponent *c = &view.components[i];

		pq_sendint32(buf, c->variant);
		pq_sendfloat8(buf, c->weight);
		value_send_doubles(buf, c->prior, view.labels.n);
		value_send_doubles(buf, c->pool, model_cells(&view));
		value_send_doubles(buf, c->confusion, tables);
	}
	value_send_doubles(buf, view.annotations, view.annotators.n);
	value_send_doubles(buf, view.gold_annotations, view.annotators.n);
	value_send_doubles(buf, view.reported_right, view.annotators.n);
	value_send_doubles(buf, view.reported_variances, view.annotators.n);
	value_send_doubles(buf, view.counts, tables);
	value_send_doubles(buf, view.variances, tables);
	pq_sendint64(buf, view.items);
	pq_sendint64(buf, view.n_annotations);
	pq_sendint64(buf, view.gold_items);
	pq_sendfloat8(buf, view.gold_weight);
	pq_sendint32(buf, view.iterations);
	pq_sendint8(buf, view.converged);
	pq_sendfloat8(buf, view.log_likelihood);
	name_send(buf, name_of(view.method), encoding);
	name_send(buf, name_of(view.options), encoding);
	name_send(buf, name_of(view.stopped_by), encoding);
	pq_sendint8(buf, view.truths_given);
	pq_sendint8(buf, view.prior_known);
	pq_sendint8(buf, view.silence);
	pq_sendint32(buf, view.abstains);
	pq_sendfloat8(buf, view.majority_disagreement);
	send_voices(buf, &view);
	pq_sendint32(buf, view.n_warnings);
	for (uint32 i = 0; i < view.n_warnings; i++)
		name_send(buf, name_of(view.warnings[i]), encoding);
	send_notes(buf, &view, encoding);
}

static char *
recv_string(StringInfo buf, int encoding)
{
	return value_recv_string(buf, KIND_ANNOTATOR_MODEL, "A text has", encoding);
}

/* The options are shown as JSON, so they must be. */
static char *
recv_options(StringInfo buf, int encoding)
{
	char	   *options = recv_string(buf, encoding);

	return jsonio_options(type_name, jsonio_parse_object(type_name, options), "options");
}

static InputNames
recv_names(StringInfo buf, const char *kind, uint32 max, int encoding)
{
	InputNames	input = {.dict = dictionary_create(CurrentMemoryContext, kind, max)};

	dictionary_recv(input.dict, buf, encoding);
	return input;
}

static void
recv_component(StringInfo buf, const AnnotatorModelView *view, ModelComponent *c)
{
	uint32		variant = pq_getmsgint(buf, 4);

	if (variant >= VARIANT_COUNT)
		value_invalid_binary(KIND_ANNOTATOR_MODEL, "Its variant is not known.");
	c->variant = variant;
	c->weight = value_recv_double(buf);
	value_recv_doubles(buf, c->prior, view->labels.n);
	value_recv_doubles(buf, c->pool, model_cells(view));
	value_recv_doubles(buf, c->confusion, view->annotators.n * model_cells(view));
}

static void
recv_voices(StringInfo buf, AnnotatorModelView *view)
{
	uint32		n = view->annotators.n;

	view->correlation = value_recv_double(buf);
	view->correlation_items = pq_getmsgint64(buf);
	view->teaching_items = pq_getmsgint64(buf);
	view->voices = (ModelVoices) pq_getmsgbyte(buf);
	if (view->voices > VOICES_GROUPS)
		value_invalid_binary(KIND_ANNOTATOR_MODEL, "Its voices are not known.");
	if (view->voices != VOICES_GROUPS)
		return;
	if (n > (uint32) (buf->len - buf->cursor) / 4)
		value_invalid_binary(KIND_ANNOTATOR_MODEL, "It is truncated.");
	view->group = nl_alloc(CurrentMemoryContext, mul_size(Max(n, 1), sizeof(uint32)));
	for (uint32 j = 0; j < n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		view->group[j] = pq_getmsgint(buf, 4);
		if (view->group[j] > j || view->group[view->group[j]] != view->group[j])
			value_invalid_binary(KIND_ANNOTATOR_MODEL, "A group is not one.");
	}
}

static void
recv_notes(StringInfo buf, AnnotatorModelView *view, int encoding)
{
	uint32		n = pq_getmsgint(buf, 4);

	for (uint32 i = 0; i < n; i++)
	{
		uint32		annotator = pq_getmsgint(buf, 4);

		CHECK_FOR_INTERRUPTS();
		if (annotator >= view->annotators.n)
			value_invalid_binary(KIND_ANNOTATOR_MODEL, "A note is about nobody.");
		view->notes[annotator] = recv_string(buf, encoding);
	}
}

static void
recv_fit(StringInfo buf, AnnotatorModelView *view, int encoding)
{
	view->items = pq_getmsgint64(buf);
	view->n_annotations = pq_getmsgint64(buf);
	view->gold_items = pq_getmsgint64(buf);
	view->gold_weight = value_recv_double(buf);
	view->iterations = pq_getmsgint(buf, 4);
	view->converged = pq_getmsgbyte(buf) != 0;
	view->log_likelihood = value_recv_double(buf);
	view->method = recv_string(buf, encoding);
	view->options = recv_options(buf, encoding);
	view->stopped_by = recv_string(buf, encoding);
	view->truths_given = pq_getmsgbyte(buf) != 0;
	view->prior_known = pq_getmsgbyte(buf) != 0;
	view->silence = pq_getmsgbyte(buf) != 0;
	view->abstains = pq_getmsgint(buf, 4);
	view->majority_disagreement = value_recv_double(buf);
	recv_voices(buf, view);
	view->n_warnings = pq_getmsgint(buf, 4);
	if (view->n_warnings > (uint32) (buf->len - buf->cursor) / 4)
		value_invalid_binary(KIND_ANNOTATOR_MODEL, "It is truncated.");
	view->warnings = palloc(Max(view->n_warnings, 1) * sizeof(char *));
	for (uint32 i = 0; i < view->n_warnings; i++)
		view->warnings[i] = recv_string(buf, encoding);
	recv_notes(buf, view, encoding);
}

static Datum
read_binary(StringInfo buf, int encoding)
{
	AnnotatorModelView view = {0};
	InputNames	labels;
	InputNames	annotators;
	Size		doubles;

	value_recv_version(buf, KIND_ANNOTATOR_MODEL);
	labels = recv_names(buf, "label", NL_MAX_CLASSES, encoding);
	annotators = recv_names(buf, "annotator", PG_INT32_MAX, encoding);
	view.labels = set_order(&labels, ORDER_LABELS);
	view.annotators = set_order(&annotators, ORDER_BYTES);
	view.n_components = pq_getmsgint(buf, 4);
	if (view.n_components > MAX_COMPONENTS)
		value_invalid_binary(KIND_ANNOTATOR_MODEL, "It has too many components.");

	/* nothing is allocated for numbers that are not there */
	doubles = annotator_model_doubles(view.labels.n, view.annotators.n, view.n_components);
	if (doubles > (Size) (buf->len - buf->cursor) / sizeof(double) + view.n_components)
		value_invalid_binary(KIND_ANNOTATOR_MODEL, "It is truncated.");
	allocate_tables(&view);
	for (uint32 i = 0; i < view.n_components; i++)
		recv_component(buf, &view, &view.components[i]);
	value_recv_doubles(buf, view.annotations, view.annotators.n);
	value_recv_doubles(buf, view.gold_annotations, view.annotators.n);
	value_recv_doubles(buf, view.reported_right, view.annotators.n);
	value_recv_doubles(buf, view.reported_variances, view.annotators.n);
	value_recv_doubles(buf, view.counts, view.annotators.n * model_cells(&view));
	value_recv_doubles(buf, view.variances, view.annotators.n * model_cells(&view));
	recv_fit(buf, &view, encoding);
	pq_getmsgend(buf);
	return finish_input(&view, &labels, &annotators);
}

const ValueForms annotator_model_forms = {
	KIND_ANNOTATOR_MODEL, write_json, write_binary, read_json, read_binary
};

VALUE_INPUT_FUNCTIONS(annotator_model)
VALUE_OUTPUT_FUNCTIONS(annotator_model, annotator_model_get)
