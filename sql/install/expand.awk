# expand.awk - makes plain SQL of the install sources (*.in); POSIX awk.
#
# A block begins with a line "@..." and ends at an empty line.  Next come lines
# that begin with "(", its signatures; the rest is the comment of each object
# that is made (COMMENT ON; lines are joined, quotes are not doubled).
# What stands outside of blocks is SQL and passes unchanged.
#
#	@type NAME [storage STORAGE]
#		a value type with input and output, comparison and its operator classes,
#		casts to json and jsonb
#	@function NAME returns RESULT [as SYMBOL] [rows N] [called] [window]
#		functions in C, PARALLEL SAFE, STRICT unless "called" or "window", STABLE
#		where an argument is "any".  SYMBOL is NAME where it is not given.
#	@aggregate NAME state TYPE [accum NAME] [final NAME] [combine NAME] [sspace N] [serial]
#		aggregates, and for each signature the transition function where no
#		block before has made it (its symbol is its name).  The names are
#		TYPE_accum and TYPE_combine where they are not given.  serial: no
#		parallel plan, though there is a combine function
#
# A signature may take several lines, and end in "= NAME": the SYMBOL (of an
# aggregate: the transition function) where it is another than the block's.  It
# stands for several:
#	value			all of them text, then all of them "any"
#	[, argument]	without and with it
#	{a|b}			each

function fail(message)
{
	print FILENAME ":" FNR ": " message >"/dev/stderr"
	failed = 1
	exit 1
}

function quoted(s)
{
	gsub(/'/, "''", s)
	return "'" s "'"
}

# The value of WORD in the block's first line, or the default.
function setting(word, otherwise,    i)
{
	for (i = 3; i < n_words; i++)
		if (words[i] == word)
			return words[i + 1]
	return otherwise
}

function flag(word,    i)
{
	for (i = 3; i <= n_words; i++)
		if (words[i] == word)
			return 1
	return 0
}

# The types of arguments, as COMMENT ON wants them.
function argument_types(arguments,    list, n, i, a, types)
{
	n = split(arguments, list, /, */)
	for (i = 1; i <= n; i++)
	{
		a = list[i]
		if (a ~ /^OUT /)
			continue
		sub(/ DEFAULT .*/, "", a)
		if (a ~ / / && a !~ /^double precision/)
			sub(/^[^ ]+ /, "", a)
		types = types (types == "" ? "" : ", ") a
	}
	return types
}

# Leaves all signatures that one stands for in expanded[1 .. n_expanded].
function expand(s,    head, tail, choices, at, kind)
{
	if (s ~ /[ {|]value[][,)|}]/)
	{
		for (kind = 1; kind <= 2; kind++)
		{
			head = s
			while (match(head, /[ {|]value[][,)|}]/))
				head = substr(head, 1, RSTART) (kind == 1 ? "text" : "\"any\"") \
					substr(head, RSTART + 6)
			expand(head)
		}
	}
	else if (match(s, /\[,([^][]|\[\])*\]/))
	{
		head = substr(s, 1, RSTART - 1)
		choices = substr(s, RSTART + 1, RLENGTH - 2)
		tail = substr(s, RSTART + RLENGTH)
		expand(head tail)
		expand(head choices tail)
	}
	else if (match(s, /\{[^{}]*\|[^{}]*\}/))
	{
		head = substr(s, 1, RSTART - 1)
		choices = substr(s, RSTART + 1, RLENGTH - 2) "|"
		tail = substr(s, RSTART + RLENGTH)
		while ((at = index(choices, "|")) > 0)
		{
			expand(head substr(choices, 1, at - 1) tail)
			choices = substr(choices, at + 1)
		}
	}
	else
		expanded[++n_expanded] = s
}

function make_function(name, arguments, result, symbol, kind, strict, rows, text)
{
	printf "CREATE FUNCTION %s(%s) RETURNS %s\n\tAS 'MODULE_PATHNAME', '%s' LANGUAGE C%s %s%s PARALLEL SAFE%s;\n", \
		name, arguments, result, symbol, kind, \
		arguments ~ /"any"/ ? "STABLE" : "IMMUTABLE", \
		strict ? " STRICT" : "", rows == "" ? "" : " ROWS " rows
	printf "COMMENT ON FUNCTION %s(%s) IS\n%s;\n\n", name, \
		argument_types(arguments), quoted(text)
}

function function_block(arguments, own)
{
	make_function(words[2], arguments, result, \
		own != "" ? own : setting("as", words[2]), \
		flag("window") ? " WINDOW" : "", !flag("window") && !flag("called"), \
		setting("rows", ""), text)
}

function aggregate_block(arguments, own,    state, accum, types)
{
	state = setting("state", "")
	accum = own != "" ? own : setting("accum", state "_accum")
	types = argument_types(arguments)
	if (!((accum, types) in made) && accum !~ /_combine$/)
	{
		made[accum, types] = 1
		make_function(accum, state ", " arguments, state, accum, \
			"", 0, "", "Transition function of " words[2] "() and aggregates like it. A row with a NULL is no row; options are the same for all.")
	}
	printf "CREATE AGGREGATE %s(%s) (\n\tSFUNC = %s,\n\tSTYPE = %s,\n\tSSPACE = %s,\n", \
		words[2], arguments, accum, state, setting("sspace", 256)
	if (setting("final", "") != "")
		printf "\tFINALFUNC = %s,\n", setting("final", "")
	printf "\tCOMBINEFUNC = %s,\n\tPARALLEL = %s\n);\n", \
		setting("combine", state "_combine"), flag("serial") ? "RESTRICTED" : "SAFE"
	printf "COMMENT ON AGGREGATE %s(%s) IS\n%s;\n\n", words[2], types, quoted(text)
}

function io_function(name, arguments, result, volatility)
{
	printf "CREATE FUNCTION %s(%s) RETURNS %s\n\tAS 'MODULE_PATHNAME' LANGUAGE C %s STRICT PARALLEL SAFE;\n", \
		name, arguments, result, volatility
	printf "COMMENT ON FUNCTION %s(%s) IS 'I/O of type %s';\n\n", name, arguments, words[2]
}

function operator(name, sign, commutator, negator, selectivity, what)
{
	printf "CREATE FUNCTION %s_%s(%s, %s) RETURNS boolean\n\tAS 'MODULE_PATHNAME', 'value_%s' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;\n", \
		words[2], name, words[2], words[2], name
	printf "COMMENT ON FUNCTION %s_%s(%s, %s) IS 'implementation of %s operator';\n", \
		words[2], name, words[2], words[2], sign
	printf "CREATE OPERATOR %s (\n\tLEFTARG = %s,\n\tRIGHTARG = %s,\n\tFUNCTION = %s_%s,\n\tCOMMUTATOR = %s,\n\tNEGATOR = %s,\n\tRESTRICT = %ssel,\n\tJOIN = %sjoinsel%s\n);\n", \
		sign, words[2], words[2], words[2], name, commutator, negator, selectivity, \
		selectivity, name == "eq" ? ",\n\tHASHES,\n\tMERGES" : ""
	printf "COMMENT ON OPERATOR %s (%s, %s) IS '%s';\n\n", sign, words[2], words[2], what
}

function comparison(t)
{
	t = words[2]
	operator("lt", "<", ">", ">=", "scalarlt", "less than, in an order of bytes that has no meaning")
	operator("le", "<=", ">=", ">", "scalarle", "less than or equal, in an order of bytes that has no meaning")
	operator("eq", "=", "=", "<>", "eq", "equal")
	operator("ne", "<>", "<>", "=", "neq", "not equal")
	operator("ge", ">=", "<=", "<", "scalarge", "greater than or equal, in an order of bytes that has no meaning")
	operator("gt", ">", "<", "<=", "scalargt", "greater than, in an order of bytes that has no meaning")
	printf "CREATE FUNCTION %s_cmp(%s, %s) RETURNS int\n\tAS 'MODULE_PATHNAME', 'value_cmp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;\n", t, t, t
	printf "COMMENT ON FUNCTION %s_cmp(%s, %s) IS 'less-equal-greater';\n", t, t, t
	printf "CREATE OPERATOR CLASS %s_ops DEFAULT FOR TYPE %s USING btree AS\n\tOPERATOR 1 <,\n\tOPERATOR 2 <=,\n\tOPERATOR 3 =,\n\tOPERATOR 4 >=,\n\tOPERATOR 5 >,\n\tFUNCTION 1 %s_cmp(%s, %s);\n", t, t, t, t, t
	printf "COMMENT ON OPERATOR CLASS %s_ops USING btree IS 'compares the bytes of values; equal values have equal bytes';\n\n", t
	printf "CREATE FUNCTION %s_hash(%s) RETURNS int\n\tAS 'MODULE_PATHNAME', 'value_hash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;\n", t, t
	printf "COMMENT ON FUNCTION %s_hash(%s) IS 'hash';\n", t, t
	printf "CREATE FUNCTION %s_hash_extended(%s, bigint) RETURNS bigint\n\tAS 'MODULE_PATHNAME', 'value_hash_extended' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;\n", t, t
	printf "COMMENT ON FUNCTION %s_hash_extended(%s, bigint) IS 'hash';\n", t, t
	printf "CREATE OPERATOR CLASS %s_ops DEFAULT FOR TYPE %s USING hash AS\n\tOPERATOR 1 =,\n\tFUNCTION 1 %s_hash(%s),\n\tFUNCTION 2 %s_hash_extended(%s, bigint);\n", t, t, t, t, t, t
	printf "COMMENT ON OPERATOR CLASS %s_ops USING hash IS 'compares the bytes of values; equal values have equal bytes';\n\n", t
}

function type_block(    t)
{
	t = words[2]
	printf "CREATE TYPE %s;\n\n", t
	io_function(t "_in", "cstring", t, "IMMUTABLE")
	io_function(t "_out", t, "cstring", "IMMUTABLE")
	io_function(t "_recv", "internal", t, "STABLE")
	io_function(t "_send", t, "bytea", "STABLE")
	printf "CREATE TYPE %s (\n\tINPUT = %s_in,\n\tOUTPUT = %s_out,\n\tRECEIVE = %s_recv,\n\tSEND = %s_send,\n\tALIGNMENT = double,\n\tSTORAGE = %s\n);\nCOMMENT ON TYPE %s IS\n%s;\n\n", \
		t, t, t, t, t, setting("storage", "extended"), t, quoted(text)
	comparison()
	json_cast("json")
	json_cast("jsonb")
}

function json_cast(to)
{
	printf "CREATE FUNCTION %s_to_%s(%s) RETURNS %s\n\tAS 'MODULE_PATHNAME', '%s' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;\n", \
		words[2], to, words[2], to, setting(to, "value_to_" to)
	printf "COMMENT ON FUNCTION %s_to_%s(%s) IS\n'The value as %s, an object (of a state: its type and size). More than 8 MB of JSON: error.';\n", words[2], to, words[2], to
	printf "CREATE CAST (%s AS %s) WITH FUNCTION %s_to_%s(%s) AS ASSIGNMENT;\n\n", words[2], to, \
		words[2], to, words[2]
}

function end_block(    i, j, own, arguments)
{
	for (i = 1; i <= n_signatures; i++)
	{
		own = ""
		arguments = signatures[i]
		if (match(arguments, /\) = [a-z_0-9]+$/))
		{
			own = substr(arguments, RSTART + 4)
			arguments = substr(arguments, 1, RSTART)
		}
		if (arguments !~ /\)$/)
			fail("a signature must end in \")\": " arguments)
		n_expanded = 0
		expand(arguments)
		for (j = 1; j <= n_expanded; j++)
		{
			arguments = substr(expanded[j], 2, length(expanded[j]) - 2)
			if ((words[2], arguments) in made)
				continue
			made[words[2], arguments] = 1
			if (words[1] == "@function")
				function_block(arguments, own)
			else
				aggregate_block(arguments, own)
		}
	}
	if (words[1] == "@type")
		type_block()
	else if (n_signatures == 0)
		fail("no signature")
	in_block = 0
}

function begin_block(    i)
{
	n_words = split($0, words, " ")
	if (words[1] != "@type" && words[1] != "@function" && words[1] != "@aggregate")
		fail("unknown block " words[1])
	result = ""
	if (words[1] == "@function")
	{
		if (words[3] != "returns")
			fail("\"returns\" is missing")
		result = words[4] == "SETOF" ? words[4] " " words[5] : words[4]
	}
	in_block = 1
	n_signatures = 0
	text = ""
}

/^@/ { begin_block(); next }

in_block && /^$/ { end_block(); next }

in_block && text == "" && (/^\(/ || (n_signatures > 0 && signatures[n_signatures] !~ /\)( = [a-z_0-9]+)?$/)) {
	if (/^\(/)
		signatures[++n_signatures] = $0
	else
	{
		sub(/^[ \t]+/, "")
		signatures[n_signatures] = signatures[n_signatures] " " $0
	}
	next
}

in_block { text = text (text == "" ? "" : " ") $0; next }

/^--/ { next }

{ print }

END {
	if (failed)
		exit 1
	if (in_block)
		end_block()
}
