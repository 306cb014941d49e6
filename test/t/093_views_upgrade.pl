# An update of the extension leaves label views alone: their content, their queries, what refreshes start from; and the
# next refresh is done by the new version.  The update is made up: a script that replaces all functions, procedures and
# aggregates, as docs/development.md wants of one, and adds one.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $folder = `pg_config --sharedir`;
chomp $folder;
$folder .= '/extension';
my ($version) = slurp_file("$folder/noisylabel.control") =~ /^default_version = '([^']*)'/m;
my $script = "$folder/noisylabel--$version--$version.next.sql";
plan skip_all => "$folder cannot be written to" if !-w $folder;
END { unlink $script if defined $script }

# Statements of the install script that an update may repeat
my $replaced = 0;
my $sql = slurp_file("$folder/noisylabel--$version.sql") =~ s/^(?:--|\\echo)[^\n]*\n//mgr;
unlink $script;
open(my $out, '>', $script) or die "$script: $!";
while ($sql =~ /\G\s*((?:[^;\$']|'(?:[^']|'')*'|\$(\w*)\$.*?\$\g2\$)+;)/gs)
{
	my $statement = $1;
	next if $statement !~ /^CREATE (?:FUNCTION|PROCEDURE|AGGREGATE) |^COMMENT ON (?:FUNCTION|PROCEDURE|AGGREGATE) /;
	$replaced += $statement =~ s/^CREATE /CREATE OR REPLACE /;
	print $out "$statement\n";
}
print $out "CREATE FUNCTION label_views_are_new() RETURNS boolean LANGUAGE sql AS 'SELECT true';\n";
close($out);

my $node = new_node('upgrade', "client_min_messages = warning\n");
is($replaced, value($node, q{SELECT count(*) FROM pg_proc AS p JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'noisylabel'}),
	'the update replaces all functions that there are');

$node->safe_psql('postgres', <<'END');
CREATE TABLE annotation AS
SELECT item, annotator, label, '2026-01-01'::timestamptz + row_number() OVER () * interval '1 hour' AS answered_at FROM simulate_annotations(200, '{"reliable": 4, "hasty": 3}', '{"seed": 3}');
SELECT create_label_views('quality', 'annotation', '{"fit": {"variant": "full"}}');
SELECT label_snapshot('quality', 'before');
UPDATE quality_issues SET decision = 'A' WHERE priority = 1;
CREATE OR REPLACE VIEW quality_issues_query AS SELECT item, row_number() OVER (ORDER BY confidence, item) AS priority, label, NULL::text AS suggested, confidence, 'mine'::text AS reason FROM quality_consensus WHERE confidence < 0.8;
CREATE VIEW dashboard AS SELECT a.annotator, a.accuracy, s.refreshed_at FROM quality_annotators AS a, quality_summary AS s;
CREATE ROLE reader;
GRANT SELECT ON quality_consensus, dashboard TO reader;
INSERT INTO annotation SELECT item, 'newcomer', label, '2026-03-01' FROM annotation WHERE annotator = 'reliable 1';
END

my @tables = map { $_->[0] } rows($node, q{SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') AND relname ~ '^(quality|dashboard)' AND relname <> 'quality_answers' ORDER BY 1});
sub content
{
	return map { $_ => value($node, "SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\")), '') FROM $_ AS t") } @tables;
}
sub definitions
{
	return value($node, q{SELECT string_agg(relname || relacl::text || coalesce(pg_get_viewdef(oid), '') || coalesce(obj_description(oid, 'pg_class'), ''), E'\n' ORDER BY relname) FROM (SELECT oid, relname, coalesce(relacl, '{}') AS relacl FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')) AS c});
}
my %before = content();
my $definitions = definitions();
cmp_ok(scalar(@tables), '>=', 18, 'there are tables and views');
$node->safe_psql('postgres', "ALTER EXTENSION noisylabel UPDATE TO '$version.next'");
is(value($node, 'SELECT label_views_are_new()'), 't', 'the extension is updated');
my %after = content();
is_deeply(\%after, \%before, 'the update changes no content');
is(definitions(), $definitions, 'nor a view, a right or a comment');

$node->safe_psql('postgres', q{CALL refresh_label_views('quality')});
is(value($node, 'SELECT version FROM quality_history ORDER BY id DESC LIMIT 1'), "$version.next", 'the next refresh is by the new version');
is(value($node, 'SELECT buckets_rebuilt < buckets AND error IS NULL FROM quality_history ORDER BY id DESC LIMIT 1'), 't', 'it starts from what was kept');
is(value($node, 'SELECT annotators FROM quality_summary'), 8, 'it has read the new answers');
is(value($node, q{SELECT c.label || ' ' || c.confidence FROM quality_consensus AS c JOIN quality_issues AS i USING (item) WHERE i.decision = 'A'}), 'A 1', 'the decision is gold');
is(value($node, q{SELECT count(*) > 0 FROM quality_issues WHERE reason = 'mine'}), 't', 'the query that was replaced is in use');
is(value($node, q{SELECT model = dawid_skene(answers, options) FROM quality_snapshots}), 't', 'the snapshot can be made again');
cmp_ok(value($node, q{SELECT count(*) FROM label_changes('quality', 'before')}), '>', 0, 'and compared');
like(value($node, q{SELECT label_report('quality')}), qr/Over time/, 'the page is drawn');
is(value($node, q{SET ROLE reader; SELECT count(*) FROM quality_consensus}), 200, 'who could read can still');

my $err = '';
$node->psql('postgres', 'DROP EXTENSION noisylabel', stderr => \$err);
like($err, qr/other objects depend on it/, 'the extension cannot be dropped from under the views');
$node->safe_psql('postgres', q{DROP VIEW dashboard; SELECT drop_label_views('quality'); DROP EXTENSION noisylabel});
is(value($node, q{SELECT string_agg(relname, ' ') FROM pg_class WHERE relnamespace = 'public'::regnamespace}), 'annotation', 'without them it can, and nothing is left');

log_is_clean($node);
$node->stop;
done_testing();
