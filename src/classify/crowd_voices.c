/*
 * crowd_voices.c
 *		What the answers of a crowd count in learn_from_crowds(), and for what: as in
 *		dawid_skene() (em_voices.c), whose option "groups" says which annotators are
 *		one voice, and "abstain" which label is an answer but no class.
 *
 * Each answer's share of a voice is kept, since rounds need them many times.  An answer
 * that names no class has one, too: how often annotators abstain is learned, and says
 * something of the item.  But it is no vote, and nothing to learn the classes from.
 *
 * Memory: a number for each answer, and another with groups; a number for each item
 * where it has other voices than answers.  Interrupts: each answer.
 */
#include "classify/crowd_voices.h"

#include "crowd/fit.h"

/* Bytes that crowd_voices_begin() may need. */
Size
crowd_voices_memory(const AnnotationView *view, const CrowdOptions *options)
{
	bool		groups = options->groups != NULL;
	Size		size = mul_size(view->annotations, (groups ? 2 : 1) * sizeof(double));

	if (groups)
		size = add_size(size, mul_size(view->annotators.n, 2 * sizeof(uint32)));
	return add_size(size, em_set_voices_memory(view));
}

static double *
table_of_answers(const AnnotationView *view)
{
	return nl_alloc(CurrentMemoryContext, mul_size(Max(view->annotations, 1), sizeof(double)));
}

/* A label that nobody gave is not missed. */
static void
set_classes(CrowdVoices *v, const Jsonb *abstain)
{
	AnnotatorModelView labels = {.labels = v->view.labels};
	const char *none = label_of_abstain(abstain);

	if (none != NULL)
		v->view.abstains = names_find(&v->view.labels, name_of(none)) + 1;
	check_gold_labels(&v->view, none);
	labels.abstains = v->view.abstains;
	v->classes = model_classes(&labels, &v->class_label);
	v->label_class = palloc(labels.labels.n * sizeof(int64));
	for (uint32 l = 0; l < labels.labels.n; l++)
		v->label_class[l] = -1;
	for (uint32 k = 0; k < v->classes.n; k++)
		v->label_class[v->class_label[k]] = k;
}

/* What each answer counts. */
static void
weigh_answers(CrowdVoices *v)
{
	const AnnotationView *view = &v->view;
	EmVoices	reader = em_voices_begin(view);

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
	}
	em_voices_end(&reader);
}

/* What all answers to an item count that name a class, or whatever they name. */
static double
sum_answers(const CrowdVoices *v, uint32 item, bool all)
{
	const AnnotationView *view = &v->view;
	double		sum = 0;

	for (uint32 a = view->starts[item]; a < view->starts[item + 1]; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		if (all || annotation_is_class(view, view->label[a]))
			sum += v->heard[a];
	}
	return sum;
}

/*
 * What the answers to an item count that name a class: less than a voice of who says
 * something else, too, or of whose group somebody does.
 */
double
crowd_voices_named(const CrowdVoices *v, uint32 item)
{
	return v->view.abstains == 0 ? crowd_voices_of(v, item) : sum_answers(v, item, false);
}

/* Wherever all labels are classes, these are whole numbers. */
static void
sum_voices(CrowdVoices *v)
{
	for (uint32 i = 0; i < v->view.items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		v->named += crowd_voices_named(v, i);
		v->all += v->view.abstains == 0 ? crowd_voices_of(v, i) : sum_answers(v, i, true);
		v->items_told += crowd_voices_tell(v, i);
	}
}

/* The labels of the view stay as they are. */
CrowdVoices *
crowd_voices_begin(const AnnotationView *view, const CrowdOptions *options)
{
	CrowdVoices *v = palloc0(sizeof(CrowdVoices));

	v->view = *view;
	set_classes(v, options->abstain);
	v->group = groups_of_option(view, options->groups);
	em_set_voices(&v->view, v->group);
	v->own = table_of_answers(view);
	v->heard = v->group == NULL ? v->own : table_of_answers(view);
	weigh_answers(v);
	sum_voices(v);
	return v;
}

/* How many of an item's voices name each class; returns their sum. */
double
crowd_voices_votes(const CrowdVoices *v, uint32 item, double *votes)
{
	const AnnotationView *view = &v->view;
	double		sum = 0;

	memset(votes, 0, v->classes.n * sizeof(double));
	for (uint32 a = view->starts[item]; a < view->starts[item + 1]; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		if (!annotation_is_class(view, view->label[a]))
			continue;
		votes[v->label_class[view->label[a]]] += v->heard[a];
		sum += v->heard[a];
	}
	return sum;
}

/*
 * The shares of an item's voices that name each class, or its gold; zeros if nobody says
 * what it is.
 */
void
crowd_voices_shares(const CrowdVoices *v, uint32 item, double *shares)
{
	uint32		gold = crowd_voices_gold(v, item);
	double		sum = crowd_voices_votes(v, item, shares);

	for (Size k = 0; k < v->classes.n; k++)
		if (gold != NO_GOLD)
			shares[k] = k == gold;
		else if (sum > 0)
			shares[k] /= sum;
}
