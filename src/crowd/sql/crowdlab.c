/*
 * crowdlab.c
 *		The final function of the aggregate crowdlab(); its rows are collected by
 *		prediction_state.c.
 */
#include "crowd/crowdlab.h"

#include <math.h>

#include "access/htup_details.h"
#include "pg/arguments.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

static Datum
number(double value, bool *null)
{
	*null = isnan(value);
	return Float8GetDatum(*null ? 0 : value);
}

static Datum
item_row(const Crowdlab *c, uint32 item, const Names *labels, const Names *items,
		 double *posterior, TupleDesc tupdesc)
{
	Datum		values[6];
	bool		nulls[6] = {false};

	crowdlab_posterior(c, item, posterior);
	values[0] = PointerGetDatum(names_text(items, item));
	values[1] = PointerGetDatum(names_text(labels, c->consensus[item]));
	values[2] = Float8GetDatum(c->quality[item]);
	values[3] = Float8GetDatum(c->agreement[item]);
	values[4] = Int64GetDatum(c->start[item + 1] - c->start[item]);
	values[5] = PointerGetDatum(label_distribution_make(labels, posterior));
	return HeapTupleGetDatum(heap_form_tuple(tupdesc, values, nulls));
}

static Datum
annotator_row(const Crowdlab *c, uint32 j, const CrowdlabAnnotator *a, const Names *labels,
			  const Names *annotators, TupleDesc tupdesc)
{
	Datum		values[6];
	bool		nulls[6] = {false};

	values[0] = PointerGetDatum(names_text(annotators, j));
	values[1] = number(a->quality, &nulls[1]);
	values[2] = Float8GetDatum(a->agreement);
	values[3] = number(c->weight[j], &nulls[3]);
	values[4] = PointerGetDatum(names_text(labels, a->worst_label));
	values[5] = Int64GetDatum(a->annotations);
	return HeapTupleGetDatum(heap_form_tuple(tupdesc, values, nulls));
}

/* Rows of an array type of composites. */
static TupleDesc
element_type(Oid array_type)
{
	return BlessTupleDesc(lookup_rowtype_tupdesc_copy(get_element_type(array_type), -1));
}

static Datum
make_array(Datum *rows, uint32 n, Oid array_type)
{
	Oid			element = get_element_type(array_type);
	int16		length;
	bool		byval;
	char		align;

	get_typlenbyvalalign(element, &length, &byval, &align);
	return PointerGetDatum(construct_array(rows, n, element, length, byval, align));
}

static Datum
item_rows(const Crowdlab *c, const Names *labels, const Names *items, Oid array_type)
{
	Datum	   *rows = nl_alloc(CurrentMemoryContext, mul_size(c->items, sizeof(Datum)));
	double	   *posterior = palloc(c->classes * sizeof(double));
	TupleDesc	tupdesc = element_type(array_type);

	for (uint32 item = 0; item < c->items; item++)
	{
		CHECK_FOR_INTERRUPTS();
		rows[item] = item_row(c, item, labels, items, posterior, tupdesc);
	}
	return make_array(rows, c->items, array_type);
}

static Datum
annotator_rows(const Crowdlab *c, const Names *labels, const Names *annotators, Oid array_type)
{
	CrowdlabAnnotator *a = crowdlab_annotators(c);
	Datum	   *rows = nl_alloc(CurrentMemoryContext, mul_size(c->annotators, sizeof(Datum)));
	TupleDesc	tupdesc = element_type(array_type);

	for (uint32 j = 0; j < c->annotators; j++)
	{
		CHECK_FOR_INTERRUPTS();
		rows[j] = annotator_row(c, j, &a[j], labels, annotators, tupdesc);
	}
	return make_array(rows, c->annotators, array_type);
}

/* No value of PostgreSQL is larger than 1 GB; an item takes what its row takes. */
static void
check_size(const PredictionSet *set, const Names *labels, const Names *items)
{
	Size		row = 128 + names_bytes(labels) +
		labels->n * (sizeof(double) + sizeof(uint32));
	Size		size = add_size(mul_size(set->items->n, row), names_bytes(items));

	nl_check_memory(add_size(add_size(prediction_set_memory(set), crowdlab_memory(set)),
							 mul_size(size, 2)), "crowdlab()");
	if (!AllocSizeIsValid(size))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("crowdlab() of %u items exceeds the largest value PostgreSQL stores",
						set->items->n),
				 errhint("Aggregate fewer items at a time (GROUP BY).")));
}

static void
warn_of_single_answers(FunctionCallInfo fcinfo, const Crowdlab *c)
{
	if (!c->overlap && prediction_tell(fcinfo, TOLD_SINGLE_ANSWERS))
		ereport(WARNING,
				(errmsg("crowdlab() found no item that two annotators answered, so that nothing is known of annotators"),
				 errdetail("The quality of each label is what was predicted for it."),
				 errhint("label_issue(annotator, label, predicted) learns of annotators from predictions.")));
}

NL_FUNCTION(crowdlab_final);
Datum
crowdlab_final(PG_FUNCTION_ARGS)
{
	ExpandedPredictions *ep = predictions_of(PG_GETARG_DATUM(0), PREDICTION_ITEM);
	Names		annotators;
	Names		items;
	Names		labels = prediction_set_finish(&ep->set, &annotators, &items);
	Crowdlab   *c;
	TupleDesc	tupdesc;
	Datum		values[6];
	bool		nulls[6] = {false};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	check_size(&ep->set, &labels, &items);
	c = crowdlab_make(&ep->set);
	prediction_set_notice(fcinfo, &ep->set, &labels, "crowdlab()");
	warn_of_single_answers(fcinfo, c);
	values[0] = Int64GetDatum(c->items);
	values[1] = Int64GetDatum(ep->set.n);
	values[2] = number(c->likelihood, &nulls[2]);
	values[3] = number(c->model_weight, &nulls[3]);
	values[4] = item_rows(c, &labels, &items, TupleDescAttr(tupdesc, 4)->atttypid);
	values[5] = annotator_rows(c, &labels, &annotators, TupleDescAttr(tupdesc, 5)->atttypid);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}
