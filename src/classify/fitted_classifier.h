/*
 * fitted_classifier.h
 *		From a fitted logistic regression to a classifier.
 */
#ifndef NL_FITTED_CLASSIFIER_H
#define NL_FITTED_CLASSIFIER_H

#include "classify/logistic_fit.h"
#include "types/classifier.h"

extern Classifier *classifier_of_fit(FittedModel *model, const Design *design,
									 const Names *names, const char *options);

#endif							/* NL_FITTED_CLASSIFIER_H */
