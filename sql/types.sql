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
         "converged": true, "log_likelihood": -1, "stopped_by": "hand", "truths_given": false, "majority_disagreement": null, "warnings": []}, "voices": {"of": "answers", "groups": [], "correlation": 0, "gold_items": 0, "teaching_items": 0}, "labels": ["b", "a"], "annotators": ["z", "y"],
         "components": [{"variant": "full", "weight": 1, "prior": [0.25, 0.75], "pool": [[0.5, 0.5], [0.125, 0.875]],
                         "confusion": [[[0.875, 0.125], [0.25, 0.75]], [[1, 0], [0, 1]]]}],
         "annotations": [2, 1], "gold_annotations": [0, 0], "notes": {}, "counts": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]],
         "variances": [[[0.5, 1], [1.5, 2]], [[0, 0], [0, 0]]]}'::annotator_model AS m;
SELECT class_prior(m), labels(m), m::jsonb #> '{components,0,pool}' AS pool, m::jsonb #> '{components,0,confusion}' AS confusion,
       m::jsonb -> 'annotations' AS annotations, m::jsonb -> 'variances' AS variances
FROM unordered;
SELECT annotator, annotations, confusion FROM unordered, annotators(m);
SELECT replace(m::text, '"annotations": 3', '"annotations": 1e300')::annotator_model FROM unordered;
SELECT replace(m::text, '"annotations": [1, 2]', '"annotations": [1e300, 2]')::annotator_model FROM unordered;

-- classifier: any coefficients come back from the text form as the same, with
-- their labels in canonical order (of two labels the order says what the row means)
CREATE TEMP TABLE trained (name text, c classifier);
INSERT INTO trained VALUES ('by hand',
	'{"method": "logistic_regression", "options": {"l2": 0.1}, "fit": {"rows": 3, "weight": 0.30000000000000004, "iterations": 0,
	  "converged": false, "gradient": 5e-324, "log_loss": 0}, "features": 3, "labels": ["10", "9", "\"\\n"],
	  "coefficients": [[0.1, 1e-320, -1.7976931348623157e308, 0.30000000000000004], [-0.0, 1e22, 123456789012345680, 1], [0, 0, 0, 5e-324]]}');
SELECT c FROM trained;
SELECT label, feature, coefficient FROM trained, coefficients(c);
INSERT INTO trained
SELECT 'two', logistic_regression(l, f) FROM (VALUES ('a', '{1,2}'::float8[]), ('e', '{2,1}'), ('a', '{0.1,7}')) AS v (l, f) UNION ALL
SELECT 'three', logistic_regression(l, f, w, '{"l2": 0.3}'::jsonb) FROM (VALUES (9, '{1}'::float8[], 0.1), (10, '{2}', 0.2), (11, '{4}', 10)) AS v (l, f, w) UNION ALL
SELECT 'soft', logistic_regression(t, f) FROM (VALUES ('{"": 0.5, "b": 0.5}'::label_distribution, '{1}'::float8[]), ('{"b": 1}', '{3}')) AS v (t, f) UNION ALL
SELECT 'none', logistic_regression(l, f) FROM (VALUES (NULL, '{1}'::float8[]), ('a', NULL)) AS v (l, f);
SELECT name, c::text::classifier::text = c::text AS text, c::jsonb::text::classifier::text = c::text AS jsonb, labels(c)
FROM trained ORDER BY name COLLATE "C";
-- what came back predicts the same, to the bit
SELECT name, count(*), bool_and(predict(c, f)::text = predict(c::text::classifier, f)::text) AS same
FROM trained, (VALUES ('{0.1,0.7}'::float8[]), ('{1,0.3}'), ('{1}'), ('{0.1}')) AS v (f)
WHERE (fit_report(c)).features = cardinality(f) GROUP BY name ORDER BY name COLLATE "C";
SELECT length(classifier_send(c)) AS bytes FROM trained WHERE name = 'two';

-- training_set: its text form is for machines
SELECT training_set_accum(NULL, 'x', '{1,0.5}');
CREATE TEMP TABLE learning (name text, s training_set);
INSERT INTO learning VALUES
	('labels', training_set_accum(training_set_accum(NULL, 'a', '{1,-0.0}'), 'e', '{0.1,1e-320}')),
	('options', training_set_accum(training_set_accum(NULL, 'a', '{1}', '{"l2": 0.1}'::jsonb), 'b', '{2}', '{"l2": 0.1}'::jsonb)),
	('weights', training_set_accum(training_set_accum(NULL, 'a', '{1}', 0.1), 'b', '{2}', 0)),
	('soft', training_set_accum(training_set_accum(NULL, '{"b": 0.1, "a": 0.9, "c": 0}'::label_distribution, '{1}'), '{"c": 1}'::label_distribution, '{1}')),
	('soft, weights', training_set_accum(training_set_accum(NULL, '{"10": 0.5, "9": 0.5}'::label_distribution, '{1}', 2), '{"10": 0.25, "9": 0.5, "a": 0.25}'::label_distribution, '{4}', 0.3)),
	('one class', training_set_accum(training_set_accum(NULL, '', '{1}'), '', '{2}')),
	('empty', 'training_set:1:BgEAAAAAAAAAAAAAAAAAAAAAAAA='),
	('NULL', training_set_accum(NULL, NULL::text, '{1}')),
	('NULL, too', training_set_accum(NULL, 'a', NULL));
SELECT name, s::text::training_set::text = s::text AS text, length(training_set_send(s)) AS bytes FROM learning ORDER BY name COLLATE "C";
-- a row that has no label, features or weight leaves it as it was; sets are joined to none and to an empty one
SELECT training_set_accum(s, NULL::text, '{1,2}')::text = s::text AS label, training_set_accum(s, 'a', NULL)::text = s::text AS features,
       training_set_combine(s, NULL)::text = s::text AS with_null, training_set_combine(NULL, s)::text = s::text AS to_null,
       training_set_combine(s, (SELECT s FROM learning WHERE name = 'empty'))::text = s::text AS with_empty,
       training_set_combine((SELECT s FROM learning WHERE name = 'empty'), s)::text = s::text AS to_empty
FROM learning WHERE name = 'labels';
-- what is stored is fitted like what was collected
CREATE TEMP TABLE pair (l text, t label_distribution, f float8[], w float8);
INSERT INTO pair VALUES ('a', '{"a": 0.7, "b": 0.3}', '{1,0.1}', 1), ('b', '{"b": 1}', '{2,0.7}', 0.5), ('b', '{"b": 0.5, "c": 0.5}', '{0.3,4}', 2);
SELECT logistic_regression(l, f)::text = logistic_regression_final(training_set_combine(
		(SELECT training_set_accum(training_set_accum(NULL, 'b', '{0.3,4}'), 'b', '{2,0.7}')::text::training_set),
		training_set_accum(NULL, 'a', '{1,0.1}')))::text AS labels,
       logistic_regression(t, f, w)::text = logistic_regression_final(training_set_accum(training_set_accum(training_set_accum(NULL,
		'{"b": 0.5, "c": 0.5}'::label_distribution, '{0.3,4}', 2)::text::training_set, '{"a": 0.7, "b": 0.3}'::label_distribution, '{1,0.1}', 1)::text::training_set,
		'{"b": 1}'::label_distribution, '{2,0.7}', 0.5))::text AS soft
FROM pair;
SELECT logistic_regression_final(s) IS NULL AS nothing FROM learning WHERE name = 'empty';
SELECT logistic_regression_final(s) FROM learning WHERE name = 'one class';
-- used up by its own aggregate only: the same final function in a window, or beside another aggregate, works on a copy
CREATE FUNCTION pg_temp.same(s training_set) RETURNS text LANGUAGE sql AS $$ SELECT md5(logistic_regression_final(s)::text) $$;
CREATE AGGREGATE pg_temp.careless(text, float8[]) (SFUNC = training_set_accum, STYPE = training_set, FINALFUNC = logistic_regression_final);
CREATE AGGREGATE pg_temp.states(text, float8[]) (SFUNC = training_set_accum, STYPE = training_set, FINALFUNC = pg_temp.same);
CREATE TEMP TABLE sequence AS
SELECT i, (ARRAY['c', 'a', 'b'])[1 + i % 3] AS l, ARRAY[i % 7, i * i % 11]::float8[] AS f FROM generate_series(1, 20) AS i;
SELECT count(*), bool_and(md5(c) = (SELECT md5(logistic_regression(l, f)::text) FROM sequence AS s WHERE s.i <= v.i + 5)) AS same
FROM (SELECT i, pg_temp.careless(l, f) OVER (ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND 5 FOLLOWING)::text AS c FROM sequence) AS v;
SELECT md5(pg_temp.careless(l, f)::text) = pg_temp.states(l, f) AS same FROM sequence;
