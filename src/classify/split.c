/*
 * split.c
 *		Which part of the data something belongs to.
 *
 * By a hash of its key, which depends on nothing else, so that new rows leave
 * others where they are.  Or, for groups with labels, evenly: groups in order of
 * size go where the labels that they have are scarcest, by the rule that Webster's method
 * shares out seats by: the split with the smallest (has + half of what comes) / (is to have),
 * summed over the group's rows.
 *
 * Memory: 12 bytes a row and 32 a group, and splits times labels.  Interrupts: in
 * loops over rows and groups.
 */
#include "classify/split.h"

#include <math.h>

#include "math/random.h"
#include "pg/arguments.h"
#include "types/fingerprint.h"
#include "utils/numeric.h"

#define SHARES_TOLERANCE 1e-6

static NL_NORETURN void
bad_shares(const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("shares of splits are not valid: %s", why),
			 errhint("Give a JSON object such as {\"train\": 0.8, \"validation\": 0.1, \"test\": 0.1}.")));
}

static double
read_share(const JsonbValue *value, NameView name)
{
	double		share = -1;

	if (value->type == jbvNumeric)
		share = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value->val.numeric)));
	if (!(share > 0 && share <= 1))
		bad_shares(psprintf("that of \"%.*s\" is no number above 0 and up to 1", name.len, name.s));
	return share;
}

static void
read_shares(Shares *shares)
{
	Dictionary *dict = dictionary_create(CurrentMemoryContext, "split", MAX_SPLITS);
	double		given[MAX_SPLITS];
	double		sum = 0;
	JsonbIterator *it = JsonbIteratorInit(&shares->json->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	uint32		code = 0;
	uint32	   *order;

	if (!JB_ROOT_IS_OBJECT(shares->json))
		bad_shares("they are no object");
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
		if (token == WJB_KEY)
			code = dictionary_add(dict, (NameView) {value.val.string.val, value.val.string.len});
		else if (token == WJB_VALUE)
			sum += given[code] = read_share(&value, dictionary_get(dict, code));
	if (!(fabs(sum - 1) <= SHARES_TOLERANCE))
		bad_shares(psprintf("they sum to %s, not 1", nl_number(sum)));
	order = dictionary_order(dict, ORDER_BYTES);
	shares->names = dictionary_names(dict, order);
	shares->share = palloc(dict->n * sizeof(double));
	for (uint32 i = 0; i < dict->n; i++)
		shares->share[i] = given[order[i]] / sum;
}

/* The shares, read again only if they are others than at the last call. */
const Shares *
shares_cached(FunctionCallInfo fcinfo, void **cache, Jsonb *jsonb)
{
	Shares	   *shares = *cache;
	MemoryContext old;

	if (shares != NULL && VARSIZE(shares->json) == VARSIZE(jsonb) &&
		memcmp(shares->json, jsonb, VARSIZE(jsonb)) == 0)
		return shares;
	old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	shares = palloc0(sizeof(Shares));
	shares->json = palloc(VARSIZE(jsonb));
	memcpy(shares->json, jsonb, VARSIZE(jsonb));
	read_shares(shares);
	MemoryContextSwitchTo(old);
	*cache = shares;
	return shares;
}

uint64
split_hash(const text *key, int seed)
{
	uint64		hash = fingerprint_add(0, (uint64) (int64) seed);

	return random_mix(fingerprint_bytes(hash, VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key)));
}

/* The split in whose share of 0 .. 1 the hash falls. */
uint32
split_by_hash(const Shares *shares, uint64 hash)
{
	double		u = (hash >> 11) * (1.0 / 9007199254740992.0);
	uint32		i;

	for (i = 0; i + 1 < shares->names.n && u >= shares->share[i]; i++)
		u -= shares->share[i];
	return i;
}

/*
 * Even splits of groups
 */
typedef struct Dealing
{
	const SplitRows *rows;
	const Shares *shares;
	uint32	   *start;			/* by group, and one beyond: where its rows begin */
	uint32	   *label;			/* of rows, by group */
	double	   *total;			/* by label */
	double	   *has;			/* splits * labels */
	double	   *coming;			/* by label: of the present group; else 0 */
} Dealing;

static void
sort_rows(Dealing *d)
{
	const SplitRows *rows = d->rows;

	for (uint32 i = 0; i < rows->n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		d->start[rows->group[i]]++;
		d->total[rows->label[i]]++;
	}
	for (uint32 g = 0, sum = 0; g <= rows->groups; g++)
	{
		NL_CHECK_INTERRUPTS(g);
		sum += d->start[g];
		d->start[g] = sum;
	}
	for (uint32 i = rows->n; i-- > 0;)
	{
		NL_CHECK_INTERRUPTS(i);
		d->label[--d->start[rows->group[i]]] = rows->label[i];
	}
}

typedef struct GroupOrder
{
	uint32		group;
	uint32		rows;
	uint64		hash;
} GroupOrder;

/* Large ones first, since small ones fill the gaps that they leave. */
static int
compare_groups(const void *a, const void *b)
{
	const GroupOrder *x = a;
	const GroupOrder *y = b;

	CHECK_FOR_INTERRUPTS();
	if (x->rows != y->rows)
		return x->rows > y->rows ? -1 : 1;
	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static GroupOrder *
order_groups(const Dealing *d)
{
	uint32		n = d->rows->groups;
	GroupOrder *order = nl_alloc(CurrentMemoryContext, mul_size(Max(n, 1), sizeof(GroupOrder)));

	for (uint32 g = 0; g < n; g++)
	{
		NL_CHECK_INTERRUPTS(g);
		order[g] = (GroupOrder) {g, d->start[g + 1] - d->start[g], d->rows->hash[g]};
	}
	qsort(order, n, sizeof(GroupOrder), compare_groups);
	return order;
}

/* How full a split would be of what the group has; sums a label once for each of its rows. */
static double
fullness(const Dealing *d, uint32 group, uint32 split)
{
	const double *has = d->has + (Size) split * d->rows->labels;
	double		sum = 0;

	for (uint32 i = d->start[group]; i < d->start[group + 1]; i++)
	{
		uint32		label = d->label[i];

		NL_CHECK_INTERRUPTS(i);
		sum += (has[label] + d->coming[label] / 2) / (d->shares->share[split] * d->total[label]);
	}
	return sum;
}

static uint32
emptiest_split(Dealing *d, uint32 group)
{
	uint32		best = 0;
	double		least = 0;

	for (uint32 i = d->start[group]; i < d->start[group + 1]; i++)
		d->coming[d->label[i]]++;
	for (uint32 s = 0; s < d->shares->names.n; s++)
	{
		double		full = fullness(d, group, s);

		if (s == 0 || full < least * (1 - NL_TIE_TOLERANCE))
		{
			best = s;
			least = full;
		}
	}
	for (uint32 i = d->start[group]; i < d->start[group + 1]; i++)
	{
		d->coming[d->label[i]] = 0;
		d->has[(Size) best * d->rows->labels + d->label[i]]++;
	}
	return best;
}

/* The split of each group. */
uint32 *
split_groups(const SplitRows *rows, const Shares *shares)
{
	MemoryContext context = CurrentMemoryContext;
	Size		labels = Max(rows->labels, 1);
	Dealing		d = {
		.rows = rows,
		.shares = shares,
		.start = nl_alloc_zero(context, mul_size(add_size(rows->groups, 1), sizeof(uint32))),
		.label = nl_alloc(context, mul_size(Max(rows->n, 1), sizeof(uint32))),
		.total = nl_alloc_zero(context, mul_size(labels, sizeof(double))),
		.has = nl_alloc_zero(context, mul_size(mul_size(labels, shares->names.n), sizeof(double))),
		.coming = nl_alloc_zero(context, mul_size(labels, sizeof(double)))
	};
	uint32	   *result = nl_alloc(context, mul_size(Max(rows->groups, 1), sizeof(uint32)));
	GroupOrder *order;

	sort_rows(&d);
	order = order_groups(&d);
	for (uint32 i = 0; i < rows->groups; i++)
	{
		CHECK_FOR_INTERRUPTS();
		result[order[i].group] = emptiest_split(&d, order[i].group);
	}
	return result;
}
