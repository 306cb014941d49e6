/*
 * posterior.c
 *		The aggregate posterior(annotator_model, annotator, label [, prior]): the
 *		posterior of the item whose annotations are the rows of the group.
 *
 * The state is the type posterior_state: the item's score so far, with what
 * the final step needs of the model (class names, weights), since that step
 * may run where no model is at hand.  It is a plain value that later rows change
 * in place.
 *
 * Where voices are not answers (em_voices.h), what an answer counts is known when
 * all are there.  So the state keeps the answers, and room for more, which
 * doubles.
 */
#include "crowd/apply_model.h"

#include <math.h>

#include "names/names_io.h"
#include "pg/arguments.h"
#include "types/label_distribution.h"
#include "types/posterior_state.h"
#include "libpq/pqformat.h"
#include "types/value_forms.h"

/* The class prior, or the item's own. */
typedef struct Prior
{
	const LogRate *rates;
	bool		known;			/* not by the fit, so that it keeps its full weight */
} Prior;

static PosteriorState *
state_begin(const ModelScorer *scorer, Prior prior)
{
	const AnnotatorModelView *model = &scorer->model;
	PosteriorState *state = posterior_state_make(model->n_components, &scorer->classes,
									   model->voices == VOICES_ANSWERS ? 0 : FIRST_CAPACITY);

	state->correlation = model->correlation;
	state->knows_nothing = model_knows_nothing(model);
	state->prior_known = prior.known;
	state->fingerprint = scorer->fingerprint;
	memcpy(state_prior(state), prior.rates, scorer->width * sizeof(LogRate));
	if (scorer->silent != NULL)
		memcpy(state_score(state), scorer->silent, scorer->width * sizeof(LogRate));
	memcpy(state_weights(state), scorer->weights, model->n_components * sizeof(double));
	return state;
}

/* The shape is compared as well: a state may come from a hostile sender. */
static void
check_same_model(const PosteriorState *state, uint64 fingerprint,
				 uint32 components, uint32 classes, bool keep)
{
	if (state->fingerprint != fingerprint || state->components != components ||
		state->classes != classes || state->keep != keep)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("annotator_model must be the same for all rows of a group")));
}

/* Of one model the class prior is the same, so rows of an item differ in their own. */
static void
check_same_prior(const PosteriorState *state, Prior prior)
{
	if (state->prior_known != prior.known ||
		memcmp(state_prior(state), prior.rates, state_width(state) * sizeof(LogRate)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("prior must be the same for all rows of a group"),
				 errhint("It is that of the item which the rows are answers to: GROUP BY the item, and join one prior to it.")));
}

/* The item's own prior, if the call has one; NULL is none. */
static Prior
prior_argument(FunctionCallInfo fcinfo, ModelScorer *scorer)
{
	LogRate    *own;

	if (PG_NARGS() <= 4 || PG_ARGISNULL(4))
		return (Prior) {scorer->prior, scorer->model.prior_known};
	own = palloc(scorer->width * sizeof(LogRate));
	model_scorer_prior(scorer, PG_GETARG_LABEL_DISTRIBUTION(4), own);
	return (Prior) {own, true};
}

static PosteriorState *
keep_answer(PosteriorState *state, const ModelScorer *scorer, int64 annotator,
			NameView name, uint32 label)
{
	KeptAnswer *answer;

	state = posterior_state_keep(state, scorer->model.group, annotator, name, &answer);
	answer->members = scorer_members(scorer, annotator);
	answer->abstains = scorer->label_class[label] < 0;
	scorer_answer(scorer, annotator, label, answer->rates);
	return state;
}

/* (posterior_state, annotator_model, annotator, label [, prior]) */
NL_FUNCTION(posterior_accum);
Datum
posterior_accum(PG_FUNCTION_ARGS)
{
	ModelScorer *scorer;
	PosteriorState *state;
	Prior		prior;
	NameView	name;
	int64		j;
	uint32		l;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		VALUE_RETURN_STATE();
	scorer = model_scorer_cached(fcinfo, 1);
	name = name_of_text(nl_name_argument(fcinfo, 2));
	j = model_scorer_annotator(scorer, name);
	l = model_scorer_label(scorer, name_of_text(nl_name_argument(fcinfo, 3)));
	prior = prior_argument(fcinfo, scorer);
	if (PG_ARGISNULL(0))
		state = state_begin(scorer, prior);
	else
	{
		state = posterior_state_argument(fcinfo);
		check_same_model(state, scorer->fingerprint,
						 scorer->model.n_components, scorer->classes.n,
						 scorer->model.voices != VOICES_ANSWERS);
		check_same_prior(state, prior);
	}
	state->answers += scorer->label_class[l] >= 0;
	if (state->keep)
		state = keep_answer(state, scorer, j, name, l);
	else
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
	other = posterior_state_get(PG_GETARG_DATUM(1));
	if (PG_ARGISNULL(0))
		PG_RETURN_POINTER(other);
	state = posterior_state_argument(fcinfo);
	check_same_model(state, other->fingerprint, other->components, other->classes,
					 other->keep);
	check_same_prior(state, (Prior) {state_prior(other), other->prior_known});
	state->answers += other->answers;
	for (uint32 i = 0; i < state_width(state) && !state->keep; i++)
		log_rate_add(&state_score(state)[i], &state_score(other)[i]);
	if (state->keep)
	{
		state = posterior_state_room(state, other->kept);
		nl_copy(kept_answer(state, state->kept), kept_answer(other, 0),
				other->kept * kept_size(state_width(state)));
		state->kept += other->kept;
	}
	PG_RETURN_POINTER(state);
}

/* Adds answers from..to of one annotator, of a group of so many on the item. */
static void
add_annotator(LogRate *score, const KeptAnswer **answers, uint32 from, uint32 to,
			  uint32 members, uint32 width)
{
	double		share = 1.0 / (to - from) / members;

	for (uint32 a = from; a < to; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		for (uint32 i = 0; i < width; i++)
		{
			LogRate		rate = log_rate_share(&answers[a]->rates[i], share);

			log_rate_add(&score[i], &rate);
		}
	}
}

static uint32
end_of_annotator(const KeptAnswer **answers, uint32 from, uint32 n)
{
	uint32		to = from;

	while (to < n && answers[to]->annotator == answers[from]->annotator &&
		   answers[to]->group == answers[from]->group)
		to++;
	return to;
}

/* Adds the answers that are kept; returns how many voices name a class. */
static uint32
add_kept(const PosteriorState *state, LogRate *score)
{
	uint32		n = state->kept;
	const KeptAnswer **answers = posterior_state_order(state);
	uint32		voices = 0;
	uint32		end;

	for (uint32 from = 0; from < n; from = end)
	{
		uint32		members = 0;
		bool		named = false;

		for (end = from; end < n && answers[end]->group == answers[from]->group;
			 end = end_of_annotator(answers, end, n))
			members++;
		for (uint32 a = from; a < end; a++)
			named = named || !answers[a]->abstains;
		members = answers[from]->members > 0 ? answers[from]->members : members;
		for (uint32 a = from; a < end;)
		{
			uint32		to = end_of_annotator(answers, a, end);

			add_annotator(score, answers, a, to, members, state_width(state));
			a = to;
		}
		voices += named;
	}
	pfree(answers);
	return voices;
}

NL_FUNCTION(posterior_final);
Datum
posterior_final(PG_FUNCTION_ARGS)
{
	PosteriorState *state = posterior_state_get(PG_GETARG_DATUM(0));
	Names		labels = state_labels(state);
	LogRate    *score;
	double	   *p = palloc(state->classes * sizeof(double));
	double		voices = state->answers;
	ItemScore	item;

	if (state->knows_nothing)
		PG_RETURN_NULL();
	score = palloc(state_width(state) * sizeof(LogRate));
	memcpy(score, state_score(state), state_width(state) * sizeof(LogRate));
	if (state->keep)
		voices = add_kept(state, score);
	item = (ItemScore) {
		.answers = score,
		.prior = state_prior(state),
		.exponent = design_exponent(voices, state->correlation),
		.prior_known = state->prior_known
	};
	score_posterior(&item, state->components, state->classes, state_weights(state), p);
	PG_RETURN_POINTER(label_distribution_make(&labels, p));
}

/*
 * Input and output.  Binary: version, fingerprint, labels, weights, prior,
 * score, and what is said of answers; text: the same in base64 (see value.h).
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
	const PosteriorState *state = posterior_state_canonical(value);
	Names		labels = state_labels(state);

	value_send_version(buf, KIND_POSTERIOR_STATE);
	pq_sendint64(buf, state->fingerprint);
	names_send(buf, &labels, encoding);
	pq_sendint32(buf, state->components);
	for (uint32 i = 0; i < state->components; i++)
		pq_sendfloat8(buf, state_weights(state)[i]);
	send_rates(buf, state_prior(state), state_width(state));
	send_rates(buf, state_score(state), state_width(state));
	pq_sendfloat8(buf, state->correlation);
	pq_sendint64(buf, state->answers);
	pq_sendint8(buf, state->keep);
	pq_sendint8(buf, state->knows_nothing);
	pq_sendint8(buf, state->prior_known);
	pq_sendint32(buf, state->kept);
	for (uint32 i = 0; i < state->kept; i++)
	{
		const KeptAnswer *answer = kept_answer(state, i);

		CHECK_FOR_INTERRUPTS();
		pq_sendint64(buf, answer->annotator);
		pq_sendint64(buf, answer->group);
		pq_sendint32(buf, answer->members);
		pq_sendint8(buf, answer->abstains);
		send_rates(buf, answer->rates, state_width(state));
	}
}

/*
 * Any numbers are sums of some log-probabilities, down to where sums stop; of an answer
 * in place of silence they may be above 0.  The
 * sender's classes may be in another order than ours ("rank" says where each one
 * goes), as names are in another encoding.
 */
static void
recv_rates(StringInfo buf, LogRate *rates, int64 max, const PosteriorState *state,
		   const uint32 *rank)
{
	for (uint32 i = 0; i < state_width(state); i++)
	{
		uint32		class = i % state->classes;
		LogRate    *rate = &rates[i - class + rank[class]];

		rate->log = pq_getmsgint64(buf);
		rate->veto = pq_getmsgint(buf, 4);
		if (rate->log > max || rate->log < LOG_RATE_MIN || rate->veto > PG_INT32_MAX)
			value_invalid_binary(KIND_POSTERIOR_STATE, "A score is out of range.");
	}
}

/* The answers that follow, in a state with room for them. */
static PosteriorState *
recv_answers(StringInfo buf, PosteriorState *state, const uint32 *rank)
{
	Size		each = 21 + mul_size(state_width(state), 12);
	uint32		n;

	state->correlation = pq_getmsgfloat8(buf);
	state->answers = pq_getmsgint64(buf);
	state->keep = pq_getmsgbyte(buf) != 0;
	state->knows_nothing = pq_getmsgbyte(buf) != 0;
	state->prior_known = pq_getmsgbyte(buf) != 0;
	n = pq_getmsgint(buf, 4);
	if (!(state->correlation >= 0 && state->correlation <= 1) || state->answers < 0 ||
		(n > 0 && !state->keep))
		value_invalid_binary(KIND_POSTERIOR_STATE, "A number is out of range.");
	if (mul_size(n, each) != (Size) (buf->len - buf->cursor))
		value_invalid_binary(KIND_POSTERIOR_STATE, "Its size is wrong.");
	if (!state->keep)
		return state;
	state = posterior_state_room(state, Max(n, FIRST_CAPACITY));
	for (uint32 i = 0; i < n; i++)
	{
		KeptAnswer *answer = kept_answer(state, i);

		CHECK_FOR_INTERRUPTS();
		answer->annotator = pq_getmsgint64(buf);
		answer->group = pq_getmsgint64(buf);
		answer->members = pq_getmsgint(buf, 4);
		answer->abstains = pq_getmsgbyte(buf) != 0;
		recv_rates(buf, answer->rates, -LOG_RATE_MIN, state, rank);
	}
	state->kept = n;
	return state;
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
		mul_size(components, 8 + mul_size(labels.n, 24)) >
		(Size) (buf->len - buf->cursor))
		value_invalid_binary(KIND_POSTERIOR_STATE, "Its size is wrong.");
	state = posterior_state_make(components, &labels, 0);
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
	recv_rates(buf, state_prior(state), 0, state, rank);
	recv_rates(buf, state_score(state), 0, state, rank);
	return PointerGetDatum(recv_answers(buf, state, rank));
}

static const ValueForms posterior_state_forms = {
	.kind = KIND_POSTERIOR_STATE,.write_binary = write_state,.read_binary = read_state
};

VALUE_INPUT_FUNCTIONS(posterior_state)
VALUE_OUTPUT_FUNCTIONS(posterior_state, posterior_state_get)
