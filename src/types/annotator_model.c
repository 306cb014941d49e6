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

/* doubles of a component, and of all of a model */
static Size
component_doubles(Size labels, Size annotators)
{
	Size		cells = mul_size(labels, labels);
	Size		n = add_size(2, add_size(labels, cells));

	return add_size(n, mul_size(annotators, cells));
}

Size
annotator_model_doubles(Size labels, Size annotators, Size components)
{
	Size		n = mul_size(components, component_doubles(labels, annotators));

	/* annotations, those on gold, what is reported of them, counts, variances */
	return add_size(n, mul_size(annotators,
								add_size(4, mul_size(2, mul_size(labels, labels)))));
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

/* Size without the texts. */
static Size
tables_size(const Names *labels, const Names *annotators, Size components)
{
	Size		size = offsetof(AnnotatorModel, data);

	size = add_size(size, mul_size(annotator_model_doubles(labels->n,
														   annotators->n,
														   components),
								   sizeof(double)));
	size = add_size(size, mul_size(labels->n, sizeof(uint32)));
	size = add_size(size, mul_size(annotators->n, sizeof(uint32)));
	size = add_size(size, names_bytes(labels));
	return add_size(size, names_bytes(annotators));
}

/* Refuse a model too large to store, before the work that would make it. */
void
annotator_model_check_size(const Names *labels, const Names *annotators,
						   Size components)
{
	(void) value_check_size(tables_size(labels, annotators, components),
							KIND_ANNOTATOR_MODEL);
}

static double *
put_component(double *at, const ModelComponent *c, const AnnotatorModelView *view)
{
	*at++ = c->variant;
	at = value_put_doubles(at, &c->weight, 1);
	at = value_put_doubles(at, c->prior, view->labels.n);
	at = value_put_doubles(at, c->pool, model_cells(view));
	return value_put_doubles(at, c->confusion, view->annotators.n * model_cells(view));
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
	Size		doubles = annotator_model_doubles(model->labels, model->annotators,
												  model->components);
	const uint32 *ends = (const uint32 *) (model->data + doubles);
	Size		names = (Size) model->labels + model->annotators;
	Size		groups = model->voices == VOICES_GROUPS ? model->annotators : 0;
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
	hash = fingerprint_add(hash, model->correlation_items);
	hash = fingerprint_add(hash, model->teaching_items);
	hash = fingerprint_doubles(hash, &model->correlation, 1);
	hash = fingerprint_doubles(hash, &model->majority_disagreement, 1);
	hash = fingerprint_doubles(hash, &model->gold_weight, 1);
	hash = fingerprint_doubles(hash, &model->log_likelihood, 1);
	hash = fingerprint_doubles(hash, model->data, doubles);
	hash = fingerprint_numbers(hash, ends, names + groups);
	return fingerprint_bytes(hash, (const char *) (ends + names + groups),
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
	model->correlation_items = view->correlation_items;
	model->teaching_items = view->teaching_items;
	model->voices = view->voices;
	model->iterations = view->iterations;
	model->converged = view->converged;
	model->label_bytes = names_bytes(&view->labels);
	model->annotator_bytes = names_bytes(&view->annotators);
	model->text_bytes = text_bytes(view);
}

/* The stored form of a model. */
AnnotatorModel *
annotator_model_make(const AnnotatorModelView *view)
{
	Size		groups = view->voices == VOICES_GROUPS ?
		mul_size(view->annotators.n, sizeof(uint32)) : 0;
	Size		size = value_check_size(add_size(add_size(tables_size(&view->labels,
																  &view->annotators,
																  view->n_components),
													  groups),
											 text_bytes(view)),
										KIND_ANNOTATOR_MODEL);
	AnnotatorModel *model = nl_alloc(CurrentMemoryContext, size);
	Size		tables = view->annotators.n * model_cells(view);
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
	at = value_put_doubles(at, view->counts, tables);
	at = value_put_doubles(at, view->variances, tables);
	bytes = put_bytes((char *) at, view->labels.ends,
					  view->labels.n * sizeof(uint32));
	bytes = put_bytes(bytes, view->annotators.ends,
					  view->annotators.n * sizeof(uint32));
	if (groups > 0)
		bytes = put_bytes(bytes, view->group, groups);
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
	Size		doubles;

	doubles = annotator_model_doubles(model->labels, model->annotators, model->components);
	value_check_stored(model,
					   offsetof(AnnotatorModel, data) + doubles * sizeof(double) +
					   ((Size) model->labels + model->annotators +
						(model->voices == VOICES_GROUPS ? model->annotators : 0)) * sizeof(uint32) +
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

/* Pointers into a stored model, which must outlive the view. */
AnnotatorModelView
annotator_model_view(const AnnotatorModel *model)
{
	AnnotatorModelView view = {0};
	Size		cells = (Size) model->labels * model->labels;
	double	   *at = (double *) model->data;
	uint32	   *ends;
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
		at = c->confusion + model->annotators * cells;
	}
	view.annotations = at;
	view.gold_annotations = at + model->annotators;
	view.reported_right = view.gold_annotations + model->annotators;
	view.reported_variances = view.reported_right + model->annotators;
	view.counts = view.reported_variances + model->annotators;
	view.variances = view.counts + model->annotators * cells;
	ends = (uint32 *) (view.variances + model->annotators * cells);
	view.voices = (ModelVoices) model->voices;
	if (view.voices == VOICES_GROUPS)
		view.group = ends + model->labels + model->annotators;
	bytes = (const char *) (ends + model->labels +
							(view.group == NULL ? 1 : 2) * (Size) model->annotators);
	view.labels = (Names) {model->labels, ends, bytes};
	bytes += model->label_bytes;
	view.annotators = (Names) {model->annotators, ends + model->labels, bytes};
	bytes += model->annotator_bytes;
	view.method = next_string(&bytes);
	view.options = next_string(&bytes);
	view.stopped_by = next_string(&bytes);
	view.n_warnings = model->warnings;
	view.warnings = palloc(Max(model->warnings, 1) * sizeof(char *));
	for (uint32 i = 0; i < model->warnings; i++)
		view.warnings[i] = next_string(&bytes);
	view.notes = nl_alloc(CurrentMemoryContext,
						  mul_size(Max(model->annotators, 1), sizeof(char *)));
	for (uint32 j = 0; j < model->annotators; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		view.notes[j] = next_string(&bytes);
	}
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

/* One annotator's rates in one component: K * K, label first. */
void
model_component_rates(const AnnotatorModelView *model, uint32 component,
					  uint32 annotator, double *rates)
{
	Size		cells = model_cells(model);

	nl_copy(rates, model->components[component].confusion + annotator * cells,
			cells * sizeof(double));
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

/*
 * One annotator's expected counts and, if asked for, their variances: K * K,
 * label first.
 */
void
annotator_model_counts(const AnnotatorModelView *model, uint32 annotator,
					   double *counts, double *variances)
{
	Size		cells = model_cells(model);

	nl_copy(counts, model->counts + annotator * cells, cells * sizeof(double));
	if (variances != NULL)
		nl_copy(variances, model->variances + annotator * cells, cells * sizeof(double));
}

/* Of one truth: K, by label. */
void
annotator_model_truth(const AnnotatorModelView *model, uint32 annotator, uint32 truth,
					  double *counts, double *variances)
{
	Size		classes = model->labels.n;
	Size		at = annotator * model_cells(model) + truth;

	for (Size label = 0; label < classes; label++)
	{
		counts[label] = model->counts[at + label * classes];
		variances[label] = model->variances[at + label * classes];
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

/* The cells of classes alone, of n matrices. */
static double *
cells_of_classes(const double *tables, Size n, Size labels, const uint32 *label, Size classes)
{
	double	   *result = nl_alloc(CurrentMemoryContext,
								  mul_size(Max(n, 1), mul_size(mul_size(classes, classes), sizeof(double))));
	double	   *at = result;

	for (Size j = 0; j < n; j++, tables += labels * labels)
	{
		CHECK_FOR_INTERRUPTS();
		for (Size l = 0; l < classes; l++)
			for (Size k = 0; k < classes; k++)
				*at++ = tables[label[l] * labels + label[k]];
	}
	return result;
}

/* Rates of answers that name a class. */
static void
scale_rates(double *tables, Size n, Size classes)
{
	for (Size j = 0; j < n; j++, tables += classes * classes)
	{
		CHECK_FOR_INTERRUPTS();
		for (Size k = 0; k < classes; k++)
		{
			double		sum = 0;

			for (Size l = 0; l < classes; l++)
				sum += tables[l * classes + k];
			for (Size l = 0; l < classes; l++)
				tables[l * classes + k] = sum > 0 ? tables[l * classes + k] / sum : 1.0 / classes;
		}
	}
}

static void
component_of_classes(ModelComponent *c, const AnnotatorModelView *view, const uint32 *label,
					 Size classes)
{
	double	   *prior = palloc(classes * sizeof(double));
	Size		annotators = view->annotators.n;

	for (Size k = 0; k < classes; k++)
		prior[k] = c->prior[label[k]];
	c->prior = prior;
	c->pool = cells_of_classes(c->pool, 1, view->labels.n, label, classes);
	c->confusion = cells_of_classes(c->confusion, annotators, view->labels.n, label, classes);
	scale_rates(c->pool, 1, classes);
	scale_rates(c->confusion, annotators, classes);
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
	for (uint32 i = 0; i < view.n_components; i++)
		component_of_classes(&result.components[i], &view, label, result.labels.n);
	result.counts = cells_of_classes(view.counts, view.annotators.n, view.labels.n, label,
									 result.labels.n);
	result.variances = cells_of_classes(view.variances, view.annotators.n, view.labels.n,
										label, result.labels.n);
	return result;
}
