-- annotation_set(): collecting rows, gold, repeats, unions, annotation_summary().

CREATE TEMP TABLE answers (item text, annotator text, label text, gold text);
INSERT INTO answers VALUES
	('i1', 'ann', 'x', NULL), ('i1', 'bob', 'y', 'y'), ('i1', 'cat', 'x', NULL),
	('i2', 'ann', 'x', NULL), ('i2', 'ann', 'x', NULL), ('i2', 'ann', 'y', NULL),
	('i3', 'bob', 'y', 'z');

SELECT * FROM annotation_summary((SELECT annotation_set(item, annotator, label) FROM answers));
SELECT * FROM annotation_summary((SELECT annotation_set(item, annotator, label, gold) FROM answers));
SELECT annotation_set(item, annotator, label, gold)::jsonb FROM answers;
SELECT labels(annotation_set(item, annotator, label)), labels(annotation_set(item, annotator, label, gold)) FROM answers;

-- the regimes: gold, overlap, single
SELECT (annotation_summary(annotation_set(item, annotator, label))).regime FROM answers WHERE item = 'i1';
SELECT (annotation_summary(annotation_set(item, annotator, label))).regime FROM answers WHERE item <> 'i1';
SELECT (annotation_summary(annotation_set(item, annotator, label, gold))).regime FROM answers WHERE item = 'i3';
SELECT * FROM annotation_summary((SELECT annotation_set('i', 'a', 'l')));

-- A row with a NULL is no annotation, whatever its gold says; no rows: NULL
SELECT annotation_set(i, a, l, g)::jsonb
FROM (VALUES ('i1', 'ann', 'x', NULL), ('i2', NULL, 'x', 'x'), ('i2', 'ann', NULL, 'x'), (NULL, 'ann', 'x', 'x')) AS v(i, a, l, g);
SELECT annotation_set(item, annotator, label) IS NULL AS empty FROM answers WHERE false;
SELECT annotation_set(NULL, annotator, label) IS NULL AS only_null FROM answers;
SELECT annotation_summary(NULL) IS NULL AS "null";

-- The order of the rows makes no difference
SELECT count(DISTINCT s::text) AS values
FROM (SELECT annotation_set(item, annotator, label, gold ORDER BY md5(i || item || annotator || label)) AS s
      FROM answers, generate_series(1, 20) AS i GROUP BY i) AS v;

-- Sets are joined by name; gold, too
CREATE TEMP TABLE parts AS
SELECT item, annotation_set(item, annotator, label, gold) AS part FROM answers GROUP BY item;
SELECT sum(part)::text = (SELECT annotation_set(item, annotator, label, gold)::text FROM answers) AS same FROM parts;
SELECT (a.part + b.part)::jsonb FROM parts AS a, parts AS b WHERE a.item = 'i1' AND b.item = 'i3';
SELECT (part + part)::jsonb FROM parts WHERE item = 'i3';
SELECT sum(part)::jsonb FROM (SELECT part FROM parts WHERE item = 'i3' UNION ALL SELECT NULL) AS v;
SELECT sum(part) IS NULL AS empty FROM parts WHERE false;

-- Any types
CREATE TYPE pg_temp.verdict AS ENUM ('yes', 'no');
SELECT annotation_set(i, a, l, g)::jsonb
FROM (VALUES (1, '00000000-0000-0000-0000-00000000000a'::uuid, 'yes'::verdict, NULL::verdict),
             (2, '00000000-0000-0000-0000-00000000000b', 'no', 'yes')) AS v(i, a, l, g);
SELECT annotation_set(i, a, l)::jsonb FROM (VALUES (10::bigint, 'ann'::name, true), (9, 'bob', false)) AS v(i, a, l);
-- items are ordered by the bytes of their names, labels that are integers as numbers
SELECT annotation_set(i, i, i)::jsonb -> 'items' ->> '9' AS "9", labels(annotation_set(i, i, i))
FROM (VALUES (9), (10)) AS v(i);

-- A set may be the state of a window
SELECT item, (annotation_summary(annotation_set(item, annotator, label) OVER (ORDER BY item))).annotations
FROM answers ORDER BY item;
