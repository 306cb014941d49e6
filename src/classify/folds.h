/*
 * folds.h
 *		Which rows are judged by the same model.
 */
#ifndef NL_FOLDS_H
#define NL_FOLDS_H

#include "types/row_order.h"

#define MAX_FOLDS 100
#define ROWS_OF_A_KIND 10		/* that share a vector of features, on average */

typedef enum Duplicates
{
	DUPLICATES_AUTO,
	DUPLICATES_TOGETHER,
	DUPLICATES_SPLIT
} Duplicates;

typedef struct Folds
{
	uint32		n;				/* at least 2, or 0: no split is possible */
	uint8	   *fold;			/* by place in canonical order */
	uint32		vectors;		/* of features, that differ */
	uint32		twins;			/* rows with the features of one of another group */
	bool		split;			/* equal rows belong together by their groups only */
	bool		kept_apart;		/* the same where they have groups */
} Folds;

extern const char *const duplicates_names[];

/* Do so many rows share each vector that it is a kind rather than an item? */
static inline bool
folds_are_kinds(uint32 rows, uint32 vectors)
{
	return rows / ROWS_OF_A_KIND >= vectors;
}

/*
 * "keys" are in canonical order.  "group": hash of the group of each row as
 * collected, with the same seed, 0 for none; or NULL.
 */
extern Folds folds_make(const TrainingSet *set, const RowKey *keys,
						const uint64 *group, uint32 folds,
						Duplicates duplicates);

#endif							/* NL_FOLDS_H */
