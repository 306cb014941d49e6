/*
 * pictures.h
 *		The pictures: each is appended to a buffer as SVG, alone or as part of a page.
 */
#ifndef NL_PICTURES_H
#define NL_PICTURES_H

#include "crowd/annotator_record.h"
#include "math/interval.h"
#include "metrics/calibration_bins.h"
#include "pictures/markup.h"
#include "types/annotator_model.h"

/* What of a picture is not its data. */
typedef struct Caption
{
	NameView	title;
	bool		alone;			/* no part of a page: style and title are drawn */
} Caption;

/* K classes and counts, rows the truth; "most" classes are drawn. */
typedef struct ConfusionPicture
{
	const Names *labels;
	const double *counts;		/* K * K */
	uint32		most;
} ConfusionPicture;

extern void confusion_picture(StringInfo buf, const ConfusionPicture *p, const Caption *caption);

/* An annotator as pictures and tables show him. */
typedef struct Standing
{
	uint32		annotator;
	bool		known;
	bool		noted;			/* there is a warning about him */
	double		accuracy;
	double		low;
	double		high;
	double		answers;
} Standing;

/* All of a model, the best lower bound first, those who are not known last. */
typedef struct Standings
{
	const Names *annotators;
	uint32		n;
	uint32		known;			/* of these */
	Standing   *at;
	AnnotatorRecord *records;	/* by annotator */
	double		chance;			/* of being right for who always says the commonest class */
	NameView	commonest;
} Standings;

extern Standings standings_of(const AnnotatorModelView *model, double level);
extern void reliability_picture(StringInfo buf, const Standings *s, const Caption *caption);

/* The composite calibration, as far as it is drawn; bins without rows are left out. */
typedef struct CalibrationMark
{
	double		low;
	double		high;
	double		n;
	double		confidence;
	double		accuracy;
	Bounds		bounds;			/* of the accuracy, or NaN */
} CalibrationMark;

typedef struct CalibrationPicture
{
	int			n_marks;
	CalibrationMark *marks;
	double		n;
	double		ece;
	double		mce;
} CalibrationPicture;

extern CalibrationPicture calibration_picture_of(const ReliabilityBins *r);
extern void calibration_picture(StringInfo buf, const CalibrationPicture *p,
								const Caption *caption);

#endif							/* NL_PICTURES_H */
