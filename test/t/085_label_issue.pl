# label_issue() where annotators are given: against another implementation of its
# rule; the same in every plan; what it gains over the predictions alone in
# simulated crowds; who may call it; memory and cancel.
# Alone: measures time.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use List::Util qw(max min sum0 uniq);
use NoisyLabel;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = new_node('label_issue', <<'END');
max_parallel_workers = 4
max_worker_processes = 8
min_parallel_table_scan_size = 0
parallel_setup_cost = 0
parallel_tuple_cost = 0
autovacuum = off
END
srand(20260914);

#
# The rule, as docs/label-issues.md states it
#
sub logit { my $x = max(min($_[0], 1 - 1e-4), 1e-4); return log($x / (1 - $x)) }
sub expit { return 1 / (1 + exp(-$_[0])) }

# Rates {label}[truth] of counts {label}[truth]
sub pool_rates
{
	my ($count, $n) = @_;
	my @rates;
	for my $k (0 .. $n - 1)
	{
		my $total = sum0(map { $count->[$_][$k] } 0 .. $n - 1);
		$rates[$_][$k] = ($count->[$_][$k] + 4 * ($n == 1 ? 1 : $_ == $k ? 0.7 : 0.3 / ($n - 1))) / ($total + 4) for 0 .. $n - 1;
	}
	return \@rates;
}

# Rows of [item, annotator, label, p]; the evidence of each.
sub evidence
{
	my ($rows, $n, $rounds) = @_;
	my (%repeats, %voices);
	$voices{ $_->[0] } += !$repeats{ $_->[0] }{ $_->[1] }++ for @$rows;
	my $weigh = sub {
		my ($rate, $correlation, $counts) = @_;
		my %score;
		for (@$rows)
		{
			my ($item, $annotator, $label) = @$_;
			$score{$item}[$_] += log($rate->($annotator, $label, $_)) / $repeats{$item}{$annotator} for 0 .. $n - 1;
		}
		return map {
			my ($item, $p) = @{$_}[ 0, 3 ];
			my $power = $counts / (1 + ($voices{$item} - 1) * $correlation);
			my $most = max(@{ $score{$item} });
			my @w = map { $p->[$_] * exp($power * ($score{$item}[$_] - $most)) } 0 .. $n - 1;
			my $sum = sum0(@w);
			[ map { $_ / $sum } @w ];
		} @$rows;
	};
	# nothing is known of annotators, and their answers count half
	my @t = $weigh->(sub { my ($annotator, $label, $k) = @_; $n == 1 ? 1 : $label == $k ? 0.7 : 0.3 / ($n - 1) }, 0.3, 0.5);
	my $pool;
	for my $round (1 .. $rounds)
	{
		my (%count, @all);
		for my $i (0 .. $#$rows)
		{
			my ($item, $annotator, $label) = @{ $rows->[$i] };
			for my $k (0 .. $n - 1)
			{
				my $x = $t[$i][$k] / $repeats{$item}{$annotator};
				$count{$annotator}[$label][$k] += $x;
				$all[$label][$k] += $x;
			}
		}
		for my $c (\@all, values %count) { for my $l (0 .. $n - 1) { $c->[$l][$_] //= 0 for 0 .. $n - 1 } }
		my $now = pool_rates(\@all, $n);
		$pool //= $now;
		my $mean = sum0(map { $now->[$_][$_] } 0 .. $n - 1) / $n;
		my %rate;
		for my $annotator (keys %count)
		{
			my $c = $count{$annotator};
			my @of = map { my $k = $_; sum0(map { $c->[$_][$k] } 0 .. $n - 1) } 0 .. $n - 1;
			my @own = map { my $l = $_; [ map { ($c->[$l][$_] + 4 * $pool->[$l][$_]) / ($of[$_] + 4) } 0 .. $n - 1 ] } 0 .. $n - 1;
			my $q = sum0(map { $own[$_][$_] } 0 .. $n - 1) / $n;
			for my $k (0 .. $n - 1)
			{
				my $d = $n == 1 ? 1 : ($q + expit(logit($now->[$k][$k]) + logit($q) - logit($mean))) / 2;
				my $errors = sum0(map { $_ == $k ? 0 : $pool->[$_][$k] } 0 .. $n - 1);
				$rate{$annotator}[$_][$k] = ($own[$_][$k] + ($_ == $k ? $d : (1 - $d) * $pool->[$_][$k] / $errors)) / 2 for 0 .. $n - 1;
			}
		}
		@t = $weigh->(sub { my ($annotator, $label, $k) = @_; $rate{$annotator}[$label][$k] }, $round < $rounds ? 0 : 0.3, 1);
	}
	return \@t;
}

sub random_prediction
{
	my $n = shift;
	my @p = map { -log(1 - rand()) } 1 .. $n;
	my $sum = sum0(@p);
	return [ map { $_ / $sum } @p ];
}

sub distribution
{
	my $p = shift;
	return '{' . join(', ', map { "\"l$_\": " . sprintf('%.17g', $p->[$_]) } 0 .. $#$p) . '}';
}

$node->safe_psql('postgres', 'CREATE TABLE d (g int, i int, item text, annotator text, label text, predicted label_distribution)');
my @sets;
for my $g (0 .. 7)
{
	my $n = (2, 3, 4, 7, 2, 3, 5, 1)[$g];
	my $annotators = (3, 5, 20, 40)[ $g % 4 ];
	my $items = $g < 4 ? 100000 : 20;		# one answer, or several and repeats
	my @rows = map { [ 'item ' . int(rand($items)), 'annotator ' . int(rand($annotators)), int(rand($n)), random_prediction($n) ] } 1 .. 120;
	if ($g < 4) { $rows[$_][0] = "item $_" for 0 .. $#rows }
	push @sets, [ \@rows, $n ];
	copy_in($node, 'd', [ map { [ $g, $_, @{ $rows[$_] }[ 0, 1 ], "l$rows[$_][2]",
		distribution($rows[$_][3]) ] } shuffled(0 .. $#rows) ]);
}
for my $rounds (1, 3, 10)
{
	my %want = map { $_ => evidence(@{ $sets[$_] }, $rounds) } 0 .. $#sets;
	for (rows($node, qq{SELECT g, i, label, (v).quality, (v).evidence, (v).is_issue, (v).suggested FROM (SELECT *, label_issue(item, annotator, label, predicted, '{"rounds": $rounds}') OVER (PARTITION BY g) AS v FROM d) AS w}))
	{
		my ($g, $i, $label, $quality, $distribution, $is_issue, $suggested) = @$_;
		my $t = $want{$g}[$i];
		my $got = json($distribution);
		check_close("evidence, $rounds rounds", "set $g, row $i, class $_", $got->{"l$_"}, $t->[$_], 1e-8, 1e-3) for 0 .. $#$t;
		check_close("quality, $rounds rounds", "set $g, row $i", $quality, $t->[ substr($label, 1) ], 1e-8, 1e-3);
		check_exact("is_issue, $rounds rounds", "set $g, row $i", $is_issue, $suggested eq $label ? 'f' : 't');
		check_close("suggested, $rounds rounds", "set $g, row $i", $t->[ substr($suggested, 1) ], max(@$t), 1e-8);
	}
}
is( value($node, 'SELECT bool_and(v = w) FROM (SELECT g, label_issue(annotator, label, predicted) OVER p AS v, label_issue(item, annotator, label, predicted) OVER p AS w FROM d WHERE g < 4 WINDOW p AS (PARTITION BY g)) AS x'),
	't', 'with one answer an item, the item tells nothing');

#
# The same to the byte in every plan
#
my $serial = 'SET max_parallel_workers_per_gather = 0';
my $parallel = 'SET max_parallel_workers_per_gather = 3';
# crowdlab() wants one prediction for an item
$node->safe_psql('postgres', q{ALTER TABLE d ADD of_item label_distribution;
	UPDATE d SET of_item = p FROM (SELECT g, item, avg(predicted) AS p FROM d GROUP BY g, item) AS v WHERE v.g = d.g AND v.item = d.item});
$node->safe_psql('postgres', 'CREATE TABLE shuffled AS SELECT * FROM d ORDER BY md5(g::text || i); ALTER TABLE shuffled SET (parallel_workers = 3); ANALYZE');
for my $call ('label_issue(label, predicted)', 'label_issue(annotator, label, predicted)', 'label_issue(item, annotator, label, predicted)',
	q(label_issue(item, annotator, label, predicted, '{"filter": "both", "score": "normalized_margin"}')))
{
	my $all = sub { join("\n", sort map { join('|', @$_) } rows($node, join('; ', @_))) };
	my $want = $all->($serial, "SELECT g, i, $call OVER (PARTITION BY g) FROM d");
	is($all->($serial, "SELECT g, i, $call OVER (PARTITION BY g) FROM shuffled"), $want, "$call: rows in another order");
	is($all->($serial, "SELECT g, i, $call OVER (PARTITION BY g ORDER BY i DESC) FROM shuffled"), $want, "$call: an order in the window");
	is($all->($parallel, "SELECT g, i, $call OVER (PARTITION BY g) FROM shuffled"), $want, "$call: parallel scan");
	is($all->("$serial; SET work_mem = '64kB'", "SELECT g, i, $call OVER (PARTITION BY g) FROM d"), $want, "$call: little memory");
}
like(join("\n", map { $_->[0] } rows($node, "$parallel; EXPLAIN SELECT label_issue(label, predicted) OVER (PARTITION BY g) FROM shuffled")), qr/Parallel Seq Scan/, 'the scan below is parallel');
ship_aggregates($node);
$node->safe_psql('postgres', 'CREATE TABLE m AS SELECT dawid_skene(item, annotator, label) AS m FROM d WHERE g = 6');
my @aggregates = ('confident_joint(label, predicted)', 'crowdlab(item, annotator, label, of_item)', 'evidence_weight((SELECT m FROM m), annotator)');
for my $call (@aggregates)
{
	is( value($node, "$parallel; SELECT count(*) FROM (SELECT g, (shipped_$call)::text AS v FROM shuffled GROUP BY g EXCEPT SELECT g, ($call)::text FROM d GROUP BY g) AS x"),
		0, "$call: states of workers");
}

#
# Roles: one that may only read, and only some rows, gets what the owner gets of these; by
# groups, and from workers
#
$node->safe_psql('postgres', <<'END');
CREATE ROLE reader; GRANT SELECT ON shuffled, m TO reader;
ALTER TABLE shuffled ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON shuffled TO reader USING (g < 4);
END
my $reader = "SET ROLE reader; SET default_transaction_read_only = on; $parallel";
my %query = map { ($_ => "SELECT g, ($_)::text FROM shuffled GROUP BY g ORDER BY g", "shipped_$_" => "SELECT g, (shipped_$_)::text FROM shuffled GROUP BY g ORDER BY g") } @aggregates;
$query{$_} = "SELECT g, i, ($_ OVER (PARTITION BY g))::text FROM shuffled ORDER BY g, i"
  for 'label_issue(label, predicted)', 'label_issue(annotator, label, predicted)', 'label_issue(item, annotator, label, predicted)';
$query{$_} = "SELECT g, i, ($_)::text FROM shuffled ORDER BY g, i"
  for 'label_weight(label, predicted)', 'soft_label(label, predicted)', 'keep_label(label, predicted)';
for my $call (sort keys %query)
{
	my $all = sub { join("\n", map { join('|', @$_) } rows($node, $_[0])) };
	my $want = $all->("$serial; " . ($query{$call} =~ s/FROM shuffled/FROM shuffled WHERE g < 4/r));
	cmp_ok($want =~ tr/\n//, '>=', 2, "$call: rows of several groups");
	is($all->("$reader; $query{$call}"), $want, "$call: a role that may read some rows");
}
like(join("\n", map { $_->[0] } rows($node, "$reader; EXPLAIN $query{'shipped_confident_joint(label, predicted)'}")), qr/Partial.*Parallel Seq Scan/s, 'its workers aggregate');

#
# Simulated crowds, one answer an item: 10, 20 and 40 % of the answers are wrong,
# which depends on who gave them.  Average precision of finding those: predictions
# by each of cleanlab's scores (080_cleanlab.pl shows that ours are the same), and
# with annotators.  The crowds and seeds were fixed before the first run.
#
my %crowd = (
	10 => '{"expert": {"count": 4, "accuracy": 0.98}, "reliable": {"count": 6, "accuracy": 0.95, "spread": 0.03}, "spammer": 1}',
	20 => '{"expert": 3, "reliable": {"count": 5, "accuracy": 0.9}, "hasty": {"count": 4, "accuracy": 0.7, "spread": 0.1}, "constant": 1}',
	40 => '{"expert": 2, "reliable": {"count": 4, "accuracy": 0.85}, "hasty": {"count": 5, "accuracy": 0.5, "spread": 0.2}, "spammer": 3, "adversary": 1}');
my $seeds = $ENV{NOISYLABEL_SEEDS} // 4;
$node->safe_psql('postgres', 'CREATE TABLE s (noise int, seed int, item text, annotator text, label text, truth text, features float8[], predicted label_distribution)');
for my $noise (sort keys %crowd)
{
	for my $seed (1 .. $seeds)
	{
		my ($classes, $items, $separation) = ((2, 3, 5)[ $seed % 3 ], (500, 1500)[ $seed % 2 ], (1.5, 2.5)[ int($seed / 2) % 2 ]);
		$node->safe_psql('postgres', qq{INSERT INTO s SELECT $noise, $seed, item, annotator, label, truth, features, oof_predict(label, features, item) OVER ()
			FROM simulate_annotations($items, '$crowd{$noise}', '{"classes": $classes, "answers": 1, "features": 5, "separation": $separation, "seed": $seed}')});
	}
}
my $precision = q{
	SELECT noise, score, round(avg(ap)::numeric, 4) FROM (
		SELECT noise, seed, score, sum(found::float8 / rank) FILTER (WHERE wrong) / count(*) FILTER (WHERE wrong) AS ap
		FROM (SELECT noise, seed, score, wrong, count(*) FILTER (WHERE wrong) OVER o AS found, count(*) OVER o AS rank
		      FROM (SELECT noise, seed, label <> truth AS wrong, v.* FROM (
		            SELECT *, (label_issue(label, predicted, '{"score": "self_confidence"}') OVER p).quality AS a,
		                   (label_issue(label, predicted, '{"score": "normalized_margin"}') OVER p).quality AS b,
		                   (label_issue(label, predicted, '{"score": "confidence_weighted_entropy"}') OVER p).quality AS c,
		                   (label_issue(annotator, label, predicted) OVER p).quality AS d
		            FROM s WINDOW p AS (PARTITION BY noise, seed)) AS w,
		            LATERAL (VALUES ('self_confidence', a), ('normalized_margin', b), ('confidence_weighted_entropy', c), ('with annotators', d)) AS v(score, quality)) AS x
		      WINDOW o AS (PARTITION BY noise, seed, score ORDER BY quality)) AS y
		GROUP BY noise, seed, score) AS z
	GROUP BY noise, score ORDER BY noise, score};
my %ap;
$ap{ $_->[0] }{ $_->[1] } = $_->[2] for rows($node, $precision);
my @gains;
for my $noise (sort keys %ap)
{
	my $with = delete $ap{$noise}{'with annotators'};
	my $best = max(values %{ $ap{$noise} });
	push @gains, $with - $best;
	my ($wrong) = value($node, "SELECT round(avg((label <> truth)::int), 3) FROM s WHERE noise = $noise");
	diag("$noise % asked for, $wrong wrong: " . join(', ', map { "$_ $ap{$noise}{$_}" } sort keys %{ $ap{$noise} }) . ", with annotators $with");
	cmp_ok($with, '>', $best, "$noise %: annotators help");
}
cmp_ok(sum0(@gains) / @gains, '>=', 0.02, 'by .02 on average');

#
# Predictions that know little do not make annotators look as if they guessed: five of
# .8, features without and with some information
#
for my $case ([ 0, 1, 0.5 ], [ 1, 1, 0.74 ], [ 0, 3, 0.87 ], [ 1, 3, 0.87 ])
{
	my ($separation, $answers, $least) = @$case;
	my ($row) = rows($node, qq{
		SELECT avg((top_label(predicted) = truth)::int), avg((label = truth)::int), avg(((issue).suggested = truth)::int), avg((issue).quality)
		FROM (SELECT *, label_issue(item, annotator, label, predicted) OVER (PARTITION BY seed) AS issue
		      FROM (SELECT seed, s.*, oof_predict(label, features, item, '{"l2": 10}') OVER (PARTITION BY seed) AS predicted
		            FROM generate_series(1, 4) AS seed,
		                 LATERAL simulate_annotations(400, '{"reliable": {"count": 5, "accuracy": 0.8}}',
		                     jsonb_build_object('answers', $answers, 'features', 4, 'separation', $separation, 'seed', seed)) AS s) AS p) AS v});
	diag(sprintf('features %.1f apart, %d answers an item: predicted %.3f right, labels %.3f, suggested %.3f, mean quality %.3f', $separation, $answers, @$row));
	cmp_ok($row->[2], '>', $least, "weak features, $answers answers an item: what is suggested");
}

#
# Many rows: memory is refused before it is taken, cancel is answered
#
$node->safe_psql('postgres', q{CREATE TABLE many AS SELECT i, 'a' || i % 1000 AS annotator, 'i' || i / 3 AS item, 'l' || i * 7 % 10 AS label,
	label_distribution((SELECT array_agg('l' || k ORDER BY k) FROM generate_series(0, 9) AS k), ARRAY[0.1 + i % 7 / 100.0, 0.1 - i % 7 / 100.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]) AS predicted
	FROM generate_series(1, 300000) AS i});
for my $call ('confident_joint(label, predicted)', 'crowdlab(item, annotator, label, predicted)', 'label_issue(label, predicted) OVER ()', 'label_issue(item, annotator, label, predicted) OVER ()')
{
	$node->psql('postgres', "SET noisylabel.memory_limit = '16MB'; SELECT $call FROM many", stdout => \my $out, stderr => \my $err);
	like($err, qr/ERROR:.*memory_limit|ERROR:.*needs .*MB/, "$call: refused");
	# from the moment at which it is canceled, the best of three, as the machine is shared
	my $worst = 0;
	my $moments = 0;
	for my $timeout (10, 25, 50, 100, 200, 300, 400, 600, 800, 1000, 1300)
	{
		my @late;
		for (1 .. 3)
		{
			$node->psql('postgres', "SELECT 'at', extract(epoch FROM clock_timestamp()); SET statement_timeout = '${timeout}ms'; SELECT count(*) FROM (SELECT $call AS v FROM many OFFSET 0) AS w WHERE v IS NOT NULL; SET statement_timeout = 0; SELECT 'at', extract(epoch FROM clock_timestamp())",
				on_error_stop => 0, stdout => \my $out, stderr => \my $err);
			my ($begin, $end) = $out =~ /at\|([0-9.]+)/g;
			push @late, $end - $begin - $timeout / 1000 if $err =~ /statement timeout/;
		}
		last if !@late;
		$moments++;
		$worst = max($worst, min(@late));
	}
	diag(sprintf("%s: %.0f ms at most, at %d moments", $call, 1000 * $worst, $moments));
	cmp_ok($moments, '>', 0, "$call: canceled");
	cmp_ok($worst, '<', 0.1, "$call: within 100 ms");
}

report_checks();
log_is_clean($node);
$node->stop;
done_testing();
