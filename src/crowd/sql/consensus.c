/*
 * consensus.c
 *		consensus(annotation_set, annotator_model): every item's label and how
 *		sure it is, in one pass over the set.
 */
#include "crowd/apply_model.h"

#include "types/annotation_set.h"
#include "types/label_distribution.h"
#include "pg/results.h"

/* How the set's codes are known to the model, and buffers for one item. */
typedef struct ConsensusState
{
	AnnotationView view;
	ModelScorer *scorer;
	int64	   *annotators;		/* in the model, or -1 */
	int64	   *labels;			/* in the model */
	double	   *weights;		/* of the components */
	LogRate    *score;
	double	   *posterior;
} ConsensusState;

static ConsensusState
begin_consensus(Datum set, const AnnotatorModel *model)
{
	ConsensusState s;
	uint32		classes = model->labels;

	s.view = annotation_set_flat_view(set);
	s.scorer = model_scorer_create(model);
	s.annotators = model_scorer_find(s.scorer->annotators, &s.view.annotators);
	s.labels = model_scorer_find(s.scorer->labels, &s.view.labels);
	s.weights = model_scorer_weights(s.scorer);
	s.score = palloc(s.scorer->width * sizeof(LogRate));
	s.posterior = palloc(classes * sizeof(double));
	for (uint32 i = 0; i < s.view.labels.n; i++)
		if (s.labels[i] < 0)
			(void) model_scorer_label(s.scorer, names_get(&s.view.labels, i));	/* says so */
	return s;
}

/* Leaves the item's posterior in s->posterior. */
static void
item_posterior(ConsensusState *s, uint32 item)
{
	const AnnotationView *view = &s->view;
	uint32		classes = s->scorer->model.labels.n;
	uint32		from = view->starts[item];
	uint32		gold = annotation_gold(view, item);

	if (gold != NO_GOLD && s->scorer->model.gold_weight >= 1)
	{
		memset(s->posterior, 0, classes * sizeof(double));
		s->posterior[s->labels[gold]] = 1;
		return;
	}
	score_item(s->scorer, s->score, view->annotator + from, view->label + from,
			   view->starts[item + 1] - from, s->annotators, s->labels);
	if (gold != NO_GOLD)
		score_add_gold(s->scorer, s->score, s->labels[gold]);
	score_posterior(s->score, s->scorer->model.n_components, classes,
					s->weights, s->posterior);
}

static void
item_row(const ConsensusState *s, uint32 item, Datum *values)
{
	const Names *labels = &s->scorer->model.labels;
	bool		tied;
	uint32		top = probabilities_top(s->posterior, labels->n, &tied);

	values[0] = PointerGetDatum(names_text(&s->view.item_names, item));
	values[1] = PointerGetDatum(names_text(labels, top));
	values[2] = Float8GetDatum(s->posterior[top]);
	values[3] = Float8GetDatum(probabilities_entropy(s->posterior, labels->n));
	values[4] = Int32GetDatum(s->view.starts[item + 1] - s->view.starts[item]);
	values[5] = BoolGetDatum(tied);
	values[6] = PointerGetDatum(label_distribution_make(labels, s->posterior));
}

NL_FUNCTION(consensus);
Datum
consensus(PG_FUNCTION_ARGS)
{
	AnnotatorModel *model = annotator_model_get(PG_GETARG_DATUM(1));
	ConsensusState s = begin_consensus(PG_GETARG_DATUM(0), model);
	ResultRows	rows = rows_begin(fcinfo);

	for (uint32 item = 0; item < s.view.items; item++)
	{
		item_posterior(&s, item);
		item_row(&s, item, rows.values);
		rows_add(&rows);
	}
	return rows_end(&rows);
}
