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

#include "common/hashfn.h"
#include "port/pg_bswap.h"

typedef struct NameEntry
{
	uint32		code;
	uint32		hash;
	char		status;
} NameEntry;

static inline bool
same_code(const Dictionary *dict, uint32 a, uint32 b)
{
	return is_same_name(dictionary_get(dict, a), dictionary_get(dict, b));
}

static inline uint32
hash_name(const Dictionary *dict, uint32 code)
{
	NameView	name = dictionary_get(dict, code);

	return hash_bytes((const unsigned char *) name.s, name.len);
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
#define SH_EQUAL(tb, a, b) same_code((tb)->private_data, a, b)
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

/* A name as if it were new, so that it can be looked up as code n. */
static inline void
append_name(Dictionary *dict, NameView name)
{
	Size		start = dict->starts[dict->n];
	Size		end = start + name.len;

	if (unlikely(dict->n == dict->capacity))
		grow_names(dict);
	if (unlikely(end > dict->bytes_capacity))
		grow_bytes(dict, end);
	memcpy(dict->bytes + start, name.s, name.len);
	dict->starts[dict->n + 1] = end;
}

/* The code of a name, which is added if it is new. */
uint32
dictionary_add(Dictionary *dict, NameView name)
{
	uint32		hash = hash_bytes((const unsigned char *) name.s, name.len);
	NameEntry  *entry;
	bool		found;

	append_name(dict, name);

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
dictionary_find(Dictionary *dict, NameView name)
{
	NameEntry  *entry;

	append_name(dict, name);
	entry = nametable_lookup(dict->hash, dict->n);
	return entry == NULL ? -1 : (int64) entry->code;
}

static uint32 *
make_codes(uint32 n)
{
	return nl_alloc(CurrentMemoryContext, mul_size(Max(n, 1), sizeof(uint32)));
}

/* Add all names of a list; returns their codes. */
uint32 *
dictionary_add_names(Dictionary *dict, const Names *names)
{
	uint32	   *codes = make_codes(names->n);

	for (uint32 i = 0; i < names->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		codes[i] = dictionary_add(dict, names_get(names, i));
	}
	return codes;
}

/* The same of another dictionary. */
uint32 *
dictionary_add_all(Dictionary *dict, const Dictionary *other)
{
	uint32	   *codes = make_codes(other->n);

	for (uint32 i = 0; i < other->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		codes[i] = dictionary_add(dict, dictionary_get(other, i));
	}
	return codes;
}

/* Of the names of a list, whose codes are their places in it; in the current context. */
Dictionary *
dictionary_index(const Names *names, const char *kind)
{
	Dictionary *dict = dictionary_create(CurrentMemoryContext, kind, PG_UINT32_MAX - 1);

	pfree(dictionary_add_names(dict, names));
	return dict;
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
compare_bytes(NameView a, NameView b)
{
	int			cmp = memcmp(a.s, b.s, Min(a.len, b.len));

	return cmp != 0 ? cmp : (a.len > b.len) - (a.len < b.len);
}

static int
compare_by_bytes(const void *a, const void *b, void *arg)
{
	const SortName *x = a;
	const SortName *y = b;
	const Dictionary *dict = arg;

	CHECK_FOR_INTERRUPTS();
	if (x->prefix != y->prefix)
		return x->prefix < y->prefix ? -1 : 1;
	return compare_bytes(dictionary_get(dict, x->code), dictionary_get(dict, y->code));
}

static bool
is_integer(NameView name)
{
	int			i = (name.len > 0 && name.s[0] == '-') ? 1 : 0;

	if (i == name.len)
		return false;
	for (; i < name.len; i++)
		if (name.s[i] < '0' || name.s[i] > '9')
			return false;
	return true;
}

/* The digits of an integer without leading zeros; -0 is 0. */
static NameView
significant_digits(NameView number, bool *negative)
{
	*negative = number.s[0] == '-';
	if (*negative)
		number.s++, number.len--;
	while (number.len > 0 && *number.s == '0')
		number.s++, number.len--;
	*negative = *negative && number.len > 0;
	return number;
}

/* Integers of any length: sign, then number of digits, then digits. */
static int
compare_integers(NameView a, NameView b)
{
	bool		a_negative;
	bool		b_negative;
	NameView	x = significant_digits(a, &a_negative);
	NameView	y = significant_digits(b, &b_negative);
	int			cmp;

	if (a_negative != b_negative)
		return a_negative ? -1 : 1;
	cmp = x.len != y.len ? x.len - y.len : memcmp(x.s, y.s, x.len);
	if (cmp != 0)
		return a_negative ? -cmp : cmp;
	return compare_bytes(a, b); /* "1" and "01" */
}

static int
compare_by_number(const void *a, const void *b, void *arg)
{
	return compare_integers(dictionary_get(arg, ((const SortName *) a)->code),
							dictionary_get(arg, ((const SortName *) b)->code));
}

static uint64
name_prefix(NameView name)
{
	char		first[8] = {0};
	uint64		prefix;

	memcpy(first, name.s, Min(name.len, 8));
	memcpy(&prefix, first, 8);
	return pg_ntoh64(prefix);
}

/* The codes in canonical order, allocated in the current context. */
uint32 *
dictionary_order(const Dictionary *dict, NameOrder order)
{
	SortName   *keys = nl_alloc(CurrentMemoryContext,
								mul_size(Max(dict->n, 1), sizeof(SortName)));
	uint32	   *codes = make_codes(dict->n);
	bool		numbers = (order == ORDER_LABELS);

	for (uint32 i = 0; i < dict->n; i++)
	{
		NameView	name = dictionary_get(dict, i);

		CHECK_FOR_INTERRUPTS();
		keys[i].prefix = name_prefix(name);
		keys[i].code = i;
		numbers = numbers && is_integer(name);
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
	uint32	   *rank = make_codes(n);

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
		NameView	name = dictionary_get(dict, order[i]);

		CHECK_FOR_INTERRUPTS();
		memcpy(bytes + end, name.s, name.len);
		end += name.len;
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
	uint32	   *ends = make_codes(dict->n);
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

text *
names_text(const Names *names, uint32 i)
{
	NameView	name = names_get(names, i);

	return cstring_to_text_with_len(name.s, name.len);
}

char *
names_cstring(const Names *names, uint32 i)
{
	NameView	name = names_get(names, i);

	return pnstrdup(name.s, name.len);
}

/*
 * Place of a name, or -1.  A plain search: only short lists (labels) are
 * searched so; see apply_model.c for annotators.
 */
int
names_find(const Names *names, NameView name)
{
	for (uint32 i = 0; i < names->n; i++)
		if (is_same_name(names_get(names, i), name))
			return i;
	return -1;
}

static bool
same_names(const Names *a, const Names *b)
{
	return a->n == b->n && memcmp(a->ends, b->ends, a->n * sizeof(uint32)) == 0 &&
		memcmp(a->bytes, b->bytes, names_bytes(a)) == 0;
}

/* The place of a name, looked for from "start" on, or -1. */
static int
find_from(const Names *in, uint32 start, NameView name)
{
	CHECK_FOR_INTERRUPTS();
	for (uint32 tried = 0; tried < in->n; tried++)
	{
		uint32		i = start + tried < in->n ? start + tried : start + tried - in->n;

		if (is_same_name(names_get(in, i), name))
			return i;
	}
	return -1;
}

/* The places of names in another list; false if it lacks one. */
bool
names_find_all(const Names *in, const Names *names, uint32 *places)
{
	bool		same = same_names(in, names);
	uint32		next = 0;

	for (uint32 i = 0; i < names->n; i++)
	{
		int			place = same ? (int) i : find_from(in, next, names_get(names, i));

		if (place < 0)
			return false;
		places[i] = place;
		next = place + 1 < (int) in->n ? place + 1 : 0;
	}
	return true;
}
