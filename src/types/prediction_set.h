/*
 * prediction_set.h
 *		Rows that say how a label was predicted: a label, a distribution over labels
 *		and, in a set of answers, who gave the label to what.
 *
 * While rows are collected names are codes of the dictionaries, in order of
 * appearance; prediction_set_finish() makes ranks in canonical order of them, and
 * of the probabilities a matrix over all labels.
 *
 * The SQL type prediction_set, the state of the aggregates confident_joint() and
 * crowdlab(), is such a set as an expanded object (prediction_state.c).
 * label_issue() uses the struct alone.
 */
#ifndef NL_PREDICTION_SET_H
#define NL_PREDICTION_SET_H

#include "types/label_distribution.h"
#include "types/state.h"

/* Which names a row has beside its label. */
typedef enum PredictionNames
{
	PREDICTION_LABEL,
	PREDICTION_ANNOTATOR,
	PREDICTION_ITEM,			/* and annotator */
} PredictionNames;

typedef struct PredictionSet
{
	MemoryContext context;
	PredictionNames names;
	Dictionary *labels;
	Dictionary *annotators;		/* or NULL */
	Dictionary *items;			/* or NULL */
	uint32		n;
	uint32		capacity;
	uint32		stride;			/* places for probabilities that a row has */
	double	   *p;				/* n * stride; of labels that came later: 0 */
	uint16	   *label;
	uint32	   *annotator;		/* or NULL */
	uint32	   *item;			/* or NULL */

	/* the labels of the last distribution, and where they go */
	uint32		seen_n;
	uint32		seen_bytes;
	uint32		seen_room;
	char	   *seen;
	uint16	   *place;
	bool		in_place;		/* the first labels, in order */
} PredictionSet;

static inline double *
prediction_row(const PredictionSet *set, uint32 row)
{
	return set->p + (Size) row * set->stride;
}

/* The names of a row; annotator and item as far as the set has them. */
typedef struct RowNames
{
	NameView	label;
	NameView	annotator;
	NameView	item;
} RowNames;

#define NO_ROW_NAMES {{NULL, 0}, {NULL, 0}, {NULL, 0}}

extern void prediction_set_init(PredictionSet *set, MemoryContext context,
								PredictionNames names, uint32 expected);
extern Size prediction_set_memory(const PredictionSet *set);
extern void prediction_set_add(PredictionSet *set, const RowNames *names,
							   const LabelDistribution *predicted);
extern double *prediction_set_append(PredictionSet *set, uint32 labels);
extern Names prediction_set_finish(PredictionSet *set, Names *annotators, Names *items);
/* What a call says once a query, however many groups there are. */
#define TOLD_SPELLING 1
#define TOLD_SINGLE_ANSWERS 2

extern bool prediction_tell(FunctionCallInfo fcinfo, int what);
extern void prediction_set_notice(FunctionCallInfo fcinfo, const PredictionSet *set,
								  const Names *labels, const char *function);
extern uint32 *prediction_set_order(const PredictionSet *set);
extern int	prediction_compare(const PredictionSet *set, uint32 a, uint32 b);

/*
 * The expanded form of the type prediction_set.
 */
typedef struct ExpandedPredictions
{
	ExpandedObjectHeader hdr;
	PredictionSet set;
	StringInfo	flat;			/* between get_flat_size and flatten_into */
} ExpandedPredictions;

extern ExpandedPredictions *predictions_get(Datum datum);
extern ExpandedPredictions *predictions_of(Datum datum, PredictionNames names);
extern ExpandedPredictions *predictions_copy(Datum datum, MemoryContext parent);
extern Datum predictions_canonical(Datum datum);

#endif							/* NL_PREDICTION_SET_H */
