/*
 * jsonio.h
 *		The text forms of our values are JSON: writing it losslessly, and
 *		reading it through PostgreSQL's jsonb.
 *
 * All readers take the name of the SQL type first, for error messages, and
 * raise invalid_text_representation when the JSON is not of the wanted shape.
 */
#ifndef NL_JSONIO_H
#define NL_JSONIO_H

#include "dictionary.h"

#include "utils/jsonb.h"

extern void jsonio_append_double(StringInfo buf, double value);
extern void jsonio_append_string(StringInfo buf, const char *s, int len);
extern void jsonio_append_names(StringInfo buf, const Names *names);
extern void jsonio_append_doubles(StringInfo buf, const double *values, Size n);
extern void jsonio_append_matrix(StringInfo buf, const double *values,
							   Size rows, Size columns);

extern NL_NORETURN void jsonio_invalid(const char *type, const char *detail);
extern JsonbContainer *jsonio_parse_object(const char *type, char *input);
extern JsonbValue *jsonio_field(const char *type, JsonbContainer *object, const char *key);
extern JsonbContainer *jsonio_array_field(const char *type, JsonbContainer *object,
										const char *key);
extern JsonbContainer *jsonio_array_element(const char *type, JsonbContainer *array,
										  uint32 i, const char *what);
extern double jsonio_double_value(const char *type, JsonbValue *value, const char *what);
extern double jsonio_double_field(const char *type, JsonbContainer *object,
								const char *key);
extern double jsonio_count_field(const char *type, JsonbContainer *object,
							   const char *key, double max);
extern bool jsonio_bool_field(const char *type, JsonbContainer *object, const char *key);
extern char *jsonio_string_field(const char *type, JsonbContainer *object,
							   const char *key);
extern void jsonio_read_names(const char *type, JsonbContainer *object,
							const char *key, Dictionary *dict);
extern void jsonio_read_doubles(const char *type, JsonbContainer *array,
							  const char *what, double *values, uint32 n);
extern void jsonio_read_matrix(const char *type, JsonbContainer *array,
							 const char *what, double *values,
							 uint32 rows, uint32 columns);

#endif							/* NL_JSONIO_H */
