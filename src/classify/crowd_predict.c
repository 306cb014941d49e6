/*
 * crowd_predict.c
 *		Step 1 of a round of learn_from_crowds(): what the classifier says of items that it
 *		has not seen.
 */
#include "classify/crowd_internal.h"

#define CHOICES 3				/* rounds in which l2 is chosen: by labels, and then by answers */

/* Some of the probability for classes that the fold's model has never met. */
static void
admit_classes(const CrowdFit *fit, const FittedModel *model, double *p)
{
	double		each = 1.0 / (fit->items + fit->classes);

	if (model->classes == fit->classes)
		return;
	for (Size k = 0; k < fit->classes; k++)
		p[k] *= 1 - (fit->classes - model->classes) * each;
	for (Size k = 0, known = 0; k < fit->classes; k++)
	{
		if (known < model->classes && model->label[known] == k)
			known++;
		else
			p[k] = each;
	}
}

/* To the mean over all deals. */
static void
add_predictions(CrowdFit *fit, const CrowdDeal *deal, const FittedModel *models)
{
	const Design *d = deal->design;

	logistic_held_out(d, models, fit->held);
	for (uint32 f = 0; f < d->folds; f++)
		for (uint32 row = d->start[f]; row < d->start[f + 1]; row++)
		{
			double	   *p = fit->held + row * fit->classes;
			double	   *to = fit->predicted + deal->item[row] * fit->classes;

			CHECK_FOR_INTERRUPTS();
			admit_classes(fit, &models[f], p);
			for (Size k = 0; k < fit->classes; k++)
				to[k] += p[k] / fit->deals;
		}
}

/* By the models of a deal's folds. */
static void
predict_deal(CrowdFit *fit, const CrowdDeal *deal)
{
	FittedModel *models = logistic_fit(deal->design, true, &fit->options->classifier.regression,
									   LEARN_FROM_CROWDS);

	for (uint32 f = 0; f < deal->made.n; f++)
	{
		logistic_check_finite(&models[f], deal->set.x.width);
		fit->failed += !models[f].converged;
	}
	add_predictions(fit, deal, models);
}

/* Where nothing can be predicted, every class is as likely. */
static void
predict_nothing(CrowdFit *fit)
{
	for (Size i = 0; i < fit->items * fit->classes; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		fit->predicted[i] = 1.0 / fit->classes;
	}
}

static void
choose_l2(CrowdFit *fit, int round)
{
	ClassifierOptions *o = &fit->options->classifier;
	L2Choice	choice;

	if (!o->choose || round > CHOICES)
		return;
	choice = logistic_choose_l2(fit->deal[0].design, &o->regression, LEARN_FROM_CROWDS);
	o->regression.l2 = choice.l2[choice.best];
}

/* By all deals. */
static void
predict_items(CrowdFit *fit, int round)
{
	if (round > 1)
		crowd_retarget(fit);
	choose_l2(fit, round);
	nl_clear(fit->predicted, mul_size(fit->items, fit->classes * sizeof(double)));
	for (uint32 d = 0; d < fit->deals; d++)
		predict_deal(fit, &fit->deal[d]);
}

void
crowd_predict(CrowdFit *fit, int round)
{
	fit->failed = 0;
	if (fit->folds == 0)
	{
		if (fit->options->classifier.choose)
			fit->options->classifier.regression.l2 = 1;
		fit->blind = true;
	}
	else if (round == 1)
	{
		predict_items(fit, round);
		crowd_judge_features(fit);
	}
	else if (!fit->blind)
		predict_items(fit, round);
	if (fit->blind)
		predict_nothing(fit);
}
