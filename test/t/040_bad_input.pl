# What is wrong is answered with an error that has a SQLSTATE, the offending
# value and, where one helps, a hint; and nothing that a client sends brings the
# server down: thousands of damaged values, binary and text, are an error each
# or a value like any other.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use MIME::Base64 qw(encode_base64);
use NoisyLabel;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $per_type = $ENV{NOISYLABEL_QUICK} ? 400 : 2000;

srand(22023);
my $node = new_node('bad_input', "restart_after_crash = off\nlog_min_messages = fatal\nlog_min_error_statement = panic\nlog_statement = none\n");

#
# Errors
#
$node->safe_psql('postgres', <<'END');
CREATE TABLE votes (item text, annotator text, label text, gold text);
INSERT INTO votes VALUES ('i', 'a', 'x', 'x'), ('i', 'b', 'y', NULL), ('j', 'a', 'x', NULL);
CREATE FUNCTION attempt(query text, OUT state text, OUT message text, OUT detail text, OUT hint text)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE query;
	state := '00000';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
END $$;
END

my $set = 'annotation_set(item, annotator, label)';
my $one = q('{"labels": ["a"], "counts": [[1]]}'::confusion_matrix);
my $model = '(SELECT dawid_skene(item, annotator, label) FROM votes)';
my $hard = q(training_set_accum(NULL, 'a', '{1,2}'));
my $weighted = q(training_set_accum(NULL, 'a', '{1,2}', 2::float8));
my $soft = q(training_set_accum(NULL, '{"a": 1}'::label_distribution, '{1,2}'));

# Pieces of a binary training_set, and a query that reads them
sub names { return pack('N (N/a*)*', scalar(@_), @_) }
sub options { return pack('N/a*', $_[0] // '') }
sub n2 { return pack('n', $_[0]) }
sub f8 { return pack('d>', $_[0]) }

sub training_set
{
	my ($names, $options, $soft, $is_weighted, $n, $features, @rows) = @_;
	my $bytes = pack('C2', 6, 1) . $names . $options . pack('C2 N2', $soft, $is_weighted, $n, $features) . join('', @rows);
	return "SELECT 'training_set:1:" . encode_base64($bytes, '') . "'::training_set";
}

# The same of a prediction_set, of rows with labels or with items, too
sub prediction_set
{
	my ($kind, $names, $n, @rows) = @_;
	my $bytes = pack('C2 C', 12, 1, $kind) . $names . pack('N', $n) . join('', @rows);
	return "SELECT 'prediction_set:1:" . encode_base64($bytes, '') . "'::prediction_set";
}

# A classifier of two labels and two features with one part replaced
sub classifier_with
{
	my ($path, $value) = @_;
	my $sound = '{"method": "logistic_regression", "options": {}, "fit": {"rows": 2, "weight": 2, "iterations": 1, '
	  . '"converged": true, "gradient": 0, "log_loss": 0.1}, "features": 2, "labels": ["a", "b"], "coefficients": [[0, 1, 2]]}';
	return "jsonb_set('$sound', '$path', '$value')::text::classifier";
}
sub classifier_text { return 'SELECT ' . classifier_with(@_) }

sub fit_with { return "SELECT dawid_skene(item, annotator, label, '$_[0]'::jsonb) FROM votes" }

# query, SQLSTATE, what message or detail must have, what the hint must have
my @errors = (
	# weights
	[ q(SELECT annotator_confusion('a', 'b', -1)), '22003', 'weight -1 ', 'not negative' ],
	[ q(SELECT annotator_confusion('a', 'b', 'NaN')), '22003', 'weight NaN ', 'finite' ],
	[ q(SELECT annotator_confusion('a', 'b', 'Infinity')), '22003', 'weight Infinity|weight inf', 'finite' ],
	[ q(SELECT f1_report(1, 2, '-Infinity')), '22003', 'weight -(Infinity|inf)', 'finite' ],
	[ q(SELECT annotator_confusion('a', 'b', 1e308) FROM generate_series(1, 2)), '22003', 'overflow' ],
	[ q(SELECT total('{"labels": ["a", "b"], "counts": [[1e308, 0], [0, 1e308]]}')), '22003', 'overflow' ],

	# too many classes
	[ 'SELECT annotator_confusion(i, i) FROM generate_series(1, 1001) AS i', '54000', '1000 distinct labels', 'classes' ],
	[ q(SELECT f1_report(i::text, 'x') FROM generate_series(1, 1001) AS i), '54000', '1000 distinct labels', 'classes' ],
	[ q(SELECT dawid_skene('i', 'a', i) FROM generate_series(1, 1001) AS i), '54000', '1000 distinct labels', 'classes' ],
	[ q(SELECT annotation_set('i', 'a', 'x', NULL) + annotation_set('i', 'a', i::text, NULL) FROM generate_series(1, 1001) AS i), '54000', '1000 distinct labels' ],
	[ q(SELECT (SELECT annotator_confusion(i, i) FROM generate_series(1, 600) AS i) + (SELECT annotator_confusion(i, i) FROM generate_series(601, 1001) AS i)), '54000', '1000 distinct labels' ],

	# text that is no confusion_matrix
	[ q(SELECT 'nonsense'::confusion_matrix), '22P02', 'nonsense' ],
	[ q(SELECT ''::confusion_matrix), '22P02', 'invalid' ],
	[ q(SELECT '[]'::confusion_matrix), '22P02', 'confusion_matrix.*object' ],
	[ q(SELECT '{"labels": ["a"]}'::confusion_matrix), '22P02', '"counts" is missing' ],
	[ q(SELECT '{"labels": "a", "counts": [[1]]}'::confusion_matrix), '22P02', '"labels" must be an array' ],
	[ q(SELECT '{"labels": [1], "counts": [[1]]}'::confusion_matrix), '22P02', '"labels" must hold strings' ],
	[ q(SELECT '{"labels": ["b", "a", "b"], "counts": []}'::confusion_matrix), '22P02', '"b" occurs twice' ],
	[ q(SELECT '{"labels": ["a", "b"], "counts": [[1, 1]]}'::confusion_matrix), '22P02', '1 rows instead of 2' ],
	[ q(SELECT '{"labels": ["a", "b"], "counts": [[1, 1], [1]]}'::confusion_matrix), '22P02', '1 elements instead of 2' ],
	[ q(SELECT '{"labels": ["a"], "counts": [["1"]]}'::confusion_matrix), '22P02', '"counts" must hold numbers' ],
	[ q(SELECT '{"labels": ["a"], "counts": [[null]]}'::confusion_matrix), '22P02', '"counts" must hold numbers' ],
	[ q(SELECT '{"labels": ["a"], "counts": [[[1]]]}'::confusion_matrix), '22P02', 'numbers' ],
	[ q(SELECT '{"labels": ["a"], "counts": [[-2]]}'::confusion_matrix), '22003', '-2', 'not negative' ],
	[ q(SELECT '{"labels": ["a"], "counts": [[1e999]]}'::confusion_matrix), '22003', 'range' ],
	[ "SELECT smooth($one, $one, -1)", '22023', '-1', 'pseudo-counts' ],
	[ "SELECT smooth($one, $one, 'NaN')", '22023', 'NaN', 'pseudo-counts' ],
	[ "SELECT cells($one, 1)", '22023', 'level 1 ', '0.95' ],
	[ "SELECT cells($one, 'NaN')", '22023', 'level NaN', '0.95' ],
	[ "SELECT f1_report($one, ARRAY['a'], 95)", '22023', 'level 95 ', '0.95' ],
	[ "SELECT f1_report($one, ARRAY['a', NULL])", '22004', 'NULL' ],
	[ "SELECT f1_report($one, ARRAY['a', 'a'])", '22023', '"a" occurs twice', 'once' ],
	[ "SELECT annotators($model, 0)", '22023', 'level 0 ', '0.95' ],

	# label_distribution
	[ q(SELECT '{"a": 0.5, "b": 0.4}'::label_distribution), '22003', 'sum to 0.9', 'Divide' ],
	[ q(SELECT '{"a": 1.5, "b": -0.5}'::label_distribution), '22003', '1.5.*"a"', '0 to 1' ],
	[ q(SELECT '{}'::label_distribution), '22003', 'at least one label', '"label": 1' ],
	[ q(SELECT '{"a": 0, "b": 0}'::label_distribution), '22003', 'are 0', 'NULL' ],
	[ q(SELECT '{"a": -0.0, "b": -0}'::label_distribution), '22003', 'are 0', 'NULL' ],
	[ q(SELECT '{"a": 1, "b": 0, "a": 1}'::label_distribution), '22P02', '"a" occurs twice' ],
	[ q(SELECT '{"a": NaN}'::label_distribution), '22P02', 'NaN' ],
	[ q(SELECT '{"a": 1e308}'::label_distribution), '22003', '1e\+308 of label "a"', '0 to 1' ],
	[ q(SELECT '{"a": 1e400}'::label_distribution), '22003', '1e400' ],
	[ q(SELECT 'null'::label_distribution), '22P02', 'object' ],
	[ q(SELECT ''::label_distribution), '22P02', 'ended' ],
	[ q(SELECT 'label_distribution:1:'::label_distribution), '22P03', 'truncated' ],
	[ q(SELECT 'label_distribution:1:!'::label_distribution), '22P02', 'base64' ],
	[ q(SELECT 'label_distribution:2:AgEAAAAA'::label_distribution), '22P02', 'label_distribution:1:', 'version' ],
	[ q(SELECT 'confusion_matrix:1:AgEAAAAA'::confusion_matrix), '22P03', 'another type' ],
	[ q(SELECT 'label_distribution:1:AgEAAAAA'::confusion_matrix), '22P02', '.' ],
	[ q(SELECT '{"a": "1"}'::label_distribution), '22P02', '"a" must be a number' ],
	[ q(SELECT '{"a": {"b": 1}}'::label_distribution), '22P02|22003', '.' ],
	[ q(SELECT '[1]'::label_distribution), '22P02', 'object' ],
	[ q(SELECT label_distribution('{a,a}', '{0.5,0.5}')), '22023', '"a" occurs twice', 'label once' ],
	[ q(SELECT label_distribution('{a,NULL}', '{0.5,0.5}')), '22004', 'labels must not contain NULL', 'ARRAY' ],
	[ q(SELECT label_distribution('{a,b}', '{1,NULL}')), '22004', 'probabilities must not contain NULL', 'label_distribution\\(ARRAY' ],
	[ q(SELECT label_distribution('{a,b}', '{1}')), '2202E', '2 labels but 1 prob', 'label_distribution\\(ARRAY' ],
	[ q(SELECT label_distribution('{a,b}', '{1,NULL}')), '22004', 'probabilities' ],
	[ q(SELECT label_distribution('{a,b}', '{NaN,1}')), '22003', 'NaN.*"a"', '0 to 1' ],
	[ q(SELECT label_distribution('{a,b}', '{Infinity,1}')), '22003', '(inf|Infinity).*"a"', '0 to 1' ],
	[ q(SELECT label_distribution('{a,b}', '{0.7,0.7}')), '22003', 'sum to 1.4', 'Divide' ],
	[ q(SELECT label_distribution('{}', '{}')), '22003', 'at least one label' ],

	# annotation_set and posterior_state
	[ q(SELECT 'nonsense'::annotation_set), '22P02', 'annotation_set:1:', 'aggregates' ],
	[ q(SELECT ''::annotation_set), '22P02', 'annotation_set:1:' ],
	[ q(SELECT 'annotation_set:1:'::annotation_set), '22P03', 'truncated' ],
	[ q(SELECT 'annotation_set:1:!'::annotation_set), '22P02', 'base64' ],
	[ q(SELECT 'annotation_set:1:AAAA'::annotation_set), '22P03', 'annotation_set' ],
	[ q(SELECT 'posterior_state:1:AAAA'::posterior_state), '22P03', 'posterior_state' ],
	[ "SELECT replace(($set)::text, 'annotation_set', 'posterior_state')::posterior_state FROM votes", '22P03', 'another type' ],
	[ "SELECT replace(($set)::text, 'annotation_set:1', 'annotation_set:2')::annotation_set FROM votes", '22P02', 'annotation_set:1' ],
	[ 'SELECT annotation_set(item, annotator, label, label) FROM votes', '21000', 'item "i".*"x" and "y"', 'NULL' ],
	[ 'SELECT dawid_skene(item, annotator, label, label) FROM votes', '21000', 'item "i".*"x" and "y"', 'NULL' ],
	[ q(SELECT (SELECT annotation_set('i', 'a', 'x', 'x')) + (SELECT annotation_set('i', 'b', 'x', 'z'))), '21000', 'item "i".*"x" and "z"', 'NULL' ],

	# distributions of distributions
	[ q(SELECT temper('{"a": 1}', -1)), '22003', 'exponent -1', 'not negative' ],
	[ q(SELECT temper('{"a": 1}', 'NaN')), '22003', 'exponent NaN', 'not negative' ],
	[ q(SELECT combine('{"a": 1}', '{"a": 1}', '{"b": 1}')), '22012', '"a".*prior', 'prior_used' ],
	[ q(SELECT avg(label_distribution(ARRAY(SELECT j::text FROM generate_series(i, i + 1) AS j), '{0.5,0.5}')) FROM generate_series(1, 1000) AS i), '54000', '1000 distinct labels' ],
	[ q(SELECT distribution_state_combine(distribution_avg_accum(NULL, '{"a": 1}'), distribution_product_accum(NULL, '{"a": 1}'))), '22023', 'joined' ],
	[ q(SELECT distribution_avg_accum(distribution_product_accum(NULL, '{"a": 1}'), '{"a": 1}')), '22023', 'another aggregate' ],
	[ q(SELECT 'distribution_state:1:AAAA'::distribution_state), '22P03', 'distribution_state' ],

	# answers one by one, priors, truths that are given
	[ q(SELECT 'annotator_counts:1:AAAA'::annotator_counts), '22P03', 'annotator_counts' ],
	[ q(SELECT learn_annotators('a', 'x', 'x', '{"variant": "shared"}')), '22023', 'variant.*"shared"', '"auto", "full"' ],
	[ q(SELECT learn_annotators('a', '{"x": 1}'::jsonb, 'x'::text)), '42804', 'JSON object', 'label_distribution' ],
	[ q(SELECT learn_annotators('a', 'x', 'x', '[]')), '22023', 'must be a JSON object', '"smoothing"' ],
	[ q(SELECT learn_annotators(i, i, i) FROM generate_series(1, 1001) AS i), '54000', '1000 distinct labels' ],
	[ q(SELECT revise('{"z": 1}', learn_annotators('a', 'x', 'x'), 'a', 'x')), '22023', 'no class.*"z"', 'class_prior' ],
	[ q(SELECT * FROM answers((SELECT annotation_set('i', 'a', 'z')), (SELECT learn_annotators('a', 'x', 'x')))), '22023', 'label "z"', 'labels\(model\)' ],
	[ q(SELECT * FROM copying((SELECT annotation_set('i', 'a', 'z')), (SELECT learn_annotators('a', 'x', 'x')))), '22023', 'label "z"', 'labels\(model\)' ],
	# prediction_set
	[ q(SELECT confident_joint_final(prediction_set_accum(NULL, 'i', 'a', 'x', '{"x": 1}'))), '22023', 'another aggregate' ],
	[ q(SELECT crowdlab_final(prediction_set_accum(NULL, 'x', '{"x": 1}'))), '22023', 'another aggregate' ],
	[ q(SELECT prediction_set_accum(prediction_set_accum(NULL, 'i', 'a', 'x', '{"x": 1}'), 'x', '{"x": 1}')), '22023', 'with and without items' ],
	[ q(SELECT prediction_set_combine(prediction_set_accum(NULL, 'i', 'a', 'x', '{"x": 1}'), prediction_set_accum(NULL, 'x', '{"x": 1}'))), '22023', 'with and without items' ],
	[ q(SELECT confident_joint(i::text, '{"a": 1}'::label_distribution) FROM generate_series(1, 1000) AS i), '54000', '1000 distinct labels' ],
	[ prediction_set(0, names('a'), 0), '22P03', 'truncated' ],
	[ prediction_set(0, names(), 1, n2(0)), '22P03', 'truncated' ],
	[ prediction_set(0, names('a'), 0xffffffff, n2(0), f8(1)), '22P03', 'truncated' ],
	[ prediction_set(0, names('a'), 2, n2(0), f8(1)), '22P03', 'truncated' ],
	[ prediction_set(0, names('a'), 1, n2(0)), '22P03', 'truncated' ],
	[ prediction_set(0, names('a'), 1, n2(0), f8(1), "\0"), '08P01', 'message' ],
	[ prediction_set(3, names('a'), 1, n2(0), f8(1)), '22P03', 'unknown kind' ],
	[ prediction_set(0, names('a'), 1, n2(1), f8(1)), '22P03', 'not listed' ],
	[ prediction_set(0, names('a', 'a'), 1, n2(1), f8(1)), '22P03', 'repeated name' ],
	[ prediction_set(2, names('a') . names('b') . names('c'), 1, n2(0), pack('N2', 0, 1), f8(1)), '22P03', 'not listed' ],
	[ prediction_set(2, names('a') . names('b') . names('c'), 1, n2(0), pack('N2', 1, 0), f8(1)), '22P03', 'not listed' ],
	[ prediction_set(0, names('a', 'b'), 1, n2(0), f8(0.5), f8(0.4)), '22P03', 'sum to 1' ],
	[ prediction_set(0, names('a', 'b'), 1, n2(0), f8(1.5), f8(-0.5)), '22P03', 'no probability' ],
	[ prediction_set(0, names('a'), 1, n2(0), f8('nan')), '22P03', 'no probability' ],
	# score_set and calibration_state
	[ q(SELECT 'score_set:1:CQEDAAAAAT/wAAAAAAAAAQA='::score_set), '22P03', 'form is not known' ],
	[ q(SELECT 'score_set:1:CQEAAAAAAA=='::score_set), '22P03', 'number of scores' ],
	[ q(SELECT 'score_set:1:CQEA/////z/wAAAAAAAAAQA='::score_set), '22P03', 'number of scores' ],
	[ q(SELECT 'score_set:1:CQEAAAAAAX/4AAAAAAAAAQA='::score_set), '22P03', 'NaN' ],
	[ q(SELECT 'score_set:1:CQEAAAAAAT/wAAAAAAAAAAA='::score_set), '22P03', 'no weight' ],
	[ q(SELECT 'score_set:1:CQEAAAAAAT/wAAAAAAAA/////38='::score_set), '22P03', 'out of range' ],
	[ q(SELECT 'score_set:1:CQEAAAAAAT/wAAAAAAAAAQAA'::score_set), '08P01', 'message' ],
	[ q(SELECT 'score_set:1:CQEBAAAAAT/wAAAAAAAA//////////8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='::score_set), '22P03', 'weight is out of range' ],
	[ q(SELECT 'score_set:1:CQE='::score_set), '08P01', 'insufficient|message' ],
	[ q(SELECT 'score_set:1:CgE='::score_set), '22P03', 'another type' ],
	[ q(SELECT 'score_set:1:CQI='::score_set), '22P03', 'version 2' ],
	[ q(SELECT 'calibration_state:1:AAAA'::calibration_state), '22P03', 'calibration_state' ],
	[ q(SELECT 'calibration_state:1:CgEAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAWEAAAAAAAAAAQAAAAAAAAABAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAEAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAA'::calibration_state), '22P03', 'size' ],
	[ q(SELECT 'calibration_state:1:CgEAAAACAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAWEAAAAAAAAAAQAAAAAAAAABAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAEAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAA'::calibration_state), '22P03', 'size' ],
	[ q(SELECT 'calibration_state:1:CgEAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAWEAAAAAAAAAAQAAAAAAAAABAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAEAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAA'::calibration_state), '22P03', 'number of rows' ],
	[ q(SELECT 'calibration_state:1:CgEAAAABAAAAAAAAAAEAAAAAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAWEAAAAAAAAAAQAAAAAAAAABAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAEAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAA'::calibration_state), '22P03', 'number of rows' ],
	[ q(SELECT 'calibration_state:1:CgEAAAABAAAAAAAAAAEAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAABAAAAAWEAAAAAAAAAAQAAAAAAAAABAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAEAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAA'::calibration_state), '22P03', 'sum is out' ],
	[ q(SELECT 'calibration_state:1:CgEAAAABAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAWEAAAAAAAAAAQAAAAAAAAACAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAEAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAA'::calibration_state), '22P03', 'number of rows' ],
	[ q(SELECT 'calibration_state:1:CgEAAAABAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAWEAAAAAAAAAAQAAAAAAAAABAAAAAAgAAAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAEAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAA'::calibration_state), '22P03', 'sum is out' ],
	[ q(SELECT 'calibration_state:1:CgEAAAABAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAWEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAEAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAA'::calibration_state), '22P03', 'not hold all rows' ],
	[ q(SELECT 'calibration_state:1:CgEAAAABAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAWEAAAAAAAAAAQAAAAAAAAABAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAEAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'::calibration_state), '22P03', 'number of rows' ],
	[ q(SELECT 'calibration_state:1:CgEAAAABAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAWEAAAAAAAAAAQAAAAAAAAABAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAEAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAEAAAEAAAAAAAAAAAAAAAAA'::calibration_state), '22P03', 'sum is out' ],
	[ q(SELECT 'calibration_state:1:CgEAAAABAAAAAAAAAAEAAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAWEAAAAAAAAAAQAAAAAAAAABAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAEAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAA'::calibration_state), '22P03', 'as many as its rows' ],
	[ q(SELECT 'calibration_state:1:CgEAAAABAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAWEAAAAAAAAAAQAAAAAAAAABAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAACAAAAAAAAAAEAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAA'::calibration_state), '22P03', 'number of rows' ],
	[ q(SELECT calibration_state_combine(calibration_state_accum(NULL, 'a', '{"a": 1}', 5), calibration_state_accum(NULL, 'a', '{"a": 1}', 6))), '22023', 'bins must be the same' ],

	# counts
	[ q(SELECT annotation_set('i', 'a', 'x', '{"seed": 1}', 2)), '22023', 'options were given where the gold label', 'dawid_skene.*"seed": 1' ],
	[ q(SELECT annotation_set('i', 'a', 'x', NULL, -1)), '22003', '-1', 'count\(\*\)' ],
	[ q(SELECT annotation_set('i', 'a', 'x', NULL, 4e18::bigint)), '54000', '2147483648' ],
	[ q(SELECT annotation_set('i', 'a', 'x', NULL, 2147483648)), '54000', 'memory', 'memory_limit' ],
	[ q(SELECT annotation_set(i::text, 'a', 'x', NULL, 1500000000) FROM generate_series(1, 2) AS i), '54000', 'memory', 'memory_limit' ],

	# simulated crowds
	[ q(SELECT simulate_annotations(-1, '{"reliable": 1}')), '22023', '-1' ],
	[ q(SELECT simulate_annotations(1, '{"reliable": 1e7}')), '22023', 'reliable', '1000000' ],
	[ q(SELECT simulate_annotations(2000000000, '{"newcomer": 1}')), '54000', 'memory', 'memory_limit' ],
	[ q(SELECT simulate_annotations(1000000, '{"hasty": {"count": 1000000, "answers": 1000000}}')), '54000', 'memory', 'memory_limit' ],

	# annotator_model
	[ q(SELECT '{}'::annotator_model), '22P02', '"method" is missing' ],
	[ q(SELECT 'x'::annotator_model), '22P02', 'x' ],
	[ "SELECT replace($model\::text, '\"full\"', '\"no such\"')::annotator_model", '22P02', '"no such"' ],
	[ "SELECT jsonb_set($model\::jsonb, '{components,0,prior}', '[0.5, 0.4]')::text::annotator_model", '22023', 'class prior sums to 0.9' ],
	[ "SELECT jsonb_set($model\::jsonb, '{components,0,prior}', '[-1, 2]')::text::annotator_model", '22023', 'class prior.*-1' ],
	[ "SELECT jsonb_set($model\::jsonb, '{components,0,confusion,0,0}', '[0.5, 0.6]')::text::annotator_model", '22023', 'sums to 1.1' ],
	[ "SELECT jsonb_set($model\::jsonb, '{components,0,weight}', '0.5')::text::annotator_model", '22023', 'weights sums to 0.5' ],
	[ "SELECT jsonb_set($model\::jsonb, '{components}', '[]')::text::annotator_model", '22023', 'no components' ],
	[ "SELECT jsonb_set($model\::jsonb, '{annotations,0}', '-3')::text::annotator_model", '22023', '-3' ],
	[ "SELECT jsonb_set($model\::jsonb, '{fit,iterations}', '1.5')::text::annotator_model", '22P02', '"iterations" must be a whole number' ],
	[ "SELECT jsonb_set($model\::jsonb, '{annotators}', '[\"a\"]')::text::annotator_model", '22P02', '2 matrices for 1 annotators' ],

	# training_set: the state functions, called by hand with a state of another kind
	[ "SELECT training_set_accum($hard, 'b', '{1,2}', 2::float8)", '22023', 'with and without' ],
	[ "SELECT training_set_accum($hard, 'b', '{1,2}', 2::float8, '{}'::jsonb)", '22023', 'with and without' ],
	[ "SELECT training_set_accum($hard, 'b'::varchar, '{1,2}', 2::float8)", '22023', 'with and without' ],
	[ qq(SELECT training_set_accum($hard, '{"b": 1}'::label_distribution, '{1,2}')), '22023', 'with and without' ],
	[ qq(SELECT training_set_accum($hard, '{"b": 1}'::label_distribution, '{1,2}', 2::float8)), '22023', 'with and without' ],
	[ "SELECT training_set_accum($weighted, 'b', '{1,2}')", '22023', 'with and without' ],
	[ "SELECT training_set_accum($soft, 'b', '{1,2}')", '22023', 'with and without' ],
	[ "SELECT training_set_accum($soft, 'b', '{1,2}', 2::float8)", '22023', 'with and without' ],
	[ "SELECT training_set_combine($hard, $soft)", '22023', 'with and without' ],
	[ "SELECT training_set_combine($hard, $weighted)", '22023', 'with and without' ],
	[ "SELECT training_set_combine($hard, training_set_accum(NULL, 'b', '{1}'))", '2202E', 'some rows have 2 features, others 1', 'same features' ],
	[ "SELECT logistic_regression_final($hard)", '22023', 'at least two classes' ],

	# its input.  Labels, options, soft, weighted, rows, features, then the rows.
	[ training_set(names(), options(), 0, 0, 0, 1), '22P03', 'truncated' ],
	[ training_set(names('a'), options(), 0, 0, 0, 0), '22P03', 'truncated' ],
	[ training_set(names('a'), options(), 0, 0, 1, 0, n2(0)), '22P03', 'truncated' ],
	[ training_set(names(), options(), 0, 0, 1, 1, n2(0), f8(1)), '22P03', 'truncated' ],
	[ training_set(names('a'), options(), 0, 0, 0xffffffff, 0xffffffff, n2(0), f8(1)), '22P03', 'truncated' ],
	[ training_set(names('a'), options(), 0, 0, 0x20000000, 1, n2(0), f8(1)), '22P03', 'truncated' ],
	[ training_set(names('a'), options(), 0, 0, 1, 0x20000001, n2(0), f8(1)), '22P03', 'truncated' ],
	[ training_set(names('a'), options(), 0, 0, 1, 1, n2(0)), '22P03', 'truncated' ],
	[ training_set(names('a'), options(), 0, 0, 1, 1, n2(0), f8(1), "\0"), '08P01', 'message' ],
	[ training_set(names('a'), options(), 0, 0, 1, 100001, n2(0), f8(1) x 100001), '22P03', 'too many features' ],
	[ training_set(names('a', 'a'), options(), 0, 0, 1, 1, n2(0), f8(1)), '22P03', 'repeated name' ],
	[ training_set(names("a\0"), options(), 0, 0, 1, 1, n2(0), f8(1)), '22P03', 'zero byte' ],
	[ training_set(names("\xff"), options(), 0, 0, 1, 1, n2(0), f8(1)), '22021', 'UTF8' ],
	[ training_set(pack('N', 0xffffffff), options(), 0, 0, 1, 1, n2(0), f8(1)), '22P03', 'impossible count' ],
	[ training_set(pack('N2', 1, 0x7fffffff), options(), 0, 0, 1, 1, n2(0), f8(1)), '22P03', 'impossible length' ],
	[ training_set(names(map { "l$_" } 0 .. 1000), options(), 0, 0, 1, 1, n2(0), f8(1)), '22P03', 'impossible count' ],
	[ training_set(names('a'), pack('N', 0xffffffff), 0, 0, 1, 1, n2(0), f8(1)), '22P03', 'truncated' ],
	[ training_set(names('a'), options('x'), 0, 0, 1, 1, n2(0), f8(1)), '22P02', 'x' ],
	[ training_set(names('a'), options('[]'), 0, 0, 1, 1, n2(0), f8(1)), '22P02', 'object' ],
	[ training_set(names('a'), options("{}\0"), 0, 0, 1, 1, n2(0), f8(1)), '22P03', 'zero byte' ],
	[ training_set(names('a'), options(), 0, 0, 1, 1, n2(1), f8(1)), '22P03', 'not listed' ],
	[ training_set(names('a'), options(), 0, 0, 1, 1, n2(0xffff), f8(1)), '22P03', 'not listed' ],
	[ training_set(names('a'), options(), 0, 1, 1, 1, n2(0), f8(-1), f8(1)), '22003', 'weight -1 ' ],
	[ training_set(names('a'), options(), 0, 1, 1, 1, n2(0), f8('nan'), f8(1)), '22003', 'weight NaN ' ],
	[ training_set(names('a'), options(), 0, 0, 1, 1, n2(0), f8('nan')), '22003', 'NaN' ],
	[ training_set(names('a'), options(), 0, 0, 1, 1, n2(0), f8('-inf')), '22003', '-infinity' ],
	[ training_set(names('a', 'b'), options(), 1, 0, 1, 1, n2(0), f8(1)), '22P03', 'sum to 1' ],
	[ training_set(names('a', 'b'), options(), 1, 0, 1, 1, n2(1), n2(0), f8(0.5), f8(1)), '22P03', 'sum to 1' ],
	[ training_set(names('a', 'b'), options(), 1, 0, 1, 1, n2(2), n2(0), f8(0.5), n2(0), f8(0.5), f8(1)), '22P03', 'twice' ],
	[ training_set(names('a', 'b'), options(), 1, 0, 1, 1, n2(2), n2(0), f8(1.5), n2(1), f8(-0.5), f8(1)), '22P03', 'no probability' ],
	[ training_set(names('a', 'b'), options(), 1, 0, 1, 1, n2(2), n2(0), f8(1), n2(1), f8(0), f8(1)), '22P03', 'no probability' ],
	[ training_set(names('a', 'b'), options(), 1, 0, 1, 1, n2(1), n2(0), f8('nan'), f8(1)), '22P03', 'no probability' ],
	[ training_set(names('a', 'b'), options(), 1, 0, 1, 1, n2(65535), n2(0), f8(1), f8(1)), '08P01|22P03', '.' ],

	# classifier, text
	[ q(SELECT 'x'::classifier), '22P02', 'x' ],
	[ q(SELECT '[]'::classifier), '22P02', 'object' ],
	[ q(SELECT '{}'::classifier), '22P02', 'is missing' ],
	[ classifier_text('{method}', '"no such"'), '22P02', 'logistic_regression' ],
	[ classifier_text('{options}', '[1]'), '22P02', '"options" must be an object' ],
	[ classifier_text('{fit}', '1'), '22P02', '"fit" must be an object' ],
	[ classifier_text('{fit,rows}', '0'), '22023', 'fit record' ],
	[ classifier_text('{fit,rows}', '-1'), '22P02', '"rows" must be a whole number' ],
	[ classifier_text('{fit,rows}', '1e300'), '22P02', '"rows" must be a whole number' ],
	[ classifier_text('{fit,iterations}', '-1'), '22P02', '"iterations" must be a whole number' ],
	[ classifier_text('{fit,iterations}', '2147483648'), '22P02', '"iterations" must be a whole number' ],
	[ classifier_text('{fit,weight}', '0'), '22023', 'weight' ],
	[ classifier_text('{fit,weight}', '1e999'), '22003', 'range' ],
	[ classifier_text('{fit,gradient}', '-1'), '22023', 'gradient' ],
	[ classifier_text('{fit,log_loss}', '-1'), '22023', 'log_loss' ],
	[ classifier_text('{fit,converged}', '1'), '22P02', 'true or false' ],
	[ classifier_text('{labels}', '["a"]'), '22023', 'fewer than two labels' ],
	[ classifier_text('{labels}', '["a", "a"]'), '22P02', 'twice' ],
	[ classifier_text('{labels}', '["b", "a"]'), '22023', 'not in order' ],
	[ classifier_text('{labels}', '["a", "b", "c"]'), '22P02', '1 rows instead of 3' ],
	[ classifier_text('{features}', '0'), '22P02', 'coefficients' ],
	[ classifier_text('{features}', '1'), '22P02', 'coefficients' ],
	[ classifier_text('{features}', '100001'), '22P02', '"features" must be a whole number' ],
	[ classifier_text('{coefficients}', '[]'), '22P02', 'coefficients' ],
	[ classifier_text('{coefficients}', '[[1, 2, 3], [1, 2, 3]]'), '22P02', '2 rows instead of 1' ],
	[ classifier_text('{coefficients}', '[[1, null, 3]]'), '22P02', 'numbers' ],
	[ classifier_text('{coefficients}', '[[1, 1e999, 3]]'), '22003', 'range' ],

	[ q{SELECT logistic_regression(l, ARRAY[x], w) FROM (VALUES ('a', 1, 1e300), ('a', 2, 1e-300), ('b', 2, 1e-300)) AS v (l, x, w)}, '22003', 'overflow', 'nearer to 1' ],
	[ q{SELECT oof_predict(l, ARRAY[x], x::text, w, '{}'::jsonb) OVER () FROM (VALUES ('a', 1, 1e300), ('a', 2, 1e-300), ('b', 3, 1e-300), ('b', 4, 1e-300)) AS v (l, x, w)}, '22003', 'overflow', 'nearer to 1' ],
	[ "SELECT predict(" . classifier_with('{coefficients}', '[[0, 1e308, 1e308]]') . ", '{10,-10}')", '22003', 'scores overflow' ],
	[ "SELECT predict(" . classifier_with('{features}', '2') . ", '{1}')", '2202E', '1 features.*fitted to 2', 'fitted to' ],
	[ "SELECT predict(" . classifier_with('{features}', '2') . ", '{}')", '2202E', 'one-dimensional', 'ARRAY' ],
	[ q(SELECT logistic_regression(i::text, '{}'::float8[]) FROM generate_series(1, 2) AS i), '2202E', 'row 1', 'ARRAY' ],
	[ q(SELECT annotation_set('i', 'a', 'x', NULL, 4294967296)), '54000', 'at most 2147483648', 'GROUP BY' ],

	# options
	[ fit_with('{"smothing": 1}'), '22023', '"smothing"', '"smoothing"' ],
	[ fit_with('{"smoothing": -1}'), '22023', '"smoothing": -1', 'from 0 ' ],
	[ fit_with('{"smoothing": "1"}'), '22023', '"smoothing": "1"', 'number' ],
	[ fit_with('{"smoothing": null}'), '22023', '"smoothing": null', 'number' ],
	[ fit_with('{"tolerance": 2}'), '22023', '"tolerance": 2', 'from 0 to 1' ],
	[ fit_with('{"max_iterations": 0}'), '22023', '"max_iterations": 0', 'from 1 ' ],
	[ fit_with('{"max_iterations": 1.5}'), '22023', '"max_iterations": 1.5', 'whole number' ],
	[ fit_with('{"max_iterations": 1e100}'), '22023', '"max_iterations": 1000', 'whole number' ],
	[ fit_with('{"max_iterations": true}'), '22023', '"max_iterations": true', 'whole number' ],
	[ fit_with('{"max_iterations": [1]}'), '22023', '"max_iterations": ', 'whole number' ],
	[ fit_with('{"toward": "nowhere"}'), '22023', '"toward": "nowhere"', '"pool"' ],
	[ fit_with('{"toward": 1}'), '22023', '"toward": 1', '"pool"' ],
	[ fit_with('{"variant": {"full": 1}}'), '22023', '"variant": ', '"full"' ],
	[ fit_with('{"repeats": "last"}'), '22023', '"repeats": "last"', '"distinct"' ],
	[ fit_with('[]'), '22023', 'JSON object', '"max_iterations"' ],
	[ fit_with('1'), '22023', 'JSON object', '"max_iterations"' ],
	[ "SELECT dawid_skene($set, '{\"smothing\": 1}') FROM votes", '22023', '"smothing"', '"smoothing"' ],
	[ "SELECT dawid_skene(item, annotator, label, jsonb_build_object('smoothing', ascii(label))) FROM votes", '22023', 'same for all rows' ],
	[ q(SELECT dawid_skene(item, annotator, label, '{"smoothing": 1}') FROM votes), '22023', 'options.*gold', '::jsonb' ],
	[ q(SELECT dawid_skene(item, annotator, label, CASE annotator WHEN 'a' THEN '{}'::jsonb ELSE '{"smoothing": 1}' END) FROM votes), '22023', 'same for all rows' ],

	# scoring
	[ "SELECT consensus((SELECT annotation_set('i', 'a', 'unheard')), $model)", '22023', '"unheard"', 'labels\(model\)' ],
	[ "SELECT posterior($model, 'a', 'unheard')", '22023', '"unheard"', 'labels\(model\)' ],
	[ "SELECT posterior(CASE annotator WHEN 'a' THEN $model ELSE (SELECT dawid_skene('i', 'a', l) FROM (VALUES ('x'), ('y')) AS v(l)) END, annotator, label) FROM votes", '22023', 'same for all rows' ],
	[ "SELECT posterior_combine(posterior_accum(NULL, $model, 'a', 'x'), posterior_accum(NULL, (SELECT dawid_skene('i', 'a', 'z')), 'a', 'z'))", '22023', 'same for all rows' ],

	# memory
	[ q(SELECT annotation_set(i::text, 'a', 'x') FROM generate_series(1, 100000) AS i), '54000', 'needs \d+ kB.*noisylabel.memory_limit is 64 kB', 'Raise noisylabel.memory_limit' ],
	[ q(SELECT dawid_skene('i', i, i % 20) FROM generate_series(1, 1000) AS i), '54000', 'needs \d+ kB.*noisylabel.memory_limit is 64 kB', 'Raise noisylabel.memory_limit' ],
	[ q(SELECT annotator_confusion(i, i) FROM generate_series(1, 200) AS i), '54000', 'needs \d+ kB.*noisylabel.memory_limit is 64 kB', 'Raise noisylabel.memory_limit' ],
	[ q(SELECT consensus((SELECT annotation_set('i', 'a', 'x')), m) FROM wide), '54000', 'needs \d+ kB.*noisylabel.memory_limit is 64 kB', 'Raise noisylabel.memory_limit' ],
	[ q(SELECT posterior(m, 'a', 'x') FROM wide), '54000', 'needs \d+ kB.*noisylabel.memory_limit is 64 kB', 'Raise noisylabel.memory_limit' ],
	[ q(SET noisylabel.memory_limit = '1kB'), '22023', 'memory_limit' ]);
$node->safe_psql('postgres',
	q(CREATE TABLE wide AS SELECT dawid_skene('i', 'a', l) AS m FROM (SELECT 'x' AS l UNION SELECT i::text FROM generate_series(1, 100) AS i) AS v));

for my $error (@errors)
{
	my ($query, $want_state, $want_message, $want_hint) = @$error;
	my $limit = ($want_message // '') =~ /64 kB/ ? "SET noisylabel.memory_limit = '64kB'; " : '';
	my ($row) = rows($node, "LOAD 'noisylabel'; ${limit}SELECT * FROM attempt(\$attempt\$$query\$attempt\$)");
	my ($state, $message, $detail, $hint) = map { $_ // '' } @$row;
	my $good = $state =~ /\A(?:$want_state)\z/ && "$message $detail" =~ /$want_message/s
	  && (defined $want_hint ? $hint =~ /$want_hint/ : 1);
	ok($good, "$want_state: $query")
	  or diag("got $state: $message\nDETAIL: $detail\nHINT: $hint\nwanted $want_state, /$want_message/, hint /" . ($want_hint // '') . '/');
}

#
# Damage.  Each type has a few sound values; copies of them are damaged here and
# read back there, in one backend, each in a subtransaction.  What is accepted
# must be a value: it gives a text that it can be read from again, and whatever
# takes it does not fall over.
#
my @types = qw(confusion_matrix label_distribution annotation_set annotator_model posterior_state
	training_set classifier distribution_state annotator_counts);
$node->safe_psql('postgres', <<'END');
CREATE TABLE annotations AS
SELECT 'item ' || i AS item, 'annotator ' || j AS annotator, (i * 5 + j * i) % 3 AS label,
       CASE WHEN i = 3 THEN 2 END AS gold
FROM generate_series(1, 6) AS i, generate_series(1, 3) AS j;
CREATE TABLE sound_confusion_matrix (v confusion_matrix);
CREATE TABLE sound_label_distribution (v label_distribution);
CREATE TABLE sound_annotation_set (v annotation_set);
CREATE TABLE sound_annotator_model (v annotator_model);
CREATE TABLE sound_posterior_state (v posterior_state);
CREATE TABLE sound_training_set (v training_set);
CREATE TABLE sound_classifier (v classifier);
CREATE TABLE sound_distribution_state (v distribution_state);
CREATE TABLE sound_annotator_counts (v annotator_counts);
INSERT INTO sound_confusion_matrix
SELECT annotator_confusion(item, label) FROM annotations UNION ALL
SELECT annotator_confusion(gold, label) FROM annotations UNION ALL
SELECT '{"labels": [], "counts": []}' UNION ALL
SELECT annotator_confusion('é', 'a', 0.5);
INSERT INTO sound_annotator_model
SELECT dawid_skene(item, annotator, label, '{"smoothing": 1}'::jsonb) FROM annotations UNION ALL
SELECT dawid_skene(item, annotator, label, gold) FROM annotations UNION ALL
SELECT dawid_skene('i', 'a', 'x');
INSERT INTO sound_label_distribution
SELECT class_prior(v) FROM sound_annotator_model UNION ALL SELECT '{"a": 0.5, "b": 0, "": 0.5}';
INSERT INTO sound_annotation_set
SELECT annotation_set(item, annotator, label) FROM annotations UNION ALL
SELECT annotation_set(item, annotator, label, gold) FROM annotations UNION ALL
SELECT dawid_skene_accum(NULL, 'i', 'a', 'x', 'x', '{"smoothing": 1}') UNION ALL
SELECT dawid_skene_accum(NULL, 'i', 'a', 'x', 'x', NULL::jsonb);
INSERT INTO sound_posterior_state
SELECT posterior_accum(NULL, (SELECT v FROM sound_annotator_model LIMIT 1), annotator, label::text) FROM annotations LIMIT 3;
INSERT INTO sound_training_set
SELECT training_set_accum(training_set_accum(NULL, 'a', '{1,2}'), 'é', '{2,0.5}') UNION ALL
SELECT training_set_accum(training_set_accum(NULL, 'a', '{1}', 2::float8, '{"l2": 3}'::jsonb), 'b', '{2}', 0::float8, '{"l2": 3}'::jsonb) UNION ALL
SELECT training_set_accum(NULL, 'a', '{1}', NULL::jsonb) UNION ALL
SELECT training_set_accum(training_set_accum(NULL, '{"a": 0.5, "b": 0.5}'::label_distribution, '{1,0}'),
                          '{"b": 1, "c": 0}'::label_distribution, '{3,1}');
INSERT INTO sound_classifier
SELECT logistic_regression(label % 2, ARRAY[label, gold]::float8[]) FROM (SELECT label, coalesce(gold, 0) AS gold FROM annotations) AS a UNION ALL
SELECT logistic_regression(label, ARRAY[label * 0.3, length(item)]::float8[], 0.5, '{"l2": 10}'::jsonb) FROM annotations UNION ALL
SELECT logistic_regression('é' || label % 2, ARRAY[1, 0]::float8[]) FROM annotations;
INSERT INTO sound_distribution_state
SELECT distribution_avg_accum(distribution_avg_accum(NULL, '{"a": 0.5, "b": 0.5}'), '{"c": 1, "": 0}') UNION ALL
SELECT distribution_product_accum(distribution_product_accum(NULL, '{"a": 0.5, "b": 0.5}'), '{"c": 1, "b": 0}') UNION ALL
SELECT distribution_product_accum(NULL, '{"1": 5e-324, "2": 1}');
INSERT INTO sound_annotator_counts
SELECT annotator_counts_accum(annotator_counts_accum(NULL, 'a', '{"x": 0.25, "y": 0.75}'::label_distribution, 'y'), 'b', 'x', 'z') UNION ALL
SELECT annotator_counts_accum(annotator_counts_accum(NULL, 'é', '1', '2'), 'é', '1', '10') UNION ALL
SELECT annotator_counts_accum(NULL, 'a', 'x', 'y', '{"smoothing": 1}');

-- what takes a value of each type; $1 is the value
CREATE TABLE uses (type text, query text);
INSERT INTO uses VALUES
('confusion_matrix', 'SELECT cells($1)'),
('confusion_matrix', 'SELECT report(f1_report($1))'),
('confusion_matrix', 'SELECT ROW(accuracy($1), balanced_accuracy($1), cohen_kappa($1), matthews_corrcoef($1), mutual_information($1), total($1), labels($1), counts($1))'),
('confusion_matrix', 'SELECT ($1 + (SELECT v FROM sound_confusion_matrix LIMIT 1))::text'),
('confusion_matrix', 'SELECT smooth($1, $1, 1)::jsonb'),
('label_distribution', 'SELECT ROW(top_label($1), confidence($1), entropy($1), margin($1), labels($1), probability($1, ''0''))'),
('label_distribution', 'SELECT probabilities($1)'),
('label_distribution', 'SELECT annotator_confusion($1, ''x'')::text FROM generate_series(1, 2)'),
('label_distribution', 'SELECT $1::jsonb'),
('annotation_set', 'SELECT ROW(annotation_summary($1), labels($1))'),
('annotation_set', 'SELECT $1::jsonb'),
('annotation_set', 'SELECT ($1 + (SELECT v FROM sound_annotation_set LIMIT 1))::text'),
('annotation_set', 'SELECT consensus($1, dawid_skene($1, ''{"max_iterations": 5}''))'),
('annotation_set', 'SELECT annotators(dawid_skene_final($1))'),
('annotator_model', 'SELECT ROW(class_prior($1), fit_report($1), labels($1))'),
('annotator_model', 'SELECT annotators($1)'),
('annotator_model', 'SELECT annotator_cells($1)'),
('annotator_model', 'SELECT consensus(v, $1) FROM sound_annotation_set'),
('annotator_model', 'SELECT posterior($1, annotator, label)::text FROM annotations'),
('annotator_model', 'SELECT $1::jsonb'),
('training_set', 'SELECT logistic_regression_final($1)::text'),
('training_set', 'SELECT training_set_combine($1, $1)::text'),
('training_set', 'SELECT training_set_combine($1, v)::text FROM sound_training_set'),
('training_set', 'SELECT training_set_combine(v, $1)::text FROM sound_training_set LIMIT 1'),
('training_set', 'SELECT training_set_accum($1, ''a'', ''{1,2}'')::text'),
('training_set', 'SELECT training_set_accum($1, ''a'', ''{1}'', 1::float8)::text'),
('training_set', 'SELECT training_set_accum($1, ''{"a": 1}''::label_distribution, ''{1,2}'')::text'),
('classifier', 'SELECT ROW(fit_report($1), labels($1))'),
('classifier', 'SELECT coefficients($1)'),
('classifier', 'SELECT predict($1, f)::text FROM (VALUES (''{1,2}''::float8[]), (''{1e308,-1e308}''), (''{0,0}'')) AS v (f)'),
('classifier', 'SELECT $1::jsonb'),
('label_distribution', 'SELECT ROW(avg(v), product(v))::text FROM (SELECT $1 AS v UNION ALL SELECT v FROM sound_label_distribution) AS d'),
('label_distribution', 'SELECT ROW(combine($1, $1), combine($1, $1, $1), combine(v, $1), temper($1, 0.5))::text FROM sound_label_distribution'),
('distribution_state', 'SELECT distribution_state_final($1)::text::label_distribution'),
('distribution_state', 'SELECT distribution_state_final(distribution_state_combine($1, $1))::text::label_distribution'),
('distribution_state', 'SELECT distribution_state_final(distribution_state_combine(v, $1))::text FROM sound_distribution_state LIMIT 1'),
('distribution_state', 'SELECT distribution_state_final(distribution_avg_accum($1, ''{"b": 1}''))::text::label_distribution'),
('distribution_state', 'SELECT distribution_state_final(distribution_product_accum($1, ''{"a": 0, "b": 1}''))::text::label_distribution'),
('annotator_counts', 'SELECT learn_annotators_final($1)::text::annotator_model'),
('annotator_counts', 'SELECT learn_annotators_final(annotator_counts_combine($1, annotator_counts_accum(NULL, ''a'', ''x'', ''x'')))::text'),
('annotator_counts', 'SELECT learn_annotators_final(annotator_counts_accum($1, ''b'', ''{"q": 1}''::label_distribution, ''x''))::text'),
('posterior_state', 'SELECT posterior_final($1)::text'),
('posterior_state', 'SELECT posterior_final(posterior_combine($1, v))::text FROM sound_posterior_state'),
('posterior_state', 'SELECT posterior_final(posterior_combine(v, $1))::text FROM sound_posterior_state'),
('posterior_state', 'SELECT posterior_final(posterior_accum($1, (SELECT v FROM sound_annotator_model LIMIT 1), ''annotator 1'', ''1''))::text');

-- Reads files or lines, one value each; reports the SQLSTATEs, and what should not be.
CREATE TABLE damaged (id int, line text);
CREATE FUNCTION read_damaged(type text, folder text) RETURNS TABLE (state text, n bigint, example text)
LANGUAGE plpgsql AS $$
DECLARE
	d record;
	u record;
	states text[] := '{}';
	examples text[] := '{}';
	again boolean;
	soft boolean;	-- what PostgreSQL 16 and later says of a text, without raising
BEGIN
	EXECUTE format('CREATE TEMP TABLE read (v %I) ON COMMIT DROP', type);
	FOR d IN SELECT * FROM damaged ORDER BY id LOOP
		soft := NULL;
		IF folder IS NULL AND current_setting('server_version_num')::int >= 160000 THEN
			EXECUTE 'SELECT pg_input_is_valid($1, $2)' INTO soft USING d.line, type;
		END IF;
		BEGIN
			DELETE FROM read;
			IF folder IS NULL THEN
				EXECUTE format('INSERT INTO read VALUES ($1::%I)', type) USING d.line;
			ELSE
				EXECUTE format('COPY read FROM %L (FORMAT binary)', folder || '/' || d.id);
			END IF;
			EXECUTE format('SELECT coalesce(bool_and(v::text::%I::text = v::text), true) FROM read', type) INTO again;
			IF NOT soft THEN
				RAISE 'pg_input_is_valid() says no';
			END IF;
			-- our reader of JSON finds what PostgreSQL's finds
			IF folder IS NULL AND d.line ~ '^\s*{' THEN
				EXECUTE format('SELECT $1 AND $2::jsonb::text::%I::text = v::text FROM read', type) INTO again USING again, d.line;
			END IF;
			states := states || CASE WHEN again THEN 'value' ELSE 'not read again' END;
			examples := examples || CASE WHEN again THEN '' ELSE format('%s: %s', d.id, (SELECT left(v::text, 2000) FROM read)) END;
			FOR u IN SELECT query FROM uses WHERE uses.type = read_damaged.type LOOP
				BEGIN
					EXECUTE replace(u.query, '$1', '(SELECT v FROM read)');
				EXCEPTION WHEN OTHERS THEN
					states := states || ('use ' || SQLSTATE);
					examples := examples || format('%s: %s: %s', d.id, SQLERRM, u.query);
				END;
			END LOOP;
		EXCEPTION WHEN OTHERS THEN
			states := states || (CASE WHEN soft THEN 'said to be valid, but ' ELSE '' END || SQLSTATE);
			examples := examples || format('%s: %s: %s', d.id, SQLERRM, left(d.line, 600));
		END;
	END LOOP;
	RETURN QUERY SELECT s, count(*), min(e) FROM unnest(states, examples) AS v(s, e) GROUP BY s ORDER BY s;
END $$;
END
my $started = value($node, 'SELECT pg_postmaster_start_time()');

sub random_bytes
{
	return join '', map { chr(int(rand(256))) } 1 .. $_[0];
}

# A few edits of the kinds that programs, disks and people with intent make
my @whole_numbers = (0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe, 0x10000, 1000, 1001);
my @doubles = (pack('H*', '8000000000000000'), map { pack('d>', $_) } 0, 1, -1, 1e308, -1e308, 5e-324, 9**9**9, -9**9**9, -sin(9**9**9), 1e-300, 0.5);

sub damage_bytes
{
	my $bytes = shift;
	for (1 .. 1 + int(rand(3)))
	{
		my $at = int(rand(length($bytes) || 1));
		my $kind = int(rand(10));
		my $some = 1 + int(rand(8));
		if ($kind == 0) { $bytes = substr($bytes, 0, $at) }
		elsif ($kind == 1) { $bytes .= random_bytes($some) }
		elsif ($kind == 2) { substr($bytes, $at, 0, random_bytes($some)) }
		elsif ($kind == 3) { substr($bytes, $at, $some, '') }
		elsif ($kind == 4) { substr($bytes, $at, 0, substr($bytes, $at, $some)) }
		elsif ($kind == 5 && length($bytes) >= 4)
		{
			substr($bytes, int(rand(length($bytes) - 3)), 4, pack('N', random_pick(@whole_numbers)));
		}
		elsif ($kind == 6 && length($bytes) >= 8)
		{
			substr($bytes, int(rand(length($bytes) - 7)), 8, random_pick(@doubles));
		}
		elsif (length($bytes))
		{
			my $byte = ord(substr($bytes, $at, 1));
			substr($bytes, $at, 1, chr($kind < 8 ? $byte ^ (1 << int(rand(8))) : int(rand(256))));
		}
	}
	return $bytes;
}

my @tokens = ('"', '{', '}', '[', ']', ',', ':', '0', '-', '.', 'e', '1e999', '1e-999', '-0', 'null', 'true',
	'\\', '\\u0000', '\\ud800', '""', '[]', '{}', "\xc3\xa9", '1e308', '-1', '0.5', '=', '/', '+', ' ', "\n");

sub damage_text
{
	my $sound = shift;
	my $text = $sound;
	for (1 .. 1 + int(rand(3)))
	{
		my $at = int(rand(length($text) || 1));
		my $some = 1 + int(rand(6));
		my $kind = int(rand(6));
		if ($kind == 0) { $text = substr($text, 0, $at) }
		elsif ($kind == 1) { substr($text, $at, $some, '') }
		elsif ($kind == 2) { substr($text, $at, 0, substr($text, int(rand(length($text) || 1)), $some)) }
		elsif ($kind == 3 && $text =~ /[0-9]/)
		{
			# another number in the place of one
			my @numbers;
			push @numbers, [ $-[0], $+[0] - $-[0] ] while $text =~ /-?[0-9][-+0-9.e]*/g;
			my $number = random_pick(@numbers);
			substr($text, $number->[0], $number->[1], random_pick(qw(0 1 -1 0.5 1e308 1e-320 -0 2147483648 1e20 1.5 "1")));
		}
		else { substr($text, $at, int(rand(2)), random_pick(@tokens)) }
	}
	# edits may cut letters in two, which no client can send
	return utf8::decode(my $copy = $text) ? $text : damage_text($sound);
}

# Damage that chance seldom does: what the binary form can say and text might not
my $minus_zero = pack('H*', '8000000000000000');

sub special_damage
{
	my ($type, $bytes) = @_;
	my @result;
	# each zero that may be a double as minus zero
	while ($bytes =~ /(?=\0{8})/g)
	{
		push @result, $bytes;
		substr($result[-1], $-[0], 8, $minus_zero);
	}
	return @result if $type ne 'annotator_model';
	# the same warning twice
	my $twice = $bytes;
	push @result, $twice if $twice =~ s/\0\0\0\x01(\0\0\0.no item .*)\z/pack('N', 2) . $1 . $1/es;
	# more items than a double can count: those of the model of one annotation
	# come after its one class, its one annotator and 7 doubles and integers
	my $start = pack('C2 N N/a* N N/a* N2', 4, 1, 1, 'x', 1, 'a', 1, 0);
	if (substr($bytes, 0, length($start)) eq $start)
	{
		push @result, map {
			my $many = $bytes;
			substr($many, length($start) + 6 * 8 + 8 * $_, 8, pack('q>', 2**60 + 1));
			$many
		} 0 .. 2;
	}
	return @result;
}

# The stream of a binary COPY with one row of one field
sub copy_stream
{
	my ($field, $declared) = @_;
	return "PGCOPY\n\xff\r\n\0" . pack('NN', 0, 0)
	  . pack('n', 1) . pack('N', $declared // length($field)) . $field . pack('n', 0xffff);
}

# Errors that say what is wrong; not, for instance, XX000 (internal error),
# XX001 (found when a stored value was read), 53200 (out of memory).
my $accepted = qr/\A(value|22P02|22P03|22P04|22003|22021|22023|22P05|22030|22032|08P01|54000|54001|21000)\z/;
my $use_accepted = qr/\Ause (22003|22021|22023|2202E|21000|54000)\z/;

sub read_back
{
	my ($what, $type, $damaged, $folder) = @_;
	$node->safe_psql('postgres', 'TRUNCATE damaged');
	copy_in($node, 'damaged', $damaged);
	my $place = defined $folder ? "'$folder'" : 'NULL';
	my @states = rows($node, "SET client_min_messages = error; SELECT * FROM read_damaged('$type', $place)");
	my %n = map { $_->[0] => $_->[1] } @states;
	for (@states)
	{
		my ($state, $n, $example) = @$_;
		next if $state =~ $accepted || $state =~ $use_accepted;
		tally("$type, $what: accepted values are sound, errors are told as such", 0, "$n x $state, as in $example");
	}
	tally("$type, $what: accepted values are sound, errors are told as such", 1);
	cmp_ok($n{value} // 0, '>', 0, "$type, $what: some are values");
	my $errors = 0;
	$errors += $n{$_} for grep { !/value|use|read/ } keys %n;
	cmp_ok($errors, '>', @$damaged / 4, "$type, $what: many are errors");
	note(join(', ', map { "$_->[0]: $_->[1]" } @states));
	return;
}

my $base = PostgreSQL::Test::Utils::tempdir();
for my $type (@types)
{
	my @sound = map { [ pack('H*', $_->[0]), $_->[1] ] }
	  rows($node, "SELECT encode(${type}_send(v), 'hex'), v::text FROM sound_$type");

	# binary
	mkdir "$base/$type" or die "$base/$type: $!";
	my @damaged;
	my @special = map { special_damage($type, $_->[0]) } @sound;
	for my $id (1 .. $per_type + @special)
	{
		my $field = $id > $per_type ? $special[ $id - $per_type - 1 ] : damage_bytes(random_pick(@sound)->[0]);
		my $declared = $id % 50 ? length($field) : random_pick(0, 1, length($field) + 1, 0x7fffffff);
		open(my $file, '>:raw', "$base/$type/$id") or die "$base/$type/$id: $!";
		print $file copy_stream($field, $declared);
		close($file) or die "$base/$type/$id: $!";
		push @damaged, [ $id, '' ];
	}
	read_back('binary', $type, \@damaged, "$base/$type");

	# text, JSON and compact; what is base64 is also damaged below it
	@damaged = ();
	for my $id (1 .. $per_type)
	{
		my ($bytes, $text) = @{ random_pick(@sound) };
		my $compact = "$type:1:";
		my $damaged = $id % 2 ? $compact . encode_base64(damage_bytes($bytes), '')
		  : damage_text($id % 4 ? $text : $compact . encode_base64($bytes, ''));
		push @damaged, [ $id, $damaged ];
	}
	read_back('text', $type, \@damaged);
}
report_checks();

#
# Intent: a state that claims to be of a model that it does not fit
#
$node->safe_psql('postgres', <<'END');
CREATE TABLE large AS SELECT dawid_skene('i', 'a', i) AS m FROM generate_series(1, 900) AS i;
CREATE FUNCTION claim(state posterior_state, model annotator_model) RETURNS posterior_state LANGUAGE sql AS $$
	SELECT ('posterior_state:1:' || translate(encode(substr(s, 1, 2) || substr(l, 3, 8) || substr(s, 11), 'base64'), E'\n', ''))::posterior_state
	FROM (SELECT posterior_state_send(state) AS s, posterior_state_send(posterior_accum(NULL, model, 'a', '1')) AS l) AS v
$$;
END
for my $query (
	"SELECT length(string_agg(posterior_accum(claim(v, m), m, 'a', '1')::text, '')) FROM sound_posterior_state, large, generate_series(1, 100)",
	"SELECT length(string_agg(posterior_combine(claim(v, m), posterior_accum(NULL, m, 'a', '1'))::text, '')) FROM sound_posterior_state, large",
	"SELECT length(string_agg(posterior_combine(posterior_accum(NULL, m, 'a', '1'), claim(v, m))::text, '')) FROM sound_posterior_state, large")
{
	my $err;
	$node->psql('postgres', $query, stderr => \$err);
	like($err, qr/ERROR: /, "a forged state is an error: $query");
	unlike($err, qr/terminat/, 'and no crash');
	last if $err =~ /terminat/;
}

my ($out, $err);
$node->psql('postgres', 'SELECT pg_postmaster_start_time()', stdout => \$out, stderr => \$err);
is($out, $started, 'the server is the one that was started');
log_is_clean($node);
$node->stop('immediate', fail_ok => 1);
done_testing();
