# The examples of docs/confidence.md and docs/variants.md run as they are printed, and
# print what stands below them.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use DocExamples;
use NoisyLabel;
use Test::More;

my $node = new_node('variants_docs');
my %least = (confidence => [ 7, 6 ], variants => [ 7, 5 ]);

for my $document (sort keys %least)
{
	my ($examples, $printed) = run_examples($node, "$FindBin::RealBin/../../docs/$document.md");
	cmp_ok($examples, '>=', $least{$document}[0], "$document: $examples examples");
	cmp_ok($printed, '>=', $least{$document}[1], "$document: $printed with what they print");
}

log_is_clean($node);
$node->stop;
done_testing();
