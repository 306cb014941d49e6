/*
 * majority.c
 *		Whether the answers of a fit are the most frequent labels.
 *
 * Looked at are items with two annotators or more; not those with gold, whose
 * answer is known.  Every answer is a vote there, whatever voices the fit has:
 * that is what a user counts.
 *
 * Memory: a number for each class.  Interrupts: within an item of many
 * annotations.
 */
#include "crowd/majority.h"

#include "noisylabel.h"

MajorityTally
majority_begin(const AnnotationView *view)
{
	return (MajorityTally) {.view = view,.votes = palloc0(view->labels.n * sizeof(uint32))};
}

/* What consensus() answers: of equal ones the first. */
static uint32
top_class(const double *posterior, uint32 classes)
{
	double		max = posterior[0];
	uint32		top = 0;

	for (uint32 k = 1; k < classes; k++)
		max = Max(max, posterior[k]);
	for (uint32 k = classes; k-- > 0;)
		top = posterior[k] >= max - NL_TIE_TOLERANCE ? k : top;
	return top;
}

/* The votes for an item's labels, and for one of them; "votes" is zero before and after. */
ItemVotes
item_votes(const AnnotationView *view, uint32 item, uint32 label, uint32 *votes)
{
	uint32		from = view->starts[item];
	uint32		to = view->starts[item + 1];
	ItemVotes	result = {0, 0, 0};

	for (uint32 a = from; a < to; a++)
	{
		uint32		n;

		NL_CHECK_INTERRUPTS(a);
		if (!annotation_is_class(view, view->label[a]))
			continue;
		n = ++votes[view->label[a]];
		result.with_most = n > result.most ? 1 : result.with_most + (n == result.most);
		result.most = Max(result.most, n);
	}
	result.label = label == NO_GOLD ? 0 : votes[label];
	for (uint32 a = from; a < to; a++)
		votes[view->label[a]] = 0;
	return result;
}

/* An EmLook. */
void
majority_look(void *tally, uint32 item, const double *posterior)
{
	MajorityTally *t = tally;
	const AnnotationView *view = t->view;
	ItemVotes	votes;

	if (!annotation_overlaps(view, item) ||
		annotation_gold(view, item) != NO_GOLD)
		return;
	votes = item_votes(view, item, top_class(posterior, view->labels.n), t->votes);
	if (votes.most == 0)
		return;					/* nobody names a class */
	t->items++;
	t->other += votes.label < votes.most;
	t->tied += votes.with_most > 1;
}
