/*
 * memory.h
 *		Memory of any size, below noisylabel.memory_limit, that may be interrupted
 *		while it is touched.
 */
#ifndef NL_MEMORY_H
#define NL_MEMORY_H

/* A page of the larger kind that most systems have. */
#define NL_LARGE_PAGE ((Size) 2 * 1024 * 1024)

extern void nl_check_memory(Size required, const char *purpose);
extern void nl_check_memory_for(Size required, const char *purpose, const char *remedy,
								const char *cause,...) NL_PRINTF(4, 5);
extern void nl_copy(void *to, const void *from, Size size);
extern void nl_clear(void *to, Size size);
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

#endif							/* NL_MEMORY_H */
