/*
 * distribution_state.h
 *		The type distribution_state: what avg(label_distribution),
 *		product(label_distribution) and combine() gather, label by label.
 *
 * Of each label it keeps in how many distributions its probability is above 0,
 * and the sum over these of the probability (avg) or of minus its logarithm
 * (product), exactly, so that the state does not depend on the order of the rows
 * (exact_sum.h).  A label that a distribution does not have has probability 0
 * there, as in probability(), without a trace in the state: labels may turn up
 * late.
 *
 * A product with a 0 in it would rule out its label, and a few of them all labels.
 * They are counted instead, as vetoes (log_space.h).
 */
#ifndef NL_DISTRIBUTION_STATE_H
#define NL_DISTRIBUTION_STATE_H

#include "math/exact_sum.h"
#include "types/label_distribution.h"

typedef enum DistributionRule
{
	RULE_AVERAGE = 1,
	RULE_PRODUCT
} DistributionRule;

typedef struct LabelSum
{
	ExactSum	sum;
	int64		seen;			/* distributions that allow the label */
} LabelSum;

/* Labels are in canonical order. */
typedef struct DistributionState
{
	ValueHeader header;
	int64		rows;			/* distributions, at least one */
	uint32		rule;			/* DistributionRule */
	uint32		n;				/* labels, at least one */
	uint32		label_bytes;
	uint32		unused;
	LabelSum	sums[FLEXIBLE_ARRAY_MEMBER];
	/* uint32 ends[n]; char bytes[label_bytes] */
} DistributionState;

extern DistributionState *distribution_state_get(Datum datum);
extern DistributionState *distribution_state_copy(const DistributionState *state);
extern DistributionState *distribution_state_begin(DistributionRule rule,
												   const LabelDistribution *d);
extern DistributionState *distribution_state_add(DistributionState *state,
												 const LabelDistribution *d);
extern DistributionState *distribution_state_merge(DistributionState *state,
												   const DistributionState *other);
extern LabelDistribution *distribution_state_average(const DistributionState *state);
extern LabelDistribution *distribution_state_product(const DistributionState *state,
													 const LabelDistribution *prior);

#endif							/* NL_DISTRIBUTION_STATE_H */
