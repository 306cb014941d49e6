/*
 * warn_items.c
 *		Warnings about items and classes: what the answers to them can tell.
 */
#include "crowd/warnings.h"

#include <math.h>

#include "math/disjoint_sets.h"

#define MAJORITY_ALARM 0.2		/* of the items have another answer */
#define TIED_ALARM 0.5			/* of the items are tied, beyond chance */
#define TIED_Z 3.0

/*
 * Annotators that share an item can be compared, and so can those that are
 * connected through others.  Returns how many groups there are, and whether any
 * item has two annotators.
 */
static uint32
count_groups(const AnnotationView *view, bool *overlap)
{
	uint32		groups = view->annotators.n;
	uint32	   *parent = sets_begin(groups);

	*overlap = false;
	for (uint32 i = 0; i < view->items && (groups > 1 || !*overlap); i++)
	{
		NL_CHECK_INTERRUPTS(i);
		for (uint32 a = view->starts[i] + 1; a < view->starts[i + 1]; a++)
		{
			NL_CHECK_INTERRUPTS(a);
			*overlap = *overlap || view->annotator[a] != view->annotator[a - 1];
			groups -= sets_unite(parent, view->annotator[a - 1], view->annotator[a]);
		}
	}
	pfree(parent);
	return groups;
}

void
warn_connection(AnnotatorModelView *model, const AnnotationView *view)
{
	bool		overlap;
	uint32		groups = count_groups(view, &overlap);

	if (model_knows_nothing(model) && !overlap)
		warn(model, "no item has two annotators: nothing tells their errors from the truth; have some items answered again");
	else if (model_knows_nothing(model))
		warn(model, "no item has two voices, since a group of annotators is one and who abstains is none: nothing tells their errors from the truth; have some items answered by others, too");
	else if (groups > 1 && overlap) /* gold compares those who share no item at all */
		warn(model, psprintf("annotators form %u groups that share no item: scores of different groups cannot be compared; let groups share items, or fit each by itself (GROUP BY)",
							 groups));
}

/*
 * Classes that the fit believes almost no item has, where so many items teach
 * that it is no chance.
 */
void
warn_classes(AnnotatorModelView *model, const EmFit *fit)
{
	uint32		classes = model->labels.n;	/* with the label that is none */
	const double *items = fit->counts.prior;
	NameList	list = {.n = 0};
	double		n = 0;			/* that teach */
	double		enough = (double) FEW_ITEMS * (classes - (model->abstains != 0)) - 0.5;

	for (uint32 k = 0; k < classes; k++)
		n += items[k];
	for (uint32 k = 0; k < classes && n >= enough; k++)
		if (items[k] < 1 && k + 1 != model->abstains)
			list_add(&list, &model->labels, k);
	if (list.n > 0)
		warn(model, psprintf("less than one of %.0f items is expected to be of class %s; if it is misspelt or no class, correct it or leave it out",
							 n, list.names.data));
}

/* On most items nothing but trust in annotators decides. */
bool
is_contradictory(const MajorityTally *m)
{
	return m->items >= FEW_ITEMS &&
		m->tied >= m->items * TIED_ALARM +
		TIED_Z * sqrt(m->items * TIED_ALARM * (1 - TIED_ALARM));
}

/* Items whose answer is not what most say, and items of which most say nothing. */
void
warn_majority(AnnotatorModelView *model, const MajorityTally *m)
{
	if (m->other > MAJORITY_ALARM * m->items)
		warn(model, psprintf("the answer is not the most frequent label on %u of %u items (%.0f %%) that two annotators or more answered: look at some of these before you trust it",
							 m->other, m->items, 100.0 * m->other / m->items));
	if (is_contradictory(m))
		warn(model, psprintf("contradictory answers: on %u of %u items that two annotators or more answered the most frequent labels tie, so that the answer hangs on whom the model trusts; have them answered again, or give some gold",
							 m->tied, m->items));
}
