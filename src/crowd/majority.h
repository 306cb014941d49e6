/*
 * majority.h
 *		Whether the answers of a fit are the most frequent labels, and how frequent
 *		classes are among them.
 */
#ifndef NL_MAJORITY_H
#define NL_MAJORITY_H

#include "types/annotation_set.h"

/* Of items with two annotators or more and no gold. */
typedef struct MajorityTally
{
	const AnnotationView *view;
	uint32	   *votes;			/* K, of one item; 0 between */
	uint32		items;
	uint32		other;			/* the answer is none of the most frequent labels */
	uint32		tied;			/* more than one label is most frequent */
	double	   *answers;		/* K: items of each answer; of those that teach */
	uint32		teaching;		/* such items */
} MajorityTally;

/* Of one item, every answer a vote. */
typedef struct ItemVotes
{
	uint32		most;			/* that any label has */
	uint32		with_most;		/* labels that have so many */
	uint32		label;			/* for the label asked about */
} ItemVotes;

extern ItemVotes item_votes(const AnnotationView *view, uint32 item, uint32 label,
							uint32 *votes);
extern MajorityTally majority_begin(const AnnotationView *view);
extern double *majority_shares(const MajorityTally *t);
extern void majority_look(void *tally, uint32 item, const double *posterior);

#endif							/* NL_MAJORITY_H */
