/*
 * row_key.c
 *		Things and their hashes, put in order of the hashes; see row_key.h.
 *
 * Hashes are spread evenly, so a byte of them parts the keys into 256 heaps of
 * about one size (McIlroy, Bostic & McIlroy, Engineering radix sort, 1993), in
 * place; small heaps are sorted by insertion.  Keys that have one hash, be they
 * many, are left to qsort.
 *
 * Memory: 2 kB for each of the 8 bytes of a hash.  Interrupts: every heap.
 */
#include "row_key.h"

#define HEAPS 256
#define SMALL_HEAP 24

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

/* Keys that are equal above the byte at "shift", or (-8) entirely. */
static void
sort_heap(RowKey *keys, uint32 n, int shift)
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
		end[(keys[i].hash >> shift) % HEAPS]++;
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

			*at = keys[next[home]];
			keys[next[home]++] = key;
		}
	for (int h = 0; h < HEAPS; h++)
	{
		uint32		begin = h == 0 ? 0 : end[h - 1];

		if (end[h] - begin > SMALL_HEAP)
			sort_heap(keys + begin, end[h] - begin, shift - 8);
		else
			insert_all(keys + begin, end[h] - begin);
	}
}

/* By hash, then by row. */
void
row_keys_sort(RowKey *keys, uint32 n)
{
	if (n > SMALL_HEAP)
		sort_heap(keys, n, 56);
	else
		insert_all(keys, n);
}
