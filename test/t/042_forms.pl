# The forms of values: what text is short is JSON, what is long is compact, both
# are read, and both give back the same value to the bit.  None takes more memory
# than noisylabel.memory_limit allows, and all can be canceled.
# Alone: measures time.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $json_max = 1024 * 1024;

my $node = new_node('forms', <<'END');
shared_buffers = 256MB
max_wal_size = 4GB
autovacuum = off
END
my $version = value($node, q(SELECT current_setting('server_version_num')::int));

$node->safe_psql('postgres', <<'END');
-- JSON of a model with so many annotators and two labels
CREATE FUNCTION model_json(n int) RETURNS text LANGUAGE sql AS $$
SELECT format('{"method": "by hand", "options": {}, "fit": {"items": 3, "annotations": 3, "gold_items": 0, "gold_weight": 1,
	"iterations": 1, "converged": true, "log_likelihood": -1, "stopped_by": "hand", "truths_given": false, "majority_disagreement": null, "warnings": []}, "voices": {"of": "answers", "groups": [], "correlation": 0, "gold_items": 0, "teaching_items": 0}, "labels": ["x", "y"], "annotators": [%s],
	"components": [{"variant": "full", "weight": 1, "prior": [0.25, 0.75], "pool": [[0.5, 0.5], [0.125, 0.875]], "confusion": [%s]}],
	"annotations": [%s], "gold_annotations": [%s], "notes": {}, "counts": [%s], "variances": [%s]}',
	(SELECT string_agg('"annotator ' || lpad(i::text, 9, '0') || '"', ', ') FROM generate_series(1, n) AS i),
	rtrim(repeat('[[0.1234567890123456, 0.8765432109876544], [0.2345678901234567, 0.7654321098765433]], ', n), ', '),
	rtrim(repeat('1.25, ', n), ', '),
	rtrim(repeat('0, ', n), ', '),
	rtrim(repeat('[[1.1234567890123456, 2.8765432109876543], [3.2345678901234567, 4.7654321098765433]], ', n), ', '),
	rtrim(repeat('[[1.1234567890123456, 2.8765432109876543], [3.2345678901234567, 4.7654321098765433]], ', n), ', ')) $$;
CREATE FUNCTION matrix_json(k int) RETURNS text LANGUAGE sql AS $$
SELECT format('{"labels": [%s], "counts": [%s]}', string_agg('"' || i || '"', ', '),
	string_agg('[' || rtrim(repeat('1234567.12345678, ', k), ', ') || ']', ', ')) FROM generate_series(1, k) AS i $$;
CREATE FUNCTION classifier_json(k int, m int) RETURNS text LANGUAGE sql AS $$
SELECT format('{"method": "logistic_regression", "options": {}, "fit": {"rows": 2, "weight": 2, "iterations": 1,
	"converged": true, "gradient": 0, "log_loss": 0.1}, "features": %s, "labels": [%s], "coefficients": [%s]}',
	m, string_agg('"' || i || '"', ', '), string_agg('[' || rtrim(repeat('-0.0012345678901234, ', m + 1), ', ') || ']', ', '))
FROM generate_series(1, k) AS i $$;
-- largest memory the backend ever had, in kB
CREATE FUNCTION peak() RETURNS bigint LANGUAGE sql AS $$
	SELECT (regexp_match(pg_read_file('/proc/' || pg_backend_pid() || '/status'), 'VmHWM:\s+(\d+)'))[1]::bigint
$$;
END

#
# The bound, to the byte.  A label as long as it takes makes JSON of any length.
#
my $model = q({"fit": {"items": 3, "warnings": [], "converged": true, "gold_items": 0, "iterations": 1, "annotations": 3, "gold_weight": 1, "log_likelihood": -1, "stopped_by": "hand", "truths_given": false, "majority_disagreement": null}, )
  . q("labels": ["%s"], "counts": [[[1]]], "method": "by hand", "options": {}, "voices": {"of": "answers", "groups": [], "correlation": 0, "gold_items": 0, "teaching_items": 0}, "variances": [[[0]]], "annotators": ["é\""], "annotations": [1], "gold_annotations": [0], "notes": {}, )
  . q("components": [{"pool": [[1]], "prior": [1], "weight": 1, "variant": "full", "confusion": [[[1]]]}]});
my %form = (
	confusion_matrix => '{"labels": ["%s", "é\""], "counts": [[1, 0.1], [5e-324, 1e300]]}',
	label_distribution => '{"%s": 0.25, "é\"": 0.75}',
	annotator_model => $model,
	classifier => '{"method": "logistic_regression", "options": {"l2": 0.1}, "fit": {"rows": 2, "weight": 2, "iterations": 1, '
	  . '"converged": true, "gradient": 0, "log_loss": 0.1}, "features": 2, "labels": ["%s", "é\"", "ö"], "coefficients": [[0, 1, 2], [0, 1, 2], [0, 1, 2]]}');
for my $type (sort keys %form)
{
	# the JSON that our output is, with a label of one letter
	my $one = length(value($node, sprintf("SELECT '%s'::%s::text", $form{$type} =~ s/%s/a/r, $type))) - 1;
	for my $length ($json_max - 1, $json_max, $json_max + 1)
	{
		my ($before, $after) = split /%s/, $form{$type};
		my ($row) = rows($node,
			"WITH v AS MATERIALIZED (SELECT ('$before' || repeat('a', $length - $one) || '$after')::$type AS v), t AS MATERIALIZED (SELECT v, v::text AS t FROM v) "
			  . "SELECT octet_length(t), t LIKE '$type:1:%', t LIKE '{%', t::$type\::text = t, "
			  . "${type}_send(t::$type) = ${type}_send(v), ${type}_send(v::jsonb::text::$type) = ${type}_send(v) FROM t");
		my ($bytes, $compact, $json, $text, $sent, $jsonb) = @$row;
		if ($length <= $json_max)
		{
			is("$bytes $json", "$length t", "$type: JSON of $length bytes is written as JSON");
		}
		else
		{
			is($compact, 't', "$type: JSON of $length bytes is written in the compact form");
		}
		is("$text $sent $jsonb", 't t t', "$type: read back the same from it, and from jsonb");
	}
}

#
# Large values: the same bytes through text, jsonb where it takes them, COPY,
# binary COPY, pg_dump
#
$node->safe_psql('postgres', <<'END');
-- not compressed, which cannot be canceled
CREATE TABLE big (name text, cm confusion_matrix, m annotator_model, c classifier, s annotation_set);
ALTER TABLE big ALTER cm SET STORAGE external, ALTER m SET STORAGE external, ALTER c SET STORAGE external, ALTER s SET STORAGE external;
INSERT INTO big (name, cm) VALUES ('matrix', matrix_json(500)::confusion_matrix);
INSERT INTO big (name, m) VALUES ('model', model_json(100000)::annotator_model);
INSERT INTO big (name, c) VALUES ('classifier', classifier_json(20, 50000)::classifier);
INSERT INTO big (name, s) SELECT 'set', annotation_set('item ' || i / 5, 'annotator ' || i % 1000, 'class ' || i % 7) FROM generate_series(1, 600000) AS i;
CREATE TABLE texts (name text, t text);
ALTER TABLE texts ALTER t SET STORAGE external;
INSERT INTO texts SELECT name, coalesce(cm::text, m::text, c::text, s::text) FROM big;
CREATE FUNCTION digests(OUT name text, OUT digest text) RETURNS SETOF record LANGUAGE sql AS $$
	SELECT name, md5(coalesce(confusion_matrix_send(cm), annotator_model_send(m), classifier_send(c), annotation_set_send(s))) FROM big ORDER BY name $$;
END
my $digests = 'SELECT string_agg(d::text, chr(10)) FROM digests() AS d';
my $sound = value($node, $digests);
is(value($node, <<'END'), $sound, 'the same from the compact text');
SELECT string_agg(format('(%s,%s)', name, md5(CASE name WHEN 'matrix' THEN confusion_matrix_send(t::confusion_matrix)
	WHEN 'model' THEN annotator_model_send(t::annotator_model) WHEN 'classifier' THEN classifier_send(t::classifier)
	ELSE annotation_set_send(t::annotation_set) END)), chr(10) ORDER BY name) FROM texts
END
is(value($node, q(SELECT bool_and(t LIKE '%:1:%') FROM texts)), 't', 'their text is compact');
my $dump = PostgreSQL::Test::Utils::tempdir();
for my $format ('text', 'binary')
{
	$node->safe_psql('postgres', "COPY big TO '$dump/$format' (FORMAT $format)");
	$node->safe_psql('postgres', "TRUNCATE big; COPY big FROM '$dump/$format' (FORMAT $format)");
	is(value($node, $digests), $sound, "the same through COPY, format $format");
}
$node->command_ok([ 'pg_dump', '-f', "$dump/dump.sql", $node->connstr('postgres') ], 'pg_dump writes them');
for my $encoding ('UTF8', 'LATIN1', 'SQL_ASCII')
{
	$node->safe_psql('postgres', "CREATE DATABASE $encoding ENCODING '$encoding' LOCALE 'C' TEMPLATE template0");
	$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$dump/dump.sql", $node->connstr(lc $encoding) ],
		"restored into $encoding, under the default limit");
	is(value($node, $digests, lc $encoding), $sound, "and the same in $encoding");
}

# Names that differ between encodings, below and above the bound
for my $n (1, $json_max)
{
	my $json = qq[('{"labels": ["\\u00e9' || repeat('a', $n) || '"], "counts": [[1]]}')];
	my @texts = map { value($node, "SET client_encoding = 'UTF8'; SELECT $json\::confusion_matrix::text", $_) } 'postgres', 'latin1';
	is($texts[1], $texts[0], "a label of $n letters: the same text in UTF8 and LATIN1");
}

# What jsonb holds is what it would be of the text
for my $type (sort keys %form)
{
	my $literal = $form{$type} =~ s/%s/a\\n\\u0001/r;
	is(value($node, "SELECT v::jsonb = v::text::jsonb AND pg_column_size(v::jsonb) = pg_column_size(v::text::jsonb) FROM (SELECT '$literal'::$type AS v) AS v"),
		't', "$type: jsonb of the value is that of its text");
}
is(value($node, 'SELECT annotator_model_send(j::jsonb::text::annotator_model) = annotator_model_send(j::annotator_model) FROM model_json(10000) AS j'),
	't', 'a model above the bound of text comes back from jsonb');

#
# Memory.  What must be there to be read (the toasted value or text) is read
# first; what is refused takes no more.
#
$node->safe_psql('postgres', <<'END');
CREATE TABLE jsons (name text, t text);
ALTER TABLE jsons ALTER t SET STORAGE external;
INSERT INTO jsons VALUES ('model', model_json(100000)), ('matrix', matrix_json(1000)), ('classifier', classifier_json(20, 50000));
INSERT INTO jsons SELECT 'escaped', replace(model_json(40000), 'annotator 0', 'annotator \"0');
CREATE TABLE options (t text);
ALTER TABLE options ALTER t SET STORAGE external;
INSERT INTO options SELECT '{"start": {"counts": [' || rtrim(repeat('[0.12345678, 0.123], ', n), ', ') || ']}}' FROM (VALUES (300000), (1200000)) AS v (n);
CREATE TABLE small (s annotation_set, m annotator_model);
ALTER TABLE small ALTER s SET STORAGE external, ALTER m SET STORAGE external;
INSERT INTO small SELECT annotation_set('item ' || i / 5, 'annotator ' || i % 1000, 'class ' || i % 7), model_json(20000)::annotator_model FROM generate_series(1, 100000) AS i;
END
my @refused = (
	[ 'text of a model', 'm::text FROM big', 'labels(m) FROM big' ],
	[ 'text of a matrix', 'cm::text FROM big', 'labels(cm) FROM big' ],
	[ 'text of a classifier', 'c::text FROM big', 'labels(c) FROM big' ],
	[ 'text of a set', 's::text FROM big', 'labels(s) FROM big' ],
	[ 'binary form of a set', 'annotation_set_send(s) FROM big', 'labels(s) FROM big' ],
	[ 'binary form of a model', 'annotator_model_send(m) FROM big', 'labels(m) FROM big' ],
	[ 'JSON of a model', q(t::annotator_model FROM jsons WHERE name = 'model'), q(textout(t) FROM jsons WHERE name = 'model') ],
	[ 'JSON of a matrix', q(t::confusion_matrix FROM jsons WHERE name = 'matrix'), q(textout(t) FROM jsons WHERE name = 'matrix') ],
	[ 'JSON of a classifier', q(t::classifier FROM jsons WHERE name = 'classifier'), q(textout(t) FROM jsons WHERE name = 'classifier') ],
	[ 'compact text of a model', q(t::annotator_model FROM texts WHERE name = 'model'), q(textout(t) FROM texts WHERE name = 'model') ],
	[ 'compact text of a set', q(t::annotation_set FROM texts WHERE name = 'set'), q(textout(t) FROM texts WHERE name = 'set') ],
	[ 'options as text', q(dawid_skene('i', 'a', 'x', NULL, t) FROM options WHERE length(t) < 10000000), 'textout(t) FROM options WHERE length(t) < 10000000' ],
	[ 'jsonb of a model', 'm::jsonb FROM small', 'labels(m) FROM small' ],
	[ 'jsonb of a set', 's::jsonb FROM small', 'labels(s) FROM small' ]);
SKIP:
{
	skip('no /proc', 2 * @refused) if !-r '/proc/self/status';
	for (@refused)
	{
		my ($what, $query, $before) = @$_;
		my ($row) = rows($node, "LOAD 'noisylabel'; CREATE TEMP TABLE told (state text, message text, hint text, grown bigint);" . <<"END");
DO \$do\$
DECLARE
	before bigint;
	its_message text;
	its_hint text;
BEGIN
	PERFORM $before;
	SET noisylabel.memory_limit = '64kB';
	before := peak();
	BEGIN
		PERFORM $query;
		INSERT INTO told VALUES ('00000', '', '', peak() - before);
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS its_message = MESSAGE_TEXT, its_hint = PG_EXCEPTION_HINT;
		INSERT INTO told VALUES (SQLSTATE, its_message, its_hint, peak() - before);
	END;
END \$do\$;
SELECT * FROM told
END
		my ($state, $message, $hint, $grown) = @$row;
		like("$state $message, $hint", qr/54000 .* needs \d+ kB .*memory_limit is 64 kB, Raise noisylabel.memory_limit/, "$what: refused with a limit of 64 kB");
		cmp_ok($grown, '<', 4096, "$what: before memory is taken ($grown kB)");
	}
}

# With the default limit
SKIP:
{
	skip('no /proc', 3) if !-r '/proc/self/status';
	my $grown = sub {
		my ($before, $query) = @_;
		return value($node, "SELECT $before; CREATE TEMP TABLE p AS SELECT peak(); DO \$do\$ BEGIN PERFORM $query; END \$do\$; SELECT peak() - (SELECT peak FROM p)");
	};
	my $length = value($node, q(SELECT length(t) / 1024 FROM jsons WHERE name = 'model'));
	cmp_ok($grown->(q(textout(t) FROM jsons WHERE name = 'model'), q(t::annotator_model FROM jsons WHERE name = 'model')),
		'<', 4 * $length, "reading a model of $length kB of JSON takes less than four times as much");
	$length = value($node, q(SELECT length(t) / 1024 FROM jsons WHERE name = 'escaped'));
	cmp_ok($grown->(q(textout(t) FROM jsons WHERE name = 'escaped'), q(t::annotator_model FROM jsons WHERE name = 'escaped')),
		'<', 4 * $length, "with escapes in names, too ($length kB)");
	cmp_ok($grown->('labels(s) FROM small', 's::jsonb FROM small'), '<', 128 * 1024, 'jsonb of 100,000 answers takes less than 128 MB');
}

# jsonb is bounded, and says so
for my $query ('m::jsonb FROM big WHERE m IS NOT NULL', 's::jsonb FROM big WHERE s IS NOT NULL', 'cm::jsonb FROM (SELECT t::confusion_matrix AS cm FROM jsons WHERE name = $$matrix$$ OFFSET 0) AS v')
{
	my $err;
	$node->psql('postgres', "\\set VERBOSITY verbose\nSELECT $query", stderr => \$err);
	like($err, qr/54000: \w+ is too large for (json and )?jsonb.*HINT/s, "too large for jsonb: $query");
}

#
# Cancel.  The timeout strikes at several places of the whole time; the best of
# some tries counts, since machines that run tests are busy with other things at times.
#
my $limit = 0.1;

sub run_timed
{
	my ($sql, $timeout) = @_;
	my ($out, $err);
	$node->psql('postgres',
		"SET client_min_messages = error; $sql->[0]; SELECT extract(epoch FROM clock_timestamp()); SET statement_timeout = $timeout; $sql->[1];\n"
		  . 'RESET statement_timeout; SELECT extract(epoch FROM clock_timestamp())',
		stdout => \$out, stderr => \$err, on_error_stop => 0);
	my @times = $out =~ /^([0-9]{9,}\.[0-9]+)$/mg;
	return ($times[-1] - $times[-2], $err =~ /statement timeout/);
}

# COPY itself goes over each field without a look
my $rows = 'SELECT s, m FROM small, generate_series(1, 10)';
$node->safe_psql('postgres', "COPY ($rows) TO '$dump/rows'; COPY ($rows) TO '$dump/binary rows' (FORMAT binary)");
my $json_model = q(t::annotator_model FROM jsons WHERE name = 'model');
for (
	[ 'reading JSON', 'SELECT 1', "DO \$\$ BEGIN PERFORM $json_model; END \$\$" ],
	[ 'reading compact text of a model', 'SELECT 1', 'DO $$ BEGIN PERFORM t::annotator_model FROM texts WHERE name = \'model\'; END $$' ],
	[ 'reading compact text of a set', 'SELECT 1', 'DO $$ BEGIN PERFORM t::annotation_set FROM texts WHERE name = \'set\'; END $$' ],
	[ 'writing text', 'SELECT 1', 'DO $$ BEGIN PERFORM m::text, c::text, s::text FROM big, generate_series(1, 4); END $$' ],
	[ 'jsonb of a model', 'CREATE TEMP TABLE v AS SELECT model_json(28000)::annotator_model AS v', 'DO $$ BEGIN PERFORM v::jsonb FROM v; END $$' ],
	[ 'jsonb of a set', 'CREATE TEMP TABLE v AS SELECT annotation_set(\'item \' || i / 5, \'annotator \' || i % 1000, \'class \' || i % 7) AS v FROM generate_series(1, 220000) AS i',
		'DO $$ BEGIN PERFORM v::jsonb FROM v; END $$' ],
	[ 'options as text, refused at the end', 'SELECT 1', q(DO $$ BEGIN PERFORM dawid_skene('i', 'a', 'x', NULL, t) FROM options WHERE length(t) > 10000000; END $$) ],
	[ 'COPY TO', 'SELECT 1', "COPY ($rows) TO '$dump/canceled'" ],
	[ 'COPY FROM', 'CREATE TEMP TABLE v (LIKE small INCLUDING STORAGE)', "COPY v FROM '$dump/rows'" ],
	[ 'binary COPY FROM', 'CREATE TEMP TABLE v (LIKE small INCLUDING STORAGE)', "COPY v FROM '$dump/binary rows' (FORMAT binary)" ])
{
	my ($what, @sql) = @$_;
	my ($whole) = run_timed(\@sql, 0);
	my $canceled = 0;
	my $worst = 0;
	for my $part (0.2, 0.4, 0.6, 0.8)
	{
		my $timeout = int(1000 * $whole * $part) || 1;
		my $best;
		for (1 .. 8)
		{
			my ($time, $is_canceled) = run_timed(\@sql, $timeout);
			next if !$is_canceled;
			my $latency = $time - $timeout / 1000;
			$best = $latency if !defined $best || $latency < $best;
			last if $best < $limit;
		}
		next if !defined $best;
		$canceled++;
		$worst = $best if $best > $worst;
	}
	cmp_ok($canceled, '>=', 2, "$what: canceled at $canceled of 4 places");
	cmp_ok($worst, '<', $limit, "$what: within 100 ms of the cancel");
	note(sprintf('%s: %.0f ms in all, canceled within %.0f ms', $what, 1000 * $whole, 1000 * $worst));
}

#
# Soft errors
#
SKIP:
{
	skip('soft errors came with PostgreSQL 16', 1) if $version < 160000;
	my @types = (sort(keys %form), qw(annotation_set posterior_state training_set distribution_state annotator_counts));
	for my $type (@types)
	{
		for my $text ('', 'x', '{}', '[]', 'null', '{"a": ', '{"labels": ["a"], "counts": [[-1]]}', '{"a": 1e400}', '{"\u0000": 1}',
			"$type:", "$type:1", "$type:1:", "$type:2:AAAA", "$type:1:!!!!", "$type:1:AwE=", "$type:1:AgEAAAABAAAAAf8=", 'x' x 100, '[' x 100000)
		{
			my $shown = length($text) > 60 ? substr($text, 0, 60) . '...' : $text;
			my ($row) = rows($node, "SELECT pg_input_is_valid('$text', '$type'), (pg_input_error_info('$text', '$type')).*");
			my ($valid, $message, $detail, $hint, $state) = @$row;
			my $err;
			$node->psql('postgres', "\\set VERBOSITY verbose\nSELECT '$text'::$type", stderr => \$err);
			tally("$type: a wrong text is not valid, and the error is that which is raised",
				$valid eq 'f' && $err =~ /ERROR:  \Q$state\E: \Q$message\E$/m, "'$shown': $valid, $state $message, not $err");
		}
	}
	check_exact('a right text is valid', 'label_distribution', value($node, q(SELECT pg_input_is_valid('{"a": 1}', 'label_distribution'))), 't');
	check_exact('a right text is valid', 'a compact model', value($node, q(SELECT pg_input_is_valid(t, 'annotator_model') FROM texts WHERE name = 'model')), 't');
	check_exact('the limit of memory is no crash', 'model',
		value($node, q(SET noisylabel.memory_limit = '64kB'; SELECT pg_input_is_valid(t, 'annotator_model') FROM texts WHERE name = 'model')), 'f');
	report_checks();
	# a cancel is not about input
	my ($time, $is_canceled) = run_timed([ 'SELECT 1', q(SELECT pg_input_is_valid(t, 'annotator_model') FROM jsons WHERE name = 'model') ], 20);
	ok($is_canceled, 'a cancel is raised');
}
SKIP:
{
	skip('COPY ... ON_ERROR came with PostgreSQL 17', 1) if $version < 170000;
	PostgreSQL::Test::Utils::append_to_file("$dump/mixed", qq({"a": 1}\n{"a": 2}\nlabel_distribution:1:!\n{"b": 1}\n));
	is(value($node, "CREATE TEMP TABLE d (d label_distribution); COPY d FROM '$dump/mixed' (ON_ERROR ignore); SELECT string_agg(top_label(d), ' ') FROM d"),
		'a b', 'COPY ... ON_ERROR ignore leaves out what is wrong');
}

log_is_clean($node);
$node->stop;
done_testing();
