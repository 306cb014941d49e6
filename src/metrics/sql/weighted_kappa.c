/*
 * weighted_kappa.c
 *		Cohen's kappa of a confusion_matrix with weights, and its interval.
 */
#include "metrics/confusion_measures.h"

#include "math/student.h"
#include "metrics/label_distance.h"
#include "pg/arguments.h"
#include "pg/results.h"
#include "utils/float.h"

static LabelDistance
weights_argument(const text *t)
{
	for (int w = 0; label_distance_words[w] != NULL; w++)
		if (is_same_name(name_of_text(t), name_of(label_distance_words[w])))
			return w;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unrecognized weights \"%s\"", text_to_cstring(t)),
			 errhint("Allowed are \"identity\", \"linear\", \"quadratic\".")));
}

/* The places of labels: their numbers, or their order, of which a NOTICE tells once. */
static double *
label_places(FunctionCallInfo fcinfo, const Names *labels)
{
	double	   *places = palloc(Max(labels->n, 1) * sizeof(double));
	void	  **said = nl_call_cache(fcinfo);

	if (label_numbers(labels, places))
		return places;
	for (uint32 i = 0; i < labels->n; i++)
		places[i] = i;
	if (*said == NULL && labels->n > 2)
		label_order_notice("Use labels whose names are in their order, such as '1 bad', '2 fair', '3 good'; agreement() and pairwise_agreement() have an option \"scale\".");
	*said = fcinfo->flinfo->fn_mcxt;
	return places;
}

/*
 * Cohen, Psychological Bulletin 70 (1968), eq. 5: 1 less observed by expected
 * disagreement, each the mean of distances.
 */
static double
weighted_kappa(const ConfusionMatrix *cm, const Margins *m, const double *distances)
{
	double		observed = 0;
	double		expected = 0;

	for (uint32 i = 0; i < cm->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (uint32 j = 0; j < cm->n; j++)
		{
			double		d = distances[(Size) i * cm->n + j];

			observed += d * (confusion_matrix_count(cm, i, j) / m->total);
			expected += d * (m->rows[i] / m->total) * (m->columns[j] / m->total);
		}
	}
	return expected > 0 ? Min(1 - observed / expected, 1) : get_float8_nan();
}

/* cohen_kappa(confusion_matrix, weights text) */
NL_FUNCTION(confusion_weighted_kappa);
Datum
confusion_weighted_kappa(PG_FUNCTION_ARGS)
{
	const ConfusionMatrix *cm = confusion_scaled(PG_GETARG_CONFUSION_MATRIX(0));
	LabelDistance kind = weights_argument(PG_GETARG_TEXT_PP(1));
	Margins		m = confusion_margins(cm);
	Names		labels = confusion_matrix_labels(cm);
	double		kappa;

	if (kind == DISTANCE_IDENTITY || cm->n == 0)
		kappa = margins_cohen_kappa(cm, &m);
	else
		kappa = weighted_kappa(cm, &m, label_distances(kind, label_places(fcinfo, &labels), cm->n));
	if (isnan(kappa))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(kappa);
}

/*
 * How each observation moves observed / expected disagreement; one of cell (i, j) moves
 * what is expected by the shares of other labels on the other side.
 */
static Influences
kappa_influences(const ConfusionMatrix *cm, const Margins *m, double n, double ratio)
{
	Influences	result = {.n = n};
	double		expected = 0;

	for (uint32 i = 0; i < cm->n; i++)
		expected += m->rows[i] / m->total * (1 - m->columns[i] / m->total);
	for (uint32 i = 0; i < cm->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (uint32 j = 0; j < cm->n; j++)
		{
			double		count = n * (confusion_matrix_count(cm, i, j) / m->total);
			double		moved = 2 - m->columns[i] / m->total - m->rows[j] / m->total - 2 * expected;
			double		u = ((i != j) - ratio * expected - ratio * moved) / expected;

			result.sum += count * u;
			result.squares += count * u * u;
			result.cubes += count * u * u * u;
		}
	}
	return result;
}

/* cohen_kappa_interval(confusion_matrix, level) */
NL_FUNCTION(confusion_kappa_interval);
Datum
confusion_kappa_interval(PG_FUNCTION_ARGS)
{
	const ConfusionMatrix *cm = PG_GETARG_CONFUSION_MATRIX(0);
	double		level = nl_check_level(PG_GETARG_FLOAT8(1));
	Margins		m = confusion_margins(cm);
	double		n = confusion_finite_total(&m);
	Datum		values[3] = {0, 0, 0};
	bool		nulls[3] = {true, true, true};
	double		kappa;

	cm = confusion_scaled(cm);
	m = confusion_margins(cm);
	kappa = margins_cohen_kappa(cm, &m);
	if (!isnan(kappa))
	{
		values[0] = Float8GetDatum(kappa);
		nulls[0] = false;
	}
	if (kappa < 1)
	{
		Influences	influences = kappa_influences(cm, &m, n, 1 - kappa);
		Bounds		bounds;

		if (skewed_interval(1 - kappa, &influences, level, &bounds))
		{
			double		low = Max(Min(1 - bounds.high, kappa), -1);
			double		high = Min(Max(1 - bounds.low, kappa), 1);

			values[1] = Float8GetDatum(low);
			values[2] = Float8GetDatum(high);
			nulls[1] = nulls[2] = !(low < high);	/* narrower than a double can say */
		}
	}
	PG_RETURN_DATUM(nl_record(fcinfo, values, nulls));
}
