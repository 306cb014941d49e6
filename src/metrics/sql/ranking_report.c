/*
 * ranking_report.c
 *		ranking_report(): the measures of ranking.h as a composite.
 *
 * Why something is NULL is said by a NOTICE, once for each call in a query, however
 * many groups there are.
 */
#include "metrics/ranking.h"

#include <math.h>

#include "pg/arguments.h"
#include "pg/results.h"
#include "utils/float.h"

/* attributes of the composite, in order; sql/install/55_scores.in agrees */
enum
{
	R_N, R_POSITIVES, R_ROC_AUC, R_AUC_LOW, R_AUC_HIGH, R_AVERAGE_PRECISION, R_BEST_F1,
	R_BEST_F1_THRESHOLD, R_COLUMNS
};

static const char *
undefined_because(const ScoreTotals *totals, double auc, double variance)
{
	if (isnan(auc))
		return totals->positives > 0 ?
			"roc_auc and its interval are NULL where no truth is false" :
			"roc_auc, its interval and best_f1 are NULL where no truth is true";
	if (!isnan(variance))
		return NULL;
	if (!totals->counted)
		return "auc_low and auc_high are NULL where weights are no whole numbers";
	if (Min(totals->positives, totals->negatives) < 2)
		return "auc_low and auc_high are NULL where a class has one row";
	return "auc_low and auc_high are NULL where the scores separate the classes, or are all equal";
}

static void
say_once(FunctionCallInfo fcinfo, const char *why)
{
	void	  **said = nl_call_cache(fcinfo);

	if (why == NULL || *said != NULL)
		return;
	*said = fcinfo->flinfo->fn_mcxt;
	ereport(NOTICE, (errmsg("%s", why)));
}

/* ranking_report(score_set [, level]); the final function of the aggregate, too */
NL_FUNCTION(ranking_report);
Datum
ranking_report(PG_FUNCTION_ARGS)
{
	const ScoreSet *set = PG_GETARG_SCORE_SET(0);
	double		level = nl_check_level(PG_NARGS() > 1 ? PG_GETARG_FLOAT8(1) : 0.95);
	ScoreTotals totals = score_totals(set);
	double		auc = ranking_auc(set, &totals);
	double		variance = isnan(auc) ? auc : delong_variance(set, &totals, auc);
	double		half = normal_quantile_two_sided(level) * sqrt(variance);
	BestF1		best = best_f1(set, &totals);
	Datum		values[R_COLUMNS];
	bool		nulls[R_COLUMNS] = {false};

	say_once(fcinfo, undefined_because(&totals, auc, variance));
	values[R_N] = count_datum(totals.positives + totals.negatives);
	values[R_POSITIVES] = count_datum(totals.positives);
	measure_column(values, nulls, R_ROC_AUC, auc);
	measure_column(values, nulls, R_AUC_LOW, isnan(half) ? half : Max(auc - half, 0));
	measure_column(values, nulls, R_AUC_HIGH, isnan(half) ? half : Min(auc + half, 1));
	measure_column(values, nulls, R_AVERAGE_PRECISION, average_precision(set, &totals));
	measure_column(values, nulls, R_BEST_F1, best.f1);
	measure_column(values, nulls, R_BEST_F1_THRESHOLD, best.threshold);
	return nl_record(fcinfo, values, nulls);
}
