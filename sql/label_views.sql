-- Label views: what create_label_views() makes, refreshes, snapshots, decisions, and errors.  Concurrency, jobs
-- and other kinds of tables are in test/t/090_views.pl.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE TEMP TABLE annotation (item int, annotator text, label text, gold text, answered_at timestamptz, seconds int);
INSERT INTO annotation
SELECT i, a, CASE WHEN a = 'cat' AND i % 4 = 0 OR a = 'dan' AND i % 3 = 0 THEN 'no' ELSE 'yes' END, NULL,
       '2026-03-01 23:00 UTC'::timestamptz + i * interval '1 hour', CASE a WHEN 'ann' THEN 10 ELSE 2 * i END
FROM generate_series(1, 24) AS i, unnest('{ann,bob,cat,dan}'::text[]) AS a;
INSERT INTO annotation VALUES (NULL, 'ann', 'yes'), (1, NULL, 'yes'), (1, 'ann', NULL);	-- no annotations

-- what is guessed is said
SET client_min_messages = notice;
SELECT view_name, row_count FROM create_label_views('pg_temp.quality', 'annotation');
SET client_min_messages = warning;
-- all columns have comments, and the types of the source
SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = pg_my_temp_schema() AND c.relname ~ '^quality_' AND c.relkind IN ('r', 'v') AND col_description(c.oid, a.attnum) IS NULL;
SELECT pg_typeof(c.item), pg_typeof(v.annotator) FROM quality_consensus AS c, quality_answers AS v LIMIT 1;
SELECT annotations, items, annotators, gold_items, regime, open_issues FROM quality_summary;
-- "ann" and "bob" always answer "yes": 24 of 24, and 24 - 6, 24 - 8
SELECT annotator, label, sum(count)::numeric(9, 6) AS count FROM quality_confusions GROUP BY 1, 2 ORDER BY 1, 2;
SELECT item, label, annotations, tied FROM quality_consensus WHERE item IN (1, 12) ORDER BY item;
-- hour 23 to 24 of the first day, then 24 hours a day: hours 1 to 24 are the next day
SELECT day, annotator, annotations, median_seconds, like_consensus::numeric(9, 6) FROM quality_activity ORDER BY day, annotator;
-- the same numbers as the functions give
SELECT count(*) AS differ FROM quality_model AS m, consensus(m.answers, m.model) AS c JOIN quality_consensus AS q ON q.item::text = c.item
WHERE (c.label, c.confidence, c.entropy, c.annotations, c.tied) IS DISTINCT FROM (q.label, q.confidence, q.entropy, q.annotations, q.tied);
SELECT m.model = dawid_skene(annotation_set(a.item::text, a.annotator, a.label)) AS same FROM quality_model AS m, annotation AS a GROUP BY m.model;

-- a snapshot, new answers, a decision: it becomes gold
SELECT label_snapshot('pg_temp.quality', 'first') = fingerprint AS same FROM quality_history;
INSERT INTO annotation VALUES (25, 'ann', 'no', NULL, '2026-03-03 00:00 UTC', 1), (1, 'eve', 'yes', NULL, '2026-03-03 00:00 UTC', 1);
UPDATE quality_issues SET decision = 'no' WHERE item = 12;
SELECT item, decision, decided_by = current_user AS by_me, decided_at IS NOT NULL AS at FROM quality_issues WHERE item = 12;
CALL refresh_label_views('pg_temp.quality');
SELECT id, row_count, gold_items, error FROM quality_history ORDER BY id;
SELECT item, label, confidence FROM quality_consensus WHERE item = 12;
SELECT item, old_label, new_label, reason FROM label_changes('pg_temp.quality', 'first') WHERE reason IN ('new item', 'new gold', 'new answers') ORDER BY item::int;
SELECT open_issues, decided_issues, gold_items FROM quality_summary;
SELECT label_snapshot('pg_temp.quality', 'second') IS NOT NULL AS kept;
SELECT count(*) FROM label_changes('pg_temp.quality', 'first', 'second');
SELECT count(*) FROM label_changes('pg_temp.quality', 'second');
-- a snapshot's model can be made again
SELECT s.name, s.model = dawid_skene(s.answers, s.options) AS same FROM quality_snapshots AS s ORDER BY name;

-- an annotator who always says the same, and a class
INSERT INTO annotation SELECT i, 'eve', 'perhaps', NULL, NULL, NULL FROM generate_series(1, 24) AS i;
CALL refresh_label_views('pg_temp.quality');
SELECT kind, subject FROM label_alerts('pg_temp.quality') WHERE kind IN ('class share', 'annotator') ORDER BY kind, subject;
-- nothing new: nothing is fitted, and nothing to be told of
CALL refresh_label_views('pg_temp.quality');
SELECT buckets_rebuilt FROM quality_history ORDER BY id DESC LIMIT 1;
SELECT * FROM label_alerts('pg_temp.quality');
-- a query that was replaced, a table that was dropped, and options
CREATE OR REPLACE VIEW quality_issues_query AS SELECT item, item::bigint AS priority, label, NULL::text AS suggested, confidence, 'by hand'::text AS reason FROM quality_consensus WHERE item = 7;
DROP VIEW quality_agreement_query;
DROP TABLE quality_agreement;
UPDATE quality_model SET options = '{"variant": "majority"}';
CALL refresh_label_views('pg_temp.quality');
SELECT item, reason FROM quality_issues WHERE decision IS NULL;
SELECT method FROM quality_summary;
-- a failed refresh in a transaction block: only an error
UPDATE quality_model SET options = '{"variant": "none"}';
BEGIN;
CALL refresh_label_views('pg_temp.quality');
ROLLBACK;
SELECT count(*) FROM quality_history WHERE error IS NOT NULL;
-- by itself: a row in the history, and what was there stays
CALL refresh_label_views('pg_temp.quality');
SELECT error_code, split_part(error, E'\n', 1) AS error FROM quality_history WHERE error IS NOT NULL;
SELECT method FROM quality_summary;
SELECT kind, message LIKE '22023: %' AS why FROM label_alerts('pg_temp.quality') WHERE kind = 'refresh failed';

SELECT drop_label_views('pg_temp.quality');
SELECT count(*) FROM pg_class WHERE relname LIKE 'quality%' AND relnamespace = pg_my_temp_schema();

-- errors
\set VERBOSITY terse
SELECT create_label_views('pg_temp.quality', 'annotation', '{"items": "item"}');
SELECT create_label_views('pg_temp.quality', 'annotation', '{"item": "thing"}');
SELECT create_label_views('pg_temp.quality', 'annotation', '{"item": 1}');
SELECT create_label_views('pg_temp.quality', 'annotation', '{"annotator": null}');
SELECT create_label_views('pg_temp.quality', 'annotation', '{"seconds": "label"}');
SELECT create_label_views('pg_temp.quality', 'annotation', '{"label": "item"}');
SELECT create_label_views('pg_temp.quality', 'annotation', '{"queue": -1}');
SELECT create_label_views('pg_temp.quality', 'annotation', '{"fit": {"variant": "none"}}');
SELECT create_label_views('pg_temp.quality', 'annotation', '[]');
SELECT create_label_views('quality', 'annotation');
SELECT create_label_views('a.b.c', 'annotation');
SELECT create_label_views('my-labels', 'annotation');
SELECT create_label_views(repeat('x', 47), 'annotation');
SELECT create_label_views(NULL, 'annotation');
SELECT create_label_views('pg_temp.quality', NULL);
SELECT drop_label_views('pg_temp.quality');
CALL refresh_label_views('pg_temp.quality');
SELECT label_snapshot('pg_temp.quality', 'x');
SELECT count(*) FROM pg_class WHERE relname LIKE 'quality%' AND relnamespace = pg_my_temp_schema();

-- an empty table, and one answer an item
CREATE TEMP TABLE nothing (item text, annotator text, label text);
SELECT view_name, row_count FROM create_label_views('pg_temp.quality', 'nothing');
INSERT INTO nothing SELECT 'item ' || i, 'ann', CASE i % 3 WHEN 0 THEN 'x' ELSE 'y' END FROM generate_series(1, 30) AS i;
CALL refresh_label_views('pg_temp.quality');
SELECT regime, items, mean_confidence, warnings LIKE 'no item%' AS warned FROM quality_summary;
SELECT label, confidence, count(*) FROM quality_consensus GROUP BY 1, 2 ORDER BY 1;
SELECT create_label_views('pg_temp.quality', 'nothing');
SELECT drop_label_views('pg_temp.quality');
