/*
 * label_distance.h
 *		How far two labels are apart: what weighted kappa and its relatives count a
 *		disagreement for.
 *
 * Labels that are all numbers stand where their numbers are, so that 2 and 4 are as
 * far apart where nobody said 3; others stand at their places, in a given order or
 * that of labels.
 */
#ifndef NL_LABEL_DISTANCE_H
#define NL_LABEL_DISTANCE_H

#include "names/dictionary.h"

typedef enum LabelDistance
{
	DISTANCE_IDENTITY,			/* 0 or 1 */
	DISTANCE_LINEAR,
	DISTANCE_QUADRATIC,
	DISTANCE_ORDINAL,			/* Gwet's ordinal weights, of places */
	DISTANCE_RATIO				/* ((x - y) / (x + y))^2 */
} LabelDistance;

extern const char *const label_distance_words[];	/* the first three */

extern bool label_number(NameView name, double *number);
extern bool label_numbers(const Names *names, double *numbers);
extern void label_order_notice(const char *hint);
extern double *label_distances(LabelDistance kind, const double *places, uint32 n);

#endif							/* NL_LABEL_DISTANCE_H */
