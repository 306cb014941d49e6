# How much to smooth, against a maximisation of the same likelihood here; and
# what the default makes of crowds that one accuracy for each annotator does not
# understand.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use POSIX qw(lgamma);
use Test::More;

my $node = new_node('auto');

# A random number in [0, 1) that is the same everywhere.
$node->safe_psql('postgres', <<'END');
CREATE FUNCTION u(text) RETURNS float8 LANGUAGE sql IMMUTABLE AS
$$ SELECT ('x' || substr(md5($1), 1, 8))::bit(32)::bigint / 4294967296.0 $$;
END

# Log-likelihood of counts whose rows are Dirichlet-multinomial.
sub log_marginal
{
	my ($rows, $strength) = @_;
	my $sum = 0;
	for my $row (@$rows)
	{
		my ($counts, $mean) = @$row;
		my $n = 0;
		for my $l (0 .. $#$counts)
		{
			next if $counts->[$l] < 1e-9;
			my $a = $strength * ($mean->[$l] > 1e-9 ? $mean->[$l] : 1e-9);
			$sum += lgamma($a + $counts->[$l]) - lgamma($a);
			$n += $counts->[$l];
		}
		$sum += lgamma($strength) - lgamma($strength + $n) if $n > 1e-9;
	}
	return $sum;
}

# The best strength of a fine grid.
sub best_strength
{
	my $rows = shift;
	my ($best, $at);
	for (my $log = log(0.05); $log < log(2000); $log += 0.01)
	{
		my $value = log_marginal($rows, exp($log));
		($best, $at) = ($value, exp($log)) if !defined $best || $value > $best;
	}
	return $at;
}

# The counts of each annotator with what smoothing points to, row by row.
sub full_rows
{
	my @counts = @_;
	my $k = @{ $counts[0] };
	my @pool = map { [ (0) x $k ] } 1 .. $k;
	for my $matrix (@counts)
	{
		for my $truth (0 .. $k - 1)
		{
			$pool[$truth][$_] += $matrix->[$truth][$_] for 0 .. $k - 1;
		}
	}
	for my $row (@pool)
	{
		my $n = 0;
		$n += $_ for @$row;
		$_ /= $n for @$row;
	}
	return [ map { my $m = $_; map { [ $m->[$_], $pool[$_] ] } 0 .. $k - 1 } @counts ];
}

sub one_coin_rows
{
	my @rows;
	my ($right, $n) = (0, 0);
	for my $matrix (@_)
	{
		my ($r, $m) = (0, 0);
		for my $truth (0 .. $#$matrix)
		{
			$r += $matrix->[$truth][$truth];
			$m += $_ for @{ $matrix->[$truth] };
		}
		push @rows, [ $r, $m - $r ];
		$right += $r;
		$n += $m;
	}
	return [ map { [ $_, [ $right / $n, 1 - $right / $n ] ] } @rows ];
}

#
# The strength of the smoothing
#
# Four classes, 40 annotators of 5 to 100 answers; their accuracies lie in a
# narrow or a wide range.
for my $spread (0, 0.3, 0.6)
{
	$node->safe_psql('postgres', <<"END");
CREATE TABLE crowd AS
SELECT i, j, chr(97 + CASE WHEN u('r' || i || ' ' || j) < 0.9 - $spread * u('a' || j) THEN truth
	ELSE (truth + 1 + floor(3 * u('w' || i || ' ' || j))::int) % 4 END) AS label
FROM generate_series(1, 500) i, LATERAL (SELECT floor(4 * u('t' || i))::int) t(truth), generate_series(1, 40) j
WHERE u('p' || i || ' ' || j) < 0.01 + 0.2 * u('q' || j) ^ 2
END
	my %first = (full => '1.5', one_coin => '2');
	for my $variant (sort keys %first)
	{
		my $json = value($node,
			"SELECT dawid_skene(i, j, label, '{\"variant\": \"$variant\", \"smoothing\": $first{$variant}}'::jsonb) FROM crowd");
		my @counts = @{ json($json)->{counts} };
		my $expected = best_strength($variant eq 'full' ? full_rows(@counts) : one_coin_rows(@counts));
		my ($found) = value($node,
			"SELECT method FROM fit_report((SELECT dawid_skene(i, j, label, '{\"variant\": \"$variant\", \"smoothing\": \"estimate\"}'::jsonb) FROM crowd))"
		) =~ /smoothing ([0-9.]+) toward pool/;
		cmp_ok(abs(log($found / $expected)), '<', 0.05,
			sprintf('%s, accuracies that differ by %g: the strength is %.2f', $variant, $spread, $expected))
		  or diag("found $found");
	}
	$node->safe_psql('postgres', 'DROP TABLE crowd');
}

#
# Crowds that one accuracy for each annotator does not understand
#
my %crowds = (
	'half of the annotators call A B' =>
	  q{CASE WHEN j % 2 = 0 AND truth = 0 AND u('c' || i || ' ' || j) < 0.85 THEN 1
	    WHEN u('r' || i || ' ' || j) < 0.6 + 0.3 * u('a' || j) THEN truth ELSE 1 - truth END},
	'two of five annotators are spammers' =>
	  q{CASE WHEN j % 5 = 0 THEN (u('s' || i || ' ' || j) < 0.5)::int WHEN j % 5 = 1 THEN 1
	    WHEN u('r' || i || ' ' || j) < 0.6 + 0.3 * u('a' || j) THEN truth ELSE 1 - truth END});
for my $name (sort keys %crowds)
{
	my ($auto, $full, $votes) = @{ (rows($node, <<"END"))[0] };
WITH crowd AS (
	SELECT i::text, truth, j::text, ($crowds{$name})::text AS label
	FROM generate_series(1, 500) i, LATERAL (SELECT (u('t' || i) < 0.5)::int) t(truth), generate_series(1, 30) j
	WHERE u('p' || i || ' ' || j) < 0.25),
fits AS (
	SELECT s, dawid_skene(s) AS auto, dawid_skene(s, '{"variant": "full"}') AS "full", dawid_skene(s, '{"variant": "majority"}') AS votes
	FROM (SELECT annotation_set(i, j, label) AS s FROM crowd) AS v)
SELECT avg((a.label::int = truth)::int), avg((f.label::int = truth)::int), avg((v.label::int = truth)::int)
FROM fits, consensus(s, auto) AS a, consensus(s, "full") AS f, consensus(s, votes) AS v, (SELECT DISTINCT i, truth FROM crowd) AS t
WHERE a.item = t.i AND f.item = t.i AND v.item = t.i
END
	cmp_ok($auto, '>', $votes + 0.02, sprintf('%s: %.3f, votes %.3f', $name, $auto, $votes));
	cmp_ok($auto, '>', $full - 0.03, sprintf('%s: full matrices %.3f', $name, $full));
}

log_is_clean($node);
$node->stop;
done_testing();
