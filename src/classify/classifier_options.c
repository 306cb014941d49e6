/*
 * classifier_options.c
 *		The options of logistic_regression() and oof_predict().
 */
#include "classify/classifier_options.h"

static const ClassifierOptions default_options = {
	.regression = {.l2 = 1,.class_weight = CLASS_WEIGHT_NONE,.max_iterations = 1000,.tolerance = 1e-5},
	.folds = 5,
	.seed = 0,
	.duplicates = DUPLICATES_AUTO
};

/*
 * A thousandth of the coefficients' standard errors is far below what the choice
 * of folds does to an out-of-fold prediction.
 */
#define OOF_TOLERANCE 1e-3

/* Those of oof_predict() alone are last. */
static const Option option_table[] = {
	{"l2", OPTION_DOUBLE, offsetof(ClassifierOptions, regression.l2), 0, 1e12, NULL},
	{"class_weight", OPTION_CHOICE, offsetof(ClassifierOptions, regression.class_weight), 0, 0, class_weight_names},
	{"max_iterations", OPTION_INT, offsetof(ClassifierOptions, regression.max_iterations), 1, 1e6, NULL},
	{"tolerance", OPTION_DOUBLE, offsetof(ClassifierOptions, regression.tolerance), 1e-12, 1, NULL},
	{"folds", OPTION_INT, offsetof(ClassifierOptions, folds), 2, MAX_FOLDS, NULL},
	{"seed", OPTION_INT, offsetof(ClassifierOptions, seed), 0, PG_INT32_MAX, NULL},
	{"duplicates", OPTION_CHOICE, offsetof(ClassifierOptions, duplicates), 0, 0, duplicates_names}
};

#define FOLD_OPTIONS 3

/* "jsonb" may be NULL; "folds" says whether the call makes folds. */
ClassifierOptions
classifier_options(const Jsonb *jsonb, bool folds)
{
	ClassifierOptions options = default_options;

	if (folds)
		options.regression.tolerance = OOF_TOLERANCE;
	if (jsonb != NULL)
		options_parse(jsonb, option_table,
					  lengthof(option_table) - (folds ? 0 : FOLD_OPTIONS), &options);
	return options;
}

/* Those of a single model, with the values used. */
char *
classifier_options_json(const ClassifierOptions *o)
{
	return options_json(option_table, lengthof(option_table) - FOLD_OPTIONS, o);
}
