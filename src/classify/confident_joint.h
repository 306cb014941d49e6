/*
 * confident_joint.h
 *		Confident learning (Northcutt, Jiang and Chuang 2021): how often which label
 *		is given to which class, which rows are in doubt, how good their labels are.
 */
#ifndef NL_CONFIDENT_JOINT_H
#define NL_CONFIDENT_JOINT_H

#include "types/prediction_set.h"

#define NO_GUESS PG_UINT32_MAX

/* Which rows are flagged; names as cleanlab has them. */
typedef enum IssueFilter
{
	PRUNE_BY_NOISE_RATE,
	PRUNE_BY_CLASS,
	PRUNE_BOTH,
	CONFIDENT_LEARNING,
	PREDICTED_NEQ_GIVEN
} IssueFilter;

typedef enum IssueScore
{
	SELF_CONFIDENCE,
	NORMALIZED_MARGIN,
	CONFIDENCE_WEIGHTED_ENTROPY
} IssueScore;

extern const char *const issue_filter_names[];	/* end with NULL */
extern const char *const issue_score_names[];

/* Of a finished set of K labels. */
typedef struct ConfidentJoint
{
	uint32		classes;
	double	   *threshold;		/* K */
	int64	   *given;			/* K: rows with the label */
	double	   *joint;			/* K * K: by class, then label; whole numbers */
} ConfidentJoint;

extern ConfidentJoint *confident_joint_make(const PredictionSet *set);
extern uint32 confident_guess(const ConfidentJoint *joint, const double *p);
extern Size issue_memory(uint32 rows, uint32 classes);
extern bool *issue_flags(const PredictionSet *set, IssueFilter filter);
extern bool issue_score(IssueScore score, const double *p, uint32 classes, uint32 label,
						double *quality);

#endif							/* NL_CONFIDENT_JOINT_H */
