# evaluate_cleaning(): what it finds and what it does not; that truths of the validation set
# only score; that it writes nothing, reads what the caller may read, and finds our functions
# wherever they are.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('evaluate');
my $noisy = '{"expert": 2, "reliable": {"count": 4, "accuracy": 0.85}, "hasty": {"count": 5, "accuracy": 0.5, "spread": 0.2}, "spammer": 3, "adversary": 1}';
my $clean = '{"expert": {"count": 10, "accuracy": 1}}';

# Tables of a simulated crowd: NAME_train with the answers, NAME_valid with other items' truths.
# Both keep what must not be read: the truths of the training set, the labels of the other.
sub simulate
{
	my ($name, $kinds, $items, $valid, $options) = @_;
	my $all = $items + $valid;
	$node->safe_psql('postgres', qq(
		SET client_min_messages = warning; DROP TABLE IF EXISTS ${name}_train, ${name}_valid;
		CREATE TABLE ${name}_train AS SELECT substr(item, 6)::int AS item, annotator, label, features, truth FROM simulate_annotations($all, '$kinds', '$options');
		CREATE TABLE ${name}_valid AS SELECT DISTINCT ON (item) item, truth, features FROM ${name}_train WHERE item > $items;
		DELETE FROM ${name}_train WHERE item > $items));
	return;
}

# Rows of a call as text, and what it said
sub evaluate
{
	my ($call, $before) = @_;
	my ($out, $err) = ('', '');
	my $status = $node->psql('postgres', ($before // '') . "\n; SELECT * FROM $call", stdout => \$out, stderr => \$err, on_error_stop => 1);
	return ($out, $err =~ s/^psql:<stdin>:\d+: //gmr, $status);
}

# The verdict rows: intervention => [columns]
sub verdicts
{
	my ($call) = @_;
	return map { $_->[0] => $_ } rows($node, "SELECT * FROM $call WHERE seed IS NULL");
}

simulate('single', $noisy, 400, 400, '{"classes": 2, "answers": 1, "features": 5, "seed": 1}');
simulate('overlap', $noisy, 500, 1200, '{"classes": 3, "answers": 3, "features": 20, "separation": 2.5, "seed": 2}');

#
# The shape of the answer
#
my ($out, $said) = evaluate(q(evaluate_cleaning('overlap_train', 'overlap_valid')));
my @rows = map { [ split /\|/, $_, -1 ] } split /\n/, $out;
is(scalar(@rows), 7 * 4, 'seven interventions, three seeds and a verdict each');
is($rows[0][0], 'every_answer', 'overlap: the primary candidate comes first');
is(join(' ', map { $_->[1] } @rows[ 0 .. 3 ]), ' 0 1 2', 'and its verdict before its seeds');
like($said, qr/NOTICE:  training: 1500 answers to 500 items by 15 annotators; 3 classes; regime overlap/, 'says what there is');
like($said, qr/primary candidate, fixed before any score: every_answer/, 'and what is tested first');
like($said, qr/seed 2: l2 baseline [\d.]+, weight [\d.]+, evidence_weight [\d.]+, every_answer/, 'and each l2');
my ($wrong) = $said =~ /estimated share of wrong labels in training, by 5 rounds.*: ([\d.]+) %/;
cmp_ok(abs($wrong - 100 * value($node, 'SELECT avg((label <> truth)::int) FROM overlap_train')), '<', 8, "and the share of wrong labels, $wrong %");
unlike($said, qr/WARNING/, 'truths that are right raise no doubt');
my %found = verdicts(q(evaluate_cleaning('overlap_train', 'overlap_valid')));
is($found{every_answer}[12], 'improved', 'training through the matrices helps');
is(scalar(grep { $_->[13] eq 't' } values %found), 1, 'one intervention is recommended');
my ($recommended) = grep { $_->[13] eq 't' } values %found;
is("$recommended->[12] $recommended->[11]", 'improved {}', 'which improved, and harms no class');
is(scalar(grep { $_->[1] ne '' && $_->[12] . $_->[13] . $_->[10] ne '' } @rows), 0, 'rows of single seeds have no verdict');

# Holm by hand: primary alone, the others among themselves
is($found{every_answer}[10], $found{every_answer}[9], 'the primary p-value is not adjusted');
my @others = sort { $a->[9] <=> $b->[9] } grep { $_->[0] ne 'every_answer' } values %found;
my $least = 0;
for my $i (0 .. $#others)
{
	my $p = $others[$i][9] * (@others - $i);
	$least = $p > $least ? ($p < 1 ? $p : 1) : $least;
	check_close('p-values adjusted', $others[$i][0], $others[$i][10], $least, 1e-12);
	check_exact('verdicts after adjustment', $others[$i][0], $others[$i][12],
		$least >= 0.05 ? 'no evidence' : $others[$i][6] < 0 ? 'worse' : $others[$i][11] eq '{}' ? 'improved' : 'improved, harms a class');
}
report_checks();
is(value($node, q(SELECT evaluate_cleaning_holm('{0.01, NULL, 0.04, 0.03}'::float8[])::text)), '{0.04,NULL,0.09,0.09}', 'a test that could not be made counts among them');

# The numbers are those of the parts, put together by hand
my ($by_hand) = rows($node, q(
	WITH fitted AS MATERIALIZED (SELECT dawid_skene(item, annotator, label) AS m FROM overlap_train),
	     learned AS MATERIALIZED (SELECT logistic_regression(label, features, '{"l2": "choose", "seed": 4}'::jsonb) AS b,
	            logistic_regression(label, features, annotator, (SELECT m FROM fitted), '{"l2": "choose", "seed": 4}'::jsonb) AS c FROM overlap_train)
	SELECT (paired_bootstrap(item, truth, top_label(predict((SELECT b FROM learned), features)), top_label(predict((SELECT c FROM learned), features)))).* FROM overlap_valid));
my ($seed4) = rows($node, q(SELECT * FROM evaluate_cleaning('overlap_train', 'overlap_valid', '{"seed": 4, "seeds": 1}') WHERE seed = 4 AND intervention = 'every_answer'));
is("@$seed4[3 .. 9]", "@$by_hand[2 .. 8]", 'baseline and every_answer are what its parts give');

#
# Truths only score: with two classes, flipped truths turn every accuracy into 1 less it
#
$node->safe_psql('postgres', q(CREATE VIEW flipped AS SELECT item, features, CASE truth WHEN 'A' THEN 'B' ELSE 'A' END AS truth FROM single_valid));
my $accuracies = q(SELECT intervention, seed, l2, round((%s)::numeric, 9), round((%s)::numeric, 9) FROM evaluate_cleaning('single_train', '%s', '{"metric": "accuracy"}'));
is_deeply([ rows($node, sprintf($accuracies, '1 - baseline', '1 - candidate', 'flipped')) ], [ rows($node, sprintf($accuracies, 'baseline', 'candidate', 'single_valid')) ],
	'other truths change no prediction, in a view');
my $call = q(evaluate_cleaning('single_train', 'single_valid'));
my ($once, $reported) = evaluate($call);
like($reported, qr/regime single.*candidate, fixed before any score: weight/s, 'one answer for each: weights first');
my ($again) = evaluate($call, q(UPDATE single_train SET truth = 'Z'));
is($again, $once, 'truths of the training set are not read, and the same rows give the same bytes');
($again) = evaluate($call, 'CREATE TABLE s AS SELECT * FROM single_train ORDER BY md5(item::text); TRUNCATE single_train; INSERT INTO single_train SELECT * FROM s');
is($again, $once, 'in another order, too');
($again) = evaluate($call, 'SET max_parallel_workers_per_gather = 4; SET parallel_setup_cost = 0; SET min_parallel_table_scan_size = 0; SET parallel_tuple_cost = 0');
is($again, $once, 'where parallel plans are cheap, too');
($again) = evaluate(q(evaluate_cleaning('single_train', 'single_valid', NULL)));
is($again, $once, 'no options are the defaults');
my ($other) = evaluate(q(evaluate_cleaning('single_train', 'single_valid', '{"seed": 7}')));
isnt($other, $once, 'other folds give other numbers');

#
# Reads only, by whom may read, wherever things are
#
$node->safe_psql('postgres', q(
	CREATE ROLE reader;
	CREATE SCHEMA "Odd ""place";
	CREATE TABLE "Odd ""place"."A table" AS SELECT item AS "the item", annotator AS "Who", label AS "select", features AS "x,y" FROM single_train;
	CREATE VIEW "Odd ""place".judged AS SELECT item AS "the item", truth AS "Right", features::real[]::float8[] AS "x,y" FROM single_valid;
	GRANT USAGE ON SCHEMA "Odd ""place" TO reader;
	GRANT SELECT ON ALL TABLES IN SCHEMA "Odd ""place" TO reader;
	REVOKE TEMP ON DATABASE postgres FROM PUBLIC));
my $odd = q(evaluate_cleaning('"Odd ""place"."A table"', '"Odd ""place".judged', '{"item": "the item", "annotator": "Who", "label": "select", "features": "x,y", "truth": "Right"}'));
my $before = value($node, 'SELECT count(*) FROM pg_class');
my ($odd_out, $odd_err) = evaluate($odd, 'SET ROLE reader; SET default_transaction_read_only = on');
is(join(' ', map { (split /\|/)[0] } split /\n/, $odd_out), join(' ', map { (split /\|/)[0] } split /\n/, $once), 'a role that may only read, in a transaction that may only read, with names that need quotes') or diag($odd_err);
is(value($node, 'SELECT count(*) FROM pg_class'), $before, 'leaves nothing behind');
$node->safe_psql('postgres', q(
	CREATE SCHEMA trap;
	CREATE FUNCTION trap.top_label(label_distribution) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
	CREATE FUNCTION trap.format(text, VARIADIC "any") RETURNS text LANGUAGE internal AS 'text_format';
	CREATE TABLE trap.single_train AS SELECT 1 AS nothing;
	CREATE TABLE trap.pg_class AS SELECT 1 AS nothing));
my ($trapped) = evaluate($call =~ s/'single/'public.single/gr, 'SET search_path = trap, pg_catalog, public');
is($trapped, $once, "functions and tables of the caller's path are not taken for ours");
is((evaluate("$call; SHOW search_path", 'SET search_path = public, trap'))[0], "$once\npublic, trap", 'and the path is as it was');
my ($moved) = evaluate($call =~ s/evaluate/elsewhere.evaluate/r, 'CREATE SCHEMA elsewhere; ALTER EXTENSION noisylabel SET SCHEMA elsewhere');
is($moved, $once, 'where the extension has been moved');
$node->safe_psql('postgres', 'ALTER EXTENSION noisylabel SET SCHEMA public');

#
# What cannot be evaluated, and what is found to be odd
#
sub fails
{
	my ($what, $code, $like, $train, $valid, $options) = @_;
	my (undef, $err, $status) = evaluate("evaluate_cleaning($train, $valid" . (defined $options ? ", $options)" : ')'), '\set VERBOSITY verbose');
	isnt($status, 0, "$what: an error");
	like($err, qr/ERROR:  $code: $like/, "$what: says so");
	return;
}
$node->safe_psql('postgres', q(
	CREATE VIEW one_class AS SELECT item, annotator, 'A' AS label, features FROM single_train;
	CREATE VIEW other_classes AS SELECT item, lower(truth) AS truth, features FROM single_valid;
	CREATE VIEW part_known AS SELECT item, CASE WHEN item % 9 = 0 THEN 'new' ELSE truth END AS truth, features FROM single_valid;
	CREATE VIEW holes AS SELECT item, annotator, label, CASE WHEN item % 7 = 0 THEN array_append(features[2:], NULL) ELSE features END AS features FROM single_train;
	CREATE VIEW missing AS SELECT item, annotator, label, CASE WHEN item % 7 > 0 THEN features END AS features FROM single_train;
	CREATE VIEW ragged AS SELECT item, annotator, label, CASE WHEN item % 7 = 0 THEN features[2:] ELSE features END AS features FROM single_train;
	CREATE VIEW wide AS SELECT item, truth, features || 1::float8 AS features FROM single_valid;
	CREATE VIEW worded AS SELECT item, truth, features::text AS features FROM single_valid;
	CREATE VIEW nothing AS SELECT * FROM single_valid WHERE false;
	CREATE VIEW few AS SELECT * FROM single_train WHERE item <= 30;
	CREATE VIEW few_valid AS SELECT * FROM single_valid WHERE item <= 430;
	CREATE VIEW both_in AS SELECT item, truth, features FROM single_valid UNION ALL SELECT item, label, features FROM single_train WHERE item <= 20;
	CREATE VIEW nobody AS SELECT label, features FROM single_train;
	CREATE VIEW nobody_valid AS SELECT truth, features FROM single_valid;
	CREATE VIEW categories AS SELECT label, ARRAY[item % 3, item % 2] AS features FROM single_train;
	CREATE VIEW categories_valid AS SELECT truth, ARRAY[item % 3, item % 2] AS features FROM single_valid;
	CREATE VIEW all_in AS SELECT item, label AS truth, features FROM single_train;
	CREATE VIEW a_in AS SELECT item, label AS truth, features FROM single_train WHERE label = 'A' UNION ALL SELECT item, truth, features FROM single_valid;
	CREATE VIEW square AS SELECT item, annotator, label, ARRAY[features, features] AS features FROM single_train;
	CREATE VIEW words AS SELECT item, annotator, label, features::text[] AS features FROM single_train;
	CREATE VIEW empty AS SELECT item, annotator, label, '{}'::float8[] AS features FROM single_train));
fails('one class', '22023', 'all labels of one_class are "A"', q('one_class'), q('single_valid'));
fails('no common class', '22023', 'no class of other_classes occurs in single_train', q('single_train'), q('other_classes'));
fails('NULL in features', '22004', 'features of holes have NULL, NaN or infinity in 57 of 400 rows', q('holes'), q('single_valid'));
fails('features of several lengths', '2202E', 'features of ragged are from 4 to 5 numbers long', q('ragged'), q('single_valid'));
fails('other features', '2202E', 'rows of single_train have 5 features, those of wide have 6', q('single_train'), q('wide'));
fails('features that are text', '42804', 'column features of worded is of type text', q('single_train'), q('worded'));
fails('no rows', 'P0002', 'nothing has no row with an item, truth and features', q('single_train'), q('nothing'));
fails('no truth', '42703', 'few has no column "right"', q('single_train'), q('few'), q('{"truth": "right"}'));
fails('NULL', '22004', 'evaluate_cleaning\(\) needs two tables', 'NULL', q('single_valid'));
fails('an unknown option', '22023', 'unrecognized option "labels"', q('single_train'), q('single_valid'), q('{"labels": "x"}'));
fails('no seeds', '22023', 'invalid value for option "seeds": 0', q('single_train'), q('single_valid'), q('{"seeds": 0}'));
fails('odd duplicates', '22023', 'invalid value for option "duplicates": "none"', q('single_train'), q('single_valid'), q('{"duplicates": "none"}'));
fails('an odd l2', '22023', 'invalid value for option "l2": "much"', q('single_train'), q('single_valid'), q('{"l2": "much"}'));
fails('an unknown metric', '22023', 'invalid value for option "metric"', q('single_train'), q('single_valid'), q('{"metric": "f2"}'));
fails('nothing left', 'P0002', 'no row of single_train is left to learn from', q('single_train'), q('all_in'));
fails('one class left', '22023', 'all labels of single_train are "B"', q('single_train'), q('a_in'));
fails('features of two dimensions', '2202E', 'features of square are arrays of more than one dimension in 400 of 400 rows', q('square'), q('single_valid'));
fails('an array of words', '42804', 'column features of words is of type text\[\]', q('words'), q('single_valid'));
fails('no features', '2202E', 'features of empty are from 0 to 0 numbers long', q('empty'), q('single_valid'));
fails('no JSON', '22P02', 'options are not valid JSON: seeds', q('single_train'), q('single_valid'), q('seeds'));
fails('no object', '22023', 'options must be a JSON object', q('single_train'), q('single_valid'), q('[]'));
fails('no table', '42P01', 'relation "nowhere" does not exist', q('nowhere'), q('single_valid'));

($out, $said) = evaluate(q(evaluate_cleaning('missing', 'single_valid')));
like($said, qr/NOTICE:  57 of 400 rows of missing have a NULL and are left out/, 'rows without features are left out');
%found = verdicts(q(evaluate_cleaning('few', 'few_valid')));
is(join(' ', map { $_->[12] } grep { $_->[12] =~ /improved/ } values %found), '', 'thirty rows: nothing is said to be improved');
is($found{weight}[12], 'no evidence', 'thirty rows: no evidence');
is($found{filter}[12], 'exploratory', 'and the others are not tested');
like((evaluate(q(evaluate_cleaning('single_train', 'part_known'))))[1], qr/no row of single_train has a label that part_known has as truth: new/, 'a class that is not learned');
like((evaluate(q(evaluate_cleaning('single_train', 'both_in'))))[1], qr/WARNING:  20 items of both_in are in single_train, too, and are left out of training/, 'items in both');
is(join(' ', sort keys %{ { verdicts(q(evaluate_cleaning('nobody', 'nobody_valid'))) } }), 'filter soft_relabel weight', 'labels and features alone');
like((evaluate(q(evaluate_cleaning('categories', 'categories_valid', '{"seeds": 1}'))))[1], qr/\ANOTICE:  training: 400 answers to 400 items/,
	'rows without items are never those of the other table, alike or not');
unlike((evaluate(q(evaluate_cleaning('categories', 'categories_valid', '{"seeds": 1, "duplicates": "split"}'))))[1], qr/WARNING/, 'categories are told as such');
like((evaluate(q(evaluate_cleaning('single_train', 'both_in', '{"seeds": 1}'))))[1], qr/NOTICE:  training: 380 answers to 380 items/, 'what is left out of training does not count');
like((evaluate(q(evaluate_cleaning('single_train', 'single_valid', '{"l2": 3, "seeds": 1}'))))[1], qr/seed 0: l2 baseline 3, weight 3,/, 'l2 is given');

# Truths that are the annotators' own
$node->safe_psql('postgres', qq(CREATE TABLE own AS SELECT DISTINCT ON (item) substr(item, 6)::int AS item, annotator, label, features
	FROM simulate_annotations(1700, '$noisy', '{"classes": 3, "answers": 3, "features": 20, "separation": 2.5, "seed": 2}') WHERE substr(item, 6)::int > 500 ORDER BY item, md5(item || annotator)));
($out, $said) = evaluate(q(evaluate_cleaning('overlap_train', 'own', '{"truth": "label"}')));
like($said, qr/WARNING:  truths of own look as noisy as the labels of overlap_train/, 'truths as noisy as the labels are noticed');
like($said, qr/WARNING:  truths of own are answers, and 15 of those who gave them labelled overlap_train, too/, "and who they are of");

# Gold: every answer through matrices that gold has taught
simulate('gold', $noisy, 400, 400, '{"classes": 3, "answers": 1, "features": 6, "seed": 5}');
$node->safe_psql('postgres', q(CREATE VIEW with_gold AS SELECT item, annotator, label, features, CASE WHEN item % 5 = 0 THEN truth END AS gold FROM gold_train;
	CREATE VIEW little_gold AS SELECT item, annotator, label, features, CASE WHEN item % 40 = 0 THEN truth END AS gold FROM gold_train));
like((evaluate(q(evaluate_cleaning('with_gold', 'gold_valid'))))[1], qr/regime gold.*score: every_answer/s, 'gold: every answer first');
like((evaluate(q(evaluate_cleaning('little_gold', 'gold_valid'))))[1], qr/regime single.*score: weight/s, 'gold for few: as without');

#
# Crowds without an error, and one with many
#
my ($improved, $any) = (0, 0);
for my $seed (1 .. 12)
{
	simulate('none', $clean, 200, 300, qq({"classes": @{[ 2 + $seed % 3 ]}, "answers": @{[ $seed % 2 * 2 + 1 ]}, "features": 5, "separation": 1.5, "seed": $seed}));
	my %v = verdicts(q(evaluate_cleaning('none_train', 'none_valid', '{"seeds": 1}')));
	$any++ if grep { $_->[12] =~ /improved/ } values %v;
}
cmp_ok($any, '<=', 2, "without errors hardly ever any improvement is seen ($any of 12)");
for my $seed (1 .. 4)
{
	simulate('much', $noisy, 600, 1500, qq({"classes": @{[ 2 + $seed % 2 ]}, "answers": 3, "features": 20, "separation": 2.5, "seed": $seed}));
	my %v = verdicts(q(evaluate_cleaning('much_train', 'much_valid', '{"seeds": 1}')));
	$improved++ if $v{every_answer}[12] =~ /improved/;
}
cmp_ok($improved, '>=', 3, "where many are wrong, improvement is seen ($improved of 4)");

log_is_clean($node);
$node->stop;
done_testing();
