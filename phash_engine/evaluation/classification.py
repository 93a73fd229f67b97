"""Metrics of classification: of each class, and of labels by their least confidence."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phash_engine.retrieval.voting import NONE, Column, Predictions

Shares = NDArray[np.float64]
Counts = NDArray[np.int64]


class Confusion(NamedTuple):
    """Numbers of right and wrong decisions, int64 of one shape, and the measures of them, float64 of that shape.

    A measure that would divide by zero is NaN.
    """

    true_positives: Counts
    false_positives: Counts
    false_negatives: Counts
    true_negatives: Counts

    @property
    def precision(self) -> Shares:
        """Share of the accepted that is true."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> Shares:
        """Share of the true that is accepted: sensitivity."""
        return _ratio(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def specificity(self) -> Shares:
        """Share of the false that is rejected."""
        return _ratio(self.true_negatives, self.true_negatives + self.false_positives)

    @property
    def fall_out(self) -> Shares:
        """Share of the false that is accepted: the false-positive rate."""
        return _ratio(self.false_positives, self.true_negatives + self.false_positives)

    @property
    def f1(self) -> Shares:
        """Harmonic mean of precision and recall."""
        twice = 2 * self.true_positives
        return _ratio(twice, twice + self.false_positives + self.false_negatives)

    @property
    def kappa(self) -> Shares:
        """Agreement beyond chance (Cohen 1960, "A Coefficient of Agreement for Nominal Scales")."""
        tp, fp, fn, tn = (np.asarray(count, dtype=np.float64) for count in self)  # products of counts leave int64
        return _ratio(2 * (tp * tn - fn * fp), (tp + fp) * (fp + tn) + (tp + fn) * (fn + tn))


class Curve(NamedTuple):
    """Measures by the least confidence of a label, float64 ``(t,)``, from the highest threshold to the lowest.

    Attributes
    ----------
    thresholds
        Each confidence that occurs, once.
    accuracy
        Share of the labels given that are right.
    kappa
        Their agreement beyond chance; NaN where there is only one class.
    declined
        Share of the queries left without a label.
    """

    thresholds: Shares
    accuracy: Shares
    kappa: Shares
    declined: Shares

    def lowest(self, accuracy: float) -> int | None:
        """Return the row of the lowest threshold that reaches an accuracy; None if none does."""
        reached = np.flatnonzero(self.accuracy >= accuracy)
        return int(reached[-1]) if reached.size else None


def decline_curve(truth: Column, predictions: Predictions) -> Curve:
    """Measure the labels given at every least confidence.

    Kappa is that of several classes (Cohen 1960, "A Coefficient of Agreement for Nominal Scales").

    Parameters
    ----------
    truth
        int64 ``(q,)``: the class of each query.
    predictions
        Those without a class are declined at every threshold.
    """
    given = np.flatnonzero(predictions.classes != NONE)
    order = given[np.argsort(-predictions.confidences[given], kind="stable")]
    right = truth[order] == predictions.classes[order]
    last = np.append(np.diff(predictions.confidences[order]) != 0, np.ones(min(order.size, 1), dtype=np.bool_))
    counts = np.arange(1, order.size + 1)
    agreed = np.cumsum(right) / counts
    chance = _products(truth[order], predictions.classes[order]) / counts.astype(np.float64) ** 2
    kappa = np.divide(agreed - chance, 1 - chance, out=np.full(order.size, np.nan), where=chance < 1)
    missing = 1 - counts / max(truth.size, 1)
    return Curve(predictions.confidences[order][last], agreed[last], kappa[last], missing[last])


def confusion_matrix(truth: Column, given: Column, count: int) -> Column:
    """Count each class by each predicted one: int64 ``(count, count + 1)``, true by predicted, declined last."""
    matrix = np.zeros((count, count + 1), dtype=np.int64)
    np.add.at(matrix, (truth, given), 1)  # NONE is the last column
    return matrix


def by_class(matrix: Column) -> Confusion:
    """Count decisions "it is of this class" for each class of a :func:`confusion_matrix`; a declined query is none.

    Returns
    -------
    Confusion
        Of shape ``(count,)``.

    Examples
    --------
    >>> by_class(np.array([[3, 1, 0], [0, 1, 1]])).recall
    array([0.75, 0.5 ])
    """
    right, true, given = matrix.diagonal(), matrix.sum(axis=1), matrix[:, :-1].sum(axis=0)
    return Confusion(right, given - right, true - right, matrix.sum() - true - given + right)


def _products(truth: Column, given: Column) -> Shares:
    """Sum over the classes of "times true" times "times given", after each of the decisions."""
    times_true = [0] * (int(max(truth.max(initial=0), given.max(initial=0))) + 1)
    times_given = times_true.copy()
    total, totals = 0, []
    for is_class, as_class in zip(truth.tolist(), given.tolist(), strict=True):
        total += times_given[is_class] + times_true[as_class] + (is_class == as_class)
        times_true[is_class] += 1
        times_given[as_class] += 1
        totals.append(total)
    return np.array(totals, dtype=np.float64)


def _ratio(part: ArrayLike, whole: ArrayLike) -> Shares:
    numerator, denominator = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    ratios: Shares = np.full(denominator.shape, np.nan)
    return np.divide(numerator, denominator, out=ratios, where=denominator != 0)
