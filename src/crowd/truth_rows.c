/*
 * truth_rows.c
 *		All annotators' answers to items of one truth, and the rates that they are
 *		evidence of: what annotator_cells() returns, and annotators() looks through
 *		for the worst.
 *
 * The fits' own rates are not always those of maximum likelihood: some
 * variants tie cells together, some stop after one step, smoothing pulls.  The
 * share of a cell in the expected counts, r, is one EM step from the rate p of
 * the fit, and a step goes the share 1 - f of the way to the maximum, with f
 * the missing share of the information.  So the estimate goes on to
 *
 *	p + (r - p) / (1 - f)
 *
 * (Louis, JRSS B 44, 1982, sec. 5), at most MAX_STEP times the step.  At the
 * maximum itself r = p, and nothing changes.  How sure the result is, and what
 * the crowd has to do with it, is in crowd_shrinkage.c.  Each cell has a crowd of its
 * own: who is alike in right answers need not be so in errors.
 *
 * Memory: a row of each annotator, and what crowds of a row share.  Interrupts: for each annotator, and in crowds.
 */
#include "crowd/truth_rows.h"

#define MAX_STEP 2.0

/* Bytes that truth_rows_begin() takes. */
Size
truth_rows_memory(const AnnotatorModelView *model)
{
	return add_size(mul_size(Max(model->annotators.n, 1),
							 add_size(truth_row_size(model), sizeof(TruthRow) + sizeof(RateEvidence))),
					crowd_totals_memory(model->annotators.n));
}

TruthRows
truth_rows_begin(const AnnotatorModelView *model)
{
	MemoryContext context = CurrentMemoryContext;
	Size		n = Max(model->annotators.n, 1);
	Size		classes = model->labels.n;
	TruthRows	t = {
		.model = model,
		.rows = nl_alloc(context, n * sizeof(TruthRow)),
		.evidence = nl_alloc(context, n * sizeof(RateEvidence)),
		.totals = crowd_totals_create(model->annotators.n),
		.rates = palloc(classes * sizeof(double)),
		.counts = palloc(classes * sizeof(double))
	};

	t.rows[0].counts = nl_alloc(context, n * truth_row_size(model));
	for (Size j = 1; j < n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		t.rows[j].counts = t.rows[0].counts + j * 2 * classes;
	}
	return t;
}

/* "buffer" has room for truth_row_size(). */
TruthRow
truth_row_load(const AnnotatorModelView *model, uint32 annotator, uint32 truth,
			   double *buffer)
{
	uint32		classes = model->labels.n;
	TruthRow	row = {buffer, buffer + classes, 0, 0};

	annotator_model_truth(model, annotator, truth, row.counts, row.variances);
	for (uint32 l = 0; l < classes; l++)
	{
		row.count += row.counts[l];
		row.variance += row.variances[l];
	}
	return row;
}

void
truth_rows_load(TruthRows *t, uint32 truth)
{
	t->truth = truth;
	for (uint32 j = 0; j < t->model->annotators.n; j++)
	{
		CHECK_FOR_INTERRUPTS();
		t->rows[j] = truth_row_load(t->model, j, truth, t->rows[j].counts);
	}
}

/* What a row says of a label that is counted so often in it. */
RateEvidence
truth_row_evidence(const TruthRow *row, uint32 label, double count)
{
	double		variance = row->variances[label];

	return (RateEvidence) {
		.count = count,
		.total = row->count,
		.unsure_in = variance,
		.unsure_out = Max(row->variance - variance, 0)
	};
}

/* How each label's rate varies between annotators; a blind answer gives it once in K. */
void
truth_rows_crowds(TruthRows *t, Crowd *crowds)
{
	uint32		classes = t->model->labels.n;
	uint32		annotators = t->model->annotators.n;

	for (uint32 l = 0; l < classes; l++)
	{
		for (uint32 j = 0; j < annotators; j++)
		{
			NL_CHECK_INTERRUPTS(j);
			t->evidence[j] = truth_row_evidence(&t->rows[j], l, t->rows[j].counts[l]);
		}
		/* totals are those of the row, whatever the label */
		if (l == 0)
			crowd_totals_fill(t->totals, t->evidence, annotators);
		crowd_make(t->totals, t->evidence, 1.0 / classes, &crowds[l]);
	}
}

/* The counts of a row at the maximum, by label; valid until the next call. */
const double *
truth_row_at_maximum(TruthRows *t, uint32 annotator, uint32 truth, const TruthRow *row)
{
	uint32		classes = t->model->labels.n;
	double		sum = 0;

	annotator_model_truth_rates(t->model, annotator, truth, t->rates);
	for (uint32 l = 0; l < classes; l++)
	{
		RateEvidence e = truth_row_evidence(row, l, row->counts[l]);
		double		rate = t->rates[l];
		/* the share is taken inside 0..1, where it is defined */
		double		inside = (e.count + 0.5 * rate) / (e.total + 0.5);
		double		missing = missing_share(&e, Max(Min(inside, 0.999), 0.001));
		double		step = e.total > 0 ? e.count / e.total - rate : 0;

		t->counts[l] = Max(rate + step * Min(1 / (1 - missing), MAX_STEP), 0);
		sum += t->counts[l];
	}
	for (uint32 l = 0; l < classes; l++)
		t->counts[l] *= row->count / sum;
	return t->counts;
}
