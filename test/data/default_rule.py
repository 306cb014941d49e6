"""Makes default_rule.json: what variant auto should find in the crowds of
test/lib/RuleCrowds.pm and, if a folder of data sets is named, in those.  An
implementation of its own, in numpy, for tests to be held against.  No test runs
this; it needs perl and numpy:

    python test/data/default_rule.py [FOLDER] > test/data/default_rule.json
"""
import csv
import hashlib
import json
import math
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np

CORRELATION = 0.3
PSEUDO = 4.0
SETS = ("rte", "d_product", "web", "cf", "sp", "zc_us", "music_genre")


def crowds():
    library = Path(__file__).resolve().parent.parent / "lib"
    # NoisyLabel.pm wants the server's test library; a crowd needs two of its functions
    return json.loads(subprocess.run(
        ["perl", "-I", str(library), "-e", """
            BEGIN { $INC{"PostgreSQL/Test/$_.pm"} = 1 for qw(Cluster Utils); }
            use RuleCrowds; use JSON::PP; print encode_json([rule_crowds()])"""],
        check=True, capture_output=True).stdout)


def normalized(logs):
    p = np.exp(logs - logs.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)


def logit(x):
    x = np.clip(x, 1e-4, 1 - 1e-4)
    return np.log(x / (1 - x))


class Crowd:
    def __init__(self, rows, gold_weight=1.0):
        """Rows are (item, annotator, label, gold or None); repeats count."""
        self.items = sorted({r[0] for r in rows})
        self.annotators = sorted({r[1] for r in rows})
        labels = {r[2] for r in rows} | {r[3] for r in rows if r[3] is not None}
        numbers = all(l.lstrip("-").isdigit() for l in labels)
        self.labels = sorted(labels, key=int if numbers else None)
        code = [{name: n for n, name in enumerate(names)}
                for names in (self.items, self.annotators, self.labels)]
        rows = sorted(rows, key=lambda r: tuple(code[c][r[c]] for c in range(3)))
        self.item, self.annotator, self.label = (
            np.array([code[c][r[c]] for r in rows]) for c in range(3))
        self.gold_weight = gold_weight
        self.gold = np.full(len(self.items), -1)
        for r in rows:
            if r[3] is not None:
                self.gold[code[0][r[0]]] = code[2][r[3]]
        self.has_gold = self.gold >= 0
        times = Counter(zip(self.item, self.annotator))
        self.share = np.array([1 / times[pair] for pair in zip(self.item, self.annotator)])

    def voices(self, group):
        """What each answer counts among the item's, and how many voices items have."""
        members = {}
        for i, j in zip(self.item, self.annotator):
            members.setdefault((i, group[j]), set()).add(j)
        weight = self.share / np.array(
            [len(members[i, group[j]]) for i, j in zip(self.item, self.annotator)])
        return weight, np.bincount([i for i, _ in members], minlength=len(self.items))

    def mix_gold(self, T):
        """What is known before the first pass."""
        w = self.gold_weight
        T[self.has_gold] *= 1 - w
        T[self.has_gold, self.gold[self.has_gold]] += w
        return T

    def posterior(self, logs):
        K, w = len(self.labels), self.gold_weight
        if w < 1:
            logs = logs.copy()
            logs[self.has_gold] += np.log((1 - w) / (K - 1))
            logs[self.has_gold, self.gold[self.has_gold]] += np.log(w) - np.log((1 - w) / (K - 1))
            return normalized(logs)
        T = normalized(logs)
        T[self.has_gold] = np.eye(K)[self.gold[self.has_gold]]
        return T


def fit(crowd, group):
    """Matrices [annotator, label, truth], prior, log weights without gold, voices, passes."""
    K, J, n_items = len(crowd.labels), len(crowd.annotators), len(crowd.items)
    diagonal = np.arange(K)
    weight, voices = crowd.voices(group)
    teaches = (voices >= 2) | crowd.has_gold
    T = np.zeros((n_items, K))
    np.add.at(T, (crowd.item, crowd.label), weight)
    T = crowd.mix_gold(T / voices[:, None])
    pseudo = np.full((K, K), 0.3 / max(K - 1, 1))
    pseudo[diagonal, diagonal] = 0.7 if K > 1 else 1

    def counts(weights):
        C = np.zeros((J, K, K))
        learn = teaches[crowd.item]
        np.add.at(C, (crowd.annotator[learn], crowd.label[learn]),
                  weights[learn, None] * T[crowd.item[learn]])
        return C

    def pool():
        x = counts(weight).sum(0) + PSEUDO * pseudo
        return x / x.sum(0)

    pool0 = pool()
    errors = pool0 * (1 - np.eye(K))
    errors /= np.maximum(errors.sum(0), 1e-300)
    for passes in range(1, 101):
        A = counts(crowd.share) + PSEUDO * pool0
        A /= A.sum(1, keepdims=True)
        q = A[:, diagonal, diagonal].mean(1)
        s = pool()[diagonal, diagonal]
        Q = 1 / (1 + np.exp(-(logit(s)[None] - logit(s.mean()) + logit(q)[:, None])))
        d = (q[:, None] + Q) / 2 if K > 1 else np.ones((J, 1))
        target = (1 - d)[:, None, :] * errors[None]
        target[:, diagonal, diagonal] = d
        matrix = (A + target) / 2
        prior = (T[teaches].sum(0) + 1) / (teaches.sum() + K)
        logs = np.zeros((n_items, K)) + np.log(prior)
        np.add.at(logs, crowd.item, weight[:, None] * np.log(matrix)[crowd.annotator, crowd.label])
        new = crowd.posterior(logs)
        moved = 0.5 * np.abs(new - T).sum() / n_items
        T = new
        if moved < 0.01:
            break
    return matrix, prior, logs, voices, passes


def beyond(observed, expected):
    excess = observed - expected.sum()
    return (excess / np.sqrt(max((expected * (1 - expected)).sum(), 1e-9)),
            excess / max(len(expected) - expected.sum(), 1e-9))


def rates(T, answer):
    """An annotator's matrix where the truth is as in T."""
    K = T.shape[1]
    A = np.full((K, K), 0.3 / max(K - 1, 1))
    A[np.arange(K), np.arange(K)] = 0.7
    for _ in range(30):
        p = T * A[answer]
        p /= p.sum(1, keepdims=True)
        C = np.eye(K)[answer].T @ p + 0.25
        A = C / C.sum(0)
    return A


def dependence(said, answers):
    """Whether annotators agree about more than what a pair says of the items; answers:
    of each annotator a dictionary, item of the list to label."""
    n, K = len(said), 1 + max(l for mine in answers for l in mine.values())
    W = np.zeros((n, K))
    squares = np.zeros(n)
    for mine in answers:
        for k in set(said):
            here = [i for i in mine if said[i] == k]
            if not here:
                continue
            u = np.eye(K)[[mine[i] for i in here]]
            u -= u.mean(0)
            W[here] += u
            squares[here] += (u * u).sum(1)
    W = ((W * W).sum(1) - squares) / 2
    return W.sum() / np.sqrt(max((W * W).sum(), 1e-9))


def tail(d, n, p):
    """The chance of d or fewer of n."""
    return sum(math.comb(n, i) * p ** i * (1 - p) ** (n - i) for i in range(d + 1))


def copies(crowd):
    """The first of each annotator's group, and the pairs that were looked at closely, with
    whether they are copies and were not in one group before.  Of contradictory answers the
    last counts."""
    K, J = len(crowd.labels), len(crowd.annotators)
    alone = np.arange(J)
    matrix, prior, _, _, _ = fit(crowd, alone)
    answers = [{} for _ in range(J)]
    for i, j, l in zip(crowd.item, crowd.annotator, crowd.label):
        answers[j][i] = l
    votes = np.zeros((len(crowd.items), K))
    for mine in answers:
        for i, l in mine.items():
            votes[i, l] += 1
    rows = {}
    for a, i in enumerate(crowd.item):
        rows.setdefault(i, []).append(a)
    group, pairs, suspects = list(alone), [], []
    for a in range(J):
        for b in range(a + 1, J):
            both = np.array(sorted(i for i in answers[a].keys() & answers[b].keys()
                                   if votes[i].sum() > 2), dtype=int)
            if len(both) < 20:
                continue
            x, y = (np.array([answers[j][i] for i in both]) for j in (a, b))
            others = votes[both].copy()
            others[np.arange(len(both)), x] -= 1
            others[np.arange(len(both)), y] -= 1
            top = others.argmax(1)
            expected = np.zeros(len(both))
            for k in set(top):
                here = top == k
                expected[here] = (np.bincount(x[here], minlength=K) * np.bincount(y[here], minlength=K)).sum() / here.sum() ** 2
            z, excess = beyond((x == y).sum(), expected)
            if z <= 4 or excess <= 0.3:
                continue
            suspects.append((a, b, both))
    with_whom = [{p[1 - s] for p in suspects for s in (0, 1) if p[s] == j} for j in range(J)]
    for a, b, both in suspects:
        out = {a, b} | (with_whom[a] & with_whom[b])
        voices = np.array([len({crowd.annotator[r] for r in rows[i]} - out) for i in both])
        both, voices = both[voices > 0], voices[voices > 0]
        if len(both) < 20:
            continue
        x, y = (np.array([answers[j][i] for i in both]) for j in (a, b))
        logs = np.array([np.log(prior) + sum(
            crowd.share[r] * np.log(matrix[crowd.annotator[r], crowd.label[r]])
            for r in rows[i] if crowd.annotator[r] not in out) for i in both])
        T = normalized(logs / (1 + (voices - 1) * CORRELATION)[:, None])
        expected = (T * (rates(T, x) * rates(T, y)).sum(0)).sum(1)
        z, excess = beyond((x == y).sum(), expected)
        same = np.flatnonzero(x == y)
        others = [{n: answers[j][both[i]] for n, i in enumerate(same) if both[i] in answers[j]}
                  for j in range(J) if j not in out]
        more = dependence(x[same], others)
        found = bool((more > 3 and z > 6 and excess > 0.5) or
                     (z > 2.5 and excess > 0.9 and (more > 3 or tail(int((x != y).sum()), len(x), 0.03) < 0.05)))
        news = bool(found and group[a] != group[b])
        pairs.append([a, b, len(both), int((x == y).sum()), expected.sum(), z, excess, more, news])
        if found:
            low, high = sorted((group[a], group[b]))
            group = [low if g == high else g for g in group]
    return group, pairs


def hash_of(k, seed=20):
    """PostgreSQL's hash of a 32-bit number."""
    mask = 0xffffffff

    def rot(x, n):
        return (x << n | x >> (32 - n)) & mask
    a = b = c = (0x9e3779b9 + 4 + 3923095) & mask
    b = b + seed & mask
    for x, y, z in ((4, 6, 8), (16, 19, 4)):
        a = (a - c & mask) ^ rot(c, x)
        c = c + b & mask
        b = (b - a & mask) ^ rot(a, y)
        a = a + c & mask
        c = (c - b & mask) ^ rot(b, z)
        b = b + a & mask
    a = a + k & mask
    c = (c ^ b) - rot(b, 14) & mask
    a = (a ^ c) - rot(c, 11) & mask
    b = (b ^ a) - rot(a, 25) & mask
    c = (c ^ b) - rot(b, 16) & mask
    a = (a ^ c) - rot(c, 4) & mask
    b = (b ^ a) - rot(a, 14) & mask
    c = (c ^ b) - rot(b, 24) & mask
    return b << 32 | c


def correlation(crowd, group):
    """Of the values 0, .05, ..., 1 the best for gold that was hidden from the fit."""
    _, voices = crowd.voices(group)
    judged = crowd.has_gold & (voices >= 2)
    if judged.sum() < 50 or len(crowd.labels) < 2:
        teaching = (crowd.has_gold | (voices >= 2)).sum()
        return float(CORRELATION + np.interp(teaching, [0, 15, 30, 150], [0, 0.33, 0.33, 0])), 0
    fold = np.array([hash_of(i) % 5 for i in range(len(crowd.items))])
    values = np.arange(1, 20) / 20
    sums = 0.5 * np.log(values) + 1.5 * np.log(1 - values)
    all_gold, w = crowd.gold.copy(), crowd.gold_weight
    for f in range(5):
        crowd.gold = np.where(fold == f, -1, all_gold)
        crowd.has_gold = crowd.gold >= 0
        logs = fit(crowd, group)[2]
        here = judged & (fold == f)
        for step, r in enumerate(values):
            p = normalized(logs[here] / (1 + (voices[here] - 1) * r)[:, None])
            p = p[np.arange(here.sum()), all_gold[here]]
            sums[step] += np.log(w * p + (1 - w) / (len(crowd.labels) - 1) * (1 - p)).sum()
    crowd.gold, crowd.has_gold = all_gold, all_gold >= 0
    return float(values[sums.argmax()]), int(judged.sum())


def fingerprints(matrices):
    """One number an annotator, in which every cell has a weight of its own."""
    K = matrices.shape[1]
    weight = 1 + np.sqrt(np.arange(K * K)).reshape(K, K)    # [label, truth]
    return (matrices * weight).sum((1, 2)).tolist()


def answer(rows, gold_weight, whole):
    crowd = Crowd(rows, gold_weight)
    group, pairs = copies(crowd)
    matrix, prior, logs, voices, passes = fit(crowd, np.array(group))
    T = crowd.posterior(logs)
    top = (T >= T.max(1, keepdims=True) - 1e-9).argmax(1)
    teaches = ((voices >= 2) | crowd.has_gold)[crowd.item]
    evidence = np.zeros_like(matrix)
    np.add.at(evidence, (crowd.annotator[teaches], crowd.label[teaches]),
              crowd.share[teaches, None] * T[crowd.item[teaches]])
    result = {"passes": passes, "prior": prior.tolist(),
              "groups": {crowd.annotators[j]: crowd.annotators[g] for j, g in enumerate(group) if g != j},
              "correlation": correlation(crowd, np.array(group)), "pairs": pairs, "fingerprints": fingerprints(np.log(matrix)), "evidence": fingerprints(evidence),
              "labels": hashlib.md5("\n".join(crowd.labels[t] for t in top).encode()).hexdigest()}
    if whole:
        result["matrices"] = matrix.transpose(0, 2, 1).tolist()
    return result


def rounded(x):
    if isinstance(x, float):
        return float(f"{x:.14g}")
    if isinstance(x, (list, tuple)):
        return [rounded(y) for y in x]
    if isinstance(x, dict):
        return {key: rounded(y) for key, y in x.items()}
    return x


def main():
    answers = {c["name"]: answer([tuple(x if x is None else str(x) for x in r) for r in c["rows"]], float(c.get("gold_weight", 1)),
                                 c["name"] == "repeats")
               for c in crowds()}
    for name in SETS if len(sys.argv) > 1 else ():
        with open(f"{sys.argv[1]}/{name}/annotations.csv", encoding="utf-8-sig", newline="") as file:
            rows = sorted({tuple(r[:3]) for r in list(csv.reader(file))[1:]})
        answers["set " + name] = answer([r + (None,) for r in rows], 1.0, False)
        print(name, answers["set " + name]["passes"], file=sys.stderr, flush=True)
    print("{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(rounded(a))}"
                             for name, a in answers.items()) + "\n}")


if __name__ == "__main__":
    main()
