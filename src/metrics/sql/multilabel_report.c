/*
 * multilabel_report.c
 *		SQL aggregate multilabel_report(): sets of labels compared with the sets that are
 *		right.
 *
 * The state is an annotator_counts, which counts exactly whatever the order: for each
 * label how often it was right, wrong and missing ("annotator": l and the label;
 * truth: what it was), and how many rows had t true labels, p predicted ones and i of both
 * ("annotator": r, t and p; truth: i).  All measures are made of these.
 */
#include "noisylabel.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "math/interval.h"
#include "names/names_io.h"
#include "pg/arguments.h"
#include "types/annotator_counts.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

static const char *const outcome_names[] = {"true positive", "false positive", "false negative"};

enum
{
	TP, FP, FN, OUTCOMES
};

/* attributes of the composites, in order; sql/install/42_multilabel.in agrees */
enum
{
	M_N, M_LABELS, M_SUBSET, M_HAMMING, M_JACCARD, M_SAMPLES_PRECISION, M_SAMPLES_RECALL,
	M_SAMPLES_F1, M_MICRO_PRECISION, M_MICRO_RECALL, M_MICRO_F1, M_MACRO_PRECISION,
	M_MACRO_RECALL, M_MACRO_F1, M_WEIGHTED_PRECISION, M_WEIGHTED_RECALL, M_WEIGHTED_F1,
	M_CLASSES, M_COLUMNS
};

enum
{
	C_LABEL, C_SUPPORT, C_PREDICTED, C_PRECISION, C_PRECISION_LOW,
	C_PRECISION_HIGH, C_RECALL, C_RECALL_LOW, C_RECALL_HIGH, C_F1, C_F1_LOW,
	C_F1_HIGH, C_COLUMNS
};

/*
 * Collecting
 */

/* Add a count to the state, which stands in argument 0. */
static void
count(FunctionCallInfo fcinfo, char kind, NameView of, const char *what)
{
	RowOptions	options = NO_OPTIONS;
	char	   *name = palloc(of.len + 1);
	LogRow		row = {COUNT_ROW_TRUTH, 3, {{0}}};

	name[0] = kind;
	memcpy(name + 1, of.s, of.len);
	row.field[0] = (LogField) {name, of.len + 1};
	row.field[1] = row.field[2] = (LogField) {what, strlen(what)};
	fcinfo->args[0].value = annotator_counts_state_add(fcinfo, &row, &options);
	fcinfo->args[0].isnull = false;
	pfree(name);
}

static void
count_row(FunctionCallInfo fcinfo, uint32 truths, uint32 predictions, uint32 both)
{
	char		sizes[32];
	char		common[16];

	snprintf(sizes, sizeof(sizes), "%u %u", truths, predictions);
	snprintf(common, sizeof(common), "%u", both);
	count(fcinfo, 'r', name_of(sizes), common);
}

/* The labels of an array, each once; a NULL is none. */
static Dictionary *
read_set(ArrayType *array)
{
	Dictionary *set = dictionary_create(CurrentMemoryContext, "label", NL_MAX_CLASSES);
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!nulls[i])
			(void) dictionary_add(set, name_of_text(DatumGetTextPP(elements[i])));
	}
	return set;
}

/* (annotator_counts, truth text[], predicted text[]) */
NL_FUNCTION(multilabel_accum);
Datum
multilabel_accum(PG_FUNCTION_ARGS)
{
	Dictionary *truth;
	Dictionary *predicted;
	uint32		both = 0;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		VALUE_RETURN_STATE();
	truth = read_set(PG_GETARG_ARRAYTYPE_P(1));
	predicted = read_set(PG_GETARG_ARRAYTYPE_P(2));
	for (uint32 i = 0; i < predicted->n; i++)
	{
		bool		right = dictionary_find(truth, dictionary_get(predicted, i)) >= 0;

		both += right;
		count(fcinfo, 'l', dictionary_get(predicted, i), outcome_names[right ? TP : FP]);
	}
	for (uint32 i = 0; i < truth->n; i++)
		if (dictionary_find(predicted, dictionary_get(truth, i)) < 0)
			count(fcinfo, 'l', dictionary_get(truth, i), outcome_names[FN]);
	count_row(fcinfo, truth->n, predicted->n, both);
	PG_RETURN_DATUM(fcinfo->args[0].value);
}

/*
 * Reporting
 */
typedef struct LabelCounts
{
	NameView	name;
	double		n[OUTCOMES];
} LabelCounts;

/* Sums over rows, and how many of them each is of. */
typedef struct RowSums
{
	double		rows;
	double		exact;
	double		differing;		/* labels that only one side has */
	double		jaccard[2];
	double		precision[2];
	double		recall[2];
	double		f1[2];
} RowSums;

typedef struct Multilabel
{
	Dictionary *labels;
	LabelCounts *counts;		/* by label, in order of appearance */
	uint32	   *order;			/* canonical */
	RowSums		rows;
	double		z;
} Multilabel;

static double
ratio(double a, double b)
{
	return b > 0 ? a / b : NAN;
}

static void
add_mean(double sum[2], double numerator, double denominator, double rows)
{
	if (denominator <= 0)
		return;
	sum[0] += rows * numerator / denominator;
	sum[1] += rows;
}

/* So many rows with t true labels, p predicted, i of both. */
static void
add_rows(RowSums *s, double t, double p, double i, double rows)
{
	s->rows += rows;
	s->exact += t == i && p == i ? rows : 0;
	s->differing += rows * (t + p - 2 * i);
	add_mean(s->jaccard, i, t + p - i, rows);
	add_mean(s->precision, i, p, rows);
	add_mean(s->recall, i, t, rows);
	add_mean(s->f1, 2 * i, t + p, rows);
}

/* Anybody may call the final function with an annotator_counts. */
static NL_NORETURN void
not_a_report(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("this annotator_counts is no state of multilabel_report()"),
			 errhint("Call the aggregate: multilabel_report(truth, predicted).")));
}

static void
read_rows(RowSums *s, NameView sizes, NameView common, double n)
{
	unsigned int t;
	unsigned int p;
	unsigned int both;

	if (sscanf(pnstrdup(sizes.s, sizes.len), "%u %u", &t, &p) != 2 ||
		sscanf(pnstrdup(common.s, common.len), "%u", &both) != 1 || both > Min(t, p))
		not_a_report();
	add_rows(s, t, p, both, n);
}

static void
read_cell(Multilabel *m, const AnnotatorCountsView *view, const CountCell *cell)
{
	NameView	name = names_get(&view->annotators, cell->annotator);
	double		n = exact_sum_value(&cell->count) / COUNT_UNITS;
	NameView	what = names_get(&view->labels, cell->truth);
	char		kind = name.len > 0 ? name.s[0] : '\0';

	name = (NameView) {name.s + 1, name.len - 1};
	if (kind == 'r')
	{
		read_rows(&m->rows, name, what, n);
		return;
	}
	for (int o = 0; o < OUTCOMES && kind == 'l'; o++)
		if (is_same_name(what, name_of(outcome_names[o])))
		{
			m->counts[dictionary_add(m->labels, name)].n[o] += n;
			return;
		}
	not_a_report();
}

static Multilabel
read_counts(const AnnotatorCountsView *view)
{
	Multilabel	m = {
		.labels = dictionary_create(CurrentMemoryContext, "label", PG_INT32_MAX),
		.counts = palloc0(Max(view->annotators.n, 1) * sizeof(LabelCounts)),
		.z = normal_quantile_two_sided(0.95)
	};

	for (uint32 i = 0; i < view->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		read_cell(&m, view, &view->cells[i]);
	}
	m.order = dictionary_order(m.labels, ORDER_LABELS);
	return m;
}

static void
set_number(Datum *values, bool *nulls, int column, double value)
{
	nulls[column] = isnan(value);
	values[column] = Float8GetDatum(value);
}

/* A proportion and, in the two columns after it, Wilson's interval. */
static void
set_proportion(Datum *values, bool *nulls, int column, double successes, double n, double z)
{
	Bounds		bounds = {NAN, NAN};

	if (n > 0)
		bounds = wilson_interval(successes, n, z);
	set_number(values, nulls, column, ratio(successes, n));
	set_number(values, nulls, column + 1, bounds.low);
	set_number(values, nulls, column + 2, bounds.high);
}

/* F1 is 2 J / (1 + J) of J = TP / (TP + FP + FN), and so are its limits. */
static void
set_f1(Datum *values, bool *nulls, const double *n, double z)
{
	double		f1 = ratio(2 * n[TP], 2 * n[TP] + n[FP] + n[FN]);

	set_proportion(values, nulls, C_F1, n[TP], n[TP] + n[FP] + n[FN], z);
	for (int i = C_F1_LOW; i <= C_F1_HIGH; i++)
	{
		double		jaccard = DatumGetFloat8(values[i]);
		double		limit = 2 * jaccard / (1 + jaccard);

		if (!nulls[i])
			values[i] = Float8GetDatum(i == C_F1_LOW ? Min(limit, f1) : Max(limit, f1));
	}
	set_number(values, nulls, C_F1, f1);
}

static Datum
class_row(const Multilabel *m, uint32 i, TupleDesc tupdesc)
{
	const double *n = m->counts[m->order[i]].n;
	NameView	name = dictionary_get(m->labels, m->order[i]);
	Datum		values[C_COLUMNS];
	bool		nulls[C_COLUMNS] = {false};

	values[C_LABEL] = PointerGetDatum(cstring_to_text_with_len(name.s, name.len));
	values[C_SUPPORT] = Float8GetDatum(n[TP] + n[FN]);
	values[C_PREDICTED] = Float8GetDatum(n[TP] + n[FP]);
	set_proportion(values, nulls, C_PRECISION, n[TP], n[TP] + n[FP], m->z);
	set_proportion(values, nulls, C_RECALL, n[TP], n[TP] + n[FN], m->z);
	set_f1(values, nulls, n, m->z);
	return HeapTupleGetDatum(heap_form_tuple(tupdesc, values, nulls));
}

static Datum
class_rows(const Multilabel *m, Oid array_type)
{
	Oid			element = get_element_type(array_type);
	TupleDesc	tupdesc = lookup_rowtype_tupdesc_copy(element, -1);
	Datum	   *rows = palloc(Max(m->labels->n, 1) * sizeof(Datum));
	int16		length;
	bool		byval;
	char		align;

	BlessTupleDesc(tupdesc);
	for (uint32 i = 0; i < m->labels->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		rows[i] = class_row(m, i, tupdesc);
	}
	get_typlenbyvalalign(element, &length, &byval, &align);
	return PointerGetDatum(construct_array(rows, m->labels->n, element, length, byval, align));
}

/* Means over the labels where a measure is defined, plain and by support. */
static void
set_averages(const Multilabel *m, Datum *values, bool *nulls)
{
	double		macro[3][2] = {{0}};
	double		weighted[3][2] = {{0}};
	double		all[OUTCOMES] = {0};

	for (uint32 i = 0; i < m->labels->n; i++)
	{
		const double *n = m->counts[m->order[i]].n;
		double		numerator[] = {n[TP], n[TP], 2 * n[TP]};
		double		denominator[] = {n[TP] + n[FP], n[TP] + n[FN], 2 * n[TP] + n[FP] + n[FN]};

		for (int k = 0; k < 3; k++)
		{
			add_mean(macro[k], numerator[k], denominator[k], 1);
			add_mean(weighted[k], numerator[k], denominator[k], n[TP] + n[FN]);
			all[k] += n[k];
		}
	}
	set_number(values, nulls, M_MICRO_PRECISION, ratio(all[TP], all[TP] + all[FP]));
	set_number(values, nulls, M_MICRO_RECALL, ratio(all[TP], all[TP] + all[FN]));
	set_number(values, nulls, M_MICRO_F1, ratio(2 * all[TP], 2 * all[TP] + all[FP] + all[FN]));
	for (int k = 0; k < 3; k++)
	{
		set_number(values, nulls, M_MACRO_PRECISION + k, ratio(macro[k][0], macro[k][1]));
		set_number(values, nulls, M_WEIGHTED_PRECISION + k, ratio(weighted[k][0], weighted[k][1]));
	}
}

NL_FUNCTION(multilabel_final);
Datum
multilabel_final(PG_FUNCTION_ARGS)
{
	AnnotatorCountsView view = annotator_counts_view(PG_GETARG_DATUM(0));
	Multilabel	m = read_counts(&view);
	const RowSums *s = &m.rows;
	TupleDesc	tupdesc;
	Datum		values[M_COLUMNS];
	bool		nulls[M_COLUMNS] = {false};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE || tupdesc->natts != M_COLUMNS)
		elog(ERROR, "multilabel_report does not have the expected columns");
	values[M_N] = Int64GetDatum((int64) s->rows);
	values[M_LABELS] = Int64GetDatum(m.labels->n);
	set_number(values, nulls, M_SUBSET, ratio(s->exact, s->rows));
	set_number(values, nulls, M_HAMMING, ratio(s->differing, s->rows * m.labels->n));
	set_number(values, nulls, M_JACCARD, ratio(s->jaccard[0], s->jaccard[1]));
	set_number(values, nulls, M_SAMPLES_PRECISION, ratio(s->precision[0], s->precision[1]));
	set_number(values, nulls, M_SAMPLES_RECALL, ratio(s->recall[0], s->recall[1]));
	set_number(values, nulls, M_SAMPLES_F1, ratio(s->f1[0], s->f1[1]));
	set_averages(&m, values, nulls);
	values[M_CLASSES] = class_rows(&m, TupleDescAttr(tupdesc, M_CLASSES)->atttypid);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}
