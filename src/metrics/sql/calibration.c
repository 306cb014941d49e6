/*
 * calibration.c
 *		From rows to a calibration_state, and calibration(), class_calibration() and
 *		brier_decomposition() of it or of a score_set.
 *
 * The state begins as a log of rows (see state.h); a full one is replaced by the
 * sums, a flat value that is changed in place.
 */
#include "metrics/calibration_bins.h"

#include "access/htup_details.h"
#include "metrics/ranking.h"
#include "pg/arguments.h"
#include "pg/results.h"
#include "utils/array.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#define LOG_BYTES 4096			/* at which a log is made sums */

/* The state of argument 0 as sums that may be changed, or NULL. */
static CalibrationState *
get_state(FunctionCallInfo fcinfo)
{
	CalibrationState *state;

	if (PG_ARGISNULL(0))
		return NULL;
	state = calibration_state_get(PG_GETARG_DATUM(0));
	if (AggCheckCallContext(fcinfo, NULL))
		return state;
	return calibration_state_copy(state);
}

static RowLog *
append_row(FunctionCallInfo fcinfo, const text *truth, const LabelDistribution *d, int bins)
{
	LogRow		row = {0, 2, {{0}}};
	RowOptions	options = NO_OPTIONS;
	RowLog	   *log = row_log_state(fcinfo);

	if (log != NULL)
		calibration_check_bins(bins, log->width);
	row.field[0] = log_field_text(truth);
	row.field[1] = (LogField) {d, VARSIZE(d)};
	log = row_log_append(fcinfo, KIND_CALIBRATION_STATE, &row, &options, LOG_BYTES);
	if (log != NULL)
		log->width = bins;
	return log;
}

/* (calibration_state, truth, predicted [, bins]) */
NL_FUNCTION(calibration_state_accum);
Datum
calibration_state_accum(PG_FUNCTION_ARGS)
{
	int			bins = calibration_bins_argument(fcinfo, 3);
	LabelDistribution *d;
	text	   *truth;
	RowLog	   *log;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		VALUE_RETURN_STATE();
	truth = nl_name_argument(fcinfo, 1);
	d = PG_GETARG_LABEL_DISTRIBUTION(2);
	log = append_row(fcinfo, truth, d, bins);
	if (log != NULL)
		PG_RETURN_POINTER(log);
	PG_RETURN_POINTER(calibration_state_add(get_state(fcinfo), name_of_text(truth), d, bins));
}

/* (calibration_state, calibration_state): combine step; either side may be NULL */
NL_FUNCTION(calibration_state_combine);
Datum
calibration_state_combine(PG_FUNCTION_ARGS)
{
	ValueHeader *other;
	RowLog	   *log = NULL;

	if (PG_ARGISNULL(1))
		VALUE_RETURN_STATE();
	other = value_get(PG_GETARG_DATUM(1), KIND_CALIBRATION_STATE, offsetof(RowLog, data));
	if (value_is_row_log(other))
		log = row_log_append_state(fcinfo, KIND_CALIBRATION_STATE, other, 0, LOG_BYTES);
	if (log != NULL)
		PG_RETURN_POINTER(log);
	if (PG_ARGISNULL(0))
		PG_RETURN_POINTER(calibration_state_get(PointerGetDatum(other)));
	PG_RETURN_POINTER(calibration_state_merge(get_state(fcinfo),
											  calibration_state_get(PointerGetDatum(other))));
}

/*
 * The composite calibration
 */
enum
{
	C_N, C_LOG_LOSS, C_BRIER, C_ECE, C_MCE, C_BINS, C_COLUMNS
};

static TupleDesc
result_columns(FunctionCallInfo fcinfo, int columns)
{
	TupleDesc	tupdesc;

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE ||
		tupdesc->natts != columns)
		elog(ERROR, "the composite does not have the expected columns");
	return BlessTupleDesc(tupdesc);
}

static Datum
make_calibration(FunctionCallInfo fcinfo, const ReliabilityBins *r, double log_loss,
				 double brier)
{
	TupleDesc	tupdesc = result_columns(fcinfo, C_COLUMNS);
	Datum		values[C_COLUMNS];
	bool		nulls[C_COLUMNS] = {false};

	values[C_N] = count_datum(r->total);
	values[C_LOG_LOSS] = Float8GetDatum(log_loss);
	values[C_BRIER] = Float8GetDatum(brier);
	values[C_ECE] = Float8GetDatum(expected_calibration_error(r));
	values[C_MCE] = Float8GetDatum(maximum_calibration_error(r));
	values[C_BINS] = bins_array(r, TupleDescAttr(tupdesc, C_BINS)->atttypid);
	return HeapTupleGetDatum(heap_form_tuple(tupdesc, values, nulls));
}

/* Brier 1950, eq. 2: the squared errors of all labels together */
static double
sum_of_squares(const CalibrationState *state)
{
	double		sum = 0;

	for (uint32 label = 0; label < state->n; label++)
	{
		CHECK_FOR_INTERRUPTS();
		sum += calibration_label_squares(state, label);
	}
	return sum;
}

NL_FUNCTION(calibration_final);
Datum
calibration_final(PG_FUNCTION_ARGS)
{
	const CalibrationState *state = calibration_state_get(PG_GETARG_DATUM(0));
	ReliabilityBins r = bins_of_top_label(state);
	double		log_loss = calibration_mean_loss(state);

	return make_calibration(fcinfo, &r, log_loss, sum_of_squares(state) / state->rows);
}

/*
 * The same of a score_set: scores are probabilities that the truth is true.
 */
static Binning
binning_argument(FunctionCallInfo fcinfo, int argno)
{
	char	   *name;

	if (argno >= PG_NARGS() || PG_ARGISNULL(argno))
		return BINS_OF_WIDTH;
	name = text_to_cstring(PG_GETARG_TEXT_PP(argno));
	if (strcmp(name, "width") == 0)
		return BINS_OF_WIDTH;
	if (strcmp(name, "mass") == 0)
		return BINS_OF_MASS;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown binning \"%s\"", name),
			 errhint("It is one of width (bins of equal width) and mass (about as many rows in each).")));
}

static void
check_probability(double score)
{
	if (score >= 0 && score <= 1)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("score %s is no probability", nl_number(score)),
			 errhint("Calibration is that of probabilities, from 0 to 1; for other scores there are ranking_report() and its like.")));
}

/* -n log(p), where 0 log 0 is 0 */
static double
loss(double n, double log_p)
{
	return n > 0 ? -n * log_p : 0;
}

typedef struct ScoreErrors
{
	double		log_loss;
	double		squares;
} ScoreErrors;

static ScoreErrors
score_errors(const ScoreSet *set)
{
	ScoreErrors sum = {0, 0};

	check_probability(score_set_entry(set, 0).score);
	check_probability(score_set_entry(set, set->n - 1).score);
	for (uint32 i = 0; i < set->n; i++)
	{
		ScoreEntry	e = score_set_entry(set, i);
		double		p = e.score;

		NL_CHECK_INTERRUPTS(i);
		sum.log_loss += loss(e.positive, log(p)) + loss(e.negative, log1p(-p));
		sum.squares += e.positive * (1 - p) * (1 - p) + e.negative * p * p;
	}
	return sum;
}

/* calibration(score_set [, bins [, binning]]) */
NL_FUNCTION(calibration_of_scores);
Datum
calibration_of_scores(PG_FUNCTION_ARGS)
{
	const ScoreSet *set;
	ReliabilityBins r;
	ScoreErrors errors;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	set = PG_GETARG_SCORE_SET(0);
	errors = score_errors(set);
	r = bins_of_scores(set, calibration_bins_argument(fcinfo, 1), binning_argument(fcinfo, 2));
	return make_calibration(fcinfo, &r, errors.log_loss / r.total, errors.squares / r.total);
}

/*
 * Class by class
 */
enum
{
	L_LABEL, L_N, L_POSITIVES, L_BRIER, L_ECE, L_MCE, L_BINS, L_COLUMNS
};

static Datum
class_row(const CalibrationState *state, uint32 label, TupleDesc tupdesc)
{
	Names		names = calibration_names(state);
	ReliabilityBins r = bins_of_label(state, label);
	Datum		values[L_COLUMNS];
	bool		nulls[L_COLUMNS] = {false};

	values[L_LABEL] = PointerGetDatum(names_text(&names, label));
	values[L_N] = Int64GetDatum(state->rows);
	values[L_POSITIVES] = Int64GetDatum(calibration_labels_of(state)[label].truths);
	values[L_BRIER] = Float8GetDatum(calibration_label_squares(state, label) / state->rows);
	values[L_ECE] = Float8GetDatum(expected_calibration_error(&r));
	values[L_MCE] = Float8GetDatum(maximum_calibration_error(&r));
	values[L_BINS] = bins_array(&r, TupleDescAttr(tupdesc, L_BINS)->atttypid);
	return HeapTupleGetDatum(heap_form_tuple(tupdesc, values, nulls));
}

/* An array of class_calibration, whose type is that of the result. */
NL_FUNCTION(class_calibration_final);
Datum
class_calibration_final(PG_FUNCTION_ARGS)
{
	const CalibrationState *state = calibration_state_get(PG_GETARG_DATUM(0));
	Oid			array_type;
	Oid			element;
	TupleDesc	tupdesc;
	Datum	   *rows = palloc(state->n * sizeof(Datum));
	int16		length;
	bool		byval;
	char		align;

	(void) get_call_result_type(fcinfo, &array_type, NULL);
	element = get_element_type(array_type);
	tupdesc = BlessTupleDesc(lookup_rowtype_tupdesc_copy(element, -1));
	if (tupdesc->natts != L_COLUMNS)
		elog(ERROR, "class_calibration does not have the expected columns");
	for (uint32 label = 0; label < state->n; label++)
	{
		CHECK_FOR_INTERRUPTS();
		rows[label] = class_row(state, label, tupdesc);
	}
	get_typlenbyvalalign(element, &length, &byval, &align);
	PG_RETURN_DATUM(PointerGetDatum(construct_array(rows, state->n, element, length, byval, align)));
}

/*
 * brier_decomposition
 */
enum
{
	D_BRIER, D_RELIABILITY, D_RESOLUTION, D_UNCERTAINTY, D_WITHIN_BINS, D_COLUMNS
};

static Datum
make_decomposition(FunctionCallInfo fcinfo, const BrierParts *parts)
{
	double		n = parts->total;
	double		explained = parts->reliability - parts->resolution + parts->uncertainty;
	Datum		values[D_COLUMNS];
	bool		nulls[D_COLUMNS] = {false};

	values[D_BRIER] = Float8GetDatum(parts->squares / n);
	values[D_RELIABILITY] = Float8GetDatum(parts->reliability / n);
	values[D_RESOLUTION] = Float8GetDatum(parts->resolution / n);
	values[D_UNCERTAINTY] = Float8GetDatum(parts->uncertainty / n);
	values[D_WITHIN_BINS] = Float8GetDatum((parts->squares - explained) / n);
	return nl_record(fcinfo, values, nulls);
}

/* The sum over classes */
NL_FUNCTION(brier_decomposition_final);
Datum
brier_decomposition_final(PG_FUNCTION_ARGS)
{
	const CalibrationState *state = calibration_state_get(PG_GETARG_DATUM(0));
	BrierParts	parts = {0};

	for (uint32 label = 0; label < state->n; label++)
	{
		ReliabilityBins r = bins_of_label(state, label);

		CHECK_FOR_INTERRUPTS();
		brier_parts_add(&parts, &r, calibration_label_squares(state, label));
	}
	return make_decomposition(fcinfo, &parts);
}

/* brier_decomposition(score_set [, bins [, binning]]) */
NL_FUNCTION(brier_decomposition_of_scores);
Datum
brier_decomposition_of_scores(PG_FUNCTION_ARGS)
{
	const ScoreSet *set;
	BrierParts	parts = {0};
	ReliabilityBins r;
	ScoreErrors errors;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	set = PG_GETARG_SCORE_SET(0);
	errors = score_errors(set);
	r = bins_of_scores(set, calibration_bins_argument(fcinfo, 1), binning_argument(fcinfo, 2));
	brier_parts_add(&parts, &r, errors.squares);
	return make_decomposition(fcinfo, &parts);
}
