-- Counts from 5e-324 to 1e308, in one matrix, too: every measure is NULL or in its
-- range, every interval holds its estimate, a power of two changes nothing.

CREATE FUNCTION pg_temp.matrix(counts float8[], size int) RETURNS confusion_matrix LANGUAGE sql AS
$$
	SELECT format('{"labels": %s, "counts": [%s]}', to_json((ARRAY['a', 'b', 'c'])[1:size]),
				  (SELECT string_agg(format('[%s]', array_to_string(counts[(i - 1) * size + 1:i * size], ', ')), ', ' ORDER BY i)
				   FROM generate_series(1, size) AS i))::confusion_matrix
$$;

CREATE TEMP TABLE extreme (nr serial, value float8);
INSERT INTO extreme (value) SELECT unnest('{0, 5e-324, 1e-310, 3e-170, 1e-20, 1, 3, 1e20, 1e170, 1e308}'::float8[]);

-- all 2 x 2 matrices of these, and 3 x 3 matrices by chance
CREATE TEMP TABLE matrices AS
SELECT 2 AS size, ARRAY[a.value, b.value, c.value, d.value] AS counts
FROM extreme AS a, extreme AS b, extreme AS c, extreme AS d
UNION ALL
SELECT 3, array_agg(value ORDER BY cell)
FROM generate_series(1, 4000) AS m, generate_series(1, 9) AS cell
JOIN LATERAL (SELECT value FROM extreme WHERE nr = 1 + (abs(hashint8(m * 1009 + cell)) % 10)
			  AND NOT (m % 3 = 0 AND nr IN (2, 3, 10))) AS v ON true
GROUP BY m HAVING count(*) = 9;
ALTER TABLE matrices ADD cm confusion_matrix, ADD nr serial;
UPDATE matrices SET cm = pg_temp.matrix(counts, size);
SELECT size, count(*) FROM matrices GROUP BY size ORDER BY size;

CREATE FUNCTION pg_temp.outside(float8, low float8, high float8) RETURNS boolean LANGUAGE sql IMMUTABLE AS
	'SELECT $1 IS NOT NULL AND NOT ($1 BETWEEN low AND high)';
CREATE FUNCTION pg_temp.bad_interval(low float8, estimate float8, high float8) RETURNS boolean LANGUAGE sql IMMUTABLE AS
	'SELECT (low IS NULL) <> (estimate IS NULL) OR (high IS NULL) <> (estimate IS NULL) OR NOT (0 <= low AND low <= estimate AND estimate <= high AND high <= 1)';

CREATE TEMP VIEW measures AS
SELECT nr, size, counts, cm, accuracy(cm) AS accuracy, balanced_accuracy(cm) AS balanced_accuracy, cohen_kappa(cm) AS kappa, scott_pi(cm) AS pi, gwet_ac1(cm) AS ac1,
	   matthews_corrcoef(cm) AS mcc, mutual_information(cm) AS mi
FROM matrices;

-- Each of these selects nothing.
SELECT counts, accuracy, balanced_accuracy, kappa, pi, ac1, mcc, mi FROM measures
WHERE pg_temp.outside(accuracy, 0, 1) OR pg_temp.outside(balanced_accuracy, 0, 1) OR pg_temp.outside(kappa, -1, 1) OR
	  pg_temp.outside(pi, -1, 1) OR pg_temp.outside(ac1, -1, 1) OR pg_temp.outside(mcc, -1, 1) OR pg_temp.outside(mi, 0, log(2, size)::float8);
-- what is defined is not NULL
SELECT counts, accuracy, balanced_accuracy, mi FROM measures
WHERE (SELECT max(c) > 0 FROM unnest(counts) AS c) <> (accuracy IS NOT NULL AND balanced_accuracy IS NOT NULL AND mi IS NOT NULL);
-- rates, at ordinary levels and next to 0 and 1
SELECT counts, level, c.* FROM matrices, (VALUES (0.95), (1e-300), (0.001), (0.9999999999999999)) AS v(level), cells(cm, level) AS c
WHERE (nr % 3 = 0 OR level = 0.95) AND (pg_temp.bad_interval(rate_low, rate, rate_high) OR (count > 0 AND rate IS NULL));

-- reports, where the total can be said
CREATE TEMP TABLE reports AS
SELECT nr, counts, level, f1_report(cm, NULL, level) AS r FROM matrices, (VALUES (0.95::float8), (1e-300), (0.9999999999999999)) AS v(level)
WHERE (SELECT sum(c::numeric) FROM unnest(counts) AS c) < 1.79e308;
SELECT level, count(*) FROM reports GROUP BY level ORDER BY level;
SELECT counts, level, r FROM reports
WHERE pg_temp.bad_interval((r).accuracy_low, (r).accuracy, (r).accuracy_high) OR
	  pg_temp.bad_interval((r).macro_f1_low, (r).macro_f1, (r).macro_f1_high) OR
	  pg_temp.outside((r).balanced_accuracy, 0, 1) OR pg_temp.outside((r).macro_precision, 0, 1) OR
	  pg_temp.outside((r).macro_recall, 0, 1) OR pg_temp.outside((r).micro_f1, 0, 1) OR
	  pg_temp.outside((r).weighted_precision, 0, 1) OR pg_temp.outside((r).weighted_recall, 0, 1) OR
	  pg_temp.outside((r).weighted_f1, 0, 1) OR pg_temp.outside((r).matthews_corrcoef, -1, 1) OR
	  pg_temp.outside((r).cohen_kappa, -1, 1) OR pg_temp.outside((r).n, 0, 1.7976931348623157e308);
SELECT counts, level, c.* FROM reports, unnest((r).classes) AS c
WHERE pg_temp.bad_interval(precision_low, precision, precision_high) OR pg_temp.bad_interval(recall_low, recall, recall_high) OR
	  pg_temp.bad_interval(f1_low, f1, f1_high) OR pg_temp.outside(support, 0, 1.7976931348623157e308) OR pg_temp.outside(predicted, 0, 1.7976931348623157e308) OR
	  (precision IS NULL) <> (predicted = 0) OR (recall IS NULL) <> (support = 0) OR (f1 IS NULL) <> (support = 0 AND predicted = 0);

-- kappa with weights and its interval, where the total can be said
SELECT counts, i.*, quadratic FROM reports JOIN matrices USING (nr, counts), cohen_kappa_interval(cm) AS i, cohen_kappa(cm, 'quadratic') AS quadratic
WHERE level = 0.95 AND (pg_temp.outside(low, -1, estimate) OR pg_temp.outside(high, estimate, 1) OR low = high OR (low IS NULL) <> (high IS NULL) OR estimate IS DISTINCT FROM cohen_kappa(cm) OR
	  pg_temp.outside(quadratic, -1.000000000000001, 1));

-- shrinkage: each row gains the strength, as far as a double can say
SELECT m.counts, strength, s.truth, s.gain FROM matrices AS m, (VALUES (1e-300::float8), (2), (1e300)) AS v(strength),
	LATERAL (SELECT truth, sum(count) AS gain FROM cells(smooth('{"labels": [], "counts": []}', cm, strength)) GROUP BY truth) AS s
WHERE (s.gain > 0) AND NOT (s.gain BETWEEN strength * 0.999999 AND strength * 1.000001);

-- a power of two changes no bit of what is relative
CREATE TEMP TABLE scales AS
SELECT counts, e, pg_temp.matrix(counts, 2) AS cm,
	   pg_temp.matrix((SELECT array_agg(c * 2::float8 ^ e ORDER BY i) FROM unnest(counts) WITH ORDINALITY AS u(c, i)), 2) AS scaled
FROM (SELECT ARRAY[a, b, c, d]::float8[] AS counts FROM generate_series(0, 6, 3) AS a, generate_series(0, 5) AS b, generate_series(0, 5, 5) AS c, generate_series(0, 7) AS d) AS v,
	 (VALUES (-1074), (-1000), (-537), (-499), (-30), (30), (499), (990), (1010), (1017)) AS w(e);
SELECT counts, e FROM scales
WHERE (accuracy(cm), balanced_accuracy(cm), cohen_kappa(cm), scott_pi(cm), gwet_ac1(cm), matthews_corrcoef(cm), mutual_information(cm))
	IS DISTINCT FROM (accuracy(scaled), balanced_accuracy(scaled), cohen_kappa(scaled), scott_pi(scaled), gwet_ac1(scaled), matthews_corrcoef(scaled), mutual_information(scaled))
	OR (f1_report(cm)).micro_f1 IS DISTINCT FROM (f1_report(scaled)).micro_f1
	OR (f1_report(cm)).macro_f1 IS DISTINCT FROM (f1_report(scaled)).macro_f1
	OR (f1_report(cm)).weighted_f1 IS DISTINCT FROM (f1_report(scaled)).weighted_f1
	OR (f1_report(cm)).weighted_precision IS DISTINCT FROM (f1_report(scaled)).weighted_precision
	OR (SELECT array_agg(ARRAY[precision, recall, f1]) FROM unnest((f1_report(cm)).classes)) IS DISTINCT FROM
	   (SELECT array_agg(ARRAY[precision, recall, f1]) FROM unnest((f1_report(scaled)).classes));

-- Values
CREATE FUNCTION pg_temp.show(float8[]) RETURNS text LANGUAGE sql AS
$$
	SELECT concat_ws(' ', 'kappa', coalesce(to_char(cohen_kappa(m), '0.999999EEEE'), '-'), 'mcc', coalesce(to_char(matthews_corrcoef(m), '0.999999EEEE'), '-'),
					 'bits', round(mutual_information(m)::numeric, 6))
	FROM (SELECT pg_temp.matrix($1, 2) AS m) AS v
$$;
SELECT counts, pg_temp.show(counts)
FROM (VALUES (1, '{1, 0, 0, 1}'::float8[]), (2, '{5e-324, 0, 0, 5e-324}'), (3, '{5e-324, 0, 5e-324, 1e-323}'), (4, '{1, 0, 1, 2}'),
			 (5, '{1e308, 1e308, 1e308, 1e308}'), (6, '{1e308, 0, 0, 1e308}'), (7, '{0, 1e308, 1e308, 0}'),
			 (8, '{1e200, 0, 0, 1}'), (9, '{1e20, 1, 1, 1}'), (10, '{1e20, 1, 0, 1}'), (11, '{1e10, 1, 1, 1}'), (12, '{1e7, 1, 1, 1}'),
			 (13, '{1e20, 1, 1, 0}'), (14, '{1, 1e20, 1, 1}'), (15, '{1, 0, 0, 0}'), (16, '{0, 1, 0, 0}')) AS v(nr, counts) ORDER BY nr;
-- the bounds of 1 of 2, whatever the unit
SELECT e, round(rate_low::numeric, 6) AS low, round(rate_high::numeric, 6) AS high
FROM (VALUES (0), (-10), (-300), (-323), (300)) AS v(e),
	 cells(format('{"labels": ["a", "b"], "counts": [[1e%s, 1e%s], [0, 0]]}', e, e)::confusion_matrix) AS c WHERE truth = 'a' AND label = 'a' ORDER BY e;
-- a narrow interval has a width in proportion to its level
SELECT level, round(((rate_high - rate_low) / level)::numeric, 4) AS width
FROM (VALUES (1e-12::float8), (1e-9), (1e-5), (0.005), (0.00999), (0.01001), (0.02)) AS v(level),
	 cells('{"labels": ["a", "b"], "counts": [[50, 50], [0, 0]]}', level) AS c WHERE truth = 'a' AND label = 'a' ORDER BY level;

-- Annotators: a class prior and rates that are next to nothing, rows that sum to a little more than 1
CREATE TEMP TABLE model AS
SELECT dawid_skene(i, a, i * a % 3 > 0, '{"variant": "full", "smoothing": 1}'::jsonb)::text::jsonb AS m
FROM generate_series(1, 6) AS i, generate_series(1, 4) AS a;
SELECT what, prior, rates, information BETWEEN 0 AND 1 AS information, spammer_score BETWEEN 0 AND 1 AS spammer_score
FROM (VALUES (1, '[1, 1e-320]', '[[1, 0], [0, 1]]'), (2, '[1, 5e-324]', '[[1, 5e-324], [0.7, 0.3]]'),
			 (3, '[0.5, 0.5]', '[[1.0000009, 0], [0, 1.0000009]]')) AS v(what, prior, rates), model,
	 annotators(jsonb_set(jsonb_set(m, '{components,0,prior}', prior::jsonb), '{components,0,confusion,0}', rates::jsonb)::text::annotator_model)
WHERE annotator = '1' ORDER BY what;
-- counts from nothing to the largest that a model may have
SELECT counts, variance, level, a.annotator, a.accuracy_low, a.accuracy, a.accuracy_high
FROM model, (VALUES (0.95::float8), (1e-300), (0.9999999999999999)) AS l(level), unnest('{0, 5e-324, 1, 1e15}'::float8[]) AS u(variance),
	 (SELECT ARRAY[ARRAY[a, b], ARRAY[c, a]] AS counts FROM unnest('{0, 5e-324, 1, 1e15}'::float8[]) AS a, unnest('{0, 1e-20, 1e15}'::float8[]) AS b, unnest('{5e-324, 1, 1e15}'::float8[]) AS c) AS n,
	 annotators(jsonb_set(jsonb_set(m, '{counts,0}', to_jsonb(counts::numeric[])), '{variances,0}', to_jsonb(ARRAY[ARRAY[variance, variance], ARRAY[0, 0]]::numeric[]))::text::annotator_model, level) AS a
WHERE NOT (0 <= accuracy_low AND accuracy_low <= accuracy AND accuracy <= accuracy_high AND accuracy_high <= 1);

-- what has no sum
SELECT total('{"labels": ["a", "b"], "counts": [[1e308, 0], [0, 1e308]]}');
SELECT f1_report('{"labels": ["a", "b"], "counts": [[1e308, 0], [0, 1e308]]}'::confusion_matrix);
SELECT smooth('{"labels": ["a"], "counts": [[1e308]]}', '{"labels": ["a"], "counts": [[1e308]]}', 1e308);
