/*
 * arguments.h
 *		What a call was given: the declared signature of a function, names of any
 *		type as text, weights, confidence levels, and what a call site keeps.
 *
 * One C function serves all SQL signatures of a name.  Which one was called, it
 * asks pg_proc by the function's OID, once for a call site.  Unlike the types of
 * the call's expressions that is known in every engine, also where a distributed
 * one calls parts of an aggregate by itself.  (A function that is called through
 * DirectFunctionCall has no OID, so such calls there are none.)
 */
#ifndef NL_ARGUMENTS_H
#define NL_ARGUMENTS_H

#include "noisylabel.h"

#define MAX_ARGUMENTS 8
#define NO_ARGUMENT (-1)

typedef enum DeclaredType
{
	DECLARED_TEXT,
	DECLARED_ANY,
	DECLARED_JSONB,
	DECLARED_OTHER				/* one of ours, or a number, or an array */
} DeclaredType;

/* An argument that has not such a name is NO_ARGUMENT. */
typedef struct Signature
{
	int			n;
	DeclaredType type[MAX_ARGUMENTS];
	int			gold;
	int			group;
	int			weight;
	int			options;
} Signature;

extern const Signature *nl_read_signature(FunctionCallInfo fcinfo);
extern text *nl_any_to_text(FunctionCallInfo fcinfo, int argno);
extern double nl_weight_argument(FunctionCallInfo fcinfo);
extern void nl_check_weight(double weight);
extern double nl_check_level(double level);
extern char *nl_number(double value);

/* A place for what a function keeps from call to call of one query. */
extern void **nl_call_cache(FunctionCallInfo fcinfo);
extern void **nl_options_cache(FunctionCallInfo fcinfo);

/* What the function was declared with.  It begins what fn_extra has of a call site. */
static inline const Signature *
nl_signature(FunctionCallInfo fcinfo)
{
	const Signature *signature = fcinfo->flinfo->fn_extra;

	if (likely(signature != NULL && signature->n > 0))
		return signature;
	return nl_read_signature(fcinfo);
}

/* The text of an argument declared text or "any". */
static inline text *
nl_name_argument(FunctionCallInfo fcinfo, int argno)
{
	if (nl_signature(fcinfo)->type[argno] == DECLARED_TEXT)
		return PG_GETARG_TEXT_PP(argno);
	return nl_any_to_text(fcinfo, argno);
}

/* Is an argument a name: a label, an item, an annotator? */
static inline bool
signature_is_name(const Signature *signature, int argno)
{
	return signature->type[argno] <= DECLARED_ANY;
}

#endif							/* NL_ARGUMENTS_H */
