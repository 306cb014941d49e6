-- f1_report(): averages, classes, intervals, undefined measures.

CREATE FUNCTION pg_temp.r(float8) RETURNS numeric LANGUAGE sql AS 'SELECT round($1::numeric, 4)';

-- two models on the same ten items; model b never says "bird"
CREATE TEMP TABLE scored (model text, truth text, predicted text);
INSERT INTO scored
SELECT 'a', t, p FROM unnest('{cat,cat,cat,cat,dog,dog,dog,bird,bird,bird}'::text[],
							 '{cat,cat,cat,dog,dog,dog,cat,bird,bird,dog}'::text[]) AS v(t, p);
INSERT INTO scored
SELECT 'b', t, p FROM unnest('{cat,cat,cat,cat,dog,dog,dog,bird,bird,bird}'::text[],
							 '{cat,cat,dog,dog,dog,dog,dog,dog,cat,dog}'::text[]) AS v(t, p);

-- one row for each model
SELECT model, (f).n, pg_temp.r((f).accuracy) AS accuracy, pg_temp.r((f).accuracy_low) AS accuracy_low,
       pg_temp.r((f).accuracy_high) AS accuracy_high, pg_temp.r((f).balanced_accuracy) AS balanced_accuracy,
       pg_temp.r((f).macro_precision) AS macro_precision, pg_temp.r((f).macro_recall) AS macro_recall
FROM (SELECT model, f1_report(truth, predicted) AS f FROM scored GROUP BY model) AS v ORDER BY model;
SELECT model, pg_temp.r((f).macro_f1) AS macro_f1, pg_temp.r((f).macro_f1_low) AS macro_f1_low,
       pg_temp.r((f).macro_f1_high) AS macro_f1_high, pg_temp.r((f).micro_f1) AS micro_f1,
       pg_temp.r((f).weighted_precision) AS weighted_precision, pg_temp.r((f).weighted_recall) AS weighted_recall,
       pg_temp.r((f).weighted_f1) AS weighted_f1
FROM (SELECT model, f1_report(truth, predicted) AS f FROM scored GROUP BY model) AS v ORDER BY model;
SELECT model, pg_temp.r((f).matthews_corrcoef) AS mcc, pg_temp.r((f).cohen_kappa) AS kappa,
       array_length((f).classes, 1) AS classes
FROM (SELECT model, f1_report(truth, predicted) AS f FROM scored GROUP BY model) AS v ORDER BY model;

-- one row for each class
SELECT model, c.label, c.support, c.predicted,
       pg_temp.r(c.precision) AS prec, pg_temp.r(c.precision_low) AS low, pg_temp.r(c.precision_high) AS high,
       pg_temp.r(c.recall) AS recall, pg_temp.r(c.recall_low) AS low, pg_temp.r(c.recall_high) AS high,
       pg_temp.r(c.f1) AS f1, pg_temp.r(c.f1_low) AS low, pg_temp.r(c.f1_high) AS high
FROM (SELECT model, f1_report(truth, predicted) AS f FROM scored GROUP BY model) AS v, unnest((f).classes) AS c
ORDER BY model, c.label COLLATE "C";
-- or without FROM
SELECT model, (unnest((f1_report(truth, predicted)).classes)).label AS label FROM scored GROUP BY model ORDER BY model, label;

-- the printed table; what is undefined is a dash
\pset format unaligned
SELECT report(f1_report(truth, predicted)) FROM scored WHERE model = 'b';
-- weights; long names; counts that are not whole
SELECT report(f1_report('the ' || truth || ' with a long name', predicted, 0.25)) FROM scored WHERE model = 'b';
\pset format aligned

-- the columns
SELECT * FROM f1_report('{"labels": ["a", "b"], "counts": [[3, 1], [0, 4]]}'::confusion_matrix) \gdesc
-- expansion of the composite
SELECT model, (f1_report(truth, predicted)).n, (f1_report(truth, predicted)).accuracy
FROM scored GROUP BY model ORDER BY model;

-- aggregate over rows, function of a matrix: the same
SELECT model, f1_report(truth, predicted) = f1_report(annotator_confusion(truth, predicted)) AS same
FROM scored GROUP BY model ORDER BY model;
-- an integer weight is so many rows
SELECT f1_report(truth, predicted, 3) = (SELECT f1_report(truth, predicted) FROM scored, generate_series(1, 3) WHERE model = 'a') AS same
FROM scored WHERE model = 'a';
-- other types
SELECT (f).accuracy, (f).classes[1].label
FROM (SELECT f1_report(t, p) AS f FROM (VALUES (10, 10), (9, 10)) AS v(t, p)) AS w;
-- NULL rows are skipped, no rows: NULL
SELECT (f1_report(t, p)).n FROM (VALUES ('a', 'a'), (NULL, 'a'), ('a', NULL)) AS v(t, p);
SELECT f1_report(truth, predicted) IS NULL AS empty FROM scored WHERE false;

-- Undefined is NULL
SELECT cm, (f).n, (f).accuracy AS acc, pg_temp.r((f).accuracy_low) AS low, (f).balanced_accuracy AS balanced,
       (f).macro_f1 AS macro, (f).macro_f1_low AS low, (f).macro_f1_high AS high, (f).micro_f1 AS micro,
       (f).weighted_f1 AS weighted, (f).matthews_corrcoef AS mcc, (f).cohen_kappa AS kappa,
       coalesce(array_length((f).classes, 1), 0) AS classes
FROM (SELECT cm, f1_report(cm) AS f
      FROM (VALUES ('{"labels": [], "counts": []}'::confusion_matrix),
                   ('{"labels": ["a"], "counts": [[0]]}'),
                   ('{"labels": ["a"], "counts": [[5]]}'),
                   ('{"labels": ["a", "b"], "counts": [[0, 4], [4, 0]]}')) AS v(cm)) AS w;
SELECT c.label, c.support, c.predicted, pg_temp.r(c.precision) AS prec, c.recall, pg_temp.r(c.f1) AS f1,
       pg_temp.r(c.f1_low) AS f1_low, pg_temp.r(c.f1_high) AS f1_high
FROM unnest((f1_report('{"labels": ["a", "never right", "never used", "only predicted"], "counts": [[4, 0, 0, 0], [2, 0, 0, 2], [0, 0, 0, 0], [0, 0, 0, 0]]}'::confusion_matrix)).classes) AS c;

-- A fixed set of classes: one without counts is left out of the averages, and
-- micro-F1 of a part of the classes is not accuracy
SELECT pg_temp.r((f).macro_f1) AS macro_f1, pg_temp.r((f).micro_f1) AS micro_f1, (f).accuracy,
       array(SELECT c.label FROM unnest((f).classes) AS c) AS classes
FROM (SELECT f1_report(annotator_confusion(truth, predicted), labels) AS f
      FROM scored, (VALUES (1, NULL::text[]), (2, '{cat,dog}'), (3, '{dog,cat,fish}'), (4, '{fish}'), (5, '{}')) AS v(i, labels)
      WHERE model = 'a' GROUP BY i, labels ORDER BY i) AS w;
-- the level of the intervals
SELECT pg_temp.r((f).accuracy_low) AS low, pg_temp.r((f).accuracy_high) AS high,
       pg_temp.r((f).macro_f1_low) AS low, pg_temp.r((f).macro_f1_high) AS high
FROM (SELECT f1_report(annotator_confusion(truth, predicted), NULL, level => l) AS f
      FROM scored, (VALUES (0.5), (0.95), (0.99)) AS v(l)
      WHERE model = 'a' GROUP BY l ORDER BY l) AS w;
SELECT f1_report(annotator_confusion(truth, predicted)) = f1_report(annotator_confusion(truth, predicted), NULL::text[]) AS same
FROM scored;

\pset format unaligned
\pset tuples_only on
-- some of the labels: micro averages, and the support of these
SELECT report(f1_report(annotator_confusion(truth, predicted), '{cat,dog}')) FROM scored WHERE model = 'b';
SELECT report(f1_report(annotator_confusion(truth, predicted), '{bird}')) FROM scored WHERE model = 'b';
SELECT report(f1_report(annotator_confusion(truth, predicted), '{none}')) FROM scored WHERE model = 'b';
SELECT report(f1_report(annotator_confusion(truth, predicted, 0.1), '{dog,bird}')) FROM scored WHERE model = 'b';
-- all of them, and more
SELECT report(f1_report(annotator_confusion(truth, predicted), '{dog,cat,bird,none}')) FROM scored WHERE model = 'b';
SELECT report(f1_report(annotator_confusion(truth, predicted, 0.1), '{dog,cat,bird}')) FROM scored WHERE model = 'b';
SELECT report(f1_report('{"labels": [], "counts": []}'::confusion_matrix));
-- a line for each label, and straight columns: line breaks, tabs and other
-- characters that do not print; wide ones, and those that take no room
SELECT report(f1_report(l, l)) FROM unnest(ARRAY[E'two\nlines', E'a\ttab', E'\r\x01\x7f', U&'\4f60\597d', U&'e\0301', U&'\0085', E'a\\n', 'plain label']) AS l;
-- counts that are too wide are rounded
SELECT report(f1_report(l, l, w)) FROM (VALUES ('a', 99999999999), ('b', 1e300), ('c', 123456789.4)) AS v (l, w);
\pset tuples_only off
\pset format aligned
SELECT report(NULL::f1_report) IS NULL AS "null";
