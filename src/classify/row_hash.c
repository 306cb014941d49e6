/*
 * row_hash.c
 *		Hashes of rows; things and their hashes, put in order of the hashes; see
 *		row_hash.h.
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
#include "classify/row_hash.h"

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
