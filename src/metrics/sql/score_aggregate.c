/*
 * score_aggregate.c
 *		From rows to a score_set: the transition function behind score_set() and
 *		ranking_report(), and the union of sets behind sum(score_set), the operator +
 *		and all parallel plans.
 *
 * The state has the type score_set.  It begins as a log of rows (see state.h), and
 * what outgrows that is an expanded object in the aggregate's context.
 */
#include "types/score_set.h"

#include <math.h>

#include "pg/arguments.h"

#define LOG_BYTES 4096			/* some 340 rows; so many are worth a memory context */

/* The state of argument 0, in a form that may be changed. */
static ExpandedScores *
get_state(FunctionCallInfo fcinfo)
{
	ExpandedScores *es;

	if (!PG_ARGISNULL(0))
	{
		es = score_set_expanded(PG_GETARG_DATUM(0));
		if (es != NULL && value_may_modify(fcinfo, PG_GETARG_DATUM(0)))
			return es;
	}
	es = score_set_create(value_state_context(fcinfo));
	if (!PG_ARGISNULL(0))
		score_rows_add_value(&es->rows, value_get(PG_GETARG_DATUM(0), KIND_SCORE_SET,
												  offsetof(ScoreSet, entries)));
	return es;
}

static bool
any_null(FunctionCallInfo fcinfo)
{
	for (int i = 1; i < PG_NARGS(); i++)
		if (PG_ARGISNULL(i))
			return true;
	return false;
}

static double
score_argument(FunctionCallInfo fcinfo, int argno)
{
	double		score = PG_GETARG_FLOAT8(argno);

	if (isnan(score))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a score is NaN"),
				 errhint("NaN has no place in an order: leave such rows out with FILTER (WHERE score <> 'NaN'), or give them a score.")));
	return score + 0.0;
}

/* (score_set, truth, score [, weight]); a row whose weight is 0 in units is no row */
NL_FUNCTION(score_set_accum);
Datum
score_set_accum(PG_FUNCTION_ARGS)
{
	RowOptions	options = NO_OPTIONS;
	LogRow		row = {0, 1, {{0}}};
	RowLog	   *log;
	ExpandedScores *es;
	double		score;
	double		weight;

	if (any_null(fcinfo))
		VALUE_RETURN_STATE();
	score = score_argument(fcinfo, 2);
	weight = nl_weight_argument(fcinfo);
	if (rint(weight * SCORE_UNITS) == 0)
		VALUE_RETURN_STATE();
	row.kind = (PG_GETARG_BOOL(1) ? SCORE_ROW_TRUE : 0) | (weight != 1 ? SCORE_ROW_WEIGHTED : 0);
	row.n = weight != 1 ? 2 : 1;
	row.field[0] = (LogField) {&score, sizeof(score)};
	row.field[1] = (LogField) {&weight, sizeof(weight)};
	log = row_log_append(fcinfo, KIND_SCORE_SET, &row, &options, LOG_BYTES);
	if (log != NULL)
		PG_RETURN_POINTER(log);
	es = get_state(fcinfo);
	score_rows_add_row(&es->rows, &row);
	return EOHPGetRWDatum(&es->hdr);
}

/*
 * (score_set, score_set): combine step, and the transition function of
 * sum(score_set).  Either side may be NULL.
 */
NL_FUNCTION(score_set_combine);
Datum
score_set_combine(PG_FUNCTION_ARGS)
{
	RowLog	   *log;
	ExpandedScores *es;
	void	   *other;

	if (PG_ARGISNULL(1))
		VALUE_RETURN_STATE();
	other = value_get(PG_GETARG_DATUM(1), KIND_SCORE_SET, offsetof(ScoreSet, entries));
	log = row_log_append_state(fcinfo, KIND_SCORE_SET, other, SCORE_ROW_SET, LOG_BYTES);
	if (log != NULL)
		PG_RETURN_POINTER(log);
	es = get_state(fcinfo);
	score_rows_add_value(&es->rows, other);
	return EOHPGetRWDatum(&es->hdr);
}

NL_FUNCTION(score_set_final);
Datum
score_set_final(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(PG_GETARG_SCORE_SET(0));
}
