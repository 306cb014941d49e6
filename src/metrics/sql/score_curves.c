/*
 * score_curves.c
 *		pr_curve() and roc_curve(): the points of a score_set's curves, thinned.
 *
 * A curve with few points is given whole.  Of a longer one a walk along the points
 * keeps the last that a chord from the one kept before may reach: as far as the
 * chord's width times the range of heights below it stays within a tolerance.  The
 * same walk adds up how far the area has moved, in absolute value, chord by chord.
 * The tolerance is the largest of a series for which all that is within MAX_ERROR,
 * or, where the caller says how many points he wants, for which there are no more.
 *
 * The area of a precision-recall curve is told in two ways, by trapezes and by the
 * steps of average precision; the larger error counts.
 *
 * Memory: a row at a time.  Interrupts: as scores pass; a dozen walks at most.
 */
#include "metrics/ranking.h"

#include <math.h>

#include "pg/results.h"
#include "utils/float.h"

#define WHOLE_POINTS 1000
#define MAX_ERROR 1e-3
#define TOLERANCE(step) ldexp(4, -(step))	/* 4: any chord of the unit square */
#define LAST_STEP 60

typedef struct Curve
{
	const ScoreSet *set;
	ScoreTotals totals;
	bool		roc;
} Curve;

typedef struct Point
{
	Selected	selected;
	bool		none;			/* nothing is selected, there is no threshold */
	double		x;
	double		y;
} Point;

/* A walk, from the last point that was kept to where it is. */
typedef struct Walk
{
	const Curve *curve;
	double		tolerance;
	ResultRows *rows;			/* NULL: only count and measure */
	Point		kept;
	Point		last;
	bool		pending;		/* the last is not kept yet */
	double		low;			/* of the heights since then */
	double		high;
	double		steps;			/* areas since then */
	double		trapezes;
	uint64		count;
	double		error;
} Walk;

static double
share(double part, double of)
{
	return of > 0 ? part / of : get_float8_nan();
}

/* threshold, selected, then ppv and recall, or the rates of false and true positives */
static void
emit(Walk *walk, const Point *point)
{
	ResultRows *rows = walk->rows;
	const ScoreTotals *totals = &walk->curve->totals;
	const Selected *s = &point->selected;
	double		recall = share(s->positives, totals->positives);

	walk->count++;
	if (rows == NULL)
		return;
	measure_column(rows->values, rows->nulls, 0,
				   point->none ? get_float8_nan() : s->threshold);
	rows->values[1] = count_datum(selected_total(s));
	measure_column(rows->values, rows->nulls, 2, walk->curve->roc ?
				   share(s->negatives, totals->negatives) :
				   share(s->positives, selected_total(s)));
	measure_column(rows->values, rows->nulls, 3, recall);
	rows_add(rows);
}

static void
keep(Walk *walk, const Point *point)
{
	emit(walk, point);
	walk->kept = walk->last = *point;
	walk->pending = false;
	walk->low = walk->high = point->y;
	walk->steps = walk->trapezes = 0;
}

/* The end of a chord, which is the last point. */
static void
keep_last(Walk *walk)
{
	const Point *from = &walk->kept;
	const Point *to = &walk->last;
	double		width = to->x - from->x;
	double		of_trapezes = fabs(walk->trapezes - width * (from->y + to->y) / 2);
	double		of_steps = fabs(walk->steps - width * to->y);
	Point		last = walk->last;

	walk->error += walk->curve->roc ? of_trapezes : Max(of_trapezes, of_steps);
	keep(walk, &last);
}

static void
visit(Walk *walk, const Point *point)
{
	double		low = Min(walk->low, point->y);
	double		high = Max(walk->high, point->y);

	if (walk->pending &&
		(point->x - walk->kept.x) * (high - low) > walk->tolerance)
	{
		keep_last(walk);
		low = Min(walk->low, point->y);
		high = Max(walk->high, point->y);
	}
	walk->steps += (point->x - walk->last.x) * point->y;
	walk->trapezes += (point->x - walk->last.x) * (point->y + walk->last.y) / 2;
	walk->low = low;
	walk->high = high;
	walk->last = *point;
	walk->pending = true;
}

/* Undefined shares are 0 here; emit() says what they are. */
static Point
point_at(const Curve *curve, const Selected *s)
{
	const ScoreTotals *t = &curve->totals;
	double		recall = t->positives > 0 ? s->positives / t->positives : 0;

	if (curve->roc)
		return (Point) {*s, false, t->negatives > 0 ? s->negatives / t->negatives : 0, recall};
	return (Point) {*s, false, recall, s->positives / selected_total(s)};
}

static Walk
walk_curve(const Curve *curve, double tolerance, ResultRows *rows)
{
	Walk		walk = {.curve = curve,.tolerance = tolerance,.rows = rows};
	Selected	selected = {0};

	if (curve->roc)
		keep(&walk, &(Point) {.none = true});
	for (uint32 i = curve->set->n; i-- > 0;)
	{
		ScoreEntry	e = score_set_entry(curve->set, i);
		Point		point;

		NL_CHECK_INTERRUPTS(i);
		selected_add(&selected, &e);
		point = point_at(curve, &selected);
		if (walk.count == 0 || tolerance < 0)
			keep(&walk, &point);
		else
			visit(&walk, &point);
	}
	if (walk.pending)
		keep_last(&walk);
	return walk;
}

/* The largest tolerance that leaves the area within MAX_ERROR. */
static double
tolerance_for_area(const Curve *curve)
{
	for (int step = 6; step < LAST_STEP; step += 2)
		if (walk_curve(curve, TOLERANCE(step), NULL).error <= MAX_ERROR)
			return TOLERANCE(step);
	return 0;
}

/* A small one that leaves no more points than that. */
static double
tolerance_for_points(const Curve *curve, uint64 points)
{
	int			enough = 0;		/* step: with it there are 2 points */
	int			too_small = LAST_STEP;

	while (too_small - enough > 1)
	{
		int			step = (enough + too_small) / 2;

		if (walk_curve(curve, TOLERANCE(step), NULL).count <= points)
			enough = step;
		else
			too_small = step;
	}
	return TOLERANCE(enough);
}

static Datum
return_curve(FunctionCallInfo fcinfo, bool roc)
{
	Curve		curve = {.roc = roc};
	bool		limited = PG_NARGS() > 1 && !PG_ARGISNULL(1);
	int			points = limited ? PG_GETARG_INT32(1) : WHOLE_POINTS;
	double		tolerance = -1;	/* all points */
	ResultRows	rows;

	if (points < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%d points do not make a curve", points),
				 errhint("Give 2 or more, or leave it out: then the area is kept to within 0.001.")));
	if (PG_ARGISNULL(0))
	{
		rows = rows_begin(fcinfo);
		return rows_end(&rows);
	}
	curve.set = PG_GETARG_SCORE_SET(0);
	curve.totals = score_totals(curve.set);
	if ((uint64) curve.set->n + roc > (uint64) points)
		tolerance = limited ? tolerance_for_points(&curve, points) : tolerance_for_area(&curve);
	rows = rows_begin(fcinfo);
	(void) walk_curve(&curve, tolerance, &rows);
	return rows_end(&rows);
}

NL_FUNCTION(pr_curve);
Datum
pr_curve(PG_FUNCTION_ARGS)
{
	return return_curve(fcinfo, false);
}

NL_FUNCTION(roc_curve);
Datum
roc_curve(PG_FUNCTION_ARGS)
{
	return return_curve(fcinfo, true);
}
