/*
 * report_read.c
 *		What a report shows, from a set and a model: one pass over the items, and one
 *		over those with gold as if they had none.
 *
 * Memory: that of consensus(), a list of few items, a vote for each label.
 * Interrupts: for each item.
 */
#include "pictures/report.h"

#include <math.h>

#include "crowd/majority.h"
#include "pg/options.h"

#define SURE 0.95
#define NOT_WORTH_A_LOOK 0.99

static const Option table[] = {
	{"title", OPTION_TEXT, offsetof(ReportOptions, title), 0, 0, NULL},
	{"items", OPTION_INT, offsetof(ReportOptions, items), 0, 200, NULL},
	{"confusions", OPTION_INT, offsetof(ReportOptions, confusions), 0, 100, NULL},
	{"agreement", OPTION_INT, offsetof(ReportOptions, agreement), 0, 60, NULL},
	{"annotators", OPTION_INT, offsetof(ReportOptions, annotators), 0, 100000, NULL},
	{"lines", OPTION_INT, offsetof(ReportOptions, lines), 0, 100, NULL}
};

ReportOptions
report_options_parse(const Jsonb *jsonb)
{
	ReportOptions options = {"Labels and annotators", 16, 6, 30, 1000, 12};

	if (jsonb != NULL)
		options_parse(jsonb, table, lengthof(table), &options);
	return options;
}

/*
 * Lists of the items with the least keys, in order
 */
static ItemList
new_list(int most)
{
	return (ItemList) {0, most, palloc(Max(most, 1) * sizeof(ItemToLookAt))};
}

static void
list_offer(ItemList *list, uint32 item, double key)
{
	uint32		at = list->n;

	if (list->most == 0 || (list->n == list->most && key >= list->at[list->n - 1].key))
		return;
	while (at > 0 && list->at[at - 1].key > key)
		at--;
	list->n = Min(list->n + 1, list->most);
	memmove(&list->at[at + 1], &list->at[at], (list->n - 1 - at) * sizeof(ItemToLookAt));
	list->at[at] = (ItemToLookAt) {item, key};
}

static bool
list_has(const ItemList *list, uint32 item)
{
	for (uint32 i = 0; i < list->n; i++)
		if (list->at[i].item == item)
			return true;
	return false;
}

/* Whether the answer is none of the most frequent labels of an item without gold. */
bool
report_item_against(const Report *r, uint32 item, uint32 class)
{
	const AnnotationView *view = &r->scorer->view;
	ItemVotes	v;

	if (!annotation_overlaps(view, item))
		return false;
	v = item_votes(view, item, r->label_of_class[class], r->votes);
	return v.label < v.most;
}

/*
 * Bars as wide as a tenth, for two classes a twentieth, from 1 / K on
 */
static void
set_bars(Report *r)
{
	uint32		classes = r->classes.n;

	r->bar_width = classes == 2 ? 0.05 : 0.1;
	r->bar_low = classes < 2 ? 0.5 : classes == 2 ? 0.5 : floor(10.0 / classes) / 10;
	r->bar_width = classes < 2 ? 0.05 : r->bar_width;
	r->bars = (int) rint((1 - r->bar_low) / r->bar_width);
}

static int
bar_of(const Report *r, double confidence)
{
	int			bar = (int) floor((confidence - r->bar_low) / r->bar_width + 1e-9);

	return Min(Max(bar, 0), r->bars - 1);
}

/* By class of the scorer the label of the set, or NO_GOLD. */
static uint32 *
labels_of_classes(const SetScorer *s)
{
	uint32	   *label = palloc(s->scorer->classes.n * sizeof(uint32));

	for (uint32 k = 0; k < s->scorer->classes.n; k++)
		label[k] = NO_GOLD;
	for (uint32 l = 0; l < s->view.labels.n; l++)
		if (s->labels[l] >= 0 && s->scorer->label_class[s->labels[l]] >= 0)
			label[s->scorer->label_class[s->labels[l]]] = l;
	return label;
}

/* Items whose label is known by gold need no look, and tell nothing of confidence. */
static void
read_item(Report *r, uint32 item)
{
	const AnnotationView *view = &r->scorer->view;
	ItemConsensus c = item_consensus(r->scorer, item);

	r->labelled += c.named;
	r->labels[c.top] += c.named;
	if (annotation_gold(view, item) != NO_GOLD || !c.known)
		return;
	r->items++;
	r->confidence += c.confidence;
	r->sure += c.confidence >= SURE;
	r->tied += c.tied;
	r->bar[bar_of(r, c.confidence)]++;
	if (c.confidence < NOT_WORTH_A_LOOK)
		list_offer(&r->unsure, item, c.confidence);
	if (!report_item_against(r, item, c.top))
		return;
	r->against++;
	list_offer(&r->surprising, item, -c.confidence);
}

/*
 * Those against the majority have up to half of the room, and the others what is left.
 * Who is on the list of the others already is not named twice.
 */
static void
divide_room(Report *r)
{
	ItemList   *unsure = &r->unsure;
	ItemList   *surprising = &r->surprising;
	uint32		kept = 0;

	unsure->n = Min(unsure->n, unsure->most - surprising->n);
	for (uint32 i = 0; i < surprising->n; i++)
		if (!list_has(unsure, surprising->at[i].item))
			surprising->at[kept++] = surprising->at[i];
	surprising->n = kept;
}

static void
read_items(Report *r)
{
	r->label_of_class = labels_of_classes(r->scorer);
	r->votes = palloc0(Max(r->view.labels.n, 1) * sizeof(uint32));
	set_bars(r);
	r->unsure = new_list(r->options.items);
	r->surprising = new_list(r->options.items / 2);
	r->labels = palloc0(r->classes.n * sizeof(int64));
	for (uint32 item = 0; item < r->view.items; item++)
	{
		CHECK_FOR_INTERRUPTS();
		read_item(r, item);
	}
	divide_room(r);
}

/* calibration() of what consensus() would say of the items with gold, had they none. */
static CalibrationState *
read_gold(const AnnotationView *view, const AnnotatorModel *model)
{
	AnnotationView without = annotations_without_gold(view);
	SetScorer  *s;
	CalibrationState *state = NULL;
	MemoryContext context = CurrentMemoryContext;
	MemoryContext scratch;

	if (view->gold == NULL)
		return NULL;
	s = set_scorer_begin(&without, model);
	if (model_knows_nothing(&s->scorer->model))
		return NULL;
	scratch = AllocSetContextCreate(context, "label_report gold", ALLOCSET_DEFAULT_SIZES);
	for (uint32 item = 0; item < view->items; item++)
	{
		ItemConsensus c;
		LabelDistribution *d;

		CHECK_FOR_INTERRUPTS();
		if (annotation_gold(view, item) == NO_GOLD)
			continue;
		c = item_consensus(s, item);
		if (!c.known)
			continue;
		MemoryContextSwitchTo(scratch);
		d = label_distribution_make(&s->scorer->classes, c.posterior);
		MemoryContextSwitchTo(context);
		state = calibration_state_add(state, names_get(&view->labels, view->gold[item]), d,
									  CALIBRATION_BINS);
		MemoryContextReset(scratch);
	}
	MemoryContextDelete(scratch);
	return state;
}

Report *
report_read(const AnnotationView *view, const AnnotatorModel *model, const ReportOptions *options)
{
	Report	   *r = palloc0(sizeof(Report));

	r->options = *options;
	r->view = *view;
	r->model = annotator_model_of_classes(model);
	r->scorer = set_scorer_begin(view, model);
	set_scorer_check_labels(r->scorer);
	r->classes = r->scorer->scorer->classes;
	r->standings = standings_of(&r->model, 0.95);
	read_items(r);
	r->gold = read_gold(view, model);
	return r;
}
