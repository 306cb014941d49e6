/*
 * row_order.c
 *		Hashes of rows; things and their hashes, put in order of the hashes; see
 *		row_order.h.
 *
 * PostgreSQL's hash takes 12 bytes at a time, and each time waits for the last; so
 * a row becomes 64 bytes first, in lanes that do not wait for each other.  A step
 * of a lane is one to one in what it adds.
 *
 * Hashes are spread evenly, so a byte of them parts the keys into 256 heaps of
 * about one size (McIlroy, Bostic & McIlroy, Engineering radix sort, 1993), in
 * place; small heaps are sorted by insertion.  Keys that have one hash, be they
 * many, are left to qsort.
 *
 * Memory: 2 kB for each of the 8 bytes of a hash.  Interrupts: as keys pass.
 */
#include "types/row_order.h"

#include "common/hashfn.h"

#define LANES 8
#define LANE_FACTOR UINT64CONST(0x9e3779b97f4a7c15) /* 2^64 over the golden ratio */
#define HEAPS 256
#define SMALL_HEAP 24

static inline uint64
add_to_lane(uint64 lane, double v)
{
	uint64		bits;

	memcpy(&bits, &v, sizeof(bits));
	lane ^= bits;
	return (lane << 29 | lane >> 35) * LANE_FACTOR;
}

uint64
row_hash(const double *row, uint32 width, uint64 seed)
{
	uint64		lane[LANES] = {0};
	uint32		whole = width / LANES * LANES;

	for (uint32 j = 0; j < whole; j += LANES)
		for (uint32 l = 0; l < LANES; l++)
			lane[l] = add_to_lane(lane[l], row[j + l]);
	for (uint32 j = whole; j < width; j++)
		lane[j - whole] = add_to_lane(lane[j - whole], row[j]);
	return hash_bytes_extended((unsigned char *) lane, sizeof(lane), seed);
}

static inline bool
is_less(const RowKey *a, const RowKey *b)
{
	return a->hash != b->hash ? a->hash < b->hash : a->row < b->row;
}

static int
compare_rows(const void *x, const void *y)
{
	uint32		a = ((const RowKey *) x)->row;
	uint32		b = ((const RowKey *) y)->row;

	CHECK_FOR_INTERRUPTS();
	return a < b ? -1 : a > b;
}

static void
insert_all(RowKey *keys, uint32 n)
{
	for (uint32 i = 1; i < n; i++)
	{
		RowKey		key = keys[i];
		uint32		at = i;

		for (; at > 0 && is_less(&key, &keys[at - 1]); at--)
			keys[at] = keys[at - 1];
		keys[at] = key;
	}
}

static void sort_heap(RowKey *keys, uint32 n, int shift);

static void
part_heap(RowKey *keys, uint32 n, int shift)
{
	uint32		next[HEAPS];
	uint32		end[HEAPS] = {0};
	uint32		from = 0;

	CHECK_FOR_INTERRUPTS();
	if (shift < 0)
	{
		qsort(keys, n, sizeof(RowKey), compare_rows);
		return;
	}
	for (uint32 i = 0; i < n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		end[(keys[i].hash >> shift) % HEAPS]++;
	}
	for (int h = 0; h < HEAPS; h++)
	{
		next[h] = from;
		end[h] = from += end[h];
	}
	for (int h = 0; h < HEAPS; h++)
		while (next[h] < end[h])
		{
			RowKey	   *at = &keys[next[h]];
			uint32		home = (at->hash >> shift) % HEAPS;
			RowKey		key = *at;

			NL_CHECK_INTERRUPTS(next[h]);
			*at = keys[next[home]];
			keys[next[home]++] = key;
		}
	for (int h = 0; h < HEAPS; h++)
	{
		uint32		begin = h == 0 ? 0 : end[h - 1];

		sort_heap(keys + begin, end[h] - begin, shift - 8);
	}
}

/* Keys that are equal above the byte at "shift", or (-8) entirely. */
static void
sort_heap(RowKey *keys, uint32 n, int shift)
{
	if (n > SMALL_HEAP)
		part_heap(keys, n, shift);
	else
		insert_all(keys, n);
}

/* By hash, then by row. */
void
row_keys_sort(RowKey *keys, uint32 n)
{
	sort_heap(keys, n, 56);
}

/*
 * Canonical order: by hash of the features with the seed; where hashes are
 * equal, by all that a row has.  Rows that are then still equal cannot be told
 * apart, but by the order in which they came.
 */
static int
compare_doubles(const double *a, const double *b, uint32 n)
{
	for (uint32 i = 0; i < n; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

/* Targets were added in canonical order of their labels. */
static int
compare_targets(const TrainingSet *set, uint32 a, uint32 b)
{
	uint32		from_a = target_begin(set, a);
	uint32		from_b = target_begin(set, b);
	uint32		n = set->target_end[a] - from_a;

	if (n != set->target_end[b] - from_b)
		return n < set->target_end[b] - from_b ? -1 : 1;
	for (uint32 i = 0; i < n; i++)
		if (set->target_label[from_a + i] != set->target_label[from_b + i])
			return set->target_label[from_a + i] < set->target_label[from_b + i] ? -1 : 1;
	return compare_doubles(set->target_p + from_a, set->target_p + from_b, n);
}

static int
compare_contents(const void *x, const void *y, void *arg)
{
	const RowKey *a = x;
	const RowKey *b = y;
	const TrainingSet *set = arg;
	int			order;

	CHECK_FOR_INTERRUPTS();
	order = compare_doubles(feature_row(&set->x, a->row),
							feature_row(&set->x, b->row), set->x.width);
	if (order != 0)
		return order;
	if (set->soft)
		order = compare_targets(set, a->row, b->row);
	else
		order = (int) set->label[a->row] - (int) set->label[b->row];
	if (order == 0 && set->weight != NULL &&
		set->weight[a->row] != set->weight[b->row])
		return set->weight[a->row] < set->weight[b->row] ? -1 : 1;
	return order != 0 ? order : a->row < b->row ? -1 : 1;
}

RowKey *
training_set_order(const TrainingSet *set, uint64 seed)
{
	uint32		n = set->x.n;
	uint32		run;
	RowKey	   *keys = nl_alloc(CurrentMemoryContext,
								mul_size(Max(n, 1), sizeof(RowKey)));

	for (uint32 i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();	/* a row may have many features */
		keys[i].row = i;
		keys[i].hash = row_hash(feature_row(&set->x, i), set->x.width, seed);
	}
	row_keys_sort(keys, n);
	for (uint32 i = 0; i < n; i += run)
	{
		for (run = 1; i + run < n && keys[i + run].hash == keys[i].hash; run++)
			NL_CHECK_INTERRUPTS(run);
		if (run > 1)
			qsort_arg(keys + i, run, sizeof(RowKey), compare_contents, (void *) set);
	}
	return keys;
}
