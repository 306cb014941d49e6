/*
 * em_dependence.c
 *		Whether annotators agree about more than what a pair says.
 *
 * If what two say alike is right, as it nearly is where they are experts among
 * guessers, others err independently given it.  If they are copies of one who
 * errs, the others know something that he does not, and agree about it.
 *
 * Where the pair says k, annotator c says l with rate r_c(l|k).  An item i has
 *
 *		W_i = sum over two others c, d, and labels l, of
 *			  ([c says l] - r_c(l|k)) ([d says l] - r_d(l|k))
 *
 * with mean 0 where they are independent, whatever each one's rates are; and
 * sum W / sqrt(sum W^2) is then about standard normal.  No parameter of a fit is
 * in it.  (An annotator with one item for a k adds nothing; few items make it
 * smaller.)  Of annotators who are known to be one voice only the first that an
 * item has is heard.
 *
 * Phases: list the others' answers; sort them by annotator, k and l; sum over each
 * annotator and k the deviations of each item; W.
 *
 * Memory: two records an answer, no more than MAX_ANSWERS.  Interrupts: as answers
 * pass.
 */
#include "crowd/em.h"

#include <math.h>

#include "crowd/em_copies.h"
#include "math/radix_sort.h"

#define MAX_ANSWERS 1000000		/* after which no further item is looked at */

typedef struct Heard
{
	uint64		key;			/* annotator, what the pair says, his label */
	uint32		item;			/* of the list */
} Heard;

typedef struct HeardList
{
	Size		n;
	Size		capacity;
	Heard	   *heard;
	uint32	   *met;			/* by voice: the item where it was heard, and 1; or NULL */
} HeardList;

Size
dependence_memory(const AnnotationView *view)
{
	return mul_size(Min(view->annotations, MAX_ANSWERS), 2 * sizeof(Heard));
}

static void
add_heard(HeardList *list, uint32 annotator, uint16 said, uint16 label, uint32 item)
{
	if (list->n == list->capacity)
	{
		list->capacity *= 2;
		list->heard = repalloc_huge(list->heard, mul_size(list->capacity, sizeof(Heard)));
	}
	list->heard[list->n++] =
		(Heard) {(uint64) annotator << 32 | (uint64) said << 16 | label, item};
}

/* Whether another member of his group was heard on the item. */
static bool
is_met(HeardList *list, const AnnotationView *view, uint32 annotator, uint32 item)
{
	uint32	   *met;

	if (list->met == NULL)
		return false;
	met = &list->met[view->group[annotator]];
	if (*met == item + 1)
		return true;
	*met = item + 1;
	return false;
}

static HeardList
list_answers(const AnnotationView *view, const LeftOut *out, const PairItem *items,
			 uint32 n)
{
	EmVoices	others = {.view = view,.left_out = out->is};
	HeardList	list = {.capacity = 1024};

	list.heard = palloc(list.capacity * sizeof(Heard));
	if (view->group != NULL)
		list.met = nl_alloc_zero(CurrentMemoryContext,
								 mul_size(view->annotators.n, sizeof(uint32)));
	for (uint32 i = 0; i < n && list.n < MAX_ANSWERS; i++)
	{
		EmRun		run = {.to = view->starts[items[i].item]};

		CHECK_FOR_INTERRUPTS();
		if (items[i].labels[0] != items[i].labels[1])
			continue;
		while (list.n < MAX_ANSWERS && em_next_run(&others, items[i].item, &run))
			if (!is_met(&list, view, run.annotator, i))
				add_heard(&list, run.annotator, items[i].labels[0],
						  view->label[run.to - 1], i);
	}
	if (list.met != NULL)
		pfree(list.met);
	return list;
}

static void
sort_answers(HeardList *list)
{
	Heard	   *scratch = nl_alloc(CurrentMemoryContext,
								   Max(list->n, 1) * sizeof(Heard));

	radix_sort(list->heard, scratch, list->n, sizeof(Heard));
	pfree(scratch);
}

/* The end of the answers from "from" on whose keys agree but for the last bits. */
static Size
run_end(const HeardList *list, Size from, int bits)
{
	Size		to;

	for (to = from; to < list->n; to++)
	{
		NL_CHECK_INTERRUPTS(to);
		if (list->heard[to].key >> bits != list->heard[from].key >> bits)
			break;
	}
	return to;
}

/*
 * One annotator's answers where the pair says one thing: by how much each label is
 * more, or less, than his rate of it.  "squares" is what an item has of himself.
 */
static void
add_deviations(const HeardList *list, Size from, Size to, Size classes,
			   double *sums, double *squares)
{
	Size		next;

	for (Size label = from; label < to; label = next)
	{
		uint16		l = list->heard[label].key & PG_UINT16_MAX;
		double		rate;

		next = run_end(list, label, 0);
		rate = (double) (next - label) / (to - from);
		for (Size a = from; a < to; a++)
		{
			double		deviation = (a >= label && a < next) - rate;
			uint32		item = list->heard[a].item;

			NL_CHECK_INTERRUPTS(a);
			sums[item * classes + l] += deviation;
			squares[item] += deviation * deviation;
		}
	}
}

/*
 * How many standard errors the others agree too often about n items, given what the
 * pair says where both say the same.  "sums" is room for n times the classes.
 */
double
dependence_of_others(const AnnotationView *view, const LeftOut *out,
					 const PairItem *items, uint32 n, double *sums)
{
	Size		classes = view->labels.n;
	HeardList	list = list_answers(view, out, items, n);
	double	   *squares = nl_alloc_zero(CurrentMemoryContext, Max(n, 1) * sizeof(double));
	double		sum = 0;
	double		sum_squares = 0;
	Size		to;

	sort_answers(&list);
	memset(sums, 0, n * classes * sizeof(double));
	for (Size from = 0; from < list.n; from = to)
	{
		to = run_end(&list, from, 16);
		add_deviations(&list, from, to, classes, sums, squares);
	}
	for (uint32 i = 0; i < n; i++)
	{
		double		w = -squares[i];

		NL_CHECK_INTERRUPTS(i);
		for (Size l = 0; l < classes; l++)
			w += sums[i * classes + l] * sums[i * classes + l];
		sum += w / 2;
		sum_squares += w * w / 4;
	}
	pfree(list.heard);
	pfree(squares);
	return sum / sqrt(Max(sum_squares, 1e-9));
}
