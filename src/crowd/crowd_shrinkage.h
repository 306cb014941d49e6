/*
 * crowd_shrinkage.h
 *		What a rate of an annotator is, and how sure that is: the annotator's
 *		own record seen against the crowd.
 */
#ifndef NL_CROWD_SHRINKAGE_H
#define NL_CROWD_SHRINKAGE_H

#include "noisylabel.h"

/* An annotator's evidence on one rate: counts, and how unsure they are. */
typedef struct RateEvidence
{
	double		count;			/* expected answers of this kind */
	double		total;			/* of all kinds */
	double		unsure_in;		/* variance of the count */
	double		unsure_out;		/* variance of the count of the other kinds */
	double		unsure_both;	/* of answers that are of this kind or another */
} RateEvidence;

typedef struct RateEstimate
{
	double		rate;
	double		low;
	double		high;
} RateEstimate;

/* What a crowd of one strength would be. */
typedef struct Strength
{
	double		strength;
	double		weight;			/* log-weight, while they are compared */
	double		mean;			/* m */
	double		variance;		/* of m */
	double		missing;		/* g */
} Strength;

#define STRENGTHS 25			/* 0.5 to 500, evenly in their logarithms */

/* Those that have weight; see crowd_shrinkage.c. */
typedef struct Crowd
{
	uint32		n;
	Strength	at[STRENGTHS];
} Crowd;

/* What rates whose evidence has the same totals have in common. */
typedef struct CrowdTotals
{
	uint32		annotators;
	double	   *weight;			/* STRENGTHS * annotators: of an answer in the mean */
	double	   *precision;		/* the same: of a square, but for 1 / (m (1 - m)) */
	double		strength[STRENGTHS];
	double		log_prior[STRENGTHS];
	double		answers[STRENGTHS]; /* sum of weights */
	double		log_sum[STRENGTHS]; /* of the inverse precisions */
	double		known[STRENGTHS];	/* annotators with answers */
} CrowdTotals;

extern Size crowd_totals_memory(uint32 annotators);
extern CrowdTotals *crowd_totals_create(uint32 annotators);
extern void crowd_totals_fill(CrowdTotals *totals, const RateEvidence *evidence,
							  uint32 annotators);
extern void crowd_totals_free(CrowdTotals *totals);
extern void crowd_make(const CrowdTotals *totals, const RateEvidence *evidence,
					   double guess, Crowd *crowd);
extern double missing_share(const RateEvidence *e, double rate);
extern double crowd_rate(const Crowd *crowd, const RateEvidence *e);
extern bool crowd_estimate(const Crowd *crowd, const RateEvidence *e,
						   double level, RateEstimate *result);

#endif							/* NL_CROWD_SHRINKAGE_H */
