-- simulate_annotations(): crowds whose truth is known.

-- the same rows on every machine
SELECT * FROM simulate_annotations(3, '{"reliable": 2, "copy": 1}', '{"answers": 1, "seed": 7}');
SELECT item, annotator, label, features
FROM simulate_annotations(2, '{"hasty": 1, "newcomer": {"count": 1, "answers": 1}}', '{"features": 3, "classes": ["x", "y", "z"]}');
SELECT count(*) AS rows, md5(string_agg(s::text, ',')) AS hash
FROM simulate_annotations(300, '{"reliable": {"count": 3, "spread": 0.1}, "hasty": 2, "expert": 1, "spammer": 1, "constant": 1, "confuser": 1, "adversary": 1,
                                 "newcomer": 5, "team": 4, "copy": {"of": "hasty 1", "fidelity": 0.9}}',
                          '{"classes": 4, "shares": [4, 3, 2, 1], "features": 2, "shared_errors": 0.2}') AS s;
SELECT count(*) FILTER (WHERE a.label = b.label) < count(*) AS seeds_differ
FROM simulate_annotations(50, '{"hasty": 5}') AS a JOIN simulate_annotations(50, '{"hasty": 5}', '{"seed": 1}') AS b USING (item, annotator);

-- who else is there, and how many items, changes no answer
SELECT count(*) AS common, count(*) FILTER (WHERE a.truth <> b.truth OR a.label <> b.label OR a.features <> b.features) AS unlike
FROM simulate_annotations(100, '{"hasty": 3}', '{"features": 2}') AS a
JOIN simulate_annotations(200, '{"hasty": 4, "spammer": 3, "newcomer": 9}', '{"features": 2}') AS b USING (item, annotator);

-- how often each is right, and how often asked: none twice on an item
CREATE TEMP TABLE crowd AS
SELECT * FROM simulate_annotations(4000, '{"reliable": 2, "hasty": 2, "expert": 1, "spammer": 1, "constant": 1, "confuser": 1, "adversary": 1,
	"newcomer": {"count": 50, "answers": 20}, "copy": {"count": 2, "of": "hasty 2"}}', '{"classes": 3, "shares": {"B": 5, "A": 3, "C": 2}}');
SELECT kind, count(DISTINCT annotator) AS annotators, round(avg((label = truth)::int), 1) AS accuracy, count(*) / count(DISTINCT annotator) / 200 * 200 AS answers
FROM crowd GROUP BY kind ORDER BY kind COLLATE "C";
SELECT count(*) - count(DISTINCT (item, annotator)) AS twice, count(DISTINCT item) AS items FROM crowd;
SELECT min(n), max(n) FROM (SELECT count(*) AS n FROM crowd WHERE kind NOT IN ('newcomer', 'copy') GROUP BY item) AS v;
SELECT truth, round(count(DISTINCT item) / 4000.0, 1) AS share FROM crowd GROUP BY truth ORDER BY truth;
-- the lazy one says the most frequent class, a confuser "B" for "A", a spammer anything
SELECT kind, truth, label, round(count(*) / sum(count(*)) OVER (PARTITION BY kind, truth), 1) AS rate
FROM crowd WHERE kind IN ('constant', 'confuser', 'spammer', 'adversary') GROUP BY 1, 2, 3 HAVING count(*) > 25 ORDER BY kind COLLATE "C", 2, 3;
-- a copy answers what the original answers, and so
SELECT count(*) = count(*) FILTER (WHERE c.label = o.label) AND count(*) = 2 * (SELECT count(*) FROM crowd WHERE annotator = 'hasty 2') AS copied
FROM crowd AS c JOIN crowd AS o ON o.item = c.item AND o.annotator = 'hasty 2' WHERE c.kind = 'copy';
SELECT round(avg((c.label = o.label)::int), 1) AS alike, round(avg((c.label = c.truth)::int), 1) AS accuracy
FROM simulate_annotations(4000, '{"reliable": 1, "copy": {"fidelity": 0.5, "accuracy": 0.4}}') AS c
JOIN simulate_annotations(4000, '{"reliable": 1}') AS o USING (item) WHERE c.kind = 'copy';

-- hard items: one wrong label tempts all but experts
CREATE TEMP TABLE hard AS
SELECT * FROM simulate_annotations(500, '{"reliable": 15, "expert": 5}', '{"classes": 5, "answers": 20, "shared_errors": 0.3, "temptation": 0.9}');
SELECT kind, round(avg((label = truth)::int), 1) AS accuracy FROM hard GROUP BY kind ORDER BY kind COLLATE "C";
SELECT round(avg((wrong > 7)::int), 1) AS hard, round(min(largest / wrong) FILTER (WHERE wrong > 7), 1) > 0.6 AS "the same error"
FROM (SELECT item, sum(n) AS wrong, max(n) AS largest
      FROM (SELECT item, label, count(*) AS n FROM hard WHERE label <> truth GROUP BY item, label) AS v GROUP BY item
      UNION ALL SELECT item, 0, 0 FROM hard GROUP BY item HAVING bool_and(label = truth)) AS w;

-- two teams
SELECT truth, left(annotator, 6) AS team, round(count(DISTINCT item) / sum(count(DISTINCT item)) OVER (PARTITION BY left(annotator, 6)), 1) AS mix
FROM simulate_annotations(4000, '{"team": 6}', '{"answers": 3}') GROUP BY 1, 2 ORDER BY 1, 2;
SELECT round(avg(seen_by_both::int), 2) AS shared
FROM (SELECT item, count(DISTINCT left(annotator, 6)) = 2 AS seen_by_both FROM simulate_annotations(4000, '{"team": {"count": 6, "shared": 0.3}}', '{"answers": 6}') GROUP BY item) AS v;

-- answers for each item: a fraction is a mean; more than there are is all
SELECT n, count(*) / 100 * 100 AS items FROM (SELECT item, count(*) AS n FROM simulate_annotations(2000, '{"hasty": 5}', '{"answers": 1.25}') GROUP BY item) AS v GROUP BY n ORDER BY n;
SELECT count(*) FROM simulate_annotations(10, '{"hasty": 5}', '{"answers": 100}');
SELECT annotator, count(*) FROM simulate_annotations(10, '{"hasty": [{"answers": 7}, {"answers": 100}]}', '{"answers": 0}') GROUP BY annotator ORDER BY annotator;

-- groups of a kind, an accuracy of each
SELECT round(min(a), 1) AS low, round(max(a), 1) AS high, count(*)
FROM (SELECT annotator, avg((label = truth)::int) AS a
      FROM simulate_annotations(2000, '{"reliable": [{"count": 1, "accuracy": 1}, {"count": 2, "accuracy": 0.75, "spread": 0.25}, 2]}') GROUP BY annotator) AS v;

-- features: neighbouring classes are "separation" apart, noise has variance 1
SELECT truth, round(avg(features[1])::numeric, 0) AS x, round(avg(features[2])::numeric, 0) AS y, round(stddev(features[1])::numeric, 1) AS noise
FROM simulate_annotations(5000, '{"hasty": 1}', '{"classes": 4, "features": 2, "separation": 10}') GROUP BY truth ORDER BY truth;
SELECT truth, round(avg(features[1])::numeric, 0) AS x FROM simulate_annotations(3000, '{"hasty": 1}', '{"classes": 3, "features": 1, "separation": 5}') GROUP BY truth ORDER BY truth;
SELECT min(label), max(label) FROM simulate_annotations(1000, '{"spammer": 5}', '{"classes": 100}');
-- a class without a share is never met
SELECT truth, count(*) FROM simulate_annotations(50, '{"hasty": 2}', '{"shares": [0, 1, 0]}') GROUP BY truth;

-- nothing
SELECT count(*) FROM simulate_annotations(0, '{"reliable": 1}');
SELECT count(*) FROM simulate_annotations(NULL, '{"reliable": 1}');
SELECT count(*) FROM simulate_annotations(5, NULL);
SELECT count(*) AS none FROM simulate_annotations(5, '{"reliable": 0, "hasty": 1}', NULL);

-- it is made for this
SELECT accuracy(annotator_confusion(truth, c.label)) > 0.9 AS good
FROM (SELECT dawid_skene(item, annotator, label) AS m, annotation_set(item, annotator, label) AS s FROM simulate_annotations(300, '{"reliable": 6, "spammer": 2}')) AS f,
     LATERAL consensus(s, m) AS c JOIN (SELECT DISTINCT item, truth FROM simulate_annotations(300, '{"reliable": 6, "spammer": 2}')) AS t USING (item);

-- what cannot be
SELECT simulate_annotations(-1, '{"reliable": 1}');
SELECT simulate_annotations(1, '[]');
SELECT simulate_annotations(1, '{}');
SELECT simulate_annotations(1, '{"relaible": 1}');
SELECT simulate_annotations(1, '{"reliable": 1.5}');
SELECT simulate_annotations(1, '{"reliable": {"accuracy": 2}}');
SELECT simulate_annotations(1, '{"spammer": {"accuracy": 0.5}}');
SELECT simulate_annotations(1, '{"hasty": [1, {"answers": "all"}]}');
SELECT simulate_annotations(1, '{"constant": {"label": "Z"}}');
SELECT simulate_annotations(1, '{"confuser": {"from": 1}}');
SELECT simulate_annotations(1, '{"copy": 1}');
SELECT simulate_annotations(1, '{"hasty": 1, "copy": {"of": "hasty 2"}}');
SELECT simulate_annotations(1, '{"team": 1}');
SELECT simulate_annotations(1, '{"team": [2, 2]}');
SELECT simulate_annotations(1, '{"hasty": 1}', '{"clases": 2}');
SELECT simulate_annotations(1, '{"hasty": 1}', '{"classes": 1}');
SELECT simulate_annotations(1, '{"hasty": 1}', '{"classes": ["a", "a"]}');
SELECT simulate_annotations(1, '{"hasty": 1}', '{"classes": 3, "shares": [1, 2]}');
SELECT simulate_annotations(1, '{"hasty": 1}', '{"shares": {"a": 1, "b": -1}}');
SELECT simulate_annotations(1, '{"hasty": 1}', '{"shares": {"a": 1, "b": 2}, "classes": 3}');
