/*
 * fit_options.c
 *		The options of dawid_skene(): what is allowed, what goes with what, and the
 *		model's record of them.
 */
#include "crowd/fit.h"

#include "pg/json.h"

#define NOT_GIVEN (-1)

static const char *const acceleration_names[] = {"squarem", "none", NULL};
static const char *const learn_from_names[] = {"all", "gold", NULL};
static const char *const copies_names[] = {"auto", "off", NULL};
static const char *const silence_names[] = {"ignored", "informative", NULL};
static const char *const repeats_names[] = {"count", "distinct", NULL};
static const char *const estimate_words[] = {"estimate", NULL};

#define ESTIMATE OPTION_WORD(0)

static const FitOptions default_options = {
	.em = {.max_iterations = 100,.tolerance = 1e-6,.smoothing = NOT_GIVEN,.toward = NOT_GIVEN},
	.variant = NOT_GIVEN,
	.repeats = REPEATS_COUNT,
	.gold_weight = 1,
	.correlation = NOT_GIVEN,
	.learn_from = LEARN_FROM_ALL,
	.restarts = NOT_GIVEN
};

static const Option option_table[] = {
	{"max_iterations", OPTION_INT, offsetof(FitOptions, em.max_iterations), 1, 1e6, NULL},
	{"tolerance", OPTION_DOUBLE, offsetof(FitOptions, em.tolerance), 0, 1, NULL},
	{"smoothing", OPTION_DOUBLE, offsetof(FitOptions, em.smoothing), 0, 1e9, estimate_words},
	{"toward", OPTION_CHOICE, offsetof(FitOptions, em.toward), 0, 0, smoothing_target_names},
	{"acceleration", OPTION_CHOICE, offsetof(FitOptions, em.acceleration), 0, 0, acceleration_names},
	{"repeats", OPTION_CHOICE, offsetof(FitOptions, repeats), 0, 0, repeats_names},
	{"gold_weight", OPTION_DOUBLE, offsetof(FitOptions, gold_weight), 0.5, 1, NULL},
	{"copies", OPTION_CHOICE, offsetof(FitOptions, copies), 0, 0, copies_names},
	{"correlation", OPTION_DOUBLE, offsetof(FitOptions, correlation), 0, 1, estimate_words},
	{"groups", OPTION_JSONB, offsetof(FitOptions, groups), 0, 0, NULL},
	{"prior", OPTION_JSONB, offsetof(FitOptions, prior), 0, 0, NULL},
	{"abstain", OPTION_JSONB, offsetof(FitOptions, abstain), 0, 0, NULL},
	{"silence", OPTION_CHOICE, offsetof(FitOptions, silence), 0, 0, silence_names},
	{"learn_from", OPTION_CHOICE, offsetof(FitOptions, learn_from), 0, 0, learn_from_names},
	{"restarts", OPTION_INT, offsetof(FitOptions, restarts), 0, 1000, NULL},
	{"seed", OPTION_INT, offsetof(FitOptions, seed), 0, 1e9, NULL},
	{"variant", OPTION_CHOICE, offsetof(FitOptions, variant), 0, 0, variant_names}
};

/* What is computed in closed form or in fixed steps is the same from any start. */
static void
check_restarts(const FitOptions *options)
{
	const char *other = NULL;

	if (options->variant == VARIANT_AUTO || options->variant == VARIANT_MAJORITY)
		other = psprintf("variant \"%s\"", variant_names[options->variant]);
	else if (options->learn_from == LEARN_FROM_GOLD)
		other = "\"learn_from\" \"gold\"";
	else if (options->em.estimate)
		other = "\"smoothing\" \"estimate\"";
	if (options->restarts > 0 && other != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"restarts\" does not go with %s", other),
				 errhint("Restarts are for variants \"full\", \"class\", \"one_coin\" and \"shared\", learned from all items and with a given smoothing.")));
}

/* Variant auto has a rule of its own; a matrix for all has no crowd beside it. */
static void
check_smoothing(const FitOptions *options)
{
	if (options->variant == VARIANT_AUTO &&
		(options->em.smoothing != NOT_GIVEN || options->em.toward != NOT_GIVEN))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" does not go with variant \"auto\"",
						options->em.smoothing != NOT_GIVEN ? "smoothing" : "toward"),
				 errhint("Variant \"auto\" sets it; name another variant, such as \"full\".")));
	if (options->em.toward == TOWARD_ACCURACY && options->variant != VARIANT_FULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"toward\" \"accuracy\" goes with variant \"full\" only")));
	if (options->em.smoothing == ESTIMATE &&
		(options->variant == VARIANT_SHARED || options->variant == VARIANT_MAJORITY ||
		 options->learn_from == LEARN_FROM_GOLD))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"smoothing\" \"estimate\" does not go with %s",
						options->learn_from == LEARN_FROM_GOLD ?
						"\"learn_from\" \"gold\"" :
						psprintf("variant \"%s\"", variant_names[options->variant])),
				 errhint("Give a number of pseudo-counts instead.")));
}

/* Estimated by the rule of variant auto; papers' variants report what they say. */
static void
set_correlation(FitOptions *options)
{
	bool		is_auto = options->variant == VARIANT_AUTO;

	if (options->correlation == CORRELATION_ESTIMATE &&
		(!is_auto || options->learn_from == LEARN_FROM_GOLD))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"correlation\" \"estimate\" does not go with %s",
						is_auto ? "\"learn_from\" \"gold\"" :
						psprintf("variant \"%s\"", variant_names[options->variant])),
				 errhint("Give a number from 0 (errors on an item are independent) to 1 instead.")));
	if (options->correlation != NOT_GIVEN)
		return;
	if (!is_auto)
		options->correlation = 0;
	else
		options->correlation = options->learn_from == LEARN_FROM_GOLD ?
			ASSUMED_CORRELATION : CORRELATION_ESTIMATE;
}

/* Who says how matrices are smoothed or started means full matrices. */
static Variant
default_variant(const FitOptions *options)
{
	return options->em.smoothing != NOT_GIVEN || options->em.toward != NOT_GIVEN ||
		options->restarts > 0 ? VARIANT_FULL : VARIANT_AUTO;
}

/* A model is a value and has an argument of its own. */
static void
refuse_start(const Jsonb *options)
{
	JsonbValue	key = {.type = jbvString,.val.string = {5, "start"}};

	if (findJsonbValueFromContainer((JsonbContainer *) &options->root, JB_FOBJECT,
									&key) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"start\" is not an option but an argument"),
				 errhint("Give the model itself: dawid_skene(annotation_set, options, start => model).")));
}

FitOptions
fit_options_parse(const Jsonb *jsonb)
{
	FitOptions	options = default_options;

	if (jsonb != NULL)
		refuse_start(jsonb);
	if (jsonb != NULL)
		options_parse(jsonb, option_table, lengthof(option_table), &options);
	if (options.variant == NOT_GIVEN)
		options.variant = default_variant(&options);
	check_smoothing(&options);
	set_correlation(&options);
	if (options.restarts == NOT_GIVEN)
		options.restarts = 0;
	if (options.em.smoothing == NOT_GIVEN)
		options.em.smoothing = 0;
	if (options.em.toward == NOT_GIVEN)
		options.em.toward = TOWARD_POOL;
	options.em.estimate = options.em.smoothing == ESTIMATE;
	check_restarts(&options);
	class_options_check(&options);
	return options;
}

/* The values used, for the model's record. */
char *
fit_options_json(const FitOptions *o)
{
	FitOptions	used = *o;

	if (used.variant == VARIANT_AUTO)
		used.em.smoothing = ESTIMATE;
	return options_json(option_table, lengthof(option_table), &used);
}

/* A model's record again. */
FitOptions
fit_options_of_record(const char *json)
{
	FitOptions	options = default_options;

	options_parse(jsonio_to_jsonb("options", json), option_table, lengthof(option_table), &options);
	return options;
}
