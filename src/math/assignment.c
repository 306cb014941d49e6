/*
 * assignment.c
 *		The assignment problem: pair rows with columns at the greatest gain.
 *
 * The Hungarian method (Kuhn 1955) in the form of shortest augmenting paths
 * (Jonker & Volgenant 1987), exact in O(n^3).  Each row and column has a
 * potential; the slack of a cell, row potential + column potential - gain, is
 * never negative, and 0 for the pairs made so far.  Rows come in one by one.  A
 * new row grows a tree of columns that can be reached at the least total
 * slack, Dijkstra's way, until it meets a free column; the pairs along the path
 * to it change partners.
 *
 * Each step adds a column to the tree, so it ends whatever rounding does, and
 * ties go to the first column: the same gains give the same pairs.
 *
 * Memory: six arrays of n.  Interrupts: for each row, which takes n^2 steps at
 * most.
 */
#include "math/assignment.h"

#include <float.h>

#define FREE PG_UINT32_MAX

typedef struct Assignment
{
	const double *gain;			/* n * n */
	uint32		n;
	double	   *row_potential;
	double	   *column_potential;
	uint32	   *row_of;			/* of a column, or FREE */
	double	   *distance;		/* total slack on the way to a column */
	uint32	   *before;			/* the row from which that is */
	double	   *reached;		/* the same once it is in the tree, else -1 */
} Assignment;

Size
assignment_memory(uint32 n)
{
	return mul_size(n, 4 * sizeof(double) + 2 * sizeof(uint32));
}

static double
slack(const Assignment *s, uint32 row, uint32 column)
{
	return s->row_potential[row] + s->column_potential[column] -
		s->gain[(Size) row * s->n + column];
}

/* Shorten distances by going through "row", which is reached at "at". */
static void
reach_from(Assignment *s, uint32 row, double at)
{
	for (uint32 c = 0; c < s->n; c++)
	{
		double		d;

		if (s->reached[c] >= 0)
			continue;
		d = at + Max(slack(s, row, c), 0);
		if (d < s->distance[c])
		{
			s->distance[c] = d;
			s->before[c] = row;
		}
	}
}

static uint32
nearest_column(const Assignment *s)
{
	uint32		nearest = FREE;

	for (uint32 c = 0; c < s->n; c++)
		if (s->reached[c] < 0 &&
			(nearest == FREE || s->distance[c] < s->distance[nearest]))
			nearest = c;
	return nearest;
}

/*
 * Grow the tree from a new row to a free column, which is returned.  Then
 * potentials change by what each was nearer than that column, so that the
 * cells on the path have no slack.
 */
static uint32
find_path(Assignment *s, uint32 row)
{
	double		at = 0;
	uint32		from = row;
	uint32		c;

	for (c = 0; c < s->n; c++)
	{
		s->distance[c] = DBL_MAX;
		s->reached[c] = -1;
	}
	for (;;)
	{
		reach_from(s, from, at);
		c = nearest_column(s);
		at = s->distance[c];
		if (s->row_of[c] == FREE)
			break;
		s->reached[c] = at;
		from = s->row_of[c];
	}
	s->row_potential[row] -= at;
	for (uint32 i = 0; i < s->n; i++)
		if (s->reached[i] >= 0)
		{
			s->row_potential[s->row_of[i]] -= at - s->reached[i];
			s->column_potential[i] += at - s->reached[i];
		}
	return c;
}

/*
 * gain[row * n + column] is what a pair is worth; column_of[row] becomes the
 * column that the row is paired with.
 */
void
assignment_solve(const double *gain, uint32 n, uint32 *column_of)
{
	Assignment	s = {.gain = gain,.n = n};

	s.row_potential = palloc(n * sizeof(double));
	s.column_potential = palloc0(n * sizeof(double));
	s.distance = palloc(n * sizeof(double));
	s.reached = palloc(n * sizeof(double));
	s.row_of = palloc(n * sizeof(uint32));
	s.before = palloc(n * sizeof(uint32));
	for (uint32 c = 0; c < n; c++)
		s.row_of[c] = column_of[c] = FREE;
	for (uint32 row = 0; row < n; row++)
	{
		uint32		c;

		CHECK_FOR_INTERRUPTS();
		s.row_potential[row] = -DBL_MAX;
		for (c = 0; c < n; c++)
			s.row_potential[row] = Max(s.row_potential[row],
									   gain[(Size) row * n + c] - s.column_potential[c]);
		c = find_path(&s, row);
		while (c != FREE)
		{
			uint32		r = s.before[c];
			uint32		next = column_of[r];

			s.row_of[c] = r;
			column_of[r] = c;
			c = next;
		}
	}
	pfree(s.row_potential);
	pfree(s.column_potential);
	pfree(s.distance);
	pfree(s.reached);
	pfree(s.row_of);
	pfree(s.before);
}
