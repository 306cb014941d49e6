/*
 * options.c
 *		Finds the options of a call, and reads them into a struct; see options.h.
 */
#include "pg/options.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "pg/json.h"
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

/* A text of the user's, not more of it than one reads. */
static char *
clip(const char *s, int len)
{
	if (len <= MAX_SHOWN)
		return pnstrdup(s, len);
	return psprintf("%.*s...", pg_mbcliplen(s, len, MAX_SHOWN), s);
}

/* A value as JSON. */
static char *
show(const JsonbValue *value)
{
	char	   *text;

	if (value->type == jbvBinary)
		return "an object or array";
	text = JsonbToCString(NULL, &JsonbValueToJsonb((JsonbValue *) value)->root, 0);
	return clip(text, strlen(text));
}

/* An option's value as it is shown; an object or array is jbvBinary, without contents. */
JsonbValue
options_scalar(const Jsonb *jsonb)
{
	if (JB_ROOT_IS_SCALAR(jsonb))
		return *getIthJsonbValueFromContainer((JsonbContainer *) &jsonb->root, 0);
	return (JsonbValue) {.type = jbvBinary};
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

static const char *
json_error(const text *t)
{
	return jsonio_error(VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
}

/* The text that a call site gave last, and what it is. */
typedef struct ParsedOptions
{
	text	   *text;
	Jsonb	   *jsonb;
} ParsedOptions;

static Jsonb *
parse_text(const text *t)
{
	const char *error = json_error(t);

	if (error != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("options are not valid JSON: %s",
						clip(VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t))),
				 errdetail("%s", error),
				 errhint("Options are a JSON object, such as {\"seed\": 1}.")));
	return jsonio_to_jsonb("options", text_to_cstring(t));
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
	jsonb = parse_text(t);
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
	s = quote_literal_cstr(clip(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)));
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

static void
append_option(StringInfo buf, const Option *option, const void *field)
{
	double		number;

	if (option->type == OPTION_INT)
		appendStringInfo(buf, "%d", *(const int *) field);
	else if (option->type == OPTION_CHOICE)
		appendStringInfo(buf, "\"%s\"", option->choices[*(const int *) field]);
	else if (option->type == OPTION_TEXT)
		jsonio_append_string(buf, *(char *const *) field, strlen(*(char *const *) field));
	else if (option->type == OPTION_JSONB)
		JsonbToCString(buf, &(*(Jsonb *const *) field)->root, 0);
	else
	{
		number = *(const double *) field;
		if (option->choices != NULL && number <= OPTION_WORD(0))
			appendStringInfo(buf, "\"%s\"", option->choices[(int) (OPTION_WORD(0) - number)]);
		else
			jsonio_append_double(buf, number);
	}
}

/* What is a pointer is NULL unless it was given. */
static bool
was_given(const Option *option, const void *field)
{
	return (option->type != OPTION_TEXT && option->type != OPTION_JSONB) ||
		*(void *const *) field != NULL;
}

/*
 * The values of a struct, for the record of a fit: canonical, as reading it back
 * gives it, so that equal options make equal records.
 */
char *
options_json(const Option *options, int n, const void *source)
{
	StringInfoData buf;
	Jsonb	   *jsonb;

	initStringInfo(&buf);
	for (int i = 0; i < n; i++)
	{
		const void *field = (const char *) source + options[i].offset;

		if (!was_given(&options[i], field))
			continue;
		appendStringInfo(&buf, "%s\"%s\": ", buf.len == 0 ? "{" : ", ", options[i].name);
		append_option(&buf, &options[i], field);
	}
	appendStringInfoChar(&buf, '}');
	jsonb = jsonio_to_jsonb("options", buf.data);
	return jsonio_canonical(jsonb);
}
