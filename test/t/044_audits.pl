# Audits: the statements of docs/audits.md run and give what it says; intervals of
# stratified samples hold the truth as often as they say.

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

done_testing();
