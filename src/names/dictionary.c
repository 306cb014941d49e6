/*
 * dictionary.c
 *		Names as small integers; see dictionary.h for the two forms.
 *
 * The hash table is PostgreSQL's simplehash over codes, so that an entry takes
 * 12 bytes whatever the length of the names: to look a name up it is first
 * appended to the bytes as if it were new (code n), and forgotten again when
 * an equal one is found.
 *
 * A dictionary allocates only in its own context and only by doubling, so the
 * memory limit is checked at each doubling, for what it has and what it adds.
 */
#include "names/dictionary.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "port/pg_bswap.h"

typedef struct NameEntry
{
	uint32		code;
	uint32		hash;
	char		status;
} NameEntry;

static inline bool
same_name(const Dictionary *dict, uint32 a, uint32 b)
{
	int			alen;
	int			blen;
	const char *as = dictionary_get(dict, a, &alen);
	const char *bs = dictionary_get(dict, b, &blen);

	return alen == blen && memcmp(as, bs, alen) == 0;
}

static inline uint32
hash_name(const Dictionary *dict, uint32 code)
{
	int			len;
	const char *s = dictionary_get(dict, code, &len);

	return hash_bytes((const unsigned char *) s, len);
}

/* Also called for each entry when the table grows, which may take long. */
static inline uint32 *
entry_hash(NameEntry *entry)
{
	CHECK_FOR_INTERRUPTS();
	return &entry->hash;
}

#define SH_PREFIX nametable
#define SH_ELEMENT_TYPE NameEntry
#define SH_KEY_TYPE uint32
#define SH_KEY code
#define SH_HASH_KEY(tb, key) hash_name((tb)->private_data, key)
#define SH_EQUAL(tb, a, b) same_name((tb)->private_data, a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (*entry_hash(a))
#define SH_USE_NONDEFAULT_ALLOCATOR
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static inline void *
nametable_allocate(nametable_hash *table, Size size)
{
	return nl_alloc_zero(table->ctx, size);
}

static inline void
nametable_free(nametable_hash *table, void *entries)
{
	(void) table;
	pfree(entries);
}

#define INITIAL_NAMES 8
#define INITIAL_BYTES 64

/* "max": more names than that are an error. */
Dictionary *
dictionary_create(MemoryContext context, const char *kind, uint32 max)
{
	Dictionary *dict = MemoryContextAllocZero(context, sizeof(Dictionary));

	dict->context = context;
	dict->kind = kind;
	dict->max = max;
	dict->capacity = INITIAL_NAMES;
	dict->starts = MemoryContextAlloc(context, (INITIAL_NAMES + 1) * sizeof(Size));
	dict->starts[0] = 0;
	dict->bytes_capacity = INITIAL_BYTES;
	dict->bytes = MemoryContextAlloc(context, INITIAL_BYTES);
	dict->hash = nametable_create(context, INITIAL_NAMES, dict);
	return dict;
}

/* What the dictionary has allocated. */
Size
dictionary_memory(const Dictionary *dict)
{
	Size		size = mul_size((Size) dict->capacity + 1, sizeof(Size));

	size = add_size(size, dict->bytes_capacity);
	return add_size(size, mul_size(dict->hash->size, sizeof(NameEntry)));
}

/*
 * What a dictionary of that many names can come to, at its worst: arrays up to
 * twice too long, and two hash tables while the smaller is replaced.
 */
Size
dictionary_memory_of(Size names, Size bytes)
{
	Size		table = mul_size(mul_size(4, names), sizeof(NameEntry));

	return add_size(mul_size(2, add_size(mul_size(names, sizeof(Size)), bytes)),
					table);
}

static void
grow_names(Dictionary *dict)
{
	Size		capacity = mul_size(dict->capacity, 2);

	/* the new offsets, and the old and the new hash table side by side */
	nl_check_memory(add_size(dictionary_memory(dict),
							 mul_size(capacity,
									  sizeof(Size) + 2 * sizeof(NameEntry))),
					"the dictionary of names");
	dict->starts = repalloc_huge(dict->starts, (capacity + 1) * sizeof(Size));
	dict->capacity = (uint32) Min(capacity, (Size) PG_UINT32_MAX);
}

static void
grow_bytes(Dictionary *dict, Size needed)
{
	Size		capacity = dict->bytes_capacity;

	while (capacity < needed)
		capacity = mul_size(capacity, 2);
	nl_check_memory(add_size(dictionary_memory(dict), capacity),
					"the dictionary of names");
	dict->bytes = repalloc_huge(dict->bytes, capacity);
	dict->bytes_capacity = capacity;
}

static void
too_many_names(const Dictionary *dict)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("more than %u distinct %ss", dict->max, dict->kind),
			 dict->max == NL_MAX_CLASSES ?
			 errhint("Confusion matrices are dense; map free text to classes first.") : 0));
}

/* The code of a name, which is added if it is new. */
uint32
dictionary_add(Dictionary *dict, const char *s, int len)
{
	Size		start = dict->starts[dict->n];
	uint32		hash = hash_bytes((const unsigned char *) s, len);
	NameEntry  *entry;
	bool		found;

	if (unlikely(dict->n == dict->capacity))
		grow_names(dict);
	if (unlikely(start + len > dict->bytes_capacity))
		grow_bytes(dict, start + len);
	memcpy(dict->bytes + start, s, len);
	dict->starts[dict->n + 1] = start + len;

	/* when the limit is reached nothing may be inserted, only found */
	if (unlikely(dict->n == dict->max))
	{
		entry = nametable_lookup_hash(dict->hash, dict->n, hash);
		if (entry == NULL)
			too_many_names(dict);
		return entry->code;
	}
	entry = nametable_insert_hash(dict->hash, dict->n, hash, &found);
	if (!found)
		dict->n++;
	return entry->code;
}

/* The code of a name, or -1 where the dictionary does not have it. */
int64
dictionary_find(Dictionary *dict, const char *s, int len)
{
	Size		start = dict->starts[dict->n];
	NameEntry  *entry;

	if (dict->n == dict->capacity)
		grow_names(dict);
	if (start + len > dict->bytes_capacity)
		grow_bytes(dict, start + len);
	memcpy(dict->bytes + start, s, len);
	dict->starts[dict->n + 1] = start + len;
	entry = nametable_lookup(dict->hash, dict->n);
	return entry == NULL ? -1 : (int64) entry->code;
}

/* Add all names of a list; their codes go to "codes". */
void
dictionary_add_names(Dictionary *dict, const Names *names, uint32 *codes)
{
	for (uint32 i = 0; i < names->n; i++)
	{
		int			len;
		const char *s = names_get(names, i, &len);

		CHECK_FOR_INTERRUPTS();
		codes[i] = dictionary_add(dict, s, len);
	}
}

/*
 * Canonical order.
 *
 * Sort keys carry the first eight bytes as a big-endian number, which decides
 * most comparisons without touching the names.
 */
typedef struct SortName
{
	uint64		prefix;
	uint32		code;
} SortName;

static int
compare_bytes(const char *a, int alen, const char *b, int blen)
{
	int			cmp = memcmp(a, b, Min(alen, blen));

	return cmp != 0 ? cmp : (alen > blen) - (alen < blen);
}

static int
compare_by_bytes(const void *a, const void *b, void *arg)
{
	const SortName *x = a;
	const SortName *y = b;
	const Dictionary *dict = arg;
	const char *xs;
	const char *ys;
	int			xlen;
	int			ylen;

	CHECK_FOR_INTERRUPTS();
	if (x->prefix != y->prefix)
		return x->prefix < y->prefix ? -1 : 1;
	xs = dictionary_get(dict, x->code, &xlen);
	ys = dictionary_get(dict, y->code, &ylen);
	return compare_bytes(xs, xlen, ys, ylen);
}

static bool
is_integer(const char *s, int len)
{
	int			i = (len > 0 && s[0] == '-') ? 1 : 0;

	if (i == len)
		return false;
	for (; i < len; i++)
		if (s[i] < '0' || s[i] > '9')
			return false;
	return true;
}

/* Integers of any length: sign, then number of digits, then digits. */
static int
compare_integers(const char *a, int alen, const char *b, int blen)
{
	const char *as = a;
	const char *bs = b;
	int			aall = alen;
	int			ball = blen;
	bool		aneg = a[0] == '-';
	bool		bneg = b[0] == '-';
	int			cmp;

	if (aneg)
		a++, alen--;
	if (bneg)
		b++, blen--;
	while (alen > 0 && *a == '0')
		a++, alen--;
	while (blen > 0 && *b == '0')
		b++, blen--;
	aneg = aneg && alen > 0;	/* -0 is 0 */
	bneg = bneg && blen > 0;
	if (aneg != bneg)
		return aneg ? -1 : 1;
	if (alen != blen)
		cmp = alen < blen ? -1 : 1;
	else
		cmp = memcmp(a, b, (size_t) Max(alen, 0));
	if (cmp != 0)
		return aneg ? -cmp : cmp;
	return compare_bytes(as, aall, bs, ball);	/* "1" and "01" */
}

static int
compare_by_number(const void *a, const void *b, void *arg)
{
	const Dictionary *dict = arg;
	int			alen;
	int			blen;
	const char *as = dictionary_get(dict, ((const SortName *) a)->code, &alen);
	const char *bs = dictionary_get(dict, ((const SortName *) b)->code, &blen);

	return compare_integers(as, alen, bs, blen);
}

static uint64
name_prefix(const char *s, int len)
{
	char		first[8] = {0};
	uint64		prefix;

	memcpy(first, s, Min(len, 8));
	memcpy(&prefix, first, 8);
	return pg_ntoh64(prefix);
}

/* The codes in canonical order, allocated in the current context. */
uint32 *
dictionary_order(const Dictionary *dict, NameOrder order)
{
	SortName   *keys = nl_alloc(CurrentMemoryContext,
								mul_size(Max(dict->n, 1), sizeof(SortName)));
	uint32	   *codes = nl_alloc(CurrentMemoryContext,
								 mul_size(Max(dict->n, 1), sizeof(uint32)));
	bool		numbers = (order == ORDER_LABELS);

	for (uint32 i = 0; i < dict->n; i++)
	{
		int			len;
		const char *s = dictionary_get(dict, i, &len);

		CHECK_FOR_INTERRUPTS();
		keys[i].prefix = name_prefix(s, len);
		keys[i].code = i;
		numbers = numbers && is_integer(s, len);
	}
	qsort_arg(keys, dict->n, sizeof(SortName),
			  numbers ? compare_by_number : compare_by_bytes, (void *) dict);
	for (uint32 i = 0; i < dict->n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		codes[i] = keys[i].code;
	}
	pfree(keys);
	return codes;
}

/* The inverse of an order: the place of each code. */
uint32 *
dictionary_rank(const uint32 *order, uint32 n)
{
	uint32	   *rank = nl_alloc(CurrentMemoryContext,
								mul_size(Max(n, 1), sizeof(uint32)));

	for (uint32 i = 0; i < n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		rank[order[i]] = i;
	}
	return rank;
}

/* Write the names in the given order, as the two arrays of a Names. */
void
dictionary_write(const Dictionary *dict, const uint32 *order,
				 uint32 *ends, char *bytes)
{
	uint32		end = 0;

	for (uint32 i = 0; i < dict->n; i++)
	{
		int			len;
		const char *s = dictionary_get(dict, order[i], &len);

		CHECK_FOR_INTERRUPTS();
		memcpy(bytes + end, s, len);
		end += len;
		ends[i] = end;
	}
}

/*
 * The same as a palloc'd Names.  It becomes part of a stored value, so it must
 * fit into one, and so the offsets cannot overflow.
 */
Names
dictionary_names(const Dictionary *dict, const uint32 *order)
{
	uint32	   *ends = nl_alloc(CurrentMemoryContext,
								mul_size(Max(dict->n, 1), sizeof(uint32)));
	char	   *bytes;

	if (!AllocSizeIsValid(dictionary_bytes(dict)))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the names of all %ss take %zu bytes, more than the largest value PostgreSQL stores",
						dict->kind, dictionary_bytes(dict))));
	bytes = palloc(Max(dictionary_bytes(dict), 1));
	dictionary_write(dict, order, ends, bytes);
	return (Names) {dict->n, ends, bytes};
}

/*
 * Binary exchange: the number of names, then each with its length.  The names
 * may come in any order (the sender's encoding may order them differently),
 * but must be distinct.  "encoding" is what travels: the client's for binary
 * COPY, UTF-8 where the bytes are wrapped in base64.
 */
void
names_send(StringInfo buf, const Names *names, int encoding)
{
	pq_sendint32(buf, names->n);
	for (uint32 i = 0; i < names->n; i++)
	{
		int			len;
		const char *s = names_get(names, i, &len);
		char	   *converted = pg_server_to_any(s, len, encoding);

		CHECK_FOR_INTERRUPTS();
		if (converted != s)
			len = strlen(converted);
		pq_sendint32(buf, len);
		pq_sendbytes(buf, converted, len);
		if (converted != s)
			pfree(converted);
	}
}

static void
bad_names(const Dictionary *dict, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid binary value: %s in the list of %ss",
					what, dict->kind)));
}

/* The dictionary must be empty; name i gets code i. */
void
dictionary_recv(Dictionary *dict, StringInfo buf, int encoding)
{
	uint32		n = pq_getmsgint(buf, 4);

	Assert(dict->n == 0);
	if (n > (uint32) (buf->len - buf->cursor) / 4 || n > dict->max)
		bad_names(dict, "impossible count");
	for (uint32 i = 0; i < n; i++)
	{
		uint32		len = pq_getmsgint(buf, 4);
		const char *s;
		char	   *converted;

		CHECK_FOR_INTERRUPTS();
		if (len > (uint32) (buf->len - buf->cursor))
			bad_names(dict, "impossible length");
		s = pq_getmsgbytes(buf, len);
		if (memchr(s, '\0', len) != NULL)
			bad_names(dict, "zero byte");
		converted = pg_any_to_server(s, len, encoding);
		if (dictionary_add(dict, converted,
						   converted == s ? (int) len : (int) strlen(converted)) != i)
			bad_names(dict, "repeated name");
		if (converted != s)
			pfree(converted);
	}
}

text *
names_text(const Names *names, uint32 i)
{
	int			len;
	const char *s = names_get(names, i, &len);

	return cstring_to_text_with_len(s, len);
}

char *
names_cstring(const Names *names, uint32 i)
{
	int			len;
	const char *s = names_get(names, i, &len);

	return pnstrdup(s, len);
}

/*
 * Place of a name, or -1.  A plain search: only short lists (labels) are
 * searched so; see apply_model.c for annotators.
 */
int
names_find(const Names *names, const char *s, int len)
{
	for (uint32 i = 0; i < names->n; i++)
	{
		int			ilen;
		const char *is = names_get(names, i, &ilen);

		if (ilen == len && memcmp(is, s, len) == 0)
			return i;
	}
	return -1;
}

/* The names as a text[] datum. */
Datum
names_array(const Names *names)
{
	Datum	   *elements = palloc(Max(names->n, 1) * sizeof(Datum));

	for (uint32 i = 0; i < names->n; i++)
		elements[i] = PointerGetDatum(names_text(names, i));
	return PointerGetDatum(construct_array(elements, names->n, TEXTOID,
										   -1, false, TYPALIGN_INT));
}

/* Add the elements of a text[], which must be distinct and not NULL. */
void
dictionary_add_array(Dictionary *dict, ArrayType *array)
{
	Datum	   *values;
	int			n;

	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the array of %ss must not contain NULL", dict->kind)));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, NULL, &n);
	for (int i = 0; i < n; i++)
	{
		text	   *name = DatumGetTextPP(values[i]);

		if (dictionary_add_text(dict, name) != (uint32) i)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s \"%s\" occurs twice", dict->kind,
							text_to_cstring(name))));
	}
}
