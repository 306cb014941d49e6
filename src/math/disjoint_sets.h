/*
 * disjoint_sets.h
 *		Which of n things belong together, as pairs are found: union-find with
 *		path halving.
 *
 * A thing's parent is never a later one, so the root of a set is its first thing.
 */
#ifndef NL_DISJOINT_SETS_H
#define NL_DISJOINT_SETS_H

#include "noisylabel.h"

/* The parents of n things that are alone. */
static inline uint32 *
sets_begin(uint32 n)
{
	uint32	   *parent = nl_alloc(CurrentMemoryContext, mul_size(n, sizeof(uint32)));

	for (uint32 i = 0; i < n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		parent[i] = i;
	}
	return parent;
}

static inline uint32
sets_root(uint32 *parent, uint32 i)
{
	while (parent[i] != i)
		i = parent[i] = parent[parent[i]];
	return i;
}

/* Returns whether two things were apart. */
static inline bool
sets_unite(uint32 *parent, uint32 a, uint32 b)
{
	a = sets_root(parent, a);
	b = sets_root(parent, b);
	parent[Max(a, b)] = Min(a, b);
	return a != b;
}

#endif							/* NL_DISJOINT_SETS_H */
