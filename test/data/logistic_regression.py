"""Makes logistic_regression.json: what scikit-learn answers to the problems of
test/lib/LogisticProblems.pm.  No test runs this; it needs perl, numpy and
scikit-learn:

    python test/data/logistic_regression.py > test/data/logistic_regression.json
"""
import json
import subprocess
import sys
from pathlib import Path

import numpy
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

L2 = (0.1, 1, 10)
# probabilities are written for this many of the first rows
ROWS = 12


def problems():
    library = Path(__file__).resolve().parent.parent / "lib"
    return json.loads(subprocess.run(
        ["perl", "-I", str(library), "-MLogisticProblems", "-MJSON::PP", "-e",
         "print encode_json([problems()])"],
        check=True, capture_output=True).stdout)


def fit(problem, l2, solver):
    """Coefficients of the standardised features, a row a class, the intercept
    first; and probabilities.  A row with a soft target is a row for each of its
    classes, weighted with the class's share."""
    x = numpy.array(problem["x"], dtype=float)
    target = numpy.array(problem["target"], dtype=float)
    weight = numpy.array(problem["weight"], dtype=float)
    rows, classes = numpy.nonzero(target * weight[:, None])
    share = weight[rows] * target[rows, classes]

    scaler = StandardScaler().fit(x[rows], sample_weight=share)
    model = LogisticRegression(C=1 / l2, tol=1e-10, max_iter=10000, solver=solver,
                               class_weight=problem.get("class_weight"))
    model.fit(scaler.transform(x[rows]), classes, sample_weight=share)

    coefficients = numpy.column_stack([model.intercept_, model.coef_])
    if len(coefficients) == 1:
        # of two classes, the second against the first
        coefficients = numpy.vstack([-coefficients / 2, coefficients / 2])
    coefficients = coefficients - coefficients.mean(axis=0)
    return coefficients, model.predict_proba(scaler.transform(x))


def main():
    answers = []
    for problem in problems():
        for l2 in L2:
            coefficients, probabilities = fit(problem, l2, "lbfgs")
            other, _ = fit(problem, l2, "newton-cholesky")
            difference = abs(other - coefficients).max() / abs(coefficients).max()
            print(f"{problem['name']}, l2 {l2}: its solvers differ by {difference:.1e}",
                  file=sys.stderr)
            assert difference < 1e-5
            answers.append(json.dumps({
                "name": problem["name"], "l2": l2,
                "coefficients": [[float(f"{c:.9g}") for c in row] for row in coefficients],
                "probabilities": [[float(f"{p:.9g}") for p in row]
                                  for row in probabilities[:ROWS]]}))
    print(f'{{"scikit-learn": "{sklearn.__version__}", "answers": [')
    print(",\n".join(answers))
    print("]}")


main()
