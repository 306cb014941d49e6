# learn_from_crowds(): against its parts put together by hand in SQL, and in Perl with groups
# and a label that is no class; the same bytes in every order and plan; what it gains over a classifier alone where answers are single;
# real songs; who may call it; memory and cancel.
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
use Time::HiRes qw(time);

my $node = new_node('learn_from_crowds', <<'END');
max_parallel_workers = 4
max_worker_processes = 8
min_parallel_table_scan_size = 0
parallel_setup_cost = 0
parallel_tuple_cost = 0
autovacuum = off
END

#
# By hand.  With as many folds as items each item is judged by a model of all others,
# so that it does not matter how items are dealt.
#
my $items = 90;
$node->safe_psql('postgres', <<"END");
CREATE TABLE kinds AS SELECT '{"reliable": {"count": 3, "accuracy": 0.85}, "hasty": {"count": 3, "accuracy": 0.55}, "constant": 1}'::jsonb AS kinds;
CREATE TABLE answers AS
SELECT c, s.item, s.annotator, s.label, s.features, CASE WHEN c = 2 AND substr(md5(s.item), 1, 1) < '3' THEN s.truth END AS gold
FROM (VALUES (1, 1, 3), (2, 3, 3), (3, 2, 3)) AS v(c, n, k), kinds,
     LATERAL simulate_annotations($items, kinds, jsonb_build_object('classes', k, 'answers', n, 'features', 3, 'separation', 2.5, 'seed', c)) AS s;
CREATE TABLE evidence (c int, item text, features float8[], d label_distribution);
CREATE TABLE predicted (c int, item text, p label_distribution);
-- by what an item is judged: where it has one answer, without itself
CREATE TABLE learned (c int, without text, m annotator_model);
CREATE TABLE rated (m annotator_model);
END
my $fit = '"l2": 2, "tolerance": 1e-10';

# One step of it: statements over case $c.
sub by_hand
{
	my ($c, $training, $rounds) = @_;
	my $gold = q(CASE WHEN gold IS NOT NULL THEN label_distribution(ARRAY[gold], '{1}') ELSE);
	my $of = "FROM answers WHERE c = $c";
	# of items with several answers all are learned from
	my $others = $c == 1 ? 'item <> e.item' : 'e.item IS NOT NULL';
	my $sql = "DELETE FROM evidence; DELETE FROM predicted; DELETE FROM learned;\n";
	# votes
	$sql .= "INSERT INTO evidence SELECT c, item, min(features), $gold avg(label_distribution(ARRAY[label], '{1}')) END $of GROUP BY c, item, gold;\n";
	for my $round (1 .. $rounds)
	{
		$sql .= "DELETE FROM predicted;\n";
		if ($training eq 'every_answer')
		{
			my $options = qq('{$fit}'::jsonb);
			my $learn = $round == 1 ? "logistic_regression(a.label, a.features, $options)"
			  : "logistic_regression(a.label, a.features, a.item || ' ' || a.annotator, (SELECT m FROM rated), $options)";
			$sql .= "INSERT INTO predicted SELECT e.c, e.item, predict((SELECT $learn FROM answers AS a WHERE a.c = $c AND a.item <> e.item), e.features) FROM evidence AS e;\n";
		}
		else
		{
			$sql .= "INSERT INTO predicted SELECT c, item, oof_predict(d, features, item, '{$fit, \"folds\": $items}'::jsonb) OVER () FROM evidence;\n";
		}
		# answers by annotators of whom nothing is known: right in 7 of 10; n of them are worth n / (1 + .3 (n - 1))
		$sql .= <<"END" if $round == 1;
WITH classes AS (SELECT avg(label_distribution(ARRAY[label], '{1}')) AS even, count(*) AS k FROM (SELECT DISTINCT label $of) AS l),
     said AS (SELECT item, gold, temper(product(soft_label(label, even, (0.7 * k - 1) / (k - 1))), 1 / (1 + 0.3 * (count(*) - 1))) AS d
              FROM answers, classes WHERE c = $c GROUP BY item, gold)
UPDATE evidence AS e SET d = $gold combine(p, said.d) END FROM predicted JOIN said USING (item) WHERE e.item = said.item;
END
		for my $pass (1 .. 3)
		{
			$sql .= learn_by_hand($c, $others, '{"correlation": 0}') . weigh_by_hand($c, $gold, 'without = item');
		}
		$sql .= learn_by_hand($c, $others, '{"correlation": 0}') . rate_by_hand();
	}
	return $sql . learn_by_hand($c, 'e.item IS NOT NULL', '{}') . weigh_by_hand($c, $gold, 'without = item');
}

# A model for each item, of the items that a condition names
sub learn_by_hand
{
	my ($c, $of, $options) = @_;
	return <<"END";
DELETE FROM learned;
INSERT INTO learned
SELECT $c, e.item, (SELECT learn_annotators(annotator, d, label, '$options'::jsonb) FROM answers JOIN evidence USING (c, item) WHERE c = $c AND $of)
FROM evidence AS e;
END
}

# One model of all, in which each item has annotators of its own
sub rate_by_hand
{
	return <<'END';
DELETE FROM rated;
WITH models AS (SELECT without, m::jsonb AS j FROM learned),
     each AS (SELECT without || ' ' || (j -> 'annotators' ->> n) AS annotator, j -> 'counts' -> n AS counts, j -> 'variances' -> n AS variances, j -> 'components' -> 0 -> 'confusion' -> n AS confusion
              FROM models, LATERAL generate_series(0, jsonb_array_length(j -> 'annotators') - 1) AS n)
INSERT INTO rated
SELECT ((SELECT j FROM models LIMIT 1) ||
        jsonb_build_object('annotators', jsonb_agg(annotator ORDER BY annotator COLLATE "C"), 'counts', jsonb_agg(counts ORDER BY annotator COLLATE "C"), 'variances', jsonb_agg(variances ORDER BY annotator COLLATE "C"),
                           'annotations', jsonb_agg(1), 'gold_annotations', jsonb_agg(0),
                           'components', jsonb_build_array((SELECT j -> 'components' -> 0 FROM models LIMIT 1) || jsonb_build_object('confusion', jsonb_agg(confusion ORDER BY annotator COLLATE "C")))))::text::annotator_model
FROM each;
END
}

sub weigh_by_hand
{
	my ($c, $gold, $which) = @_;
	return "UPDATE evidence AS e SET d = w.d FROM (SELECT item, $gold posterior((SELECT m FROM learned WHERE $which), annotator, label, p) END AS d FROM answers JOIN predicted USING (c, item) WHERE c = $c GROUP BY item, gold) AS w WHERE e.item = w.item;\n";
}

for my $case ([ 1, 'every_answer' ], [ 3, 'every_answer' ], [ 1, 'consensus' ], [ 2, 'consensus' ], [ 3, 'consensus' ])
{
	my ($c, $training) = @$case;
	$node->safe_psql('postgres', "DROP TABLE IF EXISTS model; CREATE TABLE model AS SELECT learn_from_crowds(item, annotator, label, features, gold, '{$fit, \"folds\": $items, \"training\": \"$training\", \"rounds\": 3}'::jsonb) AS m FROM answers WHERE c = $c");
	my $rounds = value($node, 'SELECT (fit_report(m)).rounds FROM model');
	cmp_ok($rounds, '>=', 2, "case $c, $training: $rounds rounds");
	is(value($node, 'SELECT (fit_report(m)).warnings FROM model'), '{}', "case $c, $training: no warning");
	$node->safe_psql('postgres', by_hand($c, $training, $rounds));
	my ($row) = rows($node, q{
		SELECT count(*), max(abs(a.probability - probability(e.d, a.label))), max(abs(probability(predicted, a.label) - probability(p.p, a.label)))
		FROM model, consensus(m) AS s JOIN evidence AS e USING (item) JOIN predicted AS p USING (item), probabilities(s.distribution) AS a});
	cmp_ok($row->[0], '>=', 2 * $items, "case $c, $training: probabilities");
	cmp_ok($row->[1], '<', 1e-6, "case $c, $training: distributions as by hand");
	cmp_ok($row->[2], '<', 1e-6, "case $c, $training: predictions as by hand");
	is(value($node, q{
		SELECT max(abs(a.rate_used - b.rate_used)) < 1e-6 FROM model, annotator_rates(annotator_model(m)) AS a JOIN (SELECT r.* FROM (SELECT m FROM learned LIMIT 1) AS one, annotator_rates(m) AS r) AS b USING (annotator, truth, label)}),
		't', "case $c, $training: matrices as by hand");
	my $by_hand = $training eq 'consensus' ? "logistic_regression(d, features, '{$fit}'::jsonb) AS c FROM evidence"
	  : "logistic_regression(label, features, item || ' ' || annotator, (SELECT m FROM rated), '{$fit}'::jsonb) AS c FROM answers WHERE c = $c";
	# consensus: the classifier learns from what counts in full, which is what is reported where answers are single
	next if $training eq 'consensus' && $c > 1;
	is(value($node, "SELECT max(abs(a.coefficient - b.coefficient)) < 1e-5 FROM model, coefficients(classifier(m)) AS a JOIN (SELECT k.* FROM (SELECT $by_hand) AS v, coefficients(c) AS k) AS b USING (label, feature)"),
		't', "case $c, $training: the classifier as by hand");
}

#
# Fewer folds than items: the prediction is the mean by three deals.  Of three kinds of items in
# two folds each deal leaves one kind alone, which the two others predict, and which predicts both.
#
$node->safe_psql('postgres', <<"END");
CREATE TABLE kind_answers AS
SELECT i AS kind, 'item ' || i || '.' || n AS item, 'annotator ' || j AS annotator, CASE WHEN j <= i THEN 'A' ELSE 'B' END AS label, ARRAY[i * i]::float8[] AS features
FROM generate_series(1, 3) AS i, generate_series(1, 10) AS n, generate_series(1, 4) AS j;
CREATE TABLE kind_votes AS
SELECT kind, features, avg(label_distribution(ARRAY[label], '{1}')) AS d, count(*)::float8 AS voices FROM kind_answers GROUP BY kind, features;
CREATE TABLE kind_deals AS
SELECT alone, kind, probability(predict((SELECT logistic_regression(v.d, v.features, v.voices, '{$fit}'::jsonb) FROM kind_votes AS v
                                         WHERE CASE t.kind WHEN alone THEN v.kind <> alone ELSE v.kind = alone END), t.features), 'A') AS p
FROM kind_votes AS t, (SELECT kind AS alone FROM kind_votes) AS a;
END
my %matching;
for my $seed (0 .. 5)
{
	my $matching = value($node, qq{
		WITH predicted AS (SELECT split_part(substr(item, 6), '.', 1)::int AS kind, probability(predicted, 'A') AS p
		                   FROM consensus((SELECT learn_from_crowds(item, annotator, label, features, '{$fit, "folds": 2, "duplicates": "together", "rounds": 1, "seed": $seed}'::jsonb) FROM kind_answers)))
		SELECT string_agg(v.deals, ', ')
		FROM (SELECT format('%s %s %s', a.alone, b.alone, c.alone) AS deals
		      FROM kind_deals AS a JOIN kind_deals AS b USING (kind) JOIN kind_deals AS c USING (kind) JOIN predicted AS p USING (kind)
		      WHERE a.alone <= b.alone AND b.alone <= c.alone
		      GROUP BY a.alone, b.alone, c.alone HAVING max(abs(p.p - (a.p + b.p + c.p) / 3)) < 1e-6 AND count(*) = 30) AS v});
	like($matching, qr/^[123] [123] [123]$/, "seed $seed: the mean of three deals, which leave alone $matching");
	$matching{$matching} = 1;
}
cmp_ok(scalar(keys %matching), '>', 1, 'which differ by seed');
cmp_ok(scalar(grep { !/^(.) \1 \1$/ } keys %matching), '>', 0, 'and from each other');

#
# Many annotators with few answers each: rates that had learned from an item would excuse whatever the
# classifier says of it, more in each round
#
my @many = rows($node, q{
	WITH crowd AS (SELECT k, seed, s.* FROM unnest('{3, 8}'::int[]) AS k, generate_series(1, 2) AS seed,
	                      LATERAL simulate_annotations(2000, '{"reliable": {"count": 300, "accuracy": 0.9, "spread": 0.05}}', jsonb_build_object('classes', k, 'answers', 1, 'features', 10, 'separation', 1.5, 'seed', seed)) AS s),
	     fitted AS MATERIALIZED (SELECT k, seed, learn_from_crowds(item, annotator, label, features, '{"l2": 3}'::jsonb) AS m FROM crowd GROUP BY k, seed)
	SELECT k, avg((crowd.label = truth)::int), avg((c.label = truth)::int), avg((predicted_label = truth)::int), avg(predicted_confidence)
	FROM crowd JOIN (SELECT k, seed, s.* FROM fitted, consensus(m) AS s) AS c USING (k, seed, item) GROUP BY k ORDER BY k});
is(scalar(@many), 2, 'many annotators: all crowds');
for my $row (@many)
{
	my ($k, $answers, $right, $predicted, $confidence) = @$row;
	cmp_ok($right, '>', $answers - 0.03, sprintf('many annotators, %d classes: the label is right on %.3f, answers are on %.3f', $k, $right, $answers));
	cmp_ok($confidence, '<', $predicted + 0.1, sprintf('many annotators, %d classes: predictions are sure by %.3f, and right on %.3f', $k, $confidence, $predicted));
}

#
# So few items that features cannot be told from chance: they are not believed, and confidence
# is no larger than it should be
#
my @tiny = rows($node, q{
	WITH crowd AS (SELECT n, a, seed, s.* FROM unnest('{2, 5, 10, 20}'::int[]) AS n, unnest('{1, 3}'::int[]) AS a, generate_series(1, 20) AS seed,
	                      LATERAL simulate_annotations(n, '{"reliable": 2, "hasty": 2, "spammer": 1}', jsonb_build_object('answers', a, 'features', 4, 'separation', 1, 'seed', seed)) AS s),
	     fitted AS MATERIALIZED (SELECT n, a, seed, learn_from_crowds(item, annotator, label, features) AS m FROM crowd GROUP BY n, a, seed)
	SELECT a, n, avg(c.confidence), avg((c.label = truth)::int), avg((c.predicted IS NULL)::int)
	FROM (SELECT DISTINCT n, a, seed, item, truth FROM crowd) AS t JOIN (SELECT f.n, f.a, f.seed, s.* FROM fitted AS f, consensus(m) AS s) AS c USING (n, a, seed, item)
	GROUP BY a, n ORDER BY a, n});
is(scalar(@tiny), 8, 'few items: all sizes');
for my $row (@tiny)
{
	my ($answers, $n, $confidence, $right, $unpredicted) = @$row;
	cmp_ok($confidence, '<', $right + 0.07, sprintf('%d items with %d answers: confidence %.3f where %.3f are right; nothing predicted for %.2f', $n, $answers, $confidence, $right, $unpredicted));
}

# Of few items, every answer would explain a class away: said, and not done
my ($few) = rows($node, q{
	SELECT (fit_report(m)).warnings::text, min((SELECT sum(probability(distribution, l)) FROM consensus(m), unnest(ARRAY['A', 'B']) AS l WHERE l = k)) > 5
	FROM (SELECT learn_from_crowds(item, annotator, label, features, '{"l2": 3}'::jsonb) AS m
	      FROM kinds, LATERAL simulate_annotations(40, kinds, '{"classes": 2, "answers": 1, "features": 5, "separation": 1.2, "seed": 4}')) AS v, unnest(ARRAY['A', 'B']) AS k
	GROUP BY m});
like($few->[0], qr/trained by .*"consensus.*since by .*every_answer.* class .* was nearly lost/, 'few items: a class was nearly lost');
is($few->[1], 't', 'and is there');
# then it is what "consensus" makes, also where items have unlike numbers of answers
is(value($node, q{
	WITH few AS MATERIALIZED (
		SELECT i / 3 AS item, 'w' || i % 3 AS annotator, CASE WHEN i / 3 % 10 = 0 THEN 'rare' WHEN substr(md5(i::text), 1, 1) < '5' THEN 'q' ELSE 'z' END AS label,
		       ARRAY[sin(i / 3 * 1.3), cos(i / 3 * 2.7)] AS features
		FROM generate_series(1, 120) AS i WHERE i / 3 % 2 = 1 OR i % 3 = 0),
	     fitted AS MATERIALIZED (SELECT training, learn_from_crowds(item, annotator, label, features, jsonb_build_object('l2', 1, 'training', training)) AS m
	                             FROM few, unnest(ARRAY['every_answer', 'consensus']) AS training GROUP BY training)
	SELECT bool_or((fit_report(a.m)).warnings::text LIKE '%was nearly lost%') AND max(abs(probability(s.distribution, 'rare') - probability(t.distribution, 'rare'))) = 0
	FROM fitted AS a, fitted AS b, consensus(a.m) AS s JOIN consensus(b.m) AS t USING (item) WHERE a.training = 'every_answer' AND b.training = 'consensus'}),
	't', 'as by consensus');

#
# Groups and abstentions by hand, of four answers an item: three hasty annotators are one
# voice, and some say that they are unsure, most of them on class A; on some items all do.
# The first round is predicted by a classifier of the votes; then matrices and evidence are
# made here from these predictions.
#
$node->safe_psql('postgres', <<"END");
CREATE TABLE heard AS
SELECT 'groups' AS crowd, item, annotator, label, features, voice, 1.0::float8 / count(*) OVER (PARTITION BY item, voice) AS heard
FROM kinds, LATERAL (SELECT *, CASE WHEN annotator LIKE 'hasty%' THEN 'hasty' ELSE annotator END AS voice
                     FROM simulate_annotations($items, kinds, '{"classes": 3, "answers": 4, "features": 3, "separation": 2.5, "seed": 4}')) AS s;
INSERT INTO heard
SELECT 'unsure', item, annotator, CASE WHEN substr(md5(item || annotator), 1, 1) < CASE label WHEN 'A' THEN '6' ELSE '2' END OR substr(md5(item), 1, 1) = '0' THEN 'unsure' ELSE label END,
       features, voice, heard FROM heard;
CREATE TABLE grouped AS
SELECT crowd, learn_from_crowds(item, annotator, label, features,
         jsonb_build_object('l2', 2, 'tolerance', 1e-10, 'folds', $items, 'rounds', 1, 'abstain', 'unsure', 'groups', (SELECT jsonb_object_agg(annotator, voice) FROM heard))) AS m
FROM heard GROUP BY crowd;
CREATE TABLE votes AS
SELECT crowd, item, features, avg(label_distribution(ARRAY[label], '{1}')) AS d, count(DISTINCT voice)::float8 AS voices
FROM heard, generate_series(1, round(6 * heard)::int) WHERE label <> 'unsure' GROUP BY crowd, item, features;
END
is(value($node, q(SELECT bool_and(n < 90) AND count(*) = 1 FROM (SELECT count(*) AS n FROM votes WHERE crowd = 'unsure') AS v)), 't', 'abstentions: on some items all abstain');
is(value($node, 'SELECT string_agg(labels(m)::text, chr(32)) FROM grouped'), '{A,B,C} {A,B,C}', 'abstentions: no class');
is(value($node, qq{
	SELECT string_agg((n = $items AND far < 1e-6)::text, ' ')
	FROM (SELECT g.crowd, count(DISTINCT s.item) AS n, max(abs(probability(s.predicted, l) - probability(p, l))) AS far
	      FROM grouped AS g, consensus(m) AS s JOIN (SELECT DISTINCT item, features FROM heard) AS f USING (item), unnest(labels(m)) AS l,
	           LATERAL predict((SELECT logistic_regression(v.d, v.features, v.voices, '{$fit}'::jsonb) FROM votes AS v WHERE v.crowd = g.crowd AND v.item <> s.item), f.features) AS p
	      GROUP BY g.crowd) AS w}),
	'true true', 'groups, abstentions: predictions as by hand');

# The M step (em_rule.c): evidence by item and class, to rates by annotator, label and class.
# The label after the classes is no class.
sub learn_rates
{
	my ($answers, $evidence, $classes) = @_;
	my @k = (0 .. $classes - 1);
	my $none = $classes;
	my @crowd = map { [ (0) x $classes ] } 0 .. $none;
	my (%count, %rates);
	my $abstains = 0;
	for my $answer (@$answers)
	{
		my ($item, $annotator, $label, $heard) = @$answer;
		$count{$annotator} //= [ map { [ (0) x $classes ] } 0 .. $none ];
		$abstains = 1 if $label == $none;
		$crowd[$label][$_] += $heard * $evidence->{$item}[$_] for @k;
		$count{$annotator}[$label][$_] += $evidence->{$item}[$_] for @k;
	}
	my $logit = sub { log($_[0] / (1 - $_[0])) };
	my (@pool, @errors, $mean);
	my $abstentions = (1 + sum0(@{ $crowd[$none] })) / ($classes + 1 + sum0(map { @$_ } @crowd));
	for my $k (@k)
	{
		my $n = sum0(map { $crowd[$_][$k] } @k);
		$pool[$_][$k] = ($crowd[$_][$k] + 4 * ($_ == $k ? 0.7 : 0.3 / ($classes - 1))) / ($n + 4) for @k;
		$pool[$none][$k] = ($crowd[$none][$k] + 4 * $abstentions) / ($crowd[$none][$k] + $n + 4);
		$errors[$k] = sum0(map { $_ == $k ? 0 : $pool[$_][$k] } @k);
		$mean += $pool[$k][$k] / $classes;
	}
	for my $annotator (keys %count)
	{
		my $c = $count{$annotator};
		my (@own, @named);
		for my $k (@k)
		{
			$named[$k] = sum0(map { $c->[$_][$k] } @k);
			$own[$_][$k] = ($c->[$_][$k] + 4 * $pool[$_][$k]) / ($named[$k] + 4) for @k;
		}
		my $q = sum0(map { $own[$_][$_] / $classes } @k);
		for my $k (@k)
		{
			my $like = 1 / (1 + exp(-($logit->($pool[$k][$k]) + $logit->($q) - $logit->($mean))));
			my $right = ($q + $like) / 2;
			my $abstain = $abstains ? ($c->[$none][$k] + 4 * $pool[$none][$k]) / ($c->[$none][$k] + $named[$k] + 4) : 0;
			$rates{$annotator}[$_][$k] = (1 - $abstain) * ($own[$_][$k] + ($_ == $k ? $right : (1 - $right) * $pool[$_][$k] / $errors[$k])) / 2 for @k;
			$rates{$annotator}[$none][$k] = $abstain;
		}
	}
	return \%rates;
}

# The E step: the prediction, times what answers say by "log_rate"->(annotator, label, class),
# to a power by the voices that name a class.
sub weigh_answers
{
	my ($answers, $prior, $classes, $log_rate, $correlation) = @_;	# log_rate->(annotator, label, class, item)
	my (%log, %voices, %evidence);
	for my $answer (@$answers)
	{
		my ($item, $annotator, $label, $heard, $voice) = @$answer;
		$log{$item}[$_] += $heard * $log_rate->($annotator, $label, $_, $item) for 0 .. $classes - 1;
		$voices{$item}{$voice} = 1 if $label < $classes;
	}
	for my $item (keys %log)
	{
		my $voices = max(1, scalar keys %{ $voices{$item} // {} });
		my $power = 1 / (1 + ($voices - 1) * $correlation);
		my @p = map { $prior->{$item}[$_] * exp($power * $log{$item}[$_]) } 0 .. $classes - 1;
		my $sum = sum0(@p);
		$evidence{$item} = [ map { $_ / $sum } @p ];
	}
	return \%evidence;
}

# The rates by which an item is judged: if no two voices name a class, of the other items
sub learn_without
{
	my ($item, $answers, $evidence, $classes) = @_;
	my %voices = map { ($_->[4] => 1) } grep { $_->[0] eq $item && $_->[2] < $classes } @$answers;
	return learn_rates(keys %voices > 1 ? $answers : [ grep { $_->[0] ne $item } @$answers ], $evidence, $classes);
}

# Table "rated": the model, in which each item has annotators of its own
sub rate_heard
{
	my ($answers, $without) = @_;
	my $model = json(value($node, "SELECT annotator_model(m)::jsonb FROM grouped WHERE crowd = 'groups'"));
	my %of = map { ("$_->[0] $_->[1]" => $without->{ $_->[0] }{ $_->[1] }) } @$answers;
	my @names = sort keys %of;
	my @none = map { 0 } @names;
	my $zeros = [ map { [ (0) x 3 ] } 0 .. 2 ];
	@$model{qw(annotators annotations gold_annotations counts variances notes)} =
	  (\@names, [ map { 1 } @names ], \@none, [ map { $zeros } @names ], [ map { $zeros } @names ], {});
	$model->{voices} = { of => 'annotators', groups => [], gold_items => 0, correlation => 0, teaching_items => 1 };
	# theirs has the truth first
	$model->{components}[0]{confusion} = [ map { my $r = $of{$_}; [ map { my $k = $_; [ map { $r->[$_][$k] } 0 .. 2 ] } 0 .. 2 ] } @names ];
	$node->safe_psql('postgres', 'DELETE FROM rated; INSERT INTO rated VALUES ($json$' . JSON::PP->new->encode($model) . '$json$)');
}

my %place = (A => 0, B => 1, C => 2, unsure => 3);
my $odds = log(0.7 / 0.15);
for my $crowd ('groups', 'unsure')
{
	my @heard = map { [ $_->[0], $_->[1], $place{ $_->[2] }, $_->[3], $_->[4] ] } rows($node, "SELECT item, annotator, label, heard, voice FROM heard WHERE crowd = '$crowd'");
	my ($prior, $rates) = {};
	$prior->{ $_->[0] }[ $place{ $_->[1] } ] = $_->[2] for rows($node, "SELECT item, l, probability(predicted, l) FROM grouped, consensus(m), unnest(labels(m)) AS l WHERE crowd = '$crowd'");
	my $evidence = weigh_answers(\@heard, $prior, 3, sub { $_[1] == $_[2] ? $odds : 0 }, 0.3);
	my %without;
	for my $pass (1 .. 3)
	{
		%without = map { $_ => learn_without($_, \@heard, $evidence, 3) } keys %$prior;
		$evidence = weigh_answers(\@heard, $prior, 3, sub { log $without{ $_[3] }{ $_[0] }[ $_[1] ][ $_[2] ] }, 0);
	}
	%without = map { $_ => learn_without($_, \@heard, $evidence, 3) } keys %$prior;
	rate_heard(\@heard, \%without) if $crowd eq 'groups';
	$rates = learn_rates(\@heard, $evidence, 3);
	$evidence = weigh_answers(\@heard, $prior, 3, sub { log $rates->{ $_[0] }[ $_[1] ][ $_[2] ] }, 0.3);
	my @far = map { abs($_->[2] - $evidence->{ $_->[0] }[ $place{ $_->[1] } ]) } rows($node, "SELECT item, l, probability(distribution, l) FROM grouped, consensus(m), unnest(labels(m)) AS l WHERE crowd = '$crowd'");
	is(scalar(@far), 3 * $items, "$crowd: probabilities");
	cmp_ok(max(@far), '<', 1e-8, "$crowd: distributions as by hand");
	@far = map { abs($_->[3] - $rates->{ $_->[0] }[ $place{ $_->[1] } ][ $place{ $_->[2] } ]) } rows($node, "SELECT annotator, label, truth, rate_used FROM grouped, annotator_rates(annotator_model(m)) WHERE crowd = '$crowd' AND truth <> 'unsure'");
	is(scalar(@far), 7 * 3 * ($crowd eq 'unsure' ? 4 : 3), "$crowd: rates");
	cmp_ok(max(@far), '<', 1e-8, "$crowd: matrices as by hand");
}
# the classifier of all learns from each answer as often as it is heard
is(value($node, q{
	SELECT max(abs(a.coefficient - b.coefficient)) < 1e-5
	FROM grouped, coefficients(classifier(m)) AS a
	     JOIN coefficients((SELECT logistic_regression(label, features, item || ' ' || annotator, (SELECT m FROM rated), '{"l2": 12, "tolerance": 1e-10}'::jsonb)
	                        FROM heard, generate_series(1, round(6 * heard)::int) WHERE crowd = 'groups')) AS b USING (label, feature)
	WHERE crowd = 'groups'}),
	't', 'groups: the classifier as by hand');

#
# The same bytes from any order, plan and signature
#
$node->safe_psql('postgres', <<'END');
CREATE TABLE crowd AS SELECT row_number() OVER () AS n, s.* FROM kinds, LATERAL simulate_annotations(500, kinds, '{"classes": 3, "answers": 2, "features": 6, "seed": 3}') AS s;
CREATE TABLE parts (LIKE crowd) PARTITION BY HASH (annotator);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parts SELECT * FROM crowd;
ANALYZE;
END
my $call = q(learn_from_crowds(item, annotator, label, features, '{"l2": 3, "rounds": 2}'::jsonb));
my $right = value($node, "SELECT md5($call\::text) FROM crowd");
for my $seed (1 .. 3)
{
	is(value($node, "SELECT md5(" . ($call =~ s/\)$/ ORDER BY md5(n || '-$seed'))/r) . "::text) FROM crowd"), $right, 'shuffled rows');
}
is(value($node, "SET enable_partitionwise_aggregate = on; SELECT md5($call\::text) FROM parts"), $right, 'states of partitions');
is(value($node, "SELECT md5($call\::text) FROM parts"), $right, 'rows of partitions');
is(value($node, "SELECT md5(learn_from_crowds_final(crowd_rows_combine(a::text::crowd_rows, b))::text) FROM (SELECT (SELECT collect(item, annotator, label, features, o) FROM parts_0) AS a, (SELECT collect(item, annotator, label, features, o) FROM parts_1) AS b FROM (VALUES ('{\"l2\": 3, \"rounds\": 2}'::jsonb)) AS v(o)) AS w"),
	$right, 'states as text') if $node->safe_psql('postgres', 'CREATE AGGREGATE collect(text, text, text, float8[], jsonb) (SFUNC = crowd_rows_accum, STYPE = crowd_rows)') eq '';
like(join(' ', map { $_->[0] } rows($node, "EXPLAIN SELECT $call FROM crowd")), qr/^(?!.*Partial)/, 'no workers: a state is all its rows');

#
# Finding wrong labels where each item has one answer, by annotators of 10, 20 and 40 % noise
#
my %noisy = (
	10 => '{"expert": {"count": 4, "accuracy": 0.98}, "reliable": {"count": 6, "accuracy": 0.95, "spread": 0.03}, "spammer": 1}',
	20 => '{"expert": 3, "reliable": {"count": 5, "accuracy": 0.9}, "hasty": {"count": 4, "accuracy": 0.7, "spread": 0.1}, "constant": 1}',
	40 => '{"expert": 2, "reliable": {"count": 4, "accuracy": 0.85}, "hasty": {"count": 5, "accuracy": 0.5, "spread": 0.2}, "spammer": 3, "adversary": 1}');
my @gains;
for my $noise (sort keys %noisy)
{
	for my $seed (1 .. 3)
	{
		my ($row) = rows($node, qq{
			CREATE TEMP TABLE single AS SELECT * FROM simulate_annotations(800, '$noisy{$noise}', '{"classes": @{[ (2, 3, 5)[$seed % 3] ]}, "answers": 1, "features": 20, "separation": @{[ (1.5, 2.5)[$seed % 2] ]}, "seed": @{[ 100 + $seed ]}}');
			WITH oof AS (SELECT *, oof_predict(label, features, item, '{"l2": 10}'::jsonb) OVER () AS p FROM single),
			     learned AS MATERIALIZED (SELECT learn_from_crowds(item, annotator, label, features, '{"l2": 10}'::jsonb) AS m FROM single)
			SELECT (ranking_report(score_set(o.label <> truth, 1 - probability(p, o.label)))).average_precision,
			       (ranking_report(score_set(o.label <> truth, 1 - probability(c.distribution, o.label)))).average_precision
			FROM oof AS o JOIN (SELECT s.item, s.distribution FROM learned, consensus(m) AS s) AS c USING (item)});
		push @gains, $row->[1] - $row->[0];
		note(sprintf('%d %% noise, seed %d: %.3f alone, %.3f with annotators', $noise, $seed, @$row));
	}
}
my $mean = sum0(@gains) / @gains;
cmp_ok($mean, '>=', 0.03, sprintf('average precision of finding wrong labels: %+.3f on average', $mean));

#
# Features that say nothing: answers are believed as without them
#
my ($useless) = rows($node, q{
	WITH crowd AS (SELECT seed, s.* FROM generate_series(1, 3) AS seed,
	                      LATERAL simulate_annotations(300, '{"reliable": {"count": 5, "accuracy": 0.8}}',
	                          jsonb_build_object('answers', 3, 'features', 4, 'separation', 0, 'seed', seed)) AS s),
	     fitted AS (SELECT seed, annotation_set(item, annotator, label) AS a, dawid_skene(item, annotator, label) AS d,
	                       learn_from_crowds(item, annotator, label, features, '{"l2": 10}'::jsonb) AS m FROM crowd GROUP BY seed)
	SELECT avg((d.label = truth)::int), avg((c.label = truth)::int), count(DISTINCT seed) FILTER (WHERE array_to_string((fit_report(m)).warnings, ' ') LIKE '%features say little: out of fold%')
	FROM (SELECT DISTINCT seed, item, truth FROM crowd) AS t JOIN fitted USING (seed),
	     LATERAL consensus(a, fitted.d) AS d, LATERAL consensus(m) AS c WHERE d.item = t.item AND c.item = t.item});
note(sprintf('useless features: %.3f of the items right without them, %.3f with', @$useless));
cmp_ok($useless->[1], '>=', $useless->[0] - 0.02, 'useless features do no harm where items have several answers');
cmp_ok($useless->[2], '>=', 2, 'and it is said that they are');

#
# Real songs: the classifier of all answers is better on songs that nobody answered than that of majority labels
#
SKIP:
{
	my $folder = data_folder();
	skip 'NOISYLABEL_SHARED is not set', 2 if !defined $folder;
	$folder .= '/music_genre';
	$node->safe_psql('postgres', 'CREATE TABLE song_answers (item text, annotator text, label text); CREATE TABLE test_songs (item text, label text); CREATE TABLE songs (item text, features float8[])');
	copy_in($node, 'song_answers', [ map { [ @{$_}[ 0 .. 2 ] ] } read_csv("$folder/annotations.csv") ]);
	copy_in($node, 'test_songs', [ map { [ @{$_}[ 0, 1 ] ] } read_csv("$folder/gold_test.csv") ]);
	copy_in($node, 'songs', [ map { [ $_->[0], '{' . join(',', @{$_}[ 1 .. $#$_ ]) . '}' ] } read_csv("$folder/features.csv") ]);
	my ($row) = rows($node, q{
		WITH votes AS (SELECT item, label, count(*) AS n FROM song_answers GROUP BY item, label),
		     majority AS (SELECT DISTINCT ON (item) item, label FROM votes ORDER BY item, n DESC, label COLLATE "C"),
		     fitted AS MATERIALIZED (
			SELECT (SELECT logistic_regression(label, features, '{"l2": "choose"}') FROM majority JOIN songs USING (item)) AS m,
			       (SELECT classifier(learn_from_crowds(item, annotator, label, features)) FROM song_answers JOIN songs USING (item)) AS c)
		SELECT avg((top_label(predict(m, features)) = label)::int), avg((top_label(predict(c, features)) = label)::int)
		FROM fitted, test_songs JOIN songs USING (item)});
	note(sprintf('300 songs: majority labels %.4f, learn_from_crowds() %.4f', @$row));
	cmp_ok($row->[1], '>=', 0.685, 'songs: accuracy');
	cmp_ok($row->[1] - $row->[0], '>', 0.02, 'songs: more than by majority labels');
}

#
# Who may call it: a role that may only read, and sees its own rows only
#
$node->safe_psql('postgres', <<'END');
CREATE ROLE reader LOGIN;
GRANT SELECT ON crowd TO reader;
ALTER TABLE crowd ENABLE ROW LEVEL SECURITY;
CREATE POLICY evens ON crowd FOR SELECT TO reader USING (n % 2 = 0);
END
is(value($node, "SET ROLE reader; SET default_transaction_read_only = on; SELECT md5($call\::text) FROM crowd"),
	value($node, "SELECT md5($call\::text) FROM crowd WHERE n % 2 = 0"), 'row-level security, read only');

#
# The examples of the document run
#
$node->safe_psql('postgres', 'CREATE SCHEMA document; SET search_path = document, public; CREATE TABLE answers AS SELECT item, annotator, label FROM crowd; CREATE TABLE items AS SELECT DISTINCT item, features FROM crowd');
my ($sql) = slurp_file("$FindBin::RealBin/../../docs/learn-from-crowds.md") =~ /^```sql\n(.*?)^```$/ms;
my @statements = grep { /\S/ } split /;\s*$/m, $sql;
# the model; annotators, the report, doubtful answers, predictions
$node->safe_psql('postgres', 'SET search_path = document, public; ' . shift @statements);
my @found = map { my @rows = rows($node, "SET search_path = document, public; $_"); scalar @rows } @statements;
is("@found", '7 1 20 5', 'docs/learn-from-crowds.md: its statements give rows');

#
# Progress
#
$node->psql('postgres', "SET noisylabel.progress = on; SELECT $call IS NULL FROM crowd", stderr => \my $progress);
is(join(' ', $progress =~ /learn_from_crowds: round ([0-9]+), l2 3,/g), '1 2', 'progress is reported');

#
# Memory is refused before it is taken; cancel is answered
#
$node->safe_psql('postgres', q{
	CREATE TABLE large AS
	SELECT i, 'item ' || i AS item, 'annotator ' || i % 50 AS annotator, 'c' || (CASE WHEN i % 5 = 0 THEN i / 5 ELSE i END) % 10 AS label,
	       (SELECT array_agg(sin(i * j) + CASE WHEN i % 10 = j THEN 1 ELSE 0 END) FROM generate_series(0, 29) AS j)::float8[] AS features
	FROM generate_series(1, 30000) AS i});
$node->psql('postgres', "SET noisylabel.memory_limit = '8MB'; SELECT learn_from_crowds(item, annotator, label, features) FROM large", stderr => \my $error);
like($error, qr/ERROR:  .*noisylabel.memory_limit/, 'memory is refused');
like($error, qr/HINT:/, 'with a hint');
my $moments = 0;
for my $after (300, 1000, 2000, 3500)
{
	my $best;
	for (1 .. 3)
	{
		my $began = time;
		$node->psql('postgres', "SET statement_timeout = $after; SELECT learn_from_crowds(item, annotator, label, features, '{\"l2\": 1}'::jsonb) FROM large", stderr => \my $err);
		my $late = time - $began - $after / 1000;
		next if $err !~ /canceling statement/;
		$best = min($best // $late, $late);
		last if $best < 0.1;
	}
	next if !defined $best;
	$moments++;
	cmp_ok($best, '<', 0.25, sprintf('canceled after %d ms, psql and connection included: %.0f ms', $after, 1000 * $best));
}
cmp_ok($moments, '>', 0, 'canceled');

log_is_clean($node);
$node->stop;
done_testing();
