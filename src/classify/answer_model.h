/*
 * answer_model.h
 *		What an annotator's answer says of the classes.
 */
#ifndef NL_ANSWER_MODEL_H
#define NL_ANSWER_MODEL_H

#include "types/annotator_model.h"
#include "types/label_distribution.h"
#include "types/training_state.h"

typedef struct AnswerModel
{
	AnnotatorModelView view;
	uint64		fingerprint;
	Dictionary *annotators;
	Dictionary *labels;
	double	   *p;				/* labels */
} AnswerModel;

extern AnswerModel *answer_model_cached(FunctionCallInfo fcinfo, int argno);
extern LabelDistribution *answer_model_suggests(AnswerModel *model, NameView annotator,
												NameView label, TrainingAnswer *answer);

#endif							/* NL_ANSWER_MODEL_H */
