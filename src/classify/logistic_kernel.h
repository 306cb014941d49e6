/*
 * logistic_kernel.h
 *		The loops of logistic regression that are not BLAS's: from the logits
 *		of a block of rows to losses and residuals.
 *
 * Logits lie class by class: those of class k are z[k * rows + i].  What a row
 * counts for is mass[i]; the weighted sum of its target's logits is dot[i], and
 * of two classes the mass of the second is second[i].
 */
#ifndef NL_LOGISTIC_KERNEL_H
#define NL_LOGISTIC_KERNEL_H

#include "noisylabel.h"

/* Scratch for a block: twice its rows. */
extern double logistic_block(double *z, uint32 classes, uint32 rows,
							const double *mass, const double *dot,
							double *scratch, double *curvature);
extern double logistic_binary_block(double *z, uint32 rows, const double *mass,
							 const double *second, double *scratch,
							 double *curvature);
extern void subtract_block(double *z, uint32 rows, const double *mass);

extern void weigh_terms(const double *terms, uint32 n, uint32 rows, const double *q,
						const double *mass, double *weight, double *to);

extern void score_row(const double *coefficients, uint32 columns, uint32 width,
					  const double *row, double *score);

#endif							/* NL_LOGISTIC_KERNEL_H */
