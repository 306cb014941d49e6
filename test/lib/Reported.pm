package Reported;

# What variant auto reports about items, worked out in SQL from a model's matrices:
# an answer of one annotator counts 1 / (his answers to the item) / (members of
# his group who answered it), and of n voices whose errors are correlated by r
# the posterior is raised to the power 1 / (1 + (n - 1) r).

use strict;
use warnings;
use Exporter 'import';

our @EXPORT = qw(create_reported);

# reported(query or table of (id, item, annotator, label), r), by the fits in table
# fits (id int, model annotator_model, groups jsonb: {"member": "group"})
sub create_reported
{
	my $node = shift;
	$node->safe_psql('postgres', <<'END');
CREATE TABLE fits (id int, model annotator_model, groups jsonb);
CREATE FUNCTION reported(answers text, r float8,
	OUT id int, OUT item text, OUT label text, OUT confidence float8, OUT voices int) RETURNS SETOF record
LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format($sql$
	WITH m AS MATERIALIZED (SELECT id, model::text::jsonb AS m FROM fits),
	component AS MATERIALIZED (SELECT id, m -> 'components' -> 0 AS c FROM m),
	labels AS MATERIALIZED (SELECT id, l, k FROM m, jsonb_array_elements_text(m -> 'labels') WITH ORDINALITY AS x(l, k)),
	priors AS MATERIALIZED (SELECT id, ln(p::float8) AS p, k FROM component, jsonb_array_elements_text(c -> 'prior') WITH ORDINALITY AS x(p, k)),
	rates AS MATERIALIZED (
		SELECT m.id, a.name AS annotator, x.k, l.l AS label, ln(y.p::float8) AS p
		FROM m JOIN component AS c USING (id), jsonb_array_elements_text(m -> 'annotators') WITH ORDINALITY AS a(name, j),
			jsonb_array_elements(c.c -> 'confusion' -> (a.j::int - 1)) WITH ORDINALITY AS x(row, k),
			jsonb_array_elements_text(x.row) WITH ORDINALITY AS y(p, l), labels AS l
		WHERE l.k = y.l AND l.id = m.id),
	answers AS MATERIALIZED (
		SELECT a.id, a.item::text, a.annotator::text, a.label::text,
			coalesce(f.groups ->> a.annotator::text, a.annotator::text) AS voice,
			count(*) OVER (PARTITION BY a.id, a.item, a.annotator) AS times
		FROM (SELECT * FROM %s) AS a JOIN fits AS f USING (id)),
	members AS MATERIALIZED (SELECT id, item, voice, count(DISTINCT annotator) AS n FROM answers GROUP BY id, item, voice),
	voices AS MATERIALIZED (SELECT id, item, count(*) AS n FROM members GROUP BY id, item),
	weights AS MATERIALIZED (
		SELECT a.id, a.item, x.k, sum(x.p / (a.times * g.n)) AS w
		FROM answers AS a JOIN members AS g USING (id, item, voice) JOIN rates AS x USING (id, annotator, label)
		GROUP BY a.id, a.item, x.k),
	logs AS MATERIALIZED (
		SELECT w.id, w.item, w.k, v.n, (w.w + p.p) / (1 + (v.n - 1) * $1) AS w
		FROM weights AS w JOIN priors AS p USING (id, k) JOIN voices AS v USING (id, item)),
	sums AS (
		SELECT *, exp(w - max(w) OVER (PARTITION BY id, item)) AS p FROM logs)
	SELECT s.id, s.item, (array_agg(l.l ORDER BY s.p < 1 - 1e-9, s.k))[1], 1 / sum(s.p), max(s.n)::int
	FROM sums AS s JOIN labels AS l USING (id, k) GROUP BY s.id, s.item
	$sql$, answers) USING r;
END $$
END
	return;
}

1;
