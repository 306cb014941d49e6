# confident_joint(), label_issue() and crowdlab() against cleanlab, whose answers
# for fixed inputs are kept in test/data/cleanlab.json (cleanlab.py made them).

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use PostgreSQL::Test::Utils;
use Test::More;

my $data = json(slurp_file("$FindBin::RealBin/../data/cleanlab.json"));
my $node = new_node('cleanlab');

# Whole numbers as probabilities; class k is called so.
sub distribution
{
	my $q = shift;
	return '{' . join(', ', map { "\"$_\": " . sprintf('%.17g', $q->[$_] / $data->{units}) } 0 .. $#$q) . '}';
}

#
# One label a row
#
$node->safe_psql('postgres', 'CREATE TABLE d (id int, i int, label int, predicted label_distribution)');
for my $id (0 .. $#{ $data->{single} })
{
	my $set = $data->{single}[$id];
	copy_in($node, 'd', [ map { [ $id, $_, $set->{labels}[$_], distribution($set->{predicted}[$_]) ] } shuffled(0 .. $#{ $set->{labels} }) ]);
}
my %joint = map { @$_ } rows($node, 'SELECT id, confident_joint(label, predicted) FROM d GROUP BY id');
for my $id (0 .. $#{ $data->{single} })
{
	my $set = $data->{single}[$id];
	my $joint = json($joint{$id});
	my $classes = @{ $set->{joint} };
	is_deeply($joint->{labels}, [ map { "$_" } 0 .. $classes - 1 ], "set $id: labels");
	# theirs has the label first
	is_deeply($joint->{counts}, [ map { my $k = $_; [ map { $set->{joint}[$_][$k] } 0 .. $classes - 1 ] } 0 .. $classes - 1 ], "set $id: joint");
}
for my $filter (sort keys %{ $data->{single}[0]{flags} })
{
	my %flags;
	push @{ $flags{ $_->[0] } }, $_->[1]
	  for rows($node, qq{SELECT id, i FROM (SELECT id, i, label_issue(label, predicted, '{"filter": "$filter"}') OVER (PARTITION BY id) AS v FROM d) AS w WHERE (v).is_issue ORDER BY id, i});
	my $flagged = 0;
	for my $id (0 .. $#{ $data->{single} })
	{
		my $want = $data->{single}[$id]{flags}{$filter};
		$flagged += @$want;
		is(join(' ', @{ $flags{$id} // [] }), join(' ', @$want), "set $id: flags of $filter");
	}
	cmp_ok($flagged, '>', 50, "$filter flags rows");
}
for my $score (sort keys %{ $data->{single}[0]{scores} })
{
	check_close("scores of $score", "set $_->[0], row $_->[1]",
		$_->[2], $data->{single}[ $_->[0] ]{scores}{$score}[ $_->[1] ], 1e-12)
	  for rows($node, qq{SELECT id, i, (label_issue(label, predicted, '{"score": "$score"}') OVER (PARTITION BY id)).quality FROM d});
}
is( value($node, q{SELECT bool_and(v = w) FROM (SELECT label_issue(label, predicted) OVER p AS v, label_issue(label, predicted, '{"filter": "prune_by_noise_rate", "score": "self_confidence"}') OVER p AS w FROM d WINDOW p AS (PARTITION BY id)) AS x}),
	't', 'cleanlab\'s defaults are ours where no annotator is given');

# Where there is an annotator the rules are applied to the evidence.
is( value($node, qq{
	WITH e AS (SELECT id, i, label, label_issue('a' || i % 5, label::text, predicted, '{"filter": "prune_by_class"}') OVER (PARTITION BY id) AS v FROM d)
	SELECT bool_and((v).is_issue = (w).is_issue) AND count(*) FILTER (WHERE (v).is_issue) > 10
	FROM (SELECT v, label_issue(label, (v).evidence, '{"filter": "prune_by_class"}') OVER (PARTITION BY id) AS w FROM e) AS x}),
	't', 'the rules are applied to the evidence');

#
# Several annotators an item
#
$node->safe_psql('postgres', 'CREATE TABLE c (id int, item int, annotator text, label int, predicted label_distribution)');
for my $id (0 .. $#{ $data->{crowd} })
{
	my $set = $data->{crowd}[$id];
	# items in an order that is that of their names as text, too
	copy_in($node, 'c', [ map { [ $id, 1000 + $_->[0], $_->[1], $_->[2], distribution($set->{predicted}[ $_->[0] ]) ] } shuffled(@{ $set->{answers} }) ]);
}
$node->safe_psql('postgres', 'CREATE TABLE r AS SELECT id, crowdlab(item, annotator, label, predicted) AS r FROM c GROUP BY id');
for (rows($node, 'SELECT id, (r).items, (r).annotations, (r).model_weight FROM r'))
{
	my $set = $data->{crowd}[ $_->[0] ];
	is("$_->[1] $_->[2]", @{ $set->{predicted} } . ' ' . @{ $set->{answers} }, "crowd $_->[0]: size");
	check_close('model weight', "crowd $_->[0]", $_->[3], $set->{model_weight}, 1e-11);
}
my %seen;
for (rows($node, 'SELECT id, item, label, quality, agreement, annotations FROM r, consensus(r)'))
{
	my ($id, $item, @got) = @$_;
	my $want = $data->{crowd}[$id]{consensus}[ $item - 1000 ];
	$seen{$id}++;
	check_exact('consensus', "crowd $id, item $item", $got[0], $want->[0]);
	check_close('quality of the consensus', "crowd $id, item $item", $got[1], $want->[1], 1e-11);
	check_close('agreement', "crowd $id, item $item", $got[2], $want->[2], 1e-11);
	check_exact('annotations', "crowd $id, item $item", $got[3], $want->[3]);
}
is($seen{$_}, scalar(@{ $data->{crowd}[$_]{predicted} }), "crowd $_: all items") for 0 .. $#{ $data->{crowd} };
for (rows($node, 'SELECT id, annotator, quality, agreement, worst_label, annotations, weight FROM r, annotators(r)'))
{
	my ($id, $annotator, @got) = @$_;
	my $want = $data->{crowd}[$id]{annotators}{$annotator};
	check_close('annotators: quality', "crowd $id, $annotator", $got[0], $want->[0], 1e-11);
	check_close('annotators: agreement', "crowd $id, $annotator", $got[1], $want->[1], 1e-11);
	check_exact('annotators: worst label', "crowd $id, $annotator", $got[2], $want->[2]);
	check_exact('annotators: annotations', "crowd $id, $annotator", $got[3], $want->[3]);
	check_close('annotators: weight', "crowd $id, $annotator", $got[4], $data->{crowd}[$id]{annotator_weight}{$annotator}, 1e-11, 1e-5);
}
for (rows($node, 'SELECT c.id, c.item, c.annotator, probability(i.distribution, c.label::text) FROM c, r, consensus(r.r) AS i WHERE c.id = r.id AND c.item::text = i.item'))
{
	my ($id, $item, $annotator, $quality) = @$_;
	check_close('quality of each label', "crowd $id, $annotator on $item", $quality, $data->{crowd}[$id]{detailed}[ $item - 1000 ][ substr($annotator, 1) ], 1e-11);
}

report_checks();
log_is_clean($node);
$node->stop;
done_testing();
