/*
 * beta_quantile.h
 *		The Beta distribution: its lower tail, its central interval, and the exact
 *		bounds of a proportion.
 */
#ifndef NL_BETA_QUANTILE_H
#define NL_BETA_QUANTILE_H

#include "noisylabel.h"

#include "math/interval.h"

/* At this sum of parameters, rounding leaves six digits of the probability. */
#define BETA_MAX_SUM 1e9

extern double beta_lower_tail(double a, double b, double u);
extern double beta_cdf(double a, double b, double x);
extern Bounds beta_interval(double a, double b, double level);
extern double clopper_pearson_low(double successes, double n, double tail);
extern double clopper_pearson_high(double successes, double n, double tail);

#endif							/* NL_BETA_QUANTILE_H */
