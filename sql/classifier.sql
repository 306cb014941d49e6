-- logistic_regression(), predict(), coefficients(), fit_report(), the type

CREATE TEMP TABLE points (label text, features float8[], weight float8);
INSERT INTO points VALUES
	('a', '{0,0}', 1), ('a', '{1,0}', 1), ('a', '{0,1}', 2), ('b', '{2,2}', 1),
	('b', '{3,1}', 1), ('b', '{1,3}', 1), ('a', '{2,1}', 0.5), ('b', '{1,1}', 1);

-- two classes: one vector, of the second class; scikit-learn 1.9, with C = 1
-- after StandardScaler, says the same
SELECT label, feature, round(coefficient::numeric, 4) AS coefficient
FROM coefficients((SELECT logistic_regression(label, features) FROM points))
ORDER BY label, feature;
SELECT method, rows, weight, features, classes, converged, options
FROM fit_report((SELECT logistic_regression(label, features, weight, '{"l2": 2}'::jsonb) FROM points));

-- the penalty shrinks; with a very large one only the frequencies are left
SELECT round(probability(predict(m, '{3,3}'), 'b')::numeric, 3) AS b
FROM (SELECT logistic_regression(label, features, '{"l2": 1e9}'::jsonb) AS m FROM points) AS v;

-- a weight is a number of copies
SELECT bool_and(abs(a.coefficient - b.coefficient) < 1e-6) AS same
FROM coefficients((SELECT logistic_regression(label, features, 3.0) FROM points)) AS a
JOIN coefficients((SELECT logistic_regression(label, features) FROM points, generate_series(1, 3))) AS b USING (label, feature);

-- soft targets are rows for each label, weighted
CREATE TEMP TABLE soft (target label_distribution, features float8[]);
INSERT INTO soft VALUES
	('{"x": 0.9, "y": 0.1}', '{0,1}'), ('{"y": 1}', '{2,0}'), ('{"y": 0.5, "z": 0.5}', '{1,2}'),
	('{"z": 0.8, "x": 0.2}', '{3,3}'), ('{"x": 1}', '{0,0}');
SELECT count(*), bool_and(abs(a.coefficient - b.coefficient) < 1e-6) AS same
FROM coefficients((SELECT logistic_regression(target, features) FROM soft)) AS a
JOIN coefficients((SELECT logistic_regression(label, features, probability) FROM soft, probabilities(target))) AS b USING (label, feature);

-- three classes: a vector each, summing to 0
SELECT feature, abs(sum(coefficient)) < 1e-9 AS zero
FROM coefficients((SELECT logistic_regression(target, features) FROM soft)) GROUP BY feature ORDER BY feature;

-- classes with equal weight: a balanced fit on constant features says 1 / K
SELECT p.label, round(p.probability::numeric, 6) AS probability
FROM (SELECT logistic_regression(label, features, '{"class_weight": "balanced"}'::jsonb) AS m
	  FROM (VALUES ('a', '{5}'::float8[]), ('a', '{5}'), ('a', '{5}'), ('b', '{5}'), ('c', '{5}')) AS v (label, features)) AS w,
	probabilities(predict(m, '{5}')) AS p;

-- constant features leave the fit where it begins, at the frequencies, and it
-- knows: it neither searches on nor warns
SELECT count(*) AS fits, bool_and(converged) AS converged, max(iterations) AS iterations
FROM generate_series(3, 300) AS n,
	LATERAL (SELECT (fit_report(logistic_regression(i % 3, ARRAY[1, 0.1]::float8[], 1.0 / n))).* FROM generate_series(1, n) AS i) AS v;
SELECT label, feature, round(coefficient::numeric, 6) AS coefficient
FROM coefficients((SELECT logistic_regression(i % 3 = 0, ARRAY[1]::float8[]) FROM generate_series(1, 18) AS i))
ORDER BY feature;

-- labels of any type, features of other types of numbers
SELECT labels(logistic_regression(i % 3, ARRAY[i, i * i]::real[])) FROM generate_series(1, 20) AS i;
SELECT labels(logistic_regression(i % 2 = 0, ARRAY[i, 1])) FROM generate_series(1, 20) AS i;

-- missing features filled in, as the documents say
SELECT (fit_report(logistic_regression(label, array_replace(features, NULL, 0::float8)))).rows
FROM (SELECT label, array_append(features, NULL) AS features FROM points) AS v;

-- any order of the rows gives the same bits
SELECT count(DISTINCT m::text) AS models
FROM (SELECT logistic_regression(label, features, weight ORDER BY features) AS m FROM points
	  UNION ALL
	  SELECT logistic_regression(label, features, weight ORDER BY label DESC, features[2]) FROM points) AS v;

-- NULL, no rows
SELECT (fit_report(logistic_regression(label, features))).rows
FROM (SELECT label, features FROM points UNION ALL VALUES (NULL, '{1,2}'::float8[]), ('a', NULL)) AS v;
SELECT logistic_regression(label, features) IS NULL AS none FROM points WHERE false;
SELECT (fit_report(logistic_regression(label, features, CASE WHEN weight = 1 THEN 1.0 END))).rows FROM points;
SELECT (fit_report(logistic_regression(label, features, CASE WHEN weight = 1 THEN 1.0 ELSE 0 END))).rows FROM points;

-- combined and stored states
SELECT (logistic_regression_final(training_set_combine(
		(SELECT training_set_accum(NULL, 'a', '{1,2}', '{"l2": 3}'::jsonb)),
		training_set_accum(training_set_accum(NULL, 'b', '{2,1}', '{"l2": 3}'::jsonb)::text::training_set, 'b', '{3,1}', '{"l2": 3}'::jsonb)))::jsonb)
	-> 'options' ->> 'l2' AS l2;

-- text and binary form
CREATE TEMP TABLE model AS SELECT logistic_regression(target, features) AS m FROM soft;
SELECT m::text::classifier::text = m::text AS same FROM model;
SELECT jsonb_pretty(m::jsonb - 'coefficients' - 'fit') FROM model;
SELECT '{"method": "logistic_regression", "options": {}, "fit": {"rows": 2, "weight": 2, "iterations": 1, "converged": true, "gradient": 0, "log_loss": 0.1},
	"features": 1, "labels": ["a", "b"], "coefficients": [[0, 1]]}'::classifier;
SELECT top_label(predict('{"method": "logistic_regression", "options": {}, "fit": {"rows": 2, "weight": 2, "iterations": 1, "converged": true, "gradient": 0, "log_loss": 0.1},
	"features": 1, "labels": ["b", "c", "a"], "coefficients": [[0, 1], [0, 2], [0, 3]]}', '{1}'));

-- errors
\set VERBOSITY terse
SELECT '{"method": "logistic_regression", "options": {}, "fit": {"rows": 2, "weight": 2, "iterations": 1, "converged": true, "gradient": 0, "log_loss": 0.1},
	"features": 1, "labels": ["b", "a"], "coefficients": [[0, 1]]}'::classifier;
SELECT '{"method": "logistic_regression", "options": {}, "fit": {"rows": 2, "weight": 2, "iterations": 1, "converged": true, "gradient": 0, "log_loss": 0.1},
	"features": 9, "labels": ["a", "b"], "coefficients": [[0, 1]]}'::classifier;
SELECT '{"labels": []}'::classifier;
SELECT 'training_set:1:AAAA'::training_set;
SELECT logistic_regression(l, f) FROM (VALUES ('a', '{1,2}'::float8[]), ('b', '{1}')) AS v (l, f);
SELECT logistic_regression(l, f) FROM (VALUES ('a', '{1,2}'::float8[]), ('b', '{1,NULL}')) AS v (l, f);
SELECT logistic_regression(l, f) FROM (VALUES ('a', '{1,2}'::float8[]), ('b', '{1,NaN}')) AS v (l, f);
SELECT logistic_regression(l, f) FROM (VALUES ('a', '{1,2}'::float8[]), ('b', '{-Infinity,1}')) AS v (l, f);
SELECT logistic_regression(l, f) FROM (VALUES ('a', '{1e300}'::float8[]), ('b', '{-1e300}')) AS v (l, f);
SELECT logistic_regression('a', '{}'::float8[]);
SELECT logistic_regression('a', '{{1,2}}'::float8[]);
SELECT logistic_regression('a', '{1}'::float8[]) FROM generate_series(1, 3);
SELECT logistic_regression(label, features, 0.0) FROM points;
SELECT logistic_regression(label, features, -1.0) FROM points;
SELECT logistic_regression(label, features, '{"l3": 1}'::jsonb) FROM points;
SELECT logistic_regression(label, features, '{"folds": 3}'::jsonb) FROM points;
SELECT logistic_regression(label, features, '{"l2": -1}'::jsonb) FROM points;
SELECT logistic_regression(label, features, jsonb_build_object('l2', weight)) FROM points;
SELECT predict(m, '{1}') FROM model;
SELECT predict(m, '{1,NaN}') FROM model;
SELECT predict(m, NULL) IS NULL AS is_null FROM model;
-- warned of, with numbers that need not be the same everywhere
SET client_min_messages = error;
SELECT (fit_report(logistic_regression(label, features, '{"max_iterations": 1}'::jsonb))).converged FROM points;
-- separable and without a penalty there is no optimum
SELECT (fit_report(logistic_regression(label, features, '{"l2": 0, "max_iterations": 20, "tolerance": 1e-12}'::jsonb))).converged
FROM (VALUES ('a', '{1}'::float8[]), ('a', '{2}'), ('b', '{3}'), ('b', '{4}')) AS v (label, features);
RESET client_min_messages;
-- nor is there with three classes, nor where a feature separates but some of the
-- rows or one of three classes, nor of soft targets; a penalty makes one
CREATE TEMP TABLE apart AS
SELECT i, ARRAY[i % 7 + i % 2 * 8, i % 5]::float8[] AS all_two, ARRAY[i % 7 + i % 3 * 9, i % 5]::float8[] AS all_three,
	ARRAY[(i % 6 = 1)::int, i % 5]::float8[] AS some_of_two, ARRAY[i % 7 + (i % 3 = 2)::int * 8, i % 5]::float8[] AS one_of_three,
	ARRAY[i % 7 + i % 2, i % 5]::float8[] AS none
FROM generate_series(1, 210) AS i;
CREATE FUNCTION pg_temp.converged(classifier) RETURNS boolean LANGUAGE sql AS 'SELECT converged FROM fit_report($1)';
SELECT pg_temp.converged(logistic_regression(i % 2, all_two, '{"l2": 0}'::jsonb)) FROM apart;
SELECT pg_temp.converged(logistic_regression(i % 3, all_three, '{"l2": 0}'::jsonb)) FROM apart;
SELECT pg_temp.converged(logistic_regression(i % 2, some_of_two, '{"l2": 0}'::jsonb)) FROM apart;
SELECT pg_temp.converged(logistic_regression(i % 3, one_of_three, '{"l2": 0}'::jsonb)) FROM apart;
SELECT pg_temp.converged(logistic_regression(i % 2, some_of_two, '{"l2": 0, "tolerance": 0.1}'::jsonb)) FROM apart;
SELECT pg_temp.converged(logistic_regression(i % 2, some_of_two, '{"l2": 0, "tolerance": 1e-9}'::jsonb)) FROM apart;
SELECT pg_temp.converged(logistic_regression(i % 2, some_of_two, 1e-30 * (1 + i % 3), '{"l2": 0, "class_weight": "balanced"}'::jsonb)) FROM apart;
SELECT pg_temp.converged(logistic_regression(label_distribution('{a,b}'::text[], CASE WHEN i % 6 = 1 THEN '{0,1}' WHEN i % 2 = 1 THEN '{0.4,0.6}' ELSE '{0.7,0.3}' END::float8[]), some_of_two, '{"l2": 0}'::jsonb)) FROM apart;
SELECT count(p) FROM (SELECT oof_predict(i % 2, all_two, '{"l2": 0}'::jsonb) OVER () AS p FROM apart) AS v;
SELECT count(p) FROM (SELECT oof_predict(i % 2, some_of_two, i, '{"l2": 0}'::jsonb) OVER () AS p FROM apart) AS v;
SELECT l2, bool_and(pg_temp.converged(m)) AS converged
FROM (SELECT l2, unnest(ARRAY[logistic_regression(i % 2, all_two, jsonb_build_object('l2', l2)), logistic_regression(i % 3, all_three, jsonb_build_object('l2', l2)),
		logistic_regression(i % 2, some_of_two, jsonb_build_object('l2', l2)), logistic_regression(i % 3, one_of_three, jsonb_build_object('l2', l2))]) AS m
	  FROM apart, unnest(ARRAY[1e-9, 1]) AS l2 GROUP BY l2) AS v GROUP BY l2 ORDER BY l2;
SELECT bool_and(pg_temp.converged(m)) AS converged, bool_and(abs(a.coefficient - b.coefficient) < 1e-6) AS as_with_next_to_none
FROM (SELECT logistic_regression(i % 2, none, '{"l2": 0}'::jsonb) AS m, logistic_regression(i % 2, none, '{"l2": 1e-9}'::jsonb) AS n FROM apart
	  UNION ALL SELECT logistic_regression(i % 3, none, '{"l2": 0}'::jsonb), logistic_regression(i % 3, none, '{"l2": 1e-9}'::jsonb) FROM apart) AS v,
	coefficients(m) AS a JOIN coefficients(n) AS b USING (label, feature);
-- not separated, but far apart in weight
SELECT pg_temp.converged(logistic_regression(i % 2, none, CASE WHEN i % 5 = 0 THEN 1e-12 ELSE 1 END, '{"l2": 0}'::jsonb)) FROM apart;
-- a class that weighs next to nothing, made to count as much as the other
SELECT converged
FROM fit_report((SELECT logistic_regression(l, f, w, '{"l2": 1e-6, "class_weight": "balanced"}'::jsonb)
				 FROM (VALUES ('a', '{0.0445, 1.95}'::float8[], 1), ('a', '{0.0191, 0.391}', 1),
							  ('b', '{226, 11.2}', 1e-6), ('b', '{-48.3, -3.31}', 1e-6),
							  ('b', '{-18.9, 14.2}', 1e-6), ('b', '{-48.2, 25.5}', 1e-6)) AS v (l, f, w)));
-- a large fit that has next to nothing to gain ends where the first gradient says
SELECT l2, bool_and(converged) AS converged,
	bool_and(abs(coefficient * l2 / slope - 1) < 1e-3) AS as_expected
FROM (SELECT l2, logistic_regression((x[1] > 90000)::text, x, jsonb_build_object('l2', l2, 'tolerance', 1e-8)) AS m,
		regr_sxy((x[1] > 90000)::int, x[1]) / var_pop(x[1]) AS slope
	  FROM (SELECT ARRAY[hashint4extended(i, 7) % 100000, hashint4extended(i, 8) % 1000, hashint4extended(i, 9) % 1000]::float8[] AS x
			FROM generate_series(1, 30000) AS i) AS r,
		unnest(ARRAY[1e9, 1e11, 1e12]::float8[]) AS l2 GROUP BY l2) AS q,
	fit_report(m), coefficients(m)
WHERE feature = 1
GROUP BY l2 ORDER BY l2;

SET noisylabel.memory_limit = '64kB';
SELECT logistic_regression(i % 2, array_fill(i, ARRAY[1000])::float8[]) FROM generate_series(1, 100) AS i;
