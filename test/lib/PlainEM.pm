package PlainEM;

# Models of annotators fitted by plain EM in log space: what the tests hold
# dawid_skene() against.  Written for clarity, one step after the other, from
# docs/reference.md and not from the C code.

use strict;
use warnings;
use Exporter 'import';
use List::Util qw(max min sum0 uniq);
use NoisyLabel;
use Test::More;

our @EXPORT = qw(read_annotations plain_fit options_json random_annotations
  check_fits);

# Annotations are [item, annotator, label, gold].
sub read_annotations
{
	my @annotations = @_;
	my %s = (
		items => [ sort { $a cmp $b } uniq(map { $_->[0] } @annotations) ],
		annotators => [ sort { $a cmp $b } uniq(map { $_->[1] } @annotations) ],
		labels => [ sort_labels(uniq(grep { defined } map { @$_[ 2, 3 ] } @annotations)) ]);
	my %code;
	for my $kind (qw(items annotators labels))
	{
		$code{$kind}{ $s{$kind}[$_] } = $_ for 0 .. $#{ $s{$kind} };
	}
	$s{votes} = [ map { [] } @{ $s{items} } ];
	for (@annotations)
	{
		my $i = $code{items}{ $_->[0] };
		push @{ $s{votes}[$i] }, [ $code{annotators}{ $_->[1] }, $code{labels}{ $_->[2] } ];
		$s{gold}{$i} = $code{labels}{ $_->[3] } if defined $_->[3];
	}
	return \%s;
}

sub shares
{
	my $sum = sum0(@_);
	return [ map { $_ / $sum } @_ ];
}

#
# Expected counts of each truth, and for each annotator by truth and label.
# Items without a posterior are left out.
#
sub expected_counts
{
	my ($s, $posterior) = @_;
	my $k = @{ $s->{labels} };
	my @prior = (0) x $k;
	my @counts = map { [ map { [ (0) x $k ] } 1 .. $k ] } @{ $s->{annotators} };
	for my $i (grep { $posterior->[$_] } 0 .. $#{ $s->{items} })
	{
		for my $truth (grep { $posterior->[$i][$_] > 0 } 0 .. $k - 1)
		{
			my $p = $posterior->[$i][$truth];
			$prior[$truth] += $p;
			$counts[ $_->[0] ][$truth][ $_->[1] ] += $p for @{ $s->{votes}[$i] };
		}
	}
	return (\@prior, \@counts);
}

# What an item starts with, seen together with its gold label.
sub mixed_with_gold
{
	my ($s, $i, $p, $gold_weight) = @_;
	my $gold = $s->{gold}{$i};
	return $p if !defined $gold;
	return [
		map { (1 - $gold_weight) * $p->[$_] + ($_ == $gold ? $gold_weight : 0) }
		  0 .. $#$p
	];
}

sub item_vote_shares
{
	my ($s, $i) = @_;
	my @p = (0) x @{ $s->{labels} };
	$p[ $_->[1] ] += 1 / @{ $s->{votes}[$i] } for @{ $s->{votes}[$i] };
	return \@p;
}

sub vote_shares
{
	my ($s, $gold_weight) = @_;
	return [ map { mixed_with_gold($s, $_, item_vote_shares($s, $_), $gold_weight) }
		  0 .. $#{ $s->{items} } ];
}

# What items with gold say by that alone; nothing is known of the others.
sub gold_shares
{
	my ($s, $gold_weight) = @_;
	my $k = @{ $s->{labels} };
	return [
		map {
			defined $s->{gold}{$_}
			  ? mixed_with_gold($s, $_, [ (1 / $k) x $k ], $gold_weight) : undef
		} 0 .. $#{ $s->{items} }
	];
}

sub add_matrices
{
	my @matrices = @_;
	my @labels = 0 .. $#{ $matrices[0] };
	my @sum = map { [ (0) x @labels ] } @labels;
	for my $matrix (@matrices)
	{
		for my $truth (@labels)
		{
			$sum[$truth][$_] += $matrix->[$truth][$_] for @labels;
		}
	}
	return \@sum;
}

#
# M steps.  Each makes one matrix of rates from one matrix of counts, with
# $strength pseudo-counts toward the rates of $target; what was never counted
# has the target's rates.
#
sub smoothed_share
{
	my ($count, $total, $target, $strength) = @_;
	return $total + $strength > 0
	  ? ($count + $strength * $target) / ($total + $strength) : $target;
}

sub free_rows
{
	my ($counts, $target, $strength) = @_;
	my @rows;
	for my $truth (0 .. $#$counts)
	{
		my $total = sum0(@{ $counts->[$truth] });
		push @rows,
		  [ map { smoothed_share($counts->[$truth][$_], $total, $target->[$truth][$_], $strength) }
			  0 .. $#$counts ];
	}
	return \@rows;
}

# Rows whose wrong labels are equally likely, from the rates of right ones.
sub even_errors
{
	my @right = @_;
	return [
		map {
			my $truth = $_;
			[ map { $_ == $truth ? $right[$truth] : (1 - $right[$truth]) / $#right } 0 .. $#right ]
		} 0 .. $#right
	];
}

sub one_accuracy_a_class
{
	my ($counts, $target, $strength) = @_;
	return even_errors(
		map { smoothed_share($counts->[$_][$_], sum0(@{ $counts->[$_] }), $target->[$_][$_], $strength) }
		  0 .. $#$counts);
}

sub one_accuracy
{
	my ($counts, $target, $strength) = @_;
	my $right = sum0(map { $counts->[$_][$_] } 0 .. $#$counts);
	my $total = sum0(map { @$_ } @$counts);
	return even_errors(
		(smoothed_share($right, $total, $target->[0][0], $strength)) x @$counts);
}

# For each variant: its matrix, whether all annotators share it, whether class
# priors are fixed to be equal, and whether all rows are one parameter.
my %variants = (
	full => { matrix => \&free_rows },
	class => { matrix => \&one_accuracy_a_class },
	one_coin => { matrix => \&one_accuracy, one_row => 1 },
	shared => { matrix => \&free_rows, for_all => 1 },
	majority => { matrix => \&one_accuracy, for_all => 1, even_prior => 1, one_row => 1 });

# What smoothing points to; also the rates of what was never counted.
sub target
{
	my ($variant, $counts, $toward) = @_;
	my $k = @{ $counts->[0] };
	my $uniform = [ map { [ (1 / $k) x $k ] } 1 .. $k ];
	return $uniform if $toward eq 'uniform';
	return even_errors((4 / ($k + 3)) x $k) if $toward eq 'diagonal';
	return $variant->{matrix}->(add_matrices(@$counts), $uniform, 0);
}

sub maximize
{
	my ($variant, $counts, $target, $strength) = @_;
	return [ map { $variant->{matrix}->($_, $target, $strength) } @$counts ]
	  if !$variant->{for_all};
	my $matrix = $variant->{matrix}->(add_matrices(@$counts), $target, $strength);
	return [ map { $matrix } @$counts ];
}

# Logarithm, and 1 for what is impossible.
sub log_or_veto
{
	return $_[0] > 0 ? (log($_[0]), 0) : (0, 1);
}

sub logs_of
{
	return map { [ log_or_veto($_) ] } @_;
}

#
# E step: log-likelihood, and posteriors.  Where every class is impossible, those
# with the fewest impossible events share the probability, and such an event
# counts as the smallest double.
#
my $log_smallest = log(2.2250738585072014e-308);

# Logarithm of a class's share of an item, and how many events rule it out.
sub log_weight
{
	my ($s, $i, $truth, $log_prior, $logs, $gold_weight) = @_;
	my @events = $log_prior->[$truth];
	my $gold = $s->{gold}{$i};
	# one more answer, of known accuracy
	push @events, logs_of($truth == $gold ? $gold_weight : (1 - $gold_weight) / $#$log_prior)
	  if defined $gold && $gold_weight < 1;
	push @events, map { $logs->[ $_->[0] ][$truth][ $_->[1] ] } @{ $s->{votes}[$i] };
	return [ sum0(map { $_->[0] } @events), sum0(map { $_->[1] } @events) ];
}

sub expectation
{
	my ($s, $model, $gold_weight) = @_;
	my $k = @{ $s->{labels} };
	my $log_likelihood = 0;
	my @posterior;
	my @log_prior = logs_of(@{ $model->{prior} });
	my @logs = map { [ map { [ logs_of(@$_) ] } @$_ ] } @{ $model->{matrices} };
	for my $i (0 .. $#{ $s->{items} })
	{
		my $gold = $s->{gold}{$i};
		my @possible = defined $gold && $gold_weight == 1 ? $gold : 0 .. $k - 1;
		my %weight = map { $_ => log_weight($s, $i, $_, \@log_prior, \@logs, $gold_weight) }
		  @possible;
		my $fewest = min(map { $_->[1] } values %weight);
		@possible = grep { $weight{$_}[1] == $fewest } @possible;
		my $max = max(map { $weight{$_}[0] } @possible);
		my @share = (0) x $k;
		$share[$_] = exp($weight{$_}[0] - $max) for @possible;
		$log_likelihood += $max + log(sum0(@share)) + $fewest * $log_smallest;
		push @posterior, shares(@share);
	}
	return ($log_likelihood, \@posterior);
}

# Logarithm of the prior density of all that was estimated, up to a constant.
sub log_density
{
	my ($variant, $matrices, $target, $strength) = @_;
	my $sum = 0;
	return 0 if $strength == 0;
	for my $matrix ($variant->{for_all} ? $matrices->[0] : @$matrices)
	{
		for my $truth ($variant->{one_row} ? 0 : 0 .. $#$matrix)
		{
			for my $label (0 .. $#$matrix)
			{
				my ($t, $p) = ($target->[$truth][$label], $matrix->[$truth][$label]);
				$sum += $t * log($p) if $t > 0 && $p > 0;
			}
		}
	}
	return $strength * $sum;
}

#
# Posteriors that an earlier fit (with the annotations it was made of) gives:
# annotators it has not met count as the average one, items with a label it
# doesn't know start with their vote shares.  All labels that it knows must be
# among those of $s.
#
sub posterior_of_start
{
	my ($s, $start, $gold_weight) = @_;
	my ($known, $model) = @$start{qw(set fit)};
	my %annotator = map { $known->{annotators}[$_] => $_ } 0 .. $#{ $known->{annotators} };
	my %label = map { $known->{labels}[$_] => $_ } 0 .. $#{ $known->{labels} };
	my $uniform = [ map { [ (1 / keys(%label)) x keys %label ] } keys %label ];
	my $average = free_rows(add_matrices(@{ $model->{counts} }), $uniform, 0);
	my $stranger = keys %annotator;

	# the items in the codes of the earlier fit
	my @votes = map {
		[
			map {
				[ $annotator{ $s->{annotators}[ $_->[0] ] } // $stranger,
					$label{ $s->{labels}[ $_->[1] ] } ]
			} @$_
		]
	} @{ $s->{votes} };
	my @known = map { my $votes = $_; !grep { !defined $_->[1] } @$votes } @votes;
	my ($unused, $posterior) = expectation(
		{ items => $s->{items}, labels => $known->{labels},
			votes => [ map { $known[$_] ? $votes[$_] : [] } 0 .. $#votes ] },
		{ prior => $model->{prior}, matrices => [ @{ $model->{matrices} }, $average ] }, 1);

	return [
		map {
			my $i = $_;
			mixed_with_gold($s, $i,
				$known[$i]
				? [ map { defined $label{$_} ? $posterior->[$i][ $label{$_} ] : 0 } @{ $s->{labels} } ]
				: item_vote_shares($s, $i),
				$gold_weight)
		} 0 .. $#votes
	];
}

# Where gold alone teaches, items with gold alone are counted.
sub counts_of_gold
{
	my ($s, $posterior) = @_;
	return (
		expected_counts(
			$s, [ map { defined $s->{gold}{$_} ? $posterior->[$_] : undef } 0 .. $#$posterior ]
		))[1];
}

# What a fit leaves behind of annotators: counts of items that tell anything about
# them, with two or with gold; where gold alone teaches, of those with gold.
sub evidence
{
	my ($s, $posterior, $gold_only) = @_;
	my @tells = map {
		my $i = $_;
		my %answered = map { $_->[0] => 1 } @{ $s->{votes}[$i] };
		defined $s->{gold}{$i} || (!$gold_only && keys %answered > 1)
	} 0 .. $#$posterior;
	return (expected_counts($s, [ map { $tells[$_] ? $posterior->[$_] : undef } 0 .. $#$posterior ]))[1];
}

#
# A fit of what read_annotations() gives.  Options are those of dawid_skene();
# "start" is { set => annotations, fit => an earlier fit of them }.
#
sub plain_fit
{
	my ($s, %option) = @_;
	my $variant = $variants{ $option{variant} // 'full' };
	my $strength = $option{smoothing} // 0;
	my $gold_weight = $option{gold_weight} // 1;
	my $gold_only = ($option{learn_from} // 'all') eq 'gold';
	my ($vote_prior, $vote_counts) = expected_counts($s, vote_shares($s, $gold_weight));
	my $target = target($variant, $vote_counts, $option{toward} // 'pool');
	my $fixed_prior =
	    $variant->{even_prior} ? [ map { 1 / @$vote_prior } @$vote_prior ]
	  : $gold_only ? shares(@$vote_prior) : undef;
	my ($prior, $counts) =
	    $gold_only ? expected_counts($s, gold_shares($s, $gold_weight))
	  : $option{start} ? expected_counts($s, posterior_of_start($s, $option{start}, $gold_weight))
	  : ($vote_prior, $vote_counts);
	my ($objective, %fit);
	for my $iteration (1 .. ($gold_only ? 1 : $option{max_iterations} // 100))
	{
		my $last = $objective;
		my %model = (
			prior => $fixed_prior // shares(@$prior),
			matrices => maximize($variant, $counts, $target, $strength));
		my ($log_likelihood, $posterior) = expectation($s, \%model, $gold_weight);
		($prior, $counts) = expected_counts($s, $posterior);
		$objective = $log_likelihood + log_density($variant, $model{matrices}, $target, $strength);
		%fit = (
			%model,
			iterations => $iteration,
			log_likelihood => $log_likelihood,
			posterior => $posterior,
			counts => $gold_only ? counts_of_gold($s, $posterior) : $counts,
			evidence => evidence($s, $posterior, $gold_only));
		last
		  if defined $last
		  && $objective - $last <= ($option{tolerance} // 1e-6) * abs($objective);
	}
	return \%fit;
}

# Options as dawid_skene() takes them, without a start.
sub options_json
{
	my %option = @_;
	return '{'
	  . join(', ',
		map { "\"$_\": " . ($option{$_} =~ /^[a-z]/ ? "\"$option{$_}\"" : $option{$_}) }
		  sort grep { $_ ne 'start' } keys %option)
	  . '}';
}

#
# Annotations of a random crowd, differing by $id: some items have gold, some
# annotators repeat themselves, some labels are seen in gold only, some
# annotators gave one answer.
#
sub random_annotations
{
	my ($id, $gold_share) = @_;
	my @annotations;
	my $k = 2 + int(rand(5));
	my $annotators = 2 + int(rand(7));
	my @labels = $id % 2 ? map { "class $_" } 1 .. $k : map { $_ * 7 } 1 .. $k;
	my @skill = map { 0.35 + 0.6 * rand() } 1 .. $annotators;
	for my $item (1 .. 20 + int(rand(30)))
	{
		my $truth = random_pick(@labels, $labels[0]);
		my $gold = rand() < $gold_share ? $truth : undef;
		my @asked = shuffled(0 .. $annotators - 1);
		for my $j (@asked[ 0 .. int(rand(@asked)) ])
		{
			for (1 .. rand() < 0.1 ? 3 : 1)
			{
				my $label = rand() < $skill[$j] ? $truth : random_pick(@labels);
				push @annotations, [ "item $item", "annotator $j", $label, $gold ];
			}
		}
	}
	push @annotations,
	  [ 'item 1', 'seldom seen', $labels[-1], undef ],
	  [ 'gold only', 'annotator 0', $labels[0], $id % 4 ? undef : $id % 2 ? 'unheard' : 99 ];
	return @annotations;
}

sub check_model
{
	my ($what, $where, $s, $text, $want, $tolerance) = @_;
	my $got = json($text);
	my $component = $got->{components}[0];
	my @labels = 0 .. $#{ $s->{labels} };
	check_exact("$what: labels", $where, "@{ $got->{labels} }", "@{ $s->{labels} }");
	check_exact("$what: annotators", $where,
		"@{ $got->{annotators} }", "@{ $s->{annotators} }");
	check_exact("$what: iterations", $where, $got->{fit}{iterations}, $want->{iterations});
	check_close("$what: log-likelihood", $where,
		$got->{fit}{log_likelihood}, $want->{log_likelihood}, $tolerance);
	check_close("$what: prior", "$where $_", $component->{prior}[$_],
		$want->{prior}[$_], $tolerance, 1)
	  for @labels;
	for my $j (0 .. $#{ $s->{annotators} })
	{
		for my $truth (@labels)
		{
			for my $label (@labels)
			{
				check_close("$what: confusion", "$where [$j][$truth][$label]",
					$component->{confusion}[$j][$truth][$label],
					$want->{matrices}[$j][$truth][$label],
					$tolerance, 1);
				check_close("$what: expected counts", "$where [$j][$truth][$label]",
					$got->{counts}[$j][$truth][$label],
					$want->{evidence}[$j][$truth][$label],
					$tolerance, 1);
			}
		}
	}
	return;
}

sub check_consensus
{
	my ($what, $where, $s, $row, $posterior, $tolerance) = @_;
	my ($item, $label, $confidence, $entropy, $n, $tied, $distribution) = @$row;
	my ($i) = grep { $s->{items}[$_] eq $item } 0 .. $#{ $s->{items} };
	my $want = $posterior->[$i];
	my $got = json($distribution);
	my $labels = $s->{labels};
	my $max = max(@$want);
	my ($top) = grep { $want->[$_] >= $max - 1e-9 } 0 .. $#$want;
	$where = "$where, '$item'";
	check_close("$what: posterior", "$where $_", $got->{ $labels->[$_] }, $want->[$_],
		$tolerance, 1)
	  for 0 .. $#$labels;
	check_exact("$what: consensus label", $where, $label, $labels->[$top]);
	check_close("$what: confidence", $where, $confidence, $max, $tolerance, 1);
	check_close("$what: entropy", $where, $entropy,
		-sum0(map { $_ > 0 ? $_ * log($_) / log(2) : 0 } @$want), 1e-6, 1);
	check_exact("$what: annotations of an item", $where, $n, scalar @{ $s->{votes}[$i] });
	check_exact("$what: tied", $where, $tied,
		(grep { $_ >= $max - 1e-9 } @$want) > 1 ? 't' : 'f');
	return;
}

#
# The models of table f (id, s annotation_set, m annotator_model), and the
# consensus by them, against fits by id; one assertion for each measure.
#
sub check_fits
{
	my ($node, $what, $set_of, $fit_of, $tolerance) = @_;
	my @models = rows($node, 'SELECT id, m::text FROM f');
	is(scalar(@models), scalar(keys %$fit_of), "$what: a model of each set");
	for (@models)
	{
		my ($id, $text) = @$_;
		check_model($what, "set $id", $set_of->{$id}, $text, $fit_of->{$id}, $tolerance);
	}
	my @consensus = rows($node, 'SELECT id, c.* FROM f, consensus(s, m) AS c');
	is( scalar(@consensus),
		sum0(map { scalar @{ $set_of->{$_}{items} } } keys %$fit_of),
		"$what: a consensus of each item");
	for (@consensus)
	{
		my ($id, @row) = @$_;
		check_consensus($what, "set $id", $set_of->{$id}, \@row,
			$fit_of->{$id}{posterior}, $tolerance);
	}
	report_checks();
	return;
}

1;
