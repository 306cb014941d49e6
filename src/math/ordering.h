/*
 * ordering.h
 *		Doubles in order, and the first of the largest.
 */
#ifndef NL_ORDERING_H
#define NL_ORDERING_H

#include "noisylabel.h"

/* for qsort(); there is no NaN */
static inline int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

static inline uint32
first_of_largest(const double *p, uint32 n)
{
	uint32		top = 0;

	for (uint32 k = 1; k < n; k++)
		if (p[k] > p[top])
			top = k;
	return top;
}

#endif							/* NL_ORDERING_H */
