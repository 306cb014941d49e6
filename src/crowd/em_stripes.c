/*
 * em_stripes.c
 *		Passes over the items go by stripes, each with a table of counts of its own
 *		(see em_team.c), which are added up in their order.
 *
 * Memory: the team's tables.  Interrupts: for each stripe of a block.
 */
#include "crowd/em.h"

/* Where a stripe of items begins: stripes have about equal annotations. */
uint32
em_stripe_start(const EmTeam *team, uint32 stripe)
{
	const AnnotationView *view = &team->view;
	uint64		goal = (uint64) view->annotations * stripe / team->n_stripes;
	uint32		low = 0;
	uint32		high = view->items;

	if (stripe == 0 || stripe == team->n_stripes)
		return stripe == 0 ? 0 : view->items;
	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;

		if (view->starts[middle] < goal)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Add the counts of a stripe to those of all, or begin with them. */
static void
add_counts(const EmTeam *team, uint32 stripe, Size from, Size to)
{
	double	   *restrict all = team->tables[SLOT_COUNTS].prior;
	const double *restrict part = team->tables[SLOT_STRIPES + stripe].prior;

	if (stripe == 0)
		memcpy(all + from, part + from, (to - from) * sizeof(double));
	else
		for (Size i = from; i < to; i++)
			all[i] += part[i];
}

/* Who is alone has one table for all stripes and adds it up at once. */
void
em_end_stripe(const EmTeam *team, uint32 stripe)
{
	if (team->shared != NULL || team->n_stripes == 1)
		return;
	for (uint32 block = 0; block < team->n_blocks; block++)
	{
		EmBlock		b = em_block(team, block);

		CHECK_FOR_INTERRUPTS();
		add_counts(team, stripe, b.first_cell, b.last_cell);
	}
}

/* Add up the stripes, for a block of annotators. */
void
em_block_sum(EmTeam *team, uint32 block)
{
	EmBlock		b = em_block(team, block);

	for (uint32 stripe = 0; stripe < team->n_stripes; stripe++)
	{
		CHECK_FOR_INTERRUPTS();
		add_counts(team, stripe, b.first_cell, b.last_cell);
	}
}

/* The counts are in SLOT_COUNTS when this is done. */
void
em_run_stripes(EmTeam *team, EmTask task)
{
	em_team_run(team, task);
	if (team->shared != NULL)
		em_team_run(team, TASK_SUM);
}
