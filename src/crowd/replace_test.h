/*
 * replace_test.h
 *		The alternative annotator test: may a candidate stand in for annotators?
 */
#ifndef NL_REPLACE_TEST_H
#define NL_REPLACE_TEST_H

#include "crowd/agreement.h"

typedef enum ReplaceScoring
{
	SCORING_ACCURACY,
	SCORING_RMSE
} ReplaceScoring;

typedef struct ReplaceOptions
{
	double		epsilon;
	double		fdr;
	int			min_items;
	int			min_annotators;
	int			scoring;		/* ReplaceScoring */
	Jsonb	   *annotators;		/* array of names, or NULL: all but the candidate */
} ReplaceOptions;

typedef struct ReplaceResult
{
	uint32		annotators;		/* that the candidate is compared with */
	uint32		tested;
	uint32		won;
	double		advantage;		/* NaN where none is tested */
} ReplaceResult;

extern ReplaceOptions replace_options_parse(const Jsonb *jsonb);
extern ReplaceResult replace_test(const AnnotationView *view, NameView candidate,
								  const ReplaceOptions *options);

#endif							/* NL_REPLACE_TEST_H */
