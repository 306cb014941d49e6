/*
 * prediction_set.c
 *		Rows that say how a label was predicted; see prediction_set.h.
 *
 * Memory: 8 bytes for each row and label, 2 for its label, 4 for its annotator and
 * its item.  Arrays of rows are doubled, or made once where the number of rows is
 * known.  A label that turns up late makes all rows wider, with room for more.
 * Interrupts: where rows are moved.
 */
#include "types/prediction_set.h"

#include "pg/arguments.h"

#define FIRST_ROWS 16

void
prediction_set_init(PredictionSet *set, MemoryContext context, PredictionNames names,
					uint32 expected)
{
	memset(set, 0, sizeof(*set));
	set->context = context;
	set->names = names;
	set->labels = dictionary_create(context, "label", NL_MAX_CLASSES);
	if (names != PREDICTION_LABEL)
		set->annotators = dictionary_create(context, "annotator", PG_UINT32_MAX - 1);
	if (names == PREDICTION_ITEM)
		set->items = dictionary_create(context, "item", PG_UINT32_MAX - 1);
	set->capacity = expected;	/* made with the first row, when the labels are known */
}

static Size
row_bytes(const PredictionSet *set, Size stride)
{
	return add_size(mul_size(stride, sizeof(double)),
					sizeof(uint16) + (set->names != PREDICTION_LABEL ? sizeof(uint32) : 0) +
					(set->names == PREDICTION_ITEM ? sizeof(uint32) : 0));
}

Size
prediction_set_memory(const PredictionSet *set)
{
	Size		size = set->p == NULL ? 0 : mul_size(set->capacity, row_bytes(set, set->stride));

	size = add_size(size, dictionary_memory(set->labels));
	if (set->annotators != NULL)
		size = add_size(size, dictionary_memory(set->annotators));
	if (set->items != NULL)
		size = add_size(size, dictionary_memory(set->items));
	return size;
}

static void
check_memory(const PredictionSet *set, Size more)
{
	nl_check_memory(add_size(prediction_set_memory(set), more), "the predictions of a set");
}

static void
allocate(PredictionSet *set, uint32 labels)
{
	uint32		rows = set->capacity > 0 ? set->capacity : FIRST_ROWS;

	set->capacity = rows;
	set->stride = labels;
	check_memory(set, mul_size(rows, row_bytes(set, labels)));
	set->p = nl_alloc(set->context, mul_size(mul_size(rows, labels), sizeof(double)));
	set->label = nl_alloc(set->context, mul_size(rows, sizeof(uint16)));
	if (set->names != PREDICTION_LABEL)
		set->annotator = nl_alloc(set->context, mul_size(rows, sizeof(uint32)));
	if (set->names == PREDICTION_ITEM)
		set->item = nl_alloc(set->context, mul_size(rows, sizeof(uint32)));
}

static void
grow_rows(PredictionSet *set)
{
	Size		rows = mul_size(set->capacity, 2);

	if (rows > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a set of predictions holds at most %d rows", PG_INT32_MAX / 2 + 1)));
	check_memory(set, mul_size(rows, row_bytes(set, set->stride)));
	set->p = repalloc_huge(set->p, mul_size(mul_size(rows, set->stride), sizeof(double)));
	set->label = repalloc_huge(set->label, rows * sizeof(uint16));
	if (set->annotator != NULL)
		set->annotator = repalloc_huge(set->annotator, rows * sizeof(uint32));
	if (set->item != NULL)
		set->item = repalloc_huge(set->item, rows * sizeof(uint32));
	set->capacity = rows;
}

/* Make the rows wide enough for so many labels. */
static void
widen(PredictionSet *set, uint32 labels)
{
	uint32		stride = Min(Max(labels, set->stride + set->stride / 2), NL_MAX_CLASSES);
	Size		size = mul_size(mul_size(set->capacity, stride), sizeof(double));
	double	   *p;

	check_memory(set, size);
	p = nl_alloc(set->context, size);
	for (uint32 i = 0; i < set->n; i++)
	{
		double	   *to = p + (Size) i * stride;

		NL_CHECK_INTERRUPTS(i);
		memcpy(to, prediction_row(set, i), set->stride * sizeof(double));
		memset(to + set->stride, 0, (stride - set->stride) * sizeof(double));
	}
	pfree(set->p);
	set->p = p;
	set->stride = stride;
}

/*
 * Room for a row, with codes of so many labels at most; its probabilities are all
 * 0.  The caller fills it and counts it.
 */
double *
prediction_set_append(PredictionSet *set, uint32 labels)
{
	double	   *row;

	if (set->p == NULL)
		allocate(set, labels);
	if (set->n == set->capacity)
		grow_rows(set);
	if (labels > set->stride)
		widen(set, labels);
	row = prediction_row(set, set->n);
	memset(row, 0, set->stride * sizeof(double));
	return row;
}

/* Remember the labels of a distribution, and where they go. */
static void
see_labels(PredictionSet *set, const LabelDistribution *d)
{
	Names		names = label_distribution_labels(d);
	Size		bytes = d->n * sizeof(uint32) + d->name_bytes;

	if (bytes > set->seen_room)
	{
		if (set->seen != NULL)
			pfree(set->seen);
		set->seen = MemoryContextAlloc(set->context, bytes);
		set->seen_room = bytes;
	}
	if (set->place == NULL)
		set->place = MemoryContextAlloc(set->context, NL_MAX_CLASSES * sizeof(uint16));
	set->seen_n = 0;			/* as long as the dictionary may refuse a name */
	set->in_place = true;
	for (uint32 k = 0; k < d->n; k++)
	{
		set->place[k] = dictionary_add(set->labels, names_get(&names, k));
		set->in_place &= set->place[k] == k;
	}
	memcpy(set->seen, names.ends, bytes);
	set->seen_n = d->n;
	set->seen_bytes = bytes;
}

/* Add a row. */
void
prediction_set_add(PredictionSet *set, const RowNames *names,
				   const LabelDistribution *predicted)
{
	const Size	bytes = predicted->n * sizeof(uint32) + predicted->name_bytes;
	uint32		label;
	double	   *row;

	if (predicted->n != set->seen_n || bytes != set->seen_bytes ||
		memcmp(predicted->p + predicted->n, set->seen, bytes) != 0)
		see_labels(set, predicted);
	label = dictionary_add(set->labels, names->label);
	row = prediction_set_append(set, set->labels->n);
	if (set->in_place)
		memcpy(row, predicted->p, predicted->n * sizeof(double));
	else
		for (uint32 k = 0; k < predicted->n; k++)
			row[set->place[k]] = predicted->p[k];
	set->label[set->n] = label;
	if (set->annotator != NULL)
		set->annotator[set->n] = dictionary_add(set->annotators, names->annotator);
	if (set->item != NULL)
		set->item[set->n] = dictionary_add(set->items, names->item);
	set->n++;
}

/*
 * Canonical names
 */

/* A dictionary whose codes are ranks in it, of the names in that order. */
static void
replace_dictionary(PredictionSet *set, Dictionary **dict, const Names *names)
{
	Dictionary *ranked = dictionary_create(set->context, (*dict)->kind, (*dict)->max);

	pfree(dictionary_add_names(ranked, names));
	*dict = ranked;
}

/* Is it the order that there is? */
static bool
is_identity(const uint32 *order, uint32 n)
{
	for (uint32 i = 0; i < n; i++)
		if (order[i] != i)
			return false;
	return true;
}

/* Codes become ranks. */
static Names
rank_codes(PredictionSet *set, Dictionary **dict, uint32 *codes)
{
	uint32	   *order = dictionary_order(*dict, ORDER_BYTES);
	uint32	   *rank = dictionary_rank(order, (*dict)->n);
	Names		names = dictionary_names(*dict, order);

	if (!is_identity(order, (*dict)->n))
	{
		for (uint32 i = 0; i < set->n; i++)
		{
			NL_CHECK_INTERRUPTS(i);
			codes[i] = rank[codes[i]];
		}
		replace_dictionary(set, dict, &names);
	}
	pfree(order);
	pfree(rank);
	return names;
}

/* Rows of as many places as there are labels, in their order. */
static void
order_columns(PredictionSet *set, const uint32 *order)
{
	uint32		classes = set->labels->n;
	uint32		stride = set->stride;
	double		row[NL_MAX_CLASSES];

	if (set->n == 0 || (stride == classes && is_identity(order, classes)))
		return;
	if (stride < classes)
	{
		widen(set, classes);
		stride = set->stride;
	}
	for (uint32 i = 0; i < set->n; i++)
	{
		const double *from = prediction_row(set, i);

		NL_CHECK_INTERRUPTS(i);
		for (uint32 k = 0; k < classes; k++)
			row[k] = from[order[k]];
		memcpy(set->p + (Size) i * classes, row, classes * sizeof(double));
	}
	set->stride = classes;
}

/*
 * The labels, and what else the set has names of, in canonical order; codes become
 * ranks in it, and rows have a place for each label.  The set has the same rows,
 * and more can be added.
 */
Names
prediction_set_finish(PredictionSet *set, Names *annotators, Names *items)
{
	uint32	   *order = dictionary_order(set->labels, ORDER_LABELS);
	uint32	   *rank = dictionary_rank(order, set->labels->n);
	Names		labels = dictionary_names(set->labels, order);

	order_columns(set, order);
	if (!is_identity(order, labels.n))
	{
		for (uint32 i = 0; i < set->n; i++)
		{
			NL_CHECK_INTERRUPTS(i);
			set->label[i] = rank[set->label[i]];
		}
		replace_dictionary(set, &set->labels, &labels);
		set->seen_n = 0;
	}
	if (set->annotator != NULL)
		*annotators = rank_codes(set, &set->annotators, set->annotator);
	if (set->item != NULL)
		*items = rank_codes(set, &set->items, set->item);
	pfree(order);
	pfree(rank);
	return labels;
}

/*
 * Spelling
 */
#define NOTICE_ROWS 10			/* fewer may well have no label in common */

/* Whether it has not been told; it is now. */
bool
prediction_tell(FunctionCallInfo fcinfo, int what)
{
	void	  **place = nl_call_cache(fcinfo);
	uintptr_t	told = (uintptr_t) *place;

	*place = (void *) (told | what);
	return (told & what) == 0;
}

/* The first label that is marked. */
static const char *
first_of(const Names *labels, const bool *marked)
{
	for (uint32 k = 0; k < labels->n; k++)
		if (marked[k])
			return names_cstring(labels, k);
	return "";
}

/*
 * Where nobody's label is ever predicted, the two are most likely spelled in two
 * ways, and all that is said of labels is nonsense.  Of a finished set.
 */
void
prediction_set_notice(FunctionCallInfo fcinfo, const PredictionSet *set, const Names *labels,
					  const char *function)
{
	bool		given[NL_MAX_CLASSES] = {false};
	bool		predicted[NL_MAX_CLASSES] = {false};

	for (uint32 i = 0; i < set->n; i++)
		given[set->label[i]] = true;
	for (uint32 i = 0; i < set->n; i++)
	{
		const double *p = prediction_row(set, i);

		NL_CHECK_INTERRUPTS(i);
		for (uint32 k = 0; k < set->stride; k++)
		{
			if (p[k] > 0 && given[k])
				return;
			predicted[k] |= p[k] > 0;
		}
	}
	if (set->n >= NOTICE_ROWS && prediction_tell(fcinfo, TOLD_SPELLING))
		ereport(NOTICE,
				(errmsg("%s finds none of the labels among those that are predicted", function),
				 errdetail("A label is \"%s\", a predicted one \"%s\".",
						   first_of(labels, given), first_of(labels, predicted)),
				 errhint("Labels are compared as label::text spells them.")));
}

/*
 * Order of rows
 */

/* By item, annotator, label, probabilities; 0 only for rows equal in all. */
int
prediction_compare(const PredictionSet *set, uint32 a, uint32 b)
{
	const double *p = prediction_row(set, a);
	const double *q = prediction_row(set, b);

	if (set->item != NULL && set->item[a] != set->item[b])
		return set->item[a] < set->item[b] ? -1 : 1;
	if (set->annotator != NULL && set->annotator[a] != set->annotator[b])
		return set->annotator[a] < set->annotator[b] ? -1 : 1;
	if (set->label[a] != set->label[b])
		return set->label[a] < set->label[b] ? -1 : 1;
	for (uint32 k = 0; k < set->stride; k++)
		if (p[k] != q[k])
			return p[k] < q[k] ? -1 : 1;
	return 0;
}

static int
compare_rows(const void *a, const void *b, void *set)
{
	CHECK_FOR_INTERRUPTS();
	return prediction_compare(set, *(const uint32 *) a, *(const uint32 *) b);
}

/* The rows of a finished set in an order that depends on their contents alone. */
uint32 *
prediction_set_order(const PredictionSet *set)
{
	uint32	   *order = nl_alloc(CurrentMemoryContext,
								 mul_size(Max(set->n, 1), sizeof(uint32)));

	for (uint32 i = 0; i < set->n; i++)
		order[i] = i;
	qsort_arg(order, set->n, sizeof(uint32), compare_rows, (void *) set);
	return order;
}
