"""Makes crowd_options.json: what dawid_skene() should find in some crowds under
its options groups, prior, abstain and silence.  An implementation of its own, in
numpy, for tests to be held against, with the crowds beside what it finds.  No test
runs this; it needs numpy:

    python test/data/crowd_options.py > test/data/crowd_options.json
"""
import json
import random

import numpy as np
from default_rule import hash_of

PSEUDO = 4.0
CORRELATION = 0.3
ITEMS = 60                      # whose distributions are written down


def logit(x):
    x = np.clip(x, 1e-4, 1 - 1e-4)
    return np.log(x / (1 - x))


def normalized(logs):
    p = np.exp(logs - logs.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)


class Crowd:
    """Rows are [item, annotator, label, gold or None]."""

    def __init__(self, rows, options):
        self.abstain = options.get("abstain", "abstain" if options.get("silence") == "informative" else None)
        self.silence = options.get("silence") == "informative"
        self.items = sorted({r[0] for r in rows})
        self.annotators = sorted({r[1] for r in rows})
        labels = {r[2] for r in rows} | {r[3] for r in rows if r[3]} | set(options.get("prior", {}))
        self.classes = sorted(labels - {self.abstain})
        N, J, K = len(self.items), len(self.annotators), len(self.classes)
        i = {name: n for n, name in enumerate(self.items)}
        j = {name: n for n, name in enumerate(self.annotators)}
        k = {name: n for n, name in enumerate(self.classes + [self.abstain])}
        self.times = np.zeros((N, J, K + 1))            # the last: of the label that is no class
        self.gold = np.full(N, -1)
        for item, annotator, label, gold in rows:
            self.times[i[item], j[annotator], k[label]] += 1
            if gold:
                self.gold[i[item]] = k[gold]
        given = options.get("groups", [])
        if isinstance(given, dict):
            given = [[a for a in given if given[a] == g] for g in set(given.values())]
        self.group = np.arange(J)
        for members in given + options.get("copies found", []):
            here = [self.group[j[a]] for a in members if a in j]
            if here:
                self.group[np.isin(self.group, here)] = min(here)
        self.prior = None
        if "prior" in options:
            self.prior = np.array([options["prior"][c] for c in self.classes])
            self.prior /= self.prior.sum()
        self.weigh()

    def weigh(self):
        spoke = self.times.sum(2) > 0
        self.own = self.times / np.maximum(self.times.sum(2), 1)[:, :, None]
        same = (self.group[:, None] == self.group[None]).astype(float)
        self.part = 1 / same.sum(1)                     # of the group, where all answer
        members = np.broadcast_to(1 / self.part, spoke.shape) if self.silence else spoke @ same
        self.heard = self.own / np.maximum(members, 1)[:, :, None]
        named = self.times[:, :, :-1].sum(2) > 0
        self.voices = np.array([len(set(self.group[n])) for n in named])
        self.has_gold = self.gold >= 0

    def start(self):
        K = len(self.classes)
        T = self.heard[:, :, :K].sum(1)
        n = T.sum(1, keepdims=True)
        T = np.where(n > 0, T / np.where(n > 0, n, 1), 1 / K)
        T[self.has_gold] = np.eye(K)[self.gold[self.has_gold]]
        return T


def rule(crowd):
    """Matrices [annotator, label, truth], prior, log-likelihoods, passes."""
    K, J, N = len(crowd.classes), len(crowd.annotators), len(crowd.items)
    d = np.arange(K)
    teaches = (crowd.voices >= 2) | crowd.has_gold
    T = crowd.start()
    pseudo = np.full((K, K), 0.3 / max(K - 1, 1))
    pseudo[d, d] = 0.7 if K > 1 else 1

    def counts(weights):
        return np.einsum("ijl,ik->jlk", weights[teaches], T[teaches])

    def abstentions(C, voices):
        """C is [label, truth]"""
        if crowd.silence:
            return voices * T[teaches].sum(0) - C[:K].sum(0)
        return C[K]

    def pool():
        x = counts(crowd.heard).sum(0)[:K] + PSEUDO * pseudo
        return x / x.sum(0)

    pool0 = pool()
    errors = pool0 * (1 - np.eye(K))
    errors /= np.maximum(errors.sum(0), 1e-300)
    everybody = counts(crowd.heard).sum(0)
    none = abstentions(everybody, len(set(crowd.group)))
    named = everybody[:K].sum(0)
    overall = (none.sum() + 1) / (none.sum() + named.sum() + K + 1)
    pool_none = (none + PSEUDO * overall) / (none + named + PSEUDO)
    for passes in range(1, 101):
        C = counts(crowd.own)
        A = C[:, :K] + PSEUDO * pool0
        A /= A.sum(1, keepdims=True)
        q = A[:, d, d].mean(1)
        s = pool()[d, d]
        Q = 1 / (1 + np.exp(-(logit(s)[None] - logit(s.mean()) + logit(q)[:, None])))
        right = (q[:, None] + Q) / 2 if K > 1 else np.ones((J, 1))
        target = (1 - right)[:, None, :] * errors[None]
        target[:, d, d] = right
        matrix = np.zeros((J, K + 1, K))
        matrix[:, :K] = (A + target) / 2
        if crowd.abstain is not None:
            none = np.array([abstentions(c, 1) for c in C])
            a = (none + PSEUDO * pool_none) / (none + C[:, :K].sum(1) + PSEUDO)
            matrix[:, :K] *= (1 - a)[:, None]
            matrix[:, K] = a
        prior = (T[teaches].sum(0) + 1) / (teaches.sum() + K) if crowd.prior is None else crowd.prior
        logs = likelihoods(crowd, matrix)
        new = normalized(logs + np.log(prior))
        new[crowd.has_gold] = np.eye(K)[crowd.gold[crowd.has_gold]]
        moved = np.abs(new - T).sum() / 2 / N
        T = new
        if moved < 0.01:
            break
    return matrix, prior, logs, passes, T


def likelihoods(crowd, matrix):
    logs = np.einsum("ijl,jlk->ik", crowd.heard, np.log(np.maximum(matrix, 1e-300)))
    if crowd.silence:
        K = len(crowd.classes)
        silent = np.log(matrix[:, K])
        logs += (crowd.part[:, None] * silent).sum(0) - np.einsum("ij,jk->ik", crowd.heard.sum(2), silent)
    return logs


def plain(crowd, smoothing):
    """Dawid & Skene with pseudo-counts toward equal rates, to convergence: every row counts."""
    K = len(crowd.classes)
    L = K + (crowd.abstain is not None)
    n = crowd.times[:, :, :K].sum((1, 2))[:, None]
    T = np.where(n > 0, crowd.times[:, :, :K].sum(1) / np.maximum(n, 1), 1 / K)
    for passes in range(20000):
        C = np.einsum("ijl,ik->jlk", crowd.times[:, :, :L], T)
        matrix = (C + smoothing / L) / (C.sum(1, keepdims=True) + smoothing)
        prior = T.mean(0) if crowd.prior is None else crowd.prior
        logs = np.einsum("ijl,jlk->ik", crowd.times[:, :, :L], np.log(matrix))
        new = normalized(logs + np.log(prior))
        moved = np.abs(new - T).max()
        T = new
        if moved < 1e-13:
            break
    return matrix, prior, logs


def correlation(crowd):
    """Of the values .05, ..., .95 the best for gold that was hidden from the fit."""
    judged = crowd.has_gold & (crowd.voices >= 2)
    if judged.sum() < 50:
        teaching = (crowd.has_gold | (crowd.voices >= 2)).sum()
        return float(CORRELATION + np.interp(teaching, [0, 15, 30, 150], [0, 0.33, 0.33, 0])), 0
    fold = np.array([hash_of(i) % 5 for i in range(len(crowd.items))])
    values = np.arange(1, 20) / 20
    sums = 0.5 * np.log(values) + 1.5 * np.log(1 - values)
    all_gold = crowd.gold
    for f in range(5):
        crowd.gold = np.where(fold == f, -1, all_gold)
        crowd.has_gold = crowd.gold >= 0
        _, prior, logs, _, _ = rule(crowd)
        here = judged & (fold == f)
        for step, r in enumerate(values):
            power = 1 / (1 + (crowd.voices[here] - 1) * r)[:, None]
            p = normalized(logs[here] * power + np.log(prior) * (power if crowd.prior is None else 1))
            sums[step] += np.log(p[np.arange(here.sum()), all_gold[here]]).sum()
    crowd.gold, crowd.has_gold = all_gold, all_gold >= 0
    return float(values[sums.argmax()]), int(judged.sum())


def answer(rows, options):
    crowd = Crowd(rows, options)
    K = len(crowd.classes)
    result = {"annotators": crowd.annotators, "classes": crowd.classes, "abstain": crowd.abstain,
              "groups": {a: crowd.annotators[g] for a, g in zip(crowd.annotators, crowd.group)
                         if crowd.annotators[g] != a}}
    if options.get("variant") == "full":
        matrix, prior, logs = plain(crowd, options["smoothing"])
        voices = crowd.times[:, :, :K].sum((1, 2))
        r = options.get("correlation", 0)
    else:
        matrix, prior, logs, result["passes"], _ = rule(crowd)
        voices = crowd.voices
        r, judged = correlation(crowd)
        result["correlation"] = [r, judged]
    power = 1 / (1 + np.maximum(voices - 1, 0) * r)[:, None]
    reported = normalized(logs * power + np.log(prior) * (power if crowd.prior is None else 1))
    if options.get("variant") != "full":
        reported[crowd.has_gold] = np.eye(K)[crowd.gold[crowd.has_gold]]
    result["prior"] = prior.tolist()
    result["matrices"] = matrix[:, :K + (crowd.abstain is not None)].transpose(0, 2, 1).tolist()
    named = (crowd.times[:, :, :K].sum((1, 2)) > 0) | crowd.has_gold
    result["items"] = {item: [p.tolist(), bool(n)]
                       for item, p, n in list(zip(crowd.items, reported, named))[:ITEMS]}
    return result


def ordinary(seed, items, annotators, classes, answers, abstains=0.0, repeats=0.0, gold=0.0, copies=()):
    draw = random.Random(seed).random
    accuracy = [0.55 + 0.4 * draw() for _ in range(annotators)]
    often = [2 * abstains * draw() for _ in range(annotators)]
    rows = []
    for n in range(items):
        truth = int(draw() ** 1.5 * classes)
        given = {}
        order = sorted(range(annotators), key=lambda _: draw())[:1 + int(draw() * answers)]
        for j in order:
            for _ in range(1 if draw() >= repeats else 2):
                label = f"c{truth if draw() < accuracy[j] else int(draw() * classes)}"
                if draw() < often[j] * (1.5 if truth == 0 else 0.5):
                    label = "unsure"
                given.setdefault(f"a{j}", []).append(label)
        for name, of in copies:
            if of in given:
                given[name] = given[of]
        known = f"c{truth}" if draw() < gold else None
        rows += [[f"i{n:03d}", a, label, known] for a in given for label in given[a]]
    return rows


def functions(seed, items, per_class, fires, errs, gold=0.0, says="abstain"):
    """Labelling functions, each of which can say one class; some say that they abstain."""
    draw = random.Random(seed).random
    rows = []
    names = [(f"f{k}{n}", k) for k, m in enumerate(per_class) for n in range(m)]
    for n in range(items):
        truth = int(draw() * len(per_class))
        known = f"c{truth}" if draw() < gold else None
        for name, k in names:
            if draw() < (fires if k == truth else errs):
                rows.append([f"i{n:03d}", name, f"c{k}", known])
            elif draw() < 0.05:
                rows.append([f"i{n:03d}", name, says, known])
    return rows


CROWDS = [
    ("groups", ordinary(1, 120, 8, 3, 6, repeats=0.1), {"groups": [["a0", "a3", "a5"], ["a1", "nobody"], []], "copies": "off"}),
    ("groups by name", ordinary(2, 120, 8, 2, 6, gold=0.1), {"groups": {"a0": "x", "a3": "x", "a5": "y", "a6": "y"}, "copies": "off"}),
    ("groups and copies", ordinary(3, 400, 6, 3, 6, copies=[("b", "a2")]),
     {"groups": [["a2", "a4"]], "copies found": [["a2", "b"]]}),
    ("prior", ordinary(4, 100, 6, 3, 5), {"prior": {"c0": 0.7, "c1": 0.2, "c2": 0.1}}),
    ("prior of an unused class", ordinary(5, 60, 6, 2, 5, repeats=0.2, gold=0.1), {"prior": {"c0": 0.5, "c1": 0.3, "c9": 0.201}}),
    ("abstain", ordinary(6, 120, 7, 3, 5, abstains=0.3), {"abstain": "unsure"}),
    ("abstain, gold and contradictions", ordinary(7, 120, 7, 2, 4, abstains=0.4, repeats=0.3, gold=0.15), {"abstain": "unsure"}),
    ("abstain and groups", ordinary(8, 120, 9, 3, 7, abstains=0.3, repeats=0.1),
     {"abstain": "unsure", "groups": [["a0", "a1", "a2"], ["a6", "a7"]], "copies": "off"}),
    ("abstain that nobody says", ordinary(9, 60, 6, 2, 5), {"abstain": "unsure", "prior": {"c0": 0.6, "c1": 0.4}}),
    ("silence", functions(10, 150, (4, 3), 0.5, 0.05), {"silence": "informative"}),
    ("silence, gold, prior and a name", functions(11, 120, (3, 3, 2), 0.4, 0.05, gold=0.1, says="unsure"),
     {"silence": "informative", "abstain": "unsure", "prior": {"c0": 0.5, "c1": 0.3, "c2": 0.2}}),
    ("silence and groups", functions(12, 150, (4, 4), 0.5, 0.08),
     {"silence": "informative", "groups": [["f00", "f01", "f12"], ["f10", "f13"]], "copies": "off"}),
    ("silence and repeats", ordinary(13, 120, 7, 2, 5, abstains=0.2, repeats=0.3),
     {"silence": "informative", "abstain": "unsure"}),
    ("abstain and a copy", ordinary(16, 400, 6, 3, 6, abstains=0.3, copies=[("b", "a2")]),
     {"abstain": "unsure", "copies found": [["a2", "b"]]}),
    ("silence and a copy", ordinary(17, 400, 6, 2, 6, copies=[("b", "a3")]),
     {"silence": "informative", "groups": [["a0", "a1"]], "copies found": [["a3", "b"]]}),
    ("gold enough and a prior", ordinary(18, 200, 7, 3, 6, gold=0.5, repeats=0.1),
     {"prior": {"c0": 0.6, "c1": 0.25, "c2": 0.15}, "copies": "off"}),
    ("gold enough, abstain, silence and a prior", ordinary(19, 200, 7, 3, 6, abstains=0.2, gold=0.5),
     {"abstain": "unsure", "silence": "informative", "prior": {"c0": 0.6, "c1": 0.25, "c2": 0.15}, "copies": "off"}),
    ("full with abstain", ordinary(14, 150, 6, 3, 6, abstains=0.3, repeats=0.1),
     {"variant": "full", "abstain": "unsure", "smoothing": 2, "toward": "uniform", "correlation": 0.2, "tolerance": 0, "max_iterations": 20000}),
    ("full with prior", ordinary(15, 150, 6, 3, 6, repeats=0.1),
     {"variant": "full", "prior": {"c0": 0.5, "c1": 0.25, "c2": 0.25}, "smoothing": 2, "toward": "uniform", "correlation": 0.2, "tolerance": 0,
      "max_iterations": 20000}),
]


def rounded(x):
    if isinstance(x, float):
        return float(f"{x:.12g}")
    if isinstance(x, (list, tuple)):
        return [rounded(y) for y in x]
    if isinstance(x, dict):
        return {key: rounded(y) for key, y in x.items()}
    return x


def main():
    lines = []
    for name, rows, options in CROWDS:
        found = answer(rows, options)
        said = {key: options[key] for key in options if key != "copies found"}
        text = [" ".join(r[:3] + ([r[3]] if r[3] else [])) for r in rows]
        lines.append(json.dumps({"name": name, "options": said, "rows": text, "found": rounded(found)}))
    print("[\n" + ",\n".join(lines) + "\n]")


main()
