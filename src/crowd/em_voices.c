/*
 * em_voices.c
 *		What an answer counts where answers of an item are not independent.
 *
 * A voice is an annotator, or a group of annotators who are known to depend on
 * each other.  However many answers a voice gives to an item, it is one voice:
 *
 *	own		of r answers of one annotator to an item (repeats, contradictions)
 *			each counts 1 / r
 *	heard	and of m members of a group who answered the item each counts 1 / m
 *			of that, so that six judges of one group are one voice where all of
 *			them answer, and one judge alone is a whole voice
 *
 * A label that is no class (annotation_is_class) is an answer of its annotator, but
 * who gives an item no other is no voice on it: he does not say what it is, and
 * neither confirms nor repeats what others say.  Where silence is an answer, every
 * annotator answers every item, if only by saying nothing, and m is the size of
 * the group.
 *
 * "own" is what an answer tells about its annotator, "heard" what it tells about
 * the item and about the crowd.  Nearly everywhere both are 1; an item where
 * they are not has fewer voices than answers.  So what is stored is the number
 * of voices of each item, and that only where such an item exists; weights are
 * worked out when an item is read, from its annotators, who stand side by side.
 *
 * Memory: 4 bytes an item in the view; 4 bytes an annotator in a reader, if
 * there are groups.  Interrupts: every block of items, and within long ones.
 */
#include "crowd/em_voices.h"

#include "noisylabel.h"

#define COUNTED (1U << 31)	/* a mark on a number of members */

EmVoices
em_voices_begin(const AnnotationView *view)
{
	EmVoices	v = {.view = view};

	if (view->group == NULL)
		return v;
	v.members = nl_alloc_zero(CurrentMemoryContext,
							  mul_size(view->annotators.n, sizeof(uint32)));
	for (uint32 j = 0; j < view->annotators.n && view->silence; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		v.members[view->group[j]]++;
	}
	return v;
}

/* What an annotator's silence counts, where it is an answer. */
double
em_voices_silent(const EmVoices *v, uint32 annotator)
{
	return v->members == NULL ? 1 : 1.0 / v->members[v->view->group[annotator]];
}

void
em_voices_end(EmVoices *v)
{
	if (v->members != NULL)
		pfree(v->members);
}

/* The next annotator's answers from run->to on; false at the item's end. */
bool
em_next_run(const EmVoices *v, uint32 item, EmRun *run)
{
	const AnnotationView *view = v->view;
	uint32		end = view->starts[item + 1];

	do
	{
		run->from = run->to;
		if (run->from == end)
			return false;
		run->annotator = view->annotator[run->from];
		while (run->to < end && view->annotator[run->to] == run->annotator)
			NL_CHECK_INTERRUPTS(run->to++);
	} while (v->left_out != NULL && v->left_out[run->annotator]);
	return true;
}

/* Before the item's runs are read: count the members of its groups. */
void
em_voices_enter(EmVoices *v, uint32 item)
{
	EmRun		run = {.to = v->view->starts[item]};

	while (v->members != NULL && !v->view->silence && em_next_run(v, item, &run))
		v->members[v->view->group[run.annotator]]++;
}

/* The first run, if run->to is the item's beginning, or the one that follows. */
bool
em_voices_next(EmVoices *v, uint32 item, EmRun *run)
{
	if (!em_next_run(v, item, run))
		return false;
	run->own = 1.0 / (run->to - run->from);
	run->heard = v->members == NULL ? run->own :
		run->own / v->members[v->view->group[run->annotator]];
	return true;
}

/* After the item's runs have been read. */
void
em_voices_leave(EmVoices *v, uint32 item)
{
	EmRun		run = {.to = v->view->starts[item]};

	while (v->members != NULL && !v->view->silence && em_next_run(v, item, &run))
		v->members[v->view->group[run.annotator]] = 0;
}

/* Whether any of these answers says what the item is. */
static bool
names_class(const AnnotationView *view, const EmRun *run)
{
	for (uint32 a = run->from; a < run->to; a++)
		if (annotation_is_class(view, view->label[a]))
			return true;
	return false;
}

uint32
em_voices_count(EmVoices *v, uint32 item)
{
	const AnnotationView *view = v->view;
	EmRun		run = {.to = view->starts[item]};
	uint32		n = 0;

	while (em_next_run(v, item, &run))
	{
		uint32	   *members = v->members == NULL ? NULL :
			&v->members[view->group[run.annotator]];

		if (!names_class(view, &run) || (members != NULL && (*members & COUNTED)))
			continue;
		n++;
		if (members != NULL)
			*members |= COUNTED;
	}
	for (run.to = view->starts[item]; v->members != NULL && em_next_run(v, item, &run);)
		v->members[view->group[run.annotator]] &= ~COUNTED;
	return n;
}

/* Bytes that em_set_voices() may need. */
Size
em_set_voices_memory(const AnnotationView *view)
{
	return mul_size(add_size(view->items, view->annotators.n), sizeof(uint32));
}

/*
 * Gives the view its voices; "group" has the first member of each annotator's
 * group, or is NULL where each is alone.  It must outlive the view.
 */
void
em_set_voices(AnnotationView *view, const uint32 *group)
{
	uint32	   *voices;
	bool		plain = true;
	EmVoices	v;

	view->group = group;
	view->voices = NULL;
	view->teaching_voices = TEACHING_VOICES;
	if (group == NULL && view->abstains == 0 && !view->silence && !annotations_repeat(view))
		return;					/* every answer is a voice, and there is nothing else */
	voices = nl_alloc(CurrentMemoryContext, mul_size(Max(view->items, 1), sizeof(uint32)));
	v = em_voices_begin(view);
	for (uint32 i = 0; i < view->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		voices[i] = em_voices_count(&v, i);
		plain = plain && voices[i] == view->starts[i + 1] - view->starts[i];
	}
	em_voices_end(&v);
	if (!plain || view->silence)
		view->voices = voices;
	else
	{
		pfree(voices);
		view->group = NULL;
	}
}

/* How many voices say what an item is; where each answer is one, those that name a class. */
uint32
em_voices_naming(const AnnotationView *view, uint32 item)
{
	uint32		n = 0;

	if (view->voices != NULL || view->abstains == 0)
		return em_item_voices(view, item);
	for (uint32 a = view->starts[item]; a < view->starts[item + 1]; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		n += annotation_is_class(view, view->label[a]);
	}
	return n;
}

/* How many items tell anything about annotators. */
uint32
em_count_telling(const AnnotationView *view)
{
	uint32		n = 0;

	for (uint32 i = 0; i < view->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		n += em_item_tells(view, i);
	}
	return n;
}
