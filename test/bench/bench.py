"""Benchmarks of noisylabel beside its peers.

Every line names what was measured, both sides and the ratio; all come from
this one run on this one machine.  Times are the median of REPEATS runs.
"""
import os
import platform
import statistics
import sys
import time

import psycopg2

REPEATS = 3


def connect():
    connection = psycopg2.connect(dbname="postgres")
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("CREATE EXTENSION IF NOT EXISTS noisylabel")
    cursor.execute("SET max_parallel_workers_per_gather = 0")
    cursor.execute("SET work_mem = '256MB'")
    cursor.execute("SET jit = off")
    return connection


def query(connection, sql):
    cursor = connection.cursor()
    cursor.execute(sql)
    return cursor.fetchall() if cursor.description else None


def seconds(run, repeats=REPEATS):
    """Median time of a call, after one that is not counted."""
    times = []
    run()
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def line(what, ours, theirs, ratio, bar):
    print(f"  {what:<44} {ours:>16} {theirs:>22} {ratio:>9}   {bar}", flush=True)


def print_machine(connection):
    cpu = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for text in lines:
            if text.startswith("model name"):
                cpu = text.split(":", 1)[1].strip()
                break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    print(f"machine: {cpu}, {os.cpu_count()} cores, {memory:.0f} GiB, "
          f"{platform.system()} {platform.machine()}")
    print("server:  " + query(connection, "SELECT version()")[0][0])
    print("peers:   " + ", ".join(
        f"{name} {__import__('importlib.metadata').metadata.version(name)}"
        for name in ("crowd-kit", "scikit-learn", "numpy", "pandas")))
    print(f"times:   median of {REPEATS} runs, one thread on both sides\n")
    line("", "noisylabel", "peer", "ratio", "bar")


def reports(connection):
    """Confusion matrix and F1 report of 10 million rows of text labels."""
    query(connection, """
        CREATE UNLOGGED TABLE answers AS
        SELECT 'class ' || t AS truth,
               'class ' || CASE WHEN hashint8(i) % 5 = 0
                                THEN abs(hashint8(-i) % 10) ELSE t END AS label
        FROM (SELECT i, abs(hashint8(i * 7) % 10) AS t
              FROM generate_series(1, 10000000::bigint) AS i) AS s""")
    query(connection, "VACUUM ANALYZE answers")
    print("\n10 million rows of text labels, parallelism off")
    group_by = seconds(lambda: query(
        connection, "SELECT truth, label, count(*) FROM answers GROUP BY 1, 2"))
    for what, sql in (
            ("annotator_confusion(truth, label)",
             "SELECT annotator_confusion(truth, label) FROM answers"),
            ("f1_report(truth, label)", "SELECT f1_report(truth, label) FROM answers")):
        ours = seconds(lambda sql=sql: query(connection, sql))
        line(f"{what} / GROUP BY", f"{ours:.2f} s", f"{group_by:.2f} s",
             f"{ours / group_by:.2f}", "at most 1.5")
    query(connection, "DROP TABLE answers")


ANNOTATIONS = """
    CREATE UNLOGGED TABLE annotations AS
    SELECT 'item ' || item AS item, 'annotator ' || annotator AS annotator,
           'class ' || CASE
               WHEN abs(hashint8(i * 31)) % 100 < 45 + annotator % 50 THEN item % 10
               ELSE abs(hashint8(i * 17 + annotator)) % 10 END AS label
    FROM (SELECT i, i / 5 AS item, abs(hashint8(i)) % 1000 AS annotator
          FROM generate_series(0, :n::bigint - 1) AS i) AS s
    ORDER BY hashint8(i)"""

ITERATIONS = 20


def fit_sql(iterations):
    return f"""
        CREATE TEMPORARY TABLE consensus_table AS
        SELECT c.item, c.label, c.confidence
        FROM (SELECT annotation_set(item, annotator, label) AS s
              FROM annotations) AS collected,
             LATERAL (SELECT dawid_skene(s, jsonb_build_object(
                 'max_iterations', {iterations}, 'tolerance', 0)) AS m
                      OFFSET 0) AS fitted,
             LATERAL consensus(s, m) AS c"""


def ours_end_to_end(connection):
    query(connection, "DROP TABLE IF EXISTS consensus_table")
    query(connection, fit_sql(ITERATIONS))


def crowd_kit_end_to_end(connection):
    import pandas
    from crowdkit.aggregation import DawidSkene

    cursor = connection.cursor()
    cursor.execute("SELECT item, annotator, label FROM annotations")
    frame = pandas.DataFrame(cursor.fetchall(), columns=["task", "worker", "label"])
    DawidSkene(n_iter=ITERATIONS, tol=-float("inf")).fit_predict(frame)


def peak_memory(connection):
    """Peak resident memory of the server process, in bytes."""
    pid = connection.get_backend_pid()
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        for text in status:
            if text.startswith("VmHWM"):
                return int(text.split()[1]) * 1024
    return None


def fit_memory(n):
    """Bytes for each annotation that a fit adds to a server process."""
    connection = connect()
    query(connection, "SELECT count(annotator || label || item) FROM annotations")
    before = peak_memory(connection)
    query(connection, "SELECT fit_report(dawid_skene(item, annotator, label)) FROM annotations")
    used = peak_memory(connection) - before
    connection.close()
    return used / n


def dawid_skene(connection):
    """Dawid-Skene end to end: table in, consensus table out."""
    n = 1000000
    query(connection, "DROP TABLE IF EXISTS annotations")
    query(connection, ANNOTATIONS.replace(":n", str(n)))
    query(connection, "VACUUM ANALYZE annotations")
    print(f"\n{n} annotations, {n // 5} items, 1000 annotators, 10 classes, "
          f"{ITERATIONS} iterations, table to consensus")
    ours = seconds(lambda: ours_end_to_end(connection))
    theirs = seconds(lambda: crowd_kit_end_to_end(connection), 1)
    line("dawid_skene / crowd-kit DawidSkene", f"{ours:.2f} s", f"{theirs:.2f} s",
         f"{theirs / ours:.1f}", "at least 20")
    line("memory of the fit, bytes an annotation", f"{fit_memory(n):.1f}", "", "",
         "under 40")


BENCHMARKS = {"reports": reports, "dawid_skene": dawid_skene}


def main():
    connection = connect()
    print_machine(connection)
    for name in sys.argv[1:] or BENCHMARKS:
        BENCHMARKS[name](connection)


main()
