/*
 * value.h
 *		What the stored form of every type of ours begins with, and what their
 *		in-memory (expanded) forms share.
 *
 * The kind and version are checked whenever a value is read, so that a value
 * written by a later version, or bytes that are no value at all, are an error
 * and not a crash.  Text and binary input never trust the sender: they rebuild
 * the value from names and numbers.
 *
 * A stored value is canonical: equal values have equal bytes, however they came
 * about.  Names are in order, what is unused is zero, and doubles are no NaN and
 * no -0 (value_put_doubles); only states need more (value_compare.h).
 */
#ifndef NL_VALUE_H
#define NL_VALUE_H

#include "noisylabel.h"

#include "lib/stringinfo.h"

typedef enum ValueKind
{
	KIND_CONFUSION_MATRIX = 1,
	KIND_LABEL_DISTRIBUTION,
	KIND_ANNOTATION_SET,
	KIND_ANNOTATOR_MODEL,
	KIND_POSTERIOR_STATE,
	KIND_TRAINING_SET,
	KIND_CLASSIFIER,
	KIND_DISTRIBUTION_STATE,
	KIND_SCORE_SET,
	KIND_CALIBRATION_STATE,
	KIND_ANNOTATOR_COUNTS,
	KIND_PREDICTION_SET,
	KIND_CROWD_ROWS,
	KIND_CROWD_MODEL
} ValueKind;

#define VALUE_KINDS (KIND_CROWD_MODEL + 1)	/* 0 is none */

typedef struct ValueHeader
{
	int32		vl_len_;		/* varlena header, do not touch directly */
	uint8		kind;			/* ValueKind */
	uint8		version;		/* of the kind's format: the table in value.c */
	uint16		flags;			/* VALUE_ROW_LOG, or 0 */
} ValueHeader;

/* The value is the state of an aggregate, as a log of its rows: see state.h. */
#define VALUE_ROW_LOG 0x8000

/*
 * A value that is stored to travel, not to be computed with: its binary form, in
 * UTF-8, so that there is one reader for both.
 */
typedef struct ValueBytes
{
	ValueHeader header;
	uint32		bytes;			/* of what follows */
	char		data[FLEXIBLE_ARRAY_MEMBER];
} ValueBytes;

extern const char *value_kind_name(ValueKind kind);
extern int	value_kind_version(ValueKind kind);
extern NL_NORETURN void value_corrupt(ValueKind kind);
extern ValueHeader *value_get_any(Datum datum);
extern void *value_get(Datum datum, ValueKind kind, Size header);
extern void value_check_stored(const void *value, Size size, ValueKind kind);
extern void value_init(void *value, ValueKind kind, Size size);
extern MemoryContext value_begin_flatten(ExpandedObjectHeader *eoh);
extern Datum value_flatten(ExpandedObjectHeader *eoh);
extern Size value_bytes_size(const StringInfoData *bytes, ValueKind kind);
extern void value_bytes_store(void *result, Size size, ValueKind kind, StringInfo *bytes);
extern StringInfoData value_bytes_reader(ValueBytes *value, ValueKind kind);
extern void value_recv_version(StringInfo buf, ValueKind kind);
extern void value_send_version(StringInfo buf, ValueKind kind);
extern NL_NORETURN void value_invalid_binary(ValueKind kind, const char *detail);
extern Size value_check_size(Size size, ValueKind kind);
extern void value_check_memory(Size required, ValueKind kind, const char *what);
extern MemoryContext value_state_context(FunctionCallInfo fcinfo);
extern bool value_may_modify(FunctionCallInfo fcinfo, Datum datum);
extern ExpandedObjectHeader *value_expanded(Datum datum,
											const ExpandedObjectMethods *methods);
extern double *value_put_doubles(double *to, const double *from, Size n);

/* A transition function gives its state back unchanged. */
#define VALUE_RETURN_STATE() \
	do { \
		if (PG_ARGISNULL(0)) \
			PG_RETURN_NULL(); \
		PG_RETURN_DATUM(PG_GETARG_DATUM(0)); \
	} while (0)

#endif							/* NL_VALUE_H */
