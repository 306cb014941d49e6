/*
 * crowd_rounds.c
 *		The rounds of learn_from_crowds(), until one of the reasons to stop.
 */
#include "classify/crowd_internal.h"

#include <math.h>

#define LITTLE_NOISE 0.03		/* of answers: rounds cost more than they mend */
#define STANDSTILL 0.01			/* mean of what an item's evidence moves */
#define PASSES 3				/* of steps 2 and 3 in a round */

/* The share of voices whose label the evidence does not support. */
static double
estimate_noise(const CrowdFit *fit)
{
	double		right = 0;

	for (uint32 i = 0; i < fit->items; i++)
		for (uint32 a = fit->view->starts[i]; a < fit->view->starts[i + 1]; a++)
		{
			NL_CHECK_INTERRUPTS(a);
			if (annotation_is_class(fit->view, fit->view->label[a]))
				right += fit->voices->heard[a] *
					fit->evidence[i * fit->classes + fit->voices->label_class[fit->view->label[a]]];
		}
	return fit->voices->named > 0 ? Max(1 - right / fit->voices->named, 0) : 0;
}

/* How far an item's evidence has moved, on average. */
static double
distance_moved(const CrowdFit *fit)
{
	double		sum = 0;

	for (Size i = 0; i < fit->items * fit->classes; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		sum += fabs(fit->evidence[i] - fit->before[i]) / 2;
	}
	return sum / fit->items;
}

static void
report_progress(const CrowdFit *fit, int round, double moved)
{
	if (nl_progress)
		ereport(NOTICE,
				(errmsg(LEARN_FROM_CROWDS ": round %d, l2 %g, noise %.4f, evidence moved by %.4f", round,
						fit->options->classifier.regression.l2, fit->noise, moved)));
}

/* Why there should be no other round, or NULL. */
static const char *
reason_to_stop(const CrowdFit *fit, int round, double moved)
{
	if (fit->noise < LITTLE_NOISE)
		return "little noise";
	if (round > 1 && moved < STANDSTILL)
		return "evidence stands still";
	return NULL;
}

static void
go_round(CrowdFit *fit, int round)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "round of " LEARN_FROM_CROWDS,
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);

	crowd_predict(fit, round);
	if (round == 1)
		crowd_begin_evidence(fit);
	nl_copy(fit->before, fit->evidence, mul_size(fit->items, fit->classes * sizeof(double)));
	for (int pass = 1; pass <= PASSES; pass++)
		crowd_renew_evidence(fit);
	crowd_renew_rates(fit);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

AnnotatorModel *
crowd_go_rounds(CrowdFit *fit)
{
	fit->stopped_by = "rounds";
	for (int round = 1; round <= fit->options->rounds && !fit->converged; round++)
	{
		const char *reason;
		double		moved;

		go_round(fit, round);
		fit->rounds = round;
		fit->noise = estimate_noise(fit);
		moved = distance_moved(fit);
		report_progress(fit, round, moved);
		reason = reason_to_stop(fit, round, moved);
		fit->converged = reason != NULL;
		if (reason != NULL)
			fit->stopped_by = reason;
	}
	if (fit->failed > 0)
		crowd_warn(fit, psprintf("the classifier did not converge in %u of %u folds: raise \"max_iterations\" or \"l2\"",
								 fit->failed, fit->folds * fit->deals));
	return crowd_learn_matrices(fit, NO_PART);
}
