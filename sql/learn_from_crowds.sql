-- learn_from_crowds(): annotators and a classifier, learned together.

-- Two classes that one feature tells apart; a errs with every tenth item, b with every third, c says x.
-- Items 1 to 40 have one answer, 41 to 60 have two.
CREATE TEMP TABLE answers AS
SELECT lpad(i::text, 2, '0') AS item, annotator, features, gold,
       CASE WHEN annotator = 'c' THEN 'x' WHEN i % CASE annotator WHEN 'a' THEN 10 ELSE 3 END = 0 THEN translate(truth, 'xy', 'yx') ELSE truth END AS label, truth, i
FROM (SELECT i, CASE WHEN i % 7 < 3 THEN 'x' ELSE 'y' END AS truth, CASE WHEN i = 60 THEN 'x' WHEN i > 55 THEN CASE WHEN i % 7 < 3 THEN 'x' ELSE 'y' END END AS gold,
             ARRAY[CASE WHEN i % 7 < 3 THEN 1 ELSE -1 END + (i * 37 % 11 - 5) / 5.0, i * i % 13]::float8[] AS features
      FROM generate_series(1, 60) AS i) AS v,
     unnest(CASE WHEN i <= 40 THEN ARRAY[substr('abc', i % 3 + 1, 1)] ELSE ARRAY['a', substr('bc', i % 2 + 1, 1)] END) AS annotator;
CREATE TEMP TABLE model AS SELECT learn_from_crowds(item, annotator, label, features, gold, '{"l2": 1}') AS m FROM answers;
SELECT method, items, annotators, annotations, features, classes, gold_items, rounds BETWEEN 2 AND 5 AS rounds, l2, noise BETWEEN 0.1 AND 0.4 AS noise,
       log_loss > 0 AS log_loss, stopped_by IN ('rounds', 'evidence stands still') AS stopped, converged = (stopped_by <> 'rounds') AS converged, options, warnings
FROM model, fit_report(m);

-- gold is certain; of the others the distribution is posterior() of the answers with the prediction as prior
SELECT c.item, c.label, c.confidence, c.entropy, c.annotations FROM model, consensus(m) AS c WHERE item > '55';
SELECT count(*), max(abs(probability(c.distribution, 'x') - probability(d, 'x'))) < 1e-12 AS same, bool_and(c.label = top_label(d)) AS top,
       bool_and(c.confidence = confidence(c.distribution) AND c.entropy = entropy(c.distribution)) AS of_distribution,
       bool_and(predicted_label = top_label(predicted) AND predicted_confidence = confidence(predicted)) AS of_predicted
FROM model, consensus(m) AS c,
     LATERAL (SELECT d FROM (SELECT posterior((SELECT annotator_model(m) FROM model), annotator, a.label, c.predicted) AS d FROM answers AS a WHERE a.item = c.item) AS w) AS p
WHERE item <= '55';
-- the parts are what they are elsewhere
SELECT array_agg(a::text) = (SELECT array_agg(b::text) FROM annotators(annotator_model(m)) AS b) AS annotators, labels(m) = labels(annotator_model(m)) AS labels,
       (SELECT array_agg(annotations || ' ' || gold_annotations ORDER BY annotator) FROM annotators(m, 0.5)) AS counts
FROM model, annotators(m) AS a GROUP BY m;
SELECT method, items, annotations, gold_items, iterations = (fit_report(m)).rounds AS rounds, warnings FROM model, fit_report(annotator_model(m));
SELECT rows, weight, features, classes, converged, options -> 'l2' AS l2 FROM model, fit_report(classifier(m));
SELECT round(avg((top_label(predict(classifier(m), features)) = truth)::int), 1) >= 0.8 AS predicts FROM model, answers;
-- who looks is told from who does not
SELECT annotator, annotations, accuracy > 0.6 AS good, spammer_score < 0.2 AS spammer FROM model, annotators(m);

-- every way to call it
SELECT m = learn_from_crowds(item::name, annotator::char(1), label::name, features, gold::varchar, '{"l2": 1}'::jsonb) AS as_any FROM model, answers GROUP BY m;
SELECT learn_from_crowds(item, annotator, label, features, '{"l2": 1}'::jsonb) = learn_from_crowds(item, annotator, label, features, NULL::text, '{"l2": 1.0}') AS no_gold,
       learn_from_crowds(item, annotator, label, features) = learn_from_crowds(item, annotator, label, features, '{}'::jsonb) AS no_options
FROM answers WHERE i <= 30;
-- rows in any order, and with NULLs, which are no rows
SELECT m = (SELECT learn_from_crowds(item, annotator, label, features, gold, '{"l2": 1}' ORDER BY md5(i::text))
            FROM (SELECT * FROM answers UNION ALL SELECT NULL, 'a', '{1,2}', NULL, 'x', 'x', 100 UNION ALL SELECT '99', NULL, '{1,2}', NULL, 'x', 'x', 101
                  UNION ALL SELECT '99', 'a', NULL, NULL, 'x', 'x', 102 UNION ALL SELECT '99', 'a', '{1,2}', NULL, NULL, 'x', 103) AS v) AS same
FROM model;
SELECT learn_from_crowds(item, annotator, label, features) FROM answers WHERE i > 100;
-- groups, by training
SELECT single, items, annotations, options ->> 'training' AS training
FROM (SELECT i <= 40 AS single, fit_report(learn_from_crowds(item, annotator, label, features, '{"l2": 1, "training": "consensus"}'::jsonb)) AS r FROM answers GROUP BY 1) AS v,
     LATERAL (SELECT (r).*) AS f ORDER BY single;

-- annotators of one group are one voice: a twin of a, who repeats him, changes nothing but that he is there
CREATE TEMP TABLE twins AS
SELECT item, annotator, label, features, gold FROM answers UNION ALL SELECT item, 'a2', label, features, gold FROM answers WHERE annotator = 'a';
CREATE TEMP TABLE grouped AS SELECT learn_from_crowds(item, annotator, label, features, gold, '{"l2": 1, "groups": [["a", "a2"], ["nobody", "b"]]}') AS m FROM twins;
SELECT count(*), max(abs(probability(c.distribution, 'x') - probability(o.distribution, 'x'))) < 1e-6 AS distribution,
       max(abs(probability(c.predicted, 'x') - probability(o.predicted, 'x'))) < 1e-6 AS predicted, bool_and(c.annotations >= o.annotations) AS annotations
FROM model, grouped, consensus(grouped.m) AS c JOIN consensus((SELECT m FROM model)) AS o USING (item);
SELECT max(abs(g.rate_used - r.rate_used)) < 1e-6 AS rates, count(*)
FROM grouped, annotator_rates(annotator_model(m)) AS g
     JOIN annotator_rates((SELECT annotator_model(m) FROM model)) AS r ON r.annotator = left(g.annotator, 1) AND (r.truth, r.label) = (g.truth, g.label);
SELECT max(abs(a.coefficient - b.coefficient)) < 1e-4 AS classifier, max(abs(probability(p, 'x') - probability(q, 'x'))) < 1e-6 AS prior
FROM grouped, coefficients(classifier(grouped.m)) AS a JOIN coefficients((SELECT classifier(m) FROM model)) AS b USING (label, feature),
     class_prior(annotator_model(grouped.m)) AS p, class_prior((SELECT annotator_model(m) FROM model)) AS q;
SELECT round(a.noise - b.noise, 6) AS noise, round(a.log_loss - b.log_loss, 6) AS log_loss, a.rounds - b.rounds AS rounds, a.warnings, a.options -> 'groups' AS groups, (fit_report(annotator_model(m))).groups AS of_model
FROM grouped, LATERAL (SELECT (r).rounds, (r).noise::numeric, (r).log_loss::numeric, (r).warnings, (r).options FROM (SELECT fit_report(m) AS r) AS v) AS a,
     (SELECT (r).rounds, (r).noise::numeric, (r).log_loss::numeric FROM (SELECT fit_report(m) AS r FROM model) AS v) AS b;
SELECT annotator, annotations, copies FROM grouped, annotators(m);
-- not so without the group
SELECT max(abs(probability(c.distribution, 'x') - probability(o.distribution, 'x'))) > 0.05 AS others
FROM model, consensus(m) AS c JOIN consensus((SELECT learn_from_crowds(item, annotator, label, features, gold, '{"l2": 1}') FROM twins)) AS o USING (item);
-- the distribution is posterior() of the answers with the prediction as prior, to the last bit; of all in one group, too
SELECT g, count(*), bool_and(c.distribution = d) AS same, min((SELECT count(*) FROM annotators(annotator_model(m)) WHERE copies IS NOT NULL)) AS in_groups
FROM unnest(ARRAY['[["a", "b"]]', '{"a": "all", "b": "all", "c": "all", "a2": "all"}', '[["a2", "c"], ["b", "nobody"]]']) AS g,
     LATERAL (SELECT learn_from_crowds(item, annotator, label, features, jsonb_build_object('l2', 1, 'rounds', 2, 'groups', g::jsonb)) AS m FROM twins OFFSET 0) AS f,
     LATERAL consensus(m) AS c, LATERAL (SELECT posterior(annotator_model(m), annotator, t.label, c.predicted) AS d FROM twins AS t WHERE t.item = c.item) AS p
GROUP BY g ORDER BY g COLLATE "C";
-- groups in which nobody is with another change the record only; arrays and names say the same
SELECT string_agg(c::text, ' ' ORDER BY item) = (SELECT string_agg(c::text, ' ' ORDER BY item) FROM model, consensus(m) AS c) AS nobody
FROM consensus((SELECT learn_from_crowds(item, annotator, label, features, gold, '{"l2": 1, "groups": [["a"], ["b", "who"], []]}') FROM answers)) AS c;
SELECT string_agg(c::text, ' ' ORDER BY item) = (SELECT string_agg(c::text, ' ' ORDER BY item) FROM grouped, consensus(m) AS c) AS names
FROM consensus((SELECT learn_from_crowds(item, annotator, label, features, gold, '{"l2": 1, "groups": {"a2": "twins", "a": "twins"}}') FROM twins)) AS c;
SELECT m = m::text::crowd_model AS text, m::jsonb #> '{annotator_model,voices,groups}' AS groups FROM grouped;

-- a label that is an answer and no class: b skips most of the y that he would have got wrong; nobody says what item 13 is
CREATE TEMP TABLE unsure AS
SELECT item, annotator, features, gold, truth, i, CASE WHEN item = '13' OR annotator = 'b' AND (i % 4 = 1 OR truth = 'y' AND i % 3 = 0) THEN 'skip' ELSE label END AS label FROM answers;
CREATE TEMP TABLE skipped AS SELECT learn_from_crowds(item, annotator, label, features, gold, '{"l2": 1, "abstain": "skip", "groups": [["a", "c"]]}') AS m FROM unsure;
SELECT labels(m), labels(annotator_model(m)) AS of_model, (fit_report(m)).classes, (fit_report(m)).annotations, labels(predict(classifier(m), '{1,2}')) AS classifier, (fit_report(m)).warnings FROM skipped;
SELECT annotator, annotations, copies, gold_annotations, gold_annotations = n AS counted
FROM skipped, annotators(m) JOIN (SELECT annotator, count(*) AS n FROM unsure WHERE label <> 'skip' AND gold IS NOT NULL GROUP BY 1) AS u USING (annotator);
SELECT count(*), count(*) FILTER (WHERE c.label IN ('x', 'y') AND labels(c.distribution) = '{x,y}' AND labels(c.predicted) = '{x,y}') AS classes,
       bool_and(c.distribution = d) AS same
FROM skipped, consensus(m) AS c, LATERAL (SELECT posterior(annotator_model(m), annotator, t.label, c.predicted) AS d FROM unsure AS t WHERE t.item = c.item) AS p WHERE item <= '55';
-- also of who gives a class and says that he is unsure, trained either way, with gold that is not certain
SELECT t, n, same, warnings FROM unnest(ARRAY['consensus', 'every_answer']) AS t,
     LATERAL (SELECT learn_from_crowds(item, annotator, label, features, gold, jsonb_build_object('training', t, 'abstain', 'skip', 'gold_weight', 0.9, 'groups', '[["a", "b"]]'::jsonb)) AS m
              FROM (SELECT item, annotator, label, features, gold FROM unsure UNION ALL SELECT item, annotator, 'skip', features, gold FROM unsure WHERE i % 5 < 2) AS u OFFSET 0) AS f,
     LATERAL (SELECT count(*) AS n, bool_and(c.distribution = d) AS same FROM consensus(m) AS c,
              LATERAL (SELECT posterior(annotator_model(m), annotator, u.label, c.predicted) AS d
                       FROM (SELECT item, annotator, label FROM unsure UNION ALL SELECT item, annotator, 'skip' FROM unsure WHERE i % 5 < 2) AS u WHERE u.item = c.item) AS p WHERE item <= '55') AS e,
     LATERAL (SELECT (fit_report(m)).warnings) AS w;
-- gold alone says what items are, where all abstain
SELECT count(*), bool_and(label = CASE WHEN i % 2 = 0 THEN 'x' ELSE 'y' END) AS found, bool_and(predicted_confidence < 1) AS predicted, (fit_report(m)).noise, warnings
FROM (SELECT learn_from_crowds('i' || i, 'a' || j, 'skip', ARRAY[i % 2 + i / 200.0], CASE WHEN i <= 20 THEN CASE WHEN i % 2 = 0 THEN 'x' ELSE 'y' END END, '{"l2": 1, "abstain": "skip"}') AS m
      FROM generate_series(1, 40) AS i, generate_series(1, 2) AS j OFFSET 0) AS v, LATERAL (SELECT (fit_report(m)).warnings) AS w, consensus(m) AS c, LATERAL (SELECT substr(item, 2)::int AS i) AS n GROUP BY m, warnings;
SELECT item, annotations, distribution = predicted AS as_predicted, predicted_label FROM skipped, consensus(m) WHERE item = '13';
-- who skips y more is not taken for one who errs on it
SELECT bool_and(y.rate_used > x.rate_used + 0.1) AS skips_y FROM skipped, annotator_rates(annotator_model(m)) AS y JOIN annotator_rates((SELECT annotator_model(m) FROM skipped)) AS x USING (annotator, label) WHERE annotator = 'b' AND label = 'skip' AND y.truth = 'y' AND x.truth = 'x';
SELECT m = m::text::crowd_model AS text, m::jsonb #>> '{options,abstain}' AS option, m::jsonb #> '{items,60,distribution}' AS item FROM skipped;
-- a label that nobody gave changes the record only; numbers are in their order whatever stands beside them
SELECT string_agg(c::text, ' ' ORDER BY item) = (SELECT string_agg(c::text, ' ' ORDER BY item) FROM model, consensus(m) AS c) AS nobody
FROM consensus((SELECT learn_from_crowds(item, annotator, label, features, gold, '{"l2": 1, "abstain": "skip"}') FROM answers)) AS c;
SELECT labels(m), count(*), bool_and(c.label = (ARRAY['10', '2', '1'])[1 + item::int % 3]) AS found
FROM (SELECT learn_from_crowds(i::text, 'a' || (i + j) % 4, CASE WHEN (i + j) % 5 = 0 THEN 'skip' ELSE (ARRAY['10', '2', '1'])[1 + i % 3] END, ARRAY[i % 3, (i % 3) ^ 2 + i / 99.0], '{"l2": 1, "abstain": "skip"}'::jsonb) AS m
      FROM generate_series(1, 60) AS i, generate_series(1, 2) AS j) AS v, consensus(m) AS c GROUP BY m;
SELECT learn_from_crowds('i' || i, 'a', 'skip', '{1}', '{"abstain": "skip"}'::jsonb) IS NULL AS nobody_says FROM generate_series(1, 3) AS i;
SELECT item, label, confidence, annotations FROM consensus((SELECT learn_from_crowds('i' || i, 'a', 'skip', ARRAY[i], CASE i WHEN 1 THEN 'x' WHEN 2 THEN 'y' END, '{"abstain": "skip"}') FROM generate_series(1, 2) AS i));

-- forms
SELECT m = m::text::crowd_model AS text, m::text ~ '^crowd_model:1:' AS compact, jsonb_object_keys(m::jsonb) AS keys FROM model;
SELECT m::jsonb #>> '{items,60}' = jsonb_build_object('annotations', 2, 'distribution', '{"x": 1, "y": 0}'::jsonb, 'predicted', m::jsonb #> '{items,60,predicted}')::text AS item,
       m::jsonb -> 'annotator_model' = annotator_model(m)::jsonb AS annotators, m::jsonb -> 'classifier' = classifier(m)::jsonb AS classifier,
       m::json::jsonb = m::jsonb AS json FROM model;

-- the easy case: nothing looks wrong, so one round is enough
SELECT rounds, converged, stopped_by, noise < 0.03 AS noise, warnings
FROM (SELECT fit_report(learn_from_crowds(i::text, 'a' || i % 3, CASE WHEN i % 2 = 0 THEN 'x' ELSE 'y' END, ARRAY[i % 2 * 10 + i / 200.0], '{"l2": 0.1}'::jsonb)) AS r
      FROM generate_series(1, 200) AS i) AS v, LATERAL (SELECT (r).*) AS f;

-- little to learn from: one class, one annotator, one item, items that are all alike
SELECT what, items, classes, rounds, l2 IS NULL AS no_l2, warnings, classifier(m) IS NULL AS no_classifier
FROM (VALUES ('one class'), ('one annotator'), ('one item'), ('all alike')) AS w(what),
     LATERAL (SELECT learn_from_crowds(CASE what WHEN 'one item' THEN 'i' ELSE 'i' || i END, CASE what WHEN 'one annotator' THEN 'a' ELSE 'a' || i % 5 END,
                                       CASE what WHEN 'one class' THEN 'x' ELSE 'c' || i % 2 END, CASE WHEN what IN ('one item', 'all alike') THEN '{1}' ELSE ARRAY[i % 2 + i / 20.0] END, '{"l2": 1}'::jsonb) AS m
              FROM generate_series(1, 8) AS i OFFSET 0) AS l, LATERAL (SELECT (fit_report(m)).*) AS f;
SELECT item, label, confidence, entropy, annotations, predicted_label, predicted_confidence, predicted
FROM consensus((SELECT learn_from_crowds(i, a, l, '{1}') FROM (VALUES ('i', 'a', 'x')) AS v(i, a, l)));
SELECT item, label, confidence > 0.5 AS sure, annotations, predicted_label, predicted_confidence, predicted
FROM consensus((SELECT learn_from_crowds(i, a, l, '{1}') FROM (VALUES ('i', 'a', 'x'), ('i', 'b', 'x'), ('i', 'c', 'y')) AS v(i, a, l)));
-- few items whose features say nothing: nothing is predicted, and the distribution is that with both classes as likely before; 24 as well, but not 36
SELECT n, count(*), bool_and(predicted IS NULL) AS unpredicted, bool_or(predicted IS NULL) AS any_unpredicted, max(abs(probability(c.distribution, 'x') - probability(d, 'x'))) < 1e-12 AS even,
       (fit_report(m)).l2 IS NULL AS no_l2, left(array_to_string((fit_report(m)).warnings, ' | '), 60) AS warnings, classifier(m) IS NULL AS no_classifier
FROM unnest(ARRAY[6, 24, 36]) AS n,
     LATERAL (SELECT learn_from_crowds('i' || i, 'a' || j, CASE WHEN j = 2 AND i % 5 = 0 OR i % 3 = 0 THEN 'x' ELSE 'y' END, ARRAY[i * 7 % 37]::float8[], '{"l2": 3}'::jsonb) AS m
              FROM generate_series(1, n) AS i, generate_series(1, 3) AS j) AS l, LATERAL consensus(m) AS c, LATERAL (SELECT substr(c.item, 2)::int AS i) AS k,
     LATERAL (SELECT posterior(annotator_model(m), 'a' || j, CASE WHEN j = 2 AND i % 5 = 0 OR i % 3 = 0 THEN 'x' ELSE 'y' END, label_distribution(ARRAY['x', 'y'], '{0.5, 0.5}')) AS d
              FROM generate_series(1, 3) AS j) AS p
GROUP BY n, m ORDER BY n;
-- a class that one item has alone: no model out of fold knows it, and the answers may say it all the same
SELECT c.label, predicted_label, probability(predicted, 'z') = 1.0 / (21 + 3) AS admitted
FROM consensus((SELECT learn_from_crowds(i::text, 'a' || i % 2, CASE WHEN i = 21 THEN 'z' WHEN i % 2 = 0 THEN 'x' ELSE 'y' END, ARRAY[i % 2 + i / 99.0],
                                         CASE WHEN i < 4 OR i = 21 THEN CASE WHEN i = 21 THEN 'z' WHEN i % 2 = 0 THEN 'x' ELSE 'y' END END, '{"l2": 1, "rounds": 1}')
                FROM generate_series(1, 21) AS i)) AS c WHERE item = '21';

-- bad input
SELECT learn_from_crowds(item, annotator, label, ARRAY[1, ascii(annotator)] ORDER BY item, annotator) FROM answers;
SELECT learn_from_crowds(i::text, 'a', 'x', array_fill(1::float8, ARRAY[i])) FROM generate_series(1, 2) AS i;
SELECT learn_from_crowds('i', 'a', 'x', '{1,NaN}');
SELECT learn_from_crowds('i', 'a', 'x', '{1,NULL}');
SELECT learn_from_crowds('i', 'a', 'x', '{}');
SELECT learn_from_crowds('i', 'a', l, '{1}', l) FROM (VALUES ('x'), ('y')) AS v(l);
SELECT learn_from_crowds('i', 'a', 'x', '{1}', '{"l2": 1}');
SELECT learn_from_crowds('i', 'a', 'x', '{1}', '{"l3": 1}'::jsonb);
SELECT learn_from_crowds('i', 'a', 'x', '{1}', '{"l2": "best"}'::jsonb);
SELECT learn_from_crowds('i', 'a', 'x', '{1}', '{"rounds": 0}'::jsonb);
SELECT learn_from_crowds('i', 'a', 'x', '{1}', '{"training": "all"}'::jsonb);
SELECT learn_from_crowds('i', 'a', 'x', '{1}', '{"groups": "a"}'::jsonb);
SELECT learn_from_crowds('i', 'a', 'x', '{1}', '{"groups": [["a", "b"], ["c", "a"]]}'::jsonb);
SELECT learn_from_crowds('i', 'a', 'x', '{1}', '{"groups": ["a", "b"]}'::jsonb);
SELECT learn_from_crowds('i', 'a', 'x', '{1}', '{"groups": [["a", null]]}'::jsonb);
SELECT learn_from_crowds('i', 'a', 'x', '{1}', '{"abstain": ["x"]}'::jsonb);
SELECT learn_from_crowds('i', 'a', 'x', '{1}', 'skip', '{"abstain": "skip"}');
SELECT learn_from_crowds('i' || i, 'a', 'x', '{1}', CASE i WHEN 1 THEN '{}'::jsonb ELSE '{"l2": 1}' END) FROM generate_series(1, 2) AS i;
SELECT 'crowd_model:1:AAAA'::crowd_model;
SELECT '{}'::crowd_model;

-- a class that only gold has, and features that say nothing: both are said
SELECT split_part(w, ':', 1) AS warning FROM (SELECT learn_from_crowds('i' || i, 'a' || j, CASE WHEN i % 2 = 0 OR (i + j) % 7 = 0 THEN 'x' ELSE 'y' END, ARRAY[i % 5, i % 3]::float8[],
                                        CASE WHEN i IN (3, 9) THEN 'z' END, '{"l2": 10, "rounds": 1}'::jsonb) AS m
               FROM generate_series(1, 60) AS i, generate_series(1, 3) AS j) AS v, unnest((fit_report(m)).warnings) AS w
WHERE w LIKE 'only gold%' OR w LIKE 'features%';
