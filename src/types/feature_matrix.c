/*
 * feature_matrix.c
 *		Rows of numbers, stored once; see feature_matrix.h.
 *
 * Memory: chunks of about CHUNK_BYTES, allocated as rows come.  The first one
 * begins small and is doubled, so that a small set stays small.  The limit is
 * checked before each.
 */
#include "types/feature_matrix.h"

#include <math.h>

#include "catalog/pg_type.h"

#define CHUNK_BYTES (16 * 1024 * 1024)
#define FIRST_ROWS 16

/* "expected": how many rows will come, or 0 where that is not known. */
void
feature_matrix_init(FeatureMatrix *x, MemoryContext context, uint32 expected)
{
	memset(x, 0, sizeof(*x));
	x->context = context;
	x->expected = expected;
}

/*
 * What a chunk of that many rows takes beside them: one that will not grow is
 * placed where a large page begins.
 */
static Size
chunk_slack(const FeatureMatrix *x, uint32 rows)
{
	Size		bytes = mul_size(mul_size(rows, x->width), sizeof(double));

	return rows == x->chunk_rows && bytes >= NL_LARGE_PAGE ? NL_LARGE_PAGE : 0;
}

Size
feature_matrix_memory(const FeatureMatrix *x)
{
	Size		size = mul_size(mul_size(x->capacity, x->width), sizeof(double));

	if (x->n_chunks == 0)
		return size;
	return add_size(size, mul_size(x->capacity / x->chunk_rows,
								   chunk_slack(x, x->chunk_rows)));
}

static FeatureChunk
make_chunk(const FeatureMatrix *x, uint32 rows)
{
	Size		bytes = mul_size(mul_size(rows, x->width), sizeof(double));
	Size		slack = chunk_slack(x, rows);
	FeatureChunk chunk;

	chunk.block = nl_alloc(x->context, add_size(bytes, slack));
	chunk.rows = slack > 0 ? (double *) TYPEALIGN(NL_LARGE_PAGE, chunk.block) : chunk.block;
	return chunk;
}

/* Room for at least one more row. */
static void
grow(FeatureMatrix *x)
{
	uint32		first = Min(FIRST_ROWS, x->chunk_rows);
	uint32		last_rows = 0;	/* of the last chunk, now and then */
	uint32		rows;
	Size		row_bytes = mul_size(x->width, sizeof(double));

	if (x->n_chunks > 0)
		last_rows = x->capacity - (x->n_chunks - 1) * x->chunk_rows;
	if (x->expected > x->n)
		rows = Min(x->chunk_rows, x->expected - x->n);
	else if (x->n_chunks == 0)
		rows = first;
	else if (last_rows < x->chunk_rows)
		rows = Min(last_rows * 2, x->chunk_rows);
	else
		rows = x->chunk_rows;
	nl_check_memory_for(add_size(feature_matrix_memory(x),
								 add_size(mul_size(rows, row_bytes), chunk_slack(x, rows))),
						"a matrix of features", "take fewer rows or features",
						"It grows with rows times features: " INT64_FORMAT " rows with %u features each.",
						(int64) x->n + rows, x->width - 1);
	if (x->capacity > PG_INT32_MAX - rows)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a matrix of features holds at most %d rows", PG_INT32_MAX)));

	if (x->n_chunks > 0 && last_rows < x->chunk_rows)
	{
		FeatureChunk *chunk = &x->chunks[x->n_chunks - 1];

		chunk->rows = chunk->block = repalloc_huge(chunk->block, rows * row_bytes);
		x->capacity += rows - last_rows;
		return;
	}
	if (x->n_chunks == 0)
		x->chunks = MemoryContextAlloc(x->context, 8 * sizeof(FeatureChunk));
	else if (x->n_chunks >= 8 && (x->n_chunks & (x->n_chunks - 1)) == 0)
		x->chunks = repalloc_huge(x->chunks,
								  (Size) x->n_chunks * 2 * sizeof(FeatureChunk));
	x->chunks[x->n_chunks++] = make_chunk(x, rows);
	x->capacity += rows;
}

/* A new row, of which the caller fills in all but the first number. */
double *
feature_matrix_add(FeatureMatrix *x, uint32 features)
{
	double	   *row;

	if (x->width == 0)
	{
		x->width = features + 1;
		x->chunk_rows = Max(CHUNK_BYTES / (x->width * sizeof(double)), 16);
	}
	if (x->n == x->capacity)
		grow(x);
	row = feature_row(x, x->n++);
	row[0] = 1;
	return row;
}

/*
 * The number of features in an array that can be a row.  "row" is the row's
 * number for messages, or 0.
 */
static const char *
row_name(int64 row)
{
	return row > 0 ? psprintf("row " INT64_FORMAT, row) : "the row";
}

uint32
features_check(ArrayType *array, int64 row)
{
	int			n;

	if (ARR_ELEMTYPE(array) != FLOAT8OID)
		elog(ERROR, "features are not float8");
	if (ARR_NDIM(array) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("the features of %s are not a one-dimensional array with at least one element",
						row_name(row)),
				 errhint("Give a number for each feature, such as ARRAY[0.5, 2]; leave rows without features out with FILTER or WHERE.")));
	n = ARR_DIMS(array)[0];
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the features of %s contain NULL", row_name(row)),
				 errhint("Fill missing features in, or leave the row out with FILTER or WHERE.")));
	if (n > MAX_FEATURES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s has %d features, at most %d are possible",
						row_name(row), n, MAX_FEATURES),
				 errhint("Take fewer features, such as the first components of an embedding.")));
	return n;
}

/* NaN and infinity are errors; -0 becomes 0, which equals it. */
void
features_copy(double *to, const double *from, uint32 n, int64 row)
{
	double		check = 0;

	for (uint32 i = 0; i < n; i++)
	{
		to[i] = from[i] + 0.0;
		check += from[i] * 0.0;
	}
	if (likely(check == 0))
		return;
	for (uint32 i = 0; i < n; i++)
		if (!isfinite(from[i]))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("feature %u of %s is %s", i + 1, row_name(row),
							isnan(from[i]) ? "NaN" : from[i] > 0 ? "infinity" : "-infinity"),
					 errhint("Features must be finite numbers.")));
}

/* All rows of a matrix of that width, 0 where there are none yet, are alike. */
void
features_check_width(uint32 width, uint32 n, int64 row)
{
	if (width > 0 && n + 1 != width)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s has %u features, but the rows before it have %u",
						row_name(row), n, width - 1),
				 errhint("Give all rows the same features, in the same order.")));
}

/* A row of n doubles, which need not be aligned. */
void
feature_matrix_add_row(FeatureMatrix *x, const void *from, uint32 n, int64 row)
{
	double	   *to;

	features_check_width(x->width, n, row);
	to = feature_matrix_add(x, n) + 1;
	memcpy(to, from, n * sizeof(double));
	features_copy(to, to, n, row);
}

void
feature_matrix_add_array(FeatureMatrix *x, ArrayType *array, int64 row)
{
	feature_matrix_add_row(x, ARR_DATA_PTR(array), features_check(array, row), row);
}

/*
 * Put the rows in another order, in place: row i becomes what row source[i]
 * was.  Follows the cycles of the permutation.
 */
void
feature_matrix_permute(FeatureMatrix *x, const uint32 *source)
{
	Size		bytes = x->width * sizeof(double);
	double	   *saved = palloc(bytes);
	bool	   *done = nl_alloc_zero(CurrentMemoryContext, Max(x->n, 1));

	for (uint32 i = 0; i < x->n; i++)
	{
		uint32		to = i;

		NL_CHECK_INTERRUPTS(i);
		if (done[i] || source[i] == i)
			continue;
		CHECK_FOR_INTERRUPTS();	/* a row may have many features */
		memcpy(saved, feature_row(x, i), bytes);
		while (source[to] != i)
		{
			memcpy(feature_row(x, to), feature_row(x, source[to]), bytes);
			done[to] = true;
			to = source[to];
			CHECK_FOR_INTERRUPTS();
		}
		memcpy(feature_row(x, to), saved, bytes);
		done[to] = true;
	}
	pfree(saved);
	pfree(done);
}
