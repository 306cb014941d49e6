/*
 * consensus.c
 *		consensus(annotation_set, annotator_model): every item's label and how
 *		sure it is, in one pass over the set.
 */
#include "crowd/item_consensus.h"

#include "types/label_distribution.h"
#include "pg/results.h"

static void
item_row(SetScorer *s, uint32 item, Datum *values, bool *nulls)
{
	const Names *classes = &s->scorer->classes;
	ItemConsensus c = item_consensus(s, item);

	values[0] = PointerGetDatum(names_text(&s->view.item_names, item));
	values[1] = PointerGetDatum(names_text(classes, c.top));
	values[2] = Float8GetDatum(c.confidence);
	values[3] = Float8GetDatum(probabilities_entropy(c.posterior, classes->n));
	values[4] = Int32GetDatum(s->view.starts[item + 1] - s->view.starts[item]);
	values[5] = BoolGetDatum(c.tied);
	nulls[3] = nulls[6] = model_knows_nothing(&s->scorer->model);
	nulls[1] = nulls[5] = !c.named;
	nulls[2] = !c.known;
	values[6] = PointerGetDatum(label_distribution_make(classes, c.posterior));
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
