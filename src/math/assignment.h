/*
 * assignment.h
 *		The assignment problem: pair rows with columns at the greatest gain.
 */
#ifndef NL_ASSIGNMENT_H
#define NL_ASSIGNMENT_H

#include "noisylabel.h"

extern Size assignment_memory(uint32 n);
extern void assignment_solve(const double *gain, uint32 n, uint32 *column_of);

#endif							/* NL_ASSIGNMENT_H */
