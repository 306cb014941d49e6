/*
 * crowdlab.c
 *		CROWDLAB as cleanlab 2 has it
 *		(cleanlab.multiannotator.get_label_quality_multiannotator).
 *
 * Of a consensus, first the majority's (its ties: see break_tie()):
 *
 *	P		mean share of answers that agree with it, over items on which two
 *			annotators met
 *	s_j		how often annotator j agrees with another on an item; who met nobody
 *			has the mean of the rest
 *	e		error of always saying the most frequent consensus class; 1e-6 at least
 *	w_j		1 - (1 - s_j) / e; 1e-6 at least
 *	w		1 - (error of the classifier's top class) / e, 1e-6 at least, times the
 *			root of the mean number of answers of an item
 *	posterior(k) = (w predicted(k) + sum over answers l of w_j (k = l ? P :
 *			(1 - P) / (K - 1))) / (w + sum of w_j)
 *
 * The final consensus is the top of that, the majority's where the top is not one
 * class; then the weights and posteriors are made again of it.
 *
 * Where no two annotators met nothing of this is defined, and cleanlab refuses.
 * Then an item's posterior is its prediction, and the consensus its majority.
 * Answers of one annotator to one item, of which cleanlab knows one, all count, but
 * do not agree with each other.
 *
 * Rows are taken in order of their contents, so that no sum depends on how they
 * came.  Interrupts: in all loops over rows and items.
 */
#include "crowd/crowdlab.h"

#include <math.h>

#include "math/ordering.h"
#include "utils/float.h"

#define MIN_CLIPPED 1e-6		/* cleanlab's CLIPPING_LOWER_BOUND */

Size
crowdlab_memory(const PredictionSet *set)
{
	return add_size(add_size(mul_size(set->n, 2 * sizeof(uint32)),
							 mul_size(set->items->n, 2 * sizeof(uint32) + 2 * sizeof(double) + 1)),
					mul_size(set->annotators->n, 2 * sizeof(double) + 2 * sizeof(uint32) +
							 sizeof(CrowdlabAnnotator)));
}

static inline uint32
answers_of(const Crowdlab *c, uint32 item)
{
	return c->start[item + 1] - c->start[item];
}

/* One after the last row, from "from" on, of the same annotator and item. */
static uint32
end_of_annotator(const Crowdlab *c, uint32 from, uint32 end)
{
	uint32		to = from + 1;

	while (to < end && c->set->annotator[c->row[to]] == c->set->annotator[c->row[from]])
		to++;
	return to;
}

/* An item has one prediction, as its rows repeat it. */
static void
check_predictions(const Crowdlab *c, uint32 item)
{
	const double *first = prediction_row(c->set, c->row[c->start[item]]);

	for (uint32 i = c->start[item] + 1; i < c->start[item + 1]; i++)
		if (memcmp(first, prediction_row(c->set, c->row[i]), c->classes * sizeof(double)) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("crowdlab() got different predictions for item \"%.*s\"",
							dictionary_get(c->set->items, item).len,
							dictionary_get(c->set->items, item).s),
					 errhint("Give each row of an item the same: oof_predict(label, features, item) where its features are equal, or avg(predicted) of the item.")));
}

static void
find_items(Crowdlab *c)
{
	const PredictionSet *set = c->set;
	uint32		item = 0;

	for (uint32 i = 0; i < set->n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		while (item <= set->item[c->row[i]])
			c->start[item++] = i;
	}
	c->start[c->items] = set->n;
	for (item = 0; item < c->items; item++)
	{
		NL_CHECK_INTERRUPTS(item);
		check_predictions(c, item);
		c->shared[item] = end_of_annotator(c, c->start[item], c->start[item + 1]) < c->start[item + 1];
		c->overlap |= c->shared[item];
	}
}

/* How often each label was given, to an item. */
static void
count_labels(const Crowdlab *c, uint32 item, uint32 *count)
{
	memset(count, 0, c->classes * sizeof(uint32));
	for (uint32 i = c->start[item]; i < c->start[item + 1]; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		count[c->set->label[c->row[i]]]++;
	}
}

/*
 * The majority
 */

/* The labels that remain of a tie, at first those with the most answers. */
typedef struct Tie
{
	uint32		n;
	uint16		label[NL_MAX_CLASSES];
	double		value[NL_MAX_CLASSES];	/* by which they are compared */
} Tie;

static void
keep_largest(Tie *tie)
{
	double		largest = tie->value[0];
	uint32		kept = 0;

	for (uint32 t = 1; t < tie->n; t++)
		largest = Max(largest, tie->value[t]);
	for (uint32 t = 0; t < tie->n; t++)
		if (tie->value[t] == largest)
			tie->label[kept++] = tie->label[t];
	if (kept > 0)
		tie->n = kept;
}

static void
find_majority(const uint32 *count, uint32 classes, Tie *tie)
{
	tie->n = 0;
	for (uint32 k = 0; k < classes; k++)
		if (count[k] > 0)
		{
			tie->value[tie->n] = count[k];
			tie->label[tie->n++] = k;
		}
	keep_largest(tie);
}

/* The mean agreement with the majorities that were clear, of who gave a label. */
static double
mean_agreement(const Crowdlab *c, uint32 item, uint32 label, const double *agrees)
{
	double		sum = 0;
	uint32		n = 0;

	for (uint32 i = c->start[item]; i < c->start[item + 1]; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (c->set->label[c->row[i]] == label)
		{
			sum += agrees[c->set->annotator[c->row[i]]];
			n++;
		}
	}
	return sum / n;
}

/*
 * A tie goes to what the prediction finds more probable; else to the label that is
 * given less often; else to those who agree more with clear majorities; else, where
 * cleanlab draws lots, to the first.
 */
static uint32
break_tie(const Crowdlab *c, uint32 item, const double *frequency, const double *agrees, Tie *tie)
{
	const double *p = prediction_row(c->set, c->row[c->start[item]]);

	for (int step = 0; step < 3 && tie->n > 1; step++)
	{
		for (uint32 t = 0; t < tie->n; t++)
			tie->value[t] = step == 0 ? p[tie->label[t]] :
				step == 1 ? -frequency[tie->label[t]] :
				mean_agreement(c, item, tie->label[t], agrees);
		keep_largest(tie);
	}
	return tie->label[0];
}

/* How often each annotator has said the consensus, of the items that are "of". */
static double *
agreement_with_consensus(const Crowdlab *c, const bool *of)
{
	double	   *right = palloc0(c->annotators * sizeof(double));
	double	   *n = palloc0(c->annotators * sizeof(double));

	for (uint32 item = 0; item < c->items; item++)
	{
		NL_CHECK_INTERRUPTS(item);
		for (uint32 i = c->start[item]; i < c->start[item + 1] && of[item]; i++)
		{
			uint32		annotator = c->set->annotator[c->row[i]];

			right[annotator] += c->set->label[c->row[i]] == c->consensus[item];
			n[annotator]++;
		}
	}
	for (uint32 j = 0; j < c->annotators; j++)
		right[j] = n[j] > 0 ? right[j] / n[j] : get_float8_nan();
	pfree(n);
	return right;
}

/* Those who have none get the mean of the rest. */
static void
fill_undefined(double *values, uint32 n)
{
	double		sum = 0;
	uint32		defined = 0;

	for (uint32 j = 0; j < n; j++)
		if (!isnan(values[j]))
		{
			sum += values[j];
			defined++;
		}
	for (uint32 j = 0; j < n; j++)
		if (isnan(values[j]) && defined > 0)
			values[j] = sum / defined;
}

static void
vote(Crowdlab *c)
{
	uint32	   *count = palloc(c->classes * sizeof(uint32));
	double	   *frequency = palloc0(c->classes * sizeof(double));
	bool	   *clear = nl_alloc_zero(CurrentMemoryContext, c->items);
	Tie		   *tie = palloc(sizeof(Tie));
	double	   *agrees;

	for (uint32 item = 0; item < c->items; item++)
	{
		NL_CHECK_INTERRUPTS(item);
		count_labels(c, item, count);
		find_majority(count, c->classes, tie);
		c->consensus[item] = tie->label[0];
		clear[item] = tie->n == 1;
		for (uint32 k = 0; k < c->classes; k++)
			frequency[k] += count[k];
	}
	agrees = agreement_with_consensus(c, clear);
	fill_undefined(agrees, c->annotators);
	for (uint32 item = 0; item < c->items; item++)
	{
		NL_CHECK_INTERRUPTS(item);
		if (clear[item])
			continue;
		count_labels(c, item, count);
		find_majority(count, c->classes, tie);
		c->consensus[item] = break_tie(c, item, frequency, agrees, tie);
	}
	pfree(clear);
	pfree(agrees);
	pfree(tie);
}

/*
 * Weights
 */

/* How often each annotator agrees with another. */
static void
meet(Crowdlab *c)
{
	uint32	   *count = palloc(c->classes * sizeof(uint32));
	double	   *agreed = palloc0(c->annotators * sizeof(double));
	double	   *met = palloc0(c->annotators * sizeof(double));

	for (uint32 item = 0; item < c->items; item++)
	{
		uint32		end = c->start[item + 1];
		uint32		to;

		NL_CHECK_INTERRUPTS(item);
		if (!c->shared[item])
			continue;
		count_labels(c, item, count);
		for (uint32 from = c->start[item]; from < end; from = to)
		{
			uint32		annotator = c->set->annotator[c->row[from]];

			to = end_of_annotator(c, from, end);
			for (uint32 i = from; i < to; i++)
				count[c->set->label[c->row[i]]]--;
			for (uint32 i = from; i < to; i++)
			{
				agreed[annotator] += count[c->set->label[c->row[i]]];
				met[annotator] += answers_of(c, item) - (to - from);
			}
			for (uint32 i = from; i < to; i++)
				count[c->set->label[c->row[i]]]++;
		}
	}
	for (uint32 j = 0; j < c->annotators; j++)
		c->meets[j] = met[j] > 0 ? agreed[j] / met[j] : get_float8_nan();
	fill_undefined(c->meets, c->annotators);
	pfree(count);
	pfree(agreed);
	pfree(met);
}

static void
set_agreement(Crowdlab *c)
{
	for (uint32 item = 0; item < c->items; item++)
	{
		uint32		agree = 0;

		NL_CHECK_INTERRUPTS(item);
		for (uint32 i = c->start[item]; i < c->start[item + 1]; i++)
			agree += c->set->label[c->row[i]] == c->consensus[item];
		c->agreement[item] = (double) agree / answers_of(c, item);
	}
}

static inline double
relative(double error, double base)
{
	return Max(1 - error / base, MIN_CLIPPED);
}

/* What the present consensus says of annotators and classifier. */
static void
weigh(Crowdlab *c)
{
	double	   *of_class = palloc0(c->classes * sizeof(double));
	double		agreement = 0;
	double		shared = 0;
	double		errors = 0;
	double		base;

	set_agreement(c);
	if (!c->overlap)
		return;
	for (uint32 item = 0; item < c->items; item++)
	{
		NL_CHECK_INTERRUPTS(item);
		if (!c->shared[item])
			continue;
		shared++;
		agreement += c->agreement[item];
		of_class[c->consensus[item]]++;
		errors += first_of_largest(prediction_row(c->set, c->row[c->start[item]]), c->classes) !=
			c->consensus[item];
	}
	c->likelihood = agreement / shared;
	base = Max((shared - of_class[first_of_largest(of_class, c->classes)]) / shared, MIN_CLIPPED);
	for (uint32 j = 0; j < c->annotators; j++)
		c->weight[j] = relative(1 - c->meets[j], base);
	c->model_weight = relative(errors / shared, base) * sqrt((double) c->set->n / c->items);
	pfree(of_class);
}

void
crowdlab_posterior(const Crowdlab *c, uint32 item, double *posterior)
{
	const double *p = prediction_row(c->set, c->row[c->start[item]]);
	double		other = c->classes > 1 ? (1 - c->likelihood) / (c->classes - 1) : 0;
	double		total = 0;

	if (!c->overlap)
	{
		memcpy(posterior, p, c->classes * sizeof(double));
		return;
	}
	for (uint32 k = 0; k < c->classes; k++)
		posterior[k] = p[k] * c->model_weight;
	for (uint32 i = c->start[item]; i < c->start[item + 1]; i++)
	{
		double		weight = c->weight[c->set->annotator[c->row[i]]];
		uint32		label = c->set->label[c->row[i]];

		NL_CHECK_INTERRUPTS(i);
		total += weight;
		for (uint32 k = 0; k < c->classes; k++)
			posterior[k] += weight * (k == label ? c->likelihood : other);
	}
	total += c->model_weight;
	for (uint32 k = 0; k < c->classes; k++)
		posterior[k] /= total;
}

/* The top of the posteriors, where it is one class. */
static void
choose(Crowdlab *c)
{
	double	   *posterior = palloc(c->classes * sizeof(double));

	for (uint32 item = 0; item < c->items && c->overlap; item++)
	{
		uint32		top;
		uint32		equal = 0;

		NL_CHECK_INTERRUPTS(item);
		crowdlab_posterior(c, item, posterior);
		top = first_of_largest(posterior, c->classes);
		for (uint32 k = 0; k < c->classes; k++)
			equal += posterior[k] == posterior[top];
		if (equal == 1)
			c->consensus[item] = top;
	}
	pfree(posterior);
}

/* Of a finished set, which has rows; in the current context. */
Crowdlab *
crowdlab_make(const PredictionSet *set)
{
	Crowdlab   *c = palloc0(sizeof(Crowdlab));
	double	   *posterior;

	c->set = set;
	c->classes = set->stride;
	c->items = set->items->n;
	c->annotators = set->annotators->n;
	c->row = prediction_set_order(set);
	c->start = nl_alloc(CurrentMemoryContext, mul_size((Size) c->items + 1, sizeof(uint32)));
	c->shared = nl_alloc(CurrentMemoryContext, c->items);
	c->consensus = nl_alloc(CurrentMemoryContext, mul_size(c->items, sizeof(uint32)));
	c->agreement = nl_alloc(CurrentMemoryContext, mul_size(c->items, sizeof(double)));
	c->quality = nl_alloc(CurrentMemoryContext, mul_size(c->items, sizeof(double)));
	c->meets = nl_alloc(CurrentMemoryContext, mul_size(c->annotators, sizeof(double)));
	c->weight = nl_alloc(CurrentMemoryContext, mul_size(c->annotators, sizeof(double)));
	c->likelihood = c->model_weight = get_float8_nan();
	for (uint32 j = 0; j < c->annotators; j++)
		c->weight[j] = get_float8_nan();
	find_items(c);
	meet(c);
	vote(c);
	weigh(c);
	choose(c);
	weigh(c);
	posterior = palloc(c->classes * sizeof(double));
	for (uint32 item = 0; item < c->items; item++)
	{
		NL_CHECK_INTERRUPTS(item);
		crowdlab_posterior(c, item, posterior);
		c->quality[item] = posterior[c->consensus[item]];
	}
	pfree(posterior);
	return c;
}

/*
 * Annotators
 */

/* What an annotator's answers of one label are like. */
typedef struct OfLabel
{
	double		n;
	double		right;
	double		quality;		/* sum over the items of that of the consensus */
} OfLabel;

/*
 * The label that is least often the consensus when the annotator gives it; of
 * equals the one given most often; then that of the items with the surest consensus.
 */
static bool
is_worse(const OfLabel *a, const OfLabel *b)
{
	if (b->n == 0)
		return true;
	if (a->right / a->n != b->right / b->n)
		return a->right / a->n < b->right / b->n;
	if (a->n != b->n)
		return a->n > b->n;
	return a->quality / a->n > b->quality / b->n;
}

static uint32 *
rows_by_annotator(const Crowdlab *c, uint32 **start)
{
	uint32	   *row = nl_alloc(CurrentMemoryContext, mul_size(c->set->n, sizeof(uint32)));
	uint32	   *at = nl_alloc_zero(CurrentMemoryContext, mul_size((Size) c->annotators + 2, sizeof(uint32)));

	for (uint32 i = 0; i < c->set->n; i++)
		at[c->set->annotator[i] + 2]++;
	for (uint32 j = 2; j <= c->annotators; j++)
		at[j] += at[j - 1];
	for (uint32 i = 0; i < c->set->n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		row[at[c->set->annotator[c->row[i]] + 1]++] = c->row[i];
	}
	*start = at;
	return row;
}

static void
judge_annotator(const Crowdlab *c, const uint32 *row, uint32 n, const double *of_row,
				OfLabel *labels, CrowdlabAnnotator *a)
{
	double		right = 0;
	double		quality = 0;
	OfLabel		worst = {0};

	memset(labels, 0, c->classes * sizeof(OfLabel));
	for (uint32 i = 0; i < n; i++)
	{
		uint32		item = c->set->item[row[i]];
		uint32		label = c->set->label[row[i]];
		bool		agrees = label == c->consensus[item];

		NL_CHECK_INTERRUPTS(i);
		quality += of_row[row[i]];
		right += agrees;
		labels[label].n++;
		labels[label].right += agrees;
		labels[label].quality += c->quality[item];
	}
	for (uint32 k = 0; k < c->classes; k++)
		if (labels[k].n > 0 && is_worse(&labels[k], &worst))
		{
			worst = labels[k];
			a->worst_label = k;
		}
	a->annotations = n;
	a->agreement = right / n;
	a->quality = quality / n;
}

/* The posterior of each answer's label, by row. */
static double *
quality_of_rows(const Crowdlab *c)
{
	double	   *quality = nl_alloc(CurrentMemoryContext, mul_size(c->set->n, sizeof(double)));
	double	   *posterior = palloc(c->classes * sizeof(double));

	for (uint32 item = 0; item < c->items; item++)
	{
		NL_CHECK_INTERRUPTS(item);
		crowdlab_posterior(c, item, posterior);
		for (uint32 i = c->start[item]; i < c->start[item + 1]; i++)
			quality[c->row[i]] = posterior[c->set->label[c->row[i]]];
	}
	pfree(posterior);
	return quality;
}

/*
 * An annotator's quality: the mean quality of his labels, and his agreement with
 * the consensus where annotators met, by the weights of classifier and annotators.
 */
CrowdlabAnnotator *
crowdlab_annotators(const Crowdlab *c)
{
	CrowdlabAnnotator *result = nl_alloc(CurrentMemoryContext,
										 mul_size(c->annotators, sizeof(CrowdlabAnnotator)));
	OfLabel    *labels = palloc(c->classes * sizeof(OfLabel));
	double	   *of_row = quality_of_rows(c);
	double	   *agrees = agreement_with_consensus(c, c->shared);
	double		sum = 0;
	double		share;
	uint32	   *start;
	uint32	   *row = rows_by_annotator(c, &start);

	for (uint32 j = 0; j < c->annotators; j++)
		sum += c->weight[j];
	share = c->model_weight / (c->model_weight +
							   sum * ((double) c->set->n / c->items / c->annotators));
	for (uint32 j = 0; j < c->annotators; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		judge_annotator(c, row + start[j], start[j + 1] - start[j], of_row, labels, &result[j]);
		if (c->overlap)
			result[j].quality = share * result[j].quality + (1 - share) * agrees[j];
	}
	pfree(of_row);
	pfree(agrees);
	pfree(row);
	pfree(start);
	return result;
}
