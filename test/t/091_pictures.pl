# What is drawn is what the functions say: numbers are read back from pictures and pages.
# They are well-formed XML whatever the names are, of bounded size, and the same for the
# same rows.  In a browser, where one is named (NOISYLABEL_BROWSER; make check-pictures
# does), nothing overflows at the width of a telephone and of a desk, and the numbers are
# read from the DOM; NOISYLABEL_PICTURES is where screenshots are left.

use strict;
use warnings;
use File::Spec;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = new_node('pictures', "client_min_messages = error\n");

# data- attributes hold seven digits
my $seven = 6e-7;

my %entity = (amp => '&', lt => '<', gt => '>', quot => '"');

sub plain
{
	my $s = shift;
	$s =~ s/&#(\d+);/chr($1)/ge;
	$s =~ s/&(amp|lt|gt|quot);/$entity{$1}/g;
	return $s;
}

# The attributes, as hashes without "data-", of the elements of a name that have the given one.
sub marks
{
	my ($page, $element, $with) = @_;
	my @found;
	while ($page =~ /<$element((?: [a-z-]+="[^"]*")*)\s*\/?>/g)
	{
		my %a;
		my $attributes = $1;
		$a{$1} = plain($2) while $attributes =~ / (?:data-)?([a-z-]+)="([^"]*)"/g;
		push @found, \%a if exists $a{$with};
	}
	return @found;
}

sub close_to
{
	my ($group, $case, $got, $want) = @_;
	check_close($group, $case, $got, $want, $seven, $seven);
}

# A crowd with gold, a label that is a script, and one that abstains
$node->safe_psql('postgres', q{
	CREATE FUNCTION named(x text) RETURNS text LANGUAGE sql AS $$ SELECT (ARRAY['cat', 'dog & co', '<script>alert(1)</script>', 'say "wolf"'])[ascii(x) - 64] $$;
	CREATE TABLE answer AS SELECT item, annotator || CASE WHEN kind = 'spammer' THEN ' <img onerror="x">' ELSE '' END AS annotator, named(label) AS label,
		CASE WHEN hashtext(item) % 5 = 0 THEN named(truth) END AS gold
	FROM simulate_annotations(300, '{"reliable": 10, "hasty": 6, "spammer": 2, "constant": 1, "confuser": 1}', '{"classes": 4, "seed": 5}');
	CREATE TABLE v AS SELECT s, dawid_skene(s) AS m FROM (SELECT annotation_set(item, annotator, label, gold) AS s FROM answer) AS x;
	CREATE TABLE page AS SELECT label_report(s, m) AS page FROM v;
});
my $page = value($node, 'SELECT page FROM page');

#
# Numbers
#
sub compare_annotators
{
	my ($group, $picture, $element) = @_;
	my %says = map { $_->[0] => $_ } rows($node, 'SELECT annotator, accuracy, accuracy_low, accuracy_high, annotations FROM v, annotators(m)');
	my @drawn = marks($picture, $element, 'annotator');
	check_exact("$group: all annotators", $group, scalar(@drawn), scalar(keys %says));
	for (@drawn)
	{
		my $name = $_->{annotator};
		close_to("$group: accuracy and interval", $name, $_->{accuracy}, $says{$name}[1]);
		close_to("$group: accuracy and interval", $name, $_->{low}, $says{$name}[2]);
		close_to("$group: accuracy and interval", $name, $_->{high}, $says{$name}[3]);
		check_exact("$group: answers", $name, $_->{answers}, $says{$name}[4]);
	}
	my @lows = map { $_->{low} } @drawn;
	check_exact("$group: sorted by the lower bound", $group, "@lows", join(' ', sort { $b <=> $a } @lows));
}
compare_annotators('reliability_svg', value($node, 'SELECT reliability_svg(m) FROM v'), 'g class="nl-annotator"');
compare_annotators('label_report', $page, 'g class="nl-annotator"');

sub compare_cells
{
	my ($group, $picture, $matrix) = @_;
	my %says = map { ("$_->[0]/$_->[1]" => $_) } rows($node, "SELECT truth, label, count, rate FROM v, cells($matrix) WHERE count >= 0.005");
	my $drawn = 0;
	for my $row (split(/(?=<g data-truth)/, $picture))
	{
		my ($truth) = $row =~ /^<g data-truth="([^"]*)"/ or next;
		for (marks($row =~ s/<\/g>.*//sr, 'rect', 'rate'))
		{
			my $cell = $says{ plain($truth) . "/$_->{label}" };
			$drawn++;
			close_to("$group: counts and rates of cells()", $truth, $_->{count}, $cell->[2]);
			close_to("$group: counts and rates of cells()", $truth, $_->{rate}, $cell->[3]);
		}
	}
	check_exact("$group: all cells", $group, $drawn, scalar(keys %says));
}
compare_cells('confusion_svg', value($node, 'SELECT confusion_svg(sum(confusion)) FROM v, annotators(m)'), '(SELECT sum(confusion) FROM annotators(m))');
my ($crowd) = $page =~ /<title>What is confused with what, all annotators<\/title>(.*?)<\/svg>/s;
compare_cells('label_report, all annotators', $crowd, '(SELECT sum(confusion) FROM annotators(m))');
my ($worst) = rows($node, 'SELECT annotator, confusion FROM v, annotators(m) ORDER BY accuracy_low, annotator COLLATE "C" DESC LIMIT 1');
my ($of_worst) = $page =~ /<title>What is confused with what by (?:[^<]*)<\/title>(.*?)<\/svg>/s;
compare_cells('label_report, the least reliable', $of_worst, "('" . $worst->[1] =~ s/'/''/gr . "'::confusion_matrix)");

# consensus of the items without gold, by tenths
my %bars = map { sprintf('%.2f', $_->[0]) => $_->[1] } rows($node, q{
	SELECT least(floor(confidence * 10 + 1e-8), 9) / 10, count(*) FROM v, consensus(s, m) AS c
	WHERE item NOT IN (SELECT item FROM answer WHERE gold IS NOT NULL) GROUP BY 1});
my @bars = marks($page, 'rect', 'from');
check_exact('label_report: items by confidence', sprintf('%.2f', $_->{from}), $_->{items}, $bars{ sprintf('%.2f', $_->{from}) }) for @bars;
check_exact('label_report: items by confidence', 'bars', scalar(@bars), scalar(keys %bars));
my %labels = map { $_->[0] => $_ } rows($node, 'SELECT label, count(*), probability(class_prior(m), label) FROM v, consensus(s, m) GROUP BY label, m');
for (marks($page, 'g', 'prior'))
{
	check_exact('label_report: items by label', $_->{label}, $_->{items}, $labels{ $_->{label} }[1]);
	close_to('label_report: class prior', $_->{label}, $_->{prior}, $labels{ $_->{label} }[2]);
}
my @unsure = rows($node, q{
	SELECT item, label, confidence FROM v, consensus(s, m) WHERE item NOT IN (SELECT item FROM answer WHERE gold IS NOT NULL)
	ORDER BY confidence, item COLLATE "C" LIMIT 8});
my @items = marks($page, 'li', 'item');
cmp_ok(scalar(@items), '>=', 8, 'items to look at');
for my $i (0 .. $#unsure)
{
	check_exact('label_report: the least sure items', "place $i", "$items[$i]{item}: $items[$i]{label}", "$unsure[$i][0]: $unsure[$i][1]");
	close_to('label_report: their confidence', "place $i", $items[$i]{confidence}, $unsure[$i][2]);
}
my ($mean, $sure, $tied) = map { @$_ } rows($node, q{
	SELECT avg(confidence), avg((confidence >= 0.95)::int), count(*) FILTER (WHERE tied) FROM v, consensus(s, m)
	WHERE item NOT IN (SELECT item FROM answer WHERE gold IS NOT NULL)});
my %tiles = map { $_->[1] => $_->[0] } map { [ /data-value="([^"]*)">[^<]*<\/b> ([^<]*)/ ] } $page =~ /<li>(<b data-value.*?)<\/li>/g;
close_to('label_report: tiles', 'confidence', $tiles{'mean confidence'}, $mean);
close_to('label_report: tiles', 'sure', $tiles{'items at 95 % or more'}, $sure);
check_exact('label_report: tiles', 'ties', $tiles{ties}, $tied);
check_exact('label_report: tiles', 'against the majority', $tiles{'against the majority'}, value($node, q{
	WITH votes AS (SELECT item, label, count(*) AS n FROM answer GROUP BY item, label)
	SELECT count(*) FROM v, consensus(s, m) AS c WHERE item NOT IN (SELECT item FROM answer WHERE gold IS NOT NULL)
	AND coalesce((SELECT n FROM votes WHERE votes.item = c.item AND votes.label = c.label), 0) < (SELECT max(n) FROM votes WHERE votes.item = c.item)}));

my %pairs = map { ("$_->[0]/$_->[1]" => $_, "$_->[1]/$_->[0]" => $_) } rows($node, 'SELECT annotator, other, items, percent_agreement, cohen_kappa FROM v, pairwise_agreement(s)');
my @pairs = marks($page, 'rect', 'other');
check_exact('label_report: all pairs, twice', 'number', scalar(@pairs), scalar(keys %pairs));
for (@pairs)
{
	my $says = $pairs{"$_->{annotator}/$_->{other}"};
	check_exact('label_report: items of pairs', $_->{other}, $_->{items}, $says->[2]);
	close_to('label_report: agreement of pairs', $_->{other}, $_->{agreement}, $says->[3]);
	close_to('label_report: kappa of pairs', $_->{other}, $_->{kappa}, $says->[4]);
}

# gold, predicted by the answers alone
my @bins = rows($node, q{
	SELECT b.n, b.confidence, b.accuracy FROM (
		SELECT calibration(g.gold, c.distribution) AS q FROM v, (SELECT annotation_set(item, annotator, label) AS t FROM answer) AS x,
			consensus(t, m) AS c JOIN (SELECT DISTINCT item, gold FROM answer WHERE gold IS NOT NULL) AS g USING (item)) AS y,
		unnest((q).bins) AS b WHERE b.n > 0});
my @marks = marks($page, 'circle', 'confidence');
check_exact('label_report: bins of gold', 'number', scalar(@marks), scalar(@bins));
for my $i (0 .. $#bins)
{
	check_exact('label_report: rows of a bin', $i, $marks[$i]{n}, $bins[$i][0]);
	close_to('label_report: bins of gold', $i, $marks[$i]{confidence}, $bins[$i][1]);
	close_to('label_report: bins of gold', $i, $marks[$i]{accuracy}, $bins[$i][2]);
}
like($page, qr/<li>\Q$_\E<\/li>/, 'a warning of fit_report()')
  for map { s/&/&amp;/gr =~ s/</&lt;/gr =~ s/>/&gt;/gr =~ s/"/&quot;/gr } map { $_->[0] } rows($node, 'SELECT unnest(warnings) FROM v, fit_report(m)');

#
# Form
#
unlike($page, qr/<script|<img|onerror="|NaN|nan%|(?:src|href)=|url\(|\@import/, 'nothing that runs or is loaded');
my %hostile = (
	'names that are markup' => q{SELECT annotation_set(i, '</svg>' || a, (ARRAY['<script>', ']]>', '&amp;', '"''<!--'])[1 + i * a % 4]) FROM generate_series(1, 40) AS i, generate_series(1, 3) AS a},
	'control characters' => q{SELECT annotation_set(chr(i), 'x' || chr(1 + a) || chr(65534) || chr(64976) || chr(133) || chr(127), chr(1 + i * a % 31)) FROM generate_series(1, 40) AS i, generate_series(1, 4) AS a},
	'empty and long names' => q{SELECT annotation_set(repeat('i', i * 30), repeat(chr(20013), a * 40), repeat('l', 50 * (i * a % 3))) FROM generate_series(1, 40) AS i, generate_series(0, 3) AS a},
	'one answer' => q{SELECT annotation_set('i', 'a', 'l')},
	'one label' => q{SELECT annotation_set(i, a, 'l') FROM generate_series(1, 9) AS i, generate_series(1, 3) AS a},
	'one answer per item' => q{SELECT annotation_set(i, i % 4, i % 3) FROM generate_series(1, 90) AS i},
	'two who never meet' => q{SELECT annotation_set(i, a, i % 2) FROM generate_series(1, 9) AS a, generate_series(1, 40) AS i WHERE i % 3 = a % 3},
	'70 annotators, 60 labels' => q{SELECT annotation_set(i, (i * 7 + a * 11) % 70, (i + (i * a) % 2) % 60) FROM generate_series(1, 400) AS i, generate_series(1, 4) AS a},
	'gold of another label' => q{SELECT annotation_set(i::text, a::text, (i % 2)::text, CASE WHEN i % 9 = 0 THEN 'gold only' END) FROM generate_series(1, 90) AS i, generate_series(1, 3) AS a});
SKIP:
{
	$node->psql('postgres', "SELECT xmlparse(DOCUMENT '<a/>')", stderr => \my $err);
	skip('a server without libxml', 3 * keys %hostile) if $err =~ /unsupported XML feature/;
	for my $case (sort keys %hostile)
	{
		my $made = "FROM (SELECT s, dawid_skene(s) AS m FROM ($hostile{$case}) AS x(s)) AS y";
		is(value($node, "SELECT xmlparse(DOCUMENT $_ ) IS DOCUMENT $made"), 't', "$case: $_ is well-formed")
		  for 'label_report(s, m)', q{reliability_svg(m, '<&>"' || chr(11))}, '(SELECT confusion_svg(sum(confusion)) FROM annotators(m))';
	}
}
my $abstains = value($node, q{SELECT label_report(s, dawid_skene(s, '{"abstain": "?"}')) FROM (SELECT annotation_set(i, a, CASE WHEN (i + a) % 5 = 0 THEN '?' ELSE (i % 2)::text END) AS s FROM generate_series(1, 60) AS i, generate_series(1, 4) AS a) AS x});
is(join(' ', map { $_->{label} } marks($abstains, 'g', 'prior')), '0 1', 'a label that is no class is none in the report');

is( value($node, q{SELECT count(DISTINCT label_report(s, dawid_skene(s))) FROM (SELECT annotation_set(item, annotator, label, gold) AS s
		FROM (SELECT k, a.* FROM answer AS a, generate_series(1, 3) AS k ORDER BY k, md5(k || item || annotator)) AS x GROUP BY k) AS y}),
	1, 'the same bytes in any order of rows');

#
# Size
#
$node->safe_psql('postgres', q{
	CREATE TABLE large AS SELECT s, dawid_skene(s) AS m FROM (
		SELECT annotation_set(i, 'annotator ' || lpad(((i * 7919 + k * 31 + i * k % 3) % 1000)::text, 4, '0'),
			'label ' || CASE WHEN (i * k * 7907 + i) % 100 < 20 + (i * 7919 + k * 31) % 79 THEN i % 20 ELSE (i * k + k) % 20 END) AS s
		FROM generate_series(1, 10000) AS i, generate_series(1, 5) AS k) AS x;
});
my $start = time;
my ($size) = rows($node, 'SELECT octet_length(label_report(s, m)), (annotation_summary(s)).annotators, (annotation_summary(s)).classes FROM large');
my $took = time - $start;
is("$size->[1] $size->[2]", '1000 20', '1,000 annotators, 20 classes');
cmp_ok($size->[0], '<', 2e6, "the page has $size->[0] bytes");
cmp_ok($took, '<', 5, 'and takes less than 5 s');
is(scalar(marks(value($node, 'SELECT reliability_svg(m) FROM large'), 'path', 'annotator')), 1000, 'each of 1,000 annotators has a line');

#
# Label views: the same page, and time lines of <prefix>_activity.  A prefix that needs quotes, in a schema that does.
#
$node->safe_psql('postgres', q{
	CREATE SCHEMA "Berichte ""26""";
	CREATE TABLE timed AS
	SELECT item, annotator, label, answered_at, seconds FROM (
		SELECT *, '2026-02-27 20:00 UTC'::timestamptz + n * interval '8 hours' + CASE WHEN n > 120 THEN interval '30 days' ELSE interval '0' END AS answered_at,
		       5 + abs(hashint8(n)) % 50 AS seconds
		FROM (SELECT *, row_number() OVER (ORDER BY substr(item, 6)::int, annotator COLLATE "C") AS n FROM answer WHERE hashtext(item || annotator) % 4 <> 0) AS x) AS y;
	UPDATE timed SET answered_at = 'infinity' WHERE item = 'item 7';
	SELECT create_label_views('"Berichte ""26"""."Güte & <b>"', 'timed');
	CREATE TABLE once AS SELECT DISTINCT ON (item) item, annotator, label, now() AS answered_at FROM timed ORDER BY item, annotator;
	SELECT create_label_views('once', 'once');
	CREATE TABLE timeless AS SELECT item, annotator, label FROM timed;
	SELECT create_label_views('timeless', 'timeless');
});
my $prefix = q{'"Berichte ""26"""."Güte & <b>"'};
my $activity = q{"Berichte ""26"""."Güte & <b>_activity"};
my $timed = value($node, "SELECT label_report($prefix)");
like($timed, qr/<h1>&quot;Berichte &quot;&quot;26&quot;&quot;&quot;\.&quot;Güte &amp; &lt;b&gt;&quot;<\/h1>/, 'label views: the prefix is the title, escaped');
is(value($node, "SELECT label_report($prefix, '{\"title\": \"Titel\"}')") =~ s/<section class="times">.*?<\/section>\n//sr,
	value($node, q{SELECT label_report(answers, model, '{"title": "Titel"}') FROM "Berichte ""26"""."Güte & <b>_model"}), 'label views: the page of the set and the model, and time lines');
cmp_ok(length($timed), '<', 2e6, 'label views: the page has less than 2 MB');

# Weeks, since there are more than 62 days: of the table of answers itself, and of the consensus that is kept
my $weeks = q{
	SELECT WHO, greatest(date_trunc('week', t.day)::date, min(min(t.day)) OVER ())::text AS day, count(*), count(*) FILTER (WHERE c.annotations > 1),
	       avg((t.label = c.label)::int) FILTER (WHERE c.annotations > 1),
	       (wilson_interval(count(*) FILTER (WHERE t.label = c.label AND c.annotations > 1), count(*) FILTER (WHERE c.annotations > 1))).*
	FROM (SELECT *, (answered_at AT TIME ZONE 'UTC')::date AS day FROM timed WHERE isfinite(answered_at)) AS t JOIN "Berichte ""26"""."Güte & <b>_consensus" AS c USING (item)
	GROUP BY WHO, date_trunc('week', t.day)};
my %weeks = map { ("$_->[0]/$_->[1]" => $_) } rows($node, $weeks =~ s/, WHO,/,/r =~ s/SELECT WHO/SELECT ''/r =~ s/GROUP BY WHO, /GROUP BY /r),
  rows($node, $weeks =~ s/WHO/t.annotator/gr =~ s/min\(min\(t.day\)\) OVER \(\)/(SELECT min((answered_at AT TIME ZONE 'UTC')::date) FROM timed)/r);
my @most = map { $_->[0] } rows($node, q{SELECT annotator FROM timed WHERE isfinite(answered_at) GROUP BY annotator ORDER BY count(*) DESC, annotator COLLATE "C" LIMIT 12});
# Of an annotator weeks are joined until there are ten answers to compare, the rest at the end with what is before it.
for my $who (@most)
{
	my @joined;
	for (map { $weeks{$_} } grep { m{^\Q$who\E/} } sort keys %weeks)
	{
		my (undef, $day, undef, $compared, $like) = @$_;
		push @joined, [ $day, 0, 0 ] if !@joined || $joined[-1][1] >= 10;
		$joined[-1][1] += $compared;
		$joined[-1][2] += ($like // 0) * $compared;
		delete $weeks{"$who/$day"};
	}
	if (@joined > 1 && $joined[-1][1] < 10)
	{
		my $rest = pop @joined;
		$joined[-1][$_] += $rest->[$_] for 1, 2;
	}
	for (@joined)
	{
		my ($day, $compared, $like) = @$_;
		$weeks{"$who/$day"} = [ $who, $day, undef, $compared, $like / $compared, map { @$_ } rows($node, "SELECT (wilson_interval(round($like)::float8, $compared)).*") ];
	}
}
my %seconds = map { ($_->[0] => $_) } rows($node, qq{
	SELECT greatest(date_trunc('week', day)::date, (SELECT min(day) FROM $activity)), (percentile_cont('{0.25, 0.5, 0.75}'::float8[]) WITHIN GROUP (ORDER BY median_seconds))[2]
	FROM $activity GROUP BY 1});

# (whose, day, answers, compared, like, low, high, seconds) of all that is drawn
sub compare_times
{
	my ($group, @drawn) = @_;
	my %count;
	for (@drawn)
	{
		my ($who, $day, $answers, $compared, $like, $low, $high, $seconds) = @$_;
		my $says = $weeks{"$who/$day"} // [];
		if ($seconds ne '')
		{
			close_to("$group: seconds", $day, $seconds, $seconds{$day}[1]);
			$count{seconds}++;
		}
		elsif ($answers ne '')
		{
			check_exact("$group: answers", $day, $answers, $says->[2]);
			$count{answers} += $answers;
		}
		else
		{
			check_exact("$group: compared answers", "$who, $day", $compared, $says->[3]);
			close_to("$group: share like the consensus", "$who, $day", $like, $says->[4]);
			close_to("$group: its interval", "$who, $day", $low, $says->[6]);
			close_to("$group: its interval", "$who, $day", $high, $says->[7]);
			$count{ $who eq '' ? 'all' : 'annotators' }++;
		}
	}
	check_exact("$group: all is drawn", 'answers', $count{answers}, value($node, 'SELECT count(*) FROM timed WHERE isfinite(answered_at)'));
	check_exact("$group: all is drawn", 'seconds', $count{seconds}, scalar(keys %seconds));
	check_exact("$group: all is drawn", 'shares', $count{all}, scalar(grep { m{^/} && $weeks{$_}[3] > 0 } keys %weeks));
	my %most = map { $_ => 1 } @most;
	check_exact("$group: all is drawn", 'annotators', $count{annotators}, scalar(grep { my ($who) = m{^(.*)/}; $most{$who} && $weeks{$_}[3] > 0 } keys %weeks));
}
{
	my @drawn;
	my ($section) = $timed =~ /<section class="times">(.*?)<\/section>\n/s;
	for my $part (split(/(?=<figure)/, $section))
	{
		my ($who) = $part =~ /^<figure class="nl-times" data-annotator="([^"]*)"/;
		push @drawn, map { my $a = $_; [ plain($who // ''), map { $a->{$_} // '' } qw(day answers compared like low high seconds) ] } marks($part, '(?:rect|circle)', 'day');
	}
	compare_times('label views', @drawn);
	is(join(', ', map { plain($_) } $section =~ /data-annotator="([^"]*)"/g), join(', ', @most), 'label views: lines of those who have answered most');
	my ($busiest) = sort { $weeks{$b}[2] <=> $weeks{$a}[2] || $a cmp $b } grep { m{^/} } keys %weeks;
	my ($words) = map { sprintf('%s answers with a time, from <time>%s</time> to <time>%s</time>; most in the 7 days from <time>%s</time>: %s.', $_->[0] =~ s/(\d)(\d{3})$/$1,$2/r, @$_[ 1, 2 ], @{ $weeks{$busiest} }[ 1, 2 ]) }
	  rows($node, q{SELECT count(*), min((answered_at AT TIME ZONE 'UTC')::date), max((answered_at AT TIME ZONE 'UTC')::date) FROM timed WHERE isfinite(answered_at)});
	ok(index($section, $words) >= 0, "label views: in words, too: $words");
	ok($section =~ /<h3>[^<]*&lt;img onerror=&quot;x&quot;&gt;<\/h3>/, 'label views: a name that is markup');
	unlike($timed, qr/<script|<img|onerror="|NaN|nan%|(?:src|href)=/, 'label views: nothing that runs or is loaded');
}
{
	my ($out, $err) = ('', '');
	$node->psql('postgres', "SELECT xmlparse(DOCUMENT label_report($prefix)) IS DOCUMENT", stdout => \$out, stderr => \$err);
	ok($out eq 't' || $err =~ /unsupported XML feature/, 'label views: the page is well-formed');
}
# as the documents say, from the shell
{
	my $file = $node->basedir . '/report.html';
	my $psql = "PGCLIENTENCODING=UTF8 psql -XAtc \"SELECT label_report('timeless')\" -d '" . $node->connstr('postgres') . "' > $file";
	is(system($psql), 0, 'psql -Atc "SELECT label_report(...)" > report.html');
	ok(slurp_file($file) eq value($node, "SELECT label_report('timeless')") . "\n", 'writes the page');
}
# the demo writes one, and says where
{
	my $file = $node->basedir . '/demo.html';
	my $said = `cd '$FindBin::RealBin/../..' && psql -Xq -v ON_ERROR_STOP=1 -v page='$file' -d '@{[ $node->connstr('postgres') ]}' -f test/demo/demo.sql`;
	is($?, 0, 'the demo runs');
	like($said, qr/open this in a browser\n\s*\Q$file\E\n/, 'and says where the page is');
	like(slurp_file($file), qr/\A<!DOCTYPE html>.*<h1>Fitness for anaesthesia, 1979<\/h1>.*<\/html>\n*\z/s, 'which is one');
}
is(scalar(() = value($node, "SELECT label_report($prefix, '{\"lines\": 3}')") =~ /class="nl-times"/g), 3, 'label views: as many lines as asked for');
my $single = value($node, "SELECT label_report('once')");
like($single, qr/<h2>Over time<.* answers with a time/s, 'single answers: how much was answered');
unlike($single, qr/is the consensus<\/h3>|class="nl-times"/, 'single answers: nothing to compare them with');
is(value($node, q{SELECT label_report('timeless', '{"title": "x"}') = label_report(answers, model, '{"title": "x"}') FROM timeless_model}), 't', 'without times no time lines');
$node->safe_psql('postgres', 'CREATE ROLE reader; GRANT USAGE ON SCHEMA "Berichte ""26""" TO reader; GRANT SELECT ON "Berichte ""26"""."Güte & <b>_model" TO reader');
unlike(value($node, "SET ROLE reader; SELECT label_report($prefix)"), qr/Over time/, 'who may not read the activity sees none of it');
$node->safe_psql('postgres', "ALTER TABLE once_activity DROP COLUMN compared CASCADE");
unlike(value($node, "SELECT label_report('once')"), qr/Over time/, 'nor is a table drawn that was changed');
for my $bad ("ARRAY['a'], ARRAY[0, 1, 2]", "ARRAY['a'], ARRAY[0, 5, 5, 1, 1, 1, 1, 1, 1]", "ARRAY['a'], ARRAY[2, 1, 2, 1, 1, 1, 1, 1, 1]", "ARRAY['a'], ARRAY[0, 1, 2, 1, 1, 2, 1, 1, 1]",
	"ARRAY['a'], ARRAY[0, 1, 2, -1, 1, 1, 1, 1, 1]", "ARRAY['a'], ARRAY[0, 1, 2, 1, 1, 1, 2, 1, 3]", "ARRAY['a'], ARRAY[1, 1, 2, 1, 1, 1, 1, 1, 1]", "ARRAY[NULL], ARRAY[]::float8[]",
	"ARRAY['a'], ARRAY[0, 1e12, 2e12, 1, 1, 1, 1, 1, 1]", "ARRAY['a'], ARRAY[0, 'NaN'::float8, 2, 1, 1, 1, 1, 1, 1]")
{
	my $err;
	$node->psql('postgres', "SELECT label_views_page(answers, model, '{}', $bad) FROM timeless_model", stderr => \$err);
	like($err, qr/these are no time lines.*HINT/s, "refused: $bad");
}

#
# The examples of docs/pictures.md run as they are printed
#
my $docs = slurp_file("$FindBin::RealBin/../../docs/pictures.md");
my $examples = 0;
$node->safe_psql('postgres', 'CREATE SCHEMA docs');
local $ENV{PGOPTIONS} = '-c search_path=docs,public';
while ($docs =~ /^```sql\n(.*?)^```/msg)
{
	my ($sql, $out, $err) = ($1, '', '');
	my $ran = IPC::Run::run([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres') ], '<', \$sql, '>', \$out, '2>', \$err);
	ok($ran && $err !~ /ERROR/, 'docs: ' . substr($sql, 0, 40) =~ s/\n.*//sr) or diag($err);
	$examples++;
}
cmp_ok($examples, '>=', 4, "$examples examples");

#
# In a browser
#
my $browser = $ENV{NOISYLABEL_BROWSER};
my $look = slurp_file("$FindBin::RealBin/../data/look_at_page.html");

# What the page is like in a frame of some width: JSON that look_at_page.html leaves.
sub look
{
	my ($name, $html, $width) = @_;
	my $dir = File::Spec->rel2abs(PostgreSQL::Test::Utils::tempdir());
	my ($out, $err) = ('', '');
	my $srcdoc = $html =~ s/&/&amp;/gr =~ s/"/&quot;/gr;
	append_to_file("$dir/$name.html", $look =~ s/WIDTH/$width/gr =~ s/SRCDOC/$srcdoc/r);
	IPC::Run::run([ $browser, '--headless', '--no-sandbox', '--disable-gpu', "--user-data-dir=$dir/profile", '--virtual-time-budget=20000',
			'--window-size=1400,1000', '--dump-dom', "file://$dir/$name.html" ], '>', \$out, '2>', \$err, IPC::Run::timeout(120))
	  or die "$browser: $err";
	my ($found) = $out =~ /<pre id="found">(.*?)<\/pre>/s or die "nothing seen of $name: $err";
	return json(plain($found));
}

sub screenshots
{
	my ($name, $html) = @_;
	my $dir = $ENV{NOISYLABEL_PICTURES} // return;
	my $profile = File::Spec->rel2abs(PostgreSQL::Test::Utils::tempdir());
	append_to_file("$dir/$name.html", $html);
	for my $width (390, 1280)
	{
		IPC::Run::run([ $browser, '--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', "--user-data-dir=$profile",
				"--blink-settings=preferredColorScheme=" . ($_ eq 'dark' ? 0 : 1), "--window-size=$width,5000",
				"--screenshot=$dir/$name-$width-$_.png", "file://$dir/$name.html" ], '>', \my $out, '2>', \my $err, IPC::Run::timeout(120))
		  for 'light', 'dark';
	}
	ok(-s "$dir/$name-$_.png", "$dir/$name-$_.png") for map { ("$_-light", "$_-dark") } 390, 1280;
}

SKIP:
{
	skip('no NOISYLABEL_BROWSER', 1) if !defined $browser;
	my %pages = (crowd => $page, times => $timed, large => value($node, 'SELECT label_report(s, m) FROM large'));
	my %says = map { $_->[0] => $_ } rows($node, 'SELECT annotator, accuracy, accuracy_low, accuracy_high FROM v, annotators(m)');
	for my $name (sort keys %pages)
	{
		for my $width (390, 1280)
		{
			my $found = look($name, $pages{$name}, $width);
			cmp_ok($found->{scroll_width}, '<=', $found->{width}, "$name, $width: nothing to scroll sideways");
			is_deeply($found->{overflow}, [], "$name, $width: nothing beyond its box");
			is($found->{scripts}, 0, "$name, $width: no script");
			cmp_ok($found->{texts}, '>', 100, "$name, $width: $found->{texts} texts in pictures");
			compare_times("in the DOM, $width", @{ $found->{times} }) if $name eq 'times';
			next if $name ne 'crowd';
			for (@{ $found->{annotators} })
			{
				my ($who, @numbers) = @$_;
				close_to('annotators in the DOM', "$who, $width", $numbers[$_], $says{$who}[ $_ + 1 ]) for 0 .. 2;
			}
			check_exact('annotators in the DOM: all', $width, scalar(@{ $found->{annotators} }), scalar(keys %says));
		}
		screenshots($name, $pages{$name});
	}
}

report_checks();
log_is_clean($node);
$node->stop;
done_testing();
