/*
 * student.h
 *		Student's t distribution, and the interval of an estimate whose parts are
 *		skewed.
 */
#ifndef NL_STUDENT_H
#define NL_STUDENT_H

#include "noisylabel.h"

#include "math/interval.h"

/* What n items add to an estimate: sums of powers of their influences. */
typedef struct Influences
{
	double		n;
	double		sum;
	double		squares;
	double		cubes;
	double		fourths;
} Influences;

static inline void
influences_add(Influences *i, double u)
{
	i->n++;
	i->sum += u;
	i->squares += u * u;
	i->cubes += u * u * u;
	i->fourths += u * u * (u * u);
}

/* Of so many items with the same influence. */
static inline void
influences_add_times(Influences *i, double u, double times)
{
	i->n += times;
	i->sum += times * u;
	i->squares += times * (u * u);
	i->cubes += times * (u * u * u);
	i->fourths += times * (u * u * (u * u));
}

/* As many items of equal influence would tell as much. */
static inline double
influences_effective(const Influences *i)
{
	return i->squares / i->fourths * i->squares;
}

extern double student_lower_tail(double t, double freedom);
extern bool skewed_interval(double estimate, const Influences *influences,
							double level, Bounds *bounds);

#endif							/* NL_STUDENT_H */
