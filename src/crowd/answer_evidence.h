/*
 * answer_evidence.h
 *		What is known of each answer's item from a prediction and from who answered.
 */
#ifndef NL_ANSWER_EVIDENCE_H
#define NL_ANSWER_EVIDENCE_H

#include "types/prediction_set.h"

extern Size answer_evidence_memory(const PredictionSet *set);
extern double *answer_evidence(const PredictionSet *set, int rounds);

#endif							/* NL_ANSWER_EVIDENCE_H */
