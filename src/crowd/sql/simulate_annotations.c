/*
 * simulate_annotations.c
 *		simulate_annotations(items, kinds [, options]): the answers of a crowd whose
 *		truth is known.
 */
#include "crowd/simulate.h"

#include "catalog/pg_type.h"
#include "pg/options.h"
#include "pg/results.h"
#include "utils/array.h"

/* One array for all rows, whose numbers are those of the present item. */
static ArrayType *
make_features(int n)
{
	Datum	   *zeros = palloc0(n * sizeof(Datum));

	for (int i = 0; i < n; i++)
		zeros[i] = Float8GetDatum(0);
	return construct_array(zeros, n, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL,
						   TYPALIGN_DOUBLE);
}

static void
simulate(const Crowd *crowd, ResultRows *rows, ArrayType *features)
{
	CrowdAsker *asker;
	MemoryContext scratch = MemoryContextSwitchTo(rows->caller);

	asker = crowd_asker_create(crowd);
	MemoryContextSwitchTo(scratch);
	for (uint32 i = 0; i < crowd->items; i++)
	{
		CrowdItem	item = crowd_item(crowd, i);
		uint32		n;
		const uint32 *asked = crowd_ask(asker, &item, &n);

		CHECK_FOR_INTERRUPTS();
		if (features != NULL)
			crowd_features(crowd, &item, (double *) ARR_DATA_PTR(features));
		for (uint32 a = 0; a < n; a++)
		{
			const CrowdGroup *group = crowd_group(crowd, asked[a]);
			uint32		label = crowd_answer(crowd, &item, asked[a]);

			rows->values[0] = CStringGetTextDatum(psprintf("item %u", i + 1));
			rows->values[1] = CStringGetTextDatum(crowd_annotator_name(crowd, asked[a]));
			rows->values[2] = CStringGetTextDatum(crowd->labels[label]);
			rows->values[3] = CStringGetTextDatum(crowd->labels[item.truth]);
			rows->values[4] = CStringGetTextDatum(crowd_kind_name(group->kind));
			rows->values[5] = PointerGetDatum(features);
			rows->nulls[5] = features == NULL;
			rows_add(rows);
		}
	}
}

/* (items int, kinds jsonb, options jsonb or text); NULL options are none */
NL_FUNCTION(simulate_annotations);
Datum
simulate_annotations(PG_FUNCTION_ARGS)
{
	Crowd	   *crowd;
	ResultRows	rows;
	ArrayType  *features = NULL;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
	{
		rows = rows_begin(fcinfo);
		return rows_end(&rows);
	}
	crowd = crowd_create(PG_GETARG_INT32(0), PG_GETARG_JSONB_P(1), options_argument(fcinfo));
	if (crowd->options.features > 0)
		features = make_features(crowd->options.features);
	rows = rows_begin(fcinfo);
	simulate(crowd, &rows, features);
	return rows_end(&rows);
}
