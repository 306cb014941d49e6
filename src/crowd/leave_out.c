/*
 * leave_out.c
 *		How sure an answer is, with and without the voice that gave it.
 *
 * What its answers say of an item is a sum of whole numbers and vetoes (apply_model.h), so a
 * voice's part in it can be taken out again exactly: what is left is what
 * the other answers would say by themselves.  It is reported as theirs
 * would be, of one voice less.  A voice is an annotator or, where the model has
 * groups, all of a group that answered the item.  If nobody else answered it, the
 * class prior is left.  Where silence is an answer, a voice is not silent but left
 * out: its silence is taken out, too.  Gold stays: it is nobody's answer.
 *
 * (Sums stop at LOG_RATE_MIN.  An item that gets there, by tens of thousands of
 * answers that a model all but excludes, keeps what was cut off.)
 *
 * Memory: the runs and results of the item with most answers; where silence is an
 * answer, a row of the scorer's rates for each annotator.  Interrupts: for each
 * voice, and within long ones.
 */
#include "crowd/leave_out.h"

#include <math.h>

static uint32
most_answers(const AnnotationView *view)
{
	uint32		most = 1;

	for (uint32 i = 0; i < view->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		most = Max(most, view->starts[i + 1] - view->starts[i]);
	}
	return most;
}

static uint32
first_of_group(const AnnotatorModelView *model, uint32 annotator)
{
	return model->group == NULL ? annotator : model->group[annotator];
}

/* What the silence of each group says; see sum_silence() of apply_model.c. */
static LogRate *
sum_silences(const ModelScorer *scorer)
{
	const AnnotatorModelView *model = &scorer->model;
	Size		size = mul_size(mul_size(Max(model->annotators.n, 1), scorer->width),
								sizeof(LogRate));
	LogRate    *sums;

	nl_check_memory(size, "answers()");
	sums = nl_alloc_zero(CurrentMemoryContext, size);
	for (uint32 j = 0; j < model->annotators.n; j++)
	{
		const LogRate *rates = scorer_rates(scorer, j, model->abstains - 1);
		LogRate    *sum = sums + (Size) first_of_group(model, j) * scorer->width;

		CHECK_FOR_INTERRUPTS();
		for (uint32 i = 0; i < scorer->width; i++)
		{
			LogRate		rate = log_rate_share(&rates[i], 1.0 / scorer_members(scorer, j));

			log_rate_add(&sum[i], &rate);
		}
	}
	return sums;
}

/* In the current context; the scorer must live as long. */
LeaveOut *
leave_out_begin(SetScorer *scorer)
{
	LeaveOut   *l = palloc(sizeof(LeaveOut));
	Size		most = most_answers(&scorer->view);
	MemoryContext context = CurrentMemoryContext;

	nl_check_memory(mul_size(most, sizeof(VoiceRun) + sizeof(AnswerChance)),
					"the answers of one item");
	l->scorer = scorer;
	l->runs = nl_alloc(context, most * sizeof(VoiceRun));
	l->chances = nl_alloc(context, most * sizeof(AnswerChance));
	l->rest = palloc(scorer->scorer->width * sizeof(LogRate));
	l->all = palloc(scorer->scorer->classes.n * sizeof(double));
	l->silence = scorer->scorer->silent == NULL ? NULL : sum_silences(scorer->scorer);
	return l;
}

static int
compare_runs(const void *a, const void *b)
{
	const VoiceRun *x = a;
	const VoiceRun *y = b;

	CHECK_FOR_INTERRUPTS();
	if (x->voice != y->voice)
		return x->voice < y->voice ? -1 : 1;
	return x->run.from < y->run.from ? -1 : 1;
}

/* The item's runs, those of a voice side by side; how many. */
static uint32
find_runs(LeaveOut *l, uint32 item)
{
	EmVoices   *voices = &l->scorer->voices;
	const AnnotationView *view = &l->scorer->view;
	bool		plain = em_item_is_plain(view, item);
	EmRun		run = {.to = view->starts[item]};
	uint32		n = 0;

	em_voices_enter(voices, item);
	while (em_voices_next(voices, item, &run))
	{
		if (plain)
			run.heard = 1;
		l->runs[n].voice = plain || view->group == NULL ? run.annotator :
			view->group[run.annotator];
		l->runs[n++].run = run;
	}
	em_voices_leave(voices, item);
	if (!plain && view->group != NULL)
		qsort(l->runs, n, sizeof(VoiceRun), compare_runs);
	return n;
}

/* Takes the answers of a run out of l->rest; how many of them name a class. */
static uint32
take_out(LeaveOut *l, const EmRun *run)
{
	SetScorer  *s = l->scorer;
	uint32		named = 0;

	for (uint32 a = run->from; a < run->to; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		scorer_answer(s->scorer, s->annotators[run->annotator], s->labels[s->view.label[a]],
					  s->answer);
		for (uint32 i = 0; i < s->scorer->width; i++)
		{
			LogRate		rate = log_rate_share(&s->answer[i], run->heard);

			l->rest[i].log -= rate.log;
			l->rest[i].veto -= rate.veto;
		}
		named += annotation_is_class(&s->view, s->view.label[a]);
	}
	return named;
}

static void
take_out_silence(LeaveOut *l, uint32 annotator)
{
	const ModelScorer *scorer = l->scorer->scorer;
	int64		of_model = l->scorer->annotators[annotator];
	const LogRate *silence;

	if (l->silence == NULL || of_model < 0)
		return;
	silence = l->silence + (Size) first_of_group(&scorer->model, of_model) * scorer->width;
	for (uint32 i = 0; i < scorer->width; i++)
		l->rest[i].log -= silence[i].log;
}

/* The chances of the answers of a run, "without" its voice. */
static void
set_chances(LeaveOut *l, const EmRun *run, uint32 first, const double *without)
{
	const SetScorer *s = l->scorer;

	for (uint32 a = run->from; a < run->to; a++)
	{
		int64		class = s->scorer->label_class[s->labels[s->view.label[a]]];

		NL_CHECK_INTERRUPTS(a);
		l->chances[a - first] = class < 0 ? (AnswerChance) {NAN, NAN} :
			(AnswerChance) {l->all[class], without[class]};
	}
}

/* The answers of one voice, runs from..to. */
static void
leave_voice_out(LeaveOut *l, uint32 item, uint32 from, uint32 to)
{
	SetScorer  *s = l->scorer;
	uint32		named = 0;
	const double *without;

	CHECK_FOR_INTERRUPTS();
	memcpy(l->rest, s->score, s->scorer->width * sizeof(LogRate));
	for (uint32 r = from; r < to; r++)
		named += take_out(l, &l->runs[r].run);
	take_out_silence(l, l->runs[from].run.annotator);
	/* where each answer is a voice, all of an annotator's are left out */
	if (s->view.voices != NULL)
		named = Min(named, 1);
	without = set_scorer_report(s, item, l->rest, set_scorer_voices(s, item) - named);
	for (uint32 r = from; r < to; r++)
		set_chances(l, &l->runs[r].run, s->view.starts[item], without);
}

/* For each answer to the item, as the view has them; valid until the next call. */
const AnswerChance *
leave_out_item(LeaveOut *l, uint32 item)
{
	SetScorer  *s = l->scorer;
	uint32		n = find_runs(l, item);
	uint32		to;

	set_scorer_answers(s, item);
	memcpy(l->all, set_scorer_report(s, item, s->score, set_scorer_voices(s, item)),
		   s->scorer->classes.n * sizeof(double));
	for (uint32 from = 0; from < n; from = to)
	{
		for (to = from + 1; to < n && l->runs[to].voice == l->runs[from].voice; to++)
			;
		leave_voice_out(l, item, from, to);
	}
	return l->chances;
}
