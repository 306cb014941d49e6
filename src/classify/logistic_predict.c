/*
 * logistic_predict.c
 *		What fitted logistic regressions say of rows.
 *
 * A row's scores are its products with the columns of coefficients.  They are
 * summed in one fixed way, not by BLAS, whose sums may depend on where a row lies
 * in a block: copies of a row have the same scores, to the bit.
 *
 * Memory: the scores of held-out rows take a number for each row and column of
 * the row's model.  Chunks of the matrix are freed as their rows are done, so
 * there is no more in all unless there are more columns than features.
 * Interrupts: every row.
 */
#include "classify/logistic_fit.h"

#include <math.h>

#include "classify/logistic_kernel.h"

static void
check_number(double v)
{
	if (isnan(v))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the features are too large for the classifier: its scores overflow")));
}

/*
 * Scores become probabilities: of two classes if there is one column, else of
 * as many as there are columns.
 */
void
logistic_probabilities(uint32 columns, double *p)
{
	double		max = -INFINITY;
	double		sum = 0;

	if (columns == 1)
	{
		double		e = exp(-fabs(p[0]));

		p[1] = (p[0] < 0 ? e : 1) / (1 + e);
		p[0] = (p[0] < 0 ? 1 : e) / (1 + e);
		check_number(p[0]);
		return;
	}
	for (uint32 k = 0; k < columns; k++)
		max = Max(max, p[k]);
	for (uint32 k = 0; k < columns; k++)
	{
		p[k] = exp(p[k] - max);
		sum += p[k];
	}
	check_number(sum);
	for (uint32 k = 0; k < columns; k++)
		p[k] /= sum;
}

/* Probabilities of a row, whose first number is 1. */
void
logistic_predict(const double *coefficients, uint32 columns, uint32 width,
				const double *row, double *p)
{
	score_row(coefficients, columns, width, row, p);
	logistic_probabilities(columns, p);
}

/* Bytes beside the matrix that the scores of all rows may take. */
Size
logistic_scores_memory(const TrainingSet *set)
{
	uint32		columns = set->labels->n > 2 ? set->labels->n : 1;
	Size		size = mul_size(mul_size(set->x.n, columns), sizeof(double));

	return size - Min(size, feature_matrix_memory(&set->x));
}

/*
 * Probabilities of all rows, each by the model of its fold, row by row in the
 * design's order, of all classes: p has n * classes of them.  The design is as
 * before.  A model that knows no class gives 0 to all.
 */
void
logistic_held_out(const Design *d, const FittedModel *models, double *p)
{
	double	   *own = palloc(Max(d->classes, 2) * sizeof(double));

	for (uint32 f = 0; f < d->folds; f++)
	{
		const FittedModel *m = &models[f];

		for (uint32 i = d->start[f]; i < d->start[f + 1]; i++)
		{
			double	   *to = p + (Size) i * d->classes;

			CHECK_FOR_INTERRUPTS();
			memset(to, 0, d->classes * sizeof(double));
			own[0] = 1;
			if (m->columns > 0)
				logistic_predict(m->coefficients, m->columns, d->x->width,
								 feature_row(d->x, i), own);
			for (uint32 k = 0; k < m->classes; k++)
				to[m->label[k]] = own[k];
		}
	}
	pfree(own);
}

/*
 * Scores of the rows of each fold by its model, row by row in the design's order.
 * The design's matrix is gone afterwards.
 */
double	  **
logistic_score_folds(const Design *d, const FittedModel *models)
{
	double	  **scores = palloc(d->folds * sizeof(double *));
	uint32		width = d->x->width;

	for (uint32 f = 0; f < d->folds; f++)
	{
		uint32		columns = models[f].columns;
		Size		numbers = mul_size(d->start[f + 1] - d->start[f], columns);
		double	   *score = nl_alloc(CurrentMemoryContext,
									 mul_size(Max(numbers, 1), sizeof(double)));

		scores[f] = score;
		for (uint32 i = d->start[f]; i < d->start[f + 1]; i++, score += columns)
		{
			CHECK_FOR_INTERRUPTS();
			score_row(models[f].coefficients, columns, width,
					  feature_row(d->x, i), score);
			feature_matrix_forget(d->x, i);
		}
	}
	return scores;
}
