/*
 * noisylabel.h
 *		What every file of the extension shares: the PostgreSQL headers, macros,
 *		limits, settings, memory.
 *
 * A room (a folder) includes only headers of its own and of those before it: pg,
 * names, math, types, then crowd, classify and metrics.
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

#include "pg/memory.h"

#endif							/* NOISYLABEL_H */
