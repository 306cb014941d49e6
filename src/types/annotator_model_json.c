/*
 * annotator_model_json.c
 *		The text form of annotator_model: JSON, its matrices with the truth as rows.
 */
#include "types/annotator_model_input.h"

#include "names/names_io.h"
#include "pg/arguments.h"
#include "pg/json.h"

static const char type_name[] = "annotator_model";

static void
append_matrix(StringInfo buf, const double *matrix, Size classes)
{
	double	   *truth_first = palloc(classes * classes * sizeof(double));

	model_matrix_transpose(matrix, truth_first, classes);
	jsonio_append_matrix(buf, truth_first, classes, classes);
	pfree(truth_first);
}

/* Which matrix of an annotator. */
typedef enum MatrixOf
{
	OF_COMPONENT,				/* and those that follow: the rates of each component */
	OF_VARIANCES = -1,
	OF_COUNTS = -2
} MatrixOf;

/* The matrices of all annotators, of component "of" or of the evidence. */
static void
append_matrices(StringInfo buf, const AnnotatorModelView *view, int of)
{
	const ModelEvidence *e = &view->evidence;
	double	   *matrix = nl_alloc(CurrentMemoryContext, model_cells(view) * sizeof(double));

	appendStringInfoChar(buf, '[');
	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		if (j > 0)
			appendStringInfoString(buf, ", ");
		if (of >= OF_COMPONENT)
			model_component_rates(view, of, j, matrix);
		else
			evidence_matrix(e, of == OF_COUNTS ? e->counts : e->variances, j, view->labels.n, matrix);
		append_matrix(buf, matrix, view->labels.n);
	}
	appendStringInfoChar(buf, ']');
	pfree(matrix);
}

static void
append_cstring(StringInfo buf, const char *s)
{
	jsonio_append_string(buf, s, strlen(s));
}

static void
append_fit(StringInfo buf, const AnnotatorModelView *view)
{
	appendStringInfo(buf, "{\"items\": " INT64_FORMAT
					 ", \"annotations\": " INT64_FORMAT
					 ", \"gold_items\": " INT64_FORMAT ", \"gold_weight\": ",
					 view->items, view->n_annotations, view->gold_items);
	jsonio_append_double(buf, view->gold_weight);
	appendStringInfo(buf, ", \"iterations\": %d, \"converged\": %s"
					 ", \"log_likelihood\": ",
					 view->iterations, view->converged ? "true" : "false");
	jsonio_append_double(buf, view->log_likelihood);
	appendStringInfoString(buf, ", \"stopped_by\": ");
	append_cstring(buf, view->stopped_by);
	appendStringInfo(buf, ", \"truths_given\": %s, \"majority_disagreement\": ",
					 view->truths_given ? "true" : "false");
	if (view->majority_disagreement < 0)
		appendStringInfoString(buf, "null");
	else
		jsonio_append_double(buf, view->majority_disagreement);
	appendStringInfoString(buf, ", \"warnings\": [");
	for (uint32 i = 0; i < view->n_warnings; i++)
	{
		if (i > 0)
			appendStringInfoString(buf, ", ");
		append_cstring(buf, view->warnings[i]);
	}
	appendStringInfoString(buf, "]}");
}

/* Groups of two annotators or more, as arrays of their names. */
static void
append_groups(StringInfo buf, const AnnotatorModelView *view)
{
	uint32		n = view->group == NULL ? 0 : view->annotators.n;
	uint32	   *next = nl_alloc(CurrentMemoryContext, mul_size(Max(n, 1), sizeof(uint32)));
	uint32	   *last = nl_alloc(CurrentMemoryContext, mul_size(Max(n, 1), sizeof(uint32)));
	const char *separator = "";

	for (uint32 j = 0; j < n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		next[j] = n;
		if (view->group[j] != j)
			next[last[view->group[j]]] = j;
		last[view->group[j]] = j;
	}
	for (uint32 j = 0; j < n; j++)
	{
		if (view->group[j] != j || next[j] == n)
			continue;
		for (uint32 member = j; member < n; member = next[member])
		{
			CHECK_FOR_INTERRUPTS();
			appendStringInfo(buf, "%s%s", member == j ? separator : ", ", member == j ? "[" : "");
			jsonio_append_name(buf, names_get(&view->annotators, member));
		}
		appendStringInfoChar(buf, ']');
		separator = ", ";
	}
	pfree(next);
	pfree(last);
}

static void
append_voices(StringInfo buf, const AnnotatorModelView *view)
{
	appendStringInfo(buf, ", \"voices\": {\"of\": \"%s\", \"groups\": [",
					 view->voices == VOICES_ANSWERS ? "answers" : "annotators");
	append_groups(buf, view);
	appendStringInfoString(buf, "], \"correlation\": ");
	jsonio_append_double(buf, view->correlation);
	appendStringInfo(buf, ", \"gold_items\": " INT64_FORMAT ", \"teaching_items\": " INT64_FORMAT "}",
					 view->correlation_items, view->teaching_items);
}

/* What was said about classes before the fit; nothing, as a rule. */
static void
append_classes(StringInfo buf, const AnnotatorModelView *view)
{
	if (!view->prior_known && view->abstains == 0)
		return;
	appendStringInfo(buf, ", \"classes\": {\"prior_known\": %s, \"abstain\": ",
					 view->prior_known ? "true" : "false");
	if (view->abstains == 0)
		appendStringInfoString(buf, "null");
	else
		jsonio_append_name(buf, names_get(&view->labels, view->abstains - 1));
	appendStringInfo(buf, ", \"silence\": %s}", view->silence ? "true" : "false");
}

/* Where they are others than the class prior. */
static void
append_shares(StringInfo buf, const AnnotatorModelView *view)
{
	if (view->shares == NULL)
		return;
	appendStringInfoString(buf, ", \"class_shares\": ");
	jsonio_append_doubles(buf, view->shares, view->labels.n);
}

static void
append_component(StringInfo buf, const AnnotatorModelView *view, uint32 component)
{
	const ModelComponent *c = &view->components[component];

	appendStringInfo(buf, "{\"variant\": \"%s\", \"weight\": ",
					 variant_names[c->variant]);
	jsonio_append_double(buf, c->weight);
	appendStringInfoString(buf, ", \"prior\": ");
	jsonio_append_doubles(buf, c->prior, view->labels.n);
	appendStringInfoString(buf, ", \"pool\": ");
	append_matrix(buf, c->pool, view->labels.n);
	appendStringInfoString(buf, ", \"confusion\": ");
	append_matrices(buf, view, component);
	appendStringInfoChar(buf, '}');
}

/* The notes that there are, by annotator. */
static void
append_notes(StringInfo buf, const AnnotatorModelView *view)
{
	const char *separator = "";

	appendStringInfoString(buf, ", \"notes\": {");
	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		NL_CHECK_INTERRUPTS(j);
		if (view->notes[j][0] == '\0')
			continue;
		appendStringInfoString(buf, separator);
		jsonio_append_name(buf, names_get(&view->annotators, j));
		appendStringInfoString(buf, ": ");
		append_cstring(buf, view->notes[j]);
		separator = ", ";
	}
	appendStringInfoChar(buf, '}');
}

/* Where it is another than the counts say. */
static void
append_reported(StringInfo buf, const AnnotatorModelView *view)
{
	if (!model_is_tempered(view))
		return;
	appendStringInfoString(buf, ", \"reported_right\": ");
	jsonio_append_doubles(buf, view->reported_right, view->annotators.n);
	appendStringInfoString(buf, ", \"reported_variances\": ");
	jsonio_append_doubles(buf, view->reported_variances, view->annotators.n);
}

void
annotator_model_write_json(StringInfo buf, const void *value)
{
	AnnotatorModelView view = annotator_model_view(value);

	appendStringInfoString(buf, "{\"method\": ");
	append_cstring(buf, view.method);
	appendStringInfo(buf, ", \"options\": %s, \"fit\": ", view.options);
	append_fit(buf, &view);
	append_voices(buf, &view);
	append_classes(buf, &view);
	appendStringInfoString(buf, ", \"labels\": ");
	jsonio_append_names(buf, &view.labels);
	appendStringInfoString(buf, ", \"annotators\": ");
	jsonio_append_names(buf, &view.annotators);
	appendStringInfoString(buf, ", \"components\": [");
	for (uint32 i = 0; i < view.n_components; i++)
	{
		if (i > 0)
			appendStringInfoString(buf, ", ");
		append_component(buf, &view, i);
	}
	appendStringInfoChar(buf, ']');
	append_shares(buf, &view);
	appendStringInfoString(buf, ", \"annotations\": ");
	jsonio_append_doubles(buf, view.annotations, view.annotators.n);
	appendStringInfoString(buf, ", \"gold_annotations\": ");
	jsonio_append_doubles(buf, view.gold_annotations, view.annotators.n);
	append_reported(buf, &view);
	append_notes(buf, &view);
	appendStringInfoString(buf, ", \"counts\": ");
	append_matrices(buf, &view, OF_COUNTS);
	appendStringInfoString(buf, ", \"variances\": ");
	append_matrices(buf, &view, OF_VARIANCES);
	appendStringInfoChar(buf, '}');
}

static void
read_matrix(JsonText array, const char *what, double *matrix, uint32 classes)
{
	double	   *truth_first = palloc((Size) classes * classes * sizeof(double));

	jsonio_read_matrix(type_name, array, what, truth_first, classes, classes);
	model_matrix_transpose(truth_first, matrix, classes);
	pfree(truth_first);
}

/* Reads the next matrix of an array of one for each annotator. */
static JsonText
read_next(JsonText at, const char *what, double *matrix, uint32 classes)
{
	if (*at != '[')
		jsonio_invalid(type_name, psprintf("The elements of \"%s\" must be arrays.", what));
	read_matrix(at, what, matrix, classes);
	return jsonio_next(at);
}

/* The first matrix of such an array. */
static JsonText
first_of(JsonText array, const char *what, uint32 n)
{
	uint32		matrices = jsonio_size(jsonio_array(type_name, array, what));

	if (matrices != n)
		jsonio_invalid(type_name, psprintf("\"%s\" has %u matrices for %u annotators.",
										   what, matrices, n));
	return jsonio_first(array);
}

static double *
read_tables(JsonText array, const char *what, uint32 n, uint32 classes)
{
	Size		cells = (Size) classes * classes;
	double	   *tables = nl_alloc(CurrentMemoryContext, Max(n * cells, 1) * sizeof(double));
	JsonText	at = first_of(array, what, n);

	for (uint32 j = 0; j < n; j++)
		at = read_next(at, what, tables + j * cells, classes);
	return tables;
}

/* The numbers that a variant tells apart, of a matrix that has them all. */
static void
tie_matrix(Variant variant, const double *matrix, Size classes, double *unit)
{
	Size		n = variant_cells(variant, classes);

	if (!variant_has_coins(variant))
		memcpy(unit, matrix, n * sizeof(double));
	for (Size k = 0; k < n / 2 && variant_has_coins(variant); k++)
	{
		unit[k] = matrix[k * classes + k];
		unit[n / 2 + k] = classes == 1 ? 0 : matrix[(k == 0 ? 1 : 0) * classes + k];
	}
}

/* Matrices of a component, which must be such as its variant has. */
static void
read_rates(JsonText array, const AnnotatorModelView *view, uint32 component)
{
	MemoryContext context = CurrentMemoryContext;
	const ModelComponent *c = &view->components[component];
	Size		classes = view->labels.n;
	Size		bytes = model_cells(view) * sizeof(double);
	double	   *matrix = nl_alloc(context, bytes);
	double	   *tied = nl_alloc(context, bytes);
	JsonText	at = first_of(array, "confusion", view->annotators.n);

	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		at = read_next(at, "confusion", matrix, classes);
		if (j == 0 || !variant_is_common(c->variant))
			tie_matrix(c->variant, matrix, classes,
					   c->confusion + j * variant_cells(c->variant, classes));
		model_component_rates(view, component, j, tied);
		for (Size i = 0; i < classes * classes; i++)
			if (matrix[i] != tied[i])
				jsonio_invalid(type_name, psprintf("Rates of variant \"%s\" that must be equal are %s and %s.",
												   variant_names[c->variant], nl_number(tied[i]),
												   nl_number(matrix[i])));
	}
	pfree(matrix);
	pfree(tied);
}

static Variant
variant_by_name(const char *name)
{
	for (int i = 0; i < VARIANT_COUNT; i++)
		if (strcmp(name, variant_names[i]) == 0)
			return (Variant) i;
	jsonio_invalid(type_name, psprintf("\"%s\" is not a variant.", name));
}

static void
read_component(JsonText object, const AnnotatorModelView *view, uint32 component)
{
	static const char *const keys[] = {"variant", "weight", "prior", "pool", "confusion"};
	JsonText	field[lengthof(keys)];
	ModelComponent *c = &view->components[component];

	jsonio_fields(type_name, jsonio_object(type_name, object, "components"), keys,
				  lengthof(keys), field);
	c->variant = variant_by_name(jsonio_string(type_name, field[0], "variant"));
	c->weight = jsonio_double(type_name, field[1], "weight");
	model_input_component(view, c);
	jsonio_read_doubles(type_name, field[2], "prior", c->prior, view->labels.n);
	read_matrix(field[3], "pool", c->pool, view->labels.n);
	read_rates(field[4], view, component);
}

static void
read_fit(JsonText fit, AnnotatorModelView *view)
{
	static const char *const keys[] = {"items", "annotations", "gold_items", "gold_weight",
	"iterations", "converged", "log_likelihood", "stopped_by", "truths_given",
	"majority_disagreement", "warnings"};
	JsonText	field[lengthof(keys)];
	Dictionary *warnings = dictionary_create(CurrentMemoryContext, "warning", MAX_WARNINGS);

	jsonio_fields(type_name, jsonio_object(type_name, fit, "fit"), keys,
				  lengthof(keys), field);
	view->items = jsonio_count(type_name, field[0], "items", MAX_COUNT);
	view->n_annotations = jsonio_count(type_name, field[1], "annotations", MAX_COUNT);
	view->gold_items = jsonio_count(type_name, field[2], "gold_items", MAX_COUNT);
	view->gold_weight = jsonio_double(type_name, field[3], "gold_weight");
	view->iterations = jsonio_count(type_name, field[4], "iterations", PG_INT32_MAX);
	view->converged = jsonio_bool(type_name, field[5], "converged");
	view->log_likelihood = jsonio_double(type_name, field[6], "log_likelihood");
	view->stopped_by = jsonio_string(type_name, field[7], "stopped_by");
	view->truths_given = jsonio_bool(type_name, field[8], "truths_given");
	view->majority_disagreement = *field[9] == 'n' ? -1 :
		jsonio_double(type_name, field[9], "majority_disagreement");
	jsonio_read_names(type_name, field[10], "warnings", warnings);
	view->n_warnings = warnings->n;
	view->warnings = palloc(Max(warnings->n, 1) * sizeof(char *));
	for (uint32 i = 0; i < warnings->n; i++)
	{
		NameView	text = dictionary_get(warnings, i);

		view->warnings[i] = pnstrdup(text.s, text.len);
	}
}

static InputNames
read_names(JsonText array, const char *what, const char *kind, uint32 max)
{
	InputNames	input = {.dict = dictionary_create(CurrentMemoryContext, kind, max)};

	jsonio_read_names(type_name, array, what, input.dict);
	return input;
}

/* One group: an array of annotators, who are not in another one. */
static void
read_group(JsonText array, Dictionary *annotators, uint32 *group)
{
	JsonText	at = jsonio_first(jsonio_array(type_name, array, "groups"));
	int64		first = -1;

	for (; at != NULL; at = jsonio_next(at))
	{
		char	   *name = jsonio_string(type_name, at, "groups");
		int64		member = dictionary_find(annotators, name_of(name));

		CHECK_FOR_INTERRUPTS();
		if (member < 0 || group[member] != member || member == first)
			jsonio_invalid(type_name, psprintf("Member \"%s\" of \"groups\" is no annotator, or occurs twice.", name));
		if (first < 0)
			first = member;
		group[member] = first;
		pfree(name);
	}
}

static void
read_voices(JsonText object, AnnotatorModelView *view, Dictionary *annotators)
{
	static const char *const keys[] = {"of", "groups", "correlation", "gold_items",
	"teaching_items"};
	JsonText	field[lengthof(keys)];
	JsonText	at;
	char	   *of;

	jsonio_fields(type_name, jsonio_object(type_name, object, "voices"), keys,
				  lengthof(keys), field);
	of = jsonio_string(type_name, field[0], "of");
	if (strcmp(of, "answers") != 0 && strcmp(of, "annotators") != 0)
		jsonio_invalid(type_name, psprintf("Voices of \"%s\" are not known.", of));
	view->voices = strcmp(of, "answers") == 0 ? VOICES_ANSWERS : VOICES_ANNOTATORS;
	view->correlation = jsonio_double(type_name, field[2], "correlation");
	view->correlation_items = jsonio_count(type_name, field[3], "gold_items", MAX_COUNT);
	view->teaching_items = jsonio_count(type_name, field[4], "teaching_items", MAX_COUNT);
	at = jsonio_first(jsonio_array(type_name, field[1], "groups"));
	if (at == NULL)
		return;
	if (view->voices == VOICES_ANSWERS)
		jsonio_invalid(type_name, "There are groups, but voices of answers.");
	view->voices = VOICES_GROUPS;
	view->group = nl_alloc(CurrentMemoryContext,
						   mul_size(Max(annotators->n, 1), sizeof(uint32)));
	for (uint32 j = 0; j < annotators->n; j++)
		view->group[j] = j;
	for (; at != NULL; at = jsonio_next(at))
		read_group(at, annotators, view->group);
}

/* What append_classes() wrote, if anything. */
static void
read_classes(JsonText object, AnnotatorModelView *view, Dictionary *labels)
{
	static const char *const keys[] = {"prior_known", "abstain", "silence"};
	JsonText	field[lengthof(keys)];
	JsonText	classes = jsonio_find(object, "classes");
	int64		label;

	if (classes == NULL)
		return;
	jsonio_fields(type_name, jsonio_object(type_name, classes, "classes"), keys,
				  lengthof(keys), field);
	view->prior_known = jsonio_bool(type_name, field[0], "prior_known");
	view->silence = jsonio_bool(type_name, field[2], "silence");
	if (*field[1] == 'n')
		return;
	label = dictionary_find(labels, name_of(jsonio_string(type_name, field[1], "abstain")));
	if (label < 0)
		jsonio_invalid(type_name, "\"abstain\" is no label.");
	view->abstains = label + 1;
}

/*
 * The text must be long enough for the numbers that memory is taken for: those of
 * whole matrices.
 */
static void
check_length(AnnotatorModelView *view, const char *text)
{
	Size		columns = mul_size(view->annotators.n, view->labels.n);
	Size		rates = mul_size(view->n_components, mul_size(columns, view->labels.n));

	if (add_size(rates, mul_size(2, mul_size(columns, view->labels.n))) > strlen(text) / 2)
		jsonio_invalid(type_name, psprintf("It is too short for the matrices of %u labels and %u annotators.",
										   view->labels.n, view->annotators.n));
	view->components = palloc0(Max(view->n_components, 1) * sizeof(ModelComponent));
	model_input_check_memory(view, columns);
	model_input_annotators(view);
}

static void
read_notes(JsonText object, AnnotatorModelView *view, Dictionary *annotators)
{
	JsonText	at = jsonio_first(jsonio_object(type_name, object, "notes"));

	for (; at != NULL; at = jsonio_next(jsonio_member(at)))
	{
		char	   *name = jsonio_key(at);
		int64		annotator = dictionary_find(annotators, name_of(name));

		CHECK_FOR_INTERRUPTS();
		if (annotator < 0)
			jsonio_invalid(type_name, psprintf("\"%s\" of \"notes\" is no annotator.", name));
		view->notes[annotator] = jsonio_string(type_name, jsonio_member(at), "notes");
		pfree(name);
	}
}

/* What append_reported() wrote; zeros where it writes nothing. */
static void
read_reported(JsonText object, AnnotatorModelView *view)
{
	static const char *const keys[] = {"reported_right", "reported_variances"};
	JsonText	field[lengthof(keys)];
	uint32		n = view->annotators.n;

	nl_clear(view->reported_right, n * sizeof(double));
	nl_clear(view->reported_variances, n * sizeof(double));
	if (!model_is_tempered(view))
		return;
	jsonio_fields(type_name, object, keys, lengthof(keys), field);
	jsonio_read_doubles(type_name, field[0], keys[0], view->reported_right, n);
	jsonio_read_doubles(type_name, field[1], keys[1], view->reported_variances, n);
}

/* What append_shares() wrote, if anything. */
static void
read_shares(JsonText object, AnnotatorModelView *view)
{
	JsonText	shares = jsonio_find(object, "class_shares");

	if (shares == NULL)
		return;
	view->shares = palloc(Max(view->labels.n, 1) * sizeof(double));
	jsonio_read_doubles(type_name, shares, "class_shares", view->shares, view->labels.n);
}

static void
read_components(JsonText array, AnnotatorModelView *view)
{
	JsonText	at = jsonio_first(array);

	for (uint32 i = 0; i < view->n_components; at = jsonio_next(at), i++)
		read_component(at, view, i);
}

Datum
annotator_model_read_json(const char *text)
{
	static const char *const keys[] = {"method", "options", "fit", "voices", "labels", "annotators",
	"components", "annotations", "gold_annotations", "notes", "counts", "variances"};
	JsonText	object = jsonio_parse_object(type_name, text);
	JsonText	field[lengthof(keys)];
	AnnotatorModelView view = {0};
	InputNames	labels;
	InputNames	annotators;

	jsonio_fields(type_name, object, keys, lengthof(keys), field);
	view.method = jsonio_string(type_name, field[0], "method");
	view.options = jsonio_options(type_name, field[1], "options");
	read_fit(field[2], &view);
	labels = read_names(field[4], "labels", "label", NL_MAX_CLASSES);
	annotators = read_names(field[5], "annotators", "annotator", PG_INT32_MAX);
	view.labels = model_input_order(&labels, ORDER_LABELS);
	view.annotators = model_input_order(&annotators, ORDER_BYTES);
	view.n_components = jsonio_size(jsonio_array(type_name, field[6], "components"));
	if (view.n_components > MAX_COMPONENTS)
		jsonio_invalid(type_name, "It has too many components.");
	check_length(&view, text);
	read_voices(field[3], &view, annotators.dict);
	read_classes(object, &view, labels.dict);
	read_components(field[6], &view);
	read_shares(object, &view);
	jsonio_read_doubles(type_name, field[7], "annotations", view.annotations,
						view.annotators.n);
	jsonio_read_doubles(type_name, field[8], "gold_annotations", view.gold_annotations,
						view.annotators.n);
	read_notes(field[9], &view, annotators.dict);
	view.evidence =
		evidence_of_tables(read_tables(field[10], "counts", view.annotators.n, view.labels.n),
						   read_tables(field[11], "variances", view.annotators.n, view.labels.n),
						   view.annotators.n, view.labels.n);
	read_reported(object, &view);
	return model_input_finish(&view, &labels, &annotators);
}
