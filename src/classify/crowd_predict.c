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

static void
keep_predictions(CrowdFit *fit, const FittedModel *models)
{
	const Design *d = fit->design;

	logistic_held_out(d, models, fit->held);
	for (uint32 f = 0; f < d->folds; f++)
		for (uint32 row = d->start[f]; row < d->start[f + 1]; row++)
		{
			double	   *p = fit->predicted + fit->item[row] * fit->classes;

			CHECK_FOR_INTERRUPTS();
			memcpy(p, fit->held + row * fit->classes, fit->classes * sizeof(double));
			admit_classes(fit, &models[f], p);
		}
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
	choice = logistic_choose_l2(fit->design, &o->regression, LEARN_FROM_CROWDS);
	o->regression.l2 = choice.l2[choice.best];
}

/* "model": of the round before, or NULL. */
void
crowd_predict(CrowdFit *fit, int round, const AnnotatorModel *model)
{
	FittedModel *models;

	fit->failed = 0;
	if (fit->folds == 0)
	{
		if (fit->options->classifier.choose)
			fit->options->classifier.regression.l2 = 1;
		predict_nothing(fit);
		return;
	}
	crowd_retarget(fit, model);
	choose_l2(fit, round);
	models = logistic_fit(fit->design, true, &fit->options->classifier.regression, LEARN_FROM_CROWDS);
	for (uint32 f = 0; f < fit->folds; f++)
	{
		logistic_check_finite(&models[f], fit->set.x.width);
		fit->failed += !models[f].converged;
	}
	keep_predictions(fit, models);
}
