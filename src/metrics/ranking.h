/*
 * ranking.h
 *		What a score_set says of its scores as a ranking and as thresholds.
 */
#ifndef NL_RANKING_H
#define NL_RANKING_H

#include "math/interval.h"
#include "types/score_set.h"

/* Weights of all rows.  "counted": they are whole numbers, each row an observation. */
typedef struct ScoreTotals
{
	double		positives;
	double		negatives;
	bool		counted;
} ScoreTotals;

/* All that is selected at a threshold: scores not below it. */
typedef struct Selected
{
	double		threshold;
	double		positives;
	double		negatives;
} Selected;

typedef struct BestF1
{
	double		f1;
	double		threshold;
} BestF1;

/* From the highest threshold to the lowest: what the next score adds. */
static inline void
selected_add(Selected *selected, const ScoreEntry *entry)
{
	selected->threshold = entry->score;
	selected->positives += entry->positive;
	selected->negatives += entry->negative;
}

static inline double
selected_total(const Selected *selected)
{
	return selected->positives + selected->negatives;
}

extern ScoreTotals score_totals(const ScoreSet *set);
extern double ranking_auc(const ScoreSet *set, const ScoreTotals *totals);
extern double delong_variance(const ScoreSet *set, const ScoreTotals *totals, double auc);
extern double average_precision(const ScoreSet *set, const ScoreTotals *totals);
extern BestF1 best_f1(const ScoreSet *set, const ScoreTotals *totals);

extern void measure_column(Datum *values, bool *nulls, int column, double value);
extern Datum count_datum(double count);

#endif							/* NL_RANKING_H */
