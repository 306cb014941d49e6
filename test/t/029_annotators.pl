# annotators(), annotator_cells() and annotator_rates(): one number for one thing on
# random crowds, and whether the intervals of accuracy hold the truth.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use List::Util qw(max sum0);
use NoisyLabel;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('annotators', "max_parallel_workers_per_gather = 0\n");

#
# One number for one thing.  Crowds of any kind of annotators, with gold, single
# answers and repeats; information, spammer score and the worst error are worked
# out from the rows of annotator_cells(), pair by pair of classes.
#
$node->safe_psql('postgres', <<'END');
CREATE TABLE crowds AS
SELECT k || ' classes, seed ' || seed AS crowd, item, annotator, label, CASE WHEN right(item, 1) = seed::text THEN truth END AS gold
FROM unnest('{2, 3, 7}'::int[]) AS k, generate_series(0, 2) AS seed,
     LATERAL simulate_annotations(60, '{"reliable": {"count": 5, "spread": 0.2}, "constant": 1, "spammer": 1, "adversary": 1, "newcomer": 2, "copy": 1}',
                                  jsonb_build_object('classes', k, 'answers', 3, 'seed', seed)) AS s;
INSERT INTO crowds SELECT crowd, item, annotator, label, gold FROM crowds WHERE ascii(md5(item || annotator)) % 9 = 0;
INSERT INTO crowds SELECT '1 class', item, annotator, 'x', NULL FROM crowds WHERE crowd = '2 classes, seed 0';
INSERT INTO crowds SELECT crowd, 'alone ' || i, 'alone', min(label), NULL FROM crowds, generate_series(1, 3) AS i GROUP BY crowd, i;
CREATE TABLE fits AS
SELECT row_number() OVER (ORDER BY crowd, o)::int AS id, crowd || ', ' || o AS name, s, dawid_skene(s, o) AS m
FROM (SELECT crowd, annotation_set(item, annotator, label, gold) AS s FROM crowds GROUP BY crowd) AS c,
     unnest(ARRAY['{}', '{"correlation": 0}', '{"variant": "full"}', '{"variant": "one_coin", "correlation": 0.2}', '{"learn_from": "gold"}']::jsonb[]) AS o
WHERE crowd <> '1 class' OR NOT o ? 'learn_from';
END

# Of shares by truth: mutual information in bits at a prior, and the mean squared
# difference of rows
sub information
{
	my ($shares, $prior) = @_;
	my @truths = sort keys %$shares;
	my $total = sum0(map { $prior->{$_} } @truths);
	my ($bits, %marginal) = (0);
	for my $t (@truths)
	{
		$marginal{$_} += $prior->{$t} / $total * $shares->{$t}{$_} for keys %{ $shares->{$t} };
	}
	for my $t (@truths)
	{
		for my $l (sort keys %{ $shares->{$t} })
		{
			my $share = $shares->{$t}{$l};
			$bits += $prior->{$t} / $total * $share * log($share / $marginal{$l}) / log(2) if $share > 0;
		}
	}
	return $bits;
}

sub spammer_score
{
	my $shares = shift;
	my ($sum, $pairs) = (0, 0);
	for my $a (sort keys %$shares)
	{
		for my $b (sort keys %$shares)
		{
			next if $a eq $b;
			$pairs += 2;
			$sum += ($shares->{$a}{$_} - $shares->{$b}{$_})**2 for sort keys %{ $shares->{$a} };
		}
	}
	return $sum / $pairs;
}

# What annotator_cells() has of an annotator against the row of annotators()
sub check_row
{
	my ($where, $cells, $prior, $row) = @_;
	my ($accuracy, $low, $high, $information, $worst_truth, $worst_label, $worst_rate, $spammer, $note, $confusion) = @$row;
	my $cm = json($confusion);
	my @labels = @{ $cm->{labels} };
	my ($all, %met) = (0);
	for my $t (0 .. $#labels)
	{
		my $row = $cells->{ $labels[$t] };
		my $n = sum0(map { $_->{count} } values %$row);
		$all += $n;
		$met{ $labels[$t] } = { map { $_ => $row->{$_}{count} / $n } keys %$row } if $n >= 1 - 1e-9;
		check_exact('count', $where, $cm->{counts}[$t][$_], $row->{ $labels[$_] }{count} + 0) for 0 .. $#labels;
	}
	check_exact('known', $where, defined $accuracy ? 1 : 0, $all > 0 && @labels > 1 ? 1 : 0);
	check_exact('a note where nothing is known', $where, defined $note ? 1 : 0, 1) if $all <= 0 || @labels == 1;
	check_exact('interval around the accuracy', $where,
		!defined $accuracy || (0 <= $low && $low <= $accuracy && $accuracy <= $high && $high <= 1) ? 1 : 0, 1);
	check_exact('information known', $where, defined $information ? 1 : 0, $all > 0 && @labels > 1 && keys %met > 1 ? 1 : 0);
	check_exact('spammer score known', $where, defined $spammer ? 1 : 0, keys %met > 1 ? 1 : 0);
	check_close('information', $where, $information, information(\%met, $prior), 1e-9, 1) if defined $information;
	check_close('spammer score', $where, $spammer, spammer_score(\%met), 1e-9, 1) if defined $spammer;
	my @errors;
	for my $t (keys %met)
	{
		push @errors, map { $cells->{$t}{$_}{rate} } grep { $_ ne $t && $cells->{$t}{$_}{count} > 1e-9 } @labels;
	}
	check_exact('a worst error', $where, defined $worst_rate ? 1 : 0, @errors ? 1 : 0);
	return if !@errors;
	check_exact('worst rate', $where, $worst_rate, $cells->{$worst_truth}{$worst_label}{rate});
	check_close('the worst of all', $where, $worst_rate, max(@errors), 1e-8);
	return;
}

for my $fit (rows($node, 'SELECT id, name FROM fits ORDER BY id'))
{
	my ($id, $name) = @$fit;
	my %prior = map { $_->[0] => $_->[1] } rows($node, "SELECT p.* FROM fits, probabilities(class_prior(m)) AS p WHERE id = $id");
	my %cells;
	for (rows($node, "SELECT annotator, truth, label, count, rate FROM fits, annotator_cells(m) WHERE id = $id"))
	{
		my ($annotator, $truth, $label, $count, $rate) = @$_;
		$cells{$annotator}{$truth}{$label} = { count => $count, rate => $rate };
	}
	for (rows($node, "SELECT annotator, accuracy, accuracy_low, accuracy_high, information, worst_truth, worst_label, worst_rate, spammer_score, note, confusion FROM fits, annotators(m) WHERE id = $id"))
	{
		my ($annotator, @row) = @$_;
		check_row("$name, $annotator", $cells{$annotator}, \%prior, \@row);
	}
}
report_checks();

# Of one answer the posterior is prior times the rates that are used, if anything is possible
my ($differ, $alike) = @{ (rows($node, q{
	WITH rates AS MATERIALIZED (SELECT id, r.*, probability(prior_used(m), truth) AS prior FROM fits, annotator_rates(m) AS r),
	     ones AS (SELECT id, annotator, label, posterior(m, annotator, label) AS p
	              FROM (SELECT DISTINCT id, annotator, label FROM rates) AS a JOIN fits USING (id) GROUP BY 1, 2, 3)
	SELECT count(*) FILTER (WHERE difference >= 1e-9), count(*) FILTER (WHERE difference < 1e-9)
	FROM (SELECT abs(probability(p, truth) - prior * rate_used / nullif(sum, 0)) AS difference
	      FROM (SELECT *, sum(prior * rate_used) OVER (PARTITION BY id, annotator, label) AS sum FROM rates) AS r JOIN ones USING (id, annotator, label)) AS v}))[0] };
is($differ, 0, 'posterior() of one answer is made of annotator_rates()');
cmp_ok($alike, '>', 5000, 'of many of them');

#
# Coverage.  Accuracies are those that answers were drawn with; who has fewer than
# 20 answers is left out.  The draws are the same everywhere.
#
sub covered
{
	my ($title, $least, $sql) = @_;
	my ($n, $share, $width) = @{ (rows($node, qq{
		SELECT count(*), avg((rate BETWEEN accuracy_low AND accuracy_high)::int), percentile_cont(0.5) WITHIN GROUP (ORDER BY accuracy_high - accuracy_low)
		FROM ($sql) AS v}))[0] };
	cmp_ok($share, '>=', $least, sprintf('%s: 95 %% intervals of %d annotators cover %.3f, median width %.3f', $title, $n, $share, $width));
	return;
}

# Independent errors: 30 annotators right in 60 to 95 %, 300 items, 20 crowds of each kind
srand(31);
my (@answers, @rates);
for my $k (2, 4, 6)
{
	for my $each (3, 5, 10)
	{
		for my $seed (1 .. 20)
		{
			my $crowd = "$k classes, $each answers an item/$seed";
			my @accuracy = map { 0.6 + 0.35 * rand() } 1 .. 30;
			my @n = (0) x 30;
			for my $item (1 .. 300)
			{
				my $truth = int(rand($k));
				for my $j ((shuffled(0 .. 29))[ 0 .. $each - 1 ])
				{
					my $label = rand() < $accuracy[$j] ? $truth : ($truth + 1 + int(rand($k - 1))) % $k;
					push @answers, [ $crowd, $item, "a$j", $label ];
					$n[$j]++;
				}
			}
			push @rates, map { [ $crowd, "a$_", $n[$_], $accuracy[$_] ] } 0 .. 29;
		}
	}
}
$node->safe_psql('postgres', 'CREATE TABLE answers (crowd text, item int, annotator text, label text); CREATE TABLE rates (crowd text, annotator text, n int, rate float8)');
copy_in($node, 'answers', \@answers);
copy_in($node, 'rates', \@rates);
$node->safe_psql('postgres', q{
	CREATE TABLE said AS SELECT crowd, a.* FROM (SELECT crowd, dawid_skene(item, annotator, label) AS m FROM answers GROUP BY crowd) AS f, annotators(m) AS a});
my $said = 'SELECT crowd, rate, accuracy_low, accuracy_high FROM said JOIN rates USING (crowd, annotator) WHERE n >= 20';
covered('independent errors', 0.92, $said);
for (rows($node, q{SELECT DISTINCT split_part(crowd, '/', 1) AS kind FROM rates ORDER BY kind}))
{
	covered($_->[0], 0.92, "$said AND crowd LIKE '$_->[0]/%'");
}

# Shared errors: the scenarios of test/sim/simulation.sql, up to its fits; an accuracy
# is the share of answers that are right
my $sim = slurp_file("$FindBin::RealBin/../sim/simulation.sql");
$sim =~ s/^--\n-- Fits\n.*//ms or die 'where are its fits?';
$sim =~ s/^(?=CREATE TEMPORARY TABLE variants)/DELETE FROM scenarios WHERE scenario !~ 'shared|correlated';\n/m or die 'where are its scenarios?';
$sim =~ s/^\\if.*?^\\endif\n//ms;
$sim =~ s/^\\set.*\n//mg;
$sim =~ s/:seeds/3/;
$node->safe_psql('postgres', "$sim
	CREATE TABLE shared AS
	SELECT scenario, rate, accuracy_low, accuracy_high
	FROM (SELECT scenario, seed, annotator::text, count(*) AS n, avg((label = (truth + seed) % classes)::int) AS rate
	      FROM answers JOIN truths USING (scenario, seed, item) JOIN scenarios USING (scenario) GROUP BY 1, 2, 3) AS r
	JOIN (SELECT scenario, seed, a.* FROM (SELECT scenario, seed, dawid_skene(item, annotator, label) AS m FROM answers GROUP BY 1, 2) AS f, annotators(m) AS a) AS s
	     USING (scenario, seed, annotator)
	WHERE n >= 20");
covered('errors that classes share', 0.85, q{SELECT * FROM shared WHERE scenario LIKE '%shared errors%'});
covered('errors that items share', 0.85, q{SELECT * FROM shared WHERE scenario LIKE 'correlated%'});

SKIP:
{
	my $folder = data_folder() or skip('NOISYLABEL_SHARED is not set', 1);
	$node->safe_psql('postgres', 'CREATE TABLE songs (item text, annotator text, label text); CREATE TABLE gold (item text, gold text)');
	copy_in($node, 'songs', [ map { [ @{$_}[ 0 .. 2 ] ] } read_csv("$folder/music_genre/annotations.csv") ]);
	copy_in($node, 'gold', [ map { [ @{$_}[ 0, 1 ] ] } read_csv("$folder/music_genre/gold.csv") ]);
	covered('music_genre, against gold', 0.85, q{
		SELECT rate, accuracy_low, accuracy_high
		FROM annotators((SELECT dawid_skene(item, annotator, label) FROM songs))
		JOIN (SELECT annotator, count(*) AS n, avg((label = gold)::int) AS rate FROM songs JOIN gold USING (item) GROUP BY 1) AS r USING (annotator)
		WHERE n >= 20});
}

log_is_clean($node);
$node->stop;
done_testing();
