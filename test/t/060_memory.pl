# No growth: what a query takes for many groups, and what a backend keeps after
# many calls, stays small.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use Test::More;

my $node = new_node('memory', "max_parallel_workers_per_gather = 0\nwork_mem = 4MB\n");

plan(skip_all => 'pg_backend_memory_contexts came with PostgreSQL 14')
  if value($node, "SELECT current_setting('server_version_num')::int < 140000") eq 't';

$node->safe_psql('postgres', <<'END');
CREATE TABLE votes AS
SELECT i % 20000 AS g, 'item ' || i % 7 AS item, 'annotator ' || i % 5 AS annotator, 'class ' || i * 7 % 4 AS label
FROM generate_series(1, 400000) AS i;
CREATE TABLE one AS
SELECT annotator_confusion(label, label) AS cm, annotation_set(item, annotator, label) AS s,
       dawid_skene(item, annotator, label) AS m, class_prior(dawid_skene(item, annotator, label)) AS d,
       score_set(item = 'item 1', g / 100.0) AS ss
FROM votes WHERE g < 100;
CREATE TABLE expected AS SELECT d, 'class 1'::text AS label FROM one;
-- largest memory the backend ever had, in kB
CREATE FUNCTION peak() RETURNS bigint LANGUAGE sql AS $$
	SELECT (regexp_match(pg_read_file('/proc/' || pg_backend_pid() || '/status'), 'VmHWM:\s+(\d+)'))[1]::bigint
$$;
CREATE FUNCTION resident() RETURNS bigint LANGUAGE sql AS $$
	SELECT (regexp_match(pg_read_file('/proc/' || pg_backend_pid() || '/status'), 'VmRSS:\s+(\d+)'))[1]::bigint
$$;
END

my %query = (
	'annotator_confusion by group' => 'SELECT g, annotator_confusion(item, label) FROM votes GROUP BY g',
	'f1_report by group' => 'SELECT g, f1_report(item, label) FROM votes GROUP BY g',
	'annotation_set by group' => 'SELECT g, annotation_set(item, annotator, label) FROM votes GROUP BY g',
	'dawid_skene by group' => 'SELECT g, dawid_skene(item, annotator, label) FROM votes WHERE g < 5000 GROUP BY g',
	'posterior by group' => 'SELECT g, posterior((SELECT m FROM one), annotator, label) FROM votes GROUP BY g',
	'avg and product by group' => q(SELECT g, ROW(avg(d), product(d)) FROM (SELECT g, label_distribution(ARRAY['a', label], '{0.5,0.5}') AS d FROM votes) AS v GROUP BY g),
	'score_set by group' => q(SELECT g, score_set(item = 'item 1', length(annotator) + g / 7.0) FROM votes GROUP BY g),
	'ranking_report by group' => q(SELECT g, ranking_report(item = 'item 1', length(annotator) + g / 7.0, 1.5) FROM votes GROUP BY g),
	'calibration by group' => q(SELECT g, calibration(item, label_distribution(ARRAY['a', label], '{0.5,0.5}')) FROM votes GROUP BY g),
	'counted annotations by group' => 'SELECT g, annotation_set(item, annotator, label, label, 3) FROM (SELECT g, item || g || i AS item, annotator, label FROM votes, generate_series(1, 1) AS i) AS v GROUP BY g',
	'sum of expected counts' => 'SELECT annotator_confusion(d, label) FROM expected, generate_series(1, 300000)');

# Sorted groups are done one after the other; hashed ones may take work_mem and
# what its estimate misses.
SKIP:
{
	skip('no /proc', 2 * keys %query) if !-r '/proc/self/status';
	for my $name (sort keys %query)
	{
		for my $set ('enable_hashagg = off', 'enable_sort = off')
		{
			my $grown = value($node,
				"SELECT count(*) FROM one, annotators(m), cells(cm), annotation_summary(s);"
				  . "SET $set; CREATE TEMP TABLE p AS SELECT peak(); DO \$do\$ BEGIN PERFORM count(v::text) FROM ($query{$name}) AS v; END \$do\$;"
				  . 'SELECT peak() - (SELECT peak FROM p)');
			cmp_ok($grown, '<', 40 * 1024, "$name, $set: the backend grows by less than 40 MB");
			note("$grown kB");
		}
	}
}

# A round of learn_from_crowds() makes several models of the annotators
SKIP:
{
	skip('no /proc', 1) if !-r '/proc/self/status';
	my $grown = value($node, q{
		CREATE TEMP TABLE p AS SELECT peak();
		DO $do$ BEGIN PERFORM learn_from_crowds(i, 'w' || (i % 4000), 'c' || CASE WHEN i % 7 = 0 THEN i / 7 ELSE i END % 16, ARRAY[i % 16]::float8[], '{"l2": 1, "rounds": 1}'::jsonb) FROM generate_series(1, 20000) AS i; END $do$;
		SELECT peak() - (SELECT peak FROM p)});
	cmp_ok($grown, '<', 165 * 1024, 'learn_from_crowds() does not keep what models were made of');
	note("$grown kB");
}

# Set-returning and scalar functions, again and again in one query
my @calls = (
	'cells(cm)', 'f1_report(cm)', 'report(f1_report(cm))', 'accuracy(cm)', 'mutual_information(cm)', 'cm + cm', 'smooth(cm, cm, 1)',
	'labels(cm)', 'counts(cm)', 'cm::jsonb', 'annotation_summary(s)', 's + s', 's::jsonb', 'dawid_skene(s)',
	'consensus(s, m)', 'annotators(m)', 'annotator_cells(m)', 'fit_report(m)', 'class_prior(m)', 'm::text::annotator_model', 's::text::annotation_set',
	'annotation_set_send(s)', 'annotator_model_send(m)', 'top_label(d)', 'probabilities(d)', 'entropy(d)',
	'combine(d, d, d)', 'temper(d, 0.5)', 'ranking_report(ss)', 'pr_curve(ss)', 'roc_curve(ss, 3)', 'acceptance(ss, 0.5)', q{threshold_for(ss, 'recall', 0.5)}, 'ss + ss', 'ss::text::score_set',
	'reliability_svg(m)', 'confusion_svg(cm)', 'label_report(s, m)',
	'calibration(ss)', q{calibration_svg(calibration(ss, 5, 'mass'))}, q{calibration_final(calibration_state_accum(NULL, 'a', d))}, q{class_calibration_final(calibration_state_accum(NULL, 'a', d))}, q{simulate_annotations(3, '{"reliable": 3, "newcomer": 2, "copy": 1}', '{"features": 2}')},
	"posterior_final(posterior_accum(NULL, m, 'annotator 1', 'class ' || i % 4))");
SKIP:
{
	skip('no /proc', scalar @calls) if !-r '/proc/self/status';
	for my $call (@calls)
	{
		# the first calls fill caches; more should take nothing
		my $grown = value($node,
			"DO \$do\$ BEGIN PERFORM $call FROM one, generate_series(1, 500) AS i; END \$do\$;"
			  . "CREATE TEMP TABLE p AS SELECT peak();"
			  . "DO \$do\$ BEGIN PERFORM count(*) FROM (SELECT i, $call AS v FROM one, generate_series(1, 3000) AS i OFFSET 0) AS w WHERE v IS NOT NULL; END \$do\$;"
			  . 'SELECT peak() - (SELECT peak FROM p)');
		cmp_ok($grown, '<', 16 * 1024, "$call, 3000 times: less than 16 MB");
		note("$grown kB");
	}
}

# What a query leaves behind it leaves each time; PostgreSQL's caches, which are
# filled in steps of their own, differ by version, and are full at some time.  So of
# a few runs the median keeps nothing.
my $used = 'SELECT sum(used_bytes) FROM pg_backend_memory_contexts';
sub growth
{
	my $query = shift;
	my $run = "DO \$do\$ BEGIN PERFORM count(v::text) FROM ($query) AS v; END \$do\$; INSERT INTO kept (bytes) $used;";
	return value($node, 'CREATE TEMP TABLE kept (run serial, bytes bigint);' . $run x 6
		  . 'SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY growth) FROM (SELECT bytes - lag(bytes) OVER (ORDER BY run) AS growth FROM kept) AS v');
}

# (a byte of each of 4,000 groups would be seen)
$node->safe_psql('postgres', 'CREATE TABLE few AS SELECT * FROM votes WHERE g < 4000');
for my $name (sort keys %query)
{
	my $growth = growth($query{$name} =~ s/FROM votes\b/FROM few/r);
	cmp_ok($growth, '<', 1024, "$name: nothing is kept after the query");
	note("$growth bytes");
}
cmp_ok(growth("SELECT pg_advisory_lock(g, nextval('kept_run_seq')::int) FROM generate_series(1, 500) AS g"),
	'>', 1024, 'what is kept is seen');

# A fit needs what it says, and says what it needs: the memory that the error names
# and the memory that it takes are the same, whatever the variant and options.
SKIP:
{
	my @fits = ('{"variant": "full"}', '{"variant": "one_coin"}', '{"variant": "majority"}',
		'{"variant": "full", "smoothing": "estimate"}', '{}');
	skip('no /proc', 2 * @fits) if !-r '/proc/self/status';
	for my $options (@fits)
	{
		my ($row) = rows($node, <<"END");
CREATE TEMP TABLE w AS
SELECT annotation_set('i' || i / 4, 'a' || i % 10000, i * 7919 % 12) AS s FROM generate_series(0, 39999) AS i;
CREATE FUNCTION pg_temp.need() RETURNS bigint LANGUAGE plpgsql AS \$\$
BEGIN
	PERFORM set_config('noisylabel.memory_limit', '4MB', true);
	PERFORM dawid_skene(s, '$options') FROM w;
	RETURN NULL;
EXCEPTION WHEN program_limit_exceeded THEN
	RETURN substring(SQLERRM FROM 'needs (\\d+) kB');
END \$\$;
CREATE TEMP TABLE p AS SELECT pg_temp.need() AS need, resident FROM resident();
CREATE TEMP TABLE m AS SELECT dawid_skene(s, '$options') IS NOT NULL FROM w;
SELECT need, peak() - resident FROM p;
END
		my ($need, $taken) = @$row;
		# 2 MB are the code and the set, which count where a variant needs little
		cmp_ok($taken, '<', 1.1 * $need + 2048, "$options: takes no more than it says");
		cmp_ok($need, '<', 1.25 * $taken, "$options: needs no less than it says");
		note("says $need kB, takes $taken kB");
	}
}

log_is_clean($node);
$node->stop;
done_testing();
