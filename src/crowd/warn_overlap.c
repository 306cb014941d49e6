/*
 * warn_overlap.c
 *		A warning where little overlaps: few items, or few of an annotator's answers,
 *		tell anything about annotators.
 *
 * Where nothing does, warnings.c says so.  What tells is what teaches variant auto:
 * items that two annotators (or voices) answered, or whose gold is known.
 *
 * Memory: two numbers for each annotator.  Interrupts: for a block of items,
 * annotations or annotators.
 */
#include "crowd/fit.h"

#define FEW_SHARE 10			/* one of so many is few */
#define NAMED 5

typedef struct Overlap
{
	uint32		items;			/* that tell */
	uint32	   *answers;		/* by annotator, of all items */
	uint32	   *telling;		/* of those that tell */
} Overlap;

static Overlap
count_overlap(const AnnotationView *view)
{
	Size		size = mul_size(Max(view->annotators.n, 1), sizeof(uint32));
	Overlap		o = {
		.answers = nl_alloc_zero(CurrentMemoryContext, size),
		.telling = nl_alloc_zero(CurrentMemoryContext, size)
	};

	for (uint32 i = 0; i < view->items; i++)
	{
		bool		tells = em_item_tells(view, i);

		NL_CHECK_INTERRUPTS(i);
		o.items += tells;
		for (uint32 a = view->starts[i]; a < view->starts[i + 1]; a++)
		{
			NL_CHECK_INTERRUPTS(a);
			o.answers[view->annotator[a]]++;
			o.telling[view->annotator[a]] += tells;
		}
	}
	return o;
}

static inline bool
is_few(uint64 part, uint64 whole)
{
	return part * FEW_SHARE < whole;
}

/* '3 annotators ("a", "b", "c")', of whom little is known; NULL if there are none. */
static char *
name_strangers(const Names *annotators, const Overlap *o)
{
	StringInfoData names;
	uint32		n = 0;

	initStringInfo(&names);
	for (uint32 j = 0; j < annotators->n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		if (!is_few(o->telling[j], o->answers[j]))
			continue;
		if (n < NAMED)
			appendStringInfo(&names, "%s\"%s\"", n > 0 ? ", " : "", names_cstring(annotators, j));
		else if (n == NAMED)
			appendStringInfoString(&names, ", ...");
		n++;
	}
	return n == 0 ? NULL : psprintf("%u annotator%s (%s)", n, n == 1 ? "" : "s", names.data);
}

static void
warn(AnnotatorModelView *model, char *text)
{
	model->warnings[model->n_warnings++] = text;
}

/* Adds up to two to the model's warnings, which have room. */
void
warn_few_overlap(AnnotatorModelView *model, const AnnotationView *view)
{
	Overlap		o = count_overlap(view);
	char	   *strangers = o.items == 0 ? NULL : name_strangers(&view->annotators, &o);

	if (o.items > 0 && is_few(o.items, view->items))
		warn(model, psprintf("only %u of %u items have two annotators or gold, and the others tell nothing about annotators: have more of them answered twice",
							 o.items, view->items));
	if (strangers != NULL)
		warn(model, psprintf("fewer than a tenth of their answers are on items with two annotators or gold: %s; give them items that others answer",
							 strangers));
	pfree(o.answers);
	pfree(o.telling);
}
