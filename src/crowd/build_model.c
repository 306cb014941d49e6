/*
 * build_model.c
 *		From a fit to the annotator_model: its parameters, the evidence about each
 *		annotator, and the record of the fit.
 *
 * Memory: the evidence and the model, which run_fit.c counts; some numbers of each
 * annotator.
 * Interrupts: for a block of items, annotations or annotators.
 */
#include "crowd/fit.h"

static void
count_annotations(AnnotatorModelView *model, const AnnotationView *view)
{
	model->annotations = nl_alloc_zero(CurrentMemoryContext,
									   mul_size(Max(view->annotators.n, 1), sizeof(double)));
	model->gold_annotations = nl_alloc_zero(CurrentMemoryContext,
											mul_size(Max(view->annotators.n, 1), sizeof(double)));
	for (uint32 a = 0; a < view->annotations; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		model->annotations[view->annotator[a]]++;
	}
	for (uint32 i = 0; i < view->items && view->gold != NULL; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (view->gold[i] == NO_GOLD)
			continue;
		model->gold_items++;
		for (uint32 a = view->starts[i]; a < view->starts[i + 1]; a++)
			if (annotation_is_class(view, view->label[a]))
				model->gold_annotations[view->annotator[a]]++;
	}
}

static const char **
no_notes(uint32 annotators)
{
	const char **notes = nl_alloc(CurrentMemoryContext,
								  mul_size(Max(annotators, 1), sizeof(char *)));

	for (uint32 j = 0; j < annotators; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		notes[j] = "";
	}
	return notes;
}

/* What answers to one item are worth together, and how many items taught. */
static void
set_voices(AnnotatorModelView *model, const AnnotationView *view,
		   const FitOptions *options, const EmFit *fit)
{
	const AutoReport *report = fit->report;

	model->correlation = options->correlation;
	model->teaching_items = options->learn_from == LEARN_FROM_GOLD ? model->gold_items :
		em_count_telling(view);
	if (report == NULL)
		return;
	model->correlation = report->correlation.correlation;
	model->correlation_items = report->correlation.gold_items;
	model->voices = VOICES_ANNOTATORS;
	if (report->n_groups > 0)
	{
		model->voices = VOICES_GROUPS;
		model->group = (uint32 *) report->group;
	}
}

/* Takes the fit's counts. */
static void
add_evidence(AnnotatorModelView *model, const AnnotationView *view,
			 const FitOptions *options, EmFit *fit, MajorityTally *majority)
{
	EmEvidence	evidence = em_evidence(view, fit, options->learn_from == LEARN_FROM_GOLD,
									   model->correlation, majority_look, majority);

	model->evidence = evidence.counts;
	model->reported_right = evidence.reported_right;
	model->reported_variances = evidence.reported_variances;
	model->components[0].pool = fit->pool;
}

static const char *
stopped_by(const FitOptions *options, const EmFit *fit)
{
	if (options->learn_from == LEARN_FROM_GOLD)
		return "closed form";
	if (fit->stopped_by != NULL)
		return fit->stopped_by;
	return fit->converged ? "tolerance" : "max_iterations";
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
	ModelComponent component = {
		.variant = options->variant == VARIANT_AUTO ? VARIANT_FULL : options->variant,
		.weight = 1,
		.prior = fit->parameters.prior,
		.confusion = fit->parameters.confusion
	};
	AnnotatorModelView model = {
		.labels = view->labels,
		.abstains = view->abstains,
		.silence = view->silence,
		.prior_known = view->prior != NULL,
		.annotators = view->annotators,
		.n_components = 1,
		.components = &component,
		.items = view->items,
		.gold_weight = options->gold_weight,
		.n_annotations = view->annotations,
		.iterations = fit->iterations,
		.converged = fit->converged,
		.log_likelihood = fit->log_likelihood,
		.majority_disagreement = -1,
		.method = psprintf("dawid_skene %s%s%s%s%s", variant_names[options->variant],
						   fit->detail ? ": " : "", fit->detail ? fit->detail : "",
						   options->start ? ", started from a model" : "",
						   options->restarts == 0 ? "" :
						   psprintf(", best of %d starts", options->restarts + 1)),
		.options = fit_options_json(options),
		.stopped_by = stopped_by(options, fit)
	};
	MajorityTally majority = majority_begin(view);

	count_annotations(&model, view);
	model.notes = no_notes(view->annotators.n);
	set_voices(&model, view, options, fit);
	add_evidence(&model, view, options, fit, &majority);
	if (fit->report != NULL && !model.prior_known)
		model.shares = majority_shares(&majority);
	if (majority.items > 0 && !model_knows_nothing(&model))
		model.majority_disagreement = (double) majority.other / majority.items;
	add_fit_warnings(&model, view, options, fit, &majority);
	return make_model_in(context, &model);
}
