/*
 * pairwise_agreement.c
 *		pairwise_agreement() and self_agreement(): rows of annotators.
 */
#include "crowd/agreement_pairs.h"

#include <math.h>

#include "names/names_io.h"
#include "pg/options.h"
#include "pg/results.h"

typedef struct PairRows
{
	const AnnotationView *view;
	ResultRows	rows;
} PairRows;

static void
set_number(ResultRows *rows, int column, double value)
{
	rows->nulls[column] = isnan(value);
	rows->values[column] = rows->nulls[column] ? (Datum) 0 : Float8GetDatum(value);
}

static void
add_pair(void *arg, const PairAgreement *pair)
{
	PairRows   *p = arg;
	MemoryContext old = MemoryContextSwitchTo(p->rows.scratch);

	p->rows.values[0] = PointerGetDatum(names_text(&p->view->annotators, pair->annotator));
	p->rows.values[1] = PointerGetDatum(names_text(&p->view->annotators, pair->other));
	p->rows.values[2] = Int64GetDatum(pair->items);
	set_number(&p->rows, 3, pair->percent);
	set_number(&p->rows, 4, pair->kappa);
	set_number(&p->rows, 5, pair->bounds.low);
	set_number(&p->rows, 6, pair->bounds.high);
	rows_add(&p->rows);
	MemoryContextSwitchTo(old);
}

/* (annotation_set, options); NULL are the defaults */
NL_FUNCTION(pairwise_agreement);
Datum
pairwise_agreement(PG_FUNCTION_ARGS)
{
	AgreementOptions options = pair_options_parse(options_argument(fcinfo));
	PairRows	p = {.rows = rows_begin(fcinfo)};
	MemoryContext phase = AllocSetContextCreate(p.rows.caller, "pairwise_agreement",
												ALLOCSET_DEFAULT_SIZES);
	AnnotationView view;
	AgreementScale scale;

	if (PG_ARGISNULL(0))
		return rows_end(&p.rows);
	MemoryContextSwitchTo(phase);
	view = annotation_set_view(PG_GETARG_DATUM(0));
	scale = agreement_scale(&view, &options);
	if (scale.by_name && scale.n > 1)
		agreement_order_notice();
	p.view = &view;
	agreement_pairs(&view, &scale, options.confidence, add_pair, &p);
	MemoryContextSwitchTo(p.rows.scratch);
	MemoryContextDelete(phase);
	return rows_end(&p.rows);
}

/* Of an annotator who has never differed, or always, as of so many successes. */
static bool
self_bounds(const Influences *items, double level, Bounds *bounds)
{
	double		unlike = items->sum / items->n;

	if (unlike == 0 || unlike == 1)
		*bounds = wilson_interval(items->sum, items->n, normal_quantile_two_sided(level));
	else if (!skewed_interval(unlike, items, level, bounds))
		return false;
	*bounds = (Bounds) {Max(1 - bounds->high, 0), Min(1 - bounds->low, 1)};
	return true;
}

/* self_agreement(annotation_set, level) */
NL_FUNCTION(self_agreement);
Datum
self_agreement(PG_FUNCTION_ARGS)
{
	double		level = nl_check_level(PG_GETARG_FLOAT8(1));
	AnnotationView view = annotation_set_view(PG_GETARG_DATUM(0));
	Influences *self = agreement_with_self(&view);
	ResultRows	rows = rows_begin(fcinfo);

	for (uint32 j = 0; j < view.annotators.n; j++)
	{
		const Influences *items = &self[j];
		Bounds		bounds = {get_float8_nan(), get_float8_nan()};

		rows.values[0] = PointerGetDatum(names_text(&view.annotators, j));
		rows.values[1] = Int64GetDatum(items->n);
		if (items->n > 0)
			(void) self_bounds(items, level, &bounds);
		set_number(&rows, 2, items->n > 0 ? 1 - items->sum / items->n : get_float8_nan());
		set_number(&rows, 3, bounds.low);
		set_number(&rows, 4, bounds.high);
		rows_add(&rows);
	}
	return rows_end(&rows);
}
