/*
 * confusion_measures.c
 *		What a confusion_matrix says: accessors, scalar measures, shrinkage.
 */
#include "metrics/confusion_measures.h"

#include <float.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "math/interval.h"
#include "pg/arguments.h"
#include "pg/results.h"
#include "names/names_io.h"
#include "utils/float.h"

/*
 * Counts go from 5e-324 to 1e308.  Where all are between these bounds, neither
 * their sums nor what is made of shares leaves the range of double.  Any other
 * matrix is multiplied by a power of two, which changes no digit, so that its
 * largest count is near the upper bound.
 */
#define ORDINARY_MIN ldexp(1, -500)
#define ORDINARY_MAX_EXPONENT 1000	/* the sum of a million such counts is finite */
#define ORDINARY_MAX ldexp(1, ORDINARY_MAX_EXPONENT)
#define SMALLEST_COUNT ldexp(1, -1074)

static bool
is_ordinary(const ConfusionMatrix *cm, double *max)
{
	double		min = ORDINARY_MAX;

	*max = 0;
	for (Size i = 0; i < (Size) cm->n * cm->n; i++)
		if (cm->counts[i] > 0)
		{
			*max = Max(*max, cm->counts[i]);
			min = Min(min, cm->counts[i]);
		}
	return min >= ORDINARY_MIN && *max <= ORDINARY_MAX;
}

/*
 * The matrix itself, or a copy that is fit for measures that depend on shares
 * only.  No count becomes 0, so a class that occurs still does; but one that is
 * less than 1e-600 of the largest loses digits.
 */
const ConfusionMatrix *
confusion_scaled(const ConfusionMatrix *cm)
{
	double		max;
	ConfusionMatrix *scaled;
	int			exponent;

	if (is_ordinary(cm, &max))
		return cm;
	(void) frexp(max, &exponent);
	scaled = palloc(VARSIZE(cm));
	memcpy(scaled, cm, VARSIZE(cm));
	for (Size i = 0; i < (Size) cm->n * cm->n; i++)
		if (cm->counts[i] > 0)
			scaled->counts[i] = Max(SMALLEST_COUNT,
									ldexp(cm->counts[i], ORDINARY_MAX_EXPONENT - exponent));
	return scaled;
}

/* Sums may be infinite where the matrix is not scaled. */
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
	return m;
}

/* The total itself is asked for. */
double
confusion_finite_total(const Margins *m)
{
	if (isinf(m->total))
		float_overflow_error();
	return m->total;
}

/* Share of a cell in its truth row. */
double
confusion_rate(const ConfusionMatrix *cm, const Margins *m, uint32 i, uint32 j)
{
	double		count = confusion_matrix_count(cm, i, j);
	double		row = 0;

	if (!isinf(m->rows[i]))
		return count / m->rows[i];
	for (uint32 k = 0; k < cm->n; k++)
		row += confusion_matrix_count(cm, i, k) / cm->n;
	return count / cm->n / row;
}

static double
accuracy(const ConfusionMatrix *cm pg_attribute_unused(), const Margins *m)
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

static uint32
largest(const Margins *m, const double *sums)
{
	uint32		at = 0;

	for (uint32 i = 1; i < m->n; i++)
		if (sums[i] > sums[at])
			at = i;
	return at;
}

/* Does one class hold everything? */
static bool
constant(const Margins *m, const double *sums)
{
	uint32		classes = 0;

	for (uint32 i = 0; i < m->n; i++)
		classes += sums[i] > 0;
	return classes <= 1;
}

/*
 * Where one class has all but this share, 1 less a sum of squares has lost half of
 * its digits, and all that is interesting is in the rest.  There, differences are
 * computed as sums, in counts: a product of two divided by the total.
 */
#define NEARLY_CONSTANT 1e-8

static bool
nearly_constant(const Margins *m)
{
	return 1 - agreement(m, m->rows, m->rows) < NEARLY_CONSTANT ||
		1 - agreement(m, m->columns, m->columns) < NEARLY_CONSTANT;
}

static double
product_share(double a, double b, double total)
{
	return Max(a, b) / total * Min(a, b);
}

/* total * (1 - sum of a_i b_i): what a has of each class and b has of the others */
static double
disagreement(const Margins *m, const double *a, const double *b)
{
	double		sum = 0;

	for (uint32 i = 0; i < m->n; i++)
	{
		double		others = 0;

		for (uint32 j = 0; j < m->n; j++)
			others += j == i ? 0 : b[j];
		sum += product_share(a[i], others, m->total);
	}
	return sum;
}

/*
 * total * (p_ii - p_i. p_.i) of a class, as a determinant: of what is in its row
 * and column, in its row only, in its column only, in neither.
 */
static double
class_covariance(const ConfusionMatrix *cm, const Margins *m, uint32 class)
{
	double		part[2][2] = {{0, 0}, {0, 0}};

	for (uint32 i = 0; i < cm->n; i++)
		for (uint32 j = 0; j < cm->n; j++)
			part[i == class][j == class] += confusion_matrix_count(cm, i, j);
	return product_share(part[1][1], part[0][0], m->total) -
		product_share(part[1][0], part[0][1], m->total);
}

/* total * (p_o - p_e).  Of classes other than the largest both terms are small. */
static double
covariance(const ConfusionMatrix *cm, const Margins *m)
{
	uint32		truth = largest(m, m->rows);
	uint32		observed = largest(m, m->columns);
	double		sum = 0;

	for (uint32 i = 0; i < m->n; i++)
		if (i == truth || i == observed)
			sum += class_covariance(cm, m, i);
		else
			sum += confusion_matrix_count(cm, i, i) -
				product_share(m->rows[i], m->columns[i], m->total);
	return sum;
}

/* A coefficient that rounding must not carry out of -1..1. */
static double
coefficient(double numerator, double denominator)
{
	if (!(denominator > 0))
		return get_float8_nan();
	return Max(-1, Min(1, numerator / denominator));
}

/*
 * Cohen, Educational and Psychological Measurement 20 (1960), eq. 1:
 * (p_o - p_e) / (1 - p_e).  Undefined when both sides only ever name one and
 * the same class.
 */
double
margins_cohen_kappa(const ConfusionMatrix *cm, const Margins *m)
{
	double		expected;

	if (m->total <= 0 ||
		(constant(m, m->rows) && constant(m, m->columns) && m->trace > 0))
		return get_float8_nan();
	if (nearly_constant(m))
		return coefficient(covariance(cm, m), disagreement(m, m->rows, m->columns));
	expected = agreement(m, m->rows, m->columns);
	return coefficient(m->trace / m->total - expected, 1 - expected);
}

/*
 * Scott, Public Opinion Quarterly 19 (1955), p. 323: as kappa, but chance draws
 * both sides from the mean of their shares.  Computed in what differs, which loses
 * nothing where one class has nearly all.
 */
static double
scott_pi(const ConfusionMatrix *cm, const Margins *m)
{
	double		by_chance = (disagreement(m, m->rows, m->rows) +
							 2 * disagreement(m, m->rows, m->columns) +
							 disagreement(m, m->columns, m->columns)) / 4;
	double		observed = 0;

	if (m->total <= 0 || (constant(m, m->rows) && constant(m, m->columns) && m->trace > 0))
		return get_float8_nan();
	for (uint32 i = 0; i < cm->n; i++)
		for (uint32 j = 0; j < cm->n; j++)
			observed += i == j ? 0 : confusion_matrix_count(cm, i, j);
	return coefficient(by_chance - observed, by_chance);
}

/*
 * Gwet, British Journal of Mathematical and Statistical Psychology 61 (2008), eq. 18
 * with 19 for any number of labels: chance draws from those of a mean share that is
 * neither 0 nor 1.  The labels are those of the matrix.
 */
static double
gwet_ac1(const ConfusionMatrix *cm, const Margins *m)
{
	double		by_chance = 0;
	double		unlike = 0;

	if (m->total <= 0 || cm->n < 2)
		return get_float8_nan();
	for (uint32 i = 0; i < cm->n; i++)
	{
		double		share = (m->rows[i] / m->total + m->columns[i] / m->total) / 2;

		CHECK_FOR_INTERRUPTS();
		by_chance += share * (1 - share) / (cm->n - 1);
		for (uint32 j = 0; j < cm->n; j++)
			unlike += i == j ? 0 : confusion_matrix_count(cm, i, j) / m->total;
	}
	return coefficient(1 - by_chance - unlike, 1 - by_chance);
}

/*
 * Gorodkin's R_K (Computational Biology and Chemistry 28, 2004, eq. 8), which
 * for two classes is Matthews' coefficient.  Undefined when truth or
 * prediction is constant.
 */
double
margins_matthews_corrcoef(const ConfusionMatrix *cm, const Margins *m)
{
	double		rows;
	double		columns;

	if (m->total <= 0 || constant(m, m->rows) || constant(m, m->columns))
		return get_float8_nan();
	if (nearly_constant(m))
		return coefficient(covariance(cm, m),
						   sqrt(disagreement(m, m->rows, m->rows)) *
						   sqrt(disagreement(m, m->columns, m->columns)));
	rows = 1 - agreement(m, m->rows, m->rows);
	columns = 1 - agreement(m, m->columns, m->columns);
	return coefficient(m->trace / m->total - agreement(m, m->rows, m->columns),
					   sqrt(rows * columns));
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
			sum += confusion_rate(cm, m, i, i);
			classes++;
		}
	return classes > 0 ? sum / classes : get_float8_nan();
}

/* log2 of p / a / b, shares with p <= a, b; the quotient may be infinite. */
static double
log_lift(double p, double a, double b)
{
	double		lift = p / a / b;

	return isinf(lift) ? log2(p / a) - log2(b) : log2(lift);
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
				bits += share * log_lift(share, m->rows[i] / m->total,
										 m->columns[j] / m->total);
		}
	}
	return Min(Max(bits, 0), log2(cm->n));
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
	double		z = normal_quantile_two_sided(nl_check_level(PG_GETARG_FLOAT8(1)));
	Names		names = confusion_matrix_labels(cm);
	Margins		m = confusion_margins(cm);
	ResultRows	rows = rows_begin(fcinfo);

	for (Size cell = 0; cell < (Size) cm->n * cm->n; cell++)
	{
		uint32		i = cell / cm->n;
		uint32		j = cell % cm->n;
		double		row = m.rows[i];

		rows.values[0] = PointerGetDatum(names_text(&names, i));
		rows.values[1] = PointerGetDatum(names_text(&names, j));
		rows.values[2] = Float8GetDatum(cm->counts[cell]);
		rows.nulls[3] = rows.nulls[4] = rows.nulls[5] = row <= 0;
		if (row > 0)
		{
			double		rate = confusion_rate(cm, &m, i, j);
			Bounds		bounds = isinf(row) ? wilson_interval(rate * DBL_MAX, DBL_MAX, z) :
				wilson_interval(cm->counts[cell], row, z);

			rows.values[3] = Float8GetDatum(rate);
			rows.values[4] = Float8GetDatum(Min(bounds.low, rate));
			rows.values[5] = Float8GetDatum(Max(bounds.high, rate));
		}
		rows_add(&rows);
	}
	return rows_end(&rows);
}

NL_FUNCTION(confusion_total);
Datum
confusion_total(PG_FUNCTION_ARGS)
{
	Margins		m = confusion_margins(PG_GETARG_CONFUSION_MATRIX(0));

	PG_RETURN_FLOAT8(confusion_finite_total(&m));
}

/*
 * Measures as SQL functions: a row for each, with its function, which gives NaN
 * where it is undefined, and whether it depends on shares only.
 */
typedef double (*Measure) (const ConfusionMatrix *cm, const Margins *m);

static Datum
return_measure(FunctionCallInfo fcinfo, Measure measure, bool shares)
{
	const ConfusionMatrix *cm = PG_GETARG_CONFUSION_MATRIX(0);
	Margins		m;
	double		value;

	if (shares)
		cm = confusion_scaled(cm);
	m = confusion_margins(cm);
	value = measure(cm, &m);
	if (isnan(value))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value);
}

#define MEASURE(name, measure, shares) \
	NL_FUNCTION(name); \
	Datum \
	name(PG_FUNCTION_ARGS) \
	{ \
		return return_measure(fcinfo, measure, shares); \
	}

MEASURE(confusion_accuracy, accuracy, true)
MEASURE(confusion_balanced_accuracy, confusion_mean_recall, false)
MEASURE(confusion_cohen_kappa, margins_cohen_kappa, true)
MEASURE(confusion_scott_pi, scott_pi, true)
MEASURE(confusion_gwet_ac1, gwet_ac1, true)
MEASURE(confusion_matthews_corrcoef, margins_matthews_corrcoef, true)
MEASURE(confusion_mutual_information, mutual_information, true)

/* "strength" spread as a truth row of "toward" is: what goes to a cell. */
static double
pseudo_count(const ConfusionMatrix *toward, const Margins *m, uint32 i, uint32 j,
			 double strength)
{
	double		product = strength * confusion_matrix_count(toward, i, j);

	if (product > ORDINARY_MIN && product < ORDINARY_MAX && !isinf(m->rows[i]))
		return product / m->rows[i];
	return strength * confusion_rate(toward, m, i, j);
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
	uint32	   *codes;

	if (!isfinite(strength) || strength < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("strength %s is out of range", nl_number(strength)),
				 errhint("Give the number of pseudo-counts for each row, 0 or more.")));
	codes = dictionary_add_names(ec->labels, &names);
	if (ec->labels->n > ec->capacity)
		confusion_matrix_reserve(ec);
	for (uint32 i = 0; i < toward->n; i++)
		for (uint32 j = 0; j < toward->n && m.rows[i] > 0; j++)
			confusion_matrix_add(ec, codes[i], codes[j],
								 pseudo_count(toward, &m, i, j, strength));
	PG_RETURN_DATUM(value_flatten(&ec->hdr));
}
