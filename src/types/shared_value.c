/*
 * shared_value.c
 *		Models in rows; see shared_value.h.
 *
 * A query that joins a model it has just fitted to each annotation, and sorts
 * them, writes the model into each sorted row: the planner takes it to be 32
 * bytes wide, and a sort, a hash table or a spilled hash aggregate keeps whole
 * values.  Megabytes times millions of rows fill any disk.
 *
 * So a fit gives its result as a read-only expanded object.  Joins hand on a
 * pointer to it, and whoever needs a copy has to ask us for the flat form: that
 * is where copies are counted, while they are made.  First there is a NOTICE
 * with the better form of the query; copies beyond the memory limit are an
 * error, before they have filled the disk.  (A copy may as well be one that
 * goes into a table, and nobody says which, so it must be the whole value.)
 *
 * Memory: the object lives where the value does, in the current context, and
 * goes with it.  It is never handed on for writing, so it needs no context of
 * its own, of which there would be one for each group.
 */
#include "types/shared_value.h"

#include "access/xact.h"

#define NOTICE_BYTES ((Size) 64 * 1024 * 1024)
#define ERROR_BYTES ((Size) 1024 * 1024 * 1024)	/* or noisylabel.memory_limit */

typedef struct SharedValue
{
	ExpandedObjectHeader hdr;
	ValueHeader *value;
	Size		copied;			/* bytes of all copies so far */
} SharedValue;

/* How the two that meet each row would be called instead. */
static const char *
better_form(ValueKind kind)
{
	return kind == KIND_CLASSIFIER ?
		"predict((SELECT classifier FROM ...), features)" :
		"posterior((SELECT model FROM ...), annotator, label)";
}

/*
 * Copies of a value in rows, now "copied" bytes in all, another one of "size"
 * just now: say so when they become many (one is what any table has), once a
 * statement of the client.
 */
void
shared_value_note_copies(ValueKind kind, Size size, Size copied)
{
	static TimestampTz noted = 0;
	TimestampTz statement = GetCurrentStatementStartTimestamp();
	Size		many = Max(NOTICE_BYTES, mul_size(2, size));	/* one goes into any table */

	if (copied < many || copied - size >= many || noted == statement)
		return;
	noted = statement;
	ereport(NOTICE,
			(errmsg("rows of this query carry copies of a value of type %s: %zu rows with %zu kB each so far",
					value_kind_name(kind), copied / size, size / 1024 + 1),
			 errhint("Fetch it once for all rows: %s.", better_form(kind))));
}

static void
refuse_copies(ValueKind kind, Size size, Size copied)
{
	if (copied <= Max((Size) nl_memory_limit * 1024, ERROR_BYTES))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("copies of a value of type %s in the rows of this query take more than %zu MB",
					value_kind_name(kind), (copied - size) / (1024 * 1024)),
			 errdetail("The value takes %zu kB, and %zu rows have a copy.",
					   size / 1024 + 1, copied / size - 1),
			 errhint("Fetch it once for all rows: %s. Or raise noisylabel.memory_limit for this session.",
					 better_form(kind))));
}

static Size
get_flat_size(ExpandedObjectHeader *eoh)
{
	return VARSIZE(((SharedValue *) eoh)->value);
}

static void
flatten_into(ExpandedObjectHeader *eoh, void *result, Size allocated_size)
{
	SharedValue *shared = (SharedValue *) eoh;
	ValueKind	kind = shared->value->kind;

	Assert(allocated_size == VARSIZE(shared->value));
	shared->copied += allocated_size;
	shared_value_note_copies(kind, allocated_size, shared->copied);
	refuse_copies(kind, allocated_size, shared->copied);
	nl_copy(result, shared->value, allocated_size);
}

static const ExpandedObjectMethods methods = {get_flat_size, flatten_into};

/*
 * A flat value in the current context as a result.  The pointer has a chunk of
 * its own: up to PostgreSQL 15 aggregates copy (and so flatten) a result that
 * is no chunk of the context that they want it in.
 */
Datum
shared_value_make(void *value)
{
	SharedValue *shared = palloc(sizeof(SharedValue));
	char	   *pointer = palloc(EXPANDED_POINTER_SIZE);

	EOH_init_header(&shared->hdr, &methods, CurrentMemoryContext);
	shared->value = value;
	shared->copied = 0;
	memcpy(pointer, shared->hdr.eoh_ro_ptr, EXPANDED_POINTER_SIZE);
	return PointerGetDatum(pointer);
}

/* The value behind such a result, not copied; NULL for any other datum. */
void *
shared_value_flat(Datum datum)
{
	SharedValue *shared = (SharedValue *) value_expanded(datum, &methods);

	return shared != NULL ? shared->value : NULL;
}
