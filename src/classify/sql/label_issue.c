/*
 * label_issue.c
 *		The window function label_issue(): which labels of a partition are wrong, how
 *		sure each is, and what it should be.
 *
 * Phases, all at the first row of a partition
 *
 *	1. collect: names and prediction of each row (prediction_set.c);
 *	2. where annotators are given, make evidence of predictions and answers
 *	   (answer_evidence.c); it takes the place of the predictions;
 *	3. flag rows (label_rules.c).
 *
 * Then each row asks for its result.
 *
 * Memory: all is below the partition's context, which the executor resets; what
 * arguments are detoasted or converted to goes to a scratch context that is reset
 * every SCRATCH_ROWS rows.  Interrupts: for each row that is collected, and as the
 * phases say.  How rows are read: see oof_predict.c.
 */
#include "classify/confident_joint.h"
#include "crowd/answer_evidence.h"
#include "pg/window.h"

#include "windowapi.h"

#define NO_PLACE PG_UINT32_MAX
#define DEFAULT_ROUNDS 3
#define DEFAULT_FILTER (-1)		/* by what is known */

typedef struct IssueOptions
{
	int			filter;
	int			score;
	int			rounds;
} IssueOptions;

static const Option option_table[] = {
	{"filter", OPTION_CHOICE, offsetof(IssueOptions, filter), 0, 0, issue_filter_names},
	{"score", OPTION_CHOICE, offsetof(IssueOptions, score), 0, 0, issue_score_names},
	{"rounds", OPTION_INT, offsetof(IssueOptions, rounds), 1, 100, NULL}
};

typedef struct Partition
{
	bool		judged;
	MemoryContext context;
	MemoryContext scratch;
	uint32		rows;			/* with and without names and prediction */
	int			predicted;		/* the argument; before it come names, the label last */
	IssueOptions options;
	PredictionSet set;
	Names		labels;
	uint32	   *place;			/* by position: row of the set, or NO_PLACE */
	bool	   *flags;
	LabelDistribution *blank;	/* of all labels, each 0 */
	TupleDesc	type;
	HeapTupleHeader *results;	/* by what they suggest; NULL where no row did so yet */
} Partition;

/*
 * Collecting
 */

/*
 * A name of a row, kept in the scratch context: what an argument points to goes when
 * the next is read.  False: it is NULL.
 */
static bool
fetch_name(FunctionCallInfo fcinfo, int argno, int64 position, NameView *view)
{
	text	   *name;

	if (!window_argument(fcinfo, argno, position))
		return false;
	name = nl_name_argument(fcinfo, argno);
	view->len = VARSIZE_ANY_EXHDR(name);
	view->s = memcpy(palloc(view->len + 1), VARDATA_ANY(name), view->len);
	return true;
}

/* Two rows at most, argument by argument. */
static void
collect_rows(FunctionCallInfo fcinfo, Partition *p, uint32 from, uint32 end)
{
	RowNames	names[2] = {NO_ROW_NAMES, NO_ROW_NAMES};
	bool		known[2] = {true, true};

	for (int argno = p->predicted - 1; argno >= 0; argno--)
		for (uint32 i = from; i < end; i++)
		{
			RowNames   *row = &names[i - from];
			NameView   *to = argno == p->predicted - 1 ? &row->label :
				argno == p->predicted - 2 ? &row->annotator : &row->item;

			known[i - from] = known[i - from] && fetch_name(fcinfo, argno, i, to);
		}
	for (uint32 i = from; i < end; i++)
	{
		p->place[i] = NO_PLACE;
		if (!known[i - from] || !window_argument(fcinfo, p->predicted, i))
			continue;
		p->place[i] = p->set.n;
		prediction_set_add(&p->set, &names[i - from], PG_GETARG_LABEL_DISTRIBUTION(p->predicted));
	}
}

static void
collect(FunctionCallInfo fcinfo, Partition *p)
{
	p->place = nl_alloc(p->context, mul_size(p->rows, sizeof(uint32)));
	prediction_set_init(&p->set, p->context, p->predicted - 1, p->rows);
	MemoryContextSwitchTo(p->scratch);
	for (uint32 i = 0; i < p->rows; i += 2)
	{
		CHECK_FOR_INTERRUPTS();
		collect_rows(fcinfo, p, i, Min(i + 2, p->rows));
		if (i % SCRATCH_ROWS == 0)
			MemoryContextReset(p->scratch);
	}
	MemoryContextSwitchTo(p->context);
	MemoryContextReset(p->scratch);
}

static void
get_options(FunctionCallInfo fcinfo, Partition *p)
{
	Jsonb	   *options = window_options(fcinfo, p->rows, p->scratch);

	p->options = (IssueOptions) {DEFAULT_FILTER, SELF_CONFIDENCE, DEFAULT_ROUNDS};
	if (options != NULL)
		options_parse(options, option_table, lengthof(option_table), &p->options);
	/* evidence is a posterior: what it says is what to believe */
	if (p->options.filter == DEFAULT_FILTER)
		p->options.filter = p->predicted == 1 ? PRUNE_BY_NOISE_RATE : PREDICTED_NEQ_GIVEN;
}

/*
 * Judging
 */
static void
use_evidence(Partition *p)
{
	double	   *evidence;

	nl_check_memory(add_size(prediction_set_memory(&p->set), answer_evidence_memory(&p->set)),
					"label_issue()");
	evidence = answer_evidence(&p->set, p->options.rounds);
	pfree(p->set.p);
	p->set.p = evidence;
}

static TupleDesc
result_type(FunctionCallInfo fcinfo)
{
	TupleDesc	tupdesc;

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return BlessTupleDesc(tupdesc);
}

/* Of one for each label; none is longer than its labels and one of them again. */
static Size
results_memory(const Partition *p)
{
	return mul_size(p->labels.n, sizeof(HeapTupleHeader) + SizeofHeapTupleHeader + 2 * VARSIZE(p->blank));
}

static void
judge_partition(FunctionCallInfo fcinfo, Partition *p)
{
	int64		rows = WinGetPartitionRowCount(PG_WINDOW_OBJECT());
	const Signature *signature = nl_signature(fcinfo);
	Names		annotators;
	Names		items;

	if (rows > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("label_issue() takes at most %d rows of a partition", PG_INT32_MAX)));
	p->rows = rows;
	while (signature_is_name(signature, p->predicted))
		p->predicted++;
	get_options(fcinfo, p);
	collect(fcinfo, p);
	if (p->set.n == 0)
		return;
	p->labels = prediction_set_finish(&p->set, &annotators, &items);
	prediction_set_notice(fcinfo, &p->set, &p->labels, "label_issue()");
	if (p->predicted > 1)
		use_evidence(p);
	p->blank = label_distribution_make(&p->labels, palloc0(p->labels.n * sizeof(double)));
	nl_check_memory(add_size(add_size(prediction_set_memory(&p->set),
									  issue_memory(p->set.n, p->set.stride)),
							 results_memory(p)), "label_issue()");
	p->flags = issue_flags(&p->set, p->options.filter);
	p->type = result_type(fcinfo);
	p->results = palloc0(p->labels.n * sizeof(HeapTupleHeader));
}

static Partition *
get_partition(FunctionCallInfo fcinfo)
{
	Partition  *p = WinGetPartitionLocalMemory(PG_WINDOW_OBJECT(), sizeof(Partition));
	MemoryContext old;

	if (p->judged)
		return p;
	p->context = AllocSetContextCreate(GetMemoryChunkContext(p), "label_issue",
									   ALLOCSET_START_SMALL_SIZES);
	p->scratch = AllocSetContextCreate(p->context, "label_issue arguments",
									   ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(p->context);
	judge_partition(fcinfo, p);
	MemoryContextSwitchTo(old);
	p->judged = true;
	return p;
}

/*
 * Results.  Those that suggest the same differ in numbers alone: the first is made,
 * in the partition's context, and each is a copy of it with a row's own numbers.  So
 * names are put together once for a label and not once for a row.
 */
static HeapTupleHeader
make_result(Partition *p, uint32 suggested, bool has_quality)
{
	MemoryContext old = MemoryContextSwitchTo(p->context);
	bool		nulls[4] = {false, !has_quality, false, false};
	Datum		values[4];

	values[0] = BoolGetDatum(false);
	values[1] = Float8GetDatum(0);
	values[2] = PointerGetDatum(names_text(&p->labels, suggested));
	values[3] = PointerGetDatum(p->blank);
	p->results[suggested] = heap_form_tuple(p->type, values, nulls)->t_data;
	MemoryContextSwitchTo(old);
	return p->results[suggested];
}

static Datum
copy_result(Partition *p, uint32 row)
{
	const double *values = prediction_row(&p->set, row);
	Size		size = p->set.stride * sizeof(double);
	uint32		suggested = probabilities_top(values, p->set.stride, NULL);
	HeapTupleHeader result = p->results[suggested];
	double		quality;
	/* of one class it is not defined, so of all rows or of none */
	bool		has_quality = issue_score(p->options.score, values, p->set.stride,
										  p->set.label[row], &quality);
	char	   *copy;
	char	   *end;

	if (result == NULL)
		result = make_result(p, suggested, has_quality);
	copy = palloc(HeapTupleHeaderGetDatumLength(result));
	end = copy + HeapTupleHeaderGetDatumLength(result);
	memcpy(copy, result, end - copy);
	copy[result->t_hoff] = p->flags[row];
	if (has_quality)
		memcpy(copy + result->t_hoff + DOUBLEALIGN(sizeof(bool)), &quality, sizeof(double));
	/* the evidence is last, and of it the labels */
	memcpy(end - p->labels.n * sizeof(uint32) - names_bytes(&p->labels) - size, values, size);
	PG_RETURN_DATUM(HeapTupleHeaderGetDatum((HeapTupleHeader) copy));
}

/* ([[item,] annotator,] label, predicted [, options]) */
NL_FUNCTION(label_issue);
Datum
label_issue(PG_FUNCTION_ARGS)
{
	WindowObject window = PG_WINDOW_OBJECT();
	Partition  *p;
	uint32		row;

	if (!WindowObjectIsValid(window))
		elog(ERROR, "label_issue() is a window function");
	p = get_partition(fcinfo);
	row = p->place[WinGetCurrentPosition(window)];
	if (row == NO_PLACE)
		PG_RETURN_NULL();
	return copy_result(p, row);
}
