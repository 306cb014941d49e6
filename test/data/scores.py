"""Makes scores.json: what scikit-learn says of random scores and distributions, and
numpy of what it does not have (the DeLong interval, calibration errors).  No test
runs this; it needs numpy, scipy and scikit-learn:

    python test/data/scores.py > test/data/scores.json
"""
import json
import sys

import numpy
import sklearn
from scipy.stats import norm
from sklearn import metrics

RANKINGS = 210
DISTRIBUTIONS = 120

random = numpy.random.default_rng(20)


def short(x):
    """A number to 12 digits; what is undefined is null."""
    x = float(x)
    return None if numpy.isnan(x) else float(f"{x:.12g}")


def delong(truth, score):
    """The interval of DeLong, DeLong & Clarke-Pearson 1988 from all pairs, of rows."""
    x, y = score[truth == 1], score[truth == 0]
    if min(len(x), len(y)) < 2:
        return None, None
    wins = (x[:, None] > y[None, :]) + (x[:, None] == y[None, :]) / 2
    variance = wins.mean(1).var(ddof=1) / len(x) + wins.mean(0).var(ddof=1) / len(y)
    if variance < 1e-20:
        return None, None
    half = norm.ppf(0.975) * variance ** 0.5
    return short(max(wins.mean() - half, 0)), short(min(wins.mean() + half, 1))


def best_f1(truth, score, weight):
    if not truth.any():
        return None, None
    thresholds = numpy.unique(score)[::-1]
    f1 = [metrics.f1_score(truth, score >= t, sample_weight=weight, zero_division=0) for t in thresholds]
    best = max(f1)
    return short(best), short(next(t for t, f in zip(thresholds, f1) if f > best - 1e-12))


def ece(confidence, right, bins):
    """By numpy.digitize over the edges, bins open on the left."""
    at = numpy.clip(numpy.digitize(confidence, numpy.arange(bins + 1) / bins, right=True) - 1, 0, bins - 1)
    gaps = [(abs(confidence[at == b].mean() - right[at == b].mean()), (at == b).mean()) for b in set(at)]
    return short(sum(g * share for g, share in gaps)), short(max(g for g, _ in gaps))


def ranking(case):
    n = int(random.integers(2, 18))
    levels = int(random.choice([2, 5, 20, 997]))
    score = numpy.round(random.integers(1, levels + 1, n) / (levels + 2), 3)
    truth = (random.random(n) < (score if case % 3 else 0.3)).astype(int)
    weight = [None, random.integers(0, 4, n).astype(float), random.integers(1, 100, n) / 10][case % 3]
    if weight is not None and weight.sum() == 0:
        weight[0] = 1
    kept = numpy.ones(n, bool) if weight is None else weight > 0
    t, s, w = truth[kept], score[kept], None if weight is None else weight[kept]
    both = len(set(t)) == 2
    answer = {"truth": truth.tolist(), "score": score.tolist(), "weight": None if weight is None else weight.tolist()}
    answer["roc_auc"] = short(metrics.roc_auc_score(t, s, sample_weight=w)) if both else None
    answer["average_precision"] = short(metrics.average_precision_score(t, s, sample_weight=w)) if t.any() else 0
    if case % 3 == 2:
        answer["auc_low"], answer["auc_high"] = None, None
    else:
        repeats = numpy.ones(len(t), int) if w is None else w.astype(int)
        answer["auc_low"], answer["auc_high"] = delong(numpy.repeat(t, repeats), numpy.repeat(s, repeats))
    answer["best_f1"], answer["best_f1_threshold"] = best_f1(t, s, w)
    answer["log_loss"] = short(metrics.log_loss(t, s, sample_weight=w, labels=[0, 1]))
    answer["brier"] = short(metrics.brier_score_loss(t, s, sample_weight=w))
    if t.any():
        p, r, th = metrics.precision_recall_curve(t, s, sample_weight=w)
        answer["pr_curve"] = [[short(a), short(b), short(c)] for a, b, c in zip(th, p, r)][::-1]
    if both:
        f, r, th = metrics.roc_curve(t, s, sample_weight=w, drop_intermediate=False)
        answer["roc_curve"] = [[short(a) if a < 2 else None, short(b), short(c)] for a, b, c in zip(th, f, r)]
    return answer


def distribution(case):
    n, k, bins = int(random.integers(1, 20)), int(random.integers(2, 5)), int(random.choice([1, 4, 10, 15]))
    least = case % 2
    p = (random.multinomial(64 - least * k, random.dirichlet(numpy.ones(k) / 2, n)) + least) / 64
    truth = random.integers(0, k, n)
    one_hot = numpy.eye(k)[truth]
    top = p.argmax(1)
    answer = {"truth": truth.tolist(), "p": p.tolist(), "bins": bins}
    impossible = (p[numpy.arange(n), truth] == 0).any()
    answer["log_loss"] = None if impossible else short(metrics.log_loss(truth, p, labels=range(k)))
    answer["brier"] = short(metrics.brier_score_loss(truth, p, labels=range(k), scale_by_half=False))
    answer["ece"], answer["mce"] = ece(p.max(1), (top == truth).astype(float), bins)
    answer["classes"] = [
        [short(metrics.brier_score_loss(one_hot[:, c], p[:, c])), *ece(p[:, c], one_hot[:, c], bins)] for c in range(k)]
    return answer


json.dump({
    "made_by": f"scikit-learn {sklearn.__version__}, numpy {numpy.__version__}",
    "rankings": [ranking(case) for case in range(RANKINGS)],
    "distributions": [distribution(case) for case in range(DISTRIBUTIONS)],
}, sys.stdout, separators=(",", ":"))
print()
