/*
 * consensus.c
 *		consensus(annotation_set, annotator_model): every item's label and how
 *		sure it is, in one pass over the set.
 */
#include "crowd/apply_model.h"

#include "types/label_distribution.h"
#include "pg/results.h"

/* Labels that the model must know. */
static void
check_labels(const SetScorer *s)
{
	for (uint32 i = 0; i < s->view.labels.n; i++)
		if (s->labels[i] < 0)
			(void) model_scorer_label(s->scorer, names_get(&s->view.labels, i));	/* says so */
}

static void
item_row(SetScorer *s, uint32 item, Datum *values, bool *nulls)
{
	const Names *labels = &s->scorer->model.labels;
	const double *posterior = set_scorer_posterior(s, item);
	bool		tied;
	uint32		top = probabilities_top(posterior, labels->n, &tied);

	values[0] = PointerGetDatum(names_text(&s->view.item_names, item));
	values[1] = PointerGetDatum(names_text(labels, top));
	values[2] = Float8GetDatum(posterior[top]);
	values[3] = Float8GetDatum(probabilities_entropy(posterior, labels->n));
	values[4] = Int32GetDatum(s->view.starts[item + 1] - s->view.starts[item]);
	values[5] = BoolGetDatum(tied);
	nulls[2] = nulls[3] = nulls[6] = model_knows_nothing(&s->scorer->model);
	values[6] = PointerGetDatum(label_distribution_make(labels, posterior));
}

NL_FUNCTION(consensus);
Datum
consensus(PG_FUNCTION_ARGS)
{
	AnnotatorModel *model = annotator_model_get(PG_GETARG_DATUM(1));
	AnnotationView view = annotation_set_flat_view(PG_GETARG_DATUM(0));
	SetScorer  *s = set_scorer_begin(&view, model);
	ResultRows	rows = rows_begin(fcinfo);

	check_labels(s);
	for (uint32 item = 0; item < view.items; item++)
	{
		item_row(s, item, rows.values, rows.nulls);
		rows_add(&rows);
	}
	return rows_end(&rows);
}
