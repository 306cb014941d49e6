/*
 * dawid_skene.c
 *		dawid_skene(): from annotations to an annotator_model, as an aggregate
 *		over rows and as a function of an annotation_set.
 */
#include "crowd/fit.h"
#include "crowd/sql/annotation_aggregate.h"
#include "types/shared_value.h"

/* The model to start from is argument 2, if there is one. */
static const AnnotatorModel *
start_argument(FunctionCallInfo fcinfo, const FitOptions *options)
{
	if (PG_NARGS() <= 2 || PG_ARGISNULL(2))
		return NULL;
	if (options->learn_from == LEARN_FROM_GOLD)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a model to start from does not go with \"learn_from\" \"gold\""),
				 errhint("What is learned from gold has a closed form and no start.")));
	return annotator_model_get(PG_GETARG_DATUM(2));
}

static Datum
fit_set(FunctionCallInfo fcinfo, Datum set, const Jsonb *options_jsonb)
{
	MemoryContext phase = AllocSetContextCreate(CurrentMemoryContext,
												"dawid_skene fit",
												ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(phase);
	FitOptions	options = fit_options_parse(options_jsonb);
	AnnotationView view = annotation_set_view(set);
	EmFit	   *fit;
	AnnotatorModel *model;

	if (options_jsonb == NULL)
		options = fit_options_parse(state_options_parse(view.options));
	options.start = start_argument(fcinfo, &options);
	if (view.items == 0 || !class_options_apply(&view, &options))
	{
		MemoryContextSwitchTo(old);
		MemoryContextDelete(phase);
		PG_RETURN_NULL();
	}
	view.gold_weight = options.gold_weight;
	fit = run_fit(&view, &options);
	model = build_model(&view, &options, fit, old);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(phase);
	PG_RETURN_DATUM(shared_value_make(model));
}

/* dawid_skene(annotation_set, options, start annotator_model); NULL is none */
NL_FUNCTION(dawid_skene_fit);
Datum
dawid_skene_fit(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return fit_set(fcinfo, PG_GETARG_DATUM(0), options_argument(fcinfo));
}

/* Final function of the aggregates: options, if any, are in the state. */
NL_FUNCTION(dawid_skene_final);
Datum
dawid_skene_final(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return fit_set(fcinfo, PG_GETARG_DATUM(0), NULL);
}

/* (annotation_set, item, annotator, label [, gold], options) */
NL_FUNCTION(dawid_skene_accum);
Datum
dawid_skene_accum(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) && annotation_set_is_row(fcinfo))
		(void) fit_options_parse(options_argument(fcinfo)); /* bad ones fail before the work */
	return annotation_set_accum(fcinfo);
}
