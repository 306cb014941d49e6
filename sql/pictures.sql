-- confusion_svg(), reliability_svg(), calibration_svg(), label_report(): well-formed, escaped, with the numbers that
-- the functions behind them give; test/t/091_pictures.pl reads all of them back.

\pset null '-'
SET client_min_messages = warning;
\set SHOW_CONTEXT never

-- What stands in a picture: the values of an attribute, of all elements of a name that have it.
CREATE FUNCTION pg_temp.marks(picture text, element text, name text) RETURNS TABLE(place bigint, value text) LANGUAGE sql AS $$
	SELECT m.place, substring(m.found[1] FROM ' ' || name || '="([^"]*)"')
	FROM regexp_matches(picture, '<' || element || '(?= )([^>]*)>', 'g') WITH ORDINALITY AS m(found, place)
	WHERE m.found[1] LIKE '% ' || name || '="%'
	ORDER BY m.place
$$;

-- A confusion matrix: counts and rates are those of cells(); what never occurred is not drawn.
CREATE TEMP TABLE matrix AS SELECT '{"labels": ["<b>", "a&b", "ok"], "counts": [[8, 2, 0], [1, 9, 0], [0, 0, 4]]}'::confusion_matrix AS cm;
SELECT value AS count FROM matrix, pg_temp.marks(confusion_svg(cm), 'rect', 'data-count');
SELECT value AS rate FROM matrix, pg_temp.marks(confusion_svg(cm), 'rect', 'data-rate');
SELECT value AS truth FROM matrix, pg_temp.marks(confusion_svg(cm), 'g', 'data-truth');
SELECT confusion_svg(cm, '"Tom & <i>"') LIKE '<svg%<title>&quot;Tom &amp; &lt;i&gt;&quot;</title>%</svg>' AS escaped FROM matrix;
SELECT confusion_svg(cm) LIKE '%<title>&lt;b&gt; called a&amp;b: 2 of 10, 20.0 % (5.7&#8211;51.0)</title>%' AS interval_of_cells FROM matrix;
SELECT label, round((100 * rate_low)::numeric, 1) AS low, round((100 * rate_high)::numeric, 1) AS high FROM matrix, cells(cm) WHERE truth = '<b>' AND label = 'a&b';
SELECT confusion_svg(NULL) IS NULL AS nothing, confusion_svg('{"labels": [], "counts": []}') LIKE '<svg%</svg>' AS no_labels;

-- Above 40 labels the rarest are one: 39 and 6 others, and no answer is lost.
SELECT count(*) AS rows_drawn, count(*) FILTER (WHERE value = '6 others') AS others
FROM (SELECT annotator_confusion(i % 45, i % 45) AS cm FROM generate_series(1, 900) AS i) AS x, pg_temp.marks(confusion_svg(cm), 'g', 'data-truth');
SELECT sum(value::int) FROM (SELECT annotator_confusion(i % 45, i % 45) AS cm FROM generate_series(1, 900) AS i) AS x, pg_temp.marks(confusion_svg(cm), 'rect', 'data-count');

-- Annotators: the best lower bound first; who is not known is last, without an interval.
CREATE TEMP TABLE answer AS
SELECT i AS item, a AS annotator, CASE WHEN i % a = 1 THEN (i + 1) % 3 ELSE i % 3 END AS label FROM generate_series(1, 60) AS i, generate_series(2, 6) AS a
UNION ALL SELECT 1000 + i, 99, i % 3 FROM generate_series(1, 4) AS i;
CREATE TEMP TABLE fitted AS SELECT s, dawid_skene(s) AS model FROM (SELECT annotation_set(item, annotator, label) AS s FROM answer) AS x;
SELECT value AS annotator FROM fitted, pg_temp.marks(reliability_svg(model), 'g', 'data-annotator');
SELECT annotator FROM fitted, annotators(model) ORDER BY accuracy_low DESC NULLS LAST, annotator COLLATE "C";
SELECT reliability_svg(model, 'x') LIKE '%<g class="nl-annotator" data-annotator="99" data-answers="4">%not known%' AS not_known FROM fitted;
SELECT reliability_svg(NULL) IS NULL AS nothing;

-- The page
SELECT label_report(s, model) LIKE '<!DOCTYPE html>%</html>_' AS page, label_report(s, model) ~ '<script|NaN|(src|href)=' AS loads_or_runs FROM fitted;
SELECT label_report(s, model, '{"title": "</title><script>alert(1)</script>"}') LIKE '%<h1>&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;</h1>%' AS escaped FROM fitted;
SELECT count(*) AS items FROM fitted, pg_temp.marks(label_report(s, model, '{"items": 3}'), 'li', 'data-item');
SELECT label_report(s, model, '{"items": 0, "confusions": 0, "agreement": 0, "annotators": 0}') ~ 'Items to look at|least reliable|agrees with whom|as a table' AS left_out FROM fitted;
SELECT label_report(s, NULL) IS NULL AND label_report(NULL, model) IS NULL AS nothing FROM fitted;
SELECT label_report(s, model, '{"itmes": 3}') FROM fitted;
SELECT label_report(s, model, '{"items": 3000}') FROM fitted;
SELECT label_report(s, model, '{"title": 3}') FROM fitted;

-- Nothing can be known of single answers: the page says so, and gives no confidence.
SELECT page LIKE '%Nothing tells how often anybody is right%' AS says_so, page ~ 'How sure|Items to look' AS and_guesses
FROM (SELECT label_report(s, dawid_skene(s)) AS page FROM (SELECT annotation_set(i, i % 3, i % 2) AS s FROM generate_series(1, 30) AS i) AS x) AS y;

-- Of label views: the table <prefix>_model
CREATE TEMP TABLE "My labels_model" AS SELECT true AS only_row, s AS answers, model FROM fitted;
SELECT label_report('"My labels"') = label_report(s, model, '{"title": "\"My labels\""}') AS same, label_report('"My labels"', '{"title": "x"}') = label_report(s, model, '{"title": "x"}') AS with_options FROM fitted;
SELECT label_report(NULL::text) IS NULL AS nothing;
SELECT label_report('quality');
SELECT label_report('a.b.c');
SELECT label_report('');
