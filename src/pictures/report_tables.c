/*
 * report_tables.c
 *		Lists of the report: the items to look at, and all annotators.
 */
#include "pictures/report.h"

#define NAMES_MOST 8			/* of annotators with one label on an item */
#define LABELS_MOST 6			/* of an item */
#define SHARES_MOST 4			/* of its distribution */

/*
 * Items
 */

/* The classes of an item's distribution, the most probable first. */
static uint32
top_classes(const ItemConsensus *c, uint32 classes, uint32 *top)
{
	uint32		n = 0;

	for (uint32 k = 0; k < classes; k++)
	{
		uint32		at = n;

		if (c->posterior[k] < 0.005 && k != c->top)
			continue;
		while (at > 0 && c->posterior[top[at - 1]] < c->posterior[k] && top[at - 1] != c->top)
			at--;
		if (k == c->top)
			at = 0;
		n = Min(n + 1, SHARES_MOST);
		if (at >= n)
			continue;
		memmove(&top[at + 1], &top[at], (n - 1 - at) * sizeof(uint32));
		top[at] = k;
	}
	return n;
}

static void
item_shares(StringInfo buf, const Report *r, const ItemConsensus *c)
{
	const Names *classes = &r->classes;
	uint32		top[SHARES_MOST + 1];
	uint32		n = top_classes(c, classes->n, top);

	appendStringInfoString(buf, "<div class=\"bar\">");
	for (uint32 i = 0; i < n; i++)
		appendStringInfo(buf, "<i class=\"s%u\" style=\"width:%.1f%%\"></i>", i, 100 * c->posterior[top[i]]);
	appendStringInfoString(buf, "</div><div>");
	for (uint32 i = 0; i < n; i++)
	{
		appendStringInfo(buf, "<span class=\"share\"><span class=\"key s%u\"></span> <b>", i);
		markup_append_name(buf, names_get(classes, top[i]), LETTERS(26));
		appendStringInfoString(buf, "</b> ");
		markup_percent(buf, c->posterior[top[i]]);
		appendStringInfoString(buf, "</span> ");
	}
	appendStringInfoString(buf, "</div>");
}

/* Who says it. */
static void
item_voices(StringInfo buf, const AnnotationView *view, uint32 item, uint32 label)
{
	uint32		n = 0;

	for (uint32 a = view->starts[item]; a < view->starts[item + 1]; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		if (view->label[a] != label || n++ >= NAMES_MOST)
			continue;
		appendStringInfoString(buf, n > 1 ? ", " : "");
		markup_append_name(buf, names_get(&view->annotators, view->annotator[a]), LETTERS(24));
	}
	if (n > NAMES_MOST)
		appendStringInfo(buf, " and %u more", n - NAMES_MOST);
}

static void
item_answers(StringInfo buf, const Report *r, uint32 item)
{
	const AnnotationView *view = &r->view;
	uint32		labels[LABELS_MOST];
	uint32		n = 0;
	bool		more = false;

	for (uint32 a = view->starts[item]; a < view->starts[item + 1]; a++)
	{
		uint32		i = 0;

		NL_CHECK_INTERRUPTS(a);
		while (i < n && labels[i] != view->label[a])
			i++;
		if (i < n)
			continue;
		if (n < LABELS_MOST)
			labels[n++] = view->label[a];
		else
			more = true;
	}
	appendStringInfoString(buf, "<div class=\"who\">");
	for (uint32 i = 0; i < n; i++)
	{
		appendStringInfoString(buf, i > 0 ? "; <b>" : "<b>");
		markup_append_name(buf, names_get(&view->labels, labels[i]), LETTERS(40));
		appendStringInfoString(buf, "</b> ");
		item_voices(buf, view, item, labels[i]);
	}
	appendStringInfo(buf, "%s</div>", more ? "; and other labels" : "");
}

static void
item_entry(StringInfo buf, const Report *r, uint32 item)
{
	ItemConsensus c = item_consensus(r->scorer, item);

	appendStringInfoString(buf, "<li");
	markup_attribute(buf, "data-item", names_get(&r->view.item_names, item));
	markup_attribute(buf, "data-label", names_get(&r->classes, c.top));
	markup_number(buf, "data-confidence", c.confidence);
	appendStringInfoString(buf, "><div class=\"name\">");
	markup_append_name(buf, names_get(&r->view.item_names, item), LETTERS(80));
	if (c.tied)
		appendStringInfoString(buf, " <span class=\"tag\">tied</span>");
	if (report_item_against(r, item, c.top))
		appendStringInfoString(buf, " <span class=\"tag\">against the majority</span>");
	appendStringInfoString(buf, "</div>");
	item_shares(buf, r, &c);
	item_answers(buf, r, item);
	appendStringInfoString(buf, "</li>");
}

static void
item_entries(StringInfo buf, const Report *r, const ItemList *list)
{
	for (uint32 i = 0; i < list->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		item_entry(buf, r, list->at[i].item);
	}
}

void
report_items(StringInfo buf, const Report *r)
{
	if (r->unsure.n + r->surprising.n == 0)
		return;
	appendStringInfo(buf, "<section><h2>Items to look at first</h2><figure class=\"list\"><figcaption>%s%s%s.</figcaption><ol class=\"items\">",
					 r->unsure.n > 0 ? "The least sure, where one more answer tells most" : "",
					 r->unsure.n > 0 && r->surprising.n > 0 ? "; then the" : r->unsure.n > 0 ? "" : "The",
					 r->surprising.n > 0 ? " surest of those decided against the majority of their answers" : "");
	item_entries(buf, r, &r->unsure);
	item_entries(buf, r, &r->surprising);
	appendStringInfoString(buf, "</ol></figure></section>\n");
}

/*
 * Annotators
 */
static void
percent_cell(StringInfo buf, bool known, double share)
{
	if (known)
		appendStringInfo(buf, "<td class=\"n\">%.1f</td>", 100 * share);
	else
		appendStringInfoString(buf, "<td class=\"n\">&#8211;</td>");
}

static void
annotator_row(StringInfo buf, const Report *r, const Standing *a)
{
	const AnnotatorRecord *record = &r->standings.records[a->annotator];
	const char *note = annotator_note(&r->model, a->annotator, record);

	appendStringInfoString(buf, "<tr><td>");
	markup_append_name(buf, names_get(r->standings.annotators, a->annotator), LETTERS(60));
	appendStringInfoString(buf, "</td><td class=\"n\">");
	markup_count(buf, a->answers);
	appendStringInfoString(buf, "</td>");
	percent_cell(buf, a->known, a->accuracy);
	percent_cell(buf, a->known, a->low);
	percent_cell(buf, a->known, a->high);
	if (record->compared)
		appendStringInfo(buf, "<td class=\"n\">%.2f</td>", record->information);
	else
		appendStringInfoString(buf, "<td class=\"n\">&#8211;</td>");
	appendStringInfoString(buf, "<td>");
	if (record->has_worst)
	{
		markup_append_name(buf, names_get(&r->model.labels, record->worst_truth), LETTERS(30));
		appendStringInfoString(buf, " called ");
		markup_append_name(buf, names_get(&r->model.labels, record->worst_label), LETTERS(30));
		appendStringInfo(buf, ", %.0f %%", 100 * record->worst_rate);
	}
	appendStringInfoString(buf, "</td><td>");
	if (note != NULL)
		markup_append_name(buf, name_of(note), LETTERS(300));
	appendStringInfoString(buf, "</td></tr>\n");
}

/* In the order of the picture; the worst are left out last of all. */
void
report_annotators(StringInfo buf, const Report *r)
{
	const Standings *s = &r->standings;
	uint32		n = Min(s->n, (uint32) r->options.annotators);

	if (n == 0)
		return;
	appendStringInfo(buf, "<details><summary>%s %u annotators as a table</summary><div class=\"scroll\"><table><thead><tr><th>annotator</th><th class=\"n\">answers</th><th class=\"n\">right, %%</th><th class=\"n\">from</th><th class=\"n\">to</th><th class=\"n\">bits</th><th>most frequent error</th><th>note</th></tr></thead><tbody>\n",
					 n < s->n ? "The first" : "All", n);
	for (uint32 i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		annotator_row(buf, r, &s->at[i]);
	}
	appendStringInfoString(buf, "</tbody></table></div></details>");
}
