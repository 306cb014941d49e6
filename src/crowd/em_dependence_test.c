/*
 * em_dependence_test.c
 *		Do annotators agree more than a model can explain?
 *
 * Under the model annotators are independent given the true class.  So pairs
 * of annotators should give the same label to an item as often as their
 * matrices say: for a class k, sum over labels l of pi(i, k, l) pi(j, k, l).
 * If they agree more often (errors that have a cause in the item, or in each
 * other), every further pass of EM feeds what they share back into itself.
 *
 * For an item i with n annotators let o be the number of its pairs that agree,
 * e_k the number expected for class k, and w = 1 / (n - 1), so that an item
 * counts by its annotators.  The statistic is
 *
 *	z = sum of w (o - sum of p_k e_k) / sqrt(sum of (w (o - sum of t_ik e_k))^2)
 *
 * with p the class prior and t the posterior.  As the parameters have been
 * fitted, its variance without dependence is less than 1.  Compare Hausman,
 * Econometrica 46 (1978), for the use of such a test to choose between an
 * estimate that is efficient under an assumption and one that is robust.
 *
 * Repeated answers of one annotator to an item count once.  The work of an
 * annotation is K * K; above MAX_WORK every s-th item is looked at, which
 * leaves more than enough for the test.
 *
 * Memory: a few buffers of K * K doubles.  Interrupts: for each item and
 * annotation.
 */
#include "crowd/em.h"

#include <math.h>

#define MAX_WORK 2e8

typedef struct Agreement
{
	const AnnotationView *view;
	const EmParameters *at;
	uint32		classes;
	double	   *sum;			/* K * K (label, truth): of probabilities */
	double	   *squares;		/* K * K: of their squares */
	double	   *votes;			/* K */
	double	   *expected;		/* K: pairs that agree, by class */
	AnnotationView without_gold;
	EmPosteriors *posteriors;
	double		excess;
	double		variance;
} Agreement;

static void
add_annotation(Agreement *s, uint32 annotator, uint32 label)
{
	Size		cells = (Size) s->classes * s->classes;
	const double *p = s->at->confusion + annotator * cells;

	for (Size c = 0; c < cells; c++)
	{
		s->sum[c] += p[c];
		s->squares[c] += p[c] * p[c];
	}
	s->votes[label]++;
}

/* Returns how many annotators there are. */
static uint32
add_annotations(Agreement *s, uint32 item)
{
	const AnnotationView *view = s->view;
	Size		cells = (Size) s->classes * s->classes;
	uint32		first = view->starts[item];
	uint32		n = 0;

	memset(s->sum, 0, cells * sizeof(double));
	memset(s->squares, 0, cells * sizeof(double));
	memset(s->votes, 0, s->classes * sizeof(double));
	for (uint32 a = first; a < view->starts[item + 1]; a++)
	{
		CHECK_FOR_INTERRUPTS();
		if (a > first && view->annotator[a] == view->annotator[a - 1])
			continue;
		add_annotation(s, view->annotator[a], view->label[a]);
		n++;
	}
	return n;
}

static void
add_item(Agreement *s, uint32 item)
{
	uint32		classes = s->classes;
	uint32		n = add_annotations(s, item);
	double		observed = 0;
	double		by_prior = 0;
	double		by_posterior = 0;
	const double *posterior;

	if (n < 2)
		return;
	posterior = em_item_posterior(s->posteriors, item);
	memset(s->expected, 0, classes * sizeof(double));
	for (uint32 label = 0; label < classes; label++)
	{
		observed += s->votes[label] * (s->votes[label] - 1) / 2;
		for (uint32 k = 0; k < classes; k++)
		{
			Size		c = (Size) label * classes + k;

			s->expected[k] += (s->sum[c] * s->sum[c] - s->squares[c]) / 2;
		}
	}
	for (uint32 k = 0; k < classes; k++)
	{
		by_prior += s->at->prior[k] * s->expected[k];
		by_posterior += posterior[k] * s->expected[k];
	}
	s->excess += (observed - by_prior) / (n - 1);
	s->variance += (observed - by_posterior) / (n - 1) *
		(observed - by_posterior) / (n - 1);
}

static Agreement
begin_agreement(const AnnotationView *view, const EmParameters *at)
{
	Size		classes = view->labels.n;
	Agreement	s = {.view = view,.at = at,.classes = classes};

	s.sum = palloc(classes * classes * sizeof(double));
	s.squares = palloc(classes * classes * sizeof(double));
	s.votes = palloc(classes * sizeof(double));
	s.expected = palloc(classes * sizeof(double));
	s.without_gold = annotations_without_gold(view);
	return s;
}

static void
end_agreement(Agreement *s)
{
	pfree(s->sum);
	pfree(s->squares);
	pfree(s->votes);
	pfree(s->expected);
	em_end_posteriors(s->posteriors);
}

/* The statistic z; 0 where there is nothing to compare. */
double
em_dependence(const AnnotationView *view, const EmParameters *at)
{
	Agreement	s = begin_agreement(view, at);
	double		work = (double) view->annotations * s.classes * s.classes;
	uint32		step = work > MAX_WORK ? (uint32) ceil(work / MAX_WORK) : 1;

	s.posteriors = em_begin_posteriors(&s.without_gold, at);
	for (uint64 i = 0; i < view->items; i += step)
	{
		CHECK_FOR_INTERRUPTS();
		add_item(&s, (uint32) i);
	}
	end_agreement(&s);
	return s.variance > 0 ? s.excess / sqrt(s.variance) : 0;
}
