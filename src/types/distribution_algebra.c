/*
 * distribution_algebra.c
 *		SQL functions that make distributions of distributions: the aggregates
 *		avg() and product(), combine() and temper().
 */
#include "types/distribution_state.h"

#include "pg/arguments.h"

/*
 * The state of argument 0 in a form that may be changed: inside an aggregate the
 * state itself, which is never toasted there.
 */
static DistributionState *
get_state(FunctionCallInfo fcinfo)
{
	DistributionState *state = distribution_state_get(PG_GETARG_DATUM(0));

	return AggCheckCallContext(fcinfo, NULL) ? state : distribution_state_copy(state);
}

static Datum
accum(FunctionCallInfo fcinfo, DistributionRule rule)
{
	LabelDistribution *d;
	DistributionState *state;

	if (PG_ARGISNULL(1))
		VALUE_RETURN_STATE();
	d = PG_GETARG_LABEL_DISTRIBUTION(1);
	if (PG_ARGISNULL(0))
		PG_RETURN_POINTER(distribution_state_begin(rule, d));
	state = get_state(fcinfo);
	if (state->rule != rule)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the state is one of another aggregate")));
	PG_RETURN_POINTER(distribution_state_add(state, d));
}

/* (distribution_state, label_distribution) */
NL_FUNCTION(distribution_avg_accum);
Datum
distribution_avg_accum(PG_FUNCTION_ARGS)
{
	return accum(fcinfo, RULE_AVERAGE);
}

/* (distribution_state, label_distribution) */
NL_FUNCTION(distribution_product_accum);
Datum
distribution_product_accum(PG_FUNCTION_ARGS)
{
	return accum(fcinfo, RULE_PRODUCT);
}

/* (distribution_state, distribution_state): either side may be NULL */
NL_FUNCTION(distribution_state_combine);
Datum
distribution_state_combine(PG_FUNCTION_ARGS)
{
	DistributionState *other;

	if (PG_ARGISNULL(1))
		VALUE_RETURN_STATE();
	other = distribution_state_get(PG_GETARG_DATUM(1));
	if (PG_ARGISNULL(0))
		PG_RETURN_POINTER(other);
	PG_RETURN_POINTER(distribution_state_merge(get_state(fcinfo), other));
}

NL_FUNCTION(distribution_state_final);
Datum
distribution_state_final(PG_FUNCTION_ARGS)
{
	DistributionState *state = distribution_state_get(PG_GETARG_DATUM(0));

	PG_RETURN_POINTER(state->rule == RULE_AVERAGE ? distribution_state_average(state) :
					  distribution_state_product(state, NULL));
}

/* combine(a, b [, prior]): the product of two rows */
NL_FUNCTION(label_distribution_combine);
Datum
label_distribution_combine(PG_FUNCTION_ARGS)
{
	DistributionState *state =
		distribution_state_begin(RULE_PRODUCT, PG_GETARG_LABEL_DISTRIBUTION(0));
	LabelDistribution *prior = PG_NARGS() > 2 ? PG_GETARG_LABEL_DISTRIBUTION(2) : NULL;

	state = distribution_state_add(state, PG_GETARG_LABEL_DISTRIBUTION(1));
	PG_RETURN_POINTER(distribution_state_product(state, prior));
}

/*
 * temper(d, exponent): probabilities to a power.  They are taken relative to the
 * largest, so that no power overflows; 0 stays 0, to the power 0 as well, which is
 * the limit of small ones.
 */
NL_FUNCTION(label_distribution_temper);
Datum
label_distribution_temper(PG_FUNCTION_ARGS)
{
	LabelDistribution *d = PG_GETARG_LABEL_DISTRIBUTION(0);
	double		exponent = PG_GETARG_FLOAT8(1);
	Names		labels = label_distribution_labels(d);
	double		p[NL_MAX_CLASSES];
	double		largest = 0;
	double		sum = 0;

	if (!(isfinite(exponent) && exponent >= 0))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("exponent %s is out of range", nl_number(exponent)),
				 errhint("An exponent is finite and not negative: below 1 makes a distribution less sure, above 1 surer.")));
	if (exponent == 1)
		PG_RETURN_POINTER(d);
	for (uint32 i = 0; i < d->n; i++)
		largest = Max(largest, d->p[i]);
	for (uint32 i = 0; i < d->n; i++)
	{
		p[i] = d->p[i] > 0 ? exp(exponent * (log(d->p[i]) - log(largest))) : 0;
		sum += p[i];
	}
	for (uint32 i = 0; i < d->n; i++)
		p[i] /= sum;
	PG_RETURN_POINTER(label_distribution_make(&labels, p));
}
