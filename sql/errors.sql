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
SELECT dawid_skene(annotation_set(item, annotator, label), '{"start": 1}') FROM votes;
SELECT dawid_skene(annotation_set(item, annotator, label), '{"start": {}}') FROM votes;
SELECT dawid_skene(annotation_set(item, annotator, label, 'x'), '{"learn_from": "gold", "start": {}}') FROM votes;
