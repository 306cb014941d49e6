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
 * A label that is no class (annotation_is_class) has no part in this: l and k are
 * classes, n_jk answers that name one.  Beside it stands how often each annotator
 * abstains, a_j[k] = (abstentions + 4 a[k]) / (all answers + 4), with a[k] the same of
 * the crowd at the start, whose 4 pseudo-answers are at its rate for all classes
 * together; and pi_j is multiplied by 1 - a_j.  Where silence is an answer, abstentions
 * are the expected items of the class less the answers that name one.  A prior that
 * is known is p.
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
		em_sum_units(team, sum);
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

/* All abstentions on items of a class, of so many answers that name one. */
static double
count_abstentions(const EmTeam *team, const double *counts, Size truth,
				  double voices, double named)
{
	const AnnotationView *view = &team->view;

	if (view->silence)
		return Max(voices * team->tables[SLOT_COUNTS].prior[truth] - named, 0);
	return view->abstains == 0 ? 0 :
		counts[(view->abstains - 1) * (Size) team->classes + truth];
}

/* How many answers name a class, by the class that is true. */
static void
count_named(const AnnotationView *view, const double *counts, double *n)
{
	Size		labels = view->labels.n;

	memset(n, 0, labels * sizeof(double));
	for (Size label = 0; label < labels; label++)
		for (Size k = 0; k < labels && annotation_is_class(view, label); k++)
			n[k] += counts[label * labels + k];
}

/* Whether items can be of a label; "abstains" is the one of no class plus 1, or 0. */
static inline bool
names_class(Size label, uint32 abstains)
{
	return label + 1 != abstains;
}

/* The crowd's rates, in place of its counts, by label and truth. */
void
rule_pool_rates(double *rates, Size labels, uint32 abstains)
{
	Size		classes = labels - (abstains != 0);

	for (Size truth = 0; truth < labels; truth++)
	{
		double		n = PSEUDO_ANSWERS;

		CHECK_FOR_INTERRUPTS();
		for (Size label = 0; label < labels; label++)
			if (names_class(label, abstains))
				n += rates[label * labels + truth];
		for (Size label = 0; label < labels; label++)
		{
			double	   *rate = &rates[label * labels + truth];

			if (names_class(label, abstains))
				*rate = (*rate + PSEUDO_ANSWERS * rule_pseudo_rate(label, truth, classes)) / n;
		}
	}
}

/* The crowd's rates at the present counts, of answers that name a class. */
static void
crowd_rates(const EmTeam *team, double *rates)
{
	sum_voices(team, rates);
	rule_pool_rates(rates, team->classes, team->view.abstains);
}

/* Voices of the crowd. */
static double
count_voices(const AnnotationView *view)
{
	EmVoices	voices = em_voices_begin(view);
	double		n = 0;

	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		n += em_voices_silent(&voices, j);
	}
	em_voices_end(&voices);
	return n;
}

/* How often the crowd abstains, at the present counts, in the pool's row of that label. */
static void
set_abstentions(const EmTeam *team, double *pool)
{
	const AnnotationView *view = &team->view;
	Size		labels = team->classes;
	double	   *counts = palloc(labels * labels * sizeof(double));
	double	   *named = palloc(labels * sizeof(double));
	double	   *row = pool + (view->abstains - 1) * labels;
	double		voices = view->silence ? count_voices(view) : 0;
	double		sum = 1;
	double		n = labels;

	sum_voices(team, counts);
	count_named(view, counts, named);
	for (Size k = 0; k < labels; k++)
	{
		row[k] = count_abstentions(team, counts, k, voices, named[k]);
		sum += row[k];
		n += row[k] + named[k];
	}
	for (Size k = 0; k < labels; k++)
		row[k] = (row[k] + PSEUDO_ANSWERS * sum / n) / (row[k] + named[k] + PSEUDO_ANSWERS);
	pfree(counts);
	pfree(named);
}

/* How much harder or easier than the mean each class is, on the logit scale. */
void
rule_ease(const double *rates, Size labels, uint32 abstains, double *ease)
{
	Size		classes = labels - (abstains != 0);
	double		mean = 0;

	for (Size k = 0; k < labels; k++)
		if (names_class(k, abstains))
			mean += rates[k * labels + k] / classes;
	for (Size k = 0; k < labels; k++)
		ease[k] = rule_logit(rates[k * labels + k]) - rule_logit(mean);
}

/* Balanced accuracy of answers that name a class, "n" by truth. */
static double
balanced_accuracy(const AnnotationView *view, const double *counts, const double *pool,
				  const double *n)
{
	Size		labels = view->labels.n;
	double		accuracy = 0;

	for (Size k = 0; k < labels; k++)
	{
		Size		right = k * labels + k;

		if (annotation_is_class(view, k))
			accuracy += rule_own_rate(counts[right], n[k], pool[right]);
	}
	return accuracy / annotation_classes(view);
}

/* Leaves room in a matrix of answers that name a class for those that do not. */
static void
add_abstentions(const EmTeam *team, double voices, const double *counts,
				const double *n, double *result)
{
	const AnnotationView *view = &team->view;
	Size		labels = team->classes;
	Size		none = view->abstains - 1;
	const double *pool = team->tables[SLOT_TARGET].confusion + none * labels;

	for (Size k = 0; k < labels; k++)
	{
		double		abstentions = count_abstentions(team, counts, k, voices, n[k]);
		double		rate = (abstentions + PSEUDO_ANSWERS * pool[k]) /
			(abstentions + n[k] + PSEUDO_ANSWERS);

		for (Size label = 0; label < labels; label++)
			result[label * labels + k] *= 1 - rate;
		result[none * labels + k] = rate;
	}
	for (Size label = 0; label < labels; label++)
		result[label * labels + none] = 1.0 / labels;	/* no item is of it */
}

/*
 * The matrix of one annotator, or of none ("voices").  "errors" has the pool's rate of errors for each
 * truth, "row" room for K numbers; both are buffers of the caller.
 */
static void
rule_matrix(const EmTeam *team, double voices, const double *counts,
			const double *errors, double *row, double *result)
{
	const AnnotationView *view = &team->view;
	const EmTables *target = &team->tables[SLOT_TARGET];
	const double *pool = target->confusion;
	Size		labels = team->classes;
	double		q;
	double		logit_q;

	count_named(view, counts, row);
	q = balanced_accuracy(view, counts, pool, row);
	logit_q = rule_logit(q);
	for (Size k = 0; k < labels; k++)
	{
		double		right = rule_right(q, logit_q, target->prior[k], annotation_classes(view));

		for (Size label = 0; label < labels; label++)
		{
			Size		c = label * labels + k;

			result[c] = rule_rate(rule_own_rate(counts[c], row[k], pool[c]), label == k,
								  right, pool[c], errors[k]);
		}
	}
	if (view->abstains != 0)
		add_abstentions(team, voices, counts, row, result);
}

/* How often the pool errs, by truth. */
void
rule_errors(const double *pool, Size labels, uint32 abstains, double *errors)
{
	memset(errors, 0, labels * sizeof(double));
	for (Size label = 0; label < labels; label++)
		for (Size k = 0; k < labels && names_class(label, abstains); k++)
			if (label != k)
				errors[k] += pool[label * labels + k];
}

/* The M step of a block of annotators. */
void
em_block_rule(EmTeam *team, uint32 block)
{
	EmBlock		b = em_block(team, block);
	Size		cells = (Size) team->classes * team->classes;
	double	   *errors = team->scratch;
	double	   *row = team->scratch + team->classes;

	rule_errors(team->tables[SLOT_TARGET].confusion, team->classes, team->view.abstains, errors);
	for (Size j = b.first; j < b.last; j++)
	{
		CHECK_FOR_INTERRUPTS();
		rule_matrix(team, 1, team->tables[SLOT_COUNTS].confusion + j * cells,
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

	rule_errors(team->tables[SLOT_TARGET].confusion, team->classes, team->view.abstains, team->scratch);
	rule_matrix(team, 0, none, team->scratch, team->scratch + classes, result);
	pfree(none);
	return result;
}

/* The prior of the present counts, or the one that is known. */
static void
set_prior(const EmTeam *team, uint32 teaching, double *prior)
{
	const AnnotationView *view = &team->view;
	const double *items = team->tables[SLOT_COUNTS].prior;

	for (uint32 k = 0; k < view->labels.n; k++)
		if (view->prior != NULL)
			prior[k] = view->prior[k];
		else
			prior[k] = annotation_is_class(view, k) ?
				(items[k] + 1) / ((double) teaching + annotation_classes(view)) : 0;
}

/* From SLOT_COUNTS to parameters. */
static void
maximize(EmTeam *team, uint32 teaching, double *rates, EmSlot to)
{
	crowd_rates(team, rates);
	rule_ease(rates, team->classes, team->view.abstains, team->tables[SLOT_TARGET].prior);
	set_prior(team, teaching, team->tables[to].prior);
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
	uint32		teaching = em_count_telling(&team->view);
	EmMoved		since = start == NULL ? MOVED_FROM_VOTES : MOVED_UNKNOWN;
	EmSlot		at = SLOT_X0;
	EmSlot		before = SLOT_X1;
	double		share = 1;
	double		log_likelihood = 0;
	EmFit	   *fit;
	int			passes = 0;

	em_vote_shares(team);
	crowd_rates(team, team->tables[SLOT_TARGET].confusion);
	if (team->view.abstains != 0)
		set_abstentions(team, team->tables[SLOT_TARGET].confusion);
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

/*
 * One M step alone, of the counts that are in SLOT_COUNTS and whose truths are
 * known otherwise, so many in all.  They are also what votes are elsewhere: pool0 is
 * made of them.  The team's view needs no items; the result is em_rule()'s.
 */
EmFit *
em_rule_given(EmTeam *team, uint32 rows)
{
	Size		cells = (Size) team->classes * team->classes;
	double	   *rates = nl_alloc(CurrentMemoryContext, cells * sizeof(double));
	EmFit	   *fit;

	crowd_rates(team, team->tables[SLOT_TARGET].confusion);
	if (team->view.abstains != 0)
		set_abstentions(team, team->tables[SLOT_TARGET].confusion);
	maximize(team, rows, rates, SLOT_X0);
	fit = make_fit(team, SLOT_X0);
	fit->iterations = 1;
	fit->converged = true;
	fit->stopped_by = "closed form";
	pfree(rates);
	return fit;
}
