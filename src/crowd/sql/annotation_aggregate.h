/*
 * annotation_aggregate.h
 *		One row into the annotation_set that is an aggregate's state.
 */
#ifndef NL_ANNOTATION_AGGREGATE_H
#define NL_ANNOTATION_AGGREGATE_H

#include "types/annotation_set.h"

extern Datum annotation_set_state_add(FunctionCallInfo fcinfo, const LogRow *row,
									  const RowOptions *options);
extern bool annotation_set_is_row(FunctionCallInfo fcinfo);
extern NL_EXPORT Datum annotation_set_accum(PG_FUNCTION_ARGS);

#endif							/* NL_ANNOTATION_AGGREGATE_H */
