/*
 * crowd_warnings.c
 *		What makes the answer of learn_from_crowds() untrustworthy: folds, gold, classes
 *		that are lost; features are judged in crowd_features.c.
 */
#include "classify/crowd_internal.h"

#define LOST_SHARE 0.1			/* of the items that answers give a class */

void
crowd_warn(CrowdFit *fit, const char *text)
{
	if (fit->n_warnings < lengthof(fit->warnings))
		fit->warnings[fit->n_warnings++] = text;
}

void
crowd_warn_of_folds(CrowdFit *fit)
{
	const Folds *made = &fit->deal[0].made;

	if (fit->folds == 0)
		crowd_warn(fit, psprintf("nothing is predicted: no item can be judged by a classifier that never saw it, since all items (%u) belong together; ask about more items, with other features",
								 fit->items));
	else if (made->kept_apart)
		crowd_warn(fit, "items with the same features are in different folds, since keeping them together would leave no balanced folds: set \"duplicates\" to \"together\" or \"split\"");
	else if (!made->split && made->twins > fit->items / 2 &&
			 fit->options->classifier.duplicates != DUPLICATES_TOGETHER)
		crowd_warn(fit, psprintf("%u of %u items have the same features as another one, and are kept in one fold with it: if features are categories, set \"duplicates\" to \"split\"",
								 made->twins, fit->items));
	if (fit->classes == 1)
		crowd_warn(fit, "there is one class only, so that there is nothing to learn");
}

/* Answers are what the fit believes at first; a class that they never name is hard to find. */
void
crowd_warn_of_gold(CrowdFit *fit)
{
	uint32	   *gold = palloc0(fit->classes * sizeof(uint32));
	bool	   *named = palloc0(fit->classes);

	for (uint32 c = 0; c < fit->pairs; c++)
	{
		NL_CHECK_INTERRUPTS(c);
		if (annotation_is_class(fit->view, fit->pair[c].label))
			named[fit->voices->label_class[fit->pair[c].label]] = true;
	}
	for (uint32 i = 0; i < fit->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (annotation_gold(fit->view, i) != NO_GOLD)
			gold[crowd_voices_gold(fit->voices, i)]++;
	}
	for (Size k = 0; k < fit->classes; k++)
		if (gold[k] > 0 && !named[k])
		{
			crowd_warn(fit, psprintf("only gold has class \"%s\" (%u item%s): no annotator ever answered so; ask whether they may, or whether it is misspelt",
									 names_cstring(&fit->voices->classes, k), gold[k], gold[k] == 1 ? "" : "s"));
			break;
		}
	pfree(gold);
	pfree(named);
}

/*
 * A class that answers name and the evidence gives up, or -1: features and annotators
 * agree on another explanation of its answers.  "given", "left": its items by both.
 */
int
crowd_lost_class(const CrowdFit *fit, double *given, double *left)
{
	double	   *votes = palloc0(fit->classes * sizeof(double));
	double	   *of_item = palloc(fit->classes * sizeof(double));
	double	   *items = palloc0(fit->classes * sizeof(double));
	int			lost = -1;

	for (uint32 i = 0; i < fit->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		crowd_voices_shares(fit->voices, i, of_item);
		for (Size k = 0; k < fit->classes; k++)
		{
			votes[k] += of_item[k];
			items[k] += fit->evidence[i * fit->classes + k];
		}
	}
	for (Size k = 0; k < fit->classes && lost < 0; k++)
		if (votes[k] >= 1 && items[k] < votes[k] * LOST_SHARE)
		{
			lost = k;
			*given = votes[k];
			*left = items[k];
		}
	pfree(votes);
	pfree(of_item);
	pfree(items);
	return lost;
}
