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
	uint16	   *target_label;
	double	   *target_p;
} TrainingSet;

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
extern void training_set_check_kind(const TrainingSet *set, bool soft, bool weighted);
extern Size training_set_memory(const TrainingSet *set);
extern void training_set_label(TrainingSet *set, uint32 row, const text *label);
extern void training_set_target(TrainingSet *set, uint32 row,
								const LabelDistribution *target);
extern void training_set_weight(TrainingSet *set, uint32 row, double weight);
extern Names training_set_names(TrainingSet *set);
extern void training_set_free_rows(TrainingSet *set);
extern void training_set_permute(TrainingSet *set, const uint32 *source);

#endif							/* NL_TRAINING_SET_H */
