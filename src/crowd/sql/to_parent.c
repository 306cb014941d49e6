/*
 * to_parent.c
 *		SQL function to_parent(x, parents, level): labels one granularity coarser, alone and in
 *		values.
 */
#include "noisylabel.h"

#include "pg/arguments.h"
#include "types/annotation_set.h"
#include "types/confusion_matrix.h"
#include "types/label_distribution.h"
#include "types/taxonomy.h"

static int
level_argument(FunctionCallInfo fcinfo)
{
	int			level = PG_GETARG_INT32(2);

	if (level < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("level %d is negative", level),
				 errhint("1 is the parent, 2 the parent's parent, 0 the label itself.")));
	return level;
}

/* For each name the code of its ancestor in a new dictionary. */
static uint32 *
map_labels(FunctionCallInfo fcinfo, const Names *names, Dictionary **ancestors)
{
	Taxonomy   *t = taxonomy_cached(fcinfo, 1);
	int			level = level_argument(fcinfo);
	uint32	   *code = palloc(Max(names->n, 1) * sizeof(uint32));

	*ancestors = dictionary_create(CurrentMemoryContext, "label", NL_MAX_CLASSES);
	for (uint32 i = 0; i < names->n; i++)
		code[i] = dictionary_add(*ancestors, taxonomy_ancestor(t, names_get(names, i), level));
	return code;
}

/* (label, parents, level) */
NL_FUNCTION(to_parent);
Datum
to_parent(PG_FUNCTION_ARGS)
{
	NameView	ancestor = taxonomy_ancestor(taxonomy_cached(fcinfo, 1),
											 name_of_text(nl_name_argument(fcinfo, 0)),
											 level_argument(fcinfo));

	PG_RETURN_TEXT_P(cstring_to_text_with_len(ancestor.s, ancestor.len));
}

/* (label_distribution, parents, level) */
NL_FUNCTION(label_distribution_to_parent);
Datum
label_distribution_to_parent(PG_FUNCTION_ARGS)
{
	LabelDistribution *d = PG_GETARG_LABEL_DISTRIBUTION(0);
	Names		names = label_distribution_labels(d);
	Dictionary *ancestors;
	uint32	   *code = map_labels(fcinfo, &names, &ancestors);
	uint32	   *order = dictionary_order(ancestors, ORDER_LABELS);
	uint32	   *rank = dictionary_rank(order, ancestors->n);
	double	   *p = palloc0(ancestors->n * sizeof(double));

	for (uint32 i = 0; i < d->n; i++)
		p[rank[code[i]]] += d->p[i];
	names = dictionary_names(ancestors, order);
	PG_RETURN_POINTER(label_distribution_make(&names, p));
}

/* (confusion_matrix, parents, level) */
NL_FUNCTION(confusion_matrix_to_parent);
Datum
confusion_matrix_to_parent(PG_FUNCTION_ARGS)
{
	ConfusionMatrix *cm = PG_GETARG_CONFUSION_MATRIX(0);
	Names		names = confusion_matrix_labels(cm);
	Dictionary *ancestors;
	uint32	   *code = map_labels(fcinfo, &names, &ancestors);
	uint32	   *order = dictionary_order(ancestors, ORDER_LABELS);
	uint32	   *rank = dictionary_rank(order, ancestors->n);
	Size		n = ancestors->n;
	double	   *counts = palloc0(Max(n * n, 1) * sizeof(double));

	for (uint32 t = 0; t < cm->n; t++)
	{
		CHECK_FOR_INTERRUPTS();
		for (uint32 l = 0; l < cm->n; l++)
			counts[rank[code[t]] * n + rank[code[l]]] += confusion_matrix_count(cm, t, l);
	}
	names = dictionary_names(ancestors, order);
	PG_RETURN_POINTER(confusion_matrix_make(&names, counts));
}

static void
add_item(ExpandedAnnotations *ea, const AnnotationView *view, uint32 item,
		 const uint32 *annotator, const uint32 *label)
{
	uint32		code = dictionary_add(ea->items, names_get(&view->item_names, item));

	for (uint32 a = view->starts[item]; a < view->starts[item + 1]; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		annotation_set_add(ea, code, annotator[view->annotator[a]], label[view->label[a]]);
	}
	if (annotation_gold(view, item) != NO_GOLD)
		annotation_set_gold(ea, code, label[view->gold[item]]);
}

/* (annotation_set, parents, level) */
NL_FUNCTION(annotation_set_to_parent);
Datum
annotation_set_to_parent(PG_FUNCTION_ARGS)
{
	AnnotationView view = annotation_set_flat_view(PG_GETARG_DATUM(0));
	ExpandedAnnotations *ea = annotation_set_create(CurrentMemoryContext);
	Dictionary *ancestors;
	uint32	   *label = map_labels(fcinfo, &view.labels, &ancestors);
	uint32	   *annotator = dictionary_add_names(ea->annotators, &view.annotators);

	dictionary_add_all(ea->labels, ancestors);
	for (uint32 i = 0; i < view.items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		add_item(ea, &view, i, annotator, label);
	}
	return value_flatten(&ea->hdr);
}
