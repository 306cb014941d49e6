package RuleCrowds;

# Crowds on which variant auto is held against test/data/default_rule.py, which
# reads them from here, too.  They are the same on every machine.

use strict;
use warnings;
use Exporter 'import';
use NoisyLabel;
use PlainEM;

our @EXPORT = qw(rule_crowds);

# Items of class "c0".. of $k, each answered by some of the annotators, whose
# accuracies differ.
sub crowd
{
	my (%o) = @_;
	my $k = $o{classes} // 2;
	my @rows;
	my @accuracy = map { 0.5 + 0.45 * rand() } 1 .. $o{annotators};
	for my $item (1 .. $o{items})
	{
		my $truth = int(rand($k));
		# what a hard item looks like to everybody
		my $seen = rand() < ($o{hard} // 0) ? int(rand($k)) : $truth;
		my @asked = (shuffled(0 .. $o{annotators} - 1))[ 0 .. $o{answers}->($item) - 1 ];
		for my $j (@asked)
		{
			my $times = rand() < ($o{repeats} // 0) ? 2 + int(rand(2)) : 1;
			for (1 .. $times)
			{
				my $label = rand() < $accuracy[$j] ? $seen : int(rand($k));
				push @rows, [ sprintf('i%04d', $item), "a$j", "c$label", undef ];
			}
		}
		$rows[-1][3] = "c$truth" if rand() < ($o{gold} // 0);
	}
	return \@rows;
}

# The annotator's answers once more, under another name; some of them changed.
sub add_copy
{
	my ($rows, $annotator, $name, $changed) = @_;
	push @$rows, map { [ $_->[0], $name, rand() < $changed ? 'c0' : $_->[2], undef ] }
	  grep { $_->[1] eq $annotator } @$rows;
	return $rows;
}

# Two who are right on .97 among ten who mostly guess.
sub experts
{
	my $items = shift;
	my @rows;
	for my $item (1 .. $items)
	{
		my $truth = int(rand(3));
		push @rows, [ sprintf('i%04d', $item), sprintf('a%02d', $_),
			'c' . (rand() < ($_ < 2 ? 0.97 : 0.1) ? $truth : int(rand(3))), undef ]
		  for 0 .. 11;
	}
	return \@rows;
}

sub rule_crowds
{
	srand(13);
	my @crowds = (
		{ name => 'plain', rows => crowd(items => 120, annotators => 9, classes => 3, answers => sub { 4 }) },
		{ name => 'repeats', rows => crowd(items => 80, annotators => 7, classes => 3, answers => sub { 1 + $_[0] % 5 }, repeats => 0.3) },
		{ name => 'gold', rows => crowd(items => 60, annotators => 6, classes => 4, answers => sub { 1 + $_[0] % 4 }, gold => 0.4, repeats => 0.1) },
		{ name => 'uncertain gold', gold_weight => 0.8,
			rows => crowd(items => 60, annotators => 6, classes => 3, answers => sub { 1 + $_[0] % 4 }, gold => 0.4) },
		{ name => 'nothing teaches', rows => crowd(items => 40, annotators => 5, classes => 3, answers => sub { 1 }) },
		{ name => 'one class', rows => crowd(items => 20, annotators => 4, classes => 1, answers => sub { 3 }) },
		{ name => 'one annotator', rows => crowd(items => 30, annotators => 1, answers => sub { 1 }, repeats => 0.2) },
		{ name => 'one annotator and gold', rows => crowd(items => 30, annotators => 1, answers => sub { 1 }, gold => 0.5) },
		{ name => 'long items', rows => crowd(items => 12, annotators => 150, classes => 2, answers => sub { $_[0] < 4 ? 150 : 30 }, repeats => 0.1) },
		{ name => 'a long item of many answers',
			rows => [ @{ crowd(items => 30, annotators => 8, answers => sub { 3 }) },
				map { [ 'i0001', 'a' . $_ % 8, 'c' . ($_ % 3 > 0 ? 1 : 0), undef ] } 1 .. 9000 ] },
		{ name => 'a copy', rows => add_copy(crowd(items => 150, annotators => 6, answers => sub { 6 }), 'a2', 'a2 again', 0) },
		{ name => 'copies and repeats',
			rows => add_copy(add_copy(crowd(items => 900, annotators => 8, classes => 4, answers => sub { 4 }, repeats => 0.05), 'a2', 'b', 0.02), 'a3', 'c', 0.05) },
		{ name => 'a copy and gold', rows => add_copy(crowd(items => 400, annotators => 7, classes => 3, answers => sub { 5 }, gold => 0.5), 'a0', 'a0 again', 0.02) });
	push @crowds,
	  { name => 'hard items and gold', rows => crowd(items => 200, annotators => 12, classes => 3, answers => sub { 2 + $_[0] % 5 }, gold => 0.6, hard => 0.3) },
	  { name => 'hard items and uncertain gold', gold_weight => 0.9,
		rows => crowd(items => 200, annotators => 12, classes => 3, answers => sub { 1 + $_[0] % 5 }, gold => 0.6, hard => 0.3, repeats => 0.1) };
	push @crowds, { name => "random $_", rows => [ random_annotations($_, $_ % 3 ? 0.3 : 0) ] }
	  for 1 .. 9;
	my $thrice = crowd(items => 120, annotators => 7, answers => sub { 7 });
	push @crowds,
	  { name => 'three copies', rows => add_copy(add_copy($thrice, 'a1', 'a1 again', 0), 'a1', 'once more', 0) },
	  { name => 'three near-copies', rows => add_copy(add_copy(crowd(items => 400, annotators => 8, classes => 4, answers => sub { 5 }), 'a3', 'b', 0.05), 'a3', 'c', 0.05) },
	  { name => 'two who know', rows => experts(300) }, { name => 'two who know, a few items', rows => experts(60) };
	return @crowds;
}

1;
