-- Names are spelled as value::text spells them; a NOTICE where no label is common.

CREATE DOMAIN pg_temp.answer AS bool;
CREATE DOMAIN pg_temp.letter AS char(5);
CREATE TYPE pg_temp.mood AS ENUM ('sad', 'ok');
-- a type with a cast to text that is not what its output function writes
CREATE TYPE pg_temp.pair AS (a int, b int);
CREATE FUNCTION pg_temp.pair_text(pg_temp.pair, int, bool) RETURNS text LANGUAGE sql IMMUTABLE AS
	'SELECT $1.a || ''-'' || $1.b || '' '' || $2 || '' '' || $3';
CREATE CAST (pg_temp.pair AS text) WITH FUNCTION pg_temp.pair_text(pg_temp.pair, int, bool);

CREATE TEMP TABLE spelled AS
SELECT true AS of_bool, false::pg_temp.answer AS of_bool_domain, 'ab  '::char(5) AS of_char,
	   'ab'::pg_temp.letter AS of_char_domain, 'q'::"char" AS of_one_char, 'nm '::name AS of_name,
	   'v '::varchar AS of_varchar, 'ok'::pg_temp.mood AS of_enum, 'pg_class'::regclass AS of_regclass,
	   '10.1.2.3'::inet AS of_inet, '10.0.0.0/8'::cidr AS of_cidr,
	   1.50 AS of_numeric, '{a,"b c"}'::text[] AS of_array, '{"a": 1}'::jsonb AS of_jsonb,
	   '\x01'::bytea AS of_bytea, 3 AS of_int, '(1,2)'::pg_temp.pair AS of_pair;

SELECT string_agg(format($$SELECT %L AS type, min(%I::text) AS cast_to_text, min(%I::text) = (labels(annotator_confusion(%I, '~~')))[1] AS same FROM spelled$$,
	substr(attname, 4), attname, attname, attname), ' UNION ALL ') || ' ORDER BY 1'
FROM pg_attribute WHERE attrelid = 'spelled'::regclass AND attnum > 0 \gexec

-- So a consensus can be compared with the column that it came from.
SELECT bool_and(top_label(p) = result::text) AS same
FROM (SELECT item, result, posterior(m, annotator, answer) AS p
	  FROM (SELECT i % 5 AS item, i AS annotator, i % 5 > 2 AS answer, i % 5 > 2 AS result FROM generate_series(0, 19) AS i) AS v,
		   (SELECT dawid_skene(i % 5, i, i % 5 > 2) AS m FROM generate_series(0, 19) AS i) AS fit
	  GROUP BY item, result) AS v;

-- Who may not call the cast's function may not use it here, either.
CREATE ROLE regress_noisylabel_reader;
REVOKE EXECUTE ON FUNCTION pg_temp.pair_text(pg_temp.pair, int, bool) FROM PUBLIC;
GRANT SELECT ON spelled TO regress_noisylabel_reader;
DO $$BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %s TO regress_noisylabel_reader', pg_my_temp_schema()::regnamespace); END$$;
SET ROLE regress_noisylabel_reader;
SELECT annotator_confusion(of_pair, 1) FROM spelled;
RESET ROLE;
DROP OWNED BY regress_noisylabel_reader;
DROP ROLE regress_noisylabel_reader;

-- A value of our own is no name.
SELECT f1_report(1, label_distribution('{1,2}', '{0.9,0.1}'));
SELECT f1_report('{"labels": [], "counts": []}'::confusion_matrix, ARRAY[1, 2]);

-- Two spellings: a NOTICE, once for a call, however many groups.
CREATE TEMP TABLE two AS
SELECT i AS g, k, k % 2 = 0 AS truth, CASE WHEN k % 2 = 0 THEN 't' ELSE 'f' END AS predicted
FROM generate_series(1, 50) AS i, generate_series(1, 10) AS k;
SELECT count((r).n) FROM (SELECT f1_report(truth, predicted) AS r FROM two GROUP BY g) AS v;
SELECT count(r::text) FROM (SELECT annotator_confusion(truth, predicted) AS r FROM two GROUP BY g) AS v;
SELECT count(r::text) FROM (SELECT annotator_confusion(truth, predicted) OVER (PARTITION BY g ORDER BY k) AS r FROM two) AS v;
SELECT count(r::text) FROM (SELECT annotator_confusion(label_distribution(ARRAY[truth::text], '{1}'), predicted) AS r FROM two GROUP BY g) AS v;
SELECT (f1_report(k, k || '.0')).n FROM two;
SELECT count((r).n) FROM (SELECT f1_report(repeat(U&'\00e9', 100), k, 2.5) AS r FROM two WHERE k <= 4 GROUP BY g) AS v;
-- None: fewer than ten observations, one label in common, a matrix that is no
-- aggregate's, no rows
SELECT count((r).n), count(c::text) FROM (SELECT f1_report(truth, predicted) AS r, annotator_confusion(truth, predicted) AS c FROM two WHERE k < 10 GROUP BY g) AS v;
SELECT count((r).n), count(c::text) FROM (SELECT f1_report(truth, predicted::bool) AS r, annotator_confusion(truth, predicted::bool) AS c FROM two GROUP BY g) AS v;
SELECT (f1_report('{"labels": ["t", "true"], "counts": [[0, 20], [0, 0]]}'::confusion_matrix)).n;
SELECT f1_report(truth, NULL::text), annotator_confusion(NULL::text, predicted) FROM two;
