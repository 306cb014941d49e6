/*
 * crowd_model.c
 *		The type crowd_model: its stored form and the view of it.
 */
#include "types/crowd_model.h"

/* Bytes of all but the models and texts. */
static Size
items_size(Size items, Size labels, Size item_bytes, bool predicted)
{
	Size		size = mul_size(mul_size(items, labels), (1 + predicted) * sizeof(double));

	size = add_size(size, mul_size(items, 2 * sizeof(uint32)));
	return add_size(add_size(size, item_bytes), offsetof(CrowdModel, data));
}

/* Refuse one too large to store, before the work that would make it. */
Size
crowd_model_check_size(Size items, Size labels, Size item_bytes)
{
	return value_check_size(items_size(items, labels, item_bytes, true), KIND_CROWD_MODEL);
}

static Size
stored_size(const CrowdModel *m)
{
	Size		size = items_size(m->items, m->labels, m->item_bytes, m->has_predicted != 0);

	size = add_size(size, MAXALIGN((Size) m->model_bytes));
	size = add_size(size, MAXALIGN((Size) m->classifier_bytes));
	return add_size(size, m->text_bytes);
}

static char *
models_of(const CrowdModel *m)
{
	return (char *) (m->data + (Size) m->items * m->labels * (1 + (m->has_predicted != 0)));
}

/* "from" is a pointer into texts; the next one. */
static const char *
next_text(const CrowdModel *m, const char **at)
{
	const char *text = *at;
	const char *end = (const char *) m + VARSIZE(m);
	const char *zero = text < end ? memchr(text, '\0', end - text) : NULL;

	if (zero == NULL)
		value_corrupt(KIND_CROWD_MODEL);
	*at = zero + 1;
	return text;
}

/* What items may be of: the labels of the annotator_model, but for one that is no class. */
Names
crowd_model_classes(const AnnotatorModel *model)
{
	AnnotatorModelView view = annotator_model_view(model);
	uint32	   *label;

	return model_classes(&view, &label);
}

/* Pointers into a stored model, which must outlive the view. */
CrowdModelView
crowd_model_view(const CrowdModel *m)
{
	CrowdModelView view = {
		.features = m->features,.rounds = m->rounds,.converged = m->converged,
		.l2 = m->l2,.noise = m->noise,.log_loss = m->log_loss,.n_warnings = m->warnings
	};
	const char *parts = models_of(m);
	const char *at;
	Size		cells = (Size) m->items * m->labels;

	view.distribution = (double *) m->data;
	view.predicted = m->has_predicted ? (double *) m->data + cells : NULL;
	view.annotators = (const AnnotatorModel *) parts;
	view.labels = crowd_model_classes(view.annotators);
	parts += MAXALIGN((Size) m->model_bytes);
	view.classifier = m->classifier_bytes > 0 ? (const Classifier *) parts : NULL;
	parts += MAXALIGN((Size) m->classifier_bytes);
	view.answers = (uint32 *) parts;
	view.items = (Names) {m->items, view.answers + m->items,
	(const char *) (view.answers + 2 * (Size) m->items)};
	at = view.items.bytes + m->item_bytes;
	view.options = next_text(m, &at);
	view.stopped_by = next_text(m, &at);
	view.warnings = palloc(Max(m->warnings, 1) * sizeof(char *));
	for (uint32 i = 0; i < m->warnings; i++)
		view.warnings[i] = next_text(m, &at);
	return view;
}

static void
put_text(char **at, const char *text)
{
	Size		size = strlen(text) + 1;

	memcpy(*at, text, size);
	*at += size;
}

static void
put_texts(char *at, const CrowdModelView *view)
{
	put_text(&at, view->options);
	put_text(&at, view->stopped_by);
	for (uint32 i = 0; i < view->n_warnings; i++)
		put_text(&at, view->warnings[i]);
}

static Size
texts_size(const CrowdModelView *view)
{
	Size		size = strlen(view->options) + strlen(view->stopped_by) + 2;

	for (uint32 i = 0; i < view->n_warnings; i++)
		size = add_size(size, strlen(view->warnings[i]) + 1);
	return size;
}

/* All that has no place of its own in the stored form's parts. */
static CrowdModel
header_of(const CrowdModelView *view)
{
	CrowdModel	m = {
		.items = view->items.n,
		.labels = view->labels.n,
		.model_bytes = VARSIZE(view->annotators),
		.classifier_bytes = view->classifier != NULL ? VARSIZE(view->classifier) : 0,
		.item_bytes = names_bytes(&view->items),
		.text_bytes = texts_size(view),
		.warnings = view->n_warnings,
		.features = view->features,
		.rounds = view->rounds,
		.converged = view->converged,
		.has_predicted = view->predicted != NULL
	};

	(void) value_put_doubles(&m.l2, &view->l2, 1);
	(void) value_put_doubles(&m.noise, &view->noise, 1);
	(void) value_put_doubles(&m.log_loss, &view->log_loss, 1);
	return m;
}

CrowdModel *
crowd_model_make(const CrowdModelView *view)
{
	CrowdModel	header = header_of(view);
	Size		size = value_check_size(stored_size(&header), KIND_CROWD_MODEL);
	Size		cells = (Size) header.items * header.labels;
	CrowdModel *m = nl_alloc_zero(CurrentMemoryContext, size);
	double	   *end;
	char	   *parts;
	uint32	   *answers;
	Names		items;

	memcpy(m, &header, offsetof(CrowdModel, data));
	value_init(m, KIND_CROWD_MODEL, size);
	end = value_put_doubles(m->data, view->distribution, cells);
	if (header.has_predicted)
		end = value_put_doubles(end, view->predicted, cells);
	parts = (char *) end;
	nl_copy(parts, view->annotators, header.model_bytes);
	parts += MAXALIGN((Size) header.model_bytes);
	if (view->classifier != NULL)
		nl_copy(parts, view->classifier, header.classifier_bytes);
	answers = (uint32 *) (parts + MAXALIGN((Size) header.classifier_bytes));
	nl_copy(answers, view->answers, header.items * sizeof(uint32));
	items = (Names) {header.items, answers + header.items, (char *) (answers + 2 * (Size) header.items)};
	names_copy(&items, &view->items);
	put_texts((char *) items.bytes + header.item_bytes, view);
	return m;
}

CrowdModel *
crowd_model_get(Datum datum)
{
	CrowdModel *m = value_get(datum, KIND_CROWD_MODEL, offsetof(CrowdModel, data));
	const ValueHeader *part;

	value_check_stored(m, stored_size(m), KIND_CROWD_MODEL);
	part = (const ValueHeader *) models_of(m);
	if (m->model_bytes < sizeof(AnnotatorModel) || VARSIZE(part) != m->model_bytes)
		value_corrupt(KIND_CROWD_MODEL);
	(void) annotator_model_get(PointerGetDatum(part));
	part = (const ValueHeader *) ((const char *) part + MAXALIGN((Size) m->model_bytes));
	if (m->classifier_bytes > 0)
	{
		if (m->classifier_bytes < sizeof(Classifier) || VARSIZE(part) != m->classifier_bytes)
			value_corrupt(KIND_CROWD_MODEL);
		(void) classifier_get(PointerGetDatum(part));
	}
	return m;
}
