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
 * squares, times a prior under which r is uniform on 0..1.  An annotator of whom
 * less than one answer is expected counts for that share: a thousand with next to
 * none would otherwise have the say, as log (m (1 - m)) does not shrink with n.
 * Many annotators give one strength all the weight; three don't, and so don't
 * prove that all are alike.  m is the mean of x / n with the weights w = n / (1 + (n - 1) r), to
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
 * What depends on n and its variance only is the same for all labels of a truth, and
 * is worked out once (CrowdTotals): each further rate costs sums of products.
 *
 * Memory: a few numbers for each strength that has weight; totals have two for each
 * strength and annotator.  Interrupts: for each strength and block of annotators.
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

/* Bytes of what crowds of rates with the same totals share. */
Size
crowd_totals_memory(uint32 annotators)
{
	return mul_size(Max(annotators, 1), 2 * STRENGTHS * sizeof(double));
}

/* "totals" has room for so many annotators. */
void
crowd_totals_fill(CrowdTotals *totals, const RateEvidence *evidence, uint32 annotators)
{
	totals->annotators = annotators;
	for (int i = 0; i < STRENGTHS; i++)
	{
		double		s = FIRST_STRENGTH * pow(STRENGTH_RANGE, i / (STRENGTHS - 1.0));
		double		r = 1 / (s + 1);
		double	   *weight = totals->weight + (Size) i * annotators;
		double	   *precision = totals->precision + (Size) i * annotators;

		totals->strength[i] = s;
		/* steps are of log s, in which a uniform r has this density */
		totals->log_prior[i] = log(s) - 2 * log1p(s);
		totals->answers[i] = 1;
		totals->log_sum[i] = 0;
		totals->known[i] = 0;
		for (uint32 j = 0; j < annotators; j++)
		{
			double		n = evidence[j].total;
			double		pairs = n * n - n + evidence[j].unsure_in + evidence[j].unsure_out;
			double		spread = n + r * pairs;
			double		share = Min(n, 1);

			NL_CHECK_INTERRUPTS(j);
			weight[j] = (s + 1) / (n + s);
			totals->answers[i] += weight[j] * n;
			/* what is no normal number is no answer */
			precision[j] = spread >= DBL_MIN ? share / spread : 0;
			if (spread < DBL_MIN)
				continue;
			totals->log_sum[i] += share * log(spread);
			totals->known[i] += share;
		}
	}
}

/* In the current context. */
CrowdTotals *
crowd_totals_create(uint32 annotators)
{
	CrowdTotals *totals = palloc(sizeof(CrowdTotals));
	Size		half = crowd_totals_memory(annotators) / 2;

	totals->weight = nl_alloc(CurrentMemoryContext, half);
	totals->precision = nl_alloc(CurrentMemoryContext, half);
	return totals;
}

void
crowd_totals_free(CrowdTotals *totals)
{
	pfree(totals->weight);
	pfree(totals->precision);
	pfree(totals);
}

/* The mean of the crowd at a strength. */
static void
crowd_mean(const CrowdTotals *totals, int i, const RateEvidence *evidence, double guess,
		   Strength *at)
{
	const double *weight = totals->weight + (Size) i * totals->annotators;
	double		sum = guess;

	for (uint32 j = 0; j < totals->annotators; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		sum += weight[j] * evidence[j].count;
	}
	at->mean = sum / totals->answers[i];
	at->variance = at->mean * Max(1 - at->mean, 0) / (totals->answers[i] + 1);
}

/*
 * Log-likelihood of the squares at a strength and its mean.  The expectation of
 * a square is m (1 - m) times what totals have the inverse of.
 */
static double
crowd_log_likelihood(const CrowdTotals *totals, int i, const RateEvidence *evidence,
					 const Strength *at)
{
	const double *precision = totals->precision + (Size) i * totals->annotators;
	double		m = at->mean;
	double		sum = 0;

	if (m <= 0 || m >= 1)		/* there is one class only */
		return 0;
	for (uint32 j = 0; j < totals->annotators; j++)
	{
		const RateEvidence *e = &evidence[j];
		double		distance = e->count - e->total * m;
		double		square = distance * distance +
			e->unsure_in * (1 - m) * (1 - m) + e->unsure_out * m * m +
			e->unsure_both;

		NL_CHECK_INTERRUPTS(j);
		sum += square * precision[j];
	}
	return -(sum / (m * (1 - m)) + totals->log_sum[i] + totals->known[i] * log(m * (1 - m))) / 2;
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
 * How a rate varies in a crowd; "guess" is the rate of blind answers.  Totals are
 * those of the evidence.  A crowd without any answers is no prior, and estimates
 * nothing.
 */
void
crowd_make(const CrowdTotals *totals, const RateEvidence *evidence, double guess,
		   Crowd *crowd)
{
	Strength   *at = crowd->at;
	RateEvidence all = sum_evidence(evidence, totals->annotators);
	double		max = -DBL_MAX;
	double		sum = 0;

	for (int i = 0; i < STRENGTHS; i++)
	{
		at[i].strength = totals->strength[i];
		crowd_mean(totals, i, evidence, guess, &at[i]);
		at[i].missing = missing_share(&all, at[i].mean);
		at[i].weight = crowd_log_likelihood(totals, i, evidence, &at[i]) +
			totals->log_prior[i];
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
