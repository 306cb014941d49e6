/*
 * annotators.c
 *		What an annotator_model says: annotators(), class_prior(), prior_used(), fit_report()
 *		and labels().
 */
#include "types/annotator_model.h"

#include "catalog/pg_type.h"
#include "types/confusion_matrix.h"
#include "crowd/annotator_record.h"
#include "types/label_distribution.h"
#include "pg/arguments.h"
#include "names/names_io.h"
#include "pg/results.h"
#include "utils/array.h"

#define NAMED_COPIES 100		/* of one group */

/* Columns of annotators(), in order. */
enum
{
	A_ANNOTATOR, A_ANNOTATIONS, A_ACCURACY, A_ACCURACY_LOW, A_ACCURACY_HIGH,
	A_INFORMATION, A_WORST_TRUTH, A_WORST_LABEL, A_WORST_RATE,
	A_SPAMMER_SCORE, A_GOLD_ANNOTATIONS, A_COPIES, A_NOTE, A_CONFUSION
};

/* Who is one voice with whom, by annotator. */
typedef struct Groups
{
	uint32	   *next;			/* of his group, in order; after the last the first */
	uint32	   *others;			/* how many, where he is the first of his group */
} Groups;

static Groups
read_groups(const AnnotatorModelView *model)
{
	uint32		n = model->annotators.n;
	Size		size = mul_size(Max(n, 1), sizeof(uint32));
	Groups		g = {nl_alloc(CurrentMemoryContext, size), nl_alloc_zero(CurrentMemoryContext, size)};

	for (uint32 j = 0; j < n; j++)
		g.next[j] = j;
	for (uint32 j = n; model->group != NULL && j-- > 0;)
	{
		uint32		first = model->group[j];

		NL_CHECK_INTERRUPTS(j);
		if (first == j)
			continue;
		g.next[j] = g.next[first];
		g.next[first] = j;
		g.others[first]++;
	}
	return g;
}

/* The others of his group, the first by name; or NULL. */
static char *
copies_of(const AnnotatorModelView *model, const Groups *g, uint32 annotator)
{
	StringInfoData buf;
	uint32		others;
	uint32		n = 0;

	if (g->next[annotator] == annotator)
		return NULL;
	initStringInfo(&buf);
	others = g->others[model->group[annotator]];
	for (uint32 j = model->group[annotator]; n < Min(others, NAMED_COPIES); j = g->next[j])
		if (j != annotator)
			appendStringInfo(&buf, "%s%s", n++ > 0 ? ", " : "",
							 names_cstring(&model->annotators, j));
	if (others > n)
		appendStringInfo(&buf, " and %u more", others - n);
	return buf.data;
}

static void
set_text(Datum *values, bool *nulls, int column, const char *s)
{
	nulls[column] = s == NULL;
	if (s != NULL)
		values[column] = CStringGetTextDatum(s);
}

/* What is known by the counts. */
static void
record_columns(const AnnotatorModelView *model, const AnnotatorRecord *r,
			   Datum *values, bool *nulls)
{
	nulls[A_ACCURACY] = nulls[A_ACCURACY_LOW] = nulls[A_ACCURACY_HIGH] = !r->known;
	values[A_ACCURACY] = Float8GetDatum(r->accuracy.rate);
	values[A_ACCURACY_LOW] = Float8GetDatum(r->accuracy.low);
	values[A_ACCURACY_HIGH] = Float8GetDatum(r->accuracy.high);
	nulls[A_INFORMATION] = !r->compared;
	values[A_INFORMATION] = Float8GetDatum(r->information);
	nulls[A_WORST_TRUTH] = nulls[A_WORST_LABEL] = nulls[A_WORST_RATE] = !r->has_worst;
	values[A_WORST_TRUTH] = PointerGetDatum(names_text(&model->labels, r->worst_truth));
	values[A_WORST_LABEL] = PointerGetDatum(names_text(&model->labels, r->worst_label));
	values[A_WORST_RATE] = Float8GetDatum(r->worst_rate);
	nulls[A_SPAMMER_SCORE] = !r->compared;
	values[A_SPAMMER_SCORE] = Float8GetDatum(r->spammer_score);
}

/* The expected counts, with the truth first; "cells" has room for twice as many. */
static ConfusionMatrix *
expected_counts(const AnnotatorModelView *model, uint32 annotator, double *cells)
{
	double	   *truth_first = cells + model_cells(model);

	annotator_model_counts(model, annotator, cells, NULL);
	model_matrix_transpose(cells, truth_first, model->labels.n);
	return confusion_matrix_make(&model->labels, truth_first);
}

NL_FUNCTION(annotators);
Datum
annotators(PG_FUNCTION_ARGS)
{
	AnnotatorModelView model =
	annotator_model_of_classes(annotator_model_get(PG_GETARG_DATUM(0)));
	double		level = nl_check_level(PG_GETARG_FLOAT8(1));
	AnnotatorRecord *records = annotator_records(&model, annotator_model_shares(&model), level);
	Groups		groups = read_groups(&model);
	double	   *cells = palloc(2 * model_cells(&model) * sizeof(double));
	ResultRows	rows = rows_begin(fcinfo);
	Datum	   *values = rows.values;

	for (uint32 j = 0; j < model.annotators.n; j++)
	{
		values[A_ANNOTATOR] = PointerGetDatum(names_text(&model.annotators, j));
		values[A_ANNOTATIONS] = Int64GetDatum((int64) model.annotations[j]);
		record_columns(&model, &records[j], values, rows.nulls);
		values[A_GOLD_ANNOTATIONS] = Int64GetDatum((int64) model.gold_annotations[j]);
		set_text(values, rows.nulls, A_COPIES, copies_of(&model, &groups, j));
		set_text(values, rows.nulls, A_NOTE, annotator_note(&model, j, &records[j]));
		values[A_CONFUSION] = PointerGetDatum(expected_counts(&model, j, cells));
		rows_add(&rows);
	}
	return rows_end(&rows);
}

NL_FUNCTION(class_prior);
Datum
class_prior(PG_FUNCTION_ARGS)
{
	AnnotatorModelView model =
	annotator_model_of_classes(annotator_model_get(PG_GETARG_DATUM(0)));

	PG_RETURN_POINTER(label_distribution_make(&model.labels, annotator_model_shares(&model)));
}

NL_FUNCTION(prior_used);
Datum
prior_used(PG_FUNCTION_ARGS)
{
	AnnotatorModelView model =
	annotator_model_of_classes(annotator_model_get(PG_GETARG_DATUM(0)));

	PG_RETURN_POINTER(label_distribution_make(&model.labels, annotator_model_prior(&model)));
}

NL_FUNCTION(annotator_model_labels);
Datum
annotator_model_labels(PG_FUNCTION_ARGS)
{
	AnnotatorModelView model =
	annotator_model_view(annotator_model_get(PG_GETARG_DATUM(0)));

	PG_RETURN_DATUM(names_array(&model.labels));
}

/* Groups of two annotators or more: those with a second member. */
static int64
count_groups(const AnnotatorModelView *model)
{
	uint32		n = model->group == NULL ? 0 : model->annotators.n;
	bool	   *counted = nl_alloc_zero(CurrentMemoryContext, Max(n, 1));
	int64		groups = 0;

	for (uint32 j = 0; j < n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		if (model->group[j] == j || counted[model->group[j]])
			continue;
		counted[model->group[j]] = true;
		groups++;
	}
	pfree(counted);
	return groups;
}

NL_FUNCTION(fit_report);
Datum
fit_report(PG_FUNCTION_ARGS)
{
	AnnotatorModelView model =
	annotator_model_of_classes(annotator_model_get(PG_GETARG_DATUM(0)));
	Datum	   *warnings = palloc(Max(model.n_warnings, 1) * sizeof(Datum));
	Datum		values[15];
	bool		nulls[15] = {false};

	for (uint32 i = 0; i < model.n_warnings; i++)
		warnings[i] = CStringGetTextDatum(model.warnings[i]);
	values[0] = CStringGetTextDatum(model.method);
	values[1] = Int64GetDatum(model.items);
	values[2] = Int64GetDatum(model.annotators.n);
	values[3] = Int64GetDatum(model.n_annotations);
	values[4] = Int32GetDatum(model.labels.n);
	values[5] = Int64GetDatum(model.gold_items);
	values[6] = Int32GetDatum(model.iterations);
	values[7] = BoolGetDatum(model.converged);
	values[8] = Float8GetDatum(model.log_likelihood);
	nulls[9] = model.majority_disagreement < 0;
	values[9] = Float8GetDatum(model.majority_disagreement);
	values[10] = Float8GetDatum(model.correlation);
	values[11] = Int64GetDatum(count_groups(&model));
	values[12] = Int64GetDatum(model.teaching_items);
	values[13] = CStringGetTextDatum(model.stopped_by);
	values[14] = PointerGetDatum(construct_array(warnings, model.n_warnings, TEXTOID,
												 -1, false, TYPALIGN_INT));
	PG_RETURN_DATUM(nl_record(fcinfo, values, nulls));
}
