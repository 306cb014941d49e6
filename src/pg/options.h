/*
 * options.h
 *		The argument "options" of our functions.
 *
 * It is jsonb.  For each call that may end in options there is also one with
 * text, which a literal or a parameter without a type is taken for.  In a place
 * where a call may as well go on with a name (gold, group), such a literal is
 * taken for that name; one that is a JSON object was meant as options.
 *
 * A function describes its options in a table; what the caller leaves out
 * keeps the value that the target struct already has.  An unknown key, a wrong
 * type or a value out of range is an error that says what is allowed.
 */
#ifndef NL_OPTIONS_H
#define NL_OPTIONS_H

#include "pg/arguments.h"

#include "utils/jsonb.h"

typedef enum OptionType
{
	OPTION_INT,					/* int */
	OPTION_DOUBLE,				/* double; a choice, if any, is its OPTION_WORD */
	OPTION_CHOICE,				/* int: index into choices */
	OPTION_TEXT,				/* char *: a string */
	OPTION_JSONB				/* Jsonb *: anything, which the caller checks */
} OptionType;

/* The value of a number that was given as a word; no option's range has it. */
#define OPTION_WORD(choice) (-1000.0 - (choice))

typedef struct Option
{
	const char *name;
	OptionType	type;
	size_t		offset;			/* in the target struct */
	double		min;
	double		max;
	const char *const *choices; /* ends with NULL */
} Option;

extern const Jsonb *options_argument(FunctionCallInfo fcinfo);
extern void options_refuse(FunctionCallInfo fcinfo, int argno, const text *name,
						   const char *place, const char *call);
extern char *options_json(const Option *options, int n, const void *source);
extern JsonbValue options_scalar(const Jsonb *jsonb);
extern NL_NORETURN void options_invalid(const char *name, const JsonbValue *value,
										const char *allowed);
extern void options_parse(const Jsonb *jsonb, const Option *options, int n,
						  void *target);

#endif							/* NL_OPTIONS_H */
