/*
 * softmax_precondition.c
 *		A first guess of the inverse Hessian of a logistic regression.
 *
 * The guess is
 *
 *	(S + m I)^-1 x G^+ / weight
 *
 * with S the correlations of the features (of a sample of rows, if there are
 * many), m = l2 over the mean curvature, and G = diag(g) - g g' / sum(g), g_k
 * the class shares, later measured as the sum of p (1 - p): the Hessian of a
 * model whose probabilities do not depend on the row.  That takes the
 * correlations away, and a few dozen steps of L-BFGS are left.  S is only about
 * speed: it changes the path, not where it ends.
 *
 * Memory: S, as large as features squared, where that is small beside the
 * matrix; its factor shares the square.  Interrupts: between panels and blocks.
 */
#include "softmax_fit.h"

#include <cblas.h>
#include <math.h>

#define SMALL_FEATURES 256		/* S is always made up to here */
#define SAMPLE_ROWS 1024		/* for S, at least */
#define SAMPLE_FACTOR 8			/* and for each feature */
#define JITTER 1e-9

bool
softmax_is_full(Size n, Size d)
{
	return d <= SMALL_FEATURES || d <= n / 10;
}

/* Correlations of a sample of the rows. */
void
softmax_correlate(SoftmaxFit *fit)
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
factorize(SoftmaxFit *fit, double m)
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
mean_curvature(const SoftmaxModel *m)
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
void
softmax_set_preconditioner(SoftmaxFit *fit, bool measured)
{
	double		sum = 0;
	uint32		active = 0;

	for (uint32 f = 0; f < fit->n_models; f++)
	{
		SoftmaxModel	   *m = &fit->models[f];

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
void
softmax_precondition(const SoftmaxFit *fit, const SoftmaxModel *m, double *v)
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
