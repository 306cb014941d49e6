/*
 * agreement_pairs.h
 *		Agreement of two annotators on the items that both have answered, and of one
 *		with himself.
 */
#ifndef NL_AGREEMENT_PAIRS_H
#define NL_AGREEMENT_PAIRS_H

#include "crowd/agreement.h"

typedef struct PairAgreement
{
	uint32		annotator;
	uint32		other;
	uint32		items;
	double		percent;
	double		kappa;
	Bounds		bounds;			/* of kappa */
} PairAgreement;

typedef void (*PairReceiver) (void *arg, const PairAgreement *pair);

extern void agreement_pairs(const AnnotationView *view, const AgreementScale *scale,
							double confidence, PairReceiver receive, void *arg);

extern Influences *agreement_with_self(const AnnotationView *view);

#endif							/* NL_AGREEMENT_PAIRS_H */
