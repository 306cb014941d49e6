/*
 * radix_sort.c
 *		Sorting by a 64-bit key; see radix_sort.h.
 *
 * Phases: count how often each byte of the key has each value (one pass); then,
 * from the lowest byte to the highest, deal the records to where they belong (a
 * pass each, left out where all have one value).  A few records are sorted by
 * insertion.
 *
 * Memory: "scratch", as large as the records.  Interrupts: as records pass.
 */
#include "math/radix_sort.h"

#define KEY_BYTES 8
#define BYTE_VALUES 256
#define FEW 48

static inline uint64
key_of(const char *record)
{
	uint64		key;

	memcpy(&key, record, sizeof(key));
	return key;
}

static inline void
insertion_sort(char *records, char *held, Size n, const Size width)
{
	for (Size i = 1; i < n; i++)
	{
		Size		to = i;
		uint64		key = key_of(records + i * width);

		memcpy(held, records + i * width, width);
		for (; to > 0 && key_of(records + (to - 1) * width) > key; to--)
			memcpy(records + to * width, records + (to - 1) * width, width);
		memcpy(records + to * width, held, width);
	}
}

/* Where the records of each value of a byte begin; false: there is one value. */
static bool
starts_of(Size *counts, Size n)
{
	Size		start = 0;

	for (int value = 0; value < BYTE_VALUES; value++)
	{
		Size		count = counts[value];

		if (count == n)
			return false;
		counts[value] = start;
		start += count;
	}
	return true;
}

static inline void
sort_width(char *records, char *scratch, Size n, const Size width)
{
	Size		counts[KEY_BYTES][BYTE_VALUES] = {{0}};
	char	   *from = records;
	char	   *to = scratch;

	if (n < FEW)
	{
		if (n > 1)
			insertion_sort(records, scratch, n, width);
		return;
	}
	for (Size i = 0; i < n; i++)
	{
		uint64		key = key_of(records + i * width);

		NL_CHECK_INTERRUPTS(i);
		for (int byte = 0; byte < KEY_BYTES; byte++)
			counts[byte][(key >> 8 * byte) & 255]++;
	}
	for (int byte = 0; byte < KEY_BYTES; byte++)
	{
		char	   *dealt = to;

		if (!starts_of(counts[byte], n))
			continue;
		for (Size i = 0; i < n; i++)
		{
			const char *record = from + i * width;

			NL_CHECK_INTERRUPTS(i);
			memcpy(to + counts[byte][(key_of(record) >> 8 * byte) & 255]++ * width,
				   record, width);
		}
		to = from;
		from = dealt;
	}
	if (from != records)
		nl_copy(records, from, n * width);
}

/* The widths that there are; the compiler makes a function for each. */
void
radix_sort(void *records, void *scratch, Size n, Size width)
{
	if (width == 8)
		sort_width(records, scratch, n, 8);
	else if (width == 16)
		sort_width(records, scratch, n, 16);
	else if (width == 24)
		sort_width(records, scratch, n, 24);
	else
		elog(ERROR, "no sort for records of %zu bytes", width);
}
