/*
 * confusion_aggregate.c
 *		From rows to a confusion_matrix: the transition functions behind
 *		annotator_confusion() and f1_report(), and the union of matrices behind
 *		sum(confusion_matrix), the operator + and all parallel plans.
 *
 * The state is the type confusion_matrix itself, as an expanded object in the
 * aggregate's context.  What a transition function gets as state may be that
 * object, a flat value (the first state that a combine step copied), or NULL.
 */
#include "confusion_matrix.h"
#include "label_distribution.h"
#include "spelling.h"

/* The state of argument 0, in a form that may be changed. */
static ExpandedConfusion *
get_state(FunctionCallInfo fcinfo)
{
	MemoryContext context = value_state_context(fcinfo);

	if (PG_ARGISNULL(0))
		return confusion_matrix_create(context);
	if (value_may_modify(fcinfo, PG_GETARG_DATUM(0)))
		return (ExpandedConfusion *) DatumGetEOHP(PG_GETARG_DATUM(0));
	return confusion_matrix_expand(PG_GETARG_DATUM(0), context);
}

#define RETURN_STATE(ec) PG_RETURN_DATUM(EOHPGetRWDatum(&(ec)->hdr))

/* A row with a NULL is no observation. */
static inline bool
any_null(FunctionCallInfo fcinfo)
{
	for (int i = 1; i < PG_NARGS(); i++)
		if (PG_ARGISNULL(i))
			return true;
	return false;
}

/* The weight is argument 3, where the function has one. */
static inline double
get_weight(FunctionCallInfo fcinfo)
{
	double		weight = 1;

	if (PG_NARGS() > 3)
	{
		weight = PG_GETARG_FLOAT8(3);
		nl_check_weight(weight);
	}
	return weight;
}

static void
add_row(ExpandedConfusion *ec, text *truth, text *label, double weight)
{
	uint32		i = confusion_matrix_label(ec, VARDATA_ANY(truth),
										   VARSIZE_ANY_EXHDR(truth));
	uint32		j = confusion_matrix_label(ec, VARDATA_ANY(label),
										   VARSIZE_ANY_EXHDR(label));

	confusion_matrix_add(ec, i, j, weight);
}

static Datum
accum(FunctionCallInfo fcinfo, ArgumentText get_text)
{
	ExpandedConfusion *ec;
	double		weight;

	if (any_null(fcinfo))
		VALUE_RETURN_STATE();
	weight = get_weight(fcinfo);
	ec = get_state(fcinfo);
	add_row(ec, get_text(fcinfo, 1), get_text(fcinfo, 2), weight);
	RETURN_STATE(ec);
}

/* (confusion_matrix, truth text, label text [, weight float8]) */
NL_FUNCTION(confusion_accum);
Datum
confusion_accum(PG_FUNCTION_ARGS)
{
	return accum(fcinfo, nl_text_argument);
}

/* (confusion_matrix, truth "any", label "any" [, weight float8]) */
NL_FUNCTION(confusion_accum_any);
Datum
confusion_accum_any(PG_FUNCTION_ARGS)
{
	return accum(fcinfo, nl_any_to_text);
}

/* Adds each true class's probability to its cell. */
static Datum
accum_expected(FunctionCallInfo fcinfo, ArgumentText get_text)
{
	ExpandedConfusion *ec;
	LabelDistribution *truth;
	Names		names;
	text	   *label;
	uint32		j;

	if (any_null(fcinfo))
		VALUE_RETURN_STATE();
	ec = get_state(fcinfo);
	truth = PG_GETARG_LABEL_DISTRIBUTION(1);
	names = label_distribution_labels(truth);
	label = get_text(fcinfo, 2);
	j = confusion_matrix_label(ec, VARDATA_ANY(label), VARSIZE_ANY_EXHDR(label));
	for (uint32 k = 0; k < truth->n; k++)
	{
		int			len;
		const char *s = names_get(&names, k, &len);

		confusion_matrix_add(ec, confusion_matrix_label(ec, s, len), j,
							 truth->p[k]);
	}
	RETURN_STATE(ec);
}

/* (confusion_matrix, truth label_distribution, label text) */
NL_FUNCTION(confusion_accum_expected);
Datum
confusion_accum_expected(PG_FUNCTION_ARGS)
{
	return accum_expected(fcinfo, nl_text_argument);
}

/* (confusion_matrix, truth label_distribution, label "any") */
NL_FUNCTION(confusion_accum_expected_any);
Datum
confusion_accum_expected_any(PG_FUNCTION_ARGS)
{
	return accum_expected(fcinfo, nl_any_to_text);
}

/*
 * (confusion_matrix, confusion_matrix): combine step, and the transition
 * function of sum(confusion_matrix).  Either side may be NULL.
 */
NL_FUNCTION(confusion_combine);
Datum
confusion_combine(PG_FUNCTION_ARGS)
{
	ExpandedConfusion *ec;

	if (PG_ARGISNULL(1))
		VALUE_RETURN_STATE();
	ec = get_state(fcinfo);
	confusion_matrix_merge(ec, PG_GETARG_DATUM(1));
	RETURN_STATE(ec);
}

/* The matrix as it is, after a look at how its labels are spelled. */
NL_FUNCTION(confusion_matrix_final);
Datum
confusion_matrix_final(PG_FUNCTION_ARGS)
{
	ConfusionMatrix *cm = PG_GETARG_CONFUSION_MATRIX(0);

	spelling_notice(fcinfo, cm);
	PG_RETURN_POINTER(cm);
}
