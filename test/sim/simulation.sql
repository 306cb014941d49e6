-- How accurate is each variant of dawid_skene() on crowds whose truth is known
-- because they are simulated?
--
--	psql -f test/sim/simulation.sql [-v seeds=10]
--
-- in a database with the extension prints the table of docs/simulation.md in
-- Markdown.  Temporary objects only.  Random numbers are hashes of what they are
-- drawn for, so the rows are the same everywhere, and a scenario's do not change
-- when others are added.
\if :{?seeds}
\else
\set seeds 10
\endif
\set QUIET on
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET jit = off;

--
-- Scenarios
--
-- errors: which wrong label an annotator gives, and for which classes more often:
--	even	all wrong labels alike, all classes alike
--	own		each annotator is better at some classes than at others, and has a
--			favourite wrong label for each class
--	shared	the same for all: classes differ in difficulty, and each has a wrong
--			label that suggests itself to everybody
-- skew: a class is so many times as frequent as the one before it.
-- newcomer: one annotator more, who answers 12 items.
-- spammers, adversaries, confusers: shares of the annotators.
-- decoys: share of the items with a wrong label that each annotator falls for
--	with probability 1/2, whoever it is.
--
CREATE TEMPORARY TABLE scenarios (
	position serial,
	scenario text,
	classes int,
	per_item int,
	errors text,
	items int DEFAULT 500,
	annotators int DEFAULT 30,
	accuracy float8[] DEFAULT '{0.5, 0.9}',
	skew float8 DEFAULT 1,
	spammers float8 DEFAULT 0,
	adversaries float8 DEFAULT 0,
	confusers float8 DEFAULT 0,
	decoys float8 DEFAULT 0,
	newcomer boolean DEFAULT false
);

INSERT INTO scenarios (scenario, classes, per_item, errors)
SELECT format('%s errors, %s classes, %s label%s an item', errors, classes, per_item, left('s', per_item - 1)),
       classes, per_item, errors
FROM (VALUES
	('even', 2, 3), ('even', 2, 5), ('even', 2, 10), ('even', 4, 5), ('even', 10, 5),
	('own', 2, 3), ('own', 2, 5), ('own', 2, 10),
	('own', 4, 1), ('own', 4, 2), ('own', 4, 3), ('own', 4, 5), ('own', 4, 10), ('own', 4, 20),
	('own', 10, 5),
	('shared', 2, 5), ('shared', 4, 5), ('shared', 10, 5)) AS v(errors, classes, per_item);

INSERT INTO scenarios (scenario, classes, per_item, errors, spammers)
SELECT format('40 %% spammers, %s classes', classes), classes, 5, 'even', 0.4
FROM unnest('{2, 4, 10}'::int[]) AS classes;

INSERT INTO scenarios (scenario, classes, per_item, errors, adversaries, accuracy)
SELECT format('20 %% adversaries, %s classes, 7 labels an item', classes), classes, 7, 'even', 0.2, '{0.6, 0.9}'
FROM unnest('{2, 4, 10}'::int[]) AS classes;

INSERT INTO scenarios (scenario, classes, per_item, errors, confusers, accuracy) VALUES
	('half of them call A B, 2 classes, 10 labels an item', 2, 10, 'even', 0.5, '{0.6, 0.9}'),
	('half of them call A B, 4 classes', 4, 5, 'even', 0.5, '{0.5, 0.9}'),
	('half of them call A B, 10 classes', 10, 5, 'even', 0.5, '{0.5, 0.9}');

INSERT INTO scenarios (scenario, classes, per_item, errors, items, annotators, newcomer)
SELECT format('one annotator with 12 labels, %s classes', classes), classes, 3, 'own', 60, 5, true
FROM unnest('{2, 4, 10}'::int[]) AS classes;

INSERT INTO scenarios (scenario, classes, per_item, errors, skew, accuracy) VALUES
	('classes 9 to 1, even errors, 2 classes', 2, 5, 'even', 1.0 / 9, '{0.6, 0.95}'),
	('classes 9 to 1, own errors, 2 classes', 2, 5, 'own', 1.0 / 9, '{0.6, 0.95}'),
	('each class half the one before, shared errors, 4 classes', 4, 5, 'shared', 0.5, '{0.5, 0.9}'),
	('each class half the one before, own errors, 10 classes', 10, 5, 'own', 0.5, '{0.5, 0.9}');

INSERT INTO scenarios (scenario, classes, per_item, errors, decoys, accuracy)
SELECT format('correlated errors on %s %% of items, %s classes', 100 * decoys, classes),
       classes, 5, errors, decoys, '{0.6, 0.95}'
FROM (VALUES (2, 'even'), (4, 'own'), (10, 'own')) AS v(classes, errors),
     unnest('{0.1, 0.3}'::float8[]) AS decoys;

INSERT INTO scenarios (scenario, classes, per_item, errors, items, annotators) VALUES
	('300 annotators, even errors, 2 classes', 2, 5, 'even', 500, 300),
	('300 annotators, own errors, 4 classes', 4, 5, 'own', 500, 300),
	('300 annotators, shared errors, 10 classes', 10, 5, 'shared', 500, 300),
	('3,000 items, own errors, 4 classes', 4, 5, 'own', 3000, 30);

CREATE TEMPORARY TABLE variants (position serial, variant text, options jsonb);
INSERT INTO variants (variant, options) VALUES
	('majority', '{"variant": "majority"}'),
	('one_coin', '{"variant": "one_coin"}'),
	('class', '{"variant": "class"}'),
	('shared', '{"variant": "shared"}'),
	('full', '{"variant": "full"}'),
	('full, smoothed', '{"variant": "full", "smoothing": 2}'),
	('auto', '{"variant": "auto"}');

--
-- Crowds
--

-- Uniform in (0, 1): drawn for one purpose in one simulated set.
CREATE FUNCTION pg_temp.uniform(scenario text, seed int, purpose text, a int, b int DEFAULT 0)
RETURNS float8 LANGUAGE sql STABLE AS $$
	SELECT (('x' || left(md5(scenario || ' ' || seed || ' ' || purpose || ' ' || a || ' ' || b), 8))::bit(32)::bigint
	        + 0.5::float8) / 4294967296::float8
$$;

-- One of the other labels; u uniform.
CREATE FUNCTION pg_temp.wrong_label(truth int, u float8, classes int)
RETURNS int LANGUAGE sql IMMUTABLE AS $$
	SELECT (truth + 1 + floor(u * (classes - 1))::int) % classes
$$;

CREATE TEMPORARY TABLE sets AS
SELECT s.*, seed FROM scenarios AS s, generate_series(1, :seeds) AS seed;

CREATE TEMPORARY TABLE truths AS
SELECT scenario, seed, item,
       CASE WHEN skew = 1 THEN floor(u * classes)
            ELSE floor(ln(1 - u * (1 - skew ^ classes)) / ln(skew)) END::int AS truth,
       pg_temp.uniform(scenario, seed, 'decoy', item) < decoys AS has_decoy
FROM (SELECT *, pg_temp.uniform(scenario, seed, 'truth', item) AS u
      FROM sets, generate_series(1, items) AS item) AS v;

-- Annotator 0 is the newcomer.  Some annotators work much more than others.
CREATE TEMPORARY TABLE crowds AS
SELECT scenario, seed, annotator,
       accuracy[1] + (accuracy[2] - accuracy[1]) * pg_temp.uniform(scenario, seed, 'accuracy', annotator) AS accuracy,
       CASE WHEN u < spammers / 2 THEN 'guesses'
            WHEN u < spammers THEN 'always says the same'
            WHEN u < spammers + adversaries THEN 'adversary'
            WHEN u < spammers + adversaries + confusers THEN 'calls A B'
            ELSE 'honest' END AS kind,
       (annotator + 1) ^ -0.7 AS activity
FROM (SELECT *, pg_temp.uniform(scenario, seed, 'kind', annotator) AS u
      FROM sets, generate_series(CASE WHEN newcomer THEN 0 ELSE 1 END, annotators) AS annotator) AS v;

-- Who answers what: annotators drawn without replacement, by their activity.
CREATE TEMPORARY TABLE asked AS
SELECT scenario, seed, item, annotator
FROM (SELECT scenario, seed, item, annotator, per_item,
             row_number() OVER (PARTITION BY scenario, seed, item
                                ORDER BY -ln(pg_temp.uniform(scenario, seed, 'asked', item, annotator)) / activity) AS n
      FROM sets JOIN truths USING (scenario, seed) JOIN crowds USING (scenario, seed)
      WHERE annotator > 0) AS v
WHERE n <= per_item
UNION ALL
SELECT scenario, seed, item, 0
FROM sets JOIN truths USING (scenario, seed)
WHERE newcomer AND item <= 12;

-- What they know and say.  Labels are named anew in each set, so that the first
-- label, which ties go to, is not always the most frequent class.
CREATE TEMPORARY TABLE answers AS
WITH situations AS (
	SELECT scenario, seed, item, annotator, truth, classes, errors, kind, has_decoy,
	       CASE WHEN kind = 'guesses' THEN 1.0 / classes
	            WHEN kind = 'adversary' THEN 0.2
	            WHEN kind = 'calls A B' AND truth = 0 THEN 0.15
	            WHEN errors = 'own' THEN greatest(0.05, least(0.98, c.accuracy
	                 + 0.5 * (pg_temp.uniform(scenario, seed, 'good at', annotator, truth) - 0.5)))
	            WHEN errors = 'shared' THEN greatest(0.1, 1 - (1 - c.accuracy)
	                 * (0.3 + 1.4 * pg_temp.uniform(scenario, seed, 'difficulty', truth)))
	            ELSE c.accuracy END AS right_rate,
	       pg_temp.uniform(scenario, seed, 'answer', item, annotator) AS u,
	       pg_temp.uniform(scenario, seed, 'wrong answer', item, annotator) AS v,
	       pg_temp.uniform(scenario, seed, 'follows', item, annotator) < 0.5 AS follows,
	       pg_temp.uniform(scenario, seed, 'favours', item, annotator) < 0.35 AS favours,
	       CASE errors WHEN 'own' THEN annotator + 1 WHEN 'shared' THEN 0 END AS whose_favourite
	FROM asked
	JOIN sets USING (scenario, seed)
	JOIN crowds AS c USING (scenario, seed, annotator)
	JOIN truths USING (scenario, seed, item))
SELECT scenario, seed, item, annotator,
       (CASE WHEN has_decoy AND follows THEN
                  pg_temp.wrong_label(truth, pg_temp.uniform(scenario, seed, 'which decoy', item), classes)
             WHEN kind = 'always says the same' THEN
                  floor(pg_temp.uniform(scenario, seed, 'says', annotator) * classes)::int
             WHEN u < right_rate THEN truth
             WHEN kind = 'calls A B' AND truth = 0 THEN 1
             WHEN errors <> 'even' AND favours THEN
                  pg_temp.wrong_label(truth, pg_temp.uniform(scenario, seed, 'favourite', whose_favourite, truth), classes)
             ELSE pg_temp.wrong_label(truth, v, classes) END + seed) % classes AS label
FROM situations;

ANALYZE answers;

--
-- Fits
--
CREATE TEMPORARY TABLE collected AS
SELECT scenario, seed, annotation_set(item, annotator, label) AS annotations
FROM answers GROUP BY scenario, seed;

CREATE TEMPORARY TABLE fits AS
SELECT scenario, seed, variant, annotations, dawid_skene(annotations, options) AS model
FROM collected, variants;

CREATE TEMPORARY TABLE results AS
SELECT scenario, seed, variant,
       avg((c.label = ((truth + seed) % classes)::text)::int)::float8 AS accuracy
FROM (SELECT scenario, seed, variant, (consensus(annotations, model)).* FROM fits) AS c
JOIN truths AS t USING (scenario, seed)
JOIN scenarios USING (scenario)
WHERE t.item = c.item::int
GROUP BY scenario, seed, variant;

--
-- The table
--
CREATE TEMPORARY TABLE means AS
SELECT scenario, variant, avg(accuracy) AS accuracy
FROM results GROUP BY scenario, variant;

-- The best single variant is the best with hindsight: by its mean over the seeds.
CREATE TEMPORARY TABLE differences AS
SELECT scenario, best.variant AS best,
       avg(a.accuracy - b.accuracy) AS difference,
       stddev_samp(a.accuracy - b.accuracy) / sqrt(count(*)) AS standard_error
FROM (SELECT DISTINCT ON (scenario) scenario, m.variant
      FROM means AS m JOIN variants USING (variant)
      WHERE variant <> 'auto'
      ORDER BY scenario, accuracy DESC, position) AS best
JOIN results AS b USING (scenario, variant)
JOIN results AS a USING (scenario, seed)
WHERE a.variant = 'auto'
GROUP BY scenario, best.variant;

CREATE FUNCTION pg_temp.signed(x float8) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN round(x::numeric, 3) < 0 THEN '-' WHEN round(x::numeric, 3) > 0 THEN '+' ELSE '' END
	       || to_char(abs(x), 'FM0.000')
$$;

\pset tuples_only on
\pset format unaligned
\pset pager off
SELECT '| scenario | ' || string_agg(variant, ' | ' ORDER BY position) || ' | best of the others | auto less that | standard error |'
FROM variants
UNION ALL
SELECT '|---|' || repeat('---:|', count(*)::int) || '---|---:|---:|' FROM variants;

SELECT format('| %s | %s | %s | %s | %s |', scenario,
              string_agg(to_char(m.accuracy, 'FM0.000'), ' | ' ORDER BY v.position),
              best, pg_temp.signed(difference), to_char(standard_error, 'FM0.000'))
FROM scenarios AS s
JOIN means AS m USING (scenario)
JOIN variants AS v USING (variant)
JOIN differences USING (scenario)
GROUP BY s.position, scenario, best, difference, standard_error
ORDER BY s.position;

SELECT format('| **mean** | %s | | %s | |', string_agg(to_char(accuracy, 'FM0.000'), ' | ' ORDER BY position),
              (SELECT pg_temp.signed(avg(difference)) FROM differences))
FROM (SELECT variant, position, avg(accuracy) AS accuracy
      FROM means JOIN variants USING (variant) GROUP BY variant, position) AS v;
