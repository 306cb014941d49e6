/*
 * annotation_aggregate.c
 *		From rows to an annotation_set: transition and combine functions, and
 *		annotation_summary().
 *
 * The state has the type annotation_set: a log of rows (see state.h), and when
 * that is full an expanded object in the aggregate's context.
 */
#include "crowd/sql/annotation_aggregate.h"

#include "names/names_io.h"
#include "pg/results.h"

static ExpandedAnnotations *
get_state(FunctionCallInfo fcinfo)
{
	MemoryContext context = value_state_context(fcinfo);
	ExpandedAnnotations *ea;

	if (PG_ARGISNULL(0))
		return annotation_set_create(context);
	ea = annotation_set_expanded(PG_GETARG_DATUM(0));
	if (ea != NULL && value_may_modify(fcinfo, PG_GETARG_DATUM(0)))
		return ea;
	return annotation_set_expand(PG_GETARG_DATUM(0), context);
}

/* A row without item, annotator or label is no annotation. */
bool
annotation_set_is_row(FunctionCallInfo fcinfo)
{
	return !PG_ARGISNULL(1) && !PG_ARGISNULL(2) && !PG_ARGISNULL(3);
}

/* Calls of the function dawid_skene() with a wrong type somewhere come here. */
static void
refuse_set(FunctionCallInfo fcinfo)
{
	if (get_fn_expr_argtype(fcinfo->flinfo, 1) ==
		get_fn_expr_argtype(fcinfo->flinfo, 0))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("an annotation_set was given where an item is expected"),
				 errhint("A set is fitted by dawid_skene(annotation_set, options jsonb, start annotator_model), with casts where types differ.")));
}

/* The state of argument 0 with one more row. */
Datum
annotation_set_state_add(FunctionCallInfo fcinfo, const LogRow *row, const RowOptions *options)
{
	RowLog	   *log = row_log_append(fcinfo, KIND_ANNOTATION_SET, row, options,
									 ROW_LOG_LIMIT);
	ExpandedAnnotations *ea;

	if (log != NULL)
		PG_RETURN_POINTER(log);
	ea = get_state(fcinfo);
	annotation_set_add_row(ea, row);
	state_options_add(&ea->options, options, ea->hdr.eoh_context);
	PG_RETURN_DATUM(EOHPGetRWDatum(&ea->hdr));
}

/* (annotation_set, item, annotator, label [, gold] [, options]) */
NL_FUNCTION(annotation_set_accum);
Datum
annotation_set_accum(PG_FUNCTION_ARGS)
{
	int			gold = nl_signature(fcinfo)->gold;
	LogRow		row = {ANNOTATION_ROW, 3, {{0}}};
	RowOptions	options;

	if (!annotation_set_is_row(fcinfo))
		VALUE_RETURN_STATE();
	if (PG_ARGISNULL(0) && nl_signature(fcinfo)->type[1] == DECLARED_ANY)
		refuse_set(fcinfo);
	options = row_options(fcinfo);
	if (gold != NO_ARGUMENT && !PG_ARGISNULL(gold))
		row.n = 4;
	for (int i = 0; i < row.n; i++)
	{
		text	   *name = nl_name_argument(fcinfo, i + 1);

		if (i == 3)
			options_refuse(fcinfo, gold, name, "the gold label",
						   "dawid_skene(item, annotator, label, %s)");
		row.field[i] = log_field_text(name);
	}
	return annotation_set_state_add(fcinfo, &row, &options);
}

/* How many equal annotations a row stands for. */
static uint32
count_argument(FunctionCallInfo fcinfo, int argno)
{
	int64		count = PG_GETARG_INT64(argno);

	if (count < 0)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("count " INT64_FORMAT " is negative", count),
				 errhint("A count says how many equal annotations a row stands for, such as count(*) of GROUP BY item, annotator, label.")));
	if (count > MAX_ANNOTATIONS)
		annotation_set_too_large();
	return count;
}

/*
 * (annotation_set, item, annotator, label, gold, count): rows that are grouped
 * already.  No annotation, no gold.
 */
NL_FUNCTION(annotation_set_counted_accum);
Datum
annotation_set_counted_accum(PG_FUNCTION_ARGS)
{
	LogRow		row = {ANNOTATION_ROW_COUNTED, 4, {{0}}};
	RowOptions	options = NO_OPTIONS;
	uint32		count;

	if (!annotation_set_is_row(fcinfo) || PG_ARGISNULL(5))
		VALUE_RETURN_STATE();
	count = count_argument(fcinfo, 5);
	if (count == 0)
		VALUE_RETURN_STATE();
	for (int i = 0; i < 3; i++)
		row.field[i] = log_field_text(nl_name_argument(fcinfo, i + 1));
	row.field[3] = (LogField) {&count, sizeof(count)};
	if (!PG_ARGISNULL(4))
	{
		text	   *name = nl_name_argument(fcinfo, 4);

		options_refuse(fcinfo, 4, name, "the gold label",
					   "dawid_skene(annotation_set(item, annotator, label, gold, count), %s)");
		row.field[row.n++] = log_field_text(name);
	}
	return annotation_set_state_add(fcinfo, &row, &options);
}

/*
 * (annotation_set, annotation_set): combine step, sum(annotation_set) and the
 * operator +.  Either side may be NULL.
 */
NL_FUNCTION(annotation_set_combine);
Datum
annotation_set_combine(PG_FUNCTION_ARGS)
{
	Datum		other = PG_GETARG_DATUM(1);
	ExpandedAnnotations *ea;
	RowLog	   *log;

	if (PG_ARGISNULL(1))
		VALUE_RETURN_STATE();
	if (annotation_set_expanded(other) == NULL)
	{
		log = row_log_append_state(fcinfo, KIND_ANNOTATION_SET,
								   value_get(other, KIND_ANNOTATION_SET,
											 offsetof(AnnotationSet, data)),
								   ANNOTATION_ROW_SET, ROW_LOG_LIMIT);
		if (log != NULL)
			PG_RETURN_POINTER(log);
	}
	ea = get_state(fcinfo);
	annotation_set_merge(ea, other);
	PG_RETURN_DATUM(EOHPGetRWDatum(&ea->hdr));
}

/* Final function of the aggregates that give a set. */
NL_FUNCTION(annotation_set_final);
Datum
annotation_set_final(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(annotation_set_get(PG_GETARG_DATUM(0)));
}

/* What annotation_summary() says of a set. */
typedef struct Summary
{
	uint32		gold_items;
	uint32		min_per_item;
	uint32		max_per_item;
	uint32		repeated;
	uint32		overlapping;	/* items of two annotators or more */
	uint32		comparable;		/* annotators of these */
} Summary;

/* The annotators of an item that has two or more, first seen here or not. */
static void
note_overlap(Summary *s, const AnnotationView *view, uint32 item, bool *seen)
{
	s->overlapping++;
	for (uint32 a = view->starts[item]; a < view->starts[item + 1]; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		s->comparable += !seen[view->annotator[a]];
		seen[view->annotator[a]] = true;
	}
}

static Summary
summarize(const AnnotationView *view)
{
	Summary		s = {.min_per_item = PG_UINT32_MAX};
	bool	   *seen = nl_alloc_zero(CurrentMemoryContext, Max(view->annotators.n, 1));

	for (uint32 i = 0; i < view->items; i++)
	{
		uint32		n = view->starts[i + 1] - view->starts[i];

		NL_CHECK_INTERRUPTS(i);
		s.min_per_item = Min(s.min_per_item, n);
		s.max_per_item = Max(s.max_per_item, n);
		for (uint32 a = view->starts[i] + 1; a < view->starts[i + 1]; a++)
		{
			NL_CHECK_INTERRUPTS(a);
			s.repeated += view->annotator[a] == view->annotator[a - 1];
		}
		if (annotation_overlaps(view, i))
			note_overlap(&s, view, i, seen);
		if (view->gold != NULL && view->gold[i] != NO_GOLD)
			s.gold_items++;
	}
	if (view->items == 0)
		s.min_per_item = 0;
	pfree(seen);
	return s;
}

NL_FUNCTION(annotation_set_summary);
Datum
annotation_set_summary(PG_FUNCTION_ARGS)
{
	AnnotationView view = annotation_set_view(PG_GETARG_DATUM(0));
	Summary		s = summarize(&view);
	Datum		values[12];
	bool		nulls[12] = {false};

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
									s.overlapping > 0 ? "overlap" : "single");
	values[10] = Int64GetDatum(s.overlapping);
	values[11] = Int64GetDatum(s.comparable);
	PG_RETURN_DATUM(nl_record(fcinfo, values, nulls));
}

NL_FUNCTION(annotation_set_labels);
Datum
annotation_set_labels(PG_FUNCTION_ARGS)
{
	AnnotationView view = annotation_set_view(PG_GETARG_DATUM(0));

	PG_RETURN_DATUM(names_array(&view.labels));
}
