-- annotator_confusion(), its sums, accessors and measures.

CREATE TEMP TABLE pets (truth text, label text, weight float8, n int);
INSERT INTO pets VALUES
	('cat', 'cat', 1, 8), ('cat', 'dog', 0.5, 2), ('dog', 'cat', 2, 1), ('dog', 'dog', 0.25, 9);
CREATE TEMP VIEW rows AS
SELECT truth, label, weight FROM pets, generate_series(1, n);

SELECT annotator_confusion(truth, label) FROM rows;
SELECT annotator_confusion(truth, label, weight) FROM rows;
SELECT annotator_confusion(truth, label, n) FROM pets;
SELECT annotator_confusion(truth, label, 0) FROM pets;

-- A row with a NULL is skipped; no rows: NULL
SELECT annotator_confusion(truth, label, weight)
FROM (VALUES ('a', 'a', 1.0), (NULL, 'b', 1.0), ('c', NULL, 1.0), ('d', 'd', NULL)) AS v(truth, label, weight);
SELECT annotator_confusion(truth, label) IS NULL AS empty FROM rows WHERE false;
SELECT annotator_confusion(NULL::text, label) IS NULL AS only_null FROM rows;

-- Arguments of any type, by their text form
CREATE TYPE pg_temp.mood AS ENUM ('sad', 'ok');
SELECT annotator_confusion(t, l) FROM (VALUES (2, 10), (10, 10)) AS v(t, l);
SELECT annotator_confusion(t, l) FROM (VALUES (true, false), (true, true)) AS v(t, l);
SELECT annotator_confusion(t::mood, l) FROM (VALUES ('sad', 'ok'), ('ok', 'ok')) AS v(t, l);
SELECT annotator_confusion(t, l, 2) FROM (VALUES (1::bigint, '1'::varchar), (2, '1')) AS v(t, l);
SELECT annotator_confusion(t, t, w)
FROM (VALUES ('00000000-0000-0000-0000-000000000001'::uuid, 1::real), (NULL, 5)) AS v(t, w);

-- A distribution as truth adds expected counts
SELECT annotator_confusion(truth, label)
FROM (VALUES ('{"cat": 0.75, "dog": 0.25}'::label_distribution, 'cat'),
             ('{"cat": 0.5, "dog": 0.5}', 'bird'), (NULL, 'cat')) AS v(truth, label);

-- Groups, FILTER, windows, grouping sets
SELECT label, annotator_confusion(truth, label) FILTER (WHERE truth = 'cat')
FROM rows GROUP BY label ORDER BY label;
SELECT n, total(annotator_confusion(truth, label, n) OVER (ORDER BY n)) FROM pets ORDER BY n;
SELECT n, total(annotator_confusion(truth, label, n) OVER (ORDER BY n ROWS 1 PRECEDING)) FROM pets ORDER BY n;
SELECT truth, label, annotator_confusion(truth, label)
FROM rows GROUP BY GROUPING SETS ((truth), (label), ()) ORDER BY truth, label;

-- Sums join labels by name
SELECT annotator_confusion(truth, label) + '{"labels": ["bird", "cat"], "counts": [[5, 1], [0, 2]]}'
FROM rows;
SELECT sum(cm) FROM (SELECT annotator_confusion(truth, label) FROM rows GROUP BY truth) AS v(cm);
SELECT sum(cm) FROM (VALUES (NULL::confusion_matrix), ('{"labels": ["a"], "counts": [[1]]}'), (NULL)) AS v(cm);
SELECT sum(cm) IS NULL AS empty FROM (VALUES (NULL::confusion_matrix)) AS v(cm);
SELECT NULL + annotator_confusion(truth, label) IS NULL AS "null" FROM rows;

-- Accessors
CREATE TEMP TABLE matrix AS SELECT annotator_confusion(truth, label) AS cm FROM rows;
SELECT labels(cm), counts(cm), total(cm) FROM matrix;
SELECT (counts(cm))[1][2] AS cat_called_dog FROM matrix;
SELECT labels(e), counts(e), total(e) FROM (SELECT '{"labels": [], "counts": []}'::confusion_matrix) AS v(e);
SELECT truth, label, count, rate, round(rate_low::numeric, 4) AS rate_low, round(rate_high::numeric, 4) AS rate_high
FROM matrix, cells(cm);
SELECT truth, label, rate, round(rate_low::numeric, 4) AS rate_low, round(rate_high::numeric, 4) AS rate_high
FROM matrix, cells(cm, level => 0.5);
-- a truth row without counts has no rates
SELECT truth, label, count, rate, round(rate_low::numeric, 4) AS rate_low, round(rate_high::numeric, 4) AS rate_high
FROM cells('{"labels": ["a", "b"], "counts": [[3, 0], [0, 0]]}');
SELECT count(*) FROM cells(NULL);

-- Measures
SELECT round(accuracy(cm)::numeric, 4) AS accuracy, round(balanced_accuracy(cm)::numeric, 4) AS balanced,
       round(cohen_kappa(cm)::numeric, 4) AS kappa, round(matthews_corrcoef(cm)::numeric, 4) AS mcc,
       round(mutual_information(cm)::numeric, 4) AS bits
FROM matrix;
-- Undefined is NULL: no counts; one class; constant truth; constant label
SELECT cm, accuracy(cm) AS acc, round(balanced_accuracy(cm)::numeric, 4) AS balanced, cohen_kappa(cm) AS kappa,
       matthews_corrcoef(cm) AS mcc, mutual_information(cm) AS bits
FROM (VALUES ('{"labels": [], "counts": []}'::confusion_matrix),
             ('{"labels": ["a"], "counts": [[0]]}'),
             ('{"labels": ["a"], "counts": [[7]]}'),
             ('{"labels": ["a", "b"], "counts": [[4, 4], [0, 0]]}'),
             ('{"labels": ["a", "b"], "counts": [[4, 0], [4, 0]]}'),
             ('{"labels": ["a", "b"], "counts": [[0, 4], [4, 0]]}'),
             ('{"labels": ["a", "b"], "counts": [[4, 0], [0, 4]]}')) AS v(cm);

-- Scott's pi of two abstractors (Gwet 2014, table of 100 patients): published as .7962
SELECT round(scott_pi('{"labels": ["Ectopic", "AIU", "NIU"], "counts": [[13, 0, 0], [0, 20, 7], [0, 4, 56]]}')::numeric, 6) AS pi;
SELECT scott_pi('{"labels": [], "counts": []}') AS none, scott_pi('{"labels": ["a"], "counts": [[7]]}') AS one,
       scott_pi('{"labels": ["a", "b"], "counts": [[0, 7], [0, 0]]}') AS unlike,
       scott_pi('{"labels": ["a", "b"], "counts": [[4, 0], [0, 4]]}') AS same,
       scott_pi('{"labels": ["a", "b"], "counts": [[1e17, 1], [1, 1]]}') AS one_has_nearly_all;

-- smooth: pseudo-counts on each truth row, spread as in the same row of the other
SELECT smooth('{"labels": ["cat", "dog"], "counts": [[2, 0], [0, 0]]}', cm, 10) FROM matrix;
SELECT smooth(cm, cm, 0) FROM matrix;
-- rows that the other has no counts for stay; its labels join
SELECT smooth('{"labels": ["a", "b"], "counts": [[1, 1], [1, 1]]}',
			  '{"labels": ["a", "c"], "counts": [[3, 1], [0, 0]]}', 4);

-- Expected counts with labels of any type; without the overload the distribution
-- itself would be taken for a label
SELECT annotator_confusion('{"1": 0.75, "2": 0.25}'::label_distribution, label) FROM (VALUES (1), (2), (2)) AS v(label);
