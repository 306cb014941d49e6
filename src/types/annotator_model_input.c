/*
 * annotator_model_input.c
 *		An annotator_model that is read: room for it, its checks, and its canonical order.
 */
#include "types/annotator_model_input.h"

#include <math.h>

#include "pg/arguments.h"

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
void
model_input_check_memory(const AnnotatorModelView *view, Size columns)
{
	Size		size = value_check_size(annotator_model_size(view, columns), KIND_ANNOTATOR_MODEL);

	value_check_memory(mul_size(size, 3), KIND_ANNOTATOR_MODEL, "reading an");
}

/* What is known of each annotator but rates and evidence. */
void
model_input_annotators(AnnotatorModelView *view)
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
void
model_input_component(const AnnotatorModelView *view, ModelComponent *c)
{
	MemoryContext context = CurrentMemoryContext;
	Size		rates = variant_doubles(c->variant, view->annotators.n, view->labels.n);

	c->prior = palloc(Max(view->labels.n, 1) * sizeof(double));
	c->pool = nl_alloc(context, Max(model_cells(view), 1) * sizeof(double));
	c->confusion = nl_alloc(context, mul_size(Max(rates, 1), sizeof(double)));
}

Names
model_input_order(InputNames *input, NameOrder order)
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

Datum
model_input_finish(AnnotatorModelView *view, InputNames *labels, InputNames *annotators)
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
