/*
 * crowd_features.c
 *		Whether features say anything of items, as far as learn_from_crowds() can tell.
 */
#include "classify/crowd_internal.h"

#include <math.h>

#define FEW_ITEMS 30
#define Z_FEATURES 2			/* standard errors by which features must say something */

/*
 * How much better the first round's classifier, which has learned from answers as they
 * are, predicts those of items that it has not seen (or their gold) than the answers'
 * shares do: by the mean probability of an answer, which tells that something is known
 * even where predictions are too sure.
 */
static void
compare(CrowdFit *fit)
{
	double	   *shares = palloc0(fit->classes * sizeof(double));
	double	   *said = palloc(fit->classes * sizeof(double));
	double		items = Max(fit->voices->items_told, 1);
	double		squares = 0;
	double		gain;

	fit->foreseen = fit->by_shares = 0;
	for (uint32 i = 0; i < fit->items; i++)
	{
		CHECK_FOR_INTERRUPTS();
		crowd_voices_shares(fit->voices, i, said);
		for (Size k = 0; k < fit->classes; k++)
			shares[k] += said[k] / items;
	}
	for (uint32 i = 0; i < fit->items; i++)
	{
		const double *p = fit->predicted + i * fit->classes;
		double		foreseen = 0;
		double		by_shares = 0;

		CHECK_FOR_INTERRUPTS();
		crowd_voices_shares(fit->voices, i, said);
		for (Size k = 0; k < fit->classes; k++)
		{
			foreseen += said[k] * p[k];
			by_shares += said[k] * shares[k];
		}
		fit->foreseen += foreseen / items;
		fit->by_shares += by_shares / items;
		squares += (foreseen - by_shares) * (foreseen - by_shares);
	}
	gain = fit->foreseen - fit->by_shares;
	fit->gain_error = sqrt(Max(squares / items - gain * gain, 0) / items);
	pfree(shares);
	pfree(said);
}

static bool
say_little(const CrowdFit *fit)
{
	return fit->foreseen - fit->by_shares <= Z_FEATURES * fit->gain_error;
}

/*
 * By the first round's predictions.  What a fold's model has learned from a handful of
 * items it holds for certain, and rounds would make more of it.  So where items are few
 * and features cannot be told from chance they are not believed at all.
 */
void
crowd_judge_features(CrowdFit *fit)
{
	compare(fit);
	fit->blind = fit->classes > 1 && fit->voices->items_told < FEW_ITEMS && say_little(fit);
}

void
crowd_warn_of_features(CrowdFit *fit)
{
	if (fit->folds == 0 || fit->classes == 1 || !say_little(fit))
		return;
	if (fit->blind)
		crowd_warn(fit, psprintf("nothing is predicted: of few items (%u) it cannot be told whether features say anything; ask about %d or more, or take dawid_skene() where items have several answers",
								 fit->voices->items_told, FEW_ITEMS));
	else
		crowd_warn(fit, psprintf("features say little: out of fold they give an answer a probability of %.3f, the shares of the labels %.3f (standard error %.3f); give features that tell the classes apart, or take dawid_skene() where items have several answers",
								 fit->foreseen, fit->by_shares, fit->gain_error));
}
