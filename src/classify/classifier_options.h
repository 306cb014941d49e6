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
	/* of oof_predict() only */
	int			folds;
	int			seed;
	int			duplicates;		/* Duplicates */
} ClassifierOptions;

extern ClassifierOptions classifier_options(const Jsonb *jsonb, bool folds);
extern char *classifier_options_json(const ClassifierOptions *options);

#endif							/* NL_CLASSIFIER_OPTIONS_H */
