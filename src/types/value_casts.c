/*
 * value_casts.c
 *		Casts of all our types to json and jsonb, which are always objects.
 *
 * to_json(), to_jsonb(), jsonb_agg() and their like look for a function that
 * casts to json; where they found none, the text form would be a string in what
 * they make.  States have nothing to read, so their object only says what and how
 * large they are.
 */
#include "pg/json.h"
#include "types/value_compare.h"
#include "types/value_forms.h"

static const ValueForms *const readable[VALUE_KINDS] = {
	[KIND_CONFUSION_MATRIX] = &confusion_matrix_forms,
	[KIND_LABEL_DISTRIBUTION] = &label_distribution_forms,
	[KIND_ANNOTATION_SET] = &annotation_set_forms,
	[KIND_ANNOTATOR_MODEL] = &annotator_model_forms,
	[KIND_CLASSIFIER] = &classifier_forms,
	[KIND_SCORE_SET] = &score_set_forms,
	[KIND_CROWD_MODEL] = &crowd_model_forms,
};

static char *
describe_state(const ValueHeader *value)
{
	return psprintf("{\"type\": \"%s\", \"bytes\": %zu}",
					value_kind_name(value->kind), (Size) VARSIZE(value));
}

NL_FUNCTION(value_to_json);
Datum
value_to_json(PG_FUNCTION_ARGS)
{
	const ValueHeader *value = value_canonical(PG_GETARG_DATUM(0));

	if (readable[value->kind] == NULL)
		PG_RETURN_TEXT_P(cstring_to_text(describe_state(value)));
	PG_RETURN_DATUM(value_form_json(readable[value->kind], value));
}

NL_FUNCTION(value_to_jsonb);
Datum
value_to_jsonb(PG_FUNCTION_ARGS)
{
	const ValueHeader *value = value_canonical(PG_GETARG_DATUM(0));

	if (readable[value->kind] == NULL)
		PG_RETURN_JSONB_P(jsonio_to_jsonb(value_kind_name(value->kind),
										  describe_state(value)));
	PG_RETURN_DATUM(value_form_jsonb(readable[value->kind], value));
}
