/*
 * annotator_cells.c
 *		annotator_cells(): each rate of each annotator with its interval;
 *		annotator_rates(): the matrices that consensus() works with.
 *
 * Memory: a crowd for each cell, and a row of each annotator.  Interrupts: for
 * each annotator, and for each result row.
 */
#include "crowd/truth_rows.h"
#include "pg/arguments.h"
#include "pg/results.h"

/* The crowds of all cells. */
static Crowd *
make_crowds(TruthRows *t)
{
	uint32		classes = t->model->labels.n;
	Crowd	   *crowds = nl_alloc(CurrentMemoryContext,
								  model_cells(t->model) * sizeof(Crowd));

	for (uint32 k = 0; k < classes; k++)
	{
		truth_rows_load(t, k);
		truth_rows_crowds(t, crowds + (Size) k * classes);
	}
	return crowds;
}

static void
check_memory(const AnnotatorModelView *model)
{
	nl_check_memory_for(add_size(truth_rows_memory(model),
								 mul_size(model_cells(model), sizeof(Crowd))),
						"annotator_cells()", "fit a model with fewer classes",
						"It grows with the square of the number of classes (%u), and with the number of annotators (%u).",
						model->labels.n, model->annotators.n);
}

/* What an annotator's result rows are made with. */
typedef struct CellRows
{
	TruthRows	truths;
	Crowd	   *crowds;			/* K * K */
	double		level;
	double	   *buffer;			/* of a row */
	ResultRows	rows;
} CellRows;

/* Whether he has answered any item that teaches. */
static bool
has_counts(CellRows *c, uint32 annotator)
{
	for (uint32 k = 0; k < c->truths.model->labels.n; k++)
		if (truth_row_load(c->truths.model, annotator, k, c->buffer).count > 0)
			return true;
	return false;
}

/* The result rows of one truth. */
static void
return_row(CellRows *c, uint32 annotator, uint32 truth, bool has_any)
{
	const AnnotatorModelView *model = c->truths.model;
	uint32		classes = model->labels.n;
	Datum	   *values = c->rows.values;
	bool	   *nulls = c->rows.nulls;
	TruthRow	row = truth_row_load(model, annotator, truth, c->buffer);
	const double *counts = truth_row_at_maximum(&c->truths, annotator, truth, &row);

	for (uint32 l = 0; l < classes; l++)
	{
		RateEvidence e = truth_row_evidence(&row, l, counts[l]);
		RateEstimate rate;
		bool		known = crowd_estimate(&c->crowds[(Size) truth * classes + l], &e, c->level, &rate);

		values[0] = PointerGetDatum(names_text(&model->annotators, annotator));
		values[1] = PointerGetDatum(names_text(&model->labels, truth));
		values[2] = PointerGetDatum(names_text(&model->labels, l));
		values[3] = Float8GetDatum(row.counts[l]);
		values[4] = Float8GetDatum(rate.rate);
		values[5] = Float8GetDatum(rate.low);
		values[6] = Float8GetDatum(rate.high);
		nulls[4] = nulls[5] = nulls[6] = !known || !has_any;
		rows_add(&c->rows);
	}
}

NL_FUNCTION(annotator_cells);
Datum
annotator_cells(PG_FUNCTION_ARGS)
{
	AnnotatorModelView model =
	annotator_model_of_classes(annotator_model_get(PG_GETARG_DATUM(0)));
	CellRows	c = {.level = nl_check_level(PG_GETARG_FLOAT8(1))};

	check_memory(&model);
	c.truths = truth_rows_begin(&model);
	c.crowds = make_crowds(&c.truths);
	c.buffer = palloc(truth_row_size(&model));
	c.rows = rows_begin(fcinfo);
	for (uint32 j = 0; j < model.annotators.n; j++)
	{
		bool		has_any = has_counts(&c, j);

		for (uint32 k = 0; k < model.labels.n; k++)
			return_row(&c, j, k, has_any);
	}
	return rows_end(&c.rows);
}

NL_FUNCTION(annotator_rates);
Datum
annotator_rates(PG_FUNCTION_ARGS)
{
	AnnotatorModelView model =
	annotator_model_view(annotator_model_get(PG_GETARG_DATUM(0)));
	uint32		classes = model.labels.n;
	double	   *rates = palloc(model_cells(&model) * sizeof(double));
	ResultRows	rows = rows_begin(fcinfo);

	for (uint32 j = 0; j < model.annotators.n; j++)
	{
		annotator_model_rates(&model, j, rates);
		for (uint32 i = 0; i < model_cells(&model); i++)
		{
			uint32		truth = i / classes;
			uint32		label = i % classes;

			if (truth + 1 == model.abstains)
				continue;
			rows.values[0] = PointerGetDatum(names_text(&model.annotators, j));
			rows.values[1] = PointerGetDatum(names_text(&model.labels, truth));
			rows.values[2] = PointerGetDatum(names_text(&model.labels, label));
			rows.values[3] = Float8GetDatum(rates[(Size) label * classes + truth]);
			rows_add(&rows);
		}
	}
	return rows_end(&rows);
}
