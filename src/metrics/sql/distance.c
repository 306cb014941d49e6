/*
 * distance.c
 *		SQL functions for labels of which some are nearer to the truth than others:
 *		mean_absolute_error() of a confusion matrix, in_top() of a distribution.
 */
#include "noisylabel.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "metrics/label_distance.h"
#include "types/confusion_matrix.h"
#include "types/label_distribution.h"
#include "utils/array.h"
#include "utils/float.h"

static double *
numbers_of_labels(const Names *names)
{
	double	   *value = palloc(Max(names->n, 1) * sizeof(double));

	for (uint32 i = 0; i < names->n; i++)
		if (!label_number(names_get(names, i), &value[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("label \"%s\" is no number, so its distance to others is not known",
							names_cstring(names, i)),
					 errhint("Give the order of the labels: mean_absolute_error(matrix, '{poor,fair,good}').")));
	return value;
}

/* Where each label stands in the scale. */
static double *
places_in_scale(const Names *names, ArrayType *scale)
{
	double	   *value = palloc(Max(names->n, 1) * sizeof(double));
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	deconstruct_array(scale, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	for (uint32 i = 0; i < names->n; i++)
	{
		int			at = 0;

		CHECK_FOR_INTERRUPTS();
		while (at < n && (nulls[at] || !is_same_name(name_of_text(DatumGetTextPP(elements[at])), names_get(names, i))))
			at++;
		if (at == n)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("label \"%s\" is not in the scale", names_cstring(names, i)),
					 errhint("Give all labels in their order, such as '{poor,fair,good}'.")));
		value[i] = at;
	}
	return value;
}

/* (confusion_matrix, scale) */
NL_FUNCTION(mean_absolute_error);
Datum
mean_absolute_error(PG_FUNCTION_ARGS)
{
	ConfusionMatrix *cm;
	Names		names;
	double	   *value;
	double		largest = 0;
	double		sum = 0;
	double		total = 0;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	cm = PG_GETARG_CONFUSION_MATRIX(0);
	names = confusion_matrix_labels(cm);
	value = PG_ARGISNULL(1) ? numbers_of_labels(&names) : places_in_scale(&names, PG_GETARG_ARRAYTYPE_P(1));
	for (Size i = 0; i < (Size) cm->n * cm->n; i++)
		largest = Max(largest, cm->counts[i]);
	if (largest == 0)
		PG_RETURN_NULL();
	for (uint32 t = 0; t < cm->n; t++)
	{
		CHECK_FOR_INTERRUPTS();
		for (uint32 l = 0; l < cm->n; l++)
		{
			double		share = confusion_matrix_count(cm, t, l) / largest;

			total += share;
			sum += share * fabs(value[t] - value[l]);
		}
	}
	if (isinf(sum))
		float_overflow_error();
	PG_RETURN_FLOAT8(sum / total);
}

/* (truth, label_distribution, k): equals in probability stand in the labels' order */
NL_FUNCTION(in_top);
Datum
in_top(PG_FUNCTION_ARGS)
{
	NameView	truth = name_of_text(PG_GETARG_TEXT_PP(0));
	LabelDistribution *d = PG_GETARG_LABEL_DISTRIBUTION(1);
	int			k = PG_GETARG_INT32(2);
	Names		names = label_distribution_labels(d);
	int			label = names_find(&names, truth);
	int			before = 0;

	if (k < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("k %d is less than 1", k)));
	if (label < 0)
		PG_RETURN_BOOL(false);
	for (int i = 0; i < (int) d->n; i++)
		before += i < label ? d->p[i] >= d->p[label] - NL_TIE_TOLERANCE :
			d->p[i] > d->p[label] + NL_TIE_TOLERANCE;
	PG_RETURN_BOOL(before < k);
}
