/*
 * dispatch.h
 *		Functions that are compiled for several processors; the loader picks one.
 *
 * DISPATCHED("default", "avx2") goes before "static": what is dispatched cannot be
 * hidden from the library's symbols otherwise.
 */
#ifndef NL_DISPATCH_H
#define NL_DISPATCH_H

#include "noisylabel.h"

#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && \
	defined(__has_attribute)
#if __has_attribute(target_clones)
#define DISPATCHED(...) __attribute__((target_clones(__VA_ARGS__)))
#endif
#endif
#ifndef DISPATCHED
#define DISPATCHED(...)
#endif

#endif							/* NL_DISPATCH_H */
