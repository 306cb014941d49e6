/*
 * em.h
 *		The fitting engine: expectation maximisation for models of annotators.
 *
 * em_expectation.c has the E step, em_maximize.c the M steps of the variants,
 * em_iterate.c the loop around them, em_restart.c more than one start, em_team.c
 * the processes that do it and their memory, em_stripes.c how a pass is divided,
 * em_votes.c what votes and gold say, em_final_counts.c what is counted in the end.
 * em_rule.c is the fit of variant auto, em_voices.c what an answer counts in it,
 * em_copies.c who copies whom, em_correlation.c how dependent answers are.
 */
#ifndef NL_EM_H
#define NL_EM_H

#include "noisylabel.h"

#include "crowd/em_voices.h"
#include "types/annotation_set.h"
#include "types/annotator_model.h"
#include "storage/dsm.h"
#include "storage/shm_toc.h"

/* Where a Dirichlet prior on the rows of the confusion matrices points. */
typedef enum SmoothingTarget
{
	TOWARD_POOL,				/* all annotators' counts at the start */
	TOWARD_ACCURACY,			/* the annotator's own accuracy, the pool's errors */
	TOWARD_DIAGONAL,			/* 4 parts right answer, 1 each wrong answer */
	TOWARD_UNIFORM
} SmoothingTarget;

extern const char *const smoothing_target_names[];	/* ends with NULL */

typedef enum Acceleration
{
	ACCELERATE_SQUAREM,
	ACCELERATE_NONE
} Acceleration;

typedef struct EmOptions
{
	int			max_iterations; /* passes over the annotations */
	double		tolerance;		/* relative change of the objective */
	Variant		variant;
	double		smoothing;		/* pseudo-counts for each row; 0 is none */
	int			toward;			/* SmoothingTarget */
	bool		fixed_prior;	/* keep the class prior of the start */
	bool		estimate;		/* the strength of the smoothing, from the data */
	int			acceleration;	/* Acceleration */
} EmOptions;

/*
 * Tables of the engine are laid out for its inner loop: for annotator j,
 * label l and truth k the cell is at (j * K + l) * K + k, so that what one
 * annotation says about all classes is contiguous.  Of variants that tie
 * rates they have what these need (em_answer.h).  Prior and confusion are one
 * allocation, the prior first.
 */
typedef struct EmTables
{
	double	   *prior;			/* K */
	double	   *confusion;		/* J * K * K, or what the variant needs */
} EmTables;

typedef EmTables EmParameters;	/* probabilities */
typedef EmTables EmCounts;		/* expected counts */

/*
 * What other starts led to, under the names of the kept fit's classes or, for
 * starts near the votes, under exchanged ones.
 */
typedef struct EmRivals
{
	double		other_objective;	/* -DBL_MAX: there is none */
	double		other_items;	/* how many it puts elsewhere, expected */
	int			near_starts;
	int			exchanged;		/* of these */
	double		exchanged_objective;	/* of the best of them, or -DBL_MAX */
	double		exchanged_items;
} EmRivals;

typedef struct EmFit
{
	EmParameters parameters;
	double	   *pool;			/* K * K: for an annotator never seen; NULL: of */
								/* coins, em_evidence() makes it */
	EmCounts	counts;			/* expected under the parameters */
	double		log_likelihood; /* of the parameters */
	double		objective;		/* log-likelihood plus log-prior */
	int			iterations;
	bool		converged;
	const char *stopped_by;
	EmRivals   *rivals;			/* NULL: there was one start */
	const char *detail;			/* what was chosen on the way, or NULL */
	struct AutoReport *report;	/* of variant auto, or NULL */
	struct GoldCheck *gold;		/* NULL where there is none */
} EmFit;

/* The tables that the processes of a team share. */
typedef enum EmSlot
{
	SLOT_X0,					/* parameters */
	SLOT_X1,
	SLOT_X2,
	SLOT_COUNTS,				/* of all items */
	SLOT_TARGET,				/* what smoothing points to */
	SLOT_STRIPES				/* counts of a stripe of items; to the end */
} EmSlot;

/* What a team does together; a unit is a stripe of items or a block of cells. */
typedef enum EmTask
{
	TASK_VOTES,					/* stripes: counts of vote shares */
	TASK_EXPECTATION,			/* stripes: counts under parameters "from" */
	TASK_SUM,					/* blocks: stripes into SLOT_COUNTS */
	TASK_MAXIMIZE,				/* blocks: SLOT_COUNTS into parameters "to" */
	TASK_RULE,					/* the same, for variant auto */
	TASK_LOG_PRIOR,				/* blocks: of parameters "from" */
	TASK_LOG_MARGINAL,			/* blocks: of SLOT_COUNTS under smoothing */
	TASK_STEPLENGTH,			/* blocks: see em_iterate.c */
	TASK_EXTRAPOLATE,
	TASK_END					/* none; the worker may go */
} EmTask;

/* What the posteriors of an E step are compared with. */
typedef enum EmMoved
{
	MOVED_UNKNOWN,				/* nothing */
	MOVED_FROM_VOTES,			/* vote shares */
	MOVED_FROM_SLOT				/* those of other parameters */
} EmMoved;

/* What a task is to do. */
typedef struct EmWork
{
	EmTask		task;
	EmSlot		from;
	EmSlot		to;
	EmMoved		moved;
	EmSlot		before;			/* the other parameters */
	EmSlot		x0;				/* of the extrapolation */
	EmSlot		x1;
	EmSlot		x2;
	double		step;
	Variant		variant;		/* whose strength of smoothing is looked for */
	double		strength;		/* of its smoothing */
} EmWork;

/* The sums that a unit leaves, besides what it does to tables. */
typedef struct EmPartial
{
	double		sum[2];
} EmPartial;

typedef struct EmTeam EmTeam;
typedef void (*EmRunUnit) (EmTeam *team, EmTask task, uint32 unit);

/*
 * The processes of one fit, as one of them sees it: the leader, which may be
 * alone, or a worker.  See em_team.c.
 */
struct EmTeam
{
	EmRunUnit	run_unit;
	AnnotationView view;		/* its names are the leader's only */
	uint32		classes;
	Size		annotators;
	uint32		n_stripes;
	uint32		n_blocks;
	Size		units;			/* of a table: one for each annotator, or for all */
	Size		unit_cells;
	uint32		block;			/* units of a block */
	EmTables   *tables;			/* by EmSlot */
	EmWork	   *work;			/* of the present task */
	EmPartial  *partial;		/* by unit */
	double	   *heard;			/* K * K a stripe: counts of voices, where */
								/* they are not the sum of annotators' */
	double	   *scratch;		/* K + K * K; each process has its own */
	struct EmShared *shared;	/* NULL when alone */
	struct ParallelContext *workers;	/* the leader's; NULL when alone */
};

static inline Size
em_cell(Size classes, Size annotator, Size label, Size truth)
{
	return (annotator * classes + label) * classes + truth;
}

/* A block of units, and what of a table is theirs; the first has the prior. */
typedef struct EmBlock
{
	Size		first;
	Size		last;			/* one beyond */
	Size		first_cell;		/* from the prior on */
	Size		last_cell;
} EmBlock;

static inline EmBlock
em_block(const EmTeam *team, uint32 block)
{
	EmBlock		b;

	b.first = (Size) block * team->block;
	b.last = Min(b.first + team->block, team->units);
	b.first_cell = block == 0 ? 0 : team->classes + b.first * team->unit_cells;
	b.last_cell = team->classes + b.last * team->unit_cells;
	return b;
}

/* em_team.c */
extern Size em_table_size(const AnnotationView *view);
extern Size em_team_memory(const AnnotationView *view);
extern EmTables em_tables_create(const AnnotationView *view);
extern void em_tables_copy(const EmTeam *team, EmTables *to, const EmTables *from);
extern void em_tables_clear(const AnnotationView *view, EmTables *tables);
extern void em_tables_free(EmTables *tables);
extern EmTeam *em_team_create(const AnnotationView *view, Size beside,
							  EmRunUnit run_unit);
extern void em_team_run(EmTeam *team, EmTask task);
extern double em_team_sum(const EmTeam *team, EmTask task, int which);
extern void em_team_end(EmTeam *team);
extern void em_team_work(shm_toc *toc, EmRunUnit run_unit);

/* em_tasks.c */
extern void em_run_unit(EmTeam *team, EmTask task, uint32 unit);
extern NL_EXPORT void em_worker_main(dsm_segment *seg, shm_toc *toc);

typedef struct Pass EmPosteriors;	/* a pass that answers item by item */

/* em_stripes.c */
extern uint32 em_stripe_start(const EmTeam *team, uint32 stripe);
extern void em_end_stripe(const EmTeam *team, uint32 stripe);
extern void em_run_stripes(EmTeam *team, EmTask task);
extern void em_block_sum(EmTeam *team, uint32 block);

/* em_votes.c */
extern void em_add_posterior(EmVoices *v, uint32 item, const double *posterior,
							 EmCounts *counts);
extern void em_mix_gold(const AnnotationView *view, uint32 item, double *posterior);
extern void em_item_vote_shares(EmVoices *v, uint32 item, double *posterior);
extern uint32 em_gold_counts(const AnnotationView *view, EmCounts *counts);

/* em_expectation.c */
extern double em_expectation(EmTeam *team, EmSlot from);
extern void em_vote_shares(EmTeam *team);
extern void em_stripe_votes(EmTeam *team, uint32 stripe);
extern EmPartial em_stripe_expectation(EmTeam *team, uint32 stripe);
extern double em_expectation_moved(EmTeam *team, EmSlot from, EmMoved since,
								   EmSlot before, double *moved);
extern EmPosteriors *em_begin_posteriors(const AnnotationView *view,
										 const EmParameters *at);
extern double *em_item_posterior(EmPosteriors *s, uint32 item);
extern const double *em_next_posteriors(EmPosteriors *s, uint32 first, uint32 *last);
extern const double *em_reported_posterior(EmPosteriors *s, uint32 item,
											double correlation);
extern uint32 em_log_weights(EmPosteriors *s, uint32 item, const LeftOut *out,
							 const double **weights);
extern void em_end_posteriors(EmPosteriors *s);

/* em_final_counts.c */
typedef struct EmEvidence
{
	ModelEvidence counts;
	double	   *reported_right; /* J: right answers, by what is reported */
	double	   *reported_variances; /* J: of these */
} EmEvidence;

/* Looks at what an item is taken for; see em_evidence(). */
typedef void (*EmLook) (void *arg, uint32 item, const double *posterior);

extern Size em_evidence_columns(const AnnotationView *view);
extern Size em_evidence_places_size(const AnnotationView *view);
extern EmEvidence em_evidence(const AnnotationView *view, EmFit *fit, bool gold_only,
							  double correlation, EmLook look, void *arg);

/* em_maximize.c */
typedef struct Maximizer Maximizer;
extern Maximizer *maximizer_create(EmTeam *team, const EmOptions *options);
extern void maximizer_free(Maximizer *m);
extern void maximizer_step(Maximizer *m, EmSlot to);
extern double maximizer_log_prior(Maximizer *m, EmSlot at);
extern const char *maximizer_estimate(Maximizer *m, SmoothingTarget toward);
extern void em_sum_units(const EmTeam *team, double *sum);
extern void em_block_maximize(EmTeam *team, uint32 block);
extern double em_block_log_prior(EmTeam *team, uint32 block);
extern void em_pool_rates(double *pool, uint32 classes);
extern void em_pool(const EmTeam *team, double *pool);

/* em_shrinkage.c */
typedef struct EmStrength
{
	double		strength;
	double		log_marginal;
} EmStrength;

extern EmStrength em_strength(EmTeam *team, Variant variant);
extern double em_block_log_marginal(EmTeam *team, uint32 block);

/* em_rule.c */
extern EmFit *em_rule(EmTeam *team, int max_passes, const EmCounts *start);
extern void em_block_rule(EmTeam *team, uint32 block);
extern EmFit *em_rule_given(EmTeam *team, uint32 rows);

/*
 * Pseudo-counts that are few enough for any data: for the accuracy of an
 * annotator two, one right and wrong each on a coin of the crowd's accuracy;
 * for a row of a matrix half a count for each free cell, as in Jeffreys' prior.
 */
static inline double
em_light_smoothing(const EmTeam *team, Variant variant)
{
	return variant == VARIANT_ONE_COIN ? 2 : (team->classes - 1) / 2.0;
}

/* em_iterate.c */
extern EmFit *em_fit(EmTeam *team, const EmOptions *options, const EmCounts *start);
extern EmFit *em_one_step(EmTeam *team, const EmOptions *options,
						  const EmCounts *start, EmFit *from);
extern EmFit *em_refit(EmTeam *team, const EmOptions *options, EmFit *from);
extern void em_fit_free(EmFit *fit);
extern EmPartial em_block_steplength(EmTeam *team, uint32 block);
extern void em_block_extrapolate(EmTeam *team, uint32 block);

/* em_restart.c */
extern Size em_restart_memory(const AnnotationView *view);
extern EmFit *em_restart(EmTeam *team, const EmOptions *options, int n, int seed,
						 EmFit *anchor);

#endif							/* NL_EM_H */
