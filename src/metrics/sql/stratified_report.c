/*
 * stratified_report.c
 *		What the audit of a stratified sample says about the whole: precision,
 *		recall and F1 of each class, and accuracy.
 *
 * A stratum is a confusion matrix of checked items and the number of items that
 * they were drawn from.  Each measure is a share R = Y / X of two totals, which are
 * estimated by weighting items by size / checked.  Its variance is that of the
 * linearised total of (y - R x) / X, drawn without replacement within the strata
 * (Cochran, Sampling Techniques, 1977, eq. 5.27 and 6.13).  The interval is Wilson's for
 * as many items as a simple sample of that variance has.
 *
 * Interrupts: for a matrix, a class of it, and a class of the report.
 */
#include "noisylabel.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "math/interval.h"
#include "pg/arguments.h"
#include "pg/results.h"
#include "types/confusion_matrix.h"
#include "utils/array.h"

/* What an item is to a class. */
typedef enum Role
{
	TRUE_POSITIVE, FALSE_POSITIVE, FALSE_NEGATIVE, OTHER, ROLES
} Role;

typedef struct StratumCounts
{
	const ConfusionMatrix *cm;
	double		size;
	double		n;
	uint32	   *code;			/* of its labels */
	double	   *row;			/* by its labels: sums */
	double	   *column;
} StratumCounts;

typedef struct Audit
{
	int			n;
	StratumCounts *strata;
	Dictionary *labels;
	double	   *counts;			/* strata * ROLES, of the present class */
	double		z;
} Audit;

typedef struct ShareEstimate
{
	double		rate;			/* NaN: undefined */
	Bounds		bounds;			/* NaN: a stratum has one item only */
} ShareEstimate;

static void
stratum_sums(StratumCounts *s)
{
	uint32		n = s->cm->n;

	s->row = palloc0(n * sizeof(double));
	s->column = palloc0(n * sizeof(double));
	for (uint32 t = 0; t < n; t++)
	{
		CHECK_FOR_INTERRUPTS();
		for (uint32 l = 0; l < n; l++)
		{
			double		count = confusion_matrix_count(s->cm, t, l);

			s->row[t] += count;
			s->column[l] += count;
			s->n += count;
		}
	}
}

static void
read_stratum(Audit *audit, int i, Datum matrix, bool is_null, int64 size)
{
	StratumCounts *s = &audit->strata[i];
	Names		names;

	if (is_null)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("stratum %d has no confusion matrix", i + 1),
				 errhint("Leave out strata of which nothing was checked, or merge them with others.")));
	s->cm = confusion_matrix_get(matrix);
	names = confusion_matrix_labels(s->cm);
	s->code = dictionary_add_names(audit->labels, &names);
	s->size = size;
	stratum_sums(s);
	if (!(s->n > 0 && s->n <= s->size))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("stratum %d has %s checked items of " INT64_FORMAT, i + 1,
						nl_number(s->n), size),
				 errhint("Its size counts all items that the checked ones were drawn from.")));
}

/* (confusion_matrix[], bigint[], level) */
static Audit
read_audit(FunctionCallInfo fcinfo)
{
	ArrayType  *matrices = PG_GETARG_ARRAYTYPE_P(0);
	int			n_sizes;
	Datum	   *matrix;
	Datum	   *size;
	bool	   *matrix_null;
	bool	   *size_null;
	Audit		audit = {.z = normal_quantile_two_sided(nl_check_level(PG_GETARG_FLOAT8(2)))};

	deconstruct_array(matrices, ARR_ELEMTYPE(matrices), -1, false, TYPALIGN_DOUBLE,
					  &matrix, &matrix_null, &audit.n);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &size, &size_null, &n_sizes);
	if (audit.n != n_sizes)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("there are %d confusion matrices and %d sizes", audit.n, n_sizes),
				 errhint("Collect both by array_agg() from one row for each stratum.")));
	audit.strata = palloc0(Max(audit.n, 1) * sizeof(StratumCounts));
	audit.counts = palloc(Max(audit.n, 1) * ROLES * sizeof(double));
	audit.labels = dictionary_create(CurrentMemoryContext, "label", NL_MAX_CLASSES);
	for (int i = 0; i < audit.n; i++)
		read_stratum(&audit, i, matrix[i], matrix_null[i], size_null[i] ? 0 : DatumGetInt64(size[i]));
	return audit;
}

/* Put into "counts" what the checked items are to a class. */
static void
count_roles(Audit *audit, uint32 label)
{
	for (int i = 0; i < audit->n; i++)
	{
		StratumCounts *s = &audit->strata[i];
		double	   *counts = audit->counts + i * ROLES;

		memset(counts, 0, ROLES * sizeof(double));
		for (uint32 k = 0; k < s->cm->n; k++)
			if (s->code[k] == label)
			{
				counts[TRUE_POSITIVE] = confusion_matrix_count(s->cm, k, k);
				counts[FALSE_POSITIVE] = s->column[k] - counts[TRUE_POSITIVE];
				counts[FALSE_NEGATIVE] = s->row[k] - counts[TRUE_POSITIVE];
			}
		counts[OTHER] = s->n - counts[TRUE_POSITIVE] - counts[FALSE_POSITIVE] - counts[FALSE_NEGATIVE];
	}
}

/* The same where a true positive is any right answer, and what is wrong is another. */
static void
count_right(Audit *audit)
{
	for (int i = 0; i < audit->n; i++)
	{
		StratumCounts *s = &audit->strata[i];
		double	   *counts = audit->counts + i * ROLES;

		memset(counts, 0, ROLES * sizeof(double));
		for (uint32 k = 0; k < s->cm->n; k++)
			counts[TRUE_POSITIVE] += confusion_matrix_count(s->cm, k, k);
		counts[FALSE_POSITIVE] = s->n - counts[TRUE_POSITIVE];
	}
}

/*
 * Variance of the weighted total of values by role within a stratum.  Half a true positive and
 * half of what is wrong are added, since a large stratum in which no error happened to be
 * checked would seem to have none for certain.
 */
static double
stratum_variance(const StratumCounts *s, const double *counts, const double *value,
				 const double *in)
{
	double		wrong = in[FALSE_POSITIVE] + in[FALSE_NEGATIVE];
	double		n = s->n + 1;
	double		sum = 0;
	double		squares = 0;

	if (s->n >= s->size)
		return 0;				/* all were checked */
	if (s->n < 2)
		return NAN;
	for (int r = 0; r < ROLES; r++)
	{
		double		count = counts[r];

		if (r == TRUE_POSITIVE)
			count += 0.5;
		else if (r != OTHER && in[r] > 0)
			count += 0.5 / wrong;
		sum += count * value[r];
		squares += count * value[r] * value[r];
	}
	return s->size * s->size * (1 - s->n / s->size) *
		Max(squares - sum * sum / n, 0) / ((n - 1) * n);
}

/*
 * The share of true positives among the items of which "in" has a 1.  Where it is 0 or 1
 * nothing varies, so the sample has the size that its weights leave (Kish 1965).
 */
static ShareEstimate
estimate_share(const Audit *audit, const double *in)
{
	double		y = 0;
	double		x = 0;
	double		kish = 0;
	double		variance = 0;
	ShareEstimate e;

	for (int i = 0; i < audit->n; i++)
	{
		const StratumCounts *s = &audit->strata[i];
		const double *counts = audit->counts + i * ROLES;
		double		weight = s->size / s->n;
		double		members = 0;

		for (int r = 0; r < ROLES; r++)
			members += in[r] * counts[r];
		y += weight * counts[TRUE_POSITIVE];
		x += weight * members;
		kish += (1 - s->n / s->size) * weight * weight * members;
	}
	e.rate = x > 0 ? y / x : NAN;
	for (int i = 0; i < audit->n && x > 0; i++)
	{
		double		value[ROLES];

		for (int r = 0; r < ROLES; r++)
			value[r] = in[r] * ((r == TRUE_POSITIVE) - e.rate) / x;
		variance += stratum_variance(&audit->strata[i], audit->counts + i * ROLES, value, in);
	}
	if (e.rate > 0 && e.rate < 1)
		kish = variance / (e.rate * (1 - e.rate)) * x * x;
	e.bounds = (Bounds) {NAN, NAN};
	if (x > 0 && !isnan(variance))
		e.bounds = kish > 0 ? wilson_interval(e.rate * x * x / kish, x * x / kish, audit->z) :
			(Bounds) {e.rate, e.rate};
	return e;
}

static void
put_share(Datum *values, bool *nulls, ShareEstimate e)
{
	nulls[0] = isnan(e.rate);
	nulls[1] = nulls[2] = isnan(e.bounds.low);
	values[0] = Float8GetDatum(e.rate);
	values[1] = Float8GetDatum(e.bounds.low);
	values[2] = Float8GetDatum(e.bounds.high);
}

/* F1 is 2 J / (1 + J) of J = TP / (TP + FP + FN), as in f1_report. */
static ShareEstimate
f1_of_jaccard(ShareEstimate j)
{
	return (ShareEstimate) {
		2 * j.rate / (1 + j.rate),
		{2 * j.bounds.low / (1 + j.bounds.low), 2 * j.bounds.high / (1 + j.bounds.high)}
	};
}

static void
class_row(Audit *audit, const Names *names, uint32 k, Datum *values, bool *nulls)
{
	static const double all_predicted[ROLES] = {1, 1, 0, 0};
	static const double all_true[ROLES] = {1, 0, 1, 0};
	static const double either[ROLES] = {1, 1, 1, 0};
	double		support = 0;
	double		predicted = 0;

	for (int i = 0; i < audit->n; i++)
	{
		const double *counts = audit->counts + i * ROLES;
		double		weight = audit->strata[i].size / audit->strata[i].n;

		support += weight * (counts[TRUE_POSITIVE] + counts[FALSE_NEGATIVE]);
		predicted += weight * (counts[TRUE_POSITIVE] + counts[FALSE_POSITIVE]);
	}
	values[0] = PointerGetDatum(names_text(names, k));
	values[1] = Float8GetDatum(support);
	values[2] = Float8GetDatum(predicted);
	put_share(values + 3, nulls + 3, estimate_share(audit, all_predicted));
	put_share(values + 6, nulls + 6, estimate_share(audit, all_true));
	put_share(values + 9, nulls + 9, f1_of_jaccard(estimate_share(audit, either)));
}

NL_FUNCTION(stratified_report);
Datum
stratified_report(PG_FUNCTION_ARGS)
{
	Audit		audit = read_audit(fcinfo);
	uint32	   *order = dictionary_order(audit.labels, ORDER_LABELS);
	Names		names = dictionary_names(audit.labels, order);
	ResultRows	rows = rows_begin(fcinfo);

	for (uint32 k = 0; k < names.n; k++)
	{
		count_roles(&audit, order[k]);
		class_row(&audit, &names, k, rows.values, rows.nulls);
		rows_add(&rows);
	}
	return rows_end(&rows);
}

NL_FUNCTION(stratified_accuracy);
Datum
stratified_accuracy(PG_FUNCTION_ARGS)
{
	static const double all[ROLES] = {1, 1, 1, 1};
	Audit		audit = read_audit(fcinfo);
	Datum		values[3];
	bool		nulls[3];

	count_right(&audit);
	put_share(values, nulls, estimate_share(&audit, all));
	PG_RETURN_DATUM(nl_record(fcinfo, values, nulls));
}
