/*
 * learn_annotators.c
 *		From counts whose truths are given to an annotator_model: the M step alone.
 *
 * The truths come from gold, a classifier, another model; nothing is said about
 * them here.  Every row counts as an item of its own, since rows do not say which
 * item they are about.
 *
 *	auto	the M step of variant auto (em_rule.c), with the given truths in the place
 *			of votes; class prior (sum of T + 1) / (rows + K)
 *	full	Dawid & Skene 1979, eq. 2.3 and 2.4: (C + s pool) / (n + s), where the
 *			pool is all annotators' rates, and s pseudo-counts may be 0; class
 *			prior sum of T / rows.  Of a truth that nobody met all labels are
 *			equally likely.
 *
 * The log-likelihood is that of truths and answers together, expected.
 *
 * Memory: the team's tables (em_team.c), for a set without items, and beside them
 * counts, variances and matrices; the model, when the team's are gone.  All but the
 * model is freed, since learn_from_crowds() makes many models.  Interrupts: for each
 * cell or annotator.
 */
#include "crowd/learn_annotators.h"

#include <math.h>

#include "crowd/em.h"
#include "crowd/em_correlation.h"

#define NOT_GIVEN (-1)

typedef enum LearnVariant
{
	LEARN_AUTO,
	LEARN_FULL
} LearnVariant;

static const char *const learn_variant_names[] = {"auto", "full", NULL};

static const Option option_table[] = {
	{"variant", OPTION_CHOICE, offsetof(LearnOptions, variant), 0, 0, learn_variant_names},
	{"smoothing", OPTION_DOUBLE, offsetof(LearnOptions, smoothing), 0, 1e9, NULL},
	{"abstain", OPTION_TEXT, offsetof(LearnOptions, abstain), 0, 0, NULL},
	{"correlation", OPTION_DOUBLE, offsetof(LearnOptions, correlation), 0, 1, NULL}
};

/* The defaults are those of dawid_skene(). */
LearnOptions
learn_options_parse(const Jsonb *jsonb)
{
	LearnOptions options = {NOT_GIVEN, NOT_GIVEN, NULL, NOT_GIVEN, false};

	if (jsonb != NULL)
		options_parse(jsonb, option_table, lengthof(option_table), &options);
	if (options.variant == NOT_GIVEN)
		options.variant = options.smoothing == NOT_GIVEN ? LEARN_AUTO : LEARN_FULL;
	if (options.variant == LEARN_AUTO && options.smoothing > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"smoothing\" does not go with variant \"auto\""),
				 errhint("Variant \"auto\" sets it; name variant \"full\".")));
	if (options.smoothing == NOT_GIVEN)
		options.smoothing = 0;
	options.correlation_given = options.correlation != NOT_GIVEN;
	if (!options.correlation_given)
		options.correlation = options.variant == LEARN_AUTO ? ASSUMED_CORRELATION : 0;
	return options;
}

/*
 * The label of who does not name a class, plus 1, or 0.  If nobody gave it, there is
 * nothing to say about it.
 */
static uint32
find_abstain(const AnnotatorCountsView *counts, const char *label)
{
	int			place = label == NULL ? -1 : names_find(&counts->labels, name_of(label));

	for (uint32 i = 0; i < counts->n && place >= 0; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (counts->cells[i].truth == place)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a truth is \"%s\", which stands for no class", label),
					 errhint("Option \"abstain\" names a label that is an answer but no class; an unknown truth is NULL.")));
	}
	return place + 1;
}

/* Dense tables of the counts. */
static void
fill_tables(const AnnotatorCountsView *counts, EmCounts *count, double *variance)
{
	for (uint32 i = 0; i < counts->n; i++)
	{
		const CountCell *cell = &counts->cells[i];
		Size		at = em_cell(counts->labels.n, cell->annotator, cell->label, cell->truth);

		CHECK_FOR_INTERRUPTS();
		count->confusion[at] = exact_sum_value(&cell->count) / COUNT_UNITS;
		variance[at] = exact_sum_value(&cell->variance) / COUNT_UNITS;
		count->prior[cell->truth] += count->confusion[at];
	}
}

/*
 * Where annotators of one group are one voice, the crowd and the classes are what voices
 * say, and not all the counts.
 */
static void
fill_heard(EmTeam *team, const double *heard)
{
	Size		classes = team->classes;
	double	   *prior = team->tables[SLOT_COUNTS].prior;

	memset(team->heard, 0, team->n_stripes * classes * classes * sizeof(double));
	memcpy(team->heard, heard, classes * classes * sizeof(double));
	memset(prior, 0, classes * sizeof(double));
	for (Size c = 0; c < classes * classes; c++)
	{
		NL_CHECK_INTERRUPTS(c);
		prior[c % classes] += heard[c];
	}
}

static void
smooth_rates(const double *counts, double strength, const double *pool, Size classes,
			 double *row, double *result)
{
	memset(row, 0, classes * sizeof(double));
	for (Size c = 0; c < classes * classes; c++)
		row[c % classes] += counts[c];
	for (Size c = 0; c < classes * classes; c++)
	{
		double		n = row[c % classes] + strength;

		result[c] = n > 0 ? (counts[c] + strength * pool[c]) / n : pool[c];
	}
}

/* Of SLOT_COUNTS, as em_rule_given(). */
static EmFit *
fit_full(EmTeam *team, double strength, double rows)
{
	Size		classes = team->classes;
	Size		cells = classes * classes;
	EmCounts   *counts = &team->tables[SLOT_COUNTS];
	EmFit	   *fit = palloc0(sizeof(EmFit));

	fit->parameters = em_tables_create(&team->view);
	fit->counts = em_tables_create(&team->view);
	fit->pool = palloc(cells * sizeof(double));
	em_tables_copy(team, &fit->counts, counts);
	em_pool(team, fit->pool);
	for (Size j = 0; j < team->annotators; j++)
	{
		CHECK_FOR_INTERRUPTS();
		smooth_rates(counts->confusion + j * cells, strength, fit->pool, classes,
					 team->scratch, fit->parameters.confusion + j * cells);
	}
	for (Size k = 0; k < classes; k++)
		fit->parameters.prior[k] = counts->prior[k] / rows;
	return fit;
}

/* The M step of the counts; fills "variance", which is zero. */
static EmFit *
fit_counts(const AnnotatorCountsView *counts, const LearnOptions *options,
		   const AnnotationView *view, Size beside, double *variance)
{
	EmTeam	   *team = em_team_create(view, beside, em_run_unit);
	EmFit	   *fit;

	em_tables_clear(view, &team->tables[SLOT_COUNTS]);
	fill_tables(counts, &team->tables[SLOT_COUNTS], variance);
	if (counts->group != NULL)
		fill_heard(team, counts->heard);
	fit = options->variant == LEARN_AUTO ? em_rule_given(team, counts->rows) :
		fit_full(team, options->smoothing, counts->rows);
	em_team_end(team);
	return fit;
}

static double
log_likelihood(const EmFit *fit, Size cells, Size classes)
{
	double		sum = 0;

	for (Size i = 0; i < cells; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (fit->counts.confusion[i] > 0)
			sum += fit->counts.confusion[i] *
				(log(fit->parameters.confusion[i]) + log(fit->parameters.prior[i % classes]));
	}
	return sum;
}

/* What the model has beside its tables. */
static AnnotatorModelView
describe_model(const AnnotatorCountsView *counts, const LearnOptions *options)
{
	MemoryContext context = CurrentMemoryContext;
	Size		annotators = counts->annotators.n;
	AnnotatorModelView model = {
		.labels = counts->labels,
		.annotators = counts->annotators,
		.n_components = 1,
		.items = counts->rows,
		.n_annotations = counts->rows,
		.gold_weight = 1,
		.iterations = 1,
		.converged = true,
		.voices = options->variant == LEARN_AUTO ? VOICES_ANNOTATORS : VOICES_ANSWERS,
		.correlation = options->correlation,
		.teaching_items = counts->rows,
		.truths_given = true,
		.majority_disagreement = -1,
		.method = options->variant == LEARN_FULL ? "learn_annotators full" :
		psprintf("learn_annotators auto: correlation %.2f, %s", options->correlation,
				 options->correlation_given ? "given" : "assumed"),
		.options = options_json(option_table, lengthof(option_table), options),
		.stopped_by = "closed form"
	};

	if (counts->group != NULL)
	{
		model.voices = VOICES_GROUPS;
		model.group = (uint32 *) counts->group;
	}
	model.annotations = nl_alloc(context, annotators * sizeof(double));
	model.gold_annotations = nl_alloc_zero(context, annotators * sizeof(double));
	model.notes = nl_alloc(context, annotators * sizeof(char *));
	for (Size j = 0; j < annotators; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		model.annotations[j] = counts->answers[j];
		model.notes[j] = "";
	}
	return model;
}

/* Refuses what is too large; returns what is needed beside the team. */
static Size
check_memory(const AnnotationView *view)
{
	Size		beside = mul_size(3, em_table_size(view));

	nl_check_memory_for(add_size(beside, em_team_memory(view)), "learn_annotators()",
						"learn of fewer annotators at a time (GROUP BY), or merge classes",
						"It grows with annotators times classes squared: %u annotators with %u x %u classes each.",
						view->annotators.n, view->labels.n, view->labels.n);
	return beside;
}

/* The model, in "context"; what it is made of is in the current one. */
static AnnotatorModel *
learn_in(const AnnotatorCountsView *counts, const LearnOptions *options, MemoryContext context)
{
	uint32		no_items = 0;
	AnnotationView view = {
		.annotators = counts->annotators,.labels = counts->labels,.starts = &no_items,
		.gold_weight = 1,.abstains = find_abstain(counts, options->abstain),
		.group = counts->group
	};
	Size		beside = check_memory(&view);
	Size		cells = mul_size(counts->annotators.n,
								 mul_size(counts->labels.n, counts->labels.n));
	double	   *variance = nl_alloc_zero(CurrentMemoryContext, cells * sizeof(double));
	EmFit	   *fit = fit_counts(counts, options, &view, beside, variance);
	ModelEvidence tables;
	AnnotatorModelView model = describe_model(counts, options);
	ModelComponent component = {
		.variant = VARIANT_FULL,
		.weight = 1,
		.prior = fit->parameters.prior,
		.pool = fit->pool,
		.confusion = fit->parameters.confusion
	};

	model.components = &component;
	model.abstains = view.abstains;
	model.log_likelihood = log_likelihood(fit, cells, counts->labels.n);
	tables = evidence_of_tables(fit->counts.confusion, variance, counts->annotators.n,
								counts->labels.n);
	model.evidence = evidence_select(&tables, counts->annotators.n, NULL, counts->labels.n,
									 NULL, counts->labels.n);
	MemoryContextSwitchTo(context);
	return annotator_model_make(&model);
}

/* The model, in the current context. */
AnnotatorModel *
learn_annotators(const AnnotatorCountsView *counts, const LearnOptions *options)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext phase = AllocSetContextCreate(caller, "learn_annotators", ALLOCSET_DEFAULT_SIZES);
	AnnotatorModel *model;

	MemoryContextSwitchTo(phase);
	model = learn_in(counts, options, caller);
	MemoryContextDelete(phase);
	return model;
}
