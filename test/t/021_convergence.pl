# How many passes EM takes to its maximum on real sets where plain EM is slow,
# with and without acceleration.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use Test::More;

my $near = 1e-9;			# of the converged objective
my $most_passes = 100_000;

my $folder = data_folder();
plan(skip_all => 'no folder of data sets (NOISYLABEL_SHARED)') if !$folder;

my $node = new_node('convergence');
$node->safe_psql('postgres', 'CREATE TABLE v (item text, annotator text, label text)');

sub fit
{
	my ($acceleration, $passes) = @_;
	my ($row) = rows($node, qq{
		SELECT log_likelihood, iterations, converged
		FROM s, fit_report(dawid_skene(s, '{"variant": "full", "smoothing": 0, "tolerance": 0,
		                                    "acceleration": "$acceleration", "max_iterations": $passes}'))});
	return @$row;
}

# The fewest passes after which the objective is at least $goal, or undef.
sub passes_to
{
	my ($acceleration, $goal) = @_;
	my $reached = sub { return (fit($acceleration, $_[0]))[0] >= $goal };
	my ($low, $high) = (0, 1);
	while (!$reached->($high))
	{
		return if $high >= $most_passes;
		($low, $high) = ($high, 2 * $high);
	}
	while ($high - $low > 1)
	{
		my $middle = int(($low + $high) / 2);
		if ($reached->($middle)) { $high = $middle }
		else { $low = $middle }
	}
	return $high;
}

for my $set (qw(web music_genre))
{
	$node->safe_psql('postgres', 'TRUNCATE v; DROP TABLE IF EXISTS s');
	copy_in($node, 'v', [ map { [ @$_[ 0 .. 2 ] ] } read_csv("$folder/$set/annotations.csv") ]);
	$node->safe_psql('postgres',
		'CREATE TABLE s AS SELECT annotation_set(item, annotator, label) AS s FROM v');

	my ($objective, $iterations, $converged) = fit('none', $most_passes);
	is($converged, 't', "$set: plain EM comes to where the objective no longer rises");
	my $goal = $objective - $near * abs($objective);
	my $plain = passes_to('none', $goal);
	my $accelerated = passes_to('squarem', $goal);
	note("$set: objective $objective after $iterations passes; within $near of it after $plain plain, "
		  . ($accelerated // 'never') . " accelerated");
	cmp_ok($plain, '>', 100, "$set: plain EM is slow");
	ok(defined $accelerated, "$set: accelerated EM comes as far");
	cmp_ok(5 * ($accelerated // $most_passes), '<=', $plain, "$set: in at most a fifth of the passes");
}

$node->stop;
done_testing();
