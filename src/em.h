/*
 * em.h
 *		The fitting engine: expectation maximisation for models of annotators.
 *
 * em.c has the E step, em_maximize.c the M steps of the variants, em_fit.c the
 * loop around them, em_evidence.c what is counted after it.
 */
#ifndef NL_EM_H
#define NL_EM_H

#include "noisylabel.h"

#include "annotation_set.h"
#include "annotator_model.h"

/* Where a Dirichlet prior on the rows of the confusion matrices points. */
typedef enum SmoothingTarget
{
	TOWARD_POOL,				/* all annotators' counts at the start */
	TOWARD_DIAGONAL,			/* 4 parts right answer, 1 each wrong answer */
	TOWARD_UNIFORM
} SmoothingTarget;

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
	int			acceleration;	/* Acceleration */
} EmOptions;

/*
 * Tables of the engine are laid out for its inner loop: for annotator j,
 * label l and truth k the cell is at (j * K + l) * K + k, so that what one
 * annotation says about all classes is contiguous.  Prior and confusion are
 * one allocation, the prior first.
 */
typedef struct EmTables
{
	double	   *prior;			/* K */
	double	   *confusion;		/* J * K * K */
} EmTables;

typedef EmTables EmParameters;	/* probabilities */
typedef EmTables EmCounts;		/* expected counts */

typedef struct EmFit
{
	EmParameters parameters;
	double	   *pool;			/* K * K: for an annotator never seen */
	EmCounts	counts;			/* expected under the parameters */
	double		log_likelihood; /* of the parameters */
	int			iterations;
	bool		converged;
} EmFit;

static inline Size
em_cell(Size classes, Size annotator, Size label, Size truth)
{
	return (annotator * classes + label) * classes + truth;
}

static inline Size
em_table_cells(const AnnotationView *view)
{
	return mul_size(view->annotators.n, mul_size(view->labels.n, view->labels.n));
}

typedef struct Pass EmPosteriors;	/* a pass that answers item by item */

/* em.c */
extern double em_expectation(const AnnotationView *view, const EmParameters *from,
							 EmCounts *counts);
extern void em_add_posterior(const AnnotationView *view, uint32 item,
							 const double *posterior, EmCounts *counts);
extern void em_item_vote_shares(const AnnotationView *view, uint32 item,
								double *posterior);
extern uint32 em_gold_counts(const AnnotationView *view, EmCounts *counts);
extern void em_mix_gold(const AnnotationView *view, uint32 item, double *posterior);
extern void em_vote_shares(const AnnotationView *view, EmCounts *counts);
extern void em_posterior_without_gold(const AnnotationView *view,
									  const EmParameters *at, uint32 item,
									  double *posterior);

extern EmPosteriors *em_begin_posteriors(const AnnotationView *view,
										 const EmParameters *at);
extern const double *em_item_posterior(EmPosteriors *s, uint32 item);
extern void em_end_posteriors(EmPosteriors *s);

/* em_evidence.c */
extern void em_evidence(const AnnotationView *view, uint32 n_components,
						const EmParameters *components, const double *weights,
						bool gold_only, EmCounts *counts, double *variance);

/* em_maximize.c */
typedef struct Maximizer Maximizer;
extern Maximizer *maximizer_create(const AnnotationView *view,
								   const EmOptions *options,
								   const EmCounts *start);
extern void maximizer_step(Maximizer *m, const EmCounts *counts, EmParameters *result);
extern double maximizer_log_prior(const Maximizer *m, const EmParameters *at);
extern void em_pool(const AnnotationView *view, const EmCounts *counts, double *pool);

/* em_fit.c */
extern Size em_memory(const AnnotationView *view);
extern EmTables em_tables_create(const AnnotationView *view);
extern void em_tables_free(EmTables *tables);
extern EmFit *em_fit(const AnnotationView *view, const EmOptions *options,
					 const EmCounts *start);
extern EmFit *em_one_step(const AnnotationView *view, const EmOptions *options,
						  const EmCounts *start, EmFit *from);

#endif							/* NL_EM_H */
