# The statements of docs/views.md and docs/jobs.md run as they are printed, on tables such as they speak of.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = "$FindBin::RealBin/../..";
my $node = new_node('views_docs');
$node->safe_psql('postgres', <<'END');
CREATE TABLE annotation AS
SELECT substr(item, 6)::int AS item, annotator, CASE label WHEN 'A' THEN 'yes' ELSE 'no' END AS label,
       '2026-01-01'::timestamptz + row_number() OVER () * interval '1 minute' AS answered_at, 5 AS seconds
FROM simulate_annotations(100, '{"hasty": 5}');
END

my %printed;
for my $document ('views', 'jobs')
{
	my @statements = grep { /\S/ } map { split /;(?:\s*--[^\n]*)?$/m } slurp_file("$root/docs/$document.md") =~ /^```sql\n(.*?)^```$/msg;
	cmp_ok(scalar(@statements), '>=', 4, "$document.md has statements");
	for my $statement (@statements)
	{
		my ($out, $err) = ('', '');
		my $status = $node->psql('postgres', $statement, stdout => \$out, stderr => \$err, on_error_stop => 1);
		my ($title) = $statement =~ /\A\s*([^\n]*)/;
		is($status, 0, "runs: $title") or diag($err);
		$printed{$title} = $out;
	}
}
# all refreshes of the documents, and what came of the decision and the other variant
cmp_ok(value($node, "SELECT count(*) FROM quality_history"), '>=', 4, 'the documents refresh');
is(value($node, "SELECT count(*) FROM quality_history WHERE error IS NOT NULL"), 0, 'all refreshes went well');
is(value($node, "SELECT gold_items FROM quality_summary"), 1, 'the decision is gold');
is(value($node, "SELECT method LIKE '%full%' FROM quality_summary"), 't', 'the options are in use');
like($printed{"SELECT * FROM label_changes('quality', 'before the new guideline')"}, qr/new gold/, 'changes show the decision');
is(value($node, "SET ROLE dashboard; SELECT count(*) FROM quality_consensus"), 100, 'the role for dashboards reads');
# the tables of the document are those that there are
my ($table) = slurp_file("$root/docs/views.md") =~ /^(\| table .*?)\n\n/ms;
is(join(' ', sort $table =~ /`quality_(\w+)`/g), value($node, "SELECT string_agg(substr(relname, 9), ' ' ORDER BY relname COLLATE \"C\") FROM pg_class WHERE relkind = 'r' AND relname LIKE 'quality\\_%'"), 'all tables are in the document');

$node->stop;
done_testing();
