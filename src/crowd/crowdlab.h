/*
 * crowdlab.h
 *		CROWDLAB (Goh, Tkachenko and Mueller 2022): consensus of annotators and a
 *		classifier as the weighted mean of what they say.
 */
#ifndef NL_CROWDLAB_H
#define NL_CROWDLAB_H

#include "types/prediction_set.h"

/* Of a finished set with items, K labels; NaN is undefined. */
typedef struct Crowdlab
{
	const PredictionSet *set;
	uint32		classes;
	uint32		items;
	uint32		annotators;
	uint32	   *row;			/* n: in order of item, annotator, label */
	uint32	   *start;			/* items + 1: in "row" */
	bool		overlap;		/* two annotators met on an item */
	bool	   *shared;			/* items: two annotators did */
	double	   *meets;			/* annotators: agreement with others */
	double		likelihood;		/* agreement with the consensus, of items with overlap */
	double		model_weight;
	double	   *weight;			/* annotators */
	uint32	   *consensus;		/* items */
	double	   *agreement;		/* items: share of answers that are the consensus */
	double	   *quality;		/* items: probability of the consensus */
} Crowdlab;

/* An annotator; NaN is undefined. */
typedef struct CrowdlabAnnotator
{
	uint32		annotations;
	double		quality;
	double		agreement;
	uint32		worst_label;
} CrowdlabAnnotator;

extern Size crowdlab_memory(const PredictionSet *set);
extern Crowdlab *crowdlab_make(const PredictionSet *set);
extern void crowdlab_posterior(const Crowdlab *c, uint32 item, double *posterior);
extern CrowdlabAnnotator *crowdlab_annotators(const Crowdlab *c);

#endif							/* NL_CROWDLAB_H */
