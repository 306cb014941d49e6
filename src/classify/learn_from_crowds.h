/*
 * learn_from_crowds.h
 *		Annotators and a classifier, learned together from answers and features.
 */
#ifndef NL_LEARN_FROM_CROWDS_H
#define NL_LEARN_FROM_CROWDS_H

#include "classify/classifier_options.h"
#include "types/crowd_model.h"
#include "types/crowd_rows.h"

typedef enum CrowdTraining
{
	TRAIN_EVERY_ANSWER,			/* each through its annotator's matrix */
	TRAIN_CONSENSUS				/* an item's distribution */
} CrowdTraining;

typedef struct CrowdOptions
{
	int			rounds;
	int			training;		/* CrowdTraining */
	double		gold_weight;
	double		correlation;
	Jsonb	   *groups;			/* of annotators, or NULL */
	Jsonb	   *abstain;		/* the label that is no class, or NULL */
	ClassifierOptions classifier;
} CrowdOptions;

extern CrowdOptions crowd_options_parse(const Jsonb *jsonb);
extern char *crowd_options_json(const CrowdOptions *options);
extern CrowdModel *learn_from_crowds(const CrowdRowsView *rows, CrowdOptions *options);

#endif							/* NL_LEARN_FROM_CROWDS_H */
