/*
 * apply_model.h
 *		A fitted model meets items: their posteriors by consensus(), by posterior()
 *		and where a fit starts from a model.
 *
 * This is one of two places where an item's posterior comes from; the other is
 * the E step of a fit (em_expectation.c), whose parameters change with each pass.
 *
 * A ModelScorer is a model made ready for look-ups.  Of a variant that ties rates
 * it has those that differ, and puts together what an answer says.  A score gathers what
 * an item's annotations say: for each component and class the logarithm of the
 * likelihood, as a whole number of 2^-36, and the vetoes (see log_space.h).
 * Whole numbers add up to the same sum in any order, so an item's posterior
 * does not depend on the order of the rows, on the plan, or on how many
 * workers or servers had a part in it.
 *
 * A model whose voices are not its answers weighs an answer by the others of its
 * item (see em_voices.h), so that its logarithm is rounded once more.  And what
 * is reported of n voices is the posterior to the power of design_exponent().
 */
#ifndef NL_APPLY_MODEL_H
#define NL_APPLY_MODEL_H

#include <math.h>

#include "crowd/em_correlation.h"
#include "crowd/em_voices.h"
#include "math/log_space.h"
#include "types/annotation_set.h"
#include "types/annotator_model.h"
#include "types/label_distribution.h"

typedef struct ModelScorer
{
	AnnotatorModelView model;
	uint64		fingerprint;
	Names		classes;		/* the model's labels, but for one that is no class */
	uint32	   *class_label;	/* by class its label */
	int64	   *label_class;	/* by label its class, or -1 */
	uint32		width;			/* components * classes */
	double	   *weights;		/* of the components */
	LogRate    *prior;			/* width */
	LogRate    *pool;			/* labels * width: an annotator never seen */
	LogRate    *rates;			/* J * labels * width; or NULL, and */
	LogRate   **tied;			/* by component, as its model has them */
	LogRate    *buffer;			/* width: of an answer */
	LogRate    *silent;			/* width: nobody says anything; or NULL */
	uint32	   *members;		/* J: of each one's group; where silence is an answer */
	Dictionary *annotators;
	Dictionary *labels;
} ModelScorer;

/* "rate", of an answer that counts less than 1 where others are the same voice. */
static inline LogRate
log_rate_share(const LogRate *rate, double share)
{
	return (LogRate) {share == 1 ? rate->log : (int64) rint(rate->log * share), rate->veto, 0};
}

/* What is known of an item; see score_posterior(). */
typedef struct ItemScore
{
	const LogRate *answers;		/* components * classes */
	const LogRate *prior;		/* the same */
	const LogRate *gold;		/* classes, or NULL */
	double		exponent;		/* what the answers are worth together */
	bool		prior_known;
} ItemScore;

/* A model and the items of a set, and buffers for one of them. */
typedef struct SetScorer
{
	AnnotationView view;		/* with the voices of the model */
	EmVoices	voices;
	ModelScorer *scorer;
	double		correlation;	/* the model's; 0 for plain posteriors */
	int64	   *annotators;		/* of the set in the model, or -1 */
	int64	   *labels;			/* the same */
	LogRate    *score;			/* of the answers */
	LogRate    *answer;			/* one of them */
	LogRate    *own_prior;		/* of an item */
	LogRate    *gold;			/* by the model's classes: what gold says */
	double	   *posterior;		/* the same */
} SetScorer;

extern Size model_scorer_memory(const AnnotatorModel *model);
extern ModelScorer *model_scorer_create(const AnnotatorModel *model);
extern ModelScorer *model_scorer_cached(FunctionCallInfo fcinfo, int argno);
extern const LogRate *scorer_tied_rates(const ModelScorer *scorer, Size annotator,
										 uint32 label);
extern int64 model_scorer_annotator(ModelScorer *scorer, NameView name);
extern void scorer_answer(const ModelScorer *scorer, int64 annotator, uint32 label,
						  LogRate *rates);
extern uint32 model_scorer_label(ModelScorer *scorer, NameView name);
extern void model_scorer_prior(ModelScorer *scorer, const LabelDistribution *prior,
							   LogRate *result);
extern void score_posterior(const ItemScore *item, uint32 components,
							uint32 classes, const double *weights,
							double *posterior);
extern SetScorer *set_scorer_begin(const AnnotationView *view,
								   const AnnotatorModel *model);
extern uint32 set_scorer_voices(const SetScorer *s, uint32 item);
extern void set_scorer_check_labels(const SetScorer *s);
extern void set_scorer_answers(SetScorer *s, uint32 item);
extern const double *set_scorer_report(SetScorer *s, uint32 item,
									   const LogRate *answers, double voices);
extern const double *set_scorer_own_prior(SetScorer *s, uint32 item, const double *prior,
										  bool report);
extern const double *set_scorer_posterior(SetScorer *s, uint32 item);

/*
 * What one annotation says; "annotator" is -1 for one never seen.  Valid until the
 * next call.
 */
static inline const LogRate *
scorer_rates(const ModelScorer *scorer, int64 annotator, uint32 label)
{
	if (annotator < 0)
		return scorer->pool + (Size) label * scorer->width;
	if (scorer->rates == NULL)
		return scorer_tied_rates(scorer, annotator, label);
	return scorer->rates + ((Size) annotator * scorer->model.labels.n + label) * scorer->width;
}

/* How many annotators count as one, if not as many as answer; 0 if they do. */
static inline uint32
scorer_members(const ModelScorer *scorer, int64 annotator)
{
	return annotator < 0 || scorer->members == NULL ? 0 : scorer->members[annotator];
}

static inline void
score_add(const ModelScorer *scorer, LogRate *score, int64 annotator, uint32 label)
{
	const LogRate *rates = scorer_rates(scorer, annotator, label);

	for (uint32 i = 0; i < scorer->width; i++)
		log_rate_add(&score[i], &rates[i]);
}

#endif							/* NL_APPLY_MODEL_H */
