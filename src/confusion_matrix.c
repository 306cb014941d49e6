/*
 * confusion_matrix.c
 *		The type confusion_matrix: stored and expanded forms, text and binary
 *		input and output.
 */
#include "confusion_matrix.h"

#include <math.h>

#include "jsonio.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"

static const char type_name[] = "confusion_matrix";

/* the stored form's size */
static Size
flat_size(uint32 n, Size name_bytes)
{
	Size		size = offsetof(ConfusionMatrix, counts);

	size = add_size(size, mul_size(mul_size(n, n), sizeof(double)));
	size = add_size(size, mul_size(n, sizeof(uint32)));
	size = add_size(size, name_bytes);
	return value_check_size(size, KIND_CONFUSION_MATRIX);
}

static void
init_flat(ConfusionMatrix *cm, uint32 n, Size name_bytes)
{
	value_init(cm, KIND_CONFUSION_MATRIX, flat_size(n, name_bytes));
	cm->n = n;
	cm->name_bytes = name_bytes;
}

ConfusionMatrix *
confusion_matrix_get(Datum datum)
{
	ConfusionMatrix *cm = value_get(datum, KIND_CONFUSION_MATRIX,
									offsetof(ConfusionMatrix, counts));

	value_check_stored(cm, flat_size(cm->n, cm->name_bytes), KIND_CONFUSION_MATRIX);
	return cm;
}

/* A stored matrix from labels in canonical order and row-major counts. */
ConfusionMatrix *
confusion_matrix_make(const Names *labels, const double *counts)
{
	Size		name_bytes = names_bytes(labels);
	ConfusionMatrix *cm = palloc0(flat_size(labels->n, name_bytes));
	Names		names;

	init_flat(cm, labels->n, name_bytes);
	memcpy(cm->counts, counts, sizeof(double) * labels->n * labels->n);
	names = confusion_matrix_labels(cm);
	names_copy(&names, labels);
	return cm;
}

/* Expanded form */

static Size
get_flat_size(ExpandedObjectHeader *eohptr)
{
	ExpandedConfusion *ec = (ExpandedConfusion *) eohptr;

	return flat_size(ec->labels->n, dictionary_bytes(ec->labels));
}

static void
flatten_into(ExpandedObjectHeader *eohptr, void *result, Size allocated_size)
{
	ExpandedConfusion *ec = (ExpandedConfusion *) eohptr;
	ConfusionMatrix *cm = result;
	MemoryContext old = value_begin_flatten(eohptr);
	uint32	   *order = dictionary_order(ec->labels, ORDER_LABELS);
	uint32		n = ec->labels->n;
	Names		names;

	memset(result, 0, allocated_size);
	init_flat(cm, n, dictionary_bytes(ec->labels));
	for (uint32 i = 0; i < n; i++)
		for (uint32 j = 0; j < n; j++)
			cm->counts[(Size) i * n + j] =
				ec->counts[(Size) order[i] * ec->capacity + order[j]];
	names = confusion_matrix_labels(cm);
	dictionary_write(ec->labels, order, (uint32 *) names.ends,
					 (char *) names.bytes);
	pfree(order);
	MemoryContextSwitchTo(old);
}

static const ExpandedObjectMethods methods = {get_flat_size, flatten_into};

/* An empty matrix, in a context of its own below "parent". */
ExpandedConfusion *
confusion_matrix_create(MemoryContext parent)
{
	MemoryContext context = AllocSetContextCreate(parent, "confusion_matrix",
												  ALLOCSET_START_SMALL_SIZES);
	ExpandedConfusion *ec = MemoryContextAllocZero(context,
												   sizeof(ExpandedConfusion));

	EOH_init_header(&ec->hdr, &methods, context);
	ec->labels = dictionary_create(context, "label", NL_MAX_CLASSES);
	ec->capacity = 4;
	ec->counts = nl_alloc_zero(context, 4 * 4 * sizeof(double));
	return ec;
}

/* Make room for all labels of the dictionary. */
void
confusion_matrix_reserve(ExpandedConfusion *ec)
{
	uint32		capacity = ec->capacity;
	Size		size;
	double	   *counts;

	while (capacity < ec->labels->n)
		capacity *= 2;
	size = mul_size(mul_size(capacity, capacity), sizeof(double));
	nl_check_memory_for(size, "a confusion matrix", "merge classes",
						"It grows with the square of the number of classes, of which there are %u so far.",
						ec->labels->n);
	counts = nl_alloc_zero(ec->hdr.eoh_context, size);
	for (uint32 i = 0; i < ec->capacity; i++)
		memcpy(counts + (Size) i * capacity,
			   ec->counts + (Size) i * ec->capacity,
			   ec->capacity * sizeof(double));
	pfree(ec->counts);
	ec->counts = counts;
	ec->capacity = capacity;
}

/* Add another matrix, flat or expanded; labels are joined by name. */
void
confusion_matrix_merge(ExpandedConfusion *ec, Datum other)
{
	ConfusionMatrix *cm = confusion_matrix_get(other);
	Names		names = confusion_matrix_labels(cm);
	uint32	   *codes = palloc(Max(cm->n, 1) * sizeof(uint32));

	dictionary_add_names(ec->labels, &names, codes);
	if (ec->labels->n > ec->capacity)
		confusion_matrix_reserve(ec);
	for (uint32 i = 0; i < cm->n; i++)
		for (uint32 j = 0; j < cm->n; j++)
			confusion_matrix_add(ec, codes[i], codes[j],
								 confusion_matrix_count(cm, i, j));
	pfree(codes);
	if ((Pointer) cm != DatumGetPointer(other))
		pfree(cm);
}

/* A copy that may be changed, below "parent". */
ExpandedConfusion *
confusion_matrix_expand(Datum datum, MemoryContext parent)
{
	ExpandedConfusion *ec = confusion_matrix_create(parent);

	confusion_matrix_merge(ec, datum);
	return ec;
}

/*
 * Input: the labels are in ec's dictionary, the counts in the order of the
 * labels; check them and make the stored form.
 */
static Datum
finish_input(ExpandedConfusion *ec, const double *counts)
{
	uint32		n = ec->labels->n;

	if (n > ec->capacity)
		confusion_matrix_reserve(ec);
	for (uint32 i = 0; i < n; i++)
		for (uint32 j = 0; j < n; j++)
		{
			double		count = counts[(Size) i * n + j];

			if (!isfinite(count) || count < 0)
				ereport(ERROR,
						(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						 errmsg("count %s in a confusion_matrix is out of range",
								nl_number(count)),
						 errhint("Counts must be finite and not negative.")));
			confusion_matrix_add(ec, i, j, count);
		}
	return value_flatten(&ec->hdr);
}

NL_FUNCTION(confusion_matrix_in);
Datum
confusion_matrix_in(PG_FUNCTION_ARGS)
{
	JsonbContainer *object = jsonio_parse_object(type_name, PG_GETARG_CSTRING(0));
	ExpandedConfusion *ec = confusion_matrix_create(CurrentMemoryContext);
	double	   *counts;
	uint32		n;

	jsonio_read_names(type_name, object, "labels", ec->labels);
	n = ec->labels->n;
	counts = palloc((Size) n * n * sizeof(double) + 1);
	jsonio_read_matrix(type_name, jsonio_array_field(type_name, object, "counts"),
					   "counts", counts, n, n);
	PG_RETURN_DATUM(finish_input(ec, counts));
}

NL_FUNCTION(confusion_matrix_out);
Datum
confusion_matrix_out(PG_FUNCTION_ARGS)
{
	ConfusionMatrix *cm = PG_GETARG_CONFUSION_MATRIX(0);
	Names		names = confusion_matrix_labels(cm);
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "{\"labels\": ");
	jsonio_append_names(&buf, &names);
	appendStringInfoString(&buf, ", \"counts\": ");
	jsonio_append_matrix(&buf, cm->counts, cm->n, cm->n);
	appendStringInfoChar(&buf, '}');
	PG_RETURN_CSTRING(buf.data);
}

NL_FUNCTION(confusion_matrix_recv);
Datum
confusion_matrix_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	ExpandedConfusion *ec = confusion_matrix_create(CurrentMemoryContext);
	Size		cells;
	double	   *counts;

	value_recv_version(buf, KIND_CONFUSION_MATRIX);
	dictionary_recv(ec->labels, buf, pg_get_client_encoding());
	cells = (Size) ec->labels->n * ec->labels->n;
	if ((Size) (buf->len - buf->cursor) != cells * sizeof(double))
		value_invalid_binary(KIND_CONFUSION_MATRIX,
							 "The number of counts is wrong.");
	counts = palloc(cells * sizeof(double) + 1);
	for (Size i = 0; i < cells; i++)
		counts[i] = pq_getmsgfloat8(buf);
	PG_RETURN_DATUM(finish_input(ec, counts));
}

NL_FUNCTION(confusion_matrix_send);
Datum
confusion_matrix_send(PG_FUNCTION_ARGS)
{
	ConfusionMatrix *cm = PG_GETARG_CONFUSION_MATRIX(0);
	Names		names = confusion_matrix_labels(cm);
	StringInfoData buf;

	pq_begintypsend(&buf);
	value_send_version(&buf, KIND_CONFUSION_MATRIX);
	names_send(&buf, &names, pg_get_client_encoding());
	for (Size i = 0; i < (Size) cm->n * cm->n; i++)
		pq_sendfloat8(&buf, cm->counts[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}
