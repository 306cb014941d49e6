/*
 * model_evidence.c
 *		The evidence about annotators, by the labels that they gave.
 *
 * In its canonical form each column has a number other than 0.
 *
 * Interrupts: for each annotator.
 */
#include "types/model_evidence.h"

#define NO_COLUMN PG_UINT32_MAX

/* Bytes. */
Size
evidence_size(Size annotators, Size classes, Size columns)
{
	Size		column = add_size(mul_size(2 * sizeof(double), classes), sizeof(uint32));

	return add_size(mul_size(annotators, sizeof(uint32)), mul_size(columns, column));
}

/* Room for so many columns. */
ModelEvidence
evidence_create(Size annotators, Size classes, Size columns)
{
	MemoryContext context = CurrentMemoryContext;
	Size		values = mul_size(Max(columns, 1), mul_size(Max(classes, 1), sizeof(double)));

	return (ModelEvidence) {
		.ends = nl_alloc(context, mul_size(Max(annotators, 1), sizeof(uint32))),
		.label = nl_alloc(context, mul_size(Max(columns, 1), sizeof(uint32))),
		.counts = nl_alloc(context, values),
		.variances = nl_alloc(context, values)
	};
}

/* Of whole matrices, label first, which it keeps: with a column for every label. */
ModelEvidence
evidence_of_tables(double *counts, double *variances, Size annotators, Size classes)
{
	ModelEvidence e = evidence_create(annotators, 0, mul_size(annotators, classes));

	pfree(e.counts);
	pfree(e.variances);
	e.counts = counts;
	e.variances = variances;
	for (Size j = 0; j < annotators; j++)
	{
		CHECK_FOR_INTERRUPTS();
		for (Size l = 0; l < classes; l++)
			e.label[j * classes + l] = l;
		e.ends[j] = (j + 1) * classes;
	}
	return e;
}

/* Copies the numbers of a column that are asked for; false if they are all 0. */
static bool
select_column(const double *counts, const double *variances, const uint32 *label, Size n,
			  double *to_counts, double *to_variances)
{
	bool		any = false;

	for (Size k = 0; k < n; k++)
	{
		to_counts[k] = counts[label[k]];
		to_variances[k] = variances[label[k]];
		any = any || to_counts[k] != 0 || to_variances[k] != 0;
	}
	return any;
}

/*
 * The canonical form of annotators and labels in another order, where each stands for
 * what it was; "order" or "label" is NULL if it is the same.  There may be fewer labels than
 * classes before.
 */
ModelEvidence
evidence_select(const ModelEvidence *e, Size annotators, const uint32 *order, Size classes,
				const uint32 *label, Size n)
{
	ModelEvidence result = evidence_create(annotators, n, evidence_columns(e, annotators));
	uint32	   *column = palloc(Max(classes, 1) * sizeof(uint32));
	uint32	   *identity = palloc(Max(classes, 1) * sizeof(uint32));
	Size		columns = 0;

	for (Size l = 0; l < classes; l++)
		identity[l] = l;
	label = label == NULL ? identity : label;
	for (Size j = 0; j < annotators; j++)
	{
		Size		from = order == NULL ? j : order[j];

		CHECK_FOR_INTERRUPTS();
		for (Size l = 0; l < classes; l++)
			column[l] = NO_COLUMN;
		for (uint32 i = evidence_first(e, from); i < e->ends[from]; i++)
			column[e->label[i]] = i;
		for (Size l = 0; l < n; l++)
		{
			Size		at = column[label[l]];

			if (at == NO_COLUMN ||
				!select_column(e->counts + at * classes, e->variances + at * classes, label, n,
							   result.counts + columns * n, result.variances + columns * n))
				continue;
			result.label[columns++] = l;
		}
		result.ends[j] = columns;
	}
	pfree(column);
	pfree(identity);
	return result;
}

/* The counts or variances of one annotator as a matrix, label first. */
void
evidence_matrix(const ModelEvidence *e, const double *values, Size annotator, Size classes,
				double *matrix)
{
	nl_clear(matrix, classes * classes * sizeof(double));
	for (Size i = evidence_first(e, annotator); i < e->ends[annotator]; i++)
	{
		NL_CHECK_INTERRUPTS(i * classes);
		memcpy(matrix + e->label[i] * classes, values + i * classes, classes * sizeof(double));
	}
}
