-- annotators(), annotator_rates(), what is NULL, copies, notes and overlap.
\set VERBOSITY terse

CREATE FUNCTION pg_temp.r(float8) RETURNS numeric LANGUAGE sql AS 'SELECT round($1::numeric, 3)';

-- Gold everywhere, so that counts are whole.  "lazy" says a whatever it is; "blind" says
-- a to half of each class; "other" is right in 8 of 10, "keen" in all, "one" has met one class
CREATE TEMP TABLE answers AS
SELECT 'i' || i AS item, annotator, label, chr(97 + i % 2) AS gold
FROM generate_series(0, 19) AS i,
     LATERAL (VALUES ('lazy', 'a'), ('keen', chr(97 + i % 2)), ('blind', chr(97 + i / 2 % 2)),
                     ('other', chr(97 + (i + CASE WHEN i < 4 THEN 1 ELSE 0 END) % 2)), ('one', CASE WHEN i % 2 = 0 AND i < 10 THEN 'a' END)) AS v(annotator, label)
WHERE label IS NOT NULL;
CREATE TEMP TABLE model AS
SELECT v AS variant, dawid_skene(s, jsonb_build_object('variant', v)) AS m
FROM (SELECT annotation_set(item, annotator, label, gold) AS s FROM answers) AS a, unnest('{auto,full}'::text[]) AS v;
SELECT annotator, annotations AS n, gold_annotations AS gold, counts(confusion) AS counts,
       pg_temp.r(information) AS bits, pg_temp.r(spammer_score) AS spammer, worst_truth || ' as ' || worst_label AS worst
FROM model, annotators(m) WHERE variant = 'auto' ORDER BY annotator COLLATE "C";
-- the same of both variants but for the class prior, which is that of the counts
SELECT count(*) AS unlike FROM model AS a, annotators(a.m) AS r JOIN LATERAL (SELECT s.* FROM model AS b, annotators(b.m) AS s WHERE b.variant = 'full') AS s USING (annotator)
WHERE a.variant = 'auto' AND (r.accuracy, r.spammer_score, r.worst_truth, r.worst_label, counts(r.confusion)) IS DISTINCT FROM (s.accuracy, s.spammer_score, s.worst_truth, s.worst_label, counts(s.confusion));
-- the worst rate is that of the cell; rates that are used are others where the fit draws them to the crowd's
SELECT variant, annotator, worst_rate = rate AS of_the_cell, pg_temp.r(rate) AS rate, pg_temp.r(rate_used) AS rate_used
FROM model, annotators(m) AS a JOIN LATERAL annotator_cells(m) AS c USING (annotator) JOIN LATERAL annotator_rates(m) AS u USING (annotator)
WHERE worst_truth = c.truth AND worst_label = c.label AND worst_truth = u.truth AND worst_label = u.label
ORDER BY variant, annotator COLLATE "C";
SELECT annotator, truth, label, rate_used FROM model, annotator_rates(m) WHERE variant = 'full' AND annotator IN ('blind', 'other') ORDER BY 1, 2, 3;
SELECT variant, count(*), pg_temp.r(sum(rate_used)) AS sum FROM model, annotator_rates(m) GROUP BY variant ORDER BY variant;
SELECT count(*) FROM annotator_rates(NULL);

-- Single answers: nothing is known of anybody or anything, in any variant
CREATE TEMP TABLE singles AS
SELECT v AS variant, s, dawid_skene(s, jsonb_build_object('variant', v)) AS m
FROM (SELECT annotation_set('i' || i, 'a' || i % 2, i % 3) AS s FROM generate_series(1, 12) AS i) AS a,
     unnest('{auto,full,class,one_coin,shared,majority}'::text[]) AS v;
SELECT variant, items_teaching, count(*), count(accuracy) AS accuracy, count(accuracy_low) + count(accuracy_high) AS ends, count(information) AS bits,
       count(worst_rate) AS worst, count(spammer_score) AS spammer, count(note) AS notes, sum(total(confusion)) AS counted
FROM singles, fit_report(m), annotators(m) GROUP BY 1, 2 ORDER BY 1;
SELECT variant, count(rate) + count(rate_low) + count(rate_high) AS cells FROM singles, annotator_cells(m) GROUP BY 1 ORDER BY 1;
SELECT variant, count(label) AS labels, count(confidence) + count(entropy) + count(distribution) AS known FROM singles, consensus(s, m) GROUP BY 1 ORDER BY 1;
SELECT variant, posterior(m, 'a1', '1') IS NULL AS unknown FROM singles GROUP BY variant, m ORDER BY 1;
-- answers of one annotator only, repeated and contradictory, are single
SELECT variant, items_teaching
FROM unnest('{auto,full}'::text[]) AS variant, LATERAL fit_report((SELECT dawid_skene('i', 'a', l, jsonb_build_object('variant', variant)) FROM unnest('{x,x,y}'::text[]) AS l));
-- truths that came from elsewhere are known
SELECT variant, count(confidence) AS known
FROM singles, consensus(s, replace(m::text, '"truths_given": false', '"truths_given": true')::annotator_model) GROUP BY 1 ORDER BY 1;

-- As soon as items teach, all items have distributions; an annotator who has
-- answered none of these is unknown; gold teaches
CREATE TEMP TABLE few (item text, annotator text, label text, gold text);
INSERT INTO few SELECT 'i' || i, a, chr(97 + i % 2), NULL FROM generate_series(1, 4) AS i, unnest('{u,v}'::text[]) AS a;
INSERT INTO few SELECT 's' || i, 'u', 'a', NULL FROM generate_series(1, 3) AS i;
INSERT INTO few SELECT 't' || i, 'stranger', 'b', NULL FROM generate_series(1, 4) AS i;
INSERT INTO few SELECT 'g' || i, 'known', 'b', 'b' FROM generate_series(1, 2) AS i;
CREATE TEMP TABLE learned AS
SELECT v AS variant, s, dawid_skene(s, jsonb_build_object('variant', v)) AS m
FROM (SELECT annotation_set(item, annotator, label, gold) AS s FROM few) AS a, unnest('{auto,full,majority}'::text[]) AS v;
SELECT variant, annotator, annotations AS n, gold_annotations AS gold, pg_temp.r(total(confusion)) AS counted, accuracy IS NOT NULL AS known, note
FROM learned, annotators(m) ORDER BY variant, annotator COLLATE "C";
SELECT variant, items_teaching, count(confidence) AS known, count(*) FROM learned, fit_report(m), consensus(s, m) GROUP BY 1, 2 ORDER BY 1;
SELECT annotator, count(rate) AS rates FROM learned, annotator_cells(m) WHERE variant = 'auto' GROUP BY 1 ORDER BY annotator COLLATE "C";
SELECT items, items_with_overlap, annotators, annotators_with_overlap FROM learned, annotation_summary(s) WHERE variant = 'auto';

-- Copies are named
CREATE TEMP TABLE copied AS
SELECT 'i' || i AS item, 'a' || j AS annotator, chr(97 + (CASE WHEN hashint4(i * 100 + j) & 7 < 6 THEN i ELSE hashint4(j * 31 + i) & 3 END) % 3) AS label
FROM generate_series(1, 300) AS i, generate_series(1, 5) AS j;
INSERT INTO copied SELECT item, 'again ' || n, label FROM copied, generate_series(1, 2) AS n WHERE annotator = 'a1' AND n = 1 OR annotator = 'a2' AND n = 2;
SELECT annotator, copies FROM annotators((SELECT dawid_skene(item, annotator, label) FROM copied)) ORDER BY annotator COLLATE "C";
-- three of a group, by hand
SELECT annotator, copies
FROM annotators((SELECT replace(dawid_skene(item, annotator, label, '{"copies": "off"}'::jsonb)::text, '"groups": []', '"groups": [["a4", "a2", "a3"], ["a1", "a5"]]')::annotator_model
                 FROM copied WHERE annotator LIKE 'a_')) ORDER BY annotator COLLATE "C";
-- no more than a hundred
SELECT annotator, left(copies, 18) AS first, right(copies, 24) AS last
FROM annotators((SELECT replace(dawid_skene('i' || j % 2, 'a' || to_char(j, 'FM000'), 'x', '{"copies": "off"}'::jsonb)::text, '"groups": []',
                                '"groups": [' || to_json(array_agg('a' || to_char(j, 'FM000'))) || ']')::annotator_model
                 FROM generate_series(1, 150) AS j)) WHERE annotator IN ('a001', 'a002', 'a150') ORDER BY 1;

-- Little overlap: a warning of items, another of annotators
CREATE FUNCTION pg_temp.warnings(m annotator_model) RETURNS SETOF text LANGUAGE sql AS
$$ SELECT w FROM fit_report(m), unnest(warnings) AS w WHERE w ~ 'two annotators or gold' $$;
CREATE TEMP TABLE sparse AS
SELECT 'i' || to_char(i, 'FM000') AS item, a AS annotator, chr(97 + i % 2) AS label, NULL::text AS gold
FROM generate_series(1, 200) AS i, unnest('{u,v,w}'::text[]) AS a
WHERE i <= 10 AND a <> 'w' OR a = (ARRAY['u', 'v', 'w'])[1 + i % 3] AND (a = 'w' OR i < 60);
SELECT pg_temp.warnings(dawid_skene(item, annotator, label)) FROM sparse;
SELECT pg_temp.warnings(dawid_skene(item, annotator, label, '{"variant": "full"}'::jsonb)) FROM sparse;
-- a tenth is enough; gold is as good
SELECT count(*) FROM (SELECT pg_temp.warnings(dawid_skene(item, annotator, label)) FROM sparse WHERE annotator <> 'w') AS v;
SELECT count(*) FROM (SELECT pg_temp.warnings(dawid_skene(item, annotator, label, CASE WHEN right(item, 1) IN ('0', '5') THEN label END)) FROM sparse) AS v;
-- where nothing overlaps that is said already
SELECT count(*) FROM (SELECT pg_temp.warnings(dawid_skene(item, annotator, label)) FROM sparse WHERE annotator = 'w') AS v;

-- Intervals know of shared errors, from two answers to an item on
SELECT c.annotator, a.accuracy = c.accuracy AS same, a.accuracy_high - a.accuracy_low > c.accuracy_high - c.accuracy_low AS wider
FROM annotators((SELECT dawid_skene(item, annotator, label, '{"copies": "off", "correlation": 0.3}'::jsonb) FROM copied)) AS a
JOIN annotators((SELECT dawid_skene(item, annotator, label, '{"copies": "off", "correlation": 0}'::jsonb) FROM copied)) AS c USING (annotator)
ORDER BY annotator COLLATE "C";
SELECT count(*) AS unlike
FROM annotators((SELECT dawid_skene(item, annotator, label, '{"variant": "full"}'::jsonb) FROM copied)) AS a
JOIN annotators((SELECT dawid_skene(item, annotator, label, '{"variant": "full", "correlation": 0}'::jsonb) FROM copied)) AS c USING (annotator)
WHERE a::text <> c::text;
-- what is reported comes with the model
SELECT (SELECT dawid_skene(item, annotator, label) FROM copied)::text::annotator_model = (SELECT dawid_skene(item, annotator, label) FROM copied) AS lossless;
SELECT (dawid_skene(item, annotator, label)::jsonb - 'reported_right')::text::annotator_model IS NULL FROM copied;
SELECT regexp_replace(dawid_skene(item, annotator, label)::text, '"reported_right": \[[^,]*', '"reported_right": [-1')::annotator_model IS NULL FROM copied;
