/*
 * gold_check.c
 *		Whether the crowd contradicts gold, and who then predicts gold better.
 *
 * First, of every item with gold: what would the answer have been without it?
 * It should be wrong with one minus the confidence that is reported where answers
 * are as correlated as is usual.  (Not as they are here: that was estimated so
 * that the confidence is right, however wrong the crowd.)  Gold that may be wrong
 * (gold_weight) is expected to contradict it now and then.
 *
 * More errors than that, beyond chance, mean that the crowd agrees on what is
 * wrong, or that this crowd errs together more than is usual.  What to do differs.
 * So then gold is left out, a fifth of its items at a time, and predicted twice:
 * by a fit of all answers, and by matrices that the other gold alone taught.
 *
 * Memory: beside the fit another's tables, and a copy of the view's gold; one
 * fold at a time.  Interrupts: in the fits, and for each item with gold.
 */
#include "crowd/fit.h"

#include <math.h>

#include "common/hashfn.h"
#include "math/ordering.h"

#define FOLDS 5
#define FOLD_SEED 35
#define Z_ALARM 3.0				/* standard errors beyond chance */

static inline uint32
fold_of(uint32 item)
{
	return hash_bytes_uint32_extended(item, FOLD_SEED) % FOLDS;
}

/* How likely gold, which may be wrong, says what is reported with this confidence. */
static double
chance_of_agreement(const AnnotationView *view, double confidence)
{
	double		right = view->gold_weight;

	return right * confidence +
		(1 - right) * (1 - confidence) / (annotation_classes(view) - 1);
}

/* The first step. */
static void
compare_with_gold(const AnnotationView *view, const EmFit *fit, GoldCheck *check)
{
	AnnotationView without_gold = annotations_without_gold(view);
	EmPosteriors *posteriors = em_begin_posteriors(&without_gold, &fit->parameters);
	double		variance = 0;

	for (uint32 i = 0; i < view->items; i++)
	{
		const double *p;
		double		agrees;
		uint32		top;

		NL_CHECK_INTERRUPTS(i);
		if (annotation_gold(view, i) == NO_GOLD)
			continue;
		p = em_reported_posterior(posteriors, i, ASSUMED_CORRELATION);
		top = first_of_largest(p, view->labels.n);
		agrees = chance_of_agreement(view, p[top]);
		check->items++;
		check->wrong += top != view->gold[i];
		check->expected += 1 - agrees;
		variance += agrees * (1 - agrees);
	}
	em_end_posteriors(posteriors);
	/* one error may always happen, however sure the model is */
	check->contradicted = check->wrong > check->expected + Z_ALARM * sqrt(variance + 1);
}

/* Leaves out the gold of a fold; false if none is left, or none left out. */
static bool
leave_out(const AnnotationView *view, uint32 fold, uint16 *gold)
{
	bool		any_out = false;
	bool		any_left = false;

	for (uint32 i = 0; i < view->items; i++)
	{
		bool		out = fold_of(i) == fold;

		NL_CHECK_INTERRUPTS(i);
		gold[i] = out ? NO_GOLD : view->gold[i];
		any_out = any_out || (out && view->gold[i] != NO_GOLD);
		any_left = any_left || gold[i] != NO_GOLD;
	}
	return any_out && any_left;
}

/* Which items of the fold a teacher predicts, of the view without their gold. */
static void
predict(const AnnotationView *without, const uint16 *gold, const FitOptions *options,
		LearnFrom teacher, uint32 fold, Size beside, bool *right)
{
	EmFit	   *fit = run_teacher(without, options, teacher, beside);
	EmPosteriors *posteriors = em_begin_posteriors(without, &fit->parameters);

	for (uint32 i = 0; i < without->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (fold_of(i) == fold && gold[i] != NO_GOLD)
			right[i] = first_of_largest(em_item_posterior(posteriors, i),
								 without->labels.n) == gold[i];
	}
	em_end_posteriors(posteriors);
	em_fit_free(fit);
}

static void
compare_teachers(const AnnotationView *view, const FitOptions *options, uint32 fold,
				 Size beside, GoldCheck *check)
{
	AnnotationView by_crowd = *view;
	AnnotationView by_gold = *view;
	uint16	   *gold = nl_alloc(CurrentMemoryContext, view->items * sizeof(uint16));
	bool	   *crowd_right = nl_alloc_zero(CurrentMemoryContext, view->items);
	bool	   *gold_right = nl_alloc_zero(CurrentMemoryContext, view->items);

	if (!leave_out(view, fold, gold))
		return;
	by_crowd.gold = by_gold.gold = gold;
	if (options->variant == VARIANT_AUTO && view->teaching_voices == 0)
		em_set_voices(&by_crowd, NULL);
	by_gold.voices = by_gold.group = NULL;
	by_gold.teaching_voices = 0;
	predict(&by_crowd, view->gold, options, LEARN_FROM_ALL, fold, beside, crowd_right);
	predict(&by_gold, view->gold, options, LEARN_FROM_GOLD, fold, beside, gold_right);
	for (uint32 i = 0; i < view->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		check->left_out += fold_of(i) == fold && view->gold[i] != NO_GOLD;
		check->by_crowd += crowd_right[i];
		check->by_gold += gold_right[i];
		check->by_crowd_alone += crowd_right[i] && !gold_right[i];
		check->by_gold_alone += gold_right[i] && !crowd_right[i];
	}
}

/* The view and what the fit was of; NULL without gold. */
GoldCheck *
check_gold(const AnnotationView *view, const FitOptions *options, const EmFit *fit,
		   Size beside)
{
	GoldCheck  *check;

	if (view->gold == NULL || annotation_classes(view) < 2)
		return NULL;
	check = palloc0(sizeof(GoldCheck));
	compare_with_gold(view, fit, check);
	for (uint32 fold = 0; fold < FOLDS && check->contradicted; fold++)
	{
		MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
													  "dawid_skene gold left out",
													  ALLOCSET_DEFAULT_SIZES);
		MemoryContext old = MemoryContextSwitchTo(context);

		compare_teachers(view, options, fold, beside, check);
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
	}
	return check;
}
