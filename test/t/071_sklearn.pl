# logistic_regression() against two others: the answers of scikit-learn
# (make_pipeline(StandardScaler(), LogisticRegression(C = 1 / l2)), converged),
# kept in test/data/logistic_regression.json, and the condition for a minimum of
# the stated objective, the gradient, written down here.
#
# Coefficients are compared where they can be: of the standardised features, with
# the mean over the classes taken off (adding a number to the intercepts of all
# classes changes nothing), relative to the largest.  Small ones then count in
# the units in which they act.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use List::Util qw(all max min sum0);
use LogisticProblems;
use NoisyLabel;
use Test::More;
use PostgreSQL::Test::Utils;

my $coefficient_tolerance = 1e-4;
my $probability_tolerance = 1e-5;
my $gradient_tolerance = 1e-4;
my @l2 = (0.1, 1, 10);

my @problems = problems();
my %sklearn;
for (@{ json(slurp_file("$FindBin::RealBin/../data/logistic_regression.json"))->{answers} })
{
	$sklearn{ $_->{name} }{ $_->{l2} } = $_;
}

my $node = new_node('sklearn');
$node->safe_psql('postgres',
	'CREATE TABLE d (id int, i int, label text, target label_distribution, weight float8, x float8[])');
copy_in($node, 'd',
	[ map { my $id = $_; map { [ $id, $_, row_of($problems[$id], $_) ] } 0 .. $problems[$id]{n} - 1 }
		  0 .. $#problems ]);

sub row_of
{
	my ($p, $i) = @_;
	my $target = $p->{target}[$i];
	return (
		$p->{labels}[ $p->{y}[$i] ],
		'{' . join(', ', map { "\"$p->{labels}[$_]\": $target->[$_]" } 0 .. $#$target) . '}',
		$p->{weight}[$i],
		'{' . join(',', @{ $p->{x}[$i] }) . '}');
}

#
# The objective: sum of weight * log-loss + l2 / 2 * |slopes|^2.  Of two classes
# there is one vector of slopes, that of the second against the first.
#

# Mean and deviation of each feature; 1 for a constant one, as nothing is there to
# be scaled
sub scaling
{
	my $p = shift;
	my $total = sum0(@{ $p->{weight} });
	my (@mean, @deviation);
	for my $j (0 .. $#{ $p->{x}[0] })
	{
		my @x = map { $_->[$j] } @{ $p->{x} };
		my $mean = sum0(map { $p->{weight}[$_] * $x[$_] } 0 .. $#x) / $total;
		my $variance = sum0(map { $p->{weight}[$_] * ($x[$_] - $mean)**2 } 0 .. $#x) / $total;
		push @mean, $mean;
		push @deviation, min(@x) == max(@x) ? 1 : sqrt($variance);
	}
	return (\@mean, \@deviation);
}

# From the scale of the input to that of standardised features, class by class
sub standardised
{
	my ($coefficients, $mean, $deviation) = @_;
	return [
		map {
			my ($intercept, @slope) = @$_;
			[
				$intercept + sum0(map { $slope[$_] * $mean->[$_] } 0 .. $#slope),
				map { $slope[$_] * $deviation->[$_] } 0 .. $#slope
			]
		} @$coefficients
	];
}

sub centred
{
	my $rows = shift;
	my @mean = map {
		my $j = $_;
		sum0(map { $_->[$j] } @$rows) / @$rows
	} 0 .. $#{ $rows->[0] };
	return [ map { my $row = $_; [ map { $row->[$_] - $mean[$_] } 0 .. $#mean ] } @$rows ];
}

sub softmax
{
	my @scores = @_;
	my $max = max(@scores);
	my @e = map { exp($_ - $max) } @scores;
	my $sum = sum0(@e);
	return map { $_ / $sum } @e;
}

sub class_weights
{
	my $p = shift;
	my @weights = (1) x $p->{k};
	return @weights if !defined $p->{class_weight};
	my @count = (0) x $p->{k};
	$count[$_]++ for @{ $p->{y} };
	return map { $p->{n} / ($p->{k} * $_) } @count;
}

# The largest component of the gradient at coefficients of standardised features.
sub gradient
{
	my ($p, $coefficients, $l2, $mean, $deviation) = @_;
	my @class_weight = class_weights($p);
	my @gradient = map { [ (0) x @{ $coefficients->[0] } ] } 1 .. $p->{k};
	for my $i (0 .. $p->{n} - 1)
	{
		my @z = (1, map { ($p->{x}[$i][$_] - $mean->[$_]) / $deviation->[$_] } 0 .. $#$mean);
		my @probability = softmax(
			map { my $row = $_; sum0(map { $row->[$_] * $z[$_] } 0 .. $#z) } @$coefficients);
		my @target = map { $p->{weight}[$i] * $class_weight[$_] * $p->{target}[$i][$_] } 0 .. $p->{k} - 1;
		my $weight = sum0(@target);
		for my $class (0 .. $p->{k} - 1)
		{
			my $residual = $weight * $probability[$class] - $target[$class];
			$gradient[$class][$_] += $residual * $z[$_] for 0 .. $#z;
		}
	}
	my $penalised =
	  $p->{k} == 2
	  ? [ map { [ map { $_ * 2 } @$_ ] } @$coefficients ]
	  : $coefficients;
	for my $class (0 .. $p->{k} - 1)
	{
		$gradient[$class][$_] += $l2 * $penalised->[$class][$_] for 1 .. $#$mean + 1;
	}
	return max(map { abs } map { @$_ } @gradient);
}

#
# All problems
#
sub options
{
	my ($p, $l2) = @_;
	my $class_weight = $p->{class_weight} // 'none';
	return qq('{"l2": $l2, "class_weight": "$class_weight", "tolerance": 1e-9, "max_iterations": 10000}'::jsonb);
}

sub fit_sql
{
	my ($id, $l2, $x) = @_;
	my $p = $problems[$id];
	my $target = $p->{soft} ? 'target' : 'label';
	my $weight = $p->{weights} ? ', weight' : '';
	return "SELECT logistic_regression($target, $x$weight, " . options($p, $l2) . ") FROM d WHERE id = $id";
}

# The coefficients, a row a class, the intercept first.  Of two classes only the
# second has some.
sub coefficients
{
	my ($what, $p, $id, $l2) = @_;
	my %coefficient;
	for (rows($node, "SELECT c.* FROM f, coefficients(m) AS c WHERE id = $id AND l2 = $l2"))
	{
		my ($label, $feature, $value) = @$_;
		tally('no coefficient twice', !exists $coefficient{$label}{$feature}, "$what: $label, $feature");
		$coefficient{$label}{$feature} = $value;
	}
	my $d = @{ $p->{x}[0] };
	my @labels = @{ $p->{labels} };
	my @shown = @labels == 2 ? $labels[1] : @labels;
	check_exact('labels', $what, join(', ', sort keys %coefficient), join(', ', @shown));
	for (@shown)
	{
		check_exact('features', $what, join(' ', sort { $a <=> $b } keys %{ $coefficient{$_} }),
			join(' ', 0 .. $d));
	}
	return [ map { my $label = $_; [ map { $coefficient{$label}{$_} // 0 } 0 .. $d ] } @labels ];
}

$node->safe_psql('postgres', 'CREATE TABLE f (id int, l2 float8, m classifier)');
for my $id (0 .. $#problems)
{
	$node->safe_psql('postgres',
		join(';', map { "INSERT INTO f SELECT $id, $_, (" . fit_sql($id, $_, 'x') . ')' } @l2));
}

my ($worst_coefficient, $worst_probability, $worst_gradient) = (0, 0, 0);
for my $id (0 .. $#problems)
{
	my $p = $problems[$id];
	my ($mean, $deviation) = scaling($p);
	for my $l2 (@l2)
	{
		my $what = "$p->{name}, l2 $l2";
		my $answer = $sklearn{ $p->{name} }{$l2};
		my $raw = coefficients($what, $p, $id, $l2);
		my $got = centred(standardised($raw, $mean, $deviation));
		my $want = $answer->{coefficients};
		my $largest = max(map { abs } map { @$_ } @$want);
		for my $class (0 .. $p->{k} - 1)
		{
			for my $j (0 .. $#$mean + 1)
			{
				my $difference = abs($got->[$class][$j] - $want->[$class][$j]) / $largest;
				$worst_coefficient = max($worst_coefficient, $difference);
				tally("$p->{name}: coefficients",
					$difference <= $coefficient_tolerance,
					"$what: class $class, feature $j: got $got->[$class][$j], scikit-learn $want->[$class][$j]");
			}
		}

		for my $j (grep { $deviation->[ $_ - 1 ] == 1 } 1 .. @$mean)
		{
			next if grep { $_->[ $j - 1 ] != $p->{x}[0][ $j - 1 ] } @{ $p->{x} };
			tally('a constant feature has coefficient 0', $_->[$j] == 0, "$what: $_->[$j]") for @$raw;
		}

		my $gradient = gradient($p, $got, $l2, $mean, $deviation);
		$worst_gradient = max($worst_gradient, $gradient);
		tally("$p->{name}: the gradient is 0", $gradient <= $gradient_tolerance, "$what: $gradient");
		my $reference = gradient($p, $want, $l2, $mean, $deviation);
		tally("that is scikit-learn's objective as well", $reference <= $gradient_tolerance, "$what: $reference");

		for (rows($node, "SELECT i, predict(m, x) FROM f, d WHERE f.id = $id AND d.id = $id AND l2 = $l2"))
		{
			my ($i, $distribution) = @$_;
			my $predicted = json($distribution);
			my @x = (1, @{ $p->{x}[$i] });
			my @probability = softmax(
				map { my $row = $_; sum0(map { $row->[$_] * $x[$_] } 0 .. $#x) } @$raw);
			for my $class (0 .. $p->{k} - 1)
			{
				my $probability = $predicted->{ $p->{labels}[$class] } // 0;
				check_close('predict() is what the coefficients say', "$what, row $i",
					$probability, $probability[$class], 1e-7, 1);
				next if !defined $answer->{probabilities}[$i];
				my $difference = abs($probability - $answer->{probabilities}[$i][$class]);
				$worst_probability = max($worst_probability, $difference);
				tally("$p->{name}: probabilities",
					$difference <= $probability_tolerance,
					"$what, row $i, class $class: got $probability, scikit-learn $answer->{probabilities}[$i][$class]");
			}
		}
	}
}
report_checks();
note(sprintf(
	'largest differences: coefficients %.1e, probabilities %.1e; largest gradient %.1e',
	$worst_coefficient, $worst_probability, $worst_gradient));

#
# Other ways to say the same
#
for my $id (grep { !$problems[$_]{constant} } 0 .. $#problems)
{
	my $p = $problems[$id];
	tally('real[] is float8[]',
		value($node, "SELECT (" . fit_sql($id, 1, 'x::real[]') . ')::text = m::text FROM f WHERE id = ' . "$id AND l2 = 1") eq 't',
		$p->{name})
	  if all { unpack('f', pack('f', $_)) == $_ } map { @$_ } @{ $p->{x} };
	next if $p->{soft} || $p->{class_weight};
	my $options = options($p, 1);
	my $stored = "(SELECT m FROM f WHERE id = $id AND l2 = 1)";
	tally('a distribution that is certain is a label',
		distance($id, $stored, fit_of("target, x, weight, $options", "d WHERE id = $id")) < 1e-7, $p->{name});
	tally('a row of weight 0 is no row',
		distance($id, $stored, fit_of("label, x, weight, $options", "d WHERE id = $id AND weight > 0")) < 1e-7, $p->{name});
	tally('a row of weight 2 is two rows',
		distance($id, fit_of("label, x, 1.0 + i % 2, $options", "d WHERE id = $id"),
			fit_of("label, x, $options", "d, generate_series(0, i % 2) WHERE id = $id")) < 1e-7, $p->{name});
	tally('weights 2 and l2 2 are weights 1 and l2 1',
		distance($id, fit_of('label, x, 2.0, ' . options($p, 2), "d WHERE id = $id"),
			fit_of("label, x, $options", "d WHERE id = $id")) < 1e-7, $p->{name});
}

sub fit_of
{
	my ($arguments, $from) = @_;
	return "(SELECT logistic_regression($arguments) FROM $from)";
}

# How far the predictions of two classifiers are apart
sub distance
{
	my ($id, $one, $other) = @_;
	return value($node,
		"SELECT max(abs(probability(predict(a, x), l) - probability(predict(b, x), l)))"
		  . " FROM d, (SELECT $one AS a, $other AS b OFFSET 0) AS v, (SELECT DISTINCT label AS l FROM d WHERE id = $id) AS w WHERE id = $id");
}

# The mean of a constant feature need not be exact
for my $constant ('1000000.1', '0.1', '1e-300', '1e300', '-123456789.123456789')
{
	check_exact("constant features", $constant,
		value($node, "SELECT max(abs(coefficient)) FROM coefficients((SELECT logistic_regression(label, x || $constant\::float8, weight) FROM d WHERE id = 13)) WHERE feature = 5"),
		0);
}
report_checks();

# Weights of all sizes: the fit ends, and where it must
my ($large) = grep { $problems[$_]{name} eq 'many rows' } 0 .. $#problems;
{
	local $ENV{PGOPTIONS} = '-c statement_timeout=60s';
	for my $weight ('1e10', '1e20', '1e-30', '1e-300')
	{
		my $l2 = $weight eq '1e20' ? 1e12 : $weight;
		cmp_ok(
			distance($large,
				fit_of("label, x, $weight\::float8, '{\"l2\": $l2}'::jsonb", "d WHERE id = $large"),
				fit_of("label, x, 1.0::float8, jsonb_build_object('l2', $l2 / $weight)", "d WHERE id = $large")),
			'<', 1e-3, "weights of $weight");
	}
	for my $label ('hashint4(i) % 3', 'hashint4(i) % 3 + x[1] > 0')
	{
		is( value($node, "SELECT (fit_report(logistic_regression(($label)::text, x, 1e20 * (1 + i % 3), '{\"l2\": 0}'::jsonb))).converged"
				  . ' FROM (SELECT i, (SELECT array_agg(hashint4extended(i, j) / 1e19 ORDER BY j)'
				  . ' FROM generate_series(1, 33) AS j)::float8[] AS x FROM generate_series(1, 2000) AS i) AS v'),
			't',
			"a fit of weights of 1e20 ends: $label");
	}
}
is( value($node, "SELECT count(*) FILTER (WHERE p BETWEEN 0 AND 1) = count(*) FROM (SELECT probability(d, label) AS p"
		  . " FROM (SELECT label, oof_predict(label, x, NULL::text, 1e200, '{\"max_iterations\": 20}'::jsonb) OVER () AS d"
		  . " FROM d WHERE id = $large) AS v) AS w"),
	't',
	'weights of 1e200: probabilities are numbers');

log_is_clean($node);
$node->stop;
done_testing();
