-- dawid_skene() with restarts: what is kept, what is warned of, and options
\set VERBOSITY terse

CREATE FUNCTION pg_temp.fit(m annotator_model, OUT method text, OUT log_likelihood numeric, OUT warning text)
RETURNS SETOF record LANGUAGE sql AS
$$ SELECT method, round(log_likelihood::numeric, 2), unnest(warnings || CASE warnings WHEN '{}' THEN ARRAY['-'] END) FROM fit_report(m) $$;

-- 40 items, half of them "yes".  Annotators a to g err on one item in nine, each on
-- others; those after "honest" say the opposite.
CREATE FUNCTION pg_temp.crowd(annotators text, honest text, OUT item text, OUT annotator text, OUT label text, OUT truth text)
RETURNS SETOF record LANGUAGE sql AS
$$ SELECT 'i' || lpad(i::text, 2, '0'), j,
          (ARRAY['no', 'yes'])[1 + (i + (j > honest)::int + ((i * 7 + ascii(j) * 3) % 9 = 0)::int) % 2],
          (ARRAY['no', 'yes'])[1 + i % 2]
   FROM generate_series(1, 40) AS i, regexp_split_to_table(annotators, '') AS j $$;

-- Honest annotators: every start leads to the same
SELECT (pg_temp.fit(dawid_skene(item, annotator, label, '{"variant": "full"}'::jsonb))).* FROM pg_temp.crowd('abcdefg', 'g');
SELECT (pg_temp.fit(dawid_skene(item, annotator, label, '{"restarts": 10}'::jsonb))).* FROM pg_temp.crowd('abcdefg', 'g');

-- Three against three: vote shares say nothing, and EM stays where it begins.  A
-- restart gets away from there, but no votes say which way is right.
SELECT (pg_temp.fit(dawid_skene(item, annotator, label, '{"variant": "full"}'::jsonb))).* FROM pg_temp.crowd('abcdef', 'c');
SELECT (pg_temp.fit(dawid_skene(item, annotator, label, '{"restarts": 10}'::jsonb))).* FROM pg_temp.crowd('abcdef', 'c');
-- gold for a few items does
SELECT (pg_temp.fit(dawid_skene(item, annotator, label, CASE WHEN item < 'i09' THEN truth END, '{"restarts": 10}'::jsonb))).*
FROM pg_temp.crowd('abcdef', 'c');

-- Four against three: other weights of the annotators exchange the classes.  What
-- is kept still has the names that the majority gives.
SELECT (pg_temp.fit(dawid_skene(item, annotator, label, '{"restarts": 10}'::jsonb))).* FROM pg_temp.crowd('abcdefg', 'd');
SELECT annotator, round(accuracy::numeric, 2) AS accuracy
FROM annotators((SELECT dawid_skene(item, annotator, label, '{"restarts": 10}'::jsonb) FROM pg_temp.crowd('abcdefg', 'd')));

-- Two questions: a to c answer one, d to f another.  Either answer explains half
-- of the votes.
CREATE TEMP TABLE two AS
SELECT 'i' || lpad(i::text, 2, '0') AS item, j AS annotator,
       (ARRAY['no', 'yes'])[1 + (CASE WHEN j <= 'c' THEN i ELSE i / 2 END + ((i * 5 + ascii(j) * 11) % 13 = 0)::int) % 2] AS label
FROM generate_series(1, 40) AS i, regexp_split_to_table('abcdef', '') AS j;
SELECT (pg_temp.fit(dawid_skene(item, annotator, label, '{"variant": "full"}'::jsonb))).* FROM two;
SELECT (pg_temp.fit(dawid_skene(item, annotator, label, '{"restarts": 10}'::jsonb))).* FROM two;
-- no more so when a fourth answers the first
SELECT (pg_temp.fit(dawid_skene(item, annotator, label, '{"restarts": 10}'::jsonb))).*
FROM (SELECT * FROM two UNION ALL SELECT item, 'g', label FROM two WHERE annotator = 'a') AS v;

-- The same rows in another order, the function of a set: the same to the bit,
-- also where starts lead to different ends
SELECT seed, count(DISTINCT m::text)
FROM generate_series(0, 3) AS seed,
     LATERAL (SELECT dawid_skene(item, annotator, label, jsonb_build_object('restarts', 3, 'seed', seed) ORDER BY item, annotator) FROM two
              UNION ALL
              SELECT dawid_skene(item, annotator, label, jsonb_build_object('restarts', 3, 'seed', seed) ORDER BY md5(item || annotator)) FROM two
              UNION ALL
              SELECT dawid_skene(annotation_set(item, annotator, label ORDER BY md5(annotator || item)), jsonb_build_object('restarts', 3, 'seed', seed)) FROM two) AS v(m)
GROUP BY seed ORDER BY seed;

-- With all variants, smoothing and a model to start from
SELECT (pg_temp.fit(dawid_skene(s, jsonb_build_object('restarts', 2, 'variant', variant, 'smoothing', smoothing)))).*
FROM (SELECT annotation_set(item, annotator, label) AS s FROM pg_temp.crowd('abcdefg', 'g')) AS v,
     (VALUES ('full', 2), ('class', 0), ('one_coin', 0), ('shared', 0)) AS w(variant, smoothing);
SELECT (pg_temp.fit(dawid_skene(s, '{"restarts": 2}', dawid_skene(s)))).*
FROM (SELECT annotation_set(item, annotator, label) AS s FROM pg_temp.crowd('abcdefg', 'g')) AS v;

-- Edges: one class, one annotator, one annotation, none
SELECT (pg_temp.fit(dawid_skene(item, annotator, 'yes', '{"restarts": 2}'::jsonb))).* FROM pg_temp.crowd('ab', 'b');
SELECT (pg_temp.fit(dawid_skene(item, annotator, label, '{"restarts": 2}'::jsonb))).log_likelihood FROM pg_temp.crowd('a', 'a') LIMIT 1;
SELECT (pg_temp.fit(dawid_skene('i', 'a', 'x', '{"restarts": 2}'::jsonb))).*;
SELECT dawid_skene(item, annotator, label, '{"restarts": 2}'::jsonb) FROM two WHERE false;

-- Options
SELECT jsonb_path_query_array(m::jsonb, '$.options.restarts') || jsonb_path_query_array(m::jsonb, '$.options.seed')
FROM (SELECT dawid_skene(item, annotator, label, '{"restarts": 1, "seed": 7}'::jsonb) AS m FROM two) AS v;
\set VERBOSITY default
SELECT dawid_skene(item, annotator, label, '{"restarts": -1}'::jsonb) FROM two;
SELECT dawid_skene(item, annotator, label, '{"restarts": 1001}'::jsonb) FROM two;
SELECT dawid_skene(item, annotator, label, '{"seed": 0.5}'::jsonb) FROM two;
SELECT dawid_skene(item, annotator, label, '{"restarts": 1, "variant": "auto"}'::jsonb) FROM two;
SELECT dawid_skene(item, annotator, label, '{"restarts": 1, "variant": "majority"}'::jsonb) FROM two;
SELECT dawid_skene(item, annotator, label, label, '{"restarts": 1, "learn_from": "gold"}'::jsonb) FROM two WHERE annotator = 'a';
-- no restarts go with everything
SELECT (pg_temp.fit(dawid_skene(item, annotator, label, '{"restarts": 0, "variant": "auto"}'::jsonb))).method FROM two;
