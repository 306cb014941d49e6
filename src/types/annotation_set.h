/*
 * annotation_set.h
 *		The type annotation_set: who gave which label to which item, and the
 *		gold labels that are known.
 *
 * Three forms:
 *
 * ExpandedAnnotations grows while rows arrive: three dictionaries and one
 * (item, annotator, label) triple of codes for each row, 10 bytes.
 *
 * AnnotationView is what the fits read: everything in canonical order (items,
 * annotators and labels sorted by name, an item's annotations contiguous and
 * sorted by annotator and label), so that the same rows in any order are the
 * same view.  An annotation takes 6 bytes, an item 4, and 2 more with gold.
 *
 * AnnotationSet is the stored form: the view and its names in one piece, which
 * needs no unpacking.
 */
#ifndef NL_ANNOTATION_SET_H
#define NL_ANNOTATION_SET_H

#include "names/dictionary.h"
#include "types/state.h"

#define NO_GOLD PG_UINT16_MAX

/* that one set may collect */
#define MAX_ANNOTATIONS (PG_UINT32_MAX / 2 + 1)

typedef struct AnnotationView
{
	uint32		items;
	uint32		annotations;
	Names		annotators;
	Names		labels;
	Names		item_names;		/* n is 0 in a view made for fitting only */
	const uint32 *starts;		/* items + 1: where an item's annotations begin */
	const uint32 *annotator;	/* for each annotation */
	const uint16 *label;
	const uint16 *gold;			/* for each item, or NO_GOLD; NULL if none has */
	double		gold_weight;	/* the chance that a gold label is right */
	const char *options;		/* JSON, or NULL: see StateOptions */

	/* of a fit that weighs answers; see em_voices.c */
	const uint32 *voices;		/* for each item; NULL: each answer is one */
	const uint32 *group;		/* for each annotator; NULL: each is alone */
	uint32		teaching_voices;	/* fewer teach nothing without gold */

	/* what a fit was told about classes; see class_options.c */
	uint32		abstains;		/* the label that is no class, plus 1; or 0 */
	bool		silence;		/* who says nothing about an item says that one */
	const double *prior;		/* for each label its known share; or NULL */

	uint32		variant;		/* Variant of a fit: how its tables are laid out */
} AnnotationView;

typedef struct AnnotationSet
{
	ValueHeader header;
	uint32		items;
	uint32		annotations;
	uint32		annotators;
	uint32		labels;
	uint32		item_bytes;
	uint32		annotator_bytes;
	uint32		label_bytes;
	uint32		has_gold;
	uint32		option_bytes;
	uint32		data[FLEXIBLE_ARRAY_MEMBER];

	/*
	 * uint32 starts[items + 1], annotator[annotations]; uint32 ends of the
	 * names of items, annotators, labels; uint16 label[annotations],
	 * gold[items] if has_gold; bytes of the names of items, annotators, labels;
	 * options as JSON text
	 */
} AnnotationSet;

/*
 * Rows of a set that is the state of an aggregate.
 */
typedef enum AnnotationRow
{
	ANNOTATION_ROW,				/* item, annotator, label, perhaps gold */
	ANNOTATION_ROW_SET,			/* a set */
	ANNOTATION_ROW_COUNTED,		/* item, annotator, label, uint32 count, perhaps gold */
	ANNOTATION_ROW_PAIR			/* item, truth, baseline, candidate: see add_pair() */
} AnnotationRow;

typedef struct ExpandedAnnotations
{
	ExpandedObjectHeader hdr;
	Dictionary *items;
	Dictionary *annotators;
	Dictionary *labels;
	Size		n;
	Size		capacity;
	uint32	   *item;
	uint32	   *annotator;
	uint16	   *label;
	uint16	   *gold;			/* by item code; NULL until a gold label comes */
	uint32		gold_capacity;
	StateOptions options;		/* of the aggregate */
} ExpandedAnnotations;

static inline uint32
annotation_gold(const AnnotationView *view, uint32 item)
{
	return view->gold == NULL ? NO_GOLD : view->gold[item];
}

/* Whether a label is one that items can be of. */
static inline bool
annotation_is_class(const AnnotationView *view, uint32 label)
{
	return label + 1 != view->abstains;
}

static inline uint32
annotation_classes(const AnnotationView *view)
{
	return view->labels.n - (view->abstains != 0);
}

/* Whether two annotators answered the item; its annotations are in their order. */
static inline bool
annotation_overlaps(const AnnotationView *view, uint32 item)
{
	uint32		from = view->starts[item];
	uint32		to = view->starts[item + 1];

	return to > from && view->annotator[from] != view->annotator[to - 1];
}

/* Whether somebody answered the item more than once. */
static inline bool
annotation_repeats(const AnnotationView *view, uint32 item)
{
	for (uint32 a = view->starts[item] + 1; a < view->starts[item + 1]; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		if (view->annotator[a] == view->annotator[a - 1])
			return true;
	}
	return false;
}

/* Whether there is such an item. */
static inline bool
annotations_repeat(const AnnotationView *view)
{
	for (uint32 i = 0; i < view->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (annotation_repeats(view, i))
			return true;
	}
	return false;
}

/* The view as if no item had gold. */
static inline AnnotationView
annotations_without_gold(const AnnotationView *view)
{
	AnnotationView result = *view;

	result.gold = NULL;
	return result;
}

extern ExpandedAnnotations *annotation_set_create(MemoryContext parent);
extern ExpandedAnnotations *annotation_set_expanded(Datum datum);
extern ExpandedAnnotations *annotation_set_expand(Datum datum, MemoryContext parent);
extern void annotation_set_add(ExpandedAnnotations *ea, uint32 item,
							   uint32 annotator, uint32 label);
extern NL_NORETURN void annotation_set_too_large(void);
extern void annotation_set_gold(ExpandedAnnotations *ea, uint32 item, uint32 label);
extern void annotation_set_merge(ExpandedAnnotations *ea, Datum other);
extern void annotation_set_add_row(ExpandedAnnotations *ea, const LogRow *row);
extern AnnotationSet *annotation_set_get(Datum datum);
extern AnnotationView annotation_set_view(Datum datum);
extern AnnotationView annotation_set_flat_view(Datum datum);

#endif							/* NL_ANNOTATION_SET_H */
