/*
 * learn_annotators.c
 *		The aggregate learn_annotators(annotator, truth, label [, options]): what
 *		annotators are like, from truths that come from anywhere.
 *
 * The state has the type annotator_counts: a log of rows (see state.h), and when
 * that is full an expanded object in the aggregate's context.
 */
#include "crowd/learn_annotators.h"

#include "metrics/spelling.h"
#include "pg/json.h"
#include "types/label_distribution.h"
#include "types/shared_value.h"

static ExpandedCounts *
get_state(FunctionCallInfo fcinfo)
{
	MemoryContext context = value_state_context(fcinfo);
	ExpandedCounts *ec;

	if (PG_ARGISNULL(0))
		return annotator_counts_create(context);
	ec = annotator_counts_expanded(PG_GETARG_DATUM(0));
	if (ec != NULL && value_may_modify(fcinfo, PG_GETARG_DATUM(0)))
		return ec;
	return annotator_counts_expand(PG_GETARG_DATUM(0), context);
}

/* A distribution that comes as json or text would be a label of that name. */
static void
refuse_json(const text *truth)
{
	const char *s = VARDATA_ANY(truth);
	int			len = VARSIZE_ANY_EXHDR(truth);

	if (len > 0 && *s == '{' && memchr(s, '"', len) != NULL && jsonio_error(s, len) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("a JSON object was given where the truth is expected"),
				 errhint("A truth is a label or a label_distribution; cast it: truth::text::label_distribution.")));
}

/* The state of argument 0 with one more row. */
Datum
annotator_counts_state_add(FunctionCallInfo fcinfo, const LogRow *row, const RowOptions *options)
{
	RowLog	   *log = row_log_append(fcinfo, KIND_ANNOTATOR_COUNTS, row, options, ROW_LOG_LIMIT);
	ExpandedCounts *ec;

	if (log != NULL)
		PG_RETURN_POINTER(log);
	ec = get_state(fcinfo);
	annotator_counts_add_row(ec, row);
	state_options_add(&ec->options, options, ec->hdr.eoh_context);
	PG_RETURN_DATUM(EOHPGetRWDatum(&ec->hdr));
}

/* (annotator_counts, annotator, truth, label [, options]); truth may be expected */
NL_FUNCTION(annotator_counts_accum);
Datum
annotator_counts_accum(PG_FUNCTION_ARGS)
{
	LogRow		row = {COUNT_ROW_TRUTH, 3, {{0}}};
	RowOptions	options;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		VALUE_RETURN_STATE();
	options = row_options(fcinfo);
	if (PG_ARGISNULL(0))
		(void) learn_options_parse(options.value);	/* bad ones fail before the work */
	row.field[0] = log_field_text(nl_name_argument(fcinfo, 1));
	if (signature_is_name(nl_signature(fcinfo), 2))
	{
		text	   *truth = nl_name_argument(fcinfo, 2);

		refuse_json(truth);
		row.field[1] = log_field_text(truth);
	}
	else
	{
		LabelDistribution *truth = PG_GETARG_LABEL_DISTRIBUTION(2);

		row.kind = COUNT_ROW_EXPECTED;
		row.field[1] = (LogField) {truth, VARSIZE(truth)};
	}
	row.field[2] = log_field_text(nl_name_argument(fcinfo, 3));
	return annotator_counts_state_add(fcinfo, &row, &options);
}

/* (annotator_counts, annotator_counts): either side may be NULL */
NL_FUNCTION(annotator_counts_combine);
Datum
annotator_counts_combine(PG_FUNCTION_ARGS)
{
	Datum		other = PG_GETARG_DATUM(1);
	ExpandedCounts *ec;
	RowLog	   *log;

	if (PG_ARGISNULL(1))
		VALUE_RETURN_STATE();
	if (annotator_counts_expanded(other) == NULL)
	{
		log = row_log_append_state(fcinfo, KIND_ANNOTATOR_COUNTS,
								   value_get(other, KIND_ANNOTATOR_COUNTS,
											 offsetof(AnnotatorCounts, cells)),
								   COUNT_ROW_COUNTS, ROW_LOG_LIMIT);
		if (log != NULL)
			PG_RETURN_POINTER(log);
	}
	ec = get_state(fcinfo);
	annotator_counts_merge(ec, other);
	PG_RETURN_DATUM(EOHPGetRWDatum(&ec->hdr));
}

/* All annotators together, so that labels that are spelled in two ways are seen. */
static void
look_at_spelling(FunctionCallInfo fcinfo, const AnnotatorCountsView *counts)
{
	Size		classes = counts->labels.n;
	double	   *sum = palloc0(classes * classes * sizeof(double));

	for (uint32 i = 0; i < counts->n; i++)
	{
		const CountCell *cell = &counts->cells[i];

		CHECK_FOR_INTERRUPTS();
		sum[cell->truth * classes + cell->label] += exact_sum_value(&cell->count) / COUNT_UNITS;
	}
	spelling_notice(fcinfo, confusion_matrix_make(&counts->labels, sum));
	pfree(sum);
}

NL_FUNCTION(learn_annotators_final);
Datum
learn_annotators_final(PG_FUNCTION_ARGS)
{
	MemoryContext phase = AllocSetContextCreate(CurrentMemoryContext, "learn_annotators",
												ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(phase);
	AnnotatorCountsView counts = annotator_counts_view(PG_GETARG_DATUM(0));
	LearnOptions options = learn_options_parse(state_options_parse(counts.options));
	AnnotatorModel *model;

	look_at_spelling(fcinfo, &counts);
	MemoryContextSwitchTo(old);
	model = learn_annotators(&counts, &options);
	MemoryContextDelete(phase);
	PG_RETURN_DATUM(shared_value_make(model));
}
