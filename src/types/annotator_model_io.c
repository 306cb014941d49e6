/*
 * annotator_model_io.c
 *		Input and output of annotator_model, and its binary form.
 *
 * Binary form, in the order of the fields of AnnotatorModelView: version; names of
 * labels and annotators; the components; annotations, those on gold, what is
 * reported of them, the columns of evidence; the fit record; its matrices with the
 * label first and no larger than the variant needs, as they are stored.  Both forms are
 * read into a view that is checked as a whole and put into canonical order
 * (annotator_model_input.c); the text is that of annotator_model_json.c.
 */
#include "types/annotator_model_input.h"

#include "libpq/pqformat.h"
#include "names/names_io.h"
#include "pg/json.h"
#include "types/value_forms.h"

static const char type_name[] = "annotator_model";

static void
send_voices(StringInfo buf, const AnnotatorModelView *view)
{
	pq_sendfloat8(buf, view->correlation);
	pq_sendint64(buf, view->correlation_items);
	pq_sendint64(buf, view->teaching_items);
	pq_sendint8(buf, view->voices);
	for (uint32 j = 0; j < view->annotators.n && view->voices == VOICES_GROUPS; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		pq_sendint32(buf, view->group[j]);
	}
}

/* The notes that there are: whose, and the text. */
static void
send_notes(StringInfo buf, const AnnotatorModelView *view, int encoding)
{
	uint32		n = 0;

	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		n += view->notes[j][0] != '\0';
	}
	pq_sendint32(buf, n);
	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		if (view->notes[j][0] == '\0')
			continue;
		pq_sendint32(buf, j);
		name_send(buf, name_of(view->notes[j]), encoding);
	}
}

/* How many columns an annotator has, and each. */
static void
send_evidence(StringInfo buf, const AnnotatorModelView *view)
{
	const ModelEvidence *e = &view->evidence;
	Size		classes = view->labels.n;

	pq_sendint32(buf, evidence_columns(e, view->annotators.n));
	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		CHECK_FOR_INTERRUPTS();
		pq_sendint32(buf, e->ends[j] - evidence_first(e, j));
		for (Size i = evidence_first(e, j); i < e->ends[j]; i++)
		{
			pq_sendint32(buf, e->label[i]);
			value_send_doubles(buf, e->counts + i * classes, classes);
			value_send_doubles(buf, e->variances + i * classes, classes);
		}
	}
}

static void
write_binary(StringInfo buf, const void *value, int encoding)
{
	AnnotatorModelView view = annotator_model_view(value);

	value_send_version(buf, KIND_ANNOTATOR_MODEL);
	names_send(buf, &view.labels, encoding);
	names_send(buf, &view.annotators, encoding);
	pq_sendint32(buf, view.n_components);
	for (uint32 i = 0; i < view.n_components; i++)
	{
		const ModelComponent *c = &view.components[i];

		pq_sendint32(buf, c->variant);
		pq_sendfloat8(buf, c->weight);
		value_send_doubles(buf, c->prior, view.labels.n);
		value_send_doubles(buf, c->pool, model_cells(&view));
		value_send_doubles(buf, c->confusion,
						   variant_doubles(c->variant, view.annotators.n, view.labels.n));
	}
	value_send_doubles(buf, view.annotations, view.annotators.n);
	value_send_doubles(buf, view.gold_annotations, view.annotators.n);
	value_send_doubles(buf, view.reported_right, view.annotators.n);
	value_send_doubles(buf, view.reported_variances, view.annotators.n);
	send_evidence(buf, &view);
	pq_sendint8(buf, view.shares != NULL);
	if (view.shares != NULL)
		value_send_doubles(buf, view.shares, view.labels.n);
	pq_sendint64(buf, view.items);
	pq_sendint64(buf, view.n_annotations);
	pq_sendint64(buf, view.gold_items);
	pq_sendfloat8(buf, view.gold_weight);
	pq_sendint32(buf, view.iterations);
	pq_sendint8(buf, view.converged);
	pq_sendfloat8(buf, view.log_likelihood);
	name_send(buf, name_of(view.method), encoding);
	name_send(buf, name_of(view.options), encoding);
	name_send(buf, name_of(view.stopped_by), encoding);
	pq_sendint8(buf, view.truths_given);
	pq_sendint8(buf, view.prior_known);
	pq_sendint8(buf, view.silence);
	pq_sendint32(buf, view.abstains);
	pq_sendfloat8(buf, view.majority_disagreement);
	send_voices(buf, &view);
	pq_sendint32(buf, view.n_warnings);
	for (uint32 i = 0; i < view.n_warnings; i++)
		name_send(buf, name_of(view.warnings[i]), encoding);
	send_notes(buf, &view, encoding);
}

static char *
recv_string(StringInfo buf, int encoding)
{
	return value_recv_string(buf, KIND_ANNOTATOR_MODEL, "A text has", encoding);
}

/* The options are shown as JSON, so they must be. */
static char *
recv_options(StringInfo buf, int encoding)
{
	char	   *options = recv_string(buf, encoding);

	return jsonio_options(type_name, jsonio_parse_object(type_name, options), "options");
}

static InputNames
recv_names(StringInfo buf, const char *kind, uint32 max, int encoding)
{
	InputNames	input = {.dict = dictionary_create(CurrentMemoryContext, kind, max)};

	dictionary_recv(input.dict, buf, encoding);
	return input;
}

/* Nothing is allocated for numbers that are not there. */
static void
check_left(const StringInfo buf, Size doubles)
{
	if (doubles > (Size) (buf->len - buf->cursor) / sizeof(double))
		value_invalid_binary(KIND_ANNOTATOR_MODEL, "It is truncated.");
}

static void
recv_component(StringInfo buf, const AnnotatorModelView *view, ModelComponent *c)
{
	AnnotatorModelView known = *view;
	uint32		variant = pq_getmsgint(buf, 4);
	Size		rates;

	if (variant >= VARIANT_COUNT)
		value_invalid_binary(KIND_ANNOTATOR_MODEL, "Its variant is not known.");
	c->variant = variant;
	c->weight = value_recv_double(buf);
	rates = variant_doubles(variant, view->annotators.n, view->labels.n);
	check_left(buf, add_size(add_size(view->labels.n, model_cells(view)), rates));
	known.n_components = c - view->components + 1;
	model_input_check_memory(&known, 0);
	model_input_component(view, c);
	value_recv_doubles(buf, c->prior, view->labels.n);
	value_recv_doubles(buf, c->pool, model_cells(view));
	value_recv_doubles(buf, c->confusion, rates);
}

/* What send_evidence() wrote. */
static void
recv_evidence(StringInfo buf, AnnotatorModelView *view)
{
	Size		classes = view->labels.n;
	uint32		columns = pq_getmsgint(buf, 4);
	uint32		at = 0;
	ModelEvidence *e = &view->evidence;

	check_left(buf, mul_size(columns, mul_size(2, classes)));
	model_input_check_memory(view, columns);
	*e = evidence_create(view->annotators.n, classes, columns);
	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		uint32		n = pq_getmsgint(buf, 4);
		uint32		first = at;

		CHECK_FOR_INTERRUPTS();
		if (n > columns - at)
			value_invalid_binary(KIND_ANNOTATOR_MODEL, "It has more columns of evidence than it says.");
		for (e->ends[j] = first + n; at < first + n; at++)
		{
			e->label[at] = pq_getmsgint(buf, 4);
			if (e->label[at] >= classes || (at > first && e->label[at] <= e->label[at - 1]))
				value_invalid_binary(KIND_ANNOTATOR_MODEL, "A column of evidence is of no label, or not in order.");
			value_recv_doubles(buf, e->counts + at * classes, classes);
			value_recv_doubles(buf, e->variances + at * classes, classes);
		}
	}
	if (at != columns)
		value_invalid_binary(KIND_ANNOTATOR_MODEL, "It has fewer columns of evidence than it says.");
}

static void
recv_voices(StringInfo buf, AnnotatorModelView *view)
{
	uint32		n = view->annotators.n;

	view->correlation = value_recv_double(buf);
	view->correlation_items = pq_getmsgint64(buf);
	view->teaching_items = pq_getmsgint64(buf);
	view->voices = (ModelVoices) pq_getmsgbyte(buf);
	if (view->voices > VOICES_GROUPS)
		value_invalid_binary(KIND_ANNOTATOR_MODEL, "Its voices are not known.");
	if (view->voices != VOICES_GROUPS)
		return;
	if (n > (uint32) (buf->len - buf->cursor) / 4)
		value_invalid_binary(KIND_ANNOTATOR_MODEL, "It is truncated.");
	view->group = nl_alloc(CurrentMemoryContext, mul_size(Max(n, 1), sizeof(uint32)));
	for (uint32 j = 0; j < n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		view->group[j] = pq_getmsgint(buf, 4);
		if (view->group[j] > j || view->group[view->group[j]] != view->group[j])
			value_invalid_binary(KIND_ANNOTATOR_MODEL, "A group is not one.");
	}
}

static void
recv_notes(StringInfo buf, AnnotatorModelView *view, int encoding)
{
	uint32		n = pq_getmsgint(buf, 4);

	for (uint32 i = 0; i < n; i++)
	{
		uint32		annotator = pq_getmsgint(buf, 4);

		CHECK_FOR_INTERRUPTS();
		if (annotator >= view->annotators.n)
			value_invalid_binary(KIND_ANNOTATOR_MODEL, "A note is about nobody.");
		view->notes[annotator] = recv_string(buf, encoding);
	}
}

static void
recv_fit(StringInfo buf, AnnotatorModelView *view, int encoding)
{
	view->items = pq_getmsgint64(buf);
	view->n_annotations = pq_getmsgint64(buf);
	view->gold_items = pq_getmsgint64(buf);
	view->gold_weight = value_recv_double(buf);
	view->iterations = pq_getmsgint(buf, 4);
	view->converged = pq_getmsgbyte(buf) != 0;
	view->log_likelihood = value_recv_double(buf);
	view->method = recv_string(buf, encoding);
	view->options = recv_options(buf, encoding);
	view->stopped_by = recv_string(buf, encoding);
	view->truths_given = pq_getmsgbyte(buf) != 0;
	view->prior_known = pq_getmsgbyte(buf) != 0;
	view->silence = pq_getmsgbyte(buf) != 0;
	view->abstains = pq_getmsgint(buf, 4);
	view->majority_disagreement = value_recv_double(buf);
	recv_voices(buf, view);
	view->n_warnings = pq_getmsgint(buf, 4);
	if (view->n_warnings > (uint32) (buf->len - buf->cursor) / 4)
		value_invalid_binary(KIND_ANNOTATOR_MODEL, "It is truncated.");
	view->warnings = palloc(Max(view->n_warnings, 1) * sizeof(char *));
	for (uint32 i = 0; i < view->n_warnings; i++)
		view->warnings[i] = recv_string(buf, encoding);
	recv_notes(buf, view, encoding);
}

static void
recv_shares(StringInfo buf, AnnotatorModelView *view)
{
	if (pq_getmsgbyte(buf) == 0)
		return;
	view->shares = palloc(Max(view->labels.n, 1) * sizeof(double));
	value_recv_doubles(buf, view->shares, view->labels.n);
}

static Datum
read_binary(StringInfo buf, int encoding)
{
	AnnotatorModelView view = {0};
	InputNames	labels;
	InputNames	annotators;

	value_recv_version(buf, KIND_ANNOTATOR_MODEL);
	labels = recv_names(buf, "label", NL_MAX_CLASSES, encoding);
	annotators = recv_names(buf, "annotator", PG_INT32_MAX, encoding);
	view.labels = model_input_order(&labels, ORDER_LABELS);
	view.annotators = model_input_order(&annotators, ORDER_BYTES);
	view.n_components = pq_getmsgint(buf, 4);
	if (view.n_components > MAX_COMPONENTS)
		value_invalid_binary(KIND_ANNOTATOR_MODEL, "It has too many components.");

	view.components = palloc0(Max(view.n_components, 1) * sizeof(ModelComponent));
	check_left(buf, mul_size(view.annotators.n, 4));
	model_input_annotators(&view);
	for (uint32 i = 0; i < view.n_components; i++)
		recv_component(buf, &view, &view.components[i]);
	value_recv_doubles(buf, view.annotations, view.annotators.n);
	value_recv_doubles(buf, view.gold_annotations, view.annotators.n);
	value_recv_doubles(buf, view.reported_right, view.annotators.n);
	value_recv_doubles(buf, view.reported_variances, view.annotators.n);
	recv_evidence(buf, &view);
	recv_shares(buf, &view);
	recv_fit(buf, &view, encoding);
	pq_getmsgend(buf);
	return model_input_finish(&view, &labels, &annotators);
}

const ValueForms annotator_model_forms = {
	KIND_ANNOTATOR_MODEL, annotator_model_write_json, write_binary, annotator_model_read_json, read_binary
};

VALUE_INPUT_FUNCTIONS(annotator_model)
VALUE_OUTPUT_FUNCTIONS(annotator_model, annotator_model_get)
