/*
 * replace_test.c
 *		The alternative annotator test (Calderon, Reichart & Dror 2025, arXiv 2501.10970,
 *		section 3); see replace_test.h.
 *
 * Phases
 *
 *	1. for each item of the candidate with min_annotators others or more, and each of
 *	   those: who is nearer to the rest of them, he or the candidate?
 *	2. for each annotator with min_items such items, a one-sided t test that he is
 *	   nearer less than epsilon more often than the candidate (equations 1 to 3);
 *	3. of these tests the procedure of Benjamini & Yekutieli (2001) says which hold at a
 *	   false discovery rate of "fdr": there the candidate wins.
 *
 * Nearness is the share of the rest that agrees, or the mean square of the difference;
 * several answers of one annotator share his voice.
 *
 * Memory: 12 bytes an annotator.  Interrupts: with the answers, and pairs of answers
 * to one item.
 */
#include "crowd/replace_test.h"

#include <math.h>

#include "math/ordering.h"
#include "pg/options.h"

/* Scores nearer than this share are equal: they differ by rounding. */
#define SAME_SCORE 1e-9

static const char *const scorings[] = {"accuracy", "rmse", NULL};

static const Option table[] = {
	{"epsilon", OPTION_DOUBLE, offsetof(ReplaceOptions, epsilon), 0, 1, NULL},
	{"fdr", OPTION_DOUBLE, offsetof(ReplaceOptions, fdr), 1e-6, 0.5, NULL},
	{"min_items", OPTION_INT, offsetof(ReplaceOptions, min_items), 2, PG_INT32_MAX, NULL},
	{"min_annotators", OPTION_INT, offsetof(ReplaceOptions, min_annotators), 2, PG_INT32_MAX, NULL},
	{"scoring", OPTION_CHOICE, offsetof(ReplaceOptions, scoring), 0, 0, scorings},
	{"annotators", OPTION_JSONB, offsetof(ReplaceOptions, annotators), 0, 0, NULL}
};

ReplaceOptions
replace_options_parse(const Jsonb *jsonb)
{
	ReplaceOptions options = {
		.epsilon = 0.2,.fdr = 0.05,.min_items = 30,.min_annotators = 2
	};

	if (jsonb != NULL)
		options_parse(jsonb, table, lengthof(table), &options);
	return options;
}

/* An annotator against the candidate. */
typedef struct Contest
{
	uint32		items;
	uint32		nearer;			/* he is; items where both are as near are neither */
	uint32		farther;
} Contest;

typedef struct ReplaceTest
{
	AgreementReader *reader;
	const AgreementScale *scale;
	const AnnotationView *view;
	uint32		candidate;
	const ReplaceOptions *options;
	bool	   *compared;		/* annotators */
	Contest    *contests;
	double	   *rest;			/* by category: shares of those compared */
	uint16	   *met;
	uint32		n_met;
	Share	   *mine;			/* of the candidate */
	uint32		n_mine;
	Share	   *his;
} ReplaceTest;

/*
 * Phase 1
 */
static double
distance_from(const AgreementScale *scale, const Share *a, uint32 n, const Share *b, uint32 m)
{
	double		sum = 0;

	for (uint32 i = 0; i < n; i++)
		for (uint32 j = 0; j < m; j++)
			sum += a[i].share * b[j].share * scale_distance(scale, a[i].category, b[j].category);
	return sum;
}

/* From the answers of all who are compared. */
static double
distance_from_all(const ReplaceTest *t, const Share *a, uint32 n)
{
	double		sum = 0;

	for (uint32 i = 0; i < n; i++)
		for (uint32 k = 0; k < t->n_met; k++)
			sum += a[i].share * t->rest[t->met[k]] *
				scale_distance(t->scale, a[i].category, t->met[k]);
	return sum;
}

static void
meet(ReplaceTest *t, uint32 from, uint32 end)
{
	double		candidate;
	double		annotator;
	uint32		n = answers_shares(t->reader, from, end, t->his);
	Contest    *contest = &t->contests[t->view->annotator[from]];

	candidate = distance_from_all(t, t->mine, t->n_mine) -
		distance_from(t->scale, t->mine, t->n_mine, t->his, n);
	annotator = distance_from_all(t, t->his, n) - distance_from(t->scale, t->his, n, t->his, n);
	contest->items++;
	if (fabs(candidate - annotator) <= SAME_SCORE * Max(candidate, annotator))
		return;
	contest->nearer += annotator < candidate;
	contest->farther += annotator > candidate;
}

/* The candidate's shares, and those of all who are compared; how many these are. */
static uint32
read_item(ReplaceTest *t, uint32 item)
{
	const AnnotationView *view = t->view;
	uint32		annotators = 0;

	t->n_mine = t->n_met = 0;
	for (uint32 a = view->starts[item], end; a < view->starts[item + 1]; a = end)
	{
		uint32		n;

		NL_CHECK_INTERRUPTS(a);
		end = answers_end(view, a, view->starts[item + 1]);
		if (view->annotator[a] == t->candidate)
			t->n_mine = answers_shares(t->reader, a, end, t->mine);
		if (!t->compared[view->annotator[a]])
			continue;
		annotators++;
		n = answers_shares(t->reader, a, end, t->his);
		for (uint32 c = 0; c < n; c++)
		{
			if (t->rest[t->his[c].category] == 0)
				t->met[t->n_met++] = t->his[c].category;
			t->rest[t->his[c].category] += t->his[c].share;
		}
	}
	return annotators;
}

static void
contest_item(ReplaceTest *t, uint32 item)
{
	const AnnotationView *view = t->view;
	uint32		annotators = read_item(t, item);

	if (t->n_mine > 0 && annotators >= (uint32) t->options->min_annotators)
		for (uint32 a = view->starts[item], end; a < view->starts[item + 1]; a = end)
		{
			CHECK_FOR_INTERRUPTS();
			end = answers_end(view, a, view->starts[item + 1]);
			if (t->compared[view->annotator[a]])
				meet(t, a, end);
		}
	for (uint32 k = 0; k < t->n_met; k++)
		t->rest[t->met[k]] = 0;
}

/*
 * Phases 2 and 3
 */

/* That he is nearer less than epsilon more often; of equal items nothing is doubtful. */
static double
p_value(const Contest *c, double epsilon)
{
	double		n = c->items;
	double		mean = ((double) c->nearer - c->farther) / n;
	double		squares = (double) c->nearer + c->farther;
	double		variance = (squares - n * mean * mean) / (n - 1);

	if (!(variance > 1e-12))
		return mean < epsilon ? 0 : 1;
	return student_lower_tail((mean - epsilon) / sqrt(variance / n), n - 1);
}

/* How many of the p values hold at the rate, whatever their dependence. */
static uint32
benjamini_yekutieli(double *p, uint32 n, double rate)
{
	double		harmonic = 0;
	uint32		hold = 0;

	qsort(p, n, sizeof(double), compare_doubles);
	for (uint32 i = 1; i <= n; i++)
		harmonic += 1.0 / i;
	for (uint32 i = 1; i <= n; i++)
		if (p[i - 1] <= i / (double) n * (rate / harmonic))
			hold = i;
	return hold;
}

static ReplaceResult
judge(const ReplaceTest *t)
{
	ReplaceResult r = {.advantage = get_float8_nan()};
	uint32		annotators = t->view->annotators.n;
	double	   *p = nl_alloc(CurrentMemoryContext, Max(annotators, 1) * sizeof(double));
	double		advantage = 0;

	for (uint32 j = 0; j < annotators; j++)
	{
		const Contest *c = &t->contests[j];

		NL_CHECK_INTERRUPTS(j);
		r.annotators += t->compared[j];
		if (!t->compared[j] || c->items < (uint32) t->options->min_items)
			continue;
		p[r.tested++] = p_value(c, t->options->epsilon);
		advantage += 1 - (double) c->nearer / c->items;
	}
	if (r.tested > 0)
	{
		r.won = benjamini_yekutieli(p, r.tested, t->options->fdr);
		r.advantage = advantage / r.tested;
	}
	return r;
}

/*
 * Whom to compare with
 */
static NL_NORETURN void
unknown_annotator(NameView name, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s \"%.*s\" has no answer in the annotation_set", what, name.len, name.s),
			 errhint("annotation_set(item, annotator, label) must hold the answers of the candidate and of the annotators whom it may replace.")));
}

static uint32
find_annotator(const AnnotationView *view, NameView name, const char *what)
{
	int			at = names_find(&view->annotators, name);

	if (at < 0)
		unknown_annotator(name, what);
	return at;
}

static bool *
compared_annotators(const ReplaceTest *t)
{
	uint32		annotators = t->view->annotators.n;
	bool	   *compared = nl_alloc_zero(CurrentMemoryContext, Max(annotators, 1) * sizeof(bool));
	Jsonb	   *list = t->options->annotators;

	if (list == NULL)
		memset(compared, true, annotators);
	else if (!JB_ROOT_IS_ARRAY(list) || JB_ROOT_IS_SCALAR(list))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for option \"annotators\""),
				 errhint("Allowed is an array of names of annotators.")));
	for (uint32 i = 0; list != NULL && i < JsonContainerSize(&list->root); i++)
	{
		const JsonbValue *value = getIthJsonbValueFromContainer(&list->root, i);

		if (value->type != jbvString)
			options_invalid("annotators", value, "Allowed is an array of names of annotators.");
		compared[find_annotator(t->view, (NameView) {value->val.string.val, value->val.string.len},
								"annotator")] = true;
	}
	compared[t->candidate] = false;
	return compared;
}

ReplaceResult
replace_test(const AnnotationView *view, NameView candidate, const ReplaceOptions *options)
{
	AgreementOptions scoring = {
		.weights = options->scoring == SCORING_RMSE ? DISTANCE_QUADRATIC : DISTANCE_IDENTITY
	};
	AgreementScale scale = agreement_scale(view, &scoring);
	uint32		n = Max(scale.n, 1);
	ReplaceTest t = {
		.reader = agreement_reader(view, &scale),
		.scale = &scale,
		.view = view,
		.candidate = find_annotator(view, candidate, "candidate"),
		.options = options,
		.rest = palloc0(n * sizeof(double)),
		.met = palloc(n * sizeof(uint16)),
		.mine = palloc(n * sizeof(Share)),
		.his = palloc(n * sizeof(Share))
	};

	if (scale.by_name)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("scoring \"rmse\" needs labels that are numbers"),
				 errhint("Use scoring \"accuracy\", or numbers for labels.")));
	nl_check_memory(mul_size(view->annotators.n, sizeof(Contest) + sizeof(bool) + sizeof(double)),
					"may_replace()");
	t.compared = compared_annotators(&t);
	t.contests = nl_alloc_zero(CurrentMemoryContext, view->annotators.n * sizeof(Contest));
	for (uint32 i = 0; i < view->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		contest_item(&t, i);
	}
	return judge(&t);
}
