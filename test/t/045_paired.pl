# paired_bootstrap(): its interval holds the true difference as often as it says, its
# p-value is uniform where there is none, in plans of all kinds it gives the same bytes.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use Test::More;

my $node = new_node('paired');

# Two predictions of three unequal classes, whose errors depend on each other.  The true difference
# of macro F1 is that of a million items.
$node->safe_psql('postgres', <<'END');
CREATE FUNCTION u(i bigint, salt bigint) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT hashint8extended(i, salt * 7919) / 18446744073709551616.0 + 0.5';
CREATE FUNCTION predictions(items bigint, better float8, salt bigint) RETURNS TABLE(item bigint, truth text, baseline text, candidate text) LANGUAGE sql AS $$
	SELECT item, truth, CASE WHEN e1 < 0.25 THEN other ELSE truth END, CASE WHEN (CASE WHEN same < 0.5 THEN e1 ELSE e2 END) < 0.25 - better THEN other ELSE truth END
	FROM (SELECT item, CASE WHEN t < 0.6 THEN 'a' WHEN t < 0.9 THEN 'b' ELSE 'c' END AS truth, CASE WHEN o < 0.5 THEN 'a' ELSE 'b' END AS other, e1, e2, same
	      FROM (SELECT i AS item, u(i, salt) AS t, u(i, salt + 1) AS o, u(i, salt + 2) AS e1, u(i, salt + 3) AS e2, u(i, salt + 4) AS same FROM generate_series(1, items) AS i) AS x) AS y $$;
CREATE TABLE truly AS
SELECT better, (f1_report(truth, candidate)).macro_f1 - (f1_report(truth, baseline)).macro_f1 AS difference
FROM (VALUES (0.0), (0.05)) AS v(better), predictions(1000000, better, 5) GROUP BY better;
UPDATE truly SET difference = 0 WHERE better = 0;	-- by symmetry
CREATE TABLE runs AS
SELECT better, items, run, paired_bootstrap(item, truth, baseline, candidate, '{"resamples": 399}') AS c
FROM (VALUES (0.0), (0.05)) AS v(better), (VALUES (100), (400)) AS n(items), generate_series(1, 300) AS run, predictions(items, better, 1000 + run * 10 + items)
GROUP BY better, items, run;
END

for (rows($node, q(SELECT better, items, round(avg((t.difference BETWEEN (c).difference_low AND (c).difference_high)::int), 3),
	round(avg(((c).p_value < 0.05)::int), 3), round(avg((c).p_value)::numeric, 3), round(avg(((c).p_value < 0.5)::int), 3),
	round(avg((abs((c).difference) > (c).detectable_difference)::int), 3), round(avg((cardinality((c).harmed_classes) > 0)::int), 3)
	FROM runs JOIN truly AS t USING (better) GROUP BY better, items ORDER BY better, items)))
{
	my ($better, $items, $covered, $found, $mean, $half, $beyond, $harmed) = @$_;
	note("better by $better, $items items: covered $covered, p < .05 $found, mean p $mean, p < .5 $half, harmed $harmed");
	cmp_ok($covered, '>=', 0.93, "$items items, better by $better: the interval holds the difference");
	cmp_ok($harmed, '<=', 0.03, 'no class is said to be harmed');
	next if $better > 0;	# bounds of three standard errors
	cmp_ok($found, '<=', 0.065, 'no difference is found where none is');
	cmp_ok(abs($mean - 0.5), '<=', 0.05, 'the p-value is a half on average');
	cmp_ok(abs($half - 0.5), '<=', 0.087, 'and below a half half of the time');
}

# The same bytes whatever the plan; a role that may only read; options from a column
$node->safe_psql('postgres', q(CREATE TABLE p AS SELECT * FROM predictions(20000, 0.05, 3);
	CREATE ROLE reader; GRANT SELECT ON p TO reader));
my $query = q(SELECT md5(string_agg(c::text, ' ' ORDER BY g)) FROM (SELECT item % 3 AS g, paired_bootstrap(item, truth, baseline, candidate, '{"resamples": 199}') AS c FROM p GROUP BY 1) AS x);
my $serial = value($node, $query);
is(value($node, "SET enable_hashagg = off; $query"), $serial, 'sorted');
is(value($node, "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET enable_partitionwise_aggregate = on; $query"), $serial, 'where parallel plans are cheap');
is(value($node, "SET work_mem = '64kB'; $query"), $serial, 'spilled');
is(value($node, "SET ROLE reader; $query"), $serial, 'by a role that may only read');

done_testing();
