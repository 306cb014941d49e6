/*
 * annotators.c
 *		What an annotator_model says: annotators(), class_prior(), fit_report()
 *		and labels().
 */
#include "types/annotator_model.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "types/confusion_matrix.h"
#include "crowd/crowd_shrinkage.h"
#include "types/label_distribution.h"
#include "pg/arguments.h"
#include "names/names_io.h"
#include "pg/results.h"
#include "utils/array.h"

/* Columns of annotators(), in order. */
enum
{
	A_ANNOTATOR, A_ANNOTATIONS, A_ACCURACY, A_ACCURACY_LOW, A_ACCURACY_HIGH,
	A_INFORMATION, A_WORST_TRUTH, A_WORST_LABEL, A_WORST_RATE,
	A_SPAMMER_SCORE, A_CONFUSION
};

/* One annotator's rates, averaged over the components, and counts. */
typedef struct AnnotatorRates
{
	uint32		classes;
	double	   *rates;			/* K * K, label first */
	double	   *counts;			/* K * K, truth first */
	double	   *rows;			/* K: row sums of the counts */
} AnnotatorRates;

/*
 * How many answers of an annotator are right.  Whether one is, is as uncertain
 * as the truth: an answer that is not right is wrong.
 */
static RateEvidence
right_answers(const AnnotatorModelView *model, uint32 annotator)
{
	Size		cells = model_cells(model);
	uint32		classes = model->labels.n;
	const double *counts = model->counts + annotator * cells;
	const double *variances = model->variances + annotator * cells;
	RateEvidence e = {0};

	for (uint32 truth = 0; truth < classes; truth++)
		for (uint32 label = 0; label < classes; label++)
			e.total += counts[(Size) label * classes + truth];
	for (Size i = 0; i < cells; i += classes + 1)
	{
		e.count += counts[i];
		e.unsure_both += variances[i];
	}
	return e;
}

/* The crowd's accuracies; a blind answer is right once in K. */
static Crowd *
accuracy_crowd(const AnnotatorModelView *model)
{
	RateEvidence *evidence = nl_alloc(CurrentMemoryContext,
									  mul_size(Max(model->annotators.n, 1),
											   sizeof(RateEvidence)));
	Crowd	   *crowd = palloc(sizeof(Crowd));

	for (uint32 j = 0; j < model->annotators.n; j++)
	{
		CHECK_FOR_INTERRUPTS();
		evidence[j] = right_answers(model, j);
	}
	crowd_make(evidence, model->annotators.n, 1.0 / model->labels.n, crowd);
	pfree(evidence);
	return crowd;
}

static void
load_rates(const AnnotatorModelView *model, uint32 annotator, AnnotatorRates *r)
{
	Size		cells = model_cells(model);

	annotator_model_rates(model, annotator, r->rates);
	model_matrix_transpose(model->counts + annotator * cells, r->counts, r->classes);
	memset(r->rows, 0, r->classes * sizeof(double));
	for (Size i = 0; i < cells; i++)
		r->rows[i / r->classes] += r->counts[i];
}

/*
 * Mutual information of truth and answer in bits, at the model's class prior:
 * what one answer of this annotator tells about an item nothing is known of.
 */
static double
information(const AnnotatorRates *r, const double *prior)
{
	double		bits = 0;

	for (uint32 label = 0; label < r->classes; label++)
	{
		double		marginal = 0;

		CHECK_FOR_INTERRUPTS();
		for (uint32 k = 0; k < r->classes; k++)
			marginal += prior[k] * r->rates[(Size) label * r->classes + k];
		for (uint32 k = 0; k < r->classes; k++)
		{
			double		rate = r->rates[(Size) label * r->classes + k];
			double		lift = rate / marginal;

			/* the product may be 0, and so may be the sum of such, if nothing else is */
			if (prior[k] * rate > 0)
				bits += prior[k] * rate *
					(isinf(lift) ? log2(rate) - log2(marginal) : log2(lift));
		}
	}
	return Min(Max(bits, 0), log2(r->classes));
}

/*
 * Raykar & Yu, JMLR 13 (2012): the mean squared difference between the
 * rows of the confusion matrix.  0 for one who answers without looking at the
 * item, 1 for one who is always right; for two classes it is their
 * (sensitivity + specificity - 1)^2.
 */
static double
spammer_score(const AnnotatorRates *r)
{
	uint32		classes = r->classes;
	double		sum = 0;

	for (uint32 a = 0; a < classes; a++)
	{
		CHECK_FOR_INTERRUPTS();
		for (uint32 b = a + 1; b < classes; b++)
			for (uint32 label = 0; label < classes; label++)
			{
				double		difference = r->rates[(Size) label * classes + a] -
					r->rates[(Size) label * classes + b];

				sum += difference * difference;
			}
	}
	return Min(sum / ((double) classes * (classes - 1)), 1);
}

/*
 * The most frequent error among the truths that the annotator has met (at
 * least one expected item); ties go to the first.
 */
static bool
worst_error(const AnnotatorRates *r, uint32 *truth, uint32 *label, double *rate)
{
	*rate = 0;
	for (uint32 k = 0; k < r->classes; k++)
	{
		if (r->rows[k] < 1 - NL_TIE_TOLERANCE)
			continue;
		for (uint32 l = 0; l < r->classes; l++)
		{
			double		error = r->rates[(Size) l * r->classes + k];

			if (k != l && error > *rate + NL_TIE_TOLERANCE)
			{
				*truth = k;
				*label = l;
				*rate = error;
			}
		}
	}
	return *rate > 0;
}

static void
annotator_row(const AnnotatorModelView *model, uint32 j, const AnnotatorRates *r,
			  const Crowd *crowd, const double *prior, double level,
			  Datum *values, bool *nulls)
{
	RateEvidence right = right_answers(model, j);
	RateEstimate accuracy;
	bool		known = crowd_estimate(crowd, &right, level, &accuracy);
	uint32		truth = 0;
	uint32		label = 0;
	double		rate;
	bool		has_worst = worst_error(r, &truth, &label, &rate);

	values[A_ANNOTATOR] = PointerGetDatum(names_text(&model->annotators, j));
	values[A_ANNOTATIONS] = Int64GetDatum((int64) model->annotations[j]);
	nulls[A_ACCURACY] = nulls[A_ACCURACY_LOW] = nulls[A_ACCURACY_HIGH] = !known;
	values[A_ACCURACY] = Float8GetDatum(accuracy.rate);
	values[A_ACCURACY_LOW] = Float8GetDatum(accuracy.low);
	values[A_ACCURACY_HIGH] = Float8GetDatum(accuracy.high);
	values[A_INFORMATION] = Float8GetDatum(information(r, prior));
	nulls[A_WORST_TRUTH] = nulls[A_WORST_LABEL] = nulls[A_WORST_RATE] = !has_worst;
	values[A_WORST_TRUTH] = PointerGetDatum(names_text(&model->labels, truth));
	values[A_WORST_LABEL] = PointerGetDatum(names_text(&model->labels, label));
	values[A_WORST_RATE] = Float8GetDatum(rate);
	nulls[A_SPAMMER_SCORE] = r->classes < 2 || model_knows_nothing(model);
	values[A_SPAMMER_SCORE] = Float8GetDatum(r->classes < 2 ? 0 : spammer_score(r));
	values[A_CONFUSION] = PointerGetDatum(confusion_matrix_make(&model->labels,
																r->counts));
}

/* The class prior of all components together. */
static double *
mixed_prior(const AnnotatorModelView *model)
{
	double	   *prior = palloc0(model->labels.n * sizeof(double));

	for (uint32 c = 0; c < model->n_components; c++)
		for (uint32 k = 0; k < model->labels.n; k++)
			prior[k] += model->components[c].weight * model->components[c].prior[k];
	return prior;
}

NL_FUNCTION(annotators);
Datum
annotators(PG_FUNCTION_ARGS)
{
	AnnotatorModelView model =
	annotator_model_view(annotator_model_get(PG_GETARG_DATUM(0)));
	double		level = nl_check_level(PG_GETARG_FLOAT8(1));
	Crowd	   *crowd = accuracy_crowd(&model);
	double	   *prior = mixed_prior(&model);
	AnnotatorRates r = {
		.classes = model.labels.n,
		.rates = palloc(model_cells(&model) * sizeof(double)),
		.counts = palloc(model_cells(&model) * sizeof(double)),
		.rows = palloc(model.labels.n * sizeof(double))
	};
	ResultRows	rows = rows_begin(fcinfo);

	for (uint32 j = 0; j < model.annotators.n; j++)
	{
		load_rates(&model, j, &r);
		annotator_row(&model, j, &r, crowd, prior, level, rows.values, rows.nulls);
		rows_add(&rows);
	}
	return rows_end(&rows);
}

NL_FUNCTION(class_prior);
Datum
class_prior(PG_FUNCTION_ARGS)
{
	AnnotatorModelView model =
	annotator_model_view(annotator_model_get(PG_GETARG_DATUM(0)));

	PG_RETURN_POINTER(label_distribution_make(&model.labels, mixed_prior(&model)));
}

NL_FUNCTION(annotator_model_labels);
Datum
annotator_model_labels(PG_FUNCTION_ARGS)
{
	AnnotatorModelView model =
	annotator_model_view(annotator_model_get(PG_GETARG_DATUM(0)));

	PG_RETURN_DATUM(names_array(&model.labels));
}

/* Groups of two annotators or more: those with a second member. */
static int64
count_groups(const AnnotatorModelView *model)
{
	uint32		n = model->group == NULL ? 0 : model->annotators.n;
	bool	   *counted = nl_alloc_zero(CurrentMemoryContext, Max(n, 1));
	int64		groups = 0;

	for (uint32 j = 0; j < n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		if (model->group[j] == j || counted[model->group[j]])
			continue;
		counted[model->group[j]] = true;
		groups++;
	}
	pfree(counted);
	return groups;
}

NL_FUNCTION(fit_report);
Datum
fit_report(PG_FUNCTION_ARGS)
{
	AnnotatorModelView model =
	annotator_model_view(annotator_model_get(PG_GETARG_DATUM(0)));
	Datum	   *warnings = palloc(Max(model.n_warnings, 1) * sizeof(Datum));
	Datum		values[15];
	bool		nulls[15] = {false};

	for (uint32 i = 0; i < model.n_warnings; i++)
		warnings[i] = CStringGetTextDatum(model.warnings[i]);
	values[0] = CStringGetTextDatum(model.method);
	values[1] = Int64GetDatum(model.items);
	values[2] = Int64GetDatum(model.annotators.n);
	values[3] = Int64GetDatum(model.n_annotations);
	values[4] = Int32GetDatum(model.labels.n);
	values[5] = Int64GetDatum(model.gold_items);
	values[6] = Int32GetDatum(model.iterations);
	values[7] = BoolGetDatum(model.converged);
	values[8] = Float8GetDatum(model.log_likelihood);
	nulls[9] = model.majority_disagreement < 0;
	values[9] = Float8GetDatum(model.majority_disagreement);
	values[10] = Float8GetDatum(model.correlation);
	values[11] = Int64GetDatum(count_groups(&model));
	values[12] = Int64GetDatum(model.teaching_items);
	values[13] = CStringGetTextDatum(model.stopped_by);
	values[14] = PointerGetDatum(construct_array(warnings, model.n_warnings, TEXTOID,
												 -1, false, TYPALIGN_INT));
	PG_RETURN_DATUM(nl_record(fcinfo, values, nulls));
}
