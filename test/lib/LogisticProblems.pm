package LogisticProblems;

# Small problems for logistic regression.  They come from a generator written
# down here, not Perl's, and all their numbers are exact in binary, so that they
# are the same everywhere: test/data/logistic_regression.py hands them to
# scikit-learn, and test/t/071_sklearn.pl to the server.

use strict;
use warnings;
use Exporter 'import';
use List::Util qw(sum0);

our @EXPORT = qw(new_generator problems);

# What to make.  Rows, features and classes; and
#	noise		how much of a label is chance: 0 makes classes separable
#	correlated	each odd feature is the one before it, nearly; the last is a copy
#	constant	values of features that are added and do not vary
#	scales		features differ a million times in size, and are far from 0
#	rare		the last class has this many rows
#	weights		rows have weights, some of them 0
#	soft		targets are distributions instead of labels
#	class_weight	the option of that name
my @specifications = (
	{ name => 'two classes', n => 80, d => 4, k => 2, noise => 2 },
	{ name => 'three classes', n => 90, d => 5, k => 3, noise => 2 },
	{ name => 'ten classes', n => 250, d => 6, k => 10, noise => 1 },
	{ name => 'one feature', n => 40, d => 1, k => 2, noise => 1 },
	{ name => 'correlated features', n => 100, d => 8, k => 3, noise => 1, correlated => 1 },
	{ name => 'correlated features, two classes', n => 100, d => 8, k => 2, noise => 1, correlated => 1 },
	{ name => 'constant features', n => 70, d => 3, k => 3, noise => 1, constant => [ 0, 0.1, 1048576.125 ] },
	{ name => 'constant features, two classes', n => 70, d => 3, k => 2, noise => 1, constant => [ 0.1, -7 ] },
	{ name => 'features of all sizes', n => 100, d => 6, k => 3, noise => 1, scales => 1 },
	{ name => 'fewer rows than features', n => 15, d => 30, k => 3, noise => 1 },
	{ name => 'fewer rows than features, two classes', n => 12, d => 25, k => 2, noise => 1 },
	{ name => 'separable', n => 60, d => 3, k => 2, noise => 0 },
	{ name => 'separable, four classes', n => 80, d => 4, k => 4, noise => 0 },
	{ name => 'row weights', n => 90, d => 4, k => 3, noise => 2, weights => 1 },
	{ name => 'row weights, two classes', n => 90, d => 4, k => 2, noise => 2, weights => 1, constant => [0.1] },
	{ name => 'soft targets', n => 60, d => 4, k => 3, noise => 1, soft => 1 },
	{ name => 'soft targets, two classes', n => 60, d => 4, k => 2, noise => 1, soft => 1 },
	{ name => 'soft targets and row weights', n => 60, d => 4, k => 4, noise => 1, soft => 1, weights => 1 },
	{ name => 'rare class', n => 90, d => 4, k => 3, noise => 1, rare => 2 },
	{ name => 'rare class, balanced', n => 90, d => 4, k => 3, noise => 1, rare => 5, class_weight => 'balanced' },
	{ name => 'rare class, balanced, two classes', n => 90, d => 4, k => 2, noise => 1, rare => 5, class_weight => 'balanced' },
	# large enough for several blocks of rows
	{ name => 'many rows', n => 2000, d => 33, k => 3, noise => 2, scales => 1 },
	{ name => 'many rows, two classes', n => 2000, d => 33, k => 2, noise => 1, weights => 1, correlated => 1 },
	{ name => 'many rows, soft targets', n => 2200, d => 30, k => 4, noise => 1, soft => 1, constant => [0.1] });

# A function of n that returns a whole number from 0 to n - 1.
sub new_generator
{
	my $state = shift;
	return sub {
		my $n = shift;
		$state = ($state * 1103515245 + 12345) % 2147483648;
		return ($state >> 8) % $n;
	};
}

# Something like a normal deviate, a multiple of 1/256
sub deviate
{
	my $draw = shift;
	return (sum0(map { $draw->(512) } 1 .. 4) - 1022) / 256;
}

sub features
{
	my ($s, $draw) = @_;
	my @x = map { deviate($draw) } 1 .. $s->{d};
	if ($s->{correlated})
	{
		$x[$_] = $x[ $_ - 1 ] + deviate($draw) / 16 for grep { $_ % 2 } 0 .. $#x;
		$x[-1] = $x[0];
	}
	return \@x;
}

sub argmax
{
	my @values = @_;
	my $best = 0;
	for (1 .. $#values)
	{
		$best = $_ if $values[$_] > $values[$best];
	}
	return $best;
}

sub problem
{
	my ($s, $seed) = @_;
	my $draw = new_generator($seed);
	my $k = $s->{k};
	my @slopes = map { [ map { deviate($draw) } 1 .. $s->{d} ] } 1 .. $k;
	my @labels = map { "class $_" } 0 .. $k - 1;
	my %p = (%$s, labels => \@labels, x => [], y => [], weight => [], target => []);
	my %count;
	while (@{ $p{x} } < $s->{n})
	{
		my $x = features($s, $draw);
		my @scores = map {
			my $class = $_;
			sum0(map { $slopes[$class][$_] * $x->[$_] } 0 .. $#$x)
			  + $s->{noise} * deviate($draw)
		} 0 .. $k - 1;
		# a class is seen at least once
		my $y = @{ $p{x} } < $k ? scalar @{ $p{x} } : argmax(@scores);
		$y = 0 if defined $s->{rare} && $y == $k - 1 && ($count{$y} // 0) >= $s->{rare};
		$count{$y}++;
		if ($s->{scales})
		{
			$x->[$_] = $x->[$_] * 4**(2 * $_ - 2) + ($_ % 2 ? 1000 * $_ : 0) for 0 .. $#$x;
		}
		push @{ $p{x} }, [ @$x, @{ $s->{constant} // [] } ];
		push @{ $p{y} }, $y;
		push @{ $p{weight} }, $s->{weights} ? $draw->(12) / 4 : 1;
		# three eighths go to the label, the rest to anyone
		my @target = map { $s->{soft} ? 0 : $_ == $y ? 1 : 0 } 0 .. $k - 1;
		if ($s->{soft})
		{
			$target[$y] += 3 / 8;
			$target[ $draw->($k) ] += 1 / 8 for 1 .. 5;
		}
		push @{ $p{target} }, \@target;
	}
	$p{weight}[$_] ||= 1 for 0 .. $k - 1;
	return \%p;
}

sub problems
{
	my $seed = 0;
	return map { problem($_, 1000 * ++$seed) } @specifications;
}

1;
