/*
 * choose_variant.c
 *		Variant auto: what dawid_skene() does where nobody says otherwise.
 *
 * Real annotators share errors, and some are copies of others.  Three things
 * are done about that, one after the other:
 *
 *	1. the rule (em_rule.c) is fitted with each annotator a voice, but for the
 *	   groups that are given;
 *	2. copies are looked for by what it says (em_copies.c); if there are any,
 *	   they and the groups are voices (em_voices.c), and the rule is fitted again;
 *	3. where gold tells, it is estimated how dependent the voices still are
 *	   (em_correlation.c), which does not change the fit but what is reported.
 *
 * Gold takes part in the fits as in any other; nothing here is chosen by it but
 * the correlation.
 *
 * Memory: the tables of a fit, and in step 3 a second, beside the team's.
 * Interrupts: in the steps.
 */
#include "crowd/choose_variant.h"

static EmFit *
fit_rule(const AnnotationView *view, const AutoOptions *options, const EmCounts *start)
{
	EmTeam	   *team = em_team_create(view, options->beside, em_run_unit);
	EmFit	   *fit = em_rule(team, options->max_passes, start);

	em_team_end(team);
	return fit;
}

/* The fit with copies as one voice, if there are any; else the one that is there. */
static EmFit *
fit_voices(AnnotationView *view, const AutoOptions *options, EmFit *fit,
		   AutoReport *report)
{
	report->copies = em_find_copies(view, &fit->parameters, options->groups, false);
	if (report->copies.n_copies == 0)
		return fit;
	em_fit_free(fit);
	report->group = report->copies.group;
	em_set_voices(view, report->group);
	return fit_rule(view, options, NULL);
}

/* Groups of two annotators or more. */
static uint32
count_groups(const uint32 *group, uint32 annotators)
{
	bool	   *counted = nl_alloc_zero(CurrentMemoryContext, annotators * sizeof(bool));
	uint32		n = 0;

	for (uint32 j = 0; j < annotators; j++)
		if (group[j] != j && !counted[group[j]])
		{
			counted[group[j]] = true;
			n++;
		}
	pfree(counted);
	return n;
}

/* What was found on the way, in words. */
static const char *
describe(const AutoReport *report)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "correlation %.2f, ", report->correlation.correlation);
	if (report->correlation.gold_items > 0)
		appendStringInfo(&buf, "estimated from %u gold items", report->correlation.gold_items);
	else
		appendStringInfoString(&buf, report->correlation_given ? "given" : "assumed");
	if (report->n_groups > 0)
		appendStringInfo(&buf, ", %u group%s of annotators with one voice",
						 report->n_groups, report->n_groups == 1 ? "" : "s");
	if (report->copies.share > 0 && report->copies.share < 1)
		appendStringInfo(&buf, ", copies looked for on %.2g %% of the items",
						 100 * report->copies.share);
	return buf.data;
}

/*
 * Bytes of voices (twice, where there are copies) and of what is done with them,
 * beside a team's, which are free while copies are looked for.
 */
Size
fit_auto_memory(const AnnotationView *view)
{
	Size		team = em_team_memory(view);
	Size		search = em_copies_memory(view);

	return add_size(mul_size(2, em_set_voices_memory(view)),
					add_size(search > team ? search - team : 0, em_correlation_memory(view)));
}

/*
 * The view has the voices of the given groups, and afterwards those of the fit.
 * Begins at the counts "start", which it frees, or at vote shares if that is
 * NULL.
 */
EmFit *
fit_auto(AnnotationView *view, const AutoOptions *options, EmCounts *start)
{
	AutoReport *report = palloc0(sizeof(AutoReport));
	EmFit	   *fit = fit_rule(view, options, start);

	if (start != NULL)
		em_tables_free(start);
	report->group = options->groups;
	if (options->find_copies)
		fit = fit_voices(view, options, fit, report);
	report->correlation.correlation = options->correlation;
	report->correlation_given = options->correlation != ESTIMATE_CORRELATION;
	if (!report->correlation_given)
		report->correlation = em_correlation(view, options->max_passes, options->beside);
	if (report->group != NULL)
		report->n_groups = count_groups(report->group, view->annotators.n);
	fit->detail = describe(report);
	fit->report = report;
	return fit;
}
