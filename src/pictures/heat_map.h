/*
 * heat_map.h
 *		A square of cells whose rows and columns have the same names.
 */
#ifndef NL_HEAT_MAP_H
#define NL_HEAT_MAP_H

#include "pictures/markup.h"

typedef struct HeatMap
{
	uint32		n;
	const NameView *names;
	double		left;			/* where the cells begin */
	double		top;
	double		cell;			/* their side */
	double		bottom;			/* where they end */
} HeatMap;

extern HeatMap heat_map_layout(const NameView *names, uint32 n, double top);
extern void heat_map_frame(StringInfo buf, const HeatMap *map, const char *rows,
						   const char *columns);
extern void heat_map_cell(StringInfo buf, const HeatMap *map, uint32 row, uint32 column,
						  const char *class, double share);
extern void heat_map_print(StringInfo buf, const HeatMap *map, uint32 row, uint32 column,
						   double share, double percent);

#endif							/* NL_HEAT_MAP_H */
