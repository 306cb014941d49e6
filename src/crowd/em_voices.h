/*
 * em_voices.h
 *		What an answer counts where answers of an item are not independent.
 */
#ifndef NL_EM_VOICES_H
#define NL_EM_VOICES_H

#include "types/annotation_set.h"

/* Fewer voices on an item teach nothing: one answer would confirm itself. */
#define TEACHING_VOICES 2

/* All answers of one annotator to one item, and what each of them counts. */
typedef struct EmRun
{
	uint32		from;			/* annotations */
	uint32		to;				/* one beyond */
	uint32		annotator;
	double		own;			/* one of the annotator's */
	double		heard;			/* shared with his group */
} EmRun;

/* Annotators who are not to be heard. */
typedef struct LeftOut
{
	const bool *is;				/* J */
	const uint32 *annotators;	/* the same, each once */
	uint32		n;
} LeftOut;

/* A reader of the answers of items, of one view; see em_voices.c. */
typedef struct EmVoices
{
	const AnnotationView *view;
	uint32	   *members;		/* J: of each group, who answer one item; or NULL */
	const bool *left_out;		/* J: who is not to be heard; or NULL */
} EmVoices;

/* How many voices an item has. */
static inline uint32
em_item_voices(const AnnotationView *view, uint32 item)
{
	return view->voices != NULL ? view->voices[item] :
		view->starts[item + 1] - view->starts[item];
}

/*
 * Every answer to the item is a voice, so that each counts 1, and there is nothing
 * else to count.
 */
static inline bool
em_item_is_plain(const AnnotationView *view, uint32 item)
{
	return view->voices == NULL ||
		(view->voices[item] == view->starts[item + 1] - view->starts[item] && !view->silence);
}

/* Whether an item has a part in what is learned. */
static inline bool
em_item_teaches(const AnnotationView *view, uint32 item)
{
	return view->teaching_voices == 0 ||
		em_item_voices(view, item) >= view->teaching_voices ||
		annotation_gold(view, item) != NO_GOLD;
}

/*
 * Whether an item tells anything about annotators: two of them (or two voices)
 * answered, or its gold is known.  Where all items teach, as in the papers'
 * variants, those that don't only confirm what they are believed to be.
 */
static inline bool
em_item_tells(const AnnotationView *view, uint32 item)
{
	if (view->teaching_voices > 0)
		return em_item_teaches(view, item);
	return annotation_gold(view, item) != NO_GOLD || annotation_overlaps(view, item);
}

extern void em_set_voices(AnnotationView *view, const uint32 *group);
extern uint32 em_voices_naming(const AnnotationView *view, uint32 item);
extern uint32 em_count_telling(const AnnotationView *view);
extern Size em_set_voices_memory(const AnnotationView *view);

extern EmVoices em_voices_begin(const AnnotationView *view);
extern void em_voices_end(EmVoices *v);
extern double em_voices_silent(const EmVoices *v, uint32 annotator);
extern bool em_next_run(const EmVoices *v, uint32 item, EmRun *run);
extern void em_voices_enter(EmVoices *v, uint32 item);
extern bool em_voices_next(EmVoices *v, uint32 item, EmRun *run);
extern void em_voices_leave(EmVoices *v, uint32 item);
extern uint32 em_voices_count(EmVoices *v, uint32 item);

#endif							/* NL_EM_VOICES_H */
