/*
 * agreement.h
 *		How far the annotators of a set agree: coefficients corrected for chance, pairs
 *		of annotators, and what an item's answers say of them.
 *
 * An annotator has one answer to an item.  Where he has given several, they share it:
 * "a, a, b" is two thirds of a and one third of b, and he is not compared with himself.
 *
 * All is computed as disagreement, whose sums are exactly 0 where nobody disagrees:
 * a coefficient is 1 - observed / expected.  Inside, an undefined one is NaN.
 */
#ifndef NL_AGREEMENT_H
#define NL_AGREEMENT_H

#include "math/student.h"
#include "metrics/label_distance.h"
#include "types/annotation_set.h"
#include "utils/float.h"

typedef enum MeasurementLevel
{
	LEVEL_NOMINAL,
	LEVEL_ORDINAL,
	LEVEL_INTERVAL,
	LEVEL_RATIO
} MeasurementLevel;

/* Weights that were asked for; WEIGHTS_OWN are those of the level. */
#define WEIGHTS_OWN (-1)

typedef enum IntervalKind
{
	INTERVAL_ASYMPTOTIC,
	INTERVAL_BOOTSTRAP
} IntervalKind;

typedef struct AgreementOptions
{
	int			level;			/* MeasurementLevel */
	int			weights;		/* LabelDistance, or WEIGHTS_OWN */
	Jsonb	   *weight_option;	/* as given: a word, or a table */
	int			interval;		/* IntervalKind */
	int			resamples;
	int			seed;
	double		confidence;
	Jsonb	   *scale;			/* array of labels in order, or NULL */
} AgreementOptions;

extern const char *const agreement_levels[];
extern AgreementOptions agreement_options_parse(const Jsonb *jsonb);
extern AgreementOptions pair_options_parse(const Jsonb *jsonb);

/*
 * The labels as categories, in their order, and how far these are apart.
 */
typedef struct AgreementScale
{
	uint32		n;				/* categories */
	uint16	   *category;		/* of each label of the set */
	double	   *distances;		/* n * n, 0 .. 1; NULL: those of identity */
	bool		midranks;		/* alpha's distances are those of its ordinal metric */
	bool		by_name;		/* an order was wanted, and is that of the names */
} AgreementScale;

extern AgreementScale agreement_scale(const AnnotationView *view,
									  const AgreementOptions *options);
extern void agreement_order_notice(void);

static inline double
scale_distance(const AgreementScale *scale, uint32 a, uint32 b)
{
	return scale->distances == NULL ? a != b : scale->distances[(Size) a * scale->n + b];
}

/* A category and how much of an answer it has. */
typedef struct Share
{
	uint16		category;
	double		share;
} Share;

/*
 * An item: its categories, and its annotators with more than one answer of different
 * categories.
 */
typedef struct AgreementItem
{
	double		annotators;
	uint32		n;
	Share	   *shares;			/* n: of all annotators together */
	uint32		n_split;
	uint32	   *split_ends;		/* n_split: where such an annotator's shares end */
	Share	   *split;
} AgreementItem;

/* What items are read with; an item is good until the next is read. */
typedef struct AgreementReader
{
	const AnnotationView *view;
	const AgreementScale *scale;
	double	   *sums;			/* by category; zero between items */
	uint32		split_capacity;
	AgreementItem item;
} AgreementReader;

extern AgreementReader *agreement_reader(const AnnotationView *view,
										 const AgreementScale *scale);
extern const AgreementItem *agreement_read(AgreementReader *reader, uint32 item);
extern uint32 answers_end(const AnnotationView *view, uint32 from, uint32 end);
extern uint32 answers_shares(AgreementReader *reader, uint32 from, uint32 end,
							 Share *shares);
extern double item_disagreement(const AgreementScale *scale, const AgreementItem *item);

/* The coefficients that have intervals. */
typedef enum Coefficient
{
	PERCENT_AGREEMENT,
	KRIPPENDORFF_ALPHA,
	FLEISS_KAPPA,
	GWET_AC,
	COEFFICIENTS
} Coefficient;

typedef struct AgreementResult
{
	uint32		items;
	uint32		annotators;
	uint32		pairable_items;
	uint32		unlike_items;	/* on which somebody disagrees */
	uint32		categories;		/* that were used */
	double		effective_items;	/* behind the interval that hangs on fewest */
	double		value[COEFFICIENTS];
	Bounds		bounds[COEFFICIENTS];
	double		brennan_prediger;
	double		conger_kappa;
} AgreementResult;

extern AgreementResult agreement_of(const AnnotationView *view,
									const AgreementScale *scale,
									const AgreementOptions *options);

/*
 * Inside: sums over items, and what the coefficients are of them.
 */
typedef struct AgreementSums
{
	double		items;			/* with an answer */
	double		pairable;
	double		unlike;
	double		disagreement;	/* mean of an item's pairs, summed over items */
	double		answers;		/* to items that are pairable */
	double		weighted;		/* the disagreement, by an item's answers */
	double	   *shares;			/* by category: of an item's answers, summed */
	double	   *counts;			/* of answers to pairable items */
} AgreementSums;

typedef struct AgreementChance
{
	double		observed[COEFFICIENTS];
	double		expected[COEFFICIENTS];
	double		brennan_prediger;	/* expected */
	double	   *by_shares;		/* distances times shares */
	double	   *by_counts;		/* distances of alpha times counts */
	double	   *midranks;		/* of categories, or NULL */
	double		observed_alpha; /* summed distances of pairs */
	double		expected_alpha;
} AgreementChance;

extern void sums_create(AgreementSums *sums, AgreementChance *chance, uint32 n);
extern void sums_collect(AgreementReader *reader, const uint32 *times,
						 AgreementSums *sums);
extern void chance_compute(AgreementReader *reader, const uint32 *times,
						   const AgreementSums *sums, AgreementChance *chance);
extern double midrank_disagreement(const AgreementItem *item, const double *midranks);
extern void agreement_bootstrap(AgreementReader *reader, const AgreementOptions *options,
								AgreementResult *result);

static inline double
coefficient_of(const AgreementChance *chance, Coefficient c)
{
	return chance->expected[c] > 0 ?
		1 - chance->observed[c] / chance->expected[c] : get_float8_nan();
}

#endif							/* NL_AGREEMENT_H */
