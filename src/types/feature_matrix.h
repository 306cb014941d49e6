/*
 * feature_matrix.h
 *		Rows of numbers, stored once.
 *
 * A row is 1 (for the intercept) and the features.  Rows lie in chunks, so that
 * growing never copies what is there, and a chunk is contiguous, so that a
 * block of its rows is a matrix for BLAS.
 */
#ifndef NL_FEATURE_MATRIX_H
#define NL_FEATURE_MATRIX_H

#include "noisylabel.h"

#include "utils/array.h"

#define MAX_FEATURES 100000

typedef struct FeatureChunk
{
	double	   *rows;			/* NULL: forgotten */
	void	   *block;			/* in which they lie */
} FeatureChunk;

typedef struct FeatureMatrix
{
	MemoryContext context;
	uint32		n;				/* rows */
	uint32		width;			/* numbers in a row; 0 until the first comes */
	uint32		capacity;		/* rows that there is room for */
	uint32		expected;		/* rows that will come, if known */
	uint32		chunk_rows;		/* in every chunk but the last */
	uint32		n_chunks;
	FeatureChunk *chunks;
} FeatureMatrix;

static inline double *
feature_row(const FeatureMatrix *x, uint32 i)
{
	return x->chunks[i / x->chunk_rows].rows + (Size) (i % x->chunk_rows) * x->width;
}

/* Rows from row i to the end of its chunk, or to "end". */
static inline uint32
feature_run(const FeatureMatrix *x, uint32 i, uint32 end)
{
	return Min(x->chunk_rows - i % x->chunk_rows, end - i);
}

/* Rows are forgotten in order; a chunk is freed with its last one. */
static inline void
feature_matrix_forget(FeatureMatrix *x, uint32 i)
{
	if ((i + 1) % x->chunk_rows == 0 || i + 1 == x->n)
	{
		pfree(x->chunks[i / x->chunk_rows].block);
		x->chunks[i / x->chunk_rows].rows = NULL;
	}
}

extern void feature_matrix_init(FeatureMatrix *x, MemoryContext context,
								uint32 expected);
extern Size feature_matrix_memory(const FeatureMatrix *x);
extern double *feature_matrix_add(FeatureMatrix *x, uint32 features);
extern void feature_matrix_add_array(FeatureMatrix *x, ArrayType *array, int64 row);
extern void feature_matrix_permute(FeatureMatrix *x, const uint32 *source);
extern void feature_matrix_add_row(FeatureMatrix *x, const void *from, uint32 n,
								   int64 row);
extern void features_check_width(uint32 width, uint32 n, int64 row);
extern uint32 features_check(ArrayType *array, int64 row);
extern void features_copy(double *to, const double *from, uint32 n, int64 row);

#endif							/* NL_FEATURE_MATRIX_H */
