/*
 * results.c
 *		Rows as results; see results.h.
 */
#include "pg/results.h"

#include "utils/tuplestore.h"

static TupleDesc
result_type(FunctionCallInfo fcinfo)
{
	TupleDesc	tupdesc;

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return tupdesc;
}

/*
 * Begin a set, which goes into a tuplestore.  What is allocated until the next
 * row has been added is gone then.
 */
ResultRows
rows_begin(FunctionCallInfo fcinfo)
{
	ResultRows	rows = {.set = (ReturnSetInfo *) fcinfo->resultinfo};
	ReturnSetInfo *set = rows.set;

	if (set == NULL || !IsA(set, ReturnSetInfo) ||
		!(set->allowedModes & SFRM_Materialize))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-valued function called in context that cannot accept a set"),
				 errhint("Call it in FROM.")));

	rows.caller = MemoryContextSwitchTo(set->econtext->ecxt_per_query_memory);
	set->returnMode = SFRM_Materialize;
	set->setDesc = result_type(fcinfo);
	set->setResult =
		tuplestore_begin_heap((set->allowedModes & SFRM_Materialize_Random) != 0,
							  false, work_mem);
	MemoryContextSwitchTo(rows.caller);
	rows.values = palloc0(sizeof(Datum) * set->setDesc->natts);
	rows.nulls = palloc0(sizeof(bool) * set->setDesc->natts);
	rows.scratch = AllocSetContextCreate(rows.caller, "result rows", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(rows.scratch);
	return rows;
}

void
rows_add(ResultRows *rows)
{
	CHECK_FOR_INTERRUPTS();
	tuplestore_putvalues(rows->set->setResult, rows->set->setDesc, rows->values, rows->nulls);
	MemoryContextReset(rows->scratch);
}

/* What the function returns. */
Datum
rows_end(ResultRows *rows)
{
	MemoryContextSwitchTo(rows->caller);
	MemoryContextDelete(rows->scratch);
	return (Datum) 0;
}

/* One row of the function's declared composite result. */
Datum
nl_record(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TupleDesc	tupdesc = BlessTupleDesc(result_type(fcinfo));

	return HeapTupleGetDatum(heap_form_tuple(tupdesc, values, nulls));
}
