/*
 * fit_start.c
 *		Where a fit begins when it does not begin from vote shares: at what an
 *		earlier model says of each item.
 *
 * Yesterday's model knows most of today's annotators, so its posteriors are
 * near today's and a refit takes a few passes.  An annotator it has never seen
 * counts as the average one.  Where an item has a label that the model has
 * never seen, the item begins with its vote shares.
 */
#include "fit_start.h"

#include "score.h"

#define INTERRUPT_BLOCK 1024

typedef struct Start
{
	const AnnotationView *view;
	EmVoices	voices;
	ModelScorer *scorer;
	int64	   *annotators;		/* in the model, or -1 */
	int64	   *labels;			/* in the model, or -1 */
	double	   *weights;		/* of the model's components */
	LogRate    *score;
	double	   *model_posterior;	/* by the model's labels */
	double	   *posterior;		/* by the view's labels */
} Start;

static Start
begin_start(const AnnotationView *view, const AnnotatorModel *model)
{
	Start		s = {
		.view = view,.voices = em_voices_begin(view),.scorer = model_scorer_create(model)
	};

	s.annotators = model_scorer_find(s.scorer->annotators, &view->annotators);
	s.labels = model_scorer_find(s.scorer->labels, &view->labels);
	s.weights = model_scorer_weights(s.scorer);
	s.score = palloc(s.scorer->width * sizeof(LogRate));
	s.model_posterior = palloc(model->labels * sizeof(double));
	s.posterior = palloc(view->labels.n * sizeof(double));
	return s;
}

static bool
model_knows_labels(const Start *s, uint32 from, uint32 to)
{
	for (uint32 a = from; a < to; a++)
		if (s->labels[s->view->label[a]] < 0)
			return false;
	return true;
}

/*
 * What the model says, on the labels that the view has.  Classes that only the
 * model has do not come up again; if they were all that was likely, this sums
 * to nearly nothing and vote shares serve better.
 */
static bool
posterior_of_model(Start *s, uint32 from, uint32 to)
{
	uint32		classes = s->view->labels.n;
	double		sum = 0;

	score_item(s->scorer, s->score, s->view->annotator + from,
			   s->view->label + from, to - from, s->annotators, s->labels);
	score_posterior(s->score, s->scorer->model.n_components,
					s->scorer->model.labels.n, s->weights, s->model_posterior);
	for (uint32 k = 0; k < classes; k++)
	{
		s->posterior[k] = s->labels[k] < 0 ? 0 : s->model_posterior[s->labels[k]];
		sum += s->posterior[k];
	}
	for (uint32 k = 0; k < classes; k++)
		s->posterior[k] /= sum;
	return sum > 0.5;
}

/* Expected counts under the model's posteriors and gold. */
void
start_from_model(const AnnotationView *view, const AnnotatorModel *model,
				 EmCounts *counts)
{
	Start		s = begin_start(view, model);

	em_tables_clear(view, counts);
	for (uint32 i = 0; i < view->items; i++)
	{
		uint32		from = view->starts[i];
		uint32		to = view->starts[i + 1];

		if (i % INTERRUPT_BLOCK == 0)
			CHECK_FOR_INTERRUPTS();
		if (!model_knows_labels(&s, from, to) ||
			!posterior_of_model(&s, from, to))
			em_item_vote_shares(&s.voices, i, s.posterior);
		em_mix_gold(view, i, s.posterior);
		em_add_posterior(&s.voices, i, s.posterior, counts);
	}
	em_voices_end(&s.voices);
}
