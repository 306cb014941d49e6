/*
 * label_views_page.c
 *		The page of label views: that of a set and a model, and time lines of what
 *		label_views_lines() reads from <prefix>_activity.
 *
 * A line is rows of numbers, in order: of whom (0: all; else a place in the names),
 * first day and the day after the last (days since 2000-01-01), answers, how many of
 * these were compared with the consensus, which share was like it, quartiles of
 * seconds.  NaN is not known.
 */
#include "pictures/report.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "pg/options.h"
#include "utils/array.h"
#include "utils/date.h"

#define COLUMNS 9

static NL_NORETURN void
refuse(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("these are no time lines"),
			 errhint("label_views_lines() makes them; a page is made by label_report().")));
}

static Datum *
elements_of(ArrayType *array, Oid type, int *n)
{
	Datum	   *elements;

	if (array_contains_nulls(array))
		refuse();
	if (type == TEXTOID)
		deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, n);
	else
		deconstruct_array(array, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
						  &elements, NULL, n);
	return elements;
}

static bool
is_count(double x)
{
	return x >= 0 && !isinf(x);
}

static bool
is_day(double x)
{
	return x > DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE && x < DATE_END_JULIAN - POSTGRES_EPOCH_JDATE &&
		x == rint(x);
}

static bool
are_quartiles(const double *s)
{
	return isnan(s[0]) ? isnan(s[1]) && isnan(s[2]) :
		is_count(s[0]) && s[1] >= s[0] && s[2] >= s[1] && !isinf(s[2]);
}

static Period
read_period(const double *row)
{
	if (!is_day(row[1]) || !is_day(row[2]) || row[1] >= row[2] || !is_count(row[3]) || !is_count(row[4]) ||
		!(isnan(row[5]) || (row[5] >= 0 && row[5] <= 1)) || !are_quartiles(row + 6))
		refuse();
	return (Period) {(int) row[1], (int) row[2], row[3], row[4], row[5], {row[6], row[7], row[8]}};
}

static TimeLine *
line_of(TimeLines *times, double who)
{
	if (!(who >= 0 && who <= times->n))
		refuse();
	return who == 0 ? &times->all : &times->of[(int) who - 1];
}

/* Rows of one are together, and in order. */
static void
add_row(TimeLines *times, Period *period, const double *row)
{
	TimeLine   *line = line_of(times, row[0]);

	*period = read_period(row);
	if (line->n == 0)
		line->at = period;
	else if (line->at + line->n != period || period[-1].to > period->from)
		refuse();
	line->n++;
}

/* Nobody answered when all did not. */
static void
check_lines(const TimeLines *times)
{
	const TimeLine *all = &times->all;

	for (uint32 i = 0; i < times->n; i++)
	{
		const TimeLine *line = &times->of[i];

		CHECK_FOR_INTERRUPTS();
		if (line->n > all->n || (line->n > 0 && (line->at[0].from < all->at[0].from ||
												 line->at[line->n - 1].to > all->at[all->n - 1].to)))
			refuse();
	}
}

static TimeLines *
read_times(ArrayType *names, ArrayType *lines)
{
	TimeLines  *times = palloc0(sizeof(TimeLines));
	int			n_names;
	int			n;
	Datum	   *name = elements_of(names, TEXTOID, &n_names);
	Datum	   *number = elements_of(lines, FLOAT8OID, &n);
	Period	   *periods = nl_alloc(CurrentMemoryContext, mul_size(Max(n / COLUMNS, 1), sizeof(Period)));

	if (n % COLUMNS != 0)
		refuse();
	times->n = n_names;
	times->of = nl_alloc_zero(CurrentMemoryContext, mul_size(Max(n_names, 1), sizeof(TimeLine)));
	for (int i = 0; i < n_names; i++)
		times->of[i].name = name_of_text(DatumGetTextPP(name[i]));
	for (int i = 0; i < n; i += COLUMNS)
	{
		double		row[COLUMNS];

		CHECK_FOR_INTERRUPTS();
		for (int c = 0; c < COLUMNS; c++)
			row[c] = DatumGetFloat8(number[i + c]);
		add_row(times, &periods[i / COLUMNS], row);
	}
	check_lines(times);
	return times;
}

/* (annotation_set, annotator_model, options, names text[], lines float8[]) */
NL_FUNCTION(label_views_page);
Datum
label_views_page(PG_FUNCTION_ARGS)
{
	ReportOptions options;
	AnnotationView view;
	StringInfoData buf;
	Report	   *report;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	options = report_options_parse(PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2));
	view = annotation_set_flat_view(PG_GETARG_DATUM(0));
	report = report_read(&view, annotator_model_get(PG_GETARG_DATUM(1)), &options);
	if (!PG_ARGISNULL(3) && !PG_ARGISNULL(4))
		report->times = read_times(PG_GETARG_ARRAYTYPE_P(3), PG_GETARG_ARRAYTYPE_P(4));
	initStringInfo(&buf);
	report_page(&buf, report);
	return PointerGetDatum(cstring_to_text_with_len(buf.data, buf.len));
}
