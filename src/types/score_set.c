/*
 * score_set.c
 *		The type score_set: its forms; see score_set.h.
 *
 * Phases from rows to a stored set
 *
 *	1. rows arrive and are appended, those of weight 1 as the key of their score
 *	   only (8 bytes), others with their weight (24 bytes); parts of a set are
 *	   appended likewise;
 *	2. each of the four lists is sorted by radix, in place;
 *	3. they are merged twice: to count the distinct scores and see how large the
 *	   weights are, then to write them.
 *
 * Memory: lists grow by doubling; what they take and what sorting and the stored
 * form will add is held against noisylabel.memory_limit before it is allocated.
 * The scratch memory of sorts is freed again.
 *
 * Interrupts: as rows pass.
 */
#include "types/score_set.h"

#include <math.h>

#include "pg/arguments.h"

#define FIRST_ROWS 8

static Size
entry_size(ScoreForm form)
{
	return form == SCORE_COUNTS ? sizeof(ScoreCount) : sizeof(ScoreSum);
}

static Size
flat_size(Size n, ScoreForm form)
{
	Size		size = add_size(offsetof(ScoreSet, entries), mul_size(n, entry_size(form)));

	return value_check_size(size, KIND_SCORE_SET);
}

/*
 * Growing
 */
void
score_rows_init(ScoreRows *rows, MemoryContext context)
{
	memset(rows, 0, sizeof(ScoreRows));
	rows->context = context;
}

static void
free_list(void *list)
{
	if (list != NULL)
		pfree(list);
}

void
score_rows_free(ScoreRows *rows)
{
	for (int truth = 0; truth < 2; truth++)
	{
		free_list(rows->side[truth].plain);
		free_list(rows->side[truth].weighted);
	}
}

static Size
rows_memory(const ScoreRows *rows)
{
	Size		size = 0;

	for (int truth = 0; truth < 2; truth++)
	{
		const ScoreSide *side = &rows->side[truth];

		size = add_size(size, mul_size(side->plain_capacity, sizeof(uint64)));
		size = add_size(size, mul_size(side->weighted_capacity, sizeof(ScoreWeight)));
	}
	return size;
}

/* A list of twice the capacity. */
static void *
grow(const ScoreRows *rows, void *list, Size *capacity, Size width)
{
	Size		larger = *capacity == 0 ? FIRST_ROWS : mul_size(*capacity, 2);

	nl_check_memory(add_size(rows_memory(rows), mul_size(larger, width)), "a score_set");
	*capacity = larger;
	if (list == NULL)
		return nl_alloc(rows->context, larger * width);
	return repalloc_huge(list, larger * width);
}

/* "score" is no NaN; the weight is in units. */
void
score_rows_add_sum(ScoreRows *rows, bool truth, double score, const ExactSum *weight)
{
	ScoreSide  *side = &rows->side[truth];

	if (weight->high == 0 && weight->low == 0)
		return;
	if (side->n_weighted == side->weighted_capacity)
		side->weighted = grow(rows, side->weighted, &side->weighted_capacity,
							  sizeof(ScoreWeight));
	exact_sum_add(&rows->weight, weight);
	if (exact_sum_value(&rows->weight) > SCORE_MAX_WEIGHT * SCORE_UNITS)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the weights of a score_set sum to more than %s",
						nl_number(SCORE_MAX_WEIGHT)),
				 errhint("Divide all weights by the same number.")));
	side->weighted[side->n_weighted++] = (ScoreWeight) {sort_key_of(score + 0.0), *weight};
	rows->sorted = false;
}

static inline void
add_plain(ScoreRows *rows, bool truth, double score)
{
	ScoreSide  *side = &rows->side[truth];

	if (unlikely(side->n_plain == side->plain_capacity))
		side->plain = grow(rows, side->plain, &side->plain_capacity, sizeof(uint64));
	side->plain[side->n_plain++] = sort_key_of(score + 0.0);
	rows->sorted = false;
}

/* A row.  "score" is no NaN; the weight is finite and not negative. */
void
score_rows_add(ScoreRows *rows, bool truth, double score, double weight)
{
	ExactSum	units;

	if (likely(weight == 1))
	{
		add_plain(rows, truth, score);
		return;
	}
	/* too large a one is refused with its sum, without an overflow */
	units = exact_sum_of(Min(weight, 2 * SCORE_MAX_WEIGHT) * SCORE_UNITS);
	rows->fractional |= weight != rint(weight);
	score_rows_add_sum(rows, truth, score, &units);
}

/* The number of rows that a count stands for, as rows where it is 1. */
static void
add_count(ScoreRows *rows, bool truth, double score, uint32 count)
{
	ExactSum	units = {(uint64) count * SCORE_UNITS_HIGH, 0};

	if (count == 1)
		add_plain(rows, truth, score);
	else
		score_rows_add_sum(rows, truth, score, &units);
}

static void
add_set(ScoreRows *rows, const ScoreSet *set)
{
	rows->fractional |= set->form == SCORE_WEIGHTS;
	for (uint32 i = 0; i < set->n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (set->form == SCORE_COUNTS)
		{
			const ScoreCount *c = (const ScoreCount *) set->entries + i;

			add_count(rows, false, c->score, c->negative);
			add_count(rows, true, c->score, c->positive);
		}
		else
		{
			const ScoreSum *s = (const ScoreSum *) set->entries + i;

			score_rows_add_sum(rows, false, s->score, &s->negative);
			score_rows_add_sum(rows, true, s->score, &s->positive);
		}
	}
}

static const ScoreSet *
check_stored(const ScoreSet *set)
{
	if (set->n == 0 || set->form > SCORE_WEIGHTS)
		value_corrupt(KIND_SCORE_SET);
	value_check_stored(set, flat_size(set->n, set->form), KIND_SCORE_SET);
	return set;
}

/* All of a flat value of the type, stored or a log. */
void
score_rows_add_value(ScoreRows *rows, const void *value)
{
	if (value_is_row_log(value))
	{
		LogReader	reader = row_log_begin(value);
		LogRow		row;

		while (row_log_next(&reader, &row))
			score_rows_add_row(rows, &row);
	}
	else
		add_set(rows, check_stored(value));
}

/* A row of an aggregate, as it comes or from the log. */
void
score_rows_add_row(ScoreRows *rows, const LogRow *row)
{
	bool		weighted = (row->kind & SCORE_ROW_WEIGHTED) != 0;

	if (row->kind == SCORE_ROW_SET && row->n == 1)
	{
		void	   *set = log_field_aligned(&row->field[0]);

		score_rows_add_value(rows, value_get(PointerGetDatum(set), KIND_SCORE_SET,
											 offsetof(ScoreSet, entries)));
		if (set != row->field[0].data)
			pfree(set);
	}
	else if (row->kind < SCORE_ROW_SET && row->n == (weighted ? 2 : 1))
		score_rows_add(rows, (row->kind & SCORE_ROW_TRUE) != 0,
					   log_field_double(row, 0, KIND_SCORE_SET),
					   weighted ? log_field_double(row, 1, KIND_SCORE_SET) : 1);
	else
		value_corrupt(KIND_SCORE_SET);
}

/*
 * Merging the sorted lists
 */
typedef struct ScoreMerge
{
	const ScoreRows *rows;
	Size		plain[2];		/* how far each list has been read */
	Size		weighted[2];
} ScoreMerge;

/* The smallest key that is left; false: there is none. */
static inline bool
next_key(const ScoreMerge *merge, uint64 *key)
{
	bool		found = false;

	*key = PG_UINT64_MAX;
	for (int truth = 0; truth < 2; truth++)
	{
		const ScoreSide *side = &merge->rows->side[truth];

		if (merge->plain[truth] < side->n_plain)
		{
			*key = Min(*key, side->plain[merge->plain[truth]]);
			found = true;
		}
		if (merge->weighted[truth] < side->n_weighted)
		{
			*key = Min(*key, side->weighted[merge->weighted[truth]].key);
			found = true;
		}
	}
	return found;
}

/* The next score and the weights of its negatives and positives. */
static inline bool
merge_next(ScoreMerge *merge, uint64 *key, ExactSum *weight)
{
	if (!next_key(merge, key))
		return false;
	for (int truth = 0; truth < 2; truth++)
	{
		const ScoreSide *side = &merge->rows->side[truth];
		Size		first = merge->plain[truth];
		Size		at = first;
		Size		w = merge->weighted[truth];

		for (; at < side->n_plain && side->plain[at] == *key; at++)
			NL_CHECK_INTERRUPTS(at);
		weight[truth] = (ExactSum) {(uint64) (at - first) * SCORE_UNITS_HIGH, 0};
		for (; w < side->n_weighted && side->weighted[w].key == *key; w++)
		{
			NL_CHECK_INTERRUPTS(w);
			exact_sum_add(&weight[truth], &side->weighted[w].weight);
		}
		merge->plain[truth] = at;
		merge->weighted[truth] = w;
	}
	return true;
}

static void
sort_list(void *list, Size n, Size width)
{
	void	   *scratch;

	if (n < 2)
		return;
	scratch = nl_alloc(CurrentMemoryContext, n * width);
	radix_sort(list, scratch, n, width);
	pfree(scratch);
}

/* Sorts, counts, and finds the form.  Rows that are sorted already stay so. */
static void
sort_rows(ScoreRows *rows)
{
	ScoreMerge	merge = {.rows = rows};
	ExactSum	weight[2];
	uint64		key;
	bool		large = false;

	if (rows->sorted)
		return;
	nl_check_memory(mul_size(rows_memory(rows), 2), "sorting a score_set");
	for (int truth = 0; truth < 2; truth++)
	{
		ScoreSide  *side = &rows->side[truth];

		sort_list(side->plain, side->n_plain, sizeof(uint64));
		sort_list(side->weighted, side->n_weighted, sizeof(ScoreWeight));
	}
	rows->distinct = 0;
	while (merge_next(&merge, &key, weight))
	{
		NL_CHECK_INTERRUPTS(rows->distinct);
		rows->distinct++;
		large |= Max(weight[0].high, weight[1].high) / SCORE_UNITS_HIGH > PG_UINT32_MAX;
	}
	rows->form = rows->fractional ? SCORE_WEIGHTS :
		large ? SCORE_LARGE_COUNTS : SCORE_COUNTS;
	rows->sorted = true;
}

static void
write_set(ScoreSet *set, const ScoreRows *rows)
{
	ScoreMerge	merge = {.rows = rows};
	ScoreCount *counts = (ScoreCount *) set->entries;
	ScoreSum   *sums = (ScoreSum *) set->entries;
	ExactSum	weight[2];
	uint64		key;

	value_init(set, KIND_SCORE_SET, flat_size(rows->distinct, rows->form));
	set->n = rows->distinct;
	set->form = rows->form;
	for (Size i = 0; merge_next(&merge, &key, weight); i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (rows->form == SCORE_COUNTS)
			counts[i] = (ScoreCount) {sort_key_double(key),
				weight[0].high / SCORE_UNITS_HIGH, weight[1].high / SCORE_UNITS_HIGH};
		else
			sums[i] = (ScoreSum) {sort_key_double(key), weight[0], weight[1]};
	}
}

/* The stored form, in the current context. */
ScoreSet *
score_rows_make(ScoreRows *rows)
{
	ScoreSet   *set;
	Size		size;

	sort_rows(rows);
	size = flat_size(rows->distinct, rows->form);
	nl_check_memory(add_size(rows_memory(rows), size), "a score_set");
	set = nl_alloc_zero(CurrentMemoryContext, size);
	write_set(set, rows);
	return set;
}

ScoreSet *
score_set_get(Datum datum)
{
	ScoreSet   *set = value_get(datum, KIND_SCORE_SET, offsetof(ScoreSet, entries));
	ScoreRows	rows;

	if (!value_is_row_log(set))
		return (ScoreSet *) check_stored(set);
	score_rows_init(&rows, CurrentMemoryContext);
	score_rows_add_value(&rows, set);
	set = score_rows_make(&rows);
	score_rows_free(&rows);
	return set;
}

/*
 * Expanded form
 */
static Size
get_flat_size(ExpandedObjectHeader *eohptr)
{
	ExpandedScores *es = (ExpandedScores *) eohptr;
	MemoryContext old = value_begin_flatten(eohptr);
	Size		size;

	sort_rows(&es->rows);
	size = flat_size(es->rows.distinct, es->rows.form);
	nl_check_memory(add_size(rows_memory(&es->rows), size), "a score_set");
	MemoryContextSwitchTo(old);
	return size;
}

static void
flatten_into(ExpandedObjectHeader *eohptr, void *result, Size allocated_size)
{
	ExpandedScores *es = (ExpandedScores *) eohptr;

	nl_clear(result, Min(allocated_size, offsetof(ScoreSet, entries)));
	write_set(result, &es->rows);
}

static const ExpandedObjectMethods methods = {get_flat_size, flatten_into};

/* The set itself if it is expanded, or NULL. */
ExpandedScores *
score_set_expanded(Datum datum)
{
	return (ExpandedScores *) value_expanded(datum, &methods);
}

/* A set of no rows, in a context of its own below "parent". */
ExpandedScores *
score_set_create(MemoryContext parent)
{
	MemoryContext context = AllocSetContextCreate(parent, "score_set",
												  ALLOCSET_START_SMALL_SIZES);
	ExpandedScores *es = MemoryContextAllocZero(context, sizeof(ExpandedScores));

	EOH_init_header(&es->hdr, &methods, context);
	score_rows_init(&es->rows, context);
	return es;
}
