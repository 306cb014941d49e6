#!/usr/bin/env python3
"""What learn_from_crowds() is worth on real songs: the table of docs/learn-from-crowds.md.

usage: NOISYLABEL_SHARED=DIR music_genre.py [REPEATS [OPTIONS ...]], with PGHOST and PGPORT of a
server that has the extension

700 songs of ten genres have 2,945 answers by 44 annotators; 300 songs have none. In each of
REPEATS (10) rounds of five folds the answers to held-out songs are not seen, and the songs
are predicted from their features; the 300 are predicted by a fit to all 700. l2 is chosen
inside each fit, over the same grid, by log-loss out of fold against what that fit trains
on. All predictions are held against gold; each song counts the same. OPTIONS are further
options of learn_from_crowds(), each a JSON object.
"""
import os
import sys

import psycopg2

DATA = os.path.join(os.environ["NOISYLABEL_SHARED"], "data", "music_genre")
LOAD = """
CREATE TEMP TABLE answers (item text, annotator text, label text);
CREATE TEMP TABLE gold (item text, label text);
CREATE TEMP TABLE gold_test (item text, label text);
CREATE TEMP TABLE lines (item text, features float8[]);
"""
# Folds of equal size; fold 5 is that of the songs without answers.
PREPARE = """
CREATE TEMP TABLE folds AS
SELECT r, item, (row_number() OVER (PARTITION BY r ORDER BY md5(r || ' ' || item)) - 1) % 5 AS f
FROM gold, generate_series(1, {repeats}) AS r;
CREATE TEMP TABLE held_out AS
SELECT r, f, item, label AS truth, features FROM folds JOIN gold USING (item) JOIN lines USING (item)
UNION ALL SELECT 0, 5, item, label, features FROM gold_test JOIN lines USING (item);
CREATE TEMP TABLE splits AS SELECT DISTINCT r, f FROM held_out;
CREATE TEMP TABLE training AS
SELECT r, f, item, annotator, label, features
FROM splits JOIN answers ON true JOIN lines USING (item)
WHERE NOT EXISTS (SELECT FROM held_out AS h WHERE h.r = splits.r AND h.f = splits.f AND h.item = answers.item);
CREATE TEMP TABLE majority AS
SELECT DISTINCT ON (r, f, item) r, f, item, label, features
FROM (SELECT r, f, item, label, min(features) AS features, count(*) AS votes
      FROM training GROUP BY r, f, item, label) AS v
ORDER BY r, f, item, votes DESC, label COLLATE "C";
ANALYZE training, majority, held_out;
"""
PREDICT = """
CREATE TEMP TABLE {arm} AS
WITH fitted AS MATERIALIZED (SELECT r, f, {classifier} AS c FROM {source} GROUP BY r, f)
SELECT r, f, item, truth, top_label(predict(c, features)) AS label FROM fitted JOIN held_out USING (r, f)
"""
# A song without answers has one prediction, which counts as much as those of a song with.
ACCURACY = """
WITH right_ AS (SELECT item, bool_or(r = 0) AS test, avg((label = truth)::int) AS score FROM {arm} GROUP BY item)
SELECT avg(score) FILTER (WHERE NOT test)::float8, avg(score) FILTER (WHERE test)::float8, avg(score)::float8 FROM right_
"""
COMPARE = """
SELECT (d).difference, (d).difference_low, (d).difference_high, (d).p_value
FROM (SELECT paired_bootstrap(item, truth, m.label, c.label, '{{"metric": "accuracy"}}') AS d
      FROM majority_labels AS m JOIN {arm} AS c USING (r, f, item, truth),
           generate_series(1, CASE WHEN r = 0 THEN {repeats} ELSE 1 END)) AS v
"""


def copy(cursor, name, columns):
    with open(os.path.join(DATA, name + ".csv")) as file:
        cursor.copy_expert(f"COPY {columns} FROM STDIN (FORMAT csv, HEADER)", file)


def load(cursor, repeats):
    cursor.execute(LOAD)
    for name in ("answers", "gold", "gold_test"):
        copy(cursor, {"answers": "annotations"}.get(name, name), name)
    with open(os.path.join(DATA, "features.csv")) as file:
        next(file)
        for line in file:
            item, *features = line.strip().split(",")
            cursor.execute("INSERT INTO lines VALUES (%s, %s)", (item, [float(x) for x in features]))
    cursor.execute(PREPARE.format(repeats=repeats))


def row(cursor, sql):
    cursor.execute(sql)
    return cursor.fetchone()


def main():
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    connection = psycopg2.connect(dbname="postgres")
    connection.autocommit = True
    cursor = connection.cursor()
    load(cursor, repeats)
    arms = {"majority_labels": ("majority", "logistic_regression(label, features, '{\"l2\": \"choose\"}')"),
            "every_label": ("training", "logistic_regression(label, features, '{\"l2\": \"choose\", \"duplicates\": \"together\"}')")}
    for n, options in enumerate(sys.argv[2:] or ["{}"]):
        arms[f"crowd_{n}"] = ("training", "classifier(learn_from_crowds(item, annotator, label, features, "
                                          f"'{options}'::jsonb))")
    print("| | 700 songs | 300 songs | all |\n|---|---|---|---|")
    for arm, (source, classifier) in arms.items():
        cursor.execute(PREDICT.format(arm=arm, source=source, classifier=classifier))
        print("| %s | %.4f | %.4f | %.4f |" % (classifier, *row(cursor, ACCURACY.format(arm=arm))), flush=True)
        if arm != "majority_labels":
            print("  against majority labels: %+.4f (%+.4f to %+.4f), p = %.4f" %
                  row(cursor, COMPARE.format(arm=arm, repeats=repeats)), flush=True)


if __name__ == "__main__":
    main()
