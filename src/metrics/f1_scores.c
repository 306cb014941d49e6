/*
 * f1_scores.c
 *		Precision, recall and F1 of the classes of a confusion matrix, and averages;
 *		an undefined measure is NaN.
 */
#include "metrics/f1_scores.h"

#include <math.h>

#include "utils/float.h"

const char *const f1_measure_names[] = {
	[F1_ACCURACY] = "accuracy",
	[F1_BALANCED_ACCURACY] = "balanced_accuracy",
	[F1_MACRO_PRECISION] = "macro_precision",
	[F1_MACRO_RECALL] = "macro_recall",
	[F1_MACRO_F1] = "macro_f1",
	[F1_MICRO_F1] = "micro_f1",
	[F1_WEIGHTED_PRECISION] = "weighted_precision",
	[F1_WEIGHTED_RECALL] = "weighted_recall",
	[F1_WEIGHTED_F1] = "weighted_f1",
	[F1_MATTHEWS_CORRCOEF] = "matthews_corrcoef",
	[F1_COHEN_KAPPA] = "cohen_kappa",
	[F1_MEASURES] = NULL
};

static double
ratio(double a, double b)
{
	return b > 0 ? a / b : get_float8_nan();
}

static Tally
class_tally(const ConfusionMatrix *cm, const Margins *m, uint32 i)
{
	return (Tally) {confusion_matrix_count(cm, i, i), m->rows[i], m->columns[i]};
}

/* "i" is negative for a class that the matrix does not have. */
static ClassScores
class_scores(const F1Scores *r, int i)
{
	ClassScores c = {0};

	if (i >= 0)
	{
		c.counts = class_tally(r->cm, &r->margins, i);
		c.scaled = class_tally(r->scaled, &r->scaled_margins, i);
	}
	c.precision = ratio(c.counts.tp, c.counts.predicted);
	c.recall = ratio(c.counts.tp, c.counts.support);
	c.f1 = ratio(2 * c.scaled.tp, c.scaled.support + c.scaled.predicted);
	return c;
}

/* Mean over the classes where the measure is defined, by weight or plain. */
static double
average(const F1Scores *r, size_t measure, bool by_support)
{
	double		sum = 0;
	double		weights = 0;

	for (uint32 i = 0; i < r->names.n; i++)
	{
		const ClassScores *c = &r->classes[i];
		double		value = *(const double *) ((const char *) c + measure);
		double		weight = by_support ? c->scaled.support : 1;

		if (!isnan(value))
		{
			sum += weight * value;
			weights += weight;
		}
	}
	return ratio(sum, weights);
}

#define AVERAGE(r, measure, by_support) \
	average(r, offsetof(ClassScores, measure), by_support)

/* Counts of all reported classes together. */
static double
micro_f1(const F1Scores *r)
{
	double		tp = 0;
	double		both = 0;

	for (uint32 i = 0; i < r->names.n; i++)
	{
		tp += r->classes[i].scaled.tp;
		both += r->classes[i].scaled.support + r->classes[i].scaled.predicted;
	}
	return ratio(2 * tp, both);
}

/*
 * Variance of macro F1.  F_a depends on the cells of row a and of column a
 * only: an observation in cell (a, a) moves F_a by 2 (1 - F_a) / d_a, one in
 * (a, b) moves F_a by -F_a / d_a and F_b by -F_b / d_b, with d_a the row share
 * plus the column share.  (The gradients have mean zero, so the multinomial
 * variance is the mean of their squares.)  A class with next to no share of the
 * total makes it infinite.
 */
double
f1_macro_variance(const F1Scores *r)
{
	const ConfusionMatrix *cm = r->scaled;
	const Names labels = confusion_matrix_labels(cm);
	double	   *slope = palloc0(Max(cm->n, 1) * sizeof(double));	/* F_a / d_a */
	double	   *gain = palloc0(Max(cm->n, 1) * sizeof(double)); /* 2 (1 - F_a) / d_a */
	double		total = r->scaled_margins.total;
	double		sum = 0;
	uint32		defined = 0;

	for (uint32 i = 0; i < r->names.n; i++)
	{
		const ClassScores *c = &r->classes[i];
		double		d = (c->scaled.support + c->scaled.predicted) / total;
		int			at = names_find(&labels, names_get(&r->names, i));

		if (isnan(c->f1))
			continue;
		defined++;
		if (c->f1 > 0)
			slope[at] = c->f1 / d;
		if (c->f1 < 1)
			gain[at] = 2 * (1 - c->f1) / d;
	}
	for (uint32 a = 0; a < cm->n; a++)
		for (uint32 b = 0; b < cm->n; b++)
		{
			double		step = a == b ? gain[a] : slope[a] + slope[b];
			double		share = confusion_matrix_count(cm, a, b) / total;

			if (confusion_matrix_count(cm, a, b) > 0 && step > 0)
				sum += share > 0 ? share * step * step : get_float8_infinity();
		}
	return isinf(sum) ? sum : sum / (r->margins.total * defined * defined);
}

/* The scores of the classes in "names"; the matrix must not change while they are read. */
F1Scores
f1_scores_make(const ConfusionMatrix *cm, const Names *names)
{
	const Names labels = confusion_matrix_labels(cm);
	bool		all = names->n == labels.n && names->bytes == labels.bytes;
	F1Scores	r = {.names = *names,.cm = cm,.margins = confusion_margins(cm)};

	r.scaled = confusion_scaled(cm);
	r.scaled_margins = r.scaled == cm ? r.margins : confusion_margins(r.scaled);
	r.classes = palloc(Max(names->n, 1) * sizeof(ClassScores));
	for (uint32 i = 0; i < names->n; i++)
		r.classes[i] = class_scores(&r, all ? (int) i : names_find(&labels, names_get(names, i)));
	return r;
}

double
f1_measure(const F1Scores *r, F1Measure measure)
{
	switch (measure)
	{
		case F1_ACCURACY:
			return ratio(r->scaled_margins.trace, r->scaled_margins.total);
		case F1_BALANCED_ACCURACY:
			return confusion_mean_recall(r->cm, &r->margins);
		case F1_MACRO_PRECISION:
			return AVERAGE(r, precision, false);
		case F1_MACRO_RECALL:
			return AVERAGE(r, recall, false);
		case F1_MACRO_F1:
			return AVERAGE(r, f1, false);
		case F1_MICRO_F1:
			return micro_f1(r);
		case F1_WEIGHTED_PRECISION:
			return AVERAGE(r, precision, true);
		case F1_WEIGHTED_RECALL:
			return AVERAGE(r, recall, true);
		case F1_WEIGHTED_F1:
			return AVERAGE(r, f1, true);
		case F1_MATTHEWS_CORRCOEF:
			return margins_matthews_corrcoef(r->scaled, &r->scaled_margins);
		case F1_COHEN_KAPPA:
			return margins_cohen_kappa(r->scaled, &r->scaled_margins);
		case F1_MEASURES:
			break;
	}
	elog(ERROR, "unknown measure %d", (int) measure);
}
