# Options groups, prior, abstain and silence of dawid_skene(), against another
# implementation, in numpy: test/data/crowd_options.py has made crowds and numbers.
# consensus() and posterior() are the same to the bit under each of them, whatever
# the order of rows and the number of workers; a warm start ends where a cold one does.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('crowd_options', <<'END');
min_parallel_table_scan_size = 0
parallel_setup_cost = 0
parallel_tuple_cost = 0
END
my $crowds = json(slurp_file("$FindBin::RealBin/../data/crowd_options.json"));
ship_aggregates($node);

sub load
{
	my ($rows) = @_;
	$node->safe_psql('postgres',
		'DROP TABLE IF EXISTS answers; CREATE TABLE answers (item text, annotator text, label text, gold text)');
	copy_in($node, 'answers', [ map { my @r = split / /; [ @r[ 0 .. 3 ] ] } @$rows ]);
	return;
}

sub fit
{
	my ($options, $order) = @_;
	my $sql = "SELECT dawid_skene(item, annotator, label, gold, '$options'::jsonb) AS m FROM (SELECT * FROM answers ORDER BY $order) AS a";
	$node->safe_psql('postgres', "DROP TABLE IF EXISTS model; CREATE TABLE model AS $sql");
	return value($node, 'SELECT m FROM model');
}

# The cells of the classes, in the order of "found", where the model has them.
sub check_model
{
	my ($name, $model, $found, $tolerance) = @_;
	my %at = map { $model->{labels}[$_] => $_ } 0 .. $#{ $model->{labels} };
	my @classes = @{ $found->{classes} };
	my @labels = (@classes, defined $found->{abstain} ? $found->{abstain} : ());
	my $component = $model->{components}[0];
	check_exact('labels', $name, join(' ', sort keys %at), join(' ', sort @labels));
	check_exact('annotators', $name, join(' ', @{ $model->{annotators} }), join(' ', @{ $found->{annotators} }));
	check_close('prior', "$name $classes[$_]", $component->{prior}[ $at{ $classes[$_] } ], $found->{prior}[$_], $tolerance)
	  for 0 .. $#classes;
	check_exact('no prior of no class', $name, $component->{prior}[ $at{ $found->{abstain} } ], 0) if defined $found->{abstain};
	for my $j (0 .. $#{ $found->{annotators} })
	{
		for my $k (0 .. $#classes)
		{
			check_close('cells', "$name [$j][$k][$_]",
				$component->{confusion}[$j][ $at{ $classes[$k] } ][ $at{ $labels[$_] } ],
				$found->{matrices}[$j][$k][$_], $tolerance, 1e-3)
			  for 0 .. $#labels;
		}
	}
	return;
}

sub check_groups
{
	my ($name, $model, $found) = @_;
	my %group;
	for my $members (@{ $model->{voices}{groups} })
	{
		$group{$_} = $members->[0] for @{$members}[ 1 .. $#$members ];
	}
	my $canonical = JSON::PP->new->canonical;
	check_exact('groups', $name, $canonical->encode(\%group), $canonical->encode($found->{groups}));
	return;
}

sub check_items
{
	my ($name, $found, $tolerance) = @_;
	for my $row (rows($node, <<'END'))
SELECT c.item, c.label, c.confidence, c.tied, c.distribution,
	c.label IS NULL OR (c.label = top_label(c.distribution) AND c.confidence = confidence(c.distribution))
FROM consensus((SELECT annotation_set(item, annotator, label, gold) FROM answers), (SELECT m FROM model)) AS c
END
	{
		my ($item, $label, $confidence, $tied, $distribution, $same) = @$row;
		my ($want, $named) = @{ $found->{items}{$item} // next };
		my $p = json($distribution);
		check_exact('classes', "$name $item", join(' ', sort keys %$p), join(' ', @{ $found->{classes} }));
		check_close('distributions', "$name $item $_", $p->{ $found->{classes}[$_] }, $want->[$_], $tolerance, 1e-3)
		  for 0 .. $#$want;
		check_exact('label, confidence and tied are known', "$name $item",
			join('', map { defined ? 1 : 0 } $label, $confidence, $tied), $named ? '111' : '000');
		check_exact('they are those of the distribution', "$name $item", $same, 't');
	}
	return;
}

# What is the same to the bit: items without gold by consensus() and by posterior(),
# from rows in another order and from states that workers made.
sub check_bits
{
	my ($name, $options, $model) = @_;
	check_exact('order of rows', $name, fit($options, 'md5(item || annotator), label') eq $model, 1);
	for my $posterior ('posterior', 'shipped_posterior')
	{
		for my $workers (0, 3)
		{
			check_exact('consensus() and posterior()', "$name, $posterior, $workers workers",
				value($node, <<"END"), '0');
SET max_parallel_workers_per_gather = $workers;
SELECT count(*) FROM (
	SELECT a.item, $posterior(m.m, annotator, label) AS d FROM answers AS a, model AS m WHERE gold IS NULL GROUP BY item) AS p
FULL JOIN consensus((SELECT annotation_set(item, annotator, label) FROM answers WHERE gold IS NULL), (SELECT m FROM model)) AS c USING (item)
WHERE p.d IS DISTINCT FROM c.distribution
END
		}
	}
	check_exact('text and binary form', $name, value($node, <<'END'), 't');
SELECT m::text::annotator_model = m AND m = (SELECT (m::text::jsonb)::text::annotator_model FROM model) FROM model
END
	# who is in a group of the model counts as in it, were nobody else of it here
	check_exact('a part of the annotators', $name, value($node, <<'END'), '0');
SELECT count(*) FROM (
	SELECT item, posterior(m, annotator, label) AS d FROM answers, model WHERE annotator ~ '[0246]$' GROUP BY item) AS p
FULL JOIN consensus((SELECT annotation_set(item, annotator, label) FROM answers WHERE annotator ~ '[0246]$'), (SELECT m FROM model)) AS c USING (item)
WHERE p.d IS DISTINCT FROM c.distribution
END
	return;
}

for my $crowd (@$crowds)
{
	my ($name, $found) = @{$crowd}{qw(name found)};
	my $options = JSON::PP->new->canonical->encode($crowd->{options});
	my $tolerance = defined $found->{passes} ? 1e-9 : 1e-6;
	load($crowd->{rows});
	my $text = fit($options, 'item, annotator, label');
	my $model = json($text);
	check_exact('passes', $name, $model->{fit}{iterations}, $found->{passes}) if defined $found->{passes};
	if (my ($correlation, $judged) = @{ $found->{correlation} // [] })
	{
		my ($said) = $model->{method} =~ /correlation ([^,]*, [^,]*)/;
		check_exact('correlation', $name, $said,
			sprintf('%.2f, %s', $correlation, $judged ? "estimated from $judged gold items" : 'assumed'));
	}
	check_model($name, $model, $found, $tolerance);
	check_groups($name, $model, $found);
	check_items($name, $found, $tolerance);
	check_bits($name, $options, $text);
	check_exact('warm start', $name, value($node, <<"END"), '0');
SELECT count(*) FROM (
	SELECT dawid_skene(annotation_set(item, annotator, label, gold), '$options', start => (SELECT m FROM model)) AS w FROM answers) AS x,
	consensus((SELECT annotation_set(item, annotator, label, gold) FROM answers), (SELECT m FROM model)) AS c,
	consensus((SELECT annotation_set(item, annotator, label, gold) FROM answers), w) AS d
WHERE c.item = d.item AND c.label <> d.label AND abs(c.confidence - d.confidence) > 0.05
END
}
report_checks();

#
# Many items, so that a fit is divided and has workers
#
$node->safe_psql('postgres', <<'END');
CREATE FUNCTION u(text) RETURNS float8 LANGUAGE sql IMMUTABLE AS
$$ SELECT ('x' || substr(md5($1), 1, 8))::bit(32)::bigint / 4294967296.0 $$;
DROP TABLE answers;
CREATE TABLE answers AS
SELECT 'i' || i AS item, 'a' || j AS annotator,
	CASE WHEN u('s' || i || ' ' || j) < 0.1 THEN 'unsure' WHEN u('r' || i || ' ' || j) < 0.8 THEN t ELSE 'c' || floor(3 * u('w' || i || ' ' || j)) END AS label
FROM (SELECT i, 'c' || floor(3 * u('t' || i)) AS t FROM generate_series(1, 6000) AS i) AS t, generate_series(1, 9) AS j
WHERE u('a' || i || ' ' || j) < 0.6;
ANALYZE answers;
END
for my $options ('{"groups": [["a1", "a2", "a5"], ["a3", "a4"]]}', '{"abstain": "unsure"}',
	'{"silence": "informative", "abstain": "unsure"}',
	'{"silence": "informative", "abstain": "unsure", "groups": [["a1", "a2"]], "prior": {"c0": 0.4, "c1": 0.3, "c2": 0.3}}')
{
	my @models = map { value($node, <<"END") } 0, 3;
SET max_parallel_workers_per_gather = $_;
SELECT dawid_skene(annotation_set(item, annotator, label), '$options') FROM answers
END
	is($models[1], $models[0], "workers: $options");
}

#
# Labelling functions that can say one class only: the stress case of "silence"
#
sub accuracy
{
	my ($options) = @_;
	return value($node, <<"END");
SELECT avg((c.label = l.truth)::int) FROM
	(SELECT annotation_set(item, annotator, label) AS s, dawid_skene(annotation_set(item, annotator, label), '$options') AS m FROM functions) AS f,
	consensus(s, m) AS c JOIN (SELECT item, min(truth) AS truth FROM functions GROUP BY item) AS l USING (item)
END
}

my (@ignored, $gained);
for my $seed (1 .. 5)
{
	$node->safe_psql('postgres', <<"END");
DROP TABLE IF EXISTS functions;
CREATE TABLE functions AS
SELECT 'i' || i AS item, 'f' || j AS annotator, 'c' || j % 2 AS label, t AS truth
FROM (SELECT i, 'c' || i % 2 AS t FROM generate_series(1, 1000) AS i) AS t, generate_series(1, 10) AS j
WHERE u('$seed ' || i || ' ' || j) < CASE WHEN t = 'c' || j % 2 THEN 0.5 ELSE 0.03 END
END
	my ($ignored, $heard, $votes) = map { accuracy($_) } '{}', '{"silence": "informative"}', '{"variant": "majority"}';
	note("accuracy: ignored $ignored, informative $heard, majority $votes");
	cmp_ok($heard, '>=', 0.95, "silence is heard, $seed");
	$gained += ($heard - $votes) / 5;
	push @ignored, $ignored;
}
cmp_ok($gained, '>=', -0.01, 'and does no worse than votes');
cmp_ok((sort { $a <=> $b } @ignored)[0], '<=', 0.75, 'without it the fit may be lost');

#
# Six LLM judges who say much the same, beside ten people
#
for my $seed (1 .. 2)
{
	$node->safe_psql('postgres', <<"END");
DROP TABLE IF EXISTS functions;
CREATE TABLE functions AS SELECT item, annotator, label, truth, kind = 'reliable' AS human FROM simulate_annotations(800,
	'{"reliable": {"count": 10, "accuracy": 0.8}, "hasty": {"accuracy": 0.7, "answers": 800},
	  "copy": {"count": 5, "of": "hasty 1", "fidelity": 0.85, "accuracy": 0.7}}', '{"classes": 3, "answers": 4, "seed": $seed}')
END
	my $equals = accuracy('{"copies": "off"}');
	my $found = accuracy('{}');
	my $groups = accuracy('{"groups": [["hasty 1", "copy 1", "copy 2", "copy 3", "copy 4", "copy 5"]]}');
	$node->safe_psql('postgres', 'DELETE FROM functions WHERE NOT human');
	my $people = accuracy('{}');
	note("accuracy: people $people, judges as equals $equals, found to be copies $found, as a group $groups");
	cmp_ok($equals, '<', $people - 0.1, "judges of one mind outvote people, $seed");
	cmp_ok($groups, '>', $people, "as one voice they help, $seed");
	cmp_ok($found, '>', $people, "and where the answers show that they are one, $seed");
}

log_is_clean($node);
$node->stop;
done_testing();
