/*
 * calibration_state.h
 *		The type calibration_state: what calibration(truth, predicted) and its like
 *		gather.
 *
 * Probabilities fall into bins of equal width: that of the top label, by whether it
 * was right, and that of each label, by whether it was true.  Of each bin it keeps
 * how many there are, how many of these were right, and the sum of the
 * probabilities, exactly (exact_sum.h), so the state does not depend on the order
 * of the rows; beside that the sums of log-loss and of squared errors.
 *
 * A label that a distribution does not have has probability 0 there, which leaves no
 * trace in the label's bins: labels may turn up late.  calibration_label_bins() puts
 * what is missing into the first bin.
 */
#ifndef NL_CALIBRATION_STATE_H
#define NL_CALIBRATION_STATE_H

#include <math.h>

#include "math/exact_sum.h"
#include "types/label_distribution.h"
#include "types/state.h"

#define CALIBRATION_BINS 10		/* by default */
#define CALIBRATION_MAX_BINS 1000

/* A bin of probabilities above 0, the lowest with its upper bound alone. */
typedef struct CalibrationCell
{
	int64		n;
	int64		right;
	ExactSum	probability;
} CalibrationCell;

typedef struct CalibrationLabel
{
	int64		truths;			/* rows whose truth it is */
	ExactSum	squares;		/* of errors, where its probability is above 0 */
} CalibrationLabel;

/* Stored form.  Labels are in canonical order. */
typedef struct CalibrationState
{
	ValueHeader header;
	uint32		bins;
	uint32		n;				/* labels, at least one */
	uint32		label_bytes;
	uint32		unused;
	int64		rows;			/* at least one */
	int64		impossible;		/* rows whose truth had probability 0 */
	ExactSum	log_loss;		/* of the others */
	CalibrationCell cells[FLEXIBLE_ARRAY_MEMBER];	/* (1 + n) * bins: top label, then each */
	/* CalibrationLabel of[n]; uint32 ends[n]; char bytes[label_bytes] */
} CalibrationState;

/* A bin as its readers want it. */
typedef struct ReliabilityBin
{
	double		low;
	double		high;
	double		n;
	double		right;
	double		probability;	/* the sum */
} ReliabilityBin;

static inline CalibrationLabel *
calibration_labels_of(const CalibrationState *state)
{
	return (CalibrationLabel *) (state->cells + (Size) (1 + state->n) * state->bins);
}

static inline Names
calibration_names(const CalibrationState *state)
{
	const uint32 *ends = (const uint32 *) (calibration_labels_of(state) + state->n);

	return (Names) {state->n, ends, (const char *) (ends + state->n)};
}

/* The bin of a probability: above i / bins, up to (i + 1) / bins. */
static inline int
calibration_bin_of(double p, int bins)
{
	int			i = (int) ceil(Min(p, 1) * bins) - 1;

	i = Max(i, 0);
	while (i > 0 && p <= (double) i / bins)
		i--;
	while (i < bins - 1 && p > (double) (i + 1) / bins)
		i++;
	return i;
}

extern CalibrationState *calibration_state_get(Datum datum);
extern CalibrationState *calibration_state_copy(const CalibrationState *state);
extern CalibrationState *calibration_state_add(CalibrationState *state, NameView truth,
											   const LabelDistribution *d, int bins);
extern CalibrationState *calibration_state_merge(CalibrationState *state,
												 const CalibrationState *other);
extern void calibration_check_bins(int bins, int others);
extern void calibration_top_bins(const CalibrationState *state, ReliabilityBin *bins);
extern void calibration_label_bins(const CalibrationState *state, uint32 label,
								   ReliabilityBin *bins);
extern double calibration_mean_loss(const CalibrationState *state);
extern double calibration_label_squares(const CalibrationState *state, uint32 label);

#endif							/* NL_CALIBRATION_STATE_H */
