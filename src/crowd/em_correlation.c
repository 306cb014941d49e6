/*
 * em_correlation.c
 *		How much several answers to one item are worth together, by gold.
 *
 * Items that are hard are hard for everybody, so errors on one item are
 * correlated, and the normalised posterior of n voices is surer than it should be.
 * What is reported is its power design_exponent(n, r).  Gold tells r: of the
 * values 0, .05, ..., 1 the one with the largest
 *
 *	log-likelihood of gold labels that were hidden + log density of Beta(1.5, 2.5)
 *
 * over items of two voices or more.  An item is hidden with a fifth of the
 * others, by a hash of its place among the items; the rule is fitted to the rest
 * and all answers, five times.  Gold that may be wrong (gold_weight) is wrong with that
 * probability here, too.
 *
 * Memory: a copy of the view's gold, one fit and its team at a time.
 * Interrupts: in the fits, and for each gold item.
 */
#include "crowd/em.h"

#include <float.h>
#include <math.h>

#include "common/hashfn.h"
#include "crowd/em_correlation.h"

#define FOLDS 5
#define FOLD_SEED 20
#define STEPS 20				/* of the grid from 0 to 1 */
#define MIN_GOLD_ITEMS 50
#define PRIOR_A 1.5
#define PRIOR_B 2.5

typedef struct Grid
{
	const AnnotationView *view; /* with all of its gold */
	double	   *p;				/* K: buffer */
	double		log_likelihood[STEPS + 1];
} Grid;

static inline double
grid_value(int step)
{
	return (double) step / STEPS;
}

static inline uint32
fold_of(uint32 item)
{
	return hash_bytes_uint32_extended(item, FOLD_SEED) % FOLDS;
}

static bool
is_judged(const AnnotationView *view, uint32 item)
{
	return annotation_gold(view, item) != NO_GOLD && em_item_voices(view, item) >= 2;
}

static uint32
count_judged(const AnnotationView *view)
{
	uint32		n = 0;

	for (uint32 i = 0; i < view->items && view->gold != NULL; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		n += is_judged(view, i);
	}
	return n;
}

/*
 * Log weights become probabilities of their power, which a prior that is known does
 * not have.
 */
void
em_temper(const AnnotationView *view, const double *weights, double power, double *p)
{
	double		max = -DBL_MAX;
	double		sum = 0;

	for (uint32 k = 0; k < view->labels.n; k++)
	{
		double		prior = view->prior != NULL && view->prior[k] > 0 ? log(view->prior[k]) : 0;

		p[k] = (weights[k] - prior) * power + prior;
		max = Max(max, p[k]);
	}
	for (uint32 k = 0; k < view->labels.n; k++)
	{
		p[k] = exp(p[k] - max);
		sum += p[k];
	}
	for (uint32 k = 0; k < view->labels.n; k++)
		p[k] /= sum;
}

/* What one hidden gold label says about each value. */
static void
judge(Grid *grid, const double *weights, uint32 voices, uint32 gold)
{
	uint32		classes = annotation_classes(grid->view);
	double		right = grid->view->gold_weight;

	for (int step = 0; step <= STEPS; step++)
	{
		double		p;

		em_temper(grid->view, weights, design_exponent(voices, grid_value(step)), grid->p);
		p = grid->p[gold];
		p = right * p + (1 - right) * (1 - p) / (classes - 1);
		grid->log_likelihood[step] += log(Max(p, DBL_MIN));
	}
}

/* The gold of the other folds, in "gold"; false if this one has nothing to judge. */
static bool
hide_fold(const AnnotationView *view, uint32 fold, uint16 *gold)
{
	bool		any = false;

	for (uint32 i = 0; i < view->items; i++)
	{
		bool		hidden = fold_of(i) == fold;

		NL_CHECK_INTERRUPTS(i);
		gold[i] = hidden ? NO_GOLD : view->gold[i];
		any = any || (hidden && is_judged(view, i));
	}
	return any;
}

static void
judge_fold(Grid *grid, uint32 fold, const EmFit *fit)
{
	EmPosteriors *posteriors = em_begin_posteriors(grid->view, &fit->parameters);

	for (uint32 i = 0; i < grid->view->items; i++)
	{
		const double *weights;
		uint32		voices;

		NL_CHECK_INTERRUPTS(i);
		if (fold_of(i) != fold || !is_judged(grid->view, i))
			continue;
		voices = em_log_weights(posteriors, i, NULL, &weights);
		judge(grid, weights, voices, grid->view->gold[i]);
	}
	em_end_posteriors(posteriors);
}

/* Fit without the gold of a fold, and see what is said of it. */
static void
run_fold(Grid *grid, uint32 fold, int max_passes, Size beside)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "dawid_skene fold",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	AnnotationView view = *grid->view;
	uint16	   *gold = nl_alloc(context, view.items * sizeof(uint16));

	if (hide_fold(grid->view, fold, gold))
	{
		EmTeam	   *team;
		EmFit	   *fit;

		view.gold = gold;
		team = em_team_create(&view, beside, em_run_unit);
		fit = em_rule(team, max_passes, NULL);
		em_team_end(team);
		judge_fold(grid, fold, fit);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* The smallest of the best; at 0 and 1 the density is 0. */
static double
best_value(const Grid *grid)
{
	double		best = -DBL_MAX;
	double		value = ASSUMED_CORRELATION;

	for (int step = 1; step < STEPS; step++)
	{
		double		r = grid_value(step);
		double		objective = grid->log_likelihood[step] +
			(PRIOR_A - 1) * log(r) + (PRIOR_B - 1) * log(1 - r);

		if (objective > best)
		{
			best = objective;
			value = r;
		}
	}
	return value;
}

Size
em_correlation_memory(const AnnotationView *view)
{
	return view->gold == NULL ? 0 : mul_size(view->items, sizeof(uint16));
}

/* The view has its voices. */
EmCorrelation
em_correlation(const AnnotationView *view, int max_passes, Size beside)
{
	Grid		grid = {.view = view};
	uint32		n = count_judged(view);

	if (n < MIN_GOLD_ITEMS || annotation_classes(view) < 2)
		return (EmCorrelation) {assumed_correlation(em_count_telling(view)), 0};
	grid.p = palloc(view->labels.n * sizeof(double));
	for (uint32 fold = 0; fold < FOLDS; fold++)
		run_fold(&grid, fold, max_passes, beside);
	return (EmCorrelation) {best_value(&grid), n};
}
