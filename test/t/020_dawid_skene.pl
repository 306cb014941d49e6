# dawid_skene() against plain EM in Perl (test/lib/PlainEM.pm): the same
# log-likelihood, prior, matrices and posteriors on random annotations; the
# 1979 table as published; real data sets, where they are at hand; and the
# edges: one of everything, underflow, gold, strangers, ties.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use List::Util qw(max sum0);
use NoisyLabel;
use PlainEM;
use Test::More;

my $tolerance = 1e-8;
my $plain_em = '"variant": "full", "acceleration": "none"';

srand(19790101);
my $node = new_node('dawid_skene');
$node->safe_psql('postgres',
	'CREATE TABLE a (id int, item text, annotator text, label text, gold text)');

#
# Random sets
#
my @rows;
my %annotations_of;

$annotations_of{$_} = [ random_annotations($_, $_ % 3 ? 0 : 0.3) ] for 1 .. 48;

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
	{},
	{ max_iterations => 3 },
	{ smoothing => 0.5 },
	{ smoothing => 2, toward => 'diagonal' },
	{ smoothing => 1, toward => 'uniform' },
	{ toward => 'diagonal', max_iterations => 30, tolerance => 0 });

for my $option (@fits)
{
	my $options = options_json(variant => 'full', acceleration => 'none', %$option);
	my $what = join(', ', map { "\"$_\": $option->{$_}" } sort keys %$option) || 'defaults';
	$node->safe_psql('postgres',
		'DROP TABLE IF EXISTS f; CREATE TABLE f AS SELECT id, annotation_set(item, annotator, label, gold) AS s,'
		  . " dawid_skene(item, annotator, label, gold, '$options'::jsonb) AS m FROM a GROUP BY id");
	my %fit_of = map { $_ => plain_fit($set_of{$_}, %$option) } keys %set_of;
	check_fits($node, $what, \%set_of, \%fit_of, $tolerance);

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
	# plain Dawid-Skene, converged; and majority vote, ties being split
	my %plain = (rte => 0.9275, sp => 0.9150, web => 0.8259, d_product => 0.9393);
	my %votes = (
		rte => 0.8969, d_product => 0.8966, web => 0.7307, cf => 0.8822,
		sp => 0.8859, zc_us => 0.8613, music_genre => 0.7042);
	if (!$folder)
	{
		diag('skipped: accuracy on real sets, no folder of data sets (NOISYLABEL_SHARED)');
		skip('no folder of data sets', keys(%plain) + keys(%votes) + 2);
	}
	my $sum = 0;
	for my $set (sort keys %votes)
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
		my $auto = $accuracy->('{}');
		ok($auto >= $votes{$set} - 0.036, "$set: the default loses little to majority vote at worst")
		  or diag("got $auto");
		$sum += $auto;
		next if $set ne 'd_product';
		my $f1 = value($node, q{
			SELECT f1
			FROM (SELECT annotation_set(item, annotator, label) AS s, dawid_skene(item, annotator, label, '{"variant": "full"}'::jsonb) AS m FROM v) AS f,
			     LATERAL (SELECT f1_report(g.label, c.label) AS r FROM consensus(s, m) AS c JOIN g USING (item)) AS report,
			     unnest((r).classes) AS class
			WHERE class.label = '1'});
		ok($f1 >= 0.7159, 'd_product: F1 of class 1 is as published for Dawid-Skene, or better')
		  or diag("got $f1");
	}
	ok($sum / keys(%votes) >= 0.8825, 'what the default gains on average')
	  or diag('got ' . $sum / keys(%votes));
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
	'i x NULL NULL f', 'one annotation: nothing is known');
is( consensus_of(fit_of_values($three, "('i', 'a', 'x'), ('i', 'b', 'x'), ('j', 'a', 'x')"),
		'item, label, confidence, entropy, tied'),
	'i x 1 0 f; j x 1 0 f', 'one class');
is( consensus_of(fit_of_values($three, "('i', 'a', 'x'), ('j', 'a', 'y'), ('k', 'a', 'y')", '{"variant": "full"}'),
		'item, label, confidence'),
	'i x NULL; j y NULL; k y NULL', 'one annotator: nothing is known');
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
	join(', ', map { my $i = $_; map { "('i$i', 'a$_', '" . (($i + ($_ == $i % 3)) % 2 ? 'x' : 'y') . "')" } 0 .. 2 } 1 .. 7), '{"variant": "full"}');
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
		SELECT jsonb_set(jsonb_set(jsonb_set(dawid_skene(l, 'a', l, '{"variant": "full"}'::jsonb)::jsonb, '{fit,truths_given}', 'true'),
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
