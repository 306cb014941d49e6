package NoisyLabel;

# What the TAP tests share: a server of their own with the extension, rows in
# and out of it, and comparisons of many values that report as one assertion.
#
# Text is bytes everywhere: Perl's cmp then orders it as our "C" collation does.

use strict;
use warnings;
use Exporter 'import';
use JSON::PP ();
use List::Util qw(max);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(new_node rows rows_of_each errors_of_each value copy_in json json_string sort_labels
  tally check_exact check_close report_checks near random_pick shuffled
  data_folder read_csv log_is_clean ship_aggregates);

# A started server with the extension in database postgres.
sub new_node
{
	my ($name, $conf) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
	$node->append_conf('postgresql.conf', "jit = off\n" . ($conf // ''));
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION noisylabel');
	return $node;
}

# What psql writes of $sql, in a form that _rows_of() reads.
my $null = "\x1dnull\x1d";

sub _written
{
	my ($node, $sql, $db) = @_;
	my ($out, $err) = ('', '');
	my $status = $node->psql(
		$db // 'postgres', $sql,
		stdout => \$out,
		stderr => \$err,
		on_error_stop => 1,
		extra_params =>
		  [ '-F', "\x1f", '-R', "\x1e", '-P', "null=$null" ]);
	if ($status != 0)
	{
		diag("query failed: $err\n$sql");
		die 'query failed';
	}
	return $out;
}

sub _rows_of
{
	return map {
		[ map { $_ eq $null ? undef : $_ } split(/\x1f/, $_, -1) ]
	} split(/\x1e/, $_[0], -1);
}

# The rows of the last statement of $sql that gives any; NULL is undef.
sub rows
{
	return _rows_of(_written(@_));
}

# Many queries are asked by one psql, as it takes longer to start than most of them:
# each list of queries as in a session of its own.  A reference to the rows of every
# query.
my $mark = "\x1dnext\x1d";

sub _sessions
{
	my ($command, @sessions) = @_;
	return join('', map { ("DISCARD ALL;\n", map { "$_;\n\\$command '$mark'\n" } @$_) } @sessions);
}

sub rows_of_each
{
	my ($node, @sessions) = @_;
	my $written = _written($node, _sessions('echo', @sessions)) . "\n";
	return map { [ _rows_of(s/\n\z//r) ] } $written =~ /(.*?)$mark\n/gs;
}

# The messages of queries, each as in a session of its own.
sub errors_of_each
{
	my ($node, @queries) = @_;
	$node->psql('postgres', _sessions('warn', map { [$_] } @queries), on_error_stop => 0, stdout => \my $out, stderr => \my $err);
	return "$err\n" =~ /(.*?)$mark\n/gs;
}

# The first column of the first row.
sub value
{
	my @rows = rows(@_);
	return @rows ? $rows[0][0] : undef;
}

my %copy_escape = ("\\" => "\\\\", "\t" => "\\t", "\n" => "\\n", "\r" => "\\r");

# Rows (array references, undef for NULL) into a table.
sub copy_in
{
	my ($node, $table, $rows, $db) = @_;
	my $data = join '', map {
		join("\t",
			map { defined ? s/([\\\t\n\r])/$copy_escape{$1}/gr : '\N' } @$_)
		  . "\n"
	} @$rows;
	$node->safe_psql($db // 'postgres', "COPY $table FROM STDIN;\n$data\\.\n");
	return;
}

# JSON text to Perl, strings as bytes; and a string to JSON.
my $json = JSON::PP->new->utf8->allow_nonref;

sub json
{
	my $bytes = shift;
	return _encode_strings($json->decode($bytes));
}

sub _encode_strings
{
	my $v = shift;
	return [ map { _encode_strings($_) } @$v ] if ref $v eq 'ARRAY';
	if (ref $v eq 'HASH')
	{
		return { map { _bytes($_) => _encode_strings($v->{$_}) } keys %$v };
	}
	return ref $v || !defined $v ? $v : _bytes($v);
}

sub _bytes
{
	my $s = shift;
	return $s if $s !~ /[^\x00-\x7f]/;
	utf8::encode($s);
	return $s;
}

sub json_string
{
	my $s = shift;
	utf8::decode($s);
	return $json->encode($s);
}

# Canonical order of labels: as numbers if all are integers, else as bytes.
sub sort_labels
{
	my @labels = @_;
	return sort { $a cmp $b } @labels if grep { !/\A-?[0-9]+\z/ } @labels;
	return sort { $a <=> $b || $a cmp $b } @labels;
}

sub random_pick
{
	return $_[ int(rand(@_)) ];
}

# Not List::Util's, which draws from another generator in some versions.
sub shuffled
{
	my @a = @_;
	for (my $i = @a; --$i > 0;)
	{
		my $j = int(rand($i + 1));
		@a[ $i, $j ] = @a[ $j, $i ];
	}
	return @a;
}

# Relative difference at most $tolerance (absolute, for values below $floor).
sub near
{
	my ($got, $want, $tolerance, $floor) = @_;
	return abs($got - $want) <= $tolerance * max(abs($want), $floor // 0);
}

# Copies of all aggregates, named shipped_..., that workers may run: those whose
# states are all rows are not declared so, but their states can be joined.
sub ship_aggregates
{
	my ($node) = @_;
	$node->safe_psql('postgres', q{
DO $$
DECLARE a record;
BEGIN
	FOR a IN
		SELECT p.proname, array_to_string(ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes::oid[]) AS t), ', ') AS types,
		       g.aggtransfn::regproc AS transition, g.aggtranstype::regtype AS state, g.aggfinalfn::regproc AS final, g.aggcombinefn::regproc AS combine
		FROM pg_aggregate AS g, pg_proc AS p, pg_depend AS d, pg_extension AS e
		WHERE g.aggfnoid = p.oid AND d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		  AND d.refobjid = e.oid AND e.extname = 'noisylabel'
	LOOP
		EXECUTE format('CREATE AGGREGATE %I(%s) (SFUNC = %s, STYPE = %s, FINALFUNC = %s, COMBINEFUNC = %s, PARALLEL = SAFE)',
		               'shipped_' || a.proname, a.types, a.transition, a.state, a.final, a.combine);
	END LOOP;
END $$});
	return;
}

# Many comparisons of one kind are one assertion: check_* note the differences,
# report_checks makes an assertion of each kind, in order of appearance.
my %checks;
my @order;

sub tally
{
	my ($what, $good, $difference) = @_;
	push @order, $what if !$checks{$what};
	$checks{$what}{n}++;
	push @{ $checks{$what}{bad} }, $difference if !$good;
	return;
}

sub _show
{
	return defined $_[0] ? "\"$_[0]\"" : 'NULL';
}

sub check_exact
{
	my ($what, $where, $got, $want) = @_;
	tally($what,
		(defined $got && defined $want) ? $got eq $want : !defined $got && !defined $want,
		"$where: got " . _show($got) . ", wanted " . _show($want));
	return;
}

sub check_close
{
	my ($what, $where, $got, $want, $tolerance, $floor) = @_;
	tally($what,
		(defined $got && defined $want)
		? $got =~ /^[-+.0-9e]+$/ && near($got, $want, $tolerance, $floor)
		: !defined $got && !defined $want,
		"$where: got " . _show($got) . ", wanted " . _show($want));
	return;
}

sub report_checks
{
	for my $what (@order)
	{
		my @bad = @{ $checks{$what}{bad} // [] };
		is(scalar(@bad), 0, "$what ($checks{$what}{n} comparisons)");
		diag($_) for @bad[ 0 .. (@bad > 5 ? 4 : $#bad) ];
	}
	%checks = ();
	@order = ();
	return;
}

# The folder of data sets that the project doesn't carry, or undef.
sub data_folder
{
	my $shared = $ENV{NOISYLABEL_SHARED};
	return defined $shared && -d "$shared/data" ? "$shared/data" : undef;
}

# Rows of a plain CSV file (no quoting) without its header.
sub read_csv
{
	my $file = shift;
	open(my $in, '<:raw', $file) or die "$file: $!";
	my @lines = <$in>;
	close($in);
	shift @lines;
	return map { s/\r?\n\z//; [ split /,/, $_, -1 ] } @lines;
}

# Neither a crash nor what memory checks complain of.
sub log_is_clean
{
	my $node = shift;
	my @bad = grep {
		/was terminated by signal|PANIC|TRAP:|server process .* exited|
		 problem\ in\ alloc\ set|detected\ write\ past\ chunk\ end|
		 WARNING:.*(leak|memory\ context)/x
	} split /\n/, slurp_file($node->logfile);
	is("@bad", '', 'no crash, and no complaint about memory, in the server log');
	return;
}

1;
