/*
 * build_model.h
 *		From a fit to the annotator_model.
 */
#ifndef NL_BUILD_MODEL_H
#define NL_BUILD_MODEL_H

#include "crowd/fit_options.h"

extern AnnotatorModel *build_model(const AnnotationView *view,
								   const FitOptions *options, EmFit *fit,
								   MemoryContext context);

#endif							/* NL_BUILD_MODEL_H */
