/*
 * warn_gold.c
 *		Warnings about gold: that the crowd contradicts it, and classes that it
 *		alone has.
 *
 * Memory: a number for each label.  Interrupts: every block of items or annotations.
 */
#include "crowd/warnings.h"

#include <math.h>

#define BETTER_Z 2.0			/* of items that one of two predicts: it is better */

/* Gold alone is no better teacher just because the crowd is wrong. */
static const char *
advice(const GoldCheck *check, LearnFrom teacher)
{
	double		more = (double) check->by_gold_alone - check->by_crowd_alone;
	double		error = sqrt((double) check->by_gold_alone + check->by_crowd_alone);

	if (more > BETTER_Z * error)
		return teacher == LEARN_FROM_GOLD ?
			"that is the better of the two; look at the items without gold before you trust them" :
			"fit with option \"learn_from\" \"gold\", and look at the items without gold before you trust them";
	if (-more > BETTER_Z * error)
		return teacher == LEARN_FROM_GOLD ?
			"learn from all (\"learn_from\" \"all\"), but be less sure of items without gold than the model is" :
			"go on learning from all, but be less sure of items without gold than the model is";
	return "which is better these do not tell: be less sure of items without gold than the model is, or get more gold";
}

static void
warn_contradiction(AnnotatorModelView *model, const GoldCheck *check, LearnFrom teacher)
{
	if (check == NULL || !check->contradicted)
		return;
	warn(model, psprintf("the crowd contradicts gold: without it %u of %u gold items would be wrong, where %.1f are expected; of gold items left out, matrices taught by all answers predict %u of %u and those taught by gold alone %u: %s",
						 check->wrong, check->items, check->expected,
						 check->by_crowd, check->left_out, check->by_gold,
						 advice(check, teacher)));
}

/* How many items have each label as gold; 0 for those that annotators gave. */
static uint32 *
count_gold_alone(const AnnotationView *view)
{
	uint32	   *items = palloc0(view->labels.n * sizeof(uint32));

	for (uint32 i = 0; i < view->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (view->gold[i] != NO_GOLD)
			items[view->gold[i]]++;
	}
	for (uint32 a = 0; a < view->annotations; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		items[view->label[a]] = 0;
	}
	return items;
}

/* Classes that no annotator ever gave; labels that options alone name are none. */
static void
warn_gold_alone(AnnotatorModelView *model, const AnnotationView *view)
{
	uint32	   *alone;
	NameList	list = {.n = 0};
	uint32		items = 0;

	if (view->gold == NULL)
		return;
	alone = count_gold_alone(view);
	for (uint32 k = 0; k < view->labels.n; k++)
	{
		items += alone[k];
		if (alone[k] > 0)
			list_add(&list, &view->labels, k);
	}
	if (list.n > 0)
		warn(model, psprintf("only gold has class %s (%u item%s): no annotator ever answered so, and no item without gold will be of it; ask whether they may, or whether it is misspelt",
							 list.names.data, items, items == 1 ? "" : "s"));
	pfree(alone);
}

void
warn_gold(AnnotatorModelView *model, const AnnotationView *view, const EmFit *fit,
		  const FitOptions *options)
{
	warn_contradiction(model, fit->gold, options->learn_from);
	warn_gold_alone(model, view);
}
