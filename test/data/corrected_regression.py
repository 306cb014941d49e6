"""Makes corrected_regression.json: problems and what an independent minimiser says of
the losses of logistic_regression() that do not believe labels.  No test runs this; it
needs numpy and scipy:

    python test/data/corrected_regression.py > test/data/corrected_regression.json

The objectives are written down as in the papers, gradients are by complex steps (exact
to rounding), and the search, which begins at the fit of cross-entropy, ends with
Newton's steps, so that the gradient is 0 to 1e-9.
"""
import json

import numpy as np
from scipy.optimize import minimize

rng = np.random.default_rng(20)


def problem(n, classes, features, flip, weighted):
    y = rng.integers(classes, size=n)
    centre = rng.normal(size=(classes, features))
    x = np.round(centre[y] + rng.normal(size=(n, features)) * [1, 3, 0.5][:features] + 2, 3)
    given = np.where(rng.random(n) < flip, (y + 1) % classes, y)
    w = np.round(rng.uniform(0.5, 2, size=n), 2) if weighted else np.ones(n)
    return dict(x=x, given=given, w=w, classes=classes)


def probabilities(theta, z, classes):
    """One vector of two classes, the second against the first; else one each."""
    rows = 1 if classes == 2 else classes
    b = theta.reshape(rows, -1)
    logit = b[:, :1] + b[:, 1:] @ z.T
    if classes == 2:
        logit = np.vstack([0 * logit, logit])
    e = np.exp(logit - logit.real.max(axis=0))
    return e / e.sum(axis=0)


def objective(theta, p, z, o):
    """p: the problem, z: standardised features, o: options."""
    k = p["classes"]
    prob = probabilities(theta, z, k)
    t = np.array(o["matrix"], dtype=float) if "matrix" in o else np.eye(k)
    t = t / t.sum(axis=1, keepdims=True)
    seen = t.T @ prob               # of each label that may be given
    c = np.ones(k)
    if o.get("class_weight") == "balanced":
        mass = np.array([p["w"][p["given"] == i].sum() for i in range(k)])
        c = p["w"].sum() / (k * mass)
    w = p["w"] * c[p["given"]]

    def loss(s):
        q = o.get("q", 0.7)
        return (1 - s ** q) / q if o.get("loss") else -np.log(s)

    own = loss(seen[p["given"], np.arange(len(w))])
    e = o.get("label_smoothing", 0)
    own = (1 - e) * own + e * loss(seen).mean(axis=0)
    beta = o.get("bootstrap", 1)
    own = beta * own - (1 - beta) * (prob * np.log(prob)).sum(axis=0)
    slopes = theta.reshape(1 if k == 2 else k, -1)[:, 1:]
    return (w * own).sum() + o["l2"] / 2 * (slopes ** 2).sum()


def gradient(f, theta):
    h = 1e-30
    steps = np.eye(len(theta)) * 1j * h
    return np.array([f(theta + s).imag / h for s in steps])


def fit(f, start):
    theta = minimize(lambda v: f(v).real, start, jac=lambda v: gradient(f, v),
                     method="BFGS", options=dict(gtol=1e-7, maxiter=2000)).x
    for _ in range(5):
        g = gradient(f, theta)
        h = 1e-6
        hessian = np.array([(gradient(f, theta + h * s) - gradient(f, theta - h * s)) / (2 * h)
                            for s in np.eye(len(theta))])
        theta = theta - np.linalg.pinv((hessian + hessian.T) / 2, rcond=1e-9) @ g
    g = gradient(f, theta)
    assert abs(g).max() < 1e-8, abs(g).max()
    return theta


def answer(p, o):
    k = p["classes"]
    mean = np.average(p["x"], axis=0, weights=p["w"])
    deviation = np.sqrt(np.average((p["x"] - mean) ** 2, axis=0, weights=p["w"]))
    z = (p["x"] - mean) / deviation
    rows = 1 if k == 2 else k
    plain = {key: v for key, v in o.items() if key in ("l2", "class_weight")}
    start = fit(lambda v: objective(v, p, z, plain), np.zeros(rows * (z.shape[1] + 1)))
    theta = fit(lambda v: objective(v, p, z, o), start).reshape(rows, -1)
    theta = theta - (theta.mean(axis=0) if k > 2 else 0)
    slopes = theta[:, 1:] / deviation
    intercept = theta[:, 0] - slopes @ mean
    return np.column_stack([intercept, slopes]).round(9).tolist()


MATRIX3 = [[80, 15, 5], [10, 70, 20], [5, 5, 90]]
MATRIX2 = [[9, 1], [3, 7]]
GCE = dict(loss="generalised_cross_entropy")


def cases(classes):
    matrix = MATRIX2 if classes == 2 else MATRIX3
    yield dict(l2=1)
    yield dict(l2=1, matrix=matrix)
    yield dict(l2=0.3, matrix=matrix, bootstrap=0.9)
    yield dict(l2=1, matrix=matrix, label_smoothing=0.2)
    yield dict(l2=1, **GCE)
    yield dict(l2=3, q=0.3, **GCE)
    yield dict(l2=1, q=1, **GCE)
    yield dict(l2=1, matrix=matrix, **GCE)
    yield dict(l2=1, class_weight="balanced", **GCE)
    yield dict(l2=1, label_smoothing=0.1)
    yield dict(l2=1, label_smoothing=0.3, q=0.5, **GCE)
    yield dict(l2=1, bootstrap=0.8)


def main():
    result = []
    for n, classes, features, flip, weighted in (
            (150, 2, 2, 0.2, False), (200, 3, 3, 0.15, True), (120, 3, 2, 0, False)):
        p = problem(n, classes, features, flip, weighted)
        result.append(dict(
            x=p["x"].tolist(), label=[f"c{i}" for i in p["given"]], weight=p["w"].tolist(),
            cases=[dict(options=o, coefficients=answer(p, o)) for o in cases(classes)]))
    print(json.dumps(result))


main()
