/*
 * folds.h
 *		Which rows are judged by the same model.
 */
#ifndef NL_FOLDS_H
#define NL_FOLDS_H

#include "training_set.h"

#define MAX_FOLDS 100

typedef struct Folds
{
	uint32		n;				/* at least 2, or 0: no split is possible */
	uint8	   *fold;			/* by place in canonical order */
	bool		kept_apart;		/* equal rows of different groups are */
} Folds;

/*
 * "keys" are in canonical order.  "group": hash of the group of each row as
 * collected, with the same seed, 0 for none; or NULL.
 */
extern Folds folds_make(const TrainingSet *set, const RowKey *keys,
						const uint64 *group, uint32 folds);

#endif							/* NL_FOLDS_H */
