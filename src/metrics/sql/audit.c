/*
 * audit.c
 *		SQL functions that say how many items to check by hand, and what so many
 *		checked items show.
 */
#include "noisylabel.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "math/beta_quantile.h"
#include "math/hypergeometric.h"
#include "math/interval.h"
#include "pg/arguments.h"
#include "pg/results.h"
#include "utils/array.h"

#define MAX_SAMPLE 1000000000	/* that a plan may ask for */
#define MAX_SEARCH 4e6			/* for a plan: steps times the root of its items */
#define MAX_ITEMS (INT64CONST(1) << 53)	/* of all strata: doubles hold each number up to it */

/* A probability strictly between 0 and 1. */
static double
check_probability(double p, const char *what)
{
	if (!(p > 0 && p < 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s %s is out of range", what, nl_number(p)),
				 errhint("Give a number between 0 and 1.")));
	return p;
}

/* The population of argument "argno", or 0: it has no end. */
static int64
population_argument(FunctionCallInfo fcinfo, int argno, int64 least)
{
	int64		population;

	if (PG_ARGISNULL(argno))
		return 0;
	population = PG_GETARG_INT64(argno);
	if (population < Max(least, 1) || population > MAX_SAMPLE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("population " INT64_FORMAT " is out of range", population),
				 errhint("Give a number from " INT64_FORMAT " to %d, or NULL for one without end.",
						 Max(least, 1), MAX_SAMPLE)));
	return population;
}

/*
 * (expected, margin, level, population): Cochran, Sampling Techniques (1977), eq. 4.2 and 4.3
 */
NL_FUNCTION(audit_sample_size);
Datum
audit_sample_size(PG_FUNCTION_ARGS)
{
	double		expected;
	double		margin;
	double		z;
	double		n;
	int64		population;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	expected = check_probability(PG_GETARG_FLOAT8(0), "expected share");
	margin = check_probability(PG_GETARG_FLOAT8(1), "margin");
	z = normal_quantile_two_sided(nl_check_level(PG_GETARG_FLOAT8(2)));
	population = population_argument(fcinfo, 3, 1);
	n = z * z * expected * (1 - expected) / (margin * margin);
	if (population > 0)
		n /= 1 + (n - 1) / population;
	/* rounding must not ask for one more than a whole number */
	n = Max(ceil(n - 1e-9), 1);
	if (n > MAX_SAMPLE)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a margin of %s needs %s items", nl_number(margin), nl_number(n)),
				 errhint("Ask for a wider margin.")));
	PG_RETURN_INT64((int64) n);
}

/* P(X <= c) of n draws, each a defect with probability p */
static double
binomial_at_most(double c, double n, double p)
{
	return c >= n ? 1 : 1 - beta_cdf(c + 1, n - c, p);
}

/* The same from a population, or from one without end if that is 0. */
static double
at_most(int64 c, int64 n, int64 population, double p)
{
	if (population == 0)
		return binomial_at_most(c, n, p);
	return hypergeometric_at_most(c, n, population, (int64) rint(p * population));
}

/* The most defects with which so few errors are still as likely as "risk". */
static double
most_defects(int64 errors, int64 n, int64 population, double risk)
{
	int64		possible = errors;
	int64		impossible = population - (n - errors) + 1;

	while (impossible - possible > 1)
	{
		int64		middle = possible + (impossible - possible) / 2;

		if (hypergeometric_at_most(errors, n, population, middle) > risk)
			possible = middle;
		else
			impossible = middle;
	}
	return (double) possible / population;
}

/* (errors, n, level, population) */
NL_FUNCTION(audit_upper_bound);
Datum
audit_upper_bound(PG_FUNCTION_ARGS)
{
	int64		errors;
	int64		n;
	double		level;
	int64		population;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	errors = PG_GETARG_INT64(0);
	n = PG_GETARG_INT64(1);
	level = nl_check_level(PG_GETARG_FLOAT8(2));
	if (errors < 0 || errors > n || n > MAX_SAMPLE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("errors " INT64_FORMAT " of n " INT64_FORMAT " are no count", errors, n),
				 errhint("Give 0 <= errors <= n <= %d.", MAX_SAMPLE)));
	population = population_argument(fcinfo, 3, n);
	if (errors == n)
		PG_RETURN_FLOAT8(1);
	if (population > 0)
		PG_RETURN_FLOAT8(most_defects(errors, n, population, 1 - level));
	PG_RETURN_FLOAT8(clopper_pearson_high(errors, n, 1 - level));
}

/*
 * Acceptance sampling: check n items, accept if at most c are wrong.
 */
typedef struct PlanRequest
{
	double		acceptable;
	double		rejectable;
	double		producer_risk;	/* of rejecting what is acceptable */
	double		consumer_risk;	/* of accepting what is not */
	int64		population;
} PlanRequest;

/*
 * The fewest items, more than too_few, of which c errors are too few for the rejectable
 * rate; -1: there is no such number.
 */
static int64
fewest_items(const PlanRequest *r, int64 c, int64 too_few)
{
	int64		most = r->population > 0 ? r->population : MAX_SAMPLE;
	int64		enough;

	for (int64 step = 1;; step *= 2)
	{
		CHECK_FOR_INTERRUPTS();
		if (too_few >= most)
			return -1;
		enough = Min(too_few + step, most);
		if (at_most(c, enough, r->population, r->rejectable) <= r->consumer_risk)
			break;
		too_few = enough;
	}
	while (enough - too_few > 1)
	{
		int64		middle = too_few + (enough - too_few) / 2;

		CHECK_FOR_INTERRUPTS();
		if (at_most(c, middle, r->population, r->rejectable) > r->consumer_risk)
			too_few = middle;
		else
			enough = middle;
	}
	return enough;
}

/* Whether with that many items, which keep the consumer's risk, the producer's is kept too. */
static bool
producer_is_safe(const PlanRequest *r, int64 n, int64 c)
{
	return at_most(c, n, r->population, r->acceptable) >= 1 - r->producer_risk;
}

/*
 * How many plans before one that fails may keep both risks: one more error that passes
 * makes up for (1 - acceptable / rejectable) / 2 errors by the normal approximation, and
 * having whole items only costs up to "acceptable".  Twice that, and some where few
 * errors make the approximation poor.
 */
static double
ragged_edge(const PlanRequest *r)
{
	return ceil(4 * r->acceptable * r->rejectable / (r->rejectable - r->acceptable)) + 20;
}

/*
 * Between a number of errors that is too small and one that is not, or that there are
 * not enough items for; *n are the items of the former.
 */
static void
bracket_errors(const PlanRequest *r, int64 *too_few, int64 *enough, int64 *n)
{
	*too_few = -1;
	*n = 0;
	*enough = -1;
	while (*enough < 0 || *enough - *too_few > 1)
	{
		bool		doubling = *enough < 0;
		int64		c = doubling ? 2 * *too_few + 2 : *too_few + (*enough - *too_few) / 2;
		int64		items = fewest_items(r, c, c);

		if (items < 0 || producer_is_safe(r, items, c))
			*enough = c;
		else
		{
			*too_few = c;
			*n = items;
		}
	}
}

/*
 * The fewest errors that may pass, and the items to check; false: there is no plan.  The
 * more may pass, the smaller is the producer's risk, but for a ragged edge of plans that
 * are looked at one by one.
 */
static bool
find_plan(const PlanRequest *r, int64 *n, int64 *c)
{
	double		edge = ragged_edge(r);
	int64		too_few;
	int64		enough;

	bracket_errors(r, &too_few, &enough, n);
	edge = Min(edge, too_few + 1);
	if (edge * sqrt(*n) > MAX_SEARCH)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("rates %s and %s are too near to each other", nl_number(r->acceptable),
						nl_number(r->rejectable)),
				 errhint("Take rates that differ more, such as acceptance_plan(0.01, 0.05).")));
	*n = 0;
	for (*c = too_few + 1 - (int64) edge; *c <= enough; ++*c)
	{
		*n = fewest_items(r, *c, Max(*n, *c));
		if (*n < 0)
			return false;
		if (producer_is_safe(r, *n, *c))
			return true;
	}
	return false;
}

static void
check_plan(const PlanRequest *r)
{
	check_probability(r->acceptable, "acceptable rate");
	check_probability(r->rejectable, "rejectable rate");
	check_probability(r->producer_risk, "producer_risk");
	check_probability(r->consumer_risk, "consumer_risk");
	if (r->acceptable >= r->rejectable)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("acceptable rate %s is not below rejectable rate %s",
						nl_number(r->acceptable), nl_number(r->rejectable)),
				 errhint("Such as acceptance_plan(0.01, 0.05): 1 %% errors are fine, 5 %% are not.")));
}

/* (acceptable, rejectable, producer_risk, consumer_risk, population) */
NL_FUNCTION(acceptance_plan);
Datum
acceptance_plan(PG_FUNCTION_ARGS)
{
	PlanRequest r;
	int64		n;
	int64		c;
	Datum		values[2];
	bool		nulls[2] = {false};

	for (int i = 0; i < 4; i++)
		if (PG_ARGISNULL(i))
			PG_RETURN_NULL();
	r = (PlanRequest) {
		PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2), PG_GETARG_FLOAT8(3),
		population_argument(fcinfo, 4, 1)
	};
	check_plan(&r);
	if (find_plan(&r, &n, &c))
	{
		values[0] = Int64GetDatum(n);
		values[1] = Int64GetDatum(c);
		PG_RETURN_DATUM(nl_record(fcinfo, values, nulls));
	}
	/* in a finite population all can be checked */
	values[0] = Int64GetDatum(r.population);
	values[1] = Int64GetDatum((int64) rint(r.rejectable * r.population) - 1);
	if (r.population == 0 || DatumGetInt64(values[1]) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("no plan of up to %d items keeps both risks",
						r.population > 0 ? (int) r.population : MAX_SAMPLE),
				 errhint("Take rates that differ more, or larger risks.")));
	PG_RETURN_DATUM(nl_record(fcinfo, values, nulls));
}

/*
 * Allocation of a sample to strata.
 */
typedef struct Stratum
{
	int64		size;
	double		want;			/* what it gets in proportion to */
	double		share;
	double		rest;			/* of its share, that rounding took, in units of NL_TIE_TOLERANCE */
	int64		given;
} Stratum;

/* An array of one dimension without NULLs. */
static Datum *
array_elements(ArrayType *array, Oid type, bool by_value, int *n, const char *what)
{
	Datum	   *elements;
	bool	   *nulls;

	deconstruct_array(array, type, 8, by_value, TYPALIGN_DOUBLE, &elements, &nulls, n);
	for (int i = 0; i < *n; i++)
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s must not be NULL, but element %d is", what, i + 1)));
	return elements;
}

static Stratum *
read_strata(FunctionCallInfo fcinfo, bool neyman, int *n)
{
	int			n_rates;
	Datum	   *sizes = array_elements(PG_GETARG_ARRAYTYPE_P(0), INT8OID, FLOAT8PASSBYVAL, n, "sizes");
	Datum	   *rates = array_elements(PG_GETARG_ARRAYTYPE_P(1), FLOAT8OID, FLOAT8PASSBYVAL, &n_rates, "rates");
	Stratum    *strata = palloc0(Max(*n, 1) * sizeof(Stratum));

	if (*n != n_rates)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("there are %d sizes and %d rates", *n, n_rates),
				 errhint("Give the expected error rate of each stratum.")));
	for (int i = 0; i < *n; i++)
	{
		double		rate = DatumGetFloat8(rates[i]);

		strata[i].size = DatumGetInt64(sizes[i]);
		if (strata[i].size < 0 || !(rate >= 0 && rate <= 1))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("stratum %d has size " INT64_FORMAT " and rate %s", i + 1,
							strata[i].size, nl_number(rate)),
					 errhint("Sizes are 0 or more, rates between 0 and 1.")));
		strata[i].want = strata[i].size * (neyman ? sqrt(rate * (1 - rate)) : 1);
	}
	return strata;
}

/* Those whose share reaches their size first; last who want nothing. */
static int
by_filling(const void *a, const void *b)
{
	const Stratum *x = *(Stratum *const *) a;
	const Stratum *y = *(Stratum *const *) b;
	double		fill_x = x->want > 0 ? x->size / x->want : INFINITY;
	double		fill_y = y->want > 0 ? y->size / y->want : INFINITY;

	CHECK_FOR_INTERRUPTS();
	if (fill_x != fill_y)
		return fill_x < fill_y ? -1 : 1;
	return x < y ? -1 : x > y;
}

/*
 * Share "total" in proportion to what they want among those that have room; all who
 * would get more than their size are filled, and the others share the rest, which is
 * more for each.
 * Returns what is left where nobody wants more.
 */
static double
share_out(Stratum **strata, int n, double total)
{
	double	   *want = nl_alloc(CurrentMemoryContext, mul_size((Size) n + 1, sizeof(double)));
	int			filled = 0;

	qsort(strata, n, sizeof(Stratum *), by_filling);
	/* of each and those after it */
	want[n] = 0;
	for (int i = n - 1; i >= 0; i--)
		want[i] = want[i + 1] + strata[i]->want;
	for (; want[filled] > 0 && strata[filled]->want / want[filled] * total >= strata[filled]->size; filled++)
	{
		strata[filled]->share = strata[filled]->size;
		total -= strata[filled]->size;
	}
	if (want[filled] == 0)
		return total;
	for (int i = filled; i < n; i++)
		strata[i]->share = strata[i]->want / want[filled] * total;
	return 0;
}

/* Where all that want more are filled, the rest goes by the room that there is. */
static void
share_rest(Stratum *strata, int n, double rest)
{
	double		room = 0;

	for (int i = 0; i < n; i++)
		room += strata[i].size - strata[i].share;
	for (int i = 0; i < n && rest > 0; i++)
		strata[i].share += rest * (strata[i].size - strata[i].share) / room;
}

/* The largest remainders, the first of equals. */
static int
by_rest(const void *a, const void *b)
{
	const Stratum *x = *(Stratum *const *) a;
	const Stratum *y = *(Stratum *const *) b;

	CHECK_FOR_INTERRUPTS();
	if (x->rest != y->rest)
		return x->rest > y->rest ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* To whole numbers with the same sum: the largest remainders are rounded up. */
static void
round_shares(Stratum **strata, int n, int64 total)
{
	bool		room = true;

	for (int i = 0; i < n; i++)
	{
		strata[i]->given = (int64) floor(strata[i]->share + NL_TIE_TOLERANCE);
		strata[i]->rest = rint((strata[i]->share - strata[i]->given) / NL_TIE_TOLERANCE);
		total -= strata[i]->given;
	}
	qsort(strata, n, sizeof(Stratum *), by_rest);
	while (total > 0 && room)
	{
		room = false;
		for (int i = 0; i < n && total > 0; i++)
			if (strata[i]->given < strata[i]->size)
			{
				strata[i]->given++;
				total--;
				room = true;
			}
	}
}

/* (sizes, rates, total, rule): Cochran (1977), eq. 5.8 and 5.60 */
NL_FUNCTION(audit_allocation);
Datum
audit_allocation(PG_FUNCTION_ARGS)
{
	char	   *rule = text_to_cstring(PG_GETARG_TEXT_PP(3));
	bool		neyman = strcmp(rule, "neyman") == 0;
	int64		total = PG_GETARG_INT64(2);
	int64		all = 0;
	int			n;
	Stratum    *strata;
	Stratum   **sorted;
	Datum	   *result;

	if (!neyman && strcmp(rule, "proportional") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rule \"%s\" is not known", rule),
				 errhint("Rules are \"proportional\" and \"neyman\".")));
	strata = read_strata(fcinfo, neyman, &n);
	for (int i = 0; i < n; i++)
		if (strata[i].size > MAX_ITEMS - all)
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("the sizes of the strata sum to more than " INT64_FORMAT, MAX_ITEMS),
					 errhint("Sizes are numbers of items.")));
		else
			all += strata[i].size;
	if (total < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("total " INT64_FORMAT " is negative", total)));
	sorted = palloc(Max(n, 1) * sizeof(Stratum *));
	result = palloc(Max(n, 1) * sizeof(Datum));
	for (int i = 0; i < n; i++)
		sorted[i] = &strata[i];
	share_rest(strata, n, share_out(sorted, n, Min(total, all)));
	round_shares(sorted, n, Min(total, all));
	for (int i = 0; i < n; i++)
		result[i] = Int64GetDatum(strata[i].given);
	PG_RETURN_POINTER(construct_array(result, n, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
