/*
 * student.c
 *		Student's t distribution, and intervals made with it; see student.h.
 *
 * With nu degrees of freedom, 1/2 + t / (2 sqrt(nu + t^2)) has a Beta distribution
 * with both parameters nu / 2.
 */
#include "math/student.h"

#include <math.h>

#include "math/beta_quantile.h"

/*
 * A mean is this skewed where a handful of items make it, and the transformation, a
 * cubic, is of no use beyond.
 */
#define MOST_SKEWED (1.0 / 3)

#define MANY 1e6				/* from here on, the series loses nothing */

/* t with P(|T| <= t) = level (Abramowitz & Stegun 26.7.5 for many degrees). */
static double
student_quantile_two_sided(double level, double freedom)
{
	double		z;
	double		x;

	if (freedom >= MANY)
	{
		z = normal_quantile_two_sided(level);
		return z + (z * z + 1) * z / (4 * freedom);
	}
	x = beta_interval(freedom / 2, freedom / 2, level).high;
	return sqrt(freedom / (x * (1 - x))) * (x - 0.5);
}

/* P(T <= t) */
double
student_lower_tail(double t, double freedom)
{
	if (isinf(t))
		return t > 0;
	if (freedom > BETA_MAX_SUM)
		return erfc(-t / M_SQRT2) / 2;
	return beta_lower_tail(freedom / 2, freedom / 2, 2 * asinh(t / sqrt(freedom)));
}

/*
 * Hall's transformation undone (Journal of the Royal Statistical Society B 54, 1992,
 * p. 223, T3): W + k W^2 / 3 + k^2 W^3 / 27 + k / 6 = z, for the skewness k of the
 * mean.
 */
static double
undo_skewness(double z, double k)
{
	k = Max(-MOST_SKEWED, Min(MOST_SKEWED, k));
	if (fabs(k) < 1e-8)
		return z;
	return 3 / k * (cbrt(1 + k * (z - k / 6)) - 1);
}

/*
 * The interval of an estimate that is, nearly, its expectation and the mean of the
 * influences of independent items: t with a correction for their skewness, which
 * plain normal intervals lack where few of many items differ.  False where the items
 * do not tell how sure the estimate is: one alone, or all alike.
 */
bool
skewed_interval(double estimate, const Influences *influences, double level,
				Bounds *bounds)
{
	double		n = influences->n;
	double		mean = influences->sum / n;
	double		variance = influences->squares / n - mean * mean;
	double		third = influences->cubes / n - 3 * mean * influences->squares / n +
		2 * mean * mean * mean;
	double		error;
	double		t;
	double		k;

	/* rounding leaves some variance where there is none */
	if (!(n >= 2) || !(sqrt(Max(variance, 0)) > 1e-12 * Max(fabs(estimate), fabs(mean))))
		return false;
	t = student_quantile_two_sided(level, n - 1);
	k = third / (variance * sqrt(variance)) / sqrt(n);
	error = sqrt(variance / (n - 1));
	bounds->low = estimate - error * undo_skewness(t, k);
	bounds->high = estimate - error * undo_skewness(-t, k);
	return true;
}
