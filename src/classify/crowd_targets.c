/*
 * crowd_targets.c
 *		What the classifier of learn_from_crowds() learns from: votes, answers through their
 *		annotators' rates, or the evidence.
 */
#include "classify/crowd_internal.h"

#include "crowd/apply_model.h"

/* The chance that gold is what it is where the class is k. */
double
crowd_gold_rate(const CrowdFit *fit, uint32 gold, Size k)
{
	double		right = fit->options->gold_weight;

	return fit->classes == 1 ? 1 : k == gold ? right : (1 - right) / (fit->classes - 1);
}

/* Begin the targets of a row anew; rows come in order. */
static void
begin_targets(CrowdDeal *deal, uint32 row)
{
	deal->set.target_end[row] = target_begin(&deal->set, row);
}

/* A distribution over classes. */
static void
set_shares(const CrowdFit *fit, CrowdDeal *deal, uint32 row, const double *p)
{
	begin_targets(deal, row);
	for (Size k = 0; k < fit->classes; k++)
		if (p[k] > 0)
			training_set_answer(&deal->set, row, k, p[k]);
}

/* The votes on an item. */
void
crowd_set_votes(const CrowdFit *fit, CrowdDeal *deal, uint32 row, uint32 item)
{
	double	   *votes = palloc(fit->classes * sizeof(double));

	crowd_voices_shares(fit->voices, item, votes);
	set_shares(fit, deal, row, votes);
	pfree(votes);
}

/* Code of a part's first pair; those of gold come after all pairs. */
static inline uint32
first_code(const CrowdFit *fit, uint32 part)
{
	return part * (fit->pairs + (uint32) fit->classes);
}

/* An answer's rates, as they are learned for its item's part. */
const double *
crowd_rates_of(const CrowdFit *fit, uint32 item, uint32 annotation)
{
	return fit->rates + (Size) (first_code(fit, fit->part[item]) + fit->code[annotation]) * fit->classes;
}

/* All answers to an item that name a class, or its gold. */
static void
set_answers(const CrowdFit *fit, CrowdDeal *deal, uint32 row, uint32 item)
{
	const AnnotationView *view = fit->view;
	uint32		gold = crowd_voices_gold(fit->voices, item);
	double		voices = crowd_voices_named(fit->voices, item);
	uint32		first = first_code(fit, fit->part[item]);

	begin_targets(deal, row);
	if (gold != NO_GOLD)
	{
		training_set_answer(&deal->set, row, first + fit->pairs + gold, 1);
		return;
	}
	for (uint32 a = view->starts[item]; a < view->starts[item + 1]; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		if (annotation_is_class(view, view->label[a]))
			training_set_answer(&deal->set, row, first + fit->code[a],
								fit->voices->heard[a] / voices);
	}
}

/* The rates of pairs for a part by a model, and those of gold. */
void
crowd_set_rates(CrowdFit *fit, const AnnotatorModel *model, uint32 part)
{
	AnnotatorModelView view = annotator_model_view(model);
	const uint32 *label = fit->voices->class_label;
	Size		classes = fit->classes;
	Size		labels = view.labels.n;
	double	   *matrix = nl_alloc(CurrentMemoryContext, labels * labels * sizeof(double));
	double	   *to = fit->rates + (Size) first_code(fit, part) * classes;

	for (uint32 c = 0; c < fit->pairs; c++, to += classes)
	{
		CHECK_FOR_INTERRUPTS();
		if (c == 0 || fit->pair[c].annotator != fit->pair[c - 1].annotator)
			model_component_rates(&view, 0, fit->pair[c].annotator, matrix);
		for (Size k = 0; k < classes; k++)
			to[k] = matrix[fit->pair[c].label * labels + label[k]];
	}
	for (Size gold = 0; gold < classes; gold++, to += classes)
		for (Size k = 0; k < classes; k++)
			to[k] = crowd_gold_rate(fit, gold, k);
	pfree(matrix);
}

/* Evidence into a deal. */
static void
retarget_evidence(const CrowdFit *fit, CrowdDeal *deal)
{
	for (uint32 row = 0; row < fit->items; row++)
	{
		CHECK_FOR_INTERRUPTS();
		if (crowd_voices_tell(fit->voices, deal->item[row]))
			set_shares(fit, deal, row, fit->evidence + deal->item[row] * fit->classes);
		else
			begin_targets(deal, row);
	}
}

/* Answers into a deal, if they are not there, and their rates. */
static void
retarget_answers(const CrowdFit *fit, CrowdDeal *deal)
{
	for (uint32 row = 0; row < fit->items && deal->set.rates == NULL; row++)
	{
		CHECK_FOR_INTERRUPTS();
		set_answers(fit, deal, row, deal->item[row]);
	}
	deal->set.rates = fit->rates;
}

/* The present targets into the designs; before the first round votes are there. */
void
crowd_retarget(CrowdFit *fit)
{
	bool		consensus = fit->options->training == TRAIN_CONSENSUS;

	for (uint32 d = 0; d < fit->deals; d++)
	{
		if (consensus)
			retarget_evidence(fit, &fit->deal[d]);
		else
			retarget_answers(fit, &fit->deal[d]);
		design_retarget(fit->deal[d].design);
	}
}
