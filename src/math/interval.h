/*
 * interval.h
 *		Intervals for proportions.
 */
#ifndef NL_INTERVAL_H
#define NL_INTERVAL_H

#include "noisylabel.h"

typedef struct Bounds
{
	double		low;
	double		high;
} Bounds;

extern double normal_quantile_two_sided(double level);
extern Bounds wilson_interval(double successes, double n, double z);

#endif							/* NL_INTERVAL_H */
