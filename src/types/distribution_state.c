/*
 * distribution_state.c
 *		The type distribution_state; see distribution_state.h.
 *
 * Memory: a flat value.  Adding changes it in place, unless there are labels that
 * it does not have: then a larger one is made in the current context.
 *
 * No loop is longer than the square of the 1000 labels that there may be, and that
 * only where two sets of labels have unlike orders; searches look for interrupts.
 */
#include "types/distribution_state.h"

#include "libpq/pqformat.h"
#include "math/log_space.h"
#include "names/names_io.h"
#include "types/value_forms.h"

/*
 * Units of the sums.  Probabilities down to 2^-38 are multiples of the first, so
 * the average of equal distributions is that distribution; -log(p) is at most 746.
 * MAX_ROWS of either stay below 2^128.
 */
#define AVERAGE_UNITS 1237940039285380274899124224.0	/* 2^90 */
#define PRODUCT_UNITS 1208925819614629174706176.0	/* 2^80 */
#define MAX_COST 746.0
#define MAX_ROWS (INT64CONST(1) << 36)

static Names
state_labels(const DistributionState *state)
{
	const uint32 *ends = (const uint32 *) (state->sums + state->n);

	return (Names) {state->n, ends, (const char *) (ends + state->n)};
}

static Size
flat_size(Size n, Size label_bytes)
{
	Size		size = offsetof(DistributionState, sums);

	size = add_size(size, mul_size(n, sizeof(LabelSum) + sizeof(uint32)));
	return value_check_size(add_size(size, label_bytes), KIND_DISTRIBUTION_STATE);
}

DistributionState *
distribution_state_get(Datum datum)
{
	DistributionState *state = value_get(datum, KIND_DISTRIBUTION_STATE,
										 offsetof(DistributionState, sums));

	value_check_stored(state, flat_size(state->n, state->label_bytes),
					   KIND_DISTRIBUTION_STATE);
	return state;
}

DistributionState *
distribution_state_copy(const DistributionState *state)
{
	DistributionState *copy = palloc(VARSIZE(state));

	memcpy(copy, state, VARSIZE(state));
	return copy;
}

/* A state of no rows. */
static DistributionState *
make_state(DistributionRule rule, const Names *labels)
{
	Size		label_bytes = names_bytes(labels);
	Size		size = flat_size(labels->n, label_bytes);
	DistributionState *state = palloc0(size);
	Names		names;

	value_init(state, KIND_DISTRIBUTION_STATE, size);
	state->rule = rule;
	state->n = labels->n;
	state->label_bytes = label_bytes;
	names = state_labels(state);
	names_copy(&names, labels);
	return state;
}

/*
 * Labels
 */
/* The state with these labels beside its own. */
static DistributionState *
widen(const DistributionState *state, const Names *names)
{
	Dictionary *dict = dictionary_create(CurrentMemoryContext, "label", NL_MAX_CLASSES);
	Names		own = state_labels(state);
	uint32	   *codes;
	uint32	   *order;
	uint32	   *rank;
	Names		all;
	DistributionState *wide;

	(void) dictionary_add_names(dict, names);
	codes = dictionary_add_names(dict, &own);
	order = dictionary_order(dict, ORDER_LABELS);
	rank = dictionary_rank(order, dict->n);
	all = dictionary_names(dict, order);
	wide = make_state(state->rule, &all);
	wide->rows = state->rows;
	for (uint32 i = 0; i < own.n; i++)
		wide->sums[rank[codes[i]]] = state->sums[i];
	return wide;
}

/* The state with these labels, and their places in it. */
static DistributionState *
with_labels(DistributionState *state, const Names *names, uint32 *places)
{
	Names		own = state_labels(state);

	if (names_find_all(&own, names, places))
		return state;
	state = widen(state, names);
	own = state_labels(state);
	if (!names_find_all(&own, names, places))
		elog(ERROR, "a label is missing");
	return state;
}

/*
 * Adding
 */
static void
count_rows(DistributionState *state, int64 rows)
{
	if (rows > MAX_ROWS - state->rows)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("more than " INT64_FORMAT " distributions in one aggregate",
						MAX_ROWS)));
	state->rows += rows;
}

DistributionState *
distribution_state_add(DistributionState *state, const LabelDistribution *d)
{
	Names		names = label_distribution_labels(d);
	uint32		places[NL_MAX_CLASSES];

	state = with_labels(state, &names, places);
	count_rows(state, 1);
	for (uint32 i = 0; i < d->n; i++)
	{
		LabelSum   *to = &state->sums[places[i]];
		ExactSum	term;

		if (d->p[i] <= 0)
			continue;
		term = exact_sum_of(state->rule == RULE_AVERAGE ? d->p[i] * AVERAGE_UNITS :
							-log(Min(d->p[i], 1)) * PRODUCT_UNITS);
		exact_sum_add(&to->sum, &term);
		to->seen++;
	}
	return state;
}

DistributionState *
distribution_state_begin(DistributionRule rule, const LabelDistribution *d)
{
	Names		names = label_distribution_labels(d);

	return distribution_state_add(make_state(rule, &names), d);
}

DistributionState *
distribution_state_merge(DistributionState *state, const DistributionState *other)
{
	Names		names = state_labels(other);
	uint32		places[NL_MAX_CLASSES];

	if (state->rule != other->rule)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a state of avg(label_distribution) cannot be joined with one of product(label_distribution)")));
	state = with_labels(state, &names, places);
	count_rows(state, other->rows);
	for (uint32 i = 0; i < other->n; i++)
	{
		LabelSum   *to = &state->sums[places[i]];

		exact_sum_add(&to->sum, &other->sums[i].sum);
		to->seen += other->sums[i].seen;
	}
	return state;
}

/*
 * Results
 */
LabelDistribution *
distribution_state_average(const DistributionState *state)
{
	Names		labels = state_labels(state);
	double		p[NL_MAX_CLASSES];

	for (uint32 i = 0; i < state->n; i++)
		p[i] = exact_sum_value(&state->sums[i].sum) / AVERAGE_UNITS / state->rows;
	return label_distribution_make(&labels, p);
}

/* minus the logarithm of a label's share in the prior */
static double
prior_cost(const LabelDistribution *prior, NameView label, bool allowed)
{
	Names		labels = label_distribution_labels(prior);
	int			i = names_find(&labels, label);

	if (i >= 0 && prior->p[i] > 0)
		return -log(prior->p[i]);
	if (allowed)
		ereport(ERROR,
				(errcode(ERRCODE_DIVISION_BY_ZERO),
				 errmsg("label \"%.*s\" has probability 0 in the prior, but not in the distributions",
						label.len, label.s),
				 errhint("Give the prior that the distributions were made with, such as prior_used(model), or none.")));
	return 0;
}

/*
 * The normalised product, divided by the prior if there is one.  The labels with
 * the fewest vetoes share the probability; a 0 of the prior is no further veto
 * where there is one already.
 */
LabelDistribution *
distribution_state_product(const DistributionState *state, const LabelDistribution *prior)
{
	Names		labels = state_labels(state);
	double		p[NL_MAX_CLASSES];
	uint32		vetoes[NL_MAX_CLASSES];
	int64		most = 0;
	const ExactSum *least = NULL;

	for (uint32 i = 0; i < state->n; i++)
		most = Max(most, state->sums[i].seen);
	for (uint32 i = 0; i < state->n; i++)
	{
		vetoes[i] = state->sums[i].seen < most;
		if (!vetoes[i] && (least == NULL || exact_sum_less(&state->sums[i].sum, least)))
			least = &state->sums[i].sum;
	}
	for (uint32 i = 0; i < state->n; i++)
	{
		ExactSum	more;

		p[i] = 0;
		if (vetoes[i])
			continue;
		more = exact_sum_difference(&state->sums[i].sum, least);
		p[i] = -exact_sum_value(&more) / PRODUCT_UNITS;
		if (prior != NULL)
			p[i] += prior_cost(prior, names_get(&labels, i), most == state->rows);
	}
	logspace_normalize(p, vetoes, state->n);
	return label_distribution_make(&labels, p);
}

/*
 * Input and output.  Binary: version, rule, rows, labels, and of each label how
 * many rows allow it and the sum; text: the same in base64 (see value_forms.h).
 */
static void
write_state(StringInfo buf, const void *value, int encoding)
{
	const DistributionState *state = value;
	Names		labels = state_labels(state);

	value_send_version(buf, KIND_DISTRIBUTION_STATE);
	pq_sendint8(buf, state->rule);
	pq_sendint64(buf, state->rows);
	names_send(buf, &labels, encoding);
	for (uint32 i = 0; i < state->n; i++)
	{
		pq_sendint64(buf, state->sums[i].seen);
		pq_sendint64(buf, state->sums[i].sum.high);
		pq_sendint64(buf, state->sums[i].sum.low);
	}
}

/* What no rows sum to is refused, so that results are distributions. */
static LabelSum
read_sum(StringInfo buf, const DistributionState *state)
{
	LabelSum	s;
	double		most;

	s.seen = pq_getmsgint64(buf);
	s.sum.high = pq_getmsgint64(buf);
	s.sum.low = pq_getmsgint64(buf);
	if (s.seen < 0 || s.seen > state->rows)
		value_invalid_binary(KIND_DISTRIBUTION_STATE, "A number of rows is out of range.");
	most = (double) s.seen *
		(state->rule == RULE_AVERAGE ? (1 + 1e-6) * AVERAGE_UNITS : MAX_COST * PRODUCT_UNITS);
	if (exact_sum_value(&s.sum) > most)
		value_invalid_binary(KIND_DISTRIBUTION_STATE, "A sum is out of range.");
	return s;
}

static Datum
read_state(StringInfo buf, int encoding)
{
	Dictionary *dict = dictionary_create(CurrentMemoryContext, "label", NL_MAX_CLASSES);
	DistributionState *state;
	DistributionRule rule;
	int64		rows;
	uint32	   *order;
	uint32	   *rank;
	Names		labels;
	double		total = 0;

	value_recv_version(buf, KIND_DISTRIBUTION_STATE);
	rule = pq_getmsgbyte(buf);
	rows = pq_getmsgint64(buf);
	dictionary_recv(dict, buf, encoding);
	if ((rule != RULE_AVERAGE && rule != RULE_PRODUCT) || rows < 1 || rows > MAX_ROWS)
		value_invalid_binary(KIND_DISTRIBUTION_STATE, "A number is out of range.");
	if (dict->n == 0 || (Size) (buf->len - buf->cursor) != dict->n * 3 * sizeof(int64))
		value_invalid_binary(KIND_DISTRIBUTION_STATE, "Its size is wrong.");
	order = dictionary_order(dict, ORDER_LABELS);
	rank = dictionary_rank(order, dict->n);
	labels = dictionary_names(dict, order);
	state = make_state(rule, &labels);
	state->rows = rows;
	for (uint32 i = 0; i < state->n; i++)
	{
		LabelSum   *sum = &state->sums[rank[i]];

		*sum = read_sum(buf, state);
		total += exact_sum_value(&sum->sum) / AVERAGE_UNITS;
	}
	if (rule == RULE_AVERAGE && fabs(total / rows - 1) > 1e-6)
		value_invalid_binary(KIND_DISTRIBUTION_STATE, "The probabilities do not sum to 1.");
	return PointerGetDatum(state);
}

static const ValueForms distribution_state_forms = {
	.kind = KIND_DISTRIBUTION_STATE,.write_binary = write_state,.read_binary = read_state
};

VALUE_INPUT_FUNCTIONS(distribution_state)
VALUE_OUTPUT_FUNCTIONS(distribution_state, distribution_state_get)
