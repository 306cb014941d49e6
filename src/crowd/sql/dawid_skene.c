/*
 * dawid_skene.c
 *		dawid_skene(): from annotations to an annotator_model, as an aggregate
 *		over rows and as a function of an annotation_set.
 */
#include "crowd/em.h"

#include "crowd/sql/annotation_aggregate.h"
#include "crowd/apply_model.h"
#include "types/annotator_model.h"
#include "crowd/start_from_model.h"
#include "crowd/warnings.h"
#include "pg/json.h"
#include "pg/options.h"
#include "types/shared_value.h"

typedef struct FitOptions
{
	EmOptions	em;
	int			variant;		/* Variant */
	int			repeats;		/* Repeats */
	const AnnotatorModel *start;	/* an argument of its own, or NULL */
	double		gold_weight;
	int			learn_from;		/* LearnFrom */
	int			restarts;
	int			seed;
} FitOptions;

/* What a repeated (item, annotator, label) row counts for. */
typedef enum Repeats
{
	REPEATS_COUNT,				/* every row is a vote */
	REPEATS_DISTINCT			/* equal rows are one vote */
} Repeats;

/* Which items teach the confusion matrices. */
typedef enum LearnFrom
{
	LEARN_FROM_ALL,
	LEARN_FROM_GOLD
} LearnFrom;

#define NOT_GIVEN (-1)

static const char *const acceleration_names[] = {"squarem", "none", NULL};
static const char *const learn_from_names[] = {"all", "gold", NULL};
static const char *const repeats_names[] = {"count", "distinct", NULL};
static const char *const smoothing_words[] = {"estimate", NULL};

#define ESTIMATE OPTION_WORD(0)

static const FitOptions default_options = {
	.em = {.max_iterations = 100,.tolerance = 1e-6,.smoothing = NOT_GIVEN,.toward = NOT_GIVEN},
	.variant = NOT_GIVEN,
	.repeats = REPEATS_COUNT,
	.gold_weight = 1,
	.learn_from = LEARN_FROM_ALL,
	.restarts = NOT_GIVEN
};

static const Option option_table[] = {
	{"max_iterations", OPTION_INT, offsetof(FitOptions, em.max_iterations), 1, 1e6, NULL},
	{"tolerance", OPTION_DOUBLE, offsetof(FitOptions, em.tolerance), 0, 1, NULL},
	{"smoothing", OPTION_DOUBLE, offsetof(FitOptions, em.smoothing), 0, 1e9, smoothing_words},
	{"toward", OPTION_CHOICE, offsetof(FitOptions, em.toward), 0, 0, smoothing_target_names},
	{"acceleration", OPTION_CHOICE, offsetof(FitOptions, em.acceleration), 0, 0, acceleration_names},
	{"repeats", OPTION_CHOICE, offsetof(FitOptions, repeats), 0, 0, repeats_names},
	{"gold_weight", OPTION_DOUBLE, offsetof(FitOptions, gold_weight), 0.5, 1, NULL},
	{"learn_from", OPTION_CHOICE, offsetof(FitOptions, learn_from), 0, 0, learn_from_names},
	{"restarts", OPTION_INT, offsetof(FitOptions, restarts), 0, 1000, NULL},
	{"seed", OPTION_INT, offsetof(FitOptions, seed), 0, 1e9, NULL},
	{"variant", OPTION_CHOICE, offsetof(FitOptions, variant), 0, 0, variant_names}
};

/* What is computed in closed form or in fixed steps is the same from any start. */
static void
check_restarts(const FitOptions *options)
{
	const char *other = NULL;

	if (options->variant == VARIANT_AUTO || options->variant == VARIANT_MAJORITY)
		other = psprintf("variant \"%s\"", variant_names[options->variant]);
	else if (options->learn_from == LEARN_FROM_GOLD)
		other = "\"learn_from\" \"gold\"";
	else if (options->em.estimate)
		other = "\"smoothing\" \"estimate\"";
	if (options->restarts > 0 && other != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"restarts\" does not go with %s", other),
				 errhint("Restarts are for variants \"full\", \"class\", \"one_coin\" and \"shared\", learned from all items and with a given smoothing.")));
}

/* Variant auto smooths as it finds best; a matrix for all has no crowd beside it. */
static void
check_smoothing(const FitOptions *options)
{
	if (options->variant == VARIANT_AUTO &&
		(options->em.smoothing != NOT_GIVEN || options->em.toward != NOT_GIVEN))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" does not go with variant \"auto\"",
						options->em.smoothing != NOT_GIVEN ? "smoothing" : "toward"),
				 errhint("Variant \"auto\" sets it; name another variant, such as \"full\".")));
	if (options->em.toward == TOWARD_ACCURACY && options->variant != VARIANT_FULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"toward\" \"accuracy\" goes with variant \"full\" only")));
	if (options->em.smoothing == ESTIMATE &&
		(options->variant == VARIANT_SHARED || options->variant == VARIANT_MAJORITY ||
		 options->learn_from == LEARN_FROM_GOLD))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"smoothing\" \"estimate\" does not go with %s",
						options->learn_from == LEARN_FROM_GOLD ?
						"\"learn_from\" \"gold\"" :
						psprintf("variant \"%s\"", variant_names[options->variant])),
				 errhint("Give a number of pseudo-counts instead.")));
}

/* Who says how matrices are smoothed or started means full matrices. */
static Variant
default_variant(const FitOptions *options)
{
	return options->em.smoothing != NOT_GIVEN || options->em.toward != NOT_GIVEN ||
		options->restarts > 0 ? VARIANT_FULL : VARIANT_AUTO;
}

/* A model is a value and has an argument of its own. */
static void
refuse_start(const Jsonb *options)
{
	JsonbValue	key = {.type = jbvString,.val.string = {5, "start"}};

	if (findJsonbValueFromContainer((JsonbContainer *) &options->root, JB_FOBJECT,
									&key) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"start\" is not an option but an argument"),
				 errhint("Give the model itself: dawid_skene(annotation_set, options, start => model).")));
}

static FitOptions
parse_options(const Jsonb *jsonb)
{
	FitOptions	options = default_options;

	if (jsonb != NULL)
		refuse_start(jsonb);
	if (jsonb != NULL)
		options_parse(jsonb, option_table, lengthof(option_table), &options);
	if (options.variant == NOT_GIVEN)
		options.variant = default_variant(&options);
	check_smoothing(&options);
	if (options.restarts == NOT_GIVEN)
		options.restarts = 0;
	if (options.em.smoothing == NOT_GIVEN)
		options.em.smoothing = 0;
	if (options.em.toward == NOT_GIVEN)
		options.em.toward = TOWARD_POOL;
	options.em.estimate = options.em.smoothing == ESTIMATE;
	check_restarts(&options);
	return options;
}

/* All options, with the values used, for the model's record. */
static char *
options_json(const FitOptions *o)
{
	StringInfoData buf;
	Jsonb	   *options;

	initStringInfo(&buf);
	appendStringInfo(&buf, "{\"variant\": \"%s\", \"max_iterations\": %d, \"tolerance\": ",
					 variant_names[o->variant], o->em.max_iterations);
	jsonio_append_double(&buf, o->em.tolerance);
	appendStringInfoString(&buf, ", \"smoothing\": ");
	if (o->em.estimate || o->variant == VARIANT_AUTO)
		appendStringInfoString(&buf, "\"estimate\"");
	else
		jsonio_append_double(&buf, o->em.smoothing);
	appendStringInfo(&buf, ", \"toward\": \"%s\", \"acceleration\": \"%s\", \"repeats\": \"%s\", \"learn_from\": \"%s\"",
					 smoothing_target_names[o->em.toward],
					 acceleration_names[o->em.acceleration],
					 repeats_names[o->repeats],
					 learn_from_names[o->learn_from]);
	appendStringInfoString(&buf, ", \"gold_weight\": ");
	jsonio_append_double(&buf, o->gold_weight);
	appendStringInfo(&buf, ", \"restarts\": %d, \"seed\": %d}", o->restarts, o->seed);

	/* in the form that reading the model back gives */
	options = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(buf.data)));
	return JsonbToCString(NULL, &options->root, VARSIZE(options));
}

/* The view with equal annotations of an item taken once. */
static AnnotationView
without_repeats(const AnnotationView *view)
{
	AnnotationView result = *view;
	MemoryContext context = CurrentMemoryContext;
	uint32	   *starts = nl_alloc(context, ((Size) view->items + 1) * sizeof(uint32));
	uint32	   *annotator = nl_alloc(context, Max(view->annotations, 1) * sizeof(uint32));
	uint16	   *label = nl_alloc(context, Max(view->annotations, 1) * sizeof(uint16));
	uint32		n = 0;

	for (uint32 i = 0; i < view->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		starts[i] = n;
		for (uint32 a = view->starts[i]; a < view->starts[i + 1]; a++)
		{
			NL_CHECK_INTERRUPTS(a);
			if (n > starts[i] && annotator[n - 1] == view->annotator[a] &&
				label[n - 1] == view->label[a])
				continue;
			annotator[n] = view->annotator[a];
			label[n] = view->label[a];
			n++;
		}
	}
	starts[view->items] = n;
	result.annotations = n;
	result.starts = starts;
	result.annotator = annotator;
	result.label = label;
	return result;
}

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
static AnnotatorModel *
make_model(const AnnotationView *view, const FitOptions *options, EmFit *fit,
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
		.options = options_json(options)
	};

	count_annotations(&model, view);
	add_fit_warnings(&model, view, fit, options->em.tolerance);	/* reads the last counts */
	em_evidence(view, &fit->parameters, options->learn_from == LEARN_FROM_GOLD,
				&fit->counts, variance);
	return make_model_in(context, &model);
}

/*
 * Memory.  A fit has the team's tables, and beside them those of its parameters
 * and counts, which are two.  Who fits more than once holds more meanwhile:
 * variant auto another fit; gold the votes; restarts a start, two fits and the
 * anchor's parameters.  The model, which is made when the team's tables are gone,
 * takes no more: three tables in it, and three that it is made of.  All variants
 * have whole tables, as the model has, and as sums must be made in one order.
 *
 * Some matrices of single annotators come and go.
 */
#define SINGLE_MATRICES 12

static Size
tables_beside(const FitOptions *options)
{
	if (options->restarts > 0)
		return 6;
	if (options->learn_from == LEARN_FROM_GOLD)
		return 3;
	return (options->variant == VARIANT_AUTO ? 4 : 2) + (options->start != NULL ? 1 : 0);
}

/* What one pass for each annotation needs, and the model to start from. */
static Size
other_memory(const AnnotationView *view, const FitOptions *options)
{
	Size		size = 0;

	if (options->repeats == REPEATS_DISTINCT)
		size = add_size(mul_size(view->annotations, sizeof(uint32) + sizeof(uint16)),
						mul_size((Size) view->items + 1, sizeof(uint32)));
	if (options->start != NULL)
		size = add_size(size, add_size(VARSIZE(options->start),
									   model_scorer_memory(options->start)));
	return size;
}

/* What else helps against a fit that is too large. */
static const char *
memory_remedy(const FitOptions *options)
{
	if (options->restarts > 0)
		return "do without restarts, fit fewer annotators at a time (GROUP BY), or merge classes";
	if (options->variant == VARIANT_AUTO)
		return "name a variant, such as \"full\" (each needs less than \"auto\"), fit fewer annotators at a time (GROUP BY), or merge classes";
	return "fit fewer annotators at a time (GROUP BY), or merge classes";
}

/* Refuses a fit that is too large; returns what it needs beside the team. */
static Size
check_memory(const AnnotationView *view, const FitOptions *options)
{
	Size		team = em_team_memory(view);
	Size		matrix = mul_size(mul_size(view->labels.n, view->labels.n), sizeof(double));
	Size		beside = add_size(mul_size(tables_beside(options), em_table_size(view)),
								  mul_size(SINGLE_MATRICES, matrix));
	Size		other = other_memory(view, options);

	if (options->restarts > 0)
		beside = add_size(beside, em_restart_memory(view));
	if (other > add_size(team, beside))
		nl_check_memory(add_size(add_size(team, beside), other), "dawid_skene()");
	nl_check_memory_for(add_size(add_size(team, beside), other), "dawid_skene()",
						memory_remedy(options),
						"It grows with annotators times classes squared: %u annotators with %u x %u classes each.",
						view->annotators.n, view->labels.n, view->labels.n);
	return add_size(beside, other);
}

/*
 * Confusion matrices from the items with gold alone, in closed form; then one
 * pass over all items.  What the crowd agrees on elsewhere has no say in who is
 * trusted, which is the cure where most annotators share a mistake.
 *
 * Which items have gold says nothing about how frequent a class is, so the
 * class prior is that of all vote shares, and so is what stands in for the row
 * of a class that no gold item has.
 */
static EmFit *
fit_gold(EmTeam *team, const FitOptions *options)
{
	EmOptions	em = options->em;
	EmFit		gold = {.converged = true,.counts = em_tables_create(&team->view)};
	EmCounts	votes = em_tables_create(&team->view);

	if (options->variant != VARIANT_AUTO)
		em.variant = options->variant;
	else
	{
		em.variant = VARIANT_FULL;
		em.smoothing = em_light_smoothing(team, em.variant);
	}
	if (em_gold_counts(&team->view, &gold.counts) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"learn_from\" is \"gold\", but no item has a gold label"),
				 errhint("Give gold labels as fourth argument, or learn from \"all\".")));
	em_vote_shares(team);
	em_tables_copy(team, &votes, &team->tables[SLOT_COUNTS]);
	em.fixed_prior = true;
	return em_one_step(team, &em, &votes, &gold);
}

/* A smoothing that is estimated begins as the light one of variant auto. */
static EmFit *
fit_variant(EmTeam *team, const EmOptions *options, const EmCounts *start)
{
	EmOptions	light = *options;

	if (!options->estimate)
		return em_fit(team, options, start);
	light.smoothing = em_light_smoothing(team, options->variant);
	return em_refit(team, options, em_fit(team, &light, start));
}

static EmFit *
run_fit(EmTeam *team, FitOptions *options)
{
	const AnnotationView *view = &team->view;
	EmCounts	counts;
	EmCounts   *start = NULL;
	EmFit	   *fit;

	if (options->learn_from == LEARN_FROM_GOLD)
		return fit_gold(team, options);
	if (options->start != NULL)
	{
		counts = em_tables_create(view);
		start_from_model(view, options->start, &counts);
		start = &counts;
	}
	if (options->variant == VARIANT_AUTO)
		return fit_auto(team, &options->em, start);
	options->em.variant = options->variant;
	fit = fit_variant(team, &options->em, start);
	if (start != NULL)
		em_tables_free(start);
	if (options->restarts == 0)
		return fit;
	return em_restart(team, &options->em, options->restarts, options->seed, fit);
}

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
	FitOptions	options = parse_options(options_jsonb);
	AnnotationView view = annotation_set_view(set);
	Size		beside;
	EmTeam	   *team;
	EmFit	   *fit;
	AnnotatorModel *model;

	if (options_jsonb == NULL)
		options = parse_options(state_options_parse(view.options));
	options.start = start_argument(fcinfo, &options);
	if (view.items == 0)
	{
		MemoryContextSwitchTo(old);
		MemoryContextDelete(phase);
		PG_RETURN_NULL();
	}
	view.gold_weight = options.gold_weight;
	annotator_model_check_size(&view.labels, &view.annotators, 1);
	beside = check_memory(&view, &options);
	if (options.repeats == REPEATS_DISTINCT)
		view = without_repeats(&view);
	team = em_team_create(&view, beside, em_run_unit);
	fit = run_fit(team, &options);
	em_team_end(team);
	model = make_model(&view, &options, fit, old);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(phase);
	PG_RETURN_DATUM(shared_value_make(model));
}

/* dawid_skene(annotation_set, options jsonb, start annotator_model); NULL is none */
NL_FUNCTION(dawid_skene_fit);
Datum
dawid_skene_fit(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return fit_set(fcinfo, PG_GETARG_DATUM(0),
				   options_argument(fcinfo, 1, OPTIONS_JSONB));
}

/* dawid_skene(annotation_set, options text, start annotator_model) */
NL_FUNCTION(dawid_skene_fit_text_options);
Datum
dawid_skene_fit_text_options(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return fit_set(fcinfo, PG_GETARG_DATUM(0),
				   options_argument(fcinfo, 1, OPTIONS_TEXT));
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

/* A row of an aggregate whose last argument is options. */
static Datum
accum_with_options(FunctionCallInfo fcinfo, ArgumentText get_text, OptionsForm form)
{
	int			last = PG_NARGS() - 1;
	RowOptions	options = {true, NULL};

	if (!annotation_set_is_row(fcinfo))
		VALUE_RETURN_STATE();
	options.value = options_argument(fcinfo, last, form);
	if (PG_ARGISNULL(0))
		(void) parse_options(options.value);	/* bad ones fail before the work */
	return annotation_set_accum_row(fcinfo, last, get_text, &options);
}

/* (annotation_set, item, annotator, label [, gold], options jsonb) */
NL_FUNCTION(dawid_skene_accum);
Datum
dawid_skene_accum(PG_FUNCTION_ARGS)
{
	return accum_with_options(fcinfo, nl_text_argument, OPTIONS_JSONB);
}

NL_FUNCTION(dawid_skene_accum_any);
Datum
dawid_skene_accum_any(PG_FUNCTION_ARGS)
{
	return accum_with_options(fcinfo, nl_any_to_text, OPTIONS_JSONB);
}

/* (annotation_set, item, annotator, label, gold, options text) */
NL_FUNCTION(dawid_skene_accum_text_options);
Datum
dawid_skene_accum_text_options(PG_FUNCTION_ARGS)
{
	return accum_with_options(fcinfo, nl_text_argument, OPTIONS_TEXT);
}

NL_FUNCTION(dawid_skene_accum_any_text_options);
Datum
dawid_skene_accum_any_text_options(PG_FUNCTION_ARGS)
{
	return accum_with_options(fcinfo, nl_any_to_text, OPTIONS_TEXT);
}
