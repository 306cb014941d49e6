/*
 * crowd_rows.h
 *		The type crowd_rows, the state of learn_from_crowds(): answers, and the
 *		features of the items that they are about.
 *
 * Answers are an annotation_set, so that names, gold and options are as there.  The
 * features belong to the item: they are kept once, however many answers it has, and
 * rows that give an item others are an error, as two gold labels are.
 */
#ifndef NL_CROWD_ROWS_H
#define NL_CROWD_ROWS_H

#include "types/annotation_set.h"
#include "types/feature_matrix.h"

/*
 * Rows of a log: item, annotator, label, perhaps gold, features; or stored rows.  The
 * log's width is that of the matrix, as far as there are rows that are no values.
 */
typedef enum CrowdRow
{
	CROWD_ROW,
	CROWD_ROW_STORED
} CrowdRow;

typedef struct ExpandedCrowdRows
{
	ExpandedObjectHeader hdr;
	ExpandedAnnotations *answers;
	FeatureMatrix x;			/* by code of the item */
} ExpandedCrowdRows;

/* In canonical order; pointers into the rows and what was made of them. */
typedef struct CrowdRowsView
{
	AnnotationView answers;		/* with the names of items */
	AnnotationSet *set;			/* what that is of */
	uint32		features;
	const double *flat;			/* items * features; or NULL: */
	const FeatureMatrix *x;		/* by code, and which code an item has */
	const uint32 *code;
} CrowdRowsView;

static inline const double *
crowd_rows_features(const CrowdRowsView *view, uint32 item)
{
	return view->flat != NULL ? view->flat + (Size) item * view->features :
		feature_row(view->x, view->code[item]) + 1;
}

extern ExpandedCrowdRows *crowd_rows_create(MemoryContext parent);
extern ExpandedCrowdRows *crowd_rows_expanded(Datum datum);
extern ExpandedCrowdRows *crowd_rows_expand(Datum datum, MemoryContext parent);
extern void crowd_rows_add(ExpandedCrowdRows *rows, const LogRow *row);
extern void crowd_rows_merge(ExpandedCrowdRows *rows, Datum other);
extern void *crowd_rows_get(Datum datum);
extern CrowdRowsView crowd_rows_view(Datum datum);

#endif							/* NL_CROWD_ROWS_H */
