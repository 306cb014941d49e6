/*
 * proportions.c
 *		SQL functions that give intervals for proportions: one, the difference of
 *		two, and the share of positives behind an imperfect test.
 *
 * Of no trials nothing is known: the estimate is NULL, the interval 0 to 1.
 */
#include "noisylabel.h"

#include <math.h>

#include "math/beta_quantile.h"
#include "math/interval.h"
#include "pg/arguments.h"
#include "pg/results.h"

/* so many of so many */
typedef struct Trials
{
	double		successes;
	double		n;
} Trials;

static Trials
check_trials(double successes, double n, const char *what, const char *of)
{
	if (!(successes >= 0 && successes <= n && isfinite(n)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s %s of %s %s are no count", what, nl_number(successes),
						of, nl_number(n)),
				 errhint("Give finite numbers with 0 <= %s <= %s.", what, of)));
	return (Trials) {successes, n};
}

static Datum
return_interval(FunctionCallInfo fcinfo, double estimate, Bounds bounds)
{
	Datum		values[3] = {
		Float8GetDatum(estimate), Float8GetDatum(bounds.low), Float8GetDatum(bounds.high)
	};
	bool		nulls[3] = {isnan(estimate), false, false};

	PG_RETURN_DATUM(nl_record(fcinfo, values, nulls));
}

/* successes, n, level of a call */
static Trials
trials_arguments(FunctionCallInfo fcinfo, int level_at, double *level)
{
	*level = nl_check_level(PG_GETARG_FLOAT8(level_at));
	return check_trials(PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1), "successes", "n");
}

static double
share(Trials t)
{
	return t.n > 0 ? t.successes / t.n : NAN;
}

static Bounds
wilson(Trials t, double z)
{
	return t.n > 0 ? wilson_interval(t.successes, t.n, z) : (Bounds) {0, 1};
}

NL_FUNCTION(wilson_interval_sql);
Datum
wilson_interval_sql(PG_FUNCTION_ARGS)
{
	double		level;
	Trials		t = trials_arguments(fcinfo, 2, &level);

	return return_interval(fcinfo, share(t), wilson(t, normal_quantile_two_sided(level)));
}

/* Brown, Cai & DasGupta, Statistical Science 16, 2001, eq. 5: the middle of Wilson's */
NL_FUNCTION(agresti_coull_interval);
Datum
agresti_coull_interval(PG_FUNCTION_ARGS)
{
	double		level;
	Trials		t = trials_arguments(fcinfo, 2, &level);
	double		z = normal_quantile_two_sided(level);
	double		n = t.n + z * z;
	double		middle = (t.successes + z * z / 2) / n;
	double		half = z * sqrt(middle * (1 - middle) / n);

	return return_interval(fcinfo, share(t), (Bounds) {Max(middle - half, 0), Min(middle + half, 1)});
}

static void
check_beta(double a, double b)
{
	if (a + b > BETA_MAX_SUM)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s trials are too many for an exact interval", nl_number(a + b)),
				 errhint("Use wilson_interval(), which is as good as exact for so many.")));
}

NL_FUNCTION(clopper_pearson_interval);
Datum
clopper_pearson_interval(PG_FUNCTION_ARGS)
{
	double		level;
	Trials		t = trials_arguments(fcinfo, 2, &level);
	double		tail = (1 - level) / 2;

	check_beta(t.successes, t.n - t.successes + 1);
	return return_interval(fcinfo, share(t), (Bounds) {
		clopper_pearson_low(t.successes, t.n, tail), clopper_pearson_high(t.successes, t.n, tail)
	});
}

/* (successes, n, alpha, beta, level) */
NL_FUNCTION(beta_interval_sql);
Datum
beta_interval_sql(PG_FUNCTION_ARGS)
{
	double		level;
	Trials		t = trials_arguments(fcinfo, 4, &level);
	double		a = PG_GETARG_FLOAT8(2);
	double		b = PG_GETARG_FLOAT8(3);

	if (!(a > 0 && b > 0 && isfinite(a + b)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("alpha %s and beta %s are no Beta distribution", nl_number(a), nl_number(b)),
				 errhint("Both must be finite and above 0; 0.5 and 0.5 is Jeffreys' prior, 1 and 1 a uniform one.")));
	a += t.successes;
	b += t.n - t.successes;
	check_beta(a, b);
	return return_interval(fcinfo, a / (a + b), beta_interval(a, b, level));
}

/*
 * Two proportions: Newcombe, Statistics in Medicine 17, 1998, p. 873, method 10, of two
 * of Wilson's intervals.  The p-value is that of the score test, whose variance
 * is pooled.
 */
NL_FUNCTION(difference_interval);
Datum
difference_interval(PG_FUNCTION_ARGS)
{
	Trials		t1 = check_trials(PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1), "successes1", "n1");
	Trials		t2 = check_trials(PG_GETARG_FLOAT8(2), PG_GETARG_FLOAT8(3), "successes2", "n2");
	double		z = normal_quantile_two_sided(nl_check_level(PG_GETARG_FLOAT8(4)));
	double		difference = share(t1) - share(t2);
	double		pooled = (t1.successes + t2.successes) / (t1.n + t2.n);
	double		error = sqrt(pooled * (1 - pooled) * (1 / t1.n + 1 / t2.n));
	Bounds		b1 = wilson(t1, z);
	Bounds		b2 = wilson(t2, z);
	Datum		values[4];
	bool		nulls[4] = {false};

	nulls[0] = nulls[3] = isnan(difference);
	values[0] = Float8GetDatum(difference);
	values[1] = Float8GetDatum(-1);
	values[2] = Float8GetDatum(1);
	values[3] = Float8GetDatum(error > 0 ? erfc(fabs(difference) / error / M_SQRT2) : 1);
	if (!isnan(difference))
	{
		values[1] = Float8GetDatum(Max(-1, difference - hypot(share(t1) - b1.low, b2.high - share(t2))));
		values[2] = Float8GetDatum(Min(1, difference + hypot(b1.high - share(t1), share(t2) - b2.low)));
	}
	PG_RETURN_DATUM(nl_record(fcinfo, values, nulls));
}

/* p (1 - p) / n of trials to which half of "added" successes and failures were added */
static double
adjusted(Trials t, double added, double *p)
{
	double		n = t.n + added;

	*p = (t.successes + added / 2) / n;
	return *p * (1 - *p) / n;
}

/*
 * Rogan & Gladen, American Journal of Epidemiology 107, 1978, eq. 2; interval of
 * Lang & Reiczigel, Preventive Veterinary Medicine 113, 2014, sec. 2.2: of counts to which z^2 and 2 are
 * added, shifted for what that does.  It may lie outside of 0 .. 1.
 */
static Bounds
lang_reiczigel(Trials tested, Trials sick, Trials healthy, double z)
{
	double		p;
	double		se;
	double		sp;
	double		v = adjusted(tested, z * z, &p);
	double		v_se = adjusted(sick, 2, &se);
	double		v_sp = adjusted(healthy, 2, &sp);
	double		youden = se + sp - 1;
	double		prevalence = (p + sp - 1) / youden;
	double		shift = 2 * z * z * (prevalence * v_se - (1 - prevalence) * v_sp);
	double		half = z / youden * sqrt(v + prevalence * prevalence * v_se +
										 (1 - prevalence) * (1 - prevalence) * v_sp);

	if (youden <= 0)
		return (Bounds) {0, 1};
	return (Bounds) {prevalence + shift - half, prevalence + shift + half};
}

/*
 * With fewer positives than a share of 0 explains, or more than one of 1, that interval
 * leaves 0 .. 1, and what is left shrinks to a point, although such data tell no more
 * than those that are just explained.  So it is never narrower than theirs, as the
 * power-constrained limits of Cowan, Cranmer, Gross & Vitells, arXiv:1105.3166.
 * Of one or two checked items it may still leave the estimate out: then it spans what
 * Wilson's interval of the positives says with sensitivity and specificity as they are.
 */
static Bounds
prevalence_bounds(Trials tested, Trials sick, Trials healthy, double z)
{
	double		false_positives = 1 - share(healthy);
	double		youden = share(sick) - false_positives;
	Bounds		all = lang_reiczigel(tested, sick, healthy, z);
	Bounds		explained;
	double		estimate;

	estimate = (share(tested) - false_positives) / youden;
	if ((estimate < 0 && all.high <= 0) || (estimate > 1 && all.low >= 1))
		ereport(WARNING,
				(errmsg("a share of %.3f positives contradicts sensitivity %.3f and specificity %.3f: no true share explains it",
						share(tested), share(sick), share(healthy)),
				 errhint("Sensitivity and specificity must be measured on items like those of the sample.")));
	tested.successes = Min(Max(tested.successes, tested.n * false_positives), tested.n * share(sick));
	estimate = Min(Max(estimate, 0), 1);
	explained = lang_reiczigel(tested, sick, healthy, z);
	all.low = Max(Min(all.low, explained.low), 0);
	all.high = Min(Max(all.high, explained.high), 1);
	if (estimate <= all.low || estimate >= all.high)
	{
		Bounds		observed = wilson(tested, z);

		all.low = Max(Min(all.low, (observed.low - false_positives) / youden), 0);
		all.high = Min(Max(all.high, (observed.high - false_positives) / youden), 1);
	}
	return all;
}

/* (positives, n, true_positives, condition_positives, true_negatives, condition_negatives, level) */
NL_FUNCTION(true_prevalence);
Datum
true_prevalence(PG_FUNCTION_ARGS)
{
	Trials		tested = check_trials(PG_GETARG_INT64(0), PG_GETARG_INT64(1), "positives", "n");
	Trials		sick = check_trials(PG_GETARG_INT64(2), PG_GETARG_INT64(3),
									"true_positives", "condition_positives");
	Trials		healthy = check_trials(PG_GETARG_INT64(4), PG_GETARG_INT64(5),
									   "true_negatives", "condition_negatives");
	double		z = normal_quantile_two_sided(nl_check_level(PG_GETARG_FLOAT8(6)));
	double		youden = share(sick) + share(healthy) - 1;
	double		estimate = (share(tested) + share(healthy) - 1) / youden;

	if (sick.n > 0 && healthy.n > 0 && youden <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("sensitivity %.3f and specificity %.3f sum to 1 or less: positives say nothing about the true share",
						share(sick), share(healthy)),
				 errhint("Look whether the classes are exchanged; a test no better than chance cannot be corrected for.")));
	if (isnan(estimate))
		return return_interval(fcinfo, NAN, (Bounds) {0, 1});
	return return_interval(fcinfo, Min(Max(estimate, 0), 1),
						   prevalence_bounds(tested, sick, healthy, z));
}
