/*
 * run_fit.h
 *		The fits that options of dawid_skene() ask for.
 */
#ifndef NL_RUN_FIT_H
#define NL_RUN_FIT_H

#include "crowd/fit_options.h"

extern EmFit *run_fit(AnnotationView *view, FitOptions *options);

#endif							/* NL_RUN_FIT_H */
