"""Logistic regression and out-of-fold predictions beside scikit-learn.

Rows have no groups, on either side.  scikit-learn is told our folds, which are
found out beforehand.

Labels are one letter each, so that all rows of a table have the same length in
the binary form of COPY, and numpy reads them in one piece: no faster way out of
the database is known to us.  The times of scikit-learn include it.
"""
import io

import numpy
from sklearn import datasets
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import PredefinedSplit, StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from harness import WORK_MEM, connect, line, peak_memory, query, seconds, seconds_in_turn, title

# rows, features, classes
SIZES = ((50000, 100, 10), (20000, 384, 3), (200000, 32, 2))

FOLDS = 5
TURNS = 7

# PostgreSQL's default: the window's rows wait on disk
LITTLE_WORK_MEM = "4MB"

# of many small partitions
PARTITIONS = 10000
ROWS_OF_PARTITION = 50
SAMPLE = 200

# The header of COPY's binary form, and the type of an array's elements
SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
FLOAT8 = 701


def row_type(features):
    """A row (label, features) in the binary form of COPY."""
    return numpy.dtype([
        ("columns", ">i2"), ("label_bytes", ">i4"), ("label", "S1"), ("array_bytes", ">i4"),
        ("dimensions", ">i4"), ("has_null", ">i4"), ("element", ">i4"), ("length", ">i4"),
        ("first", ">i4"),
        ("features", [("bytes", ">i4"), ("value", ">f8")], (features,))])


def write_rows(connection, table, x, codes):
    n, features = x.shape
    rows = numpy.zeros(n, row_type(features))
    rows["columns"] = 2
    rows["label_bytes"] = 1
    rows["label"] = numpy.array(list("abcdefghij"), "S1")[codes]
    rows["array_bytes"] = 20 + 12 * features
    rows["dimensions"] = rows["first"] = 1
    rows["element"] = FLOAT8
    rows["length"] = features
    rows["features"]["bytes"] = 8
    rows["features"]["value"] = x
    query(connection, f"DROP TABLE IF EXISTS {table}")
    query(connection, f"""CREATE UNLOGGED TABLE {table} (
        id int GENERATED ALWAYS AS IDENTITY, label text, features float8[])""")
    connection.cursor().copy_expert(
        f"COPY {table} (label, features) FROM STDIN (FORMAT binary)",
        io.BytesIO(SIGNATURE + rows.tobytes() + b"\xff\xff"))
    query(connection, f"VACUUM ANALYZE {table}")


def copy_out(connection, sql):
    """The rows of a query in COPY's binary form, without header and end."""
    out = io.BytesIO()
    connection.cursor().copy_expert(f"COPY ({sql}) TO STDOUT (FORMAT binary)", out)
    return out.getbuffer()[len(SIGNATURE):-2]


def read_rows(connection, sql, features):
    rows = numpy.frombuffer(copy_out(connection, sql), row_type(features))
    return (numpy.ascontiguousarray(rows["features"]["value"], dtype=float),
            rows["label"].astype("U1"))


def read_numbers(connection, sql):
    rows = numpy.frombuffer(copy_out(connection, sql), numpy.dtype(
        [("columns", ">i2"), ("bytes", ">i4"), ("value", ">f8")]))
    return rows["value"].astype(float)


def make_rows(n, features, classes):
    """Features that are correlated, of several sizes, and tell the class in part."""
    random = numpy.random.default_rng(n)
    common = random.normal(size=(n, 8)) @ random.normal(size=(8, features)) / 4
    x = common + random.normal(size=(n, features))
    scores = x @ random.normal(size=(features, classes)) * (2 / features ** 0.5)
    codes = (scores + random.gumbel(size=(n, classes))).argmax(axis=1)
    return x * random.lognormal(size=features) + random.normal(size=features), codes


def pipeline(l2=1.0, **options):
    return make_pipeline(StandardScaler(),
                         LogisticRegression(**{"C": 1 / l2, "max_iter": 10000, **options}))


def oof_table(connection, arguments):
    query(connection, "DROP TABLE IF EXISTS oof")
    query(connection, f"""
        CREATE TEMPORARY TABLE oof AS
        SELECT id, label, oof_predict({arguments}) OVER () AS predicted FROM examples""")


def predict_all(connection, arguments):
    """All predictions, once in memory, as on the other side."""
    query(connection, f"""
        SELECT count(predicted)
        FROM (SELECT oof_predict({arguments}) OVER () AS predicted
              FROM examples OFFSET 0) AS v""")


def predict_on_disk(connection, arguments):
    """The same with little memory for the rows that wait in the window's buffer."""
    query(connection, f"SET work_mem = '{LITTLE_WORK_MEM}'")
    predict_all(connection, arguments)
    query(connection, f"SET work_mem = '{WORK_MEM}'")


def fitted_probabilities(connection):
    """Of the label that the row has, as the table has the rows."""
    return read_numbers(connection, "SELECT probability(predicted, label) FROM oof ORDER BY id")


def folds_of(connection):
    """The fold of each row.  A row that weighs more changes the predictions of
    all rows but those of its own fold."""
    options = "'{\"l2\": 1, \"tolerance\": 1e-8}'::jsonb"
    arguments = f"label, features, NULL::text, CASE id WHEN %d THEN 1e3 ELSE 1 END, {options}"
    oof_table(connection, arguments % 0)
    base = fitted_probabilities(connection)
    folds = numpy.full(len(base), -1)
    for fold in range(FOLDS):
        row = int(numpy.flatnonzero(folds < 0)[0])
        oof_table(connection, arguments % (row + 1))
        # what does not change differs by what is left of an iteration's error
        same = abs(fitted_probabilities(connection) - base) < 1e-8
        folds[same & (folds < 0)] = fold
    sizes = numpy.bincount(folds + 1, minlength=FOLDS + 1)
    if sizes[0] > 0 or sizes[1:].max() > 1.1 * len(base) / FOLDS:
        raise RuntimeError(f"these are no folds: {sizes}")
    return folds


def scikit_learn_oof(connection, features, folds):
    x, labels = read_rows(connection, "SELECT label, features FROM examples ORDER BY id",
                          features)
    return labels, cross_val_predict(pipeline(), x, labels, cv=PredefinedSplit(folds),
                                     method="predict_proba")


def oof_memory(arguments, work_mem):
    """What the rows that wait in the window's buffer, and then out-of-fold
    predictions, add to the peak memory of a server process."""
    connection = connect()
    query(connection, f"SET work_mem = '{work_mem}'")
    # the first call loads OpenBLAS, and the shared buffers count when touched
    query(connection, """SELECT oof_predict(label, features) OVER ()
                         FROM (SELECT * FROM examples LIMIT 1000) AS v""")
    query(connection, "SELECT sum(features[1]), max(id), max(label) FROM examples")
    before = peak_memory(connection)
    query(connection, """
        SELECT max(label), count(features), count(part)
        FROM (SELECT label, features, ntile(2) OVER () AS part
              FROM examples OFFSET 0) AS v""")
    window = peak_memory(connection)
    predict_all(connection, arguments)
    result = window - before, peak_memory(connection) - window
    connection.close()
    return result


def memory_line(what, used, matrix, bar):
    line(what, f"{used / 2**20:.0f} MiB", f"{matrix / 2**20:.0f} MiB", f"{used / matrix:.2f}", bar)


def oof_of_size(connection, n, features, classes):
    write_rows(connection, "examples", *make_rows(n, features, classes))
    arguments = "label, features, '{\"l2\": 1}'::jsonb"
    folds = folds_of(connection)
    result = []
    ours, on_disk, theirs, reading = seconds_in_turn(
        TURNS,
        lambda: predict_all(connection, arguments),
        lambda: predict_on_disk(connection, arguments),
        lambda: result.append(scikit_learn_oof(connection, features, folds)),
        lambda: read_rows(connection, "SELECT label, features FROM examples", features))
    oof_table(connection, arguments)
    our_loss = -numpy.log(fitted_probabilities(connection)).mean()
    their_loss = log_loss(*result[-1])
    what = f"{n} x {features}, {classes} classes"
    line(f"oof_predict, {what}", f"{ours:.2f} s", f"{theirs:.2f} s", f"{theirs / ours:.1f}",
         "at least 5")
    line("  of this, reading the rows", "", f"{reading:.2f} s", "", "")
    line(f"  with work_mem {LITTLE_WORK_MEM}, rows waiting on disk", f"{on_disk:.2f} s", f"{theirs:.2f} s",
         f"{theirs / on_disk:.1f}", "")
    line("  log-loss, the same folds", f"{our_loss:.6f}", f"{their_loss:.6f}",
         f"{abs(our_loss - their_loss):.1e}", "within 1e-4 (difference)")
    matrix = 8 * n * features
    memory_line(f"  peak memory / float8 matrix, work_mem {LITTLE_WORK_MEM}",
                sum(oof_memory(arguments, LITTLE_WORK_MEM)), matrix, "at most 1.3")
    window, predictions = oof_memory(arguments, WORK_MEM)
    memory_line(f"  work_mem {WORK_MEM}: of the window's rows", window, matrix, "")
    memory_line(f"  work_mem {WORK_MEM}: more than that", predictions, matrix, "at most 1.3")
    query(connection, "DROP TABLE examples, oof")


def out_of_fold(connection):
    title(f"{FOLDS}-fold out-of-fold probabilities, l2 = 1 / C = 1, from a table, "
          f"{TURNS} runs in turn")
    for size in SIZES:
        oof_of_size(connection, *size)


def fidelity(connection):
    """Coefficients and probabilities where both sides have converged."""
    title("logistic_regression / scikit-learn, both converged, l2 = 1: largest difference")
    for name in ("iris", "wine", "breast_cancer", "digits"):
        x, codes = getattr(datasets, f"load_{name}")(return_X_y=True)
        write_rows(connection, "examples", x, codes)
        query(connection, "DROP TABLE IF EXISTS fitted")
        query(connection, """
            CREATE TEMPORARY TABLE fitted AS
            SELECT logistic_regression(label, features,
                '{"l2": 1, "tolerance": 1e-9, "max_iterations": 10000}'::jsonb) AS m
            FROM examples""")
        scaler, model = pipeline(tol=1e-10).fit(x, codes)
        compare_fits(connection, name, x, codes, scaler, model)
    query(connection, "DROP TABLE examples, fitted")


def centred(coefficients):
    """Less the mean over the classes, which has no effect.  Of two classes there is
    one row, of the second against the first."""
    if len(coefficients) == 1:
        coefficients = numpy.vstack([-coefficients / 2, coefficients / 2])
    return coefficients - coefficients.mean(axis=0)


def compare_fits(connection, name, x, codes, scaler, model):
    """Coefficients of the standardised features, relative to the largest."""
    classes = codes.max() + 1
    ours = numpy.array(query(connection, """
        SELECT coefficient FROM fitted, coefficients(m)
        ORDER BY label, feature""")).reshape(-1, x.shape[1] + 1)
    ours = centred(numpy.column_stack([ours[:, 0] + ours[:, 1:] @ scaler.mean_,
                                       ours[:, 1:] * scaler.scale_]))
    theirs = centred(numpy.column_stack([model.intercept_, model.coef_]))
    difference = abs(ours - theirs).max() / abs(theirs).max()
    line(f"{name}, coefficients", "", "", f"{difference:.1e}", "within 1e-4")
    predicted = numpy.column_stack([read_numbers(connection, f"""
        SELECT probability(predict(m, features), '{label}')
        FROM examples, fitted ORDER BY id""") for label in "abcdefghij"[:classes]])
    wanted = model.predict_proba(scaler.transform(x))
    line(f"{name}, probabilities", "", "", f"{abs(predicted - wanted).max():.1e}",
         "within 1e-5")


def loop_over_partitions(connection, features, partitions):
    for task in range(partitions):
        x, labels = read_rows(
            connection, f"SELECT label, features FROM tasks WHERE task = {task}", features)
        cross_val_predict(pipeline(), x, labels, cv=StratifiedKFold(FOLDS),
                          method="predict_proba")


def partitions_of(connection, limit):
    query(connection, f"""
        SELECT count(predicted)
        FROM (SELECT oof_predict(label, features, '{{"l2": 1}}'::jsonb)
                     OVER (PARTITION BY task) AS predicted
              FROM tasks WHERE task < {limit} OFFSET 0) AS v""")


def small_groups(connection):
    """Many partitions of few rows."""
    features = 8
    write_rows(connection, "examples",
               *make_rows(PARTITIONS * ROWS_OF_PARTITION, features, 2))
    query(connection, f"""
        CREATE UNLOGGED TABLE tasks AS
        SELECT (id - 1) / {ROWS_OF_PARTITION} AS task, label, features FROM examples""")
    query(connection, "CREATE INDEX ON tasks (task)")
    query(connection, "VACUUM ANALYZE tasks")
    title(f"{PARTITIONS} partitions of {ROWS_OF_PARTITION} rows, {features} features, 2 classes")
    ours = seconds(lambda: partitions_of(connection, PARTITIONS))
    theirs = seconds(lambda: loop_over_partitions(connection, features, SAMPLE), 1)
    theirs *= PARTITIONS / SAMPLE
    line("oof_predict OVER (PARTITION BY task)", f"{ours:.2f} s", f"{theirs:.2f} s",
         f"{theirs / ours:.1f}", "at least 30")
    line(f"  (scikit-learn: {SAMPLE} partitions, scaled)", "", "", "", "")
    other = connect()
    query(other, f"SET work_mem = '{LITTLE_WORK_MEM}'")
    query(other, "SELECT sum(features[1]), max(task), max(label) FROM tasks")
    partitions_of(other, PARTITIONS // 10)
    before = peak_memory(other)
    partitions_of(other, PARTITIONS)
    grown = peak_memory(other) - before
    other.close()
    line("  growth after the first tenth", f"{grown / 2**20:.1f} MiB", "", "", "none")
    query(connection, "DROP TABLE tasks, examples")


BENCHMARKS = {"out_of_fold": out_of_fold, "fidelity": fidelity, "small_groups": small_groups}
