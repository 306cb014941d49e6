/*
 * simulate_asked.c
 *		Who answers what in a simulated crowd; see simulate.h.
 *
 * An annotator is in the pool, or has a number of answers of his own (newcomers),
 * or copies another.  For an item so many of the pool are drawn as it is to have
 * answers, among those who may see it; then come those who have drawn the item
 * themselves, and the copies of those who answer it.
 *
 * The pool begins with the first team and ends with the second, so that those who
 * may see an item stand side by side.  Drawing without replacement is the beginning
 * of a shuffle, which is undone after.
 *
 * Memory: 16 bytes an annotator; where some have answers of their own, 4 bytes an
 * item for a moment and 8 for each of these answers.  All is held against
 * noisylabel.memory_limit first.
 */
#include "crowd/simulate.h"

struct CrowdAsker
{
	const Crowd *crowd;
	uint32	   *pool;			/* annotators: first team, no team, second team */
	uint32		n_pool;
	uint32		team_size[2];
	uint32	   *swaps;			/* of the shuffle */
	uint32	   *asked;			/* the result */
	uint64	   *own;			/* item << 32 | annotator, in ascending order */
	Size		n_own;
	Size		next_own;
};

static void
swap(uint32 *a, uint32 *b)
{
	uint32		c = *a;

	*a = *b;
	*b = c;
}

/* Draws k of n cards to their beginning. */
static void
draw(uint32 *cards, uint32 n, uint32 k, Random *r, uint32 *swaps)
{
	for (uint32 i = 0; i < k; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		swaps[i] = i + random_below(r, n - i);
		swap(&cards[i], &cards[swaps[i]]);
	}
}

static void
put_back(uint32 *cards, uint32 k, const uint32 *swaps)
{
	for (uint32 i = k; i-- > 0;)
	{
		NL_CHECK_INTERRUPTS(i);
		swap(&cards[i], &cards[swaps[i]]);
	}
}

static bool
in_pool(const CrowdGroup *group)
{
	return group->kind != CROWD_COPY && group->answers == POOL;
}

/* 0 and 2: the teams; 1: the others */
static int
pool_part(const Crowd *crowd, uint32 annotator)
{
	if (crowd_group(crowd, annotator)->kind != CROWD_TEAM)
		return 1;
	return 2 * crowd_team(crowd, annotator);
}

static void
fill_pool(CrowdAsker *asker)
{
	const Crowd *crowd = asker->crowd;

	for (int part = 0; part < 3; part++)
		for (uint32 j = 0; j < crowd->n; j++)
		{
			NL_CHECK_INTERRUPTS(j);
			if (!in_pool(crowd_group(crowd, j)) || pool_part(crowd, j) != part)
				continue;
			asker->pool[asker->n_pool++] = j;
			if (part != 1)
				asker->team_size[part / 2]++;
		}
}

/*
 * Answers of an annotator's own
 */
static int
compare_own(const void *a, const void *b)
{
	uint64		x = *(const uint64 *) a;
	uint64		y = *(const uint64 *) b;

	CHECK_FOR_INTERRUPTS();
	return x < y ? -1 : x > y;
}

static uint32
own_answers(const Crowd *crowd, const CrowdGroup *group)
{
	if (group->kind == CROWD_COPY || group->answers == POOL)
		return 0;
	return Min((uint32) group->answers, crowd->items);
}

static Size
count_own(const Crowd *crowd)
{
	Size		n = 0;

	for (uint32 g = 0; g < crowd->n_groups; g++)
		n = add_size(n, mul_size(crowd->groups[g].count,
								 own_answers(crowd, &crowd->groups[g])));
	return n;
}

static void
draw_own(CrowdAsker *asker)
{
	const Crowd *crowd = asker->crowd;
	uint32	   *items = nl_alloc(CurrentMemoryContext, mul_size(crowd->items, sizeof(uint32)));
	uint32	   *swaps = nl_alloc(CurrentMemoryContext, mul_size(crowd->items, sizeof(uint32)));
	Size		n = 0;

	for (uint32 i = 0; i < crowd->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		items[i] = i;
	}
	for (uint32 j = 0; j < crowd->n; j++)
	{
		uint32		k = own_answers(crowd, crowd_group(crowd, j));
		Random		r = random_for(crowd->options.seed, DRAW_OWN_ITEMS,
								   crowd_annotator_key(crowd, j), 0);

		NL_CHECK_INTERRUPTS(j);
		draw(items, crowd->items, k, &r, swaps);
		for (uint32 i = 0; i < k; i++)
			asker->own[n++] = (uint64) items[i] << 32 | j;
		put_back(items, k, swaps);
	}
	pfree(items);
	pfree(swaps);
	qsort(asker->own, n, sizeof(uint64), compare_own);
}

CrowdAsker *
crowd_asker_create(const Crowd *crowd)
{
	CrowdAsker *asker = palloc0(sizeof(CrowdAsker));
	MemoryContext context = CurrentMemoryContext;
	Size		annotators = mul_size(crowd->n, sizeof(uint32));
	Size		required = mul_size(crowd->n, 3 * sizeof(uint32) + sizeof(CrowdAnnotator));

	asker->crowd = crowd;
	asker->n_own = count_own(crowd);
	required = add_size(required, mul_size(asker->n_own, sizeof(uint64)));
	if (asker->n_own > 0)
		required = add_size(required, mul_size(crowd->items, 2 * sizeof(uint32)));
	nl_check_memory_for(required, "simulating annotations", "simulate fewer",
						"It grows with annotators, and with answers of their own and items: %u annotators, %zu such answers.",
						crowd->n, asker->n_own);
	asker->pool = nl_alloc(context, annotators);
	asker->swaps = nl_alloc(context, annotators);
	asker->asked = nl_alloc(context, annotators);
	fill_pool(asker);
	if (asker->n_own > 0)
	{
		asker->own = nl_alloc(context, asker->n_own * sizeof(uint64));
		draw_own(asker);
	}
	return asker;
}

/*
 * Asking
 */
static int
compare_asked(const void *a, const void *b)
{
	uint32		x = *(const uint32 *) a;
	uint32		y = *(const uint32 *) b;

	CHECK_FOR_INTERRUPTS();
	return x < y ? -1 : x > y;
}

/* The copies of those who are asked already. */
static uint32
add_copies(CrowdAsker *asker, uint32 n)
{
	const Crowd *crowd = asker->crowd;
	uint32		originals = n;

	for (uint32 g = 0; g < crowd->n_groups; g++)
	{
		const CrowdGroup *group = &crowd->groups[g];

		for (uint32 i = 0; group->kind == CROWD_COPY && i < originals; i++)
		{
			NL_CHECK_INTERRUPTS(i);
			if (asker->asked[i] != group->source)
				continue;
			for (int c = 0; c < group->count; c++)
				asker->asked[n++] = group->first + c;
			break;
		}
	}
	return n;
}

/* The annotators of an item, in ascending order. */
const uint32 *
crowd_ask(CrowdAsker *asker, const CrowdItem *item, uint32 *n)
{
	const Crowd *crowd = asker->crowd;
	Random		r = random_for(crowd->options.seed, DRAW_ASKED, item->item, 0);
	uint32		skipped = item->team[0] ? 0 : asker->team_size[0];
	uint32	   *pool = asker->pool + skipped;
	uint32		may_see = asker->n_pool - skipped -
		(item->team[1] ? 0 : asker->team_size[1]);
	double		u = random_uniform(&r);
	uint32		wanted = (uint32) crowd->options.answers;
	uint32		k;

	if (u < crowd->options.answers - wanted)
		wanted++;
	k = Min(wanted, may_see);
	draw(pool, may_see, k, &r, asker->swaps);
	memcpy(asker->asked, pool, k * sizeof(uint32));
	put_back(pool, k, asker->swaps);
	while (asker->next_own < asker->n_own &&
		   asker->own[asker->next_own] >> 32 == item->item)
		asker->asked[k++] = (uint32) asker->own[asker->next_own++];
	k = add_copies(asker, k);
	qsort(asker->asked, k, sizeof(uint32), compare_asked);
	*n = k;
	return asker->asked;
}
