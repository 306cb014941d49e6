# oof_predict(): the folds are not shown, but they can be found out.  A row that
# weighs more changes the predictions of all rows but those of its own fold.
# With the folds, each is fitted again by logistic_regression() on the other rows.
#
# And what must not matter: other partitions, the order of rows, the plan.  And
# what must not help: copies of a row, where they are known to be copies.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use List::Util qw(max min sum0 uniq);
use LogisticProblems;
use NoisyLabel;
use Test::More;

my $node = new_node('oof_predict', "max_parallel_workers = 4\nmax_worker_processes = 8\n");

#
# Groups of one to four rows, three classes that features tell apart in part
#
my $draw = new_generator(20);
my @rows;
my ($groups, $id) = (40, 0);
for my $group (1 .. $groups)
{
	for (0 .. $draw->(4))
	{
		my @x = map { ($draw->(400) - 200) / 64 } 1 .. 4;
		my $score = $x[0] + $x[1] / 2 + ($draw->(400) - 200) / 100;
		my $class = $score < -1 ? 'a' : $score < 1 ? 'b' : 'c';
		my %target = map { $_ => 0.125 } qw(a b c);
		$target{$class} += 0.625;
		push @rows,
		  [
			++$id, "group $group", $class,
			'{' . join(', ', map { "\"$_\": $target{$_}" } sort keys %target) . '}',
			$draw->(8) / 2 + 0.5,
			'{' . join(',', @x) . '}'
		  ];
	}
}
$node->safe_psql('postgres',
	'CREATE TABLE o (id int, grp text, label text, target label_distribution, weight float8, x float8[])');
copy_in($node, 'o', \@rows);
my %group_of = map { $_->[0] => $_->[1] } @rows;
my %label_of = map { $_->[0] => $_->[2] } @rows;

# Probabilities of all rows, by id
sub predictions
{
	my ($arguments, $from) = @_;
	return map { $_->[0] => json($_->[1]) }
	  rows($node, "SELECT id, oof_predict($arguments) OVER () FROM $from");
}

sub difference
{
	my ($p, $q) = @_;
	return max(map { abs(($p->{$_} // 0) - ($q->{$_} // 0)) } keys %$p, keys %$q);
}

# The fold of each row, by id; and predictions
sub folds
{
	my ($arguments, $table) = @_;
	my %base = predictions($arguments, $table);
	my (%fold, $fold);
	for my $id (sort { $a <=> $b } keys %base)
	{
		next if defined $fold{$id};
		my %changed = predictions($arguments,
			"(SELECT id, grp, label, target, x, CASE id WHEN $id THEN weight * 5 ELSE weight END AS weight FROM $table) AS v");
		$fold++;
		my @same = grep { difference($base{$_}, $changed{$_}) < 1e-7 } keys %base;
		tally("$arguments: each row is of one fold", !defined $fold{$_}, "row $_") for @same;
		$fold{$_} = $fold for @same;
		tally("$arguments: a row does not judge itself", defined $fold{$id}, "row $id");
		last if $fold > 50;
	}
	return (\%fold, \%base);
}

my %variant = (
	'five folds' => [ 'label', 5, '' ],
	'three folds, seed 7' => [ 'label', 3, ', "folds": 3, "seed": 7' ],
	'ten folds' => [ 'label', 10, ', "folds": 10' ],
	'balanced' => [ 'label', 5, ', "class_weight": "balanced"' ],
	'soft targets' => [ 'target', 5, '' ],
	'two classes' => [ 'label', 5, '' ],
	'another seed' => [ 'label', 5, ', "seed": 1' ],
	'a feature that is constant elsewhere' => [ 'label', 5, '' ],
	'categories' => [ 'label', 5, '' ],
	'categories that are said to be copies' => [ 'label', 3, ', "duplicates": "together"' ],
	'one group out' => [ 'label', $groups, qq(, "folds": $groups) ]);
# three values: rows of a group have several of them, or all the same
my $category = 'SELECT id, grp, label, target, weight, ARRAY[(%1$s = 0)::int, (%1$s = 1)::int]::float8[] AS x';
my %table = (
	'two classes' => "(SELECT * FROM o WHERE label <> 'c') AS w",
	'categories' => '(' . sprintf($category, 'id % 3') . ' FROM o) AS w',
	'categories that are said to be copies' => '(' . sprintf($category, 'substr(grp, 7)::int % 3') . ' FROM o) AS w',
	# only one group has anything but 0, and much of it
	'a feature that is constant elsewhere' =>
	  "(SELECT id, grp, label, target, weight, x || CASE grp WHEN 'group 7' THEN 1e6 + id ELSE 0 END::float8 AS x FROM o) AS w");
my %fold_of;
for my $name (sort keys %variant)
{
	my ($target, $folds, $options) = @{ $variant{$name} };
	my $fit_options = '"l2": 0.5, "tolerance": 1e-10, "max_iterations": 10000'
	  . ($options =~ /(, "class_weight": "balanced")/ ? $1 : '');
	my $table = $table{$name} // 'o';
	my ($fold, $base) = folds(qq($target, x, grp, weight, '{$fit_options$options}'::jsonb), $table);
	$fold_of{$name} = $fold;
	is(scalar(uniq(values %$fold)), $folds, "$name: so many folds");
	my %folds_of_group;
	$folds_of_group{ $group_of{$_} }{ $fold->{$_} } = 1 for keys %$fold;
	tally("$name: a group is in one fold", keys %{ $folds_of_group{$_} } == 1, $_)
	  for keys %folds_of_group;

	# each fold again, by a model of the other rows
	$node->safe_psql('postgres', 'DROP TABLE IF EXISTS folds; CREATE TABLE folds (id int, fold int)');
	copy_in($node, 'folds', [ map { [ $_, $fold->{$_} ] } keys %$fold ]);
	my $compared = 0;
	for (rows($node, qq{
		SELECT id, predict(m, x)
		FROM $table JOIN folds USING (id)
		JOIN (SELECT f, (SELECT logistic_regression($target, x, weight, '{$fit_options}'::jsonb)
		                 FROM $table JOIN folds USING (id) WHERE fold <> f) AS m
		      FROM (SELECT DISTINCT fold AS f FROM folds) AS v) AS fitted ON f = fold}))
	{
		my ($id, $distribution) = @$_;
		my $difference = difference($base->{$id}, json($distribution));
		tally("$name: the prediction of a model of the other folds", $difference < 1e-7, "row $id: $difference");
		$compared++;
	}
	is($compared, scalar(keys %$base), "$name: all rows were compared");
	report_checks();
}
isnt(partition_string($fold_of{'five folds'}), partition_string($fold_of{'another seed'}),
	'another seed, other folds');
is(partition_string($fold_of{'five folds'}), partition_string($fold_of{'balanced'}),
	'class weights do not change the folds');

sub partition_string
{
	my $fold = shift;
	my %members;
	push @{ $members{ $fold->{$_} } }, $_ for sort { $a <=> $b } keys %$fold;
	return join(' | ', sort map { "@$_" } values %members);
}

# With one group left out, the label of a row has no say in its own prediction.
for my $id (1, 20, 50)
{
	my $options = qq('{"folds": $groups}'::jsonb);
	my %base = predictions("label, x, grp, $options", 'o');
	my %changed = predictions(
		"CASE id WHEN $id THEN CASE label WHEN 'a' THEN 'c' ELSE 'a' END ELSE label END, x, grp, $options", 'o');
	for (keys %base)
	{
		my $difference = difference($base{$_}, $changed{$_});
		if ($group_of{$_} eq $group_of{$id})
		{
			tally('a label has no say in the predictions of its group', $difference < 1e-5, "row $id, row $_: $difference");
		}
		else
		{
			tally('a label has a say in other predictions', $difference > 1e-5, "row $id, row $_: $difference");
		}
	}
}
report_checks();

# Stratified: where each row is its own group, classes are spread evenly
my ($alone) = folds(q(label, x, id::text, weight, '{"tolerance": 1e-10, "max_iterations": 10000}'::jsonb), 'o');
for my $class (qw(a b c))
{
	my %count = map { $_ => 0 } values %$alone;
	$count{ $alone->{$_} }++ for grep { $label_of{$_} eq $class } keys %$alone;
	tally('classes are spread over the folds', max(values %count) - min(values %count) <= 1,
		"class $class: " . join(' ', values %count));
}
report_checks();

#
# Partitions, order, plans: to the byte
#
$node->safe_psql('postgres', <<'END');
CREATE TABLE parts AS
SELECT p, 'item ' || i / 3 AS item, i,
       CASE WHEN hashint4(i * 31 + p) % 100 + 60 * (i / 3 % 2) - 30 > 0 THEN 'yes' ELSE 'no' END AS label,
       1 + i % 3 AS weight,
       ARRAY[i / 3 % 2 + hashint4(i) / 2e9, hashint4(i + 1000 * p) / 1e9, p + hashint4(-i) / 1e9]::float8[] AS x
FROM generate_series(1, 40) AS p, generate_series(1, 45 + 3 * (p % 7)) AS i;
CREATE TABLE shuffled AS SELECT * FROM parts ORDER BY md5(p::text || '/' || i);
ANALYZE parts;
ANALYZE shuffled;
END

my $parallel = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 4';
my $serial = 'SET max_parallel_workers_per_gather = 0';

sub all_of
{
	my ($settings, $query) = @_;
	return value($node, "$settings; SELECT md5(string_agg(v::text, ';' ORDER BY p, i)) FROM ($query) AS v");
}

for my $arguments ('label, x', 'label, x, item', 'label, x, item, weight, \'{"l2": 3}\'::jsonb', 'label, x::real[], item, \'{"seed": 3, "folds": 4}\'::jsonb')
{
	my $want = all_of($serial, "SELECT p, i, oof_predict($arguments) OVER (PARTITION BY p) AS d FROM parts");
	my %query = (
		'rows in another order' => [ $serial, "SELECT p, i, oof_predict($arguments) OVER (PARTITION BY p) AS d FROM shuffled" ],
		'an order in the window' => [ $serial, "SELECT p, i, oof_predict($arguments) OVER (PARTITION BY p ORDER BY x[1], i DESC) AS d FROM shuffled" ],
		'a frame in the window' => [ $serial, "SELECT p, i, oof_predict($arguments) OVER (PARTITION BY p ORDER BY i ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS d FROM parts" ],
		'parallel scan' => [ $parallel, "SELECT p, i, oof_predict($arguments) OVER (PARTITION BY p) AS d FROM shuffled" ],
		'little memory' => [ "$serial; SET work_mem = '64kB'", "SELECT p, i, oof_predict($arguments) OVER (PARTITION BY p) AS d FROM shuffled" ],
		'partitions alone' => [ $serial,
			"SELECT v.* FROM generate_series(1, 40) AS q, LATERAL (SELECT p, i, oof_predict($arguments) OVER () AS d FROM parts WHERE p = q OFFSET 0) AS v" ]);
	for my $name (sort keys %query)
	{
		is(all_of(@{ $query{$name} }), $want, "oof_predict($arguments), $name: the same to the byte");
	}
}
like(query_plan("$parallel; EXPLAIN SELECT oof_predict(label, x) OVER (PARTITION BY p) FROM shuffled"),
	qr/Gather/, 'that was a parallel plan');

sub query_plan
{
	return join("\n", map { $_->[0] } rows($node, shift));
}

# One row, one result, whatever is in the rest of the query
is( value($node, 'SELECT count(d) = count(*) AND count(*) = (SELECT count(*) FROM parts) FROM (SELECT oof_predict(label, x, item) OVER (PARTITION BY p) AS d FROM parts) AS v'),
	't',
	'each row has a prediction');

# An outlier that a model does not see must not drown what its own rows vary by
my $outlier = q[(SELECT i, grp, label, CASE i WHEN 1 THEN ARRAY[x[1], 1e11] ELSE x END AS x
	FROM (SELECT i, i % 2 AS grp, (hashint4(i) % 3 > 0)::text AS label,
	             ARRAY[hashint4(i + 1000) / 2e9, hashint4(i) % 3 + hashint4(i + 2000) / 2e9]::float8[] AS x
	      FROM generate_series(1, 200) AS i) AS v) AS w];
my $drowned = value($node, qq[SELECT max(abs(probability(d, 'true') - probability(predict(m, x), 'true')))
	FROM (SELECT *, oof_predict(label, x, grp::text, '{"folds": 2}'::jsonb) OVER () AS d FROM $outlier) AS a,
	     (SELECT logistic_regression(label, x) AS m FROM $outlier WHERE grp = 0) AS b
	WHERE grp = 1]);
cmp_ok($drowned, '<', 1e-4, "beside an outlier: a model of the other rows, but for $drowned");

# and a tolerance that rounding does not let it reach must not keep it searching
my $searched = value($node, qq[SET statement_timeout = '60s'; SELECT count(d)
	FROM (SELECT oof_predict(label, x, grp::text, '{"folds": 2, "tolerance": 1e-10, "max_iterations": 10000}'::jsonb) OVER () AS d
	      FROM (SELECT grp, label, CASE i WHEN 1 THEN ARRAY[x[1], 1e9] ELSE x END AS x FROM $outlier) AS v) AS v]);
is($searched, 200, 'beside an outlier: an end to the search');

# The aggregate, and a twin of it that may have workers (it has none itself)
ship_aggregates($node);
for my $arguments ('label, x', 'label, x, weight', 'label, x, weight * 0.1, \'{"class_weight": "balanced"}\'::jsonb', 'label, x::real[]')
{
	my $fit = "logistic_regression($arguments)";
	my $shipped = "shipped_$fit";
	my $want = value($node, "$serial; SELECT md5($fit\::text) FROM parts");
	is(value($node, "$serial; SELECT md5($fit\::text) FROM shuffled"), $want, "$fit, rows in another order: the same to the byte");
	is(value($node, "$serial; SELECT md5(logistic_regression($arguments ORDER BY x)::text) FROM shuffled"), $want, "$fit, ordered: the same to the byte");
	for my $workers (1, 2, 4)
	{
		my $settings = "$parallel; SET max_parallel_workers_per_gather = $workers; ALTER TABLE shuffled SET (parallel_workers = $workers)";
		is(value($node, "$settings; SELECT md5($shipped\::text) FROM shuffled"), $want, "$fit, $workers workers: the same to the byte");
		is(value($node, "$settings; SET parallel_leader_participation = off; SELECT md5($shipped\::text) FROM shuffled"), $want, "$fit, $workers workers without the leader: the same to the byte");
	}
	like(query_plan("$parallel; EXPLAIN SELECT $shipped FROM shuffled"), qr/Partial Aggregate/, "$fit: that was a parallel plan");
	unlike(query_plan("$parallel; EXPLAIN SELECT $fit FROM shuffled"), qr/Partial Aggregate/, "$fit: not planned so itself");
	my $each = value($node, "$serial; SELECT md5(string_agg(v::text, ';' ORDER BY p)) FROM (SELECT p, $fit\::text AS m FROM parts GROUP BY p) AS v");
	is(value($node, "$parallel; SELECT md5(string_agg(v::text, ';' ORDER BY p)) FROM (SELECT p, $shipped\::text AS m FROM shuffled GROUP BY p) AS v"), $each, "$fit by group, parallel: the same to the byte");
}

#
# Many rows: more than are kept in one piece
#
$node->safe_psql('postgres', <<'END');
CREATE TABLE many AS
SELECT i, CASE WHEN hashint4(i) % 3 > 0 THEN 'yes' ELSE 'no' END AS label,
       ARRAY[hashint4(i + 1) % 1000, hashint4(i + 2) % 1000 / 8.0 + hashint4(i) % 3, hashint4(i + 3) % 1000 / 512.0]::float8[] AS x
FROM generate_series(1, 80000) AS i;
CREATE TABLE many_shuffled AS SELECT * FROM many ORDER BY hashint4(i);
ALTER TABLE many_shuffled SET (parallel_workers = 3);
ANALYZE many;
ANALYZE many_shuffled;
END
my $fit = q(md5(logistic_regression(label, x, '{"tolerance": 1e-4}'::jsonb)::text));
(my $shipped = $fit) =~ s/logistic_regression/shipped_logistic_regression/;
is(value($node, "$parallel; SELECT $shipped FROM many_shuffled"), value($node, "$serial; SELECT $fit FROM many"),
	'many rows, parallel and in another order: the same to the byte');
my $oof = 'SELECT md5(string_agg(d::text, \';\' ORDER BY i)) FROM (SELECT i, oof_predict(label, x) OVER () AS d';
is(value($node, "$parallel; $oof FROM many_shuffled) AS v"), value($node, "$serial; $oof FROM many) AS v"),
	'oof_predict, many rows, parallel and in another order: the same to the byte');

#
# Nothing to learn: the labels have nothing to do with the features.  Each item
# is there five times, with one label; ten sets of 200 items.
#
my @noise;
for my $set (1 .. 10)
{
	my $draw = new_generator(7000 + $set);
	for my $item (1 .. 200)
	{
		my $x = '{' . join(',', map { ($draw->(2000) - 1000) / 512 } 1 .. 40) . '}';
		my $label = $draw->(2);
		push @noise, map { [ $set, $item, $_, $label, $x ] } 1 .. 5;
	}
}
$node->safe_psql('postgres', 'CREATE TABLE noise (s int, item int, copy int, label int, x float8[])');
copy_in($node, 'noise', \@noise);
# the error of a share of 2000 items is at most this, in 999 of 1000 cases
my $error = 3.29 * sqrt(0.25 / 2000);

sub accuracy
{
	my ($arguments, $from, $truth) = @_;
	return value($node,
		"SELECT avg((top_label(d) = ($truth)::text)::int) FROM (SELECT *, oof_predict($arguments) OVER (PARTITION BY s) AS d FROM $from) AS v");
}

# Copies that are not the same to the last digit are only known by their group.
my $near = '(SELECT s, item, copy, label, x[1:39] || x[40] + copy / 1e6 AS x FROM noise) AS w';
my $leaking = accuracy("label::text, x, item || '.' || copy", $near, 'label');
cmp_ok($leaking, '>', 0.6, 'near copies in groups of their own: what leakage looks like');
note("leaking: $leaking");

# One of the five has the other label.
my $relabelled = '(SELECT s, item, copy, x, CASE copy WHEN 3 THEN 1 - label ELSE label END AS label, label AS most FROM noise) AS w';
my %fair = (
	'groups of copies' => [ 'label::text, x, item::text', 'noise', 'label' ],
	'copies without a group' => [ 'label::text, x', 'noise', 'label' ],
	'copies without a group, real[]' => [ 'label::text, x::real[]', 'noise', 'label' ],
	'copies without a group, one relabelled' => [ 'label::text, x', $relabelled, 'most' ],
	'groups of near copies' => [ 'label::text, x, item::text', $near, 'label' ],
	'copies in groups of their own' => [ "label::text, x, item || '.' || copy", 'noise', 'label' ],
	'groups of copies, one relabelled' => [ 'label::text, x, item::text', $relabelled, 'most' ],
	'groups of copies, little regularisation' => [ 'label::text, x, item::text, \'{"l2": 0.01}\'::jsonb', 'noise', 'label' ]);
for my $name (sort keys %fair)
{
	my $accuracy = accuracy(@{ $fair{$name} });
	cmp_ok(abs($accuracy - 0.5), '<', $error, "$name: noise is predicted by chance");
	note("$name: $accuracy");
}

# Two rows of a group, each knows the label of the other
my $other = q[(SELECT s, item / 2 AS pair, label,
	array_append(x[1:3], (sum(label) OVER (PARTITION BY s, item / 2) - label)::float8) AS x
	FROM noise WHERE copy = 1) AS w];
my $knowing = accuracy('label::text, x, pair::text', $other, 'label');
cmp_ok(abs($knowing - 0.5), '<', $error, 'the label of the other row of the group does not help');
note("knowing the other: $knowing");

log_is_clean($node);
$node->stop;
done_testing();
