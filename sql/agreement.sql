-- agreement(), pairwise_agreement(), self_agreement(), may_replace(), and kappa of confusion matrices.

-- Krippendorff 2011, "Computing Krippendorff's alpha-reliability", data C: four observers, twelve units, missing
-- answers; alpha .743, ordinal .815, interval .849, ratio .797 (p. 8)
CREATE TEMP TABLE units AS
SELECT u AS unit, 'observer ' || o AS observer, label
FROM unnest(ARRAY['1,1,,1', '2,2,3,2', '3,3,3,3', '3,3,3,3', '2,2,2,2', '1,2,3,4', '4,4,4,4', '1,1,2,1', '2,2,2,2', ',5,5,5', ',,1,1', ',,3,']) WITH ORDINALITY AS r(answers, u),
     unnest(string_to_array(answers, ',')) WITH ORDINALITY AS s(label, o)
WHERE label <> '';
CREATE FUNCTION pg_temp.shown(a agreement, digits int DEFAULT 6) RETURNS TABLE (n text, percent numeric, alpha numeric, fleiss numeric, gwet numeric, brennan_prediger numeric, conger numeric, level text)
LANGUAGE sql AS $$
SELECT concat_ws('/', (a).items, (a).annotators, (a).annotations, (a).pairable_items), round((a).percent_agreement::numeric, digits), round((a).krippendorff_alpha::numeric, digits),
       round((a).fleiss_kappa::numeric, digits), round((a).gwet_ac::numeric, digits), round((a).brennan_prediger::numeric, digits), round((a).conger_kappa::numeric, digits), (a).level
$$;
CREATE FUNCTION pg_temp.bounds(a agreement, digits int DEFAULT 4) RETURNS TABLE (percent text, alpha text, fleiss text, gwet text)
LANGUAGE sql AS $$
SELECT concat_ws(' .. ', round((a).percent_low::numeric, digits), round((a).percent_high::numeric, digits)), concat_ws(' .. ', round((a).alpha_low::numeric, digits), round((a).alpha_high::numeric, digits)),
       concat_ws(' .. ', round((a).fleiss_low::numeric, digits), round((a).fleiss_high::numeric, digits)), concat_ws(' .. ', round((a).gwet_low::numeric, digits), round((a).gwet_high::numeric, digits))
$$;
SELECT s.* FROM (SELECT agreement(unit, observer, label::int) AS a FROM units) AS v, pg_temp.shown(a) AS s;
SELECT b.* FROM (SELECT agreement(unit, observer, label::int) AS a FROM units) AS v, pg_temp.bounds(a) AS b;
SET client_min_messages = error;
SELECT s.* FROM (SELECT agreement(unit, observer, label, options) AS a
                 FROM units, unnest(ARRAY['{"level": "ordinal"}', '{"level": "interval"}', '{"level": "ratio"}', '{"level": "ordinal", "weights": "quadratic"}', '{"weights": "linear"}']) AS options
                 GROUP BY options) AS v, pg_temp.shown(a) AS s ORDER BY s.level, s.alpha;
RESET client_min_messages;

-- Six diagnoses of Fleiss (1971, table 1): kappa .430
CREATE TEMP TABLE diagnoses AS
SELECT p AS patient, row_number() OVER (PARTITION BY p ORDER BY category, c) AS rater, category
FROM unnest(ARRAY['00060', '03003', '01401', '00006', '03030', '20400', '00402', '20310', '20040', '00006', '10050', '11040', '03300', '10050', '02031',
                  '00501', '30012', '51000', '02040', '10203', '00006', '01050', '02013', '20040', '10041', '05010', '40002', '02040', '10500', '00006']) WITH ORDINALITY AS r(counts, p),
     generate_series(1, 5) AS category, generate_series(1, substr(counts, category, 1)::int) AS c;
SELECT s.n, s.fleiss, s.alpha, s.gwet FROM (SELECT agreement(patient, rater, category) AS a FROM diagnoses) AS v, pg_temp.shown(a) AS s;
SELECT b.* FROM (SELECT agreement(patient, rater, category) AS a FROM diagnoses) AS v, pg_temp.bounds(a) AS b;
SELECT b.* FROM (SELECT agreement(patient, rater, category, '{"interval": "bootstrap", "seed": 7, "resamples": 500}') AS a FROM diagnoses) AS v, pg_temp.bounds(a) AS b;
SELECT b.* FROM (SELECT agreement(patient, rater, category, '{"confidence": 0.8}') AS a FROM diagnoses) AS v, pg_temp.bounds(a) AS b;

-- Signatures: any type; text and jsonb options; the function of a set; groups; FILTER; windows; NULLs
SELECT agreement(patient, rater, category, '{"level": "nominal"}'::jsonb) = agreement(patient::text, rater::text, category::text, '{}'::text) AS same,
       agreement(patient, rater, category) = agreement(annotation_set(patient, rater, category)) AS set, agreement(annotation_set(patient, rater, category), '{"level": "nominal"}') = agreement(annotation_set(patient, rater, category), NULL::jsonb) AS options
FROM diagnoses;
SELECT patient % 2 AS half, (agreement(patient, rater, category)).items, round((agreement(patient, rater, category)).fleiss_kappa::numeric, 4) AS kappa FROM diagnoses GROUP BY 1 ORDER BY 1;
SELECT agreement(patient, rater, category) FILTER (WHERE patient < 0) IS NULL AS none, agreement(NULL::text, rater::text, category::text) IS NULL AS no_item, agreement(NULL::annotation_set) IS NULL AS no_set FROM diagnoses;
SELECT patient, (agreement(patient, rater, category) OVER (ORDER BY patient)).annotations FROM diagnoses WHERE rater = 1 AND patient < 4 ORDER BY patient;
SELECT jsonb_typeof(agreement(patient, rater, category)::jsonb) AS jsonb, json_typeof(agreement(patient, rater, category)::json) AS json FROM diagnoses;

-- Undefined: no overlap; one annotator; one label; one item; all agree; none do
SELECT s.* FROM (SELECT agreement(i, i, 'x') AS a FROM generate_series(1, 3) AS i) AS v, pg_temp.shown(a) AS s;
SELECT s.* FROM (SELECT agreement(i, 'a', i % 2) AS a FROM generate_series(1, 3) AS i) AS v, pg_temp.shown(a) AS s;
SELECT s.*, b.* FROM (SELECT agreement(i, j, 'x') AS a FROM generate_series(1, 9) AS i, generate_series(1, 2) AS j) AS v, pg_temp.shown(a) AS s, pg_temp.bounds(a) AS b;
SELECT s.*, b.* FROM (SELECT agreement(1, j, j % 2) AS a FROM generate_series(1, 4) AS j) AS v, pg_temp.shown(a) AS s, pg_temp.bounds(a) AS b;
SELECT s.*, b.* FROM (SELECT agreement(i, j, i % 2) AS a FROM generate_series(1, 20) AS i, generate_series(1, 2) AS j) AS v, pg_temp.shown(a) AS s, pg_temp.bounds(a) AS b;
SELECT s.*, b.* FROM (SELECT agreement(i, j, (i + j) % 2) AS a FROM generate_series(1, 20) AS i, generate_series(1, 2) AS j) AS v, pg_temp.shown(a) AS s, pg_temp.bounds(a) AS b;
-- one label of a scale: Gwet and Brennan-Prediger know what else could have been said
SELECT s.* FROM (SELECT agreement(i, j, 'x', '{"scale": ["x", "y"]}') AS a FROM generate_series(1, 9) AS i, generate_series(1, 2) AS j) AS v, pg_temp.shown(a) AS s;
-- intervals that hang on few items say so: one rare label
SELECT b.* FROM (SELECT agreement(i, j, CASE WHEN i IN (1, 2) OR j = 1 + i % 30 THEN 'rare' ELSE 'usual' END) AS a FROM generate_series(1, 60) AS i, generate_series(1, 5) AS j) AS v, pg_temp.bounds(a) AS b;

-- Several answers of one annotator share his voice: "a, b" against "a" is half an agreement
SELECT s.n, s.percent FROM (SELECT agreement(i, w, l) AS a FROM (VALUES (1, 'x', 'a'), (1, 'x', 'b'), (1, 'y', 'a'), (2, 'x', 'a'), (2, 'y', 'b')) AS v(i, w, l)) AS v, pg_temp.shown(a) AS s;

-- Order: numbers by value, also 10 after 9.5; else a scale, or names with a NOTICE
CREATE TEMP TABLE sizes AS SELECT i AS item, j AS who, (ARRAY['small', 'medium', 'large', 'xl'])[1 + CASE WHEN j = 2 AND i % 3 = 0 THEN least(i % 4 + 1, 3) ELSE i % 4 END] AS size FROM generate_series(1, 24) AS i, generate_series(1, 2) AS j;
SELECT s.alpha, s.gwet FROM (SELECT agreement(item, who, size, '{"level": "ordinal", "scale": ["small", "medium", "large", "xl"]}') AS a FROM sizes) AS v, pg_temp.shown(a) AS s;
SELECT s.alpha, s.gwet FROM (SELECT agreement(item, who, array_position(ARRAY['small', 'medium', 'large', 'xl'], size), '{"level": "ordinal"}') AS a FROM sizes) AS v, pg_temp.shown(a) AS s;
SELECT s.alpha, s.gwet FROM (SELECT agreement(item, who, size, '{"level": "ordinal"}') AS a FROM sizes) AS v, pg_temp.shown(a) AS s;
SELECT s.alpha, s.gwet FROM (SELECT agreement(item, who, 9 + array_position(ARRAY['small', 'medium', 'large', 'xl'], size) / 2.0, '{"level": "ordinal"}') AS a FROM sizes) AS v, pg_temp.shown(a) AS s;

-- What is wrong
SELECT agreement(item, who, size, '{"level": "interval"}') FROM sizes;
SELECT agreement(item, who, item - 5, '{"level": "ratio"}') FROM sizes;
SELECT agreement(item, who, size, '{"level": "cardinal"}') FROM sizes;
SELECT agreement(item, who, size, '{"weight": "linear"}') FROM sizes;
SELECT agreement(item, who, size, '{"scale": ["small", "large"]}') FROM sizes;
SELECT agreement(item, who, size, '{"scale": ["small", "small"]}') FROM sizes;
SELECT agreement(item, who, size, '{"scale": "small"}') FROM sizes;
SELECT agreement(item, who, size, '{"resamples": 3}') FROM sizes;
SELECT * FROM pairwise_agreement((SELECT annotation_set(item, who, size) FROM sizes), '{"seed": 1}');

-- Pairs: only those who met; ann and bob: kappa .4 by hand (.7 observed, .5 expected); dan met nobody
CREATE TEMP TABLE pairs (item int, who text, label text);
INSERT INTO pairs SELECT i, w.who, CASE w.who WHEN 'ann' THEN a ELSE b END
FROM (SELECT row_number() OVER (ORDER BY a, b, g) AS i, a, b FROM (VALUES ('yes', 'yes', 20), ('yes', 'no', 5), ('no', 'yes', 10), ('no', 'no', 15)) AS t(a, b, n), generate_series(1, n) AS g) AS v, (VALUES ('ann'), ('bob')) AS w(who);
INSERT INTO pairs VALUES (1, 'cyd', 'no'), (100, 'dan', 'no'), (101, 'eve', 'no'), (101, 'fay', 'no');
SELECT annotator, other, items, round(percent_agreement::numeric, 4) AS percent, round(cohen_kappa::numeric, 4) AS kappa, round(kappa_low::numeric, 4) AS low, round(kappa_high::numeric, 4) AS high
FROM pairwise_agreement((SELECT annotation_set(item, who, label) FROM pairs));
SELECT count(*) FROM pairwise_agreement(NULL);

-- With oneself
SELECT annotator, repeated_items, agreement, round(low::numeric, 4) AS low, round(high::numeric, 4) AS high
FROM self_agreement((SELECT annotation_set(i, w, l) FROM (VALUES (1, 'ann', 'a'), (1, 'ann', 'a'), (2, 'ann', 'a'), (2, 'ann', 'b'), (3, 'ann', 'b'), (3, 'ann', 'b'), (3, 'ann', 'a'), (1, 'bob', 'a'), (1, 'cyd', 'b'), (1, 'cyd', 'b'), (2, 'cyd', 'b'), (2, 'cyd', 'b')) AS v(i, w, l)));
SELECT count(*) FROM self_agreement(NULL);

-- Confusion matrices: the 50 proposals of ann and bob, two abstractors (Gwet 2014), numbers with a gap, names that
-- are no numbers, one label, no difference, no count, nothing but differences
CREATE TEMP TABLE matrices (name text, m confusion_matrix);
INSERT INTO matrices VALUES ('readers', '{"labels": ["no", "yes"], "counts": [[15, 10], [5, 20]]}'),
	('abstractors', '{"labels": ["1", "2", "3"], "counts": [[13, 0, 0], [0, 20, 7], [0, 4, 56]]}'),
	('gap', '{"labels": ["1", "2", "4"], "counts": [[5, 1, 2], [0, 6, 1], [2, 0, 3]]}'),
	('names', '{"labels": ["bad", "fair", "good"], "counts": [[5, 1, 2], [0, 6, 1], [2, 0, 3]]}'),
	('one', '{"labels": ["a"], "counts": [[7]]}'), ('perfect', '{"labels": ["a", "b"], "counts": [[7, 0], [0, 2]]}'), ('empty', '{"labels": [], "counts": []}'),
	('apart', '{"labels": ["a", "b"], "counts": [[0, 7], [0, 0]]}');
SELECT name, round(cohen_kappa(m)::numeric, 6) AS kappa, round(cohen_kappa(m, 'linear')::numeric, 6) AS linear, round(cohen_kappa(m, 'quadratic')::numeric, 6) AS quadratic, cohen_kappa(m, 'identity') IS NOT DISTINCT FROM cohen_kappa(m) AS identity,
       round(gwet_ac1(m)::numeric, 6) AS ac1, round(estimate::numeric, 6) AS estimate, round(low::numeric, 4) AS low, round(high::numeric, 4) AS high
FROM matrices, cohen_kappa_interval(m) ORDER BY name;
SELECT round(low::numeric, 4) AS low, round(high::numeric, 4) AS high FROM matrices, cohen_kappa_interval(m, 0.8) WHERE name = 'readers';
SELECT cohen_kappa(m, 'cubic') FROM matrices;
SELECT cohen_kappa_interval(m, 95) FROM matrices;

-- May a model replace annotators?  Three people, right in 3 of 4; a model that is always right, one that is one of
-- them, and one that says one thing
CREATE TEMP TABLE judged AS
SELECT i, w AS who, CASE WHEN w = 'good' OR (w LIKE 'h%' AND (i + 7 * right(w, 1)::int) % 4 > 0) THEN i % 3 WHEN w = 'lazy' THEN 0 ELSE (i + 1) % 3 END AS label
FROM generate_series(1, 60) AS i, unnest(ARRAY['h1', 'h2', 'h3', 'good', 'lazy']) AS w;
SELECT r.candidate, annotators, tested, round(winning_rate::numeric, 4) AS winning_rate, round(advantage_probability::numeric, 4) AS advantage, epsilon, passed
FROM (SELECT annotation_set(i, who, label) AS s FROM judged) AS v, unnest(ARRAY['good', 'lazy']) AS c, LATERAL may_replace(s, c, '{"annotators": ["h1", "h2", "h3"], "epsilon": 0.1}') AS r;
SELECT candidate, annotators, tested, passed FROM may_replace((SELECT annotation_set(i, who, label) FROM judged), 'good');
SELECT * FROM may_replace((SELECT annotation_set(i, who, label) FROM judged WHERE i < 20), 'good');
SELECT * FROM may_replace((SELECT annotation_set(i, who, label) FROM judged), 'better');
SELECT * FROM may_replace((SELECT annotation_set(i, who, label) FROM judged), 'good', '{"annotators": ["h1", "h9"]}');
SELECT * FROM may_replace((SELECT annotation_set(i, who, label) FROM judged), 'good', '{"annotators": "h1"}');
SELECT * FROM may_replace((SELECT annotation_set(i, who, 'class ' || label) FROM judged), 'good', '{"scoring": "rmse"}');
SELECT count(*) FROM may_replace(NULL, 'good');

-- Weights of one's own: those of "quadratic" and "identity" as tables; and others, by hand: of six pairs two are 1 and 2 apart,
-- so that 1 - (0.5 + 1) / 6 agree
WITH units AS (SELECT annotation_set('i' || i, 'a' || a, l) AS s FROM (VALUES (1, 1, 1), (1, 2, 1), (2, 1, 2), (2, 2, 2), (3, 1, 3), (3, 2, 3), (4, 1, 1), (4, 2, 2), (5, 1, 1), (5, 2, 3), (6, 1, 2), (6, 2, 2)) AS v(i, a, l))
SELECT agreement(s, '{"scale": [1, 2, 3], "weights": [[1, 0.75, 0], [0.75, 1, 0.75], [0, 0.75, 1]]}') = agreement(s, '{"scale": [1, 2, 3], "weights": "quadratic"}') AS quadratic,
	   (agreement(s, '{"scale": [1, 2, 3], "weights": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}')).fleiss_kappa = (agreement(s)).fleiss_kappa AS identity,
	   (agreement(s, '{"scale": [1, 2, 3], "weights": [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]]}')).percent_agreement AS own,
	   (SELECT percent_agreement FROM pairwise_agreement(s, '{"scale": [1, 2, 3], "weights": [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]]}')) AS pair
FROM units;
SELECT agreement(annotation_set('i', 'a', 'x'), '{"weights": [[1, 0], [0, 1]]}');
SELECT agreement(annotation_set('i', 'a', 'x'), '{"scale": ["x", "y"], "weights": [[1, 0], [0.5, 1]]}');
SELECT agreement(annotation_set('i', 'a', 'x'), '{"scale": ["x", "y"], "weights": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}');
SELECT agreement(annotation_set('i', 'a', 'x'), '{"scale": ["x", "y"], "weights": [[1, "a"], ["a", 1]]}');
SELECT agreement(annotation_set('i', 'a', 'x'), '{"weights": "cubic"}');

-- Items that are all alike in their disagreement; one number in two spellings: why intervals, and coefficients, are NULL
SELECT s.*, b.* FROM (SELECT agreement(i, j, (i + j) % 3 = 0) AS a FROM generate_series(1, 30) AS i, generate_series(1, 3) AS j) AS v, pg_temp.shown(a) AS s, pg_temp.bounds(a) AS b;
SELECT s.* FROM (SELECT agreement(i, j, CASE j WHEN 1 THEN '1.0' ELSE '1' END, '{"level": "interval"}') AS a FROM generate_series(1, 12) AS i, generate_series(1, 2) AS j) AS v, pg_temp.shown(a) AS s;
-- A confidence that so few resamples cannot reach
SELECT agreement('i', 'a', 'x', '{"interval": "bootstrap", "confidence": 0.999}');
SELECT (agreement('i', 'a', 'x', '{"interval": "bootstrap", "confidence": 0.999, "resamples": 2000}')).items;
