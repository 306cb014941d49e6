# Options of logistic_regression() and oof_predict() that do not believe labels, and
# the choice of l2: against an independent minimiser (test/data/corrected_regression),
# the stated conditions written down here, other orders and plans, cancel, real data.
# Alone: measures time.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use JSON::PP ();
use List::Util qw(max min sum0);
use NoisyLabel;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('classifier_options', "work_mem = 4MB\nclient_min_messages = warning\n");

#
# The minimiser's coefficients.  Ours are asked for to a billionth of their standard
# errors; relative to the largest
#
my $problems = json(slurp_file("$FindBin::RealBin/../data/corrected_regression.json"));
$node->safe_psql('postgres', 'CREATE TABLE d (id int, label text, weight float8, x float8[])');
for my $id (0 .. $#$problems)
{
	my $p = $problems->[$id];
	copy_in($node, 'd',
		[ map { [ $id, $p->{label}[$_], $p->{weight}[$_], '{' . join(',', @{ $p->{x}[$_] }) . '}' ] } 0 .. $#{ $p->{label} } ]);
}

sub matrix_json
{
	my $m = shift;
	return '{"labels": [' . join(', ', map { "\"c$_\"" } 0 .. $#$m) . '], "counts": ['
	  . join(', ', map { '[' . join(', ', @$_) . ']' } @$m) . ']}';
}

sub options_json
{
	my %o = @_;
	my $matrix = delete $o{matrix};
	my @parts = map { "\"$_\": " . ($o{$_} =~ /\A[0-9.e-]+\z/ ? $o{$_} : "\"$o{$_}\"") } sort keys %o;
	push @parts, '"correction": ' . matrix_json($matrix) if $matrix;
	return '{' . join(', ', @parts) . '}';
}

for my $id (0 .. $#$problems)
{
	for my $case (@{ $problems->[$id]{cases} })
	{
		my $options = options_json(%{ $case->{options} }, tolerance => 1e-9);
		my @got = rows($node,
			"SELECT label, feature, coefficient, (fit_report(c)).converged FROM (SELECT logistic_regression(label, x, weight, '$options'::jsonb) AS c FROM d WHERE id = $id) AS v, coefficients(c)"
		);
		my @want = map { @$_ } @{ $case->{coefficients} };
		my $largest = max(map { abs } @want);
		is(scalar(@got), scalar(@want), "problem $id: $options gives " . @want . ' coefficients') if @got != @want;
		for my $i (0 .. $#want)
		{
			check_close('coefficients are those of an independent minimiser', "problem $id, $options, coefficient $i",
				$got[$i][2], $want[$i], 1e-5, $largest);
		}
		check_exact('every fit converges', "problem $id, $options", $got[0][3], 't');
	}
}

# Soft targets that are certain are labels, and as oof_predict() has it
for my $options ('{"loss": "generalised_cross_entropy"}', '{"correction": ' . matrix_json([ [ 80, 15, 5 ], [ 10, 70, 20 ], [ 5, 5, 90 ] ]) . '}',
	'{"label_smoothing": 0.1}', '{"bootstrap": 0.8}')
{
	check_exact('a certain distribution is a label', $options, value($node,
		"SELECT max(abs(a.coefficient - b.coefficient)) < 1e-9 FROM (SELECT logistic_regression(label, x, '$options'::jsonb) AS hard, logistic_regression(label_distribution(ARRAY[label], '{1}'), x, '$options'::jsonb) AS soft FROM d WHERE id = 1) AS v,"
		  . " coefficients(hard) AS a, coefficients(soft) AS b WHERE a.label = b.label AND a.feature = b.feature"), 't');
	check_exact('the order of rows does not matter', $options, value($node,
		"SELECT logistic_regression(label, x, '$options'::jsonb ORDER BY x) = logistic_regression(label, x, '$options'::jsonb ORDER BY label, x DESC) FROM d WHERE id = 1"), 't');
}

# Out of fold: by hand, on three folds, which are given as groups
for my $id (0, 1)
{
	for my $case (@{ $problems->[$id]{cases} })
	{
		my $options = options_json(%{ $case->{options} }, tolerance => 1e-9);
		my $oof = $options =~ s/\}\z/, "folds": 3}/r;
		check_exact('oof_predict() is a fit of the other folds', "problem $id, $options", value($node, qq(
			WITH e AS (SELECT label, x, weight, row_number() OVER (ORDER BY x, label) % 3 AS g FROM d WHERE id = $id),
			     m AS (SELECT f.g, logistic_regression(label, x, weight, '$options'::jsonb) AS c FROM (VALUES (0), (1), (2)) AS f (g) JOIN e ON e.g <> f.g GROUP BY f.g),
			     o AS (SELECT g, x, oof_predict(label, x, g, weight, '$oof'::jsonb) OVER () AS p FROM e)
			SELECT count(*) > 100 AND bool_and(abs(confidence(p) - confidence(predict(c, x))) < 1e-6) AND bool_and(top_label(p) = top_label(predict(c, x))) FROM o JOIN m USING (g))), 't');
	}
}

#
# The choice of l2: what is reported is the log-loss of oof_predict() with each, and
# that of the least is taken
#
for my $options ('', ', "seed": 7, "folds": 3', ', "class_weight": "none", "loss": "generalised_cross_entropy"')
{
	my $choice = value($node, "SELECT (fit_report(logistic_regression(label, x, '{\"l2\": \"choose\"$options}'::jsonb))).options FROM d WHERE id = 1");
	my $report = json($choice);
	my ($grid, $loss) = @{ $report->{l2_choice} }{qw(l2 log_loss)};
	my $best = 0;
	for my $i (0 .. $#$grid)
	{
		my $want = value($node,
			"SELECT avg(-ln(probability(p, label))) FROM (SELECT label, oof_predict(label, x, '{\"l2\": $grid->[$i]$options}'::jsonb) OVER () AS p FROM d WHERE id = 1) AS v");
		check_close('the report has the log-loss out of fold of each l2', "l2 $grid->[$i]$options", $loss->[$i], $want, 1e-4);
		$best = $i if $loss->[$i] < $loss->[$best];
	}
	check_exact('the l2 with the least log-loss is taken', $options, $report->{l2}, $grid->[$best]);
	check_exact('oof_predict() takes the same', $options, value($node,
		"SELECT bool_and(p = q) FROM (SELECT oof_predict(label, x, '{\"l2\": \"choose\"$options}'::jsonb) OVER () AS p, oof_predict(label, x, '{\"l2\": $report->{l2}$options}'::jsonb) OVER () AS q FROM d WHERE id = 1) AS v"), 't');
	# the final fit is of all rows, whose sums are taken fold by fold
	check_exact('and the fit is that with this l2', $options, value($node,
		"SELECT max(abs(a.coefficient - b.coefficient)) < 1e-4 FROM (SELECT logistic_regression(label, x, '{\"l2\": \"choose\"$options}'::jsonb) AS c, logistic_regression(label, x, '{\"l2\": $report->{l2}"
		  . ($options =~ s/, "(?:seed|folds)": \d+//gr) . "}'::jsonb) AS d FROM d WHERE id = 1) AS v, coefficients(c) AS a, coefficients(d) AS b WHERE a.label = b.label AND a.feature = b.feature"), 't');
}
# a group of copies is kept together where l2 is chosen: the penalty of noise is not forgotten
my $noise = 'SELECT setseed(0.4); CREATE TABLE noise AS SELECT i, (random() < 0.5)::text AS label, ARRAY(SELECT random() FROM generate_series(1, 20) WHERE i = i) AS x FROM generate_series(1, 40) AS i';
$node->safe_psql('postgres', $noise);
is(value($node, q(SELECT (fit_report(logistic_regression(label, x, '{"l2": "choose"}'))).options ->> 'l2' FROM noise, generate_series(1, 5))),
	'1000', 'five copies of rows of noise are not learned by heart');

#
# Answers through their annotators' matrices
#
$node->safe_psql('postgres', q(
CREATE TABLE s AS SELECT * FROM simulate_annotations(200, '{"reliable": 3, "hasty": 3, "spammer": 1}', '{"classes": 3, "features": 3, "seed": 3}');
CREATE TABLE m AS SELECT dawid_skene(item, annotator, label) AS model FROM s;
CREATE TABLE c AS SELECT logistic_regression(label, features, annotator, model, '{"tolerance": 1e-9}') AS c FROM s, m));
# P(label | truth) as the model uses it: of its components the mean, by their weights
my $model = json(value($node, 'SELECT model::text FROM m'));
my @names = @{ $model->{labels} };
my %rate;
for my $component (@{ $model->{components} })
{
	for my $j (0 .. $#{ $model->{annotators} })
	{
		for my $k (0 .. $#names)
		{
			$rate{ $model->{annotators}[$j] }{ $names[$k] }{ $names[$_] } += $component->{weight} * $component->{confusion}[$j][$k][$_] for 0 .. $#names;
		}
	}
}
my (@classes, %b);
push @{ $b{ $_->[0] } }, $_->[2] for rows($node, 'SELECT x.* FROM c, coefficients(c) AS x ORDER BY label, feature');
@classes = sort keys %b;

# Objective of the stated form, and its gradient by the logits, in plain words
my @rows = map { { annotator => $_->[0], label => $_->[1], x => [ split /,/, $_->[2] ] } }
  rows($node, q(SELECT annotator, label, array_to_string(features, ',') FROM s));
my $width = @{ $rows[0]{x} };
my @mean = map { my $j = $_; sum0(map { $_->{x}[$j] } @rows) / @rows } 0 .. $width - 1;
my @deviation = map { my $j = $_; sqrt(sum0(map { ($_->{x}[$j] - $mean[$j])**2 } @rows) / @rows) } 0 .. $width - 1;
my %gradient = map { $_ => [ (0) x ($width + 1) ] } @classes;
my $loss = 0;
for my $row (@rows)
{
	my %z = map { my $c = $b{$_}; $_ => $c->[0] + sum0(map { $c->[ $_ + 1 ] * $row->{x}[$_] } 0 .. $width - 1) } @classes;
	my $sum = sum0(map { exp } values %z);
	my %p = map { $_ => exp($z{$_}) / $sum } @classes;
	my $seen = sum0(map { $p{$_} * $rate{ $row->{annotator} }{$_}{ $row->{label} } } @classes);
	$loss -= log($seen);
	for my $k (@classes)
	{
		my $residual = $p{$k} - $p{$k} * $rate{ $row->{annotator} }{$k}{ $row->{label} } / $seen;
		$gradient{$k}[0] += $residual;
		$gradient{$k}[ $_ + 1 ] += $residual * ($row->{x}[$_] - $mean[$_]) / $deviation[$_] for 0 .. $width - 1;
	}
}
for my $k (@classes)
{
	$gradient{$k}[ $_ + 1 ] += $b{$k}[ $_ + 1 ] * $deviation[$_] for 0 .. $width - 1;
	check_close('answers: the gradient of the objective is 0', "class $k, number $_", $gradient{$k}[$_], 0, 1e-5, 1) for 0 .. $width;
}
check_close('answers: the reported log-loss is that of the answers', '', value($node, 'SELECT (fit_report(c)).log_loss FROM c'), $loss / @rows, 1e-9);

# One annotator's answers are labels corrected by his matrix
my ($one) = value($node, 'SELECT min(annotator) FROM s');
my $matrix = JSON::PP->new->encode({ labels => \@names, counts => [ map { my $k = $_; [ map { $rate{$one}{$k}{$_} } @names ] } @names ] });
check_exact('answers of one annotator are labels corrected by his matrix', $one, value($node, qq(
SELECT max(abs(a.coefficient - b.coefficient)) < 1e-6 FROM
  (SELECT logistic_regression(label, features, annotator, model, '{"tolerance": 1e-9}') AS x, logistic_regression(label, features, '{"tolerance": 1e-9, "correction": $matrix}'::jsonb) AS y
   FROM s, m WHERE annotator = '$one') AS v, coefficients(x) AS a, coefficients(y) AS b WHERE a.label = b.label AND a.feature = b.feature)), 't');
check_exact('someone unknown counts as the pool', '', value($node, q(
SELECT logistic_regression(label, features, 'nobody ' || annotator, model) = logistic_regression(label, features, 'somebody'::text, model) FROM s, m)), 't');

# Orders and plans
my $sets = q(SELECT logistic_regression(label, features, annotator, model ORDER BY %s) FROM s, m);
check_exact('answers: the order of rows does not matter', $_,
	value($node, 'SELECT (' . sprintf($sets, $_) . ') = (SELECT logistic_regression(label, features, annotator, model) FROM s, m)'), 't')
  for 'label', 'features', 'annotator, item DESC', 'md5(item || annotator)';
ship_aggregates($node);
$node->safe_psql('postgres', 'CREATE TABLE many AS SELECT * FROM s, generate_series(1, 30) AS copy; ANALYZE many');
my $parallel = 'SET max_parallel_workers_per_gather = 3; SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;';
my $plain = value($node, 'SELECT logistic_regression(label, features, annotator, (SELECT model FROM m)) FROM many');
is(value($node, "$parallel SELECT shipped_logistic_regression(label, features, annotator, (SELECT model FROM m)) FROM many"), $plain, 'workers give the same bytes');
is(value($node, "$parallel SELECT shipped_logistic_regression(label, features, annotator::varchar, (SELECT model FROM m)) FROM many"), $plain, 'as do names of another type');
is(value($node, q(SELECT bool_and(a = b) FROM (SELECT item, logistic_regression(label, features, annotator, model) AS a, logistic_regression(label, features, annotator, model ORDER BY annotator DESC) AS b FROM s, m GROUP BY item) AS v)),
	't', 'groups of a few answers each');
is(value($node, q(SELECT bool_and(a = b AND c = a) FROM (SELECT training_set_accum(training_set_accum(NULL, 'label 1', f, 'x', model), 'label 2', f, 'y', model) AS a,
		training_set_accum(training_set_accum(NULL, 'label 2', f, 'y', model), 'label 1', f, 'x', model) AS b,
		training_set_accum(training_set_accum(NULL, 'label 1', f, 'x', model), 'label 2', f, 'y', model)::text::training_set AS c
		FROM (SELECT '{1,2}'::float8[] AS f, (SELECT dawid_skene(item::text, who, 'label ' || (item % 2 + 1)) FROM generate_series(1, 9) AS item, unnest(ARRAY['x', 'y']) AS who) AS model) AS w) AS v)),
	't', 'states of answers are equal in any order, and read back');

# A state that was changed on its way is an error, or a set that can be fitted
my $changed = q(
CREATE TABLE sent AS SELECT training_set_send(training_set_accum(training_set_accum(NULL, 'label 1', '{1,2}'::float8[], 'x', m), 'label 2', '{3,4}'::float8[], 'y', m)) AS b
FROM (SELECT dawid_skene(item::text, who, 'label ' || (item % 2 + 1)) AS m FROM generate_series(1, 9) AS item, unnest(ARRAY['x', 'y']) AS who) AS v;
CREATE FUNCTION read(b bytea) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
	RETURN fit_report(logistic_regression_final(('training_set:1:' || replace(encode(b, 'base64'), E'\\n', ''))::training_set)) IS NOT NULL;
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$);
$node->safe_psql('postgres', $changed);
my @outcomes = rows($node, q(SELECT r, count(*) FROM sent, generate_series(0, length(b) - 1) AS i, unnest('{0,1,2,3,127,255}'::int[]) AS v, read(set_byte(b, i, v)) AS r GROUP BY r));
push @outcomes, rows($node, 'SELECT r, count(*) FROM sent, generate_series(0, length(b) - 1) AS i, read(substr(b, 1, i)) AS r GROUP BY r');
tally('a state of answers with another byte, or cut short, is an error or a set', $_->[0] =~ /\A(?:true|22P03|08P01|22021|22P02|22023|22003|2202E)\z/, "$_->[0]: $_->[1] times") for @outcomes;

#
# What cannot be
#
for my $bad (
	[ q(SELECT logistic_regression('label 9', features, annotator, model) FROM s, m), 'does not know label "label 9"' ],
	[ q(SELECT logistic_regression(label, features, annotator, model, '{"label_smoothing": 0.1}') FROM s, m), 'label_smoothing' ],
	[ q(SELECT logistic_regression(label, features, annotator, model, '{"correction": {"labels": ["a"], "counts": [[1]]}}') FROM s, m), 'correction' ],
	[ q(SELECT logistic_regression(label, features, annotator, CASE WHEN annotator < 'r' THEN model ELSE (SELECT dawid_skene(item, annotator, label) FROM s WHERE annotator > 'i') END) FROM s, m), 'must be the same' ],
	[ q(SELECT logistic_regression(label, x, '{"correction": {"labels": ["c0", "c1"], "counts": [[8, 2], [1, 9]]}}'::jsonb) FROM d WHERE id = 1), '"c2" is never given' ],
	[ q(SELECT logistic_regression(label, x, '{"correction": {"labels": ["c0", "c1", "c2"], "counts": [[8, 1, 1], [0, 0, 0], [1, 1, 8]]}}'::jsonb) FROM d WHERE id = 1), 'no counts where the truth is "c1"' ],
	[ q(SELECT logistic_regression(label, x, '{"correction": 3}'::jsonb) FROM d WHERE id = 1), 'confusion_matrix' ],
	[ q(SELECT logistic_regression(label, x, '{"l2": "best"}'::jsonb) FROM d WHERE id = 1), 'invalid value for option "l2"' ],
	[ q(SELECT logistic_regression(label, x, '{"loss": "hinge"}'::jsonb) FROM d WHERE id = 1), 'invalid value for option "loss"' ],
	[ q(SELECT logistic_regression(label, x, '{"q": 0}'::jsonb) FROM d WHERE id = 1), 'invalid value for option "q"' ],
	[ q(SELECT logistic_regression(label, x, '{"bootstrap": 1.1}'::jsonb) FROM d WHERE id = 1), 'invalid value for option "bootstrap"' ],
	[ q(SELECT logistic_regression(label, x, '{"folds": 3}'::jsonb) FROM d WHERE id = 1), 'unrecognized option "folds"' ],
	[ q(SELECT logistic_regression(i::text, '{1,2}'::float8[], '{"l2": "choose"}'::jsonb) FROM generate_series(1, 5) AS i), 'cannot choose' ],
  )
{
	my ($sql, $message) = @$bad;
	my ($status, $out, $err) = $node->psql('postgres', $sql);
	tally('what cannot be is an error that says so', $status != 0 && $err =~ /\Q$message\E/, "$sql: $err");
}

#
# Ctrl-C, in each loss and in the choice
#
$node->safe_psql('postgres', q(
CREATE TABLE large AS SELECT (i % 7)::text AS label, 'a' || i % 5 AS annotator, ARRAY(SELECT sin(i * j) FROM generate_series(1, 60) AS j) AS x FROM generate_series(1, 40000) AS i;
CREATE TABLE large_model AS SELECT dawid_skene((i / 3)::text, 'a' || i % 5, (i / 3 % 7)::text) AS model FROM generate_series(1, 300) AS i));
for my $call (
	(map { "logistic_regression(label, x, '$_'::jsonb) FROM large" } '{"l2": "choose"}', '{"loss": "generalised_cross_entropy", "tolerance": 1e-12}', '{"bootstrap": 0.7, "tolerance": 1e-12}',
		'{"label_smoothing": 0.1, "tolerance": 1e-12}'),
	q(logistic_regression(label, x, annotator, model, '{"l2": "choose"}') FROM large, large_model))
{
	my $late = 1e9;
	for (1 .. 3)
	{
		my ($status, $out, $err) = $node->psql('postgres', qq(SET client_min_messages = notice; SET statement_timeout = 900;
DO \$\$ BEGIN PERFORM $call; RAISE NOTICE 'done'; EXCEPTION WHEN query_canceled THEN RAISE NOTICE 'after % ms', extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000 - 900; END \$\$));
		$late = min($late, $1) if $err =~ /after (-?[0-9.]+) ms/;
		$late = min($late, 0) if $err =~ /done/ && $late == 1e9;
	}
	tally('a cancel is heard within 100 ms', $late < 100, "$call: $late ms");
}

#
# music_genre: what is learned of 700 songs, judged by 300
#
SKIP:
{
	my $data = data_folder();
	skip('NOISYLABEL_SHARED does not name the data sets', 2) if !defined $data;
	$node->safe_psql('postgres', q{
		CREATE TABLE songs (item text, features float8[]);
		CREATE TABLE test_gold (item text, label text);
		CREATE TABLE votes (item text, annotator text, label text)});
	copy_in($node, 'songs', [ map { [ shift @$_, '{' . join(',', @$_) . '}' ] } read_csv("$data/music_genre/features.csv") ]);
	copy_in($node, 'test_gold', [ read_csv("$data/music_genre/gold_test.csv") ]);
	copy_in($node, 'votes', [ read_csv("$data/music_genre/annotations.csv") ]);
	$node->safe_psql('postgres', q{
		CREATE TABLE music AS SELECT dawid_skene(item, annotator, label) AS model, dawid_skene(item, annotator, label, '{"variant": "majority"}'::jsonb) AS majority, annotation_set(item, annotator, label) AS votes FROM votes});
	my %classifier = (
		majority => q(SELECT logistic_regression(c.label, features, '{"l2": "choose"}'::jsonb) AS m FROM music, consensus(votes, majority) AS c JOIN songs USING (item)),
		answers => q(SELECT logistic_regression(label, features, annotator, model, '{"l2": "choose"}') AS m FROM music, votes JOIN songs USING (item)));
	my %accuracy;
	for my $kind (sort keys %classifier)
	{
		($accuracy{$kind}, my $l2) = @{ (rows($node,
			"SELECT accuracy(annotator_confusion(label, top_label(predict(m, features)))), (fit_report(m)).options ->> 'l2' FROM test_gold JOIN songs USING (item), ($classifier{$kind}) AS v GROUP BY m"))[0] };
		note("music_genre, $kind: accuracy $accuracy{$kind}, l2 $l2");
	}
	cmp_ok($accuracy{answers}, '>', 0.64, 'music_genre: every answer through its matrix');
	cmp_ok($accuracy{answers}, '>', $accuracy{majority}, 'music_genre: better than majority labels, l2 chosen for both');
}

report_checks();
done_testing();
