# Comparison of values: the same value is equal and has one hash whatever way it
# came about, other values are not; joins, indexes and constraints use it.  And
# what is no value of ours, but comes as one, is an error.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use MIME::Base64;
use NoisyLabel;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('operators', <<'END');
autovacuum = off
max_parallel_workers_per_gather = 0
wal_level = logical
END

#
# Routes.  For each of some random sets of answers a value of each type, and the
# same by many ways.
#
$node->safe_psql('postgres', <<'END');
CREATE AGGREGATE matrix_log(text, text, float8) (SFUNC = confusion_matrix_accum, STYPE = confusion_matrix);
CREATE AGGREGATE set_log(text, text, text, text) (SFUNC = annotation_set_accum, STYPE = annotation_set);
CREATE AGGREGATE posterior_log(annotator_model, text, text) (SFUNC = posterior_accum, STYPE = posterior_state);
CREATE AGGREGATE posterior_joined(posterior_state) (SFUNC = posterior_combine, STYPE = posterior_state);
CREATE AGGREGATE average_log(label_distribution) (SFUNC = distribution_avg_accum, STYPE = distribution_state);
CREATE AGGREGATE product_log(label_distribution) (SFUNC = distribution_product_accum, STYPE = distribution_state);
CREATE AGGREGATE distributions_joined(distribution_state) (SFUNC = distribution_state_combine, STYPE = distribution_state);
CREATE AGGREGATE counts_log(text, label_distribution, text) (SFUNC = annotator_counts_accum, STYPE = annotator_counts);
CREATE AGGREGATE counts_joined(annotator_counts) (SFUNC = annotator_counts_combine, STYPE = annotator_counts);
CREATE AGGREGATE calibration_log(text, label_distribution) (SFUNC = calibration_state_accum, STYPE = calibration_state);
CREATE AGGREGATE calibration_joined(calibration_state) (SFUNC = calibration_state_combine, STYPE = calibration_state);
CREATE AGGREGATE score_log(boolean, float8, float8) (SFUNC = score_set_accum, STYPE = score_set);
CREATE AGGREGATE training_log(text, float8[], float8) (SFUNC = training_set_accum, STYPE = training_set);
CREATE AGGREGATE soft_log(label_distribution, float8[]) (SFUNC = training_set_accum, STYPE = training_set);
CREATE AGGREGATE prediction_log(text, label_distribution) (SFUNC = prediction_set_accum, STYPE = prediction_set);
CREATE AGGREGATE item_log(text, text, text, label_distribution) (SFUNC = prediction_set_accum, STYPE = prediction_set);
CREATE AGGREGATE predictions_joined(prediction_set) (SFUNC = prediction_set_combine, STYPE = prediction_set);
CREATE AGGREGATE crowd_log(item text, annotator text, label text, features float8[], gold text) (SFUNC = crowd_rows_accum, STYPE = crowd_rows);
CREATE AGGREGATE crowds_joined(crowd_rows) (SFUNC = crowd_rows_combine, STYPE = crowd_rows);
CREATE AGGREGATE training_joined(training_set) (SFUNC = training_set_combine, STYPE = training_set);
-- numbers without a pattern, the same on every version
CREATE FUNCTION pick(seed text, n int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT ('x' || left(md5(seed), 7))::bit(28)::int % n $$;
-- few rows and many, numbers and words as labels, gold, weights of 0 and -0; the same row again
CREATE TABLE answers AS
SELECT g, i, 'item ' || pick(g || 'i' || i, 5 + n / 4) AS item, 'annotator ' || pick(g || 'a' || i, 3 + n / 20) AS annotator,
       (CASE WHEN g % 2 = 0 THEN '' ELSE 'é' END) || pick(g || 'l' || i, 12) AS label,
       (CASE WHEN g % 2 = 0 THEN '' ELSE 'é' END) || pick(g || 't' || i, 12) AS truth,
       CASE pick(g || 'w' || i, 4) WHEN 0 THEN '-0'::float8 ELSE pick(g || 'w' || i, 4) END AS weight,
       ARRAY[pick(g || 'x' || i, 3) - 1, '-0', pick(g || 'y' || i, 1000) / 8.0]::float8[] AS features
FROM (VALUES (1, 4), (2, 4), (3, 30), (4, 30), (5, 900), (6, 900)) AS v(g, n), generate_series(1, n) AS i
UNION ALL SELECT 7, i, 'item', 'annotator', 'x', 'x', 1, ARRAY[0, 1, 2] FROM generate_series(1, 2) AS i;
ALTER TABLE answers ADD gold text, ADD soft label_distribution;
UPDATE answers SET gold = CASE WHEN pick(item, 4) = 0 THEN (SELECT min(label) FROM answers AS b WHERE b.g = answers.g) END,
       soft = CASE WHEN label = truth THEN label_distribution(ARRAY[label], '{1}') WHEN i % 2 = 0 THEN label_distribution(ARRAY[label, truth], '{0.25,0.75}')
              ELSE label_distribution(ARRAY[truth, label, 'z'], '{0.75,0.25,-0.0}') END;
CREATE TABLE model AS SELECT g, dawid_skene(item, annotator, label, gold) AS m FROM answers GROUP BY g;
CREATE TABLE made (type text, g int, route text, cm confusion_matrix, d label_distribution, s annotation_set, m annotator_model,
	c classifier, ps posterior_state, ds distribution_state, ac annotator_counts, ts training_set, pr prediction_set, ss score_set, cs calibration_state, cr crowd_rows, cw crowd_model);
END

my %state = (ps => 'posterior_state', ds => 'distribution_state', ac => 'annotator_counts', ts => 'training_set', pr => 'prediction_set', cs => 'calibration_state', cr => 'crowd_rows');
my %type = (cm => 'confusion_matrix', d => 'label_distribution', s => 'annotation_set', m => 'annotator_model', c => 'classifier', ss => 'score_set', cw => 'crowd_model', %state);
# By which rows; %s is the order
my %by_rows = (
	cm => [ 'annotator_confusion(truth, label, weight ORDER BY %s)', 'matrix_log(truth, label, weight ORDER BY %s)' ],
	d => [ 'posterior((SELECT model.m FROM model WHERE model.g = answers.g), annotator, label ORDER BY %s)' ],
	s => [ 'annotation_set(item, annotator, label, gold ORDER BY %s)', 'set_log(item, annotator, label, gold ORDER BY %s)' ],
	m => [ 'dawid_skene(item, annotator, label, gold ORDER BY %s)', 'dawid_skene(annotation_set(item, annotator, label, gold ORDER BY %s))' ],
	c => [ q[logistic_regression(label, features, weight, '{"max_iterations": 1000, "l2": 1}'::jsonb ORDER BY %s)],
		q[logistic_regression(label, features, weight, '{"l2": 1.0, "max_iterations": 1e3}'::jsonb ORDER BY %s)] ],
	ps => [ 'posterior_log((SELECT model.m FROM model WHERE model.g = answers.g), annotator, label ORDER BY %s)' ],
	ds => [ 'average_log(soft ORDER BY %s)' ],
	ac => [ 'counts_log(annotator, soft, label ORDER BY %s)' ],
	ss => [ 'score_set(truth = label, -features[3], weight / 3 + 0.1 ORDER BY %s)', 'score_log(truth = label, -features[3], weight / 3 + 0.1 ORDER BY %s)' ],
	cs => [ 'calibration_log(truth, soft ORDER BY %s)' ],
	ts => [ 'training_log(label, features, weight ORDER BY %s)' ],
	cr => [ 'crowd_log(item, annotator, label, ARRAY[length(item), hashtext(item) % 7, \'-0\']::float8[], gold ORDER BY %s)' ],
	cw => [ q[learn_from_crowds(item, annotator, label, ARRAY[length(item), hashtext(item) % 7, '-0']::float8[], gold, '{"l2": 1, "rounds": 1}'::jsonb ORDER BY %s)] ],
	pr => [ 'prediction_log(label, soft ORDER BY %s)' ]);
for my $type (sort keys %by_rows)
{
	# a classifier needs two classes with a weight
	my $groups = $type eq 'c' ? 'WHERE g BETWEEN 3 AND 6' : '';
	for my $make (@{ $by_rows{$type} })
	{
		for my $order ('i', '-i', 'label, i', 'md5(i::text)')
		{
			# rows that differ in their place only
			my $call = $make =~ s/%s/$order/r;
			$node->safe_psql('postgres', "INSERT INTO made (type, g, route, $type) SELECT '$type', g, \$\$$call\$\$, $call FROM answers $groups GROUP BY g");
		}
	}
}
# the sum of the parts, by hand in a variable (expanded), and with a set for a row
$node->safe_psql('postgres', <<'END');
INSERT INTO made (type, g, route, cm) SELECT 'cm', g, 'sum', sum(cm) FROM (SELECT g, annotator_confusion(truth, label, weight) AS cm FROM answers GROUP BY g, i % 3) AS p GROUP BY g;
INSERT INTO made (type, g, route, s) SELECT 's', g, 'sum', sum(s) FROM (SELECT g, annotation_set(item, annotator, label, gold) AS s FROM answers GROUP BY g, i % 3) AS p GROUP BY g;
INSERT INTO made (type, g, route, ps) SELECT 'ps', g, 'joined', posterior_joined(ps) FROM (SELECT g, posterior_log((SELECT m FROM model WHERE model.g = answers.g), annotator, label) AS ps FROM answers GROUP BY g, i % 3) AS p GROUP BY g;
INSERT INTO made (type, g, route, ds) SELECT 'ds', g, 'joined', distributions_joined(ds) FROM (SELECT g, average_log(soft) AS ds FROM answers GROUP BY g, i % 3) AS p GROUP BY g;
INSERT INTO made (type, g, route, ds) SELECT 'ds', 10 + g, 'product', product_log(soft ORDER BY i) FROM answers GROUP BY g;
INSERT INTO made (type, g, route, ds) SELECT 'ds', 10 + g, 'product back', product_log(soft ORDER BY -i) FROM answers GROUP BY g;
INSERT INTO made (type, g, route, ds) SELECT 'ds', 10 + g, 'product joined', distributions_joined(ds) FROM (SELECT g, product_log(soft) AS ds FROM answers GROUP BY g, i % 3) AS p GROUP BY g;
INSERT INTO made (type, g, route, ac) SELECT 'ac', g, 'joined', counts_joined(ac) FROM (SELECT g, counts_log(annotator, soft, label) AS ac FROM answers GROUP BY g, i % 3) AS p GROUP BY g;
INSERT INTO made (type, g, route, ss) SELECT 'ss', g, 'sum', sum(ss) FROM (SELECT g, score_set(truth = label, -features[3], weight / 3 + 0.1) AS ss FROM answers GROUP BY g, i % 3) AS p GROUP BY g;
INSERT INTO made (type, g, route, ss) SELECT 'ss', 10 + g, 'counts', score_set(truth = label, -features[3], weight) FROM answers WHERE g > 1 GROUP BY g;
INSERT INTO made (type, g, route, ss) SELECT 'ss', 10 + g, 'counts back', score_log(truth = label, -features[3], weight ORDER BY -i) FROM answers WHERE g > 1 GROUP BY g;
INSERT INTO made (type, g, route, ss) SELECT 'ss', 10 + g, 'repeats', score_set(truth = label, -features[3]) FROM answers, generate_series(1, weight::int) WHERE g > 1 GROUP BY g;
INSERT INTO made (type, g, route, ss) SELECT 'ss', 10 + g, 'sum of counts', sum(ss ORDER BY -i) FROM (SELECT g, i, score_set(truth = label, -features[3], weight) AS ss FROM answers GROUP BY g, i) AS p WHERE g > 1 GROUP BY g;
INSERT INTO made (type, g, route, cs) SELECT 'cs', g, 'joined', calibration_joined(cs) FROM (SELECT g, calibration_log(truth, soft) AS cs FROM answers GROUP BY g, i % 3) AS p GROUP BY g;
INSERT INTO made (type, g, route, cr) SELECT 'cr', g, 'joined', crowds_joined(cr) FROM (SELECT g, crowd_log(item, annotator, label, ARRAY[length(item), hashtext(item) % 7, '-0']::float8[], gold) AS cr FROM answers GROUP BY g, i % 3) AS p GROUP BY g;
INSERT INTO made (type, g, route, ts) SELECT 'ts', g, 'joined', training_joined(ts) FROM (SELECT g, training_log(label, features, weight) AS ts FROM answers GROUP BY g, i % 3) AS p GROUP BY g;
INSERT INTO made (type, g, route, pr) SELECT 'pr', g, 'joined', predictions_joined(pr) FROM (SELECT g, prediction_log(label, soft) AS pr FROM answers GROUP BY g, i % 3) AS p GROUP BY g;
INSERT INTO made (type, g, route, pr) SELECT 'pr', 10 + g, 'items', item_log(item, annotator, label, soft ORDER BY i) FROM answers GROUP BY g;
INSERT INTO made (type, g, route, pr) SELECT 'pr', 10 + g, 'items back', item_log(item, annotator, label, soft ORDER BY -i) FROM answers GROUP BY g;
INSERT INTO made (type, g, route, pr) SELECT 'pr', 10 + g, 'items joined', predictions_joined(pr) FROM (SELECT g, item_log(item, annotator, label, soft) AS pr FROM answers GROUP BY g, i % 3) AS p GROUP BY g;
INSERT INTO made (type, g, route, ts) SELECT 'ts', 10 + g, 'soft', soft_log(soft, features ORDER BY i) FROM answers GROUP BY g;
INSERT INTO made (type, g, route, ts) SELECT 'ts', 10 + g, 'soft back', soft_log(soft, features ORDER BY -i) FROM answers GROUP BY g;
INSERT INTO made (type, g, route, ts) SELECT 'ts', 10 + g, 'soft joined', training_joined(ts) FROM (SELECT g, soft_log(soft, features) AS ts FROM answers GROUP BY g, i % 3) AS p GROUP BY g;
DO $$
DECLARE
	cm confusion_matrix;
	s annotation_set;
	ds distribution_state;
	ac annotator_counts;
	ts training_set;
	ss score_set;
	cs calibration_state;
	r record;
BEGIN
	FOR n IN 1 .. 7 LOOP
		cm := NULL; s := NULL; ds := NULL; ac := NULL; ts := NULL; ss := NULL; cs := NULL;
		FOR r IN SELECT * FROM answers WHERE g = n ORDER BY -i LOOP
			cm := confusion_matrix_accum(cm, r.truth, r.label, r.weight);
			s := annotation_set_accum(s, r.item, r.annotator, r.label, r.gold);
			ds := distribution_avg_accum(ds, r.soft);
			ac := annotator_counts_accum(ac, r.annotator, r.soft, r.label);
			ts := training_set_accum(ts, r.label, r.features, r.weight);
			ss := score_set_accum(ss, r.truth = r.label, -r.features[3], r.weight / 3 + 0.1);
			cs := calibration_state_accum(cs, r.truth, r.soft);
		END LOOP;
		-- while they are still expanded
		IF cm <> (SELECT made.cm FROM made WHERE type = 'cm' AND g = n LIMIT 1) OR s <> (SELECT made.s FROM made WHERE type = 's' AND g = n LIMIT 1) OR
			ts <> (SELECT made.ts FROM made WHERE type = 'ts' AND g = n LIMIT 1) OR ss <> (SELECT made.ss FROM made WHERE type = 'ss' AND g = n LIMIT 1) OR
			ac <> (SELECT made.ac FROM made WHERE type = 'ac' AND g = n LIMIT 1) THEN
			RAISE 'an expanded value is another';
		END IF;
		INSERT INTO made (type, g, route, cm) VALUES ('cm', n, 'by hand', cm);
		INSERT INTO made (type, g, route, s) VALUES ('s', n, 'by hand', s);
		INSERT INTO made (type, g, route, ds) VALUES ('ds', n, 'by hand', ds);
		INSERT INTO made (type, g, route, ac) VALUES ('ac', n, 'by hand', ac);
		INSERT INTO made (type, g, route, ts) VALUES ('ts', n, 'by hand', ts);
		INSERT INTO made (type, g, route, ss) VALUES ('ss', n, 'by hand', ss);
		INSERT INTO made (type, g, route, cs) VALUES ('cs', n, 'by hand', cs);
	END LOOP;
END $$;
END
# text, binary, jsonb, TOAST out of line and compressed, and as parts of others
my $files = PostgreSQL::Test::Utils::tempdir();
for my $type (sort keys %type)
{
	my $first = "FROM made WHERE type = '$type' AND route NOT LIKE '% of %'";
	my $own = $type{$type};
	my $sql = "INSERT INTO made (type, g, route, $type) SELECT type, g, 'text of ' || route, $type\::text::$own $first;\n";
	for my $format ('text', 'binary')
	{
		$sql .= "CREATE TABLE copied (LIKE made); COPY (SELECT type, g, '$format of ' || route, cm, d, s, m, c, ps, ds, ac, ts, pr, ss, cs, cr, cw $first) TO '$files/copy' (FORMAT $format);"
		  . "COPY made FROM '$files/copy' (FORMAT $format); DROP TABLE copied;\n";
	}
	for my $storage ('plain', 'external', 'extended', 'main')
	{
		$sql .= "CREATE TABLE kept (g int, route text, v $own); ALTER TABLE kept ALTER v SET STORAGE $storage; INSERT INTO kept SELECT g, route, $type $first"
		  . ($storage eq 'plain' ? " AND pg_column_size($type) < 4000" : '')
		  . "; INSERT INTO made (type, g, route, $type) SELECT '$type', g, '$storage of ' || route, v FROM kept; DROP TABLE kept;\n";
	}
	$sql .= "INSERT INTO made (type, g, route, $type) SELECT type, g, 'array of ' || route, (ARRAY[NULL, $type])[2] $first;\n";
	$sql .= "INSERT INTO made (type, g, route, $type) SELECT type, g, 'jsonb of ' || route, $type\::jsonb::text::$own $first;\n" if $type =~ /^(cm|d|m|c)$/;
	$node->safe_psql('postgres', $sql);
}
for my $type (sort keys %type)
{
	my ($row) = rows($node, <<"END");
WITH g AS (SELECT g, count(*), count(DISTINCT $type) AS sorted, count(DISTINCT ${type}_hash) AS hashes, count(DISTINCT ${type}_hash_extended) AS longer
	FROM (SELECT g, $type, $type{$type}_hash($type) AS ${type}_hash, $type{$type}_hash_extended($type, 5) AS ${type}_hash_extended FROM made WHERE type = '$type') AS h GROUP BY g)
SELECT count(*), min(count), max(sorted), max(hashes), max(longer), (SELECT count(*) FROM (SELECT $type FROM made WHERE type = '$type' GROUP BY $type OFFSET 0) AS d),
	(SELECT count(*) FROM (SELECT DISTINCT $type\::text FROM made WHERE type = '$type' AND route NOT LIKE '% of %' AND type NOT IN ('ts', 'pr')) AS d) FROM g
END
	my ($groups, $ways, $sorted, $hashes, $longer, $all, $texts) = @$row;
	cmp_ok($ways, '>', 20, "$type{$type}: $groups values, each by $ways ways or more");
	is("$sorted $hashes $longer", '1 1 1', "$type{$type}: they are equal and have one hash");
	is($all, $groups, "$type{$type}: and differ from each other");
	is($texts, $groups, "$type{$type}: as their texts do") if $type !~ /^(ts|pr)$/;
	is(value($node, <<"END"), 't', "$type{$type}: the order is one");
SELECT bool_and((a.v < b.v) = (b.v > a.v) AND (a.v <= b.v) = (a.v < b.v OR a.v = b.v) AND (a.v = b.v) = (NOT a.v <> b.v) AND
	$type{$type}_cmp(a.v, b.v) = - $type{$type}_cmp(b.v, a.v) AND (NOT (a.v <= b.v AND b.v <= c.v) OR a.v <= c.v))
FROM (SELECT DISTINCT $type AS v FROM made WHERE type = '$type') AS a, (SELECT DISTINCT $type AS v FROM made WHERE type = '$type') AS b,
	(SELECT DISTINCT $type AS v FROM made WHERE type = '$type') AS c
END
	is(value($node, "SELECT bool_and($type{$type}_hash_extended($type, 0) & 4294967295 = $type{$type}_hash($type)::bigint & 4294967295) FROM made WHERE type = '$type'"),
		't', "$type{$type}: both hashes agree");
}

# A state whose sender orders classes otherwise (by another encoding's bytes)
my $model = q({"method": "by hand", "options": {}, "fit": {"items": 1, "annotations": 1, "gold_items": 0, "gold_weight": 1, "iterations": 1,
	"converged": true, "log_likelihood": -1, "stopped_by": "hand", "truths_given": true, "majority_disagreement": null, "warnings": []}, "voices": {"of": "answers", "groups": [], "correlation": 0, "gold_items": 0, "teaching_items": 0}, "labels": ["p", "q"], "annotators": ["a"], "components": [{"variant": "full", "weight": 1,
	"prior": [0.25, 0.75], "pool": [[0.5, 0.5], [0.5, 0.5]], "confusion": [[[1, 0], [0.125, 0.875]]]}], "annotations": [1], "gold_annotations": [0], "notes": {}, "counts": [[[1, 0], [0, 0]]], "variances": [[[0, 0], [0, 0]]]});
my $sent = value($node, "SELECT posterior_log('$model', 'a', 'q')::text");
my ($prefix, $base64) = $sent =~ /^(\w+:\d+:)(.*)$/s;
my @part = unpack('a10 a4 a5 a5 a12 a12 a12 a12 a12 a*', decode_base64($base64));
my $swapped = $prefix . encode_base64(join('', @part[ 0, 1, 3, 2, 4, 6, 5, 8, 7, 9 ]), '');
isnt($swapped, $sent, 'a state with its classes in another order');
is(value($node, "SELECT '$swapped'::posterior_state = '$sent'"), 't', 'is the same state');
is(value($node, "SELECT posterior_final('$swapped')::text"), '{"p": 0, "q": 1}', 'and has the same posterior');

#
# Plans
#
$node->safe_psql('postgres', <<'END');
CREATE TABLE small AS SELECT n, label_distribution(ARRAY['a', 'b'], ARRAY[n / 1000.0, 1 - n / 1000.0]) AS d FROM generate_series(1, 1000) AS n;
ANALYZE small;
END
sub plan_of
{
	my ($set, $query) = @_;
	return join "\n", map { $_->[0] } rows($node, "$set; EXPLAIN (COSTS OFF) $query");
}
like(plan_of('SET enable_mergejoin = off; SET enable_nestloop = off', 'SELECT * FROM small AS a JOIN small AS b USING (d)'), qr/Hash Join/, 'a join is planned as a hash join');
like(plan_of('SET enable_hashjoin = off; SET enable_nestloop = off', 'SELECT * FROM small AS a JOIN small AS b USING (d)'), qr/Merge Join/, 'and as a merge join');
like(plan_of('', 'SELECT d FROM small GROUP BY d'), qr/HashAggregate/, 'a group is planned as a hash aggregate');
$node->safe_psql('postgres', 'CREATE INDEX hashed ON small USING hash (d)');
like(plan_of('', q(SELECT * FROM small WHERE d = '{"a": 0.5, "b": 0.5}')), qr/using hashed|on hashed/, 'a hash index is used');
is(value($node, q(SELECT n FROM small WHERE d = '{"b": 0.5, "a": 0.5}')), 500, 'and finds the row');
$node->safe_psql('postgres', 'DROP INDEX hashed; CREATE UNIQUE INDEX sorted ON small (d)');
like(plan_of('', q(SELECT * FROM small WHERE d = '{"a": 0.5, "b": 0.5}')), qr/using sorted/, 'a btree index is used');
like(plan_of('SET enable_sort = off; SET enable_seqscan = off', 'SELECT d FROM small ORDER BY d'), qr/using sorted/, 'and for its order');
is(value($node, q(SELECT count(*) FROM (SELECT d, lag(d) OVER (ORDER BY d) AS before FROM small) AS s WHERE before >= d)), 0, 'which is that of sorts');

# A key like others: hash partitions, replica identity, concurrent refresh
$node->safe_psql('postgres', <<'END');
CREATE TABLE hashed (d label_distribution NOT NULL UNIQUE, n int) PARTITION BY HASH (d);
CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO hashed SELECT d, n FROM small;
CREATE PUBLICATION p FOR TABLE small;
ALTER TABLE small ALTER d SET NOT NULL;
ALTER TABLE small REPLICA IDENTITY USING INDEX sorted;
UPDATE small SET n = -n;
CREATE MATERIALIZED VIEW seen AS SELECT d, confusion_matrix_accum(NULL, 'a', 'b', n) AS cm, n FROM hashed;
CREATE UNIQUE INDEX ON seen (d);
UPDATE hashed SET n = 2000 WHERE d = '{"a": 0.5, "b": 0.5}';
REFRESH MATERIALIZED VIEW CONCURRENTLY seen;
END
is(value($node, q(SELECT (SELECT count(*) > 0 FROM hashed_0) AND (SELECT count(*) > 0 FROM hashed_1) AND n = 2000 FROM hashed WHERE d = '{"a": 0.5, "b": 0.5}')), 't', 'hash partitions');
is(value($node, q(SELECT accuracy(cm) || ' ' || total(cm) FROM seen WHERE d = '{"a": 0.5, "b": 0.5}')), '0 2000', 'a materialized view is refreshed concurrently');

# PostgreSQL's own error for what no btree page takes; a hash index does
my $err;
$node->psql('postgres', 'CREATE TABLE wide AS SELECT annotator_confusion(i, i) AS cm FROM generate_series(1, 60) AS i; CREATE INDEX ON wide USING hash (cm);'
	  . 'ALTER TABLE wide ALTER cm SET STORAGE external; UPDATE wide SET cm = cm + cm; CREATE INDEX ON wide (cm)', stderr => \$err);
like($err, qr/index row (size \d+ exceeds|requires \d+ bytes, maximum size is)/, 'a value that is too large for a btree page');

# Sorts compare what is compressed again and again, and keep nothing of it.
my $peak = value($node, <<'END');
CREATE TABLE compressed AS SELECT confusion_matrix_accum(NULL, 'label ' || n, 'x', n) + (SELECT annotator_confusion(i, i) FROM generate_series(1, 70) AS i) AS cm FROM generate_series(1001, 3000) AS n;
SELECT count(*) FROM (SELECT cm FROM compressed ORDER BY cm OFFSET 0) AS s;
SELECT (regexp_match(pg_read_file('/proc/' || pg_backend_pid() || '/status'), 'VmHWM:\s+(\d+)'))[1]::bigint;
END
cmp_ok($peak, '<', 256 * 1024, 'sorting 2000 compressed values of 40 kB takes less than 256 MB');

#
# Expanded objects of another type, ours or not, where a value is expected: a cast
# without a function passes them on as they are, and so does a function that says
# that it returns what it does not.
#
my %reader = (annotation_set => [ 'annotation_summary(%)', '% + %', "annotation_set_accum(%, 'i', 'a', 'b')", 'sum(%)', 'dawid_skene(%)' ],
	confusion_matrix => [ 'accuracy(%)', '% + %', "confusion_matrix_accum(%, 'i', 'a')", 'sum(%)', 'smooth(%, %, 1)' ],
	prediction_set => [ '%::text', q(prediction_set_accum(%, 'i', '{"i": 1}')), 'predictions_joined(%)', 'confident_joint_final(%)' ],
	training_set => [ '%::text', "training_set_accum(%, 'i', ARRAY[1, 2])", 'training_joined(%)', 'logistic_regression_final(%)' ],
	annotator_model => [ 'class_prior(%)', "posterior_log(%, 'a', 'b')" ], classifier => [ 'labels(%)', 'predict(%, ARRAY[1])' ],
	label_distribution => [ 'entropy(%)', 'avg(%)', 'product(%)', 'combine(%, %)', 'temper(%, 2)' ],
	annotator_counts => [ 'learn_annotators_final(%)', 'counts_joined(%)', q[annotator_counts_accum(%, 'a', 'x', 'y')] ],
	distribution_state => [ 'distribution_state_final(%)', 'distributions_joined(%)', q[distribution_avg_accum(%, '{"a": 1}')] ], posterior_state => [ 'posterior_final(%)', 'posterior_joined(%)' ],
	score_set => [ 'ranking_report(%)', '% + %', 'score_set_accum(%, true, 1)', 'sum(%)', 'acceptance(%, 0.9)', 'calibration(%)' ],
	crowd_rows => [ '%::text', 'crowds_joined(%)', 'learn_from_crowds_final(%)' ], crowd_model => [ 'labels(%)', 'annotator_model(%)', 'classifier(%)', 'fit_report(%)' ],
	calibration_state => [ 'calibration_final(%)', q[calibration_state_accum(%, 'a', '{"a": 1}')], 'calibration_joined(%)' ]);
# (random() because constants are flat)
my %expanded = (confusion_matrix => q(confusion_matrix_accum(NULL, 'a' || random(), 'b')),
	annotation_set => q(annotation_set_accum(NULL, 'i', 'a' || random(), 'b')), training_set => q(training_set_accum(NULL, 'a', ARRAY[1, random()])),
	prediction_set => q(prediction_set_accum(NULL, 'a' || random(), '{"a": 1}')),
	score_set => q(score_set_accum(NULL, true, random())),
	crowd_rows => q(crowd_rows_accum(NULL, 'a' || random(), 'b', 'c', '{1}')));

# each of the calls must say that this is not a value of the type
sub check_refused
{
	my ($name, $value, @calls) = @_;
	my @wrong;
	for my $call (@calls)
	{
		my $expression = $call =~ s/%/$value/gr;
		my $error = '';
		$node->psql('postgres', "\\set VERBOSITY verbose\nSELECT $expression", stderr => \$error);
		push @wrong, "$call: $error" unless $error =~ /XX001: stored value is not (a valid \w+|of a type of noisylabel)\n/;
	}
	is("@wrong", '', $name);
	return;
}
for my $to (sort keys %reader)
{
	my @calls = (@{ $reader{$to} }, "$to\_send(%)");
	for my $from (grep { $_ ne $to } sort keys %expanded)
	{
		$node->safe_psql('postgres', "CREATE CAST ($from AS $to) WITHOUT FUNCTION");
		check_refused("an expanded $from as $to", "$expanded{$from}\::$to", @calls);
		$node->safe_psql('postgres', "DROP CAST ($from AS $to)");
	}
	$node->safe_psql('postgres', "CREATE FUNCTION fake_$to(float8[], float8) RETURNS $to LANGUAGE internal AS 'array_append'");
	check_refused("an expanded array as $to", "fake_$to('{1}', 2)", @calls, '% = %', '% < %', "$to\_hash(%)", '%::json', '%::jsonb', 'to_jsonb(%)');
}

log_is_clean($node);
$node->stop;
done_testing();
