/*
 * crowd_begin.c
 *		What learn_from_crowds() begins with: which answers there are, and the items with
 *		their features, dealt to folds.
 */
#include "classify/crowd_internal.h"

#include "common/hashfn.h"

#define DEALT_ONCE 10000		/* more items than these */

/* Beside the rows themselves, and rates_memory(). */
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
	size = add_size(size, view->items);
	size = add_size(size, mul_size(mul_size(pairs, classes),
								   2 * sizeof(ExactSum) + sizeof(CountCell)));
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

/* What an item weighs in training: as much as its answers, also where gold trains. */
static double
training_weight(const CrowdFit *fit, uint32 item)
{
	double		voices = crowd_voices_of(fit->voices, item);

	return fit->options->training == TRAIN_CONSENSUS ? 1 : Max(voices, 1);
}

/* An item a row: its features and votes; without votes it is predicted only. */
static void
make_set(const CrowdFit *fit, CrowdDeal *deal)
{
	TrainingSet *set = &deal->set;

	training_set_init(set, CurrentMemoryContext, true, true, fit->items);
	for (Size k = 0; k < fit->classes; k++)
		(void) dictionary_add(set->labels, names_get(&fit->voices->classes, k));
	for (uint32 i = 0; i < fit->items; i++)
	{
		double	   *row;

		CHECK_FOR_INTERRUPTS();
		training_set_target(set, i, NULL);
		training_set_weight(set, i, training_weight(fit, i));
		crowd_set_votes(fit, deal, i, i);
		row = feature_matrix_add(&set->x, fit->rows->features);
		memcpy(row + 1, crowd_rows_features(fit->rows, i),
			   fit->rows->features * sizeof(double));
	}
}

/* Of the items' names, as oof_predict() makes them of a group. */
static uint64 *
item_hashes(const CrowdFit *fit, uint64 seed)
{
	uint64	   *hash = nl_alloc(CurrentMemoryContext, mul_size(fit->items, sizeof(uint64)));

	for (uint32 i = 0; i < fit->items; i++)
	{
		NameView	name = names_get(&fit->view->item_names, i);

		NL_CHECK_INTERRUPTS(i);
		hash[i] = hash_bytes_extended((const unsigned char *) name.s, name.len, seed);
		hash[i] += hash[i] == 0;
	}
	return hash;
}

/* Rows in order, dealt to folds. */
static void
make_design(const CrowdFit *fit, CrowdDeal *deal, uint64 seed)
{
	const ClassifierOptions *o = &fit->options->classifier;
	uint64	   *hash = item_hashes(fit, seed);
	RowKey	   *keys = training_set_order(&deal->set, seed);

	deal->made = folds_make(&deal->set, keys, hash, o->folds, o->duplicates);
	pfree(hash);
	deal->design = design_make(&deal->set, keys, deal->made.fold, Max(deal->made.n, 1));
	if (deal->made.fold != NULL)
		pfree(deal->made.fold);
	deal->item = deal->design->source;
}

/*
 * How often items are dealt.  Which others an item's prediction learns from is chance, of
 * which the mean over several deals has less, and so has what is learned from it.  Where
 * items are many one deal says the same, and so it does where each item is a fold.
 */
static uint32
count_deals(const CrowdFit *fit)
{
	uint32		folds = fit->options->classifier.folds;

	return fit->items > DEALT_ONCE || fit->items <= folds ? 1 : DEALS;
}

/* As often as that. */
static void
deal_items(CrowdFit *fit, Size beside)
{
	uint32		folds = fit->options->classifier.folds;

	make_set(fit, &fit->deal[0]);
	fit->deals = count_deals(fit);
	beside = add_size(beside, mul_size(fit->deals, design_memory(&fit->deal[0].set, folds)));
	beside = add_size(beside, mul_size(fit->deals - 1, training_set_memory(&fit->deal[0].set)));
	logistic_check_memory(&fit->deal[0].set, folds, beside, LEARN_FROM_CROWDS "()");
	for (uint32 d = 0; d < fit->deals; d++)
	{
		if (d > 0)
			make_set(fit, &fit->deal[d]);
		make_design(fit, &fit->deal[d],
					fit->options->classifier.seed + ((uint64) d << 32));
	}
	fit->folds = fit->deal[0].made.n;
}

/* Whether nothing but one voice, if any, says what an item is. */
static bool
is_single(const CrowdFit *fit, uint32 item)
{
	return crowd_voices_of(fit->voices, item) <= 1 && annotation_gold(fit->view, item) == NO_GOLD;
}

/* Part 0, and where there are single items one for each fold. */
static uint32
count_parts(const CrowdFit *fit)
{
	for (uint32 i = 0; i < fit->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (is_single(fit, i))
			return fit->options->classifier.folds + 1;
	}
	return 1;
}

static Size
rates_memory(const CrowdFit *fit)
{
	return mul_size(mul_size((Size) fit->pairs + fit->classes, fit->classes),
					fit->parts * sizeof(double));
}

/*
 * Single items into the first deal's folds, which keep together what belongs together;
 * all others into part 0.
 */
static void
part_items(CrowdFit *fit)
{
	const CrowdDeal *deal = &fit->deal[0];

	fit->part = nl_alloc_zero(CurrentMemoryContext, fit->items);
	fit->has_items = palloc0(fit->parts * sizeof(bool));
	for (uint32 f = 0; f < fit->folds; f++)
		for (uint32 row = deal->design->start[f]; row < deal->design->start[f + 1]; row++)
		{
			uint32		item = deal->item[row];

			NL_CHECK_INTERRUPTS(row);
			if (is_single(fit, item))
				fit->part[item] = f + 1;
			fit->has_items[fit->part[item]] = true;
		}
	if (fit->folds == 0)
		fit->has_items[0] = true;
	fit->rates = nl_alloc(CurrentMemoryContext, rates_memory(fit));
}

static double *
item_table(const CrowdFit *fit)
{
	return nl_alloc_zero(CurrentMemoryContext,
						 mul_size(mul_size(fit->items, fit->classes), sizeof(double)));
}

/* NULL: nobody names a class. */
CrowdFit *
crowd_begin(const CrowdRowsView *rows, CrowdOptions *options)
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
	nl_check_memory_for(beside, LEARN_FROM_CROWDS "()", "take fewer items or features, or merge classes",
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
	fit->parts = count_parts(fit);
	deal_items(fit, add_size(beside, rates_memory(fit)));
	part_items(fit);
	crowd_warn_of_folds(fit);
	fit->predicted = item_table(fit);
	fit->evidence = item_table(fit);
	fit->before = item_table(fit);
	fit->held = item_table(fit);
	return fit;
}
