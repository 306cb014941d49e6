/*
 * fit_options.h
 *		The options of dawid_skene().
 */
#ifndef NL_FIT_OPTIONS_H
#define NL_FIT_OPTIONS_H

#include "crowd/em.h"
#include "pg/options.h"

/* What a repeated (item, annotator, label) row counts for. */
typedef enum Repeats
{
	REPEATS_COUNT,				/* every row is a vote */
	REPEATS_DISTINCT			/* equal rows are one vote */
} Repeats;

/* Which items teach the confusion matrices. */
typedef enum LearnFrom
{
	LEARN_FROM_ALL,
	LEARN_FROM_GOLD
} LearnFrom;

typedef struct FitOptions
{
	EmOptions	em;
	int			variant;		/* Variant */
	int			repeats;		/* Repeats */
	const AnnotatorModel *start;	/* an argument of its own, or NULL */
	double		gold_weight;
	int			learn_from;		/* LearnFrom */
	int			restarts;
	int			seed;
} FitOptions;

extern FitOptions fit_options_parse(const Jsonb *jsonb);
extern char *fit_options_json(const FitOptions *options);

#endif							/* NL_FIT_OPTIONS_H */
