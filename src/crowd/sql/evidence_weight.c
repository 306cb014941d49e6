/*
 * evidence_weight.c
 *		The aggregate evidence_weight(annotator_model, annotator): how many perfect
 *		answers the answers of an item are worth.
 *
 * An answer of annotator j is worth I_j / H: the mutual information of truth and
 * answer by the rates that the model uses, over the entropy of its class prior,
 * which is what a perfect answer tells.  Answers of one annotator are one voice,
 * those of a group share one, and n voices are worth n / (1 + (n - 1) r) of their
 * mean, as for posterior().
 *
 * I_j takes all of a matrix, so it is kept for the query once an annotator has
 * answered: a number each, beside an index of names.
 *
 * The state is a posterior_state of one class, in whose scores stand minus what
 * answers are worth, as whole numbers of 2^-36, so that their sum does not depend
 * on the order; posterior_combine() joins two.
 */
#include "crowd/apply_model.h"

#include <math.h>

#include "pg/arguments.h"
#include "types/model_cache.h"
#include "types/posterior_state.h"

#define WORTH_UNIT 68719476736.0	/* 2^36 */
#define NOT_KNOWN (-1)

/* A model, and what the answers of its annotators are worth. */
typedef struct Appraiser
{
	AnnotatorModelView model;
	uint64		fingerprint;
	bool		knows_nothing;
	Dictionary *annotators;
	int64	   *worth;			/* J, and of whom the model does not know; or NOT_KNOWN */
} Appraiser;

static double
entropy(const double *p, uint32 n)
{
	double		nats = 0;

	for (uint32 k = 0; k < n; k++)
		if (p[k] > 0)
			nats -= p[k] * log(p[k]);
	return nats;
}

/* Mutual information in nats of the class and the answer by a matrix. */
static double
information(const double *prior, const double *matrix, uint32 classes)
{
	double		nats = 0;

	for (uint32 label = 0; label < classes; label++)
	{
		const double *rate = matrix + (Size) label * classes;
		double		marginal = 0;

		CHECK_FOR_INTERRUPTS();
		for (uint32 k = 0; k < classes; k++)
			marginal += prior[k] * rate[k];
		for (uint32 k = 0; k < classes; k++)
			if (prior[k] * rate[k] > 0)
				nats += prior[k] * rate[k] * (log(rate[k]) - log(marginal));
	}
	return nats;
}

/* Of an annotator, or -1 for one never seen, in units. */
static int64
worth(const AnnotatorModelView *model, int64 annotator)
{
	uint32		classes = model->labels.n;
	double	   *matrix = nl_alloc(CurrentMemoryContext, model_cells(model) * sizeof(double));
	double		share = 0;

	for (uint32 c = 0; c < model->n_components; c++)
	{
		const ModelComponent *component = &model->components[c];
		double		most = entropy(component->prior, classes);

		if (annotator < 0)
			nl_copy(matrix, component->pool, model_cells(model) * sizeof(double));
		else
			model_component_rates(model, c, annotator, matrix);
		if (most > 0)
			share += component->weight *
				Min(Max(information(component->prior, matrix, classes) / most, 0), 1);
	}
	pfree(matrix);
	return (int64) rint(share * WORTH_UNIT);
}

/* With one class, or one that is certain, an answer tells nothing. */
static bool
nothing_to_tell(const AnnotatorModelView *model)
{
	for (uint32 c = 0; c < model->n_components; c++)
		if (entropy(model->components[c].prior, model->labels.n) > 0)
			return false;
	return true;
}

/*
 * The model, prepared
 */
static void *
get_model(Datum datum)
{
	return annotator_model_get(datum);
}

static Size
appraiser_memory(const void *value)
{
	AnnotatorModelView model = annotator_model_view(value);
	Size		size = dictionary_memory_of(model.annotators.n, names_bytes(&model.annotators));

	return add_size(add_size(sizeof(Appraiser), size),
					mul_size((Size) model.annotators.n + 1, sizeof(int64)));
}

static void *
prepare_appraiser(const void *value)
{
	const AnnotatorModel *stored = value;
	Appraiser  *a = palloc(sizeof(Appraiser));
	Size		n;

	a->model = annotator_model_view(stored);
	a->fingerprint = stored->fingerprint;
	a->knows_nothing = model_knows_nothing(&a->model) || nothing_to_tell(&a->model);
	a->annotators = dictionary_index(&a->model.annotators, "annotator");
	n = (Size) a->model.annotators.n + 1;
	a->worth = nl_alloc(CurrentMemoryContext, mul_size(n, sizeof(int64)));
	for (Size j = 0; j < n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		a->worth[j] = NOT_KNOWN;
	}
	return a;
}

static Appraiser *
get_appraiser(FunctionCallInfo fcinfo)
{
	static const ModelUse use = {
		KIND_ANNOTATOR_MODEL, "weighing evidence with this",
		get_model, appraiser_memory, prepare_appraiser
	};

	StaticAssertStmt(offsetof(AnnotatorModel, fingerprint) ==
					 offsetof(FingerprintedValue, fingerprint),
					 "the cache must find the fingerprint");
	return model_cache_get(fcinfo, 1, &use);
}

static int64
appraise(Appraiser *a, int64 annotator)
{
	int64	   *known = &a->worth[annotator < 0 ? a->model.annotators.n : annotator];

	if (*known == NOT_KNOWN)
		*known = worth(&a->model, annotator);
	return *known;
}

/*
 * The state
 */
static PosteriorState *
state_begin(const Appraiser *appraiser)
{
	const AnnotatorModelView *model = &appraiser->model;
	Names		first = {1, model->labels.ends, model->labels.bytes};
	PosteriorState *state = posterior_state_make(1, &first,
												 model->voices == VOICES_ANSWERS ? 0 : FIRST_CAPACITY);

	state->fingerprint = appraiser->fingerprint;
	state->correlation = model->correlation;
	state->knows_nothing = appraiser->knows_nothing;
	state_weights(state)[0] = 1;
	return state;
}

static PosteriorState *
get_state(FunctionCallInfo fcinfo, const Appraiser *appraiser)
{
	PosteriorState *state = posterior_state_argument(fcinfo);

	if (state->fingerprint != appraiser->fingerprint || state_width(state) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("annotator_model must be the same for all rows of a group")));
	return state;
}

static PosteriorState *
keep_answer(PosteriorState *state, const AnnotatorModelView *model, int64 annotator,
			NameView name, int64 units)
{
	KeptAnswer *answer;

	state = posterior_state_keep(state, model->group, annotator, name, &answer);
	answer->rates[0] = (LogRate) {-units, 0, 0};
	return state;
}

/* (posterior_state, annotator_model, annotator) */
NL_FUNCTION(evidence_weight_accum);
Datum
evidence_weight_accum(PG_FUNCTION_ARGS)
{
	Appraiser  *appraiser;
	PosteriorState *state;
	NameView	name;
	int64		annotator;
	LogRate		rate = {0};

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		VALUE_RETURN_STATE();
	appraiser = get_appraiser(fcinfo);
	name = name_of_text(nl_name_argument(fcinfo, 2));
	annotator = dictionary_find(appraiser->annotators, name);
	state = PG_ARGISNULL(0) ? state_begin(appraiser) : get_state(fcinfo, appraiser);
	state->answers++;
	rate.log = -appraise(appraiser, annotator);
	if (state->keep)
		state = keep_answer(state, &appraiser->model, annotator, name, -rate.log);
	else
		log_rate_add(state_score(state), &rate);
	PG_RETURN_POINTER(state);
}

/* The voices of the answers that are kept, and what they are worth, in units. */
static double
worth_of_voices(const PosteriorState *state, double *voices)
{
	const KeptAnswer **answers = posterior_state_order(state);
	double		sum = 0;
	uint32		end;

	*voices = 0;
	for (uint32 from = 0; from < state->kept; from = end)
	{
		double		of_group = 0;
		uint32		members = 0;

		NL_CHECK_INTERRUPTS(from);
		for (end = from; end < state->kept && answers[end]->group == answers[from]->group; end++)
		{
			if (end > from && answers[end]->annotator == answers[end - 1]->annotator)
				continue;
			of_group -= answers[end]->rates[0].log;
			members++;
		}
		sum += of_group / members;
		++*voices;
	}
	pfree(answers);
	return sum;
}

NL_FUNCTION(evidence_weight_final);
Datum
evidence_weight_final(PG_FUNCTION_ARGS)
{
	PosteriorState *state = posterior_state_get(PG_GETARG_DATUM(0));
	double		voices = state->answers;
	double		sum;

	if (state_width(state) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the state is one of another aggregate")));
	if (state->knows_nothing)
		PG_RETURN_NULL();
	sum = -(double) state_score(state)[0].log;
	if (state->keep)
		sum = worth_of_voices(state, &voices);
	PG_RETURN_FLOAT8(sum / WORTH_UNIT * design_exponent(voices, state->correlation));
}
