package DocExamples;

# The examples of a document: blocks of SQL, each followed or not by a block of what
# psql prints.

use strict;
use warnings;
use Exporter 'import';
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(run_examples);

# Runs all of them in a database of its own, in order.  Returns how many there are,
# and how many say what they print.
sub run_examples
{
	my ($node, $file) = @_;
	my ($database) = $file =~ /(\w+)\.md$/;
	my $text = slurp_file($file);
	my ($examples, $printed) = (0, 0);

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, 'CREATE EXTENSION noisylabel');
	while ($text =~ /^```sql\n(.*?)^```\n(?:\n```\n(.*?)^```\n)?/msg)
	{
		my ($sql, $want) = ($1, $2);
		my ($title) = $sql =~ /\A([^\n]*)/;
		my ($out, $err) = ('', '');
		my $result = IPC::Run::run(
			[ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-P', 'footer=off', '-d', $node->connstr($database) ],
			'<', \$sql, '>', \$out, '2>', \$err);
		ok($result && $err !~ /ERROR|FATAL/, "$database runs: $title") or diag($err);
		$examples++;
		next if !defined $want;
		$out =~ s/[ \t]+$//mg;
		$out =~ s/\n+\z/\n/;
		is($out, $want, "$database prints that: $title");
		$printed++;
	}
	return ($examples, $printed);
}

1;
