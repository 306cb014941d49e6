/*
 * label_distance.c
 *		Numbers of labels, and matrices of their distances; see label_distance.h.
 */
#include "metrics/label_distance.h"

#include <math.h>

#include "utils/float.h"

const char *const label_distance_words[] = {"identity", "linear", "quadratic", NULL};

/* A finite decimal number, and nothing else. */
bool
label_number(NameView name, double *number)
{
	char		buffer[64];
	char	   *end;

	if (name.len == 0 || name.len >= (int) sizeof(buffer))
		return false;
	memcpy(buffer, name.s, name.len);
	buffer[name.len] = '\0';
	if (strspn(buffer, "0123456789+-.eE") != (size_t) name.len)
		return false;
	*number = strtod(buffer, &end);
	return *end == '\0' && isfinite(*number);
}

/* Are all labels numbers?  Then which. */
bool
label_numbers(const Names *names, double *numbers)
{
	for (uint32 i = 0; i < names->n; i++)
		if (!label_number(names_get(names, i), &numbers[i]))
			return false;
	return true;
}

/* Distances were wanted of labels whose order may be another. */
void
label_order_notice(const char *hint)
{
	ereport(NOTICE,
			(errmsg("labels are in the order of their names, since they are not all numbers"),
			 errhint("%s", hint)));
}

/* "range" is that of the places, so that no square leaves the range of double. */
static double
distance(LabelDistance kind, const double *places, uint32 i, uint32 j, double range)
{
	double		difference = range > 0 ? fabs(places[i] - places[j]) / range : 0;
	double		steps = i > j ? i - j : j - i;
	double		ratio;

	switch (kind)
	{
		case DISTANCE_LINEAR:
			return difference;
		case DISTANCE_QUADRATIC:
			return difference * difference;
		case DISTANCE_ORDINAL:
			return steps * (steps + 1) / 2;
		case DISTANCE_RATIO:
			ratio = places[i] == places[j] ? 0 :
				(places[i] - places[j]) / (places[i] + places[j]);
			return ratio * ratio;
		case DISTANCE_IDENTITY:
			break;
	}
	return i != j;
}

static double
range_of(const double *places, uint32 n)
{
	double		low = places[0];
	double		high = places[0];

	for (uint32 i = 1; i < n; i++)
	{
		low = Min(low, places[i]);
		high = Max(high, places[i]);
	}
	if (isinf(high - low))
		float_overflow_error();
	return high - low;
}

/*
 * n * n distances, of which the largest is 1 (Gwet, Handbook of Inter-Rater
 * Reliability, 4th edition 2014, section 3.5: the weights are what they lack of 1);
 * NULL for identity, which needs no table.
 */
double *
label_distances(LabelDistance kind, const double *places, uint32 n)
{
	double	   *table;
	double		largest = 0;
	double		range;

	if (kind == DISTANCE_IDENTITY)
		return NULL;
	range = n > 0 ? range_of(places, n) : 0;
	nl_check_memory_for(mul_size(mul_size(n, n), sizeof(double)), "a table of distances",
						"use weights \"identity\"", "It grows with the square of the number of labels (%u).", n);
	table = nl_alloc(CurrentMemoryContext, (Size) Max(n, 1) * Max(n, 1) * sizeof(double));
	for (uint32 i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (uint32 j = 0; j < n; j++)
		{
			table[(Size) i * n + j] = distance(kind, places, i, j, range);
			largest = Max(largest, table[(Size) i * n + j]);
		}
	}
	for (Size c = 0; c < (Size) n * n && largest > 0; c++)
	{
		NL_CHECK_INTERRUPTS(c);
		table[c] /= largest;
	}
	return table;
}
