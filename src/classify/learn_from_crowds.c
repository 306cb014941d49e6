/*
 * learn_from_crowds.c
 *		Annotators and a classifier, learned together from answers and features
 *		(Raykar et al. 2010, with several classes, and the classifier out of fold).
 *
 * Each item i has a truth, of which the classifier says p_i(k) from its features, and
 * annotator j answers l with the rate pi_j[l|k].  Rounds r = 1, 2, ... (crowd_rounds.c):
 *
 *	1. p_i (crowd_predict.c), by a classifier that was fitted without the item's fold (up
 *	   to DEALT_ONCE items: the mean of DEALS of them, each of other folds), to
 *	   the answers as they are (first round), and then (crowd_targets.c)
 *	   every_answer: sum over answers of -log sum_k p_i(k) pi_j[l|k] (logistic_fit.h);
 *	   consensus: the cross-entropy of evidence_i;
 *	2. pi (crowd_evidence.c) from the evidence of the round before, in the first from p,
 *	   by learn_annotators() (soft counts, drawn toward the crowd's); for an item of one
 *	   voice without its fold's such items: who has few answers would else excuse them;
 *	3. evidence_i(k) ~ p_i(k) * product over answers of pi_j[l|k]; 2 and 3 are done
 *	   PASSES times, since p alone is not sure of itself and makes annotators look
 *	   worse than they are, through whose rates the classifier would seem too timid
 *
 * until the answers look right, or the evidence stays as it is, or "rounds".  That is
 * EM but for the folds: a classifier that has learned from an item's answers repeats
 * them, and they would count twice.  At last pi is learned from all evidence, what
 * is reported of an item is p_i times the answers' likelihood by that, to the power of
 * design_exponent() (p_i is never tempered), and the classifier is fitted to all items.
 *
 * An item with gold is of that class, or nearly (gold_weight); it trains the classifier
 * by gold alone, and weighs as much as its answers would.  Answers of one annotator, or
 * of a group of them, to one item are one voice (crowd_voices.c): in what the classifier
 * learns from, in the evidence and in the crowd's rates; an annotator's own rates are
 * learned from his answers as if he had no group.  An answer that names no class (option
 * "abstain") is in the evidence, by how often annotators abstain on each class, and trains
 * nothing.  A class that a fold's model has never met is given 1 / (items + classes)
 * there, so that answers may say what the features cannot.  Of few items, where features
 * cannot be told from chance, nothing is predicted (crowd_features.c).
 *
 * Memory: the matrix of features once more for each deal to folds (DEALS for some
 * thousands of items, else one); four numbers for each item and class;
 * counts and rates for each answer that differs in annotator or label, and class; fits
 * (logistic_fit.c) and matrices of annotators (learn_annotators.c), one at a time.  What
 * a round needs is freed after it.  Interrupts: each item, and as the parts say.
 */
#include "classify/crowd_internal.h"

#include <math.h>

#include "classify/fitted_classifier.h"

/*
 * All rounds, and the evidence by what they end with; NULL: a class was lost, and it is
 * to be learned anew from the consensus, of which "warning" tells.  Of few items a
 * classifier that learns from every answer may explain a class away, by an intercept that
 * no penalty holds and annotators of whom little is known.  One that learns from the
 * consensus cannot run away so, since it says what an item is.
 */
static AnnotatorModel *
learn_model(CrowdFit *fit, const char **warning)
{
	AnnotatorModel *model = crowd_go_rounds(fit);
	double		given;
	double		left;
	int			lost;

	crowd_weigh_evidence(fit, model, false);
	lost = crowd_lost_class(fit, &given, &left);
	if (lost >= 0 && !fit->blind && fit->options->training == TRAIN_EVERY_ANSWER)
	{
		*warning = psprintf("trained by \"consensus\", since by \"every_answer\" class \"%s\" was nearly lost: %.1f items by the answers, %.1f by the fit; ask about more items",
							names_cstring(&fit->voices->classes, lost), given, left);
		return NULL;
	}
	crowd_warn_of_features(fit);
	crowd_warn_of_gold(fit);
	if (*warning != NULL)
		crowd_warn(fit, *warning);
	if (lost >= 0)
		crowd_warn(fit, psprintf("class \"%s\" is nearly lost: %.1f items by the answers, %.1f by the fit; ask about more items, or give gold",
								 names_cstring(&fit->voices->classes, lost), given, left));
	return model;
}

/*
 * A fit, in the current context, and its matrices; NULL if nobody names a class.  One
 * that is made anew has nothing of the first, and is what option "training" "consensus"
 * would have made.
 */
static CrowdFit *
fit_rows(const CrowdRowsView *rows, CrowdOptions *options, AnnotatorModel **model)
{
	char	   *given = crowd_options_json(options);
	const char *warning = NULL;
	MemoryContext old = CurrentMemoryContext;
	MemoryContext first = AllocSetContextCreate(old, LEARN_FROM_CROWDS " by every answer",
												ALLOCSET_DEFAULT_SIZES);
	CrowdFit   *fit;

	MemoryContextSwitchTo(first);
	fit = crowd_begin(rows, options);
	*model = fit == NULL ? NULL : learn_model(fit, &warning);
	MemoryContextSwitchTo(old);
	if (fit == NULL || *model != NULL)
		return fit;
	warning = pstrdup(warning);
	MemoryContextDelete(first);
	options->training = TRAIN_CONSENSUS;
	fit = crowd_begin(rows, options);
	fit->options_json = given;
	*model = learn_model(fit, &warning);
	return fit;
}

/* What learn_annotators() cannot know: that there are items, and gold. */
static AnnotatorModel *
finish_model(const CrowdFit *fit, const AnnotatorModel *model)
{
	AnnotatorModelView view = annotator_model_view(model);

	view.items = fit->items;
	view.n_annotations = fit->view->annotations;
	view.gold_weight = fit->options->gold_weight;
	view.iterations = fit->rounds;
	view.converged = fit->converged;
	view.method = psprintf(LEARN_FROM_CROWDS ": correlation %.2f", fit->options->correlation);
	view.stopped_by = fit->stopped_by;
	view.options = fit->options_json;
	for (uint32 i = 0; i < fit->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (annotation_gold(fit->view, i) == NO_GOLD)
			continue;
		view.gold_items++;
		for (uint32 a = fit->view->starts[i]; a < fit->view->starts[i + 1]; a++)
			if (fit->voices->label_class[fit->view->label[a]] >= 0)
				view.gold_annotations[fit->view->annotator[a]]++;
	}
	return annotator_model_make(&view);
}

/* Of all items; NULL where there is nothing that it could tell apart. */
static Classifier *
fit_classifier(CrowdFit *fit)
{
	ClassifierOptions own = fit->options->classifier;
	FittedModel *fitted;

	if (fit->folds == 0 || fit->classes < 2)
		return NULL;
	crowd_retarget(fit);
	own.choose = false;
	fitted = logistic_fit(fit->deal[0].design, false, &own.regression, LEARN_FROM_CROWDS);
	if (fitted->classes < 2)
		return NULL;
	logistic_check_finite(fitted, fit->deal[0].set.x.width);
	if (!fitted->converged)
		crowd_warn(fit, psprintf("the classifier did not converge in %d iterations: raise \"max_iterations\" or \"l2\"",
								 fitted->iterations));
	return classifier_of_fit(fitted, fit->deal[0].design, &fit->voices->classes,
							 classifier_options_json(&own));
}

/* Of the answers, by the predictions through the annotators' rates that the rounds use. */
static double
log_loss(const CrowdFit *fit)
{
	double		loss = 0;

	for (uint32 i = 0; i < fit->items; i++)
		for (uint32 a = fit->view->starts[i]; a < fit->view->starts[i + 1]; a++)
		{
			const double *rates = crowd_rates_of(fit, i, a);
			double		p = 0;

			NL_CHECK_INTERRUPTS(a);
			for (Size k = 0; k < fit->classes; k++)
				p += fit->predicted[i * fit->classes + k] * rates[k];
			loss -= fit->voices->heard[a] * log(Max(p, 1e-300));
		}
	return Max(loss / fit->voices->all, 0);
}

static uint32 *
count_per_item(const CrowdFit *fit)
{
	uint32	   *n = nl_alloc(CurrentMemoryContext, mul_size(fit->items, sizeof(uint32)));

	for (uint32 i = 0; i < fit->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		n[i] = fit->view->starts[i + 1] - fit->view->starts[i];
	}
	return n;
}

/*
 * The crowd_model, in the current context, as is all that it is made of; NULL if nobody
 * names a class.
 */
CrowdModel *
learn_from_crowds(const CrowdRowsView *rows, CrowdOptions *options)
{
	AnnotatorModel *model;
	CrowdFit   *fit = fit_rows(rows, options, &model);
	Classifier *classifier;
	CrowdModelView view;

	if (fit == NULL)
		return NULL;
	classifier = fit_classifier(fit);
	crowd_weigh_evidence(fit, model, true);
	view = (CrowdModelView) {
		.annotators = finish_model(fit, model),
		.classifier = classifier,
		.labels = fit->voices->classes,
		.items = fit->view->item_names,
		.answers = count_per_item(fit),
		.distribution = fit->evidence,
		.predicted = fit->blind ? NULL : fit->predicted,
		.features = rows->features,
		.rounds = fit->rounds,
		.converged = fit->converged,
		.l2 = options->classifier.regression.l2,
		.noise = fit->noise,
		.log_loss = log_loss(fit),
		.options = fit->options_json,
		.stopped_by = fit->stopped_by,
		.n_warnings = fit->n_warnings,
		.warnings = fit->warnings
	};
	return crowd_model_make(&view);
}
