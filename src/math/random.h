/*
 * random.h
 *		Random numbers that are the same on every machine.
 *
 * SplitMix64 (Steele, Lea & Flood, Fast splittable pseudorandom number generators,
 * OOPSLA 2014): a counter that goes on by the golden ratio, and a mixing function
 * of it.  A generator begins at what it is for (a seed, a purpose, two numbers), so
 * that one draw does not depend on how many others were made before.
 *
 * Only whole numbers and exact operations on doubles: no library has a say in it.
 */
#ifndef NL_RANDOM_H
#define NL_RANDOM_H

#include "noisylabel.h"

#define RANDOM_STEP UINT64CONST(0x9e3779b97f4a7c15)	/* 2^64 over the golden ratio */

typedef struct Random
{
	uint64		counter;
} Random;

static inline uint64
random_mix(uint64 x)
{
	x = (x ^ (x >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64CONST(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static inline uint64
random_next(Random *r)
{
	return random_mix(r->counter += RANDOM_STEP);
}

static inline Random
random_for(uint64 seed, uint64 purpose, uint64 a, uint64 b)
{
	uint64		counter = random_mix(seed + RANDOM_STEP);

	counter = random_mix((counter ^ purpose) + RANDOM_STEP);
	counter = random_mix((counter ^ a) + RANDOM_STEP);
	return (Random) {random_mix((counter ^ b) + RANDOM_STEP)};
}

/* Uniform in [0, 1): a multiple of 2^-53. */
static inline double
random_uniform(Random *r)
{
	return (random_next(r) >> 11) * (1.0 / 9007199254740992.0);
}

/* Uniform among 0 .. n - 1, without bias (Lemire 2019); n >= 1. */
static inline uint32
random_below(Random *r, uint32 n)
{
	uint64		product = (random_next(r) >> 32) * n;

	if ((uint32) product < n)
	{
		uint32		unfair = -n % n;

		while ((uint32) product < unfair)
			product = (random_next(r) >> 32) * n;
	}
	return product >> 32;
}

/* Nearly normal, mean 0 and variance 1: the sum of twelve uniforms less 6. */
static inline double
random_normal(Random *r)
{
	uint64		sum = 6;		/* half a step for each */

	for (int i = 0; i < 6; i++)
	{
		uint64		two = random_next(r);

		sum += (two >> 32) + (uint32) two;
	}
	return sum / 4294967296.0 - 6;
}

#endif							/* NL_RANDOM_H */
