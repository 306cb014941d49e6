/*
 * annotator_cells.c
 *		annotator_cells(): each rate of each annotator with its interval.
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
 * Memory: a crowd for each cell, and a row of each annotator.  Interrupts: for
 * each annotator, and for each result row.
 */
#include "types/annotator_model.h"

#include "crowd/crowd_shrinkage.h"
#include "pg/arguments.h"
#include "pg/results.h"

#define MAX_STEP 2.0

/* One annotator's truth row. */
typedef struct Row
{
	double	   *counts;			/* by label */
	double	   *variances;
	uint32		classes;
	double		count;			/* sums of these */
	double		variance;
} Row;

/* "buffer" has room for twice the classes. */
static Row
load_row(const AnnotatorModelView *model, uint32 annotator, uint32 truth, double *buffer)
{
	uint32		classes = model->labels.n;
	Row			row = {buffer, buffer + classes, classes, 0, 0};

	annotator_model_truth(model, annotator, truth, row.counts, row.variances);
	for (uint32 l = 0; l < classes; l++)
	{
		row.count += row.counts[l];
		row.variance += row.variances[l];
	}
	return row;
}

static RateEvidence
cell_evidence(const Row *row, uint32 label, double count)
{
	double		variance = row->variances[label];

	return (RateEvidence) {
		.count = count,
		.total = row->count,
		.unsure_in = variance,
		.unsure_out = Max(row->variance - variance, 0)
	};
}

/* The counts of a row at the maximum, from those of the fit and the row's rates. */
static void
step_to_maximum(const Row *row, const double *rates, double *result)
{
	uint32		classes = row->classes;
	double		sum = 0;

	for (uint32 l = 0; l < classes; l++)
	{
		RateEvidence e = cell_evidence(row, l, row->counts[l]);
		double		rate = rates[(Size) l * classes];
		/* the share is taken inside 0..1, where it is defined */
		double		inside = (e.count + 0.5 * rate) / (e.total + 0.5);
		double		missing = missing_share(&e, Max(Min(inside, 0.999), 0.001));
		double		step = e.total > 0 ? e.count / e.total - rate : 0;

		result[l] = Max(rate + step * Min(1 / (1 - missing), MAX_STEP), 0);
		sum += result[l];
	}
	for (uint32 l = 0; l < classes; l++)
		result[l] *= row->count / sum;
}

/* The crowds of all cells; how often each cell is a blind answer is 1 / K. */
static Crowd *
make_crowds(const AnnotatorModelView *model)
{
	uint32		classes = model->labels.n;
	uint32		annotators = model->annotators.n;
	Size		row = mul_size(2 * sizeof(double), classes);
	Size		buffers = mul_size(Max(annotators, 1),
								   add_size(row, sizeof(Row) + sizeof(RateEvidence)));
	Row		   *rows;
	double	   *values;
	RateEvidence *evidence;
	Crowd	   *crowds;

	nl_check_memory_for(add_size(buffers, mul_size(model_cells(model), sizeof(Crowd))),
						"annotator_cells()", "fit a model with fewer classes",
						"It grows with the square of the number of classes (%u), and with the number of annotators (%u).",
						classes, annotators);
	rows = nl_alloc(CurrentMemoryContext, Max(annotators, 1) * sizeof(Row));
	evidence = nl_alloc(CurrentMemoryContext,
						Max(annotators, 1) * sizeof(RateEvidence));
	values = nl_alloc(CurrentMemoryContext, Max(annotators, 1) * row);
	crowds = nl_alloc(CurrentMemoryContext, model_cells(model) * sizeof(Crowd));
	for (uint32 k = 0; k < classes; k++)
	{
		for (uint32 j = 0; j < annotators; j++)
		{
			CHECK_FOR_INTERRUPTS();
			rows[j] = load_row(model, j, k, values + 2 * (Size) classes * j);
		}
		for (uint32 l = 0; l < classes; l++)
		{
			for (uint32 j = 0; j < annotators; j++)
				evidence[j] = cell_evidence(&rows[j], l, rows[j].counts[l]);
			crowd_make(evidence, annotators, 1.0 / classes,
					   &crowds[(Size) k * classes + l]);
		}
	}
	pfree(rows);
	pfree(values);
	pfree(evidence);
	return crowds;
}

/* What an annotator's result rows are made with. */
typedef struct CellRows
{
	const AnnotatorModelView *model;
	Crowd	   *crowds;			/* K * K */
	double		level;
	double	   *rates;			/* K * K: of the annotator, label first */
	double	   *counts;			/* K: of a row, at the maximum */
	double	   *row;			/* 2 * K: buffer of a row */
	ResultRows	rows;
} CellRows;

/* The result rows of one truth. */
static void
return_row(CellRows *c, uint32 annotator, uint32 truth)
{
	uint32		classes = c->model->labels.n;
	Datum	   *values = c->rows.values;
	bool	   *nulls = c->rows.nulls;
	Row			row = load_row(c->model, annotator, truth, c->row);

	step_to_maximum(&row, c->rates + truth, c->counts);
	for (uint32 l = 0; l < classes; l++)
	{
		RateEvidence e = cell_evidence(&row, l, c->counts[l]);
		RateEstimate rate;
		bool		known = crowd_estimate(&c->crowds[(Size) truth * classes + l], &e, c->level, &rate);

		values[0] = PointerGetDatum(names_text(&c->model->annotators, annotator));
		values[1] = PointerGetDatum(names_text(&c->model->labels, truth));
		values[2] = PointerGetDatum(names_text(&c->model->labels, l));
		values[3] = Float8GetDatum(row.counts[l]);
		values[4] = Float8GetDatum(rate.rate);
		values[5] = Float8GetDatum(rate.low);
		values[6] = Float8GetDatum(rate.high);
		nulls[4] = nulls[5] = nulls[6] = !known;
		rows_add(&c->rows);
	}
}

NL_FUNCTION(annotator_cells);
Datum
annotator_cells(PG_FUNCTION_ARGS)
{
	AnnotatorModelView model =
	annotator_model_view(annotator_model_get(PG_GETARG_DATUM(0)));
	CellRows	c = {
		.model = &model,
		.level = nl_check_level(PG_GETARG_FLOAT8(1)),
		.crowds = make_crowds(&model),
		.rates = palloc(model_cells(&model) * sizeof(double)),
		.counts = palloc(model.labels.n * sizeof(double)),
		.row = palloc(2 * model.labels.n * sizeof(double))
	};

	c.rows = rows_begin(fcinfo);
	for (uint32 j = 0; j < model.annotators.n; j++)
	{
		annotator_model_rates(&model, j, c.rates);
		for (uint32 k = 0; k < model.labels.n; k++)
			return_row(&c, j, k);
	}
	return rows_end(&c.rows);
}
