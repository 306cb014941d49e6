/*
 * confusion_matrix.c
 *		The type confusion_matrix: stored and expanded forms, text and binary
 *		input and output.
 */
#include "types/confusion_matrix.h"

#include <math.h>

#include "pg/arguments.h"
#include "pg/json.h"
#include "types/label_distribution.h"
#include "names/names_io.h"
#include "types/value_forms.h"

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

static ExpandedConfusion *replay(const RowLog *log, MemoryContext parent);

ConfusionMatrix *
confusion_matrix_get(Datum datum)
{
	ConfusionMatrix *cm = value_get(datum, KIND_CONFUSION_MATRIX,
									offsetof(ConfusionMatrix, counts));

	if (value_is_row_log(cm))
	{
		ExpandedConfusion *ec = replay((RowLog *) cm, CurrentMemoryContext);

		cm = (ConfusionMatrix *) DatumGetPointer(value_flatten(&ec->hdr));
		DeleteExpandedObject(EOHPGetRWDatum(&ec->hdr));
		return cm;
	}
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
	(void) value_put_doubles(cm->counts, counts, (Size) labels->n * labels->n);
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

/* The matrix itself if it is expanded, or NULL. */
ExpandedConfusion *
confusion_matrix_expanded(Datum datum)
{
	return (ExpandedConfusion *) value_expanded(datum, &methods);
}

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
	uint32	   *codes = dictionary_add_names(ec->labels, &names);

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

/* Adds each true class's probability to its cell. */
static void
add_expected(ExpandedConfusion *ec, const LogRow *row)
{
	LabelDistribution *truth =
		label_distribution_get(PointerGetDatum(log_field_aligned(&row->field[0])));
	Names		names = label_distribution_labels(truth);
	uint32		j = confusion_matrix_label(ec, log_field_name(&row->field[1]));

	for (uint32 k = 0; k < truth->n; k++)
		confusion_matrix_add(ec, confusion_matrix_label(ec, names_get(&names, k)), j,
							 truth->p[k]);
}

/* A row of an aggregate, as it comes or from the log. */
void
confusion_matrix_add_row(ExpandedConfusion *ec, const LogRow *row)
{
	uint32		i;
	uint32		j;

	if (row->kind == CONFUSION_ROW_MATRIX && row->n == 1)
		confusion_matrix_merge(ec, PointerGetDatum(log_field_aligned(&row->field[0])));
	else if (row->kind == CONFUSION_ROW_EXPECTED && row->n == 2)
		add_expected(ec, row);
	else if (row->kind == CONFUSION_ROW_LABELS && row->n >= 2)
	{
		i = confusion_matrix_label(ec, log_field_name(&row->field[0]));
		j = confusion_matrix_label(ec, log_field_name(&row->field[1]));
		confusion_matrix_add(ec, i, j, row->n == 2 ? 1 :
							 log_field_double(row, 2, KIND_CONFUSION_MATRIX));
	}
	else
		value_corrupt(KIND_CONFUSION_MATRIX);
}

static ExpandedConfusion *
replay(const RowLog *log, MemoryContext parent)
{
	ExpandedConfusion *ec = confusion_matrix_create(parent);
	LogReader	reader = row_log_begin(log);
	LogRow		row;

	while (row_log_next(&reader, &row))
		confusion_matrix_add_row(ec, &row);
	return ec;
}

/* A copy that may be changed, below "parent". */
ExpandedConfusion *
confusion_matrix_expand(Datum datum, MemoryContext parent)
{
	void	   *value = value_get(datum, KIND_CONFUSION_MATRIX,
								  offsetof(ConfusionMatrix, counts));
	ExpandedConfusion *ec;

	if (value_is_row_log(value))
		return replay(value, parent);
	ec = confusion_matrix_create(parent);
	confusion_matrix_merge(ec, PointerGetDatum(value));
	return ec;
}

/* Room for the counts of a matrix that is read, which is copied twice. */
static double *
input_counts(uint32 n)
{
	Size		size = mul_size(mul_size(n, n), sizeof(double));

	value_check_memory(mul_size(size, 3), KIND_CONFUSION_MATRIX, "reading a");
	return palloc(size + 1);
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

static Datum
read_json(const char *text)
{
	static const char *const keys[] = {"labels", "counts"};
	JsonText	field[lengthof(keys)];
	ExpandedConfusion *ec = confusion_matrix_create(CurrentMemoryContext);
	double	   *counts;
	uint32		n;

	jsonio_fields(type_name, jsonio_parse_object(type_name, text), keys,
				  lengthof(keys), field);
	jsonio_read_names(type_name, field[0], "labels", ec->labels);
	n = ec->labels->n;
	counts = input_counts(n);
	jsonio_read_matrix(type_name, field[1], "counts", counts, n, n);
	return finish_input(ec, counts);
}

static void
write_json(StringInfo buf, const void *value)
{
	const ConfusionMatrix *cm = value;
	Names		names = confusion_matrix_labels(cm);

	appendStringInfoString(buf, "{\"labels\": ");
	jsonio_append_names(buf, &names);
	appendStringInfoString(buf, ", \"counts\": ");
	jsonio_append_matrix(buf, cm->counts, cm->n, cm->n);
	appendStringInfoChar(buf, '}');
}

static Datum
read_binary(StringInfo buf, int encoding)
{
	ExpandedConfusion *ec = confusion_matrix_create(CurrentMemoryContext);
	Size		cells;
	double	   *counts;

	value_recv_version(buf, KIND_CONFUSION_MATRIX);
	dictionary_recv(ec->labels, buf, encoding);
	cells = (Size) ec->labels->n * ec->labels->n;
	if ((Size) (buf->len - buf->cursor) != cells * sizeof(double))
		value_invalid_binary(KIND_CONFUSION_MATRIX,
							 "The number of counts is wrong.");
	counts = input_counts(ec->labels->n);
	value_recv_doubles(buf, counts, cells);
	return finish_input(ec, counts);
}

static void
write_binary(StringInfo buf, const void *value, int encoding)
{
	const ConfusionMatrix *cm = value;
	Names		names = confusion_matrix_labels(cm);

	value_send_version(buf, KIND_CONFUSION_MATRIX);
	names_send(buf, &names, encoding);
	value_send_doubles(buf, cm->counts, (Size) cm->n * cm->n);
}

const ValueForms confusion_matrix_forms = {
	KIND_CONFUSION_MATRIX, write_json, write_binary, read_json, read_binary
};

VALUE_INPUT_FUNCTIONS(confusion_matrix)
VALUE_OUTPUT_FUNCTIONS(confusion_matrix, confusion_matrix_get)
