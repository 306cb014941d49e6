/*
 * em_maximize.c
 *		The M steps: from expected counts to the parameters of each variant.
 *
 *	full		a confusion matrix for each annotator (Dawid & Skene 1979, eq. 2.3)
 *	class		for each annotator and true class, one accuracy; wrong answers
 *				are equally likely
 *	one_coin	one accuracy for each annotator
 *	shared		one confusion matrix for all annotators
 *	majority	one accuracy for all annotators and equal class priors: the most
 *				frequent label wins, with a calibrated confidence
 *
 * Smoothing is a Dirichlet prior on each row (for one accuracy, a Beta prior)
 * with "strength" pseudo-counts that point to the same thing measured over all
 * annotators, fixed at the start of the fit.  Since it stays fixed, the M step
 * maximises log-likelihood plus log-prior, and EM can only raise their sum.
 *
 * Where annotators have matrices of their own, blocks of them are units of work
 * for the team (see em_team.c); what is the same for all, the leader does.
 */
#include "crowd/em.h"

#include <math.h>

#define NO_ERRORS 1e-9			/* the pool makes no errors in a row */

const char *const smoothing_target_names[] = {
	[TOWARD_POOL] = "pool",
	[TOWARD_ACCURACY] = "accuracy",
	[TOWARD_DIAGONAL] = "diagonal",
	[TOWARD_UNIFORM] = "uniform",
	NULL
};

struct Maximizer
{
	EmTeam	   *team;
	Variant		variant;
	uint32		classes;
	Size		cells;			/* classes * classes */
	double		strength;
	bool		fixed_prior;
	double	   *prior;			/* K: used when fixed */
	double	   *matrix;			/* K * K: buffer */
};

/* Sums over labels: how often each truth occurs in one matrix of counts. */
static void
sum_rows(const double *counts, double *row, uint32 classes)
{
	memset(row, 0, classes * sizeof(double));
	for (uint32 label = 0; label < classes; label++)
		for (uint32 k = 0; k < classes; k++)
			row[k] += counts[(Size) label * classes + k];
}

/*
 * Rates with pseudo-counts.  A row without any counts takes the target, which
 * is what the smallest smoothing would give.
 */
static void
smooth_rates(const double *counts, double strength, const double *target,
			 double *row, double *result, uint32 classes)
{
	sum_rows(counts, row, classes);
	for (uint32 label = 0; label < classes; label++)
		for (uint32 k = 0; k < classes; k++)
		{
			Size		c = (Size) label * classes + k;
			double		n = row[k] + strength;

			result[c] = n > 0 ? (counts[c] + strength * target[c]) / n : target[c];
		}
}

/* Replace the off-diagonal of each row by equal shares. */
static void
spread_errors(double *matrix, uint32 classes)
{
	for (uint32 k = 0; k < classes; k++)
	{
		double		right = matrix[(Size) k * classes + k];

		for (uint32 label = 0; label < classes; label++)
			if (label != k)
				matrix[(Size) label * classes + k] = (1 - right) / (classes - 1);
	}
}

/* Put all rows' right answers and errors together, as if of one class. */
static void
merge_rows(const double *counts, double *result, uint32 classes)
{
	double		right = 0;
	double		total = 0;

	for (uint32 label = 0; label < classes; label++)
		for (uint32 k = 0; k < classes; k++)
		{
			total += counts[(Size) label * classes + k];
			if (label == k)
				right += counts[(Size) label * classes + k];
		}
	for (uint32 label = 0; label < classes; label++)
		for (uint32 k = 0; k < classes; k++)
			result[(Size) label * classes + k] = label == k ? right :
				(total - right) / (classes - 1);
}

/*
 * Rates of one matrix under the variant's ties between cells.  "scratch" has
 * room for K + K * K doubles.
 */
static void
maximize_matrix(Variant variant, uint32 classes, const double *counts,
				double strength, const double *target, double *scratch,
				double *result)
{
	double	   *merged = scratch + classes;

	if (classes > 1 && (variant == VARIANT_ONE_COIN || variant == VARIANT_MAJORITY))
	{
		merge_rows(counts, merged, classes);
		counts = merged;
	}
	smooth_rates(counts, strength, target, scratch, result, classes);
	if (variant == VARIANT_CLASS && classes > 1)
		spread_errors(result, classes);
}

static bool
one_matrix_for_all(Variant variant)
{
	return variant == VARIANT_SHARED || variant == VARIANT_MAJORITY;
}

/* The M step of a block of annotators. */
void
em_block_maximize(EmTeam *team, uint32 block)
{
	EmBlock		b = em_block(team, block);
	Size		cells = (Size) team->classes * team->classes;

	for (Size j = b.first; j < b.last; j++)
	{
		Size		at = j * cells;

		maximize_matrix(team->work->variant, team->classes,
						team->tables[SLOT_COUNTS].confusion + at,
						team->work->strength,
						team->tables[SLOT_TARGET].confusion + at, team->scratch,
						team->tables[team->work->to].confusion + at);
	}
}

/* The counts of all annotators together. */
void
em_sum_annotators(const EmTeam *team, double *sum)
{
	const double *counts = team->tables[SLOT_COUNTS].confusion;
	Size		cells = (Size) team->classes * team->classes;

	memset(sum, 0, cells * sizeof(double));
	for (Size j = 0; j < team->annotators; j++)
	{
		CHECK_FOR_INTERRUPTS();
		for (Size c = 0; c < cells; c++)
			sum[c] += counts[j * cells + c];
	}
}

/* Rates of all annotators together; a class without counts: all labels equal. */
void
em_pool(const EmTeam *team, double *pool)
{
	uint32		classes = team->classes;
	double	   *row = palloc(classes * sizeof(double));

	em_sum_annotators(team, pool);
	sum_rows(pool, row, classes);
	for (Size c = 0; c < (Size) classes * classes; c++)
		pool[c] = row[c % classes] > 0 ? pool[c] / row[c % classes] : 1.0 / classes;
	pfree(row);
}

/* The same matrix for all annotators, in a table of the team. */
static void
set_all(const EmTeam *team, EmSlot slot, const double *matrix)
{
	Size		cells = (Size) team->classes * team->classes;

	for (Size j = 0; j < team->annotators; j++)
	{
		CHECK_FOR_INTERRUPTS();
		memcpy(team->tables[slot].confusion + j * cells, matrix, cells * sizeof(double));
	}
}

static double
diagonal_target(Size cell, uint32 classes)
{
	return (cell / classes == cell % classes ? 4.0 : 1.0) / (classes + 3);
}

/* The crowd's rates at the present counts, under a variant's ties. */
static void
pool_rates(const Maximizer *m, Variant variant, double *rates)
{
	double	   *sum = palloc(m->cells * sizeof(double));
	double	   *uniform = palloc(m->cells * sizeof(double));

	for (Size c = 0; c < m->cells; c++)
		uniform[c] = 1.0 / m->classes;
	em_sum_annotators(m->team, sum);
	maximize_matrix(variant, m->classes, sum, 0, uniform, m->team->scratch, rates);
	pfree(sum);
	pfree(uniform);
}

/*
 * Right answers are as frequent as "accuracy" says for each annotator, wrong
 * ones are spread as the pool's are in that row.
 */
static void
set_own_accuracy(const Maximizer *m, const double *pool, double strength)
{
	EmTeam	   *team = m->team;
	uint32		classes = m->classes;
	double	   *own = m->matrix;
	double	   *coin = palloc(m->cells * sizeof(double));

	pool_rates(m, VARIANT_ONE_COIN, coin);
	for (Size j = 0; j < team->annotators; j++)
	{
		double	   *target = team->tables[SLOT_TARGET].confusion + j * m->cells;

		CHECK_FOR_INTERRUPTS();
		maximize_matrix(VARIANT_ONE_COIN, classes,
						team->tables[SLOT_COUNTS].confusion + j * m->cells,
						strength, coin, team->scratch, own);
		for (Size c = 0; c < m->cells; c++)
		{
			uint32		k = c % classes;
			double		errors = 1 - pool[(Size) k * classes + k];

			if (c / classes == k || errors <= NO_ERRORS)
				target[c] = own[c];
			else
				target[c] = (1 - own[0]) * pool[c] / errors;
		}
	}
	pfree(coin);
}

/* What smoothing points to, at the present counts. */
static void
set_target(const Maximizer *m, SmoothingTarget toward)
{
	double	   *target = palloc(m->cells * sizeof(double));

	for (Size c = 0; c < m->cells; c++)
		target[c] = toward == TOWARD_DIAGONAL ?
			diagonal_target(c, m->classes) : 1.0 / m->classes;
	if (toward == TOWARD_POOL || toward == TOWARD_ACCURACY)
		pool_rates(m, m->variant, target);
	if (toward != TOWARD_ACCURACY)
		set_all(m->team, SLOT_TARGET, target);
	else
	{
		double	   *coin = palloc(m->cells * sizeof(double));

		/* how much to believe an annotator's own accuracy */
		pool_rates(m, VARIANT_ONE_COIN, coin);
		set_all(m->team, SLOT_TARGET, coin);
		set_own_accuracy(m, target, em_strength(m->team, VARIANT_ONE_COIN).strength);
		pfree(coin);
	}
	pfree(target);
}

static EmStrength
strength_toward(const Maximizer *m, SmoothingTarget toward)
{
	set_target(m, toward);
	return em_strength(m->team, m->variant);
}

/*
 * Estimates the strength of the smoothing at the present counts, and where it
 * should point if that is open.  Returns what it found, in words.
 */
const char *
maximizer_estimate(Maximizer *m, SmoothingTarget toward)
{
	EmStrength	found = strength_toward(m, toward);

	m->strength = found.strength;
	return psprintf("smoothing %.*f toward %s", found.strength < 10 ? 2 : 0,
					found.strength, smoothing_target_names[toward]);
}

/* Class shares (eq. 2.4); the counts may be those of some items only. */
static void
set_prior(const Maximizer *m, double *prior)
{
	const double *counts = m->team->tables[SLOT_COUNTS].prior;
	double		items = 0;

	for (uint32 k = 0; k < m->classes; k++)
		items += counts[k];
	for (uint32 k = 0; k < m->classes; k++)
		prior[k] = counts[k] / items;
}

/* The pool and a fixed prior are those of the counts in SLOT_COUNTS. */
Maximizer *
maximizer_create(EmTeam *team, const EmOptions *options)
{
	Maximizer  *m = palloc0(sizeof(Maximizer));

	m->team = team;
	m->variant = options->variant;
	m->classes = team->classes;
	m->cells = (Size) m->classes * m->classes;
	m->strength = options->smoothing;
	m->fixed_prior = options->fixed_prior || options->variant == VARIANT_MAJORITY ||
		team->view.prior != NULL;
	m->prior = palloc(m->classes * sizeof(double));
	m->matrix = palloc(m->cells * sizeof(double));
	set_prior(m, m->prior);
	for (uint32 k = 0; k < m->classes && options->variant == VARIANT_MAJORITY; k++)
		m->prior[k] = 1.0 / m->classes;
	if (team->view.prior != NULL)
		memcpy(m->prior, team->view.prior, m->classes * sizeof(double));
	set_target(m, options->toward);
	return m;
}

void
maximizer_free(Maximizer *m)
{
	pfree(m->prior);
	pfree(m->matrix);
	pfree(m);
}

/* The parameters that maximise the expected log-likelihood plus log-prior. */
void
maximizer_step(Maximizer *m, EmSlot to)
{
	EmTeam	   *team = m->team;
	double	   *sum;

	if (m->fixed_prior)
		memcpy(team->tables[to].prior, m->prior, m->classes * sizeof(double));
	else
		set_prior(m, team->tables[to].prior);
	if (!one_matrix_for_all(m->variant))
	{
		team->work->to = to;
		team->work->variant = m->variant;
		team->work->strength = m->strength;
		em_team_run(team, TASK_MAXIMIZE);
		return;
	}
	sum = palloc(m->cells * sizeof(double));
	em_sum_annotators(team, sum);
	maximize_matrix(m->variant, m->classes, sum, m->strength,
					team->tables[SLOT_TARGET].confusion, team->scratch, m->matrix);
	set_all(team, to, m->matrix);
	pfree(sum);
}

/* Log-prior of one matrix, per pseudo-count, of which "rows" rows are free. */
static double
matrix_log_prior(const double *target, const double *p, uint32 classes, uint32 rows)
{
	double		sum = 0;

	for (uint32 label = 0; label < classes; label++)
		for (uint32 k = 0; k < rows; k++)
		{
			Size		c = (Size) label * classes + k;

			if (target[c] > 0 && p[c] > 0)
				sum += target[c] * log(p[c]);
		}
	return sum;
}

/* Where one accuracy stands for all rows, one row counts. */
static uint32
free_rows(Variant variant, uint32 classes)
{
	return variant == VARIANT_ONE_COIN || variant == VARIANT_MAJORITY ? 1 : classes;
}

double
em_block_log_prior(EmTeam *team, uint32 block)
{
	EmBlock		b = em_block(team, block);
	Size		cells = (Size) team->classes * team->classes;
	double		sum = 0;

	for (Size j = b.first; j < b.last; j++)
	{
		sum += matrix_log_prior(team->tables[SLOT_TARGET].confusion + j * cells,
								team->tables[team->work->from].confusion + j * cells,
								team->classes,
								free_rows(team->work->variant, team->classes));
	}
	return sum;
}

/*
 * Logarithm of the prior density at the parameters, up to a constant; 0
 * without smoothing.
 */
double
maximizer_log_prior(Maximizer *m, EmSlot at)
{
	EmTeam	   *team = m->team;

	if (m->strength == 0)
		return 0;
	if (one_matrix_for_all(m->variant))
		return m->strength *
			matrix_log_prior(team->tables[SLOT_TARGET].confusion,
							 team->tables[at].confusion, m->classes,
							 free_rows(m->variant, m->classes));
	team->work->from = at;
	team->work->variant = m->variant;
	em_team_run(team, TASK_LOG_PRIOR);
	return m->strength * em_team_sum(team, TASK_LOG_PRIOR, 0);
}
