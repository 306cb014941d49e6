/*
 * logistic_fit.h
 *		Multinomial logistic regression with an L2 penalty: one model of all
 *		rows, or for each fold a model of the other folds' rows.
 *
 * For who learns from answers (a label that may be wrong, all answers to an item):
 *
 *	1. Fill a TrainingSet whose targets are codes of answers, and give it "rates":
 *	   P(answer | class) for each code (types/training_set.h).  A row may be an item
 *	   with all its answers: training_set_answer() adds them one by one, each with its
 *	   share, and the row's weight is how many they are.  Equal sets are fitted in the
 *	   same order if equal answers have equal codes.  Each answer must be likely
 *	   (above 0) for some class.
 *	2. training_set_order(), folds_make(), design_make(): once.
 *	3. logistic_fit(design, true, ...) fits the models of the folds, and
 *	   logistic_fit(design, false, ...) of the same design that of all rows.
 *	   logistic_choose_l2() tries a grid of penalties out of fold.
 *	4. logistic_held_out(design, models, p) has the probabilities of each row by
 *	   the model of its fold; design->source says which row each one was.
 *	5. Other rates, or other shares of targets: write them into the set, in the
 *	   design's order (rates are by code, which no order changes), call
 *	   design_retarget(design), and go on with 3.
 *
 * The loss of a row of weight w with answers a of shares q_a is
 *	 w sum_a q_a (-log sum_k p_k rates[a][k])
 * (Patrini et al., CVPR 2017, theorem 2, for one answer), which for rates of 0 and 1
 * is the cross-entropy of labels.  It is not convex: the search begins where the
 * cross-entropy of the classes that answers suggest (rates, divided by their sum)
 * has its optimum, and "converged" means that the gradient vanishes there.
 */
#ifndef NL_LOGISTIC_FIT_H
#define NL_LOGISTIC_FIT_H

#include "classify/design_matrix.h"

typedef enum ClassWeight
{
	CLASS_WEIGHT_NONE,
	CLASS_WEIGHT_BALANCED
} ClassWeight;

typedef enum LossKind
{
	LOSS_CROSS_ENTROPY,
	LOSS_GENERALISED
} LossKind;

typedef struct LogisticOptions
{
	double		l2;
	int			class_weight;	/* ClassWeight */
	int			max_iterations;
	double		tolerance;
	int			loss;			/* LossKind */
	double		q;				/* of LOSS_GENERALISED, above 0 and up to 1 */
	double		label_smoothing;	/* share of a row's weight that all labels get alike */
	double		bootstrap;		/* the part of the labels; of predictions the rest */
} LogisticOptions;

/* Options that leave a fit what it is without them. */
#define PLAIN_LOSS .loss = LOSS_CROSS_ENTROPY, .q = 0.7, .label_smoothing = 0, .bootstrap = 1

/* Is that a loss of its own, and no cross-entropy of labels? */
static inline bool
logistic_is_robust(const TrainingSet *set, const LogisticOptions *o)
{
	return set->rates != NULL || o->loss != LOSS_CROSS_ENTROPY ||
		o->label_smoothing > 0 || o->bootstrap < 1;
}

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
	double		loss;			/* log-loss of the training rows, without the penalty */
	double		gradient;		/* the measure that is compared with tolerance */
	double		tolerance;		/* the one in force */
} FittedModel;

#define L2_GRID 11

/* What was tried out of fold, see logistic_choose.c; the best is l2[best]. */
typedef struct L2Choice
{
	int			best;
	double		l2[L2_GRID];	/* the largest first */
	double		log_loss[L2_GRID];	/* mean, of held-out rows */
} L2Choice;

extern const char *const class_weight_names[];
extern const char *const loss_names[];

extern Size logistic_fit_memory(const TrainingSet *set, uint32 models);
extern void logistic_check_memory(const TrainingSet *set, uint32 models, Size beside,
								 const char *purpose);
extern FittedModel *logistic_fit(const Design *design, bool hold_out,
									   const LogisticOptions *options,
									   const char *name);
extern void logistic_check_finite(const FittedModel *model, uint32 width);
extern void logistic_warn(const FittedModel *models, uint32 n,
						 const LogisticOptions *options, const char *function);

/* logistic_choose.c */
extern L2Choice logistic_choose_l2(const Design *design, const LogisticOptions *options,
								   const char *name);

/* logistic_predict.c */
extern void logistic_held_out(const Design *d, const FittedModel *models, double *p);
extern Size logistic_scores_memory(const TrainingSet *set);
extern double **logistic_score_folds(const Design *d, const FittedModel *models);
extern void logistic_probabilities(uint32 columns, double *p);
extern void logistic_predict(const double *coefficients, uint32 columns,
							uint32 width, const double *row, double *p);

#endif							/* NL_LOGISTIC_FIT_H */
