/*
 * json.c
 *		JSON in and out for the text forms of our values.
 *
 * Reading has two phases:
 *
 *	1. PostgreSQL's own parser goes over the whole text and says what is wrong
 *	   with it, as it does for json and jsonb;
 *	2. the readers of the types walk over the text, which they may now trust to
 *	   be well-formed, and take from it what they need: an object's fields are
 *	   found in one pass, numbers go straight to their places.
 *
 * jsonb is made by the same parser, whose actions hand each piece to
 * pushJsonbValue(), as those of jsonb_in() do.
 *
 * Memory: phase 2 takes none but for what it is asked to make. jsonb takes many
 * times the text until it is finished, which is counted and held against
 * noisylabel.memory_limit first.
 *
 * Interrupts: looked for at each array element and object field of both phases,
 * and in skipping over values.  What cannot be interrupted is a single string,
 * and the last step of jsonb, JsonbValueToJsonb(): so there is a largest text
 * that jsonb is made of.
 */
#include "pg/json.h"

#include <math.h>

#include "common/jsonapi.h"
#include "common/shortest_dec.h"
#include "mb/pg_wchar.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonfuncs.h"
#include "utils/numeric.h"

/*
 * Writing
 */

/*
 * The shortest decimal that reads back as the same double, whatever
 * extra_float_digits says.  JSON has no NaN or infinity, nor have our values.
 */
void
jsonio_append_double(StringInfo buf, double value)
{
	char		digits[DOUBLE_SHORTEST_DECIMAL_LEN];

	if (!isfinite(value))
		elog(ERROR, "value %g cannot be written as JSON", value);
	double_to_shortest_decimal_buf(value, digits);
	appendStringInfoString(buf, digits);
}

void
jsonio_append_string(StringInfo buf, const char *s, int len)
{
	char	   *copy = pnstrdup(s, len);

	escape_json(buf, copy);
	pfree(copy);
}

void
jsonio_append_doubles(StringInfo buf, const double *values, Size n)
{
	appendStringInfoChar(buf, '[');
	for (Size i = 0; i < n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (i > 0)
			appendStringInfoString(buf, ", ");
		jsonio_append_double(buf, values[i]);
	}
	appendStringInfoChar(buf, ']');
}

/* "values" is row-major. */
void
jsonio_append_matrix(StringInfo buf, const double *values, Size rows, Size columns)
{
	appendStringInfoChar(buf, '[');
	for (Size i = 0; i < rows; i++)
	{
		if (i > 0)
			appendStringInfoString(buf, ", ");
		jsonio_append_doubles(buf, values + i * columns, columns);
	}
	appendStringInfoChar(buf, ']');
}

/*
 * The parser, whose interface differs between versions: since 16 its actions
 * return whether to go on, since 17 it takes the place of a lexer.
 */
#if PG_VERSION_NUM >= 160000
typedef JsonParseErrorType ActionResult;
#define ACTION_RETURN return JSON_SUCCESS
#else
typedef void ActionResult;
#define ACTION_RETURN return
#endif

static JsonLexContext *
make_lexer(const char *text, Size len, bool need_escapes)
{
#if PG_VERSION_NUM >= 170000
	return makeJsonLexContextCstringLen(NULL, text, len, GetDatabaseEncoding(), need_escapes);
#else
	return makeJsonLexContextCstringLen((char *) text, len, GetDatabaseEncoding(), need_escapes);
#endif
}

static void
parse(const char *text, Size len, JsonSemAction *actions)
{
	pg_parse_json_or_ereport(make_lexer(text, len, true), actions);
}

/*
 * Reading
 */
void
jsonio_invalid(const char *type, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input for type %s", type),
			 errdetail("%s", detail)));
}

static ActionResult
check_element(void *state pg_attribute_unused(), bool isnull pg_attribute_unused())
{
	CHECK_FOR_INTERRUPTS();
	ACTION_RETURN;
}

static ActionResult
check_field(void *state pg_attribute_unused(), char *name,
			bool isnull pg_attribute_unused())
{
	CHECK_FOR_INTERRUPTS();
	if (name != NULL)			/* asked for with its escapes */
		pfree(name);
	ACTION_RETURN;
}

/* NULL if a text is valid JSON, or what is wrong with it. */
const char *
jsonio_error(const char *text, int len)
{
	JsonLexContext *lexer = make_lexer(text, len, false);
	JsonSemAction actions = {
		.array_element_start = check_element,
		.object_field_start = check_field
	};
	JsonParseErrorType error = pg_parse_json(lexer, &actions);

	return error == JSON_SUCCESS ? NULL : json_errdetail(error, lexer);
}

static JsonText
skip_space(JsonText at)
{
	while (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')
		at++;
	return at;
}

/* Where the string that begins at "at" ends. */
static JsonText
skip_string(JsonText at)
{
	for (at++; *at != '"'; at++)
		if (*at == '\\')
			at++;
	return at + 1;
}

static JsonText
skip_value(JsonText at)
{
	int			depth = 0;
	uint32		n = 0;

	do
	{
		NL_CHECK_INTERRUPTS(n++);
		if (*at == '"')
			at = skip_string(at);
		else if (*at == '{' || *at == '[')
			depth++, at++;
		else if (*at == '}' || *at == ']')
			depth--, at++;
		else if (depth > 0)
			at++;
		else
			at += strcspn(at, ",]} \t\n\r");	/* number, true, false, null */
	} while (depth > 0);
	return at;
}

/* The parser speaks of type json only. */
static void
name_type(void *arg)
{
	errcontext("value of type %s", (const char *) arg);
}

/* The text must be well-formed, and an object. */
JsonText
jsonio_parse_object(const char *type, const char *text)
{
	ErrorContextCallback context = {
		.previous = error_context_stack,
		.callback = name_type,
		.arg = (void *) type
	};
	JsonSemAction actions = {
		.array_element_start = check_element,
		.object_field_start = check_field
	};
	JsonText	object;

	error_context_stack = &context;
	parse(text, strlen(text), &actions);
	error_context_stack = context.previous;
	object = skip_space(text);
	if (*object != '{')
		jsonio_invalid(type, "A JSON object is expected.");
	return object;
}

/* The first element of an array, the first key of an object, or NULL. */
JsonText
jsonio_first(JsonText container)
{
	JsonText	at = skip_space(container + 1);

	return *at == ']' || *at == '}' ? NULL : at;
}

/* The element or key after a value, or NULL. */
JsonText
jsonio_next(JsonText value)
{
	JsonText	at = skip_space(skip_value(value));

	return *at == ',' ? skip_space(at + 1) : NULL;
}

/* The value of a key. */
JsonText
jsonio_member(JsonText key)
{
	return skip_space(skip_space(skip_string(key)) + 1);
}

/* elements of an array, or members of an object */
uint32
jsonio_size(JsonText container)
{
	bool		object = *container == '{';
	uint32		n = 0;

	for (JsonText at = jsonio_first(container); at != NULL; at = jsonio_next(at))
	{
		if (object)
			at = jsonio_member(at);
		n++;
	}
	return n;
}

static ActionResult
keep_token(void *state, char *token, JsonTokenType type pg_attribute_unused())
{
	*(char **) state = token;
	ACTION_RETURN;
}

/*
 * A key, or another string, without its quotes and escapes.  The parser leaves a
 * kilobyte behind, which a list of names must not add up.
 */
char *
jsonio_key(JsonText key)
{
	JsonText	end = skip_string(key);
	char	   *result = NULL;
	JsonSemAction actions = {.semstate = &result,.scalar = keep_token};
	MemoryContext context;
	MemoryContext old;

	if (memchr(key, '\\', end - key) == NULL)
		return pnstrdup(key + 1, end - key - 2);
	context = AllocSetContextCreate(CurrentMemoryContext, "JSON string",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	parse(key, end - key, &actions);
	MemoryContextSwitchTo(old);
	result = pstrdup(result);
	MemoryContextDelete(context);
	return result;
}

/*
 * The values of the given keys, all of which an object must have; of others it
 * may have any.  As in jsonb, the last of equal keys counts.
 */
void
jsonio_fields(const char *type, JsonText object, const char *const *keys, int n,
			  JsonText *fields)
{
	memset(fields, 0, n * sizeof(JsonText));
	for (JsonText at = jsonio_first(object); at != NULL; at = jsonio_next(at))
	{
		char	   *key = jsonio_key(at);

		at = jsonio_member(at);
		for (int i = 0; i < n; i++)
			if (strcmp(key, keys[i]) == 0)
				fields[i] = at;
		pfree(key);
	}
	for (int i = 0; i < n; i++)
		if (fields[i] == NULL)
			jsonio_invalid(type, psprintf("Key \"%s\" is missing.", keys[i]));
}

/* The value of one key, or NULL. */
JsonText
jsonio_find(JsonText object, const char *key)
{
	JsonText	found = NULL;

	for (JsonText at = jsonio_first(object); at != NULL; at = jsonio_next(at))
	{
		char	   *name = jsonio_key(at);

		at = jsonio_member(at);
		if (strcmp(name, key) == 0)
			found = at;
		pfree(name);
	}
	return found;
}

JsonText
jsonio_object(const char *type, JsonText value, const char *what)
{
	if (*value != '{')
		jsonio_invalid(type, psprintf("\"%s\" must be an object.", what));
	return value;
}

JsonText
jsonio_array(const char *type, JsonText value, const char *what)
{
	if (*value != '[')
		jsonio_invalid(type, psprintf("\"%s\" must be an array.", what));
	return value;
}

bool
jsonio_is_number(JsonText value)
{
	return *value == '-' || (*value >= '0' && *value <= '9');
}

/* Adding 0 makes 0 of -0, which jsonb does not have either. */
static double
read_number(const char *type, JsonText value, const char *what)
{
	double		result;

	errno = 0;
	result = strtod(value, NULL);
	if (errno == ERANGE && (result == 0 || isinf(result)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("invalid input for type %s", type),
				 errdetail("In \"%s\", %s is out of range for a double precision number.",
						   what, pnstrdup(value, Min((int) (skip_value(value) - value), 100)))));
	return result + 0.0;
}

double
jsonio_double(const char *type, JsonText value, const char *what)
{
	if (!jsonio_is_number(value))
		jsonio_invalid(type, psprintf("\"%s\" must be a number.", what));
	return read_number(type, value, what);
}

/* A whole number from 0 to max. */
double
jsonio_count(const char *type, JsonText value, const char *what, double max)
{
	double		result = jsonio_double(type, value, what);

	if (!(result >= 0 && result <= max && result == floor(result)))
		jsonio_invalid(type, psprintf("\"%s\" must be a whole number from 0 to %.0f.",
									what, max));
	return result;
}

bool
jsonio_bool(const char *type, JsonText value, const char *what)
{
	if (*value != 't' && *value != 'f')
		jsonio_invalid(type, psprintf("\"%s\" must be true or false.", what));
	return *value == 't';
}

char *
jsonio_string(const char *type, JsonText value, const char *what)
{
	if (*value != '"')
		jsonio_invalid(type, psprintf("\"%s\" must be a string.", what));
	return jsonio_key(value);
}

/* An object, as the text that jsonb makes of it. */
char *
jsonio_options(const char *type, JsonText value, const char *what)
{
	JsonText	end = skip_value(jsonio_object(type, value, what));
	char	   *text = pnstrdup(value, end - value);
	Jsonb	   *jsonb = jsonio_to_jsonb(type, text);
	char	   *result = jsonio_canonical(jsonb);

	pfree(text);
	pfree(jsonb);
	return result;
}

/* An array of exactly n numbers. */
void
jsonio_read_doubles(const char *type, JsonText value, const char *what,
				  double *values, uint32 n)
{
	JsonText	at = jsonio_first(jsonio_array(type, value, what));
	uint32		i = 0;

	for (; at != NULL && i < n; at = jsonio_next(at))
	{
		NL_CHECK_INTERRUPTS(i);
		if (!jsonio_is_number(at))
			jsonio_invalid(type, psprintf("\"%s\" must hold numbers only.", what));
		values[i++] = read_number(type, at, what);
	}
	if (at != NULL || i < n)
		jsonio_invalid(type, psprintf("An array in \"%s\" has %u elements instead of %u.",
									what, jsonio_size(value), n));
}

/* An array of "rows" arrays of "columns" numbers. */
void
jsonio_read_matrix(const char *type, JsonText value, const char *what,
				 double *values, uint32 rows, uint32 columns)
{
	JsonText	at = jsonio_first(jsonio_array(type, value, what));
	uint32		i = 0;

	for (; at != NULL && i < rows; at = jsonio_next(at), i++)
	{
		if (*at != '[')
			jsonio_invalid(type, psprintf("The elements of \"%s\" must be arrays.", what));
		jsonio_read_doubles(type, at, what, values + (Size) i * columns, columns);
	}
	if (at != NULL || i < rows)
		jsonio_invalid(type, psprintf("\"%s\" has %u rows instead of %u.",
									what, jsonio_size(value), rows));
}

/*
 * jsonb
 */
typedef struct JsonbBuilder
{
	JsonbParseState *state;
	JsonbValue *result;
} JsonbBuilder;

static void
push(JsonbBuilder *b, JsonbIteratorToken token, JsonbValue *value)
{
	CHECK_FOR_INTERRUPTS();
	b->result = pushJsonbValue(&b->state, token, value);
}

static ActionResult
object_start(void *state)
{
	push(state, WJB_BEGIN_OBJECT, NULL);
	ACTION_RETURN;
}

static ActionResult
object_end(void *state)
{
	push(state, WJB_END_OBJECT, NULL);
	ACTION_RETURN;
}

static ActionResult
array_start(void *state)
{
	push(state, WJB_BEGIN_ARRAY, NULL);
	ACTION_RETURN;
}

static ActionResult
array_end(void *state)
{
	push(state, WJB_END_ARRAY, NULL);
	ACTION_RETURN;
}

/* Lengths need no check: no string is longer than the whole text may be. */
static JsonbValue
string_value(char *s)
{
	JsonbValue	value = {.type = jbvString};

	value.val.string.val = s;
	value.val.string.len = strlen(s);
	return value;
}

static ActionResult
field_start(void *state, char *name, bool isnull pg_attribute_unused())
{
	JsonbValue	value = string_value(name);

	push(state, WJB_KEY, &value);
	ACTION_RETURN;
}

static ActionResult
scalar(void *state, char *token, JsonTokenType type)
{
	JsonbBuilder *b = state;
	JsonbValue	value = {.type = jbvNull};

	if (type == JSON_TOKEN_STRING)
		value = string_value(token);
	else if (type == JSON_TOKEN_NUMBER)
	{
		value.type = jbvNumeric;
		value.val.numeric = DatumGetNumeric(DirectFunctionCall3(numeric_in,
																CStringGetDatum(token),
																ObjectIdGetDatum(InvalidOid),
																Int32GetDatum(-1)));
		pfree(token);
	}
	else if (type != JSON_TOKEN_NULL)
	{
		value.type = jbvBool;
		value.val.boolean = type == JSON_TOKEN_TRUE;
	}
	push(b, b->state->contVal.type == jbvObject ? WJB_VALUE : WJB_ELEM, &value);
	ACTION_RETURN;
}

/*
 * What jsonb takes until it is finished: a value is a JsonbValue in an array
 * that is doubled, and a number or string in a chunk of its own; a container
 * has such an array, of four at least, and a parse state.  A string is there
 * twice, but takes no time.
 */
#define VALUE_MEMORY 160
#define CONTAINER_MEMORY 320

/* Returns the length outside strings.  The text need not be well-formed. */
static Size
measure(const char *text, Size *memory)
{
	Size		len = strlen(text);
	Size		values = 1;
	Size		containers = 0;
	Size		outside = 0;
	bool		string = false;
	uint32		n = 0;

	for (Size i = 0; i < len; i++)
	{
		char		c = text[i];

		NL_CHECK_INTERRUPTS(n++);
		if (c == '"')
			string = !string;
		else if (string)
			i += c == '\\';
		else
		{
			outside++;
			values += c == ',' || c == ':';
			containers += c == '[' || c == '{';
		}
	}
	*memory = add_size(add_size(mul_size(values, VALUE_MEMORY),
								mul_size(containers, CONTAINER_MEMORY)),
					   mul_size(len - Min(outside, len), 2));
	return outside;
}

/*
 * jsonb as text, the same for all that are equal: 1.0 is 1.  (The order of keys and
 * the spelling of strings are jsonb's own; its numbers have no exponent.)
 */
char *
jsonio_canonical(Jsonb *jsonb)
{
	char	   *text = JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
	char	   *to = text;
	const char *end;
	uint32		n = 0;

	for (const char *from = text; *from != '\0'; from = end)
	{
		Size		digits = strspn(from, ".0123456789");
		Size		len = digits;

		NL_CHECK_INTERRUPTS(n++);
		end = digits > 0 ? from + digits : *from == '"' ? skip_string(from) : from + 1;
		if (memchr(from, '.', digits) != NULL)
		{
			while (from[len - 1] == '0')
				len--;
			if (from[len - 1] == '.')
				len--;
		}
		else
			len = end - from;
		memmove(to, from, len);
		to += len;
	}
	*to = '\0';
	return text;
}

/* "for_type" is json or jsonb. */
void
jsonio_too_large(const char *type, const char *for_type)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("%s is too large for %s", type, for_type),
			 errdetail("As JSON it has more than %zu MB.", JSONB_TEXT_MAX >> 20),
			 errhint("Take rows from the functions that read it, or its text form, which has no such limit.")));
}

/* What jsonb_in() makes of a text; "type" is what is too large, if it is. */
Jsonb *
jsonio_to_jsonb(const char *type, const char *text)
{
	char		first = *skip_space(text);
	Size		memory;
	JsonbBuilder builder = {0};
	JsonSemAction actions = {
		.semstate = &builder,
		.object_start = object_start,
		.object_end = object_end,
		.array_start = array_start,
		.array_end = array_end,
		.object_field_start = field_start,
		.scalar = scalar
	};
	MemoryContext context;
	MemoryContext old;
	Jsonb	   *result;

	if (measure(text, &memory) > JSONB_TEXT_MAX)
		jsonio_too_large(type, "jsonb");
	if (first != '{' && first != '[')	/* a scalar, or an error */
		return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
	nl_check_memory_for(memory, psprintf("jsonb of %s", type), "take a smaller one",
						"It grows with the length of the JSON.");
	context = AllocSetContextCreate(CurrentMemoryContext, "jsonb", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	parse(text, strlen(text), &actions);
	MemoryContextSwitchTo(old);
	result = JsonbValueToJsonb(builder.result);
	MemoryContextDelete(context);
	return result;
}
