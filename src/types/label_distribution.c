/*
 * label_distribution.c
 *		The type label_distribution: input, output, constructor, accessors.
 */
#include "types/label_distribution.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "pg/arguments.h"
#include "pg/json.h"
#include "pg/results.h"
#include "names/names_io.h"
#include "types/value_forms.h"

static const char type_name[] = "label_distribution";

/*
 * Rounded probabilities (0.33, 0.33, 0.33) are welcome and rescaled; what is
 * further from 1 is no distribution.  What is nearer than the second bound is
 * kept to the bit, so that text and binary forms are lossless.
 */
#define SUM_ACCEPTED 0.011
#define SUM_EXACT 1e-9

static Size
flat_size(Size n, Size name_bytes)
{
	Size		size = offsetof(LabelDistribution, p);

	size = add_size(size, mul_size(n, sizeof(double) + sizeof(uint32)));
	return value_check_size(add_size(size, name_bytes), KIND_LABEL_DISTRIBUTION);
}

LabelDistribution *
label_distribution_get(Datum datum)
{
	LabelDistribution *d = value_get(datum, KIND_LABEL_DISTRIBUTION,
									offsetof(LabelDistribution, p));

	value_check_stored(d, flat_size(d->n, d->name_bytes), KIND_LABEL_DISTRIBUTION);
	return d;
}

/* A stored value from labels in canonical order. */
LabelDistribution *
label_distribution_make(const Names *labels, const double *p)
{
	uint32		n = labels->n;
	Size		name_bytes = names_bytes(labels);
	Size		size = flat_size(n, name_bytes);
	LabelDistribution *d = palloc0(size);
	Names		names;

	value_init(d, KIND_LABEL_DISTRIBUTION, size);
	d->n = n;
	d->name_bytes = name_bytes;
	(void) value_put_doubles(d->p, p, n);
	names = label_distribution_labels(d);
	names_copy(&names, labels);
	return d;
}

/*
 * The most probable label: the first in order among those within the tie
 * tolerance of the largest probability, and whether there are several.
 */
uint32
probabilities_top(const double *p, uint32 n, bool *tied)
{
	double		max = p[0];
	uint32		top = 0;
	uint32		count = 0;

	for (uint32 i = 1; i < n; i++)
		max = Max(max, p[i]);
	for (uint32 i = n; i-- > 0;)
		if (p[i] >= max - NL_TIE_TOLERANCE)
		{
			top = i;
			count++;
		}
	if (tied)
		*tied = count > 1;
	return top;
}

/* Shannon entropy in bits; 0 log 0 is 0. */
double
probabilities_entropy(const double *p, uint32 n)
{
	double		entropy = 0;

	for (uint32 i = 0; i < n; i++)
		if (p[i] > 0)
			entropy -= p[i] * log2(p[i]);
	return Max(entropy, 0);
}

/*
 * All input ends here: labels in the dictionary's order of appearance with
 * their probabilities, which are checked, rescaled where rounded, and put in
 * canonical order.
 */
static LabelDistribution *
from_input(const Dictionary *labels, const double *p)
{
	uint32	   *order = dictionary_order(labels, ORDER_LABELS);
	Names		names = dictionary_names(labels, order);
	double	   *sorted = palloc(Max(labels->n, 1) * sizeof(double));
	double		sum = 0;

	if (labels->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a label_distribution needs at least one label"),
				 errhint("A distribution over one label is {\"label\": 1}; where nothing is known, use NULL.")));
	for (uint32 i = 0; i < labels->n; i++)
	{
		double		value = p[order[i]];

		if (!(value >= 0 && value <= 1 + SUM_ACCEPTED))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("probability %s of label \"%s\" is out of range",
							nl_number(value), names_cstring(&names, i)),
					 errhint("Probabilities are numbers from 0 to 1.")));
		sorted[i] = value + 0.0;	/* -0 would not come back from text */
		sum += value;
	}
	if (sum == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("all probabilities of a label_distribution are 0"),
				 errhint("Where nothing is known, use NULL or equal probabilities.")));
	if (fabs(sum - 1) > SUM_ACCEPTED)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("probabilities of a label_distribution sum to %g, not 1",
						sum),
				 errhint("Divide them by their sum.")));
	if (fabs(sum - 1) > SUM_EXACT)
		for (uint32 i = 0; i < labels->n; i++)
			sorted[i] /= sum;
	return label_distribution_make(&names, sorted);
}

static Dictionary *
new_labels(void)
{
	return dictionary_create(CurrentMemoryContext, "label", NL_MAX_CLASSES);
}

static Datum
read_json(const char *text)
{
	JsonText	object = jsonio_parse_object(type_name, text);
	double		p[NL_MAX_CLASSES];
	Dictionary *labels = new_labels();

	for (JsonText at = jsonio_first(object); at != NULL; at = jsonio_next(at))
	{
		char	   *label = jsonio_key(at);
		uint32		n = labels->n;

		if (dictionary_add(labels, name_of(label)) != n)
			jsonio_invalid(type_name, psprintf("Label \"%s\" occurs twice.", label));
		at = jsonio_member(at);
		if (!jsonio_is_number(at))
			jsonio_invalid(type_name, psprintf("The probability of label \"%s\" must be a number.", label));
		p[n] = jsonio_double(type_name, at, label);
		pfree(label);
	}
	return PointerGetDatum(from_input(labels, p));
}

static void
write_json(StringInfo buf, const void *value)
{
	const LabelDistribution *d = value;
	Names		names = label_distribution_labels(d);

	for (uint32 i = 0; i < d->n; i++)
	{
		appendStringInfoString(buf, i == 0 ? "{" : ", ");
		jsonio_append_name(buf, names_get(&names, i));
		appendStringInfoString(buf, ": ");
		jsonio_append_double(buf, d->p[i]);
	}
	appendStringInfoChar(buf, '}');
}

static Datum
read_binary(StringInfo buf, int encoding)
{
	Dictionary *labels = new_labels();
	double		p[NL_MAX_CLASSES];

	value_recv_version(buf, KIND_LABEL_DISTRIBUTION);
	dictionary_recv(labels, buf, encoding);
	if ((Size) (buf->len - buf->cursor) != labels->n * sizeof(double))
		value_invalid_binary(KIND_LABEL_DISTRIBUTION,
							 "The number of probabilities is wrong.");
	value_recv_doubles(buf, p, labels->n);
	return PointerGetDatum(from_input(labels, p));
}

static void
write_binary(StringInfo buf, const void *value, int encoding)
{
	const LabelDistribution *d = value;
	Names		names = label_distribution_labels(d);

	value_send_version(buf, KIND_LABEL_DISTRIBUTION);
	names_send(buf, &names, encoding);
	value_send_doubles(buf, d->p, d->n);
}

const ValueForms label_distribution_forms = {
	KIND_LABEL_DISTRIBUTION, write_json, write_binary, read_json, read_binary
};

VALUE_INPUT_FUNCTIONS(label_distribution)
VALUE_OUTPUT_FUNCTIONS(label_distribution, label_distribution_get)

#define PROBABILITIES_HINT \
	"Give a number for each label, such as label_distribution(ARRAY['a', 'b'], ARRAY[0.9, 0.1])."

/* label_distribution(labels text[], probabilities float8[]) */
NL_FUNCTION(label_distribution_from_arrays);
Datum
label_distribution_from_arrays(PG_FUNCTION_ARGS)
{
	ArrayType  *p_array = PG_GETARG_ARRAYTYPE_P(1);
	Dictionary *labels = new_labels();
	Datum	   *values;
	double	   *p;
	int			n;

	dictionary_add_array(labels, PG_GETARG_ARRAYTYPE_P(0));
	if (array_contains_nulls(p_array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the array of probabilities must not contain NULL"),
				 errhint(PROBABILITIES_HINT)));
	deconstruct_array(p_array, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &values, NULL, &n);
	if ((uint32) n != labels->n)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%u labels but %d probabilities", labels->n, n),
				 errhint(PROBABILITIES_HINT)));
	p = palloc(Max(n, 1) * sizeof(double));
	for (int i = 0; i < n; i++)
		p[i] = DatumGetFloat8(values[i]);
	PG_RETURN_POINTER(from_input(labels, p));
}

NL_FUNCTION(label_distribution_labels_array);
Datum
label_distribution_labels_array(PG_FUNCTION_ARGS)
{
	Names		names = label_distribution_labels(PG_GETARG_LABEL_DISTRIBUTION(0));

	PG_RETURN_DATUM(names_array(&names));
}

NL_FUNCTION(label_distribution_top_label);
Datum
label_distribution_top_label(PG_FUNCTION_ARGS)
{
	LabelDistribution *d = PG_GETARG_LABEL_DISTRIBUTION(0);
	Names		names = label_distribution_labels(d);

	PG_RETURN_TEXT_P(names_text(&names, probabilities_top(d->p, d->n, NULL)));
}

/* The largest probability. */
NL_FUNCTION(label_distribution_confidence);
Datum
label_distribution_confidence(PG_FUNCTION_ARGS)
{
	LabelDistribution *d = PG_GETARG_LABEL_DISTRIBUTION(0);

	PG_RETURN_FLOAT8(d->p[probabilities_top(d->p, d->n, NULL)]);
}

NL_FUNCTION(label_distribution_entropy);
Datum
label_distribution_entropy(PG_FUNCTION_ARGS)
{
	LabelDistribution *d = PG_GETARG_LABEL_DISTRIBUTION(0);

	PG_RETURN_FLOAT8(probabilities_entropy(d->p, d->n));
}

/* The largest probability less the second largest, which is 0 for one label. */
NL_FUNCTION(label_distribution_margin);
Datum
label_distribution_margin(PG_FUNCTION_ARGS)
{
	LabelDistribution *d = PG_GETARG_LABEL_DISTRIBUTION(0);
	double		first = 0;
	double		second = 0;

	for (uint32 i = 0; i < d->n; i++)
	{
		if (d->p[i] > first)
		{
			second = first;
			first = d->p[i];
		}
		else if (d->p[i] > second)
			second = d->p[i];
	}
	PG_RETURN_FLOAT8(first - second);
}

/* A label that the distribution does not know has probability 0. */
NL_FUNCTION(label_distribution_probability);
Datum
label_distribution_probability(PG_FUNCTION_ARGS)
{
	LabelDistribution *d = PG_GETARG_LABEL_DISTRIBUTION(0);
	Names		names = label_distribution_labels(d);
	int			i = names_find(&names, name_of_text(PG_GETARG_TEXT_PP(1)));

	PG_RETURN_FLOAT8(i < 0 ? 0 : d->p[i]);
}

NL_FUNCTION(label_distribution_probabilities);
Datum
label_distribution_probabilities(PG_FUNCTION_ARGS)
{
	LabelDistribution *d = PG_GETARG_LABEL_DISTRIBUTION(0);
	Names		names = label_distribution_labels(d);
	ResultRows	rows = rows_begin(fcinfo);

	for (uint32 i = 0; i < d->n; i++)
	{
		rows.values[0] = PointerGetDatum(names_text(&names, i));
		rows.values[1] = Float8GetDatum(d->p[i]);
		rows_add(&rows);
	}
	return rows_end(&rows);
}
