# The same rows give the same bytes, whatever was allocated before the fit: also
# with the kernels of OpenBLAS whose sums depend on where their arguments lie,
# which old versions of it take on processors that they do not know.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use Test::More;

# Every x86-64 processor runs these kernels; elsewhere the name is ignored.
for my $kernels ('', 'Prescott')
{
	local $ENV{OPENBLAS_CORETYPE} = $kernels if $kernels;
	my $node = new_node('bytes' . lc $kernels);
	$node->safe_psql('postgres', <<'END');
CREATE TABLE d (i int, t label_distribution, x float8[], w float8);
INSERT INTO d VALUES (1, '{"a": 0.7, "b": 0.3}', '{1,0.1}', 1), (2, '{"b": 1}', '{2,0.7}', 0.5),
	(3, '{"b": 0.5, "c": 0.5}', '{0.3,4}', 2);
END
	my $collected = 'training_set_accum(' x 3 . 'NULL' . join(
		'',
		map { ", $_)" } q{'{"b": 0.5, "c": 0.5}'::label_distribution, '{0.3,4}', 2},
		q{'{"a": 0.7, "b": 0.3}'::label_distribution, '{1,0.1}', 1},
		q{'{"b": 1}'::label_distribution, '{2,0.7}', 0.5});
	is( value($node, "SELECT logistic_regression(t, x, w)::text = logistic_regression_final($collected)::text FROM d"),
		't', 'rows of a table, and rows that were collected one by one; kernels: ' . ($kernels || 'its own'));
	$node->stop;
}
done_testing();
