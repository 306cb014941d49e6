-- The value types: text input and output, order of labels, casts to jsonb,
-- storage in tables.

-- confusion_matrix
SELECT '{"labels": ["cat", "dog"], "counts": [[8, 2], [1, 9]]}'::confusion_matrix;
SELECT '{"labels": [], "counts": []}'::confusion_matrix;
-- labels may come in any order; rows and columns follow them
SELECT '{"counts": [[1, 2], [3, 4]], "labels": ["b", "a"]}'::confusion_matrix;
-- any double is written so that it reads back as the same
SELECT '{"labels": ["a"], "counts": [[0.1]]}'::confusion_matrix;
SELECT '{"labels": ["a"], "counts": [[1e300]]}'::confusion_matrix;
SELECT '{"labels": ["a"], "counts": [[0.30000000000000004]]}'::confusion_matrix;
-- quotes, line ends and the empty string are labels like others
SELECT '{"labels": ["", "a\"b", "c\nd"], "counts": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}'::confusion_matrix;

-- Labels are ordered bytewise, as numbers when all are integers
SELECT labels(annotator_confusion(l, l))
FROM (VALUES ('b'), ('B'), ('a'), ('A'), ('_'), ('10'), ('9')) AS v(l);
SELECT labels(annotator_confusion(l, l))
FROM (VALUES ('10'), ('9'), ('-3'), ('-12'), ('0'), ('100000000000000000000000000')) AS v(l);
SELECT labels(annotator_confusion(l, l)) FROM (VALUES (10), (9), (-3)) AS v(l);
-- "1" and "01" are two labels
SELECT labels(annotator_confusion(l, l)) FROM (VALUES ('2'), ('01'), ('1')) AS v(l);
-- neither is an integer
SELECT labels(annotator_confusion(l, l)) FROM (VALUES ('10'), ('9'), ('1.5')) AS v(l);
SELECT labels(annotator_confusion(l, l)) FROM (VALUES ('10'), ('9'), ('-')) AS v(l);

-- label_distribution
SELECT '{"dog": 0.07, "cat": 0.93}'::label_distribution;
SELECT '{"10": 0.25, "9": 0.75}'::label_distribution;
SELECT label_distribution(ARRAY['dog', 'cat'], ARRAY[0.07, 0.93]);
-- rounded probabilities are rescaled to 1, exact ones are kept
SELECT round(probability(d, 'a')::numeric, 6) AS a, round(probability(d, 'c')::numeric, 6) AS c
FROM (SELECT '{"a": 0.33, "b": 0.33, "c": 0.33}'::label_distribution) AS v(d);
SELECT '{"a": 0.1, "b": 0.2, "c": 0.7}'::label_distribution;

-- its accessors
SELECT labels(d), top_label(d), confidence(d), round(entropy(d)::numeric, 4) AS entropy,
       round(margin(d)::numeric, 4) AS margin, probability(d, 'b') AS b, probability(d, 'z') AS z
FROM (VALUES ('{"a": 0.25, "b": 0.5, "c": 0.25}'::label_distribution),
             ('{"a": 0.5, "b": 0.5}'),
             ('{"c": 0.4, "b": 0.4, "a": 0.2}'),
             ('{"b": 1}'),
             ('{"a": 0, "b": 1}')) AS v(d);
SELECT * FROM probabilities('{"dog": 0.25, "cat": 0.75}');
SELECT probability(NULL::label_distribution, 'a'), top_label(NULL);

-- annotation_set: its text form is for machines, jsonb for readers
SELECT annotation_set(i, a, l, g)::jsonb
FROM (VALUES ('i1', 'ann', 'x', 'y'), ('i1', 'bob', 'y', NULL), ('i2', 'ann', 'x', NULL)) AS v(i, a, l, g);
SELECT annotation_set('i', 'ann', 'x');
SELECT 'annotation_set:1:AwEAAAABAAAAAWkAAAABAAAAA2FubgAAAAEAAAABeAAAAAAAAAAAAQAAAAAAAA=='::annotation_set::jsonb;

-- annotator_model
SELECT jsonb_pretty(dawid_skene(i, a, l)::jsonb - 'options' #- '{fit,log_likelihood}')
FROM (VALUES ('i1', 'ann', 'x'), ('i2', 'ann', 'y')) AS v(i, a, l);

-- Values are kept in tables, and read back as they were
CREATE TEMP TABLE kept AS
SELECT annotator_confusion(l, l) AS cm, annotation_set(i, a, l) AS s, dawid_skene(i, a, l) AS m,
       '{"x": 0.5, "y": 0.5}'::label_distribution AS d
FROM (VALUES ('i1', 'ann', 'x'), ('i1', 'bob', 'y'), ('i2', 'ann', 'y')) AS v(i, a, l);
SELECT cm::text::confusion_matrix::text = cm::text AS cm, s::text::annotation_set::text = s::text AS s,
       m::text::annotator_model::text = m::text AS m, d::text::label_distribution::text = d::text AS d
FROM kept;
SELECT cm::jsonb, d::jsonb, s::jsonb FROM kept;
-- the binary forms are compact
SELECT length(confusion_matrix_send(cm)) AS cm, length(label_distribution_send(d)) AS d,
       length(annotation_set_send(s)) AS s
FROM kept;

-- Input may list labels and annotators in any order; the value has them in canonical order
CREATE TEMP TABLE unordered AS
SELECT '{"method": "by hand", "options": {}, "fit": {"items": 3, "annotations": 3, "gold_items": 0, "gold_weight": 1, "iterations": 1,
         "converged": true, "log_likelihood": -1, "warnings": []}, "labels": ["b", "a"], "annotators": ["z", "y"],
         "components": [{"variant": "full", "weight": 1, "prior": [0.25, 0.75], "pool": [[0.5, 0.5], [0.125, 0.875]],
                         "confusion": [[[0.875, 0.125], [0.25, 0.75]], [[1, 0], [0, 1]]]}],
         "annotations": [2, 1], "counts": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]],
         "variances": [[[0.5, 1], [1.5, 2]], [[0, 0], [0, 0]]]}'::annotator_model AS m;
SELECT class_prior(m), labels(m), m::jsonb #> '{components,0,pool}' AS pool, m::jsonb #> '{components,0,confusion}' AS confusion,
       m::jsonb -> 'annotations' AS annotations, m::jsonb -> 'variances' AS variances
FROM unordered;
SELECT annotator, annotations, confusion FROM unordered, annotators(m);
SELECT replace(m::text, '"annotations": 3', '"annotations": 1e300')::annotator_model FROM unordered;
SELECT replace(m::text, '"annotations": [1, 2]', '"annotations": [1e300, 2]')::annotator_model FROM unordered;
