/*
 * learn_from_crowds.c
 *		The aggregate learn_from_crowds(item, annotator, label, features [, gold]
 *		[, options]), and what reads its crowd_model.
 *
 * The state has the type crowd_rows: a log of rows (see state.h), and when that is
 * full an expanded object in the aggregate's context.  The final function changes
 * nothing of it, so it may be called again; the features are twice in memory meanwhile.
 */
#include "classify/learn_from_crowds.h"

#include "catalog/pg_type.h"
#include "names/names_io.h"
#include "pg/results.h"
#include "types/shared_value.h"

#include "utils/fmgrprotos.h"

/* crowd/sql/annotators.c */
extern NL_EXPORT Datum annotators(PG_FUNCTION_ARGS);

#define FEATURES 4				/* the argument's place */

static ExpandedCrowdRows *
get_state(FunctionCallInfo fcinfo)
{
	MemoryContext context = value_state_context(fcinfo);
	ExpandedCrowdRows *rows;

	if (PG_ARGISNULL(0))
		return crowd_rows_create(context);
	rows = crowd_rows_expanded(PG_GETARG_DATUM(0));
	if (rows != NULL && value_may_modify(fcinfo, PG_GETARG_DATUM(0)))
		return rows;
	return crowd_rows_expand(PG_GETARG_DATUM(0), context);
}

/* The features of a row, checked, as the last field. */
static void
features_field(FunctionCallInfo fcinfo, LogRow *row)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(FEATURES);
	uint32		n = features_check(array, 0);
	double	   *copy = palloc(n * sizeof(double));

	features_copy(copy, (double *) ARR_DATA_PTR(array), n, 0);
	row->field[row->n++] = (LogField) {copy, n * sizeof(double)};
}

/* The state with a row as a log, or NULL where it cannot be one. */
static RowLog *
append_to_log(FunctionCallInfo fcinfo, const LogRow *row, const RowOptions *options)
{
	RowLog	   *log = row_log_state(fcinfo);
	Size		size = row->field[row->n - 1].size;

	if (size > ROW_LOG_LIMIT)
		return NULL;
	features_check_width(log == NULL ? 0 : log->width, size / sizeof(double),
						 log == NULL ? 1 : (int64) log->rows + 1);
	log = row_log_append(fcinfo, KIND_CROWD_ROWS, row, options, ROW_LOG_LIMIT);
	if (log != NULL)
		log->width = size / sizeof(double) + 1;
	return log;
}

/* (crowd_rows, item, annotator, label, features [, gold] [, options]) */
NL_FUNCTION(crowd_rows_accum);
Datum
crowd_rows_accum(PG_FUNCTION_ARGS)
{
	int			gold = nl_signature(fcinfo)->gold;
	LogRow		row = {CROWD_ROW, 3, {{0}}};
	RowOptions	options;
	RowLog	   *log;
	ExpandedCrowdRows *rows;

	for (int i = 1; i <= FEATURES; i++)
		if (PG_ARGISNULL(i))
			VALUE_RETURN_STATE();
	options = row_options(fcinfo);
	if (PG_ARGISNULL(0))
		(void) crowd_options_parse(options.value);	/* bad ones fail before the work */
	for (int i = 0; i < 3; i++)
		row.field[i] = log_field_text(nl_name_argument(fcinfo, i + 1));
	if (gold != NO_ARGUMENT && !PG_ARGISNULL(gold))
	{
		text	   *name = nl_name_argument(fcinfo, gold);

		options_refuse(fcinfo, gold, name, "the gold label",
					   "learn_from_crowds(item, annotator, label, features, %s)");
		row.field[row.n++] = log_field_text(name);
	}
	features_field(fcinfo, &row);
	log = append_to_log(fcinfo, &row, &options);
	if (log != NULL)
		PG_RETURN_POINTER(log);
	rows = get_state(fcinfo);
	crowd_rows_add(rows, &row);
	state_options_add(&rows->answers->options, &options, rows->answers->hdr.eoh_context);
	PG_RETURN_DATUM(EOHPGetRWDatum(&rows->hdr));
}

/* (crowd_rows, crowd_rows): either side may be NULL. */
NL_FUNCTION(crowd_rows_combine);
Datum
crowd_rows_combine(PG_FUNCTION_ARGS)
{
	Datum		other = PG_GETARG_DATUM(1);
	ExpandedCrowdRows *rows;
	RowLog	   *log;

	if (PG_ARGISNULL(1))
		VALUE_RETURN_STATE();
	if (crowd_rows_expanded(other) == NULL)
	{
		log = row_log_append_state(fcinfo, KIND_CROWD_ROWS,
								   value_get(other, KIND_CROWD_ROWS, sizeof(ValueHeader)),
								   CROWD_ROW_STORED, ROW_LOG_LIMIT);
		if (log != NULL)
			PG_RETURN_POINTER(log);
	}
	rows = get_state(fcinfo);
	crowd_rows_merge(rows, other);
	PG_RETURN_DATUM(EOHPGetRWDatum(&rows->hdr));
}

NL_FUNCTION(learn_from_crowds_final);
Datum
learn_from_crowds_final(PG_FUNCTION_ARGS)
{
	MemoryContext phase = AllocSetContextCreate(CurrentMemoryContext, "learn_from_crowds",
												ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(phase);
	CrowdRowsView rows = crowd_rows_view(PG_GETARG_DATUM(0));
	CrowdOptions options = crowd_options_parse(state_options_parse(rows.answers.options));
	CrowdModel *model;
	CrowdModel *result = NULL;

	if (rows.answers.items > 0)
	{
		model = learn_from_crowds(&rows, &options);
		if (model != NULL)
		{
			result = nl_alloc(old, VARSIZE(model));
			nl_copy(result, model, VARSIZE(model));
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(phase);
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(shared_value_make(result));
}

/*
 * Accessors
 */
static CrowdModelView
model_argument(FunctionCallInfo fcinfo)
{
	return crowd_model_view(crowd_model_get(PG_GETARG_DATUM(0)));
}

static Datum
copy_part(const void *part)
{
	void	   *copy = nl_alloc(CurrentMemoryContext, VARSIZE(part));

	nl_copy(copy, part, VARSIZE(part));
	return shared_value_make(copy);
}

NL_FUNCTION(crowd_annotator_model);
Datum
crowd_annotator_model(PG_FUNCTION_ARGS)
{
	return copy_part(model_argument(fcinfo).annotators);
}

NL_FUNCTION(crowd_classifier);
Datum
crowd_classifier(PG_FUNCTION_ARGS)
{
	CrowdModelView view = model_argument(fcinfo);

	if (view.classifier == NULL)
		PG_RETURN_NULL();
	return copy_part(view.classifier);
}

/* annotators(crowd_model, level): of its annotator_model */
NL_FUNCTION(crowd_annotators);
Datum
crowd_annotators(PG_FUNCTION_ARGS)
{
	fcinfo->args[0].value = PointerGetDatum(model_argument(fcinfo).annotators);
	return annotators(fcinfo);
}

NL_FUNCTION(crowd_labels);
Datum
crowd_labels(PG_FUNCTION_ARGS)
{
	CrowdModelView view = model_argument(fcinfo);

	PG_RETURN_DATUM(names_array(&view.labels));
}

/* Columns of fit_report(crowd_model), in order. */
enum
{
	R_METHOD, R_ITEMS, R_ANNOTATORS, R_ANNOTATIONS, R_FEATURES, R_CLASSES, R_GOLD_ITEMS,
	R_ROUNDS, R_CONVERGED, R_L2, R_NOISE, R_LOG_LOSS, R_STOPPED_BY, R_OPTIONS, R_WARNINGS,
	R_COLUMNS
};

NL_FUNCTION(crowd_fit_report);
Datum
crowd_fit_report(PG_FUNCTION_ARGS)
{
	CrowdModelView view = model_argument(fcinfo);
	Datum	   *warnings = palloc(Max(view.n_warnings, 1) * sizeof(Datum));
	Datum		values[R_COLUMNS];
	bool		nulls[R_COLUMNS] = {false};

	for (uint32 i = 0; i < view.n_warnings; i++)
		warnings[i] = CStringGetTextDatum(view.warnings[i]);
	values[R_METHOD] = CStringGetTextDatum("learn_from_crowds");
	values[R_ITEMS] = Int64GetDatum(view.items.n);
	values[R_ANNOTATORS] = Int64GetDatum(view.annotators->annotators);
	values[R_ANNOTATIONS] = Int64GetDatum(view.annotators->annotations);
	values[R_FEATURES] = Int32GetDatum(view.features);
	values[R_CLASSES] = Int32GetDatum(view.labels.n);
	values[R_GOLD_ITEMS] = Int64GetDatum(view.annotators->gold_items);
	values[R_ROUNDS] = Int32GetDatum(view.rounds);
	values[R_CONVERGED] = BoolGetDatum(view.converged);
	nulls[R_L2] = nulls[R_LOG_LOSS] = view.predicted == NULL;
	values[R_L2] = Float8GetDatum(view.l2);
	values[R_NOISE] = Float8GetDatum(view.noise);
	values[R_LOG_LOSS] = Float8GetDatum(view.log_loss);
	values[R_STOPPED_BY] = CStringGetTextDatum(view.stopped_by);
	values[R_OPTIONS] = DirectFunctionCall1(jsonb_in, CStringGetDatum(view.options));
	values[R_WARNINGS] = PointerGetDatum(construct_array(warnings, view.n_warnings, TEXTOID,
														 -1, false, TYPALIGN_INT));
	PG_RETURN_DATUM(nl_record(fcinfo, values, nulls));
}

/* Columns of consensus(crowd_model), in order. */
enum
{
	C_ITEM, C_LABEL, C_CONFIDENCE, C_ENTROPY, C_ANNOTATIONS, C_PREDICTED_LABEL,
	C_PREDICTED_CONFIDENCE, C_DISTRIBUTION, C_PREDICTED
};

static void
item_row(const CrowdModelView *view, uint32 item, Datum *values, bool *nulls)
{
	const Names *labels = &view->labels;
	const double *p = view->distribution + (Size) item * labels->n;
	uint32		top = probabilities_top(p, labels->n, NULL);

	values[C_ITEM] = PointerGetDatum(names_text(&view->items, item));
	values[C_LABEL] = PointerGetDatum(names_text(labels, top));
	values[C_CONFIDENCE] = Float8GetDatum(p[top]);
	values[C_ENTROPY] = Float8GetDatum(probabilities_entropy(p, labels->n));
	values[C_ANNOTATIONS] = Int32GetDatum(view->answers[item]);
	values[C_DISTRIBUTION] = PointerGetDatum(label_distribution_make(labels, p));
	nulls[C_PREDICTED_LABEL] = nulls[C_PREDICTED_CONFIDENCE] = nulls[C_PREDICTED] =
		view->predicted == NULL;
	if (view->predicted == NULL)
		return;
	p = view->predicted + (Size) item * labels->n;
	top = probabilities_top(p, labels->n, NULL);
	values[C_PREDICTED_LABEL] = PointerGetDatum(names_text(labels, top));
	values[C_PREDICTED_CONFIDENCE] = Float8GetDatum(p[top]);
	values[C_PREDICTED] = PointerGetDatum(label_distribution_make(labels, p));
}

NL_FUNCTION(crowd_consensus);
Datum
crowd_consensus(PG_FUNCTION_ARGS)
{
	CrowdModelView view = model_argument(fcinfo);
	ResultRows	rows = rows_begin(fcinfo);

	for (uint32 item = 0; item < view.items.n; item++)
	{
		item_row(&view, item, rows.values, rows.nulls);
		rows_add(&rows);
	}
	return rows_end(&rows);
}
