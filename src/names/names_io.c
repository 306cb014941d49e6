/*
 * names_io.c
 *		Lists of names in and out: binary, JSON, text[].
 */
#include "names/names_io.h"

#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "pg/json.h"

/*
 * Binary exchange: the number of names, then each with its length.  The names
 * may come in any order (the sender's encoding may order them differently),
 * but must be distinct.  "encoding" is what travels: the client's for binary
 * COPY, UTF-8 where the bytes are wrapped in base64.
 */
void
name_send(StringInfo buf, NameView name, int encoding)
{
	char	   *converted = pg_server_to_any(name.s, name.len, encoding);
	int			len = converted != name.s ? (int) strlen(converted) : name.len;

	pq_sendint32(buf, len);
	pq_sendbytes(buf, converted, len);
	if (converted != name.s)
		pfree(converted);
}

void
names_send(StringInfo buf, const Names *names, int encoding)
{
	pq_sendint32(buf, names->n);
	for (uint32 i = 0; i < names->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		name_send(buf, names_get(names, i), encoding);
	}
}

static void
bad_names(const Dictionary *dict, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid binary value: %s in the list of %ss",
					what, dict->kind)));
}

/* The dictionary must be empty; name i gets code i. */
void
dictionary_recv(Dictionary *dict, StringInfo buf, int encoding)
{
	uint32		n = pq_getmsgint(buf, 4);

	Assert(dict->n == 0);
	if (n > (uint32) (buf->len - buf->cursor) / 4 || n > dict->max)
		bad_names(dict, "impossible count");
	for (uint32 i = 0; i < n; i++)
	{
		uint32		len = pq_getmsgint(buf, 4);
		const char *s;
		char	   *converted;

		CHECK_FOR_INTERRUPTS();
		if (len > (uint32) (buf->len - buf->cursor))
			bad_names(dict, "impossible length");
		s = pq_getmsgbytes(buf, len);
		if (memchr(s, '\0', len) != NULL)
			bad_names(dict, "zero byte");
		converted = pg_any_to_server(s, len, encoding);
		if (dictionary_add(dict, converted == s ? (NameView) {s, len} : name_of(converted)) != i)
			bad_names(dict, "repeated name");
		if (converted != s)
			pfree(converted);
	}
}

/*
 * JSON
 */
void
jsonio_append_name(StringInfo buf, NameView name)
{
	jsonio_append_string(buf, name.s, name.len);
}

void
jsonio_append_names(StringInfo buf, const Names *names)
{
	appendStringInfoChar(buf, '[');
	for (uint32 i = 0; i < names->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i > 0)
			appendStringInfoString(buf, ", ");
		jsonio_append_name(buf, names_get(names, i));
	}
	appendStringInfoChar(buf, ']');
}

/* An array of distinct strings; string i gets code i of the empty dictionary. */
void
jsonio_read_names(const char *type, const char *json, const char *what,
				  Dictionary *dict)
{
	JsonText	at = jsonio_first(jsonio_array(type, json, what));

	for (; at != NULL; at = jsonio_next(at))
	{
		uint32		n = dict->n;
		char	   *name;

		CHECK_FOR_INTERRUPTS();
		if (*at != '"')
			jsonio_invalid(type, psprintf("\"%s\" must hold strings only.", what));
		name = jsonio_key(at);
		if (dictionary_add(dict, name_of(name)) != n)
			jsonio_invalid(type, psprintf("\"%s\" occurs twice in \"%s\".", name, what));
		pfree(name);
	}
}

/*
 * Arrays
 */

/* The names as a text[] datum. */
Datum
names_array(const Names *names)
{
	Datum	   *elements = palloc(Max(names->n, 1) * sizeof(Datum));

	for (uint32 i = 0; i < names->n; i++)
		elements[i] = PointerGetDatum(names_text(names, i));
	return PointerGetDatum(construct_array(elements, names->n, TEXTOID,
										   -1, false, TYPALIGN_INT));
}

/* Add the elements of a text[], which must be distinct and not NULL. */
void
dictionary_add_array(Dictionary *dict, ArrayType *array)
{
	Datum	   *values;
	int			n;

	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the array of %ss must not contain NULL", dict->kind),
				 errhint("Give names only, such as ARRAY['a', 'b'].")));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, NULL, &n);
	for (int i = 0; i < n; i++)
	{
		text	   *name = DatumGetTextPP(values[i]);

		if (dictionary_add(dict, name_of_text(name)) != (uint32) i)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s \"%s\" occurs twice", dict->kind,
							text_to_cstring(name)),
					 errhint("Name each %s once, such as ARRAY['a', 'b'].", dict->kind)));
	}
}
