/*
 * logistic_regression.c
 *		The aggregate logistic_regression(), and what reads its classifier:
 *		predict(), coefficients(), labels(), fit_report().
 *
 * The state has the type training_set: a log of rows (see state.h), and when
 * that is full an expanded object in the aggregate's context.
 *
 * The final function may be called again on the same state, where a hash
 * aggregate is scanned again, and the state may be another's too, so it works
 * on a copy; but an expanded object that nobody else will read is fitted in
 * place: its own matrix is ordered and centred, so that there is no second one.
 * The classifier then takes the place of the rows.
 */
#include "types/classifier.h"
#include "classify/answer_model.h"
#include "classify/classifier_options.h"
#include "classify/fitted_classifier.h"
#include "names/names_io.h"
#include "pg/results.h"
#include "types/model_cache.h"
#include "types/shared_value.h"
#include "types/training_state.h"

#include "utils/fmgrprotos.h"

static ExpandedTraining *
get_state(FunctionCallInfo fcinfo, int kind)
{
	MemoryContext context = value_state_context(fcinfo);
	ExpandedTraining *et;

	if (PG_ARGISNULL(0))
		return training_expand_new(context, kind);
	et = training_expanded(PG_GETARG_DATUM(0));
	if (et != NULL && value_may_modify(fcinfo, PG_GETARG_DATUM(0)))
	{
		if (et->fitted != NULL)
			elog(ERROR, "a training_set that has been fitted cannot grow");
		return et;
	}
	return training_expand(PG_GETARG_DATUM(0), context);
}

/* (training_set, label, features, annotator, annotator_model [, options])? */
static bool
is_answer(const Signature *signature)
{
	return signature->n >= 5 && signature->weight == NO_ARGUMENT;
}

static void
begin_answer(FunctionCallInfo fcinfo, LogRow *row, TrainingAnswer *answer)
{
	AnswerModel *model = answer_model_cached(fcinfo, 4);
	LabelDistribution *suggested =
		answer_model_suggests(model, name_of_text(nl_name_argument(fcinfo, 3)),
							  name_of_text(nl_name_argument(fcinfo, 1)), answer);

	row->kind = TRAINING_ROW_ANSWER;
	row->field[0] = (LogField) {suggested, VARSIZE(suggested)};
	row->field[row->n++] = (LogField) {answer, sizeof(TrainingAnswer)};
}

/*
 * A weight without a type would be taken for an annotator's name where options have
 * none, either; so there is a signature with a weight as text.
 */
static double
weight_argument(FunctionCallInfo fcinfo, int argno)
{
	char	   *given;
	char	   *end;
	double		weight;

	if (nl_signature(fcinfo)->type[argno] != DECLARED_TEXT)
		return nl_weight_argument(fcinfo);
	given = text_to_cstring(PG_GETARG_TEXT_PP(argno));
	weight = strtod(given, &end);
	if (end == given || end[strspn(end, " \t\n")] != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("weight \"%s\" is not a number", given),
				 errhint("Where annotators are given, give a model of them, too: logistic_regression(label, features, annotator, model, options).")));
	nl_check_weight(weight);
	return weight;
}

/* All but the features; "weight" and "answer" are for where there is one. */
static LogRow
begin_row(FunctionCallInfo fcinfo, double *weight, TrainingAnswer *answer)
{
	const Signature *signature = nl_signature(fcinfo);
	LogRow		row = {0, 1, {{0}}};

	if (is_answer(signature))
		begin_answer(fcinfo, &row, answer);
	else if (signature_is_name(signature, 1))
		row.field[0] = log_field_text(nl_name_argument(fcinfo, 1));
	else
	{
		LabelDistribution *target = PG_GETARG_LABEL_DISTRIBUTION(1);

		row.kind = TRAINING_ROW_SOFT;
		row.field[0] = (LogField) {target, VARSIZE(target)};
	}
	if (signature->weight != NO_ARGUMENT)
	{
		*weight = weight_argument(fcinfo, signature->weight);
		row.kind |= TRAINING_ROW_WEIGHTED;
		row.field[row.n++] = (LogField) {weight, sizeof(double)};
	}
	return row;
}

/* The number of the next row, for messages; "et" is NULL while there is a log. */
static int64
next_row(FunctionCallInfo fcinfo, const ExpandedTraining *et)
{
	const RowLog *log = row_log_state(fcinfo);

	if (et != NULL)
		return (int64) et->set.x.n + 1;
	return log == NULL ? 1 : (int64) log->rows + 1;
}

/*
 * The state with a row as a log, or NULL where it cannot be one.  The features,
 * the last field, must be checked before they stand in a log.
 */
static RowLog *
append_to_log(FunctionCallInfo fcinfo, LogRow *row, const RowOptions *options)
{
	RowLog	   *log = row_log_state(fcinfo);
	LogField   *features = &row->field[row->n - 1];
	uint32		n = features->size / sizeof(double);
	int64		number = next_row(fcinfo, NULL);
	double	   *copy;

	if (features->size > ROW_LOG_LIMIT)
		return NULL;
	features_check_width(log == NULL ? 0 : log->width, n, number);
	copy = palloc(features->size);
	features_copy(copy, features->data, n, number);
	features->data = copy;
	log = row_log_append(fcinfo, KIND_TRAINING_SET, row, options, ROW_LOG_LIMIT);
	if (log != NULL)
		log->width = n + 1;
	return log;
}

/*
 * (training_set, target, features [, weight] [, options]), or
 * (training_set, label, features, annotator, annotator_model [, options])
 */
NL_FUNCTION(training_set_accum);
Datum
training_set_accum(PG_FUNCTION_ARGS)
{
	int			weight_argument = nl_signature(fcinfo)->weight;
	RowOptions	options;
	double		weight;
	TrainingAnswer answer;
	LogRow		row;
	RowLog	   *log;
	ArrayType  *features;
	ExpandedTraining *et = NULL;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) ||
		(weight_argument != NO_ARGUMENT && PG_ARGISNULL(weight_argument)) ||
		(is_answer(nl_signature(fcinfo)) && (PG_ARGISNULL(3) || PG_ARGISNULL(4))))
		VALUE_RETURN_STATE();
	options = row_options(fcinfo);
	if (options.given && PG_ARGISNULL(0))
		(void) classifier_options(options.value, false);	/* bad ones fail before the work */
	row = begin_row(fcinfo, &weight, &answer);
	if (!row_log_possible(fcinfo))
		et = get_state(fcinfo, row.kind);
	features = PG_GETARG_ARRAYTYPE_P(2);
	row.field[row.n].size = features_check(features, next_row(fcinfo, et)) * sizeof(double);
	row.field[row.n++].data = ARR_DATA_PTR(features);
	if (et == NULL)
	{
		log = append_to_log(fcinfo, &row, &options);
		if (log != NULL)
			PG_RETURN_POINTER(log);
		et = get_state(fcinfo, row.kind);
	}
	training_set_add_row(et, &row);
	state_options_add(&et->options, &options, et->hdr.eoh_context);
	PG_RETURN_DATUM(EOHPGetRWDatum(&et->hdr));
}

/* (training_set, training_set): either side may be NULL. */
NL_FUNCTION(training_set_combine);
Datum
training_set_combine(PG_FUNCTION_ARGS)
{
	Datum		datum = PG_GETARG_DATUM(1);
	ExpandedTraining *other;
	ExpandedTraining *et;
	RowLog	   *log = NULL;

	if (PG_ARGISNULL(1))
		VALUE_RETURN_STATE();
	if (!VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(datum)))
		log = row_log_append_state(fcinfo, KIND_TRAINING_SET,
								   value_get(datum, KIND_TRAINING_SET, sizeof(ValueHeader)),
								   TRAINING_ROW_SET, ROW_LOG_LIMIT);
	if (log != NULL)
		PG_RETURN_POINTER(log);
	other = training_get(datum, CurrentMemoryContext);
	et = get_state(fcinfo, training_set_kind(&other->set));
	training_set_merge(et, other);
	PG_RETURN_DATUM(EOHPGetRWDatum(&et->hdr));
}

/*
 * Fitting
 */
static void
check_classes(const FittedModel *model, const Names *names)
{
	if (!(model->weight > 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("logistic_regression() has nothing to learn from: all weights are 0")));
	if (model->classes < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("logistic_regression() needs at least two classes, but all rows with a weight above 0 have the label \"%s\"",
						names_cstring(names, model->label[0]))));
}

/* Of one fold, or of those by which l2 is chosen. */
static Design *
make_design(TrainingSet *set, ClassifierOptions *options)
{
	uint32		wanted = options->choose ? options->folds : 1;
	Folds		folds = {.n = 1};
	RowKey	   *keys;
	Design	   *design;

	logistic_check_memory(set, wanted, design_memory(set, wanted), "logistic_regression()");
	/* answers with the same features are, if nothing else is said, to one item */
	if (set->answers && options->duplicates == DUPLICATES_AUTO)
		options->duplicates = DUPLICATES_TOGETHER;
	keys = training_set_order(set, options->choose ? options->seed : 0);
	if (options->choose)
		folds = folds_make(set, keys, NULL, options->folds, options->duplicates);
	if (folds.n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("logistic_regression() cannot choose \"l2\": all rows belong together, so none can be held out"),
				 errhint("Give \"l2\" as a number, or set \"duplicates\" to \"split\" if the features are categories.")));
	design = design_make(set, keys, folds.fold, folds.n);
	if (options->choose)
	{
		options->choice = logistic_choose_l2(design, &options->regression,
											 "logistic_regression");
		options->regression.l2 = options->choice.l2[options->choice.best];
	}
	return design;
}

static Classifier *
fit(TrainingSet *set, ClassifierOptions *options)
{
	Names		names;
	Design	   *design;
	FittedModel *model;

	correction_begin(set, options);
	names = training_set_names(set);
	correction_end(set, &names, options);
	(void) classifier_check_size(names.n, set->x.width - 1);
	design = make_design(set, options);
	model = logistic_fit(design, false, &options->regression, "logistic_regression");
	check_classes(model, &names);
	logistic_check_finite(model, set->x.width);
	logistic_warn(model, 1, &options->regression, "logistic_regression");
	return classifier_of_fit(model, design, &names, classifier_options_json(options));
}

/* The state itself, if it may be used up. */
static ExpandedTraining *
own_state(FunctionCallInfo fcinfo)
{
	return AggStateIsShared(fcinfo) ? NULL : training_expanded(PG_GETARG_DATUM(0));
}

static struct varlena *
copy_value(MemoryContext context, const struct varlena *value)
{
	struct varlena *copy = MemoryContextAlloc(context, VARSIZE(value));

	memcpy(copy, value, VARSIZE(value));
	return copy;
}

/* The classifier of a set, which is used up, or NULL. */
static struct varlena *
fit_state(ExpandedTraining *et)
{
	ClassifierOptions options =
		classifier_options(state_options_parse(et->options.text), false);

	if (et->set.x.n == 0)
		return NULL;
	return (struct varlena *) fit(&et->set, &options);
}

/*
 * A state is used up only if nobody else will read it: never by hand, nor in a
 * window, nor where another aggregate shares it (AggStateIsShared).
 */
NL_FUNCTION(logistic_regression_final);
Datum
logistic_regression_final(PG_FUNCTION_ARGS)
{
	ExpandedTraining *own = own_state(fcinfo);
	MemoryContext phase;
	MemoryContext old;
	struct varlena *classifier;
	struct varlena *result = NULL;

	if (own != NULL && own->fitted != NULL)
		PG_RETURN_DATUM(shared_value_make(copy_value(CurrentMemoryContext, own->fitted)));
	phase = AllocSetContextCreate(CurrentMemoryContext, "logistic_regression fit",
								  ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(phase);
	classifier = fit_state(own != NULL ? own :
						   training_expand(PG_GETARG_DATUM(0), phase));
	if (classifier != NULL)
		result = copy_value(old, classifier);
	if (own != NULL && result != NULL)
		own->fitted = copy_value(own->hdr.eoh_context, result);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(phase);
	if (own != NULL)
		training_set_free_rows(&own->set);
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(shared_value_make(result));
}

/*
 * Using a classifier
 */

/* A classifier, and buffers for the rows that it judges. */
typedef struct Predictor
{
	ClassifierView view;
	double	   *row;			/* features + 1 */
	double	   *p;				/* labels */
} Predictor;

static void *
get_classifier(Datum datum)
{
	return classifier_get(datum);
}

static Size
predictor_memory(const void *model)
{
	const Classifier *classifier = model;

	return add_size(sizeof(Predictor),
					mul_size(sizeof(double), (Size) classifier->features + 1 +
							 classifier->labels));
}

static void *
make_predictor(const void *model)
{
	const Classifier *classifier = model;
	Predictor  *predictor = palloc(sizeof(Predictor));

	predictor->view = classifier_view(classifier);
	predictor->row = palloc(((Size) classifier->features + 1) * sizeof(double));
	predictor->row[0] = 1;
	predictor->p = palloc(classifier->labels * sizeof(double));
	return predictor;
}

static Predictor *
get_predictor(FunctionCallInfo fcinfo)
{
	static const ModelUse use = {
		KIND_CLASSIFIER, "predicting with this",
		get_classifier, predictor_memory, make_predictor
	};

	StaticAssertStmt(offsetof(Classifier, fingerprint) ==
					 offsetof(FingerprintedValue, fingerprint),
					 "the cache must find the fingerprint");
	return model_cache_get(fcinfo, 0, &use);
}

/* predict(classifier, features float8[]) */
NL_FUNCTION(classifier_predict);
Datum
classifier_predict(PG_FUNCTION_ARGS)
{
	Predictor  *predictor = get_predictor(fcinfo);
	ArrayType  *features = PG_GETARG_ARRAYTYPE_P(1);
	const ClassifierView *view = &predictor->view;
	uint32		n = features_check(features, 0);

	if (n != view->features)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("the row has %u features, but the classifier was fitted to %u",
						n, view->features),
				 errhint("Give the features that it was fitted to, in the same order.")));
	features_copy(predictor->row + 1, (double *) ARR_DATA_PTR(features), n, 0);
	logistic_predict(view->coefficients, classifier_columns(view->labels.n),
					n + 1, predictor->row, predictor->p);
	PG_FREE_IF_COPY(features, 1);
	PG_RETURN_POINTER(label_distribution_make(&view->labels, predictor->p));
}

/* coefficients(classifier) */
NL_FUNCTION(classifier_coefficients);
Datum
classifier_coefficients(PG_FUNCTION_ARGS)
{
	ClassifierView view = classifier_view(classifier_get(PG_GETARG_DATUM(0)));
	uint32		columns = classifier_columns(view.labels.n);
	ResultRows	rows = rows_begin(fcinfo);

	for (uint32 k = 0; k < columns; k++)
		for (uint32 j = 0; j <= view.features; j++)
		{
			rows.values[0] = PointerGetDatum(names_text(&view.labels, columns == 1 ? 1 : k));
			rows.values[1] = Int32GetDatum(j);
			rows.values[2] = Float8GetDatum(view.coefficients[(Size) k * (view.features + 1) + j]);
			rows_add(&rows);
		}
	return rows_end(&rows);
}

NL_FUNCTION(classifier_labels);
Datum
classifier_labels(PG_FUNCTION_ARGS)
{
	ClassifierView view = classifier_view(classifier_get(PG_GETARG_DATUM(0)));

	PG_RETURN_DATUM(names_array(&view.labels));
}

/* fit_report(classifier) */
NL_FUNCTION(classifier_fit_report);
Datum
classifier_fit_report(PG_FUNCTION_ARGS)
{
	ClassifierView view = classifier_view(classifier_get(PG_GETARG_DATUM(0)));
	Datum		values[10];
	bool		nulls[10] = {false};

	values[0] = CStringGetTextDatum("logistic_regression");
	values[1] = Int64GetDatum(view.rows);
	values[2] = Float8GetDatum(view.weight);
	values[3] = Int32GetDatum(view.features);
	values[4] = Int32GetDatum(view.labels.n);
	values[5] = Int32GetDatum(view.iterations);
	values[6] = BoolGetDatum(view.converged);
	values[7] = Float8GetDatum(view.gradient);
	values[8] = Float8GetDatum(view.log_loss);
	values[9] = DirectFunctionCall1(jsonb_in, CStringGetDatum(view.options));
	PG_RETURN_DATUM(nl_record(fcinfo, values, nulls));
}
