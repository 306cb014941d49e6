/*
 * score_set.h
 *		The type score_set: how often which score was given where the truth is true,
 *		and where it is false.
 *
 * What is stored is a list of distinct scores in ascending order, each with the
 * weight of its positives and of its negatives.  A row of a whole-number weight is
 * as many rows, so equal multisets of rows are equal values.
 *
 * Weights are whole multiples of 2^-80, of which sums are exact (exact_sum.h), so a
 * set does not depend on the order in which rows and parts were added.  Where all
 * are whole numbers and small, as without weights, counts take 16 bytes a score;
 * otherwise it is 40.
 */
#ifndef NL_SCORE_SET_H
#define NL_SCORE_SET_H

#include "math/exact_sum.h"
#include "math/radix_sort.h"
#include "types/state.h"

typedef enum ScoreForm
{
	SCORE_COUNTS,				/* of ScoreCount */
	SCORE_LARGE_COUNTS,			/* of ScoreSum, whole numbers */
	SCORE_WEIGHTS				/* of ScoreSum; a row had a weight that is no whole number */
} ScoreForm;

typedef struct ScoreCount
{
	double		score;
	uint32		negative;
	uint32		positive;
} ScoreCount;

typedef struct ScoreSum
{
	double		score;
	ExactSum	negative;
	ExactSum	positive;
} ScoreSum;

/* Stored form.  Scores are in ascending order. */
typedef struct ScoreSet
{
	ValueHeader header;
	uint32		n;				/* distinct scores, at least one */
	uint32		form;			/* ScoreForm, the smallest that holds them */
	double		entries[FLEXIBLE_ARRAY_MEMBER];	/* n ScoreCount or ScoreSum */
} ScoreSet;

/* A score as its readers want it. */
typedef struct ScoreEntry
{
	double		score;
	double		negative;
	double		positive;
} ScoreEntry;

/* units of a weight */
#define SCORE_UNITS 1208925819614629174706176.0 /* 2^80 */
#define SCORE_UNITS_HIGH 65536	/* their high word: 2^80 = 2^16 2^64 */
#define SCORE_MAX_WEIGHT 70368744177664.0	/* 2^46, of all rows together */

/* Rows of a set that is the state of an aggregate. */
#define SCORE_ROW_TRUE 1		/* the truth */
#define SCORE_ROW_WEIGHTED 2	/* with a second field, the weight */
#define SCORE_ROW_SET 4			/* a stored set */

typedef struct ScoreWeight
{
	uint64		key;			/* of the score: sort_key_of() */
	ExactSum	weight;
} ScoreWeight;

/* Growing lists of the rows of one truth. */
typedef struct ScoreSide
{
	uint64	   *plain;			/* keys of rows of weight 1 */
	Size		n_plain;
	Size		plain_capacity;
	ScoreWeight *weighted;
	Size		n_weighted;
	Size		weighted_capacity;
} ScoreSide;

/* Rows as they came, and what they make once they are sorted. */
typedef struct ScoreRows
{
	MemoryContext context;
	ScoreSide	side[2];		/* by truth */
	ExactSum	weight;			/* of those with a weight */
	bool		fractional;
	bool		sorted;
	Size		distinct;		/* known when they are sorted */
	ScoreForm	form;
} ScoreRows;

typedef struct ExpandedScores
{
	ExpandedObjectHeader hdr;
	ScoreRows	rows;
} ExpandedScores;

static inline ScoreEntry
score_set_entry(const ScoreSet *set, uint32 i)
{
	if (set->form == SCORE_COUNTS)
	{
		const ScoreCount *c = (const ScoreCount *) set->entries + i;

		return (ScoreEntry) {c->score, c->negative, c->positive};
	}
	else
	{
		const ScoreSum *s = (const ScoreSum *) set->entries + i;

		return (ScoreEntry) {s->score, exact_sum_value(&s->negative) / SCORE_UNITS,
			exact_sum_value(&s->positive) / SCORE_UNITS};
	}
}

extern ScoreSet *score_set_get(Datum datum);

#define PG_GETARG_SCORE_SET(n) score_set_get(PG_GETARG_DATUM(n))

extern ExpandedScores *score_set_create(MemoryContext parent);
extern ExpandedScores *score_set_expanded(Datum datum);
extern void score_rows_init(ScoreRows *rows, MemoryContext context);
extern void score_rows_free(ScoreRows *rows);
extern void score_rows_add(ScoreRows *rows, bool truth, double score, double weight);
extern void score_rows_add_sum(ScoreRows *rows, bool truth, double score,
							   const ExactSum *weight);
extern void score_rows_add_row(ScoreRows *rows, const LogRow *row);
extern void score_rows_add_value(ScoreRows *rows, const void *value);
extern ScoreSet *score_rows_make(ScoreRows *rows);

#endif							/* NL_SCORE_SET_H */
