/*
 * annotator_counts.h
 *		The type annotator_counts: how often each annotator gave each label to items of
 *		each truth, where the truth is given or expected; the state of
 *		learn_annotators().
 *
 * A row adds to the cell of its annotator, label and truth; one whose truth is a
 * distribution T, to the cell of every truth that is possible.  Of a cell the sum of
 * T and the sum of T (1 - T) are kept, exactly (exact_sum.h), so that the counts do
 * not depend on the order of the rows, on the plan or on the workers.
 *
 * Two forms:
 *
 * ExpandedCounts grows while rows arrive: dictionaries, and a hash table of the cells
 * that are not 0.
 *
 * AnnotatorCounts is the stored form: names and cells in order.
 */
#ifndef NL_ANNOTATOR_COUNTS_H
#define NL_ANNOTATOR_COUNTS_H

#include "math/exact_sum.h"
#include "names/dictionary.h"
#include "types/state.h"

/* The unit of the sums.  Probabilities down to 2^-38 are multiples of it. */
#define COUNT_UNITS 1237940039285380274899124224.0	/* 2^90 */
#define MAX_COUNTED_ROWS ((int64) PG_UINT32_MAX)	/* below 2^38, for sums of 128 bits */

typedef struct CountCell
{
	uint32		annotator;
	uint16		label;
	uint16		truth;
	ExactSum	count;			/* of T */
	ExactSum	variance;		/* of T (1 - T) */
} CountCell;

typedef struct AnnotatorCounts
{
	ValueHeader header;
	uint32		annotators;
	uint32		labels;
	uint32		annotator_bytes;
	uint32		label_bytes;
	uint32		option_bytes;
	uint32		n;				/* cells */
	int64		rows;
	CountCell	cells[FLEXIBLE_ARRAY_MEMBER];

	/*
	 * int64 answers[annotators]; uint32 ends of the names of annotators, of labels;
	 * bytes of these names; options as JSON text
	 */
} AnnotatorCounts;

/* Pointers into a stored value, which must outlive them. */
typedef struct AnnotatorCountsView
{
	Names		annotators;
	Names		labels;
	int64		rows;
	const int64 *answers;		/* of each annotator */
	uint32		n;
	const CountCell *cells;		/* by annotator, label and truth */
	const char *options;		/* JSON, or NULL: see StateOptions */

	/* of counts that know whose answers are one voice; no stored ones do */
	const uint32 *group;		/* annotators: the first of each one's group; or NULL */
	const double *heard;		/* by label and truth: what voices said; with groups */
} AnnotatorCountsView;

/* Rows of counts that are the state of an aggregate. */
typedef enum CountRow
{
	COUNT_ROW_TRUTH,			/* annotator, truth, label */
	COUNT_ROW_EXPECTED,			/* annotator, truth as label_distribution, label */
	COUNT_ROW_COUNTS			/* counts */
} CountRow;

typedef struct counttable_hash counttable_hash;

typedef struct ExpandedCounts
{
	ExpandedObjectHeader hdr;
	Dictionary *annotators;
	Dictionary *labels;
	int64		rows;
	int64	   *answers;		/* of each annotator */
	uint32		capacity;		/* of these */
	counttable_hash *cells;
	StateOptions options;		/* of the aggregate */
} ExpandedCounts;

extern ExpandedCounts *annotator_counts_create(MemoryContext parent);
extern ExpandedCounts *annotator_counts_expanded(Datum datum);
extern ExpandedCounts *annotator_counts_expand(Datum datum, MemoryContext parent);
extern void annotator_counts_add_row(ExpandedCounts *ec, const LogRow *row);
extern void annotator_counts_merge(ExpandedCounts *ec, Datum other);
/* crowd/sql/learn_annotators.c */
extern Datum annotator_counts_state_add(FunctionCallInfo fcinfo, const LogRow *row,
										const RowOptions *options);

extern AnnotatorCounts *annotator_counts_get(Datum datum);
extern AnnotatorCountsView annotator_counts_view(Datum datum);

#endif							/* NL_ANNOTATOR_COUNTS_H */
