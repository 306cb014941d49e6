# docs/agreement.md: its statements run, one after the other, and print what the page
# shows; and no number stands in its text that none of them prints.

use strict;
use warnings;
use FindBin;
use IPC::Run;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('agreement_docs');
my $page = slurp_file("$FindBin::RealBin/../../docs/agreement.md");

# A block of statements, and the block that follows if it is what they print.
my @blocks;
while ($page =~ /^```sql\n(.*?)^```\n(?:\n^```\n(.*?)^```\n)?/msg)
{
	push @blocks, [ $1, $2 // '' ];
}
cmp_ok(scalar(@blocks), '>=', 10, 'the page has queries');
cmp_ok(scalar(grep { $_->[1] ne '' } @blocks), '>=', 9, 'and shows what they print');

# All in one session, aligned as psql does it.
my ($out, $err) = ('', '');
my $script = "SET client_min_messages = error;\n" . join('', map { "\\echo @@ $_\n$blocks[$_][0]" } 0 .. $#blocks);
IPC::Run::run([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-P', 'footer=off', '-d', $node->connstr('postgres') ], '<', \$script, '>', \$out, '2>', \$err);
is($err, '', 'the statements run');
my (undef, @printed) = split /^\@\@ \d+\n/m, $out;
for my $i (0 .. $#blocks)
{
	my ($got, $want) = map { join "\n", map { s/\s+$//r } split /\n/, $_ // '' } $printed[$i], $blocks[$i][1];
	my ($title) = $blocks[$i][0] =~ /\A\s*([^\n]*)/;
	is($got, $want, "prints what the page shows: $title");
}

(my $text = $page) =~ s/^```.*?^```$//msg;
$text =~ s/`[^`]*`//g;
my $shown = join '', map { $_->[1] } @blocks;
for my $number ($text =~ /(?<![\w.])(\d*\.\d+)/g)
{
	like($shown, qr/\Q$number\E/, "the text's $number is printed");
}

$node->stop;
done_testing();
