/*
 * crowd_internal.h
 *		What the parts of learn_from_crowds() share: crowd_begin.c, crowd_targets.c,
 *		crowd_predict.c, crowd_features.c, crowd_evidence.c, crowd_rounds.c,
 *		crowd_warnings.c, and learn_from_crowds.c, which puts them together and says what they do.
 */
#ifndef NL_CROWD_INTERNAL_H
#define NL_CROWD_INTERNAL_H

#include "classify/crowd_voices.h"
#include "classify/folds.h"
#include "classify/learn_from_crowds.h"
#include "classify/logistic_fit.h"
#include "crowd/learn_annotators.h"

#define LEARN_FROM_CROWDS "learn_from_crowds"	/* as messages name it */

/* An annotator and a label that he gives; codes of a training set's targets. */
typedef struct Pair
{
	uint32		annotator;
	uint32		label;
} Pair;

/* Items with their features, dealt to folds; they stay there in all rounds. */
typedef struct CrowdDeal
{
	TrainingSet set;
	Folds		made;
	Design	   *design;
	uint32	   *item;			/* rows of the design: which item */
} CrowdDeal;

#define DEALS 3					/* at most */
#define NO_PART 0				/* is never left out */

typedef struct CrowdFit
{
	const CrowdRowsView *rows;
	const AnnotationView *view;
	CrowdOptions *options;
	LearnOptions learn;
	uint32		items;
	Size		classes;
	CrowdVoices *voices;
	uint32		pairs;
	Pair	   *pair;			/* by annotator, then label */
	uint32	   *code;			/* annotations: the pair */
	uint32		folds;			/* of a deal; 0: no item can be judged without itself */
	uint32		parts;			/* of items at most; see part_items() */
	uint8	   *part;			/* items: which; matrices are learned without it, but for 0 */
	bool	   *has_items;		/* parts */
	double	   *rates;			/* parts * (pairs + classes) * classes: of pairs, and of gold */
	uint32		deals;
	CrowdDeal	deal[DEALS];	/* of the first, l2 and the classifier of all items */
	double	   *predicted;		/* items * classes */
	double	   *evidence;		/* the same */
	double	   *before;			/* the evidence of the round before */
	double	   *held;			/* the same, in a design's order; or the next evidence */

	/* what the first round's predictions know of answers */
	bool		blind;			/* nothing is predicted */
	double		foreseen;		/* the probability that they give to an answer */
	double		by_shares;		/* the same of the labels' shares */
	double		gain_error;		/* standard error of the difference */

	/* the record */
	const char *options_json;	/* as they were given */
	int			rounds;
	bool		converged;
	uint32		failed;			/* models of folds that did not converge in the last round */
	const char *stopped_by;
	double		noise;
	uint32		n_warnings;
	const char *warnings[8];
} CrowdFit;

/* crowd_begin.c */
extern CrowdFit *crowd_begin(const CrowdRowsView *rows, CrowdOptions *options);

/* crowd_targets.c */
extern double crowd_gold_rate(const CrowdFit *fit, uint32 gold, Size k);
extern void crowd_set_votes(const CrowdFit *fit, CrowdDeal *deal, uint32 row, uint32 item);
extern const double *crowd_rates_of(const CrowdFit *fit, uint32 item, uint32 annotation);
extern void crowd_set_rates(CrowdFit *fit, const AnnotatorModel *model, uint32 part);
extern void crowd_retarget(CrowdFit *fit);

/* crowd_predict.c */
extern void crowd_predict(CrowdFit *fit, int round);

/* crowd_features.c */
extern void crowd_judge_features(CrowdFit *fit);
extern void crowd_warn_of_features(CrowdFit *fit);

/* crowd_evidence.c */
extern void crowd_begin_evidence(CrowdFit *fit);
extern AnnotatorModel *crowd_learn_matrices(const CrowdFit *fit, uint32 without);
extern void crowd_weigh_evidence(CrowdFit *fit, const AnnotatorModel *model, bool report);
extern void crowd_renew_evidence(CrowdFit *fit);
extern void crowd_renew_rates(CrowdFit *fit);

/* crowd_rounds.c */
extern AnnotatorModel *crowd_go_rounds(CrowdFit *fit);

/* crowd_warnings.c */
extern void crowd_warn(CrowdFit *fit, const char *text);
extern void crowd_warn_of_folds(CrowdFit *fit);
extern void crowd_warn_of_gold(CrowdFit *fit);
extern int	crowd_lost_class(const CrowdFit *fit, double *given, double *left);

#endif							/* NL_CROWD_INTERNAL_H */
