/*
 * logistic_choose.c
 *		Chooses the penalty of a logistic regression out of fold.
 *
 * The models of all folds are fitted for each l2 of a grid, from the largest down,
 * each from where the one before ended; the one whose held-out rows have the least
 * log-loss is chosen, the larger of equal ones.  Rows count by their weights, and
 * classes by theirs.  What is predicted is what was observed: where answers have
 * rates, the model's probability of the answer.  A row with a class that no other
 * fold has is left out, since every l2 would give it probability 0.
 *
 * Memory: that of a fit of all folds.  Interrupts: every row.
 */
#include "classify/logistic_internal.h"

#include <math.h>

#include "classify/logistic_kernel.h"

static const double l2_grid[L2_GRID] = {
	1000, 300, 100, 30, 10, 3, 1, 0.3, 0.1, 0.03, 0.01
};

/* A hundredth of a standard error changes a log-loss by 5e-5 over all rows. */
#define CHOICE_TOLERANCE 1e-2

/*
 * Log-loss of a model's own rows, or of those held out from it, summed; "mass" is
 * what they weigh.
 */
double
logistic_log_loss(LogisticFit *fit, uint32 model, bool held_out, double *mass)
{
	const Design *d = fit->design;
	const LogisticModel *m = &fit->models[model];
	double	   *p = palloc(Max(m->classes, 2) * sizeof(double));
	double		loss = 0;

	*mass = 0;
	logistic_unstandardize(fit, m, m->theta, fit->u);
	for (uint32 g = 0; g < d->folds; g++)
	{
		if (learns_from(fit, model, g) == held_out)
			continue;
		for (uint32 i = d->start[g]; i < d->used[g]; i++)
		{
			double		own;

			CHECK_FOR_INTERRUPTS();
			p[0] = 1;
			if (m->columns > 0)
				logistic_predict(fit->u, m->columns, fit->width, feature_row(d->x, i), p);
			loss += logistic_answer_loss(fit, m, i, p, &own);
			*mass += own;
		}
	}
	pfree(p);
	return loss;
}

static double
held_out_loss(LogisticFit *fit)
{
	double		loss = 0;
	double		mass = 0;

	for (uint32 f = 0; f < fit->n_models; f++)
	{
		double		own;

		loss += logistic_log_loss(fit, f, true, &own);
		mass += own;
	}
	return mass > 0 ? loss / mass : 0;
}

L2Choice
logistic_choose_l2(const Design *design, const LogisticOptions *options, const char *name)
{
	L2Choice	choice = {0};
	LogisticOptions own = *options;
	LogisticFit fit = {0};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "choice of l2",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	own.tolerance = Max(own.tolerance, CHOICE_TOLERANCE);
	own.l2 = l2_grid[0];
	logistic_begin(&fit, design, true, &own);
	for (int i = 0; i < L2_GRID; i++)
	{
		choice.l2[i] = own.l2 = l2_grid[i];
		if (i == 0)
			logistic_search(&fit, name);
		else
			logistic_continue(&fit, name);
		choice.log_loss[i] = held_out_loss(&fit);
		if (choice.log_loss[i] < choice.log_loss[choice.best])
			choice.best = i;
		for (uint32 f = 0; f < fit.n_models; f++)
			fit.models[f].iterations = 0;
		if (nl_progress)
			ereport(NOTICE,
					(errmsg("%s: l2 %g has log-loss %.6f out of fold", name,
							choice.l2[i], choice.log_loss[i])));
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return choice;
}
