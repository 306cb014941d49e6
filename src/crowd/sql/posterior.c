/*
 * posterior.c
 *		The aggregate posterior(annotator_model, annotator, label): the
 *		posterior of the item whose annotations are the rows of the group.
 *
 * The state is the type posterior_state: the item's score so far, with what
 * the final step needs of the model (class names, weights), since that step
 * may run where no model is at hand.  Its size is known from the first row on,
 * so it is a plain value that later rows change in place.
 */
#include "crowd/apply_model.h"

#include <math.h>

#include "names/names_io.h"
#include "pg/arguments.h"
#include "types/label_distribution.h"
#include "libpq/pqformat.h"
#include "types/value_forms.h"

typedef struct PosteriorState
{
	ValueHeader header;
	uint64		fingerprint;	/* of the model */
	uint32		classes;
	uint32		components;
	uint32		label_bytes;
	uint32		unused;
	double		data[FLEXIBLE_ARRAY_MEMBER];

	/*
	 * LogRate prior[components * classes], score[components * classes] of the
	 * annotations alone; double weights[components]; uint32 ends[classes];
	 * bytes of the class names
	 */
} PosteriorState;

static inline uint32
state_width(const PosteriorState *state)
{
	return state->components * state->classes;
}

static inline LogRate *
state_prior(const PosteriorState *state)
{
	return (LogRate *) state->data;
}

static inline LogRate *
state_score(const PosteriorState *state)
{
	return state_prior(state) + state_width(state);
}

static inline double *
state_weights(const PosteriorState *state)
{
	return (double *) (state_score(state) + state_width(state));
}

static Names
state_labels(const PosteriorState *state)
{
	const uint32 *ends = (const uint32 *) (state_weights(state) + state->components);

	return (Names) {state->classes, ends, (const char *) (ends + state->classes)};
}

static Size
flat_size(Size components, Size classes, Size label_bytes)
{
	Size		size = offsetof(PosteriorState, data);

	size = add_size(size, mul_size(mul_size(components, classes),
								   2 * sizeof(LogRate)));
	size = add_size(size, mul_size(components, sizeof(double)));
	size = add_size(size, mul_size(classes, sizeof(uint32)));
	return value_check_size(add_size(size, label_bytes), KIND_POSTERIOR_STATE);
}

static PosteriorState *
state_get(Datum datum)
{
	PosteriorState *state = value_get(datum, KIND_POSTERIOR_STATE,
									offsetof(PosteriorState, data));

	value_check_stored(state, flat_size(state->components, state->classes,
										state->label_bytes),
					   KIND_POSTERIOR_STATE);
	return state;
}

/* A state of the given shape, all numbers zero. */
static PosteriorState *
state_make(uint32 components, const Names *labels)
{
	uint32		label_bytes = names_bytes(labels);
	Size		size = flat_size(components, labels->n, label_bytes);
	PosteriorState *state = palloc0(size);
	Names		names;

	value_init(state, KIND_POSTERIOR_STATE, size);
	state->classes = labels->n;
	state->components = components;
	state->label_bytes = label_bytes;
	names = state_labels(state);
	names_copy(&names, labels);
	return state;
}

static PosteriorState *
state_begin(const ModelScorer *scorer)
{
	const AnnotatorModelView *model = &scorer->model;
	PosteriorState *state = state_make(model->n_components, &model->labels);

	state->fingerprint = scorer->fingerprint;
	memcpy(state_prior(state), scorer->prior, scorer->width * sizeof(LogRate));
	memcpy(state_weights(state), scorer->weights, model->n_components * sizeof(double));
	return state;
}

/* The shape is compared as well: a state may come from a hostile sender. */
static void
check_same_model(const PosteriorState *state, uint64 fingerprint,
				 uint32 components, uint32 classes)
{
	if (state->fingerprint != fingerprint || state->components != components ||
		state->classes != classes)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("annotator_model must be the same for all rows of a group")));
}

/*
 * The state of argument 0 in a form that may be changed: inside an aggregate
 * the state itself, which is never toasted there.
 */
static PosteriorState *
get_state(FunctionCallInfo fcinfo)
{
	PosteriorState *state = state_get(PG_GETARG_DATUM(0));
	PosteriorState *copy;

	if (AggCheckCallContext(fcinfo, NULL))
		return state;
	copy = palloc(VARSIZE(state));
	memcpy(copy, state, VARSIZE(state));
	return copy;
}

/* (posterior_state, annotator_model, annotator, label) */
NL_FUNCTION(posterior_accum);
Datum
posterior_accum(PG_FUNCTION_ARGS)
{
	ModelScorer *scorer;
	PosteriorState *state;
	int64		j;
	uint32		l;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		VALUE_RETURN_STATE();
	scorer = model_scorer_cached(fcinfo, 1);
	j = model_scorer_annotator(scorer, name_of_text(nl_name_argument(fcinfo, 2)));
	l = model_scorer_label(scorer, name_of_text(nl_name_argument(fcinfo, 3)));
	if (PG_ARGISNULL(0))
		state = state_begin(scorer);
	else
	{
		state = get_state(fcinfo);
		check_same_model(state, scorer->fingerprint,
						 scorer->model.n_components, scorer->model.labels.n);
	}
	score_add(scorer, state_score(state), j, l);
	PG_RETURN_POINTER(state);
}

/* (posterior_state, posterior_state): either side may be NULL */
NL_FUNCTION(posterior_combine);
Datum
posterior_combine(PG_FUNCTION_ARGS)
{
	PosteriorState *other;
	PosteriorState *state;

	if (PG_ARGISNULL(1))
		VALUE_RETURN_STATE();
	other = state_get(PG_GETARG_DATUM(1));
	if (PG_ARGISNULL(0))
		PG_RETURN_POINTER(other);
	state = get_state(fcinfo);
	check_same_model(state, other->fingerprint, other->components, other->classes);
	for (uint32 i = 0; i < state_width(state); i++)
	{
		log_rate_add(&state_score(state)[i], &state_score(other)[i]);
	}
	PG_RETURN_POINTER(state);
}

NL_FUNCTION(posterior_final);
Datum
posterior_final(PG_FUNCTION_ARGS)
{
	PosteriorState *state = state_get(PG_GETARG_DATUM(0));
	Names		labels = state_labels(state);
	LogRate    *score = palloc(state_width(state) * sizeof(LogRate));
	double	   *p = palloc(state->classes * sizeof(double));

	for (uint32 i = 0; i < state_width(state); i++)
	{
		score[i].log = state_prior(state)[i].log + state_score(state)[i].log;
		score[i].veto = state_prior(state)[i].veto + state_score(state)[i].veto;
	}
	score_posterior(score, state->components, state->classes,
					state_weights(state), p);
	PG_RETURN_POINTER(label_distribution_make(&labels, p));
}

/*
 * Input and output.  Binary: version, fingerprint, labels, weights, prior and
 * score; text: the same in base64 (see value.h).
 */
static void
send_rates(StringInfo buf, const LogRate *rates, uint32 n)
{
	for (uint32 i = 0; i < n; i++)
	{
		pq_sendint64(buf, rates[i].log);
		pq_sendint32(buf, rates[i].veto);
	}
}

static void
write_state(StringInfo buf, const void *value, int encoding)
{
	const PosteriorState *state = value;
	Names		labels = state_labels(state);

	value_send_version(buf, KIND_POSTERIOR_STATE);
	pq_sendint64(buf, state->fingerprint);
	names_send(buf, &labels, encoding);
	pq_sendint32(buf, state->components);
	for (uint32 i = 0; i < state->components; i++)
		pq_sendfloat8(buf, state_weights(state)[i]);
	send_rates(buf, state_prior(state), state_width(state));
	send_rates(buf, state_score(state), state_width(state));
}

/*
 * Any numbers are sums of some log-probabilities, down to where sums stop.  The
 * sender's classes may be in another order than ours ("rank" says where each one
 * goes), as names are in another encoding.
 */
static void
recv_rates(StringInfo buf, LogRate *rates, const PosteriorState *state,
		   const uint32 *rank)
{
	for (uint32 i = 0; i < state_width(state); i++)
	{
		uint32		class = i % state->classes;
		LogRate    *rate = &rates[i - class + rank[class]];

		rate->log = pq_getmsgint64(buf);
		rate->veto = pq_getmsgint(buf, 4);
		if (rate->log > 0 || rate->log < LOG_RATE_MIN || rate->veto > PG_INT32_MAX)
			value_invalid_binary(KIND_POSTERIOR_STATE, "A score is out of range.");
	}
}

static Datum
read_state(StringInfo buf, int encoding)
{
	Dictionary *dict = dictionary_create(CurrentMemoryContext, "label", NL_MAX_CLASSES);
	PosteriorState *state;
	Names		labels;
	uint32	   *order;
	uint32	   *rank;
	uint64		fingerprint;
	uint32		components;
	double		sum = 0;

	value_recv_version(buf, KIND_POSTERIOR_STATE);
	fingerprint = pq_getmsgint64(buf);
	dictionary_recv(dict, buf, encoding);
	order = dictionary_order(dict, ORDER_LABELS);
	rank = dictionary_rank(order, dict->n);
	labels = dictionary_names(dict, order);
	components = pq_getmsgint(buf, 4);
	if (labels.n == 0 || components == 0 ||
		mul_size(components, 8 + mul_size(labels.n, 24)) !=
		(Size) (buf->len - buf->cursor))
		value_invalid_binary(KIND_POSTERIOR_STATE, "Its size is wrong.");
	state = state_make(components, &labels);
	state->fingerprint = fingerprint;
	for (uint32 i = 0; i < components; i++)
	{
		double		weight = pq_getmsgfloat8(buf);

		if (!(weight >= 0 && weight <= 1 + 1e-6))
			value_invalid_binary(KIND_POSTERIOR_STATE, "A weight is out of range.");
		state_weights(state)[i] = weight + 0.0;
		sum += weight;
	}
	if (fabs(sum - 1) > 1e-6)
		value_invalid_binary(KIND_POSTERIOR_STATE, "The weights do not sum to 1.");
	recv_rates(buf, state_prior(state), state, rank);
	recv_rates(buf, state_score(state), state, rank);
	return PointerGetDatum(state);
}

static const ValueForms posterior_state_forms = {
	.kind = KIND_POSTERIOR_STATE,.write_binary = write_state,.read_binary = read_state
};

VALUE_INPUT_FUNCTIONS(posterior_state)
VALUE_OUTPUT_FUNCTIONS(posterior_state, state_get)
