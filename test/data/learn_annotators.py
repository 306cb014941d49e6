"""Makes learn_annotators.json: random answers with truths that are given or expected,
and what learn_annotators() should make of them, by the formulas in numpy.  An
implementation of its own, for tests to be held against.  No test runs this:

    python test/data/learn_annotators.py > test/data/learn_annotators.json
"""
import json

import numpy as np

PSEUDO = 4.0


def logit(x):
    x = np.clip(x, 1e-4, 1 - 1e-4)
    return np.log(x / (1 - x))


def counts_of(case):
    labels, annotators = case["labels"], case["annotators"]
    K = len(labels)
    C, V = np.zeros((2, len(annotators), K, K))         # [annotator, label, truth]
    for annotator, truth, label in case["rows"]:
        at = annotators.index(annotator), labels.index(label)
        T = np.array([truth.get(l, 0.0) for l in labels])
        C[at] += T
        V[at] += T * (1 - T)
    return C, V


def auto(C):
    J, K, _ = C.shape
    diagonal = np.arange(K)
    pseudo = np.full((K, K), 0.3 / max(K - 1, 1))
    pseudo[diagonal, diagonal] = 0.7 if K > 1 else 1
    pool0 = C.sum(0) + PSEUDO * pseudo
    pool0 /= pool0.sum(0)
    errors = pool0 * (1 - np.eye(K))
    errors /= np.maximum(errors.sum(0), 1e-300)
    A = np.concatenate([C, np.zeros((1, K, K))]) + PSEUDO * pool0
    A /= A.sum(1, keepdims=True)
    q = A[:, diagonal, diagonal].mean(1)
    s = pool0[diagonal, diagonal]
    Q = 1 / (1 + np.exp(-(logit(s)[None] - logit(s.mean()) + logit(q)[:, None])))
    d = (q[:, None] + Q) / 2 if K > 1 else np.ones((J + 1, 1))
    target = (1 - d)[:, None, :] * errors[None]
    target[:, diagonal, diagonal] = d
    n = C.sum((0, 1))
    return (A + target) / 2, (n + 1) / (n.sum() + K)


def full(C, smoothing):
    J, K, _ = C.shape
    n = C.sum((0, 1))
    pool = np.where(n > 0, C.sum(0) / np.where(n > 0, n, 1), 1 / K)
    each = C.sum(1, keepdims=True) + smoothing
    matrices = np.where(each > 0, (C + smoothing * pool) / np.where(each > 0, each, 1), pool)
    return np.concatenate([matrices, pool[None]]), n / n.sum()


def case(name, rng, K, J, n, hard):
    labels = [str(k + 8) for k in range(K)] if K == 6 else ["class %d" % k for k in range(K)]
    annotators = ["annotator %d" % j for j in range(J)]
    skill = rng.uniform(0.3, 0.95, J)
    share = rng.dirichlet(np.ones(K))
    rows = []
    for _ in range(n):
        k = rng.choice(K, p=share)
        j = min(int(rng.exponential(J / 4)), J - 1)
        l = k if rng.random() < skill[j] else rng.integers(K)
        if hard:
            truth = {labels[k]: 1.0}
        else:
            some = sorted(set(rng.choice(K, min(K, 3), replace=False)) | {k})
            p = rng.dirichlet(np.where(np.array(some) == k, 4.0, 0.7))
            truth = {labels[i]: float(x) for i, x in zip(some, p)}
        rows.append([annotators[j], truth, labels[l]])
    used = sorted({r[0] for r in rows})
    seen = {l for r in rows for l in r[1]} | {r[2] for r in rows}
    return {"name": name, "rows": rows, "annotators": used, "labels": [l for l in labels if l in seen]}


def main():
    rng = np.random.default_rng(33)
    cases = [case("two classes, given", rng, 2, 5, 60, True), case("four classes, expected", rng, 4, 6, 150, False),
             case("six numbers, expected", rng, 6, 4, 120, False), case("many annotators", rng, 3, 40, 160, False),
             case("one class", rng, 1, 2, 5, False), case("one row", rng, 3, 1, 1, False)]
    for c in cases:
        C, V = counts_of(c)
        c["counts"], c["variances"] = (x.transpose(0, 2, 1).tolist() for x in (C, V))
        c["models"] = []
        for options, (matrices, prior) in (({}, auto(C)), ({"variant": "full"}, full(C, 0)),
                                           ({"smoothing": 2.5}, full(C, 2.5))):
            c["models"].append({"options": options, "prior": prior.tolist(),
                                "matrices": matrices.transpose(0, 2, 1).tolist()})
    print("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]")


main()
