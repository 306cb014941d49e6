/*
 * heat_map.c
 *		A square of cells; see heat_map.h.
 *
 * Columns' names stand aslant where there are few, upright where there are many.
 */
#include "pictures/heat_map.h"

#define NAME_WIDTH 96
#define ASLANT_MOST 12			/* columns */
#define CELL_MOST 56.0
#define PRINT_LEAST 13.0		/* a cell that holds two digits */

/* Shares from which on text is on the colour rather than on the page. */
#define ON_COLOUR 0.75
#define HALF_COLOUR 0.5

HeatMap
heat_map_layout(const NameView *names, uint32 n, double top)
{
	HeatMap		map = {.n = n, .names = names};
	double		widest = 24;
	double		room;

	for (uint32 i = 0; i < n; i++)
		widest = Max(widest, markup_width(names[i], NAME_WIDTH));
	map.left = 30 + widest;
	map.top = top + 16 + (n <= ASLANT_MOST ? 0.72 : 1) * widest;
	room = PICTURE_WIDTH - map.left - (n <= ASLANT_MOST ? 0.72 * widest : 6);
	map.cell = Min(room / n, CELL_MOST);
	map.bottom = map.top + n * map.cell;
	return map;
}

static void
column_name(StringInfo buf, const HeatMap *map, uint32 i, const char *class)
{
	double		x = map->left + (i + 0.5) * map->cell;
	double		y = map->top - 5;
	bool		aslant = map->n <= ASLANT_MOST;

	appendStringInfo(buf, "<g transform=\"translate(%.1f %.1f) rotate(%d)\">",
					 x + (aslant ? 0 : 4), y, aslant ? -45 : -90);
	svg_name(buf, class, ANCHOR_START, 0, 0, map->names[i], NAME_WIDTH);
	appendStringInfoString(buf, "</g>");
}

/* Names of both sides, what these are, and the cells' ground. */
void
heat_map_frame(StringInfo buf, const HeatMap *map, const char *rows, const char *columns)
{
	const char *class = map->cell < 11 ? "nl-ink nl-small" : "nl-ink";
	double		side = map->bottom - map->top;
	double		middle = map->top + side / 2;

	svg_text(buf, "nl-dim nl-small", ANCHOR_START, 8, map->top - 6, columns);
	appendStringInfo(buf, "<g transform=\"translate(14 %.1f) rotate(-90)\">", middle);
	svg_text(buf, "nl-dim nl-small", ANCHOR_MIDDLE, 0, 0, rows);
	appendStringInfoString(buf, "</g>");
	appendStringInfo(buf, "<rect class=\"nl-cells\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
					 map->left, map->top, side, side);
	for (uint32 i = 0; i < map->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		svg_name(buf, class, ANCHOR_END, map->left - 6, map->top + (i + 0.5) * map->cell + 4,
				 map->names[i], NAME_WIDTH);
		column_name(buf, map, i, class);
	}
}

/* The beginning of a cell, to which attributes may be added. */
void
heat_map_cell(StringInfo buf, const HeatMap *map, uint32 row, uint32 column,
			  const char *class, double share)
{
	double		gap = map->cell > 8 ? 1 : 0;

	appendStringInfo(buf, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill-opacity=\"%.2f\"",
					 class, map->left + column * map->cell + gap / 2,
					 map->top + row * map->cell + gap / 2,
					 map->cell - gap, map->cell - gap, share);
}

/* Its value as whole percent, where the cell has room for it. */
void
heat_map_print(StringInfo buf, const HeatMap *map, uint32 row, uint32 column,
			   double share, double percent)
{
	const char *class = share >= ON_COLOUR ? "nl-on" : share >= HALF_COLOUR ? "nl-half" : "nl-ink";

	if (map->cell < PRINT_LEAST)
		return;
	appendStringInfo(buf, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" font-size=\"%.0f\" pointer-events=\"none\">%.0f</text>",
					 class, map->left + (column + 0.5) * map->cell,
					 map->top + (row + 0.5) * map->cell + map->cell * 0.14 + 1,
					 Max(Min(map->cell * 0.38, 14), 7), percent);
}
