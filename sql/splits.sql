-- Parts of the data, and coarser labels

-- The hash, as it is on every version and machine
SELECT key, split_of(key, '{"train": 0.8, "validation": 0.1, "test": 0.1}'), split_of(key, '{"train": 0.8, "validation": 0.1, "test": 0.1}', 7) AS seed_7
FROM (VALUES ('item 1'), ('item 2'), ('item 3'), ('item 4'), ('item 5'), ('item 6'), ('item 7'), ('item 8'), ('')) AS v(key) ORDER BY key;
SELECT split_of(17, '{"a": 0.5, "b": 0.5}') = split_of('17', '{"a": 0.5, "b": 0.5}') AS by_text, split_of(NULL::text, '{"a": 1}') IS NULL AS no_key,
	   split_of('x', '{"only": 1}'), split_of('x', '{"a": 0.333333, "b": 0.333333, "c": 0.333334}') IS NOT NULL AS thirds;
SELECT s, count(*) FROM (SELECT split_of(i, '{"train": 0.8, "validation": 0.1, "test": 0.1}') AS s FROM generate_series(1, 100000) AS i) AS x GROUP BY s ORDER BY s;
-- two seeds are as good as independent
SELECT count(*) FROM generate_series(1, 100000) AS i WHERE split_of(i, '{"a": 0.5, "b": 0.5}', 1) = split_of(i, '{"a": 0.5, "b": 0.5}', 2);
SELECT split_of('x', '{"a": 0.5, "b": 0.6}');
SELECT split_of('x', '{"a": 1.5, "b": -0.5}');
SELECT split_of('x', '{"a": "half", "b": 0.5}');
SELECT split_of('x', '[0.5, 0.5]');
SELECT split_of('x', '{}');

-- Even splits, of rows and of groups of ten; no group is in two
CREATE TEMP TABLE row AS SELECT i AS id, i / 10 AS item, CASE WHEN i % 7 < 3 THEN 'x' WHEN i % 7 < 6 THEN 'y' END AS label FROM generate_series(1, 1000) AS i;
SELECT label, s, count(*) FROM (SELECT label, stratified_split(label, id, '{"train": 0.7, "validation": 0.1, "test": 0.2}') OVER () AS s FROM row) AS x GROUP BY 1, 2 ORDER BY 1, 2;
SELECT label, s, count(*) FROM (SELECT label, stratified_split(label, item, '{"train": 0.7, "validation": 0.1, "test": 0.2}', 3) OVER () AS s FROM row) AS x GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) AS torn FROM (SELECT item FROM (SELECT item, stratified_split(label, item, '{"train": 0.7, "test": 0.3}') OVER () AS s FROM row) AS x GROUP BY item HAVING count(DISTINCT s) > 1) AS y;
-- the same in any order; another with another seed
SELECT count(*) FILTER (WHERE a = b) AS same, count(*) FILTER (WHERE a = c) < 900 AS other
FROM (SELECT id, stratified_split(label, item, '{"train": 0.7, "test": 0.3}') OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS a,
			 stratified_split(label, item, '{"train": 0.7, "test": 0.3}') OVER (ORDER BY -id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS b,
			 stratified_split(label, item, '{"train": 0.7, "test": 0.3}', 1) OVER () AS c FROM row) AS x;
-- each partition by itself; nothing in an empty one
SELECT g, s, count(*) FROM (SELECT id % 2 AS g, stratified_split(label, id, '{"train": 0.5, "test": 0.5}') OVER (PARTITION BY id % 2) AS s FROM row) AS x GROUP BY 1, 2 ORDER BY 1, 2;
SELECT stratified_split(label, id, '{"train": 0.5, "test": 0.5}') OVER () FROM row WHERE false;
SELECT stratified_split(label, NULL::text, '{"train": 0.5, "test": 0.5}') OVER () FROM row;
SELECT stratified_split(label, id, NULL) OVER () FROM row;

-- Coarser labels
CREATE TEMP TABLE taxonomy AS SELECT '{"poodle": "dog", "beagle": "dog", "dog": "animal", "tabby": "cat", "cat": "animal", "car": null}'::jsonb AS parents;
SELECT label, to_parent(label, parents, 0) AS same, to_parent(label, parents) AS parent, to_parent(label, parents, 2) AS two_up, to_parent(label, parents, 100) AS top
FROM taxonomy, unnest('{poodle,dog,animal,car,tabby}'::text[]) AS label ORDER BY label;
SELECT to_parent(3, '{"3": "odd"}'), to_parent(true, '{"true": "yes"}'), to_parent(NULL::text, '{}') IS NULL AS no_label;
SELECT to_parent('{"poodle": 0.5, "beagle": 0.25, "tabby": 0.25}'::label_distribution, parents),
	   to_parent('{"labels": ["poodle", "beagle", "tabby"], "counts": [[1, 2, 3], [4, 5, 6], [7, 8, 9]]}'::confusion_matrix, parents) FROM taxonomy;
SELECT to_parent(s, parents) = t AS equal, labels(to_parent(s, parents)), (annotation_summary(to_parent(s, parents))).annotations
FROM taxonomy, (SELECT annotation_set(i, a, l, g) AS s, annotation_set(i, a, CASE l WHEN 'tabby' THEN 'cat' ELSE 'dog' END, 'dog'::text) AS t
				FROM (VALUES ('i', 'ann', 'poodle', 'poodle'), ('i', 'bob', 'beagle', 'poodle'), ('i', 'bob', 'tabby', 'poodle'), ('j', 'bob', 'tabby', NULL)) AS v(i, a, l, g) WHERE i = 'i') AS x;
SELECT to_parent('rose', parents) FROM taxonomy;
SELECT to_parent('{"rose": 1}'::label_distribution, parents) FROM taxonomy;
SELECT to_parent('poodle', parents, -1) FROM taxonomy;
SELECT to_parent('a', '{"a": "b", "b": "c", "c": "b"}');
SELECT to_parent('a', '{"a": 1}');
SELECT to_parent('a', '["a"]');
