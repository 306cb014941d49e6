# The examples of docs/out-of-fold.md, and those of the README and of the reference
# for psql and BI tools, run as they are printed, on tables such as the text speaks
# of, and give what it says; and all calls that the README lists for classifiers
# exist.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = "$FindBin::RealBin/../..";
my $node = new_node('docs');

# items: labels that follow the features, one in eight wrong.  annotations: five
# rows an item, nearly copies, and labels of items that have nothing to do with
# their features.  Numbers by hash, so that they are the same in every run.
$node->safe_psql('postgres', <<'END');
CREATE FUNCTION number(i bigint) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT hashint8(i) / 2147483648.0';
CREATE TABLE items AS
SELECT i AS id, i / 2 AS item_id,
       CASE WHEN (number(i) + number(i + 1000) > 0) <> (i % 8 = 0) THEN 'yes' ELSE 'no' END AS label,
       ARRAY[number(i), number(i + 1000), number(i + 2000)] AS features
FROM generate_series(1, 400) AS i;
CREATE TABLE new_items AS SELECT id, features FROM items WHERE id <= 10;
CREATE TABLE annotations AS
SELECT item_id, CASE WHEN number(item_id) > 0 THEN 'yes' ELSE 'no' END AS label,
       (SELECT array_agg(number(item_id * 1000 + j) + number(item_id * 1000000 + n * 1000 + j) / 10) FROM generate_series(1, 60) AS j) AS features
FROM generate_series(1, 100) AS item_id, generate_series(1, 5) AS n;
END

# The statements of the blocks of SQL in a document, or in one part of it
sub statements
{
	my ($document, $part) = @_;
	my $text = slurp_file("$root/$document");
	($text) = $text =~ /^#+ \Q$part\E\n(.*?)^##/ms if defined $part;
	my @blocks = $text =~ /^```sql\n(.*?)^```$/msg;
	return map { /\S/ ? $_ : () } map { split /;\s*$/m } @blocks;
}

my @statements = statements('docs/out-of-fold.md');
cmp_ok(scalar(@statements), '>=', 9, 'the document has examples');
my @results;
for my $statement (@statements)
{
	my ($out, $err) = ('', '');
	my $status = $node->psql('postgres', "SELECT setseed(0.5) \\g /dev/null\n$statement;", stdout => \$out, stderr => \$err, on_error_stop => 1);
	my ($title) = $statement =~ /\A\s*([^\n]*)/;
	is($status, 0, "runs: $title") or diag($err);
	push @results, [ $statement, [ map { [ split /\|/ ] } split /\n/, $out ] ];
}

# The rows of the one statement that matches
sub result
{
	my $like = shift;
	my @found = grep { $_->[0] =~ $like } @results;
	is(scalar(@found), 1, "one example with $like");
	return @{ $found[0][1] // [] };
}

# 400 rows of which 50 have the other label: those are what the first look shows
my @looked_at = result(qr/LIMIT 50/);
is(scalar(@looked_at), 50, 'rows to look at');
cmp_ok(scalar(grep { $_->[0] % 8 == 0 } @looked_at), '>', 35, 'most have wrong labels');

my ($lots) = result(qr/own_rows/);
cmp_ok($lots->[0], '>', 0.6, 'drawn by lot: most labels of its own rows are known');
cmp_ok(abs($lots->[1] - 0.5), '<', 0.15, 'drawn by lot: out of fold it is at chance');

my ($groups) = grep { /FROM annotations/ } @statements;
my $accuracy = 'SELECT avg((top_label(oof_predict) = label)::int) FROM';
my $of_items = value($node, "$accuracy ($groups) AS v");
(my $rows = $groups) =~ s/, item_id\)/)/;
my $of_rows = value($node, "$accuracy ($rows) AS v");
cmp_ok($of_rows, '>', 0.75, "folds of rows: labels seem to be known ($of_rows)");
cmp_ok(abs($of_items - 0.5), '<', 0.15, "folds of items: they are not ($of_items)");

my @seeds = result(qr/AS seed/);
is(scalar(@seeds), 400, 'seeds: a row for each');
cmp_ok(scalar(grep { $_->[1] > 0 && $_->[1] < 0.2 } @seeds), '>', 390, 'seeds: all change it somewhat');

my @penalties = result(qr/AS c \(l2\)/);
is(join(' ', sort { $a <=> $b } map { $_->[0] } @penalties), '0.1 1 10 100 1000', 'penalties: all are tried');
cmp_ok($penalties[0][1], '<', $penalties[-1][1], 'penalties: the best comes first');
is($penalties[-1][0], 1000, 'penalties: too large a one knows nothing');

my @new = result(qr/FROM new_items/);
is(join(' ', sort map { $_->[1] } @new) =~ s/(\w+)(?: \1)*/$1/gr, 'no yes', 'a model to keep: predictions');
is(join(' ', map { "$_->[0] $_->[1]" } result(qr/FROM coefficients/)), 'yes 0 yes 1 yes 2 yes 3', 'a model to keep: coefficients');

# What the text says of missing features and of vectors, in a sentence
my ($filled) = slurp_file("$root/docs/out-of-fold.md") =~ /`(array_replace\(.*?\))`/;
is(value($node, "SELECT logistic_regression(label, $filled) IS NOT NULL FROM (SELECT label, array_append(features, NULL) AS features FROM items) AS v"), 't', $filled);
my ($vectors) = slurp_file("$root/docs/out-of-fold.md") =~ /`(logistic_regression\(label, embedding.*?\))`/;
is(value($node, "SELECT $vectors IS NOT NULL FROM (SELECT label, features::real[] AS embedding FROM items) AS v"), 't', $vectors);

#
# The README's first query, and what the reference says of psql and BI tools
#
$node->safe_psql('postgres', <<'END');
CREATE TABLE annotation AS
SELECT i AS item, 'annotator ' || j AS annotator,
       CASE WHEN number(i * 10 + j) > -0.7 THEN i % 2 ELSE 1 - i % 2 END AS label
FROM generate_series(1, 100) AS i, generate_series(1, 5) AS j;
CREATE TABLE scored AS SELECT 'm' || j AS model, i % 2 AS truth, (i + i / 9) % 2 AS predicted
FROM generate_series(1, 100) AS i, generate_series(1, 2) AS j;
CREATE TABLE measurement (id int, width float4, depth int, height numeric);
INSERT INTO measurement VALUES (1, 1.5, 3, 2.25), (2, 4, 6, NULL);
END
my %printed;
for my $statement (statements('README.md', 'A first query'), statements('docs/reference.md', 'In psql and BI tools'))
{
	next if $statement =~ /CREATE EXTENSION/;	# it is there
	my ($out, $err) = ('', '');
	my $status = $node->psql('postgres', $statement, stdout => \$out, stderr => \$err, on_error_stop => 1);
	my ($title) = $statement =~ /\A\s*(?:--[^\n]*\n)?([^\n]*)/;
	is($status, 0, "runs: $title") or diag($err);
	$printed{$statement} = $out;
}
my ($trusted) = grep { /accuracy_low DESC/ } keys %printed;
my @lower = map { (split /\|/)[3] } split /\n/, $printed{$trusted};
is(scalar(@lower), 5, 'who can be trusted: a row for each');
is("@lower", join(' ', sort { $b <=> $a } @lower), 'who can be trusted: by the lower bound');
my ($by_hand) = grep { /ARRAY\[m\.width/ } keys %printed;
my ($by_name) = grep { /jsonb_each_text/ } keys %printed;
is($printed{$by_hand}, "1|{1.5,2.25,3}\n2|{4,NULL,6}", 'features of columns');
is(join("\n", sort split /\n/, $printed{$by_name}), "1|{1.5,3,2.25}\n2|{4,6,NULL}", 'features of all columns');

#
# README: calls with what is in brackets, and without
#
sub expand
{
	my $call = shift;
	return $call if $call !~ /\[([^][]*)\]/;
	my ($before, $inside, $after) = ($`, $1, $');
	return (expand("$before$inside$after"), expand("$before$after"));
}
my %argument = (
	label => 'label',
	features => 'features',
	group => 'item_id',
	weight => '0.5',
	options => q('{"l2": 2}'::jsonb),
	classifier => '(SELECT m FROM models)');

my ($section) = slurp_file("$root/README.md") =~ /^\*\*Rows judged by a model.*?\n(.*?)^What/ms;
my %calls = map { $_ => 1 } map { expand($_) } map { /`([^`]*)`/g } map { /\A\|([^|]*)\|/ } split /\n/, $section // '';
cmp_ok(scalar(keys %calls), '>=', 12, 'the README lists calls');
for my $call (sort keys %calls)
{
	(my $query = $call) =~ s/OVER \(\.\.\.\)/OVER ()/;
	$query =~ s/(?<=[(, ])($_)(?=[,) ])/$argument{$1}/ for keys %argument;
	my ($err, $status) = ('');
	$status = $node->psql('postgres', "SELECT $query FROM items", stderr => \$err, on_error_stop => 1);
	is($status, 0, "README: $call") or diag($err);
}

$node->stop;
done_testing();
