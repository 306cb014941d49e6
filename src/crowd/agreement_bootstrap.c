/*
 * agreement_bootstrap.c
 *		Intervals of agreement by resampling items: as many as there are, with
 *		replacement, and of each resample the coefficients; the interval is between
 *		quantiles of these (Efron & Tibshirani 1993, chapter 13).
 *
 * A draw depends on the seed, the resample and the items in their canonical order, so
 * neither on the order of the rows nor on the plan.
 *
 * Memory: four bytes an item and a double for each resample and coefficient.
 * Interrupts: with the items drawn and read.
 */
#include "crowd/agreement.h"

#include <math.h>

#include "math/ordering.h"
#include "math/random.h"

#define DRAW_RESAMPLE UINT64CONST(0x61677265)

/* Where fewer resamples have a value, what is left tells too little. */
#define MIN_DEFINED 0.95

static double
quantile(const double *sorted, uint32 n, double q)
{
	double		at = q * (n - 1);
	uint32		below = (uint32) at;

	if (below + 1 >= n)
		return sorted[n - 1];
	return sorted[below] + (at - below) * (sorted[below + 1] - sorted[below]);
}

/* Those with an answer. */
static uint32 *
answered_items(const AnnotationView *view, uint32 *n)
{
	uint32	   *items = nl_alloc(CurrentMemoryContext, Max(view->items, 1) * sizeof(uint32));

	*n = 0;
	for (uint32 i = 0; i < view->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (view->starts[i] < view->starts[i + 1])
			items[(*n)++] = i;
	}
	return items;
}

static void
draw(uint32 *times, Size size, const uint32 *items, uint32 n, Random random)
{
	nl_clear(times, size);
	for (uint32 i = 0; i < n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		times[items[random_below(&random, n)]]++;
	}
}

/* An interval of one point says nothing. */
static Bounds
percentile_interval(double *values, uint32 n, uint32 resamples, double confidence)
{
	Bounds		bounds = {get_float8_nan(), get_float8_nan()};

	if (n < MIN_DEFINED * resamples)
		return bounds;
	qsort(values, n, sizeof(double), compare_doubles);
	if (values[0] < values[n - 1])
		bounds = (Bounds) {quantile(values, n, (1 - confidence) / 2),
			quantile(values, n, (1 + confidence) / 2)
		};
	return bounds;
}

void
agreement_bootstrap(AgreementReader *reader, const AgreementOptions *options,
					AgreementResult *result)
{
	uint32		resamples = options->resamples;
	Size		size = Max(reader->view->items, 1) * sizeof(uint32);
	uint32		items;
	uint32	   *answered;
	uint32	   *times;
	double	   *values[COEFFICIENTS];
	uint32		n[COEFFICIENTS] = {0};
	AgreementSums sums;
	AgreementChance chance;

	nl_check_memory(add_size(mul_size(2, size), mul_size(resamples, COEFFICIENTS * sizeof(double))),
					"the bootstrap of agreement()");
	answered = answered_items(reader->view, &items);
	times = nl_alloc(CurrentMemoryContext, size);
	sums_create(&sums, &chance, reader->scale->n);
	for (int c = 0; c < COEFFICIENTS; c++)
		values[c] = palloc(resamples * sizeof(double));
	for (uint32 b = 0; b < resamples; b++)
	{
		draw(times, size, answered, items, random_for(options->seed, DRAW_RESAMPLE, b, 0));
		sums_collect(reader, times, &sums);
		if (sums.pairable == 0)
			continue;
		chance_compute(reader, times, &sums, &chance);
		for (int c = 0; c < COEFFICIENTS; c++)
			if (chance.expected[c] > 0)
				values[c][n[c]++] = coefficient_of(&chance, c);
	}
	for (int c = 0; c < COEFFICIENTS; c++)
		if (result->unlike_items > 0 && result->pairable_items > 1)
			result->bounds[c] = percentile_interval(values[c], n[c], resamples, options->confidence);
}
