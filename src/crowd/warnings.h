/*
 * warnings.h
 *		What makes the answer of a fit untrustworthy, in words.
 */
#ifndef NL_WARNINGS_H
#define NL_WARNINGS_H

#include "crowd/em.h"

extern void add_fit_warnings(AnnotatorModelView *model,
							 const AnnotationView *view, const EmFit *fit,
							 double tolerance);

#endif							/* NL_WARNINGS_H */
