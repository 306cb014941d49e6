-- Does acceptance() keep its promise?  Of 4,000 simulated sets a setting, with a target accuracy and
-- level 0.95: how often labels above the threshold are truly right less often than the target.
--
--     psql -f test/sim/acceptance.sql
--
-- prints, in some minutes, a row for each setting: sets, how many had a threshold, the share of all sets whose true
-- accuracy above it is below the target (at most 0.05), and the mean coverage.  s is the score, uniform from 0 to 1,
-- or a tenth of it where scores are tied; p the chance that the label is right at this score; above the true accuracy of
-- labels with a score of at least t.
\set QUIET on
SELECT setseed(0.42) \g /dev/null

CREATE TEMP TABLE setting (name text, target float8, score text, p text, above text);
INSERT INTO setting VALUES
('calibrated', 0.9, 's', 's', '(1 + t) / 2'),
('nearly always right', 0.9, 's', 'sqrt(s)', 'CASE WHEN t < 1 THEN 2 / 3.0 * (1 - t ^ 1.5) / (1 - t) ELSE 1 END'),
('calibrated, tied scores', 0.9, 'ceil(s * 10) / 10', 'ceil(s * 10) / 10', '(1 + t) / 2'),
('overconfident', 0.85, 's', '0.6 + 0.3 * s', '0.6 + 0.15 * (1 + t)'),
('higher scores are worse', 0.8, 's', '0.95 - 0.2 * s', '0.95 - 0.1 * (1 + t)'),
('good only at the top', 0.9, 's', 'CASE WHEN s > 0.9 THEN 0.97 ELSE 0.85 END', 'CASE WHEN t > 0.9 THEN 0.97 ELSE (0.1 * 0.97 + (0.9 - t) * 0.85) / (1 - t) END'),
('just below the target everywhere', 0.9, 's', '0.8999', 't * 0 + 0.8999');

CREATE FUNCTION pg_temp.simulate(sets int) RETURNS TABLE (setting text, labels int, target float8, simulated bigint, with_threshold bigint, below_target numeric, coverage numeric)
LANGUAGE plpgsql AS $$
DECLARE
	c setting;
	n int;
BEGIN
	FOR c IN SELECT * FROM setting LOOP
		FOREACH n IN ARRAY '{200,2000}'::int[] LOOP
			RETURN QUERY EXECUTE format(
				'SELECT %L, %s, %s::float8, count(*), count(t), round(avg(CASE WHEN %s < %s - 1e-12 THEN 1 ELSE 0 END), 4), round(avg(coverage)::numeric, 3)
				 FROM (SELECT (a).threshold AS t, (a).coverage FROM (SELECT acceptance(score_set(u < %s, %s), %s) AS a FROM
				       (SELECT g, random() AS s, random() AS u FROM generate_series(1, %s) AS g, generate_series(1, %s) AS i) AS v GROUP BY g) AS w) AS x',
				c.name, n, c.target, c.above, c.target, c.p, c.score, c.target, sets, n);
		END LOOP;
	END LOOP;
END $$;
\pset footer off
SELECT * FROM pg_temp.simulate(4000);
