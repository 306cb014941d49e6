/*
 * warn_annotators.c
 *		Warnings about annotators: who gives one label only, whose answers do not
 *		depend on the class, or do the wrong way round, and who is a copy.
 *
 * Each is a test at a level that allows for how many annotators were looked at.
 *
 * Memory: see informed.c; some numbers by annotator.  Interrupts: for each
 * annotator, and every block of annotations.
 */
#include "crowd/warnings.h"

#include <math.h>

#include "crowd/informed.h"
#include "math/ordering.h"

#define FEW_ANNOTATIONS 10		/* below, one label only means little */

/* chances of a false alarm, for the whole crowd */
#define ONE_LABEL_LEVEL 0.01
#define UNINFORMED_LEVEL 0.1

#define DEPENDENCE_Z 3.0		/* standard deviations beyond chance: there is some */
#define TINY_SHARE 0.15			/* and of the answers depend on the class: else it is as good as none */
#define OPPOSITE_Z 2.0			/* the same, for one of whom we know that he has not looked */

#define Z_95 1.645				/* one-sided */

#define COPIES_NAMED 5

/*
 * One label only
 */

/* For each annotator his only label, -1 if he gave none, -2 if more. */
static int32 *
only_labels(const AnnotationView *view)
{
	int32	   *only = nl_alloc(CurrentMemoryContext,
								mul_size(Max(view->annotators.n, 1), sizeof(int32)));
	uint32		left = view->annotators.n;	/* not known to give more */

	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		only[j] = -1;
	}
	for (uint32 a = 0; a < view->annotations && left > 0; a++)
	{
		int32	   *seen = &only[view->annotator[a]];

		NL_CHECK_INTERRUPTS(a);
		if (*seen == -1)
			*seen = view->label[a];
		else if (*seen >= 0 && *seen != (int32) view->label[a])
		{
			*seen = -2;
			left--;
		}
	}
	return only;
}

/*
 * The logarithm of the chance that one of the crowd gives the label to all that
 * the annotator answered; "others" is how many of them belong to other classes.
 */
static double
log_chance_of_one(const AnnotatorModelView *model, uint32 annotator, uint32 label,
				  double *others)
{
	uint32		classes = model->labels.n;
	double	   *counts = nl_alloc(CurrentMemoryContext, model_cells(model) * sizeof(double));
	const double *crowd = model->components[0].pool;
	double		chance = 0;

	*others = 0;
	annotator_model_counts(model, annotator, counts, NULL);
	for (uint32 k = 0; k < classes; k++)
	{
		Size		c = em_cell(classes, 0, label, k);

		chance += counts[c] * log(Max(crowd[c], 1e-12));
		*others += k == label ? 0 : counts[c];
	}
	pfree(counts);
	return chance;
}

/* How many annotators with some answers would give one label only by its frequency. */
static double
expected_with_one(const AnnotatorModelView *model, const AnnotationView *view)
{
	double	   *share = palloc0(view->labels.n * sizeof(double));
	double		expected = 0;

	for (uint32 a = 0; a < view->annotations; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		share[view->label[a]] += 1.0 / view->annotations;
	}
	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		CHECK_FOR_INTERRUPTS();
		for (uint32 l = 0; l < view->labels.n && model->annotations[j] >= FEW_ANNOTATIONS; l++)
			expected += pow(share[l], model->annotations[j]);
	}
	pfree(share);
	return expected;
}

/*
 * Whether most of those with some answers give one label only, beyond what
 * frequent labels explain, and not all the same.
 */
static bool
are_labelling_functions(const AnnotatorModelView *model, const AnnotationView *view,
						const int32 *only, uint32 *n, uint32 *with_one)
{
	int32		first = -1;
	bool		differ = false;

	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		if (model->annotations[j] < FEW_ANNOTATIONS)
			continue;
		(*n)++;
		if (only[j] < 0)
			continue;
		(*with_one)++;
		differ = differ || (first >= 0 && only[j] != first);
		first = only[j];
	}
	return differ && *with_one > *n / 2.0 &&
		*with_one - expected_with_one(model, view) > *n / 2.0;
}

static void
warn_always(AnnotatorModelView *model, const AnnotationView *view, const int32 *only)
{
	NameList	list = {.n = 0};

	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		double		others;

		CHECK_FOR_INTERRUPTS();
		if (only[j] < 0 || model->annotations[j] < FEW_ANNOTATIONS ||
			log_chance_of_one(model, j, only[j], &others) >
			log(ONE_LABEL_LEVEL / view->annotators.n))
			continue;
		list_annotator(&list, model, j);
		warn_annotator(model, j, psprintf("always the same label: \"%s\", in all %.0f answers, where about %.0f are of other classes",
										  names_cstring(&view->labels, only[j]),
										  model->annotations[j], others));
	}
	warn_list(model, &list, "always the same label",
			  "ask them whether they look, or leave them out");
}

/* Who gives one label only, though he had the chance; or nearly all do. */
void
warn_one_label(AnnotatorModelView *model, const AnnotationView *view)
{
	int32	   *only;
	uint32		n = 0;
	uint32		with_one = 0;

	/* who may say nothing instead says two things */
	if (annotation_classes(view) < 2 || view->silence)
		return;
	only = only_labels(view);
	if (are_labelling_functions(model, view, only, &n, &with_one))
		warn(model, psprintf("most annotators answer one class only: %u of %u with %d answers or more do, as labelling functions; there silence is an answer, too: fit with option \"silence\" \"informative\"",
							 with_one, n, FEW_ANNOTATIONS));
	else
		warn_always(model, view, only);
	pfree(only);
}

/*
 * Information
 */

/* How likely answers of so little information are of one who has more. */
static double
p_informed(const InformedShare *s)
{
	return s->n == 0 ? 1 :
		0.5 * erfc((INFORMED_BOUND - s->share) / (s->error * M_SQRT2));
}

/*
 * Whose p is at most this is uninformed: Benjamini & Hochberg, J. R. Statist. Soc.
 * B 57 (1995).  Where nobody is, somebody seems so with the chance of the level.
 */
static double
largest_p(const InformedShare *shares, uint32 annotators)
{
	double	   *p = nl_alloc(CurrentMemoryContext, mul_size(annotators, sizeof(double)));
	double		largest = -1;

	for (uint32 j = 0; j < annotators; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		p[j] = p_informed(&shares[j]);
	}
	qsort(p, annotators, sizeof(double), compare_doubles);
	for (uint32 j = 0; j < annotators; j++)
		if (p[j] <= UNINFORMED_LEVEL * (j + 1) / annotators)
			largest = p[j];
	pfree(p);
	return largest;
}

/* Whether the answers depend on the class, if little, or in some other way. */
static bool
depends(const InformedShare *s, uint32 classes)
{
	double		free_cells = (double) (classes - 1) * (classes - 1);

	return s->share > Max(DEPENDENCE_Z * s->chance_error, TINY_SHARE) ||
		2 * s->log_ratio > free_cells + DEPENDENCE_Z * sqrt(2 * free_cells);
}

static void
note_informed(AnnotatorModelView *model, uint32 annotator, const InformedShare *s,
			  const char *what)
{
	warn_annotator(model, annotator,
				   psprintf("%s (informed share %.2f, at most %.2f, of %.0f answers compared with the others)",
							what, s->share, s->share + Z_95 * s->error, s->n));
}

static void
warn_each(AnnotatorModelView *model, const InformedShare *shares, uint32 classes,
		  NameList *uninformed, NameList *opposite)
{
	double		largest = largest_p(shares, model->annotators.n);

	for (uint32 j = 0; j < model->annotators.n; j++)
	{
		const InformedShare *s = &shares[j];

		CHECK_FOR_INTERRUPTS();
		if (p_informed(s) > largest)
			continue;
		if (s->share < -OPPOSITE_Z * s->chance_error)
		{
			list_annotator(opposite, model, j);
			note_informed(model, j, s, "worse than guessing: answers avoid the right class");
		}
		else if (!depends(s, classes))
		{
			list_annotator(uninformed, model, j);
			note_informed(model, j, s, "answers without information: they hardly depend on the class");
		}
	}
}

void
warn_uninformed(AnnotatorModelView *model, const AnnotationView *view, const EmFit *fit)
{
	NameList	uninformed = {.n = 0};
	NameList	opposite = {.n = 0};
	InformedShare *shares;

	if (annotation_classes(view) < 2 || view->silence)
		return;
	shares = informed_shares(model, view, fit);
	warn_each(model, shares, annotation_classes(view), &uninformed, &opposite);
	warn_list(model, &uninformed, "answers without information",
			  "they hardly depend on the class: pay for no more of them, and have their items answered by others");
	warn_list(model, &opposite, "worse than guessing",
			  "ask them whether they mixed up the labels");
	pfree(shares);
}

/*
 * Copies
 */
/* One note for each, about the first other; annotators() has them all. */
static void
note_copy(AnnotatorModelView *model, const CopyPair *p, int which, bool *noted)
{
	if (noted[p->annotators[which]])
		return;
	noted[p->annotators[which]] = true;
	warn_annotator(model, p->annotators[which],
				   psprintf("a copy: agrees with \"%s\" on %.0f of %u items, where %.0f are expected, and both count as one",
							names_cstring(&model->annotators, p->annotators[1 - which]),
							p->agreement.observed, p->agreement.items, p->agreement.expected));
}

/* The first few by name and number. */
void
warn_copies(AnnotatorModelView *model, const EmFit *fit)
{
	const EmCopies *copies = fit->report == NULL ? NULL : &fit->report->copies;
	StringInfoData text;
	bool	   *noted;
	Size		n = 0;

	if (copies == NULL || copies->n_copies == 0)
		return;
	noted = nl_alloc_zero(CurrentMemoryContext, model->annotators.n);
	initStringInfo(&text);
	for (Size i = 0; i < copies->n_pairs; i++)
	{
		const CopyPair *p = &copies->pairs[i];

		CHECK_FOR_INTERRUPTS();
		if (!p->copies)
			continue;
		if (n < COPIES_NAMED)
			appendStringInfo(&text, "%s\"%s\" and \"%s\" agree on %.0f of %u items, where %.0f are expected",
							 n > 0 ? "; " : "",
							 names_cstring(&model->annotators, p->annotators[0]),
							 names_cstring(&model->annotators, p->annotators[1]),
							 p->agreement.observed, p->agreement.items,
							 p->agreement.expected);
		note_copy(model, p, 0, noted);
		note_copy(model, p, 1, noted);
		n++;
	}
	if (n > COPIES_NAMED)
		appendStringInfo(&text, "; and %zu more", n - COPIES_NAMED);
	warn(model, psprintf("annotators who are copies of each other count as one: %s; leave out all but one of them, or fit with option \"copies\" \"off\" if each answered for himself",
						 text.data));
	pfree(noted);
}
