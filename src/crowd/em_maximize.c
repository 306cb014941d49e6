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
 * Tables have what the variant needs: a unit for each annotator or one for all,
 * of cells or of right and wrong answers (em_answer.h).  Blocks of units are
 * the team's work (em_team.c).
 */
#include "crowd/em_answer.h"

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
	Size		unit_cells;
	double		strength;
	bool		fixed_prior;
	double	   *prior;			/* K: used when fixed */
	double	   *matrix;			/* K * K: buffer, where there are matrices */
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
 * Rates of one matrix; variant one_coin ties them all.  "scratch" has room for
 * K + K * K doubles.
 */
static void
maximize_matrix(Variant variant, uint32 classes, const double *counts,
				double strength, const double *target, double *scratch,
				double *result)
{
	double	   *merged = scratch + classes;

	if (classes > 1 && variant == VARIANT_ONE_COIN)
	{
		merge_rows(counts, merged, classes);
		counts = merged;
	}
	smooth_rates(counts, strength, target, scratch, result, classes);
}

/* Right and wrong answers; without any counts the target, as for matrices. */
static void
maximize_coin(uint32 classes, const double *counts, double strength,
			  const double *target, double *result)
{
	double		n = counts[0] + counts[1] + strength;

	result[0] = n > 0 ? (counts[0] + strength * target[0]) / n : target[0];
	result[1] = classes == 1 ? 0 :
		n > 0 ? (counts[1] / (classes - 1) + strength * target[1]) / n : target[1];
}

/* The same for each class, errors being what is not right. */
static void
maximize_classes(uint32 classes, const double *counts, double strength,
				 const double *target, double *result)
{
	for (uint32 k = 0; k < classes; k++)
	{
		double		n = counts[k] + counts[classes + k] + strength;

		result[k] = n > 0 ? (counts[k] + strength * target[k]) / n : target[k];
		result[classes + k] = classes == 1 ? 0 : (1 - result[k]) / (classes - 1);
	}
}

/* The M step of one unit. */
static void
maximize_unit(const EmTeam *team, const double *counts, double strength,
			  const double *target, double *result)
{
	switch (em_layout(&team->view).unit)
	{
		case UNIT_MATRIX:
		case UNIT_COMMON:
			maximize_matrix(VARIANT_FULL, team->classes, counts, strength, target,
							team->scratch, result);
			break;
		case UNIT_CLASSES:
			maximize_classes(team->classes, counts, strength, target, result);
			break;
		case UNIT_COIN:
			maximize_coin(team->classes, counts, strength, target, result);
			break;
	}
}

/* The M step of a block. */
void
em_block_maximize(EmTeam *team, uint32 block)
{
	EmBlock		b = em_block(team, block);

	for (Size j = b.first; j < b.last; j++)
	{
		Size		at = j * team->unit_cells;

		NL_CHECK_INTERRUPTS(at);
		maximize_unit(team, team->tables[SLOT_COUNTS].confusion + at, team->work->strength,
					  team->tables[SLOT_TARGET].confusion + at,
					  team->tables[team->work->to].confusion + at);
	}
}

/* The counts of all annotators together, as a unit. */
void
em_sum_units(const EmTeam *team, double *sum)
{
	const double *counts = team->tables[SLOT_COUNTS].confusion;
	Size		cells = team->unit_cells;

	memset(sum, 0, cells * sizeof(double));
	for (Size j = 0; j < team->units; j++)
	{
		CHECK_FOR_INTERRUPTS();
		for (Size c = 0; c < cells; c++)
			sum[c] += counts[j * cells + c];
	}
}

/* From counts of all annotators to rates; a class without counts: all labels equal. */
void
em_pool_rates(double *pool, uint32 classes)
{
	double	   *row = palloc(classes * sizeof(double));

	sum_rows(pool, row, classes);
	for (Size c = 0; c < (Size) classes * classes; c++)
		pool[c] = row[c % classes] > 0 ? pool[c] / row[c % classes] : 1.0 / classes;
	pfree(row);
}

/* Rates of all annotators together, where tables have matrices. */
void
em_pool(const EmTeam *team, double *pool)
{
	em_sum_units(team, pool);
	em_pool_rates(pool, team->classes);
}

/* The same unit for all annotators, in a table of the team. */
static void
set_all(const EmTeam *team, EmSlot slot, const double *unit)
{
	Size		cells = team->unit_cells;

	for (Size j = 0; j < team->units; j++)
	{
		CHECK_FOR_INTERRUPTS();
		memcpy(team->tables[slot].confusion + j * cells, unit, cells * sizeof(double));
	}
}

/* One rate of right answers and one for each wrong one, as a unit. */
static void
fill_unit(const Maximizer *m, double right, double wrong, double *unit)
{
	EmUnit		kind = em_layout(&m->team->view).unit;

	for (Size c = 0; c < m->unit_cells; c++)
		if (unit_is_matrix(kind))
			unit[c] = c / m->classes == c % m->classes ? right : wrong;
		else
			unit[c] = c < m->unit_cells / 2 ? right : wrong;
}

/* The crowd's rates at the present counts, as a unit. */
static void
pool_rates(const Maximizer *m, double *rates)
{
	double	   *sum = palloc(m->unit_cells * sizeof(double));
	double	   *uniform = palloc(m->unit_cells * sizeof(double));

	fill_unit(m, 1.0 / m->classes, 1.0 / m->classes, uniform);
	em_sum_units(m->team, sum);
	maximize_unit(m->team, sum, 0, uniform, rates);
	pfree(sum);
	pfree(uniform);
}

/* As if all had one accuracy, in matrices. */
static void
pool_coin(const Maximizer *m, double *rates)
{
	double	   *sum = palloc(m->cells * sizeof(double));
	double	   *uniform = palloc(m->cells * sizeof(double));

	fill_unit(m, 1.0 / m->classes, 1.0 / m->classes, uniform);
	em_sum_units(m->team, sum);
	maximize_matrix(VARIANT_ONE_COIN, m->classes, sum, 0, uniform, m->team->scratch, rates);
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

	pool_coin(m, coin);
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
	double	   *target = palloc(m->unit_cells * sizeof(double));

	if (toward == TOWARD_DIAGONAL)
		fill_unit(m, 4.0 / (m->classes + 3), 1.0 / (m->classes + 3), target);
	else if (toward == TOWARD_UNIFORM)
		fill_unit(m, 1.0 / m->classes, 1.0 / m->classes, target);
	else
		pool_rates(m, target);
	if (toward != TOWARD_ACCURACY)
		set_all(m->team, SLOT_TARGET, target);
	else
	{
		double	   *coin = palloc(m->cells * sizeof(double));

		/* how much to believe an annotator's own accuracy; variant full only */
		pool_coin(m, coin);
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
	m->unit_cells = team->unit_cells;
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

	if (m->fixed_prior)
		memcpy(team->tables[to].prior, m->prior, m->classes * sizeof(double));
	else
		set_prior(m, team->tables[to].prior);
	team->work->to = to;
	team->work->strength = m->strength;
	em_team_run(team, TASK_MAXIMIZE);
}

/* Log-prior of n cells, per pseudo-count. */
static double
cells_log_prior(const double *target, const double *p, Size n)
{
	double		sum = 0;

	for (Size c = 0; c < n; c++)
		if (target[c] > 0 && p[c] > 0)
			sum += target[c] * log(p[c]);
	return sum;
}

/* Of a unit: each wrong answer to a class is a cell. */
static double
unit_log_prior(const EmTeam *team, const double *target, const double *p)
{
	Size		n = team->unit_cells;

	if (unit_is_matrix(em_layout(&team->view).unit))
		return cells_log_prior(target, p, n);
	return cells_log_prior(target, p, n / 2) +
		(team->classes - 1) * cells_log_prior(target + n / 2, p + n / 2, n / 2);
}

double
em_block_log_prior(EmTeam *team, uint32 block)
{
	EmBlock		b = em_block(team, block);
	double		sum = 0;

	for (Size j = b.first; j < b.last; j++)
	{
		Size		at = j * team->unit_cells;

		NL_CHECK_INTERRUPTS(at);
		sum += unit_log_prior(team, team->tables[SLOT_TARGET].confusion + at,
							  team->tables[team->work->from].confusion + at);
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
	team->work->from = at;
	em_team_run(team, TASK_LOG_PRIOR);
	return m->strength * em_team_sum(team, TASK_LOG_PRIOR, 0);
}
