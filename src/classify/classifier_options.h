/*
 * classifier_options.h
 *		The options of logistic_regression() and oof_predict().
 */
#ifndef NL_CLASSIFIER_OPTIONS_H
#define NL_CLASSIFIER_OPTIONS_H

#include "classify/folds.h"
#include "pg/options.h"
#include "classify/logistic_fit.h"

typedef struct ClassifierOptions
{
	LogisticOptions regression;
	Jsonb	   *correction;		/* a confusion_matrix, or NULL */
	bool		choose;			/* l2, which is no number until then */
	L2Choice	choice;			/* when it has been chosen */
	Jsonb	   *choice_record;	/* of classifier_options_json() */
	/* where there are folds */
	int			folds;
	int			seed;
	int			duplicates;		/* Duplicates */
} ClassifierOptions;

extern ClassifierOptions classifier_options(const Jsonb *jsonb, bool folds);
extern char *classifier_options_json(const ClassifierOptions *options);

/* correction.c */
extern void correction_check(const Jsonb *option);
extern void correction_begin(TrainingSet *set, const ClassifierOptions *options);
extern void correction_end(TrainingSet *set, const Names *names,
						   const ClassifierOptions *options);

#endif							/* NL_CLASSIFIER_OPTIONS_H */
