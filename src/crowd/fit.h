/*
 * fit.h
 *		What dawid_skene() does around the engine.
 *
 * fit_options.c reads its options, class_options.c what they know about classes and
 * annotators, run_fit.c runs the fits that they ask for,
 * start_from_model.c lets them begin at an earlier model, gold_check.c asks whether
 * the crowd contradicts gold, build_model.c makes a model of the result, and
 * warnings.c says what makes it untrustworthy.
 */
#ifndef NL_FIT_H
#define NL_FIT_H

#include "crowd/choose_variant.h"
#include "crowd/majority.h"
#include "pg/options.h"

/* What a repeated (item, annotator, label) row counts for. */
typedef enum Repeats
{
	REPEATS_COUNT,				/* every row is a vote */
	REPEATS_DISTINCT			/* equal rows are one vote */
} Repeats;

/* Which items teach the confusion matrices. */
typedef enum LearnFrom
{
	LEARN_FROM_ALL,
	LEARN_FROM_GOLD
} LearnFrom;

/* Whether annotators who copy others are looked for. */
typedef enum Copies
{
	COPIES_AUTO,
	COPIES_OFF
} Copies;

/* Whether saying nothing about an item is an answer */
typedef enum Silence
{
	SILENCE_IGNORED,
	SILENCE_INFORMATIVE
} Silence;

typedef struct FitOptions
{
	EmOptions	em;
	int			variant;		/* Variant */
	int			repeats;		/* Repeats */
	const AnnotatorModel *start;	/* an argument of its own, or NULL */
	double		gold_weight;
	int			copies;			/* Copies */
	double		correlation;	/* or CORRELATION_ESTIMATE */
	Jsonb	   *groups;			/* of annotators, or NULL */
	Jsonb	   *prior;			/* class shares, or NULL */
	Jsonb	   *abstain;		/* the label that is no class, or NULL */
	int			silence;		/* Silence */
	int			learn_from;		/* LearnFrom */
	int			restarts;
	int			seed;
} FitOptions;

#define CORRELATION_ESTIMATE OPTION_WORD(0)

/*
 * Gold against what the fit would have answered without it; and where that is
 * worse than it should be, how many gold items that were left out are predicted
 * by matrices that all answers taught, and by those that gold alone taught.
 */
typedef struct GoldCheck
{
	uint32		items;
	uint32		wrong;
	double		expected;		/* wrong */
	bool		contradicted;	/* if not, the rest is 0 */
	uint32		left_out;
	uint32		by_crowd;		/* predicted of these */
	uint32		by_gold;
	uint32		by_crowd_alone; /* not by the other */
	uint32		by_gold_alone;
} GoldCheck;

/* fit_options.c */
extern FitOptions fit_options_parse(const Jsonb *jsonb);
extern char *fit_options_json(const FitOptions *options);
extern FitOptions fit_options_of_record(const char *json);

/* class_options.c */
extern void class_options_check(const FitOptions *options);
extern bool class_options_apply(AnnotationView *view, const FitOptions *options);
extern const char *label_of_abstain(const Jsonb *abstain);
extern void check_gold_labels(const AnnotationView *view, const char *none);
extern void groups_check(const Jsonb *groups);
extern uint32 *groups_of_option(const AnnotationView *view, const Jsonb *groups);
extern Size class_options_memory(const AnnotationView *view, const FitOptions *options);

/* run_fit.c */
extern EmFit *run_fit(AnnotationView *view, FitOptions *options);
extern AnnotationView without_repeats(const AnnotationView *view);
extern EmFit *run_teacher(const AnnotationView *view, const FitOptions *options,
						  LearnFrom teacher, Size beside);

/* start_from_model.c */
extern void start_from_model(const AnnotationView *view,
							 const AnnotatorModel *model, EmCounts *counts);

/* build_model.c */
extern AnnotatorModel *build_model(const AnnotationView *view,
								   const FitOptions *options, EmFit *fit,
								   MemoryContext context);

/* gold_check.c */
extern GoldCheck *check_gold(const AnnotationView *view, const FitOptions *options,
							 const EmFit *fit, Size beside);

/* warnings.c */
extern void add_fit_warnings(AnnotatorModelView *model, const AnnotationView *view,
							 const FitOptions *options, const EmFit *fit,
							 const MajorityTally *majority);

#endif							/* NL_FIT_H */
