/*
 * em_rule.h
 *		How an annotator's rates are made of counts in the default's rule; see
 *		em_rule.c for the formulas.
 */
#ifndef NL_EM_RULE_H
#define NL_EM_RULE_H

#include "noisylabel.h"

#include <math.h>

#define PSEUDO_ANSWERS 4.0
#define PSEUDO_RIGHT 0.7
#define PSEUDO_WRONG 0.3
#define MIN_LOGIT 1e-4			/* what rule_logit() takes */

static inline double
rule_logit(double x)
{
	x = Max(Min(x, 1 - MIN_LOGIT), MIN_LOGIT);
	return log(x / (1 - x));
}

static inline double
rule_expit(double x)
{
	return 1 / (1 + exp(-x));
}

/* What the crowd answers where nothing is known: rates by label and truth. */
static inline double
rule_pseudo_rate(Size label, Size truth, Size classes)
{
	if (classes == 1)
		return 1;
	return label == truth ? PSEUDO_RIGHT : PSEUDO_WRONG / (classes - 1);
}

/* A_j: a rate of "count" of n answers, with pseudo-answers of the pool. */
static inline double
rule_own_rate(double count, double n, double pool)
{
	return (count + PSEUDO_ANSWERS * pool) / (n + PSEUDO_ANSWERS);
}

/* d_jk, for an annotator of balanced accuracy q and a class of that ease. */
static inline double
rule_right(double q, double logit_q, double ease, Size classes)
{
	return classes == 1 ? 1 : (q + rule_expit(ease + logit_q)) / 2;
}

/* pi_j: half the own rate, half that of an annotator like him. */
static inline double
rule_rate(double own, bool is_right, double right, double pool, double errors)
{
	double		toward = is_right ? right : (1 - right) * pool / errors;

	return (own + toward) / 2;
}

/* "abstains": the label that is no class plus 1, or 0 */
extern void rule_pool_rates(double *counts, Size labels, uint32 abstains);
extern void rule_ease(const double *rates, Size labels, uint32 abstains, double *ease);
extern void rule_errors(const double *pool, Size labels, uint32 abstains, double *errors);

#endif							/* NL_EM_RULE_H */
