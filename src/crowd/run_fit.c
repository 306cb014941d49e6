/*
 * run_fit.c
 *		The fits that options of dawid_skene() ask for, and what memory they take.
 *
 * Memory.  A fit has the team's tables, and beside them those of its parameters
 * and counts, which are two.  Who fits more than once holds more meanwhile:
 * variant auto another fit, where it hides gold; gold the votes; restarts a start, two fits and the
 * anchor's parameters.  Where the crowd contradicts gold, other fits are made beside the
 * one that is there (gold_check.c).  Tables are as large as the variant needs.  When the
 * team's are gone the evidence is made, beside the fit's, and the model, beside what it is
 * made of.  Some matrices, such as a pool, come and go.
 *
 * Interrupts: in the fits, and for a block of items or annotations.
 */
#include "crowd/fit.h"

#include "crowd/apply_model.h"
#include "crowd/informed.h"

#define SINGLE_MATRICES 12

static bool
uses_rule(const FitOptions *options)
{
	return options->variant == VARIANT_AUTO && options->learn_from != LEARN_FROM_GOLD;
}

/* How the tables of a fit are laid out: those of "auto" serve its rule alone. */
static Variant
layout_variant(const FitOptions *options)
{
	return options->variant == VARIANT_AUTO && !uses_rule(options) ? VARIANT_FULL : options->variant;
}

/* Where gold is checked, a teacher's team takes two more than that of the rule. */
static Size
tables_beside(const AnnotationView *view, const FitOptions *options)
{
	if (options->restarts > 0)
		return 6;
	if (view->gold != NULL)
		return uses_rule(options) ? 7 : 5;
	return 2 + (options->start != NULL ? 1 : 0);
}

/* The view without repeats. */
static Size
view_memory(const AnnotationView *view, const FitOptions *options)
{
	if (options->repeats == REPEATS_COUNT)
		return 0;
	return add_size(mul_size(view->annotations, sizeof(uint32) + sizeof(uint16)),
					mul_size((Size) view->items + 1, sizeof(uint32)));
}

/* The model to start from; where it takes most, beside the "rest", it is blamed. */
static Size
start_memory(const AnnotatorModel *start, Size rest)
{
	Size		size;

	if (start == NULL)
		return 0;
	size = add_size(VARSIZE(start), model_scorer_memory(start));
	if (size > rest)
		nl_check_memory_for(add_size(size, rest), "dawid_skene()",
							"fit without a model to start from",
							"Most is for that model: %u annotators with %u x %u classes each.",
							start->annotators, start->labels, start->labels);
	return size;
}

/*
 * What is there when the team is gone: the fit, the evidence, and the model.  Refuses
 * a fit whose model could not be stored, before the work.
 */
static Size
model_memory(const AnnotationView *view, Size columns)
{
	ModelComponent component = {.variant = view->variant};
	AnnotatorModelView model = {
		.labels = view->labels,
		.annotators = view->annotators,
		.n_components = 1,
		.components = &component
	};
	Size		size = value_check_size(annotator_model_size(&model, columns),
										KIND_ANNOTATOR_MODEL);
	Size		evidence = evidence_size(view->annotators.n, view->labels.n, columns);
	Size		records = mul_size(view->annotators.n, 4 * sizeof(double) + sizeof(char *));

	/* warnings are made before the model is */
	size = Max(size, informed_memory(view));
	return add_size(add_size(em_table_size(view), em_evidence_places_size(view)),
					add_size(add_size(evidence, size), records));
}

/* What else helps against a fit that is too large. */
static const char *
memory_remedy(const FitOptions *options)
{
	if (options->restarts > 0)
		return "do without restarts, fit fewer annotators at a time (GROUP BY), or merge classes";
	if (options->variant == VARIANT_AUTO)
		return "name a variant, such as \"one_coin\" (which needs much less), fit fewer annotators at a time (GROUP BY), or merge classes";
	if (options->variant == VARIANT_FULL)
		return "name another variant, such as \"one_coin\" (which needs much less), fit fewer annotators at a time (GROUP BY), or merge classes";
	return "fit fewer annotators at a time (GROUP BY), or merge classes";
}

/* What decides how much memory a fit takes. */
static const char *
memory_cause(const AnnotationView *view, Size columns)
{
	uint32		j = view->annotators.n;
	uint32		k = view->labels.n;

	if (variant_is_whole(view->variant))
		return psprintf("It grows with annotators times classes squared: %u annotators with %u x %u classes each.", j, k, k);
	return psprintf("It grows with classes times the different labels of each annotator: %u classes, %zu labels of %u annotators.",
					k, columns, j);
}

/* Refuses a fit that is too large; returns what it needs beside the team. */
static Size
check_memory(const AnnotationView *view, const FitOptions *options)
{
	Size		team = em_team_memory(view);
	Size		matrix = mul_size(mul_size(view->labels.n, view->labels.n), sizeof(double));
	Size		beside = add_size(mul_size(tables_beside(view, options), em_table_size(view)),
								  mul_size(SINGLE_MATRICES, matrix));
	Size		other = add_size(view_memory(view, options), class_options_memory(view, options));
	Size		columns;
	Size		model;

	if (options->restarts > 0)
		beside = add_size(beside, em_restart_memory(view));
	nl_check_memory(em_evidence_places_size(view), "dawid_skene()");
	columns = em_evidence_columns(view);
	model = model_memory(view, columns);
	if (model > add_size(team, beside))
		beside = model - team;	/* the team's memory is free again */
	if (uses_rule(options))
		other = add_size(other, fit_auto_memory(view));
	other = add_size(other, start_memory(options->start,
										 add_size(add_size(team, beside), other)));
	if (other > add_size(team, beside))
		nl_check_memory(add_size(add_size(team, beside), other), "dawid_skene()");
	nl_check_memory_for(add_size(add_size(team, beside), other), "dawid_skene()",
						memory_remedy(options), "%s", memory_cause(view, columns));
	return add_size(beside, other);
}

/* The view with equal annotations of an item taken once. */
AnnotationView
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

static EmFit *
fit_by_team(EmTeam *team, FitOptions *options, const EmCounts *start)
{
	EmFit	   *fit;

	if (options->learn_from == LEARN_FROM_GOLD)
		return fit_gold(team, options);
	options->em.variant = options->variant;
	fit = fit_variant(team, &options->em, start);
	if (options->restarts == 0)
		return fit;
	return em_restart(team, &options->em, options->restarts, options->seed, fit);
}

static EmFit *
run_variant(const AnnotationView *view, FitOptions *options, Size beside, EmCounts *start)
{
	EmTeam	   *team = em_team_create(view, beside, em_run_unit);
	EmFit	   *fit = fit_by_team(team, options, start);

	em_team_end(team);
	if (start != NULL)
		em_tables_free(start);
	return fit;
}

/*
 * The fit of a view as it is, by all answers or by gold alone; once, from vote
 * shares.
 */
EmFit *
run_teacher(const AnnotationView *view, const FitOptions *options, LearnFrom teacher,
			Size beside)
{
	FitOptions	by_teacher = *options;
	AnnotationView of_teacher = *view;
	EmTeam	   *team;
	EmFit	   *fit;

	by_teacher.learn_from = teacher;
	by_teacher.restarts = 0;
	of_teacher.variant = layout_variant(&by_teacher);
	team = em_team_create(&of_teacher, beside, em_run_unit);
	fit = uses_rule(&by_teacher) ? em_rule(team, by_teacher.em.max_iterations, NULL) :
		fit_by_team(team, &by_teacher, NULL);
	em_team_end(team);
	return fit;
}

/*
 * The fit of a view that has items; its tables are in the current context.
 * Leaves in the view the annotations that had a vote, and for variant auto what
 * they count.
 */
EmFit *
run_fit(AnnotationView *view, FitOptions *options)
{
	bool		is_auto = uses_rule(options);
	AutoOptions auto_options = {
		.max_passes = options->em.max_iterations,
		.find_copies = options->copies == COPIES_AUTO,
		.correlation = options->correlation == CORRELATION_ESTIMATE ? ESTIMATE_CORRELATION :
		options->correlation
	};
	EmCounts	counts;
	EmCounts   *start = NULL;
	EmFit	   *fit;
	Size		beside;

	view->variant = layout_variant(options);
	beside = auto_options.beside = check_memory(view, options);
	if (options->repeats == REPEATS_DISTINCT)
		*view = without_repeats(view);
	if (is_auto)
	{
		auto_options.groups = groups_of_option(view, options->groups);
		em_set_voices(view, auto_options.groups);
	}
	if (options->start != NULL)
	{
		counts = em_tables_create(view);
		start_from_model(view, options->start, &counts);
		start = &counts;
	}
	fit = is_auto ? fit_auto(view, &auto_options, start) :
		run_variant(view, options, beside, start);
	fit->gold = check_gold(view, options, fit, beside);
	return fit;
}
