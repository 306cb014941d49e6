# Confusion matrices and reports against an implementation of their own here,
# in exact fractions, on some hundred random sets of rows: absent classes, one
# class, classes that only the truth or only the prediction has, weights, and
# labels of every kind.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use List::Util qw(max min sum0 uniq);
use Math::BigRat;
use NoisyLabel;
use Test::More;

my $cases = 320;
my $tolerance = 1e-12;
my %z = (0.95 => 1.959963984540054, 0.9 => 1.6448536269514722);

srand(20101979);
my $node = new_node('metrics');

#
# Random cases.  Weights are eighths, so that sums are exact in any order.
#
my %labels_of = (
	words => [qw(cat dog horse ant bee)],
	odd => [
		'', ' ', '  ', "O'Hara", 'say "x"', "\\", 'NULL', '{a,b}', "tab\there",
		"line\nbreak", "na\xc3\xafve", "\xe6\x97\xa5\xe6\x9c\xac",
		"\xf0\x9f\x90\x88", 'a b', 'a,b'
	],
	integers => [qw(10 9 -3 0 100 -20 7 123456789012)],
	mixed => [qw(10 9 cat 1.5 -x)]);

my @rows;       # [case, part, truth, predicted, weight]
my @plain;      # cases without weights
for my $case (1 .. $cases)
{
	my @pool = shuffled(@{ $labels_of{ random_pick(sort keys %labels_of) } });
	my $k = 1 + int(rand(min(6, scalar @pool)));
	my @both = splice(@pool, 0, $k);
	# some classes are seen on one side only
	my @truth = grep { rand() < 0.8 } @both;
	my @predicted = grep { rand() < 0.8 } @both;
	@truth = ($both[0]) if !@truth;
	@predicted = ($both[-1]) if !@predicted;
	my $agreement = rand();
	my $weights = random_pick(qw(none none integer eighths zero));
	push @plain, $case if $weights eq 'none';
	for (1 .. 1 + int(rand(60)))
	{
		my $t = random_pick(@truth);
		my $p = rand() < $agreement ? $t : random_pick(@predicted);
		my $weight =
		    $weights eq 'none' ? 1
		  : $weights eq 'integer' ? int(rand(6))
		  : $weights eq 'eighths' ? int(rand(40)) / 8
		  : 0;
		$weight = 1 if $weights eq 'zero' && $case % 4;
		push @rows, [ $case, int(rand(4)), $t, $p, $weight ];
	}
}
my %plain = map { $_ => 1 } @plain;

$node->safe_psql('postgres',
	'CREATE TABLE r (id int, part int, truth text, predicted text, weight float8);'
	  . 'CREATE TABLE m (id int PRIMARY KEY, cm confusion_matrix)');
copy_in($node, 'r', \@rows);
$node->safe_psql('postgres',
	'INSERT INTO m SELECT id, annotator_confusion(truth, predicted, weight) FROM r GROUP BY id');

#
# The same by other means
#
sub rat { return Math::BigRat->new(@_) }

# Labels in order and counts, from rows [truth, predicted, weight].
sub confusion
{
	my @observations = @_;
	my @labels = sort_labels(uniq(map { @$_[ 0, 1 ] } @observations));
	my %place = map { $labels[$_] => $_ } 0 .. $#labels;
	my @counts = map { [ (0) x @labels ] } @labels;
	$counts[ $place{ $_->[0] } ][ $place{ $_->[1] } ] += $_->[2] for @observations;
	return { labels => \@labels, counts => \@counts };
}

# a / b as a number, undefined at 0/0
sub ratio
{
	my ($a, $b) = @_;
	return $b == 0 ? undef : rat($a) / rat($b);
}

sub mean
{
	my ($values, $weights) = @_;
	my ($sum, $n) = (rat(0), rat(0));
	for my $i (0 .. $#$values)
	{
		next if !defined $values->[$i];
		$sum += $values->[$i] * rat($weights->[$i]);
		$n += rat($weights->[$i]);
	}
	return ratio($sum, $n);
}

sub number { return defined $_[0] ? $_[0]->numify : undef }

# Wilson's interval as the roots of (n + z^2) x^2 - (2 s + z^2) x + s^2 / n = 0;
# the small root by Vieta, without cancellation.
sub wilson
{
	my ($s, $n, $level) = @_;
	return (undef, undef) if $n == 0;
	my $z2 = $z{ $level // 0.95 }**2;
	my $root = sqrt($z2 * ($z2 + 4 * $s * ($n - $s) / $n));
	my $high = (2 * $s + $z2 + $root) / (2 * ($n + $z2));
	my $low = $s**2 / $n / ($n + $z2) / $high;
	return ($low, $s == $n ? 1 : $high);
}

sub margins
{
	my $m = shift;
	my @index = 0 .. $#{ $m->{labels} };
	my @row = map { sum0(@$_) } @{ $m->{counts} };
	my @column = map {
		my $j = $_;
		sum0(map { $_->[$j] } @{ $m->{counts} })
	} @index;
	my @diagonal = map { $m->{counts}[$_][$_] } @index;
	return (\@row, \@column, \@diagonal);
}

sub scalars
{
	my $m = shift;
	my ($row, $column, $diagonal) = margins($m);
	my $n = sum0(@$row);
	my $right = sum0(@$diagonal);
	# these are whole multiples of 1/64, exact
	my $expected = sum0(map { $row->[$_] * $column->[$_] } 0 .. $#$row);
	my $rows2 = $n**2 - sum0(map { $_**2 } @$row);
	my $columns2 = $n**2 - sum0(map { $_**2 } @$column);
	my $covariance = $n * $right - $expected;

	my $bits = 0;
	for my $i (0 .. $#$row)
	{
		for my $j (0 .. $#$row)
		{
			my $c = $m->{counts}[$i][$j] or next;
			$bits += $c / $n * log($c * $n / $row->[$i] / $column->[$j]) / log(2);
		}
	}
	return {
		total => $n,
		accuracy => number(ratio($right, $n)),
		balanced_accuracy => number(
			mean([ map { ratio($diagonal->[$_], $row->[$_]) } 0 .. $#$row ],
				[ (1) x @$row ])),
		cohen_kappa => number(ratio($covariance, $n**2 - $expected)),
		matthews_corrcoef => $rows2 == 0 || $columns2 == 0
		? undef
		: $covariance / sqrt($rows2) / sqrt($columns2),
		mutual_information => $n == 0 ? undef : $bits,
	};
}

# Half the width of the interval of macro F1 without z: delta method.
sub macro_f1_error
{
	my ($m, $f1) = @_;
	my ($row, $column) = margins($m);
	my $n = sum0(@$row);
	my @defined = grep { defined $f1->[$_] } 0 .. $#$f1;
	my %f = map { $_ => number($f1->[$_]) } @defined;
	my %d = map { $_ => ($row->[$_] + $column->[$_]) / $n } @defined;
	my $sum = 0;
	for my $i (0 .. $#$row)
	{
		for my $j (0 .. $#$row)
		{
			my $share = $m->{counts}[$i][$j] / $n or next;
			$sum += $share * (
				$i == $j
				? 4 * (1 - $f{$i})**2 / $d{$i}**2
				: ($f{$i} / $d{$i} + $f{$j} / $d{$j})**2);
		}
	}
	return sqrt($sum / $n) / @defined;
}

sub class_reports
{
	my $m = shift;
	my ($row, $column, $diagonal) = margins($m);
	return map {
		my ($tp, $support, $predicted) = ($diagonal->[$_], $row->[$_], $column->[$_]);
		my $f1 = ratio(2 * $tp, $support + $predicted);
		my @j = wilson($tp, $support + $predicted - $tp);
		{
			label => $m->{labels}[$_],
			support => $support,
			predicted => $predicted,
			precision => ratio($tp, $predicted),
			recall => ratio($tp, $support),
			f1 => $f1,
			precision_interval => [ wilson($tp, $predicted) ],
			recall_interval => [ wilson($tp, $support) ],
			f1_interval => [ map { defined $_ ? 2 * $_ / (1 + $_) : undef } @j ],
		};
	} 0 .. $#$row;
}

sub averages
{
	my ($m, @classes) = @_;
	my ($row, $column, $diagonal) = margins($m);
	my @plain = (1) x @$row;
	my %result;
	for my $measure (qw(precision recall f1))
	{
		my $values = [ map { $_->{$measure} } @classes ];
		$result{"macro_$measure"} = number(mean($values, \@plain));
		$result{"weighted_$measure"} = number(mean($values, $row));
	}
	$result{micro_f1} = number(ratio(2 * sum0(@$diagonal), sum0(@$row, @$column)));
	@result{qw(macro_f1_low macro_f1_high)} = (undef, undef);
	if (defined $result{macro_f1})
	{
		my $half = $z{0.95} * macro_f1_error($m, [ map { $_->{f1} } @classes ]);
		$result{macro_f1_low} = max(0, $result{macro_f1} - $half);
		$result{macro_f1_high} = min(1, $result{macro_f1} + $half);
	}
	return \%result;
}

my %rows_of;
push @{ $rows_of{ $_->[0] } }, [ @$_[ 2, 3, 4 ] ] for @rows;
my %want = map { $_ => confusion(@{ $rows_of{$_} }) } keys %rows_of;
my %classes_of = map { $_ => [ class_reports($want{$_}) ] } keys %want;

sub check_matrix
{
	my ($what, $where, $text, $want) = @_;
	my $got = json($text);
	check_exact("$what: labels in order", $where,
		join("\x1f", @{ $got->{labels} }), join("\x1f", @{ $want->{labels} }));
	for my $i (0 .. $#{ $want->{labels} })
	{
		for my $j (0 .. $#{ $want->{labels} })
		{
			check_close("$what: counts", "$where [$i][$j]",
				$got->{counts}[$i][$j], $want->{counts}[$i][$j], $tolerance);
		}
	}
	return;
}

# differences of nearly equal numbers: absolute tolerance
my %signed = map { $_ => 1 }
  qw(cohen_kappa matthews_corrcoef mutual_information macro_f1_low);

sub check_measure
{
	my ($what, $measure, $case, $got, $want) = @_;
	check_close("$what $measure", "case $case", $got, $want, $tolerance,
		$signed{$measure} ? 1 : 0);
	return;
}

#
# Matrices, their scalars, their cells
#
my @scalars =
  qw(total accuracy balanced_accuracy cohen_kappa matthews_corrcoef mutual_information);
my $undefined = 0;
for my $row (
	rows($node,
		'SELECT id, cm::text, ' . join(', ', map { "$_(cm)" } @scalars) . ' FROM m'))
{
	my ($case, $text, @got) = @$row;
	my $want = scalars($want{$case});
	check_matrix('annotator_confusion', "case $case", $text, $want{$case});
	check_measure('function', $scalars[$_], $case, $got[$_], $want->{ $scalars[$_] })
	  for 0 .. $#scalars;
	$undefined += !defined $want->{matthews_corrcoef};
}
is(value($node, 'SELECT count(*) FROM m'), $cases, 'each case has a matrix');
cmp_ok($undefined, '>', 10, 'some cases have no correlation');

for my $row (
	rows($node, 'SELECT id, (cells(cm, 0.9)).* FROM m'))
{
	my ($case, $truth, $label, $count, $rate, $low, $high) = @$row;
	my $m = $want{$case};
	my %place = map { $m->{labels}[$_] => $_ } 0 .. $#{ $m->{labels} };
	my $support = sum0(@{ $m->{counts}[ $place{$truth} ] });
	my $want = $m->{counts}[ $place{$truth} ][ $place{$label} ];
	my @interval = wilson($want, $support, 0.9);
	my $where = "case $case, '$truth' '$label'";
	check_exact('cells count', $where, $count, $want);
	check_close('cells rate', $where, $rate, number(ratio($want, $support)), $tolerance);
	check_close('cells rate_low', $where, $low, $interval[0], $tolerance);
	check_close('cells rate_high', $where, $high, $interval[1], $tolerance);
}
report_checks();

#
# Reports: from rows, with and without weights, and from a matrix
#
my @measures = qw(n accuracy accuracy_low accuracy_high balanced_accuracy
  macro_precision macro_recall macro_f1 macro_f1_low macro_f1_high micro_f1
  weighted_precision weighted_recall weighted_f1 matthews_corrcoef cohen_kappa);

my %report_of;
for my $case (keys %want)
{
	my $scalars = scalars($want{$case});
	my %report = (%$scalars, %{ averages($want{$case}, @{ $classes_of{$case} }) });
	$report{n} = $report{total};
	my $right = sum0(map { $want{$case}{counts}[$_][$_] } 0 .. $#{ $want{$case}{labels} });
	@report{qw(accuracy_low accuracy_high)} = wilson($right, $report{n});
	$report_of{$case} = \%report;
}

my $columns = join(', ', map { "(f).$_" } @measures);
my $plain = join(',', @plain);
my %source = (
	'f1_report(truth, predicted, weight)' =>
	  'SELECT id, f1_report(truth, predicted, weight) AS f FROM r GROUP BY id',
	'f1_report(truth, predicted)' =>
	  "SELECT id, f1_report(truth, predicted) AS f FROM r WHERE id IN ($plain) GROUP BY id",
	'f1_report(confusion_matrix)' => 'SELECT id, f1_report(cm) AS f FROM m');

for my $what (sort keys %source)
{
	my @reports = rows($node, "SELECT id, $columns FROM ($source{$what} OFFSET 0) AS v");
	is(scalar(@reports), $source{$what} =~ /WHERE/ ? @plain : $cases, "$what: a report of each case");
	for my $row (@reports)
	{
		my ($case, @got) = @$row;
		check_measure($what, $measures[$_], $case, $got[$_],
			$report_of{$case}{ $measures[$_] })
		  for 0 .. $#measures;
	}
	for my $row (
		rows($node,
			"SELECT id, c.* FROM ($source{$what} OFFSET 0) AS v, unnest((f).classes) WITH ORDINALITY AS c"
		))
	{
		my ($case, $label, $support, $predicted, @got) = @$row;
		my $place = pop(@got) - 1;
		my $want = $classes_of{$case}[$place];
		my $where = "case $case, '$label'";
		check_exact("$what classes: label", $where, $label, $want->{label});
		check_exact("$what classes: support", $where, $support, $want->{support});
		check_exact("$what classes: predicted", $where, $predicted, $want->{predicted});
		for my $measure (qw(precision recall f1))
		{
			my @mine = splice(@got, 0, 3);
			my @theirs =
			  (number($want->{$measure}), @{ $want->{"${measure}_interval"} });
			check_close("$what classes: $measure and interval", $where, $mine[$_],
				$theirs[$_], $tolerance)
			  for 0 .. 2;
		}
	}
	report_checks();
}

#
# A fixed set of labels: absent ones are undefined, others left out
#
for my $row (
	rows($node, q{
		SELECT id, (f).macro_f1, (f).micro_f1, (f).accuracy,
		       array_to_json(ARRAY(SELECT label FROM unnest((f).classes))),
		       (SELECT count(*) FROM unnest((f).classes) WHERE label = 'no such class' AND f1 IS NULL AND support = 0)
		FROM (SELECT id, f1_report(cm, (labels(cm))[1:1] || 'no such class'::text) AS f FROM m) AS v}))
{
	my ($case, $macro, $micro, $accuracy, $labels, $absent) = @$row;
	my $first = $classes_of{$case}[0];
	check_exact('fixed labels', "case $case", join("\x1f", @{ json($labels) }),
		join("\x1f", sort_labels($first->{label}, 'no such class')));
	check_close('fixed labels: macro F1', "case $case", $macro, number($first->{f1}), $tolerance);
	check_close('fixed labels: micro F1', "case $case", $micro, number($first->{f1}), $tolerance);
	check_close('fixed labels: accuracy is of the whole matrix', "case $case",
		$accuracy, $report_of{$case}{accuracy}, $tolerance);
	check_exact('fixed labels: the absent class is undefined', "case $case", $absent, 1);
}

#
# Joining by name.  Sums are exact, so texts are equal.
#
for my $row (
	rows($node, q{
		SELECT id, cm::text, s::text
		FROM m JOIN (SELECT id, sum(cm) AS s
		             FROM (SELECT id, part, annotator_confusion(truth, predicted, weight) AS cm
		                   FROM r GROUP BY id, part) AS parts
		             GROUP BY id) AS sums USING (id)}))
{
	check_exact('sum() of parts is the whole', "case $row->[0]", $row->[2], $row->[1]);
}
for my $row (
	rows($node, q{
		SELECT a.id, (a.cm + b.cm)::text, (b.cm + a.cm)::text
		FROM m AS a JOIN m AS b ON b.id = a.id + 1}))
{
	my ($case, $sum, $reverse) = @$row;
	my $want = confusion(@{ $rows_of{$case} }, @{ $rows_of{ $case + 1 } });
	check_matrix('+ joins by name', "case $case", $sum, $want);
	check_exact('+ commutes', "case $case", $reverse, $sum);
}

# smooth(): pseudo-counts in the shape of another matrix's rows
for my $row (
	rows($node, q{
		SELECT a.id, smooth(a.cm, b.cm, 2.5)::text, smooth(a.cm, b.cm, 0)::text
		FROM m AS a JOIN m AS b ON b.id = a.id + 1}))
{
	my ($case, $smoothed, $joined) = @$row;
	my $toward = $want{ $case + 1 };
	my ($support) = margins($toward);
	my @pseudo;
	for my $i (0 .. $#$support)
	{
		push @pseudo, map {
			[
				$toward->{labels}[$i], $toward->{labels}[$_],
				$support->[$i] > 0 ? 2.5 * $toward->{counts}[$i][$_] / $support->[$i] : 0
			]
		} 0 .. $#$support;
	}
	check_matrix('smooth()', "case $case", $smoothed,
		confusion(@{ $rows_of{$case} }, @pseudo));
	check_matrix('smooth() of strength 0', "case $case", $joined,
		confusion(@{ $rows_of{$case} }, map { [ @$_[ 0, 1 ], 0 ] } @pseudo));
}

# Expected counts: the truth is a distribution over quarters
my (@uncertain, %expected_of);
for my $case (1 .. 60)
{
	my @pool = shuffled(@{ $labels_of{ random_pick(sort keys %labels_of) } });
	my @truths = @pool[ 0 .. 2 ];
	for (1 .. 20)
	{
		my @p = random_pick([ 1, 0, 0 ], [ 0.5, 0.25, 0.25 ], [ 0.125, 0.875, 0 ])->@*;
		my $label = random_pick(@pool[ 0 .. 3 ]);
		my $text = join(', ', map { json_string($truths[$_]) . ": $p[$_]" } 0 .. 2);
		push @uncertain, [ $case, "{$text}", $label ];
		push @{ $expected_of{$case} }, map { [ $truths[$_], $label, $p[$_] ] } 0 .. 2;
	}
}
$node->safe_psql('postgres',
	'CREATE TABLE u (id int, truth label_distribution, label text)');
copy_in($node, 'u', \@uncertain);
for my $row (
	rows($node, 'SELECT id, annotator_confusion(truth, label)::text FROM u GROUP BY id'))
{
	check_matrix('expected counts', "case $row->[0]", $row->[1],
		confusion(@{ $expected_of{ $row->[0] } }));
}

# Labels of other types than text are the same labels.
for my $row (
	rows($node, q{
		SELECT id, cm::text, other::text, report = f1_report(cm)::text
		FROM m JOIN (SELECT id, annotator_confusion(truth::bigint, predicted::bigint, weight) AS other,
		                    f1_report(truth::bigint, predicted::bigint, weight)::text AS report
		             FROM (SELECT *, bool_and(truth ~ '^-?[0-9]+$' AND predicted ~ '^-?[0-9]+$') OVER (PARTITION BY id) AS integers
		                   FROM r OFFSET 0) AS v
		             WHERE integers GROUP BY id) AS n USING (id)}))
{
	check_exact('bigint labels are their text', "case $row->[0]", $row->[2], $row->[1]);
	check_exact('bigint labels give the same report', "case $row->[0]", $row->[3], 't');
}
report_checks();

# Rows with a NULL are no observations, whatever the weight.
is( value($node, q{
		SELECT annotator_confusion(t, p, w)::text
		FROM (VALUES ('a', 'a', 1), (NULL, 'b', 1), ('c', NULL, 1), ('d', 'd', NULL)) AS v(t, p, w)}),
	'{"labels": ["a"], "counts": [[1]]}',
	'rows with a NULL are skipped');
is(value($node, q{SELECT f1_report(truth, predicted) IS NULL FROM r WHERE false}),
	't', 'no rows: NULL');

log_is_clean($node);
$node->stop;
done_testing();
