# What a variant of dawid_skene() ties it needs once: 20,000 annotators and 50 classes
# are fitted where whole matrices are refused.  And the evidence of such models, which
# has the labels that were given, is that of the posteriors.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use Test::More;

my $node = new_node('tied_memory', "max_parallel_workers_per_gather = 0\n");
my @variants = qw(majority one_coin class shared);

$node->safe_psql('postgres', <<'END');
CREATE FUNCTION memory(what text) RETURNS bigint LANGUAGE sql AS $$
	SELECT (regexp_match(pg_read_file('/proc/' || pg_backend_pid() || '/status'), 'Vm' || what || ':\s+(\d+)'))[1]::bigint
$$;
CREATE FUNCTION hash(i bigint, salt bigint, n int) RETURNS int LANGUAGE sql IMMUTABLE AS $$
	SELECT abs(hashint8(i * salt)::bigint)::int % n
$$;
CREATE TABLE votes AS
SELECT 'i' || i / 5 AS item, 'a' || hash(i, 1, 20000) AS annotator,
       'c' || CASE WHEN hash(i, 31, 100) < 30 THEN hash(i, 7, 50) ELSE hash(i / 5, 17, 50) END AS label
FROM generate_series(0, 99999) AS i;
CREATE TABLE sets AS SELECT annotation_set(item, annotator, label) AS s FROM votes;
CREATE TABLE models (variant text, m annotator_model);
ALTER TABLE models ALTER m SET STORAGE EXTERNAL;
END

for my $variant (qw(full auto))
{
	my (undef, undef, $error) = $node->psql('postgres',
		qq(SET noisylabel.memory_limit = '300MB'; SELECT dawid_skene(s, '{"variant": "$variant"}') IS NULL FROM sets));
	like($error, qr/dawid_skene\(\) needs \d+ kB of memory/, "$variant: whole matrices are refused");
}

for my $variant (@variants)
{
	my ($row) = rows($node, <<"END");
SET noisylabel.memory_limit = '300MB';
CREATE TEMP TABLE before AS SELECT memory('RSS') AS kb FROM sets WHERE s IS NOT NULL;
INSERT INTO models SELECT '$variant', dawid_skene(s, '{"variant": "$variant"}') FROM sets;
SELECT memory('HWM') - kb FROM before;
END
	SKIP:
	{
		skip('no /proc', 1) if !-r '/proc/self/status';
		# PostgreSQL has the model once more, to store it
		cmp_ok($row->[0], '<', 400 * 1024, "$variant: takes no more than it may");
		note("takes $row->[0] kB");
	}

	# consensus() and posterior() need no matrices, and agree to the last bit
	my ($scored) = rows($node, <<"END");
SET noisylabel.memory_limit = '150MB';
WITH chosen AS (SELECT * FROM votes WHERE item IN (SELECT 'i' || g * 97 FROM generate_series(0, 199) AS g)),
	model AS MATERIALIZED (SELECT m FROM models WHERE variant = '$variant'),
	asked AS (SELECT c.item, c.distribution FROM (SELECT annotation_set(item, annotator, label) AS s FROM chosen) AS s, model, consensus(s, m) AS c),
	grouped AS (SELECT item, posterior((SELECT m FROM model), annotator, label) AS d FROM chosen GROUP BY item)
SELECT count(*), count(*) FILTER (WHERE d = distribution), count(*) FILTER (WHERE confidence(d) > 0.9) FROM asked JOIN grouped USING (item)
END
	is("@$scored[0, 1]", '200 200', "$variant: consensus() and posterior() are equal");
	cmp_ok($scored->[2], '>', 100, "$variant: and sure of most");
}

# The evidence: sums of posteriors t and of t (1 - t) over an annotator's answers to
# items that tell of him.
$node->safe_psql('postgres', <<'END');
CREATE TABLE answers AS
SELECT 'i' || i / 4 AS item, 'a' || hash(i, 3, 25) AS annotator,
       'c' || CASE WHEN hash(i, 31, 100) < 40 THEN hash(i, 7, 70) ELSE hash(i / 4, 17, 70) END AS label,
       CASE WHEN i / 4 % 9 = 0 THEN 'c' || hash(i / 4, 17, 70) END AS gold
FROM generate_series(0, 799) AS i;
INSERT INTO answers SELECT * FROM answers WHERE hash(hashtext(item), 1, 11) = 0;
END

for my $variant (@variants, 'full')
{
	$node->safe_psql('postgres', <<"END");
DROP TABLE IF EXISTS fit, want;
CREATE TABLE fit AS SELECT s, dawid_skene(s, '{"variant": "$variant", "gold_weight": 0.9, "smoothing": 1}') AS m FROM (SELECT annotation_set(item, annotator, label, gold) AS s FROM answers) AS s;
CREATE TABLE want AS
WITH p AS MATERIALIZED (SELECT c.item, p.label AS truth, p.probability AS t FROM fit, consensus(s, m) AS c, probabilities(c.distribution) AS p)
SELECT annotator, truth, label, sum(n * t) AS count, sum(n * n * t * (1 - t)) AS variance
FROM (SELECT item, annotator, label, count(*) AS n FROM answers GROUP BY item, annotator, label) AS a JOIN p USING (item)
GROUP BY annotator, truth, label;
END
	my $m = json(value($node, 'SELECT m::json FROM fit'));
	my %label = map { $m->{labels}[$_] => $_ } 0 .. $#{ $m->{labels} };
	my %who = map { $m->{annotators}[$_] => $_ } 0 .. $#{ $m->{annotators} };
	my $sum = 0;
	for (rows($node, 'SELECT annotator, truth, label, count, variance FROM want'))
	{
		my ($annotator, $truth, $label, $count, $variance) = @$_;
		my @cell = ($who{$annotator}, $label{$truth}, $label{$label});
		$sum += $count;
		check_close("$variant: counts", "$annotator $truth $label", $m->{counts}[ $cell[0] ][ $cell[1] ][ $cell[2] ], $count, 1e-9, 1);
		check_close("$variant: variances", "$annotator $truth $label", $m->{variances}[ $cell[0] ][ $cell[1] ][ $cell[2] ], $variance, 1e-9, 1);
	}
	report_checks();
	my $all = 0;
	for my $matrix (@{ $m->{counts} }) { $all += $_ for map { @$_ } @$matrix }
	ok(near($all, $sum, 1e-6), "$variant: nothing else is counted");
	is(value($node, 'SELECT count(*) FROM fit WHERE m::text::annotator_model = m AND m::jsonb::text::annotator_model = m'),
		1, "$variant: the text is the model");
	is(value($node, <<"END"), 1, "$variant: the binary form is the model");
COPY (SELECT m FROM fit) TO '@{[ $node->data_dir ]}/model.bin' (FORMAT binary);
CREATE TEMP TABLE again (m annotator_model);
COPY again FROM '@{[ $node->data_dir ]}/model.bin' (FORMAT binary);
SELECT count(*) FROM again JOIN fit USING (m);
END
	next if $variant eq 'full' || $variant eq 'shared';

	# rates that the variant ties must be equal
	my $text = value($node, qq(SELECT dawid_skene(i / 3, i % 3, i * 7 % 5 % 3, '{"variant": "$variant"}'::jsonb)::text FROM generate_series(0, 59) AS i));
	$text =~ s/("confusion": \[\[\[[^,]*, )[^,]*, [^\]]*/${1}0.5, 0.25/ or die;
	$text =~ s/'/''/g;
	my (undef, undef, $error) = $node->psql('postgres', "SELECT '$text'::annotator_model IS NULL");
	like($error, qr/Rates of variant "$variant" that must be equal are/, "$variant: rates that are not tied");
}

log_is_clean($node);
$node->stop;
done_testing();
