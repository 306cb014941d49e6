-- Distributions of distributions: avg(), product(), combine(), temper(); and
-- annotation_set() of rows that are grouped already.

CREATE FUNCTION pg_temp.r(label_distribution) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format('%s %s', label, round(probability::numeric, 4)), ', ')
	FROM probabilities($1) $$;

-- one of them has no "bird", which has probability 0 there
CREATE TEMP TABLE d (model text, d label_distribution);
INSERT INTO d VALUES
	('a', '{"cat": 0.9, "dog": 0.1}'),
	('b', '{"cat": 0.5, "dog": 0.25, "bird": 0.25}'),
	('c', NULL),
	('d', '{"cat": 0.2, "dog": 0.8}');
SELECT pg_temp.r(avg(d)) AS avg, pg_temp.r(product(d)) AS product FROM d;
SELECT model, pg_temp.r(avg(d)) AS avg, pg_temp.r(product(d)) AS product FROM d GROUP BY model ORDER BY model;
SELECT avg(d) IS NULL AS avg, product(d) IS NULL AS product FROM d WHERE false;

-- the average of equal distributions is that one, to the bit
SELECT bool_and(a = d) AS same
FROM (SELECT d::text AS d, avg(d)::text AS a
      FROM (VALUES ('{"cat": 0.93, "dog": 0.07}'::label_distribution), ('{"x": 0.1, "y": 0.2, "z": 0.7}'), ('{"x": 1e-10, "y": 0.9999999999}')) AS v(d),
           generate_series(1, 8)
      GROUP BY d::text) AS w;

-- any order, in groups, in a window: the same bytes
CREATE TEMP TABLE many AS
SELECT i, i % 7 AS g, label_distribution(ARRAY['a', 'label ' || i % 5, 'z'], ARRAY[i / 2000.0, 0.5, 0.5 - i / 2000.0]) AS d
FROM generate_series(1, 1000) AS i;
SELECT bool_and(a = b AND p = q) AS same
FROM (SELECT g, avg(d ORDER BY i)::text AS a, product(d ORDER BY i)::text AS p FROM many GROUP BY g) AS one
JOIN (SELECT g, avg(d ORDER BY md5(i::text))::text AS b, product(d ORDER BY -i)::text AS q FROM many GROUP BY g) AS two USING (g);
SELECT distribution_state_final(distribution_state_combine(a, b))::text = whole::text AS joined,
       distribution_state_final(distribution_state_combine(b::text::distribution_state, a))::text = whole::text AS through_text
FROM (SELECT distribution_avg_accum(distribution_avg_accum(NULL, x), y) AS a, distribution_avg_accum(NULL, z) AS b,
             (SELECT avg(v) FROM unnest(ARRAY[z, y, x]) AS v) AS whole
      FROM (SELECT '{"b": 1}'::label_distribution AS x, '{"a": 0.3, "c": 0.7}'::label_distribution AS y, '{"c": 0.123, "b": 0.877}'::label_distribution AS z) AS v) AS w;

-- labels that are numbers keep the order of numbers, until there is another
SELECT labels(avg(d)) AS numbers FROM (VALUES ('{"10": 1}'::label_distribution), ('{"9": 1}')) AS v(d);
SELECT labels(avg(d)) AS names FROM (VALUES ('{"10": 1}'::label_distribution), ('{"9": 1}'), ('{"x": 1}')) AS v(d);

-- contradictions: those that the fewest rule out share the probability
SELECT pg_temp.r(product(d)) AS "one each" FROM (VALUES ('{"cat": 1}'::label_distribution), ('{"dog": 1}')) AS v(d);
SELECT pg_temp.r(product(d)) AS "two to one" FROM (VALUES ('{"cat": 1}'::label_distribution), ('{"dog": 1}'), ('{"cat": 1}')) AS v(d);
SELECT pg_temp.r(product(d)) AS "and evidence" FROM (VALUES ('{"cat": 1}'::label_distribution), ('{"dog": 1}'), ('{"cat": 0.25, "dog": 0.75}')) AS v(d);

-- thousands of factors do not underflow
SELECT pg_temp.r(product(d)) AS even
FROM generate_series(1, 20000) AS i,
     LATERAL (SELECT label_distribution('{x,y}', CASE WHEN i % 2 = 0 THEN '{0.999,0.001}'::float8[] ELSE '{0.001,0.999}' END) AS d) AS v;
SELECT pg_temp.r(product(d)) AS tiny FROM generate_series(1, 1000), (VALUES ('{"x": 5e-324, "y": 1e-323, "z": 0, "w": 1}'::label_distribution)) AS v(d);

-- combine(): as product() of two, in either order
SELECT pg_temp.r(combine('{"a": 0.8, "b": 0.2}', '{"a": 0.6, "b": 0.4}')) AS plain,
       pg_temp.r(combine('{"a": 0.8, "b": 0.2}', '{"a": 0.6, "b": 0.4}', '{"a": 0.5, "b": 0.5}')) AS even_prior,
       pg_temp.r(combine('{"a": 0.8, "b": 0.2}', '{"a": 0.8, "b": 0.2}', '{"b": 0.2, "a": 0.8}')) AS nothing_new;
SELECT bool_and(combine(x.d, y.d)::text = combine(y.d, x.d)::text
                AND combine(x.d, y.d)::text = (SELECT product(v)::text FROM unnest(ARRAY[x.d, y.d]) AS v)) AS same
FROM d AS x, d AS y WHERE x.d IS NOT NULL AND y.d IS NOT NULL;
SELECT combine('{"a": 1}', NULL) IS NULL AS unknown, combine('{"a": 1}', '{"a": 1}', NULL) IS NULL AS no_prior;
-- what the prior rules out
SELECT pg_temp.r(combine('{"a": 0.5, "b": 0.5}', '{"a": 1}', '{"a": 1}')) AS "b is out";
SELECT combine('{"a": 0.5, "b": 0.5}', '{"a": 0.5, "b": 0.5}', '{"a": 1, "b": 0}');

-- two classifiers that began with the same prior: that of all data, by hand
SELECT pg_temp.r(combine(a, b, prior)) AS combined,
       pg_temp.r(label_distribution('{x,y}', ARRAY[0.9 * 0.1 * 0.1 / (0.9 * 0.1 * 0.1 + 0.1 * 0.9 * 0.8), 0.1 * 0.9 * 0.8 / (0.9 * 0.1 * 0.1 + 0.1 * 0.9 * 0.8)]::float8[])) AS by_hand
FROM (SELECT '{"x": 0.9, "y": 0.1}'::label_distribution AS prior,
             '{"x": 0.5, "y": 0.5}'::label_distribution AS a,				-- 9:1 and evidence of 1:9
             label_distribution('{x,y}', ARRAY[0.09 / 0.17, 0.08 / 0.17]::float8[]) AS b) AS v;	-- 9:1 and evidence of 1:8

-- temper()
SELECT e, pg_temp.r(temper('{"a": 0.8, "b": 0.2, "c": 0}', e)) AS tempered
FROM unnest('{0, 0.5, 1, 2, 1e308, 5e-324}'::float8[]) WITH ORDINALITY AS v(e, i) ORDER BY i;
SELECT temper(d, 1)::text = d::text AS itself, pg_temp.r(temper('{"a": 5e-324, "b": 1e-320, "c": 1}', 1e-3)) AS tiny FROM d WHERE model = 'a';
SELECT temper('{"a": 1}', -0.5);
SELECT temper('{"a": 1}', 'Infinity');

-- Kish's design effect, as the docs have it
SELECT pg_temp.r(temper(product(d), 1 / (1 + (count(d) - 1) * 0.3))) AS less_sure FROM d WHERE model IN ('a', 'd');

--
-- Counted annotations
--
CREATE TEMP TABLE answers (item int, annotator text, label text, gold text, n bigint);
INSERT INTO answers VALUES
	(1, 'ann', 'x', 'x', 3), (1, 'bob', 'y', NULL, 1), (2, 'ann', 'y', NULL, 2), (2, 'ann', 'x', 'y', 1), (10, 'bob', 'x', NULL, 2),
	(3, 'cat', 'x', 'x', 0), (4, 'cat', 'x', NULL, NULL), (5, NULL, 'x', NULL, 1);	-- no annotations
SELECT s::jsonb FROM (SELECT annotation_set(item, annotator, label, gold, n) AS s FROM answers) AS v;
-- the same as so many rows, to the bit; in any order; as text
SELECT counted::text = rows::text AS same, counted::text = backwards::text AS ordered, counted::text = texts::text AS texts
FROM (SELECT annotation_set(item, annotator, label, gold, n) AS counted,
             annotation_set(item, annotator, label, gold, n ORDER BY item DESC, label) AS backwards,
             annotation_set(item::text, annotator, label, gold, n::int) AS texts
      FROM answers) AS a,
     (SELECT annotation_set(item, annotator, label, gold) AS rows FROM answers, generate_series(1, n)) AS b;
-- grouped rows; no gold
SELECT counted::text = rows::text AS same
FROM (SELECT annotation_set(item, annotator, label, NULL, n) AS counted
      FROM (SELECT i % 50 AS item, i % 7 AS annotator, i % 3 AS label, count(*) AS n FROM generate_series(1, 20000) AS i GROUP BY 1, 2, 3) AS g) AS a,
     (SELECT annotation_set(i % 50, i % 7, i % 3) AS rows FROM generate_series(1, 20000) AS i) AS b;
SELECT annotation_set('i', 'a', 'x', NULL, 0) IS NULL AS nothing;
SELECT annotation_set('i', 'a', 'x', NULL, -2);
SELECT annotation_set('i', 'a', 'x', NULL, 3000000000);
SELECT annotation_set(item, annotator, label, label, 2) FROM (VALUES (1, 'a', 'x'), (1, 'b', 'y')) AS v(item, annotator, label);
