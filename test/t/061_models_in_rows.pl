# Models as arguments of functions that are called for each row: what the cache
# of posterior() and of predict() keeps stays below the memory limit; a query
# whose sorted rows would carry copies of a large model says so, and stops
# before it has filled the disk; the forms that the documentation shows carry
# none.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use Test::More;

my $node = new_node('models', "max_parallel_workers_per_gather = 0\nwork_mem = 4MB\n");

# Models of 200 annotators and 30 classes (4.3 MB, and 2.9 MB to score with);
# classifiers of 20,000 features and three classes (0.5 MB).
my $fit = q(dawid_skene(item, annotator, label, '{"variant": "full", "smoothing": 1, "max_iterations": 2}'::jsonb));
$node->safe_psql('postgres', <<"END");
CREATE TABLE annotation AS
SELECT m, item, 'annotator ' || (item * 7 + j * 31) % 200 AS annotator,
       'class ' || CASE WHEN hashint4(item * 10 + j + m * 100000) % 3 > 0 THEN item ELSE item + j END % 30 AS label
FROM generate_series(0, 7) AS m, generate_series(1, 600) AS item, generate_series(1, 5) AS j;
CREATE TABLE fitted AS SELECT m, $fit AS model FROM annotation GROUP BY m;
CREATE TABLE example AS
SELECT i, 'class ' || i % 3 AS label,
       (SELECT array_agg((i * 79 * j) % 101 / 101.0::float8 + CASE WHEN j % 3 = i % 3 THEN 0.1 ELSE 0 END ORDER BY j)
        FROM generate_series(1, 20000) AS j) AS features
FROM generate_series(1, 30) AS i;
CREATE TABLE learned AS
SELECT m, logistic_regression(label, features, jsonb_build_object('l2', 1 + m)) AS classifier
FROM generate_series(0, 7) AS m, example GROUP BY m;
ANALYZE;
-- largest memory the backend ever had, in kB
CREATE FUNCTION peak() RETURNS bigint LANGUAGE sql AS \$\$
	SELECT (regexp_match(pg_read_file('/proc/' || pg_backend_pid() || '/status'), 'VmHWM:\\s+(\\d+)'))[1]::bigint
\$\$;
END
cmp_ok(value($node, 'SELECT min(length(model::text)) FROM fitted'), '>', 1e6, 'models are large');

#
# The cache.  Models take turns, row by row.
#
my %turns = (
	posterior => 'SELECT m, item AS i, posterior(model, annotator, label)::text AS p FROM (SELECT item, annotator, label, f.* FROM annotation AS a JOIN fitted AS f ON f.m <= %d WHERE a.m = 0 AND item <= 20 ORDER BY item, annotator, f.m OFFSET 0) AS v GROUP BY 1, 2',
	predict => 'SELECT m, i, predict(classifier, features)::text AS p FROM (SELECT * FROM example, learned WHERE m <= %d ORDER BY i, m OFFSET 0) AS v');

# Rows and sum of a query of eight models, with a limit, and how much the backend
# grows in kB when it has run the same with one model.
sub run_turns
{
	my ($query, $limit) = @_;
	my ($one, $all) = map { sprintf("SELECT count(*), md5(string_agg(v::text, ';' ORDER BY m, i)) FROM ($query) AS v", $_) } 0, 7;
	return @{ (rows($node, "SET noisylabel.memory_limit = '$limit'; CREATE TEMP TABLE o AS $one; CREATE TEMP TABLE p AS SELECT peak();"
		  . "CREATE TEMP TABLE r AS $all; SELECT r.*, peak() - (SELECT peak FROM p) FROM r"))[0] };
}

SKIP:
{
	skip('no /proc', 12) if !-r '/proc/self/status';
	for ([ 'posterior', 160, '12MB', 12 ], [ 'posterior', 160, '24MB', 24 ], [ 'predict', 240, '1500kB', 1.5 ], [ 'predict', 240, '2500kB', 2.5 ])
	{
		my ($name, $rows, $limit, $mb) = @$_;
		my $what = "$name, eight models take turns, limit $limit";
		my (undef, $free) = run_turns($turns{$name}, '2GB');
		my ($n, $sum, $grown) = run_turns($turns{$name}, $limit);
		is($n, $rows, "$what: all rows");
		is($sum, $free, "$what: the same results");
		# malloc leaves holes where models were, and the executor needs something
		cmp_ok($grown, '<', (1.5 * $mb + 4) * 1024, "$what: so does the memory of the backend");
		note("$grown kB");
	}
}

for ([ 'posterior(model, annotator, label) FROM annotation, fitted WHERE fitted.m = 0', '5MB', 'scoring with this annotator_model' ],
	[ 'predict(classifier, features) FROM example, learned', '400kB', 'predicting with this classifier' ])
{
	my ($query, $limit, $purpose) = @$_;
	my $err = '';
	my $status = $node->psql('postgres', "SET noisylabel.memory_limit = '$limit'; SELECT $query", stderr => \$err, on_error_stop => 1);
	is($status, 3, "$purpose: refused where it alone is above the limit");
	like($err, qr/$purpose needs \d+ kB of memory, but noisylabel.memory_limit is \d+ kB/, "$purpose: the message");
}

#
# Copies in rows.  Temporary bytes of a query, and what it says.
#
sub written
{
	my ($settings, $query) = @_;
	my ($out, $err) = ('', '');
	my $status = $node->psql('postgres', "$settings; EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) $query", stdout => \$out, stderr => \$err, on_error_stop => 1);
	my ($pages) = $out =~ /temp .*?written=(\d+)/;
	return ($status, ($pages // 0) * 8192, $err);
}

my $sorted = q(SET enable_hashagg = off; SET work_mem = '1MB');
my $hashed = q(SET enable_sort = off; SET work_mem = '64MB');
my $spilled = q(SET enable_sort = off; SET work_mem = '64kB'; SET hash_mem_multiplier = 1);
my $with = "WITH f AS (SELECT $fit AS model FROM annotation WHERE m = 0)";
my $some = 'm = 0 AND item <= 20';
my %said = (posterior => 'posterior((SELECT model FROM ...), annotator, label)', predict => 'predict((SELECT classifier FROM ...), features)');
my $notice = qr/NOTICE:  rows of this query carry copies of a value of type (?:annotator_model|classifier): \d+ rows with \d+ kB each so far\nHINT:  Fetch it once for all rows: (.*)\.$/m;

# The natural query carries the model in each row that is sorted or set aside
my %natural = (
	posterior => "$with SELECT item, posterior(model, annotator, label) FROM annotation, f WHERE $some GROUP BY item",
	predict => 'SELECT i % 7, count(predict(classifier, features)) FROM example, generate_series(1, 8), (SELECT logistic_regression(label, features) AS classifier FROM example) AS f GROUP BY 1');
for my $name (sort keys %natural)
{
	my ($status, $bytes, $err) = written($sorted, $natural{$name});
	is($status, 0, "$name, sorted: ends");
	cmp_ok($bytes, '>', 64 * 1024 * 1024, "$name, sorted: writes many copies");
	my @said = $err =~ /$notice/g;
	is("@said", $said{$name}, "$name, sorted: one notice, which shows the better form") or diag($err);
}
my ($status, $bytes, $err) = written($sorted, $natural{posterior} =~ s/ AS \(/ AS MATERIALIZED (/r);
is(scalar(() = $err =~ /$notice/g), 1, 'posterior, from a stored CTE, sorted: one notice, if late') or diag($err);

# What a hash aggregate gives again, when it is scanned again, counts as well
($status, $bytes, $err) = written($hashed, q(SELECT count(classifier) FROM (SELECT classifier FROM (VALUES (1, 1), (2, 200)) AS o (n, copies),
	LATERAL (SELECT logistic_regression(label, features) AS classifier FROM example GROUP BY i > 0 HAVING min(i) + n > n OFFSET 0) AS f,
	generate_series(1, copies) AS j ORDER BY j OFFSET 0) AS v));
is(scalar(() = $err =~ /$notice/g), 1, 'a classifier that is read again, sorted: one notice') or diag($err);

# A large model that is stored once is nothing to speak of
($status, $bytes, $err) = written('', q(CREATE TEMP TABLE large AS SELECT dawid_skene('i' || i / 3, 'a' || i % 3, 'c' || i / 3, '{"variant": "full", "smoothing": 1, "max_iterations": 1}'::jsonb) AS model FROM generate_series(0, 2999) AS i));
is("$status$err", '0', 'a model of more than 64 MB, stored once: nothing to say');

# Where it goes on, it is stopped
for my $settings ($sorted, $spilled)
{
	($status, $bytes, $err) = written("$settings; SET noisylabel.memory_limit = '100MB'", $natural{posterior} =~ s/ <= 20/ <= 100/r);
	is($status, 3, 'copies of more than a gigabyte are an error');
	like($err, qr/ERROR:  copies of a value of type annotator_model in the rows of this query take more than 1\d\d\d MB\nDETAIL:  The value takes \d+ kB, and \d+ rows have a copy\.\nHINT:  Fetch it once for all rows: posterior\(\(SELECT model FROM \.\.\.\), annotator, label\)\. Or raise/, 'and it says how to go on');
}

# The forms of the documentation carry nothing, whatever the plan
my $eight = 'FROM (SELECT i, features[:20000] AS features FROM example) AS e, generate_series(1, 8)';
my %good = (
	'a scalar subquery' => "$with SELECT item, posterior((SELECT model FROM f), annotator, label) FROM annotation WHERE $some GROUP BY item",
	'LATERAL' => "$with SELECT v.* FROM f, LATERAL (SELECT item, posterior(model, annotator, label) FROM annotation WHERE $some GROUP BY item) AS v",
	'a stored model' => "SELECT item, posterior(model, annotator, label) FROM annotation AS a, (SELECT model FROM fitted WHERE m = 0) AS f WHERE $some GROUP BY item",
	'a stored model in a scalar subquery' => "SELECT item, posterior((SELECT model FROM fitted WHERE m = 0), annotator, label) FROM annotation WHERE $some GROUP BY item",
	'consensus()' => "$with, s AS (SELECT annotation_set(item, annotator, label) AS answers FROM annotation WHERE $some) SELECT item, distribution FROM f, s, consensus(answers, model) ORDER BY item::int",
	'a stored classifier' => 'SELECT i % 7, count(predict(classifier, features)) FROM example, generate_series(1, 8), learned WHERE m = 0 GROUP BY 1',
	'a classifier in a scalar subquery' => 'SELECT i % 7, count(predict((SELECT logistic_regression(label, features) FROM example), features)) FROM example, generate_series(1, 8) GROUP BY 1');
for my $name (sort keys %good)
{
	for my $settings ($sorted, $hashed, $spilled)
	{
		($status, $bytes, $err) = written($settings, $good{$name});
		is("$status$err", '0', "$name: nothing to say");
		cmp_ok($bytes, '<', 1024 * 1024, "$name: no copies");
	}
}
($status, $bytes, $err) = written($hashed, $natural{posterior});
is("$status $bytes$err", '0 0', 'nor has a hash aggregate in memory');

# All forms give the same
my %result = map { value($node, "SET enable_hashagg = off; SELECT md5(string_agg(v::text, '' ORDER BY item)) FROM ($_) AS v") => 1 }
  $natural{posterior}, @good{ 'a scalar subquery', 'LATERAL', 'a stored model', 'a stored model in a scalar subquery' };
is(scalar(keys %result), 1, 'all forms have the same result');

# Wherever the result of a fit goes, it is the whole value
$node->safe_psql('postgres', "CREATE TABLE kept AS $with SELECT i, model, ARRAY[model] AS a FROM f, generate_series(1, 3) AS i ORDER BY i DESC");
is(value($node, 'SELECT count(DISTINCT model::text) FROM (SELECT model FROM kept UNION ALL SELECT a[1] FROM kept UNION ALL SELECT model FROM fitted WHERE m = 0) AS v'), 1, 'a model is stored whole');

# The one copy that a table takes is none too many, however large
$status = $node->psql('postgres', q(CREATE TABLE large AS SELECT dawid_skene('i' || i, 'a' || i % 3, i * 7919 % 1000, '{"variant": "full", "max_iterations": 2}'::jsonb) AS model FROM generate_series(1, 5000) AS i), stderr => \$err);
is("$status $err", '0 ', 'a model of 80 MB is stored without a word');

log_is_clean($node);
$node->stop;
done_testing();
