/*
 * noisylabel.h
 *		What every file of the extension shares: the PostgreSQL headers, limits,
 *		settings and a few helpers that depend on no type of ours.
 *
 * Layers, from the bottom; a file includes only headers of its own layer or of
 * a lower one:
 *
 *	noisylabel.h, dictionary.h, json.h, options.h, interval.h, beta_quantile.h,
 *		crowd_shrinkage.h
 *	value.h, state.h: what the value types share
 *	the value types: confusion_matrix.h (and spelling.h), label_distribution.h,
 *		annotation_set.h, annotator_model.h, training_set.h, classifier.h
 *	the engines: em.h (models of annotators), apply_model.h (such a model meets an
 *		item), logistic_fit.h (classifiers)
 *	the SQL functions: one .c file a concern, no header
 */
#ifndef NOISYLABEL_H
#define NOISYLABEL_H

#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/expandeddatum.h"
#include "utils/memutils.h"

#if PG_VERSION_NUM < 130000
#error "noisylabel needs PostgreSQL 13 or later"
#endif

/*
 * Everything is compiled with -fvisibility=hidden, because PostgreSQL loads
 * modules RTLD_GLOBAL and our symbols would otherwise meet those of others.
 * Only from PostgreSQL 16 on does PG_FUNCTION_INFO_V1 itself make a function
 * visible, so we say it for all versions.
 */
#define NL_EXPORT __attribute__((visibility("default")))

/*
 * A module must load on every minor release of its major version, whichever one
 * the headers are of.  What became a function of the server in a minor release is
 * therefore not called (test/symbols).  DatumGetHeapTupleHeader() is a macro, the
 * one below, in 15.18 and a function in 15.20.
 */
#undef DatumGetHeapTupleHeader
#define DatumGetHeapTupleHeader(X) ((HeapTupleHeader) PG_DETOAST_DATUM(X))

/* PostgreSQL's own macro for this changed name and place in 18. */
#define NL_NORETURN __attribute__((noreturn))

/* PostgreSQL's own macro has a kind of format that clang does not know. */
#define NL_PRINTF(format_at, first_at) \
	__attribute__((format(printf, format_at, first_at)))

#define NL_FUNCTION(name) \
	extern NL_EXPORT Datum name(PG_FUNCTION_ARGS); \
	extern NL_EXPORT const Pg_finfo_record *CppConcat(pg_finfo_, name)(void); \
	PG_FUNCTION_INFO_V1(name)

/*
 * Matrices over classes are dense.  A thousand classes make a matrix of 8 MB;
 * above that the "labels" are free text, and an error says so.
 */
#define NL_MAX_CLASSES 1000

/* Two probabilities nearer than this are a tie, and the first label wins. */
#define NL_TIE_TOLERANCE 1e-9

/* noisylabel.memory_limit, in kB */
extern int	nl_memory_limit;

/* noisylabel.progress */
extern bool nl_progress;

extern void nl_check_memory(Size required, const char *purpose);
extern void nl_check_memory_for(Size required, const char *purpose, const char *remedy,
								const char *cause,...) NL_PRINTF(4, 5);
extern void nl_check_weight(double weight);
extern char *nl_number(double value);
extern void nl_copy(void *to, const void *from, Size size);
extern void nl_clear(void *to, Size size);
extern Datum *nl_srf_begin(FunctionCallInfo fcinfo, bool **nulls);
extern void nl_srf_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls);
extern Datum nl_record(FunctionCallInfo fcinfo, Datum *values, bool *nulls);

/* How an argument of an aggregate becomes text. */
typedef text *(*ArgumentText) (FunctionCallInfo fcinfo, int argno);

extern text *nl_text_argument(FunctionCallInfo fcinfo, int argno);
extern text *nl_any_to_text(FunctionCallInfo fcinfo, int argno);

/* A place for what a function keeps from call to call of one query. */
extern void **nl_call_cache(FunctionCallInfo fcinfo);
extern void **nl_options_cache(FunctionCallInfo fcinfo);

/*
 * A look for interrupts in a loop of short steps.  Where a step may take longer
 * than a microsecond (a row of features, a name, a row of a matrix), each looks.
 */
#define NL_INTERRUPT_STEPS 1024
#define NL_CHECK_INTERRUPTS(i) \
	do { \
		if ((i) % NL_INTERRUPT_STEPS == 0) \
			CHECK_FOR_INTERRUPTS(); \
	} while (0)

/* A page of the larger kind that most systems have. */
#define NL_LARGE_PAGE ((Size) 2 * 1024 * 1024)

extern void nl_use_large_pages(void *memory, Size size);

/* palloc of any size, refusing only what memory_limit refuses */
static inline void *
nl_alloc(MemoryContext context, Size size)
{
	void	   *p = MemoryContextAllocHuge(context, size);

	if (unlikely(size >= 2 * NL_LARGE_PAGE))
		nl_use_large_pages(p, size);
	return p;
}

/* The same, of zeros; looks for interrupts. */
static inline void *
nl_alloc_zero(MemoryContext context, Size size)
{
	void	   *p = nl_alloc(context, size);

	nl_clear(p, size);
	return p;
}

#endif							/* NOISYLABEL_H */
