-- learn_annotators(): the M step alone, from truths that come from anywhere.

-- matrices of a model, truth by truth, in the order of annotators; the last is of nobody known
CREATE FUNCTION pg_temp.matrices(annotator_model) RETURNS TABLE (annotator text, truth text, rates text) LANGUAGE sql AS $$
	SELECT coalesce(j -> 'annotators' ->> a::int - 1, '(pool)'), j -> 'labels' ->> k::int - 1,
	       (SELECT string_agg(round(r::numeric, 6)::text, ' ' ORDER BY l) FROM jsonb_array_elements_text("row") WITH ORDINALITY AS c(r, l))
	FROM (SELECT $1::jsonb AS j, $1::jsonb #> '{components,0}' AS c) AS v,
	     jsonb_array_elements((c -> 'confusion') || jsonb_build_array(c -> 'pool')) WITH ORDINALITY AS m(matrix, a), jsonb_array_elements(matrix) WITH ORDINALITY AS t("row", k)
	ORDER BY a, k $$;
CREATE FUNCTION pg_temp.r(label_distribution) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format('%s %s', label, round(probability::numeric, 6)), ', ') FROM probabilities($1) $$;

CREATE TEMP TABLE answers (annotator text, truth text, label text);
INSERT INTO answers VALUES
	('a', 'x', 'x'), ('a', 'x', 'x'), ('a', 'x', 'y'), ('a', 'y', 'y'),
	('b', 'x', 'x'), ('b', 'y', 'x'), ('b', 'y', 'x'),
	(NULL, 'x', 'x'), ('a', NULL, 'x'), ('a', 'x', NULL);	-- no answers

-- pool: x (3 + 4 * .7) / 8, y (1 + 4 * .7) / 7; test/data/learn_annotators.py has the rest.
-- prior (4 + 1) / (7 + 2)
CREATE TEMP TABLE model AS SELECT learn_annotators(annotator, truth, label) AS m FROM answers;
SELECT v.* FROM model, pg_temp.matrices(m) AS v;
SELECT pg_temp.r(class_prior(m)), labels(m) FROM model;
SELECT method, items, annotators, annotations, classes, gold_items, iterations, converged, round(log_likelihood::numeric, 6) AS log_likelihood,
       correlation, groups, items_teaching, stopped_by, warnings
FROM model, fit_report(m);
SELECT annotator, annotations, accuracy > accuracy_low AND accuracy < accuracy_high AS between, cells.*
FROM model, annotators(m), LATERAL (SELECT string_agg(count::text, ' ') AS counts FROM cells(confusion)) AS cells;
SELECT m::jsonb #> '{fit,truths_given}' AS given, m::jsonb -> 'variances' AS variances, m::jsonb -> 'voices' AS voices, m::jsonb -> 'options' AS options FROM model;

-- the papers' step: shares of counts; with two pseudo-answers of the pool, 3/4 1/4 and 2/3 1/3
SELECT v.* FROM pg_temp.matrices((SELECT learn_annotators(annotator, truth, label, '{"variant": "full"}') FROM answers)) AS v;
SELECT v.* FROM pg_temp.matrices((SELECT learn_annotators(annotator, truth, label, '{"smoothing": 2}'::jsonb) FROM answers)) AS v;
SELECT method, correlation FROM fit_report((SELECT learn_annotators(annotator, truth, label, '{"smoothing": 2}') FROM answers));
SELECT method, correlation FROM fit_report((SELECT learn_annotators(annotator, truth, label, '{"correlation": 0.5}') FROM answers));

-- truths that are expected: a distribution over one label is that label; others count by
-- their probabilities, and p (1 - p) is what is not known of that
SELECT m = (SELECT learn_annotators(annotator, label_distribution(ARRAY[truth], '{1}'), label) FROM answers WHERE truth IS NOT NULL) AS same FROM model;
SELECT m::jsonb -> 'labels' AS labels, m::jsonb -> 'counts' AS counts, m::jsonb -> 'variances' AS variances, pg_temp.r(class_prior(m)) AS prior
FROM (SELECT learn_annotators('a', d, l) AS m FROM (VALUES ('{"x": 0.75, "y": 0.25}'::label_distribution, 'x'), ('{"x": 0.5, "y": 0.5, "z": 0}', 'y')) AS v(d, l)) AS w;

-- where every item has gold, what dawid_skene() learns from it
CREATE TEMP TABLE crowd AS
SELECT 'item ' || i AS item, 'annotator ' || a AS annotator, 'c' || i % 3 AS gold, 'c' || CASE WHEN (i * i + a * i) % 11 < 7 THEN i % 3 ELSE (i + a) % 4 END AS label
FROM generate_series(1, 60) AS i, generate_series(1, 4) AS a;
SELECT (SELECT array_agg(v::text) FROM pg_temp.matrices(learn_annotators(annotator, gold, label)) AS v)
     = (SELECT array_agg(v::text) FROM pg_temp.matrices(dawid_skene(item, annotator, label, gold)) AS v) AS same
FROM crowd;

-- from another model's consensus; rows in any order and of any type
SELECT one = two AS same, one = three AS types, labels(one) AS labels
FROM (SELECT learn_annotators(annotator, distribution, label ORDER BY md5(item || annotator)) AS one, learn_annotators(annotator, distribution, label ORDER BY label, item, annotator) AS two,
             learn_annotators(annotator::name, distribution, label::varchar) AS three
      FROM crowd JOIN consensus((SELECT annotation_set(item, annotator, label) FROM crowd), (SELECT dawid_skene(item, annotator, label) FROM crowd)) AS c(item, l, confidence, entropy, n, tied, distribution) USING (item)) AS v;
SELECT labels(learn_annotators(i % 2, i % 3 > 0, i % 2 = 0)) AS booleans FROM generate_series(1, 9) AS i;
SELECT labels(learn_annotators(i % 2, i % 12, i % 11)) AS numbers FROM generate_series(1, 99) AS i;

-- no rows; one class; labels that are spelled in two ways
SELECT learn_annotators(annotator, truth, label) IS NULL AS none FROM answers WHERE annotator IS NULL;
SELECT v.* FROM pg_temp.matrices((SELECT learn_annotators('a', 'x', 'x'))) AS v;
SELECT posterior(m, 'b', 'x') AS sure FROM (SELECT learn_annotators('a', 'x', 'x') AS m) AS v;
SELECT labels(learn_annotators('a', i % 2 = 1, (i % 2)::text)) AS spelled FROM generate_series(1, 12) AS i;

-- a literal is a label, whatever the types of the columns beside it
SELECT labels(learn_annotators(i, 'x', l)) AS literal, labels(learn_annotators(i, 'x', l, '{"variant": "full"}')) AS with_options, labels(learn_annotators(i, 'x', l, NULL)) AS null_options,
       learn_annotators(i, NULL, l) IS NULL AS unknown, learn_annotators(i, t, l) = learn_annotators(i::text, t, l::text) AS same
FROM (VALUES (1, 2, 'x'::text), (1, 3, 'y')) AS v(i, l, t);
SELECT learn_annotators(i, '{"x": 1}', i) FROM generate_series(1, 2) AS i;

-- a label that is an answer but no class: on x the crowd's (1 + 4 * 2/10) / (4 + 4) = .225,
-- a's (1 + 4 * .225) / (3 + 4); the rest as if there were no such answers
SELECT v.* FROM pg_temp.matrices((SELECT learn_annotators(annotator, truth, CASE WHEN annotator = 'a' AND label = 'y' AND truth = 'x' THEN '?' ELSE label END, '{"abstain": "?"}') FROM answers)) AS v;
SELECT pg_temp.r(class_prior(learn_annotators(annotator, truth, CASE WHEN label = 'y' THEN '?' ELSE label END, '{"abstain": "?"}'))) AS prior FROM answers;
SELECT learn_annotators('a', '?', 'x', '{"abstain": "?"}');

-- distributions that come as json or text
SELECT learn_annotators('a', '{"x": 0.5, "y": 0.5}'::jsonb, 'x'::text);
SELECT learn_annotators('a', '{"x": 0.5, "y": 0.5}', 'x');
SELECT labels(learn_annotators('a', '{"x": 0.5, "y": 0.5}'::jsonb::text::label_distribution, 'x')) AS cast, labels(learn_annotators('a', ARRAY['x'], ARRAY['y'])) AS arrays;

-- options
SELECT learn_annotators('a', 'x', 'x', '{"iterations": 3}');
SELECT learn_annotators('a', 'x', 'x', '{"variant": "one_coin"}');
SELECT learn_annotators('a', 'x', 'x', '{"variant": "auto", "smoothing": 1}');
SELECT learn_annotators('a', 'x', 'x', '{"correlation": 2}');
SELECT learn_annotators('a', 'x', 'x', NULL) = learn_annotators('a', 'x', 'x') AS null_options;
SELECT learn_annotators('a', 'x', 'x', CASE i WHEN 1 THEN '{"correlation": 0}' ELSE '{}' END) FROM generate_series(1, 2) AS i;
