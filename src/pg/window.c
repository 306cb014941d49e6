/*
 * window.c
 *		What a window function is given; see window.h.
 */
#include "pg/window.h"

#include "windowapi.h"

/*
 * Argument of a row, put where a plain function has its arguments; false: it is NULL, or
 * there is none.
 */
bool
window_argument(FunctionCallInfo fcinfo, int argno, int64 position)
{
	bool		isnull;
	bool		isout;

	if (argno == NO_ARGUMENT)
		return false;
	fcinfo->args[argno].value =
		WinGetFuncArgInPartition(PG_WINDOW_OBJECT(), argno, position,
								 WINDOW_SEEK_HEAD, false, &isnull, &isout);
	fcinfo->args[argno].isnull = isnull;
	return !isnull;
}

/* The options of a row must be those of the first. */
static void
check_row_options(FunctionCallInfo fcinfo, int argno, int64 position, const Jsonb *options)
{
	bool		given = window_argument(fcinfo, argno, position);
	const Jsonb *other = options_argument(fcinfo);

	if (given != (options != NULL) ||
		(given && (VARSIZE(other) != VARSIZE(options) ||
				   memcmp(other, options, VARSIZE(options)) != 0)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("options must be the same for all rows of a partition")));
}

/*
 * The options of a partition's rows, or NULL.  If they are no constant, they must still
 * be the same for all rows; "scratch" is reset meanwhile.
 */
Jsonb *
window_options(FunctionCallInfo fcinfo, int64 rows, MemoryContext scratch)
{
	int			argno = nl_signature(fcinfo)->options;
	Jsonb	   *options = NULL;
	MemoryContext old;

	if (window_argument(fcinfo, argno, 0))
	{
		const Jsonb *first = options_argument(fcinfo);

		options = memcpy(palloc(VARSIZE(first)), first, VARSIZE(first));
	}
	if (argno == NO_ARGUMENT || get_fn_expr_arg_stable(fcinfo->flinfo, argno))
		return options;
	old = MemoryContextSwitchTo(scratch);
	for (int64 i = 1; i < rows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		check_row_options(fcinfo, argno, i, options);
		if (i % SCRATCH_ROWS == 0)
			MemoryContextReset(scratch);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(scratch);
	return options;
}
