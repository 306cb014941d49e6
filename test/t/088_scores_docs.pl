# The examples of docs/scores.md run as they are printed, and print what stands below them.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('scores_docs');
my $text = slurp_file("$FindBin::RealBin/../../docs/scores.md");
my $examples = 0;
my $printed = 0;

while ($text =~ /^```sql\n(.*?)^```\n(?:\n```\n(.*?)^```\n)?/msg)
{
	my ($sql, $want) = ($1, $2);
	my ($title) = $sql =~ /\A([^\n]*)/;
	my ($out, $err) = ('', '');
	my $result = IPC::Run::run(
		[ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-P', 'footer=off', '-d', $node->connstr('postgres') ],
		'<', \$sql, '>', \$out, '2>', \$err);
	ok($result && $err eq '', "runs: $title") or diag($err);
	$examples++;
	next if !defined $want;
	$out =~ s/[ \t]+$//mg;
	$out =~ s/\n+\z/\n/;
	is($out, $want, "and prints that: $title");
	$printed++;
}
cmp_ok($examples, '>=', 13, "$examples examples");
cmp_ok($printed, '>=', 12, "$printed with what they print");

$node->stop;
done_testing();
