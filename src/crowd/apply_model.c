/*
 * apply_model.c
 *		A fitted model meets annotations; see apply_model.h.
 */
#include "crowd/apply_model.h"

#include "math/log_space.h"
#include "types/model_cache.h"

#define LOG_UNIT 68719476736.0	/* 2^36 */
#define SCORING "scoring with this"

static LogRate
log_rate(double p)
{
	if (p > 0)
		return (LogRate) {(int64) rint(log(Min(p, 1)) * LOG_UNIT), 0, 0};
	return (LogRate) {0, 1, 0};
}

/* One annotator's matrices of all components side by side; "matrix" is a buffer. */
static void
fill_rates(LogRate *rates, const AnnotatorModelView *model, bool pool, Size annotator,
		   double *matrix)
{
	uint32		classes = model->labels.n;
	uint32		width = model->n_components * classes;

	for (uint32 c = 0; c < model->n_components; c++)
	{
		if (pool)
			nl_copy(matrix, model->components[c].pool, model_cells(model) * sizeof(double));
		else
			model_component_rates(model, c, annotator, matrix);
		for (uint32 label = 0; label < classes; label++)
		{
			CHECK_FOR_INTERRUPTS();
			for (uint32 truth = 0; truth < classes; truth++)
				rates[(Size) label * width + c * classes + truth] =
					log_rate(matrix[(Size) label * classes + truth]);
		}
	}
}

static Dictionary *
index_names(const Names *names, const char *kind)
{
	Dictionary *dict = dictionary_create(CurrentMemoryContext, kind, PG_UINT32_MAX - 1);

	pfree(dictionary_add_names(dict, names));
	return dict;
}

/* The parts of a scorer that grow with the model. */
Size
model_scorer_memory(const AnnotatorModel *model)
{
	Size		width = mul_size(model->components, model->labels);
	Size		block = mul_size(width, model->labels);
	Size		rates = mul_size(block, (Size) model->annotators + 1);

	return add_size(mul_size(add_size(rates, width), sizeof(LogRate)),
					add_size(dictionary_memory_of(model->annotators,
												  model->annotator_bytes),
							 dictionary_memory_of(model->labels,
												  model->label_bytes)));
}

/* In the current context; the model must live as long. */
ModelScorer *
model_scorer_create(const AnnotatorModel *model)
{
	ModelScorer *scorer = palloc0(sizeof(ModelScorer));
	const AnnotatorModelView *view = &scorer->model;
	Size		block;
	double	   *matrix;

	scorer->model = annotator_model_view(model);
	scorer->fingerprint = model->fingerprint;
	scorer->width = view->n_components * view->labels.n;
	block = mul_size(scorer->width, view->labels.n);
	nl_check_memory_for(model_scorer_memory(model), SCORING " annotator_model",
						"fit a model with fewer annotators or classes",
						"It grows with annotators times classes squared: %u annotators with %u x %u classes each.",
						view->annotators.n, view->labels.n, view->labels.n);

	scorer->weights = palloc(view->n_components * sizeof(double));
	for (uint32 c = 0; c < view->n_components; c++)
		scorer->weights[c] = view->components[c].weight;
	scorer->prior = palloc(scorer->width * sizeof(LogRate));
	for (uint32 i = 0; i < scorer->width; i++)
		scorer->prior[i] =
			log_rate(view->components[i / view->labels.n].prior[i % view->labels.n]);
	scorer->pool = nl_alloc(CurrentMemoryContext, block * sizeof(LogRate));
	matrix = nl_alloc(CurrentMemoryContext, model_cells(view) * sizeof(double));
	fill_rates(scorer->pool, view, true, 0, matrix);
	scorer->rates = nl_alloc(CurrentMemoryContext,
							 Max(view->annotators.n, 1) * block * sizeof(LogRate));
	for (Size j = 0; j < view->annotators.n; j++)
		fill_rates(scorer->rates + j * block, view, false, j, matrix);
	pfree(matrix);
	scorer->annotators = index_names(&view->annotators, "annotator");
	scorer->labels = index_names(&view->labels, "label");
	return scorer;
}

static Size
scorer_memory(const void *model)
{
	return model_scorer_memory(model);
}

static void *
prepare_scorer(const void *model)
{
	return model_scorer_create(model);
}

static void *
get_model(Datum datum)
{
	return annotator_model_get(datum);
}

/* The scorer of a model argument, kept for the query. */
ModelScorer *
model_scorer_cached(FunctionCallInfo fcinfo, int argno)
{
	static const ModelUse use = {
		KIND_ANNOTATOR_MODEL, SCORING, get_model, scorer_memory, prepare_scorer
	};

	StaticAssertStmt(offsetof(AnnotatorModel, fingerprint) ==
					 offsetof(FingerprintedValue, fingerprint),
					 "the cache must find the fingerprint");
	return model_cache_get(fcinfo, argno, &use);
}

/* Place of an annotator in the model, or -1 for one never seen. */
int64
model_scorer_annotator(ModelScorer *scorer, NameView name)
{
	return dictionary_find(scorer->annotators, name);
}

/* Place of a label, which the model must know. */
uint32
model_scorer_label(ModelScorer *scorer, NameView name)
{
	int64		label = dictionary_find(scorer->labels, name);

	if (label < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the annotator_model does not know label \"%.*s\"", name.len, name.s),
				 errhint("Fit a model with such annotations, or leave them out: WHERE label = ANY (labels(model)).")));
	return label;
}

/* Places of names in one of the model's dictionaries, -1 where it lacks one. */
static int64 *
find_names(Dictionary *dict, const Names *names)
{
	int64	   *codes = nl_alloc(CurrentMemoryContext,
								 mul_size(Max(names->n, 1), sizeof(int64)));

	for (uint32 i = 0; i < names->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		codes[i] = dictionary_find(dict, names_get(names, i));
	}
	return codes;
}

/*
 * What a gold label says: the model's gold_weight is the chance that it is
 * right, and what remains is shared by the other classes.
 */
static void
set_gold(SetScorer *s, uint32 gold)
{
	uint32		classes = s->scorer->model.labels.n;
	double		right = s->scorer->model.gold_weight;

	for (uint32 k = 0; k < classes; k++)
		s->gold[k] = log_rate(classes == 1 ? 1 : k == gold ? right :
							  (1 - right) / (classes - 1));
}

/*
 * The posterior over classes from a score that includes the prior: the
 * components' posteriors, averaged by weight.  What is "beside" the score, or
 * NULL, has its full weight whatever the exponent.
 */
void
score_posterior(const LogRate *score, uint32 components, uint32 classes,
				const double *weights, double exponent, const LogRate *beside,
				double *posterior)
{
	double	   *p = palloc(classes * sizeof(double));
	uint32	   *vetoes = palloc(classes * sizeof(uint32));

	memset(posterior, 0, classes * sizeof(double));
	for (uint32 c = 0; c < components; c++)
	{
		for (uint32 k = 0; k < classes; k++)
		{
			const LogRate *s = &score[c * classes + k];

			p[k] = s->log / LOG_UNIT * exponent;
			vetoes[k] = s->veto;
			if (beside != NULL)
			{
				p[k] += beside[k].log / LOG_UNIT;
				vetoes[k] += beside[k].veto;
			}
		}
		logspace_normalize(p, vetoes, classes);
		for (uint32 k = 0; k < classes; k++)
			posterior[k] += weights[c] * p[k];
	}
	pfree(p);
	pfree(vetoes);
}

/*
 * For each annotator of the set the first one of the set who is in the same group
 * of the model; a stranger is alone.
 */
static uint32 *
groups_of_set(const SetScorer *s)
{
	uint32		n = s->view.annotators.n;
	const AnnotatorModelView *model = &s->scorer->model;
	uint32	   *group = nl_alloc(CurrentMemoryContext, mul_size(Max(n, 1), sizeof(uint32)));
	uint32	   *first = nl_alloc(CurrentMemoryContext,
								 mul_size(Max(model->annotators.n, 1), sizeof(uint32)));

	for (uint32 j = 0; j < model->annotators.n; j++)
		first[j] = PG_UINT32_MAX;
	for (uint32 a = 0; a < n; a++)
	{
		uint32	   *of_group;

		NL_CHECK_INTERRUPTS(a);
		group[a] = a;
		if (s->annotators[a] < 0)
			continue;
		of_group = &first[model->group[s->annotators[a]]];
		if (*of_group == PG_UINT32_MAX)
			*of_group = a;
		group[a] = *of_group;
	}
	pfree(first);
	return group;
}

/* In the current context; view and model must live as long. */
SetScorer *
set_scorer_begin(const AnnotationView *view, const AnnotatorModel *model)
{
	SetScorer  *s = palloc0(sizeof(SetScorer));

	s->view = *view;
	s->scorer = model_scorer_create(model);
	s->correlation = model->correlation;
	s->annotators = find_names(s->scorer->annotators, &view->annotators);
	s->labels = find_names(s->scorer->labels, &view->labels);
	s->score = palloc(s->scorer->width * sizeof(LogRate));
	s->gold = palloc(model->labels * sizeof(LogRate));
	s->posterior = palloc(model->labels * sizeof(double));
	s->view.voices = s->view.group = NULL;
	if (model->voices != VOICES_ANSWERS)
		em_set_voices(&s->view, model->voices == VOICES_GROUPS ? groups_of_set(s) : NULL);
	s->voices = em_voices_begin(&s->view);
	return s;
}

static void
add_plain_item(SetScorer *s, uint32 item)
{
	const AnnotationView *view = &s->view;

	for (uint32 a = view->starts[item]; a < view->starts[item + 1]; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		score_add(s->scorer, s->score, s->annotators[view->annotator[a]],
				  s->labels[view->label[a]]);
	}
}

/* An item some of whose answers count less than 1. */
static void
add_voices_item(SetScorer *s, uint32 item)
{
	const AnnotationView *view = &s->view;
	EmRun		run = {.to = view->starts[item]};

	em_voices_enter(&s->voices, item);
	while (em_voices_next(&s->voices, item, &run))
		for (uint32 a = run.from; a < run.to; a++)
		{
			const LogRate *rates = scorer_rates(s->scorer, s->annotators[run.annotator],
												s->labels[view->label[a]]);

			NL_CHECK_INTERRUPTS(a);
			for (uint32 i = 0; i < s->scorer->width; i++)
			{
				LogRate		rate = log_rate_share(&rates[i], run.heard);

				log_rate_add(&s->score[i], &rate);
			}
		}
	em_voices_leave(&s->voices, item);
}

/*
 * What the model says of an item, with the gold that it has; the model must
 * know its labels.  Valid until the next call.
 */
const double *
set_scorer_posterior(SetScorer *s, uint32 item)
{
	const ModelScorer *scorer = s->scorer;
	uint32		classes = scorer->model.labels.n;
	uint32		gold = annotation_gold(&s->view, item);

	if (gold != NO_GOLD && scorer->model.gold_weight >= 1)
	{
		memset(s->posterior, 0, classes * sizeof(double));
		s->posterior[s->labels[gold]] = 1;
		return s->posterior;
	}
	memcpy(s->score, scorer->prior, scorer->width * sizeof(LogRate));
	if (em_item_is_plain(&s->view, item))
		add_plain_item(s, item);
	else
		add_voices_item(s, item);
	if (gold != NO_GOLD)
		set_gold(s, s->labels[gold]);
	score_posterior(s->score, scorer->model.n_components, classes, scorer->weights,
					design_exponent(em_item_voices(&s->view, item), s->correlation),
					gold != NO_GOLD ? s->gold : NULL, s->posterior);
	return s->posterior;
}
