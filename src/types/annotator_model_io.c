/*
 * annotator_model_io.c
 *		Text and binary input and output of annotator_model.
 *
 * Text form: JSON, its matrices with the truth as rows.  Binary form: version;
 * names of labels and annotators; the components; annotations, those on gold, what
 * is reported of them, the columns of evidence; the fit record; its matrices with the
 * label first and no larger than the variant needs, as they are stored.  Both are read
 * into a view that is checked as a whole and put into canonical order.
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

/* Right and wrong answers, n of each for a unit: every wrong answer has its rate. */
static void
check_coins(const double *coins, Size units, Size n, Size classes)
{
	for (Size j = 0; j < units; j++, coins += 2 * n)
	{
		CHECK_FOR_INTERRUPTS();
		for (Size k = 0; k < n; k++)
		{
			double		sum = coins[k] + (classes - 1) * coins[n + k];

			if (!(coins[k] >= 0 && coins[n + k] >= 0 && fabs(sum - 1) <= 1e-6) ||
				(classes == 1 && coins[n + k] != 0))
				invalid_model(psprintf("the rates of a right answer, %s, and of each wrong one, %s, are none of %zu classes",
									   nl_number(coins[k]), nl_number(coins[n + k]), classes));
		}
	}
}

/* What a component has for its annotators. */
static void
check_rates(const AnnotatorModelView *view, const ModelComponent *c)
{
	Size		labels = view->labels.n;
	Size		units = variant_units(c->variant, view->annotators.n);

	if (variant_has_coins(c->variant))
		check_coins(c->confusion, units, variant_cells(c->variant, labels) / 2, labels);
	else
		check_matrices(c->confusion, units, labels, "a row of a confusion matrix");
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

/* Where silence is an answer, there is no truth without it. */
static void
check_silence(const AnnotatorModelView *view, uint32 component, uint32 none)
{
	Size		labels = view->labels.n;
	double	   *rates = nl_alloc(CurrentMemoryContext, model_cells(view) * sizeof(double));

	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		CHECK_FOR_INTERRUPTS();
		model_component_rates(view, component, j, rates);
		for (Size k = 0; k < labels; k++)
			if (rates[none * labels + k] <= 0)
				invalid_model("silence has the probability 0");
	}
	pfree(rates);
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
		if (view->components[i].prior[none] != 0)
			invalid_model("the label that stands for no class has a class prior");
		if (view->silence)
			check_silence(view, i, none);
	}
	if (view->shares != NULL && view->shares[none] != 0)
		invalid_model("the label that stands for no class has a class share");
}

static void
check_model(const AnnotatorModelView *view)
{
	Size		labels = view->labels.n;
	Size		annotators = view->annotators.n;
	Size		columns = evidence_columns(&view->evidence, annotators);
	double	   *weights = palloc(Max(view->n_components, 1) * sizeof(double));

	if (labels == 0 || view->n_components == 0)
		invalid_model("it has no labels or no components");
	for (uint32 i = 0; i < view->n_components; i++)
	{
		ModelComponent *c = &view->components[i];

		weights[i] = c->weight;
		check_distributions(c->prior, labels, 1, "a class prior");
		check_matrices(c->pool, 1, labels, "a row of the pool");
		check_rates(view, c);
	}
	check_distributions(weights, view->n_components, 1, "the list of weights");
	if (view->shares != NULL)
		check_distributions(view->shares, labels, 1, "the list of class shares");
	check_counts(view->annotations, annotators, "\"annotations\"");
	check_counts(view->gold_annotations, annotators, "\"gold_annotations\"");
	check_counts(view->reported_right, annotators, "\"reported_right\"");
	check_counts(view->reported_variances, annotators, "\"reported_variances\"");
	check_counts(view->evidence.counts, columns * labels, "\"counts\"");
	check_counts(view->evidence.variances, columns * labels, "\"variances\"");
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

/* Memory of a model with so many columns: what is read into, a copy of it, and the stored form. */
static void
check_memory(const AnnotatorModelView *view, Size columns)
{
	Size		size = value_check_size(annotator_model_size(view, columns), KIND_ANNOTATOR_MODEL);

	value_check_memory(mul_size(size, 3), KIND_ANNOTATOR_MODEL, "reading an");
}

/* What is known of each annotator but rates and evidence. */
static void
allocate_annotators(AnnotatorModelView *view)
{
	MemoryContext context = CurrentMemoryContext;
	Size		doubles = mul_size(Max(view->annotators.n, 1), sizeof(double));

	view->annotations = nl_alloc(context, doubles);
	view->gold_annotations = nl_alloc(context, doubles);
	view->reported_right = nl_alloc(context, doubles);
	view->reported_variances = nl_alloc(context, doubles);
	view->notes = nl_alloc(context, mul_size(Max(view->annotators.n, 1), sizeof(char *)));
	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		view->notes[j] = "";
	}
}

/* Of a component whose variant is known. */
static void
allocate_component(const AnnotatorModelView *view, ModelComponent *c)
{
	MemoryContext context = CurrentMemoryContext;
	Size		rates = variant_doubles(c->variant, view->annotators.n, view->labels.n);

	c->prior = palloc(Max(view->labels.n, 1) * sizeof(double));
	c->pool = nl_alloc(context, Max(model_cells(view), 1) * sizeof(double));
	c->confusion = nl_alloc(context, mul_size(Max(rates, 1), sizeof(double)));
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
	result = nl_alloc(CurrentMemoryContext, Max(n * size, 1) * sizeof(double));
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

/* Put n rows of numbers, one for each label, into canonical order, in place. */
static void
reorder_rows(double *rows, Size n, const InputNames *labels)
{
	Size		classes = labels->dict->n;
	double	   *copy = palloc(Max(classes, 1) * sizeof(double));

	for (Size i = 0; i < n; i++, rows += classes)
	{
		CHECK_FOR_INTERRUPTS();
		memcpy(copy, rows, classes * sizeof(double));
		for (Size k = 0; k < classes; k++)
			rows[k] = copy[labels->order[k]];
	}
	pfree(copy);
}

static void
reorder_component(ModelComponent *c, const AnnotatorModelView *view, const InputNames *labels,
				  const InputNames *annotators)
{
	Size		classes = view->labels.n;
	Size		units = variant_units(c->variant, view->annotators.n);

	reorder_rows(c->prior, 1, labels);
	reorder_cells(c->pool, 1, labels);
	if (c->variant == VARIANT_CLASS)
		reorder_rows(c->confusion, 2 * units, labels);
	else if (!variant_has_coins(c->variant))
		reorder_cells(c->confusion, units, labels);
	if (!variant_is_common(c->variant))
		c->confusion = reorder_blocks(c->confusion, annotators->order, units,
									  variant_cells(c->variant, classes));
}

static Datum
finish_input(AnnotatorModelView *view, InputNames *labels, InputNames *annotators)
{
	check_model(view);
	for (uint32 i = 0; i < view->n_components; i++)
		reorder_component(&view->components[i], view, labels, annotators);
	if (view->shares != NULL)
		reorder_rows(view->shares, 1, labels);
	view->evidence = evidence_select(&view->evidence, view->annotators.n, annotators->order,
									 view->labels.n, labels->order, view->labels.n);
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

/* Which matrix of an annotator. */
typedef enum MatrixOf
{
	OF_COMPONENT,				/* and those that follow: the rates of each component */
	OF_VARIANCES = -1,
	OF_COUNTS = -2
} MatrixOf;

/* The matrices of all annotators, of component "of" or of the evidence. */
static void
append_matrices(StringInfo buf, const AnnotatorModelView *view, int of)
{
	const ModelEvidence *e = &view->evidence;
	double	   *matrix = nl_alloc(CurrentMemoryContext, model_cells(view) * sizeof(double));

	appendStringInfoChar(buf, '[');
	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		if (j > 0)
			appendStringInfoString(buf, ", ");
		if (of >= OF_COMPONENT)
			model_component_rates(view, of, j, matrix);
		else
			evidence_matrix(e, of == OF_COUNTS ? e->counts : e->variances, j, view->labels.n, matrix);
		append_matrix(buf, matrix, view->labels.n);
	}
	appendStringInfoChar(buf, ']');
	pfree(matrix);
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

/* Where they are others than the class prior. */
static void
append_shares(StringInfo buf, const AnnotatorModelView *view)
{
	if (view->shares == NULL)
		return;
	appendStringInfoString(buf, ", \"class_shares\": ");
	jsonio_append_doubles(buf, view->shares, view->labels.n);
}

static void
append_component(StringInfo buf, const AnnotatorModelView *view, uint32 component)
{
	const ModelComponent *c = &view->components[component];

	appendStringInfo(buf, "{\"variant\": \"%s\", \"weight\": ",
					 variant_names[c->variant]);
	jsonio_append_double(buf, c->weight);
	appendStringInfoString(buf, ", \"prior\": ");
	jsonio_append_doubles(buf, c->prior, view->labels.n);
	appendStringInfoString(buf, ", \"pool\": ");
	append_matrix(buf, c->pool, view->labels.n);
	appendStringInfoString(buf, ", \"confusion\": ");
	append_matrices(buf, view, component);
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
		append_component(buf, &view, i);
	}
	appendStringInfoChar(buf, ']');
	append_shares(buf, &view);
	appendStringInfoString(buf, ", \"annotations\": ");
	jsonio_append_doubles(buf, view.annotations, view.annotators.n);
	appendStringInfoString(buf, ", \"gold_annotations\": ");
	jsonio_append_doubles(buf, view.gold_annotations, view.annotators.n);
	append_reported(buf, &view);
	append_notes(buf, &view);
	appendStringInfoString(buf, ", \"counts\": ");
	append_matrices(buf, &view, OF_COUNTS);
	appendStringInfoString(buf, ", \"variances\": ");
	append_matrices(buf, &view, OF_VARIANCES);
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

/* Reads the next matrix of an array of one for each annotator. */
static JsonText
read_next(JsonText at, const char *what, double *matrix, uint32 classes)
{
	if (*at != '[')
		jsonio_invalid(type_name, psprintf("The elements of \"%s\" must be arrays.", what));
	read_matrix(at, what, matrix, classes);
	return jsonio_next(at);
}

/* The first matrix of such an array. */
static JsonText
first_of(JsonText array, const char *what, uint32 n)
{
	uint32		matrices = jsonio_size(jsonio_array(type_name, array, what));

	if (matrices != n)
		jsonio_invalid(type_name, psprintf("\"%s\" has %u matrices for %u annotators.",
										   what, matrices, n));
	return jsonio_first(array);
}

static double *
read_tables(JsonText array, const char *what, uint32 n, uint32 classes)
{
	Size		cells = (Size) classes * classes;
	double	   *tables = nl_alloc(CurrentMemoryContext, Max(n * cells, 1) * sizeof(double));
	JsonText	at = first_of(array, what, n);

	for (uint32 j = 0; j < n; j++)
		at = read_next(at, what, tables + j * cells, classes);
	return tables;
}

/* The numbers that a variant tells apart, of a matrix that has them all. */
static void
tie_matrix(Variant variant, const double *matrix, Size classes, double *unit)
{
	Size		n = variant_cells(variant, classes);

	if (!variant_has_coins(variant))
		memcpy(unit, matrix, n * sizeof(double));
	for (Size k = 0; k < n / 2 && variant_has_coins(variant); k++)
	{
		unit[k] = matrix[k * classes + k];
		unit[n / 2 + k] = classes == 1 ? 0 : matrix[(k == 0 ? 1 : 0) * classes + k];
	}
}

/* Matrices of a component, which must be such as its variant has. */
static void
read_rates(JsonText array, const AnnotatorModelView *view, uint32 component)
{
	MemoryContext context = CurrentMemoryContext;
	const ModelComponent *c = &view->components[component];
	Size		classes = view->labels.n;
	Size		bytes = model_cells(view) * sizeof(double);
	double	   *matrix = nl_alloc(context, bytes);
	double	   *tied = nl_alloc(context, bytes);
	JsonText	at = first_of(array, "confusion", view->annotators.n);

	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		at = read_next(at, "confusion", matrix, classes);
		if (j == 0 || !variant_is_common(c->variant))
			tie_matrix(c->variant, matrix, classes,
					   c->confusion + j * variant_cells(c->variant, classes));
		model_component_rates(view, component, j, tied);
		for (Size i = 0; i < classes * classes; i++)
			if (matrix[i] != tied[i])
				jsonio_invalid(type_name, psprintf("Rates of variant \"%s\" that must be equal are %s and %s.",
												   variant_names[c->variant], nl_number(tied[i]),
												   nl_number(matrix[i])));
	}
	pfree(matrix);
	pfree(tied);
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
read_component(JsonText object, const AnnotatorModelView *view, uint32 component)
{
	static const char *const keys[] = {"variant", "weight", "prior", "pool", "confusion"};
	JsonText	field[lengthof(keys)];
	ModelComponent *c = &view->components[component];

	jsonio_fields(type_name, jsonio_object(type_name, object, "components"), keys,
				  lengthof(keys), field);
	c->variant = variant_by_name(jsonio_string(type_name, field[0], "variant"));
	c->weight = jsonio_double(type_name, field[1], "weight");
	allocate_component(view, c);
	jsonio_read_doubles(type_name, field[2], "prior", c->prior, view->labels.n);
	read_matrix(field[3], "pool", c->pool, view->labels.n);
	read_rates(field[4], view, component);
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

/*
 * The text must be long enough for the numbers that memory is taken for: those of
 * whole matrices.
 */
static void
check_length(AnnotatorModelView *view, const char *text)
{
	Size		columns = mul_size(view->annotators.n, view->labels.n);
	Size		rates = mul_size(view->n_components, mul_size(columns, view->labels.n));

	if (add_size(rates, mul_size(2, mul_size(columns, view->labels.n))) > strlen(text) / 2)
		jsonio_invalid(type_name, psprintf("It is too short for the matrices of %u labels and %u annotators.",
										   view->labels.n, view->annotators.n));
	view->components = palloc0(Max(view->n_components, 1) * sizeof(ModelComponent));
	check_memory(view, columns);
	allocate_annotators(view);
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

/* What append_shares() wrote, if anything. */
static void
read_shares(JsonText object, AnnotatorModelView *view)
{
	JsonText	shares = jsonio_find(object, "class_shares");

	if (shares == NULL)
		return;
	view->shares = palloc(Max(view->labels.n, 1) * sizeof(double));
	jsonio_read_doubles(type_name, shares, "class_shares", view->shares, view->labels.n);
}

static void
read_components(JsonText array, AnnotatorModelView *view)
{
	JsonText	at = jsonio_first(array);

	for (uint32 i = 0; i < view->n_components; at = jsonio_next(at), i++)
		read_component(at, view, i);
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
	read_voices(field[3], &view, annotators.dict);
	read_classes(object, &view, labels.dict);
	read_components(field[6], &view);
	read_shares(object, &view);
	jsonio_read_doubles(type_name, field[7], "annotations", view.annotations,
						view.annotators.n);
	jsonio_read_doubles(type_name, field[8], "gold_annotations", view.gold_annotations,
						view.annotators.n);
	read_notes(field[9], &view, annotators.dict);
	view.evidence =
		evidence_of_tables(read_tables(field[10], "counts", view.annotators.n, view.labels.n),
						   read_tables(field[11], "variances", view.annotators.n, view.labels.n),
						   view.annotators.n, view.labels.n);
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

/* How many columns an annotator has, and each. */
static void
send_evidence(StringInfo buf, const AnnotatorModelView *view)
{
	const ModelEvidence *e = &view->evidence;
	Size		classes = view->labels.n;

	pq_sendint32(buf, evidence_columns(e, view->annotators.n));
	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		CHECK_FOR_INTERRUPTS();
		pq_sendint32(buf, e->ends[j] - evidence_first(e, j));
		for (Size i = evidence_first(e, j); i < e->ends[j]; i++)
		{
			pq_sendint32(buf, e->label[i]);
			value_send_doubles(buf, e->counts + i * classes, classes);
			value_send_doubles(buf, e->variances + i * classes, classes);
		}
	}
}

static void
write_binary(StringInfo buf, const void *value, int encoding)
{
	AnnotatorModelView view = annotator_model_view(value);

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
		value_send_doubles(buf, c->confusion,
						   variant_doubles(c->variant, view.annotators.n, view.labels.n));
	}
	value_send_doubles(buf, view.annotations, view.annotators.n);
	value_send_doubles(buf, view.gold_annotations, view.annotators.n);
	value_send_doubles(buf, view.reported_right, view.annotators.n);
	value_send_doubles(buf, view.reported_variances, view.annotators.n);
	send_evidence(buf, &view);
	pq_sendint8(buf, view.shares != NULL);
	if (view.shares != NULL)
		value_send_doubles(buf, view.shares, view.labels.n);
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

/* Nothing is allocated for numbers that are not there. */
static void
check_left(const StringInfo buf, Size doubles)
{
	if (doubles > (Size) (buf->len - buf->cursor) / sizeof(double))
		value_invalid_binary(KIND_ANNOTATOR_MODEL, "It is truncated.");
}

static void
recv_component(StringInfo buf, const AnnotatorModelView *view, ModelComponent *c)
{
	AnnotatorModelView known = *view;
	uint32		variant = pq_getmsgint(buf, 4);
	Size		rates;

	if (variant >= VARIANT_COUNT)
		value_invalid_binary(KIND_ANNOTATOR_MODEL, "Its variant is not known.");
	c->variant = variant;
	c->weight = value_recv_double(buf);
	rates = variant_doubles(variant, view->annotators.n, view->labels.n);
	check_left(buf, add_size(add_size(view->labels.n, model_cells(view)), rates));
	known.n_components = c - view->components + 1;
	check_memory(&known, 0);
	allocate_component(view, c);
	value_recv_doubles(buf, c->prior, view->labels.n);
	value_recv_doubles(buf, c->pool, model_cells(view));
	value_recv_doubles(buf, c->confusion, rates);
}

/* What send_evidence() wrote. */
static void
recv_evidence(StringInfo buf, AnnotatorModelView *view)
{
	Size		classes = view->labels.n;
	uint32		columns = pq_getmsgint(buf, 4);
	uint32		at = 0;
	ModelEvidence *e = &view->evidence;

	check_left(buf, mul_size(columns, mul_size(2, classes)));
	check_memory(view, columns);
	*e = evidence_create(view->annotators.n, classes, columns);
	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		uint32		n = pq_getmsgint(buf, 4);
		uint32		first = at;

		CHECK_FOR_INTERRUPTS();
		if (n > columns - at)
			value_invalid_binary(KIND_ANNOTATOR_MODEL, "It has more columns of evidence than it says.");
		for (e->ends[j] = first + n; at < first + n; at++)
		{
			e->label[at] = pq_getmsgint(buf, 4);
			if (e->label[at] >= classes || (at > first && e->label[at] <= e->label[at - 1]))
				value_invalid_binary(KIND_ANNOTATOR_MODEL, "A column of evidence is of no label, or not in order.");
			value_recv_doubles(buf, e->counts + at * classes, classes);
			value_recv_doubles(buf, e->variances + at * classes, classes);
		}
	}
	if (at != columns)
		value_invalid_binary(KIND_ANNOTATOR_MODEL, "It has fewer columns of evidence than it says.");
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

static void
recv_shares(StringInfo buf, AnnotatorModelView *view)
{
	if (pq_getmsgbyte(buf) == 0)
		return;
	view->shares = palloc(Max(view->labels.n, 1) * sizeof(double));
	value_recv_doubles(buf, view->shares, view->labels.n);
}

static Datum
read_binary(StringInfo buf, int encoding)
{
	AnnotatorModelView view = {0};
	InputNames	labels;
	InputNames	annotators;

	value_recv_version(buf, KIND_ANNOTATOR_MODEL);
	labels = recv_names(buf, "label", NL_MAX_CLASSES, encoding);
	annotators = recv_names(buf, "annotator", PG_INT32_MAX, encoding);
	view.labels = set_order(&labels, ORDER_LABELS);
	view.annotators = set_order(&annotators, ORDER_BYTES);
	view.n_components = pq_getmsgint(buf, 4);
	if (view.n_components > MAX_COMPONENTS)
		value_invalid_binary(KIND_ANNOTATOR_MODEL, "It has too many components.");

	view.components = palloc0(Max(view.n_components, 1) * sizeof(ModelComponent));
	check_left(buf, mul_size(view.annotators.n, 4));
	allocate_annotators(&view);
	for (uint32 i = 0; i < view.n_components; i++)
		recv_component(buf, &view, &view.components[i]);
	value_recv_doubles(buf, view.annotations, view.annotators.n);
	value_recv_doubles(buf, view.gold_annotations, view.annotators.n);
	value_recv_doubles(buf, view.reported_right, view.annotators.n);
	value_recv_doubles(buf, view.reported_variances, view.annotators.n);
	recv_evidence(buf, &view);
	recv_shares(buf, &view);
	recv_fit(buf, &view, encoding);
	pq_getmsgend(buf);
	return finish_input(&view, &labels, &annotators);
}

const ValueForms annotator_model_forms = {
	KIND_ANNOTATOR_MODEL, write_json, write_binary, read_json, read_binary
};

VALUE_INPUT_FUNCTIONS(annotator_model)
VALUE_OUTPUT_FUNCTIONS(annotator_model, annotator_model_get)
