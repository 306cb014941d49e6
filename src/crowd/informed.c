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
 * to each other at random (d = 0), the variance of S would be (a share p_l of the
 * answers is l; u = sum over l of p_l T(l))
 *
 *	V = n / (n - 1) times sum over items and l of p_l (T(l) - m(l) - u + mean u)^2
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
 * Phases.  Who by the counts of the fit, in which his own answers have a part, knew
 * the class more often than SURE is left out, as most are in most crowds.  Items of
 * the others are read; of who has more than MAX_ANSWERS answers a sample by a
 * hash of the item's place.  There are two looks: by the first FIRST_ANSWERS or so
 * most are seen to be informed, and only the rest is looked at further.  Who by these
 * is FIRST_Z errors above the bound would by all of them not be as far below it as a
 * warning takes, but once in some thousand times.  Where all answers are voices T is the posterior of all
 * divided by the annotator's rates; else logarithms are taken apart.
 *
 * Memory: numbers by annotator and class, and for an item's answers.  Interrupts:
 * for each item, and within long ones.
 */
#include "crowd/informed.h"

#include <float.h>
#include <math.h>

#include "common/hashfn.h"
#include "crowd/em_answer.h"

#define SURE 0.55
#define MAX_ANSWERS 1000
#define FIRST_ANSWERS 250
#define FIRST_Z 2.0
#define SAMPLE_SEED 32
#define MIN_RATE 1e-12			/* whose logarithm is taken, or by which is divided */

typedef struct Sums
{
	double		n;
	double		right;			/* T of his answers */
	double		squares;		/* of T, over all classes */
	double		spread;			/* of T by labels: sum of p T^2 - u^2 */
	double		looking;		/* variance by looking or not, at INFORMED_BOUND */
	double		log_ratio;
} Sums;

typedef struct Reader
{
	const AnnotationView *view;
	const EmFit *fit;
	uint32		classes;
	AnnotationView without_gold;
	EmPosteriors *posteriors;
	EmVoices	voices;
	uint32	   *sample;			/* J: he is wanted on items whose hash is less, */
	uint32	   *looked;			/* J: and not less than this; 0 before */
	uint32		least;			/* hashes of this look */
	uint32		most;			/* one beyond */
	Sums	   *sums;			/* J */
	double	   *right;			/* K: right answers of an annotator, by class */
	double	   *labels;			/* J * K: how often he gave each */
	double	   *truth;			/* J * K: sum of T over his items */
	double	   *p;				/* J * K: shares of his labels, by the fit */
	double	   *mean;			/* J * K: mean of T over his items, by the fit */
	EmRun	   *runs;			/* of one item */
	double	   *logs;			/* K for each run */
	double	   *all;			/* K: prior and all runs */
	double	   *t;				/* K */
	double	   *rates;			/* K: of an answer */
} Reader;

/* The rates of an answer, by truth; valid until the next call. */
static const double *
answer_rates(Reader *r, uint32 annotator, uint32 label)
{
	const double *rates = r->fit->parameters.confusion;

	if (variant_is_whole(r->view->variant))
		return rates + em_cell(r->classes, annotator, label, 0);
	for (uint32 k = 0; k < r->classes; k++)
		r->rates[k] = em_answer_rate(em_layout(r->view), rates, r->classes, annotator, label, k);
	return r->rates;
}

static inline uint32
group_of(const Reader *r, uint32 annotator)
{
	return r->view->group == NULL ? annotator : r->view->group[annotator];
}

/*
 * The share by counts of which his own answers are a part: too high, if not right.
 * Leaves p and the mean of T; 1 without answers.
 */
static double
share_in_fit(Reader *r, const AnnotatorModelView *model, uint32 annotator)
{
	Size		classes = r->classes;
	const ModelEvidence *e = &model->evidence;
	double	   *right = r->right;
	double	   *p = r->p + annotator * classes;
	double	   *mean = r->mean + annotator * classes;
	double		n = 0;
	double		squares = 0;
	double		share = 0;		/* n times, as the next is */
	double		scale = 0;

	memset(right, 0, classes * sizeof(double));
	for (Size i = evidence_first(e, annotator); i < e->ends[annotator]; i++)
	{
		uint32		label = e->label[i];
		const double *counts = e->counts + i * classes;
		const double *variances = e->variances + i * classes;

		CHECK_FOR_INTERRUPTS();
		if (!annotation_is_class(r->view, label))
			continue;
		right[label] = counts[label];
		for (Size k = 0; k < classes; k++)
		{
			n += counts[k];
			squares += counts[k] - variances[k];	/* T - T (1 - T) */
			p[label] += counts[k];
			mean[k] += counts[k];
		}
	}
	if (n <= 0)
		return 1;
	scale = squares;
	for (Size k = 0; k < classes; k++)
	{
		p[k] /= n;
		mean[k] /= n;
		share += right[k] - n * p[k] * mean[k];
		scale -= n * mean[k] * mean[k];
	}
	return scale > 0 ? share / scale : 0;
}

/* The largest hash of so many of his items. */
static uint32
sample_of(const AnnotatorModelView *model, uint32 annotator, double answers)
{
	return PG_UINT32_MAX * (answers / Max(model->annotations[annotator], answers));
}

/* For the first look. */
static void
choose_wanted(Reader *r, const AnnotatorModelView *model)
{
	for (uint32 j = 0; j < r->view->annotators.n; j++)
	{
		if (model->annotations[j] < INFORMED_ANSWERS || share_in_fit(r, model, j) >= SURE)
			continue;
		r->sample[j] = sample_of(model, j, FIRST_ANSWERS);
		r->most = Max(r->most, r->sample[j]);
	}
}

/* Both are compared, since to guess what comes out would fail too often. */
static inline bool
is_wanted(const Reader *r, uint32 annotator, uint32 hash)
{
	return (hash < r->sample[annotator]) & (hash >= r->looked[annotator]);
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
truth_without_voice(Reader *r, uint32 own, uint32 n)
{
	uint32		classes = r->classes;
	uint32		group = group_of(r, r->runs[own].annotator);
	bool		alone = r->runs[own].own == r->runs[own].heard;
	double		max = -DBL_MAX;
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
}

/*
 * T without one answer, by the posterior of all; false if a number of either is so
 * small that it may hide another.
 */
static bool
truth_without_answer(Reader *r, const double *posterior, const double *rates)
{
	uint32		classes = r->classes;
	double		sum = 0;

	for (uint32 k = 0; k < classes; k++)
	{
		if (rates[k] < MIN_RATE || posterior[k] < DBL_MIN)
			return false;
		sum += r->t[k] = posterior[k] / rates[k];
	}
	for (uint32 k = 0; k < classes; k++)
		r->t[k] /= sum;
	return true;
}

/* One answer, which counts "own". */
static void
add_answer(Reader *r, uint32 annotator, uint32 label, double own)
{
	Size		classes = r->classes;
	Sums	   *s = &r->sums[annotator];
	const double *p = r->p + annotator * classes;
	const double *mean = r->mean + annotator * classes;
	double	   *truth = r->truth + annotator * classes;
	const double *rates = answer_rates(r, annotator, label);
	double		u = 0;
	double		mean_u = 0;
	double		of_labels = 0;
	double		squares = 0;
	double		looked = 0;		/* E of the head comment */
	double		looked_squares = 0;
	double		rate = 0;

	for (Size k = 0; k < classes; k++)
	{
		double		t = r->t[k];
		double		part = t - mean[k];

		truth[k] += own * t;
		squares += t * t;
		u += p[k] * t;
		mean_u += p[k] * mean[k];
		of_labels += p[k] * t * t;
		looked += t * part;
		looked_squares += t * part * part;
		rate += t * rates[k];
	}
	r->labels[annotator * classes + label] += own;
	s->n += own;
	s->right += own * r->t[label];
	s->squares += own * squares;
	s->spread += own * (of_labels - u * u);
	s->looking += own * INFORMED_BOUND * (looked_squares - looked * looked +
										  (1 - INFORMED_BOUND) * (looked - u + mean_u) * (looked - u + mean_u));
	s->log_ratio += own * log(Max(rate, MIN_RATE) / Max(p[label], MIN_RATE));
}

/* From one run on. */
static void
add_voices(Reader *r, uint32 item, uint32 hash, uint32 from)
{
	uint32		n = read_item(r, item);

	for (uint32 x = from; x < n; x++)
	{
		const EmRun *run = &r->runs[x];

		CHECK_FOR_INTERRUPTS();
		if (!is_wanted(r, run->annotator, hash))
			continue;
		truth_without_voice(r, x, n);
		em_mix_gold(r->view, item, r->t);
		for (uint32 a = run->from; a < run->to; a++)
			if (annotation_is_class(r->view, r->view->label[a]))
				add_answer(r, run->annotator, r->view->label[a], run->own);
	}
}

/* Where every answer is a run; returns how many could be dealt with so. */
static uint32
add_answers(Reader *r, uint32 item, uint32 hash)
{
	const AnnotationView *view = r->view;
	uint32		from = view->starts[item];
	uint32		to = view->starts[item + 1];
	const double *posterior = em_item_posterior(r->posteriors, item);

	for (uint32 a = from; a < to; a++)
	{
		uint32		annotator = view->annotator[a];

		NL_CHECK_INTERRUPTS(a);
		if (!is_wanted(r, annotator, hash) || !annotation_is_class(view, view->label[a]))
			continue;
		if (!truth_without_answer(r, posterior, answer_rates(r, annotator, view->label[a])))
			return a - from;
		em_mix_gold(view, item, r->t);
		add_answer(r, annotator, view->label[a], 1);
	}
	return to - from;
}

static void
add_item(Reader *r, uint32 item)
{
	const AnnotationView *view = r->view;
	uint32		from = view->starts[item];
	uint32		to = view->starts[item + 1];
	uint32		hash = (uint32) hash_bytes_uint32_extended(item, SAMPLE_SEED);
	bool		any = false;
	bool		plain = em_item_is_plain(view, item);
	uint32		done;

	if (hash < r->least || hash >= r->most)
		return;
	for (uint32 a = from; a < to; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		any |= is_wanted(r, view->annotator[a], hash);
	}
	if (!any)
		return;
	if (annotation_repeats(view, item))
		plain = false;			/* not all variants tell voices from answers */
	done = plain ? add_answers(r, item, hash) : 0;
	if (done < to - from)
		add_voices(r, item, hash, done);
}

static InformedShare
end_sums(const Reader *r, uint32 annotator)
{
	const Sums *s = &r->sums[annotator];
	Size		first = (Size) annotator * r->classes;
	double		by_chance = 0;
	double		scale = s->squares;
	double		mean_u = 0;
	double		of_labels = 0;
	double		variance;

	if (s->n < INFORMED_ANSWERS)
		return (InformedShare) {0};
	for (Size c = first; c < first + r->classes; c++)
	{
		double		m = r->truth[c] / s->n;

		by_chance += r->labels[c] * m;
		scale -= s->n * m * m;
		mean_u += r->p[c] * m;
		of_labels += r->p[c] * m * m;
	}
	variance = s->n / (s->n - 1) * (s->spread - s->n * (of_labels - mean_u * mean_u));
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

static void
look(Reader *r)
{
	for (uint32 i = 0; i < r->view->items && r->most > 0; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (em_item_teaches(r->view, i))
			add_item(r, i);
	}
}

/* For the second look: who is not yet seen to be informed, and has more answers. */
static void
choose_doubtful(Reader *r, const AnnotatorModelView *model)
{
	r->least = PG_UINT32_MAX;
	r->most = 0;
	for (uint32 j = 0; j < r->view->annotators.n; j++)
	{
		InformedShare s;

		CHECK_FOR_INTERRUPTS();
		if (r->sample[j] == 0)
			continue;
		r->looked[j] = r->sample[j];
		if (model->annotations[j] <= FIRST_ANSWERS)
			continue;
		s = end_sums(r, j);
		if (s.n > 0 && s.share > INFORMED_BOUND + FIRST_Z * s.error)
			r->sums[j].n = 0;
		else
			r->sample[j] = sample_of(model, j, MAX_ANSWERS);
		if (r->sample[j] > r->looked[j])
		{
			r->least = Min(r->least, r->looked[j]);
			r->most = Max(r->most, r->sample[j]);
		}
	}
}

/* Of an item; answers may be many more. */
static uint32
most_annotators(const AnnotationView *view)
{
	uint32		most = 1;

	for (uint32 i = 0; i < view->items; i++)
	{
		uint32		n = 1;

		for (uint32 a = view->starts[i] + 1; a < view->starts[i + 1]; a++)
		{
			NL_CHECK_INTERRUPTS(a);
			n += view->annotator[a] != view->annotator[a - 1];
		}
		most = Max(most, n);
	}
	return most;
}

/* Bytes of the tables by annotator and class, and of an item that all answer. */
Size
informed_memory(const AnnotationView *view)
{
	return mul_size(5 * sizeof(double), mul_size(view->annotators.n, view->labels.n));
}

/* The reader's view of the items is its own, so it may not be moved. */
static void
begin_reader(Reader *r, const AnnotationView *view, const EmFit *fit)
{
	MemoryContext context = CurrentMemoryContext;
	Size		classes = view->labels.n;
	Size		numbers = mul_size(mul_size(view->annotators.n, classes), sizeof(double));
	Size		runs = most_annotators(view);

	*r = (Reader) {.view = view,.fit = fit,.classes = classes};
	r->without_gold = annotations_without_gold(view);
	r->posteriors = em_begin_posteriors(&r->without_gold, &fit->parameters);
	r->voices = em_voices_begin(view);
	r->sample = nl_alloc_zero(context, mul_size(view->annotators.n, sizeof(uint32)));
	r->looked = nl_alloc_zero(context, mul_size(view->annotators.n, sizeof(uint32)));
	r->sums = nl_alloc_zero(context, mul_size(view->annotators.n, sizeof(Sums)));
	r->right = nl_alloc(context, classes * sizeof(double));
	r->labels = nl_alloc_zero(context, numbers);
	r->truth = nl_alloc_zero(context, numbers);
	r->p = nl_alloc_zero(context, numbers);
	r->mean = nl_alloc_zero(context, numbers);
	r->runs = nl_alloc(context, mul_size(runs, sizeof(EmRun)));
	r->logs = nl_alloc(context, mul_size(runs, mul_size(classes, sizeof(double))));
	r->all = nl_alloc(context, classes * sizeof(double));
	r->t = nl_alloc(context, classes * sizeof(double));
	r->rates = nl_alloc(context, classes * sizeof(double));
}

static void
end_reader(Reader *r)
{
	em_end_posteriors(r->posteriors);
	em_voices_end(&r->voices);
	pfree(r->sample);
	pfree(r->looked);
	pfree(r->sums);
	pfree(r->right);
	pfree(r->rates);
	pfree(r->labels);
	pfree(r->truth);
	pfree(r->p);
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
	Reader		r;

	begin_reader(&r, view, fit);
	choose_wanted(&r, model);
	look(&r);
	choose_doubtful(&r, model);
	look(&r);
	for (uint32 j = 0; j < annotators; j++)
	{
		CHECK_FOR_INTERRUPTS();
		if (r.sample[j] > 0)
			result[j] = end_sums(&r, j);
	}
	end_reader(&r);
	return result;
}
