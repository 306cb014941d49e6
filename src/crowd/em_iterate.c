/*
 * em_iterate.c
 *		The loop: EM from vote shares to convergence, accelerated.
 *
 * The objective is log-likelihood plus log-prior of the smoothing.  EM never
 * lowers it but may need thousands of passes, so its steps are extrapolated by
 * SQUAREM (Varadhan & Roland, Scandinavian Journal of Statistics 35, 2008):
 *
 *	x0 --EM--> x1 --EM--> x2,  r = x1 - x0,  v = (x2 - x1) - r,
 *	x' = x0 + 2 a r + a^2 v,  a = -(r, v) / (v, v)  (their steplength S2, eq. 6)
 *
 * The x are logarithms of the probabilities, so that x' is positive, and the
 * inner products weigh each cell by its expected count (the information about
 * it), so that cells nobody has seen do not set the step.  x' is normalised
 * and kept within STEP_CAP of x2; what has become 0 on the way may come back.
 * It is taken if its objective is not below
 * that of x1, which costs the pass that would be next anyway; otherwise x2,
 * which EM guarantees, is.  So the objective never decreases.
 *
 * Memory: the team's tables; nothing is allocated in the loop but what a step
 * frees.  Interrupts: in the team's tasks.
 */
#include "crowd/em_answer.h"

#include <float.h>
#include <math.h>

#include "utils/timestamp.h"

#define STEP_CAP 10.0			/* how far, in log units, from x2 */
#define FIRST_MAX_STEP 4.0		/* of a; grows while steps succeed */
#define LOG_FLOOR 1e-30			/* smaller probabilities count as this */

typedef struct Loop
{
	EmTeam	   *team;
	const EmOptions *options;
	Maximizer  *maximizer;
	EmSlot		x0;				/* its counts are in SLOT_COUNTS between cycles */
	EmSlot		x1;
	EmSlot		x2;
	double		objective;		/* at x0 */
	double		log_likelihood; /* of the last pass */
	double		max_step;
	int			iterations;
	double		last_change;	/* for progress messages */
	TimestampTz cycle_start;
} Loop;

/* A pass; returns the objective. */
static double
evaluate(Loop *loop, EmSlot at)
{
	loop->iterations++;
	loop->log_likelihood = em_expectation(loop->team, at);
	return loop->log_likelihood + maximizer_log_prior(loop->maximizer, at);
}

static bool
passes_left(const Loop *loop, int n)
{
	return loop->iterations + n <= loop->options->max_iterations;
}

/* log(a / b), where tiny values count as LOG_FLOOR */
static inline double
floored_log_ratio(double a, double b)
{
	return log(Max(a, LOG_FLOOR) / Max(b, LOG_FLOOR));
}

/*
 * Differences of logarithms for a block: r takes the place of x0 and v that of
 * x1, which are not needed any more.  Leaves the sums (r, v) and (v, v).
 */
EmPartial
em_block_steplength(EmTeam *team, uint32 block)
{
	EmBlock		b = em_block(team, block);
	const double *w = team->tables[SLOT_COUNTS].prior;	/* of x1 */
	double	   *x0 = team->tables[team->work->x0].prior;
	double	   *x1 = team->tables[team->work->x1].prior;
	const double *x2 = team->tables[team->work->x2].prior;
	EmPartial	partial = {{0, 0}};

	for (Size i = b.first_cell; i < b.last_cell; i++)
	{
		double		r = floored_log_ratio(x1[i], x0[i]);
		double		v = floored_log_ratio(x2[i], x1[i]) - r;

		NL_CHECK_INTERRUPTS(i);
		x0[i] = r;
		x1[i] = v;
		partial.sum[0] += w[i] * r * v;
		partial.sum[1] += w[i] * v * v;
	}
	return partial;
}

static void
set_points(Loop *loop)
{
	loop->team->work->x0 = loop->x0;
	loop->team->work->x1 = loop->x1;
	loop->team->work->x2 = loop->x2;
}

/* The steplength a. */
static double
steplength(Loop *loop)
{
	double		rv;
	double		vv;

	set_points(loop);
	em_team_run(loop->team, TASK_STEPLENGTH);
	rv = em_team_sum(loop->team, TASK_STEPLENGTH, 0);
	vv = em_team_sum(loop->team, TASK_STEPLENGTH, 1);
	if (vv <= 0)
		return 1;
	return -rv / vv < 0 ? loop->max_step : -rv / vv;
}

/* Scale to sum 1 n values that stand apart by "stride". */
static void
normalize(double *values, Size n, Size stride)
{
	double		sum = 0;

	for (Size i = 0; i < n; i++)
		sum += values[i * stride];
	for (Size i = 0; i < n; i++)
		values[i * stride] /= sum;
}

/* The same for the rates of a unit; each wrong answer has its rate. */
static void
normalize_unit(const EmTeam *team, double *unit)
{
	Size		classes = team->classes;
	Size		n = team->unit_cells / 2;

	if (unit_is_matrix(em_layout(&team->view).unit))
	{
		for (Size k = 0; k < classes; k++)
			normalize(unit + k, classes, classes);
		return;
	}
	for (Size k = 0; k < n; k++)
	{
		double		sum = unit[k] + (classes - 1) * unit[n + k];

		unit[k] /= sum;
		unit[n + k] = classes == 1 ? 0 : unit[n + k] / sum;
	}
}

/*
 * The extrapolated point of a block, in the place of x0:
 * log x' = log x2 + 2 (a - 1) r + (a^2 - 1) v.
 */
void
em_block_extrapolate(EmTeam *team, uint32 block)
{
	EmBlock		b = em_block(team, block);
	EmTables   *result = &team->tables[team->work->x0];
	double	   *x0 = result->prior;
	const double *x1 = team->tables[team->work->x1].prior;
	const double *x2 = team->tables[team->work->x2].prior;
	double		on_r = 2 * (team->work->step - 1);
	double		on_v = team->work->step * team->work->step - 1;

	for (Size i = b.first_cell; i < b.last_cell; i++)
	{
		double		leap = on_r * x0[i] + on_v * x1[i];

		NL_CHECK_INTERRUPTS(i);
		x0[i] = Max(x2[i], LOG_FLOOR) * exp(Max(Min(leap, STEP_CAP), -STEP_CAP));
	}
	if (block == 0 && team->view.abstains != 0)
		result->prior[team->view.abstains - 1] = 0;	/* no class, however small */
	if (block == 0)
		normalize(result->prior, team->classes, 1);
	for (Size j = b.first; j < b.last; j++)
		normalize_unit(team, result->confusion + j * team->unit_cells);
}

/* x0 becomes the extrapolated point. */
static void
extrapolate(Loop *loop, double a)
{
	loop->team->work->step = a;
	em_team_run(loop->team, TASK_EXTRAPOLATE);
}

static void
swap(EmSlot *a, EmSlot *b)
{
	EmSlot		t = *a;

	*a = *b;
	*b = t;
}

/*
 * One cycle: two EM steps and an attempt to leap.  Leaves x0, its counts and
 * its objective.
 */
static void
cycle(Loop *loop)
{
	double		at_x1;
	double		a;

	maximizer_step(loop->maximizer, loop->x1);
	at_x1 = evaluate(loop, loop->x1);
	if (loop->options->acceleration == ACCELERATE_NONE || !passes_left(loop, 1))
	{
		swap(&loop->x0, &loop->x1);
		loop->objective = at_x1;
		return;
	}

	maximizer_step(loop->maximizer, loop->x2);
	a = Min(steplength(loop), loop->max_step);
	if (a > 1 && passes_left(loop, 2))	/* the leap, and x2 if it fails */
	{
		double		at_leap;

		extrapolate(loop, a);
		at_leap = evaluate(loop, loop->x0);
		if (at_leap >= at_x1)
		{
			loop->objective = at_leap;
			if (a == loop->max_step)
				loop->max_step *= 4;
			return;
		}
		loop->max_step = Max(a == loop->max_step ? a / 4 : a / 2, FIRST_MAX_STEP);
	}
	swap(&loop->x0, &loop->x2);
	loop->objective = evaluate(loop, loop->x0);
}

/*
 * A message for who waits: how far, and how long it may yet take, if the
 * change of the objective goes on shrinking as in this cycle.
 */
static void
report_progress(Loop *loop, double last)
{
	double		change = (loop->objective - last) / Max(fabs(loop->objective), DBL_MIN);
	double		cycles = loop->options->max_iterations - loop->iterations;
	TimestampTz now = GetCurrentTimestamp();
	double		seconds = (now - loop->cycle_start) / 1e6;

	if (change > 0 && change < loop->last_change)
		cycles = Min(cycles, log(Max(loop->options->tolerance, 1e-16) / change) /
					 log(change / loop->last_change));
	ereport(NOTICE,
			(errmsg("%s: iteration %d, objective %.6f, relative change %.2e, at most about %.1f s left",
					variant_names[loop->options->variant], loop->iterations,
					loop->objective, change, Max(cycles, 0) * seconds)));
	loop->last_change = change;
	loop->cycle_start = now;
}

static Loop
begin_loop(EmTeam *team, const EmOptions *options)
{
	Loop		loop = {.team = team,.options = options};

	loop.x0 = SLOT_X0;
	loop.x1 = SLOT_X1;
	loop.x2 = SLOT_X2;
	loop.max_step = FIRST_MAX_STEP;
	loop.cycle_start = GetCurrentTimestamp();
	return loop;
}

/* The result, in memory of its own. */
static EmFit *
end_loop(Loop *loop, bool converged)
{
	EmTeam	   *team = loop->team;
	EmFit	   *fit = palloc(sizeof(EmFit));

	fit->parameters = em_tables_create(&team->view);
	em_tables_copy(team, &fit->parameters, &team->tables[loop->x0]);
	fit->counts = em_tables_create(&team->view);
	em_tables_copy(team, &fit->counts, &team->tables[SLOT_COUNTS]);
	fit->pool = NULL;
	if (!variant_has_coins(team->view.variant))
	{
		fit->pool = palloc((Size) team->classes * team->classes * sizeof(double));
		em_pool(team, fit->pool);
	}
	fit->log_likelihood = loop->log_likelihood;
	fit->objective = loop->objective;
	fit->iterations = loop->iterations;
	fit->converged = converged;
	fit->stopped_by = converged ? "tolerance" : "max_iterations";
	maximizer_free(loop->maximizer);
	fit->rivals = NULL;
	fit->detail = NULL;
	fit->report = NULL;
	return fit;
}

void
em_fit_free(EmFit *fit)
{
	em_tables_free(&fit->parameters);
	em_tables_free(&fit->counts);
	if (fit->pool != NULL)
		pfree(fit->pool);
	pfree(fit);
}

static void
set_counts(EmTeam *team, const EmCounts *counts)
{
	em_tables_copy(team, &team->tables[SLOT_COUNTS], counts);
}

/* Goes on from x0, whose counts there are, to convergence. */
static EmFit *
run_loop(Loop *loop)
{
	bool		converged = false;

	while (passes_left(loop, 1) && !converged)
	{
		double		last = loop->objective;

		cycle(loop);
		converged = loop->objective - last <=
			loop->options->tolerance * fabs(loop->objective);
		if (nl_progress)
			report_progress(loop, last);
	}
	return end_loop(loop, converged);
}

/*
 * Begins at the counts "start", or at vote shares if that is NULL.  The
 * smoothing points to the crowd of the vote shares either way, so that the
 * objective does not depend on the start.  The view must have items; the
 * result lives in the current context.
 */
EmFit *
em_fit(EmTeam *team, const EmOptions *options, const EmCounts *start)
{
	Loop		loop = begin_loop(team, options);

	em_vote_shares(team);
	loop.maximizer = maximizer_create(team, options);
	if (start != NULL)
		set_counts(team, start);
	maximizer_step(loop.maximizer, loop.x0);
	loop.objective = evaluate(&loop, loop.x0);
	return run_loop(&loop);
}

/*
 * Goes on from where "from" has arrived with a smoothing that is estimated
 * there, so that another objective is maximised.  Frees "from", or returns it
 * if no passes are left; however near it came, it is not what was asked for.
 */
EmFit *
em_refit(EmTeam *team, const EmOptions *options, EmFit *from)
{
	Loop		loop = begin_loop(team, options);
	const char *detail;
	EmFit	   *fit;

	if (from->iterations >= options->max_iterations)
	{
		from->converged = false;
		return from;
	}
	set_counts(team, &from->counts);
	loop.maximizer = maximizer_create(team, options);
	detail = maximizer_estimate(loop.maximizer, options->toward);
	maximizer_step(loop.maximizer, loop.x0);
	loop.iterations = from->iterations;
	em_fit_free(from);
	loop.objective = evaluate(&loop, loop.x0);
	fit = run_loop(&loop);
	fit->detail = detail;
	return fit;
}

/*
 * One step of another variant from where "from" has arrived, and no more: the
 * M step of "options" at its counts, and the pass that belongs to it.  What
 * smoothing points to and, if fixed, the class prior come from the counts
 * "start", but a prior that "from" has is kept.  Frees the tables of "from".
 */
EmFit *
em_one_step(EmTeam *team, const EmOptions *options, const EmCounts *start,
			EmFit *from)
{
	Loop		loop = begin_loop(team, options);

	set_counts(team, start);
	loop.maximizer = maximizer_create(team, options);
	set_counts(team, &from->counts);
	maximizer_step(loop.maximizer, loop.x0);
	if (options->fixed_prior && from->parameters.prior != NULL)
		memcpy(team->tables[loop.x0].prior, from->parameters.prior,
			   team->classes * sizeof(double));
	if (from->parameters.prior != NULL)
		em_tables_free(&from->parameters);
	em_tables_free(&from->counts);
	loop.iterations = from->iterations;
	loop.objective = evaluate(&loop, loop.x0);
	return end_loop(&loop, from->converged);
}
