/*
 * report.h
 *		The page that label_report() writes: what it is made of, and its parts.
 */
#ifndef NL_REPORT_H
#define NL_REPORT_H

#include "crowd/item_consensus.h"
#include "pictures/pictures.h"

#include "utils/jsonb.h"

typedef struct ReportOptions
{
	char	   *title;
	int			items;			/* to look at */
	int			confusions;		/* of single annotators */
	int			agreement;		/* annotators in the matrix */
	int			annotators;		/* in the table */
	int			lines;			/* annotators with a time line of their own */
} ReportOptions;

/* A stretch of time, and what was answered in it; NaN: not known. */
typedef struct Period
{
	int			from;			/* days since 2000-01-01 */
	int			to;
	double		answers;
	double		compared;		/* answers to items with several */
	double		like;			/* share of these that are the consensus */
	double		seconds[3];		/* quartiles */
} Period;

typedef struct TimeLine
{
	NameView	name;
	uint32		n;
	const Period *at;
} TimeLine;

typedef struct TimeLines
{
	TimeLine	all;
	uint32		n;
	TimeLine   *of;				/* annotators, the one with most answers first */
} TimeLines;

/* An item to look at, the least key first. */
typedef struct ItemToLookAt
{
	uint32		item;
	double		key;
} ItemToLookAt;

typedef struct ItemList
{
	uint32		n;
	uint32		most;
	ItemToLookAt *at;
} ItemList;

#define CONFIDENCE_BARS 10

typedef struct Report
{
	ReportOptions options;
	AnnotationView view;
	AnnotatorModelView model;	/* of classes */
	SetScorer  *scorer;
	Names		classes;		/* the scorer's */
	Standings	standings;

	/* of items without gold whose confidence is known */
	int64		items;
	int64		sure;			/* at 95 % or more */
	double		confidence;		/* the sum */
	int			bars;			/* of the histogram */
	double		bar_width;
	double		bar_low;		/* where the first begins */
	int64		bar[CONFIDENCE_BARS];

	int64		tied;
	int64		against;		/* the majority */
	uint32	   *label_of_class; /* of the set, or NO_GOLD */
	uint32	   *votes;			/* by label of the set; zero between items */
	int64	   *labels;			/* by class: items of that label */
	int64		labelled;		/* the sum */
	ItemList	unsure;
	ItemList	surprising;		/* against the majority */
	CalibrationState *gold;		/* items with gold, predicted without; or NULL */
	const TimeLines *times;		/* or NULL */
} Report;

extern ReportOptions report_options_parse(const Jsonb *jsonb);
extern Report *report_read(const AnnotationView *view, const AnnotatorModel *model,
						   const ReportOptions *options);

extern bool report_item_against(const Report *r, uint32 item, uint32 class);

extern void confidence_picture(StringInfo buf, const Report *r);
extern void labels_picture(StringInfo buf, const Report *r);
extern bool agreement_picture(StringInfo buf, const Report *r);

extern void report_times(StringInfo buf, const Report *r);
extern void report_items(StringInfo buf, const Report *r);
extern void report_annotators(StringInfo buf, const Report *r);
extern void report_page(StringInfo buf, const Report *r);

#endif							/* NL_REPORT_H */
