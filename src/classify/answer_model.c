/*
 * answer_model.c
 *		What an annotator's answer says of the classes; see answer_model.h.
 *
 * The rates are those that consensus() uses: of several components, whose posteriors it
 * averages, the mean by their weights (annotator_model_rates() has the same of a whole
 * matrix).  Who is unknown has the pool's.
 */
#include "classify/answer_model.h"

#include "types/model_cache.h"

static void *
get_model(Datum datum)
{
	return annotator_model_get(datum);
}

static Size
answer_model_memory(const void *value)
{
	AnnotatorModelView view = annotator_model_view(value);

	return add_size(sizeof(AnswerModel),
					add_size(dictionary_memory_of(view.annotators.n, names_bytes(&view.annotators)),
							 dictionary_memory_of(view.labels.n, names_bytes(&view.labels))));
}

static void *
prepare_model(const void *value)
{
	const AnnotatorModel *stored = value;
	AnswerModel *model = palloc(sizeof(AnswerModel));

	model->view = annotator_model_view(stored);
	if (model_knows_nothing(&model->view))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the annotator_model knows nothing of its annotators: no item has two answers, or gold, to learn from"),
				 errhint("Learn a model from truths: learn_annotators(), or dawid_skene() with gold.")));
	model->fingerprint = stored->fingerprint;
	model->annotators = dictionary_index(&model->view.annotators, "annotator");
	model->labels = dictionary_index(&model->view.labels, "label");
	model->p = palloc(model->view.labels.n * sizeof(double));
	return model;
}

AnswerModel *
answer_model_cached(FunctionCallInfo fcinfo, int argno)
{
	static const ModelUse use = {
		KIND_ANNOTATOR_MODEL, "training with this",
		get_model, answer_model_memory, prepare_model
	};

	StaticAssertStmt(offsetof(AnnotatorModel, fingerprint) ==
					 offsetof(FingerprintedValue, fingerprint),
					 "the cache must find the fingerprint");
	return model_cache_get(fcinfo, argno, &use);
}

/* P(label | class) of an annotator, or (-1) of the pool; returns their sum. */
static double
get_rates(AnswerModel *model, int64 annotator, uint32 label)
{
	uint32		n = model->view.labels.n;
	double		sum = 0;

	annotator_model_label_rates(&model->view, annotator, label, model->p);
	for (uint32 k = 0; k < n; k++)
		sum += model->p[k];
	return sum;
}

static uint32
find_label(AnswerModel *model, NameView name)
{
	int64		label = dictionary_find(model->labels, name);

	if (label < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the annotator_model does not know label \"%.*s\"", name.len, name.s),
				 errhint("Fit a model with such annotations, or leave them out: WHERE label = ANY (labels(model)).")));
	return label;
}

/*
 * What a classless prior makes of an answer; its rates are "scale" times that.  An
 * answer that the model holds impossible says nothing.
 */
LabelDistribution *
answer_model_suggests(AnswerModel *model, NameView annotator, NameView label,
					  TrainingAnswer *answer)
{
	uint32		n = model->view.labels.n;

	answer->fingerprint = model->fingerprint;
	answer->scale = get_rates(model, dictionary_find(model->annotators, annotator),
							  find_label(model, label));
	for (uint32 k = 0; k < n; k++)
		model->p[k] = answer->scale > 0 ? model->p[k] / answer->scale : 1.0 / n;
	if (!(answer->scale > 0))
		answer->scale = 1;
	return label_distribution_make(&model->view.labels, model->p);
}
