/*
 * softmax_regression.c
 *		Fits multinomial logistic regressions; see softmax_regression.h.
 *
 * Objective.  Over training rows i with weight w_i, target shares t_ik and
 * class weights c_k, in features z standardised by the weighted mean and
 * deviation of the training rows,
 *
 *	sum_ik w_i c_k t_ik (-log p_ik) + l2 / 2 sum_kj b_kj^2,
 *	p_i = softmax(a + B z_i)
 *
 * with intercepts a free of penalty: scikit-learn's, with C = 1 / l2.  With two
 * classes there is one vector b of coefficients, as there.
 *
 * All models together.  Where each fold has a model of the other folds' rows,
 * the matrix is stored once and read once for a step of all models: a block of
 * rows is multiplied with the coefficients of the models that learn from it
 * side by side (dgemm), becomes losses and residuals (softmax_kernel.c), and is
 * multiplied with those (dgemm) while it is in the processor's cache.  What a
 * model is standardised by is folded into its coefficients before and its
 * gradient after, so the matrix itself is the same for all.
 *
 * Optimiser.  L-BFGS (Nocedal & Wright, Numerical Optimization, 2006, alg. 7.4)
 * from the class frequencies.  Its first guess of the inverse Hessian is
 *
 *	(S + m I)^-1 x G^+ / weight
 *
 * with S the correlations of the features (of a sample of rows, if there are
 * many), m = l2 over the mean curvature, and G = diag(g) - g g' / sum(g), g_k
 * the class shares, later measured as the sum of p (1 - p): the Hessian of a
 * model whose probabilities do not depend on the row.  That takes the
 * correlations away, and a few dozen steps are left.  S is only about speed:
 * it changes the path, not where it ends.  The line search asks for the weak
 * Wolfe conditions by bisection (Lewis & Overton, Math. Programming 141, 2013);
 * the step 1 nearly always has them.
 *
 * Stop.  The gradient g is measured as sqrt(g' H g) with the H of L-BFGS, the
 * Newton decrement: about how far the coefficients are from the optimum, in
 * their own standard errors.
 *
 * Order.  Rows are in canonical order, blocks are cut at fixed places, and
 * sums have a fixed order, so the same rows give the same bits.
 *
 * Memory: beside the matrix, for each model (2 * HISTORY + 6) vectors of
 * coefficients; blocks of about BLOCK_BYTES; S, as large as features squared,
 * where that is small beside the matrix.  All in the current context.
 * Interrupts: every block, and round all that takes long.
 */
#include "softmax_regression.h"

#include <cblas.h>
#include <float.h>
#include <math.h>

#include "softmax_kernel.h"

#define HISTORY 10
#define BLOCK_BYTES (160 * 1024)
#define MIN_BLOCK 32
#define MAX_BLOCK 192
#define MAX_FLOPS 1e8			/* of one call of BLAS: a few milliseconds */
#define ARMIJO 1e-4
#define CURVATURE 0.9
#define SMALLEST_STEP 1e-10
#define ROUNDING 1e-13			/* of the objective, relative */
#define SMALL_FEATURES 256		/* S is always made up to here */
#define SAMPLE_ROWS 1024		/* for S, at least */
#define SAMPLE_FACTOR 8			/* and for each feature */
#define JITTER 1e-9

const char *const class_weight_names[] = {
	[CLASS_WEIGHT_NONE] = "none",
	[CLASS_WEIGHT_BALANCED] = "balanced",
	NULL
};

/* When the guess of the inverse Hessian is made anew. */
static const int refresh_at[] = {4, 12, 30};

typedef struct Model
{
	uint32		classes;
	uint16	   *label;			/* classes: of the design's */
	uint16	   *local;			/* design's classes: index in label */
	double	   *factor;			/* design's classes: c_k */
	bool		unit_factor;	/* all c_k are 1 */
	uint32		columns;
	Size		n;				/* columns * width */
	double		weight;			/* of rows */
	double		mass;			/* of rows and classes */
	double	   *share;			/* columns: of the mass */
	double	   *mean;			/* width */
	double	   *scale;			/* width: 1 / deviation, 0 for constants */
	/* the point, and the one that is tried */
	double	   *theta;
	double	   *gradient;
	double	   *direction;
	double	   *trial;
	double	   *trial_gradient;
	double	   *work;
	double	   *s[HISTORY];
	double	   *y[HISTORY];
	double		sy[HISTORY];
	int			pairs;			/* so far */
	double	   *g;				/* columns: curvature, relative to the mass */
	double	   *curvature;		/* columns: being summed */
	double		objective;
	double		trial_objective;
	double		trial_loss;
	double		loss;
	double		slope;
	double		step;
	double		low;
	double		high;
	int			iterations;
	double		decrement;
	double		first_decrement;
	bool		active;
	bool		converged;
} Model;

typedef struct Fit
{
	const Design *design;
	const RegressionOptions *options;
	bool		hold_out;
	uint32		width;
	uint32		n_models;
	Model	   *models;
	uint32		block;			/* rows */
	double	   *u;				/* max columns * width: side by side */
	double	   *product;		/* the same, for gradients */
	double	   *z;				/* max columns * block */
	double	   *mass;			/* block */
	double	   *dot;			/* block */
	double	   *scratch;		/* 2 * block */
	uint16	   *label;			/* block */
	/* S in the upper triangle and "diagonal"; below, the factor of S + m I */
	double	   *s;				/* features^2, or NULL */
	double	   *diagonal;
} Fit;

static inline uint32
features(const Fit *fit)
{
	return fit->width - 1;
}

static bool
is_full(Size n, Size d)
{
	return d <= SMALL_FEATURES || d <= n / 10;
}

/* Bytes of a fit with that many models, at most. */
Size
softmax_regression_memory(const TrainingSet *set, uint32 models)
{
	Size		width = set->x.width;
	Size		columns = Max(set->labels->n, 1);
	Size		vectors = add_size(mul_size(models, 2 * HISTORY + 6), 2 * models);
	Size		size = mul_size(mul_size(vectors, columns), width);

	size = add_size(size, mul_size(mul_size(models, columns), MAX_BLOCK));
	if (is_full(set->x.n, width - 1))
		size = add_size(size, mul_size(width, width));
	return mul_size(size, sizeof(double));
}

/*
 * What a model learns from
 */
static inline bool
learns_from(const Fit *fit, uint32 model, uint32 fold)
{
	return !fit->hold_out || model != fold;
}

static void
set_classes(const Fit *fit, uint32 f, Model *m)
{
	const Design *d = fit->design;
	double	   *weight = palloc0(Max(d->classes, 1) * sizeof(double));

	m->label = palloc(Max(d->classes, 1) * sizeof(uint16));
	m->local = palloc0(Max(d->classes, 1) * sizeof(uint16));
	m->factor = palloc0(Max(d->classes, 1) * sizeof(double));
	for (uint32 g = 0; g < d->folds; g++)
		if (learns_from(fit, f, g))
		{
			m->weight += d->weight[g];
			for (uint32 k = 0; k < d->classes; k++)
				weight[k] += d->class_weight[(Size) g * d->classes + k];
		}
	for (uint32 k = 0; k < d->classes; k++)
		if (weight[k] > 0)
		{
			m->local[k] = m->classes;
			m->label[m->classes++] = k;
		}
	m->columns = m->classes > 2 ? m->classes : m->classes == 2;
	m->unit_factor = fit->options->class_weight == CLASS_WEIGHT_NONE;
	m->share = palloc(Max(m->classes, 1) * sizeof(double));
	for (uint32 k = 0; k < m->classes; k++)
	{
		double		w = weight[m->label[k]];

		m->factor[m->label[k]] = m->unit_factor ? 1 : m->weight / (m->classes * w);
		m->share[k] = w * m->factor[m->label[k]];
		m->mass += m->share[k];
	}
	for (uint32 k = 0; k < m->classes; k++)
		m->share[k] /= m->mass;
	pfree(weight);
}

/*
 * Mean and deviation of the model's own rows.  A feature whose values are all
 * the same there, or differ by no more than rounding (the bound of scikit-learn's
 * StandardScaler), is scaled to nothing: its coefficient is 0, whatever value a
 * row that is judged has.
 */
static void
set_scale(const Fit *fit, uint32 f, Model *m)
{
	const Design *d = fit->design;
	double		rows = 0;

	for (uint32 g = 0; g < d->folds; g++)
		if (learns_from(fit, f, g))
			rows += d->used[g] - d->start[g];
	m->mean = palloc0(fit->width * sizeof(double));
	m->scale = palloc(fit->width * sizeof(double));
	m->scale[0] = 1;
	for (uint32 j = 1; j < fit->width; j++)
	{
		double		sum = 0;
		double		square = 0;
		double		min = INFINITY;
		double		max = -INFINITY;
		double		variance;
		double		rounding;

		for (uint32 g = 0; g < d->folds; g++)
			if (learns_from(fit, f, g))
			{
				Size		at = (Size) g * fit->width + j;

				sum += d->sum[at];
				square += d->square[at];
				min = Min(min, d->min[at]);
				max = Max(max, d->max[at]);
			}
		m->mean[j] = m->weight > 0 ? sum / m->weight : 0;
		variance = m->weight > 0 ? square / m->weight - m->mean[j] * m->mean[j] : 0;
		rounding = rows * DBL_EPSILON * (d->mean[j] + m->mean[j]);
		m->scale[j] = !(min < max) ||
			variance <= rows * DBL_EPSILON * variance + rounding * rounding ? 0 :
			1 / sqrt(variance);
	}
}

/* Class frequencies: where the search begins. */
static void
set_start(const Fit *fit, Model *m)
{
	double		mean = 0;

	if (m->columns == 1)
	{
		m->trial[0] = log(m->share[1] / m->share[0]);
		m->g[0] = m->share[0] * m->share[1];
		return;
	}
	for (uint32 k = 0; k < m->columns; k++)
		mean += log(m->share[k]) / m->columns;
	for (uint32 k = 0; k < m->columns; k++)
	{
		m->trial[k * fit->width] = log(m->share[k]) - mean;
		m->g[k] = m->share[k];
	}
}

static double *
vector(const Model *m)
{
	return nl_alloc_zero(CurrentMemoryContext, Max(m->n, 1) * sizeof(double));
}

static void
begin_model(const Fit *fit, uint32 f, Model *m)
{
	set_classes(fit, f, m);
	set_scale(fit, f, m);
	m->n = (Size) m->columns * fit->width;
	m->theta = vector(m);
	m->gradient = vector(m);
	m->direction = vector(m);
	m->trial = vector(m);
	m->trial_gradient = vector(m);
	m->work = vector(m);
	m->g = palloc0(Max(m->columns, 1) * sizeof(double));
	m->curvature = palloc0(Max(m->columns, 1) * sizeof(double));
	m->active = m->columns > 0;
	m->converged = !m->active;
	if (m->active)
		set_start(fit, m);
}

/*
 * Objective and gradient of all active models at their trial points
 */

/* The coefficients that centred features are multiplied with. */
static void
unstandardize(const Fit *fit, const Model *m, const double *theta, double *u)
{
	for (uint32 k = 0; k < m->columns; k++, theta += fit->width, u += fit->width)
	{
		double		intercept = theta[0];

		for (uint32 j = 1; j < fit->width; j++)
		{
			u[j] = theta[j] * m->scale[j];
			intercept -= u[j] * m->mean[j];
		}
		u[0] = intercept;
	}
}

/* BLAS in calls that are short enough to be interrupted between. */
static uint32
columns_at_once(const Fit *fit, uint32 rows)
{
	return Max(MAX_FLOPS / ((double) rows * fit->width), 1);
}

static void
logits(Fit *fit, const double *x, uint32 rows, uint32 columns)
{
	uint32		step = columns_at_once(fit, rows);

	for (uint32 c = 0; c < columns; c += step)
	{
		CHECK_FOR_INTERRUPTS();
		cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans,
					Min(step, columns - c), rows, fit->width,
					1, fit->u + (Size) c * fit->width, fit->width,
					x, fit->width,
					0, fit->z + (Size) c * rows, rows);
	}
}

static void
add_products(Fit *fit, const double *x, uint32 rows, uint32 columns)
{
	uint32		step = columns_at_once(fit, rows);

	for (uint32 c = 0; c < columns; c += step)
	{
		CHECK_FOR_INTERRUPTS();
		cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans,
					Min(step, columns - c), fit->width, rows,
					1, fit->z + (Size) c * rows, rows,
					x, fit->width,
					1, fit->product + (Size) c * fit->width, fit->width);
	}
}

/* Logits become residuals: hard labels. */
static void
hard_residuals(Fit *fit, Model *m, double *z, uint32 from, uint32 rows,
			   bool curvature)
{
	const Design *d = fit->design;
	const uint16 *label = d->set->label;

	for (uint32 i = 0; i < rows; i++)
	{
		uint32		k = label[d->source[from + i]];

		fit->label[i] = m->local[k];
		fit->mass[i] = design_weight(d, from + i) * m->factor[k];
	}
	if (m->columns == 1)
	{
		for (uint32 i = 0; i < rows; i++)
			fit->dot[i] = fit->label[i] ? fit->mass[i] * z[i] : 0;
		m->trial_loss += logistic_block(z, rows, fit->mass, fit->dot, fit->scratch,
										curvature ? m->curvature : NULL);
		for (uint32 i = 0; i < rows; i++)
			z[i] -= fit->label[i] ? fit->mass[i] : 0;
		return;
	}
	for (uint32 i = 0; i < rows; i++)
		fit->dot[i] = fit->mass[i] * z[(Size) fit->label[i] * rows + i];
	m->trial_loss += softmax_block(z, m->columns, rows, fit->mass, fit->dot,
								   fit->scratch, curvature ? m->curvature : NULL);
	for (uint32 i = 0; i < rows; i++)
		z[(Size) fit->label[i] * rows + i] -= fit->mass[i];
}

/* The same for targets that are distributions. */
static void
soft_residuals(Fit *fit, Model *m, double *z, uint32 from, uint32 rows,
			   bool curvature)
{
	const Design *d = fit->design;
	const TrainingSet *set = d->set;
	bool		binary = m->columns == 1;

	for (uint32 i = 0; i < rows; i++)
	{
		uint32		row = d->source[from + i];
		double		w = design_weight(d, from + i);

		fit->mass[i] = fit->dot[i] = 0;
		for (uint32 t = target_begin(set, row); t < set->target_end[row]; t++)
		{
			uint32		k = set->target_label[t];
			double		mass = w * m->factor[k] * set->target_p[t];

			fit->mass[i] += mass;
			if (!binary)
				fit->dot[i] += mass * z[(Size) m->local[k] * rows + i];
			else if (m->local[k] == 1)
				fit->dot[i] += mass * z[i];
		}
	}
	m->trial_loss += binary ?
		logistic_block(z, rows, fit->mass, fit->dot, fit->scratch,
					   curvature ? m->curvature : NULL) :
		softmax_block(z, m->columns, rows, fit->mass, fit->dot, fit->scratch,
					  curvature ? m->curvature : NULL);
	for (uint32 i = 0; i < rows; i++)
	{
		uint32		row = d->source[from + i];
		double		w = design_weight(d, from + i);

		for (uint32 t = target_begin(set, row); t < set->target_end[row]; t++)
		{
			uint32		k = set->target_label[t];
			double		mass = w * m->factor[k] * set->target_p[t];

			if (!binary)
				z[(Size) m->local[k] * rows + i] -= mass;
			else if (m->local[k] == 1)
				z[i] -= mass;
		}
	}
}

static void
evaluate_block(Fit *fit, uint32 fold, uint32 from, uint32 rows, uint32 columns,
			   bool curvature)
{
	const double *x = feature_row(fit->design->x, from);
	double	   *z = fit->z;

	logits(fit, x, rows, columns);
	for (uint32 f = 0; f < fit->n_models; f++)
	{
		Model	   *m = &fit->models[f];

		if (!m->active || !learns_from(fit, f, fold))
			continue;
		if (fit->design->set->soft)
			soft_residuals(fit, m, z, from, rows, curvature);
		else
			hard_residuals(fit, m, z, from, rows, curvature);
		z += (Size) m->columns * rows;
		CHECK_FOR_INTERRUPTS();
	}
	add_products(fit, x, rows, columns);
}

/* What a fold's rows add to the gradients, in the models' own features. */
static void
add_gradients(Fit *fit, uint32 fold)
{
	const double *product = fit->product;

	for (uint32 f = 0; f < fit->n_models; f++)
	{
		Model	   *m = &fit->models[f];

		if (!m->active || !learns_from(fit, f, fold))
			continue;
		for (Size i = 0; i < m->n; i++)
			m->trial_gradient[i] += product[i];
		product += m->n;
	}
}

static void
evaluate_fold(Fit *fit, uint32 fold, bool curvature)
{
	const Design *d = fit->design;
	double	   *u = fit->u;
	uint32		columns = 0;
	uint32		rows;

	for (uint32 f = 0; f < fit->n_models; f++)
	{
		Model	   *m = &fit->models[f];

		if (!m->active || !learns_from(fit, f, fold))
			continue;
		unstandardize(fit, m, m->trial, u);
		u += m->n;
		columns += m->columns;
	}
	if (columns == 0 || d->used[fold] == d->start[fold])
		return;
	memset(fit->product, 0, (Size) columns * fit->width * sizeof(double));
	for (uint32 i = d->start[fold]; i < d->used[fold]; i += rows)
	{
		rows = Min(feature_run(d->x, i, d->used[fold]), fit->block);
		evaluate_block(fit, fold, i, rows, columns, curvature);
	}
	add_gradients(fit, fold);
}

/* Standardise the gradient and add the penalty. */
static void
finish_gradient(const Fit *fit, Model *m)
{
	double		l2 = fit->options->l2;
	double		penalty = 0;
	double	   *g = m->trial_gradient;
	const double *theta = m->trial;

	for (uint32 k = 0; k < m->columns; k++, g += fit->width, theta += fit->width)
		for (uint32 j = 1; j < fit->width; j++)
		{
			g[j] = (g[j] - m->mean[j] * g[0]) * m->scale[j] + l2 * theta[j];
			penalty += theta[j] * theta[j];
		}
	m->trial_objective = m->trial_loss + l2 / 2 * penalty;
}

static void
evaluate(Fit *fit, bool curvature)
{
	for (uint32 f = 0; f < fit->n_models; f++)
	{
		Model	   *m = &fit->models[f];

		m->trial_loss = m->active ? 0 : m->trial_loss;
		if (m->active)
			memset(m->trial_gradient, 0, m->n * sizeof(double));
		if (m->active && curvature)
			memset(m->curvature, 0, m->columns * sizeof(double));
	}
	for (uint32 fold = 0; fold < fit->design->folds; fold++)
		evaluate_fold(fit, fold, curvature);
	for (uint32 f = 0; f < fit->n_models; f++)
		if (fit->models[f].active)
			finish_gradient(fit, &fit->models[f]);
}

/*
 * The guess of the inverse Hessian
 */

/* Correlations of a sample of the rows. */
static void
correlate(Fit *fit)
{
	const Design *d = fit->design;
	uint32		n = features(fit);
	uint32		stride = Max(d->n / Max(SAMPLE_ROWS, SAMPLE_FACTOR * n), 1);
	uint32		block = Max(Min(MAX_FLOPS / ((double) n * n), MAX_BLOCK), 1);
	double	   *rows = nl_alloc(CurrentMemoryContext,
								mul_size(mul_size(block, n), sizeof(double)));
	uint32		filled = 0;
	uint32		next = 0;

	memset(fit->s, 0, (Size) n * n * sizeof(double));
	for (uint32 f = 0; f < d->folds; f++)
		for (uint32 i = d->start[f]; i < d->used[f]; i++)
		{
			const double *row = feature_row(d->x, i) + 1;
			double		root = sqrt(design_weight(d, i));

			if (next++ % stride != 0)
				continue;
			for (uint32 j = 0; j < n; j++)
				rows[(Size) filled * n + j] = root * row[j];
			if (++filled < block)
				continue;
			CHECK_FOR_INTERRUPTS();
			cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, n, filled,
						1, rows, n, 1, fit->s, n);
			filled = 0;
		}
	if (filled > 0)
		cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, n, filled,
					1, rows, n, 1, fit->s, n);
	pfree(rows);
	for (uint32 j = 0; j < n; j++)
		fit->diagonal[j] = fit->s[(Size) j * n + j] > 0 ?
			1 / sqrt(fit->s[(Size) j * n + j]) : 0;
	for (uint32 i = 0; i < n; i++)
		for (uint32 j = i; j < n; j++)
			fit->s[(Size) i * n + j] *= fit->diagonal[i] * fit->diagonal[j];
	for (uint32 j = 0; j < n; j++)
		fit->diagonal[j] = fit->s[(Size) j * n + j];
}

#define PANEL 64

/* Cholesky factor of the lower triangle, in place, panel by panel. */
static void
factor_panel(double *a, uint32 n, uint32 size)
{
	for (uint32 j = 0; j < size; j++)
	{
		double		pivot = a[(Size) j * n + j];

		for (uint32 k = 0; k < j; k++)
			pivot -= a[(Size) j * n + k] * a[(Size) j * n + k];
		pivot = sqrt(Max(pivot, JITTER));
		a[(Size) j * n + j] = pivot;
		for (uint32 i = j + 1; i < size; i++)
		{
			double		v = a[(Size) i * n + j];

			for (uint32 k = 0; k < j; k++)
				v -= a[(Size) i * n + k] * a[(Size) j * n + k];
			a[(Size) i * n + j] = v / pivot;
		}
	}
}

/* Below the diagonal of s: the factor of S + m I. */
static void
factorize(Fit *fit, double m)
{
	uint32		n = features(fit);
	double	   *s = fit->s;

	if (s == NULL)
		return;
	for (uint32 i = 0; i < n; i++)
	{
		for (uint32 j = 0; j < i; j++)
			s[(Size) i * n + j] = s[(Size) j * n + i];
		s[(Size) i * n + i] = fit->diagonal[i] + m + JITTER;
	}
	for (uint32 p = 0; p < n; p += PANEL)
	{
		uint32		size = Min(PANEL, n - p);
		uint32		rest = n - p - size;
		double	   *panel = s + (Size) p * n + p;
		double	   *below = panel + (Size) size * n;

		CHECK_FOR_INTERRUPTS();
		factor_panel(panel, n, size);
		if (rest == 0)
			break;
		cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit,
					rest, size, 1, panel, n, below, n);
		CHECK_FOR_INTERRUPTS();
		cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, rest, size,
					-1, below, n, 1, below + size, n);
	}
}

/* Mean curvature of a model's classes, relative to its mass. */
static double
mean_curvature(const Model *m)
{
	double		sum = 0;

	for (uint32 k = 0; k < m->columns; k++)
		sum += m->g[k];
	return sum / m->columns;
}

/*
 * From the curvature measured at the last points, if "measured".  Without S
 * (it would be large) features count as uncorrelated.
 */
static void
set_preconditioner(Fit *fit, bool measured)
{
	double		sum = 0;
	uint32		active = 0;

	for (uint32 f = 0; f < fit->n_models; f++)
	{
		Model	   *m = &fit->models[f];

		if (!m->active)
			continue;
		if (measured)
			for (uint32 k = 0; k < m->columns; k++)
				m->g[k] = Max(m->curvature[k] / m->mass /
							  (m->columns == 1 ? 1 : 1 - m->share[k]),
							  1e-8);
		sum += m->mass * mean_curvature(m);
		active++;
	}
	if (active > 0)
		factorize(fit, fit->options->l2 * active / sum);
}

/* In place: v becomes the guess of the inverse Hessian times v. */
static void
precondition(const Fit *fit, const Model *m, double *v)
{
	uint32		n = features(fit);
	uint32		width = fit->width;

	for (uint32 k = 0; k < m->columns; k++)
		for (uint32 j = 0; j < width; j++)
			v[(Size) k * width + j] /= m->mass * m->g[k];
	if (fit->s != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit,
					m->columns, n, 1, fit->s, n, v + 1, width);
		CHECK_FOR_INTERRUPTS();
		cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasNoTrans, CblasNonUnit,
					m->columns, n, 1, fit->s, n, v + 1, width);
	}
	else
	{
		double		scale = 1 / (1 + fit->options->l2 / (m->mass * mean_curvature(m)));

		for (uint32 k = 0; k < m->columns; k++)
			for (uint32 j = 1; j < width; j++)
				v[(Size) k * width + j] *= scale;
	}
	if (m->columns == 1)
		return;
	/* coefficients sum to 0 over the classes */
	for (uint32 j = 0; j < width; j++)
	{
		double		mean = 0;

		for (uint32 k = 0; k < m->columns; k++)
			mean += v[(Size) k * width + j];
		mean /= m->columns;
		for (uint32 k = 0; k < m->columns; k++)
			v[(Size) k * width + j] -= mean;
	}
}

/*
 * L-BFGS
 */
static double
dot(const double *a, const double *b, Size n)
{
	return cblas_ddot(n, a, 1, b, 1);
}

/* The direction: minus the inverse Hessian, as far as known, times gradient. */
static void
find_direction(Fit *fit, Model *m)
{
	int			kept = Min(m->pairs, HISTORY);
	double		alpha[HISTORY];
	double	   *q = m->direction;

	memcpy(q, m->gradient, m->n * sizeof(double));
	for (int p = m->pairs - 1; p >= m->pairs - kept; p--)
	{
		int			i = p % HISTORY;

		alpha[i] = dot(m->s[i], q, m->n) / m->sy[i];
		cblas_daxpy(m->n, -alpha[i], m->y[i], 1, q, 1);
	}
	precondition(fit, m, q);
	if (kept > 0)
	{
		int			last = (m->pairs - 1) % HISTORY;

		memcpy(m->work, m->y[last], m->n * sizeof(double));
		precondition(fit, m, m->work);
		cblas_dscal(m->n, m->sy[last] / dot(m->y[last], m->work, m->n), q, 1);
	}
	for (int p = m->pairs - kept; p < m->pairs; p++)
	{
		int			i = p % HISTORY;
		double		beta = dot(m->y[i], q, m->n) / m->sy[i];

		cblas_daxpy(m->n, alpha[i] - beta, m->s[i], 1, q, 1);
	}
	cblas_dscal(m->n, -1, q, 1);
	m->slope = dot(q, m->gradient, m->n);
}

/* A new iteration: the direction, unless the model is done. */
static void
begin_iteration(Fit *fit, Model *m)
{
	find_direction(fit, m);
	if (!(m->slope < 0))
	{
		/* at the optimum to the last bit, or rounding has made nonsense of it */
		m->pairs = 0;
		find_direction(fit, m);
	}
	m->decrement = sqrt(Max(-m->slope, 0));
	if (m->iterations == 0)
		m->first_decrement = m->decrement;
	m->converged = m->decrement <= fit->options->tolerance * Min(m->first_decrement, 1);
	if (m->converged || m->iterations >= fit->options->max_iterations ||
		!(m->slope < 0))
	{
		m->active = false;
		return;
	}
	m->step = 1;
	m->low = 0;
	m->high = INFINITY;
	m->iterations++;
}

static void
try_step(Model *m)
{
	for (Size i = 0; i < m->n; i++)
		m->trial[i] = m->theta[i] + m->step * m->direction[i];
}

static void
remember_pair(Model *m)
{
	int			i = m->pairs % HISTORY;
	double		sy;

	if (m->s[i] == NULL)
	{
		m->s[i] = vector(m);
		m->y[i] = vector(m);
	}
	for (Size j = 0; j < m->n; j++)
	{
		m->s[i][j] = m->trial[j] - m->theta[j];
		m->y[i][j] = m->trial_gradient[j] - m->gradient[j];
	}
	sy = dot(m->s[i], m->y[i], m->n);
	if (sy > 1e-14 * fabs(m->step * m->slope))
	{
		m->sy[i] = sy;
		m->pairs++;
	}
}

static void
move_to_trial(Model *m)
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

/*
 * The weak Wolfe conditions at the trial point.  Near the optimum differences
 * of the objective drown in rounding; there the slopes decide.
 */
static void
end_trial(Fit *fit, Model *m)
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
		begin_iteration(fit, m);
		return;
	}
	m->step = isfinite(m->high) ? (m->low + m->high) / 2 : 2 * m->step;
	if (m->step < SMALLEST_STEP || m->step > 1 / SMALLEST_STEP)
	{
		/* as near as rounding lets it come, or no optimum at all */
		m->active = false;
		m->converged = m->decrement <= 1e3 * fit->options->tolerance &&
			m->step < SMALLEST_STEP;
	}
}

static bool
step_models(Fit *fit, bool curvature)
{
	bool		active = false;

	for (uint32 f = 0; f < fit->n_models; f++)
		if (fit->models[f].active)
			try_step(&fit->models[f]);
	evaluate(fit, curvature);
	for (uint32 f = 0; f < fit->n_models; f++)
	{
		Model	   *m = &fit->models[f];

		if (m->active)
			end_trial(fit, m);
		active = active || m->active;
	}
	return active;
}

static void
report_progress(const Fit *fit, int steps, const char *name)
{
	double		objective = 0;
	double		decrement = 0;
	int			active = 0;

	for (uint32 f = 0; f < fit->n_models; f++)
	{
		objective += fit->models[f].objective;
		decrement = Max(decrement, fit->models[f].decrement);
		active += fit->models[f].active;
	}
	ereport(NOTICE,
			(errmsg("%s: step %d, %d of %u models to go, objective %.6f, gradient %.2e of %.2e",
					name, steps, active, fit->n_models, objective, decrement,
					fit->options->tolerance)));
}

static bool
is_refresh(int steps)
{
	for (size_t i = 0; i < lengthof(refresh_at); i++)
		if (steps == refresh_at[i])
			return true;
	return false;
}

static void
run(Fit *fit, const char *name)
{
	bool		active = false;
	int			steps = 0;

	set_preconditioner(fit, false);
	evaluate(fit, false);
	for (uint32 f = 0; f < fit->n_models; f++)
		if (fit->models[f].active)
		{
			move_to_trial(&fit->models[f]);
			begin_iteration(fit, &fit->models[f]);
			active = active || fit->models[f].active;
		}
	while (active)
	{
		active = step_models(fit, is_refresh(++steps));
		if (active && is_refresh(steps))
			set_preconditioner(fit, true);
		if (nl_progress)
			report_progress(fit, steps, name);
	}
}

static void
make_buffers(Fit *fit)
{
	Size		columns = 0;
	uint32		n = features(fit);

	for (uint32 f = 0; f < fit->n_models; f++)
		columns += fit->models[f].columns;
	columns = Max(columns, 1);
	fit->block = BLOCK_BYTES / (Max(columns, fit->width) * sizeof(double));
	fit->block = Max(Min(fit->block, MAX_BLOCK), MIN_BLOCK);
	fit->block = Min(fit->block, Max(fit->design->n, 1));
	fit->u = nl_alloc(CurrentMemoryContext, columns * fit->width * sizeof(double));
	fit->product = nl_alloc(CurrentMemoryContext, columns * fit->width * sizeof(double));
	fit->z = nl_alloc(CurrentMemoryContext, columns * fit->block * sizeof(double));
	fit->mass = palloc(fit->block * sizeof(double));
	fit->dot = palloc(fit->block * sizeof(double));
	fit->scratch = palloc(2 * fit->block * sizeof(double));
	fit->label = palloc(fit->block * sizeof(uint16));
	if (!is_full(fit->design->n, n))
		return;
	fit->s = nl_alloc(CurrentMemoryContext, (Size) n * n * sizeof(double));
	fit->diagonal = palloc(n * sizeof(double));
	correlate(fit);
}

static void
take_result(const Fit *fit, Model *m, FittedModel *result)
{
	if (m->columns > 1)
		for (uint32 j = 0; j < fit->width; j++)
		{
			double		mean = 0;

			for (uint32 k = 0; k < m->columns; k++)
				mean += m->theta[(Size) k * fit->width + j];
			mean /= m->columns;
			for (uint32 k = 0; k < m->columns; k++)
				m->theta[(Size) k * fit->width + j] -= mean;
		}
	result->classes = m->classes;
	result->label = m->label;
	result->columns = m->columns;
	result->coefficients = vector(m);
	unstandardize(fit, m, m->theta, result->coefficients);
	result->weight = m->weight;
	result->iterations = m->iterations;
	result->converged = m->converged;
	result->loss = m->loss;
	result->gradient = m->decrement;
}

static void
free_model(Model *m)
{
	for (int i = 0; i < HISTORY && m->s[i] != NULL; i++)
	{
		pfree(m->s[i]);
		pfree(m->y[i]);
	}
	pfree(m->theta);
	pfree(m->gradient);
	pfree(m->direction);
	pfree(m->trial);
	pfree(m->trial_gradient);
	pfree(m->work);
}

/*
 * A model for each fold, of the rows of the others, or (not "hold_out") one
 * model of all rows.  "name" is for progress messages.
 */
FittedModel *
softmax_regression(const Design *design, bool hold_out,
				   const RegressionOptions *options, const char *name)
{
	Fit			fit = {.design = design,.options = options,.hold_out = hold_out};
	FittedModel *results;

	fit.width = design->x->width;
	fit.n_models = hold_out ? design->folds : 1;
	fit.models = palloc0(fit.n_models * sizeof(Model));
	results = palloc0(fit.n_models * sizeof(FittedModel));
	for (uint32 f = 0; f < fit.n_models; f++)
		begin_model(&fit, f, &fit.models[f]);
	make_buffers(&fit);
	run(&fit, name);
	for (uint32 f = 0; f < fit.n_models; f++)
	{
		take_result(&fit, &fit.models[f], &results[f]);
		free_model(&fit.models[f]);
	}
	pfree(fit.u);
	pfree(fit.product);
	pfree(fit.z);
	if (fit.s != NULL)
		pfree(fit.s);
	return results;
}

/* In four strands, which become one vector. */
static double
dot_product(const double *a, const double *b, uint32 n)
{
	double		sum[4] = {0};
	uint32		i;

	for (i = 0; i + 4 <= n; i += 4)
		for (uint32 j = 0; j < 4; j++)
			sum[j] += a[i + j] * b[i + j];
	for (; i < n; i++)
		sum[0] += a[i] * b[i];
	return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/*
 * Probabilities of a row, whose first number is 1: of two classes if there is
 * one column, else of as many as there are columns.
 */
void
softmax_predict(const double *coefficients, uint32 columns, uint32 width,
				const double *row, double *p)
{
	double		max = -INFINITY;
	double		sum = 0;

	/* not by BLAS: to call it costs more than one row */
	for (uint32 k = 0; k < columns; k++)
		p[k] = dot_product(coefficients + (Size) k * width, row, width);
	if (columns == 1)
	{
		double		e = exp(-fabs(p[0]));

		p[1] = (p[0] < 0 ? e : 1) / (1 + e);
		p[0] = (p[0] < 0 ? 1 : e) / (1 + e);
		return;
	}
	for (uint32 k = 0; k < columns; k++)
		max = Max(max, p[k]);
	for (uint32 k = 0; k < columns; k++)
	{
		p[k] = exp(p[k] - max);
		sum += p[k];
	}
	for (uint32 k = 0; k < columns; k++)
		p[k] /= sum;
}
