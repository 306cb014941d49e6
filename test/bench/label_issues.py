"""Wrong labels: label_issue() and confident_joint() beside cleanlab, which reads the
same rows from the same server.

cleanlab reads labels and probabilities as they stand in the table, the distribution
as its text (JSON); and, as far as reading can be made fast, arrays in COPY's binary
form, which somebody would have had to store beside it.

Ours is measured at the server's own work_mem (4 MB), at which a window's rows are
written to files.  At 512 MB they stay in memory.  Just below what they take, as at the
256 MB of the other benchmarks, they cost most: memory is filled, and then all of it
written.
"""
import io
import json
import os

import numpy
from cleanlab.count import compute_confident_joint
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores

from harness import WORK_MEM, line, query, seconds_in_turn, title

ROWS = int(os.environ.get("NOISYLABEL_BENCH_ROWS", 1_000_000))
CLASSES = 10
SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
ROW = numpy.dtype([("fields", ">i2"), ("label_size", ">i4"), ("label", ">i4"), ("size", ">i4"),
                   ("header", ">i4", 5), ("p", [("size", ">i4"), ("value", ">f8")], CLASSES)])


def make_rows(connection):
    """Labels of which one in five is wrong, and predictions that are often right."""
    query(connection, "DROP TABLE IF EXISTS predictions")
    query(connection, f"""
        CREATE UNLOGGED TABLE predictions AS
        SELECT i, k::int AS label, array_agg(p ORDER BY j) AS p,
               label_distribution(array_agg(j::text ORDER BY j), array_agg(p ORDER BY j)) AS predicted
        FROM (SELECT i, j, CASE WHEN i % 5 = 0 THEN (t + 1 + i / 5 % 9) % {CLASSES} ELSE t END AS k,
                     w / sum(w) OVER (PARTITION BY i) AS p
              FROM (SELECT i, j, abs(hashint8(i)) % {CLASSES} AS t,
                           1e-3::float8 + abs(hashint8(i * 100 + j) / 2147483648.0::float8) ^ 4
                           + CASE WHEN j = abs(hashint8(i)) % {CLASSES} THEN abs(hashint8(-i) / 2147483648.0::float8) * 4 ELSE 0 END AS w
                    FROM generate_series(1, {ROWS}::bigint) AS i, generate_series(0, {CLASSES - 1}) AS j) AS v) AS w
        GROUP BY i, k""")
    query(connection, "VACUUM ANALYZE predictions")


def read_stored(connection):
    """The columns as they are."""
    out = io.StringIO()
    connection.cursor().copy_expert("COPY (SELECT label, predicted FROM predictions) TO STDOUT", out)
    labels = []
    rows = []
    for text in out.getvalue().splitlines():
        label, predicted = text.split("\t")
        labels.append(int(label))
        rows.append(list(json.loads(predicted).values()))
    return numpy.array(labels), numpy.array(rows)


def read_arrays(connection):
    """Arrays, which are not what our side reads, as fast as it goes."""
    out = io.BytesIO()
    connection.cursor().copy_expert("COPY (SELECT label, p FROM predictions) TO STDOUT (FORMAT binary)", out)
    rows = numpy.frombuffer(out.getbuffer()[len(SIGNATURE):-2], ROW)
    return rows["label"].astype(int), numpy.ascontiguousarray(rows["p"]["value"], dtype=float)


def issues(labels, p):
    find_label_issues(labels, p, n_jobs=1)
    get_label_quality_scores(labels, p)


def query_with(connection, work_mem, sql):
    query(connection, f"SET work_mem = '{work_mem}'")
    query(connection, sql)
    query(connection, f"SET work_mem = '{WORK_MEM}'")


def label_issues(connection):
    make_rows(connection)
    title(f"wrong labels, {ROWS:,} rows, {CLASSES} classes / cleanlab, reading included")
    for name, sql, peer, others in (
            ("confident_joint", "SELECT confident_joint(label, predicted) FROM predictions", compute_confident_joint, ()),
            ("label_issue", """SELECT count(*) FILTER (WHERE (v).is_issue), sum((v).quality) FROM (
                SELECT label_issue(label, predicted) OVER () AS v FROM predictions OFFSET 0) AS w""", issues, ("512MB", WORK_MEM))):
        stored, arrays, ours, *at_others = seconds_in_turn(
            1, lambda peer=peer: peer(*read_stored(connection)),
            lambda peer=peer: peer(*read_arrays(connection)),
            *[lambda sql=sql, memory=memory: query_with(connection, memory, sql) for memory in ("4MB", *others)])
        line(name, f"{ours:.2f} s", f"{stored:.2f} s", f"{stored / ours:.1f}", ">= 10")
        for memory, seconds in zip(others, at_others):
            line(f"{name}, work_mem {memory}", f"{seconds:.2f} s", f"{stored:.2f} s", f"{stored / seconds:.1f}", "")
        line(f"{name}, cleanlab from binary arrays", f"{ours:.2f} s", f"{arrays:.2f} s", f"{arrays / ours:.1f}", "")


BENCHMARKS = {"label_issues": label_issues}
