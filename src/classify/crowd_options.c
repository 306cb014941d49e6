/*
 * crowd_options.c
 *		The options of learn_from_crowds(): its own, and those of both its parts.
 */
#include "classify/learn_from_crowds.h"

#include "crowd/em_correlation.h"
#include "crowd/fit.h"

static const char *const training_names[] = {
	[TRAIN_EVERY_ANSWER] = "every_answer",
	[TRAIN_CONSENSUS] = "consensus",
	NULL
};

static const char *const l2_words[] = {"choose", NULL};

#define CHOOSE_L2 OPTION_WORD(0)

/*
 * Of classifiers whose predictions are weighed with answers, and fitted again in the next
 * round: a tenth of the coefficients' standard errors.  The loss of answers is flat
 * about its optimum, so that closer ones take several times as long.
 */
#define ROUND_TOLERANCE 0.1

static const Option option_table[] = {
	{"rounds", OPTION_INT, offsetof(CrowdOptions, rounds), 1, 100, NULL},
	{"training", OPTION_CHOICE, offsetof(CrowdOptions, training), 0, 0, training_names},
	{"l2", OPTION_DOUBLE, offsetof(CrowdOptions, classifier.regression.l2), 0, 1e12, l2_words},
	{"class_weight", OPTION_CHOICE, offsetof(CrowdOptions, classifier.regression.class_weight), 0, 0, class_weight_names},
	{"max_iterations", OPTION_INT, offsetof(CrowdOptions, classifier.regression.max_iterations), 1, 1e6, NULL},
	{"tolerance", OPTION_DOUBLE, offsetof(CrowdOptions, classifier.regression.tolerance), 1e-12, 1, NULL},
	{"folds", OPTION_INT, offsetof(CrowdOptions, classifier.folds), 2, MAX_FOLDS, NULL},
	{"seed", OPTION_INT, offsetof(CrowdOptions, classifier.seed), 0, PG_INT32_MAX, NULL},
	{"duplicates", OPTION_CHOICE, offsetof(CrowdOptions, classifier.duplicates), 0, 0, duplicates_names},
	{"gold_weight", OPTION_DOUBLE, offsetof(CrowdOptions, gold_weight), 0.5, 1, NULL},
	{"correlation", OPTION_DOUBLE, offsetof(CrowdOptions, correlation), 0, 1, NULL},
	{"groups", OPTION_JSONB, offsetof(CrowdOptions, groups), 0, 0, NULL},
	{"abstain", OPTION_JSONB, offsetof(CrowdOptions, abstain), 0, 0, NULL}
};

/* "jsonb" may be NULL. */
CrowdOptions
crowd_options_parse(const Jsonb *jsonb)
{
	CrowdOptions options = {
		.rounds = 5,
		.training = TRAIN_EVERY_ANSWER,
		.gold_weight = 1,
		.correlation = ASSUMED_CORRELATION,
		.classifier = classifier_options(NULL, true)
	};

	options.classifier.regression.l2 = CHOOSE_L2;
	options.classifier.regression.tolerance = ROUND_TOLERANCE;
	if (jsonb != NULL)
		options_parse(jsonb, option_table, lengthof(option_table), &options);
	groups_check(options.groups);
	(void) label_of_abstain(options.abstain);
	options.classifier.choose = options.classifier.regression.l2 == CHOOSE_L2;
	return options;
}

char *
crowd_options_json(const CrowdOptions *options)
{
	return options_json(option_table, lengthof(option_table), options);
}
