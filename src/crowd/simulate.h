/*
 * simulate.h
 *		Crowds whose truth is known, because they are simulated.
 *
 * Every draw has a generator of its own, which begins at the seed, the purpose, the
 * item and the annotator.  So an item keeps its truth, and an annotator gives the
 * same answer to an item, whoever else is there: crowds that differ in one thing
 * differ in that only.
 */
#ifndef NL_SIMULATE_H
#define NL_SIMULATE_H

#include "math/random.h"

#include "utils/jsonb.h"

/* In the order in which annotators are numbered. */
typedef enum CrowdKind
{
	CROWD_RELIABLE,
	CROWD_HASTY,
	CROWD_EXPERT,
	CROWD_SPAMMER,
	CROWD_CONSTANT,
	CROWD_CONFUSER,
	CROWD_ADVERSARY,
	CROWD_NEWCOMER,
	CROWD_TEAM,
	CROWD_COPY,
	CROWD_KINDS
} CrowdKind;

/* Annotators of one kind with the same parameters. */
typedef struct CrowdGroup
{
	CrowdKind	kind;
	int			count;
	uint32		first;			/* place of the first annotator */
	double		accuracy;
	double		spread;
	int			answers;		/* of each; or POOL: asked as the others */
	double		rate;			/* confuser */
	double		mix;			/* team */
	double		shared;
	double		fidelity;		/* copy */
	char	   *label_name;		/* constant; NULL: the default, as below */
	char	   *from_name;		/* confuser */
	char	   *to_name;
	char	   *of_name;		/* copy */
	uint32		label;
	uint32		from;
	uint32		to;
	uint32		source;			/* place of the annotator that is copied */
} CrowdGroup;

#define POOL (-1)

typedef struct CrowdAnnotator
{
	uint32		group;
	uint32		number;			/* within the kind, from 1 on */
	double		accuracy;
} CrowdAnnotator;

typedef struct CrowdOptions
{
	Jsonb	   *classes;		/* a number, or names */
	Jsonb	   *shares;			/* numbers, or an object */
	double		answers;		/* per item, on average */
	int			features;
	double		separation;
	double		shared_errors;
	double		temptation;
	int			seed;
} CrowdOptions;

typedef struct Crowd
{
	CrowdOptions options;
	uint32		items;
	uint32		classes;
	char	  **labels;
	double	   *bounds;			/* of the classes' shares: the last is 1 */
	uint32		side;			/* of the classes' grid among the features */
	CrowdGroup *groups;
	uint32		n_groups;
	CrowdAnnotator *annotators;
	uint32		n;
} Crowd;

/* What is drawn for an item. */
typedef struct CrowdItem
{
	uint32		item;
	uint32		truth;
	bool		hard;
	uint32		decoy;
	bool		team[2];		/* which of two teams see it */
} CrowdItem;

extern Crowd *crowd_create(int items, const Jsonb *kinds, const Jsonb *options);
extern const char *crowd_kind_name(CrowdKind kind);
extern char *crowd_annotator_name(const Crowd *crowd, uint32 annotator);
extern CrowdItem crowd_item(const Crowd *crowd, uint32 item);
extern uint32 crowd_answer(const Crowd *crowd, const CrowdItem *item, uint32 annotator);
extern void crowd_features(const Crowd *crowd, const CrowdItem *item, double *features);

/* Who answers what: items in ascending order. */
typedef struct CrowdAsker CrowdAsker;

extern CrowdAsker *crowd_asker_create(const Crowd *crowd);
extern const uint32 *crowd_ask(CrowdAsker *asker, const CrowdItem *item, uint32 *n);

static inline const CrowdGroup *
crowd_group(const Crowd *crowd, uint32 annotator)
{
	return &crowd->groups[crowd->annotators[annotator].group];
}

/* Draws of an annotator are those of his kind and number. */
static inline uint64
crowd_annotator_key(const Crowd *crowd, uint32 annotator)
{
	return (uint64) crowd_group(crowd, annotator)->kind << 32 |
		crowd->annotators[annotator].number;
}

/* The two teams take turns: which one, 0 or 1. */
static inline int
crowd_team(const Crowd *crowd, uint32 annotator)
{
	return (crowd->annotators[annotator].number - 1) % 2;
}

typedef enum CrowdPurpose
{
	DRAW_ACCURACY = 1,
	DRAW_ITEM,
	DRAW_FEATURES,
	DRAW_ASKED,
	DRAW_OWN_ITEMS,
	DRAW_ANSWER
} CrowdPurpose;

#endif							/* NL_SIMULATE_H */
