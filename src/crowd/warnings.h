/*
 * warnings.h
 *		What makes the answer of a fit untrustworthy, in words.
 *
 * A warning is one sentence: what was found, with numbers, and what to do.  One
 * about an annotator stands in his note, too.  warnings.c has the list and what
 * concerns the fit; the others have what is about annotators, items and gold.
 */
#ifndef NL_WARNINGS_H
#define NL_WARNINGS_H

#include "crowd/fit.h"

/* below, any class may have little support, and ties are chance */
#define FEW_ITEMS 10

/* A list of names, the first few in full: "a", "b", "c", ... */
typedef struct NameList
{
	StringInfoData names;
	uint32		n;
	double		answers;		/* that they gave, if they are annotators */
} NameList;

/* warnings.c */
extern void warn(AnnotatorModelView *model, const char *text);
extern void warn_annotator(AnnotatorModelView *model, uint32 annotator,
						   const char *text);
extern void list_add(NameList *list, const Names *names, uint32 i);
extern void list_annotator(NameList *list, const AnnotatorModelView *model,
						   uint32 annotator);
extern void warn_list(AnnotatorModelView *model, const NameList *list,
					  const char *what, const char *advice);

/* warn_annotators.c */
extern void warn_one_label(AnnotatorModelView *model, const AnnotationView *view);
extern void warn_uninformed(AnnotatorModelView *model, const AnnotationView *view,
							const EmFit *fit);
extern void warn_copies(AnnotatorModelView *model, const EmFit *fit);

/* warn_items.c */
extern void warn_connection(AnnotatorModelView *model, const AnnotationView *view);
extern void warn_classes(AnnotatorModelView *model, const EmFit *fit);
extern bool is_contradictory(const MajorityTally *majority);
extern void warn_majority(AnnotatorModelView *model, const MajorityTally *majority);

/* warn_overlap.c */
extern void warn_few_overlap(AnnotatorModelView *model, const AnnotationView *view);

/* warn_gold.c */
extern void warn_gold(AnnotatorModelView *model, const AnnotationView *view,
					  const EmFit *fit, const FitOptions *options);

#endif							/* NL_WARNINGS_H */
