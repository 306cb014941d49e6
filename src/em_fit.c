/*
 * em_fit.c
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
 * and kept within STEP_CAP of x2.  It is taken if its objective is not below
 * that of x1, which costs the pass that would be next anyway; otherwise x2,
 * which EM guarantees, is.  So the objective never decreases.
 *
 * Memory: three tables of parameters and one of counts, J * K * K doubles
 * each, in the current context; nothing is allocated in the loop but what a
 * step frees.  Interrupts: in the passes, and for each annotator in the rest.
 */
#include "em.h"

#include <float.h>
#include <math.h>

#include "utils/timestamp.h"

#define STEP_CAP 10.0			/* how far, in log units, from x2 */
#define FIRST_MAX_STEP 4.0		/* of a; grows while steps succeed */
#define LOG_FLOOR 1e-100		/* smaller probabilities count as this */

typedef struct Loop
{
	const AnnotationView *view;
	const EmOptions *options;
	Maximizer  *maximizer;
	Size		n;				/* parameters: K + J * K * K */
	EmParameters x0;
	EmParameters x1;
	EmParameters x2;
	EmCounts	counts;			/* at x0, between cycles */
	double		objective;		/* at x0 */
	double		log_likelihood; /* of the last pass */
	double		max_step;
	int			iterations;
	double		last_change;	/* for progress messages */
	TimestampTz cycle_start;
} Loop;

static Size
n_parameters(const AnnotationView *view)
{
	return add_size(view->labels.n, em_table_cells(view));
}

/* Bytes of a fit. */
Size
em_memory(const AnnotationView *view)
{
	return mul_size(4, mul_size(n_parameters(view), sizeof(double)));
}

EmTables
em_tables_create(const AnnotationView *view)
{
	double	   *values = nl_alloc(CurrentMemoryContext,
								  mul_size(n_parameters(view), sizeof(double)));

	return (EmTables) {values, values + view->labels.n};
}

void
em_tables_free(EmTables *tables)
{
	pfree(tables->prior);
}

/* A pass; returns the objective. */
static double
evaluate(Loop *loop, const EmParameters *at)
{
	loop->iterations++;
	loop->log_likelihood = em_expectation(loop->view, at, &loop->counts);
	return loop->log_likelihood + maximizer_log_prior(loop->maximizer, at);
}

static bool
passes_left(const Loop *loop, int n)
{
	return loop->iterations + n <= loop->options->max_iterations;
}

static inline double
floored_log(double p)
{
	return log(Max(p, LOG_FLOOR));
}

/* The steplength a; the counts are those of x1. */
static double
steplength(const Loop *loop)
{
	const double *w = loop->counts.prior;
	double		rv = 0;
	double		vv = 0;

	for (Size i = 0; i < loop->n; i++)
	{
		double		x1;
		double		r;
		double		v;

		if (i % 4096 == 0)
			CHECK_FOR_INTERRUPTS();
		if (w[i] <= 0)
			continue;
		x1 = floored_log(loop->x1.prior[i]);
		r = x1 - floored_log(loop->x0.prior[i]);
		v = floored_log(loop->x2.prior[i]) - x1 - r;
		rv += w[i] * r * v;
		vv += w[i] * v * v;
	}
	if (vv <= 0)
		return 1;
	return -rv / vv < 0 ? loop->max_step : -rv / vv;
}

/* Scale each row (truth) of one matrix to sum 1. */
static void
normalize_matrix(double *matrix, uint32 classes)
{
	for (uint32 k = 0; k < classes; k++)
	{
		double		sum = 0;

		for (uint32 label = 0; label < classes; label++)
			sum += matrix[(Size) label * classes + k];
		for (uint32 label = 0; label < classes; label++)
			matrix[(Size) label * classes + k] /= sum;
	}
}

/* x0 becomes the extrapolated point. */
static void
extrapolate(Loop *loop, double a)
{
	uint32		classes = loop->view->labels.n;
	double		sum = 0;

	for (Size i = 0; i < loop->n; i++)
	{
		double		x0 = floored_log(loop->x0.prior[i]);
		double		x1 = floored_log(loop->x1.prior[i]);
		double		x2 = floored_log(loop->x2.prior[i]);
		double		r = x1 - x0;
		double		x = x0 + 2 * a * r + a * a * (x2 - x1 - r);

		if (i % 4096 == 0)
			CHECK_FOR_INTERRUPTS();
		/* what EM has made impossible stays so */
		if (loop->x2.prior[i] <= 0)
			loop->x0.prior[i] = 0;
		else
			loop->x0.prior[i] = exp(Max(Min(x, x2 + STEP_CAP), x2 - STEP_CAP));
	}
	for (uint32 k = 0; k < classes; k++)
		sum += loop->x0.prior[k];
	for (uint32 k = 0; k < classes; k++)
		loop->x0.prior[k] /= sum;
	for (Size j = 0; j < loop->view->annotators.n; j++)
		normalize_matrix(loop->x0.confusion + em_cell(classes, j, 0, 0), classes);
}

static void
swap(EmTables *a, EmTables *b)
{
	EmTables	t = *a;

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

	maximizer_step(loop->maximizer, &loop->counts, &loop->x1);
	at_x1 = evaluate(loop, &loop->x1);
	if (loop->options->acceleration == ACCELERATE_NONE || !passes_left(loop, 1))
	{
		swap(&loop->x0, &loop->x1);
		loop->objective = at_x1;
		return;
	}

	maximizer_step(loop->maximizer, &loop->counts, &loop->x2);
	a = Min(steplength(loop), loop->max_step);
	if (a > 1 && passes_left(loop, 2))	/* the leap, and x2 if it fails */
	{
		double		at_leap;

		extrapolate(loop, a);
		at_leap = evaluate(loop, &loop->x0);
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
	loop->objective = evaluate(loop, &loop->x0);
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
begin_loop(const AnnotationView *view, const EmOptions *options)
{
	Loop		loop = {.view = view,.options = options};

	loop.n = n_parameters(view);
	loop.x0 = em_tables_create(view);
	loop.x1 = em_tables_create(view);
	loop.x2 = em_tables_create(view);
	loop.counts = em_tables_create(view);
	loop.max_step = FIRST_MAX_STEP;
	loop.cycle_start = GetCurrentTimestamp();
	return loop;
}

static EmFit *
make_fit(const Loop *loop, bool converged)
{
	EmFit	   *fit = palloc(sizeof(EmFit));
	uint32		classes = loop->view->labels.n;

	fit->parameters = loop->x0;
	fit->counts = loop->counts;
	fit->pool = palloc((Size) classes * classes * sizeof(double));
	em_pool(loop->view, &loop->counts, fit->pool);
	fit->log_likelihood = loop->log_likelihood;
	fit->objective = loop->objective;
	fit->iterations = loop->iterations;
	fit->converged = converged;
	fit->rivals = NULL;
	return fit;
}

/*
 * Begins at the counts "start", or at vote shares if that is NULL.  The
 * smoothing points to the crowd of the vote shares either way, so that the
 * objective does not depend on the start.  The view must have items; the
 * result lives in the current context.
 */
EmFit *
em_fit(const AnnotationView *view, const EmOptions *options, const EmCounts *start)
{
	Loop		loop = begin_loop(view, options);
	bool		converged = false;

	em_vote_shares(view, &loop.counts);
	loop.maximizer = maximizer_create(view, options, &loop.counts);
	maximizer_step(loop.maximizer, start ? start : &loop.counts, &loop.x0);
	loop.objective = evaluate(&loop, &loop.x0);
	while (passes_left(&loop, 1) && !converged)
	{
		double		last = loop.objective;

		cycle(&loop);
		converged = loop.objective - last <=
			options->tolerance * fabs(loop.objective);
		if (nl_progress)
			report_progress(&loop, last);
	}
	em_tables_free(&loop.x1);
	em_tables_free(&loop.x2);
	return make_fit(&loop, converged);
}

/*
 * One step of another variant from where "from" has arrived, and no more: the
 * M step of "options" at its counts, and the pass that belongs to it.  What
 * smoothing points to and, if fixed, the class prior come from the counts
 * "start", but a prior that "from" has is kept.  Frees the tables of "from".
 */
EmFit *
em_one_step(const AnnotationView *view, const EmOptions *options,
			const EmCounts *start, EmFit *from)
{
	Loop		loop = {.view = view,.options = options,.n = n_parameters(view)};

	loop.x0 = em_tables_create(view);
	loop.maximizer = maximizer_create(view, options, start);
	maximizer_step(loop.maximizer, &from->counts, &loop.x0);
	if (options->fixed_prior && from->parameters.prior != NULL)
		memcpy(loop.x0.prior, from->parameters.prior,
			   view->labels.n * sizeof(double));
	if (from->parameters.prior != NULL)
		em_tables_free(&from->parameters);
	loop.counts = from->counts;
	loop.iterations = from->iterations;
	loop.objective = evaluate(&loop, &loop.x0);
	return make_fit(&loop, from->converged);
}
