# score_set and its readers, and calibration: what scikit-learn and numpy say of random
# cases with ties and weights (test/data/scores.json); the same bytes in every order, by
# every plan; curves thinned within their bound; acceptance() keeps its promise.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use List::Util qw(sum0);
use NoisyLabel;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('scores', <<'END');
autovacuum = off
max_parallel_workers_per_gather = 0
min_parallel_table_scan_size = 0
parallel_setup_cost = 0
parallel_tuple_cost = 0
END
my $peers = json(slurp_file("$FindBin::RealBin/../data/scores.json"));
my $tolerance = 1e-10;

#
# Rankings
#
my @rankings = @{ $peers->{rankings} };
cmp_ok(scalar(@rankings), '>=', 200, "rankings of $peers->{made_by}");
$node->safe_psql('postgres', 'CREATE TABLE r (id int, weighted boolean, t boolean, s float8, w float8)');
copy_in($node, 'r', [
	map {
		my $id = $_;
		my $c = $rankings[$id];
		map { [ $id, $c->{weight} ? 't' : 'f', $c->{truth}[$_] ? 't' : 'f', $c->{score}[$_], $c->{weight} ? $c->{weight}[$_] : 1 ] } 0 .. $#{ $c->{truth} }
	} 0 .. $#rankings
]);
$node->safe_psql('postgres', q{
	CREATE TABLE v AS SELECT id, CASE WHEN bool_or(weighted) THEN score_set(t, s, w) ELSE score_set(t, s) END AS s FROM r GROUP BY id;
});
my @columns = qw(roc_auc auc_low auc_high average_precision best_f1 best_f1_threshold);
my @calibrated = qw(log_loss brier);
for (rows($node, 'SELECT id, ' . join(', ', map { "(q).$_" } @columns) . ', ' . join(', ', map { "(c).$_" } @calibrated)
	  . ' FROM (SELECT id, ranking_report(s) AS q, calibration(s) AS c FROM v OFFSET 0) AS x'))
{
	my ($id, @got) = @$_;
	for my $i (0 .. $#got)
	{
		my $name = (@columns, @calibrated)[$i];
		check_close($name, "ranking $id", $got[$i], $rankings[$id]{$name}, $tolerance, 1e-3);
	}
}
# as an aggregate, of the same numbers
is( value($node, q{SELECT bool_and(a IS NOT DISTINCT FROM b) FROM (SELECT id, ranking_report(t, s, w) AS a FROM r GROUP BY id) AS x JOIN (SELECT id, ranking_report(s) AS b FROM v) AS y USING (id)}),
	't', 'ranking_report() of rows is that of their set');

for my $curve ('pr_curve', 'roc_curve')
{
	my %got;
	push @{ $got{ $_->[0] } }, [ @$_[ 1, 3, 4 ] ] for rows($node, "SELECT id, c.* FROM v, $curve(s) AS c");
	for my $id (0 .. $#rankings)
	{
		my $want = $rankings[$id]{$curve} // next;
		my @got = @{ $got{$id} };
		# scikit-learn's begins at the full recall that the curve comes to first
		check_exact("$curve: points", "ranking $id", scalar(@got), scalar(@$want)) if $curve eq 'roc_curve';
		for my $i (0 .. $#$want)
		{
			check_close("$curve: points", "ranking $id, point $i", $got[$i][$_], $want->[$i][$_], $tolerance, 1e-3) for 0 .. 2;
		}
	}
}

#
# Distributions
#
my @distributions = @{ $peers->{distributions} };
$node->safe_psql('postgres', 'CREATE TABLE d (id int, truth int, p float8[], k int, bins int)');
copy_in($node, 'd', [
	map {
		my $id = $_;
		my $c = $distributions[$id];
		map { [ $id, $c->{truth}[$_], '{' . join(',', @{ $c->{p}[$_] }) . '}', scalar(@{ $c->{p}[$_] }), $c->{bins} ] } 0 .. $#{ $c->{truth} }
	} 0 .. $#distributions
]);
$node->safe_psql('postgres', q{
	ALTER TABLE d ADD predicted label_distribution;
	UPDATE d SET predicted = label_distribution(ARRAY(SELECT (i - 1)::text FROM generate_series(1, k) AS i), p);
});
# bins differ from case to case, so each is a query
for my $id (0 .. $#distributions)
{
	my $c = $distributions[$id];
	my ($row) = rows($node, "SELECT (c).log_loss, (c).brier, (c).ece, (c).mce, (SELECT sum(b.n) FROM unnest((c).bins) AS b), (b).brier - (b).reliability + (b).resolution - (b).uncertainty - (b).within_bins, (b).brier"
		  . " FROM (SELECT calibration(truth, predicted, $c->{bins}) AS c, brier_decomposition(truth, predicted, $c->{bins}) AS b FROM d WHERE id = $id) AS x");
	check_close('log_loss', $id, $row->[0] eq 'Infinity' ? undef : $row->[0], $c->{log_loss}, $tolerance, 1e-3);
	check_close("multi-class $_->[0]", $id, $row->[ $_->[1] ], $c->{ $_->[0] }, $tolerance, 1e-3) for [ 'brier', 1 ], [ 'ece', 2 ], [ 'mce', 3 ], [ 'brier', 6 ];
	check_exact('bins hold all rows', $id, $row->[4], scalar(@{ $c->{truth} }));
	tally('the parts of the Brier score sum to it', abs($row->[5]) < 1e-12, "$id: $row->[5]");
	my @classes = rows($node, "SELECT u.label, u.brier, u.ece, u.mce FROM (SELECT class_calibration(truth, predicted, $c->{bins}) AS c FROM d WHERE id = $id) AS x, unnest(c) AS u");
	check_exact('class by class', $id, scalar(@classes), scalar(@{ $c->{classes} }));
	for my $class (@classes)
	{
		check_close('class by class', "$id, class $class->[0]", $class->[$_], $c->{classes}[ $class->[0] ][ $_ - 1 ], $tolerance, 1e-3) for 1 .. 3;
	}
	# one number for one thing: the top label's bins are those of a set of its scores
	tally('calibration of a distribution and of its scores',
		value($node, "SELECT a::text = b::text AND abs((s).ece - (c).ece) < 1e-12 FROM (SELECT calibration(truth, predicted, $c->{bins}) AS c, calibration(score_set(top_label(predicted) = truth::text, confidence(predicted)), $c->{bins}) AS s FROM d WHERE id = $id) AS x,"
			  . " LATERAL (SELECT array_agg((low, high, n, round(confidence::numeric, 12), accuracy, accuracy_low) ORDER BY low) AS a FROM unnest((c).bins)) AS a, LATERAL (SELECT array_agg((low, high, n, round(confidence::numeric, 12), accuracy, accuracy_low) ORDER BY low) AS b FROM unnest((s).bins)) AS b") eq 't',
		$id);
}
report_checks();

#
# The same bytes
#
$node->safe_psql('postgres', q{
	CREATE FUNCTION draw(i bigint) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT (hashint8extended(i, 7) & 1048575) / 1048576.0';
	CREATE TABLE rows AS SELECT i, i % 7 AS g, draw(i) AS s, draw(i + 1000000) < draw(i) AS t, 1 + i % 3 AS whole, (1 + i % 11) / 7.0::float8 AS w,
		label_distribution(ARRAY['a', 'b', 'c'], ARRAY[draw(i), (1 - draw(i)) / 3, (1 - draw(i)) * 2 / 3]) AS d FROM generate_series(1, 60000) AS i;
	ALTER TABLE rows SET (parallel_workers = 2);
	ANALYZE rows;
	CREATE TABLE parts AS SELECT i % 100 AS part, score_set(t, s) AS a, score_set(t, s, whole) AS b, score_set(t, s, w) AS c FROM rows GROUP BY i % 100;
});
my $truth = q{(ARRAY['a', 'b', 'c', 'd'])[1 + i % 4]};
my @makes = ('score_set(t, s%s)', 'score_set(t, s, whole%s)', 'score_set(t, s, w%s)', "calibration($truth, d%s)", "class_calibration($truth, d, 7%s)", "brier_decomposition($truth, d%s)", 'ranking_report(t, s, w%s)');
for my $make (@makes)
{
	my $plain = value($node, 'SELECT md5((' . sprintf($make, '') . ')::text) FROM rows');
	is(value($node, 'SELECT md5((' . sprintf($make, " ORDER BY $_") . ')::text) FROM rows'), $plain, "$make, by $_") for 's', 'md5(i::text)';
	my $workers = 'SET max_parallel_workers_per_gather = 2; ';
	my $query = 'SELECT md5((' . sprintf($make, '') . ')::text) FROM rows';
	is(value($node, "$workers$query"), $plain, "$make, by workers");
	like(join("\n", map { $_->[0] } rows($node, $workers . "EXPLAIN (COSTS OFF) $query")), qr/Finalize.*Partial/s, "$make: in parallel");
}
for (['a', 'score_set(t, s)'], ['b', 'score_set(t, s, whole)'], ['c', 'score_set(t, s, w)'])
{
	my ($part, $make) = @$_;
	is(value($node, "SELECT sum($part ORDER BY part) = sum($part ORDER BY -part) AND sum($part ORDER BY part) = (SELECT $make FROM rows) AND sum($part\::text::score_set) = sum($part) FROM parts"), 't', "$make: the sum of parts");
}
is(value($node, 'SELECT score_set(t, s, whole) = (SELECT score_set(t, s) FROM rows, generate_series(1, whole)) FROM rows'), 't', 'a weight of 2 is two rows');
is(value($node, 'SELECT ranking_report(score_set(t, s, whole)) = (SELECT ranking_report(t, s) FROM rows, generate_series(1, whole)) FROM rows'), 't', 'so the reports are the same');

#
# Thinned curves
#
my $pr_area = q{(SELECT sum(step) FROM (SELECT (recall - lag(recall, 1, 0) OVER w) * ppv AS step FROM %s WINDOW w AS (ORDER BY selected)) AS x)};
my $pr_trapezes = q{(SELECT sum(step) FROM (SELECT (recall - lag(recall, 1, 0) OVER w) * (ppv + lag(ppv, 1, ppv) OVER w) / 2 AS step FROM %s WINDOW w AS (ORDER BY selected)) AS x)};
my $roc_area = q{(SELECT sum(step) FROM (SELECT (false_positive_rate - lag(false_positive_rate, 1, 0) OVER w) * (true_positive_rate + lag(true_positive_rate, 1, 0) OVER w) / 2 AS step FROM %s WINDOW w AS (ORDER BY selected)) AS x)};
for my $set ('score_set(t, s)', 'score_set(t, s, w)', 'score_set(NOT t, s)', 'score_set(i % 97 = 0, s)', 'score_set(i % 2 = 0, s)', 'score_set(s > 0.3 OR i % 5 = 0, s)', 'score_set(t, round(s::numeric, 3)::float8)')
{
	my ($row) = rows($node, "SELECT (SELECT count(*) FROM pr_curve(s)), (SELECT count(*) FROM roc_curve(s)), abs(" . sprintf($pr_area, 'pr_curve(s)') . ' - (ranking_report(s)).average_precision), abs('
		  . sprintf($roc_area, 'roc_curve(s)') . ' - (ranking_report(s)).roc_auc), abs(' . sprintf($pr_trapezes, 'pr_curve(s)') . ' - ' . sprintf($pr_trapezes, 'pr_curve(s, 1000000)') . ")"
		  . " FROM (SELECT $set AS s FROM rows OFFSET 0) AS v");
	my ($pr, $roc, $pr_error, $roc_error, $trapezes) = @$row;
	cmp_ok($pr, '<', 10000, "$set: $pr points of precision and recall");
	cmp_ok($roc, '<', 2000, "$set: $roc points of the rates");
	cmp_ok($pr_error, '<=', 1e-3, "$set: average precision within 0.001 ($pr_error)");
	cmp_ok($roc_error, '<=', 1e-3, "$set: AUC within 0.001 ($roc_error)");
	cmp_ok($trapezes, '<=', 1e-3, "$set: area by trapezes within 0.001 ($trapezes)");
	for my $points (2, 3, 10, 200)
	{
		my ($counts) = rows($node, "SELECT (SELECT count(*) FROM pr_curve(s, $points)), (SELECT count(*) FROM roc_curve(s, $points)), (SELECT max(selected) FROM pr_curve(s, $points)), (SELECT max(selected) FROM roc_curve(s, $points)), (ranking_report(s)).n FROM (SELECT $set AS s FROM rows OFFSET 0) AS v");
		tally('no more points than asked for', $counts->[0] <= $points && $counts->[1] <= $points && $counts->[0] >= 2, "$set, $points: @$counts");
		tally('the last selects all', $counts->[2] == $counts->[4] && $counts->[3] == $counts->[4], "$set, $points: @$counts");
	}
}
report_checks();

#
# acceptance(), step by step, by an independent reading of its procedure
#
$node->safe_psql('postgres', q{
	CREATE TABLE cases AS SELECT c, n, least, target, level, CASE WHEN c % 3 = 0 THEN round(draw(c * 10000 + i)::numeric, 1) ELSE draw(c * 10000 + i) END AS s,
		draw(c * 10000 + i + 5000) < 0.7 + 0.35 * draw(c * 10000 + i) AS t
	FROM (SELECT c, 20 + (draw(c) * 700)::int AS n, (ARRAY[0.8, 0.9, 0.95])[1 + c % 3] AS target, (ARRAY[0.95, 0.9, 0.4])[1 + c / 3 % 3] AS level, 0 AS least FROM generate_series(1, 200) AS c) AS v,
	     generate_series(1, n) AS i});
my %case;
push @{ $case{ $_->[0] } }, $_ for rows($node, 'SELECT c, target, level, s, t FROM cases ORDER BY c, s DESC');
my ($passed, $none) = (0, 0);
for (rows($node, 'SELECT c, a.* FROM (SELECT c, target, level, score_set(t, s) AS s FROM cases GROUP BY c, target, level) AS v, acceptance(s, target, level) AS a'))
{
	my ($c, $threshold, $coverage, $accuracy, $low, $accepted, $reviewed) = @$_;
	my @r = @{ $case{$c} };
	my ($target, $level, $n) = (@{ $r[0] }[ 1, 2 ], scalar @r);
	my ($best, %seen);
	for my $j (1 .. 50)
	{
		my $rank = int(($j * $n + 49) / 50);
		next if $rank < log(1 - $level) / log($target);
		my @above = grep { $_->[3] >= $r[ $rank - 1 ][3] } @r;
		my $right = grep { $_->[4] eq 't' } @above;
		next if $seen{ scalar @above }++;
		# the bound is at least the target if so many right ones are unlikely at the target
		last if tail($right, scalar(@above), $target) > 1 - $level + 1e-12;
		$best = [ $above[-1][3], scalar(@above), $right / @above ];
	}
	check_exact('acceptance: threshold', "case $c", $threshold, $best ? $best->[0] : undef);
	check_exact('acceptance: accepted', "case $c", $accepted, $best ? $best->[1] : 0);
	check_exact('acceptance: reviewed', "case $c", $reviewed, $n - $accepted);
	check_close('acceptance: accuracy', "case $c", $accuracy, $best ? $best->[2] : undef, 1e-12);
	check_close('acceptance: coverage', "case $c", $coverage, $accepted / $n, 1e-12, 1e-3);
	if ($best)
	{
		$passed++;
		my $right = int($accuracy * $accepted + 0.5);
		check_close('acceptance: the bound is that of Clopper and Pearson', "case $c", tail($right, $accepted, $low), 1 - $level, 1e-6);
	}
	else
	{
		$none++;
	}
}
report_checks();
cmp_ok($passed, '>', 40, "$passed sets had a threshold");
cmp_ok($none, '>', 10, "$none had none");

# The chance of so many successes or more
sub tail
{
	my ($k, $n, $p) = @_;
	return 1 if $k <= 0;
	return 0 if $p <= 0;
	my ($log, $sum) = (0, 0);
	for my $i (0 .. $n)
	{
		$log = $n * log(1 - $p) if $i == 0;
		$log += log(($n - $i + 1) / $i) + log($p / (1 - $p)) if $i > 0;
		$sum += exp($log) if $i >= $k;
	}
	return $sum;
}

# And as a promise: of sets whose true accuracy is known the share that accepts labels
# below the target is at most 1 - level, whether scores are calibrated or not.
# test/sim/acceptance.sql is the same with 4,000 sets.
for (
	[ 'calibrated', 's', '(1 + t) / 2', 0.9 ],
	[ 'overconfident', '0.6 + 0.3 * s', '0.6 + 0.15 * (1 + t)', 0.85 ],
	[ 'just below the target everywhere', '0.8999', '0.8999', 0.9 ])
{
	my ($name, $p, $above, $target) = @$_;
	for my $n (200, 1000)
	{
		my ($row) = rows($node, "SELECT count(*), count(*) FILTER (WHERE t IS NOT NULL AND $above < $target) FROM (SELECT (acceptance(v, $target)).threshold AS t FROM"
			  . " (SELECT score_set(u < $p, s) AS v FROM (SELECT c, draw(c::bigint * 2003 + i) AS s, draw(-1 - c::bigint * 2003 - i) AS u FROM generate_series(1, 400) AS c, generate_series(1, $n) AS i) AS w GROUP BY c) AS x) AS y");
		my ($sets, $broken) = @$row;
		# 5 % of 400 and three standard errors
		cmp_ok($broken, '<=', 33, "$name, $n labels: $broken of $sets sets are below the target");
	}
}

#
# The picture
#
my $svg = value($node, q{SELECT calibration_svg(calibration(score_set(t, s)), '<b>"A & B"</b>' || chr(7) || chr(228)) FROM rows});
like($svg, qr/^<svg .*<\/svg>$/s, 'a picture');
like($svg, qr/&lt;b&gt;&quot;A &amp; B&quot;&lt;\/b&gt;/, 'its title is escaped');
unlike($svg, qr/[\x01-\x08]|NaN|Infinity|href|url|script/, 'and nothing else is in it');
is(() = $svg =~ /<circle/g, 10, 'a mark for each bin');
is(() = $svg =~ /<line class="nl-range"/g, 10, 'and an interval');
SKIP:
{
	$node->psql('postgres', "SELECT xmlparse(DOCUMENT '<a/>')", stderr => \my $err);
	skip('a server without libxml', 3) if $err =~ /unsupported XML feature/;
	for my $of ('score_set(t, s)', 'score_set(true, 0.95)', 'score_set(t, 0, w)')
	{
		is(value($node, "SELECT xmlparse(DOCUMENT calibration_svg(calibration($of), '<b>&\"''')) IS DOCUMENT FROM rows"), 't', "$of: well-formed XML");
	}
}

log_is_clean($node);
$node->stop;
done_testing();
