/*
 * confusion_picture.c
 *		A confusion matrix as a heat map: of the items of each truth, how many got
 *		which label.  Where there are too many classes, the rarest are drawn as one.
 *
 * Memory: a matrix of the classes drawn.  Interrupts: for each row.
 */
#include "pictures/pictures.h"

#include <math.h>

#include "math/interval.h"
#include "pictures/heat_map.h"

/* A count that is less is drawn as none. */
#define COUNT_LEAST 0.005

typedef struct Drawn
{
	uint32		n;
	NameView   *names;
	double	   *counts;			/* n * n */
	bool		merged;			/* the last stands for several */
} Drawn;

typedef struct ClassCount
{
	uint32		label;
	double		count;
} ClassCount;

static int
by_count(const void *a, const void *b)
{
	const ClassCount *x = a;
	const ClassCount *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return x->label < y->label ? -1 : 1;
}

/* For each label the place where it is drawn; the last is that of all others. */
static uint32 *
places_of(const ConfusionPicture *p, uint32 drawn)
{
	uint32		n = p->labels->n;
	uint32	   *place = palloc(n * sizeof(uint32));
	ClassCount *class = palloc(n * sizeof(ClassCount));
	uint32		next = 0;

	for (uint32 k = 0; k < n; k++)
	{
		CHECK_FOR_INTERRUPTS();
		class[k] = (ClassCount) {k, 0};
		for (uint32 l = 0; l < n; l++)
			class[k].count += p->counts[(Size) k * n + l] + p->counts[(Size) l * n + k];
	}
	pg_qsort(class, n, sizeof(ClassCount), by_count);
	for (uint32 i = 0; i < n; i++)
		place[class[i].label] = drawn < n && i >= drawn - 1 ? drawn - 1 : 0;
	/* in the order of the labels */
	for (uint32 k = 0; k < n; k++)
		if (drawn == n || place[k] == 0)
			place[k] = next++;
	pfree(class);
	return place;
}

static Drawn
classes_drawn(const ConfusionPicture *p)
{
	uint32		n = p->labels->n;
	Drawn		d = {.n = Min(n, p->most)};
	uint32	   *place = places_of(p, d.n);

	d.names = palloc0(d.n * sizeof(NameView));
	d.counts = palloc0((Size) d.n * d.n * sizeof(double));
	for (uint32 k = 0; k < n; k++)
	{
		CHECK_FOR_INTERRUPTS();
		d.names[place[k]] = names_get(p->labels, k);
		for (uint32 l = 0; l < n; l++)
			d.counts[(Size) place[k] * d.n + place[l]] += p->counts[(Size) k * n + l];
	}
	d.merged = d.n < n;
	if (d.merged)
		d.names[d.n - 1] = name_of(psprintf("%u others", n - d.n + 1));
	return d;
}

/* Several labels that are drawn as one may be right or wrong among themselves. */
static bool
is_unclear(const Drawn *d, uint32 truth, uint32 label)
{
	return d->merged && truth == d->n - 1 && label == truth;
}

static void
cell_title(StringInfo buf, const Drawn *d, uint32 truth, uint32 label, double row)
{
	double		count = d->counts[(Size) truth * d->n + label];
	Bounds		b = wilson_interval(count, row, normal_quantile_two_sided(0.95));

	appendStringInfoString(buf, "<title>");
	markup_append_name(buf, d->names[truth], LETTERS(40));
	appendStringInfoString(buf, is_unclear(d, truth, label) ? " called one of these: " :
						   label == truth ? " called so: " : " called ");
	if (label != truth)
	{
		markup_append_name(buf, d->names[label], LETTERS(40));
		appendStringInfoString(buf, ": ");
	}
	markup_count(buf, count);
	appendStringInfoString(buf, " of ");
	markup_count(buf, row);
	appendStringInfo(buf, ", %.1f %% (%.1f&#8211;%.1f)</title>",
					 100 * count / row, 100 * b.low, 100 * b.high);
}

static const char *
cell_class(const Drawn *d, uint32 truth, uint32 label)
{
	if (is_unclear(d, truth, label))
		return "nl-other";
	return label == truth ? "nl-right" : "nl-wrong";
}

static void
draw_row(StringInfo buf, const HeatMap *map, const Drawn *d, uint32 truth)
{
	const double *counts = d->counts + (Size) truth * d->n;
	double		row = 0;

	for (uint32 l = 0; l < d->n; l++)
		row += counts[l];
	appendStringInfoString(buf, "<g");
	markup_attribute(buf, "data-truth", d->names[truth]);
	markup_number(buf, "data-count", row);
	appendStringInfoChar(buf, '>');
	for (uint32 l = 0; l < d->n; l++)
	{
		double		rate = row > 0 ? counts[l] / row : 0;

		if (counts[l] < COUNT_LEAST || isinf(row))
			continue;
		heat_map_cell(buf, map, truth, l, cell_class(d, truth, l), rate);
		markup_attribute(buf, "data-label", d->names[l]);
		markup_number(buf, "data-count", counts[l]);
		markup_number(buf, "data-rate", rate);
		appendStringInfoChar(buf, '>');
		cell_title(buf, d, truth, l, row);
		appendStringInfoString(buf, "</rect>");
		if (rate >= 0.005)
			heat_map_print(buf, map, truth, l, rate, 100 * rate);
	}
	appendStringInfoString(buf, "</g>");
}

void
confusion_picture(StringInfo buf, const ConfusionPicture *p, const Caption *caption)
{
	Drawn		d = classes_drawn(p);
	HeatMap		map = heat_map_layout(d.names, d.n, caption->alone ? 24 : 0);
	double		total = 0;

	for (Size i = 0; i < (Size) d.n * d.n; i++)
		total += d.counts[i];
	svg_begin(buf, map.bottom + 26, caption->title, caption->alone);
	if (caption->alone)
		svg_name(buf, "nl-ink nl-title", ANCHOR_START, 8, 18, caption->title, 380);
	heat_map_frame(buf, &map, "truth", "answer");
	for (uint32 k = 0; k < d.n; k++)
	{
		CHECK_FOR_INTERRUPTS();
		draw_row(buf, &map, &d, k);
	}
	appendStringInfo(buf, "<text class=\"nl-dim nl-small\" x=\"8\" y=\"%.1f\">%% of each row; blue: right, orange: wrong; ",
					 map.bottom + 18);
	markup_count(buf, total);
	appendStringInfoString(buf, " answers</text>");
	svg_end(buf);
}
