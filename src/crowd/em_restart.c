/*
 * em_restart.c
 *		More than one start: fits from perturbed votes, of which the best is kept.
 *
 * EM climbs to a maximum near its start, not always to the highest.  So after
 * the fit proper, the anchor, come more fits from other starts:
 *
 *	near	vote shares in which each annotator has a random weight, exponentially
 *			distributed: a Bayesian bootstrap (Rubin 1981) of the annotators, what
 *			the votes might be, had others of the same crowd answered
 *	far		the same, but each annotator's labels are read shifted by a random
 *			number of classes, so that anybody may be the one who is right
 *
 * by turns.  Both are mixed with a random distribution for each item, so that
 * they differ where there is one annotator, too.  A random number is a hash of
 * the seed, the number of the start, and the place of the annotator or item in
 * canonical order, which depends on nothing but the data.
 *
 * The objective does not know the names of classes: a solution with classes
 * permuted is as likely, and only the start says which is meant.  So a
 * solution is first aligned: its classes are renamed to agree with the anchor's
 * posteriors and with the votes on as many items as possible (an assignment
 * problem), and EM goes on from there, since smoothing, gold and some variants
 * are not the same under other names.  The anchor alone would not do: a
 * solution that has little to do with it would get its names by chance.  What
 * it then arrives at is kept if it is better than the best so far by more than
 * the tolerance.
 *
 * On the way it is noted which other solutions there are; warnings.c
 * decides whether they are near enough to warn of.
 *
 * Memory: beside the team's tables the start, the fit that is tried, the best
 * so far, and the anchor's parameters: six, of the team's size at most.  Each
 * start has a memory context of its own, which goes with it.  Interrupts: in
 * em_fit(), for each item elsewhere.
 */
#include "crowd/em.h"

#include <float.h>
#include <math.h>

#include "math/assignment.h"
#include "common/hashfn.h"

#define NOISE 0.2				/* share of an item's random distribution */
#define OTHER_SHARE 0.01		/* of items, from where a solution is another one */
#define NEGLIGIBLE 1e-6			/* a posterior that pairs no classes */
#define NAME_BONUS 1e-6			/* items: where nothing speaks, names stay */

typedef struct Restarts
{
	EmTeam	   *team;
	const AnnotationView *view;
	AnnotationView without_gold;
	EmVoices	voices;
	const EmOptions *options;
	int			n;
	uint64		seed;
	const EmFit *anchor;
	EmFit	   *best;
	MemoryContext best_context; /* NULL: the anchor is the best */
	EmRivals	rivals;
} Restarts;

/* What is random in one start. */
typedef struct Draw
{
	bool		far;
	uint64		annotators;
	uint64		items;
} Draw;

static Draw
begin_draw(uint64 seed, int start)
{
	uint64		key = hash_bytes_uint32_extended(start, seed);

	return (Draw) {
		.far = start % 2 == 0,
			.annotators = hash_bytes_uint32_extended(1, key),
			.items = hash_bytes_uint32_extended(2, key)
	};
}

/* Exponentially distributed, with mean 1. */
static double
exponential(uint64 hash)
{
	return -log(((hash >> 11) + 0.5) / (double) (UINT64CONST(1) << 53));
}

/* Exponential variates, divided by their sum, are a Dirichlet(1, ..., 1) draw. */
static void
add_noise(const Draw *draw, uint32 item, uint32 classes, double *noise,
		  double *posterior)
{
	uint64		key = hash_bytes_uint32_extended(item, draw->items);
	double		sum = 0;

	for (uint32 k = 0; k < classes; k++)
	{
		noise[k] = exponential(hash_bytes_uint32_extended(k, key));
		sum += noise[k];
	}
	for (uint32 k = 0; k < classes; k++)
		posterior[k] = (1 - NOISE) * posterior[k] + NOISE * noise[k] / sum;
}

static void
perturbed_votes(const AnnotationView *view, const Draw *draw, uint32 item,
				double *posterior)
{
	uint32		classes = view->labels.n;
	double		sum = 0;

	memset(posterior, 0, classes * sizeof(double));
	for (uint32 a = view->starts[item]; a < view->starts[item + 1]; a++)
	{
		uint64		hash = hash_bytes_uint32_extended(view->annotator[a],
													  draw->annotators);
		double		weight = exponential(hash);
		uint32		shift = draw->far ? (uint32) hash % classes : 0;

		NL_CHECK_INTERRUPTS(a);
		posterior[(view->label[a] + shift) % classes] += weight;
		sum += weight;
	}
	for (uint32 k = 0; k < classes; k++)
		posterior[k] = sum > 0 ? posterior[k] / sum : 1.0 / classes;
}

static void
perturbed_start(Restarts *s, int start, EmCounts *counts)
{
	const AnnotationView *view = s->view;
	uint32		classes = view->labels.n;
	Draw		draw = begin_draw(s->seed, start);
	double	   *posterior = palloc(classes * sizeof(double));
	double	   *noise = palloc(classes * sizeof(double));

	em_tables_clear(view, counts);
	for (uint32 i = 0; i < view->items; i++)
	{
		CHECK_FOR_INTERRUPTS();
		perturbed_votes(view, &draw, i, posterior);
		add_noise(&draw, i, classes, noise, posterior);
		em_mix_gold(view, i, posterior);
		em_add_posterior(&s->voices, i, posterior, counts);
	}
	pfree(posterior);
	pfree(noise);
}

/* An item's posterior, with what gold says. */
static const double *
item_posterior(const Restarts *s, EmPosteriors *without_gold, uint32 item)
{
	double	   *posterior = em_item_posterior(without_gold, item);

	em_mix_gold(s->view, item, posterior);
	return posterior;
}

/*
 * How many items two solutions are expected to put into different classes: the
 * sum of the total variation between their posteriors.
 */
static double
count_different(const Restarts *s, const EmParameters *a, const EmParameters *b)
{
	EmPosteriors *of_a = em_begin_posteriors(&s->without_gold, a);
	EmPosteriors *of_b = em_begin_posteriors(&s->without_gold, b);
	double		different = 0;

	for (uint32 i = 0; i < s->view->items; i++)
	{
		const double *p = item_posterior(s, of_a, i);
		const double *q = item_posterior(s, of_b, i);

		CHECK_FOR_INTERRUPTS();
		for (uint32 k = 0; k < s->view->labels.n; k++)
			different += fabs(p[k] - q[k]) / 2;
	}
	em_end_posteriors(of_a);
	em_end_posteriors(of_b);
	return different;
}

/*
 * "together" becomes, for class x of the anchor or the votes and y of "fit",
 * how many items are expected to be of both.
 */
static void
count_together(Restarts *s, const EmFit *fit, double *together)
{
	uint32		classes = s->view->labels.n;
	EmPosteriors *of_anchor = em_begin_posteriors(&s->without_gold,
												  &s->anchor->parameters);
	EmPosteriors *of_fit = em_begin_posteriors(&s->without_gold, &fit->parameters);
	double	   *votes = palloc(classes * sizeof(double));

	memset(together, 0, (Size) classes * classes * sizeof(double));
	for (uint32 i = 0; i < s->view->items; i++)
	{
		const double *p = item_posterior(s, of_anchor, i);
		const double *q = item_posterior(s, of_fit, i);

		CHECK_FOR_INTERRUPTS();
		em_item_vote_shares(&s->voices, i, votes);
		em_mix_gold(s->view, i, votes);
		for (uint32 x = 0; x < classes; x++)
		{
			double		name = p[x] + votes[x];

			for (uint32 y = 0; y < classes && name > NEGLIGIBLE; y++)
				together[(Size) x * classes + y] += name * q[y];
		}
	}
	em_end_posteriors(of_anchor);
	em_end_posteriors(of_fit);
	pfree(votes);
}

static bool
is_another(const Restarts *s, double different)
{
	return different > OTHER_SHARE * s->view->items;
}

/* Class k becomes what was class from[k]: in matrices. */
static void
rename_classes(const AnnotationView *view, const uint32 *from, EmTables *tables)
{
	uint32		classes = view->labels.n;
	Size		rows = 1 + variant_doubles(view->variant, view->annotators.n, classes) / classes;
	double	   *old = palloc(classes * sizeof(double));

	/* the prior and the rows of the matrices are one array */
	for (Size row = 0; row < rows; row++)
	{
		double	   *p = tables->prior + row * classes;

		NL_CHECK_INTERRUPTS(row);
		memcpy(old, p, classes * sizeof(double));
		for (uint32 k = 0; k < classes; k++)
			p[k] = old[from[k]];
	}
	pfree(old);
}

/*
 * The same where tables tell right answers from wrong ones, which depends on the
 * names: counted again.
 */
static void
count_under_names(Restarts *s, const EmParameters *at, const uint32 *from, EmCounts *counts)
{
	uint32		classes = s->view->labels.n;
	EmPosteriors *posteriors = em_begin_posteriors(s->view, at);
	double	   *renamed = palloc(classes * sizeof(double));

	em_tables_clear(s->view, counts);
	for (uint32 i = 0; i < s->view->items; i++)
	{
		const double *p = em_item_posterior(posteriors, i);

		CHECK_FOR_INTERRUPTS();
		for (uint32 k = 0; k < classes; k++)
			renamed[k] = p[from[k]];
		em_add_posterior(&s->voices, i, renamed, counts);
	}
	em_end_posteriors(posteriors);
	pfree(renamed);
}

/* Which classes of "fit" are the anchor's; true if any has another name. */
static bool
find_names(Restarts *s, const EmFit *fit, uint32 *from)
{
	uint32		classes = s->view->labels.n;
	double	   *together = nl_alloc(CurrentMemoryContext,
									(Size) classes * classes * sizeof(double));
	bool		renamed = false;

	count_together(s, fit, together);
	for (uint32 k = 0; k < classes; k++)
		together[(Size) k * classes + k] += NAME_BONUS;
	assignment_solve(together, classes, from);
	for (uint32 k = 0; k < classes; k++)
		renamed = renamed || from[k] != k;
	pfree(together);
	return renamed;
}

/* How many items are expected to be of another class under the new names. */
static double
count_renamed(const Restarts *s, const EmFit *fit, const uint32 *from)
{
	EmPosteriors *of_fit = em_begin_posteriors(&s->without_gold, &fit->parameters);
	double		different = 0;

	for (uint32 i = 0; i < s->view->items; i++)
	{
		const double *p = item_posterior(s, of_fit, i);

		CHECK_FOR_INTERRUPTS();
		for (uint32 k = 0; k < s->view->labels.n; k++)
			different += fabs(p[k] - p[from[k]]) / 2;
	}
	em_end_posteriors(of_fit);
	return different;
}

/*
 * Where a start near the votes leads to a solution with classes exchanged, the
 * votes hardly say which class is which.  From a far start it means nothing.
 */
static void
note_exchanged(Restarts *s, int start, const EmFit *fit, const uint32 *from)
{
	double		different;

	if (begin_draw(s->seed, start).far)
		return;
	different = count_renamed(s, fit, from);
	if (!is_another(s, different))
		return;
	s->rivals.exchanged++;
	if (fit->objective <= s->rivals.exchanged_objective)
		return;
	s->rivals.exchanged_objective = fit->objective;
	s->rivals.exchanged_items = different;
}

/* The fit under the anchor's names for the classes. */
static EmFit *
align(Restarts *s, int start, EmFit *fit)
{
	uint32	   *from = palloc(s->view->labels.n * sizeof(uint32));
	EmFit	   *aligned;

	if (!find_names(s, fit, from))
		return fit;
	note_exchanged(s, start, fit, from);
	if (variant_has_coins(s->view->variant))
		count_under_names(s, &fit->parameters, from, &fit->counts);
	else
		rename_classes(s->view, from, &fit->counts);
	em_tables_free(&fit->parameters);
	aligned = em_fit(s->team, s->options, &fit->counts);
	aligned->iterations += fit->iterations;
	em_tables_free(&fit->counts);
	return aligned;
}

/* Of the solutions that differ from the best, the best. */
static void
note_rival(Restarts *s, const EmFit *fit, double different)
{
	if (!is_another(s, different) || fit->objective <= s->rivals.other_objective)
		return;
	s->rivals.other_objective = fit->objective;
	s->rivals.other_items = different;
}

static EmFit *
fit_start(Restarts *s, int start)
{
	EmCounts	counts = em_tables_create(s->view);
	EmFit	   *fit;

	if (nl_progress)
		ereport(NOTICE, (errmsg("start %d of %d", start + 1, s->n + 1)));
	perturbed_start(s, start, &counts);
	fit = em_fit(s->team, s->options, &counts);
	em_tables_free(&counts);
	return align(s, start, fit);
}

/* One start in the current context; true if it is now the best. */
static bool
try_start(Restarts *s, int start)
{
	EmFit	   *fit = fit_start(s, start);
	double		different = count_different(s, &s->best->parameters,
											&fit->parameters);
	double		margin = s->options->tolerance * fabs(s->best->objective);

	if (!(fit->objective > s->best->objective + margin))
	{
		note_rival(s, fit, different);
		return false;
	}
	note_rival(s, s->best, different);
	if (s->best == s->anchor)
		em_tables_free(&s->best->counts);
	s->best = fit;
	return true;
}

/* Bytes beside the tables. */
Size
em_restart_memory(const AnnotationView *view)
{
	return add_size(assignment_memory(view->labels.n),
					mul_size(mul_size(view->labels.n, view->labels.n), sizeof(double)));
}

/*
 * The best of the fit "anchor" and of n more; the options are those of the
 * anchor.  The anchor's tables are freed if it is not the result.
 */
EmFit *
em_restart(EmTeam *team, const EmOptions *options, int n, int seed, EmFit *anchor)
{
	Restarts	s = {.team = team,.view = &team->view,.options = options,.n = n,.seed = seed,
	.anchor = anchor,.best = anchor};

	s.without_gold = annotations_without_gold(s.view);
	s.voices = em_voices_begin(s.view);
	s.rivals.near_starts = (n + 1) / 2;
	s.rivals.other_objective = s.rivals.exchanged_objective = -DBL_MAX;
	for (int start = 1; start <= n; start++)
	{
		MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
													  "dawid_skene start",
													  ALLOCSET_DEFAULT_SIZES);
		MemoryContext old = MemoryContextSwitchTo(context);
		MemoryContext drop = context;

		if (try_start(&s, start))
		{
			drop = s.best_context;
			s.best_context = context;
		}
		MemoryContextSwitchTo(old);
		if (drop != NULL)
			MemoryContextDelete(drop);
	}
	if (s.best != anchor)
		em_tables_free(&anchor->parameters);
	s.best->rivals = palloc(sizeof(EmRivals));
	*s.best->rivals = s.rivals;
	return s.best;
}
