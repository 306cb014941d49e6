/*
 * item_consensus.h
 *		What consensus() says of an item.
 */
#ifndef NL_ITEM_CONSENSUS_H
#define NL_ITEM_CONSENSUS_H

#include "crowd/apply_model.h"

typedef struct ItemConsensus
{
	const double *posterior;	/* good until the next item */
	uint32		top;			/* class of the scorer */
	bool		tied;
	bool		named;			/* by an answer or gold: the label is known */
	bool		known;			/* the confidence is, too */
	double		confidence;
} ItemConsensus;

extern ItemConsensus item_consensus(SetScorer *s, uint32 item);

#endif							/* NL_ITEM_CONSENSUS_H */
