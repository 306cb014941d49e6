/*
 * item_consensus.c
 *		What consensus() says of an item; see item_consensus.h.
 */
#include "crowd/item_consensus.h"

ItemConsensus
item_consensus(SetScorer *s, uint32 item)
{
	ItemConsensus c = {.posterior = set_scorer_posterior(s, item)};

	c.top = probabilities_top(c.posterior, s->scorer->classes.n, &c.tied);
	/* where all abstain, nobody says what it is */
	c.named = annotation_gold(&s->view, item) != NO_GOLD || set_scorer_voices(s, item) > 0;
	c.known = c.named && !model_knows_nothing(&s->scorer->model);
	c.confidence = c.posterior[c.top];
	return c;
}
