-- answers(): how likely each answer is right, with and without its own voice; priors
-- of items in posterior() and revise().

CREATE FUNCTION pg_temp.r(float8) RETURNS numeric LANGUAGE sql AS 'SELECT round($1::numeric, 4)';

-- a is right about x 8 of 10 times, about y 3 of 4; b 3 of 4 and 2 of 5; who is not known,
-- 3 of 4 and even, which is the pool
CREATE TEMP TABLE model AS
SELECT m, replace(m::text, '"correlation": 0,', '"correlation": 0.5,')::annotator_model AS m5,
       replace(m::text, '"gold_weight": 1,', '"gold_weight": 0.75,')::annotator_model AS m_gold
FROM (SELECT '{"method": "by hand", "options": {}, "fit": {"items": 1, "annotations": 1, "gold_items": 0, "gold_weight": 1, "iterations": 0,
         "converged": true, "log_likelihood": 0, "stopped_by": "hand", "truths_given": true, "majority_disagreement": null, "warnings": []}, "voices": {"of": "answers", "groups": [], "correlation": 0, "gold_items": 0, "teaching_items": 1}, "labels": ["x", "y"], "annotators": ["a", "b"],
         "components": [{"variant": "full", "weight": 1, "prior": [0.5, 0.5], "pool": [[0.75, 0.25], [0.5, 0.5]],
                         "confusion": [[[0.8, 0.2], [0.25, 0.75]], [[0.75, 0.25], [0.6, 0.4]]]}],
         "annotations": [0, 0], "gold_annotations": [0, 0], "notes": {}, "counts": [[[0, 0], [0, 0]], [[0, 0], [0, 0]]], "variances": [[[0, 0], [0, 0]], [[0, 0], [0, 0]]]}'::annotator_model AS m) AS v;
CREATE TEMP TABLE annotations (item int, annotator text, label text, gold text);
INSERT INTO annotations VALUES
	(1, 'a', 'x', NULL), (1, 'b', 'x', NULL),		-- .8 * .75 : .25 * .6 = 4 : 1
	(2, 'a', 'x', NULL), (2, 'b', 'y', NULL),		-- .8 * .25 : .25 * .4 = 2 : 1
	(3, 'a', 'y', NULL),							-- .2 : .75
	(4, 'a', 'x', 'y'), (4, 'b', 'y', NULL),
	(5, 'c', 'x', NULL), (5, 'c', 'x', NULL), (5, 'a', 'y', NULL),	-- a stranger says so twice: .75^2 * .2 : .5^2 * .75 = 3 : 5
	(6, 'a', 'x', NULL), (6, 'a', 'y', NULL), (6, 'b', 'y', NULL);	-- a contradicts himself: .8 * .2 * .25 : .25 * .75 * .4 = 8 : 15
CREATE TEMP TABLE s AS SELECT annotation_set(item, annotator, label, gold) AS s FROM annotations;

-- without: item 1 .75 : .6 and .8 : .25; 2 .25 : .4 and .8 : .25; 3 the prior; 5 .2 : .75
-- and .5625 : .25; 6 .25 : .4 and .16 : .1875
SELECT item, annotator, label, count, gold, pg_temp.r(probability) AS probability, pg_temp.r(probability_without) AS without
FROM model, s, answers(s, m);
-- two answers are worth 4/3 of one, three 3/2
SELECT item, annotator, label, pg_temp.r(probability) AS probability, pg_temp.r(probability_without) AS without,
       pg_temp.r(CASE item WHEN '1' THEN 1 / (1 + 4 ^ (-2 / 3.0)) ELSE 1 / (1 + (8 / 15.0) ^ (1 / 2.0)) END::float8) AS by_hand
FROM model, s, answers(s, m5) WHERE (item = '1' AND annotator = 'a') OR (item = '6' AND annotator = 'b');
-- gold that is right 3 of 4 times
SELECT annotator, label, gold, pg_temp.r(probability) AS probability, pg_temp.r(probability_without) AS without
FROM model, s, answers(s, m_gold) WHERE item = '4';

-- voices: the answers of an annotator are one, and those of a group; shares of .5 each.
-- item 6, a alone: (.8 * .2)^.5 : (.25 * .75)^.5; a and b one voice:
-- (.8 * .2)^.25 * .25^.5 : (.25 * .75)^.25 * .4^.5
SELECT of, annotator, label, pg_temp.r(probability) AS probability, pg_temp.r(probability_without) AS without
FROM s, (SELECT 'annotators' AS of, replace(m::text, '"of": "answers"', '"of": "annotators"')::annotator_model AS m FROM model
         UNION ALL SELECT 'groups', replace(m::text, '"of": "answers", "groups": []', '"of": "annotators", "groups": [["a", "b"]]')::annotator_model FROM model) AS v, answers(s, m)
WHERE item = '6' ORDER BY of, annotator, label;

-- no model, one that is NULL, no set; a model that knows nothing; a label that it does not know
SELECT count(*), count(gold), count(probability), count(probability_without) FROM s, answers(s);
SELECT count(*), count(probability) FROM s, answers(s, NULL);
SELECT count(*) FROM model, answers(NULL, m);
SELECT count(*) FROM answers(NULL);
SELECT annotator, probability, probability_without
FROM (SELECT annotation_set('i' || i, 'a', 'x') AS s FROM generate_series(1, 2) AS i) AS v, answers(s, dawid_skene(s));
SELECT count(*) FROM model, answers((SELECT annotation_set(1, 'a', 'z')), m);

-- one number: consensus() has the same
SELECT bool_and(a.probability = probability(c.distribution, a.label)) AS same, count(*)
FROM model, s, answers(s, m5) AS a JOIN LATERAL (SELECT * FROM consensus(s, m5)) AS c USING (item);

-- posterior() with a prior of the item: it is not tempered, answers are
CREATE TEMP TABLE priors AS
SELECT item, label_distribution('{x,y}', ARRAY[item / 8.0, 1 - item / 8.0]) AS prior FROM generate_series(1, 6) AS item;
SELECT item, pg_temp.r(probability(posterior(m, annotator, label, prior), 'x')) AS x, pg_temp.r(probability(posterior(m5, annotator, label, prior), 'x')) AS tempered
FROM annotations JOIN priors USING (item), model WHERE item IN (1, 3, 6) GROUP BY item ORDER BY item;
-- 1 : 7 and 4 : 1; 3 : 5 and .2 : .75; 6 : 2 and 8 : 15
SELECT pg_temp.r(4 / 11.0::float8) AS "1", pg_temp.r(0.6 / 4.35) AS "3", pg_temp.r(48 / 78.0::float8) AS "6",
       pg_temp.r((4 ^ (2 / 3.0) / (7 + 4 ^ (2 / 3.0)))::float8) AS "1 tempered", pg_temp.r((3 / (3 + (15 / 8.0) ^ 0.5))::float8) AS "6 tempered";
-- NULL: the class prior, tempered, as without the argument
SELECT bool_and(posterior = without) AS same, count(*)
FROM (SELECT posterior(m5, annotator, label, NULL) AS posterior, posterior(m5, annotator, label) AS without FROM annotations, model GROUP BY item) AS v;
-- a class without a share, one that the model lacks; what is no prior of the item
SELECT posterior(m, annotator, label, '{"y": 1}'), posterior(m, annotator, label, '{"x": 0.5, "y": 0.5, "z": 0}') FROM annotations, model WHERE item = 1;
SELECT posterior(m, annotator, label, '{"x": 0.5, "z": 0.5}') FROM annotations, model WHERE item = 1;
SELECT posterior(m, annotator, label, prior) FROM annotations JOIN priors USING (item), model;
SELECT posterior(m, annotator, label, CASE WHEN annotator = 'a' THEN prior END) FROM annotations JOIN priors USING (item), model WHERE item = 1;
SELECT posterior(m, annotator, label, '{"x": 1}') IS NULL AS no_rows FROM annotations, model WHERE false;
-- any types
SELECT pg_temp.r(probability(posterior(m, annotator::name, label::varchar, prior), 'x')) AS x FROM annotations JOIN priors USING (item), model WHERE item = 1;

-- revise(): one answer more; two in turn are taken for independent
SELECT pg_temp.r(probability(revise('{"x": 0.2, "y": 0.8}', m, 'a', 'x'), 'x')) AS one,			-- .16 : .2
       pg_temp.r(probability(revise('{"x": 0.2, "y": 0.8}', m5, 'a', 'x'), 'x')) AS the_same,
       pg_temp.r(probability(revise(revise('{"x": 0.2, "y": 0.8}', m5, 'a', 'x'), m5, 'b', 'x'), 'x')) AS chained,	-- 1 : 4 and 4 : 1
       pg_temp.r(probability(revise('{"x": 0.2, "y": 0.8}', m, 'c', 'x'), 'x')) AS stranger			-- .15 : .4
FROM model;
SELECT pg_temp.r(probability(posterior(m5, annotator, label, '{"x": 0.2, "y": 0.8}'), 'x')) AS not_chained, pg_temp.r((4 ^ (2 / 3.0) / (4 + 4 ^ (2 / 3.0)))::float8) AS by_hand
FROM annotations, model WHERE item = 1;
SELECT bool_and(posterior = revised) AS same, count(*)
FROM (SELECT posterior(m5, annotator, label, prior) AS posterior, min(revise(prior, m5, annotator, label)::text)::label_distribution AS revised
      FROM annotations JOIN priors USING (item), model GROUP BY item, annotator, label HAVING count(*) = 1) AS v;
SELECT revise(class_prior(m), m, 'a'::name, 'x'::varchar) = revise(class_prior(m), m, 'a', 'x') AS any_type FROM model;
SELECT revise(NULL, m, 'a', 'x') IS NULL AS no_prior, revise(class_prior(m), m, NULL, 'x') IS NULL AS nobody FROM model;
SELECT revise('{"x": 1}', m, 'a', 'z') FROM model;
SELECT revise('{"z": 1}', m, 'a', 'x') FROM model;
