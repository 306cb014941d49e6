/*
 * em_team.c
 *		The processes of a fit and the memory they share.
 *
 * A fit is a sequence of short tasks (see EmTask), each made of units that may
 * be done in any order by any process: stripes of items, or blocks of
 * annotators.  A unit writes only what no other unit of its task reads or
 * writes, and what it sums up it leaves in a place of its own; the leader adds
 * those sums in the order of units.  How items and annotators are divided
 * depends on the annotations alone.  So one process or many, the result is the
 * same to the last bit.
 *
 * Memory.  The tables, and where there are workers the view itself, lie in one
 * piece: the leader's own memory, or the segment of shared memory that parallel
 * workers have anyway.  They are as large as the variant needs.  Workers need a table of counts for each stripe; who is
 * alone adds up stripe after stripe and needs one.  Stripes are made so large that
 * all their tables take no more than a double for each annotation and class.
 *
 * Phases.  The leader writes what is to be done and meets the workers at a
 * barrier; all take units from one counter until none is left, and meet again.
 * So phases of the barrier are even while the leader works alone and odd during
 * a task.  A worker may join late, in any phase, or never.  Workers are
 * PostgreSQL's parallel workers and obey its settings: as many as the planner
 * would use to read a table of the size of what one pass reads and writes.
 *
 * Interrupts: in the tasks, and while waiting.  An error or a cancel in any
 * process ends all of them; PostgreSQL sees to that at the end of the leader's
 * transaction or subtransaction.
 */
#include "crowd/em.h"

#ifdef __linux__
#include <sys/statvfs.h>
#endif

#include "access/parallel.h"
#include "access/xact.h"
#include "optimizer/cost.h"
#include "optimizer/paths.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "storage/barrier.h"
#include "storage/dsm_impl.h"

#define MAX_STRIPES 32
#define STRIPE_FACTOR 8			/* annotations of a stripe to rows of a table */
#define BLOCK_CELLS 16384
#define KEY_SHARED UINT64CONST(1)

typedef struct EmShared
{
	/* what a worker must know to find its way */
	uint32		items;
	uint32		annotations;
	uint32		annotators;
	uint32		classes;
	bool		has_gold;
	bool		has_voices;
	bool		has_groups;
	uint32		teaching_voices;
	uint32		abstains;
	bool		silence;
	uint32		variant;
	double		gold_weight;

	Barrier		barrier;
	pg_atomic_uint32 next;		/* unit */
	EmWork		work;
} EmShared;

/*
 * Sizes and places.
 */
static Size
n_parameters(const AnnotationView *view)
{
	return add_size(view->labels.n, variant_doubles(view->variant, view->annotators.n,
													view->labels.n));
}

/* Bytes of one table. */
Size
em_table_size(const AnnotationView *view)
{
	return mul_size(n_parameters(view), sizeof(double));
}

EmTables
em_tables_create(const AnnotationView *view)
{
	double	   *values = nl_alloc(CurrentMemoryContext, em_table_size(view));

	return (EmTables) {values, values + view->labels.n};
}

void
em_tables_free(EmTables *tables)
{
	pfree(tables->prior);
}

void
em_tables_copy(const EmTeam *team, EmTables *to, const EmTables *from)
{
	nl_copy(to->prior, from->prior, em_table_size(&team->view));
}

void
em_tables_clear(const AnnotationView *view, EmTables *tables)
{
	nl_clear(tables->prior, em_table_size(view));
}

/* How a fit is divided: by the data alone. */
static void
divide(EmTeam *team)
{
	Variant		variant = team->view.variant;
	Size		cells = variant_doubles(variant, team->annotators, team->classes);
	Size		rows = (cells + team->classes - 1) / Max(team->classes, 1);
	Size		stripes = team->view.annotations / Max(mul_size(rows, STRIPE_FACTOR), 1);

	team->units = variant_units(variant, team->annotators);
	team->unit_cells = variant_cells(variant, team->classes);
	team->n_stripes = Max(Min(stripes, MAX_STRIPES), 1);
	team->block = Max(BLOCK_CELLS / team->unit_cells, 1);
	team->n_blocks = Max((team->units + team->block - 1) / team->block, 1);
}

/* Tables that are stored; one stripe needs none of its own. */
static uint32
n_tables(const EmTeam *team, bool alone)
{
	if (team->n_stripes == 1)
		return SLOT_STRIPES;
	return SLOT_STRIPES + (alone ? 1 : team->n_stripes);
}

static Size
n_partial(const EmTeam *team)
{
	return Max(team->n_stripes, team->n_blocks);
}

/* Cells of what is heard, in all stripes. */
static Size
n_heard(const EmTeam *team)
{
	return team->view.group == NULL ? 0 :
		mul_size(team->n_stripes, mul_size(team->classes, team->classes));
}

/*
 * Doubles of a table.  The rule of variant auto does without a third table of
 * parameters, and has one matrix to point to.
 */
static Size
slot_doubles(const EmTeam *team, uint32 slot)
{
	Size		classes = team->classes;

	if (team->view.variant == VARIANT_AUTO && slot == SLOT_X2)
		return 0;
	if (team->view.variant == VARIANT_AUTO && slot == SLOT_TARGET)
		return add_size(classes, mul_size(classes, classes));
	return n_parameters(&team->view);
}

static Size
tables_size(const EmTeam *team, bool alone)
{
	Size		doubles = n_heard(team);

	for (uint32 slot = 0; slot < n_tables(team, alone); slot++)
		doubles = add_size(doubles, slot_doubles(team, slot));
	return add_size(mul_size(doubles, sizeof(double)),
					mul_size(n_partial(team), sizeof(EmPartial)));
}

/* Bytes of the tables of a team that is alone. */
Size
em_team_memory(const AnnotationView *view)
{
	EmTeam		team = {.view = *view,.classes = view->labels.n,
	.annotators = view->annotators.n};

	divide(&team);
	return tables_size(&team, true);
}

/* Point the team to its tables; returns what follows them. */
static char *
place_tables(EmTeam *team, char *at, bool alone)
{
	uint32		stored = n_tables(team, alone);

	team->partial = (EmPartial *) at;
	at += n_partial(team) * sizeof(EmPartial);
	team->heard = n_heard(team) > 0 ? (double *) at : NULL;
	at += n_heard(team) * sizeof(double);
	team->tables = palloc((SLOT_STRIPES + team->n_stripes) * sizeof(EmTables));
	for (uint32 i = 0; i < stored; i++)
	{
		team->tables[i].prior = (double *) at;
		team->tables[i].confusion = team->tables[i].prior + team->classes;
		at += slot_doubles(team, i) * sizeof(double);
	}
	for (uint32 i = stored; i < SLOT_STRIPES + team->n_stripes; i++)
		team->tables[i] = team->tables[team->n_stripes == 1 ? SLOT_COUNTS : SLOT_STRIPES];
	return at;
}

static Size
view_size(const AnnotationView *view)
{
	Size		size = mul_size(add_size(view->items, 1), sizeof(uint32));

	size = add_size(size, mul_size(view->annotations,
								   sizeof(uint32) + sizeof(uint16)));
	size = add_size(size, mul_size(view->items, view->voices ? sizeof(uint32) : 0));
	size = add_size(size, mul_size(view->annotators.n, view->group ? sizeof(uint32) : 0));
	return add_size(size, mul_size(view->items, view->gold ? sizeof(uint16) : 0));
}

/* Point the view to its arrays in shared memory, those that it has. */
static void
place_view(AnnotationView *view, char *at)
{
	view->starts = (const uint32 *) at;
	view->annotator = view->starts + view->items + 1;
	at = (char *) (view->annotator + view->annotations);
	if (view->voices != NULL)
	{
		view->voices = (const uint32 *) at;
		at += view->items * sizeof(uint32);
	}
	if (view->group != NULL)
	{
		view->group = (const uint32 *) at;
		at += view->annotators.n * sizeof(uint32);
	}
	view->label = (const uint16 *) at;
	if (view->gold != NULL)
		view->gold = view->label + view->annotations;
}

static EmTeam *
new_team(AnnotationView view, EmRunUnit run_unit)
{
	EmTeam	   *team = palloc0(sizeof(EmTeam));

	team->run_unit = run_unit;
	team->view = view;
	team->classes = view.labels.n;
	team->annotators = view.annotators.n;
	team->scratch = palloc(((Size) team->classes + 1) * team->classes * sizeof(double));
	divide(team);
	return team;
}

/*
 * The tasks.
 */
static uint32
n_units(const EmTeam *team, EmTask task)
{
	return task == TASK_VOTES || task == TASK_EXPECTATION ?
		team->n_stripes : team->n_blocks;
}

static void
take_units(EmTeam *team, EmTask task)
{
	uint32		n = n_units(team, task);

	for (;;)
	{
		uint32		unit = pg_atomic_fetch_add_u32(&team->shared->next, 1);

		if (unit >= n)
			break;
		team->run_unit(team, task, unit);
	}
}

/* Do what team->work says, all of it. */
void
em_team_run(EmTeam *team, EmTask task)
{
	uint32		n = n_units(team, task);

	if (team->shared == NULL || n == 1)
	{
		for (uint32 unit = 0; unit < n; unit++)
			team->run_unit(team, task, unit);
		return;
	}
	team->work->task = task;
	pg_atomic_write_u32(&team->shared->next, 0);
	BarrierArriveAndWait(&team->shared->barrier, PG_WAIT_EXTENSION);
	take_units(team, task);
	BarrierArriveAndWait(&team->shared->barrier, PG_WAIT_EXTENSION);
}

/* The sum of what the units of a task left, in their order. */
double
em_team_sum(const EmTeam *team, EmTask task, int which)
{
	double		sum = 0;

	for (uint32 unit = 0; unit < n_units(team, task); unit++)
		sum += team->partial[unit].sum[which];
	return sum;
}

/*
 * Workers.
 */
/* What a worker does, from its beginning to its end. */
void
em_team_work(shm_toc *toc, EmRunUnit run_unit)
{
	EmShared   *shared = shm_toc_lookup(toc, KEY_SHARED, false);
	AnnotationView view = {0};
	EmTeam	   *team;
	int			phase;

	view.items = shared->items;
	view.annotations = shared->annotations;
	view.annotators.n = shared->annotators;
	view.labels.n = shared->classes;
	view.gold_weight = shared->gold_weight;
	view.teaching_voices = shared->teaching_voices;
	view.abstains = shared->abstains;
	view.silence = shared->silence;
	view.variant = shared->variant;
	/* placed below; for now, whether they are there */
	view.gold = shared->has_gold ? (void *) shared : NULL;
	view.voices = shared->has_voices ? (void *) shared : NULL;
	view.group = shared->has_groups ? (void *) shared : NULL;
	team = new_team(view, run_unit);
	team->shared = shared;
	team->work = &shared->work;
	place_view(&team->view,
			   place_tables(team, (char *) shared + MAXALIGN(sizeof(EmShared)), false));

	for (phase = BarrierAttach(&shared->barrier);; phase++)
	{
		if (phase % 2 == 1)
		{
			if (shared->work.task == TASK_END)
				break;
			take_units(team, shared->work.task);
		}
		BarrierArriveAndWait(&shared->barrier, PG_WAIT_EXTENSION);
	}
	BarrierDetach(&shared->barrier);
}

/* As the planner does for a scan of as many bytes as a pass touches. */
static int
wanted_workers(const EmTeam *team)
{
	Size		bytes = mul_size(team->view.annotations, sizeof(uint32) + sizeof(uint16) +
								 2 * team->classes * sizeof(double));
	Size		threshold = Max(min_parallel_table_scan_size, 1);
	int			workers = 0;

	if (IsParallelWorker() || team->n_stripes == 1)
		return 0;
	for (; bytes / BLCKSZ >= threshold; threshold *= 3)
		workers++;
	return Min(workers, Min(max_parallel_workers_per_gather,
							(int) team->n_stripes - 1));
}

/*
 * Containers often have a small /dev/shm.  To go on alone beats an error.
 */
static bool
has_room(Size size)
{
#ifdef __linux__
	struct statvfs shm;

	if (dynamic_shared_memory_type == DSM_IMPL_POSIX &&
		statvfs("/dev/shm", &shm) == 0)
		return size < (Size) shm.f_bavail * shm.f_frsize / 2;
#endif
	return true;
}

static void
share_view(EmTeam *team, char *at)
{
	AnnotationView *view = &team->view;
	AnnotationView shared = *view;

	place_view(&shared, at);
	nl_copy((void *) shared.starts, view->starts,
			((Size) view->items + 1) * sizeof(uint32));
	nl_copy((void *) shared.annotator, view->annotator,
			view->annotations * sizeof(uint32));
	if (view->voices != NULL)
		nl_copy((void *) shared.voices, view->voices, view->items * sizeof(uint32));
	if (view->group != NULL)
		nl_copy((void *) shared.group, view->group,
				view->annotators.n * sizeof(uint32));
	nl_copy((void *) shared.label, view->label, view->annotations * sizeof(uint16));
	if (view->gold != NULL)
		nl_copy((void *) shared.gold, view->gold, view->items * sizeof(uint16));
	*view = shared;
}

/* For n workers, with "size" bytes to share. */
static ParallelContext *
prepare(int n, Size size)
{
	ParallelContext *workers;

	EnterParallelMode();
	workers = CreateParallelContext("noisylabel", "em_worker_main", n);
	shm_toc_estimate_chunk(&workers->estimator, size);
	shm_toc_estimate_keys(&workers->estimator, 1);
	InitializeParallelDSM(workers);
	return workers;
}

static void
dismiss(ParallelContext *workers)
{
	WaitForParallelWorkersToFinish(workers);
	DestroyParallelContext(workers);
	ExitParallelMode();
}

/* Leaves the team as it is if there can be no workers. */
static void
hire(EmTeam *team, Size beside)
{
	int			n = wanted_workers(team);
	Size		size = add_size(MAXALIGN(sizeof(EmShared)),
								add_size(tables_size(team, false),
										 view_size(&team->view)));
	ParallelContext *workers;
	EmShared   *shared;

	if (n == 0 || add_size(size, beside) > (Size) nl_memory_limit * 1024 ||
		!has_room(size))
		return;
	workers = prepare(n, size);
	shared = shm_toc_allocate(workers->toc, size);
	shared->items = team->view.items;
	shared->annotations = team->view.annotations;
	shared->annotators = team->annotators;
	shared->classes = team->classes;
	shared->has_gold = team->view.gold != NULL;
	shared->has_voices = team->view.voices != NULL;
	shared->has_groups = team->view.group != NULL;
	shared->teaching_voices = team->view.teaching_voices;
	shared->abstains = team->view.abstains;
	shared->silence = team->view.silence;
	shared->variant = team->view.variant;
	shared->gold_weight = team->view.gold_weight;
	BarrierInit(&shared->barrier, 0);
	BarrierAttach(&shared->barrier);
	pg_atomic_init_u32(&shared->next, 0);
	memset(&shared->work, 0, sizeof(EmWork));
	shm_toc_insert(workers->toc, KEY_SHARED, shared);
	LaunchParallelWorkers(workers);
	if (workers->nworkers_launched == 0)
	{
		dismiss(workers);
		return;
	}
	team->workers = workers;
	team->shared = shared;
	team->work = &shared->work;
	share_view(team, place_tables(team, (char *) shared + MAXALIGN(sizeof(EmShared)), false));
}

/*
 * The team for fits of a view, which must outlive it; the fits take "beside"
 * bytes alone.  Workers wait at the barrier, which the leader has attached to
 * and not yet reached, until the view is there.
 */
EmTeam *
em_team_create(const AnnotationView *view, Size beside, EmRunUnit run_unit)
{
	EmTeam	   *team = new_team(*view, run_unit);

	hire(team, beside);
	if (team->shared == NULL)
	{
		team->work = palloc0(sizeof(EmWork));
		(void) place_tables(team, nl_alloc(CurrentMemoryContext,
										   tables_size(team, true)), true);
	}
	return team;
}

/* Lets the workers go.  The tables are no more. */
void
em_team_end(EmTeam *team)
{
	if (team->workers != NULL)
	{
		team->work->task = TASK_END;
		BarrierArriveAndWait(&team->shared->barrier, PG_WAIT_EXTENSION);
		BarrierDetach(&team->shared->barrier);
		dismiss(team->workers);
	}
	else
		pfree(team->partial);
}
