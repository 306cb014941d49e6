/*
 * informed.c
 *		How often an annotator has looked: what his answers say of the truth that
 *		the others tell.
 *
 * T is the posterior of an item's class by all answers but those of the
 * annotator's own voice, under the matrices of the fit, and with gold.  If with a
 * share d of his n answers he gave the class, and otherwise a label as frequent as
 * ever, then with m the mean of T over his items
 *
 *	S = sum of T(his answer) - sum over l of n_l m(l)	is d times
 *	R = sum over items and classes of T^2 - n sum m^2	on average
 *
 * so S / R estimates d: 0 for who answers without looking, whatever his
 * preferences; below 0 for who says the opposite.  Were answers and items dealt
 * to each other at random (d = 0), the variance of S would be (n_l of N answers
 * are l; u = sum over l of n_l T(l) / N)
 *
 *	V = 1 / (n - 1) times sum over items and l of n_l (T(l) - m(l) - u + mean u)^2
 *
 * and for another d it is, with E the mean and W the variance of T(k) - m(k) for an
 * item whose class k is drawn from T, and F = u - mean u,
 *
 *	(1 - d) V + sum over items of d W + d (1 - d) (E - F)^2
 *
 * which matters where a class is rare: then S hangs on few items.
 *
 * That knows of one kind of dependence only.  Of any other, such as classes
 * mixed up, the logarithm of the likelihood ratio tells: his answers under his
 * matrix, against labels as frequent as ever.
 *
 * Phases.  Labels are counted; who by the counts of the fit, in which his own
 * answers have a part, knew the class more often than SURE is left out, which
 * most are in most crowds; the items of the others are read once.
 *
 * Memory: numbers by annotator and class, for the logarithms of an item's
 * answers.  Interrupts: for each item, and within long ones.
 */
#include "crowd/informed.h"

#include <math.h>

#define SURE 0.7
#define MIN_RATE 1e-12			/* whose logarithm is taken */

/* What is summed for each annotator; "labels" and "truth" have K numbers each. */
typedef struct Sums
{
	double		n;
	double		right;			/* T of his answers */
	double		squares;		/* of T, over all classes */
	double		spread;			/* of T by labels; see end_sums() */
	double		looking;		/* variance by looking or not, at INFORMED_BOUND */
	double		log_ratio;
	bool		wanted;
} Sums;

typedef struct Reader
{
	const AnnotationView *view;
	const EmFit *fit;
	uint32		classes;
	EmVoices	voices;
	Sums	   *sums;			/* J */
	double	   *labels;			/* J * K: how often each gave each */
	double	   *truth;			/* J * K: sum of T over his items */
	double	   *mean;			/* J * K: its mean, by the fit */
	Size		capacity;		/* of the next two, in runs */
	EmRun	   *runs;			/* of one item */
	double	   *logs;			/* K for each run */
	double	   *all;			/* K: prior and all runs */
	double	   *t;				/* K */
} Reader;

static inline const double *
answer_rates(const Reader *r, uint32 annotator, uint32 label)
{
	return r->fit->parameters.confusion + em_cell(r->classes, annotator, label, 0);
}

static inline uint32
group_of(const Reader *r, uint32 annotator)
{
	return r->view->group == NULL ? annotator : r->view->group[annotator];
}

static void
count_labels(Reader *r)
{
	const AnnotationView *view = r->view;

	for (uint32 i = 0; i < view->items; i++)
	{
		EmRun		run = {.to = view->starts[i]};

		NL_CHECK_INTERRUPTS(i);
		while (em_item_teaches(view, i) && em_next_run(&r->voices, i, &run))
			for (uint32 a = run.from; a < run.to; a++)
				r->labels[(Size) run.annotator * r->classes + view->label[a]] +=
					1.0 / (run.to - run.from);
	}
}

/*
 * The share by counts of which his own answers are a part: too high, if not right.
 * Leaves the mean of T.
 */
static double
share_in_fit(const AnnotatorModelView *model, uint32 annotator, double *mean)
{
	uint32		classes = model->labels.n;
	const double *counts = model->counts + annotator * model_cells(model);
	const double *variances = model->variances + annotator * model_cells(model);
	double		n = 0;
	double		right = 0;
	double		by_chance = 0;
	double		squares = 0;
	double		mean_squares = 0;

	CHECK_FOR_INTERRUPTS();
	for (Size c = 0; c < model_cells(model); c++)
	{
		n += counts[c];
		squares += counts[c] - variances[c];	/* T - T (1 - T) */
	}
	for (uint32 k = 0; k < classes; k++)
	{
		double		label = 0;
		double		truth = 0;

		for (uint32 c = 0; c < classes; c++)
		{
			label += counts[em_cell(classes, 0, k, c)];
			truth += counts[em_cell(classes, 0, c, k)];
		}
		right += counts[em_cell(classes, 0, k, k)];
		mean[k] = n > 0 ? truth / n : 1.0 / classes;
		by_chance += label * mean[k];
		mean_squares += truth * mean[k];
	}
	return squares > mean_squares ? (right - by_chance) / (squares - mean_squares) : 0;
}

/* The item's runs and their logarithms; returns how many runs. */
static uint32
read_item(Reader *r, uint32 item)
{
	uint32		classes = r->classes;
	EmRun		run = {.to = r->view->starts[item]};
	uint32		n = 0;

	for (uint32 k = 0; k < classes; k++)
		r->all[k] = log(Max(r->fit->parameters.prior[k], MIN_RATE));
	em_voices_enter(&r->voices, item);
	while (em_voices_next(&r->voices, item, &run))
	{
		double	   *logs = r->logs + (Size) n * classes;

		memset(logs, 0, classes * sizeof(double));
		for (uint32 a = run.from; a < run.to; a++)
		{
			const double *rates = answer_rates(r, run.annotator, r->view->label[a]);

			NL_CHECK_INTERRUPTS(a);
			for (uint32 k = 0; k < classes; k++)
				logs[k] += run.heard * log(Max(rates[k], MIN_RATE));
		}
		for (uint32 k = 0; k < classes; k++)
			r->all[k] += logs[k];
		r->runs[n++] = run;
	}
	em_voices_leave(&r->voices, item);
	return n;
}

/* T without the voice of run "own" of n. */
static void
truth_without(Reader *r, uint32 item, uint32 own, uint32 n)
{
	uint32		classes = r->classes;
	uint32		group = group_of(r, r->runs[own].annotator);
	bool		alone = r->runs[own].own == r->runs[own].heard;
	double		max = -INFINITY;
	double		sum = 0;

	memcpy(r->t, r->all, classes * sizeof(double));
	for (uint32 x = alone ? own : 0; x < (alone ? own + 1 : n); x++)
		if (x == own || group_of(r, r->runs[x].annotator) == group)
			for (uint32 k = 0; k < classes; k++)
				r->t[k] -= r->logs[(Size) x * classes + k];
	for (uint32 k = 0; k < classes; k++)
		max = Max(max, r->t[k]);
	for (uint32 k = 0; k < classes; k++)
		sum += r->t[k] = exp(r->t[k] - max);
	for (uint32 k = 0; k < classes; k++)
		r->t[k] /= sum;
	em_mix_gold(r->view, item, r->t);
}

/*
 * The variance of an answer's part of S by whether he looked, and by which class
 * it is; "u" is the mean of T(l) by his labels.
 */
static double
looking_variance(const Reader *r, uint32 annotator, double u, double n)
{
	uint32		classes = r->classes;
	const double *mean = r->mean + (Size) annotator * classes;
	const double *labels = r->labels + (Size) annotator * classes;
	double		e = 0;
	double		squares = 0;
	double		f = u;

	for (uint32 k = 0; k < classes; k++)
	{
		double		part = r->t[k] - mean[k];

		e += r->t[k] * part;
		squares += r->t[k] * part * part;
		f -= labels[k] * mean[k] / n;
	}
	return INFORMED_BOUND * (squares - e * e) +
		INFORMED_BOUND * (1 - INFORMED_BOUND) * (e - f) * (e - f);
}

/* One answer, which counts "own". */
static void
add_answer(Reader *r, uint32 annotator, uint32 label, double own)
{
	uint32		classes = r->classes;
	Sums	   *s = &r->sums[annotator];
	const double *labels = r->labels + (Size) annotator * classes;
	double	   *truth = r->truth + (Size) annotator * classes;
	const double *rates = answer_rates(r, annotator, label);
	double		n = 0;
	double		u = 0;			/* n times */
	double		of_labels = 0;
	double		rate = 0;

	for (uint32 k = 0; k < classes; k++)
	{
		double		t = r->t[k];

		truth[k] += own * t;
		s->squares += own * t * t;
		n += labels[k];
		u += labels[k] * t;
		of_labels += labels[k] * t * t;
		rate += t * rates[k];
	}
	s->n += own;
	s->right += own * r->t[label];
	s->spread += own * (of_labels - u * u / n);
	s->looking += own * looking_variance(r, annotator, u / n, n);
	s->log_ratio += own * log(Max(rate, MIN_RATE) * n / labels[label]);
}

static void
add_item(Reader *r, uint32 item)
{
	const AnnotationView *view = r->view;
	uint32		n = 0;

	for (uint32 a = view->starts[item]; a < view->starts[item + 1]; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		n += r->sums[view->annotator[a]].wanted;
	}
	if (n == 0)
		return;
	n = read_item(r, item);
	for (uint32 x = 0; x < n; x++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!r->sums[r->runs[x].annotator].wanted)
			continue;
		truth_without(r, item, x, n);
		for (uint32 a = r->runs[x].from; a < r->runs[x].to; a++)
			add_answer(r, r->runs[x].annotator, view->label[a], r->runs[x].own);
	}
}

static InformedShare
end_sums(const Reader *r, uint32 annotator)
{
	const Sums *s = &r->sums[annotator];
	const double *labels = r->labels + (Size) annotator * r->classes;
	const double *truth = r->truth + (Size) annotator * r->classes;
	double		by_chance = 0;	/* n times the mean of u, as the sum of labels is n */
	double		squares = 0;
	double		of_labels = 0;
	double		variance;
	double		scale;

	if (s->n < 2)
		return (InformedShare) {0};
	for (uint32 k = 0; k < r->classes; k++)
	{
		by_chance += labels[k] * truth[k] / s->n;
		squares += truth[k] * truth[k] / s->n;
		of_labels += labels[k] * truth[k] * truth[k] / s->n;
	}
	scale = s->squares - squares;
	variance = (s->spread - (of_labels - by_chance * by_chance)) / (s->n - 1);
	if (scale < 1e-9 || variance < 1e-9)
		return (InformedShare) {0};
	return (InformedShare) {
		.n = s->n,
		.share = (s->right - by_chance) / scale,
		.chance_error = sqrt(variance) / scale,
		.error = sqrt((1 - INFORMED_BOUND) * variance + s->looking) / scale,
		.log_ratio = s->log_ratio
	};
}

static uint32
longest_item(const AnnotationView *view)
{
	uint32		longest = 1;

	for (uint32 i = 0; i < view->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		longest = Max(longest, view->starts[i + 1] - view->starts[i]);
	}
	return longest;
}

static Reader
begin_reader(const AnnotationView *view, const EmFit *fit)
{
	MemoryContext context = CurrentMemoryContext;
	Size		classes = view->labels.n;
	Size		numbers = mul_size(mul_size(view->annotators.n, classes), sizeof(double));
	Size		runs = longest_item(view);
	Reader		r = {.view = view,.fit = fit,.classes = classes};

	r.voices = em_voices_begin(view);
	r.sums = nl_alloc_zero(context, mul_size(view->annotators.n, sizeof(Sums)));
	r.labels = nl_alloc_zero(context, numbers);
	r.truth = nl_alloc_zero(context, numbers);
	r.mean = nl_alloc(context, numbers);
	r.runs = nl_alloc(context, mul_size(runs, sizeof(EmRun)));
	r.logs = nl_alloc(context, mul_size(runs, mul_size(classes, sizeof(double))));
	r.all = nl_alloc(context, classes * sizeof(double));
	r.t = nl_alloc(context, classes * sizeof(double));
	return r;
}

static void
end_reader(Reader *r)
{
	em_voices_end(&r->voices);
	pfree(r->sums);
	pfree(r->labels);
	pfree(r->truth);
	pfree(r->mean);
	pfree(r->runs);
	pfree(r->logs);
	pfree(r->all);
	pfree(r->t);
}

/* By annotator; the model has its evidence. */
InformedShare *
informed_shares(const AnnotatorModelView *model, const AnnotationView *view,
				const EmFit *fit)
{
	uint32		annotators = view->annotators.n;
	InformedShare *result = nl_alloc_zero(CurrentMemoryContext,
										  mul_size(Max(annotators, 1), sizeof(InformedShare)));
	Reader		r = begin_reader(view, fit);

	count_labels(&r);
	for (uint32 j = 0; j < annotators; j++)
		r.sums[j].wanted = share_in_fit(model, j, r.mean + (Size) j * r.classes) < SURE;
	for (uint32 i = 0; i < view->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (em_item_teaches(view, i))
			add_item(&r, i);
	}
	for (uint32 j = 0; j < annotators; j++)
	{
		CHECK_FOR_INTERRUPTS();
		if (r.sums[j].wanted)
			result[j] = end_sums(&r, j);
	}
	end_reader(&r);
	return result;
}
