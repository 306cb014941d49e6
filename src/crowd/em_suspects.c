/*
 * em_suspects.c
 *		Which pairs, of those who agree too often at a first look, are copies.
 *
 * Whoever is a suspect with both of a pair may be a third copy, and is not asked
 * what the truth is.
 *
 * Two who agree may be copies, or may know more than the others.  If they are experts,
 * the others err independently, given what the two say.  So copies are those who
 * agree beyond what the others explain (em_agreement.c) while the others agree beyond
 * what these two explain (em_dependence.c).  Where the others know too little to
 * tell, only those are copies who agree on so many items that nobody is that expert.
 *
 * Memory: the suspects by annotator, the items of one pair, em_agreement.c.
 * Interrupts: for each pair, and in what is done with it.
 */
#include "crowd/em.h"

#include "crowd/em_copies.h"
#include "math/beta_quantile.h"

#define COPY_Z 6.0
#define COPY_EXCESS 0.5
#define SAME_Z 2.5				/* of those who agree on nearly all */
#define SAME_EXCESS 0.9
#define DEPENDENCE_Z 3.0
#define EXPERT_DIFFERS 0.03		/* of the items: no less for two experts */
#define EXPERT_CHANCE 0.05

/* The suspects: with whom each annotator is one. */
typedef struct Suspects
{
	Size	   *starts;			/* by annotator: his begin here */
	uint32	   *others;			/* in order */
	bool	   *is_out;			/* by annotator */
	uint32	   *out;			/* those of is_out */
} Suspects;

static Suspects
begin_suspects(const EmCopies *r, Size annotators)
{
	MemoryContext context = CurrentMemoryContext;
	Size	   *next = nl_alloc_zero(context, mul_size(annotators + 1, sizeof(Size)));
	Suspects	suspects = {
		.starts = nl_alloc_zero(context, mul_size(annotators + 1, sizeof(Size))),
		.others = nl_alloc(context, mul_size(Max(r->n_pairs, 1), 2 * sizeof(uint32))),
		.is_out = nl_alloc_zero(context, annotators * sizeof(bool)),
		.out = nl_alloc(context, mul_size(annotators, sizeof(uint32)))
	};

	for (Size i = 0; i < r->n_pairs; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		for (int side = 0; side < 2; side++)
			suspects.starts[r->pairs[i].annotators[side] + 1]++;
	}
	for (Size j = 0; j < annotators; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		next[j + 1] = suspects.starts[j + 1] += suspects.starts[j];
	}
	for (Size i = 0; i < r->n_pairs; i++)
	{
		const uint32 *pair = r->pairs[i].annotators;

		NL_CHECK_INTERRUPTS(i);
		for (int side = 0; side < 2; side++)
			suspects.others[next[pair[side]]++] = pair[1 - side];
	}
	pfree(next);
	return suspects;
}

static void
end_suspects(Suspects *suspects)
{
	pfree(suspects->starts);
	pfree(suspects->others);
	pfree(suspects->is_out);
	pfree(suspects->out);
}

/* The pair, and who is a suspect with both. */
static LeftOut
leave_out(Suspects *suspects, const uint32 *pair)
{
	LeftOut		out = {.is = suspects->is_out,.annotators = suspects->out,.n = 2};
	Size		x = suspects->starts[pair[0]];
	Size		y = suspects->starts[pair[1]];

	suspects->out[0] = pair[0];
	suspects->out[1] = pair[1];
	while (x < suspects->starts[pair[0] + 1] && y < suspects->starts[pair[1] + 1])
	{
		uint32		of_x = suspects->others[x];
		uint32		of_y = suspects->others[y];

		if (of_x == of_y)
			suspects->out[out.n++] = of_x;
		x += of_x <= of_y;
		y += of_y <= of_x;
	}
	for (uint32 i = 0; i < out.n; i++)
		suspects->is_out[suspects->out[i]] = true;
	return out;
}

static void
ask_again(Suspects *suspects, const LeftOut *out)
{
	for (uint32 i = 0; i < out->n; i++)
		suspects->is_out[suspects->out[i]] = false;
}

/*
 * Two who are both right on 98.5 % of the items differ on EXPERT_DIFFERS of them.  Here
 * the bound of the share on which they differ is lower (exact, one-sided): from 99 items
 * on if they never differ.
 */
static bool
nobody_is_that_expert(const Agreement *a)
{
	return clopper_pearson_high(a->items - a->observed, a->items, EXPERT_CHANCE) < EXPERT_DIFFERS;
}

/* Whether the two of whom this is the agreement are copies. */
static bool
are_copies(AgreementBuffers *buffers, const LeftOut *out, const Agreement *a)
{
	double		z = agreement_z(a);
	double		excess = agreement_excess(a);
	bool		same = z > SAME_Z && excess > SAME_EXCESS;

	if (a->items < MIN_COMMON || (!same && (z <= COPY_Z || excess <= COPY_EXCESS)))
		return false;
	return (same && nobody_is_that_expert(a)) ||
		agreement_of_others(buffers, out) > DEPENDENCE_Z;
}

static void
judge_pair(const PairSearch *search, AgreementBuffers *buffers, Suspects *suspects,
		   CopyPair *pair)
{
	PairItem   *items;
	uint32		n = em_pair_items(search, pair->annotators, &items);
	LeftOut		out = leave_out(suspects, pair->annotators);

	pair->agreement = agreement_by_posterior(buffers, &out, items, n);
	pair->copies = are_copies(buffers, &out, &pair->agreement);
	ask_again(suspects, &out);
	pfree(items);
}

/*
 * Leaves of the pairs those of which enough others tell something; joins copies, and
 * unless "every_pair" is wanted passes over who is in one group already.
 */
void
em_judge_suspects(const PairSearch *search, AgreementBuffers *buffers,
				  uint32 annotators, bool every_pair, EmCopies *r)
{
	Suspects	suspects = begin_suspects(r, annotators);
	Size		kept = 0;

	for (Size i = 0; i < r->n_pairs; i++)
	{
		CopyPair	pair = r->pairs[i];
		uint32	   *j = pair.annotators;

		CHECK_FOR_INTERRUPTS();
		if (!every_pair && em_groups_first(r->group, j[0]) == em_groups_first(r->group, j[1]))
			continue;
		judge_pair(search, buffers, &suspects, &pair);
		if (pair.agreement.items < MIN_COMMON)
			continue;
		if (pair.copies)
			em_groups_join(r->group, j[0], j[1]);
		r->n_copies += pair.copies;
		r->pairs[kept++] = pair;
	}
	r->n_pairs = kept;
	end_suspects(&suspects);
}
