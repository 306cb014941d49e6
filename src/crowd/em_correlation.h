/*
 * em_correlation.h
 *		How much several answers to one item are worth together.
 */
#ifndef NL_EM_CORRELATION_H
#define NL_EM_CORRELATION_H

#include "types/annotation_set.h"

/* What is assumed where gold does not say; of variant auto. */
#define ASSUMED_CORRELATION 0.3

/* What is added to it where few items teach; see assumed_correlation(). */
#define FEW_ITEMS_CORRELATION 0.33
#define FEW_ITEMS_FROM 15
#define FEW_ITEMS_TO 30
#define ENOUGH_ITEMS 150

/*
 * What is assumed where truths and matrices are learned from the same answers, and
 * so many items teach.  Of some ten to fifty items an annotator may by luck seem much
 * better than the others, is believed, and so confirms himself: errors of the matrices
 * are then in common, too.  With fewer the pseudo-answers keep matrices from saying
 * much; with 150 luck is rare.  No formula of a paper, but what simulated crowds want
 * (docs/simulation.md): .3 up to .63 at 15 items, .63 to thirty, back to .3 at 150.
 */
static inline double
assumed_correlation(double items)
{
	double		few = Min(items / FEW_ITEMS_FROM,
						  (ENOUGH_ITEMS - items) / (ENOUGH_ITEMS - FEW_ITEMS_TO));

	return ASSUMED_CORRELATION + FEW_ITEMS_CORRELATION * Max(Min(few, 1), 0);
}

/*
 * The power to which a posterior is raised before it is reported: n voices whose
 * errors are correlated by r are worth n / (1 + (n - 1) r) (Kish's design effect).
 * An item without voices keeps its prior.
 */
static inline double
design_exponent(double voices, double correlation)
{
	return voices <= 1 ? 1 : 1 / (1 + (voices - 1) * correlation);
}

typedef struct EmCorrelation
{
	double		correlation;
	uint32		gold_items;		/* that it was estimated from; 0: assumed */
} EmCorrelation;

extern EmCorrelation em_correlation(const AnnotationView *view, int max_passes,
									Size beside);
extern void em_temper(const AnnotationView *view, const double *weights, double power,
					  double *p);
extern Size em_correlation_memory(const AnnotationView *view);

#endif							/* NL_EM_CORRELATION_H */
