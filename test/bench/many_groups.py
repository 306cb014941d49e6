"""Hash aggregation over many groups of three rows: per item, per week, per slice.

What collects rows stands beside array_agg(); what fits in each group, beside
the sorted plan of the same query.  The scan of the rows is in both sides.
"""
from harness import WORK_MEM, line, query, seconds_in_turn, title

SIZES = (10_000, 100_000, 1_000_000)
HASH = "SET work_mem = '4GB'; SET enable_sort = off; SET enable_hashagg = on"
SORT = "SET work_mem = '4GB'; SET enable_sort = on; SET enable_hashagg = off"
COLLECT = (
    ("annotator_confusion", "annotator_confusion(truth, label)"),
    ("f1_report", "f1_report(truth, label)"),
    ("annotation_set", "annotation_set(item, annotator, label)"),
    ("posterior", "posterior((SELECT model FROM models), annotator, label)"),
)
FIT = (
    ("dawid_skene", "dawid_skene(item, annotator, label)", SIZES),
    ("logistic_regression", "logistic_regression(label, features)",
     (10_000, 30_000, 100_000)),
)


def make_rows(connection):
    """The classes of a group's rows differ, so that each group has a fit."""
    query(connection, f"""
        CREATE UNLOGGED TABLE grouped AS
        SELECT (i / 3)::int AS g, 'item ' || i / 3 AS item,
               'annotator ' || abs(hashint8(i)) % 100 AS annotator,
               'class ' || (i + i / 3) % 4 AS label,
               'class ' || abs(hashint8(i / 3)) % 4 AS truth,
               ARRAY[i % 7, i % 11, i % 13, i % 17]::float8[] AS features
        FROM generate_series(0, {3 * SIZES[-1] - 1}::bigint) AS i""")
    query(connection, "CREATE INDEX ON grouped USING brin (g)")  # a scan of few stays short
    query(connection, "VACUUM ANALYZE grouped")
    query(connection, """
        CREATE TABLE models AS
        SELECT dawid_skene(item, annotator, label) AS model
        FROM grouped WHERE g < 10000""")


def aggregate(connection, settings, call, groups):
    """Runs the aggregation, in memory, without handing its results out."""
    query(connection, settings)
    query(connection, f"""
        SELECT count(v) FROM (SELECT g, {call} AS v FROM grouped
                              WHERE g < {groups} GROUP BY g OFFSET 0) AS s""")


def compare(connection, name, sides, groups, bar):
    """One line: the first of two (settings, call) over the second."""
    repeats = 3 if groups < 1_000_000 else 1
    ours, theirs = seconds_in_turn(
        repeats, *(lambda side=side: aggregate(connection, *side, groups)
                   for side in sides))
    line(f"{name}, {groups:,} groups", f"{ours:.2f} s", f"{theirs:.2f} s",
         f"{ours / theirs:.2f}", bar)
    return ours / groups


def linear(name, few, many):
    """Time for a group where there are most of them over where there are few."""
    line(f"{name}, a group of many / of few", f"{many * 1e6:.1f} us",
         f"{few * 1e6:.1f} us", f"{many / few:.2f}", "about 1: linear")


def many_groups(connection):
    make_rows(connection)
    title("hash aggregation over groups of 3 rows / array_agg(label) of the same")
    for name, call in COLLECT:
        per_group = [compare(connection, name,
                             ((HASH, call), (HASH, "array_agg(label)")), groups,
                             "at most 5") for groups in SIZES]
        linear(name, per_group[0], per_group[-1])
    title("hash aggregation over groups of 3 rows / sorted plan of the same query")
    for name, call, sizes in FIT:
        per_group = [compare(connection, name, ((HASH, call), (SORT, call)),
                             groups, "at most 1.3") for groups in sizes]
        linear(name, per_group[0], per_group[-1])
    query(connection, f"SET work_mem = '{WORK_MEM}'; RESET enable_sort; RESET enable_hashagg")
    query(connection, "DROP TABLE grouped, models")


BENCHMARKS = {"many_groups": many_groups}
