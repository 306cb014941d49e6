/*
 * module.c
 *		The module: magic block and settings.
 */
#include "noisylabel.h"

#include "utils/guc.h"

extern NL_EXPORT const Pg_magic_struct *Pg_magic_func(void);
extern NL_EXPORT void _PG_init(void);

PG_MODULE_MAGIC;

int			nl_memory_limit;
bool		nl_progress;

void
_PG_init(void)
{
	DefineCustomIntVariable("noisylabel.memory_limit",
							"Memory that one annotation set, fit or model may take.",
							"A call that would need more is refused before it allocates.",
							&nl_memory_limit,
							2 * 1024 * 1024, 64, MAX_KILOBYTES,
							PGC_USERSET, GUC_UNIT_KB,
							NULL, NULL, NULL);
	DefineCustomBoolVariable("noisylabel.progress",
							 "Report the progress of fits.",
							 "A NOTICE for each step: iteration, objective, its change, estimated rest.",
							 &nl_progress,
							 false,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);
#if PG_VERSION_NUM >= 150000
	MarkGUCPrefixReserved("noisylabel");
#else
	EmitWarningsOnPlaceholders("noisylabel");
#endif
}
