/*
 * annotator_model.h
 *		The type annotator_model: what a fit learned about annotators.
 *
 * A model holds no items.  It has one or more components, each a class prior
 * and a confusion matrix for each annotator; a new item's posterior is the
 * average of the components' posteriors by their weights.  Beside them stands
 * the evidence: for each annotator the number of annotations and the expected
 * counts under the model's posterior, with their variances, which say how much
 * of the counts is certain (em_final_counts.c).
 *
 * One label may stand for no class ("abstains"): an answer like the others, but items
 * are not of it, so that its class prior is 0.  What is reported is about classes
 * (annotator_model_of_classes).
 */
#ifndef NL_ANNOTATOR_MODEL_H
#define NL_ANNOTATOR_MODEL_H

#include "names/dictionary.h"
#include "types/model_evidence.h"
#include "types/value.h"

typedef enum Variant
{
	VARIANT_FULL,
	VARIANT_ONE_COIN,
	VARIANT_CLASS,
	VARIANT_SHARED,
	VARIANT_MAJORITY,
	VARIANT_AUTO,				/* of a fit, not of a component */
	VARIANT_COUNT
} Variant;

extern const char *const variant_names[];	/* ends with NULL */

/* Whether annotators have the same rates. */
static inline bool
variant_is_common(Variant variant)
{
	return variant == VARIANT_SHARED || variant == VARIANT_MAJORITY;
}

/* Whether rates are of right and wrong answers only. */
static inline bool
variant_has_coins(Variant variant)
{
	return variant == VARIANT_ONE_COIN || variant == VARIANT_CLASS || variant == VARIANT_MAJORITY;
}

/* Whether each annotator has a whole matrix. */
static inline bool
variant_is_whole(Variant variant)
{
	return variant == VARIANT_FULL || variant == VARIANT_AUTO;
}

/* How many numbers the rates of a unit are: of an annotator, or of all in common. */
static inline Size
variant_cells(Variant variant, Size classes)
{
	if (variant == VARIANT_CLASS)
		return 2 * classes;
	return variant_has_coins(variant) ? 2 : mul_size(classes, classes);
}

static inline Size
variant_units(Variant variant, Size annotators)
{
	return variant_is_common(variant) ? Min(annotators, 1) : annotators;
}

/* Where in a unit the rate of a label is. */
static inline Size
rate_place(Variant variant, Size classes, Size label, Size truth)
{
	if (!variant_has_coins(variant))
		return label * classes + truth;
	if (variant == VARIANT_CLASS)
		return (label == truth ? 0 : classes) + truth;
	return label == truth ? 0 : 1;
}

/* The numbers of all units. */
static inline Size
variant_doubles(Variant variant, Size annotators, Size classes)
{
	return mul_size(variant_units(variant, annotators), variant_cells(variant, classes));
}

/* Whose answers to an item count as one (crowd/em_voices.c). */
typedef enum ModelVoices
{
	VOICES_ANSWERS,				/* each counts */
	VOICES_ANNOTATORS,			/* those of one annotator are one */
	VOICES_GROUPS				/* those of a group are */
} ModelVoices;

/*
 * K classes, J annotators.  Matrices have the label first, as the engine has
 * them (em.h): the cell of label l and truth k is at l * K + k, so that what one
 * answer says about all classes is contiguous.  Their text has the truth first.
 * Of variants that tie rates there are no more than differ: of "shared" one matrix, of
 * "majority" the rates of the right answer and of each wrong one, of "one_coin" these
 * two for each annotator, and of "class" for each truth, right[K] before wrong[K].
 * model_component_rates() makes a matrix of any.
 */
typedef struct ModelComponent
{
	Variant		variant;
	double		weight;
	double	   *prior;			/* K */
	double	   *pool;			/* K * K: for an annotator never seen */
	double	   *confusion;		/* variant_doubles() */
} ModelComponent;

typedef struct AnnotatorModelView
{
	Names		labels;
	Names		annotators;
	uint32		n_components;
	ModelComponent *components;
	double	   *annotations;	/* J: how many each gave */
	double	   *gold_annotations;	/* J: of these, on items with gold */
	double	   *reported_right; /* J: right answers, see model_is_tempered() */
	double	   *reported_variances;	/* J: of these */
	ModelEvidence evidence;		/* expected counts, variances given the annotations */
	int64		items;
	int64		n_annotations;
	int64		gold_items;
	double		gold_weight;	/* the chance that a gold label is right */
	int32		iterations;
	bool		converged;
	double		log_likelihood;
	uint32		abstains;		/* the label that is no class, plus 1; or 0 */
	bool		silence;		/* who says nothing about an item says that one */
	bool		prior_known;	/* the class prior was given: it is never tempered */
	double	   *shares;			/* K: of the classes; NULL: the class prior says them */
	ModelVoices voices;
	uint32	   *group;			/* J: the first of each one's group; of VOICES_GROUPS */
	double		correlation;	/* of errors on one item, see design_exponent() */
	int64		correlation_items;	/* with gold, that say so; 0: assumed */
	int64		teaching_items;
	bool		truths_given;	/* they came from elsewhere, not from the answers */
	double		majority_disagreement;	/* share of items; -1: not known */
	const char *method;
	const char *options;		/* as JSON */
	const char *stopped_by;
	uint32		n_warnings;
	const char **warnings;
	const char **notes;			/* J: a warning about each, or "" */
} AnnotatorModelView;

/*
 * Stored form.  The fingerprint is a hash of all that follows it: two models
 * with the same are taken as the same by caches and states.
 */
typedef struct AnnotatorModel
{
	ValueHeader header;
	uint64		fingerprint;
	uint32		labels;
	uint32		annotators;
	uint32		components;
	uint32		warnings;
	int64		items;
	int64		annotations;
	int64		gold_items;
	double		gold_weight;
	double		log_likelihood;
	double		correlation;
	int64		correlation_items;
	int64		teaching_items;
	double		majority_disagreement;
	int32		iterations;
	uint32		converged;
	uint32		label_bytes;
	uint32		annotator_bytes;
	uint32		text_bytes;
	uint32		voices;			/* ModelVoices */
	uint32		truths_given;
	uint32		prior_known;
	uint32		abstains;
	uint32		silence;
	uint32		columns;		/* of the evidence */
	uint32		shares;			/* whether there are such */
	uint64		doubles;		/* of data */
	double		data[FLEXIBLE_ARRAY_MEMBER];

	/*
	 * double for each component: variant, weight, prior[K], pool[K * K],
	 * confusion[variant_doubles()]; annotations[J]; gold_annotations[J];
	 * reported_right[J]; reported_variances[J]; counts[columns * K];
	 * variances[columns * K]; shares[K], if there are such.  uint32 ends of labels, of annotators; of the
	 * evidence ends[J], label[columns]; group[J], if there are groups; bytes of
	 * labels, of annotators; method, options, stopped_by, warnings and notes[J],
	 * each with a terminating zero.
	 */
} AnnotatorModel;

extern AnnotatorModel *annotator_model_make(const AnnotatorModelView *view);
extern AnnotatorModel *annotator_model_get(Datum datum);
extern Size annotator_model_size(const AnnotatorModelView *view, Size columns);
extern Size annotator_model_rates_stored(const AnnotatorModel *model);
extern AnnotatorModelView annotator_model_view(const AnnotatorModel *model);
extern void model_component_rates(const AnnotatorModelView *model, uint32 component,
								  uint32 annotator, double *rates);
extern void annotator_model_rates(const AnnotatorModelView *model,
								  uint32 annotator, double *rates);
extern void annotator_model_truth_rates(const AnnotatorModelView *model, uint32 annotator,
										uint32 truth, double *rates);
extern void annotator_model_label_rates(const AnnotatorModelView *model, int64 annotator,
										uint32 label, double *rates);
extern void annotator_model_counts(const AnnotatorModelView *model, uint32 annotator,
								   double *counts, double *variances);
extern void annotator_model_truth(const AnnotatorModelView *model, uint32 annotator,
								  uint32 truth, double *counts, double *variances);
extern void model_matrix_transpose(const double *matrix, double *result,
								   Size classes);
extern AnnotatorModelView annotator_model_of_classes(const AnnotatorModel *model);
extern Names model_classes(const AnnotatorModelView *view, uint32 **label);

/*
 * Nothing can be known: learned from items of which none teaches, since a single
 * answer would confirm itself.
 */
static inline bool
model_knows_nothing(const AnnotatorModelView *view)
{
	return !view->truths_given && view->teaching_items == 0;
}

/*
 * What is reported of items is less sure than the counts are, so that an
 * annotator has fewer right answers by it, with other variances.
 */
static inline bool
model_is_tempered(const AnnotatorModelView *view)
{
	return !view->truths_given && view->correlation > 0;
}

/* cells of one annotator's matrix */
static inline Size
model_cells(const AnnotatorModelView *view)
{
	return (Size) view->labels.n * view->labels.n;
}

#endif							/* NL_ANNOTATOR_MODEL_H */
