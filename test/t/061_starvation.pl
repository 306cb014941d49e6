# A backend that is short of address space loads the library, answers what needs no
# algebra, and refuses a fit with an error.  It does not hang, and can be ended.
#
# The limit is set on a fresh backend, some MB above what it has mapped: the very
# range in which OpenBLAS itself would ask for its buffers again and again.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use IPC::Run;
use NoisyLabel;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'there is no prlimit' if system('prlimit --version >/dev/null 2>&1') != 0;

my $patience = 30;
my $node = new_node('starvation', "max_parallel_workers_per_gather = 0\n");

my $simple = q{SELECT accuracy(annotator_confusion(a, b)) FROM (VALUES ('x', 'x'), ('y', 'x')) v (a, b)};
my $fit = q{SELECT md5(logistic_regression((i % 3)::text, ARRAY[sin(i), i % 7]::float8[])::text)
	FROM generate_series(1, 1000) i};
my $model = value($node, $fit);

# A session and the process that serves it
sub session
{
	my %s = (in => "SELECT pg_backend_pid();\n", out => '');
	$s{run} = IPC::Run::start(
		[ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', $node->connstr('postgres') ],
		'<', \$s{in}, '>', \$s{out}, '2>&1', IPC::Run::timer($patience, name => 'patience'));
	until_out(\%s, qr/\A\d+\n/) or die 'no session';
	chomp($s{pid} = $s{out});
	return \%s;
}

# Waits for output; false if it does not come
sub until_out
{
	my ($s, $pattern) = @_;
	my $end = time + $patience;
	until ($s->{out} =~ $pattern)
	{
		return 0 if time > $end;
		$s->{run}->pump_nb;
		select(undef, undef, undef, 0.01);
	}
	return $s->{out} =~ $pattern;
}

sub answer
{
	my ($s, $sql) = @_;
	$s->{out} = '';
	$s->{in} .= "$sql;\n\\echo done\n";
	return until_out($s, qr/^done$/m) ? $s->{out} =~ s/^done\n//mr : 'HANGS';
}

sub limit
{
	my ($s, $mb) = @_;
	my ($kb) = slurp_file("/proc/$s->{pid}/status") =~ /^VmSize:\s+(\d+)/m;
	my $limit = ($kb + 1024 * $mb) * 1024;
	system('prlimit', '--pid', $s->{pid}, "--as=$limit") == 0 or die 'prlimit failed';
	return;
}

my $fitted = 0;
for my $mb (8, 64, 100, 140, 200, 300, 400, 1000)
{
	my $s = session();
	limit($s, $mb);
	is(answer($s, "LOAD 'noisylabel';\n$simple"), "0.5\n", "+$mb MB: loads, and answers");
	my $answer = answer($s, $fit);
	$fitted++ if $answer eq "$model\n";
	ok($answer eq "$model\n" || $answer =~ /ERROR:  53200: out of memory/,
		"+$mb MB: fits, or says that memory is short") or diag($answer);
	is(answer($s, $simple), "0.5\n", "+$mb MB: goes on afterwards");

	$node->safe_psql('postgres', "SELECT pg_terminate_backend($s->{pid})");
	ok( $node->poll_query_until('postgres',
			"SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $s->{pid}"),
		"+$mb MB: can be ended");
	eval { $s->{run}->kill_kill };
}
ok($fitted > 0, 'with enough it fits');

# Room that comes back is used.
my $s = session();
answer($s, "LOAD 'noisylabel'");
my ($soft) = slurp_file("/proc/$s->{pid}/limits") =~ /^Max address space\s+(\S+)/m;
my ($kb) = slurp_file("/proc/$s->{pid}/status") =~ /^VmSize:\s+(\d+)/m;
system('prlimit', '--pid', $s->{pid}, '--as=' . ($kb + 65536) * 1024 . ':') == 0 or die 'prlimit failed';
like(answer($s, $fit), qr/out of memory.*OpenBLAS.*HINT/s, 'an error that says what to raise');
system('prlimit', '--pid', $s->{pid}, "--as=$soft:") == 0 or die 'prlimit failed';
is(answer($s, $fit), "$model\n", 'the same backend fits as soon as there is room');
$s->{in} .= "\\q\n";
$s->{run}->finish;

$node->stop;
done_testing();
