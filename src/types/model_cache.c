/*
 * model_cache.c
 *		Models made ready for use; see model_cache.h.
 *
 * Rows may alternate between models that are compared, so the last few are
 * kept.  A stored model is recognised by its TOAST pointer, without fetching
 * it; any other by its fingerprint.
 *
 * Memory: an entry has a context of its own, with a copy of the model and what
 * was made of it.  All entries together, and what is fetched for the next,
 * stay below noisylabel.memory_limit: the oldest go until the new one fits.
 */
#include "types/model_cache.h"

#include "pg/arguments.h"
#include "access/detoast.h"
#include "types/shared_value.h"

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#define CACHED_MODELS 8

typedef struct CachedModel
{
	MemoryContext context;
	Size		memory;			/* of the context */
	uint64		fingerprint;
	bool		stored;
	struct varatt_external pointer; /* if stored */
	const void *place;			/* of the last one that was in its row, or NULL */
	Size		copied;			/* bytes of such ones at other places */
	void	   *prepared;
} CachedModel;

typedef struct ModelCache
{
	MemoryContext parent;
	MemoryContext building;		/* of an entry that is not yet one, or NULL */
	int			n;
	CachedModel entries[CACHED_MODELS]; /* the oldest first */
} ModelCache;

static ModelCache *
get_cache(FunctionCallInfo fcinfo)
{
	void	  **place = nl_call_cache(fcinfo);
	ModelCache *cache = *place;

	if (cache == NULL)
	{
		cache = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(ModelCache));
		cache->parent = fcinfo->flinfo->fn_mcxt;
		*place = cache;
	}
	return cache;
}

static CachedModel *
find_stored(ModelCache *cache, const struct varatt_external *pointer)
{
	for (int i = cache->n - 1; i >= 0; i--)
		if (cache->entries[i].stored &&
			memcmp(pointer, &cache->entries[i].pointer, sizeof(*pointer)) == 0)
			return &cache->entries[i];
	return NULL;
}

static CachedModel *
find_fingerprint(ModelCache *cache, const void *model)
{
	uint64		fingerprint = ((const FingerprintedValue *) model)->fingerprint;

	for (int i = cache->n - 1; i >= 0; i--)
		if (cache->entries[i].fingerprint == fingerprint)
			return &cache->entries[i];
	return NULL;
}

static void
drop_oldest(ModelCache *cache)
{
	MemoryContext context = cache->entries[0].context;

	cache->n--;
	memmove(cache->entries, cache->entries + 1, cache->n * sizeof(CachedModel));
	MemoryContextDelete(context);
}

/* Let the oldest go until "needed" bytes more are within the limit. */
static void
make_room(ModelCache *cache, const ModelUse *use, Size needed)
{
	Size		kept = 0;

	for (int i = 0; i < cache->n; i++)
		kept += cache->entries[i].memory;
	while (cache->n > 0 &&
		   add_size(kept, needed) > (Size) nl_memory_limit * 1024)
	{
		kept -= cache->entries[0].memory;
		drop_oldest(cache);
	}
	value_check_memory(needed, use->kind, use->purpose);
}

static void
forget_entry(ModelCache *cache)
{
	MemoryContext context = cache->building;

	cache->building = NULL;
	if (context != NULL)
		MemoryContextDelete(context);
}

static MemoryContext
begin_entry(ModelCache *cache)
{
	forget_entry(cache);		/* an error may have left one */
	cache->building = AllocSetContextCreate(cache->parent, "noisylabel model",
											ALLOCSET_SMALL_SIZES);
	return cache->building;
}

/* The entry of a model that is in the context begun. */
static CachedModel *
finish_entry(ModelCache *cache, const ModelUse *use, const void *model)
{
	CachedModel entry = {.context = cache->building};
	MemoryContext old = MemoryContextSwitchTo(entry.context);

	entry.fingerprint = ((const FingerprintedValue *) model)->fingerprint;
	entry.prepared = use->prepare(model);
	MemoryContextSwitchTo(old);
	entry.memory = MemoryContextMemAllocated(entry.context, true);
	cache->building = NULL;
	if (cache->n == CACHED_MODELS)
		drop_oldest(cache);
	cache->entries[cache->n] = entry;
	return &cache->entries[cache->n++];
}

static CachedModel *
add_stored(ModelCache *cache, const ModelUse *use, Datum datum,
		   const struct varatt_external *pointer)
{
	Size		fetched = toast_raw_datum_size(datum);
	Size		stored = toast_datum_size(datum);
	CachedModel *entry;
	MemoryContext old;
	void	   *model;

	if (stored + VARHDRSZ < fetched)	/* it is compressed */
		fetched = add_size(fetched, stored);
	make_room(cache, use, fetched);
	old = MemoryContextSwitchTo(begin_entry(cache));
	model = use->get(datum);
	MemoryContextSwitchTo(old);
	entry = find_fingerprint(cache, model);
	if (entry == NULL)
	{
		make_room(cache, use, add_size(VARSIZE(model), use->memory(model)));
		entry = finish_entry(cache, use, model);
	}
	else
		forget_entry(cache);	/* the same, stored elsewhere */
	entry->stored = true;
	entry->pointer = *pointer;
	return entry;
}

/* "beside": whether the model itself takes memory that nobody counts. */
static CachedModel *
add_copy(ModelCache *cache, const ModelUse *use, const void *model, bool beside)
{
	Size		size = VARSIZE(model);
	void	   *copy;

	make_room(cache, use, add_size(beside ? mul_size(2, size) : size,
								   use->memory(model)));
	copy = MemoryContextAllocHuge(begin_entry(cache), size);
	nl_copy(copy, model, size);
	return finish_entry(cache, use, copy);
}

/*
 * The same model inside the row, at another place each time, has been copied
 * into each row: by a sort, for instance.
 */
static void
note_inline(CachedModel *entry, const ModelUse *use, const struct varlena *value)
{
	if (entry->place != NULL && entry->place != value)
	{
		entry->copied += VARSIZE_ANY(value);
		shared_value_note_copies(use->kind, VARSIZE_ANY(value), entry->copied);
	}
	entry->place = value;
}

static CachedModel *
get_stored(ModelCache *cache, const ModelUse *use, struct varlena *value)
{
	struct varatt_external pointer;
	CachedModel *entry;

	VARATT_EXTERNAL_GET_POINTER(pointer, value);
	entry = find_stored(cache, &pointer);
	if (entry != NULL)
		return entry;
	return add_stored(cache, use, PointerGetDatum(value), &pointer);
}

/* What was prepared of a model argument; kept for the query. */
void *
model_cache_get(FunctionCallInfo fcinfo, int argno, const ModelUse *use)
{
	ModelCache *cache = get_cache(fcinfo);
	struct varlena *value = (struct varlena *) PG_GETARG_POINTER(argno);
	bool		shared = VARATT_IS_EXTERNAL_EXPANDED(value);
	bool		unpacked;
	CachedModel *entry;
	void	   *model;

	if (VARATT_IS_EXTERNAL_ONDISK(value))
		return get_stored(cache, use, value)->prepared;
	model = use->get(PointerGetDatum(value));
	unpacked = !shared && model != (void *) value;
	entry = find_fingerprint(cache, model);
	if (entry == NULL)
		entry = add_copy(cache, use, model, unpacked);
	if (unpacked)
		pfree(model);
	if (!shared)
		note_inline(entry, use, value);
	return entry->prepared;
}
