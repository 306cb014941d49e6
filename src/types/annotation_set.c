/*
 * annotation_set.c
 *		The type annotation_set: its three forms; see annotation_set.h.
 *
 * Phases of sorting, from the triples of an expanded set to a view
 *
 *	1. order the three dictionaries by name (dictionary_order), which gives
 *	   each code its rank;
 *	2. count the annotations of each item: the ends;
 *	3. deal the triples, as ranks, to their items (a counting sort; the one
 *	   random access to memory for each annotation), from the last to the
 *	   first, so that the ends of items become their starts;
 *	4. sort each item's few annotations by annotator and label.
 *
 * Memory: the view is allocated in the current context (10 bytes for an
 * annotation-and-item pair at most, beside the 10 bytes of the triples); the
 * orders and ranks, 8 bytes for each name, are freed again.  Everything is
 * summed and held against noisylabel.memory_limit first.
 *
 * Interrupts: looked for as triples or items pass, and in the comparisons of
 * the sorts.
 */
#include "types/annotation_set.h"

#define INITIAL_ANNOTATIONS 16

static const ExpandedObjectMethods methods;

ExpandedAnnotations *
annotation_set_create(MemoryContext parent)
{
	MemoryContext context = AllocSetContextCreate(parent, "annotation_set",
												  ALLOCSET_START_SMALL_SIZES);
	ExpandedAnnotations *ea = MemoryContextAllocZero(context,
													 sizeof(ExpandedAnnotations));

	EOH_init_header(&ea->hdr, &methods, context);
	ea->items = dictionary_create(context, "item", PG_UINT32_MAX - 1);
	ea->annotators = dictionary_create(context, "annotator", PG_UINT32_MAX - 1);
	ea->labels = dictionary_create(context, "label", NL_MAX_CLASSES);
	ea->capacity = INITIAL_ANNOTATIONS;
	ea->item = MemoryContextAlloc(context, ea->capacity * sizeof(uint32));
	ea->annotator = MemoryContextAlloc(context, ea->capacity * sizeof(uint32));
	ea->label = MemoryContextAlloc(context, ea->capacity * sizeof(uint16));
	return ea;
}

/* What the set has allocated. */
static Size
expanded_memory(const ExpandedAnnotations *ea)
{
	Size		size = mul_size(ea->capacity, 2 * sizeof(uint32) + sizeof(uint16));

	size = add_size(size, dictionary_memory(ea->items));
	size = add_size(size, dictionary_memory(ea->annotators));
	size = add_size(size, mul_size(ea->gold_capacity, sizeof(uint16)));
	return add_size(size, dictionary_memory(ea->labels));
}

void
annotation_set_too_large(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("an annotation_set holds at most %u annotations",
					MAX_ANNOTATIONS),
			 errhint("Make one set for each part of the items, such as GROUP BY hashtext(item) %% 16.")));
}

/* Room for so many annotations more; capacities are doubled. */
static void
reserve_annotations(ExpandedAnnotations *ea, Size more)
{
	Size		capacity = ea->capacity;

	if (more > MAX_ANNOTATIONS - ea->n)
		annotation_set_too_large();
	while (capacity < ea->n + more)
		capacity *= 2;
	if (capacity == ea->capacity)
		return;
	nl_check_memory(add_size(expanded_memory(ea),
							 mul_size(capacity - ea->capacity,
									  2 * sizeof(uint32) + sizeof(uint16))),
					"an annotation_set");
	ea->item = repalloc_huge(ea->item, capacity * sizeof(uint32));
	ea->annotator = repalloc_huge(ea->annotator, capacity * sizeof(uint32));
	ea->label = repalloc_huge(ea->label, capacity * sizeof(uint16));
	ea->capacity = capacity;
}

/* One annotation, as codes of the set's dictionaries. */
void
annotation_set_add(ExpandedAnnotations *ea, uint32 item, uint32 annotator,
				   uint32 label)
{
	if (unlikely(ea->n == ea->capacity))
		reserve_annotations(ea, 1);
	ea->item[ea->n] = item;
	ea->annotator[ea->n] = annotator;
	ea->label[ea->n] = label;
	ea->n++;
}

/* The same answer several times. */
static void
add_copies(ExpandedAnnotations *ea, uint32 item, uint32 annotator, uint32 label,
		   uint32 copies)
{
	reserve_annotations(ea, copies);
	for (uint32 i = 0; i < copies; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		annotation_set_add(ea, item, annotator, label);
	}
}

static uint32
log_field_count(const LogField *field)
{
	uint32		count;

	if (field->size != sizeof(count))
		value_corrupt(KIND_ANNOTATION_SET);
	memcpy(&count, field->data, sizeof(count));
	return count;
}

static void
reserve_gold(ExpandedAnnotations *ea)
{
	uint32		capacity = Max(ea->items->capacity, ea->items->n);

	nl_check_memory(add_size(expanded_memory(ea),
							 mul_size(capacity, sizeof(uint16))),
					"an annotation_set");
	if (ea->gold == NULL)
		ea->gold = nl_alloc(ea->hdr.eoh_context, capacity * sizeof(uint16));
	else
		ea->gold = repalloc_huge(ea->gold, capacity * sizeof(uint16));
	for (uint32 i = ea->gold_capacity; i < capacity; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		ea->gold[i] = NO_GOLD;
	}
	ea->gold_capacity = capacity;
}

/* The known truth of an item; it has one only. */
void
annotation_set_gold(ExpandedAnnotations *ea, uint32 item, uint32 label)
{
	if (item >= ea->gold_capacity)
		reserve_gold(ea);
	if (ea->gold[item] != NO_GOLD && ea->gold[item] != label)
	{
		NameView	name = dictionary_get(ea->items, item);
		NameView	a = dictionary_get(ea->labels, ea->gold[item]);
		NameView	b = dictionary_get(ea->labels, label);

		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("item \"%.*s\" has two different gold labels, \"%.*s\" and \"%.*s\"",
						name.len, name.s, a.len, a.s, b.len, b.s),
				 errhint("Decide which one is right, or give NULL for this item.")));
	}
	ea->gold[item] = label;
}

/*
 * From an expanded set to a view
 */

/* an item's annotations, as annotator << 16 | label, in ascending order */
static int
compare_packed(const void *a, const void *b)
{
	uint64		x = *(const uint64 *) a;
	uint64		y = *(const uint64 *) b;

	CHECK_FOR_INTERRUPTS();
	return x < y ? -1 : x > y;
}

static void
sort_item(uint32 *annotator, uint16 *label, uint32 n, uint64 *packed)
{
	bool		sorted = true;

	for (uint32 i = 0; i < n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		packed[i] = (uint64) annotator[i] << 16 | label[i];
		sorted = sorted && (i == 0 || packed[i - 1] <= packed[i]);
	}
	if (sorted)
		return;
	qsort(packed, n, sizeof(uint64), compare_packed);
	for (uint32 i = 0; i < n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		annotator[i] = packed[i] >> 16;
		label[i] = packed[i] & PG_UINT16_MAX;
	}
}

/* Ranks of the codes of the three dictionaries, and the order of each. */
typedef struct SetOrder
{
	uint32	   *items;
	uint32	   *annotators;
	uint32	   *labels;
	uint32	   *item_rank;
	uint32	   *annotator_rank;
	uint32	   *label_rank;
} SetOrder;

static SetOrder
order_names(const ExpandedAnnotations *ea)
{
	SetOrder	o;

	o.items = dictionary_order(ea->items, ORDER_BYTES);
	o.annotators = dictionary_order(ea->annotators, ORDER_BYTES);
	o.labels = dictionary_order(ea->labels, ORDER_LABELS);
	o.item_rank = dictionary_rank(o.items, ea->items->n);
	o.annotator_rank = dictionary_rank(o.annotators, ea->annotators->n);
	o.label_rank = dictionary_rank(o.labels, ea->labels->n);
	return o;
}

static void
free_order(SetOrder *o)
{
	pfree(o->items);
	pfree(o->annotators);
	pfree(o->labels);
	pfree(o->item_rank);
	pfree(o->annotator_rank);
	pfree(o->label_rank);
}

/* Bytes of the arrays of a view and, for a moment, of the orders. */
static Size
view_memory(const ExpandedAnnotations *ea)
{
	Size		size = mul_size(ea->n, sizeof(uint32) + sizeof(uint16));

	size = add_size(size, mul_size(ea->items->n,
								   5 * sizeof(uint32) + sizeof(uint16)));
	return add_size(size, mul_size(ea->annotators->n, 4 * sizeof(uint32)));
}

/* Phases 2 to 4 into arrays of the caller's. */
static void
sort_annotations(const ExpandedAnnotations *ea, const SetOrder *o,
				 uint32 *starts, uint32 *annotator, uint16 *label)
{
	uint32		items = ea->items->n;
	uint32		longest = 0;
	uint32		end = 0;
	uint64	   *packed;

	nl_clear(starts, (items + (Size) 1) * sizeof(uint32));
	for (Size i = 0; i < ea->n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		starts[o->item_rank[ea->item[i]]]++;
	}
	for (uint32 i = 0; i < items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		longest = Max(longest, starts[i]);
		end += starts[i];
		starts[i] = end;
	}
	starts[items] = end;

	for (Size i = ea->n; i-- > 0;)
	{
		uint32		place = --starts[o->item_rank[ea->item[i]]];

		NL_CHECK_INTERRUPTS(i);
		annotator[place] = o->annotator_rank[ea->annotator[i]];
		label[place] = o->label_rank[ea->label[i]];
	}

	nl_check_memory(add_size(add_size(expanded_memory(ea), view_memory(ea)),
							 mul_size(longest, sizeof(uint64))),
					"sorting an annotation_set");
	packed = nl_alloc(CurrentMemoryContext,
					  mul_size(Max(longest, 1), sizeof(uint64)));
	for (uint32 i = 0; i < items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		sort_item(annotator + starts[i], label + starts[i],
				  starts[i + 1] - starts[i], packed);
	}
	pfree(packed);
}

static void
sort_gold(const ExpandedAnnotations *ea, const SetOrder *o, uint16 *gold)
{
	for (uint32 i = 0; i < ea->items->n; i++)
	{
		uint32		code = o->items[i];

		NL_CHECK_INTERRUPTS(i);
		gold[i] = NO_GOLD;
		if (code < ea->gold_capacity && ea->gold[code] != NO_GOLD)
			gold[i] = o->label_rank[ea->gold[code]];
	}
}

static AnnotationView
expanded_view(const ExpandedAnnotations *ea)
{
	AnnotationView view = {.gold_weight = 1};
	MemoryContext context = CurrentMemoryContext;
	SetOrder	o;
	uint32	   *starts;
	uint32	   *annotator;
	uint16	   *label;

	nl_check_memory(add_size(expanded_memory(ea), view_memory(ea)),
					"sorting an annotation_set");
	o = order_names(ea);
	view.items = ea->items->n;
	view.options = ea->options.text;
	view.annotations = ea->n;
	view.annotators = dictionary_names(ea->annotators, o.annotators);
	view.labels = dictionary_names(ea->labels, o.labels);
	starts = nl_alloc(context, (view.items + (Size) 1) * sizeof(uint32));
	annotator = nl_alloc(context, Max(ea->n, 1) * sizeof(uint32));
	label = nl_alloc(context, Max(ea->n, 1) * sizeof(uint16));
	sort_annotations(ea, &o, starts, annotator, label);
	if (ea->gold != NULL)
	{
		uint16	   *gold = nl_alloc(context, Max(view.items, 1) * sizeof(uint16));

		sort_gold(ea, &o, gold);
		view.gold = gold;
	}
	view.starts = starts;
	view.annotator = annotator;
	view.label = label;
	free_order(&o);
	return view;
}

/*
 * Stored form
 */

/* Where the arrays of a stored set begin. */
typedef struct FlatLayout
{
	uint32	   *starts;
	uint32	   *annotator;
	uint32	   *item_ends;
	uint32	   *annotator_ends;
	uint32	   *label_ends;
	uint16	   *label;
	uint16	   *gold;
	char	   *item_bytes;
	char	   *annotator_bytes;
	char	   *label_bytes;
	char	   *options;
} FlatLayout;

static FlatLayout
flat_layout(const AnnotationSet *set)
{
	FlatLayout	f;

	f.starts = (uint32 *) set->data;
	f.annotator = f.starts + set->items + 1;
	f.item_ends = f.annotator + set->annotations;
	f.annotator_ends = f.item_ends + set->items;
	f.label_ends = f.annotator_ends + set->annotators;
	f.label = (uint16 *) (f.label_ends + set->labels);
	f.gold = f.label + set->annotations;
	f.item_bytes = (char *) (f.gold + (set->has_gold ? set->items : 0));
	f.annotator_bytes = f.item_bytes + set->item_bytes;
	f.label_bytes = f.annotator_bytes + set->annotator_bytes;
	f.options = f.label_bytes + set->label_bytes;
	return f;
}

static ExpandedAnnotations *replay(const RowLog *log, MemoryContext parent);

/* The stored form of a set in any form, detoasted. */
AnnotationSet *
annotation_set_get(Datum datum)
{
	AnnotationSet *set = value_get(datum, KIND_ANNOTATION_SET,
								   offsetof(AnnotationSet, data));
	FlatLayout	f;

	if (value_is_row_log(set))
	{
		ExpandedAnnotations *ea = replay((RowLog *) set, CurrentMemoryContext);

		set = (AnnotationSet *) DatumGetPointer(value_flatten(&ea->hdr));
		DeleteExpandedObject(EOHPGetRWDatum(&ea->hdr));
		return set;
	}
	f = flat_layout(set);
	value_check_stored(set, f.options + set->option_bytes - (char *) set,
					   KIND_ANNOTATION_SET);
	return set;
}

static AnnotationView
flat_view(const AnnotationSet *set)
{
	FlatLayout	f = flat_layout(set);

	return (AnnotationView)
	{
		.items = set->items,
		.annotations = set->annotations,
		.item_names = {set->items, f.item_ends, f.item_bytes},
		.annotators = {set->annotators, f.annotator_ends, f.annotator_bytes},
		.labels = {set->labels, f.label_ends, f.label_bytes},
		.starts = f.starts,
		.annotator = f.annotator,
		.label = f.label,
		.gold = set->has_gold ? f.gold : NULL,
		.gold_weight = 1,
		.options = set->option_bytes > 0 ? f.options : NULL
	};
}

/* with the terminating zero, or nothing */
static Size
option_bytes(const ExpandedAnnotations *ea)
{
	return ea->options.text == NULL ? 0 : strlen(ea->options.text) + 1;
}

static Size
get_flat_size(ExpandedObjectHeader *eohptr)
{
	ExpandedAnnotations *ea = (ExpandedAnnotations *) eohptr;
	Size		size = offsetof(AnnotationSet, data) + sizeof(uint32);

	size = add_size(size, mul_size(ea->n, sizeof(uint32) + sizeof(uint16)));
	size = add_size(size, mul_size(ea->items->n, 2 * sizeof(uint32)));
	size = add_size(size, mul_size(ea->annotators->n, sizeof(uint32)));
	size = add_size(size, mul_size(ea->labels->n, sizeof(uint32)));
	if (ea->gold != NULL)
		size = add_size(size, mul_size(ea->items->n, sizeof(uint16)));
	size = add_size(size, dictionary_bytes(ea->items));
	size = add_size(size, dictionary_bytes(ea->annotators));
	size = add_size(size, dictionary_bytes(ea->labels));
	size = add_size(size, option_bytes(ea));
	return value_check_size(size, KIND_ANNOTATION_SET);
}

static void
flatten_into(ExpandedObjectHeader *eohptr, void *result, Size allocated_size)
{
	ExpandedAnnotations *ea = (ExpandedAnnotations *) eohptr;
	AnnotationSet *set = result;
	MemoryContext old = value_begin_flatten(eohptr);
	SetOrder	o;
	FlatLayout	f;

	nl_check_memory(add_size(expanded_memory(ea),
							 add_size(view_memory(ea), allocated_size)),
					"storing an annotation_set");
	nl_clear(result, allocated_size);
	value_init(set, KIND_ANNOTATION_SET, allocated_size);
	set->items = ea->items->n;
	set->annotations = ea->n;
	set->annotators = ea->annotators->n;
	set->labels = ea->labels->n;
	set->item_bytes = dictionary_bytes(ea->items);
	set->annotator_bytes = dictionary_bytes(ea->annotators);
	set->label_bytes = dictionary_bytes(ea->labels);
	set->has_gold = ea->gold != NULL;
	set->option_bytes = option_bytes(ea);

	f = flat_layout(set);
	o = order_names(ea);
	dictionary_write(ea->items, o.items, f.item_ends, f.item_bytes);
	dictionary_write(ea->annotators, o.annotators, f.annotator_ends,
					 f.annotator_bytes);
	dictionary_write(ea->labels, o.labels, f.label_ends, f.label_bytes);
	sort_annotations(ea, &o, f.starts, f.annotator, f.label);
	if (set->has_gold)
		sort_gold(ea, &o, f.gold);
	free_order(&o);
	if (set->option_bytes > 0)
		memcpy(f.options, ea->options.text, set->option_bytes);
	MemoryContextSwitchTo(old);
}

static const ExpandedObjectMethods methods = {get_flat_size, flatten_into};

/* The set itself if it is expanded, or NULL. */
ExpandedAnnotations *
annotation_set_expanded(Datum datum)
{
	return (ExpandedAnnotations *) value_expanded(datum, &methods);
}

/*
 * The view of a set in any form; it lives as long as the datum and the current
 * memory context.  It may have no item names.
 */
AnnotationView
annotation_set_view(Datum datum)
{
	const ExpandedAnnotations *ea = annotation_set_expanded(datum);
	void	   *value;

	if (ea != NULL)
		return expanded_view(ea);
	value = value_get(datum, KIND_ANNOTATION_SET, offsetof(AnnotationSet, data));
	if (value_is_row_log(value))
		return expanded_view(replay(value, CurrentMemoryContext));
	return annotation_set_flat_view(PointerGetDatum(value));
}

/* The same from the stored form, so with item names. */
AnnotationView
annotation_set_flat_view(Datum datum)
{
	return flat_view(annotation_set_get(datum));
}

/*
 * Joining sets
 */

static void
merge_view(ExpandedAnnotations *ea, const AnnotationView *view)
{
	uint32	   *items = dictionary_add_names(ea->items, &view->item_names);
	uint32	   *annotators = dictionary_add_names(ea->annotators, &view->annotators);
	uint32	   *labels = dictionary_add_names(ea->labels, &view->labels);

	for (uint32 i = 0; i < view->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		for (uint32 a = view->starts[i]; a < view->starts[i + 1]; a++)
		{
			NL_CHECK_INTERRUPTS(a);
			annotation_set_add(ea, items[i], annotators[view->annotator[a]],
							   labels[view->label[a]]);
		}
		if (view->gold != NULL && view->gold[i] != NO_GOLD)
			annotation_set_gold(ea, items[i], labels[view->gold[i]]);
	}
	pfree(items);
	pfree(annotators);
	pfree(labels);
	state_options_add_text(&ea->options, view->options, ea->hdr.eoh_context);
}

/* Without the stored form, which is limited in size and has to be sorted. */
static void
merge_expanded(ExpandedAnnotations *ea, const ExpandedAnnotations *other)
{
	uint32	   *items = dictionary_add_all(ea->items, other->items);
	uint32	   *annotators = dictionary_add_all(ea->annotators, other->annotators);
	uint32	   *labels = dictionary_add_all(ea->labels, other->labels);

	for (Size i = 0; i < other->n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		annotation_set_add(ea, items[other->item[i]],
						   annotators[other->annotator[i]],
						   labels[other->label[i]]);
	}
	for (uint32 i = 0; i < Min(other->gold_capacity, other->items->n); i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (other->gold[i] != NO_GOLD)
			annotation_set_gold(ea, items[i], labels[other->gold[i]]);
	}
	pfree(items);
	pfree(annotators);
	pfree(labels);
	state_options_add_text(&ea->options, other->options.text, ea->hdr.eoh_context);
}

/* A row of an aggregate, as it comes or from the log. */
/*
 * Two predictions of an item whose truth is known are two annotations: the truth, with "b" or "c"
 * before it, stands as annotator, the prediction as label.
 */
static void
add_pair(ExpandedAnnotations *ea, const LogField *f)
{
	uint32		item = dictionary_add(ea->items, log_field_name(&f[0]));
	Size		size = f[1].size + 1;
	char	   *annotator = palloc(size);

	nl_copy(annotator + 1, f[1].data, f[1].size);
	for (int side = 0; side < 2; side++)
	{
		annotator[0] = "bc"[side];
		annotation_set_add(ea, item, dictionary_add(ea->annotators, (NameView) {annotator, size}),
						   dictionary_add(ea->labels, log_field_name(&f[2 + side])));
	}
	pfree(annotator);
}

void
annotation_set_add_row(ExpandedAnnotations *ea, const LogRow *row)
{
	const LogField *f = row->field;
	int			gold = row->kind == ANNOTATION_ROW_COUNTED ? 4 : 3;
	uint32		item;
	uint32		annotator;
	uint32		label;

	if (row->kind == ANNOTATION_ROW_SET && row->n == 1)
	{
		annotation_set_merge(ea, PointerGetDatum(log_field_aligned(f)));
		return;
	}
	if (row->kind == ANNOTATION_ROW_PAIR && row->n == 4)
	{
		add_pair(ea, f);
		return;
	}
	if ((row->kind != ANNOTATION_ROW && row->kind != ANNOTATION_ROW_COUNTED) ||
		row->n < gold)
		value_corrupt(KIND_ANNOTATION_SET);
	item = dictionary_add(ea->items, log_field_name(&f[0]));
	annotator = dictionary_add(ea->annotators, log_field_name(&f[1]));
	label = dictionary_add(ea->labels, log_field_name(&f[2]));
	add_copies(ea, item, annotator, label,
			   row->kind == ANNOTATION_ROW_COUNTED ? log_field_count(&f[3]) : 1);
	if (row->n > gold)
		annotation_set_gold(ea, item,
							dictionary_add(ea->labels, log_field_name(&f[gold])));
}

static void
merge_log(ExpandedAnnotations *ea, const RowLog *log)
{
	RowOptions	options = row_log_options(log);
	LogReader	reader = row_log_begin(log);
	LogRow		row;

	while (row_log_next(&reader, &row))
		annotation_set_add_row(ea, &row);
	state_options_add(&ea->options, &options, ea->hdr.eoh_context);
}

static ExpandedAnnotations *
replay(const RowLog *log, MemoryContext parent)
{
	ExpandedAnnotations *ea = annotation_set_create(parent);

	merge_log(ea, log);
	return ea;
}

/* Add all annotations and gold of another set; everything joins by name. */
void
annotation_set_merge(ExpandedAnnotations *ea, Datum other)
{
	const ExpandedAnnotations *expanded = annotation_set_expanded(other);
	AnnotationSet *set;
	AnnotationView view;

	if (expanded != NULL)
	{
		merge_expanded(ea, expanded);
		return;
	}
	set = value_get(other, KIND_ANNOTATION_SET, offsetof(AnnotationSet, data));
	if (value_is_row_log(set))
		merge_log(ea, (RowLog *) set);
	else
	{
		view = annotation_set_flat_view(PointerGetDatum(set));
		merge_view(ea, &view);
	}
	if ((Pointer) set != DatumGetPointer(other))
		pfree(set);
}

/* A copy that may be changed, below "parent". */
ExpandedAnnotations *
annotation_set_expand(Datum datum, MemoryContext parent)
{
	ExpandedAnnotations *ea = annotation_set_create(parent);

	annotation_set_merge(ea, datum);
	return ea;
}
