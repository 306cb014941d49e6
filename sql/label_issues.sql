-- Wrong labels: confident_joint(), label_issue(), crowdlab(), and what to do with a doubtful label

\pset null NULL
SET extra_float_digits = 0;

-- t_A = (.9 + .7 + .2) / 3 = .6, t_B = (.9 + .6 + .2) / 3 = .57: rows 3 and 6 are sure to be the other
CREATE TEMP TABLE d (i int, label text, predicted label_distribution);
INSERT INTO d VALUES (1, 'A', '{"A": 0.9, "B": 0.1}'), (2, 'A', '{"A": 0.7, "B": 0.3}'), (3, 'A', '{"A": 0.2, "B": 0.8}'),
	(4, 'B', '{"A": 0.1, "B": 0.9}'), (5, 'B', '{"A": 0.4, "B": 0.6}'), (6, 'B', '{"A": 0.8, "B": 0.2}');
SELECT confident_joint(label, predicted) FROM d;
SELECT i, label, label_issue(label, predicted) OVER () FROM d ORDER BY i;
-- the same whatever the order of rows and labels in them
SELECT confident_joint(label, predicted ORDER BY -i) FROM d;
SELECT confident_joint(label, label_distribution(ARRAY['B', 'A'], ARRAY[probability(predicted, 'B'), probability(predicted, 'A')])) FROM d;
-- 3 rows labelled A, 2 confident of A and 1 of B, and no other: scaled to 4 with a row that is sure of nothing
-- t_A = .5875, so (.55, .45) is confident of none: (2, 1) * 4 / 3 = 2.67, 1.33 rounds to 3, 1
SELECT confident_joint(label, predicted) FROM (SELECT label, predicted FROM d UNION ALL VALUES ('A', '{"A": 0.55, "B": 0.45}'::label_distribution)) AS v;
-- a class that nobody is labelled: nobody is sure of it, yet its diagonal counts 1, scaled to no rows
SELECT confident_joint(label, predicted) FROM (VALUES ('A', '{"A": 0.1, "C": 0.9}'::label_distribution), ('B', '{"B": 1}')) AS v(label, predicted);
-- a label that no prediction has
SELECT confident_joint(label, predicted) FROM (VALUES ('A', '{"B": 1}'::label_distribution), ('A', '{"B": 1}')) AS v(label, predicted);
-- one class, one row, none, NULLs
SELECT confident_joint('A', '{"A": 1}'::label_distribution);
SELECT confident_joint(label, predicted) FROM d WHERE false;
SELECT confident_joint(label, NULL::label_distribution) FROM d;
SELECT confident_joint(NULLIF(label, 'B'), predicted) FROM d;
SELECT i, label_issue(label, predicted) OVER () FROM (VALUES (1, 'A', '{"A": 1}'::label_distribution), (2, NULL, '{"A": 1}'), (3, 'A', NULL)) AS v(i, label, predicted) ORDER BY i;
SELECT label_issue('A', '{"A": 0.4, "B": 0.6}'::label_distribution) OVER ();
SELECT label_issue('A', '{"A": 0.4, "B": 0.6}'::label_distribution, '{"filter": "predicted_neq_given"}') OVER ();
-- within 1e-6 of the top is no issue
SELECT label_issue('A', '{"A": 0.4999997, "B": 0.5000003}'::label_distribution, '{"filter": "predicted_neq_given"}') OVER ();

-- scores; with one class a margin is not defined
SELECT i, round((label_issue(label, predicted, '{"score": "self_confidence"}') OVER ()).quality::numeric, 4) AS self_confidence,
       round((label_issue(label, predicted, '{"score": "normalized_margin"}') OVER ()).quality::numeric, 4) AS margin,
       round((label_issue(label, predicted, '{"score": "confidence_weighted_entropy"}') OVER ()).quality::numeric, 4) AS entropy
FROM d ORDER BY i;
SELECT (label_issue('A', '{"A": 1}'::label_distribution, '{"score": "normalized_margin"}') OVER ()).quality;
-- filters
SELECT f, array_agg(i ORDER BY i) FILTER (WHERE (v).is_issue) AS issues
FROM unnest(ARRAY['prune_by_noise_rate', 'prune_by_class', 'both', 'confident_learning', 'predicted_neq_given']) AS f,
     LATERAL (SELECT i, label_issue(label, predicted, jsonb_build_object('filter', f)) OVER () AS v FROM d) AS w
GROUP BY f ORDER BY f;

-- partitions are by themselves; labels of any type
SELECT g, i, (label_issue(label, predicted) OVER (PARTITION BY g)).is_issue FROM (SELECT i % 2 AS g, * FROM d) AS v ORDER BY g, i;
SELECT i, (label_issue(i % 2 = 0, predicted) OVER ()).suggested, (label_issue(i::bigint % 2, i, predicted) OVER ()).quality IS NOT NULL AS known
FROM (SELECT i, '{"true": 0.6, "false": 0.4}'::label_distribution AS predicted FROM d) AS v ORDER BY i;

-- annotators: the one who is often right is believed more than the one who seldom is
CREATE TEMP TABLE a AS
SELECT i, 'item ' || i AS item, CASE WHEN i % 3 = 0 THEN 'bad' ELSE 'good' END AS annotator,
       CASE WHEN (i % 3 = 0 AND i % 2 = 0) OR i % 40 = 1 THEN 'B' ELSE 'A' END AS label,
       CASE WHEN i % 10 = 1 THEN '{"A": 0.4, "B": 0.6}' ELSE '{"A": 0.9, "B": 0.1}' END::label_distribution AS predicted
FROM generate_series(1, 240) AS i;
SELECT annotator, label, predicted, count(*), round(min((v).quality)::numeric, 3) AS quality, bool_or((v).is_issue) AS is_issue
FROM (SELECT *, label_issue(annotator, label, predicted) OVER () AS v FROM a) AS w GROUP BY annotator, label, predicted ORDER BY annotator, label, predicted::text;
-- the same where each item has one answer; evidence sums to 1; rounds matter
SELECT bool_and(v = w), bool_and(abs(probability((v).evidence, 'A') + probability((v).evidence, 'B') - 1) < 1e-9),
       max(abs((v).quality - (x).quality)) > 0.01 AS rounds
FROM (SELECT label_issue(annotator, label, predicted) OVER () AS v, label_issue(item, annotator, label, predicted) OVER () AS w,
             label_issue(annotator, label, predicted, '{"rounds": 5}') OVER () AS x FROM a) AS y;
-- with the item, others' answers count: whom nobody supports is doubted more; the prediction is the item's
SELECT annotator, (v).is_issue, (v).suggested, round((v).quality::numeric, 2) AS quality
FROM (SELECT item, annotator, label_issue(item, annotator, label, predicted) OVER () AS v
      FROM (SELECT item, annotator, label, predicted FROM a
            UNION ALL VALUES ('many', 'good', 'A', '{"A": 0.5, "B": 0.5}'::label_distribution), ('many', 'better', 'A', '{"A": 0.5, "B": 0.5}'), ('many', 'bad', 'B', '{"A": 0.5, "B": 0.5}')) AS u) AS w
WHERE item = 'many' ORDER BY annotator;
-- the same answer again is no second voice
SELECT bool_and(abs((v).quality - (w).quality) < 1e-9)
FROM (SELECT i, n, label_issue(item, annotator, label, predicted) OVER (PARTITION BY n) AS v FROM a, generate_series(1, 2) AS n WHERE n = 1) AS one
JOIN (SELECT i, label_issue(item, annotator, label, predicted) OVER () AS w FROM a, generate_series(1, 2)) AS two USING (i);

-- options
SELECT label_issue(label, predicted, '{"filter": "all"}') OVER () FROM d;
SELECT label_issue(label, predicted, '{"rounds": 0}') OVER () FROM d;
SELECT label_issue(label, predicted, '{"round": 1}') OVER () FROM d;
SELECT label_issue(label, predicted, jsonb_build_object('rounds', i)) OVER () FROM d;
SELECT i, label_issue(label, predicted, NULL) OVER () FROM d ORDER BY i LIMIT 1;
SELECT label_issue('x', predicted, predicted) OVER () FROM d;

-- labels that are spelled in another way than the predicted ones
SELECT count(label_issue) FROM (SELECT label_issue(left((i % 2 = 0)::text, 1), '{"true": 0.6, "false": 0.4}'::label_distribution) OVER () FROM generate_series(1, 20) AS i) AS v;
SELECT count(label_issue) FROM (SELECT label_issue(i % 2 = 0, '{"true": 0.6, "false": 0.4}'::label_distribution) OVER () FROM generate_series(1, 20) AS i) AS v;
-- once a query, however many groups there are
SELECT g, confident_joint(i, '{"x": 1}') IS NULL FROM generate_series(1, 10) AS i, generate_series(1, 3) AS g GROUP BY g ORDER BY g;
SELECT count(crowdlab) FROM (SELECT crowdlab(i, 'a', 'x', '{"x": 1}') FROM generate_series(1, 10) AS i GROUP BY i % 3) AS v;

-- as JSON
SELECT label_issue(label, predicted) OVER (ORDER BY i)::jsonb FROM d ORDER BY i LIMIT 1;

-- crowdlab: three annotators, who agree; one answers alone
CREATE TEMP TABLE c (item int, annotator text, label text, predicted label_distribution);
INSERT INTO c SELECT i, annotator, CASE WHEN annotator = 'c' AND i = 1 THEN 'B' WHEN i % 2 = 1 THEN 'A' ELSE 'B' END,
	CASE WHEN i % 2 = 1 THEN '{"A": 0.75, "B": 0.25}' ELSE '{"A": 0.25, "B": 0.75}' END::label_distribution
FROM generate_series(1, 4) AS i, unnest(ARRAY['a', 'b', 'c']) AS annotator;
-- agreement 2/3, 1, 1, 1: P = 11/12; a and b agree with 7 of 8, c with 6 of 8; e = 1/2:
-- w_a = w_b = 1 - (1/8) / (1/2) = 3/4, w_c = 1/2, w = 1 * sqrt(3)
SELECT (r).items, (r).annotations, round((r).consensus_likelihood::numeric, 6) AS p, round((r).model_weight::numeric, 6) AS w
FROM (SELECT crowdlab(item, annotator, label, predicted) AS r FROM c) AS v;
-- item 1: (.75 sqrt(3) + 1.5 * 11/12 + .5 * 1/12) / (sqrt(3) + 2) = .7278
SELECT item, label, round(quality::numeric, 4) AS quality, round(agreement::numeric, 4) AS agreement, annotations
FROM (SELECT crowdlab(item, annotator, label, predicted) AS r FROM c) AS v, consensus(r) ORDER BY item;
SELECT annotator, round(quality::numeric, 4) AS quality, agreement, weight, worst_label, annotations
FROM (SELECT crowdlab(item, annotator, label, predicted) AS r FROM c) AS v, annotators(r) ORDER BY annotator;
-- one answer an item: no error, but a warning
SELECT item, label, quality, agreement, annotations, distribution
FROM (SELECT crowdlab(item, annotator, label, predicted) AS r FROM c WHERE annotator = 'c') AS v, consensus(r) ORDER BY item;
SELECT a.* FROM (SELECT crowdlab(item, annotator, label, predicted) AS r FROM c WHERE annotator = 'c') AS v, annotators(r) AS a;
-- ties: to the prediction, then to the rarer label, at last to the first
SELECT label FROM (SELECT crowdlab('x', annotator, label, '{"A": 0.25, "B": 0.75}'::label_distribution) AS r FROM (VALUES ('a', 'A'), ('b', 'B')) AS u(annotator, label)) AS v, consensus(r);
SELECT label FROM (SELECT crowdlab('x', annotator, label, '{"A": 0.5, "B": 0.5}'::label_distribution) AS r FROM (VALUES ('a', 'A'), ('b', 'B')) AS u(annotator, label)) AS v, consensus(r);
SELECT crowdlab(item, annotator, label, label_distribution(ARRAY['A', 'B'], ARRAY[ascii(annotator) / 200.0, 1 - ascii(annotator) / 200.0])) FROM c;
SELECT crowdlab(item, annotator, label, predicted) FROM c WHERE false;

-- interventions
SELECT label_weight('A', '{"A": 0.2, "B": 0.8}'), label_weight('B', '{"A": 0.2, "B": 0.8}'), label_weight('C', '{"A": 0.2, "B": 0.8}'), label_weight(NULL, '{"A": 1}');
SELECT soft_label('A', '{"A": 0.25, "B": 0.75}') AS evidence, soft_label('A', '{"A": 0.25, "B": 0.75}', 0.5) AS half, soft_label('A', '{"A": 0.25, "B": 0.75}', 1) AS label,
       soft_label('C', '{"A": 0.25, "B": 0.75}', 0.5) AS other, soft_label(10, '{"9": 0.25, "11": 0.75}', 0.5) AS number;
SELECT keep_label('A', '{"A": 0.5, "B": 0.5}'), keep_label('A', '{"A": 0.49, "B": 0.51}'), keep_label('A', '{"A": 0.49, "B": 0.51}', 0.4), keep_label('C', '{"A": 1}', 0), keep_label('A', NULL);
SELECT soft_label('A', '{"A": 1}', 1.5);
SELECT keep_label('A', '{"A": 1}', 'NaN');

-- how many perfect answers: information over entropy, n voices by 1 / (1 + (n - 1) r)
CREATE TEMP TABLE m AS SELECT dawid_skene(item, annotator, label, '{"correlation": 0.25}'::jsonb) AS m FROM c;
WITH worth AS (SELECT annotator, evidence_weight((SELECT m FROM m), annotator) AS w FROM c WHERE item = 1 GROUP BY annotator)
SELECT bool_and(w BETWEEN 0 AND 1), round((sum(w) / 1.5 - (SELECT evidence_weight((SELECT m FROM m), annotator) FROM c WHERE item = 1))::numeric, 9) AS difference FROM worth;
-- repeats are one voice; of other types; a stranger; nothing known
SELECT evidence_weight((SELECT m FROM m), annotator) = (SELECT evidence_weight((SELECT m FROM m), annotator) FROM c WHERE item = 1) FROM c;
SELECT evidence_weight((SELECT m FROM m), 5) = evidence_weight((SELECT m FROM m), 'stranger');
SELECT evidence_weight((SELECT dawid_skene(item, annotator, label) FROM c WHERE annotator = 'a'), annotator) FROM c;
SELECT evidence_weight((SELECT m FROM m), annotator) FROM c WHERE false;
