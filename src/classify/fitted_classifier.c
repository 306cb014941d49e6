/*
 * fitted_classifier.c
 *		From a fitted logistic regression to a classifier.
 */
#include "classify/fitted_classifier.h"

static Names
model_names(const FittedModel *model, const Names *names)
{
	Dictionary *dict = dictionary_create(CurrentMemoryContext, "label", NL_MAX_CLASSES);

	for (uint32 k = 0; k < model->classes; k++)
		(void) dictionary_add(dict, names_get(names, model->label[k]));
	return dictionary_names(dict, dictionary_order(dict, ORDER_LABELS));
}

/* Coefficients for features that are not centred. */
static void
uncentre(FittedModel *model, const Design *design)
{
	uint32		width = design->x->width;

	for (uint32 k = 0; k < model->columns; k++)
	{
		double	   *c = model->coefficients + (Size) k * width;

		CHECK_FOR_INTERRUPTS();
		for (uint32 j = 1; j < width; j++)
			c[0] -= c[j] * design->mean[j];
	}
	for (Size i = 0; i < (Size) model->columns * width; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		model->coefficients[i] += 0.0;	/* no -0, which text would lose */
	}
}

static uint32
used_rows(const Design *design)
{
	uint32		n = 0;

	for (uint32 f = 0; f < design->folds; f++)
		n += design->used[f] - design->start[f];
	return n;
}

/*
 * The classifier that a model of all rows is, of two classes at least; its
 * coefficients are for features that are not centred afterwards.
 */
Classifier *
classifier_of_fit(FittedModel *model, const Design *design, const Names *names,
				  const char *options)
{
	ClassifierView view = {
		.labels = model_names(model, names),
		.features = design->x->width - 1,
		.coefficients = model->coefficients,
		.rows = used_rows(design),
		.weight = model->weight,
		.iterations = model->iterations,
		.converged = model->converged,
		.gradient = model->gradient,
		.log_loss = Max(model->loss / model->weight, 0),
		.options = options
	};

	uncentre(model, design);
	return classifier_make(&view);
}
