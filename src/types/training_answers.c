/*
 * training_answers.c
 *		Training rows whose targets are annotators' answers; see training_set.h.
 *
 * What an answer says of the classes is a vector of rates, and the same for all
 * answers of one annotator with one label.  So a set has each vector once, and rows
 * have its number: codes of a dictionary whose names are the bytes of vectors, in the
 * order of appearance.  When all rows are there codes go by the vectors themselves, so
 * that equal rows make equal sets.
 *
 * All rows come of one annotator_model, and so have its labels.
 *
 * Memory: each vector twice, in the dictionary and in the array of rates.
 * Interrupts: every vector.
 */
#include "types/training_set.h"

#include <math.h>

#define FIRST_VECTORS 16
#define MAX_VECTORS 100000000

void
training_answers_begin(TrainingSet *set)
{
	set->answers = true;
	set->vectors = dictionary_create(set->context, "answer", MAX_VECTORS);
}

static void
wrong_model(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("annotator_model must be the same for all rows of a group")));
}

/* Room for the rates of one code more, where they may be written before they have it. */
double *
training_answers_reserve(TrainingSet *set)
{
	Size		bytes = mul_size(set->labels->n, sizeof(double));
	uint32		n = set->codes;

	if (set->rates == NULL)
		set->rates = nl_alloc(set->context, mul_size(bytes, FIRST_VECTORS));
	else if (n >= FIRST_VECTORS && (n & (n - 1)) == 0)
	{
		nl_check_memory(add_size(training_set_memory(set), mul_size(bytes, n)),
						"a training_set");
		set->rates = repalloc_huge(set->rates, mul_size(bytes, (Size) n * 2));
	}
	return set->rates + (Size) n * set->labels->n;
}

/* Code of the rates that stand in the room reserved. */
uint32
training_answers_code(TrainingSet *set, const double *rates)
{
	uint32		code = dictionary_add(set->vectors,
									  (NameView) {(const char *) rates,
									  set->labels->n * sizeof(double)});

	set->codes = set->vectors->n;
	return code;
}

/* The model of the first row is that of all. */
static bool
has_labels(const TrainingSet *set, const Names *names)
{
	if (set->labels->n != names->n)
		return false;
	for (uint32 k = 0; k < names->n; k++)
		if (!is_same_name(dictionary_get(set->labels, k), names_get(names, k)))
			return false;
	return true;
}

/* The answer of a row, the last of the set, that has been begun. */
void
training_answers_add(TrainingSet *set, uint64 fingerprint, const LabelDistribution *suggested,
					 double scale)
{
	Names		names = label_distribution_labels(suggested);
	double	   *rates;

	if (set->labels->n == 0)
	{
		pfree(dictionary_add_names(set->labels, &names));
		set->fingerprint = fingerprint;
	}
	if (set->fingerprint != fingerprint || !has_labels(set, &names))
		wrong_model();
	rates = training_answers_reserve(set);
	for (uint32 k = 0; k < names.n; k++)
		rates[k] = suggested->p[k] * scale + 0.0;
	training_set_answer(set, set->x.n, training_answers_code(set, rates), 1);
}

/* Codes in "to" of those in "from"; their labels may be in other orders. */
uint32 *
training_answers_merge(TrainingSet *to, const TrainingSet *from)
{
	uint32	   *codes = nl_alloc(CurrentMemoryContext,
								 mul_size(Max(from->codes, 1), sizeof(uint32)));
	uint32		labels = to->labels->n;
	uint32	   *place = dictionary_add_all(to->labels, from->labels);

	if (labels == 0)
		to->fingerprint = from->fingerprint;
	if (to->fingerprint != from->fingerprint || to->labels->n != from->labels->n ||
		(labels > 0 && labels != to->labels->n))
		wrong_model();
	for (uint32 c = 0; c < from->codes; c++)
	{
		double	   *rates = training_answers_reserve(to);

		CHECK_FOR_INTERRUPTS();
		for (uint32 k = 0; k < from->labels->n; k++)
			rates[place[k]] = answer_rates(from, c)[k];
		codes[c] = training_answers_code(to, rates);
	}
	pfree(place);
	return codes;
}

/*
 * Canonical codes
 */
static int
compare_vectors(const void *x, const void *y, void *arg)
{
	const TrainingSet *set = arg;
	const double *a = answer_rates(set, *(const uint32 *) x);
	const double *b = answer_rates(set, *(const uint32 *) y);

	CHECK_FOR_INTERRUPTS();
	for (uint32 k = 0; k < set->labels->n; k++)
		if (a[k] != b[k])
			return a[k] < b[k] ? -1 : 1;
	return 0;
}

/* Rates by the labels' ranks, and codes in the order of the rates. */
void
training_answers_end(TrainingSet *set, const uint32 *rank)
{
	uint32		labels = set->labels->n;
	Size		cells = mul_size(set->codes, labels);
	double	   *ranked = nl_alloc(set->context, mul_size(Max(cells, 1), sizeof(double)));
	double	   *sorted = nl_alloc(set->context, mul_size(Max(cells, 1), sizeof(double)));
	uint32	   *order = nl_alloc(CurrentMemoryContext, mul_size(Max(set->codes, 1), sizeof(uint32)));
	uint32	   *code;

	for (uint32 c = 0; c < set->codes; c++)
	{
		CHECK_FOR_INTERRUPTS();
		order[c] = c;
		for (uint32 k = 0; k < labels; k++)
			ranked[(Size) c * labels + rank[k]] = answer_rates(set, c)[k];
	}
	if (set->rates != NULL)
		pfree(set->rates);
	set->rates = ranked;
	qsort_arg(order, set->codes, sizeof(uint32), compare_vectors, set);
	for (uint32 c = 0; c < set->codes; c++)
	{
		CHECK_FOR_INTERRUPTS();
		memcpy(sorted + (Size) c * labels, answer_rates(set, order[c]), labels * sizeof(double));
	}
	code = dictionary_rank(order, set->codes);
	for (uint32 t = 0; t < target_begin(set, set->x.n); t++)
	{
		NL_CHECK_INTERRUPTS(t);
		set->target_label[t] = code[set->target_label[t]];
	}
	set->rates = sorted;
	pfree(ranked);
	pfree(order);
	pfree(code);
}
