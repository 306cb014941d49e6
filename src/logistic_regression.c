/*
 * logistic_regression.c
 *		The aggregate logistic_regression(), and what reads its classifier:
 *		predict(), coefficients(), labels(), fit_report().
 *
 * The state is a training_set as an expanded object in the aggregate's context.
 * The final function fits in place: it orders and centres the state's own
 * matrix, so that there is no second one.
 */
#include "classifier.h"
#include "classifier_options.h"
#include "training_aggregate.h"

#include "access/detoast.h"
#include "utils/fmgrprotos.h"

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

typedef enum TargetKind
{
	TARGET_TEXT,
	TARGET_ANY,
	TARGET_DISTRIBUTION
} TargetKind;

static ExpandedTraining *
get_state(FunctionCallInfo fcinfo, bool soft, bool weighted)
{
	MemoryContext context = value_state_context(fcinfo);

	if (PG_ARGISNULL(0))
		return training_expand_new(context, soft, weighted);
	if (value_may_modify(fcinfo, PG_GETARG_DATUM(0)))
		return (ExpandedTraining *) DatumGetEOHP(PG_GETARG_DATUM(0));
	return training_expand(PG_GETARG_DATUM(0), context);
}

static void
keep_options(ExpandedTraining *et, const Jsonb *options)
{
	if (et->options == NULL)
		(void) classifier_options(options, false);	/* bad ones fail before the work */
	training_set_options(et, JsonbToCString(NULL, (JsonbContainer *) &options->root,
											VARSIZE(options)));
}

/* Arguments: state, target, features, then weight and options, if any. */
static Datum
accum(FunctionCallInfo fcinfo, TargetKind kind, bool weighted, bool with_options)
{
	int			options = 3 + weighted;
	ExpandedTraining *et;
	TrainingSet *set;
	uint32		row;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || (weighted && PG_ARGISNULL(3)))
		VALUE_RETURN_STATE();
	et = get_state(fcinfo, kind == TARGET_DISTRIBUTION, weighted);
	set = &et->set;
	training_set_check_kind(set, kind == TARGET_DISTRIBUTION, weighted);
	row = set->x.n;
	if (kind == TARGET_DISTRIBUTION)
		training_set_target(set, row, PG_GETARG_LABEL_DISTRIBUTION(1));
	else if (kind == TARGET_TEXT)
		training_set_label(set, row, nl_text_argument(fcinfo, 1));
	else
		training_set_label(set, row, nl_any_to_text(fcinfo, 1));
	if (weighted)
		training_set_weight(set, row, PG_GETARG_FLOAT8(3));
	feature_matrix_add_array(&set->x, PG_GETARG_ARRAYTYPE_P(2), (int64) row + 1);
	if (with_options && !PG_ARGISNULL(options))
		keep_options(et, PG_GETARG_JSONB_P(options));
	PG_RETURN_DATUM(EOHPGetRWDatum(&et->hdr));
}

#define ACCUM(name, kind, weighted, with_options) \
	NL_FUNCTION(name); \
	Datum \
	name(PG_FUNCTION_ARGS) \
	{ \
		return accum(fcinfo, kind, weighted, with_options); \
	}

ACCUM(training_accum, TARGET_TEXT, false, false)
ACCUM(training_accum_weight, TARGET_TEXT, true, false)
ACCUM(training_accum_options, TARGET_TEXT, false, true)
ACCUM(training_accum_weight_options, TARGET_TEXT, true, true)
ACCUM(training_accum_any, TARGET_ANY, false, false)
ACCUM(training_accum_any_weight, TARGET_ANY, true, false)
ACCUM(training_accum_any_options, TARGET_ANY, false, true)
ACCUM(training_accum_any_weight_options, TARGET_ANY, true, true)
ACCUM(training_accum_soft, TARGET_DISTRIBUTION, false, false)
ACCUM(training_accum_soft_weight, TARGET_DISTRIBUTION, true, false)
ACCUM(training_accum_soft_options, TARGET_DISTRIBUTION, false, true)
ACCUM(training_accum_soft_weight_options, TARGET_DISTRIBUTION, true, true)

/* (training_set, training_set): either side may be NULL. */
NL_FUNCTION(training_combine);
Datum
training_combine(PG_FUNCTION_ARGS)
{
	ExpandedTraining *other;
	ExpandedTraining *et;

	if (PG_ARGISNULL(1))
		VALUE_RETURN_STATE();
	other = training_get(PG_GETARG_DATUM(1), CurrentMemoryContext);
	et = get_state(fcinfo, other->set.soft, other->set.weight != NULL);
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

static Names
model_names(const FittedModel *model, const Names *names)
{
	Dictionary *dict = dictionary_create(CurrentMemoryContext, "label", NL_MAX_CLASSES);

	for (uint32 k = 0; k < model->classes; k++)
	{
		int			len;
		const char *s = names_get(names, model->label[k], &len);

		dictionary_add(dict, s, len);
	}
	return dictionary_names(dict, dictionary_order(dict, ORDER_LABELS));
}

/* Coefficients for features that are not centred. */
static void
uncentre(FittedModel *model, const Design *design)
{
	uint32		width = design->x->width;

	for (uint32 k = 0; k < model->columns; k++)
	{
		double	   *c = model->coefficients + (Size) k * width;

		CHECK_FOR_INTERRUPTS();
		for (uint32 j = 1; j < width; j++)
			c[0] -= c[j] * design->mean[j];
	}
	for (Size i = 0; i < (Size) model->columns * width; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		model->coefficients[i] += 0.0;	/* no -0, which text would lose */
	}
}

static uint32
used_rows(const Design *design)
{
	return design->used[0] - design->start[0];
}

static Classifier *
fit(TrainingSet *set, const ClassifierOptions *options)
{
	Names		names = training_set_names(set);
	Design	   *design;
	FittedModel *model;
	ClassifierView view = {0};

	(void) classifier_check_size(names.n, set->x.width - 1);
	softmax_check_memory(set, 1, design_memory(set, 1), "logistic_regression()");
	design = design_make(set, training_set_order(set, 0), NULL, 1);
	model = softmax_regression(design, false, &options->regression,
							   "logistic_regression");
	check_classes(model, &names);
	uncentre(model, design);
	softmax_check_finite(model, set->x.width);
	if (!model->converged)
		ereport(WARNING,
				(errmsg("logistic_regression() did not converge in %d iterations: gradient %.2e, tolerance %.2e",
						model->iterations, model->gradient,
						options->regression.tolerance),
				 errhint("Raise \"max_iterations\" or \"l2\"; without a penalty (\"l2\" 0) classes that can be told apart have no best coefficients.")));
	view.labels = model_names(model, &names);
	view.features = set->x.width - 1;
	view.coefficients = model->coefficients;
	view.rows = used_rows(design);
	view.weight = model->weight;
	view.iterations = model->iterations;
	view.converged = model->converged;
	view.gradient = model->gradient;
	view.log_loss = Max(model->loss / model->weight, 0);
	view.options = classifier_options_json(options);
	return classifier_make(&view);
}

/*
 * Declared FINALFUNC_MODIFY = READ_WRITE: the state is used up.  It works on a
 * copy when called by hand, in a window, or by another aggregate that does not
 * declare it so: in none of these has the state one reader.
 */
NL_FUNCTION(logistic_regression_final);
Datum
logistic_regression_final(PG_FUNCTION_ARGS)
{
	MemoryContext phase;
	MemoryContext old;
	ExpandedTraining *et;
	ClassifierOptions options;
	Jsonb	   *jsonb = NULL;
	Classifier *classifier;
	Classifier *result = NULL;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	phase = AllocSetContextCreate(CurrentMemoryContext, "logistic_regression fit",
								  ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(phase);
	et = AggStateIsShared(fcinfo) ?
		training_expand(PG_GETARG_DATUM(0), phase) :
		training_get(PG_GETARG_DATUM(0), phase);
	if (et->options != NULL)
		jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
												   CStringGetDatum(et->options)));
	options = classifier_options(jsonb, false);
	if (et->set.x.n > 0)
	{
		classifier = fit(&et->set, &options);
		result = MemoryContextAlloc(old, VARSIZE(classifier));
		nl_copy(result, classifier, VARSIZE(classifier));
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(phase);
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(result);
}

/*
 * Using a classifier
 */

/* The last classifier of a call site, and buffers for its rows. */
typedef struct Predictor
{
	MemoryContext context;
	uint64		fingerprint;
	bool		external;
	struct varatt_external pointer;
	ClassifierView view;
	double	   *row;			/* features + 1 */
	double	   *p;				/* labels */
} Predictor;

static void
load_predictor(Predictor *predictor, const Classifier *classifier)
{
	MemoryContext old;
	Classifier *copy;

	if (predictor->view.labels.n > 0 &&
		predictor->fingerprint == classifier->fingerprint)
		return;
	predictor->view.labels.n = 0;
	MemoryContextReset(predictor->context);
	old = MemoryContextSwitchTo(predictor->context);
	copy = palloc(VARSIZE(classifier));
	nl_copy(copy, classifier, VARSIZE(classifier));
	predictor->row = palloc(((Size) copy->features + 1) * sizeof(double));
	predictor->row[0] = 1;
	predictor->p = palloc(copy->labels * sizeof(double));
	predictor->fingerprint = copy->fingerprint;
	predictor->view = classifier_view(copy);
	MemoryContextSwitchTo(old);
}

/* A stored classifier is recognised by its TOAST pointer, without fetching. */
static Predictor *
get_predictor(FunctionCallInfo fcinfo)
{
	void	  **place = nl_call_cache(fcinfo);
	Predictor  *predictor = *place;
	struct varlena *datum = (struct varlena *) PG_GETARG_POINTER(0);
	struct varatt_external pointer;
	bool		external = VARATT_IS_EXTERNAL_ONDISK(datum);

	if (predictor == NULL)
	{
		MemoryContext parent = fcinfo->flinfo->fn_mcxt;

		predictor = MemoryContextAllocZero(parent, sizeof(Predictor));
		predictor->context = AllocSetContextCreate(parent, "classifier",
												   ALLOCSET_START_SMALL_SIZES);
		*place = predictor;
	}
	if (external)
	{
		VARATT_EXTERNAL_GET_POINTER(pointer, datum);
		if (predictor->view.labels.n > 0 && predictor->external &&
			memcmp(&pointer, &predictor->pointer, sizeof(pointer)) == 0)
			return predictor;
	}
	load_predictor(predictor, classifier_get(PointerGetDatum(datum)));
	predictor->external = external;
	if (external)
		predictor->pointer = pointer;
	return predictor;
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
						n, view->features)));
	features_copy(predictor->row + 1, (double *) ARR_DATA_PTR(features), n, 0);
	softmax_predict(view->coefficients, classifier_columns(view->labels.n),
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
	bool	   *nulls;
	Datum	   *values = nl_srf_begin(fcinfo, &nulls);

	for (uint32 k = 0; k < columns; k++)
	{
		values[0] = PointerGetDatum(names_text(&view.labels, columns == 1 ? 1 : k));
		for (uint32 j = 0; j <= view.features; j++)
		{
			CHECK_FOR_INTERRUPTS();
			values[1] = Int32GetDatum(j);
			values[2] = Float8GetDatum(view.coefficients[(Size) k * (view.features + 1) + j]);
			nl_srf_row(fcinfo, values, nulls);
		}
	}
	return (Datum) 0;
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
