-- What a literal, NULL, or a parameter without a type is taken for, in every call
-- that may go on with a name or with options, for columns of every kind.

SET client_min_messages = error;

CREATE TYPE pg_temp.grade AS ENUM ('0', '1');
CREATE DOMAIN pg_temp.code AS text;

-- Columns of one kind each.  A name is spelled alike in all, but for uuid.
CREATE TEMP TABLE kinds (kind text, of_name text, of_item text, of_label text);
INSERT INTO kinds VALUES
	('text', 'text', 'text', 'text'),
	('varchar', 'varchar', 'varchar', 'varchar'),
	('char', 'char(2)', 'char(2)', 'char(2)'),
	('domain', 'pg_temp.code', 'pg_temp.code', 'pg_temp.code'),
	('int', 'int', 'int', 'int'),
	('bigint', 'bigint', 'bigint', 'bigint'),
	('enum', 'text', 'text', 'pg_temp.grade'),
	('bool', 'text', 'int', 'bool'),
	('uuid', 'int', 'uuid', 'text'),
	('mixed', 'varchar', 'int', 'text');

SELECT format($$CREATE TEMP TABLE %I AS
	SELECT (CASE %L WHEN 'uuid' THEN format('00000000-0000-0000-0000-0000000000%%s', i + 10)
			ELSE i::text END)::%s AS item,
		   a::text::%s AS annotator,
		   ((i * a) %% 3 > 0)::int::text::%s AS label,
		   CASE i WHEN 1 THEN (i %% 2)::text::%s END AS gold,
		   ARRAY[i, a, i * a %% 5]::float8[] AS features,
		   1 + i %% 2 AS weight,
		   label_distribution('{0,1}', ARRAY[0.2 + i %% 2 * 0.5, 0.8 - i %% 2 * 0.5]) AS target
	FROM generate_series(1, 6) AS i, generate_series(1, 4) AS a$$,
	'of_' || kind, kind, of_item, of_name, of_label, of_label)
FROM kinds \gexec

-- The result of a call, told by what it equals: "meaning" has the calls that leave
-- nothing to guess.  "value" is that of the parameter $1, if there is one.
CREATE FUNCTION pg_temp.run(call text, source text, value text) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	query text := format(CASE WHEN call ~ 'oof_predict' THEN 'SELECT string_agg(p::text, '' '' ORDER BY item::text, annotator::text) FROM (SELECT item, annotator, %s OVER () AS p FROM %I) AS v'
						 ELSE 'SELECT (%s)::text FROM %I' END, call, source);
	result text;
BEGIN
	IF call ~ '\$1' THEN
		EXECUTE 'PREPARE call AS ' || query;
		BEGIN
			EXECUTE format('EXECUTE call(%L)', value) INTO result;
		EXCEPTION WHEN OTHERS THEN
			DEALLOCATE call;
			RAISE;
		END;
		DEALLOCATE call;
	ELSE
		EXECUTE query INTO result;
	END IF;
	RETURN result;
END
$$;

CREATE FUNCTION pg_temp.outcome(call text, source text, value text, meanings text[][]) RETURNS text LANGUAGE plpgsql AS
$$
DECLARE
	result text;
	hint text;
	meaning text[];
BEGIN
	result := pg_temp.run(call, source, value);
	FOREACH meaning SLICE 1 IN ARRAY meanings LOOP
		IF result = pg_temp.run(meaning[2], source, NULL) THEN
			RETURN meaning[1];
		END IF;
	END LOOP;
	RETURN CASE WHEN result IS NULL THEN 'NULL' ELSE 'taken for the name' END;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, '\(.*\)', '(...)') || 
		coalesce(nullif(' HINT: ' || regexp_replace(hint, 'options are "[^{]*', 'options are ...'), ' HINT: '), '');
END
$$;

-- What stands in the place of %s
CREATE TEMP TABLE literals (nr serial, literal text, value text);
INSERT INTO literals (literal, value) VALUES
	('none', NULL), ('options', NULL),
	('NULL', NULL), ('$1', NULL), ('$1', 'none'), ('$1', 'options'),
	('options::jsonb', NULL), ('NULL::jsonb', NULL), ('options::json', NULL),
	('options::text', NULL), ('options::varchar', NULL), ('NULL::text', NULL),
	('''{"seed": }''', NULL), ('''{"what": 1}''', NULL), ('''[]''', NULL);

-- "options" and "none" in a literal stand for these; "calls" for what each means
CREATE TEMP TABLE calls (nr serial, call text, none text, options text, meanings text[][]);
INSERT INTO calls (call, none, options, meanings) VALUES
	('dawid_skene(item, annotator, label, %s)', '1', '{"smoothing": 1}',
	 '{{no options, "dawid_skene(item, annotator, label)"},
	   {options, "dawid_skene(item, annotator, label, ''{\"smoothing\": 1}''::jsonb)"}}'),
	('dawid_skene(item, annotator, label, gold, %s)', '{"seed": 7}', '{"smoothing": 1}',
	 '{{no options, "dawid_skene(item, annotator, label, gold)"},
	   {other options, "dawid_skene(item, annotator, label, gold, ''{\"seed\": 7}''::jsonb)"},
	   {options, "dawid_skene(item, annotator, label, gold, ''{\"smoothing\": 1}''::jsonb)"}}'),
	('dawid_skene(item, annotator, label, NULL, %s)', '{"seed": 7}', '{"smoothing": 1}',
	 '{{no options, "dawid_skene(item, annotator, label)"},
	   {other options, "dawid_skene(item, annotator, label, ''{\"seed\": 7}''::jsonb)"},
	   {options, "dawid_skene(item, annotator, label, ''{\"smoothing\": 1}''::jsonb)"}}'),
	('dawid_skene(item, annotator, label, %s, ''{"seed": 7}'')', 'x', '{"smoothing": 1}',
	 '{{no gold, "dawid_skene(item, annotator, label, ''{\"seed\": 7}''::jsonb)"}}'),
	('dawid_skene(annotation_set(item, annotator, label), %s)', '{"seed": 7}', '{"smoothing": 1}',
	 '{{no options, "dawid_skene(item, annotator, label)"},
	   {other options, "dawid_skene(item, annotator, label, ''{\"seed\": 7}''::jsonb)"},
	   {options, "dawid_skene(item, annotator, label, ''{\"smoothing\": 1}''::jsonb)"}}'),
	('dawid_skene(annotation_set(item, annotator, label), %s, dawid_skene(item, annotator, label))', '{"seed": 7}', '{"smoothing": 1}',
	 '{{no options, "dawid_skene(annotation_set(item, annotator, label), start => dawid_skene(item, annotator, label))"},
	   {other options, "dawid_skene(annotation_set(item, annotator, label), ''{\"seed\": 7}''::jsonb, dawid_skene(item, annotator, label))"},
	   {options, "dawid_skene(annotation_set(item, annotator, label), ''{\"smoothing\": 1}''::jsonb, dawid_skene(item, annotator, label))"}}'),
	('dawid_skene(annotation_set(item, annotator, label), ''{"seed": 7}'', %s)', 'x', '{"smoothing": 1}',
	 '{{no start, "dawid_skene(annotation_set(item, annotator, label), ''{\"seed\": 7}''::jsonb)"}}'),
	('annotation_set(item, annotator, label, %s)', 'x', '{"smoothing": 1}',
	 '{{no gold, "annotation_set(item, annotator, label)"}}'),
	('logistic_regression(label, features, %s)', '{"l2": 9}', '{"l2": 0.1}',
	 '{{no options, "logistic_regression(label, features)"},
	   {other options, "logistic_regression(label, features, ''{\"l2\": 9}''::jsonb)"},
	   {options, "logistic_regression(label, features, ''{\"l2\": 0.1}''::jsonb)"}}'),
	('logistic_regression(label, features, weight, %s)', '{"l2": 9}', '{"l2": 0.1}',
	 '{{no options, "logistic_regression(label, features, weight)"},
	   {other options, "logistic_regression(label, features, weight, ''{\"l2\": 9}''::jsonb)"},
	   {options, "logistic_regression(label, features, weight, ''{\"l2\": 0.1}''::jsonb)"}}'),
	('logistic_regression(target, features, %s)', '{"l2": 9}', '{"l2": 0.1}',
	 '{{no options, "logistic_regression(target, features)"},
	   {other options, "logistic_regression(target, features, ''{\"l2\": 9}''::jsonb)"},
	   {options, "logistic_regression(target, features, ''{\"l2\": 0.1}''::jsonb)"}}'),
	('logistic_regression(target, features, weight, %s)', '{"l2": 9}', '{"l2": 0.1}',
	 '{{no options, "logistic_regression(target, features, weight)"},
	   {other options, "logistic_regression(target, features, weight, ''{\"l2\": 9}''::jsonb)"},
	   {options, "logistic_regression(target, features, weight, ''{\"l2\": 0.1}''::jsonb)"}}'),
	('oof_predict(label, features, %s)', 'x', '{"folds": 3}',
	 '{{no options, "oof_predict(label, features)"},
	   {options, "oof_predict(label, features, ''{\"folds\": 3}''::jsonb)"}}'),
	('oof_predict(label, features, item, %s)', '{"l2": 9}', '{"folds": 3}',
	 '{{no options, "oof_predict(label, features, item)"},
	   {other options, "oof_predict(label, features, item, ''{\"l2\": 9}''::jsonb)"},
	   {options, "oof_predict(label, features, item, ''{\"folds\": 3}''::jsonb)"}}'),
	('oof_predict(label, features, NULL, %s)', '{"l2": 9}', '{"folds": 3}',
	 '{{no options, "oof_predict(label, features)"},
	   {other options, "oof_predict(label, features, ''{\"l2\": 9}''::jsonb)"},
	   {options, "oof_predict(label, features, ''{\"folds\": 3}''::jsonb)"}}'),
	('oof_predict(label, features, item, weight, %s)', '{"l2": 9}', '{"folds": 3}',
	 '{{no options, "oof_predict(label, features, item, weight, ''{}''::jsonb)"},
	   {other options, "oof_predict(label, features, item, weight, ''{\"l2\": 9}''::jsonb)"},
	   {options, "oof_predict(label, features, item, weight, ''{\"folds\": 3}''::jsonb)"}}'),
	('oof_predict(label, features, %s, weight, ''{"l2": 9}'')', 'x', '{"folds": 3}',
	 '{{no group, "oof_predict(label, features, NULL::text, weight, ''{\"l2\": 9}''::jsonb)"}}'),
	('oof_predict(target, features, %s)', 'x', '{"folds": 3}',
	 '{{no options, "oof_predict(target, features)"},
	   {options, "oof_predict(target, features, ''{\"folds\": 3}''::jsonb)"}}'),
	('oof_predict(target, features, item, %s)', '{"l2": 9}', '{"folds": 3}',
	 '{{no options, "oof_predict(target, features, item)"},
	   {other options, "oof_predict(target, features, item, ''{\"l2\": 9}''::jsonb)"},
	   {options, "oof_predict(target, features, item, ''{\"folds\": 3}''::jsonb)"}}'),
	('oof_predict(target, features, NULL, %s)', '{"l2": 9}', '{"folds": 3}',
	 '{{no options, "oof_predict(target, features)"},
	   {other options, "oof_predict(target, features, ''{\"l2\": 9}''::jsonb)"},
	   {options, "oof_predict(target, features, ''{\"folds\": 3}''::jsonb)"}}'),
	('oof_predict(target, features, item, weight, %s)', '{"l2": 9}', '{"folds": 3}',
	 '{{no options, "oof_predict(target, features, item, weight, ''{}''::jsonb)"},
	   {other options, "oof_predict(target, features, item, weight, ''{\"l2\": 9}''::jsonb)"},
	   {options, "oof_predict(target, features, item, weight, ''{\"folds\": 3}''::jsonb)"}}');

CREATE TEMP TABLE outcomes AS
SELECT c.nr AS call_nr, l.nr AS literal_nr, c.call,
	   CASE WHEN l.literal = '$1' THEN '$1 = ' || coalesce(v.value, 'NULL') ELSE w.literal END AS argument,
	   kind,
	   pg_temp.outcome(replace(c.call, '%s', w.literal), 'of_' || kind, v.value, c.meanings) AS outcome
FROM calls AS c, literals AS l, kinds,
	 LATERAL (SELECT CASE l.value WHEN 'none' THEN c.none WHEN 'options' THEN c.options END AS value) AS v,
	 LATERAL (SELECT replace(CASE WHEN l.literal = 'none' THEN quote_literal(c.none) ELSE l.literal END,
							 'options', quote_literal(c.options)) AS literal) AS w;

CREATE TEMP VIEW shown AS
WITH arguments AS (
	SELECT call_nr, literal_nr, call, argument, outcome,
		   CASE WHEN count(*) < (SELECT count(*) FROM kinds) THEN ' with ' || string_agg(kind, ', ' ORDER BY kind) END AS kinds
	FROM outcomes GROUP BY call_nr, literal_nr, call, argument, outcome),
lines AS (
	SELECT call_nr, call, min(literal_nr) AS literal_nr, string_agg(argument, ' | ' ORDER BY literal_nr) AS arguments,
		   outcome || coalesce(kinds, '') AS outcome
	FROM arguments GROUP BY call_nr, call, outcome, kinds)
SELECT call || string_agg(format(E'\n    %s\n        %s', arguments, outcome), '' ORDER BY literal_nr, outcome COLLATE "C") || E'\n'
FROM lines GROUP BY call_nr, call ORDER BY call_nr;

-- No call is ambiguous, no parameter lacks a type; NULL is given where all rows are
-- one group.
SELECT call, argument, kind, outcome FROM outcomes
WHERE outcome ~ 'not unique|could not' OR
	  outcome = 'NULL' AND NOT (call ~ 'features, %s' AND argument IN ('''x''', '$1 = x', '''[]'''))
ORDER BY call_nr, literal_nr, kind;

-- What calls do, and with which arguments; with columns of all kinds alike
\pset format unaligned
\pset tuples_only on
\pset fieldsep ''
TABLE shown;

-- Names and weights that are literals or parameters.  A parameter for a name beside
-- columns that are not text needs a type, as PostgreSQL says.
TRUNCATE calls, literals, outcomes;
INSERT INTO literals (literal, value) VALUES
	('''1''', NULL), ('NULL', NULL), ('$1', '1'), ('$1', NULL);
INSERT INTO calls (call, meanings) VALUES
	('annotator_confusion(label, %s)', '{{labels 1, "annotator_confusion(label, ''1''::text)"}, {labels 1, "annotator_confusion(label::text, ''1''::text)"}}'),
	('annotator_confusion(%s, label)', '{{truths 1, "annotator_confusion(''1''::text, label::text)"}}'),
	('annotator_confusion(label, label, %s)', '{{weights 1, "annotator_confusion(label, label)"}}'),
	('annotator_confusion(target, %s)', '{{labels 1, "annotator_confusion(target, ''1''::text)"}}'),
	('f1_report(label, %s)', '{{labels 1, "f1_report(label::text, ''1''::text)"}}'),
	('f1_report(label, label, %s)', '{{weights 1, "f1_report(label, label)"}}'),
	('f1_report(annotator_confusion(label, label), %s)', '{{all labels, "f1_report(annotator_confusion(label, label))"}}'),
	('logistic_regression(label, features, %s, NULL)', '{{weights 1, "logistic_regression(label, features, 1.0)"}}'),
	('logistic_regression(target, features, 1)', '{{weights 1, "logistic_regression(target, features, 1.0)"}}'),
	('logistic_regression(label, features, 1::numeric)', '{{weights 1, "logistic_regression(label, features, 1::float8)"}}'),
	('posterior((SELECT dawid_skene(''i'', ''1'', l, ''1''::text) FROM (VALUES (''1''), (''0'')) AS v(l)), %s, ''1'')', '{{annotator 1, "posterior((SELECT dawid_skene(''i'', ''1'', l, ''1''::text) FROM (VALUES (''1''), (''0'')) AS v(l)), ''1''::text, ''1''::text)"}}'),
	('posterior((SELECT dawid_skene(''i'', ''1'', l, ''1''::text) FROM (VALUES (''1''), (''0'')) AS v(l)), annotator, %s)', '{{labels 1, "posterior((SELECT dawid_skene(''i'', ''1'', l, ''1''::text) FROM (VALUES (''1''), (''0'')) AS v(l)), annotator::text, ''1''::text)"}}'),
	('predict(logistic_regression(label, features), ''{1,2,3}'')', '{{features, "predict(logistic_regression(label, features), ARRAY[1,2,3])"}}');
INSERT INTO outcomes
SELECT c.nr, l.nr, c.call, CASE WHEN l.literal = '$1' THEN '$1 = ' || coalesce(l.value, 'NULL') ELSE l.literal END, kind,
	   pg_temp.outcome(replace(c.call, '%s', l.literal), 'of_' || kind, l.value, c.meanings)
FROM calls AS c, literals AS l, kinds;
TABLE shown;
\pset tuples_only off
\pset format aligned

-- Parameters without a type, in every place of every call alone, and all together, the other arguments having their types: what is
-- not unique.  There only a type says which of several calls is meant, so no overload with text can help.
CREATE TEMP TABLE not_unique (message text);
DO $$
DECLARE
	f record;
	call text;
BEGIN
	FOR f IN
		SELECT p.proname, p.prokind, p.proargtypes::oid[] AS types
		FROM pg_proc AS p JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
			 JOIN pg_extension AS e ON e.oid = d.refobjid
		WHERE e.extname = 'noisylabel' AND NOT p.proargtypes::oid[] && (SELECT array_agg(oid) FROM pg_type WHERE typname IN ('any', 'internal'))
	LOOP
		FOR place IN 0 .. cardinality(f.types) LOOP
			SELECT format('PREPARE call AS SELECT %I(%s)%s', f.proname,
						  string_agg(CASE place WHEN 0 THEN '$' || o WHEN o THEN '$1' ELSE 'NULL::' || t::regtype END, ', ' ORDER BY o),
						  CASE f.prokind WHEN 'w' THEN ' OVER ()' END)
			INTO call FROM unnest(f.types) WITH ORDINALITY AS u(t, o);
			BEGIN
				EXECUTE call;
				DEALLOCATE call;
			EXCEPTION WHEN ambiguous_function THEN
				INSERT INTO not_unique VALUES (SQLERRM);
			WHEN OTHERS THEN
				NULL;				-- such as no type at all for a text
			END;
		END LOOP;
	END LOOP;
END
$$;
SELECT DISTINCT message COLLATE "C" AS message FROM not_unique ORDER BY 1;
