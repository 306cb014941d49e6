/*
 * confusion_metrics.c
 *		What a confusion_matrix says: accessors, scalar measures, shrinkage.
 */
#include "confusion_metrics.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "statistics.h"
#include "utils/array.h"
#include "utils/float.h"

#define RETURN_MEASURE(value) \
	do { \
		double		measure_ = (value); \
		if (isnan(measure_)) \
			PG_RETURN_NULL(); \
		PG_RETURN_FLOAT8(measure_); \
	} while (0)

Margins
confusion_margins(const ConfusionMatrix *cm)
{
	Margins		m = {0};

	m.n = cm->n;
	m.rows = palloc0(Max(cm->n, 1) * sizeof(double));
	m.columns = palloc0(Max(cm->n, 1) * sizeof(double));
	for (uint32 i = 0; i < cm->n; i++)
		for (uint32 j = 0; j < cm->n; j++)
		{
			double		count = confusion_matrix_count(cm, i, j);

			m.rows[i] += count;
			m.columns[j] += count;
			m.trace += i == j ? count : 0;
		}
	for (uint32 i = 0; i < cm->n; i++)
		m.total += m.rows[i];
	if (isinf(m.total))
		float_overflow_error();
	return m;
}

static double
margins_accuracy(const Margins *m)
{
	return m->total > 0 ? m->trace / m->total : get_float8_nan();
}

/* Sum over classes of the product of two shares of the total. */
static double
agreement(const Margins *m, const double *a, const double *b)
{
	double		sum = 0;

	for (uint32 i = 0; i < m->n; i++)
		sum += (a[i] / m->total) * (b[i] / m->total);
	return sum;
}

/* Does one class hold everything? */
static bool
constant(const Margins *m, const double *sums)
{
	for (uint32 i = 0; i < m->n; i++)
		if (sums[i] == m->total)
			return true;
	return false;
}

/*
 * Cohen, Educational and Psychological Measurement 20 (1960), eq. 1:
 * (p_o - p_e) / (1 - p_e).  Undefined when both sides only ever name one and
 * the same class.
 */
double
margins_cohen_kappa(const Margins *m)
{
	double		expected;

	if (m->total <= 0)
		return get_float8_nan();
	for (uint32 i = 0; i < m->n; i++)
		if (m->rows[i] == m->total && m->columns[i] == m->total)
			return get_float8_nan();
	expected = agreement(m, m->rows, m->columns);
	return (m->trace / m->total - expected) / (1 - expected);
}

/*
 * Gorodkin's R_K (Computational Biology and Chemistry 28, 2004, eq. 8), which
 * for two classes is Matthews' coefficient.  Undefined when truth or
 * prediction is constant.
 */
double
margins_matthews_corrcoef(const Margins *m)
{
	double		covariance;
	double		rows;
	double		columns;

	if (m->total <= 0 || constant(m, m->rows) || constant(m, m->columns))
		return get_float8_nan();
	covariance = m->trace / m->total - agreement(m, m->rows, m->columns);
	rows = 1 - agreement(m, m->rows, m->rows);
	columns = 1 - agreement(m, m->columns, m->columns);
	return covariance / sqrt(rows * columns);
}

/* Balanced accuracy: the mean recall of the classes that occur as truth. */
double
confusion_mean_recall(const ConfusionMatrix *cm, const Margins *m)
{
	double		sum = 0;
	uint32		classes = 0;

	for (uint32 i = 0; i < cm->n; i++)
		if (m->rows[i] > 0)
		{
			sum += confusion_matrix_count(cm, i, i) / m->rows[i];
			classes++;
		}
	return classes > 0 ? sum / classes : get_float8_nan();
}

/* I(truth; observed) in bits (Cover & Thomas, eq. 2.28). */
static double
mutual_information(const ConfusionMatrix *cm, const Margins *m)
{
	double		bits = 0;

	if (m->total <= 0)
		return get_float8_nan();
	for (uint32 i = 0; i < cm->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (uint32 j = 0; j < cm->n; j++)
		{
			double		share = confusion_matrix_count(cm, i, j) / m->total;

			if (share > 0)
				bits += share * log2(share / (m->rows[i] / m->total) /
									 (m->columns[j] / m->total));
		}
	}
	return Max(bits, 0);
}

NL_FUNCTION(confusion_labels);
Datum
confusion_labels(PG_FUNCTION_ARGS)
{
	Names		names = confusion_matrix_labels(PG_GETARG_CONFUSION_MATRIX(0));

	PG_RETURN_DATUM(names_array(&names));
}

/* counts(cm) -> float8[][], rows are the truth */
NL_FUNCTION(confusion_counts);
Datum
confusion_counts(PG_FUNCTION_ARGS)
{
	ConfusionMatrix *cm = PG_GETARG_CONFUSION_MATRIX(0);
	Size		cells = (Size) cm->n * cm->n;
	Datum	   *values = palloc(Max(cells, 1) * sizeof(Datum));
	int			dims[2] = {cm->n, cm->n};
	int			lower[2] = {1, 1};

	for (Size i = 0; i < cells; i++)
		values[i] = Float8GetDatum(cm->counts[i]);
	PG_RETURN_ARRAYTYPE_P(construct_md_array(values, NULL, cm->n == 0 ? 0 : 2,
											 dims, lower, FLOAT8OID,
											 sizeof(float8), FLOAT8PASSBYVAL,
											 TYPALIGN_DOUBLE));
}

/* cells(cm, level): a row for each cell, with the rate within its truth row */
NL_FUNCTION(confusion_cells);
Datum
confusion_cells(PG_FUNCTION_ARGS)
{
	ConfusionMatrix *cm = PG_GETARG_CONFUSION_MATRIX(0);
	double		z = normal_quantile_two_sided(check_level(PG_GETARG_FLOAT8(1)));
	Names		names = confusion_matrix_labels(cm);
	Margins		m = confusion_margins(cm);
	bool	   *nulls;
	Datum	   *values = nl_srf_begin(fcinfo, &nulls);
	Datum	   *labels = palloc(Max(cm->n, 1) * sizeof(Datum));

	for (uint32 i = 0; i < cm->n; i++)
		labels[i] = PointerGetDatum(names_text(&names, i));
	for (Size cell = 0; cell < (Size) cm->n * cm->n; cell++)
	{
		double		row = m.rows[cell / cm->n];

		CHECK_FOR_INTERRUPTS();
		values[0] = labels[cell / cm->n];
		values[1] = labels[cell % cm->n];
		values[2] = Float8GetDatum(cm->counts[cell]);
		nulls[3] = nulls[4] = nulls[5] = row <= 0;
		if (row > 0)
		{
			Bounds		rate = wilson_interval(cm->counts[cell], row, z);

			values[3] = Float8GetDatum(cm->counts[cell] / row);
			values[4] = Float8GetDatum(rate.low);
			values[5] = Float8GetDatum(rate.high);
		}
		nl_srf_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

NL_FUNCTION(confusion_total);
Datum
confusion_total(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(confusion_margins(PG_GETARG_CONFUSION_MATRIX(0)).total);
}

NL_FUNCTION(confusion_accuracy);
Datum
confusion_accuracy(PG_FUNCTION_ARGS)
{
	Margins		m = confusion_margins(PG_GETARG_CONFUSION_MATRIX(0));

	RETURN_MEASURE(margins_accuracy(&m));
}

NL_FUNCTION(confusion_balanced_accuracy);
Datum
confusion_balanced_accuracy(PG_FUNCTION_ARGS)
{
	ConfusionMatrix *cm = PG_GETARG_CONFUSION_MATRIX(0);
	Margins		m = confusion_margins(cm);

	RETURN_MEASURE(confusion_mean_recall(cm, &m));
}

NL_FUNCTION(confusion_cohen_kappa);
Datum
confusion_cohen_kappa(PG_FUNCTION_ARGS)
{
	Margins		m = confusion_margins(PG_GETARG_CONFUSION_MATRIX(0));

	RETURN_MEASURE(margins_cohen_kappa(&m));
}

NL_FUNCTION(confusion_matthews_corrcoef);
Datum
confusion_matthews_corrcoef(PG_FUNCTION_ARGS)
{
	Margins		m = confusion_margins(PG_GETARG_CONFUSION_MATRIX(0));

	RETURN_MEASURE(margins_matthews_corrcoef(&m));
}

NL_FUNCTION(confusion_mutual_information);
Datum
confusion_mutual_information(PG_FUNCTION_ARGS)
{
	ConfusionMatrix *cm = PG_GETARG_CONFUSION_MATRIX(0);
	Margins		m = confusion_margins(cm);

	RETURN_MEASURE(mutual_information(cm, &m));
}

/*
 * smooth(cm, toward, strength): to each truth row add "strength" pseudo-counts
 * spread as in the same row of "toward" (the mean of a Dirichlet posterior
 * whose prior has that strength and points there).  A row that "toward" knows
 * nothing about stays as it is.
 */
NL_FUNCTION(confusion_smooth);
Datum
confusion_smooth(PG_FUNCTION_ARGS)
{
	ExpandedConfusion *ec = confusion_matrix_expand(PG_GETARG_DATUM(0),
													CurrentMemoryContext);
	ConfusionMatrix *toward = PG_GETARG_CONFUSION_MATRIX(1);
	double		strength = PG_GETARG_FLOAT8(2);
	Names		names = confusion_matrix_labels(toward);
	Margins		m = confusion_margins(toward);
	uint32	   *codes = palloc(Max(toward->n, 1) * sizeof(uint32));

	if (!isfinite(strength) || strength < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("strength %s is out of range", nl_number(strength)),
				 errhint("Give the number of pseudo-counts for each row, 0 or more.")));
	dictionary_add_names(ec->labels, &names, codes);
	if (ec->labels->n > ec->capacity)
		confusion_matrix_reserve(ec);
	for (uint32 i = 0; i < toward->n; i++)
		for (uint32 j = 0; j < toward->n && m.rows[i] > 0; j++)
			confusion_matrix_add(ec, codes[i], codes[j],
								 strength * confusion_matrix_count(toward, i, j) /
								 m.rows[i]);
	PG_RETURN_DATUM(value_flatten(&ec->hdr));
}
