/*
 * agreement_item.c
 *		An item's answers as shares of categories; see agreement.h.
 */
#include "crowd/agreement.h"

AgreementReader *
agreement_reader(const AnnotationView *view, const AgreementScale *scale)
{
	AgreementReader *reader = palloc0(sizeof(AgreementReader));

	reader->view = view;
	reader->scale = scale;
	reader->sums = palloc0(Max(scale->n, 1) * sizeof(double));
	reader->item.shares = palloc(Max(scale->n, 1) * sizeof(Share));
	reader->split_capacity = 0;
	return reader;
}

/* Where the answers end that the annotator of answer "from" has given to the item. */
uint32
answers_end(const AnnotationView *view, uint32 from, uint32 end)
{
	uint32		a = from + 1;

	while (a < end && view->annotator[a] == view->annotator[from])
	{
		NL_CHECK_INTERRUPTS(a);
		a++;
	}
	return a;
}

/*
 * The shares of one annotator's answers, which are in order of label, so that equal
 * ones are together.
 */
uint32
answers_shares(AgreementReader *reader, uint32 from, uint32 end, Share *shares)
{
	const uint16 *label = reader->view->label;
	const uint16 *category = reader->scale->category;
	uint32		n = 0;

	for (uint32 a = from, b; a < end; a = b)
	{
		for (b = a + 1; b < end && label[b] == label[a]; b++)
			NL_CHECK_INTERRUPTS(b);
		shares[n++] = (Share) {category[label[a]], (double) (b - a) / (end - from)};
	}
	return n;
}

static void
add_share(AgreementReader *reader, Share share)
{
	AgreementItem *item = &reader->item;

	if (reader->sums[share.category] == 0)
		item->shares[item->n++].category = share.category;
	reader->sums[share.category] += share.share;
}

/* An annotator with several answers. */
static void
add_split(AgreementReader *reader, uint32 from, uint32 end)
{
	AgreementItem *item = &reader->item;
	uint32		begin = item->n_split == 0 ? 0 : item->split_ends[item->n_split - 1];
	uint32		n = answers_shares(reader, from, end, item->split + begin);

	for (uint32 i = 0; i < n; i++)
		add_share(reader, item->split[begin + i]);
	if (n > 1)
		item->split_ends[item->n_split++] = begin + n;
}

/* Room for what the annotators of an item of so many answers may have. */
static void
reserve_split(AgreementReader *reader, uint32 answers)
{
	AgreementItem *item = &reader->item;

	if (answers <= reader->split_capacity)
		return;
	nl_check_memory(mul_size(answers, 2 * (sizeof(Share) + sizeof(uint32))),
					"an item of many answers");
	if (item->split != NULL)
	{
		pfree(item->split);
		pfree(item->split_ends);
	}
	reader->split_capacity = answers * (Size) 2 > PG_UINT32_MAX ? answers : answers * 2;
	item->split = nl_alloc(CurrentMemoryContext, reader->split_capacity * sizeof(Share));
	item->split_ends = nl_alloc(CurrentMemoryContext, reader->split_capacity * sizeof(uint32));
}

const AgreementItem *
agreement_read(AgreementReader *reader, uint32 i)
{
	const AnnotationView *view = reader->view;
	AgreementItem *item = &reader->item;
	uint32		end = view->starts[i + 1];

	item->annotators = 0;
	item->n = item->n_split = 0;
	for (uint32 a = view->starts[i], b; a < end; a = b)
	{
		NL_CHECK_INTERRUPTS(a);
		b = answers_end(view, a, end);
		if (b == a + 1)
			add_share(reader, (Share) {reader->scale->category[view->label[a]], 1});
		else
		{
			reserve_split(reader, end - view->starts[i]);
			add_split(reader, a, b);
		}
		item->annotators++;
	}
	for (uint32 c = 0; c < item->n; c++)
	{
		item->shares[c].share = reader->sums[item->shares[c].category];
		reader->sums[item->shares[c].category] = 0;
	}
	return item;
}

/* Summed distances of all ordered pairs of shares. */
static double
pairs_of(const AgreementScale *scale, const Share *shares, uint32 n)
{
	double		sum = 0;

	for (uint32 a = 0; a < n; a++)
	{
		CHECK_FOR_INTERRUPTS();
		for (uint32 b = 0; b < a; b++)
			sum += shares[a].share * shares[b].share *
				scale_distance(scale, shares[a].category, shares[b].category);
	}
	return 2 * sum;
}

/*
 * The mean distance of two annotators' answers; the item has two annotators or more.
 * Of one category it is exactly 0.
 */
double
item_disagreement(const AgreementScale *scale, const AgreementItem *item)
{
	double		sum;
	double		m = item->annotators;

	if (item->n == 1)
		return 0;
	sum = pairs_of(scale, item->shares, item->n);
	for (uint32 s = 0, from = 0; s < item->n_split; from = item->split_ends[s++])
		sum -= pairs_of(scale, item->split + from, item->split_ends[s] - from);
	return Max(sum, 0) / (m * (m - 1));
}
