/*
 * split.h
 *		Which part of the data (train, test, ...) something belongs to.
 */
#ifndef NL_SPLIT_H
#define NL_SPLIT_H

#include "names/dictionary.h"
#include "utils/jsonb.h"

#define MAX_SPLITS 100

typedef struct Shares
{
	Jsonb	   *json;			/* what they were read from */
	Names		names;			/* in bytewise order */
	double	   *share;			/* of each; they sum to 1 */
} Shares;

/* Rows of groups and labels that are to be dealt to splits. */
typedef struct SplitRows
{
	uint32		n;
	uint32		groups;
	uint32		labels;
	const uint32 *group;		/* by row */
	const uint32 *label;
	const uint64 *hash;			/* by group: their order among equals */
} SplitRows;

extern const Shares *shares_cached(FunctionCallInfo fcinfo, void **cache, Jsonb *jsonb);
extern uint64 split_hash(const text *key, int seed);
extern uint32 split_by_hash(const Shares *shares, uint64 hash);
extern uint32 *split_groups(const SplitRows *rows, const Shares *shares);

#endif							/* NL_SPLIT_H */
