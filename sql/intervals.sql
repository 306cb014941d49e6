-- Intervals of annotators() and annotator_cells().

CREATE FUNCTION pg_temp.r(float8) RETURNS numeric LANGUAGE sql AS 'SELECT round($1::numeric, 3)';

-- Gold everywhere, so that counts are certain: 40 annotators of 100 answers who are
-- right 70 to 90 times, one with 12 right answers, one with 4,850 of 5,000, one
-- who has been right 5 times of 10
CREATE TEMP TABLE votes AS
SELECT i AS item, a AS annotator, CASE WHEN (i + i / 100) % 100 < wrong THEN 1 - i % 2 ELSE i % 2 END AS label, i % 2 AS gold
FROM (SELECT 'crowd ' || to_char(j, 'FM00') AS a, 1 AS first, 100 AS last, 10 + j * 7 % 21 AS wrong FROM generate_series(1, 40) AS j
      UNION ALL VALUES ('new', 51, 62, 0), ('old', 1, 5000, 3), ('even', 1, 10, 6)) AS v,
     generate_series(first, last) AS i;
CREATE TEMP TABLE model AS SELECT dawid_skene(item, annotator, label, gold) AS m, annotation_set(item, annotator, label, gold) AS s FROM votes;
SELECT annotator, annotations AS n, pg_temp.r(accuracy) AS accuracy, pg_temp.r(accuracy_low) AS low, pg_temp.r(accuracy_high) AS high,
       pg_temp.r(accuracy(confusion)) AS right_share
FROM model, annotators(m)
WHERE annotator IN ('crowd 03', 'crowd 20', 'new', 'old', 'even') ORDER BY annotator;
-- the crowd's own rates are within the intervals of most
SELECT count(*) FILTER (WHERE accuracy(confusion) BETWEEN accuracy_low AND accuracy_high) AS within, count(*)
FROM model, annotators(m) WHERE annotator LIKE 'crowd%';
-- a wider level is a wider interval, and holds the narrower one
SELECT bool_and(b.accuracy_low < a.accuracy_low AND a.accuracy_high < b.accuracy_high AND a.accuracy = b.accuracy
                AND a.accuracy BETWEEN a.accuracy_low AND a.accuracy_high) AS nested
FROM model, annotators(m, 0.5) AS a JOIN LATERAL annotators(m, level => 0.999) AS b USING (annotator);

-- Cells
SELECT annotator, truth, label, count, pg_temp.r(rate) AS rate, pg_temp.r(rate_low) AS low, pg_temp.r(rate_high) AS high
FROM model, annotator_cells(m) WHERE annotator IN ('new', 'old', 'even');
SELECT count(*), count(DISTINCT annotator) AS annotators,
       bool_and(rate_low >= 0 AND rate_low <= rate AND rate <= rate_high AND rate_high <= 1) AS ordered
FROM model, annotator_cells(m, 0.8);
SELECT bool_and(c.count = d.count) AS same_counts, count(*)
FROM model, annotator_cells(m) AS c JOIN LATERAL (SELECT annotator, d.* FROM annotators(m), cells(confusion) AS d) AS d USING (annotator, truth, label);
-- two classes: the rate of an error is that of the right answer, mirrored
SELECT bool_and(abs(a.rate + b.rate - 1) < 1e-9 AND abs(a.rate_low + b.rate_high - 1) < 1e-9) AS mirrored
FROM model, annotator_cells(m) AS a JOIN LATERAL annotator_cells(m) AS b USING (annotator, truth) WHERE a.label < b.label;

-- Variances: none with gold; those of posteriors without; an answer given twice is
-- right or wrong twice
SELECT bool_and(v = '0') AS certain FROM model, jsonb_path_query(m::jsonb, 'strict $.variances[*][*][*]') AS v;
CREATE TEMP TABLE unsure AS
SELECT annotation_set(i, a, l) AS s, dawid_skene(i, a, l, '{"smoothing": 4, "toward": "diagonal"}'::jsonb) AS m
FROM (VALUES ('1', 'a', 'x'), ('1', 'b', 'y'), ('1', 'b', 'y'), ('2', 'a', 'x'), ('2', 'b', 'x'), ('3', 'a', 'y'), ('3', 'b', 'y'), ('3', 'c', 'x')) AS v(i, a, l);
SELECT item, pg_temp.r(probability(distribution, 'x')) AS x, pg_temp.r(probability(distribution, 'x') * probability(distribution, 'y')) AS variance
FROM unsure, consensus(s, m);
SELECT annotator, truth, label, pg_temp.r((m::jsonb #>> ARRAY['variances', (a - 1)::text, (t - 1)::text, (l - 1)::text])::float8) AS variance
FROM unsure, unnest('{a,b,c}'::text[]) WITH ORDINALITY AS n(annotator, a), unnest('{x,y}'::text[]) WITH ORDINALITY AS tn(truth, t),
     unnest('{x,y}'::text[]) WITH ORDINALITY AS ln(label, l)
WHERE truth = 'x' ORDER BY 1, 2, 3;
-- the same counts are worth less where the truth is unsure
SELECT a.annotator, a.accuracy_high - a.accuracy_low > b.accuracy_high - b.accuracy_low AS wider
FROM unsure, annotators(m) AS a
JOIN LATERAL annotators((m::jsonb || jsonb_build_object('variances', regexp_replace((m::jsonb -> 'variances')::text, '[0-9][0-9.e+-]*', '0', 'g')::jsonb))::text::annotator_model) AS b
     USING (annotator)
ORDER BY 1;

-- One class: nothing tells who is right of others
SELECT accuracy, accuracy_low, accuracy_high FROM annotators((SELECT dawid_skene('i', 'a', 'x')));
SELECT * FROM annotator_cells((SELECT dawid_skene('i', 'a', 'x')));
SELECT annotator, accuracy, accuracy_low, accuracy_high, information, spammer_score, note
FROM annotators((SELECT dawid_skene(i, a, 'x') FROM (VALUES ('1', 'a'), ('1', 'b'), ('2', 'a'), ('2', 'b')) AS v(i, a)));
-- everybody right, few answers: no certainty
SELECT annotator, pg_temp.r(accuracy) AS accuracy, pg_temp.r(accuracy_low) AS low, accuracy_high < 1 AS below_1
FROM annotators((SELECT dawid_skene(i, a, i % 2) FROM generate_series(1, 6) AS i, (VALUES ('a'), ('b')) AS v(a)));

-- No counts: nothing is known.  None for a class: the crowd alone speaks; none for an
-- annotator: nothing is known of him
CREATE FUNCTION pg_temp.by_hand(counts text) RETURNS annotator_model LANGUAGE sql AS $$
	SELECT format('{"method": "by hand", "options": {}, "fit": {"items": 0, "annotations": 0, "gold_items": 0, "gold_weight": 1, "iterations": 0,
	        "converged": true, "log_likelihood": 0, "stopped_by": "hand", "truths_given": false, "majority_disagreement": null, "warnings": []}, "voices": {"of": "answers", "groups": [], "correlation": 0, "gold_items": 0, "teaching_items": 0}, "labels": ["x", "y"], "annotators": ["a", "b"],
	        "components": [{"variant": "full", "weight": 1, "prior": [0.5, 0.5], "pool": [[0.5, 0.5], [0.5, 0.5]],
	                        "confusion": [[[0.75, 0.25], [0.25, 0.75]], [[1, 0], [0, 1]]]}], "annotations": [0, 0], "gold_annotations": [0, 0], "notes": {},
	        "counts": %s, "variances": [[[0, 0], [0, 0]], [[0, 0], [0, 0]]]}', counts)::annotator_model
$$;
SELECT annotator, accuracy, accuracy_low, accuracy_high FROM annotators(pg_temp.by_hand('[[[0, 0], [0, 0]], [[0, 0], [0, 0]]]'));
SELECT annotator, truth, label, count, rate, rate_low, rate_high
FROM annotator_cells(pg_temp.by_hand('[[[0, 0], [0, 0]], [[0, 0], [0, 0]]]')) WHERE annotator = 'a';
SELECT annotator, pg_temp.r(accuracy) AS accuracy, pg_temp.r(accuracy_low) AS low, pg_temp.r(accuracy_high) AS high
FROM annotators(pg_temp.by_hand('[[[30, 10], [0, 0]], [[0, 0], [0, 0]]]'));
SELECT annotator, truth, label, count, pg_temp.r(rate) AS rate, pg_temp.r(rate_low) AS low, pg_temp.r(rate_high) AS high
FROM annotator_cells(pg_temp.by_hand('[[[30, 10], [0, 0]], [[0, 0], [0, 0]]]'));
-- the largest numbers
SELECT annotator, pg_temp.r(accuracy) AS accuracy, accuracy_low < accuracy AS low, accuracy < accuracy_high AS high
FROM annotators(pg_temp.by_hand('[[[1e15, 1e15], [1e15, 1e15]], [[1e-300, 0], [0, 0]]]'));

-- Mistakes
SELECT * FROM model, annotators(m, 1);
SELECT * FROM model, annotator_cells(m, 0);
SELECT * FROM model, annotator_cells(m, 'NaN');
SELECT count(*) FROM annotator_cells(NULL);
SELECT count(*) FROM model, annotator_cells(m, NULL);
SELECT replace(m::text, '"variances": [[[0', '"variances": [[[-1')::annotator_model IS NULL FROM model;
SELECT ((m::jsonb) - 'variances')::text::annotator_model IS NULL FROM model;
