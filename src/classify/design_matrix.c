/*
 * design_matrix.c
 *		From collected rows to a design; see design_matrix.h.
 *
 * Moments.  A model's rows are those of several folds, and the fold that it does
 * not see may hold what would drown them.  So each fold has its own mean, and
 * squares about that (Chan, Golub & LeVeque, Am. Statistician 37, 1983): two
 * passes over the rows.  The mean of values that are all the same is the value.
 *
 * Memory: the matrix is put in order in place, targets and weights by a copy;
 * beside it 4 bytes a row, and for a moment the keys' 16; for each fold four
 * numbers a feature, and one for each feature and class.  Interrupts: every
 * row.
 */
#include "classify/design_matrix.h"

#include <float.h>
#include <math.h>

Size
design_memory(const TrainingSet *set, uint32 folds)
{
	Size		size = mul_size(set->x.n, sizeof(uint32) + 1 + sizeof(RowKey));
	Size		per_fold = mul_size(set->x.width, add_size(set->labels->n, 4));

	size = add_size(size, mul_size(set->targets_capacity,
								   sizeof(uint32) + sizeof(double)));
	return add_size(size, mul_size(mul_size(folds, per_fold), sizeof(double)));
}

static bool
is_used(const TrainingSet *set, uint32 row)
{
	return has_target(set, row) && (set->weight == NULL || set->weight[row] > 0);
}

/* Deal the rows, in canonical order, to folds, used ones first. */
static void
order_rows(Design *d, const RowKey *keys, const uint8 *fold)
{
	uint32	   *count = palloc0((Size) d->folds * 2 * sizeof(uint32));
	uint32		at = 0;

	for (uint32 i = 0; i < d->n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		count[2 * (fold ? fold[i] : 0) + !is_used(d->set, keys[i].row)]++;
	}
	for (uint32 f = 0; f < d->folds; f++)
	{
		d->start[f] = at;
		d->used[f] = at + count[2 * f];
		at = d->used[f] + count[2 * f + 1];
		count[2 * f] = d->start[f];
		count[2 * f + 1] = d->used[f];
	}
	d->start[d->folds] = at;
	for (uint32 i = 0; i < d->n; i++)
	{
		uint32		row = keys[i].row;

		NL_CHECK_INTERRUPTS(i);
		d->source[count[2 * (fold ? fold[i] : 0) + !is_used(d->set, row)]++] = row;
	}
	pfree(count);
}

/* Sums of a fold's rows, as they were collected; the sums are "centre". */
static void
add_row(Design *d, uint32 f, uint32 i)
{
	uint32		width = d->x->width;
	const double *restrict row = feature_row(d->x, i);
	double	   *restrict sum = d->centre + (Size) f * width;
	double	   *restrict min = d->min + (Size) f * width;
	double	   *restrict max = d->max + (Size) f * width;
	double		w = design_weight(d, i);

	for (uint32 j = 0; j < width; j++)
	{
		sum[j] += w * row[j];
		min[j] = Min(min[j], row[j]);
		max[j] = Max(max[j], row[j]);
	}
}

/* The mean of values of which the least and the greatest are known. */
static double
mean_of(double sum, double weight, double min, double max)
{
	if (min == max)
		return min;
	return weight > 0 ? sum / weight : 0;
}

/*
 * From sums to what is taken from the features, and the folds' means after.  That
 * is the mean of the fold where the feature has the least range, so that a value
 * far off does not move the others far off, too.
 */
static void
find_means(Design *d)
{
	uint32		width = d->x->width;

	for (uint32 j = 1; j < width; j++)
	{
		double		least = INFINITY;

		CHECK_FOR_INTERRUPTS();	/* a number of each fold is far from the next */
		for (Size f = 0; f < d->folds; f++)
		{
			Size		at = f * width + j;

			if (!(d->weight[f] > 0))
				continue;
			d->centre[at] = mean_of(d->centre[at], d->weight[f], d->min[at], d->max[at]);
			if (d->max[at] - d->min[at] < least || least == INFINITY)
			{
				least = d->max[at] - d->min[at];
				d->mean[j] = d->centre[at];
			}
		}
		for (Size f = 0; f < d->folds; f++)
		{
			Size		at = f * width + j;

			if (!(d->weight[f] > 0))
				continue;
			d->centre[at] -= d->mean[j];
			d->min[at] -= d->mean[j];
			d->max[at] -= d->mean[j];
		}
	}
}

/* Centre a row of fold f and, if it is used, add it to the fold's moments. */
static void
centre_row(Design *d, uint32 f, uint32 i, double *restrict rest)
{
	uint32		width = d->x->width;
	double	   *restrict row = feature_row(d->x, i);
	const double *restrict mean = d->mean;
	const double *restrict centre = d->centre + (Size) f * width;
	double	   *restrict square = d->square + (Size) f * width;
	double		w = design_weight(d, i);

	for (uint32 j = 1; j < width; j++)
		row[j] -= mean[j];
	if (i >= d->used[f])
	{
		/* it may lie anywhere, and infinity times a coefficient of 0 is NaN */
		for (uint32 j = 1; j < width; j++)
			row[j] = Max(Min(row[j], DBL_MAX), -DBL_MAX);
		return;
	}
	for (uint32 j = 1; j < width; j++)
	{
		double		v = row[j] - centre[j];

		rest[j] += w * v;
		square[j] += w * v * v;
	}
}

static void
add_scaled(const double *restrict row, double w, uint32 width, double *restrict sum)
{
	for (uint32 j = 0; j < width; j++)
		sum[j] += w * row[j];
}

/* Of the classes that an answer may have been given to, by their likelihood. */
static void
add_answer(Design *d, const double *row, double w, const double *rates, double *sum)
{
	double		total = 0;

	for (uint32 k = 0; k < d->classes; k++)
		total += rates[k];
	for (uint32 k = 0; k < d->classes && total > 0; k++)
		if (rates[k] > 0)
		{
			CHECK_FOR_INTERRUPTS();
			add_scaled(row, w * (rates[k] / total), d->x->width, sum + (Size) k * d->x->width);
		}
}

/* Add a used row, centred, to the sums of its classes. */
static void
add_classes(Design *d, uint32 f, uint32 i)
{
	const TrainingSet *set = d->set;
	const double *row = feature_row(d->x, i);
	Size		width = d->x->width;
	double	   *sum = d->class_sum + f * d->classes * width;
	double		w = design_weight(d, i);

	if (set->rates != NULL)
		for (uint32 t = 0; t < target_count(set, i); t++)
			add_answer(d, row, w * target_share(set, i, t),
					   answer_rates(set, target_code(set, i, t)), sum);
	else if (!set->soft)
		add_scaled(row, w, width, sum + set->label[i] * width);
	else
		for (uint32 t = target_begin(set, i); t < set->target_end[i]; t++)
		{
			CHECK_FOR_INTERRUPTS();	/* each may have many features */
			add_scaled(row, w * set->target_p[t], width,
					   sum + set->target_label[t] * width);
		}
}

/* What rounding left of a fold's deviations from its mean goes to the mean. */
static void
correct_means(Design *d, uint32 f, double *rest)
{
	uint32		width = d->x->width;

	for (uint32 j = 1; j < width && d->weight[f] > 0; j++)
	{
		Size		at = (Size) f * width + j;
		double		shift = rest[j] / d->weight[f];

		d->centre[at] += shift;
		d->square[at] = Max(d->square[at] - shift * rest[j], 0);
	}
	memset(rest, 0, width * sizeof(double));
}

static void
add_rows(Design *d)
{
	for (uint32 f = 0; f < d->folds; f++)
		for (uint32 i = d->start[f]; i < d->used[f]; i++)
		{
			CHECK_FOR_INTERRUPTS();
			d->weight[f] += design_weight(d, i);
			add_row(d, f, i);
		}
}

static void
centre_rows(Design *d)
{
	double	   *rest = palloc0(d->x->width * sizeof(double));

	for (uint32 f = 0; f < d->folds; f++)
	{
		for (uint32 i = d->start[f]; i < d->start[f + 1]; i++)
		{
			CHECK_FOR_INTERRUPTS();
			centre_row(d, f, i, rest);
			if (i < d->used[f])
				add_classes(d, f, i);
		}
		correct_means(d, f, rest);
	}
	pfree(rest);
}

/*
 * The set has other rates, or other shares of its targets: sum the classes anew.
 * Which rows have targets and weights above 0 must be as before, and the weights.
 */
void
design_retarget(Design *d)
{
	nl_clear(d->class_sum, mul_size(mul_size(d->folds, d->x->width),
									Max(d->classes, 1) * sizeof(double)));
	for (uint32 f = 0; f < d->folds; f++)
		for (uint32 i = d->start[f]; i < d->used[f]; i++)
		{
			CHECK_FOR_INTERRUPTS();
			add_classes(d, f, i);
		}
}

/* NaN and infinity of any sum above end up here. */
static void
check_spread(const Design *d)
{
	uint32		width = d->x->width;

	for (uint32 j = 1; j < width; j++)
	{
		double		square = 0;

		CHECK_FOR_INTERRUPTS();
		for (Size f = 0; f < d->folds; f++)
		{
			double		centre = d->centre[f * width + j];

			square += d->square[f * width + j] + d->weight[f] * centre * centre;
		}
		if (!isfinite(square))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("values of feature %u are too large", j),
					 errhint("Their squares must be finite numbers: divide the feature by a constant.")));
	}
}

/*
 * Orders the set and centres its matrix in place.  The keys are freed.  "fold":
 * by place in canonical order, or NULL for one fold.
 */
Design *
design_make(TrainingSet *set, RowKey *keys, const uint8 *fold, uint32 folds)
{
	Design	   *d = palloc0(sizeof(Design));
	Size		cells = mul_size(folds, set->x.width);

	d->set = set;
	d->x = &set->x;
	d->n = set->x.n;
	d->classes = set->labels->n;
	d->folds = folds;
	d->start = palloc0((folds + 1) * sizeof(uint32));
	d->used = palloc0(folds * sizeof(uint32));
	d->source = nl_alloc(CurrentMemoryContext, mul_size(d->n, sizeof(uint32)));
	d->mean = palloc0(set->x.width * sizeof(double));
	d->weight = palloc0(folds * sizeof(double));
	d->class_sum = nl_alloc_zero(CurrentMemoryContext,
								 mul_size(mul_size(cells, Max(d->classes, 1)),
										  sizeof(double)));
	d->centre = nl_alloc_zero(CurrentMemoryContext, cells * sizeof(double));
	d->square = nl_alloc_zero(CurrentMemoryContext, cells * sizeof(double));
	d->min = nl_alloc(CurrentMemoryContext, cells * sizeof(double));
	d->max = nl_alloc(CurrentMemoryContext, cells * sizeof(double));
	for (Size i = 0; i < cells; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		d->min[i] = INFINITY;
		d->max[i] = -INFINITY;
	}
	order_rows(d, keys, fold);
	pfree(keys);
	training_set_permute(set, d->source);
	add_rows(d);
	find_means(d);
	centre_rows(d);
	check_spread(d);
	return d;
}
