/*
 * em_answer.h
 *		What one answer says under the parameters of a fit, and what it adds to
 *		counts: the places that know how a variant's tables are laid out.
 *
 * A table has a unit for each annotator, or one for all where they have the same
 * rates.  K classes:
 *
 *	full, shared	K * K cells, the label first
 *	class			right[K], wrong[K]: by truth, the right answer, and each of the
 *					wrong ones (as parameters) or all of them (as counts)
 *	one_coin, majority	right, wrong: the same for all truths
 */
#ifndef NL_EM_ANSWER_H
#define NL_EM_ANSWER_H

#include "crowd/em.h"

typedef enum EmUnit
{
	UNIT_MATRIX,
	UNIT_COMMON,				/* one matrix for all */
	UNIT_CLASSES,
	UNIT_COIN
} EmUnit;

/* How the tables of a variant are laid out. */
typedef struct EmLayout
{
	EmUnit		unit;
	uint32		own;			/* a mask for annotators with coins: all bits, or none */
								/* where one is for all */
} EmLayout;

static inline bool
unit_is_matrix(EmUnit unit)
{
	return unit == UNIT_MATRIX || unit == UNIT_COMMON;
}

static inline EmLayout
em_layout(const AnnotationView *view)
{
	EmLayout	layout = {UNIT_MATRIX, variant_is_common(view->variant) ? 0 : PG_UINT32_MAX};

	if (view->variant == VARIANT_SHARED)
		layout.unit = UNIT_COMMON;
	else if (view->variant == VARIANT_CLASS)
		layout.unit = UNIT_CLASSES;
	else if (view->variant == VARIANT_ONE_COIN || view->variant == VARIANT_MAJORITY)
		layout.unit = UNIT_COIN;
	return layout;
}

/* Up to here loops over classes are unrolled. */
#define SMALL_CLASSES 10

/*
 * 1 where label and class are the same.  For few classes a product with 1 or 0 is
 * exact, and costs less than a branch that is taken now and then.
 */
extern const double em_same[SMALL_CLASSES][SMALL_CLASSES];

static pg_attribute_always_inline double
em_choose(double same, double right, double wrong)
{
	return same * right + (1 - same) * wrong;
}

/* Add the values of all classes.  All loads come before all stores, so that the compiler may use vectors. */
static pg_attribute_always_inline void
em_add_cells(double *to, const double *values, const uint32 classes)
{
	double		sum[SMALL_CLASSES];

	if (classes <= SMALL_CLASSES)
	{
		for (uint32 k = 0; k < classes; k++)
			sum[k] = to[k] + values[k];
		for (uint32 k = 0; k < classes; k++)
			to[k] = sum[k];
	}
	else
		for (uint32 k = 0; k < classes; k++)
			to[k] += values[k];
}

/* Calls a function whose last argument is the number of classes as a copy made for it. */
#define FOR_CLASSES(classes, function, ...) \
	switch (classes) \
	{ \
		case 2: function(__VA_ARGS__, 2); break; \
		case 3: function(__VA_ARGS__, 3); break; \
		case 4: function(__VA_ARGS__, 4); break; \
		case 5: function(__VA_ARGS__, 5); break; \
		case 6: function(__VA_ARGS__, 6); break; \
		case 7: function(__VA_ARGS__, 7); break; \
		case 8: function(__VA_ARGS__, 8); break; \
		case 9: function(__VA_ARGS__, 9); break; \
		case 10: function(__VA_ARGS__, 10); break; \
		default: function(__VA_ARGS__, classes); \
	}

/* Multiply the weights of an item's classes by the rates of an answer. */
static pg_attribute_always_inline void
em_answer_multiply(EmUnit unit, uint32 own, const double *restrict rates, const uint32 classes,
				   uint32 annotator, uint32 label, double *restrict weight)
{
	if (unit_is_matrix(unit))
	{
		const double *p = rates + em_cell(classes, unit == UNIT_COMMON ? 0 : annotator, label, 0);

		for (uint32 k = 0; k < classes; k++)
			weight[k] *= p[k];
	}
	else if (unit == UNIT_CLASSES)
	{
		const double *p = rates + 2 * (Size) annotator * classes;

		if (classes <= SMALL_CLASSES)
			for (uint32 k = 0; k < classes; k++)
				weight[k] *= em_choose(em_same[label][k], p[k], p[classes + k]);
		else
			for (uint32 k = 0; k < classes; k++)
				weight[k] *= k == label ? p[k] : p[classes + k];
	}
	else
	{
		const double *p = rates + 2 * (Size) (annotator & own);
		double		right = p[0];
		double		wrong = p[1];

		if (classes <= SMALL_CLASSES)
			for (uint32 k = 0; k < classes; k++)
				weight[k] *= em_choose(em_same[label][k], right, wrong);
		else
			for (uint32 k = 0; k < classes; k++)
				weight[k] *= k == label ? right : wrong;
	}
}

/* The rate of an answer if "truth" is the class. */
static inline double
em_answer_rate(EmLayout layout, const double *rates, uint32 classes, uint32 annotator,
			   uint32 label, uint32 truth)
{
	Size		j = annotator & layout.own;

	switch (layout.unit)
	{
		case UNIT_MATRIX:
		case UNIT_COMMON:
			return rates[em_cell(classes, layout.unit == UNIT_COMMON ? 0 : j, label, truth)];
		case UNIT_CLASSES:
			return rates[2 * j * classes + (label == truth ? 0 : classes) + truth];
		case UNIT_COIN:
			break;
	}
	return rates[2 * j + (label == truth ? 0 : 1)];
}

/*
 * The probability of all classes but one, which is small where that one is near
 * certain; "top" is the most likely class, and "rest" that of all others.
 */
static pg_attribute_always_inline double
em_all_but(const double *posterior, const uint32 classes, uint32 label, uint32 top, double rest)
{
	if (classes <= SMALL_CLASSES)
		return em_choose(em_same[top][label], rest, 1 - posterior[label]);
	return label == top ? rest : 1 - posterior[label];
}

/* The most likely class; "rest" becomes the sum of all others. */
static pg_attribute_always_inline uint32
em_top(const double *posterior, const uint32 classes, double *rest)
{
	uint32		top = 0;
	double		others[SMALL_CLASSES];
	double		sum = 0;

	for (uint32 k = 1; k < classes; k++)
		top = posterior[k] > posterior[top] ? k : top;
	if (classes <= SMALL_CLASSES)
	{
		for (uint32 k = 0; k < classes; k++)
			others[k] = posterior[k];
		others[top] = 0;
		for (uint32 k = 0; k < classes; k++)
			sum += others[k];
	}
	else
	{
		for (uint32 k = 0; k < top; k++)
			sum += posterior[k];
		for (uint32 k = top + 1; k < classes; k++)
			sum += posterior[k];
	}
	*rest = sum;
	return top;
}

/* Add to the counts what an answer with this posterior says. */
static inline void
em_answer_count(EmLayout layout, double *counts, uint32 classes, uint32 annotator,
				uint32 label, const double *posterior, uint32 top, double rest)
{
	Size		j = annotator & layout.own;
	double	   *c;

	switch (layout.unit)
	{
		case UNIT_MATRIX:
		case UNIT_COMMON:
			c = counts + em_cell(classes, layout.unit == UNIT_COMMON ? 0 : j, label, 0);
			for (uint32 k = 0; k < classes; k++)
				c[k] += posterior[k];
			break;
		case UNIT_CLASSES:
			c = counts + 2 * j * classes;
			for (uint32 k = 0; k < classes; k++)
				c[(k == label ? 0 : classes) + k] += posterior[k];
			break;
		case UNIT_COIN:
			c = counts + 2 * j;
			c[0] += posterior[label];
			c[1] += em_all_but(posterior, classes, label, top, rest);
			break;
	}
}

#endif							/* NL_EM_ANSWER_H */
