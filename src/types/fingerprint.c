/*
 * fingerprint.c
 *		Hashes by which models are recognised; see fingerprint.h.
 */
#include "types/fingerprint.h"

#include "port/pg_bswap.h"

uint64
fingerprint_doubles(uint64 hash, const double *values, Size n)
{
	for (Size i = 0; i < n; i++)
	{
		uint64		bits;

		NL_CHECK_INTERRUPTS(i);
		memcpy(&bits, &values[i], sizeof(bits));
		hash = fingerprint_add(hash, bits);
	}
	return hash;
}

uint64
fingerprint_numbers(uint64 hash, const uint32 *values, Size n)
{
	for (Size i = 0; i < n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		hash = fingerprint_add(hash, values[i]);
	}
	return hash;
}

/* Eight bytes are a number, the first one its lowest; zeros fill the last. */
uint64
fingerprint_bytes(uint64 hash, const char *bytes, Size n)
{
	for (Size i = 0; i < n; i += sizeof(uint64))
	{
		uint64		eight = 0;

		NL_CHECK_INTERRUPTS(i);
		memcpy(&eight, bytes + i, Min(sizeof(uint64), n - i));
#ifdef WORDS_BIGENDIAN
		eight = pg_bswap64(eight);
#endif
		hash = fingerprint_add(hash, eight);
	}
	return fingerprint_add(hash, n);
}
