/*
 * row_order.h
 *		Hashes of rows; things and their hashes, put in order of the hashes; the
 *		order in which fits take rows, which depends on their contents only.
 */
#ifndef NL_ROW_ORDER_H
#define NL_ROW_ORDER_H

#include "types/training_set.h"

typedef struct RowKey
{
	uint64		hash;
	uint32		row;
	/* of a unit of rows (folds.c), which sorting carries along */
	uint32		rows:31;
	uint32		grouped:1;		/* the hash is of a group */
} RowKey;

extern uint64 row_hash(const double *row, uint32 width, uint64 seed);
extern void row_keys_sort(RowKey *keys, uint32 n);
extern RowKey *training_set_order(const TrainingSet *set, uint64 seed);

#endif							/* NL_ROW_ORDER_H */
