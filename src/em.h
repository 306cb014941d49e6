/*
 * em.h
 *		The fitting engine: Dawid & Skene's model by expectation maximisation.
 */
#ifndef NL_EM_H
#define NL_EM_H

#include "noisylabel.h"

#include "annotation_set.h"

/* Where a Dirichlet prior on the rows of the confusion matrices points. */
typedef enum SmoothingTarget
{
	TOWARD_POOL,				/* all annotators' counts together */
	TOWARD_DIAGONAL,			/* 4 parts right answer, 1 each wrong answer */
	TOWARD_UNIFORM,
	TOWARD_COUNT
} SmoothingTarget;

typedef struct EmOptions
{
	int			max_iterations;
	double		tolerance;		/* relative change of the objective */
	double		smoothing;		/* pseudo-counts for each row; 0 is none */
	int			toward;			/* SmoothingTarget */
} EmOptions;

/*
 * Tables of the engine are laid out for its inner loop: for annotator j,
 * label l and truth k the cell is at (j * K + l) * K + k, so that what one
 * annotation says about all classes is contiguous.
 */
typedef struct EmFit
{
	double	   *prior;			/* K: class prior */
	double	   *confusion;		/* J * K * K: P(label l | truth k) */
	double	   *pool;			/* K * K: the same of all annotators together */
	double	   *counts;			/* J * K * K: expected counts at the solution */
	double		log_likelihood;
	int			iterations;
	bool		converged;
} EmFit;

static inline Size
em_cell(Size classes, Size annotator, Size label, Size truth)
{
	return (annotator * classes + label) * classes + truth;
}

extern Size em_memory(const AnnotationView *view);
extern EmFit *em_fit(const AnnotationView *view, const EmOptions *options);

#endif							/* NL_EM_H */
