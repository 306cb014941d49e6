# The examples of docs/label-issues.md run as they are printed, one after the other,
# and give what the text says.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('label_issues_doc');
$node->safe_psql('postgres', q{
CREATE TABLE answers AS
SELECT row_number() OVER () AS id, item, annotator, label, features, truth
FROM simulate_annotations(300, '{"reliable": 4, "hasty": 3, "spammer": 1}', '{"classes": 3, "answers": 3, "features": 4, "seed": 7}')});

my $text = slurp_file("$FindBin::RealBin/../../docs/label-issues.md");
my @statements = map { /\S/ ? $_ : () } map { split /;\s*$/m } $text =~ /^```sql\n(.*?)^```$/msg;
cmp_ok(scalar(@statements), '>=', 12, 'the document has examples');
my @results;
for my $statement (@statements)
{
	my ($out, $err) = ('', '');
	my $status = $node->psql('postgres', "$statement;", stdout => \$out, stderr => \$err, on_error_stop => 1);
	my ($title) = $statement =~ /\A\s*(?:--[^\n]*\n)?([^\n]*)/;
	is("$status $err", '0 ', "runs: $title");
	push @results, [ $statement, [ map { [ split /\|/ ] } split /\n/, $out ] ];
}

# The rows of the one statement that matches
sub result
{
	my $like = shift;
	my @found = grep { $_->[0] =~ $like } @results;
	is(scalar(@found), 1, "one example is like $like");
	return @{ $found[0][1] };
}

my %truth = map { @$_ } rows($node, 'SELECT id, truth FROM answers');
my ($right) = (value($node, 'SELECT avg((label = truth)::int) FROM answers'));
sub share
{
	my ($column, @rows) = @_;
	return (grep { $_->[$column] eq $truth{ $_->[0] } } @rows) / @rows;
}
for ([ qr/label_issue\(label, predicted\)/, 1, 2 ], [ qr/SELECT id, annotator, label, \(issue\)/, 2, 3 ], [ qr/SELECT id, item, annotator, label, \(issue\)/, 3, 4 ])
{
	my ($like, $label, $suggested) = @$_;
	my @rows = result($like);
	is(scalar(@rows), 50, 'fifty rows');
	cmp_ok(share($label, @rows), '<', $right - 0.2, 'whose labels are worse than the rest');
	cmp_ok(share($suggested, @rows), '>', 2 * share($label, @rows), 'and what is suggested better');
}
my @cells = result(qr/cells\(joint\)/);
is(scalar(@cells), 9, 'the joint has a cell for each pair of labels');
my ($sum, $all) = (0, value($node, 'SELECT count(*) FROM answers'));
$sum += $_->[2] for @cells;
is($sum, $all, 'and the rows are its sum');
is(scalar(result(qr/consensus\(result\)/)), 50, 'items of crowdlab');
is(scalar(result(qr/annotators\(result\)/)), 8, 'annotators of crowdlab');
is(scalar(result(qr/combine\(/)), 300, 'all items by hand');
log_is_clean($node);
$node->stop;
done_testing();
