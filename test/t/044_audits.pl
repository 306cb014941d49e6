# Audits: the statements of docs/audits.md run and give what it says; intervals of
# stratified samples and of shares behind imperfect labels hold the truth as often as
# they say; what is searched for or filled is found at once.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('audits');

$node->safe_psql('postgres', <<'END');
CREATE TABLE items AS SELECT i AS id, i / 2 AS item_id, CASE WHEN i % 3 = 0 THEN 'yes' ELSE 'no' END AS label FROM generate_series(1, 4000) AS i;
CREATE TABLE audited AS
SELECT stratum, CASE WHEN i % 5 = 0 THEN 'yes' ELSE 'no' END AS truth, CASE WHEN (i % 5 = 0) <> (i % (3 * stratum) = 1) THEN 'yes' ELSE 'no' END AS label,
       1000 * stratum::bigint AS size
FROM generate_series(1, 3) AS stratum, generate_series(1, 60) AS i;
CREATE TABLE assigned AS SELECT i / 2 AS item_id, CASE WHEN i % 10 = 3 THEN 'test' ELSE 'train' END AS split FROM generate_series(2, 41) AS i;
CREATE TABLE pets AS
SELECT * FROM (VALUES ('poodle', 'poodle'), ('poodle', 'beagle'), ('tabby', 'tabby'), ('tabby', 'beagle')) AS v(truth, label);
END

my $text = slurp_file("$FindBin::RealBin/../../docs/audits.md");
my @statements = map { /\S/ ? $_ : () } map { split /;\s*$/m } $text =~ /^```sql\n(.*?)^```$/msg;
my @expected = (
	'1825|457|314', qr/^0\.0099\d*\|0\.0208\d*$/, '132|3', qr/^\d+\|(yes|no)/, '{221,67,12}|{270,27,3}',
	qr/^0\.8\|0\.4901\d*\|0\.9433\d*\|0\.4439\d*\|0\.9747\d*$/, qr/^0\.2000*7?\|0\.0524\d*\|0\.3338\d*\|0\.0080\d*$/,
	qr/^no\|.*\nyes\|/, qr/^0\.2499\d*\|0\.1823\d*\|0\.3172\d*$/,
	"1|{test,train}\n6|{test,train}\n11|{test,train}\n16|{test,train}", '', "0|0.5\n1|0.75\n2|1");
is(scalar(@statements), scalar(@expected), 'the document has these statements');
for my $i (0 .. $#statements)
{
	my ($out, $err) = ('', '');
	my ($title) = $statements[$i] =~ /\A\s*([^\n]*)/;
	is($node->psql('postgres', $statements[$i], stdout => \$out, stderr => \$err), 0, "runs: $title") or diag($err);
	ref $expected[$i] ? like($out, $expected[$i], 'gives what is said') : is($out, $expected[$i], 'gives what is said');
}
is(value($node, q(SELECT count(*) FROM split_kept GROUP BY split ORDER BY 1 LIMIT 1)), 400, 'a tenth is for tests');

#
# 1,000 audits of a population of three strata, by a design with unequal weights.  The
# population's own figures are the truth.
#
my $covered = $node->safe_psql('postgres', <<'END');
SELECT setseed(0.3) \g /dev/null
CREATE TABLE population AS
SELECT stratum, truth, CASE WHEN random() < error THEN CASE truth WHEN 'a' THEN 'b' WHEN 'b' THEN 'c' ELSE 'a' END ELSE truth END AS label
FROM (SELECT stratum, error, CASE WHEN random() < 0.5 THEN 'a' WHEN random() < 0.6 THEN 'b' ELSE 'c' END AS truth
      FROM (VALUES (1, 4000, 0.05), (2, 800, 0.2), (3, 200, 0.4)) AS s(stratum, n, error), generate_series(1, n)) AS x;
CREATE TABLE true_report AS SELECT c.* FROM (SELECT f1_report(truth, label) AS r FROM population) AS x, unnest((r).classes) AS c;
CREATE TABLE drawn AS
SELECT run, stratum, truth, label, size
FROM (SELECT run, p.*, row_number() OVER (PARTITION BY run, stratum ORDER BY random()) AS nr, count(*) OVER (PARTITION BY run, stratum) AS size
      FROM generate_series(1, 600) AS run, population AS p) AS x
WHERE nr <= CASE stratum WHEN 1 THEN 150 WHEN 2 THEN 80 ELSE 70 END;
CREATE TABLE audit AS
SELECT run, array_agg(m ORDER BY stratum) AS m, array_agg(size ORDER BY stratum) AS n
FROM (SELECT run, stratum, max(size) AS size, annotator_confusion(truth, label) AS m FROM drawn GROUP BY run, stratum) AS x GROUP BY run;
SELECT round(avg((t."precision" BETWEEN r.precision_low AND r.precision_high)::int), 3), round(avg((t.recall BETWEEN r.recall_low AND r.recall_high)::int), 3),
       round(avg((t.f1 BETWEEN r.f1_low AND r.f1_high)::int), 3)
FROM audit, stratified_report(m, n) AS r JOIN true_report AS t USING (label);
END
my ($precision, $recall, $f1) = split /\|/, $covered;
note("precision $precision, recall $recall, F1 $f1");
cmp_ok($precision, '>=', 0.93, 'intervals of precision hold the truth');
cmp_ok($recall, '>=', 0.93, 'so do those of recall');
cmp_ok($f1, '>=', 0.93, 'so do those of F1');
cmp_ok(value($node, q{SELECT avg(((SELECT accuracy(annotator_confusion(truth, label)) FROM population) BETWEEN a.low AND a.high)::int) FROM audit, stratified_accuracy(m, n) AS a}),
	'>=', 0.93, 'so do those of accuracy');

# One who checks all strata alike and forgets their sizes is wrong.
cmp_ok(value($node, q{SELECT avg(((SELECT accuracy(annotator_confusion(truth, label)) FROM population) BETWEEN (r).accuracy_low AND (r).accuracy_high)::int)
	FROM (SELECT run, f1_report(truth, label) AS r FROM drawn GROUP BY run) AS x}), '<', 0.1, 'a report without weights does not');

#
# Shares behind imperfect labels: of each share 2,000 samples.
#
$node->safe_psql('postgres', <<'END');
SELECT setseed(0.4) \g /dev/null
CREATE TABLE sampled AS
SELECT pi, run, (SELECT count(*) FROM generate_series(1, 500) WHERE random() < pi * 0.9 + (1 - pi) * 0.1 AND run > 0) AS positives,
       (SELECT count(*) FROM generate_series(1, 100) WHERE random() < 0.9 AND run > 0) AS true_positives,
       (SELECT count(*) FROM generate_series(1, 200) WHERE random() < 0.9 AND run > 0) AS true_negatives
FROM unnest('{0, 0.005, 0.02, 0.3, 0.98}'::float8[]) AS pi, generate_series(1, 2000) AS run;
END
for (rows($node, <<'END'))
SET client_min_messages = error;
SELECT pi, avg((pi BETWEEN low AND high)::int), count(*) FILTER (WHERE positives < 500 - true_negatives * 2.5), min(high - low)
FROM sampled, true_prevalence(positives, 500, true_positives, 100, true_negatives, 200) GROUP BY pi ORDER BY pi;
END
{
	my ($pi, $covered, $few, $narrowest) = @$_;
	cmp_ok($covered, '>=', 0.94, sprintf 'intervals of a share of %s hold it: %.3f', $pi, $covered);
	cmp_ok($narrowest, '>', 0.03, "none is a point, though $few times there are fewer positives than mistakes");
}

# What took seconds, or had no end
for (
	[ 'SELECT round(audit_upper_bound(50000000, 100000000, 0.95, 1000000000)::numeric, 6)', '0.500078' ],
	[ 'SELECT n > 0 FROM acceptance_plan(0.01, 0.0102)', 't' ],
	[ 'SELECT n > 0 FROM acceptance_plan(0.01, 0.011, population => 1000000)', 't' ],
	# each stratum's rate is another, so each is full at another total; all shares are rounded
	[ 'SELECT sum(given) FROM (SELECT audit_allocation(array_agg(10 + i % 7 ORDER BY i), array_agg(0.5 / i ORDER BY i), 3000000) AS a
	   FROM generate_series(1::bigint, 1000000) AS i) AS s, unnest(a) AS given', 3000000 ])
{
	my ($query, $result) = @$_;
	is(value($node, "SET statement_timeout = '20s'; $query"), $result, "at once: $query");
}
my ($out, $err) = ('', '');
$node->psql('postgres', q(SET statement_timeout = '20s'; SELECT acceptance_plan(0.9999999, 0.99999999)), stdout => \$out, stderr => \$err);
like($err, qr/too near.*HINT/s, 'rates too near to each other are an error');

done_testing();
