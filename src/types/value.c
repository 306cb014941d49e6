/*
 * value.c
 *		The header that all stored values share; see value.h.
 */
#include "types/value.h"

#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "types/shared_value.h"

static const char *const kind_names[] = {
	[KIND_CONFUSION_MATRIX] = "confusion_matrix",
	[KIND_LABEL_DISTRIBUTION] = "label_distribution",
	[KIND_ANNOTATION_SET] = "annotation_set",
	[KIND_ANNOTATOR_MODEL] = "annotator_model",
	[KIND_POSTERIOR_STATE] = "posterior_state",
	[KIND_TRAINING_SET] = "training_set",
	[KIND_CLASSIFIER] = "classifier",
	[KIND_DISTRIBUTION_STATE] = "distribution_state",
};

const char *
value_kind_name(ValueKind kind)
{
	return kind_names[kind];
}

void
value_corrupt(ValueKind kind)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("stored value is not a valid %s", kind_names[kind])));
}

/*
 * The flat form of a value, detoasted, with its header checked.  "header" is
 * the size of the fixed part; what follows is for value_check_stored().
 */
void *
value_get(Datum datum, ValueKind kind, Size header)
{
	ValueHeader *value = shared_value_flat(datum);

	if (value == NULL)
		value = (ValueHeader *) PG_DETOAST_DATUM(datum);
	if (VARSIZE(value) < header || value->kind != kind || value->version == 0)
		value_corrupt(kind);
	if (value->version > VALUE_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("stored %s has format version %d, but this server knows only up to %d",
						kind_names[kind], value->version, VALUE_VERSION),
				 errhint("Install the version of noisylabel that wrote it.")));
	return value;
}

/* A stored value must be as long as its fixed part says. */
void
value_check_stored(const void *value, Size size, ValueKind kind)
{
	if (VARSIZE(value) != size)
		value_corrupt(kind);
}

/* "value" is zeroed memory of the given size. */
void
value_init(void *value, ValueKind kind, Size size)
{
	ValueHeader *header = value;

	SET_VARSIZE(header, size);
	header->kind = kind;
	header->version = VALUE_VERSION;
}

/* PostgreSQL stores no value above 1 GB. */
static const char *const size_hints[KIND_DISTRIBUTION_STATE + 1] = {
	[KIND_ANNOTATION_SET] = "The aggregate dawid_skene(item, annotator, label) fits rows without storing them as one value.",
	[KIND_ANNOTATOR_MODEL] = "It grows with annotators times classes squared: fit fewer annotators at a time (GROUP BY), or merge classes.",
	[KIND_TRAINING_SET] = "Only states that are joined with others, of a partition or another server, are made values: fit all rows in one place (SET enable_partitionwise_aggregate = off), or fewer rows."
};

Size
value_check_size(Size size, ValueKind kind)
{
	if (!AllocSizeIsValid(size))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s of %zu bytes exceeds the largest value PostgreSQL stores (%zu bytes)",
						kind_names[kind], size, (Size) MaxAllocSize),
				 size_hints[kind] ? errhint("%s", size_hints[kind]) : 0));
	return size;
}

/* The flat form of an expanded value, in the current memory context. */
Datum
value_flatten(ExpandedObjectHeader *eoh)
{
	Size		size = EOH_get_flat_size(eoh);
	void	   *flat = nl_alloc(CurrentMemoryContext, size);

	EOH_flatten_into(eoh, flat, size);
	return PointerGetDatum(flat);
}

/* A hash of what is at "from" and after. */
#define HASH_BLOCK ((Size) 1024 * 1024)

uint64
value_fingerprint(const void *value, Size from)
{
	Size		end = VARSIZE(value);
	uint64		hash = 0;

	for (Size at = from; at < end; at += HASH_BLOCK)
	{
		CHECK_FOR_INTERRUPTS();
		hash = hash_bytes_extended((const unsigned char *) value + at,
								   Min(HASH_BLOCK, end - at), hash);
	}
	return hash;
}

/*
 * Scratch memory of a flatten_into method comes from the object's own context,
 * and must be freed by it: the current context may be one of a sort, which
 * since PostgreSQL 17 cannot free single chunks.  Returns the context to
 * switch back to.
 */
MemoryContext
value_begin_flatten(ExpandedObjectHeader *eoh)
{
	return MemoryContextSwitchTo(eoh->eoh_context);
}

void
value_send_version(StringInfo buf, ValueKind kind)
{
	pq_sendint8(buf, kind);
	pq_sendint8(buf, VALUE_VERSION);
}

void
value_recv_version(StringInfo buf, ValueKind kind)
{
	int			received;
	int			version;

	if (buf->len - buf->cursor < 2)
		value_invalid_binary(kind, "It is truncated.");
	received = pq_getmsgint(buf, 1);
	version = pq_getmsgint(buf, 1);
	if (received != (int) kind)
		value_invalid_binary(kind, "It is a value of another type.");
	if (version < 1 || version > VALUE_VERSION)
		value_invalid_binary(kind, psprintf("Format version %d is not known.",
											version));
}

void
value_invalid_binary(ValueKind kind, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid binary value for type %s", kind_names[kind]),
			 errdetail("%s", detail)));
}

/*
 * Where the state of an aggregate lives: the aggregate's context, or, when an
 * accumulating function is called by hand, the current one.
 */
MemoryContext
value_state_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	return AggCheckCallContext(fcinfo, &context) ? context : CurrentMemoryContext;
}

/*
 * An expanded value may be changed in place only as the state of an aggregate:
 * older window functions hand out read-write pointers to states still in use.
 */
bool
value_may_modify(FunctionCallInfo fcinfo, Datum datum)
{
	return VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(datum)) &&
		AggCheckCallContext(fcinfo, NULL);
}
