/*
 * arguments.c
 *		What a call was given; see arguments.h.
 *
 * What is kept in fn_extra is a cache and nothing more: where an engine calls a
 * function with a fresh fn_extra each time, it is only slower.
 */
#include "pg/arguments.h"

#include <math.h>

#include "catalog/dependency.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "parser/parse_coerce.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

typedef struct AnyToText
{
	Oid			type;
	CoercionPathType path;
	FmgrInfo	function;		/* the cast's, or the output function */
} AnyToText;

typedef struct CallCache
{
	Signature	signature;		/* first; n is 0 until it is known */
	AnyToText	any[MAX_ARGUMENTS];
	void	   *own;			/* for nl_call_cache */
	void	   *options;		/* for options.c */
} CallCache;

static CallCache *
call_cache(FunctionCallInfo fcinfo)
{
	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra =
			MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(CallCache));
	return fcinfo->flinfo->fn_extra;
}

void **
nl_call_cache(FunctionCallInfo fcinfo)
{
	return &call_cache(fcinfo)->own;
}

void **
nl_options_cache(FunctionCallInfo fcinfo)
{
	return &call_cache(fcinfo)->options;
}

/*
 * Signatures
 */
static DeclaredType
declared_type(Oid type)
{
	return type == TEXTOID ? DECLARED_TEXT : type == ANYOID ? DECLARED_ANY :
		type == JSONBOID ? DECLARED_JSONB : DECLARED_OTHER;
}

static int
find_argument(int n, char **names, const char *name)
{
	while (n-- > 0 && strcmp(names[n], name) != 0)
		;
	return n;					/* or NO_ARGUMENT */
}

static void
read_signature(Oid function, Signature *s)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid		   *types;
	char	  **names;
	char	   *modes;
	int			n;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	(void) get_func_arg_info(tuple, &types, &names, &modes);
	n = ((Form_pg_proc) GETSTRUCT(tuple))->pronargs;	/* OUT arguments follow */
	ReleaseSysCache(tuple);
	if (n > MAX_ARGUMENTS || names == NULL)
		elog(ERROR, "function %u is not declared as noisylabel declares it", function);
	for (int i = 0; i < n; i++)
		s->type[i] = declared_type(types[i]);
	s->gold = find_argument(n, names, "gold");
	s->group = find_argument(n, names, "group_key");
	s->weight = find_argument(n, names, "weight");
	s->options = find_argument(n, names, "options");
	s->n = n;
}

const Signature *
nl_read_signature(FunctionCallInfo fcinfo)
{
	Signature  *signature = &call_cache(fcinfo)->signature;

	read_signature(fcinfo->flinfo->fn_oid, signature);
	return signature;
}

/*
 * Names
 */

/* Our own types are no names; one of them is a sign of another call. */
static void
check_name_type(Oid function, Oid type)
{
	Oid			extension = getExtensionOfObject(TypeRelationId, type);

	if (!OidIsValid(extension) ||
		extension != getExtensionOfObject(ProcedureRelationId, function))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("a value of type %s cannot be an item, an annotator, a group or a label",
					format_type_be(type)),
			 errhint("Of a label_distribution take top_label(); check the types of the other arguments.")));
}

/* Casting is calling a function that the user must be allowed to call. */
static void
check_may_cast(Oid cast)
{
#if PG_VERSION_NUM >= 160000
	AclResult	allowed = object_aclcheck(ProcedureRelationId, cast, GetUserId(), ACL_EXECUTE);
#else
	AclResult	allowed = pg_proc_aclcheck(cast, GetUserId(), ACL_EXECUTE);
#endif

	if (allowed != ACLCHECK_OK)
		aclcheck_error(allowed, OBJECT_FUNCTION, get_func_name(cast));
}

/* How a type becomes text: as an explicit cast does it. */
static void
find_cast(FunctionCallInfo fcinfo, int argno, AnyToText *arg)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, argno);
	Oid			function;
	bool		varlena;

	if (!OidIsValid(type))
		elog(ERROR, "could not determine the type of argument %d", argno);
	check_name_type(fcinfo->flinfo->fn_oid, type);
	arg->path = type == TEXTOID ? COERCION_PATH_RELABELTYPE :
		find_coercion_pathway(TEXTOID, type, COERCION_EXPLICIT, &function);
	if (arg->path == COERCION_PATH_FUNC)
		check_may_cast(function);
	else
		getTypeOutputInfo(type, &function, &varlena);
	fmgr_info_cxt(function, &arg->function, fcinfo->flinfo->fn_mcxt);
	arg->type = type;
}

/*
 * The text of an argument declared "any", as argument::text spells it.  "any"
 * signatures never travel to another server, so relying on the call expression
 * is fine here.
 */
text *
nl_any_to_text(FunctionCallInfo fcinfo, int argno)
{
	AnyToText  *arg;
	Datum		value = PG_GETARG_DATUM(argno);

	arg = &call_cache(fcinfo)->any[argno];
	if (!OidIsValid(arg->type))
		find_cast(fcinfo, argno, arg);
	if (arg->path == COERCION_PATH_RELABELTYPE)
		return PG_GETARG_TEXT_PP(argno);
	if (arg->path != COERCION_PATH_FUNC)
		return cstring_to_text(OutputFunctionCall(&arg->function, value));
	/* a cast's function may also take a type modifier, and whether it is explicit */
	if (arg->function.fn_nargs == 1)
		value = FunctionCall1Coll(&arg->function, DEFAULT_COLLATION_OID, value);
	else if (arg->function.fn_nargs == 2)
		value = FunctionCall2Coll(&arg->function, DEFAULT_COLLATION_OID, value,
								  Int32GetDatum(-1));
	else
		value = FunctionCall3Coll(&arg->function, DEFAULT_COLLATION_OID, value,
								  Int32GetDatum(-1), BoolGetDatum(true));
	return DatumGetTextPP(value);
}

/*
 * Numbers
 */

/* A number for messages, as SQL shows it: 1000000, not 1e+06. */
char *
nl_number(double value)
{
	char	   *digits = palloc(DOUBLE_SHORTEST_DECIMAL_LEN);

	double_to_shortest_decimal_buf(value, digits);
	return digits;
}

/* A weight counts observations: finite and not negative. */
void
nl_check_weight(double weight)
{
	if (isfinite(weight) && weight >= 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("weight %s is out of range", nl_number(weight)),
			 errhint("A weight must be finite and not negative; leave a row out with FILTER (WHERE ...).")));
}

/* The weight of a row, 1 where the function has no such argument. */
double
nl_weight_argument(FunctionCallInfo fcinfo)
{
	int			argno = nl_signature(fcinfo)->weight;
	double		weight = argno == NO_ARGUMENT ? 1 : PG_GETARG_FLOAT8(argno);

	nl_check_weight(weight);
	return weight;
}

/* The confidence level of an interval, strictly between 0 and 1. */
double
nl_check_level(double level)
{
	if (level > 0 && level < 1)
		return level;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("confidence level %s is out of range", nl_number(level)),
			 errhint("Give a number between 0 and 1, such as 0.95.")));
}
