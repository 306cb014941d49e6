/*
 * calibration_picture.c
 *		A reliability diagram: the square from (60, top) with a mark for each bin, its
 *		interval and the diagonal of perfect calibration; below it how many rows each
 *		bin has.  Marks differ from the diagonal in form, not only in colour.
 */
#include "pictures/pictures.h"

#include <math.h>

#define LEFT 60.0
#define SIDE 300.0
#define BARS 30.0

static void
draw_axes(StringInfo buf, double top)
{
	double		bottom = top + SIDE;

	for (int i = 0; i <= 5; i++)
	{
		char	   *name = psprintf("%.1f", i / 5.0);
		double		at = i * SIDE / 5;

		svg_line(buf, "nl-grid", LEFT, bottom - at, LEFT + SIDE, bottom - at);
		svg_text(buf, "nl-dim nl-small", ANCHOR_MIDDLE, LEFT + at, bottom + 15, name);
		svg_text(buf, "nl-dim nl-small", ANCHOR_END, LEFT - 6, bottom + 4 - at, name);
	}
	svg_line(buf, "nl-dash", LEFT, bottom, LEFT + SIDE, top);
	svg_text(buf, "nl-ink", ANCHOR_MIDDLE, LEFT + SIDE / 2, bottom + 32, "mean probability");
	appendStringInfo(buf, "<g transform=\"translate(20 %.1f) rotate(-90)\">", top + SIDE / 2);
	svg_text(buf, "nl-ink", ANCHOR_MIDDLE, 0, 0, "share that was right");
	appendStringInfoString(buf, "</g>");
}

static void
draw_mark(StringInfo buf, const CalibrationMark *mark, double top, double most)
{
	double		x = LEFT + SIDE * mark->confidence;
	double		bottom = top + SIDE;
	double		height = BARS * mark->n / most;

	appendStringInfo(buf, "<rect class=\"nl-bar\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>",
					 LEFT + SIDE * mark->low, bottom + 70 - height,
					 Max(SIDE * (mark->high - mark->low), 1), height);
	if (!isnan(mark->bounds.low))
		svg_line(buf, "nl-range", x, bottom - SIDE * mark->bounds.low, x,
				 bottom - SIDE * mark->bounds.high);
	appendStringInfo(buf, "<circle class=\"nl-mark\" cx=\"%.2f\" cy=\"%.2f\" r=\"4\"", x,
					 bottom - SIDE * mark->accuracy);
	markup_number(buf, "data-n", mark->n);
	markup_number(buf, "data-confidence", mark->confidence);
	markup_number(buf, "data-accuracy", mark->accuracy);
	appendStringInfoString(buf, "><title>");
	markup_count(buf, mark->n);
	appendStringInfo(buf, " rows: mean probability %.3f, right %.3f</title></circle>",
					 mark->confidence, mark->accuracy);
}

/* As calibration() has it. */
CalibrationPicture
calibration_picture_of(const ReliabilityBins *r)
{
	CalibrationPicture p = {.n = r->total,.ece = expected_calibration_error(r),.mce = maximum_calibration_error(r)};

	p.marks = palloc(Max(r->n, 1) * sizeof(CalibrationMark));
	for (int i = 0; i < r->n; i++)
	{
		const ReliabilityBin *bin = &r->bins[i];

		if (bin->n > 0)
			p.marks[p.n_marks++] = (CalibrationMark) {
				bin->low, bin->high, bin->n, bin->probability / bin->n, bin->right / bin->n,
				reliability_bounds(r, bin)
			};
	}
	return p;
}

void
calibration_picture(StringInfo buf, const CalibrationPicture *p, const Caption *caption)
{
	double		top = caption->alone ? 30 : 8;
	double		most = 0;

	svg_begin(buf, top + SIDE + 104, caption->title, caption->alone);
	if (caption->alone)
		svg_name(buf, "nl-ink nl-title", ANCHOR_START, 8, 18, caption->title, 380);
	draw_axes(buf, top);
	for (int i = 0; i < p->n_marks; i++)
		most = Max(most, p->marks[i].n);
	for (int i = 0; i < p->n_marks; i++)
		draw_mark(buf, &p->marks[i], top, most);
	svg_line(buf, "nl-line", LEFT, top + SIDE + 70, LEFT + SIDE, top + SIDE + 70);
	appendStringInfo(buf, "<text class=\"nl-dim nl-small\" x=\"%.0f\" y=\"%.1f\">rows by bin, ", LEFT,
					 top + SIDE + 88);
	markup_count(buf, p->n);
	appendStringInfoString(buf, " in all");
	if (!isnan(p->ece) && !isnan(p->mce))
		appendStringInfo(buf, "; ECE %.3f, MCE %.3f", p->ece, p->mce);
	appendStringInfoString(buf, "</text>");
	svg_end(buf);
}
