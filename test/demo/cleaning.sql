-- A crowd labels tickets, and a classifier is to learn from it: from the table of raw
-- answers to a verdict on whether cleaning them helped.
--
-- "make demo" runs this file after demo.sql; it needs nothing of it.  The crowd is
-- simulated, so that its truth is known, and only used where the text says so.

\pset footer off
\pset null '-'
\set VERBOSITY terse

SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS noisylabel;
CREATE SCHEMA IF NOT EXISTS demo;
RESET client_min_messages;
SET search_path = demo, public;

\echo
\echo '--- The same for a classifier: 300 tickets, three answers each, by fifteen people of all kinds ---'
\echo

CREATE TABLE world AS
SELECT substr(item, 6)::int AS ticket, annotator, label, features, truth
FROM simulate_annotations(1800, '{"expert": 2, "reliable": {"count": 4, "accuracy": 0.85}, "hasty": {"count": 5, "accuracy": 0.6},
                                  "spammer": 3, "adversary": 1}',
                          '{"classes": ["billing", "bug", "praise"], "answers": 3, "features": 12, "separation": 2.5, "seed": 2024}');

-- What the crowd said; and other tickets, which somebody has labelled with care.
CREATE TABLE answer AS SELECT ticket AS item, annotator, label, features FROM world WHERE ticket <= 300;
CREATE TABLE checked AS SELECT DISTINCT ticket AS item, truth, features FROM world WHERE ticket > 300;

\echo '7. RAW ANSWERS: how often all, two, or none of three agree'
SELECT agreeing || ' of 3' AS agree, count(*) AS tickets, repeat('#', (count(*) / 6)::int) AS share
FROM (SELECT item, max(n) AS agreeing FROM (SELECT item, label, count(*) AS n FROM answer GROUP BY item, label) AS v GROUP BY item) AS v
GROUP BY agreeing ORDER BY agreeing DESC;

-- A classifier that takes every answer as it is.  Its penalty is chosen out of fold.
CREATE TABLE baseline AS SELECT logistic_regression(label, features, '{"l2": "choose"}'::jsonb) AS classifier FROM answer;

\echo '8. BASELINE: what it says of the checked tickets, as a confusion matrix'
SELECT c.truth AS true_class,
       max(c.count) FILTER (WHERE c.label = 'billing') AS says_billing,
       max(c.count) FILTER (WHERE c.label = 'bug') AS says_bug,
       max(c.count) FILTER (WHERE c.label = 'praise') AS says_praise,
       round(max(c.rate) FILTER (WHERE c.label = c.truth)::numeric, 2) AS recall
FROM (SELECT annotator_confusion(truth, top_label(predict((SELECT classifier FROM baseline), features))) AS matrix FROM checked) AS m, cells(matrix) AS c
GROUP BY c.truth ORDER BY c.truth;

CREATE TABLE crowd AS SELECT dawid_skene(item, annotator, label) AS model FROM answer;

\echo '9. ANNOTATORS: estimated accuracy with its 95 % interval, from their answers alone'
SELECT annotator, annotations AS answers, round(accuracy::numeric, 2) AS accuracy,
       repeat(' ', (20 * accuracy_low)::int) || repeat('-', greatest(0, (20 * accuracy)::int - (20 * accuracy_low)::int)) || 'o'
       || repeat('-', greatest(0, (20 * accuracy_high)::int - (20 * accuracy)::int)) AS "0 ........ .5 ....... 1",
       worst_truth || ' called ' || worst_label AS most_frequent_error
FROM crowd, annotators(model)
ORDER BY accuracy_low DESC;

\echo '   What is wrong with this crowd'
SELECT split_part(unnest(warnings), ';', 1) AS warning FROM crowd, fit_report(model);

\echo '10. SUSPICIOUS LABELS: by the other answers, the annotators, and a classifier that has not seen the ticket'
\echo '    (the last column is the truth, which only a simulation has)'
CREATE TABLE issue AS
SELECT item, annotator, label, features, label_issue(item, annotator, label, predicted) OVER () AS issue
FROM (SELECT *, oof_predict(label, features, item, '{"l2": "choose"}'::jsonb) OVER () AS predicted FROM answer) AS p;

SELECT i.item AS ticket, i.annotator, i.label, (i.issue).suggested, round((i.issue).quality::numeric, 4) AS probably_right, w.truth
FROM issue AS i JOIN (SELECT DISTINCT ticket, truth FROM world) AS w ON w.ticket = i.item
WHERE (i.issue).is_issue
ORDER BY (i.issue).quality, i.item, i.annotator
LIMIT 6;

SELECT count(*) FILTER (WHERE (i.issue).is_issue) AS flagged,
       count(*) FILTER (WHERE (i.issue).is_issue AND i.label <> w.truth) AS of_them_wrong,
       count(*) FILTER (WHERE i.label <> w.truth) AS wrong_in_all, count(*) AS answers
FROM issue AS i JOIN (SELECT DISTINCT ticket, truth FROM world) AS w ON w.ticket = i.item;

\echo '11. THREE INTERVENTIONS: accuracy and macro-F1 on the checked tickets'
CREATE TABLE arm AS
SELECT 1 AS n, 'answers as they are' AS trained_on, classifier FROM baseline
UNION ALL
SELECT 2, 'answers, doubtful ones count less', logistic_regression(label, features, label_weight(label, (issue).evidence), '{"l2": "choose"}'::jsonb) FROM issue
UNION ALL
SELECT 3, 'every answer, through its annotator''s matrix', logistic_regression(label, features, annotator, (SELECT model FROM crowd), '{"l2": "choose"}'::jsonb) FROM answer
UNION ALL
SELECT 4, 'what is believed, instead of the answers', logistic_regression(soft_label(label, (issue).evidence), features, '{"l2": "choose"}'::jsonb) FROM issue;

SELECT trained_on, round((r).accuracy::numeric, 3) AS accuracy, round((r).macro_f1::numeric, 3) AS macro_f1,
       repeat('#', (200 * ((r).macro_f1 - 0.7))::int) AS "macro_f1 above .7"
FROM (SELECT n, trained_on, f1_report(truth, top_label(predict(classifier, features))) AS r FROM arm, checked GROUP BY n, trained_on) AS v
ORDER BY n;

\echo '12. VERDICT: one candidate is tested first; the others only if it improved; l2 chosen in each'
SELECT intervention, l2, round(baseline::numeric, 3) AS baseline, round(candidate::numeric, 3) AS candidate,
       round(difference_low::numeric, 3) AS low, round(difference_high::numeric, 3) AS high, round(p_adjusted::numeric, 4) AS p,
       verdict, CASE WHEN recommended THEN '<== this one' END AS recommended
FROM evaluate_cleaning('answer', 'checked')
WHERE seed IS NULL;
