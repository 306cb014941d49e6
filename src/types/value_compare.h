/*
 * value_compare.h
 *		Values as bytes by which they are compared.
 */
#ifndef NL_VALUE_COMPARE_H
#define NL_VALUE_COMPARE_H

#include "types/value.h"

extern const ValueHeader *value_canonical(Datum datum);
extern void value_release(Datum datum, const ValueHeader *canonical);

#endif							/* NL_VALUE_COMPARE_H */
