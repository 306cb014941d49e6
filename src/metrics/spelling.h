/*
 * spelling.h
 *		A word to the user whose two columns spell one thing in two ways.
 */
#ifndef NL_SPELLING_H
#define NL_SPELLING_H

#include "types/confusion_matrix.h"

extern void spelling_notice(FunctionCallInfo fcinfo, const ConfusionMatrix *cm);

#endif							/* NL_SPELLING_H */
