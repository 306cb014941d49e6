/*
 * annotator_record.h
 *		What a model's counts say of each annotator.
 */
#ifndef NL_ANNOTATOR_RECORD_H
#define NL_ANNOTATOR_RECORD_H

#include "crowd/crowd_shrinkage.h"
#include "types/annotator_model.h"

typedef struct AnnotatorRecord
{
	bool		known;			/* has answers that tell anything */
	bool		compared;		/* on items of two classes, or there is one only */
	bool		has_worst;
	uint32		worst_truth;
	uint32		worst_label;
	double		worst_rate;
	RateEstimate accuracy;
	double		information;	/* bits */
	double		spammer_score;
} AnnotatorRecord;

extern AnnotatorRecord *annotator_records(const AnnotatorModelView *model,
										  const double *prior, double level);
extern const char *annotator_note(const AnnotatorModelView *model, uint32 annotator,
								  const AnnotatorRecord *r);
extern double *annotator_model_shares(const AnnotatorModelView *model);
extern double *annotator_model_prior(const AnnotatorModelView *model);

#endif							/* NL_ANNOTATOR_RECORD_H */
