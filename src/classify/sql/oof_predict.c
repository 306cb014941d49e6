/*
 * oof_predict.c
 *		The window function oof_predict(): each row of a partition is judged by
 *		a model that was fitted without any row of its fold.
 *
 * Phases, all at the first row of a partition
 *
 *	1. collect: target, features, group and weight of each row, into one matrix
 *	   of the exact size;
 *	2. put the rows in canonical order and deal them to folds (folds.c);
 *	3. fit the models of all folds together (logistic_fit.c).
 *
 *	4. score each row by the model of its fold; the matrix is freed meanwhile
 *	   (logistic_predict.c).
 *
 * Then each row asks for its probabilities, which are made of its scores.
 *
 * Memory: all is below the partition's context, which the executor resets, so
 * nothing is left for the next partition.  Beside the matrix a row takes 10
 * bytes, 8 more with groups and with weights each, and for a while 24 more.
 * What arguments are detoasted or converted to goes to a scratch context that
 * is reset every SCRATCH_ROWS rows.  Interrupts: for each row that is collected,
 * and as the phases say.
 *
 * Reading.  The window's rows lie in a tuplestore, which knows the next row and
 * the one before: to read the row that was read last takes a step forward and
 * one back.  So rows are collected in pairs, and each argument is read of the
 * first row, then of the second; every read is one step.  What an argument
 * points to goes when the next is read, so each is put away at once.
 *
 * A row without features gets NULL.  A row without a label, or without a
 * weight, is judged but teaches nothing.
 */
#include "classify/classifier_options.h"
#include "classify/folds.h"

#include "common/hashfn.h"
#include "pg/window.h"
#include "windowapi.h"

#define NO_PLACE PG_UINT32_MAX

/* Which arguments a call has: (target, features [, group] [, weight] [, options]) */
typedef struct CallSite
{
	const Signature *signature;
	bool		soft;
	bool		told[2];		/* the user, that equal rows are kept together, split */
} CallSite;

typedef struct Partition
{
	bool		fitted;
	MemoryContext context;
	MemoryContext scratch;
	uint32		rows;			/* with and without features */
	uint64		seed;			/* of hashes */
	TrainingSet set;
	Names		names;
	uint32	   *place;			/* by position: row of the design, or NO_PLACE */
	uint64	   *group;			/* hashes, 0 for none; NULL without groups */
	Design	   *design;
	FittedModel *models;
	double	  **scores;			/* of a fold's rows; NULL: none can be judged */
	double	   *p;				/* of a model's classes */
	LabelDistribution *blank;	/* of all classes, each 0 */
} Partition;

static CallSite *
get_call_site(FunctionCallInfo fcinfo)
{
	void	  **place = nl_call_cache(fcinfo);
	CallSite   *site = *place;

	if (site == NULL)
	{
		*place = site = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(CallSite));
		site->signature = nl_signature(fcinfo);
		site->soft = !signature_is_name(site->signature, 0);
	}
	return site;
}

/*
 * Collecting
 */

static uint64
group_hash(FunctionCallInfo fcinfo, const CallSite *site, uint64 seed)
{
	text	   *group = nl_name_argument(fcinfo, site->signature->group);
	uint64		hash = hash_bytes_extended((unsigned char *) VARDATA_ANY(group),
										   VARSIZE_ANY_EXHDR(group), seed);

	options_refuse(fcinfo, site->signature->group, group, "the group",
				   "oof_predict(label, features, %s)");
	return hash == 0 ? 1 : hash;
}

/* An argument of a row, of which the features have been put away. */
static void
collect_argument(FunctionCallInfo fcinfo, const CallSite *site, Partition *p,
				 int argno, int64 position)
{
	TrainingSet *set = &p->set;
	uint32		row = p->place[position];
	bool		known = window_argument(fcinfo, argno, position);

	if (argno == site->signature->group)
		p->group[row] = known ? group_hash(fcinfo, site, p->seed) : 0;
	else if (argno == site->signature->weight)
		training_set_weight(set, row, known ? PG_GETARG_FLOAT8(argno) : 0);
	else if (site->soft)
		training_set_target(set, row, known ? PG_GETARG_LABEL_DISTRIBUTION(argno) : NULL);
	else
		training_set_label(set, row, known ? nl_name_argument(fcinfo, argno) : NULL);
}

static void
collect_features(FunctionCallInfo fcinfo, Partition *p, int64 position)
{
	p->place[position] = NO_PLACE;
	if (!window_argument(fcinfo, 1, position))
		return;
	p->place[position] = p->set.x.n;
	feature_matrix_add_array(&p->set.x, DatumGetArrayTypeP(fcinfo->args[1].value),
							 position + 1);
}

/* A few rows, argument by argument.  Of rows without features no more is asked. */
static void
collect_rows(FunctionCallInfo fcinfo, const CallSite *site, Partition *p,
			 uint32 from, uint32 end)
{
	const int	others[] = {0, site->signature->group, site->signature->weight};

	for (uint32 i = from; i < end; i++)
		collect_features(fcinfo, p, i);
	for (int k = 0; k < (int) lengthof(others); k++)
		for (uint32 i = from; i < end && others[k] != NO_ARGUMENT; i++)
			if (p->place[i] != NO_PLACE)
				collect_argument(fcinfo, site, p, others[k], i);
}

static void
collect(FunctionCallInfo fcinfo, const CallSite *site, Partition *p)
{
	p->place = nl_alloc(p->context, mul_size(p->rows, sizeof(uint32)));
	if (site->signature->group != NO_ARGUMENT)
		p->group = nl_alloc(p->context, mul_size(p->rows, sizeof(uint64)));
	training_set_init(&p->set, p->context, site->soft, site->signature->weight != NO_ARGUMENT, p->rows);
	MemoryContextSwitchTo(p->scratch);
	for (uint32 i = 0; i < p->rows; i += 2)
	{
		CHECK_FOR_INTERRUPTS();
		collect_rows(fcinfo, site, p, i, Min(i + 2, p->rows));
		if (i % SCRATCH_ROWS == 0)
			MemoryContextReset(p->scratch);
	}
	MemoryContextSwitchTo(p->context);
	MemoryContextReset(p->scratch);
}

/*
 * What a user should know of the folds and the models
 */
static int
detail_of_folds(const Folds *folds)
{
	return folds->split ?
		errdetail("Rows of one group are never in different folds.") :
		errdetail("Rows of one group, and rows with the same features, are never in different folds.");
}

static void
warn_of_folds(const Partition *p, const Folds *folds, int wanted)
{
	if (folds->n == 0)
		ereport(WARNING,
				(errmsg("oof_predict() gives NULL for a partition of %u rows: they belong together, so none can be judged by a model without it",
						p->set.x.n),
				 detail_of_folds(folds)));
	else if (folds->n < (uint32) wanted)
		ereport(WARNING,
				(errmsg("oof_predict() makes %u folds instead of %d: so many groups of rows belong together",
						folds->n, wanted),
				 detail_of_folds(folds)));
	if (folds->kept_apart)
		ereport(WARNING,
				(errmsg("oof_predict() lets rows with the same features be in different folds where their groups differ"),
				 errdetail("So many rows have the same features that keeping them together would leave no balanced folds."),
				 errhint("Set \"duplicates\" to \"together\" to have them in one fold all the same, or to \"split\" if the features are categories.")));
}

/*
 * Whether equal rows are copies of one thing or things of one kind cannot be
 * known, and the wrong guess makes the result useless: so the guess is told, once a
 * query, until the user says which it is.  Groups say so where nothing else ties.
 */
static void
tell_of_duplicates(CallSite *site, uint32 rows, const Folds *folds, Duplicates duplicates)
{
	bool		kinds = folds_are_kinds(rows, folds->vectors);

	if (folds->twins <= rows / 2 || folds->kept_apart || site->told[folds->split] ||
		(duplicates == DUPLICATES_TOGETHER && !kinds) || duplicates == DUPLICATES_SPLIT ||
		(folds->split && site->signature->group != NO_ARGUMENT))
		return;
	site->told[folds->split] = true;
	if (!folds->split)
		ereport(WARNING,
				(errmsg("oof_predict() keeps rows with the same features in one fold, and %u of %u rows have such a twin",
						folds->twins, rows),
				 errhint("If the features are categories, set \"duplicates\" to \"split\"; if such rows are copies, \"together\" says so.")));
	else
		ereport(NOTICE,
				(errmsg("oof_predict() lets rows with the same features be in different folds, as categories need: %u rows have %u different vectors",
						rows, folds->vectors),
				 errhint("If such rows are copies of one item, give the item as group or set \"duplicates\" to \"together\"; if not, \"split\" says so.")));
}

static bool
knows_class(const FittedModel *model, uint32 k)
{
	for (uint32 i = 0; i < model->classes; i++)
		if (model->label[i] == k)
			return true;
	return false;
}

static bool
is_taught(const Design *d, uint32 k)
{
	for (uint32 f = 0; f < d->folds; f++)
		if (design_class_weight(d, f, k) > 0)
			return true;
	return false;
}

/* Does a model miss a class that any row teaches? */
static bool
is_missed(const Partition *p, uint32 k)
{
	const Design *d = p->design;

	for (uint32 f = 0; f < d->folds && is_taught(d, k); f++)
		if (!knows_class(&p->models[f], k))
			return true;
	return false;
}

#define NAMES_SHOWN 5

static void
warn_of_classes(const Partition *p)
{
	StringInfoData list;
	uint32		missed = 0;
	uint32		taught = 0;

	initStringInfo(&list);
	for (uint32 k = 0; k < p->design->classes; k++)
		taught += is_taught(p->design, k);
	if (taught == 1)
		ereport(WARNING,
				(errmsg("oof_predict() knows one class only in a partition of %u rows, and gives it probability 1",
						p->set.x.n)));
	for (uint32 k = 0; k < p->design->classes; k++)
	{
		CHECK_FOR_INTERRUPTS();
		if (is_missed(p, k) && ++missed <= NAMES_SHOWN)
			appendStringInfo(&list, "%s\"%s\"", missed > 1 ? ", " : "",
							 names_cstring(&p->names, k));
	}
	if (missed > NAMES_SHOWN)
		appendStringInfo(&list, " and %u more", missed - NAMES_SHOWN);
	if (missed > 0)
		ereport(WARNING,
				(errmsg("oof_predict() found no example of some class outside one fold: %s",
						list.data),
				 errdetail("Rows of that fold get probability 0 for it.")));
	pfree(list.data);
}

/* Is there anything to learn from?  Rows without a label alone give NULLs. */
static bool
can_learn(const Partition *p)
{
	bool		labelled = false;

	for (uint32 i = 0; i < p->set.x.n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (!has_target(&p->set, i))
			continue;
		if (p->set.weight == NULL || p->set.weight[i] > 0)
			return true;
		labelled = true;
	}
	if (labelled)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("oof_predict() has nothing to learn from: all weights are 0")));
	ereport(WARNING,
			(errmsg("oof_predict() gives NULL for a partition of %u rows: none has a label",
					p->set.x.n)));
	return false;
}

/*
 * Fitting
 */

/* Places of collected rows become places in the design. */
static void
move_places(Partition *p, uint32 rows)
{
	uint32	   *to = nl_alloc(p->context, mul_size(p->set.x.n, sizeof(uint32)));

	for (uint32 i = 0; i < p->design->n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		to[p->design->source[i]] = i;
	}
	for (uint32 i = 0; i < rows; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (p->place[i] != NO_PLACE)
			p->place[i] = to[p->place[i]];
	}
	pfree(to);
	pfree(p->design->source);
	p->design->source = NULL;
}

/*
 * Once for the partition, by the folds that predictions come from.  So a row had a part
 * in the choice of one number of L2_GRID; to choose for each fold in folds of its own
 * would cost as many times more, and change next to nothing.
 */
static void
choose_l2(const Partition *p, ClassifierOptions *options)
{
	if (!options->choose)
		return;
	options->choice = logistic_choose_l2(p->design, &options->regression, "oof_predict");
	options->regression.l2 = options->choice.l2[options->choice.best];
}

static void
fit_partition(FunctionCallInfo fcinfo, CallSite *site, Partition *p)
{
	int64		rows = WinGetPartitionRowCount(PG_WINDOW_OBJECT());
	ClassifierOptions options;
	Size		beside;
	RowKey	   *keys;
	Folds		folds;

	if (rows > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("oof_predict() takes at most %d rows of a partition", PG_INT32_MAX)));
	p->rows = rows;
	options = classifier_options(window_options(fcinfo, p->rows, p->scratch), true);
	p->seed = options.seed;
	collect(fcinfo, site, p);
	if (p->set.x.n == 0 || !can_learn(p))
		return;
	correction_begin(&p->set, &options);
	p->names = training_set_names(&p->set);
	correction_end(&p->set, &p->names, &options);
	beside = add_size(design_memory(&p->set, options.folds), mul_size(rows, 40));
	nl_check_memory(add_size(add_size(training_set_memory(&p->set), beside),
							 logistic_scores_memory(&p->set)),
					"oof_predict()");
	logistic_check_memory(&p->set, options.folds, beside, "oof_predict()");
	keys = training_set_order(&p->set, p->seed);
	folds = folds_make(&p->set, keys, p->group, options.folds, options.duplicates);
	if (p->group != NULL)
		pfree(p->group);
	p->group = NULL;
	warn_of_folds(p, &folds, options.folds);
	tell_of_duplicates(site, p->set.x.n, &folds, options.duplicates);
	if (folds.n == 0)
		return;
	p->design = design_make(&p->set, keys, folds.fold, folds.n);
	pfree(folds.fold);
	move_places(p, rows);
	choose_l2(p, &options);
	p->models = logistic_fit(p->design, true, &options.regression, "oof_predict");
	for (uint32 f = 0; f < folds.n; f++)
		logistic_check_finite(&p->models[f], p->set.x.width);
	p->scores = logistic_score_folds(p->design, p->models);
	p->p = palloc(Max(p->design->classes, 2) * sizeof(double));
	p->blank = label_distribution_make(&p->names, palloc0(p->design->classes * sizeof(double)));
	warn_of_classes(p);
	logistic_warn(p->models, folds.n, &options.regression, "oof_predict");
}

static Partition *
get_partition(FunctionCallInfo fcinfo)
{
	Partition  *p = WinGetPartitionLocalMemory(PG_WINDOW_OBJECT(), sizeof(Partition));
	MemoryContext old;

	if (p->fitted)
		return p;
	p->context = AllocSetContextCreate(GetMemoryChunkContext(p), "oof_predict",
									   ALLOCSET_START_SMALL_SIZES);
	p->scratch = AllocSetContextCreate(p->context, "oof_predict arguments",
									   ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(p->context);
	fit_partition(fcinfo, get_call_site(fcinfo), p);
	MemoryContextSwitchTo(old);
	p->fitted = true;
	return p;
}

/* The scores of a row of the design, and the model they are of. */
static const double *
row_scores(const Partition *p, uint32 row, const FittedModel **model)
{
	const uint32 *start = p->design->start;
	uint32		f = 0;

	while (row >= start[f + 1])
		f++;
	*model = &p->models[f];
	return p->scores[f] + (Size) (row - start[f]) * p->models[f].columns;
}

/* (target, features [, group] [, weight] [, options]) */
NL_FUNCTION(oof_predict);
Datum
oof_predict(PG_FUNCTION_ARGS)
{
	WindowObject window = PG_WINDOW_OBJECT();
	Partition  *p;
	const FittedModel *model;
	const double *scores;
	LabelDistribution *result;
	int64		position;

	if (!WindowObjectIsValid(window))
		elog(ERROR, "oof_predict() is a window function");
	p = get_partition(fcinfo);
	position = WinGetCurrentPosition(window);
	if (p->place[position] == NO_PLACE || p->scores == NULL)
		PG_RETURN_NULL();
	scores = row_scores(p, p->place[position], &model);
	if (model->classes == 0)
		PG_RETURN_NULL();
	p->p[0] = 1;
	if (model->classes > 1)
	{
		memcpy(p->p, scores, model->columns * sizeof(double));
		logistic_probabilities(model->columns, p->p);
	}
	result = palloc(VARSIZE(p->blank));
	memcpy(result, p->blank, VARSIZE(p->blank));
	for (uint32 k = 0; k < model->classes; k++)
		result->p[model->label[k]] = p->p[k];
	PG_RETURN_POINTER(result);
}
