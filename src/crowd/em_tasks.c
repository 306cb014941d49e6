/*
 * em_tasks.c
 *		What the tasks of a team are: the one place that knows the engine's parts
 *		as well as the team, for the leader and for workers.
 */
#include "crowd/em.h"

void
em_run_unit(EmTeam *team, EmTask task, uint32 unit)
{
	EmPartial  *partial = &team->partial[unit];

	CHECK_FOR_INTERRUPTS();
	switch (task)
	{
		case TASK_VOTES:
			em_stripe_votes(team, unit);
			break;
		case TASK_EXPECTATION:
			*partial = em_stripe_expectation(team, unit);
			break;
		case TASK_SUM:
			em_block_sum(team, unit);
			break;
		case TASK_MAXIMIZE:
			em_block_maximize(team, unit);
			break;
		case TASK_RULE:
			em_block_rule(team, unit);
			break;
		case TASK_LOG_PRIOR:
			partial->sum[0] = em_block_log_prior(team, unit);
			break;
		case TASK_LOG_MARGINAL:
			partial->sum[0] = em_block_log_marginal(team, unit);
			break;
		case TASK_STEPLENGTH:
			*partial = em_block_steplength(team, unit);
			break;
		case TASK_EXTRAPOLATE:
			em_block_extrapolate(team, unit);
			break;
		case TASK_END:
			break;
	}
}

/* Where parallel workers begin. */
void
em_worker_main(dsm_segment *seg, shm_toc *toc)
{
	(void) seg;
	em_team_work(toc, em_run_unit);
}
