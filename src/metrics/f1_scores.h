/*
 * f1_scores.h
 *		Precision, recall and F1 of the classes of a confusion matrix, and averages;
 *		sql/f1_report.c says what they are.
 */
#ifndef NL_F1_SCORES_H
#define NL_F1_SCORES_H

#include "metrics/confusion_measures.h"

/* The scalars of an f1_report; the names are those of its columns. */
typedef enum F1Measure
{
	F1_ACCURACY, F1_BALANCED_ACCURACY, F1_MACRO_PRECISION, F1_MACRO_RECALL,
	F1_MACRO_F1, F1_MICRO_F1, F1_WEIGHTED_PRECISION, F1_WEIGHTED_RECALL,
	F1_WEIGHTED_F1, F1_MATTHEWS_CORRCOEF, F1_COHEN_KAPPA, F1_MEASURES
} F1Measure;

extern const char *const f1_measure_names[];	/* ends with NULL */

/* True positives, row sum and column sum of a class. */
typedef struct Tally
{
	double		tp;
	double		support;
	double		predicted;
} Tally;

/* One class; an undefined measure is NaN. */
typedef struct ClassScores
{
	Tally		counts;
	Tally		scaled;			/* as confusion_scaled() has it */
	double		precision;
	double		recall;
	double		f1;
} ClassScores;

/* The classes reported: names, and scores in the same order; the matrix, and as confusion_scaled() has it. */
typedef struct F1Scores
{
	Names		names;
	ClassScores *classes;
	const ConfusionMatrix *cm;
	Margins		margins;
	const ConfusionMatrix *scaled;
	Margins		scaled_margins;
} F1Scores;

extern F1Scores f1_scores_make(const ConfusionMatrix *cm, const Names *names);
extern double f1_measure(const F1Scores *r, F1Measure measure);
extern double f1_macro_variance(const F1Scores *r);

#endif							/* NL_F1_SCORES_H */
