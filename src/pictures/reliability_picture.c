/*
 * reliability_picture.c
 *		Annotators by accuracy with intervals, the best lower bound first.
 *
 * Up to NAMED_MOST have a row each.  More are drawn as one line each, side by side,
 * and below it the best and the worst by name: who is neither is found by hovering,
 * or in a table.  More than LINES_MOST are drawn by a sample, evenly in their order.
 *
 * Interrupts: for each annotator.
 */
#include "pictures/pictures.h"

#include <math.h>

#define NAMED_MOST 60
#define NAMED_BEST 10			/* of those that are too many */
#define NAMED_WORST 20
#define LINES_MOST 1000
#define ROW 19.0
#define NAME_WIDTH 114
#define LEFT 128.0				/* of the plot with names */
#define RIGHT 310.0
#define LINES_LEFT 40.0
#define LINES_RIGHT 392.0
#define LINES_HEIGHT 180.0

/*
 * Standings
 */
static int
by_lower_bound(const void *a, const void *b)
{
	const Standing *x = a;
	const Standing *y = b;

	if (x->known != y->known)
		return x->known ? -1 : 1;
	if (x->known && x->low != y->low)
		return x->low > y->low ? -1 : 1;
	if (x->known && x->accuracy != y->accuracy)
		return x->accuracy > y->accuracy ? -1 : 1;
	return x->annotator < y->annotator ? -1 : 1;
}

Standings
standings_of(const AnnotatorModelView *model, double level)
{
	double	   *prior = annotator_model_shares(model);
	AnnotatorRecord *records = annotator_records(model, prior, level);
	Standings	s = {.annotators = &model->annotators, .n = model->annotators.n};
	uint32		commonest = 0;

	s.at = nl_alloc(CurrentMemoryContext, mul_size(Max(s.n, 1), sizeof(Standing)));
	for (uint32 j = 0; j < s.n; j++)
	{
		const AnnotatorRecord *r = &records[j];

		NL_CHECK_INTERRUPTS(j);
		s.known += r->known;
		s.at[j] = (Standing) {j, r->known, model->notes[j][0] != '\0', r->accuracy.rate,
		r->accuracy.low, r->accuracy.high, model->annotations[j]};
	}
	pg_qsort(s.at, s.n, sizeof(Standing), by_lower_bound);
	for (uint32 k = 1; k < model->labels.n; k++)
		if (prior[k] > prior[commonest])
			commonest = k;
	s.chance = prior[commonest];
	s.commonest = names_get(&model->labels, commonest);
	s.records = records;
	return s;
}

/*
 * The scale: from a whole tenth below everything to 1
 */
typedef struct Scale
{
	double		low;
	double		from;			/* of the picture, where "low" is */
	double		to;				/* where 1 is */
} Scale;

static double
at_scale(const Scale *s, double share)
{
	return s->from + (s->to - s->from) * (Max(share, s->low) - s->low) / (1 - s->low);
}

static double
scale_low(const Standings *s)
{
	double		low = Min(s->chance, 0.8);

	for (uint32 i = 0; i < s->n; i++)
		if (s->at[i].known)
			low = Min(low, s->at[i].low);
	return floor(low * 10) / 10;
}

/* Lines at tenths, or fifths, with their names. */
static void
draw_scale(StringInfo buf, const Scale *scale, double top, double bottom, bool upright)
{
	int			step = scale->low < 0.5 ? 2 : 1;

	for (int i = 10; i >= rint(scale->low * 10); i -= step)
	{
		double		at = at_scale(scale, i / 10.0);
		char	   *name = psprintf("%d%s", 10 * i, i == 10 ? " %" : "");

		if (upright)
		{
			svg_line(buf, "nl-grid", LINES_LEFT, at, LINES_RIGHT, at);
			svg_text(buf, "nl-dim nl-small", ANCHOR_END, LINES_LEFT - 5, at + 4, name);
			continue;
		}
		svg_line(buf, "nl-grid", at, top, at, bottom);
		svg_text(buf, "nl-dim nl-small", ANCHOR_MIDDLE, at, top - 5, name);
	}
}

static void
append_title(StringInfo buf, const Standings *s, const Standing *a)
{
	appendStringInfoString(buf, "<title>");
	markup_append_name(buf, names_get(s->annotators, a->annotator), LETTERS(100));
	if (a->known)
		appendStringInfo(buf, ": %.1f %% right (%.1f&#8211;%.1f), ", 100 * a->accuracy,
						 100 * a->low, 100 * a->high);
	else
		appendStringInfoString(buf, ": not known how often right, ");
	markup_count(buf, a->answers);
	appendStringInfo(buf, " answers%s</title>", a->noted ? "; see the note about this annotator" : "");
}

static void
append_data(StringInfo buf, const Standings *s, const Standing *a)
{
	markup_attribute(buf, "data-annotator", names_get(s->annotators, a->annotator));
	if (a->known)
	{
		markup_number(buf, "data-accuracy", a->accuracy);
		markup_number(buf, "data-low", a->low);
		markup_number(buf, "data-high", a->high);
	}
	markup_number(buf, "data-answers", a->answers);
}

/*
 * Rows with names
 */
static void
draw_mark(StringInfo buf, const Scale *scale, const Standing *a, double y)
{
	double		x = at_scale(scale, a->accuracy);

	svg_line(buf, a->noted ? "nl-bad" : "nl-range", at_scale(scale, a->low), y,
			 at_scale(scale, a->high), y);
	if (a->noted)
		appendStringInfo(buf, "<path class=\"nl-wrong\" d=\"M%.1f %.1fl5 5l-5 5l-5 -5z\"/>", x, y - 5);
	else
		appendStringInfo(buf, "<circle class=\"nl-mark\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>", x, y);
}

static void
draw_row(StringInfo buf, const Standings *s, const Scale *scale, uint32 i, double y)
{
	const Standing *a = &s->at[i];

	appendStringInfoString(buf, "<g class=\"nl-annotator\"");
	append_data(buf, s, a);
	appendStringInfoChar(buf, '>');
	append_title(buf, s, a);
	svg_name(buf, "nl-ink", ANCHOR_END, LEFT - 10, y + 4, names_get(s->annotators, a->annotator),
			 NAME_WIDTH);
	if (a->known)
	{
		draw_mark(buf, scale, a, y);
		svg_text(buf, "nl-ink", ANCHOR_END, 348, y + 4, psprintf("%.0f %%", 100 * a->accuracy));
	}
	else
		svg_text(buf, "nl-dim nl-small", ANCHOR_START, LEFT, y + 4, "not known");
	appendStringInfo(buf, "<text class=\"nl-dim\" x=\"394\" y=\"%.1f\" text-anchor=\"end\">", y + 4);
	markup_count(buf, a->answers);
	appendStringInfoString(buf, "</text></g>");
}

static void
draw_rows(StringInfo buf, const Standings *s, double low, uint32 from, uint32 to, double top)
{
	Scale		scale = {low, LEFT, RIGHT};
	double		bottom = top + (to - from) * ROW;

	draw_scale(buf, &scale, top, bottom, false);
	svg_text(buf, "nl-dim nl-small", ANCHOR_END, 394, top - 5, "answers");
	svg_line(buf, "nl-dash", at_scale(&scale, s->chance), top, at_scale(&scale, s->chance), bottom);
	for (uint32 i = from; i < to; i++)
	{
		CHECK_FOR_INTERRUPTS();
		draw_row(buf, s, &scale, i, top + (i - from + 0.5) * ROW);
	}
}

/*
 * Lines side by side
 */
static void
draw_line(StringInfo buf, const Standings *s, const Scale *scale, uint32 i, double x, double width)
{
	const Standing *a = &s->at[i];

	CHECK_FOR_INTERRUPTS();
	appendStringInfo(buf, "<path class=\"nl-one %s\" stroke-width=\"%.2f\" d=\"M%.2f %.1fV%.1f\"",
					 a->noted ? "nl-thin-bad" : "nl-thin", width, x,
					 at_scale(scale, a->low), at_scale(scale, a->high));
	append_data(buf, s, a);
	appendStringInfoChar(buf, '>');
	append_title(buf, s, a);
	appendStringInfoString(buf, "</path>");
}

static void
draw_lines(StringInfo buf, const Standings *s, double low, double top)
{
	uint32		known = s->known;
	Scale		scale = {low, top + LINES_HEIGHT, top};
	uint32		step = known / LINES_MOST + (known % LINES_MOST != 0);
	double		width = (LINES_RIGHT - LINES_LEFT) / Max(known, 1);

	step = Max(step, 1);
	draw_scale(buf, &scale, 0, 0, true);
	svg_line(buf, "nl-dash", LINES_LEFT, at_scale(&scale, s->chance), LINES_RIGHT,
			 at_scale(&scale, s->chance));
	for (uint32 i = 0; i < known; i += step)
		draw_line(buf, s, &scale, i, LINES_LEFT + (i + 0.5) * width,
				  Max(Min(width * step * 0.7, 3), 0.3));
	appendStringInfoString(buf, "<path class=\"nl-dots\" pointer-events=\"none\" d=\"");
	for (uint32 i = 0; i < known; i += step)
	{
		CHECK_FOR_INTERRUPTS();
		appendStringInfo(buf, "M%.1f %.1fh1.6", LINES_LEFT + (i + 0.5) * width - 0.8,
						 at_scale(&scale, s->at[i].accuracy));
	}
	appendStringInfoString(buf, "\"/>");
	appendStringInfo(buf, "<text class=\"nl-dim nl-small\" x=\"%.0f\" y=\"%.1f\">", LINES_LEFT,
					 top + LINES_HEIGHT + 14);
	markup_count(buf, known);
	appendStringInfoString(buf, " annotators, the best lower bound first");
	if (step > 1)
		appendStringInfo(buf, "; one in %u is drawn", step);
	appendStringInfoString(buf, "</text>");
}

static void
draw_legend(StringInfo buf, const Standings *s, double y)
{
	bool		noted = false;

	for (uint32 i = 0; i < s->n; i++)
		noted = noted || s->at[i].noted;
	appendStringInfo(buf, "<text class=\"nl-dim nl-small\" x=\"8\" y=\"%.1f\">dashed: always the same answer, ", y);
	markup_append_name(buf, s->commonest, LETTERS(20));
	appendStringInfo(buf, ", is %.0f %% right</text>", 100 * s->chance);
	if (noted)
		svg_text(buf, "nl-dim nl-small", ANCHOR_START, 8, y + 14,
				 "orange, diamond: there is a note about this annotator");
}

void
reliability_picture(StringInfo buf, const Standings *s, const Caption *caption)
{
	double		low = scale_low(s);
	double		top = caption->alone ? 42 : 18;
	bool		many = s->n > NAMED_MOST;
	double		rows = many ? top + LINES_HEIGHT + 52 : top;

	svg_begin(buf, rows + (many ? NAMED_BEST + NAMED_WORST : s->n) * ROW + (many ? 80 : 40),
			  caption->title, caption->alone);
	if (caption->alone)
		svg_name(buf, "nl-ink nl-title", ANCHOR_START, 8, 18, caption->title, 380);
	if (many)
	{
		uint32		worst = Max(s->known, NAMED_BEST + NAMED_WORST) - NAMED_WORST;
		double		next = rows + NAMED_BEST * ROW + 40;

		draw_lines(buf, s, low, top);
		svg_text(buf, "nl-ink", ANCHOR_START, 8, rows - 5, "the best");
		draw_rows(buf, s, low, 0, NAMED_BEST, rows);
		svg_text(buf, "nl-ink", ANCHOR_START, 8, next - 5, "the worst");
		draw_rows(buf, s, low, worst, worst + NAMED_WORST, next);
		draw_legend(buf, s, next + NAMED_WORST * ROW + 18);
	}
	else
	{
		draw_rows(buf, s, low, 0, s->n, rows);
		draw_legend(buf, s, rows + s->n * ROW + 18);
	}
	svg_end(buf);
}
