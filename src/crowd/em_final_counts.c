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
 * annotator's, and on items that teach alone.
 *
 * The posterior is that of the last pass, with gold as in the E step.  Where gold
 * alone taught the model, items with gold alone are evidence: on the others the
 * crowd's agreement would have the say about annotators that it was denied.
 *
 * Memory: a posterior.  Interrupts: for each item, and within an item of many
 * annotations.
 */
#include "crowd/em.h"

/* The answers from..to, each of which counts "share". */
static void
add_answers(const AnnotationView *view, uint32 from, uint32 to, double share,
			const double *posterior, EmCounts *counts, double *variance)
{
	uint32		classes = view->labels.n;
	uint32		repeats = 0;

	for (uint32 a = from; a < to; a++)
	{
		Size		cell = em_cell(classes, view->annotator[a], view->label[a], 0);
		double	   *c = counts->confusion + cell;
		double	   *v = variance + cell;
		double		times;

		NL_CHECK_INTERRUPTS(a);
		if (a > from && view->annotator[a] == view->annotator[a - 1] &&
			view->label[a] == view->label[a - 1])
			repeats++;
		else
			repeats = 0;
		times = (2.0 * repeats + 1) * share * share;	/* (m + 1)^2 - m^2 */
		for (uint32 k = 0; k < classes; k++)
		{
			c[k] += share * posterior[k];
			/* rounding may have made a posterior a bit larger than 1 */
			v[k] += times * posterior[k] * Max(1 - posterior[k], 0);
		}
	}
}

static void
add_item(EmVoices *voices, uint32 item, const double *posterior,
		 EmCounts *counts, double *variance)
{
	const AnnotationView *view = voices->view;
	EmRun		run = {.to = view->starts[item]};

	for (uint32 k = 0; k < view->labels.n; k++)
		counts->prior[k] += posterior[k];
	if (em_item_is_plain(view, item))
	{
		add_answers(view, run.to, view->starts[item + 1], 1, posterior, counts, variance);
		return;
	}
	em_voices_enter(voices, item);
	while (em_voices_next(voices, item, &run))
		add_answers(view, run.from, run.to, run.own, posterior, counts, variance);
	em_voices_leave(voices, item);
}

/*
 * Fills counts and variance, a table of em_table_cells() numbers, from zero; and
 * calls "look" with the posterior of every item.
 */
void
em_evidence(const AnnotationView *view, const EmParameters *at, bool gold_only,
			EmCounts *counts, double *variance, EmLook look, void *arg)
{
	EmPosteriors *posteriors = em_begin_posteriors(view, at);
	EmVoices	voices = em_voices_begin(view);

	em_tables_clear(view, counts);
	nl_clear(variance, em_table_cells(view) * sizeof(double));
	for (uint32 i = 0; i < view->items; i++)
	{
		const double *posterior = em_item_posterior(posteriors, i);

		CHECK_FOR_INTERRUPTS();
		if (gold_only ? annotation_gold(view, i) != NO_GOLD : em_item_teaches(view, i))
			add_item(&voices, i, posterior, counts, variance);
		look(arg, i, posterior);
	}
	em_end_posteriors(posteriors);
	em_voices_end(&voices);
}
