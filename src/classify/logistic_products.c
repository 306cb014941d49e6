/*
 * logistic_products.c
 *		The products of a logistic regression, by BLAS: a block of rows times
 *		coefficients, and residuals times the block.
 *
 * Far from the optimum single precision is enough, and takes half the time.  Then
 * a block is made of the scaled features, coefficients are made to suit, and what
 * rounding does to a gradient is about 1e-6 of the coefficients' standard errors.
 * The optimiser takes its last steps in double precision (logistic_lbfgs.c).
 *
 * Memory: in single precision, a block and the columns beside it.  Interrupts:
 * between calls of BLAS, none of which is longer than MAX_FLOPS.
 */
#include "classify/logistic_internal.h"

#include <math.h>

#include "classify/logistic_kernel.h"

#define SINGLE_NUMBERS (64 * 1024)	/* a smaller matrix is not worth it */
#define SINGLE_RANGE 1e15		/* of scaled features: far from overflow */
#define SINGLE_OFFSET 100		/* of a fold's mean: more leaves too few digits */
#define SINGLE_MASS 1e8			/* of a model; more drowns SINGLE_UNTIL in rounding */
#define SINGLE_LEAST 1e-20		/* the same: far from underflow */

/* Is single precision enough for the features and weights? */
static bool
is_in_range(const LogisticFit *fit)
{
	const Design *d = fit->design;

	for (uint32 f = 0; f < fit->n_models; f++)
	{
		const LogisticModel *m = &fit->models[f];

		if (m->active && !(m->mass >= SINGLE_LEAST && m->mass <= SINGLE_MASS))
			return false;
	}
	for (Size f = 0; f < d->folds; f++)
	{
		CHECK_FOR_INTERRUPTS();
		for (uint32 j = 1; j < fit->width && d->used[f] > d->start[f]; j++)
		{
			Size		at = f * fit->width + j;
			double		largest = Max(fabs(d->min[at]), fabs(d->max[at]));

			if (!(largest * fit->scale[j] < SINGLE_RANGE &&
				  fabs(d->centre[at]) * fit->scale[j] < SINGLE_OFFSET))
				return false;
		}
	}
	return true;
}

/* "columns": of all models. */
void
logistic_begin_products(LogisticFit *fit, Size columns)
{
	MemoryContext context = CurrentMemoryContext;
	Size		width = fit->width;
	Size		block = fit->block;

	fit->u = nl_alloc(context, columns * width * sizeof(double));
	fit->product = nl_alloc(context, columns * width * sizeof(double));
	fit->z = nl_alloc(context, columns * block * sizeof(double));
	if (fit->design->n * width < SINGLE_NUMBERS || !is_in_range(fit))
		return;
	fit->can_be_single = true;
	fit->single_u = nl_alloc(context, columns * width * sizeof(float));
	fit->single_product = nl_alloc(context, columns * width * sizeof(float));
	fit->single_z = nl_alloc(context, columns * block * sizeof(float));
	fit->single_x = nl_alloc(context, block * width * sizeof(float));
}

/* The sums of a fold begin; its coefficients are in u. */
void
logistic_begin_sums(LogisticFit *fit, uint32 columns)
{
	Size		width = fit->width;

	if (!fit->single)
	{
		for (Size k = 0; k < columns; k++)
		{
			CHECK_FOR_INTERRUPTS();
			memset(fit->product + k * width, 0, width * sizeof(double));
		}
		return;
	}
	for (Size k = 0; k < columns; k++)
	{
		CHECK_FOR_INTERRUPTS();
		memset(fit->single_product + k * width, 0, width * sizeof(float));
		for (uint32 j = 0; j < width; j++)
			fit->single_u[k * width + j] = fit->scale[j] > 0 ?
				fit->u[k * width + j] / fit->scale[j] : 0;
	}
}

/* The sums of a fold are complete. */
void
logistic_end_sums(LogisticFit *fit, uint32 columns)
{
	Size		width = fit->width;

	for (Size k = 0; k < columns && fit->single; k++)
	{
		CHECK_FOR_INTERRUPTS();
		for (uint32 j = 0; j < width; j++)
			fit->product[k * width + j] = fit->scale[j] > 0 ?
				fit->single_product[k * width + j] / fit->scale[j] : 0;
	}
}

/* BLAS in calls that are short enough to be interrupted between. */
static uint32
columns_at_once(const LogisticFit *fit, uint32 rows)
{
	return Max(MAX_FLOPS / ((double) rows * fit->width), 1);
}

/* To z. */
void
logistic_logits(LogisticFit *fit, const double *x, uint32 rows, uint32 columns)
{
	uint32		width = fit->width;
	uint32		step = columns_at_once(fit, rows);

	if (fit->single)
		scale_to_single(x, rows, width, fit->scale, fit->single_x);
	for (uint32 c = 0; c < columns; c += step)
	{
		uint32		n = Min(step, columns - c);
		Size		at = (Size) c * rows;

		CHECK_FOR_INTERRUPTS();
		if (fit->single)
		{
			nl_blas.sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, rows, width,
						1, fit->single_u + (Size) c * width, width, fit->single_x, width,
						0, fit->single_z + at, rows);
			single_to_double(fit->single_z + at, (Size) n * rows, fit->z + at);
		}
		else
			nl_blas.dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, rows, width,
						1, fit->u + (Size) c * width, width, x, width,
						0, fit->z + at, rows);
	}
}

/* From residuals in z, after the logits of the same block. */
void
logistic_add_products(LogisticFit *fit, const double *x, uint32 rows, uint32 columns)
{
	uint32		width = fit->width;
	uint32		step = columns_at_once(fit, rows);

	for (uint32 c = 0; c < columns; c += step)
	{
		uint32		n = Min(step, columns - c);
		Size		at = (Size) c * rows;

		CHECK_FOR_INTERRUPTS();
		if (fit->single)
		{
			double_to_single(fit->z + at, (Size) n * rows, fit->single_z + at);
			nl_blas.sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, width, rows,
						1, fit->single_z + at, rows, fit->single_x, width,
						1, fit->single_product + (Size) c * width, width);
		}
		else
			nl_blas.dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, width, rows,
						1, fit->z + at, rows, x, width,
						1, fit->product + (Size) c * width, width);
	}
}
