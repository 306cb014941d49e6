/*
 * results.h
 *		Rows as results: one, or a set of them.
 */
#ifndef NL_RESULTS_H
#define NL_RESULTS_H

#include "noisylabel.h"

/* A set that is being returned; a row is made in "values" and "nulls". */
typedef struct ResultRows
{
	ReturnSetInfo *set;
	Datum	   *values;
	bool	   *nulls;
	MemoryContext scratch;		/* of a row */
	MemoryContext caller;
} ResultRows;

extern ResultRows rows_begin(FunctionCallInfo fcinfo);
extern void rows_add(ResultRows *rows);
extern Datum rows_end(ResultRows *rows);
extern Datum nl_record(FunctionCallInfo fcinfo, Datum *values, bool *nulls);

#endif							/* NL_RESULTS_H */
