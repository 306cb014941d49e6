# dawid_skene() against plain EM written down here in log space: the same
# log-likelihood, prior, matrices and posteriors on random annotations; the
# 1979 table as published; real data sets, where they are at hand; and the
# edges: one of everything, underflow, gold, strangers, ties.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use List::Util qw(max min sum0 uniq);
use NoisyLabel;
use Test::More;

my $tolerance = 1e-8;
my $plain_em = '"variant": "full", "acceleration": "none"';

srand(19790101);
my $node = new_node('dawid_skene');
$node->safe_psql('postgres',
	'CREATE TABLE a (id int, item text, annotator text, label text, gold text)');

#
# Plain Dawid & Skene.  Annotations are [item, annotator, label, gold].
#
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

# Counts of each truth, and for each annotator by truth and label.
sub expected_counts
{
	my ($s, $posterior) = @_;
	my $k = @{ $s->{labels} };
	my @prior = (0) x $k;
	my @counts = map { [ map { [ (0) x $k ] } 1 .. $k ] } @{ $s->{annotators} };
	for my $i (0 .. $#{ $s->{items} })
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

sub vote_shares
{
	my $s = shift;
	my $k = @{ $s->{labels} };
	my @posterior;
	for my $i (0 .. $#{ $s->{items} })
	{
		my @p = (0) x $k;
		if (defined $s->{gold}{$i}) { $p[ $s->{gold}{$i} ] = 1 }
		else { $p[ $_->[1] ] += 1 / @{ $s->{votes}[$i] } for @{ $s->{votes}[$i] } }
		push @posterior, \@p;
	}
	return \@posterior;
}

# What smoothing points to; rows without mass take it in any case.
sub target
{
	my ($s, $counts, $toward) = @_;
	my $k = @{ $s->{labels} };
	my @target;
	for my $truth (0 .. $k - 1)
	{
		my @row = map {
			my $label = $_;
			$toward eq 'uniform' ? 1 / $k
			  : $toward eq 'diagonal' ? ($truth == $label ? 4 : 1) / ($k + 3)
			  : sum0(map { $_->[$truth][$label] } @$counts)
		} 0 .. $k - 1;
		my $sum = sum0(@row);
		push @target, [ map { $sum > 0 ? $_ / $sum : 1 / $k } @row ];
	}
	return \@target;
}

sub maximize
{
	my ($s, $prior, $counts, $target, $strength) = @_;
	my $n = @{ $s->{items} };
	my @matrices;
	for my $matrix (@$counts)
	{
		my @rows;
		for my $truth (0 .. $#$matrix)
		{
			my $mass = sum0(@{ $matrix->[$truth] }) + $strength;
			push @rows,
			  [
				map {
					$mass > 0
					  ? ($matrix->[$truth][$_] + $strength * $target->[$truth][$_]) / $mass
					  : $target->[$truth][$_]
				} 0 .. $#$matrix
			  ];
		}
		push @matrices, \@rows;
	}
	return { prior => [ map { $_ / $n } @$prior ], matrices => \@matrices };
}

# Logarithm, and 1 for what is impossible.
sub log_or_veto
{
	return $_[0] > 0 ? (log($_[0]), 0) : (0, 1);
}

# Log-likelihood, and posteriors.  An item that is impossible under all classes
# doesn't occur while fitting.
sub expectation
{
	my ($s, $model) = @_;
	my $k = @{ $s->{labels} };
	my $log_likelihood = 0;
	my @posterior;
	my @log_prior = map { [ log_or_veto($_) ] } @{ $model->{prior} };
	my @logs = map {
		[ map { [ map { [ log_or_veto($_) ] } @$_ ] } @$_ ]
	} @{ $model->{matrices} };
	for my $i (0 .. $#{ $s->{items} })
	{
		my @log;
		for my $truth (defined $s->{gold}{$i} ? $s->{gold}{$i} : 0 .. $k - 1)
		{
			my ($log, $impossible) = @{ $log_prior[$truth] };
			for (@{ $s->{votes}[$i] })
			{
				my $p = $logs[ $_->[0] ][$truth][ $_->[1] ];
				$log += $p->[0];
				$impossible += $p->[1];
			}
			$log[$truth] = $log if !$impossible;
		}
		my $max = max(grep { defined } @log);
		my $sum = sum0(map { exp($_ - $max) } grep { defined } @log);
		$log_likelihood += $max + log($sum);
		push @posterior,
		  [ map { defined $log[$_] ? exp($log[$_] - $max) / $sum : 0 } 0 .. $k - 1 ];
	}
	return ($log_likelihood, \@posterior);
}

sub log_density
{
	my ($model, $target, $strength) = @_;
	my $sum = 0;
	for my $matrix (@{ $model->{matrices} })
	{
		for my $truth (0 .. $#$matrix)
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

sub fit
{
	my ($s, %option) = @_;
	my ($prior, $counts) = expected_counts($s, vote_shares($s));
	my $target = target($s, $counts, $option{toward} // 'pool');
	my $strength = $option{smoothing} // 0;
	my ($model, $objective, %fit);
	for my $iteration (1 .. $option{max_iterations} // 100)
	{
		my $last = $objective;
		$model = maximize($s, $prior, $counts, $target, $strength);
		my ($log_likelihood, $posterior) = expectation($s, $model);
		($prior, $counts) = expected_counts($s, $posterior);
		$objective = $log_likelihood
		  + ($strength > 0 ? log_density($model, $target, $strength) : 0);
		%fit = (
			%$model,
			iterations => $iteration,
			log_likelihood => $log_likelihood,
			posterior => $posterior,
			counts => $counts);
		last
		  if defined $last
		  && $objective - $last <= ($option{tolerance} // 1e-6) * abs($objective);
	}
	return \%fit;
}

#
# Random sets: some items have gold, some annotators repeat themselves, some
# labels are seen in gold only, some annotators gave one answer.
#
my @rows;
my %annotations_of;

sub random_set
{
	my ($id, $gold_share) = @_;
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
				push @{ $annotations_of{$id} }, [ "item $item", "annotator $j", $label, $gold ];
			}
		}
	}
	push @{ $annotations_of{$id} },
	  [ 'item 1', 'seldom seen', $labels[-1], undef ],
	  [ 'gold only', 'annotator 0', $labels[0], $id % 4 ? undef : $id % 2 ? 'unheard' : 99 ];
	return;
}

random_set($_, $_ % 3 ? 0 : 0.3) for 1 .. 48;

# An item of 10,000 annotations: products of probabilities underflow.
for my $item (1 .. 30)
{
	for my $j (0 .. 9)
	{
		my $label = rand() < 0.7 ? ($item % 2 ? 'x' : 'y') : random_pick(qw(x y z));
		push @{ $annotations_of{100} }, [ "item $item", "annotator $j", $label, undef ];
	}
}
push @{ $annotations_of{100} },
  map { [ 'heavy', 'annotator ' . $_ % 10, ($_ % 7 < 4 ? 'x' : 'y'), undef ] } 1 .. 10_000;

for my $id (sort { $a <=> $b } keys %annotations_of)
{
	push @rows, map { [ $id, @$_ ] } shuffled(@{ $annotations_of{$id} });
}
copy_in($node, 'a', \@rows);
my %set_of = map { $_ => read_annotations(@{ $annotations_of{$_} }) } keys %annotations_of;

my @fits = (
	[ {} ],
	[ { max_iterations => 3 } ],
	[ { smoothing => 0.5 } ],
	[ { smoothing => 2, toward => 'diagonal' } ],
	[ { smoothing => 1, toward => 'uniform' } ],
	[ { toward => 'diagonal', max_iterations => 30, tolerance => 0 } ]);

for my $fit (@fits)
{
	my ($option) = @$fit;
	my $given = join('', map { ", \"$_\": " . ($_ eq 'toward' ? "\"$option->{$_}\"" : $option->{$_}) }
		  sort keys %$option);
	my $what = $given =~ s/^, //r || 'defaults';
	$node->safe_psql('postgres',
		'DROP TABLE IF EXISTS f; CREATE TABLE f AS SELECT id, annotation_set(item, annotator, label, gold) AS s,'
		  . " dawid_skene(item, annotator, label, gold, '{$plain_em$given}'::jsonb) AS m FROM a GROUP BY id");
	my %fit_of;
	for my $row (rows($node, 'SELECT id, m::text FROM f'))
	{
		my ($id, $text) = @$row;
		my $s = $set_of{$id};
		my $got = json($text);
		my $want = $fit_of{$id} = fit($s, %$option);
		my $component = $got->{components}[0];
		my $where = "set $id";
		check_exact("$what: labels", $where, "@{ $got->{labels} }", "@{ $s->{labels} }");
		check_exact("$what: annotators", $where,
			"@{ $got->{annotators} }", "@{ $s->{annotators} }");
		check_exact("$what: iterations", $where, $got->{fit}{iterations}, $want->{iterations});
		check_close("$what: log-likelihood", $where,
			$got->{fit}{log_likelihood}, $want->{log_likelihood}, $tolerance);
		for my $k (0 .. $#{ $s->{labels} })
		{
			check_close("$what: prior", "$where $k", $component->{prior}[$k],
				$want->{prior}[$k], $tolerance, 1);
		}
		for my $j (0 .. $#{ $s->{annotators} })
		{
			for my $truth (0 .. $#{ $s->{labels} })
			{
				for my $label (0 .. $#{ $s->{labels} })
				{
					check_close("$what: confusion", "$where [$j][$truth][$label]",
						$component->{confusion}[$j][$truth][$label],
						$want->{matrices}[$j][$truth][$label],
						$tolerance, 1);
					check_close("$what: expected counts", "$where [$j][$truth][$label]",
						$got->{counts}[$j][$truth][$label],
						$want->{counts}[$j][$truth][$label],
						$tolerance, 1);
				}
			}
		}
	}
	my %place_of;
	for my $id (keys %set_of)
	{
		my $items = $set_of{$id}{items};
		$place_of{$id}{ $items->[$_] } = $_ for 0 .. $#$items;
	}
	my @consensus = rows($node, 'SELECT id, c.* FROM f, consensus(s, m) AS c');
	is(scalar(keys %fit_of), scalar(keys %set_of), "$what: a model of each set");
	is(scalar(@consensus), sum0(map { scalar @{ $_->{items} } } values %set_of), "$what: a consensus of each item");
	for my $row (@consensus)
	{
		my ($id, $item, $label, $confidence, $entropy, $n, $tied, $distribution) = @$row;
		my $i = $place_of{$id}{$item};
		my $labels = $set_of{$id}{labels};
		my $want = $fit_of{$id}{posterior}[$i];
		my $got = json($distribution);
		my $where = "set $id, '$item'";
		my $max = max(@$want);
		my ($top) = grep { $want->[$_] >= $max - 1e-9 } 0 .. $#$want;
		check_close("$what: posterior", "$where $_", $got->{ $labels->[$_] }, $want->[$_],
			$tolerance, 1)
		  for 0 .. $#$labels;
		check_exact("$what: consensus label", $where, $label, $labels->[$top]);
		check_close("$what: confidence", $where, $confidence, $max, $tolerance, 1);
		check_close("$what: entropy", $where, $entropy,
			-sum0(map { $_ > 0 ? $_ * log($_) / log(2) : 0 } @$want), 1e-6, 1);
		check_exact("$what: annotations of an item", $where, $n,
			scalar @{ $set_of{$id}{votes}[$i] });
		check_exact("$what: tied", $where, $tied,
			(grep { $_ >= $max - 1e-9 } @$want) > 1 ? 't' : 'f');
	}
	report_checks();

	is( value($node, q{
			SELECT count(*)
			FROM f, consensus(s, m) AS c
			JOIN (SELECT id AS pid, item AS pitem, posterior(m, annotator, label)::text AS p
			      FROM a JOIN f USING (id) GROUP BY id, item HAVING count(gold) = 0) AS v
			  ON pitem = c.item
			WHERE id = pid AND p IS DISTINCT FROM distribution::text}),
		0,
		"$what: posterior() is consensus() to the digit");
}

is( value($node, 'SELECT count(*) > 1000 FROM (SELECT id, item FROM a GROUP BY id, item HAVING count(gold) = 0) AS v'),
	't',
	'that was of more than 1000 items');

#
# Log-likelihood never falls; passes are at most as many as allowed
#
for my $acceleration ('none', 'squarem')
{
	my @fits = rows($node, qq{
		SELECT id, n, iterations, log_likelihood,
		       lag(log_likelihood) OVER (PARTITION BY id ORDER BY n)
		FROM f, generate_series(1, 20) AS n,
		     LATERAL fit_report(dawid_skene(s, jsonb_build_object('variant', 'full', 'acceleration', '$acceleration',
		                                                          'tolerance', 0, 'max_iterations', n)))});
	for (@fits)
	{
		my ($id, $n, $iterations, $log_likelihood, $before) = @$_;
		tally("acceleration $acceleration: the log-likelihood never falls",
			!defined $before || $log_likelihood >= $before - 1e-11 * abs($before),
			"set $id, max_iterations $n: $log_likelihood after " . ($before // ''));
		tally("acceleration $acceleration: at most max_iterations passes",
			$iterations <= $n, "set $id, max_iterations $n: $iterations passes");
	}
}
report_checks();

# Both ways to the same maximum
my ($slow, $fast) = map {
	value($node, qq{
		SELECT log_likelihood
		FROM f, fit_report(dawid_skene(s, '{"variant": "full", "acceleration": "$_", "tolerance": 1e-12, "max_iterations": 20000}'))
		WHERE id = 100})
} qw(none squarem);
ok(near($fast, $slow, 1e-9), 'acceleration reaches the same maximum')
  or diag("$fast, $slow");

# The order of rows has no influence
is( value($node, qq{
		SELECT count(*)
		FROM (SELECT id, dawid_skene(item, annotator, label, gold ORDER BY item, annotator)::text AS a,
		             dawid_skene(item, annotator, label, gold ORDER BY md5(item || annotator || label))::text AS b,
		             dawid_skene(item, annotator, label, gold ORDER BY label DESC, md5(annotator || item))::text AS c
		      FROM a GROUP BY id) AS v
		WHERE a IS DISTINCT FROM b OR a IS DISTINCT FROM c}),
	0,
	'rows in any order give the same model to the byte');

#
# The 1979 table
#
my @anaesthetists = read_csv("$FindBin::RealBin/../data/anaesthetists_1979.csv");
is(scalar(@anaesthetists), 315, 'the 1979 table has 315 rows');
$node->safe_psql('postgres', 'CREATE TABLE d (item int, annotator int, label int)');
copy_in($node, 'd', \@anaesthetists);
for my $options ('{"tolerance": 1e-13, "max_iterations": 5000, "variant": "full"}',
	qq({"tolerance": 1e-13, "max_iterations": 5000, $plain_em}))
{
	$node->safe_psql('postgres',
		'DROP TABLE IF EXISTS dm; CREATE TABLE dm AS SELECT annotation_set(item, annotator, label) AS s,'
		  . " dawid_skene(item, annotator, label, '$options'::jsonb) AS m FROM d");
	my $model = json(value($node, 'SELECT m::text FROM dm'));
	my $what = "1979, $options";
	ok(near($model->{fit}{log_likelihood}, -192.890881, 1e-5 / 192), "$what: log-likelihood")
	  or diag($model->{fit}{log_likelihood});
	my @published = (0.3996, 0.4220, 0.1118, 0.0667);
	my $prior = $model->{components}[0]{prior};
	is((grep { abs($prior->[$_] - $published[$_]) > 5e-5 } 0 .. 3), 0, "$what: class marginals")
	  or diag("@$prior");
	my $observer1 = $model->{components}[0]{confusion}[0];
	is( join('; ', map { join(' ', map { sprintf('%.2f', $_) } @$_) } @$observer1),
		'0.89 0.11 0.00 0.00; 0.07 0.88 0.05 0.00; 0.00 0.34 0.66 0.00; 0.00 0.00 0.56 0.44',
		"$what: observer 1");
	is( value($node, q{SELECT string_agg(label, ',' ORDER BY item::int) FROM dm, consensus(s, m) WHERE item::int <= 6}),
		'1,4,2,2,2,2',
		"$what: patients 1 to 6");
}

#
# Real sets
#
SKIP:
{
	my $folder = data_folder();
	# plain Dawid-Skene, converged; and the best published method on each set
	my %plain = (rte => 0.9275, sp => 0.9150, web => 0.8259, d_product => 0.9393);
	my %best = (
		rte => 0.9275, d_product => 0.9393, web => 0.8259, cf => 0.8933,
		sp => 0.9170, zc_us => 0.9108, music_genre => 0.7900);
	if (!$folder)
	{
		diag('skipped: accuracy on real sets, no folder of data sets (NOISYLABEL_SHARED)');
		skip('no folder of data sets', keys(%plain) + keys(%best) + 1);
	}
	my $sum = 0;
	for my $set (sort keys %best)
	{
		$node->safe_psql('postgres',
			'DROP TABLE IF EXISTS v, g; CREATE TABLE v (item text, annotator text, label text); CREATE TABLE g (item text, label text)');
		copy_in($node, 'v', [ map { [ @$_[ 0 .. 2 ] ] } read_csv("$folder/$set/annotations.csv") ]);
		copy_in($node, 'g', [ read_csv("$folder/$set/gold.csv") ]);
		my $accuracy = sub {
			return value($node, qq{
				SELECT avg((c.label = g.label)::int)
				FROM (SELECT annotation_set(item, annotator, label) AS s,
				             dawid_skene(item, annotator, label, '$_[0]'::jsonb) AS m
				      FROM v) AS f, consensus(s, m) AS c JOIN g USING (item)});
		};
		if (defined $plain{$set})
		{
			my $got = $accuracy->("{\"tolerance\": 1e-12, \"max_iterations\": 5000, $plain_em}");
			ok(abs($got - $plain{$set}) <= 0.002, "$set: converged accuracy $plain{$set}")
			  or diag("got $got");
		}
		my $auto = $accuracy->('{"variant": "auto"}');
		ok($auto >= $best{$set} - 0.01, "$set: variant auto is at most .01 below the best published $best{$set}")
		  or diag("got $auto");
		$sum += $auto;
	}
	ok($sum / keys(%best) >= 0.886, 'variant auto is on average as good as the best published for each set')
	  or diag('got ' . $sum / keys(%best));
}

#
# Edges
#
sub fit_of_values
{
	my ($columns, $values, $options) = @_;
	return "SELECT annotation_set($columns) AS s, dawid_skene($columns"
	  . ($options ? ", '$options'::jsonb" : '')
	  . ") AS m FROM (VALUES $values) AS v($columns)";
}

my $three = 'item, annotator, label';
my $four = 'item, annotator, label, gold';

sub consensus_of
{
	my ($fit, $columns) = @_;
	return join('; ', map { join(' ', map { $_ // 'NULL' } @$_) }
		  rows($node, "SELECT $columns FROM ($fit) AS f, consensus(s, m) ORDER BY item"));
}

is(consensus_of(fit_of_values($three, "('i', 'a', 'x')"), 'item, label, confidence, entropy, tied'),
	'i x 1 0 f', 'one annotation');
is( consensus_of(fit_of_values($three, "('i', 'a', 'x'), ('i', 'b', 'x'), ('j', 'a', 'x')"),
		'item, label, confidence, entropy, tied'),
	'i x 1 0 f; j x 1 0 f', 'one class');
is( consensus_of(fit_of_values($three, "('i', 'a', 'x'), ('j', 'a', 'y'), ('k', 'a', 'y')"),
		'item, label, confidence'),
	'i x 1; j y 1; k y 1', 'one annotator');
is( consensus_of(fit_of_values($three, "('i', 'a', 'y'), ('i', 'b', 'x')", '{"smoothing": 1, "toward": "uniform"}'),
		'item, label, confidence, tied'),
	'i x 0.5 t', 'a tie goes to the first label and is flagged');
is( consensus_of(fit_of_values($three, "('i', 'a', '9'), ('i', 'b', '10')", '{"smoothing": 1, "toward": "uniform"}'),
		'item, label, confidence, tied'),
	'i 9 0.5 t', 'the first of integers is the smallest');
is( consensus_of(fit_of_values($four, "('i', 'a', 'x', 'z'), ('j', 'a', 'x', NULL), ('j', 'b', 'y', NULL), ('k', 'b', 'y', NULL)"),
		"item = 'i' AND label = 'z' AND confidence = 1, probability(distribution, 'z') BETWEEN 0 AND 1"),
	't t; f t; f t', 'a class that only gold has');
like(
	value($node, 'SELECT m::text FROM (' . fit_of_values($four, "('i', 'a', 'x', 'z'), ('j', 'a', 'x', NULL)") . ') AS f'),
	qr/"labels": \["x", "z"\]/, 'a class that only gold has is one of the model');

# An annotator whom the model doesn't know counts as the pool.
my $crowd = fit_of_values($three,
	join(', ', map { my $i = $_; map { "('i$i', 'a$_', '" . (($i + ($_ == $i % 3)) % 2 ? 'x' : 'y') . "')" } 0 .. 2 } 1 .. 7));
{
	my $model = json(value($node, "SELECT m::text FROM ($crowd) AS f"));
	my $component = $model->{components}[0];
	my @p = map { $component->{prior}[$_] * $component->{pool}[$_][1] } 0, 1;
	my $row = (rows($node, "SELECT c.label, c.confidence, p::text = distribution::text FROM ($crowd) AS f, consensus(annotation_set_accum(NULL, 'new', 'stranger', 'y'), m) AS c, LATERAL (SELECT posterior(m, w.a, 'y') FROM (VALUES ('stranger')) AS w(a)) AS p(p)"))[0];
	is($row->[0], $p[1] > $p[0] ? 'y' : 'x', 'a stranger counts as the pool: label');
	ok(near($row->[1], max(@p) / sum0(@p), 1e-9), 'a stranger counts as the pool: confidence');
	is($row->[2], 't', 'posterior() says the same');
	my @counts = ([ 0, 0 ], [ 0, 0 ]);
	for my $matrix (@{ $model->{counts} })
	{
		for my $cell ([ 0, 0 ], [ 0, 1 ], [ 1, 0 ], [ 1, 1 ])
		{
			$counts[ $cell->[0] ][ $cell->[1] ] += $matrix->[ $cell->[0] ][ $cell->[1] ];
		}
	}
	ok( near($component->{pool}[1][0], $counts[1][0] / sum0(@{ $counts[1] }), 1e-9, 1),
		'the pool is the counts of all');
}

my ($out, $err);
$node->psql('postgres',
	"SELECT consensus(annotation_set_accum(NULL, 'new', 'a0', 'unheard'), m) FROM ($crowd) AS f",
	stderr => \$err);
like($err, qr/does not know label "unheard"/, 'consensus(): an unknown label is an error');
$node->psql('postgres', "SELECT posterior(m, 'a0', 'unheard') FROM ($crowd) AS f", stderr => \$err);
like($err, qr/does not know label "unheard"/, 'posterior(): an unknown label is an error');

# Rates of 1e-300 and a thousand votes: no NaN, and the majority of evidence wins.
$node->safe_psql('postgres', q{
	CREATE FUNCTION by_hand(tiny text) RETURNS annotator_model LANGUAGE sql AS $$
		SELECT jsonb_set(jsonb_set(dawid_skene(l, 'a', l)::jsonb,
		                           '{components,0,prior}', '[0.5, 0.5]'),
		                 '{components,0,confusion}', format('[[[1, %s], [%s, 1]]]', tiny, tiny)::jsonb)::text::annotator_model
		FROM (VALUES ('x'), ('y')) AS v(l)
	$$;
	CREATE TABLE tiny AS SELECT by_hand('1e-300') AS small, by_hand('0') AS zero});
is( join(' ', map { "@$_" } rows($node, q{
		SELECT top_label(p), confidence(p), entropy(p)
		FROM (SELECT posterior(small, 'a', CASE WHEN i % 2 = 0 OR i = 1 THEN 'y' ELSE 'x' END) AS p
		      FROM tiny, generate_series(1, 10000) AS i) AS v})),
	'y 1 0',
	'probabilities of 1e-300');
is( value($node, q{SELECT posterior(zero, 'a', l)::text FROM tiny, (VALUES ('x'), ('y')) AS v(l)}),
	'{"x": 0.5, "y": 0.5}',
	'impossible under both classes: neither is ruled out');

log_is_clean($node);
$node->stop;
done_testing();
