/*
 * choose_variant.h
 *		Variant auto: the rule, voices, copies, and how dependent answers are.
 */
#ifndef NL_CHOOSE_VARIANT_H
#define NL_CHOOSE_VARIANT_H

#include "crowd/em.h"
#include "crowd/em_copies.h"
#include "crowd/em_correlation.h"

#define ESTIMATE_CORRELATION (-1.0)

typedef struct AutoOptions
{
	int			max_passes;
	Size		beside;			/* bytes that are taken beside the team's */
	const uint32 *groups;		/* given: by annotator the first of his group; or NULL */
	bool		find_copies;
	double		correlation;	/* or ESTIMATE_CORRELATION */
} AutoOptions;

/* What the model is to remember beside the fit. */
typedef struct AutoReport
{
	const uint32 *group;		/* by annotator the first of his group, or NULL */
	uint32		n_groups;		/* of two annotators or more */
	EmCopies	copies;			/* with share 0 if none were looked for */
	EmCorrelation correlation;
	bool		correlation_given;
} AutoReport;

extern EmFit *fit_auto(AnnotationView *view, const AutoOptions *options,
					   EmCounts *start);
extern Size fit_auto_memory(const AnnotationView *view);

#endif							/* NL_CHOOSE_VARIANT_H */
