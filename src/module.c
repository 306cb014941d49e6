/*
 * module.c
 *		The module: magic block, settings, and helpers shared by all files.
 */
#include "noisylabel.h"

#include <math.h>
#include <sys/mman.h>

#include "catalog/dependency.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "parser/parse_coerce.h"
#include "utils/acl.h"
#include "common/shortest_dec.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

#define MEMORY_BLOCK NL_LARGE_PAGE	/* the first touch of one may take long */

extern NL_EXPORT const Pg_magic_struct *Pg_magic_func(void);
extern NL_EXPORT void _PG_init(void);

PG_MODULE_MAGIC;

int			nl_memory_limit;
bool		nl_progress;

void
_PG_init(void)
{
	DefineCustomIntVariable("noisylabel.memory_limit",
							"Memory that one annotation set, fit or model may take.",
							"A call that would need more is refused before it allocates.",
							&nl_memory_limit,
							2 * 1024 * 1024, 64, MAX_KILOBYTES,
							PGC_USERSET, GUC_UNIT_KB,
							NULL, NULL, NULL);
	DefineCustomBoolVariable("noisylabel.progress",
							 "Report the progress of fits.",
							 "A NOTICE for each step: iteration, objective, its change, estimated rest.",
							 &nl_progress,
							 false,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);
#if PG_VERSION_NUM >= 150000
	MarkGUCPrefixReserved("noisylabel");
#else
	EmitWarningsOnPlaceholders("noisylabel");
#endif
}

/*
 * Refuse what needs more than noisylabel.memory_limit.  Called with the sum of
 * all buffers of a phase, before the first of them is allocated.
 */
void
nl_check_memory(Size required, const char *purpose)
{
	nl_check_memory_for(required, purpose, "work on fewer rows at a time",
						"It grows with the number of rows.");
}

/* The same for what something else than rows decides: "cause" says what. */
void
nl_check_memory_for(Size required, const char *purpose, const char *remedy,
					const char *cause,...)
{
	Size		allowed = (Size) nl_memory_limit * 1024;
	char		detail[256];
	va_list		args;

	if (required <= allowed)
		return;
	va_start(args, cause);
	vsnprintf(detail, sizeof(detail), cause, args);
	va_end(args);
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("%s needs %zu kB of memory, but noisylabel.memory_limit is %zu kB",
					purpose, required / 1024 + 1, allowed / 1024),
			 errdetail("%s", detail),
			 errhint("Raise noisylabel.memory_limit for this session, or %s.", remedy)));
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

/* A number for messages, as SQL shows it: 1000000, not 1e+06. */
char *
nl_number(double value)
{
	char	   *digits = palloc(DOUBLE_SHORTEST_DECIMAL_LEN);

	double_to_shortest_decimal_buf(value, digits);
	return digits;
}

/*
 * Where the system has large pages to give, they save a tenth of the time of a
 * fit: memory is touched first and read in any order without a fault or a miss at
 * every small page.  And memory is given back, as after a cancel, ten times as
 * fast: a gigabyte of small pages takes 100 ms.
 */
void
nl_use_large_pages(void *memory, Size size)
{
#ifdef MADV_HUGEPAGE
	char	   *from = (char *) TYPEALIGN(NL_LARGE_PAGE, memory);
	char	   *end = (char *) TYPEALIGN_DOWN(NL_LARGE_PAGE, (char *) memory + size);

	if (from < end)
		(void) madvise(from, end - from, MADV_HUGEPAGE);
#endif
}

/*
 * memcpy() and memset() to 0 of any size, which may be interrupted.
 */
void
nl_copy(void *to, const void *from, Size size)
{
	for (Size at = 0; at < size; at += MEMORY_BLOCK)
	{
		CHECK_FOR_INTERRUPTS();
		memcpy((char *) to + at, (const char *) from + at,
			   Min(MEMORY_BLOCK, size - at));
	}
}

void
nl_clear(void *to, Size size)
{
	for (Size at = 0; at < size; at += MEMORY_BLOCK)
	{
		CHECK_FOR_INTERRUPTS();
		memset((char *) to + at, 0, Min(MEMORY_BLOCK, size - at));
	}
}

/*
 * Begin a set-returning function that fills a tuplestore: sets up the result
 * and returns arrays for one row's values and nulls, to be used with
 * nl_srf_row() again and again.
 */
Datum *
nl_srf_begin(FunctionCallInfo fcinfo, bool **nulls)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old;
	TupleDesc	tupdesc;

	if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo) ||
		!(rsinfo->allowedModes & SFRM_Materialize))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-valued function called in context that cannot accept a set"),
				 errhint("Call it in FROM.")));

	old = MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);
	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	rsinfo->returnMode = SFRM_Materialize;
	rsinfo->setResult =
		tuplestore_begin_heap((rsinfo->allowedModes & SFRM_Materialize_Random) != 0,
							  false, work_mem);
	rsinfo->setDesc = tupdesc;
	MemoryContextSwitchTo(old);

	*nulls = palloc0(sizeof(bool) * tupdesc->natts);
	return palloc0(sizeof(Datum) * tupdesc->natts);
}

void
nl_srf_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* One row of the function's declared composite result. */
Datum
nl_record(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TupleDesc	tupdesc;

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	tupdesc = BlessTupleDesc(tupdesc);
	return HeapTupleGetDatum(heap_form_tuple(tupdesc, values, nulls));
}

/*
 * What a function keeps in fn_extra.  It is a cache and nothing more: where an
 * engine calls a function with a fresh fn_extra each time, it is only slower.
 */
typedef struct AnyToText
{
	Oid			type;
	CoercionPathType path;
	FmgrInfo	function;		/* the cast's, or the output function */
} AnyToText;

#define MAX_ANY_ARGS 8

typedef struct CallCache
{
	AnyToText	any[MAX_ANY_ARGS];	/* for nl_any_to_text */
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

text *
nl_text_argument(FunctionCallInfo fcinfo, int argno)
{
	return PG_GETARG_TEXT_PP(argno);
}

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

	Assert(argno < MAX_ANY_ARGS);
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
