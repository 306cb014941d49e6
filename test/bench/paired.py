"""Is the candidate better? paired_bootstrap() beside the loop that one writes with numpy.

The loop resamples items and makes two confusion matrices of each resample, by bincount, for
the difference of macro F1. It begins with arrays of class numbers in memory; ours with rows
of a table. Each item has one row, which is the case that the loop can do.
"""
import os

import numpy

from harness import line, query, seconds, title, value

ITEMS = int(os.environ.get("NOISYLABEL_BENCH_ITEMS", 100_000))
RESAMPLES = 2000
CLASSES = 10
# two predictions of classes in which one row in four and one in five is wrong
ROWS = f"""
    SELECT i, t AS truth, CASE WHEN abs(hashint8(i + 1000000)) % 4 = 0 THEN (t + 1 + i % 3) % {CLASSES} ELSE t END AS baseline,
           CASE WHEN abs(hashint8(i + 2000000)) % 5 = 0 THEN (t + 1 + i % 3) % {CLASSES} ELSE t END AS candidate
    FROM (SELECT i, (abs(hashint8(i)) % {CLASSES})::int AS t FROM generate_series(1, {ITEMS}::bigint) AS i) AS v"""


def macro_f1(cells):
    matrix = cells.reshape(CLASSES, CLASSES)
    return (2 * matrix.diagonal() / (matrix.sum(0) + matrix.sum(1))).mean()


def numpy_loop(truth, baseline, candidate):
    """The standard error of the difference."""
    generator = numpy.random.default_rng(0)
    first = truth * CLASSES + baseline
    second = truth * CLASSES + candidate
    differences = numpy.empty(RESAMPLES)
    for r in range(RESAMPLES):
        drawn = generator.integers(0, len(truth), len(truth))
        differences[r] = (macro_f1(numpy.bincount(second[drawn], minlength=CLASSES ** 2))
                          - macro_f1(numpy.bincount(first[drawn], minlength=CLASSES ** 2)))
    return differences.std()


def paired(connection):
    query(connection, "DROP TABLE IF EXISTS predicted")
    query(connection, f"CREATE UNLOGGED TABLE predicted AS SELECT i::text AS item, truth::text, baseline::text, candidate::text FROM ({ROWS}) AS v")
    query(connection, "VACUUM ANALYZE predicted")
    arrays = numpy.array(query(connection, f"SELECT truth, baseline, candidate FROM ({ROWS}) AS v")).T.copy()
    sql = f"SELECT (c).detectable_difference / 2.8 FROM (SELECT paired_bootstrap(item, truth, baseline, candidate, '{{\"resamples\": {RESAMPLES}}}'::jsonb) AS c FROM predicted) AS v"
    title(f"paired bootstrap of macro F1, {ITEMS:,} items, {CLASSES} classes, {RESAMPLES:,} resamples / numpy loop, reading not included")
    ours = seconds(lambda: query(connection, sql))
    theirs = seconds(lambda: numpy_loop(*arrays), 1)
    line("paired_bootstrap", f"{ours:.2f} s", f"{theirs:.2f} s", f"{theirs / ours:.1f}", "< 2 s or >= 50")
    line("  standard error of the difference", f"{value(connection, sql):.5f}", f"{numpy_loop(*arrays):.5f}", "", "")


BENCHMARKS = {"paired": paired}
