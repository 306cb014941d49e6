/*
 * spelling.c
 *		A word to the user whose two columns spell one thing in two ways.
 *
 * Labels are compared as text, so a truth of "t" and a prediction of "true", or
 * of 1 and 1.0, or of x and "x" with its quotes, agree in no row.  Numbers alone
 * do not show that.  Where a group has MIN_TOTAL observations or more, and no
 * label occurs on both sides, a NOTICE shows some of each side: once for each
 * call in a query, however many groups there are.  (A few wrong predictions may
 * have no label in common with their truths.)
 */
#include "metrics/spelling.h"

#include "pg/arguments.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#define MIN_TOTAL 10
#define SHOWN 3					/* labels of each side */
#define SHOWN_BYTES 40			/* of a label */

/* The sum of a row (or column) of the matrix. */
static double
line_total(const ConfusionMatrix *cm, uint32 i, bool row)
{
	double		sum = 0;

	for (uint32 j = 0; j < cm->n; j++)
		sum += row ? confusion_matrix_count(cm, i, j) : confusion_matrix_count(cm, j, i);
	return sum;
}

static bool
has_no_common_label(const ConfusionMatrix *cm)
{
	double		total = 0;

	for (uint32 i = 0; i < cm->n; i++)
	{
		double		row = line_total(cm, i, true);

		CHECK_FOR_INTERRUPTS();
		if (row > 0 && line_total(cm, i, false) > 0)
			return false;
		total += row;
	}
	return total >= MIN_TOTAL;
}

/* The first labels of a side. */
static char *
examples(const ConfusionMatrix *cm, bool truth)
{
	Names		names = confusion_matrix_labels(cm);
	int			found = 0;
	StringInfoData buf;

	initStringInfo(&buf);
	for (uint32 i = 0; i < cm->n; i++)
	{
		NameView	name = names_get(&names, i);
		int			shown = pg_mbcliplen(name.s, name.len, SHOWN_BYTES);

		if (line_total(cm, i, truth) <= 0 || found++ >= SHOWN)
			continue;
		appendStringInfo(&buf, "%s\"%.*s\"%s", found > 1 ? ", " : "",
						 shown, name.s, shown < name.len ? "..." : "");
	}
	if (found > SHOWN)
		appendStringInfo(&buf, " and %d more", found - SHOWN);
	return buf.data;
}

/* Called by final functions; says nothing anywhere else. */
void
spelling_notice(FunctionCallInfo fcinfo, const ConfusionMatrix *cm)
{
	void	  **noticed;

	if (!AggCheckCallContext(fcinfo, NULL))
		return;
	noticed = nl_call_cache(fcinfo);
	if (*noticed != NULL || !has_no_common_label(cm))
		return;
	*noticed = fcinfo->flinfo->fn_mcxt;
	ereport(NOTICE,
			(errmsg("truth and predicted labels have none in common: truth has %s, predicted are %s",
					examples(cm, true), examples(cm, false)),
			 errhint("Labels are compared as column::text spells them; cast or translate one side, so that the same label is the same text.")));
}
