/*
 * classifier_options.c
 *		The options of logistic_regression() and oof_predict().
 */
#include "classify/classifier_options.h"

#include "pg/json.h"

static const ClassifierOptions default_options = {
	.regression = {.l2 = 1,.class_weight = CLASS_WEIGHT_NONE,.max_iterations = 1000,.tolerance = 1e-5, PLAIN_LOSS},
	.folds = 5,
	.seed = 0,
	.duplicates = DUPLICATES_AUTO
};

/*
 * A thousandth of the coefficients' standard errors is far below what the choice
 * of folds does to an out-of-fold prediction.
 */
#define OOF_TOLERANCE 1e-3

#define CHOOSE "choose"
static const char *const l2_words[] = {CHOOSE, NULL};

/* Those that say how folds are made are last. */
static const Option option_table[] = {
	{"l2", OPTION_DOUBLE, offsetof(ClassifierOptions, regression.l2), 0, 1e12, l2_words},
	{"class_weight", OPTION_CHOICE, offsetof(ClassifierOptions, regression.class_weight), 0, 0, class_weight_names},
	{"max_iterations", OPTION_INT, offsetof(ClassifierOptions, regression.max_iterations), 1, 1e6, NULL},
	{"tolerance", OPTION_DOUBLE, offsetof(ClassifierOptions, regression.tolerance), 1e-12, 1, NULL},
	{"loss", OPTION_CHOICE, offsetof(ClassifierOptions, regression.loss), 0, 0, loss_names},
	{"q", OPTION_DOUBLE, offsetof(ClassifierOptions, regression.q), 0.01, 1, NULL},
	{"label_smoothing", OPTION_DOUBLE, offsetof(ClassifierOptions, regression.label_smoothing), 0, 1, NULL},
	{"bootstrap", OPTION_DOUBLE, offsetof(ClassifierOptions, regression.bootstrap), 0.01, 1, NULL},
	{"correction", OPTION_JSONB, offsetof(ClassifierOptions, correction), 0, 0, NULL},
	{"folds", OPTION_INT, offsetof(ClassifierOptions, folds), 2, MAX_FOLDS, NULL},
	{"seed", OPTION_INT, offsetof(ClassifierOptions, seed), 0, PG_INT32_MAX, NULL},
	{"duplicates", OPTION_CHOICE, offsetof(ClassifierOptions, duplicates), 0, 0, duplicates_names}
};

#define FOLD_OPTIONS 3
#define FIRST_OPTIONS 4			/* that every record of a fit has */

/* Is l2 asked to be chosen, so that there are folds in any case? */
static bool
asks_for_choice(const Jsonb *jsonb)
{
	JsonbValue	key = {.type = jbvString,.val.string = {2, "l2"}};
	JsonbValue *value;

	if (!JB_ROOT_IS_OBJECT(jsonb))
		return false;
	value = findJsonbValueFromContainer((JsonbContainer *) &jsonb->root, JB_FOBJECT, &key);
	return value != NULL && value->type == jbvString &&
		value->val.string.len == strlen(CHOOSE) &&
		strncmp(value->val.string.val, CHOOSE, strlen(CHOOSE)) == 0;
}

/* "jsonb" may be NULL; "folds" says whether the call makes folds. */
ClassifierOptions
classifier_options(const Jsonb *jsonb, bool folds)
{
	ClassifierOptions options = default_options;

	if (folds)
		options.regression.tolerance = OOF_TOLERANCE;
	if (jsonb == NULL)
		return options;
	options.choose = asks_for_choice(jsonb);
	options_parse(jsonb, option_table,
				  lengthof(option_table) - (folds || options.choose ? 0 : FOLD_OPTIONS),
				  &options);
	correction_check(options.correction);
	return options;
}

static bool
is_default(const Option *option, const ClassifierOptions *o)
{
	const char *mine = (const char *) o + option->offset;
	const char *other = (const char *) &default_options + option->offset;

	if (option->offset == offsetof(ClassifierOptions, regression.q))
		return o->regression.loss != LOSS_GENERALISED;	/* which has a value of it in any case */
	if (option->type == OPTION_DOUBLE)
		return *(const double *) mine == *(const double *) other;
	if (option->type == OPTION_JSONB)
		return *(Jsonb *const *) mine == NULL;
	return *(const int *) mine == *(const int *) other;
}

static void
append_pair(StringInfo buf, const char *name, const double *values)
{
	appendStringInfo(buf, ", \"%s\": ", name);
	jsonio_append_doubles(buf, values, L2_GRID);
}

/*
 * Those of a single model, with the values used.  Of an l2 that was chosen the record
 * has what was tried: "l2_choice".  Options that change the loss are there if given.
 */
char *
classifier_options_json(const ClassifierOptions *o)
{
	Option		used[lengthof(option_table) + 1];
	ClassifierOptions record = *o;
	StringInfoData buf;
	int			n = 0;

	for (int i = 0; i < (int) lengthof(option_table) - FOLD_OPTIONS; i++)
		if (i < FIRST_OPTIONS || !is_default(&option_table[i], o))
			used[n++] = option_table[i];
	if (o->choose)
	{
		initStringInfo(&buf);
		appendStringInfo(&buf, "{\"folds\": %d, \"seed\": %d, \"duplicates\": \"%s\"",
						 o->folds, o->seed, duplicates_names[o->duplicates]);
		append_pair(&buf, "l2", o->choice.l2);
		append_pair(&buf, "log_loss", o->choice.log_loss);
		appendStringInfoChar(&buf, '}');
		record.choice_record = jsonio_to_jsonb("options", buf.data);
		used[n++] = (Option) {"l2_choice", OPTION_JSONB,
		offsetof(ClassifierOptions, choice_record), 0, 0, NULL};
	}
	return options_json(used, n, &record);
}
