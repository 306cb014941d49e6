/*
 * state.h
 *		The state of an aggregate while its group is small: a flat log of rows,
 *		and the options that come with the rows.
 *
 * Hash aggregation keeps a state for each group.  An expanded object has a
 * memory context of its own, and the executor visits all of them for each new
 * group.  So a state begins as a plain value of its type that lists the rows as
 * they came, and becomes an expanded object when it has outgrown that.  Every
 * reader of the type takes a log for the value that its rows make.
 */
#ifndef NL_STATE_H
#define NL_STATE_H

#include "names/dictionary.h"
#include "pg/options.h"
#include "types/value.h"

#define ROW_LOG_FIELDS 5
#define ROW_LOG_LIMIT 65536		/* bytes that a log never exceeds */

/* One field of a row: some bytes, which need not be aligned. */
typedef struct LogField
{
	const void *data;
	Size		size;
} LogField;

typedef struct LogRow
{
	uint8		kind;			/* of the type's own: which fields there are */
	uint8		n;
	LogField	field[ROW_LOG_FIELDS];
} LogRow;

/*
 * The options of an aggregate's rows, the same for all; NULL is one of the
 * values that they may have.  They travel with a state as JSON text, since the
 * final function may run on another server.
 */
typedef struct StateOptions
{
	Jsonb	   *value;			/* NULL where they were NULL */
	char	   *text;			/* NULL where rows have none; "null" is NULL */
} StateOptions;

/* What comes with a row: whether there is such an argument, and its value. */
typedef struct RowOptions
{
	bool		given;
	const Jsonb *value;			/* or NULL */
} RowOptions;

#define NO_OPTIONS ((RowOptions) {false, NULL})

typedef struct RowLog
{
	ValueHeader header;			/* its length is what there is room for */
	uint32		used;			/* bytes, this header among them */
	uint32		rows;			/* that the log stands for */
	uint32		width;			/* of the type's own */
	uint32		option_bytes;	/* of jsonb before the rows, or a word of state.c */
	char		data[FLEXIBLE_ARRAY_MEMBER];
} RowLog;

typedef struct LogReader
{
	const RowLog *log;
	uint32		at;
} LogReader;

/* What comes with the row of a call. */
static inline RowOptions
row_options(FunctionCallInfo fcinfo)
{
	if (nl_signature(fcinfo)->options == NO_ARGUMENT)
		return NO_OPTIONS;
	return (RowOptions) {true, options_argument(fcinfo)};
}

static inline LogField
log_field_text(const text *t)
{
	return (LogField) {VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t)};
}

static inline NameView
log_field_name(const LogField *field)
{
	return (NameView) {field->data, field->size};
}

static inline bool
value_is_row_log(const void *value)
{
	return (((const ValueHeader *) value)->flags & VALUE_ROW_LOG) != 0;
}

extern bool row_log_possible(FunctionCallInfo fcinfo);
extern RowLog *row_log_state(FunctionCallInfo fcinfo);
extern RowLog *row_log_make(ValueKind kind, const LogRow *row,
							const RowOptions *options, Size limit);
extern RowLog *row_log_append(FunctionCallInfo fcinfo, ValueKind kind,
							  const LogRow *row, const RowOptions *options,
							  Size limit);
extern RowLog *row_log_append_state(FunctionCallInfo fcinfo, ValueKind kind,
									void *other, uint8 row_kind, Size limit);
extern LogReader row_log_begin(const RowLog *log);
extern bool row_log_next(LogReader *reader, LogRow *row);
extern RowOptions row_log_options(const RowLog *log);
extern void *log_field_aligned(const LogField *field);
extern double log_field_double(const LogRow *row, int i, ValueKind kind);

extern void state_options_add(StateOptions *have, const RowOptions *options,
							  MemoryContext context);
extern void state_options_add_text(StateOptions *have, const char *text,
								   MemoryContext context);
extern Jsonb *state_options_parse(const char *text);

#endif							/* NL_STATE_H */
