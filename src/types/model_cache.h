/*
 * model_cache.h
 *		Models made ready for use, kept by a function that is called for each
 *		row with a model as argument.
 */
#ifndef NL_MODEL_CACHE_H
#define NL_MODEL_CACHE_H

#include "types/value.h"

/* What a type begins with whose values can be cached. */
typedef struct FingerprintedValue
{
	ValueHeader header;
	uint64		fingerprint;	/* a hash of all that follows */
} FingerprintedValue;

/* What is done with the models of a function. */
typedef struct ModelUse
{
	ValueKind	kind;
	const char *purpose;		/* for value_check_memory() */
	void	   *(*get) (Datum datum);	/* flat and checked */
	Size		(*memory) (const void *model);	/* that prepare() takes */
	void	   *(*prepare) (const void *model); /* the model lives as long */
} ModelUse;

extern void *model_cache_get(FunctionCallInfo fcinfo, int argno, const ModelUse *use);

#endif							/* NL_MODEL_CACHE_H */
