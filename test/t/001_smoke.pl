# The extension can be installed in a new cluster, and its library shows
# nothing to other modules but what SQL calls.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('smoke');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION noisylabel');

is( $node->safe_psql(
		'postgres',
		q{SELECT installed_version = default_version
		  FROM pg_available_extensions WHERE name = 'noisylabel'}),
	't',
	'the default version is installed');

chomp(my $lib = `pg_config --pkglibdir`);
$lib .= '/noisylabel.so';

my %symbol = map { (split)[-1] => 1 } `nm -D --defined-only '$lib'`;
ok($symbol{Pg_magic_func}, 'the library exports its magic block');

# Each function that SQL can call, F, comes with a pg_finfo_F; parallel workers
# begin in em_worker_main.
my @stray = grep {
	my $function = s/^pg_finfo_//r;
	!/^(Pg_magic_func|_PG_init|em_worker_main)$/ && !$symbol{"pg_finfo_$function"}
} sort keys %symbol;
is("@stray", '', 'the library exports nothing but what PostgreSQL calls');

# OpenBLAS comes with the first fit, and a backend has one thread even then.
my $process = q{SELECT substring(pg_read_file('/proc/' || pg_backend_pid() || '/status') FROM 'Threads:\s+(\d+)'),
	pg_read_file('/proc/' || pg_backend_pid() || '/maps') ~ 'blas'};
is($node->safe_psql('postgres', "LOAD 'noisylabel'; $process"),
	'1|f', 'the library loads without OpenBLAS');
is( $node->safe_psql('postgres', qq{
		SELECT logistic_regression((i % 2)::text, ARRAY[i]::float8[]) IS NOT NULL
		FROM generate_series(1, 100) i;
		$process}),
	"t\n1|t",
	'a fit loads OpenBLAS, without a thread of its own');

$node->stop;
done_testing();
