/*
 * annotator_counts.c
 *		The type annotator_counts: its forms, input and output.
 *
 * Memory: the table of cells doubles, and is checked before; a stored form takes 40
 * bytes a cell, and a sort of its cells in place.  Interrupts: for each cell where
 * all are read, for each label of a row.
 */
#include "types/annotator_counts.h"

#include "libpq/pqformat.h"
#include "names/names_io.h"
#include "types/label_distribution.h"
#include "types/value_forms.h"

typedef struct CountEntry
{
	uint64		key;			/* cell_key() */
	ExactSum	count;
	ExactSum	variance;
	uint32		hash;
	char		status;
} CountEntry;

static inline uint64
cell_key(uint32 annotator, uint32 label, uint32 truth)
{
	return (uint64) annotator << 32 | label << 16 | truth;
}

/* The end of MurmurHash3 (public domain): every bit of the key counts. */
static inline uint32
hash_key(uint64 key)
{
	key = (key ^ key >> 33) * UINT64CONST(0xff51afd7ed558ccd);
	key = (key ^ key >> 33) * UINT64CONST(0xc4ceb9fe1a85ec53);
	return (uint32) (key ^ key >> 33);
}

/* Also called for each entry when the table grows, which may take long. */
static inline uint32 *
entry_hash(CountEntry *entry)
{
	CHECK_FOR_INTERRUPTS();
	return &entry->hash;
}

#define SH_PREFIX counttable
#define SH_ELEMENT_TYPE CountEntry
#define SH_KEY_TYPE uint64
#define SH_KEY key
#define SH_HASH_KEY(tb, key) hash_key(key)
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (*entry_hash(a))
#define SH_USE_NONDEFAULT_ALLOCATOR
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

#define FIRST_CELLS 16
#define FIRST_ANNOTATORS 8

static inline void *
counttable_allocate(counttable_hash *table, Size size)
{
	return nl_alloc_zero(table->ctx, size);
}

static inline void
counttable_free(counttable_hash *table, void *entries)
{
	(void) table;
	pfree(entries);
}

/*
 * Stored form
 */
static Size
flat_size(Size annotators, Size labels, Size cells, Size bytes)
{
	Size		size = add_size(offsetof(AnnotatorCounts, cells),
								mul_size(cells, sizeof(CountCell)));

	size = add_size(size, mul_size(annotators, sizeof(int64)));
	size = add_size(size, mul_size(add_size(annotators, labels), sizeof(uint32)));
	return value_check_size(add_size(size, bytes), KIND_ANNOTATOR_COUNTS);
}

static AnnotatorCountsView
view_of(const AnnotatorCounts *counts)
{
	const int64 *answers = (const int64 *) (counts->cells + counts->n);
	const uint32 *ends = (const uint32 *) (answers + counts->annotators);
	const char *bytes = (const char *) (ends + counts->annotators + counts->labels);

	return (AnnotatorCountsView) {
		.annotators = {counts->annotators, ends, bytes},
		.labels = {counts->labels, ends + counts->annotators, bytes + counts->annotator_bytes},
		.rows = counts->rows,
		.answers = answers,
		.n = counts->n,
		.cells = counts->cells,
		.options = counts->option_bytes == 0 ? NULL :
		pnstrdup(bytes + counts->annotator_bytes + counts->label_bytes, counts->option_bytes)
	};
}

static ExpandedCounts *replay(const RowLog *log, MemoryContext parent);

AnnotatorCounts *
annotator_counts_get(Datum datum)
{
	AnnotatorCounts *counts = value_get(datum, KIND_ANNOTATOR_COUNTS,
										offsetof(AnnotatorCounts, cells));

	if (value_is_row_log(counts))
	{
		ExpandedCounts *ec = replay((RowLog *) counts, CurrentMemoryContext);

		counts = (AnnotatorCounts *) DatumGetPointer(value_flatten(&ec->hdr));
		DeleteExpandedObject(EOHPGetRWDatum(&ec->hdr));
		return counts;
	}
	value_check_stored(counts, flat_size(counts->annotators, counts->labels, counts->n,
										 (Size) counts->annotator_bytes +
										 counts->label_bytes + counts->option_bytes),
					   KIND_ANNOTATOR_COUNTS);
	return counts;
}

AnnotatorCountsView
annotator_counts_view(Datum datum)
{
	return view_of(annotator_counts_get(datum));
}

/*
 * Expanded form
 */
static Size
option_bytes(const ExpandedCounts *ec)
{
	return ec->options.text == NULL ? 0 : strlen(ec->options.text);
}

static Size
get_flat_size(ExpandedObjectHeader *eohptr)
{
	ExpandedCounts *ec = (ExpandedCounts *) eohptr;

	return flat_size(ec->annotators->n, ec->labels->n, ec->cells->members,
					 dictionary_bytes(ec->annotators) + dictionary_bytes(ec->labels) +
					 option_bytes(ec));
}

static int
compare_cells(const void *a, const void *b)
{
	const CountCell *x = a;
	const CountCell *y = b;
	uint64		key = cell_key(x->annotator, x->label, x->truth);
	uint64		other = cell_key(y->annotator, y->label, y->truth);

	CHECK_FOR_INTERRUPTS();
	return key < other ? -1 : key > other;
}

/* The cells, under the places of their names. */
static void
put_cells(ExpandedCounts *ec, const uint32 *annotators, const uint32 *labels,
		  CountCell *cells)
{
	counttable_iterator at;
	CountEntry *entry;
	Size		n = 0;

	counttable_start_iterate(ec->cells, &at);
	while ((entry = counttable_iterate(ec->cells, &at)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		cells[n++] = (CountCell) {
			annotators[entry->key >> 32], labels[entry->key >> 16 & 0xffff],
			labels[entry->key & 0xffff], entry->count, entry->variance
		};
	}
	qsort(cells, n, sizeof(CountCell), compare_cells);
}

/* The names and what goes with them. */
static void
put_names(ExpandedCounts *ec, AnnotatorCounts *counts, const uint32 *annotators,
		  const uint32 *labels)
{
	AnnotatorCountsView view = view_of(counts);
	char	   *options = (char *) view.labels.bytes + counts->label_bytes;

	for (uint32 j = 0; j < ec->annotators->n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		((int64 *) view.answers)[j] = ec->answers[annotators[j]];
	}
	dictionary_write(ec->annotators, annotators, (uint32 *) view.annotators.ends,
					 (char *) view.annotators.bytes);
	dictionary_write(ec->labels, labels, (uint32 *) view.labels.ends,
					 (char *) view.labels.bytes);
	nl_copy(options, ec->options.text, counts->option_bytes);
}

static void
flatten_into(ExpandedObjectHeader *eohptr, void *result, Size allocated_size)
{
	ExpandedCounts *ec = (ExpandedCounts *) eohptr;
	AnnotatorCounts *counts = result;
	MemoryContext old = value_begin_flatten(eohptr);
	uint32	   *annotators = dictionary_order(ec->annotators, ORDER_BYTES);
	uint32	   *labels = dictionary_order(ec->labels, ORDER_LABELS);
	uint32	   *annotator_rank = dictionary_rank(annotators, ec->annotators->n);
	uint32	   *label_rank = dictionary_rank(labels, ec->labels->n);

	memset(counts, 0, offsetof(AnnotatorCounts, cells));
	value_init(counts, KIND_ANNOTATOR_COUNTS, allocated_size);
	counts->annotators = ec->annotators->n;
	counts->labels = ec->labels->n;
	counts->annotator_bytes = dictionary_bytes(ec->annotators);
	counts->label_bytes = dictionary_bytes(ec->labels);
	counts->option_bytes = option_bytes(ec);
	counts->n = ec->cells->members;
	counts->rows = ec->rows;
	put_cells(ec, annotator_rank, label_rank, counts->cells);
	put_names(ec, counts, annotators, labels);
	pfree(annotators);
	pfree(labels);
	pfree(annotator_rank);
	pfree(label_rank);
	MemoryContextSwitchTo(old);
}

static const ExpandedObjectMethods methods = {get_flat_size, flatten_into};

/* The counts themselves if they are expanded, or NULL. */
ExpandedCounts *
annotator_counts_expanded(Datum datum)
{
	return (ExpandedCounts *) value_expanded(datum, &methods);
}

/* Of no rows, in a context of its own below "parent". */
ExpandedCounts *
annotator_counts_create(MemoryContext parent)
{
	MemoryContext context = AllocSetContextCreate(parent, "annotator_counts",
												  ALLOCSET_START_SMALL_SIZES);
	ExpandedCounts *ec = MemoryContextAllocZero(context, sizeof(ExpandedCounts));

	EOH_init_header(&ec->hdr, &methods, context);
	ec->annotators = dictionary_create(context, "annotator", PG_UINT32_MAX - 1);
	ec->labels = dictionary_create(context, "label", NL_MAX_CLASSES);
	ec->capacity = FIRST_ANNOTATORS;
	ec->answers = MemoryContextAllocZero(context, FIRST_ANNOTATORS * sizeof(int64));
	ec->cells = counttable_create(context, FIRST_CELLS, NULL);
	return ec;
}

/*
 * Adding
 */

/* What an annotator's dictionary and table would take together when they grow. */
static void
check_memory(const ExpandedCounts *ec, Size more)
{
	Size		cells = mul_size(ec->cells->size, sizeof(CountEntry));

	nl_check_memory_for(add_size(add_size(cells, more),
								 add_size(dictionary_memory(ec->annotators),
										  mul_size(ec->capacity, sizeof(int64)))),
						"learn_annotators()", "learn of fewer annotators, or merge classes",
						"It grows with the pairs of truth and label that each annotator has: %u so far, of %u annotators.",
						ec->cells->members, ec->annotators->n);
}

static uint32
add_annotator(ExpandedCounts *ec, NameView name)
{
	uint32		code = dictionary_add(ec->annotators, name);
	Size		size = mul_size(ec->capacity, 2 * sizeof(int64));

	if (likely(ec->annotators->n <= ec->capacity))
		return code;
	check_memory(ec, size);
	ec->answers = repalloc_huge(ec->answers, size);
	nl_clear(ec->answers + ec->capacity, size / 2);
	ec->capacity *= 2;
	return code;
}

static void
add_cell(ExpandedCounts *ec, uint64 key, const ExactSum *count, const ExactSum *variance)
{
	CountEntry *entry;
	bool		found;

	if (unlikely(ec->cells->members >= ec->cells->grow_threshold))
		check_memory(ec, mul_size(ec->cells->size, 2 * sizeof(CountEntry)));
	entry = counttable_insert(ec->cells, key, &found);
	if (!found)
		entry->count = entry->variance = (ExactSum) {0, 0};
	exact_sum_add(&entry->count, count);
	exact_sum_add(&entry->variance, variance);
}

/* What one row says about one truth. */
static void
add_probability(ExpandedCounts *ec, uint32 annotator, uint32 label, uint32 truth, double p)
{
	ExactSum	count = exact_sum_of(p * COUNT_UNITS);
	ExactSum	variance = exact_sum_of(p * Max(1 - p, 0) * COUNT_UNITS);

	if (count.high > 0 || count.low > 0)
		add_cell(ec, cell_key(annotator, label, truth), &count, &variance);
}

static void
count_answers(ExpandedCounts *ec, uint32 annotator, int64 answers)
{
	if (answers > MAX_COUNTED_ROWS - ec->rows)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("more than " INT64_FORMAT " rows in one aggregate",
						MAX_COUNTED_ROWS)));
	ec->rows += answers;
	ec->answers[annotator] += answers;
}

/* A label that a distribution gives no probability is a class all the same. */
static void
add_expected(ExpandedCounts *ec, const LogRow *row)
{
	LabelDistribution *truth =
		label_distribution_get(PointerGetDatum(log_field_aligned(&row->field[1])));
	Names		names = label_distribution_labels(truth);
	uint32		j = add_annotator(ec, log_field_name(&row->field[0]));
	uint32		l = dictionary_add(ec->labels, log_field_name(&row->field[2]));

	count_answers(ec, j, 1);
	for (uint32 k = 0; k < truth->n; k++)
	{
		CHECK_FOR_INTERRUPTS();
		add_probability(ec, j, l, dictionary_add(ec->labels, names_get(&names, k)),
						Min(truth->p[k], 1));
	}
}

static void
add_truth(ExpandedCounts *ec, const LogRow *row)
{
	uint32		j = add_annotator(ec, log_field_name(&row->field[0]));
	uint32		k = dictionary_add(ec->labels, log_field_name(&row->field[1]));
	uint32		l = dictionary_add(ec->labels, log_field_name(&row->field[2]));

	count_answers(ec, j, 1);
	add_probability(ec, j, l, k, 1);
}

/* A row of an aggregate, as it comes or from the log. */
void
annotator_counts_add_row(ExpandedCounts *ec, const LogRow *row)
{
	if (row->kind == COUNT_ROW_COUNTS && row->n == 1)
		annotator_counts_merge(ec, PointerGetDatum(log_field_aligned(&row->field[0])));
	else if (row->kind == COUNT_ROW_EXPECTED && row->n == 3)
		add_expected(ec, row);
	else if (row->kind == COUNT_ROW_TRUTH && row->n == 3)
		add_truth(ec, row);
	else
		value_corrupt(KIND_ANNOTATOR_COUNTS);
}

/* Add other counts, flat or expanded; everything is joined by name. */
void
annotator_counts_merge(ExpandedCounts *ec, Datum other)
{
	AnnotatorCounts *counts = annotator_counts_get(other);
	AnnotatorCountsView view = view_of(counts);
	uint32	   *labels = dictionary_add_names(ec->labels, &view.labels);
	uint32	   *annotators = nl_alloc(CurrentMemoryContext,
									  mul_size(Max(view.annotators.n, 1), sizeof(uint32)));

	for (uint32 j = 0; j < view.annotators.n; j++)
	{
		CHECK_FOR_INTERRUPTS();
		annotators[j] = add_annotator(ec, names_get(&view.annotators, j));
		count_answers(ec, annotators[j], view.answers[j]);
	}
	for (uint32 i = 0; i < view.n; i++)
	{
		const CountCell *cell = &view.cells[i];

		CHECK_FOR_INTERRUPTS();
		add_cell(ec, cell_key(annotators[cell->annotator], labels[cell->label],
							  labels[cell->truth]), &cell->count, &cell->variance);
	}
	state_options_add_text(&ec->options, view.options, ec->hdr.eoh_context);
	pfree(annotators);
	pfree(labels);
	if ((Pointer) counts != DatumGetPointer(other))
		pfree(counts);
}

static ExpandedCounts *
replay(const RowLog *log, MemoryContext parent)
{
	ExpandedCounts *ec = annotator_counts_create(parent);
	RowOptions	options = row_log_options(log);
	LogReader	reader = row_log_begin(log);
	LogRow		row;

	state_options_add(&ec->options, &options, ec->hdr.eoh_context);
	while (row_log_next(&reader, &row))
		annotator_counts_add_row(ec, &row);
	return ec;
}

/* A copy that may be changed, below "parent". */
ExpandedCounts *
annotator_counts_expand(Datum datum, MemoryContext parent)
{
	void	   *value = value_get(datum, KIND_ANNOTATOR_COUNTS,
								  offsetof(AnnotatorCounts, cells));
	ExpandedCounts *ec;

	if (value_is_row_log(value))
		return replay(value, parent);
	ec = annotator_counts_create(parent);
	annotator_counts_merge(ec, PointerGetDatum(value));
	return ec;
}

/*
 * Input and output.  Binary: version, options, names of annotators and labels, the
 * answers of each annotator, and the cells; text: the same in base64 (see
 * value_forms.h).
 */
static void
send_sum(StringInfo buf, const ExactSum *sum)
{
	pq_sendint64(buf, sum->high);
	pq_sendint64(buf, sum->low);
}

static void
write_counts(StringInfo buf, const void *value, int encoding)
{
	AnnotatorCountsView view = view_of(value);

	value_send_version(buf, KIND_ANNOTATOR_COUNTS);
	name_send(buf, name_of(view.options == NULL ? "" : view.options), encoding);
	names_send(buf, &view.annotators, encoding);
	names_send(buf, &view.labels, encoding);
	for (uint32 j = 0; j < view.annotators.n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		pq_sendint64(buf, view.answers[j]);
	}
	for (uint32 i = 0; i < view.n; i++)
	{
		const CountCell *cell = &view.cells[i];

		CHECK_FOR_INTERRUPTS();
		pq_sendint32(buf, cell->annotator);
		pq_sendint16(buf, cell->label);
		pq_sendint16(buf, cell->truth);
		send_sum(buf, &cell->count);
		send_sum(buf, &cell->variance);
	}
}

static void
read_answers(StringInfo buf, ExpandedCounts *ec)
{
	uint32		annotators = ec->annotators->n;

	if (annotators == 0 || ec->labels->n == 0 ||
		mul_size(annotators, sizeof(int64)) > (Size) (buf->len - buf->cursor))
		value_invalid_binary(KIND_ANNOTATOR_COUNTS, "Its size is wrong.");
	ec->answers = nl_alloc_zero(ec->hdr.eoh_context, annotators * sizeof(int64));
	ec->capacity = annotators;
	for (uint32 j = 0; j < annotators; j++)
	{
		int64		answers = pq_getmsgint64(buf);

		NL_CHECK_INTERRUPTS(j);
		if (answers < 1 || answers > MAX_COUNTED_ROWS)
			value_invalid_binary(KIND_ANNOTATOR_COUNTS, "A number of answers is out of range.");
		count_answers(ec, j, answers);
	}
}

static ExactSum
read_sum(StringInfo buf)
{
	uint64		high = pq_getmsgint64(buf);
	uint64		low = pq_getmsgint64(buf);

	return (ExactSum) {high, low};
}

/* Each cell once, and no more in it than the annotator's answers. */
static void
read_cell(StringInfo buf, ExpandedCounts *ec)
{
	uint32		annotator = pq_getmsgint(buf, 4);
	uint32		label = pq_getmsgint(buf, 2);
	uint32		truth = pq_getmsgint(buf, 2);
	ExactSum	count = read_sum(buf);
	ExactSum	variance = read_sum(buf);
	uint64		key = cell_key(annotator, label, truth);

	if (annotator >= ec->annotators->n || label >= ec->labels->n || truth >= ec->labels->n ||
		counttable_lookup(ec->cells, key) != NULL)
		value_invalid_binary(KIND_ANNOTATOR_COUNTS, "A cell is out of range.");
	if ((count.high == 0 && count.low == 0) || exact_sum_less(&count, &variance) ||
		exact_sum_value(&count) > ec->answers[annotator] * COUNT_UNITS)
		value_invalid_binary(KIND_ANNOTATOR_COUNTS, "A count is out of range.");
	add_cell(ec, key, &count, &variance);
}

/* The counts of an annotator sum to the answers, but for rounded probabilities. */
static void
check_sums(ExpandedCounts *ec)
{
	double	   *sums = nl_alloc_zero(CurrentMemoryContext,
									 ec->annotators->n * sizeof(double));
	counttable_iterator at;
	CountEntry *entry;

	counttable_start_iterate(ec->cells, &at);
	while ((entry = counttable_iterate(ec->cells, &at)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		sums[entry->key >> 32] += exact_sum_value(&entry->count) / COUNT_UNITS;
	}
	for (uint32 j = 0; j < ec->annotators->n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		if (fabs(sums[j] / ec->answers[j] - 1) > 1e-6)
			value_invalid_binary(KIND_ANNOTATOR_COUNTS, "The counts do not sum to the answers.");
	}
	pfree(sums);
}

#define CELL_BYTES (4 + 2 + 2 + 4 * 8)

static Datum
read_counts(StringInfo buf, int encoding)
{
	ExpandedCounts *ec = annotator_counts_create(CurrentMemoryContext);
	char	   *options;

	value_recv_version(buf, KIND_ANNOTATOR_COUNTS);
	options = value_recv_string(buf, KIND_ANNOTATOR_COUNTS, "Its options have", encoding);
	if (options[0] != '\0')
		state_options_add_text(&ec->options, options, ec->hdr.eoh_context);
	dictionary_recv(ec->annotators, buf, encoding);
	dictionary_recv(ec->labels, buf, encoding);
	read_answers(buf, ec);
	if ((buf->len - buf->cursor) % CELL_BYTES != 0)
		value_invalid_binary(KIND_ANNOTATOR_COUNTS, "Its size is wrong.");
	while (buf->cursor < buf->len)
		read_cell(buf, ec);
	check_sums(ec);
	return value_flatten(&ec->hdr);
}

static const ValueForms annotator_counts_forms = {
	.kind = KIND_ANNOTATOR_COUNTS,.write_binary = write_counts,.read_binary = read_counts
};

VALUE_INPUT_FUNCTIONS(annotator_counts)
VALUE_OUTPUT_FUNCTIONS(annotator_counts, annotator_counts_get)
