/*
 * options.c
 *		Reads a jsonb object of options into a struct; see options.h.
 */
#include "options.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

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

static void
bad_value(const Option *option, const char *value)
{
	char	   *allowed;

	if (option->type == OPTION_CHOICE)
		allowed = psprintf("Allowed are %s.", list_of_choices(option));
	else if (option->type == OPTION_OBJECT)
		allowed = pstrdup("Allowed is a JSON object.");
	else
		allowed = psprintf("Allowed is a%s number from %s to %s%s%s.",
						   option->type == OPTION_INT ? " whole" : "",
						   nl_number(option->min), nl_number(option->max),
						   option->choices ? ", or " : "",
						   option->choices ? list_of_choices(option) : "");
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for option \"%s\": %s", option->name, value),
			 errhint("%s", allowed)));
}

static void
set_choice(const Option *option, const JsonbValue *value, const char *shown,
		   int *target)
{
	if (value->type != jbvString)
		bad_value(option, shown);
	for (int i = 0; option->choices[i] != NULL; i++)
		if (strlen(option->choices[i]) == (size_t) value->val.string.len &&
			strncmp(option->choices[i], value->val.string.val,
					value->val.string.len) == 0)
		{
			*target = i;
			return;
		}
	bad_value(option, shown);
}

static void
set_option(const Option *option, const JsonbValue *value, void *target)
{
	void	   *field = (char *) target + option->offset;
	char	   *shown = value->type == jbvBinary ? "an object or array" :
		JsonbToCString(NULL, &JsonbValueToJsonb((JsonbValue *) value)->root, 0);
	double		number;

	if (option->type == OPTION_OBJECT)
	{
		if (value->type != jbvBinary ||
			!JsonContainerIsObject(value->val.binary.data))
			bad_value(option, shown);
		*(char **) field = JsonbToCString(NULL, value->val.binary.data,
										  value->val.binary.len);
		return;
	}
	if (option->type == OPTION_CHOICE)
	{
		set_choice(option, value, shown, field);
		return;
	}
	if (option->choices != NULL && value->type == jbvString)
	{
		int			choice;

		set_choice(option, value, shown, &choice);
		*(double *) field = OPTION_WORD(choice);
		return;
	}
	if (value->type != jbvNumeric)
		bad_value(option, shown);
	number = DatumGetFloat8(DirectFunctionCall1(numeric_float8,
												NumericGetDatum(value->val.numeric)));
	if (!(number >= option->min && number <= option->max) ||
		(option->type == OPTION_INT && number != floor(number)))
		bad_value(option, shown);
	if (option->type == OPTION_INT)
		*(int *) field = (int) number;
	else
		*(double *) field = number;
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
