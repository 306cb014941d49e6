# A fit by parallel workers gives the same bytes as one without, wherever it is
# called from, and ends with all its workers whatever ends it.
# Alone: measures time.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use IPC::Run;
use NoisyLabel;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = new_node('workers', <<'END');
max_worker_processes = 8
max_parallel_workers = 8
min_parallel_table_scan_size = 0
parallel_setup_cost = 1000000000
log_min_messages = debug1
autovacuum = off
END

# Starts of parallel workers so far; only the fit can have any here.
sub started
{
	my $log = slurp_file($node->logfile);
	return scalar(() = $log =~ /starting background worker process "parallel worker/g);
}

# Items of 1 to 12 annotations, one of 3,000, gold for some, K classes.
sub fill
{
	my ($table, $items, $annotators, $classes) = @_;
	$node->safe_psql('postgres', <<"END");
CREATE TABLE $table AS
SELECT annotation_set('i' || i, 'a' || (hashint8(i * 1000003::bigint + r) & 2147483647) % $annotators,
	CASE WHEN (hashint8(i * 77::bigint + r) & 3) < 3 THEN 'c' || i % $classes
		ELSE 'c' || (hashint8(i * 3::bigint + r) & 1023) % $classes END,
	CASE WHEN i % 50 = 0 THEN 'c' || i % $classes END) AS s
FROM generate_series(1, $items) i,
	generate_series(1, CASE WHEN i = 7 THEN 3000 ELSE 1 + i % 12 END) r;
END
	return;
}

fill('k2', 4000, 40, 2);
fill('k4', 4000, 60, 4);
fill('k12', 8000, 30, 12);

# one annotator twice, some repeats, gold for a few; copies are one voice
$node->safe_psql('postgres', <<'END');
CREATE TABLE copies AS
SELECT annotation_set('i' || i, 'a' || CASE WHEN j = 9 THEN '1 again' ELSE j::text END,
	CASE WHEN (hashint8(i * 1000003::bigint + j % 8) & 1023) < 700 THEN 'c' || i % 3
		ELSE 'c' || (hashint8(i * 77::bigint + j % 8) & 1023) % 3 END,
	CASE WHEN i % 100 = 0 THEN 'c' || i % 3 END) AS s
FROM generate_series(1, 6000) i, generate_series(1, 9) j, generate_series(1, CASE WHEN (i + j) % 50 = 0 AND j NOT IN (1, 9) THEN 2 ELSE 1 END);
END
like(value($node, q{SELECT (fit_report(dawid_skene(s))).warnings[1] FROM copies}), qr/"a1" and "a1 again" agree on 6000/, 'the copy is found');

#
# The same bytes
#
for my $table (qw(k2 k4 k12 copies))
{
	for my $options (
		'{}', '{"variant": "full"}',
		'{"variant": "full", "smoothing": 2, "gold_weight": 0.9, "tolerance": 0}',
		'{"variant": "full", "smoothing": 1, "toward": "diagonal", "repeats": "distinct"}',
		'{"variant": "class", "acceleration": "none"}',
		'{"variant": "one_coin", "smoothing": 2}',
		'{"variant": "shared"}', '{"variant": "majority"}',
		'{"variant": "full", "learn_from": "gold"}')
	{
		my $sql = "SELECT md5(annotator_model_send(dawid_skene(s, '$options'))) FROM $table";
		my $alone = value($node, "SET max_parallel_workers_per_gather = 0; $sql");
		my @differ = grep {
			value($node, "SET max_parallel_workers_per_gather = $_; $sql") ne $alone
		} 1, 2, 5;
		is("@differ", '', "$table $options: the same with workers");
	}
}

my $before = started();
value($node, q{SET max_parallel_workers_per_gather = 0; SELECT dawid_skene(s, '{"variant": "full"}') FROM k2});
is(started(), $before, 'no workers where none are allowed');
value($node, q{SET max_parallel_workers_per_gather = 3; SELECT dawid_skene(s, '{"variant": "full"}') FROM k2});
is(started(), $before + 3, 'as many workers as are allowed');
value($node, q{SET max_parallel_workers_per_gather = 3; SET min_parallel_table_scan_size = '1GB'; SELECT dawid_skene(s, '{"variant": "full"}') FROM k2});
is(started(), $before + 3, 'none for a small set');
# a table of k12 has 12 + 30 * 12 * 12 numbers, or 34 kB: two of them, 12 matrices
# of 1 kB, and what is shared, 5 + 19 tables and 380 kB of annotations, take 1290 kB
value($node, q{SET max_parallel_workers_per_gather = 3; SET noisylabel.memory_limit = '1000kB'; SELECT dawid_skene(s, '{"variant": "full"}') FROM k12});
is(started(), $before + 3, 'none where fit and workers would need more than memory_limit');
value($node, q{SET max_parallel_workers_per_gather = 3; SET noisylabel.memory_limit = '2MB'; SELECT dawid_skene(s, '{"variant": "full"}') FROM k12});
is(started(), $before + 6, 'as many as are allowed where it suffices');

#
# Wherever it is called from
#
my $fit = q{md5(annotator_model_send(dawid_skene(s, '{"variant": "full"}')))};
my $alone = value($node, "SET max_parallel_workers_per_gather = 0; SELECT $fit FROM k4");
my %elsewhere = (
	'no worker is free' => "SET max_parallel_workers = 0; SELECT $fit FROM k4",
	'a serializable transaction that has written' =>
	  "BEGIN ISOLATION LEVEL SERIALIZABLE; CREATE TEMP TABLE x AS SELECT 1; SELECT $fit FROM k4",
	'a materialized view' =>
	  "CREATE MATERIALIZED VIEW v AS SELECT $fit AS fit FROM k4; REFRESH MATERIALIZED VIEW v; SELECT fit FROM v",
	'a cursor' => "BEGIN; DECLARE c CURSOR FOR SELECT $fit FROM k4; FETCH c",
	'inserting' => "CREATE TABLE y (m text); INSERT INTO y SELECT $fit FROM k4 RETURNING m",
	'the aggregate' =>
	  q{CREATE TABLE rows AS SELECT i % 999 AS i, i % 7 AS j, i * i % 5 AS l FROM generate_series(1, 30000) i;
	    CREATE TABLE z AS SELECT dawid_skene(i, j, l, '{"variant": "full"}'::jsonb) AS m FROM rows;
	    SET max_parallel_workers_per_gather = 0;
	    SELECT CASE WHEN z.m::text = dawid_skene(i, j, l, '{"variant": "full"}'::jsonb)::text THEN '} . $alone . q{' END FROM rows, z GROUP BY z.m::text},
	'a parallel worker' =>
	  "SET " . ($node->pg_version >= 16 ? 'debug_parallel_query' : 'force_parallel_mode')
	  . " = on; SET parallel_setup_cost = 0; SELECT $fit FROM k4");
for my $where (sort keys %elsewhere)
{
	is(value($node, "SET max_parallel_workers_per_gather = 2; $elsewhere{$where}"),
		$alone, "the same in: $where");
}

#
# Whatever ends it
#
fill('large', 300000, 1000, 10);
my $long = q{dawid_skene(s, '{"variant": "full", "tolerance": 0, "max_iterations": 100000}')};

sub no_workers
{
	my $what = shift;
	$node->poll_query_until('postgres',
		q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'parallel worker'})
	  or diag('workers are still there');
	is(value($node, q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker'}),
		0, "$what: no worker is left");
	return;
}

# Starts the long fit, does "how" to the processes, and returns the error.
sub interrupted
{
	my $how = shift;
	my ($out, $err) = ('', '');
	my $run = IPC::Run::start(
		[ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c',
			'SET max_parallel_workers_per_gather = 2', '-c', "SELECT $long FROM large" ],
		'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(120));
	$node->poll_query_until('postgres',
		q{SELECT count(*) = 2 FROM pg_stat_activity WHERE backend_type = 'parallel worker'});
	sleep(0.3);
	my $start = time;
	value($node, $how);
	$run->finish;
	return ($err, time - $start);
}

my $leader = q{FROM pg_stat_activity WHERE query LIKE '%FROM large' AND backend_type = 'client backend' AND pid <> pg_backend_pid()};
my @times;
for my $try (1 .. 3)
{
	my ($err, $time) = interrupted("SELECT pg_cancel_backend(pid) $leader");
	like($err, qr/canceling statement due to user request/, 'a cancel ends it');
	push @times, $time;
	no_workers('cancel');
}
@times = sort { $a <=> $b } @times;
# two clients start and end within this time, too
cmp_ok($times[0], '<', 0.4, sprintf('the session answers %.0f ms after a cancel', 1000 * $times[0]));

my ($err) = interrupted(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'parallel worker' LIMIT 1});
like($err, qr/terminating .*due to administrator command/, "a worker's end ends it");
no_workers('a worker that is terminated');
($err) = interrupted("SELECT pg_terminate_backend(pid) $leader");
like($err, qr/terminating connection/, "the leader's end ends it");
no_workers('a leader that is terminated');

is( value($node, <<"END"), $alone, 'after a timeout in a subtransaction the session goes on');
SET max_parallel_workers_per_gather = 2;
CREATE FUNCTION timeout() RETURNS text LANGUAGE plpgsql AS \$\$
BEGIN
	PERFORM $long FROM large;
	RETURN 'no timeout';
EXCEPTION WHEN query_canceled THEN
	RETURN (SELECT $fit FROM k4);
END \$\$;
SET statement_timeout = '1s';
SELECT timeout();
END
no_workers('a timeout');

$node->stop;
done_testing();
