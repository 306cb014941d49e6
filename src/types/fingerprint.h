/*
 * fingerprint.h
 *		Hashes by which models are recognised.
 *
 * A fingerprint is of the values of numbers and of the bytes of names, so it is
 * the same on machines of either byte order: it travels in states, which meet the
 * models of other machines.
 */
#ifndef NL_FINGERPRINT_H
#define NL_FINGERPRINT_H

#include "noisylabel.h"

static inline uint64
fingerprint_add(uint64 hash, uint64 value)
{
	hash = (hash ^ value) * UINT64CONST(0x9e3779b97f4a7c15);	/* 2^64 over the golden ratio */
	hash = (hash ^ hash >> 32) * UINT64CONST(0xbf58476d1ce4e5b9);
	return hash ^ hash >> 29;
}

extern uint64 fingerprint_doubles(uint64 hash, const double *values, Size n);
extern uint64 fingerprint_numbers(uint64 hash, const uint32 *values, Size n);
extern uint64 fingerprint_bytes(uint64 hash, const char *bytes, Size n);

#endif							/* NL_FINGERPRINT_H */
