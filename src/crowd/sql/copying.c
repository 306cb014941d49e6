/*
 * copying.c
 *		copying(annotation_set, annotator_model): annotators who agree beyond what each
 *		one's relation to the others explains, as variant auto looks for them
 *		(em_copies.c), also those who are one group already.
 *
 * That needs matrices of annotators who are each a voice, but for the groups that
 * somebody gave.  They are the model's, unless copies were found when it was fitted:
 * then it was fitted again with them as one voice.  So the fit before is made again,
 * from the set, and the numbers are those of the model's warning.
 *
 * Memory: the model's scorer, and matrices of the set's annotators; or a fit; and
 * em_copies.c.  Interrupts: in these, and for each annotator.
 */
#include "crowd/fit.h"

#include <float.h>

#include "crowd/apply_model.h"
#include "pg/results.h"

/* Whether the model has groups that nobody gave. */
static bool
found_copies(const AnnotatorModelView *model, const FitOptions *options)
{
	AnnotationView everybody = {.annotators = model->annotators};
	const uint32 *given;

	if (model->group == NULL || model->truths_given)
		return false;
	given = groups_of_option(&everybody, options->groups);
	for (uint32 j = 0; j < model->annotators.n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		if (model->group[j] != (given == NULL ? j : given[j]))
			return true;
	}
	return false;
}

/* As dawid_skene() looked for copies when it made the model. */
static EmCopies
find_by_fit(const AnnotationView *set, FitOptions *options)
{
	AnnotationView view = *set;
	EmFit	   *fit;

	options->copies = COPIES_OFF;
	options->correlation = 0;
	if (view.items == 0 || !class_options_apply(&view, options))
		return (EmCopies) {0};
	view.gold_weight = options->gold_weight;
	fit = run_fit(&view, options);
	return em_find_copies(&view, &fit->parameters, fit->report->group, true);
}

/* The view with the model's labels; those that the set has, it must know. */
static AnnotationView
with_labels_of_model(const SetScorer *s)
{
	AnnotationView view = s->view;
	uint16	   *label = nl_alloc(CurrentMemoryContext,
								 mul_size(Max(view.annotations, 1), sizeof(uint16)));

	set_scorer_check_labels(s);
	for (uint32 a = 0; a < view.annotations; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		label[a] = s->labels[view.label[a]];
	}
	view.label = label;
	view.labels = s->scorer->model.labels;
	view.abstains = s->scorer->model.abstains;
	view.gold = NULL;
	if (s->scorer->model.voices == VOICES_ANSWERS)
		em_set_voices(&view, NULL); /* annotators are looked at, not answers */
	return view;
}

/* An annotator's rates, or the pool's; none is 0, as logarithms are taken of them. */
static void
put_rates(const AnnotatorModelView *model, int64 annotator, double *rates)
{
	Size		cells = model_cells(model);

	if (annotator >= 0)
		annotator_model_rates(model, annotator, rates);
	else
	{
		memset(rates, 0, cells * sizeof(double));
		for (uint32 c = 0; c < model->n_components; c++)
			for (Size i = 0; i < cells; i++)
				rates[i] += model->components[c].weight * model->components[c].pool[i];
	}
	for (Size i = 0; i < cells; i++)
		rates[i] = Max(rates[i], DBL_MIN);
}

/* The model's parameters, for the annotators of the set. */
static EmParameters
parameters_of_model(const SetScorer *s, const AnnotationView *view)
{
	const AnnotatorModelView *model = &s->scorer->model;
	EmParameters at;

	nl_check_memory_for(add_size(em_table_size(view), em_copies_memory(view)), "copying()",
						"look at fewer annotators at a time, or merge classes",
						"It grows with annotators times classes squared: %u annotators with %u x %u classes each.",
						view->annotators.n, view->labels.n, view->labels.n);
	at = em_tables_create(view);
	memset(at.prior, 0, model->labels.n * sizeof(double));
	for (uint32 c = 0; c < model->n_components; c++)
		for (uint32 k = 0; k < model->labels.n; k++)
			at.prior[k] += model->components[c].weight * model->components[c].prior[k];
	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		CHECK_FOR_INTERRUPTS();
		put_rates(model, s->annotators[j], at.confusion + j * model_cells(model));
	}
	return at;
}

static EmCopies
find_by_model(const SetScorer *s)
{
	AnnotationView view = with_labels_of_model(s);
	EmParameters at = parameters_of_model(s, &view);

	return em_find_copies(&view, &at, view.group, true);
}

/* Whether two of the set are one voice in the model. */
static bool
is_grouped(const SetScorer *s, const uint32 *pair)
{
	const uint32 *group = s->scorer->model.group;
	int64		a = s->annotators[pair[0]];
	int64		b = s->annotators[pair[1]];

	return group != NULL && a >= 0 && b >= 0 && group[a] == group[b];
}

static void
pair_row(const SetScorer *s, const CopyPair *pair, ResultRows *rows)
{
	const Agreement *a = &pair->agreement;
	double		n = Max(a->items, 1);

	rows->values[0] = PointerGetDatum(names_text(&s->view.annotators, pair->annotators[0]));
	rows->values[1] = PointerGetDatum(names_text(&s->view.annotators, pair->annotators[1]));
	rows->values[2] = Int64GetDatum(a->items);
	rows->values[3] = Float8GetDatum(a->observed / n);
	rows->values[4] = Float8GetDatum(a->expected / n);
	rows->values[5] = Float8GetDatum(agreement_z(a));
	rows->values[6] = Float8GetDatum(agreement_excess(a));
	rows->values[7] = BoolGetDatum(is_grouped(s, pair->annotators));
	rows_add(rows);
}

NL_FUNCTION(copying);
Datum
copying(PG_FUNCTION_ARGS)
{
	AnnotatorModel *model = annotator_model_get(PG_GETARG_DATUM(1));
	AnnotatorModelView model_view = annotator_model_view(model);
	AnnotationView view = annotation_set_flat_view(PG_GETARG_DATUM(0));
	FitOptions	options = {0};
	SetScorer  *s;
	EmCopies	copies;
	ResultRows	rows;

	if (!model_view.truths_given)
		options = fit_options_of_record(model_view.options);
	if (found_copies(&model_view, &options))
	{
		copies = find_by_fit(&view, &options);
		s = set_scorer_begin(&view, model);
	}
	else
	{
		if (options.repeats == REPEATS_DISTINCT)
			view = without_repeats(&view);
		s = set_scorer_begin(&view, model);
		copies = find_by_model(s);
	}
	rows = rows_begin(fcinfo);
	for (Size i = 0; i < copies.n_pairs; i++)
		pair_row(s, &copies.pairs[i], &rows);
	return rows_end(&rows);
}
