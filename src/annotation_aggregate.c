/*
 * annotation_aggregate.c
 *		From rows to an annotation_set: transition and combine functions, and
 *		annotation_summary().
 *
 * The state is an annotation_set as an expanded object in the aggregate's
 * context, as in confusion_aggregate.c.
 */
#include "annotation_aggregate.h"

static ExpandedAnnotations *
get_state(FunctionCallInfo fcinfo)
{
	MemoryContext context = value_state_context(fcinfo);

	if (PG_ARGISNULL(0))
		return annotation_set_create(context);
	if (value_may_modify(fcinfo, PG_GETARG_DATUM(0)))
		return (ExpandedAnnotations *) DatumGetEOHP(PG_GETARG_DATUM(0));
	return annotation_set_expand(PG_GETARG_DATUM(0), context);
}

/*
 * Arguments 1 to 3 are item, annotator and label, argument 4 is gold if nargs
 * says that there is one.  Returns NULL when the row is no annotation.
 */
ExpandedAnnotations *
annotation_set_accum_row(FunctionCallInfo fcinfo, int nargs, ArgumentText get_text)
{
	ExpandedAnnotations *ea;
	uint32		item;
	uint32		annotator;
	uint32		label;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		return NULL;
	ea = get_state(fcinfo);
	item = dictionary_add_text(ea->items, get_text(fcinfo, 1));
	annotator = dictionary_add_text(ea->annotators, get_text(fcinfo, 2));
	label = dictionary_add_text(ea->labels, get_text(fcinfo, 3));
	annotation_set_add(ea, item, annotator, label);
	if (nargs > 4 && !PG_ARGISNULL(4))
		annotation_set_gold(ea, item,
							dictionary_add_text(ea->labels, get_text(fcinfo, 4)));
	return ea;
}

static Datum
accum(FunctionCallInfo fcinfo, ArgumentText get_text)
{
	ExpandedAnnotations *ea = annotation_set_accum_row(fcinfo, PG_NARGS(),
													   get_text);

	if (ea == NULL)
		VALUE_RETURN_STATE();
	PG_RETURN_DATUM(EOHPGetRWDatum(&ea->hdr));
}

/* (annotation_set, item text, annotator text, label text [, gold text]) */
NL_FUNCTION(annotation_set_accum);
Datum
annotation_set_accum(PG_FUNCTION_ARGS)
{
	return accum(fcinfo, nl_text_argument);
}

/* (annotation_set, item "any", annotator "any", label "any" [, gold "any"]) */
NL_FUNCTION(annotation_set_accum_any);
Datum
annotation_set_accum_any(PG_FUNCTION_ARGS)
{
	return accum(fcinfo, nl_any_to_text);
}

/*
 * (annotation_set, annotation_set): combine step, sum(annotation_set) and the
 * operator +.  Either side may be NULL.
 */
NL_FUNCTION(annotation_set_combine);
Datum
annotation_set_combine(PG_FUNCTION_ARGS)
{
	ExpandedAnnotations *ea;

	if (PG_ARGISNULL(1))
		VALUE_RETURN_STATE();
	ea = get_state(fcinfo);
	annotation_set_merge(ea, PG_GETARG_DATUM(1));
	PG_RETURN_DATUM(EOHPGetRWDatum(&ea->hdr));
}

/* What annotation_summary() says of a set. */
typedef struct Summary
{
	uint32		gold_items;
	uint32		min_per_item;
	uint32		max_per_item;
	uint32		repeated;
	bool		overlap;		/* has any item two annotators? */
} Summary;

static Summary
summarize(const AnnotationView *view)
{
	Summary		s = {.min_per_item = PG_UINT32_MAX};

	for (uint32 i = 0; i < view->items; i++)
	{
		uint32		n = view->starts[i + 1] - view->starts[i];

		NL_CHECK_INTERRUPTS(i);
		s.min_per_item = Min(s.min_per_item, n);
		s.max_per_item = Max(s.max_per_item, n);
		for (uint32 a = view->starts[i] + 1; a < view->starts[i + 1]; a++)
		{
			NL_CHECK_INTERRUPTS(a);
			if (view->annotator[a] == view->annotator[a - 1])
				s.repeated++;
			else
				s.overlap = true;
		}
		if (view->gold != NULL && view->gold[i] != NO_GOLD)
			s.gold_items++;
	}
	if (view->items == 0)
		s.min_per_item = 0;
	return s;
}

NL_FUNCTION(annotation_set_summary);
Datum
annotation_set_summary(PG_FUNCTION_ARGS)
{
	AnnotationView view = annotation_set_view(PG_GETARG_DATUM(0));
	Summary		s = summarize(&view);
	Datum		values[10];
	bool		nulls[10] = {false};

	values[0] = Int64GetDatum(view.items);
	values[1] = Int64GetDatum(view.annotators.n);
	values[2] = Int64GetDatum(view.annotations);
	values[3] = Int32GetDatum(view.labels.n);
	values[4] = Int64GetDatum(s.gold_items);
	values[5] = Int32GetDatum(s.min_per_item);
	values[6] = Float8GetDatum((double) view.annotations / Max(view.items, 1));
	values[7] = Int32GetDatum(s.max_per_item);
	values[8] = Int64GetDatum(s.repeated);
	values[9] = CStringGetTextDatum(s.gold_items > 0 ? "gold" :
									s.overlap ? "overlap" : "single");
	PG_RETURN_DATUM(nl_record(fcinfo, values, nulls));
}

NL_FUNCTION(annotation_set_labels);
Datum
annotation_set_labels(PG_FUNCTION_ARGS)
{
	AnnotationView view = annotation_set_view(PG_GETARG_DATUM(0));

	PG_RETURN_DATUM(names_array(&view.labels));
}
