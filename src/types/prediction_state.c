/*
 * prediction_state.c
 *		The type prediction_set: the state of aggregates that need all their rows
 *		twice; see prediction_set.h.
 *
 * It begins as a log of rows (state.h).  Binary form: version; which names rows
 * have; labels, annotators, items; the number of rows; for each row its label, its
 * annotator and item, and a probability for each label.  Text form: that in base64.
 * The stored form is the binary form with a header, in UTF-8, so there is one
 * reader for both.
 */
#include "types/prediction_set.h"

#include <math.h>

#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "names/names_io.h"
#include "pg/arguments.h"
#include "types/value_forms.h"

#define LOG_BYTES 4096			/* at which a log is made an object */
#define ROW_SET 100				/* kind of a row that is a stored set; else PredictionNames */

static const ExpandedObjectMethods methods;

static ExpandedPredictions *
create(MemoryContext parent, PredictionNames names)
{
	MemoryContext context = AllocSetContextCreate(parent, "prediction_set",
												  ALLOCSET_START_SMALL_SIZES);
	ExpandedPredictions *ep = MemoryContextAllocZero(context, sizeof(ExpandedPredictions));

	EOH_init_header(&ep->hdr, &methods, context);
	prediction_set_init(&ep->set, context, names, 0);
	return ep;
}

static void
check_names(const PredictionSet *set, PredictionNames names)
{
	if (set->names != names)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("prediction_sets with and without items and annotators cannot be joined")));
}

/*
 * Joining
 */
static void
merge(ExpandedPredictions *ep, const PredictionSet *from)
{
	PredictionSet *to = &ep->set;
	uint32	   *labels;
	uint32	   *annotators = NULL;
	uint32	   *items = NULL;

	check_names(to, from->names);
	labels = dictionary_add_all(to->labels, from->labels);
	if (from->annotators != NULL)
		annotators = dictionary_add_all(to->annotators, from->annotators);
	if (from->items != NULL)
		items = dictionary_add_all(to->items, from->items);
	for (uint32 i = 0; i < from->n; i++)
	{
		const double *p = prediction_row(from, i);
		double	   *row = prediction_set_append(to, to->labels->n);

		CHECK_FOR_INTERRUPTS();
		for (uint32 k = 0; k < Min(from->stride, from->labels->n); k++)
			row[labels[k]] = p[k];
		to->label[to->n] = labels[from->label[i]];
		if (annotators != NULL)
			to->annotator[to->n] = annotators[from->annotator[i]];
		if (items != NULL)
			to->item[to->n] = items[from->item[i]];
		to->n++;
	}
}

/*
 * Binary form
 */
static Size
written_size(const PredictionSet *set)
{
	return mul_size(set->n, 10 + mul_size(set->labels->n, sizeof(double)));
}

static void
send_dictionary(StringInfo buf, const Dictionary *dict, int encoding)
{
	pq_sendint32(buf, dict->n);
	for (uint32 i = 0; i < dict->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		name_send(buf, dictionary_get(dict, i), encoding);
	}
}

static void
write_set(StringInfo buf, const PredictionSet *set, int encoding)
{
	(void) value_check_size(written_size(set), KIND_PREDICTION_SET);
	value_send_version(buf, KIND_PREDICTION_SET);
	pq_sendint8(buf, set->names);
	send_dictionary(buf, set->labels, encoding);
	if (set->annotators != NULL)
		send_dictionary(buf, set->annotators, encoding);
	if (set->items != NULL)
		send_dictionary(buf, set->items, encoding);
	pq_sendint32(buf, set->n);
	for (uint32 i = 0; i < set->n; i++)
	{
		const double *p = prediction_row(set, i);

		CHECK_FOR_INTERRUPTS();
		pq_sendint16(buf, set->label[i]);
		if (set->annotator != NULL)
			pq_sendint32(buf, set->annotator[i]);
		if (set->item != NULL)
			pq_sendint32(buf, set->item[i]);
		for (uint32 k = 0; k < set->labels->n; k++)
			pq_sendfloat8(buf, k < set->stride ? p[k] : 0);
	}
}

static uint32
read_code(StringInfo buf, int bytes, const Dictionary *dict)
{
	uint32		code = pq_getmsgint(buf, bytes);

	if (code >= dict->n)
		value_invalid_binary(KIND_PREDICTION_SET, "A row has a name that is not listed.");
	return code;
}

static void
read_row(StringInfo buf, PredictionSet *set)
{
	double	   *row = prediction_set_append(set, set->labels->n);
	double		sum = 0;

	set->label[set->n] = read_code(buf, 2, set->labels);
	if (set->annotator != NULL)
		set->annotator[set->n] = read_code(buf, 4, set->annotators);
	if (set->item != NULL)
		set->item[set->n] = read_code(buf, 4, set->items);
	for (uint32 k = 0; k < set->labels->n; k++)
	{
		row[k] = pq_getmsgfloat8(buf) + 0.0;
		if (!(row[k] >= 0 && row[k] <= 1 + 1e-6))
			value_invalid_binary(KIND_PREDICTION_SET, "A row has a number that is no probability.");
		sum += row[k];
	}
	if (!(fabs(sum - 1) <= 1e-6))
		value_invalid_binary(KIND_PREDICTION_SET, "The probabilities of a row do not sum to 1.");
	set->n++;
}

static ExpandedPredictions *
read_set(StringInfo buf, MemoryContext parent, int encoding)
{
	ExpandedPredictions *ep;
	PredictionSet *set;
	int			names;
	uint32		n;

	value_recv_version(buf, KIND_PREDICTION_SET);
	names = pq_getmsgbyte(buf);
	if (names > PREDICTION_ITEM)
		value_invalid_binary(KIND_PREDICTION_SET, "It is of an unknown kind.");
	ep = create(parent, names);
	set = &ep->set;
	dictionary_recv(set->labels, buf, encoding);
	if (set->annotators != NULL)
		dictionary_recv(set->annotators, buf, encoding);
	if (set->items != NULL)
		dictionary_recv(set->items, buf, encoding);
	n = pq_getmsgint(buf, 4);
	/* nothing is allocated for rows that are not there */
	if (n == 0 || set->labels->n == 0 ||
		n > (Size) (buf->len - buf->cursor) / set->labels->n / sizeof(double))
		value_invalid_binary(KIND_PREDICTION_SET, "It is truncated.");
	set->capacity = n;
	for (uint32 i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		read_row(buf, set);
	}
	pq_getmsgend(buf);
	return ep;
}

/*
 * Expanded form
 */
static StringInfo
flat_buffer(ExpandedPredictions *ep)
{
	if (ep->flat == NULL)
	{
		MemoryContext old = value_begin_flatten(&ep->hdr);
		Size		size = value_check_size(written_size(&ep->set), KIND_PREDICTION_SET);

		nl_check_memory(add_size(prediction_set_memory(&ep->set), size),
						"storing a prediction_set");
		ep->flat = makeStringInfo();
		enlargeStringInfo(ep->flat, size);
		write_set(ep->flat, &ep->set, value_text_encoding());
		MemoryContextSwitchTo(old);
	}
	return ep->flat;
}

static Size
get_flat_size(ExpandedObjectHeader *eoh)
{
	return value_bytes_size(flat_buffer((ExpandedPredictions *) eoh), KIND_PREDICTION_SET);
}

static void
flatten_into(ExpandedObjectHeader *eoh, void *result, Size size)
{
	ExpandedPredictions *ep = (ExpandedPredictions *) eoh;

	flat_buffer(ep);
	value_bytes_store(result, size, KIND_PREDICTION_SET, &ep->flat);
}

static const ExpandedObjectMethods methods = {get_flat_size, flatten_into};

static void
add_row(ExpandedPredictions *ep, const LogRow *row)
{
	const LogField *f = row->field;
	LabelDistribution *predicted;
	RowNames	names = NO_ROW_NAMES;

	if (row->n != row->kind + 2)
		value_corrupt(KIND_PREDICTION_SET);
	check_names(&ep->set, row->kind);
	names.label = log_field_name(&f[1]);
	if (row->kind != PREDICTION_LABEL)
		names.annotator = log_field_name(&f[2]);
	if (row->kind == PREDICTION_ITEM)
		names.item = log_field_name(&f[3]);
	predicted = label_distribution_get(PointerGetDatum(log_field_aligned(&f[0])));
	prediction_set_add(&ep->set, &names, predicted);
}

/* A set that came as a row; "ep" is NULL where it is the first. */
static ExpandedPredictions *
add_set(ExpandedPredictions *ep, MemoryContext parent, const LogRow *row)
{
	Datum		stored = PointerGetDatum(log_field_aligned(&row->field[0]));
	ExpandedPredictions *other;

	if (row->n != 1)
		value_corrupt(KIND_PREDICTION_SET);
	if (ep == NULL)
		return predictions_copy(stored, parent);
	other = predictions_copy(stored, CurrentMemoryContext);
	merge(ep, &other->set);
	DeleteExpandedObject(EOHPGetRWDatum(&other->hdr));
	return ep;
}

static ExpandedPredictions *
replay(const RowLog *log, MemoryContext parent)
{
	LogReader	reader = row_log_begin(log);
	ExpandedPredictions *ep = NULL;
	LogRow		row;

	while (row_log_next(&reader, &row))
	{
		if (row.kind == ROW_SET)
			ep = add_set(ep, parent, &row);
		else
		{
			if (row.kind > PREDICTION_ITEM)
				value_corrupt(KIND_PREDICTION_SET);
			if (ep == NULL)
				ep = create(parent, row.kind);
			add_row(ep, &row);
		}
	}
	if (ep == NULL)
		value_corrupt(KIND_PREDICTION_SET);
	return ep;
}

static ExpandedPredictions *
expanded(Datum datum)
{
	return (ExpandedPredictions *) value_expanded(datum, &methods);
}

/* A copy of any form of the set, in a context below "parent". */
ExpandedPredictions *
predictions_copy(Datum datum, MemoryContext parent)
{
	const ExpandedPredictions *from = expanded(datum);
	StringInfoData buf;
	ValueBytes *flat;

	if (from != NULL)
	{
		ExpandedPredictions *ep = create(parent, from->set.names);

		ep->set.capacity = from->set.n;
		merge(ep, &from->set);
		return ep;
	}
	flat = value_get(datum, KIND_PREDICTION_SET, offsetof(ValueBytes, data));
	if (value_is_row_log(flat))
		return replay((RowLog *) flat, parent);
	buf = value_bytes_reader(flat, KIND_PREDICTION_SET);
	return read_set(&buf, parent, value_text_encoding());
}

/* The set with names and rows in order of their contents, as equal sets have it. */
Datum
predictions_canonical(Datum datum)
{
	ExpandedPredictions *ep = predictions_copy(datum, CurrentMemoryContext);
	MemoryContext old = MemoryContextSwitchTo(ep->hdr.eoh_context);
	ExpandedPredictions *sorted = create(old, ep->set.names);
	PredictionSet *from = &ep->set;
	PredictionSet *to = &sorted->set;
	Names		annotators = {0};
	Names		items = {0};
	Names		labels = prediction_set_finish(from, &annotators, &items);
	uint32	   *order = prediction_set_order(from);
	Datum		result;

	to->capacity = from->n;
	(void) dictionary_add_names(to->labels, &labels);
	if (to->annotators != NULL)
		(void) dictionary_add_names(to->annotators, &annotators);
	if (to->items != NULL)
		(void) dictionary_add_names(to->items, &items);
	for (uint32 i = 0; i < from->n; i++)
	{
		uint32		source = order[i];
		double	   *row = prediction_set_append(to, labels.n);

		NL_CHECK_INTERRUPTS(i);
		memcpy(row, prediction_row(from, source), from->stride * sizeof(double));
		to->label[i] = from->label[source];
		if (to->annotator != NULL)
			to->annotator[i] = from->annotator[source];
		if (to->item != NULL)
			to->item[i] = from->item[source];
		to->n++;
	}
	MemoryContextSwitchTo(old);
	result = value_flatten(&sorted->hdr);
	DeleteExpandedObject(EOHPGetRWDatum(&sorted->hdr));
	DeleteExpandedObject(EOHPGetRWDatum(&ep->hdr));
	return result;
}

/*
 * SQL functions
 */

/* The state of argument 0 in a form that may be changed. */
static ExpandedPredictions *
get_state(FunctionCallInfo fcinfo, PredictionNames names)
{
	MemoryContext context = value_state_context(fcinfo);
	ExpandedPredictions *ep;

	if (PG_ARGISNULL(0))
		return create(context, names);
	ep = expanded(PG_GETARG_DATUM(0));
	if (ep != NULL && value_may_modify(fcinfo, PG_GETARG_DATUM(0)))
		return ep;
	return predictions_copy(PG_GETARG_DATUM(0), context);
}

/* (prediction_set [, item] [, annotator], label, predicted) */
NL_FUNCTION(prediction_set_accum);
Datum
prediction_set_accum(PG_FUNCTION_ARGS)
{
	int			last = PG_NARGS() - 1;
	LogRow		row = {last - 2, last, {{0}}};
	RowOptions	options = NO_OPTIONS;
	LabelDistribution *predicted;
	ExpandedPredictions *ep;
	RowLog	   *log;

	for (int i = 1; i <= last; i++)
		if (PG_ARGISNULL(i))
			VALUE_RETURN_STATE();
	predicted = PG_GETARG_LABEL_DISTRIBUTION(last);
	row.field[0] = (LogField) {predicted, VARSIZE(predicted)};
	for (int i = 1; i < last; i++)
		row.field[i] = log_field_text(nl_name_argument(fcinfo, last - i));
	log = row_log_append(fcinfo, KIND_PREDICTION_SET, &row, &options, LOG_BYTES);
	if (log != NULL)
		PG_RETURN_POINTER(log);
	ep = get_state(fcinfo, row.kind);
	add_row(ep, &row);
	PG_RETURN_DATUM(EOHPGetRWDatum(&ep->hdr));
}

/* (prediction_set, prediction_set): either side may be NULL */
NL_FUNCTION(prediction_set_combine);
Datum
prediction_set_combine(PG_FUNCTION_ARGS)
{
	const ExpandedPredictions *from;
	ExpandedPredictions *other;
	ExpandedPredictions *ep;
	RowLog	   *log;

	if (PG_ARGISNULL(1))
		VALUE_RETURN_STATE();
	from = expanded(PG_GETARG_DATUM(1));
	if (from == NULL)
	{
		void	   *flat = value_get(PG_GETARG_DATUM(1), KIND_PREDICTION_SET,
									 offsetof(ValueBytes, data));

		log = row_log_append_state(fcinfo, KIND_PREDICTION_SET, flat, ROW_SET, LOG_BYTES);
		if (log != NULL)
			PG_RETURN_POINTER(log);
	}
	other = predictions_copy(PG_GETARG_DATUM(1), CurrentMemoryContext);
	ep = get_state(fcinfo, other->set.names);
	merge(ep, &other->set);
	DeleteExpandedObject(EOHPGetRWDatum(&other->hdr));
	PG_RETURN_DATUM(EOHPGetRWDatum(&ep->hdr));
}

/* The set itself if it is expanded, or else a copy. */
ExpandedPredictions *
predictions_get(Datum datum)
{
	ExpandedPredictions *ep = expanded(datum);

	return ep != NULL ? ep : predictions_copy(datum, CurrentMemoryContext);
}

/* The same for an aggregate whose rows have these names. */
ExpandedPredictions *
predictions_of(Datum datum, PredictionNames names)
{
	ExpandedPredictions *ep = predictions_get(datum);

	if (ep->set.names != names)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the state is one of another aggregate")));
	return ep;
}

NL_FUNCTION(prediction_set_send);
Datum
prediction_set_send(PG_FUNCTION_ARGS)
{
	StringInfoData buf;

	pq_begintypsend(&buf);
	write_set(&buf, &predictions_get(PG_GETARG_DATUM(0))->set, pg_get_client_encoding());
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

NL_FUNCTION(prediction_set_out);
Datum
prediction_set_out(PG_FUNCTION_ARGS)
{
	StringInfoData buf;

	initStringInfo(&buf);
	write_set(&buf, &predictions_get(PG_GETARG_DATUM(0))->set, value_text_encoding());
	PG_RETURN_CSTRING(value_binary_to_text(&buf, KIND_PREDICTION_SET));
}

static Datum
read_flat(StringInfo buf, int encoding)
{
	return value_flatten(&read_set(buf, CurrentMemoryContext, encoding)->hdr);
}

static const ValueForms prediction_set_forms = {
	.kind = KIND_PREDICTION_SET,.read_binary = read_flat
};

VALUE_INPUT_FUNCTIONS(prediction_set)
