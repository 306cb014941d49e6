/*
 * revise.c
 *		revise(prior, annotator_model, annotator, label): what one more answer makes
 *		of a distribution, by Bayes' rule and nothing else.
 *
 * That is posterior() with this prior over one row, but that the silence of others is
 * no answer here.  Two answers are worth less than two of it, where a model knows of
 * errors that annotators share.
 */
#include "crowd/apply_model.h"

#include "pg/arguments.h"
#include "types/label_distribution.h"

NL_FUNCTION(revise);
Datum
revise(PG_FUNCTION_ARGS)
{
	ModelScorer *scorer = model_scorer_cached(fcinfo, 1);
	const AnnotatorModelView *model = &scorer->model;
	LogRate    *prior = palloc(scorer->width * sizeof(LogRate));
	double	   *p = palloc(scorer->classes.n * sizeof(double));
	int64		annotator;
	uint32		label;
	ItemScore	item;

	model_scorer_prior(scorer, PG_GETARG_LABEL_DISTRIBUTION(0), prior);
	annotator = model_scorer_annotator(scorer, name_of_text(nl_name_argument(fcinfo, 2)));
	label = model_scorer_label(scorer, name_of_text(nl_name_argument(fcinfo, 3)));
	if (model_knows_nothing(model))
		PG_RETURN_NULL();
	item = (ItemScore) {
		.answers = scorer_rates(scorer, annotator, label),
		.prior = prior,
		.exponent = 1,
		.prior_known = true
	};
	score_posterior(&item, model->n_components, scorer->classes.n, scorer->weights, p);
	PG_RETURN_POINTER(label_distribution_make(&scorer->classes, p));
}
