/*
 * agreement.c
 *		agreement(), as an aggregate over rows and as a function of an annotation_set.
 */
#include "crowd/agreement.h"
#include "crowd/sql/annotation_aggregate.h"

#include <math.h>

#include "pg/options.h"
#include "pg/results.h"

/* attributes of the composite, in order; sql/install/50_agreement.in agrees */
enum
{
	A_ITEMS, A_ANNOTATORS, A_ANNOTATIONS, A_PAIRABLE_ITEMS, A_PERCENT, A_PERCENT_LOW,
	A_PERCENT_HIGH, A_ALPHA, A_ALPHA_LOW, A_ALPHA_HIGH, A_FLEISS, A_FLEISS_LOW,
	A_FLEISS_HIGH, A_GWET, A_GWET_LOW, A_GWET_HIGH, A_BRENNAN_PREDIGER, A_CONGER, A_LEVEL,
	A_COLUMNS
};

/* With fewer items on which somebody disagrees, intervals are rough. */
#define FEW_ITEMS 10

static void
set_number(Datum *values, bool *nulls, int column, double value)
{
	nulls[column] = isnan(value);
	values[column] = nulls[column] ? (Datum) 0 : Float8GetDatum(value);
}

static Datum
make_record(FunctionCallInfo fcinfo, const AnnotationView *view, const AgreementResult *r,
			int level)
{
	Datum		values[A_COLUMNS];
	bool		nulls[A_COLUMNS] = {false};

	values[A_ITEMS] = Int64GetDatum(r->items);
	values[A_ANNOTATORS] = Int64GetDatum(r->annotators);
	values[A_ANNOTATIONS] = Int64GetDatum(view->annotations);
	values[A_PAIRABLE_ITEMS] = Int64GetDatum(r->pairable_items);
	for (int c = 0; c < COEFFICIENTS; c++)
	{
		int			column = A_PERCENT + 3 * c;

		set_number(values, nulls, column, r->value[c]);
		set_number(values, nulls, column + 1, r->bounds[c].low);
		set_number(values, nulls, column + 2, r->bounds[c].high);
	}
	set_number(values, nulls, A_BRENNAN_PREDIGER, r->brennan_prediger);
	set_number(values, nulls, A_CONGER, r->conger_kappa);
	values[A_LEVEL] = CStringGetTextDatum(agreement_levels[level]);
	return nl_record(fcinfo, values, nulls);
}

/* Coefficients that have a value and no interval. */
static bool
lacks_interval(const AgreementResult *r)
{
	for (int c = 0; c < COEFFICIENTS; c++)
		if (!isnan(r->value[c]) && isnan(r->bounds[c].low))
			return true;
	return false;
}

/* Why something is NULL, or rough. */
static void
say_why(const AgreementScale *scale, const AgreementResult *r)
{
	if (r->pairable_items == 0)
		ereport(NOTICE,
				(errmsg("no item has answers of two annotators, so agreement is NULL"),
				 errhint("Let annotators share some items.")));
	else if (r->categories < 2 || isnan(r->value[KRIPPENDORFF_ALPHA]))
		ereport(NOTICE,
				(errmsg("all answers are the same label, as chance alone would have them, so alpha and kappas are NULL"),
				 errhint("percent_agreement is defined. Option \"scale\" names labels that nobody used.")));
	else if (r->unlike_items == 0)
		ereport(WARNING,
				(errmsg("no item has unlike answers, so how sure coefficients of 1 are is not known, and their intervals are NULL"),
				 errhint("percent_low is the lower bound of the agreement of pairs.")));
	else if (r->unlike_items < FEW_ITEMS)
		ereport(WARNING,
				(errmsg("only %u of %u items have unlike answers: intervals are rough, or NULL",
						r->unlike_items, r->pairable_items),
				 errhint("Intervals hold what they promise from %d such items on.", FEW_ITEMS)));
	else if (r->effective_items < FEW_ITEMS)
		ereport(WARNING,
				(errmsg("intervals hang on few of %u items, as much as on %.1f alike, and are rough",
						r->pairable_items, r->effective_items),
				 errhint("Where nearly all answers are one label, what is known of chance comes from the rest: see gwet_ac, and ask for more items of rare labels.")));
	else if (lacks_interval(r))
		ereport(WARNING,
				(errmsg("items do not differ in how unlike their answers are, so how sure coefficients are is not known, and intervals are NULL"),
				 errhint("Answers that follow such a pattern are seldom independent: look how they came about.")));
	if (scale->by_name && r->categories > 1)
		agreement_order_notice();
}

/* Once for a call site: a query may have a million groups. */
static void
say_once(FunctionCallInfo fcinfo, const AgreementScale *scale, const AgreementResult *r)
{
	void	  **said = nl_call_cache(fcinfo);

	if (*said != NULL || (r->categories > 1 && r->unlike_items >= FEW_ITEMS &&
						  r->effective_items >= FEW_ITEMS && !scale->by_name && !lacks_interval(r)))
		return;
	*said = fcinfo->flinfo->fn_mcxt;
	say_why(scale, r);
}

static Datum
agree(FunctionCallInfo fcinfo, Datum set, const Jsonb *options_jsonb, bool in_set)
{
	MemoryContext phase = AllocSetContextCreate(CurrentMemoryContext, "agreement",
												ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(phase);
	AnnotationView view = annotation_set_view(set);
	AgreementOptions options =
	agreement_options_parse(in_set ? state_options_parse(view.options) : options_jsonb);
	AgreementScale scale = agreement_scale(&view, &options);
	AgreementResult result = agreement_of(&view, &scale, &options);
	Datum		record;

	say_once(fcinfo, &scale, &result);
	MemoryContextSwitchTo(old);
	record = make_record(fcinfo, &view, &result, options.level);
	MemoryContextDelete(phase);
	PG_RETURN_DATUM(record);
}

/* agreement(annotation_set, options) */
NL_FUNCTION(agreement_of_set);
Datum
agreement_of_set(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return agree(fcinfo, PG_GETARG_DATUM(0), options_argument(fcinfo), false);
}

/* Final function of the aggregates: options, if any, are in the state. */
NL_FUNCTION(agreement_final);
Datum
agreement_final(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	return agree(fcinfo, PG_GETARG_DATUM(0), NULL, true);
}

/* (annotation_set, item, annotator, label, options) */
NL_FUNCTION(agreement_accum);
Datum
agreement_accum(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) && annotation_set_is_row(fcinfo))
		(void) agreement_options_parse(options_argument(fcinfo));	/* bad ones fail before the work */
	return annotation_set_accum(fcinfo);
}
