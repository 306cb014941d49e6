/*
 * simulate.c
 *		Draws truths, features and answers of a simulated crowd; see simulate.h.
 *		The rules are those of docs/reference.md, simulate_annotations.
 */
#include "crowd/simulate.h"

CrowdItem
crowd_item(const Crowd *crowd, uint32 item)
{
	Random		r = random_for(crowd->options.seed, DRAW_ITEM, item, 0);
	CrowdItem	result = {.item = item};
	double		u = random_uniform(&r);
	int			home;

	while (u >= crowd->bounds[result.truth])
		result.truth++;
	result.hard = random_uniform(&r) < crowd->options.shared_errors;
	result.decoy = (result.truth + 1 + random_below(&r, crowd->classes - 1)) % crowd->classes;
	home = result.truth < (crowd->classes + 1) / 2 ? 0 : 1;
	for (uint32 g = 0; g < crowd->n_groups; g++)
	{
		const CrowdGroup *group = &crowd->groups[g];

		if (group->kind != CROWD_TEAM)
			continue;
		result.team[0] = result.team[1] = random_uniform(&r) < group->shared;
		result.team[random_uniform(&r) < group->mix ? home : 1 - home] = true;
	}
	return result;
}

/*
 * Features: the classes sit on a grid with "separation" between neighbours, as
 * narrow as it may be, and each number has normal noise of variance 1.
 */
void
crowd_features(const Crowd *crowd, const CrowdItem *item, double *features)
{
	Random		r = random_for(crowd->options.seed, DRAW_FEATURES, item->item, 0);
	uint32		rest = item->truth;

	for (int i = 0; i < crowd->options.features; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		features[i] = rest % crowd->side * crowd->options.separation + random_normal(&r);
		rest /= crowd->side;
	}
}

/* Whom the decoy of a hard item tempts: who looks and is no expert, nor lies. */
static bool
is_tempted(CrowdKind kind)
{
	return kind == CROWD_RELIABLE || kind == CROWD_HASTY || kind == CROWD_CONFUSER ||
		kind == CROWD_NEWCOMER || kind == CROWD_TEAM || kind == CROWD_COPY;
}

/* An annotator's answer to an item, if asked. */
uint32
crowd_answer(const Crowd *crowd, const CrowdItem *item, uint32 annotator)
{
	const CrowdGroup *group = crowd_group(crowd, annotator);
	Random		r = random_for(crowd->options.seed, DRAW_ANSWER, item->item,
							   crowd_annotator_key(crowd, annotator));
	double		tempted = random_uniform(&r);
	double		right = random_uniform(&r);
	double		own = random_uniform(&r);	/* of the kind's own rule */
	uint32		wrong = random_below(&r, crowd->classes - 1);

	if (group->kind == CROWD_SPAMMER)
		return random_below(&r, crowd->classes);
	if (group->kind == CROWD_CONSTANT)
		return group->label;
	if (group->kind == CROWD_COPY && own < group->fidelity)
		return crowd_answer(crowd, item, group->source);
	if (item->hard && is_tempted(group->kind) && tempted < crowd->options.temptation)
		return item->decoy;
	if (group->kind == CROWD_CONFUSER && item->truth == group->from && own < group->rate)
		return group->to;
	if (right < crowd->annotators[annotator].accuracy)
		return item->truth;
	return (item->truth + 1 + wrong) % crowd->classes;
}
