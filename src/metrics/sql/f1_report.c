/*
 * f1_report.c
 *		Precision, recall and F1 of a confusion_matrix, per class and averaged,
 *		with intervals, as the composite f1_report; and its printed table.
 *
 * For class a let TP be its diagonal cell, TP + FN its row (support) and
 * TP + FP its column (predicted).  Then
 *
 *	precision = TP / (TP + FP), recall = TP / (TP + FN),
 *	F1 = 2 TP / (2 TP + FP + FN).
 *
 * An average is over the classes for which the measure is defined: macro is
 * their plain mean, weighted is weighted by support.  This is what SQL's avg()
 * over the class rows gives, and what scikit-learn gives for
 * zero_division = nan.  The classes are those of the matrix, unless the caller
 * fixes the set.
 *
 * Intervals: Wilson for accuracy, precision and recall.  F1 of a class is
 * 2 J / (1 + J) where J = TP / (TP + FP + FN) is a plain proportion, so its
 * interval is that of J (Wilson) carried through this monotone function (Lam,
 * Gopal & Qian 2023, "Confidence intervals for the F1 score: a comparison of
 * four methods", the indirect Wilson method).  Macro F1: delta method
 * (Takahashi et al. 2022, Applied Intelligence 52, "Confidence interval for
 * micro-averaged F1 and macro-averaged F1 scores"), cut to [0, 1].
 */
#include "metrics/f1_scores.h"

#include <math.h>

#include "access/htup_details.h"
#include "executor/executor.h"
#include "mb/pg_wchar.h"
#include "metrics/spelling.h"
#include "names/names_io.h"
#include "math/interval.h"
#include "pg/arguments.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* attributes of the composites, in order; sql/install/10_confusion.in agrees */
enum
{
	R_N, R_ACCURACY, R_ACCURACY_LOW, R_ACCURACY_HIGH, R_BALANCED_ACCURACY,
	R_MACRO_PRECISION, R_MACRO_RECALL, R_MACRO_F1, R_MACRO_F1_LOW,
	R_MACRO_F1_HIGH, R_MICRO_F1, R_WEIGHTED_PRECISION, R_WEIGHTED_RECALL,
	R_WEIGHTED_F1, R_MATTHEWS_CORRCOEF, R_COHEN_KAPPA, R_CLASSES, R_COLUMNS
};

enum
{
	C_LABEL, C_SUPPORT, C_PREDICTED, C_PRECISION, C_PRECISION_LOW,
	C_PRECISION_HIGH, C_RECALL, C_RECALL_LOW, C_RECALL_HIGH, C_F1, C_F1_LOW,
	C_F1_HIGH, C_COLUMNS
};

static void
set_measure(Datum *values, bool *nulls, int column, double value)
{
	nulls[column] = isnan(value);
	values[column] = nulls[column] ? (Datum) 0 : Float8GetDatum(value);
}

/* Low and high go to the two columns after the measure's own. */
static void
set_bounds(Datum *values, bool *nulls, int column, double low, double high)
{
	set_measure(values, nulls, column + 1, low);
	set_measure(values, nulls, column + 2, high);
}

static void
set_proportion(Datum *values, bool *nulls, int column,
			   double successes, double n, double z)
{
	Bounds		bounds = {get_float8_nan(), get_float8_nan()};

	if (n > 0)
		bounds = wilson_interval(successes, n, z);
	set_measure(values, nulls, column, n > 0 ? successes / n : get_float8_nan());
	set_bounds(values, nulls, column, bounds.low, bounds.high);
}

static Datum
class_row(const F1Scores *r, uint32 i, double z, TupleDesc tupdesc)
{
	const ClassScores *c = &r->classes[i];
	const Tally *t = &c->counts;
	double		n = isinf(t->support + t->predicted) ?
		t->support + (t->predicted - t->tp) : t->support + t->predicted - t->tp;
	Datum		values[C_COLUMNS];
	bool		nulls[C_COLUMNS] = {false};

	values[C_LABEL] = PointerGetDatum(names_text(&r->names, i));
	values[C_SUPPORT] = Float8GetDatum(t->support);
	values[C_PREDICTED] = Float8GetDatum(t->predicted);
	set_proportion(values, nulls, C_PRECISION, t->tp, t->predicted, z);
	set_proportion(values, nulls, C_RECALL, t->tp, t->support, z);
	set_measure(values, nulls, C_F1, c->f1);
	set_bounds(values, nulls, C_F1, get_float8_nan(), get_float8_nan());
	if (n > 0)
	{
		Bounds		jaccard = wilson_interval(t->tp, n, z);

		set_bounds(values, nulls, C_F1,
				   Min(2 * jaccard.low / (1 + jaccard.low), c->f1),
				   Max(2 * jaccard.high / (1 + jaccard.high), c->f1));
	}
	return HeapTupleGetDatum(heap_form_tuple(tupdesc, values, nulls));
}

/* The array of class_report; its type is that of the report's last column. */
static Datum
class_rows(const F1Scores *r, double z, Oid array_type)
{
	Oid			element = get_element_type(array_type);
	TupleDesc	tupdesc = lookup_rowtype_tupdesc_copy(element, -1);
	Datum	   *rows = palloc(Max(r->names.n, 1) * sizeof(Datum));
	int16		length;
	bool		byval;
	char		align;

	BlessTupleDesc(tupdesc);
	for (uint32 i = 0; i < r->names.n; i++)
		rows[i] = class_row(r, i, z, tupdesc);
	get_typlenbyvalalign(element, &length, &byval, &align);
	return PointerGetDatum(construct_array(rows, r->names.n, element,
										   length, byval, align));
}

static void
set_averages(const F1Scores *r, double z, Datum *values, bool *nulls)
{
	double		macro_f1 = f1_measure(r, F1_MACRO_F1);

	set_measure(values, nulls, R_MACRO_PRECISION, f1_measure(r, F1_MACRO_PRECISION));
	set_measure(values, nulls, R_MACRO_RECALL, f1_measure(r, F1_MACRO_RECALL));
	set_measure(values, nulls, R_MACRO_F1, macro_f1);
	set_bounds(values, nulls, R_MACRO_F1, get_float8_nan(), get_float8_nan());
	if (!isnan(macro_f1))
	{
		double		half = z * sqrt(f1_macro_variance(r));

		set_bounds(values, nulls, R_MACRO_F1,
				   Max(0, macro_f1 - half), Min(1, macro_f1 + half));
	}
	set_measure(values, nulls, R_MICRO_F1, f1_measure(r, F1_MICRO_F1));
	set_measure(values, nulls, R_WEIGHTED_PRECISION, f1_measure(r, F1_WEIGHTED_PRECISION));
	set_measure(values, nulls, R_WEIGHTED_RECALL, f1_measure(r, F1_WEIGHTED_RECALL));
	set_measure(values, nulls, R_WEIGHTED_F1, f1_measure(r, F1_WEIGHTED_F1));
}

static Datum
make_report(FunctionCallInfo fcinfo, const ConfusionMatrix *cm, const Names *names,
			double level)
{
	F1Scores	r = f1_scores_make(cm, names);
	const Margins *m = &r.margins;
	double		z = normal_quantile_two_sided(nl_check_level(level));
	TupleDesc	tupdesc;
	Datum		values[R_COLUMNS];
	bool		nulls[R_COLUMNS] = {false};

	(void) confusion_finite_total(m);

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE ||
		tupdesc->natts != R_COLUMNS)
		elog(ERROR, "f1_report does not have the expected columns");
	values[R_N] = Float8GetDatum(m->total);
	set_proportion(values, nulls, R_ACCURACY, m->trace, m->total, z);
	set_measure(values, nulls, R_BALANCED_ACCURACY, f1_measure(&r, F1_BALANCED_ACCURACY));
	set_averages(&r, z, values, nulls);
	set_measure(values, nulls, R_MATTHEWS_CORRCOEF, f1_measure(&r, F1_MATTHEWS_CORRCOEF));
	set_measure(values, nulls, R_COHEN_KAPPA, f1_measure(&r, F1_COHEN_KAPPA));
	values[R_CLASSES] =
		class_rows(&r, z, TupleDescAttr(tupdesc, R_CLASSES)->atttypid);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc),
											 values, nulls));
}

/* f1_report(confusion_matrix), and the final function of the aggregates */
NL_FUNCTION(f1_report_from_confusion);
Datum
f1_report_from_confusion(PG_FUNCTION_ARGS)
{
	ConfusionMatrix *cm = PG_GETARG_CONFUSION_MATRIX(0);
	Names		names = confusion_matrix_labels(cm);

	spelling_notice(fcinfo, cm);
	PG_RETURN_DATUM(make_report(fcinfo, cm, &names, 0.95));
}

/* f1_report(confusion_matrix, labels text[], level float8) */
NL_FUNCTION(f1_report_for_labels);
Datum
f1_report_for_labels(PG_FUNCTION_ARGS)
{
	ConfusionMatrix *cm;
	Names		names;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	cm = PG_GETARG_CONFUSION_MATRIX(0);
	names = confusion_matrix_labels(cm);
	if (!PG_ARGISNULL(1))
	{
		Dictionary *labels = dictionary_create(CurrentMemoryContext, "label",
											   NL_MAX_CLASSES);

		dictionary_add_array(labels, PG_GETARG_ARRAYTYPE_P(1));
		names = dictionary_names(labels, dictionary_order(labels, ORDER_LABELS));
	}
	PG_RETURN_DATUM(make_report(fcinfo, cm, &names, PG_GETARG_FLOAT8(2)));
}

/*
 * report(f1_report) -> text: the table that everybody knows.
 *
 * Where the classes are only some of those of the rows, accuracy is not theirs; as
 * in scikit-learn's table, micro averages stand in its place, and averages are of
 * the classes' rows.
 */
static bool
get_measure(HeapTupleHeader row, int column, double *value)
{
	bool		isnull;
	Datum		datum = GetAttributeByNum(row, column + 1, &isnull);

	*value = isnull ? 0 : DatumGetFloat8(datum);
	return !isnull;
}

/* NaN leaves the field blank, what is not defined is a dash */
static void
append_value(StringInfo buf, bool defined, double value)
{
	if (!defined)
		appendStringInfo(buf, " %9s", "-");
	else if (isnan(value))
		appendStringInfo(buf, " %9s", "");
	else
		appendStringInfo(buf, " %9.3f", value);
}

/*
 * Whole numbers look whole; sums of weights get two digits.  What is too wide for
 * the column is rounded.
 */
static void
append_count(StringInfo buf, double value)
{
	if (value >= 1e8)
		appendStringInfo(buf, value < 1e11 ? " %11.0f" : " %11.5g", value);
	else
		appendStringInfo(buf, value == floor(value) ? " %11.0f" : " %11.2f", value);
}

/* A label in one line, with what does not print escaped as psql does it. */
typedef struct Printable
{
	char	   *text;
	int			width;			/* on the screen */
} Printable;

static Printable
printable(const char *s)
{
	StringInfoData buf;
	int			width = 0;

	initStringInfo(&buf);
	for (int len; *s != '\0'; s += len)
	{
		int			columns = pg_dsplen(s);
		int			before = buf.len;

		len = pg_mblen(s);
		if (columns >= 0)
		{
			appendBinaryStringInfo(&buf, s, len);
			width += columns;
			continue;
		}
		if (*s == '\n' || *s == '\r' || *s == '\t')
			appendStringInfo(&buf, "\\%c", *s == '\n' ? 'n' : *s == '\r' ? 'r' : 't');
		else if (len == 1)
			appendStringInfo(&buf, "\\x%02X", (unsigned char) *s);
		else if (GetDatabaseEncoding() == PG_UTF8)
			appendStringInfo(&buf, "\\u%04X", utf8_to_unicode((const unsigned char *) s));
		else
			appendStringInfoString(&buf, "\\u????");
		width += buf.len - before;
	}
	return (Printable) {buf.data, width};
}

static void
append_name(StringInfo buf, Printable name, int width)
{
	appendStringInfoSpaces(buf, Max(width - name.width, 0));
	appendStringInfoString(buf, name.text);
}

/* A line whose three measures are columns of a row. */
static void
append_line(StringInfo buf, HeapTupleHeader row, Printable name, int width,
			const int *columns, double support)
{
	append_name(buf, name, width);
	for (int i = 0; i < 3; i++)
	{
		double		value;
		bool		defined = get_measure(row, columns[i], &value);

		append_value(buf, defined, value);
	}
	append_count(buf, support);
	appendStringInfoChar(buf, '\n');
}

/* What the classes have together. */
static Tally
sum_classes(Datum *rows, int n)
{
	Tally		sum = {0};

	for (int i = 0; i < n; i++)
	{
		HeapTupleHeader row = DatumGetHeapTupleHeader(rows[i]);
		double		support;
		double		predicted;
		double		recall;

		(void) get_measure(row, C_SUPPORT, &support);
		(void) get_measure(row, C_PREDICTED, &predicted);
		(void) get_measure(row, C_RECALL, &recall);
		sum.tp += recall * support;
		sum.support += support;
		sum.predicted += predicted;
	}
	return sum;
}

/* All rows have their truth and their prediction among the classes. */
static bool
is_complete(const Tally *sum, double n)
{
	return Min(sum->support, sum->predicted) >= n * (1 - 1e-9);
}

static void
append_micro(StringInfo buf, HeapTupleHeader report, int width, const Tally *sum)
{
	double		f1;
	bool		defined = get_measure(report, R_MICRO_F1, &f1);

	append_name(buf, printable("micro avg"), width);
	append_value(buf, sum->predicted > 0, sum->tp / sum->predicted);
	append_value(buf, sum->support > 0, sum->tp / sum->support);
	append_value(buf, defined, f1);
	append_count(buf, sum->support);
	appendStringInfoChar(buf, '\n');
}

static void
append_accuracy(StringInfo buf, HeapTupleHeader report, int width, double n)
{
	double		accuracy;
	bool		defined = get_measure(report, R_ACCURACY, &accuracy);

	append_name(buf, printable("accuracy"), width);
	append_value(buf, true, get_float8_nan());
	append_value(buf, true, get_float8_nan());
	append_value(buf, defined, accuracy);
	append_count(buf, n);
	appendStringInfoChar(buf, '\n');
}

static void
append_averages(StringInfo buf, HeapTupleHeader report, int width, const Tally *sum)
{
	static const int macro[] = {R_MACRO_PRECISION, R_MACRO_RECALL, R_MACRO_F1};
	static const int weighted[] = {R_WEIGHTED_PRECISION, R_WEIGHTED_RECALL, R_WEIGHTED_F1};
	double		n;
	double		support;

	(void) get_measure(report, R_N, &n);
	support = is_complete(sum, n) ? n : sum->support;
	if (is_complete(sum, n))
		append_accuracy(buf, report, width, n);
	else
		append_micro(buf, report, width, sum);
	append_line(buf, report, printable("macro avg"), width, macro, support);
	append_line(buf, report, printable("weighted avg"), width, weighted, support);
}

static void
deconstruct_rows(ArrayType *array, Datum **rows, int *n)
{
	int16		length;
	bool		byval;
	char		align;

	get_typlenbyvalalign(ARR_ELEMTYPE(array), &length, &byval, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), length, byval, align,
					  rows, NULL, n);
}

/* The labels of the classes, and the width of the widest. */
static Printable *
get_labels(Datum *rows, int n, int *width)
{
	Printable  *labels = palloc(Max(n, 1) * sizeof(Printable));

	for (int i = 0; i < n; i++)
	{
		bool		isnull;
		Datum		label = GetAttributeByNum(DatumGetHeapTupleHeader(rows[i]),
											  C_LABEL + 1, &isnull);

		labels[i] = printable(isnull ? "" : TextDatumGetCString(label));
		*width = Max(*width, labels[i].width);
	}
	return labels;
}

NL_FUNCTION(f1_report_print);
Datum
f1_report_print(PG_FUNCTION_ARGS)
{
	static const int columns[] = {C_PRECISION, C_RECALL, C_F1};
	HeapTupleHeader report = PG_GETARG_HEAPTUPLEHEADER(0);
	Datum	   *rows;
	Printable  *labels;
	int			n;
	int			width = strlen("weighted avg");
	bool		isnull;
	Datum		classes = GetAttributeByNum(report, R_CLASSES + 1, &isnull);
	Tally		sum;
	StringInfoData buf;

	if (isnull || array_contains_nulls(DatumGetArrayTypeP(classes)))
		PG_RETURN_NULL();
	deconstruct_rows(DatumGetArrayTypeP(classes), &rows, &n);
	labels = get_labels(rows, n, &width);
	sum = sum_classes(rows, n);

	initStringInfo(&buf);
	append_name(&buf, printable(""), width);
	appendStringInfo(&buf, " %9s %9s %9s %11s\n\n",
					 "precision", "recall", "f1", "support");
	for (int i = 0; i < n; i++)
	{
		HeapTupleHeader row = DatumGetHeapTupleHeader(rows[i]);
		double		support;

		(void) get_measure(row, C_SUPPORT, &support);
		append_line(&buf, row, labels[i], width, columns, support);
	}
	appendStringInfoChar(&buf, '\n');
	append_averages(&buf, report, width, &sum);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(buf.data, buf.len - 1));
}
