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
	uint32		k = 0;

	for (uint32 c = 1; c < classes; c++)
		max = Max(max, posterior[c]);
	while (posterior[k] < max - NL_TIE_TOLERANCE)
		k++;
	return k;
}

/* An EmLook. */
void
majority_look(void *tally, uint32 item, const double *posterior)
{
	MajorityTally *t = tally;
	const AnnotationView *view = t->view;
	uint32		from = view->starts[item];
	uint32		to = view->starts[item + 1];
	uint32		most = 0;
	uint32		with_most = 0;

	if (!annotation_overlaps(view, item) ||
		annotation_gold(view, item) != NO_GOLD)
		return;
	for (uint32 a = from; a < to; a++)
	{
		uint32		votes;

		NL_CHECK_INTERRUPTS(a);
		if (!annotation_is_class(view, view->label[a]))
			continue;
		votes = ++t->votes[view->label[a]];
		with_most = votes > most ? 1 : with_most + (votes == most);
		most = Max(most, votes);
	}
	if (most == 0)
		return;					/* nobody names a class */
	t->items++;
	t->other += t->votes[top_class(posterior, view->labels.n)] < most;
	t->tied += with_most > 1;
	for (uint32 a = from; a < to; a++)
		t->votes[view->label[a]] = 0;
}
