# The states of aggregates: flat logs of rows while small, expanded objects
# later.  For every aggregate of the extension the same bytes, whatever form
# the state has, however often it is read, and however states are joined.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('states', <<'END');
autovacuum = off
enable_material = off
max_parallel_workers_per_gather = 0
max_worker_processes = 16
max_parallel_workers = 16
min_parallel_table_scan_size = 0
parallel_setup_cost = 0
parallel_tuple_cost = 0
END

# Groups of 2 to 2500 rows, whose states are logs and objects; many of 3 rows.
# Fractions are sums of powers of two, so that no order of adding shows.
my $columns = q{
       'item ' || i % 100 AS item, 'annotator ' || i % 7 AS annotator, 'class ' || i % 4 AS label, 'class ' || i % 100 % 4 AS truth,
       CASE WHEN i % 100 < 10 THEN 'class ' || i % 100 % 4 END AS gold, i % 100 AS item_n, i % 7 AS annotator_n, i % 4 AS label_n,
       i % 100 % 4 AS truth_n, CASE WHEN i % 100 < 10 THEN i % 100 % 4 END AS gold_n, (1 + i % 6) / 4.0::float8 AS weight, i % 3 AS copies,
       label_distribution(ARRAY['class ' || i % 4, 'other'], '{0.75,0.25}') AS soft,
       ARRAY[i % 11, i % 13, sqrt(i)]::float8[] AS features,
       confusion_matrix_accum(NULL, 'class ' || i % 4, 'class ' || i % 3, 0.5) AS matrix,
       annotation_set_accum(NULL, 'item ' || i % 100, 'annotator ' || i % 7, 'class ' || i % 4) AS part,
       i % 3 = 0 AS hit, i % 17 / 16.0::float8 AS score, 7 AS bins, score_set_accum(NULL, i % 3 = 0, i % 17 / 16.0, (1 + i % 6) / 4.0::float8) AS scores,
       ARRAY['class ' || i % 100 % 4, 'class ' || i % 4] AS truths, ARRAY['class ' || i % 4] AS predictions, ((1 + i % 6) / 4.0)::text AS weight_text};
$node->safe_psql('postgres', <<"END");
CREATE TABLE answers AS
SELECT i, g, i % 2 AS h, $columns
FROM (VALUES (1, 2), (2, 3), (3, 7), (4, 40), (5, 300), (6, 2500)) AS v(g, n), generate_series(1, n) AS i;
CREATE TABLE many AS SELECT i, g, $columns FROM generate_series(1, 60) AS g, generate_series(3 * g, 3 * g + 2) AS i;
CREATE TABLE parts (LIKE answers) PARTITION BY LIST (h);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES IN (0);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2);
-- of each group a few rows in one partition, many in another, and a few in the third
INSERT INTO parts SELECT i, g, CASE WHEN i % 50 = 1 THEN 0 WHEN i % 50 = 2 THEN 2 ELSE 1 END,
       item, annotator, label, truth, gold, item_n, annotator_n, label_n, truth_n, gold_n, weight, copies, soft, features, matrix, part, hit, score, bins, scores, truths, predictions, weight_text FROM answers;
ALTER TABLE answers SET (parallel_workers = 2);
ANALYZE;
CREATE TABLE model AS SELECT dawid_skene(item, annotator, label) AS m, dawid_skene(item_n, annotator_n, label_n) AS n FROM answers;
END

# A call of every aggregate that there is, from its argument names and types.
my %argument = (
	(map { ("$_ text" => $_, "$_ \"any\"" => "$_\_n") } qw(item annotator label truth gold)),
	'predicted text' => 'label',
	'predicted "any"' => 'label_n',
	'baseline text' => 'label',
	'baseline "any"' => 'label_n',
	'candidate text' => 'annotator',
	'candidate "any"' => 'annotator_n',
	'weight double precision' => 'weight',
	'count bigint' => 'copies',
	'distribution label_distribution' => 'soft',
	'truth label_distribution' => 'soft',
	'target label_distribution' => 'soft',
	'predicted label_distribution' => 'soft',
	'features double precision[]' => 'features',
	'truth text[]' => 'truths',
	'predicted text[]' => 'predictions',
	'weight text' => 'weight_text',
	'confusion_matrix' => 'matrix',
	'prior label_distribution' => q(label_distribution('{class 0,class 1,class 3}', '{0.125,0.25,0.625}')),
	'annotation_set' => 'part',
	'truth boolean' => 'hit',
	'score double precision' => 'score',
	'bins integer' => 'bins',
	'score_set' => 'scores');
my %options = (
	agreement => q({"level": "nominal"}),
	dawid_skene => q({"smoothing": 1, "max_iterations": 5}),
	learn_annotators => q({"smoothing": 0.5}),
	learn_from_crowds => q({"l2": 2, "rounds": 1}),
	logistic_regression => q({"l2": 2}),
	paired_bootstrap => q({"resamples": 99}));
my @aggregates = rows($node, q{
	SELECT p.proname, pg_get_function_identity_arguments(p.oid), p.oid::regprocedure, a.aggtranstype::regtype
	FROM pg_proc AS p JOIN pg_aggregate AS a ON a.aggfnoid = p.oid, pg_depend AS d, pg_extension AS e
	WHERE p.prokind = 'a' AND d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	  AND d.refobjid = e.oid AND e.extname = 'noisylabel'
	ORDER BY p.oid::regprocedure::text COLLATE "C"});

sub call_of
{
	my ($name, $arguments, $options) = @_;
	return "$name(" . join(', ', map {
		/^model / ? ($arguments =~ /"any"/ ? '(SELECT n FROM model)' : '(SELECT m FROM model)')
		: /^options (.*)/ ? "$options\::$1"
		# features of an item are the same in all its rows
		: /^features / && $name eq 'learn_from_crowds' ? 'ARRAY[item_n % 11, item_n % 13]::float8[]'
		: /^prior / && $arguments =~ /"any"/ ? $argument{$_} =~ s/class //gr
		: $argument{$_} // die("no argument for $_ of $name")
	} split(/, /, $arguments)) . ')';
}

my @calls;
my @with_options;
for my $aggregate (@aggregates)
{
	my ($name, $arguments) = @$aggregate;
	my $options = exists $options{$name} ? "'$options{$name}'" : undef;
	push @calls, call_of($name, $arguments, $options);
	push @with_options, $aggregate if $arguments =~ /options/;
}
cmp_ok(scalar(@calls), '>=', 38, 'there are aggregates');

# Columns v0, v1, ... of texts.
sub texts
{
	my $n = 0;
	return join(', ', map { "($_)::text AS v" . $n++ } @_);
}

# The plan of a query, and the rows that it gave by this plan.
sub plan_and_rows
{
	my ($settings, $query) = @_;
	my ($plan, $rows) = rows_of_each($node,
		[ "$settings; EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) CREATE TEMP TABLE got AS $query", 'TABLE got' ]);
	return (join("\n", map { $_->[0] } @$plan), @$rows);
}

# The last columns are the calls' values: those of the row with the same group.
sub same_answers
{
	my ($what, $calls, $got, $want) = @_;
	my %want = map { $_->[0] => [ @$_[ -@$calls .. -1 ] ] } @$want;
	tally($what, @$got > 0, 'there is no row');
	for my $row (@$got)
	{
		for my $c (0 .. $#$calls)
		{
			my ($mine, $theirs) = ($row->[ $c - @$calls ], $want{ $row->[0] }[$c]);
			tally($what, defined $mine && defined $theirs && $mine eq $theirs,
				"$calls->[$c] of group $row->[0] differs");
		}
	}
	return;
}

my $sort = 'SET enable_hashagg = off';
my $hash = "SET enable_sort = off; SET work_mem = '256MB'";
my $spill = "SET enable_sort = off; SET work_mem = '64kB'; SET hash_mem_multiplier = 1";

# What is right: each aggregate alone, sorted.
sub right
{
	my ($table, @of) = @_;
	my %right;
	for my $rows (rows_of_each($node, map { [ "$sort; SELECT g, ($_)::text FROM $table GROUP BY g ORDER BY g" ] } @of))
	{
		push @{ $right{ $_->[0] } }, $_->[1] for @$rows;
	}
	return [ map { [ $_, @{ $right{$_} } ] } sort { $a <=> $b } keys %right ];
}
my $right = right('answers', @calls);
my $right_many = right('many', @calls);
my $all = texts(@calls);

#
# All in one query, so that some share a state: sorted, hashed, spilled
#
for ([ 'sorted', $sort, qr/GroupAggregate/ ], [ 'hashed', $hash, qr/HashAggregate(?!.*Disk Usage)/s ])
{
	my ($name, $settings, $plan) = @$_;
	my ($seen, @got) = plan_and_rows($settings, "SELECT g, $all FROM answers GROUP BY g");
	same_answers("$name, all in one query", \@calls, \@got, $right);
	like($seen, $plan, "$name: that plan");
}
for ([ 'hashed', $hash, qr/HashAggregate(?!.*Disk Usage)/s ], [ 'spilled', $spill, qr/HashAggregate.*Disk Usage/s ])
{
	my ($name, $settings, $plan) = @$_;
	my ($seen, @got) = plan_and_rows($settings, "SELECT g, $all FROM many GROUP BY g");
	same_answers("many groups, $name", \@calls, \@got, $right_many);
	like($seen, $plan, "many groups, $name: that plan");
}

#
# A hash table that is read again for each outer row: the final function is
# called again on the same state
#
my $outer = 'FROM (VALUES (6), (2), (6)) AS o(k)';
my $again = $node->pg_version < 14 ? $hash : "$hash; SET enable_memoize = off";

sub correlated
{
	my ($call) = @_;
	return "(SELECT v FROM (SELECT g, ($call)::text AS v FROM answers GROUP BY g OFFSET 0) AS s WHERE s.g = o.k)";
}
for (
	[ 'LATERAL', "SELECT s.* $outer, LATERAL (SELECT * FROM (SELECT g, " . texts(@calls) . " FROM answers GROUP BY g OFFSET 0) AS s WHERE s.g <= o.k OFFSET 0) AS s" ],
	[ 'correlated subqueries', "SELECT o.k, " . texts(map { correlated($_) } @calls) . " $outer" ])
{
	my ($name, $query) = @$_;
	my ($plan, @got) = plan_and_rows($again, $query);
	same_answers("hash aggregate scanned again, $name", \@calls, \@got, $right);
	like($plan, qr/HashAggregate \(actual rows=\S+ loops=3\)/, "$name: the aggregate is scanned for each row");
	like($plan, qr/Seq Scan on answers.* \(actual rows=\S+ loops=1\)/, "$name: but its input once");
}

# Each of those that fit alone, so that no other aggregate shares its state.
my @alone = grep { $calls[$_] =~ /^(logistic_regression|dawid_skene)/ } 0 .. $#calls;
my @got_alone = rows_of_each($node, map { [ "$again; SELECT o.k, " . correlated($calls[$_]) . " $outer" ] } @alone);
for my $n (@alone)
{
	same_answers('scanned again alone', [ $calls[$n] ], shift @got_alone, [ map { [ $_->[0], $_->[ $n + 1 ] ] } @$right ]);
}

# A cursor that goes back reads a group again, too.
{
	my ($query, @want) = ("SELECT g, $all FROM answers GROUP BY g", @$right);
	my @got = rows($node, "$hash; BEGIN; DECLARE c SCROLL CURSOR FOR $query; MOVE 3 FROM c; MOVE BACKWARD ALL FROM c; FETCH ALL FROM c");
	same_answers('a cursor that went back', \@calls, \@got, \@want);
}

#
# Window frames.  Every frame has two classes to learn.
#
for (
	[ 'growing', 'ROWS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING', 'v.i <= w.i + 1' ],
	[ 'moving', 'ROWS BETWEEN 4 PRECEDING AND 1 FOLLOWING', 'v.i BETWEEN w.i - 4 AND w.i + 1' ],
	[ 'shrinking', 'ROWS BETWEEN 1 PRECEDING AND UNBOUNDED FOLLOWING', 'v.i >= w.i - 1' ])
{
	my ($name, $frame, $within) = @$_;
	my $few = '(SELECT * FROM answers WHERE g = 4 AND i <= 20)';
	same_answers("$name window", \@calls,
		[ rows($node, "SELECT i, " . texts(map { "$_ OVER (ORDER BY i $frame)" } @calls) . " FROM $few AS w") ],
		[ rows($node, "SELECT w.i, a.* FROM $few AS w, LATERAL (SELECT " . texts(@calls) . " FROM $few AS v WHERE $within) AS a") ]);
}

#
# From row to row, past every size at which a state changes its form: what one
# more row makes of a state is what its value and that row make by hand
#
$node->safe_psql('postgres', <<'END');
CREATE AGGREGATE collect(text, float8[]) (SFUNC = training_set_accum, STYPE = training_set);
CREATE AGGREGATE collect(label_distribution, float8[], float8) (SFUNC = training_set_accum, STYPE = training_set);
CREATE AGGREGATE collect(text, label_distribution) (SFUNC = prediction_set_accum, STYPE = prediction_set);
CREATE AGGREGATE collect(text, text, text, label_distribution) (SFUNC = prediction_set_accum, STYPE = prediction_set);
CREATE AGGREGATE calibrated(text, label_distribution) (SFUNC = calibration_state_accum, STYPE = calibration_state);
CREATE AGGREGATE log_of(text, text) (SFUNC = confusion_matrix_accum, STYPE = confusion_matrix);
CREATE AGGREGATE learned(text, text, text) (SFUNC = annotator_counts_accum, STYPE = annotator_counts);
CREATE AGGREGATE learned(text, label_distribution, text) (SFUNC = annotator_counts_accum, STYPE = annotator_counts);
CREATE AGGREGATE log_of(text, text, text) (SFUNC = annotation_set_accum, STYPE = annotation_set);
END
for (
	[ 'matrix of 3 classes', 4200, q{annotator_confusion('c' || i % 3, 'c' || i * i % 3)}, q{confusion_matrix_accum(before, 'c' || i % 3, 'c' || i * i % 3)} ],
	[ 'matrix of 60 classes', 250, q{annotator_confusion('class ' || i % 60, 'c' || i % 7, i / 8.0)}, q{confusion_matrix_accum(before, 'class ' || i % 60, 'c' || i % 7, i / 8.0)} ],
	[ 'sum of matrices', 250, q{sum(confusion_matrix_accum(NULL, 'class ' || i % 60, 'c' || i % 7))}, q{confusion_matrix_combine(before, confusion_matrix_accum(NULL, 'class ' || i % 60, 'c' || i % 7))} ],
	[ 'matrix with a long label', 60, q{annotator_confusion(repeat('x', i * 100), 'c')}, q{confusion_matrix_accum(before, repeat('x', i * 100), 'c')} ],
	[ 'set', 250, q{annotation_set(repeat('x', 150) || i % 50, repeat('y', 150) || i % 7, 'c' || i % 3)}, q{annotation_set_accum(before, repeat('x', 150) || i % 50, repeat('y', 150) || i % 7, 'c' || i % 3)} ],
	[ 'set with gold', 1000, q{annotation_set(repeat('x', 50) || i, 'annotator ' || i % 50, 'c' || i % 3, CASE WHEN i % 3 = 0 THEN 'd' END)}, q{annotation_set_accum(before, repeat('x', 50) || i, 'annotator ' || i % 50, 'c' || i % 3, CASE WHEN i % 3 = 0 THEN 'd' END)} ],
	[ 'counted set', 300, q{annotation_set(repeat('x', 50) || i, 'annotator ' || i % 50, 'c' || i % 3, CASE WHEN i % 3 = 0 THEN 'd' END, 1 + i % 40)},
		q{annotation_set_counted_accum(before, repeat('x', 50) || i, 'annotator ' || i % 50, 'c' || i % 3, CASE WHEN i % 3 = 0 THEN 'd' END, 1 + i % 40)} ],
	[ 'sum of sets', 250, q{sum(annotation_set_accum(NULL, repeat('x', 150) || i % 50, repeat('y', 150) || i % 7, 'c'))}, q{annotation_set_combine(before, annotation_set_accum(NULL, repeat('x', 150) || i % 50, repeat('y', 150) || i % 7, 'c'))} ],
	[ 'scores', 400, q{score_set(i % 3 = 0, i % 50)}, q{score_set_accum(before, i % 3 = 0, i % 50)} ],
	[ 'weighted scores', 400, q{score_set(i % 3 = 0, i % 50, i / 7.0)}, q{score_set_accum(before, i % 3 = 0, i % 50, i / 7.0)} ],
	[ 'sum of scores', 250, q{sum(score_set_accum(score_set_accum(NULL, true, i % 9), false, i))}, q{score_set_combine(before, score_set_accum(score_set_accum(NULL, true, i % 9), false, i))} ],
	[ 'calibration', 100, q{calibrated('c' || i % 5, label_distribution(ARRAY['c' || i % 7, 'x'], '{0.75,0.25}'))}, q{calibration_state_accum(before, 'c' || i % 5, label_distribution(ARRAY['c' || i % 7, 'x'], '{0.75,0.25}'))} ],
	[ 'set with an item of 70,000 bytes', 5, q{annotation_set(repeat('x', 70000) || i, 'a', 'c')}, q{annotation_set_accum(before, repeat('x', 70000) || i, 'a', 'c')} ],
	[ 'counts of annotators', 600, q{learned(repeat('x', 70) || i % 50, 'c' || i % 3, 'c' || i % 4)}, q{annotator_counts_accum(before, repeat('x', 70) || i % 50, 'c' || i % 3, 'c' || i % 4)} ],
	[ 'expected counts', 300, q{learned('a' || i % 5, label_distribution(ARRAY['a', 'c' || i % 200], '{0.7,0.3}'), 'a')}, q{annotator_counts_accum(before, 'a' || i % 5, label_distribution(ARRAY['a', 'c' || i % 200], '{0.7,0.3}'), 'a')} ],
	[ 'training set', 100, q{collect('c' || i % 3, array_fill(i::float8, ARRAY[200]))}, q{training_set_accum(before, 'c' || i % 3, array_fill(i::float8, ARRAY[200]))} ],
	[ 'training set, soft and weighted', 100, q{collect(label_distribution(ARRAY['a', 'c' || i % 3], '{0.75,0.25}'), array_fill(-1 / i::float8, ARRAY[200]), i % 3)},
		q{training_set_accum(before, label_distribution(ARRAY['a', 'c' || i % 3], '{0.75,0.25}'), array_fill(-1 / i::float8, ARRAY[200]), i % 3)} ],
	[ 'predictions', 250, q{collect('c' || i % 3, label_distribution(ARRAY['c0', 'c' || (1 + i / 100)], '{0.75,0.25}'))},
		q{prediction_set_accum(before, 'c' || i % 3, label_distribution(ARRAY['c0', 'c' || (1 + i / 100)], '{0.75,0.25}'))} ],
	[ 'predictions of items', 250, q{collect(repeat('x', 150) || i % 50, 'a' || i % 7, 'c' || i % 3, label_distribution(ARRAY['c0', 'd' || i % 5], '{0.75,0.25}'))},
		q{prediction_set_accum(before, repeat('x', 150) || i % 50, 'a' || i % 7, 'c' || i % 3, label_distribution(ARRAY['c0', 'd' || i % 5], '{0.75,0.25}'))} ],
	[ 'training set of wide rows', 4, q{collect('c' || i % 3, array_fill(i::float8, ARRAY[9000]))}, q{training_set_accum(before, 'c' || i % 3, array_fill(i::float8, ARRAY[9000]))} ])
{
	my ($name, $n, $call, $by_hand) = @$_;
	is( value($node, "SELECT count(*) FROM (SELECT i, v, lag(v) OVER (ORDER BY i) AS before FROM (SELECT i, $call OVER (ORDER BY i) AS v FROM generate_series(1, $n) AS i) AS w) AS u WHERE v::text IS DISTINCT FROM ($by_hand)::text"),
		0, "$name: one more row, $n times");
}

#
# States that are joined: of partitions, of workers; logs, objects, and both
#
my %partial = ('sorted' => $sort, 'hashed' => $hash);
for my $name (sort keys %partial)
{
	my $settings = "$partial{$name}; SET enable_partitionwise_aggregate = on";
	my ($plan, @got) = plan_and_rows($settings, "SELECT g, $all FROM parts GROUP BY g");
	same_answers("partitions, $name", \@calls, \@got, $right);
	like($plan, qr/Finalize.*Partial.*Partial.*Partial/s, "partitions, $name: states of partitions are joined");
}

# Those whose states are all rows have no parallel plan, as it would not help.
my $workers = 'SET max_parallel_workers_per_gather = 2; SET parallel_leader_participation = off';
my @plans = rows_of_each($node, map { [ "$workers; EXPLAIN (COSTS OFF) SELECT $_ FROM answers" ] } @calls);
for my $call (@calls)
{
	my $plan = join("\n", map { $_->[0] } @{ shift @plans });
	my $fits = $call =~ /^(logistic_regression|dawid_skene|agreement|confident_joint|crowdlab|paired_bootstrap|learn_from_crowds)/;
	tally($fits ? 'no workers collect rows' : 'workers aggregate',
		$fits ? $plan !~ /Partial/ : $plan =~ /Finalize.*Partial/s, $call);
}

# Joined all the same where somebody declares so: states through another process.
ship_aggregates($node);
my @shipped = map { "shipped_$_" } @calls;
for my $n (2, 4)
{
	my $settings = "ALTER TABLE answers SET (parallel_workers = $n); $hash; SET max_parallel_workers_per_gather = $n; SET parallel_leader_participation = off";
	my ($plan, @got) = plan_and_rows($settings, 'SELECT g, ' . texts(@shipped) . ' FROM answers GROUP BY g');
	same_answers("workers, $n", \@calls, \@got, $right);
	like($plan, qr/Finalize.*Workers Launched: $n.*Partial/s, "$n workers: their states are joined");
}

# As engines do that send states from server to server as text
my @as_text = rows_of_each($node, map {
	my ($name, undef, $signature, $state) = @{ $aggregates[$_] };
	[ qq{
DO \$\$
DECLARE a pg_aggregate;
BEGIN
	SELECT * FROM pg_aggregate WHERE aggfnoid = '$signature'::regprocedure INTO a;
	EXECUTE format('CREATE AGGREGATE part_${_}_$name(%s) (SFUNC = %s, STYPE = %s)',
	               (SELECT string_agg(format_type(t, NULL), ', ') FROM pg_proc, unnest(proargtypes::oid[]) AS t WHERE oid = a.aggfnoid), a.aggtransfn, a.aggtranstype::regtype);
	EXECUTE format('CREATE AGGREGATE join_$_(%s) (SFUNC = %s, STYPE = %s, FINALFUNC = %s)', a.aggtranstype::regtype, a.aggcombinefn, a.aggtranstype::regtype, a.aggfinalfn);
END \$\$;
SELECT g, join_$_(s::$state)::text FROM (SELECT g, i % 3, part_${_}_$calls[$_]\::text AS s FROM answers GROUP BY 1, 2) AS p GROUP BY g} ]
} 0 .. $#aggregates);
for my $n (0 .. $#aggregates)
{
	same_answers('states as text', [ $calls[$n] ], $as_text[$n], [ map { [ $_->[0], $_->[ $n + 1 ] ] } @$right ]);
}

#
# GROUPING SETS, FILTER, DISTINCT, ORDER BY
#
for ([ 'sorted', $sort ], [ 'hashed', $hash ], [ 'spilled', $spill ])
{
	my ($name, $settings) = @$_;
	my @sets = rows($node, "$settings; SELECT g, $all FROM answers GROUP BY GROUPING SETS ((g), (h, (g > 3)), (h), ()) HAVING grouping(g, h) = 1");
	same_answers("grouping sets, $name", \@calls, \@sets, $right);
}
same_answers('FILTER', \@calls,
	[ rows($node, "$hash; SELECT g, " . texts(map { "$_ FILTER (WHERE i > 3)" } @calls) . ' FROM answers WHERE g > 3 GROUP BY g') ],
	[ rows($node, "$sort; SELECT g, $all FROM answers WHERE g > 3 AND i > 3 GROUP BY g") ]);
same_answers('ORDER BY', \@calls,
	[ rows($node, "SELECT g, " . texts(map { s/\)$/ ORDER BY abs(1000 - i), i)/r } @calls) . ' FROM answers GROUP BY g') ], $right);
{
	my @distinct = grep { !/soft|matrix|part|model|learn_from_crowds/ } @calls;
	my (@want, @queries);
	for my $call (@distinct)
	{
		my ($name, $arguments) = $call =~ /^(\w+)\((.*)\)$/;
		my @columns = grep { !/^'/ } split(/, (?=[a-z'])/, $arguments);
		push @queries, "SELECT g, ($call)::text FROM (SELECT DISTINCT g, " . join(', ', map { s/::.*//r } grep { /^[a-z]/ } @columns) . ' FROM answers) AS d GROUP BY g';
	}
	for my $rows (rows_of_each($node, map { [$_] } @queries))
	{
		push @{ $want[ $_->[0] ] }, $_->[1] for @$rows;
	}
	same_answers('DISTINCT', \@distinct,
		[ rows($node, 'SELECT g, ' . texts(map { s/\(/(DISTINCT /r } @distinct) . ' FROM answers GROUP BY g') ],
		[ map { [ $_, @{ $want[$_] } ] } 1 .. 6 ]);
}

#
# A log that is stored, by an aggregate without a final function, is a value
# like others; and no function changes its argument
#
is( value($node, q{
		SELECT log::text = cm::text AND total(log) = total(cm) AND labels(log) = labels(cm) AND counts(log) = counts(cm)
		   AND (log + log)::text = (cm + cm)::text AND smooth(log, cm, 1)::text = smooth(cm, log, 1)::text
		   AND f1_report(log)::text = f1_report(cm)::text AND log::jsonb = cm::jsonb
		   AND confusion_matrix_send(log) = confusion_matrix_send(cm)
		FROM (SELECT log_of(truth, label) AS log, annotator_confusion(truth, label) AS cm FROM answers WHERE g = 3) AS v}),
	't', 'confusion_matrix: a log is read like the matrix');
is( value($node, q{
		SELECT log::text = s::text AND annotation_summary(log) = annotation_summary(s) AND labels(log) = labels(s)
		   AND (log + log)::text = (s + s)::text AND log::jsonb = s::jsonb AND dawid_skene(log)::text = dawid_skene(s)::text
		   AND (SELECT count(*) FROM consensus(log, dawid_skene(s))) = (annotation_summary(s)).items
		   AND annotation_set_send(log) = annotation_set_send(s)
		FROM (SELECT log_of(item, annotator, label) AS log, annotation_set(item, annotator, label) AS s FROM answers WHERE g = 3) AS v}),
	't', 'annotation_set: a log is read like the set');
is( value($node, q{
		SELECT logistic_regression_final(log)::text = m::text AND training_set_send(log) = training_set_send(log::text::training_set)
		FROM (SELECT collect(label, features) AS log, logistic_regression(label, features) AS m FROM answers WHERE g = 3) AS v}),
	't', 'training_set: a log is read like the set');
is( value($node, q{
		SELECT confident_joint_final(log)::text = j::text AND prediction_set_send(log) = prediction_set_send(log::text::prediction_set) AND log = log::text::prediction_set
		FROM (SELECT collect(label, soft) AS log, confident_joint(label, soft) AS j FROM answers WHERE g = 3) AS v}),
	't', 'prediction_set: a log is read like the set');
is( value($node, q{
		SELECT count(*) FROM (
			SELECT c::text AS before, s::text AS set_before, t::text AS training_before, confusion_matrix_accum(c, 'x', 'y')::text, confusion_matrix_combine(c, c)::text,
			       annotation_set_accum(s, 'x', 'y', 'z')::text, annotation_set_combine(s, s)::text, training_set_accum(t, 'x', '{1,2,3}')::text, training_set_combine(t, t)::text,
			       logistic_regression_final(t)::text, c::text AS after, s::text AS set_after, t::text AS training_after
			FROM (SELECT log_of(truth, label) AS c, log_of(item, annotator, label) AS s, collect(label, features) AS t FROM answers WHERE g = 3 OFFSET 0) AS v OFFSET 0) AS w
		WHERE before = after AND set_before = set_after AND training_before = training_after}),
	1, 'by hand, nothing changes its argument');

#
# Options: the same for all rows, NULL among their values
#
for my $aggregate (@with_options)
{
	my ($name, $arguments) = @$aggregate;
	my $given = "'$options{$name}'";
	my (@what, @mixed);
	for (
		[ 'given, then NULL', "CASE WHEN i < 3 THEN $given END" ],
		[ 'NULL, then given', "CASE WHEN i >= 3 THEN $given END" ],
		[ 'NULL in the last row', "CASE WHEN i < 300 THEN $given END" ],
		[ 'given in the last row', "CASE WHEN i = 300 THEN $given END" ],
		[ 'empty or NULL', "CASE WHEN i % 2 = 0 THEN '{}' END" ],
		[ 'two', "CASE WHEN i % 2 = 0 THEN '{}' ELSE $given END" ])
	{
		my ($what, $options) = @$_;
		my $call = call_of($name, $arguments, "($options)");
		for ([ 'answers', $sort ], [ 'answers', $hash ], [ 'parts', "$hash; SET enable_partitionwise_aggregate = on" ], [ 'workers', "$hash; $workers" ])
		{
			my ($table, $settings) = @$_;
			my $of = $table eq 'workers' ? "shipped_$call" : $call;
			my $from = $table eq 'parts' ? 'parts' : 'answers';
			push @what, "$call, $what, $table";
			push @mixed, "$settings; SELECT g, $of FROM $from WHERE g = 5 GROUP BY g";
		}
	}
	for my $err (errors_of_each($node, @mixed))
	{
		tally('options that are not the same', $err =~ /ERROR:  options must be the same for all rows of an aggregate/, shift(@what) . ": $err");
	}
	my $null = call_of($name, $arguments, 'NULL');
	# (a weight as text is one only where options follow)
	my $without = call_of($name, $arguments =~ s/, options \w+//r =~ s/weight text/weight double precision/r, '');
	my @same = rows_of_each($node, map { ["SET enable_partitionwise_aggregate = on; SELECT bool_and(a = b) FROM (SELECT g, ($null)::text AS a, ($without)::text AS b FROM $_ GROUP BY g) AS v"] } 'answers', 'parts');
	is($_->[0][0], 't', "$null: as without options") for @same;
}
for (
	[ 'annotation_set', "dawid_skene_accum(NULL, 'i', 'a', 'l', NULL::jsonb)", "dawid_skene_accum(NULL, 'i', 'a', 'l', '{}'::jsonb)" ],
	[ 'annotator_counts', "annotator_counts_accum(NULL, 'a', 'x', 'x', NULL::jsonb)", "annotator_counts_accum(NULL, 'a', 'x', 'y', '{}'::jsonb)" ],
	[ 'training_set', "training_set_accum(NULL, 'a', '{1}', NULL::jsonb)", "training_set_accum(NULL, 'b', '{2}', '{}'::jsonb)" ])
{
	my ($type, $null, $given) = @$_;
	for my $state ($null, "$null\::text::$type", "$null\::$type")
	{
		$node->psql('postgres', "SELECT ${type}_combine($state, $given)", stderr => \my $err);
		like($err, qr/options must be the same.*\n.*NULL in some rows/, "$type: a state remembers that options were NULL");
	}
	is( value($node, "SELECT ${type}_combine($null, $null)::text = ${type}_combine($null\::text::$type, $null\::text::$type)::text"),
		't', "$type: and joins its like");
}
report_checks();

log_is_clean($node);
$node->stop;
done_testing();
