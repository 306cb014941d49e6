# docs/composition.md, run as it is printed: on a simulated crowd with one answer for each
# item, and on music_genre, where it gives the figures that it prints.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('composition');
my $text = slurp_file("$FindBin::RealBin/../../docs/composition.md");
my @statements = map { /\S/ ? $_ : () } map { split /;\s*$/m } $text =~ /^```sql\n(.*?)^```$/msg;
cmp_ok(scalar(@statements), '>=', 7, 'the document has statements');

# The results of all statements, in their order
sub run_document
{
	my ($name) = @_;
	$node->safe_psql('postgres', 'DROP TABLE IF EXISTS round_1, round_2, labels, begun');
	my @results;
	for my $statement (@statements)
	{
		my ($out, $err) = ('', '');
		my $status = $node->psql('postgres', "$statement;", stdout => \$out, stderr => \$err, on_error_stop => 1);
		my ($title) = $statement =~ /\A\s*([^\n]*)/;
		is($status, 0, "$name: runs: $title") or diag($err);
		push @results, [ map { [ split /\|/ ] } split /\n/, $out ];
	}
	return @results;
}

# One answer for each item
$node->safe_psql('postgres', <<'END');
CREATE TABLE crowd AS SELECT * FROM simulate_annotations(800, '{"reliable": 3, "hasty": 5, "spammer": 2}',
	'{"classes": 3, "answers": 1, "features": 6, "separation": 3, "seed": 34}');
CREATE TABLE answers AS SELECT item, annotator, label FROM crowd;
CREATE TABLE items AS SELECT item, features FROM crowd;
END
my @single = run_document('one answer for each item');
my ($row) = rows($node, <<'END');
SELECT avg((answers.label = truth)::int), avg((top_label(distribution) = truth)::int), avg((top_label(round_2.oof) = truth)::int)
FROM labels JOIN answers USING (item) JOIN round_2 USING (item) JOIN (SELECT item, truth FROM crowd) AS t USING (item)
END
my ($answers, $both, $classifier) = map { sprintf '%.3f', $_ } @$row;
cmp_ok($both, '>', $answers + 0.1, "one answer for each item: answers $answers, with features $both");
cmp_ok($both, '>', $classifier - 0.02, "and the classifier alone $classifier");
# annotators in order: everybody who does look before those who do not
my ($annotators) = grep { @$_ == 10 && $_->[0][0] =~ /^(reliable|hasty|spammer)/ && @{ $_->[0] } == 5 } @single;
is(join(' ', sort map { $_->[0] } @$annotators[ 8, 9 ]), 'spammer 1 spammer 2', 'who does not look comes last');
my ($wrong) = grep { @$_ == 20 } @single;
my %truth = map { $_->[0] => $_->[1] } rows($node, 'SELECT item, truth FROM crowd');
my $found = grep { $truth{ $_->[0] } ne $_->[2] } @$wrong;
cmp_ok($found, '>=', 19, "$found of the 20 most doubtful answers are wrong");

# The figures of the document
SKIP:
{
	my $folder = data_folder();
	skip 'the data sets are not here', 1 unless defined $folder;
	$node->safe_psql('postgres', 'DROP TABLE answers, items; CREATE TABLE answers (item text, annotator text, label text); CREATE TABLE items (item text, features float8[]); CREATE TABLE gold (item text, label text)');
	copy_in($node, 'answers', [ read_csv("$folder/music_genre/annotations.csv") ]);
	copy_in($node, 'items', [ map { [ shift @$_, '{' . join(',', @$_) . '}' ] } read_csv("$folder/music_genre/features.csv") ]);
	copy_in($node, 'gold', [ read_csv("$folder/music_genre/gold.csv") ]);
	run_document('music_genre');
	my %got = map { $_->[0] => [ @$_[ 1 .. 3 ] ] } rows($node, <<'END');
SELECT what, avg((top_label(d) = label)::int), avg(confidence(d)), avg(-ln(greatest(probability(d, label), 1e-4)))
FROM (SELECT 'second round: both' AS what, item, distribution AS d FROM labels UNION ALL
      SELECT 'second round: classifier', item, oof FROM round_2 UNION ALL
      SELECT 'first round: both', item, soft FROM round_2 UNION ALL
      SELECT DISTINCT ON (item) 'first round: classifier', item, oof FROM round_1 UNION ALL
      SELECT '`consensus()` of the default, no features', item, distribution
      FROM consensus((SELECT annotation_set(item, annotator, label) FROM answers), (SELECT dawid_skene(item, annotator, label) FROM answers))) AS v JOIN gold USING (item)
GROUP BY what
END
	my $figures = 0;
	while ($text =~ /^\| (.*?) \| (\.\d+) \| *(\.?\d*) *\| *(\.?\d*) *\|$/mg)
	{
		my ($what, @want) = ($1, $2, $3, $4);
		for my $i (0 .. 2)
		{
			next if $want[$i] eq '';
			check_close('figures of the document', "$what, column $i", $got{$what}[$i], $want[$i], $i == 2 ? 0.006 : 0.0016, 1);
			$figures++;
		}
	}
	is($figures, 11, 'all of them');

	# begun with predictions, and with answers, where there are fewer features
	my ($model) = $text =~ /^`(\(SELECT learn_annotators.*\))`/m;
	my @begun = @statements[ 0, grep({ $statements[$_] =~ /CREATE TABLE begun/ } 0 .. $#statements), 1, 2 ];
	(my $changed = $begun[2]) =~ s/\(SELECT learn_annotators.*?\)(?=, annotator)/$model/;
	isnt($changed, $begun[2], 'the second statement has another model');
	my $weak = 0;
	while ($text =~ /^\| (\d+) \| (\.\d+) \| (\.\d+) \|$/mg)
	{
		my ($features, @want) = ($1, $2, $3);
		for my $way (0, 1)
		{
			$begun[2] = $changed if $way;
			$begun[2] = $statements[1] unless $way;
			my $accuracy = value($node, join ';', 'DROP TABLE IF EXISTS round_1, round_2, labels, begun',
				'ALTER TABLE items RENAME TO kept', "CREATE TABLE items AS SELECT item, features[1:$features] FROM kept",
				@begun, 'DROP TABLE items', 'ALTER TABLE kept RENAME TO items',
				'SELECT avg((top_label(distribution) = label)::int) FROM labels JOIN gold USING (item)');
			check_close('figures of the document', "$features features, begun in way $way", $accuracy, $want[$way], 0.0016, 1);
			$weak++;
		}
	}
	report_checks();
	is($weak, 6, 'of both ways to begin');
}

log_is_clean($node);
$node->stop;
done_testing();
