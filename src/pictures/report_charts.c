/*
 * report_charts.c
 *		Pictures that only the report has: how sure the consensus is, what labels it
 *		gives, who agrees with whom.
 */
#include "pictures/report.h"

#include <math.h>

#include "crowd/agreement_pairs.h"
#include "names/names_io.h"
#include "pictures/heat_map.h"

/*
 * How many items have how much confidence
 */
#define BARS_LEFT 14.0
#define BARS_WIDTH 372.0
#define BARS_TOP 22.0
#define BARS_HEIGHT 110.0

static void
draw_bar(StringInfo buf, const Report *r, int i, int64 most)
{
	double		width = BARS_WIDTH / r->bars;
	double		x = BARS_LEFT + i * width;
	double		height = BARS_HEIGHT * r->bar[i] / most;
	double		low = r->bar_low + i * r->bar_width;
	double		y = BARS_TOP + BARS_HEIGHT - height;

	if (r->bar[i] == 0)
		return;
	appendStringInfo(buf, "<rect class=\"nl-mark\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"",
					 x + 2, y, width - 4, Max(height, 1));
	markup_number(buf, "data-from", low);
	markup_number(buf, "data-items", r->bar[i]);
	appendStringInfoString(buf, "><title>");
	markup_count(buf, r->bar[i]);
	appendStringInfo(buf, " items with confidence %.2f to %.2f</title></rect>", low, low + r->bar_width);
	appendStringInfo(buf, "<text class=\"nl-ink nl-small\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">",
					 x + width / 2, y - 4);
	markup_count(buf, r->bar[i]);
	appendStringInfoString(buf, "</text>");
}

void
confidence_picture(StringInfo buf, const Report *r)
{
	double		bottom = BARS_TOP + BARS_HEIGHT;
	int64		most = 1;

	svg_begin(buf, bottom + 40, name_of("How many items have how much confidence"), false);
	svg_line(buf, "nl-line", BARS_LEFT, bottom, BARS_LEFT + BARS_WIDTH, bottom);
	for (int i = 0; i < r->bars; i++)
		most = Max(most, r->bar[i]);
	for (int i = 0; i <= r->bars; i++)
		svg_text(buf, "nl-dim nl-small", ANCHOR_MIDDLE, BARS_LEFT + i * BARS_WIDTH / r->bars, bottom + 14,
				 psprintf("%.0f", 100 * (r->bar_low + i * r->bar_width)));
	for (int i = 0; i < r->bars; i++)
		draw_bar(buf, r, i, most);
	svg_text(buf, "nl-dim nl-small", ANCHOR_MIDDLE, BARS_LEFT + BARS_WIDTH / 2, bottom + 30, "confidence, %");
	svg_end(buf);
}

/*
 * Labels: a bar for the share of items, a line across it for the model's class prior
 */
#define LABELS_MOST 25
#define LABEL_ROW 21.0
#define LABEL_LEFT 118.0
#define LABEL_WIDTH 200.0

static void
draw_label(StringInfo buf, const Report *r, uint32 k, double prior, double scale, double y)
{
	NameView	name = names_get(&r->classes, k);
	double		share = (double) r->labels[k] / r->labelled;
	double		at = LABEL_LEFT + LABEL_WIDTH * prior / scale;

	appendStringInfoString(buf, "<g");
	markup_attribute(buf, "data-label", name);
	markup_number(buf, "data-items", r->labels[k]);
	markup_number(buf, "data-prior", prior);
	appendStringInfoString(buf, "><title>");
	markup_append_name(buf, name, LETTERS(60));
	appendStringInfo(buf, ": %.1f %% of the items, class prior %.1f %%</title>", 100 * share, 100 * prior);
	svg_name(buf, "nl-ink", ANCHOR_END, LABEL_LEFT - 8, y + 4, name, 106);
	appendStringInfo(buf, "<rect class=\"nl-bar\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"13\"/>",
					 LABEL_LEFT, y - 6.5, LABEL_WIDTH * share / scale);
	svg_line(buf, "nl-range", at, y - 9, at, y + 9);
	appendStringInfo(buf, "<text class=\"nl-ink\" x=\"394\" y=\"%.1f\" text-anchor=\"end\">", y + 4);
	markup_count(buf, r->labels[k]);
	appendStringInfoString(buf, "</text></g>");
}

typedef struct LabelItems
{
	uint32		label;
	int64		items;
} LabelItems;

static int
by_items(const void *a, const void *b)
{
	const LabelItems *x = a;
	const LabelItems *y = b;

	if (x->items != y->items)
		return x->items > y->items ? -1 : 1;
	return x->label < y->label ? -1 : 1;
}

/* Which labels are drawn: where there are many, those that most items have. */
static bool *
labels_drawn(const Report *r, uint32 drawn)
{
	uint32		n = r->classes.n;
	LabelItems *label = palloc(n * sizeof(LabelItems));
	bool	   *result = palloc0(n);

	for (uint32 k = 0; k < n; k++)
		label[k] = (LabelItems) {k, r->labels[k]};
	pg_qsort(label, n, sizeof(LabelItems), by_items);
	for (uint32 i = 0; i < drawn; i++)
		result[label[i].label] = true;
	pfree(label);
	return result;
}

void
labels_picture(StringInfo buf, const Report *r)
{
	uint32		n = r->classes.n;
	uint32		drawn = Min(n, LABELS_MOST);
	bool	   *is_drawn = labels_drawn(r, drawn);
	double	   *prior = annotator_model_shares(&r->model);
	double		scale = 0;
	uint32		row = 0;

	for (uint32 k = 0; k < n; k++)
		scale = Max(scale, Max(prior[k], (double) r->labels[k] / r->labelled));
	svg_begin(buf, drawn * LABEL_ROW + 36, name_of("Labels of the consensus"), false);
	svg_text(buf, "nl-dim nl-small", ANCHOR_END, 394, 12, "items");
	for (uint32 k = 0; k < n; k++)
		if (is_drawn[k])
			draw_label(buf, r, k, prior[k], scale, 18 + (row++ + 0.5) * LABEL_ROW);
	svg_text(buf, "nl-dim nl-small", ANCHOR_START, 8, 30 + drawn * LABEL_ROW,
			 drawn < n ? psprintf("the %u of %u labels that most items have; blue line: the model's class prior", drawn, n) :
			 "bar: items; blue line: the model's class prior");
	svg_end(buf);
}

/*
 * Agreement of those who have answered most, in the order of their standing
 */
typedef struct AgreementCells
{
	uint32		n;
	int64	   *place;			/* by annotator of the set, or -1 */
	NameView   *names;
	PairAgreement *pairs;		/* n * n; no items: none */
	uint32		found;
	double		least;			/* agreement */
} AgreementCells;

static void
add_pair(void *arg, const PairAgreement *pair)
{
	AgreementCells *c = arg;
	int64		a = c->place[pair->annotator];
	int64		b = c->place[pair->other];

	if (a < 0 || b < 0 || pair->items == 0)
		return;
	c->pairs[a * c->n + b] = c->pairs[b * c->n + a] = *pair;
	c->found++;
	c->least = Min(c->least, pair->percent);
}

static int
by_answers(const void *a, const void *b)
{
	const Standing *x = *(const Standing *const *) a;
	const Standing *y = *(const Standing *const *) b;

	if (x->answers != y->answers)
		return x->answers > y->answers ? -1 : 1;
	return x < y ? -1 : 1;
}

/* Places for those of the set who are in the model and have answered most. */
static void
choose_annotators(AgreementCells *c, const Report *r)
{
	const Standings *s = &r->standings;
	const Standing **most = palloc(Max(s->n, 1) * sizeof(Standing *));
	bool	   *chosen = palloc0(Max(s->n, 1));

	for (uint32 i = 0; i < s->n; i++)
		most[i] = &s->at[i];
	pg_qsort(most, s->n, sizeof(Standing *), by_answers);
	for (uint32 i = 0; i < Min(s->n, (uint32) r->options.agreement); i++)
		chosen[most[i] - s->at] = true;
	c->place = palloc(Max(r->view.annotators.n, 1) * sizeof(int64));
	for (uint32 j = 0; j < r->view.annotators.n; j++)
		c->place[j] = -1;
	c->names = palloc(Max(r->options.agreement, 1) * sizeof(NameView));
	for (uint32 i = 0; i < s->n; i++)
	{
		NameView	name = names_get(s->annotators, s->at[i].annotator);
		int			j = chosen[i] ? names_find(&r->view.annotators, name) : -1;

		NL_CHECK_INTERRUPTS(i);
		if (j < 0)
			continue;
		c->names[c->n] = name;
		c->place[j] = c->n++;
	}
	pfree(most);
	pfree(chosen);
}

/* The view with the answers of the chosen alone. */
static AnnotationView
answers_of_chosen(const AnnotationView *view, const int64 *place)
{
	AnnotationView v = *view;
	Size		n = Max(view->annotations, 1);
	uint32	   *starts;
	uint32	   *annotator;
	uint16	   *label;
	uint32		kept = 0;

	nl_check_memory(add_size(mul_size(n, sizeof(uint32) + sizeof(uint16)),
							 mul_size((Size) view->items + 1, sizeof(uint32))), "label_report()");
	starts = nl_alloc(CurrentMemoryContext, ((Size) view->items + 1) * sizeof(uint32));
	annotator = nl_alloc(CurrentMemoryContext, n * sizeof(uint32));
	label = nl_alloc(CurrentMemoryContext, n * sizeof(uint16));
	for (uint32 i = 0; i < view->items; i++)
	{
		starts[i] = kept;
		for (uint32 a = view->starts[i]; a < view->starts[i + 1]; a++)
		{
			NL_CHECK_INTERRUPTS(a);
			if (place[view->annotator[a]] < 0)
				continue;
			annotator[kept] = view->annotator[a];
			label[kept++] = view->label[a];
		}
	}
	starts[view->items] = v.annotations = kept;
	v.starts = starts;
	v.annotator = annotator;
	v.label = label;
	return v;
}

static void
draw_pair(StringInfo buf, const HeatMap *map, const AgreementCells *c, double low,
		  uint32 row, uint32 column)
{
	const PairAgreement *pair = &c->pairs[(Size) row * c->n + column];
	double		share;

	if (row == column || pair->items == 0)
		return;
	share = (pair->percent - low) / (1 - low);
	heat_map_cell(buf, map, row, column, "nl-right", share);
	markup_attribute(buf, "data-annotator", c->names[row]);
	markup_attribute(buf, "data-other", c->names[column]);
	markup_number(buf, "data-items", pair->items);
	markup_number(buf, "data-agreement", pair->percent);
	markup_number(buf, "data-kappa", pair->kappa);
	appendStringInfoString(buf, "><title>");
	markup_append_name(buf, c->names[row], LETTERS(40));
	appendStringInfoString(buf, " and ");
	markup_append_name(buf, c->names[column], LETTERS(40));
	appendStringInfo(buf, ": %.0f %% of %u items", 100 * pair->percent, pair->items);
	if (!isnan(pair->kappa))
		appendStringInfo(buf, "; kappa %.2f", pair->kappa);
	appendStringInfoString(buf, "</title></rect>");
	heat_map_print(buf, map, row, column, share, 100 * pair->percent);
}

static void
draw_pairs(StringInfo buf, const AgreementCells *c, uint32 annotators)
{
	HeatMap		map = heat_map_layout(c->names, c->n, 0);
	double		low = Min(floor(c->least * 10) / 10, 0.9);

	svg_begin(buf, map.bottom + 26, name_of("Who agrees with whom"), false);
	heat_map_frame(buf, &map, "annotator", "annotator");
	for (uint32 i = 0; i < c->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (uint32 j = 0; j < c->n; j++)
			draw_pair(buf, &map, c, low, i, j);
	}
	svg_text(buf, "nl-dim nl-small", ANCHOR_START, 8, map.bottom + 18,
			 psprintf("%% of common items; pale %.0f %%, deep blue 100 %%%s", 100 * low,
					  c->n < annotators ? psprintf("; the %u with most answers", c->n) : ""));
	svg_end(buf);
}

/* False where no two of them have a common item. */
bool
agreement_picture(StringInfo buf, const Report *r)
{
	AgreementCells c = {.least = 1};
	AgreementOptions options = pair_options_parse(NULL);
	AnnotationView view;
	AgreementScale scale;

	choose_annotators(&c, r);
	if (c.n < 2)
		return false;
	c.pairs = palloc0((Size) c.n * c.n * sizeof(PairAgreement));
	view = answers_of_chosen(&r->view, c.place);
	scale = agreement_scale(&view, &options);
	agreement_pairs(&view, &scale, options.confidence, add_pair, &c);
	if (c.found == 0)
		return false;
	draw_pairs(buf, &c, r->view.annotators.n);
	return true;
}
