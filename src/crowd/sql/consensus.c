/*
 * consensus.c
 *		consensus(annotation_set, annotator_model): every item's label and how
 *		sure it is, in one pass over the set.
 */
#include "crowd/apply_model.h"

#include "types/label_distribution.h"
#include "pg/results.h"

static void
item_row(SetScorer *s, uint32 item, Datum *values, bool *nulls)
{
	const Names *classes = &s->scorer->classes;
	const double *posterior = set_scorer_posterior(s, item);
	bool		tied;
	uint32		top = probabilities_top(posterior, classes->n, &tied);
	bool		named = annotation_gold(&s->view, item) != NO_GOLD ||
		set_scorer_voices(s, item) > 0;

	values[0] = PointerGetDatum(names_text(&s->view.item_names, item));
	values[1] = PointerGetDatum(names_text(classes, top));
	values[2] = Float8GetDatum(posterior[top]);
	values[3] = Float8GetDatum(probabilities_entropy(posterior, classes->n));
	values[4] = Int32GetDatum(s->view.starts[item + 1] - s->view.starts[item]);
	values[5] = BoolGetDatum(tied);
	nulls[3] = nulls[6] = model_knows_nothing(&s->scorer->model);
	nulls[1] = nulls[5] = !named;	/* all abstain: nobody says what it is */
	nulls[2] = nulls[3] || !named;
	values[6] = PointerGetDatum(label_distribution_make(classes, posterior));
}

NL_FUNCTION(consensus);
Datum
consensus(PG_FUNCTION_ARGS)
{
	AnnotatorModel *model = annotator_model_get(PG_GETARG_DATUM(1));
	AnnotationView view = annotation_set_flat_view(PG_GETARG_DATUM(0));
	SetScorer  *s = set_scorer_begin(&view, model);
	ResultRows	rows = rows_begin(fcinfo);

	set_scorer_check_labels(s);
	for (uint32 item = 0; item < view.items; item++)
	{
		item_row(s, item, rows.values, rows.nulls);
		rows_add(&rows);
	}
	return rows_end(&rows);
}
