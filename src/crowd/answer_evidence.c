/*
 * answer_evidence.c
 *		The evidence on each answer's item: a prediction of its class, which has not
 *		seen the answer, and what the annotators' answers say.
 *
 *		evidence(k) ~ predicted(k) * product over the item's answers of pi_j[l|k]
 *
 * The annotators' rates pi_j are learned from the evidence T, in rounds, by soft counts
 * C_j[l,k] = sum of T(k) over the answers l of annotator j; that is EM with the
 * prediction as each item's own prior.  It begins with answers of annotators of whom
 * nothing is known, right as often as the rule's pseudo-answers (first_exponent()).  By
 * the predictions alone, which may know little, annotators would look as if they guessed,
 * and rounds could not find out otherwise.  From counts to rates: the default's rule
 * (em_rule.h), which draws them to what a crowd's annotator of such accuracy has.  Since
 * the prior of an item does not come from its answers, items with one answer teach as
 * well.
 *
 * Answers of one annotator to one item are one voice.  While rates are learned
 * voices count in full; what is reported of n voices is their likelihood to the
 * power of design_exponent(), with the correlation that is assumed where gold does
 * not say (em_correlation.h).  The prediction is never tempered.
 *
 * Sums are exact (exact_sum.h) and logarithms whole numbers, so that the evidence
 * depends neither on the order of the rows nor on names.
 *
 * Memory: beside the set 8 bytes for each row and class, 8 for each item and class,
 * 12 to 16 a row.  No matrices are kept: rates are made for one annotator at a
 * time, for the labels that he gives.  Interrupts: in all loops over rows.
 */
#include "crowd/answer_evidence.h"

#include <math.h>

#include "crowd/em_correlation.h"
#include "crowd/em_rule.h"
#include "math/exact_sum.h"

#define UNITS 4611686018427387904.0	/* 2^62, of counts */
#define LOG_UNIT 68719476736.0	/* 2^36, of logarithms */

typedef struct Evidence
{
	const PredictionSet *set;
	Size		classes;
	uint32		annotators;
	uint32		items;			/* 0 where each row is one */
	double	   *evidence;		/* n * K */
	uint32	   *row;			/* rows by annotator, then item */
	uint32	   *start;			/* annotators + 1 */
	uint32	   *repeats;		/* n: answers that are one voice; NULL: 1 */
	uint32	   *voices;			/* items */
	int64	   *score;			/* items * K */

	/* of the present round */
	double	   *pool;			/* K * K, by label and class; fixed in the first */
	double	   *errors;			/* K */
	double	   *ease;			/* K */
	double	   *now;			/* K * K */

	/* of the present annotator */
	ExactSum   *count;			/* K * K, by label and class */
	ExactSum   *n;				/* K */
	double	   *answers;		/* K: the same as a number */
	double	   *right;			/* K: how often an annotator like him is right */
	bool	   *gives;			/* K labels */
	int64	   *log_rate;		/* K * K */
} Evidence;

/* Beside the set. */
Size
answer_evidence_memory(const PredictionSet *set)
{
	Size		classes = set->stride;
	Size		size = mul_size(set->n, classes * sizeof(double) + 4 * sizeof(uint32));

	if (set->items != NULL)
		size = add_size(size, mul_size(set->items->n, classes * sizeof(int64) + sizeof(uint32)));
	size = add_size(size, mul_size(set->annotators->n, sizeof(uint32)));
	return add_size(size, mul_size(mul_size(classes, classes), 2 * sizeof(ExactSum) + 3 * sizeof(double)));
}

/* "from" (NULL: as they come) sorted by codes; equal ones keep their order. */
static uint32 *
sort_rows(const uint32 *from, const uint32 *code, uint32 n, uint32 codes, uint32 **start)
{
	uint32	   *to = nl_alloc(CurrentMemoryContext, mul_size(n, sizeof(uint32)));
	uint32	   *at = nl_alloc_zero(CurrentMemoryContext, mul_size((Size) codes + 2, sizeof(uint32)));

	/* at[c + 1] is where the next row of code c goes, and so at last its end */
	for (uint32 i = 0; i < n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		at[code[i] + 2]++;
	}
	for (uint32 c = 2; c <= codes; c++)
	{
		NL_CHECK_INTERRUPTS(c);
		at[c] += at[c - 1];
	}
	for (uint32 i = 0; i < n; i++)
	{
		uint32		row = from == NULL ? i : from[i];

		NL_CHECK_INTERRUPTS(i);
		to[at[code[row] + 1]++] = row;
	}
	*start = at;
	return to;
}

/* Which answers are one voice, and how many voices items have. */
static void
share_voices(Evidence *e)
{
	const PredictionSet *set = e->set;
	uint32		to;

	e->repeats = nl_alloc(CurrentMemoryContext, mul_size(set->n, sizeof(uint32)));
	e->voices = nl_alloc_zero(CurrentMemoryContext, mul_size(e->items, sizeof(uint32)));
	for (uint32 from = 0; from < set->n; from = to)
	{
		uint32		first = e->row[from];

		for (to = from + 1; to < set->n; to++)
			if (set->item[e->row[to]] != set->item[first] ||
				set->annotator[e->row[to]] != set->annotator[first])
				break;
		NL_CHECK_INTERRUPTS(from);
		e->voices[set->item[first]]++;
		for (uint32 i = from; i < to; i++)
			e->repeats[e->row[i]] = to - from;
	}
}

static Evidence *
begin(const PredictionSet *set)
{
	Evidence   *e = palloc0(sizeof(Evidence));
	Size		cells = (Size) set->stride * set->stride;
	Size		size = mul_size(mul_size(set->n, set->stride), sizeof(double));
	uint32	   *by_item = NULL;

	e->set = set;
	e->classes = set->stride;
	e->annotators = set->annotators->n;
	e->items = set->items != NULL ? set->items->n : 0;
	e->evidence = nl_alloc(CurrentMemoryContext, size);
	if (set->items != NULL)
	{
		uint32	   *start;

		by_item = sort_rows(NULL, set->item, set->n, e->items, &start);
		pfree(start);
		e->score = nl_alloc_zero(CurrentMemoryContext, mul_size(mul_size(e->items, e->classes), sizeof(int64)));
	}
	e->row = sort_rows(by_item, set->annotator, set->n, e->annotators, &e->start);
	if (by_item != NULL)
	{
		pfree(by_item);
		share_voices(e);
	}
	e->pool = nl_alloc(CurrentMemoryContext, cells * sizeof(double));
	e->now = nl_alloc(CurrentMemoryContext, cells * sizeof(double));
	e->errors = palloc(e->classes * sizeof(double));
	e->ease = palloc(e->classes * sizeof(double));
	e->count = nl_alloc_zero(CurrentMemoryContext, cells * sizeof(ExactSum));
	e->n = palloc0(e->classes * sizeof(ExactSum));
	e->answers = palloc(e->classes * sizeof(double));
	e->right = palloc(e->classes * sizeof(double));
	e->gives = palloc0(e->classes);
	e->log_rate = nl_alloc(CurrentMemoryContext, cells * sizeof(int64));
	return e;
}

static void
end(Evidence *e)
{
	void	   *of_rows[] = {e->row, e->start, e->repeats, e->voices, e->score,
		e->pool, e->now, e->count, e->log_rate};

	for (int i = 0; i < (int) lengthof(of_rows); i++)
		if (of_rows[i] != NULL)
			pfree(of_rows[i]);
}

/* Add what a row's evidence says of its label. */
static inline void
count_row(const Evidence *e, uint32 row, ExactSum *count, ExactSum *n)
{
	const double *t = e->evidence + row * e->classes;
	double		units = e->repeats == NULL ? UNITS : UNITS / e->repeats[row];

	for (Size k = 0; k < e->classes; k++)
	{
		/* below 2^63, where a conversion takes one instruction */
		ExactSum	x = {0, (uint64) (int64) (t[k] * units + 0.5)};

		exact_sum_add(&count[k], &x);
		if (n != NULL)
			exact_sum_add(&n[k], &x);
	}
}

static inline double
count_value(const ExactSum *count)
{
	return exact_sum_value(count) / UNITS;
}

/* How the crowd answers, by the present evidence. */
static void
learn_crowd(Evidence *e, bool first)
{
	Size		cells = e->classes * e->classes;

	for (uint32 i = 0; i < e->set->n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		count_row(e, i, e->count + e->set->label[i] * e->classes, NULL);
	}
	for (Size c = 0; c < cells; c++)
	{
		NL_CHECK_INTERRUPTS(c);
		e->now[c] = count_value(&e->count[c]);
		e->count[c] = (ExactSum) {0, 0};
	}
	rule_pool_rates(e->now, e->classes, 0);
	rule_ease(e->now, e->classes, 0, e->ease);
	if (!first)
		return;
	memcpy(e->pool, e->now, cells * sizeof(double));
	rule_errors(e->pool, e->classes, 0, e->errors);
}

/* What the counts of an annotator say of how often he is right. */
static void
judge_annotator(Evidence *e)
{
	Size		classes = e->classes;
	double		q = 0;
	double		logit_q;

	for (Size k = 0; k < classes; k++)
	{
		Size		right = k * classes + k;

		e->answers[k] = count_value(&e->n[k]);
		q += rule_own_rate(count_value(&e->count[right]), e->answers[k], e->pool[right]) / classes;
	}
	logit_q = rule_logit(q);
	for (Size k = 0; k < classes; k++)
		e->right[k] = rule_right(q, logit_q, e->ease[k], classes);
}

/* The logarithms of his rates of a label. */
static void
make_rates(Evidence *e, Size label)
{
	for (Size k = 0; k < e->classes; k++)
	{
		Size		c = label * e->classes + k;
		double		own = rule_own_rate(count_value(&e->count[c]), e->answers[k], e->pool[c]);

		e->log_rate[c] = rint(LOG_UNIT * log(rule_rate(own, label == k, e->right[k], e->pool[c], e->errors[k])));
	}
}

static void
learn_annotator(Evidence *e, uint32 annotator)
{
	Size		classes = e->classes;

	for (uint32 i = e->start[annotator]; i < e->start[annotator + 1]; i++)
	{
		uint32		label = e->set->label[e->row[i]];

		NL_CHECK_INTERRUPTS(i);
		e->gives[label] = true;
		count_row(e, e->row[i], e->count + label * classes, e->n);
	}
	judge_annotator(e);
	for (Size label = 0; label < classes; label++)
		if (e->gives[label])
		{
			CHECK_FOR_INTERRUPTS();
			make_rates(e, label);
			memset(e->count + label * classes, 0, classes * sizeof(ExactSum));
		}
	memset(e->n, 0, classes * sizeof(ExactSum));
	memset(e->gives, 0, classes);
}

/*
 * The evidence of a row from what answers say; where its prediction rules out all
 * that they leave, the prediction.
 */
static void
set_evidence(Evidence *e, uint32 row, const int64 *score, double exponent)
{
	const double *p = prediction_row(e->set, row);
	double	   *t = e->evidence + row * e->classes;
	int64		max = PG_INT64_MIN;
	double		sum = 0;

	for (Size k = 0; k < e->classes; k++)
		if (p[k] > 0)
			max = Max(max, score[k]);
	for (Size k = 0; k < e->classes; k++)
	{
		t[k] = p[k] > 0 ? p[k] * exp((score[k] - max) / LOG_UNIT * exponent) : 0;
		sum += t[k];
	}
	for (Size k = 0; k < e->classes; k++)
		t[k] = sum > 0 ? t[k] / sum : p[k];
}

/* Each answer by itself. */
static void
judge_rows(Evidence *e, uint32 annotator, double exponent)
{
	for (uint32 i = e->start[annotator]; i < e->start[annotator + 1]; i++)
	{
		uint32		row = e->row[i];

		NL_CHECK_INTERRUPTS(i);
		set_evidence(e, row, e->log_rate + e->set->label[row] * e->classes, exponent);
	}
}

/* What an annotator says of items. */
static void
add_scores(Evidence *e, uint32 annotator)
{
	for (uint32 i = e->start[annotator]; i < e->start[annotator + 1]; i++)
	{
		uint32		row = e->row[i];
		double		share = 1.0 / e->repeats[row];
		const int64 *log_rate = e->log_rate + e->set->label[row] * e->classes;
		int64	   *score = e->score + e->set->item[row] * e->classes;

		NL_CHECK_INTERRUPTS(i);
		for (Size k = 0; k < e->classes; k++)
			score[k] += share == 1 ? log_rate[k] : (int64) rint(log_rate[k] * share);
	}
}

static void
judge_items(Evidence *e, double (*exponent) (double voices, double correlation),
			double correlation)
{
	for (uint32 i = 0; i < e->set->n; i++)
	{
		uint32		item = e->set->item[i];

		NL_CHECK_INTERRUPTS(i);
		set_evidence(e, i, e->score + item * e->classes,
					 exponent(e->voices[item], correlation));
	}
}

/*
 * The power of answers by annotators of whom nothing is known yet, beside a prediction:
 * half.  Whether they or the prediction are wrong is what the rounds will tell, and who
 * is believed at first is hard to doubt later.
 */
static double
first_exponent(double voices, double correlation)
{
	return design_exponent(voices, correlation) / 2;
}

/* The evidence where nothing is known of annotators. */
static void
begin_evidence(Evidence *e)
{
	for (Size label = 0; label < e->classes; label++)
		for (Size k = 0; k < e->classes; k++)
		{
			NL_CHECK_INTERRUPTS(k);
			e->log_rate[label * e->classes + k] =
				rint(LOG_UNIT * log(rule_pseudo_rate(label, k, e->classes)));
		}
	for (uint32 j = 0; j < e->annotators; j++)
		if (e->score == NULL)
			judge_rows(e, j, first_exponent(1, ASSUMED_CORRELATION));
		else
			add_scores(e, j);
	if (e->score != NULL)
		judge_items(e, first_exponent, ASSUMED_CORRELATION);
}

/*
 * For each row of a finished set with annotators the evidence on its class, n * K;
 * in the current context.
 */
double *
answer_evidence(const PredictionSet *set, int rounds)
{
	Evidence   *e = begin(set);

	begin_evidence(e);
	for (int round = 0; round < rounds; round++)
	{
		learn_crowd(e, round == 0);
		if (e->score != NULL)
			nl_clear(e->score, mul_size(e->items, e->classes * sizeof(int64)));
		for (uint32 j = 0; j < e->annotators; j++)
		{
			learn_annotator(e, j);
			if (e->score == NULL)
				judge_rows(e, j, 1);
			else
				add_scores(e, j);
		}
		if (e->score != NULL)
			judge_items(e, design_exponent, round == rounds - 1 ? ASSUMED_CORRELATION : 0);
	}
	end(e);
	return e->evidence;
}
