/*
 * markup.c
 *		Text of users in SVG and HTML, and what pictures are made of; see markup.h.
 */
#include "pictures/markup.h"

#include <math.h>

#include "mb/pg_wchar.h"

#define ELLIPSIS "&#8230;"
#define ELLIPSIS_WIDTH 12
#define REPLACEMENT "&#65533;"

/*
 * Dark is for screens alone: paper is white.  Cells of heat maps are drawn over the
 * page with the opacity that is their value, so that one hue serves both.
 */
#define DARK "@media screen and (prefers-color-scheme:dark){"

const char *const markup_style =
".nl-picture{font:12px system-ui,-apple-system,sans-serif}"
".nl-page{fill:#fff}.nl-ink{fill:#1a1a1a}.nl-dim{fill:#5a5f66}.nl-small{font-size:10px}.nl-title{font-size:14px}"
".nl-line{stroke:#767676;fill:none}.nl-grid{stroke:#dde1e6;fill:none}.nl-dash{stroke:#767676;fill:none;stroke-dasharray:6 4}"
".nl-cells{fill:#767676;fill-opacity:.09}.nl-bar{fill:#767676;fill-opacity:.45}"
".nl-mark,.nl-right{fill:#0072b2}.nl-wrong{fill:#d55e00}.nl-other{fill:#767676}"
".nl-range{stroke:#0072b2;stroke-width:2;fill:none}.nl-bad{stroke:#d55e00;stroke-width:2;fill:none}"
".nl-thin{stroke:#0072b2;stroke-opacity:.4;fill:none}.nl-dots{stroke:#0072b2;stroke-width:1.6;fill:none}.nl-thin-bad{stroke:#d55e00;fill:none}"
".nl-on{fill:#fff}.nl-half{fill:#1a1a1a}"
DARK
".nl-page{fill:#16191d}.nl-ink{fill:#f0f0f0}.nl-dim{fill:#aab1b9}"
".nl-line{stroke:#8d949c}.nl-grid{stroke:#343a41}.nl-dash{stroke:#8d949c}"
".nl-cells{fill:#9aa3ad}.nl-bar{fill:#9aa3ad}"
".nl-mark,.nl-right{fill:#56b4e9}.nl-wrong{fill:#f08a3c}.nl-other{fill:#9aa3ad}"
".nl-range,.nl-thin,.nl-dots{stroke:#56b4e9}.nl-bad,.nl-thin-bad{stroke:#f08a3c}"
".nl-on,.nl-half{fill:#0c0e10}}";

/*
 * Escaping
 */

/* The code point of a UTF-8 sequence of "len" bytes. */
static uint32
code_point(const char *s, int len)
{
	uint32		c = (unsigned char) s[0];

	if (len == 1)
		return c;
	c &= 0x3f >> (len - 1);
	for (int i = 1; i < len; i++)
		c = c << 6 | ((unsigned char) s[i] & 0x3f);
	return c;
}

/* Whether neither XML nor HTML may have the character, not even as a reference. */
static bool
is_forbidden(const char *s, int len)
{
	uint32		c = len > 1 && GetDatabaseEncoding() != PG_UTF8 ? 0x100 : code_point(s, len);

	return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || (c >= 0x7f && c < 0xa0) ||
		(c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
}

static void
append_character(StringInfo buf, const char *s, int len)
{
	switch (*s)
	{
		case '&':
			appendStringInfoString(buf, "&amp;");
			break;
		case '<':
			appendStringInfoString(buf, "&lt;");
			break;
		case '>':
			appendStringInfoString(buf, "&gt;");
			break;
		case '"':
			appendStringInfoString(buf, "&quot;");
			break;
		case '\t':
		case '\n':
			appendStringInfo(buf, "&#%d;", *s);	/* in an attribute, too, it stays */
			break;
		case '\r':
			appendStringInfoChar(buf, ' ');
			break;
		default:
			if (is_forbidden(s, len))
				appendStringInfoString(buf, REPLACEMENT);
			else
				appendBinaryStringInfo(buf, s, len);
	}
}

static int
character_length(const char *s, const char *end)
{
	return Min(pg_mblen(s), (int) (end - s));
}

void
markup_append(StringInfo buf, NameView text)
{
	const char *end = text.s + text.len;
	int			len;

	for (const char *s = text.s; s < end; s += len)
	{
		len = character_length(s, end);
		append_character(buf, s, len);
	}
}

/*
 * Units that a character of 12 units takes, rather too many than too few: fonts differ,
 * and what is drawn must not reach out of its picture.
 */
static int
character_width(const char *s, int len)
{
	if (len > 1)
		return 7 * Max(pg_dsplen(s), 0);
	if (strchr("mwMW@%<>=+~#", *s) != NULL)
		return 12;
	if (strchr("ijl|.,:;'! ", *s) != NULL)
		return 4;
	return *s >= 'A' && *s <= 'Z' ? 9 : 8;
}

/* Units that a name takes; no more than "most" are counted. */
int
markup_width(NameView name, int most)
{
	const char *end = name.s + name.len;
	int			width = 0;
	int			len;

	for (const char *s = name.s; s < end && width < most; s += len)
	{
		len = character_length(s, end);
		width += character_width(s, len);
	}
	return Min(width, most);
}

/* Shortened to so many units; whether it was.  An empty name is seen. */
bool
markup_append_name(StringInfo buf, NameView name, int width)
{
	const char *end = name.s + name.len;
	bool		shorten = width < WHOLE_NAME && markup_width(name, width + 1) > width;
	int			left = shorten ? width - ELLIPSIS_WIDTH : WHOLE_NAME;
	int			len;

	if (name.len == 0)
		appendStringInfoString(buf, "(empty)");
	for (const char *s = name.s; s < end; s += len)
	{
		len = character_length(s, end);
		left -= shorten ? character_width(s, len) : 0;
		if (left < 0)
			break;
		append_character(buf, s, len);
	}
	if (shorten)
		appendStringInfoString(buf, ELLIPSIS);
	return shorten;
}

void
markup_attribute(StringInfo buf, const char *attribute, NameView value)
{
	appendStringInfo(buf, " %s=\"", attribute);
	markup_append(buf, value);
	appendStringInfoChar(buf, '"');
}

/* What a test, or whoever copies the picture, reads back. */
void
markup_number(StringInfo buf, const char *attribute, double value)
{
	if (!isnan(value))
		appendStringInfo(buf, " %s=\"%.7g\"", attribute, value + 0.0);
}

/* As people write it: 87 %, 99.6 %, and 100 % only where it is. */
void
markup_percent(StringInfo buf, double share)
{
	double		percent = 100 * share;

	if (percent > 0 && percent < 0.1)
		appendStringInfoString(buf, "under 0.1 %");
	else if (percent < 100 && percent > 99.9)
		appendStringInfoString(buf, "over 99.9 %");
	else if (percent == rint(percent) || (percent >= 10 && percent < 99))
		appendStringInfo(buf, "%.0f %%", percent);
	else
		appendStringInfo(buf, "%.1f %%", percent);
}

/* A count, or what is expected of one, with commas between thousands. */
void
markup_count(StringInfo buf, double count)
{
	bool		whole_number = count >= 1000 || fabs(count - rint(count)) < 0.05;
	char	   *digits = psprintf("%.*f", whole_number ? 0 : 1, count);
	int			whole = strcspn(digits, ".");

	for (int i = 0; digits[i] != '\0'; i++)
	{
		if (i > 0 && i < whole && (whole - i) % 3 == 0)
			appendStringInfoChar(buf, ',');
		appendStringInfoChar(buf, digits[i]);
	}
	pfree(digits);
}

/*
 * Elements
 */

/* One that stands alone has the style sheet and a page of its own. */
void
svg_begin(StringInfo buf, double height, NameView title, bool alone)
{
	appendStringInfo(buf, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\" class=\"nl-picture\" role=\"img\">",
					 PICTURE_WIDTH, height, PICTURE_WIDTH, height);
	appendStringInfoString(buf, "<title>");
	markup_append(buf, title);
	appendStringInfoString(buf, "</title>");
	if (!alone)
		return;
	appendStringInfo(buf, "<style>%s</style>", markup_style);
	appendStringInfo(buf, "<rect class=\"nl-page\" width=\"%.0f\" height=\"%.0f\"/>",
					 PICTURE_WIDTH, height);
}

void
svg_end(StringInfo buf)
{
	appendStringInfoString(buf, "</svg>");
}

static void
text_begin(StringInfo buf, const char *class, TextAnchor anchor, double x, double y)
{
	static const char *const anchors[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};

	appendStringInfo(buf, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\"%s>", class, x, y,
					 anchors[anchor]);
}

/* Text of ours, which needs no escaping. */
void
svg_text(StringInfo buf, const char *class, TextAnchor anchor, double x, double y,
		 const char *text)
{
	text_begin(buf, class, anchor, x, y);
	appendStringInfo(buf, "%s</text>", text);
}

/* A name shortened to a width; its title has more of it. */
void
svg_name(StringInfo buf, const char *class, TextAnchor anchor, double x, double y,
		 NameView name, int width)
{
	text_begin(buf, class, anchor, x, y);
	if (markup_append_name(buf, name, width))
	{
		appendStringInfoString(buf, "<title>");
		markup_append_name(buf, name, LETTERS(200));
		appendStringInfoString(buf, "</title>");
	}
	appendStringInfoString(buf, "</text>");
}

void
svg_line(StringInfo buf, const char *class, double x1, double y1, double x2, double y2)
{
	appendStringInfo(buf, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>",
					 class, x1, y1, x2, y2);
}
