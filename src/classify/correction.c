/*
 * correction.c
 *		Option "correction": which labels are given where another is true.
 *
 * Forward correction (Patrini et al., CVPR 2017, theorem 2).  The option is a
 * confusion_matrix, rows the truth; its rows, divided by their sums, are the rates by
 * which a training set's labels are answers (types/training_set.h).  The classes of
 * the fit are those of the matrix.
 *
 * Memory: the square of the classes.
 */
#include "classify/classifier_options.h"

#include "names/names_io.h"
#include "types/confusion_matrix.h"
#include "types/value_forms.h"

static ConfusionMatrix *
read_matrix(const Jsonb *option)
{
	char	   *text = JsonbToCString(NULL, (JsonbContainer *) &option->root, VARSIZE(option));

	return confusion_matrix_get(confusion_matrix_forms.read_json(text));
}

/* Fails where the option is no matrix, whatever the data; it may be NULL. */
void
correction_check(const Jsonb *option)
{
	JsonbValue	value;

	if (option == NULL)
		return;
	if (!JB_ROOT_IS_OBJECT(option))
	{
		value = options_scalar(option);
		options_invalid("correction", &value, "Allowed is a confusion_matrix, rows the truth, such as (SELECT to_jsonb(annotator_confusion(truth, label)) FROM checked).");
	}
	(void) read_matrix(option);
}

/* Before the labels of a set are put in order: those of the matrix are among them. */
void
correction_begin(TrainingSet *set, const ClassifierOptions *options)
{
	Names		labels;

	if (options->correction == NULL)
		return;
	if (set->rates != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"correction\" cannot be used where annotators have matrices of their own"),
				 errhint("Leave it out, or leave out annotator and model.")));
	labels = confusion_matrix_labels(read_matrix(options->correction));
	pfree(dictionary_add_names(set->labels, &labels));
}

static double
row_total(const ConfusionMatrix *cm, uint32 truth)
{
	double		sum = 0;

	for (uint32 l = 0; l < cm->n; l++)
		sum += confusion_matrix_count(cm, truth, l);
	return sum;
}

/* Of a class no rates are known: no guess of ours is better than an error. */
static double
known_total(const ConfusionMatrix *cm, uint32 truth)
{
	Names		labels = confusion_matrix_labels(cm);
	double		total = row_total(cm, truth);

	if (!(total > 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"correction\" has no counts where the truth is \"%s\"",
						names_cstring(&labels, truth)),
				 errhint("Take counts from the rates of others: smooth(matrix, toward, strength).")));
	return total;
}

static void
check_label(const TrainingSet *set, const Names *names, uint32 code)
{
	const double *rates = answer_rates(set, code);

	for (uint32 k = 0; k < names->n; k++)
		if (rates[k] > 0)
			return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("by option \"correction\" the label \"%s\" is never given",
					names_cstring(names, code)),
			 errhint("Leave out such rows, or smooth() the matrix.")));
}

static void
check_rows(const TrainingSet *set, const Names *names)
{
	bool	   *seen = palloc0(Max(names->n, 1) * sizeof(bool));

	for (uint32 i = 0; i < set->x.n; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (has_target(set, i))
			for (uint32 t = 0; t < target_count(set, i); t++)
				seen[target_code(set, i, t)] = true;
	}
	for (uint32 code = 0; code < names->n; code++)
		if (seen[code])
			check_label(set, names, code);
	pfree(seen);
}

/* And when they are in order, "names": the rates. */
void
correction_end(TrainingSet *set, const Names *names, const ClassifierOptions *options)
{
	ConfusionMatrix *cm;
	Names		labels;

	if (options->correction == NULL)
	{
		if (set->rates != NULL && options->regression.label_smoothing > 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("option \"label_smoothing\" cannot be used where annotators have matrices of their own"),
					 errhint("These say how far labels are believed.")));
		return;
	}
	cm = read_matrix(options->correction);
	labels = confusion_matrix_labels(cm);
	set->codes = names->n;
	set->rates = nl_alloc_zero(set->context,
							   mul_size(mul_size(names->n, names->n), sizeof(double)));
	for (uint32 k = 0; k < cm->n; k++)
	{
		double		total = known_total(cm, k);
		Size		truth = names_find(names, names_get(&labels, k));

		CHECK_FOR_INTERRUPTS();
		for (uint32 l = 0; l < cm->n; l++)
			set->rates[(Size) names_find(names, names_get(&labels, l)) * names->n + truth] =
				confusion_matrix_count(cm, k, l) / total;
	}
	check_rows(set, names);
}
