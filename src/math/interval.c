/*
 * interval.c
 *		Intervals for proportions.
 */
#include "math/interval.h"

#include <math.h>

/*
 * z with P(|Z| <= z) = level for a standard normal Z, by Newton's method on
 * erfc, which the C library computes to full precision.  Where 1 - level has lost
 * the level, by the series of the inverse error function (DLMF 7.17.2).
 */
#define SMALL_LEVEL 0.01

double
normal_quantile_two_sided(double level)
{
	double		x2 = M_PI * level * level;
	double		tail = 1 - level;
	double		z = 1;

	if (level < SMALL_LEVEL)
		return sqrt(M_PI / 2) * level *
			(1 + x2 * (1.0 / 12 + x2 * (7.0 / 480 + x2 * 127 / 40320)));
	for (int i = 0; i < 100; i++)
	{
		double		density = sqrt(2 / M_PI) * exp(-z * z / 2);
		double		step = (erfc(z / M_SQRT2) - tail) / density;

		/* far out in the flat tail Newton overshoots; two at a time is safe */
		z += Max(Min(step, 2.0), -z / 2);
		if (fabs(step) < 1e-14 * Max(z, 1))
			break;
	}
	return z;
}

/*
 * Wilson's score interval for a proportion (E. B. Wilson, JASA 22, 1927,
 * p. 210; Brown, Cai & DasGupta, Statistical Science 16, 2001, eq. 4).
 * "n" may be a sum of weights; it must be positive.  The square of a very small
 * one is 0, so there all is multiplied by it.
 */
#define SMALL_TOTAL 1e-100

Bounds
wilson_interval(double successes, double n, double z)
{
	double		p = successes / n;
	double		variance = Max(p * (1 - p), 0);
	double		z2 = z * z;
	double		middle = (p + z2 / (2 * n)) / (1 + z2 / n);
	double		half = z * sqrt(variance / n + z2 / (4 * n * n)) / (1 + z2 / n);
	Bounds	interval;

	if (n < SMALL_TOTAL)
	{
		middle = (successes + z2 / 2) / (n + z2);
		half = z * sqrt(variance * n + z2 / 4) / (n + z2);
	}

	/* rounding must not put the ends outside [0, 1] or beyond p itself */
	interval.low = Max(0, Min(middle - half, p));
	interval.high = Min(1, Max(middle + half, p));
	if (successes <= 0)
		interval.low = 0;
	if (successes >= n)
		interval.high = 1;
	return interval;
}
