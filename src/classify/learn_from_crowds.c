/*
 * learn_from_crowds.c
 *		Annotators and a classifier, learned together from answers and features
 *		(Raykar et al. 2010, with several classes, and the classifier out of fold).
 *
 * Each item i has a truth, of which the classifier says p_i(k) from its features, and
 * annotator j answers l with the rate pi_j[l|k].  Rounds r = 1, 2, ...:
 *
 *	1. p_i, by a classifier that was fitted without the item's fold, to
 *	   the answers as they are (first round), and then
 *	   every_answer: sum over answers of -log sum_k p_i(k) pi_j[l|k] (logistic_fit.h);
 *	   consensus: the cross-entropy of evidence_i;
 *	2. pi from the evidence of the round before, in the first from p, by
 *	   learn_annotators() (soft counts, drawn toward the crowd's);
 *	3. evidence_i(k) ~ p_i(k) * product over answers of pi_j[l|k]; 2 and 3 are done
 *	   PASSES times, since p alone is not sure of itself and makes annotators look
 *	   worse than they are, through whose rates the classifier would seem too timid
 *
 * until the answers look right, or the evidence stays as it is, or "rounds".  That is
 * EM but for the folds: a classifier that has learned from an item's answers repeats
 * them, and they would count twice.  At last pi is learned from the last evidence, what
 * is reported of an item is p_i times the answers' likelihood by that, to the power of
 * design_exponent() (p_i is never tempered), and the classifier is fitted to all items.
 *
 * An item with gold is of that class, or nearly (gold_weight); it trains the classifier
 * by gold alone, and weighs as much as its answers would.  Answers of one annotator, or
 * of a group of them, to one item are one voice (crowd_voices.c): in what the classifier
 * learns from, in the evidence and in the crowd's rates; an annotator's own rates are
 * learned from his answers as if he had no group.  An answer that names no class (option
 * "abstain") is in the evidence, by how often annotators abstain on each class, and trains
 * nothing.  A class that a fold's model has never met is given 1 / (items + classes)
 * there, so that answers may say what the features cannot.
 *
 * Memory: the matrix of features once more; four numbers for each item and class;
 * counts and rates for each answer that differs in annotator or label, and class; fits
 * (logistic_fit.c) and matrices of annotators (learn_annotators.c), one at a time.  What
 * a round needs is freed after it.  Interrupts: each item, and as the parts say.
 */
#include "classify/learn_from_crowds.h"

#include <math.h>

#include "classify/crowd_voices.h"
#include "classify/fitted_classifier.h"
#include "common/hashfn.h"
#include "crowd/apply_model.h"
#include "crowd/em_rule.h"
#include "crowd/learn_annotators.h"

#define LITTLE_NOISE 0.03		/* of answers: rounds cost more than they mend */
#define STANDSTILL 0.01			/* mean of what an item's evidence moves */
#define PASSES 3				/* of steps 2 and 3 in a round */
#define LOST_SHARE 0.1			/* of the items that answers give a class */
#define FEW_ITEMS 30			/* of which it cannot be told whether features say anything */
#define Z_FEATURES 2			/* standard errors by which they must */
#define CHOICES 3				/* rounds in which l2 is chosen: by labels, and then by answers */
#define NAME "learn_from_crowds"

/* An annotator and a label that he gives; codes of a training set's targets. */
typedef struct Pair
{
	uint32		annotator;
	uint32		label;
} Pair;

typedef struct CrowdFit
{
	const CrowdRowsView *rows;
	const AnnotationView *view;
	CrowdOptions *options;
	LearnOptions learn;
	uint32		items;
	Size		classes;
	CrowdVoices *voices;
	uint32		pairs;
	Pair	   *pair;			/* by annotator, then label */
	uint32	   *code;			/* annotations: the pair */
	double	   *rates;			/* (pairs + classes) * classes: of pairs, and of gold */
	TrainingSet set;
	uint32		folds;			/* 0: no item can be judged without itself */
	Folds		made;
	Design	   *design;
	uint32	   *item;			/* rows of the design: which item */
	double	   *predicted;		/* items * classes */
	double	   *evidence;		/* the same */
	double	   *before;			/* the evidence of the round before */
	double	   *held;			/* the same, in the design's order */

	/* what the first round's predictions know of answers */
	double		foreseen;		/* the probability that they give to an answer */
	double		by_shares;		/* the same of the labels' shares */
	double		gain_error;		/* standard error of the difference */

	/* the record */
	const char *options_json;	/* as they were given */
	int			rounds;
	bool		converged;
	uint32		failed;			/* folds whose model did not converge in the last round */
	const char *stopped_by;
	double		noise;
	uint32		n_warnings;
	const char *warnings[8];
} CrowdFit;

static void
warn(CrowdFit *fit, const char *text)
{
	if (fit->n_warnings < lengthof(fit->warnings))
		fit->warnings[fit->n_warnings++] = text;
}

/*
 * Beginning
 */

/* Beside the rows themselves. */
static Size
fit_memory(const CrowdRowsView *rows, const CrowdOptions *options)
{
	const AnnotationView *view = &rows->answers;
	Size		classes = view->labels.n;
	Size		pairs = Min((Size) view->annotations, mul_size(view->annotators.n, classes));
	Size		size = mul_size(mul_size(view->items, classes), 4 * sizeof(double));

	size = add_size(size, mul_size(mul_size(view->items, (Size) rows->features + 1), sizeof(double)));
	size = add_size(size, mul_size(view->annotations, 2 * sizeof(double) + 2 * sizeof(uint32)));
	size = add_size(size, crowd_voices_memory(view, options));
	size = add_size(size, mul_size(mul_size(pairs, classes), 3 * sizeof(double) + 4 * sizeof(double)));
	return add_size(size, mul_size(mul_size(view->annotators.n, classes), sizeof(uint32)));
}

/* Which pairs there are, and which one each answer is. */
static void
find_pairs(CrowdFit *fit)
{
	const AnnotationView *view = fit->view;
	Size		labels = view->labels.n;
	Size		cells = mul_size(view->annotators.n, labels);
	uint32	   *code = nl_alloc_zero(CurrentMemoryContext, mul_size(cells, sizeof(uint32)));

	for (uint32 a = 0; a < view->annotations; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		code[view->annotator[a] * labels + view->label[a]] = 1;
	}
	for (Size c = 0; c < cells; c++)
	{
		NL_CHECK_INTERRUPTS(c);
		fit->pairs += code[c];
	}
	fit->pair = nl_alloc(CurrentMemoryContext, mul_size(fit->pairs, sizeof(Pair)));
	fit->pairs = 0;
	for (Size c = 0; c < cells; c++)
	{
		NL_CHECK_INTERRUPTS(c);
		if (code[c] == 0)
			continue;
		fit->pair[fit->pairs] = (Pair) {c / labels, c % labels};
		code[c] = fit->pairs++;
	}
	fit->code = nl_alloc(CurrentMemoryContext, mul_size(view->annotations, sizeof(uint32)));
	for (uint32 a = 0; a < view->annotations; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		fit->code[a] = code[view->annotator[a] * labels + view->label[a]];
	}
	pfree(code);
}

/*
 * The chance that gold is what it is where the class is k.
 */
static double
gold_rate(const CrowdFit *fit, uint32 gold, Size k)
{
	double		right = fit->options->gold_weight;

	return fit->classes == 1 ? 1 : k == gold ? right : (1 - right) / (fit->classes - 1);
}

/*
 * What the classifier learns from
 */

/* Begin the targets of row i anew; rows come in order. */
static void
begin_targets(CrowdFit *fit, uint32 row)
{
	fit->set.target_end[row] = target_begin(&fit->set, row);
}

/* A distribution over classes. */
static void
set_shares(CrowdFit *fit, uint32 row, const double *p)
{
	begin_targets(fit, row);
	for (Size k = 0; k < fit->classes; k++)
		if (p[k] > 0)
			training_set_answer(&fit->set, row, k, p[k]);
}

/* All answers to an item that name a class, or its gold. */
static void
set_answers(CrowdFit *fit, uint32 row, uint32 item)
{
	const AnnotationView *view = fit->view;
	uint32		gold = crowd_voices_gold(fit->voices, item);
	double		voices = crowd_voices_named(fit->voices, item);

	begin_targets(fit, row);
	if (gold != NO_GOLD)
	{
		training_set_answer(&fit->set, row, fit->pairs + gold, 1);
		return;
	}
	for (uint32 a = view->starts[item]; a < view->starts[item + 1]; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		if (annotation_is_class(view, view->label[a]))
			training_set_answer(&fit->set, row, fit->code[a],
								fit->voices->heard[a] / voices);
	}
}

/* The rates of pairs by a model, and those of gold. */
static void
set_rates(CrowdFit *fit, const AnnotatorModel *model)
{
	AnnotatorModelView view = annotator_model_view(model);
	const uint32 *label = fit->voices->class_label;
	Size		classes = fit->classes;
	Size		labels = view.labels.n;
	double	   *matrix = nl_alloc(CurrentMemoryContext, labels * labels * sizeof(double));
	double	   *to = fit->rates;

	for (uint32 c = 0; c < fit->pairs; c++, to += classes)
	{
		CHECK_FOR_INTERRUPTS();
		if (c == 0 || fit->pair[c].annotator != fit->pair[c - 1].annotator)
			model_component_rates(&view, 0, fit->pair[c].annotator, matrix);
		for (Size k = 0; k < classes; k++)
			to[k] = matrix[fit->pair[c].label * labels + label[k]];
	}
	for (Size gold = 0; gold < classes; gold++, to += classes)
		for (Size k = 0; k < classes; k++)
			to[k] = gold_rate(fit, gold, k);
	pfree(matrix);
}

/*
 * The present targets into the design: of the first round ("model" is NULL) they are
 * there already.
 */
static void
retarget(CrowdFit *fit, const AnnotatorModel *model)
{
	if (model == NULL)
		return;
	if (fit->options->training == TRAIN_CONSENSUS)
		for (uint32 row = 0; row < fit->items; row++)
		{
			CHECK_FOR_INTERRUPTS();
			if (crowd_voices_tell(fit->voices, fit->item[row]))
				set_shares(fit, row, fit->evidence + fit->item[row] * fit->classes);
			else
				begin_targets(fit, row);
		}
	else
	{
		set_rates(fit, model);
		for (uint32 row = 0; row < fit->items && fit->set.rates == NULL; row++)
		{
			CHECK_FOR_INTERRUPTS();
			set_answers(fit, row, fit->item[row]);
		}
		fit->set.rates = fit->rates;
	}
	design_retarget(fit->design);
}

/* What an item weighs in training: as much as its answers, also where gold trains. */
static double
training_weight(const CrowdFit *fit, uint32 item)
{
	double		voices = crowd_voices_of(fit->voices, item);

	return fit->options->training == TRAIN_CONSENSUS ? 1 : Max(voices, 1);
}

/* An item a row: its features and votes; without votes it is predicted only. */
static void
make_set(CrowdFit *fit)
{
	TrainingSet *set = &fit->set;
	double	   *votes = palloc(fit->classes * sizeof(double));

	training_set_init(set, CurrentMemoryContext, true, true, fit->items);
	for (Size k = 0; k < fit->classes; k++)
		(void) dictionary_add(set->labels, names_get(&fit->voices->classes, k));
	for (uint32 i = 0; i < fit->items; i++)
	{
		double	   *row;

		CHECK_FOR_INTERRUPTS();
		training_set_target(set, i, NULL);
		training_set_weight(set, i, training_weight(fit, i));
		crowd_voices_shares(fit->voices, i, votes);
		set_shares(fit, i, votes);
		row = feature_matrix_add(&set->x, fit->rows->features);
		memcpy(row + 1, crowd_rows_features(fit->rows, i),
			   fit->rows->features * sizeof(double));
	}
	pfree(votes);
}

/* Of the items' names, as oof_predict() makes them of a group. */
static uint64 *
item_hashes(const CrowdFit *fit)
{
	uint64	   *hash = nl_alloc(CurrentMemoryContext, mul_size(fit->items, sizeof(uint64)));

	for (uint32 i = 0; i < fit->items; i++)
	{
		NameView	name = names_get(&fit->view->item_names, i);

		NL_CHECK_INTERRUPTS(i);
		hash[i] = hash_bytes_extended((const unsigned char *) name.s, name.len,
									  fit->options->classifier.seed);
		hash[i] += hash[i] == 0;
	}
	return hash;
}

/* Rows in order, dealt to folds; they stay there in all rounds. */
static void
make_design(CrowdFit *fit)
{
	const ClassifierOptions *o = &fit->options->classifier;
	uint64	   *hash = item_hashes(fit);
	RowKey	   *keys = training_set_order(&fit->set, o->seed);

	fit->made = folds_make(&fit->set, keys, hash, o->folds, o->duplicates);
	fit->folds = fit->made.n;
	pfree(hash);
	fit->design = design_make(&fit->set, keys, fit->made.fold, Max(fit->folds, 1));
	if (fit->made.fold != NULL)
		pfree(fit->made.fold);
	fit->item = fit->design->source;
}

static void
warn_of_folds(CrowdFit *fit)
{
	if (fit->folds == 0)
		warn(fit, psprintf("nothing is predicted: no item can be judged by a classifier that never saw it, since all items (%u) belong together; ask about more items, with other features",
						   fit->items));
	else if (fit->made.kept_apart)
		warn(fit, "items with the same features are in different folds, since keeping them together would leave no balanced folds: set \"duplicates\" to \"together\" or \"split\"");
	else if (!fit->made.split && fit->made.twins > fit->items / 2 &&
			 fit->options->classifier.duplicates != DUPLICATES_TOGETHER)
		warn(fit, psprintf("%u of %u items have the same features as another one, and are kept in one fold with it: if features are categories, set \"duplicates\" to \"split\"",
						   fit->made.twins, fit->items));
	if (fit->classes == 1)
		warn(fit, "there is one class only, so that there is nothing to learn");
}

static double *
item_table(const CrowdFit *fit)
{
	return nl_alloc_zero(CurrentMemoryContext,
						 mul_size(mul_size(fit->items, fit->classes), sizeof(double)));
}

/* NULL: nobody names a class. */
static CrowdFit *
begin(const CrowdRowsView *rows, CrowdOptions *options)
{
	CrowdFit   *fit = palloc0(sizeof(CrowdFit));
	Size		beside = fit_memory(rows, options);

	fit->rows = rows;
	fit->view = &rows->answers;
	fit->options = options;
	fit->options_json = crowd_options_json(options);
	fit->learn = learn_options_parse(NULL);
	fit->learn.correlation = options->correlation;
	fit->items = rows->answers.items;
	fit->classes = rows->answers.labels.n;
	(void) crowd_model_check_size(fit->items, fit->classes, names_bytes(&fit->view->item_names));
	(void) classifier_check_size(fit->classes, rows->features);
	nl_check_memory_for(beside, NAME "()", "take fewer items or features, or merge classes",
						"It grows with items times features and classes: %u items with %u features and %u classes.",
						fit->items, rows->features, fit->view->labels.n);
	fit->voices = crowd_voices_begin(&rows->answers, options);
	fit->view = &fit->voices->view;
	fit->classes = fit->voices->classes.n;
	if (fit->view->abstains != 0)
		fit->learn.abstain = names_cstring(&fit->view->labels, fit->view->abstains - 1);
	if (fit->classes == 0)
		return NULL;
	find_pairs(fit);
	fit->rates = nl_alloc(CurrentMemoryContext,
						  mul_size(mul_size((Size) fit->pairs + fit->classes, fit->classes),
								   sizeof(double)));
	make_set(fit);
	logistic_check_memory(&fit->set, options->classifier.folds,
						  add_size(beside, design_memory(&fit->set, options->classifier.folds)),
						  NAME "()");
	make_design(fit);
	warn_of_folds(fit);
	fit->predicted = item_table(fit);
	fit->evidence = item_table(fit);
	fit->before = item_table(fit);
	fit->held = item_table(fit);
	return fit;
}

/*
 * Rounds
 */

/* Some of the probability for classes that the fold's model has never met. */
static void
admit_classes(const CrowdFit *fit, const FittedModel *model, double *p)
{
	double		each = 1.0 / (fit->items + fit->classes);

	if (model->classes == fit->classes)
		return;
	for (Size k = 0; k < fit->classes; k++)
		p[k] *= 1 - (fit->classes - model->classes) * each;
	for (Size k = 0, known = 0; k < fit->classes; k++)
	{
		if (known < model->classes && model->label[known] == k)
			known++;
		else
			p[k] = each;
	}
}

static void
keep_predictions(CrowdFit *fit, const FittedModel *models)
{
	const Design *d = fit->design;

	logistic_held_out(d, models, fit->held);
	for (uint32 f = 0; f < d->folds; f++)
		for (uint32 row = d->start[f]; row < d->start[f + 1]; row++)
		{
			double	   *p = fit->predicted + fit->item[row] * fit->classes;

			CHECK_FOR_INTERRUPTS();
			memcpy(p, fit->held + row * fit->classes, fit->classes * sizeof(double));
			admit_classes(fit, &models[f], p);
		}
}

/* Where nothing can be predicted, every class is as likely. */
static void
predict_nothing(CrowdFit *fit)
{
	for (Size i = 0; i < fit->items * fit->classes; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		fit->predicted[i] = 1.0 / fit->classes;
	}
}

static void
choose_l2(CrowdFit *fit, int round)
{
	ClassifierOptions *o = &fit->options->classifier;
	L2Choice	choice;

	if (!o->choose || round > CHOICES)
		return;
	choice = logistic_choose_l2(fit->design, &o->regression, NAME);
	o->regression.l2 = choice.l2[choice.best];
}

/* "model": of the round before, or NULL. */
static void
predict(CrowdFit *fit, int round, const AnnotatorModel *model)
{
	FittedModel *models;

	fit->failed = 0;
	if (fit->folds == 0)
	{
		if (fit->options->classifier.choose)
			fit->options->classifier.regression.l2 = 1;
		predict_nothing(fit);
		return;
	}
	retarget(fit, model);
	choose_l2(fit, round);
	models = logistic_fit(fit->design, true, &fit->options->classifier.regression, NAME);
	for (uint32 f = 0; f < fit->folds; f++)
	{
		logistic_check_finite(&models[f], fit->set.x.width);
		fit->failed += !models[f].converged;
	}
	keep_predictions(fit, models);
}

/*
 * What the first round's matrices are learned from: the prediction, and answers by
 * annotators of whom nothing is known, right as often as the rule's pseudo-answers.
 * By the prediction alone annotators would look as if they guessed wherever features
 * say little, and rounds could not find out otherwise.  They count as what is reported
 * (half in answer_evidence.c, whose predictions stay as they are): a classifier that
 * learns anew in each round finds out who was believed too much.
 */
static void
begin_evidence(CrowdFit *fit)
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
				to[k] *= gold_rate(fit, gold, k);
			sum += to[k];
		}
		for (Size k = 0; k < fit->classes; k++)
			to[k] = sum > 0 ? to[k] / sum : k == gold;
	}
	pfree(votes);
}

/*
 * How much better the first round's classifier, which has learned from answers as they
 * are, predicts those of items that it has not seen than the answers' shares do: by the
 * mean probability of an answer, which tells that something is known even where
 * predictions are too sure.
 */
static void
judge_features(CrowdFit *fit)
{
	double	   *shares = palloc0(fit->classes * sizeof(double));
	double	   *votes = palloc(fit->classes * sizeof(double));
	uint32		items = fit->voices->items_named;
	double		squares = 0;
	double		gain;

	fit->foreseen = fit->by_shares = 0;

	for (uint32 i = 0; i < fit->items; i++)
	{
		double		n = crowd_voices_votes(fit->voices, i, votes);

		CHECK_FOR_INTERRUPTS();
		for (Size k = 0; k < fit->classes; k++)
			shares[k] += n > 0 ? votes[k] / n / items : 0;
	}
	for (uint32 i = 0; i < fit->items; i++)
	{
		const double *p = fit->predicted + i * fit->classes;
		double		n = crowd_voices_votes(fit->voices, i, votes);
		double		foreseen = 0;
		double		by_shares = 0;

		CHECK_FOR_INTERRUPTS();
		for (Size k = 0; k < fit->classes && n > 0; k++)
		{
			foreseen += votes[k] / n * p[k];
			by_shares += votes[k] / n * shares[k];
		}
		fit->foreseen += foreseen / Max(items, 1);
		fit->by_shares += by_shares / Max(items, 1);
		squares += (foreseen - by_shares) * (foreseen - by_shares);
	}
	gain = fit->foreseen - fit->by_shares;
	fit->gain_error = sqrt(Max(squares / Max(items, 1) - gain * gain, 0) / Max(items, 1));
	pfree(shares);
	pfree(votes);
}

/* Sums of T, and of T (1 - T), of each pair and class. */
static ExactSum *
sum_evidence(const CrowdFit *fit)
{
	Size		cells = mul_size(fit->pairs, fit->classes);
	ExactSum   *sums = nl_alloc_zero(CurrentMemoryContext, mul_size(cells, 2 * sizeof(ExactSum)));

	for (uint32 i = 0; i < fit->items; i++)
	{
		const double *t = fit->evidence + i * fit->classes;

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
sum_heard(const CrowdFit *fit)
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

/* The M step of learn_annotators(), from the present evidence. */
static AnnotatorModel *
learn_matrices(const CrowdFit *fit)
{
	Size		cells = mul_size(fit->pairs, fit->classes);
	ExactSum   *sums = sum_evidence(fit);
	CountCell  *cell = nl_alloc(CurrentMemoryContext, mul_size(cells, sizeof(CountCell)));
	AnnotatorCountsView counts = {
		.annotators = fit->view->annotators,
		.labels = fit->view->labels,
		.rows = rint(fit->voices->all),
		.answers = count_answers(fit),
		.cells = cell,
		.group = fit->voices->group,
		.heard = sum_heard(fit)
	};

	for (Size c = 0; c < cells; c++)
	{
		const Pair *pair = &fit->pair[c / fit->classes];

		CHECK_FOR_INTERRUPTS();
		if (sums[2 * c].high > 0 || sums[2 * c].low > 0)
			cell[counts.n++] = (CountCell) {pair->annotator, pair->label,
				fit->voices->class_label[c % fit->classes],
				sums[2 * c], sums[2 * c + 1]};
	}
	return learn_annotators(&counts, &fit->learn);
}

/* The evidence by a model, as it is, or tempered as it is reported. */
static void
weigh_evidence(CrowdFit *fit, const AnnotatorModel *model, bool report)
{
	SetScorer  *s = set_scorer_begin(fit->view, model);

	s->scorer->model.gold_weight = fit->options->gold_weight;
	for (uint32 i = 0; i < fit->items; i++)
	{
		CHECK_FOR_INTERRUPTS();
		set_scorer_answers(s, i);
		memcpy(fit->evidence + i * fit->classes,
			   set_scorer_own_prior(s, i, fit->predicted + i * fit->classes, report),
			   fit->classes * sizeof(double));
	}
}

/* The share of voices whose label the evidence does not support. */
static double
estimate_noise(const CrowdFit *fit)
{
	double		right = 0;

	for (uint32 i = 0; i < fit->items; i++)
		for (uint32 a = fit->view->starts[i]; a < fit->view->starts[i + 1]; a++)
		{
			NL_CHECK_INTERRUPTS(a);
			if (annotation_is_class(fit->view, fit->view->label[a]))
				right += fit->voices->heard[a] *
					fit->evidence[i * fit->classes + fit->voices->label_class[fit->view->label[a]]];
		}
	return fit->voices->named > 0 ? Max(1 - right / fit->voices->named, 0) : 0;
}

/* How far an item's evidence has moved, on average. */
static double
distance_moved(const CrowdFit *fit)
{
	double		sum = 0;

	for (Size i = 0; i < fit->items * fit->classes; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		sum += fabs(fit->evidence[i] - fit->before[i]) / 2;
	}
	return sum / fit->items;
}

static void
report_progress(const CrowdFit *fit, int round, double moved)
{
	if (nl_progress)
		ereport(NOTICE,
				(errmsg(NAME ": round %d, l2 %g, noise %.4f, evidence moved by %.4f", round,
						fit->options->classifier.regression.l2, fit->noise, moved)));
}

/* Why there should be no other round, or NULL. */
static const char *
reason_to_stop(const CrowdFit *fit, int round, double moved)
{
	if (fit->noise < LITTLE_NOISE)
		return "little noise";
	if (round > 1 && moved < STANDSTILL)
		return "evidence stands still";
	return NULL;
}

/* Copy a model into "context", and free what was needed to make it. */
static AnnotatorModel *
keep_model(const AnnotatorModel *model, MemoryContext context)
{
	AnnotatorModel *copy = nl_alloc(context, VARSIZE(model));

	nl_copy(copy, model, VARSIZE(model));
	return copy;
}

/* A round; returns its matrices, in the current context. */
static AnnotatorModel *
go_round(CrowdFit *fit, int round, AnnotatorModel *model)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "round of " NAME,
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);

	predict(fit, round, model);
	if (model == NULL)
	{
		judge_features(fit);
		begin_evidence(fit);
	}
	else
		pfree(model);
	nl_copy(fit->before, fit->evidence, mul_size(fit->items, fit->classes * sizeof(double)));
	model = learn_matrices(fit);
	for (int pass = 1; pass <= PASSES; pass++)
	{
		weigh_evidence(fit, model, false);
		if (pass < PASSES)
			model = learn_matrices(fit);
	}
	model = keep_model(model, old);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	return model;
}

static AnnotatorModel *
go_rounds(CrowdFit *fit)
{
	AnnotatorModel *model = NULL;

	fit->stopped_by = "rounds";
	for (int round = 1; round <= fit->options->rounds && !fit->converged; round++)
	{
		const char *reason;
		double		moved;

		model = go_round(fit, round, model);
		fit->rounds = round;
		fit->noise = estimate_noise(fit);
		moved = distance_moved(fit);
		report_progress(fit, round, moved);
		reason = reason_to_stop(fit, round, moved);
		fit->converged = reason != NULL;
		if (reason != NULL)
			fit->stopped_by = reason;
	}
	pfree(model);
	if (fit->failed > 0)
		warn(fit, psprintf("the classifier did not converge in %u of %u folds: raise \"max_iterations\" or \"l2\"",
						   fit->failed, fit->folds));
	return learn_matrices(fit);
}

/*
 * A class that answers name and the evidence gives up, or -1: features and annotators
 * agree on another explanation of its answers.  "given", "left": its items by both.
 */
static int
lost_class(const CrowdFit *fit, double *given, double *left)
{
	double	   *votes = palloc0(fit->classes * sizeof(double));
	double	   *of_item = palloc(fit->classes * sizeof(double));
	double	   *items = palloc0(fit->classes * sizeof(double));
	int			lost = -1;

	for (uint32 i = 0; i < fit->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		crowd_voices_shares(fit->voices, i, of_item);
		for (Size k = 0; k < fit->classes; k++)
		{
			votes[k] += of_item[k];
			items[k] += fit->evidence[i * fit->classes + k];
		}
	}
	for (Size k = 0; k < fit->classes && lost < 0; k++)
		if (votes[k] >= 1 && items[k] < votes[k] * LOST_SHARE)
		{
			lost = k;
			*given = votes[k];
			*left = items[k];
		}
	pfree(votes);
	pfree(of_item);
	pfree(items);
	return lost;
}

/* The design's targets are votes again, as in the first round. */
static void
begin_again(CrowdFit *fit)
{
	double	   *votes = palloc(fit->classes * sizeof(double));

	fit->set.rates = NULL;
	for (uint32 row = 0; row < fit->items; row++)
	{
		CHECK_FOR_INTERRUPTS();
		crowd_voices_shares(fit->voices, fit->item[row], votes);
		set_shares(fit, row, votes);
	}
	design_retarget(fit->design);
	fit->converged = false;
	pfree(votes);
}

/*
 * Of few items it cannot be told; and what a fold's model has learned from a handful it
 * holds for certain, as do the rounds then.
 */
static void
warn_of_features(CrowdFit *fit)
{
	if (fit->folds == 0 || fit->classes == 1)
		return;
	if (fit->items < FEW_ITEMS)
		warn(fit, psprintf("%u items are too few for a classifier, and confidence is too high: with one answer each, simulated ones of 2 to 20 had .85 to 1 where .56 to .86 were right; ask about %d or more, or take dawid_skene() where items have several answers",
						   fit->items, FEW_ITEMS));
	else if (fit->voices->items_named >= FEW_ITEMS &&
			 fit->foreseen - fit->by_shares <= Z_FEATURES * fit->gain_error)
		warn(fit, psprintf("features say little: out of fold they give an answer a probability of %.3f, the shares of the labels %.3f (standard error %.3f); give features that tell the classes apart, or take dawid_skene() where items have several answers",
						   fit->foreseen, fit->by_shares, fit->gain_error));
}

/* Answers are what the fit believes at first; a class that they never name is hard to find. */
static void
warn_of_gold(CrowdFit *fit)
{
	uint32	   *gold = palloc0(fit->classes * sizeof(uint32));
	bool	   *named = palloc0(fit->classes);

	for (uint32 c = 0; c < fit->pairs; c++)
	{
		NL_CHECK_INTERRUPTS(c);
		if (annotation_is_class(fit->view, fit->pair[c].label))
			named[fit->voices->label_class[fit->pair[c].label]] = true;
	}
	for (uint32 i = 0; i < fit->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (annotation_gold(fit->view, i) != NO_GOLD)
			gold[crowd_voices_gold(fit->voices, i)]++;
	}
	for (Size k = 0; k < fit->classes; k++)
		if (gold[k] > 0 && !named[k])
		{
			warn(fit, psprintf("only gold has class \"%s\" (%u item%s): no annotator ever answered so; ask whether they may, or whether it is misspelt",
							   names_cstring(&fit->voices->classes, k), gold[k], gold[k] == 1 ? "" : "s"));
			break;
		}
	pfree(gold);
	pfree(named);
}

/*
 * All rounds, and the evidence by what they end with.  Of few items a classifier that
 * learns from every answer may explain a class away, by an intercept that no penalty
 * holds and annotators of whom little is known.  Then it learns from the consensus,
 * which cannot run away so, since it says what an item is.
 */
static AnnotatorModel *
learn_model(CrowdFit *fit)
{
	AnnotatorModel *model = go_rounds(fit);
	double		given;
	double		left;
	int			lost;

	warn_of_features(fit);
	warn_of_gold(fit);
	weigh_evidence(fit, model, false);
	lost = lost_class(fit, &given, &left);
	if (lost >= 0 && fit->folds > 0 && fit->options->training == TRAIN_EVERY_ANSWER)
	{
		warn(fit, psprintf("trained by \"consensus\", since by \"every_answer\" class \"%s\" was nearly lost: %.1f items by the answers, %.1f by the fit; ask about more items",
						   names_cstring(&fit->voices->classes, lost), given, left));
		fit->options->training = TRAIN_CONSENSUS;
		begin_again(fit);
		model = go_rounds(fit);
		weigh_evidence(fit, model, false);
		lost = lost_class(fit, &given, &left);
	}
	if (lost >= 0)
		warn(fit, psprintf("class \"%s\" is nearly lost: %.1f items by the answers, %.1f by the fit; ask about more items, or give gold",
						   names_cstring(&fit->voices->classes, lost), given, left));
	return model;
}

/*
 * Results
 */

/* What learn_annotators() cannot know: that there are items, and gold. */
static AnnotatorModel *
finish_model(const CrowdFit *fit, const AnnotatorModel *model)
{
	AnnotatorModelView view = annotator_model_view(model);

	view.items = fit->items;
	view.n_annotations = fit->view->annotations;
	view.gold_weight = fit->options->gold_weight;
	view.iterations = fit->rounds;
	view.converged = fit->converged;
	view.method = psprintf(NAME ": correlation %.2f", fit->options->correlation);
	view.stopped_by = fit->stopped_by;
	view.options = fit->options_json;
	for (uint32 i = 0; i < fit->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (annotation_gold(fit->view, i) == NO_GOLD)
			continue;
		view.gold_items++;
		for (uint32 a = fit->view->starts[i]; a < fit->view->starts[i + 1]; a++)
			view.gold_annotations[fit->view->annotator[a]]++;
	}
	return annotator_model_make(&view);
}

/* Of all items; NULL where there is nothing that it could tell apart. */
static Classifier *
fit_classifier(CrowdFit *fit, const AnnotatorModel *model)
{
	ClassifierOptions own = fit->options->classifier;
	FittedModel *fitted;

	if (fit->folds == 0 || fit->classes < 2)
		return NULL;
	retarget(fit, model);
	own.choose = false;
	fitted = logistic_fit(fit->design, false, &own.regression, NAME);
	if (fitted->classes < 2)
		return NULL;
	logistic_check_finite(fitted, fit->set.x.width);
	if (!fitted->converged)
		warn(fit, psprintf("the classifier did not converge in %d iterations: raise \"max_iterations\" or \"l2\"",
						   fitted->iterations));
	return classifier_of_fit(fitted, fit->design, &fit->voices->classes,
							 classifier_options_json(&own));
}

/* Of the answers, by the predictions through the annotators' rates. */
static double
log_loss(CrowdFit *fit, const AnnotatorModel *model)
{
	double		loss = 0;

	set_rates(fit, model);
	for (uint32 i = 0; i < fit->items; i++)
		for (uint32 a = fit->view->starts[i]; a < fit->view->starts[i + 1]; a++)
		{
			const double *rates = fit->rates + fit->code[a] * fit->classes;
			double		p = 0;

			NL_CHECK_INTERRUPTS(a);
			for (Size k = 0; k < fit->classes; k++)
				p += fit->predicted[i * fit->classes + k] * rates[k];
			loss -= fit->voices->heard[a] * log(Max(p, 1e-300));
		}
	return Max(loss / fit->voices->all, 0);
}

static uint32 *
count_per_item(const CrowdFit *fit)
{
	uint32	   *n = nl_alloc(CurrentMemoryContext, mul_size(fit->items, sizeof(uint32)));

	for (uint32 i = 0; i < fit->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		n[i] = fit->view->starts[i + 1] - fit->view->starts[i];
	}
	return n;
}

/*
 * The crowd_model, in the current context, as is all that it is made of; NULL if nobody
 * names a class.
 */
CrowdModel *
learn_from_crowds(const CrowdRowsView *rows, CrowdOptions *options)
{
	CrowdFit   *fit = begin(rows, options);
	AnnotatorModel *model;
	Classifier *classifier;
	CrowdModelView view;

	if (fit == NULL)
		return NULL;
	model = learn_model(fit);
	classifier = fit_classifier(fit, model);
	weigh_evidence(fit, model, true);
	view = (CrowdModelView) {
		.annotators = finish_model(fit, model),
		.classifier = classifier,
		.labels = fit->voices->classes,
		.items = fit->view->item_names,
		.answers = count_per_item(fit),
		.distribution = fit->evidence,
		.predicted = fit->folds > 0 ? fit->predicted : NULL,
		.features = rows->features,
		.rounds = fit->rounds,
		.converged = fit->converged,
		.l2 = options->classifier.regression.l2,
		.noise = fit->noise,
		.log_loss = log_loss(fit, model),
		.options = fit->options_json,
		.stopped_by = fit->stopped_by,
		.n_warnings = fit->n_warnings,
		.warnings = fit->warnings
	};
	return crowd_model_make(&view);
}
