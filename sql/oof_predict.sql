-- oof_predict()

CREATE TEMP TABLE noise AS
SELECT i, i / 5 AS item,
	CASE WHEN abs(hashint4(i)) % 2 = 0 THEN 'a' ELSE 'b' END AS label,
	CASE WHEN abs(hashint4(i / 5)) % 2 = 0 THEN 'a' ELSE 'b' END AS item_label,
	(SELECT array_agg((abs(hashint4(i * 100 + j)) % 1000) / 1000.0::float8 ORDER BY j) FROM generate_series(1, 20) AS j) AS features,
	(SELECT array_agg((abs(hashint4(i / 5 * 100 + j)) % 1000) / 1000.0::float8 ORDER BY j) FROM generate_series(1, 60) AS j) AS item_features
FROM generate_series(0, 999) AS i;

CREATE FUNCTION pg_temp.is_chance(hits bigint, n bigint) RETURNS boolean
LANGUAGE sql AS 'SELECT abs(hits - n / 2.0) < 3 * sqrt(n) / 2';

-- labels that have nothing to do with the features: a model judges its own
-- rows well, out of fold it is at chance
SELECT pg_temp.is_chance(count(*) FILTER (WHERE top_label(p) = label), count(*)) AS chance
FROM (SELECT label, oof_predict(label, features) OVER () AS p FROM noise) AS v;

-- five equal rows an item, one label an item: without a group, with the item as
-- group, and with groups that part the equal rows
SELECT pg_temp.is_chance(sum((p = item_label)::int) / 5, count(*) / 5) AS no_group,
	pg_temp.is_chance(sum((g = item_label)::int) / 5, count(*) / 5) AS item_groups,
	pg_temp.is_chance(sum((d = item_label)::int) / 5, count(*) / 5) AS parted_groups
FROM (SELECT item_label, top_label(oof_predict(item_label, item_features) OVER ()) AS p,
		top_label(oof_predict(item_label, item_features, item) OVER ()) AS g,
		top_label(oof_predict(item_label, item_features, i) OVER ()) AS d
	  FROM noise) AS v;
-- nearly equal rows are only held together by a group: the test can fail
SELECT pg_temp.is_chance(sum((g = item_label)::int) / 5, count(*) / 5) AS item_groups,
	pg_temp.is_chance(sum((d = item_label)::int) / 5, count(*) / 5) AS no_group
FROM (SELECT item_label, top_label(oof_predict(item_label, item_features || i * 1e-9::float8, item::text) OVER ()) AS g,
		top_label(oof_predict(item_label, item_features || i * 1e-9::float8) OVER ()) AS d
	  FROM noise) AS v;

-- categories: rows with equal features are the rule.  Kept together, as rows that
-- are copies, they are judged by models that never saw their category
CREATE FUNCTION pg_temp.one_hot(level int, levels int) RETURNS float8[]
LANGUAGE sql AS 'SELECT array_agg((j = level)::int::float8 ORDER BY j) FROM generate_series(0, levels - 1) AS j';
CREATE TEMP TABLE kinds AS
SELECT k, i, i % k AS level, (i % k + (abs(hashint4(i * 1000 + k)) % 10 = 0)::int) % 2 AS label, pg_temp.one_hot(i % k, k) AS features
FROM unnest(ARRAY[2, 6, 10, 50, 200]) AS k, generate_series(1, 2000) AS i;
SELECT k, round(avg((label = level % 2)::int), 2) AS attainable,
	round(avg((top_label(p)::int = label)::int), 2) AS accuracy, avg((top_label(s)::int = label)::int) = avg((top_label(p)::int = label)::int) AS same
FROM (SELECT *, oof_predict(label, features) OVER (PARTITION BY k) AS p,
		oof_predict(label, features, '{"duplicates": "split"}'::jsonb) OVER (PARTITION BY k) AS s FROM kinds) AS v
GROUP BY k ORDER BY k;
SELECT k, avg((top_label(p)::int = label)::int) < 0.6 AS useless
FROM (SELECT *, oof_predict(label, features, '{"duplicates": "together"}'::jsonb) OVER (PARTITION BY k) AS p FROM kinds) AS v
GROUP BY k ORDER BY k;
-- nine rows with the same features are copies, ten a category; who said which
-- it is, or gave the item as group, hears no more of it
SELECT n, pg_temp.is_chance(sum((a = label)::int) / n, count(*) / n) AS auto,
	pg_temp.is_chance(sum((t = label)::int) / n, count(*) / n) AS together,
	pg_temp.is_chance(sum((s = label)::int) / n, count(*) / n) AS split,
	pg_temp.is_chance(sum((g = label)::int) / n, count(*) / n) AS item_groups
FROM (SELECT n, label, top_label(oof_predict(label, features) OVER (PARTITION BY n)) AS a,
		top_label(oof_predict(label, features, '{"duplicates": "together"}'::jsonb) OVER (PARTITION BY n)) AS t,
		top_label(oof_predict(label, features, '{"duplicates": "split"}'::jsonb) OVER (PARTITION BY n)) AS s,
		top_label(oof_predict(label, features, i, '{"duplicates": "split"}'::jsonb) OVER (PARTITION BY n)) AS g
	  FROM noise, unnest(ARRAY[9, 10]) AS n, generate_series(1, n) WHERE i % 5 = 0) AS v
GROUP BY n ORDER BY n;
-- half of the rows have a twin: not yet a word; one more
SELECT n, count(p) FROM (SELECT n, oof_predict(label, ARRAY[CASE WHEN i < n THEN i / 2 ELSE i END, 0]::float8[]) OVER (PARTITION BY n) AS p
	  FROM noise, unnest(ARRAY[500, 502]) AS n) AS v GROUP BY n ORDER BY n;
-- rows that are equal in all share the same predictions in whatever order, and
-- an order in the window, or a key as group, says who gets which
SELECT count(*), count(DISTINCT own) AS own, count(DISTINCT shared) AS shared, count(DISTINCT keyed) AS keyed
FROM (SELECT k, md5(string_agg(a, ' ' ORDER BY i)) AS own, md5(string_agg(b, ' ' ORDER BY level, label, b)) AS shared,
		md5(string_agg(c, ' ' ORDER BY i)) AS keyed
	  FROM (SELECT s, k, i, level, label, oof_predict(label, features) OVER (PARTITION BY s, k ORDER BY i)::text AS a,
				oof_predict(label, features) OVER (PARTITION BY s, k ORDER BY hashint4(i + s))::text AS b,
				oof_predict(label, features, i) OVER (PARTITION BY s, k ORDER BY hashint4(i + s))::text AS c
			FROM kinds, generate_series(1, 3) AS s WHERE k = 6) AS v GROUP BY s, k) AS w;
-- each fold has its share of each category and label, but for what the one before left
SELECT max(n) - min(n) <= 2 AS even, count(*) AS folds
FROM (SELECT level, label, p::text, count(*) AS n FROM (SELECT *, oof_predict(label, features, '{"duplicates": "split"}'::jsonb) OVER () AS p FROM kinds WHERE k = 6) AS v
	  GROUP BY 1, 2, 3) AS w GROUP BY level, label ORDER BY 1;

-- a feature that is the label of the group's other row, labels of groups random
SELECT pg_temp.is_chance(count(*) FILTER (WHERE top_label(p) = label), count(*)) AS chance
FROM (SELECT label, oof_predict(label, other, pair) OVER () AS p
	  FROM (SELECT a.i / 2 AS pair, a.label, ARRAY[(b.label = 'a')::int::float8, a.i] AS other
			FROM noise AS a JOIN noise AS b ON b.i = a.i # 1) AS w) AS v;

-- what can be learned is learned
SELECT count(*) FILTER (WHERE top_label(p) = t) > 950 AS learned
FROM (SELECT t, oof_predict(t, features) OVER () AS p FROM (SELECT (features[1] > 0.5)::text AS t, features FROM noise) AS w) AS v;

-- any order, any company of other partitions: the same
SELECT count(*), bool_and(a.p::text = b.p::text) AS same
FROM (SELECT i, oof_predict(label, features, item) OVER (PARTITION BY i % 3) AS p FROM noise) AS a
JOIN (SELECT i, oof_predict(label, features, item) OVER (ORDER BY features DESC ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS p
	  FROM noise WHERE i % 3 = 1) AS b USING (i);
SELECT count(DISTINCT p::text) AS seeds
FROM generate_series(0, 2) AS seed,
	LATERAL (SELECT i, oof_predict(label, features, jsonb_build_object('seed', seed)) OVER () AS p FROM noise) AS v WHERE i = 7;

-- each fold's model is that of logistic_regression() on the other rows
SELECT bool_and(abs(probability(o.p, 'a') - probability(predict(m.m, o.features), 'a')) < 1e-6) AS same
FROM (SELECT i % 4 AS fold, features, oof_predict(label, features, i % 4, '{"folds": 4, "tolerance": 1e-8}'::jsonb) OVER () AS p FROM noise) AS o
JOIN (SELECT f AS fold, logistic_regression(label, features, '{"tolerance": 1e-8}'::jsonb) AS m
	  FROM noise, generate_series(0, 3) AS f WHERE i % 4 <> f GROUP BY f) AS m USING (fold);

-- soft targets, weights, labels of other types
SELECT bool_and(abs(probability(p, 'a') - probability(s, 'a')) < 1e-6) AS same
FROM (SELECT oof_predict(label, features, item, 2.0, '{"l2": 2, "tolerance": 1e-8}'::jsonb) OVER () AS p,
		oof_predict(label_distribution(ARRAY[label], '{1}'), features, item, '{"tolerance": 1e-8}'::jsonb) OVER () AS s
	  FROM noise) AS v;
SELECT labels(p), count(*) FROM (SELECT oof_predict(i % 3, features::real[]) OVER () AS p FROM noise) AS v GROUP BY 1;

-- NULLs: no features, no prediction; no label or weight, no lesson
SELECT i, p IS NOT NULL AS judged
FROM (SELECT i, oof_predict(CASE WHEN i <> 3 THEN label END, CASE WHEN i <> 4 THEN features END, NULL::text,
			CASE WHEN i <> 5 THEN 1.0 END, NULL) OVER () AS p FROM noise) AS v
WHERE i < 7 ORDER BY i;
SELECT bool_and(abs(probability(a.p, 'a') - probability(b.p, 'a')) < 1e-9) AS same
FROM (SELECT i, oof_predict(CASE WHEN i % 10 > 0 THEN label END, features, i % 5, '{"tolerance": 1e-10}'::jsonb) OVER () AS p FROM noise) AS a
JOIN (SELECT i, oof_predict(label, features, i % 5, '{"tolerance": 1e-10}'::jsonb) OVER () AS p FROM noise WHERE i % 10 > 0) AS b USING (i);
SELECT count(*), count(p) FROM (SELECT oof_predict(label, features) OVER () AS p FROM noise WHERE i < 0) AS v;

-- few groups, rare classes, nothing to learn: stated fallbacks
\set VERBOSITY terse
SELECT count(p) FROM (SELECT oof_predict(label, features, i % 3) OVER () AS p FROM noise) AS v;
SELECT count(p) FROM (SELECT oof_predict(label, features, 1) OVER () AS p FROM noise) AS v;
SELECT count(p) FROM (SELECT oof_predict(label, features) OVER () AS p FROM noise WHERE i = 1) AS v;
SELECT l, round(probability(p, 'rare')::numeric, 3) AS rare
FROM (SELECT i, l, oof_predict(l, features) OVER () AS p FROM (SELECT i, features, CASE WHEN i = 0 THEN 'rare' ELSE label END AS l FROM noise) AS w) AS v
WHERE i = 0;
SELECT count(p), min(confidence(p)) FROM (SELECT oof_predict('x'::text, features) OVER () AS p FROM noise) AS v;
SELECT count(p) FROM (SELECT oof_predict(NULL::text, features) OVER () AS p FROM noise) AS v;
SELECT count(p) FROM (SELECT oof_predict(label, ARRAY[i % 2]::float8[], i) OVER () AS p FROM noise) AS v;
SELECT count(p) FROM (SELECT oof_predict(label, ARRAY[i % 2]::float8[], i, '{"duplicates": "together"}'::jsonb) OVER () AS p FROM noise) AS v;
SELECT count(p) FROM (SELECT oof_predict(label, ARRAY[i / 5]::float8[], i % 7) OVER () AS p FROM noise) AS v;
SELECT count(p) FROM (SELECT oof_predict(label, ARRAY[i / 5]::float8[], i % 7, '{"duplicates": "together"}'::jsonb) OVER () AS p FROM noise) AS v;
SELECT count(p) FROM (SELECT oof_predict(label, ARRAY[i / 5]::float8[], i % 7, '{"duplicates": "split"}'::jsonb) OVER () AS p FROM noise) AS v;
SELECT count(p) FROM (SELECT oof_predict(label, '{1}'::float8[]) OVER () AS p FROM noise WHERE i < 9) AS v;
SELECT count(p) FROM (SELECT oof_predict(label, '{1}'::float8[]) OVER () AS p FROM noise WHERE i < 10) AS v;

-- errors
SELECT count(p) FROM (SELECT oof_predict(label, features, item, 0.0, '{}'::jsonb) OVER () AS p FROM noise) AS v;
SELECT count(p) FROM (SELECT oof_predict(label, features, item, -1.0, '{}'::jsonb) OVER () AS p FROM noise) AS v;
SELECT count(p) FROM (SELECT oof_predict(label, features, '{"folds": 1}'::jsonb) OVER () AS p FROM noise) AS v;
SELECT count(p) FROM (SELECT oof_predict(label, features, '{"fold": 2}'::jsonb) OVER () AS p FROM noise) AS v;
SELECT count(p) FROM (SELECT oof_predict(label, features, '{"duplicates": "yes"}'::jsonb) OVER () AS p FROM noise) AS v;
SELECT count(p) FROM (SELECT oof_predict(label, features, jsonb_build_object('seed', i)) OVER () AS p FROM noise) AS v;
SELECT count(p) FROM (SELECT oof_predict(label, features, CASE WHEN i < 999 THEN '{"folds": 3}'::jsonb END) OVER (ORDER BY i) AS p FROM noise) AS v;
SELECT count(p) FROM (SELECT oof_predict(label, features, CASE WHEN i > 0 THEN '{"folds": 3}'::jsonb END) OVER (ORDER BY i) AS p FROM noise) AS v;
SELECT count(p) FROM (SELECT oof_predict(label, features, CASE WHEN i < 0 THEN '{"folds": 3}'::jsonb END) OVER (ORDER BY i) AS p FROM noise) AS v;
SELECT count(p) FROM (SELECT oof_predict(label, CASE WHEN i = 17 THEN '{1}' ELSE features END) OVER (ORDER BY i) AS p FROM noise) AS v;
SELECT count(p) FROM (SELECT oof_predict(label, CASE WHEN i = 17 THEN features || 'NaN'::float8 ELSE features || 1::float8 END) OVER (ORDER BY i) AS p FROM noise) AS v;
SELECT oof_predict(label, features) FROM noise;
SET noisylabel.memory_limit = '64kB';
SELECT count(p) FROM (SELECT oof_predict(label, features) OVER () AS p FROM noise) AS v;

RESET noisylabel.memory_limit;

-- a row that is only judged may lie anywhere, but its scores must be numbers
SELECT oof_predict(CASE WHEN i < 40 THEN (i % 2)::text END, ARRAY[i % 7 + i % 2, i % 5 - i % 2, 1e10 * (i / 40)]::float8[]) OVER () IS NOT NULL AS judged
FROM generate_series(1, 40) AS i ORDER BY 1 LIMIT 1;
SELECT count(d)
FROM (SELECT oof_predict(CASE WHEN i < 40 THEN (i % 2)::text END,
						 CASE WHEN i < 40 THEN ARRAY[(i % 7 + i % 2) / 1e3, (i % 5 + i % 2) / 1e3]::float8[] ELSE '{1.7e308,-1.7e308}' END) OVER () AS d
	  FROM generate_series(1, 40) AS i OFFSET 0) AS v;
