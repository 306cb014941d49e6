/*
 * em_votes.c
 *		From what is known of an item to counts: its posterior, its vote shares, its
 *		gold.
 *
 * Memory: a posterior.  Interrupts: within an item of many annotations, and for
 * a block of items.
 */
#include "crowd/em_answer.h"

/* What one answer with this posterior adds to counts. */
static void
add_posterior(const AnnotationView *view, uint32 a, double times,
			  const double *posterior, double *counts)
{
	uint32		classes = view->labels.n;
	double	   *c = counts + em_cell(classes, view->annotator[a], view->label[a], 0);

	NL_CHECK_INTERRUPTS(a);
	for (uint32 k = 0; k < classes; k++)
		c[k] += times * posterior[k];
}

/* The same of all answers to an item whose variant ties rates; each counts 1. */
static void
add_tied_posteriors(const AnnotationView *view, uint32 item, const double *posterior,
					double *counts)
{
	EmLayout	layout = em_layout(view);
	double		rest;
	uint32		top = em_top(posterior, view->labels.n, &rest);

	for (uint32 a = view->starts[item]; a < view->starts[item + 1]; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		em_answer_count(layout, counts, view->labels.n, view->annotator[a], view->label[a],
						posterior, top, rest);
	}
}

/* Add what an item's posterior says to the expected counts, if it teaches. */
void
em_add_posterior(EmVoices *v, uint32 item, const double *posterior, EmCounts *counts)
{
	const AnnotationView *view = v->view;
	EmRun		run = {.to = view->starts[item]};

	if (!em_item_teaches(view, item))
		return;
	for (uint32 k = 0; k < view->labels.n; k++)
		counts->prior[k] += posterior[k];
	if (!variant_is_whole(view->variant))
	{
		Assert(em_item_is_plain(view, item));
		add_tied_posteriors(view, item, posterior, counts->confusion);
		return;
	}
	if (em_item_is_plain(view, item))
	{
		for (uint32 a = run.to; a < view->starts[item + 1]; a++)
			add_posterior(view, a, 1, posterior, counts->confusion);
		return;
	}
	em_voices_enter(v, item);
	while (em_voices_next(v, item, &run))
		for (uint32 a = run.from; a < run.to; a++)
			add_posterior(view, a, run.own, posterior, counts->confusion);
	em_voices_leave(v, item);
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

/* From votes to shares; where there are none, nothing is known. */
static void
scale_votes(const AnnotationView *view, double *posterior)
{
	double		sum = 0;

	for (uint32 k = 0; k < view->labels.n; k++)
		sum += posterior[k];
	for (uint32 k = 0; k < view->labels.n; k++)
		if (annotation_is_class(view, k))
			posterior[k] = sum > 0 ? posterior[k] / sum : 1.0 / annotation_classes(view);
}

/* The vote shares of one item; a label that is no class is no vote. */
void
em_item_vote_shares(EmVoices *v, uint32 item, double *posterior)
{
	const AnnotationView *view = v->view;
	EmRun		run = {.to = view->starts[item]};
	uint32		n = em_item_voices(view, item);

	memset(posterior, 0, view->labels.n * sizeof(double));
	if (em_item_is_plain(view, item))
	{
		for (uint32 a = run.to; a < view->starts[item + 1]; a++)
		{
			NL_CHECK_INTERRUPTS(a);
			if (annotation_is_class(view, view->label[a]))
				posterior[view->label[a]] += 1.0 / n;
		}
		if (view->abstains != 0)
			scale_votes(view, posterior);
		return;
	}
	em_voices_enter(v, item);
	while (em_voices_next(v, item, &run))
		for (uint32 a = run.from; a < run.to; a++)
		{
			NL_CHECK_INTERRUPTS(a);
			if (annotation_is_class(view, view->label[a]))
				posterior[view->label[a]] += run.heard / Max(n, 1);
		}
	em_voices_leave(v, item);
	if (view->abstains != 0)
		scale_votes(view, posterior);
}

/* Counts of the items with gold, by gold alone; returns how many there are. */
uint32
em_gold_counts(const AnnotationView *view, EmCounts *counts)
{
	uint32		classes = view->labels.n;
	double	   *posterior = palloc(classes * sizeof(double));
	EmVoices	voices = em_voices_begin(view);
	uint32		n = 0;

	em_tables_clear(view, counts);
	for (uint32 i = 0; i < view->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (annotation_gold(view, i) == NO_GOLD)
			continue;
		for (uint32 k = 0; k < classes; k++)
			posterior[k] = annotation_is_class(view, k) ? 1.0 / annotation_classes(view) : 0;
		em_mix_gold(view, i, posterior);
		em_add_posterior(&voices, i, posterior, counts);
		n++;
	}
	em_voices_end(&voices);
	pfree(posterior);
	return n;
}
