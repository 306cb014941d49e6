/*
 * exact_sum.h
 *		Sums of numbers >= 0 that are the same in any order: whole numbers of 128
 *		bits, in a unit of the caller's.
 *
 * Sums of doubles depend on the order of adding in their last bits, so on the
 * plan and the workers.  A double that is a multiple of the unit is added exactly.
 */
#ifndef NL_EXACT_SUM_H
#define NL_EXACT_SUM_H

#include "noisylabel.h"

#include <math.h>

typedef struct ExactSum
{
	uint64		high;
	uint64		low;
} ExactSum;

#define TWO_TO_64 18446744073709551616.0

/* "x" in units; below 2^128, rounded to a whole number. */
static inline ExactSum
exact_sum_of(double x)
{
	double		high = floor(x / TWO_TO_64);

	return (ExactSum) {(uint64) high, (uint64) rint(x - high * TWO_TO_64)};
}

static inline void
exact_sum_add(ExactSum *sum, const ExactSum *x)
{
	uint64		low = sum->low + x->low;

	sum->high += x->high + (low < x->low);
	sum->low = low;
}

/* a - b, where a >= b */
static inline ExactSum
exact_sum_difference(const ExactSum *a, const ExactSum *b)
{
	return (ExactSum) {a->high - b->high - (a->low < b->low), a->low - b->low};
}

static inline bool
exact_sum_less(const ExactSum *a, const ExactSum *b)
{
	return a->high != b->high ? a->high < b->high : a->low < b->low;
}

/* Exact where the sum is a double; else off by two units in its last place. */
static inline double
exact_sum_value(const ExactSum *sum)
{
	return (double) sum->high * TWO_TO_64 + (double) sum->low;
}

#endif							/* NL_EXACT_SUM_H */
