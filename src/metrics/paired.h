/*
 * paired.h
 *		Two predictions of the same items, compared by resampling items.
 */
#ifndef NL_PAIRED_H
#define NL_PAIRED_H

#include "metrics/f1_scores.h"
#include "types/annotation_set.h"

typedef struct PairedOptions
{
	int			metric;			/* F1Measure */
	int			resamples;
	int			seed;
	double		level;
	int			harm;			/* Harm */
	double		harm_margin;	/* of F1 */
} PairedOptions;

typedef enum Harm
{
	HARM_F1,
	HARM_NONE
} Harm;

/* What is not defined is NaN. */
typedef struct PairedResult
{
	int64		n;				/* rows */
	int64		items;
	double		baseline;
	double		candidate;
	double		difference;
	double		low;
	double		high;
	double		p_value;
	double		detectable;
	Names		labels;
	bool	   *harmed;			/* by label */
	bool		any_harmed;
	int64		differing;		/* items that the two do not answer alike */
} PairedResult;

extern PairedResult paired_compare(const AnnotationView *view, const PairedOptions *options);

#endif							/* NL_PAIRED_H */
