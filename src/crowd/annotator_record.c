/*
 * annotator_record.c
 *		What a model's counts say of each annotator: annotators().
 *
 * Nothing here is read from the matrices that the fit works with, which are drawn
 * toward the crowd's; annotator_cells() has the same counts.
 *
 *	accuracy	right answers, seen against the crowd (crowd_shrinkage.c).  Twice: by
 *				the counts, as if errors on one item were independent, and by what is
 *				reported of items, where they are as dependent as the model has it.
 *				The estimate is the first; the interval holds both intervals, since
 *				which of the two worlds it is the answers do not tell
 *	information, spammer score	of the shares of labels in the rows of the counts, of
 *				classes that are met: of which an answered item, or more, is expected
 *	worst error	the largest rate of annotator_cells() in these rows
 *
 * Two phases: each annotator's counts; then truth by truth the rows of all.
 *
 * Memory: a record of each annotator, one matrix of counts; in the second phase
 * a row of each annotator and the crowds of a row.  Interrupts: for each
 * annotator, and for each row of a matrix.
 */
#include "crowd/annotator_record.h"

#include <math.h>

#include "crowd/truth_rows.h"

/* What is left of the first phase for the crowds of accuracies. */
typedef struct Right
{
	RateEvidence *counted;		/* by annotator */
	RateEvidence *reported;
} Right;

/* One annotator's counts, K * K, label first, then shares of their truth's row. */
typedef struct Shares
{
	uint32		classes;
	double	   *cells;
	double	   *variances;
	double	   *rows;			/* K: sums of the counts */
} Shares;

static inline bool
is_met(double count)
{
	return count >= 1 - NL_TIE_TOLERANCE;
}

static void
load_counts(const AnnotatorModelView *model, uint32 annotator, Shares *s)
{
	annotator_model_counts(model, annotator, s->cells, s->variances);
	memset(s->rows, 0, s->classes * sizeof(double));
	for (Size label = 0; label < s->classes; label++)
	{
		CHECK_FOR_INTERRUPTS();
		for (Size k = 0; k < s->classes; k++)
			s->rows[k] += s->cells[label * s->classes + k];
	}
}

/*
 * How many answers are right.  Whether one is, is as uncertain as the truth: an
 * answer that is not right is wrong.
 */
static RateEvidence
right_answers(const Shares *s)
{
	RateEvidence e = {0};

	for (Size k = 0; k < s->classes; k++)
	{
		e.total += s->rows[k];
		e.count += s->cells[k * s->classes + k];
		e.unsure_both += s->variances[k * s->classes + k];
	}
	return e;
}

/* Counts become shares; of classes not met they become 0.  Returns how many are met. */
static uint32
take_shares(Shares *s)
{
	uint32		met = 0;

	for (Size k = 0; k < s->classes; k++)
		met += is_met(s->rows[k]);
	for (Size label = 0; label < s->classes; label++)
	{
		double	   *cell = s->cells + label * s->classes;

		CHECK_FOR_INTERRUPTS();
		for (Size k = 0; k < s->classes; k++)
			cell[k] = is_met(s->rows[k]) ? Min(cell[k] / s->rows[k], 1) : 0;
	}
	return met;
}

/*
 * Mutual information of truth and answer in bits, at the class prior among
 * classes that are met: what one answer tells about an item nothing is known of.
 */
static double
information(const Shares *s, uint32 met, const double *prior)
{
	double		bits = 0;
	double		total = 0;

	for (Size k = 0; k < s->classes; k++)
		total += is_met(s->rows[k]) ? prior[k] : 0;
	for (Size label = 0; label < s->classes && total > 0; label++)
	{
		const double *share = s->cells + label * s->classes;
		double		marginal = 0;

		CHECK_FOR_INTERRUPTS();
		for (Size k = 0; k < s->classes; k++)
			marginal += prior[k] / total * share[k];
		for (Size k = 0; k < s->classes; k++)
		{
			double		joint = prior[k] / total * share[k];
			double		lift = share[k] / marginal;

			/* the product may be 0, and so may be the sum of such, if nothing else is */
			if (joint > 0)
				bits += joint * (isinf(lift) ? log2(share[k]) - log2(marginal) : log2(lift));
		}
	}
	return Min(Max(bits, 0), log2(met));
}

/*
 * Raykar & Yu, JMLR 13 (2012): the mean squared difference between the rows of the
 * confusion matrix.  0 for one who answers without looking at the item, 1 for one
 * who is always right; for two classes it is their (sensitivity + specificity
 * - 1)^2.  Summed over the pairs of M rows, and over M (M - 1); that sum is M times
 * the one of squared differences to the mean row.
 */
static double
spammer_score(const Shares *s, uint32 met)
{
	double		sum = 0;

	for (Size label = 0; label < s->classes; label++)
	{
		const double *share = s->cells + label * s->classes;
		double		mean = 0;

		CHECK_FOR_INTERRUPTS();
		for (Size k = 0; k < s->classes; k++)
			mean += share[k] / met;
		for (Size k = 0; k < s->classes; k++)
			if (is_met(s->rows[k]))
				sum += (share[k] - mean) * (share[k] - mean);
	}
	return Min(sum / (met - 1.0), 1);
}

/* First phase: what each annotator's counts say alone. */
static void
read_counts(const AnnotatorModelView *model, const double *prior,
			AnnotatorRecord *records, Right *right)
{
	Size		matrix = model_cells(model) * sizeof(double);
	Shares		s = {
		.classes = model->labels.n,
		.cells = palloc(matrix),
		.variances = palloc(matrix),
		.rows = palloc(model->labels.n * sizeof(double))
	};

	for (uint32 j = 0; j < model->annotators.n; j++)
	{
		AnnotatorRecord *r = &records[j];
		uint32		met;

		load_counts(model, j, &s);
		right->counted[j] = right->reported[j] = right_answers(&s);
		right->reported[j].count = model->reported_right[j];
		right->reported[j].unsure_both = model->reported_variances[j];
		r->known = right->counted[j].total > 0 && s.classes > 1;
		met = take_shares(&s);
		r->compared = r->known && met > 1;
		if (r->compared)
		{
			r->information = information(&s, met, prior);
			r->spammer_score = spammer_score(&s, met);
		}
	}
	pfree(s.cells);
	pfree(s.variances);
	pfree(s.rows);
}

/* A blind answer is right once in K. */
static void
estimate_accuracies(const AnnotatorModelView *model, const Right *right, double level,
					AnnotatorRecord *records)
{
	uint32		n = model->annotators.n;
	double		guess = 1.0 / model->labels.n;
	CrowdTotals *totals = crowd_totals_create(n);
	Crowd		counted;
	Crowd		reported;

	crowd_totals_fill(totals, right->counted, n);
	crowd_make(totals, right->counted, guess, &counted);
	crowd_make(totals, right->reported, guess, &reported);	/* the same answers */
	crowd_totals_free(totals);
	for (uint32 j = 0; j < n; j++)
	{
		RateEstimate *accuracy = &records[j].accuracy;
		RateEstimate other;

		CHECK_FOR_INTERRUPTS();
		if (!records[j].known)
			continue;
		(void) crowd_estimate(&counted, &right->counted[j], level, accuracy);
		if (!model_is_tempered(model))
			continue;
		(void) crowd_estimate(&reported, &right->reported[j], level, &other);
		accuracy->low = Min(accuracy->low, other.low);
		accuracy->high = Max(accuracy->high, other.high);
	}
}

/* The largest rate of an error that is counted in a row; ties go to the first. */
static void
find_worst(TruthRows *t, const Crowd *crowds, uint32 annotator, AnnotatorRecord *r)
{
	const TruthRow *row = &t->rows[annotator];
	const double *counts = truth_row_at_maximum(t, annotator, t->truth, row);

	for (uint32 l = 0; l < t->model->labels.n; l++)
	{
		RateEvidence e = truth_row_evidence(row, l, counts[l]);
		double		rate;

		if (l == t->truth || row->counts[l] <= NL_TIE_TOLERANCE)
			continue;
		rate = crowd_rate(&crowds[l], &e);
		if (r->has_worst && rate <= r->worst_rate + NL_TIE_TOLERANCE)
			continue;
		r->has_worst = true;
		r->worst_truth = t->truth;
		r->worst_label = l;
		r->worst_rate = rate;
	}
}

static bool
anybody_met(const TruthRows *t)
{
	for (uint32 j = 0; j < t->model->annotators.n; j++)
		if (is_met(t->rows[j].count))
			return true;
	return false;
}

/* Second phase. */
static void
find_worst_errors(const AnnotatorModelView *model, AnnotatorRecord *records)
{
	TruthRows	t = truth_rows_begin(model);
	Crowd	   *crowds = palloc(model->labels.n * sizeof(Crowd));

	for (uint32 k = 0; k < model->labels.n; k++)
	{
		truth_rows_load(&t, k);
		if (!anybody_met(&t))
			continue;
		truth_rows_crowds(&t, crowds);
		for (uint32 j = 0; j < model->annotators.n; j++)
		{
			CHECK_FOR_INTERRUPTS();
			if (is_met(t.rows[j].count))
				find_worst(&t, crowds, j, &records[j]);
		}
	}
	pfree(crowds);
}

/* One for each annotator; "prior" is that of the classes. */
AnnotatorRecord *
annotator_records(const AnnotatorModelView *model, const double *prior, double level)
{
	MemoryContext context = CurrentMemoryContext;
	Size		n = Max(model->annotators.n, 1);
	Right		right;
	AnnotatorRecord *records;

	nl_check_memory_for(add_size(mul_size(n, 2 * sizeof(RateEvidence) + sizeof(AnnotatorRecord)),
								 add_size(truth_rows_memory(model),
										  mul_size(model_cells(model), 2 * sizeof(double)))),
						"annotators()", "fit a model with fewer annotators or classes",
						"It grows with annotators (%u) times classes (%u).",
						model->annotators.n, model->labels.n);
	right.counted = nl_alloc(context, n * sizeof(RateEvidence));
	right.reported = nl_alloc(context, n * sizeof(RateEvidence));
	records = nl_alloc_zero(context, n * sizeof(AnnotatorRecord));
	read_counts(model, prior, records, &right);
	estimate_accuracies(model, &right, level, records);
	pfree(right.counted);
	pfree(right.reported);
	find_worst_errors(model, records);
	return records;
}

/* The fit's note about an annotator, or why there is nothing to say about him. */
const char *
annotator_note(const AnnotatorModelView *model, uint32 annotator, const AnnotatorRecord *r)
{
	if (model->notes[annotator][0] != '\0')
		return model->notes[annotator];
	if (!r->known && model->labels.n < 2)
		return "there is one class only: an answer of it cannot be wrong, so nothing tells how often the others would be";
	if (!r->known)
		return "nothing tells how often these answers are right: ask about items that others answered, too, or with gold";
	return NULL;
}

/*
 * The shares of classes, as they are reported and whatever is said of annotators has
 * them: counted among the fit's answers, if it was by the rule.
 */
double *
annotator_model_shares(const AnnotatorModelView *model)
{
	double	   *shares = palloc(model->labels.n * sizeof(double));

	if (model->shares == NULL)
		return annotator_model_prior(model);
	memcpy(shares, model->shares, model->labels.n * sizeof(double));
	return shares;
}

/* The class prior of all components together, which posteriors are made with. */
double *
annotator_model_prior(const AnnotatorModelView *model)
{
	double	   *prior = palloc0(model->labels.n * sizeof(double));

	for (uint32 c = 0; c < model->n_components; c++)
		for (uint32 k = 0; k < model->labels.n; k++)
			prior[k] += model->components[c].weight * model->components[c].prior[k];
	return prior;
}
