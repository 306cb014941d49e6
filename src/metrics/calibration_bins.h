/*
 * calibration_bins.h
 *		What bins of probabilities say of their calibration.
 */
#ifndef NL_CALIBRATION_BINS_H
#define NL_CALIBRATION_BINS_H

#include "math/interval.h"
#include "types/calibration_state.h"
#include "types/score_set.h"

typedef enum Binning
{
	BINS_OF_WIDTH,				/* of equal width */
	BINS_OF_MASS				/* of equal mass: about as many rows in each */
} Binning;

typedef struct ReliabilityBins
{
	int			n;
	ReliabilityBin *bins;
	double		total;
	bool		counted;		/* rows, not weights: bins have intervals */
} ReliabilityBins;

/* Murphy's parts of the mean squared error, times the total. */
typedef struct BrierParts
{
	double		total;
	double		squares;
	double		reliability;
	double		resolution;
	double		uncertainty;
} BrierParts;

extern int	calibration_bins_argument(FunctionCallInfo fcinfo, int argno);
extern ReliabilityBins bins_of_top_label(const CalibrationState *state);
extern ReliabilityBins bins_of_label(const CalibrationState *state, uint32 label);
extern ReliabilityBins bins_of_scores(const ScoreSet *set, int bins, Binning binning);
extern double expected_calibration_error(const ReliabilityBins *r);
extern double maximum_calibration_error(const ReliabilityBins *r);
extern Bounds reliability_bounds(const ReliabilityBins *r, const ReliabilityBin *bin);
extern void brier_parts_add(BrierParts *parts, const ReliabilityBins *r, double squares);
extern Datum bins_array(const ReliabilityBins *r, Oid array_type);

#endif							/* NL_CALIBRATION_BINS_H */
