# Many groups take time in proportion, whatever the aggregate.
# Alone: measures time.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use List::Util qw(min);
use NoisyLabel;
use Test::More;

my $node = new_node('many_groups', <<'END');
autovacuum = off
max_parallel_workers_per_gather = 0
END
$node->safe_psql('postgres', <<'END');
CREATE TABLE groups AS
SELECT i / 3 AS g, 'item ' || i % 100 AS item, 'annotator ' || i % 7 AS annotator, 'class ' || i % 4 AS label, 'class ' || i % 100 % 4 AS truth,
       CASE WHEN i % 100 < 10 THEN 'class ' || i % 100 % 4 END AS gold, (1 + i % 6) / 4.0::float8 AS weight,
       label_distribution(ARRAY['class ' || i % 4, 'other'], '{0.75,0.25}') AS soft, ARRAY[i % 11, i % 13, sqrt(i)]::float8[] AS features,
       confusion_matrix_accum(NULL, 'class ' || i % 4, 'class ' || i % 3, 0.5) AS matrix,
       annotation_set_accum(NULL, 'item ' || i % 100, 'annotator ' || i % 7, 'class ' || i % 4) AS part,
       i % 3 = 0 AS hit, i % 17 / 16.0::float8 AS score, score_set_accum(NULL, i % 3 = 0, i % 17 / 16.0, (1 + i % 6) / 4.0::float8) AS scores
FROM generate_series(0, 119999) AS i;
CREATE TABLE model AS SELECT dawid_skene(item, annotator, label) AS m FROM groups WHERE g < 1000;
VACUUM ANALYZE groups;
END

# The best of three runs, all in the memory that a hash table may have
sub seconds
{
	my ($call, $n) = @_;
	my $explain = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT $call FROM groups WHERE g < $n GROUP BY g";
	my @plans = map { join("\n", map { $_->[0] } @$_) }
	  rows_of_each($node, [ "SET enable_sort = off; SET work_mem = '256MB'; SET statement_timeout = '60s'; $explain", $explain, $explain ]);
	for my $plan (@plans)
	{
		die $plan if $plan !~ /HashAggregate/ || $plan =~ /Disk Usage/;
	}
	return min(map { /Execution Time: ([0-9.]+) ms/ } @plans);
}

for my $call (
	'annotator_confusion(truth, label)', 'f1_report(truth, label)', 'annotation_set(item, annotator, label)', 'sum(matrix)', 'sum(part)',
	'posterior((SELECT m FROM model), annotator, label)', 'evidence_weight((SELECT m FROM model), annotator)', 'confident_joint(label, soft)',
	'crowdlab(item, annotator, label, soft)', 'avg(soft)', 'product(soft)', 'learn_annotators(annotator, soft, label)',
	'score_set(hit, score, weight)', 'sum(scores)', 'calibration(truth, soft)', 'dawid_skene(item, annotator, label, gold)',
	'logistic_regression(label, features)')
{
	my ($few, $many) = $call =~ /^(dawid|logistic|learn)/ ? (2500, 10000) : (10000, 40000);
	my $a = seconds($call, $few);
	my $b = seconds($call, $many);
	cmp_ok($b / $a, '<', 8, "$call: $few groups in $a ms, $many in $b ms");
}

# What an annotator's answers are worth takes all of his matrix: once for him, not for each answer.
$node->safe_psql('postgres', <<'END');
CREATE TABLE of_many_classes AS SELECT i / 3 AS g, 'annotator ' || i % 50 AS annotator, 'class ' || i / 3 % 50 AS label FROM generate_series(0, 29999) AS i;
CREATE TABLE model_of_them AS SELECT dawid_skene(g, annotator, label) AS m FROM of_many_classes WHERE g < 1000;
DROP TABLE groups;
ALTER TABLE of_many_classes RENAME TO groups;
VACUUM ANALYZE groups;
END
my ($posterior, $worth) = map { seconds("$_)", 10000) }
  ('posterior((SELECT m FROM model_of_them), annotator, label', 'evidence_weight((SELECT m FROM model_of_them), annotator');
cmp_ok($worth, '<', 5 * $posterior, "evidence_weight() with 50 classes in $worth ms, posterior() in $posterior ms");

log_is_clean($node);
$node->stop;
done_testing();
