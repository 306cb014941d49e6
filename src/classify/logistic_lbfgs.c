/*
 * logistic_lbfgs.c
 *		The optimiser of logistic regressions: L-BFGS, all models in step.
 *
 * L-BFGS (Nocedal & Wright, Numerical Optimization, 2006, alg. 7.4) from the
 * class frequencies, with the guess of logistic_precondition.c in its middle.
 * The line search asks for the weak Wolfe conditions by bisection (Lewis &
 * Overton, Math. Programming 141, 2013); the step 1 nearly always has them.
 *
 * The first step.  Of features that are normal within classes, of one covariance,
 * the coefficients are those of discriminant analysis (Efron, J. Am. Statistical
 * Association 70, 1975, 892).  The step 1 has their direction, but is made with the
 * features' whole covariance instead of that within classes.  For two classes the
 * step 1 / (1 - R^2) makes up for that (Sherman and Morrison's formula), where
 * R^2 = decrement^2 / mass is the share of the variance that is between the classes;
 * from 1 up it is nothing of the kind, as with class weights.  Where a few labels are
 * flipped and features tell the true ones apart, that is far too long, and R^2 cannot
 * know; so no step is above 2, and of more classes, where it was no gain, it is 1.
 * What so long a step tells of the Hessian is of no use where it ends, so that is
 * forgotten as soon as the guess has been measured anew.
 *
 * Stop.  The gradient g is measured as sqrt(g' H g) with the H of L-BFGS, the
 * Newton decrement: about how far the coefficients are from the optimum, in
 * their own standard errors.  Where it begins below 1, as with weights far
 * below 1, the tolerance is of that first value, but no less than rounding: a fit
 * that begins at its optimum (of constant features, say) has nothing to go on to.
 * Without a penalty there may be no optimum: where that is likely a fit goes on
 * until it is certain (logistic_separation.c).
 *
 * Memory: two vectors of coefficients for each of HISTORY steps of each model.
 * Interrupts: in the evaluations, and every block of a vector.
 */
#include "classify/logistic_internal.h"

#include <float.h>
#include <math.h>

#define ARMIJO 1e-4
#define CURVATURE 0.9
#define SMALLEST_STEP 1e-10
#define ROUNDING 1e-13			/* of the objective, relative */
#define AT_OPTIMUM 1e-14		/* of the decrement, for a row of weight 1 */
#define MOST_BETWEEN 0.5		/* of the variance: no first step is above 2 */
/* without a penalty */
#define APART 1e-6				/* log-odds: more than rounding */
#define SEPARATED 1e-5			/* of the decrement: what still moves then is separated */
#define MOVING 0.5				/* log-odds: separated rows move by about 1 */
#define WORSE 0.01				/* log-likelihood of a row: separated ones never are */
#define UNSURE 20				/* odds are about 1 / decrement^2 of separated rows */
#define SURE 1e-7				/* of the decrement: to here goes who is unsure */

/*
 * Vectors of coefficients may be long, so BLAS gets them block by block.
 */
static double
dot(const double *a, const double *b, Size n)
{
	double		sum = 0;

	for (Size i = 0; i < n; i += VECTOR_BLOCK)
	{
		CHECK_FOR_INTERRUPTS();
		sum += nl_blas.ddot(Min(VECTOR_BLOCK, n - i), a + i, 1, b + i, 1);
	}
	return sum;
}

/* y += a x */
void
logistic_add(Size n, double a, const double *x, double *y)
{
	for (Size i = 0; i < n; i += VECTOR_BLOCK)
	{
		CHECK_FOR_INTERRUPTS();
		nl_blas.daxpy(Min(VECTOR_BLOCK, n - i), a, x + i, 1, y + i, 1);
	}
}

static void
scale(Size n, double a, double *x)
{
	for (Size i = 0; i < n; i += VECTOR_BLOCK)
	{
		CHECK_FOR_INTERRUPTS();
		nl_blas.dscal(Min(VECTOR_BLOCK, n - i), a, x + i, 1);
	}
}

/* to = a - b */
static void
subtract(Size n, const double *a, const double *b, double *to)
{
	for (Size from = 0; from < n; from += VECTOR_BLOCK)
	{
		Size		end = Min(from + VECTOR_BLOCK, n);

		CHECK_FOR_INTERRUPTS();
		for (Size i = from; i < end; i++)
			to[i] = a[i] - b[i];
	}
}

/* The direction: minus the inverse Hessian, as far as known, times gradient. */
static void
find_direction(LogisticFit *fit, LogisticModel *m)
{
	int			kept = Min(m->pairs, HISTORY);
	double		alpha[HISTORY];
	double	   *q = m->direction;

	nl_copy(q, m->gradient, m->n * sizeof(double));
	for (int p = m->pairs - 1; p >= m->pairs - kept; p--)
	{
		int			i = p % HISTORY;

		alpha[i] = dot(m->s[i], q, m->n) / m->sy[i];
		logistic_add(m->n, -alpha[i], m->y[i], q);
	}
	logistic_precondition(fit, m, q);
	if (kept > 0)
	{
		int			last = (m->pairs - 1) % HISTORY;

		nl_copy(m->work, m->y[last], m->n * sizeof(double));
		logistic_precondition(fit, m, m->work);
		scale(m->n, m->sy[last] / dot(m->y[last], m->work, m->n), q);
	}
	for (int p = m->pairs - kept; p < m->pairs; p++)
	{
		int			i = p % HISTORY;
		double		beta = dot(m->y[i], q, m->n) / m->sy[i];

		logistic_add(m->n, alpha[i] - beta, m->s[i], q);
	}
	scale(m->n, -1, q);
	m->slope = dot(q, m->gradient, m->n);
}

/* Of two classes, to where discriminant analysis would be. */
static double
first_step(const LogisticModel *m)
{
	double		between = m->decrement * m->decrement / m->mass;

	if (m->columns != 1 || !(between < 1))
		return 1;
	return 1 / (1 - Min(between, MOST_BETWEEN));
}

static double
tolerance_of(const LogisticModel *m, double tolerance)
{
	return Max(tolerance * Min(m->first_decrement, 1), AT_OPTIMUM * sqrt(m->mass));
}

static void
keep_point(LogisticModel *m)
{
	m->kept = vector(m);
	memcpy(m->kept, m->theta, m->n * sizeof(double));
	m->kept_loss = m->loss;
	m->kept_decrement = m->decrement;
	m->kept_iterations = m->iterations;
}

/*
 * A model without a penalty is near its optimum, if it has one.  Where it has
 * converged with a row whose odds are as large as those of separated rows would be
 * by now, it goes on until that can be told; what it is then told of is the point
 * where it had converged.
 */
static void
look_for_separation(const LogisticFit *fit, LogisticModel *m)
{
	Separation	s = logistic_separation(fit, m);
	double		error = m->decrement / Min(m->first_decrement, 1);
	double		sure = tolerance_of(m, Min(fit->options->tolerance, SURE));

	m->separated = s.margin > APART ||
		(error <= SEPARATED && s.moved > MOVING && s.worsened <= WORSE);
	if (m->converged && !m->separated && m->decrement > sure &&
		exp(-s.widest) < UNSURE * error * error)
	{
		if (m->kept == NULL)
			keep_point(m);
		m->converged = false;
	}
	m->converged = m->converged && !m->separated;
}

/*
 * Without a penalty cross-entropy may fall for ever.  Of other losses that is not
 * asked: what they are of is bounded, or the labels were not believed anyway.
 */
static bool
has_no_penalty(const LogisticFit *fit)
{
	return fit->options->l2 == 0 && !fit->robust;
}

/* A new iteration: the direction, unless the model is done. */
static void
begin_iteration(LogisticFit *fit, LogisticModel *m)
{
	find_direction(fit, m);
	if (!(m->slope < 0))
	{
		/* at the optimum to the last bit, or rounding has made nonsense of it */
		m->pairs = 0;
		find_direction(fit, m);
	}
	m->decrement = isnan(m->slope) ? m->slope : sqrt(Max(-m->slope, 0));
	if (m->fresh)
		m->first_decrement = Max(m->first_decrement, m->decrement);
	m->fresh = false;
	m->tolerance = tolerance_of(m, fit->options->tolerance);
	m->converged = !isnan(m->slope) && m->decrement <= m->tolerance;
	if (has_no_penalty(fit) &&
		m->decrement <= tolerance_of(m, Max(fit->options->tolerance, SEPARATED)))
		look_for_separation(fit, m);
	if (m->converged || m->separated || !(m->slope < 0) ||
		m->iterations >= fit->options->max_iterations)
	{
		m->active = false;
		return;
	}
	m->step = m->iterations == 0 && !fit->continued ? first_step(m) : 1;
	m->low = 0;
	m->high = INFINITY;
	m->iterations++;
}

static void
try_step(LogisticModel *m)
{
	for (Size from = 0; from < m->n; from += VECTOR_BLOCK)
	{
		Size		end = Min(from + VECTOR_BLOCK, m->n);

		CHECK_FOR_INTERRUPTS();
		for (Size i = from; i < end; i++)
			m->trial[i] = m->theta[i] + m->step * m->direction[i];
	}
}

static void
remember_pair(LogisticModel *m)
{
	int			i = m->pairs % HISTORY;
	double		sy;

	if (m->s[i] == NULL)
	{
		m->s[i] = vector(m);
		m->y[i] = vector(m);
	}
	subtract(m->n, m->trial, m->theta, m->s[i]);
	subtract(m->n, m->trial_gradient, m->gradient, m->y[i]);
	sy = dot(m->s[i], m->y[i], m->n);
	if (sy > 1e-14 * fabs(m->step * m->slope))
	{
		m->sy[i] = sy;
		m->pairs++;
	}
}

static void
move_to_trial(LogisticModel *m)
{
	double	   *swap = m->theta;

	m->theta = m->trial;
	m->trial = swap;
	swap = m->gradient;
	m->gradient = m->trial_gradient;
	m->trial_gradient = swap;
	m->objective = m->trial_objective;
	m->loss = m->trial_loss;
}

/* Rounding can leave no step between one too short and one too long. */
static bool
has_next_step(const LogisticModel *m)
{
	return m->step >= SMALLEST_STEP && m->step <= 1 / SMALLEST_STEP &&
		(isinf(m->high) || m->high - m->low > SMALLEST_STEP * m->high);
}

/*
 * The weak Wolfe conditions at the trial point.  Near the optimum differences
 * of the objective drown in rounding; there the slopes decide.
 */
static void
end_trial(LogisticFit *fit, LogisticModel *m, bool measured)
{
	double		slope = dot(m->direction, m->trial_gradient, m->n);
	double		slack = ROUNDING * fabs(m->objective);
	bool		fell = m->trial_objective <= m->objective + ARMIJO * m->step * m->slope ||
		(m->trial_objective <= m->objective + slack &&
		 slope <= -(1 - 2 * ARMIJO) * m->slope);

	if (!fell)
		m->high = m->step;
	else if (slope < CURVATURE * m->slope)
		m->low = m->step;
	else
	{
		remember_pair(m);
		move_to_trial(m);
		if (m->iterations == 1)
			m->leapt = m->step > 1;
		if (measured)
		{
			logistic_set_preconditioner(fit, m, true);
			if (m->leapt)
				m->pairs = 0;
			m->leapt = false;
		}
		begin_iteration(fit, m);
		return;
	}
	m->step = isfinite(m->high) ? (m->low + m->high) / 2 : 2 * m->step;
	if (has_next_step(m))
		return;
	/* as near as rounding lets it come, or no optimum at all */
	m->active = false;
	m->converged = m->decrement <= 1e3 * fit->options->tolerance && isfinite(m->high);
	if (m->converged && has_no_penalty(fit))
		look_for_separation(fit, m);
}

static bool
step_models(LogisticFit *fit, bool measure)
{
	bool		active = false;

	for (uint32 f = 0; f < fit->n_models; f++)
		if (fit->models[f].active)
			try_step(&fit->models[f]);
	logistic_evaluate(fit, measure);
	for (uint32 f = 0; f < fit->n_models; f++)
	{
		LogisticModel *m = &fit->models[f];

		if (m->active)
			end_trial(fit, m, measure);
		active = active || m->active;
	}
	return active;
}

static void
report_progress(const LogisticFit *fit, int steps, const char *name)
{
	double		objective = 0;
	const LogisticModel *last = fit->models;
	int			active = 0;

	for (uint32 f = 0; f < fit->n_models; f++)
	{
		const LogisticModel *m = &fit->models[f];

		objective += m->objective;
		if (m->decrement * last->tolerance > last->decrement * m->tolerance)
			last = m;
		active += m->active;
	}
	ereport(NOTICE,
			(errmsg("%s: step %d, %d of %u models to go, objective %.6f, gradient %.2e of %.2e",
					name, steps, active, fit->n_models, objective, last->decrement,
					last->tolerance)));
}

/*
 * The verdicts on fits without a penalty.  One that did not converge may have had
 * no optimum to come to.
 */
static void
end_without_penalty(const LogisticFit *fit)
{
	for (uint32 f = 0; f < fit->n_models; f++)
	{
		LogisticModel *m = &fit->models[f];

		if (m->kept != NULL)
		{
			memcpy(m->theta, m->kept, m->n * sizeof(double));
			m->loss = m->kept_loss;
			m->decrement = m->kept_decrement;
			m->iterations = m->kept_iterations;
			m->converged = !m->separated;
		}
		else if (!m->converged && !m->separated)
			m->separated = logistic_separation(fit, m).margin > APART;
	}
}

#define MEASURES_SHARE 4

/*
 * The search, from where trial points have been evaluated.  The guess of the inverse
 * Hessian is made anew after 1, 2, 4, 8 ... steps, or where that costs more than
 * MEASURES_SHARE steps, less often.
 */
static void
search(LogisticFit *fit, bool measured, const char *name)
{
	double		price = logistic_preconditioner_price(fit) / MEASURES_SHARE;
	double		refresh = Max(price, 1);
	bool		active = false;
	int			steps = 0;

	for (uint32 f = 0; f < fit->n_models; f++)
	{
		LogisticModel *m = &fit->models[f];

		if (!m->active)
			continue;
		logistic_set_preconditioner(fit, m, measured);
		move_to_trial(m);
		m->fresh = true;
		begin_iteration(fit, m);
		active = active || m->active;
	}
	while (active)
	{
		bool		measure = ++steps >= refresh;

		active = step_models(fit, measure);
		if (measure)
			refresh = steps + Max(steps, price);
		if (nl_progress)
			report_progress(fit, steps, name);
	}
	if (has_no_penalty(fit))
		end_without_penalty(fit);
}

/* From the shares of the classes. */
void
logistic_optimize(LogisticFit *fit, const char *name)
{
	logistic_evaluate_start(fit);
	search(fit, false, name);
}

/* From where the models are, with another loss or penalty than brought them there. */
void
logistic_continue(LogisticFit *fit, const char *name)
{
	fit->continued = true;
	for (uint32 f = 0; f < fit->n_models; f++)
	{
		LogisticModel *m = &fit->models[f];

		m->active = m->columns > 0;
		m->converged = !m->active;
		m->pairs = 0;
		m->leapt = false;
		if (m->active)
			nl_copy(m->trial, m->theta, m->n * sizeof(double));
	}
	logistic_renew_preconditioner(fit);
	logistic_evaluate(fit, true);
	search(fit, true, name);
}
