/*
 * pictures.c
 *		confusion_svg(), reliability_svg(), calibration_svg() and label_report().
 */
#include "pictures/report.h"

#include "catalog/pg_type.h"
#include "pg/options.h"
#include "types/confusion_matrix.h"
#include "utils/array.h"
#include "utils/float.h"
#include "utils/lsyscache.h"

#define CLASSES_MOST 40

/* The title of a picture that stands alone. */
static Caption
caption_argument(FunctionCallInfo fcinfo, const char *otherwise)
{
	if (PG_ARGISNULL(1))
		return (Caption) {name_of(otherwise), true};
	return (Caption) {name_of_text(PG_GETARG_TEXT_PP(1)), true};
}

static Datum
picture_text(const StringInfoData *buf)
{
	return PointerGetDatum(cstring_to_text_with_len(buf->data, buf->len));
}

/* (confusion_matrix, title) */
NL_FUNCTION(confusion_svg);
Datum
confusion_svg(PG_FUNCTION_ARGS)
{
	Caption		caption = caption_argument(fcinfo, "Confusion matrix");
	const ConfusionMatrix *cm;
	StringInfoData buf;
	Names		labels;
	ConfusionPicture picture;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	cm = PG_GETARG_CONFUSION_MATRIX(0);
	labels = confusion_matrix_labels(cm);
	picture = (ConfusionPicture) {&labels, cm->counts, CLASSES_MOST};
	initStringInfo(&buf);
	confusion_picture(&buf, &picture, &caption);
	return picture_text(&buf);
}

/* (annotator_model, title) */
NL_FUNCTION(reliability_svg);
Datum
reliability_svg(PG_FUNCTION_ARGS)
{
	Caption		caption = caption_argument(fcinfo, "Annotators: share of right answers, 95 % interval");
	AnnotatorModelView model;
	Standings	standings;
	StringInfoData buf;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	model = annotator_model_of_classes(annotator_model_get(PG_GETARG_DATUM(0)));
	standings = standings_of(&model, 0.95);
	initStringInfo(&buf);
	reliability_picture(&buf, &standings, &caption);
	return picture_text(&buf);
}

/*
 * The composites calibration and calibration_bin
 */
static double
number_at(HeapTupleHeader row, AttrNumber column)
{
	bool		isnull;
	Datum		value = GetAttributeByNum(row, column, &isnull);

	return isnull ? get_float8_nan() : DatumGetFloat8(value);
}

static double
count_at(HeapTupleHeader row, AttrNumber column)
{
	bool		isnull;
	Datum		value = GetAttributeByNum(row, column, &isnull);

	return isnull ? 0 : (double) DatumGetInt64(value);
}

/* A composite may be made by hand. */
static bool
is_share(double x)
{
	return x >= 0 && x <= 1;
}

static bool
can_be_drawn(const CalibrationMark *m)
{
	return m->n > 0 && is_share(m->low) && is_share(m->high) && is_share(m->confidence) &&
		is_share(m->accuracy);
}

static void
read_bins(ArrayType *array, CalibrationPicture *picture)
{
	Datum	   *bins;
	bool	   *nulls;
	int			n;
	int16		length;
	bool		byval;
	char		align;

	get_typlenbyvalalign(ARR_ELEMTYPE(array), &length, &byval, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), length, byval, align, &bins, &nulls, &n);
	picture->marks = palloc(Max(n, 1) * sizeof(CalibrationMark));
	for (int i = 0; i < n; i++)
	{
		HeapTupleHeader bin = nulls[i] ? NULL : DatumGetHeapTupleHeader(bins[i]);
		CalibrationMark mark;

		CHECK_FOR_INTERRUPTS();
		if (bin == NULL)
			continue;
		mark = (CalibrationMark) {number_at(bin, 1), number_at(bin, 2), count_at(bin, 3),
			number_at(bin, 4), number_at(bin, 5), {number_at(bin, 6), number_at(bin, 7)}
		};
		if (!is_share(mark.bounds.low) || !is_share(mark.bounds.high))
			mark.bounds.low = get_float8_nan();
		if (can_be_drawn(&mark))
			picture->marks[picture->n_marks++] = mark;
	}
}

/* (calibration, title) */
NL_FUNCTION(calibration_svg);
Datum
calibration_svg(PG_FUNCTION_ARGS)
{
	Caption		caption = caption_argument(fcinfo, "Calibration");
	CalibrationPicture picture = {0};
	HeapTupleHeader row;
	StringInfoData buf;
	Datum		bins;
	bool		isnull;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	row = DatumGetHeapTupleHeader(PG_GETARG_DATUM(0));
	(void) GetAttributeByNum(row, 1, &isnull);
	if (isnull)
		PG_RETURN_NULL();
	picture.n = count_at(row, 1);
	picture.ece = number_at(row, 4);
	picture.mce = number_at(row, 5);
	bins = GetAttributeByNum(row, 6, &isnull);
	if (!isnull)
		read_bins(DatumGetArrayTypeP(bins), &picture);
	initStringInfo(&buf);
	calibration_picture(&buf, &picture, &caption);
	return picture_text(&buf);
}

/* (annotation_set, annotator_model, options) */
NL_FUNCTION(label_report);
Datum
label_report(PG_FUNCTION_ARGS)
{
	ReportOptions options;
	AnnotationView view;
	StringInfoData buf;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	options = report_options_parse(options_argument(fcinfo));
	view = annotation_set_flat_view(PG_GETARG_DATUM(0));
	initStringInfo(&buf);
	report_page(&buf, report_read(&view, annotator_model_get(PG_GETARG_DATUM(1)), &options));
	return picture_text(&buf);
}
