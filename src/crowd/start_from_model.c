/*
 * start_from_model.c
 *		Where a fit begins when it does not begin from vote shares: at what an
 *		earlier model says of each item.
 *
 * Yesterday's model knows most of today's annotators, so its posteriors are
 * near today's and a refit takes a few passes.  An annotator it has never seen
 * counts as the average one.  Where an item has a label that the model has
 * never seen, the item begins with its vote shares.
 */
#include "crowd/fit.h"

#include "crowd/apply_model.h"

static bool
model_knows_labels(const SetScorer *s, uint32 item)
{
	for (uint32 a = s->view.starts[item]; a < s->view.starts[item + 1]; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		if (s->labels[s->view.label[a]] < 0)
			return false;
	}
	return true;
}

/*
 * What the model says, on the labels that the view has.  Classes that only the
 * model has do not come up again; if they were all that was likely, this sums
 * to nearly nothing and vote shares serve better.
 */
static bool
posterior_of_model(SetScorer *s, const AnnotationView *view, uint32 item, double *posterior)
{
	const double *of_model = set_scorer_posterior(s, item);
	uint32		classes = s->view.labels.n;
	double		sum = 0;

	for (uint32 k = 0; k < classes; k++)
	{
		int64		class = s->labels[k] < 0 ? -1 : s->scorer->label_class[s->labels[k]];

		posterior[k] = class < 0 || !annotation_is_class(view, k) ? 0 : of_model[class];
		sum += posterior[k];
	}
	for (uint32 k = 0; k < classes; k++)
		posterior[k] /= sum;
	return sum > 0.5;
}

/* Expected counts under the model's posteriors and gold. */
void
start_from_model(const AnnotationView *view, const AnnotatorModel *model,
				 EmCounts *counts)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "dawid_skene start",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	AnnotationView without_gold = annotations_without_gold(view);
	SetScorer  *s = set_scorer_begin(&without_gold, model);
	EmVoices	voices = em_voices_begin(view);
	double	   *posterior = palloc(view->labels.n * sizeof(double));

	s->correlation = 0;
	em_tables_clear(view, counts);
	for (uint32 i = 0; i < view->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (!model_knows_labels(s, i) || !posterior_of_model(s, view, i, posterior))
			em_item_vote_shares(&voices, i, posterior);
		em_mix_gold(view, i, posterior);
		em_add_posterior(&voices, i, posterior, counts);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
