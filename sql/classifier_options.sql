-- Options of logistic_regression() and oof_predict() that change the loss, the choice
-- of l2, and training on answers.
--
-- With a feature that is constant there is only an intercept, and what it must be can
-- be worked out.  Of the 20 labels 7 are b: a share of .35.
CREATE TEMP TABLE seven AS
SELECT i, CASE WHEN i <= 7 THEN 'b' ELSE 'a' END AS label, '{1}'::float8[] AS x
FROM generate_series(1, 20) AS i;

CREATE FUNCTION pg_temp.log_odds(options jsonb) RETURNS numeric LANGUAGE sql AS
$$ SELECT round(coefficient::numeric, 5) + 0.0 FROM coefficients((SELECT logistic_regression(label, x, options) FROM seven)) WHERE feature = 0 $$;

-- ln(.35 / .65)
SELECT pg_temp.log_odds('{}'), round(ln(.35 / .65), 5) AS worked_out;

-- b is given to a in 1 of 10 and to b in 8 of 10: p .8 + (1 - p) .1 = .35, so p = 5/14
SELECT pg_temp.log_odds('{"correction": {"labels": ["a", "b"], "counts": [[9, 1], [4, 16]]}}'),
       round(ln(5.0 / 9), 5) AS worked_out;

-- no b could be as rare as that: the search goes as far as it is let
SELECT pg_temp.log_odds('{"correction": {"labels": ["a", "b"], "counts": [[6, 4], [2, 8]]}}') < -8 AS all_are_a;

-- .9 of .35 and half of .1
SELECT pg_temp.log_odds('{"label_smoothing": 0.1}'), round(ln(.365 / .635), 5) AS worked_out;
SELECT pg_temp.log_odds('{"label_smoothing": 1}') AS all_smooth;

-- generalised cross-entropy: n_k p_k^(q - 1) is the same for all classes
SELECT pg_temp.log_odds('{"loss": "generalised_cross_entropy", "q": 0.5}'), round(ln(.35 / .65) / .5, 5) AS worked_out;
SELECT pg_temp.log_odds('{"loss": "generalised_cross_entropy"}'), round(ln(.35 / .65) / .3, 5) AS worked_out;
-- absolute error has no optimum but the more frequent class
SELECT pg_temp.log_odds('{"loss": "generalised_cross_entropy", "q": 1}') < -6 AS all_are_a;

-- bootstrapping: .8 (p - .35) = .2 p (1 - p) log-odds
SELECT round((.8 * (p - .35) - .2 * p * (1 - p) * z)::numeric, 4) AS zero, z < ln(.35 / .65) AS surer
FROM (SELECT z, 1 / (1 + exp(-z)) AS p FROM (SELECT pg_temp.log_odds('{"bootstrap": 0.8}') AS z) AS v) AS w;
SELECT pg_temp.log_odds('{"bootstrap": 1}') = pg_temp.log_odds('{}') AS same;

-- three classes: shares .5, .3, .2 by q .5 are as their squares
SELECT label, round(probability::numeric, 6) AS probability, round(n * n / 38.0, 6) AS worked_out
FROM probabilities(predict((SELECT logistic_regression(l, '{0}'::float8[], '{"loss": "generalised_cross_entropy", "q": 0.5}'::jsonb)
     FROM unnest('{a,a,a,a,a,b,b,b,c,c}'::text[]) AS l), '{0}')) JOIN (VALUES ('a', 5), ('b', 3), ('c', 2)) AS v (label, n) USING (label)
ORDER BY label;

-- weights count as rows do, and classes that are balanced alike
SELECT round(coefficient::numeric, 5) AS log_odds, round(ln(.35 / .65) / .5, 5) AS worked_out
FROM coefficients((SELECT logistic_regression(label, '{1}'::float8[], w, '{"loss": "generalised_cross_entropy", "q": 0.5}'::jsonb)
     FROM (VALUES ('a', 13.0::float8), ('b', 7), ('c', 0)) AS v (label, w))) WHERE feature = 0;
SELECT pg_temp.log_odds('{"loss": "generalised_cross_entropy", "class_weight": "balanced"}') AS balanced;

-- what the report has: options that were given, the log-loss of the labels as corrected
SELECT o ->> 'label_smoothing' AS label_smoothing, o ? 'loss' AS loss, round(log_loss::numeric, 6) AS log_loss,
       round(-(.35 * ln(.365) + .65 * ln(.635)), 6) AS worked_out
FROM (SELECT (fit_report(logistic_regression(label, x, '{"label_smoothing": 0.1}'::jsonb))).* FROM seven) AS r, LATERAL (SELECT r.options) AS v (o);
SELECT options ->> 'q' AS q, options ->> 'loss' AS loss
FROM (SELECT (fit_report(logistic_regression(label, x, '{"loss": "generalised_cross_entropy"}'::jsonb))).options FROM seven) AS r;
SELECT options FROM (SELECT (fit_report(logistic_regression(label, x, '{"bootstrap": 1, "label_smoothing": 0, "q": 0.3}'::jsonb))).options FROM seven) AS r;

-- classes are those of the matrix, whether they are given or not
SELECT labels(logistic_regression(label, ARRAY[i], '{"correction": {"labels": ["a", "b", "c"], "counts": [[9, 1, 0], [1, 9, 0], [5, 0, 5]]}}'::jsonb)) FROM seven;

--
-- The choice of l2.  A feature that says all: little penalty.  One that says nothing: much.
--
SELECT kind, options ->> 'l2' AS l2, options #>> '{l2_choice,l2}' AS tried, jsonb_array_length(options #> '{l2_choice,log_loss}') AS log_losses,
       options #>> '{l2_choice,folds}' AS folds, options #>> '{l2_choice,duplicates}' AS duplicates
FROM (SELECT kind, (fit_report(logistic_regression(label, x, '{"l2": "choose", "folds": 4}'::jsonb))).options
      FROM (SELECT 'all' AS kind, (i > 50)::text AS label, ARRAY[i]::float8[] AS x FROM generate_series(1, 100) AS i
            UNION ALL SELECT 'nothing', (i % 2 = 0)::text, ARRAY[i / 2 * 7 % 50, i / 2 % 9, i % 3, i % 5, i % 7] FROM generate_series(1, 100) AS i) AS d
      GROUP BY kind) AS r
ORDER BY kind;

-- oof_predict() chooses for each partition
SELECT kind, bool_and(chosen = fixed) AS same
FROM (SELECT kind, oof_predict(label, x, '{"l2": "choose"}'::jsonb) OVER (PARTITION BY kind) AS chosen,
             oof_predict(label, x, '{"l2": 0.01}'::jsonb) OVER (PARTITION BY kind) AS fixed
      FROM (SELECT 'all' AS kind, (i > 50)::text AS label, ARRAY[i]::float8[] AS x FROM generate_series(1, 100) AS i
            UNION ALL SELECT 'nothing', (i % 2 = 0)::text, ARRAY[i / 2 * 7 % 50, i / 2 % 9, i % 3, i % 5, i % 7] FROM generate_series(1, 100) AS i) AS d) AS v
GROUP BY kind ORDER BY kind;

-- one row, and one class in all but one fold
SELECT logistic_regression('a'::text, '{1}'::float8[], '{"l2": "choose"}'::jsonb);
SELECT logistic_regression(i::text, '{1}'::float8[], '{"l2": "choose"}'::jsonb) FROM generate_series(1, 4) AS i;
SELECT options ->> 'l2' AS l2 FROM (SELECT (fit_report(logistic_regression((i = 1)::text, ARRAY[i]::float8[], '{"l2": "choose"}'::jsonb))).options FROM generate_series(1, 20) AS i) AS r;
SELECT logistic_regression(label, x, '{"l2": "choose"}'::jsonb) IS NULL AS nothing FROM seven WHERE i > 20;

--
-- Answers.  Two annotators who are right in 3 of 4 and 9 of 10 of their answers, and a
-- constant feature: .6 of the first's 20 answers are b, and .62 of the second's 50.
--
CREATE TEMP TABLE model AS
SELECT learned AS m FROM (SELECT dawid_skene(item, annotator, label, gold, '{"variant": "one_coin", "smoothing": 0, "learn_from": "gold", "copies": "off"}'::jsonb) AS learned FROM (
	SELECT 'a' || i AS item, 'ann' AS annotator, CASE WHEN i % 4 = 0 THEN 'b' ELSE 'a' END AS label, 'a' AS gold FROM generate_series(1, 8) AS i
	UNION ALL SELECT 'b' || i, 'ann', CASE WHEN i % 4 = 0 THEN 'a' ELSE 'b' END, 'b' FROM generate_series(1, 8) AS i
	UNION ALL SELECT 'c' || i, 'bob', CASE WHEN i % 10 = 0 THEN 'b' ELSE 'a' END, 'a' FROM generate_series(1, 10) AS i
	UNION ALL SELECT 'd' || i, 'bob', CASE WHEN i % 10 = 0 THEN 'a' ELSE 'b' END, 'b' FROM generate_series(1, 10) AS i) AS v) AS w;

CREATE TEMP TABLE answers AS
SELECT annotator, CASE WHEN i <= share * n THEN 'b' ELSE 'a' END AS label, '{1}'::float8[] AS x
FROM (VALUES ('ann', 20, 0.6), ('bob', 50, 0.62)) AS v (annotator, n, share), generate_series(1, n) AS i;

-- .6 = .75 p + .25 (1 - p), so p = .7; and .62 = .9 p + .1 (1 - p), so p = .65
SELECT annotator, round(probability(predict(c, '{1}'), 'b')::numeric, 5) AS b
FROM (SELECT annotator, logistic_regression(label, x, annotator, m) AS c FROM answers, model GROUP BY annotator) AS v ORDER BY 1;
-- a stranger has the pool's matrix; NULLs are no rows; names of any type
SELECT logistic_regression(label, x, 'someone'::text, m) = logistic_regression(label, x, 'another'::text, m) AS same FROM answers, model;
SELECT logistic_regression(label, x, annotator, m) = logistic_regression(label::varchar, x, annotator::varchar, m) AS same FROM answers, model;
SELECT (fit_report(logistic_regression(label, x, annotator, m))).rows
FROM (SELECT * FROM answers UNION ALL SELECT NULL, 'a', '{1}' UNION ALL SELECT 'ann', NULL, '{1}' UNION ALL SELECT 'ann', 'a', NULL) AS a, model;
SELECT logistic_regression(label, x, annotator, NULL::annotator_model) IS NULL AS nothing FROM answers;
-- who has learned of nothing
SELECT logistic_regression(label, '{1}'::float8[], annotator, m)
FROM (VALUES ('i1', 'x', 'a'), ('i2', 'y', 'b')) AS v (item, annotator, label),
     (SELECT dawid_skene(item, annotator, label) AS m FROM (VALUES ('i1', 'x', 'a'), ('i2', 'y', 'b')) AS v (item, annotator, label)) AS w;
SELECT logistic_regression('c'::text, x, annotator, m) FROM answers, model;

-- literals without a type: a weight and options, or options after the model
SELECT logistic_regression(label, x, '2', NULL) = logistic_regression(label, x, 2::float8) AS same FROM seven;
SELECT logistic_regression(label, x, '2', '{"l2": 3}') = logistic_regression(label, x, 2::float8, '{"l2": 3}'::jsonb) AS same FROM seven;
SELECT logistic_regression(label, x, annotator, m, NULL) = logistic_regression(label, x, annotator, m, '{"l2": 1}') AS same FROM answers, model;
SELECT logistic_regression(label, x, annotator, '{"l2": 3}') FROM answers;
SELECT logistic_regression(label, x, '-1', NULL) FROM seven;

-- no matrix, found before the work
SELECT logistic_regression(label, x, '{"correction": null}') FROM seven;
SELECT logistic_regression(label, x, '{"correction": [[9, 1], [1, 9]]}') FROM seven;
SELECT logistic_regression(label, x, '{"correction": {"labels": ["a", "b"]}}') FROM seven;
