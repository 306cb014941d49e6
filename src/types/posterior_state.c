/*
 * posterior_state.c
 *		The type posterior_state: its form.
 *
 * Memory: a flat value; pointers to its answers where they are put in order.
 * Interrupts: for a comparison of two answers, and a block of a copy.
 */
#include "types/posterior_state.h"

#include "common/hashfn.h"

KeptAnswer *
kept_answer(const PosteriorState *state, uint32 i)
{
	Names		labels = state_labels(state);
	Size		at = labels.bytes + state->label_bytes - (const char *) state;

	return (KeptAnswer *) ((char *) state + TYPEALIGN(8, at) +
						   i * kept_size(state_width(state)));
}

static Size
flat_size(Size components, Size classes, Size label_bytes, Size capacity)
{
	Size		size = offsetof(PosteriorState, data);

	size = add_size(size, mul_size(mul_size(components, classes),
								   2 * sizeof(LogRate)));
	size = add_size(size, mul_size(components, sizeof(double)));
	size = add_size(size, mul_size(classes, sizeof(uint32)));
	size = add_size(size, label_bytes);
	if (capacity > 0)
		size = add_size(TYPEALIGN(8, size),
						mul_size(capacity, kept_size(mul_size(components, classes))));
	return value_check_size(size, KIND_POSTERIOR_STATE);
}

PosteriorState *
posterior_state_get(Datum datum)
{
	PosteriorState *state = value_get(datum, KIND_POSTERIOR_STATE,
									offsetof(PosteriorState, data));

	value_check_stored(state, flat_size(state->components, state->classes,
										state->label_bytes, state->capacity),
					   KIND_POSTERIOR_STATE);
	return state;
}

/* A state of the given shape, all numbers zero. */
PosteriorState *
posterior_state_make(uint32 components, const Names *labels, uint32 capacity)
{
	uint32		label_bytes = names_bytes(labels);
	Size		size = flat_size(components, labels->n, label_bytes, capacity);
	PosteriorState *state = nl_alloc_zero(CurrentMemoryContext, size);
	Names		names;

	value_init(state, KIND_POSTERIOR_STATE, size);
	state->classes = labels->n;
	state->components = components;
	state->label_bytes = label_bytes;
	state->capacity = capacity;
	state->keep = capacity > 0;
	names = state_labels(state);
	names_copy(&names, labels);
	return state;
}

/* The state, or a larger copy of it, with room for some more answers. */
PosteriorState *
posterior_state_room(PosteriorState *state, uint32 more)
{
	Size		wanted = (Size) state->kept + more;
	Size		capacity = state->capacity;
	Size		size;
	PosteriorState *larger;

	if (wanted <= capacity)
		return state;
	capacity = Max(capacity, 1);
	while (capacity < wanted)
		capacity *= 2;
	size = flat_size(state->components, state->classes, state->label_bytes, capacity);
	larger = nl_alloc_zero(CurrentMemoryContext, size);
	nl_copy(larger, state, VARSIZE(state));
	value_init(larger, KIND_POSTERIOR_STATE, size);
	larger->capacity = capacity;
	return larger;
}

/*
 * The state of argument 0 in a form that may be changed: inside an aggregate
 * the state itself, which is never toasted there.
 */
PosteriorState *
posterior_state_argument(FunctionCallInfo fcinfo)
{
	PosteriorState *state = posterior_state_get(PG_GETARG_DATUM(0));

	if (AggCheckCallContext(fcinfo, NULL))
		return state;
	return memcpy(palloc(VARSIZE(state)), state, VARSIZE(state));
}

/*
 * Room for another answer, with who gave it; "group" is that of the model's annotators
 * or NULL, "annotator" -1 for whom the model does not know.  What it says is to be set.
 */
PosteriorState *
posterior_state_keep(PosteriorState *state, const uint32 *group, int64 annotator,
					 NameView name, KeptAnswer **answer)
{
	state = posterior_state_room(state, 1);
	*answer = kept_answer(state, state->kept++);
	if (annotator < 0)
		(*answer)->annotator = (*answer)->group = STRANGER |
			hash_bytes_extended((const unsigned char *) name.s, name.len, 0);
	else
	{
		(*answer)->annotator = annotator;
		(*answer)->group = group == NULL ? annotator : group[annotator];
	}
	return state;
}

typedef struct Ordered
{
	const KeptAnswer *answer;
	Size		size;
} Ordered;

/* Answers of one annotator with one label have the same rates. */
static int
compare_answers(const void *a, const void *b)
{
	const Ordered *x = a;
	const Ordered *y = b;

	CHECK_FOR_INTERRUPTS();
	if (x->answer->group != y->answer->group)
		return x->answer->group < y->answer->group ? -1 : 1;
	if (x->answer->annotator != y->answer->annotator)
		return x->answer->annotator < y->answer->annotator ? -1 : 1;
	return memcmp(x->answer, y->answer, x->size);
}

/* The answers by group, annotator and rates. */
const KeptAnswer **
posterior_state_order(const PosteriorState *state)
{
	Size		n = Max(state->kept, 1);
	Ordered    *ordered = nl_alloc(CurrentMemoryContext, mul_size(n, sizeof(Ordered)));
	const KeptAnswer **result = nl_alloc(CurrentMemoryContext,
										 mul_size(n, sizeof(KeptAnswer *)));

	for (uint32 i = 0; i < state->kept; i++)
		ordered[i] = (Ordered) {kept_answer(state, i), kept_size(state_width(state))};
	qsort(ordered, state->kept, sizeof(Ordered), compare_answers);
	for (uint32 i = 0; i < state->kept; i++)
		result[i] = ordered[i].answer;
	pfree(ordered);
	return result;
}

/* A copy with its answers in order, and no room for others. */
PosteriorState *
posterior_state_canonical(const PosteriorState *state)
{
	Names		labels = state_labels(state);
	Size		each = kept_size(state_width(state));
	const KeptAnswer **order = posterior_state_order(state);
	PosteriorState *result = posterior_state_make(state->components, &labels, state->kept);
	uint32		capacity = result->capacity;
	Size		size = VARSIZE(result);

	nl_copy(result, state, (const char *) labels.bytes + state->label_bytes - (const char *) state);
	value_init(result, KIND_POSTERIOR_STATE, size);
	result->capacity = capacity;
	for (uint32 i = 0; i < state->kept; i++)
		memcpy(kept_answer(result, i), order[i], each);
	pfree(order);
	return result;
}
