/*
 * training_set.h
 *		Rows to learn from: a target, features, and perhaps a weight.
 *
 * Targets are labels or, in a soft set, distributions over labels.  While rows
 * are collected labels are codes of the dictionary, in order of appearance;
 * training_set_names() makes ranks in canonical order of them.  In which order
 * fits take the rows, see types/row_order.h.
 *
 * The SQL type training_set, the state of the aggregate logistic_regression(),
 * is such a set as an expanded object.  oof_predict() uses the struct alone.
 */
#ifndef NL_TRAINING_SET_H
#define NL_TRAINING_SET_H

#include "names/dictionary.h"
#include "types/feature_matrix.h"
#include "types/label_distribution.h"
#include "types/value.h"

#define NO_LABEL PG_UINT16_MAX

typedef struct TrainingSet
{
	MemoryContext context;
	Dictionary *labels;
	FeatureMatrix x;
	uint32		capacity;		/* of the arrays of rows */
	bool		soft;
	uint16	   *label;			/* n, or NO_LABEL; NULL in a soft set */
	double	   *weight;			/* n; NULL if all are 1 */
	uint32	   *target_end;		/* n: where the targets of a soft row end */
	uint32		targets_capacity;
	uint32	   *target_label;	/* or, where there are rates, codes of answers */
	double	   *target_p;
	uint32		codes;			/* of answers */
	double	   *rates;			/* codes * labels: see below, or NULL */
	/* of a set that an aggregate makes of annotators' answers, training_answers.c */
	bool		answers;
	uint64		fingerprint;	/* of the annotator_model */
	Dictionary *vectors;		/* of rates, whose bytes are the names; in it codes grow */
} TrainingSet;

/*
 * Targets that are answers.  Where a set has rates, its targets are no classes but
 * codes of what was observed: an annotator's answer, or a label that may be wrong.
 * rates[code * labels + k] is how likely that is where the class is k, up to a factor
 * of the code (which only generalised cross-entropy and log-losses see).  Codes are
 * labels in a set that is not soft, and in a soft one whatever its targets say: a row
 * may have several, such as all answers to an item, whose shares sum to 1 (so that a
 * row that stands for n answers has the weight n).
 */
static inline uint32
target_count(const TrainingSet *set, uint32 row)
{
	return set->soft ? set->target_end[row] - (row == 0 ? 0 : set->target_end[row - 1]) : 1;
}

/* The t-th target of a row: a class, or the code of an answer. */
static inline uint32
target_code(const TrainingSet *set, uint32 row, uint32 t)
{
	return set->soft ? set->target_label[(row == 0 ? 0 : set->target_end[row - 1]) + t] :
		set->label[row];
}

static inline double
target_share(const TrainingSet *set, uint32 row, uint32 t)
{
	return set->soft ? set->target_p[(row == 0 ? 0 : set->target_end[row - 1]) + t] : 1;
}

static inline const double *
answer_rates(const TrainingSet *set, uint32 code)
{
	return set->rates + (Size) code * set->labels->n;
}

static inline uint32
target_begin(const TrainingSet *set, uint32 row)
{
	return row == 0 ? 0 : set->target_end[row - 1];
}

static inline bool
has_target(const TrainingSet *set, uint32 row)
{
	return set->soft ? set->target_end[row] > target_begin(set, row) :
		set->label[row] != NO_LABEL;
}

extern void training_set_init(TrainingSet *set, MemoryContext context,
							  bool soft, bool weighted, uint32 expected);
extern void training_set_check_kind(const TrainingSet *set, uint8 kind);
extern uint8 training_set_kind(const TrainingSet *set);
extern Size training_set_memory(const TrainingSet *set);
extern void training_set_label(TrainingSet *set, uint32 row, const text *label);
extern void training_set_target(TrainingSet *set, uint32 row,
								const LabelDistribution *target);
extern void training_set_answer(TrainingSet *set, uint32 row, uint32 code, double share);
extern void training_set_weight(TrainingSet *set, uint32 row, double weight);

/* training_answers.c */
extern void training_answers_begin(TrainingSet *set);
extern void training_answers_add(TrainingSet *set, uint64 fingerprint,
								 const LabelDistribution *suggested, double scale);
extern uint32 *training_answers_merge(TrainingSet *to, const TrainingSet *from);
extern void training_answers_end(TrainingSet *set, const uint32 *rank);
extern double *training_answers_reserve(TrainingSet *set);
extern uint32 training_answers_code(TrainingSet *set, const double *rates);
extern Names training_set_names(TrainingSet *set);
extern void training_set_free_rows(TrainingSet *set);
extern void training_set_permute(TrainingSet *set, const uint32 *source);

#endif							/* NL_TRAINING_SET_H */
