/*
 * crowd_model_io.c
 *		Text and binary input and output of crowd_model, and its JSON.
 *
 * Binary form: version; the annotator_model and the classifier in their binary forms,
 * each with its length (0: no classifier); the labels; the items; whether there are
 * predictions; for each item its number of answers, its distribution, and its
 * prediction; the record of the fit; options and texts.
 *
 * Text form: always the compact one, that in base64 (see value_forms.h), for it has
 * all items.  Input is read into a view that is checked and put into canonical order.
 */
#include "types/crowd_model.h"

#include <math.h>

#include "libpq/pqformat.h"
#include "names/names_io.h"
#include "pg/json.h"
#include "types/feature_matrix.h"
#include "types/value_forms.h"

#define MAX_WARNINGS 1000

/*
 * Writing
 */
static void
append_distribution(StringInfo buf, const Names *labels, const double *p)
{
	for (uint32 k = 0; k < labels->n; k++)
	{
		appendStringInfoString(buf, k == 0 ? "{" : ", ");
		jsonio_append_name(buf, names_get(labels, k));
		appendStringInfoString(buf, ": ");
		jsonio_append_double(buf, p[k]);
	}
	appendStringInfoChar(buf, '}');
}

static void
append_item(StringInfo buf, const CrowdModelView *view, uint32 i)
{
	Size		at = (Size) i * view->labels.n;

	CHECK_FOR_INTERRUPTS();
	if ((Size) buf->len > JSONB_TEXT_MAX)
		jsonio_too_large("crowd_model", "json and jsonb");
	jsonio_append_name(buf, names_get(&view->items, i));
	appendStringInfo(buf, ": {\"annotations\": %u, \"distribution\": ", view->answers[i]);
	append_distribution(buf, &view->labels, view->distribution + at);
	appendStringInfoString(buf, ", \"predicted\": ");
	if (view->predicted != NULL)
		append_distribution(buf, &view->labels, view->predicted + at);
	else
		appendStringInfoString(buf, "null");
	appendStringInfoChar(buf, '}');
}

static void
append_fit(StringInfo buf, const CrowdModelView *view)
{
	appendStringInfo(buf, "{\"features\": %u, \"rounds\": %d, \"converged\": %s, \"l2\": ",
					 view->features, view->rounds, view->converged ? "true" : "false");
	jsonio_append_double(buf, view->l2);
	appendStringInfoString(buf, ", \"noise\": ");
	jsonio_append_double(buf, view->noise);
	appendStringInfoString(buf, ", \"log_loss\": ");
	jsonio_append_double(buf, view->log_loss);
	appendStringInfoString(buf, ", \"stopped_by\": ");
	jsonio_append_string(buf, view->stopped_by, strlen(view->stopped_by));
	appendStringInfoString(buf, ", \"warnings\": [");
	for (uint32 i = 0; i < view->n_warnings; i++)
	{
		appendStringInfoString(buf, i == 0 ? "" : ", ");
		jsonio_append_string(buf, view->warnings[i], strlen(view->warnings[i]));
	}
	appendStringInfoString(buf, "]}");
}

static void
write_json(StringInfo buf, const void *value)
{
	CrowdModelView view = crowd_model_view(value);

	appendStringInfo(buf, "{\"method\": \"learn_from_crowds\", \"options\": %s, \"fit\": ",
					 view.options);
	append_fit(buf, &view);
	appendStringInfoString(buf, ", \"annotator_model\": ");
	annotator_model_forms.write_json(buf, view.annotators);
	appendStringInfoString(buf, ", \"classifier\": ");
	if (view.classifier != NULL)
		classifier_forms.write_json(buf, view.classifier);
	else
		appendStringInfoString(buf, "null");
	appendStringInfoString(buf, ", \"items\": {");
	for (uint32 i = 0; i < view.items.n; i++)
	{
		appendStringInfoString(buf, i == 0 ? "" : ", ");
		append_item(buf, &view, i);
	}
	appendStringInfoString(buf, "}}");
}

/* A value inside another, its length before it; NULL: nothing. */
static void
write_part(StringInfo buf, const ValueForms *forms, const void *value, int encoding)
{
	StringInfoData part;

	if (value == NULL)
	{
		pq_sendint32(buf, 0);
		return;
	}
	initStringInfo(&part);
	forms->write_binary(&part, value, encoding);
	pq_sendint32(buf, part.len);
	pq_sendbytes(buf, part.data, part.len);
	pfree(part.data);
}

static void
write_record(StringInfo buf, const CrowdModelView *view, int encoding)
{
	pq_sendint32(buf, view->features);
	pq_sendint32(buf, view->rounds);
	pq_sendint8(buf, view->converged);
	pq_sendfloat8(buf, view->l2);
	pq_sendfloat8(buf, view->noise);
	pq_sendfloat8(buf, view->log_loss);
	name_send(buf, name_of(view->options), encoding);
	name_send(buf, name_of(view->stopped_by), encoding);
	pq_sendint32(buf, view->n_warnings);
	for (uint32 i = 0; i < view->n_warnings; i++)
		name_send(buf, name_of(view->warnings[i]), encoding);
}

static void
write_binary(StringInfo buf, const void *value, int encoding)
{
	CrowdModelView view = crowd_model_view(value);
	Size		labels = view.labels.n;

	value_send_version(buf, KIND_CROWD_MODEL);
	write_part(buf, &annotator_model_forms, view.annotators, encoding);
	write_part(buf, &classifier_forms, view.classifier, encoding);
	names_send(buf, &view.labels, encoding);
	names_send(buf, &view.items, encoding);
	pq_sendint8(buf, view.predicted != NULL);
	for (uint32 i = 0; i < view.items.n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		pq_sendint32(buf, view.answers[i]);
		value_send_doubles(buf, view.distribution + i * labels, labels);
		if (view.predicted != NULL)
			value_send_doubles(buf, view.predicted + i * labels, labels);
	}
	write_record(buf, &view, encoding);
}

/*
 * Reading
 */
static NL_NORETURN void
invalid(const char *detail)
{
	value_invalid_binary(KIND_CROWD_MODEL, detail);
}

static void *
read_part(StringInfo buf, const ValueForms *forms, int encoding)
{
	StringInfoData part = {0};
	uint32		len = pq_getmsgint(buf, 4);

	if (len > (uint32) (buf->len - buf->cursor))
		invalid("It is truncated.");
	if (len == 0)
		return NULL;
	part.data = (char *) pq_getmsgbytes(buf, len);
	part.len = part.maxlen = len;
	return DatumGetPointer(forms->read_binary(&part, encoding));
}

/* Names as the sender has them, put in order; "rank" says where each one goes. */
static Names
read_names(StringInfo buf, const char *kind, uint32 max, NameOrder by, int encoding,
		   uint32 **rank)
{
	Dictionary *dict = dictionary_create(CurrentMemoryContext, kind, max);
	uint32	   *order;

	dictionary_recv(dict, buf, encoding);
	order = dictionary_order(dict, by);
	*rank = dictionary_rank(order, dict->n);
	return dictionary_names(dict, order);
}

static bool
are_same_names(const Names *a, const Names *b)
{
	if (a->n != b->n || names_bytes(a) != names_bytes(b))
		return false;
	return memcmp(a->ends, b->ends, a->n * sizeof(uint32)) == 0 &&
		memcmp(a->bytes, b->bytes, names_bytes(a)) == 0;
}

/* A distribution, whose labels are in the sender's order. */
static void
read_distribution(StringInfo buf, uint32 labels, const uint32 *rank, double *p)
{
	double		sum = 0;

	for (uint32 k = 0; k < labels; k++)
	{
		double		v = value_recv_double(buf);

		if (!(v >= 0 && v <= 1 + 1e-6))
			invalid("A probability is out of range.");
		p[rank[k]] = v;
		sum += v;
	}
	if (!(fabs(sum - 1) <= 1e-6))
		invalid("A distribution does not sum to 1.");
}

static void
read_items(StringInfo buf, CrowdModelView *view, const uint32 *item_rank,
		   const uint32 *label_rank)
{
	Size		labels = view->labels.n;
	bool		predicted = pq_getmsgbyte(buf) != 0;
	Size		cells = mul_size(view->items.n, labels);
	Size		each = sizeof(uint32) + (1 + predicted) * labels * sizeof(double);

	if (view->items.n == 0 || mul_size(view->items.n, each) > (Size) (buf->len - buf->cursor))
		invalid("It is truncated.");
	view->answers = nl_alloc(CurrentMemoryContext, view->items.n * sizeof(uint32));
	view->distribution = nl_alloc(CurrentMemoryContext, cells * sizeof(double));
	if (predicted)
		view->predicted = nl_alloc(CurrentMemoryContext, cells * sizeof(double));
	for (uint32 i = 0; i < view->items.n; i++)
	{
		Size		at = item_rank[i] * labels;

		CHECK_FOR_INTERRUPTS();
		view->answers[item_rank[i]] = pq_getmsgint(buf, 4);
		if (view->answers[item_rank[i]] == 0 || view->answers[item_rank[i]] > PG_INT32_MAX)
			invalid("A number of answers is out of range.");
		read_distribution(buf, labels, label_rank, view->distribution + at);
		if (predicted)
			read_distribution(buf, labels, label_rank, view->predicted + at);
	}
}

static void
read_record(StringInfo buf, CrowdModelView *view, int encoding)
{
	view->features = pq_getmsgint(buf, 4);
	view->rounds = pq_getmsgint(buf, 4);
	view->converged = pq_getmsgbyte(buf) != 0;
	view->l2 = value_recv_double(buf);
	view->noise = value_recv_double(buf);
	view->log_loss = value_recv_double(buf);
	view->options = jsonio_options("crowd_model",
								   jsonio_parse_object("crowd_model",
													   value_recv_string(buf, KIND_CROWD_MODEL, "Its options have", encoding)),
								   "options");
	view->stopped_by = value_recv_string(buf, KIND_CROWD_MODEL, "Its record has", encoding);
	view->n_warnings = pq_getmsgint(buf, 4);
	if (view->features == 0 || view->features > MAX_FEATURES || view->rounds < 1 ||
		!(view->l2 >= 0 && isfinite(view->l2)) || !(view->noise >= 0 && view->noise <= 1) ||
		!(view->log_loss >= 0 && isfinite(view->log_loss)) || view->n_warnings > MAX_WARNINGS)
		invalid("A number in the record of the fit is out of range.");
	view->warnings = palloc(Max(view->n_warnings, 1) * sizeof(char *));
	for (uint32 i = 0; i < view->n_warnings; i++)
		view->warnings[i] = value_recv_string(buf, KIND_CROWD_MODEL, "A warning has", encoding);
}

/* The parts must be about the same labels and features. */
static void
check_parts(const CrowdModelView *view)
{
	Names		of_model = crowd_model_classes(view->annotators);
	Names		of_classifier;

	if (!are_same_names(&view->labels, &of_model))
		invalid("Its labels are not those of its annotator_model.");
	if (view->classifier == NULL)
		return;
	of_classifier = classifier_view(view->classifier).labels;
	for (uint32 k = 0; k < of_classifier.n; k++)
		if (names_find(&view->labels, names_get(&of_classifier, k)) < 0)
			invalid("Its classifier has a label that its annotator_model has not.");
	if (view->classifier->features != view->features)
		invalid("Its classifier has another number of features.");
}

static Datum
read_binary(StringInfo buf, int encoding)
{
	CrowdModelView view = {0};
	uint32	   *label_rank;
	uint32	   *item_rank;

	value_recv_version(buf, KIND_CROWD_MODEL);
	view.annotators = read_part(buf, &annotator_model_forms, encoding);
	view.classifier = read_part(buf, &classifier_forms, encoding);
	if (view.annotators == NULL)
		invalid("It has no annotator_model.");
	view.labels = read_names(buf, "label", NL_MAX_CLASSES, ORDER_LABELS, encoding, &label_rank);
	view.items = read_names(buf, "item", PG_UINT32_MAX - 1, ORDER_BYTES, encoding, &item_rank);
	(void) crowd_model_check_size(view.items.n, view.labels.n, names_bytes(&view.items));
	read_items(buf, &view, item_rank, label_rank);
	read_record(buf, &view, encoding);
	pq_getmsgend(buf);
	check_parts(&view);
	return PointerGetDatum(crowd_model_make(&view));
}

const ValueForms crowd_model_forms = {
	KIND_CROWD_MODEL, write_json, write_binary, NULL, read_binary
};

VALUE_INPUT_FUNCTIONS(crowd_model)
VALUE_OUTPUT_FUNCTIONS(crowd_model, crowd_model_get)
