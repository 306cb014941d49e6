/*
 * dawid_skene.c
 *		dawid_skene(): from annotations to an annotator_model, as an aggregate
 *		over rows and as a function of an annotation_set.
 */
#include "em.h"

#include "annotation_aggregate.h"
#include "annotator_model.h"
#include "fit_auto.h"
#include "fit_start.h"
#include "fit_warnings.h"
#include "jsonio.h"
#include "options.h"

#define INTERRUPT_BLOCK 16384

typedef struct FitOptions
{
	EmOptions	em;
	int			variant;		/* Variant */
	int			repeats;		/* Repeats */
	char	   *start;			/* a model as JSON, or NULL */
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
	{"start", OPTION_OBJECT, offsetof(FitOptions, start), 0, 0, NULL},
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

/* Variant auto has a rule of its own; a matrix for all has no crowd beside it. */
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

static FitOptions
parse_options(const Jsonb *jsonb)
{
	FitOptions	options = default_options;

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
	if (options.start != NULL && options.learn_from == LEARN_FROM_GOLD)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"start\" does not go with \"learn_from\" \"gold\""),
				 errhint("What is learned from gold has a closed form and no start.")));
	check_restarts(&options);
	return options;
}

/* All options but the start, with the values used, for the model's record. */
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

/*
 * A quoted literal in fourth place is taken as gold by SQL's rules.  One gold
 * label for all rows that looks like options can only be that.
 */
static void
check_gold(const AnnotationView *view)
{
	uint32		gold = view->gold == NULL || view->items == 0 ? NO_GOLD : view->gold[0];
	char	   *name;

	if (gold == NO_GOLD)
		return;
	for (uint32 i = 1; i < view->items; i++)
		if (view->gold[i] != gold)
			return;
	name = names_cstring(&view->labels, gold);
	if (name[0] == '{' && name[strlen(name) - 1] == '}')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("options were given where the gold label is expected"),
				 errhint("Write the options as jsonb: '%s'::jsonb.", name)));
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
		if (i % INTERRUPT_BLOCK == 0)
			CHECK_FOR_INTERRUPTS();
		starts[i] = n;
		for (uint32 a = view->starts[i]; a < view->starts[i + 1]; a++)
		{
			if (a % INTERRUPT_BLOCK == 0)
				CHECK_FOR_INTERRUPTS();
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

/* The engine's tables have the label before the truth; a model's, after. */
static void
put_truth_first(double *tables, Size annotators, Size classes)
{
	for (Size j = 0; j < annotators; j++)
	{
		CHECK_FOR_INTERRUPTS();
		for (Size truth = 0; truth < classes; truth++)
			for (Size label = 0; label < truth; label++)
			{
				double	   *a = &tables[em_cell(classes, j, truth, label)];
				double	   *b = &tables[em_cell(classes, j, label, truth)];
				double		swap = *a;

				*a = *b;
				*b = swap;
			}
	}
}

static void
count_annotations(AnnotatorModelView *model, const AnnotationView *view)
{
	model->annotations = palloc0(Max(view->annotators.n, 1) * sizeof(double));
	for (uint32 a = 0; a < view->annotations; a++)
	{
		if (a % INTERRUPT_BLOCK == 0)
			CHECK_FOR_INTERRUPTS();
		model->annotations[view->annotator[a]]++;
	}
	if (view->gold != NULL)
		for (uint32 i = 0; i < view->items; i++)
			model->gold_items += view->gold[i] != NO_GOLD;
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
	uint32		annotators = view->annotators.n;
	uint32		classes = view->labels.n;
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
	put_truth_first(component.pool, 1, classes);
	put_truth_first(component.confusion, annotators, classes);
	put_truth_first(model.counts, annotators, classes);
	put_truth_first(model.variances, annotators, classes);
	return make_model_in(context, &model);
}

/*
 * Bytes of a fit beside the view.  The team has six tables; restarts have six
 * more (a start, two fits of two, and the anchor's parameters), and no other
 * way to fit has as many.  The team's are gone when the model is made.  Reading
 * a model to start from takes up to START_FACTOR times its text (jsonb's parser,
 * mostly).
 */
#define TABLES 12
#define START_FACTOR 60

static Size
fit_memory(const AnnotationView *view, const FitOptions *options)
{
	Size		size = mul_size(TABLES, em_table_size(view));

	if (options->repeats == REPEATS_DISTINCT)
		size = add_size(size, mul_size(view->annotations, 6));
	if (options->variant == VARIANT_AUTO)
		size = add_size(size, fit_auto_memory(view));
	if (options->restarts > 0)
		size = add_size(size, em_restart_memory(view));
	if (options->start != NULL)
		size = add_size(size, mul_size(strlen(options->start), START_FACTOR));
	return size;
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

/* What the model is read into is many times its size, and freed at once. */
static void
parse_start(const AnnotationView *view, char *json, EmCounts *counts)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "dawid_skene start",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Datum		model = DirectFunctionCall1(annotator_model_in,
											CStringGetDatum(json));

	start_from_model(view, annotator_model_get(model), counts);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* A smoothing that is estimated begins as a light one. */
static EmFit *
fit_variant(EmTeam *team, const EmOptions *options, const EmCounts *start)
{
	EmOptions	light = *options;

	if (!options->estimate)
		return em_fit(team, options, start);
	light.smoothing = em_light_smoothing(team, options->variant);
	return em_refit(team, options, em_fit(team, &light, start));
}

/* Frees the start. */
static EmFit *
run_variant(const AnnotationView *view, FitOptions *options, Size memory,
			EmCounts *start)
{
	EmTeam	   *team = em_team_create(view, memory, em_run_unit);
	EmFit	   *fit;

	if (options->learn_from == LEARN_FROM_GOLD)
		fit = fit_gold(team, options);
	else
	{
		options->em.variant = options->variant;
		fit = fit_variant(team, &options->em, start);
		if (start != NULL)
			em_tables_free(start);
		if (options->restarts > 0)
			fit = em_restart(team, &options->em, options->restarts, options->seed, fit);
	}
	em_team_end(team);
	return fit;
}

/* Variant auto gives the view its voices. */
static EmFit *
run_fit(AnnotationView *view, FitOptions *options, Size memory)
{
	bool		is_auto = options->variant == VARIANT_AUTO &&
		options->learn_from != LEARN_FROM_GOLD;
	AutoOptions auto_options = {
		.max_passes = options->em.max_iterations,
		.beside = memory,
		.find_copies = true,
		.correlation = ESTIMATE_CORRELATION
	};
	EmCounts	counts;
	EmCounts   *start = NULL;

	if (is_auto)
		em_set_voices(view, auto_options.groups);
	if (options->start != NULL)
	{
		counts = em_tables_create(view);
		parse_start(view, options->start, &counts);
		start = &counts;
	}
	return is_auto ? fit_auto(view, &auto_options, start) :
		run_variant(view, options, memory, start);
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
	Size		memory;
	EmFit	   *fit;
	AnnotatorModel *model;

	if (options_jsonb == NULL && view.options != NULL)
		options = parse_options(DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
																   CStringGetDatum(view.options))));
	if (view.items == 0)
	{
		MemoryContextSwitchTo(old);
		MemoryContextDelete(phase);
		PG_RETURN_NULL();
	}
	check_gold(&view);
	view.gold_weight = options.gold_weight;
	memory = fit_memory(&view, &options);
	nl_check_memory(memory, "dawid_skene()");
	annotator_model_check_size(&view.labels, &view.annotators, 1);
	if (options.repeats == REPEATS_DISTINCT)
		view = without_repeats(&view);
	fit = run_fit(&view, &options, memory);
	model = make_model(&view, &options, fit, old);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(phase);
	PG_RETURN_POINTER(model);
}

/* dawid_skene(annotation_set, options jsonb) */
NL_FUNCTION(dawid_skene_fit);
Datum
dawid_skene_fit(PG_FUNCTION_ARGS)
{
	return fit_set(fcinfo, PG_GETARG_DATUM(0), PG_GETARG_JSONB_P(1));
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
accum_with_options(FunctionCallInfo fcinfo, ArgumentText get_text)
{
	int			last = PG_NARGS() - 1;
	ExpandedAnnotations *ea = annotation_set_accum_row(fcinfo, last, get_text);

	if (ea == NULL)
		VALUE_RETURN_STATE();
	if (!PG_ARGISNULL(last))
	{
		Jsonb	   *options = PG_GETARG_JSONB_P(last);

		if (ea->options == NULL)
			(void) parse_options(options);	/* bad ones fail before the work */
		annotation_set_options(ea, options);
	}
	PG_RETURN_DATUM(EOHPGetRWDatum(&ea->hdr));
}

/* (annotation_set, item, annotator, label [, gold], options jsonb) */
NL_FUNCTION(dawid_skene_accum);
Datum
dawid_skene_accum(PG_FUNCTION_ARGS)
{
	return accum_with_options(fcinfo, nl_text_argument);
}

NL_FUNCTION(dawid_skene_accum_any);
Datum
dawid_skene_accum_any(PG_FUNCTION_ARGS)
{
	return accum_with_options(fcinfo, nl_any_to_text);
}
