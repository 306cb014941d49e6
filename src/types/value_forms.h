/*
 * value_forms.h
 *		The forms in which values travel: text, binary, json, jsonb.
 *
 * A type gives the functions that write and read its JSON and its binary form;
 * which of them is its text, what it may take, and how errors are told is the
 * same for all types.
 *
 * The text form is JSON up to FORM_JSON_MAX bytes, and above that, or where a
 * type has no JSON to read, the compact form: the type's name and format version
 * and then the binary form in base64.  Both are read.  Inside base64 no server
 * converts names from one encoding to another, so they are UTF-8 there; a
 * database that does not know its encoding keeps the bytes.
 */
#ifndef NL_VALUE_FORMS_H
#define NL_VALUE_FORMS_H

#include "types/value.h"

/* JSON that people read; reference.md says how long it may be */
#define FORM_JSON_MAX ((Size) 1024 * 1024)

typedef struct ValueForms
{
	ValueKind	kind;
	void		(*write_json) (StringInfo buf, const void *value);
	void		(*write_binary) (StringInfo buf, const void *value, int encoding);
	Datum		(*read_json) (const char *text);	/* NULL: the text is always compact */
	Datum		(*read_binary) (StringInfo buf, int encoding);
} ValueForms;

/* of the types that people read */
extern const ValueForms confusion_matrix_forms;
extern const ValueForms label_distribution_forms;
extern const ValueForms annotation_set_forms;
extern const ValueForms annotator_model_forms;
extern const ValueForms classifier_forms;
extern const ValueForms score_set_forms;
extern const ValueForms crowd_model_forms;

extern int	value_text_encoding(void);
extern char *value_binary_to_text(StringInfo buf, ValueKind kind);
extern void value_text_to_binary(const char *text, ValueKind kind, StringInfo buf);
extern Datum value_form_in(FunctionCallInfo fcinfo, const ValueForms *forms);
extern Datum value_form_out(const ValueForms *forms, const void *value);
extern Datum value_form_recv(FunctionCallInfo fcinfo, const ValueForms *forms);
extern Datum value_form_send(const ValueForms *forms, const void *value);
extern Datum value_form_json(const ValueForms *forms, const void *value);
extern Datum value_form_jsonb(const ValueForms *forms, const void *value);
extern void value_send_doubles(StringInfo buf, const double *values, Size n);
extern void value_recv_doubles(StringInfo buf, double *values, Size n);
extern double value_recv_double(StringInfo buf);
extern char *value_recv_string(StringInfo buf, ValueKind kind, const char *what,
							   int encoding);

/*
 * The SQL functions of a type, in the file that has its <type>_forms.  "get" makes the
 * stored form of an argument.
 */
#define VALUE_FORM_FUNCTION(name, result) \
	NL_FUNCTION(name); \
	Datum \
	name(PG_FUNCTION_ARGS) \
	{ \
		return result; \
	}

#define VALUE_INPUT_FUNCTIONS(type) \
	VALUE_FORM_FUNCTION(type##_in, value_form_in(fcinfo, &type##_forms)) \
	VALUE_FORM_FUNCTION(type##_recv, value_form_recv(fcinfo, &type##_forms))

#define VALUE_OUTPUT_FUNCTIONS(type, get) \
	VALUE_FORM_FUNCTION(type##_out, value_form_out(&type##_forms, get(PG_GETARG_DATUM(0)))) \
	VALUE_FORM_FUNCTION(type##_send, value_form_send(&type##_forms, get(PG_GETARG_DATUM(0))))

#endif							/* NL_VALUE_FORMS_H */
