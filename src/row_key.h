/*
 * row_key.h
 *		Things and their hashes, put in order of the hashes.
 */
#ifndef NL_ROW_KEY_H
#define NL_ROW_KEY_H

#include "noisylabel.h"

typedef struct RowKey
{
	uint64		hash;
	uint32		row;
} RowKey;

extern void row_keys_sort(RowKey *keys, uint32 n);

#endif							/* NL_ROW_KEY_H */
