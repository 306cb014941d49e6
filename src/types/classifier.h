/*
 * classifier.h
 *		The type classifier: a fitted multinomial logistic regression.
 *
 * With three or more classes there is a row of coefficients for each, the
 * intercept first, and the probabilities are their softmax; with two there is
 * one row, of the log-odds of the second class.  Coefficients are on the scale
 * of the input.
 */
#ifndef NL_CLASSIFIER_H
#define NL_CLASSIFIER_H

#include "names/dictionary.h"
#include "types/value.h"

typedef struct ClassifierView
{
	Names		labels;
	uint32		features;
	double	   *coefficients;	/* columns * (features + 1) */
	int64		rows;			/* that it was fitted to */
	double		weight;			/* and their weight */
	int32		iterations;
	bool		converged;
	double		gradient;
	double		log_loss;		/* mean, of the training rows */
	const char *options;		/* as JSON */
} ClassifierView;

/*
 * Stored form.  The fingerprint is a hash of all that follows it: two with
 * the same are taken as the same by caches.
 */
typedef struct Classifier
{
	ValueHeader header;
	uint64		fingerprint;
	uint32		labels;
	uint32		features;
	uint32		label_bytes;
	uint32		option_bytes;	/* with the terminating zero */
	int64		rows;
	double		weight;
	double		gradient;
	double		log_loss;
	int32		iterations;
	uint32		converged;
	double		data[FLEXIBLE_ARRAY_MEMBER];

	/*
	 * coefficients; uint32 ends of labels; bytes of labels; options with a
	 * terminating zero
	 */
} Classifier;

static inline uint32
classifier_columns(uint32 labels)
{
	return labels == 2 ? 1 : labels;
}

extern Classifier *classifier_make(const ClassifierView *view);
extern Classifier *classifier_get(Datum datum);
extern ClassifierView classifier_view(const Classifier *classifier);
extern Size classifier_check_size(Size labels, Size features);

#endif							/* NL_CLASSIFIER_H */
