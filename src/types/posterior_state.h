/*
 * posterior_state.h
 *		The type posterior_state: what the aggregate posterior() has read of an item.
 *
 * Answers that are kept stand as they came; equal states have them in order
 * (posterior_state_canonical).
 */
#ifndef NL_POSTERIOR_STATE_H
#define NL_POSTERIOR_STATE_H

#include "noisylabel.h"

#include "math/log_space.h"
#include "names/dictionary.h"
#include "types/value.h"

typedef struct PosteriorState
{
	ValueHeader header;
	uint64		fingerprint;	/* of the model */
	uint32		classes;
	uint32		components;
	uint32		label_bytes;
	uint32		capacity;		/* answers that there is room for */
	uint32		kept;			/* answers that are kept */
	uint32		keep;			/* whether they are */
	uint32		knows_nothing;	/* the model, so that the posterior is NULL */
	uint32		prior_known;	/* it keeps its full weight */
	int64		answers;
	double		correlation;
	double		data[FLEXIBLE_ARRAY_MEMBER];

	/*
	 * LogRate prior[components * classes], score[components * classes] of the
	 * annotations alone or, where they are kept, of the silence of all; double weights[components];
	 * uint32 ends[classes]; bytes of the class names; at the next multiple of 8 the
	 * answers that are kept
	 */
} PosteriorState;

/*
 * An answer that is kept: who gave it, his group, and what it says.  Whom the
 * model does not know is a hash of his name.
 */
typedef struct KeptAnswer
{
	uint64		annotator;
	uint64		group;
	uint32		members;		/* of the group; 0: those who answer the item */
	uint32		abstains;		/* it names no class */
	LogRate		rates[FLEXIBLE_ARRAY_MEMBER];	/* components * classes */
} KeptAnswer;

#define STRANGER (UINT64CONST(1) << 63)
#define FIRST_CAPACITY 4

static inline uint32
state_width(const PosteriorState *state)
{
	return state->components * state->classes;
}

static inline LogRate *
state_prior(const PosteriorState *state)
{
	return (LogRate *) state->data;
}

static inline LogRate *
state_score(const PosteriorState *state)
{
	return state_prior(state) + state_width(state);
}

static inline double *
state_weights(const PosteriorState *state)
{
	return (double *) (state_score(state) + state_width(state));
}

static inline Names
state_labels(const PosteriorState *state)
{
	const uint32 *ends = (const uint32 *) (state_weights(state) + state->components);

	return (Names) {state->classes, ends, (const char *) (ends + state->classes)};
}

static inline Size
kept_size(Size width)
{
	return add_size(offsetof(KeptAnswer, rates), mul_size(width, sizeof(LogRate)));
}

extern PosteriorState *posterior_state_get(Datum datum);
extern PosteriorState *posterior_state_make(uint32 components, const Names *labels,
											uint32 capacity);
extern PosteriorState *posterior_state_room(PosteriorState *state, uint32 more);
extern PosteriorState *posterior_state_argument(FunctionCallInfo fcinfo);
extern PosteriorState *posterior_state_keep(PosteriorState *state, const uint32 *group,
											int64 annotator, NameView name,
											KeptAnswer **answer);
extern KeptAnswer *kept_answer(const PosteriorState *state, uint32 i);
extern const KeptAnswer **posterior_state_order(const PosteriorState *state);
extern PosteriorState *posterior_state_canonical(const PosteriorState *state);

#endif							/* NL_POSTERIOR_STATE_H */
