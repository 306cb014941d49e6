/*
 * classifier_io.c
 *		Text and binary input and output of classifier.
 *
 * Text form: JSON.  Binary form: version; labels; the number of features; the
 * coefficients, intercept first; the fit record; the options as JSON.  Both are
 * read into a view that is checked as a whole.  Rows of coefficients may come
 * with labels in any order if there are three or more; with two the order says
 * what the one row means, so it must be the canonical one.
 */
#include "classifier.h"

#include <math.h>

#include "feature_matrix.h"
#include "jsonio.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"

static const char type_name[] = "classifier";

#define MAX_ROWS 1e15

static void
invalid_classifier(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid classifier: %s", what)));
}

static void
check_classifier(const ClassifierView *view)
{
	Size		n = (Size) classifier_columns(view->labels.n) * (view->features + 1);

	for (Size i = 0; i < n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (!isfinite(view->coefficients[i]))
			invalid_classifier("a coefficient is not finite");
	}
	if (view->rows < 1 || view->rows > MAX_ROWS || view->iterations < 0)
		invalid_classifier("a number in the fit record is out of range");
	if (!(view->weight > 0 && isfinite(view->weight)))
		invalid_classifier("its weight is out of range");
	if (!(view->gradient >= 0 && isfinite(view->gradient)) ||
		!(view->log_loss >= 0 && isfinite(view->log_loss)))
		invalid_classifier("its gradient or log_loss is out of range");
}

/* Put into canonical order, and store. */
static Datum
finish_input(ClassifierView *view, Dictionary *labels)
{
	uint32	   *order = dictionary_order(labels, ORDER_LABELS);
	Size		width = (Size) view->features + 1;
	double	   *sorted;

	view->labels = dictionary_names(labels, order);
	check_classifier(view);
	if (labels->n == 2)
	{
		if (order[0] != 0)
			invalid_classifier("its two labels are not in order");
		return PointerGetDatum(classifier_make(view));
	}
	sorted = nl_alloc(CurrentMemoryContext,
					  mul_size(mul_size(labels->n, width), sizeof(double)));
	for (uint32 k = 0; k < labels->n; k++)
	{
		CHECK_FOR_INTERRUPTS();
		memcpy(sorted + k * width, view->coefficients + order[k] * width,
			   width * sizeof(double));
	}
	view->coefficients = sorted;
	return PointerGetDatum(classifier_make(view));
}

static void
check_labels(const Dictionary *labels)
{
	if (labels->n < 2)
		invalid_classifier("it has fewer than two labels");
}

NL_FUNCTION(classifier_out);
Datum
classifier_out(PG_FUNCTION_ARGS)
{
	ClassifierView view = classifier_view(classifier_get(PG_GETARG_DATUM(0)));
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "{\"method\": \"logistic_regression\", \"options\": %s"
					 ", \"fit\": {\"rows\": " INT64_FORMAT ", \"weight\": ",
					 view.options, view.rows);
	jsonio_append_double(&buf, view.weight);
	appendStringInfo(&buf, ", \"iterations\": %d, \"converged\": %s, \"gradient\": ",
					 view.iterations, view.converged ? "true" : "false");
	jsonio_append_double(&buf, view.gradient);
	appendStringInfoString(&buf, ", \"log_loss\": ");
	jsonio_append_double(&buf, view.log_loss);
	appendStringInfo(&buf, "}, \"features\": %u, \"labels\": ", view.features);
	jsonio_append_names(&buf, &view.labels);
	appendStringInfoString(&buf, ", \"coefficients\": ");
	jsonio_append_matrix(&buf, view.coefficients, classifier_columns(view.labels.n),
						 (Size) view.features + 1);
	appendStringInfoChar(&buf, '}');
	PG_RETURN_CSTRING(buf.data);
}

static JsonbContainer *
object_field(JsonbContainer *object, const char *key)
{
	JsonbValue *value = jsonio_field(type_name, object, key);

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		jsonio_invalid(type_name, psprintf("\"%s\" must be an object.", key));
	return value->val.binary.data;
}

static double *
coefficient_array(uint32 labels, uint32 features)
{
	(void) classifier_check_size(labels, features);
	return palloc((Size) classifier_columns(labels) * ((Size) features + 1) *
				  sizeof(double));
}

NL_FUNCTION(classifier_in);
Datum
classifier_in(PG_FUNCTION_ARGS)
{
	JsonbContainer *object = jsonio_parse_object(type_name, PG_GETARG_CSTRING(0));
	Dictionary *labels = dictionary_create(CurrentMemoryContext, "label", NL_MAX_CLASSES);
	ClassifierView view = {0};
	JsonbContainer *rows = jsonio_array_field(type_name, object, "coefficients");
	JsonbContainer *fit = object_field(object, "fit");
	JsonbContainer *options = object_field(object, "options");

	if (strcmp(jsonio_string_field(type_name, object, "method"), "logistic_regression") != 0)
		jsonio_invalid(type_name, "\"method\" must be \"logistic_regression\".");
	jsonio_read_names(type_name, object, "labels", labels);
	check_labels(labels);
	view.features = jsonio_count_field(type_name, object, "features", MAX_FEATURES);
	/* nothing is allocated for numbers that are not there */
	if (view.features == 0 || JsonContainerSize(rows) == 0 ||
		JsonContainerSize(jsonio_array_element(type_name, rows, 0, "coefficients")) !=
		view.features + 1)
		jsonio_invalid(type_name, "\"coefficients\" must have a row of 1 + \"features\" numbers for each label, or one row for two.");
	view.coefficients = coefficient_array(labels->n, view.features);
	jsonio_read_matrix(type_name, rows, "coefficients", view.coefficients,
					   classifier_columns(labels->n), view.features + 1);
	view.rows = jsonio_count_field(type_name, fit, "rows", MAX_ROWS);
	view.weight = jsonio_double_field(type_name, fit, "weight");
	view.iterations = jsonio_count_field(type_name, fit, "iterations", PG_INT32_MAX);
	view.converged = jsonio_bool_field(type_name, fit, "converged");
	view.gradient = jsonio_double_field(type_name, fit, "gradient");
	view.log_loss = jsonio_double_field(type_name, fit, "log_loss");
	view.options = JsonbToCString(NULL, options, 0);
	PG_RETURN_DATUM(finish_input(&view, labels));
}

NL_FUNCTION(classifier_send);
Datum
classifier_send(PG_FUNCTION_ARGS)
{
	ClassifierView view = classifier_view(classifier_get(PG_GETARG_DATUM(0)));
	Size		n = (Size) classifier_columns(view.labels.n) * (view.features + 1);
	StringInfoData buf;

	pq_begintypsend(&buf);
	value_send_version(&buf, KIND_CLASSIFIER);
	names_send(&buf, &view.labels, pg_get_client_encoding());
	pq_sendint32(&buf, view.features);
	for (Size i = 0; i < n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		pq_sendfloat8(&buf, view.coefficients[i]);
	}
	pq_sendint64(&buf, view.rows);
	pq_sendfloat8(&buf, view.weight);
	pq_sendint32(&buf, view.iterations);
	pq_sendint8(&buf, view.converged);
	pq_sendfloat8(&buf, view.gradient);
	pq_sendfloat8(&buf, view.log_loss);
	pq_sendtext(&buf, view.options, strlen(view.options));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* Adding 0 makes 0 of -0, which would not come back from the text form. */
static double
recv_double(StringInfo buf)
{
	return pq_getmsgfloat8(buf) + 0.0;
}

NL_FUNCTION(classifier_recv);
Datum
classifier_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	Dictionary *labels = dictionary_create(CurrentMemoryContext, "label", NL_MAX_CLASSES);
	ClassifierView view = {0};
	Size		n;
	int			len;
	char	   *options;

	value_recv_version(buf, KIND_CLASSIFIER);
	dictionary_recv(labels, buf, pg_get_client_encoding());
	check_labels(labels);
	view.features = pq_getmsgint(buf, 4);
	n = mul_size(classifier_columns(labels->n), (Size) view.features + 1);
	if (view.features == 0 || n > (Size) (buf->len - buf->cursor) / sizeof(double))
		value_invalid_binary(KIND_CLASSIFIER, "It is truncated.");
	if (view.features > MAX_FEATURES)
		value_invalid_binary(KIND_CLASSIFIER, "It has too many features.");
	view.coefficients = coefficient_array(labels->n, view.features);
	for (Size i = 0; i < n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		view.coefficients[i] = recv_double(buf);
	}
	view.rows = pq_getmsgint64(buf);
	view.weight = recv_double(buf);
	view.iterations = pq_getmsgint(buf, 4);
	view.converged = pq_getmsgbyte(buf) != 0;
	view.gradient = recv_double(buf);
	view.log_loss = recv_double(buf);
	options = pq_getmsgtext(buf, buf->len - buf->cursor, &len);
	if ((int) strlen(options) != len)
		value_invalid_binary(KIND_CLASSIFIER, "Its options have a zero byte.");
	view.options = JsonbToCString(NULL, jsonio_parse_object(type_name, options), 0);
	PG_RETURN_DATUM(finish_input(&view, labels));
}
