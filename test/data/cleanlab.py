#!/usr/bin/env python3
"""Writes cleanlab.json: what cleanlab says of fixed inputs.

    pip install cleanlab==2.9.0; python3 cleanlab.py > cleanlab.json

Probabilities are whole numbers of 1/2^12, so that every implementation reads the
same.  Where cleanlab leaves ties to its sort, which differs between machines, the
set is drawn again (tied()): no tie decides what is flagged or how the joint is
rounded.
"""
import json
import sys
import warnings

sys.path.pop(0)  # this file has the name of what it imports

import numpy as np
import pandas as pd
from cleanlab.count import compute_confident_joint
from cleanlab.filter import find_label_issues
from cleanlab.multiannotator import get_label_quality_multiannotator
from cleanlab.rank import get_label_quality_scores
import cleanlab

FILTERS = ["prune_by_noise_rate", "prune_by_class", "both", "confident_learning", "predicted_neq_given"]
SCORES = ["self_confidence", "normalized_margin", "confidence_weighted_entropy"]
UNITS = 4096

warnings.simplefilter("ignore")


def predictions(rng, truth, classes, sharp):
    """Rows of whole numbers that sum to UNITS."""
    p = rng.dirichlet(np.ones(classes), len(truth))
    p[np.arange(len(truth)), truth] += sharp * rng.random(len(truth))
    p /= p.sum(axis=1, keepdims=True)
    q = np.floor(p * UNITS).astype(int)
    q[np.arange(len(truth)), q.argmax(axis=1)] += UNITS - q.sum(axis=1)
    return q


def tied(labels, p):
    """Does the order of the classes or of the rows decide anything?"""
    last = p.shape[1] - 1
    joint = compute_confident_joint(labels, p)
    if (joint != compute_confident_joint(last - labels, p[:, ::-1])[::-1, ::-1]).any():
        return True
    quick = np.argsort
    np.argsort = lambda a, **kw: quick(a, **{**kw, "kind": "stable"})
    stable = compute_confident_joint(labels, p)
    np.argsort = quick
    if (joint != stable).any():
        return True
    flags = {}
    for order in (slice(None), slice(None, None, -1)):
        for f in FILTERS:
            got = find_label_issues(labels[order], p[order], filter_by=f, n_jobs=1)[order]
            if f in flags and (flags[f] != got).any():
                return True
            flags[f] = got
    return False


def single(rng, n, classes, noise, sharp, shares=None, absent=()):
    while True:
        truth = rng.choice(classes, n, p=shares)
        labels = np.where(rng.random(n) < noise, rng.integers(0, classes, n), truth)
        for k in absent:
            labels[labels == k] = (k + 1) % classes
        q = predictions(rng, truth, classes, sharp)
        p = q / UNITS
        # every class that rows have must be one of p's, and cleanlab wants two labels
        if len(set(labels)) > 1 and not tied(labels, p):
            break
    return {
        "labels": labels.tolist(),
        "predicted": q.tolist(),
        "joint": compute_confident_joint(labels, p).tolist(),
        "flags": {f: np.flatnonzero(find_label_issues(labels, p, filter_by=f, n_jobs=1)).tolist() for f in FILTERS},
        "scores": {s: get_label_quality_scores(labels, p, method=s).tolist() for s in SCORES},
    }


def crowd(rng, n, annotators, classes, answers, sharp, singles=0.0):
    """singles: share of items with one answer."""
    truth = rng.integers(0, classes, n)
    skill = rng.uniform(0.4, 0.95, annotators)
    while True:
        wide = np.full((n, annotators), np.nan)
        for i in range(n):
            m = 1 if rng.random() < singles else min(annotators, 1 + rng.poisson(answers - 1))
            for j in rng.choice(annotators, m, replace=False):
                wide[i, j] = truth[i] if rng.random() < skill[j] else rng.integers(0, classes)
        if not np.isnan(wide).all(axis=0).any():
            break
    q = predictions(rng, truth, classes, sharp)
    frame = pd.DataFrame(wide, columns=[f"a{j:03}" for j in range(annotators)])
    state = np.random.get_state()
    results = []
    for seed in (1, 2):         # where cleanlab draws lots, nothing can be compared
        np.random.seed(seed)
        results.append(get_label_quality_multiannotator(frame, q / UNITS, return_weights=True, verbose=False))
    np.random.set_state(state)
    r = results[0]
    if not r["label_quality"].equals(results[1]["label_quality"]):
        return crowd(rng, n, annotators, classes, answers, sharp, singles)
    stats = r["annotator_stats"]
    none = lambda x: None if np.isnan(x) else float(x)
    return {
        "answers": [[int(i), frame.columns[j], int(wide[i, j])] for i, j in zip(*np.nonzero(~np.isnan(wide)))],
        "predicted": q.tolist(),
        "model_weight": float(r["model_weight"]),
        "annotator_weight": dict(zip(frame.columns, map(float, r["annotator_weight"]))),
        "consensus": r["label_quality"].astype(float).values.tolist(),
        "detailed": [[none(x) for x in row] for row in r["detailed_label_quality"].values.tolist()],
        "annotators": {a: [none(x) for x in stats.loc[a].astype(float).values] for a in stats.index},
    }


def main():
    rng = np.random.default_rng(20260914)
    data = {
        "cleanlab": cleanlab.__version__,
        "units": UNITS,
        "single": [
            single(rng, 200, 3, 0.2, 2),
            single(rng, 300, 4, 0.4, 1),
            single(rng, 60, 5, 0.3, 1),
            single(rng, 600, 8, 0.4, 3),
            single(rng, 150, 2, 0.3, 1),
            single(rng, 250, 4, 0.2, 1, absent=(2,)),
            single(rng, 200, 3, 0.1, 1, shares=[0.96, 0.03, 0.01]),
            single(rng, 40, 6, 0.5, 0.5),
            single(rng, 12, 3, 0.3, 1),
            single(rng, 500, 7, 0.2, 2),
        ],
        "crowd": [
            crowd(rng, 60, 6, 3, 3, 2),
            crowd(rng, 80, 12, 4, 2, 1, singles=0.4),
            crowd(rng, 40, 30, 2, 3, 1),
            crowd(rng, 50, 8, 5, 2, 0.5, singles=0.6),
        ],
    }
    json.dump(data, sys.stdout, separators=(",", ":"))
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
