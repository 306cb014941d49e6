/*
 * thresholds.c
 *		precision_at(), threshold_for() and acceptance(): where to draw the line.
 */
#include "metrics/ranking.h"

#include <math.h>

#include "math/beta_quantile.h"
#include "pg/arguments.h"
#include "pg/results.h"
#include "utils/float.h"

static double
share_argument(double value, const char *what, bool ends)
{
	if (value >= 0 && value <= 1 && (ends || (value > 0 && value < 1)))
		return value;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s %s is out of range", what, nl_number(value)),
			 errhint(ends ? "Give a number from 0 to 1, such as 0.9." :
					 "Give a number between 0 and 1, such as 0.9: no sample shows that there are no errors at all.")));
}

/*
 * precision_at(score_set, k): of the k highest scores the share that is true.  Of
 * scores that are equal at the k-th place as many as fit are drawn by lot, so it is
 * the mean over the draws.
 */
NL_FUNCTION(precision_at);
Datum
precision_at(PG_FUNCTION_ARGS)
{
	const ScoreSet *set = PG_GETARG_SCORE_SET(0);
	int64		k = PG_GETARG_INT64(1);
	Selected	above = {0};

	if (k < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("k must be at least 1, not " INT64_FORMAT, k)));
	for (uint32 i = set->n; i-- > 0;)
	{
		ScoreEntry	e = score_set_entry(set, i);
		double		left = k - selected_total(&above);

		NL_CHECK_INTERRUPTS(i);
		if (left <= e.positive + e.negative)
			PG_RETURN_FLOAT8((above.positives + left * (e.positive / (e.positive + e.negative))) / k);
		selected_add(&above, &e);
	}
	PG_RETURN_NULL();
}

/*
 * threshold_for()
 */
static bool
is_measure_recall(const text *measure)
{
	char	   *name = text_to_cstring(measure);

	if (strcmp(name, "recall") == 0)
		return true;
	if (strcmp(name, "ppv") == 0 || strcmp(name, "precision") == 0)
		return false;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown measure \"%s\"", name),
			 errhint("It is one of precision (or ppv, which is the same) and recall.")));
}

/*
 * For recall the highest threshold that reaches the target, for precision the lowest,
 * which selects most.  False: none does.
 */
static bool
find_threshold(const ScoreSet *set, double positives, bool recall, double target,
			   Selected *found)
{
	Selected	selected = {0};
	bool		any = false;

	for (uint32 i = set->n; i-- > 0;)
	{
		ScoreEntry	e = score_set_entry(set, i);
		double		of;

		NL_CHECK_INTERRUPTS(i);
		selected_add(&selected, &e);
		of = recall ? positives : selected_total(&selected);
		if (of <= 0 || selected.positives / of < target)
			continue;
		*found = selected;
		any = true;
		if (recall)
			break;
	}
	return any;
}

/* A share and its lower bound, which only counts have. */
static void
share_columns(ResultRows *rows, int column, double part, double of, bool counted)
{
	double		z = normal_quantile_two_sided(0.95);

	measure_column(rows->values, rows->nulls, column, of > 0 ? part / of : get_float8_nan());
	measure_column(rows->values, rows->nulls, column + 1, of > 0 && counted ?
				   wilson_interval(part, of, z).low : get_float8_nan());
}

NL_FUNCTION(threshold_for);
Datum
threshold_for(PG_FUNCTION_ARGS)
{
	const ScoreSet *set = PG_GETARG_SCORE_SET(0);
	bool		recall = is_measure_recall(PG_GETARG_TEXT_PP(1));
	double		target = share_argument(PG_GETARG_FLOAT8(2), "target", true);
	ScoreTotals totals = score_totals(set);
	Selected	found = {0};
	bool		any = find_threshold(set, totals.positives, recall, target, &found);
	ResultRows	rows = rows_begin(fcinfo);

	measure_column(rows.values, rows.nulls, 0, any ? found.threshold : get_float8_nan());
	rows.values[1] = count_datum(selected_total(&found));
	share_columns(&rows, 2, found.positives, selected_total(&found), totals.counted);
	share_columns(&rows, 4, found.positives, totals.positives, totals.counted);
	rows_add(&rows);
	return rows_end(&rows);
}

/*
 * acceptance(): thresholds at the coverages j / 50 by rank, from the first that
 * holds as many labels as it takes to pass without an error; each is tested in
 * turn (accuracy at most the target, by a one-sided Clopper-Pearson bound at the
 * level) as long as all before it were rejected, so that the chance to pass one that
 * should not is 1 - level over all (fixed-sequence testing: Maurer, Hothorn &
 * Lehmacher 1995).  Which they are depends on the scores alone, never on the truths.
 */
#define COVERAGES 50

enum
{
	A_THRESHOLD, A_COVERAGE, A_ACCURACY, A_ACCURACY_LOW, A_ACCEPTED, A_REVIEWED, A_COLUMNS
};

typedef struct Acceptance
{
	double		target;
	double		level;
	double		total;
	int			coverage;		/* the next one to be tested, in COVERAGES */
	Selected	accepted;		/* at the last that passed */
	double		low;
	bool		any;
} Acceptance;

/* The first coverage with labels enough to pass. */
static int
first_coverage(const Acceptance *a)
{
	double		least = log1p(-a->level) / log(a->target);
	int			j = 1;

	while (j <= COVERAGES && ceil(j * a->total / COVERAGES) < least * (1 - 1e-12))
		j++;
	return j;
}

/* All that is selected at a threshold, tested if a coverage ends there; false: stop. */
static bool
test_coverage(Acceptance *a, const Selected *selected)
{
	double		n = selected_total(selected);
	double		scale = 1;
	double		low;

	if (a->coverage > COVERAGES || n < ceil(a->coverage * a->total / COVERAGES))
		return true;
	while (a->coverage <= COVERAGES && n >= ceil(a->coverage * a->total / COVERAGES))
		a->coverage++;
	/* so many that rounding would show: the bound of fewer is below theirs */
	if (selected->positives < n)
		scale = Min((BETA_MAX_SUM - 1) / n, 1);
	low = clopper_pearson_low(selected->positives * scale, n * scale, 1 - a->level);
	if (low < a->target)
		return false;
	a->accepted = *selected;
	a->low = low;
	a->any = true;
	return true;
}

static void
test_coverages(Acceptance *a, const ScoreSet *set)
{
	Selected	selected = {0};

	a->coverage = first_coverage(a);
	for (uint32 i = set->n; i-- > 0;)
	{
		ScoreEntry	e = score_set_entry(set, i);

		NL_CHECK_INTERRUPTS(i);
		selected_add(&selected, &e);
		if (!test_coverage(a, &selected))
			break;
	}
}

/* acceptance(score_set, target_accuracy [, level]) */
NL_FUNCTION(acceptance);
Datum
acceptance(PG_FUNCTION_ARGS)
{
	const ScoreSet *set = PG_GETARG_SCORE_SET(0);
	ScoreTotals totals = score_totals(set);
	Acceptance	a = {.total = totals.positives + totals.negatives};
	double		n;
	Datum		values[A_COLUMNS];
	bool		nulls[A_COLUMNS] = {false};

	a.target = share_argument(PG_GETARG_FLOAT8(1), "target accuracy", false);
	a.level = nl_check_level(PG_NARGS() > 2 ? PG_GETARG_FLOAT8(2) : 0.95);
	if (!totals.counted)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("acceptance() needs weights that are whole numbers"),
				 errhint("Its bound counts labels: leave the weights out, or draw a sample in proportion to them.")));
	test_coverages(&a, set);
	n = selected_total(&a.accepted);
	measure_column(values, nulls, A_THRESHOLD, a.any ? a.accepted.threshold : get_float8_nan());
	measure_column(values, nulls, A_COVERAGE, n / a.total);
	measure_column(values, nulls, A_ACCURACY, a.any ? a.accepted.positives / n : get_float8_nan());
	measure_column(values, nulls, A_ACCURACY_LOW, a.any ? a.low : get_float8_nan());
	values[A_ACCEPTED] = count_datum(n);
	values[A_REVIEWED] = count_datum(a.total - n);
	return nl_record(fcinfo, values, nulls);
}
