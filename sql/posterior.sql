-- posterior(): the aggregate that scores one item, wherever its rows are.

CREATE FUNCTION pg_temp.r(float8) RETURNS numeric LANGUAGE sql AS 'SELECT round($1::numeric, 4)';

-- a is right 3 of 4 times, b always says x
CREATE TEMP TABLE model AS
SELECT '{"method": "by hand", "options": {}, "fit": {"items": 0, "annotations": 0, "gold_items": 0, "gold_weight": 1, "iterations": 0,
         "converged": true, "log_likelihood": 0, "warnings": []}, "labels": ["x", "y"], "annotators": ["a", "b"],
         "components": [{"variant": "full", "weight": 1, "prior": [0.5, 0.5], "pool": [[0.75, 0.25], [0.5, 0.5]],
                         "confusion": [[[0.75, 0.25], [0.25, 0.75]], [[1, 0], [1, 0]]]}],
         "annotations": [0, 0], "counts": [[[0, 0], [0, 0]], [[0, 0], [0, 0]]], "variances": [[[0, 0], [0, 0]], [[0, 0], [0, 0]]]}'::annotator_model AS m;

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
