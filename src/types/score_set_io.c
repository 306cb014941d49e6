/*
 * score_set_io.c
 *		Text and binary input and output of score_set, and its JSON.
 *
 * Binary form: version; form; number of scores; then of each the score and the
 * weights of its negatives and positives: counts as numbers of 7 bits a byte, the
 * lowest first, others as two words each.
 *
 * Text form: always the compact one, the binary form in base64 (see
 * value_forms.h), because some distributed engines ship states as text.
 *
 * Input goes through rows, so that nothing a sender says about order is believed.
 */
#include "types/score_set.h"

#include <math.h>

#include "libpq/pqformat.h"
#include "pg/json.h"
#include "types/value_forms.h"

#define LEAST_COUNT_BYTES (sizeof(double) + 2)
#define SUM_BYTES (5 * sizeof(uint64))
#define MOST_SHIFT 28			/* of 7 bits each, for 32 */

static void
send_count(StringInfo buf, uint32 count)
{
	for (; count > 127; count >>= 7)
		pq_sendint8(buf, (count & 127) | 128);
	pq_sendint8(buf, count);
}

static uint32
recv_count(StringInfo buf)
{
	uint64		count = 0;
	int			byte;
	int			shift = 0;

	do
	{
		byte = pq_getmsgbyte(buf);
		count |= (uint64) (byte & 127) << shift;
		shift += 7;
	} while (byte > 127 && shift <= MOST_SHIFT);
	if (byte > 127 || count > PG_UINT32_MAX)
		value_invalid_binary(KIND_SCORE_SET, "A count is out of range.");
	return count;
}

static void
send_sum(StringInfo buf, const ExactSum *sum)
{
	pq_sendint64(buf, sum->high);
	pq_sendint64(buf, sum->low);
}

static ExactSum
recv_sum(StringInfo buf)
{
	uint64		high = pq_getmsgint64(buf);
	uint64		low = pq_getmsgint64(buf);

	if ((double) high * TWO_TO_64 > 2 * SCORE_MAX_WEIGHT * SCORE_UNITS)
		value_invalid_binary(KIND_SCORE_SET, "A weight is out of range.");
	return (ExactSum) {high, low};
}

static void
write_binary(StringInfo buf, const void *value, int encoding)
{
	const ScoreSet *set = value;

	(void) encoding;
	value_send_version(buf, KIND_SCORE_SET);
	pq_sendint8(buf, set->form);
	pq_sendint32(buf, set->n);
	for (uint32 i = 0; i < set->n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (set->form == SCORE_COUNTS)
		{
			const ScoreCount *c = (const ScoreCount *) set->entries + i;

			pq_sendfloat8(buf, c->score);
			send_count(buf, c->negative);
			send_count(buf, c->positive);
		}
		else
		{
			const ScoreSum *s = (const ScoreSum *) set->entries + i;

			pq_sendfloat8(buf, s->score);
			send_sum(buf, &s->negative);
			send_sum(buf, &s->positive);
		}
	}
}

static bool
is_whole(const ExactSum *sum)
{
	return sum->low == 0 && sum->high % SCORE_UNITS_HIGH == 0;
}

static void
read_entry(StringInfo buf, ScoreForm form, ScoreRows *rows)
{
	double		score = value_recv_double(buf);
	ExactSum	weight[2];

	if (isnan(score))
		value_invalid_binary(KIND_SCORE_SET, "A score is NaN.");
	for (int truth = 0; truth < 2; truth++)
	{
		weight[truth] = form == SCORE_COUNTS ?
			(ExactSum) {(uint64) recv_count(buf) * SCORE_UNITS_HIGH, 0} : recv_sum(buf);
		rows->fractional |= !is_whole(&weight[truth]);
		if (weight[truth].high == SCORE_UNITS_HIGH && weight[truth].low == 0)
			score_rows_add(rows, truth, score, 1);
		else
			score_rows_add_sum(rows, truth, score, &weight[truth]);
	}
	if (weight[0].high + weight[0].low == 0 && weight[1].high + weight[1].low == 0)
		value_invalid_binary(KIND_SCORE_SET, "A score has no weight.");
}

static Datum
read_binary(StringInfo buf, int encoding)
{
	ScoreRows	rows;
	ScoreSet   *set;
	uint32		form;
	uint32		n;

	(void) encoding;
	score_rows_init(&rows, CurrentMemoryContext);
	value_recv_version(buf, KIND_SCORE_SET);
	form = pq_getmsgint(buf, 1);
	n = pq_getmsgint(buf, 4);
	if (form > SCORE_WEIGHTS)
		value_invalid_binary(KIND_SCORE_SET, "Its form is not known.");
	if (n == 0 || n > (uint32) (buf->len - buf->cursor) /
		(form == SCORE_COUNTS ? LEAST_COUNT_BYTES : SUM_BYTES))
		value_invalid_binary(KIND_SCORE_SET, "The number of scores is wrong.");
	rows.fractional = form == SCORE_WEIGHTS;
	for (uint32 i = 0; i < n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		read_entry(buf, form, &rows);
	}
	pq_getmsgend(buf);
	set = score_rows_make(&rows);
	score_rows_free(&rows);
	return PointerGetDatum(set);
}

/* A number, or "Infinity" as to_jsonb() writes it. */
static void
append_score(StringInfo buf, double score)
{
	if (isinf(score))
		appendStringInfoString(buf, score < 0 ? "\"-Infinity\"" : "\"Infinity\"");
	else
		jsonio_append_double(buf, score);
}

/* One column of the set: 0 scores, 1 positives, 2 negatives. */
static void
append_column(StringInfo buf, const ScoreSet *set, int column)
{
	for (uint32 i = 0; i < set->n; i++)
	{
		ScoreEntry	e = score_set_entry(set, i);

		NL_CHECK_INTERRUPTS(i);
		appendStringInfoString(buf, i == 0 ? "[" : ", ");
		append_score(buf, column == 0 ? e.score : column == 1 ? e.positive : e.negative);
	}
	appendStringInfoChar(buf, ']');
}

static void
write_json(StringInfo buf, const void *value)
{
	appendStringInfoString(buf, "{\"scores\": ");
	append_column(buf, value, 0);
	appendStringInfoString(buf, ", \"positives\": ");
	append_column(buf, value, 1);
	appendStringInfoString(buf, ", \"negatives\": ");
	append_column(buf, value, 2);
	appendStringInfoChar(buf, '}');
}

const ValueForms score_set_forms = {
	KIND_SCORE_SET, write_json, write_binary, NULL, read_binary
};

VALUE_INPUT_FUNCTIONS(score_set)
VALUE_OUTPUT_FUNCTIONS(score_set, score_set_get)
