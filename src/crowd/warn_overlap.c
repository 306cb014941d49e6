/*
 * warn_overlap.c
 *		A warning where little overlaps: few items, or few of an annotator's answers,
 *		tell anything about annotators.
 *
 * Where nothing does, warnings.c says so.  What tells is what teaches variant auto:
 * items that two annotators (or voices) answered, or whose gold is known.
 *
 * Memory: a number for each annotator.  Interrupts: for a block of items,
 * annotations or annotators.
 */
#include "crowd/warnings.h"

#define FEW_SHARE 10			/* one of so many is few */

typedef struct Overlap
{
	uint32		items;			/* that tell */
	uint32	   *others;			/* by annotator, answers to the other items */
} Overlap;

static Overlap
count_overlap(const AnnotationView *view)
{
	Size		size = mul_size(Max(view->annotators.n, 1), sizeof(uint32));
	Overlap		o = {.others = nl_alloc_zero(CurrentMemoryContext, size)};

	for (uint32 i = 0; i < view->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (em_item_tells(view, i))
		{
			o.items++;
			continue;
		}
		for (uint32 a = view->starts[i]; a < view->starts[i + 1]; a++)
		{
			NL_CHECK_INTERRUPTS(a);
			o.others[view->annotator[a]]++;
		}
	}
	return o;
}

static inline bool
is_few(uint64 part, uint64 whole)
{
	return part * FEW_SHARE < whole;
}

/* Annotators of whom little is known. */
static NameList
find_strangers(AnnotatorModelView *model, const Overlap *o)
{
	NameList	list = {.n = 0};

	for (uint32 j = 0; j < model->annotators.n; j++)
	{
		uint32		answers = model->annotations[j];
		uint32		telling = answers - o->others[j];

		NL_CHECK_INTERRUPTS(j);
		if (!is_few(telling, answers))
			continue;
		list_annotator(&list, model, j);
		/* of one without any, annotators() says so */
		if (telling > 0)
			warn_annotator(model, j, psprintf("only %u of %u answers are on items with two annotators or gold",
											  telling, answers));
	}
	return list;
}

/* Adds up to two to the model's warnings, which have room. */
void
warn_few_overlap(AnnotatorModelView *model, const AnnotationView *view)
{
	Overlap		o = count_overlap(view);
	NameList	strangers = {.n = 0};

	if (o.items > 0 && is_few(o.items, view->items))
		warn(model, psprintf("only %u of %u items have two annotators or gold, and the others tell nothing about annotators: have more of them answered twice",
							 o.items, view->items));
	if (o.items > 0 && o.items < view->items)
		strangers = find_strangers(model, &o);
	warn_list(model, &strangers, "fewer than a tenth of their answers are on items with two annotators or gold",
			  "give them items that others answer");
	pfree(o.others);
}
