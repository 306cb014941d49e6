/*
 * taxonomy.c
 *		Labels and their parents, read from a JSON object.
 *
 * A label is known if it is a key or somebody's parent.  A parent that is no key, and a key
 * whose parent is null, is at the top.  Memory: as for a dictionary, 8 bytes more for a
 * label.  Interrupts: for each label.
 */
#include "types/taxonomy.h"

#include "pg/arguments.h"

static NL_NORETURN void
bad_taxonomy(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("parents are not valid: %s", what),
			 errhint("Give a JSON object of labels and their parents, such as {\"poodle\": \"dog\", \"dog\": \"animal\"}.")));
}

/* Code of a label; a new one is at the top. */
static uint32
add_label(Taxonomy *t, NameView name, uint32 *capacity)
{
	uint32		code = dictionary_add(t->labels, name);

	if (code >= *capacity)
	{
		*capacity = Max(2 * *capacity, 64);
		t->parent = t->parent == NULL ? palloc(*capacity * sizeof(int64)) :
			repalloc(t->parent, *capacity * sizeof(int64));
	}
	if (code + 1 == t->labels->n)
		t->parent[code] = -1;
	return code;
}

/*
 * Walks up from each label, as far as no walk has been; a walk that meets its own steps is in
 * a cycle.
 */
static void
check_cycles(const Taxonomy *t)
{
	uint32	   *walk = palloc0(Max(t->labels->n, 1) * sizeof(uint32));

	for (uint32 i = 0; i < t->labels->n; i++)
	{
		int64		at = i;

		for (; at >= 0 && walk[at] == 0; at = t->parent[at])
		{
			CHECK_FOR_INTERRUPTS();
			walk[at] = i + 1;
		}
		if (at >= 0 && walk[at] == i + 1)
		{
			NameView	name = dictionary_get(t->labels, at);

			bad_taxonomy(psprintf("\"%.*s\" is its own ancestor", name.len, name.s));
		}
	}
	pfree(walk);
}

static void
read_parents(Taxonomy *t)
{
	JsonbIterator *it = JsonbIteratorInit(&t->json->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	uint32		label = 0;
	uint32		capacity = 0;

	if (!JB_ROOT_IS_OBJECT(t->json))
		bad_taxonomy("they are no object");
	t->labels = dictionary_create(CurrentMemoryContext, "label", MAX_TAXONOMY);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		NameView	name = {value.val.string.val, value.val.string.len};

		CHECK_FOR_INTERRUPTS();
		if (token == WJB_KEY)
			label = add_label(t, name, &capacity);
		else if (token == WJB_VALUE && value.type == jbvString)
		{
			/* the call may move the parents */
			uint32		parent = add_label(t, name, &capacity);

			t->parent[label] = parent;
		}
		else if (token == WJB_VALUE && value.type != jbvNull)
		{
			name = dictionary_get(t->labels, label);
			bad_taxonomy(psprintf("the parent of \"%.*s\" is no string", name.len, name.s));
		}
	}
	check_cycles(t);
}

/* The taxonomy of an argument, read again only if it is another than at the last call. */
Taxonomy *
taxonomy_cached(FunctionCallInfo fcinfo, int argno)
{
	void	  **cache = nl_call_cache(fcinfo);
	Jsonb	   *jsonb = PG_GETARG_JSONB_P(argno);
	Taxonomy   *t = *cache;
	MemoryContext context;
	MemoryContext old;

	if (t != NULL && VARSIZE(t->json) == VARSIZE(jsonb) &&
		memcmp(t->json, jsonb, VARSIZE(jsonb)) == 0)
		return t;
	context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "noisylabel taxonomy",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	t = palloc0(sizeof(Taxonomy));
	t->json = palloc(VARSIZE(jsonb));
	memcpy(t->json, jsonb, VARSIZE(jsonb));
	read_parents(t);
	MemoryContextSwitchTo(old);
	if (*cache != NULL)
		MemoryContextDelete(GetMemoryChunkContext(*cache));
	*cache = t;
	return t;
}

/* So many steps up from a label, or its top if that comes first. */
NameView
taxonomy_ancestor(Taxonomy *t, NameView label, int level)
{
	int64		code = dictionary_find(t->labels, label);

	if (code < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("label \"%.*s\" is not among the parents' labels", label.len, label.s),
				 errhint("Add it to the JSON object, with null as parent if it is at the top.")));
	for (; level > 0 && t->parent[code] >= 0; level--)
		code = t->parent[code];
	return dictionary_get(t->labels, code);
}
