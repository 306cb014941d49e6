/*
 * names_io.h
 *		Lists of names in and out: binary, JSON, text[].
 */
#ifndef NL_NAMES_IO_H
#define NL_NAMES_IO_H

#include "names/dictionary.h"

#include "lib/stringinfo.h"
#include "utils/array.h"

extern void name_send(StringInfo buf, NameView name, int encoding);
extern void names_send(StringInfo buf, const Names *names, int encoding);
extern void dictionary_recv(Dictionary *dict, StringInfo buf, int encoding);
extern void jsonio_append_name(StringInfo buf, NameView name);
extern void jsonio_append_names(StringInfo buf, const Names *names);
extern void jsonio_read_names(const char *type, const char *json, const char *what,
							  Dictionary *dict);
extern Datum names_array(const Names *names);
extern void dictionary_add_array(Dictionary *dict, ArrayType *array);

#endif							/* NL_NAMES_IO_H */
