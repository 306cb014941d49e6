/*
 * classifier.c
 *		The type classifier: its stored form and the view of it.
 */
#include "types/classifier.h"

#include "types/fingerprint.h"

static Size
stored_size(Size labels, Size features, Size label_bytes, Size option_bytes)
{
	Size		size = mul_size(classifier_columns(labels), add_size(features, 1));

	size = add_size(offsetof(Classifier, data), mul_size(size, sizeof(double)));
	size = add_size(size, mul_size(labels, sizeof(uint32)));
	return add_size(size, add_size(label_bytes, option_bytes));
}

/* Refuse one too large to store, before the work that would make it. */
Size
classifier_check_size(Size labels, Size features)
{
	return value_check_size(stored_size(labels, features, 0, 0), KIND_CLASSIFIER);
}

/* A hash of all of a classifier but its size. */
static uint64
fingerprint(const Classifier *c)
{
	Size		doubles = mul_size(classifier_columns(c->labels), (Size) c->features + 1);
	const uint32 *ends = (const uint32 *) (c->data + doubles);
	uint64		hash = KIND_CLASSIFIER;

	hash = fingerprint_add(hash, c->labels);
	hash = fingerprint_add(hash, c->features);
	hash = fingerprint_add(hash, c->rows);
	hash = fingerprint_add(hash, c->iterations);
	hash = fingerprint_add(hash, c->converged);
	hash = fingerprint_doubles(hash, &c->weight, 1);
	hash = fingerprint_doubles(hash, &c->gradient, 1);
	hash = fingerprint_doubles(hash, &c->log_loss, 1);
	hash = fingerprint_doubles(hash, c->data, doubles);
	hash = fingerprint_numbers(hash, ends, c->labels);
	return fingerprint_bytes(hash, (const char *) (ends + c->labels),
							 (Size) c->label_bytes + c->option_bytes);
}

Classifier *
classifier_make(const ClassifierView *view)
{
	Size		label_bytes = names_bytes(&view->labels);
	Size		option_bytes = strlen(view->options) + 1;
	Size		size = value_check_size(stored_size(view->labels.n, view->features,
													label_bytes, option_bytes),
										KIND_CLASSIFIER);
	Classifier *c = nl_alloc_zero(CurrentMemoryContext, size);
	ClassifierView to;

	value_init(c, KIND_CLASSIFIER, size);
	c->labels = view->labels.n;
	c->features = view->features;
	c->label_bytes = label_bytes;
	c->option_bytes = option_bytes;
	c->rows = view->rows;
	(void) value_put_doubles(&c->weight, &view->weight, 1);
	(void) value_put_doubles(&c->gradient, &view->gradient, 1);
	(void) value_put_doubles(&c->log_loss, &view->log_loss, 1);
	c->iterations = view->iterations;
	c->converged = view->converged;
	to = classifier_view(c);
	(void) value_put_doubles(to.coefficients, view->coefficients,
							 mul_size(classifier_columns(c->labels),
									  (Size) c->features + 1));
	names_copy(&to.labels, &view->labels);
	memcpy((char *) to.options, view->options, option_bytes);
	c->fingerprint = fingerprint(c);
	return c;
}

Classifier *
classifier_get(Datum datum)
{
	Classifier *c = value_get(datum, KIND_CLASSIFIER, offsetof(Classifier, data));

	value_check_stored(c, stored_size(c->labels, c->features, c->label_bytes,
									  c->option_bytes),
					   KIND_CLASSIFIER);
	return c;
}

/* Pointers into a stored classifier, which must outlive the view. */
ClassifierView
classifier_view(const Classifier *c)
{
	ClassifierView view = {0};
	const uint32 *ends;
	const char *bytes;

	view.features = c->features;
	view.coefficients = (double *) c->data;
	ends = (const uint32 *) (c->data + (Size) classifier_columns(c->labels) *
							 ((Size) c->features + 1));
	bytes = (const char *) (ends + c->labels);
	view.labels = (Names) {c->labels, ends, bytes};
	view.options = bytes + c->label_bytes;
	view.rows = c->rows;
	view.weight = c->weight;
	view.gradient = c->gradient;
	view.log_loss = c->log_loss;
	view.iterations = c->iterations;
	view.converged = c->converged;
	return view;
}
