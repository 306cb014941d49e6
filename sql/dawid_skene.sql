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
SELECT annotation_set(item, annotator, label) AS s, dawid_skene(item, annotator, label) AS m FROM votes;

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
SELECT m::text = dawid_skene(s)::text AS function, m::text = dawid_skene(s, '{}')::text AS options,
       m::text = (SELECT dawid_skene(item::name, annotator::"char", label::varchar) FROM votes)::text AS other_types,
       m::text = (SELECT dawid_skene(item, annotator, label, gold) FROM votes)::text AS no_gold,
       m::text = (SELECT dawid_skene(item, annotator, label ORDER BY md5(item || annotator)) FROM votes)::text AS shuffled
FROM model;
CREATE TYPE pg_temp.answer AS ENUM ('no', 'yes');
SELECT dawid_skene(item, annotator, label::answer, gold::answer)::text = (SELECT m::text FROM model) AS enum FROM votes;
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
SELECT gold_items, annotations FROM fit_report((SELECT dawid_skene(item, annotator, label, gold, '{"tolerance": 1e-15, "max_iterations": 100000}'::jsonb) FROM votes));
SELECT item, label, pg_temp.r(confidence) AS confidence, tied
FROM consensus((SELECT annotation_set(item, annotator, label, gold) FROM votes),
               (SELECT dawid_skene(item, annotator, label, gold, '{"tolerance": 1e-15, "max_iterations": 100000}'::jsonb) FROM votes))
WHERE item IN ('i1', 'i2') ORDER BY item;
SELECT annotator, pg_temp.r((counts(confusion))[1][2]) AS said_yes_to_no
FROM annotators((SELECT dawid_skene(item, annotator, label, gold, '{"tolerance": 1e-15, "max_iterations": 100000}'::jsonb) FROM votes));
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
FROM model, (VALUES (1, '{}'::jsonb), (2, '{"smoothing": 1}'), (3, '{"smoothing": 1, "toward": "diagonal"}'),
                    (4, '{"smoothing": 1, "toward": "uniform"}')) AS v(i, o),
     LATERAL (SELECT dawid_skene(s, o)) AS f(smoothed)
ORDER BY i;

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
       dawid_skene(s, jsonb_build_object('tolerance', 1e-12, 'max_iterations', 10000, 'start',
                                         dawid_skene(s, '{"tolerance": 1e-12, "max_iterations": 10000}')::jsonb)) AS warm
FROM model;
SELECT w.method, w.iterations < c.iterations AS fewer, pg_temp.r(w.log_likelihood - c.log_likelihood) AS difference
FROM refit, fit_report(cold) AS c, fit_report(warm) AS w;
-- annotators and labels that the start has not seen
SELECT item, label, tied
FROM refit, LATERAL (SELECT annotation_set(i, a, l)
                     FROM (VALUES ('x', 'a', 'yes'), ('x', 'new', 'yes'), ('y', 'new', 'maybe'), ('y', 'b', 'maybe'), ('z', 'c', 'no'), ('z', 'new', 'no')) AS v(i, a, l)) AS more(answers),
     consensus(answers, dawid_skene(answers, jsonb_build_object('start', cold::jsonb)))
ORDER BY item;
