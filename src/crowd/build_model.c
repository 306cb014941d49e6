/*
 * build_model.c
 *		From a fit to the annotator_model: its parameters, the evidence about each
 *		annotator, and the record of the fit.
 *
 * Memory: a table of variances, and the model; run_fit.c counts both.
 * Interrupts: for a block of items, annotations or annotators.
 */
#include "crowd/fit.h"

static void
count_annotations(AnnotatorModelView *model, const AnnotationView *view)
{
	model->annotations = nl_alloc_zero(CurrentMemoryContext,
									   mul_size(Max(view->annotators.n, 1), sizeof(double)));
	for (uint32 a = 0; a < view->annotations; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		model->annotations[view->annotator[a]]++;
	}
	for (uint32 i = 0; i < view->items && view->gold != NULL; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		model->gold_items += view->gold[i] != NO_GOLD;
	}
}

static AnnotatorModel *
make_model_in(MemoryContext context, const AnnotatorModelView *view)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	AnnotatorModel *model = annotator_model_make(view);

	MemoryContextSwitchTo(old);
	return model;
}

/* The model of a fit, in "context"; takes the tables of the fit apart. */
AnnotatorModel *
build_model(const AnnotationView *view, const FitOptions *options, EmFit *fit,
			MemoryContext context)
{
	double	   *variance = nl_alloc(CurrentMemoryContext,
									mul_size(em_table_cells(view), sizeof(double)));
	ModelComponent component = {
		.variant = options->variant == VARIANT_AUTO ? VARIANT_FULL : options->variant,
		.weight = 1,
		.prior = fit->parameters.prior,
		.pool = fit->pool,
		.confusion = fit->parameters.confusion
	};
	AnnotatorModelView model = {
		.labels = view->labels,
		.annotators = view->annotators,
		.n_components = 1,
		.components = &component,
		.counts = fit->counts.confusion,
		.variances = variance,
		.items = view->items,
		.gold_weight = options->gold_weight,
		.n_annotations = view->annotations,
		.iterations = fit->iterations,
		.converged = fit->converged,
		.log_likelihood = fit->log_likelihood,
		.method = psprintf("dawid_skene %s%s%s%s%s", variant_names[options->variant],
						   fit->detail ? ": " : "", fit->detail ? fit->detail : "",
						   options->start ? ", started from a model" : "",
						   options->restarts == 0 ? "" :
						   psprintf(", best of %d starts", options->restarts + 1)),
		.options = fit_options_json(options)
	};

	count_annotations(&model, view);
	add_fit_warnings(&model, view, fit, options->em.tolerance);	/* reads the last counts */
	em_evidence(view, &fit->parameters, options->learn_from == LEARN_FROM_GOLD,
				&fit->counts, variance);
	return make_model_in(context, &model);
}
