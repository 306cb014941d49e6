/*
 * majority.c
 *		Whether the answers of a fit are the most frequent labels, and how frequent
 *		classes are among them.
 *
 * Looked at are items with two annotators or more; not those with gold, whose
 * answer is known.  Every answer is a vote there, whatever voices the fit has:
 * that is what a user counts.
 *
 * The shares of classes are those of the answers of items that teach, with a
 * pseudo-item for each class.  The class prior of variant auto is no estimate of
 * them: the rule stops early, when prior and matrices are still on their way from the
 * shares of votes, where a class of 3 % of two has more than 20 %.  Labels are nearer.
 *
 * Memory: two numbers for each class.  Interrupts: within an item of many
 * annotations.
 */
#include "crowd/majority.h"

#include "noisylabel.h"

#include "crowd/em_voices.h"

MajorityTally
majority_begin(const AnnotationView *view)
{
	return (MajorityTally) {
		.view = view,
		.votes = palloc0(view->labels.n * sizeof(uint32)),
		.answers = palloc0(view->labels.n * sizeof(double))
	};
}

/* The probability from which on a class is an answer. */
static double
top_probability(const double *posterior, uint32 classes)
{
	double		max = posterior[0];

	for (uint32 k = 1; k < classes; k++)
		max = Max(max, posterior[k]);
	return max - NL_TIE_TOLERANCE;
}

/* Of equal ones each is a part of the answer. */
static void
count_answer(MajorityTally *t, const double *posterior, double top)
{
	uint32		equal = 0;

	for (uint32 k = 0; k < t->view->labels.n; k++)
		equal += posterior[k] >= top;
	for (uint32 k = 0; k < t->view->labels.n; k++)
		if (posterior[k] >= top)
			t->answers[k] += 1.0 / equal;
	t->teaching++;
}

/* The shares of classes; NULL where nothing teaches. */
double *
majority_shares(const MajorityTally *t)
{
	uint32		labels = t->view->labels.n;
	double	   *shares = palloc(labels * sizeof(double));

	if (t->teaching == 0)
		return NULL;
	for (uint32 k = 0; k < labels; k++)
		shares[k] = annotation_is_class(t->view, k) ?
			(t->answers[k] + 1) / ((double) t->teaching + annotation_classes(t->view)) : 0;
	return shares;
}

/* The votes for an item's labels, and for one of them; "votes" is zero before and after. */
ItemVotes
item_votes(const AnnotationView *view, uint32 item, uint32 label, uint32 *votes)
{
	uint32		from = view->starts[item];
	uint32		to = view->starts[item + 1];
	ItemVotes	result = {0, 0, 0};

	for (uint32 a = from; a < to; a++)
	{
		uint32		n;

		NL_CHECK_INTERRUPTS(a);
		if (!annotation_is_class(view, view->label[a]))
			continue;
		n = ++votes[view->label[a]];
		result.with_most = n > result.most ? 1 : result.with_most + (n == result.most);
		result.most = Max(result.most, n);
	}
	result.label = label == NO_GOLD ? 0 : votes[label];
	for (uint32 a = from; a < to; a++)
		votes[view->label[a]] = 0;
	return result;
}

/* An EmLook. */
void
majority_look(void *tally, uint32 item, const double *posterior)
{
	MajorityTally *t = tally;
	const AnnotationView *view = t->view;
	double		top = top_probability(posterior, view->labels.n);
	uint32		answer = 0;
	ItemVotes	votes;

	if (em_item_teaches(view, item))
		count_answer(t, posterior, top);
	if (!annotation_overlaps(view, item) ||
		annotation_gold(view, item) != NO_GOLD)
		return;
	for (uint32 k = view->labels.n; k-- > 0;)	/* as consensus(): of equal ones the first */
		answer = posterior[k] >= top ? k : answer;
	votes = item_votes(view, item, answer, t->votes);
	if (votes.most == 0)
		return;					/* nobody names a class */
	t->items++;
	t->other += votes.label < votes.most;
	t->tied += votes.with_most > 1;
}
