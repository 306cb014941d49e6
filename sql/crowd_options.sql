-- What is known before a fit: class shares, a label that is no class, silence, groups.

-- Models by hand: classes x and y, and "skip", which is an answer but no class.
-- Rates by truth, in the order of labels; a prior that was given is not tempered
CREATE FUNCTION pg_temp.model(classes text, groups text, correlation text, prior text DEFAULT '[0.8, 0.2, 0]') RETURNS annotator_model LANGUAGE sql AS $$
SELECT format('{"method": "by hand", "options": {}, "fit": {"items": 5, "annotations": 9, "gold_items": 0, "gold_weight": 1, "iterations": 0,
	"converged": true, "log_likelihood": 0, "stopped_by": "hand", "truths_given": true, "majority_disagreement": null, "warnings": []},
	"voices": {"of": "annotators", "groups": %2$s, "correlation": %3$s, "gold_items": 0, "teaching_items": 5}, "classes": %1$s,
	"labels": ["x", "y", "skip"], "annotators": ["a", "b", "c"], "components": [{"variant": "full", "weight": 1, "prior": %4$s,
		"pool": [[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0, 0, 1]],
		"confusion": [[[0.4, 0.1, 0.5], [0.1, 0.8, 0.1], [0, 0, 1]], [[0.5, 0.3, 0.2], [0.2, 0.4, 0.4], [0, 0, 1]], [[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0, 0, 1]]]}],
	"annotations": [4, 3, 2], "gold_annotations": [0, 0, 0], "notes": {},
	"counts": [[[2, 1, 1], [0, 0, 0], [0, 0, 0]], [[1, 0, 1], [0, 1, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 2], [0, 0, 0]]],
	"variances": [[[0, 0, 0], [0, 0, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 0], [0, 0, 0]]]}',
	classes, groups, correlation, prior)::annotator_model $$;

-- x of n weights
CREATE FUNCTION pg_temp.share(x float8, y float8) RETURNS numeric LANGUAGE sql AS $$ SELECT round((x / (x + y))::numeric, 9) $$;

CREATE TEMP TABLE answers (item text, annotator text, label text);
INSERT INTO answers VALUES ('1', 'a', 'x'), ('2', 'a', 'x'), ('2', 'b', 'y'), ('3', 'a', 'skip'), ('3', 'b', 'x'), ('4', 'a', 'skip'), ('4', 'b', 'skip'),
	('5', 'a', 'x'), ('5', 'a', 'skip'), ('5', 'c', 'y'), ('6', 'd', 'y');

-- Of two answers the likelihood has the power 1 / (1 + 0.5), and one that abstains is no voice
CREATE FUNCTION pg_temp.reported(m annotator_model) RETURNS TABLE (item text, label text, x numeric, tied boolean, same boolean) LANGUAGE sql AS $$
SELECT c.item, c.label, round(probability(c.distribution, 'x')::numeric, 9), c.tied, p.d = c.distribution
FROM consensus((SELECT annotation_set(item, annotator, label) FROM answers), m) AS c
JOIN (SELECT item, posterior(m, annotator, label) AS d FROM answers GROUP BY item) AS p USING (item) ORDER BY 1 $$;

SELECT r.*, w.x AS by_hand FROM pg_temp.reported(pg_temp.model('{"prior_known": true, "abstain": "skip", "silence": false}', '[]', '0.5')) AS r
JOIN (VALUES ('1', pg_temp.share(0.8 * 0.4, 0.2 * 0.1)),
	('2', pg_temp.share(0.8 * (0.4 * 0.3) ^ (2.0 / 3), 0.2 * (0.1 * 0.4) ^ (2.0 / 3))),
	('3', pg_temp.share(0.8 * 0.5 * 0.5, 0.2 * 0.1 * 0.2)),
	('4', pg_temp.share(0.8 * 0.5 * 0.2, 0.2 * 0.1 * 0.4)),
	('5', pg_temp.share(0.8 * (sqrt(0.4 * 0.5) * 0.05) ^ (2.0 / 3), 0.2 * (sqrt(0.1 * 0.1) * 0.9) ^ (2.0 / 3))),
	('6', pg_temp.share(0.8 * 0.25, 0.2 * 0.5))) AS w(item, x) USING (item) ORDER BY item;

-- A prior that was learned is tempered with the rest
SELECT r.item, r.x, r.same, w.x AS by_hand FROM pg_temp.reported(pg_temp.model('{"prior_known": false, "abstain": "skip", "silence": false}', '[]', '0.5')) AS r
JOIN (VALUES ('1', pg_temp.share(0.8 * 0.4, 0.2 * 0.1)),
	('2', pg_temp.share((0.8 * 0.4 * 0.3) ^ (2.0 / 3), (0.2 * 0.1 * 0.4) ^ (2.0 / 3)))) AS w(item, x) USING (item) ORDER BY item;

-- Who says nothing says "skip"; a stranger's silence is not heard
SELECT r.*, w.x AS by_hand FROM pg_temp.reported(pg_temp.model('{"prior_known": false, "abstain": "skip", "silence": true}', '[]', '0')) AS r
JOIN (VALUES ('1', pg_temp.share(0.8 * 0.4 * 0.2 * 0.05, 0.2 * 0.1 * 0.4 * 0.05)),
	('2', pg_temp.share(0.8 * 0.4 * 0.3 * 0.05, 0.2 * 0.1 * 0.4 * 0.05)),
	('4', pg_temp.share(0.8 * 0.5 * 0.2 * 0.05, 0.2 * 0.1 * 0.4 * 0.05)),
	('6', pg_temp.share(0.8 * 0.5 * 0.2 * 0.05 * 0.25, 0.2 * 0.1 * 0.4 * 0.05 * 0.5))) AS w(item, x) USING (item) ORDER BY item;

-- ... also of a set that has neither that label nor anybody who answers twice
WITH s AS (SELECT * FROM answers WHERE item IN ('1', '2')), m AS (SELECT pg_temp.model('{"prior_known": false, "abstain": "skip", "silence": true}', '[]', '0') AS m)
SELECT c.item, round(probability(c.distribution, 'x')::numeric, 9) AS x, p.d = c.distribution AS same, a.same_answers
FROM consensus((SELECT annotation_set(item, annotator, label) FROM s), (SELECT m FROM m)) AS c
JOIN (SELECT item, posterior((SELECT m FROM m), annotator, label) AS d FROM s GROUP BY item) AS p USING (item)
JOIN (SELECT a.item, bool_and(a.probability_without = b.probability_without AND a.probability = b.probability) AS same_answers
	FROM answers((SELECT annotation_set(item, annotator, label) FROM s), (SELECT m FROM m)) AS a
	JOIN answers((SELECT annotation_set(item, annotator, label) FROM answers), (SELECT m FROM m)) AS b USING (item, annotator, label) GROUP BY a.item) AS a USING (item) ORDER BY item;

-- In a group each counts half, whether it speaks or not
SELECT r.item, r.x, r.same, w.x AS by_hand FROM pg_temp.reported(pg_temp.model('{"prior_known": false, "abstain": "skip", "silence": true}', '[["a", "b"]]', '0')) AS r
JOIN (VALUES ('1', pg_temp.share(0.8 * sqrt(0.4 * 0.2) * 0.05, 0.2 * sqrt(0.1 * 0.4) * 0.05)),
	('2', pg_temp.share(0.8 * sqrt(0.4 * 0.3) * 0.05, 0.2 * sqrt(0.1 * 0.4) * 0.05)),
	('5', pg_temp.share(0.8 * sqrt(sqrt(0.4 * 0.5) * 0.2) * 0.05, 0.2 * sqrt(sqrt(0.1 * 0.1) * 0.4) * 0.9))) AS w(item, x) USING (item) ORDER BY item;

-- ... and without silence where both answer
SELECT r.item, r.x, r.same, w.x AS by_hand FROM pg_temp.reported(pg_temp.model('{"prior_known": false, "abstain": "skip", "silence": false}', '[["a", "b"]]', '0')) AS r
JOIN (VALUES ('1', pg_temp.share(0.8 * 0.4, 0.2 * 0.1)), ('2', pg_temp.share(0.8 * sqrt(0.4 * 0.3), 0.2 * sqrt(0.1 * 0.4)))) AS w(item, x) USING (item) ORDER BY item;

-- What is reported is about classes: of a's answers to x two are right and one is wrong
CREATE TEMP TABLE m AS SELECT pg_temp.model('{"prior_known": true, "abstain": "skip", "silence": true}', '[]', '0.5') AS m;
SELECT labels(m), class_prior(m), (fit_report(m)).classes FROM m;
SELECT annotator, annotations, confusion, round(spammer_score::numeric, 6) AS spammer FROM m, annotators(m);
SELECT annotator, truth, label, count FROM m, annotator_cells(m) WHERE annotator = 'a';
SELECT m = m::text::annotator_model, m::json -> 'classes' FROM m;

-- States travel with what an answer is worth in place of silence
WITH v(annotator, label) AS (VALUES ('a', 'x'), ('b', 'skip'), ('b', 'y'), ('d', 'y')), s AS (
	SELECT posterior_accum(posterior_accum(NULL::posterior_state, m, 'a', 'x'), m, 'b', 'skip') AS one,
		posterior_accum(posterior_accum(NULL::posterior_state, m, 'd', 'y'), m, 'b', 'y') AS other FROM m)
SELECT one::text::posterior_state = one AS same, posterior_final(posterior_combine(one::text::posterior_state, other::text::posterior_state)) =
	(SELECT posterior(m, annotator, label) FROM v, m) AS joined FROM s;

-- Models that cannot be
SELECT pg_temp.model('{"prior_known": true, "abstain": "skip", "silence": true}', '[]', '0', '[0.5, 0.2, 0.3]');
SELECT pg_temp.model('{"prior_known": true, "abstain": "z", "silence": true}', '[]', '0');
SELECT pg_temp.model('{"prior_known": true, "abstain": null, "silence": true}', '[]', '0');
SELECT pg_temp.model('{"prior_known": true}', '[]', '0');
SELECT replace(m::text, '"annotators", "groups"', '"answers", "groups"')::annotator_model FROM m;
SELECT replace(m::text, '[0.5, 0.4, 0.1]', '[0, 0.9, 0.1]')::annotator_model FROM m;

-- The gold items of 'a' are x: x, x, skip and y; the prior is what was said, from shares that
-- sum to 1 within a hundredth
CREATE TEMP TABLE gold_answers (item int, annotator text, label text, gold text);
INSERT INTO gold_answers VALUES (1, 'a', 'x', 'x'), (2, 'a', 'x', 'x'), (3, 'a', 'skip', 'x'), (4, 'a', 'y', 'x'), (5, 'a', 'y', 'y'), (6, 'a', 'skip', NULL), (7, 'a', 'x', NULL), (8, 'a', 'x', 'y');
CREATE TEMP TABLE g AS SELECT dawid_skene(item, annotator, label, gold,
	'{"learn_from": "gold", "variant": "full", "abstain": "skip", "prior": {"x": 0.25, "y": 0.755}}'::jsonb) AS m FROM gold_answers;
SELECT labels(m), class_prior(m), (fit_report(m)).classes, annotations, gold_annotations, confusion FROM g, annotators(m);
SELECT m::jsonb #> '{components,0,confusion,0,1}' AS rates_of_x, m::jsonb #> '{options,prior}' AS prior FROM g;
SELECT item, label, confidence IS NULL AS no_confidence, tied, annotations FROM consensus((SELECT annotation_set(item, annotator, label) FROM gold_answers), (SELECT m FROM g)) ORDER BY item;
-- 7: "x" is said of half of the items of either class, so the shares remain
SELECT probability(d, 'x')::numeric(6, 5) AS x, (0.25 / 1.005)::numeric(6, 5) AS by_hand
FROM (SELECT posterior(m, annotator, label) AS d FROM gold_answers, g WHERE item = 7) AS f;

-- The record of options is the same however shares are spelled
SELECT m = other AS same, m = m::text::annotator_model AS comes_back, m = collected AS same_of_rows, m::jsonb #> '{options,prior}' AS prior
FROM (SELECT dawid_skene(annotation_set(item, annotator, label), '{"abstain": "skip", "prior": {"x": 0.50, "y": 5e-1}}') AS m,
		dawid_skene(annotation_set(item, annotator, label), '{"abstain": "skip", "prior": {"x": 0.5, "y": 0.500}}') AS other,
		dawid_skene(item, annotator, label, '{"abstain": "skip", "prior": {"x": 0.5000, "y": 0.5}}'::jsonb) AS collected FROM gold_answers) AS f;

-- What a fit says of annotators (their right answers by what is reported) and of the vote is about what consensus()
-- reports: a known prior is not tempered, and who names no class is no voice
CREATE TEMP TABLE votes AS SELECT i AS item, j AS annotator, (ARRAY['x', 'y', 'skip'])[CASE WHEN (i * 7 + j * 3) % 5 = 0 THEN 3 WHEN (i * j + i / 3) % 4 = 0 THEN 1 ELSE 2 END] AS label
FROM generate_series(1, 30) AS i, generate_series(1, 6) AS j WHERE (i + j) % 3 > 0;
SELECT o AS options, pg_temp.share(said, 1) = pg_temp.share(right_answers, 1) AS right_answers,
	round(r.majority_disagreement::numeric, 6) AS disagreement, round(other / n::numeric, 6) AS by_consensus
FROM (VALUES ('{"abstain": "skip", "correlation": 0.8, "prior": {"x": 0.9, "y": 0.1}}'), ('{"abstain": "skip", "variant": "full", "smoothing": 2, "correlation": 0.8}'),
		('{"abstain": "skip", "variant": "full", "smoothing": 2, "correlation": 0.8, "prior": {"x": 0.9, "y": 0.1}}')) AS v(o),
	LATERAL (SELECT annotation_set(item, annotator, label) AS s, dawid_skene(annotation_set(item, annotator, label), o) AS m FROM votes) AS f,
	LATERAL fit_report(m) AS r,
	LATERAL (SELECT sum(e::float8) AS said FROM jsonb_array_elements_text(m::jsonb -> 'reported_right') AS e) AS e,
	LATERAL (SELECT sum(probability(c.distribution, a.label)) AS right_answers FROM consensus(s, m) AS c JOIN votes AS a ON a.item::text = c.item WHERE a.label <> 'skip') AS c,
	LATERAL (SELECT count(*) AS n, count(*) FILTER (WHERE CASE c.label WHEN 'x' THEN x < y ELSE y < x END) AS other FROM consensus(s, m) AS c
		JOIN (SELECT item::text, count(*) FILTER (WHERE label = 'x') AS x, count(*) FILTER (WHERE label = 'y') AS y FROM votes GROUP BY item) AS t USING (item) WHERE x + y > 0) AS d
ORDER BY o COLLATE "C";

-- Classes that are numbers are ordered as numbers, whatever the label that is none
SELECT class_prior(m), labels(m) FROM (SELECT dawid_skene(i, j, CASE WHEN i + j = 12 THEN 'none' ELSE (i % 11)::text END, '{"abstain": "none"}'::jsonb) AS m
	FROM generate_series(9, 11) AS i, generate_series(1, 3) AS j) AS f;

-- A name that is a number or a boolean, as ::text spells it
SELECT (fit_report(m)).groups, (fit_report(m)).classes, labels(m) FROM (SELECT dawid_skene(i, j, CASE WHEN i = j THEN -1 ELSE i % 2 END, '{"abstain": -1, "groups": [[1, 2], [3]]}'::jsonb) AS m
	FROM generate_series(1, 9) AS i, generate_series(1, 4) AS j) AS f;
SELECT (fit_report(m)).groups FROM (SELECT dawid_skene(i, j > 2, i % 2, '{"groups": {"true": 1, "false": 1}}'::jsonb) AS m
	FROM generate_series(1, 9) AS i, generate_series(1, 4) AS j) AS f;
-- all are one: there is one voice, and nothing to compare it with
SELECT (fit_report(m)).warnings, class_prior(m) FROM (SELECT dawid_skene(i, j, i % 2, '{"groups": [[1, 2]]}'::jsonb) AS m
	FROM generate_series(1, 9) AS i, generate_series(1, 2) AS j) AS f;
-- who gave no answer here is no part of it, and a group of one is none
SELECT (fit_report(m)).groups FROM (SELECT dawid_skene(i, j, i % 2, '{"groups": [[1, 77], [], [88, 99], [2, 2]]}'::jsonb) AS m
	FROM generate_series(1, 9) AS i, generate_series(1, 4) AS j) AS f;
-- nobody named a class
SELECT dawid_skene(i, j, 'skip'::text, '{"abstain": "skip"}'::jsonb) IS NULL AS nothing FROM generate_series(1, 9) AS i, generate_series(1, 4) AS j;
SELECT item, label, distribution FROM (SELECT annotation_set(i, j, 'skip'::text) AS s, dawid_skene(annotation_set(i, j, 'skip'::text), '{"abstain": "skip", "prior": {"x": 0.5, "y": 0.5}}') AS m
	FROM generate_series(1, 2) AS i, generate_series(1, 4) AS j) AS f, consensus(s, m);

-- Errors
\set fit 'SELECT dawid_skene(item, annotator, label, gold, '
\set rows '::jsonb) FROM gold_answers;'
:fit '{"prior": {"x": 0.9, "y": 0.2}}' :rows
:fit '{"prior": {"x": 0.9, "y": 0.1}}' :rows
:fit '{"prior": {"x": 1, "y": 0, "skip": 0}}' :rows
:fit '{"prior": {"x": "half", "y": 0.5}}' :rows
:fit '{"prior": [0.5, 0.5]}' :rows
:fit '{"prior": {"x": 0.5, "y": 0.4, "skip": 0.1}, "abstain": "skip"}' :rows
:fit '{"abstain": "x"}' :rows
:fit '{"abstain": ["x"]}' :rows
:fit '{"abstain": null}' :rows
:fit '{"abstain": "skip", "variant": "majority"}' :rows
:fit '{"abstain": "skip", "restarts": 2}' :rows
:fit '{"abstain": "skip", "toward": "accuracy"}' :rows
:fit '{"silence": "loud"}' :rows
:fit '{"silence": "informative", "variant": "full"}' :rows
:fit '{"silence": "informative", "learn_from": "gold"}' :rows
:fit '{"groups": [["a", "b"], ["c", "b"]]}' :rows
:fit '{"groups": ["a", "b"]}' :rows
:fit '{"groups": [[["a", "b"]]]}' :rows
:fit '{"groups": {"a": ["b"]}}' :rows
:fit '{"groups": "a"}' :rows
:fit '{"groups": [["a", null]]}' :rows
:fit '{"groups": [["a", "b"]], "variant": "one_coin"}' :rows
:fit '{"groups": [["a", "b"]], "learn_from": "gold"}' :rows
-- gold that the model says is no class
SELECT count(*) FROM m, consensus((SELECT annotation_set('1'::text, 'a'::text, 'x'::text, 'skip'::text)), m);
