/*
 * start_from_model.h
 *		Where a fit begins when it does not begin from vote shares.
 */
#ifndef NL_START_FROM_MODEL_H
#define NL_START_FROM_MODEL_H

#include "crowd/em.h"

extern void start_from_model(const AnnotationView *view,
							 const AnnotatorModel *model, EmCounts *counts);

#endif							/* NL_START_FROM_MODEL_H */
