/*
 * logistic_kernel.c
 *		Softmax and logistic loss of a block of rows; see logistic_kernel.h.
 *
 * All loops run along the rows, which are independent, so that the compiler
 * makes vector instructions of them; sums over rows go to LANES partial sums,
 * whose order is part of the result.  exp and log are ours because those of
 * the C library are called one by one:
 *
 *	exp(x) for x <= 0: x = k ln 2 + r, |r| <= ln(2) / 2, Taylor to r^13
 *	log(s) for s >= 1: s = 2^e m, sqrt(1/2) <= m < sqrt(2),
 *		2 atanh((m - 1) / (m + 1)) by its series to the 21st power
 *
 * Both are off by at most 3e-16 relative (log: of the larger of 1 and itself);
 * exp is never below exp(-708).
 */
#include "classify/logistic_kernel.h"

#include <math.h>

/*
 * Compiled for several processors, of which the loader picks one.  This goes before
 * "static": what is dispatched cannot be hidden from the library's symbols otherwise.
 */
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && \
	defined(__has_attribute)
#if __has_attribute(target_clones)
#define KERNEL __attribute__((target_clones("default", "avx2", "avx512f")))
#endif
#endif
#ifndef KERNEL
#define KERNEL
#endif

#define LANES 8

static inline uint64
bits_of(double x)
{
	uint64		bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

static inline double
of_bits(uint64 bits)
{
	double		x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/*
 * Clamping is a loop of its own: inside exp_negative the compiler would make
 * a branch of it, because all that follows is known for the smallest x, and
 * a loop with a branch is no vector loop.
 */
#define SMALLEST_X (-708.0)

/* for SMALLEST_X <= x <= 0 */
static inline __attribute__((always_inline)) double
exp_negative(double x)
{
	double		shifted;
	double		k;
	double		r;
	double		p;

	shifted = x * 1.4426950408889634 + 0x1.8p52;	/* k in its low bits */
	k = shifted - 0x1.8p52;
	r = x - k * 0x1.62e42fefa3800p-1 - k * 0x1.ef35793c76730p-45;
	p = 1.0 / 6227020800.0;
	p = p * r + 1.0 / 479001600.0;
	p = p * r + 1.0 / 39916800.0;
	p = p * r + 1.0 / 3628800.0;
	p = p * r + 1.0 / 362880.0;
	p = p * r + 1.0 / 40320.0;
	p = p * r + 1.0 / 5040.0;
	p = p * r + 1.0 / 720.0;
	p = p * r + 1.0 / 120.0;
	p = p * r + 1.0 / 24.0;
	p = p * r + 1.0 / 6.0;
	p = p * r + 0.5;
	p = p * r + 1.0;
	p = p * r + 1.0;
	return p * of_bits((bits_of(shifted) << 52) + bits_of(1.0));
}

static inline __attribute__((always_inline)) double
log_above_one(double s)
{
	uint64		half = UINT64CONST(0x3fe6a09e667f3bcd); /* sqrt(1/2) */
	uint64		offset = bits_of(s) - half;
	double		e = of_bits((offset >> 52) | bits_of(0x1p52)) - 0x1p52;
	double		m = of_bits((offset & UINT64CONST(0x000fffffffffffff)) + half);
	double		f = (m - 1) / (m + 1);
	double		f2 = f * f;
	double		p = 2.0 / 21.0;

	p = p * f2 + 2.0 / 19.0;
	p = p * f2 + 2.0 / 17.0;
	p = p * f2 + 2.0 / 15.0;
	p = p * f2 + 2.0 / 13.0;
	p = p * f2 + 2.0 / 11.0;
	p = p * f2 + 2.0 / 9.0;
	p = p * f2 + 2.0 / 7.0;
	p = p * f2 + 2.0 / 5.0;
	p = p * f2 + 2.0 / 3.0;
	return e * 0.6931471805599453 + (2 * f + f * f2 * p);
}

/* Sum in a fixed order that vector instructions can follow. */
static inline __attribute__((always_inline)) double
sum_lanes(const double *values, uint32 n)
{
	double		lane[LANES] = {0};
	double		sum = 0;
	uint32		whole = n / LANES * LANES;

	for (uint32 i = 0; i < whole; i += LANES)
		for (uint32 l = 0; l < LANES; l++)
			lane[l] += values[i + l];
	for (uint32 i = whole; i < n; i++)
		lane[i - whole] += values[i];
	for (uint32 l = 0; l < LANES; l++)
		sum += lane[l];
	return sum;
}

/* Dot products of a row with the coefficients of each column. */
KERNEL static void
dot_columns(const double *restrict coefficients, uint32 columns, uint32 width,
			const double *restrict row, double *restrict score)
{
	uint32		whole = width / LANES * LANES;

	for (uint32 k = 0; k < columns; k++, coefficients += width)
	{
		double		lane[LANES] = {0};
		double		sum = 0;

		for (uint32 i = 0; i < whole; i += LANES)
			for (uint32 l = 0; l < LANES; l++)
				lane[l] += coefficients[i + l] * row[i + l];
		for (uint32 i = whole; i < width; i++)
			lane[i - whole] += coefficients[i] * row[i];
		for (uint32 l = 0; l < LANES; l++)
			sum += lane[l];
		score[k] = sum;
	}
}

#define DOT_NUMBERS (1024 * 1024)	/* between looks for interrupts */

void
score_row(const double *coefficients, uint32 columns, uint32 width,
		  const double *row, double *score)
{
	uint32		step = Max(DOT_NUMBERS / width, 1);

	for (uint32 k = 0; k < columns; k += step)
	{
		CHECK_FOR_INTERRUPTS();
		dot_columns(coefficients + (Size) k * width, Min(step, columns - k), width,
					row, score + k);
	}
}

/* Sum of p (1 - p), weighted, of residuals' probabilities q = mass * p. */
KERNEL static double
sum_curvature(const double *q, const double *mass, uint32 n, double *scratch)
{
	for (uint32 i = 0; i < n; i++)
		scratch[i] = mass[i] > 0 ? q[i] * (1 - q[i] / mass[i]) : 0;
	return sum_lanes(scratch, n);
}

/*
 * The logits become mass times probability; returns the loss.  With
 * "curvature", adds for each class the sum of mass * p (1 - p).
 */
KERNEL static double
softmax(double *restrict z, uint32 classes, uint32 rows,
		const double *restrict mass, const double *restrict dot,
		double *restrict max, double *restrict sum)
{
	double	   *at = z;

	memcpy(max, z, rows * sizeof(double));
	for (uint32 k = 1; k < classes; k++)
		for (uint32 i = 0; i < rows; i++)
		{
			double		v = z[(Size) k * rows + i];

			max[i] = max[i] > v ? max[i] : v;
		}
	for (uint32 i = 0; i < rows; i++)
		sum[i] = 0;
	for (uint32 k = 0; k < classes; k++, at += rows)
	{
		for (uint32 i = 0; i < rows; i++)
		{
			double		x = at[i] - max[i];

			at[i] = x < SMALLEST_X ? SMALLEST_X : x;
		}
		for (uint32 i = 0; i < rows; i++)
		{
			at[i] = exp_negative(at[i]);
			sum[i] += at[i];
		}
	}
	for (uint32 i = 0; i < rows; i++)
	{
		max[i] = mass[i] * (max[i] + log_above_one(sum[i])) - dot[i];
		sum[i] = mass[i] / sum[i];
	}
	for (uint32 k = 0; k < classes; k++)
		for (uint32 i = 0; i < rows; i++)
			z[(Size) k * rows + i] *= sum[i];
	return sum_lanes(max, rows);
}

double
logistic_block(double *z, uint32 classes, uint32 rows, const double *mass,
			  const double *dot, double *scratch, double *curvature)
{
	double		loss = softmax(z, classes, rows, mass, dot, scratch,
							   scratch + rows);

	if (curvature != NULL)
		for (uint32 k = 0; k < classes; k++)
			curvature[k] += sum_curvature(z + (Size) k * rows, mass, rows, scratch);
	return loss;
}

/* Two classes: z is the logit of the second against the first. */
KERNEL static double
logistic(double *restrict z, uint32 rows, const double *restrict mass,
		 const double *restrict second, double *restrict loss,
		 double *restrict odds)
{
	for (uint32 i = 0; i < rows; i++)
	{
		double		x = -fabs(z[i]);

		odds[i] = x < SMALLEST_X ? SMALLEST_X : x;
	}
	for (uint32 i = 0; i < rows; i++)
		odds[i] = exp_negative(odds[i]);
	for (uint32 i = 0; i < rows; i++)
	{
		double		v = z[i];
		double		e = odds[i];

		loss[i] = mass[i] * ((v > 0 ? v : 0) + log_above_one(1 + e)) - second[i] * v;
		z[i] = mass[i] * (v < 0 ? e : 1) / (1 + e);
	}
	return sum_lanes(loss, rows);
}

double
logistic_binary_block(double *z, uint32 rows, const double *mass, const double *second,
			   double *scratch, double *curvature)
{
	double		loss = logistic(z, rows, mass, second, scratch, scratch + rows);

	if (curvature != NULL)
		curvature[0] += sum_curvature(z, mass, rows, scratch);
	return loss;
}

KERNEL static void
subtract(double *restrict z, uint32 rows, const double *restrict mass)
{
	for (uint32 i = 0; i < rows; i++)
		z[i] -= mass[i];
}

void
subtract_block(double *z, uint32 rows, const double *mass)
{
	subtract(z, rows, mass);
}

/*
 * Terms of each row, term by term, with weights mass * p (1 - p); the
 * probabilities are given as q = mass * p.
 */
KERNEL static void
weigh(const double *restrict terms, uint32 n, uint32 rows,
	  const double *restrict q, const double *restrict mass,
	  double *restrict weight, double *restrict to)
{
	for (uint32 i = 0; i < rows; i++)
		weight[i] = mass[i] > 0 ? q[i] * (1 - q[i] / mass[i]) : 0;
	for (uint32 t = 0; t < n; t++)
		for (uint32 i = 0; i < rows; i++)
			to[(Size) t * rows + i] = terms[(Size) t * rows + i] * weight[i];
}

void
weigh_terms(const double *terms, uint32 n, uint32 rows,
			const double *q, const double *mass,
			double *weight, double *to)
{
	weigh(terms, n, rows, q, mass, weight, to);
}
