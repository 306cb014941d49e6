/*
 * training_state.h
 *		The expanded form of the type training_set.
 */
#ifndef NL_TRAINING_STATE_H
#define NL_TRAINING_STATE_H

#include "types/state.h"
#include "types/training_set.h"

/*
 * Rows of a set that is the state of an aggregate: target, perhaps weight,
 * features; or a stored set.  The log's width is that of the matrix, as far as
 * there are rows that are no sets.
 */
#define TRAINING_ROW_SOFT 1		/* the target is a label_distribution */
#define TRAINING_ROW_WEIGHTED 2
#define TRAINING_ROW_SET 4
#define TRAINING_ROW_ANSWER 8	/* instead of a target: what it suggests, and TrainingAnswer */

/* An answer by an annotator: the rates of it are "scale" times what it suggests. */
typedef struct TrainingAnswer
{
	double		scale;
	uint64		fingerprint;	/* of the annotator_model */
} TrainingAnswer;

typedef struct ExpandedTraining
{
	ExpandedObjectHeader hdr;
	TrainingSet set;
	StateOptions options;		/* of the aggregate */
	struct varlena *fitted;		/* what the rows, now gone, have taught */
	StringInfo	flat;			/* between get_flat_size and flatten_into */
} ExpandedTraining;

extern ExpandedTraining *training_expand_new(MemoryContext parent, uint8 kind);
extern ExpandedTraining *training_expanded(Datum datum);
extern ExpandedTraining *training_expand(Datum datum, MemoryContext parent);
extern ExpandedTraining *training_get(Datum datum, MemoryContext parent);
extern Datum training_canonical(Datum datum);
extern void training_set_add_row(ExpandedTraining *et, const LogRow *row);
extern void training_set_merge(ExpandedTraining *et, const ExpandedTraining *other);

#endif							/* NL_TRAINING_STATE_H */
