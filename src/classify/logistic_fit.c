/*
 * logistic_fit.c
 *		Fits multinomial logistic regressions; see logistic_fit.h.
 *
 * Objective.  Over training rows i with weight w_i, target shares t_ik and
 * class weights c_k, in features z standardised by the weighted mean and
 * deviation of the training rows,
 *
 *	sum_ik w_i c_k t_ik (-log p_ik) + l2 / 2 sum_kj b_kj^2,
 *	p_i = softmax(a + B z_i)
 *
 * with intercepts a free of penalty: scikit-learn's, with C = 1 / l2.  With two
 * classes there is one vector b of coefficients, as there.
 *
 * Phases: what each model learns from, and by what it is standardised; buffers,
 * and a guess of the inverse Hessian (logistic_precondition.c); the optimiser
 * (logistic_lbfgs.c), which evaluates all models together
 * (logistic_objective.c) and asks whether there is an optimum
 * (logistic_separation.c); coefficients on the scale of the input.  Where the loss is
 * a robust one (logistic_answers.c) the optimiser goes on with that from there.
 *
 * Memory: beside the matrix, for each model VECTORS vectors of coefficients; the
 * numbers of a block of rows; the guess.  All but the result in a context of the
 * fit.  Interrupts: as the parts say.
 */
#include "classify/logistic_internal.h"

#include <float.h>
#include <math.h>

#define BLOCK_BYTES (160 * 1024)
#define MIN_BLOCK 32
/* of the search, of the products, and the result */
#define VECTORS (2 * HISTORY + 7 + 2 + 1)

const char *const class_weight_names[] = {
	[CLASS_WEIGHT_NONE] = "none",
	[CLASS_WEIGHT_BALANCED] = "balanced",
	NULL
};

const char *const loss_names[] = {
	[LOSS_CROSS_ENTROPY] = "cross_entropy",
	[LOSS_GENERALISED] = "generalised_cross_entropy",
	NULL
};

/* Bytes of a fit with that many models, at most. */
Size
logistic_fit_memory(const TrainingSet *set, uint32 models)
{
	Size		width = set->x.width;
	Size		columns = Max(set->labels->n, 1);
	Size		size = mul_size(mul_size(mul_size(models, VECTORS), columns), width);

	size = add_size(size, mul_size(mul_size(models, columns), MAX_BLOCK));
	size = add_size(size, logistic_precondition_memory(set->x.n, width, columns, models));
	return mul_size(size, sizeof(double));
}

/*
 * Refuse to fit that many models where they, the set and "beside" take too much.
 * The rows decide, or the coefficients.
 */
void
logistic_check_memory(const TrainingSet *set, uint32 models, Size beside,
					 const char *purpose)
{
	Size		fit = logistic_fit_memory(set, models);
	Size		rows = add_size(training_set_memory(set), beside);
	uint32		features = set->x.width - 1;

	if (rows >= fit)
		nl_check_memory_for(add_size(rows, fit), purpose, "take fewer rows or features",
							"It grows with rows times features: %u rows with %u features each.",
							set->x.n, features);
	else
		nl_check_memory_for(add_size(rows, fit), purpose,
							models > 1 ? "take fewer features, merge classes, or make fewer folds" :
							"take fewer features or merge classes",
							"It grows with models times classes times features: %u x %u x %u.",
							models, set->labels->n, features);
}

/*
 * What a model learns from
 */
static void
set_classes(const LogisticFit *fit, uint32 f, LogisticModel *m)
{
	const Design *d = fit->design;
	double	   *weight = palloc0(Max(d->classes, 1) * sizeof(double));
	bool		unit;

	m->label = palloc(Max(d->classes, 1) * sizeof(uint16));
	m->local = palloc0(Max(d->classes, 1) * sizeof(uint16));
	m->factor = palloc0(Max(d->classes, 1) * sizeof(double));
	for (uint32 g = 0; g < d->folds; g++)
		if (learns_from(fit, f, g))
		{
			m->weight += d->weight[g];
			for (uint32 k = 0; k < d->classes; k++)
				weight[k] += design_class_weight(d, g, k);
		}
	for (uint32 k = 0; k < d->classes; k++)
		if (weight[k] > 0)
		{
			m->local[k] = m->classes;
			m->label[m->classes++] = k;
		}
	m->columns = m->classes > 2 ? m->classes : m->classes == 2;
	unit = fit->options->class_weight == CLASS_WEIGHT_NONE;
	m->plain = unit && m->classes == d->classes;
	m->share = palloc(Max(m->classes, 1) * sizeof(double));
	for (uint32 k = 0; k < m->classes; k++)
	{
		double		w = weight[m->label[k]];

		m->factor[m->label[k]] = unit ? 1 : m->weight / (m->classes * w);
		m->share[k] = w * m->factor[m->label[k]];
		m->mass += m->share[k];
	}
	for (uint32 k = 0; k < m->classes; k++)
		m->share[k] /= m->mass;
	pfree(weight);
}

/* Mean of the rows that a model learns from; "square" is about it. */
static void
merge_moments(const LogisticFit *fit, uint32 f, LogisticModel *m, uint32 j, double *square,
			  double *range)
{
	const Design *d = fit->design;
	double		min = INFINITY;
	double		max = -INFINITY;
	double		sum = 0;

	for (uint32 g = 0; g < d->folds; g++)
		if (learns_from(fit, f, g))
		{
			Size		at = (Size) g * fit->width + j;

			sum += d->weight[g] * d->centre[at];
			min = Min(min, d->min[at]);
			max = Max(max, d->max[at]);
		}
	m->mean[j] = m->weight > 0 ? sum / m->weight : 0;
	*range = max - min;
	*square = 0;
	for (uint32 g = 0; g < d->folds; g++)
		if (learns_from(fit, f, g))
		{
			Size		at = (Size) g * fit->width + j;
			double		apart = d->centre[at] - m->mean[j];

			*square += d->square[at] + d->weight[g] * apart * apart;
		}
}

/*
 * Mean and deviation of the model's own rows.  A feature whose values are all
 * the same there, or differ by no more than rounding (the bound of scikit-learn's
 * StandardScaler), has scale 0, and so a coefficient of exactly 0, whatever
 * other rows hold.
 */
static void
set_scale(const LogisticFit *fit, uint32 f, LogisticModel *m)
{
	const Design *d = fit->design;
	double		rows = 0;

	for (uint32 g = 0; g < d->folds; g++)
		if (learns_from(fit, f, g))
			rows += d->used[g] - d->start[g];
	m->mean = palloc0(fit->width * sizeof(double));
	m->scale = palloc0(fit->width * sizeof(double));
	m->scale[0] = 1;
	for (uint32 j = 1; j < fit->width && m->weight > 0; j++)
	{
		double		square;
		double		range;
		double		variance;
		double		rounding;

		CHECK_FOR_INTERRUPTS();	/* a number of each fold is far from the next */
		merge_moments(fit, f, m, j, &square, &range);
		variance = square / m->weight;
		rounding = rows * DBL_EPSILON * (d->mean[j] + m->mean[j]);
		if (range > 0 &&
			variance > rows * DBL_EPSILON * variance + rounding * rounding)
			m->scale[j] = 1 / sqrt(variance);
	}
}

/* Class frequencies: where the search begins. */
static void
set_start(const LogisticFit *fit, LogisticModel *m)
{
	double		mean = 0;

	if (m->columns == 1)
	{
		m->trial[0] = log(m->share[1] / m->share[0]);
		m->g[0] = m->share[0] * m->share[1];
		return;
	}
	for (uint32 k = 0; k < m->columns; k++)
		mean += log(m->share[k]) / m->columns;
	for (uint32 k = 0; k < m->columns; k++)
	{
		m->trial[k * fit->width] = log(m->share[k]) - mean;
		m->g[k] = m->share[k];
	}
}

static void
begin_model(const LogisticFit *fit, uint32 f, LogisticModel *m)
{
	set_classes(fit, f, m);
	set_scale(fit, f, m);
	m->n = (Size) m->columns * fit->width;
	m->theta = vector(m);
	m->gradient = vector(m);
	m->direction = vector(m);
	m->trial = vector(m);
	m->trial_gradient = vector(m);
	m->work = vector(m);
	m->g = palloc0(Max(m->columns, 1) * sizeof(double));
	m->curvature = palloc0(Max(m->columns, 1) * sizeof(double));
	m->active = m->columns > 0;
	m->converged = !m->active;
	if (m->active)
		set_start(fit, m);
	logistic_begin_answers(fit, m);
}

/* So that no model finds a feature too small. */
static double *
largest_scale(const LogisticFit *fit)
{
	double	   *scale = palloc0(fit->width * sizeof(double));

	for (uint32 f = 0; f < fit->n_models; f++)
	{
		CHECK_FOR_INTERRUPTS();
		for (uint32 j = 0; j < fit->width; j++)
			scale[j] = Max(scale[j], fit->models[f].scale[j]);
	}
	return scale;
}

static void
make_buffers(LogisticFit *fit)
{
	Size		columns = 0;

	for (uint32 f = 0; f < fit->n_models; f++)
		columns += fit->models[f].columns;
	columns = Max(columns, 1);
	fit->block = BLOCK_BYTES / (Max(columns, fit->width) * sizeof(double));
	fit->block = Max(Min(fit->block, MAX_BLOCK), MIN_BLOCK);
	fit->block = Min(fit->block, Max(fit->design->n, 1));
	fit->scale = largest_scale(fit);
	fit->u = nl_alloc(CurrentMemoryContext, columns * fit->width * sizeof(double));
	fit->product = nl_alloc(CurrentMemoryContext, columns * fit->width * sizeof(double));
	fit->z = nl_alloc(CurrentMemoryContext, columns * fit->block * sizeof(double));
	fit->mass = palloc(fit->block * sizeof(double));
	fit->dot = palloc(fit->block * sizeof(double));
	fit->second = palloc(fit->block * sizeof(double));
	fit->scratch = palloc(2 * fit->block * sizeof(double));
	fit->label = palloc(fit->block * sizeof(uint16));
	logistic_begin_preconditioner(fit);
}

static void
take_result(const LogisticFit *fit, LogisticModel *m, FittedModel *result)
{
	if (m->columns > 1)
		logistic_centre(m, fit->width, m->theta);
	result->classes = m->classes;
	result->label = palloc(Max(m->classes, 1) * sizeof(uint16));
	memcpy(result->label, m->label, m->classes * sizeof(uint16));
	result->columns = m->columns;
	result->coefficients = vector(m);
	logistic_unstandardize(fit, m, m->theta, result->coefficients);
	result->weight = m->weight;
	result->iterations = m->iterations;
	result->converged = m->converged;
	result->loss = m->loss;
	result->gradient = m->decrement;
	result->tolerance = m->tolerance;
	result->separated = m->separated;
}

/* Models and buffers, in the current context. */
void
logistic_begin(LogisticFit *fit, const Design *design, bool hold_out,
			   const LogisticOptions *options)
{
	nl_blas_load();
	fit->design = design;
	fit->options = options;
	fit->hold_out = hold_out;
	fit->robust = logistic_is_robust(design->set, options);
	fit->width = design->x->width;
	fit->n_models = hold_out ? design->folds : 1;
	fit->models = palloc0(fit->n_models * sizeof(LogisticModel));
	for (uint32 f = 0; f < fit->n_models; f++)
		begin_model(fit, f, &fit->models[f]);
	make_buffers(fit);
}

#define START_TOLERANCE 0.1

/*
 * To an optimum; where the loss is robust from that of cross-entropy, which need not
 * be met closely.
 */
void
logistic_search(LogisticFit *fit, const char *name)
{
	const LogisticOptions *options = fit->options;
	LogisticOptions start = *options;

	if (fit->robust)
	{
		start.tolerance = Max(start.tolerance, START_TOLERANCE);
		fit->options = &start;
		fit->labels_only = true;
	}
	logistic_optimize(fit, name);
	fit->options = options;
	if (!fit->robust)
		return;
	fit->labels_only = false;
	logistic_continue(fit, name);
	for (uint32 f = 0; f < fit->n_models; f++)
	{
		double		mass;

		fit->models[f].loss = logistic_log_loss(fit, f, false, &mass);
	}
}

/*
 * A model for each fold, of the rows of the others, or (not "hold_out") one
 * model of all rows.  "name" is for progress messages.
 */
FittedModel *
logistic_fit(const Design *design, bool hold_out,
				   const LogisticOptions *options, const char *name)
{
	LogisticFit fit = {0};
	uint32		n = hold_out ? design->folds : 1;
	FittedModel *results = palloc0(n * sizeof(FittedModel));
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "logistic fit",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	logistic_begin(&fit, design, hold_out, options);
	logistic_search(&fit, name);
	MemoryContextSwitchTo(old);
	for (uint32 f = 0; f < n; f++)
		take_result(&fit, &fit.models[f], &results[f]);
	MemoryContextDelete(context);
	return results;
}

/*
 * Where weights or features are hundreds of orders of magnitude apart the fit
 * may end without a number of use.
 */
void
logistic_check_finite(const FittedModel *model, uint32 width)
{
	double		check = model->gradient * 0.0 + model->loss * 0.0;

	for (Size i = 0; i < (Size) model->columns * width; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		check += model->coefficients[i] * 0.0;
	}
	if (check != 0)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("coefficients of a logistic regression overflow"),
				 errhint("Bring weights and features nearer to 1.")));
}

static bool
is_farther(const FittedModel *a, const FittedModel *b)
{
	return b == NULL || a->gradient * b->tolerance > b->gradient * a->tolerance;
}

/* What a user should know of fits that came to no end, of one model or of folds. */
void
logistic_warn(const FittedModel *models, uint32 n, const LogisticOptions *options,
			 const char *function)
{
	const FittedModel *worst = NULL;
	uint32		separated = 0;
	uint32		failed = 0;

	for (uint32 f = 0; f < n; f++)
	{
		separated += models[f].separated;
		if (models[f].converged || models[f].separated)
			continue;
		failed++;
		if (is_farther(&models[f], worst))
			worst = &models[f];
	}
	if (separated > 0)
		ereport(WARNING,
				(errmsg("%s() found no best coefficients%s: the features separate classes, and \"l2\" is 0",
						function, n > 1 ? psprintf(" in %u of %u folds", separated, n) : ""),
				 errdetail("The more some coefficients grow the likelier are the labels, without end; the fit was cut short."),
				 errhint("Set \"l2\" above 0; the default is 1.")));
	if (failed > 0)
		ereport(WARNING,
				(errmsg("%s() did not converge in %s: gradient %.2e, tolerance %.2e",
						function,
						n > 1 ? psprintf("%u of %u folds", failed, n) :
						psprintf("%d iteration%s", worst->iterations, worst->iterations == 1 ? "" : "s"),
						worst->gradient, worst->tolerance),
				 worst->tolerance != options->tolerance ?
				 errdetail("The option \"tolerance\" is %.2e, as a share of the gradient at the start where that is below 1.",
						   options->tolerance) : 0,
				 errhint("Raise \"max_iterations\" or \"l2\".")));
}
