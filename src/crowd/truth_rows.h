/*
 * truth_rows.h
 *		All annotators' answers to items of one truth, and the rates that they are
 *		evidence of.
 */
#ifndef NL_TRUTH_ROWS_H
#define NL_TRUTH_ROWS_H

#include "crowd/crowd_shrinkage.h"
#include "types/annotator_model.h"

/* One annotator's. */
typedef struct TruthRow
{
	double	   *counts;			/* by label */
	double	   *variances;
	double		count;			/* sums of these */
	double		variance;
} TruthRow;

typedef struct TruthRows
{
	const AnnotatorModelView *model;
	uint32		truth;
	TruthRow   *rows;			/* by annotator */
	RateEvidence *evidence;		/* by annotator */
	CrowdTotals *totals;
	double	   *rates;			/* K: of one row of the model */
	double	   *counts;			/* K: of one row, at the maximum */
} TruthRows;

extern Size truth_rows_memory(const AnnotatorModelView *model);
extern TruthRows truth_rows_begin(const AnnotatorModelView *model);
extern void truth_rows_load(TruthRows *t, uint32 truth);
extern void truth_rows_crowds(TruthRows *t, Crowd *crowds);
extern TruthRow truth_row_load(const AnnotatorModelView *model, uint32 annotator,
							   uint32 truth, double *buffer);
extern const double *truth_row_at_maximum(TruthRows *t, uint32 annotator, uint32 truth,
										  const TruthRow *row);
extern RateEvidence truth_row_evidence(const TruthRow *row, uint32 label, double count);

/* Bytes of the buffer of a row. */
static inline Size
truth_row_size(const AnnotatorModelView *model)
{
	return mul_size(2 * sizeof(double), model->labels.n);
}

#endif							/* NL_TRUTH_ROWS_H */
