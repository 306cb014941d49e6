/*
 * logistic_answers.c
 *		The losses of logistic regression that do not believe labels: forward
 *		correction, label smoothing, bootstrapping, generalised cross-entropy.
 *
 * All are parts of one.  A row has the weight w and targets a of shares q_a; a
 * target is a class or, where the set has rates L, an answer (training_set.h).  With
 *
 *	s_a = sum_k p_k L_ak		what the model gives to what was observed, in which L
 *								is 1 for the label's own class where there are no rates
 *	l(s) = -log s, or (1 - s^q) / q		(Zhang & Sabuncu 2018, eq. 6)
 *	v(s) = -s l'(s) = 1, or s^q
 *
 * and e the smoothing, b the part of the labels in bootstrapping, m the number of
 * labels that may be given, A = w sum_a q_a:
 *
 *	loss = b sum_a u_a l(s_a) + (1 - b) A H(p),		H(p) = -sum_k p_k log p_k
 *
 * where u_a is (1 - e) w q_a, and e A / m for each label beside (Szegedy et al. 2016,
 * section 7).  The part of H is soft bootstrapping with the predictions as targets
 * (Reed et al. 2014, eq. 6), of which they say themselves that it is softmax regression
 * with a penalty on entropy: no rounds of targets are needed.  The derivative by the
 * logit of class k, on which L-BFGS works, is
 *
 *	b p_k sum_a u_a v(s_a) (1 - L_ak / s_a)  -  (1 - b) A p_k (log p_k + H(p))
 *
 * Class weights c weigh an answer by sum_k r_ak c_k, where r_a, L_a divided by its sum,
 * is what the answer suggests: so a label by its class's.  For a first search, from
 * which these losses, which are not convex, go on, the targets are r_a ("labels_only").
 *
 * The guess of the Hessian is that of cross-entropy, which is the expected one given
 * the true labels, and so no less than this.
 *
 * Memory: two numbers a class.  Interrupts: every row.
 */
#include "classify/logistic_internal.h"

#include <float.h>
#include <math.h>

/* What is gathered of a row. */
typedef struct RowSum
{
	const double *p;			/* classes: probabilities */
	double	   *pull;			/* classes: sum of u v L / s */
	double		push;			/* sum of u v */
	double		loss;
} RowSum;

/* How likely an answer is for the k-th class that the model knows. */
static inline double
rate_of(const LogisticFit *fit, const LogisticModel *m, uint32 code, uint32 k)
{
	const TrainingSet *set = fit->design->set;

	return answer_rates(set, code)[m->label[k]];
}

static double
total_rate(const LogisticFit *fit, const LogisticModel *m, uint32 code)
{
	double		sum = 0;

	for (uint32 k = 0; k < m->classes; k++)
		sum += rate_of(fit, m, code, k);
	return sum;
}

/* What an answer of weight 1 counts; 0 for a label that the model has never met. */
static double
answer_factor(const LogisticFit *fit, const LogisticModel *m, uint32 code)
{
	double		total;
	double		factor = 0;

	if (fit->design->set->rates == NULL)
		return m->factor[code];
	if (fit->options->class_weight == CLASS_WEIGHT_NONE)
		return 1;
	total = total_rate(fit, m, code);
	for (uint32 k = 0; k < m->classes; k++)
		factor += rate_of(fit, m, code, k) / total * m->factor[m->label[k]];
	return factor;
}

static double
answer_mass(const LogisticFit *fit, const LogisticModel *m, uint32 row, uint32 t)
{
	const TrainingSet *set = fit->design->set;

	return design_weight(fit->design, row) * target_share(set, row, t) *
		answer_factor(fit, m, target_code(set, row, t));
}

/* Can a model know what was observed at all? */
static bool
is_known(const LogisticFit *fit, const LogisticModel *m, uint32 code)
{
	return fit->design->set->rates == NULL ? m->factor[code] > 0 :
		total_rate(fit, m, code) > 0;
}

/* The labels that may be given, where smoothing spreads weight over all. */
void
logistic_begin_answers(const LogisticFit *fit, LogisticModel *m)
{
	const Design *d = fit->design;

	if (!(fit->options->label_smoothing > 0))
		return;
	m->given = palloc(Max(d->classes, 1) * sizeof(uint32));
	for (uint32 code = 0; code < d->classes; code++)
		if (is_known(fit, m, code))
			m->given[m->n_given++] = code;
}

/*
 * The first search: masses of the classes that a row's answers suggest.
 */
static void
suggested_masses(const LogisticFit *fit, const LogisticModel *m, uint32 row, double *mass)
{
	const TrainingSet *set = fit->design->set;

	CHECK_FOR_INTERRUPTS();
	memset(mass, 0, m->classes * sizeof(double));
	for (uint32 t = 0; t < target_count(set, row); t++)
	{
		uint32		code = target_code(set, row, t);
		double		share = design_weight(fit->design, row) * target_share(set, row, t) /
			total_rate(fit, m, code);

		for (uint32 k = 0; k < m->classes; k++)
			mass[k] += share * rate_of(fit, m, code, k) * m->factor[m->label[k]];
	}
}

void
logistic_gather_answers(LogisticFit *fit, const LogisticModel *m, uint32 from, uint32 rows)
{
	double	   *mass = palloc(m->classes * sizeof(double));

	for (uint32 i = 0; i < rows; i++)
	{
		suggested_masses(fit, m, from + i, mass);
		fit->second[i] = m->classes > 1 ? mass[1] : 0;
		fit->mass[i] = 0;
		for (uint32 k = 0; k < m->classes; k++)
			fit->mass[i] += mass[k];
	}
	pfree(mass);
}

void
logistic_dot_answers(LogisticFit *fit, const LogisticModel *m, const double *z, uint32 from,
					 uint32 rows)
{
	double	   *mass = palloc(m->classes * sizeof(double));

	for (uint32 i = 0; i < rows; i++)
	{
		suggested_masses(fit, m, from + i, mass);
		fit->dot[i] = 0;
		for (uint32 k = 0; k < m->classes; k++)
			fit->dot[i] += mass[k] * z[(Size) k * rows + i];
	}
	pfree(mass);
}

void
logistic_subtract_answers(LogisticFit *fit, const LogisticModel *m, double *z, uint32 from,
						  uint32 rows)
{
	double	   *mass = palloc(m->classes * sizeof(double));

	for (uint32 i = 0; i < rows; i++)
	{
		suggested_masses(fit, m, from + i, mass);
		for (uint32 k = 0; k < m->classes; k++)
			z[(Size) k * rows + i] -= mass[k];
	}
	pfree(mass);
}

/*
 * The loss itself
 */

/* s_a.  Probabilities are never 0, but their product with a rate may be. */
static double
answer_probability(const LogisticFit *fit, const LogisticModel *m, const double *p, uint32 code)
{
	double		s = 0;

	if (fit->design->set->rates == NULL)
		return Max(p[m->local[code]], DBL_MIN);
	for (uint32 k = 0; k < m->classes; k++)
		s += p[k] * rate_of(fit, m, code, k);
	return Max(s, DBL_MIN);
}

static void
add_answer(const LogisticFit *fit, const LogisticModel *m, uint32 code, double u, RowSum *sum)
{
	double		s = answer_probability(fit, m, sum->p, code);
	double		q = fit->options->q;
	double		v = u;

	if (fit->options->loss == LOSS_GENERALISED)
	{
		v = u * pow(s, q);
		sum->loss -= u * expm1(q * log(s)) / q;
	}
	else
		sum->loss -= u * log(s);
	sum->push += v;
	if (fit->design->set->rates == NULL)
	{
		sum->pull[m->local[code]] += v / s;
		return;
	}
	for (uint32 k = 0; k < m->classes; k++)
		sum->pull[k] += v / s * rate_of(fit, m, code, k);
}

static void
add_answers(const LogisticFit *fit, const LogisticModel *m, uint32 row, double mass, RowSum *sum)
{
	const TrainingSet *set = fit->design->set;
	double		smoothing = fit->options->label_smoothing;

	for (uint32 t = 0; t < target_count(set, row); t++)
		add_answer(fit, m, target_code(set, row, t),
				   (1 - smoothing) * answer_mass(fit, m, row, t), sum);
	for (uint32 g = 0; g < m->n_given; g++)
		add_answer(fit, m, m->given[g], smoothing * mass / m->n_given, sum);
}

static double
entropy_of(const double *p, uint32 n)
{
	double		h = 0;

	for (uint32 k = 0; k < n; k++)
		h -= p[k] > 0 ? p[k] * log(p[k]) : 0;
	return h;
}

/* Probabilities of the i-th row of a block, from masses times probabilities. */
static void
get_probabilities(const LogisticFit *fit, const LogisticModel *m, const double *z, uint32 i,
				  uint32 rows, double *p)
{
	if (m->columns > 1)
	{
		for (uint32 k = 0; k < m->classes; k++)
			p[k] = z[(Size) k * rows + i] / fit->mass[i];
		return;
	}
	p[1] = z[i] / fit->mass[i];
	/* what is left of 1, to the last digit; fit->dot has the logit */
	p[0] = fit->dot[i] > 0 ? p[1] * exp(-Min(fit->dot[i], 708)) : 1 - p[1];
}

/* Masses times probabilities become residuals; returns the loss. */
double
logistic_answer_residuals(LogisticFit *fit, const LogisticModel *m, double *z, uint32 from,
						  uint32 rows)
{
	double		part = fit->options->bootstrap;
	double	   *p = palloc(2 * m->classes * sizeof(double));
	RowSum		sum = {.p = p,.pull = p + m->classes};
	double		loss = 0;

	for (uint32 i = 0; i < rows; i++)
	{
		double		mass = fit->mass[i];
		double		entropy = 0;

		CHECK_FOR_INTERRUPTS();
		if (!(mass > 0))
			continue;			/* an underflow: its residuals are 0 */
		get_probabilities(fit, m, z, i, rows, p);
		memset(sum.pull, 0, m->classes * sizeof(double));
		sum.push = sum.loss = 0;
		add_answers(fit, m, from + i, mass, &sum);
		if (part < 1)
			entropy = entropy_of(p, m->classes);
		loss += part * sum.loss + (1 - part) * mass * entropy;
		for (uint32 k = m->columns == 1; k < m->classes; k++)
		{
			double		residual = part * p[k] * (sum.push - sum.pull[k]);

			if (part < 1 && p[k] > 0)
				residual -= (1 - part) * mass * p[k] * (log(p[k]) + entropy);
			z[m->columns == 1 ? i : (Size) k * rows + i] = residual;
		}
	}
	pfree(p);
	return loss;
}

/*
 * The log-loss of a row with these probabilities, times its mass.  What a model has
 * never met has no mass for it.
 */
double
logistic_answer_loss(const LogisticFit *fit, const LogisticModel *m, uint32 row,
					 const double *p, double *mass)
{
	const TrainingSet *set = fit->design->set;
	double		loss = 0;

	*mass = 0;
	for (uint32 t = 0; t < target_count(set, row); t++)
	{
		uint32		code = target_code(set, row, t);
		double		u;

		if (!is_known(fit, m, code))
			continue;
		u = answer_mass(fit, m, row, t);
		*mass += u;
		loss -= u * log(answer_probability(fit, m, p, code));
	}
	return loss;
}
