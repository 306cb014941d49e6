/*
 * em_maximize.c
 *		The M steps: from expected counts to the parameters of each variant.
 *
 *	full		a confusion matrix for each annotator (Dawid & Skene 1979, eq. 2.3)
 *	class		for each annotator and true class, one accuracy; wrong answers
 *				are equally likely
 *	one_coin	one accuracy for each annotator
 *	shared		one confusion matrix for all annotators
 *	majority	one accuracy for all annotators and equal class priors: the most
 *				frequent label wins, with a calibrated confidence
 *
 * Smoothing is a Dirichlet prior on each row (for one accuracy, a Beta prior)
 * with "strength" pseudo-counts that point to the same thing measured over all
 * annotators, fixed at the start of the fit.  Since it stays fixed, the M step
 * maximises log-likelihood plus log-prior, and EM can only raise their sum.
 */
#include "em.h"

#include <math.h>

struct Maximizer
{
	const AnnotationView *view;
	Variant		variant;
	uint32		classes;
	Size		cells;			/* classes * classes */
	double		strength;
	bool		fixed_prior;
	double	   *prior;			/* K: used when fixed */
	double	   *target;			/* K * K (label, truth): means of the row priors */
	double	   *row;			/* K: buffer */
	double	   *matrix;			/* K * K: buffer */
};

/* Sums over labels: how often each truth occurs in one matrix of counts. */
static void
sum_rows(const double *counts, double *row, uint32 classes)
{
	memset(row, 0, classes * sizeof(double));
	for (uint32 label = 0; label < classes; label++)
		for (uint32 k = 0; k < classes; k++)
			row[k] += counts[(Size) label * classes + k];
}

/*
 * Rates with pseudo-counts.  A row without any counts takes the target, which
 * is what the smallest smoothing would give.
 */
static void
smooth_rates(const Maximizer *m, const double *counts, double *result)
{
	uint32		classes = m->classes;

	sum_rows(counts, m->row, classes);
	for (uint32 label = 0; label < classes; label++)
		for (uint32 k = 0; k < classes; k++)
		{
			Size		c = (Size) label * classes + k;
			double		n = m->row[k] + m->strength;

			result[c] = n > 0 ?
				(counts[c] + m->strength * m->target[c]) / n : m->target[c];
		}
}

/* Replace the off-diagonal of each row by equal shares. */
static void
spread_errors(double *matrix, uint32 classes)
{
	for (uint32 k = 0; k < classes; k++)
	{
		double		right = matrix[(Size) k * classes + k];

		for (uint32 label = 0; label < classes; label++)
			if (label != k)
				matrix[(Size) label * classes + k] = (1 - right) / (classes - 1);
	}
}

/* Put all rows' right answers and errors together, as if of one class. */
static void
merge_rows(const double *counts, double *result, uint32 classes)
{
	double		right = 0;
	double		total = 0;

	for (uint32 label = 0; label < classes; label++)
		for (uint32 k = 0; k < classes; k++)
		{
			total += counts[(Size) label * classes + k];
			if (label == k)
				right += counts[(Size) label * classes + k];
		}
	for (uint32 label = 0; label < classes; label++)
		for (uint32 k = 0; k < classes; k++)
			result[(Size) label * classes + k] = label == k ? right :
				(total - right) / (classes - 1);
}

/* One matrix of counts, with the variant's ties between cells. */
static const double *
tied_counts(const Maximizer *m, const double *counts)
{
	if (m->classes == 1 ||
		(m->variant != VARIANT_ONE_COIN && m->variant != VARIANT_MAJORITY))
		return counts;
	merge_rows(counts, m->matrix, m->classes);
	return m->matrix;
}

static void
maximize_matrix(const Maximizer *m, const double *counts, double *result)
{
	smooth_rates(m, tied_counts(m, counts), result);
	if (m->variant == VARIANT_CLASS && m->classes > 1)
		spread_errors(result, m->classes);
}

static bool
one_matrix_for_all(const Maximizer *m)
{
	return m->variant == VARIANT_SHARED || m->variant == VARIANT_MAJORITY;
}

/* The counts of all annotators together. */
static void
sum_annotators(const AnnotationView *view, const EmCounts *counts, double *sum)
{
	Size		cells = (Size) view->labels.n * view->labels.n;

	memset(sum, 0, cells * sizeof(double));
	for (Size j = 0; j < view->annotators.n; j++)
	{
		CHECK_FOR_INTERRUPTS();
		for (Size c = 0; c < cells; c++)
			sum[c] += counts->confusion[j * cells + c];
	}
}

/* Rates of all annotators together; a class without counts: all labels equal. */
void
em_pool(const AnnotationView *view, const EmCounts *counts, double *pool)
{
	uint32		classes = view->labels.n;
	double	   *row = palloc(classes * sizeof(double));

	sum_annotators(view, counts, pool);
	sum_rows(pool, row, classes);
	for (Size c = 0; c < (Size) classes * classes; c++)
		pool[c] = row[c % classes] > 0 ? pool[c] / row[c % classes] : 1.0 / classes;
	pfree(row);
}

static double
diagonal_target(Size cell, uint32 classes)
{
	return (cell / classes == cell % classes ? 4.0 : 1.0) / (classes + 3);
}

static void
set_target(Maximizer *m, const EmOptions *options, const EmCounts *start)
{
	double	   *sum;

	for (Size c = 0; c < m->cells; c++)
		m->target[c] = options->toward == TOWARD_DIAGONAL ?
			diagonal_target(c, m->classes) : 1.0 / m->classes;
	if (options->toward != TOWARD_POOL)
		return;

	/* the crowd's own rates, under the variant's ties */
	sum = palloc(m->cells * sizeof(double));
	sum_annotators(m->view, start, sum);
	m->strength = 0;
	maximize_matrix(m, sum, m->target);
	m->strength = options->smoothing;
	pfree(sum);
}

/* Class shares (eq. 2.4); the counts may be those of some items only. */
static void
set_prior(const Maximizer *m, const EmCounts *counts, double *prior)
{
	double		items = 0;

	for (uint32 k = 0; k < m->classes; k++)
		items += counts->prior[k];
	for (uint32 k = 0; k < m->classes; k++)
		prior[k] = counts->prior[k] / items;
}

Maximizer *
maximizer_create(const AnnotationView *view, const EmOptions *options,
				 const EmCounts *start)
{
	Maximizer  *m = palloc0(sizeof(Maximizer));

	m->view = view;
	m->variant = options->variant;
	m->classes = view->labels.n;
	m->cells = (Size) m->classes * m->classes;
	m->strength = options->smoothing;
	m->fixed_prior = options->fixed_prior || options->variant == VARIANT_MAJORITY;
	m->prior = palloc(m->classes * sizeof(double));
	m->target = palloc(m->cells * sizeof(double));
	m->row = palloc(m->classes * sizeof(double));
	m->matrix = palloc(m->cells * sizeof(double));
	set_prior(m, start, m->prior);
	for (uint32 k = 0; k < m->classes && options->variant == VARIANT_MAJORITY; k++)
		m->prior[k] = 1.0 / m->classes;
	set_target(m, options, start);
	return m;
}

/* The parameters that maximise the expected log-likelihood plus log-prior. */
void
maximizer_step(Maximizer *m, const EmCounts *counts, EmParameters *result)
{
	if (m->fixed_prior)
		memcpy(result->prior, m->prior, m->classes * sizeof(double));
	else
		set_prior(m, counts, result->prior);
	if (one_matrix_for_all(m))
	{
		double	   *sum = palloc(m->cells * sizeof(double));

		sum_annotators(m->view, counts, sum);
		maximize_matrix(m, sum, result->confusion);
		for (Size j = 1; j < m->view->annotators.n; j++)
			memcpy(result->confusion + j * m->cells, result->confusion,
				   m->cells * sizeof(double));
		pfree(sum);
		return;
	}
	for (Size j = 0; j < m->view->annotators.n; j++)
	{
		CHECK_FOR_INTERRUPTS();
		maximize_matrix(m, counts->confusion + j * m->cells,
						result->confusion + j * m->cells);
	}
}

/* Log-prior of one matrix whose rows are free. */
static double
matrix_log_prior(const Maximizer *m, const double *p, uint32 rows)
{
	double		sum = 0;

	for (uint32 label = 0; label < m->classes; label++)
		for (uint32 k = 0; k < rows; k++)
		{
			Size		c = (Size) label * m->classes + k;

			if (m->target[c] > 0 && p[c] > 0)
				sum += m->target[c] * log(p[c]);
		}
	return m->strength * sum;
}

/*
 * Logarithm of the prior density at the parameters, up to a constant; 0
 * without smoothing.  Where one accuracy stands for all rows, one row counts.
 */
double
maximizer_log_prior(const Maximizer *m, const EmParameters *at)
{
	Size		annotators = one_matrix_for_all(m) ? 1 : m->view->annotators.n;
	uint32		rows = m->variant == VARIANT_ONE_COIN ||
		m->variant == VARIANT_MAJORITY ? 1 : m->classes;
	double		sum = 0;

	if (m->strength == 0)
		return 0;
	for (Size j = 0; j < annotators; j++)
	{
		CHECK_FOR_INTERRUPTS();
		sum += matrix_log_prior(m, at->confusion + j * m->cells, rows);
	}
	return sum;
}
