/*
 * logistic_precondition.c
 *		A first guess of the inverse Hessian of a logistic regression.
 *
 * The Hessian has a block for each pair of classes.  The guess takes that of a
 * class k with itself, mass g_k (N_k + m_k I) without m_k for the intercept, where
 *
 *	g_k is the mean of p_k (1 - p_k), over 1 - share of the class if there are
 *		three or more (then, as coefficients sum to 0 over the classes, the guess is
 *		right where probabilities do not depend on the row),
 *	N_k is the mean of x x' with weights p_k (1 - p_k), x with its leading 1,
 *	m_k is l2 / (mass g_k).
 *
 * The weights depend on x through the logits z alone.  So, for features that are
 * normally distributed with correlations S, N_k differs from S only by what is
 * between the coefficients of the classes (Stein's lemma: E[w x x'] =
 * E[w] S + S B E[w''] B' S; Ann. Statistics 9, 1981, 1135).  With L L' = S + m I,
 * the mean ridge, and the rows of Q a basis of L' B, orthonormal,
 *
 *	N_k + m_k I  =  L (I + Q' (C_k - I) Q) L'
 *
 * and C_k follows from moments of the logits, which cost next to nothing: B is
 * known, so Q L^-1 x is a combination T of (1, z).  C_k is drawn toward I a little,
 * for classes that few rows tell much of.  At first g_k is that of the class shares
 * and C_k is I; now and then both are measured.  All this is only about speed: it
 * changes the path, not where it ends.
 *
 * What a model is told by the rows it does not learn from: S only, which is made
 * of the features of the first rows of each fold.  (Features are scaled by the
 * largest scale of any model and clipped at what a model could find in its own
 * rows.)  Labels have no part in it, but for how many rows that is: it depends on
 * how many classes the models know.
 *
 * Memory.  S is in the upper triangle of a square, with its diagonal apart.  Each
 * model has a square for its L, and numbers for Q and C_k.  Where all that is large
 * beside the matrix, models share one L, in the lower triangle of S's square, with
 * a ridge that no label has a part in; or do without C_k; and if S itself is large,
 * features count as uncorrelated.  Interrupts: between panels, blocks and classes.
 */
#include "classify/logistic_internal.h"

#include <math.h>

#include "classify/logistic_kernel.h"

#define SMALL_WIDTH 257			/* S is always made up to here */
#define SMALL_GUESS (1024 * 1024)	/* numbers; so is the rest */
#define GUESS_SHARE 8			/* or up to this part of the matrix */
#define LEAST_SAMPLE 4096		/* rows */
#define SAMPLE_FACTOR 8			/* and for each coefficient of a class */
#define MOST_SAMPLE 16384		/* unless those are more */
#define SHRINKAGE 0.02			/* of C_k toward I */
#define COMMON_CURVATURE 0.25	/* of what it is at most, for the shared L */
#define DEPENDENT 1e-6			/* a vector of which less is left adds nothing */
#define JITTER 1e-9

static bool
has_correlations(Size n, Size width)
{
	return width <= SMALL_WIDTH || width <= n / 10;
}

static bool
is_small(Size numbers, Size n, Size width)
{
	return numbers <= SMALL_GUESS || numbers <= mul_size(n, width) / GUESS_SHARE;
}

/* 1 and the differences of the logits; of two classes there is one logit. */
static uint32
terms_of(uint32 columns)
{
	return columns == 1 ? 2 : columns;
}

static Size
moments_size(Size width, Size columns)
{
	Size		terms = terms_of(columns);

	return add_size(mul_size(terms, width),
					mul_size(mul_size(2 * columns, terms), terms));
}

/* In numbers, at most. */
Size
logistic_precondition_memory(Size n, Size width, Size columns, Size models)
{
	Size		square = mul_size(width, width);
	Size		factors = mul_size(models, square);
	Size		moments = mul_size(models, moments_size(width, columns));
	Size		size = square;

	if (!has_correlations(n, width))
		return 0;
	if (is_small(factors, n, width))
		size = add_size(size, factors);
	if (is_small(moments, n, width))
		size = add_size(size, add_size(moments, mul_size(2 * terms_of(columns), MAX_BLOCK)));
	return add_size(size, mul_size(MAX_BLOCK, width));
}

/*
 * S
 */

static void
scale_row(const LogisticFit *fit, uint32 i, double *to)
{
	const double *row = feature_row(fit->design->x, i);
	double		root = sqrt(design_weight(fit->design, i));
	double		limit = sqrt(fit->design->n);

	for (uint32 j = 0; j < fit->width; j++)
	{
		double		v = row[j] * fit->scale[j];

		to[j] = root * Max(Min(v, limit), -limit);
	}
}

static void
correlate(LogisticFit *fit)
{
	const Design *d = fit->design;
	Size		width = fit->width;
	uint32		block = Max(Min(MAX_FLOPS / ((double) width * width), MAX_BLOCK), 1);
	double	   *rows = nl_alloc(CurrentMemoryContext, block * width * sizeof(double));
	double	   *s = fit->s;
	double		weight;

	nl_clear(s, width * width * sizeof(double));
	for (uint32 f = 0; f < d->folds; f++)
	{
		uint32		end = Min(d->used[f], d->start[f] + fit->sample);
		uint32		n;

		for (uint32 i = d->start[f]; i < end; i += n)
		{
			n = Min(block, end - i);
			for (uint32 j = 0; j < n; j++)
				scale_row(fit, i + j, rows + j * width);
			CHECK_FOR_INTERRUPTS();
			nl_blas.dsyrk(CblasRowMajor, CblasUpper, CblasTrans, width, n,
						  1, rows, width, 1, s, width);
		}
	}
	weight = s[0] > 0 ? s[0] : 1;
	for (uint32 i = 0; i < width; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (uint32 j = i; j < width; j++)
			s[i * width + j] /= weight;
		fit->diagonal[i] = s[i * width + i];
	}
	pfree(rows);
}

/*
 * Factors
 */
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

/* The lower triangle of c loses a a', where a has "size" columns. */
static void
subtract_square(const double *a, uint32 rows, uint32 size, double *c, uint32 n)
{
	uint32		step = Max(MAX_FLOPS / ((double) rows * size), 1);

	for (uint32 i = 0; i < rows; i += step)
	{
		uint32		some = Min(step, rows - i);
		const double *from = a + (Size) i * n;
		double	   *to = c + (Size) i * n;

		CHECK_FOR_INTERRUPTS();
		if (i > 0)
			nl_blas.dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, some, i, size,
						-1, from, n, a, n, 1, to, n);
		nl_blas.dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, some, size,
					-1, from, n, 1, to + i, n);
	}
}

static void
factorize(double *a, uint32 n)
{
	for (uint32 p = 0; p < n; p += PANEL)
	{
		uint32		size = Min(PANEL, n - p);
		uint32		rest = n - p - size;
		double	   *panel = a + (Size) p * n + p;
		double	   *below = panel + (Size) size * n;

		CHECK_FOR_INTERRUPTS();
		factor_panel(panel, n, size);
		if (rest == 0)
			break;
		nl_blas.dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit,
					rest, size, 1, panel, n, below, n);
		subtract_square(below, rest, size, below + size, n);
	}
}

/* In the lower triangle of "to": L of S + ridge I. */
static void
set_factor(const LogisticFit *fit, double ridge, double *to)
{
	Size		width = fit->width;

	for (uint32 i = 0; i < width; i++)
	{
		CHECK_FOR_INTERRUPTS();	/* a column of S is spread over its rows */
		for (uint32 j = 0; j < i; j++)
			to[i * width + j] = fit->s[j * width + i];
		to[i * width + i] = fit->diagonal[i] + (i > 0 ? ridge : 0) + JITTER;
	}
	factorize(to, width);
}

/* Rows that a triangle of that size is applied to in one call of BLAS. */
static uint32
rows_at_once(uint32 n)
{
	return Max(MAX_FLOPS / ((double) n * n), 1);
}

/* With "transpose" CblasTrans, L^-1 of each row of v, else L'^-1. */
static void
solve(const double *factor, uint32 n, CBLAS_TRANSPOSE transpose, double *v, uint32 rows)
{
	uint32		step = rows_at_once(n);

	for (uint32 i = 0; i < rows; i += step)
	{
		CHECK_FOR_INTERRUPTS();
		nl_blas.dtrsm(CblasRowMajor, CblasRight, CblasLower, transpose, CblasNonUnit,
					  Min(step, rows - i), n, 1, factor, n, v + (Size) i * n, n);
	}
}

static const double *
factor_of(const LogisticFit *fit, const LogisticModel *m)
{
	return m->cholesky != NULL ? m->cholesky : fit->s;
}

/*
 * Moments of the logits
 */

/* Before logits become probabilities: the terms of each row. */
void
logistic_keep_terms(LogisticFit *fit, const LogisticModel *m, const double *z, uint32 rows)
{
	double	   *to = fit->terms;

	for (uint32 i = 0; i < rows; i++)
		to[i] = 1;
	if (m->columns == 1)
		memcpy(to + rows, z, rows * sizeof(double));
	else
		for (uint32 t = 1; t < m->columns; t++)
			for (uint32 i = 0; i < rows; i++)
				to[(Size) t * rows + i] = z[(Size) t * rows + i] - z[i];
}

/* And when z is masses times probabilities: the moments of each class. */
void
logistic_add_moments(LogisticFit *fit, LogisticModel *m, const double *z, uint32 rows)
{
	uint32		terms = terms_of(m->columns);

	for (uint32 k = 0; k < m->columns; k++)
	{
		weigh_terms(fit->terms, terms, rows, z + (Size) k * rows, fit->mass,
					fit->scratch, fit->weighted);
		CHECK_FOR_INTERRUPTS();
		nl_blas.dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, terms, terms, rows,
					  1, fit->terms, rows, fit->weighted, rows,
					  1, m->moments + (Size) k * terms * terms, terms);
	}
}

void
logistic_clear_moments(LogisticModel *m)
{
	Size		terms = terms_of(m->columns);

	if (m->moments != NULL)
		nl_clear(m->moments, m->columns * terms * terms * sizeof(double));
}

/* B: the coefficients of the terms, one row for each. */
static void
set_terms(const LogisticFit *fit, const LogisticModel *m, double *b)
{
	uint32		width = fit->width;

	memset(b, 0, width * sizeof(double));
	b[0] = 1;
	if (m->columns == 1)
		memcpy(b + width, m->theta, width * sizeof(double));
	else
		for (uint32 t = 1; t < m->columns; t++)
			for (uint32 j = 0; j < width; j++)
				b[(Size) t * width + j] = m->theta[(Size) t * width + j] - m->theta[j];
}

static double
norm(const double *v, uint32 n)
{
	return nl_blas.dnrm2(n, v, 1);
}

/*
 * Rows of q become orthonormal, and those of t what they are combined of; returns
 * how many are left.  Gram and Schmidt, each twice for accuracy.
 */
static uint32
orthogonalize(double *q, uint32 n, uint32 width, double *t)
{
	uint32		rank = 0;

	for (uint32 i = 0; i < n; i++)
	{
		double	   *v = q + (Size) rank * width;
		double	   *u = t + (Size) rank * n;
		double		before;
		double		after;

		CHECK_FOR_INTERRUPTS();
		memmove(v, q + (Size) i * width, width * sizeof(double));
		memset(u, 0, n * sizeof(double));
		u[i] = 1;
		before = norm(v, width);
		for (uint32 e = 0; e < 2 * rank; e++)
		{
			const double *with = q + (Size) (e % rank) * width;
			double		a = nl_blas.ddot(width, with, 1, v, 1);

			nl_blas.daxpy(width, -a, with, 1, v, 1);
			nl_blas.daxpy(n, -a, t + (Size) (e % rank) * n, 1, u, 1);
		}
		after = norm(v, width);
		if (!(after > DEPENDENT * before))
			continue;
		nl_blas.dscal(width, 1 / after, v, 1);
		nl_blas.dscal(n, 1 / after, u, 1);
		rank++;
	}
	return rank;
}

/* The factor of C_k, from the moments of a class and the ridge of the terms. */
static void
set_inner(const LogisticModel *m, uint32 k, double ridge, const double *products,
		  const double *t, double *work)
{
	uint32		terms = terms_of(m->columns);
	Size		size = (Size) terms * terms;
	const double *moments = m->moments + k * size;
	double	   *inner = m->inner + k * size;
	double		share = moments[0] > 0 ? (1 - SHRINKAGE) / moments[0] : 0;

	for (Size i = 0; i < size; i++)
		work[i] = share * moments[i] + (share > 0 ? (1 - SHRINKAGE) * ridge : 0) * products[i];
	nl_blas_multiply(CblasNoTrans, m->rank, terms, terms, t, terms, work, terms,
					 0, work + size, terms);
	nl_blas_multiply(CblasTrans, m->rank, m->rank, terms, work + size, terms, t, terms,
					 0, inner, m->rank);
	for (uint32 i = 0; i < m->rank; i++)
		inner[(Size) i * m->rank + i] += share > 0 ? SHRINKAGE : 1;
	factorize(inner, m->rank);
}

static void
set_moments(const LogisticFit *fit, LogisticModel *m)
{
	uint32		width = fit->width;
	uint32		terms = terms_of(m->columns);
	uint32		step = rows_at_once(width);
	Size		size = (Size) terms * terms;
	double	   *products = nl_alloc(CurrentMemoryContext, 4 * size * sizeof(double));
	double	   *t = products + size;

	set_terms(fit, m, m->basis);
	/* of the features */
	nl_blas_multiply(CblasTrans, terms, terms, width - 1, m->basis + 1, width, m->basis + 1,
					 width, 0, products, terms);
	for (uint32 i = 0; i < terms; i += step)
	{
		CHECK_FOR_INTERRUPTS();
		nl_blas.dtrmm(CblasRowMajor, CblasRight, CblasLower, CblasNoTrans, CblasNonUnit,
					  Min(step, terms - i), width, 1, factor_of(fit, m), width,
					  m->basis + (Size) i * width, width);
	}
	m->rank = orthogonalize(m->basis, terms, width, t);
	for (uint32 k = 0; k < m->columns; k++)
		set_inner(m, k, fit->options->l2 / (m->mass * m->g[k]), products, t, t + size);
	pfree(products);
}

/*
 * The guess
 */
static double *
numbers(Size n)
{
	return nl_alloc(CurrentMemoryContext, mul_size(n, sizeof(double)));
}

static void
begin_model(LogisticFit *fit, LogisticModel *m, bool factors, bool moments)
{
	Size		terms = terms_of(m->columns);

	if (factors)
		m->cholesky = numbers(mul_size(fit->width, fit->width));
	if (!moments)
		return;
	m->basis = nl_blas_vector(mul_size(terms, fit->width));
	m->moments = numbers(mul_size(m->columns, terms * terms));
	m->inner = numbers(mul_size(m->columns, terms * terms));
}

/* The largest curvature there can be, whatever the labels. */
static double
common_ridge(const LogisticFit *fit, uint32 columns)
{
	double		weight = 0;
	double		most = columns == 1 ? 0.25 : 1.0 / columns;

	for (uint32 f = 0; f < fit->n_models; f++)
		weight = Max(weight, fit->models[f].weight);
	return fit->options->l2 / (COMMON_CURVATURE * most * weight);
}

/* Operations of an evaluation of all models. */
static double
evaluation_cost(const LogisticFit *fit)
{
	double		columns = 0;

	for (uint32 f = 0; f < fit->n_models; f++)
		columns += fit->models[f].columns;
	return 4.0 * fit->design->n * columns * fit->width;
}

/* And of the moments of all models, for a row. */
static double
moments_cost(const LogisticFit *fit)
{
	double		cost = 0;

	for (uint32 f = 0; f < fit->n_models; f++)
	{
		double		columns = fit->models[f].columns;
		double		terms = terms_of(columns);

		cost += 3 * columns * terms * terms;
	}
	return cost;
}

/* The larger the better, while it costs no more than an evaluation. */
static uint32
sample_rows(const LogisticFit *fit, bool moments)
{
	double		width = fit->width;
	double		row = width * width + (moments ? moments_cost(fit) : 0);
	double		cheap = Min(evaluation_cost(fit) / row, MOST_SAMPLE);

	return Max(cheap, Max(LEAST_SAMPLE, SAMPLE_FACTOR * width));
}

void
logistic_begin_preconditioner(LogisticFit *fit)
{
	const Design *d = fit->design;
	Size		width = fit->width;
	uint32		columns = 0;
	uint32		terms;
	bool		factors = is_small(mul_size(fit->n_models, width * width), d->n, width);
	bool		moments;

	for (uint32 f = 0; f < fit->n_models; f++)
		columns = Max(columns, fit->models[f].columns);
	if (columns == 0 || !has_correlations(d->n, width))
		return;
	moments = is_small(mul_size(fit->n_models, moments_size(width, columns)),
					   d->n, width);
	terms = terms_of(columns);
	fit->sample = sample_rows(fit, moments) / d->folds + 1;
	fit->s = numbers(mul_size(width, width));
	fit->diagonal = palloc(width * sizeof(double));
	correlate(fit);
	if (!factors)
		set_factor(fit, common_ridge(fit, columns), fit->s);
	fit->inner_work = numbers(2 * (Size) columns * terms);
	if (moments)
	{
		fit->terms = numbers((Size) terms * fit->block);
		fit->weighted = numbers((Size) terms * fit->block);
	}
	for (uint32 f = 0; f < fit->n_models; f++)
		begin_model(fit, &fit->models[f], factors, moments);
}

/* For another penalty: what models share; each one's own is set as it goes on. */
void
logistic_renew_preconditioner(LogisticFit *fit)
{
	uint32		columns = 0;

	if (fit->s == NULL)
		return;
	for (uint32 f = 0; f < fit->n_models; f++)
	{
		if (fit->models[f].cholesky != NULL)
			return;
		columns = Max(columns, fit->models[f].columns);
	}
	set_factor(fit, common_ridge(fit, columns), fit->s);
}

/* 1 - share, but not 0 where rounding makes the share 1; of two classes 1. */
static double
other_shares(const LogisticModel *m, uint32 k)
{
	double		sum = 0;

	if (m->columns == 1)
		return 1;
	for (uint32 i = 0; i < m->columns; i++)
		sum += i == k ? 0 : m->share[i];
	return sum;
}

/* From the curvature at the point the model is at, if that was measured. */
void
logistic_set_preconditioner(const LogisticFit *fit, LogisticModel *m, bool measured)
{
	double		sum = 0;

	for (uint32 k = 0; k < m->columns; k++)
	{
		if (measured)
			m->g[k] = Max(m->curvature[k] / m->mass / other_shares(m, k), 1e-8);
		sum += m->g[k];
	}
	if (m->cholesky != NULL)
		set_factor(fit, fit->options->l2 * m->columns / (m->mass * sum), m->cholesky);
	if (measured && m->moments != NULL)
		set_moments(fit, m);
}

/* What it costs to set it anew, in evaluations of all models. */
double
logistic_preconditioner_price(const LogisticFit *fit)
{
	double		width = fit->width;
	double		sample = Min((double) fit->sample * fit->design->folds, fit->design->n);
	double		price = 0;
	bool		moments = false;

	for (uint32 f = 0; f < fit->n_models; f++)
	{
		const LogisticModel *m = &fit->models[f];
		double		terms = terms_of(m->columns);

		if (m->cholesky != NULL)
			price += width * width * width / 3;
		if (m->moments != NULL)
			price += terms * width * (width + 6 * terms);
		moments = moments || m->moments != NULL;
	}
	if (moments)
		price += sample * moments_cost(fit);
	return price / Max(evaluation_cost(fit), 1);
}

/* U (I + Q' (C_k^-1 - I) Q), for the row of each class. */
static void
correct(const LogisticFit *fit, const LogisticModel *m, double *u)
{
	double	   *a = fit->inner_work;
	double	   *b = a + (Size) m->columns * m->rank;
	Size		terms = terms_of(m->columns);

	nl_blas_multiply(CblasTrans, m->columns, m->rank, fit->width, u, fit->width, m->basis,
					 fit->width, 0, a, m->rank);
	memcpy(b, a, (Size) m->columns * m->rank * sizeof(double));
	for (uint32 k = 0; k < m->columns; k++)
	{
		const double *inner = m->inner + k * terms * terms;

		solve(inner, m->rank, CblasTrans, b + (Size) k * m->rank, 1);
		solve(inner, m->rank, CblasNoTrans, b + (Size) k * m->rank, 1);
	}
	nl_blas.daxpy(m->columns * m->rank, -1, a, 1, b, 1);
	nl_blas_multiply(CblasNoTrans, m->columns, fit->width, m->rank, b, m->rank, m->basis,
					 fit->width, 1, u, fit->width);
}

/* In place: v becomes the guess of the inverse Hessian times v. */
void
logistic_precondition(const LogisticFit *fit, const LogisticModel *m, double *v)
{
	uint32		width = fit->width;

	for (uint32 k = 0; k < m->columns; k++)
	{
		CHECK_FOR_INTERRUPTS();
		for (uint32 j = 0; j < width; j++)
			v[(Size) k * width + j] /= m->mass * m->g[k] +
				(fit->s == NULL && j > 0 ? fit->options->l2 : 0);
	}
	if (fit->s != NULL)
	{
		solve(factor_of(fit, m), width, CblasTrans, v, m->columns);
		if (m->rank > 0)
			correct(fit, m, v);
		solve(factor_of(fit, m), width, CblasNoTrans, v, m->columns);
	}
	if (m->columns > 1)
		logistic_centre(m, width, v);
}
