/*
 * em_copies.c
 *		Which annotators are copies of each other, and so are one voice.
 *
 * Every pair with MIN_COMMON common items on which others were heard, too, is
 * screened by em_agreement.c's cheaper measure.  Those that pass are suspects, whom
 * em_suspects.c judges.  Copies are one group, and so are their copies.
 *
 * Phases.  Answers are copied if some are not to be looked at: of an annotator's
 * answers to one item the last counts.  An index of items by annotator is
 * made, of items with three annotators or more and annotators with MIN_COMMON
 * such items or more.  Then for one annotator after the other: his items are
 * read to count how many he has in common with each one after him; those with
 * enough are dealt with in portions, for which his items are read again.  When all
 * suspects are known, each pair's items are looked for in the index.
 *
 * Cost is the number of pairs of annotators on each item, summed over items.
 * Above MAX_PAIRS a sample of the items is looked at, by a hash of an item's
 * place; without those, if any, whose own pairs are more than a hundredth of
 * that.  Above MAX_COMMON common items of a pair it is a sample of these.
 *
 * Memory: 4 bytes an annotation, and 6 more and 4 an item for the copy; a portion
 * of common items, 12 MB at most; the suspects; em_agreement.c.
 * Interrupts: for each item read, and within long ones.
 */
#include "crowd/em.h"

#include <float.h>
#include <math.h>

#include "common/hashfn.h"
#include "crowd/em_copies.h"

#define MIN_ANNOTATORS 3		/* of an item: two, and another */
#define SCREEN_Z 4.0
#define SCREEN_EXCESS 0.3
#define MAX_PAIRS 2e7			/* of answers to one item, looked at */
#define MAX_COMMON 100000		/* items of a pair */
#define PORTION 1000000			/* common items at a time */
#define ITEM_SEED 29
#define PAIR_SEED 30
#define TOP 3
#define AHEAD 8					/* items fetched before they are read */

/* The most frequent labels of an item, the most frequent first. */
typedef struct Top
{
	uint32		n;
	uint16		labels[TOP];
} Top;

/* Where a pair's common items go; next is -1 if they are not wanted now. */
typedef struct Place
{
	int64		next;
	int64		end;
	double		share;			/* of them, to be taken */
} Place;

typedef struct PairSearch
{
	const AnnotationView *view;
	double		share;			/* of the items */
	double		max_item;		/* pairs of one item */
	const uint32 *starts;		/* one answer an annotator and item, as in the */
	const uint32 *annotator;	/* view, whose they are if that is so */
	const uint16 *label;
	Size	   *index;			/* by annotator: his items begin here */
	uint32	   *items;
	uint32	   *common;			/* by annotator: with the present one; 0 between */
	uint32	   *others;			/* annotators with whom there are some */
	Place	   *place;			/* by annotator: in the portion */
	uint32	   *votes;			/* by label, of one item; 0 between */
	CommonItem *portion;
	Size		capacity;		/* of the portion */
	AgreementBuffers *buffers;
	EmCopies	result;
} Search;

/*
 * Groups: each annotator points to another member of his group, the first to
 * himself.
 */
uint32
em_groups_first(uint32 *group, uint32 j)
{
	while (group[j] != j)
	{
		group[j] = group[group[j]];
		j = group[j];
	}
	return j;
}

void
em_groups_join(uint32 *group, uint32 a, uint32 b)
{
	a = em_groups_first(group, a);
	b = em_groups_first(group, b);
	group[Max(a, b)] = Min(a, b);
}

/* Lets every annotator point to the first. */
static void
close_groups(uint32 *group, Size n)
{
	for (Size j = 0; j < n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		group[j] = em_groups_first(group, j);
	}
}

/*
 * Answers
 */
static double
n_pairs(uint32 annotators)
{
	return annotators < MIN_ANNOTATORS ? 0 : (double) annotators * (annotators - 1) / 2;
}

static bool
is_in_sample(double share, uint32 item, uint64 seed)
{
	return share >= 1 ||
		(uint32) hash_bytes_uint32_extended(item, seed) < share * PG_UINT32_MAX;
}

static uint32
count_annotators(const AnnotationView *view, uint32 item)
{
	EmVoices	alone = {.view = view};
	EmRun		run = {.to = view->starts[item]};
	uint32		n = 0;

	while (em_next_run(&alone, item, &run))
		n++;
	return n;
}

/* Pairs of annotators on all items that may be looked at. */
static double
sum_pairs(const AnnotationView *view, double max_item)
{
	double		sum = 0;

	for (uint32 i = 0; i < view->items; i++)
	{
		uint32		n = view->starts[i + 1] - view->starts[i];
		double		pairs;

		NL_CHECK_INTERRUPTS(i);
		pairs = n_pairs(em_item_is_plain(view, i) ? n : count_annotators(view, i));
		sum += pairs <= max_item ? pairs : 0;
	}
	return sum;
}

/* How much can be looked at; returns the number of pairs. */
static double
set_sample(Search *s)
{
	double		pairs;

	s->share = 1;
	s->max_item = DBL_MAX;
	pairs = sum_pairs(s->view, s->max_item);
	if (pairs > MAX_PAIRS)
	{
		s->max_item = MAX_PAIRS / 100;
		pairs = sum_pairs(s->view, s->max_item);
		s->share = Min(MAX_PAIRS / Max(pairs, 1), 1);
	}
	return Min(pairs, MAX_PAIRS);
}

/* Copies what is to be looked at of one item; returns the new end. */
static uint32
copy_item(const Search *s, uint32 item, uint32 end, uint32 *annotator, uint16 *label)
{
	EmVoices	alone = {.view = s->view};
	EmRun		run = {.to = s->view->starts[item]};
	uint32		start = end;

	if (!is_in_sample(s->share, item, ITEM_SEED))
		return start;
	while (em_next_run(&alone, item, &run))
	{
		annotator[end] = run.annotator;
		label[end++] = s->view->label[run.to - 1];
	}
	return n_pairs(end - start) > s->max_item ? start : end;
}

static void
copy_answers(Search *s)
{
	const AnnotationView *view = s->view;
	MemoryContext context = CurrentMemoryContext;
	uint32	   *starts = nl_alloc(context, ((Size) view->items + 1) * sizeof(uint32));
	uint32	   *annotator = nl_alloc(context, view->annotations * sizeof(uint32));
	uint16	   *label = nl_alloc(context, view->annotations * sizeof(uint16));
	uint32		end = 0;

	for (uint32 i = 0; i < view->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		starts[i] = end;
		end = copy_item(s, i, end, annotator, label);
	}
	starts[view->items] = end;
	s->starts = starts;
	s->annotator = annotator;
	s->label = label;
}

static void
set_answers(Search *s)
{
	s->starts = s->view->starts;
	s->annotator = s->view->annotator;
	s->label = s->view->label;
	if (s->share < 1 || s->view->voices != NULL)
		copy_answers(s);
}

static void
free_answers(Search *s)
{
	if (s->starts == s->view->starts)
		return;
	pfree((void *) s->starts);
	pfree((void *) s->annotator);
	pfree((void *) s->label);
}

/*
 * The index
 */
static inline bool
is_looked_at(const Search *s, uint32 item)
{
	return s->starts[item + 1] - s->starts[item] >= MIN_ANNOTATORS;
}

/* s->common becomes how many items each annotator has in the index. */
static void
count_items(Search *s)
{
	for (uint32 i = 0; i < s->view->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		for (uint32 a = s->starts[i]; a < s->starts[i + 1] && is_looked_at(s, i); a++)
			s->common[s->annotator[a]]++;
	}
}

static void
fill_index(Search *s)
{
	Size	   *next = nl_alloc(CurrentMemoryContext,
								mul_size(s->view->annotators.n, sizeof(Size)));

	nl_copy(next, s->index, s->view->annotators.n * sizeof(Size));
	for (uint32 i = 0; i < s->view->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		for (uint32 a = s->starts[i]; a < s->starts[i + 1] && is_looked_at(s, i); a++)
		{
			uint32		j = s->annotator[a];

			if (s->index[j + 1] > s->index[j])
				s->items[next[j]++] = i;
		}
	}
	pfree(next);
}

static void
make_index(Search *s)
{
	uint32		annotators = s->view->annotators.n;

	s->index = nl_alloc(CurrentMemoryContext,
						mul_size((Size) annotators + 1, sizeof(Size)));
	count_items(s);
	s->index[0] = 0;
	for (Size j = 0; j < annotators; j++)
	{
		s->index[j + 1] = s->index[j] + (s->common[j] < MIN_COMMON ? 0 : s->common[j]);
		s->common[j] = 0;
	}
	s->items = nl_alloc(CurrentMemoryContext,
						Max(s->index[annotators], 1) * sizeof(uint32));
	fill_index(s);
}

/*
 * What most of the others say
 */
static bool
is_more(const uint32 *votes, uint16 a, uint16 b)
{
	return votes[a] > votes[b] || (votes[a] == votes[b] && a < b);
}

static void
add_to_top(const uint32 *votes, uint16 label, Top *top)
{
	uint32		at;

	for (at = 0; at < top->n; at++)
		if (top->labels[at] == label)
			return;
	if (top->n < TOP)
		top->n++;
	else if (!is_more(votes, label, top->labels[TOP - 1]))
		return;
	for (at = top->n - 1; at > 0 && is_more(votes, label, top->labels[at - 1]); at--)
		top->labels[at] = top->labels[at - 1];
	top->labels[at] = label;
}

/* Counts the item's votes. */
static void
add_votes(Search *s, uint32 item)
{
	for (uint32 a = s->starts[item]; a < s->starts[item + 1]; a++)
		s->votes[s->label[a]]++;
}

static void
forget_votes(Search *s, uint32 item)
{
	for (uint32 a = s->starts[item]; a < s->starts[item + 1]; a++)
		s->votes[s->label[a]] = 0;
}

static Top
top_labels(Search *s, uint32 item)
{
	Top			top = {.n = 0};

	if (s->view->labels.n < s->starts[item + 1] - s->starts[item])
	{
		for (uint32 label = 0; label < s->view->labels.n; label++)
			if (s->votes[label] > 0)
				add_to_top(s->votes, label, &top);
		return top;
	}
	for (uint32 a = s->starts[item]; a < s->starts[item + 1]; a++)
		add_to_top(s->votes, s->label[a], &top);
	return top;
}

/* The top label without a vote for x and one for y. */
static uint16
top_without(Search *s, const Top *top, uint16 x, uint16 y)
{
	uint16		best = x;

	s->votes[x]--;
	s->votes[y]--;
	if (is_more(s->votes, y, best))
		best = y;
	for (uint32 i = 0; i < top->n; i++)
		if (top->labels[i] != x && top->labels[i] != y)
		{
			if (is_more(s->votes, top->labels[i], best))
				best = top->labels[i];
			break;
		}
	s->votes[x]++;
	s->votes[y]++;
	return best;
}

/*
 * Pairs
 */
/* The answer of an annotator who has answered the item. */
static inline uint32
find_answer(const Search *s, uint32 item, uint32 annotator)
{
	uint32		a = s->starts[item];

	while (s->annotator[a] != annotator)
		a++;
	return a;
}

/*
 * Counts common items of an annotator and those after him; how many there are.
 * They lie anywhere, and little is done with each: memory is asked for ahead.  Not in
 * a function of its own, whose calls gcc would take for calls without effect.
 */
static uint32
count_common(Search *s, uint32 annotator)
{
	uint32		n = 0;
	Size		last = s->index[annotator + 1];

	for (Size i = s->index[annotator]; i < last; i++)
	{
		uint32		item = s->items[i];
		uint32		end = s->starts[item + 1];

		CHECK_FOR_INTERRUPTS();
		if (i + 2 * AHEAD < last)
		{
			__builtin_prefetch(&s->starts[s->items[i + 2 * AHEAD]]);
			__builtin_prefetch(&s->annotator[s->starts[s->items[i + AHEAD]]]);
		}
		for (uint32 a = find_answer(s, item, annotator) + 1; a < end; a++)
			if (s->common[s->annotator[a]]++ == 0)
				s->others[n++] = s->annotator[a];
	}
	return n;
}

static int
compare_annotators(const void *a, const void *b)
{
	uint32		x = *(const uint32 *) a;
	uint32		y = *(const uint32 *) b;

	return x < y ? -1 : x > y;
}

/* Leaves those with enough common items, in order; forgets the others. */
static uint32
keep_frequent(Search *s, uint32 n)
{
	uint32		kept = 0;

	for (uint32 i = 0; i < n; i++)
	{
		uint32		other = s->others[i];

		if (s->common[other] >= MIN_COMMON)
			s->others[kept++] = other;
		else
			s->common[other] = 0;
	}
	qsort(s->others, kept, sizeof(uint32), compare_annotators);
	return kept;
}

/* Puts an item where it belongs in the portion, for each pair that is in it. */
static void
add_common(Search *s, uint32 annotator, uint32 item)
{
	uint32		a = find_answer(s, item, annotator);
	uint16		label = s->label[a];
	Top			top;

	add_votes(s, item);
	top = top_labels(s, item);
	for (a++; a < s->starts[item + 1]; a++)
	{
		Place	   *place = &s->place[s->annotator[a]];

		if (place->next < 0 || place->next == place->end ||
			!is_in_sample(place->share, item, PAIR_SEED))
			continue;
		s->portion[place->next++] =
			(CommonItem) {item, top_without(s, &top, label, s->label[a]), {label, s->label[a]}};
	}
	forget_votes(s, item);
}

/* The room for a pair's items; a sample may be larger than it should. */
static Size
room_for(uint32 common)
{
	return Min(common, MAX_COMMON + MAX_COMMON / 10);
}

static void
note_suspects(Search *s, uint32 a, uint32 b)
{
	EmCopies   *r = &s->result;

	if (r->n_pairs == r->capacity)
	{
		Size		size;

		r->capacity = r->capacity == 0 ? 64 : 2 * r->capacity;
		size = mul_size(r->capacity, sizeof(CopyPair));
		nl_check_memory(add_size(size, mul_size(r->capacity, 2 * sizeof(uint32))),
						"the pairs of annotators who may be copies");
		r->pairs = r->pairs == NULL ? nl_alloc(CurrentMemoryContext, size) :
			repalloc_huge(r->pairs, size);
	}
	r->pairs[r->n_pairs++] = (CopyPair) {.annotators = {a, b}};
}

static void
screen_pair(Search *s, uint32 a, uint32 b, const CommonItem *common, uint32 n)
{
	Agreement	screen;

	CHECK_FOR_INTERRUPTS();
	if (n < MIN_COMMON)
		return;
	screen = agreement_by_top(s->buffers, common, n);
	if (agreement_z(&screen) > SCREEN_Z && agreement_excess(&screen) > SCREEN_EXCESS)
		note_suspects(s, a, b);
}

/* The annotator and others[from..to]. */
static void
screen_portion(Search *s, uint32 annotator, uint32 from, uint32 to)
{
	Size		at = 0;

	for (uint32 i = from; i < to; i++)
	{
		uint32		common = s->common[s->others[i]];

		s->place[s->others[i]] =
			(Place) {at, at + room_for(common), (double) MAX_COMMON / common};
		at += room_for(common);
	}
	for (Size i = s->index[annotator]; i < s->index[annotator + 1]; i++)
	{
		CHECK_FOR_INTERRUPTS();
		add_common(s, annotator, s->items[i]);
	}
	at = 0;
	for (uint32 i = from; i < to; i++)
	{
		uint32		other = s->others[i];

		screen_pair(s, annotator, other, s->portion + at, s->place[other].next - at);
		at += room_for(s->common[other]);
		s->place[other].next = -1;
		s->common[other] = 0;
	}
}

/* All pairs of an annotator with those after him. */
static void
screen_annotator(Search *s, uint32 annotator)
{
	uint32		n = keep_frequent(s, count_common(s, annotator));
	uint32		from = 0;

	while (from < n)
	{
		Size		size = 0;
		uint32		to = from;

		while (to < n && size + room_for(s->common[s->others[to]]) <= s->capacity)
			size += room_for(s->common[s->others[to++]]);
		screen_portion(s, annotator, from, to);
		from = to;
	}
}

/*
 * Pairs of which more is to be known
 */
/* The next item that both answered, from these places of the index on; false: none. */
static bool
next_common(const Search *s, const uint32 *pair, Size *x, Size *y)
{
	while (*x < s->index[pair[0] + 1] && *y < s->index[pair[1] + 1])
	{
		NL_CHECK_INTERRUPTS(*x + *y);
		if (s->items[*x] == s->items[*y])
			return true;
		if (s->items[*x] < s->items[*y])
			++*x;
		else
			++*y;
	}
	return false;
}

static uint32
count_pair(const Search *s, const uint32 *pair)
{
	Size		x = s->index[pair[0]];
	Size		y = s->index[pair[1]];
	uint32		n = 0;

	for (; next_common(s, pair, &x, &y); x++, y++)
		n++;
	return n;
}

/*
 * The items by which the pair was screened; returns how many.  To be freed.
 */
uint32
em_pair_items(const Search *s, const uint32 *pair, PairItem **items)
{
	uint32		common = count_pair(s, pair);
	double		share = (double) MAX_COMMON / common;
	Size		x = s->index[pair[0]];
	Size		y = s->index[pair[1]];
	uint32		n = 0;

	*items = nl_alloc(CurrentMemoryContext, room_for(common) * sizeof(PairItem));
	for (; next_common(s, pair, &x, &y) && n < room_for(common); x++, y++)
	{
		uint32		item = s->items[x];

		CHECK_FOR_INTERRUPTS();
		if (is_in_sample(share, item, PAIR_SEED))
			(*items)[n++] = (PairItem) {item, {s->label[find_answer(s, item, pair[0])],
			s->label[find_answer(s, item, pair[1])]}};
	}
	return n;
}

static Search
begin_search(const AnnotationView *view, const uint32 *given)
{
	uint32		annotators = view->annotators.n;
	MemoryContext context = CurrentMemoryContext;
	Search		s = {.view = view};

	s.result.group = nl_alloc(context, mul_size(annotators, sizeof(uint32)));
	for (uint32 j = 0; j < annotators; j++)
		s.result.group[j] = given == NULL ? j : given[j];
	s.common = nl_alloc_zero(context, mul_size(annotators, sizeof(uint32)));
	s.others = nl_alloc(context, mul_size(annotators, sizeof(uint32)));
	s.place = nl_alloc(context, mul_size(annotators, sizeof(Place)));
	for (uint32 j = 0; j < annotators; j++)
		s.place[j].next = -1;
	s.votes = palloc0(view->labels.n * sizeof(uint32));
	return s;
}

static void
end_search(Search *s)
{
	free_answers(s);
	pfree(s->index);
	pfree(s->items);
	pfree(s->common);
	pfree(s->others);
	pfree(s->place);
	pfree(s->votes);
}

/* Bytes that the search takes, but for the pairs it notes. */
Size
em_copies_memory(const AnnotationView *view)
{
	Size		annotators = view->annotators.n;
	Size		pairs = mul_size(view->annotations, annotators);

	return add_size(add_size(mul_size(add_size(view->annotations, view->items),
									  3 * sizeof(uint32)),
							 mul_size(annotators, 4 * sizeof(Size) + sizeof(Place) +
									  5 * sizeof(uint32) + sizeof(bool))),
					add_size(mul_size(Min(pairs, PORTION), sizeof(CommonItem)),
							 agreement_memory(view)));
}

/*
 * Copies under the parameters of a first fit, joined with the groups that were
 * given.  Unless "every_pair" is wanted, pairs that are in one group already are
 * not looked at.  The result lives in the current context.
 */
EmCopies
em_find_copies(const AnnotationView *view, const EmParameters *at,
			   const uint32 *given, bool every_pair)
{
	Search		s = begin_search(view, given);
	uint32		annotators = view->annotators.n;
	double		pairs = set_sample(&s);

	s.result.share = s.share;
	set_answers(&s);
	make_index(&s);
	if (s.index[annotators] > 0 && view->labels.n > 1)
	{
		s.capacity = Min(pairs, PORTION);
		s.portion = nl_alloc(CurrentMemoryContext, s.capacity * sizeof(CommonItem));
		s.buffers = agreement_begin(view, at);
		for (uint32 j = 0; j < annotators; j++)
			if (s.index[j + 1] > s.index[j])
				screen_annotator(&s, j);
		pfree(s.portion);
		em_judge_suspects(&s, s.buffers, annotators, every_pair, &s.result);
		agreement_end(s.buffers);
	}
	end_search(&s);
	close_groups(s.result.group, annotators);
	return s.result;
}
