/*
 * annotator_model_input.h
 *		What the text and the binary form of annotator_model share when they are read.
 */
#ifndef NL_ANNOTATOR_MODEL_INPUT_H
#define NL_ANNOTATOR_MODEL_INPUT_H

#include "types/annotator_model.h"

/* a count of annotations or items; doubles hold all of them exactly */
#define MAX_COUNT 1e15

/* a model of more components than this is no model of ours */
#define MAX_COMPONENTS 64
#define MAX_WARNINGS 1000

/*
 * Input may list labels and annotators in any order (another encoding has
 * another order of bytes); the stored form has them in canonical order.
 */
typedef struct InputNames
{
	Dictionary *dict;
	uint32	   *order;			/* of the input, canonical */
} InputNames;

extern void model_input_check_memory(const AnnotatorModelView *view, Size columns);
extern void model_input_annotators(AnnotatorModelView *view);
extern void model_input_component(const AnnotatorModelView *view, ModelComponent *c);
extern Names model_input_order(InputNames *input, NameOrder order);
extern Datum model_input_finish(AnnotatorModelView *view, InputNames *labels,
								InputNames *annotators);

/* annotator_model_json.c */
extern void annotator_model_write_json(StringInfo buf, const void *value);
extern Datum annotator_model_read_json(const char *text);

#endif							/* NL_ANNOTATOR_MODEL_INPUT_H */
