/*
 * label_distribution.h
 *		The type label_distribution: a probability for each label.
 */
#ifndef NL_LABEL_DISTRIBUTION_H
#define NL_LABEL_DISTRIBUTION_H

#include "names/dictionary.h"
#include "types/value.h"

/* Stored form.  Labels are in canonical order; the probabilities sum to 1. */
typedef struct LabelDistribution
{
	ValueHeader header;
	uint32		n;				/* labels, at least one */
	uint32		name_bytes;
	double		p[FLEXIBLE_ARRAY_MEMBER];
	/* uint32 ends[n]; char bytes[name_bytes] */
} LabelDistribution;

static inline Names
label_distribution_labels(const LabelDistribution *d)
{
	const uint32 *ends = (const uint32 *) (d->p + d->n);

	return (Names) {d->n, ends, (const char *) (ends + d->n)};
}

extern LabelDistribution *label_distribution_get(Datum datum);

#define PG_GETARG_LABEL_DISTRIBUTION(n) label_distribution_get(PG_GETARG_DATUM(n))

extern LabelDistribution *label_distribution_make(const Names *labels,
												  const double *p);
extern uint32 probabilities_top(const double *p, uint32 n, bool *tied);
extern double probabilities_entropy(const double *p, uint32 n);

#endif							/* NL_LABEL_DISTRIBUTION_H */
