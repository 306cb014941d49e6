"""Confusion matrices and reports beside GROUP BY."""
from harness import line, query, seconds, title


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
    title("10 million rows of text labels, parallelism off")
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


BENCHMARKS = {"reports": reports}
