/*
 * value_compare.c
 *		Equality, order and hashes of the values of all our types: of their
 *		canonical bytes.
 *
 * A stored value is canonical by itself (value.h).  What is not yet a stored
 * value becomes one first: an expanded object, a log of rows, and the states
 * training_set, prediction_set and posterior_state, which keep rows as they came.
 *
 * The order has no meaning but that it is one: the shorter value first, values of
 * one length by their bytes.  It is what sorts, merge joins and btree indexes
 * need, and may differ between machines of unlike byte order.
 *
 * Memory: what is made of an argument is freed again, since sorts and index
 * searches call us many times in one context.  Interrupts: as blocks pass.
 */
#include "types/value_compare.h"

#include "common/hashfn.h"
#include "types/annotation_set.h"
#include "types/annotator_counts.h"
#include "types/calibration_state.h"
#include "types/confusion_matrix.h"
#include "types/crowd_rows.h"
#include "types/posterior_state.h"
#include "types/prediction_set.h"
#include "types/score_set.h"
#include "types/shared_value.h"
#include "types/training_state.h"

#define BLOCK ((Size) 64 * 1024)

static void *
make_canonical(ValueHeader *value)
{
	Datum		datum = PointerGetDatum(value);

	if (value->kind == KIND_TRAINING_SET)
		return DatumGetPointer(training_canonical(datum));
	if (value->kind == KIND_PREDICTION_SET)
		return DatumGetPointer(predictions_canonical(datum));
	if (value->kind == KIND_POSTERIOR_STATE)
		return posterior_state_canonical(posterior_state_get(datum));
	if (value->kind == KIND_CONFUSION_MATRIX)
		return confusion_matrix_get(datum);
	if (value->kind == KIND_ANNOTATION_SET)
		return annotation_set_get(datum);
	if (value->kind == KIND_ANNOTATOR_COUNTS)
		return annotator_counts_get(datum);
	if (value->kind == KIND_SCORE_SET)
		return score_set_get(datum);
	if (value->kind == KIND_CALIBRATION_STATE)
		return calibration_state_get(datum);
	if (value->kind == KIND_CROWD_ROWS)
		return crowd_rows_get(datum);
	value_corrupt(value->kind);
}

/* What that leaves behind goes with a context. */
static void *
make_canonical_copy(ValueHeader *value)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "canonical value",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	void	   *canonical = make_canonical(value);
	void	   *copy = nl_alloc(old, VARSIZE(canonical));

	nl_copy(copy, canonical, VARSIZE(canonical));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	return copy;
}

/* The value as equal ones have it; for value_release(). */
const ValueHeader *
value_canonical(Datum datum)
{
	ValueHeader *value = value_get_any(datum);
	void	   *canonical;

	if (value->kind != KIND_TRAINING_SET && value->kind != KIND_POSTERIOR_STATE &&
		value->kind != KIND_PREDICTION_SET && !value_is_row_log(value))
		return value;
	canonical = make_canonical_copy(value);
	value_release(datum, value);
	return canonical;
}

/* Free what was made of an argument. */
void
value_release(Datum datum, const ValueHeader *canonical)
{
	if ((const void *) canonical != DatumGetPointer(datum) &&
		(const void *) canonical != shared_value_flat(datum))
		pfree((void *) canonical);
}

static int
compare_bytes(const ValueHeader *a, const ValueHeader *b)
{
	Size		size = VARSIZE(a);

	if (a->kind != b->kind)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("cannot compare a value of type %s with one of type %s",
						value_kind_name(a->kind), value_kind_name(b->kind))));
	if (size != VARSIZE(b))
		return size < VARSIZE(b) ? -1 : 1;
	for (Size at = VARHDRSZ; a != b && at < size; at += BLOCK)
	{
		int			order = memcmp((const char *) a + at, (const char *) b + at,
								   Min(BLOCK, size - at));

		if (order != 0)
			return order < 0 ? -1 : 1;
		CHECK_FOR_INTERRUPTS();
	}
	return 0;
}

static int
compare(FunctionCallInfo fcinfo)
{
	const ValueHeader *a = value_canonical(PG_GETARG_DATUM(0));
	const ValueHeader *b = value_canonical(PG_GETARG_DATUM(1));
	int			order = compare_bytes(a, b);

	value_release(PG_GETARG_DATUM(0), a);
	value_release(PG_GETARG_DATUM(1), b);
	return order;
}

/* Functions and operators of every type: (value, value) -> boolean */
#define COMPARISON(name, sign) \
	NL_FUNCTION(name); \
	Datum \
	name(PG_FUNCTION_ARGS) \
	{ \
		PG_RETURN_BOOL(compare(fcinfo) sign 0); \
	}

COMPARISON(value_lt, <)
COMPARISON(value_le, <=)
COMPARISON(value_eq, ==)
COMPARISON(value_ne, !=)
COMPARISON(value_ge, >=)
COMPARISON(value_gt, >)

NL_FUNCTION(value_cmp);
Datum
value_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare(fcinfo));
}

static uint64
hash(Datum datum, uint64 seed)
{
	const ValueHeader *value = value_canonical(datum);
	Size		size = VARSIZE(value);

	for (Size at = VARHDRSZ; at < size; at += BLOCK)
	{
		seed = hash_bytes_extended((const unsigned char *) value + at,
								   Min(BLOCK, size - at), seed);
		CHECK_FOR_INTERRUPTS();
	}
	value_release(datum, value);
	return seed;
}

NL_FUNCTION(value_hash);
Datum
value_hash(PG_FUNCTION_ARGS)
{
	PG_RETURN_UINT32((uint32) hash(PG_GETARG_DATUM(0), 0));
}

/* With seed 0 its lower half is value_hash(), as hash operator classes need. */
NL_FUNCTION(value_hash_extended);
Datum
value_hash_extended(PG_FUNCTION_ARGS)
{
	PG_RETURN_UINT64(hash(PG_GETARG_DATUM(0), PG_GETARG_INT64(1)));
}
