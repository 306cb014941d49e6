/*
 * choose_variant.c
 *		Variant auto: the model that the crowd's answers bear.
 *
 * Full confusion matrices see which classes an annotator confuses, but where
 * annotators share errors (a hard item, a common prejudice) EM explains the
 * sharing by ever stranger matrices, and can end far below majority vote.
 * A few parameters that are not iterated far withstand that, but miss what the
 * matrices would have seen.  So there are two fits:
 *
 * The efficient one: full matrices, lightly smoothed toward the pool, to
 * convergence; then smoothed as much as the data say (see em_shrinkage.c) toward
 * what explains them better, the pool's rates or each annotator's own accuracy
 * with the pool's errors, and on to convergence.
 *
 * The robust one: a ladder of models, each freeing more than the one before.
 * One coin for each annotator, to convergence, with the class prior kept at the
 * vote shares; then one step each to one accuracy for each class and to full
 * matrices.  From a good start one step is nearly as efficient as the whole way
 * (Le Cam's one-step estimators; for this model Zhang et al., JMLR 17, 2016),
 * and there is no loop for errors to feed on.  With two classes the upper rungs
 * are the same model, and one step is taken.
 *
 * The efficient fit is the answer unless two things speak against it: its
 * annotators agree more than independence allows (em_dependence_test.c, at the 5 %
 * level), and under it the crowd would be less accurate than under the robust
 * one, by more than a percentage point.  The first says that its likelihood is
 * not to be trusted, the second which of two explanations of the crowd is the
 * more natural.  Gold is never looked at to choose, though it takes part in
 * both fits as in any other.
 *
 * Memory: the tables of two fits beside the team's.  Interrupts: in the fits.
 */
#include "crowd/em.h"

#define MARGIN 0.01				/* of the crowd's accuracy */
#define Z_DEPENDENT 1.645		/* one-sided 5 % */

static EmFit *
fit_ladder(EmTeam *team, const EmOptions *options, const EmCounts *start)
{
	EmOptions	rung = *options;
	EmFit	   *fit;

	rung.fixed_prior = true;
	rung.toward = TOWARD_POOL;
	rung.variant = VARIANT_ONE_COIN;
	rung.smoothing = em_light_smoothing(team, rung.variant);
	rung.max_iterations = Max(rung.max_iterations - (team->classes > 2 ? 2 : 1), 1);
	fit = em_fit(team, &rung, start);

	rung.smoothing = em_light_smoothing(team, VARIANT_FULL);
	if (team->classes > 2)
	{
		rung.variant = VARIANT_CLASS;
		fit = em_one_step(team, &rung, &fit->counts, fit);
	}
	rung.variant = VARIANT_FULL;
	fit = em_one_step(team, &rung, &fit->counts, fit);
	fit->detail = "one step from one_coin, as annotators' errors are not independent";
	return fit;
}

/* The share of annotations that the fit takes for right. */
static double
crowd_accuracy(const EmTeam *team, const EmFit *fit)
{
	double		right = 0;

	for (Size j = 0; j < team->annotators; j++)
	{
		CHECK_FOR_INTERRUPTS();
		for (Size k = 0; k < team->classes; k++)
			right += fit->counts.confusion[em_cell(team->classes, j, k, k)];
	}
	return right / Max(team->view.annotations, 1);
}

static bool
prefer_robust(const EmTeam *team, const EmFit *efficient, const EmFit *robust)
{
	return crowd_accuracy(team, robust) > crowd_accuracy(team, efficient) + MARGIN &&
		em_dependence(&team->view, &efficient->parameters) > Z_DEPENDENT;
}

EmFit *
fit_auto(EmTeam *team, const EmOptions *options, const EmCounts *start)
{
	EmOptions	full = *options;
	EmFit	   *efficient;
	EmFit	   *robust;

	full.variant = VARIANT_FULL;
	full.toward = TOWARD_POOL;
	full.smoothing = em_light_smoothing(team, full.variant);
	efficient = em_fit(team, &full, start);
	if (team->classes == 1)
		return efficient;
	robust = fit_ladder(team, options, start);
	if (prefer_robust(team, efficient, robust))
	{
		em_fit_free(efficient);
		return robust;
	}
	em_fit_free(robust);
	full.toward = TOWARD_LIKELIEST;
	return em_refit(team, &full, efficient);
}
