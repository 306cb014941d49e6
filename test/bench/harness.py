"""What the benchmarks share: a session, the clock, and lines of the report.

Every line names what was measured, both sides and the ratio; all come from
this one run on this one machine.  Times are the median of REPEATS runs unless
a benchmark says otherwise.
"""
import importlib.metadata
import os
import platform
import statistics
import time

import psycopg2

REPEATS = 3
WORK_MEM = "256MB"


def connect():
    connection = psycopg2.connect(dbname="postgres")
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("CREATE EXTENSION IF NOT EXISTS noisylabel")
    cursor.execute("SET max_parallel_workers_per_gather = 0")
    cursor.execute(f"SET work_mem = '{WORK_MEM}'")
    cursor.execute("SET jit = off")
    return connection


def query(connection, sql, parameters=None):
    cursor = connection.cursor()
    cursor.execute(sql, parameters)
    return cursor.fetchall() if cursor.description else None


def value(connection, sql, parameters=None):
    """The only column of the only row."""
    ((result,),) = query(connection, sql, parameters)
    return result


def elapsed(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def seconds(run, repeats=REPEATS):
    """Median time of a call, after one that is not counted."""
    run()
    return statistics.median(elapsed(run) for _ in range(repeats))


def seconds_in_turn(repeats, *runs):
    """The same of several calls that take turns, so that all see one machine."""
    for run in runs:
        run()
    times = [[elapsed(run) for run in runs] for _ in range(repeats)]
    return [statistics.median(column) for column in zip(*times)]


def fastest(run, repeats=REPEATS):
    """Time of the fastest call, for differences, which noise would spoil."""
    return min(elapsed(run) for _ in range(repeats))


def peak_memory(connection):
    """Peak resident memory of the server process, in bytes."""
    pid = connection.get_backend_pid()
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        for text in status:
            if text.startswith("VmHWM"):
                return int(text.split()[1]) * 1024
    return None


def title(text):
    print(f"\n{text}", flush=True)


def line(what, ours, theirs, ratio, bar):
    print(f"  {what:<46} {ours:>16} {theirs:>22} {ratio:>9}   {bar}", flush=True)


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
    print("server:  " + value(connection, "SELECT version()"))
    print("peers:   " + ", ".join(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("cleanlab", "crowd-kit", "scikit-learn", "numpy", "scipy", "pandas")))
    print(f"times:   median of {REPEATS} runs, one thread on both sides, "
          "unless a line says otherwise\n")
    line("", "noisylabel", "peer", "ratio", "bar")
