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

extern void nl_blas_load(void);
extern double *nl_blas_vector(Size n);

#endif							/* NL_BLAS_H */
