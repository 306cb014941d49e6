/*
 * audit.c
 *		SQL functions that say how many items to check by hand, and what so many
 *		checked items show.
 */
#include "noisylabel.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "math/beta_quantile.h"
#include "math/interval.h"
#include "pg/arguments.h"
#include "pg/results.h"
#include "utils/array.h"

#define MAX_SAMPLE 1000000000	/* that a plan may ask for */
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

static double
log_choose(double n, double k)
{
	return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
}

/* P(X <= c) of n draws, without replacement, from N of which D are defects */
static double
hypergeometric_at_most(int64 c, int64 n, int64 N, int64 D)
{
	double		all = log_choose(N, n);
	double		sum = 0;

	for (int64 x = Max(0, n + D - N); x <= Min(c, Min(n, D)); x++)
	{
		NL_CHECK_INTERRUPTS(x);
		sum += exp(log_choose(D, x) + log_choose(N - D, n - x) - all);
	}
	return Min(sum, 1);
}

/* The same from a population, or from one without end if that is 0; p is D / N. */
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

/* The fewest items of which c errors are too few for the rejectable rate; -1: there is no such number. */
static int64
fewest_items(const PlanRequest *r, int64 c)
{
	int64		most = r->population > 0 ? r->population : MAX_SAMPLE;
	int64		too_few = c;
	int64		enough = c + 1;

	while (enough <= most && at_most(c, enough, r->population, r->rejectable) > r->consumer_risk)
	{
		CHECK_FOR_INTERRUPTS();
		too_few = enough;
		if (enough == most)
			return -1;
		enough = Min(2 * enough, most);
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
	return enough > most ? -1 : enough;
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
	for (int64 c = 0;; c++)
	{
		int64		n = fewest_items(&r, c);

		CHECK_FOR_INTERRUPTS();
		if (n < 0)
			break;
		if (at_most(c, n, r.population, r.acceptable) < 1 - r.producer_risk)
			continue;
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
	double		rest;			/* of its share, that rounding took */
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

/*
 * Share "total" in proportion to what they want among those that have room; all who
 * would get more than their size are filled, and the others share the rest, which is
 * more for each.
 * Returns what is left where nobody wants more.
 */
static double
share_out(Stratum *strata, int n, double total, double *share)
{
	bool		filled = true;

	memset(share, 0, n * sizeof(double));
	while (filled && total > 0)
	{
		double		want = 0;
		double		taken = 0;

		CHECK_FOR_INTERRUPTS();
		filled = false;
		for (int i = 0; i < n; i++)
			want += share[i] > 0 ? 0 : strata[i].want;
		if (want <= 0)
			return total;
		for (int i = 0; i < n; i++)
			if (share[i] == 0 && strata[i].want / want * total >= strata[i].size && strata[i].want > 0)
			{
				share[i] = strata[i].size;
				taken += strata[i].size;
				filled = true;
			}
		total -= taken;
		for (int i = 0; i < n && !filled; i++)
			if (share[i] == 0)
				share[i] = strata[i].want / want * total;
	}
	return 0;
}

/* Where all that want more are filled, the rest goes by the room that there is. */
static void
share_rest(const Stratum *strata, int n, double rest, double *share)
{
	double		room = 0;

	for (int i = 0; i < n; i++)
		room += strata[i].size - share[i];
	for (int i = 0; i < n && rest > 0; i++)
		share[i] += rest * (strata[i].size - share[i]) / room;
}

/* To whole numbers with the same sum: the largest remainders are rounded up, the first of equals. */
static void
round_shares(Stratum *strata, int n, const double *share, int64 total)
{
	for (int i = 0; i < n; i++)
	{
		strata[i].given = (int64) floor(share[i] + 1e-9);
		strata[i].rest = share[i] - strata[i].given;
		total -= strata[i].given;
	}
	while (total-- > 0)
	{
		int			best = -1;

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < n; i++)
			if (strata[i].given < strata[i].size &&
				(best < 0 || strata[i].rest > strata[best].rest + NL_TIE_TOLERANCE))
				best = i;
		if (best < 0)
			return;
		strata[best].given++;
		strata[best].rest -= 1;
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
	double	   *share;
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
	share = palloc(Max(n, 1) * sizeof(double));
	result = palloc(Max(n, 1) * sizeof(Datum));
	share_rest(strata, n, share_out(strata, n, Min(total, all), share), share);
	round_shares(strata, n, share, Min(total, all));
	for (int i = 0; i < n; i++)
		result[i] = Int64GetDatum(strata[i].given);
	PG_RETURN_POINTER(construct_array(result, n, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
