/*
 * memory.c
 *		The memory limit, and memory in blocks between which interrupts are
 *		looked for.
 */
#include "noisylabel.h"

#include <sys/mman.h>

#define MEMORY_BLOCK NL_LARGE_PAGE	/* the first touch of one may take long */

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
