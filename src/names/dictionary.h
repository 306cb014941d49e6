/*
 * dictionary.h
 *		Names (of labels, annotators, items) as small integers.
 *
 * Two forms of the same thing:
 *
 * Dictionary: grows while rows arrive; codes in order of first appearance; a
 * hash table finds a name's code.
 *
 * Names: the finished list inside a stored value, in canonical order: an array
 * of end offsets and the bytes, one name after the other, not terminated.
 *
 * Canonical order is bytewise ("C" collation), so that it depends on nothing
 * but the names; labels that are all integers are ordered as numbers.
 */
#ifndef NL_DICTIONARY_H
#define NL_DICTIONARY_H

#include "noisylabel.h"

/* One name; it is not terminated. */
typedef struct NameView
{
	const char *s;
	int			len;
} NameView;

typedef struct Names
{
	uint32		n;
	const uint32 *ends;			/* n entries, in ascending order */
	const char *bytes;
} Names;

static inline NameView
name_of(const char *s)
{
	return (NameView) {s, strlen(s)};
}

static inline NameView
name_of_text(const text *t)
{
	return (NameView) {VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t)};
}

static inline bool
is_same_name(NameView a, NameView b)
{
	return a.len == b.len && memcmp(a.s, b.s, a.len) == 0;
}

static inline NameView
names_get(const Names *names, uint32 i)
{
	uint32		start = i == 0 ? 0 : names->ends[i - 1];

	return (NameView) {names->bytes + start, names->ends[i] - start};
}

/* the bytes that the names take, without their offsets */
static inline Size
names_bytes(const Names *names)
{
	return names->n == 0 ? 0 : names->ends[names->n - 1];
}

/* Copy a list into the place that a value being made has for it. */
static inline void
names_copy(const Names *to, const Names *from)
{
	nl_copy((uint32 *) to->ends, from->ends, from->n * sizeof(uint32));
	nl_copy((char *) to->bytes, from->bytes, names_bytes(from));
}

extern text *names_text(const Names *names, uint32 i);
extern char *names_cstring(const Names *names, uint32 i);
extern int	names_find(const Names *names, NameView name);
extern bool names_find_all(const Names *in, const Names *names, uint32 *places);

typedef enum NameOrder
{
	ORDER_BYTES,				/* items, annotators */
	ORDER_LABELS				/* numbers when all are integers, else bytes */
} NameOrder;

typedef struct nametable_hash nametable_hash;

typedef struct Dictionary
{
	MemoryContext context;
	const char *kind;			/* "label", "annotator" or "item", for errors */
	uint32		n;
	uint32		capacity;
	uint32		max;
	Size	   *starts;			/* capacity + 1 entries; name i ends at i + 1 */
	char	   *bytes;
	Size		bytes_capacity;
	nametable_hash *hash;
} Dictionary;

extern Dictionary *dictionary_create(MemoryContext context, const char *kind,
									 uint32 max);
extern uint32 dictionary_add(Dictionary *dict, NameView name);
extern int64 dictionary_find(Dictionary *dict, NameView name);
extern uint32 *dictionary_order(const Dictionary *dict, NameOrder order);
extern uint32 *dictionary_rank(const uint32 *order, uint32 n);
extern Size dictionary_memory(const Dictionary *dict);
extern Size dictionary_memory_of(Size names, Size bytes);
extern uint32 *dictionary_add_names(Dictionary *dict, const Names *names);
extern uint32 *dictionary_add_all(Dictionary *dict, const Dictionary *other);
extern Dictionary *dictionary_index(const Names *names, const char *kind);
extern void dictionary_write(const Dictionary *dict, const uint32 *order,
							 uint32 *ends, char *bytes);
extern Names dictionary_names(const Dictionary *dict, const uint32 *order);

static inline NameView
dictionary_get(const Dictionary *dict, uint32 code)
{
	Size		start = dict->starts[code];

	return (NameView) {dict->bytes + start, dict->starts[code + 1] - start};
}

/* the bytes that the names take, without their offsets */
static inline Size
dictionary_bytes(const Dictionary *dict)
{
	return dict->starts[dict->n];
}

#endif							/* NL_DICTIONARY_H */
