/*
 * model_evidence.h
 *		The evidence about annotators: expected counts of their answers, with variances.
 *
 * It has a column for each label that an annotator gave, and in it a number for each
 * truth.  What it has not is 0.
 */
#ifndef NL_MODEL_EVIDENCE_H
#define NL_MODEL_EVIDENCE_H

#include "noisylabel.h"

/* J annotators, K classes. */
typedef struct ModelEvidence
{
	uint32	   *ends;			/* J: of the columns of each annotator */
	uint32	   *label;			/* of each column; ascending for an annotator */
	double	   *counts;			/* K for each column, by truth */
	double	   *variances;		/* the same */
} ModelEvidence;

static inline uint32
evidence_first(const ModelEvidence *e, Size annotator)
{
	return annotator == 0 ? 0 : e->ends[annotator - 1];
}

/* How many columns the first n annotators have. */
static inline uint32
evidence_columns(const ModelEvidence *e, Size n)
{
	return evidence_first(e, n);
}

extern Size evidence_size(Size annotators, Size classes, Size columns);
extern ModelEvidence evidence_create(Size annotators, Size classes, Size columns);
extern ModelEvidence evidence_of_tables(double *counts, double *variances,
										Size annotators, Size classes);
extern ModelEvidence evidence_select(const ModelEvidence *e, Size annotators,
									 const uint32 *order, Size classes,
									 const uint32 *label, Size n);
extern void evidence_matrix(const ModelEvidence *e, const double *values,
							Size annotator, Size classes, double *matrix);

#endif							/* NL_MODEL_EVIDENCE_H */
