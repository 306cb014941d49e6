/*
 * split.c
 *		SQL functions split_of() and, over a window, stratified_split().
 *
 * The window function reads all rows of a partition at the first one.  Memory: 20
 * bytes a row beside the names of groups and labels, below the partition's
 * context.  Interrupts: for each row.
 */
#include "classify/split.h"

#include "pg/window.h"
#include "windowapi.h"

#define MAX_STRATA 1000000		/* labels; a million splits times labels is a table of 8 MB each */

/* (key, shares, seed) */
NL_FUNCTION(split_of);
Datum
split_of(PG_FUNCTION_ARGS)
{
	text	   *key = nl_name_argument(fcinfo, 0);
	const Shares *shares = shares_cached(fcinfo, nl_call_cache(fcinfo), PG_GETARG_JSONB_P(1));
	uint32		split = split_by_hash(shares, split_hash(key, PG_GETARG_INT32(2)));

	PG_RETURN_TEXT_P(names_text(&shares->names, split));
}

typedef struct SplitPartition
{
	bool		done;
	MemoryContext context;
	MemoryContext scratch;
	const Shares *shares;
	uint32		rows;
	uint32	   *group;			/* by position */
	uint32	   *label;
	uint32	   *split;			/* by group */
} SplitPartition;

/* A label that is not known is a label of its own, number 0. */
static void
collect_row(FunctionCallInfo fcinfo, SplitPartition *p, Dictionary *groups,
			Dictionary *labels, uint32 i)
{
	p->label[i] = 0;
	if (window_argument(fcinfo, 0, i))
		p->label[i] = 1 + dictionary_add(labels, name_of_text(nl_name_argument(fcinfo, 0)));
	if (!window_argument(fcinfo, 1, i))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("group_key of stratified_split() must not be NULL, but in row %u it is", i + 1),
				 errhint("Give the item, or the key of the row where each is a group of its own.")));
	p->group[i] = dictionary_add(groups, name_of_text(nl_name_argument(fcinfo, 1)));
}

static void
collect(FunctionCallInfo fcinfo, SplitPartition *p, Dictionary *groups, Dictionary *labels)
{
	p->rows = WinGetPartitionRowCount(PG_WINDOW_OBJECT());
	p->group = nl_alloc(p->context, mul_size(p->rows, sizeof(uint32)));
	p->label = nl_alloc(p->context, mul_size(p->rows, sizeof(uint32)));
	MemoryContextSwitchTo(p->scratch);
	for (uint32 i = 0; i < p->rows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		collect_row(fcinfo, p, groups, labels, i);
		if (i % SCRATCH_ROWS == 0)
			MemoryContextReset(p->scratch);
	}
	MemoryContextSwitchTo(p->context);
	MemoryContextReset(p->scratch);
}

/* The hash of each group, by which groups of one size are ordered. */
static uint64 *
hash_groups(const Dictionary *groups, int seed)
{
	uint64	   *hash = nl_alloc(CurrentMemoryContext, mul_size(Max(groups->n, 1), sizeof(uint64)));

	for (uint32 g = 0; g < groups->n; g++)
	{
		NameView	name = dictionary_get(groups, g);
		text	   *key = cstring_to_text_with_len(name.s, name.len);

		CHECK_FOR_INTERRUPTS();
		hash[g] = split_hash(key, seed);
		pfree(key);
	}
	return hash;
}

static void
split_partition(FunctionCallInfo fcinfo, SplitPartition *p)
{
	Dictionary *groups = dictionary_create(p->context, "group", PG_INT32_MAX);
	Dictionary *labels = dictionary_create(p->context, "label", MAX_STRATA);
	int			seed = 0;
	SplitRows	rows;

	if (!window_argument(fcinfo, 2, 0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("shares of stratified_split() must not be NULL")));
	p->shares = shares_cached(fcinfo, nl_call_cache(fcinfo), PG_GETARG_JSONB_P(2));
	if (PG_NARGS() > 3 && window_argument(fcinfo, 3, 0))
		seed = PG_GETARG_INT32(3);
	nl_check_memory(mul_size(WinGetPartitionRowCount(PG_WINDOW_OBJECT()), 20), "splitting rows");
	collect(fcinfo, p, groups, labels);
	rows = (SplitRows) {
		p->rows, groups->n, labels->n + 1, p->group, p->label, hash_groups(groups, seed)
	};
	p->split = split_groups(&rows, p->shares);
}

/* (label, group_key, shares, seed); shares and seed are those of the partition's first row */
NL_FUNCTION(stratified_split);
Datum
stratified_split(PG_FUNCTION_ARGS)
{
	WindowObject window = PG_WINDOW_OBJECT();
	SplitPartition *p;
	MemoryContext old;

	if (!WindowObjectIsValid(window))
		elog(ERROR, "stratified_split() is a window function");
	p = WinGetPartitionLocalMemory(window, sizeof(SplitPartition));
	if (!p->done)
	{
		p->context = AllocSetContextCreate(GetMemoryChunkContext(p), "stratified_split",
										   ALLOCSET_SMALL_SIZES);
		p->scratch = AllocSetContextCreate(p->context, "stratified_split arguments",
										   ALLOCSET_DEFAULT_SIZES);
		old = MemoryContextSwitchTo(p->context);
		split_partition(fcinfo, p);
		MemoryContextSwitchTo(old);
		p->done = true;
	}
	PG_RETURN_TEXT_P(names_text(&p->shares->names,
								p->split[p->group[WinGetCurrentPosition(window)]]));
}
