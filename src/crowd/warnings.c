/*
 * warnings.c
 *		What makes the answer of a fit untrustworthy, in words.
 *
 * Each check looks at the annotations and at the fit, never at anything else,
 * and says what it found with numbers.  Where many annotators are concerned
 * the first few are named.
 */
#include "crowd/fit.h"

#include <math.h>

#include "math/disjoint_sets.h"

#define MAX_WARNINGS 12
#define NAMED 5					/* in one warning */
#define FEW_ANNOTATIONS 10		/* below, one label only means little */
#define FEW_ITEMS 10			/* below, any class may have little support */
#define Z_ALARM 3.0				/* standard errors beyond chance */

/*
 * A solution whose objective is lower by log 20 has a twentieth of the weight of
 * the best: less is no evidence at the level of 5 %.  Beside that EM, which
 * creeps, may have stopped some steps of the size of its tolerance too soon.
 */
#define NEAR_OBJECTIVE 3.0
#define STEPS_LEFT 10
#define EXCHANGED_SHARE 0.1		/* of the starts near the votes; fewer is chance */

static void
warn(AnnotatorModelView *model, const char *text)
{
	Assert(model->n_warnings < MAX_WARNINGS);
	model->warnings[model->n_warnings++] = text;
}

/* A list: "a", "b", "c", ... */
typedef struct NameList
{
	StringInfoData names;
	uint32		n;
} NameList;

static void
list_add(NameList *list, const Names *names, uint32 i)
{
	if (list->n == 0)
		initStringInfo(&list->names);
	if (list->n < NAMED)
		appendStringInfo(&list->names, "%s\"%s\"", list->n > 0 ? ", " : "",
						 names_cstring(names, i));
	else if (list->n == NAMED)
		appendStringInfoString(&list->names, ", ...");
	list->n++;
}

/* '...: 3 annotators ("a", "b", "c")' */
static void
warn_list(AnnotatorModelView *model, const NameList *list, const char *what)
{
	if (list->n > 0)
		warn(model, psprintf("%s: %u annotator%s (%s)", what, list->n,
							 list->n == 1 ? "" : "s", list->names.data));
}

/*
 * Annotators that share an item can be compared, and so can those that are
 * connected through others.  Returns how many groups there are, and whether any
 * item has two annotators.
 */
static uint32
count_groups(const AnnotationView *view, bool *overlap)
{
	uint32		groups = view->annotators.n;
	uint32	   *parent = sets_begin(groups);

	*overlap = false;
	for (uint32 i = 0; i < view->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		for (uint32 a = view->starts[i] + 1; a < view->starts[i + 1]; a++)
		{
			NL_CHECK_INTERRUPTS(a);
			*overlap = *overlap || view->annotator[a] != view->annotator[a - 1];
			groups -= sets_unite(parent, view->annotator[a - 1], view->annotator[a]);
		}
	}
	pfree(parent);
	return groups;
}

static void
check_overlap(AnnotatorModelView *model, const AnnotationView *view)
{
	bool		overlap;
	uint32		groups = count_groups(view, &overlap);

	if (!overlap)
		warn(model, "no item has two annotators: nothing tells their errors from the truth");
	else if (groups > 1)
		warn(model, psprintf("annotators form %u groups that share no item: scores of different groups cannot be compared",
							 groups));
}

/* Who gave one label only, though there are several and he had the chance. */
static void
check_constant(AnnotatorModelView *model, const AnnotationView *view)
{
	uint32		annotators = view->annotators.n;
	int32	   *only = nl_alloc(CurrentMemoryContext,
								mul_size(annotators, sizeof(int32)));
	NameList	list = {.n = 0};

	for (uint32 j = 0; j < annotators; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		only[j] = -1;
	}
	for (uint32 a = 0; a < view->annotations; a++)
	{
		int32	   *seen = &only[view->annotator[a]];

		NL_CHECK_INTERRUPTS(a);
		if (*seen == -1)
			*seen = view->label[a];
		else if (*seen != (int32) view->label[a])
			*seen = -2;
	}
	/* who may say nothing instead says two things */
	for (uint32 j = 0; j < annotators && view->labels.n > 1 && !view->silence; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		if (only[j] >= 0 && model->annotations[j] >= FEW_ANNOTATIONS)
			list_add(&list, &view->annotators, j);
	}
	warn_list(model, &list, "always the same label");
	pfree(only);
}

/* Who is right less often than a guess, beyond chance. */
static void
check_adversaries(AnnotatorModelView *model, const AnnotationView *view,
				  const EmFit *fit)
{
	double		guess = 1.0 / annotation_classes(view);
	NameList	list = {.n = 0};

	for (uint32 j = 0; j < view->annotators.n && annotation_classes(view) > 1; j++)
	{
		double		n;			/* answers that teach */
		double		right;

		CHECK_FOR_INTERRUPTS();
		em_fit_answers(view, fit, j, &n, &right);
		if (right < n * guess - Z_ALARM * sqrt(n * guess * (1 - guess)))
			list_add(&list, &view->annotators, j);
	}
	warn_list(model, &list, "worse than guessing");
}

/* Classes that the fit believes almost no item has. */
static void
check_support(AnnotatorModelView *model, const AnnotationView *view,
			  const EmFit *fit)
{
	NameList	list = {.n = 0};
	double		items = 0;		/* that teach */

	for (uint32 k = 0; k < view->labels.n; k++)
		items += fit->counts.prior[k];
	for (uint32 k = 0; k < view->labels.n && items >= FEW_ITEMS - 0.5; k++)
		if (fit->counts.prior[k] < 1 && annotation_is_class(view, k))
			list_add(&list, &view->labels, k);
	if (list.n > 0)
		warn(model, psprintf("less than one item is expected to be of class %s",
							 list.names.data));
}

/*
 * Where gold is known, what would the consensus have been without it?  Under
 * the model it is wrong with probability 1 - max posterior on each item; more
 * errors than that, beyond chance, mean that the crowd agrees on what is wrong.
 */
static void
check_gold_agreement(AnnotatorModelView *model, const AnnotationView *view,
					 const EmFit *fit)
{
	AnnotationView without_gold = annotations_without_gold(view);
	EmPosteriors *posteriors = em_begin_posteriors(&without_gold, &fit->parameters);
	uint32		wrong = 0;
	uint32		n = 0;
	double		expected = 0;
	double		variance = 0;

	for (uint32 i = 0; i < view->items && view->gold != NULL; i++)
	{
		const double *p;
		uint32		top = 0;

		NL_CHECK_INTERRUPTS(i);
		if (annotation_gold(view, i) == NO_GOLD)
			continue;
		p = em_item_posterior(posteriors, i);
		for (uint32 k = 1; k < view->labels.n; k++)
			if (p[k] > p[top])
				top = k;
		n++;
		wrong += top != view->gold[i];
		expected += 1 - p[top];
		variance += p[top] * (1 - p[top]);
	}
	/* one error may always happen, however sure the model is */
	if (wrong > expected + Z_ALARM * sqrt(variance + 1))
		warn(model, psprintf("the crowd contradicts gold: without it %u of %u gold items would be wrong, where %.1f are expected; do not trust items without gold",
							 wrong, n, expected));
	em_end_posteriors(posteriors);
}

/* Whether a restart ended in another solution that is about as good. */
static void
check_rivals(AnnotatorModelView *model, const AnnotationView *view,
			 const EmFit *fit, double tolerance)
{
	const EmRivals *r = fit->rivals;
	double		lowest;

	if (r == NULL)
		return;
	lowest = fit->objective -
		(NEAR_OBJECTIVE + STEPS_LEFT * tolerance * fabs(fit->objective));
	if (r->exchanged_objective >= lowest &&
		r->exchanged >= EXCHANGED_SHARE * r->near_starts)
		warn(model, psprintf("%d of %d starts near the votes ended with classes exchanged (for about %.0f of %u items, objective %.2f lower): which class is which hangs on few annotators",
							 r->exchanged, r->near_starts, r->exchanged_items,
							 view->items,
							 Max(fit->objective - r->exchanged_objective, 0)));
	if (r->other_objective >= lowest)
		warn(model, psprintf("another solution is nearly as likely (objective %.2f lower) and puts about %.0f of %u items into another class",
							 Max(fit->objective - r->other_objective, 0),
							 r->other_items, view->items));
}

/* Copies, the first few by name and number. */
static void
check_copies(AnnotatorModelView *model, const AnnotationView *view, const EmFit *fit)
{
	const EmCopies *copies = fit->report == NULL ? NULL : &fit->report->copies;
	StringInfoData text;
	Size		n = 0;

	if (copies == NULL || copies->n_copies == 0)
		return;
	initStringInfo(&text);
	for (Size i = 0; i < copies->n_pairs; i++)
	{
		const CopyPair *p = &copies->pairs[i];

		if (!p->copies)
			continue;
		if (n < NAMED)
			appendStringInfo(&text, "%s\"%s\" and \"%s\" agree on %.0f of %u items, where %.0f are expected",
							 n > 0 ? "; " : "",
							 names_cstring(&view->annotators, p->annotators[0]),
							 names_cstring(&view->annotators, p->annotators[1]),
							 p->agreement.observed, p->agreement.items,
							 p->agreement.expected);
		else if (n == NAMED)
			appendStringInfoString(&text, "; ...");
		n++;
	}
	warn(model, psprintf("annotators who are copies of each other count as one: %s", text.data));
}

void
add_fit_warnings(AnnotatorModelView *model, const AnnotationView *view,
				 const EmFit *fit, double tolerance)
{
	model->warnings = palloc(MAX_WARNINGS * sizeof(char *));
	if (!model->converged)
		warn(model, psprintf("not converged after %d iteration%s; raise max_iterations",
							 model->iterations, model->iterations == 1 ? "" : "s"));
	check_overlap(model, view);
	warn_few_overlap(model, view);
	check_gold_agreement(model, view, fit);
	check_constant(model, view);
	check_adversaries(model, view, fit);
	check_support(model, view, fit);
	check_copies(model, view, fit);
	check_rivals(model, view, fit, tolerance);
}
