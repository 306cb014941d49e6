/*
 * crowd_voices.h
 *		What the answers of a crowd count in learn_from_crowds().
 */
#ifndef NL_CROWD_VOICES_H
#define NL_CROWD_VOICES_H

#include "crowd/em_voices.h"

/* A view with its voices, and what each answer counts; see em_voices.c. */
typedef struct CrowdVoices
{
	AnnotationView view;
	const uint32 *group;		/* annotators: the first of each one's group; or NULL */
	double	   *own;			/* annotations: of the annotator's voice */
	double	   *heard;			/* the same: of his group's; may be the same numbers */
	double		n;				/* of all items */
} CrowdVoices;

extern Size crowd_voices_memory(const AnnotationView *view, const Jsonb *groups);
extern CrowdVoices *crowd_voices_begin(const AnnotationView *view, const Jsonb *groups);
extern double crowd_voices_votes(const CrowdVoices *v, uint32 item, double *votes);
extern void crowd_voices_shares(const CrowdVoices *v, uint32 item, double *shares);

/* How many voices an item has. */
static inline double
crowd_voices_of(const CrowdVoices *v, uint32 item)
{
	return em_item_voices(&v->view, item);
}

#endif							/* NL_CROWD_VOICES_H */
