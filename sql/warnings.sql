-- fit_report().warnings: each has a case that provokes it and one that does not
\set VERBOSITY terse
\a
\t

CREATE FUNCTION pg_temp.warnings(m annotator_model) RETURNS SETOF text LANGUAGE sql AS
$$ SELECT unnest(warnings) FROM fit_report(m) $$;

-- The notes on annotators, in the order of their names
CREATE FUNCTION pg_temp.notes(m annotator_model) RETURNS TABLE (annotator text, note text) LANGUAGE sql AS
$$ SELECT key, value FROM jsonb_each_text(m::jsonb -> 'notes') ORDER BY key COLLATE "C" $$;

-- Warnings and notes
CREATE FUNCTION pg_temp.said(m annotator_model) RETURNS SETOF text LANGUAGE sql AS
$$ SELECT pg_temp.warnings(m) UNION ALL SELECT '-- ' || n.annotator || ': ' || n.note FROM pg_temp.notes(m) AS n $$;

-- A crowd to vary: 40 items of two classes, annotators a, b, c; b errs on every
-- seventh item, c on every fifth
CREATE TEMP TABLE crowd AS
SELECT 'i' || lpad(i::text, 2, '0') AS item, annotator,
       (ARRAY['no', 'yes'])[1 + (i + (i % every = 0)::int) % 2] AS label
FROM generate_series(1, 40) AS i, (VALUES ('a', 100), ('b', 7), ('c', 5)) AS v(annotator, every);

SELECT pg_temp.said(dawid_skene(item, annotator, label)) FROM crowd;

-- Not converged
SELECT pg_temp.said(dawid_skene(item, annotator, label, '{"max_iterations": 1}'::jsonb)) FROM crowd;

-- No overlap: one annotation for each item
SELECT pg_temp.said(dawid_skene(item, annotator, label))
FROM crowd WHERE ascii(annotator) - ascii('a') = right(item, 2)::int % 3;

-- gold for a fifth of them tells (for less than a tenth: see the warning of little overlap)
SELECT pg_temp.said(dawid_skene(item, annotator, label, CASE WHEN right(item, 2)::int % 5 = 0 THEN label END))
FROM crowd WHERE ascii(annotator) - ascii('a') = right(item, 2)::int % 3;
SELECT pg_temp.said(dawid_skene(item, annotator, label, CASE WHEN right(item, 2)::int % 20 = 0 THEN label END))
FROM crowd WHERE ascii(annotator) - ascii('a') = right(item, 2)::int % 3;

-- Two groups that share no item
SELECT pg_temp.said(dawid_skene(g || item, g || annotator, label)) FROM crowd, (VALUES ('x'), ('y')) AS v(g);
-- one annotator who did both joins them
SELECT pg_temp.said(dawid_skene(g || item, CASE annotator WHEN 'a' THEN '' ELSE g END || annotator, label))
FROM crowd, (VALUES ('x'), ('y')) AS v(g);

-- Always the same label
SELECT pg_temp.said(dawid_skene(item, annotator, label))
FROM (SELECT * FROM crowd UNION ALL SELECT DISTINCT item, 'd', 'no' FROM crowd) AS v;
-- on fewer than ten items, or where nearly all are of this class, that says nothing
SELECT pg_temp.said(dawid_skene(item, annotator, label))
FROM (SELECT * FROM crowd UNION ALL SELECT DISTINCT item, 'd', 'no' FROM crowd WHERE item < 'i10') AS v;
SELECT pg_temp.said(dawid_skene(item, annotator, label))
FROM (SELECT * FROM crowd UNION ALL SELECT DISTINCT item, 'd', 'no' FROM crowd WHERE right(item, 1)::int % 2 = 0 OR item = 'i11') AS v;

-- Worse than guessing: an annotator who says the opposite
SELECT pg_temp.said(dawid_skene(item, annotator, label))
FROM (SELECT * FROM crowd
      UNION ALL
      SELECT item, 'devil', CASE label WHEN 'no' THEN 'yes' ELSE 'no' END FROM crowd WHERE annotator = 'a') AS v;

-- Answers without information: d's go with the tens of a number, which here say nothing;
-- those of e, who errs on every third item, do
SELECT pg_temp.said(dawid_skene(g || item, annotator, label))
FROM (SELECT * FROM crowd
      UNION ALL
      SELECT item, 'd', (ARRAY['no', 'yes'])[1 + i / 10 % 2] FROM crowd, LATERAL (SELECT right(item, 2)::int) AS v(i) WHERE annotator = 'a'
      UNION ALL
      SELECT item, 'e', (ARRAY['no', 'yes'])[1 + (i + (i % 3 = 0)::int) % 2] FROM crowd, LATERAL (SELECT right(item, 2)::int) AS v(i)
      WHERE annotator = 'a') AS v, (VALUES ('x'), ('y')) AS w(g);

-- One who mixes up three classes always in the same way tells as much as the others
SELECT pg_temp.said(dawid_skene(i, j, label))
FROM (SELECT i, j, (i + (i % (5 + j) = 0)::int) % 3 AS label FROM generate_series(1, 60) AS i, generate_series(1, 4) AS j
      UNION ALL
      SELECT i, 9, (i + 1) % 3 FROM generate_series(1, 60) AS i) AS v;

-- Copies: of c, who errs on every fifth item
SELECT pg_temp.said(dawid_skene(g || item, annotator, label))
FROM (SELECT * FROM crowd
      UNION ALL
      SELECT item, 'c again', label FROM crowd WHERE annotator = 'c'
      UNION ALL
      SELECT item, 'd', (ARRAY['no', 'yes'])[1 + (i + (i % 6 = 0)::int) % 2] FROM crowd, LATERAL (SELECT right(item, 2)::int) AS v(i)
      WHERE annotator = 'a') AS v, generate_series(1, 5) AS g;

-- Labelling functions: each says only one thing, or nothing
SELECT pg_temp.said(dawid_skene(i, lf, label))
FROM (SELECT i, lf, (ARRAY['ham', 'spam'])[1 + lf % 2] AS label
      FROM generate_series(1, 80) AS i, generate_series(1, 6) AS lf
      WHERE CASE WHEN i % 2 = lf % 2 THEN (i / 2 + lf) % 3 < 2 ELSE (i / 2 + lf) % 7 = 0 END) AS v;

-- A class that nearly no item has: c alone says it, once; said of gold, it is one item
SELECT pg_temp.said(dawid_skene(item, annotator, label))
FROM (SELECT item, annotator, CASE WHEN item = 'i10' AND annotator = 'c' THEN 'maybe' ELSE label END FROM crowd) AS v(item, annotator, label);
SELECT pg_temp.said(dawid_skene(item, annotator, label, CASE item WHEN 'i10' THEN 'maybe' END))
FROM (SELECT item, annotator, CASE WHEN item = 'i10' AND annotator = 'c' THEN 'maybe' ELSE label END FROM crowd) AS v(item, annotator, label);

-- A class that only gold has
SELECT pg_temp.said(dawid_skene(item, annotator, label, CASE WHEN item IN ('i10', 'i20') THEN 'maybe' END)) FROM crowd;

-- labels that options alone name are not gold's
SELECT o, pg_temp.said(dawid_skene(annotation_set(item, annotator, label, CASE WHEN item IN ('i10', 'i20') THEN 'maybe' END), o))
FROM crowd, (VALUES ('{"abstain": "unsure"}'), ('{"prior": {"maybe": 0.1, "no": 0.4, "never": 0.1, "yes": 0.4}}'), ('{"silence": "informative"}')) AS v(o)
GROUP BY o ORDER BY o COLLATE "C";
-- nor does the one that is no class make more items necessary to say that a class has none
SELECT o, pg_temp.said(dawid_skene(annotation_set(item, annotator, CASE item || annotator WHEN 'i03c' THEN 'Yes' ELSE label END), o))
FROM crowd, (VALUES ('{}'), ('{"abstain": "unsure"}')) AS v(o) WHERE item <= 'i35'
GROUP BY o ORDER BY o COLLATE "C";

-- The crowd contradicts gold: a quarter of the items are traps, on which all agree and
-- gold, which a fifth of them have, says otherwise. Nobody knows better
SELECT pg_temp.said(dawid_skene(g || item, annotator, label, CASE WHEN g = 1 THEN (ARRAY['no', 'yes'])[1 + (i + (i % 4 = 0)::int) % 2] END))
FROM crowd, LATERAL (SELECT right(item, 2)::int) AS v(i), generate_series(1, 5) AS g;
-- gold that is right on .8 may contradict a fifth of the answers, but not two fifths
SELECT wrong, left(pg_temp.warnings(dawid_skene(annotation_set(g || item, annotator, label, (ARRAY['no', 'yes'])[1 + (i + ((i + g) % 5 < wrong)::int) % 2]), '{"gold_weight": 0.8}')), 96) AS warning
FROM crowd, LATERAL (SELECT right(item, 2)::int) AS v(i), generate_series(0, 4) AS g, generate_series(1, 2) AS wrong
GROUP BY wrong ORDER BY wrong;
-- two of five annotators see through the traps: gold teaches whom to trust
CREATE TEMP TABLE traps AS
SELECT g || 'i' || i AS item, annotator, CASE WHEN g <= 2 THEN truth END AS gold,
       CASE WHEN trap AND annotator NOT LIKE 'expert%' THEN bait
            WHEN (i + g * 40 + ascii(annotator) * 3) % 11 = 0 THEN bait ELSE truth END AS label
FROM (SELECT g, i, i % 4 = 0 AS trap, (ARRAY['a', 'b', 'c'])[1 + i % 3] AS truth, (ARRAY['a', 'b', 'c'])[1 + (i + 1) % 3] AS bait
      FROM generate_series(1, 40) AS i, generate_series(1, 10) AS g) AS v,
     (VALUES ('expert 1'), ('expert 2'), ('p'), ('q'), ('r')) AS w(annotator);
SELECT pg_temp.warnings(dawid_skene(item, annotator, label, gold, '{"copies": "off"}'::jsonb)) FROM traps;
SELECT pg_temp.warnings(dawid_skene(item, annotator, label, gold, '{"variant": "full"}'::jsonb)) FROM traps;
SELECT pg_temp.warnings(dawid_skene(item, annotator, label, gold, '{"learn_from": "gold"}'::jsonb)) FROM traps;
-- gold that agrees is no reason to worry
SELECT pg_temp.said(dawid_skene(item, annotator, label, gold))
FROM (SELECT item, annotator, label, CASE WHEN i <= 10 THEN (ARRAY['no', 'yes'])[1 + i % 2] END
      FROM crowd, LATERAL (SELECT right(item, 2)::int) AS v(i)) AS v(item, annotator, label, gold);

-- Contradictory answers: on every item two say yes and two say no
SELECT pg_temp.warnings(dawid_skene(item, annotator, label))
FROM (SELECT item, annotator, CASE WHEN (ascii(annotator) + right(item, 2)::int * 3) % 4 < 2 THEN 'no' ELSE 'yes' END
      FROM (SELECT DISTINCT item FROM crowd) AS v, (VALUES ('a'), ('b'), ('c'), ('d')) AS w(annotator)) AS v(item, annotator, label);

-- The answer is not the most frequent label: three of seven know, four avoid what is right.
-- The column is what a query says, and only a share above .2 gets a warning
CREATE TEMP TABLE few AS
SELECT item, annotator, label FROM simulate_annotations(300, '{"expert": 3, "adversary": 4}', '{"seed": 4}');
CREATE TEMP TABLE fits AS SELECT dawid_skene(item, annotator, label) AS m FROM few;
SELECT round(majority_disagreement::numeric, 4), warnings FROM fits, fit_report(m);
SELECT round(avg((NOT label = ANY (top))::int), 4), count(*)
FROM consensus((SELECT annotation_set(item, annotator, label) FROM few), (SELECT m FROM fits))
     JOIN (SELECT item, array_agg(label) FILTER (WHERE votes = most) AS top FROM
               (SELECT item, label, count(*) AS votes, max(count(*)) OVER (PARTITION BY item) AS most FROM few GROUP BY item, label) AS v
           GROUP BY item HAVING sum(votes) > 1) AS v USING (item);
-- unknown where there are no items of two annotators, or all have gold; an item whose votes are tied agrees
SELECT majority_disagreement FROM fit_report((SELECT dawid_skene(item, annotator, label) FROM crowd WHERE annotator = 'a'));
SELECT majority_disagreement FROM fit_report((SELECT dawid_skene(item, annotator, label, label) FROM crowd WHERE annotator = 'a'));
SELECT majority_disagreement FROM fit_report((SELECT dawid_skene(item, annotator, label) FROM crowd WHERE annotator <> 'a'));
SELECT majority_disagreement FROM fit_report((SELECT dawid_skene(item, annotator, label, '{"variant": "majority"}'::jsonb) FROM crowd));
