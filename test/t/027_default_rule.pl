# Variant auto against another implementation of its rule, in numpy: matrices,
# prior, passes, copies and labels.  test/data/default_rule.py has made the numbers.

use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use PostgreSQL::Test::Utils;
use Reported;
use RuleCrowds;
use Test::More;

my $node = new_node('default_rule');
my $want = json(slurp_file("$FindBin::RealBin/../data/default_rule.json"));
create_reported($node);

# One number an annotator, in which every cell has a weight of its own.
sub fingerprint
{
	my ($matrix, $of) = @_;
	my $k = @$matrix;
	my $sum = 0;
	for my $truth (0 .. $k - 1)
	{
		$sum += $of->($matrix->[$truth][$_]) * (1 + sqrt($_ * $k + $truth)) for 0 .. $k - 1;
	}
	return $sum;
}

sub check_matrices
{
	my ($name, $got, $want) = @_;
	my ($pool, $matrices) = @{ $got->{components}[0] }{qw(pool confusion)};
	check_exact('annotators', $name, scalar(@$matrices), scalar(@{ $want->{fingerprints} }));
	check_close('matrices', "$name, annotator $_", fingerprint($matrices->[$_], sub { log($_[0]) }),
		$want->{fingerprints}[$_], 1e-10, 1)
	  for 0 .. $#$matrices;
	check_close('evidence', "$name, annotator $_", fingerprint($got->{counts}[$_], sub { $_[0] }),
		$want->{evidence}[$_], 1e-9, 1)
	  for 0 .. $#$matrices;
	for my $j ($want->{matrices} ? 0 .. $#$matrices : ())
	{
		for my $truth (0 .. $#$pool)
		{
			check_close('cells', "$name [$j][$truth][$_]", $matrices->[$j][$truth][$_],
				$want->{matrices}[$j][$truth][$_], 1e-11)
			  for 0 .. $#$pool;
		}
	}
	return;
}

# Copies are named in a warning, pair by pair, and two of a group suffice.
sub check_copies
{
	my ($name, $got, $want, $annotators) = @_;
	my ($warning) = grep { /copies/ } @{ $got->{fit}{warnings} };
	my @pairs = grep { $_->[8] } @{ $want->{pairs} };
	my $text = join '; ', map {
		sprintf '"%s" and "%s" agree on %d of %d items, where %.0f are expected',
		  @$annotators[ @$_[ 0, 1 ] ], @$_[ 3, 2, 4 ]
	} @pairs;
	check_exact('copies', $name, $warning // '',
		@pairs ? "annotators who are copies of each other count as one: $text; leave out all but one of them, "
		  . 'or fit with option "copies" "off" if each answered for himself' : '');
	return;
}

# Reads the table "answers" into a fit.
sub check_crowd
{
	my ($name, $options) = @_;
	my $want = $want->{$name} // die "no numbers for $name";
	my $sql = "SELECT dawid_skene(item, annotator, label, gold, '$options'::jsonb) AS m FROM answers";
	my $got = json(value($node, "DROP TABLE IF EXISTS model; CREATE TABLE model AS $sql; SELECT m FROM model"));
	check_exact('passes', $name, $got->{fit}{iterations}, $want->{passes});
	check_close('prior', "$name $_", $got->{components}[0]{prior}[$_], $want->{prior}[$_], 1e-11)
	  for 0 .. $#{ $want->{prior} };
	check_matrices($name, $got, $want);
	check_copies($name, $got, $want, $got->{annotators});
	my ($correlation, $judged) = @{ $want->{correlation} };
	my ($from) = $got->{method} =~ /correlation [^,]*, ([^,]*)/;
	check_close('correlation', $name, $got->{voices}{correlation}, $correlation, 1e-14);
	check_exact('where it is from', $name, $from, $judged ? "estimated from $judged gold items" : 'assumed');
	return $want;
}

#
# Small crowds: repeats, gold, single answers, one class, one annotator, copies
#
for my $crowd (rule_crowds())
{
	$node->safe_psql('postgres',
		'DROP TABLE IF EXISTS answers; CREATE TABLE answers (item text, annotator text, label text, gold text)');
	copy_in($node, 'answers', $crowd->{rows});
	check_crowd($crowd->{name}, '{"gold_weight": ' . ($crowd->{gold_weight} // 1) . '}');
}
report_checks();

#
# The open sets
#
SKIP:
{
	my $folder = data_folder();
	skip 'the data sets are not here', 2 unless defined $folder;
	my %accuracy = (rte => 0.9237, d_product => 0.9304, web => 0.8907, cf => 0.8933, sp => 0.9168,
		zc_us => 0.8270, music_genre => 0.7957);
	my %confidence = (rte => 0.877, d_product => 0.908, web => 0.667, cf => 0.895, sp => 0.927,
		zc_us => 0.868, music_genre => 0.753);
	for my $set (sort keys %accuracy)
	{
		my %seen;
		$node->safe_psql('postgres',
			'DROP TABLE IF EXISTS answers, golds; CREATE TABLE answers (item text, annotator text, label text, gold text);'
			  . 'CREATE TABLE golds (item text, label text)');
		copy_in($node, 'answers', [ map { [ @$_[ 0 .. 2 ], undef ] } grep { !$seen{"@$_[0..2]"}++ } read_csv("$folder/$set/annotations.csv") ]);
		copy_in($node, 'golds', [ map { [ @$_[ 0, 1 ] ] } read_csv("$folder/$set/gold.csv") ]);
		my $want = check_crowd("set $set", '{}');
		$node->safe_psql('postgres',
			q{DROP TABLE IF EXISTS r; TRUNCATE fits; INSERT INTO fits SELECT 1, m, '{}' FROM model;
			CREATE TABLE r AS SELECT * FROM reported('(SELECT 1 AS id, * FROM answers) AS x', 0.3)});
		check_exact('labels', $set,
			md5_hex(join "\n", map { $_->[0] } rows($node, 'SELECT label FROM r ORDER BY item COLLATE "C"')),
			$want->{labels});
		check_exact('consensus()', $set, value($node, <<'END'), 't|0|t');
SELECT concat_ws('|', bool_and(c.label = r.label OR c.tied), sum((abs(c.confidence - r.confidence) > 1e-9)::int),
	(SELECT bool_and(p.d = c.distribution) FROM (
		SELECT item, posterior((SELECT m FROM model), annotator, label) AS d FROM answers GROUP BY item) AS p
		JOIN consensus((SELECT annotation_set(item, annotator, label) FROM answers), (SELECT m FROM model)) AS c USING (item)))
FROM r JOIN consensus((SELECT annotation_set(item, annotator, label) FROM answers), (SELECT m FROM model)) AS c USING (item)
END
		my ($accuracy, $confidence) = @{ (rows($node,
			'SELECT avg((r.label = g.label)::int), avg(confidence) FROM golds AS g JOIN r USING (item)'))[0] };
		# ties are split where the figures come from
		check_close('accuracy', $set, $accuracy, $accuracy{$set}, 0.0003);
		check_close('mean confidence', $set, $confidence, $confidence{$set}, 0.0012);
	}
	report_checks();
}

log_is_clean($node);
$node->stop;
done_testing();
