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
#include "types/classifier.h"

#include <math.h>

#include "types/feature_matrix.h"
#include "pg/json.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "names/names_io.h"
#include "types/value_forms.h"

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

static double *
coefficient_array(uint32 labels, uint32 features)
{
	Size		size = classifier_check_size(labels, features);

	/* what is read into, a copy in order, the stored form */
	value_check_memory(mul_size(size, 3), KIND_CLASSIFIER, "reading a");
	return palloc((Size) classifier_columns(labels) * ((Size) features + 1) *
				  sizeof(double));
}

static void
write_json(StringInfo buf, const void *value)
{
	ClassifierView view = classifier_view(value);

	appendStringInfo(buf, "{\"method\": \"logistic_regression\", \"options\": %s"
					 ", \"fit\": {\"rows\": " INT64_FORMAT ", \"weight\": ",
					 view.options, view.rows);
	jsonio_append_double(buf, view.weight);
	appendStringInfo(buf, ", \"iterations\": %d, \"converged\": %s, \"gradient\": ",
					 view.iterations, view.converged ? "true" : "false");
	jsonio_append_double(buf, view.gradient);
	appendStringInfoString(buf, ", \"log_loss\": ");
	jsonio_append_double(buf, view.log_loss);
	appendStringInfo(buf, "}, \"features\": %u, \"labels\": ", view.features);
	jsonio_append_names(buf, &view.labels);
	appendStringInfoString(buf, ", \"coefficients\": ");
	jsonio_append_matrix(buf, view.coefficients, classifier_columns(view.labels.n),
						 (Size) view.features + 1);
	appendStringInfoChar(buf, '}');
}

static void
read_fit(JsonText fit, ClassifierView *view)
{
	static const char *const keys[] = {"rows", "weight", "iterations", "converged",
	"gradient", "log_loss"};
	JsonText	field[lengthof(keys)];

	jsonio_fields(type_name, fit, keys, lengthof(keys), field);
	view->rows = jsonio_count(type_name, field[0], "rows", MAX_ROWS);
	view->weight = jsonio_double(type_name, field[1], "weight");
	view->iterations = jsonio_count(type_name, field[2], "iterations", PG_INT32_MAX);
	view->converged = jsonio_bool(type_name, field[3], "converged");
	view->gradient = jsonio_double(type_name, field[4], "gradient");
	view->log_loss = jsonio_double(type_name, field[5], "log_loss");
}

/* Nothing is allocated for numbers that are not there. */
static void
check_coefficients(JsonText rows, uint32 features)
{
	JsonText	first = jsonio_first(rows);

	if (features == 0 || first == NULL ||
		jsonio_size(jsonio_array(type_name, first, "coefficients")) != features + 1)
		jsonio_invalid(type_name, "\"coefficients\" must have a row of 1 + \"features\" numbers for each label, or one row for two.");
}

static Datum
read_json(const char *text)
{
	static const char *const keys[] = {"coefficients", "fit", "options", "method",
	"labels", "features"};
	JsonText	field[lengthof(keys)];
	Dictionary *labels = dictionary_create(CurrentMemoryContext, "label", NL_MAX_CLASSES);
	ClassifierView view = {0};
	JsonText	rows;
	JsonText	fit;

	jsonio_fields(type_name, jsonio_parse_object(type_name, text), keys,
				  lengthof(keys), field);
	rows = jsonio_array(type_name, field[0], "coefficients");
	fit = jsonio_object(type_name, field[1], "fit");
	view.options = jsonio_options(type_name, field[2], "options");
	if (strcmp(jsonio_string(type_name, field[3], "method"), "logistic_regression") != 0)
		jsonio_invalid(type_name, "\"method\" must be \"logistic_regression\".");
	jsonio_read_names(type_name, field[4], "labels", labels);
	check_labels(labels);
	view.features = jsonio_count(type_name, field[5], "features", MAX_FEATURES);
	check_coefficients(rows, view.features);
	view.coefficients = coefficient_array(labels->n, view.features);
	jsonio_read_matrix(type_name, rows, "coefficients", view.coefficients,
					   classifier_columns(labels->n), view.features + 1);
	read_fit(fit, &view);
	return finish_input(&view, labels);
}

static void
write_binary(StringInfo buf, const void *value, int encoding)
{
	ClassifierView view = classifier_view(value);
	Size		n = (Size) classifier_columns(view.labels.n) * (view.features + 1);
	char	   *options = pg_server_to_any(view.options, strlen(view.options), encoding);

	value_send_version(buf, KIND_CLASSIFIER);
	names_send(buf, &view.labels, encoding);
	pq_sendint32(buf, view.features);
	value_send_doubles(buf, view.coefficients, n);
	pq_sendint64(buf, view.rows);
	pq_sendfloat8(buf, view.weight);
	pq_sendint32(buf, view.iterations);
	pq_sendint8(buf, view.converged);
	pq_sendfloat8(buf, view.gradient);
	pq_sendfloat8(buf, view.log_loss);
	pq_sendbytes(buf, options, strlen(options));
}

/* The rest of the message */
static char *
recv_options(StringInfo buf, int encoding)
{
	int			len = buf->len - buf->cursor;
	const char *s = pq_getmsgbytes(buf, len);

	if (memchr(s, '\0', len) != NULL)
		value_invalid_binary(KIND_CLASSIFIER, "Its options have a zero byte.");
	s = pnstrdup(s, len);
	s = pg_any_to_server(s, len, encoding);
	return jsonio_options(type_name, jsonio_parse_object(type_name, s), "options");
}

static Datum
read_binary(StringInfo buf, int encoding)
{
	Dictionary *labels = dictionary_create(CurrentMemoryContext, "label", NL_MAX_CLASSES);
	ClassifierView view = {0};
	Size		n;

	value_recv_version(buf, KIND_CLASSIFIER);
	dictionary_recv(labels, buf, encoding);
	check_labels(labels);
	view.features = pq_getmsgint(buf, 4);
	n = mul_size(classifier_columns(labels->n), (Size) view.features + 1);
	if (view.features == 0 || n > (Size) (buf->len - buf->cursor) / sizeof(double))
		value_invalid_binary(KIND_CLASSIFIER, "It is truncated.");
	if (view.features > MAX_FEATURES)
		value_invalid_binary(KIND_CLASSIFIER, "It has too many features.");
	view.coefficients = coefficient_array(labels->n, view.features);
	value_recv_doubles(buf, view.coefficients, n);
	view.rows = pq_getmsgint64(buf);
	view.weight = value_recv_double(buf);
	view.iterations = pq_getmsgint(buf, 4);
	view.converged = pq_getmsgbyte(buf) != 0;
	view.gradient = value_recv_double(buf);
	view.log_loss = value_recv_double(buf);
	view.options = recv_options(buf, encoding);
	return finish_input(&view, labels);
}

const ValueForms classifier_forms = {
	KIND_CLASSIFIER, write_json, write_binary, read_json, read_binary
};

VALUE_INPUT_FUNCTIONS(classifier)
VALUE_OUTPUT_FUNCTIONS(classifier, classifier_get)
