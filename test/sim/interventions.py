#!/usr/bin/env python3
"""What weighing, softening and leaving out doubtful labels is worth: the table of
docs/label-issues.md.

usage: interventions.py [SEEDS], with PGHOST and PGPORT of a server that has the extension

A line's l2 is the one of the grid with the least log-loss out of fold, against what
that line trains on, by its weights.
"""
import json
import statistics
import sys

import psycopg2

CROWDS = {
    0: '{"expert": {"count": 10, "accuracy": 1}}',
    10: '{"expert": {"count": 4, "accuracy": 0.98}, "reliable": {"count": 6, "accuracy": 0.95, "spread": 0.03}, "spammer": 1}',
    20: '{"expert": 3, "reliable": {"count": 5, "accuracy": 0.9}, "hasty": {"count": 4, "accuracy": 0.7, "spread": 0.1}, "constant": 1}',
    40: '{"expert": 2, "reliable": {"count": 4, "accuracy": 0.85}, "hasty": {"count": 5, "accuracy": 0.5, "spread": 0.2}, "spammer": 3, "adversary": 1}',
}
LABEL = "label_distribution(ARRAY[label], '{1}')"
# what is trained on, with which weight, of which rows
ARMS = {
    "labels as they are": (LABEL, "1", "true"),
    "keep where predicted >= .5": (LABEL, "1", "keep_label(label, predicted, 0.5)"),
    "keep where predicted top": (LABEL, "1", "keep_label(label, predicted)"),
    "weight by the prediction": (LABEL, "label_weight(label, predicted)", "true"),
    "weight by the evidence": (LABEL, "label_weight(label, evidence)", "true"),
    "keep where evidence top": (LABEL, "1", "keep_label(label, evidence)"),
    "soft labels, trust .5": ("soft_label(label, evidence, 0.5)", "1", "true"),
    "soft labels": ("soft_label(label, evidence)", "1", "true"),
    "the truth": ("label_distribution(ARRAY[truth], '{1}')", "1", "true"),
}
GRID = (1, 10, 100, 1000)


def make_rows(cursor, noise, seed, items):
    options = json.dumps({
        "classes": (2, 3, 5)[seed % 3], "answers": 1, "features": 20,
        "separation": (1.5, 2.5)[seed // 2 % 2], "seed": 1000 + seed})
    cursor.execute("DROP TABLE IF EXISTS simulated, evidence")
    cursor.execute(f"""
        CREATE TEMP TABLE simulated AS
        SELECT row_number() OVER () AS i, * FROM simulate_annotations({items + 2000}, '{CROWDS[noise]}', '{options}')""")
    cursor.execute(f"""
        CREATE TEMP TABLE evidence AS
        SELECT *, (label_issue(annotator, label, predicted) OVER ()).evidence
        FROM (SELECT *, oof_predict(label, features, '{{"l2": 10}}'::jsonb) OVER () AS predicted
              FROM simulated WHERE i <= {items}) AS p""")


def value(cursor, sql):
    cursor.execute(sql)
    return cursor.fetchone()[0]


def accuracy(cursor, items, target, weight, rows):
    def loss(l2):
        return value(cursor, f"""
            SELECT sum(w * (SELECT -sum(q.probability * ln(greatest(probability(d, q.label), 1e-9)))
                            FROM probabilities(target) AS q)) / sum(w)
            FROM (SELECT {weight}::float8 AS w, {target} AS target,
                         oof_predict({target}, features, item, {weight}::float8, '{{"l2": {l2}}}'::jsonb) OVER () AS d
                  FROM evidence WHERE {rows}) AS v
            WHERE w > 0""")

    l2 = min(GRID, key=loss)
    return value(cursor, f"""
        WITH fitted AS MATERIALIZED (
            SELECT logistic_regression({target}, features, {weight}::float8, '{{"l2": {l2}}}'::jsonb) AS model
            FROM evidence WHERE {rows})
        SELECT avg((top_label(predict((SELECT model FROM fitted), features)) = truth)::int)::float8
        FROM simulated WHERE i > {items}""")


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 12
    connection = psycopg2.connect(dbname="postgres")
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("SET client_min_messages = error")
    gains = {arm: {noise: [] for noise in CROWDS} for arm in ARMS}
    for noise in CROWDS:
        base = []
        for seed in range(1, seeds + 1):
            items = (600, 1500)[seed % 2]
            make_rows(cursor, noise, seed, items)
            for arm, what in ARMS.items():
                reached = accuracy(cursor, items, *what)
                if arm == "labels as they are":
                    base.append(reached)
                gains[arm][noise].append(100 * (reached - base[-1]))
        print(f"{noise} %: {statistics.mean(base):.4f} with labels as they are", flush=True)
    for arm, of_noise in gains.items():
        print(f"{arm:<28}", *(f"{statistics.mean(g):+6.2f} ({min(g):+6.2f})" for g in of_noise.values()))


if __name__ == "__main__":
    main()
