/*
 * em_copies.h
 *		Annotators who agree beyond what each one's relation to the others
 *		explains.
 */
#ifndef NL_EM_COPIES_H
#define NL_EM_COPIES_H

#include "crowd/em.h"

#include <math.h>

/* An item that both annotators of a pair answered, and others too. */
typedef struct CommonItem
{
	uint32		item;
	uint16		top;			/* what most of the others say */
	uint16		labels[2];		/* what the two say */
} CommonItem;

/* How often two annotators agree on a number of items, and how often they should. */
typedef struct Agreement
{
	uint32		items;
	double		observed;		/* items */
	double		expected;		/* items */
	double		variance;		/* of the observed, were they independent */
} Agreement;

/* An item that a pair is judged by. */
typedef struct PairItem
{
	uint32		item;
	uint16		labels[2];		/* what the two say */
} PairItem;

static inline double
agreement_z(const Agreement *a)
{
	return (a->observed - a->expected) / sqrt(Max(a->variance, 1e-9));
}

static inline double
agreement_excess(const Agreement *a)
{
	return (a->observed - a->expected) / Max(a->items - a->expected, 1e-9);
}

typedef struct CopyPair
{
	uint32		annotators[2];
	Agreement	agreement;
	bool		copies;			/* enough to be one voice */
} CopyPair;

typedef struct EmCopies
{
	uint32	   *group;			/* by annotator: the first member of his group */
	Size		n_pairs;		/* that agree so much that they were looked at */
	Size		capacity;
	CopyPair   *pairs;			/* ordered */
	Size		n_copies;		/* of these pairs */
	double		share;			/* of the items, that was looked at */
} EmCopies;

/* em_agreement.c */
typedef struct AgreementBuffers AgreementBuffers;

extern AgreementBuffers *agreement_begin(const AnnotationView *view,
										 const EmParameters *at);
extern void agreement_end(AgreementBuffers *s);
extern Size agreement_memory(const AnnotationView *view);
extern Agreement agreement_by_top(AgreementBuffers *s, const CommonItem *common,
								  uint32 n);
extern Agreement agreement_by_posterior(AgreementBuffers *s, const LeftOut *out,
										const PairItem *common, uint32 n);
extern double agreement_of_others(AgreementBuffers *s, const LeftOut *out);

/* em_dependence.c */
extern double dependence_of_others(const AnnotationView *view, const LeftOut *out,
								   const PairItem *items, uint32 n, double *sums);
extern Size dependence_memory(const AnnotationView *view);

/* em_suspects.c */
typedef struct PairSearch PairSearch;

extern void em_judge_suspects(const PairSearch *search, AgreementBuffers *buffers,
							  uint32 annotators, bool every_pair, EmCopies *r);

/* em_copies.c */
#define MIN_COMMON 20			/* items of a pair that is looked at */

extern uint32 em_pair_items(const PairSearch *s, const uint32 *pair, PairItem **items);
extern EmCopies em_find_copies(const AnnotationView *view, const EmParameters *at,
							   const uint32 *given, bool every_pair);
extern Size em_copies_memory(const AnnotationView *view);
extern uint32 em_groups_first(uint32 *group, uint32 j);
extern void em_groups_join(uint32 *group, uint32 a, uint32 b);

#endif							/* NL_EM_COPIES_H */
