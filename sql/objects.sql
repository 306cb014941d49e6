-- What the extension consists of, as the catalogs have it: a new, lost or changed
-- object shows here.
\pset format unaligned
\pset tuples_only on
WITH member AS (
	SELECT classid, objid FROM pg_depend
	WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
		AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'noisylabel')
)
SELECT object FROM (SELECT CASE WHEN m.classid = 'pg_proc'::regclass THEN (
	SELECT concat_ws(' ', CASE p.prokind WHEN 'a' THEN 'aggregate' WHEN 'w' THEN 'window' WHEN 'p' THEN 'procedure' ELSE 'function' END,
		p.proname || '(' || CASE p.prokind WHEN 'p' THEN replace(pg_get_function_arguments(p.oid), 'IN ', '') ELSE pg_get_function_arguments(p.oid) END || ') -> ' || coalesce(pg_get_function_result(p.oid), ''),
		CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END,
		'parallel ' || p.proparallel::text, CASE WHEN p.proisstrict THEN 'strict' END, nullif('rows ' || p.prorows, 'rows 0'), l.lanname,
		CASE WHEN l.lanname = 'c' THEN p.prosrc END,
		(SELECT concat_ws(' ', a.aggtransfn, nullif(a.aggfinalfn::text, '-'), nullif(a.aggcombinefn::text, '-'), a.aggtranstype::regtype::text, a.aggtransspace, a.aggfinalmodify::text) FROM pg_aggregate a WHERE a.aggfnoid = p.oid))
	FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.oid = m.objid)
	ELSE (SELECT i.type || ' ' || i.identity FROM pg_identify_object(m.classid, m.objid, 0) i)
	END AS object FROM member m) AS o
-- types of arrays: only newer versions know that they belong to the extension;
-- casts: spelled differently by versions, see below
WHERE object NOT LIKE 'type %[]' AND object NOT LIKE 'cast %'
ORDER BY object COLLATE "C";

SELECT format('cast (%s as %s) %s', c.castsource::regtype, c.casttarget::regtype, c.castcontext)
FROM pg_cast AS c JOIN pg_depend AS d ON d.classid = 'pg_cast'::regclass AND d.objid = c.oid AND d.deptype = 'e'
WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'noisylabel')
ORDER BY c.castsource::regtype::text COLLATE "C", c.casttarget::regtype::text COLLATE "C";

-- Each has a comment, but for casts and operator families
SELECT i.type || ' ' || i.identity
FROM pg_depend AS d, pg_identify_object(d.classid, d.objid, 0) AS i
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'noisylabel')
	AND obj_description(d.objid, d.classid::regclass::name) IS NULL
	AND i.type NOT IN ('cast', 'operator family') AND i.identity NOT LIKE '%[]'
ORDER BY (i.type || ' ' || i.identity) COLLATE "C";
