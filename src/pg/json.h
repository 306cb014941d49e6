/*
 * json.h
 *		JSON in and out: writing the text forms of our values losslessly, reading
 *		them, and making jsonb of them.
 *
 * All readers take the name of the SQL type first, for error messages, and
 * raise invalid_text_representation when the JSON is not of the wanted shape.
 */
#ifndef NL_JSON_H
#define NL_JSON_H

#include "noisylabel.h"

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

/*
 * A value inside a JSON text that is known to be well-formed: where it begins.
 * Nothing is unpacked until it is asked for, so reading takes no memory beside
 * the text and what it is read into.
 */
typedef const char *JsonText;

/*
 * More JSON is not made into jsonb, whose last step cannot be canceled.  (Strings
 * do not count there: to copy one takes no time.)
 */
#define JSONB_TEXT_MAX ((Size) 8 * 1024 * 1024)

extern void jsonio_append_double(StringInfo buf, double value);
extern void jsonio_append_string(StringInfo buf, const char *s, int len);
extern void jsonio_append_doubles(StringInfo buf, const double *values, Size n);
extern void jsonio_append_matrix(StringInfo buf, const double *values,
							   Size rows, Size columns);

extern NL_NORETURN void jsonio_invalid(const char *type, const char *detail);
extern const char *jsonio_error(const char *text, int len);
extern JsonText jsonio_parse_object(const char *type, const char *text);
extern JsonText jsonio_find(JsonText object, const char *key);
extern void jsonio_fields(const char *type, JsonText object,
						  const char *const *keys, int n, JsonText *fields);
extern JsonText jsonio_object(const char *type, JsonText value, const char *what);
extern JsonText jsonio_array(const char *type, JsonText value, const char *what);
extern JsonText jsonio_first(JsonText container);
extern JsonText jsonio_next(JsonText value);
extern JsonText jsonio_member(JsonText key);
extern uint32 jsonio_size(JsonText container);
extern char *jsonio_key(JsonText key);
extern bool jsonio_is_number(JsonText value);
extern double jsonio_double(const char *type, JsonText value, const char *what);
extern double jsonio_count(const char *type, JsonText value, const char *what,
						   double max);
extern bool jsonio_bool(const char *type, JsonText value, const char *what);
extern char *jsonio_string(const char *type, JsonText value, const char *what);
extern char *jsonio_options(const char *type, JsonText value, const char *what);
extern void jsonio_read_doubles(const char *type, JsonText value,
							  const char *what, double *values, uint32 n);
extern void jsonio_read_matrix(const char *type, JsonText value,
							 const char *what, double *values,
							 uint32 rows, uint32 columns);

extern char *jsonio_canonical(Jsonb *jsonb);
extern NL_NORETURN void jsonio_too_large(const char *type, const char *for_type);
extern Jsonb *jsonio_to_jsonb(const char *type, const char *text);

#endif							/* NL_JSON_H */
