# The same answer, to the byte, however a plan brings the rows together: serial,
# with workers (some of them without a row), hashed, sorted, spilled to disk,
# grouping sets, window frames, FILTER; after dump and restore, through binary
# COPY, and in databases of other encodings.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('plans', <<'END');
autovacuum = off
max_worker_processes = 16
max_parallel_workers = 16
min_parallel_table_scan_size = 0
parallel_setup_cost = 0
max_parallel_workers_per_gather = 0
END

# Tables of many pages, of one page, and of one row: with workers some get
# nothing.  Truth and gold depend on the item.
my %size = (many => [ 1500, 12000 ], few => [ 4, 12 ], one => [ 1, 1 ]);
for my $table (sort keys %size)
{
	my ($items, $n) = @{ $size{$table} };
	$node->safe_psql('postgres', <<"END");
CREATE TABLE $table AS
SELECT i, 'item ' || item AS item, 'annotator ' || i * 7919 % 23 AS annotator,
       'class ' || CASE WHEN i % 5 < 3 THEN truth ELSE i % 4 END AS label,
       'class ' || truth AS truth,
       CASE WHEN item % 10 = 0 THEN 'class ' || truth END AS gold,
       i % 6 / 4.0::float8 AS weight, i % 7 AS g, i % 3 AS h
FROM (SELECT i, i % $items AS item, abs(hashint4(i % $items)) % 4 AS truth
      FROM generate_series(1, $n) AS i) AS v;
CREATE TABLE ${table}_parts AS
SELECT i % 40 AS part, i % 40 % 7 AS g, i % 2 AS h,
       annotator_confusion(truth, label, weight) AS cm, annotation_set(item, annotator, label, gold) AS s
FROM $table GROUP BY 1, 2, 3;
ALTER TABLE $table SET (parallel_workers = 4);
ALTER TABLE ${table}_parts SET (parallel_workers = 4);
ALTER TABLE $table ALTER g SET (n_distinct = 7);
ALTER TABLE ${table}_parts ALTER g SET (n_distinct = 7);
ANALYZE $table, ${table}_parts;
-- the planner would not start workers for so few rows
UPDATE pg_class SET reltuples = 100000 * relpages
WHERE oid IN ('$table'::regclass, '${table}_parts'::regclass) AND reltuples < 100000;
END
}
$node->safe_psql('postgres',
	'CREATE TABLE model AS SELECT dawid_skene(item, annotator, label) AS m FROM many');

# What is aggregated from which tables
my $options = q('{"smoothing": 1, "max_iterations": 5}'::jsonb);
my $truth = q(label_distribution(ARRAY[truth, 'other'], '{0.75,0.25}'));
my $soft = q(label_distribution(ARRAY[label, 'other'], ARRAY[i % 97 / 96.0, 1 - i % 97 / 96.0]));
my $model = '(SELECT m FROM model)';
my @sources = (
	{
		from => sub { $_[0] },
		key => 'item',
		calls => [
			'annotator_confusion(truth, label)',
			'annotator_confusion(truth, label, weight)',
			"annotator_confusion($truth, label)",
			'annotator_confusion(g, h)',
			'f1_report(truth, label)',
			'f1_report(truth, label, weight)',
			'annotation_set(item, annotator, label)',
			'annotation_set(item, annotator, label, gold)',
			'annotation_set(i, g, h)',
			'annotation_set(item, annotator, label, gold, i % 3)',
			'annotation_set(i, g, h, gold, i % 3)',
			"avg($soft)",
			"product($soft)",
			'dawid_skene(item, annotator, label)',
			'dawid_skene(item, annotator, label, gold)',
			"dawid_skene(item, annotator, label, $options)",
			"dawid_skene(item, annotator, label, gold, $options)",
			'dawid_skene(i, g, h)',
			"posterior($model, annotator, label)",
			"posterior($model, g, truth)"
		]
	},
	{
		from => sub { "$_[0]_parts" },
		key => 'part',
		calls => [ 'sum(cm)', 'sum(s)' ]
	});

# Annotations to be fitted are collected in one process, since workers would not
# help; where workers are meant, an aggregate that is declared so takes its place.
ship_aggregates($node);

sub shipped
{
	return $_[0] =~ s/\bdawid_skene\(/shipped_dawid_skene(/gr;
}

sub setting
{
	my %s = @_;
	return join('; ', map { "SET $_ = $s{$_}" } sort keys %s);
}

sub plan_of
{
	my ($settings, $query) = @_;
	return join("\n", map { $_->[0] }
		  rows($node, "$settings; EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) $query"));
}

# The calls' answers as text, last of the columns of a query.
sub texts
{
	my @calls = @_;
	return join(', ', map { "($_)::text" } @calls);
}

# Two answers with the same keys must be the same in all columns.
sub same_answers
{
	my ($what, $calls, $got, $want) = @_;
	tally($what, @$want > 0, 'there is no row');
	for my $c (0 .. $#$calls)
	{
		my $column = $c - @$calls;
		my ($mine, $theirs) = map {
			join("\n", map { my $row = $_; join('|', map { $_ // 'NULL' } @$row[ 0 .. $#$row - @$calls ], $row->[$column]) } @$_)
		} $got, $want;
		tally($what, $mine eq $theirs, "$calls->[$c] differs");
	}
	return;
}

my $serial = setting(max_parallel_workers_per_gather => 0);
my $workers = setting(max_parallel_workers_per_gather => 2, parallel_leader_participation => 'off');
my $more_workers = setting(max_parallel_workers_per_gather => 4, parallel_leader_participation => 'on');
my $hash = setting(enable_sort => 'off', enable_hashagg => 'on');
my $sort = setting(enable_hashagg => 'off');
my $spill = setting(enable_sort => 'off', work_mem => "'64kB'", hash_mem_multiplier => 1);

#
# Workers, without groups and with
#
for my $source (@sources)
{
	my @calls = @{ $source->{calls} };
	for my $table (sort keys %size)
	{
		my $from = $source->{from}($table);
		my $whole = 'SELECT ' . texts(@calls) . " FROM $from";
		my $groups = 'SELECT g, ' . texts(@calls) . " FROM $from GROUP BY g ORDER BY g";
		for my $query ($whole, $groups)
		{
			my $name = $query eq $whole ? 'all rows' : 'groups';
			my @want = rows($node, "$serial; $query");
			same_answers("$table, $name, 2 workers", \@calls, [ rows($node, "$workers; " . shipped($query)) ], \@want);
			same_answers("$table, $name, 4 workers and leader", \@calls, [ rows($node, "$more_workers; " . shipped($query)) ], \@want);
			my $plan = plan_of($workers, shipped($query));
			like($plan, qr/Finalize .*Workers Launched: 2.*Partial /s,
				"$table, $name: workers aggregate, their states are combined: $calls[0] ...");
			unlike(plan_of($serial, $query), qr/Partial|Gather/, "$table, $name: and serially not");
		}
	}
}

# The same for each aggregate alone, lest one of them takes the others along
for my $source (@sources)
{
	for my $call (@{ $source->{calls} })
	{
		my $from = $source->{from}('many');
		tally('each aggregate runs in workers',
			plan_of($workers, 'SELECT ' . shipped($call) . " FROM $from") =~ /Finalize .*Partial /s, $call);
		tally('but what is fitted is collected in one process',
			plan_of($workers, "SELECT $call FROM $from") !~ /Partial /, $call) if $call =~ /^dawid_skene/;
	}
}
report_checks();

# Errors that it takes two rows to see
for my $case (
	[ "annotation_set(item, annotator, label, CASE WHEN g = 1 THEN 'a' ELSE 'b' END)", 'two different gold labels' ],
	[ "dawid_skene(item, annotator, label, CASE WHEN g = 1 THEN '{}'::jsonb ELSE '{\"smoothing\": 1}' END)", 'options must be the same' ])
{
	my ($call, $message) = @$case;
	for ([ 'serial', $serial ], [ 'workers', $workers ])
	{
		my ($name, $settings) = @$_;
		$node->psql('postgres', "$settings; SELECT " . shipped($call) . ' FROM many', stderr => \my $err);
		like($err, qr/ERROR:  .*$message/, "$message: $name");
	}
}

for my $call (@{ $sources[0]{calls} })
{
	is(value($node, "$workers; SELECT ($call) IS NULL FROM many WHERE i < 0"),
		't', "$call: no rows, NULL");
}

#
# Hashed, sorted, spilled; few groups of many rows, many groups of few
#
for my $source (@sources)
{
	my @calls = @{ $source->{calls} };
	my $from = $source->{from}('many');
	for my $group ('g', $source->{key})
	{
		my $query = "SELECT $group AS k, " . texts(@calls) . " FROM $from GROUP BY $group";
		my $ordered = "SELECT * FROM ($query OFFSET 0) AS v ORDER BY k";
		my @want = rows($node, "$serial; $sort; $ordered");
		same_answers("by $group, hashed", \@calls, [ rows($node, "$serial; $hash; $ordered") ], \@want);
		same_answers("by $group, spilled", \@calls, [ rows($node, "$serial; $spill; $ordered") ], \@want);
		like(plan_of("$serial; $sort", $query), qr/GroupAggregate/, "by $group: sorted groups");
		like(plan_of("$serial; $hash", $query), qr/HashAggregate/, "by $group: hashed groups");
		like(plan_of("$serial; $spill", $query), qr/HashAggregate.*Disk Usage/s, "by $group: spilled groups")
		  if $group eq 'item';
	}
}

#
# Grouping sets
#
for my $source (@sources)
{
	my @calls = @{ $source->{calls} };
	my $tail = texts(@calls) . ' FROM ' . $source->{from}('many');
	my @by = map { "SELECT $_->[0] AS x, $_->[1] AS y, $tail GROUP BY $_->[2]" }
	  [ 'g', 'h', 'g, h' ], [ 'g', 'NULL::int', 'g' ], [ 'NULL::int', 'h', 'h' ], [ 'NULL::int', 'NULL::int', '()' ];
	my $order = 'ORDER BY x, y';
	my @all = rows($node, 'SELECT * FROM (' . join(' UNION ALL ', @by) . ") AS v $order");
	my @rollup = rows($node, 'SELECT * FROM (' . join(' UNION ALL ', @by[ 0, 1, 3 ]) . ") AS v $order");
	for ([ 'sorted', $sort ], [ 'hashed', $hash ], [ 'spilled', $spill ])
	{
		my ($name, $settings) = @$_;
		same_answers("grouping sets, $name", \@calls,
			[ rows($node, "$serial; $settings; SELECT * FROM (SELECT g AS x, h AS y, $tail GROUP BY GROUPING SETS ((g, h), g, h, ())) AS v $order") ],
			\@all);
		same_answers("rollup, $name", \@calls,
			[ rows($node, "$serial; $settings; SELECT * FROM (SELECT g AS x, h AS y, $tail GROUP BY ROLLUP (g, h)) AS v $order") ],
			\@rollup);
	}
}

#
# FILTER and window frames: a state that has given an answer goes on
#
for my $source ($sources[0])
{
	my @calls = @{ $source->{calls} };
	my $from = $source->{from}('many');
	same_answers('FILTER', \@calls,
		[ rows($node, "SELECT g, " . texts(map { "$_ FILTER (WHERE h = 1)" } @calls) . " FROM $from GROUP BY g ORDER BY g") ],
		[ rows($node, "SELECT g, " . texts(@calls) . " FROM $from WHERE h = 1 GROUP BY g ORDER BY g") ]);
	for (
		[ 'running', 'ORDER BY i', 'v.i <= w.i' ],
		[ 'moving', 'ORDER BY i ROWS BETWEEN 9 PRECEDING AND CURRENT ROW', 'v.i BETWEEN w.i - 9 AND w.i' ],
		[ 'centered', 'ORDER BY i ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING', 'v.i BETWEEN w.i - 2 AND w.i + 2' ],
		[ 'partitioned', 'PARTITION BY h ORDER BY i', 'v.i <= w.i AND v.h = w.h' ])
	{
		my ($name, $frame, $within) = @$_;
		my $some = '(SELECT * FROM many WHERE i <= 80)';
		same_answers("$name window", \@calls,
			[ rows($node, "SELECT i, " . texts(map { "$_ OVER ($frame)" } @calls) . " FROM $some AS w ORDER BY i") ],
			[ rows($node, "SELECT i, a.* FROM $some AS w, LATERAL (SELECT " . texts(@calls) . " FROM $some AS v WHERE $within) AS a ORDER BY i") ]);
	}
}
report_checks();

#
# Values in tables: dump and restore, materialized view, COPY, casts
#
my $folder = PostgreSQL::Test::Utils::tempdir();
my @types = qw(confusion_matrix label_distribution annotation_set annotator_model classifier training_set);
my $collect = 'CREATE AGGREGATE collect(text, float8[]) (SFUNC = training_set_accum, STYPE = training_set)';
$node->safe_psql('postgres', "$collect;" . <<'END');
CREATE TABLE stored AS
SELECT g AS id, annotator_confusion(truth, label, weight) AS confusion_matrix,
       class_prior(dawid_skene(item, annotator, label)) AS label_distribution,
       annotation_set(item, annotator, label, gold) AS annotation_set,
       dawid_skene(item, annotator, label, gold) AS annotator_model,
       logistic_regression(label, ARRAY[h, weight]::float8[]) AS classifier,
       collect(label, ARRAY[i, weight]::float8[] ORDER BY i) AS training_set
FROM many GROUP BY g;
INSERT INTO stored (id) VALUES (100);
INSERT INTO stored
SELECT 101, annotator_confusion(l, l), label_distribution(array_agg(l), array_agg(0.25::float8)), annotation_set(l, l, l), dawid_skene(l, l, l),
       logistic_regression(l, ARRAY[length(l)]::float8[]), collect(l, ARRAY[length(l)]::float8[])
FROM unnest(ARRAY['', E'tab\t, "quotes", \\ and\nline', 'naïve 日本', '{}']) AS l;
CREATE MATERIALIZED VIEW trust AS SELECT id, a.* FROM stored, annotators(annotator_model) AS a;
CREATE MATERIALIZED VIEW models AS SELECT g, dawid_skene(item, annotator, label) AS m FROM many GROUP BY g;
END
my $texts = join(', ', map { "$_\::text" } @types);
my $everything =
    "SELECT id, $texts FROM stored ORDER BY id;"
  . 'SELECT string_agg(trust::text, E\'\n\' ORDER BY id, annotator) FROM trust;'
  . 'SELECT string_agg(models::text, E\'\n\' ORDER BY g) FROM models';
my $want = $node->safe_psql('postgres', $everything);
cmp_ok(length($want), '>', 100_000, 'values are stored');

for my $type (@types)
{
	is( value($node, "SELECT count(*) FROM stored WHERE $type\::text\::$type\::text IS DISTINCT FROM $type\::text"),
		0, "$type: the cast to text and back changes nothing");
	next if $type eq 'training_set';
	is(value($node, "SELECT count(*) FROM stored WHERE ($type IS NULL) <> ($type\::jsonb IS NULL)"),
		0, "$type: is cast to jsonb");
	is( value($node, "SELECT count(*) FROM stored WHERE $type\::jsonb <> $type\::text::jsonb"),
		0, "$type: jsonb is the text form") if $type ne 'annotation_set';
}
is( value($node, q{
		SELECT count(*) FROM stored AS t,
		     LATERAL (SELECT annotation_set(item.key, a.value ->> 0, a.value ->> 1, item.value ->> 'gold') AS s
		              FROM jsonb_each(t.annotation_set::jsonb -> 'items') AS item, jsonb_array_elements(item.value -> 'annotations') AS a) AS again
		WHERE s::text <> annotation_set::text}),
	0,
	'annotation_set: jsonb has all of it');

$node->safe_psql('postgres', "CREATE DATABASE $_") for qw(restored_plain restored_custom);
$node->command_ok([ 'pg_dump', '-f', "$folder/plain.sql", $node->connstr('postgres') ], 'pg_dump');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$folder/plain.sql", $node->connstr('restored_plain') ], 'restore');
is($node->safe_psql('restored_plain', $everything), $want, 'after dump and restore all is the same');
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$folder/custom", $node->connstr('postgres') ], 'pg_dump -Fc');
$node->command_ok([ 'pg_restore', '-j', '2', '-d', $node->connstr('restored_custom'), "$folder/custom" ], 'pg_restore -j 2');
is($node->safe_psql('restored_custom', $everything), $want, 'after pg_restore all is the same');

for my $format ('binary', 'text', 'csv')
{
	$node->safe_psql('postgres', <<"END");
COPY stored TO '$folder/copy' (FORMAT $format);
DROP TABLE IF EXISTS copied;
CREATE TABLE copied (LIKE stored);
COPY copied FROM '$folder/copy' (FORMAT $format);
END
	is( value($node, "SELECT count(*) FROM stored FULL JOIN copied USING (id) WHERE "
			  . join(' OR ', map { "stored.$_\::text IS DISTINCT FROM copied.$_\::text" } @types)),
		0, "COPY $format: out and in again");
}

# A state of posterior() can be shipped as well.
is( value($node, q{
		SELECT posterior_final(posterior_combine(a::text::posterior_state, b::text::posterior_state))::text = whole::text
		FROM (SELECT posterior_accum(NULL, m, 'annotator 1', 'class 1') AS a,
		             posterior_accum(NULL, m, 'annotator 2', 'class 3') AS b,
		             (SELECT posterior(m, annotator, label) FROM (VALUES ('annotator 2', 'class 3'), ('annotator 1', 'class 1')) AS v(annotator, label)) AS whole
		      FROM model) AS v}),
	't',
	'posterior_state: parts through text, combined');

#
# Other encodings
#
my @labels = ("caf\xc3\xa9", "na\xc3\xafve", "\xc3\xbcber", 'plain');
my $latin = join(', ', map { "('$_')" } @labels);
my %sql = (
	confusion_matrix => 'annotator_confusion(l, l)',
	label_distribution => 'label_distribution(array_agg(l), array_agg(0.25::float8))',
	annotation_set => 'annotation_set(l, l, l, l)',
	annotator_model => q[dawid_skene(l, l, l, l, '{"variant": "full"}'::jsonb)],
	classifier => 'logistic_regression(l, ARRAY[length(l)]::float8[])',
	training_set => 'collect(l, ARRAY[length(l)]::float8[])');
my $columns = join(', ', map { "$_ $_" } @types);
my $values = join(', ', map { $sql{$_} } @types);

$node->safe_psql('postgres', "CREATE DATABASE $_ ENCODING '$_' LOCALE 'C' TEMPLATE template0")
  for qw(LATIN1 SQL_ASCII WIN1252);
for my $encoding (qw(LATIN1 WIN1252 SQL_ASCII))
{
	my $db = lc $encoding;
	$node->safe_psql($db,
		"SET client_encoding = UTF8; CREATE EXTENSION noisylabel; $collect; CREATE TABLE e ($columns);"
		  . "INSERT INTO e SELECT $values FROM (VALUES $latin) AS v(l)");
	my $there = join(' ', map { $_ // 'NULL' } map { @$_ }
		  rows($node, "SET client_encoding = UTF8; SELECT labels(confusion_matrix), labels(label_distribution), labels(annotation_set), labels(annotator_model), labels(classifier), labels(logistic_regression_final(training_set)) FROM e", $db));
	my $count = () = $there =~ /caf\xc3\xa9/g;
	is($count, 6, "$encoding: labels keep their letters");
	is( value($node, "SELECT count(*) FROM e WHERE " . join(' OR ', map { "$_\::text <> $_\::text\::$_\::text" } @types), $db),
		0, "$encoding: text and back");

	# the client's encoding is another than the server's, on the way out and in
	my @clients = $encoding eq 'SQL_ASCII' ? ('SQL_ASCII') : qw(UTF8 LATIN1 WIN1252);
	@clients = grep { $encoding ne 'LATIN1' || $_ ne 'WIN1252' } @clients;
	@clients = grep { $encoding ne 'WIN1252' || $_ ne 'LATIN1' } @clients;
	for my $client (@clients)
	{
		for my $format (qw(binary text))
		{
			my $file = "$folder/$encoding.$client.$format";
			# server-side COPY has an option for the encoding of text, for binary it
			# is the session's
			my $copy = $format eq 'binary' ? 'FORMAT binary' : "FORMAT text, ENCODING '$client'";
			$node->safe_psql($db, "SET client_encoding = '$client'; COPY e TO '$file' ($copy)");
			$node->safe_psql($db,
				"SET client_encoding = '$client'; CREATE TEMP TABLE f (LIKE e); COPY f FROM '$file' ($copy);"
				  . 'DO $$ BEGIN ASSERT (SELECT ' . join(' AND ', map { "e.$_\::text = f.$_\::text" } @types) . ' FROM e, f); END $$');
			pass("$encoding: COPY $format, client $client");
			next if $encoding eq 'SQL_ASCII';

			# and on to a database in UTF-8, where all labels are the same text
			$node->safe_psql('postgres',
				"DROP TABLE IF EXISTS e; CREATE TABLE e ($columns); SET client_encoding = '$client'; COPY e FROM '$file' ($copy)");
			is( join(' ', map { $_ // 'NULL' } map { @$_ }
					  rows($node, "SELECT labels(confusion_matrix), labels(label_distribution), labels(annotation_set), labels(annotator_model), labels(classifier), labels(logistic_regression_final(training_set)) FROM e")),
				$there,
				"$encoding: COPY $format by a client of $client on to UTF8");
			is( value($node, "SELECT count(*) FROM consensus((SELECT annotation_set FROM e), (SELECT annotator_model FROM e)) WHERE label = item AND confidence = 1"),
				4, "$encoding: the model works there, too");
		}
	}
}

# What the client's encoding cannot say is an error, not another letter.
$node->psql('postgres',
	"SET client_encoding = LATIN1; COPY (SELECT confusion_matrix FROM stored WHERE id = 101) TO '$folder/never' (FORMAT binary)",
	stderr => \my $err);
like($err, qr/has no equivalent in encoding "LATIN1"/, 'letters that the client does not have are an error');

log_is_clean($node);
$node->stop;
done_testing();
