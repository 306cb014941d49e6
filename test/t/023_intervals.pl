# Intervals of annotators() and annotator_cells(): the evidence in the model, the
# arithmetic, and whether 95 % intervals hold the truth 95 % of the time.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use List::Util qw(max min sum0);
use NoisyLabel;
use Test::More;

my $node = new_node('intervals', "max_parallel_workers_per_gather = 0\n");

#
# The evidence: expected counts and variances are sums over the posteriors that
# consensus() gives.  With gold, certain or not, repeats, an item of a thousand
# annotations, annotators with one answer; where gold is the only teacher, over
# items with gold.
#
$node->safe_psql('postgres', q{
	CREATE TABLE votes AS
	SELECT 'item ' || i AS item, 'annotator ' || a AS annotator,
	       CASE WHEN (i * 7 + a * 13 + r * 5) % 10 < 5 THEN (i + a + r) % 3 ELSE i % 3 END AS label,
	       CASE WHEN i % 6 = 0 THEN i % 3 END AS gold
	FROM generate_series(1, 60) AS i, generate_series(1, 9) AS a, generate_series(0, 1) AS r
	WHERE (i * 5 + a * 3) % 7 < 2 AND r <= (i + a) % 4
	UNION ALL SELECT 'long', 'annotator ' || a, CASE WHEN a % 3 = 0 THEN 0 ELSE 1 END, NULL FROM generate_series(1, 1000) AS a;
	CREATE TABLE fits AS
	SELECT id, o AS options,
	       (SELECT annotation_set(item, annotator, label, gold) FROM votes) AS s,
	       dawid_skene((SELECT annotation_set(item, annotator, label, gold) FROM votes), o) AS m
	FROM unnest(ARRAY['{"variant": "full"}', '{"variant": "class"}', '{"variant": "one_coin", "gold_weight": 0.8}', '{"variant": "shared"}',
	                  '{"smoothing": 3, "toward": "diagonal", "gold_weight": 0.9}', '{"learn_from": "gold", "smoothing": 1, "gold_weight": 0.9}',
	                  '{"variant": "auto", "gold_weight": 0.9, "correlation": 0.4}']::jsonb[]) WITH ORDINALITY AS o(o, id)});
for (rows($node, q{
	WITH t AS (SELECT id, item, p.label AS truth, p.probability AS t FROM fits, consensus(s, m) AS c, probabilities(c.distribution) AS p WHERE id < 7),
	     e AS (SELECT id, annotator, truth, label::text, sum(n * t) AS count, sum(n * n * t * (1 - t)) AS variance
	           FROM t JOIN (SELECT item, annotator, label, count(*) AS n FROM votes GROUP BY 1, 2, 3) AS v USING (item)
	           WHERE id < 6 OR item IN (SELECT item FROM votes WHERE gold IS NOT NULL) GROUP BY 1, 2, 3, 4),
	     j AS MATERIALIZED (SELECT id, m::jsonb AS j FROM fits WHERE id < 7),
	     m AS (SELECT id, a.name AS annotator, t.name AS truth, l.name AS label,
	                  (j #>> ARRAY['counts', (a.i - 1)::text, (t.i - 1)::text, (l.i - 1)::text])::float8 AS count,
	                  (j #>> ARRAY['variances', (a.i - 1)::text, (t.i - 1)::text, (l.i - 1)::text])::float8 AS variance
	           FROM j, jsonb_array_elements_text(j -> 'annotators') WITH ORDINALITY AS a(name, i),
	                jsonb_array_elements_text(j -> 'labels') WITH ORDINALITY AS t(name, i),
	                jsonb_array_elements_text(j -> 'labels') WITH ORDINALITY AS l(name, i)
	           WHERE a.i <= 20)
	SELECT id, max(abs(m.count - coalesce(e.count, 0))), max(abs(m.variance - coalesce(e.variance, 0))), max(m.variance)
	FROM m LEFT JOIN e USING (id, annotator, truth, label) WHERE id < 7 GROUP BY id ORDER BY id}))
{
	my ($id, $counts, $variances, $largest) = @$_;
	cmp_ok(max($counts, $variances), '<', 1e-6, "fit $id: counts and variances are those of the posteriors");
	cmp_ok($largest, '>', 0.01, "fit $id: some truth is unsure");
}

# Variant auto: an answer counts as one of its annotator's on the item, posteriors are
# those before they are tempered, and what is reported is what consensus() says
for (rows($node, q{
	WITH f AS MATERIALIZED (SELECT s, m, m::jsonb AS j FROM fits WHERE id = 7),
	     t AS (SELECT item, p.label AS truth, p.probability AS t FROM f, consensus(s, jsonb_set(j - '{reported_right,reported_variances}'::text[], '{voices,correlation}', '0')::text::annotator_model) AS c, probabilities(c.distribution) AS p),
	     r AS (SELECT item, p.label, p.probability AS r FROM f, consensus(s, m) AS c, probabilities(c.distribution) AS p),
	     v AS (SELECT item, annotator, label::text, count(*) AS n, count(*) / sum(count(*)) OVER (PARTITION BY item, annotator) AS share,
	                  count(gold) > 0 OR count(*) < sum(count(*)) OVER (PARTITION BY item) AS tells
	           FROM votes GROUP BY item, annotator, label),
	     e AS (SELECT annotator, truth, label, sum(share * t) AS count, sum(share * share * t * (1 - t)) AS variance FROM t JOIN v USING (item) WHERE tells GROUP BY 1, 2, 3),
	     er AS (SELECT annotator, sum(share * r) AS right, sum(share * share * r * (1 - r)) AS variance FROM r JOIN v USING (item, label) WHERE tells GROUP BY 1),
	     m AS (SELECT a.name AS annotator, t.name AS truth, l.name AS label,
	                  (j #>> ARRAY['counts', (a.i - 1)::text, (t.i - 1)::text, (l.i - 1)::text])::float8 AS count,
	                  (j #>> ARRAY['variances', (a.i - 1)::text, (t.i - 1)::text, (l.i - 1)::text])::float8 AS variance,
	                  (j #>> ARRAY['reported_right', (a.i - 1)::text])::float8 AS right, (j #>> ARRAY['reported_variances', (a.i - 1)::text])::float8 AS right_variance
	           FROM f, jsonb_array_elements_text(j -> 'annotators') WITH ORDINALITY AS a(name, i),
	                jsonb_array_elements_text(j -> 'labels') WITH ORDINALITY AS t(name, i), jsonb_array_elements_text(j -> 'labels') WITH ORDINALITY AS l(name, i)
	           WHERE a.i <= 20)
	SELECT max(abs(m.count - coalesce(e.count, 0))), max(abs(m.variance - coalesce(e.variance, 0))), max(abs(m.right - er.right)), max(abs(m.right_variance - er.variance)), count(*), max(m.variance)
	FROM m LEFT JOIN e USING (annotator, truth, label) LEFT JOIN er USING (annotator)}))
{
	my ($counts, $variances, $right, $right_variances, $n, $largest) = @$_;
	cmp_ok(max($counts, $variances), '<', 1e-6, "auto: $n counts and variances are those of the posteriors");
	cmp_ok(max($right, $right_variances), '<', 1e-6, 'auto: right answers and variances by what is reported');
	cmp_ok($largest, '>', 0.01, 'auto: some truth is unsure');
}

#
# The arithmetic, by an independent implementation: the formulas of
# docs/metrics.md, and the area of the Beta density outside the interval.
#
my @strengths = map { 0.5 * 1000**($_ / 24) } 0 .. 24;

# What strengths and means a crowd may have: [weight, s, m, Var m, missing share]
sub crowd
{
	my ($guess, @evidence) = @_;
	my $all = {};
	for my $e (@evidence) { $all->{$_} += $e->{$_} for keys %$e }
	my @crowd;
	for my $s (@strengths)
	{
		my $r = 1 / ($s + 1);
		my @w = map { $_->{n} > 0 ? 1 / ((1 - $r) / $_->{n} + $r) : 0 } @evidence;
		my $sum = 1 + sum0(@w);
		my $m = ($guess + sum0(map { $w[$_] > 0 ? $w[$_] * $evidence[$_]{x} / $evidence[$_]{n} : 0 } 0 .. $#w)) / $sum;
		my $log = log($s / ($s + 1)**2);
		for my $e (@evidence)
		{
			my $var_n = $e->{in} + $e->{out};
			my $expected = $m * (1 - $m) * ($e->{n} + $r * ($e->{n}**2 + $var_n - $e->{n}));
			my $square = ($e->{x} - $e->{n} * $m)**2 + $e->{in} * (1 - $m)**2 + $e->{out} * $m**2 + $e->{both};
			$log -= min($e->{n}, 1) * (0.5 * log($expected) + $square / (2 * $expected)) if $expected > 0;
		}
		push @crowd, [ $log, $s, $m, $m * (1 - $m) / ($sum + 1), missing($all, $m) ];
	}
	my $max = max(map { $_->[0] } @crowd);
	$_->[0] = exp($_->[0] - $max) for @crowd;
	my $total = sum0(map { $_->[0] } @crowd);
	$_->[0] /= $total for @crowd;
	return \@crowd;
}

sub missing
{
	my ($e, $a) = @_;
	return 0 if $e->{n} <= 0;
	return min(1, ($e->{in} / $a**2 + $e->{out} / (1 - $a)**2 + $e->{both} / ($a * (1 - $a))**2) * $a * (1 - $a) / $e->{n});
}

# Mean and variance of a rate
sub estimate
{
	my ($crowd, $e) = @_;
	my ($first, $second) = (0, 0);
	for (@$crowd)
	{
		my ($weight, $s, $m, $var_m, $g) = @$_;
		my $a = ($e->{x} + $s * $m) / ($e->{n} + $s);
		my $v = $a * (1 - $a) / max($e->{n} * (1 - missing($e, $a)) + ($s + 1) * (1 - $g), 0.05 * ($e->{n} + $s + 1)) + ($s / ($e->{n} + $s))**2 * $var_m;
		$first += $weight * $a;
		$second += $weight * ($v + $a**2);
	}
	return ($first, $second - $first**2);
}

# Shares of a Beta distribution below low and above high, from its density over
# the log-odds u, which is x^a (1 - x)^b: far out a plain exponential
sub tails
{
	my ($mean, $variance, $low, $high) = @_;
	my $sum = max(0.5, $mean * (1 - $mean) / $variance - 1);
	my ($a, $b) = ($mean * $sum, (1 - $mean) * $sum);
	my $softplus = sub { my $u = shift; return $u < 0 ? log(1 + exp($u)) : $u + log(1 + exp(-$u)) };
	my $log_density = sub { my $u = shift; return -$a * $softplus->(-$u) - $b * $softplus->($u) };
	my $peak = $log_density->(log($a / $b));
	my $density = sub { return exp($log_density->(shift) - $peak) };
	my $below = sub {
		my $end = shift;
		return $density->($end) / $a if $end <= -40;
		my $from = max(-40, min($end, log($a / $b)) - 40 / sqrt($a) - 40 / $a);
		my ($steps, $to) = (4000, min($end, 40));
		my $h = ($to - $from) / $steps;
		my $area = $h / 3 * sum0(map { ($_ == 0 || $_ == $steps ? 1 : $_ % 2 ? 4 : 2) * $density->($from + $_ * $h) } 0 .. $steps);
		return $density->($from) / $a + $area + ($end > 40 ? ($density->(40) - $density->($end)) / $b : 0);
	};
	my $log_odds = sub { my $x = shift; return $x <= 1e-250 ? -575 : $x >= 1 ? 1e9 : log($x) - log(1 - $x) };
	my $all = $below->(1e9);
	return ($below->($log_odds->($low)) / $all, 1 - $below->($log_odds->($high)) / $all);
}

my $level = 0.9;

# The interval holds the rate, and its low end is never below 0, for the price of
# another share outside
sub check_tails
{
	my ($what, $where, $rate, $low, $high, $below, $above) = @_;
	my $tail = (1 - $level) / 2;
	check_close("${what}_low", $where, $low > 1e-250 ? $below : min($below, $tail), $tail, 1e-4);
	check_close("${what}_high", $where, $high > $rate ? $above : max($above, $tail), $tail, 1e-4);
	return;
}
for my $id (1 .. 7)
{
	my $m = json(value($node, "SELECT m::text FROM fits WHERE id = $id"));
	my ($k, @annotators) = (scalar @{ $m->{labels} }, @{ $m->{annotators} });
	my %place = map { $annotators[$_] => $_ } 0 .. $#annotators;
	my %shown = map { $_ => 1 } @annotators[ 0, 1, 2, 5, 100, 400, $#annotators ];
	my $list = join ', ', map { "'$_'" } keys %shown;

	# accuracies
	my @right = map {
		my $j = $_;
		{
			n => sum0(map { @$_ } @{ $m->{counts}[$j] }),
			x => sum0(map { $m->{counts}[$j][$_][$_] } 0 .. $k - 1),
			in => 0, out => 0,
			both => sum0(map { $m->{variances}[$j][$_][$_] } 0 .. $k - 1)
		}
	} 0 .. $#annotators;
	my $crowd = crowd(1 / $k, @right);
	# the interval by what is reported: right answers alone differ
	my @reported = $m->{reported_right}
	  ? map { { %{ $right[$_] }, x => $m->{reported_right}[$_], both => $m->{reported_variances}[$_] } } 0 .. $#annotators
	  : ();
	my $reported = @reported ? crowd(1 / $k, @reported) : undef;
	for (rows($node, "SELECT annotator, accuracy, accuracy_low, accuracy_high FROM fits, annotators(m, $level) WHERE id = $id AND annotator IN ($list)"))
	{
		my ($annotator, $rate, $low, $high) = @$_;
		my $j = $place{$annotator};
		if ($right[$j]{n} == 0)
		{
			check_exact('accuracy', "fit $id, $annotator", $_, undef) for $rate, $low, $high;
			next;
		}
		my ($mean, $variance) = estimate($crowd, $right[$j]);
		my @tails = tails($mean, $variance, $low, $high);
		check_close('accuracy', "fit $id, $annotator", $rate, $mean, 1e-6);
		if (!@reported)
		{
			check_tails('accuracy', "fit $id, $annotator", $rate, $low, $high, @tails);
			next;
		}
		# each end is the outer one of two, which leaves less outside by the other
		my @other = tails(estimate($reported, $reported[$j]), $low, $high);
		check_close("outer accuracy_$_->[0]", "fit $id, $annotator", max($_->[1], $_->[2]), (1 - $level) / 2, 1e-4)
		  for [ 'low', $tails[0], $other[0] ], [ 'high', $tails[1], $other[1] ];
	}

	# cells
	my (%evidence, %crowd, %start);
	for my $t (0 .. $k - 1)
	{
		for my $l (0 .. $k - 1)
		{
			my @e = map {
				my ($c, $v) = ($m->{counts}[$_][$t], $m->{variances}[$_][$t]);
				{ n => sum0(@$c), x => $c->[$l], in => $v->[$l], out => sum0(@$v) - $v->[$l], both => 0 }
			} 0 .. $#annotators;
			$evidence{"$m->{labels}[$t] $m->{labels}[$l]"} = \@e;
			$crowd{"$m->{labels}[$t] $m->{labels}[$l]"} = crowd(1 / $k, @e);
		}
	}
	for my $annotator (keys %shown)
	{
		my $j = $place{$annotator};
		for my $t (0 .. $k - 1)
		{
			my $n = sum0(@{ $m->{counts}[$j][$t] });
			my @p = @{ $m->{components}[0]{confusion}[$j][$t] };
			my @rate = map {
				my $e = $evidence{"$m->{labels}[$t] $m->{labels}[$_]"}[$j];
				my $f = missing($e, min(0.999, max(0.001, ($e->{x} + $p[$_] / 2) / ($n + 0.5))));
				my $step = $n > 0 ? $e->{x} / $n - $p[$_] : 0;
				max(0, $p[$_] + ($f > 0.5 ? 2 : 1 / (1 - $f)) * $step)
			} 0 .. $k - 1;
			$start{"$annotator $m->{labels}[$t] $m->{labels}[$_]"} = $n * $rate[$_] / sum0(@rate) for 0 .. $k - 1;
		}
	}
	for (rows($node, "SELECT annotator, truth, label, count, rate, rate_low, rate_high FROM fits, annotator_cells(m, $level) WHERE id = $id AND annotator IN ($list)"))
	{
		my ($annotator, $t, $l, $count, $rate, $low, $high) = @$_;
		if ($right[ $place{$annotator} ]{n} == 0)
		{
			check_exact('rate', "fit $id, $annotator, $t $l", $_, undef) for $rate, $low, $high;
			next;
		}
		my $e = $evidence{"$t $l"}[ $place{$annotator} ];
		my ($mean, $variance) = estimate($crowd{"$t $l"}, { %$e, x => $start{"$annotator $t $l"} });
		my @tails = tails($mean, $variance, $low, $high);
		check_close('count', "fit $id, $annotator, $t $l", $count, $e->{x}, 1e-12);
		check_close('rate', "fit $id, $annotator, $t $l", $rate, $mean, 1e-6);
		check_tails('rate', "fit $id, $annotator, $t $l", $rate, $low, $high, @tails);
	}
}
report_checks();

#
# Coverage.  Annotators are right in 50 to 95 % of the items, by class 15 points
# up or down; their errors go to the other classes by shares drawn evenly.  In
# a mixed crowd a hundred annotators each have 5, 20, 100 and 1000 answers; in
# crowds alike all have the same number.  Items have 4 to 5 answers.  Each of
# 400 annotators counts once, and with K classes K * K cells.  The draws are
# hashes, the same everywhere.
#
$node->safe_psql('postgres', <<'END');
CREATE FUNCTION u(key text) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
	$$ SELECT (('x' || substr(md5(key), 1, 13))::bit(52)::bigint + 0.5) / 2 ^ 52 $$;
-- a crowd has a prime number of items, so that any step through them meets each once
CREATE TABLE crowds AS
SELECT kind || ' K=' || k || ' ' || n::text || '/' || fit AS id, kind || ', K = ' || k AS design, k, n AS each, annotators, items
FROM (VALUES ('mixed', ARRAY[5, 20, 100, 1000], 4, 100, 26003), ('alike', ARRAY[5], 1, 400, 401), ('alike', ARRAY[20], 1, 400, 1601),
             ('alike', ARRAY[100], 1, 400, 8009), ('alike', ARRAY[1000], 1, 400, 80021)) AS v(kind, n, fits, annotators, items),
     (VALUES (2), (4)) AS w(k), generate_series(1, fits) AS fit;
CREATE TABLE annotators AS
SELECT id, design, k, n || ' ' || i AS annotator, n, items, 1 + floor(u(key || 'step') * (items - 1))::int AS step,
       floor(u(key || 'first') * items)::int AS first, 0.5 + 0.45 * u(key || 'accuracy') AS accuracy, key
FROM crowds, unnest(each) AS n, generate_series(1, annotators) AS i, LATERAL (SELECT id || ':' || n || ' ' || i || ':') AS l(key);
CREATE TABLE rates AS
WITH shares AS (
	SELECT id, design, annotator, n, k, truth, label, label = truth AS is_right,
	       CASE WHEN label = truth THEN least(0.99, greatest(0.05, accuracy + 0.3 * (u(key || truth) - 0.5))) ELSE -ln(u(key || truth || ',' || label)) END AS share
	FROM annotators, generate_series(0, k - 1) AS truth, generate_series(0, k - 1) AS label)
SELECT id, design, annotator, n, k, truth, label,
       CASE WHEN is_right THEN share
            ELSE (1 - max(share) FILTER (WHERE is_right) OVER w) * share / sum(share) FILTER (WHERE NOT is_right) OVER w END AS rate
FROM shares WINDOW w AS (PARTITION BY id, annotator, truth);
CREATE TABLE bounds AS
SELECT id, annotator, truth, array_agg(bound ORDER BY label) AS bounds
FROM (SELECT id, annotator, truth, label, sum(rate) OVER (PARTITION BY id, annotator, truth ORDER BY label) AS bound, k FROM rates) AS v
WHERE label < k - 1 GROUP BY id, annotator, truth;
CREATE TABLE answers AS
SELECT id, item, annotator, width_bucket(u(key || 'answer' || item), bounds) AS label
FROM (SELECT id, annotator, key, item, floor(u(id || 'item' || item) * k)::int AS truth
      FROM annotators, generate_series(1, n) AS i, LATERAL (SELECT ((first + i::bigint * step) % items)::int) AS l(item)) AS v
JOIN bounds USING (id, annotator, truth);
CREATE TABLE models AS SELECT id, dawid_skene(item, annotator, label, '{"variant": "auto"}'::jsonb) AS model FROM answers GROUP BY id;
-- the same, as if the posteriors were certain
CREATE TABLE sure AS
SELECT id, (model::jsonb || jsonb_build_object('variances', regexp_replace((model::jsonb -> 'variances')::text, '[0-9][0-9.e+-]*', '0', 'g')::jsonb))::text::annotator_model AS model
FROM models;
END

sub coverage
{
	my $models = shift;
	return rows($node, qq{
		CREATE TEMP TABLE a AS SELECT id, a.* FROM $models, annotators(model) AS a;
		CREATE TEMP TABLE c AS SELECT id, c.* FROM $models, annotator_cells(model) AS c;
		SELECT design, n, avg((r.accuracy BETWEEN a.accuracy_low AND a.accuracy_high)::int), 'accuracy'
		FROM a JOIN (SELECT id, design, annotator, n, avg(rate) AS accuracy FROM rates WHERE truth = label GROUP BY 1, 2, 3, 4) AS r USING (id, annotator)
		GROUP BY design, n
		UNION ALL
		SELECT design, n, avg((r.rate BETWEEN c.rate_low AND c.rate_high)::int), 'cells'
		FROM c JOIN (SELECT id, design, annotator, n, truth::text, label::text, rate FROM rates) AS r USING (id, annotator, truth, label)
		GROUP BY design, n
		ORDER BY design, 4, n});
}

for (coverage('models'))
{
	my ($design, $n, $covered, $what) = @$_;
	ok($covered >= 0.9 && $covered <= 0.99, sprintf('%s, %d answers each: 95 %% intervals of %s cover %.3f', $design, $n, $what, $covered));
}
my @sure = sort { $a->[2] <=> $b->[2] } coverage('sure');
cmp_ok($sure[0][2], '<', 0.9, "without the variances they don't (@{ $sure[0] })");
note(sprintf('without variances: %s, %d answers each, %s %.3f', @$_[ 0, 1, 3, 2 ])) for @sure;

log_is_clean($node);
$node->stop;
done_testing();
