/*
 * confusion_matrix.h
 *		The type confusion_matrix: label names and K x K weighted counts, rows
 *		the truth, columns what was observed.
 */
#ifndef NL_CONFUSION_MATRIX_H
#define NL_CONFUSION_MATRIX_H

#include <math.h>

#include "names/dictionary.h"
#include "utils/float.h"
#include "types/state.h"

/* Stored form.  Labels are in canonical order. */
typedef struct ConfusionMatrix
{
	ValueHeader header;
	uint32		n;				/* classes */
	uint32		name_bytes;
	double		counts[FLEXIBLE_ARRAY_MEMBER];	/* n * n, row-major */
	/* uint32 ends[n]; char bytes[name_bytes] */
} ConfusionMatrix;

/*
 * Rows of a matrix that is the state of an aggregate.
 */
typedef enum ConfusionRow
{
	CONFUSION_ROW_LABELS,		/* truth, label, perhaps weight */
	CONFUSION_ROW_EXPECTED,		/* truth as label_distribution, label */
	CONFUSION_ROW_MATRIX		/* a matrix */
} ConfusionRow;

/*
 * Form that grows while rows arrive: labels in order of appearance, rows of
 * "capacity" cells.
 */
typedef struct ExpandedConfusion
{
	ExpandedObjectHeader hdr;
	Dictionary *labels;
	uint32		capacity;		/* rows and columns allocated */
	double	   *counts;			/* capacity * capacity */
} ExpandedConfusion;

static inline Names
confusion_matrix_labels(const ConfusionMatrix *cm)
{
	const uint32 *ends = (const uint32 *) (cm->counts + (Size) cm->n * cm->n);

	return (Names) {cm->n, ends, (const char *) (ends + cm->n)};
}

static inline double
confusion_matrix_count(const ConfusionMatrix *cm, uint32 truth, uint32 label)
{
	return cm->counts[(Size) truth * cm->n + label];
}

extern ConfusionMatrix *confusion_matrix_get(Datum datum);

#define PG_GETARG_CONFUSION_MATRIX(n) confusion_matrix_get(PG_GETARG_DATUM(n))

extern ConfusionMatrix *confusion_matrix_make(const Names *labels,
											  const double *counts);
extern ExpandedConfusion *confusion_matrix_create(MemoryContext parent);
extern ExpandedConfusion *confusion_matrix_expanded(Datum datum);
extern ExpandedConfusion *confusion_matrix_expand(Datum datum, MemoryContext parent);
extern void confusion_matrix_reserve(ExpandedConfusion *ec);
extern void confusion_matrix_merge(ExpandedConfusion *ec, Datum other);
extern void confusion_matrix_add_row(ExpandedConfusion *ec, const LogRow *row);

/* metrics/sql/confusion_aggregate.c */
extern Datum confusion_matrix_state_add(FunctionCallInfo fcinfo, const LogRow *row);

/* Code of a label, added to the matrix if it is new. */
static inline uint32
confusion_matrix_label(ExpandedConfusion *ec, NameView name)
{
	uint32		code = dictionary_add(ec->labels, name);

	if (unlikely(ec->labels->n > ec->capacity))
		confusion_matrix_reserve(ec);
	return code;
}

static inline void
confusion_matrix_add(ExpandedConfusion *ec, uint32 truth, uint32 label, double weight)
{
	double	   *count = &ec->counts[(Size) truth * ec->capacity + label];

	*count += weight;
	if (unlikely(isinf(*count)))
		float_overflow_error();
}

#endif							/* NL_CONFUSION_MATRIX_H */
