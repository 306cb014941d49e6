/*
 * warnings.c
 *		The warnings of a fit: their list, and those about the fit itself.
 *
 * Each check looks at the annotations and at the fit, never at anything else,
 * and says what it found with numbers.  Where many annotators are concerned
 * the first few are named; each has a note of his own.
 */
#include "crowd/warnings.h"

#include <math.h>

#define MAX_WARNINGS 24
#define NAMED 5					/* in one warning */

/*
 * A solution whose objective is lower by log 20 has a twentieth of the weight of
 * the best: less is no evidence at the level of 5 %.  Beside that EM, which
 * creeps, may have stopped some steps of the size of its tolerance too soon.
 */
#define NEAR_OBJECTIVE 3.0
#define STEPS_LEFT 10
#define EXCHANGED_SHARE 0.1		/* of the starts near the votes; fewer is chance */

void
warn(AnnotatorModelView *model, const char *text)
{
	Assert(model->n_warnings < MAX_WARNINGS);
	model->warnings[model->n_warnings++] = text;
}

/* Adds to an annotator's note. */
void
warn_annotator(AnnotatorModelView *model, uint32 annotator, const char *text)
{
	const char **note = &model->notes[annotator];

	*note = (*note)[0] == '\0' ? text : psprintf("%s; %s", *note, text);
}

void
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

void
list_annotator(NameList *list, const AnnotatorModelView *model, uint32 annotator)
{
	list_add(list, &model->annotators, annotator);
	list->answers += model->annotations[annotator];
}

/* '...: 3 annotators ("a", "b", "c") with 30 of 100 answers (30 %); do ...' */
void
warn_list(AnnotatorModelView *model, const NameList *list, const char *what,
		  const char *advice)
{
	if (list->n > 0)
		warn(model, psprintf("%s: %u annotator%s (%s) with %.0f of " INT64_FORMAT " answers (%.0f %%); %s",
							 what, list->n, list->n == 1 ? "" : "s", list->names.data,
							 list->answers, model->n_annotations,
							 100 * list->answers / model->n_annotations, advice));
}

/* Whether a restart ended in another solution that is about as good. */
static void
warn_rivals(AnnotatorModelView *model, const AnnotationView *view,
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
		warn(model, psprintf("%d of %d starts near the votes ended with classes exchanged (for about %.0f of %u items, objective %.2f lower): which class is which hangs on few annotators; give some items gold",
							 r->exchanged, r->near_starts, r->exchanged_items,
							 view->items,
							 Max(fit->objective - r->exchanged_objective, 0)));
	if (r->other_objective >= lowest)
		warn(model, psprintf("another solution is nearly as likely (objective %.2f lower) and puts about %.0f of %u items into another class; give some items gold",
							 Max(fit->objective - r->other_objective, 0),
							 r->other_items, view->items));
}

static void
warn_not_converged(AnnotatorModelView *model)
{
	if (!model->converged)
		warn(model, psprintf("not converged after %d iteration%s; raise max_iterations",
							 model->iterations, model->iterations == 1 ? "" : "s"));
}

/*
 * The model has its evidence and empty notes.  Nothing is said about who looks
 * where nothing can be known of it, or each one's answers are half of a tie.
 */
void
add_fit_warnings(AnnotatorModelView *model, const AnnotationView *view,
				 const FitOptions *options, const EmFit *fit,
				 const MajorityTally *majority)
{
	model->warnings = palloc(MAX_WARNINGS * sizeof(char *));
	warn_not_converged(model);
	warn_connection(model, view);
	warn_few_overlap(model, view);
	warn_gold(model, view, fit, options);
	warn_majority(model, majority);
	warn_one_label(model, view);
	if (!model_knows_nothing(model) && !is_contradictory(majority))
		warn_uninformed(model, view, fit);
	warn_classes(model, fit);
	warn_copies(model, fit);
	warn_rivals(model, view, fit, options->em.tolerance);
}
