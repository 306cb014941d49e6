# Warnings: crowds that behave get hardly any, crowds that deserve one get it; and
# the numbers of the gold alarm and of the notes are what SQL makes of the same
# answers.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('warnings');

$node->safe_psql('postgres', <<'END');
-- a random number in [0, 1) that is the same everywhere
CREATE FUNCTION u(text) RETURNS float8 LANGUAGE sql IMMUTABLE AS
$$ SELECT ('x' || substr(md5($1), 1, 8))::bit(32)::bigint / 4294967296.0 $$;
CREATE FUNCTION crowd(items int, kinds jsonb, options jsonb, seed int) RETURNS annotator_model LANGUAGE sql AS
$$ SELECT dawid_skene(item, annotator, label) FROM simulate_annotations(items, kinds, options || jsonb_build_object('seed', seed)) $$;
-- labelling functions, each of which says one class only, on one of three of its items, and on one of twenty others
CREATE FUNCTION functions(items int, n int, classes int, seed int) RETURNS annotator_model LANGUAGE sql AS
$$ SELECT dawid_skene(i, j, j % classes)
   FROM generate_series(1, items) AS i, generate_series(1, n) AS j
   WHERE u(seed || ' ' || i || ' ' || j) < CASE WHEN floor(classes * u('t' || seed || ' ' || i))::int = j % classes THEN 0.33 ELSE 0.05 END $$;
-- a quarter of the items are traps, on which all but the experts give the same wrong label; some have gold
CREATE FUNCTION traps(items int, experts int, others int, gold float8, seed int)
	RETURNS TABLE (item text, annotator text, label text, gold text, truth text) LANGUAGE sql AS
$$ SELECT lpad(i::text, 5, '0'), 'a' || j, (CASE WHEN trap AND j > experts THEN (truth + 1) % 3 WHEN u('l' || seed || ' ' || i || ' ' || j) < 0.1 THEN (truth + 2) % 3 ELSE truth END)::text,
          CASE WHEN u('g' || seed || ' ' || i) < traps.gold THEN truth::text END, truth::text
   FROM generate_series(1, items) AS i,
        LATERAL (SELECT floor(3 * u('t' || seed || ' ' || i))::int, u('p' || seed || ' ' || i) < 0.25) AS t(truth, trap),
        generate_series(1, experts + others) AS j
   WHERE u('s' || seed || ' ' || i || ' ' || j) < 6.0 / (experts + others) $$;
-- as many say one thing as say another
CREATE FUNCTION contradictory(items int, annotators int, seed int) RETURNS annotator_model LANGUAGE sql AS
$$ SELECT dawid_skene(i, j, (CASE WHEN rank > annotators / 2 THEN 'no' ELSE 'yes' END))
   FROM (SELECT i, j, row_number() OVER (PARTITION BY i ORDER BY u(seed || ' ' || i || ' ' || j)) AS rank
         FROM generate_series(1, items) AS i, generate_series(1, annotators) AS j) AS v $$;
END

#
# 40 crowds that behave: accuracy .7 to .9, five answers an item, 20 or more of each annotator
#
my @good = rows($node, <<'END');
SELECT s, k, j, round(accuracy::numeric, 2), w FROM
	(SELECT s, 2 + s % 5 AS k, (ARRAY[5, 10, 20, 40])[1 + s / 5 % 4] AS j, 0.7 + 0.2 * u('a' || s) AS accuracy, 4 + floor(16 * u('n' || s))::int AS per
	 FROM generate_series(1, 40) AS s) AS v,
	LATERAL fit_report(crowd(j * per, jsonb_build_object('reliable', jsonb_build_object('count', j, 'accuracy', accuracy)),
		jsonb_build_object('classes', k), s + 7000)) AS r LEFT JOIN LATERAL unnest(r.warnings) AS w ON true
END
my %warned = map { $_->[0] => 1 } grep { defined $_->[4] } @good;
note("crowd $_->[0], $_->[1] classes, $_->[2] annotators of $_->[3]: $_->[4]") for grep { defined $_->[4] } @good;
cmp_ok(scalar keys %warned, '<=', 1, 'of 40 crowds that behave hardly any gets a warning: ' . keys %warned);

#
# Ten each that deserve one
#
sub deserves
{
	my ($what, $begins, $model) = @_;
	my $fired = value($node, <<"END");
SELECT count(*) FROM generate_series(501, 510) AS s,
	LATERAL (SELECT $model AS m) AS f, LATERAL fit_report(m) AS r
WHERE EXISTS (SELECT FROM unnest(r.warnings) AS w WHERE w LIKE '$begins%')
END
	cmp_ok($fired, '>=', 9, "$what: $fired of 10 say \"$begins\"");
	return;
}

deserves('four of twelve guess, two classes', 'answers without information: ', q{crowd(250, '{"reliable": {"count": 8, "accuracy": 0.8}, "spammer": 4}', '{}', s)});
deserves('three of twelve guess, four classes', 'answers without information: ', q{crowd(200, '{"reliable": {"count": 9, "accuracy": 0.8}, "spammer": 3}', '{"classes": 4}', s)});
deserves('one of ten says the opposite', 'worse than guessing: 1 annotator ("adversary 1")', q{crowd(200, '{"reliable": {"count": 9, "accuracy": 0.8}, "adversary": 1}', '{}', s)});
deserves('one of ten always says the same', 'always the same label: 1 annotator ("constant 1")', q{crowd(80, '{"reliable": {"count": 9, "accuracy": 0.8}, "constant": 1}', '{}', s)});
deserves('one of ten is a copy', 'annotators who are copies', q{crowd(500, '{"reliable": {"count": 9, "accuracy": 0.8}, "copy": 1}', '{"classes": 3}', s)});
deserves('labelling functions', 'most annotators answer one class only: 8 of 8', q{functions(300, 8, 2, s)});
deserves('two of every three say the opposite', 'the answer is not the most frequent label on ', q{crowd(300, '{"expert": 3, "adversary": 4}', '{}', s)});
deserves('two against two', 'contradictory answers: on 50 of 50 items', q{contradictory(50, 4, s)});
deserves('traps with gold on one of ten', 'the crowd contradicts gold: ', q{(SELECT dawid_skene(item, annotator, label, gold) FROM traps(600, 10, 40, 0.1, s))});
deserves('a class that only gold has', 'only gold has class "none" (1 item)', q{(SELECT dawid_skene(item, annotator, label, CASE item WHEN '00007' THEN 'none' END) FROM traps(60, 5, 0, 0, s))});
deserves('a misspelt class', 'less than one of 100 items is expected to be of class "AA"', q{(SELECT dawid_skene(item, annotator, CASE WHEN annotator = 'reliable 1' AND item LIKE '%9' THEN 'AA' ELSE label END) FROM simulate_annotations(100, '{"reliable": 5}', jsonb_build_object('seed', s)))});
deserves('nobody shares an item', 'no item has two annotators', q{crowd(100, '{"reliable": 5}', '{"answers": 1}', s)});
deserves('two crowds', 'annotators form 2 groups', q{(SELECT dawid_skene(g || item, g || annotator, label) FROM simulate_annotations(100, '{"reliable": 5}', jsonb_build_object('seed', s)), generate_series(1, 2) AS g)});
deserves('too few passes', 'not converged after 1 iteration', q{(SELECT dawid_skene(item, annotator, label, '{"max_iterations": 1}'::jsonb) FROM simulate_annotations(100, '{"reliable": 5}', jsonb_build_object('seed', s)))});

#
# The gold alarm's numbers, by SQL: what consensus() says without gold, and of each
# fifth of the gold items by a fit without it
#
for my $learn ('all', 'gold')
{
	my ($warning) = grep { /contradicts gold/ } map { $_->[0] } rows($node, <<"END");
CREATE TABLE t_$learn AS SELECT * FROM traps(600, 10, 40, 0.06, 77);
SELECT unnest(warnings) FROM fit_report((SELECT dawid_skene(item, annotator, label, gold, '{"copies": "off", "learn_from": "$learn"}'::jsonb) FROM t_$learn))
END
	my @want = @{ (rows($node, <<"END"))[0] };
WITH items AS (SELECT item, row_number() OVER (ORDER BY item COLLATE "C") - 1 AS i, min(gold) AS gold FROM t_$learn GROUP BY item),
folds AS (SELECT item, gold, mod(h + CASE WHEN h < 0 THEN 18446744073709551616 ELSE 0 END, 5) AS fold
	FROM items, LATERAL (SELECT hashint4extended(i::int, 35)::numeric) AS v(h)),
whole AS (SELECT count(*) AS n, sum((c.label <> f.gold)::int) AS wrong, sum(1 - c.confidence) AS expected
	FROM folds AS f JOIN consensus((SELECT annotation_set(item, annotator, label) FROM t_$learn),
		(SELECT dawid_skene(item, annotator, label, gold, '{"copies": "off", "correlation": 0.3, "learn_from": "$learn"}'::jsonb) FROM t_$learn)) AS c USING (item)
	WHERE f.gold IS NOT NULL),
teachers AS (SELECT sum((c.label = f.gold)::int) FILTER (WHERE teacher = 'all') AS by_crowd, sum((c.label = f.gold)::int) FILTER (WHERE teacher = 'gold') AS by_gold
	FROM generate_series(0, 4) AS left_out, (VALUES ('all'), ('gold')) AS v(teacher),
		LATERAL (SELECT annotation_set(item, annotator, label) AS s,
			dawid_skene(item, annotator, label, CASE WHEN fold <> left_out THEN f.gold END, jsonb_build_object('copies', 'off', 'learn_from', teacher)) AS m
			FROM t_$learn JOIN folds AS f USING (item)) AS m,
		LATERAL consensus(s, m) AS c JOIN folds AS f USING (item)
	WHERE f.fold = left_out AND f.gold IS NOT NULL)
SELECT wrong, n, round(expected::numeric, 1), by_crowd, n, by_gold FROM whole, teachers
END
	my $numbers = sprintf 'without it %s of %s gold items would be wrong, where %s are expected; of gold items left out, matrices taught by all answers predict %s of %s and those taught by gold alone %s: ', @want;
	if ($learn eq 'all')
	{
		cmp_ok($want[0], '>', 0, 'there are gold items that the crowd gets wrong');
		like($warning, qr/^the crowd contradicts gold: \Q$numbers\E/, 'the numbers of the gold alarm');
	}
	else
	{
		like($warning // "the crowd contradicts gold: $numbers", qr/\Q$numbers\E/, 'the same where gold teaches, if the alarm rings');
	}
}

#
# The informed share and its standard error by SQL: posteriors by those who are not the
# annotator, under the matrices of the fit
#
$node->safe_psql('postgres', <<'END');
CREATE TABLE c AS SELECT * FROM simulate_annotations(150, '{"reliable": {"count": 6, "accuracy": 0.8}, "spammer": 3}', '{"classes": 3, "seed": 9}');
CREATE TABLE m AS SELECT dawid_skene(item, annotator, label, '{"correlation": 0}'::jsonb) AS m FROM c;
END
my @notes = rows($node, <<'END');
WITH others AS MATERIALIZED (
	SELECT a.annotator, a.item, a.label, d FROM c AS a,
		LATERAL (SELECT posterior((SELECT m FROM m), b.annotator, b.label) AS d FROM c AS b WHERE b.item = a.item AND b.annotator <> a.annotator) AS v),
t AS (SELECT o.annotator, o.item, o.label, l, probability(d, l) AS t FROM others AS o, unnest(ARRAY['A', 'B', 'C']) AS l),
means AS (SELECT annotator, l, avg(t) AS m, count(*) FILTER (WHERE label = l) AS n_l, count(*) AS n FROM t GROUP BY 1, 2),
sums AS (SELECT annotator, n, sum(n_l * m) AS by_chance, sum(m * m) * n AS squares FROM means GROUP BY 1, 2),
s AS (SELECT annotator, sum(t) FILTER (WHERE label = l) AS right_answers, sum(t * t) AS squares FROM t GROUP BY 1),
u AS (SELECT t.annotator, item, sum(n_l * t) / n AS u FROM t JOIN means USING (annotator, l) GROUP BY 1, 2, n),
mean_u AS (SELECT annotator, avg(u) AS mean_u FROM u GROUP BY 1),
spread AS (SELECT t.annotator, sum(n_l * (t - m - u + mean_u) ^ 2) / (n - 1) AS variance
	FROM t JOIN means USING (annotator, l) JOIN u USING (annotator, item) JOIN mean_u USING (annotator) GROUP BY t.annotator, n),
-- were he to look at a third: by means that the fit has, his own answers among them
fit_means AS (SELECT annotator, truth AS l, sum(count) / sum(sum(count)) OVER (PARTITION BY annotator) AS m FROM annotator_cells((SELECT m FROM m)) GROUP BY 1, 2),
looks AS (SELECT t.annotator, item, sum(t * (t - m)) AS e, sum(t * (t - m) ^ 2) AS e2, sum(n_l * (t - f.m)) / n AS f
	FROM t JOIN fit_means AS f USING (annotator, l) JOIN (SELECT annotator, l, n_l, n FROM means) AS v USING (annotator, l) GROUP BY 1, 2, n),
looking AS (SELECT annotator, sum((e2 - e * e) / 3 + 2 * (e - f) ^ 2 / 9) AS looking FROM looks GROUP BY 1)
SELECT format('(informed share %s, at most %s, of %s answers compared with the others)',
		round(share::numeric, 2), round((share + 1.645 * sqrt(2 * variance / 3 + looking) / (s.squares - sums.squares))::numeric, 2), n) AS want,
	notes ->> annotator AS got, annotator
FROM sums JOIN s USING (annotator) JOIN spread USING (annotator) JOIN looking USING (annotator),
	LATERAL (SELECT (right_answers - by_chance) / (s.squares - sums.squares) AS share) AS w, LATERAL (SELECT m::jsonb -> 'notes' AS notes FROM m) AS v ORDER BY annotator
END
is(scalar(grep { defined $_->[1] } @notes), 3, 'three annotators have a note');
for (@notes)
{
	my ($want, $got, $annotator) = @$_;
	if ($annotator =~ /spammer/)
	{
		like($got // '', qr/^answers without information: .*\Q$want\E$/, "$annotator: what SQL says: $want");
	}
	else
	{
		is($got, undef, "$annotator has none: $want");
	}
}

#
# The query of the reference finds the items of majority_disagreement
#
my ($query) = slurp_file("$FindBin::RealBin/../../docs/reference.md") =~ /^```sql\n(WITH votes AS .*?);\n```$/ms;
$node->safe_psql('postgres', <<'END');
CREATE TABLE annotation AS SELECT item, annotator, label FROM simulate_annotations(300, '{"expert": 3, "adversary": 4}', '{"classes": 3, "seed": 4}');
CREATE TABLE fitted AS SELECT annotation_set(item, annotator, label) AS answers, dawid_skene(item, annotator, label) AS model FROM annotation;
END
my $other = scalar(rows($node, $query));
cmp_ok($other, '>', 3, "the answer to $other items is not the most frequent label");
is(value($node, 'SELECT round(majority_disagreement * 300) FROM fitted, fit_report(model)'), $other, 'as fit_report() says');

#
# What is said of music_genre, of whose answers a third carry no information
#
SKIP:
{
	my $data = data_folder();
	skip 'no larger data', 1 unless defined $data && -d "$data/music_genre";
	$node->safe_psql('postgres', 'CREATE TABLE music (item text, annotator text, label text)');
	my (undef, @rows) = read_csv("$data/music_genre/annotations.csv");
	copy_in($node, 'music', [ map { [ @$_[ 0 .. 2 ] ] } @rows ]);
	my ($warning) = grep { /^answers without information/ } map { $_->[0] }
	  rows($node, 'SELECT unnest(warnings) FROM fit_report((SELECT dawid_skene(item, annotator, label) FROM music))');
	like($warning // q{}, qr/^answers without information: 3 annotators \("A242LCRYG0BH30", "AK0F484W5TBJ4", "AL12RG9EJZ60"\) with 1002 of 2944 answers \(34 %\); /, $warning // "nothing is said");
}

log_is_clean($node);
$node->stop;
done_testing();
