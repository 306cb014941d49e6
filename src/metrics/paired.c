/*
 * paired.c
 *		Two predictions of the same items, compared by resampling items.
 *
 * Rows come as an annotation_set (see ANNOTATION_ROW_PAIR): the items of a resample bring
 * all their rows, so seeds and repeated rows of an item stay together.  A measure is
 * that of the f1_report of all rows.
 *
 *	1. Items with the same rows are one pattern; a resample draws as many items as there are and
 *	   counts how often each pattern came (Efron & Tibshirani 1993, sec. 6.2).  Items are in order of
 *	   their patterns, and draws are dealt to halves, quarters and so on of them, bit by bit of the
 *	   items' numbers, until a part has one pattern only.
 *	2. Of each resample, the difference of the measure and of each class' F1 is kept.
 *	3. With d the difference and d* that of a resample, the interval is symmetric, d +- the quantile of
 *	   |d* - d| (Hall, The Bootstrap and Edgeworth Expansion, 1992, sec. 3.5), and the p-value is
 *	   the share of resamples with |d* - d| >= |d|, so that both say the same.
 *	4. A class is harmed if its F1 falls by more than the margin, simultaneously for all classes: d + c s
 *	   is below minus the margin, s the standard error and c the quantile of the largest
 *	   |d* - d| / s (Westfall & Young 1993).
 *
 * So few items that differ that even a sign test of them, all one way, would show nothing
 * (5 at 5 %), show nothing here: resampling them would not know how little they are.
 *
 * A resample in which the measure is not defined says nothing and is left out.
 * Memory: 10 bytes a row of an item for a while, 8 for a resample and class.
 * Interrupts: in loops over items, draws and resamples.
 */
#include "metrics/paired.h"

#include <math.h>

#include "math/ordering.h"
#include "math/random.h"

#define BASELINE 0
#define CANDIDATE 1

/* numbers of the random draws; see random_for() */
#define PURPOSE_RESAMPLE 0x7061697265640001

/* One side's answers to an item: a cell of a matrix. */
typedef struct PairedCell
{
	uint32		cell;			/* truth * K + label */
	uint32		side;
} PairedCell;

typedef struct PairedData
{
	uint32		items;
	uint32	   *pattern;		/* by item; ordered by draw_all() */
	uint32		patterns;
	Size	   *start;			/* by pattern, and one beyond */
	PairedCell *cells;			/* of the patterns */
	uint32	   *drawn;			/* by pattern: how often */
	ConfusionMatrix *cm[2];
	Names		labels;
	uint32		classes;
} PairedData;

/* Differences of the resamples that are defined, of one measure. */
typedef struct Differences
{
	double		observed;
	double	   *resample;		/* NaN: undefined */
	double		error;			/* standard error; NaN with fewer than 2 */
} Differences;

/*
 * Reading.  "Annotators" are a side and a truth, "labels" are the predictions.
 */
typedef struct PairedCodes
{
	uint32	   *truth;			/* by annotator */
	uint32	   *side;
	uint32	   *label;			/* by label */
} PairedCodes;

/* Anybody may call the final function with an annotation_set. */
static NL_NORETURN void
not_a_comparison(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("this annotation_set is no state of paired_bootstrap()"),
			 errhint("Call the aggregate: paired_bootstrap(item, truth, baseline, candidate).")));
}

static PairedCodes
read_codes(const AnnotationView *view, PairedData *data)
{
	Dictionary *dict = dictionary_create(CurrentMemoryContext, "label", NL_MAX_CLASSES);
	uint32	   *order;
	uint32	   *rank;
	uint32		n = view->annotators.n;
	PairedCodes codes = {
		.truth = nl_alloc(CurrentMemoryContext, Max(n, 1) * sizeof(uint32)),
		.side = nl_alloc(CurrentMemoryContext, Max(n, 1) * sizeof(uint32)),
		.label = dictionary_add_names(dict, &view->labels)
	};

	for (uint32 a = 0; a < n; a++)
	{
		NameView	name = names_get(&view->annotators, a);

		if (name.len == 0 || (name.s[0] != 'b' && name.s[0] != 'c'))
			not_a_comparison();
		codes.side[a] = name.s[0] == 'b' ? BASELINE : CANDIDATE;
		codes.truth[a] = dictionary_add(dict, (NameView) {name.s + 1, name.len - 1});
	}
	order = dictionary_order(dict, ORDER_LABELS);
	rank = dictionary_rank(order, dict->n);
	for (uint32 a = 0; a < n; a++)
		codes.truth[a] = rank[codes.truth[a]];
	for (uint32 l = 0; l < view->labels.n; l++)
		codes.label[l] = rank[codes.label[l]];
	data->labels = dictionary_names(dict, order);
	data->classes = dict->n;
	return codes;
}

/* Put an item's cells behind those that are there; the number of them. */
static uint32
item_cells(const AnnotationView *view, const PairedCodes *codes, uint32 classes,
		   uint32 item, PairedCell *cells)
{
	uint32		n = 0;
	uint32		candidates = 0;

	for (uint32 a = view->starts[item]; a < view->starts[item + 1]; a++)
	{
		uint32		annotator = view->annotator[a];

		NL_CHECK_INTERRUPTS(a);
		cells[n++] = (PairedCell) {
			codes->truth[annotator] * classes + codes->label[view->label[a]], codes->side[annotator]
		};
		candidates += codes->side[annotator] == CANDIDATE;
	}
	if (n != 2 * candidates)
		not_a_comparison();
	return n;
}

/* The patterns of the items: equal cells, in the same order, since an item's annotations are sorted. */
static void
find_patterns(const AnnotationView *view, const PairedCodes *codes, PairedData *data)
{
	Dictionary *dict = dictionary_create(CurrentMemoryContext, "pattern", PG_INT32_MAX);
	Size		used = 0;

	data->cells = nl_alloc(CurrentMemoryContext, mul_size(Max(view->annotations, 1), sizeof(PairedCell)));
	data->pattern = nl_alloc(CurrentMemoryContext, mul_size(Max(view->items, 1), sizeof(uint32)));
	data->start = nl_alloc_zero(CurrentMemoryContext, mul_size(add_size(view->items, 1), sizeof(Size)));
	for (uint32 i = 0; i < view->items; i++)
	{
		uint32		n = item_cells(view, codes, data->classes, i, data->cells + used);
		NameView	bytes = {(char *) (data->cells + used), n * sizeof(PairedCell)};
		uint32		before = dict->n;

		NL_CHECK_INTERRUPTS(i);
		data->pattern[i] = dictionary_add(dict, bytes);
		if (dict->n > before)
			data->start[dict->n] = used += n;
	}
	data->patterns = dict->n;
	data->drawn = nl_alloc(CurrentMemoryContext, mul_size(Max(data->patterns, 1), sizeof(uint32)));
}

static PairedData
read_data(const AnnotationView *view)
{
	PairedData	data = {.items = view->items};
	PairedCodes codes = read_codes(view, &data);
	double	   *zeros = nl_alloc_zero(CurrentMemoryContext,
									  mul_size((Size) data.classes * data.classes, sizeof(double)));

	find_patterns(view, &codes, &data);
	for (int side = 0; side < 2; side++)
		data.cm[side] = confusion_matrix_make(&data.labels, zeros);
	return data;
}

/* Items that the two sides do not answer alike. */
static int64
count_differing(const PairedData *data)
{
	int64		differing = 0;

	for (uint32 p = 0; p < data->patterns; p++)
	{
		const PairedCell *cells = data->cells + data->start[p];
		Size		n = data->start[p + 1] - data->start[p];
		bool		alike = true;

		NL_CHECK_INTERRUPTS(p);
		/* the baseline's cells come first, in the same order */
		for (Size c = 0; c < n / 2; c++)
			alike = alike && cells[c].cell == cells[n / 2 + c].cell;
		differing += alike ? 0 : data->drawn[p];
	}
	return differing;
}

/*
 * The two matrices of the items as they are drawn.
 */
static void
fill_matrices(PairedData *data)
{
	for (int side = 0; side < 2; side++)
		memset(data->cm[side]->counts, 0, (Size) data->classes * data->classes * sizeof(double));
	for (uint32 p = 0; p < data->patterns; p++)
	{
		NL_CHECK_INTERRUPTS(p);
		for (Size c = data->start[p]; c < data->start[p + 1] && data->drawn[p] > 0; c++)
			data->cm[data->cells[c].side]->counts[data->cells[c].cell] += data->drawn[p];
	}
}

/* Each item once.  Which item has which pattern does not matter from here on. */
static void
draw_all(PairedData *data)
{
	uint32		i = 0;

	memset(data->drawn, 0, data->patterns * sizeof(uint32));
	for (uint32 j = 0; j < data->items; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		data->drawn[data->pattern[j]]++;
	}
	for (uint32 p = 0; p < data->patterns; p++)
		for (uint32 n = 0; n < data->drawn[p]; n++)
		{
			NL_CHECK_INTERRUPTS(i);
			data->pattern[i++] = p;
		}
}

/*
 * The bits that are set (Warren, Hacker's Delight, sec. 5-1); the server's own function
 * is another in each version.
 */
static inline uint32
bits_set(uint64 x)
{
	x -= (x >> 1) & UINT64CONST(0x5555555555555555);
	x = (x & UINT64CONST(0x3333333333333333)) + ((x >> 2) & UINT64CONST(0x3333333333333333));
	x = (x + (x >> 4)) & UINT64CONST(0x0f0f0f0f0f0f0f0f);
	return (x * UINT64CONST(0x0101010101010101)) >> 56;
}

/* How many of n fair coins show heads. */
static uint32
toss(Random *random, uint32 n)
{
	uint32		heads = 0;

	for (; n >= 64; n -= 64)
		heads += bits_set(random_next(random));
	return heads + (n > 0 ? bits_set(random_next(random) >> (64 - n)) : 0);
}

/* Below this, splitting costs more than drawing. */
#define FEW_DRAWS 24

/*
 * Deals n draws to the 2^bits items from "from" on, each as likely; returns how many went
 * beyond the last item.
 */
static uint32
deal(PairedData *data, Random *random, uint32 from, int bits, uint32 n)
{
	uint64		last = (uint64) from + (UINT64CONST(1) << bits) - 1;
	uint32		beyond = 0;
	uint32		right;

	CHECK_FOR_INTERRUPTS();
	if (n == 0 || from >= data->items)
		return n;
	if (last < data->items && data->pattern[from] == data->pattern[last])
	{
		data->drawn[data->pattern[from]] += n;
		return 0;
	}
	if (n < FEW_DRAWS)
	{
		for (uint32 i = 0; i < n; i++)
		{
			uint64		item = from + (random_next(random) >> (64 - bits));

			if (item < data->items)
				data->drawn[data->pattern[item]]++;
			else
				beyond++;
		}
		return beyond;
	}
	right = toss(random, n);
	return deal(data, random, from, bits - 1, n - right) +
		deal(data, random, from + (1U << (bits - 1)), bits - 1, right);
}

/* What goes beyond the last item is drawn again. */
static void
draw_resample(PairedData *data, Random *random)
{
	uint32		n = data->items;
	int			bits = 0;

	while (UINT64CONST(1) << bits < data->items)
		bits++;
	memset(data->drawn, 0, data->patterns * sizeof(uint32));
	while (n > 0)
		n = deal(data, random, 0, bits, n);
}

/*
 * The measures of both sides as drawn, and the differences into row "at" of the tables; F1 of a class
 * that only one side knows is 0 on the other.
 */
static void
measure(PairedData *data, const PairedOptions *options, double value[2],
		double *difference, double *f1)
{
	F1Scores	scores[2];

	fill_matrices(data);
	for (int side = 0; side < 2; side++)
	{
		scores[side] = f1_scores_make(data->cm[side], &data->labels);
		value[side] = f1_measure(&scores[side], options->metric);
	}
	*difference = value[CANDIDATE] - value[BASELINE];
	for (uint32 k = 0; k < data->classes && f1 != NULL; k++)
	{
		double		b = scores[BASELINE].classes[k].f1;
		double		c = scores[CANDIDATE].classes[k].f1;

		f1[k] = scores[BASELINE].classes[k].counts.support > 0 ? c - b : NAN;
	}
}

/*
 * Statistics of differences
 */
static double
standard_error(const Differences *d, int n, Size stride)
{
	double		sum = 0;
	double		squares = 0;
	int			defined = 0;

	for (int i = 0; i < n; i++)
	{
		double		off = d->resample[i * stride] - d->observed;

		if (isnan(off))
			continue;
		defined++;
		sum += off;
		squares += off * off;
	}
	if (defined < 2)
		return NAN;
	return sqrt(Max(squares - sum * sum / defined, 0) / (defined - 1));
}

/* The value that a share "level" of n does not exceed; sorts them. */
static double
upper_quantile(double *values, int n, double level)
{
	int			at = (int) ceil(level * (n + 1)) - 1;

	qsort(values, n, sizeof(double), compare_doubles);
	return values[Min(Max(at, 0), n - 1)];
}

/* Interval and p-value of the measure. */
static void
judge_measure(const Differences *d, const PairedOptions *options, PairedResult *result)
{
	double	   *off = palloc(options->resamples * sizeof(double));
	double		half;
	double		least;
	int			n = 0;
	int			beyond = 0;

	for (int i = 0; i < options->resamples; i++)
		if (!isnan(d->resample[i]))
		{
			off[n] = fabs(d->resample[i] - d->observed);
			beyond += off[n] >= fabs(d->observed) - 1e-12;
			n++;
		}
	result->difference = d->observed;
	if (n < 2 || isnan(d->observed))
		return;
	least = exp2(1 - (double) result->differing);
	result->p_value = Min(Max((1.0 + beyond) / (n + 1), least), 1);
	if (!(d->error > 0) || least > 1 - options->level)
		return;
	half = upper_quantile(off, n, options->level);
	result->low = d->observed - half;
	result->high = d->observed + half;
	result->detectable = 2.8 * d->error;
}

/* Which classes lose more than the margin, all of them looked at together. */
static void
judge_classes(Differences *class, const PairedOptions *options, PairedResult *result)
{
	uint32		classes = result->labels.n;
	double	   *largest = palloc0(options->resamples * sizeof(double));
	double		critical;

	for (uint32 k = 0; k < classes; k++)
	{
		Differences *d = &class[k];

		CHECK_FOR_INTERRUPTS();
		d->error = isnan(d->observed) ? NAN : standard_error(d, options->resamples, classes);
		for (int i = 0; i < options->resamples && d->error > 0; i++)
		{
			double		off = fabs(d->resample[(Size) i * classes] - d->observed) / d->error;

			if (off > largest[i])
				largest[i] = off;
		}
	}
	critical = upper_quantile(largest, options->resamples, options->level);
	for (uint32 k = 0; k < classes; k++)
	{
		result->harmed[k] = class[k].error > 0 &&
			class[k].observed + critical * class[k].error < -options->harm_margin;
		result->any_harmed = result->any_harmed || result->harmed[k];
	}
}

static void
resample(PairedData *data, const PairedOptions *options, double *differences, double *f1)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "resample", ALLOCSET_DEFAULT_SIZES);
	Random		random = random_for(options->seed, PURPOSE_RESAMPLE, 0, 0);

	for (int i = 0; i < options->resamples; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(scratch);
		double		value[2];

		CHECK_FOR_INTERRUPTS();
		draw_resample(data, &random);
		measure(data, options, value, &differences[i],
				f1 == NULL ? NULL : f1 + (Size) i * data->classes);
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
	}
	MemoryContextDelete(scratch);
}

/* Bytes for a comparison, beside the set. */
static Size
paired_memory(const AnnotationView *view, const PairedOptions *options, uint32 classes)
{
	Size		size = mul_size(view->annotations, 2 * sizeof(PairedCell));

	size = add_size(size, mul_size(view->items, 32));
	size = add_size(size, mul_size(mul_size(classes, classes), 6 * sizeof(double)));
	return add_size(size, mul_size(options->resamples, mul_size(classes + 3, sizeof(double))));
}

PairedResult
paired_compare(const AnnotationView *view, const PairedOptions *options)
{
	PairedData	data;
	PairedResult result = {
		.items = view->items,.n = view->annotations / 2,.low = NAN,.high = NAN,.p_value = NAN,.detectable = NAN
	};
	Differences whole;
	Differences *class;
	double	   *f1 = NULL;
	double		value[2];

	nl_check_memory(paired_memory(view, options, view->labels.n + view->annotators.n), "comparing predictions");
	data = read_data(view);
	result.labels = data.labels;
	result.harmed = palloc0(Max(data.classes, 1) * sizeof(bool));
	class = palloc0(Max(data.classes, 1) * sizeof(Differences));
	whole.resample = nl_alloc(CurrentMemoryContext, options->resamples * sizeof(double));
	if (options->harm == HARM_F1)
		f1 = nl_alloc(CurrentMemoryContext,
					  mul_size(mul_size(options->resamples + 1, Max(data.classes, 1)), sizeof(double)));

	draw_all(&data);
	result.differing = count_differing(&data);
	measure(&data, options, value, &whole.observed, f1);
	result.baseline = value[BASELINE];
	result.candidate = value[CANDIDATE];
	for (uint32 k = 0; k < data.classes && f1 != NULL; k++)
		class[k] = (Differences) {.observed = f1[k],.resample = f1 + data.classes + k};
	resample(&data, options, whole.resample, f1 == NULL ? NULL : f1 + data.classes);
	whole.error = standard_error(&whole, options->resamples, 1);
	judge_measure(&whole, options, &result);
	if (f1 != NULL)
		judge_classes(class, options, &result);
	return result;
}
