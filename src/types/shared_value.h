/*
 * shared_value.h
 *		A large result of a fit, to which rows refer as long as they are not
 *		written somewhere; and what is said when rows carry copies of it.
 */
#ifndef NL_SHARED_VALUE_H
#define NL_SHARED_VALUE_H

#include "types/value.h"

extern Datum shared_value_make(void *value);
extern void *shared_value_flat(Datum datum);
extern void shared_value_note_copies(ValueKind kind, Size size, Size copied);

#endif							/* NL_SHARED_VALUE_H */
