/*
 * report_times.c
 *		Time lines of the report: how much was answered when, how much of it is the
 *		consensus, and how long answers took; the second of single annotators, too.
 *
 * A period is drawn where it was, as wide as it was long, so that one without answers
 * is a gap.  Interrupts: with periods.
 */
#include "pictures/report.h"

#include <math.h>

#include "utils/datetime.h"

#define LEFT 42.0
#define RIGHT 388.0
#define TOP 14.0
#define HEIGHT 104.0
#define BAR_WIDEST 40.0
#define ENOUGH 10				/* answers of an annotator, for a dot */
#define DATES 4					/* below a picture, at most; the first and the last of a small one */
#define DATE_WIDTH 72.0

/* Where days and values are. */
typedef struct Plot
{
	double		first;			/* day */
	double		last;
	double		low;			/* value at the bottom */
	double		high;
	double		whole;			/* that of all: dashed */
	bool		small;			/* with larger letters, since it is drawn small */
} Plot;

/* A value with an interval. */
typedef struct Dot
{
	const Period *period;
	double		at;
	double		low;
	double		high;
} Dot;

static double
day_x(const Plot *p, double day)
{
	return LEFT + (RIGHT - LEFT) * (day - p->first) / (p->last - p->first);
}

static double
middle_x(const Plot *p, const Period *period)
{
	return day_x(p, (period->from + (double) period->to) / 2);
}

static double
value_y(const Plot *p, double value)
{
	return TOP + HEIGHT * (p->high - value) / (p->high - p->low);
}

static void
append_day(StringInfo buf, double day)
{
	int			year,
				month,
				mday;

	j2date((int) day + POSTGRES_EPOCH_JDATE, &year, &month, &mday);
	appendStringInfo(buf, "%04d-%02d-%02d", year, month, mday);
}

/* In the text of the page, where a day is not broken at its hyphens. */
static void
append_time(StringInfo buf, double day)
{
	appendStringInfoString(buf, "<time>");
	append_day(buf, day);
	appendStringInfoString(buf, "</time>");
}

static void
append_when(StringInfo buf, const Period *period)
{
	int			days = period->to - period->from;

	if (days == 1)
		appendStringInfoString(buf, "on ");
	else
		appendStringInfo(buf, "in the %d days from ", days);
	append_time(buf, period->from);
}

/* A day, or its first and its last. */
static void
append_period(StringInfo buf, const Period *period)
{
	append_day(buf, period->from);
	if (period->to - period->from == 1)
		return;
	appendStringInfoString(buf, " to ");
	append_day(buf, period->to - 1.0);
}

static void
day_attribute(StringInfo buf, const Period *period)
{
	appendStringInfoString(buf, " data-day=\"");
	append_day(buf, period->from);
	appendStringInfoChar(buf, '"');
}

/*
 * Axes
 */
static void
draw_dates(StringInfo buf, const Plot *p)
{
	double		days = p->last - p->first;
	int			n = (int) Min(p->small ? 2 : DATES, days);

	for (int i = 0; i < n; i++)
	{
		double		day = n == 1 ? p->first : p->first + floor(i * (days - 1) / (n - 1));
		double		x = day_x(p, day + 0.5);
		StringInfoData name;

		initStringInfo(&name);
		append_day(&name, day);
		svg_line(buf, "nl-line", x, TOP + HEIGHT, x, TOP + HEIGHT + 4);
		svg_text(buf, p->small ? "nl-dim" : "nl-dim nl-small", ANCHOR_MIDDLE,
				 Min(Max(x, DATE_WIDTH / 2), PICTURE_WIDTH - DATE_WIDTH / 2), TOP + HEIGHT + 16,
				 name.data);
		pfree(name.data);
	}
	svg_line(buf, "nl-line", LEFT, TOP + HEIGHT, RIGHT, TOP + HEIGHT);
}

static void
draw_grid(StringInfo buf, const Plot *p, double value, const char *name)
{
	svg_line(buf, "nl-grid", LEFT, value_y(p, value), RIGHT, value_y(p, value));
	svg_text(buf, p->small ? "nl-dim" : "nl-dim nl-small", ANCHOR_END, LEFT - 4, value_y(p, value) + 4, name);
}

/* The least number of one digit, or half of it, that is not below the value. */
static double
round_up(double value)
{
	static const double leading[] = {1, 1.5, 2, 3, 4, 5, 6, 8, 10};
	double		power = pow(10, floor(log10(value)));
	int			i = 0;

	while (i + 1 < (int) lengthof(leading) && leading[i] * power < value)
		i++;
	return leading[i] * power;
}

/* "12k" where there is no room for more */
static char *
short_number(double value)
{
	return value >= 1e9 ? psprintf("%gbn", value / 1e9) : value >= 1e6 ? psprintf("%gm", value / 1e6) :
		value >= 1e4 ? psprintf("%gk", value / 1e3) : psprintf("%g", value);
}

static void
begin_picture(StringInfo buf, const Plot *p, const char *title)
{
	svg_begin(buf, TOP + HEIGHT + 24, name_of(title), false);
	draw_dates(buf, p);
}

/*
 * Answers
 */
static void
draw_answers(StringInfo buf, const Plot *p, const Period *period)
{
	double		from = day_x(p, period->from);
	double		to = day_x(p, period->to);
	double		width = Min(Max((to - from) * 0.84, 0.6), BAR_WIDEST);
	double		y = value_y(p, period->answers);

	CHECK_FOR_INTERRUPTS();
	appendStringInfo(buf, "<rect class=\"nl-mark\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"",
					 (from + to - width) / 2, y, width, TOP + HEIGHT - y);
	day_attribute(buf, period);
	markup_number(buf, "data-answers", period->answers);
	appendStringInfoString(buf, "><title>");
	append_period(buf, period);
	appendStringInfoString(buf, ": ");
	markup_count(buf, period->answers);
	appendStringInfoString(buf, " answers</title></rect>");
}

static void
answers_picture(StringInfo buf, Plot plot, const TimeLine *all)
{
	double		most = 1;

	for (uint32 i = 0; i < all->n; i++)
		most = Max(most, all->at[i].answers);
	plot.low = 0;
	plot.high = round_up(most);
	begin_picture(buf, &plot, "Answers over time");
	for (int i = 1; i <= 2; i++)
		draw_grid(buf, &plot, plot.high * i / 2, short_number(plot.high * i / 2));
	for (uint32 i = 0; i < all->n; i++)
		draw_answers(buf, &plot, &all->at[i]);
	svg_end(buf);
}

/*
 * Values with intervals
 */

/* Periods without a value break the line. */
static void
draw_course(StringInfo buf, const Plot *p, const Dot *dot, uint32 n)
{
	appendStringInfoString(buf, "<path class=\"nl-thin\" d=\"");
	for (uint32 i = 0; i < n; i++)
		appendStringInfo(buf, "%s%.1f %.1f", i > 0 && dot[i].period->from == dot[i - 1].period->to ? "L" : "M",
						 middle_x(p, dot[i].period), value_y(p, dot[i].at));
	appendStringInfoString(buf, "\"/>");
}

static void
draw_interval(StringInfo buf, const Plot *p, const Dot *dot)
{
	double		x = middle_x(p, dot->period);

	if (!isnan(dot->low))
		svg_line(buf, "nl-range", x, value_y(p, dot->low), x, value_y(p, dot->high));
}

/* How large a dot may be where so many stand side by side. */
static double
dot_radius(const Plot *p, const Dot *dot)
{
	double		width = day_x(p, dot->period->to) - day_x(p, dot->period->from);

	return Max(Min(width * 0.36, 3.5), 1.8);
}

static void
begin_dot(StringInfo buf, const Plot *p, const Dot *dot)
{
	CHECK_FOR_INTERRUPTS();
	appendStringInfo(buf, "<circle class=\"nl-mark\" cx=\"%.2f\" cy=\"%.2f\" r=\"%.1f\"",
					 middle_x(p, dot->period), value_y(p, dot->at), dot_radius(p, dot));
	day_attribute(buf, dot->period);
}

/*
 * Share of answers that are the consensus
 */
static uint32
like_dots(const TimeLine *line, Dot *dot)
{
	double		z = normal_quantile_two_sided(0.95);
	uint32		n = 0;

	for (uint32 i = 0; i < line->n; i++)
	{
		const Period *period = &line->at[i];
		Bounds		bounds;

		if (!(period->compared > 0) || isnan(period->like))
			continue;
		bounds = wilson_interval(period->like * period->compared, period->compared, z);
		dot[n++] = (Dot) {period, period->like, bounds.low, bounds.high};
	}
	return n;
}

static void
draw_like(StringInfo buf, const Plot *p, const Dot *dot)
{
	begin_dot(buf, p, dot);
	markup_number(buf, "data-compared", dot->period->compared);
	markup_number(buf, "data-like", dot->at);
	markup_number(buf, "data-low", dot->low);
	markup_number(buf, "data-high", dot->high);
	appendStringInfoString(buf, "><title>");
	append_period(buf, dot->period);
	appendStringInfo(buf, ": %.1f %% (%.1f&#8211;%.1f) of ", 100 * dot->at, 100 * dot->low, 100 * dot->high);
	markup_count(buf, dot->period->compared);
	appendStringInfoString(buf, " answers</title></circle>");
}

static void
draw_likes(StringInfo buf, const Plot *p, const Dot *dot, uint32 n, const char *title)
{
	int			step = p->low < 0.5 ? 5 : p->low < 0.8 ? 2 : 1;

	begin_picture(buf, p, title);
	for (int i = 10; i >= rint(p->low * 10); i -= step)
		draw_grid(buf, p, i / 10.0, psprintf("%d%s", 10 * i, i == 10 ? " %" : ""));
	svg_line(buf, "nl-dash", LEFT, value_y(p, p->whole), RIGHT, value_y(p, p->whole));
	draw_course(buf, p, dot, n);
	for (uint32 i = 0; i < n; i++)
		draw_interval(buf, p, &dot[i]);
	for (uint32 i = 0; i < n; i++)
		draw_like(buf, p, &dot[i]);
	svg_end(buf);
}

/* A whole tenth below all of a line's intervals, .9 at most. */
static double
like_low(const TimeLine *line, Dot *dot, double low)
{
	uint32		n = like_dots(line, dot);

	for (uint32 i = 0; i < n; i++)
		low = Min(low, floor(dot[i].low * 10) / 10);
	return low;
}

/*
 * Seconds
 */
static void
draw_seconds(StringInfo buf, const Plot *p, const Dot *dot)
{
	begin_dot(buf, p, dot);
	markup_number(buf, "data-seconds", dot->at);
	markup_number(buf, "data-low", dot->low);
	markup_number(buf, "data-high", dot->high);
	appendStringInfoString(buf, "><title>");
	append_period(buf, dot->period);
	appendStringInfo(buf, ": %.3g s (%.3g&#8211;%.3g)</title></circle>", dot->at, dot->low, dot->high);
}

static void
seconds_picture(StringInfo buf, Plot plot, const Dot *dot, uint32 n)
{
	double		most = 0;

	for (uint32 i = 0; i < n; i++)
		most = Max(most, dot[i].high);
	plot.low = 0;
	plot.high = most > 0 ? round_up(most) : 1;
	begin_picture(buf, &plot, "Seconds per answer over time");
	for (int i = 1; i <= 2; i++)
		draw_grid(buf, &plot, plot.high * i / 2, short_number(plot.high * i / 2));
	draw_course(buf, &plot, dot, n);
	for (uint32 i = 0; i < n; i++)
		draw_interval(buf, &plot, &dot[i]);
	for (uint32 i = 0; i < n; i++)
		draw_seconds(buf, &plot, &dot[i]);
	svg_end(buf);
}

/*
 * Figures, with what they say in words
 */
static void
append_share(StringInfo buf, const Dot *dot)
{
	appendStringInfo(buf, "%.1f %% (%.1f&#8211;%.1f) ", 100 * dot->at, 100 * dot->low, 100 * dot->high);
	append_when(buf, dot->period);
}

static void
answers_figure(StringInfo buf, const Plot *plot, const TimeLine *all)
{
	const Period *most = &all->at[0];
	double		sum = 0;

	for (uint32 i = 0; i < all->n; i++)
	{
		sum += all->at[i].answers;
		if (all->at[i].answers > most->answers)
			most = &all->at[i];
	}
	appendStringInfoString(buf, "<figure><figcaption><h3>When it was answered</h3>");
	markup_count(buf, sum);
	appendStringInfoString(buf, " answers with a time, from ");
	append_time(buf, plot->first);
	appendStringInfoString(buf, " to ");
	append_time(buf, plot->last - 1);
	appendStringInfoString(buf, "; most ");
	append_when(buf, most);
	appendStringInfoString(buf, ": ");
	markup_count(buf, most->answers);
	appendStringInfoString(buf, ".</figcaption>");
	answers_picture(buf, *plot, all);
	appendStringInfoString(buf, "</figure>\n");
}

/* The share of a line that is the consensus, on the whole. */
static double
whole_of(const Dot *dot, uint32 n)
{
	double		like = 0;
	double		compared = 0;

	for (uint32 i = 0; i < n; i++)
	{
		like += dot[i].at * dot[i].period->compared;
		compared += dot[i].period->compared;
	}
	return like / compared;
}

static void
like_figure(StringInfo buf, const Plot *plot, const Dot *dot, uint32 n)
{
	const Dot  *least = dot;
	const Dot  *most = dot;

	for (uint32 i = 0; i < n; i++)
	{
		least = dot[i].at < least->at ? &dot[i] : least;
		most = dot[i].at > most->at ? &dot[i] : most;
	}
	appendStringInfo(buf, "<figure><figcaption><h3>How much of it is the consensus</h3>Share of answers that are the consensus, on items with several, with its 95 %% interval: %.1f %% on the whole (dashed)",
					 100 * plot->whole);
	if (n > 1)
	{
		appendStringInfoString(buf, ", least ");
		append_share(buf, least);
		appendStringInfoString(buf, ", most ");
		append_share(buf, most);
	}
	appendStringInfoString(buf, ". Each answer has a say in the consensus, so this flatters all.</figcaption>");
	draw_likes(buf, plot, dot, n, "Share like the consensus over time");
	appendStringInfoString(buf, "</figure>\n");
}

static void
seconds_figure(StringInfo buf, const Plot *plot, const TimeLine *all, Dot *dot)
{
	uint32		n = 0;

	for (uint32 i = 0; i < all->n; i++)
	{
		const double *s = all->at[i].seconds;

		if (!isnan(s[0]))
			dot[n++] = (Dot) {&all->at[i], s[1], s[0], s[2]};
	}
	if (n == 0)
		return;
	appendStringInfo(buf, "<figure><figcaption><h3>How long an answer took</h3>Of each annotator and day the median of seconds: half of these medians are below the dot, half are within the line. %.3g s ", dot[0].at);
	append_when(buf, dot[0].period);
	if (n > 1)
	{
		appendStringInfo(buf, ", %.3g s ", dot[n - 1].at);
		append_when(buf, dot[n - 1].period);
	}
	appendStringInfoString(buf, ".</figcaption>");
	seconds_picture(buf, *plot, dot, n);
	appendStringInfoString(buf, "</figure>\n");
}

/* Periods with about half of the answers; not all, of two or more. */
static uint32
earlier_half(const Dot *dot, uint32 n)
{
	double		answers = 0;
	double		before = 0;
	uint32		i = 0;

	for (uint32 k = 0; k < n; k++)
		answers += dot[k].period->compared;
	while (i < n - 1 && (i == 0 || before + dot[i].period->compared <= answers / 2))
		before += dot[i++].period->compared;
	return i;
}

static void
annotator_figure(StringInfo buf, const Plot *plot, const TimeLine *line, Dot *dot)
{
	uint32		n = like_dots(line, dot);
	uint32		earlier = earlier_half(dot, n);
	double		answers = 0;

	for (uint32 i = 0; i < line->n; i++)
		answers += line->at[i].answers;
	appendStringInfoString(buf, "<figure class=\"nl-times\"");
	markup_attribute(buf, "data-annotator", line->name);
	appendStringInfoString(buf, "><figcaption><h3>");
	markup_append_name(buf, line->name, LETTERS(60));
	appendStringInfoString(buf, "</h3>");
	markup_count(buf, answers);
	appendStringInfo(buf, " answers, %.0f %% like the consensus", 100 * whole_of(dot, n));
	appendStringInfo(buf, "; of the earlier half %.0f %%, of the later %.0f %%", 100 * whole_of(dot, earlier),
					 100 * whole_of(dot + earlier, n - earlier));
	appendStringInfoString(buf, "</figcaption>");
	draw_likes(buf, plot, dot, n, "Share like the consensus over time, of one annotator");
	appendStringInfoString(buf, "</figure>\n");
}

/* Periods of an annotator are joined until there are enough answers for an interval that tells. */
static TimeLine
join_periods(const TimeLine *line)
{
	Period	   *joined = nl_alloc(CurrentMemoryContext, mul_size(Max(line->n, 1), sizeof(Period)));
	uint32		n = 0;

	for (uint32 i = 0; i < line->n; i++)
	{
		const Period *next = &line->at[i];
		bool		known = next->compared > 0 && !isnan(next->like);
		Period	   *last = n > 0 ? &joined[n - 1] : NULL;
		double		like = known ? next->like * next->compared : 0;

		CHECK_FOR_INTERRUPTS();
		if (last == NULL || last->compared >= ENOUGH)
		{
			last = &joined[n++];
			*last = (Period) {.from = next->from};
		}
		last->to = next->to;
		last->answers += next->answers;
		last->like += like;
		last->compared += known ? next->compared : 0;
	}
	/* what is left at the end is too little by itself */
	if (n > 1 && joined[n - 1].compared < ENOUGH)
	{
		n--;
		joined[n - 1].to = joined[n].to;
		joined[n - 1].answers += joined[n].answers;
		joined[n - 1].like += joined[n].like;
		joined[n - 1].compared += joined[n].compared;
	}
	for (uint32 i = 0; i < n; i++)
		joined[i].like = Min(joined[i].like / joined[i].compared, 1);
	return (TimeLine) {line->name, n, joined};
}

/* All on one scale.  A line of one dot would say nothing of time. */
static void
annotator_figures(StringInfo buf, Plot plot, const Report *r, Dot *dot)
{
	const TimeLines *times = r->times;
	uint32		most = Min(times->n, (uint32) r->options.lines);
	TimeLine   *joined = nl_alloc(CurrentMemoryContext, mul_size(Max(most, 1), sizeof(TimeLine)));
	uint32		drawn = 0;

	plot.small = true;
	for (uint32 i = 0; i < most; i++)
	{
		TimeLine	line = join_periods(&times->of[i]);

		if (like_dots(&line, dot) < 2)
			continue;
		joined[drawn++] = line;
		plot.low = like_low(&line, dot, plot.low);
	}
	if (drawn == 0)
		return;
	appendStringInfoString(buf, "<p class=\"dim\">The same share of those who have answered most, of at least ten answers each time, all on one scale. The dashed line is the share of all annotators.</p><div class=\"cards small\">");
	for (uint32 i = 0; i < drawn; i++)
		annotator_figure(buf, &plot, &joined[i], dot);
	appendStringInfoString(buf, "</div>");
}

void
report_times(StringInfo buf, const Report *r)
{
	const TimeLine *all = r->times == NULL ? NULL : &r->times->all;
	Plot		plot;
	Dot		   *dot;
	uint32		n;

	if (all == NULL || all->n == 0)
		return;
	dot = nl_alloc(CurrentMemoryContext, mul_size(all->n, sizeof(Dot)));
	plot = (Plot) {.first = all->at[0].from,.last = all->at[all->n - 1].to,.low = like_low(all, dot, 0.9),.high = 1};
	appendStringInfoString(buf, "<section class=\"times\"><h2>Over time</h2><div class=\"cards\">");
	answers_figure(buf, &plot, all);
	n = like_dots(all, dot);
	if (n > 0)
	{
		plot.whole = whole_of(dot, n);
		like_figure(buf, &plot, dot, n);
	}
	seconds_figure(buf, &plot, all, dot);
	appendStringInfoString(buf, "</div>");
	/* on items with single answers there is nothing to compare with */
	if (n > 0)
		annotator_figures(buf, plot, r, dot);
	appendStringInfoString(buf, "</section>\n");
	pfree(dot);
}
