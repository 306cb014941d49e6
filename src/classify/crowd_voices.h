/*
 * crowd_voices.h
 *		What the answers of a crowd count in learn_from_crowds(), and for what.
 */
#ifndef NL_CROWD_VOICES_H
#define NL_CROWD_VOICES_H

#include "classify/learn_from_crowds.h"
#include "crowd/em_voices.h"

/* A view with its voices, its classes, and what each answer counts; see em_voices.c. */
typedef struct CrowdVoices
{
	AnnotationView view;
	Names		classes;		/* labels, but for one that is no class */
	uint32	   *class_label;	/* by class its label */
	int64	   *label_class;	/* by label its class, or -1 */
	const uint32 *group;		/* annotators: the first of each one's group; or NULL */
	double	   *own;			/* annotations: of the annotator's voice */
	double	   *heard;			/* the same: of his group's; may be the same numbers */
	double		all;			/* what all answers count */
	double		named;			/* those that name a class */
	uint32		items_told;		/* with such an answer, or gold */
} CrowdVoices;

extern Size crowd_voices_memory(const AnnotationView *view, const CrowdOptions *options);
extern CrowdVoices *crowd_voices_begin(const AnnotationView *view, const CrowdOptions *options);
extern double crowd_voices_named(const CrowdVoices *v, uint32 item);
extern double crowd_voices_votes(const CrowdVoices *v, uint32 item, double *votes);
extern void crowd_voices_shares(const CrowdVoices *v, uint32 item, double *shares);

/* How many voices name a class of an item. */
static inline double
crowd_voices_of(const CrowdVoices *v, uint32 item)
{
	return em_item_voices(&v->view, item);
}

/* The class of an item's gold, or NO_GOLD. */
static inline uint32
crowd_voices_gold(const CrowdVoices *v, uint32 item)
{
	uint32		gold = annotation_gold(&v->view, item);

	return gold == NO_GOLD ? NO_GOLD : v->label_class[gold];
}

/* Whether anybody says what an item is, so that it may train. */
static inline bool
crowd_voices_tell(const CrowdVoices *v, uint32 item)
{
	return crowd_voices_of(v, item) > 0 || annotation_gold(&v->view, item) != NO_GOLD;
}

#endif							/* NL_CROWD_VOICES_H */
