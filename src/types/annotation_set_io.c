/*
 * annotation_set_io.c
 *		Text and binary input and output of annotation_set, and its JSON.
 *
 * Binary form: version; names of items, annotators and labels; the options of
 * the aggregate that the set is a state of, or nothing; whether there is gold;
 * then for each item its number of annotations, each as annotator and label,
 * and with gold its gold label or NO_GOLD.
 *
 * Text form: always the compact one, the binary form in base64 (see
 * value_forms.h), because some distributed engines ship states as text.
 *
 * Input goes through an expanded set like rows do, so that nothing a sender
 * says about order is believed.
 */
#include "types/annotation_set.h"

#include "pg/json.h"
#include "libpq/pqformat.h"
#include "names/names_io.h"
#include "types/value_forms.h"

static void
read_options(StringInfo buf, ExpandedAnnotations *ea, int encoding)
{
	char	   *s = value_recv_string(buf, KIND_ANNOTATION_SET, "Its options have", encoding);

	if (*s != '\0')
		state_options_add_text(&ea->options, s, ea->hdr.eoh_context);
}

static void
write_set(StringInfo buf, const AnnotationView *view, int encoding)
{
	value_send_version(buf, KIND_ANNOTATION_SET);
	names_send(buf, &view->item_names, encoding);
	names_send(buf, &view->annotators, encoding);
	names_send(buf, &view->labels, encoding);
	name_send(buf, name_of(view->options ? view->options : ""), encoding);
	pq_sendint8(buf, view->gold != NULL);
	for (uint32 i = 0; i < view->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		pq_sendint32(buf, view->starts[i + 1] - view->starts[i]);
		for (uint32 a = view->starts[i]; a < view->starts[i + 1]; a++)
		{
			NL_CHECK_INTERRUPTS(a);
			pq_sendint32(buf, view->annotator[a]);
			pq_sendint16(buf, view->label[a]);
		}
		if (view->gold != NULL)
			pq_sendint16(buf, view->gold[i]);
	}
}

static uint32
read_code(StringInfo buf, int bytes, const Dictionary *dict)
{
	uint32		code = pq_getmsgint(buf, bytes);

	if (code >= dict->n)
		value_invalid_binary(KIND_ANNOTATION_SET,
							 psprintf("An annotation names %s %u of %u.",
									  dict->kind, code + 1, dict->n));
	return code;
}

static void
read_item(StringInfo buf, ExpandedAnnotations *ea, uint32 item, bool has_gold)
{
	uint32		n = pq_getmsgint(buf, 4);

	if (n == 0 || n > (uint32) (buf->len - buf->cursor) / 6)
		value_invalid_binary(KIND_ANNOTATION_SET,
							 "The number of annotations of an item is wrong.");
	for (uint32 i = 0; i < n; i++)
	{
		uint32		annotator = read_code(buf, 4, ea->annotators);
		uint32		label = read_code(buf, 2, ea->labels);

		NL_CHECK_INTERRUPTS(i);
		annotation_set_add(ea, item, annotator, label);
	}
	if (has_gold)
	{
		uint32		gold = pq_getmsgint(buf, 2);

		if (gold == NO_GOLD)
			return;
		buf->cursor -= 2;
		annotation_set_gold(ea, item, read_code(buf, 2, ea->labels));
	}
}

/* Refuse names that no annotation uses: no set of rows has such. */
static void
check_names_used(const ExpandedAnnotations *ea)
{
	bool	   *annotator = nl_alloc_zero(CurrentMemoryContext,
										  Max(ea->annotators->n, 1));
	bool	   *label = palloc0(Max(ea->labels->n, 1));
	uint32		used = 0;

	for (Size i = 0; i < ea->n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		used += !annotator[ea->annotator[i]] + !label[ea->label[i]];
		annotator[ea->annotator[i]] = label[ea->label[i]] = true;
	}
	for (uint32 i = 0; i < ea->gold_capacity; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (ea->gold[i] != NO_GOLD && !label[ea->gold[i]])
		{
			used++;
			label[ea->gold[i]] = true;
		}
	}
	if (used != ea->annotators->n + ea->labels->n)
		value_invalid_binary(KIND_ANNOTATION_SET,
							 "It names an annotator or a label that no annotation has.");
	pfree(annotator);
	pfree(label);
}

static Datum
read_set(StringInfo buf, int encoding)
{
	ExpandedAnnotations *ea = annotation_set_create(CurrentMemoryContext);
	bool		has_gold;

	value_recv_version(buf, KIND_ANNOTATION_SET);
	dictionary_recv(ea->items, buf, encoding);
	dictionary_recv(ea->annotators, buf, encoding);
	dictionary_recv(ea->labels, buf, encoding);
	read_options(buf, ea, encoding);
	has_gold = pq_getmsgbyte(buf) != 0;
	for (uint32 i = 0; i < ea->items->n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		read_item(buf, ea, i, has_gold);
	}
	pq_getmsgend(buf);
	check_names_used(ea);
	return value_flatten(&ea->hdr);
}

static void
write_binary(StringInfo buf, const void *value, int encoding)
{
	AnnotationView view = annotation_set_flat_view(PointerGetDatum(value));

	write_set(buf, &view, encoding);
}

/*
 * Before an annotation is added to the JSON: names repeat in it, so that its
 * size cannot be told from that of the set.
 */
static void
check_json(StringInfo buf)
{
	CHECK_FOR_INTERRUPTS();
	if ((Size) buf->len > JSONB_TEXT_MAX)
		jsonio_too_large("annotation_set", "json and jsonb");
	nl_check_memory(mul_size(buf->len, 2), "JSON of annotation_set");
}

/* {"items": {item: {"annotations": [[annotator, label]], "gold": label}}} */
static void
append_item(StringInfo buf, const AnnotationView *view, uint32 i)
{
	check_json(buf);
	jsonio_append_name(buf, names_get(&view->item_names, i));
	appendStringInfoString(buf, ": {\"annotations\": [");
	for (uint32 a = view->starts[i]; a < view->starts[i + 1]; a++)
	{
		check_json(buf);
		appendStringInfoString(buf, a == view->starts[i] ? "[" : ", [");
		jsonio_append_name(buf, names_get(&view->annotators, view->annotator[a]));
		appendStringInfoString(buf, ", ");
		jsonio_append_name(buf, names_get(&view->labels, view->label[a]));
		appendStringInfoChar(buf, ']');
	}
	appendStringInfoChar(buf, ']');
	if (view->gold != NULL && view->gold[i] != NO_GOLD)
	{
		appendStringInfoString(buf, ", \"gold\": ");
		jsonio_append_name(buf, names_get(&view->labels, view->gold[i]));
	}
	appendStringInfoChar(buf, '}');
}

static void
write_json(StringInfo buf, const void *value)
{
	AnnotationView view = annotation_set_flat_view(PointerGetDatum(value));

	appendStringInfoString(buf, "{\"items\": {");
	for (uint32 i = 0; i < view.items; i++)
	{
		if (i > 0)
			appendStringInfoString(buf, ", ");
		append_item(buf, &view, i);
	}
	appendStringInfoString(buf, "}}");
}

const ValueForms annotation_set_forms = {
	KIND_ANNOTATION_SET, write_json, write_binary, NULL, read_set
};

VALUE_INPUT_FUNCTIONS(annotation_set)
VALUE_OUTPUT_FUNCTIONS(annotation_set, PG_DETOAST_DATUM)
