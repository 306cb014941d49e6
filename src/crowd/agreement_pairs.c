/*
 * agreement_pairs.c
 *		Agreement of pairs of annotators, and of annotators with themselves; see
 *		agreement_pairs.h.
 *
 * Phases
 *
 *	1. the visits of each annotator: an item, and where his answers to it begin;
 *	2. for each annotator, the visits of those who come after him to his items are
 *	   dealt to their annotators (an item's answers are in order of annotator);
 *	3. each of them and he are a pair: shares, observed and expected disagreement, and
 *	   by the influences of the items the interval, as of the other coefficients.
 *
 * So pairs without a common item cost nothing, and time goes with the pairs of
 * answers to one item.
 *
 * Memory: 8 bytes an annotator and a visit, and 8 for each meeting of one annotator
 * with others.  Interrupts: with visits, meetings and pairs.
 */
#include "crowd/agreement_pairs.h"

#include <math.h>

/* An annotator's answers to an item. */
typedef struct Visit
{
	uint32		item;
	uint32		from;
} Visit;

/* Two annotators' answers to one item. */
typedef struct Meeting
{
	uint32		visit;
	uint32		other_from;
} Meeting;

/* One side of a pair. */
typedef struct Side
{
	double	   *shares;			/* by category, summed over items; zero between pairs */
	double	   *against;		/* distances times the other's shares */
	uint16	   *met;			/* categories with a share */
	uint32		n;
	Share	   *of_item;
	uint32		n_of_item;
} Side;

typedef struct Pairs
{
	AgreementReader *reader;
	const AnnotationView *view;
	double		confidence;
	PairReceiver receive;
	void	   *arg;
	uint32	   *starts;			/* of each annotator's visits: annotators + 1 */
	Visit	   *visits;
	uint32	   *ends;			/* of each annotator's meetings; zero between */
	uint32	   *others;			/* that he has met */
	Meeting    *meetings;
	Size		capacity;
	Side		sides[2];
} Pairs;

/*
 * Phase 1
 */
static void
count_visits(Pairs *p)
{
	const AnnotationView *view = p->view;
	uint32		sum = 0;

	for (uint32 i = 0; i < view->items; i++)
		for (uint32 a = view->starts[i]; a < view->starts[i + 1];
			 a = answers_end(view, a, view->starts[i + 1]))
		{
			NL_CHECK_INTERRUPTS(a);
			p->starts[view->annotator[a]]++;
		}
	for (uint32 j = 0; j <= view->annotators.n; j++)
	{
		uint32		n = p->starts[j];

		NL_CHECK_INTERRUPTS(j);
		p->starts[j] = sum;
		sum += n;
	}
}

/* Starts become those of the next annotator, and are moved back after. */
static void
deal_visits(Pairs *p)
{
	const AnnotationView *view = p->view;

	for (uint32 i = 0; i < view->items; i++)
		for (uint32 a = view->starts[i]; a < view->starts[i + 1];
			 a = answers_end(view, a, view->starts[i + 1]))
		{
			NL_CHECK_INTERRUPTS(a);
			p->visits[p->starts[view->annotator[a]]++] = (Visit) {i, a};
		}
	for (uint32 j = view->annotators.n; j > 0; j--)
	{
		NL_CHECK_INTERRUPTS(j);
		p->starts[j] = p->starts[j - 1];
	}
	p->starts[0] = 0;
}

static Pairs
begin_pairs(const AnnotationView *view, const AgreementScale *scale)
{
	Pairs		p = {.reader = agreement_reader(view, scale),.view = view};
	MemoryContext context = CurrentMemoryContext;
	Size		annotators = (Size) view->annotators.n + 1;
	uint32		n = Max(scale->n, 1);

	nl_check_memory(add_size(mul_size(annotators, 3 * sizeof(uint32)),
							 mul_size(view->annotations, sizeof(Visit))),
					"pairwise_agreement()");
	p.starts = nl_alloc_zero(context, annotators * sizeof(uint32));
	p.ends = nl_alloc_zero(context, annotators * sizeof(uint32));
	p.others = nl_alloc(context, annotators * sizeof(uint32));
	p.visits = nl_alloc(context, Max(view->annotations, 1) * sizeof(Visit));
	for (int s = 0; s < 2; s++)
		p.sides[s] = (Side) {
			.shares = palloc0(n * sizeof(double)),
			.against = palloc0(n * sizeof(double)),
			.met = palloc(n * sizeof(uint16)),
			.of_item = palloc(n * sizeof(Share))
		};
	return p;
}

/*
 * Phase 2
 */
static int
compare_numbers(const void *a, const void *b)
{
	uint32		x = *(const uint32 *) a;
	uint32		y = *(const uint32 *) b;

	return x < y ? -1 : x > y;
}

static void
reserve_meetings(Pairs *p, Size n)
{
	if (n <= p->capacity)
		return;
	nl_check_memory(add_size(mul_size(p->view->annotations, sizeof(Visit)),
							 mul_size(n, sizeof(Meeting))),
					"pairwise_agreement()");
	if (p->meetings != NULL)
		pfree(p->meetings);
	p->capacity = n;
	p->meetings = nl_alloc(CurrentMemoryContext, n * sizeof(Meeting));
}

/* Whom the annotator meets, in order; leaves where each one's meetings end. */
static uint32
count_meetings(Pairs *p, uint32 annotator)
{
	const AnnotationView *view = p->view;
	uint32		n = 0;
	Size		sum = 0;

	for (uint32 v = p->starts[annotator]; v < p->starts[annotator + 1]; v++)
	{
		uint32		end = view->starts[p->visits[v].item + 1];

		for (uint32 a = answers_end(view, p->visits[v].from, end); a < end;
			 a = answers_end(view, a, end))
		{
			NL_CHECK_INTERRUPTS(a);
			if (p->ends[view->annotator[a]]++ == 0)
				p->others[n++] = view->annotator[a];
		}
		CHECK_FOR_INTERRUPTS();
	}
	qsort(p->others, n, sizeof(uint32), compare_numbers);
	for (uint32 o = 0; o < n; o++)
	{
		uint32		meetings = p->ends[p->others[o]];

		p->ends[p->others[o]] = sum;
		sum += meetings;
	}
	reserve_meetings(p, sum);
	return n;
}

static void
deal_meetings(Pairs *p, uint32 annotator)
{
	const AnnotationView *view = p->view;

	for (uint32 v = p->starts[annotator]; v < p->starts[annotator + 1]; v++)
	{
		uint32		end = view->starts[p->visits[v].item + 1];

		for (uint32 a = answers_end(view, p->visits[v].from, end); a < end;
			 a = answers_end(view, a, end))
		{
			NL_CHECK_INTERRUPTS(a);
			p->meetings[p->ends[view->annotator[a]]++] = (Meeting) {v, a};
		}
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * Phase 3
 */
static void
read_meeting(Pairs *p, const Meeting *m)
{
	const Visit *visit = &p->visits[m->visit];
	uint32		end = p->view->starts[visit->item + 1];

	p->sides[0].n_of_item = answers_shares(p->reader, visit->from,
										   answers_end(p->view, visit->from, end),
										   p->sides[0].of_item);
	p->sides[1].n_of_item = answers_shares(p->reader, m->other_from,
										   answers_end(p->view, m->other_from, end),
										   p->sides[1].of_item);
}

static double
meeting_disagreement(const Pairs *p)
{
	const Side *x = &p->sides[0];
	const Side *y = &p->sides[1];
	double		sum = 0;

	for (uint32 a = 0; a < x->n_of_item; a++)
		for (uint32 b = 0; b < y->n_of_item; b++)
			sum += x->of_item[a].share * y->of_item[b].share *
				scale_distance(p->reader->scale, x->of_item[a].category, y->of_item[b].category);
	return sum;
}

static void
add_item(Side *side)
{
	for (uint32 c = 0; c < side->n_of_item; c++)
	{
		Share		s = side->of_item[c];

		if (side->shares[s.category] == 0)
			side->met[side->n++] = s.category;
		side->shares[s.category] += s.share;
	}
}

/* How far the one's categories are from the other's shares. */
static void
hold_against(Pairs *p, Side *side, const Side *other, double n)
{
	for (uint32 k = 0; k < side->n; k++)
	{
		double		sum = 0;

		CHECK_FOR_INTERRUPTS();
		for (uint32 l = 0; l < other->n; l++)
			sum += other->shares[other->met[l]] *
				scale_distance(p->reader->scale, side->met[k], other->met[l]);
		side->against[side->met[k]] = sum / n;
	}
}

static double
item_against(const Side *side)
{
	double		sum = 0;

	for (uint32 c = 0; c < side->n_of_item; c++)
		sum += side->of_item[c].share * side->against[side->of_item[c].category];
	return sum;
}

static void
forget(Side *side)
{
	for (uint32 k = 0; k < side->n; k++)
		side->shares[side->met[k]] = 0;
	side->n = 0;
}

/* Cohen's kappa, 1 - observed / expected, and how each item moves it. */
static void
pair_kappa(Pairs *p, const Meeting *meetings, PairAgreement *pair)
{
	Influences	influences = {0};
	double		observed = 1 - pair->percent;
	double		expected = 0;
	Bounds		bounds;

	for (uint32 k = 0; k < p->sides[0].n; k++)
	{
		uint16		category = p->sides[0].met[k];

		expected += p->sides[0].shares[category] / pair->items * p->sides[0].against[category];
	}
	if (!(expected > 0))
		return;
	pair->kappa = 1 - observed / expected;
	for (uint32 m = 0; m < pair->items; m++)
	{
		double		moved;

		NL_CHECK_INTERRUPTS(m);
		read_meeting(p, &meetings[m]);
		moved = item_against(&p->sides[0]) + item_against(&p->sides[1]) - 2 * expected;
		influences_add(&influences,
					   (meeting_disagreement(p) - observed - observed / expected * moved) / expected);
	}
	if (observed > 0 && skewed_interval(observed / expected, &influences, p->confidence, &bounds))
		pair->bounds = (Bounds) {Max(1 - bounds.high, -1), Min(1 - bounds.low, 1)};
}

static void
report_pair(Pairs *p, uint32 annotator, uint32 other, const Meeting *meetings, uint32 n)
{
	double		nan = get_float8_nan();
	PairAgreement pair = {annotator, other, n, 0, nan, {nan, nan}};
	double		disagreement = 0;

	for (uint32 m = 0; m < n; m++)
	{
		NL_CHECK_INTERRUPTS(m);
		read_meeting(p, &meetings[m]);
		disagreement += meeting_disagreement(p);
		add_item(&p->sides[0]);
		add_item(&p->sides[1]);
	}
	pair.percent = 1 - disagreement / n;
	hold_against(p, &p->sides[0], &p->sides[1], n);
	hold_against(p, &p->sides[1], &p->sides[0], n);
	pair_kappa(p, meetings, &pair);
	forget(&p->sides[0]);
	forget(&p->sides[1]);
	p->receive(p->arg, &pair);
}

/* Each pair with a common item once, in order. */
void
agreement_pairs(const AnnotationView *view, const AgreementScale *scale, double confidence,
				PairReceiver receive, void *arg)
{
	Pairs		p = begin_pairs(view, scale);

	p.confidence = confidence;
	p.receive = receive;
	p.arg = arg;
	count_visits(&p);
	deal_visits(&p);
	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		uint32		n = count_meetings(&p, j);
		uint32		from = 0;

		CHECK_FOR_INTERRUPTS();
		deal_meetings(&p, j);
		for (uint32 o = 0; o < n; o++)
		{
			uint32		end = p.ends[p.others[o]];

			report_pair(&p, j, p.others[o], p.meetings + from, end - from);
			from = end;
			p.ends[p.others[o]] = 0;
		}
	}
}

/*
 * Of each annotator, over the items that he has answered more than once, the share of
 * pairs of his answers that differ.
 */
Influences *
agreement_with_self(const AnnotationView *view)
{
	Influences *self;

	nl_check_memory(mul_size(view->annotators.n, sizeof(Influences)), "self_agreement()");
	self = nl_alloc_zero(CurrentMemoryContext, Max(view->annotators.n, 1) * sizeof(Influences));
	for (uint32 i = 0; i < view->items; i++)
		for (uint32 a = view->starts[i], end; a < view->starts[i + 1]; a = end)
		{
			double		like = 0;
			double		n;

			end = answers_end(view, a, view->starts[i + 1]);
			n = end - a;
			NL_CHECK_INTERRUPTS(a);
			if (n == 1)
				continue;
			for (uint32 b = a, c; b < end; b = c)
			{
				for (c = b + 1; c < end && view->label[c] == view->label[b]; c++)
					NL_CHECK_INTERRUPTS(c);
				like += (double) (c - b) * (c - b - 1);
			}
			influences_add(&self[view->annotator[a]], 1 - like / (n * (n - 1)));
		}
	return self;
}
