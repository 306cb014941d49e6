-- Two predictions of the same items

-- Made by formula: four classes, the baseline wrong on one item in five, the candidate on one in eight
CREATE TEMP TABLE predicted AS
SELECT i AS item, (ARRAY['a', 'b', 'c', 'd'])[1 + i % 4] AS truth, (ARRAY['a', 'b', 'c', 'd'])[1 + (i + (i % 5 = 0)::int) % 4] AS baseline,
	   (ARRAY['a', 'b', 'c', 'd'])[1 + (i + (i * 7 % 8 = 0)::int) % 4] AS candidate
FROM generate_series(1, 400) AS i;

CREATE FUNCTION pg_temp.short(c paired_comparison) RETURNS text LANGUAGE sql AS
$$ SELECT format('%s rows, %s items: %s %s -> %s, %s; %s; %s', (c).n, (c).items, (c).metric, round((c).baseline::numeric, 4), round((c).candidate::numeric, 4),
				 round((c).difference::numeric, 4), (c).harmed_classes, (c).verdict) $$;

-- The measures are those of f1_report
SELECT metric, pg_temp.short(c), abs((to_jsonb(b) ->> metric)::float8 - (c).baseline) < 1e-12 AS baseline, abs((to_jsonb(n) ->> metric)::float8 - (c).candidate) < 1e-12 AS candidate
FROM unnest('{accuracy,balanced_accuracy,macro_precision,macro_recall,macro_f1,micro_f1,weighted_precision,weighted_recall,weighted_f1,matthews_corrcoef,cohen_kappa}'::text[]) AS metric,
	 LATERAL (SELECT paired_bootstrap(item, truth, baseline, candidate, jsonb_build_object('metric', metric)) AS c, f1_report(truth, baseline) AS b, f1_report(truth, candidate) AS n FROM predicted) AS x
ORDER BY metric;

-- The interval is symmetric, and agrees with the p-value; 2.8 standard errors
SELECT round(((c).difference_low + (c).difference_high - 2 * (c).difference)::numeric, 12) AS skew, ((c).p_value < 0.05) = ((c).difference_low > 0) AS agree,
	   (c).detectable_difference / ((c).difference_high - (c).difference) BETWEEN 2.8 / 2.1 AND 2.8 / 1.85 AS power
FROM (SELECT paired_bootstrap(item, truth, baseline, candidate) AS c FROM predicted) AS x;

-- Items are resampled: ten equal rows of each change nothing but n, copies of rows as items do
WITH c AS (SELECT paired_bootstrap(item, truth, baseline, candidate) AS one, paired_bootstrap(item, truth, baseline, candidate, '{"seed": 1}') AS other FROM predicted),
	 s AS (SELECT paired_bootstrap(item, truth, baseline, candidate) AS ten FROM predicted, generate_series(1, 10)),
	 i AS (SELECT paired_bootstrap(item * 10 + seed, truth, baseline, candidate) AS apart FROM predicted, generate_series(0, 9) AS seed)
SELECT (ten).n, (ten).items, (one).difference_low = (ten).difference_low AND (one).p_value = (ten).p_value AS together,
	   ((apart).difference_high - (apart).difference) / ((one).difference_high - (one).difference) BETWEEN 0.28 AND 0.36 AS apart_is_narrower, one = other AS same_with_another_seed
FROM c, s, i;
-- the same in any order, and for types other than text
SELECT a = b AS any_order, a = t AS by_text
FROM (SELECT paired_bootstrap(item, truth, baseline, candidate ORDER BY item) AS a, paired_bootstrap(item, truth, baseline, candidate ORDER BY -item) AS b,
			 paired_bootstrap(item::text, truth, baseline, candidate) AS t FROM predicted) AS x;

-- A candidate that is better on the whole, but loses a class
SELECT pg_temp.short(paired_bootstrap(item + 400 * copy, truth, baseline, loses_d, '{"metric": "accuracy"}')) AS f1,
	   pg_temp.short(paired_bootstrap(item + 400 * copy, truth, baseline, loses_d, '{"metric": "accuracy", "harm": "none"}')) AS none,
	   pg_temp.short(paired_bootstrap(item + 400 * copy, truth, baseline, loses_d, '{"metric": "accuracy", "harm_margin": 0.9}')) AS wide_margin
FROM (SELECT *, CASE WHEN truth <> 'd' THEN truth WHEN item % 8 = 3 THEN 'd' ELSE 'a' END AS loses_d FROM predicted) AS x, generate_series(0, 3) AS copy;
SELECT pg_temp.short(paired_bootstrap(item, truth, candidate, baseline)) FROM predicted;

-- Nothing differs; one item; 5 items, all one way, are no evidence, 6 are; one class; nothing at all; rows with a NULL
SELECT (c).* FROM (SELECT paired_bootstrap(item, truth, baseline, baseline) AS c FROM predicted WHERE item <= 40) AS x;
SELECT (c).* FROM (SELECT paired_bootstrap(item, truth, truth, baseline) AS c FROM predicted WHERE item = 5) AS x;
SELECT n, (c).difference_low IS NULL AS unknown, (c).p_value, (c).verdict
FROM (SELECT n, paired_bootstrap(i, (ARRAY['a', 'b'])[1 + i % 2], CASE WHEN i <= n THEN 'c' ELSE (ARRAY['a', 'b'])[1 + i % 2] END, (ARRAY['a', 'b'])[1 + i % 2], '{"metric": "accuracy"}') AS c
	  FROM unnest('{1,5,6,8}'::int[]) AS n, generate_series(1, 100) AS i GROUP BY n) AS x ORDER BY n;
SELECT (c).* FROM (SELECT paired_bootstrap(i, 'a'::text, 'a'::text, CASE WHEN i = 1 THEN 'b' ELSE 'a' END, '{"metric": "matthews_corrcoef"}') AS c FROM generate_series(1, 30) AS i) AS x;
SELECT paired_bootstrap(item, truth, baseline, candidate) IS NULL AS nothing FROM predicted WHERE false;
SELECT (paired_bootstrap(CASE WHEN item = 2 THEN NULL ELSE item END, CASE WHEN item <> 3 THEN truth END, CASE WHEN item <> 4 THEN baseline END, CASE WHEN item <> 5 THEN candidate END)).n
FROM predicted WHERE item <= 10;

SELECT paired_bootstrap(item, truth, baseline, candidate, '{"metric": "f1"}') FROM predicted;
SELECT paired_bootstrap(item, truth, baseline, candidate, '{"resamples": 10}') FROM predicted;
SELECT paired_bootstrap(item, truth, baseline, candidate, '{"margin": 10}') FROM predicted;

-- McNemar 1947, the exact form: 2 * P(X <= 5 of 20) and so on
SELECT (m).baseline_only, (m).candidate_only, round((m).difference::numeric, 4), round((m).p_value::numeric, 6)
FROM (SELECT b, c, mcnemar('x'::text, CASE WHEN i <= b THEN 'x' WHEN i <= b + c THEN 'y' ELSE 'x' END, CASE WHEN i <= b THEN 'y' ELSE 'x' END) AS m
	  FROM (VALUES (5, 15), (0, 1), (0, 6), (10, 10), (30, 70), (0, 0)) AS v(b, c), generate_series(1, 200) AS i GROUP BY b, c) AS x ORDER BY b, c;
SELECT n, baseline_only, candidate_only, baseline_accuracy, candidate_accuracy, difference, round(p_value::numeric, 10) AS p_value
FROM (SELECT (mcnemar(truth, baseline, candidate)).* FROM predicted) AS x;
SELECT mcnemar(truth, baseline, candidate) IS NULL AS nothing FROM predicted WHERE false;
SELECT (mcnemar(a, b, c)).* FROM (VALUES (1, 1, 2), (2, 2, 2), (NULL, 1, 1)) AS v(a, b, c);

-- A level that so few resamples cannot reach; a set, a matrix and counts that no rows of ours made
SELECT paired_bootstrap(item, truth, baseline, candidate, '{"resamples": 999, "level": 0.9995}') FROM predicted;
SELECT (paired_bootstrap(item, truth, baseline, candidate, '{"resamples": 1999, "level": 0.9995}')).verdict FROM predicted;
SELECT paired_bootstrap_final(annotation_set('i', '', 'x'));
SELECT paired_bootstrap_final(annotation_set('i', a, 'x')) FROM unnest('{ba,ba,ca}'::text[]) AS a;
SELECT mcnemar_final('{"labels": ["right", "wrong"], "counts": [[0, 0], [0, 0]]}');
SELECT mcnemar_final('{"labels": ["right", "left"], "counts": [[1, 0], [0, 2]]}');
