"""Makes agreement.json: coefficients of agreement by irrCAC, krippendorff and
statsmodels, and the alternative annotator test written down here with scipy's t test,
for random ratings.  No test runs this; it needs numpy, pandas, scipy and the three:

    python test/data/agreement.py > test/data/agreement.json

A case is a string for each annotator, a digit for each item, "." where there is no
answer.  What a peer does not define (it raises an error, or says 1 or NaN where all
answers are the same) is null.
"""
import json
import sys
import warnings
from importlib.metadata import version

import krippendorff
import numpy
import pandas
from irrCAC.raw import CAC
from scipy.stats import ttest_1samp
from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa

warnings.simplefilter("ignore")
random = numpy.random.default_rng(1971)
WEIGHTS = ("identity", "linear", "quadratic", "ordinal", "ratio")
LEVELS = ("nominal", "ordinal", "interval", "ratio")


def number(x):
    return None if x is None or not numpy.isfinite(x) else float(f"{x:.13g}")


def ratings():
    """Items by annotators, NaN for no answer."""
    items = random.integers(4, 14)
    annotators = random.integers(2, 6)
    labels = random.choice(numpy.arange(1, 10), size=random.integers(2, 6), replace=False)
    truth = random.choice(labels, size=items, p=random.dirichlet(numpy.ones(len(labels))))
    answers = numpy.where(random.random((items, annotators)) < random.uniform(0.2, 0.95),
                          truth[:, None], random.choice(labels, size=(items, annotators)))
    answers = answers.astype(float)
    answers[random.random(answers.shape) < random.choice([0, 0, 0.2, 0.5])] = numpy.nan
    return answers


def usable(answers):
    """Two items that two have answered, an answer of each annotator, two labels."""
    given = ~numpy.isnan(answers)
    return ((given.sum(1) >= 2).sum() >= 2 and (given.sum(0) > 0).all()
            and len(numpy.unique(answers[given])) > 1)


def irr(answers, weights):
    cac = CAC(pandas.DataFrame(answers), weights=weights, digits=15)
    result = {}
    for name in ("fleiss", "gwet", "bp", "conger"):
        est = getattr(cac, name)()["est"]
        result[name] = number(est["coefficient_value"])
        result["percent"] = number(est["pa"])
    return result


def alpha(answers, level):
    try:
        return number(krippendorff.alpha(reliability_data=answers.T, level_of_measurement=level))
    except ValueError:
        return None


def agreement_case():
    answers = ratings()
    while not usable(answers):
        answers = ratings()
    case = {"ratings": text(answers),
            "alpha": {level: alpha(answers, level) for level in LEVELS},
            "irr": {w: irr(answers, w) for w in WEIGHTS}}
    if not numpy.isnan(answers).any():
        table = numpy.array([[(row == k).sum() for k in range(1, 10)] for row in answers])
        case["fleiss"] = number(fleiss_kappa(table, method="fleiss"))
        table = numpy.zeros((9, 9))
        numpy.add.at(table, (answers[:, 0].astype(int) - 1, answers[:, 1].astype(int) - 1), 1)
        case["cohen"] = {w or "identity": number(cohens_kappa(table, wt=w, return_results=False))
                         for w in (None, "linear", "quadratic")}
    return case


def text(answers):
    return ["".join("." if numpy.isnan(x) else str(int(x)) for x in column) for column in answers.T]


def nearness(answer, rest, scoring):
    if scoring == "accuracy":
        return numpy.mean(answer == rest)
    return -numpy.sqrt(numpy.mean((answer - rest) ** 2))


def replace_case():
    """The last column is the candidate's."""
    items = random.integers(25, 60)
    humans = random.integers(2, 6)
    truth = random.choice(3, size=items, p=random.dirichlet(numpy.ones(3) * 3)) + 1
    skill = numpy.append(random.uniform(0.6, 0.95, humans), random.uniform(0.5, 1))
    answers = numpy.where(random.random((items, humans + 1)) < skill, truth[:, None],
                          random.choice(3, size=(items, humans + 1)) + 1).astype(float)
    answers[random.random(answers.shape) < random.choice([0, 0.15])] = numpy.nan
    scoring = str(random.choice(["accuracy", "rmse"]))
    epsilon = float(random.choice([0.1, 0.15, 0.2]))
    given = ~numpy.isnan(answers)
    kept = given[:, -1] & (given[:, :-1].sum(1) >= 2)
    p, advantages = [], []
    for j in range(humans):
        mine = numpy.flatnonzero(kept & given[:, j])
        if len(mine) < 30:
            continue
        difference, advantage = [], []
        for i in mine:
            rest = numpy.array([answers[i, h] for h in range(humans) if h != j and given[i, h]])
            human, model = (nearness(answers[i, c], rest, scoring) for c in (j, humans))
            difference.append(int(human >= model) - int(model >= human))
            advantage.append(model >= human)
        p.append(ttest_1samp(difference, epsilon, alternative="less").pvalue)
        advantages.append(numpy.mean(advantage))
    m = len(p)
    limits = numpy.arange(1, m + 1) / m * 0.05 / sum(1 / i for i in range(1, m + 1))
    below = numpy.flatnonzero(numpy.sort(p) <= limits)
    return {"ratings": text(answers), "scoring": scoring, "epsilon": epsilon, "tested": m,
            "winning_rate": number((below[-1] + 1 if len(below) else 0) / m) if m else None,
            "advantage": number(numpy.mean(advantages)) if m else None}


def main():
    peers = {name: version(name) for name in ("irrCAC", "krippendorff", "statsmodels", "scipy")}
    print(f"peers: {peers}", file=sys.stderr)
    print('{"peers": ' + json.dumps(peers) + ',\n"agreement": [')
    print(",\n".join(json.dumps(agreement_case(), separators=(",", ":")) for _ in range(240)))
    print('],\n"replace": [')
    print(",\n".join(json.dumps(replace_case(), separators=(",", ":")) for _ in range(40)))
    print("]}")


main()
