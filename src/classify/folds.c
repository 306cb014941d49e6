/*
 * folds.c
 *		Deals rows to folds: nothing that belongs together is parted, and
 *		labels are spread evenly.
 *
 * Phases
 *
 *	1. Units.  Rows of one group belong together, and so do rows with equal
 *	   features, whatever their groups: a copy in the training rows would tell
 *	   the model what it is asked.  Units are the connected parts of both
 *	   relations.  Where features are categories they take few values, equal
 *	   ones are no sign of a common origin, and a model that never saw them has
 *	   nothing to say of them; then (ten rows or more for each vector, unless the
 *	   caller knows better) only groups count.  They alone count as well where
 *	   both relations tie too much together (a unit with more than half of the
 *	   rows, or fewer units than folds, while groups alone do better), but then
 *	   rows without a group still go by their features.
 *	2. Each unit gets a key: the smallest hash of its groups, or of its
 *	   features where it has no group.  Hashes depend on the seed.
 *	3. Units are dealt, those with more rows first, equal ones by key, each to
 *	   the fold that has the smallest share so far of the unit's labels (the
 *	   sum over its rows of the share of the row's label), then the fewest
 *	   rows, then the lowest number.  So rows that are units of their own, with
 *	   equal features and labels, which follow each other, are dealt in turn.
 *
 * Two groups whose 64-bit hashes collide are one unit, which does no harm.
 * Memory: 4 bytes a row, 20 while groups are united, and 16 a unit, freed at
 * the end.
 * Interrupts: as rows pass, every row that is dealt, and in the sorts.
 */
#include "classify/folds.h"

#include "math/disjoint_sets.h"

const char *const duplicates_names[] = {
	[DUPLICATES_AUTO] = "auto",
	[DUPLICATES_TOGETHER] = "together",
	[DUPLICATES_SPLIT] = "split",
	NULL
};

/*
 * Rows with equal features are neighbours in canonical order.  Those that differ
 * in their groups, or have none, are twins.
 */
static void
count_equal(const TrainingSet *set, const RowKey *keys, const uint64 *group,
			Folds *result)
{
	uint32		first = 0;		/* of its features */
	bool		differ = false;

	for (uint32 i = 1; i <= set->x.n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (i < set->x.n && keys[i].hash == keys[first].hash)
		{
			differ = differ || group == NULL || group[keys[i].row] == 0 ||
				group[keys[i].row] != group[keys[first].row];
			continue;
		}
		result->vectors++;
		if (differ)
			result->twins += i - first;
		first = i;
		differ = false;
	}
}

static void
unite_groups(const RowKey *keys, uint32 n, const uint64 *group, uint32 *parent)
{
	RowKey	   *places = nl_alloc(CurrentMemoryContext, mul_size(n, sizeof(RowKey)));
	uint32		grouped = 0;

	for (uint32 i = 0; i < n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (group[keys[i].row] != 0)
			places[grouped++] = (RowKey) {.hash = group[keys[i].row],.row = i};
	}
	row_keys_sort(places, grouped);
	for (uint32 i = 1; i < grouped; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (places[i].hash == places[i - 1].hash)
			sets_unite(parent, places[i - 1].row, places[i].row);
	}
	pfree(places);
}

/* Which rows with equal features belong together for that alone */
typedef enum Equal
{
	EQUAL_ALL,
	EQUAL_WITHOUT_GROUP,
	EQUAL_NONE
} Equal;

/* Places in canonical order are neighbours where features are equal. */
static void
unite_equal(const TrainingSet *set, const RowKey *keys, const uint64 *group,
			Equal equal, uint32 *parent)
{
	uint32		last = 0;		/* with the features of place i - 1 */

	if (equal == EQUAL_NONE)
		return;
	for (uint32 i = 1; i < set->x.n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (keys[i].hash != keys[i - 1].hash)
			last = i;
		else if (equal == EQUAL_ALL)
			sets_unite(parent, i - 1, i);
		else if (group[keys[i].row] == 0)
		{
			if (group[keys[last].row] == 0)
				sets_unite(parent, last, i);
			last = i;
		}
	}
}

#define NO_ROW PG_UINT32_MAX

/* "row" is the lowest place; the unit's rows are linked. */
typedef RowKey Unit;

typedef struct Units
{
	uint32		n;
	uint32		largest;
	Unit	   *units;
	uint32	   *next;			/* of a place, or NO_ROW */
} Units;

/* The key of a unit that gets another row. */
static uint64
add_key(const Unit *unit, uint64 group, uint64 content)
{
	uint64		key = group != 0 ? group : content;

	if (unit->rows == 0 || (group != 0 && !unit->grouped))
		return key;
	if (group == 0 && unit->grouped)
		return unit->hash;
	return Min(unit->hash, key);
}

static Units
find_units(const TrainingSet *set, const RowKey *keys, const uint64 *group,
		   Equal equal)
{
	MemoryContext context = CurrentMemoryContext;
	uint32		n = set->x.n;
	uint32	   *parent = sets_begin(n);	/* of places in canonical order */
	uint32	   *unit = parent;
	Units		u = {0};

	unite_equal(set, keys, group, equal, parent);
	if (group != NULL)
		unite_groups(keys, n, group, parent);
	/* parents are lower, so each has its unit's number in its place by then */
	for (uint32 i = 0; i < n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		unit[i] = parent[i] == i ? u.n++ : unit[parent[i]];
	}
	u.units = nl_alloc_zero(context, mul_size(u.n, sizeof(Unit)));
	u.next = unit;				/* of a place that has been counted */
	for (uint32 i = n; i-- > 0;)
	{
		Unit	   *at = &u.units[unit[i]];
		uint64		own = group != NULL ? group[keys[i].row] : 0;

		NL_CHECK_INTERRUPTS(i);
		u.next[i] = at->rows == 0 ? NO_ROW : at->row;
		at->row = i;
		at->hash = add_key(at, own, keys[i].hash);
		at->grouped = at->grouped || own != 0;
		at->rows++;
		u.largest = Max(u.largest, at->rows);
	}
	return u;
}

static void
free_units(Units *u)
{
	pfree(u->units);
	pfree(u->next);
}

/* Groups, and equal features as the caller says or the rows suggest. */
static Units
choose_units(const TrainingSet *set, const RowKey *keys, const uint64 *group,
			 uint32 folds, Duplicates duplicates, Folds *result)
{
	Units		together;
	Units		apart;

	result->split = duplicates == DUPLICATES_SPLIT ||
		(duplicates == DUPLICATES_AUTO &&
		 folds_are_kinds(set->x.n, result->vectors));
	if (result->split)
		return find_units(set, keys, group, EQUAL_NONE);
	together = find_units(set, keys, group, EQUAL_ALL);
	if (group == NULL || duplicates == DUPLICATES_TOGETHER ||
		(together.largest <= set->x.n / 2 && together.n >= folds))
		return together;
	apart = find_units(set, keys, group, EQUAL_WITHOUT_GROUP);
	if (apart.n == together.n)
	{
		free_units(&apart);
		return together;
	}
	free_units(&together);
	result->kept_apart = true;
	return apart;
}

static int
compare_units(const void *x, const void *y)
{
	const Unit *a = x;
	const Unit *b = y;

	CHECK_FOR_INTERRUPTS();
	if (a->rows != b->rows)
		return a->rows > b->rows ? -1 : 1;
	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return a->row < b->row ? -1 : a->row > b->row;
}

/* Those with more rows first, equal ones by key. */
static void
order_units(Units *u, bool grouped)
{
	/* without groups they are in order of the features' hashes */
	if (grouped)
		row_keys_sort(u->units, u->n);
	/* finds that all is in order where units have one size, as most do */
	qsort(u->units, u->n, sizeof(Unit), compare_units);
}

/* What a row's answers, each by its share, are likeliest to have been given to. */
static uint32
likeliest_class(const TrainingSet *set, uint32 row)
{
	uint32		top = 0;
	double		most = -1;

	for (uint32 k = 0; k < set->labels->n; k++)
	{
		double		sum = 0;

		for (uint32 t = 0; t < target_count(set, row); t++)
			sum += target_share(set, row, t) * answer_rates(set, target_code(set, row, t))[k];
		if (sum > most)
		{
			most = sum;
			top = k;
		}
	}
	return top;
}

/* The label that a row counts for when labels are spread. */
static uint32
row_label(const TrainingSet *set, uint32 row)
{
	uint32		top;

	if (!has_target(set, row))
		return set->labels->n;
	if (set->rates != NULL)
		return likeliest_class(set, row);
	if (!set->soft)
		return set->label[row];
	top = target_begin(set, row);
	for (uint32 t = top + 1; t < set->target_end[row]; t++)
		if (set->target_p[t] > set->target_p[top])
			top = t;
	return set->target_label[top];
}

/* How many rows of each label, and in all, are in each fold so far. */
typedef struct Dealer
{
	uint32		folds;
	uint32		classes;		/* with one for rows without a label */
	double	   *total;			/* classes */
	double	   *count;			/* classes * folds */
	double	   *part;			/* the same, of the total */
	double	   *rows;			/* folds */
	double	   *share;			/* folds: of the unit being dealt */
} Dealer;

/* For each fold: its shares so far of a unit's labels, summed over its rows. */
static const double *
find_shares(Dealer *d, const TrainingSet *set, const RowKey *keys,
			const Units *u, const Unit *unit)
{
	if (unit->rows == 1)
		return d->part + (Size) row_label(set, keys[unit->row].row) * d->folds;
	memset(d->share, 0, d->folds * sizeof(double));
	for (uint32 i = unit->row; i != NO_ROW; i = u->next[i])
	{
		uint32		label = row_label(set, keys[i].row);

		CHECK_FOR_INTERRUPTS();	/* a unit may have many rows */
		for (uint32 f = 0; f < d->folds; f++)
			d->share[f] += d->part[(Size) label * d->folds + f];
	}
	return d->share;
}

static uint32
emptiest_fold(const Dealer *d, const double *share)
{
	uint32		best = 0;

	for (uint32 f = 1; f < d->folds; f++)
		if (share[f] < share[best] ||
			(share[f] == share[best] && d->rows[f] < d->rows[best]))
			best = f;
	return best;
}

/* The rows of a unit go to a fold. */
static void
deal_unit(Dealer *d, const TrainingSet *set, const RowKey *keys, const Units *u,
		  const Unit *unit, uint32 f, Folds *folds)
{
	for (uint32 i = unit->row; i != NO_ROW; i = u->next[i])
	{
		uint32		label = row_label(set, keys[i].row);
		Size		cell = (Size) label * d->folds + f;

		CHECK_FOR_INTERRUPTS();
		folds->fold[i] = f;
		d->count[cell]++;
		d->part[cell] = d->count[cell] / d->total[label];
	}
	d->rows[f] += unit->rows;
}

static void
deal(const TrainingSet *set, const RowKey *keys, const Units *u, Folds *folds)
{
	Dealer		d = {.folds = folds->n,.classes = set->labels->n + 1};
	Size		cells = (Size) d.classes * d.folds;

	d.total = palloc0(d.classes * sizeof(double));
	d.count = palloc0(cells * sizeof(double));
	d.part = palloc0(cells * sizeof(double));
	d.rows = palloc0(d.folds * sizeof(double));
	d.share = palloc(d.folds * sizeof(double));
	for (uint32 i = 0; i < set->x.n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		d.total[row_label(set, i)]++;
	}
	for (uint32 j = 0; j < u->n; j++)
	{
		const Unit *unit = &u->units[j];
		const double *share = find_shares(&d, set, keys, u, unit);

		deal_unit(&d, set, keys, u, unit, emptiest_fold(&d, share), folds);
	}
	pfree(d.total);
	pfree(d.count);
	pfree(d.part);
	pfree(d.rows);
	pfree(d.share);
}

Folds
folds_make(const TrainingSet *set, const RowKey *keys, const uint64 *group,
		   uint32 folds, Duplicates duplicates)
{
	Folds		result = {0};
	Units		u;

	if (set->x.n < 2)
		return result;
	count_equal(set, keys, group, &result);
	u = choose_units(set, keys, group, folds, duplicates, &result);
	result.n = Min(folds, u.n);
	if (result.n < 2)
		result.n = 0;
	else
	{
		order_units(&u, group != NULL);
		result.fold = nl_alloc(CurrentMemoryContext, set->x.n);
		deal(set, keys, &u, &result);
	}
	free_units(&u);
	return result;
}
