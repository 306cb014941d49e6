/*
 * hypergeometric.h
 *		The hypergeometric distribution's lower tail.
 */
#ifndef NL_HYPERGEOMETRIC_H
#define NL_HYPERGEOMETRIC_H

#include "noisylabel.h"

extern double hypergeometric_at_most(int64 c, int64 n, int64 population, int64 defects);

#endif							/* NL_HYPERGEOMETRIC_H */
