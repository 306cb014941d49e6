/*
 * calibration_state.c
 *		The type calibration_state; see calibration_state.h.
 *
 * Memory: a flat value.  Adding changes it in place, unless there are labels that
 * it does not have: then a larger one is made in the current context.  It grows
 * with bins times labels, of which there are at most 1000 each.
 *
 * Interrupts: as labels pass.
 */
#include "types/calibration_state.h"

#include "libpq/pqformat.h"
#include "names/names_io.h"
#include "types/value_forms.h"
#include "utils/float.h"

/*
 * Units of the sums: probabilities down to 2^-38 are multiples of the first, as in
 * distribution_state.c; -log(p) is at most 746.  MAX_ROWS of either stay below 2^128.
 */
#define PROBABILITY_UNITS 1237940039285380274899124224.0	/* 2^90 */
#define LOSS_UNITS 1208925819614629174706176.0	/* 2^80 */
#define MAX_LOSS 746.0
#define MAX_ROWS (INT64CONST(1) << 36)

#define CELL_BYTES (4 * sizeof(int64))
#define LABEL_BYTES (3 * sizeof(int64))

static Size
flat_size(Size bins, Size n, Size label_bytes)
{
	Size		size = offsetof(CalibrationState, cells);

	size = add_size(size, mul_size(mul_size(n + 1, bins), sizeof(CalibrationCell)));
	size = add_size(size, mul_size(n, sizeof(CalibrationLabel) + sizeof(uint32)));
	return value_check_size(add_size(size, label_bytes), KIND_CALIBRATION_STATE);
}

/* A state of no rows. */
static CalibrationState *
make_state(uint32 bins, const Names *labels)
{
	Size		label_bytes = names_bytes(labels);
	Size		size = flat_size(bins, labels->n, label_bytes);
	CalibrationState *state;
	Names		names;

	nl_check_memory_for(size, "the state of calibration()", "take fewer bins or merge classes",
						"It grows with bins times classes.");
	state = nl_alloc_zero(CurrentMemoryContext, size);
	value_init(state, KIND_CALIBRATION_STATE, size);
	state->bins = bins;
	state->n = labels->n;
	state->label_bytes = label_bytes;
	names = calibration_names(state);
	names_copy(&names, labels);
	return state;
}

CalibrationState *
calibration_state_copy(const CalibrationState *state)
{
	CalibrationState *copy = palloc(VARSIZE(state));

	memcpy(copy, state, VARSIZE(state));
	return copy;
}

/* "others": of the rows before, or of another state */
void
calibration_check_bins(int bins, int others)
{
	if (bins != others)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bins must be the same for all rows of an aggregate, not %d and %d",
						others, bins)));
}

static CalibrationState *
replay(const RowLog *log)
{
	CalibrationState *state = NULL;
	LogReader	reader = row_log_begin(log);
	LogRow		row;

	while (row_log_next(&reader, &row))
	{
		void	   *value;

		if (row.n != 2)
			value_corrupt(KIND_CALIBRATION_STATE);
		value = log_field_aligned(&row.field[1]);
		state = calibration_state_add(state, log_field_name(&row.field[0]),
									  label_distribution_get(PointerGetDatum(value)),
									  log->width);
	}
	if (state == NULL)
		value_corrupt(KIND_CALIBRATION_STATE);
	return state;
}

CalibrationState *
calibration_state_get(Datum datum)
{
	CalibrationState *state = value_get(datum, KIND_CALIBRATION_STATE,
										offsetof(RowLog, data));

	if (value_is_row_log(state))
		return replay((RowLog *) state);
	if (VARSIZE(state) < offsetof(CalibrationState, cells))
		value_corrupt(KIND_CALIBRATION_STATE);
	value_check_stored(state, flat_size(state->bins, state->n, state->label_bytes),
					   KIND_CALIBRATION_STATE);
	return state;
}

/*
 * Labels
 */

/* What a state has, added to another that has its labels at these places. */
static void
add_sums(CalibrationState *to, const CalibrationState *from, const uint32 *places)
{
	CalibrationLabel *labels = calibration_labels_of(to);

	to->rows += from->rows;
	to->impossible += from->impossible;
	exact_sum_add(&to->log_loss, &from->log_loss);
	for (uint32 i = 0; i <= from->n; i++)
	{
		CalibrationCell *cells = to->cells + (Size) (i == 0 ? 0 : 1 + places[i - 1]) * to->bins;
		const CalibrationCell *more = from->cells + (Size) i * from->bins;

		CHECK_FOR_INTERRUPTS();
		for (uint32 bin = 0; bin < to->bins; bin++)
		{
			cells[bin].n += more[bin].n;
			cells[bin].right += more[bin].right;
			exact_sum_add(&cells[bin].probability, &more[bin].probability);
		}
	}
	for (uint32 i = 0; i < from->n; i++)
	{
		const CalibrationLabel *more = calibration_labels_of(from) + i;

		labels[places[i]].truths += more->truths;
		exact_sum_add(&labels[places[i]].squares, &more->squares);
	}
}

/* The state ("old" may be NULL) with these labels beside its own. */
static CalibrationState *
widen(const CalibrationState *old, uint32 bins, const Names *names)
{
	Dictionary *dict = dictionary_create(CurrentMemoryContext, "label", NL_MAX_CLASSES);
	Names		own = {0};
	uint32	   *codes;
	uint32	   *order;
	uint32	   *rank;
	Names		all;
	CalibrationState *wide;

	if (old != NULL)
		own = calibration_names(old);
	(void) dictionary_add_names(dict, names);
	codes = dictionary_add_names(dict, &own);
	order = dictionary_order(dict, ORDER_LABELS);
	rank = dictionary_rank(order, dict->n);
	all = dictionary_names(dict, order);
	wide = make_state(bins, &all);
	for (uint32 i = 0; i < own.n; i++)
		codes[i] = rank[codes[i]];
	if (old != NULL)
		add_sums(wide, old, codes);
	return wide;
}

/* The state with these labels, and their places in it. */
static CalibrationState *
with_labels(CalibrationState *state, uint32 bins, const Names *names, uint32 *places)
{
	Names		own;

	if (state != NULL)
	{
		own = calibration_names(state);
		if (names_find_all(&own, names, places))
			return state;
	}
	state = widen(state, bins, names);
	own = calibration_names(state);
	if (!names_find_all(&own, names, places))
		elog(ERROR, "a label is missing");
	return state;
}

static void
check_rows(int64 have, int64 more)
{
	if (more > MAX_ROWS - have)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("more than " INT64_FORMAT " distributions in one aggregate",
						MAX_ROWS)));
}

/*
 * Adding
 */
static void
add_to_cell(CalibrationCell *cells, uint32 bins, double p, bool right)
{
	CalibrationCell *cell = &cells[calibration_bin_of(p, bins)];
	ExactSum	term = exact_sum_of(p * PROBABILITY_UNITS);

	cell->n++;
	cell->right += right;
	exact_sum_add(&cell->probability, &term);
}

/* A row, whose labels have these places. */
static void
add_row(CalibrationState *state, const LabelDistribution *d, const uint32 *places, int truth)
{
	uint32		top = probabilities_top(d->p, d->n, NULL);
	CalibrationLabel *labels = calibration_labels_of(state);
	double		p_truth = 0;

	state->rows++;
	labels[truth].truths++;
	add_to_cell(state->cells, state->bins, d->p[top], (int) places[top] == truth);
	for (uint32 i = 0; i < d->n; i++)
	{
		bool		right = (int) places[i] == truth;
		double		p = Min(d->p[i], 1);
		ExactSum	square;

		if (p <= 0)
			continue;
		add_to_cell(state->cells + (Size) (1 + places[i]) * state->bins, state->bins, p, right);
		square = exact_sum_of((right ? (1 - p) * (1 - p) : p * p) * PROBABILITY_UNITS);
		exact_sum_add(&labels[places[i]].squares, &square);
		if (right)
			p_truth = p;
	}
	if (p_truth > 0)
	{
		ExactSum	loss = exact_sum_of(-log(p_truth) * LOSS_UNITS);

		exact_sum_add(&state->log_loss, &loss);
	}
	else
		state->impossible++;
}

/* The state (NULL: of no rows) with one more. */
CalibrationState *
calibration_state_add(CalibrationState *state, NameView truth, const LabelDistribution *d,
					  int bins)
{
	Names		names = label_distribution_labels(d);
	uint32		places[NL_MAX_CLASSES];
	uint32		truth_place;
	uint32		end = truth.len;
	Names		one = {1, &end, truth.s};
	Names		all;

	if (state != NULL)
	{
		calibration_check_bins(bins, state->bins);
		check_rows(state->rows, 1);
	}
	state = with_labels(state, bins, &one, &truth_place);
	state = with_labels(state, bins, &names, places);
	all = calibration_names(state);
	(void) names_find_all(&all, &one, &truth_place);	/* widening has moved it */
	add_row(state, d, places, truth_place);
	return state;
}

CalibrationState *
calibration_state_merge(CalibrationState *state, const CalibrationState *other)
{
	Names		names = calibration_names(other);
	uint32		places[NL_MAX_CLASSES];

	calibration_check_bins(other->bins, state->bins);
	check_rows(state->rows, other->rows);
	state = with_labels(state, state->bins, &names, places);
	add_sums(state, other, places);
	return state;
}

/*
 * Reading
 */
static ReliabilityBin
read_bin(const CalibrationState *state, const CalibrationCell *cells, uint32 bin)
{
	return (ReliabilityBin) {(double) bin / state->bins, (bin + 1.0) / state->bins,
		cells[bin].n, cells[bin].right,
		exact_sum_value(&cells[bin].probability) / PROBABILITY_UNITS};
}

void
calibration_top_bins(const CalibrationState *state, ReliabilityBin *bins)
{
	for (uint32 bin = 0; bin < state->bins; bin++)
		bins[bin] = read_bin(state, state->cells, bin);
}

/* The bins of a label, with the rows that gave it probability 0 in the first. */
void
calibration_label_bins(const CalibrationState *state, uint32 label, ReliabilityBin *bins)
{
	const CalibrationCell *cells = state->cells + (Size) (1 + label) * state->bins;
	double		n = 0;
	double		right = 0;

	for (uint32 bin = 0; bin < state->bins; bin++)
	{
		bins[bin] = read_bin(state, cells, bin);
		n += bins[bin].n;
		right += bins[bin].right;
	}
	bins[0].n += state->rows - n;
	bins[0].right += calibration_labels_of(state)[label].truths - right;
}

/* Minus the mean logarithm of the truth's probability; infinite where one was 0. */
double
calibration_mean_loss(const CalibrationState *state)
{
	if (state->impossible > 0)
		return get_float8_infinity();
	return exact_sum_value(&state->log_loss) / LOSS_UNITS / state->rows;
}

/* The sum of its squared errors; one where the truth had probability 0. */
double
calibration_label_squares(const CalibrationState *state, uint32 label)
{
	const CalibrationCell *cells = state->cells + (Size) (1 + label) * state->bins;
	const CalibrationLabel *of = &calibration_labels_of(state)[label];
	int64		right = 0;

	for (uint32 bin = 0; bin < state->bins; bin++)
		right += cells[bin].right;
	return exact_sum_value(&of->squares) / PROBABILITY_UNITS + (of->truths - right);
}

/*
 * Input and output.  Binary: version, bins, rows, rows with an impossible truth, sum
 * of log-loss, labels, the cells, and of each label how often it is true and the sum
 * of squares; text: the same in base64 (see value_forms.h).
 */
static void
send_sum(StringInfo buf, const ExactSum *sum)
{
	pq_sendint64(buf, sum->high);
	pq_sendint64(buf, sum->low);
}

static void
write_state(StringInfo buf, const void *value, int encoding)
{
	const CalibrationState *state = value;
	const CalibrationLabel *labels = calibration_labels_of(state);
	Names		names = calibration_names(state);

	value_send_version(buf, KIND_CALIBRATION_STATE);
	pq_sendint32(buf, state->bins);
	pq_sendint64(buf, state->rows);
	pq_sendint64(buf, state->impossible);
	send_sum(buf, &state->log_loss);
	names_send(buf, &names, encoding);
	for (Size i = 0; i < (Size) (1 + state->n) * state->bins; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		pq_sendint64(buf, state->cells[i].n);
		pq_sendint64(buf, state->cells[i].right);
		send_sum(buf, &state->cells[i].probability);
	}
	for (uint32 i = 0; i < state->n; i++)
	{
		pq_sendint64(buf, labels[i].truths);
		send_sum(buf, &labels[i].squares);
	}
}

static int64
recv_number(StringInfo buf, int64 least, int64 most)
{
	int64		n = pq_getmsgint64(buf);

	if (n < least || n > most)
		value_invalid_binary(KIND_CALIBRATION_STATE, "A number of rows is out of range.");
	return n;
}

static ExactSum
recv_sum(StringInfo buf, double least, double most)
{
	ExactSum	sum;

	sum.high = pq_getmsgint64(buf);
	sum.low = pq_getmsgint64(buf);
	if (exact_sum_value(&sum) < least || exact_sum_value(&sum) > most)
		value_invalid_binary(KIND_CALIBRATION_STATE, "A sum is out of range.");
	return sum;
}

#define SLACK (1 + 1e-6)

/* The cells of one label, or of the top label. */
static void
recv_cells(StringInfo buf, const CalibrationState *state, CalibrationCell *cells, int64 *n,
		   int64 *right)
{
	*n = *right = 0;
	for (uint32 bin = 0; bin < state->bins; bin++)
	{
		CalibrationCell *cell = &cells[bin];

		NL_CHECK_INTERRUPTS(bin);
		cell->n = recv_number(buf, 0, state->rows);
		cell->right = recv_number(buf, 0, cell->n);
		cell->probability = recv_sum(buf, (double) cell->n * bin / state->bins / SLACK * PROBABILITY_UNITS,
									 (cell->n * (bin + 1.0) / state->bins * SLACK) * PROBABILITY_UNITS);
		*n += cell->n;
		*right += cell->right;
	}
	if (*n > state->rows)
		value_invalid_binary(KIND_CALIBRATION_STATE, "The bins hold more rows than there are.");
}

static void
recv_counts(StringInfo buf, CalibrationState *state, const uint32 *rank)
{
	CalibrationLabel *labels = calibration_labels_of(state);
	int64	   *seen = palloc0(state->n * sizeof(int64));
	int64	   *right = palloc0(state->n * sizeof(int64));
	int64		truths = 0;
	int64		possible = 0;
	int64		n;
	int64		top_right;

	recv_cells(buf, state, state->cells, &n, &top_right);
	if (n != state->rows)
		value_invalid_binary(KIND_CALIBRATION_STATE, "The bins do not hold all rows.");
	for (uint32 i = 0; i < state->n; i++)
		recv_cells(buf, state, state->cells + (Size) (1 + rank[i]) * state->bins,
				   &seen[i], &right[i]);
	for (uint32 i = 0; i < state->n; i++)
	{
		CalibrationLabel *label = &labels[rank[i]];

		label->truths = recv_number(buf, right[i], state->rows);
		label->squares = recv_sum(buf, 0, SLACK * seen[i] * PROBABILITY_UNITS);
		truths += label->truths;
		possible += right[i];
	}
	if (truths != state->rows || possible != state->rows - state->impossible)
		value_invalid_binary(KIND_CALIBRATION_STATE, "Its truths are not as many as its rows.");
}

static Datum
read_state(StringInfo buf, int encoding)
{
	Dictionary *dict = dictionary_create(CurrentMemoryContext, "label", NL_MAX_CLASSES);
	CalibrationState *state;
	uint32		bins;
	int64		rows;
	int64		impossible;
	ExactSum	log_loss;
	uint32	   *order;
	Names		labels;

	value_recv_version(buf, KIND_CALIBRATION_STATE);
	bins = pq_getmsgint(buf, 4);
	rows = recv_number(buf, 1, MAX_ROWS);
	impossible = recv_number(buf, 0, rows);
	log_loss = recv_sum(buf, 0, MAX_LOSS * (rows - impossible) * LOSS_UNITS);
	dictionary_recv(dict, buf, encoding);
	if (bins < 1 || bins > CALIBRATION_MAX_BINS || dict->n == 0 ||
		(Size) (buf->len - buf->cursor) !=
		(Size) (1 + dict->n) * bins * CELL_BYTES + dict->n * LABEL_BYTES)
		value_invalid_binary(KIND_CALIBRATION_STATE, "Its size is wrong.");
	order = dictionary_order(dict, ORDER_LABELS);
	labels = dictionary_names(dict, order);
	state = make_state(bins, &labels);
	state->rows = rows;
	state->impossible = impossible;
	state->log_loss = log_loss;
	recv_counts(buf, state, dictionary_rank(order, dict->n));
	return PointerGetDatum(state);
}

static const ValueForms calibration_state_forms = {
	.kind = KIND_CALIBRATION_STATE,.write_binary = write_state,.read_binary = read_state
};

VALUE_INPUT_FUNCTIONS(calibration_state)
VALUE_OUTPUT_FUNCTIONS(calibration_state, calibration_state_get)
