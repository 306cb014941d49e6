/*
 * blas.h
 *		The functions of OpenBLAS that the fits use, called as nl_blas.dgemm(...)
 *		after nl_blas_load().
 */
#ifndef NL_BLAS_H
#define NL_BLAS_H

#include "noisylabel.h"

#include <cblas.h>

/* X(name) for each of them */
#define NL_BLAS_FUNCTIONS(X) \
	X(dgemm) \
	X(dsyrk) \
	X(dtrsm) \
	X(dtrmm) \
	X(dnrm2) \
	X(ddot) \
	X(daxpy) \
	X(dscal)

typedef struct Blas
{
#define X(name) __typeof__(&cblas_##name) name;
	NL_BLAS_FUNCTIONS(X)
#undef X
} Blas;

extern Blas nl_blas;

#define MAX_FLOPS 1e8			/* of one call of BLAS: a few milliseconds */

extern void nl_blas_load(void);
extern double *nl_blas_vector(Size n);
extern void nl_blas_multiply(CBLAS_TRANSPOSE transpose, uint32 rows, uint32 columns,
							 uint32 inner, const double *a, uint32 a_width,
							 const double *b, uint32 b_width, double beta,
							 double *c, uint32 c_width);

#endif							/* NL_BLAS_H */
