# Restarts: they begin at different places, the best is kept, its classes keep
# their names, and they take no more memory than one does.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use List::Util qw(max sum0 uniq);
use NoisyLabel;
use Test::More;

srand(1981);
my $node = new_node('restarts', "max_parallel_workers_per_gather = 0\n");
$node->safe_psql('postgres', <<'END');
CREATE TABLE a (name text, item text, annotator text, label text, truth text);
CREATE FUNCTION fit(wanted text, options jsonb) RETURNS annotator_model LANGUAGE sql AS
$$ SELECT dawid_skene(annotation_set(item, annotator, label), options) FROM a WHERE name = wanted $$;
END

# Experts answer the question; more confusers answer another one, together.
sub two_questions
{
	my ($name, $classes, $items, $experts, $confusers, $expert_error, $confuser_error) = @_;
	my @rows;
	for my $item (1 .. $items)
	{
		my @question = map { int(rand($classes)) } 1 .. 2;
		for my $annotator (1 .. $experts + $confusers)
		{
			my $expert = $annotator <= $experts;
			my $label = $question[ $expert ? 0 : 1 ];
			$label = ($label + 1 + int(rand($classes - 1))) % $classes
			  if rand() < ($expert ? $expert_error : $confuser_error);
			push @rows, [ $name, "i$item", ($expert ? 'expert ' : 'confuser ') . $annotator, $label, $question[0] ];
		}
	}
	copy_in($node, 'a', \@rows);
	return;
}

# Log-likelihood, iterations, share of the items with the right label
sub fitted
{
	my ($name, $options) = @_;
	return @{ (rows($node, <<"END"))[0] };
WITH m AS MATERIALIZED (SELECT fit('$name', '$options') AS m)
SELECT f.log_likelihood, f.iterations, avg((c.label = t.truth)::int)::float8
FROM m, fit_report(m) AS f, consensus((SELECT annotation_set(item, annotator, label) FROM a WHERE name = '$name'), m) AS c
JOIN (SELECT DISTINCT item, truth FROM a WHERE name = '$name') AS t USING (item)
GROUP BY 1, 2
END
}

# What the progress messages say: for each start the objectives on its way.  The
# first list is of the first fit.
sub progress
{
	my ($name, $options) = @_;
	my $messages = '';
	$node->psql('postgres', "SELECT labels('{\"labels\": [], \"counts\": []}'::confusion_matrix); SET noisylabel.progress = on; SELECT fit('$name', '$options') IS NOT NULL", stderr => \$messages);
	my @starts = ([]);
	for (split /\n/, $messages)
	{
		push @starts, [] if /start [0-9]+ of [0-9]+/;
		push @{ $starts[-1] }, $1 if /objective (-[0-9.]+)/;
	}
	return @starts;
}

two_questions('binary', 2, 200, 3, 5, .03, .2);
two_questions('three', 3, 200, 3, 4, .03, .1);
two_questions('five', 5, 200, 3, 4, .03, .2);

#
# Starts differ
#
for my $name (qw(binary five))
{
	my @starts = progress($name, '{"restarts": 12, "max_iterations": 2, "acceleration": "none"}');
	is(scalar @starts, 13, "$name: each start is announced");
	is(scalar(uniq(map { $_->[0] } @starts)), 13, "$name: all starts are different places");
	my @other = progress($name, '{"restarts": 12, "max_iterations": 2, "acceleration": "none", "seed": 1}');
	is($other[0][0], $starts[0][0], "$name: the first start does not depend on the seed");
	is(scalar(uniq(map { $_->[0] } @starts, @other)), 25, "$name: the others do");
}

#
# The best is kept, and it is a better one
#
for my $name (qw(binary three five))
{
	for my $variant (qw(full class one_coin))
	{
		my ($once, undef, $poor) = fitted($name, qq({"variant": "$variant", "max_iterations": 1000}));
		my ($best, $iterations, $good) = fitted($name, qq({"variant": "$variant", "max_iterations": 1000, "restarts": 30}));
		my @starts = progress($name, qq({"variant": "$variant", "max_iterations": 1000, "restarts": 30}));
		my $seen = max(map { $_->[-1] } @starts);
		note("$name, $variant: $once ($poor), with restarts $best ($good), $iterations iterations");
		cmp_ok($best, '>', $once + 10, "$name, $variant: a restart finds a better solution");
		cmp_ok(abs($best - $seen), '<', 2e-6 * abs($seen), "$name, $variant: the best that any start led to is kept");
		cmp_ok($poor, '<', .7, "$name, $variant: the first fit follows the confusers");
		cmp_ok($good, '>', .95, "$name, $variant: the kept one follows the experts, with the right names");
	}
}

# Whichever start it is that finds the experts, near or far, their classes get the
# right names.
for my $name (qw(three five))
{
	my ($best) = fitted($name, '{"restarts": 30}');
	my @found = grep { $_->[0] > $best - 1 } map { [ fitted($name, qq({"restarts": 2, "seed": $_})) ] } 1 .. 20;
	cmp_ok(scalar @found, '>=', 5, "$name: by two restarts, too");
	is(scalar(grep { $_->[2] < .95 } @found), 0, "$name: always with the right names");
	note(scalar(@found) . ' of 20');
}

#
# Names of classes.  Brute force over all permutations: none agrees with the votes
# and the first fit on more items than the names as they are.
#
sub permutations
{
	my @left = @_;
	return [] if !@left;
	return map {
		my $first = $left[$_];
		map { [ $first, @$_ ] } permutations(@left[ grep { $left[$_] ne $first } 0 .. $#left ])
	} 0 .. $#left;
}

# Shifts: some annotators call every class by the name of the next.
sub shifted_crowd
{
	my ($name, $classes, $items, $honest, $shifted, $error) = @_;
	my @rows;
	for my $item (1 .. $items)
	{
		my $truth = int(rand($classes));
		for my $annotator (1 .. $honest + $shifted)
		{
			my $label = ($truth + ($annotator > $honest ? 1 : 0)) % $classes;
			$label = int(rand($classes)) if rand() < $error;
			push @rows, [ $name, "i$item", "w$annotator", $label, $truth ];
		}
	}
	copy_in($node, 'a', \@rows);
	return;
}

for my $classes (2 .. 6)
{
	my $name = "shifted $classes";
	shifted_crowd($name, $classes, 150, 4, 3, .4);
	for my $options ('"variant": "full"', '"variant": "full", "smoothing": 2', '"variant": "full", "smoothing": 2, "toward": "diagonal"')
	{
		my @together = rows($node, <<"END");
WITH s AS MATERIALIZED (SELECT annotation_set(item, annotator, label) AS s FROM a WHERE name = '$name'),
shares AS (SELECT item, label, count(*)::float8 / sum(count(*)) OVER (PARTITION BY item) AS p FROM a WHERE name = '$name' GROUP BY item, label),
first AS (SELECT item, p.label, p.probability AS p FROM s, consensus(s, dawid_skene(s, '{$options}')) AS c, probabilities(c.distribution) AS p),
kept AS (SELECT item, p.label, p.probability AS p FROM s, consensus(s, dawid_skene(s, '{$options, "restarts": 10}')) AS c, probabilities(c.distribution) AS p)
SELECT n.label, k.label, sum(n.p * k.p)
FROM (SELECT * FROM shares UNION ALL SELECT * FROM first) AS n JOIN kept AS k USING (item)
WHERE least(n.p, k.p) > 1e-9 GROUP BY 1, 2
END
		my %gain;
		$gain{ $_->[0] }{ $_->[1] } = $_->[2] for @together;
		my @labels = sort keys %gain;
		my ($best, $as_it_is) = (-1, 0);
		for my $order (permutations(@labels))
		{
			$best = max($best, sum0(map { $gain{ $labels[$_] }{ $order->[$_] } // 0 } 0 .. $#labels));
		}
		$as_it_is = sum0(map { $gain{$_}{$_} // 0 } @labels);
		cmp_ok($as_it_is, '>', $best - 1e-3, "$name, $options: no other names agree better");
		note("$as_it_is of $best");
	}
	my (undef, undef, $right) = fitted($name, '{"restarts": 10}');
	cmp_ok($right, '>', .6, "$name: classes are what the majority calls them");
}

#
# Memory: tables of one start at a time
#
SKIP:
{
	skip('no /proc', 1) if !-r '/proc/self/status';
	$node->safe_psql('postgres', <<'END');
CREATE TABLE wide AS
SELECT annotation_set((i / 5)::text, (i * 7919 % 1000)::text, (i * i % 31 % 20)::text) AS s FROM generate_series(1, 40000) AS i;
CREATE FUNCTION peak() RETURNS bigint LANGUAGE sql AS $$
	SELECT (regexp_match(pg_read_file('/proc/' || pg_backend_pid() || '/status'), 'VmHWM:\s+(\d+)'))[1]::bigint
$$;
END
	# a table has 1000 * 20 * 20 cells: 3125 kB
	my $fit = q(DO $$ BEGIN PERFORM dawid_skene(s, '{"max_iterations": 3, "restarts": %d}') FROM wide; END $$;);
	my $grown = value($node,
		sprintf($fit, 0) . 'CREATE TEMP TABLE p AS SELECT peak();' . sprintf($fit, 40) . 'SELECT peak() - (SELECT peak FROM p)');
	cmp_ok($grown, '<', 2.5 * 3125, 'forty restarts take two tables more than none');
	note("$grown kB");
}

log_is_clean($node);
$node->stop;
done_testing();
