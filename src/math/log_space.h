/*
 * log_space.h
 *		From log-weights of classes to probabilities.
 *
 * An impossible observation (probability 0) would be a log-weight of minus
 * infinity, and a few of them could rule out every class.  They are counted
 * apart instead, as vetoes: the classes with the fewest share the probability.
 * That is the limit of a smoothing that goes to zero.
 */
#ifndef NL_LOG_SPACE_H
#define NL_LOG_SPACE_H

#include <float.h>
#include <math.h>

/*
 * Turn log-weights into probabilities, in place.  Returns the logarithm of the
 * sum of the weights; a veto of all classes counts as the smallest number.
 */
static inline double
logspace_normalize(double *weight, const uint32 *vetoes, uint32 n)
{
	uint32		fewest = vetoes[0];
	double		max = -DBL_MAX;
	double		sum = 0;

	for (uint32 k = 1; k < n; k++)
		fewest = Min(fewest, vetoes[k]);
	for (uint32 k = 0; k < n; k++)
		if (vetoes[k] == fewest)
			max = Max(max, weight[k]);
	for (uint32 k = 0; k < n; k++)
	{
		weight[k] = vetoes[k] == fewest ? exp(weight[k] - max) : 0;
		sum += weight[k];
	}
	for (uint32 k = 0; k < n; k++)
		weight[k] /= sum;
	return max + log(sum) + fewest * log(DBL_MIN);
}

/* The logarithm of a probability, and whether the probability is 0. */
typedef struct LogRate
{
	int64		log;			/* in units of 2^-36 */
	uint32		veto;
	uint32		unused;			/* 0, for the bytes of states to be the same */
} LogRate;

/* Sums stop here, far from overflow: e to the power of -33 million. */
#define LOG_RATE_MIN (PG_INT64_MIN / 4)

static inline void
log_rate_add(LogRate *sum, const LogRate *rate)
{
	sum->log += rate->log;
	if (unlikely(sum->log < LOG_RATE_MIN))
		sum->log = LOG_RATE_MIN;
	sum->veto += rate->veto;
}

#endif							/* NL_LOG_SPACE_H */
