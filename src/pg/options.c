/*
 * options.c
 *		Finds the options of a call, and reads them into a struct; see options.h.
 */
#include "pg/options.h"

#include <math.h>

#include "common/jsonapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

/* letters of a wrong value that an error shows */
#define MAX_SHOWN 200

static char *
list_of_options(const Option *options, int n)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < n; i++)
		appendStringInfo(&buf, "%s\"%s\"", i > 0 ? ", " : "", options[i].name);
	return buf.data;
}

static char *
list_of_choices(const Option *option)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; option->choices[i] != NULL; i++)
		appendStringInfo(&buf, "%s\"%s\"", i > 0 ? ", " : "", option->choices[i]);
	return buf.data;
}

/* A value as JSON, not more of it than one reads. */
static char *
show(const JsonbValue *value)
{
	char	   *text;
	int			len;

	if (value->type == jbvBinary)
		return "an object or array";
	text = JsonbToCString(NULL, &JsonbValueToJsonb((JsonbValue *) value)->root, 0);
	len = strlen(text);
	if (len <= MAX_SHOWN)
		return text;
	return psprintf("%.*s...", pg_mbcliplen(text, len, MAX_SHOWN), text);
}

void
options_invalid(const char *name, const JsonbValue *value, const char *allowed)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for option \"%s\": %s", name, show(value)),
			 errhint("%s", allowed)));
}

static NL_NORETURN void
bad_value(const Option *option, const JsonbValue *value)
{
	char	   *allowed;

	if (option->type == OPTION_CHOICE)
		allowed = psprintf("Allowed are %s.", list_of_choices(option));
	else if (option->type == OPTION_OBJECT)
		allowed = pstrdup("Allowed is a JSON object, or its text form as a string.");
	else if (option->type == OPTION_TEXT)
		allowed = pstrdup("Allowed is a string.");
	else
		allowed = psprintf("Allowed is a%s number from %s to %s%s%s.",
						   option->type == OPTION_INT ? " whole" : "",
						   nl_number(option->min), nl_number(option->max),
						   option->choices ? ", or " : "",
						   option->choices ? list_of_choices(option) : "");
	options_invalid(option->name, value, allowed);
}

static void
set_choice(const Option *option, const JsonbValue *value, int *target)
{
	if (value->type != jbvString)
		bad_value(option, value);
	for (int i = 0; option->choices[i] != NULL; i++)
		if (strlen(option->choices[i]) == (size_t) value->val.string.len &&
			strncmp(option->choices[i], value->val.string.val,
					value->val.string.len) == 0)
		{
			*target = i;
			return;
		}
	bad_value(option, value);
}

/* An object, or a string, which is for values too large for jsonb. */
static void
set_object(const Option *option, const JsonbValue *value, char **target)
{
	if (value->type == jbvString)
		*target = pnstrdup(value->val.string.val, value->val.string.len);
	else if (value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data))
		*target = JsonbToCString(NULL, value->val.binary.data, value->val.binary.len);
	else
		bad_value(option, value);
}

static void
set_text(const Option *option, const JsonbValue *value, char **target)
{
	if (value->type != jbvString)
		bad_value(option, value);
	*target = pnstrdup(value->val.string.val, value->val.string.len);
}

static void
set_option(const Option *option, const JsonbValue *value, void *target)
{
	void	   *field = (char *) target + option->offset;
	double		number;

	if (option->type == OPTION_OBJECT)
	{
		set_object(option, value, field);
		return;
	}
	if (option->type == OPTION_CHOICE)
	{
		set_choice(option, value, field);
		return;
	}
	if (option->type == OPTION_TEXT)
	{
		set_text(option, value, field);
		return;
	}
	if (option->type == OPTION_JSONB)
	{
		*(Jsonb **) field = JsonbValueToJsonb((JsonbValue *) value);
		return;
	}
	if (option->choices != NULL && value->type == jbvString)
	{
		int			choice;

		set_choice(option, value, &choice);
		*(double *) field = OPTION_WORD(choice);
		return;
	}
	if (value->type != jbvNumeric)
		bad_value(option, value);
	number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
												NumericGetDatum(value->val.numeric)));
	if (!(number >= option->min && number <= option->max) ||
		(option->type == OPTION_INT && number != floor(number)))
		bad_value(option, value);
	if (option->type == OPTION_INT)
		*(int *) field = (int) number;
	else
		*(double *) field = number;
}

/* NULL if a text is valid JSON, or what is wrong with it. */
static const char *
json_error(const text *t)
{
	static JsonSemAction no_action = {0};
	char	   *s = VARDATA_ANY(t);
	int			len = VARSIZE_ANY_EXHDR(t);
#if PG_VERSION_NUM >= 170000
	JsonLexContext *lex = makeJsonLexContextCstringLen(NULL, s, len, GetDatabaseEncoding(), false);
#else
	JsonLexContext *lex = makeJsonLexContextCstringLen(s, len, GetDatabaseEncoding(), false);
#endif
	JsonParseErrorType error = pg_parse_json(lex, &no_action);

	return error == JSON_SUCCESS ? NULL : json_errdetail(error, lex);
}

/* The text that a call site gave last, and what it is. */
typedef struct ParsedOptions
{
	text	   *text;
	Jsonb	   *jsonb;
} ParsedOptions;

static Jsonb *
parse_text(const text *t, MemoryContext context)
{
	const char *error = json_error(t);
	MemoryContext old;
	Datum		jsonb;

	if (error != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("options are not valid JSON: %s", text_to_cstring(t)),
				 errdetail("%s", error),
				 errhint("Options are a JSON object, such as {\"seed\": 1}.")));
	old = MemoryContextSwitchTo(context);
	jsonb = DirectFunctionCall1(jsonb_in, CStringGetDatum(text_to_cstring(t)));
	MemoryContextSwitchTo(old);
	return DatumGetJsonbP(jsonb);
}

/* A query gives one text for all rows, as a rule; so it is parsed once. */
static const Jsonb *
options_from_text(FunctionCallInfo fcinfo, const text *t)
{
	void	  **place = nl_options_cache(fcinfo);
	ParsedOptions *parsed = *place;
	MemoryContext context = fcinfo->flinfo->fn_mcxt;
	Jsonb	   *jsonb;

	if (parsed != NULL && VARSIZE_ANY_EXHDR(t) == VARSIZE_ANY_EXHDR(parsed->text) &&
		memcmp(VARDATA_ANY(t), VARDATA_ANY(parsed->text), VARSIZE_ANY_EXHDR(t)) == 0)
		return parsed->jsonb;
	jsonb = parse_text(t, CurrentMemoryContext);
	if (parsed == NULL)
		*place = parsed = MemoryContextAllocZero(context, sizeof(ParsedOptions));
	else
	{
		pfree(parsed->text);
		pfree(parsed->jsonb);
	}
	parsed->text = MemoryContextAlloc(context, VARSIZE_ANY(t));
	memcpy(parsed->text, t, VARSIZE_ANY(t));
	parsed->jsonb = MemoryContextAlloc(context, VARSIZE(jsonb));
	memcpy(parsed->jsonb, jsonb, VARSIZE(jsonb));
	return parsed->jsonb;
}

/*
 * The options argument of a call, or NULL.  It is good until the next call of the
 * same call site.
 */
const Jsonb *
options_argument(FunctionCallInfo fcinfo)
{
	const Signature *signature = nl_signature(fcinfo);
	int			argno = signature->options;

	if (argno == NO_ARGUMENT || PG_ARGISNULL(argno))
		return NULL;
	if (signature->type[argno] == DECLARED_JSONB)
		return PG_GETARG_JSONB_P(argno);
	return options_from_text(fcinfo, PG_GETARG_TEXT_PP(argno));
}

static const char *
skip_space(const char *s, const char *end)
{
	while (s < end && strchr(" \t\n\r", *s) != NULL)
		s++;
	return s;
}

/* Does it begin as an object does: {"key": ? */
static bool
begins_with_key(const char *s, const char *end)
{
	s = skip_space(s + 1, end);
	if (s == end || *s != '"')
		return false;
	for (s++; s < end && *s != '"'; s++)
		if (*s == '\\')
			return false;
	s = s == end ? s : skip_space(s + 1, end);
	return s < end && *s == ':';
}

/*
 * Refuse a name in a place ("the gold label") where options may have been meant;
 * "call" is the right call, with %s for the options.  Arrays are written in
 * braces, too, and one of no elements is "{}".
 */
void
options_refuse(FunctionCallInfo fcinfo, int argno, const text *name,
			   const char *place, const char *call)
{
	const char *end = (char *) VARDATA_ANY(name) + VARSIZE_ANY_EXHDR(name);
	const char *s = skip_space(VARDATA_ANY(name), end);
	const char *error;

	if (s == end || *s != '{')
		return;
	error = json_error(name);
	if (error != NULL && !begins_with_key(s, end))
		return;
	if (OidIsValid(get_element_type(get_fn_expr_argtype(fcinfo->flinfo, argno))))
		return;
	s = quote_literal_cstr(text_to_cstring(name));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("options were given where %s is expected", place),
			 error == NULL ? 0 : errdetail("They are not valid JSON, either. %s", error),
			 errhint("Write the options as jsonb: %s.",
					 psprintf(call, psprintf("%s::jsonb", s)))));
}

void
options_parse(const Jsonb *jsonb, const Option *options, int n, void *target)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;
	const Option *option = NULL;

	if (!JB_ROOT_IS_OBJECT(jsonb))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("options must be a JSON object"),
				 errhint("Allowed options are %s.", list_of_options(options, n))));
	it = JsonbIteratorInit((JsonbContainer *) &jsonb->root);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			option = NULL;
			for (int i = 0; i < n; i++)
				if (strlen(options[i].name) == (size_t) value.val.string.len &&
					strncmp(options[i].name, value.val.string.val,
							value.val.string.len) == 0)
					option = &options[i];
			if (option == NULL)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("unrecognized option \"%.*s\"",
								value.val.string.len, value.val.string.val),
						 errhint("Allowed options are %s.",
								 list_of_options(options, n))));
		}
		else if (token == WJB_VALUE)
			set_option(option, &value, target);
	}
}
