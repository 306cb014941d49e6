/*
 * design_matrix.h
 *		Training rows in the order and form that fits want.
 *
 * Rows are in canonical order within folds: those of fold f are start[f] to
 * start[f + 1], of which those before used[f] have a target and a weight above
 * 0.  Features are centred by their means over a fold's used rows, which is exact
 * algebra (the intercept takes it up) and keeps sums of squares from losing
 * digits; what a model is standardised by is computed from its own rows.
 */
#ifndef NL_DESIGN_MATRIX_H
#define NL_DESIGN_MATRIX_H

#include "types/row_order.h"

typedef struct Design
{
	const TrainingSet *set;		/* in the design's order */
	FeatureMatrix *x;			/* the set's, centred */
	uint32		n;
	uint32		classes;
	uint32		folds;
	uint32	   *start;			/* folds + 1 */
	uint32	   *used;			/* folds */
	uint32	   *source;			/* n: the row as collected; the caller may free it */
	double	   *mean;			/* width: what was taken from the features */
	/* for each fold, over its used rows: */
	double	   *weight;			/* folds */
	double	   *class_sum;		/* folds * classes * width: of the centred features */
	double	   *centre;			/* folds * width: mean of the centred features */
	double	   *square;			/* folds * width: weighted, about the centre */
	double	   *min;			/* folds * width */
	double	   *max;			/* folds * width */
} Design;

static inline double
design_weight(const Design *d, uint32 row)
{
	return d->set->weight == NULL ? 1 : d->set->weight[row];
}

/* The weight of a class in a fold: its sum of the feature that is always 1. */
static inline double
design_class_weight(const Design *d, uint32 fold, uint32 k)
{
	return d->class_sum[((Size) fold * d->classes + k) * d->x->width];
}

extern Design *design_make(TrainingSet *set, RowKey *keys, const uint8 *fold,
						   uint32 folds);
extern void design_retarget(Design *d);
extern Size design_memory(const TrainingSet *set, uint32 folds);

#endif							/* NL_DESIGN_MATRIX_H */
