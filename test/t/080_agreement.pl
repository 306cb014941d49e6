# Agreement against irrCAC, krippendorff and statsmodels on random ratings
# (test/data/agreement.py), against published tables, and against itself: aggregate,
# function, pairs and confusion matrices say the same; plans, workers and the order of
# rows change no bit; nobody waits for a cancel, and memory_limit holds.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $tolerance = 1e-10;
my $node = new_node('agreement', <<'END');
max_worker_processes = 8
max_parallel_workers = 4
min_parallel_table_scan_size = 0
parallel_setup_cost = 0
parallel_tuple_cost = 0
END
my $peers = NoisyLabel::json(slurp_file("$FindBin::RealBin/../data/agreement.json"));

# Rows of cases whose ratings are a string for each annotator.
sub load_cases
{
	my ($table, $cases) = @_;
	my @rows;
	for my $id (0 .. $#$cases)
	{
		my @ratings = @{ $cases->[$id]{ratings} };
		for my $annotator (0 .. $#ratings)
		{
			my @labels = split //, $ratings[$annotator];
			push @rows, map { [ $id, $_, "rater $annotator", $labels[$_] ] } grep { $labels[$_] ne '.' } 0 .. $#labels;
		}
	}
	$node->safe_psql('postgres', "CREATE TABLE $table (id int, item int, annotator text, label text)");
	copy_in($node, $table, [ shuffled(@rows) ]);
	return;
}

#
# Peers
#
my @cases = @{ $peers->{agreement} };
cmp_ok(scalar(@cases), '>=', 200, 'there are hundreds of cases');
load_cases('cases', \@cases);
my @columns = qw(percent_agreement fleiss_kappa gwet_ac brennan_prediger conger_kappa krippendorff_alpha);

sub by_case
{
	my $options = shift;
	my %result;
	for my $row (rows($node, 'SET client_min_messages = error; SELECT id, ' . join(', ', map { "(a).$_" } @columns)
		  . " FROM (SELECT id, agreement(item, annotator, label, '$options') AS a FROM cases GROUP BY id) AS s"))
	{
		my ($id, @values) = @$row;
		@{ $result{$id} }{@columns} = @values;
	}
	return %result;
}

my %irr = (percent => 'percent_agreement', fleiss => 'fleiss_kappa', gwet => 'gwet_ac', bp => 'brennan_prediger', conger => 'conger_kappa');
for (
	[ 'identity', 'nominal', '{}' ],
	[ 'linear', undef, '{"weights": "linear"}' ],
	[ 'quadratic', undef, '{"weights": "quadratic"}' ],
	[ 'quadratic', 'interval', '{"level": "interval"}' ],
	[ 'ordinal', 'ordinal', '{"level": "ordinal"}' ],
	[ 'ratio', 'ratio', '{"level": "ratio"}' ])
{
	my ($weights, $level, $options) = @$_;
	my %got = by_case($options);
	for my $id (0 .. $#cases)
	{
		check_close("irrCAC, $weights: $irr{$_}", "case $id", $got{$id}{ $irr{$_} }, $cases[$id]{irr}{$weights}{$_}, $tolerance, 1)
		  for sort keys %irr;
		check_close("krippendorff, $level", "case $id", $got{$id}{krippendorff_alpha}, $cases[$id]{alpha}{$level}, $tolerance, 1)
		  if defined $level;
	}
}
{
	my %got = by_case('{}');
	my %of_matrix = map { $_->[0] => $_ } rows($node, q{
		SELECT a.id, cohen_kappa(m), cohen_kappa(m, 'identity'), cohen_kappa(m, 'linear'), cohen_kappa(m, 'quadratic')
		FROM (SELECT a.id, annotator_confusion(a.label, b.label) AS m
		      FROM cases AS a JOIN cases AS b ON a.id = b.id AND a.item = b.item AND a.annotator = 'rater 0' AND b.annotator = 'rater 1'
		      GROUP BY a.id) AS a});
	for my $id (grep { defined $cases[$_]{cohen} } 0 .. $#cases)
	{
		my (undef, @kappa) = @{ $of_matrix{$id} };
		check_close('statsmodels: fleiss_kappa', "case $id", $got{$id}{fleiss_kappa}, $cases[$id]{fleiss}, $tolerance, 1);
		check_close("statsmodels: cohens_kappa, $_->[0]", "case $id", $kappa[ $_->[1] ], $cases[$id]{cohen}{ $_->[0] }, $tolerance, 1)
		  for ([ 'identity', 0 ], [ 'identity', 1 ], [ 'linear', 2 ], [ 'quadratic', 3 ]);
	}
}

# Intervals have a width and hold the value, or there are none.
is( value($node, q{
	SET client_min_messages = error;
	SELECT count(*)
	FROM (SELECT to_jsonb(agreement(item, annotator, label, o)) AS a FROM cases, unnest(ARRAY['{}', '{"level": "ordinal"}', '{"level": "interval", "confidence": 0.8}']) AS o GROUP BY id, o) AS v,
	     (VALUES ('percent', 'percent_agreement'), ('alpha', 'krippendorff_alpha'), ('fleiss', 'fleiss_kappa'), ('gwet', 'gwet_ac')) AS c(prefix, name),
	     LATERAL (SELECT (a ->> name)::float8, (a ->> (prefix || '_low'))::float8, (a ->> (prefix || '_high'))::float8) AS n(value, low, high)
	WHERE NOT coalesce(low < high AND low <= value AND value <= high, low IS NULL AND high IS NULL)}),
	0, 'intervals: a width around the value, or NULL');

# The alternative annotator test; the candidate is the last.
my @replace = @{ $peers->{replace} };
load_cases('replace', \@replace);
for my $id (0 .. $#replace)
{
	my $case = $replace[$id];
	my $candidate = 'rater ' . $#{ $case->{ratings} };
	my ($row) = rows($node, "SET client_min_messages = error; SELECT r.* FROM (SELECT annotation_set(item, annotator, label) AS s FROM replace WHERE id = $id) AS v, "
		  . "may_replace(s, '$candidate', '{\"epsilon\": $case->{epsilon}, \"scoring\": \"$case->{scoring}\"}') AS r");
	my ($name, $annotators, $tested, $rate, $advantage, $epsilon, $passed) = @$row;
	check_exact('may_replace: candidate, annotators, tested', "case $id", "$name $annotators $tested", "$candidate $#{ $case->{ratings} } $case->{tested}");
	check_close('may_replace: winning rate', "case $id", $rate, $case->{winning_rate}, 1e-12);
	check_close('may_replace: advantage', "case $id", $advantage, $case->{advantage}, 1e-12);
	check_exact('may_replace: passed', "case $id", $passed, $case->{tested} ? ($case->{winning_rate} >= 0.5 ? 't' : 'f') : undef);
}
report_checks();

#
# Published tables: folder or file, column, options, what is printed
#
SKIP:
{
	my $data = data_folder();
	skip 'NOISYLABEL_SHARED has no data', 16 if !defined $data || !-d "$data/krippendorff_2011";
	$node->safe_psql('postgres', 'CREATE TABLE published (name text, item text, annotator text, label text)');
	for my $name ('fleiss_1971', 'krippendorff_2011')
	{
		copy_in($node, 'published', [ map { [ $name, @$_[ 0 .. 2 ] ] } read_csv("$data/$name/annotations.csv") ]);
	}
	# items by counts of labels
	my $item = 0;
	my @counted;
	for my $row (read_csv("$data/krippendorff_2011/distrib.6raters.csv"))
	{
		my $annotator = 0;
		$item++;
		for my $label (0 .. $#$row)
		{
			push @counted, map { [ 'distrib', $item, $annotator++, $label ] } 1 .. $row->[$label];
		}
	}
	copy_in($node, 'published', \@counted);
	for (
		[ 'fleiss_1971', 'fleiss_kappa', '{}', '0.4302445' ],
		[ 'fleiss_1971', 'fleiss_kappa', '{}', '0.430' ],
		[ 'fleiss_1971', 'krippendorff_alpha', '{}', '0.433410' ],
		[ 'krippendorff_2011', 'krippendorff_alpha', '{}', '0.743421' ],
		[ 'krippendorff_2011', 'krippendorff_alpha', '{"level": "ordinal"}', '0.815388' ],
		[ 'krippendorff_2011', 'krippendorff_alpha', '{"level": "interval"}', '0.849107' ],
		[ 'krippendorff_2011', 'krippendorff_alpha', '{"level": "ratio"}', '0.797403' ],
		[ 'krippendorff_2011', 'fleiss_kappa', '{}', '0.761169' ],
		[ 'krippendorff_2011', 'gwet_ac', '{}', '0.775444' ],
		[ 'krippendorff_2011', 'brennan_prediger', '{}', '0.772727' ],
		[ 'distrib', 'fleiss_kappa', '{}', '0.413926' ],
		[ 'distrib', 'gwet_ac', '{}', '0.444801' ],
		[ 'distrib', 'krippendorff_alpha', '{}', '0.420438' ])
	{
		my ($name, $column, $options, $printed) = @$_;
		my $digits = length($printed) - 2;
		is(value($node, "SET client_min_messages = error; SELECT round((agreement(item, annotator, label, '$options')).$column\::numeric, $digits) FROM published WHERE name = '$name'"),
			$printed, "$name $options: $column");
	}
	is(value($node, "SELECT round(avg(cohen_kappa)::numeric, 6) FROM pairwise_agreement((SELECT annotation_set(item, annotator, label) FROM published WHERE name = 'fleiss_1971'))"),
		'0.459412', 'fleiss_1971: mean of all pairs\' kappa');
	my ($head, @matrix) = split /\r?\n/, slurp_file("$data/krippendorff_2011/cont3x3abstractors.csv");
	my $matrix = '{"labels": [' . join(', ', map { "\"$_\"" } split /,/, $head) . '], "counts": [' . join(', ', map { "[$_]" } @matrix) . ']}';
	is(value($node, "SELECT concat_ws(' ', round(cohen_kappa(m)::numeric, 6), round(scott_pi(m)::numeric, 6), round(gwet_ac1(m)::numeric, 6)) FROM (VALUES ('$matrix'::confusion_matrix)) AS v(m)"),
		'0.796409 0.796240 0.849331', 'two abstractors: Cohen, Scott, Gwet');
}

#
# One number for one thing.  Answers of 40 annotators with favourite labels, some
# repeated, to 300 items, by hash.
#
$node->safe_psql('postgres', <<'END');
CREATE FUNCTION u(i bigint, seed bigint) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT (hashint8extended(i, seed) & 1048575) / 1048576.0';
CREATE TABLE answers AS
SELECT i AS item, 'a' || j AS annotator,
       CASE WHEN u(i * 1000 + j, r) < 0.7 THEN 1 + i % 4 ELSE 1 + (u(i * 1000 + j, 10 + r) * 4)::int END AS label
FROM generate_series(1, 300) AS i, generate_series(1, 40) AS j, generate_series(1, 2) AS r
WHERE u(i * 1000 + j, 20) < 0.2 AND (r = 1 OR u(i * 1000 + j, 21) < 0.1);
CREATE TABLE once AS SELECT DISTINCT ON (item, annotator) * FROM answers ORDER BY item, annotator, label;
ANALYZE;
END
is( value($node, q{SELECT agreement(item, annotator, label)::text = agreement(annotation_set(item, annotator, label))::text FROM answers}),
	't', 'the aggregate and the function say the same');
is( value($node, q{
	SELECT count(*) FILTER (WHERE abs(p.cohen_kappa - cohen_kappa(m.m)) > 1e-12 OR abs(p.percent_agreement - accuracy(m.m)) > 1e-12 OR p.items <> total(m.m)
	         OR abs(p.kappa_low - (cohen_kappa_interval(m.m)).low) > 1e-9 OR abs(p.kappa_high - (cohen_kappa_interval(m.m)).high) > 1e-9
	         OR p.cohen_kappa IS NULL <> (cohen_kappa(m.m) IS NULL) OR p.kappa_low IS NULL <> ((cohen_kappa_interval(m.m)).low IS NULL))
	       || ' of ' || count(*) || ', ' || count(p.items) || ', ' || count(m.m)
	FROM pairwise_agreement((SELECT annotation_set(item, annotator, label) FROM once)) AS p
	FULL JOIN (SELECT a.annotator, b.annotator AS other, annotator_confusion(a.label, b.label) AS m
	           FROM once AS a JOIN once AS b ON a.item = b.item AND a.annotator COLLATE "C" < b.annotator COLLATE "C" GROUP BY 1, 2) AS m USING (annotator, other)}),
	'0 of 780, 780, 780', 'pairs: as their confusion matrices, which are all the pairs that met');
is( value($node, q{
	SELECT count(*) FROM pairwise_agreement((SELECT annotation_set(item, annotator, label) FROM once), '{"weights": "quadratic"}') AS p
	JOIN (SELECT a.annotator, b.annotator AS other, annotator_confusion(a.label, b.label) AS m
	      FROM once AS a JOIN once AS b ON a.item = b.item AND a.annotator COLLATE "C" < b.annotator COLLATE "C" GROUP BY 1, 2) AS m USING (annotator, other)
	WHERE abs(p.cohen_kappa - cohen_kappa(m, 'quadratic')) < 1e-12}),
	780, 'pairs: the same with weights');
# Cells of all pairs are counted at once, or those of one annotator, or none, as there is room.  Others, who meet nobody,
# and labels of theirs change that, and no figure.
is( value($node, q{
	WITH rows AS (SELECT item::text, annotator, label::text FROM answers),
	     sets AS (SELECT 'few' AS kind, annotation_set(item, annotator, label) AS s FROM rows
	              UNION ALL SELECT 'annotators', annotation_set(item, annotator, label)
	              FROM (TABLE rows UNION ALL SELECT 'alone ' || i, 'alone ' || i, '1' FROM generate_series(1, 500) AS i) AS v
	              UNION ALL SELECT 'labels', annotation_set(item, annotator, label)
	              FROM (TABLE rows UNION ALL SELECT 'alone ' || i, 'alone', i::text FROM generate_series(1, 400) AS i) AS v),
	     said AS MATERIALIZED (SELECT kind, p.* FROM sets, pairwise_agreement(s) AS p)
	SELECT count(*) FILTER (WHERE a.items = b.items AND abs(a.percent_agreement - b.percent_agreement) < 1e-12 AND abs(a.cohen_kappa - b.cohen_kappa) < 1e-12
	                          AND coalesce(abs(a.kappa_low - b.kappa_low) + abs(a.kappa_high - b.kappa_high) < 1e-9, a.kappa_low IS NULL AND b.kappa_low IS NULL))
	       || ' of ' || count(*)
	FROM (SELECT * FROM said WHERE kind = 'few') AS a FULL JOIN (SELECT * FROM said WHERE kind <> 'few') AS b USING (annotator, other)}),
	'1560 of 1560', 'pairs: the same figures however they are counted');
is( value($node, q{
	SELECT bool_and(abs((a).conger_kappa - k) < 1e-12 AND (a).percent_agreement = p)
	FROM (SELECT agreement(s) AS a, (SELECT cohen_kappa FROM pairwise_agreement(s)) AS k, (SELECT percent_agreement FROM pairwise_agreement(s)) AS p
	      FROM (SELECT annotation_set(item, annotator, label) AS s FROM once WHERE annotator IN ('a1', 'a2') AND item IN (SELECT item FROM once WHERE annotator = 'a1' INTERSECT SELECT item FROM once WHERE annotator = 'a2')) AS v) AS w}),
	't', 'of two annotators Conger is Cohen');
is( value($node, q{
	WITH pairs AS (SELECT annotator, item, count(*) AS n, sum(c * (c - 1))::float8 / (sum(c) * (sum(c) - 1)) AS alike
	               FROM (SELECT annotator, item, label, count(*) AS c FROM answers GROUP BY 1, 2, 3) AS v GROUP BY 1, 2 HAVING sum(c) > 1)
	SELECT count(*) FILTER (WHERE s.repeated_items = coalesce(n, 0) AND (s.agreement IS NULL) = (n IS NULL) AND coalesce(abs(s.agreement - alike) < 1e-12, n IS NULL)
	                          AND coalesce(s.low <= s.agreement AND s.agreement <= s.high AND s.low < s.high, n IS NULL OR n = 1))
	FROM self_agreement((SELECT annotation_set(item, annotator, label) FROM answers)) AS s
	LEFT JOIN (SELECT annotator, count(*) AS n, avg(alike) AS alike FROM pairs GROUP BY 1) AS p USING (annotator)}),
	40, 'self_agreement: by hand');

# Several answers of an annotator share his voice: whoever says all twice changes nothing.
is( value($node, q{SELECT agreement(item, annotator, label)::text = (SELECT agreement(item, annotator, label)::text FROM once)
	 FROM (SELECT * FROM once UNION ALL SELECT * FROM once WHERE annotator < 'a3') AS v}) // '', 'f', 'annotations are counted');
is( value($node, q{SELECT (to_jsonb(agreement(item, annotator, label)) - 'annotations') = (SELECT to_jsonb(agreement(item, annotator, label)) - 'annotations' FROM once)
	 FROM (SELECT * FROM once UNION ALL SELECT * FROM once WHERE annotator < 'a3') AS v}),
	't', 'whoever says all twice changes no coefficient');

#
# Any order, any plan.  All rows go into the state, so workers are not planned; they may be.
#
ship_aggregates($node);
my $bytes = q{SELECT md5(string_agg(a::text, ',' ORDER BY g)) FROM (SELECT item % 3 AS g, agreement(item, annotator, label, '%s') AS a FROM %s GROUP BY 1) AS v};
for my $options ('{}', '{"level": "ordinal"}', '{"interval": "bootstrap", "resamples": 100}')
{
	my $serial = value($node, sprintf("SET max_parallel_workers_per_gather = 0; $bytes", $options, 'answers'));
	is(value($node, sprintf("SET max_parallel_workers_per_gather = 0; $bytes", $options, '(SELECT * FROM answers ORDER BY u(item * 7 + label, 3)) AS s')), $serial, "$options: any order");
	my $workers = 'ALTER TABLE answers SET (parallel_workers = 3); SET max_parallel_workers_per_gather = 3; SET parallel_leader_participation = off';
	(my $shipped = sprintf($bytes, $options, 'answers')) =~ s/agreement\(/shipped_agreement(/;
	is(value($node, "$workers; $shipped"), $serial, "$options: workers");
	like(join("\n", map { $_->[0] } rows($node, "$workers; EXPLAIN (COSTS OFF) $shipped")), qr/Partial/, "$options: there are workers");
}
isnt(value($node, q{SELECT agreement(item, annotator, label, '{"interval": "bootstrap", "seed": 1}')::text = agreement(item, annotator, label, '{"interval": "bootstrap", "seed": 2}')::text FROM answers}),
	't', 'bootstrap: another seed, other resamples');
is( value($node, q{
	SELECT bool_and(abs(a - b) < 0.02) FROM (SELECT to_jsonb(agreement(item, annotator, label)) AS x, to_jsonb(agreement(item, annotator, label, '{"interval": "bootstrap"}')) AS y FROM answers) AS v,
	  LATERAL (SELECT (x ->> k)::float8, (y ->> k)::float8 FROM unnest(ARRAY['percent_low', 'percent_high', 'alpha_low', 'alpha_high', 'fleiss_low', 'fleiss_high', 'gwet_low', 'gwet_high']) AS k) AS w(a, b)}),
	't', 'bootstrap: with 300 items about the same interval');

#
# Coverage, in a small number of simulated sets (4,000 a setting: docs/agreement.md).
# The truth of annotators who are right independently is computed.
#
sub truth_of
{
	my ($shares, $right) = @_;
	my ($k, $agree, @marginal) = (scalar @$shares, 0);
	for my $t (0 .. $k - 1)
	{
		for my $l (0 .. $k - 1)
		{
			my $p = $l == $t ? $right : (1 - $right) / ($k - 1);
			$agree += $shares->[$t] * $p**2;
			$marginal[$l] += $shares->[$t] * $p;
		}
	}
	my ($chance, $gwet) = (0, 0);
	for (@marginal)
	{
		$chance += $_**2;
		$gwet += $_ * (1 - $_) / ($k - 1);
	}
	my $kappa = ($agree - $chance) / (1 - $chance);
	return (percent => $agree, alpha => $kappa, fleiss => $kappa, gwet => ($agree - $gwet) / (1 - $gwet));
}

sub coverage
{
	my ($sets, $items, $annotators, $missing, $shares, $right) = @_;
	my $k = @$shares;
	my $sum = 0;
	my $case = join ' ', map { $sum += $shares->[ $_ - 1 ]; "WHEN u < $sum THEN $_" } 1 .. $k - 1;
	my %truth = truth_of($shares, $right);
	my ($row) = rows($node, qq{
		SET client_min_messages = error;
		SELECT } . join(', ', map { "avg((coalesce((a).${_}_low <= $truth{$_} AND (a).${_}_high >= $truth{$_} AND (a).${_}_low < (a).${_}_high, false))::int)" } sort keys %truth) . qq{
		FROM (SELECT g, agreement(item, annotator, CASE WHEN u(key, 1) < $right THEN truth ELSE 1 + (truth + floor(u(key, 2) * ($k - 1))::int) % $k END) AS a
		      FROM (SELECT g, item, CASE $case ELSE $k END AS truth
		            FROM (SELECT g, item, u(g * 100000::bigint + item, 4) AS u FROM generate_series(1, $sets) AS g, generate_series(1, $items) AS item) AS v) AS t,
		           generate_series(1, $annotators) AS annotator, LATERAL (SELECT (g * 100000::bigint + item) * 100 + annotator AS key OFFSET 0) AS x
		      WHERE u(key, 3) >= $missing GROUP BY g) AS w});
	my %of;
	@of{ sort keys %truth } = @$row;
	return %of;
}

# Two annotators more often right than not, three, five; even, uneven and rare labels.
my $sets = $ENV{NOISYLABEL_COVERAGE} // 400;
my @more = (
	[ 50, 2, 0, [ 0.5, 0.5 ], 0.85 ],
	[ 50, 3, 0.3, [ 0.9, 0.1 ], 0.8 ],
	[ 50, 5, 0, [ 0.5, 0.5 ], 0.95 ],
	[ 50, 3, 0, [ 0.7, 0.1, 0.1, 0.1 ], 0.75 ],
	[ 200, 3, 0, [ 0.97, 0.03 ], 0.95 ],
	[ 200, 2, 0, [ 0.2, 0.2, 0.2, 0.2, 0.2 ], 0.97 ],
	[ 200, 5, 0, [ 0.9, 0.1 ], 0.975 ],
	[ 200, 2, 0, [ 0.85, 0.05, 0.05, 0.03, 0.02 ], 0.9 ]);
for (
	$ENV{NOISYLABEL_COVERAGE} ? @more : (),
	[ 50, 3, 0, [ 0.5, 0.5 ], 0.85 ],
	[ 50, 5, 0.2, [ 0.6, 0.3, 0.1 ], 0.9 ],
	[ 50, 2, 0, [ 0.2, 0.2, 0.2, 0.2, 0.2 ], 0.8 ],
	[ 200, 2, 0, [ 0.9, 0.1 ], 0.95 ],
	[ 200, 3, 0.3, [ 0.6, 0.3, 0.1 ], 0.85 ],
	[ 200, 5, 0.2, [ 0.5, 0.5 ], 0.95 ])
{
	my %got = coverage($sets, @$_);
	my $bar = $_->[0] == 50 ? 0.92 : 0.94;
	my $error = 2 * sqrt($bar * (1 - $bar) / $sets);
	for my $what (sort keys %got)
	{
		my $shown = sprintf '%.4f', $got{$what};
		cmp_ok($got{$what}, '>=', $sets >= 4000 ? $bar : $bar - $error, "coverage of $what, $_->[0] items, $_->[1] annotators, shares @{$_->[3]}, right $_->[4]: $shown");
	}
}

#
# Large: memory_limit refuses, a cancel is obeyed at once
#
$node->safe_psql('postgres', <<'END');
CREATE TABLE large AS
SELECT annotation_set(i, u(i * 100 + j, 5) * 3000, (u(i * 100 + j, 6) * 5)::int) AS s FROM generate_series(1, 20000) AS i, generate_series(1, 40) AS j;
ALTER TABLE large ALTER s SET STORAGE EXTERNAL;
END
{
	my $err;
	$node->psql('postgres', q{SET noisylabel.memory_limit = '4MB'; SELECT agreement(s) FROM large}, stderr => \$err);
	like($err, qr/agreement.*needs \d+ kB of memory.*memory_limit is 4096 kB/, 'agreement: memory_limit');
	$node->psql('postgres', q{SET noisylabel.memory_limit = '4MB'; SELECT count(*) FROM large, pairwise_agreement(s)}, stderr => \$err);
	like($err, qr/pairwise_agreement\(\) needs \d+ kB of memory/, 'pairwise_agreement: memory_limit');
}
for my $query (
	q{SELECT agreement(s, '{"interval": "bootstrap", "resamples": 100000}') FROM large},
	'SELECT count(*) FROM large, pairwise_agreement(s)',
	q{SELECT sum((agreement(s, '{"level": "ordinal"}')).items + g) FROM large, generate_series(1, 100000) AS g})
{
	my $start = time;
	my $err;
	$node->psql('postgres', "SET statement_timeout = 1500; $query", stderr => \$err);
	my $took = time - $start - 1.5;
	like($err, qr/canceling statement/, "cancelled: $query");
	cmp_ok($took, '<', 0.9, sprintf('and at once (with starting psql, %.2f s)', $took));
}
log_is_clean($node);
$node->stop;
done_testing();
