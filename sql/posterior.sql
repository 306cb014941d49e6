-- posterior(): the aggregate that scores one item, wherever its rows are.

CREATE FUNCTION pg_temp.r(float8) RETURNS numeric LANGUAGE sql AS 'SELECT round($1::numeric, 4)';

-- a is right 3 of 4 times, b always says x
CREATE TEMP TABLE model AS
SELECT '{"method": "by hand", "options": {}, "fit": {"items": 0, "annotations": 0, "gold_items": 0, "gold_weight": 1, "iterations": 0,
         "converged": true, "log_likelihood": 0, "stopped_by": "hand", "truths_given": true, "majority_disagreement": null, "warnings": []}, "voices": {"of": "answers", "groups": [], "correlation": 0, "gold_items": 0, "teaching_items": 0}, "labels": ["x", "y"], "annotators": ["a", "b"],
         "components": [{"variant": "full", "weight": 1, "prior": [0.5, 0.5], "pool": [[0.75, 0.25], [0.5, 0.5]],
                         "confusion": [[[0.75, 0.25], [0.25, 0.75]], [[1, 0], [1, 0]]]}],
         "annotations": [0, 0], "gold_annotations": [0, 0], "notes": {}, "counts": [[[0, 0], [0, 0]], [[0, 0], [0, 0]]], "variances": [[[0, 0], [0, 0]], [[0, 0], [0, 0]]]}'::annotator_model AS m;

CREATE TEMP TABLE answers (item int, annotator text, label text);
INSERT INTO answers VALUES
	(1, 'a', 'x'), (1, 'b', 'x'),				-- 3/4 : 1/4, b says nothing
	(2, 'a', 'x'), (2, 'a', 'x'),				-- 9/16 : 1/16
	(3, 'a', 'x'), (3, 'a', 'y'),				-- even
	(4, 'c', 'x'),								-- an annotator never seen: 3/4 : 1/2
	(5, 'b', 'y'), (5, 'a', 'y'),				-- impossible for both classes: a decides
	(6, 'a', NULL), (6, NULL, 'x');				-- nothing

SELECT item, pg_temp.r(probability(p, 'x')) AS x, pg_temp.r(probability(p, 'y')) AS y, top_label(p)
FROM (SELECT item, posterior(m, annotator, label) AS p FROM answers, model GROUP BY item) AS v ORDER BY item;
SELECT posterior(m, annotator, label) FROM answers, model WHERE item = 3;

-- the same as consensus(), to the bit; items keep their own type
SELECT bool_and(c.distribution::text = p.distribution::text) AS same, count(*) AS items
FROM (SELECT item, posterior(m, annotator, label) AS distribution FROM answers, model GROUP BY item) AS p
JOIN (SELECT c.* FROM model, consensus((SELECT annotation_set(item, annotator, label) FROM answers), m) AS c) AS c
  ON c.item = p.item::text;

-- other types of annotator and label
SELECT pg_temp.r(probability(posterior(m, annotator::name, label::varchar), 'x')) AS x FROM answers, model WHERE item = 2;

-- no rows, no model: NULL
SELECT posterior(m, annotator, label) IS NULL AS empty FROM answers, model WHERE false;
SELECT posterior(NULL::annotator_model, annotator, label) IS NULL AS no_model FROM answers;

-- a window
SELECT label, pg_temp.r(probability(posterior(m, annotator, label) OVER (ORDER BY label), 'x')) AS x
FROM answers, model WHERE item = 3 ORDER BY label;

-- thousands of answers on one item do not underflow
SELECT posterior(m, 'a', CASE WHEN i % 2 = 0 THEN 'x' ELSE 'y' END) AS even,
       pg_temp.r(probability(posterior(m, 'a', CASE WHEN i % 2 = 0 OR i = 1 THEN 'x' ELSE 'y' END), 'x')) AS one_more
FROM model, generate_series(1, 10000) AS i;

-- different models in one group
SELECT posterior(CASE item WHEN 1 THEN m ELSE replace(m::text, '"prior": [0.5, 0.5]', '"prior": [0.25, 0.75]')::annotator_model END, annotator, label)
FROM answers, model WHERE item < 3;

-- models that take turns, row by row, more than are kept; each fetched once; joined
-- by LATERAL: the same posteriors
CREATE TEMP TABLE models AS
SELECT i, replace(m::text, '"prior": [0.5, 0.5]', format('"prior": [%s, %s]', i / 16.0, 1 - i / 16.0))::annotator_model AS m
FROM model, generate_series(1, 12) AS i;
ANALYZE answers, models;
CREATE TEMP VIEW turns AS
SELECT i, item, posterior(m, annotator, label)::text AS p
FROM (SELECT * FROM answers, models ORDER BY item, annotator, label, i OFFSET 0) AS v GROUP BY 1, 2;
SELECT count(*), count(DISTINCT p) > 12 AS different FROM turns;
SELECT count(*) AS different FROM turns
WHERE p IS DISTINCT FROM (SELECT posterior((SELECT m FROM models WHERE models.i = turns.i), annotator, label)::text FROM answers WHERE answers.item = turns.item);
SELECT count(*) AS different FROM turns
FULL JOIN (SELECT i, item, p::text FROM models, LATERAL (SELECT item, posterior(m, annotator, label) AS p FROM answers GROUP BY item) AS v) AS l USING (i, item)
WHERE turns.p IS DISTINCT FROM l.p;

-- a model that cannot be one
SELECT replace(m::text, '[[0.75, 0.25], [0.25, 0.75]]', '[[0.75, 0.5], [0.25, 0.75]]')::annotator_model FROM model;
SELECT replace(m::text, '"weight": 1', '"weight": 0.5')::annotator_model FROM model;
SELECT replace(m::text, '"variant": "full"', '"variant": "empty"')::annotator_model FROM model;
SELECT replace(m::text, '"annotators": ["a", "b"]', '"annotators": ["a"]')::annotator_model FROM model;
SELECT replace(m::text, '"labels": ["x", "y"]', '"labels": ["x", "x"]')::annotator_model FROM model;

-- Voices: a and b are one, several answers of anybody are one, and two voices whose
-- errors are correlated by a half are worth 2 / 1.5.  Each is right 3 of 4 times,
-- so that what n of them say counts 3^n to 1; strangers are others each.
CREATE TEMP TABLE voices AS
SELECT '{"method": "by hand", "options": {}, "fit": {"items": 0, "annotations": 0, "gold_items": 0, "gold_weight": 0.9, "iterations": 0,
         "converged": true, "log_likelihood": 0, "stopped_by": "hand", "truths_given": false, "majority_disagreement": null, "warnings": []},
         "voices": {"of": "annotators", "groups": [["b", "a"]], "correlation": 0.5, "gold_items": 60, "teaching_items": 9},
         "labels": ["x", "y"], "annotators": ["a", "b", "c"],
         "components": [{"variant": "full", "weight": 1, "prior": [0.5, 0.5], "pool": [[0.75, 0.25], [0.25, 0.75]],
                         "confusion": [[[0.75, 0.25], [0.25, 0.75]], [[0.75, 0.25], [0.25, 0.75]], [[0.75, 0.25], [0.25, 0.75]]]}],
         "annotations": [0, 0, 0], "gold_annotations": [0, 0, 0], "reported_right": [0, 0, 0], "reported_variances": [0, 0, 0], "notes": {}, "counts": [[[0, 0], [0, 0]], [[0, 0], [0, 0]], [[0, 0], [0, 0]]],
         "variances": [[[0, 0], [0, 0]], [[0, 0], [0, 0]], [[0, 0], [0, 0]]]}'::annotator_model AS m;
SELECT m::jsonb -> 'voices' AS voices FROM voices;
CREATE TEMP TABLE heard (item text, power float8, answers text[]);	-- {annotator, label, ...}
INSERT INTO heard VALUES
	('a group', 1, '{a,x, b,x}'),
	('half of it', 1, '{b,x}'),
	('against it', 0, '{a,x, b,x, c,y}'),
	('a group divided', 0, '{a,x, b,y}'),
	('two voices', 2 / 1.5, '{a,x, c,x}'),
	('three voices', 3 / 2.0, '{a,x, c,x, new,x}'),
	('two strangers', 2 / 1.5, '{new,x, other,x}'),
	('repeats', 1, '{c,x, c,x}'),
	('contradictions', 1.0 / 3, '{c,x, c,x, c,y}'),
	('all of it', (1.0 / 6 + 1.0 / 2 - 1) / 1.5, '{a,x, a,x, a,y, b,x, new,y, new,y}');
CREATE TEMP TABLE heard_rows AS
SELECT item, power, answers[2 * i - 1] AS annotator, answers[2 * i] AS label
FROM heard, generate_series(1, cardinality(answers) / 2) AS i;
SELECT h.item, round(probability(p.d, 'x')::numeric, 6) AS x,
	abs(probability(p.d, 'x') - 3 ^ h.power / (1 + 3 ^ h.power)) < 1e-9 AS by_hand,
	p.d = c.distribution AS as_consensus, p.d = p.backwards AS in_any_order
FROM heard AS h
JOIN (SELECT item, posterior(m, annotator, label) AS d, posterior(m, annotator, label ORDER BY annotator DESC, label DESC) AS backwards
	FROM heard_rows, voices GROUP BY item) AS p USING (item)
JOIN consensus((SELECT annotation_set(item, annotator, label) FROM heard_rows), (SELECT m FROM voices)) AS c USING (item)
ORDER BY item COLLATE "C";

-- Uncertain gold is not tempered: 3^(4/3) times 1 / 9
SELECT item, round(confidence::numeric, 6) AS confidence, label, abs(confidence - 1 / (1 + 3 ^ (4.0 / 3) / 9)) < 1e-9 AS by_hand
FROM consensus((SELECT annotation_set('i', a, 'x', 'y') FROM unnest('{a,c}'::text[]) AS a), (SELECT m FROM voices));

-- Papers' variants report what they say, unless a correlation is given
SELECT v, c, round(confidence::numeric, 4) AS confidence
FROM (VALUES ('majority', '0'), ('majority', '0.5'), ('auto', '0'), ('auto', '0.3'), ('auto', '"estimate"')) AS o(v, c),
	LATERAL (SELECT annotation_set('i' || i, 'a' || j, CASE WHEN (i + j) % 4 = 0 THEN 'y' ELSE 'x' END) AS s
		FROM generate_series(1, 8) AS i, generate_series(1, 3) AS j) AS s,
	consensus(s, dawid_skene(s, format('{"variant": "%s", "correlation": %s}', v, c)::jsonb)) AS r
WHERE item = 'i1' ORDER BY 1, 2;
SELECT dawid_skene('i', 'a', 'x', '{"variant": "full", "correlation": "estimate"}'::jsonb);
SELECT dawid_skene('i', 'a', 'x', '{"correlation": 1.5}'::jsonb);

-- Groups that are none
SELECT replace(m::text, '["a", "b"]', '["a", "d"]')::annotator_model FROM voices;
SELECT replace(m::text, '["a", "b"]', '["a", "b"], ["b", "c"]')::annotator_model FROM voices;
SELECT replace(m::text, '"of": "annotators"', '"of": "answers"')::annotator_model FROM voices;
SELECT replace(m::text, '"correlation": 0.5', '"correlation": 2')::annotator_model FROM voices;

-- Where no item has two voices or gold, nothing is known but what was answered
CREATE TEMP TABLE single AS
SELECT dawid_skene('i' || i, 'a' || i % 2, i % 3) AS m, annotation_set('i' || i, 'a' || i % 2, i % 3) AS s FROM generate_series(1, 4) AS i;
SELECT c.*, posterior(m, 'a1', 1) IS NULL AS posterior_too FROM single, consensus(s, m) AS c GROUP BY c.item, c.label, c.confidence, c.entropy, c.annotations, c.tied, c.distribution, m ORDER BY c.item;
SELECT annotator, annotations, accuracy, accuracy_low, spammer_score FROM single, annotators(m) ORDER BY 1;
