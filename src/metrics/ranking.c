/*
 * ranking.c
 *		Measures of a score_set as a ranking; see ranking.h.
 *
 * All walk the distinct scores once or twice, in the order of the stored set, so
 * sums are the same on every plan.  Equal scores are one step: half a win for the
 * AUC, one threshold for precision.  NaN is undefined.
 */
#include "metrics/ranking.h"

#include <math.h>

#include "utils/float.h"

ScoreTotals
score_totals(const ScoreSet *set)
{
	ScoreTotals totals = {0, 0, set->form != SCORE_WEIGHTS};

	for (uint32 i = 0; i < set->n; i++)
	{
		ScoreEntry	e = score_set_entry(set, i);

		NL_CHECK_INTERRUPTS(i);
		totals.positives += e.positive;
		totals.negatives += e.negative;
	}
	return totals;
}

/*
 * The share of pairs of a positive and a negative in which the positive has the
 * higher score, ties as half (Hanley & McNeil 1982).
 */
double
ranking_auc(const ScoreSet *set, const ScoreTotals *totals)
{
	double		below = 0;
	double		wins = 0;

	if (totals->positives <= 0 || totals->negatives <= 0)
		return get_float8_nan();
	for (uint32 i = 0; i < set->n; i++)
	{
		ScoreEntry	e = score_set_entry(set, i);

		NL_CHECK_INTERRUPTS(i);
		wins += e.positive * (below + e.negative / 2);
		below += e.negative;
	}
	return Min(wins / totals->positives / totals->negatives, 1);
}

/*
 * Variance of the AUC (DeLong, DeLong & Clarke-Pearson 1988): of each
 * positive the share of negatives that it beats, of each negative the share of
 * positives that beat it; the variances of both, each over its number of rows.
 *
 * Undefined with weights that are no counts, and with one row of a class.  A
 * variance of 0 (no overlap of the classes, or all scores equal) says that the
 * sample cannot tell, not that the AUC is known: undefined, too.
 */
double
delong_variance(const ScoreSet *set, const ScoreTotals *totals, double auc)
{
	double		p = totals->positives;
	double		n = totals->negatives;
	double		negatives_below = 0;
	double		positives_below = 0;
	double		of_positives = 0;
	double		of_negatives = 0;
	double		variance;

	if (!totals->counted || p < 2 || n < 2)
		return get_float8_nan();
	for (uint32 i = 0; i < set->n; i++)
	{
		ScoreEntry	e = score_set_entry(set, i);
		double		beats = (negatives_below + e.negative / 2) / n - auc;
		double		beaten = (p - positives_below - e.positive / 2) / p - auc;

		NL_CHECK_INTERRUPTS(i);
		of_positives += e.positive * beats * beats;
		of_negatives += e.negative * beaten * beaten;
		negatives_below += e.negative;
		positives_below += e.positive;
	}
	variance = of_positives / (p - 1) / p + of_negatives / (n - 1) / n;
	return variance > 0 ? variance : get_float8_nan();
}

/*
 * Sum over thresholds of the gain in recall times the precision there, without
 * interpolation; 0 without positives.
 */
double
average_precision(const ScoreSet *set, const ScoreTotals *totals)
{
	Selected	selected = {0};
	double		sum = 0;

	if (totals->positives <= 0)
		return 0;
	for (uint32 i = set->n; i-- > 0;)
	{
		ScoreEntry	e = score_set_entry(set, i);

		NL_CHECK_INTERRUPTS(i);
		selected_add(&selected, &e);
		sum += e.positive * (selected.positives / selected_total(&selected));
	}
	return Min(sum / totals->positives, 1);
}

/*
 * The largest F1 that a threshold has, and the highest threshold that has it;
 * undefined without positives.
 */
BestF1
best_f1(const ScoreSet *set, const ScoreTotals *totals)
{
	BestF1		best = {get_float8_nan(), get_float8_nan()};
	Selected	selected = {0};

	if (totals->positives <= 0)
		return best;
	for (uint32 i = set->n; i-- > 0;)
	{
		ScoreEntry	e = score_set_entry(set, i);
		double		f1;

		NL_CHECK_INTERRUPTS(i);
		selected_add(&selected, &e);
		f1 = 2 * selected.positives / (selected_total(&selected) + totals->positives);
		if (!(f1 <= best.f1))
			best = (BestF1) {f1, e.score};
	}
	return best;
}

/* NaN is NULL. */
void
measure_column(Datum *values, bool *nulls, int column, double value)
{
	nulls[column] = isnan(value);
	values[column] = nulls[column] ? (Datum) 0 : Float8GetDatum(value);
}

/* A sum of weights as a bigint, which other weights than whole ones round. */
Datum
count_datum(double count)
{
	return Int64GetDatum((int64) rint(count));
}
