/*
 * em_final_counts.c
 *		What a finished fit leaves behind for each annotator: expected counts,
 *		and how sure they are.
 *
 * With t the posterior of a class for the item of an annotation, the expected
 * count of (truth, label) is the sum of t over the annotations with that label,
 * and its variance, given the annotations, the sum of t (1 - t).  The first is
 * how much was seen, the second how much of that is guesswork; crowd_shrinkage.c makes
 * intervals of the two.  An annotator who gave an item the same label m times
 * is right or wrong m times at once, which has the variance m^2 t (1 - t).  Where
 * voices are told from answers (em_voices.c), an answer counts as one of its
 * annotator's.
 *
 * Only items count that tell anything about annotators: a single answer is
 * right by its own posterior.  The posterior is that of the last pass, with gold
 * as in the E step.  Where gold alone taught the model, items with gold alone are
 * evidence: on the others the crowd's agreement would have the say about
 * annotators that it was denied.
 *
 * What is reported of an item is less sure than its posterior, if answers share
 * errors (design_exponent()).  By these distributions an annotator has fewer right
 * answers, and that both may be true is what intervals of accuracy say
 * (annotator_record.c).  Counts are not made of them: they are drawn to even
 * class shares, which would put most of a frequent class's answers into the rows
 * of rare ones.
 *
 * The evidence has columns for the labels that an annotator gave (model_evidence.h),
 * whose place a table of annotators and labels tells.  Fits of coins have not counted
 * which wrong labels there were, so that their pool is counted here.
 *
 * Memory: the evidence, the table, and posteriors of an item.  Interrupts: for each item,
 * and within an item of many annotations.
 */
#include "crowd/em_correlation.h"
#include "crowd/em_answer.h"

#include <math.h>

#include "math/dispatch.h"

#define SMALL_POSTERIOR 1e-290

typedef struct Filler
{
	const AnnotationView *view;
	Size		classes;
	uint32	   *place;			/* J * K: the column of a label, plus 1; or 0 */
	EmEvidence	evidence;
	double	   *pool;			/* K * K: counts of all annotators, or NULL */
	double	   *unsure;			/* K: posterior (1 - posterior) of an item */
} Filler;

/* What is known of one item. */
typedef struct Known
{
	const double *posterior;
	const double *reported;		/* or NULL, if it is the same everywhere */
} Known;

Size
em_evidence_places_size(const AnnotationView *view)
{
	return mul_size(mul_size(Max(view->annotators.n, 1), view->labels.n), sizeof(uint32));
}

/* Counts the columns that the answers to an item are the first to need. */
static Size
add_labels(uint32 *place, const AnnotationView *view, uint32 item)
{
	Size		n = 0;

	for (uint32 a = view->starts[item]; a < view->starts[item + 1]; a++)
	{
		uint32	   *p = &place[(Size) view->annotator[a] * view->labels.n + view->label[a]];

		NL_CHECK_INTERRUPTS(a);
		n += *p == 0;
		*p = 1;
	}
	return n;
}

/* If every annotator gave every label. */
static Size
most_columns(const AnnotationView *view)
{
	return (Size) view->annotators.n * view->labels.n;
}

/* How many columns evidence may have, if all items are. */
Size
em_evidence_columns(const AnnotationView *view)
{
	uint32	   *place = nl_alloc_zero(CurrentMemoryContext, em_evidence_places_size(view));
	Size		n = 0;

	for (uint32 i = 0; i < view->items && n < most_columns(view); i++)
	{
		NL_CHECK_INTERRUPTS(i);
		n += add_labels(place, view, i);
	}
	pfree(place);
	return n;
}

static bool
is_evidence(const AnnotationView *view, uint32 item, bool gold_only)
{
	return gold_only ? annotation_gold(view, item) != NO_GOLD : em_item_tells(view, item);
}

/* The columns of an annotator, from "column" on; returns the next. */
static Size
put_columns(uint32 *place, Size annotator, Size classes, Size column, ModelEvidence *e)
{
	for (Size l = 0; l < classes; l++)
		if (place[annotator * classes + l] != 0)
		{
			e->label[column++] = l;
			place[annotator * classes + l] = column;
		}
	return e->ends[annotator] = column;
}

/* Evidence of 0, in the columns that there are. */
static void
begin_evidence(Filler *f, bool gold_only)
{
	MemoryContext context = CurrentMemoryContext;
	Size		annotators = f->view->annotators.n;
	Size		of_annotators = mul_size(Max(annotators, 1), sizeof(double));
	Size		columns = 0;
	ModelEvidence *e = &f->evidence.counts;

	f->place = nl_alloc_zero(context, em_evidence_places_size(f->view));
	for (uint32 i = 0; i < f->view->items && columns < most_columns(f->view); i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (is_evidence(f->view, i, gold_only))
			columns += add_labels(f->place, f->view, i);
	}
	*e = evidence_create(annotators, f->classes, columns);
	nl_clear(e->counts, columns * f->classes * sizeof(double));
	nl_clear(e->variances, columns * f->classes * sizeof(double));
	columns = 0;
	for (Size j = 0; j < annotators; j++)
	{
		CHECK_FOR_INTERRUPTS();
		columns = put_columns(f->place, j, f->classes, columns, e);
	}
	f->evidence.reported_right = nl_alloc_zero(context, of_annotators);
	f->evidence.reported_variances = nl_alloc_zero(context, of_annotators);
}

/* What the answer "a" adds, if it counts "share" and its variance "times". */
static void
add_answer(const Filler *f, uint32 a, double share, double times, const Known *known)
{
	Size		classes = f->classes;
	uint32		annotator = f->view->annotator[a];
	Size		cell = (Size) (f->place[annotator * classes + f->view->label[a]] - 1) * classes;
	double	   *c = f->evidence.counts.counts + cell;
	double	   *v = f->evidence.counts.variances + cell;

	for (uint32 k = 0; k < classes; k++)
	{
		c[k] += share * known->posterior[k];
		/* rounding may have made a posterior a bit larger than 1 */
		v[k] += times * known->posterior[k] * Max(1 - known->posterior[k], 0);
	}
	if (known->reported != NULL)
	{
		double		right = known->reported[f->view->label[a]];

		f->evidence.reported_right[annotator] += share * right;
		f->evidence.reported_variances[annotator] += times * right * Max(1 - right, 0);
	}
}

/* The answers from..to, each of which counts "share". */
static void
add_answers(const Filler *f, uint32 from, uint32 to, double share, const Known *known)
{
	const AnnotationView *view = f->view;
	uint32		repeats = 0;

	for (uint32 a = from; a < to; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		if (a > from && view->annotator[a] == view->annotator[a - 1] &&
			view->label[a] == view->label[a - 1])
			repeats++;
		else
			repeats = 0;
		/* (m + 1)^2 - m^2 */
		add_answer(f, a, share, (2.0 * repeats + 1) * share * share, known);
	}
}

/* The same for answers of different annotators, each of which counts 1. */
static pg_attribute_always_inline void
add_plain_answers(const Filler *f, uint32 from, uint32 to, const Known *known,
				  const uint32 classes)
{
	const uint32 *restrict annotators = f->view->annotator;
	const uint16 *restrict labels = f->view->label;
	const uint32 *restrict place = f->place;
	const double *restrict posterior = known->posterior;
	const double *restrict reported = known->reported;
	double	   *restrict unsure = f->unsure;
	double	   *restrict right = f->evidence.reported_right;
	double	   *restrict variances = f->evidence.reported_variances;

	for (uint32 k = 0; k < classes; k++)
		unsure[k] = posterior[k] * Max(1 - posterior[k], 0);
	for (uint32 a = from; a < to; a++)
	{
		uint32		j = annotators[a];
		uint32		label = labels[a];
		Size		cell = (Size) (place[(Size) j * classes + label] - 1) * classes;

		em_add_cells(f->evidence.counts.counts + cell, posterior, classes);
		em_add_cells(f->evidence.counts.variances + cell, unsure, classes);
		if (reported != NULL)
		{
			right[j] += reported[label];
			variances[j] += reported[label] * Max(1 - reported[label], 0);
		}
	}
}

DISPATCHED("default", "avx2") static void
add_plain_item(const Filler *f, uint32 from, uint32 to, const Known *known)
{
	FOR_CLASSES(f->classes, add_plain_answers, f, from, to, known)
}

static void
add_item(const Filler *f, EmVoices *voices, uint32 item, const Known *known)
{
	const AnnotationView *view = f->view;
	EmRun		run = {.to = view->starts[item]};
	uint32		end = view->starts[item + 1];

	if (em_item_is_plain(view, item))
	{
		if (end - run.to > NL_INTERRUPT_STEPS || annotation_repeats(view, item))
			add_answers(f, run.to, end, 1, known);
		else
			add_plain_item(f, run.to, end, known);
		return;
	}
	em_voices_enter(voices, item);
	while (em_voices_next(voices, item, &run))
		add_answers(f, run.from, run.to, run.own, known);
	em_voices_leave(voices, item);
}

/* What an item adds to the counts of all annotators, where each answer counts 1. */
static void
add_to_pool(const Filler *f, uint32 item, const double *posterior)
{
	for (uint32 a = f->view->starts[item]; a < f->view->starts[item + 1]; a++)
	{
		double	   *c = f->pool + f->view->label[a] * f->classes;

		NL_CHECK_INTERRUPTS(a);
		for (uint32 k = 0; k < f->classes; k++)
			c[k] += posterior[k];
	}
}

/*
 * What is reported of an item with this posterior.  By its powers, relative to the
 * largest, unless gold or a prior that is known have their own weight, or a probability
 * is too small to have all of its digits.
 */
static const double *
reported_posterior(const AnnotationView *view, uint32 item, double correlation,
				   const double *posterior, EmPosteriors *posteriors, double *reported)
{
	uint32		classes = view->labels.n;
	double		exponent = design_exponent(em_voices_naming(view, item), correlation);
	uint32		top = 0;
	double		sum = 1;

	if (annotation_gold(view, item) != NO_GOLD || view->prior != NULL)
		return em_reported_posterior(posteriors, item, correlation);
	for (uint32 k = 1; k < classes; k++)
		if (posterior[k] > posterior[top])
			top = k;
	for (uint32 k = 0; k < classes; k++)
	{
		if (k == top)
			continue;
		if (posterior[k] < SMALL_POSTERIOR)
			return em_reported_posterior(posteriors, item, correlation);
		reported[k] = exp(log(posterior[k] / posterior[top]) * exponent);
		sum += reported[k];
	}
	reported[top] = 1;
	for (uint32 k = 0; k < classes; k++)
		reported[k] /= sum;
	return reported;
}

/* The fit's counts are no longer wanted, but for those of classes, in evidence. */
static void
begin_counts(Filler *f, EmFit *fit)
{
	Size		classes = f->classes;

	em_tables_free(&fit->counts);
	fit->counts.prior = palloc0(classes * sizeof(double));
	fit->counts.confusion = NULL;
	if (fit->pool == NULL)
		f->pool = nl_alloc_zero(CurrentMemoryContext, classes * classes * sizeof(double));
}

/*
 * The evidence of a fit; what is reported has the correlation.  Calls "look" with the
 * posterior of every item or, where the prior is known, so that this may have another
 * top, with what is reported.  The fit's counts become those of classes alone, and its
 * pool is made, if it has none.
 */
EmEvidence
em_evidence(const AnnotationView *view, EmFit *fit, bool gold_only, double correlation,
			EmLook look, void *arg)
{
	Filler		f = {
		.view = view,
		.classes = view->labels.n,
		.unsure = palloc(view->labels.n * sizeof(double))
	};
	EmPosteriors *posteriors = em_begin_posteriors(view, &fit->parameters);
	EmVoices	voices = em_voices_begin(view);
	double	   *reported = palloc(view->labels.n * sizeof(double));
	Known		known = {NULL, NULL};
	uint32		last;

	begin_counts(&f, fit);
	begin_evidence(&f, gold_only);
	for (uint32 first = 0; first < view->items; first = last)
	{
		known.posterior = em_next_posteriors(posteriors, first, &last);
		for (uint32 i = first; i < last; i++, known.posterior += f.classes)
		{
			CHECK_FOR_INTERRUPTS();
			if (correlation > 0 && (view->prior != NULL || is_evidence(view, i, gold_only)))
				known.reported = reported_posterior(view, i, correlation, known.posterior,
													posteriors, reported);
			look(arg, i, correlation > 0 && view->prior != NULL ? known.reported :
				 known.posterior);
			if (f.pool != NULL && em_item_teaches(view, i))
				add_to_pool(&f, i, known.posterior);
			if (!is_evidence(view, i, gold_only))
				continue;
			for (uint32 k = 0; k < f.classes; k++)
				fit->counts.prior[k] += known.posterior[k];
			add_item(&f, &voices, i, &known);
		}
	}
	if (f.pool != NULL)
	{
		em_pool_rates(f.pool, view->labels.n);
		fit->pool = f.pool;
	}
	em_end_posteriors(posteriors);
	em_voices_end(&voices);
	pfree(reported);
	pfree(f.unsure);
	pfree(f.place);
	return f.evidence;
}
