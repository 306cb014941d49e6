# docs/jobs.md with the real pg_cron: a job that refreshes label views, one that fails, and what one sees of them.
# Skipped where pg_cron is not installed (on Debian: postgresql-NN-cron).  It takes up to two minutes: pg_cron 1.4
# knows no schedule below a minute.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $libraries = `pg_config --pkglibdir`;
chomp $libraries;
plan skip_all => 'pg_cron is not installed (on Debian: postgresql-NN-cron)' if !-e "$libraries/pg_cron.so";

my $node = new_node('jobs', <<'END');
shared_preload_libraries = 'pg_cron'
cron.database_name = 'postgres'
cron.use_background_workers = on
END

# an analyst who owns the views, as the document has it
$node->safe_psql('postgres', <<'END');
CREATE EXTENSION pg_cron;
CREATE ROLE analyst LOGIN;
GRANT USAGE ON SCHEMA cron TO analyst;
GRANT CREATE, USAGE ON SCHEMA public TO analyst;
CREATE TABLE annotation AS SELECT item, annotator, label FROM simulate_annotations(100, '{"reliable": 5}');
GRANT SELECT ON annotation TO analyst;
SET ROLE analyst;
SELECT create_label_views('quality', 'annotation');
SELECT create_label_views('broken', 'annotation');
UPDATE broken_model SET options = '{"variant": "none"}';
SELECT cron.schedule('refresh quality', '* * * * *', $$CALL refresh_label_views('quality')$$);
SELECT cron.schedule('refresh broken', '* * * * *', $$CALL refresh_label_views('broken')$$);
RESET ROLE;
INSERT INTO annotation SELECT item, 'newcomer', label FROM annotation WHERE annotator = 'reliable 1';
END

my $start = time;
my $runs = 0;
while (time - $start < 180)
{
	$runs = value($node, "SELECT count(DISTINCT jobid) FROM cron.job_run_details WHERE status IN ('succeeded', 'failed')");
	last if $runs == 2;
	sleep 1;
}
is($runs, 2, 'both jobs ran');
is(value($node, "SELECT status FROM cron.job_run_details JOIN cron.job USING (jobid) WHERE jobname = 'refresh quality' ORDER BY runid LIMIT 1"), 'succeeded', 'one succeeded');
is(value($node, "SELECT annotators FROM quality_summary"), 6, 'it has read the new answers');
is(value($node, "SELECT count(*) FROM quality_history WHERE refreshed_by = 'analyst' AND error IS NULL AND buckets_rebuilt > 0 AND id = 2"), 1, 'its history');
is(value($node, "SELECT status FROM cron.job_run_details JOIN cron.job USING (jobid) WHERE jobname = 'refresh broken' ORDER BY runid LIMIT 1"), 'failed', 'the other failed');
like(value($node, "SELECT return_message FROM cron.job_run_details JOIN cron.job USING (jobid) WHERE jobname = 'refresh broken' ORDER BY runid LIMIT 1"), qr/invalid value for option "variant": "none"/, 'pg_cron knows why');
is(value($node, "SELECT count(*) > 0 FROM broken_history WHERE error LIKE 'invalid value for option \"variant\": \"none\"%'"), 't', 'the history knows, too');
is(value($node, "SELECT annotators FROM broken_summary"), 5, 'what was there stays');
is(value($node, "SELECT kind FROM label_alerts('broken')"), 'refresh failed', 'an alert');

$node->safe_psql('postgres', 'SELECT cron.unschedule(jobid) FROM cron.job');
log_is_clean($node);
$node->stop;
done_testing();
