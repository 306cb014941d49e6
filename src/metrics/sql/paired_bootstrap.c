/*
 * paired_bootstrap.c
 *		SQL aggregates paired_bootstrap() and mcnemar(): is a candidate better than the
 *		baseline on the same items?
 */
#include "metrics/paired.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "crowd/sql/annotation_aggregate.h"
#include "math/beta_quantile.h"
#include "metrics/confusion_measures.h"
#include "names/names_io.h"
#include "pg/arguments.h"
#include "pg/options.h"
#include "pg/results.h"
#include "utils/array.h"

/* attributes of paired_comparison; sql/install/40_comparisons.in agrees */
enum
{
	P_N, P_ITEMS, P_METRIC, P_BASELINE, P_CANDIDATE, P_DIFFERENCE, P_LOW, P_HIGH,
	P_VALUE, P_DETECTABLE, P_HARMED, P_VERDICT, P_COLUMNS
};

static const char *const harm_names[] = {"f1", "none", NULL};

static const Option option_table[] = {
	{"metric", OPTION_CHOICE, offsetof(PairedOptions, metric), 0, 0, f1_measure_names},
	{"resamples", OPTION_INT, offsetof(PairedOptions, resamples), 99, 1000000, NULL},
	{"seed", OPTION_INT, offsetof(PairedOptions, seed), 0, 1e9, NULL},
	{"level", OPTION_DOUBLE, offsetof(PairedOptions, level), 0.5, 0.9999, NULL},
	{"harm", OPTION_CHOICE, offsetof(PairedOptions, harm), 0, 0, harm_names},
	{"harm_margin", OPTION_DOUBLE, offsetof(PairedOptions, harm_margin), 0, 1, NULL}
};

static PairedOptions
parse_options(const Jsonb *jsonb)
{
	PairedOptions options = {
		.metric = F1_MACRO_F1,.resamples = 2000,.level = 0.95,.harm = HARM_F1,.harm_margin = 0.01
	};

	int			least;

	if (jsonb != NULL)
		options_parse(jsonb, option_table, lengthof(option_table), &options);
	/* of fewer no quantile is so far out, and no p-value so small */
	least = (int) ceil(options.level / (1 - options.level) - 1e-6);
	if (options.resamples < least)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%d resamples are too few for level %s", options.resamples, nl_number(options.level)),
				 errhint("Give {\"resamples\": %d} or more.", least)));
	return options;
}

/* (annotation_set, item, truth, baseline, candidate [, options]) */
NL_FUNCTION(paired_bootstrap_accum);
Datum
paired_bootstrap_accum(PG_FUNCTION_ARGS)
{
	LogRow		row = {ANNOTATION_ROW_PAIR, 4, {{0}}};
	RowOptions	options;

	for (int i = 1; i <= 4; i++)
		if (PG_ARGISNULL(i))
			VALUE_RETURN_STATE();
	options = row_options(fcinfo);
	if (PG_ARGISNULL(0))
		(void) parse_options(options.value);	/* bad ones fail before the work */
	for (int i = 0; i < 4; i++)
		row.field[i] = log_field_text(nl_name_argument(fcinfo, i + 1));
	return annotation_set_state_add(fcinfo, &row, &options);
}

static const char *
verdict(const PairedResult *r, const PairedOptions *options)
{
	if (!(r->p_value < 1 - options->level + 1e-12))
		return "no evidence";
	if (r->difference < 0)
		return "worse";
	return r->any_harmed ? "improved, harms a class" : "improved";
}

static Datum
harmed_classes(const PairedResult *r)
{
	Datum	   *names = palloc(Max(r->labels.n, 1) * sizeof(Datum));
	int			n = 0;

	for (uint32 k = 0; k < r->labels.n; k++)
		if (r->harmed[k])
			names[n++] = PointerGetDatum(names_text(&r->labels, k));
	return PointerGetDatum(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
}

static void
set_number(Datum *values, bool *nulls, int column, double value)
{
	nulls[column] = isnan(value);
	values[column] = Float8GetDatum(value);
}

NL_FUNCTION(paired_bootstrap_final);
Datum
paired_bootstrap_final(PG_FUNCTION_ARGS)
{
	AnnotationView view = annotation_set_view(PG_GETARG_DATUM(0));
	PairedOptions options = parse_options(state_options_parse(view.options));
	PairedResult r = paired_compare(&view, &options);
	Datum		values[P_COLUMNS];
	bool		nulls[P_COLUMNS] = {false};

	values[P_N] = Int64GetDatum(r.n);
	values[P_ITEMS] = Int64GetDatum(r.items);
	values[P_METRIC] = CStringGetTextDatum(f1_measure_names[options.metric]);
	set_number(values, nulls, P_BASELINE, r.baseline);
	set_number(values, nulls, P_CANDIDATE, r.candidate);
	set_number(values, nulls, P_DIFFERENCE, r.difference);
	set_number(values, nulls, P_LOW, r.low);
	set_number(values, nulls, P_HIGH, r.high);
	set_number(values, nulls, P_VALUE, r.p_value);
	set_number(values, nulls, P_DETECTABLE, r.detectable);
	values[P_HARMED] = harmed_classes(&r);
	values[P_VERDICT] = CStringGetTextDatum(verdict(&r, &options));
	PG_RETURN_DATUM(nl_record(fcinfo, values, nulls));
}

/*
 * mcnemar(truth, baseline, candidate).  The state is a confusion_matrix of "right" and "wrong":
 * the baseline's in the rows, the candidate's in the columns.
 */
NL_FUNCTION(mcnemar_accum);
Datum
mcnemar_accum(PG_FUNCTION_ARGS)
{
	LogRow		row = {CONFUSION_ROW_LABELS, 3, {{0}}};
	double		weight = 1;
	NameView	truth;

	for (int i = 1; i <= 3; i++)
		if (PG_ARGISNULL(i))
			VALUE_RETURN_STATE();
	truth = name_of_text(nl_name_argument(fcinfo, 1));
	for (int i = 0; i < 2; i++)
	{
		bool		right = is_same_name(truth, name_of_text(nl_name_argument(fcinfo, i + 2)));

		row.field[i] = right ? (LogField) {"right", 5} : (LogField) {"wrong", 5};
	}
	row.field[2] = (LogField) {&weight, sizeof(weight)};
	return confusion_matrix_state_add(fcinfo, &row);
}

static double
cell(const ConfusionMatrix *cm, const char *baseline, const char *candidate)
{
	Names		names = confusion_matrix_labels(cm);
	int			b = names_find(&names, name_of(baseline));
	int			c = names_find(&names, name_of(candidate));

	return b < 0 || c < 0 ? 0 : confusion_matrix_count(cm, b, c);
}

/* Anybody may call the final function with a confusion_matrix. */
static void
check_counts(double n, double total)
{
	if (!(n >= 1 && n == total && n < (double) PG_INT64_MAX && n == rint(n)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("this confusion_matrix is no state of mcnemar()"),
				 errhint("Call the aggregate: mcnemar(truth, baseline, candidate).")));
}

/* Twice the smaller tail of a fair coin (McNemar 1947, exact form); 1 where nothing differs. */
static double
sign_test(double a, double b)
{
	double		fewer = Min(a, b);

	if (a == b)
		return 1;
	return Min(1, 2 * beta_cdf(a + b - fewer, fewer + 1, 0.5));
}

NL_FUNCTION(mcnemar_final);
Datum
mcnemar_final(PG_FUNCTION_ARGS)
{
	ConfusionMatrix *cm = PG_GETARG_CONFUSION_MATRIX(0);
	double		both = cell(cm, "right", "right");
	double		baseline = cell(cm, "right", "wrong");
	double		candidate = cell(cm, "wrong", "right");
	double		n = both + baseline + candidate + cell(cm, "wrong", "wrong");
	Margins		margins = confusion_margins(cm);
	Datum		values[7];
	bool		nulls[lengthof(values)] = {false};

	check_counts(n, margins.total);
	values[0] = Int64GetDatum((int64) n);
	values[1] = Int64GetDatum((int64) baseline);
	values[2] = Int64GetDatum((int64) candidate);
	values[3] = Float8GetDatum((both + baseline) / n);
	values[4] = Float8GetDatum((both + candidate) / n);
	values[5] = Float8GetDatum((candidate - baseline) / n);
	values[6] = Float8GetDatum(sign_test(baseline, candidate));
	PG_RETURN_DATUM(nl_record(fcinfo, values, nulls));
}
