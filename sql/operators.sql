-- Values as columns like any other: equality, order and hashes, casts to json
-- and jsonb, which give objects wherever they stand.

-- Two equal values of each type, made in unlike ways, and one that differs.
CREATE FUNCTION pg_temp.matrix(i int) RETURNS confusion_matrix LANGUAGE sql AS $$
	SELECT confusion_matrix_accum(NULL, 'a', 'b', i) $$;
CREATE AGGREGATE pg_temp.matrix_log(truth text, label text) (SFUNC = confusion_matrix_accum, STYPE = confusion_matrix);
CREATE AGGREGATE pg_temp.set_log(item text, annotator text, label text) (SFUNC = annotation_set_accum, STYPE = annotation_set);
CREATE AGGREGATE pg_temp.posterior_log(annotator_model, annotator text, label text) (SFUNC = posterior_accum, STYPE = posterior_state);
CREATE AGGREGATE pg_temp.average_log(label_distribution) (SFUNC = distribution_avg_accum, STYPE = distribution_state);
CREATE AGGREGATE pg_temp.counts_log(annotator text, truth label_distribution, label text) (SFUNC = annotator_counts_accum, STYPE = annotator_counts);
CREATE AGGREGATE pg_temp.training_log(label text, features float8[]) (SFUNC = training_set_accum, STYPE = training_set);

CREATE TEMP TABLE answers AS
SELECT i, 'item ' || i % 4 AS item, 'annotator ' || i % 3 AS annotator, CASE WHEN i % 5 = 0 THEN 'x' ELSE 'y' END AS label, CASE WHEN i % 2 = 0 THEN 'x' ELSE 'z' END AS truth, i * 0.5::float8 AS x
FROM generate_series(1, 12) AS i;
CREATE TEMP TABLE v (
	n int, cm confusion_matrix, d label_distribution, s annotation_set, m annotator_model, c classifier,
	ps posterior_state, ds distribution_state, ts training_set, ac annotator_counts);
INSERT INTO v
SELECT 1, annotator_confusion(truth, label ORDER BY i), '{"a": 0.25, "b": 0.75}', annotation_set(item, annotator, label ORDER BY i),
       dawid_skene(item, annotator, label ORDER BY i), logistic_regression(label, ARRAY[x] ORDER BY i), NULL, NULL, pg_temp.training_log(label, ARRAY[x] ORDER BY i)
FROM answers;
INSERT INTO v
SELECT 2, pg_temp.matrix_log(truth, label ORDER BY -i), label_distribution(ARRAY['b', 'a'], '{0.75,0.25}'), pg_temp.set_log(item, annotator, label ORDER BY label, i),
       dawid_skene(item, annotator, label ORDER BY -i)::text::annotator_model, logistic_regression(label, ARRAY[x] ORDER BY -i)::jsonb::text::classifier, NULL, NULL,
       pg_temp.training_log(label, ARRAY[x] ORDER BY i % 2, -i)::text::training_set
FROM answers;
INSERT INTO v
SELECT 3, annotator_confusion(truth, label), '{"a": 0.75, "b": 0.25}', annotation_set(item, annotator, label),
       dawid_skene(item, annotator, label), logistic_regression(label, ARRAY[-x]), NULL, NULL, pg_temp.training_log(label, ARRAY[x])
FROM answers WHERE i < 12;
UPDATE v SET ps = (SELECT pg_temp.posterior_log(v.m, annotator, label ORDER BY CASE v.n WHEN 1 THEN i ELSE -i END) FROM answers),
	ds = (SELECT pg_temp.average_log(label_distribution(ARRAY[label, item], ARRAY[1 - x / 7, x / 7]) ORDER BY CASE v.n WHEN 1 THEN i ELSE -i END) FROM answers WHERE i < 12 OR v.n < 3),
	ac = (SELECT pg_temp.counts_log(annotator, label_distribution(ARRAY[label, item], ARRAY[1 - x / 7, x / 7]), truth ORDER BY CASE v.n WHEN 1 THEN i ELSE -i END) FROM answers WHERE i < 12 OR v.n < 3);
-- the state of unlike bytes is canonical when it is compared
SELECT n, cm = annotator_confusion(truth, label) AS cm, s = annotation_set(item, annotator, label) AS s
FROM v, answers GROUP BY n, cm, s ORDER BY n;

-- One query for all types: what it prints is the same for each.
CREATE FUNCTION pg_temp.for_each(query text) RETURNS TABLE (type text, result text) LANGUAGE plpgsql AS $$
DECLARE col text;
BEGIN
	FOREACH col IN ARRAY ARRAY['cm', 'd', 's', 'm', 'c', 'ps', 'ds', 'ts', 'ac'] LOOP
		EXECUTE replace(query, '%', col) INTO result;
		type := col;
		RETURN NEXT;
	END LOOP;
END $$;

SELECT * FROM pg_temp.for_each($$
	SELECT ARRAY[a.% = b.%, a.% <> b.%, a.% <= b.%, a.% < b.%, b.% >= a.%, b.% > a.%, a.% = c.%, a.% <> c.%, a.% < c.% OR a.% > c.%, a.% <= c.% AND a.% >= c.%]
	FROM v AS a, v AS b, v AS c WHERE a.n = 1 AND b.n = 2 AND c.n = 3 $$);
SELECT * FROM pg_temp.for_each($$ SELECT (a.% < c.%) = (c.% > a.%) AND (a.% <= c.%) = (c.% >= a.%) AND (a.% < c.%) <> (a.% > c.%) FROM v AS a, v AS c WHERE a.n = 1 AND c.n = 3 $$);
SELECT * FROM pg_temp.for_each($$ SELECT string_agg(count, ' ' ORDER BY count) FROM (SELECT count(*)::text AS count FROM v GROUP BY %) AS g $$);
SELECT * FROM pg_temp.for_each($$ SELECT count(*) FROM (SELECT DISTINCT % FROM v) AS d $$);
SELECT * FROM pg_temp.for_each($$ SELECT count(DISTINCT %) FROM v $$);
SELECT * FROM pg_temp.for_each($$ SELECT count(*) FROM (SELECT % FROM v UNION SELECT % FROM v) AS u $$);
SELECT * FROM pg_temp.for_each($$ SELECT count(*) FROM (SELECT % FROM v WHERE n = 1 INTERSECT SELECT % FROM v WHERE n > 1) AS u $$);
SELECT * FROM pg_temp.for_each($$ SELECT count(*) FROM (SELECT % FROM v EXCEPT SELECT % FROM v WHERE n = 2) AS u $$);
SELECT * FROM pg_temp.for_each($$ SELECT string_agg(rank::text, ' ' ORDER BY rank) FROM (SELECT rank() OVER (ORDER BY %) <> 2 AS rank FROM v WHERE n < 3) AS r $$);
SELECT * FROM pg_temp.for_each($$ SELECT string_agg(n::text, ' ' ORDER BY n) FROM v WHERE % IN (SELECT % FROM v WHERE n = 2) $$);
SELECT * FROM pg_temp.for_each($$ SELECT count(*) FROM v WHERE % NOT IN (SELECT % FROM v WHERE n = 2) $$);
SELECT * FROM pg_temp.for_each($$ SELECT string_agg((NULLIF(%, (SELECT % FROM v WHERE n = 1)) IS NULL)::text, ' ' ORDER BY n) FROM v $$);
SELECT * FROM pg_temp.for_each($$ SELECT string_agg((% IS DISTINCT FROM NULL AND % IS NOT DISTINCT FROM %)::text, ' ' ORDER BY n) FROM v $$);
SELECT * FROM pg_temp.for_each($$ SELECT ARRAY[a.%, b.%] = ARRAY[b.%, a.%] AND ARRAY[a.%] @> ARRAY[b.%] AND ARRAY[a.%, c.%] <> ARRAY[c.%, a.%] AND c.% <> ALL (ARRAY[a.%, b.%])
	FROM v AS a, v AS b, v AS c WHERE a.n = 1 AND b.n = 2 AND c.n = 3 $$);
SELECT * FROM pg_temp.for_each($$ SELECT (ROW(a.%, 1) = ROW(b.%, 1)) AND (ROW(a.%, 1) < ROW(b.%, 2)) FROM v AS a, v AS b WHERE a.n = 1 AND b.n = 2 $$);
SELECT count(*) FROM (SELECT DISTINCT v - 'n' FROM (SELECT to_jsonb(v) AS v FROM v) AS r) AS r;
SELECT count(DISTINCT r) FROM (SELECT cm, d, s, m, c, ps, ds, ts, ac FROM v) AS r;

-- What joins do is the same, whatever the plan
BEGIN;
SET LOCAL enable_nestloop = off;
SET LOCAL enable_mergejoin = off;
SELECT * FROM pg_temp.for_each($$ SELECT count(*) FROM v AS a JOIN v AS b USING (%) $$);
SET LOCAL enable_mergejoin = on;
SET LOCAL enable_hashjoin = off;
SELECT * FROM pg_temp.for_each($$ SELECT count(*) FROM v AS a JOIN v AS b USING (%) $$);
SET LOCAL enable_hashagg = off;
SELECT * FROM pg_temp.for_each($$ SELECT string_agg(count, ' ' ORDER BY count) FROM (SELECT count(*)::text AS count FROM v GROUP BY %) AS g $$);
COMMIT;

-- Hash indexes on every type; btree where a value fits a page
CREATE INDEX ON v USING hash (cm);
CREATE INDEX ON v USING hash (d);
CREATE INDEX ON v USING hash (s);
CREATE INDEX ON v USING hash (m);
CREATE INDEX ON v USING hash (c);
CREATE INDEX ON v USING hash (ps);
CREATE INDEX ON v USING hash (ds);
CREATE INDEX ON v USING hash (ac);
CREATE INDEX ON v USING hash (ts);
BEGIN;
SET LOCAL enable_seqscan = off;
SELECT * FROM pg_temp.for_each($$ SELECT string_agg(n::text, ' ' ORDER BY n) FROM v WHERE % = (SELECT % FROM v WHERE n = 2) $$);
COMMIT;
CREATE INDEX ON v (cm);
CREATE INDEX ON v (d, n);
CREATE UNIQUE INDEX ON v (d, (n % 2));
INSERT INTO v (n, d) VALUES (4, '{"b": 0.75, "a": 0.25}');
\set VERBOSITY sqlstate
CREATE TEMP TABLE large (cm confusion_matrix UNIQUE);
ALTER TABLE large ALTER cm SET STORAGE external;
INSERT INTO large SELECT annotator_confusion(i, i) FROM generate_series(1, 40) AS i;
\set VERBOSITY default
CREATE TEMP TABLE keyed (d label_distribution PRIMARY KEY, n int);
INSERT INTO keyed VALUES ('{"a": 1}', 1), ('{"b": 1}', 2);
INSERT INTO keyed VALUES ('{"b": 1.0}', 3) ON CONFLICT (d) DO UPDATE SET n = excluded.n;
SELECT * FROM keyed ORDER BY d;
DELETE FROM keyed WHERE d = '{"a": 1}';
SELECT * FROM keyed;

-- What is the same number, order or spelling is the same value
SELECT '{"a": 0, "b": 1}'::label_distribution = '{"b": 1.00, "a": -0.0}' AS zero,
       '{"labels": ["a"], "counts": [[0]]}'::confusion_matrix = '{"labels": ["a"], "counts": [[-0.0]]}' AS negative_zero,
       '{"labels": ["10", "9"], "counts": [[1, 2], [3, 4]]}'::confusion_matrix = '{"counts": [[4, 3], [2, 1]], "labels": ["9", "10"]}' AS names,
       '{"labels": ["A"], "counts": [[1e0]]}'::confusion_matrix = '{"labels": ["\u0041"], "counts": [[1]]}' AS spelling;
SELECT replace(m::text, '"options": {', '"options": {"by hand": [1.50, 10, 100.0, -0.00, "1.0\"2.0", 1e3], "1.10": 1, ')::annotator_model =
       replace(m::text, '"options": {', '"options": {  "1.10":7, "1.10":1.0,"by hand":[15e-1,1e1,100,0, "1.0\"2.0",1000.0],')::annotator_model AS options,
       replace(m::text, '"options": {', '"options": {"by hand": [1.50, 0.0, "1.0\"2.0"], "1.10": 10.10, ')::annotator_model::text LIKE
       '%"1.10": 10.1, %"by hand": [1.5, 0, "1.0_"2.0"]%' AS shown
FROM v WHERE n = 1;
CREATE AGGREGATE pg_temp.options_log(item text, annotator text, label text, options jsonb) (SFUNC = dawid_skene_accum, STYPE = annotation_set);
SELECT pg_temp.options_log('i', 'a', l, '{"tolerance": 0.10}') = pg_temp.options_log('i', 'a', l, '{"tolerance": 0.1}') AS options,
       pg_temp.options_log('i', 'a', l, NULL) = pg_temp.options_log('i', 'a', l, '{}') AS null_options
FROM (VALUES ('x'), ('y')) AS v(l);
SELECT (fit_report(dawid_skene('i', 'a', l, o))).annotations FROM (VALUES ('x', '{"tolerance": 0.10}'::jsonb), ('y', '{"tolerance": 0.1}')) AS v(l, o);
-- A label without a count is one of the labels all the same
SELECT '{"a": 1}'::label_distribution = '{"a": 1, "b": 0}' AS distribution,
       '{"labels": ["a"], "counts": [[1]]}'::confusion_matrix = '{"labels": ["a", "b"], "counts": [[1, 0], [0, 0]]}' AS matrix;
-- Gold is part of a set
SELECT annotation_set('i', 'a', 'x', 'x') = annotation_set('i', 'a', 'x') AS gold,
       annotation_set('i', 'a', 'x', NULL) = annotation_set('i', 'a', 'x') AS no_gold;
-- Weights and sums
SELECT annotator_confusion('a', 'b', w) = pg_temp.matrix(0) AS weight
FROM (VALUES (-0.0::float8), ('-0'::float8)) AS w(w);
SELECT pg_temp.matrix(1) + pg_temp.matrix(2) = pg_temp.matrix(3) AS plus, smooth(pg_temp.matrix(3), pg_temp.matrix(1), 0) = pg_temp.matrix(3) AS smooth,
       sum(pg_temp.matrix(i)) = pg_temp.matrix(6) AS sum FROM generate_series(1, 3) AS i;

-- Objects in JSON, wherever a value stands
SELECT type, result::jsonb FROM pg_temp.for_each($$ SELECT jsonb_build_object(
	'cast', jsonb_typeof(%::jsonb), 'json', json_typeof(%::json), 'to_json', json_typeof(to_json(%)), 'to_jsonb', jsonb_typeof(to_jsonb(%)),
	'row', jsonb_typeof(row_to_json(v)::jsonb -> '%'), 'build', jsonb_typeof(jsonb_build_object('x', %) -> 'x'), 'agg', (SELECT jsonb_typeof(jsonb_agg(w.%) -> 0) FROM v AS w),
	'json_agg', (SELECT json_typeof(json_agg(w.%) -> 0) FROM v AS w WHERE n = 1), 'array', json_typeof(array_to_json(ARRAY[%]) -> 0),
	'object_agg', (SELECT jsonb_typeof(jsonb_object_agg(w.n, w.%) -> '1') FROM v AS w))
	FROM v WHERE n = 1 $$);
SELECT * FROM pg_temp.for_each($$ SELECT bool_and(%::json::jsonb = %::jsonb AND to_jsonb(%) = %::jsonb) FROM v $$);
SELECT to_jsonb(d), to_jsonb(cm) FROM v WHERE n = 1;
SELECT row_to_json(r) FROM (SELECT n, d FROM v WHERE n < 3) AS r ORDER BY n;
SELECT jsonb_build_object('answers', s) FROM v WHERE n = 3;
-- a state has nothing to read
SELECT to_jsonb(ps) - 'bytes' AS posterior_state, ds::jsonb ->> 'type' AS distribution_state, ac::json ->> 'type' AS annotator_counts, ts::json ->> 'type' AS training_set, (ts::jsonb -> 'bytes')::int > 0 AS size FROM v WHERE n = 1;

-- Assignment does not need the cast to be written
CREATE TEMP TABLE documents (j json, b jsonb);
INSERT INTO documents SELECT d, d FROM v WHERE n < 3;
INSERT INTO documents SELECT cm, cm FROM v WHERE n = 3;
SELECT * FROM documents ORDER BY j::text;

-- Composites
SELECT jsonb_typeof(r::jsonb) AS report, json_typeof(r::json) AS as_json, jsonb_typeof((r).classes[1]::jsonb) AS class, (r).classes[1]::json ->> 'label' AS label,
       r::jsonb = to_jsonb(r) AS same, jsonb_agg(r) -> 0 = r::jsonb AS agg
FROM (SELECT f1_report(truth, label) AS r FROM answers) AS r GROUP BY r;
INSERT INTO documents SELECT f1_report(label, label), f1_report(label, label) FROM answers;
SELECT b ->> 'n' AS n, j -> 'classes' -> 0 ->> 'label' AS label FROM documents WHERE b ? 'classes';
SELECT count(DISTINCT r), count(DISTINCT (r).classes) FROM (SELECT f1_report(label, label) AS r FROM answers GROUP BY i) AS r;

-- As BI tools ask: filter lists, top values, joins on a value
SELECT d, count(*) FROM v GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1000;
SELECT DISTINCT d AS value FROM v WHERE d IS NOT NULL ORDER BY value;
SELECT count(*) FROM v WHERE d IN ('{"a": 0.25, "b": 0.75}', '{"c": 1}');
-- dbt's tests unique and accepted_values
SELECT d AS unique_field, count(*) AS n_records FROM v WHERE d IS NOT NULL GROUP BY d HAVING count(*) > 1;
SELECT min(n) FROM v WHERE d NOT IN ('{"a": 0.25, "b": 0.75}');

-- No operator compares values of two types
SELECT cm = d FROM v;
