# answers(), posterior() with an item's own prior, revise(), learn_annotators() and
# copying(): held against consensus() of sets from which the voice was removed, against models whose prior
# is that of the item, against Bayes' rule and against other implementations, in numpy
# (test/data/learn_annotators.py, test/data/default_rule.py).

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use PostgreSQL::Test::Utils;
use RuleCrowds;
use Test::More;

my $node = new_node('answers', "max_parallel_workers_per_gather = 0\n");

#
# Crowds: repeats, contradictions, strangers, single answers, gold, copies
#
my $seed = 33;
srand($seed);

sub crowd
{
	my (%of) = @_;
	my @rows;
	my @classes = map { "c$_" } 1 .. $of{classes};
	my @sayings = (@classes, $of{unsure} ? 'unsure' : ());
	for my $i (1 .. $of{items})
	{
		my $truth = random_pick(@classes);
		my $gold = rand() < ($of{gold} // 0) ? $truth : undef;
		for my $a (1 .. 1 + int(rand($of{answers})))
		{
			my $j = 1 + int(rand($of{annotators}));
			my $said = rand() < 0.5 + 0.4 * $j / $of{annotators} ? $truth : random_pick(@sayings);
			push @rows, [ "i$i", "a$j", $said, $gold ] for 1 .. (rand() < ($of{repeats} // 0) ? 2 : 1);
		}
		if ($of{copies})
		{
			my $said = rand() < 0.5 ? $truth : random_pick(@classes);
			push @rows, [ "i$i", $_, $said, $gold ] for 'copy', 'other copy';
		}
	}
	return \@rows;
}

my @crowds = (
	[ 'two classes', crowd(items => 60, annotators => 6, answers => 5, classes => 2), {} ],
	[ 'repeats', crowd(items => 60, annotators => 4, answers => 6, classes => 3, repeats => 0.3), {} ],
	[ 'gold', crowd(items => 60, annotators => 5, answers => 4, classes => 3, gold => 0.3, repeats => 0.1), {} ],
	[ 'gold that may be wrong', crowd(items => 60, annotators => 5, answers => 4, classes => 3, gold => 0.3), { gold_weight => 0.8 } ],
	[ 'copies', crowd(items => 200, annotators => 6, answers => 6, classes => 3, repeats => 0.1, copies => 1), {} ],
	[ 'groups', crowd(items => 60, annotators => 6, answers => 8, classes => 3, repeats => 0.1), { groups => [ [ 'a1', 'a3', 'a4' ], [ 'a5', 'a6' ] ] } ],
	[ 'unsure', crowd(items => 60, annotators => 6, answers => 5, classes => 3, unsure => 1, repeats => 0.2), { abstain => 'unsure', groups => [ [ 'a1', 'a3' ] ] } ],
	[ 'full, unsure', crowd(items => 60, annotators => 6, answers => 5, classes => 3, unsure => 1, repeats => 0.2), { abstain => 'unsure', variant => 'full', smoothing => 1, correlation => 0.2 } ],
	[ 'silence', crowd(items => 60, annotators => 6, answers => 3, classes => 3, unsure => 1), { silence => 'informative', abstain => 'unsure', groups => [ [ 'a1', 'a3' ] ] } ],
	[ 'a prior that is known', crowd(items => 60, annotators => 5, answers => 4, classes => 3), { prior => { c1 => 0.5, c2 => 0.3, c3 => 0.2 } } ],
	[ 'full, repeats', crowd(items => 60, annotators => 5, answers => 4, classes => 3, repeats => 0.3), { variant => 'full', smoothing => 1 } ],
	[ 'full, no smoothing', crowd(items => 60, annotators => 4, answers => 4, classes => 3), { variant => 'full', correlation => 0.2 } ]);

$node->safe_psql('postgres', <<'END');
CREATE FUNCTION option(m annotator_model, what text, value text) RETURNS annotator_model LANGUAGE sql AS $$
	SELECT jsonb_set(m::jsonb, ARRAY['voices', what], value::jsonb)::text::annotator_model $$;
-- the model with another prior, which does not come from the fit
CREATE FUNCTION with_prior(m annotator_model, prior label_distribution) RETURNS annotator_model LANGUAGE sql AS $$
	SELECT (jsonb_set(m::jsonb, '{components,0,prior}',
			(SELECT jsonb_agg(probability(prior, l) ORDER BY i) FROM unnest(labels(m)) WITH ORDINALITY AS v(l, i)))
		|| jsonb_build_object('classes', coalesce(m::jsonb -> 'classes', '{"abstain": null, "silence": false}') || '{"prior_known": true}'))::text::annotator_model $$;
CREATE FUNCTION classes(m annotator_model) RETURNS text[] LANGUAGE sql AS 'SELECT labels(class_prior(m))';
-- more likely, the later in order
CREATE FUNCTION rising(m annotator_model) RETURNS label_distribution LANGUAGE sql AS $$
	SELECT label_distribution(classes(m), ARRAY(SELECT 2 * i / (k * (k + 1.0)) FROM generate_series(1, k) AS i)) FROM (SELECT cardinality(classes(m)) AS k) AS v $$;
-- the model as if it had never heard of some; they are one voice
CREATE FUNCTION others(m annotator_model, voice text[]) RETURNS annotator_model LANGUAGE sql AS $$
	SELECT jsonb_set(jsonb_set(j || (SELECT jsonb_object_agg(key, part) FROM unnest('{annotators,annotations,gold_annotations,reported_right,reported_variances,counts,variances}'::text[]) AS key,
				LATERAL (SELECT jsonb_agg(e ORDER BY i) AS part FROM jsonb_array_elements(j -> key) WITH ORDINALITY AS v(e, i) WHERE i = ANY (kept)) AS p WHERE j ? key),
			'{components,0,confusion}', (SELECT jsonb_agg(e ORDER BY i) FROM jsonb_array_elements(j #> '{components,0,confusion}') WITH ORDINALITY AS v(e, i) WHERE i = ANY (kept))),
		'{voices,groups}', (SELECT coalesce(jsonb_agg(g), '[]') FROM jsonb_array_elements(j #> '{voices,groups}') AS g WHERE NOT g ?| voice))::text::annotator_model
	FROM (SELECT m::jsonb AS j, ARRAY(SELECT i FROM jsonb_array_elements_text(m::jsonb -> 'annotators') WITH ORDINALITY AS v(a, i) WHERE a <> ALL (voice)) AS kept) AS v $$;
-- of each annotator all who are one voice with him
CREATE FUNCTION voice(m annotator_model, a text) RETURNS text[] LANGUAGE sql AS $$
	SELECT coalesce((SELECT array_agg(x) FROM jsonb_array_elements(m::jsonb #> '{voices,groups}') AS g, jsonb_array_elements_text(g) AS x WHERE g ? a), ARRAY[a]) $$;
END

for my $crowd (@crowds)
{
	my ($name, $rows, $options) = @$crowd;
	my $json = JSON::PP->new->encode($options);
	$node->safe_psql('postgres', 'DROP TABLE IF EXISTS answers, model; CREATE TABLE answers (item text, annotator text, label text, gold text)');
	copy_in($node, 'answers', $rows);
	# the model does not know two of the annotators
	$node->safe_psql('postgres', <<"END");
CREATE TABLE model AS SELECT dawid_skene(item, annotator, label, gold, '$json'::jsonb) AS m FROM answers WHERE annotator <> 'a2';
END
	is(value($node, q{SELECT jsonb_array_length(m::jsonb #> '{voices,groups}') > 0 FROM model}), 't', "$name: the model has a group")
	  if $name eq 'copies';
	# one who is left out is not silent either
	my $silence = $name eq 'silence';
	my $other_model = $silence ? 'others(m, voice)' : 'm';
	$node->safe_psql('postgres', <<"END");
DROP TABLE IF EXISTS got, wanted;
CREATE TABLE got AS SELECT a.* FROM model, answers((SELECT annotation_set(item, annotator, label, gold) FROM answers), m) AS a;
-- each voice removed from the set
CREATE TABLE wanted AS
SELECT v.annotator, c.item, c.distribution
FROM (SELECT DISTINCT annotator, voice(m, annotator) AS voice FROM answers, model) AS v, model,
     LATERAL (SELECT annotation_set(item, annotator, label, gold) AS s FROM answers WHERE annotator <> ALL (voice)) AS w, consensus(s, $other_model) AS c;
END
	my ($row) = rows($node, <<"END");
SELECT count(*), count(*) FILTER (WHERE w.item IS NULL), count(*) FILTER (WHERE c.item IS NULL OR g.probability IS DISTINCT FROM CASE WHEN g.label <> 'unsure' THEN probability(c.distribution, g.label) END),
       count(*) FILTER (WHERE w.item IS NOT NULL AND CASE WHEN g.label = 'unsure' THEN g.probability_without IS NOT NULL
                        WHEN '$silence' = '' THEN g.probability_without IS DISTINCT FROM probability(w.distribution, g.label) ELSE NOT abs(g.probability_without - probability(w.distribution, g.label)) < 1e-9 END),
       count(*) FILTER (WHERE w.item IS NULL AND '$silence' = '' AND g.label <> 'unsure' AND NOT abs(g.probability_without - CASE WHEN gold IS NULL THEN probability(prior_used(m), g.label)
                              WHEN gold_weight = 1 THEN (gold = g.label)::int
                              ELSE (SELECT probability(combine(prior_used(m), label_distribution(classes(m), ARRAY(SELECT CASE WHEN l = gold THEN gold_weight ELSE (1 - gold_weight) / (cardinality(classes(m)) - 1) END FROM unnest(classes(m)) AS l))), g.label)) END) < 1e-9),
       sum(count), (SELECT count(*) FROM answers), count(DISTINCT g.probability_without)
FROM got AS g CROSS JOIN (SELECT m, (m::jsonb #>> '{fit,gold_weight}')::float8 AS gold_weight FROM model) AS m
     LEFT JOIN consensus((SELECT annotation_set(item, annotator, label, gold) FROM answers), (SELECT m FROM model)) AS c USING (item)
     LEFT JOIN wanted AS w ON w.item = g.item AND w.annotator = g.annotator
END
	my ($n, $alone, $with, $without, $prior, $sum, $answers, $different) = @$row;
	cmp_ok($different, '>', 20, "$name: $n answers, $alone of them without others");
	is("$with $without $prior", '0 0 0', "$name: probabilities are those of consensus(), to the bit, with and without the voice");
	is($sum, $answers, "$name: counts are all answers");

	#
	# Priors: a model whose own it is says the same, to the bit
	#
	next if $name =~ /gold/;
	($row) = rows($node, <<'END');
WITH p AS (SELECT m, rising(m) AS prior FROM model),
k AS (SELECT m, prior, with_prior(m, prior) AS known, with_prior(m, prior_used(m)) AS own FROM p),
s AS (SELECT annotation_set(item, annotator, label) AS s FROM answers),
q AS (SELECT item, posterior(m, annotator, label, prior ORDER BY md5(annotator || label)) AS a, posterior(known, annotator, label) AS b, posterior(own, annotator, label, prior ORDER BY label) AS c,
             posterior(m, annotator, label, prior_used(m)) AS d, posterior(known, annotator, label, NULL) AS e FROM answers, k GROUP BY item)
SELECT count(*), count(*) FILTER (WHERE a <> b OR a <> c OR a <> e), count(*) FILTER (WHERE a IS DISTINCT FROM y.distribution), count(*) FILTER (WHERE d IS DISTINCT FROM z.distribution), count(DISTINCT a)
FROM q LEFT JOIN (SELECT c.* FROM k, s, consensus(s, known) AS c) AS y USING (item) LEFT JOIN (SELECT c.* FROM k, s, consensus(s, own) AS c) AS z USING (item)
END
	my ($items, $posterior, $consensus, $class_prior, $unlike) = @$row;
	cmp_ok($unlike, '>', 10, "$name: $items items with a prior of their own");
	is("$posterior $consensus $class_prior", '0 0 0', "$name: posterior() with a prior is consensus() with that prior, to the bit");

	# Bayes' rule, of the same model without an answer and with one; revise() is posterior() of it
	check_close('revise()', "$name, row $_->[0]", $_->[1], $_->[2], 1e-9)
	  for rows($node, <<'END');
SELECT row_number() OVER (), probability(r, label), probability(q, label)
FROM (SELECT label, revise(prior, m, annotator, label) AS r,
             combine(prior, revise(prior_used(m), m, annotator, label), prior_used(m)) AS q
      FROM (SELECT DISTINCT annotator, label FROM answers) AS a,
           (SELECT m, rising(m) AS prior FROM model) AS p) AS v
END
	next if $silence;	# where all others have answered, too
	is(value($node, <<'END'), 0, "$name: revise() is posterior() of one answer");
SELECT count(*) FROM (SELECT posterior(m, annotator, label, prior) AS p, min(revise(prior, m, annotator, label)::text) AS r
	FROM (SELECT DISTINCT annotator, label FROM answers) AS a, (SELECT m, rising(m) AS prior FROM model) AS p
	GROUP BY annotator, label) AS v WHERE p::text <> r
END
}
report_checks();

#
# learn_annotators()
#
my $cases = json(slurp_file("$FindBin::RealBin/../data/learn_annotators.json"));
$node->safe_psql('postgres', 'CREATE TABLE truths (annotator text, truth label_distribution, label text)');
for my $case (@$cases)
{
	$node->safe_psql('postgres', 'TRUNCATE truths');
	copy_in($node, 'truths', [ map { [ $_->[0], JSON::PP->new->encode($_->[1]), $_->[2] ] } @{ $case->{rows} } ]);
	for my $model (@{ $case->{models} })
	{
		my $options = JSON::PP->new->encode($model->{options});
		my $name = "$case->{name}, $options";
		my $got = json(value($node, "SELECT learn_annotators(annotator, truth, label, '$options') FROM truths"));
		check_exact('annotators', $name, "@{ $got->{annotators} }", "@{ $case->{annotators} }");
		check_exact('labels', $name, "@{ $got->{labels} }", "@{ $case->{labels} }");
		my @matrices = (@{ $got->{components}[0]{confusion} }, $got->{components}[0]{pool});
		check_exact('matrices', $name, scalar(@matrices), scalar(@{ $model->{matrices} }));
		for my $k (0 .. $#{ $case->{labels} })
		{
			check_close('prior', "$name $k", $got->{components}[0]{prior}[$k], $model->{prior}[$k], 1e-12);
			for my $l (0 .. $#{ $case->{labels} })
			{
				check_close('rates', "$name [$_][$k][$l]", $matrices[$_][$k][$l], $model->{matrices}[$_][$k][$l], 1e-12, 1e-3)
				  for 0 .. $#matrices;
				for my $what ('counts', 'variances')
				{
					check_close($what, "$name [$_][$k][$l]", $got->{$what}[$_][$k][$l], $case->{$what}[$_][$k][$l], 1e-12, 1)
					  for 0 .. $#matrices - 1;
				}
			}
		}
	}
	# the same bytes, whatever the order and however states are joined; text and back
	is(value($node, <<'END'), 1, "$case->{name}: one model");
SELECT count(DISTINCT m) FROM (
	SELECT learn_annotators(annotator, truth, label) AS m FROM truths UNION ALL
	SELECT learn_annotators(annotator, truth, label ORDER BY md5(truth::text || label)) FROM truths UNION ALL
	SELECT learn_annotators(annotator, truth, label ORDER BY annotator DESC, label) FROM truths UNION ALL
	SELECT learn_annotators(annotator, truth, label)::text::annotator_model FROM truths) AS v
END
}
report_checks();

# Where every item has gold, the matrices are those of the default's fit
$node->safe_psql('postgres', <<'END');
DROP TABLE answers;
CREATE TABLE answers AS
SELECT i AS item, j AS annotator, (i * i) % 7 % 4 AS gold, CASE WHEN (i * 13 + j * j * 7) % (8 + j) < 7 THEN (i * i) % 7 % 4 ELSE (i + j) % 4 END AS label
FROM generate_series(1, 300) AS i, generate_series(1, 5) AS j WHERE (i + j) % 2 = 0;
END
my ($row) = rows($node, <<'END');
SELECT bool_and(one #> '{components,0,confusion}' = two #> '{components,0,confusion}' AND one #> '{components,0,pool}' = two #> '{components,0,pool}' AND one -> 'counts' = two -> 'counts')
FROM (SELECT learn_annotators(annotator, gold, label)::jsonb AS one, dawid_skene(item, annotator, label, gold)::jsonb AS two FROM answers) AS v
END
is("@$row", 't', 'learned from gold alone: as the default does where all items have it, to the bit');

#
# copying(): the pairs of test/data/default_rule.py, whether they are one voice in the
# model or not, and no others
#
my $rule = json(slurp_file("$FindBin::RealBin/../data/default_rule.json"));
my ($pairs, $grouped) = (0, 0);
for my $crowd (rule_crowds())
{
	my $name = $crowd->{name};
	my %options = (gold_weight => $crowd->{gold_weight} // 1);
	$node->safe_psql('postgres', 'DROP TABLE answers; CREATE TABLE answers (item text, annotator text, label text, gold text)');
	copy_in($node, 'answers', $crowd->{rows});
	for my $copies ('auto', 'off')
	{
		my $json = JSON::PP->new->encode({ %options, copies => $copies });
		my @got = rows($node, <<"END");
SELECT c.* FROM (SELECT s, dawid_skene(s, '$json') AS m FROM (SELECT annotation_set(item, annotator, label, gold) AS s FROM answers) AS v) AS w, copying(s, m) AS c
END
		my @annotators = map { $_->[0] } rows($node, 'SELECT DISTINCT annotator COLLATE "C" FROM answers ORDER BY 1');
		my @want = @{ $rule->{$name}{pairs} };
		check_exact('pairs', "$name, $copies", scalar(@got), scalar(@want));
		for my $i (0 .. $#want)
		{
			my ($a, $b, $n, $observed, $expected, $z, $excess) = @{ $want[$i] };
			check_exact('who', "$name $i", join(' ', @{ $got[$i] }[ 0 .. 2 ]), "$annotators[$a] $annotators[$b] $n");
			check_close('agreement', "$name $i", $got[$i][3], $observed / $n, 1e-12);
			check_close('expected', "$name $i", $got[$i][4], $expected / $n, 1e-9);
			check_close('z and excess', "$name $i", $got[$i][5] + 100 * $got[$i][6], $z + 100 * $excess, 1e-7, 1);
			my $group = $rule->{$name}{groups};
			my ($x, $y) = map { $group->{ $annotators[$_] } // $annotators[$_] } ($a, $b);
			check_exact('grouped', "$name $i", $got[$i][7], $copies eq 'auto' && $x eq $y ? 't' : 'f');
			$pairs++;
			$grouped += $got[$i][7] eq 't';
		}
	}
}
report_checks();
cmp_ok($grouped, '>=', 2, "$pairs pairs, $grouped in groups");

# Workers
$node->safe_psql('postgres', <<'END');
CREATE TABLE many AS SELECT 'a' || i % 31 AS annotator, label_distribution('{x,y,z}', ARRAY[0.5, i % 1000 / 2000.0, 0.5 - i % 1000 / 2000.0]) AS truth, substr('xyzzy', 1 + i % 5, 1) AS label
FROM generate_series(1, 60000) AS i;
ALTER TABLE many SET (parallel_workers = 2);
ANALYZE many;
END
my $parallel = 'SET max_parallel_workers_per_gather = 2; SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET parallel_leader_participation = off';
my $learn = 'SELECT learn_annotators(annotator, truth, label)::text FROM many';
is(value($node, "$parallel; $learn"), value($node, $learn), 'workers learn the same, to the bit');
like(join("\n", map { $_->[0] } rows($node, "$parallel; EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) $learn")), qr/Finalize.*Workers Launched: 2.*Partial/s, 'and they do');

# A cancel while counts are read and written, and a limit of memory
$node->psql('postgres', q{SET statement_timeout = '300ms'; SELECT learn_annotators(i % 20000, i % 40, i % 37) FROM generate_series(1, 100000000) AS i}, stderr => \my $err);
like($err, qr/canceling statement due to statement timeout/, 'a cancel is answered');
$node->psql('postgres', q{SET noisylabel.memory_limit = '16MB'; SELECT learn_annotators(i % 5000, i % 12, i % 11) FROM generate_series(1, 1000000) AS i}, stderr => \$err);
like($err, qr/learn_annotators\(\) needs .* memory_limit|learn_annotators\(\).*memory/s, 'more than the limit is refused') or diag($err);
$node->psql('postgres', q{SET noisylabel.memory_limit = '64MB'; SELECT learn_annotators(i % 5000, i % 70, i % 70) FROM generate_series(1, 20000) AS i}, stderr => \$err);
like($err, qr/5000 annotators with 70 x 70 classes each/, 'and so are tables') or diag($err);

log_is_clean($node);
$node->stop;
done_testing();
