-- Sets of labels.  Expected numbers: scikit-learn 1.9 (zero_division = nan, means over the defined), or as said.
CREATE TEMP TABLE tagged AS
SELECT * FROM (VALUES (1, '{a,b}'::text[], '{a}'::text[]), (2, '{b}', '{b,c}'), (3, '{}', '{}'), (4, '{c}', '{a}'), (5, '{a,c}', '{c,a}'), (6, '{}', '{b}'), (7, '{b}', '{}')) AS v(id, truth, predicted);
CREATE FUNCTION pg_temp.r(float8) RETURNS numeric LANGUAGE sql AS 'SELECT round($1::numeric, 6)';

-- equal: rows 3 and 5; 6 differing decisions of 21; Jaccard (1/2 + 1/2 + 0 + 1 + 0 + 0) / 6
SELECT (m).n, (m).labels, pg_temp.r((m).subset_accuracy) AS subset_accuracy, pg_temp.r((m).hamming_loss) AS hamming_loss, pg_temp.r((m).jaccard) AS jaccard,
	   pg_temp.r((m).samples_precision) AS samples_precision, pg_temp.r((m).samples_recall) AS samples_recall, pg_temp.r((m).samples_f1) AS samples_f1,
	   pg_temp.r((m).micro_precision) AS micro_precision, pg_temp.r((m).micro_recall) AS micro_recall, pg_temp.r((m).micro_f1) AS micro_f1,
	   pg_temp.r((m).macro_precision) AS macro_precision, pg_temp.r((m).macro_recall) AS macro_recall, pg_temp.r((m).macro_f1) AS macro_f1,
	   pg_temp.r((m).weighted_precision) AS weighted_precision, pg_temp.r((m).weighted_recall) AS weighted_recall, pg_temp.r((m).weighted_f1) AS weighted_f1
FROM (SELECT multilabel_report(truth, predicted) AS m FROM tagged) AS x \gx
SELECT label, support, predicted, pg_temp.r("precision") AS "precision", pg_temp.r(recall) AS recall, pg_temp.r(f1) AS f1, pg_temp.r(f1_low) AS f1_low, pg_temp.r(f1_high) AS f1_high
FROM (SELECT multilabel_report(truth, predicted) AS m FROM tagged) AS x, unnest((m).classes) ORDER BY label;

-- One label a row is f1_report
SELECT abs((m).macro_f1 - (f).macro_f1) < 1e-12 AS macro_f1, abs((m).micro_f1 - (f).accuracy) < 1e-12 AS micro_f1, abs((m).subset_accuracy - (f).accuracy) < 1e-12 AS subset_accuracy,
	   abs((m).weighted_recall - (f).weighted_recall) < 1e-12 AS weighted_recall, (m).classes = (f).classes AS classes
FROM (SELECT multilabel_report(ARRAY[t], ARRAY[p]) AS m, f1_report(t, p) AS f
	  FROM (SELECT 'c' || i % 4 AS t, 'c' || (i + (i % 7 = 0)::int) % 4 AS p FROM generate_series(1, 100) AS i) AS x) AS y;
-- Whatever the order; repeats and NULLs in a set; no sets
SELECT multilabel_report(truth, predicted ORDER BY id) = multilabel_report(truth, predicted ORDER BY -id) AS any_order FROM tagged;
SELECT multilabel_report('{a,a,NULL}', '{a}') = multilabel_report('{a}', '{a,a}') AS once;
SELECT (m).n, (m).labels, (m).subset_accuracy, (m).hamming_loss, (m).jaccard, (m).micro_f1, (m).macro_f1, (m).classes FROM (SELECT multilabel_report('{}', '{}') AS m) AS x;
SELECT multilabel_report(truth, NULL) IS NULL AS nothing FROM tagged;
SELECT (multilabel_report(truth, CASE WHEN id <> 2 THEN predicted END)).n FROM tagged;
-- Counts that no rows of ours made
SELECT multilabel_final(annotator_counts_accum(NULL, ''::text, 'a'::text, 'b'::text));
SELECT multilabel_final(annotator_counts_accum(NULL, 'r2 1'::text, '2'::text, 'b'::text));
SELECT multilabel_final(annotator_counts_accum(NULL, 'la'::text, 'a'::text, 'b'::text));
