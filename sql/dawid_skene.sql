-- dawid_skene(), fit_report(), annotators(), class_prior(), consensus().

CREATE FUNCTION pg_temp.r(float8) RETURNS numeric LANGUAGE sql AS 'SELECT round($1::numeric, 3)';

-- Six items, three annotators who are right but for c's taste for "no"
CREATE TEMP TABLE votes (item text, annotator text, label text, gold text);
INSERT INTO votes
SELECT 'i' || i, annotator, label, NULL
FROM (VALUES (1, 'yes', 'yes', 'yes'), (2, 'yes', 'yes', 'no'), (3, 'no', 'no', 'no'),
             (4, 'yes', 'yes', 'no'), (5, 'no', 'no', 'no'), (6, 'no', 'no', 'no')) AS v(i, a, b, c),
     LATERAL (VALUES ('a', a), ('b', b), ('c', c)) AS w(annotator, label);
CREATE TEMP TABLE model AS
SELECT annotation_set(item, annotator, label) AS s, dawid_skene(item, annotator, label, '{"variant": "full"}'::jsonb) AS m,
       dawid_skene(item, annotator, label) AS by_default
FROM votes;

-- a and b are never wrong; c says "no" to two of three "yes"
SELECT method, items, annotators, annotations, classes, gold_items, converged, pg_temp.r(log_likelihood) AS log_likelihood, warnings
FROM model, fit_report(m);
SELECT annotator, annotations AS n, pg_temp.r(accuracy) AS accuracy, pg_temp.r(accuracy_low) AS low,
       pg_temp.r(accuracy_high) AS high, pg_temp.r(information) AS bits, worst_truth, worst_label,
       pg_temp.r(worst_rate) AS rate, pg_temp.r(spammer_score) AS spammer
FROM model, annotators(m);
SELECT pg_temp.r(accuracy_low) AS low, pg_temp.r(accuracy_high) AS high FROM model, annotators(m, level => 0.5);
SELECT truth, label, pg_temp.r(count) AS count, pg_temp.r(rate) AS rate
FROM model, annotators(m), cells(confusion) WHERE annotator = 'c';
SELECT labels(m), pg_temp.r(probability(class_prior(m), 'yes')) AS yes FROM model;
SELECT item, label, pg_temp.r(confidence) AS confidence, pg_temp.r(entropy) AS entropy, annotations, tied,
       pg_temp.r(probability(distribution, 'no')) AS no
FROM model, consensus(s, m);

-- Function and aggregate, text and other types: the same model to the bit
SELECT by_default::text = dawid_skene(s)::text AS function, by_default::text = dawid_skene(s, '{}')::text AS options,
       by_default::text = (SELECT dawid_skene(item::name, annotator::"char", label::varchar) FROM votes)::text AS other_types,
       by_default::text = (SELECT dawid_skene(item, annotator, label, gold) FROM votes)::text AS no_gold,
       by_default::text = (SELECT dawid_skene(item, annotator, label ORDER BY md5(item || annotator)) FROM votes)::text AS shuffled
FROM model;
CREATE TYPE pg_temp.answer AS ENUM ('no', 'yes');
SELECT dawid_skene(item, annotator, label::answer, gold::answer)::text = (SELECT by_default::text FROM model) AS enum FROM votes;
SELECT labels(dawid_skene(substr(item, 2)::int, ascii(annotator), label = 'yes')) AS bool FROM votes;

-- No rows: NULL
SELECT dawid_skene(item, annotator, label) IS NULL AS empty FROM votes WHERE false;
SELECT dawid_skene(NULL::annotation_set) IS NULL AS "null";

-- The smallest sets
SELECT converged, pg_temp.r(log_likelihood) AS log_likelihood, warnings FROM fit_report((SELECT dawid_skene('i', 'a', 'x')));
SELECT annotator, annotations, accuracy, information, worst_label, spammer_score
FROM annotators((SELECT dawid_skene('i', 'a', 'x')));
SELECT item, label, confidence, entropy, tied, distribution
FROM consensus((SELECT annotation_set('i', 'a', 'x')), (SELECT dawid_skene('i', 'a', 'x')));

-- One annotation for each item: said so
SELECT warnings FROM fit_report((SELECT dawid_skene(i, 'a' || i, l) FROM (VALUES ('1', 'x'), ('2', 'y'), ('3', 'x')) AS v(i, l)));
-- repeats of one annotator are no overlap
SELECT warnings FROM fit_report((SELECT dawid_skene('i', 'a', l) FROM (VALUES ('x'), ('y'), ('x')) AS v(l)));
-- stopped early
SELECT iterations, converged, warnings
FROM fit_report((SELECT dawid_skene(item, annotator, label, '{"max_iterations": 1}'::jsonb) FROM votes));

-- Ties go to the first label and are flagged
SELECT item, label, confidence, entropy, tied, distribution
FROM consensus((SELECT annotation_set('i', a, l) FROM (VALUES ('a', 'x'), ('b', 'y')) AS v(a, l)),
               (SELECT dawid_skene('i', a, l, '{"smoothing": 1, "toward": "uniform"}'::jsonb)
                FROM (VALUES ('a', 'x'), ('b', 'y')) AS v(a, l)));

-- Repeats: every row a vote, or equal rows one vote.  a says x three times.
CREATE TEMP TABLE repeats AS
SELECT item, annotator, label
FROM (VALUES ('i1', 'a', 'x'), ('i1', 'a', 'x'), ('i1', 'a', 'x'), ('i1', 'b', 'y'), ('i1', 'c', 'y'),
             ('i2', 'a', 'x'), ('i2', 'a', 'y'), ('i2', 'b', 'y'), ('i2', 'c', 'x')) AS v(item, annotator, label);
SELECT annotations, pg_temp.r(log_likelihood) AS log_likelihood
FROM fit_report((SELECT dawid_skene(item, annotator, label) FROM repeats));
SELECT annotations, pg_temp.r(log_likelihood) AS log_likelihood
FROM fit_report((SELECT dawid_skene(item, annotator, label, '{"repeats": "distinct"}'::jsonb) FROM repeats));
SELECT (SELECT dawid_skene(item, annotator, label, '{"repeats": "distinct"}'::jsonb) FROM repeats)::jsonb - 'options'
       = (SELECT dawid_skene(item, annotator, label) FROM (SELECT DISTINCT * FROM repeats) AS v)::jsonb - 'options' AS as_distinct_rows;
SELECT annotator, annotations FROM annotators((SELECT dawid_skene(annotation_set(item, annotator, label), '{"repeats": "distinct"}') FROM repeats));

-- Gold: its items keep their class.  All three are wrong about i1.
UPDATE votes SET gold = 'no' WHERE item = 'i1';
SELECT gold_items, annotations FROM fit_report((SELECT dawid_skene(item, annotator, label, gold, '{"variant": "full", "tolerance": 1e-15, "max_iterations": 100000}'::jsonb) FROM votes));
SELECT item, label, pg_temp.r(confidence) AS confidence, tied
FROM consensus((SELECT annotation_set(item, annotator, label, gold) FROM votes),
               (SELECT dawid_skene(item, annotator, label, gold, '{"variant": "full", "tolerance": 1e-15, "max_iterations": 100000}'::jsonb) FROM votes))
WHERE item IN ('i1', 'i2') ORDER BY item;
SELECT annotator, pg_temp.r((counts(confusion))[1][2]) AS said_yes_to_no
FROM annotators((SELECT dawid_skene(item, annotator, label, gold, '{"variant": "full", "tolerance": 1e-15, "max_iterations": 100000}'::jsonb) FROM votes));
-- a class that only gold has
SELECT labels(dawid_skene(item, annotator, label, CASE item WHEN 'i1' THEN 'never said' END)) FROM votes;
SELECT item, label, confidence FROM (
	SELECT annotation_set(item, annotator, label, CASE item WHEN 'i1' THEN 'never said' END) AS s,
	       dawid_skene(item, annotator, label, CASE item WHEN 'i1' THEN 'never said' END) AS m FROM votes) AS v, consensus(s, m)
WHERE item = 'i1';

-- The options are kept in the model
SELECT dawid_skene(s)::jsonb -> 'options' FROM model;
SELECT dawid_skene(s, '{"smoothing": 2, "toward": "diagonal", "repeats": "distinct", "max_iterations": 7, "tolerance": 0.01, "variant": "full"}')::jsonb -> 'options'
FROM model;
-- smoothing moves c's rates toward those of all: pool, mostly right, even
SELECT o, pg_temp.r((smoothed::jsonb #>> '{components,0,confusion,2,1,1}')::float8) AS c_says_yes_to_yes
FROM model, (VALUES (1, '{"variant": "full"}'::jsonb), (2, '{"smoothing": 1}'), (3, '{"smoothing": 1, "toward": "diagonal"}'),
                    (4, '{"smoothing": 1, "toward": "uniform"}')) AS v(i, o),
     LATERAL (SELECT dawid_skene(s, o)) AS f(smoothed)
ORDER BY i;

-- estimated: three answers in a row do not make an annotator unlike the others
SELECT method FROM model, LATERAL (VALUES ('full'), ('class'), ('one_coin')) AS v(variant),
     LATERAL fit_report(dawid_skene(s, jsonb_build_object('variant', variant, 'smoothing', 'estimate')));
-- where no passes are left for it, a fit that went well does not count
SELECT n, method, iterations, converged
FROM generate_series(3, 5) AS n,
     LATERAL (SELECT dawid_skene('i' || i, j, i % 2, jsonb_build_object('variant', 'full', 'smoothing', 'estimate', 'max_iterations', n))
              FROM generate_series(1, 20) AS i, generate_series(1, 4) AS j) AS f(fitted),
     LATERAL fit_report(fitted);

-- Variants
SELECT v, pg_temp.r(accuracy) AS accuracy, converged
FROM model, unnest(ARRAY['full', 'class', 'one_coin', 'shared', 'majority', 'auto']) WITH ORDINALITY AS n(v, i),
     LATERAL (SELECT dawid_skene(s, jsonb_build_object('variant', v))) AS f(fitted),
     LATERAL fit_report(fitted) AS r, LATERAL annotators(fitted) AS a(annotator, annotations, accuracy)
WHERE a.annotator = 'a'
ORDER BY i;

-- Items that the fit has not seen.  The stranger counts as the average annotator,
-- who says "no" to 2 of 9 "yes", and "no" to each "no"; c says it to 2 of 3.
SELECT item, label, pg_temp.r(confidence) AS confidence, annotations
FROM model, consensus((SELECT annotation_set(i, a, l)
                       FROM (VALUES ('new 1', 'a', 'yes'), ('new 1', 'c', 'no'), ('new 2', 'stranger', 'no'), ('new 3', 'c', 'no'),
                                    ('new 4', 'stranger', 'no'), ('new 4', 'c', 'no')) AS v(i, a, l)), m);

-- A refit that begins with a model: the same answer in fewer steps
CREATE TEMP TABLE refit AS
SELECT dawid_skene(s, '{"tolerance": 1e-12, "max_iterations": 10000}') AS cold,
       dawid_skene(s, '{"tolerance": 1e-12, "max_iterations": 10000}',
                   dawid_skene(s, '{"tolerance": 1e-12, "max_iterations": 10000}')) AS warm
FROM model;
SELECT w.method, w.iterations < c.iterations AS fewer, pg_temp.r(w.log_likelihood - c.log_likelihood) AS difference
FROM refit, fit_report(cold) AS c, fit_report(warm) AS w;
-- annotators and labels that the start has not seen
SELECT item, label, tied
FROM refit, LATERAL (SELECT annotation_set(i, a, l)
                     FROM (VALUES ('x', 'a', 'yes'), ('x', 'new', 'yes'), ('y', 'new', 'maybe'), ('y', 'b', 'maybe'), ('z', 'c', 'no'), ('z', 'new', 'no')) AS v(i, a, l)) AS more(answers),
     consensus(answers, dawid_skene(answers, start => cold))
ORDER BY item;
-- NULL is no start; options and start in every spelling
SELECT call, (fit_report(fitted)).method, fitted::text = dawid_skene(s)::text AS unstarted
FROM model, refit, LATERAL (VALUES
	('jsonb, NULL', dawid_skene(s, '{}'::jsonb, NULL)),
	('text, NULL', dawid_skene(s, '{}'::text, NULL)),
	('NULL, NULL', dawid_skene(s, NULL, NULL)),
	('literal, model', dawid_skene(s, '{}', cold)),
	('NULL, model', dawid_skene(s, NULL, cold)),
	('jsonb, model', dawid_skene(s, '{}'::jsonb, cold)),
	('text, model', dawid_skene(s, '{}'::text, cold)),
	('start => model', dawid_skene(s, start => cold)),
	('literal, literal', dawid_skene(s, '{}', '{"method": "by hand", "options": {}, "fit": {"items": 0, "annotations": 0, "gold_items": 0, "gold_weight": 1, "iterations": 0, "converged": true, "log_likelihood": 0, "stopped_by": "hand", "truths_given": false, "majority_disagreement": null, "warnings": []},
		"voices": {"of": "answers", "groups": [], "correlation": 0, "gold_items": 0, "teaching_items": 0}, "labels": ["no", "yes"], "annotators": [], "components": [{"variant": "full", "weight": 1, "prior": [0.5, 0.5], "pool": [[0.8, 0.2], [0.2, 0.8]], "confusion": []}], "annotations": [], "gold_annotations": [], "notes": {}, "counts": [], "variances": []}')))
	AS c(call, fitted);
SELECT dawid_skene(NULL::annotation_set, '{}', cold) IS NULL AS no_set FROM refit;

-- Gold that may be wrong is one more answer, of accuracy gold_weight: one vote of
-- a at 3/4 for x against gold y at 0.9 is 3 : 1 against 1 : 9
SELECT w, pg_temp.r(probability(distribution, 'x')) AS x
FROM (VALUES (1.0), (0.9), (0.5)) AS v(w),
     consensus((SELECT annotation_set('i', 'a', 'x', 'y')),
               ('{"method": "by hand", "options": {}, "fit": {"items": 0, "annotations": 0, "gold_items": 0, "gold_weight": ' || w ||
                ', "iterations": 0, "converged": true, "log_likelihood": 0, "stopped_by": "hand", "truths_given": true, "majority_disagreement": null, "warnings": []}, "voices": {"of": "answers", "groups": [], "correlation": 0, "gold_items": 0, "teaching_items": 0}, "labels": ["x", "y"], "annotators": ["a"],
                "components": [{"variant": "full", "weight": 1, "prior": [0.5, 0.5], "pool": [[0.5, 0.5], [0.5, 0.5]],
                "confusion": [[[0.75, 0.25], [0.25, 0.75]]]}], "annotations": [0], "gold_annotations": [0], "notes": {}, "counts": [[[0, 0], [0, 0]]], "variances": [[[0, 0], [0, 0]]]}')::annotator_model)
ORDER BY w DESC;
-- with gold for every item the fit is the closed form: counts, smoothed
SELECT annotator, confusion
FROM annotators((SELECT dawid_skene(i, a, l, g)
                 FROM (VALUES ('1', 'a', 'x', 'x'), ('2', 'a', 'x', 'x'), ('3', 'a', 'y', 'x'), ('4', 'a', 'y', 'y'), ('4', 'b', 'x', 'y'), ('1', 'b', 'x', 'x')) AS v(i, a, l, g)));

-- Most agree on the wrong answer: 60 items, on every third (a trap) five of seven
-- say "no" to a true "yes"; the two who know are right there and err elsewhere
CREATE TEMP TABLE trap AS
SELECT i AS item, a AS annotator, i <= 12 AS has_gold, i % 3 = 0 AS is_trap, CASE WHEN i % 3 = 0 OR i % 2 = 0 THEN 'yes' ELSE 'no' END AS truth,
       CASE WHEN i % 3 = 0 THEN CASE WHEN a <= 5 THEN 'no' ELSE 'yes' END
            WHEN (i * 7 + a * 3) % 10 = 0 THEN CASE WHEN i % 2 = 0 THEN 'no' ELSE 'yes' END
            ELSE CASE WHEN i % 2 = 0 THEN 'yes' ELSE 'no' END END AS label
FROM generate_series(1, 60) AS i, generate_series(1, 7) AS a;
SELECT o.name, count(*) FILTER (WHERE t.is_trap AND c.label = t.truth) AS traps_right,
       count(*) FILTER (WHERE t.is_trap) AS traps,
       count(*) FILTER (WHERE NOT t.is_trap AND c.label = t.truth) AS others_right, count(*) FILTER (WHERE NOT t.is_trap) AS others
FROM (VALUES (1, 'no gold', false, '{}'::jsonb), (2, 'gold', true, '{}'), (3, 'gold only', true, '{"learn_from": "gold", "smoothing": 1}')) AS o(i, name, gold, options),
     LATERAL (SELECT dawid_skene(item, annotator, label, CASE WHEN o.gold AND has_gold THEN truth END, o.options) AS m FROM trap) AS f,
     LATERAL consensus((SELECT annotation_set(item::text, annotator::text, label) FROM trap), m) AS c
     JOIN (SELECT DISTINCT item::text, is_trap, truth FROM trap WHERE NOT has_gold) AS t ON t.item = c.item
GROUP BY o.i, o.name ORDER BY o.i;
SELECT dawid_skene(item, annotator, label, '{"learn_from": "gold"}'::jsonb) FROM trap;
-- gold for some classes only: the prior is that of all votes, so the third class lives
SELECT class_prior(m)::text AS class_prior, count(*) FILTER (WHERE c.label = t.label) AS right_of_c, count(*) AS c
FROM (SELECT i::text AS item, (ARRAY['a', 'b', 'c'])[1 + i % 3] AS label FROM generate_series(1, 30) AS i) AS t,
     LATERAL (SELECT dawid_skene(v.item, who, v.label, CASE WHEN v.label <> 'c' AND length(v.item) = 1 THEN v.label END, '{"learn_from": "gold"}'::jsonb) AS m,
                     annotation_set(v.item, who, v.label) AS s
              FROM (SELECT i::text AS item, (ARRAY['a', 'b', 'c'])[1 + i % 3] AS label FROM generate_series(1, 30) AS i) AS v,
                   (VALUES ('x'), ('y')) AS w(who)) AS f,
     LATERAL consensus(s, m) AS c
WHERE c.item = t.item AND t.label = 'c'
GROUP BY 1;

-- Copies are one voice, unless they are not looked for
CREATE TEMP TABLE copied AS
SELECT 'i' || i AS item, 'a' || j AS annotator, chr(97 + (CASE WHEN hashint4(i * 100 + j) & 7 < 6 THEN i ELSE hashint4(j * 31 + i) & 3 END) % 3) AS label
FROM generate_series(1, 300) AS i, generate_series(1, 5) AS j;
INSERT INTO copied SELECT item, annotator || ' again', label FROM copied WHERE annotator = 'a1';
INSERT INTO copied VALUES ('alone', 'a1', 'a');
SELECT copies, correlation, groups, items, items_teaching, stopped_by, cardinality(warnings) AS warnings
FROM (VALUES ('{}'), ('{"copies": "off"}'), ('{"variant": "full"}')) AS o(copies),
	LATERAL (SELECT dawid_skene(annotation_set(item, annotator, label), copies::jsonb) AS m FROM copied) AS f, fit_report(m)
ORDER BY copies COLLATE "C";
SELECT correlation, items_teaching, stopped_by
FROM fit_report((SELECT dawid_skene(item, annotator, label, CASE WHEN item = 'i1' THEN 'b' END, '{"learn_from": "gold"}'::jsonb) FROM copied));

-- class_prior() of variant auto counts labels of items that teach, with one more for each class, and of a tie
-- each a part; prior_used() is what consensus() works with.  Others have one prior.
CREATE TEMP TABLE counted AS SELECT * FROM (VALUES
	(1, 'a', 'x', 'x'), (1, 'b', 'x', 'x'), (2, 'a', 'x', NULL), (2, 'b', 'y', NULL), (3, 'a', 'y', NULL), (3, 'b', 'y', NULL),
	(4, 'a', 'y', NULL), (5, 'a', 'x', NULL), (5, 'b', 'x', NULL)) AS v(item, annotator, label, gold);
SELECT what, pg_temp.r(probability(class_prior(m), 'x')) AS x, by_hand, class_prior(m) = prior_used(m) AS same,
       m::text::annotator_model = m AND class_prior(m::jsonb::text::annotator_model) = class_prior(m) AS kept
FROM (SELECT 'three of four' AS what, dawid_skene(item, annotator, label) AS m, pg_temp.r(4 / 6.0) AS by_hand FROM counted
      UNION ALL SELECT 'one and a tie', dawid_skene(item, annotator, label), pg_temp.r(2.5 / 5) FROM counted WHERE item < 5
      UNION ALL SELECT 'nothing teaches', dawid_skene(item, annotator, label), pg_temp.r(1 / 2.0) FROM counted WHERE annotator = 'a'
      UNION ALL SELECT 'one teaches', dawid_skene(item, annotator, label, gold), pg_temp.r(2 / 3.0) FROM counted WHERE annotator = 'a'
      UNION ALL SELECT 'one abstains', dawid_skene(item, annotator, CASE WHEN item = 3 AND annotator = 'b' THEN '?' ELSE label END, '{"abstain": "?"}'::jsonb), pg_temp.r(4 / 5.0) FROM counted
      UNION ALL SELECT 'known', dawid_skene(item, annotator, label, '{"prior": {"x": 0.3, "y": 0.7}}'::jsonb), 0.3 FROM counted
      UNION ALL SELECT 'full', dawid_skene(item, annotator, label, '{"variant": "full"}'::jsonb), NULL FROM counted
      UNION ALL SELECT 'gold alone', dawid_skene(item, annotator, label, gold, '{"learn_from": "gold"}'::jsonb), NULL FROM counted) AS f;
SELECT bool_and(posterior = revised) AS same, count(*)
FROM (SELECT posterior(m, annotator, label) AS posterior, min(revise(prior_used(m), m, annotator, label)::text)::label_distribution AS revised
      FROM counted, (SELECT dawid_skene(item, annotator, label) AS m FROM counted) AS f GROUP BY item, annotator) AS v;
SELECT class_prior(jsonb_set(m::text::jsonb, '{class_shares}', '[1, 0]')::text::annotator_model) FROM (SELECT dawid_skene(item, annotator, label) AS m FROM counted) AS f;
SELECT jsonb_set(m::text::jsonb, '{class_shares}', '[0.5, 0.6]')::text::annotator_model IS NULL FROM (SELECT dawid_skene(item, annotator, label) AS m FROM counted) AS f;
SELECT jsonb_set(m::text::jsonb, '{class_shares}', '[1]')::text::annotator_model IS NULL FROM (SELECT dawid_skene(item, annotator, label) AS m FROM counted) AS f;
