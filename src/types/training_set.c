/*
 * training_set.c
 *		Rows to learn from, and the type training_set; see training_set.h.
 *
 * Memory: the matrix of features in chunks, 2 bytes for a label, 8 for a
 * weight; targets of a soft set take 4 bytes a row and 10 for each label.
 * Arrays of rows are doubled, or made once where the number of rows is known.
 *
 * Binary form: version; labels; options; whether soft, whether weighted; the
 * numbers of rows and features; for each row its target (a label's number, or
 * the number of labels and each with its probability), its weight, its
 * features.  Of answers there are, before the rows, a list of their rates.  Text form: that in base64 (see value.h).
 */
#include "types/training_set.h"

#include <math.h>

#include "pg/arguments.h"
#include "pg/json.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "names/names_io.h"
#include "types/row_order.h"
#include "types/training_state.h"
#include "types/value_forms.h"

#define FIRST_ROWS 16

void
training_set_init(TrainingSet *set, MemoryContext context, bool soft,
				  bool weighted, uint32 expected)
{
	uint32		rows = expected > 0 ? expected : FIRST_ROWS;

	memset(set, 0, sizeof(*set));
	set->context = context;
	set->soft = soft;
	set->labels = dictionary_create(context, "label", NL_MAX_CLASSES);
	feature_matrix_init(&set->x, context, expected);
	set->capacity = rows;
	if (weighted)
		set->weight = nl_alloc(context, mul_size(rows, sizeof(double)));
	if (!soft)
	{
		set->label = nl_alloc(context, mul_size(rows, sizeof(uint16)));
		return;
	}
	set->target_end = nl_alloc(context, mul_size(rows, sizeof(uint32)));
	set->targets_capacity = 2 * FIRST_ROWS;
	set->target_label = MemoryContextAlloc(context, set->targets_capacity * sizeof(uint32));
	set->target_p = MemoryContextAlloc(context, set->targets_capacity * sizeof(double));
}

/* As rows of it are: which TRAINING_ROW_... they have. */
uint8
training_set_kind(const TrainingSet *set)
{
	if (set->answers)
		return TRAINING_ROW_ANSWER;
	return (set->soft ? TRAINING_ROW_SOFT : 0) | (set->weight != NULL ? TRAINING_ROW_WEIGHTED : 0);
}

/* What is joined to a set must be of its kind, for it has no room for other. */
void
training_set_check_kind(const TrainingSet *set, uint8 kind)
{
	if (training_set_kind(set) != kind)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("training_sets with and without soft targets or weights cannot be joined")));
}

static Size
row_bytes(const TrainingSet *set)
{
	return (set->soft ? sizeof(uint32) : sizeof(uint16)) +
		(set->weight != NULL ? sizeof(double) : 0);
}

Size
training_set_memory(const TrainingSet *set)
{
	Size		size = add_size(feature_matrix_memory(&set->x),
								mul_size(set->capacity, row_bytes(set)));

	size = add_size(size, mul_size(set->targets_capacity,
								   sizeof(uint32) + sizeof(double)));
	if (set->vectors != NULL)
		size = add_size(size, add_size(dictionary_memory(set->vectors),
									   mul_size(dictionary_bytes(set->vectors), 2)));
	return add_size(size, dictionary_memory(set->labels));
}

static void
grow_rows(TrainingSet *set)
{
	Size		capacity = mul_size(set->capacity, 2);

	if (capacity > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a training_set holds at most %d rows", PG_INT32_MAX / 2 + 1)));
	nl_check_memory(add_size(training_set_memory(set),
							 mul_size(set->capacity, row_bytes(set))),
					"a training_set");
	if (set->weight != NULL)
		set->weight = repalloc_huge(set->weight, capacity * sizeof(double));
	if (set->soft)
		set->target_end = repalloc_huge(set->target_end, capacity * sizeof(uint32));
	else
		set->label = repalloc_huge(set->label, capacity * sizeof(uint16));
	set->capacity = capacity;
}

/* Room for a row, which has no target yet; those of soft rows come in order. */
static void
begin_row(TrainingSet *set, uint32 row)
{
	if (row == set->capacity)
		grow_rows(set);
	if (set->soft)
		set->target_end[row] = target_begin(set, row);
	else
		set->label[row] = NO_LABEL;
}

static void
add_label(TrainingSet *set, uint32 row, NameView label)
{
	begin_row(set, row);
	set->label[row] = dictionary_add(set->labels, label);
}

/* NULL: the row has no label. */
void
training_set_label(TrainingSet *set, uint32 row, const text *label)
{
	if (label == NULL)
		begin_row(set, row);
	else
		add_label(set, row, name_of_text(label));
}

static void
add_target(TrainingSet *set, uint32 row, uint32 label, double p)
{
	uint32		end = set->target_end[row];

	if (end == set->targets_capacity)
	{
		Size		capacity = mul_size(set->targets_capacity, 2);

		nl_check_memory(add_size(training_set_memory(set),
								 mul_size(set->targets_capacity,
										  sizeof(uint32) + sizeof(double))),
						"a training_set");
		if (capacity > PG_INT32_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("a training_set holds at most %d target probabilities",
							PG_INT32_MAX / 2 + 1)));
		set->target_label = repalloc_huge(set->target_label, capacity * sizeof(uint32));
		set->target_p = repalloc_huge(set->target_p, capacity * sizeof(double));
		set->targets_capacity = capacity;
	}
	set->target_label[end] = label;
	set->target_p[end] = p;
	set->target_end[row] = end + 1;
}

/* NULL: the row has no target. */
void
training_set_target(TrainingSet *set, uint32 row, const LabelDistribution *target)
{
	Names		names;

	begin_row(set, row);
	if (target == NULL)
		return;
	names = label_distribution_labels(target);
	for (uint32 k = 0; k < target->n; k++)
	{
		uint32		code = dictionary_add(set->labels, names_get(&names, k));

		if (target->p[k] > 0)
			add_target(set, row, code, target->p[k]);
	}
}

/* Another answer of the row that training_set_target(set, row, NULL) began. */
void
training_set_answer(TrainingSet *set, uint32 row, uint32 code, double share)
{
	add_target(set, row, code, share);
}

void
training_set_weight(TrainingSet *set, uint32 row, double weight)
{
	nl_check_weight(weight);
	set->weight[row] = weight + 0.0;	/* no -0, as in all stored values */
}

/*
 * The labels in canonical order; codes of the rows become ranks in it.  No row
 * can be added afterwards.
 */
Names
training_set_names(TrainingSet *set)
{
	uint32	   *order = dictionary_order(set->labels, ORDER_LABELS);
	uint32	   *rank = dictionary_rank(order, set->labels->n);
	Names		names = dictionary_names(set->labels, order);

	for (uint32 i = 0; i < set->x.n && !set->soft; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (set->label[i] != NO_LABEL)
			set->label[i] = rank[set->label[i]];
	}
	for (uint32 i = 0; set->soft && set->rates == NULL && i < target_begin(set, set->x.n); i++)
	{
		NL_CHECK_INTERRUPTS(i);
		set->target_label[i] = rank[set->target_label[i]];
	}
	if (set->answers)
		training_answers_end(set, rank);
	pfree(order);
	pfree(rank);
	return names;
}

/*
 * Other orders
 */
static void
permute_targets(TrainingSet *set, const uint32 *source)
{
	uint32		targets = target_begin(set, set->x.n);
	uint32	   *label = nl_alloc(set->context, mul_size(Max(targets, 1), sizeof(uint32)));
	double	   *p = nl_alloc(set->context, mul_size(Max(targets, 1), sizeof(double)));
	uint32	   *end = nl_alloc(set->context, mul_size(set->x.n, sizeof(uint32)));
	uint32		to = 0;

	for (uint32 i = 0; i < set->x.n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		for (uint32 t = target_begin(set, source[i]); t < set->target_end[source[i]]; t++)
		{
			label[to] = set->target_label[t];
			p[to++] = set->target_p[t];
		}
		end[i] = to;
	}
	pfree(set->target_label);
	pfree(set->target_p);
	pfree(set->target_end);
	set->target_label = label;
	set->target_p = p;
	set->target_end = end;
	set->targets_capacity = targets;
}

/* Elements of that size in the order of "source", in place of the old array. */
static void *
permute_array(TrainingSet *set, void *array, Size size, const uint32 *source)
{
	char	   *to = nl_alloc(set->context, mul_size(set->x.n, size));

	for (uint32 i = 0; i < set->x.n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		memcpy(to + i * size, (char *) array + source[i] * size, size);
	}
	pfree(array);
	return to;
}

/* Row i becomes what row source[i] was.  No row can be added afterwards. */
void
training_set_permute(TrainingSet *set, const uint32 *source)
{
	if (set->x.n == 0)
		return;
	feature_matrix_permute(&set->x, source);
	if (set->soft)
		permute_targets(set, source);
	else
		set->label = permute_array(set, set->label, sizeof(uint16), source);
	if (set->weight != NULL)
		set->weight = permute_array(set, set->weight, sizeof(double), source);
	set->capacity = set->x.n;
}

/* Free the rows; there will be no others. */
void
training_set_free_rows(TrainingSet *set)
{
	void	   *arrays[] = {set->x.chunks, set->label, set->weight,
		set->target_end, set->target_label, set->target_p, set->rates};

	for (uint32 i = 0; i < set->x.n_chunks; i++)
		if (set->x.chunks[i].rows != NULL)
			pfree(set->x.chunks[i].block);
	for (int i = 0; i < (int) lengthof(arrays); i++)
		if (arrays[i] != NULL)
			pfree(arrays[i]);
	memset(&set->x, 0, sizeof(set->x));
	set->label = NULL;
	set->weight = NULL;
	set->target_end = NULL;
	set->target_label = NULL;
	set->target_p = NULL;
	set->rates = NULL;
}

/*
 * The SQL type
 */
static const ExpandedObjectMethods methods;

ExpandedTraining *
training_expand_new(MemoryContext parent, uint8 kind)
{
	MemoryContext context = AllocSetContextCreate(parent, "training_set",
												  ALLOCSET_START_SMALL_SIZES);
	ExpandedTraining *et = MemoryContextAllocZero(context, sizeof(ExpandedTraining));

	EOH_init_header(&et->hdr, &methods, context);
	training_set_init(&et->set, context, kind & (TRAINING_ROW_SOFT | TRAINING_ROW_ANSWER),
					  kind & TRAINING_ROW_WEIGHTED, 0);
	if (kind & TRAINING_ROW_ANSWER)
		training_answers_begin(&et->set);
	return et;
}

/* Append row i of another set. */
static void
copy_row(TrainingSet *to, const TrainingSet *from, uint32 i, const uint32 *codes)
{
	uint32		features = from->x.width - 1;

	begin_row(to, to->x.n);
	if (!from->soft)
		to->label[to->x.n] = codes[from->label[i]];
	else
		for (uint32 t = target_begin(from, i); t < from->target_end[i]; t++)
			add_target(to, to->x.n, codes[from->target_label[t]], from->target_p[t]);
	if (to->weight != NULL)
		to->weight[to->x.n] = from->weight[i];
	memcpy(feature_matrix_add(&to->x, features) + 1,
		   feature_row(&from->x, i) + 1, features * sizeof(double));
}

void
training_set_merge(ExpandedTraining *et, const ExpandedTraining *other)
{
	TrainingSet *to = &et->set;
	const TrainingSet *from = &other->set;
	uint32	   *codes;

	training_set_check_kind(to, training_set_kind(from));
	if (to->x.n > 0 && from->x.n > 0 && to->x.width != from->x.width)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("some rows have %u features, others %u",
						to->x.width - 1, from->x.width - 1),
				 errhint("Give all rows the same features, in the same order.")));
	state_options_add_text(&et->options, other->options.text, et->hdr.eoh_context);
	codes = from->answers ? training_answers_merge(to, from) :
		dictionary_add_all(to->labels, from->labels);
	for (uint32 i = 0; i < from->x.n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		copy_row(to, from, i, codes);
	}
	pfree(codes);
}

static void
add_answer(TrainingSet *set, const LogRow *row)
{
	TrainingAnswer answer;

	if (row->field[1].size != sizeof(answer))
		value_corrupt(KIND_TRAINING_SET);
	memcpy(&answer, row->field[1].data, sizeof(answer));
	begin_row(set, set->x.n);
	training_answers_add(set, answer.fingerprint,
						 label_distribution_get(PointerGetDatum(log_field_aligned(row->field))),
						 answer.scale);
}

/* A row of an aggregate, as it comes or from the log. */
void
training_set_add_row(ExpandedTraining *et, const LogRow *row)
{
	const LogField *f = row->field;
	TrainingSet *set = &et->set;
	bool		soft = row->kind & TRAINING_ROW_SOFT;
	bool		weighted = row->kind & TRAINING_ROW_WEIGHTED;
	bool		answer = row->kind & TRAINING_ROW_ANSWER;
	uint32		i = set->x.n;

	if (row->n != 2 + (weighted || answer))
		value_corrupt(KIND_TRAINING_SET);
	training_set_check_kind(set, row->kind);
	if (answer)
		add_answer(set, row);
	else if (soft)
		training_set_target(set, i, label_distribution_get(PointerGetDatum(log_field_aligned(f))));
	else
		add_label(set, i, log_field_name(f));
	if (weighted)
		training_set_weight(set, i, log_field_double(row, 1, KIND_TRAINING_SET));
	feature_matrix_add_row(&set->x, f[row->n - 1].data,
						   f[row->n - 1].size / sizeof(double), (int64) i + 1);
}

/* Bytes that the binary form of the rows takes. */
static Size
written_size(const TrainingSet *set)
{
	Size		row = set->x.width * sizeof(double) + sizeof(uint32) +
		(set->weight != NULL ? sizeof(double) : 0);
	Size		size = mul_size(set->x.n, row);

	if (set->answers)
		size = add_size(size, dictionary_bytes(set->vectors));
	else if (set->soft && set->x.n > 0)
		size = add_size(size, mul_size(set->target_end[set->x.n - 1],
									   sizeof(uint16) + sizeof(double)));
	return size;
}

/* What the binary form says of targets */
enum
{
	TARGETS_LABELS,
	TARGETS_SOFT,
	TARGETS_ANSWERS
};

/* Fingerprint, and the rates of each code. */
static void
write_answers(StringInfo buf, const TrainingSet *set)
{
	Size		n = (Size) set->codes * set->labels->n;

	pq_sendint64(buf, set->fingerprint);
	pq_sendint32(buf, set->codes);
	for (Size i = 0; i < n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		pq_sendfloat8(buf, set->rates[i]);
	}
}

static void
write_set(StringInfo buf, const ExpandedTraining *et, int encoding)
{
	const TrainingSet *set = &et->set;

	/* before it becomes too large for a StringInfo */
	(void) value_check_size(written_size(set), KIND_TRAINING_SET);
	value_send_version(buf, KIND_TRAINING_SET);
	pq_sendint32(buf, set->labels->n);
	for (uint32 i = 0; i < set->labels->n; i++)
		name_send(buf, dictionary_get(set->labels, i), encoding);
	name_send(buf, name_of(et->options.text ? et->options.text : ""), encoding);
	pq_sendint8(buf, set->answers ? TARGETS_ANSWERS : set->soft ? TARGETS_SOFT : TARGETS_LABELS);
	pq_sendint8(buf, set->weight != NULL);
	pq_sendint32(buf, set->x.n);
	pq_sendint32(buf, set->x.width == 0 ? 0 : set->x.width - 1);
	if (set->answers)
		write_answers(buf, set);
	for (uint32 i = 0; i < set->x.n; i++)
	{
		const double *row = feature_row(&set->x, i);

		CHECK_FOR_INTERRUPTS();
		if (set->answers)
			pq_sendint32(buf, set->target_label[i]);
		else if (!set->soft)
			pq_sendint16(buf, set->label[i]);
		else
		{
			pq_sendint16(buf, set->target_end[i] - target_begin(set, i));
			for (uint32 t = target_begin(set, i); t < set->target_end[i]; t++)
			{
				pq_sendint16(buf, set->target_label[t]);
				pq_sendfloat8(buf, set->target_p[t]);
			}
		}
		if (set->weight != NULL)
			pq_sendfloat8(buf, set->weight[i]);
		for (uint32 j = 1; j < set->x.width; j++)
			pq_sendfloat8(buf, row[j]);
	}
}

static void
read_options(StringInfo buf, ExpandedTraining *et, int encoding)
{
	char	   *s = value_recv_string(buf, KIND_TRAINING_SET, "Its options have", encoding);

	if (*s == '\0')
		return;
	if (strcmp(s, "null") != 0)
		(void) jsonio_parse_object("training_set", s);
	state_options_add_text(&et->options, s, et->hdr.eoh_context);
}

static uint32
read_label(StringInfo buf, const TrainingSet *set)
{
	uint32		label = pq_getmsgint(buf, 2);

	if (label >= set->labels->n)
		value_invalid_binary(KIND_TRAINING_SET, "A row has a label that is not listed.");
	return label;
}

/* "seen", a place for each label, has the number of the last row with it. */
static void
read_soft_target(StringInfo buf, TrainingSet *set, uint32 *seen)
{
	uint32		n = pq_getmsgint(buf, 2);
	uint32		row = set->x.n + 1;
	double		sum = 0;

	for (uint32 t = 0; t < n; t++)
	{
		uint32		label = read_label(buf, set);
		double		p = pq_getmsgfloat8(buf);

		if (seen[label] == row)
			value_invalid_binary(KIND_TRAINING_SET, "A target has a label twice.");
		seen[label] = row;
		if (!(p > 0 && p <= 1 + 1e-6))
			value_invalid_binary(KIND_TRAINING_SET, "A target is no probability.");
		add_target(set, set->x.n, label, p);
		sum += p;
	}
	if (fabs(sum - 1) > 1e-6)
		value_invalid_binary(KIND_TRAINING_SET, "A target does not sum to 1.");
}

/* The rates of a code: one at least is above 0, and none above 1. */
static void
read_rates(StringInfo buf, TrainingSet *set)
{
	double	   *rates = training_answers_reserve(set);
	double		most = 0;
	uint32		code = set->codes;

	for (uint32 k = 0; k < set->labels->n; k++)
	{
		rates[k] = pq_getmsgfloat8(buf) + 0.0;
		if (!(rates[k] >= 0 && rates[k] <= 1 + 1e-6))
			value_invalid_binary(KIND_TRAINING_SET, "A rate is no probability.");
		most = Max(most, rates[k]);
	}
	if (!(most > 0))
		value_invalid_binary(KIND_TRAINING_SET, "An answer is not possible.");
	if (training_answers_code(set, rates) != code)
		value_invalid_binary(KIND_TRAINING_SET, "An answer is listed twice.");
}

static void
read_answers(StringInfo buf, TrainingSet *set)
{
	uint32		n;

	training_answers_begin(set);
	set->fingerprint = pq_getmsgint64(buf);
	n = pq_getmsgint(buf, 4);
	if (n > 0 && (set->labels->n == 0 ||
				  n > (Size) (buf->len - buf->cursor) / set->labels->n / sizeof(double)))
		value_invalid_binary(KIND_TRAINING_SET, "It is truncated.");
	for (uint32 i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		read_rates(buf, set);
	}
}

static void
read_answer(StringInfo buf, TrainingSet *set)
{
	uint32		code = pq_getmsgint(buf, 4);

	if (code >= set->codes)
		value_invalid_binary(KIND_TRAINING_SET, "A row has an answer that is not listed.");
	add_target(set, set->x.n, code, 1);
}

static void
read_row(StringInfo buf, TrainingSet *set, uint32 features, uint32 *seen)
{
	double		weight;
	double	   *row;

	begin_row(set, set->x.n);
	if (set->answers)
		read_answer(buf, set);
	else if (set->soft)
		read_soft_target(buf, set, seen);
	else
		set->label[set->x.n] = read_label(buf, set);
	if (set->weight != NULL)
	{
		weight = pq_getmsgfloat8(buf);
		nl_check_weight(weight);
		set->weight[set->x.n] = weight + 0.0;
	}
	row = feature_matrix_add(&set->x, features) + 1;
	for (uint32 j = 0; j < features; j++)
		row[j] = pq_getmsgfloat8(buf);
	features_copy(row, row, features, set->x.n);
}

static ExpandedTraining *
read_set(StringInfo buf, MemoryContext parent, int encoding)
{
	ExpandedTraining *et = training_expand_new(parent, TRAINING_ROW_SOFT | TRAINING_ROW_WEIGHTED);
	Dictionary *labels = et->set.labels;
	MemoryContext context = et->hdr.eoh_context;
	uint8		targets;
	bool		weighted;
	uint32		n;
	uint32		features;
	uint32	   *seen;

	value_recv_version(buf, KIND_TRAINING_SET);
	dictionary_recv(labels, buf, encoding);
	read_options(buf, et, encoding);
	targets = pq_getmsgbyte(buf);
	weighted = pq_getmsgbyte(buf) != 0;
	n = pq_getmsgint(buf, 4);
	features = pq_getmsgint(buf, 4);
	/* nothing is allocated for rows that are not there */
	if ((n > 0) != (features > 0) || (n > 0) != (labels->n > 0) ||
		(features > 0 && n > (Size) (buf->len - buf->cursor) / features / sizeof(double)))
		value_invalid_binary(KIND_TRAINING_SET, "It is truncated.");
	if (features > MAX_FEATURES)
		value_invalid_binary(KIND_TRAINING_SET, "It has too many features.");
	if (targets > TARGETS_ANSWERS || (targets == TARGETS_ANSWERS && weighted))
		value_invalid_binary(KIND_TRAINING_SET, "It has targets of no known kind.");
	training_set_init(&et->set, context, targets != TARGETS_LABELS, weighted, n);
	et->set.labels = labels;
	if (targets == TARGETS_ANSWERS)
		read_answers(buf, &et->set);
	seen = palloc0(Max(labels->n, 1) * sizeof(uint32));
	for (uint32 i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		read_row(buf, &et->set, features, seen);
	}
	pfree(seen);
	et->set.x.expected = 0;
	pq_getmsgend(buf);
	return et;
}

static StringInfo
flat_buffer(ExpandedTraining *et)
{
	if (et->flat == NULL)
	{
		MemoryContext old = value_begin_flatten(&et->hdr);
		Size		size = value_check_size(written_size(&et->set),
											KIND_TRAINING_SET);

		nl_check_memory(add_size(training_set_memory(&et->set), size),
						"storing a training_set");
		et->flat = makeStringInfo();
		enlargeStringInfo(et->flat, size);
		write_set(et->flat, et, value_text_encoding());
		MemoryContextSwitchTo(old);
	}
	return et->flat;
}

static Size
get_flat_size(ExpandedObjectHeader *eoh)
{
	return value_bytes_size(flat_buffer((ExpandedTraining *) eoh), KIND_TRAINING_SET);
}

static void
flatten_into(ExpandedObjectHeader *eoh, void *result, Size size)
{
	ExpandedTraining *et = (ExpandedTraining *) eoh;

	flat_buffer(et);
	value_bytes_store(result, size, KIND_TRAINING_SET, &et->flat);
}

static const ExpandedObjectMethods methods = {get_flat_size, flatten_into};

/* A set that came as a row; "et" is NULL where it is the first. */
static ExpandedTraining *
add_set(ExpandedTraining *et, MemoryContext parent, const LogRow *row)
{
	Datum		stored = PointerGetDatum(log_field_aligned(&row->field[0]));
	ExpandedTraining *other;

	if (row->n != 1)
		value_corrupt(KIND_TRAINING_SET);
	if (et == NULL)
		return training_expand(stored, parent);
	other = training_expand(stored, CurrentMemoryContext);
	training_set_merge(et, other);
	DeleteExpandedObject(EOHPGetRWDatum(&other->hdr));
	return et;
}

static ExpandedTraining *
replay(const RowLog *log, MemoryContext parent)
{
	RowOptions	options = row_log_options(log);
	LogReader	reader = row_log_begin(log);
	ExpandedTraining *et = NULL;
	LogRow		row;

	while (row_log_next(&reader, &row))
	{
		if (row.kind & TRAINING_ROW_SET)
			et = add_set(et, parent, &row);
		else
		{
			if (et == NULL)
				et = training_expand_new(parent, row.kind);
			training_set_add_row(et, &row);
		}
	}
	if (et == NULL)
		value_corrupt(KIND_TRAINING_SET);
	state_options_add(&et->options, &options, et->hdr.eoh_context);
	return et;
}

/* The set itself if it is expanded, or NULL. */
ExpandedTraining *
training_expanded(Datum datum)
{
	return (ExpandedTraining *) value_expanded(datum, &methods);
}

/* A copy of any form of the set, in a context below "parent". */
ExpandedTraining *
training_expand(Datum datum, MemoryContext parent)
{
	const ExpandedTraining *from = training_expanded(datum);
	StringInfoData buf;
	ValueBytes *flat;

	if (from != NULL)
	{
		ExpandedTraining *et = training_expand_new(parent, training_set_kind(&from->set));

		training_set_merge(et, from);
		return et;
	}
	flat = value_get(datum, KIND_TRAINING_SET, offsetof(ValueBytes, data));
	if (value_is_row_log(flat))
		return replay((RowLog *) flat, parent);
	buf = value_bytes_reader(flat, KIND_TRAINING_SET);
	return read_set(&buf, parent, value_text_encoding());
}

/* The set itself if it is expanded, or else a copy. */
ExpandedTraining *
training_get(Datum datum, MemoryContext parent)
{
	ExpandedTraining *et = training_expanded(datum);

	return et != NULL ? et : training_expand(datum, parent);
}

/* The targets of a soft row in order of their labels. */
static void
sort_targets(TrainingSet *set, uint32 row)
{
	for (uint32 t = target_begin(set, row) + 1; t < set->target_end[row]; t++)
	{
		uint32		label = set->target_label[t];
		double		p = set->target_p[t];
		uint32		to = t;

		CHECK_FOR_INTERRUPTS();
		for (; to > target_begin(set, row) && set->target_label[to - 1] > label; to--)
		{
			set->target_label[to] = set->target_label[to - 1];
			set->target_p[to] = set->target_p[to - 1];
		}
		set->target_label[to] = label;
		set->target_p[to] = p;
	}
}

/*
 * A stored form that equal sets of rows share.  Those of travelling states have
 * labels and rows as they came.
 */
Datum
training_canonical(Datum datum)
{
	ExpandedTraining *et = training_expand(datum, CurrentMemoryContext);
	TrainingSet *set = &et->set;
	MemoryContext old = MemoryContextSwitchTo(et->hdr.eoh_context);
	Names		names = training_set_names(set);
	Dictionary *labels = dictionary_create(et->hdr.eoh_context, "label", NL_MAX_CLASSES);
	RowKey	   *keys;
	uint32	   *source;
	Datum		result;

	pfree(dictionary_add_names(labels, &names));
	set->labels = labels;
	for (uint32 i = 0; set->soft && !set->answers && i < set->x.n; i++)
		sort_targets(set, i);
	keys = training_set_order(set, 0);
	source = nl_alloc(et->hdr.eoh_context, mul_size(Max(set->x.n, 1), sizeof(uint32)));
	for (uint32 i = 0; i < set->x.n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		source[i] = keys[i].row;
	}
	training_set_permute(set, source);
	MemoryContextSwitchTo(old);
	result = value_flatten(&et->hdr);
	DeleteExpandedObject(EOHPGetRWDatum(&et->hdr));
	return result;
}

NL_FUNCTION(training_set_send);
Datum
training_set_send(PG_FUNCTION_ARGS)
{
	ExpandedTraining *et = training_get(PG_GETARG_DATUM(0), CurrentMemoryContext);
	StringInfoData buf;

	pq_begintypsend(&buf);
	write_set(&buf, et, pg_get_client_encoding());
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

static Datum
read_flat(StringInfo buf, int encoding)
{
	return value_flatten(&read_set(buf, CurrentMemoryContext, encoding)->hdr);
}

static const ValueForms training_set_forms = {
	.kind = KIND_TRAINING_SET,.read_binary = read_flat
};

VALUE_INPUT_FUNCTIONS(training_set)

NL_FUNCTION(training_set_out);
Datum
training_set_out(PG_FUNCTION_ARGS)
{
	ExpandedTraining *et = training_get(PG_GETARG_DATUM(0), CurrentMemoryContext);
	StringInfoData buf;

	initStringInfo(&buf);
	write_set(&buf, et, value_text_encoding());
	PG_RETURN_CSTRING(value_binary_to_text(&buf, KIND_TRAINING_SET));
}
