/*
 * logistic_fit.h
 *		Multinomial logistic regression with an L2 penalty: one model of all
 *		rows, or for each fold a model of the other folds' rows.
 */
#ifndef NL_LOGISTIC_FIT_H
#define NL_LOGISTIC_FIT_H

#include "classify/design_matrix.h"

typedef enum ClassWeight
{
	CLASS_WEIGHT_NONE,
	CLASS_WEIGHT_BALANCED
} ClassWeight;

typedef struct LogisticOptions
{
	double		l2;
	int			class_weight;	/* ClassWeight */
	int			max_iterations;
	double		tolerance;
} LogisticOptions;

/*
 * A fitted model.  Its classes are those with a weight above 0 in its training
 * rows.  With three or more there is a row of coefficients for each, and they
 * sum to 0 over the classes; with two there is one row, of the second class
 * against the first; with one or none there is none.
 */
typedef struct FittedModel
{
	uint32		classes;
	uint16	   *label;			/* classes */
	uint32		columns;		/* 0, 1 or classes */
	double	   *coefficients;	/* columns * width, for centred features */
	double		weight;			/* of the training rows */
	int			iterations;
	bool		converged;
	bool		separated;		/* no optimum: features separate, no penalty */
	double		loss;			/* without the penalty */
	double		gradient;		/* the measure that is compared with tolerance */
	double		tolerance;		/* the one in force */
} FittedModel;

extern const char *const class_weight_names[];

extern Size logistic_fit_memory(const TrainingSet *set, uint32 models);
extern void logistic_check_memory(const TrainingSet *set, uint32 models, Size beside,
								 const char *purpose);
extern FittedModel *logistic_fit(const Design *design, bool hold_out,
									   const LogisticOptions *options,
									   const char *name);
extern void logistic_check_finite(const FittedModel *model, uint32 width);
extern void logistic_warn(const FittedModel *models, uint32 n,
						 const LogisticOptions *options, const char *function);

/* logistic_predict.c */
extern Size logistic_scores_memory(const TrainingSet *set);
extern double **logistic_score_folds(const Design *d, const FittedModel *models);
extern void logistic_probabilities(uint32 columns, double *p);
extern void logistic_predict(const double *coefficients, uint32 columns,
							uint32 width, const double *row, double *p);

#endif							/* NL_LOGISTIC_FIT_H */
