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
fill_rates(LogRate *rates, const ModelScorer *scorer, bool pool, Size annotator,
		   double *matrix)
{
	const AnnotatorModelView *model = &scorer->model;
	uint32		classes = scorer->classes.n;
	uint32		width = scorer->width;

	for (uint32 c = 0; c < model->n_components; c++)
	{
		if (pool)
			nl_copy(matrix, model->components[c].pool, model_cells(model) * sizeof(double));
		else
			model_component_rates(model, c, annotator, matrix);
		for (uint32 label = 0; label < model->labels.n; label++)
		{
			CHECK_FOR_INTERRUPTS();
			for (uint32 k = 0; k < classes; k++)
				rates[(Size) label * width + c * classes + k] =
					log_rate(matrix[(Size) label * model->labels.n + scorer->class_label[k]]);
		}
	}
}

/* The rates of each component, as many as differ, where one of them ties some. */
static LogRate **
make_tied_rates(const AnnotatorModelView *model)
{
	LogRate   **tied = palloc(model->n_components * sizeof(LogRate *));

	for (uint32 c = 0; c < model->n_components; c++)
	{
		const ModelComponent *component = &model->components[c];
		Size		n = variant_doubles(component->variant, model->annotators.n, model->labels.n);

		tied[c] = nl_alloc(CurrentMemoryContext, mul_size(Max(n, 1), sizeof(LogRate)));
		for (Size i = 0; i < n; i++)
		{
			NL_CHECK_INTERRUPTS(i);
			tied[c][i] = log_rate(component->confusion[i]);
		}
	}
	return tied;
}

/* What scorer_rates() says where rates are tied. */
const LogRate *
scorer_tied_rates(const ModelScorer *scorer, Size annotator, uint32 label)
{
	const AnnotatorModelView *model = &scorer->model;
	LogRate    *result = scorer->buffer;

	for (uint32 c = 0; c < model->n_components; c++)
	{
		Variant		variant = model->components[c].variant;
		const LogRate *own = scorer->tied[c];

		if (!variant_is_common(variant))
			own += annotator * variant_cells(variant, model->labels.n);
		for (uint32 k = 0; k < scorer->classes.n; k++)
			*result++ = own[rate_place(variant, model->labels.n, label, scorer->class_label[k])];
	}
	return scorer->buffer;
}

static bool
any_tied(const AnnotatorModelView *model)
{
	for (uint32 c = 0; c < model->n_components; c++)
		if (!variant_is_whole(model->components[c].variant))
			return true;
	return false;
}

/* The rates of annotators. */
static void
make_rates(ModelScorer *scorer, Size block, double *matrix)
{
	Size		annotators = scorer->model.annotators.n;

	if (any_tied(&scorer->model))
	{
		scorer->tied = make_tied_rates(&scorer->model);
		scorer->buffer = palloc(scorer->width * sizeof(LogRate));
		return;
	}
	scorer->rates = nl_alloc(CurrentMemoryContext, Max(annotators, 1) * block * sizeof(LogRate));
	for (Size j = 0; j < annotators; j++)
		fill_rates(scorer->rates + j * block, scorer, false, j, matrix);
}

static void
set_classes(ModelScorer *scorer)
{
	uint32		labels = scorer->model.labels.n;

	scorer->classes = model_classes(&scorer->model, &scorer->class_label);
	scorer->label_class = palloc(labels * sizeof(int64));
	for (uint32 l = 0; l < labels; l++)
		scorer->label_class[l] = -1;
	for (uint32 k = 0; k < scorer->classes.n; k++)
		scorer->label_class[scorer->class_label[k]] = k;
}

/*
 * Where silence is an answer: what everybody's says, who is in a group by his share of
 * it.  An answer takes its own out again (scorer_answer).
 */
static void
sum_silence(ModelScorer *scorer)
{
	const AnnotatorModelView *model = &scorer->model;
	uint32		n = model->annotators.n;

	scorer->silent = palloc0(scorer->width * sizeof(LogRate));
	scorer->members = nl_alloc_zero(CurrentMemoryContext, mul_size(Max(n, 1), sizeof(uint32)));
	for (uint32 j = 0; j < n; j++)
		scorer->members[model->group == NULL ? j : model->group[j]]++;
	for (uint32 j = 0; j < n; j++)
	{
		const LogRate *rates = scorer_rates(scorer, j, model->abstains - 1);

		CHECK_FOR_INTERRUPTS();
		/* the first of a group stands before its others */
		scorer->members[j] = scorer->members[model->group == NULL ? j : model->group[j]];
		for (uint32 i = 0; i < scorer->width; i++)
		{
			LogRate		rate = log_rate_share(&rates[i], 1.0 / scorer->members[j]);

			log_rate_add(&scorer->silent[i], &rate);
		}
	}
}

/*
 * What one answer says in place of its annotator's silence, if that is an answer,
 * too.  Silence has no veto (annotator_model_io.c sees to that).
 */
void
scorer_answer(const ModelScorer *scorer, int64 annotator, uint32 label, LogRate *rates)
{
	const LogRate *silent;

	memcpy(rates, scorer_rates(scorer, annotator, label), scorer->width * sizeof(LogRate));
	if (scorer->silent == NULL || annotator < 0)
		return;
	silent = scorer_rates(scorer, annotator, scorer->model.abstains - 1);
	for (uint32 i = 0; i < scorer->width; i++)
		rates[i].log -= silent[i].log;
}

/* The parts of a scorer that grow with the model. */
Size
model_scorer_memory(const AnnotatorModel *model)
{
	Size		width = mul_size(model->components, model->labels);
	Size		block = mul_size(width, model->labels);
	Size		rates = add_size(block, annotator_model_rates_stored(model));

	return add_size(mul_size(add_size(rates, 2 * width), sizeof(LogRate)),
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
	set_classes(scorer);
	scorer->width = view->n_components * scorer->classes.n;
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
			log_rate(view->components[i / scorer->classes.n].prior[scorer->class_label[i % scorer->classes.n]]);
	scorer->pool = nl_alloc(CurrentMemoryContext, block * sizeof(LogRate));
	matrix = nl_alloc(CurrentMemoryContext, model_cells(view) * sizeof(double));
	fill_rates(scorer->pool, scorer, true, 0, matrix);
	make_rates(scorer, block, matrix);
	pfree(matrix);
	if (view->silence)
		sum_silence(scorer);
	scorer->annotators = dictionary_index(&view->annotators, "annotator");
	scorer->labels = dictionary_index(&view->labels, "label");
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

/*
 * An item's own prior in place of the class prior: "result" has the model's width.
 * A class that it does not name has probability 0.
 */
void
model_scorer_prior(ModelScorer *scorer, const LabelDistribution *prior, LogRate *result)
{
	Names		names = label_distribution_labels(prior);
	uint32		classes = scorer->classes.n;

	for (uint32 i = 0; i < scorer->width; i++)
		result[i] = log_rate(0);
	for (uint32 i = 0; i < names.n; i++)
	{
		NameView	name = names_get(&names, i);
		int64		label = dictionary_find(scorer->labels, name);
		int64		k = label < 0 ? -1 : scorer->label_class[label];

		CHECK_FOR_INTERRUPTS();
		if (k < 0 && prior->p[i] > 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the prior has a label that is no class of the annotator_model: \"%.*s\"",
							name.len, name.s),
					 errhint("The classes of a model are labels(class_prior(model)).")));
		for (uint32 c = 0; k >= 0 && c < scorer->model.n_components; c++)
			result[c * classes + k] = log_rate(prior->p[i]);
	}
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
	uint32		classes = s->scorer->classes.n;
	double		right = s->scorer->model.gold_weight;

	for (uint32 k = 0; k < classes; k++)
		s->gold[k] = log_rate(classes == 1 ? 1 : k == gold ? right :
							  (1 - right) / (classes - 1));
}

/* The log-weights of the classes in one component, and their vetoes. */
static void
weigh_classes(const ItemScore *item, const LogRate *answers, const LogRate *prior,
			  uint32 classes, double *p, uint32 *vetoes)
{
	for (uint32 k = 0; k < classes; k++)
	{
		int64		tempered = answers[k].log + (item->prior_known ? 0 : prior[k].log);

		p[k] = tempered / LOG_UNIT * item->exponent;
		vetoes[k] = answers[k].veto + prior[k].veto;
		if (item->prior_known)
			p[k] += prior[k].log / LOG_UNIT;
		if (item->gold != NULL)
		{
			p[k] += item->gold[k].log / LOG_UNIT;
			vetoes[k] += item->gold[k].veto;
		}
	}
}

/*
 * The posterior over classes: the components' posteriors, averaged by weight.
 * This is the one place where it is tempered: answers share errors, so that they
 * and what was learned of them, the prior included, have the power "exponent".
 * Gold has its full weight, and so has a prior that does not come from the fit,
 * be it the user's or the item's own ("prior_known").
 */
void
score_posterior(const ItemScore *item, uint32 components, uint32 classes,
				const double *weights, double *posterior)
{
	double	   *p = palloc(classes * sizeof(double));
	uint32	   *vetoes = palloc(classes * sizeof(uint32));

	memset(posterior, 0, classes * sizeof(double));
	for (uint32 c = 0; c < components; c++)
	{
		weigh_classes(item, item->answers + c * classes, item->prior + c * classes,
					  classes, p, vetoes);
		logspace_normalize(p, vetoes, classes);
		for (uint32 k = 0; k < classes; k++)
			posterior[k] += weights[c] * p[k];
	}
	pfree(p);
	pfree(vetoes);
}

/* Place in the set of a label of the model, or -1. */
static int64
label_of_set(const SetScorer *s, int64 label)
{
	for (uint32 l = 0; l < s->view.labels.n; l++)
		if (label >= 0 && s->labels[l] == label)
			return l;
	return -1;
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

/* Groups have the members that the model has, were they not in the set. */
static void
count_members(SetScorer *s)
{
	for (uint32 a = 0; a < s->view.annotators.n; a++)
		if (s->view.group[a] == a)
			s->voices.members[a] = Max(scorer_members(s->scorer, s->annotators[a]), 1);
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
	s->answer = palloc(s->scorer->width * sizeof(LogRate));
	s->own_prior = palloc(s->scorer->width * sizeof(LogRate));
	s->view.voices = s->view.group = NULL;
	s->view.silence = s->scorer->silent != NULL;
	s->view.abstains = label_of_set(s, (int64) s->scorer->model.abstains - 1) + 1;
	if (model->voices != VOICES_ANSWERS)
		em_set_voices(&s->view, model->voices == VOICES_GROUPS ? groups_of_set(s) : NULL);
	s->voices = em_voices_begin(&s->view);
	if (s->voices.members != NULL && s->scorer->silent != NULL)
		count_members(s);
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
			NL_CHECK_INTERRUPTS(a);
			scorer_answer(s->scorer, s->annotators[run.annotator],
						  s->labels[view->label[a]], s->answer);
			for (uint32 i = 0; i < s->scorer->width; i++)
			{
				LogRate		rate = log_rate_share(&s->answer[i], run.heard);

				log_rate_add(&s->score[i], &rate);
			}
		}
	em_voices_leave(&s->voices, item);
}

/* The class of a gold label, which must be one. */
static uint32
gold_class(const SetScorer *s, uint32 gold)
{
	int64		class = s->scorer->label_class[s->labels[gold]];

	if (class < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a gold label is \"%s\", which stands for no class in this annotator_model",
						names_cstring(&s->view.labels, gold)),
				 errhint("Gold is NULL where it is not known.")));
	return class;
}

/* How many voices say what an item is. */
uint32
set_scorer_voices(const SetScorer *s, uint32 item)
{
	return em_voices_naming(&s->view, item);
}

/* Labels that the model must know. */
void
set_scorer_check_labels(const SetScorer *s)
{
	for (uint32 i = 0; i < s->view.labels.n; i++)
		if (s->labels[i] < 0)
			(void) model_scorer_label(s->scorer, names_get(&s->view.labels, i));	/* says so */
}

/* The answers to an item, into s->score; the model must know their labels. */
void
set_scorer_answers(SetScorer *s, uint32 item)
{
	if (s->scorer->silent != NULL)
		memcpy(s->score, s->scorer->silent, s->scorer->width * sizeof(LogRate));
	else
		memset(s->score, 0, s->scorer->width * sizeof(LogRate));
	if (em_item_is_plain(&s->view, item))
		add_plain_item(s, item);
	else
		add_voices_item(s, item);
}

/* The posterior of an item of which all is known but its gold. */
static const double *
item_posterior(SetScorer *s, uint32 item, ItemScore known)
{
	const ModelScorer *scorer = s->scorer;
	uint32		classes = scorer->classes.n;
	uint32		gold = annotation_gold(&s->view, item);

	if (gold != NO_GOLD && scorer->model.gold_weight >= 1)
	{
		memset(s->posterior, 0, classes * sizeof(double));
		s->posterior[gold_class(s, gold)] = 1;
		return s->posterior;
	}
	if (gold != NO_GOLD)
	{
		set_gold(s, gold_class(s, gold));
		known.gold = s->gold;
	}
	score_posterior(&known, scorer->model.n_components, classes, scorer->weights,
					s->posterior);
	return s->posterior;
}

/*
 * What is reported of an item if these are its answers, in which so many voices
 * name a class, with the gold that it has.  Valid until the next call.
 */
const double *
set_scorer_report(SetScorer *s, uint32 item, const LogRate *answers, double voices)
{
	ItemScore	known = {
		.answers = answers,
		.prior = s->scorer->prior,
		.exponent = design_exponent(voices, s->correlation),
		.prior_known = s->scorer->model.prior_known
	};

	return item_posterior(s, item, known);
}

/*
 * The same of the answers that are in s->score, with the item's own prior: as it is
 * reported, or with answers that count in full, as fits learn from it.
 */
const double *
set_scorer_own_prior(SetScorer *s, uint32 item, const double *prior, bool report)
{
	uint32		classes = s->scorer->classes.n;
	ItemScore	known = {
		.answers = s->score,
		.prior = s->own_prior,
		.exponent = report ? design_exponent(set_scorer_voices(s, item), s->correlation) : 1,
		.prior_known = true
	};

	for (uint32 i = 0; i < s->scorer->width; i++)
		s->own_prior[i] = log_rate(prior[i % classes]);
	return item_posterior(s, item, known);
}

/* What the model says of an item.  Valid until the next call. */
const double *
set_scorer_posterior(SetScorer *s, uint32 item)
{
	set_scorer_answers(s, item);
	return set_scorer_report(s, item, s->score, set_scorer_voices(s, item));
}
