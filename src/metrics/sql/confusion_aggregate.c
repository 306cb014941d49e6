/*
 * confusion_aggregate.c
 *		From rows to a confusion_matrix: the transition functions behind
 *		annotator_confusion() and f1_report(), and the union of matrices behind
 *		sum(confusion_matrix), the operator + and all parallel plans.
 *
 * The state has the type confusion_matrix.  It begins as a log of rows (see
 * state.h).  A log that is full is replaced by one that begins with the matrix
 * of its rows, as long as that is small and the rows are few; else by the
 * matrix as an expanded object in the aggregate's context.  Both give the same
 * bytes: counts are added to cells in the same order.  What a transition
 * function gets as state may also be NULL or, outside of aggregates, any form
 * of a matrix.
 */
#include "types/confusion_matrix.h"

#include "pg/arguments.h"
#include "types/label_distribution.h"
#include "metrics/spelling.h"

#define LOG_BYTES 1024			/* at which a log is made a matrix */
#define LOG_ROWS 4096			/* so many are worth a memory context */

/* The state of argument 0, in a form that may be changed. */
static ExpandedConfusion *
get_state(FunctionCallInfo fcinfo)
{
	MemoryContext context = value_state_context(fcinfo);
	ExpandedConfusion *ec;

	if (PG_ARGISNULL(0))
		return confusion_matrix_create(context);
	ec = confusion_matrix_expanded(PG_GETARG_DATUM(0));
	if (ec != NULL && value_may_modify(fcinfo, PG_GETARG_DATUM(0)))
		return ec;
	return confusion_matrix_expand(PG_GETARG_DATUM(0), context);
}

/*
 * The log that goes on from a matrix, in which as much again fits; NULL: the
 * matrix is too large.
 */
static RowLog *
log_of_matrix(ExpandedConfusion *ec, uint32 rows)
{
	LogRow		row = {CONFUSION_ROW_MATRIX, 1, {{0}}};
	RowOptions	options = NO_OPTIONS;
	RowLog	   *log;

	row.field[0].size = EOH_get_flat_size(&ec->hdr);
	if (row.field[0].size > ROW_LOG_LIMIT / 4)
		return NULL;
	row.field[0].data = DatumGetPointer(value_flatten(&ec->hdr));
	log = row_log_make(KIND_CONFUSION_MATRIX, &row, &options, ROW_LOG_LIMIT);
	if (log != NULL)
		log->rows = rows;
	return log;
}

/* The matrix as a state. */
static Datum
return_matrix(FunctionCallInfo fcinfo, ExpandedConfusion *ec)
{
	RowLog	   *from = row_log_state(fcinfo);
	uint32		rows = from == NULL ? 1 : from->rows + 1;

	if (row_log_possible(fcinfo) && rows < LOG_ROWS)
	{
		RowLog	   *log = log_of_matrix(ec, rows);

		if (log != NULL)
		{
			DeleteExpandedObject(EOHPGetRWDatum(&ec->hdr));
			return PointerGetDatum(log);
		}
	}
	return EOHPGetRWDatum(&ec->hdr);
}

/* The state of argument 0 with one more row. */
Datum
confusion_matrix_state_add(FunctionCallInfo fcinfo, const LogRow *row)
{
	RowOptions	options = NO_OPTIONS;
	RowLog	   *log = row_log_append(fcinfo, KIND_CONFUSION_MATRIX, row, &options,
									 LOG_BYTES);
	ExpandedConfusion *ec;

	if (log != NULL)
		return PointerGetDatum(log);
	ec = get_state(fcinfo);
	confusion_matrix_add_row(ec, row);
	return return_matrix(fcinfo, ec);
}

/* A row with a NULL is no observation. */
static inline bool
any_null(FunctionCallInfo fcinfo)
{
	for (int i = 1; i < PG_NARGS(); i++)
		if (PG_ARGISNULL(i))
			return true;
	return false;
}

/*
 * (confusion_matrix, truth, label [, weight]); the truth may be a
 * label_distribution
 */
NL_FUNCTION(confusion_matrix_accum);
Datum
confusion_matrix_accum(PG_FUNCTION_ARGS)
{
	LogRow		row = {CONFUSION_ROW_LABELS, PG_NARGS() - 1, {{0}}};
	double		weight;

	if (any_null(fcinfo))
		VALUE_RETURN_STATE();
	weight = nl_weight_argument(fcinfo);
	if (signature_is_name(nl_signature(fcinfo), 1))
		row.field[0] = log_field_text(nl_name_argument(fcinfo, 1));
	else
	{
		LabelDistribution *truth = PG_GETARG_LABEL_DISTRIBUTION(1);

		row.kind = CONFUSION_ROW_EXPECTED;
		row.field[0] = (LogField) {truth, VARSIZE(truth)};
	}
	row.field[1] = log_field_text(nl_name_argument(fcinfo, 2));
	row.field[2] = (LogField) {&weight, sizeof(weight)};
	return confusion_matrix_state_add(fcinfo, &row);
}

/*
 * (confusion_matrix, confusion_matrix): combine step, and the transition
 * function of sum(confusion_matrix).  Either side may be NULL.
 */
NL_FUNCTION(confusion_matrix_combine);
Datum
confusion_matrix_combine(PG_FUNCTION_ARGS)
{
	RowLog	   *log;
	ExpandedConfusion *ec;
	void	   *other;

	if (PG_ARGISNULL(1))
		VALUE_RETURN_STATE();
	other = value_get(PG_GETARG_DATUM(1), KIND_CONFUSION_MATRIX,
					  offsetof(ConfusionMatrix, counts));
	log = row_log_append_state(fcinfo, KIND_CONFUSION_MATRIX, other,
							   CONFUSION_ROW_MATRIX, LOG_BYTES);
	if (log != NULL)
		PG_RETURN_POINTER(log);
	ec = get_state(fcinfo);
	confusion_matrix_merge(ec, PointerGetDatum(other));
	return return_matrix(fcinfo, ec);
}

/*
 * Final function of the aggregates that give a matrix: its stored form, after a
 * look at how its labels are spelled.
 */
NL_FUNCTION(confusion_matrix_final);
Datum
confusion_matrix_final(PG_FUNCTION_ARGS)
{
	ConfusionMatrix *cm = PG_GETARG_CONFUSION_MATRIX(0);

	spelling_notice(fcinfo, cm);
	PG_RETURN_POINTER(cm);
}
