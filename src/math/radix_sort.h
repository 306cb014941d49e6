/*
 * radix_sort.h
 *		Sorting of records by the 64-bit number that they begin with, in time that
 *		grows with their number, and doubles as such numbers.
 */
#ifndef NL_RADIX_SORT_H
#define NL_RADIX_SORT_H

#include "noisylabel.h"

extern void radix_sort(void *records, void *scratch, Size n, Size width);

/* A number with the order of the double, which is no NaN and no -0. */
static inline uint64
sort_key_of(double x)
{
	uint64		bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits >> 63 ? ~bits : bits | UINT64CONST(1) << 63;
}

static inline double
sort_key_double(uint64 key)
{
	uint64		bits = key >> 63 ? key ^ UINT64CONST(1) << 63 : ~key;
	double		x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

#endif							/* NL_RADIX_SORT_H */
