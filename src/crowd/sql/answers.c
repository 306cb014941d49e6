/*
 * answers.c
 *		answers(annotation_set [, annotator_model]): every answer, and how likely it
 *		is right; see leave_out.c.
 */
#include "crowd/leave_out.h"

#include <math.h>

#include "pg/results.h"

/* Columns, in order. */
enum
{
	C_ITEM, C_ANNOTATOR, C_LABEL, C_COUNT, C_GOLD, C_PROBABILITY, C_WITHOUT
};

/* One beyond the answers that are equal to "from". */
static uint32
end_of_equals(const AnnotationView *view, uint32 from, uint32 end)
{
	uint32		to = from + 1;

	while (to < end && view->annotator[to] == view->annotator[from] &&
		   view->label[to] == view->label[from])
		NL_CHECK_INTERRUPTS(to++);
	return to;
}

static void
set_names(const AnnotationView *view, uint32 item, uint32 a, ResultRows *rows)
{
	uint32		gold = annotation_gold(view, item);

	rows->values[C_ITEM] = PointerGetDatum(names_text(&view->item_names, item));
	rows->values[C_ANNOTATOR] = PointerGetDatum(names_text(&view->annotators, view->annotator[a]));
	rows->values[C_LABEL] = PointerGetDatum(names_text(&view->labels, view->label[a]));
	rows->nulls[C_GOLD] = gold == NO_GOLD;
	if (gold != NO_GOLD)
		rows->values[C_GOLD] = PointerGetDatum(names_text(&view->labels, gold));
}

/* "l" is NULL where there is no model, or one that knows nothing. */
static void
item_rows(LeaveOut *l, const AnnotationView *view, uint32 item, ResultRows *rows)
{
	uint32		start = view->starts[item];
	uint32		end = view->starts[item + 1];
	const AnswerChance *chances = l == NULL ? NULL : leave_out_item(l, item);
	uint32		to;

	for (uint32 a = start; a < end; a = to)
	{
		to = end_of_equals(view, a, end);
		set_names(view, item, a, rows);
		rows->values[C_COUNT] = Int64GetDatum((int64) to - a);
		rows->nulls[C_PROBABILITY] = rows->nulls[C_WITHOUT] =
			chances == NULL || isnan(chances[a - start].with);
		if (chances != NULL)
		{
			rows->values[C_PROBABILITY] = Float8GetDatum(chances[a - start].with);
			rows->values[C_WITHOUT] = Float8GetDatum(chances[a - start].without);
		}
		rows_add(rows);
	}
}

NL_FUNCTION(answers);
Datum
answers(PG_FUNCTION_ARGS)
{
	bool		has_model = PG_NARGS() > 1 && !PG_ARGISNULL(1);
	AnnotationView view = {0};
	LeaveOut   *l = NULL;
	ResultRows	rows;

	if (!PG_ARGISNULL(0))
		view = annotation_set_flat_view(PG_GETARG_DATUM(0));
	if (!PG_ARGISNULL(0) && has_model)
	{
		SetScorer  *s = set_scorer_begin(&view, annotator_model_get(PG_GETARG_DATUM(1)));

		set_scorer_check_labels(s);
		if (!model_knows_nothing(&s->scorer->model))
			l = leave_out_begin(s);
	}
	rows = rows_begin(fcinfo);
	for (uint32 item = 0; item < view.items; item++)
		item_rows(l, &view, item, &rows);
	return rows_end(&rows);
}
