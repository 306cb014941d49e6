/*
 * em_rule.c
 *		The fit of variant auto: full matrices, each drawn toward what a crowd's
 *		annotator of its own balanced accuracy would have.
 *
 * K classes.  Items teach on which two voices or more were heard, or whose gold
 * is known (see em_voices.c); only they enter counts and the class prior.
 *
 *	pool0[l|k]	how the crowd answers, by the vote shares; with 4 pseudo-answers
 *				for each class, of which .7 right.  Fixed, as is
 *	e[l|k]		how it errs: pool0 without the right answers, normalised
 *
 * From vote shares on, each pass makes of the expected counts C_j[l,k]
 *
 *	A_j[l|k] = (C_j[l,k] + 4 pool0[l|k]) / (n_jk + 4)
 *	q_j = mean over k of A_j[k|k]: balanced, so that always to say one thing is
 *		worth nothing
 *	Q_jk = expit(logit s_k + logit q_j - logit mean s), with s_k the rate at which
 *		the crowd is right about k, now: the same accuracy, where some classes
 *		are harder for everybody
 *	d_jk = (q_j + Q_jk) / 2
 *	pi_j = A_j / 2 + t_j / 2, with t_j = d_jk on the diagonal and (1 - d_jk) e off it
 *	p = (sum of posteriors + 1) / (their number + K)
 *
 * and then posteriors under pi and p.  It ends when a pass moves less than 1 %
 * of the posterior mass.  That is part of the rule and not convergence: where
 * annotators share errors, each further pass would explain more of them by
 * matrices (docs/variants.md).
 *
 * No posterior is stored.  A pass compares those of two parameters, so it costs
 * the products of two passes.
 *
 * Memory: the team's tables; SLOT_TARGET has pool0 in place of the first
 * matrix and logit s_k - logit mean s in place of the prior.  Interrupts: in
 * the team's tasks.
 */
#include "crowd/em.h"
#include "crowd/em_rule.h"

#include <math.h>

#include "utils/timestamp.h"

#define MOVED_SHARE 0.01		/* of the posterior mass: a pass that moves less is the last */

/* Counts of all voices, which are annotators where nobody depends on another. */
static void
sum_voices(const EmTeam *team, double *sum)
{
	Size		cells = (Size) team->classes * team->classes;

	if (team->heard == NULL)
	{
		em_sum_annotators(team, sum);
		return;
	}
	memset(sum, 0, cells * sizeof(double));
	for (uint32 stripe = 0; stripe < team->n_stripes; stripe++)
	{
		CHECK_FOR_INTERRUPTS();
		for (Size c = 0; c < cells; c++)
			sum[c] += team->heard[stripe * cells + c];
	}
}

/* The crowd's rates, in place of its counts, by label and truth. */
void
rule_pool_rates(double *rates, Size classes)
{
	for (Size truth = 0; truth < classes; truth++)
	{
		double		n = PSEUDO_ANSWERS;

		CHECK_FOR_INTERRUPTS();
		for (Size label = 0; label < classes; label++)
			n += rates[label * classes + truth];
		for (Size label = 0; label < classes; label++)
		{
			double	   *rate = &rates[label * classes + truth];

			*rate = (*rate + PSEUDO_ANSWERS * rule_pseudo_rate(label, truth, classes)) / n;
		}
	}
}

/* The crowd's rates at the present counts. */
static void
crowd_rates(const EmTeam *team, double *rates)
{
	sum_voices(team, rates);
	rule_pool_rates(rates, team->classes);
}

/* How much harder or easier than the mean each class is, on the logit scale. */
void
rule_ease(const double *rates, Size classes, double *ease)
{
	double		mean = 0;

	for (Size k = 0; k < classes; k++)
		mean += rates[k * classes + k] / classes;
	for (Size k = 0; k < classes; k++)
		ease[k] = rule_logit(rates[k * classes + k]) - rule_logit(mean);
}

/* Balanced accuracy, and for each truth how often it was asked. */
static double
balanced_accuracy(const double *counts, const double *pool, Size classes, double *n)
{
	double		accuracy = 0;

	memset(n, 0, classes * sizeof(double));
	for (Size label = 0; label < classes; label++)
		for (Size k = 0; k < classes; k++)
			n[k] += counts[label * classes + k];
	for (Size k = 0; k < classes; k++)
	{
		Size		right = k * classes + k;

		accuracy += rule_own_rate(counts[right], n[k], pool[right]);
	}
	return accuracy / classes;
}

/*
 * One annotator's matrix.  "errors" has the pool's rate of errors for each
 * truth, "row" room for K numbers; both are buffers of the caller.
 */
static void
rule_matrix(const EmTables *target, Size classes, const double *counts,
			const double *errors, double *row, double *result)
{
	const double *pool = target->confusion;
	double		q = balanced_accuracy(counts, pool, classes, row);
	double		logit_q = rule_logit(q);

	for (Size k = 0; k < classes; k++)
	{
		double		right = rule_right(q, logit_q, target->prior[k], classes);

		for (Size label = 0; label < classes; label++)
		{
			Size		c = label * classes + k;

			result[c] = rule_rate(rule_own_rate(counts[c], row[k], pool[c]), label == k,
								  right, pool[c], errors[k]);
		}
	}
}

/* How often the pool errs, by truth. */
void
rule_errors(const double *pool, Size classes, double *errors)
{
	memset(errors, 0, classes * sizeof(double));
	for (Size label = 0; label < classes; label++)
		for (Size k = 0; k < classes; k++)
			if (label != k)
				errors[k] += pool[label * classes + k];
}

/* The M step of a block of annotators. */
void
em_block_rule(EmTeam *team, uint32 block)
{
	EmBlock		b = em_block(team, block);
	Size		classes = team->classes;
	Size		cells = classes * classes;
	const EmTables *target = &team->tables[SLOT_TARGET];
	double	   *errors = team->scratch;
	double	   *row = team->scratch + classes;

	rule_errors(target->confusion, classes, errors);
	for (Size j = b.first; j < b.last; j++)
	{
		CHECK_FOR_INTERRUPTS();
		rule_matrix(target, classes, team->tables[SLOT_COUNTS].confusion + j * cells,
					errors, row, team->tables[team->work->to].confusion + j * cells);
	}
}

/* For an annotator never seen: the matrix of no answers. */
static double *
unseen_matrix(const EmTeam *team)
{
	Size		classes = team->classes;
	Size		size = classes * classes * sizeof(double);
	double	   *none = palloc0(size);
	double	   *result = palloc(size);

	rule_matrix(&team->tables[SLOT_TARGET], classes, none, team->scratch,
				team->scratch + classes, result);
	pfree(none);
	return result;
}

/* From SLOT_COUNTS to parameters. */
static void
maximize(EmTeam *team, uint32 teaching, double *rates, EmSlot to)
{
	Size		classes = team->classes;

	crowd_rates(team, rates);
	rule_ease(rates, classes, team->tables[SLOT_TARGET].prior);
	for (Size k = 0; k < classes; k++)
		team->tables[to].prior[k] =
			(team->tables[SLOT_COUNTS].prior[k] + 1) / ((double) teaching + classes);
	team->work->to = to;
	em_team_run(team, TASK_RULE);
}

static EmFit *
make_fit(EmTeam *team, EmSlot at)
{
	EmFit	   *fit = palloc0(sizeof(EmFit));

	fit->parameters = em_tables_create(&team->view);
	em_tables_copy(team, &fit->parameters, &team->tables[at]);
	fit->counts = em_tables_create(&team->view);
	em_tables_copy(team, &fit->counts, &team->tables[SLOT_COUNTS]);
	fit->pool = unseen_matrix(team);
	return fit;
}

static void
report_progress(int pass, double share, TimestampTz start)
{
	ereport(NOTICE,
			(errmsg("auto: pass %d moved %.2f %% of the posterior mass, %.1f s",
					pass, 100 * share, (GetCurrentTimestamp() - start) / 1e6)));
}

/*
 * Begins at vote shares, or at the counts "start", whose first pass is not
 * known to move little.  The team's view must have its voices, and items; the
 * result lives in the current context.
 */
EmFit *
em_rule(EmTeam *team, int max_passes, const EmCounts *start)
{
	Size		cells = (Size) team->classes * team->classes;
	double	   *rates = nl_alloc(CurrentMemoryContext, cells * sizeof(double));
	uint32		teaching = em_count_teaching(&team->view);
	EmMoved		since = start == NULL ? MOVED_FROM_VOTES : MOVED_UNKNOWN;
	EmSlot		at = SLOT_X0;
	EmSlot		before = SLOT_X1;
	double		share = 1;
	double		log_likelihood = 0;
	EmFit	   *fit;
	int			passes = 0;

	em_vote_shares(team);
	crowd_rates(team, team->tables[SLOT_TARGET].confusion);
	if (start != NULL)
		em_tables_copy(team, &team->tables[SLOT_COUNTS], start);
	while (passes < max_passes && share >= MOVED_SHARE)
	{
		TimestampTz began = nl_progress ? GetCurrentTimestamp() : 0;
		EmSlot		last = at;
		double		moved;

		at = before;
		before = last;
		maximize(team, teaching, rates, at);
		log_likelihood = em_expectation_moved(team, at, since, before, &moved);
		share = since == MOVED_UNKNOWN ? 1 : moved / team->view.items;
		since = MOVED_FROM_SLOT;
		passes++;
		if (nl_progress)
			report_progress(passes, share, began);
	}
	fit = make_fit(team, at);
	fit->log_likelihood = fit->objective = log_likelihood;
	fit->iterations = passes;
	fit->converged = share < MOVED_SHARE;
	fit->stopped_by = fit->converged ? "moved mass" : "max_iterations";
	pfree(rates);
	return fit;
}
