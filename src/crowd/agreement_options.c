/*
 * agreement_options.c
 *		Options of agreement() and pairwise_agreement(), and the scale that they make
 *		of the labels; see agreement.h.
 */
#include "crowd/agreement.h"

#include <math.h>

#include "pg/arguments.h"
#include "pg/options.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

const char *const agreement_levels[] = {"nominal", "ordinal", "interval", "ratio", NULL};
static const char *const intervals[] = {"asymptotic", "bootstrap", NULL};

#define PAIR_OPTIONS 4			/* the first */

static const Option table[] = {
	{"level", OPTION_CHOICE, offsetof(AgreementOptions, level), 0, 0, agreement_levels},
	{"weights", OPTION_JSONB, offsetof(AgreementOptions, weight_option), 0, 0, NULL},
	{"scale", OPTION_JSONB, offsetof(AgreementOptions, scale), 0, 0, NULL},
	{"confidence", OPTION_DOUBLE, offsetof(AgreementOptions, confidence), 0.5, 0.9999, NULL},
	{"interval", OPTION_CHOICE, offsetof(AgreementOptions, interval), 0, 0, intervals},
	{"resamples", OPTION_INT, offsetof(AgreementOptions, resamples), 100, 100000, NULL},
	{"seed", OPTION_INT, offsetof(AgreementOptions, seed), 0, PG_INT32_MAX, NULL}
};

#define WEIGHTS_ALLOWED "Allowed are \"identity\", \"linear\", \"quadratic\", or with \"scale\" a table of numbers from 0 to 1, symmetric and 1 on its diagonal, such as [[1, 0.5], [0.5, 1]]."

static JsonbContainer *
root_of(Jsonb *jsonb)
{
	return &jsonb->root;
}

/* A word of "weights"; a table waits for the scale. */
static void
read_weights(AgreementOptions *options)
{
	Jsonb	   *given = options->weight_option;
	JsonbValue	value = {.type = jbvBinary};

	if (JB_ROOT_IS_ARRAY(given) && !JB_ROOT_IS_SCALAR(given))
	{
		if (options->scale == NULL)
			options_invalid("weights", &value, WEIGHTS_ALLOWED);
		return;
	}
	if (JB_ROOT_IS_SCALAR(given))
		value = *getIthJsonbValueFromContainer(root_of(given), 0);
	for (int i = 0; label_distance_words[i] != NULL && value.type == jbvString; i++)
		if (is_same_name(name_of(label_distance_words[i]),
						 (NameView) {value.val.string.val, value.val.string.len}))
		{
			options->weights = i;
			options->weight_option = NULL;
			return;
		}
	options_invalid("weights", &value, WEIGHTS_ALLOWED);
}

/* Of fewer no quantile is so far out. */
static void
check_resamples(const AgreementOptions *options)
{
	int			least = (int) ceil(2 / (1 - options->confidence) - 1e-6);

	if (options->interval == INTERVAL_BOOTSTRAP && options->resamples < least)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%d resamples are too few for confidence %s", options->resamples, nl_number(options->confidence)),
				 errhint("Give {\"resamples\": %d} or more.", least)));
}

static AgreementOptions
parse(const Jsonb *jsonb, int n)
{
	AgreementOptions options = {
		.level = LEVEL_NOMINAL,.weights = WEIGHTS_OWN,.resamples = 1000,.confidence = 0.95
	};

	if (jsonb != NULL)
		options_parse(jsonb, table, n, &options);
	if (options.weight_option != NULL)
		read_weights(&options);
	check_resamples(&options);
	return options;
}

AgreementOptions
agreement_options_parse(const Jsonb *jsonb)
{
	return parse(jsonb, lengthof(table));
}

AgreementOptions
pair_options_parse(const Jsonb *jsonb)
{
	return parse(jsonb, PAIR_OPTIONS);
}

/*
 * Scales
 */
static NL_NORETURN void
bad_scale(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for option \"scale\""),
			 errdetail("%s", detail),
			 errhint("Give all labels in their order, such as {\"scale\": [\"bad\", \"fair\", \"good\"]}.")));
}

static NameView
scale_label(const JsonbValue *value)
{
	if (value->type == jbvString)
		return (NameView) {value->val.string.val, value->val.string.len};
	if (value->type != jbvNumeric && value->type != jbvBool)
		bad_scale("It holds something that is no label.");
	return name_of(JsonbToCString(NULL, &JsonbValueToJsonb((JsonbValue *) value)->root, 0));
}

/* The scale as given. */
static Dictionary *
read_scale(const Jsonb *jsonb)
{
	Dictionary *scale = dictionary_create(CurrentMemoryContext, "label", NL_MAX_CLASSES);
	uint32		n = JsonContainerSize(&((Jsonb *) jsonb)->root);

	if (!JB_ROOT_IS_ARRAY(jsonb) || JB_ROOT_IS_SCALAR(jsonb) || n < 2)
		bad_scale("It is not an array of two labels or more.");
	for (uint32 i = 0; i < n; i++)
		if (dictionary_add(scale, scale_label(getIthJsonbValueFromContainer(&((Jsonb *) jsonb)->root, i))) != i)
			bad_scale("It has a label twice.");
	return scale;
}

/* Which labels somebody has answered; others are those of gold alone. */
static bool *
labels_used(const AnnotationView *view)
{
	bool	   *used = palloc0(Max(view->labels.n, 1) * sizeof(bool));
	uint32		n = 0;

	for (uint32 a = 0; a < view->annotations && n < view->labels.n; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		n += !used[view->label[a]];
		used[view->label[a]] = true;
	}
	return used;
}

/* A label while categories are put in order. */
typedef struct OrderedLabel
{
	uint32		label;
	double		number;
} OrderedLabel;

static int
compare_numbers(const void *a, const void *b)
{
	const OrderedLabel *x = a;
	const OrderedLabel *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->label < y->label ? -1 : x->label > y->label;
}

/* The distances of a table of weights: what these lack of 1. */
static double *
table_distances(Jsonb *jsonb, uint32 n)
{
	JsonbContainer *rows = root_of(jsonb);
	JsonbValue	shown = {.type = jbvBinary};
	double	   *d = nl_alloc(CurrentMemoryContext, mul_size((Size) n * n, sizeof(double)));
	bool		valid = JsonContainerSize(rows) == n;

	for (uint32 i = 0; i < n && valid; i++)
	{
		JsonbValue *row = getIthJsonbValueFromContainer(rows, i);

		CHECK_FOR_INTERRUPTS();
		valid = row->type == jbvBinary && JsonContainerIsArray(row->val.binary.data) &&
			JsonContainerSize(row->val.binary.data) == n;
		for (uint32 j = 0; j < n && valid; j++)
		{
			JsonbValue *cell = getIthJsonbValueFromContainer(row->val.binary.data, j);
			double		weight = cell->type != jbvNumeric ? -1 :
				DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(cell->val.numeric)));

			d[(Size) i * n + j] = 1 - weight;
			valid = weight >= 0 && weight <= 1 && (i != j || weight == 1) &&
				(j >= i || d[(Size) j * n + i] == d[(Size) i * n + j]);
		}
	}
	if (!valid)
		options_invalid("weights", &shown, WEIGHTS_ALLOWED);
	return d;
}

static NL_NORETURN void
not_on_scale(NameView label)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("label \"%.*s\" is not on the scale", label.len, label.s),
			 errhint("Option \"scale\" must have all labels; leave out rows whose label is no answer by WHERE.")));
}

/* Categories are the labels of the scale; "places" are theirs on it. */
static void
use_scale(AgreementScale *s, const AnnotationView *view, const bool *used,
		  const Jsonb *jsonb, double *places, bool *numbers)
{
	Dictionary *scale = read_scale(jsonb);

	s->n = scale->n;
	for (uint32 i = 0; i < s->n; i++)
		*numbers = label_number(dictionary_get(scale, i), &places[i]) && *numbers;
	for (uint32 i = 0; i < s->n && !*numbers; i++)
		places[i] = i;
	for (uint32 l = 0; l < view->labels.n; l++)
	{
		int64		category = dictionary_find(scale, names_get(&view->labels, l));

		if (used[l] && category < 0)
			not_on_scale(names_get(&view->labels, l));
		s->category[l] = used[l] ? category : 0;
	}
}

/* Categories are the labels that were used, in order of numbers if they are such. */
static void
use_labels(AgreementScale *s, const AnnotationView *view, const bool *used,
		   double *places, bool *numbers)
{
	OrderedLabel *order = palloc(Max(view->labels.n, 1) * sizeof(OrderedLabel));

	for (uint32 l = 0; l < view->labels.n; l++)
		if (used[l])
		{
			order[s->n].label = l;
			*numbers = label_number(names_get(&view->labels, l), &order[s->n++].number) && *numbers;
		}
	if (*numbers)
		qsort(order, s->n, sizeof(OrderedLabel), compare_numbers);
	for (uint32 i = 0; i < s->n; i++)
	{
		places[i] = *numbers ? order[i].number : i;
		s->category[order[i].label] = i;
	}
	pfree(order);
}

static LabelDistance
distance_kind(const AgreementOptions *options)
{
	if (options->weights != WEIGHTS_OWN)
		return options->weights;
	switch (options->level)
	{
		case LEVEL_ORDINAL:
			return DISTANCE_ORDINAL;
		case LEVEL_INTERVAL:
			return DISTANCE_QUADRATIC;
		case LEVEL_RATIO:
			return DISTANCE_RATIO;
		default:
			return DISTANCE_IDENTITY;
	}
}

/* Levels of numbers want numbers. */
static void
check_numbers(const AnnotationView *view, const bool *used, const AgreementOptions *options)
{
	for (uint32 l = 0; l < view->labels.n; l++)
	{
		NameView	label = names_get(&view->labels, l);
		double		number = 0;

		if (!used[l] || (label_number(label, &number) &&
						 (options->level == LEVEL_INTERVAL || number >= 0)))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("label \"%.*s\" is not a %snumber, which level \"%s\" needs", label.len, label.s,
						options->level == LEVEL_RATIO ? "non-negative " : "", agreement_levels[options->level]),
				 errhint("Use level \"ordinal\" with the labels' order as option \"scale\", or level \"nominal\".")));
	}
}

AgreementScale
agreement_scale(const AnnotationView *view, const AgreementOptions *options)
{
	AgreementScale s = {0};
	LabelDistance kind = distance_kind(options);
	bool	   *used = labels_used(view);
	double	   *places = palloc(NL_MAX_CLASSES * sizeof(double));
	bool		numbers = true;

	if (options->level == LEVEL_INTERVAL || options->level == LEVEL_RATIO)
		check_numbers(view, used, options);
	s.category = palloc0(Max(view->labels.n, 1) * sizeof(uint16));
	if (options->scale != NULL)
		use_scale(&s, view, used, options->scale, places, &numbers);
	else
		use_labels(&s, view, used, places, &numbers);
	s.by_name = !numbers && options->scale == NULL && kind != DISTANCE_IDENTITY;
	s.midranks = options->level == LEVEL_ORDINAL && options->weights == WEIGHTS_OWN &&
		options->weight_option == NULL;
	s.distances = options->weight_option != NULL ? table_distances(options->weight_option, s.n) :
		label_distances(kind, places, s.n);
	pfree(places);
	pfree(used);
	return s;
}

void
agreement_order_notice(void)
{
	label_order_notice("Give their order, such as {\"scale\": [\"bad\", \"fair\", \"good\"]}.");
}
