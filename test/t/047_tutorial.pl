# docs/tutorial.md and docs/questions.md: their examples run as they are printed, one after the
# other, and give what the text says.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('tutorial');
my @results;
my $said;

sub run_document
{
	my ($document, $least) = @_;
	my $text = slurp_file("$FindBin::RealBin/../../docs/$document");
	my @statements = map { /\S/ ? $_ : () } map { split /;\s*$/m } $text =~ /^```sql\n(.*?)^```$/msg;
	cmp_ok(scalar(@statements), '>=', $least, "$document has examples");
	@results = ();
	$said = '';
	for my $statement (@statements)
	{
		my ($out, $err) = ('', '');
		my $status = $node->psql('postgres', "SET extra_float_digits = 0;\n$statement;", stdout => \$out, stderr => \$err, on_error_stop => 1);
		my ($title) = $statement =~ /\A\s*(?:--[^\n]*\n)?([^\n]*)/;
		is($status, 0, "runs: $title") or diag($err);
		$said .= $err;
		push @results, [ $statement, [ map { [ split /\|/, $_, -1 ] } split /\n/, $out ] ];
	}
	return;
}

# The rows of the n-th statement that matches (the only one, where n is not given)
sub result
{
	my ($like, $n) = @_;
	my @found = grep { $_->[0] =~ $like } @results;
	is(scalar(@found), 1, "one example is like $like") if !defined $n;
	return @{ ($found[ $n // 0 ] // [ '', [] ])->[1] };
}

#
# The tutorial
#
run_document('tutorial.md', 18);
my @evaluated = grep { $_->[0] =~ /FROM evaluate_cleaning\(/ } @results;
is(scalar(@evaluated), 4, 'the tutorial has four verdicts');
my @regimes = $said =~ /regime (\w+)/g;
is("@regimes", 'overlap overlap gold single', 'of the three situations');
my @primary = map { $_->[1][0] } @evaluated;
is(join(' ', map { $_->[0] } @primary), 'every_answer every_answer every_answer weight', 'each with its primary candidate first');
is(join(', ', map { $_->[-2] } @primary), 'improved, no evidence, improved, improved', 'it improved, but where answers are many');
for my $i (0, 2, 3)
{
	my @recommended = grep { $_->[-1] eq 't' } @{ $evaluated[$i][1] };
	is(join(' ', map { "$_->[-2] $_->[-3]" } @recommended), 'improved {}', 'one is recommended: it improved and harms no class');
}
is(scalar(grep { $_->[-2] ne 'exploratory' || $_->[-1] ne 'f' } @{ $evaluated[1][1] }[ 1 .. 6 ]), 0, 'where the primary did not, the others are exploratory');
unlike($said, qr/WARNING/, 'nothing is to be warned of');

my @annotators = result(qr/worst_label, note/);
is(scalar(@annotators), 15, 'annotators');
is(join(' ', sort map { $_->[0] } @annotators[ 11 .. 14 ]), 'adversary 1 spammer 1 spammer 2 spammer 3', 'the last four answer anything, or the wrong thing');
like(join(' ', map { $_->[0] } result(qr/FROM fitted, fit_report/)), qr/spammer/, 'a warning names them');
my %truth = map { @$_ } rows($node, 'SELECT DISTINCT item, truth FROM world');
my @issues = result(qr/label_issue\(item, annotator/);
is(scalar(@issues), 10, 'answers that look wrong');
cmp_ok(scalar(grep { $_->[2] ne $truth{ $_->[0] } } @issues), '>=', 9, 'and are');
cmp_ok(scalar(grep { $_->[3] eq $truth{ $_->[0] } } @issues), '>=', 8, 'and what is suggested is right');
like((result(qr/FROM answer_single\) AS f, fit_report/))[0][0], qr/no item has two annotators/, 'single answers alone tell nothing');
my @quality = map { $_->[0] } result(qr/AS mean_quality/);
is(join(' ', sort @quality[ 11 .. 14 ]), 'adversary 1 spammer 1 spammer 2 spammer 3', 'but with features they do');

#
# The questions
#
run_document('questions.md', 16);
cmp_ok((result(qr/largest_difference/))[0][0], '<=', 0.0001, 'E and M steps by hand are those of the engine');
my ($alone, $taught) = result(qr/accuracy_without_gold/);
cmp_ok($alone->[2], '<', $alone->[3] - 0.1, 'the crowd finds that the experts are worse');
cmp_ok($taught->[2], '>', $taught->[3] + 0.1, 'with gold they are better');
cmp_ok($taught->[1], '>', $alone->[1] + 0.05, 'and other items gain');
my ($first, $second) = result(qr/wilson_interval/);
is("$first->[0], $second->[0]", 'old hand, newcomer', 'by the lower limit');
is(sprintf('%.2f', $second->[2]), '0.76', 'twelve of twelve are .76 or better');
my ($random, $systematic) = result(qr/worst_rate/);
cmp_ok(abs($random->[1] - $systematic->[1]), '<', 0.05, 'as many errors');
is($systematic->[3], 'A called B', 'of one kind');
cmp_ok($systematic->[2], '>', $random->[2] + 0.3, 'tell more');
($random, $systematic) = result(qr/by_matrices/);
cmp_ok($systematic->[2] - $systematic->[1], '>', 0.1, 'and matrices right them');
cmp_ok(abs($random->[2] - $random->[1]), '<', 0.02, 'but not those at random');
my ($f1, $accuracy) = result(qr/FROM screening\) AS v/);
is("@$f1[0 .. 2] $f1->[5]", 'macro_f1 0.567 0.745 improved', 'macro F1 rises');
is("@$accuracy[0 .. 2]", 'accuracy 0.910 0.900', 'while accuracy falls');
my ($by_truth, $by_own) = result(qr/judged_by/);
cmp_ok($by_own->[1], '<', 0.7 * $by_truth->[1], 'their own answers show a part of the gain');
cmp_ok($by_own->[1], '>', 0, 'but some');
like($said, qr/WARNING:  truths of validation look as noisy as the labels of training/, 'a warning says so');
like($said, qr/WARNING:  truths of validation are answers, and 12 of those who gave them labelled training, too/, 'and another who they are');
is(join(' ', map { "$_->[0] $_->[1] " . join(',', @$_[ 3 .. 5 ]) } result(qr/AS precision/)),
	'careful ill 0.286,0.800,0.421 careful well 0.998,0.980,0.989 lazy ill ,0.000,0.000 lazy well 0.990,1.000,0.995',
	'precision, recall, F1 by hand: 8 of 28 and of 10; 970 of 972 and of 990; none; 990 of 1000 and of 990');
my ($careful, $lazy) = result(qr/AS weighted_f1/);
ok($lazy->[1] > $careful->[1] && $lazy->[3] > $careful->[3], 'by accuracy and weighted F1 it pays to be lazy');
ok($lazy->[2] < $careful->[2] && $lazy->[4] < $careful->[4], 'by macro F1 and balanced accuracy it does not');

log_is_clean($node);
$node->stop;
done_testing();
