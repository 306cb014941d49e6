/*
 * logistic_products.c
 *		The products of a logistic regression, by BLAS: a block of rows times
 *		coefficients, and residuals times the block.
 *
 * Interrupts: between calls of BLAS, none of which is longer than MAX_FLOPS.
 */
#include "classify/logistic_internal.h"

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

	for (uint32 c = 0; c < columns; c += step)
	{
		CHECK_FOR_INTERRUPTS();
		nl_blas.dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, Min(step, columns - c),
					  rows, width, 1, fit->u + (Size) c * width, width, x, width,
					  0, fit->z + (Size) c * rows, rows);
	}
}

/* From residuals in z. */
void
logistic_add_products(LogisticFit *fit, const double *x, uint32 rows, uint32 columns)
{
	uint32		width = fit->width;
	uint32		step = columns_at_once(fit, rows);

	for (uint32 c = 0; c < columns; c += step)
	{
		CHECK_FOR_INTERRUPTS();
		nl_blas.dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, Min(step, columns - c),
					  width, rows, 1, fit->z + (Size) c * rows, rows, x, width,
					  1, fit->product + (Size) c * width, width);
	}
}
