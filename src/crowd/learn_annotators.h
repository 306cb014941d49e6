/*
 * learn_annotators.h
 *		From counts whose truths are given to an annotator_model.
 */
#ifndef NL_LEARN_ANNOTATORS_H
#define NL_LEARN_ANNOTATORS_H

#include "pg/options.h"
#include "types/annotator_counts.h"
#include "types/annotator_model.h"

typedef struct LearnOptions
{
	int			variant;		/* LearnVariant */
	double		smoothing;		/* pseudo-counts for each row; of LEARN_FULL */
	const char *abstain;		/* the label that is no class, or NULL */
	double		correlation;
	bool		correlation_given;
} LearnOptions;

extern LearnOptions learn_options_parse(const Jsonb *jsonb);
extern AnnotatorModel *learn_annotators(const AnnotatorCountsView *counts,
										const LearnOptions *options);

#endif							/* NL_LEARN_ANNOTATORS_H */
