/*
 * design.c
 *		From collected rows to a design; see design.h.
 *
 * Memory: the matrix is put in order in place; beside it 4 bytes a row, and
 * for a moment the keys' 16.  Interrupts: every block of rows.
 */
#include "design.h"

#include <math.h>

#define INTERRUPT_BLOCK 1024

Size
design_memory(const TrainingSet *set, uint32 folds)
{
	Size		size = mul_size(set->x.n, sizeof(uint32) + 1 + sizeof(RowKey));
	Size		per_fold = add_size(mul_size(set->x.width, 4), set->labels->n);

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
		count[2 * (fold ? fold[i] : 0) + !is_used(d->set, keys[i].row)]++;
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

		d->source[count[2 * (fold ? fold[i] : 0) + !is_used(d->set, row)]++] = row;
	}
	pfree(count);
}

static void
add_classes(Design *d, uint32 f, uint32 i)
{
	const TrainingSet *set = d->set;
	double	   *class_weight = d->class_weight + (Size) f * d->classes;
	uint32		row = d->source[i];
	double		w = design_weight(d, i);

	d->weight[f] += w;
	if (!set->soft)
		class_weight[set->label[row]] += w;
	else
		for (uint32 t = target_begin(set, row); t < set->target_end[row]; t++)
			class_weight[set->target_label[t]] += w * set->target_p[t];
}

/*
 * Means are sums of differences from a row that occurs, so that the mean of a
 * constant is that constant, to the bit.
 */
static void
find_means(Design *d)
{
	uint32		width = d->x->width;
	const double *origin = NULL;
	double		weight = 0;

	for (uint32 f = 0; f < d->folds; f++)
	{
		for (uint32 i = d->start[f]; i < d->used[f]; i++)
		{
			const double *row = feature_row(d->x, i);
			double		w = design_weight(d, i);

			if (origin == NULL)
				origin = row;

			if (i % INTERRUPT_BLOCK == 0)
				CHECK_FOR_INTERRUPTS();
			add_classes(d, f, i);
			for (uint32 j = 1; j < width; j++)
				d->mean[j] += w * (row[j] - origin[j]);
		}
		weight += d->weight[f];
	}
	d->mean[0] = 0;
	for (uint32 j = 1; j < width; j++)
		d->mean[j] = weight > 0 ? origin[j] + d->mean[j] / weight : 0;
}

/* Centre a row of fold f and, if it is used, add it to the fold's moments. */
static void
centre_row(Design *d, uint32 f, uint32 i)
{
	uint32		width = d->x->width;
	double	   *row = feature_row(d->x, i);
	double	   *sum = d->sum + (Size) f * width;
	double	   *square = d->square + (Size) f * width;
	double	   *min = d->min + (Size) f * width;
	double	   *max = d->max + (Size) f * width;
	double		w = design_weight(d, i);

	for (uint32 j = 1; j < width; j++)
		row[j] -= d->mean[j];
	if (i >= d->used[f])
		return;
	for (uint32 j = 1; j < width; j++)
	{
		double		wx = w * row[j];

		sum[j] += wx;
		square[j] += wx * row[j];
		min[j] = Min(min[j], row[j]);
		max[j] = Max(max[j], row[j]);
	}
}

static void
check_spread(const Design *d)
{
	for (Size i = 0; i < (Size) d->folds * d->x->width; i++)
		if (!isfinite(d->square[i]))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("values of feature %u are too large",
							(uint32) (i % d->x->width)),
					 errhint("Their squares must be finite numbers: divide the feature by a constant.")));
}

/*
 * Orders and centres the set's matrix in place.  The keys are freed.  "fold":
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
	d->class_weight = palloc0(Max((Size) folds * d->classes, 1) * sizeof(double));
	d->sum = nl_alloc_zero(CurrentMemoryContext, cells * sizeof(double));
	d->square = nl_alloc_zero(CurrentMemoryContext, cells * sizeof(double));
	d->min = nl_alloc(CurrentMemoryContext, cells * sizeof(double));
	d->max = nl_alloc(CurrentMemoryContext, cells * sizeof(double));
	for (Size i = 0; i < cells; i++)
	{
		d->min[i] = INFINITY;
		d->max[i] = -INFINITY;
	}
	order_rows(d, keys, fold);
	pfree(keys);
	feature_matrix_permute(d->x, d->source);
	find_means(d);
	for (uint32 f = 0; f < folds; f++)
		for (uint32 i = d->start[f]; i < d->start[f + 1]; i++)
		{
			if (i % INTERRUPT_BLOCK == 0)
				CHECK_FOR_INTERRUPTS();
			centre_row(d, f, i);
		}
	check_spread(d);
	return d;
}
