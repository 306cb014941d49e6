#!/usr/bin/env python3
"""Who is taken for a copy: the figures on copies and experts of docs/simulation.md.

usage: copies.py [SEED [WORLD...]]      needs numpy; a WORLD is how names of worlds begin

The search is the implementation in numpy that the extension's is tested against
(test/data/default_rule.py).  All worlds take an hour or two.  For each it prints in how many crowds
all copies were found, and in how many somebody was taken for a copy who is none.
"""
import re
import sys
import zlib
from collections import defaultdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "data"))
import default_rule  # noqa: E402


def answers(rng, truth, accuracy, K):
    right = rng.random((len(accuracy), len(truth))) < np.asarray(accuracy)[:, None]
    return np.where(right, truth, (truth + rng.integers(1, K, right.shape)) % K)


def some(rng, given, per):
    """Only so many annotators of each item; -1: no answer."""
    if per is None or per >= len(given):
        return given
    return np.where(np.argsort(rng.random(given.shape), 0) < per, given, -1)


def copies(rng, J, acc, N, K, copies, changed, per=None):
    truth = rng.integers(0, K, N)
    given = answers(rng, truth, [acc] * J, K)
    if per:
        given = some(rng, given, per)
    rows = [given]
    for _ in range(copies - 1):
        again = given[0].copy()
        change = (rng.random(N) < changed) & (again >= 0)
        again[change] = (again[change] + rng.integers(1, K, change.sum())) % K
        rows.append(again[None])
    return np.concatenate(rows), list(range(J)) + [0] * (copies - 1)


def experts(rng, J, ne, acc, N, K, per=None):
    """Who is no expert knows one item of ten, and guesses."""
    truth = rng.integers(0, K, N)
    know = answers(rng, truth, [acc] * ne, K)
    guess = np.where(rng.random((J - ne, N)) < 0.1, truth, rng.integers(0, K, (J - ne, N)))
    return some(rng, np.concatenate([know, guess]), per), list(range(J))


def constants(rng, acc, N, K):
    """Half of the guessers nearly always say the first class."""
    given, who = experts(rng, 12, 2, acc, N, K)
    given[2:7] = np.where(rng.random((5, N)) < 0.9, 0, given[2:7])
    return given, who


def batches(rng, acc, N, K):
    """Two crowds of guessers, each with its half of the items and a favourite class."""
    given, who = experts(rng, 18, 2, acc, N, K)
    for j in range(2, 18):
        given[j] = np.where(rng.random(N) < 0.5, j % 2, given[j])
        given[j] = np.where(np.arange(N) % 2 == j % 2, given[j], -1)
    return given, who


def plain(rng, J, lo, hi, N, K, per=None):
    truth = rng.integers(0, K, N)
    return some(rng, answers(rng, truth, rng.uniform(lo, hi, J), K), per), list(range(J))


def hard(rng, J, lo, hi, N, K, share, per=None):
    """On some items all fall for the same wrong label, three times of five."""
    truth = rng.integers(0, K, N)
    is_hard = rng.random(N) < share
    lure = (truth + rng.integers(1, K, N)) % K
    given = answers(rng, truth, rng.uniform(lo, hi, J), K)
    given = np.where(is_hard & (rng.random((J, N)) < 0.6), lure, given)
    return some(rng, given, per), list(range(J))


def worlds():
    for acc in (0.6, 0.7, 0.8, 0.9):
        for N in (50, 100, 300, 1000):
            for K in (2, 4):
                for c in (2, 3):
                    for ch in (0, 0.05, 0.1):
                        yield f"copy {acc} N{N} K{K} x{c} ch{ch}", 2 if N == 1000 else 6, copies, dict(J=6, acc=acc, N=N, K=K, copies=c, changed=ch)
                    yield f"copy20 {acc} N{N} K{K} x{c} per5+", 2, copies, dict(J=20, acc=acc, N=N, K=K, copies=c, changed=0, per=5)
    for acc in (0.95, 0.97, 0.99):
        for N in (100, 400):
            for K in (2, 4):
                yield f"expert {acc} 2of12 N{N} K{K}", 20, experts, dict(J=12, ne=2, acc=acc, N=N, K=K)
                for ne in (3, 6):
                    yield f"expert {acc} {ne}of30 N{N} K{K}", 8, experts, dict(J=30, ne=ne, acc=acc, N=N, K=K)
                    yield f"expert {acc} {ne}of30 N{N} K{K} half", 6, experts, dict(J=30, ne=ne, acc=acc, N=N, K=K, per=15)
    for acc in (0.95, 0.97):
        for N in (100, 400):
            for K in (2, 4):
                yield f"constants {acc} N{N} K{K}", 10, constants, dict(acc=acc, N=N, K=K)
                yield f"batches {acc} N{N} K{K}", 10, batches, dict(acc=acc, N=N, K=K)
    for J in (6, 12):
        for N in (100, 400, 1000):
            for K in (2, 4):
                yield f"easy J{J} N{N} K{K}", 8, plain, dict(J=J, lo=0.97, hi=0.99, N=N, K=K)
            for s in (0.05, 0.1):
                yield f"easyhard J{J} N{N} {s}", 8, hard, dict(J=J, lo=0.98, hi=0.995, N=N, K=2, share=s, per=None if J == 6 else 6)
    for J in (6, 12, 20):
        for N in (100, 400):
            for K in (2, 4):
                for s in (0.1, 0.3):
                    yield f"hard{s} J{J} N{N} K{K}", 6, hard, dict(J=J, lo=0.7, hi=0.9, N=N, K=K, share=s, per=None if J == 6 else 6)
    for K in (2, 3, 4, 5, 6):
        for J in (5, 10, 20, 40):
            yield f"plain J{J} K{K}", 20, plain, dict(J=J, lo=0.7, hi=0.9, N=J * 10, K=K, per=5)


def found_groups(given):
    rows = [(f"{i:05d}", f"{j:03d}", str(given[j, i]), None) for j, i in zip(*np.nonzero(given >= 0))]
    group, _ = default_rule.copies(default_rule.Crowd(rows))
    return group


def kind(world):
    """Worlds that differ in classes alone are told together."""
    return re.sub(r" K\d| per5\+", "", world) if re.match("copy|expert", world) else world.split()[0]


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 2001
    table = defaultdict(lambda: [0, 0, 0])
    for name, crowds, make, how in worlds():
        if len(sys.argv) > 2 and not name.startswith(tuple(sys.argv[2:])):
            continue
        for r in range(crowds):
            given, who = make(np.random.default_rng([seed, zlib.crc32(name.encode()), r]), **how)
            group = found_groups(given)
            pairs = [(a, b) for a in range(len(who)) for b in range(a)]
            row = table[kind(name)]
            row[0] += 1
            row[1] += all(group[a] == group[b] for a, b in pairs if who[a] == who[b])
            row[2] += any(group[a] == group[b] for a, b in pairs if who[a] != who[b])
    for name, (crowds, found, wrong) in table.items():
        print(f"{name:32s} {crowds:4d} crowds"
              + (f", copies found in {found}" if name.startswith("copy") else "") + f", wrong in {wrong}")


if __name__ == "__main__":
    main()
