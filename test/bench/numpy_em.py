"""Dawid-Skene EM in numpy and scipy, as fast as we know how to write it.

The annotations are a sparse matrix, a row for each item and a column for each
(annotator, label).  The E step multiplies it by the logarithms of the
confusion matrices, the M step multiplies its transpose (the same arrays, read
by columns) by the posteriors.  Measured and found slower: sums by bincount for
each class, gathered rows and reduceat, a transposed copy in CSR form.
"""
import numpy
from scipy import sparse


class NumpyDawidSkene:
    def __init__(self, item, annotator, label):
        """Codes from 0, an array each."""
        self.items = int(item.max()) + 1
        self.annotators = int(annotator.max()) + 1
        self.classes = int(label.max()) + 1
        self.answers = self.one_hot(item, annotator * self.classes + label,
                                    self.annotators * self.classes)
        votes = self.one_hot(item, label, self.classes).toarray()
        self.posterior = votes / votes.sum(axis=1, keepdims=True)
        self.log_likelihood = None

    def one_hot(self, row, column, columns):
        return sparse.csr_matrix((numpy.ones(len(row)), (row, column)),
                                 shape=(self.items, columns))

    def maximize(self):
        """Class prior, and rates by (annotator, label) and truth."""
        counts = (self.answers.T @ self.posterior).reshape(
            self.annotators, self.classes, self.classes)
        with numpy.errstate(invalid="ignore"):
            rates = counts / counts.sum(axis=1, keepdims=True)
        prior = numpy.ones(self.items) @ self.posterior / self.items
        rates = numpy.nan_to_num(rates, nan=1 / self.classes)
        return prior, rates.reshape(-1, self.classes)

    def log_weights(self, prior, rates):
        logs = self.answers @ numpy.log(numpy.maximum(rates, 1e-300))
        logs += numpy.log(numpy.maximum(prior, 1e-300))
        return logs

    def expect(self, prior, rates):
        shift = 0
        weights = self.log_weights(prior, rates)
        numpy.exp(weights, out=weights)
        sums = weights @ numpy.ones(self.classes)
        if sums.min() < 1e-200:
            # rare, so the common case does without looking for the maximum
            weights = self.log_weights(prior, rates)
            shift = weights.max(axis=1)
            weights -= shift[:, None]
            numpy.exp(weights, out=weights)
            sums = weights @ numpy.ones(self.classes)
        weights *= (1 / sums)[:, None]
        self.posterior = weights
        self.log_likelihood = float((numpy.log(sums) + shift).sum())

    def run(self, iterations):
        for _ in range(iterations):
            self.expect(*self.maximize())
        return self
