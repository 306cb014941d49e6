/*
 * training_aggregate.h
 *		The expanded form of the type training_set.
 */
#ifndef NL_TRAINING_AGGREGATE_H
#define NL_TRAINING_AGGREGATE_H

#include "training_set.h"

typedef struct ExpandedTraining
{
	ExpandedObjectHeader hdr;
	TrainingSet set;
	char	   *options;		/* of the aggregate as JSON, or NULL */
	StringInfo	flat;			/* between get_flat_size and flatten_into */
} ExpandedTraining;

extern ExpandedTraining *training_expand_new(MemoryContext parent, bool soft,
											 bool weighted);
extern ExpandedTraining *training_expand(Datum datum, MemoryContext parent);
extern ExpandedTraining *training_get(Datum datum, MemoryContext parent);
extern void training_set_options(ExpandedTraining *et, const char *options);
extern void training_set_merge(ExpandedTraining *et, const ExpandedTraining *other);

#endif							/* NL_TRAINING_AGGREGATE_H */
