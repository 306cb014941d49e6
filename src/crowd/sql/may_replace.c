/*
 * may_replace.c
 *		may_replace(): the alternative annotator test.
 */
#include "crowd/replace_test.h"

#include <math.h>

#include "pg/options.h"
#include "pg/results.h"

#define PASSING_RATE 0.5		/* of the annotators tested */

/* (annotation_set, candidate text, options) */
NL_FUNCTION(may_replace);
Datum
may_replace(PG_FUNCTION_ARGS)
{
	ResultRows	rows = rows_begin(fcinfo);
	ReplaceOptions options;
	AnnotationView view;
	ReplaceResult r;
	double		rate;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return rows_end(&rows);
	options = replace_options_parse(options_argument(fcinfo));
	view = annotation_set_view(PG_GETARG_DATUM(0));
	r = replace_test(&view, name_of_text(PG_GETARG_TEXT_PP(1)), &options);
	rate = r.tested > 0 ? (double) r.won / r.tested : 0;
	if (r.tested == 0)
		ereport(NOTICE,
				(errmsg("no annotator has %d items that the candidate and %d annotators have answered, so nothing is tested",
						options.min_items, options.min_annotators),
				 errhint("Have more items answered by all, or lower option \"min_items\".")));
	rows.values[0] = PG_GETARG_DATUM(1);
	rows.values[1] = Int32GetDatum(r.annotators);
	rows.values[2] = Int32GetDatum(r.tested);
	rows.values[3] = Float8GetDatum(rate);
	rows.values[4] = Float8GetDatum(r.advantage);
	rows.values[5] = Float8GetDatum(options.epsilon);
	rows.values[6] = BoolGetDatum(rate >= PASSING_RATE);
	rows.nulls[3] = rows.nulls[4] = rows.nulls[6] = r.tested == 0;
	rows_add(&rows);
	return rows_end(&rows);
}
