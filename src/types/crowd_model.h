/*
 * crowd_model.h
 *		The type crowd_model: what learn_from_crowds() learned of annotators, of
 *		features, and of each item.
 *
 * An annotator_model and a classifier, each as it is by itself, and for each item two
 * distributions over the classes of the annotator_model: "distribution", of its answers
 * and the prediction, and "predicted", by a classifier that never saw the item.
 */
#ifndef NL_CROWD_MODEL_H
#define NL_CROWD_MODEL_H

#include "types/annotator_model.h"
#include "types/classifier.h"

typedef struct CrowdModelView
{
	const AnnotatorModel *annotators;
	const Classifier *classifier;	/* NULL: one class only, or one item */
	Names		labels;			/* the annotator_model's classes */
	Names		items;
	uint32	   *answers;		/* for each item */
	double	   *distribution;	/* items * labels */
	double	   *predicted;		/* the same; NULL: there are no predictions */

	/* the record of the fit */
	uint32		features;
	int32		rounds;
	bool		converged;
	double		l2;				/* the one in force */
	double		noise;			/* the share of answers that are wrong */
	double		log_loss;		/* of the answers, by the predictions */
	const char *options;		/* as JSON */
	const char *stopped_by;
	uint32		n_warnings;
	const char **warnings;
} CrowdModelView;

/* Stored form; parts begin where a double may. */
typedef struct CrowdModel
{
	ValueHeader header;
	uint32		items;
	uint32		labels;
	uint32		model_bytes;
	uint32		classifier_bytes;	/* 0: none */
	uint32		item_bytes;
	uint32		text_bytes;
	uint32		warnings;
	uint32		features;
	int32		rounds;
	uint32		converged;
	uint32		has_predicted;
	uint32		unused;
	double		l2;
	double		noise;
	double		log_loss;
	double		data[FLEXIBLE_ARRAY_MEMBER];

	/*
	 * double distribution[items * labels], predicted[items * labels] if there are;
	 * AnnotatorModel; Classifier; uint32 answers[items], ends of items; bytes of items;
	 * options, stopped_by, warnings, each with a terminating zero
	 */
} CrowdModel;

extern CrowdModel *crowd_model_make(const CrowdModelView *view);
extern CrowdModel *crowd_model_get(Datum datum);
extern Names crowd_model_classes(const AnnotatorModel *model);
extern CrowdModelView crowd_model_view(const CrowdModel *model);
extern Size crowd_model_check_size(Size items, Size labels, Size item_bytes);

#endif							/* NL_CROWD_MODEL_H */
