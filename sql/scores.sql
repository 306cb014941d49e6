-- score_set and what reads it; calibration().  Numbers worked out by hand stand beside the queries.
SET extra_float_digits = 0;

CREATE TEMP TABLE scored (id int, truth boolean, score float8);
INSERT INTO scored VALUES (1, true, 0.9), (2, true, 0.8), (3, false, 0.8), (4, true, 0.6), (5, false, 0.6), (6, false, 0.3), (7, NULL, 0.9), (8, true, NULL);

-- the set: distinct scores with their positives and negatives
SELECT score_set(truth, score)::jsonb FROM scored;
SELECT score_set(truth, score) FROM scored;
SELECT score_set(truth, score)::text::score_set = score_set(truth, score ORDER BY -id) AS same FROM scored;
SELECT score_set(truth, score, 2) = score_set(truth, score) + score_set(truth, score) AS twice,
       score_set(truth, score, 0.5) = score_set(truth, score) AS half,
       score_set(truth, score, 0.5) + score_set(truth, score, 0.5) = score_set(truth, score) AS two_halves FROM scored;
SELECT sum(s)::json FROM (SELECT id % 2, score_set(truth, score) AS s FROM scored GROUP BY id % 2) AS p;
SELECT score_set(truth, score, 0.25)::jsonb FROM scored;
SELECT score_set(truth, score, 5000000000)::jsonb FROM scored WHERE id < 3;
SELECT score_set(truth, score, 5000000000) = score_set(truth, score, 5000000000)::text::score_set AS large FROM scored;
SELECT score_set(t, s)::jsonb FROM (VALUES (true, 'Infinity'::float8), (false, '-Infinity'), (true, '-0'), (false, 0)) AS v(t, s);
SELECT score_set(t, s) IS NULL AS no_rows FROM (VALUES (true, 0.5)) AS v(t, s) WHERE false;
SELECT score_set(t, s, 0) IS NULL AS no_weight FROM (VALUES (true, 0.5)) AS v(t, s);
SELECT NULL + s IS NULL AS strict, score_set_combine(NULL, s) = s AS one_side FROM (SELECT score_set(truth, score) AS s FROM scored) AS v;

-- Positives .9 .8 .6, negatives .8 .6 .3: of 9 pairs 6 are won and 2 tied, 7/9.  Shares that each positive wins:
-- 1, 5/6, 1/2, variance 7/108; each negative loses: 1/2, 5/6, 1, the same; so 2 * 7/108 / 3 and z = 1.959964 give
-- +- 0.4073.  Average precision: 1/3 (1 + 2/3 + 3/5).  F1 by threshold: 2/4, 4/6, 6/8, 6/9.
SELECT n, positives, round(roc_auc::numeric, 6) AS roc_auc, round(auc_low::numeric, 4) AS low, round(auc_high::numeric, 4) AS high,
       round(average_precision::numeric, 6) AS ap, best_f1, best_f1_threshold
FROM (SELECT (ranking_report(truth, score)).* FROM scored) AS r;
SELECT round(auc_low::numeric, 4) AS low, auc_high AS high FROM (SELECT (ranking_report(score_set(truth, score), 0.5)).* FROM scored) AS r;
SELECT to_jsonb(ranking_report(truth, score)) - 'auc_low' - 'roc_auc' - 'average_precision' FROM scored;

-- what is undefined is NULL, and a NOTICE says why
SELECT ranking_report(true, score) FROM scored WHERE score IS NOT NULL;
SELECT ranking_report(false, score) FROM scored WHERE score IS NOT NULL;
SELECT ranking_report(truth, score, 0.5) FROM scored WHERE score IS NOT NULL;
SELECT ranking_report(score > 0.5, score) FROM scored WHERE score IS NOT NULL;
SELECT ranking_report(id = 1, score) FROM scored WHERE score < 0.9;
SELECT ranking_report(id = 2, score) FROM scored WHERE id < 6 AND id > 1;
SELECT ranking_report(truth, 1) FROM scored;
SELECT ranking_report(NULL::boolean, score) IS NULL AS no_rows FROM scored;

-- curves
SELECT * FROM pr_curve((SELECT score_set(truth, score) FROM scored));
SELECT * FROM roc_curve((SELECT score_set(truth, score) FROM scored));
SELECT * FROM pr_curve((SELECT score_set(truth, score) FROM scored), 2);
SELECT * FROM roc_curve((SELECT score_set(truth, score) FROM scored), 3);
SELECT count(*) FROM roc_curve((SELECT score_set(truth, score) FROM scored), NULL);
SELECT count(*) FROM roc_curve(NULL, 3);
SELECT * FROM pr_curve((SELECT score_set(false, score) FROM scored));
SELECT * FROM roc_curve((SELECT score_set(false, score) FROM scored));
SELECT * FROM roc_curve((SELECT score_set(truth, score) FROM scored), 1);

-- of the best k: 1; 1 + 1/2; 2; 2 + 1/2; 3; 3 right
SELECT k, round(precision_at(s, k)::numeric, 6) FROM (SELECT score_set(truth, score) AS s FROM scored) AS v, generate_series(1, 7) AS k;
SELECT precision_at(score_set(truth, score), 0) FROM scored;
SELECT precision_at(score_set(truth, score, 0.5), 1) FROM scored;

-- thresholds; Wilson bounds of 2/3 and 3/3 are 0.2077 and 0.4385, of 3/5 0.2307
SELECT measure, target, threshold, selected, round(ppv::numeric, 4) AS ppv, round(ppv_low::numeric, 4) AS ppv_low, round(recall::numeric, 4) AS recall, round(recall_low::numeric, 4) AS recall_low
FROM (VALUES ('precision', 0.6), ('ppv', 0.65), ('precision', 0.7), ('precision', 0), ('recall', 0.6), ('recall', 1), ('recall', 0)) AS m(measure, target),
     threshold_for((SELECT score_set(truth, score) FROM scored), measure, target);
SELECT * FROM threshold_for((SELECT score_set(false, score) FROM scored), 'precision', 0.5);
SELECT * FROM threshold_for((SELECT score_set(false, score) FROM scored), 'recall', 0.5);
SELECT * FROM threshold_for((SELECT score_set(truth, score, 0.5) FROM scored), 'recall', 1);
SELECT * FROM threshold_for((SELECT score_set(truth, score) FROM scored), 'f1', 0.5);
SELECT * FROM threshold_for((SELECT score_set(truth, score) FROM scored), 'recall', 1.5);
SELECT * FROM threshold_for((SELECT score_set(truth, score) FROM scored), 'recall', 'NaN');

-- acceptance.  100 labels, of which the best 60 are right: ln(0.05) / ln(0.9) is 28.4, so the first coverage is 30 of
-- 100, whose bound is 0.05 ^ (1/30) = 0.905; the last without an error is 60, whose bound is 0.9513.  Then each step adds
-- an error: 62 of 64 right has the bound 0.9049 (scipy's beta.ppf(0.05, 62, 3)), 63 of 66 has 0.8867.
CREATE TEMP TABLE labels AS SELECT i, i > 40 OR i % 2 = 0 AND i > 30 AS is_right, i / 100.0 AS score FROM generate_series(1, 100) AS i;
SELECT threshold, coverage, round(accuracy::numeric, 4) AS accuracy, round(accuracy_low::numeric, 4) AS low, accepted, reviewed FROM acceptance((SELECT score_set(is_right, score) FROM labels), 0.9);
SELECT threshold, coverage, round(accuracy::numeric, 4) AS accuracy, round(accuracy_low::numeric, 4) AS low, accepted, reviewed FROM acceptance((SELECT score_set(is_right, score) FROM labels), 0.95);
SELECT * FROM acceptance((SELECT score_set(is_right, score) FROM labels), 0.99);
SELECT * FROM acceptance((SELECT score_set(is_right, score) FROM labels), 0.9, 0.999999);
-- at a level below one half: beta.ppf(0.7, 65, 36)
SELECT threshold, accepted, round(accuracy_low::numeric, 4) AS low FROM acceptance((SELECT score_set(is_right, score) FROM labels), 0.6, 0.3);
-- all scores equal: one test, of all
SELECT threshold, coverage, accuracy, round(accuracy_low::numeric, 4) AS low, accepted, reviewed FROM acceptance((SELECT score_set(is_right, 1) FROM labels), 0.5);
-- whole-number weights are rows; others, and shares that no sample can show, are errors
SELECT acceptance(score_set(is_right, score, 3), 0.9) = acceptance(score_set(is_right, score) + score_set(is_right, score) + score_set(is_right, score), 0.9) AS same FROM labels;
SELECT acceptance(score_set(is_right, score, 0.5), 0.9) FROM labels;
SELECT acceptance(score_set(is_right, score), 1) FROM labels;
SELECT acceptance(score_set(is_right, score), 0.9, 1) FROM labels;

-- calibration: probabilities .9 right, .9 wrong, .6 right, 1 right
CREATE TEMP TABLE predicted (truth text, d label_distribution);
INSERT INTO predicted VALUES ('cat', '{"cat": 0.9, "dog": 0.1}'), ('dog', '{"cat": 0.9, "dog": 0.1}'), ('dog', '{"cat": 0.4, "dog": 0.6}'), ('cow', '{"cow": 1}'),
	(NULL, '{"cow": 1}'), ('cow', NULL);
-- log-loss: -(ln .9 + ln .1 + ln .6 + ln 1) / 4 = 0.729693; Brier: (.02 + 1.62 + .32 + 0) / 4 = 0.49; of two bins all
-- four are in the upper: |3.4 - 3| / 4 = 0.1.  Of five, .6 is in that up to .6
SELECT n, round(log_loss::numeric, 6) AS log_loss, round(brier::numeric, 6) AS brier, round(ece::numeric, 6) AS ece, round(mce::numeric, 6) AS mce
FROM (SELECT (calibration(truth, d, 2)).* FROM predicted) AS c;
SELECT low, high, b.n, round(confidence::numeric, 6) AS confidence, round(accuracy::numeric, 6) AS accuracy, round(accuracy_low::numeric, 4) AS accuracy_low, round(accuracy_high::numeric, 4) AS accuracy_high
FROM (SELECT (calibration(truth, d, 5)).bins FROM predicted) AS c, unnest(bins) AS b;
SELECT u.label, u.n, u.positives, round(u.brier::numeric, 6) AS brier, round(u.ece::numeric, 6) AS ece, round(u.mce::numeric, 6) AS mce, (SELECT array_agg(b.n) FROM unnest(u.bins) AS b) AS bins
FROM (SELECT class_calibration(truth, d, 4) AS c FROM predicted) AS v, unnest(c) AS u;
-- by class: reliability .12 + 0 + .28 / 3, resolution .0625 + .1875 + 1 / 12, uncertainty .1875 + .1875 + .25
SELECT round(brier::numeric, 6) AS brier, round(reliability::numeric, 6) AS reliability, round(resolution::numeric, 6) AS resolution, round(uncertainty::numeric, 6) AS uncertainty, round(within_bins::numeric, 6) AS within_bins
FROM (SELECT (brier_decomposition(truth, d)).* FROM predicted) AS c;
-- labels of any type; a truth that the prediction rules out; a truth that it does not know
SELECT (calibration(truth, d)).log_loss, (calibration(truth, d)).brier FROM (VALUES (1, label_distribution('{1,2}', '{1,0}')), (3, label_distribution('{1,2}', '{1,0}'))) AS v(truth, d);
SELECT calibration(truth, d) IS NULL AS no_rows FROM predicted WHERE false;
SELECT calibration(truth, d, NULL) = calibration(truth, d, 10) AS default_bins FROM predicted;
SELECT calibration(truth, d, CASE truth WHEN 'cat' THEN 5 ELSE 7 END) FROM predicted;
SELECT calibration(truth, d, 0) FROM predicted;

-- of scores: bins of equal width and of equal mass
SELECT low, high, b.n, round(confidence::numeric, 4) AS confidence, round(accuracy::numeric, 4) AS accuracy FROM (SELECT (calibration(score_set(truth, score), 3)).bins FROM scored) AS c, unnest(bins) AS b;
SELECT low, high, b.n, round(confidence::numeric, 4) AS confidence, round(accuracy::numeric, 4) AS accuracy FROM (SELECT (calibration(score_set(truth, score), 3, 'mass')).bins FROM scored) AS c, unnest(bins) AS b;
SELECT (calibration(s)).log_loss, (calibration(s)).brier FROM (SELECT score_set(t, p) AS s FROM (VALUES (true, 1.0), (false, 0)) AS v(t, p)) AS v;
SELECT (calibration(s)).log_loss, (calibration(s)).brier FROM (SELECT score_set(t, p) AS s FROM (VALUES (true, 0.0), (false, 0)) AS v(t, p)) AS v;
SELECT accuracy_low FROM unnest((calibration((SELECT score_set(truth, score, 0.5) FROM scored), 1)).bins);
SELECT calibration(NULL::score_set, 3) IS NULL AS null_set;
SELECT calibration(score_set(truth, score * 2)) FROM scored;
SELECT calibration(score_set(truth, score), 3, 'depth') FROM scored;
SELECT calibration(score_set(truth, score), 2000) FROM scored;
SELECT brier_decomposition(score_set(true, 0.75));
SELECT calibration_svg(calibration(score_set(truth, score)), 'a < b') LIKE '<svg%a &lt; b%</svg>' AS svg, calibration_svg(NULL) IS NULL AS nothing FROM scored;

-- refused
SELECT score_set(truth, 'NaN') FROM scored;
SELECT score_set(truth, score, 'NaN') FROM scored;
SELECT score_set(truth, score, -1) FROM scored;
SELECT score_set(truth, score, 1e14) FROM scored;
SELECT score_set(truth, score, 1e308) FROM scored;
SELECT '{}'::score_set;
SELECT 'score_set:1:xyz'::score_set;
SELECT 'score_set:2:CQEAAAAABD'::score_set;
SELECT 'calibration_state:1:CgEA'::calibration_state;
