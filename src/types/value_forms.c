/*
 * value_forms.c
 *		Text, binary and jsonb forms of all value types; see value_forms.h.
 *
 * Memory: what a form takes is estimated from the size of the value, or of the
 * form, and held against noisylabel.memory_limit before it is made.
 *
 * Soft errors: from PostgreSQL 16 on an input function may be asked to report
 * what is wrong with its input instead of raising it.  The readers raise their
 * errors, from any depth, and read_softly() catches those that are about input.
 * No subtransaction is needed to go on after them, since the readers do nothing
 * but compute and allocate memory: they hold no lock, pin or open relation.
 */
#include "types/value_forms.h"

#include "common/base64.h"
#include "pg/json.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#endif

#define BASE64_BLOCK 262144		/* groups of 4 letters between interrupts */

/*
 * JSON and stored size: a double, 8 bytes stored, is at least "0, " and at most
 * "-2.2250738585072014e-308, ", in a buffer that is doubled.
 */
#define MOST_STORED(json) ((json) / 3 * 8)
#define MOST_JSON(size) mul_size(size, 6)

int
value_text_encoding(void)
{
	return GetDatabaseEncoding() == PG_SQL_ASCII ? PG_SQL_ASCII : PG_UTF8;
}

/* A buffer of the size that is expected, without the slack of doubling. */
static void
init_buffer(StringInfo buf, Size size)
{
	buf->maxlen = size + 1;
	buf->data = palloc(buf->maxlen);
	buf->len = 0;
	buf->cursor = 0;
	buf->data[0] = '\0';
}

/*
 * The compact form
 */
char *
value_binary_to_text(StringInfo buf, ValueKind kind)
{
	char	   *prefix = psprintf("%s:%d:", value_kind_name(kind), value_kind_version(kind));
	Size		prefix_len = strlen(prefix);
	Size		encoded_len = ((Size) buf->len + 2) / 3 * 4;
	Size		size = value_check_size(prefix_len + encoded_len + 1, kind);
	char	   *result;
	char	   *to;

	value_check_memory(add_size(buf->maxlen, size), kind, "text of");
	result = palloc(size);
	to = result + prefix_len;
	memcpy(result, prefix, prefix_len);
	for (int from = 0; from < buf->len; from += 3 * BASE64_BLOCK)
	{
		int			n = pg_b64_encode((void *) (buf->data + from),
									  Min(3 * BASE64_BLOCK, buf->len - from), to,
									  encoded_len - (to - result - prefix_len));

		if (n < 0)
			elog(ERROR, "base64 encoding failed");
		to += n;
		CHECK_FOR_INTERRUPTS();
	}
	*to = '\0';
	return result;
}

static bool
is_compact(const char *text, ValueKind kind)
{
	Size		len = strlen(value_kind_name(kind));

	return strncmp(text, value_kind_name(kind), len) == 0 && text[len] == ':';
}

/* The base64 of a compact form, whose beginning is checked. */
static const char *
after_prefix(const char *text, ValueKind kind)
{
	bool		compact = is_compact(text, kind);
	char	   *end = NULL;
	long		version = 0;

	if (compact)
		version = strtol(text + strlen(value_kind_name(kind)) + 1, &end, 10);
	if (version < 1 || version > value_kind_version(kind) || *end != ':')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input for type %s", value_kind_name(kind)),
				 errdetail("It must begin with \"%s:%d:\".", value_kind_name(kind),
						   value_kind_version(kind)),
				 compact ?
				 errhint("Another format version needs the version of noisylabel that wrote it.") :
				 errhint("Values of this type are made by aggregates.")));
	return end + 1;
}

/*
 * Beside the binary form that this makes, the memory of what its reader makes
 * is checked: what is read into, and the stored form.
 */
void
value_text_to_binary(const char *text, ValueKind kind, StringInfo buf)
{
	const char *encoded = after_prefix(text, kind);
	Size		len = strlen(encoded);
	Size		size = len / 4 * 3 + 3;

	value_check_memory(mul_size(size, 3), kind, "reading the text of");
	init_buffer(buf, size);
	for (Size from = 0; from < len; from += 4 * BASE64_BLOCK)
	{
		int			n = pg_b64_decode(encoded + from, Min(4 * BASE64_BLOCK, len - from),
									  (void *) (buf->data + buf->len),
									  size - buf->len);

		if (n < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("invalid input for type %s", value_kind_name(kind)),
					 errdetail("It is not valid base64.")));
		buf->len += n;
		CHECK_FOR_INTERRUPTS();
	}
	buf->data[buf->len] = '\0';
}

/*
 * Text
 */
static Datum
read_text(const ValueForms *forms, const char *text)
{
	StringInfoData buf;
	Datum		result;

	if (forms->read_json != NULL && !is_compact(text, forms->kind))
		return forms->read_json(text);
	value_text_to_binary(text, forms->kind, &buf);
	result = forms->read_binary(&buf, value_text_encoding());
	pfree(buf.data);
	return result;
}

#if PG_VERSION_NUM >= 160000
static bool
is_about_input(int sqlerrcode)
{
	int			category = ERRCODE_TO_CATEGORY(sqlerrcode);

	return category == ERRCODE_DATA_EXCEPTION ||
		category == ERRCODE_PROGRAM_LIMIT_EXCEEDED ||
		sqlerrcode == ERRCODE_CARDINALITY_VIOLATION ||
		sqlerrcode == ERRCODE_PROTOCOL_VIOLATION;
}

static Datum
read_softly(const ValueForms *forms, const char *text, ErrorSaveContext *saved)
{
	MemoryContext context = CurrentMemoryContext;
	uint32		holdoff = InterruptHoldoffCount;	/* an error resets it */
	uint32		cancel_holdoff = QueryCancelHoldoffCount;
	volatile Datum result = (Datum) 0;

	PG_TRY();
	{
		result = read_text(forms, text);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		if (!is_about_input(geterrcode()))
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		InterruptHoldoffCount = holdoff;
		QueryCancelHoldoffCount = cancel_holdoff;
		saved->error_occurred = true;
		if (saved->details_wanted)
			saved->error_data = error;
		else
			FreeErrorData(error);
	}
	PG_END_TRY();
	return result;
}
#endif

Datum
value_form_in(FunctionCallInfo fcinfo, const ValueForms *forms)
{
	const char *text = PG_GETARG_CSTRING(0);

#if PG_VERSION_NUM >= 160000
	if (fcinfo->context != NULL && IsA(fcinfo->context, ErrorSaveContext))
		return read_softly(forms, text, (ErrorSaveContext *) fcinfo->context);
#endif
	return read_text(forms, text);
}

/* JSON if that is short enough, or NULL. */
static char *
short_json(const ValueForms *forms, const void *value)
{
	StringInfoData buf;

	if (forms->read_json == NULL || VARSIZE(value) > MOST_STORED(FORM_JSON_MAX))
		return NULL;
	value_check_memory(MOST_JSON(VARSIZE(value)), forms->kind, "text of");
	initStringInfo(&buf);
	forms->write_json(&buf, value);
	if ((Size) buf.len <= FORM_JSON_MAX)
		return buf.data;
	pfree(buf.data);
	return NULL;
}

/* "value" is in its stored form, not toasted. */
Datum
value_form_out(const ValueForms *forms, const void *value)
{
	char	   *text = short_json(forms, value);
	Size		size = VARSIZE(value);
	StringInfoData buf;

	if (text == NULL)
	{
		/* the binary form has about the size of the stored form */
		value_check_memory(add_size(size, size / 3 * 4), forms->kind, "text of");
		init_buffer(&buf, size);
		forms->write_binary(&buf, value, value_text_encoding());
		text = value_binary_to_text(&buf, forms->kind);
		pfree(buf.data);
	}
	return CStringGetDatum(text);
}

/*
 * Binary
 */
Datum
value_form_recv(FunctionCallInfo fcinfo, const ValueForms *forms)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);

	/* what is read into, and the stored form */
	value_check_memory(mul_size(buf->len - buf->cursor, 2), forms->kind,
					   "reading a binary");
	return forms->read_binary(buf, pg_get_client_encoding());
}

Datum
value_form_send(const ValueForms *forms, const void *value)
{
	StringInfoData buf;

	value_check_memory(VARSIZE(value), forms->kind, "binary form of");
	init_buffer(&buf, add_size(VARHDRSZ, VARSIZE(value)));
	appendStringInfoSpaces(&buf, VARHDRSZ);	/* as pq_begintypsend() does */
	forms->write_binary(&buf, value, pg_get_client_encoding());
	return PointerGetDatum(pq_endtypsend(&buf));
}

void
value_send_doubles(StringInfo buf, const double *values, Size n)
{
	for (Size i = 0; i < n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		pq_sendfloat8(buf, values[i]);
	}
}

/* Adding 0 makes 0 of -0, which would not come back from JSON. */
double
value_recv_double(StringInfo buf)
{
	return pq_getmsgfloat8(buf) + 0.0;
}

void
value_recv_doubles(StringInfo buf, double *values, Size n)
{
	for (Size i = 0; i < n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		values[i] = value_recv_double(buf);
	}
}

/* What name_send() sent; "what" is it, with a verb, for errors. */
char *
value_recv_string(StringInfo buf, ValueKind kind, const char *what, int encoding)
{
	uint32		len = pq_getmsgint(buf, 4);
	const char *s;

	if (len > (uint32) (buf->len - buf->cursor))
		value_invalid_binary(kind, "It is truncated.");
	s = pq_getmsgbytes(buf, len);
	if (memchr(s, '\0', len) != NULL)
		value_invalid_binary(kind, psprintf("%s a zero byte.", what));
	s = pnstrdup(s, len);
	return pg_any_to_server(s, len, encoding);
}

/*
 * json and jsonb.  Both have the same bound, since to_jsonb(), jsonb_agg() and
 * their like make jsonb of what the cast to json gives.
 */
static void
limited_json(StringInfo buf, const ValueForms *forms, const void *value,
			 const char *for_type)
{
	const char *type = value_kind_name(forms->kind);

	if (VARSIZE(value) > MOST_STORED(JSONB_TEXT_MAX))
		jsonio_too_large(type, for_type);
	value_check_memory(MOST_JSON(VARSIZE(value)), forms->kind, psprintf("%s of", for_type));
	initStringInfo(buf);
	forms->write_json(buf, value);
	if ((Size) buf->len > JSONB_TEXT_MAX)
		jsonio_too_large(type, for_type);
}

Datum
value_form_json(const ValueForms *forms, const void *value)
{
	StringInfoData buf;
	text	   *result;

	limited_json(&buf, forms, value, "json");
	result = cstring_to_text_with_len(buf.data, buf.len);
	pfree(buf.data);
	return PointerGetDatum(result);
}

Datum
value_form_jsonb(const ValueForms *forms, const void *value)
{
	StringInfoData buf;
	Jsonb	   *result;

	limited_json(&buf, forms, value, "jsonb");
	result = jsonio_to_jsonb(value_kind_name(forms->kind), buf.data);
	pfree(buf.data);
	return PointerGetDatum(result);
}
