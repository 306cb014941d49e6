-- The 1979 anaesthetists, from a table of answers to the labels to use.
--
-- Five anaesthetists read the case forms of 45 patients and graded each
-- patient's fitness for a general anaesthetic from 1 (fit) to 4 (unfit).
-- Observer 1 read each form three times.  Nobody knows the right grades.
-- A. P. Dawid and A. M. Skene used these answers to show how the observers'
-- errors and the true grades can be estimated together (Applied Statistics 28,
-- 1979, Table 1).
--
-- "make demo" runs this file in a private server.  To try it on your own, run
-- psql from the top of the source tree and paste; everything is created in the
-- schema demo.  Apart from \copy, \echo and \o it is plain SQL.

\pset footer off
\pset null '-'

CREATE EXTENSION IF NOT EXISTS noisylabel;
CREATE SCHEMA demo;
SET search_path = demo, public;

-- The answers: one row for each, of any types.
CREATE TABLE reading (patient int, observer int, grade int);
\copy reading from 'test/data/anaesthetists_1979.csv' with (format csv, header)

-- 1. Collect.  An aggregate packs the rows into one value.
CREATE MATERIALIZED VIEW collected AS
SELECT annotation_set(patient, observer, grade) AS answers FROM reading;

\echo
\echo '1. COLLECT: what there is'
SELECT s.items AS patients, s.annotators AS observers, s.annotations AS readings,
       s.classes AS grades, s.min_per_item AS min, s.mean_per_item AS mean,
       s.max_per_item AS max, s.repeated, s.regime
FROM collected AS c, annotation_summary(c.answers) AS s;

-- 2. Fit.  The model holds the observers' error rates, and no patients.  Variant
-- full is the paper's; without it the answers decide how alike observers are.
CREATE MATERIALIZED VIEW fitted AS
SELECT dawid_skene(answers, '{"variant": "full", "tolerance": 1e-9}') AS model FROM collected;

\echo '2. FIT: how it went'
SELECT f.method, f.iterations, f.converged, round(f.log_likelihood::numeric, 4) AS log_likelihood,
       f.warnings
FROM fitted, fit_report(fitted.model) AS f;

\echo '   How frequent each grade is'
SELECT p.label AS grade, round(p.probability::numeric, 3) AS share
FROM fitted, probabilities(class_prior(fitted.model)) AS p;

-- 3. Who can be trusted?
CREATE MATERIALIZED VIEW reliability AS
SELECT a.* FROM fitted, annotators(fitted.model) AS a;

\echo '3. OBSERVERS: accuracy with its 95 % interval, bits that one reading carries,'
\echo '   the most frequent error, spammer score (0: answers without looking, 1: always right)'
SELECT annotator AS observer, annotations AS readings,
       round(accuracy::numeric, 2) AS accuracy,
       round(accuracy_low::numeric, 2) AS low, round(accuracy_high::numeric, 2) AS high,
       round(information::numeric, 2) AS bits,
       worst_truth || ' read as ' || worst_label AS worst_error,
       round(worst_rate::numeric, 2) AS rate,
       round(spammer_score::numeric, 2) AS spammer_score
FROM reliability
ORDER BY information DESC;

--    One observer's errors, as the paper shows them: a row for each true grade.
--    cells() gives a row for each cell; FILTER makes columns of them.
\echo '   What observer 1 says of patients of each true grade'
SELECT c.truth AS true_grade,
       round(max(c.rate) FILTER (WHERE c.label = '1')::numeric, 2) AS says_1,
       round(max(c.rate) FILTER (WHERE c.label = '2')::numeric, 2) AS says_2,
       round(max(c.rate) FILTER (WHERE c.label = '3')::numeric, 2) AS says_3,
       round(max(c.rate) FILTER (WHERE c.label = '4')::numeric, 2) AS says_4,
       round(sum(c.count)::numeric, 1) AS expected_readings
FROM reliability, cells(confusion) AS c
WHERE annotator = '1'
GROUP BY c.truth
ORDER BY c.truth;

-- 4. The consensus: a grade for each patient, and how sure it is.
CREATE MATERIALIZED VIEW consensus_grade AS
SELECT c.item::int AS patient, c.label::int AS grade, c.confidence, c.entropy,
       c.annotations AS readings, c.tied, c.distribution
FROM collected, fitted, consensus(collected.answers, fitted.model) AS c;
CREATE UNIQUE INDEX ON consensus_grade (patient);

\echo '4. CONSENSUS: patients of each grade'
SELECT grade, count(*) AS patients, round(min(confidence)::numeric, 3) AS least_confidence,
       count(*) FILTER (WHERE confidence < 0.95) AS below_95_percent
FROM consensus_grade
GROUP BY grade
ORDER BY grade;

\echo '   The least certain patients: these are worth a second look'
SELECT c.patient, c.grade, round(c.confidence::numeric, 3) AS confidence,
       round(probability(c.distribution, '1')::numeric, 2) AS p1,
       round(probability(c.distribution, '2')::numeric, 2) AS p2,
       round(probability(c.distribution, '3')::numeric, 2) AS p3,
       round(probability(c.distribution, '4')::numeric, 2) AS p4,
       (SELECT string_agg(grade::text, ' ' ORDER BY observer, grade)
        FROM reading AS r WHERE r.patient = c.patient) AS readings
FROM consensus_grade AS c
ORDER BY c.confidence, c.patient
LIMIT 5;

-- 5. How well does each observer agree with the consensus?  f1_report() is an
--    aggregate: one row for each group, measures as columns.  (The consensus was
--    made of the same readings, so this flatters everyone a little.)
CREATE MATERIALIZED VIEW agreement AS
SELECT r.observer, f1_report(c.grade, r.grade) AS report
FROM reading AS r JOIN consensus_grade AS c USING (patient)
GROUP BY r.observer;

\echo '5. AGREEMENT of each observer with the consensus'
SELECT observer, (report).n AS readings,
       round((report).accuracy::numeric, 2) AS accuracy,
       round((report).macro_f1::numeric, 2) AS macro_f1,
       round((report).macro_f1_low::numeric, 2) AS low,
       round((report).macro_f1_high::numeric, 2) AS high,
       round((report).cohen_kappa::numeric, 2) AS kappa,
       round((report).matthews_corrcoef::numeric, 2) AS mcc
FROM agreement
ORDER BY (report).macro_f1 DESC;

\echo '   The whole report of observer 1'
\echo
\pset tuples_only on
\pset format unaligned
SELECT report(report) FROM agreement WHERE observer = 1;
\pset format aligned
\pset tuples_only off

-- 6. New readings come in: observers 2 and 4 look at patient 35 again, and both
--    stay with 3.  The views follow, each after those it reads from.
INSERT INTO reading VALUES (35, 2, 3), (35, 4, 3);
REFRESH MATERIALIZED VIEW collected;
REFRESH MATERIALIZED VIEW fitted;
REFRESH MATERIALIZED VIEW reliability;
REFRESH MATERIALIZED VIEW CONCURRENTLY consensus_grade;
REFRESH MATERIALIZED VIEW agreement;

\echo
\echo '6. REFRESH: patient 35 after two more readings'
SELECT patient, grade, round(confidence::numeric, 3) AS confidence, readings
FROM consensus_grade
WHERE patient = 35;

-- 7. A page to look at, or to mail: one file, without scripts.
\echo
\echo '7. A PAGE: open this in a browser'
\if :{?page}
\else
\set page label_report.html
\endif
\echo '  ' :page
\pset tuples_only on
\pset format unaligned
\o :page
SELECT label_report(answers, model, '{"title": "Fitness for anaesthesia, 1979"}') FROM collected, fitted;
\o
\pset format aligned
\pset tuples_only off
\echo

-- With the extension pg_cron the refresh can run by itself, here every night:
--
--   SELECT cron.schedule('consensus', '0 3 * * *', $$
--       REFRESH MATERIALIZED VIEW demo.collected;
--       REFRESH MATERIALIZED VIEW demo.fitted;
--       REFRESH MATERIALIZED VIEW demo.reliability;
--       REFRESH MATERIALIZED VIEW CONCURRENTLY demo.consensus_grade;
--       REFRESH MATERIALIZED VIEW demo.agreement;
--   $$);
