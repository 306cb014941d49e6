/*
 * logistic_internal.h
 *		What the parts of a logistic regression's fit share: logistic_objective.c,
 *		logistic_precondition.c, logistic_lbfgs.c and logistic_fit.c, which puts
 *		them together.
 */
#ifndef NL_LOGISTIC_INTERNAL_H
#define NL_LOGISTIC_INTERNAL_H

#include "math/blas.h"
#include "classify/logistic_fit.h"

#define HISTORY 10				/* pairs that L-BFGS remembers */
#define MAX_BLOCK 192			/* rows */

typedef struct LogisticModel
{
	uint32		classes;
	uint16	   *label;			/* classes: of the design's */
	uint16	   *local;			/* design's classes: index in label */
	double	   *factor;			/* design's classes: c_k */
	bool		plain;			/* all classes of the design, and all c_k are 1 */
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
	double	   *cholesky;		/* width^2: L, or NULL: the shared one */
	uint32		rank;			/* of Q, or 0 */
	double	   *basis;			/* terms * width: Q */
	double	   *moments;		/* columns * terms^2: being summed, or NULL */
	double	   *inner;			/* columns * terms^2: factors of C_k */
	double		objective;
	double		trial_objective;
	double		trial_loss;
	double		loss;
	double		slope;
	double		step;
	double		low;
	double		high;
	int			iterations;
	bool		leapt;			/* in the first one; it is still remembered */
	double		decrement;
	double		first_decrement;
	double		tolerance;		/* of the decrement, in force */
	bool		active;
	bool		fresh;			/* the search begins, or begins again where it is */
	uint32		n_given;		/* codes that smoothing spreads weight over */
	uint32	   *given;
	bool		converged;
	bool		separated;		/* there is no optimum */
	/* where it had converged, while it is found out whether that is an optimum */
	double	   *kept;			/* theta, or NULL */
	double		kept_loss;
	double		kept_decrement;
	int			kept_iterations;
} LogisticModel;

typedef struct LogisticFit
{
	const Design *design;
	const LogisticOptions *options;
	bool		hold_out;
	bool		robust;			/* logistic_is_robust() */
	bool		continued;		/* not the first search */
	bool		labels_only;	/* but for now cross-entropy of what answers suggest */
	uint32		width;
	uint32		n_models;
	LogisticModel	   *models;
	double	   *scale;			/* width: the largest of the models' */
	uint32		block;			/* rows */
	double	   *u;				/* max columns * width: side by side */
	double	   *product;		/* the same, for gradients */
	double	   *z;				/* max columns * block */
	double	   *mass;			/* block */
	double	   *dot;			/* block */
	double	   *second;			/* block: the mass of the second of two classes */
	double	   *scratch;		/* 2 * block */
	uint16	   *label;			/* block */
	/* of the preconditioner, see logistic_precondition.c */
	uint32		sample;			/* rows of each fold, the first */
	double	   *s;				/* width^2, or NULL */
	double	   *diagonal;		/* width: of S */
	double	   *terms;			/* max terms * block */
	double	   *weighted;		/* the same */
	double	   *inner_work;		/* 2 * max columns * max terms */
} LogisticFit;

static inline bool
learns_from(const LogisticFit *fit, uint32 model, uint32 fold)
{
	return !fit->hold_out || model != fold;
}

/* Numbers that a call of BLAS on vectors takes at most: a few milliseconds. */
#define VECTOR_BLOCK ((Size) 4 * 1024 * 1024)

static inline double *
vector(const LogisticModel *m)
{
	return nl_blas_vector(Max(m->n, 1));
}

/* logistic_lbfgs.c */
extern void logistic_add(Size n, double a, const double *x, double *y);

/* logistic_objective.c */
extern void logistic_centre(const LogisticModel *m, uint32 width, double *v);
extern void logistic_unstandardize(const LogisticFit *fit, const LogisticModel *m,
								  const double *theta, double *u);
extern void logistic_evaluate_start(LogisticFit *fit);
extern void logistic_evaluate(LogisticFit *fit, bool curvature);

/* logistic_precondition.c */
extern Size logistic_precondition_memory(Size n, Size width, Size columns, Size models);
extern void logistic_begin_preconditioner(LogisticFit *fit);
extern double logistic_preconditioner_price(const LogisticFit *fit);
extern void logistic_clear_moments(LogisticModel *m);
extern void logistic_keep_terms(LogisticFit *fit, const LogisticModel *m, const double *z,
							   uint32 rows);
extern void logistic_add_moments(LogisticFit *fit, LogisticModel *m, const double *z,
								uint32 rows);
extern void logistic_renew_preconditioner(LogisticFit *fit);
extern void logistic_set_preconditioner(const LogisticFit *fit, LogisticModel *m,
									   bool measured);
extern void logistic_precondition(const LogisticFit *fit, const LogisticModel *m,
								 double *v);

/* What rows say of a point and the step from it; see logistic_separation.c. */
typedef struct Separation
{
	double		margin;			/* of a row's label over the others, the least */
	double		widest;			/* a row's log-odds, the greatest */
	double		moved;			/* most that the step changes them where there is a gain */
	double		worsened;		/* most that it adds to a row's loss, or 0 */
} Separation;

/* logistic_separation.c */
extern Separation logistic_separation(const LogisticFit *fit, const LogisticModel *m);

/* logistic_answers.c */
extern void logistic_begin_answers(const LogisticFit *fit, LogisticModel *m);
extern void logistic_gather_answers(LogisticFit *fit, const LogisticModel *m, uint32 from,
									uint32 rows);
extern void logistic_dot_answers(LogisticFit *fit, const LogisticModel *m, const double *z,
								 uint32 from, uint32 rows);
extern void logistic_subtract_answers(LogisticFit *fit, const LogisticModel *m, double *z,
									  uint32 from, uint32 rows);
extern double logistic_answer_residuals(LogisticFit *fit, const LogisticModel *m, double *z,
										uint32 from, uint32 rows);
extern double logistic_answer_loss(const LogisticFit *fit, const LogisticModel *m, uint32 row,
								   const double *p, double *mass);

/* logistic_lbfgs.c */
extern void logistic_optimize(LogisticFit *fit, const char *name);
extern void logistic_continue(LogisticFit *fit, const char *name);

/* logistic_fit.c */
extern void logistic_begin(LogisticFit *fit, const Design *design, bool hold_out,
						   const LogisticOptions *options);
extern void logistic_search(LogisticFit *fit, const char *name);

/* logistic_choose.c */
extern double logistic_log_loss(LogisticFit *fit, uint32 model, bool held_out, double *mass);

#endif							/* NL_LOGISTIC_INTERNAL_H */
