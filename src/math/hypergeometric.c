/*
 * hypergeometric.c
 *		The hypergeometric distribution's lower tail.
 *
 * Terms are summed as multiples of the largest one, from it to both sides until they
 * vanish, which takes some ten standard deviations; with the sum of all they are
 * probabilities.  So no factorials are needed, which lose six digits where they are of
 * a thousand million.
 */
#include "math/hypergeometric.h"

#define VANISHING 1e-18			/* of the sum */

typedef struct Sums
{
	double		all;
	double		at_most_c;
} Sums;

static inline void
add_term(Sums *sums, double term, bool at_most_c)
{
	sums->all += term;
	if (at_most_c)
		sums->at_most_c += term;
}

/*
 * P(X <= c) of n draws, without replacement, from a population (up to 1e9) with so many
 * defects.
 */
double
hypergeometric_at_most(int64 c, int64 n, int64 population, int64 defects)
{
	int64		least = Max(0, n + defects - population);
	int64		most = Min(n, defects);
	int64		mode = (n + 1) * (defects + 1) / (population + 2);
	double		others = population - defects - n;	/* of which x more are not drawn */
	Sums		sums = {0, 0};
	double		term = 1;

	if (c < least)
		return 0;
	if (c >= most)
		return 1;
	add_term(&sums, 1, mode <= c);
	for (int64 x = mode; x < most && term > sums.all * VANISHING; x++)
	{
		NL_CHECK_INTERRUPTS(x);
		term *= (double) (defects - x) * (n - x) / ((x + 1) * (others + x + 1));
		add_term(&sums, term, x + 1 <= c);
	}
	term = 1;
	for (int64 x = mode; x > least && term > sums.all * VANISHING; x--)
	{
		NL_CHECK_INTERRUPTS(x);
		term *= x * (others + x) / ((double) (defects - x + 1) * (n - x + 1));
		add_term(&sums, term, x - 1 <= c);
	}
	return sums.at_most_c / sums.all;
}
