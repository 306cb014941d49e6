/*
 * agreement.c
 *		Coefficients of agreement and their intervals; see agreement.h.
 *
 * Phases
 *
 *	1. sums over items (sums_collect): disagreement, shares and counts of categories;
 *	2. what chance makes of these (chance_compute); of alpha's ordinal metric, whose
 *	   distances are made of the counts, the items are read again;
 *	3. influences: how each item moves each coefficient (the infinitesimal jackknife),
 *	   whose moments give the interval, the same way for all (math/student.c); or
 *	   resamples of the items;
 *	4. Conger's chance, from each annotator's own shares: the answers are dealt to
 *	   their annotators.
 *
 * Formulas: Gwet, Handbook of Inter-Rater Reliability, 4th edition 2014, chapter 5
 * (percent 5.2.1, Fleiss, AC1 and AC2, Brennan-Prediger, Conger), each item the same
 * weight in what is observed, items with one answer telling of chance only.
 * Krippendorff, Content Analysis, 4th edition 2019, chapter 12: answers weigh the
 * same, items with one answer are left out.
 *
 * Memory: some doubles a category; for phase 4 two bytes an answer (ten where
 * annotators repeat themselves) and four an annotator.  Interrupts: with the items
 * read, and the answers dealt.
 */
#include "crowd/agreement.h"

#include <math.h>


/*
 * Phase 1
 */
static double *
category_array(uint32 n)
{
	return palloc0(Max(n, 1) * sizeof(double));
}

void
sums_create(AgreementSums *sums, AgreementChance *chance, uint32 n)
{
	*sums = (AgreementSums) {.shares = category_array(n),.counts = category_array(n)};
	*chance = (AgreementChance) {
		.by_shares = category_array(n),.by_counts = category_array(n),.midranks = category_array(n)
	};
}

static void
add_item(AgreementReader *reader, const AgreementItem *item, double times,
		 AgreementSums *sums)
{
	sums->items += times;
	for (uint32 c = 0; c < item->n; c++)
		sums->shares[item->shares[c].category] += times * item->shares[c].share / item->annotators;
	if (item->annotators < 2)
		return;
	sums->pairable += times;
	sums->answers += times * item->annotators;
	for (uint32 c = 0; c < item->n; c++)
		sums->counts[item->shares[c].category] += times * item->shares[c].share;
	if (item->n > 1)
	{
		double		d = item_disagreement(reader->scale, item);

		sums->unlike += d > 0 ? times : 0;
		sums->disagreement += times * d;
		sums->weighted += times * d * item->annotators;
	}
}

/* "times": how often each item counts; NULL: once. */
void
sums_collect(AgreementReader *reader, const uint32 *times, AgreementSums *sums)
{
	double	   *shares = sums->shares;
	double	   *counts = sums->counts;

	memset(shares, 0, reader->scale->n * sizeof(double));
	memset(counts, 0, reader->scale->n * sizeof(double));
	*sums = (AgreementSums) {.shares = shares,.counts = counts};
	for (uint32 i = 0; i < reader->view->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (reader->view->starts[i] < reader->view->starts[i + 1] &&
			(times == NULL || times[i] > 0))
			add_item(reader, agreement_read(reader, i), times == NULL ? 1 : times[i], sums);
	}
}

/*
 * Phase 2
 */

/* Distances times a vector of categories; returns the quadratic form. */
static double
distances_times(const AgreementScale *scale, const double *vector, double *product)
{
	double		total = 0;
	double		form = 0;

	for (uint32 k = 0; k < scale->n; k++)
		total += vector[k];
	for (uint32 k = 0; k < scale->n; k++)
	{
		CHECK_FOR_INTERRUPTS();
		product[k] = scale->distances == NULL ? total - vector[k] : 0;
		for (uint32 l = 0; l < scale->n && scale->distances != NULL; l++)
			product[k] += scale->distances[(Size) k * scale->n + l] * vector[l];
		form += vector[k] * product[k];
	}
	return form;
}

/* Sum of all distances. */
static double
distances_sum(const AgreementScale *scale)
{
	double		sum = 0;

	if (scale->distances == NULL)
		return (double) scale->n * (scale->n - 1);
	for (Size c = 0; c < (Size) scale->n * scale->n; c++)
	{
		NL_CHECK_INTERRUPTS(c);
		sum += scale->distances[c];
	}
	return sum;
}

/* The sum over ordered pairs of shares of (x - y)^2, x the place of a category. */
static double
squared_distances(const Share *shares, uint32 n, const double *places)
{
	double		total = 0;
	double		mean = 0;
	double		sum = 0;

	for (uint32 c = 0; c < n; c++)
		total += shares[c].share;
	for (uint32 c = 0; c < n; c++)
		mean += shares[c].share / total * places[shares[c].category];
	for (uint32 c = 0; c < n && n > 1; c++)
	{
		double		off = places[shares[c].category] - mean;

		sum += shares[c].share * off * off;
	}
	return 2 * total * sum;
}

/* An item's pairs by the ordinal metric, divided by its answers less one. */
double
midrank_disagreement(const AgreementItem *item, const double *midranks)
{
	double		sum = squared_distances(item->shares, item->n, midranks);

	for (uint32 s = 0, from = 0; s < item->n_split; from = item->split_ends[s++])
		sum -= squared_distances(item->split + from, item->split_ends[s] - from, midranks);
	return Max(sum, 0) / (item->annotators - 1);
}

/*
 * Krippendorff's ordinal metric: (sum of the counts from k to l, less half of both)^2,
 * which is the square of the difference of midranks.
 */
static void
alpha_of_midranks(AgreementReader *reader, const uint32 *times, const AgreementSums *sums,
				  AgreementChance *chance)
{
	double		below = 0;
	double		mean = 0;
	double		spread = 0;
	bool		constant = false;

	for (uint32 k = 0; k < reader->scale->n; k++)
	{
		chance->midranks[k] = below + sums->counts[k] / 2;
		below += sums->counts[k];
		mean += sums->counts[k] * chance->midranks[k];
		constant = constant || sums->counts[k] == sums->answers;
	}
	mean /= sums->answers;
	for (uint32 k = 0; k < reader->scale->n; k++)
		spread += sums->counts[k] * (chance->midranks[k] - mean) * (chance->midranks[k] - mean);
	for (uint32 k = 0; k < reader->scale->n; k++)
		chance->by_counts[k] = spread + sums->answers *
			(chance->midranks[k] - mean) * (chance->midranks[k] - mean);
	chance->expected_alpha = constant ? 0 : 2 * sums->answers * spread;
	chance->observed_alpha = 0;
	for (uint32 i = 0; i < reader->view->items; i++)
	{
		const AgreementItem *item;

		NL_CHECK_INTERRUPTS(i);
		if (times != NULL && times[i] == 0)
			continue;
		item = agreement_read(reader, i);
		if (item->annotators >= 2 && item->n > 1)
			chance->observed_alpha += (times == NULL ? 1 : times[i]) *
				midrank_disagreement(item, chance->midranks);
	}
}

void
chance_compute(AgreementReader *reader, const uint32 *times, const AgreementSums *sums,
			   AgreementChance *chance)
{
	const AgreementScale *scale = reader->scale;
	double		n = scale->n;
	double		by_shares = distances_times(scale, sums->shares, chance->by_shares) /
		(sums->items * sums->items);
	double		all = distances_sum(scale);
	double		twice = 0;		/* chance that two answers differ */

	for (uint32 k = 0; k < scale->n; k++)
	{
		chance->by_shares[k] /= sums->items;
		twice += sums->shares[k] / sums->items * (1 - sums->shares[k] / sums->items);
	}
	for (int c = 0; c < COEFFICIENTS; c++)
		chance->observed[c] = sums->disagreement / sums->pairable;
	chance->expected[PERCENT_AGREEMENT] = sums->pairable > 0 ? 1 : get_float8_nan();
	chance->expected[FLEISS_KAPPA] = by_shares;
	chance->expected[GWET_AC] = n < 2 ? 0 : 1 - (n * n - all) / (n * (n - 1)) * twice;
	chance->brennan_prediger = all / (n * n);

	if (scale->midranks)
		alpha_of_midranks(reader, times, sums, chance);
	else
	{
		chance->expected_alpha = distances_times(scale, sums->counts, chance->by_counts);
		chance->observed_alpha = sums->weighted;
	}
	chance->observed[KRIPPENDORFF_ALPHA] = chance->observed_alpha * (sums->answers - 1);
	chance->expected[KRIPPENDORFF_ALPHA] = chance->expected_alpha;
}

/*
 * Phase 3
 */
typedef struct Moments
{
	Influences	of[COEFFICIENTS];
	double	   *metric_observed;	/* by category: what an answer more does to */
	double	   *metric_expected;	/* alpha's sums by moving the midranks */
} Moments;

/*
 * The sum over pairs of categories of pairs(k, l) (R_k - R_l)^2 moves with the
 * midranks R.  "pull" is the sum over l of pairs(k, l) (R_k - R_l); one more answer g
 * lifts the midranks above it by one, and its own by a half.
 */
static void
metric_slope(const double *pull, uint32 n, double *slope)
{
	double		above = 0;

	for (uint32 k = n; k-- > 0;)
	{
		slope[k] = 4 * (above + pull[k] / 2);
		above += pull[k];
	}
}

/* What an item's pairs add to the pull of each category. */
static void
add_pull(const Share *shares, uint32 n, const double *midranks, double weight, double *pull)
{
	double		total = 0;
	double		sum = 0;

	for (uint32 c = 0; c < n; c++)
	{
		total += shares[c].share;
		sum += shares[c].share * midranks[shares[c].category];
	}
	for (uint32 c = 0; c < n; c++)
		pull[shares[c].category] += weight * shares[c].share *
			(total * midranks[shares[c].category] - sum);
}

static void
metric_slopes(AgreementReader *reader, const AgreementSums *sums,
			  const AgreementChance *chance, Moments *moments)
{
	uint32		n = reader->scale->n;
	double	   *pull = category_array(n);
	double		mean = 0;

	moments->metric_observed = category_array(n);
	moments->metric_expected = category_array(n);
	for (uint32 i = 0; i < reader->view->items; i++)
	{
		const AgreementItem *item = agreement_read(reader, i);
		double		weight = 1 / (item->annotators - 1);

		NL_CHECK_INTERRUPTS(i);
		if (item->annotators < 2 || item->n == 1)
			continue;
		add_pull(item->shares, item->n, chance->midranks, weight, pull);
		for (uint32 s = 0, from = 0; s < item->n_split; from = item->split_ends[s++])
			add_pull(item->split + from, item->split_ends[s] - from, chance->midranks, -weight, pull);
	}
	metric_slope(pull, n, moments->metric_observed);

	for (uint32 k = 0; k < n; k++)
		mean += sums->counts[k] / sums->answers * chance->midranks[k];
	for (uint32 k = 0; k < n; k++)
		pull[k] = sums->counts[k] * sums->answers * (chance->midranks[k] - mean);
	metric_slope(pull, n, moments->metric_expected);
	pfree(pull);
}

/*
 * How an item moves the ratio of observed to expected disagreement, by what it moves
 * each of them.
 */
static double
ratio_influence(const AgreementChance *chance, Coefficient c, double observed, double expected)
{
	return (observed - chance->observed[c] / chance->expected[c] * expected) / chance->expected[c];
}

/* Of alpha the parts are sums, not means; so is its influence, times the items. */
static double
alpha_influence(const AgreementReader *reader, const AgreementItem *item,
				double disagreement, const AgreementSums *sums, const AgreementChance *chance, const Moments *moments)
{
	double		ratio = chance->observed[KRIPPENDORFF_ALPHA] / chance->expected_alpha;
	double		observed = 0;
	double		expected = 0;

	for (uint32 c = 0; c < item->n; c++)
	{
		const Share *s = &item->shares[c];

		expected += 2 * s->share * chance->by_counts[s->category];
		if (reader->scale->midranks)
		{
			observed += s->share * moments->metric_observed[s->category];
			expected += s->share * moments->metric_expected[s->category];
		}
	}
	if (reader->scale->midranks)
		observed += item->n > 1 ? midrank_disagreement(item, chance->midranks) : 0;
	else
		observed += disagreement * item->annotators;
	return sums->pairable * ratio * (observed / chance->observed_alpha +
									 item->annotators / (sums->answers - 1) -
									 expected / chance->expected_alpha);
}

/* An item with one answer moves only what chance is made of. */
static void
add_influences(AgreementReader *reader, const AgreementItem *item, const AgreementSums *sums,
			   const AgreementChance *chance, Moments *moments)
{
	double		n = reader->scale->n;
	double		gwet_weight = n < 2 ? 0 : (1 - chance->brennan_prediger) * n / (n - 1);
	double		pairs = item->annotators < 2 ? 0 : item_disagreement(reader->scale, item);
	double		off = item->annotators < 2 ? 0 : pairs - chance->observed[PERCENT_AGREEMENT];
	double		observed = sums->items / sums->pairable * off;
	double		by_shares = 0;
	double		twice = 0;

	for (uint32 c = 0; c < item->n; c++)
	{
		double		share = item->shares[c].share / item->annotators;

		by_shares += share * chance->by_shares[item->shares[c].category];
		twice += share * (1 - sums->shares[item->shares[c].category] / sums->items);
	}
	influences_add(&moments->of[FLEISS_KAPPA],
				   ratio_influence(chance, FLEISS_KAPPA, observed,
								   2 * (by_shares - chance->expected[FLEISS_KAPPA])));
	influences_add(&moments->of[GWET_AC],
				   ratio_influence(chance, GWET_AC, observed,
								   -2 * (gwet_weight * twice - (1 - chance->expected[GWET_AC]))));
	if (item->annotators < 2)
		return;
	influences_add(&moments->of[PERCENT_AGREEMENT], off);
	influences_add(&moments->of[KRIPPENDORFF_ALPHA],
				   alpha_influence(reader, item, pairs, sums, chance, moments));
}

/*
 * Where all pairs agree, or none do, no item differs from another; then the percentage
 * is that of so many successes (Wilson), and of coefficients nothing is known.
 */
static Bounds
plain_percent(const AgreementSums *sums, double disagreement, double confidence)
{
	Bounds		none = {get_float8_nan(), get_float8_nan()};

	if (sums->pairable < 1 || (disagreement != 0 && disagreement != 1))
		return none;
	return wilson_interval(sums->pairable * disagreement, sums->pairable,
						   normal_quantile_two_sided(confidence));
}

static double
lowest(Coefficient c)
{
	return c == PERCENT_AGREEMENT ? 0 : -get_float8_infinity();
}

static void
asymptotic_bounds(AgreementReader *reader, const AgreementSums *sums,
				  const AgreementChance *chance, const AgreementOptions *options,
				  AgreementResult *result)
{
	Moments		moments = {0};

	if (sums->unlike < 1 || sums->pairable < 2)
		return;
	if (reader->scale->midranks)
		metric_slopes(reader, sums, chance, &moments);
	for (uint32 i = 0; i < reader->view->items; i++)
	{
		NL_CHECK_INTERRUPTS(i);
		if (reader->view->starts[i] < reader->view->starts[i + 1])
			add_influences(reader, agreement_read(reader, i), sums, chance, &moments);
	}
	for (int c = 0; c < COEFFICIENTS; c++)
	{
		Bounds		disagreement;

		if (influences_effective(&moments.of[c]) < result->effective_items)
			result->effective_items = influences_effective(&moments.of[c]);
		if (!isnan(result->value[c]) &&
			skewed_interval(chance->observed[c] / chance->expected[c], &moments.of[c],
							options->confidence, &disagreement))
			result->bounds[c] = (Bounds) {Max(1 - disagreement.high, lowest(c)), Min(1 - disagreement.low, 1)};
	}
}

/*
 * Phase 4: Conger, Psychological Bulletin 88 (1980): chance is the mean over pairs of
 * annotators of what their own shares make.
 */

/* An answer dealt to its annotator: its category, and of how many it is one. */
typedef struct DealtAnswers
{
	uint32	   *ends;			/* of each annotator */
	uint16	   *category;
	double	   *share;			/* NULL: all are 1 */
} DealtAnswers;

/* A counting sort; ends are starts until all is dealt. */
static DealtAnswers
deal_answers(const AnnotationView *view, const AgreementScale *scale)
{
	DealtAnswers d = {NULL, NULL, NULL};
	bool		repeats = annotations_repeat(view);
	uint32		sum = 0;

	nl_check_memory(add_size(mul_size(view->annotators.n, sizeof(uint32)),
							 mul_size(view->annotations, sizeof(uint16) + (repeats ? sizeof(double) : 0))),
					"agreement()");
	d.ends = nl_alloc_zero(CurrentMemoryContext, Max(view->annotators.n, 1) * sizeof(uint32));
	d.category = nl_alloc(CurrentMemoryContext, Max(view->annotations, 1) * sizeof(uint16));
	if (repeats)
		d.share = nl_alloc(CurrentMemoryContext, view->annotations * sizeof(double));
	for (uint32 a = 0; a < view->annotations; a++)
	{
		NL_CHECK_INTERRUPTS(a);
		d.ends[view->annotator[a]]++;
	}
	for (uint32 j = 0; j < view->annotators.n; j++)
	{
		uint32		n = d.ends[j];

		NL_CHECK_INTERRUPTS(j);
		d.ends[j] = sum;
		sum += n;
	}
	for (uint32 i = 0; i < view->items; i++)
		for (uint32 a = view->starts[i], b; a < view->starts[i + 1]; a = b)
		{
			b = answers_end(view, a, view->starts[i + 1]);
			for (uint32 c = a; c < b; c++)
			{
				uint32		place = d.ends[view->annotator[c]]++;

				NL_CHECK_INTERRUPTS(c);
				d.category[place] = scale->category[view->label[c]];
				if (repeats)
					d.share[place] = 1.0 / (b - a);
			}
		}
	return d;
}

/* Of an annotator's shares: added to "sum"; returns the chance that two of them differ. */
static double
annotator_chance(const AgreementScale *scale, const DealtAnswers *d, uint32 from, uint32 end,
				 double *shares, uint16 *met, double *sum)
{
	double		total = 0;
	double		chance = 0;
	uint32		n = 0;

	for (uint32 a = from; a < end; a++)
	{
		double		share = d->share == NULL ? 1 : d->share[a];

		NL_CHECK_INTERRUPTS(a);
		if (shares[d->category[a]] == 0)
			met[n++] = d->category[a];
		shares[d->category[a]] += share;
		total += share;
	}
	for (uint32 k = 0; k < n; k++)
	{
		CHECK_FOR_INTERRUPTS();
		for (uint32 l = 0; l < k; l++)
			chance += 2 * shares[met[k]] / total * (shares[met[l]] / total) *
				scale_distance(scale, met[k], met[l]);
	}
	for (uint32 k = 0; k < n; k++)
	{
		sum[met[k]] += shares[met[k]] / total;
		shares[met[k]] = 0;
	}
	return chance;
}

/* The disagreement that Conger's chance makes. */
static double
conger_chance(const AnnotationView *view, const AgreementScale *scale)
{
	DealtAnswers d = deal_answers(view, scale);
	double	   *shares = category_array(scale->n);
	double	   *sum = category_array(scale->n);
	double	   *product = category_array(scale->n);
	uint16	   *met = palloc(Max(scale->n, 1) * sizeof(uint16));
	double		own = 0;
	double		r = 0;
	double		all;

	for (uint32 j = 0, from = 0; j < view->annotators.n; from = d.ends[j++])
	{
		NL_CHECK_INTERRUPTS(j);
		if (from == d.ends[j])
			continue;
		own += annotator_chance(scale, &d, from, d.ends[j], shares, met, sum);
		r++;
	}
	all = distances_times(scale, sum, product);
	return r < 2 ? get_float8_nan() : (all - own) / (r * (r - 1));
}

static uint32
categories_used(const AgreementSums *sums, uint32 n)
{
	uint32		used = 0;

	for (uint32 k = 0; k < n; k++)
		used += sums->shares[k] > 0;
	return used;
}

static AgreementResult
undefined_result(const AnnotationView *view, const AgreementSums *sums, uint32 categories)
{
	AgreementResult r = {
		.items = sums->items,
		.annotators = view->annotators.n,
		.pairable_items = sums->pairable,
		.unlike_items = sums->unlike,
		.categories = categories,
		.effective_items = sums->items,
		.brennan_prediger = get_float8_nan(),
		.conger_kappa = get_float8_nan()
	};

	for (int c = 0; c < COEFFICIENTS; c++)
	{
		r.value[c] = get_float8_nan();
		r.bounds[c] = (Bounds) {get_float8_nan(), get_float8_nan()};
	}
	return r;
}

AgreementResult
agreement_of(const AnnotationView *view, const AgreementScale *scale,
			 const AgreementOptions *options)
{
	AgreementReader *reader = agreement_reader(view, scale);
	AgreementResult r;
	AgreementSums sums;
	AgreementChance chance;
	double		observed;
	double		conger;

	sums_create(&sums, &chance, scale->n);
	sums_collect(reader, NULL, &sums);
	r = undefined_result(view, &sums, categories_used(&sums, scale->n));
	if (sums.pairable == 0)
		return r;

	chance_compute(reader, NULL, &sums, &chance);
	observed = chance.observed[PERCENT_AGREEMENT];
	for (int c = 0; c < COEFFICIENTS; c++)
		r.value[c] = coefficient_of(&chance, c);
	if (chance.brennan_prediger > 0)
		r.brennan_prediger = 1 - observed / chance.brennan_prediger;
	conger = conger_chance(view, scale);
	if (conger > 0 && r.categories > 1)
		r.conger_kappa = 1 - observed / conger;

	if (options->interval == INTERVAL_BOOTSTRAP)
		agreement_bootstrap(reader, options, &r);
	else
		asymptotic_bounds(reader, &sums, &chance, options, &r);
	if (isnan(r.bounds[PERCENT_AGREEMENT].low))
	{
		Bounds		plain = plain_percent(&sums, observed, options->confidence);

		r.bounds[PERCENT_AGREEMENT] = (Bounds) {1 - plain.high, 1 - plain.low};
	}
	return r;
}
