/*
 * crowd_evidence.c
 *		Steps 2 and 3 of a round of learn_from_crowds(): annotators' matrices from the
 *		evidence, and the evidence from them.
 */
#include "classify/crowd_internal.h"

#include <math.h>

#include "crowd/apply_model.h"
#include "crowd/em_rule.h"

/*
 * What the first round's matrices are learned from: the prediction, and answers by
 * annotators of whom nothing is known, right as often as the rule's pseudo-answers.
 * By the prediction alone annotators would look as if they guessed wherever features
 * say little, and rounds could not find out otherwise.  They count as what is reported
 * (half in answer_evidence.c, whose predictions stay as they are): a classifier that
 * learns anew in each round finds out who was believed too much.
 */
void
crowd_begin_evidence(CrowdFit *fit)
{
	double		odds = log(rule_pseudo_rate(0, 0, fit->classes) /
						   rule_pseudo_rate(0, 1, fit->classes));
	double	   *votes = palloc(fit->classes * sizeof(double));

	for (uint32 i = 0; i < fit->items; i++)
	{
		double	   *to = fit->evidence + i * fit->classes;
		uint32		gold = crowd_voices_gold(fit->voices, i);
		double		each;
		double		most = 0;
		double		sum = 0;

		NL_CHECK_INTERRUPTS(i);
		(void) crowd_voices_votes(fit->voices, i, votes);
		each = odds * design_exponent(crowd_voices_of(fit->voices, i), fit->options->correlation);
		for (Size k = 0; k < fit->classes; k++)
			most = Max(most, votes[k]);
		for (Size k = 0; k < fit->classes; k++)
		{
			to[k] = fit->predicted[i * fit->classes + k] * exp((votes[k] - most) * each);
			if (gold != NO_GOLD)
				to[k] *= crowd_gold_rate(fit, gold, k);
			sum += to[k];
		}
		for (Size k = 0; k < fit->classes; k++)
			to[k] = sum > 0 ? to[k] / sum : k == gold;
	}
	pfree(votes);
}

/* Sums of T, and of T (1 - T), of each pair and class, but for the items of a part. */
static ExactSum *
sum_evidence(const CrowdFit *fit, uint32 without)
{
	Size		cells = mul_size(fit->pairs, fit->classes);
	ExactSum   *sums = nl_alloc_zero(CurrentMemoryContext, mul_size(cells, 2 * sizeof(ExactSum)));

	for (uint32 i = 0; i < fit->items; i++)
	{
		const double *t = fit->evidence + i * fit->classes;

		if (without != NO_PART && fit->part[i] == without)
			continue;
		for (uint32 a = fit->view->starts[i]; a < fit->view->starts[i + 1]; a++)
		{
			ExactSum   *to = sums + 2 * fit->code[a] * fit->classes;

			NL_CHECK_INTERRUPTS(a);
			for (Size k = 0; k < fit->classes; k++, to += 2)
			{
				double		p = Min(t[k], 1);
				ExactSum	count = exact_sum_of(p * fit->voices->own[a] * COUNT_UNITS);
				ExactSum	variance = exact_sum_of(p * (1 - p) * fit->voices->own[a] * COUNT_UNITS);

				exact_sum_add(&to[0], &count);
				exact_sum_add(&to[1], &variance);
			}
		}
	}
	return sums;
}

/* Sums of T of each label and class, by what voices said; NULL: of all annotators. */
static double *
sum_heard(const CrowdFit *fit, uint32 without)
{
	const uint32 *label = fit->voices->class_label;
	Size		classes = fit->classes;
	Size		labels = fit->view->labels.n;
	double	   *sums;

	if (fit->voices->group == NULL)
		return NULL;
	sums = nl_alloc_zero(CurrentMemoryContext, mul_size(mul_size(labels, labels), sizeof(double)));
	for (uint32 i = 0; i < fit->items; i++)
	{
		const double *t = fit->evidence + i * classes;

		if (without != NO_PART && fit->part[i] == without)
			continue;
		for (uint32 a = fit->view->starts[i]; a < fit->view->starts[i + 1]; a++)
		{
			NL_CHECK_INTERRUPTS(a);
			for (Size k = 0; k < classes; k++)
				sums[fit->view->label[a] * labels + label[k]] += fit->voices->heard[a] * Min(t[k], 1);
		}
	}
	return sums;
}

static int64 *
count_answers(const CrowdFit *fit)
{
	int64	   *answers = nl_alloc_zero(CurrentMemoryContext,
										mul_size(fit->view->annotators.n, sizeof(int64)));

	for (uint32 a = 0; a < fit->view->annotations; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		answers[fit->view->annotator[a]]++;
	}
	return answers;
}

/* The M step of learn_annotators(), from the present evidence of all parts but one. */
AnnotatorModel *
crowd_learn_matrices(const CrowdFit *fit, uint32 without)
{
	Size		cells = mul_size(fit->pairs, fit->classes);
	ExactSum   *sums = sum_evidence(fit, without);
	CountCell  *cell = nl_alloc(CurrentMemoryContext, mul_size(cells, sizeof(CountCell)));
	AnnotatorCountsView counts = {
		.annotators = fit->view->annotators,
		.labels = fit->view->labels,
		.rows = rint(fit->voices->all),
		.answers = count_answers(fit),
		.cells = cell,
		.group = fit->voices->group,
		.heard = sum_heard(fit, without)
	};
	AnnotatorModel *model;

	for (Size c = 0; c < cells; c++)
	{
		const Pair *pair = &fit->pair[c / fit->classes];

		CHECK_FOR_INTERRUPTS();
		if (sums[2 * c].high > 0 || sums[2 * c].low > 0)
			cell[counts.n++] = (CountCell) {pair->annotator, pair->label,
				fit->voices->class_label[c % fit->classes],
				sums[2 * c], sums[2 * c + 1]};
	}
	model = learn_annotators(&counts, &fit->learn);
	pfree(sums);
	pfree(cell);
	pfree((void *) counts.answers);
	return model;
}

/* The evidence on items, those of a part alone if "which" says so, into "to". */
static void
weigh_items(CrowdFit *fit, const AnnotatorModel *model, const uint32 *which, bool report, double *to)
{
	SetScorer  *s = set_scorer_begin(fit->view, model);

	s->scorer->model.gold_weight = fit->options->gold_weight;
	for (uint32 i = 0; i < fit->items; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (which != NULL && fit->part[i] != *which)
			continue;
		set_scorer_answers(s, i);
		memcpy(to + i * fit->classes,
			   set_scorer_own_prior(s, i, fit->predicted + i * fit->classes, report),
			   fit->classes * sizeof(double));
	}
}

/* The evidence by a model, as it is, or tempered as it is reported. */
void
crowd_weigh_evidence(CrowdFit *fit, const AnnotatorModel *model, bool report)
{
	weigh_items(fit, model, NULL, report, fit->evidence);
}

/*
 * Something for each part, by what the others tell of annotators.  Where nobody else
 * answers an item, an annotator with few answers whose rates have learned from it would
 * find in them an excuse for whatever the prediction says, the next classifier be surer of
 * itself, and his answers look worse in each round.  Items of several voices (part 0) are
 * judged by matrices of all: what others say holds an annotator to account there, and to
 * leave out a fold of their answers costs more than it mends.
 */
static void
for_each_part(CrowdFit *fit, void (*act) (CrowdFit *fit, const AnnotatorModel *model, uint32 part))
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "matrices of " LEARN_FROM_CROWDS,
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);

	for (uint32 part = 0; part < fit->parts; part++)
	{
		if (!fit->has_items[part])
			continue;
		act(fit, crowd_learn_matrices(fit, part), part);
		MemoryContextReset(scratch);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

static void
renew_part(CrowdFit *fit, const AnnotatorModel *model, uint32 part)
{
	weigh_items(fit, model, &part, false, fit->held);
}

/* The next evidence. */
void
crowd_renew_evidence(CrowdFit *fit)
{
	for_each_part(fit, renew_part);
	nl_copy(fit->evidence, fit->held, mul_size(fit->items, fit->classes * sizeof(double)));
}

/* And the rates that the classifier learns by. */
void
crowd_renew_rates(CrowdFit *fit)
{
	for_each_part(fit, crowd_set_rates);
}
