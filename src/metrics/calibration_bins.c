/*
 * calibration_bins.c
 *		Bins of probabilities, from sums of rows or from a score_set, and what they
 *		say; see calibration_bins.h.
 */
#include "metrics/calibration_bins.h"

#include "access/htup_details.h"
#include "metrics/ranking.h"
#include "pg/arguments.h"
#include "utils/array.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* The number of bins that a call asks for; where it does not, or by NULL, the default. */
int
calibration_bins_argument(FunctionCallInfo fcinfo, int argno)
{
	int			bins = argno >= PG_NARGS() || PG_ARGISNULL(argno) ?
		CALIBRATION_BINS : PG_GETARG_INT32(argno);

	if (bins < 1 || bins > CALIBRATION_MAX_BINS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%d bins are out of range", bins),
				 errhint("Give a number from 1 to %d, such as %d.",
						 CALIBRATION_MAX_BINS, CALIBRATION_BINS)));
	return bins;
}

static ReliabilityBins
new_bins(int n, double total, bool counted)
{
	return (ReliabilityBins) {n, palloc0(n * sizeof(ReliabilityBin)), total, counted};
}

ReliabilityBins
bins_of_top_label(const CalibrationState *state)
{
	ReliabilityBins r = new_bins(state->bins, state->rows, true);

	calibration_top_bins(state, r.bins);
	return r;
}

ReliabilityBins
bins_of_label(const CalibrationState *state, uint32 label)
{
	ReliabilityBins r = new_bins(state->bins, state->rows, true);

	calibration_label_bins(state, label, r.bins);
	return r;
}

/* Bins without a row are left out: where they begin and end, no score says. */
static void
drop_empty(ReliabilityBins *r)
{
	int			kept = 0;

	for (int i = 0; i < r->n; i++)
		if (r->bins[i].n > 0)
			r->bins[kept++] = r->bins[i];
	r->n = kept;
}

/*
 * Of equal mass: a score goes where the middle of its rows stands, so equal scores
 * stay together.
 */
ReliabilityBins
bins_of_scores(const ScoreSet *set, int bins, Binning binning)
{
	ScoreTotals totals = score_totals(set);
	double		total = totals.positives + totals.negatives;
	ReliabilityBins r = new_bins(bins, total, totals.counted);
	double		below = 0;

	for (uint32 i = 0; i < set->n; i++)
	{
		ScoreEntry	e = score_set_entry(set, i);
		double		n = e.positive + e.negative;
		int			at = binning == BINS_OF_WIDTH ? calibration_bin_of(e.score, bins) :
			Min((int) ((below + n / 2) / total * bins), bins - 1);
		ReliabilityBin *bin = &r.bins[at];

		NL_CHECK_INTERRUPTS(i);
		bin->low = bin->n > 0 ? bin->low : e.score;
		bin->high = e.score;
		bin->n += n;
		bin->right += e.positive;
		bin->probability += n * e.score;
		below += n;
	}
	if (binning == BINS_OF_MASS)
		drop_empty(&r);
	else
		for (int i = 0; i < bins; i++)
		{
			r.bins[i].low = (double) i / bins;
			r.bins[i].high = (i + 1.0) / bins;
		}
	return r;
}

/* How far a bin's mean probability is from the share that is right. */
static double
gap(const ReliabilityBin *bin)
{
	return fabs(bin->probability - bin->right) / bin->n;
}

/* Guo et al. 2017, eq. 3 (Naeini et al. 2015) */
double
expected_calibration_error(const ReliabilityBins *r)
{
	double		sum = 0;

	for (int i = 0; i < r->n; i++)
		sum += fabs(r->bins[i].probability - r->bins[i].right);
	return sum / r->total;
}

/* Guo et al. 2017, eq. 5: over the bins that have rows */
double
maximum_calibration_error(const ReliabilityBins *r)
{
	double		most = 0;

	for (int i = 0; i < r->n; i++)
		if (r->bins[i].n > 0)
			most = Max(most, gap(&r->bins[i]));
	return most;
}

/*
 * Murphy 1973.  Probabilities that differ within a bin leave a rest, which is
 * what is missing to the squares.
 */
void
brier_parts_add(BrierParts *parts, const ReliabilityBins *r, double squares)
{
	double		right = 0;
	double		rate;

	for (int i = 0; i < r->n; i++)
		right += r->bins[i].right;
	rate = right / r->total;
	parts->total = r->total;
	parts->squares += squares;
	parts->uncertainty += r->total * rate * (1 - rate);
	for (int i = 0; i < r->n; i++)
	{
		const ReliabilityBin *bin = &r->bins[i];

		if (bin->n <= 0)
			continue;
		parts->reliability += bin->n * gap(bin) * gap(bin);
		parts->resolution += bin->n * (bin->right / bin->n - rate) * (bin->right / bin->n - rate);
	}
}

/* attributes of calibration_bin, in order; sql/install/55_scores.in agrees */
enum
{
	B_LOW, B_HIGH, B_N, B_CONFIDENCE, B_ACCURACY, B_ACCURACY_LOW, B_ACCURACY_HIGH, B_COLUMNS
};

/* Of the share that is right, or NaN. */
Bounds
reliability_bounds(const ReliabilityBins *r, const ReliabilityBin *bin)
{
	double		nan = get_float8_nan();

	if (bin->n <= 0 || !r->counted)
		return (Bounds) {nan, nan};
	return wilson_interval(bin->right, bin->n, normal_quantile_two_sided(0.95));
}

static Datum
bin_row(const ReliabilityBins *r, const ReliabilityBin *bin, TupleDesc tupdesc)
{
	double		nan = get_float8_nan();
	Bounds		bounds = reliability_bounds(r, bin);
	Datum		values[B_COLUMNS];
	bool		nulls[B_COLUMNS] = {false};

	values[B_LOW] = Float8GetDatum(bin->low);
	values[B_HIGH] = Float8GetDatum(bin->high);
	values[B_N] = count_datum(bin->n);
	measure_column(values, nulls, B_CONFIDENCE, bin->n > 0 ? bin->probability / bin->n : nan);
	measure_column(values, nulls, B_ACCURACY, bin->n > 0 ? bin->right / bin->n : nan);
	measure_column(values, nulls, B_ACCURACY_LOW, bounds.low);
	measure_column(values, nulls, B_ACCURACY_HIGH, bounds.high);
	return HeapTupleGetDatum(heap_form_tuple(tupdesc, values, nulls));
}

/* The bins as an array of calibration_bin. */
Datum
bins_array(const ReliabilityBins *r, Oid array_type)
{
	Oid			element = get_element_type(array_type);
	TupleDesc	tupdesc = BlessTupleDesc(lookup_rowtype_tupdesc_copy(element, -1));
	Datum	   *rows = palloc(Max(r->n, 1) * sizeof(Datum));
	int16		length;
	bool		byval;
	char		align;

	if (tupdesc->natts != B_COLUMNS)
		elog(ERROR, "calibration_bin does not have the expected columns");
	for (int i = 0; i < r->n; i++)
		rows[i] = bin_row(r, &r->bins[i], tupdesc);
	get_typlenbyvalalign(element, &length, &byval, &align);
	return PointerGetDatum(construct_array(rows, r->n, element, length, byval, align));
}
