"""The fit of annotator models: its passes, and the way from table to table.

Rows are made from hashes of their number, so they are the same everywhere.
Item i has the classes i % K; annotator j is right on 45 to 94 % of the items
and guesses on the others.
"""
import json

import numpy
import pandas
from crowdkit.aggregation import DawidSkene

from harness import (REPEATS, connect, elapsed, fastest, line, peak_memory, query, seconds, title)
from numpy_em import NumpyDawidSkene

ANNOTATORS = 1000
LABELS_PER_ITEM = 5

CLASSES = (2, 4, 10, 50)

# millions of annotations, and how many iterations to time with so many
SIZES = ((1, 40), (10, 8), (50, 3))

# what max_parallel_workers_per_gather is set to
WORKERS = 2

# The end of crowd-kit's run, and where ours stops as well.
CROWD_KIT_ITERATIONS = 20

# plain EM, so that iteration n of one side is iteration n of the other
PLAIN = {"variant": "full", "acceleration": "none", "tolerance": 0}


def rows_sql(n, classes):
    """n annotations (item, annotator, label), as integers."""
    return f"""
        SELECT item, annotator,
               CASE WHEN abs(hashint8(i * 31)::bigint) % 100 < 45 + annotator % 50
                    THEN item % {classes}
                    ELSE abs(hashint8(i * 17 + annotator)::bigint) % {classes} END AS label
        FROM (SELECT i, i / {LABELS_PER_ITEM} AS item,
                     abs(hashint8(i)::bigint) % {ANNOTATORS} AS annotator
              FROM generate_series(0, {n}::bigint - 1) AS i) AS s"""


def make_set(connection, n, classes):
    """One stored annotation_set, so that a fit begins with nothing to collect."""
    query(connection, "DROP TABLE IF EXISTS collected")
    query(connection, f"""
        CREATE TEMPORARY TABLE collected AS
        SELECT annotation_set(item::text, annotator::text, label::text) AS s
        FROM ({rows_sql(n, classes)}) AS r""")


def make_rows(connection, n, classes):
    """A table of rows as users have them: long names, in no order."""
    query(connection, "DROP TABLE IF EXISTS annotations")
    query(connection, f"""
        CREATE UNLOGGED TABLE annotations AS
        SELECT 'item ' || item AS item, 'annotator ' || annotator AS annotator,
               'class ' || label AS label
        FROM ({rows_sql(n, classes)}) AS r ORDER BY hashint8(item * 8 + annotator)""")
    query(connection, "VACUUM ANALYZE annotations")


def fit(connection, **options):
    """Iterations and log-likelihood of a fit of the stored set."""
    ((iterations, log_likelihood),) = query(connection, """
        SELECT r.iterations, r.log_likelihood
        FROM collected, fit_report(dawid_skene(s, %s::jsonb)) AS r""",
        (json.dumps(options),))
    return iterations, log_likelihood


def iteration_seconds(connection, iterations):
    """Seconds of one iteration: what "iterations" add to a fit that has one.

    Reading the set, the start and the model cost the same in both fits, so the
    difference is iterations and nothing else.  Of each fit the fastest run
    counts: what else the machine does can only add, and would stand out in a
    difference.  A fit that converges to the last bit stops before its time.
    """
    def run(n):
        return fastest(lambda: fit(connection, max_iterations=n, **PLAIN))
    used, _ = fit(connection, max_iterations=1 + iterations, **PLAIN)
    return (run(1 + iterations) - run(1)) / (used - 1)


def iterations(connection):
    """Cost of an annotation in an iteration, by classes, size and workers."""
    query(connection, "SET noisylabel.memory_limit = '16GB'")
    title(f"one iteration of the fit, {ANNOTATORS} annotators, {LABELS_PER_ITEM} labels "
          "an item: time of an annotation\n  (fits of 1 and of "
          + ", ".join(f"at most {1 + more} ({n} M)" for n, more in SIZES)
          + f" iterations; difference of the fastest of {REPEATS} each)")
    for classes in CLASSES:
        serial = {}
        for millions, more in SIZES:
            n = millions * 1000000
            make_set(connection, n, classes)
            serial[millions] = iteration_seconds(connection, more) / n
            query(connection, f"SET max_parallel_workers_per_gather = {WORKERS}")
            parallel = iteration_seconds(connection, more) / n
            query(connection, "SET max_parallel_workers_per_gather = 0")
            line(f"K = {classes}, {millions} M: {WORKERS} workers / one core",
                 f"{parallel * 1e9:.2f} ns", f"{serial[millions] * 1e9:.2f} ns",
                 f"{serial[millions] / parallel:.2f}", "at least 1.7")
        first, last = min(serial), max(serial)
        line(f"K = {classes}, one core: {last} M / {first} M",
             f"{serial[last] * 1e9:.2f} ns", f"{serial[first] * 1e9:.2f} ns",
             f"{serial[last] / serial[first]:.2f}", "0.85 to 1.15")
    query(connection, "DROP TABLE collected")
    query(connection, "RESET noisylabel.memory_limit")


def codes(connection, n, classes):
    """The rows of rows_sql() as three arrays of codes."""
    rows = numpy.array(query(connection, rows_sql(n, classes)), dtype=numpy.int64)
    return tuple(numpy.ascontiguousarray(rows[:, c]) for c in range(3))


def crowd_kit(frame, n):
    """crowd-kit's model after n iterations; its own rule would stop it sooner."""
    return DawidSkene(n_iter=n, tol=-float("inf")).fit(frame)


def log_likelihood_of(model, frame):
    """The marginal log-likelihood of a crowd-kit model, which it doesn't compute."""
    index = [pandas.factorize(frame[column], sort=True) for column in ("task", "worker", "label")]
    labels = index[2][1]
    cells = pandas.MultiIndex.from_product([index[1][1], labels])
    peer = NumpyDawidSkene(*(column for column, _ in index))
    peer.expect(model.priors_.reindex(labels).to_numpy(),
                model.errors_.reindex(cells, columns=labels, fill_value=0).to_numpy())
    return peer.log_likelihood


def peers(connection):
    """An iteration beside crowd-kit and numpy, each from the same start."""
    n, classes, steps = 1000000, 10, 40
    make_set(connection, n, classes)
    item, annotator, label = codes(connection, n, classes)
    frame = pandas.DataFrame({"task": item, "worker": annotator, "label": label})
    title(f"one iteration, {n} annotations, {n // LABELS_PER_ITEM} items, {ANNOTATORS} annotators, "
          f"{classes} classes; fastest of {REPEATS} on each side")
    ours = iteration_seconds(connection, steps)

    def numpy_run():
        fresh = NumpyDawidSkene(item, annotator, label)
        return elapsed(lambda: fresh.run(steps)) / steps
    by_numpy = min(numpy_run() for _ in range(REPEATS))
    # names of items and annotators as text, which are what is found in tables,
    # cost crowd-kit more in each iteration
    names = frame.assign(task=frame.task.map("item {}".format),
                         worker=frame.worker.map("annotator {}".format))
    for what, given in (("text names", names), ("integer codes", frame)):
        theirs = (fastest(lambda f=given: crowd_kit(f, 3))
                  - fastest(lambda f=given: crowd_kit(f, 1))) / 2
        line(f"dawid_skene / crowd-kit DawidSkene, {what}", f"{ours * 1e3:.2f} ms",
             f"{theirs * 1e3:.2f} ms", f"{theirs / ours:.1f}", "at least 100")
    line("dawid_skene / numpy and scipy.sparse", f"{ours * 1e3:.2f} ms",
         f"{by_numpy * 1e3:.2f} ms", f"{by_numpy / ours:.1f}", "at least 15")

    # crowd-kit ends an iteration with the M step, we with the E step
    mine = fit(connection, max_iterations=4, **PLAIN)[1]
    others = {"crowd-kit": log_likelihood_of(crowd_kit(frame, 3), frame),
              "numpy": NumpyDawidSkene(item, annotator, label).run(4).log_likelihood}
    for name, other in others.items():
        line(f"log-likelihood after 4 M steps / {name}", f"{mine:.3f}", f"{other:.3f}",
             f"{abs(other / mine - 1):.0e}", "within 1e-6")
    query(connection, "DROP TABLE collected")


def consensus_table(connection, options):
    query(connection, "DROP TABLE IF EXISTS consensus_table")
    query(connection, """
        CREATE TEMPORARY TABLE consensus_table AS
        SELECT c.item, c.label, c.confidence
        FROM (SELECT annotation_set(item, annotator, label) AS s
              FROM annotations) AS collected,
             LATERAL (SELECT dawid_skene(s, %s::jsonb) AS m OFFSET 0) AS fitted,
             LATERAL consensus(s, m) AS c""", (json.dumps(options),))


def fewest_iterations(connection, objective):
    """How many iterations of ours it takes to come as far, and where they end."""
    options = {"variant": "full", "tolerance": 0}
    for n in range(1, CROWD_KIT_ITERATIONS + 2):
        reached = fit(connection, max_iterations=n, **options)[1]
        if reached >= objective:
            break
    return dict(options, max_iterations=n), reached


def end_to_end(connection):
    """Table in, consensus table out, to the same objective."""
    n, classes = 1000000, 10
    make_rows(connection, n, classes)
    title(f"from table to consensus, {n} annotations, {n // LABELS_PER_ITEM} items, "
          f"{ANNOTATORS} annotators, {classes} classes")
    peer = {}

    def crowd_kit_run():
        rows = query(connection, "SELECT item, annotator, label FROM annotations")
        peer["frame"] = pandas.DataFrame(rows, columns=["task", "worker", "label"])
        peer["model"] = crowd_kit(peer["frame"], CROWD_KIT_ITERATIONS)
    theirs = elapsed(crowd_kit_run)
    objective = log_likelihood_of(peer["model"], peer["frame"])

    query(connection, "CREATE TEMPORARY TABLE collected AS "
          "SELECT annotation_set(item, annotator, label) AS s FROM annotations")
    options, reached = fewest_iterations(connection, objective)
    ours = seconds(lambda: consensus_table(connection, options))
    line("dawid_skene / crowd-kit DawidSkene (once)", f"{ours:.2f} s", f"{theirs:.2f} s",
         f"{theirs / ours:.1f}", "at least 40")
    line("  log-likelihood reached", f"{reached:.3f}", f"{objective:.3f}", "", "no less")
    line("  iterations", str(options["max_iterations"]), str(CROWD_KIT_ITERATIONS), "", "")
    query(connection, "DROP TABLE collected")


def auto(connection):
    """What variant auto costs beside variant full, each by its own rule to stop."""
    n = 1000000
    title(f"variant auto beside full, {n} annotations, other options at their defaults")
    for classes in (2, 10):
        make_set(connection, n, classes)
        took = {variant: seconds(lambda v=variant: fit(connection, variant=v))
                for variant in ("auto", "full")}
        passes = {variant: fit(connection, variant=variant)[0] for variant in took}
        line(f"K = {classes}: auto / full "
             f"({passes['auto']} and {passes['full']} iterations)",
             f"{took['auto']:.2f} s", f"{took['full']:.2f} s",
             f"{took['auto'] / took['full']:.2f}", "at most 5")
    query(connection, "DROP TABLE collected")


def memory(connection):
    """Bytes for each annotation that a fit adds to a server process."""
    n = 1000000
    make_rows(connection, n, 10)
    session = connect()
    query(session, "SELECT count(annotator || label || item) FROM annotations")
    before = peak_memory(session)
    query(session, "SELECT fit_report(dawid_skene(item, annotator, label)) FROM annotations")
    used = peak_memory(session) - before
    session.close()
    title(f"memory of a fit, {n} annotations, from a table")
    line("bytes an annotation", f"{used / n:.1f}", "", "", "under 40")


BENCHMARKS = {"iterations": iterations, "peers": peers, "end_to_end": end_to_end,
              "auto": auto, "memory": memory}
