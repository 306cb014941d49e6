/*
 * interventions.c
 *		What to do with a doubtful label, given the evidence on its row: weigh it
 *		less, soften it, keep or drop it.
 */
#include "pg/arguments.h"
#include "types/label_distribution.h"

#include <math.h>

/* A label that the evidence does not have has probability 0. */
static double
probability_of(const LabelDistribution *evidence, int place)
{
	return place < 0 ? 0 : evidence->p[place];
}

static int
find_label(FunctionCallInfo fcinfo, const LabelDistribution *evidence)
{
	Names		labels = label_distribution_labels(evidence);

	return names_find(&labels, name_of_text(nl_name_argument(fcinfo, 0)));
}

static double
largest(const LabelDistribution *evidence)
{
	double		p = 0;

	for (uint32 k = 0; k < evidence->n; k++)
		p = Max(p, evidence->p[k]);
	return p;
}

/* A number from 0 to 1. */
static double
share_argument(double value, const char *name)
{
	if (value >= 0 && value <= 1)
		return value;
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("%s %s is out of range", name, nl_number(value)),
			 errhint("Give a number from 0 to 1.")));
}

/* (label, evidence) */
NL_FUNCTION(label_weight);
Datum
label_weight(PG_FUNCTION_ARGS)
{
	LabelDistribution *evidence = PG_GETARG_LABEL_DISTRIBUTION(1);

	PG_RETURN_FLOAT8(probability_of(evidence, find_label(fcinfo, evidence)) / largest(evidence));
}

/* (label, evidence [, threshold]) */
NL_FUNCTION(keep_label);
Datum
keep_label(PG_FUNCTION_ARGS)
{
	LabelDistribution *evidence = PG_GETARG_LABEL_DISTRIBUTION(1);
	double		p = probability_of(evidence, find_label(fcinfo, evidence));

	if (PG_NARGS() > 2)
		PG_RETURN_BOOL(p >= share_argument(PG_GETARG_FLOAT8(2), "threshold"));
	PG_RETURN_BOOL(p >= largest(evidence) - NL_TIE_TOLERANCE);
}

/* The labels of the evidence, and this one, in order; where they are in it. */
static Names
join_label(FunctionCallInfo fcinfo, const LabelDistribution *evidence, uint32 **order)
{
	Dictionary *dict = dictionary_create(CurrentMemoryContext, "label", NL_MAX_CLASSES);
	Names		labels = label_distribution_labels(evidence);

	(void) dictionary_add_names(dict, &labels);
	(void) dictionary_add(dict, name_of_text(nl_name_argument(fcinfo, 0)));
	*order = dictionary_order(dict, ORDER_LABELS);
	return dictionary_names(dict, *order);
}

/* (label, evidence [, trust]) */
NL_FUNCTION(soft_label);
Datum
soft_label(PG_FUNCTION_ARGS)
{
	LabelDistribution *evidence = PG_GETARG_LABEL_DISTRIBUTION(1);
	double		trust = PG_NARGS() > 2 ? share_argument(PG_GETARG_FLOAT8(2), "trust") : 0;
	int			place = find_label(fcinfo, evidence);
	uint32	   *order;
	Names		names;
	double	   *p;

	if (trust == 0)
		PG_RETURN_POINTER(evidence);
	names = join_label(fcinfo, evidence, &order);
	if (place < 0)
		place = evidence->n;
	p = palloc(names.n * sizeof(double));
	for (uint32 k = 0; k < names.n; k++)
		p[k] = (1 - trust) * (order[k] < evidence->n ? evidence->p[order[k]] : 0) +
			(order[k] == (uint32) place ? trust : 0);
	PG_RETURN_POINTER(label_distribution_make(&names, p));
}
