-- fit_report().warnings: each has a case that provokes it and one that does not
\set VERBOSITY terse

CREATE FUNCTION pg_temp.warnings(m annotator_model) RETURNS SETOF text LANGUAGE sql AS
$$ SELECT unnest(warnings) FROM fit_report(m) $$;

-- A crowd to vary: 40 items of two classes, annotators a, b, c; b errs on every
-- seventh item, c on every fifth
CREATE TEMP TABLE crowd AS
SELECT 'i' || lpad(i::text, 2, '0') AS item, annotator,
       (ARRAY['no', 'yes'])[1 + (i + (i % every = 0)::int) % 2] AS label
FROM generate_series(1, 40) AS i, (VALUES ('a', 100), ('b', 7), ('c', 5)) AS v(annotator, every);

SELECT pg_temp.warnings(dawid_skene(item, annotator, label)) FROM crowd;

-- Not converged
SELECT pg_temp.warnings(dawid_skene(item, annotator, label, '{"max_iterations": 1}'::jsonb)) FROM crowd;

-- No overlap: one annotation for each item
SELECT pg_temp.warnings(dawid_skene(item, annotator, label))
FROM crowd WHERE ascii(annotator) - ascii('a') = right(item, 2)::int % 3;

-- Two groups that share no item
SELECT pg_temp.warnings(dawid_skene(g || item, g || annotator, label)) FROM crowd, (VALUES ('x'), ('y')) AS v(g);
-- one annotator who did both joins them
SELECT pg_temp.warnings(dawid_skene(g || item, CASE annotator WHEN 'a' THEN '' ELSE g END || annotator, label))
FROM crowd, (VALUES ('x'), ('y')) AS v(g);

-- Always the same label: from ten annotations on
SELECT pg_temp.warnings(dawid_skene(item, annotator, label))
FROM (SELECT * FROM crowd UNION ALL SELECT DISTINCT item, 'd', 'no' FROM crowd) AS v;
SELECT pg_temp.warnings(dawid_skene(item, annotator, label))
FROM (SELECT * FROM crowd UNION ALL SELECT DISTINCT item, 'd', 'no' FROM crowd WHERE item < 'i10') AS v;

-- Worse than guessing: an annotator who says the opposite
SELECT pg_temp.warnings(dawid_skene(item, annotator, label))
FROM (SELECT * FROM crowd
      UNION ALL
      SELECT item, 'devil', CASE label WHEN 'no' THEN 'yes' ELSE 'no' END FROM crowd WHERE annotator = 'a') AS v;

-- A class that nearly no item has: c alone says it, once; said of gold, it is one item
SELECT pg_temp.warnings(dawid_skene(item, annotator, label))
FROM (SELECT item, annotator, CASE WHEN item = 'i10' AND annotator = 'c' THEN 'maybe' ELSE label END FROM crowd) AS v(item, annotator, label);
SELECT pg_temp.warnings(dawid_skene(item, annotator, label, CASE item WHEN 'i10' THEN 'maybe' END))
FROM (SELECT item, annotator, CASE WHEN item = 'i10' AND annotator = 'c' THEN 'maybe' ELSE label END FROM crowd) AS v(item, annotator, label);

-- The crowd contradicts gold: half of the gold items are traps, on which all agree
-- and gold says otherwise
SELECT pg_temp.warnings(dawid_skene(item, annotator, label, gold))
FROM (SELECT item, annotator, label,
             CASE WHEN i <= 10 THEN (ARRAY['no', 'yes'])[1 + (i + (i <= 5)::int) % 2] END
      FROM crowd, LATERAL (SELECT right(item, 2)::int) AS v(i)) AS v(item, annotator, label, gold);
-- gold that agrees is no reason to worry
SELECT pg_temp.warnings(dawid_skene(item, annotator, label, gold))
FROM (SELECT item, annotator, label, CASE WHEN i <= 10 THEN (ARRAY['no', 'yes'])[1 + i % 2] END
      FROM crowd, LATERAL (SELECT right(item, 2)::int) AS v(i)) AS v(item, annotator, label, gold);
