/*
 * logistic_separation.c
 *		Are there best coefficients at all?  Without a penalty there need not be.
 *
 * Where some direction of the coefficients makes no row less likely and some rows
 * more so, the likelihood rises along it for ever (Albert & Anderson, Biometrika
 * 71, 1984): the features separate classes, all (every row is on its side) or in
 * part (some rows are, of the others the direction says nothing).  The gradient
 * vanishes all the same, so an optimiser stops somewhere and has converged by its
 * own measure.  Two things tell that case.
 *
 * Coefficients that give every row's own label more than any other prove that all
 * are separated.  And the step to the optimum, as the optimiser sees it, is next
 * to nothing for each row where there is an optimum, but where there is none it
 * changes the log-odds of separated rows by about 1, however small the gradient:
 * their losses are exponentials, which Newton's step divides by e.  It makes no
 * row worse then.  That is a strong sign, not a proof: where an optimum is so flat
 * that coefficients have standard errors of 1e5 it is taken for none.
 *
 * Memory: none but the fit's buffers, which are free between evaluations.
 * Interrupts: every row.
 */
#include "classify/logistic_internal.h"

#include <math.h>

#include "classify/logistic_kernel.h"

#define NEGLIGIBLE 1e-3			/* of the squared decrement: what is left to gain */

/* A row's scores, and what the step adds to them, of all classes. */
typedef struct RowScores
{
	double	   *at;
	double	   *step;
	double	   *u;				/* coefficients of the scores */
	double	   *u_step;
} RowScores;

static double
log_sum(const double *score, uint32 n)
{
	double		max = -INFINITY;
	double		sum = 0;

	for (uint32 k = 0; k < n; k++)
		max = Max(max, score[k]);
	for (uint32 k = 0; k < n; k++)
		sum += exp(score[k] - max);
	return max + log(sum);
}

static void
score_classes(const LogisticFit *fit, const LogisticModel *m, uint32 i, RowScores *s)
{
	const double *row = feature_row(fit->design->x, i);
	uint32		first = m->columns == 1;	/* of two classes */

	CHECK_FOR_INTERRUPTS();
	s->at[0] = s->step[0] = 0;
	score_row(s->u, m->columns, fit->width, row, s->at + first);
	score_row(s->u_step, m->columns, fit->width, row, s->step + first);
}

/* Targets of a row: a label, or those of a distribution. */
static inline uint32
targets_of(const TrainingSet *set, uint32 i)
{
	return set->soft ? set->target_end[i] - target_begin(set, i) : 1;
}

static inline uint32
target_of(const TrainingSet *set, const LogisticModel *m, uint32 i, uint32 t, double *share)
{
	uint32		at = set->soft ? target_begin(set, i) + t : i;

	*share = set->soft ? set->target_p[at] : 1;
	return m->local[set->soft ? set->target_label[at] : set->label[i]];
}

/* How far a label's score is above the others'. */
static double
margin_of(const double *score, uint32 n, uint32 label)
{
	double		other = -INFINITY;

	for (uint32 k = 0; k < n; k++)
		if (k != label)
			other = Max(other, score[k]);
	return score[label] - other;
}

/* A row's part in the verdict.  The scores are used up. */
static void
measure_row(const LogisticFit *fit, const LogisticModel *m, uint32 i, RowScores *s,
			Separation *result)
{
	const TrainingSet *set = fit->design->set;
	double		least = INFINITY;
	double		most = -INFINITY;
	double		lowest = INFINITY;
	double		mass = 0;
	double		loss = 0;
	double		change = 0;
	double		sum = log_sum(s->at, m->classes);

	for (uint32 t = 0; t < targets_of(set, i); t++)
	{
		double		share;
		uint32		k = target_of(set, m, i, t, &share);

		loss += share * (sum - s->at[k]);
		change -= share * s->step[k];
		mass += share * m->factor[m->label[k]];
		result->margin = Min(result->margin, margin_of(s->at, m->classes, k));
	}
	for (uint32 k = 0; k < m->classes; k++)
	{
		least = Min(least, s->step[k]);
		most = Max(most, s->step[k]);
		lowest = Min(lowest, s->at[k]);
		s->at[k] += s->step[k];
	}
	result->widest = Max(result->widest, sum - lowest);
	change += log_sum(s->at, m->classes) - sum;
	mass *= design_weight(fit->design, i);
	if (mass * loss >= NEGLIGIBLE * m->decrement * m->decrement)
		result->moved = Max(result->moved, most - least);
	result->worsened = Max(result->worsened, change);
}

/* What its rows say of a model's coefficients and of the step that it would take. */
Separation
logistic_separation(const LogisticFit *fit, const LogisticModel *m)
{
	const Design *d = fit->design;
	Separation	result = {.margin = INFINITY};
	RowScores	s;

	s.at = palloc(m->classes * sizeof(double));
	s.step = palloc(m->classes * sizeof(double));
	s.u = fit->u;
	s.u_step = fit->product;
	logistic_unstandardize(fit, m, m->theta, s.u);
	logistic_unstandardize(fit, m, m->direction, s.u_step);
	for (uint32 g = 0; g < d->folds; g++)
		for (uint32 i = d->start[g]; i < d->used[g] && learns_from(fit, m - fit->models, g); i++)
		{
			score_classes(fit, m, i, &s);
			measure_row(fit, m, i, &s, &result);
		}
	pfree(s.at);
	pfree(s.step);
	return result;
}
