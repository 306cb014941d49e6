/*
 * em_expectation.c
 *		The E step: posteriors of items and their expected counts.
 *
 * Model (Dawid & Skene, Applied Statistics 28, 1979).  Item i has a true class
 * drawn from the prior p; annotator j gives label l to an item of class k with
 * probability pi(j, k, l), independently of all else.  The log-likelihood is
 *
 *	L = sum over items i of log sum over classes k of p_k prod pi(j, k, l)
 *
 * (their eq. 2.7, with the product over the annotations of the item).  One
 * pass over the annotations computes the posteriors (eq. 2.5) of a tile of
 * items, few enough for the first cache, and adds them to the expected counts at
 * once, so they are never all stored; em_item_posterior() gives that of one item
 * to the rest of the engine.  (What a finished model says of items is in
 * apply_model.c.)  What the counts become is the business of em_maximize.c, and
 * how often, of em_iterate.c.
 *
 * Arithmetic.  An item's weights are products of probabilities, which for a
 * few annotations is safe and much faster than sums of logarithms: the product
 * of a class is rounded only when it falls below the smallest double, 1e-308,
 * and that does not matter so long as another class stands above SAFE_WEIGHT.
 * Nor is there a logarithm for each item: their weights are multiplied, too.
 * Items where none does, and items with more than CHUNK annotations, go
 * through logarithms, taken of the product of each chunk, or of each
 * annotation where a chunk's product comes too near underflow.
 *
 * A pass goes over stripes of items, each with a table of counts of its own,
 * which are added up in their order (see em_team.c).  Within a stripe the order
 * of summation is that of the view, which depends on names only, so the same
 * rows always give the same bits.  Contraction to fused multiply-adds is
 * switched off (see Makefile), so the versions for different processors agree.
 *
 * A label that is no class has the prior 0 as a class, so its weight is 0 here, and
 * it is out of the question for logarithms.  Where silence is an answer, the product
 * of everybody's silence is made once in a pass, and an answer takes its
 * annotator's out: an item costs what its answers do.
 *
 * Memory: a tile and buffers of K doubles; the tables are the team's.
 * Interrupts: every tile, and within an item of many annotations.
 */
#include "crowd/em_answer.h"

#include "crowd/em_correlation.h"
#include "math/dispatch.h"
#include "math/log_space.h"

#define TILE_CELLS 2560			/* doubles of posteriors */
#define CHUNK 32
#define AHEAD 8					/* annotations from prefetch to use */
#define FEW_CELLS 8
#define SAFE_WEIGHT 1e-200
#define SAFE_PRODUCT 1e-290
#define SAFE_FACTOR 1e-100		/* times SAFE_WEIGHT this is no underflow */
#define OUT_OF_QUESTION (PG_UINT32_MAX / 2) /* vetoes, more than all answers have */

/* One pass: what it reads, what it adds to, and buffers for one item. */
typedef struct Pass
{
	const AnnotationView *view;
	EmLayout	layout;
	uint32		classes;
	const double *prior;
	const double *confusion;
	double	   *prior_counts;
	double	   *counts;
	double	   *heard;			/* K * K: what voices said, or NULL */
	EmVoices	voices;
	double	   *weight;			/* K: weights, then posterior */
	double	   *product;		/* K */
	uint32	   *vetoes;			/* K */
	double	   *silent;			/* K: logarithms of everybody's silence, or NULL */
	uint32		tile;			/* items */
	double	   *posterior;		/* of the items of a tile */
	double	   *votes;			/* the same, or NULL if nobody asks */
} Pass;

const double em_same[SMALL_CLASSES][SMALL_CLASSES] = {
	{1}, {0, 1}, {0, 0, 1}, {0, 0, 0, 1}, {0, 0, 0, 0, 1}, {0, 0, 0, 0, 0, 1},
	{0, 0, 0, 0, 0, 0, 1}, {0, 0, 0, 0, 0, 0, 0, 1}, {0, 0, 0, 0, 0, 0, 0, 0, 1},
	{0, 0, 0, 0, 0, 0, 0, 0, 0, 1}
};

/*
 * E step of one item through logarithms; see the head of the file.
 */
static void
add_annotation_logs(Pass *s, uint32 a, double times)
{
	for (uint32 k = 0; k < s->classes; k++)
	{
		double		p = em_answer_rate(s->layout, s->confusion, s->classes,
									   s->view->annotator[a], s->view->label[a], k);

		if (p > 0)
			s->weight[k] += times * log(p);
		else
			s->vetoes[k]++;
	}
}

/* What an answer takes out of everybody's silence. */
static void
subtract_silence(Pass *s, uint32 annotator, double times)
{
	const double *p = s->confusion +
		em_cell(s->classes, annotator, s->view->abstains - 1, 0);

	for (uint32 k = 0; k < s->classes; k++)
		s->weight[k] -= times * log(p[k]);
}

static void
add_chunk_logs(Pass *s, uint32 from, uint32 to)
{
	uint32		classes = s->classes;
	double		min = 1;

	for (uint32 k = 0; k < classes; k++)
		s->product[k] = 1;
	for (uint32 a = from; a < to; a++)
		em_answer_multiply(s->layout.unit, s->layout.own, s->confusion, classes,
						   s->view->annotator[a], s->view->label[a], s->product);
	for (uint32 k = 0; k < classes; k++)
		min = Min(min, s->product[k]);
	if (min >= SAFE_PRODUCT)
		for (uint32 k = 0; k < classes; k++)
			s->weight[k] += log(s->product[k]);
	else
		for (uint32 a = from; a < to; a++)
			add_annotation_logs(s, a, 1);
}

/* An item some of whose answers count less than 1. */
static void
add_voices_logs(Pass *s, uint32 item)
{
	EmRun		run = {.to = s->view->starts[item]};

	em_voices_enter(&s->voices, item);
	while (em_voices_next(&s->voices, item, &run))
		for (uint32 a = run.from; a < run.to; a++)
		{
			if (a % CHUNK == 0)
				CHECK_FOR_INTERRUPTS();
			add_annotation_logs(s, a, run.heard);
			if (s->silent != NULL)
				subtract_silence(s, run.annotator, run.heard);
		}
	em_voices_leave(&s->voices, item);
}

/* Leaves the logarithm of prior and answers in s->weight. */
static void
add_item_logs(Pass *s, uint32 item)
{
	uint32		to = s->view->starts[item + 1];

	for (uint32 k = 0; k < s->classes; k++)
	{
		s->vetoes[k] = s->prior[k] > 0 ? 0 : 1;
		s->weight[k] = s->prior[k] > 0 ? log(s->prior[k]) : 0;
		if (s->silent != NULL)
			s->weight[k] += s->silent[k];
		if (!annotation_is_class(s->view, k))
		{
			s->vetoes[k] = OUT_OF_QUESTION;
			s->weight[k] = -DBL_MAX;
		}
	}
	if (!em_item_is_plain(s->view, item))
		add_voices_logs(s, item);
	else
		for (uint32 a = s->view->starts[item]; a < to; a += CHUNK)
		{
			CHECK_FOR_INTERRUPTS();
			add_chunk_logs(s, a, Min(a + CHUNK, to));
		}
}

/* Gold that may be wrong is one more answer, of known accuracy. */
static void
add_gold_logs(Pass *s, uint32 gold)
{
	double		right = s->view->gold_weight;

	for (uint32 k = 0; k < s->classes; k++)
		s->weight[k] += log(k == gold ? right :
							(1 - right) / (annotation_classes(s->view) - 1));
}

/*
 * Leaves the posterior in s->weight; returns the item's log-likelihood.
 * "gold" is uncertain gold, or NO_GOLD.
 */
static double
posterior_by_logs(Pass *s, uint32 item, uint32 gold)
{
	add_item_logs(s, item);
	if (gold != NO_GOLD)
		add_gold_logs(s, gold);
	return logspace_normalize(s->weight, s->vetoes, s->classes);
}

/* An item whose class is known: its posterior is no question. */
static double
posterior_of_gold(Pass *s, uint32 item, uint32 gold)
{
	double		log_likelihood = log(Max(s->prior[gold], DBL_MIN));
	uint32		to = s->view->starts[item + 1];

	if (s->silent != NULL)
	{
		add_item_logs(s, item);
		log_likelihood = s->weight[gold];
	}
	for (uint32 a = s->view->starts[item]; a < to && s->silent == NULL; a++)
	{
		double		p = em_answer_rate(s->layout, s->confusion, s->classes,
									   s->view->annotator[a], s->view->label[a], gold);

		NL_CHECK_INTERRUPTS(a);
		log_likelihood += log(Max(p, DBL_MIN));
	}
	for (uint32 k = 0; k < s->classes; k++)
		s->weight[k] = (k == gold);
	return log_likelihood;
}

/* The items that the fast path leaves: gold, many annotations, tiny products. */
static pg_noinline double
posterior_with_care(Pass *s, uint32 item)
{
	uint32		gold = annotation_gold(s->view, item);

	if (gold != NO_GOLD && s->view->gold_weight >= 1)
		return posterior_of_gold(s, item, gold);
	return posterior_by_logs(s, item, gold);
}

/* Cells of many classes lie anywhere, and are asked for ahead. */
static pg_attribute_always_inline void
prefetch_cells(const AnnotationView *view, const double *cells, uint32 a, const uint32 classes)
{
	uint32		ahead = a + AHEAD;

	if (classes < FEW_CELLS || ahead >= view->annotations)
		return;
	cells += em_cell(classes, view->annotator[ahead], view->label[ahead], 0);
	for (uint32 k = 0; k < classes; k += 8)
		__builtin_prefetch(cells + k);
}

/* The logarithm of a product of many numbers in (SAFE_WEIGHT, 1]. */
typedef struct LogProduct
{
	double		log;
	double		product;		/* what the logarithm does not have yet */
} LogProduct;

static pg_attribute_always_inline void
log_product_add(LogProduct *p, double x)
{
	if (p->product < SAFE_FACTOR)
	{
		p->log += log(p->product);
		p->product = 1;
	}
	p->product *= x;
}

/*
 * Posteriors of the items of a tile; adds their log-likelihood.  "classes" is a
 * constant where this is inlined for a small number of classes, so that an
 * item's weights stay in registers; so is "unit".
 */
static pg_attribute_always_inline void
tile_posteriors(Pass *s, uint32 first, uint32 last, const EmUnit unit,
				LogProduct *log_likelihood, const uint32 classes)
{
	const uint32 own = s->layout.own;
	const AnnotationView *view = s->view;
	const uint32 *restrict annotator = view->annotator;
	const uint16 *restrict label = view->label;
	const double *restrict prior = s->prior;
	const double *restrict confusion = s->confusion;
	double	   *restrict posterior = s->posterior;
	double		local[SMALL_CLASSES];
	double	   *restrict weight = classes <= SMALL_CLASSES ? local : s->product;

	for (uint32 i = first; i < last; i++, posterior += classes)
	{
		uint32		from = view->starts[i];
		uint32		to = view->starts[i + 1];
		double		sum = 0;

		if (likely(to - from <= CHUNK && em_item_is_plain(view, i)))
		{
			for (uint32 k = 0; k < classes; k++)
				weight[k] = prior[k];
			for (uint32 a = from; a < to; a++)
			{
				if (unit == UNIT_MATRIX)
					prefetch_cells(view, confusion, a, classes);
				em_answer_multiply(unit, own, confusion, classes, annotator[a], label[a], weight);
			}
			for (uint32 k = 0; k < classes; k++)
				sum += weight[k];
		}
		if (likely(sum > SAFE_WEIGHT && annotation_gold(view, i) == NO_GOLD))
		{
			double		scale = 1 / sum;

			log_product_add(log_likelihood, sum);
			for (uint32 k = 0; k < classes; k++)
				posterior[k] = weight[k] * scale;
		}
		else
		{
			log_likelihood->log += posterior_with_care(s, i);
			for (uint32 k = 0; k < classes; k++)
				posterior[k] = s->weight[k];
		}
	}
}

/* What an answer adds to the counts "c" of right and wrong ones by class. */
static pg_attribute_always_inline void
count_by_class(double *c, uint32 label, const double *posterior, const uint32 classes)
{
	double		right = c[label] + posterior[label];
	double		wrong = c[classes + label];

	if (classes == 2)
		c[classes + 1 - label] += posterior[1 - label];
	else
	{
		em_add_cells(c + classes, posterior, classes);
		c[classes + label] = wrong;
	}
	c[label] = right;
}

/* What an item with few answers adds to the counts of right and wrong ones. */
static pg_attribute_always_inline void
count_coins(Pass *s, uint32 item, const double *posterior, const uint32 classes,
			const EmUnit unit)
{
	const uint32 *restrict annotator = s->view->annotator;
	const uint16 *restrict labels = s->view->label;
	const uint32 own = s->layout.own;
	uint32		to = s->view->starts[item + 1];
	double		rest = 0;
	uint32		top = unit == UNIT_COIN ? em_top(posterior, classes, &rest) : 0;
	double		all_but[SMALL_CLASSES];
	double	   *restrict counts = s->counts;

	for (uint32 k = 0; k < classes && classes <= SMALL_CLASSES && unit == UNIT_COIN; k++)
		all_but[k] = em_all_but(posterior, classes, k, top, rest);
	for (uint32 a = s->view->starts[item]; a < to; a++)
	{
		double	   *c = counts + 2 * (Size) (annotator[a] & own) *
			(unit == UNIT_CLASSES ? classes : 1);
		uint32		label = labels[a];

		if (unit == UNIT_CLASSES)
			count_by_class(c, label, posterior, classes);
		else
		{
			c[0] += posterior[label];
			c[1] += classes <= SMALL_CLASSES ? all_but[label] :
				em_all_but(posterior, classes, label, top, rest);
		}
	}
}

/* What the items of a tile add to the counts. */
static pg_attribute_always_inline void
tile_counts(Pass *s, uint32 first, uint32 last, const EmUnit unit, const uint32 classes)
{
	const AnnotationView *view = s->view;
	const uint32 *restrict annotator = view->annotator;
	const uint16 *restrict label = view->label;
	const double *posterior = s->posterior;
	double	   *restrict prior_counts = s->prior_counts;
	double	   *restrict counts = s->counts;

	for (uint32 i = first; i < last; i++, posterior += classes)
	{
		uint32		to = view->starts[i + 1];

		if (!em_item_teaches(view, i))
			continue;
		if (unlikely(to - view->starts[i] > NL_INTERRUPT_STEPS || !em_item_is_plain(view, i)))
		{
			EmCounts	all = {prior_counts, counts};

			em_add_posterior(&s->voices, i, posterior, &all);
			continue;
		}
		em_add_cells(prior_counts, posterior, classes);
		if (!unit_is_matrix(unit))
			count_coins(s, i, posterior, classes, unit);
		else
			for (uint32 a = view->starts[i]; a < to; a++)
			{
				if (unit == UNIT_MATRIX)
					prefetch_cells(view, counts, a, classes);
				em_add_cells(counts + em_cell(classes, unit == UNIT_COMMON ? 0 : annotator[a],
											  label[a], 0), posterior, classes);
			}
	}
}

/* The vote shares of a tile of items, with gold, go to "to". */
static pg_attribute_always_inline void
tile_votes(Pass *s, uint32 first, uint32 last, double *to, const uint32 classes)
{
	const AnnotationView *view = s->view;

	for (uint32 i = first; i < last; i++, to += classes)
	{
		uint32		from = view->starts[i];
		uint32		end = view->starts[i + 1];

		if (likely(end - from <= NL_INTERRUPT_STEPS && em_item_is_plain(view, i) &&
				   view->abstains == 0))
		{
			double		share = 1.0 / (end - from);

			for (uint32 k = 0; k < classes; k++)
				to[k] = 0;
			for (uint32 a = from; a < end; a++)
				to[view->label[a]] += share;
		}
		else
			em_item_vote_shares(&s->voices, i, to);
		em_mix_gold(view, i, to);
	}
}

DISPATCHED("default", "avx2") static void
pass_posteriors(Pass *s, uint32 first, uint32 last, LogProduct *log_likelihood)
{
	if (s->layout.unit == UNIT_MATRIX)
		FOR_CLASSES(s->classes, tile_posteriors, s, first, last, UNIT_MATRIX, log_likelihood)
	else if (s->layout.unit == UNIT_COMMON)
		FOR_CLASSES(s->classes, tile_posteriors, s, first, last, UNIT_COMMON, log_likelihood)
	else if (s->layout.unit == UNIT_CLASSES)
		FOR_CLASSES(s->classes, tile_posteriors, s, first, last, UNIT_CLASSES, log_likelihood)
	else
		FOR_CLASSES(s->classes, tile_posteriors, s, first, last, UNIT_COIN, log_likelihood)
}

DISPATCHED("default", "avx2") static void
pass_counts(Pass *s, uint32 first, uint32 last)
{
	if (s->layout.unit == UNIT_MATRIX)
		FOR_CLASSES(s->classes, tile_counts, s, first, last, UNIT_MATRIX)
	else if (s->layout.unit == UNIT_COMMON)
		FOR_CLASSES(s->classes, tile_counts, s, first, last, UNIT_COMMON)
	else if (s->layout.unit == UNIT_CLASSES)
		FOR_CLASSES(s->classes, tile_counts, s, first, last, UNIT_CLASSES)
	else
		FOR_CLASSES(s->classes, tile_counts, s, first, last, UNIT_COIN)
}

static void
pass_votes(Pass *s, uint32 first, uint32 last, double *to)
{
	FOR_CLASSES(s->classes, tile_votes, s, first, last, to)
}

/* The logarithm, by class, of the probability that nobody says anything. */
static double *
sum_silence(const Pass *s)
{
	double	   *sum = palloc0(s->classes * sizeof(double));

	for (uint32 j = 0; j < s->view->annotators.n; j++)
	{
		uint32		label = s->view->abstains - 1;
		double		times = em_voices_silent(&s->voices, j);

		CHECK_FOR_INTERRUPTS();
		for (uint32 k = 0; k < s->classes; k++)
			sum[k] += times * log(em_answer_rate(s->layout, s->confusion, s->classes, j, label, k));
	}
	return sum;
}

/* A pass that reads the parameters and fills the counts from zero, if given. */
static Pass
begin_pass(const AnnotationView *view, const EmParameters *from, EmCounts *counts)
{
	uint32		classes = view->labels.n;
	Pass		s = {.view = view,.layout = em_layout(view),.classes = classes};

	if (from != NULL)
	{
		s.prior = from->prior;
		s.confusion = from->confusion;
	}
	if (counts != NULL)
	{
		em_tables_clear(view, counts);
		s.prior_counts = counts->prior;
		s.counts = counts->confusion;
	}
	s.voices = em_voices_begin(view);
	if (from != NULL && view->silence)
		s.silent = sum_silence(&s);
	s.tile = Max(TILE_CELLS / classes, 1);
	s.posterior = palloc((Size) s.tile * classes * sizeof(double));
	s.weight = palloc(classes * sizeof(double));
	s.product = palloc(classes * sizeof(double));
	s.vetoes = palloc(classes * sizeof(uint32));
	return s;
}

static void
end_pass(Pass *s)
{
	em_voices_end(&s->voices);
	pfree(s->posterior);
	pfree(s->weight);
	pfree(s->product);
	pfree(s->vetoes);
	if (s->silent != NULL)
		pfree(s->silent);
	if (s->votes != NULL)
		pfree(s->votes);
}

/* A pass over one stripe that fills its counts. */
static Pass
begin_stripe(EmTeam *team, uint32 stripe, const EmParameters *from)
{
	Size		cells = (Size) team->classes * team->classes;
	Pass		s = begin_pass(&team->view, from, &team->tables[SLOT_STRIPES + stripe]);

	if (team->heard != NULL)
	{
		s.heard = team->heard + stripe * cells;
		memset(s.heard, 0, cells * sizeof(double));
	}
	return s;
}

/* What was said about an item whose posterior this is, by voices. */
static void
add_heard(Pass *s, uint32 item, const double *posterior)
{
	EmRun		run = {.to = s->view->starts[item]};

	if (s->heard == NULL || !em_item_teaches(s->view, item))
		return;
	em_voices_enter(&s->voices, item);
	while (em_voices_next(&s->voices, item, &run))
		for (uint32 a = run.from; a < run.to; a++)
		{
			double	   *c = s->heard + (Size) s->view->label[a] * s->classes;

			NL_CHECK_INTERRUPTS(a);
			for (uint32 k = 0; k < s->classes; k++)
				c[k] += run.heard * posterior[k];
		}
	em_voices_leave(&s->voices, item);
}

/*
 * How far the posteriors of a tile are from those before, or from the votes.  They
 * are computed again: to keep them would take a double for each item and class.
 */
static double
tile_moved(Pass *s, Pass *before, uint32 first, uint32 last)
{
	LogProduct	unused = {0, 1};
	Size		cells = (Size) (last - first) * s->classes;
	const double *p = s->posterior;
	const double *q = before != NULL ? before->posterior : s->votes;
	double		sum = 0;

	if (before != NULL)
		pass_posteriors(before, first, last, &unused);
	else
		pass_votes(s, first, last, s->votes);
	for (Size c = 0; c < cells; c++)
		sum += fabs(p[c] - q[c]);
	return sum / 2;
}

/* E step of one stripe: its log-likelihood, and how many items have moved. */
EmPartial
em_stripe_expectation(EmTeam *team, uint32 stripe)
{
	const EmWork *work = team->work;
	Pass		s = begin_stripe(team, stripe, &team->tables[work->from]);
	Pass	   *before = work->moved != MOVED_FROM_SLOT ? NULL :
		em_begin_posteriors(&team->view, &team->tables[work->before]);
	uint32		end = em_stripe_start(team, stripe + 1);
	LogProduct	log_likelihood = {0, 1};
	EmPartial	partial = {{0, 0}};

	if (work->moved == MOVED_FROM_VOTES)
		s.votes = palloc((Size) s.tile * s.classes * sizeof(double));
	for (uint32 first = em_stripe_start(team, stripe); first < end; first += s.tile)
	{
		uint32		last = Min(first + s.tile, end);

		CHECK_FOR_INTERRUPTS();
		pass_posteriors(&s, first, last, &log_likelihood);
		if (work->moved != MOVED_UNKNOWN)
			partial.sum[1] += tile_moved(&s, before, first, last);
		pass_counts(&s, first, last);
		for (uint32 i = first; i < last && s.heard != NULL; i++)
			add_heard(&s, i, s.posterior + (Size) (i - first) * s.classes);
	}
	if (before != NULL)
		em_end_posteriors(before);
	end_pass(&s);
	em_end_stripe(team, stripe);
	partial.sum[0] = log_likelihood.log + log(log_likelihood.product);
	return partial;
}

/* E step over all items; returns the log-likelihood of the parameters. */
double
em_expectation(EmTeam *team, EmSlot from)
{
	team->work->from = from;
	team->work->moved = MOVED_UNKNOWN;
	em_run_stripes(team, TASK_EXPECTATION);
	return em_team_sum(team, TASK_EXPECTATION, 0);
}

/*
 * The same; also tells how much of the posteriors, in items, has moved since
 * those of "before" or of the votes.
 */
double
em_expectation_moved(EmTeam *team, EmSlot from, EmMoved since, EmSlot before,
					 double *moved)
{
	team->work->from = from;
	team->work->moved = since;
	team->work->before = before;
	em_run_stripes(team, TASK_EXPECTATION);
	*moved = em_team_sum(team, TASK_EXPECTATION, 1);
	return em_team_sum(team, TASK_EXPECTATION, 0);
}

/* Counts of the start (eq. 3.1), of one stripe: vote shares as posteriors. */
void
em_stripe_votes(EmTeam *team, uint32 stripe)
{
	Pass		s = begin_stripe(team, stripe, NULL);
	uint32		end = em_stripe_start(team, stripe + 1);

	for (uint32 first = em_stripe_start(team, stripe); first < end; first += s.tile)
	{
		uint32		last = Min(first + s.tile, end);

		CHECK_FOR_INTERRUPTS();
		pass_votes(&s, first, last, s.posterior);
		pass_counts(&s, first, last);
		for (uint32 i = first; i < last && s.heard != NULL; i++)
			add_heard(&s, i, s.posterior + (Size) (i - first) * s.classes);
	}
	end_pass(&s);
	em_end_stripe(team, stripe);
}

/* Leaves the counts of vote shares in SLOT_COUNTS. */
void
em_vote_shares(EmTeam *team)
{
	em_run_stripes(team, TASK_VOTES);
}

/*
 * The posteriors that the E step works with, for any items in any order; those
 * by the annotations alone are of annotations_without_gold().
 */
EmPosteriors *
em_begin_posteriors(const AnnotationView *view, const EmParameters *at)
{
	Pass	   *s = palloc(sizeof(Pass));

	*s = begin_pass(view, at, NULL);
	return s;
}

/* The caller's until the next call; the same bits as in the pass over all items. */
double *
em_item_posterior(EmPosteriors *s, uint32 item)
{
	LogProduct	log_likelihood = {0, 1};

	pass_posteriors(s, item, item + 1, &log_likelihood);
	return s->posterior;
}

/* Those of as many items from "first" on as are made at once, to "last". */
const double *
em_next_posteriors(EmPosteriors *s, uint32 first, uint32 *last)
{
	LogProduct	log_likelihood = {0, 1};

	*last = Min(first + s->tile, s->view->items);
	pass_posteriors(s, first, *last, &log_likelihood);
	return s->posterior;
}

/* The weights to a power, which a prior that is known does not have. */
static void
temper_weights(Pass *s, double power)
{
	for (uint32 k = 0; k < s->classes; k++)
	{
		double		known = s->view->prior != NULL && s->prior[k] > 0 ? log(s->prior[k]) : 0;

		s->weight[k] = (s->weight[k] - known) * power + known;
	}
}

/*
 * What is reported of an item, as apply_model.c has it: answers, and a prior that was
 * learned, to the power of design_exponent(), gold with its full weight.  Beside the
 * posteriors of the above; valid until the next call.
 */
const double *
em_reported_posterior(EmPosteriors *s, uint32 item, double correlation)
{
	uint32		gold = annotation_gold(s->view, item);
	double		power = design_exponent(em_voices_naming(s->view, item), correlation);

	if (gold != NO_GOLD && s->view->gold_weight >= 1)
	{
		for (uint32 k = 0; k < s->classes; k++)
			s->weight[k] = (k == gold);
		return s->weight;
	}
	add_item_logs(s, item);
	temper_weights(s, power);
	if (gold != NO_GOLD)
		add_gold_logs(s, gold);
	(void) logspace_normalize(s->weight, s->vetoes, s->classes);
	return s->weight;
}

/*
 * The logarithms of prior and answers of an item, by classes, without gold, and
 * without the answers of some annotators, if that is not NULL.  Returns how many
 * voices that is.  Parameters must not be 0.  Valid until the next call.
 */
uint32
em_log_weights(EmPosteriors *s, uint32 item, const LeftOut *out,
			   const double **weights)
{
	const AnnotationView *view = s->view;
	uint32		voices = em_item_voices(view, item);

	*weights = s->weight;
	s->voices.left_out = out == NULL ? NULL : out->is;
	add_item_logs(s, item);
	for (uint32 i = 0; s->silent != NULL && out != NULL && i < out->n; i++)
		subtract_silence(s, out->annotators[i],
						 em_voices_silent(&s->voices, out->annotators[i]));
	if (!em_item_is_plain(view, item))
		voices = em_voices_count(&s->voices, item);
	else if (out != NULL)
		for (uint32 x = view->starts[item]; x < view->starts[item + 1]; x++)
			if (out->is[view->annotator[x]])
			{
				add_annotation_logs(s, x, -1);
				voices--;
			}
	s->voices.left_out = NULL;
	return voices;
}

void
em_end_posteriors(EmPosteriors *s)
{
	end_pass(s);
	pfree(s);
}
