/*
 * em_final_counts.c
 *		What a finished fit leaves behind for each annotator: expected counts,
 *		and how sure they are.
 *
 * With t the posterior of a class for the item of an annotation, the expected
 * count of (truth, label) is the sum of t over the annotations with that label,
 * and its variance, given the annotations, the sum of t (1 - t).  The first is
 * how much was seen, the second how much of that is guesswork; crowd_shrinkage.c makes
 * intervals of the two.  An annotator who gave an item the same label m times
 * is right or wrong m times at once, which has the variance m^2 t (1 - t).  Where
 * voices are told from answers (em_voices.c), an answer counts as one of its
 * annotator's.
 *
 * Only items count that tell anything about annotators: a single answer is
 * right by its own posterior.  The posterior is that of the last pass, with gold
 * as in the E step.  Where gold alone taught the model, items with gold alone are
 * evidence: on the others the crowd's agreement would have the say about
 * annotators that it was denied.
 *
 * What is reported of an item is less sure than its posterior, if answers share
 * errors (design_exponent()).  By these distributions an annotator has fewer right
 * answers, and that both may be true is what intervals of accuracy say
 * (annotator_record.c).  Counts are not made of them: they are drawn to even
 * class shares, which would put most of a frequent class's answers into the rows
 * of rare ones.
 *
 * Memory: posteriors of an item.  Interrupts: for each item, and within an item of many
 * annotations.
 */
#include "crowd/em_correlation.h"
#include "crowd/em.h"

#include <math.h>

#define SMALL_POSTERIOR 1e-290

/* What is known of one item. */
typedef struct Known
{
	const double *posterior;
	const double *reported;		/* or NULL, if it is the same everywhere */
} Known;

/* What the answer "a" adds, if it counts "share" and its variance "times". */
static void
add_answer(const AnnotationView *view, uint32 a, double share, double times,
		   const Known *known, EmEvidence *evidence)
{
	uint32		classes = view->labels.n;
	Size		cell = em_cell(classes, view->annotator[a], view->label[a], 0);
	double	   *c = evidence->counts->confusion + cell;
	double	   *v = evidence->variances + cell;

	for (uint32 k = 0; k < classes; k++)
	{
		c[k] += share * known->posterior[k];
		/* rounding may have made a posterior a bit larger than 1 */
		v[k] += times * known->posterior[k] * Max(1 - known->posterior[k], 0);
	}
	if (known->reported != NULL)
	{
		double		right = known->reported[view->label[a]];

		evidence->reported_right[view->annotator[a]] += share * right;
		evidence->reported_variances[view->annotator[a]] += times * right * Max(1 - right, 0);
	}
}

/* The answers from..to, each of which counts "share". */
static void
add_answers(const AnnotationView *view, uint32 from, uint32 to, double share,
			const Known *known, EmEvidence *evidence)
{
	uint32		repeats = 0;

	for (uint32 a = from; a < to; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		if (a > from && view->annotator[a] == view->annotator[a - 1] &&
			view->label[a] == view->label[a - 1])
			repeats++;
		else
			repeats = 0;
		/* (m + 1)^2 - m^2 */
		add_answer(view, a, share, (2.0 * repeats + 1) * share * share, known, evidence);
	}
}

static void
add_item(EmVoices *voices, uint32 item, const Known *known, EmEvidence *evidence)
{
	const AnnotationView *view = voices->view;
	EmRun		run = {.to = view->starts[item]};

	for (uint32 k = 0; k < view->labels.n; k++)
		evidence->counts->prior[k] += known->posterior[k];
	if (em_item_is_plain(view, item))
	{
		add_answers(view, run.to, view->starts[item + 1], 1, known, evidence);
		return;
	}
	em_voices_enter(voices, item);
	while (em_voices_next(voices, item, &run))
		add_answers(view, run.from, run.to, run.own, known, evidence);
	em_voices_leave(voices, item);
}

/*
 * What is reported of an item with this posterior.  By its powers, relative to the
 * largest, unless gold has its own weight or a probability is too small to have
 * all of its digits.
 */
static const double *
reported_posterior(const AnnotationView *view, uint32 item, double correlation,
				   const double *posterior, EmPosteriors *posteriors, double *reported)
{
	uint32		classes = view->labels.n;
	double		exponent = design_exponent(em_item_voices(view, item), correlation);
	uint32		top = 0;
	double		sum = 1;

	if (annotation_gold(view, item) != NO_GOLD)
		return em_reported_posterior(posteriors, item, correlation);
	for (uint32 k = 1; k < classes; k++)
		if (posterior[k] > posterior[top])
			top = k;
	for (uint32 k = 0; k < classes; k++)
	{
		if (k == top)
			continue;
		if (posterior[k] < SMALL_POSTERIOR)
			return em_reported_posterior(posteriors, item, correlation);
		reported[k] = exp(log(posterior[k] / posterior[top]) * exponent);
		sum += reported[k];
	}
	reported[top] = 1;
	for (uint32 k = 0; k < classes; k++)
		reported[k] /= sum;
	return reported;
}

/*
 * Fills the evidence from zero; what is reported has the correlation.  Calls "look" with the
 * posterior of every item.
 */
void
em_evidence(const AnnotationView *view, const EmParameters *at, bool gold_only,
			double correlation, EmEvidence *evidence, EmLook look, void *arg)
{
	EmPosteriors *posteriors = em_begin_posteriors(view, at);
	EmVoices	voices = em_voices_begin(view);
	double	   *reported = palloc(view->labels.n * sizeof(double));

	em_tables_clear(view, evidence->counts);
	nl_clear(evidence->variances, em_table_cells(view) * sizeof(double));
	nl_clear(evidence->reported_right, view->annotators.n * sizeof(double));
	nl_clear(evidence->reported_variances, view->annotators.n * sizeof(double));
	for (uint32 i = 0; i < view->items; i++)
	{
		Known		known = {em_item_posterior(posteriors, i), NULL};

		CHECK_FOR_INTERRUPTS();
		look(arg, i, known.posterior);
		if (gold_only ? annotation_gold(view, i) == NO_GOLD : !em_item_tells(view, i))
			continue;
		if (correlation > 0)
			known.reported = reported_posterior(view, i, correlation, known.posterior,
												posteriors, reported);
		add_item(&voices, i, &known, evidence);
	}
	em_end_posteriors(posteriors);
	em_voices_end(&voices);
	pfree(reported);
}
