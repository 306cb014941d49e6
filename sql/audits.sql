-- Intervals for proportions, and audits.  Expected numbers: scipy.stats (beta, binom,
-- hypergeom), statsmodels (proportion_confint), the published examples, or as said.

CREATE FUNCTION pg_temp.r(float8, digits int DEFAULT 6) RETURNS numeric LANGUAGE sql AS 'SELECT round($1::numeric, digits)';

SELECT method, pg_temp.r(estimate), pg_temp.r(low), pg_temp.r(high)
FROM (SELECT 1 AS nr, 'Wilson' AS method, * FROM wilson_interval(8, 10)
	  UNION ALL SELECT 2, 'Wilson, 90 %', * FROM wilson_interval(8, 10, 0.9)
	  UNION ALL SELECT 3, 'Agresti-Coull', * FROM agresti_coull_interval(8, 10)
	  UNION ALL SELECT 4, 'Clopper-Pearson', * FROM clopper_pearson_interval(8, 10)
	  UNION ALL SELECT 5, 'Clopper-Pearson of none', * FROM clopper_pearson_interval(0, 10)
	  UNION ALL SELECT 6, 'Clopper-Pearson of all', * FROM clopper_pearson_interval(10, 10)
	  UNION ALL SELECT 7, 'Jeffreys', * FROM beta_interval(8, 10, 0.5, 0.5)
	  UNION ALL SELECT 8, 'uniform, nothing seen', * FROM beta_interval(0, 0, 1, 1)
	  UNION ALL SELECT 9, 'Wilson, nothing seen', * FROM wilson_interval(0, 0)
	  UNION ALL SELECT 10, 'Agresti-Coull, nothing seen', * FROM agresti_coull_interval(0, 0)
	  UNION ALL SELECT 11, 'Clopper-Pearson, nothing seen', * FROM clopper_pearson_interval(0, 0)) AS i
ORDER BY nr;
SELECT wilson_interval(NULL, 10), wilson_interval(1, NULL);
SELECT wilson_interval(11, 10);
SELECT wilson_interval(-1, 10);
SELECT wilson_interval('NaN', 10);
SELECT wilson_interval(1, 'Infinity');
SELECT wilson_interval(1, 10, 1);
SELECT beta_interval(1, 10, 0, 1);
SELECT clopper_pearson_interval(1, 2e9);
SELECT pg_temp.r(low), pg_temp.r(high) FROM wilson_interval(1, 2e9);

-- Coverage, exactly: the sum over all outcomes, a mean over p of .05, .1, ... .95
WITH n(n) AS (VALUES (50), (200)),
log_factorial AS (SELECT i, sum(CASE WHEN i > 0 THEN ln(i::float8) ELSE 0 END) OVER (ORDER BY i) AS f FROM generate_series(0, 200) AS i),
outcome AS (SELECT n, x.i AS x, p / 20.0::float8 AS p,
				   exp(a.f - x.f - b.f + x.i * ln(p / 20.0::float8) + (n - x.i) * ln(1 - p / 20.0::float8)) AS probability
			FROM n JOIN log_factorial AS a ON a.i = n JOIN log_factorial AS x ON x.i <= n JOIN log_factorial AS b ON b.i = n - x.i, generate_series(1, 19) AS p),
covered AS (SELECT n, p, sum(probability) FILTER (WHERE p BETWEEN w.low AND w.high) AS wilson,
				   sum(probability) FILTER (WHERE p BETWEEN a.low AND a.high) AS agresti_coull,
				   sum(probability) FILTER (WHERE p BETWEEN c.low AND c.high) AS clopper_pearson,
				   sum(probability) FILTER (WHERE p BETWEEN j.low AND j.high) AS jeffreys
			FROM outcome, wilson_interval(x, n) AS w, agresti_coull_interval(x, n) AS a, clopper_pearson_interval(x, n) AS c, beta_interval(x, n, 0.5, 0.5) AS j
			GROUP BY n, p)
SELECT n, pg_temp.r(avg(wilson), 3) AS wilson, pg_temp.r(avg(agresti_coull), 3) AS agresti_coull,
	   pg_temp.r(avg(clopper_pearson), 3) AS clopper_pearson, pg_temp.r(min(clopper_pearson), 3) AS least, pg_temp.r(avg(jeffreys), 3) AS jeffreys
FROM covered GROUP BY n ORDER BY n;

-- Two proportions: Newcombe 1998, table II, (a), (b), (e), (h)
SELECT pg_temp.r(difference, 4), pg_temp.r(low, 4), pg_temp.r(high, 4), pg_temp.r(p_value, 4)
FROM (VALUES (1, 56, 70, 48, 80), (2, 9, 10, 3, 10), (3, 5, 56, 0, 29), (4, 10, 10, 0, 10), (5, 0, 0, 3, 10), (6, 7, 7, 9, 9)) AS v(nr, a, m, b, n),
	 difference_interval(a, m, b, n) ORDER BY nr;

-- The share behind imperfect labels
SELECT pg_temp.r(estimate), pg_temp.r(low), pg_temp.r(high) FROM true_prevalence(150, 500, 90, 100, 180, 200);
SELECT pg_temp.r(estimate), pg_temp.r(low), pg_temp.r(high) FROM true_prevalence(10, 500, 90, 100, 180, 200);
-- of none, of all, and of one checked item: never a point
SELECT nr, pg_temp.r(estimate), pg_temp.r(low), pg_temp.r(high)
FROM (VALUES (1, 0, 100, 90, 100, 180, 200), (2, 500, 500, 90, 100, 180, 200), (3, 0, 30, 20, 20, 1, 1), (4, 10, 100, 100, 100, 1, 1)) AS v(nr, x, n, a, p, b, q),
	 true_prevalence(x, n, a, p, b, q) ORDER BY nr;
SELECT * FROM true_prevalence(0, 0, 90, 100, 180, 200);
SELECT * FROM true_prevalence(10, 20, 0, 0, 180, 200);
SELECT true_prevalence(10, 20, 5, 10, 5, 10);
SELECT true_prevalence(30, 20, 5, 10, 5, 10);

-- How many to check: 1,825 and 457 are the textbook's
SELECT audit_sample_size(0.05, 0.01), audit_sample_size(0.05, 0.02), audit_sample_size(0.5, 0.05, 0.99),
	   audit_sample_size(0.05, 0.02, population => 1000), audit_sample_size(0.05, 0.01, population => 1);
SELECT audit_sample_size(0, 0.01);
SELECT audit_sample_size(0.05, 1e-9);
SELECT audit_sample_size(0.05, 0.01, population => 0);
SELECT audit_sample_size(0.05, NULL) IS NULL AS unknown;

-- What no error shows: about 3 / n
SELECT pg_temp.r(audit_upper_bound(0, 300)), pg_temp.r(audit_upper_bound(2, 50)), pg_temp.r(audit_upper_bound(2, 50, 0.5)), pg_temp.r(audit_upper_bound(2, 50, 0.3)),
	   audit_upper_bound(2, 50, population => 100), audit_upper_bound(2, 100, population => 100), audit_upper_bound(0, 0), audit_upper_bound(5, 5);
-- of large populations, by scipy's hypergeom; the last by the normal approximation, which is as good there
SELECT audit_upper_bound(300, 10000, population => 100000) AS a, audit_upper_bound(0, 1000, 0.99, 20000) AS b, audit_upper_bound(900, 1000, 0.9, 20000) AS c,
	   pg_temp.r(audit_upper_bound(50000000, 100000000, 0.95, 1000000000)) AS d;
SELECT audit_upper_bound(6, 5);
SELECT audit_upper_bound(1, 5, population => 4);

-- Plans: of the smaller ones neither risk is kept
SELECT p.* FROM (VALUES (1, 0.01, 0.05), (2, 0.01, 0.10), (3, 0.02, 0.08)) AS v(nr, a, r), acceptance_plan(a, r) AS p ORDER BY nr;
SELECT * FROM acceptance_plan(0.01, 0.05, population => 500);
SELECT * FROM acceptance_plan(0.1, 0.2, population => 10);
-- by trying one after the other, with scipy's binom and hypergeom
SELECT p.* FROM (VALUES (1, 0.01, 0.012), (2, 0.3, 0.32), (3, 0.9, 0.95), (4, 0.001, 0.0015), (5, 0.5, 0.51), (6, 0.99, 0.999)) AS v(nr, a, r), acceptance_plan(a, r) AS p ORDER BY nr;
SELECT p.* FROM (VALUES (1, 0.01, 0.015, 20000), (2, 0.3, 0.33, 5000), (3, 0.05, 0.06, 3000)) AS v(nr, a, r, n), acceptance_plan(a, r, population => v.n) AS p ORDER BY nr;
SELECT acceptance_plan(0.9999999, 0.99999999);
SELECT acceptance_plan(0.05, 0.01);
SELECT acceptance_plan(0.05, 1.5);

-- Who is checked: by size, by size and spread; none more than there are
SELECT audit_allocation('{100, 1000, 10}', '{0.5, 0.01, 0.5}', 200, 'proportional') AS proportional,
	   audit_allocation('{100, 1000, 10}', '{0.5, 0.01, 0.5}', 200) AS neyman,
	   audit_allocation('{100, 1000, 10}', '{0, 0, 0}', 50) AS no_spread,
	   audit_allocation('{100, 5, 10}', '{0, 0.5, 0}', 50) AS filled,
	   audit_allocation('{1, 2}', '{0.1, 0.2}', 50) AS everything,
	   audit_allocation('{}', '{}', 50) AS nothing;
-- thousands of strata, of which many are filled one after the other and nearly all are rounded
SELECT sum(given) AS given, count(*) FILTER (WHERE given = size) AS filled, bool_and(given <= size) AS fits
FROM (SELECT array_agg(1 + i % 97 ORDER BY i) AS sizes, array_agg(0.5 / (1 + i % 1013) ORDER BY i) AS rates FROM generate_series(1::bigint, 30000) AS i) AS s,
	 unnest(sizes, audit_allocation(sizes, rates, 400000)) AS u(size, given);
SELECT audit_allocation('{1, 2}', '{0.1}', 1);
SELECT audit_allocation('{1, NULL}', '{0.1, 0.2}', 1);
SELECT audit_allocation('{1, 2}', '{0.1, 2}', 1);
SELECT audit_allocation('{1, 2}', '{0.1, 0.2}', 1, 'best');
SELECT audit_allocation('{1, 2}', '{0.1, 0.2}', -1);

-- The whole by an audit of strata.  By hand: 900 items of which 67 were checked, 100 of which 26;
-- class a: true positives 40 * 900/67 + 4 * 100/26 = 552.70, predicted 587.26, true 619.86.
CREATE TEMP TABLE stratum AS
SELECT * FROM (VALUES (1, 900::bigint, '{"labels": ["a", "b"], "counts": [[40, 5], [2, 20]]}'::confusion_matrix),
					  (2, 100, '{"labels": ["a", "b", "c"], "counts": [[4, 0, 0], [2, 10, 1], [0, 1, 8]]}')) AS v(nr, size, checked);
SELECT label, pg_temp.r(support, 2) AS support, pg_temp.r(predicted, 2) AS predicted, pg_temp.r("precision", 4) AS "precision", pg_temp.r(precision_low, 4) AS low, pg_temp.r(precision_high, 4) AS high,
	   pg_temp.r(recall, 4) AS recall, pg_temp.r(recall_low, 4) AS low, pg_temp.r(recall_high, 4) AS high, pg_temp.r(f1, 4) AS f1
FROM (SELECT array_agg(checked) AS m, array_agg(size) AS n FROM stratum) AS s, stratified_report(m, n);
SELECT pg_temp.r(estimate, 4), pg_temp.r(low, 4), pg_temp.r(high, 4)
FROM (SELECT array_agg(checked) AS m, array_agg(size) AS n FROM stratum) AS s, stratified_accuracy(m, n);
-- one stratum without end is f1_report's; a census has no interval; a single item tells no spread
SELECT pg_temp.r(s.precision_low - c.precision_low, 4) AS low, pg_temp.r(s.recall_high - c.recall_high, 4) AS high
FROM stratum, stratified_report(ARRAY[checked], ARRAY[1000000000000]) AS s JOIN LATERAL unnest((f1_report(checked)).classes) AS c USING (label) WHERE nr = 1 ORDER BY label;
SELECT label, "precision" = precision_low AND "precision" = precision_high AS no_interval FROM stratum, stratified_report(ARRAY[checked], ARRAY[67::bigint]) WHERE nr = 1 ORDER BY label;
SELECT * FROM stratified_accuracy(ARRAY['{"labels": ["a"], "counts": [[1]]}', '{"labels": ["a", "b"], "counts": [[3, 1], [1, 1]]}']::confusion_matrix[], ARRAY[10, 20]);
SELECT * FROM stratified_report('{}', '{}');
SELECT stratified_accuracy(ARRAY[checked, NULL], '{900, 10}') FROM stratum WHERE nr = 1;
SELECT stratified_accuracy(ARRAY[checked], '{60}') FROM stratum WHERE nr = 1;
SELECT stratified_accuracy(ARRAY[checked], '{60, 70}') FROM stratum WHERE nr = 1;

-- Distances: (1 * 1 + 2 * 2) / 10; and by place in a scale
SELECT mean_absolute_error('{"labels": ["1", "2", "4"], "counts": [[3, 1, 0], [0, 2, 2], [0, 0, 2]]}'),
	   mean_absolute_error('{"labels": ["fair", "good", "poor"], "counts": [[3, 1, 0], [0, 2, 2], [0, 0, 2]]}', '{poor,fair,good}'),
	   mean_absolute_error('{"labels": ["1"], "counts": [[0]]}'), mean_absolute_error(NULL);
SELECT mean_absolute_error('{"labels": ["a", "2"], "counts": [[3, 1], [0, 2]]}');
SELECT mean_absolute_error('{"labels": ["a", "b"], "counts": [[3, 1], [0, 2]]}', '{a,c}');
SELECT k, in_top('c', '{"a": 0.4, "b": 0.3, "c": 0.3}', k) AS tied, in_top('a', '{"a": 0.4, "b": 0.3, "c": 0.3}', k) AS top, in_top('d', '{"a": 0.4, "b": 0.3, "c": 0.3}', k) AS unknown
FROM generate_series(1, 3) AS k;
SELECT in_top('a', '{"a": 1}', 0);

-- What sums of sizes and distances cannot hold; what is a number is the same for cohen_kappa(matrix, weights)
SELECT audit_allocation('{9223372036854775807,5}', '{0.1,0.1}', 10);
SELECT audit_allocation('{9007199254740991,1}', '{0.1,0.1}', 9223372036854775807);
SELECT mean_absolute_error('{"labels": ["1e308", "-1e308"], "counts": [[1, 1], [1, 1]]}');
SELECT mean_absolute_error('{"labels": ["0x10", "5"], "counts": [[1, 1], [1, 1]]}');
