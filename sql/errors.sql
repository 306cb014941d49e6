-- What a mistake is answered with: message, detail and hint; at the end the
-- SQLSTATEs.

CREATE TEMP TABLE votes (item text, annotator text, label text, gold text);
INSERT INTO votes VALUES ('i', 'a', 'x', 'x'), ('i', 'b', 'y', NULL), ('j', 'a', 'x', NULL);

-- Weights
SELECT annotator_confusion('a', 'b', -1);
SELECT annotator_confusion('a', 'b', 'NaN');
SELECT f1_report(1, 2, 'Infinity');

-- confusion_matrix
SELECT '{"labels": ["a"], "counts": [[-1]]}'::confusion_matrix;
SELECT '[]'::confusion_matrix;
SELECT '{"labels": ["a"]}'::confusion_matrix;
SELECT '{"labels": ["a"], "counts": [1]}'::confusion_matrix;
SELECT '{"labels": ["a", "a"], "counts": [[1, 1], [1, 1]]}'::confusion_matrix;
SELECT '{"labels": ["a", "b"], "counts": [[1, 1]]}'::confusion_matrix;
SELECT '{"labels": ["a"], "counts": [["1"]]}'::confusion_matrix;
SELECT '{"labels": [1], "counts": [[1]]}'::confusion_matrix;
SELECT smooth('{"labels": [], "counts": []}', '{"labels": [], "counts": []}', -1);
SELECT cells('{"labels": [], "counts": []}', 1);
SELECT f1_report('{"labels": ["a"], "counts": [[1]]}', ARRAY['a'], 95);
SELECT f1_report('{"labels": ["a"], "counts": [[1]]}', ARRAY['a', NULL]);
SELECT f1_report('{"labels": ["a"], "counts": [[1]]}', ARRAY['a', 'a']);

-- Too many classes
SELECT labels(annotator_confusion(i, i)) IS NOT NULL FROM generate_series(1, 1000) AS i;
SELECT annotator_confusion(i, i) FROM generate_series(1, 1001) AS i;
SELECT dawid_skene('i', 'a', i::text) FROM generate_series(1, 1001) AS i;

-- label_distribution
SELECT '{"a": 0.5, "b": 0.4}'::label_distribution;
SELECT '{"a": 1.5, "b": -0.5}'::label_distribution;
SELECT '{}'::label_distribution;
SELECT label_distribution('{}', '{}');
SELECT '{"a": 0, "b": 0}'::label_distribution;
SELECT '{"a": 1, "a": 0}'::label_distribution;
SELECT '{"a": 1e400}'::label_distribution;
SELECT '{"a": null}'::label_distribution;
SELECT '[]'::label_distribution;
SELECT 'null'::label_distribution;
SELECT '{"a": "1"}'::label_distribution;
SELECT label_distribution('{a,b}', '{1}');
SELECT label_distribution('{a,a}', '{0.5,0.5}');
SELECT label_distribution('{a,NULL}', '{0.5,0.5}');
SELECT label_distribution('{a,b}', '{1,NULL}');
SELECT label_distribution('{a,b}', '{NaN,1}');

-- annotation_set
SELECT 'nonsense'::annotation_set;
SELECT 'annotation_set:1:!'::annotation_set;
SELECT 'annotation_set:1:AAAA'::annotation_set;
SELECT annotation_set(item, annotator, label, label) FROM votes;

-- Options
SELECT dawid_skene(item, annotator, label, '{"smothing": 1}'::jsonb) FROM votes;
SELECT dawid_skene(item, annotator, label, '{"smoothing": -1}'::jsonb) FROM votes;
SELECT dawid_skene(item, annotator, label, '{"smoothing": "some"}'::jsonb) FROM votes;
SELECT dawid_skene(item, annotator, label, '{"smoothing": 1, "variant": "auto"}'::jsonb) FROM votes;
SELECT dawid_skene(item, annotator, label, '{"toward": "pool", "variant": "auto"}'::jsonb) FROM votes;
SELECT dawid_skene(item, annotator, label, '{"toward": "accuracy", "variant": "class"}'::jsonb) FROM votes;
SELECT dawid_skene(item, annotator, label, '{"smoothing": "estimate", "variant": "shared"}'::jsonb) FROM votes;
SELECT dawid_skene(item, annotator, label, '{"smoothing": "estimate", "learn_from": "gold"}'::jsonb) FROM votes;
SELECT dawid_skene(item, annotator, label, '{"max_iterations": 1.5}'::jsonb) FROM votes;
SELECT dawid_skene(item, annotator, label, '{"max_iterations": "many"}'::jsonb) FROM votes;
SELECT dawid_skene(item, annotator, label, '{"toward": "nowhere"}'::jsonb) FROM votes;
SELECT dawid_skene(item, annotator, label, '{"toward": ["pool"]}'::jsonb) FROM votes;
SELECT dawid_skene(item, annotator, label, '[]'::jsonb) FROM votes;
SELECT dawid_skene(annotation_set(item, annotator, label), '{"variant": "two_coin"}') FROM votes;
SELECT dawid_skene(item, annotator, label, jsonb_build_object('smoothing', length(label) + ascii(item))) FROM votes;
-- a model to start from is an argument of the function
SELECT dawid_skene(annotation_set(item, annotator, label), '{"start": {}}') FROM votes;
SELECT dawid_skene(item, annotator, label, '{"seed": 1, "start": "{}"}'::jsonb) FROM votes;
SELECT dawid_skene(annotation_set(item, annotator, label, 'x'), '{"learn_from": "gold"}', dawid_skene(item, annotator, label)) FROM votes;
-- in the wrong place, or with options of another type, a set would be an item
SELECT dawid_skene(s, m, '{"seed": 1}'::jsonb) FROM (SELECT annotation_set(item, annotator, label) AS s, dawid_skene(item, annotator, label) AS m FROM votes) AS v;
SELECT dawid_skene(s, '{"seed": 1}'::json, m) FROM (SELECT annotation_set(item, annotator, label) AS s, dawid_skene(item, annotator, label) AS m FROM votes) AS v;
-- a literal in fourth place is gold by the rules of SQL
SELECT dawid_skene(item, annotator, label, '{"smoothing": 1}') FROM votes;

-- Scoring
SELECT * FROM consensus((SELECT annotation_set('i', 'a', 'new label')), (SELECT dawid_skene(item, annotator, label) FROM votes));
SELECT posterior(m, 'a', 'new label') FROM (SELECT dawid_skene(item, annotator, label) AS m FROM votes) AS v;

-- Memory: how much is needed depends on the machine
SET noisylabel.memory_limit = '64kB';
DO $$
BEGIN
	PERFORM annotation_set(i::text, 'a', 'x') FROM generate_series(1, 100000) AS i;
EXCEPTION WHEN program_limit_exceeded THEN
	RAISE NOTICE '%', regexp_replace(SQLERRM, '\d+ kB of', 'so many kB of');
END $$;
DO $$
BEGIN
	PERFORM dawid_skene('i', i, i % 20) FROM generate_series(1, 1000) AS i;
EXCEPTION WHEN program_limit_exceeded THEN
	RAISE NOTICE '%', regexp_replace(SQLERRM, '^.* needs \d+ kB of', 'it needs so many kB of');
END $$;
RESET noisylabel.memory_limit;
-- what decides, and what helps
CREATE FUNCTION pg_temp.refused(query text) RETURNS TABLE (what text, cause text, remedy text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE query;
	what := 'not refused';
	RETURN NEXT;
EXCEPTION WHEN program_limit_exceeded THEN
	GET STACKED DIAGNOSTICS what = MESSAGE_TEXT, cause = PG_EXCEPTION_DETAIL, remedy = PG_EXCEPTION_HINT;
	what := regexp_replace(what, '\d+ kB of', 'so many kB of');
	cause := regexp_replace(cause, '\d+ (rows|so far)', 'so many \1');
	RETURN NEXT;
END $$;
CREATE TEMP TABLE crowd AS SELECT annotation_set(i::text, i % 100, i % 20) AS s FROM generate_series(1, 1000) AS i;
CREATE TEMP TABLE crowd_model AS SELECT dawid_skene(s, '{"variant": "full"}') AS m FROM crowd;
SET noisylabel.memory_limit = '400kB';
\pset expanded on
SELECT * FROM pg_temp.refused('SELECT annotation_set(i::text, ''a'', ''x'') FROM generate_series(1, 100000) AS i');
SELECT * FROM pg_temp.refused('SELECT dawid_skene(s) FROM crowd');
SELECT * FROM pg_temp.refused('SELECT dawid_skene(s, ''{"variant": "one_coin"}'') FROM crowd');
SELECT * FROM pg_temp.refused('SELECT dawid_skene(s, ''{"restarts": 1}'') FROM crowd');
SELECT * FROM pg_temp.refused('SELECT annotator_confusion(i, i) FROM generate_series(1, 300) AS i');
SELECT * FROM pg_temp.refused('SELECT consensus(s, m) FROM crowd, crowd_model');
SELECT * FROM pg_temp.refused('SELECT posterior(m, ''1'', ''1'') FROM crowd_model');
SELECT * FROM pg_temp.refused('SELECT m::text FROM crowd_model');
SELECT * FROM pg_temp.refused('SELECT dawid_skene(few, start => m) FROM crowd_model, (SELECT annotation_set(''i'', ''a'', ''x'') AS few) AS v');
SELECT * FROM pg_temp.refused('SELECT annotator_cells(m) FROM crowd_model');
SELECT * FROM pg_temp.refused('SELECT logistic_regression(i % 2, array_fill(i::float8, ARRAY[100])) FROM generate_series(1, 1000) AS i');
SELECT * FROM pg_temp.refused('SELECT logistic_regression(i % 20, array_fill(i::float8, ARRAY[100])) FROM generate_series(1, 50) AS i');
SELECT * FROM pg_temp.refused('SELECT oof_predict(i % 20, array_fill(i::float8, ARRAY[20])) OVER () FROM generate_series(1, 50) AS i');
\pset expanded off
-- a variant needs what it needs: here 5.6 MB at most or, to look for copies, 7.2 MB
CREATE TEMP TABLE large_crowd AS SELECT annotation_set(i::text, i % 1000, i * 7919 % 10) AS s FROM generate_series(1, 2000) AS i;
SET noisylabel.memory_limit = '6500kB';
SELECT variant, what FROM large_crowd, unnest('{full, class, one_coin, shared, majority, auto}'::text[]) AS variant,
	pg_temp.refused(format('SELECT dawid_skene(s, ''{"variant": "%s"}'') FROM large_crowd', variant));
RESET noisylabel.memory_limit;
SHOW noisylabel.memory_limit;

-- SQLSTATEs
\set VERBOSITY sqlstate
SELECT annotator_confusion('a', 'b', -1);
SELECT '{"labels": ["a"], "counts": [[-1]]}'::confusion_matrix;
SELECT 'not JSON'::confusion_matrix;
SELECT '{"labels": ["a"]}'::confusion_matrix;
SELECT cells('{"labels": [], "counts": []}', 1);
SELECT f1_report('{"labels": ["a"], "counts": [[1]]}', ARRAY['a', NULL]);
SELECT annotator_confusion(i, i) FROM generate_series(1, 1001) AS i;
SELECT '{"a": 0.5, "b": 0.4}'::label_distribution;
SELECT label_distribution('{a,b}', '{1}');
SELECT 'nonsense'::annotation_set;
SELECT 'annotation_set:1:AAAA'::annotation_set;
SELECT annotation_set(item, annotator, label, label) FROM votes;
SELECT dawid_skene(item, annotator, label, '{"smothing": 1}'::jsonb) FROM votes;
SELECT consensus((SELECT annotation_set('i', 'a', 'new label')), (SELECT dawid_skene(item, annotator, label) FROM votes));
SET noisylabel.memory_limit = '1kB';
-- a start that is no model
SELECT dawid_skene(annotation_set(item, annotator, label), '{}', '{}') FROM votes;
