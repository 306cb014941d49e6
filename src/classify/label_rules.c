/*
 * label_rules.c
 *		Which labels are issues, and how good each is: cleanlab's rules
 *		(cleanlab.filter.find_label_issues, cleanlab.rank).
 *
 * prune_by_noise_rate flags, for each label i and class j, as many rows with label
 * i as the confident joint has of (j, i): those with the largest p_j - p_i.
 * prune_by_class flags of each label the rows with the smallest p_i, as many as the
 * joint has off its diagonal.  A label keeps one row at least.  Whatever the
 * filter, a row is no issue whose label is the most probable class, within 1e-6.
 *
 * Of rows with equal margins that which is flagged is decided by all that the rows
 * have, so that the order in which they come does not matter; cleanlab leaves it
 * to its sort.
 *
 * Memory: 12 bytes a row and a matrix over the classes.  Interrupts: in all loops
 * over rows.
 */
#include "classify/confident_joint.h"

#include <math.h>

#define SLACK 1e-6				/* cleanlab's FLOATING_POINT_COMPARISON */
#define MIN_CLIPPED 1e-6		/* and CLIPPING_LOWER_BOUND */

const char *const issue_filter_names[] = {
	"prune_by_noise_rate", "prune_by_class", "both", "confident_learning",
	"predicted_neq_given", NULL
};

const char *const issue_score_names[] = {
	"self_confidence", "normalized_margin", "confidence_weighted_entropy", NULL
};

/* A row, and by how much it is doubtful. */
typedef struct Doubt
{
	double		margin;
	uint32		row;
} Doubt;

/* The rows of each label, one label after the other. */
typedef struct ByLabel
{
	const PredictionSet *set;
	uint32	   *start;			/* classes + 1 */
	uint32	   *doubted;		/* where those end that have a more probable class */
	uint32	   *row;
	Doubt	   *doubts;			/* room for all rows */
	bool	   *flags;
} ByLabel;

Size
issue_memory(uint32 rows, uint32 classes)
{
	return add_size(mul_size(rows, sizeof(bool) + sizeof(uint32) + sizeof(Doubt)),
					mul_size(mul_size(classes, classes), 2 * sizeof(double)));
}

/* Is another class more probable than the label? */
static inline bool
is_doubted(const PredictionSet *set, uint32 row)
{
	const double *p = prediction_row(set, row);
	double		own = p[set->label[row]];
	uint32		k = 0;

	while (k < set->stride && p[k] <= own)
		k++;
	return k < set->stride;
}

/* The doubted rows of a label come first. */
static void
sort_by_label(ByLabel *by, uint32 classes)
{
	const PredictionSet *set = by->set;
	uint32	   *end = palloc(classes * sizeof(uint32));

	by->start = palloc0((classes + 1) * sizeof(uint32));
	by->doubted = palloc(classes * sizeof(uint32));
	by->row = nl_alloc(CurrentMemoryContext, mul_size(set->n, sizeof(uint32)));
	by->doubts = nl_alloc(CurrentMemoryContext, mul_size(set->n, sizeof(Doubt)));
	for (uint32 i = 0; i < set->n; i++)
		by->start[set->label[i] + 1]++;
	for (uint32 k = 0; k < classes; k++)
	{
		by->doubted[k] = by->start[k];
		by->start[k + 1] += by->start[k];
		end[k] = by->start[k + 1];
	}
	for (uint32 i = 0; i < set->n; i++)
	{
		uint32		label = set->label[i];

		NL_CHECK_INTERRUPTS(i);
		by->row[is_doubted(set, i) ? by->doubted[label]++ : --end[label]] = i;
	}
	pfree(end);
}

/* The more doubtful first. */
static inline bool
comes_before(const PredictionSet *set, const Doubt *a, const Doubt *b)
{
	int			order;

	if (a->margin != b->margin)
		return a->margin > b->margin;
	order = prediction_compare(set, a->row, b->row);
	return order != 0 ? order < 0 : a->row < b->row;
}

/*
 * Bring the "wanted" most doubtful to the front (Hoare's selection; the pivots are
 * drawn, so that no order of rows is a bad one).
 */
static void
select_doubts(const PredictionSet *set, Doubt *d, uint32 n, uint32 wanted)
{
	Size		from = 0;
	Size		to = n;
	uint64		random = 1;

	while (to - from > 1 && wanted > from && wanted < to)
	{
		Doubt		pivot;
		Size		i = from;
		Size		j = to - 1;

		random = random * UINT64CONST(6364136223846793005) + UINT64CONST(1442695040888963407);
		pivot = d[from + (random >> 33) % (to - from)];
		CHECK_FOR_INTERRUPTS();
		for (;;)
		{
			Doubt		swap;

			for (; comes_before(set, &d[i], &pivot); i++)
				NL_CHECK_INTERRUPTS(i);
			for (; comes_before(set, &pivot, &d[j]); j--)
				NL_CHECK_INTERRUPTS(j);
			if (i >= j)
				break;
			swap = d[i];
			d[i++] = d[j];
			d[j--] = swap;
		}
		/* what is before i comes no later than the pivot, what is after j no sooner */
		if (wanted <= j)
			to = i == j ? j : j + 1;
		else
			from = j + 1;
	}
}

/* The doubts of rows from..end, those above "least" alone; returns how many. */
static uint32
list_doubts(const ByLabel *by, uint32 own, int64 toward, uint32 from, uint32 end, double least)
{
	uint32		n = 0;

	for (uint32 i = from; i < end; i++)
	{
		uint32		row = by->row[i];
		const double *p = prediction_row(by->set, row);
		double		margin = (toward < 0 ? 0 : p[toward]) - p[own];

		NL_CHECK_INTERRUPTS(i);
		if (margin > least)
			by->doubts[n++] = (Doubt) {margin, row};
	}
	return n;
}

/*
 * Flag the rows of a label whose "toward" exceeds "own" most; or with the least "own".
 * Where it exceeds it in enough rows, others need not be looked at.
 */
static void
flag_most(const ByLabel *by, uint32 own, int64 toward, uint32 wanted)
{
	uint32		start = by->start[own];
	uint32		n = toward < 0 ? 0 : list_doubts(by, own, toward, start, by->doubted[own], 0);

	if (n < wanted)
		n = list_doubts(by, own, toward, start, by->start[own + 1], -INFINITY);
	wanted = Min(wanted, n);
	select_doubts(by->set, by->doubts, n, wanted);
	for (uint32 i = 0; i < wanted; i++)
		by->flags[by->doubts[i].row] = true;
}

/*
 * How many rows to flag by class and label: the joint, but a label keeps one row,
 * which the other cells of its column pay for.
 */
static void
keep_one_of_each(ConfidentJoint *cj)
{
	Size		classes = cj->classes;

	for (Size label = 0; label < classes; label++)
	{
		double		kept = Max(cj->joint[label * classes + label], 1);
		double		missing = kept - cj->joint[label * classes + label];
		uint32		cells = 0;

		CHECK_FOR_INTERRUPTS();
		for (Size k = 0; k < classes; k++)
			cells += cj->joint[k * classes + label] != 0;
		missing /= cells > 2 ? cells - 1 : 1;
		for (Size k = 0; k < classes; k++)
		{
			double	   *cell = &cj->joint[k * classes + label];

			*cell = k == label ? kept : floor(Max(*cell - missing, 0));
		}
	}
}

static void
prune_by_noise_rate(const ByLabel *by, const ConfidentJoint *cj)
{
	for (uint32 label = 0; label < cj->classes; label++)
	{
		if (by->start[label + 1] - by->start[label] <= 1)
			continue;
		for (uint32 k = 0; k < cj->classes; k++)
		{
			double		wanted = cj->joint[(Size) k * cj->classes + label];

			CHECK_FOR_INTERRUPTS();
			if (k != label && wanted > 0)
				flag_most(by, label, k, wanted);
		}
	}
}

static void
prune_by_class(const ByLabel *by, const ConfidentJoint *cj)
{
	for (uint32 label = 0; label < cj->classes; label++)
	{
		double		n = by->start[label + 1] - by->start[label];
		double		wanted = n - cj->joint[(Size) label * cj->classes + label];

		if (n > 1 && wanted >= 1)
			flag_most(by, label, -1, wanted);
	}
}

static void
prune(const PredictionSet *set, const ConfidentJoint *cj, IssueFilter filter, bool *flags)
{
	ByLabel		by = {.set = set,.flags = flags};

	sort_by_label(&by, cj->classes);
	if (filter != PRUNE_BY_CLASS)
		prune_by_noise_rate(&by, cj);
	if (filter != PRUNE_BY_NOISE_RATE)
	{
		by.flags = filter == PRUNE_BOTH ? nl_alloc_zero(CurrentMemoryContext, set->n) : flags;
		prune_by_class(&by, cj);
		for (uint32 i = 0; filter == PRUNE_BOTH && i < set->n; i++)
			flags[i] &= by.flags[i];
		if (filter == PRUNE_BOTH)
			pfree(by.flags);
	}
	pfree(by.start);
	pfree(by.doubted);
	pfree(by.row);
	pfree(by.doubts);
}

/* The most probable class, where the label has an advantage; the first of equals. */
static uint32
top_class(const double *p, uint32 classes, uint32 label, double advantage)
{
	uint32		top = 0;
	double		best = -1;

	for (uint32 k = 0; k < classes; k++)
	{
		double		value = k == label ? p[k] + advantage : p[k];

		if (value > best)
		{
			best = value;
			top = k;
		}
	}
	return top;
}

/* Of a finished set, which has rows; in the current context. */
bool *
issue_flags(const PredictionSet *set, IssueFilter filter)
{
	bool	   *flags = nl_alloc_zero(CurrentMemoryContext, set->n);
	uint32		classes = set->stride;
	ConfidentJoint *cj = filter == PREDICTED_NEQ_GIVEN ? NULL : confident_joint_make(set);

	if (filter == PRUNE_BY_NOISE_RATE || filter == PRUNE_BY_CLASS || filter == PRUNE_BOTH)
	{
		keep_one_of_each(cj);
		prune(set, cj, filter, flags);
	}
	for (uint32 i = 0; i < set->n; i++)
	{
		const double *p = prediction_row(set, i);
		uint32		label = set->label[i];

		NL_CHECK_INTERRUPTS(i);
		if (filter == CONFIDENT_LEARNING)
		{
			uint32		guess = confident_guess(cj, p);

			flags[i] = guess != NO_GUESS && guess != label;
		}
		else if (filter == PREDICTED_NEQ_GIVEN)
			flags[i] = true;
		if (flags[i])
			flags[i] = top_class(p, classes, label, SLACK) != label;
	}
	return flags;
}

/* How good a label is; false: with one class that is not defined. */
bool
issue_score(IssueScore score, const double *p, uint32 classes, uint32 label, double *quality)
{
	double		other = 0;
	double		entropy = 0;

	*quality = p[label];
	if (score == SELF_CONFIDENCE)
		return true;
	for (uint32 k = 0; k < classes; k++)
	{
		if (k != label)
			other = Max(other, p[k]);
		if (p[k] > 0)
			entropy -= p[k] * log(p[k]);
	}
	if (score == NORMALIZED_MARGIN)
		*quality = (p[label] - other + 1) / 2;
	else
	{
		double		weighted = entropy / log(classes) / Max(p[label], MIN_CLIPPED);

		*quality = log(weighted + 1) / Max(weighted, MIN_CLIPPED);
	}
	return classes > 1;
}
