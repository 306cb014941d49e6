/*
 * blas.c
 *		OpenBLAS, loaded when the first fit of a backend wants it.
 *
 * The module is not linked with it, because OpenBLAS starts threads and takes
 * their buffers when it is loaded, in every backend that loads us.  Where address
 * space is short (ulimit -v, vm.overcommit_memory = 2) it then tries again and
 * again to get them, with no end and no look for a cancel.  So
 *
 * - it is loaded by the first fit, told to use one thread: parallelism is
 *	 PostgreSQL's, and signals for the backend must not reach other threads;
 * - before that we see whether there is room for the library and its buffers, and
 *	 right after it we make it take the one buffer that a thread needs, which it
 *	 keeps.  After that it allocates nothing.
 *
 * (Under vm.overcommit_memory = 2 another process may still take the memory in
 * the moment between.)
 *
 * Its symbols stay its own (RTLD_LOCAL), and it sees its own before those of
 * other modules that bring a BLAS (RTLD_DEEPBIND).
 */
#include "math/blas.h"

#include <dlfcn.h>
#include <sys/mman.h>

/* The library, 45 MB and growing, and two buffers of OpenBLAS's BUFFER_SIZE. */
#ifdef __powerpc64__
#define ROOM_MB 640
#else
#define ROOM_MB 384
#endif

#define ALIGNMENT 16

#ifndef RTLD_DEEPBIND
#define RTLD_DEEPBIND 0
#endif

static const char *const thread_variables[] = {
	"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"
};

Blas		nl_blas;

static void
check_room(void)
{
	Size		size = (Size) ROOM_MB * 1024 * 1024;
	void	   *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
						 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("OpenBLAS needs %d MB of address space, and this process cannot have them.",
						   ROOM_MB),
				 errhint("Raise the server's limit on address space (ulimit -v), or its commit limit where vm.overcommit_memory is 2.")));
	munmap(p, size);
}

/* dlopen() with the environment asking for a single thread. */
static void *
open_library(void)
{
	char	   *saved[lengthof(thread_variables)];
	void	   *library;

	for (size_t i = 0; i < lengthof(thread_variables); i++)
	{
		const char *value = getenv(thread_variables[i]);

		saved[i] = value == NULL ? NULL : pstrdup(value);
		setenv(thread_variables[i], "1", 1);
	}
	library = dlopen(NL_OPENBLAS, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
	for (size_t i = 0; i < lengthof(thread_variables); i++)
	{
		if (saved[i] == NULL)
			unsetenv(thread_variables[i]);
		else
			setenv(thread_variables[i], saved[i], 1);
	}
	return library;
}

static void *
find_function(void *library, const char *name)
{
	void	   *function = dlsym(library, name);

	if (function == NULL)
	{
		dlclose(library);
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("%s has no function \"%s\"", NL_OPENBLAS, name),
				 errhint("Install the OpenBLAS that the extension was built with.")));
	}
	return function;
}

void
nl_blas_load(void)
{
	static bool loaded = false;
	void	   *library;
	Blas		blas;
	void		(*set_num_threads) (int);
	double		one = 1;

	if (loaded)
		return;
	check_room();
	library = open_library();
	if (library == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FILE),
				 errmsg("could not load OpenBLAS: %s", dlerror()),
				 errhint("Install it on the server (on Debian: libopenblas0).")));
#define X(name) *(void **) &blas.name = find_function(library, "cblas_" #name);
	NL_BLAS_FUNCTIONS(X)
#undef X

	/* Another module may have loaded it before, with threads. */
	*(void **) &set_num_threads = find_function(library, "openblas_set_num_threads");
	set_num_threads(1);

	/* This takes the buffer however small the matrix is; gemm may not. */
	blas.dsyrk(CblasRowMajor, CblasUpper, CblasNoTrans, 1, 1, 1, &one, 1, 0, &one, 1);
	nl_blas = blas;
	loaded = true;
}

/*
 * n numbers, 0, for ddot().  On some processors its sum depends on whether its
 * arguments are at a multiple of 16, which is for palloc() a matter of what was
 * allocated before; here they always are.
 */
double *
nl_blas_vector(Size n)
{
	Size		size = mul_size(n, sizeof(double));
	double	   *v = (double *) TYPEALIGN(ALIGNMENT, nl_alloc(CurrentMemoryContext,
															 add_size(size, ALIGNMENT)));

	nl_clear(v, size);
	return v;
}

/* c = a b + beta c, or with b', in calls that are short enough to be interrupted between. */
void
nl_blas_multiply(CBLAS_TRANSPOSE transpose, uint32 rows, uint32 columns, uint32 inner,
				 const double *a, uint32 a_width, const double *b, uint32 b_width,
				 double beta, double *c, uint32 c_width)
{
	uint32		step = Max(MAX_FLOPS / ((double) columns * inner), 1);

	for (uint32 i = 0; i < rows; i += step)
	{
		CHECK_FOR_INTERRUPTS();
		nl_blas.dgemm(CblasRowMajor, CblasNoTrans, transpose, Min(step, rows - i), columns,
					  inner, 1, a + (Size) i * a_width, a_width, b, b_width,
					  beta, c + (Size) i * c_width, c_width);
	}
}
