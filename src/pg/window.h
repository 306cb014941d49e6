/*
 * window.h
 *		What a window function is given: the arguments of any row of its partition.
 */
#ifndef NL_WINDOW_H
#define NL_WINDOW_H

#include "pg/options.h"

/* rows after which a caller resets what their arguments were detoasted to */
#define SCRATCH_ROWS 64

extern bool window_argument(FunctionCallInfo fcinfo, int argno, int64 position);
extern Jsonb *window_options(FunctionCallInfo fcinfo, int64 rows, MemoryContext scratch);

#endif							/* NL_WINDOW_H */
