/*
 * transaction.c
 *		SQL function label_views_in_block(): whether its statement is part of a
 *		transaction block, where a procedure may not commit.
 */
#include "noisylabel.h"

#include "access/xact.h"

NL_FUNCTION(label_views_in_block);

Datum
label_views_in_block(PG_FUNCTION_ARGS)
{
	(void) fcinfo;				/* clang looks */
	PG_RETURN_BOOL(IsTransactionBlock());
}
