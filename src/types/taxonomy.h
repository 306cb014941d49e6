/*
 * taxonomy.h
 *		Labels and their parents.
 */
#ifndef NL_TAXONOMY_H
#define NL_TAXONOMY_H

#include "names/dictionary.h"
#include "utils/jsonb.h"

#define MAX_TAXONOMY 1000000	/* labels */

typedef struct Taxonomy
{
	Jsonb	   *json;			/* what it was read from */
	Dictionary *labels;
	int64	   *parent;			/* by label; -1 for one at the top */
} Taxonomy;

extern Taxonomy *taxonomy_cached(FunctionCallInfo fcinfo, int argno);
extern NameView taxonomy_ancestor(Taxonomy *t, NameView label, int level);

#endif							/* NL_TAXONOMY_H */
