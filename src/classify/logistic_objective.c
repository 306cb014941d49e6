/*
 * logistic_objective.c
 *		Loss and gradient of all models of a logistic regression, together.
 *
 * Where each fold has a model of the other folds' rows, the matrix is stored
 * once and read once for a step of all models: a block of rows is multiplied
 * with the coefficients of the models that learn from it side by side, becomes
 * losses and residuals (logistic_kernel.c), and is multiplied with those while it is
 * in the processor's cache.  What a model is standardised by is folded into its
 * coefficients before and its gradient after, so the matrix itself is the same for
 * all.
 *
 * Order.  Rows are in canonical order, blocks are cut at fixed places, and sums
 * have a fixed order, so the same rows give the same bits.
 *
 * The first evaluation needs no rows but the design's sums of features by class.
 *
 * Memory: none but the fit's buffers.  Interrupts: every block and model.
 */
#include "classify/logistic_internal.h"

#include <math.h>

#include "classify/logistic_kernel.h"

/* The coefficients that centred features are multiplied with. */
void
logistic_unstandardize(const LogisticFit *fit, const LogisticModel *m,
					  const double *theta, double *u)
{
	for (uint32 k = 0; k < m->columns; k++, theta += fit->width, u += fit->width)
	{
		double		intercept = theta[0];

		CHECK_FOR_INTERRUPTS();
		for (uint32 j = 1; j < fit->width; j++)
		{
			u[j] = theta[j] * m->scale[j];
			intercept -= u[j] * m->mean[j];
		}
		u[0] = intercept;
	}
}

/* Coefficients that sum to 0 over the classes. */
void
logistic_centre(const LogisticModel *m, uint32 width, double *v)
{
	for (uint32 j = 0; j < width; j++)
	{
		double		mean = 0;

		CHECK_FOR_INTERRUPTS();
		for (uint32 k = 0; k < m->columns; k++)
			mean += v[(Size) k * width + j];
		mean /= m->columns;
		for (uint32 k = 0; k < m->columns; k++)
			v[(Size) k * width + j] -= mean;
	}
}

/*
 * A block's labels, as a model knows them, and masses; of two classes also the
 * mass of the second.
 */
static void
gather_labels(LogisticFit *fit, const LogisticModel *m, uint32 from, uint32 rows)
{
	const Design *d = fit->design;
	const uint16 *restrict label = d->set->label + from;
	const double *restrict factor = m->factor;
	uint16	   *restrict to = fit->label;
	double	   *restrict mass = fit->mass;
	double	   *restrict second = fit->second;

	for (uint32 i = 0; i < rows; i++)
		mass[i] = design_weight(d, from + i);
	if (m->plain)
		memcpy(to, label, rows * sizeof(uint16));
	else
		for (uint32 i = 0; i < rows; i++)
		{
			to[i] = m->local[label[i]];
			mass[i] *= factor[label[i]];
		}
	for (uint32 i = 0; i < rows; i++)
		second[i] = to[i] == 1 ? mass[i] : 0;
}

/* The mass that row's t-th target has for a model. */
static double
target_mass(const LogisticFit *fit, const LogisticModel *m, uint32 row, uint32 t)
{
	const TrainingSet *set = fit->design->set;

	return design_weight(fit->design, row) * m->factor[set->target_label[t]] *
		set->target_p[t];
}

/* The same for targets that are distributions. */
static void
gather_targets(LogisticFit *fit, const LogisticModel *m, uint32 from, uint32 rows)
{
	const TrainingSet *set = fit->design->set;

	for (uint32 i = 0; i < rows; i++)
	{
		fit->mass[i] = fit->second[i] = 0;
		for (uint32 t = target_begin(set, from + i); t < set->target_end[from + i]; t++)
		{
			double		mass = target_mass(fit, m, from + i, t);

			fit->mass[i] += mass;
			if (m->local[set->target_label[t]] == 1)
				fit->second[i] += mass;
		}
	}
}

/* What has been gathered for one model, does it serve another? */
static bool
sees_the_same(const LogisticModel *a, const LogisticModel *b)
{
	return a != NULL && a->plain && b->plain;
}

/* For three classes or more: each row's masses times its logits, summed. */
static void
dot_targets(LogisticFit *fit, const LogisticModel *m, const double *z, uint32 from,
			uint32 rows)
{
	const TrainingSet *set = fit->design->set;

	if (set->rates != NULL)
	{
		logistic_dot_answers(fit, m, z, from, rows);
		return;
	}
	for (uint32 i = 0; i < rows; i++)
	{
		if (!set->soft)
		{
			fit->dot[i] = fit->mass[i] * z[(Size) fit->label[i] * rows + i];
			continue;
		}
		fit->dot[i] = 0;
		for (uint32 t = target_begin(set, from + i); t < set->target_end[from + i]; t++)
			fit->dot[i] += target_mass(fit, m, from + i, t) *
				z[(Size) m->local[set->target_label[t]] * rows + i];
	}
}

static void
subtract_targets(LogisticFit *fit, const LogisticModel *m, double *z, uint32 from,
				 uint32 rows)
{
	const TrainingSet *set = fit->design->set;

	if (set->rates != NULL)
	{
		logistic_subtract_answers(fit, m, z, from, rows);
		return;
	}
	for (uint32 i = 0; i < rows; i++)
	{
		if (!set->soft)
		{
			z[(Size) fit->label[i] * rows + i] -= fit->mass[i];
			continue;
		}
		for (uint32 t = target_begin(set, from + i); t < set->target_end[from + i]; t++)
			z[(Size) m->local[set->target_label[t]] * rows + i] -=
				target_mass(fit, m, from + i, t);
	}
}

/* The same where the loss is one of its own (logistic_answers.c). */
static void
robust_residuals(LogisticFit *fit, LogisticModel *m, double *z, uint32 from, uint32 rows,
				 bool curvature, bool moments)
{
	double	   *sums = curvature ? m->curvature : NULL;

	if (moments)
		logistic_keep_terms(fit, m, z, rows);
	if (m->columns == 1)
	{
		memcpy(fit->dot, z, rows * sizeof(double)); /* logits, for what is left of 1 */
		(void) logistic_binary_block(z, rows, fit->mass, fit->second, fit->scratch, sums);
	}
	else
	{
		memset(fit->dot, 0, rows * sizeof(double));
		(void) logistic_block(z, m->columns, rows, fit->mass, fit->dot, fit->scratch, sums);
	}
	if (moments)
		logistic_add_moments(fit, m, z, rows);
	m->trial_loss += logistic_answer_residuals(fit, m, z, from, rows);
}

/* Logits become residuals. */
static void
residuals(LogisticFit *fit, LogisticModel *m, double *z, uint32 from, uint32 rows,
		  bool curvature, bool moments)
{
	double	   *sums = curvature ? m->curvature : NULL;

	if (fit->robust && !fit->labels_only)
	{
		robust_residuals(fit, m, z, from, rows, curvature, moments);
		return;
	}
	if (moments)
		logistic_keep_terms(fit, m, z, rows);
	if (m->columns == 1)
		m->trial_loss += logistic_binary_block(z, rows, fit->mass, fit->second,
										fit->scratch, sums);
	else
	{
		dot_targets(fit, m, z, from, rows);
		m->trial_loss += logistic_block(z, m->columns, rows, fit->mass, fit->dot,
									   fit->scratch, sums);
	}
	if (moments)
		logistic_add_moments(fit, m, z, rows);
	if (m->columns == 1)
		subtract_block(z, rows, fit->second);
	else
		subtract_targets(fit, m, z, from, rows);
}

static void
evaluate_block(LogisticFit *fit, uint32 fold, uint32 from, uint32 rows, uint32 columns,
			   bool curvature)
{
	uint32		width = fit->width;
	const double *x = feature_row(fit->design->x, from);
	double	   *z = fit->z;
	const LogisticModel *gathered = NULL;
	bool		sampled = curvature && from < fit->design->start[fold] + fit->sample;

	nl_blas_multiply(CblasTrans, columns, rows, width, fit->u, width, x, width,
					 0, fit->z, rows);
	for (uint32 f = 0; f < fit->n_models; f++)
	{
		LogisticModel	   *m = &fit->models[f];

		if (!m->active || !learns_from(fit, f, fold))
			continue;
		if (!sees_the_same(gathered, m))
		{
			if (fit->design->set->rates != NULL)
				logistic_gather_answers(fit, m, from, rows);
			else if (fit->design->set->soft)
				gather_targets(fit, m, from, rows);
			else
				gather_labels(fit, m, from, rows);
			gathered = m;
		}
		residuals(fit, m, z, from, rows, curvature, sampled && m->moments != NULL);
		z += (Size) m->columns * rows;
		CHECK_FOR_INTERRUPTS();
	}
	nl_blas_multiply(CblasNoTrans, columns, width, rows, fit->z, rows, x, width,
					 1, fit->product, width);
}

/* What a fold's rows add to the gradients, in the models' own features. */
static void
add_gradients(LogisticFit *fit, uint32 fold)
{
	const double *product = fit->product;

	for (uint32 f = 0; f < fit->n_models; f++)
	{
		LogisticModel	   *m = &fit->models[f];

		if (!m->active || !learns_from(fit, f, fold))
			continue;
		logistic_add(m->n, 1, product, m->trial_gradient);
		product += m->n;
	}
}

static void
evaluate_fold(LogisticFit *fit, uint32 fold, bool curvature)
{
	const Design *d = fit->design;
	double	   *u = fit->u;
	uint32		columns = 0;
	uint32		rows;

	for (uint32 f = 0; f < fit->n_models; f++)
	{
		LogisticModel	   *m = &fit->models[f];

		if (!m->active || !learns_from(fit, f, fold))
			continue;
		CHECK_FOR_INTERRUPTS();
		logistic_unstandardize(fit, m, m->trial, u);
		u += m->n;
		columns += m->columns;
	}
	if (columns == 0 || d->used[fold] == d->start[fold])
		return;
	nl_clear(fit->product, (Size) columns * fit->width * sizeof(double));
	for (uint32 i = d->start[fold]; i < d->used[fold]; i += rows)
	{
		rows = Min(feature_run(d->x, i, d->used[fold]), fit->block);
		evaluate_block(fit, fold, i, rows, columns, curvature);
	}
	add_gradients(fit, fold);
}

/* Standardise the gradient and add the penalty. */
static void
finish_gradient(const LogisticFit *fit, LogisticModel *m)
{
	double		l2 = fit->options->l2;
	double		penalty = 0;
	double	   *g = m->trial_gradient;
	const double *theta = m->trial;

	for (uint32 k = 0; k < m->columns; k++, g += fit->width, theta += fit->width)
	{
		CHECK_FOR_INTERRUPTS();
		for (uint32 j = 1; j < fit->width; j++)
		{
			g[j] = (g[j] - m->mean[j] * g[0]) * m->scale[j] + l2 * theta[j];
			penalty += theta[j] * theta[j];
		}
	}
	m->trial_objective = m->trial_loss + l2 / 2 * penalty;
}

void
logistic_evaluate(LogisticFit *fit, bool curvature)
{
	for (uint32 f = 0; f < fit->n_models; f++)
	{
		LogisticModel	   *m = &fit->models[f];

		if (!m->active)
			continue;
		m->trial_loss = 0;
		nl_clear(m->trial_gradient, m->n * sizeof(double));
		if (curvature)
		{
			memset(m->curvature, 0, m->columns * sizeof(double));
			logistic_clear_moments(m);
		}
	}
	for (uint32 fold = 0; fold < fit->design->folds; fold++)
		evaluate_fold(fit, fold, curvature);
	for (uint32 f = 0; f < fit->n_models; f++)
		if (fit->models[f].active)
			finish_gradient(fit, &fit->models[f]);
}

/*
 * Where the search begins probabilities are the shares of the classes, whatever
 * the row.  So the sums of features by class are enough.
 */
static void
add_class_sums(const LogisticFit *fit, LogisticModel *m, uint32 fold, double *all)
{
	const Design *d = fit->design;
	uint32		width = fit->width;

	for (uint32 k = 0; k < m->classes; k++)
	{
		uint32		label = m->label[k];
		double		factor = m->factor[label];
		const double *sum = d->class_sum + ((Size) fold * d->classes + label) * width;

		CHECK_FOR_INTERRUPTS();
		nl_blas.daxpy(width, factor, sum, 1, all, 1);
		if (m->columns > 1 || k == 1)
			nl_blas.daxpy(width, -factor, sum, 1,
						  m->trial_gradient + (Size) (m->columns == 1 ? 0 : k) * width, 1);
	}
}

void
logistic_evaluate_start(LogisticFit *fit)
{
	uint32		width = fit->width;

	for (uint32 f = 0; f < fit->n_models; f++)
	{
		LogisticModel *m = &fit->models[f];
		double	   *all = m->work;

		if (!m->active)
			continue;
		memset(all, 0, width * sizeof(double));
		for (uint32 fold = 0; fold < fit->design->folds; fold++)
			if (learns_from(fit, f, fold))
				add_class_sums(fit, m, fold, all);
		for (uint32 k = 0; k < m->columns; k++)
		{
			CHECK_FOR_INTERRUPTS();
			nl_blas.daxpy(width, m->share[m->columns == 1 ? 1 : k], all, 1,
						  m->trial_gradient + (Size) k * width, 1);
		}
		for (uint32 k = 0; k < m->classes; k++)
			m->trial_loss -= m->mass * m->share[k] * log(m->share[k]);
		finish_gradient(fit, m);
	}
}
