/*
 * em_shrinkage.c
 *		How strong smoothing should be: empirical Bayes.
 *
 * If each row of a confusion matrix is drawn from a Dirichlet distribution
 * with mean m (what smoothing points to) and strength s, then the row's counts
 * c have the Dirichlet-multinomial or Polya distribution (Minka, "Estimating a
 * Dirichlet distribution", 2000, eq. 53):
 *
 *	log p(c | s m) = log G(s) - log G(s + n)
 *		+ sum over labels l of (log G(s m_l + c_l) - log G(s m_l))
 *
 * with G the gamma function and n the sum of c; orderings of the same counts
 * are not told apart.  The strength is the s that maximises the sum over all
 * rows of all annotators, by golden section on its logarithm.  Annotators who
 * are alike give a large s, and each is judged by the crowd until he has given
 * many answers; if they differ, s is small.
 *
 * The counts are expected counts, taken as if they had been observed.  Where a
 * variant ties cells, a row is of what is left: right and wrong answers to one
 * class ("class") or to all ("one_coin").
 *
 * Memory: none.  Interrupts: for each row.
 */
#include "crowd/em_answer.h"

#include <math.h>

#define MIN_STRENGTH 0.05
#define MAX_STRENGTH 2000.0
#define STEPS 14				/* of the section: the strength is good to 1.3 % */
#define GOLDEN 0.6180339887498949
#define NEGLIGIBLE 1e-9			/* a count or mean below is none */

/* What one cell adds. */
static inline double
cell_log_marginal(double strength, double mean, double count)
{
	double		a = strength * Max(mean, NEGLIGIBLE);

	return count > NEGLIGIBLE ? lgamma(a + count) - lgamma(a) : 0;
}

static inline double
row_log_marginal(double strength, double n)
{
	return n > NEGLIGIBLE ? lgamma(strength) - lgamma(strength + n) : 0;
}

/* One row with all its labels. */
static double
free_row(const double *counts, const double *mean, uint32 classes, uint32 k,
		 double strength)
{
	double		sum = 0;
	double		n = 0;

	for (uint32 label = 0; label < classes; label++)
	{
		Size		c = (Size) label * classes + k;

		n += counts[c];
		sum += cell_log_marginal(strength, mean[c], counts[c]);
	}
	return sum + row_log_marginal(strength, n);
}

/* Right and wrong answers. */
static double
tied_row(double right, double n, double mean, double strength)
{
	return cell_log_marginal(strength, mean, right) +
		cell_log_marginal(strength, 1 - mean, n - right) +
		row_log_marginal(strength, n);
}

/* Of a matrix: of its rows, or of its right answers ("one_coin"). */
static double
annotator_log_marginal(Variant variant, const double *counts, const double *mean,
					   uint32 classes, double strength)
{
	double		sum = 0;
	double		right = 0;
	double		total = 0;

	for (uint32 k = 0; k < classes; k++)
	{
		double		n = 0;

		CHECK_FOR_INTERRUPTS();
		if (variant == VARIANT_FULL)
		{
			sum += free_row(counts, mean, classes, k, strength);
			continue;
		}
		for (uint32 label = 0; label < classes; label++)
			n += counts[(Size) label * classes + k];
		right += counts[(Size) k * classes + k];
		total += n;
	}
	if (variant == VARIANT_ONE_COIN)
		sum += tied_row(right, total, mean[0], strength);
	return sum;
}

/* Of right and wrong answers: n rows of one annotator. */
static double
coins_log_marginal(const double *counts, const double *mean, Size n, double strength)
{
	double		sum = 0;

	for (Size k = 0; k < n; k++)
	{
		CHECK_FOR_INTERRUPTS();
		sum += tied_row(counts[k], counts[k] + counts[n + k], mean[k], strength);
	}
	return sum;
}

double
em_block_log_marginal(EmTeam *team, uint32 block)
{
	EmBlock		b = em_block(team, block);
	bool		matrices = unit_is_matrix(em_layout(&team->view).unit);
	double		sum = 0;

	for (Size j = b.first; j < b.last; j++)
	{
		const double *counts = team->tables[SLOT_COUNTS].confusion + j * team->unit_cells;
		const double *mean = team->tables[SLOT_TARGET].confusion + j * team->unit_cells;

		if (matrices)
			sum += annotator_log_marginal(team->work->variant, counts, mean,
										  team->classes, team->work->strength);
		else
			sum += coins_log_marginal(counts, mean, team->unit_cells / 2, team->work->strength);
	}
	return sum;
}

static double
log_marginal(EmTeam *team, double log_strength)
{
	team->work->strength = exp(log_strength);
	em_team_run(team, TASK_LOG_MARGINAL);
	return em_team_sum(team, TASK_LOG_MARGINAL, 0);
}

/*
 * The strength for SLOT_COUNTS toward SLOT_TARGET, and the log-likelihood of
 * the counts there.
 */
EmStrength
em_strength(EmTeam *team, Variant variant)
{
	double		low = log(MIN_STRENGTH);
	double		high = log(MAX_STRENGTH);
	double		a = high - GOLDEN * (high - low);
	double		b = low + GOLDEN * (high - low);
	double		at_a;
	double		at_b;

	team->work->variant = variant;
	at_a = log_marginal(team, a);
	at_b = log_marginal(team, b);
	for (int step = 0; step < STEPS; step++)
	{
		if (at_a >= at_b)
		{
			high = b;
			b = a;
			at_b = at_a;
			a = high - GOLDEN * (high - low);
			at_a = log_marginal(team, a);
		}
		else
		{
			low = a;
			a = b;
			at_a = at_b;
			b = low + GOLDEN * (high - low);
			at_b = log_marginal(team, b);
		}
	}
	return at_a >= at_b ? (EmStrength) {exp(a), at_a} : (EmStrength) {exp(b), at_b};
}
