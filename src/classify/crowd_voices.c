/*
 * crowd_voices.c
 *		What the answers of a crowd count in learn_from_crowds(): as in dawid_skene()
 *		(em_voices.c), whose option "groups" says which annotators are one voice.
 *
 * Each answer's share of a voice is kept, since rounds need them many times.
 *
 * Memory: a number for each answer, and another with groups; a number for each item
 * where it has other voices than answers.  Interrupts: each answer.
 */
#include "classify/crowd_voices.h"

#include "crowd/fit.h"

/* Bytes that crowd_voices_begin() may need. */
Size
crowd_voices_memory(const AnnotationView *view, const Jsonb *groups)
{
	Size		size = mul_size(view->annotations, (groups == NULL ? 1 : 2) * sizeof(double));

	if (groups != NULL)
		size = add_size(size, mul_size(view->annotators.n, 2 * sizeof(uint32)));
	return add_size(size, em_set_voices_memory(view));
}

static double *
table_of_answers(const AnnotationView *view)
{
	return nl_alloc(CurrentMemoryContext, mul_size(Max(view->annotations, 1), sizeof(double)));
}

/* "groups": the option, or NULL. */
CrowdVoices *
crowd_voices_begin(const AnnotationView *view, const Jsonb *groups)
{
	CrowdVoices *v = palloc0(sizeof(CrowdVoices));
	EmVoices	reader;

	v->view = *view;
	v->group = groups_of_option(view, groups);
	em_set_voices(&v->view, v->group);
	v->own = table_of_answers(view);
	v->heard = v->group == NULL ? v->own : table_of_answers(view);
	reader = em_voices_begin(&v->view);
	for (uint32 i = 0; i < view->items; i++)
	{
		EmRun		run = {.to = view->starts[i]};

		em_voices_enter(&reader, i);
		while (em_voices_next(&reader, i, &run))
			for (uint32 a = run.from; a < run.to; a++)
			{
				NL_CHECK_INTERRUPTS(a);
				v->own[a] = run.own;
				v->heard[a] = run.heard;
			}
		em_voices_leave(&reader, i);
		v->n += crowd_voices_of(v, i);
	}
	em_voices_end(&reader);
	return v;
}

/* How many of an item's voices name each class; returns how many there are. */
double
crowd_voices_votes(const CrowdVoices *v, uint32 item, double *votes)
{
	const AnnotationView *view = &v->view;
	double		sum = 0;

	memset(votes, 0, view->labels.n * sizeof(double));
	for (uint32 a = view->starts[item]; a < view->starts[item + 1]; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		votes[view->label[a]] += v->heard[a];
		sum += v->heard[a];
	}
	return sum;
}

/* The shares of an item's voices that name each class, or its gold. */
void
crowd_voices_shares(const CrowdVoices *v, uint32 item, double *shares)
{
	uint32		gold = annotation_gold(&v->view, item);
	double		sum = crowd_voices_votes(v, item, shares);

	for (Size k = 0; k < v->view.labels.n; k++)
		shares[k] = gold == NO_GOLD ? shares[k] / sum : k == gold;
}
