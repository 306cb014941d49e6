package Reported;

# What variant auto reports about items, worked out in SQL from a model's matrices:
# an answer of one annotator counts 1 / (his answers to the item) / (members of
# his group who answered it), and of n voices whose errors are correlated by r
# the posterior is raised to the power 1 / (1 + (n - 1) r).

use strict;
use warnings;
use Exporter 'import';

our @EXPORT = qw(create_reported);

# reported(table of item, annotator, label; model; {"member": "group"}; r)
sub create_reported
{
	my $node = shift;
	$node->safe_psql('postgres', <<'END');
CREATE FUNCTION reported(answers text, model annotator_model, groups jsonb, r float8,
	OUT item text, OUT label text, OUT confidence float8, OUT voices int) RETURNS SETOF record
LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format($sql$
	WITH m AS MATERIALIZED (SELECT $1::text::jsonb AS m),
	component AS MATERIALIZED (SELECT m -> 'components' -> 0 AS c FROM m),
	labels AS (SELECT l, k FROM m, jsonb_array_elements_text(m -> 'labels') WITH ORDINALITY AS x(l, k)),
	priors AS (SELECT ln(p::float8) AS p, k FROM component, jsonb_array_elements_text(c -> 'prior') WITH ORDINALITY AS x(p, k)),
	rates AS MATERIALIZED (
		SELECT a.name AS annotator, x.k, l.l AS label, ln(y.p::float8) AS p
		FROM m, component, jsonb_array_elements_text(m -> 'annotators') WITH ORDINALITY AS a(name, j),
			jsonb_array_elements(c -> 'confusion' -> (a.j::int - 1)) WITH ORDINALITY AS x(row, k),
			jsonb_array_elements_text(x.row) WITH ORDINALITY AS y(p, l), labels AS l
		WHERE l.k = y.l),
	answers AS MATERIALIZED (
		SELECT a.item::text, a.annotator::text, a.label::text,
			coalesce($2 ->> a.annotator::text, a.annotator::text) AS voice,
			count(*) OVER (PARTITION BY a.item, a.annotator) AS times
		FROM %s AS a),
	members AS (SELECT item, voice, count(DISTINCT annotator) AS n FROM answers GROUP BY item, voice),
	voices AS (SELECT item, count(*) AS n FROM members GROUP BY item),
	weights AS (
		SELECT a.item, x.k, sum(x.p / (a.times * g.n)) AS w
		FROM answers AS a JOIN members AS g USING (item, voice) JOIN rates AS x USING (annotator, label)
		GROUP BY a.item, x.k),
	logs AS (
		SELECT w.item, w.k, v.n, (w.w + p.p) / (1 + (v.n - 1) * $3) AS w
		FROM weights AS w JOIN priors AS p USING (k) JOIN voices AS v USING (item)),
	sums AS (
		SELECT *, exp(w - max(w) OVER (PARTITION BY item)) AS p FROM logs)
	SELECT s.item, (array_agg(l.l ORDER BY s.p < 1 - 1e-9, s.k))[1], 1 / sum(s.p), max(s.n)::int
	FROM sums AS s JOIN labels AS l USING (k) GROUP BY s.item
	$sql$, answers) USING model, groups, r;
END $$
END
	return;
}

1;
