/*
 * noisylabel.c
 *		The module: magic block, settings, and helpers shared by all files.
 */
#include "noisylabel.h"

#include <cblas.h>
#include <math.h>
#include <sys/mman.h>

#include "common/shortest_dec.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

#define MEMORY_BLOCK NL_LARGE_PAGE	/* the first touch of one may take long */

extern NL_EXPORT const Pg_magic_struct *Pg_magic_func(void);
extern NL_EXPORT void _PG_init(void);

extern int	blas_thread_shutdown_(void) __attribute__((weak));

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
	/*
	 * Parallelism is PostgreSQL's; a backend computes on one thread.  OpenBLAS
	 * with threads has started some when it was loaded, and signals for the
	 * backend could reach them, so they are ended as well.  (It does the same
	 * before each fork; the version without threads lacks the function.)
	 */
	openblas_set_num_threads(1);
	if (blas_thread_shutdown_ != NULL)
		blas_thread_shutdown_();
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
typedef struct AnyOutput
{
	Oid			type;
	bool		is_text;
	FmgrInfo	output;
} AnyOutput;

#define MAX_ANY_ARGS 8

typedef struct CallCache
{
	AnyOutput	any[MAX_ANY_ARGS];	/* for nl_any_to_text */
	void	   *own;			/* for nl_call_cache */
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

text *
nl_text_argument(FunctionCallInfo fcinfo, int argno)
{
	return PG_GETARG_TEXT_PP(argno);
}

/*
 * The text form of an argument declared "any".  "any" signatures never travel
 * to another server, so relying on the call expression is fine here.
 */
text *
nl_any_to_text(FunctionCallInfo fcinfo, int argno)
{
	AnyOutput  *arg;

	Assert(argno < MAX_ANY_ARGS);
	arg = &call_cache(fcinfo)->any[argno];
	if (!OidIsValid(arg->type))
	{
		Oid			type = get_fn_expr_argtype(fcinfo->flinfo, argno);
		Oid			output;
		bool		varlena;

		if (!OidIsValid(type))
			elog(ERROR, "could not determine the type of argument %d", argno);
		getTypeOutputInfo(type, &output, &varlena);
		fmgr_info_cxt(output, &arg->output, fcinfo->flinfo->fn_mcxt);
		arg->is_text = (type == TEXTOID || type == VARCHAROID);
		arg->type = type;
	}
	if (arg->is_text)
		return PG_GETARG_TEXT_PP(argno);
	return cstring_to_text(OutputFunctionCall(&arg->output,
											  PG_GETARG_DATUM(argno)));
}
