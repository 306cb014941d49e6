/*
 * em_agreement.c
 *		How often two annotators should agree, if they knew nothing of each other.
 *
 * Agreement alone cannot tell two copies from two experts among guessers;
 * agreement beyond what each one's own relation to the others explains can.
 * That is estimated twice:
 *
 * by top		cheaply: on the items where label k is the top label of the
 *				others, each one's rates of answers
 * by posterior	the class of each item by the others' answers (the posterior T of
 *				a fit without these two and whoever else is left out, tempered as
 *				it would be reported); each one's matrix by EM with T fixed; then
 *				on an item
 *				sum over k of T_k sum over l of A(l|k) B(l|k)
 *
 * Gold is no part of it: items that are hard are so for both, and next to gold any two
 * annotators would agree too often on what is wrong.
 *
 * The first is biased where the top label is often wrong, as then two good
 * annotators agree against it; so it only says where to look.  The second costs
 * more, and looks at no more than a sample of many items.
 *
 * Memory: T, no more than MAX_CELLS numbers (or of MIN_ITEMS items), and some
 * matrices.  Interrupts: for each item, and each pass of the EM.
 */
#include "crowd/em.h"

#include <math.h>

#include "common/hashfn.h"
#include "crowd/em_copies.h"
#include "crowd/em_correlation.h"

#define MAX_CELLS 1000000		/* of T */
#define MAX_ITEMS 10000			/* that T is of */
#define MIN_ITEMS 1000
#define SAMPLE_SEED 31
#define PASSES 30
#define START_RIGHT 0.7
#define PSEUDO_ANSWERS 0.25		/* a cell */

struct AgreementBuffers
{
	const AnnotationView *view;
	Size		classes;
	EmPosteriors *posteriors;	/* by the parameters of the fit */
	uint32	   *counts[2];		/* K each, of labels; zero between uses */
	uint32	   *starts;			/* K + 1 */
	uint32		capacity;		/* of the next two */
	double	   *truth;			/* T: of each item, K; later em_dependence.c's */
	PairItem   *items;			/* that T is of */
	uint32		taken;			/* of them, by the last pair */
	double	   *rates[2];		/* K * K each, by label and truth */
	double	   *sums;			/* K * K */
	double	   *share;			/* K */
};

static Size
max_items(Size classes)
{
	return Min(Max(MAX_CELLS / classes, MIN_ITEMS), MAX_ITEMS);
}

Size
agreement_memory(const AnnotationView *view)
{
	Size		classes = view->labels.n;
	Size		items = Min(max_items(classes), view->items);

	return add_size(add_size(mul_size(items, (classes + 1) * sizeof(double) + sizeof(PairItem)),
							 dependence_memory(view)),
					mul_size(mul_size(classes, classes + 4), 3 * sizeof(double)));
}

AgreementBuffers *
agreement_begin(const AnnotationView *view, const EmParameters *at)
{
	AgreementBuffers *s = palloc0(sizeof(AgreementBuffers));
	Size		classes = view->labels.n;

	s->view = view;
	s->classes = classes;
	s->posteriors = em_begin_posteriors(view, at);
	s->starts = palloc((classes + 1) * sizeof(uint32));
	s->capacity = Min(max_items(classes), view->items);
	s->truth = palloc(s->capacity * classes * sizeof(double));
	s->items = palloc(s->capacity * sizeof(PairItem));
	s->sums = palloc(classes * classes * sizeof(double));
	s->share = palloc(classes * sizeof(double));
	for (int side = 0; side < 2; side++)
	{
		s->counts[side] = palloc0(classes * sizeof(uint32));
		s->rates[side] = palloc(classes * classes * sizeof(double));
	}
	return s;
}

void
agreement_end(AgreementBuffers *s)
{
	em_end_posteriors(s->posteriors);
	pfree(s->starts);
	pfree(s->truth);
	pfree(s->items);
	pfree(s->sums);
	pfree(s->share);
	for (int side = 0; side < 2; side++)
	{
		pfree(s->counts[side]);
		pfree(s->rates[side]);
	}
	pfree(s);
}

/*
 * By top
 *
 * The items of one top label, which stand together in "labels".  Leaves the
 * counts zero.
 */
static void
add_top(AgreementBuffers *s, const CommonItem **common, uint32 n, Agreement *sum)
{
	double		pairs = 0;
	double		expected;

	for (uint32 i = 0; i < n; i++)
	{
		s->counts[0][common[i]->labels[0]]++;
		s->counts[1][common[i]->labels[1]]++;
	}
	for (uint32 i = 0; i < n; i++)
	{
		uint16		label = common[i]->labels[0];

		pairs += (double) s->counts[0][label] * s->counts[1][label];
		s->counts[0][label] = 0;	/* each label once */
	}
	for (uint32 i = 0; i < n; i++)
		s->counts[1][common[i]->labels[1]] = 0;
	expected = pairs / ((double) n * n);
	sum->expected += n * expected;
	sum->variance += n * expected * (1 - expected);
}

/* The items by top labels: those of label k begin at s->starts[k]. */
static void
sort_by_top(AgreementBuffers *s, const CommonItem *common, uint32 n,
			const CommonItem **sorted)
{
	memset(s->starts, 0, (s->classes + 1) * sizeof(uint32));
	for (uint32 i = 0; i < n; i++)
		s->starts[common[i].top]++;
	for (Size k = 1; k <= s->classes; k++)
		s->starts[k] += s->starts[k - 1];
	for (uint32 i = n; i-- > 0;)
		sorted[--s->starts[common[i].top]] = &common[i];
}

static double
count_agreeing(const CommonItem *common, uint32 n)
{
	double		observed = 0;

	for (uint32 i = 0; i < n; i++)
		observed += common[i].labels[0] == common[i].labels[1];
	return observed;
}

Agreement
agreement_by_top(AgreementBuffers *s, const CommonItem *common, uint32 n)
{
	Agreement	result = {.items = n,.observed = count_agreeing(common, n)};
	const CommonItem **sorted = palloc(n * sizeof(CommonItem *));

	sort_by_top(s, common, n, sorted);
	for (Size k = 0; k < s->classes; k++)
		if (s->starts[k + 1] > s->starts[k])
			add_top(s, sorted + s->starts[k], s->starts[k + 1] - s->starts[k], &result);
	pfree(sorted);
	return result;
}

/*
 * By posterior
 */
/* What the others say about an item; false: nobody is left who says anything. */
static bool
item_truth(AgreementBuffers *s, const LeftOut *out, uint32 item, double *truth)
{
	const double *weights;
	uint32		voices = em_log_weights(s->posteriors, item, out, &weights);

	em_temper(s->view, weights, design_exponent(voices, ASSUMED_CORRELATION), truth);
	return voices > 0;
}

/* Fills T and the items, a sample if there are too many; how many. */
static uint32
take_items(AgreementBuffers *s, const LeftOut *out, const PairItem *common, uint32 n)
{
	double		limit = (double) s->capacity / n * PG_UINT32_MAX;
	uint32		taken = 0;

	for (uint32 i = 0; i < n && taken < s->capacity; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if ((uint32) hash_bytes_uint32_extended(common[i].item, SAMPLE_SEED) > limit)
			continue;
		if (item_truth(s, out, common[i].item, s->truth + taken * s->classes))
			s->items[taken++] = common[i];
	}
	return taken;
}

/* One pass of EM for the matrix of one of the two, T being what is known. */
static void
improve_rates(AgreementBuffers *s, int side, uint32 n)
{
	double	   *rates = s->rates[side];
	Size		classes = s->classes;
	Size		cells = classes * classes;
	const double *truth = s->truth;

	for (Size c = 0; c < cells; c++)
		s->sums[c] = PSEUDO_ANSWERS;
	for (uint32 i = 0; i < n; i++, truth += classes)
	{
		Size		row = s->items[i].labels[side] * classes;
		const double *rate = rates + row;
		double	   *count = s->sums + row;
		double		sum = 0;

		for (Size k = 0; k < classes; k++)
			sum += truth[k] * rate[k];
		for (Size k = 0; k < classes; k++)
			count[k] += truth[k] * rate[k] / sum;
	}
	memset(s->share, 0, classes * sizeof(double));
	for (Size c = 0; c < cells; c++)
		s->share[c % classes] += s->sums[c];
	for (Size c = 0; c < cells; c++)
		rates[c] = s->sums[c] / s->share[c % classes];
}

static void
fit_rates(AgreementBuffers *s, int side, uint32 n)
{
	Size		classes = s->classes;
	double	   *rates = s->rates[side];

	for (Size c = 0; c < classes * classes; c++)
		rates[c] = c / classes == c % classes ? START_RIGHT :
			(1 - START_RIGHT) / (classes - 1);
	for (int pass = 0; pass < PASSES; pass++)
	{
		CHECK_FOR_INTERRUPTS();
		improve_rates(s, side, n);
	}
}

/* By classes, the chance that both say the same. */
static void
agreement_rates(const AgreementBuffers *s, double *both)
{
	memset(both, 0, s->classes * sizeof(double));
	for (Size c = 0; c < s->classes * s->classes; c++)
		both[c % s->classes] += s->rates[0][c] * s->rates[1][c];
}

Agreement
agreement_by_posterior(AgreementBuffers *s, const LeftOut *out,
					   const PairItem *common, uint32 n)
{
	Agreement	result = {.items = take_items(s, out, common, n)};
	const double *truth = s->truth;

	for (int side = 0; side < 2; side++)
		fit_rates(s, side, result.items);
	agreement_rates(s, s->share);
	for (uint32 i = 0; i < result.items; i++, truth += s->classes)
	{
		double		expected = 0;

		for (Size k = 0; k < s->classes; k++)
			expected += truth[k] * s->share[k];
		result.observed += s->items[i].labels[0] == s->items[i].labels[1];
		result.expected += expected;
		result.variance += expected * (1 - expected);
	}
	s->taken = result.items;
	return result;
}

/* em_dependence.c's z on the items by which a pair was judged just before. */
double
agreement_of_others(AgreementBuffers *s, const LeftOut *out)
{
	return dependence_of_others(s->view, out, s->items, s->taken, s->truth);
}
