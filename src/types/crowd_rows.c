/*
 * crowd_rows.c
 *		The type crowd_rows: its forms, input and output; see crowd_rows.h.
 *
 * Stored form: the features, item by item in canonical order, and the answers as a
 * stored annotation_set.  Binary form: version; length and binary form of the
 * annotation_set; the number of features; the features, item by item in the order in
 * which the set names them.  Text form: that in base64 (see value_forms.h).
 *
 * Memory: an expanded object takes a row of features for each item, and the answers;
 * a stored form takes both once more.  Interrupts: each item.
 */
#include "types/crowd_rows.h"

#include "libpq/pqformat.h"
#include "names/names_io.h"
#include "pg/arguments.h"
#include "types/value_forms.h"

typedef struct CrowdRows
{
	ValueHeader header;
	uint32		items;
	uint32		features;
	double		data[FLEXIBLE_ARRAY_MEMBER];	/* items * features; AnnotationSet */
} CrowdRows;

static const ExpandedObjectMethods methods;

/* Of no rows, in a context of its own below "parent". */
ExpandedCrowdRows *
crowd_rows_create(MemoryContext parent)
{
	MemoryContext context = AllocSetContextCreate(parent, "crowd_rows",
												  ALLOCSET_START_SMALL_SIZES);
	ExpandedCrowdRows *rows = MemoryContextAllocZero(context, sizeof(ExpandedCrowdRows));

	EOH_init_header(&rows->hdr, &methods, context);
	rows->answers = annotation_set_create(context);
	feature_matrix_init(&rows->x, context, 0);
	return rows;
}

/* The rows themselves if they are expanded, or NULL. */
ExpandedCrowdRows *
crowd_rows_expanded(Datum datum)
{
	return (ExpandedCrowdRows *) value_expanded(datum, &methods);
}

/*
 * Adding
 */

/* An item's features: its first ones are kept, others must be equal. */
static void
add_features(ExpandedCrowdRows *rows, uint32 item, const double *features, uint32 n)
{
	const double *have;

	features_check_width(rows->x.width, n, (int64) rows->x.n + 1);
	if (item == rows->x.n)
	{
		feature_matrix_add_row(&rows->x, features, n, (int64) item + 1);
		return;
	}
	have = feature_row(&rows->x, item) + 1;
	for (uint32 j = 0; j < n; j++)
		if (have[j] != features[j])
		{
			NameView	name = dictionary_get(rows->answers->items, item);

			ereport(ERROR,
					(errcode(ERRCODE_CARDINALITY_VIOLATION),
					 errmsg("item \"%.*s\" has two different vectors of features",
							name.len, name.s),
					 errdetail("Feature %u is %s in one row and %s in another.", j + 1,
							   nl_number(have[j]), nl_number(features[j])),
					 errhint("Features belong to the item: join one vector to all rows of it.")));
		}
}

/* A row of an aggregate, as it comes or from the log. */
void
crowd_rows_add(ExpandedCrowdRows *rows, const LogRow *row)
{
	LogRow		answer = *row;
	const LogField *features = &row->field[row->n - 1];
	double	   *copy;

	if (row->kind == CROWD_ROW_STORED && row->n == 1)
	{
		crowd_rows_merge(rows, PointerGetDatum(log_field_aligned(&row->field[0])));
		return;
	}
	if (row->kind != CROWD_ROW || row->n < 4)
		value_corrupt(KIND_CROWD_ROWS);
	answer.kind = ANNOTATION_ROW;
	answer.n--;
	annotation_set_add_row(rows->answers, &answer);
	copy = nl_alloc(CurrentMemoryContext, features->size);
	memcpy(copy, features->data, features->size);
	add_features(rows, rows->answers->item[rows->answers->n - 1], copy,
				 features->size / sizeof(double));
	pfree(copy);
}

/* Add other rows, in any form; everything is joined by name. */
void
crowd_rows_merge(ExpandedCrowdRows *rows, Datum other)
{
	CrowdRowsView view = crowd_rows_view(other);
	ExpandedCrowdRows *expanded = crowd_rows_expanded(other);
	Dictionary *items = rows->answers->items;

	/* new items have codes in the order of the view's */
	for (uint32 i = 0; i < view.answers.items; i++)
	{
		uint32		item = dictionary_add(items, names_get(&view.answers.item_names, i));

		CHECK_FOR_INTERRUPTS();
		add_features(rows, item, crowd_rows_features(&view, i), view.features);
	}
	annotation_set_merge(rows->answers, expanded != NULL ?
						 EOHPGetRODatum(&expanded->answers->hdr) :
						 PointerGetDatum(view.set));
}

static void
merge_log(ExpandedCrowdRows *rows, const RowLog *log)
{
	RowOptions	options = row_log_options(log);
	LogReader	reader = row_log_begin(log);
	LogRow		row;

	while (row_log_next(&reader, &row))
		crowd_rows_add(rows, &row);
	state_options_add(&rows->answers->options, &options, rows->answers->hdr.eoh_context);
}

static ExpandedCrowdRows *
replay(const RowLog *log, MemoryContext parent)
{
	ExpandedCrowdRows *rows = crowd_rows_create(parent);

	merge_log(rows, log);
	return rows;
}

/* A copy that may be changed, below "parent". */
ExpandedCrowdRows *
crowd_rows_expand(Datum datum, MemoryContext parent)
{
	ExpandedCrowdRows *rows;
	void	   *value;

	if (crowd_rows_expanded(datum) == NULL)
	{
		value = value_get(datum, KIND_CROWD_ROWS, offsetof(CrowdRows, data));
		if (value_is_row_log(value))
			return replay(value, parent);
		datum = PointerGetDatum(value);
	}
	rows = crowd_rows_create(parent);
	crowd_rows_merge(rows, datum);
	return rows;
}

/*
 * Reading
 */
static AnnotationSet *
stored_answers(const CrowdRows *rows)
{
	return (AnnotationSet *) (rows->data + (Size) rows->items * rows->features);
}

static Size
features_bytes(Size items, Size features)
{
	return mul_size(mul_size(items, features), sizeof(double));
}

static CrowdRowsView
flat_view(const CrowdRows *rows)
{
	Size		before = add_size(offsetof(CrowdRows, data),
								  features_bytes(rows->items, rows->features));
	AnnotationSet *set = stored_answers(rows);
	CrowdRowsView view = {.features = rows->features,.flat = rows->data,.set = set};

	if (add_size(before, sizeof(AnnotationSet)) > VARSIZE(rows) ||
		add_size(before, VARSIZE(set)) != VARSIZE(rows))
		value_corrupt(KIND_CROWD_ROWS);
	view.answers = annotation_set_flat_view(PointerGetDatum(set));
	if (view.answers.items != rows->items)
		value_corrupt(KIND_CROWD_ROWS);
	return view;
}

static CrowdRowsView
expanded_view(const ExpandedCrowdRows *rows)
{
	CrowdRowsView view = {.features = rows->x.width == 0 ? 0 : rows->x.width - 1,.x = &rows->x};

	view.set = (AnnotationSet *) DatumGetPointer(value_flatten(&rows->answers->hdr));
	view.answers = annotation_set_flat_view(PointerGetDatum(view.set));
	view.code = dictionary_order(rows->answers->items, ORDER_BYTES);
	return view;
}

/*
 * The view of rows in any form; it lives as long as the datum and the current memory
 * context.
 */
CrowdRowsView
crowd_rows_view(Datum datum)
{
	ExpandedCrowdRows *rows = crowd_rows_expanded(datum);
	void	   *value;

	if (rows != NULL)
		return expanded_view(rows);
	value = value_get(datum, KIND_CROWD_ROWS, offsetof(CrowdRows, data));
	if (value_is_row_log(value))
		return expanded_view(replay(value, CurrentMemoryContext));
	return flat_view(value);
}

/*
 * Storing
 */
static Size
get_flat_size(ExpandedObjectHeader *eoh)
{
	ExpandedCrowdRows *rows = (ExpandedCrowdRows *) eoh;
	Size		features = features_bytes(rows->x.n, Max(rows->x.width, 1) - 1);
	Size		size = add_size(add_size(offsetof(CrowdRows, data), features),
								EOH_get_flat_size(&rows->answers->hdr));

	return value_check_size(size, KIND_CROWD_ROWS);
}

static void
flatten_into(ExpandedObjectHeader *eoh, void *result, Size size)
{
	ExpandedCrowdRows *rows = (ExpandedCrowdRows *) eoh;
	CrowdRows  *flat = result;
	MemoryContext old = value_begin_flatten(eoh);
	uint32	   *code;

	nl_check_memory(add_size(feature_matrix_memory(&rows->x), mul_size(size, 2)),
					"storing crowd_rows");
	memset(flat, 0, offsetof(CrowdRows, data));
	value_init(flat, KIND_CROWD_ROWS, size);
	flat->items = rows->x.n;
	flat->features = Max(rows->x.width, 1) - 1;
	code = dictionary_order(rows->answers->items, ORDER_BYTES);
	for (uint32 i = 0; i < flat->items; i++)
	{
		CHECK_FOR_INTERRUPTS();
		memcpy(flat->data + (Size) i * flat->features,
			   feature_row(&rows->x, code[i]) + 1, flat->features * sizeof(double));
	}
	pfree(code);
	EOH_flatten_into(&rows->answers->hdr, stored_answers(flat),
					 size - ((char *) stored_answers(flat) - (char *) flat));
	MemoryContextSwitchTo(old);
}

static const ExpandedObjectMethods methods = {get_flat_size, flatten_into};

/* The stored form of rows in any form, detoasted. */
void *
crowd_rows_get(Datum datum)
{
	CrowdRows  *rows = value_get(datum, KIND_CROWD_ROWS, offsetof(CrowdRows, data));

	if (value_is_row_log(rows))
	{
		ExpandedCrowdRows *expanded = replay((RowLog *) rows, CurrentMemoryContext);

		rows = (CrowdRows *) DatumGetPointer(value_flatten(&expanded->hdr));
		DeleteExpandedObject(EOHPGetRWDatum(&expanded->hdr));
		return rows;
	}
	(void) flat_view(rows);
	return rows;
}

/*
 * Input and output
 */
static void
write_rows(StringInfo buf, const void *value, int encoding)
{
	CrowdRowsView view = flat_view(value);
	StringInfoData set;

	initStringInfo(&set);
	annotation_set_forms.write_binary(&set, view.set, encoding);
	value_send_version(buf, KIND_CROWD_ROWS);
	pq_sendint32(buf, set.len);
	pq_sendbytes(buf, set.data, set.len);
	pq_sendint32(buf, view.features);
	value_send_doubles(buf, view.flat, (Size) view.answers.items * view.features);
	pfree(set.data);
}

/* The next value inside another, which has its length before it. */
static StringInfoData
read_part(StringInfo buf)
{
	StringInfoData part = {0};
	uint32		len = pq_getmsgint(buf, 4);

	if (len > (uint32) (buf->len - buf->cursor))
		value_invalid_binary(KIND_CROWD_ROWS, "It is truncated.");
	part.data = (char *) pq_getmsgbytes(buf, len);
	part.len = part.maxlen = len;
	return part;
}

/* The places in canonical order of the items as the sender has them. */
static uint32 *
item_ranks(StringInfoData set, int encoding)
{
	Dictionary *items = dictionary_create(CurrentMemoryContext, "item", PG_UINT32_MAX - 1);

	value_recv_version(&set, KIND_ANNOTATION_SET);
	dictionary_recv(items, &set, encoding);
	return dictionary_rank(dictionary_order(items, ORDER_BYTES), items->n);
}

static Datum
read_rows(StringInfo buf, int encoding)
{
	StringInfoData part;
	uint32	   *rank;
	AnnotationSet *set;
	CrowdRows  *rows;
	uint32		features;
	Size		bytes;
	Size		size;

	value_recv_version(buf, KIND_CROWD_ROWS);
	part = read_part(buf);
	rank = item_ranks(part, encoding);
	set = (AnnotationSet *) DatumGetPointer(annotation_set_forms.read_binary(&part, encoding));
	features = pq_getmsgint(buf, 4);
	bytes = features_bytes(set->items, features);
	if (features > MAX_FEATURES || (set->items > 0) != (features > 0) ||
		bytes != (Size) (buf->len - buf->cursor))
		value_invalid_binary(KIND_CROWD_ROWS, "Its size is wrong.");
	size = value_check_size(add_size(add_size(offsetof(CrowdRows, data), bytes), VARSIZE(set)),
							KIND_CROWD_ROWS);
	value_check_memory(add_size(size, VARSIZE(set)), KIND_CROWD_ROWS, "reading");
	rows = nl_alloc(CurrentMemoryContext, size);
	memset(rows, 0, offsetof(CrowdRows, data));
	value_init(rows, KIND_CROWD_ROWS, size);
	rows->items = set->items;
	rows->features = features;
	for (uint32 i = 0; i < set->items; i++)
	{
		double	   *to = rows->data + (Size) rank[i] * features;

		CHECK_FOR_INTERRUPTS();
		value_recv_doubles(buf, to, features);
		features_copy(to, to, features, (int64) i + 1);
	}
	nl_copy(stored_answers(rows), set, VARSIZE(set));
	return PointerGetDatum(rows);
}

static const ValueForms crowd_rows_forms = {
	.kind = KIND_CROWD_ROWS,.write_binary = write_rows,.read_binary = read_rows
};

VALUE_INPUT_FUNCTIONS(crowd_rows)
VALUE_OUTPUT_FUNCTIONS(crowd_rows, crowd_rows_get)
