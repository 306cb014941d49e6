/*
 * em_votes.c
 *		From what is known of an item to counts: its posterior, its vote shares, its
 *		gold.
 *
 * Memory: a posterior.  Interrupts: within an item of many annotations, and for
 * a block of items.
 */
#include "crowd/em.h"

/* Add what an item's posterior says to the expected counts. */
void
em_add_posterior(const AnnotationView *view, uint32 item,
				 const double *posterior, EmCounts *counts)
{
	uint32		classes = view->labels.n;

	for (uint32 k = 0; k < classes; k++)
		counts->prior[k] += posterior[k];
	for (uint32 a = view->starts[item]; a < view->starts[item + 1]; a++)
	{
		double	   *c = counts->confusion +
			em_cell(classes, view->annotator[a], view->label[a], 0);

		NL_CHECK_INTERRUPTS(a);
		for (uint32 k = 0; k < classes; k++)
			c[k] += posterior[k];
	}
}

/* What gold says takes the place of a posterior, by its weight. */
void
em_mix_gold(const AnnotationView *view, uint32 item, double *posterior)
{
	uint32		gold = annotation_gold(view, item);

	if (gold == NO_GOLD)
		return;
	for (uint32 k = 0; k < view->labels.n; k++)
		posterior[k] = posterior[k] * (1 - view->gold_weight) +
			(k == gold ? view->gold_weight : 0);
}

/* The vote shares of one item. */
void
em_item_vote_shares(const AnnotationView *view, uint32 item, double *posterior)
{
	uint32		from = view->starts[item];
	uint32		to = view->starts[item + 1];

	memset(posterior, 0, view->labels.n * sizeof(double));
	for (uint32 a = from; a < to; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		posterior[view->label[a]] += 1.0 / (to - from);
	}
}

/* Counts of the items with gold, by gold alone; returns how many there are. */
uint32
em_gold_counts(const AnnotationView *view, EmCounts *counts)
{
	uint32		classes = view->labels.n;
	double	   *posterior = palloc(classes * sizeof(double));
	uint32		n = 0;

	em_tables_clear(view, counts);
	for (uint32 i = 0; i < view->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (annotation_gold(view, i) == NO_GOLD)
			continue;
		for (uint32 k = 0; k < classes; k++)
			posterior[k] = 1.0 / classes;
		em_mix_gold(view, i, posterior);
		em_add_posterior(view, i, posterior, counts);
		n++;
	}
	pfree(posterior);
	return n;
}
