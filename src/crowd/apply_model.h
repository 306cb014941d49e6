/*
 * apply_model.h
 *		A fitted model meets items: their posteriors by consensus(), by posterior()
 *		and where a fit starts from a model.
 *
 * This is one of two places where an item's posterior comes from; the other is
 * the E step of a fit (em_expectation.c), whose parameters change with each pass.
 *
 * A ModelScorer is a model made ready for look-ups.  A score gathers what
 * an item's annotations say: for each component and class the logarithm of the
 * likelihood, as a whole number of 2^-36, and the vetoes (see log_space.h).
 * Whole numbers add up to the same sum in any order, so an item's posterior
 * does not depend on the order of the rows, on the plan, or on how many
 * workers or servers had a part in it.
 */
#ifndef NL_APPLY_MODEL_H
#define NL_APPLY_MODEL_H

#include "types/annotation_set.h"
#include "types/annotator_model.h"

/* The logarithm of a probability, and whether the probability is 0. */
typedef struct LogRate
{
	int64		log;			/* in units of 2^-36 */
	uint32		veto;
	uint32		unused;			/* 0, for the bytes of states to be the same */
} LogRate;

/* Sums stop here, far from overflow: e to the power of -33 million. */
#define LOG_RATE_MIN (PG_INT64_MIN / 4)

static inline void
log_rate_add(LogRate *sum, const LogRate *rate)
{
	sum->log += rate->log;
	if (unlikely(sum->log < LOG_RATE_MIN))
		sum->log = LOG_RATE_MIN;
	sum->veto += rate->veto;
}

typedef struct ModelScorer
{
	AnnotatorModelView model;
	uint64		fingerprint;
	uint32		width;			/* components * classes */
	double	   *weights;		/* of the components */
	LogRate    *prior;			/* width */
	LogRate    *pool;			/* K labels * width: an annotator never seen */
	LogRate    *rates;			/* J * K labels * width */
	Dictionary *annotators;
	Dictionary *labels;
} ModelScorer;

/* A model and the items of a set, and buffers for one of them. */
typedef struct SetScorer
{
	const AnnotationView *view;
	ModelScorer *scorer;
	int64	   *annotators;		/* of the set in the model, or -1 */
	int64	   *labels;			/* the same */
	LogRate    *score;
	double	   *posterior;		/* by the model's labels */
} SetScorer;

extern Size model_scorer_memory(const AnnotatorModel *model);
extern ModelScorer *model_scorer_create(const AnnotatorModel *model);
extern ModelScorer *model_scorer_cached(FunctionCallInfo fcinfo, int argno);
extern int64 model_scorer_annotator(ModelScorer *scorer, NameView name);
extern uint32 model_scorer_label(ModelScorer *scorer, NameView name);
extern void score_posterior(const LogRate *score, uint32 components,
							uint32 classes, const double *weights,
							double *posterior);
extern SetScorer set_scorer_begin(const AnnotationView *view,
								  const AnnotatorModel *model);
extern const double *set_scorer_posterior(SetScorer *s, uint32 item);

/* What one annotation says; "annotator" is -1 for one never seen. */
static inline void
score_add(const ModelScorer *scorer, LogRate *score, int64 annotator, uint32 label)
{
	uint32		width = scorer->width;
	const LogRate *rates = annotator < 0 ? scorer->pool + (Size) label * width :
		scorer->rates + ((Size) annotator * scorer->model.labels.n + label) * width;

	for (uint32 i = 0; i < width; i++)
		log_rate_add(&score[i], &rates[i]);
}

#endif							/* NL_APPLY_MODEL_H */
