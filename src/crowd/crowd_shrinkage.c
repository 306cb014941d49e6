/*
 * crowd_shrinkage.c
 *		What a rate of an annotator is, and how sure that is: the annotator's
 *		own record seen against the crowd.
 *
 * Of an annotator's n answers, x are of one kind (right; or, among answers to
 * items of one class, one label).  Both are expected counts: sums over
 * annotations of the posterior t of what the truth is.  The variances of the
 * sums, given the annotations, are sums of t (1 - t): "in" over the answers
 * that count for x if they count for n, "out" over those that count for n
 * only, "both" over those that are in n for certain and in x or not.
 *
 * The annotator.  Uncertain truth takes away the share f of the information
 * about the rate A: the variance, given the annotations, of the score
 * x / A - (n - x) / (1 - A), over the information n / (A (1 - A)) that there
 * would be if the truth were known (Louis, JRSS B 44, 1982, eq. 3.3):
 *
 *	f = (in / A^2 + out / (1 - A)^2 + both / (A (1 - A))^2) A (1 - A) / n
 *
 * The crowd.  Rates differ between annotators, with mean m, variance
 * m (1 - m) r; r, the correlation within an annotator, is 1 / (s + 1) for a Beta
 * distribution whose parameters sum to the strength s.  An annotator's true
 * counts N and X then have
 *
 *	E (X - N m)^2 = m (1 - m) (E N + r E N (N - 1))
 *
 * where, given the annotations, X - N m has the mean x - n m and the variance
 * in (1 - m)^2 + out m^2 + both, and N has the mean n and the variance in + out.
 * So r is found from expected counts without taking them for true ones, which
 * vary more and would show a crowd less alike.  It is not fixed: each
 * strength of a grid has the weight of the normal quasi-likelihood of these
 * squares, times a prior under which r is uniform on 0..1.  Many annotators
 * give one strength all the weight; three don't, and so don't prove that all are
 * alike.  m is the mean of x / n with the weights w = n / (1 + (n - 1) r), to
 * which one blind answer is added, so that a faultless crowd is not a
 * certainty; it has the variance m (1 - m) / (sum(w) + 2).
 *
 * Both together.  At each strength the rate has the mean
 * A = (x + s m) / (n + s), near the crowd for few answers and the own record for
 * many, and the variance
 *
 *	A (1 - A) / (n (1 - f) + (s + 1) (1 - g)) + (s / (n + s))^2 Var m
 *
 * where g is what is missing from all annotators' answers together at the rate
 * m, since the crowd's answers are no more certain.  Means and variances of the
 * strengths mix by weight, and the interval is that of the Beta distribution
 * with this mean and variance, which is never wider than in the most diverse
 * crowd of the grid.
 *
 * Memory: a few numbers for each strength that has weight.  Interrupts: for
 * each strength and block of annotators.
 */
#include "crowd/crowd_shrinkage.h"

#include <float.h>
#include <math.h>

#include "math/beta_quantile.h"

#define FIRST_STRENGTH 0.5
#define STRENGTH_RANGE 1000.0
#define MIN_WEIGHT 1e-6			/* of a strength, to the largest */
#define MIN_INFORMATION 0.05	/* the share that is never missing */

/* The share of the information about a rate that uncertain truth takes away. */
double
missing_share(const RateEvidence *e, double rate)
{
	double		in = e->unsure_in * (1 - rate) / rate;
	double		out = e->unsure_out * rate / (1 - rate);
	double		both = e->unsure_both / (rate * (1 - rate));

	return e->total > 0 ? Min((in + out + both) / e->total, 1) : 0;
}

/* The mean of the crowd at a strength. */
static void
crowd_mean(const RateEvidence *evidence, uint32 annotators, double guess,
		   Strength *at)
{
	double		sum = guess;
	double		answers = 1;

	for (uint32 j = 0; j < annotators; j++)
	{
		const RateEvidence *e = &evidence[j];
		double		share = (at->strength + 1) / (e->total + at->strength);

		NL_CHECK_INTERRUPTS(j);
		sum += share * e->count;
		answers += share * e->total;
	}
	at->mean = sum / answers;
	at->variance = at->mean * Max(1 - at->mean, 0) / (answers + 1);
}

/* Log-likelihood of the squares at a strength and its mean. */
static double
crowd_log_likelihood(const RateEvidence *evidence, uint32 annotators,
					 const Strength *at)
{
	double		m = at->mean;
	double		r = 1 / (at->strength + 1);
	double		sum = 0;

	if (m <= 0 || m >= 1)		/* there is one class only */
		return 0;
	for (uint32 j = 0; j < annotators; j++)
	{
		const RateEvidence *e = &evidence[j];
		double		n = e->total;
		double		distance = e->count - n * m;
		double		pairs = n * n - n + e->unsure_in + e->unsure_out;
		double		square = distance * distance +
			e->unsure_in * (1 - m) * (1 - m) + e->unsure_out * m * m +
			e->unsure_both;
		double		expected = m * (1 - m) * (n + r * pairs);

		NL_CHECK_INTERRUPTS(j);
		if (expected > 0)
			sum -= (log(expected) + square / expected) / 2;
	}
	return sum;
}

/* The evidence of all together. */
static RateEvidence
sum_evidence(const RateEvidence *evidence, uint32 annotators)
{
	RateEvidence sum = {0};

	for (uint32 j = 0; j < annotators; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		sum.count += evidence[j].count;
		sum.total += evidence[j].total;
		sum.unsure_in += evidence[j].unsure_in;
		sum.unsure_out += evidence[j].unsure_out;
		sum.unsure_both += evidence[j].unsure_both;
	}
	return sum;
}

/*
 * How a rate varies in a crowd; "guess" is the rate of blind answers.  A crowd
 * without any answers is no prior, and estimates nothing.
 */
void
crowd_make(const RateEvidence *evidence, uint32 annotators, double guess, Crowd *crowd)
{
	Strength   *at = crowd->at;
	RateEvidence all = sum_evidence(evidence, annotators);
	double		max = -DBL_MAX;
	double		sum = 0;

	for (int i = 0; i < STRENGTHS; i++)
	{
		double		s = FIRST_STRENGTH * pow(STRENGTH_RANGE, i / (STRENGTHS - 1.0));

		at[i].strength = s;
		crowd_mean(evidence, annotators, guess, &at[i]);
		at[i].missing = missing_share(&all, at[i].mean);
		/* steps are of log s, in which a uniform r has this density */
		at[i].weight = crowd_log_likelihood(evidence, annotators, &at[i]) +
			log(s) - 2 * log1p(s);
		max = Max(max, at[i].weight);
	}
	crowd->n = 0;
	for (int i = 0; i < STRENGTHS && all.total > 0; i++)
	{
		at[i].weight = exp(at[i].weight - max);
		if (at[i].weight < MIN_WEIGHT)
			continue;
		sum += at[i].weight;
		at[crowd->n++] = at[i];
	}
	for (uint32 i = 0; i < crowd->n; i++)
		at[i].weight /= sum;
}

/* An annotator's rate, given the crowd's strength. */
static inline double
rate_mean(const Strength *at, const RateEvidence *e)
{
	return (e->count + at->strength * at->mean) / (e->total + at->strength);
}

/* Its variance, where it has the mean "a". */
static double
rate_variance(const Strength *at, const RateEvidence *e, double a)
{
	double		n = e->total + at->strength;
	double		pull = at->strength / n;
	double		variance = pull * pull * at->variance;
	double		answers;

	if (a <= 0 || a >= 1)
		return variance;
	answers = e->total * (1 - missing_share(e, a)) +
		(at->strength + 1) * (1 - at->missing);
	return variance + a * (1 - a) / Max(answers, MIN_INFORMATION * (n + 1));
}

/* The rate alone, of a crowd that has answers. */
double
crowd_rate(const Crowd *crowd, const RateEvidence *e)
{
	double		weight = 0;
	double		mean = 0;

	for (uint32 i = 0; i < crowd->n; i++)
	{
		/* this way the mean of equal numbers is the number */
		weight += crowd->at[i].weight;
		mean += (rate_mean(&crowd->at[i], e) - mean) * crowd->at[i].weight / weight;
	}
	return mean;
}

/* A rate and its interval; false if the crowd has no answers. */
bool
crowd_estimate(const Crowd *crowd, const RateEvidence *e, double level,
			   RateEstimate *result)
{
	double		mean = crowd_rate(crowd, e);
	double		variance = 0;
	double		sum;
	Bounds		bounds;

	for (uint32 i = 0; i < crowd->n; i++)
	{
		const Strength *at = &crowd->at[i];
		double		m = rate_mean(at, e);

		variance += at->weight * (rate_variance(at, e, m) + (m - mean) * (m - mean));
	}
	*result = (RateEstimate) {mean, mean, mean};
	if (crowd->n == 0 || mean <= 0 || mean >= 1)
		return crowd->n > 0;

	sum = Max(Min(mean * (1 - mean) / variance - 1, BETA_MAX_SUM), FIRST_STRENGTH);
	bounds = beta_interval(mean * sum, (1 - mean) * sum, level);
	result->low = Min(bounds.low, mean);
	result->high = Max(bounds.high, mean);
	return true;
}
