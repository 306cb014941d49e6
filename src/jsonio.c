/*
 * jsonio.c
 *		JSON in and out for the text forms of our values.
 */
#include "jsonio.h"

#include <math.h>

#include "common/shortest_dec.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/numeric.h"

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
jsonio_append_names(StringInfo buf, const Names *names)
{
	appendStringInfoChar(buf, '[');
	for (uint32 i = 0; i < names->n; i++)
	{
		int			len;
		const char *s = names_get(names, i, &len);

		CHECK_FOR_INTERRUPTS();
		if (i > 0)
			appendStringInfoString(buf, ", ");
		jsonio_append_string(buf, s, len);
	}
	appendStringInfoChar(buf, ']');
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

void
jsonio_invalid(const char *type, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input for type %s", type),
			 errdetail("%s", detail)));
}

JsonbContainer *
jsonio_parse_object(const char *type, char *input)
{
	Jsonb	   *jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
														   CStringGetDatum(input)));

	if (!JB_ROOT_IS_OBJECT(jsonb))
		jsonio_invalid(type, "A JSON object is expected.");
	return &jsonb->root;
}

JsonbValue *
jsonio_field(const char *type, JsonbContainer *object, const char *key)
{
	JsonbValue *value = getKeyJsonValueFromContainer(object, key,
													 strlen(key), NULL);

	if (value == NULL)
		jsonio_invalid(type, psprintf("Key \"%s\" is missing.", key));
	return value;
}

static JsonbContainer *
as_array(const char *type, JsonbValue *value, const char *what)
{
	if (value == NULL || value->type != jbvBinary ||
		!JsonContainerIsArray(value->val.binary.data))
		jsonio_invalid(type, psprintf("\"%s\" must be an array.", what));
	return value->val.binary.data;
}

JsonbContainer *
jsonio_array_field(const char *type, JsonbContainer *object, const char *key)
{
	return as_array(type, jsonio_field(type, object, key), key);
}

JsonbContainer *
jsonio_array_element(const char *type, JsonbContainer *array, uint32 i,
				   const char *what)
{
	return as_array(type, getIthJsonbValueFromContainer(array, i), what);
}

double
jsonio_double_value(const char *type, JsonbValue *value, const char *what)
{
	if (value == NULL || value->type != jbvNumeric)
		jsonio_invalid(type, psprintf("\"%s\" must hold numbers only.", what));
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8,
											  NumericGetDatum(value->val.numeric)));
}

double
jsonio_double_field(const char *type, JsonbContainer *object, const char *key)
{
	return jsonio_double_value(type, jsonio_field(type, object, key), key);
}

/* A whole number from 0 to max. */
double
jsonio_count_field(const char *type, JsonbContainer *object, const char *key,
				 double max)
{
	double		value = jsonio_double_field(type, object, key);

	if (!(value >= 0 && value <= max && value == floor(value)))
		jsonio_invalid(type, psprintf("\"%s\" must be a whole number from 0 to %.0f.",
									key, max));
	return value;
}

bool
jsonio_bool_field(const char *type, JsonbContainer *object, const char *key)
{
	JsonbValue *value = jsonio_field(type, object, key);

	if (value->type != jbvBool)
		jsonio_invalid(type, psprintf("\"%s\" must be true or false.", key));
	return value->val.boolean;
}

char *
jsonio_string_field(const char *type, JsonbContainer *object, const char *key)
{
	JsonbValue *value = jsonio_field(type, object, key);

	if (value->type != jbvString)
		jsonio_invalid(type, psprintf("\"%s\" must be a string.", key));
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* An array of distinct strings; string i gets code i of the empty dictionary. */
void
jsonio_read_names(const char *type, JsonbContainer *object, const char *key,
				Dictionary *dict)
{
	JsonbIterator *it = JsonbIteratorInit(jsonio_array_field(type, object, key));
	JsonbIteratorToken token;
	JsonbValue	value;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		uint32		n = dict->n;

		CHECK_FOR_INTERRUPTS();
		if (token != WJB_ELEM)
			continue;
		if (value.type != jbvString)
			jsonio_invalid(type, psprintf("\"%s\" must hold strings only.", key));
		if (dictionary_add(dict, value.val.string.val, value.val.string.len) != n)
			jsonio_invalid(type,
						 psprintf("\"%.*s\" occurs twice in \"%s\".",
								  value.val.string.len, value.val.string.val,
								  key));
	}
}

/* An array of exactly n numbers. */
void
jsonio_read_doubles(const char *type, JsonbContainer *array, const char *what,
				  double *values, uint32 n)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;
	uint32		i = 0;

	if (JsonContainerSize(array) != n)
		jsonio_invalid(type, psprintf("An array in \"%s\" has %u elements instead of %u.",
									what, JsonContainerSize(array), n));
	it = JsonbIteratorInit(array);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		NL_CHECK_INTERRUPTS(i);
		if (token == WJB_ELEM)
			values[i++] = jsonio_double_value(type, &value, what);
	}
}

/* An array of "rows" arrays of "columns" numbers. */
void
jsonio_read_matrix(const char *type, JsonbContainer *array, const char *what,
				 double *values, uint32 rows, uint32 columns)
{
	if (JsonContainerSize(array) != rows)
		jsonio_invalid(type, psprintf("\"%s\" has %u rows instead of %u.",
									what, JsonContainerSize(array), rows));
	for (uint32 i = 0; i < rows; i++)
		jsonio_read_doubles(type, jsonio_array_element(type, array, i, what), what,
						  values + (Size) i * columns, columns);
}
