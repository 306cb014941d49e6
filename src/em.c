/*
 * em.c
 *		The fitting engine: Dawid & Skene's model by expectation maximisation.
 *
 * Model (Dawid & Skene, Applied Statistics 28, 1979).  Item i has a true class
 * drawn from the prior p; annotator j gives label l to an item of class k with
 * probability pi(j, k, l), independently of all else.  The fit maximises the
 * marginal log-likelihood
 *
 *	L = sum over items i of log sum over classes k of p_k prod pi(j, k, l)
 *
 * (their eq. 2.7, with the product over the annotations of the item), plus,
 * when smoothing is asked for, the logarithm of a Dirichlet prior on each row
 * of each confusion matrix.  Items with gold enter with their class known.
 *
 * Phases
 *
 *	start	each item's posterior is its vote shares, or its gold label
 *	repeat	M step (eq. 2.3, 2.4): prior and confusion matrices from the expected
 *			counts; E step (eq. 2.5): posteriors from these, their expected counts
 *			and L.  One pass over the annotations does the E step of an item and
 *			adds its posterior to the counts at once, so posteriors are never
 *			stored.
 *	until	the objective's relative change is within tolerance
 *
 * The result is consistent: L and the counts belong to the parameters that are
 * returned.
 *
 * Arithmetic.  An item's weights are products of probabilities, which for a
 * few annotations is safe and ten times faster than sums of logarithms: the
 * product of a class is rounded only when it falls below the smallest double,
 * 1e-308, and that does not matter so long as another class stands above
 * SAFE_WEIGHT.  Items where none does, and items with more than CHUNK
 * annotations, go through logarithms, taken of the product of each chunk, or
 * of each annotation where a chunk's product comes too near underflow.
 *
 * Order of summation is that of the view, which depends on names only, so the
 * same rows always give the same bits.  Contraction to fused multiply-adds is
 * switched off (see Makefile), so the versions for different processors agree.
 *
 * Memory: four tables of J * K * K doubles, in the current context, refused
 * beforehand when noisylabel.memory_limit is less; nothing is allocated in the
 * loop.  Interrupts: every ITEM_BLOCK items.
 */
#include "em.h"

#include "logspace.h"

#define ITEM_BLOCK 1024
#define CHUNK 32
#define SAFE_WEIGHT 1e-200
#define SAFE_PRODUCT 1e-290
#define AHEAD 8					/* annotations from prefetch to use */
#define SMALL_CLASSES 10		/* up to here loops are unrolled */

/* The inner loops exist for several processors; the loader picks one. */
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__)
#define DISPATCHED __attribute__((target_clones("default", "avx2")))
#else
#define DISPATCHED
#endif

typedef struct EmState
{
	const AnnotationView *view;
	const EmOptions *options;
	uint32		classes;
	EmFit	   *fit;
	double	   *prior_counts;	/* K */
	double	   *row;			/* K: row sums of one annotator */
	double	   *weight;			/* K: weights, then posterior, of one item */
	double	   *product;		/* K */
	uint32	   *vetoes;			/* K */
} EmState;

static inline bool
is_gold(const AnnotationView *view, uint32 item)
{
	return view->gold != NULL && view->gold[item] != NO_GOLD;
}

static Size
table_cells(const AnnotationView *view)
{
	return mul_size(view->annotators.n, mul_size(view->labels.n, view->labels.n));
}

/* Bytes that em_fit() allocates. */
Size
em_memory(const AnnotationView *view)
{
	return mul_size(2, mul_size(table_cells(view), sizeof(double)));
}

/*
 * E step of one item through logarithms; see the head of the file.
 */
static void
add_annotation_logs(EmState *s, uint32 a)
{
	uint32		classes = s->classes;
	const double *p = s->fit->confusion +
		em_cell(classes, s->view->annotator[a], s->view->label[a], 0);

	for (uint32 k = 0; k < classes; k++)
	{
		if (p[k] > 0)
			s->weight[k] += log(p[k]);
		else
			s->vetoes[k]++;
	}
}

static void
add_chunk_logs(EmState *s, uint32 from, uint32 to)
{
	uint32		classes = s->classes;
	double		min = 1;

	for (uint32 k = 0; k < classes; k++)
		s->product[k] = 1;
	for (uint32 a = from; a < to; a++)
	{
		const double *p = s->fit->confusion +
			em_cell(classes, s->view->annotator[a], s->view->label[a], 0);

		for (uint32 k = 0; k < classes; k++)
			s->product[k] *= p[k];
	}
	for (uint32 k = 0; k < classes; k++)
		min = Min(min, s->product[k]);
	if (min >= SAFE_PRODUCT)
		for (uint32 k = 0; k < classes; k++)
			s->weight[k] += log(s->product[k]);
	else
		for (uint32 a = from; a < to; a++)
			add_annotation_logs(s, a);
}

/* Leaves the posterior in s->weight; returns the item's log-likelihood. */
static double
posterior_by_logs(EmState *s, uint32 from, uint32 to)
{
	for (uint32 k = 0; k < s->classes; k++)
	{
		s->vetoes[k] = s->fit->prior[k] > 0 ? 0 : 1;
		s->weight[k] = s->fit->prior[k] > 0 ? log(s->fit->prior[k]) : 0;
	}
	for (uint32 a = from; a < to; a += CHUNK)
	{
		CHECK_FOR_INTERRUPTS();
		add_chunk_logs(s, a, Min(a + CHUNK, to));
	}
	return logspace_normalize(s->weight, s->vetoes, s->classes);
}

/* An item whose class is known: its posterior is no question. */
static double
posterior_of_gold(EmState *s, uint32 from, uint32 to, uint32 gold)
{
	double		log_likelihood;

	for (uint32 k = 0; k < s->classes; k++)
	{
		s->weight[k] = 0;
		s->vetoes[k] = 0;
	}
	if (s->fit->prior[gold] > 0)
		s->weight[gold] = log(s->fit->prior[gold]);
	else
		s->vetoes[gold] = 1;
	for (uint32 a = from; a < to; a++)
		add_annotation_logs(s, a);
	log_likelihood = s->weight[gold] + s->vetoes[gold] * log(DBL_MIN);
	for (uint32 k = 0; k < s->classes; k++)
		s->weight[k] = (k == gold);
	return log_likelihood;
}

static pg_attribute_always_inline void
prefetch_cells(const double *cells, uint32 classes)
{
	for (uint32 k = 0; k < classes; k += 8)
		__builtin_prefetch(cells + k);
}

/* The items that the fast path leaves: gold, many annotations, tiny products. */
static pg_noinline double
posterior_with_care(EmState *s, uint32 item)
{
	uint32		from = s->view->starts[item];
	uint32		to = s->view->starts[item + 1];

	if (is_gold(s->view, item))
		return posterior_of_gold(s, from, to, s->view->gold[item]);
	return posterior_by_logs(s, from, to);
}

/*
 * E step of a block of items with its share of the next M step.  "classes" is
 * a constant where this is inlined for a small number of classes, so that an
 * item's weights stay in registers.
 */
static pg_attribute_always_inline double
pass_items(EmState *s, uint32 first, uint32 last, const uint32 classes)
{
	const AnnotationView *view = s->view;
	const uint32 *restrict annotator = view->annotator;
	const uint16 *restrict label = view->label;
	const double *restrict prior = s->fit->prior;
	const double *restrict confusion = s->fit->confusion;
	double	   *restrict counts = s->fit->counts;
	double		local[SMALL_CLASSES];
	double	   *restrict weight = classes <= SMALL_CLASSES ? local : s->weight;
	uint32		end = view->annotations;
	double		log_likelihood = 0;

	for (uint32 i = first; i < last; i++)
	{
		uint32		from = view->starts[i];
		uint32		to = view->starts[i + 1];
		double		sum = 0;

		if (likely(to - from <= CHUNK))
		{
			for (uint32 k = 0; k < classes; k++)
				weight[k] = prior[k];
			for (uint32 a = from; a < to; a++)
			{
				Size		cell = em_cell(classes, annotator[a], label[a], 0);
				const double *p = confusion + cell;

				prefetch_cells(counts + cell, classes);
				if (a + AHEAD < end)
					prefetch_cells(confusion + em_cell(classes, annotator[a + AHEAD],
													   label[a + AHEAD], 0),
								   classes);
				for (uint32 k = 0; k < classes; k++)
					weight[k] *= p[k];
			}
			for (uint32 k = 0; k < classes; k++)
				sum += weight[k];
		}
		if (likely(sum > SAFE_WEIGHT && !is_gold(view, i)))
		{
			double		scale = 1 / sum;

			log_likelihood += log(sum);
			for (uint32 k = 0; k < classes; k++)
				weight[k] *= scale;
		}
		else
		{
			log_likelihood += posterior_with_care(s, i);
			for (uint32 k = 0; k < classes; k++)
				weight[k] = s->weight[k];
		}

		for (uint32 k = 0; k < classes; k++)
			s->prior_counts[k] += weight[k];
		for (uint32 a = from; a < to; a++)
		{
			double	   *c = counts + em_cell(classes, annotator[a], label[a], 0);

			for (uint32 k = 0; k < classes; k++)
				c[k] += weight[k];
		}
	}
	return log_likelihood;
}

DISPATCHED static double
pass_block(EmState *s, uint32 first, uint32 last)
{
	switch (s->classes)
	{
			/* each of these is a copy of the loop above */
#define UNROLLED(n) case n: return pass_items(s, first, last, n)
			UNROLLED(2);
			UNROLLED(3);
			UNROLLED(4);
			UNROLLED(5);
			UNROLLED(6);
			UNROLLED(7);
			UNROLLED(8);
			UNROLLED(9);
			UNROLLED(10);
#undef UNROLLED
		default:
			return pass_items(s, first, last, s->classes);
	}
}

static void
clear_counts(EmState *s)
{
	memset(s->fit->counts, 0, table_cells(s->view) * sizeof(double));
	memset(s->prior_counts, 0, s->classes * sizeof(double));
}

/* E step over all items; returns the log-likelihood of the parameters. */
static double
expectation(EmState *s)
{
	double		log_likelihood = 0;

	clear_counts(s);
	for (uint32 first = 0; first < s->view->items; first += ITEM_BLOCK)
	{
		uint32		last = Min(first + ITEM_BLOCK, s->view->items);

		CHECK_FOR_INTERRUPTS();
		log_likelihood += pass_block(s, first, last);
	}
	return log_likelihood;
}

/* Counts of the start: each item's posterior is its vote shares. */
static void
vote_shares(EmState *s)
{
	const AnnotationView *view = s->view;
	uint32		classes = s->classes;

	clear_counts(s);
	for (uint32 i = 0; i < view->items; i++)
	{
		uint32		from = view->starts[i];
		uint32		to = view->starts[i + 1];

		if (i % ITEM_BLOCK == 0)
			CHECK_FOR_INTERRUPTS();
		memset(s->weight, 0, classes * sizeof(double));
		if (is_gold(view, i))
			s->weight[view->gold[i]] = 1;
		else
			for (uint32 a = from; a < to; a++)
				s->weight[view->label[a]] += 1.0 / (to - from);
		for (uint32 k = 0; k < classes; k++)
			s->prior_counts[k] += s->weight[k];
		for (uint32 a = from; a < to; a++)
		{
			double	   *c = s->fit->counts +
				em_cell(classes, view->annotator[a], view->label[a], 0);

			for (uint32 k = 0; k < classes; k++)
				c[k] += s->weight[k];
		}
	}
}

/* Rates of one matrix from its counts; a row without counts gets "fallback". */
static void
rates(const double *counts, double *result, const double *fallback,
	  double *row, uint32 classes)
{
	memset(row, 0, classes * sizeof(double));
	for (Size c = 0; c < (Size) classes * classes; c++)
		row[c % classes] += counts[c];
	for (Size c = 0; c < (Size) classes * classes; c++)
	{
		double		n = row[c % classes];

		result[c] = n > 0 ? counts[c] / n : fallback ? fallback[c] : 1.0 / classes;
	}
}

static void
maximize_pool(EmState *s)
{
	Size		cells = (Size) s->classes * s->classes;
	double	   *sum = s->product;	/* K; the pool itself holds the counts */
	double	   *pool = s->fit->pool;

	memset(pool, 0, cells * sizeof(double));
	for (uint32 j = 0; j < s->view->annotators.n; j++)
		for (Size c = 0; c < cells; c++)
			pool[c] += s->fit->counts[j * cells + c];
	rates(pool, pool, NULL, sum, s->classes);
}

/* The mean of the Dirichlet prior for a cell (label, truth). */
static double
smoothing_target(const EmState *s, Size cell)
{
	uint32		classes = s->classes;

	switch ((SmoothingTarget) s->options->toward)
	{
		case TOWARD_POOL:
			return s->fit->pool[cell];
		case TOWARD_DIAGONAL:
			return (cell / classes == cell % classes ? 4.0 : 1.0) / (classes + 3);
		default:
			return 1.0 / classes;
	}
}

/*
 * M step.  Returns the logarithm of the Dirichlet prior at the new parameters,
 * up to a constant; 0 without smoothing.
 */
static double
maximization(EmState *s)
{
	Size		cells = (Size) s->classes * s->classes;
	double		strength = s->options->smoothing;
	double		log_prior = 0;

	for (uint32 k = 0; k < s->classes; k++)
		s->fit->prior[k] = s->prior_counts[k] / s->view->items;
	maximize_pool(s);
	for (uint32 j = 0; j < s->view->annotators.n; j++)
	{
		double	   *counts = s->fit->counts + j * cells;
		double	   *confusion = s->fit->confusion + j * cells;

		if (strength > 0)
			for (Size c = 0; c < cells; c++)
				counts[c] += strength * smoothing_target(s, c);
		rates(counts, confusion, s->fit->pool, s->row, s->classes);
		if (strength > 0)
			for (Size c = 0; c < cells; c++)
				if (confusion[c] > 0)
					log_prior += strength * smoothing_target(s, c) *
						log(confusion[c]);
	}
	return log_prior;
}

/* Everything of a size known beforehand, below the current context. */
static EmState
begin_fit(const AnnotationView *view, const EmOptions *options)
{
	EmState		s = {.view = view,.options = options,.classes = view->labels.n};
	Size		classes = s.classes;
	Size		table = table_cells(view) * sizeof(double);
	EmFit	   *fit = palloc0(sizeof(EmFit));

	fit->prior = palloc(classes * sizeof(double));
	fit->pool = palloc(classes * classes * sizeof(double));
	fit->confusion = nl_alloc(CurrentMemoryContext, table);
	fit->counts = nl_alloc(CurrentMemoryContext, table);
	s.fit = fit;
	s.prior_counts = palloc(classes * sizeof(double));
	s.row = palloc(classes * sizeof(double));
	s.weight = palloc(classes * sizeof(double));
	s.product = palloc(classes * sizeof(double));
	s.vetoes = palloc(classes * sizeof(uint32));
	return s;
}

/* The view must have items; the result lives in the current context. */
EmFit *
em_fit(const AnnotationView *view, const EmOptions *options)
{
	EmState		s = begin_fit(view, options);
	EmFit	   *fit = s.fit;
	double		objective = 0;

	vote_shares(&s);
	while (fit->iterations < options->max_iterations && !fit->converged)
	{
		double		last = objective;

		objective = maximization(&s);
		fit->log_likelihood = expectation(&s);
		objective += fit->log_likelihood;
		fit->converged = fit->iterations > 0 &&
			fabs(objective - last) <= options->tolerance * fabs(objective);
		fit->iterations++;
	}
	return fit;
}
