# The variants of dawid_skene(), smoothing, gold that may be wrong, learning from
# gold alone and starting from a model, each against plain EM in Perl
# (test/lib/PlainEM.pm) on random annotations.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use PlainEM;
use Test::More;

my $tolerance = 1e-8;
my @variants = qw(full class one_coin shared majority);

srand(20090808);
my $node = new_node('variants');
$node->safe_psql('postgres',
	'CREATE TABLE a (id int, item text, annotator text, label text, gold text)');

my %annotations_of = map { $_ => [ random_annotations($_, $_ % 2 ? 0 : 0.4) ] } 1 .. 24;
my %set_of = map { $_ => read_annotations(@{ $annotations_of{$_} }) } keys %annotations_of;
copy_in($node, 'a',
	[ map { my $id = $_; map { [ $id, @$_ ] } @{ $annotations_of{$id} } } keys %annotations_of ]);
my %with_gold = map { $_ => $set_of{$_} } grep { $set_of{$_}{gold} } keys %set_of;

# Fits of the sets, here and there.
sub check_options
{
	my ($what, $sets, %option) = @_;
	my $options = options_json(acceleration => 'none', %option);
	my $ids = join(', ', keys %$sets);
	$node->safe_psql('postgres', qq{
		DROP TABLE IF EXISTS f;
		CREATE TABLE f AS
		SELECT id, annotation_set(item, annotator, label, gold) AS s,
		       dawid_skene(item, annotator, label, gold, '$options'::jsonb) AS m
		FROM a WHERE id IN ($ids) GROUP BY id});
	my %fit_of = map { $_ => plain_fit($sets->{$_}, %option) } keys %$sets;
	check_fits($node, $what, $sets, \%fit_of, $tolerance);
	return;
}

cmp_ok(scalar(keys %with_gold), '>=', 10, 'sets with gold');

for my $variant (@variants)
{
	check_options($variant, \%set_of, variant => $variant);
	check_options("$variant, smoothed toward $_", \%set_of,
		variant => $variant, smoothing => 1.5, toward => $_)
	  for qw(pool diagonal uniform);
	check_options("$variant, gold of weight $_", \%with_gold,
		variant => $variant, gold_weight => $_, smoothing => 0.25)
	  for 0.5, 0.9;
	check_options("$variant, learned from gold", \%with_gold,
		variant => $variant, learn_from => 'gold');
	check_options("$variant, learned from gold, smoothed", \%with_gold,
		variant => $variant, learn_from => 'gold', smoothing => 2);
	check_options("$variant, learned from gold of weight 0.8", \%with_gold,
		variant => $variant, learn_from => 'gold', gold_weight => 0.8, toward => 'uniform',
		smoothing => 0.5);
}

#
# Start: a model of every other item, without two of the annotators; so some
# annotators and labels are not met.  It is of another variant than what starts
# from it.
#
my (%half_of, %half_set_of);
for my $id (keys %annotations_of)
{
	my %left_out = ('annotator 1' => 1, 'seldom seen' => 1);
	$half_of{$id} =
	  [ grep { !$left_out{ $_->[1] } && $_->[0] =~ /[02468]$/ } @{ $annotations_of{$id} } ];
	$half_set_of{$id} = read_annotations(@{ $half_of{$id} });
}
$node->safe_psql('postgres', 'CREATE TABLE half (LIKE a)');
copy_in($node, 'half',
	[ map { my $id = $_; map { [ $id, @$_ ] } @{ $half_of{$id} } } keys %half_of ]);

my ($strangers, $unheard) = (0, 0);
for my $id (keys %set_of)
{
	my %known = map { $_ => 1 } @{ $half_set_of{$id}{labels} };
	my %new = map { $_ => 1 } grep { !$known{$_} } @{ $set_of{$id}{labels} };
	my %met = map { $_ => 1 } @{ $half_set_of{$id}{annotators} };
	$strangers++ if grep { !$met{$_} } @{ $set_of{$id}{annotators} };
	$unheard++ if grep { $new{ $_->[2] } } @{ $annotations_of{$id} };
}
cmp_ok($strangers, '>=', 10, 'sets with annotators that the start has not met');
cmp_ok($unheard, '>=', 1, 'sets with labels that the start has not met');

for my $case ([ 'one_coin', 'full' ], [ 'full', 'class' ], [ 'shared', 'one_coin' ], [ 'class', 'full' ])
{
	my ($first, $variant) = @$case;
	my %first = (variant => $first, smoothing => 1, acceleration => 'none', max_iterations => 5);
	my %option = (variant => $variant, gold_weight => 0.9, max_iterations => 4, smoothing => 0.1);
	my $options = options_json(acceleration => 'none', %option);
	my $first_options = options_json(%first);
	$node->safe_psql('postgres', qq{
		DROP TABLE IF EXISTS f;
		CREATE TABLE f AS
		SELECT id, s, dawid_skene(s, '$options', first) AS m
		FROM (SELECT id, annotation_set(item, annotator, label, gold) AS s FROM a GROUP BY id) AS today
		JOIN (SELECT id, dawid_skene(item, annotator, label, gold, '$first_options'::jsonb) AS first
		      FROM half GROUP BY id) AS yesterday USING (id)});
	my %fit_of = map {
		$_ => plain_fit($set_of{$_}, %option,
			start => {
				set => $half_set_of{$_},
				fit => plain_fit($half_set_of{$_}, %first)
			})
	} keys %set_of;
	check_fits($node, "$variant, started from $first", \%set_of, \%fit_of, $tolerance);
}

log_is_clean($node);
$node->stop;
done_testing();
