/*
 * markup.h
 *		Text of users in SVG and HTML: escaped, and shortened to a width; the one
 *		style sheet; the elements that all pictures are made of.
 *
 * What is made is well-formed XML and valid HTML at once, whatever the names are.
 * Pictures are 400 units wide, so that they are legible on a telephone as they are
 * and two stand side by side elsewhere.  Colours are of Okabe & Ito (2008): blue for
 * what is right, vermilion for what is wrong, and form says the same.
 */
#ifndef NL_MARKUP_H
#define NL_MARKUP_H

#include "names/dictionary.h"

#include "lib/stringinfo.h"

#define PICTURE_WIDTH 400.0

/* The room for a name, in units: that of so many letters, or of all. */
#define LETTERS(n) (8 * (n))
#define WHOLE_NAME PG_INT32_MAX

typedef enum TextAnchor
{
	ANCHOR_START,
	ANCHOR_MIDDLE,
	ANCHOR_END
} TextAnchor;

extern const char *const markup_style;

extern void markup_append(StringInfo buf, NameView text);
extern int	markup_width(NameView name, int most);
extern bool markup_append_name(StringInfo buf, NameView name, int width);
extern void markup_attribute(StringInfo buf, const char *attribute, NameView value);
extern void markup_number(StringInfo buf, const char *attribute, double value);
extern void markup_percent(StringInfo buf, double share);
extern void markup_count(StringInfo buf, double count);

extern void svg_begin(StringInfo buf, double height, NameView title, bool alone);
extern void svg_end(StringInfo buf);
extern void svg_text(StringInfo buf, const char *class, TextAnchor anchor,
					 double x, double y, const char *text);
extern void svg_name(StringInfo buf, const char *class, TextAnchor anchor,
					 double x, double y, NameView name, int width);
extern void svg_line(StringInfo buf, const char *class, double x1, double y1,
					 double x2, double y2);

#endif							/* NL_MARKUP_H */
