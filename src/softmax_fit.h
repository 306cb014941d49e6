/*
 * softmax_fit.h
 *		What the parts of a logistic regression's fit share: softmax_objective.c,
 *		softmax_precondition.c, softmax_lbfgs.c and softmax_regression.c, which
 *		puts them together.
 */
#ifndef NL_SOFTMAX_FIT_H
#define NL_SOFTMAX_FIT_H

#include "softmax_regression.h"

#define HISTORY 10				/* pairs that L-BFGS remembers */
#define MAX_BLOCK 192			/* rows */
#define MAX_FLOPS 1e8			/* of one call of BLAS: a few milliseconds */

typedef struct SoftmaxModel
{
	uint32		classes;
	uint16	   *label;			/* classes: of the design's */
	uint16	   *local;			/* design's classes: index in label */
	double	   *factor;			/* design's classes: c_k */
	bool		unit_factor;	/* all c_k are 1 */
	uint32		columns;
	Size		n;				/* columns * width */
	double		weight;			/* of rows */
	double		mass;			/* of rows and classes */
	double	   *share;			/* columns: of the mass */
	double	   *mean;			/* width */
	double	   *scale;			/* width: 1 / deviation, 0 for constants */
	/* the point, and the one that is tried */
	double	   *theta;
	double	   *gradient;
	double	   *direction;
	double	   *trial;
	double	   *trial_gradient;
	double	   *work;
	double	   *s[HISTORY];
	double	   *y[HISTORY];
	double		sy[HISTORY];
	int			pairs;			/* so far */
	double	   *g;				/* columns: curvature, relative to the mass */
	double	   *curvature;		/* columns: being summed */
	double		objective;
	double		trial_objective;
	double		trial_loss;
	double		loss;
	double		slope;
	double		step;
	double		low;
	double		high;
	int			iterations;
	double		decrement;
	double		first_decrement;
	bool		active;
	bool		converged;
} SoftmaxModel;

typedef struct SoftmaxFit
{
	const Design *design;
	const RegressionOptions *options;
	bool		hold_out;
	uint32		width;
	uint32		n_models;
	SoftmaxModel	   *models;
	uint32		block;			/* rows */
	double	   *u;				/* max columns * width: side by side */
	double	   *product;		/* the same, for gradients */
	double	   *z;				/* max columns * block */
	double	   *mass;			/* block */
	double	   *dot;			/* block */
	double	   *scratch;		/* 2 * block */
	uint16	   *label;			/* block */
	/* S in the upper triangle and "diagonal"; below, the factor of S + m I */
	double	   *s;				/* features^2, or NULL */
	double	   *diagonal;
} SoftmaxFit;

static inline uint32
features(const SoftmaxFit *fit)
{
	return fit->width - 1;
}

static inline bool
learns_from(const SoftmaxFit *fit, uint32 model, uint32 fold)
{
	return !fit->hold_out || model != fold;
}

static inline double *
vector(const SoftmaxModel *m)
{
	return nl_alloc_zero(CurrentMemoryContext, Max(m->n, 1) * sizeof(double));
}

/* softmax_objective.c */
extern void softmax_unstandardize(const SoftmaxFit *fit, const SoftmaxModel *m,
								  const double *theta, double *u);
extern void softmax_evaluate(SoftmaxFit *fit, bool curvature);

/* softmax_precondition.c */
extern bool softmax_is_full(Size n, Size d);
extern void softmax_correlate(SoftmaxFit *fit);
extern void softmax_set_preconditioner(SoftmaxFit *fit, bool measured);
extern void softmax_precondition(const SoftmaxFit *fit, const SoftmaxModel *m,
								 double *v);

/* softmax_lbfgs.c */
extern void softmax_optimize(SoftmaxFit *fit, const char *name);

#endif							/* NL_SOFTMAX_FIT_H */
