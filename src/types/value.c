/*
 * value.c
 *		The header that all stored values share; see value.h.
 */
#include "types/value.h"

#include "libpq/pqformat.h"
#include "types/shared_value.h"

/*
 * The version is that of the stored form, the binary form and the compact text
 * of a kind; docs/development.md says what to do to change one.
 */
typedef struct KindTraits
{
	const char *name;
	int			version;
	const char *size_hint;		/* PostgreSQL stores no value above 1 GB */
} KindTraits;

static const KindTraits kinds[VALUE_KINDS] = {
	[KIND_CONFUSION_MATRIX] = {"confusion_matrix", 1, NULL},
	[KIND_LABEL_DISTRIBUTION] = {"label_distribution", 1, NULL},
	[KIND_ANNOTATION_SET] = {"annotation_set", 1,
	"The aggregate dawid_skene(item, annotator, label) fits rows without storing them as one value."},
	[KIND_ANNOTATOR_MODEL] = {"annotator_model", 1,
	"It grows with annotators times classes squared: fit fewer annotators at a time (GROUP BY), or merge classes."},
	[KIND_POSTERIOR_STATE] = {"posterior_state", 1, NULL},
	[KIND_TRAINING_SET] = {"training_set", 1,
	"Only states that are joined with others, of a partition or another server, are made values: fit all rows in one place (SET enable_partitionwise_aggregate = off), or fewer rows."},
	[KIND_CLASSIFIER] = {"classifier", 1, NULL},
	[KIND_DISTRIBUTION_STATE] = {"distribution_state", 1, NULL},
	[KIND_ANNOTATOR_COUNTS] = {"annotator_counts", 1,
	"It grows with the pairs of truth and label that each annotator has: learn of fewer annotators at a time (GROUP BY), or merge classes."},
	[KIND_PREDICTION_SET] = {"prediction_set", 1,
	"Only states that are joined with others, of a partition or another server, are made values: aggregate all rows in one place (SET enable_partitionwise_aggregate = off), or fewer rows."},
	[KIND_SCORE_SET] = {"score_set", 1,
	"It grows with the number of distinct scores: round them, as in round(score::numeric, 6)::float8, or collect fewer rows at a time (GROUP BY)."},
	[KIND_CALIBRATION_STATE] = {"calibration_state", 1, NULL},
	[KIND_CROWD_ROWS] = {"crowd_rows", 1,
	"Only states that are joined with others, of a partition or another server, are made values: fit all rows in one place (SET enable_partitionwise_aggregate = off), or fewer rows."},
	[KIND_CROWD_MODEL] = {"crowd_model", 1,
	"It grows with items times classes, and annotators times classes squared: fit fewer items at a time, or merge classes."},
};

const char *
value_kind_name(ValueKind kind)
{
	return kinds[kind].name;
}

int
value_kind_version(ValueKind kind)
{
	return kinds[kind].version;
}

void
value_corrupt(ValueKind kind)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("stored value is not a valid %s", kinds[kind].name)));
}

/* The flat form of a value, detoasted; anything may be in it. */
static ValueHeader *
get_flat(Datum datum)
{
	ValueHeader *value = shared_value_flat(datum);

	return value != NULL ? value : (ValueHeader *) PG_DETOAST_DATUM(datum);
}

static void
check_version(const ValueHeader *value)
{
	const KindTraits *kind = &kinds[value->kind];

	if (value->version > kind->version)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("stored %s has format version %d, but this server knows only up to %d",
						kind->name, value->version, kind->version),
				 errhint("Install the version of noisylabel that wrote it.")));
}

/*
 * The flat form of a value, detoasted, with its header checked.  "header" is
 * the size of the fixed part; what follows is for value_check_stored().
 */
void *
value_get(Datum datum, ValueKind kind, Size header)
{
	ValueHeader *value = get_flat(datum);

	if (VARSIZE(value) < header || value->kind != kind || value->version == 0)
		value_corrupt(kind);
	check_version(value);
	return value;
}

/* The same of a value whose kind is only known from itself. */
ValueHeader *
value_get_any(Datum datum)
{
	ValueHeader *value = get_flat(datum);

	if (VARSIZE(value) < sizeof(ValueHeader) || value->kind == 0 ||
		value->kind >= VALUE_KINDS || value->version == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("stored value is not of a type of noisylabel")));
	check_version(value);
	return value;
}

/*
 * The expanded object behind a datum, if its methods are these, so that it can
 * be cast to what they belong to; else NULL.  SQL can bring objects of other
 * types here: by a cast without a function, for one.  value_get() flattens such
 * an object and sees what it is.
 */
ExpandedObjectHeader *
value_expanded(Datum datum, const ExpandedObjectMethods *methods)
{
	ExpandedObjectHeader *eoh;

	if (!VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(datum)))
		return NULL;
	eoh = DatumGetEOHP(datum);
	return eoh->eoh_methods == methods ? eoh : NULL;
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
	header->version = kinds[kind].version;
}

/* Doubles of a stored value: -0 is 0 there. Returns what follows them. */
double *
value_put_doubles(double *to, const double *from, Size n)
{
	for (Size i = 0; i < n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		to[i] = from[i] + 0.0;
	}
	return to + n;
}

Size
value_check_size(Size size, ValueKind kind)
{
	if (!AllocSizeIsValid(size))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s of %zu bytes exceeds the largest value PostgreSQL stores (%zu bytes)",
						kinds[kind].name, size, (Size) MaxAllocSize),
				 kinds[kind].size_hint ? errhint("%s", kinds[kind].size_hint) : 0));
	return size;
}

/*
 * nl_check_memory() for a form of a value ("text of"), whose size other things
 * than rows may decide.
 */
void
value_check_memory(Size required, ValueKind kind, const char *what)
{
	const char *purpose;

	if (required <= (Size) nl_memory_limit * 1024)
		return;
	purpose = psprintf("%s %s", what, value_kind_name(kind));
	if (kind == KIND_ANNOTATOR_MODEL)
		nl_check_memory_for(required, purpose, "fit a model with fewer annotators or classes",
							"It grows with annotators times classes squared.");
	else if (kind == KIND_CONFUSION_MATRIX)
		nl_check_memory_for(required, purpose, "merge classes",
							"It grows with the square of the number of classes.");
	else if (kind == KIND_CLASSIFIER)
		nl_check_memory_for(required, purpose, "take fewer features or classes",
							"It grows with classes times features.");
	nl_check_memory(required, purpose);
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

/* The size of a ValueBytes. */
Size
value_bytes_size(const StringInfoData *bytes, ValueKind kind)
{
	return value_check_size(offsetof(ValueBytes, data) + bytes->len, kind);
}

/* A ValueBytes of that size; frees the bytes. */
void
value_bytes_store(void *result, Size size, ValueKind kind, StringInfo *bytes)
{
	ValueBytes *flat = result;

	memset(flat, 0, offsetof(ValueBytes, data));
	value_init(flat, kind, size);
	flat->bytes = (*bytes)->len;
	nl_copy(flat->data, (*bytes)->data, (*bytes)->len);
	pfree((*bytes)->data);
	pfree(*bytes);
	*bytes = NULL;
}

/* Reads what was stored, in its place. */
StringInfoData
value_bytes_reader(ValueBytes *value, ValueKind kind)
{
	StringInfoData buf = {0};

	value_check_stored(value, offsetof(ValueBytes, data) + (Size) value->bytes, kind);
	buf.data = value->data;
	buf.len = value->bytes;
	return buf;
}

void
value_send_version(StringInfo buf, ValueKind kind)
{
	pq_sendint8(buf, kind);
	pq_sendint8(buf, kinds[kind].version);
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
	if (version < 1 || version > kinds[kind].version)
		value_invalid_binary(kind, psprintf("Format version %d is not known.",
											version));
}

void
value_invalid_binary(ValueKind kind, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid binary value for type %s", kinds[kind].name),
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
