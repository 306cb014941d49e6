/*
 * beta_quantile.c
 *		The Beta distribution: its lower tail, its central interval, and the exact
 *		bounds of a proportion.
 *
 * PostgreSQL has no incomplete beta function, nor has libm.  The distribution
 * function is the regularised incomplete beta function I_x(a, b) by its
 * continued fraction (DLMF 8.17.22, dlmf.nist.gov), evaluated by Lentz's method
 * on that side of the mean where it converges fast; its length grows with the
 * square root of a + b.
 *
 * Everything is a function of the log-odds u = log(x / (1 - x)), so that
 * neither end of 0..1 loses digits, and is computed as a logarithm, so that no
 * tail underflows.  log I is increasing and concave in u (its density there,
 * x^a (1 - x)^b / B(a, b), is log-concave), so Newton's method for a quantile
 * comes from the left after at most one step, cannot overshoot, and needs no
 * bracket.
 */
#include "math/beta_quantile.h"

#include <float.h>
#include <math.h>

#define LOG_ODDS_MAX 700.0		/* beyond this x is 0 or 1 */

/* The logarithms of x and 1 - x are those of the log-odds u and -u. */
static double
log_logistic(double u)
{
	return u < 0 ? u - log1p(exp(u)) : -log1p(exp(-u));
}

/* The continued fraction 1 + d1/(1 + d2/(1 + ...)) of DLMF 8.17.22, inverted. */
static double
beta_fraction(double a, double b, double x)
{
	double		c = 1;
	double		d = 1 - (a + b) * x / (a + 1);
	double		result;

	d = 1 / (fabs(d) < DBL_MIN ? DBL_MIN : d);
	result = d;
	for (double m = 1;; m++)
	{
		double		even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double		odd = -(a + m) * (a + b + m) * x /
			((a + 2 * m) * (a + 2 * m + 1));
		double		step;

		if (fmod(m, 4096) == 0)
			CHECK_FOR_INTERRUPTS();
		d = 1 + even * d;
		c = 1 + even / c;
		d = 1 / (fabs(d) < DBL_MIN ? DBL_MIN : d);
		c = fabs(c) < DBL_MIN ? DBL_MIN : c;
		result *= d * c;
		d = 1 + odd * d;
		c = 1 + odd / c;
		d = 1 / (fabs(d) < DBL_MIN ? DBL_MIN : d);
		c = fabs(c) < DBL_MIN ? DBL_MIN : c;
		step = d * c;
		result *= step;
		if (!(fabs(step - 1) > 4 * DBL_EPSILON))
			return result;
	}
}

/* log I_x(a, b), and its derivative by u, at log-odds u. */
static double
log_lower_tail(double a, double b, double log_beta, double u, double *slope)
{
	double		log_x = log_logistic(u);
	double		log_y = log_logistic(-u);
	double		log_density = a * log_x + b * log_y - log_beta;
	double		log_tail;

	if (exp(log_x) <= (a + 1) / (a + b + 2))
		log_tail = log_density + log(beta_fraction(a, b, exp(log_x)) / a);
	else
		log_tail = log1p(-Min(exp(log_density) * beta_fraction(b, a, exp(log_y)) / b,
							  1 - DBL_EPSILON));
	*slope = exp(log_density - log_tail);
	return log_tail;
}

/* I_x(a, b) of the x with log-odds u. */
double
beta_lower_tail(double a, double b, double u)
{
	double		slope;

	return exp(log_lower_tail(a, b, lgamma(a) + lgamma(b) - lgamma(a + b), u, &slope));
}

/* The same of x itself: P(X <= x). */
double
beta_cdf(double a, double b, double x)
{
	if (x <= 0)
		return 0;
	if (x >= 1)
		return 1;
	return beta_lower_tail(a, b, log(x) - log1p(-x));
}

/* The log-odds below which the probability "tail" (at most 1/2) lies. */
static double
quantile_log_odds(double a, double b, double tail)
{
	double		log_beta = lgamma(a) + lgamma(b) - lgamma(a + b);
	double		u = log(a / b);

	for (int i = 0; i < 100 && fabs(u) < LOG_ODDS_MAX; i++)
	{
		double		slope;
		double		error = log_lower_tail(a, b, log_beta, u, &slope) - log(tail);

		u -= error / slope;
		if (fabs(error / slope) <= 1e-11 * Max(fabs(u), 1))
			break;
	}
	return u;
}

/*
 * The interval that holds the probability "level", with equal tails.  The
 * parameters must be positive and their sum at most BETA_MAX_SUM.
 */
Bounds
beta_interval(double a, double b, double level)
{
	double		tail = (1 - level) / 2;

	return (Bounds) {
		exp(log_logistic(quantile_log_odds(a, b, tail))),
		exp(log_logistic(-quantile_log_odds(b, a, tail)))
	};
}

/*
 * Clopper & Pearson, Biometrika 26, 1934: the proportion at which so many successes
 * or more have the probability "tail".  0 < tail < 1 and n + 1 <= BETA_MAX_SUM.
 */
double
clopper_pearson_low(double successes, double n, double tail)
{
	double		failures = n - successes;

	if (successes <= 0)
		return 0;
	if (failures <= 0)
		return pow(tail, 1 / n);
	if (tail > 0.5)
		return exp(log_logistic(-quantile_log_odds(failures + 1, successes, 1 - tail)));
	return exp(log_logistic(quantile_log_odds(successes, failures + 1, tail)));
}

/* The same for so many successes or fewer. */
double
clopper_pearson_high(double successes, double n, double tail)
{
	double		failures = n - successes;

	if (failures <= 0)
		return 1;
	if (successes <= 0)
		return -expm1(log(tail) / n);
	if (tail > 0.5)
		return exp(log_logistic(quantile_log_odds(successes + 1, failures, 1 - tail)));
	return exp(log_logistic(-quantile_log_odds(failures, successes + 1, tail)));
}
