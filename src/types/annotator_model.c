/*
 * annotator_model.c
 *		The type annotator_model: its stored form and the view of it.
 */
#include "types/annotator_model.h"

#include "types/fingerprint.h"

const char *const variant_names[] = {
	[VARIANT_FULL] = "full",
	[VARIANT_ONE_COIN] = "one_coin",
	[VARIANT_CLASS] = "class",
	[VARIANT_SHARED] = "shared",
	[VARIANT_MAJORITY] = "majority",
	[VARIANT_AUTO] = "auto",
	[VARIANT_COUNT] = NULL
};

/* Doubles of a model but for rates and evidence: of components, and of annotators. */
static Size
other_doubles(Size components, Size labels, Size annotators)
{
	/* annotations, those on gold, what is reported of them */
	return add_size(mul_size(components, add_size(2, add_size(labels, mul_size(labels, labels)))),
					mul_size(annotators, 4));
}

static Size
evidence_doubles(Size columns, Size labels)
{
	return mul_size(2, mul_size(columns, labels));
}

static Size
model_doubles(const AnnotatorModelView *view, Size columns)
{
	Size		n = add_size(other_doubles(view->n_components, view->labels.n, view->annotators.n),
							 evidence_doubles(columns, view->labels.n));

	for (uint32 i = 0; i < view->n_components; i++)
		n = add_size(n, variant_doubles(view->components[i].variant, view->annotators.n,
										view->labels.n));
	return view->shares == NULL ? n : add_size(n, view->labels.n);
}

/* How many rates of annotators a stored model has. */
Size
annotator_model_rates_stored(const AnnotatorModel *model)
{
	return model->doubles - other_doubles(model->components, model->labels, model->annotators) -
		evidence_doubles(model->columns, model->labels) - (model->shares ? model->labels : 0);
}

/* Its uint32s. */
static Size
stored_numbers(const AnnotatorModel *model)
{
	return (Size) model->labels + model->annotators + model->annotators + model->columns +
		(model->voices == VOICES_GROUPS ? model->annotators : 0);
}

static Size
text_bytes(const AnnotatorModelView *view)
{
	Size		size = strlen(view->method) + 1 + strlen(view->options) + 1 +
		strlen(view->stopped_by) + 1;

	for (uint32 i = 0; i < view->n_warnings; i++)
		size += strlen(view->warnings[i]) + 1;
	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		size += strlen(view->notes[j]) + 1;
	}
	return size;
}

/* Bytes of the stored form with so many columns of evidence, without the texts. */
Size
annotator_model_size(const AnnotatorModelView *view, Size columns)
{
	Size		size = offsetof(AnnotatorModel, data);
	Size		names = add_size(view->labels.n, view->annotators.n);
	Size		numbers = add_size(names, add_size(view->annotators.n, columns));

	if (view->voices == VOICES_GROUPS)
		numbers = add_size(numbers, view->annotators.n);
	size = add_size(size, mul_size(model_doubles(view, columns), sizeof(double)));
	size = add_size(size, mul_size(numbers, sizeof(uint32)));
	size = add_size(size, names_bytes(&view->labels));
	return add_size(size, names_bytes(&view->annotators));
}

static double *
put_component(double *at, const ModelComponent *c, const AnnotatorModelView *view)
{
	*at++ = c->variant;
	at = value_put_doubles(at, &c->weight, 1);
	at = value_put_doubles(at, c->prior, view->labels.n);
	at = value_put_doubles(at, c->pool, model_cells(view));
	return value_put_doubles(at, c->confusion,
							 variant_doubles(c->variant, view->annotators.n, view->labels.n));
}

/* Zeros where nothing is tempered, whatever the view has. */
static double *
put_reported(double *at, const double *values, const AnnotatorModelView *view)
{
	uint32		n = view->annotators.n;

	if (model_is_tempered(view))
		return value_put_doubles(at, values, n);
	nl_clear(at, n * sizeof(double));
	return at + n;
}

static char *
put_bytes(char *at, const void *bytes, Size n)
{
	nl_copy(at, bytes, n);
	return at + n;
}

/* A hash of all of a model but its size. */
static uint64
fingerprint(const AnnotatorModel *model)
{
	const uint32 *numbers = (const uint32 *) (model->data + model->doubles);
	Size		n = stored_numbers(model);
	uint64		hash = KIND_ANNOTATOR_MODEL;

	hash = fingerprint_add(hash, model->labels);
	hash = fingerprint_add(hash, model->annotators);
	hash = fingerprint_add(hash, model->components);
	hash = fingerprint_add(hash, model->warnings);
	hash = fingerprint_add(hash, model->items);
	hash = fingerprint_add(hash, model->annotations);
	hash = fingerprint_add(hash, model->gold_items);
	hash = fingerprint_add(hash, model->iterations);
	hash = fingerprint_add(hash, model->converged);
	hash = fingerprint_add(hash, model->voices);
	hash = fingerprint_add(hash, model->truths_given);
	hash = fingerprint_add(hash, model->prior_known);
	hash = fingerprint_add(hash, model->abstains);
	hash = fingerprint_add(hash, model->silence);
	hash = fingerprint_add(hash, model->columns);
	hash = fingerprint_add(hash, model->shares);
	hash = fingerprint_add(hash, model->correlation_items);
	hash = fingerprint_add(hash, model->teaching_items);
	hash = fingerprint_doubles(hash, &model->correlation, 1);
	hash = fingerprint_doubles(hash, &model->majority_disagreement, 1);
	hash = fingerprint_doubles(hash, &model->gold_weight, 1);
	hash = fingerprint_doubles(hash, &model->log_likelihood, 1);
	hash = fingerprint_doubles(hash, model->data, model->doubles);
	hash = fingerprint_numbers(hash, numbers, n);
	return fingerprint_bytes(hash, (const char *) (numbers + n),
							 (Size) model->label_bytes + model->annotator_bytes +
							 model->text_bytes);
}

/* The numbers of a model that stand before its tables. */
static void
put_record(AnnotatorModel *model, const AnnotatorModelView *view)
{
	model->labels = view->labels.n;
	model->annotators = view->annotators.n;
	model->components = view->n_components;
	model->warnings = view->n_warnings;
	model->items = view->items;
	model->annotations = view->n_annotations;
	model->gold_items = view->gold_items;
	(void) value_put_doubles(&model->gold_weight, &view->gold_weight, 1);
	(void) value_put_doubles(&model->log_likelihood, &view->log_likelihood, 1);
	(void) value_put_doubles(&model->correlation, &view->correlation, 1);
	(void) value_put_doubles(&model->majority_disagreement, &view->majority_disagreement, 1);
	model->truths_given = view->truths_given;
	model->prior_known = view->prior_known;
	model->abstains = view->abstains;
	model->silence = view->silence;
	model->shares = view->shares != NULL;
	model->correlation_items = view->correlation_items;
	model->teaching_items = view->teaching_items;
	model->voices = view->voices;
	model->iterations = view->iterations;
	model->converged = view->converged;
	model->columns = evidence_columns(&view->evidence, view->annotators.n);
	model->doubles = model_doubles(view, model->columns);
	model->label_bytes = names_bytes(&view->labels);
	model->annotator_bytes = names_bytes(&view->annotators);
	model->text_bytes = text_bytes(view);
}

/* The stored form of a model. */
AnnotatorModel *
annotator_model_make(const AnnotatorModelView *view)
{
	Size		columns = evidence_columns(&view->evidence, view->annotators.n);
	Size		size = value_check_size(add_size(annotator_model_size(view, columns),
											 text_bytes(view)),
										KIND_ANNOTATOR_MODEL);
	AnnotatorModel *model = nl_alloc(CurrentMemoryContext, size);
	double	   *at = model->data;
	char	   *bytes;

	memset(model, 0, offsetof(AnnotatorModel, data));
	value_init(model, KIND_ANNOTATOR_MODEL, size);
	put_record(model, view);

	for (uint32 i = 0; i < view->n_components; i++)
		at = put_component(at, &view->components[i], view);
	at = value_put_doubles(at, view->annotations, view->annotators.n);
	at = value_put_doubles(at, view->gold_annotations, view->annotators.n);
	at = put_reported(at, view->reported_right, view);
	at = put_reported(at, view->reported_variances, view);
	at = value_put_doubles(at, view->evidence.counts, columns * view->labels.n);
	at = value_put_doubles(at, view->evidence.variances, columns * view->labels.n);
	if (view->shares != NULL)
		at = value_put_doubles(at, view->shares, view->labels.n);
	bytes = put_bytes((char *) at, view->labels.ends,
					  view->labels.n * sizeof(uint32));
	bytes = put_bytes(bytes, view->annotators.ends,
					  view->annotators.n * sizeof(uint32));
	bytes = put_bytes(bytes, view->evidence.ends, view->annotators.n * sizeof(uint32));
	bytes = put_bytes(bytes, view->evidence.label, columns * sizeof(uint32));
	if (view->voices == VOICES_GROUPS)
		bytes = put_bytes(bytes, view->group, view->annotators.n * sizeof(uint32));
	bytes = put_bytes(bytes, view->labels.bytes, model->label_bytes);
	bytes = put_bytes(bytes, view->annotators.bytes, model->annotator_bytes);
	bytes = put_bytes(bytes, view->method, strlen(view->method) + 1);
	bytes = put_bytes(bytes, view->options, strlen(view->options) + 1);
	bytes = put_bytes(bytes, view->stopped_by, strlen(view->stopped_by) + 1);
	for (uint32 i = 0; i < view->n_warnings; i++)
		bytes = put_bytes(bytes, view->warnings[i], strlen(view->warnings[i]) + 1);
	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		bytes = put_bytes(bytes, view->notes[j], strlen(view->notes[j]) + 1);
	}
	Assert(bytes == (char *) model + size);
	model->fingerprint = fingerprint(model);
	return model;
}

AnnotatorModel *
annotator_model_get(Datum datum)
{
	AnnotatorModel *model = value_get(datum, KIND_ANNOTATOR_MODEL,
									sizeof(AnnotatorModel));

	value_check_stored(model,
					   offsetof(AnnotatorModel, data) + model->doubles * sizeof(double) +
					   stored_numbers(model) * sizeof(uint32) +
					   (Size) model->label_bytes + model->annotator_bytes +
					   model->text_bytes, KIND_ANNOTATOR_MODEL);
	return model;
}

static const char *
next_string(const char **at)
{
	const char *s = *at;

	*at += strlen(s) + 1;
	return s;
}

/* What put_record() put. */
static void
take_record(AnnotatorModelView *view, const AnnotatorModel *model)
{
	view->items = model->items;
	view->n_annotations = model->annotations;
	view->gold_items = model->gold_items;
	view->gold_weight = model->gold_weight;
	view->correlation = model->correlation;
	view->correlation_items = model->correlation_items;
	view->teaching_items = model->teaching_items;
	view->truths_given = model->truths_given;
	view->prior_known = model->prior_known;
	view->abstains = model->abstains;
	view->silence = model->silence;
	view->majority_disagreement = model->majority_disagreement;
	view->iterations = model->iterations;
	view->converged = model->converged;
	view->log_likelihood = model->log_likelihood;
}

/* The texts of a stored model, which begin at "bytes". */
static void
take_texts(AnnotatorModelView *view, const AnnotatorModel *model, const char *bytes)
{
	view->method = next_string(&bytes);
	view->options = next_string(&bytes);
	view->stopped_by = next_string(&bytes);
	view->n_warnings = model->warnings;
	view->warnings = palloc(Max(model->warnings, 1) * sizeof(char *));
	for (uint32 i = 0; i < model->warnings; i++)
		view->warnings[i] = next_string(&bytes);
	view->notes = nl_alloc(CurrentMemoryContext,
						  mul_size(Max(model->annotators, 1), sizeof(char *)));
	for (uint32 j = 0; j < model->annotators; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		view->notes[j] = next_string(&bytes);
	}
}

/* Pointers into a stored model, which must outlive the view. */
AnnotatorModelView
annotator_model_view(const AnnotatorModel *model)
{
	AnnotatorModelView view = {0};
	Size		cells = (Size) model->labels * model->labels;
	double	   *at = (double *) model->data;
	uint32	   *numbers;
	const char *bytes;

	view.n_components = model->components;
	view.components = palloc(Max(model->components, 1) * sizeof(ModelComponent));
	for (uint32 i = 0; i < model->components; i++)
	{
		ModelComponent *c = &view.components[i];

		c->variant = (Variant) at[0];
		c->weight = at[1];
		c->prior = at + 2;
		c->pool = c->prior + model->labels;
		c->confusion = c->pool + cells;
		at = c->confusion + variant_doubles(c->variant, model->annotators, model->labels);
	}
	view.annotations = at;
	view.gold_annotations = at + model->annotators;
	view.reported_right = view.gold_annotations + model->annotators;
	view.reported_variances = view.reported_right + model->annotators;
	view.evidence.counts = view.reported_variances + model->annotators;
	view.evidence.variances = view.evidence.counts + (Size) model->columns * model->labels;
	if (model->shares)
		view.shares = view.evidence.variances + (Size) model->columns * model->labels;
	numbers = (uint32 *) (model->data + model->doubles);
	view.labels = (Names) {model->labels, numbers, NULL};
	view.annotators = (Names) {model->annotators, numbers + model->labels, NULL};
	view.evidence.ends = numbers + model->labels + model->annotators;
	view.evidence.label = view.evidence.ends + model->annotators;
	view.voices = (ModelVoices) model->voices;
	if (view.voices == VOICES_GROUPS)
		view.group = view.evidence.label + model->columns;
	bytes = (const char *) (numbers + stored_numbers(model));
	view.labels.bytes = bytes;
	bytes += model->label_bytes;
	view.annotators.bytes = bytes;
	bytes += model->annotator_bytes;
	take_texts(&view, model, bytes);
	take_record(&view, model);
	return view;
}

/* From label first to truth first, or back. */
void
model_matrix_transpose(const double *matrix, double *result, Size classes)
{
	for (Size i = 0; i < classes; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (Size j = 0; j < classes; j++)
			result[i * classes + j] = matrix[j * classes + i];
	}
}

/* What a component has of one annotator. */
static const double *
unit_of(const ModelComponent *c, Size annotator, Size classes)
{
	return c->confusion +
		(variant_is_common(c->variant) ? 0 : annotator * variant_cells(c->variant, classes));
}

/* One annotator's rates in one component: K * K, label first. */
void
model_component_rates(const AnnotatorModelView *model, uint32 component,
					  uint32 annotator, double *rates)
{
	const ModelComponent *c = &model->components[component];
	Size		classes = model->labels.n;
	const double *own = unit_of(c, annotator, classes);

	if (!variant_has_coins(c->variant))
		nl_copy(rates, own, classes * classes * sizeof(double));
	else
		for (Size label = 0; label < classes; label++)
		{
			CHECK_FOR_INTERRUPTS();
			for (Size k = 0; k < classes; k++)
				rates[label * classes + k] = own[rate_place(c->variant, classes, label, k)];
		}
}

/* One annotator's rates, averaged over the components. */
void
annotator_model_rates(const AnnotatorModelView *model, uint32 annotator,
					  double *rates)
{
	Size		cells = model_cells(model);
	double	   *one = nl_alloc(CurrentMemoryContext, Max(cells, 1) * sizeof(double));

	nl_clear(rates, cells * sizeof(double));
	for (uint32 c = 0; c < model->n_components; c++)
	{
		model_component_rates(model, c, annotator, one);
		for (Size i = 0; i < cells; i++)
			rates[i] += model->components[c].weight * one[i];
	}
	pfree(one);
}

/* The same of one truth: K, by label. */
void
annotator_model_truth_rates(const AnnotatorModelView *model, uint32 annotator, uint32 truth,
							double *rates)
{
	Size		classes = model->labels.n;

	memset(rates, 0, classes * sizeof(double));
	for (uint32 i = 0; i < model->n_components; i++)
	{
		const ModelComponent *c = &model->components[i];
		const double *own = unit_of(c, annotator, classes);

		for (Size l = 0; l < classes; l++)
			rates[l] += c->weight * own[rate_place(c->variant, classes, l, truth)];
	}
}

/* The same of one label: K, by truth; of the pool where the annotator is -1. */
void
annotator_model_label_rates(const AnnotatorModelView *model, int64 annotator, uint32 label,
							double *rates)
{
	Size		classes = model->labels.n;

	memset(rates, 0, classes * sizeof(double));
	for (uint32 i = 0; i < model->n_components; i++)
	{
		const ModelComponent *c = &model->components[i];
		const double *own = annotator < 0 ? c->pool : unit_of(c, annotator, classes);
		Variant		variant = annotator < 0 ? VARIANT_FULL : c->variant;

		for (Size k = 0; k < classes; k++)
			rates[k] += c->weight * own[rate_place(variant, classes, label, k)];
	}
}

/*
 * One annotator's expected counts and, if asked for, their variances: K * K,
 * label first.
 */
void
annotator_model_counts(const AnnotatorModelView *model, uint32 annotator,
					   double *counts, double *variances)
{
	const ModelEvidence *e = &model->evidence;

	evidence_matrix(e, e->counts, annotator, model->labels.n, counts);
	if (variances != NULL)
		evidence_matrix(e, e->variances, annotator, model->labels.n, variances);
}

/* Of one truth: K, by label. */
void
annotator_model_truth(const AnnotatorModelView *model, uint32 annotator, uint32 truth,
					  double *counts, double *variances)
{
	const ModelEvidence *e = &model->evidence;
	Size		classes = model->labels.n;

	memset(counts, 0, classes * sizeof(double));
	memset(variances, 0, classes * sizeof(double));
	for (Size i = evidence_first(e, annotator); i < e->ends[annotator]; i++)
	{
		counts[e->label[i]] = e->counts[i * classes + truth];
		variances[e->label[i]] = e->variances[i * classes + truth];
	}
}

/*
 * The names of the classes, in their own order: labels that are all integers are
 * ordered as numbers, unless there is one more that stands for no class.  "label" becomes
 * where each one is among the labels.
 */
Names
model_classes(const AnnotatorModelView *view, uint32 **label)
{
	Dictionary *classes;
	uint32	   *order;
	uint32	   *place = palloc(view->labels.n * sizeof(uint32));
	uint32		n = 0;

	*label = palloc(view->labels.n * sizeof(uint32));
	for (uint32 l = 0; l < view->labels.n; l++)
		if (l + 1 != view->abstains)
			place[n++] = l;
	if (view->abstains == 0)
	{
		memcpy(*label, place, n * sizeof(uint32));
		pfree(place);
		return view->labels;
	}
	classes = dictionary_create(CurrentMemoryContext, "label", NL_MAX_CLASSES);
	for (uint32 k = 0; k < n; k++)
		(void) dictionary_add(classes, names_get(&view->labels, place[k]));
	order = dictionary_order(classes, ORDER_LABELS);
	for (uint32 k = 0; k < n; k++)
		(*label)[k] = place[order[k]];
	pfree(place);
	return dictionary_names(classes, order);
}

/* The cells of classes alone, of a matrix. */
static void
cells_of_classes(const double *matrix, Size labels, const uint32 *label, Size classes,
				 double *result)
{
	CHECK_FOR_INTERRUPTS();
	for (Size l = 0; l < classes; l++)
		for (Size k = 0; k < classes; k++)
			*result++ = matrix[label[l] * labels + label[k]];
}

/* Rates of answers that name a class. */
static void
scale_rates(double *matrix, Size classes)
{
	for (Size k = 0; k < classes; k++)
	{
		double		sum = 0;

		for (Size l = 0; l < classes; l++)
			sum += matrix[l * classes + k];
		for (Size l = 0; l < classes; l++)
			matrix[l * classes + k] = sum > 0 ? matrix[l * classes + k] / sum : 1.0 / classes;
	}
}

static double *
numbers_of_classes(const double *numbers, const uint32 *label, Size classes)
{
	double	   *result = palloc(classes * sizeof(double));

	for (Size k = 0; k < classes; k++)
		result[k] = numbers[label[k]];
	return result;
}

/* Component i of the view, with whole matrices. */
static ModelComponent
component_of_classes(const AnnotatorModelView *view, uint32 i, const uint32 *label, Size classes)
{
	MemoryContext context = CurrentMemoryContext;
	const ModelComponent *c = &view->components[i];
	Size		cells = mul_size(classes, classes);
	double	   *matrix = nl_alloc(context, model_cells(view) * sizeof(double));
	ModelComponent result = {
		.variant = VARIANT_FULL,
		.weight = c->weight,
		.prior = numbers_of_classes(c->prior, label, classes),
		.pool = nl_alloc(context, cells * sizeof(double)),
		.confusion = nl_alloc(context, mul_size(Max(view->annotators.n, 1), cells * sizeof(double)))
	};

	cells_of_classes(c->pool, view->labels.n, label, classes, result.pool);
	scale_rates(result.pool, classes);
	for (Size j = 0; j < view->annotators.n; j++)
	{
		model_component_rates(view, i, j, matrix);
		cells_of_classes(matrix, view->labels.n, label, classes, result.confusion + j * cells);
		scale_rates(result.confusion + j * cells, classes);
	}
	pfree(matrix);
	return result;
}

/*
 * The model as it is reported: without the label that stands for no class, if there
 * is one.  Counts and rates are those of answers that name a class; how many answers
 * there are, with those that do not, is in "annotations".
 */
AnnotatorModelView
annotator_model_of_classes(const AnnotatorModel *model)
{
	AnnotatorModelView view = annotator_model_view(model);
	AnnotatorModelView result = view;
	Size		cells = mul_size(model->labels, model->labels);
	uint32	   *label;

	if (view.abstains == 0)
		return view;
	nl_check_memory(mul_size(mul_size(cells, (Size) model->annotators + 1),
							 mul_size((Size) model->components + 2, sizeof(double))),
					"reading an annotator_model");
	result.labels = model_classes(&view, &label);
	result.abstains = 0;
	result.components = palloc(view.n_components * sizeof(ModelComponent));
	for (uint32 i = 0; i < view.n_components; i++)
		result.components[i] = component_of_classes(&view, i, label, result.labels.n);
	if (view.shares != NULL)
		result.shares = numbers_of_classes(view.shares, label, result.labels.n);
	result.evidence = evidence_select(&view.evidence, view.annotators.n, NULL, view.labels.n,
									  label, result.labels.n);
	return result;
}
