/*
 * state.c
 *		Aggregate states as flat logs of rows, and their options; see state.h.
 *
 * Form: the header, the options as jsonb (once), then each row: its kind, the
 * number of its fields, a size for each, and their bytes, nothing aligned.
 *
 * Memory: inside an aggregate a row is written in place where there is room;
 * else a log of twice the size is made in the current context, which the
 * executor copies to where states live and frees the old one.  Sizes are powers
 * of two, as palloc's are.  Outside of aggregates there are no logs: a function
 * that is called by hand never changes its argument and gives the type's usual
 * form.
 *
 * A log never exceeds ROW_LOG_LIMIT, and no loop here needs to look for
 * interrupts.
 */
#include "types/state.h"

#include "pg/json.h"

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#define FIRST_BYTES 64

/* RowLog.option_bytes where there is no jsonb */
#define OPTIONS_ABSENT 0		/* the rows have no such argument */
#define OPTIONS_NULL PG_UINT32_MAX

/*
 * Options
 */
static void
check_same_options(const Jsonb *a, const Jsonb *b)
{
	if (a == b)
		return;
	if (a != NULL && b != NULL &&
		((VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0) ||
		 compareJsonbContainers((JsonbContainer *) &a->root,
								(JsonbContainer *) &b->root) == 0))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("options must be the same for all rows of an aggregate"),
			 a == NULL || b == NULL ?
			 errdetail("They are NULL in some rows and given in others.") : 0));
}

void
state_options_add(StateOptions *have, const RowOptions *options,
				  MemoryContext context)
{
	const Jsonb *value = options->value;

	if (!options->given)
		return;
	if (have->text != NULL)
		check_same_options(have->value, value);
	else if (value == NULL)
		have->text = MemoryContextStrdup(context, "null");
	else
	{
		have->value = MemoryContextAlloc(context, VARSIZE(value));
		memcpy(have->value, value, VARSIZE(value));
		have->text = MemoryContextStrdup(context, jsonio_canonical(have->value));
	}
}

/* What a state carries, as jsonb; NULL where it carries none. */
Jsonb *
state_options_parse(const char *text)
{
	if (text == NULL || strcmp(text, "null") == 0)
		return NULL;
	return jsonio_to_jsonb("options", text);
}

/* The options of another state, or nothing if "text" is NULL. */
void
state_options_add_text(StateOptions *have, const char *text, MemoryContext context)
{
	RowOptions	options = {text != NULL, state_options_parse(text)};

	state_options_add(have, &options, context);
}

RowOptions
row_log_options(const RowLog *log)
{
	if (log->option_bytes == OPTIONS_ABSENT)
		return NO_OPTIONS;
	if (log->option_bytes == OPTIONS_NULL)
		return (RowOptions) {true, NULL};
	return (RowOptions) {true, (const Jsonb *) log->data};
}

static Size
option_bytes(const RowOptions *options)
{
	return options->given && options->value != NULL ? VARSIZE(options->value) : 0;
}

/*
 * Writing
 */
static Size
row_bytes(const LogRow *row)
{
	Size		size = 2 + row->n * sizeof(uint16);

	for (int i = 0; i < row->n; i++)
		size = add_size(size, row->field[i].size);
	return size;
}

/* There is room. */
static void
write_row(RowLog *log, const LogRow *row)
{
	char	   *to = (char *) log + log->used;

	*to++ = row->kind;
	*to++ = row->n;
	for (int i = 0; i < row->n; i++)
	{
		uint16		size = row->field[i].size;

		memcpy(to, &size, sizeof(size));
		to += sizeof(size);
	}
	for (int i = 0; i < row->n; i++)
	{
		memcpy(to, row->field[i].data, row->field[i].size);
		to += row->field[i].size;
	}
	log->used = to - (char *) log;
	log->rows++;
}

/* An empty log with room for two rows like the first; NULL: it is too large. */
static RowLog *
begin_log(ValueKind kind, const RowOptions *options, Size bytes, Size limit)
{
	Size		used = offsetof(RowLog, data) + option_bytes(options);
	Size		capacity = FIRST_BYTES;
	RowLog	   *log;

	while (capacity < used + 2 * bytes && capacity < limit)
		capacity *= 2;
	if (used + bytes > capacity)
		return NULL;
	log = palloc0(capacity);
	value_init(log, kind, capacity);
	log->header.flags = VALUE_ROW_LOG;
	log->used = used;
	if (options->given)
		log->option_bytes = options->value ? VARSIZE(options->value) : OPTIONS_NULL;
	if (options->value != NULL)
		memcpy(log->data, options->value, VARSIZE(options->value));
	return log;
}

/* The log with room for so many bytes more; NULL: it may not grow so far. */
static RowLog *
make_room(RowLog *log, Size bytes, Size limit)
{
	Size		needed = log->used + bytes;
	Size		capacity = VARSIZE(log);
	RowLog	   *larger;

	if (needed <= capacity)
		return log;
	while (capacity < needed && capacity < limit)
		capacity *= 2;
	if (capacity < needed || capacity > limit)
		return NULL;
	larger = palloc0(capacity);
	memcpy(larger, log, log->used);
	SET_VARSIZE(larger, capacity);
	return larger;
}

/* A log of one row, or NULL where that would exceed the limit. */
RowLog *
row_log_make(ValueKind kind, const LogRow *row, const RowOptions *options,
			 Size limit)
{
	Size		bytes = row_bytes(row);
	RowLog	   *log = begin_log(kind, options, bytes, limit);

	if (log != NULL)
		write_row(log, row);
	return log;
}

/* The state of argument 0 if it is a log that may be changed, or NULL. */
RowLog *
row_log_state(FunctionCallInfo fcinfo)
{
	void	   *state = PG_ARGISNULL(0) ? NULL : PG_GETARG_POINTER(0);

	if (state == NULL || VARATT_IS_EXTENDED(state) || !value_is_row_log(state) ||
		!AggCheckCallContext(fcinfo, NULL))
		return NULL;
	return state;
}

/* May the state go on as a log? */
bool
row_log_possible(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		return AggCheckCallContext(fcinfo, NULL);
	return row_log_state(fcinfo) != NULL;
}

/*
 * The state of argument 0 with one more row, or NULL where it cannot be a log
 * (any longer).  Then nothing has been changed.
 */
RowLog *
row_log_append(FunctionCallInfo fcinfo, ValueKind kind, const LogRow *row,
			   const RowOptions *options, Size limit)
{
	RowLog	   *log = row_log_state(fcinfo);

	if (log == NULL)
		return row_log_possible(fcinfo) ?
			row_log_make(kind, row, options, limit) : NULL;
	if (options->given)
	{
		RowOptions	have = row_log_options(log);

		if (!have.given)
			return NULL;
		check_same_options(have.value, options->value);
	}
	log = make_room(log, row_bytes(row), limit);
	if (log != NULL)
		write_row(log, row);
	return log;
}

/* The same with all rows of another log. */
static RowLog *
append_log(FunctionCallInfo fcinfo, const RowLog *other, Size limit)
{
	RowOptions	options = row_log_options(other);
	Size		begin = offsetof(RowLog, data) + option_bytes(&options);
	Size		bytes = other->used - begin;
	RowLog	   *log = row_log_state(fcinfo);

	if (!row_log_possible(fcinfo))
		return NULL;
	if (log == NULL)
		log = begin_log(other->header.kind, &options, bytes, limit);
	else
	{
		RowOptions	have = row_log_options(log);

		if (have.given != options.given || log->width != other->width)
			return NULL;
		check_same_options(have.value, options.value);
		log = make_room(log, bytes, limit);
	}
	if (log == NULL)
		return NULL;
	memcpy((char *) log + log->used, (const char *) other + begin, bytes);
	log->used += bytes;
	log->rows += other->rows;
	log->width = other->width;
	return log;
}

/*
 * The same with all of another state, which is flat; a stored value becomes a row
 * of the given kind.
 */
RowLog *
row_log_append_state(FunctionCallInfo fcinfo, ValueKind kind, void *other, uint8 row_kind,
					 Size limit)
{
	LogRow		row = {row_kind, 1, {{other, VARSIZE(other)}}};
	RowOptions	options = NO_OPTIONS;

	if (value_is_row_log(other))
		return append_log(fcinfo, other, limit);
	return row_log_append(fcinfo, kind, &row, &options, limit);
}

/*
 * Reading
 */
LogReader
row_log_begin(const RowLog *log)
{
	RowOptions	options;
	Size		begin = offsetof(RowLog, data);

	if (log->option_bytes != OPTIONS_NULL)
		begin += log->option_bytes;
	if (VARSIZE(log) < offsetof(RowLog, data) || log->used > VARSIZE(log) ||
		begin > log->used)
		value_corrupt(log->header.kind);
	options = row_log_options(log);
	if (option_bytes(&options) != begin - offsetof(RowLog, data))
		value_corrupt(log->header.kind);
	return (LogReader) {log, begin};
}

/* The next row, whose fields point into the log. */
bool
row_log_next(LogReader *reader, LogRow *row)
{
	const RowLog *log = reader->log;
	const char *at = (const char *) log + reader->at;
	const char *end = (const char *) log + log->used;
	const char *field;

	if (at == end)
		return false;
	if (end - at < 2)
		value_corrupt(log->header.kind);
	row->kind = *at++;
	row->n = *at++;
	field = at + row->n * sizeof(uint16);
	if (row->n > ROW_LOG_FIELDS || field > end)
		value_corrupt(log->header.kind);
	for (int i = 0; i < row->n; i++)
	{
		uint16		size;

		memcpy(&size, at + i * sizeof(uint16), sizeof(uint16));
		if (size > end - field)
			value_corrupt(log->header.kind);
		row->field[i] = (LogField) {field, size};
		field += size;
	}
	reader->at = field - (const char *) log;
	return true;
}

/* The field where it stands, or a copy, so that it can be read as a struct. */
void *
log_field_aligned(const LogField *field)
{
	void	   *copy;

	if ((const void *) MAXALIGN(field->data) == field->data)
		return (void *) field->data;
	copy = palloc(field->size);
	memcpy(copy, field->data, field->size);
	return copy;
}

double
log_field_double(const LogRow *row, int i, ValueKind kind)
{
	double		value;

	if (i >= row->n || row->field[i].size != sizeof(value))
		value_corrupt(kind);
	memcpy(&value, row->field[i].data, sizeof(value));
	return value;
}
