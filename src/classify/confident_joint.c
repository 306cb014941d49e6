/*
 * confident_joint.c
 *		The confident joint: counts of (class, given label), as estimated from rows
 *		whose class is predicted with confidence.
 *
 * These are the rules of cleanlab 2 (cleanlab.count.compute_confident_joint),
 * transposed:
 *
 *	t_k		mean probability of k over the rows whose label is k, 2e-6 at least;
 *			2 where there is none, so that nobody is confident of k
 *	a row is confident of k where p_k >= t_k - 1e-6; of several the most probable
 *			is its class, the first of equals
 *	counts of (class, label), the diagonal 1 at least; scaled so that the counts
 *			of a label are the rows that have it, and rounded to whole numbers with
 *			the same sum
 *
 * Where its sums could round otherwise than ours, it is followed: the sum of all
 * cells is numpy's, in pairs.  Means over rows are exact, so that they do not
 * depend on the order of the rows.  Of equal remainders cleanlab rounds up the one
 * that its sort has last, which is the last class here.
 *
 * Interrupts: in loops over rows, and for each row of a matrix.
 */
#include "classify/confident_joint.h"

#include <math.h>

#include "math/exact_sum.h"

#define SLACK 1e-6				/* cleanlab's FLOATING_POINT_COMPARISON */
#define MIN_THRESHOLD (2 * SLACK)
#define NO_THRESHOLD 2.0
#define UNITS 1237940039285380274899124224.0	/* 2^90 */

static void
set_thresholds(ConfidentJoint *cj, const PredictionSet *set)
{
	ExactSum   *sum = palloc0(cj->classes * sizeof(ExactSum));

	for (uint32 i = 0; i < set->n; i++)
	{
		uint32		label = set->label[i];
		ExactSum	p = exact_sum_of(prediction_row(set, i)[label] * UNITS);

		NL_CHECK_INTERRUPTS(i);
		exact_sum_add(&sum[label], &p);
		cj->given[label]++;
	}
	for (uint32 k = 0; k < cj->classes; k++)
		cj->threshold[k] = cj->given[k] == 0 ? NO_THRESHOLD :
			Max(exact_sum_value(&sum[k]) / UNITS / cj->given[k], MIN_THRESHOLD);
	pfree(sum);
}

/* The class of which a row is confident, or NO_GUESS. */
uint32
confident_guess(const ConfidentJoint *cj, const double *p)
{
	uint32		guess = NO_GUESS;
	uint32		top = 0;
	uint32		n = 0;

	for (uint32 k = 0; k < cj->classes; k++)
	{
		if (p[k] > p[top])
			top = k;
		if (p[k] >= cj->threshold[k] - SLACK)
		{
			if (n++ == 0)
				guess = k;
		}
	}
	return n > 1 ? top : guess;
}

static void
count_confident(ConfidentJoint *cj, const PredictionSet *set)
{
	Size		classes = cj->classes;

	for (uint32 i = 0; i < set->n; i++)
	{
		uint32		guess = confident_guess(cj, prediction_row(set, i));

		NL_CHECK_INTERRUPTS(i);
		if (guess != NO_GUESS)
			cj->joint[guess * classes + set->label[i]]++;
	}
	for (Size k = 0; k < classes; k++)
		cj->joint[k * classes + k] = Max(cj->joint[k * classes + k], 1);
}

/* The sum as numpy makes it, whose rounding decides ties between cells. */
static double
sum_in_pairs(const double *x, Size n)
{
	double		r[8];
	double		sum = 0;
	Size		i = 0;

	if (n > 128)
	{
		Size		half = n / 2 - n / 2 % 8;

		return sum_in_pairs(x, half) + sum_in_pairs(x + half, n - half);
	}
	if (n >= 8)
	{
		memcpy(r, x, sizeof(r));
		for (i = 8; i < n - n % 8; i++)
			r[i % 8] += x[i];
		sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
	}
	for (; i < n; i++)
		sum += x[i];
	return sum;
}

/* What a cell lost by rounding, and which it is. */
typedef struct Remainder
{
	double		lost;
	uint32		at;
} Remainder;

static int
compare_remainders(const void *a, const void *b, void *arg)
{
	const Remainder *x = a;
	const Remainder *y = b;

	(void) arg;
	if (x->lost != y->lost)
		return x->lost < y->lost ? -1 : 1;
	return x->at < y->at ? -1 : 1;
}

/* Round n numbers to whole ones, so that their sum is the rounded sum. */
static void
round_sum(double *x, Size n, Remainder *r)
{
	double		wanted = rint(sum_in_pairs(x, n));
	double		sum = 0;
	Size		changes;

	for (Size i = 0; i < n; i++)
	{
		double		whole = rint(x[i]);

		r[i] = (Remainder) {x[i] - whole, i};
		x[i] = whole;
		sum += whole;
	}
	qsort_arg(r, n, sizeof(Remainder), compare_remainders, NULL);
	while (sum != wanted)
	{
		changes = Min(fabs(wanted - sum), n);
		for (Size i = 0; i < changes; i++)
			x[sum < wanted ? r[n - 1 - i].at : r[i].at] += sum < wanted ? 1 : -1;
		sum += sum < wanted ? (double) changes : -(double) changes;
	}
}

/* As many counts of each label as there are rows with it. */
static void
calibrate(ConfidentJoint *cj, uint32 rows)
{
	Size		classes = cj->classes;
	double	   *column = palloc(classes * sizeof(double));
	Remainder  *remainders = palloc(classes * sizeof(Remainder));
	double		total;

	for (Size label = 0; label < classes; label++)
	{
		double		sum = 0;

		CHECK_FOR_INTERRUPTS();
		for (Size k = 0; k < classes; k++)
			sum += cj->joint[k * classes + label];
		for (Size k = 0; k < classes; k++)
			cj->joint[k * classes + label] = cj->joint[k * classes + label] / sum * cj->given[label];
	}
	total = sum_in_pairs(cj->joint, classes * classes);
	for (Size label = 0; label < classes; label++)
	{
		CHECK_FOR_INTERRUPTS();
		for (Size k = 0; k < classes; k++)
			column[k] = cj->joint[k * classes + label] / total * rows;
		round_sum(column, classes, remainders);
		for (Size k = 0; k < classes; k++)
			cj->joint[k * classes + label] = column[k];
	}
	pfree(column);
	pfree(remainders);
}

/* Of a finished set, which has rows; in the current context. */
ConfidentJoint *
confident_joint_make(const PredictionSet *set)
{
	ConfidentJoint *cj = palloc0(sizeof(ConfidentJoint));
	Size		classes = set->stride;
	Size		cells = mul_size(mul_size(classes, classes), sizeof(double));

	nl_check_memory_for(cells, "a confident joint", "merge classes",
						"It grows with the square of the number of classes, of which there are %zu.",
						classes);
	cj->classes = classes;
	cj->threshold = palloc(classes * sizeof(double));
	cj->given = palloc0(classes * sizeof(int64));
	cj->joint = nl_alloc_zero(CurrentMemoryContext, cells);
	set_thresholds(cj, set);
	count_confident(cj, set);
	calibrate(cj, set->n);
	return cj;
}
