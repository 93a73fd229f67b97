"""How often decisions by radius are wrong, and how many false pairs a collection is to expect."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Shares = NDArray[np.float64]
Counts = NDArray[np.int64]


class Confusion(NamedTuple):
    """Right and wrong decisions, int64 of any one shape, and the measures made of them, float64 of that shape.

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


def confusion_by_radius(
    scores: NDArray[Any], relevant: NDArray[np.bool_], radii: ArrayLike, positives: int, negatives: int
) -> Confusion:
    """Count decisions "accept what is within the radius" for many radii. For one class, give the pairs of that class.

    Parameters
    ----------
    scores, relevant
        ``(m,)``: pairs as far as the largest radius, in any order; those farther away may be left out.
    radii
        ``(r,)``, inclusive.
    positives, negatives
        Number of all true and of all false pairs, those left out included.

    Returns
    -------
    Confusion
        Of shape ``(r,)``.
    """
    found, wrong = (_within(scores[chosen], radii) for chosen in (relevant, ~relevant))
    return Confusion(found, wrong, positives - found, negatives - wrong)


def confusion_by_class(truth: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[Any], Confusion]:
    """Count decisions "it is of this class" for each class.

    Parameters
    ----------
    truth, predicted
        Labels ``(m,)`` of one dtype.

    Returns
    -------
    tuple
        The classes, sorted, ``(c,)``, and the Confusion of that shape.
    """
    labels = np.stack([np.asarray(truth), np.asarray(predicted)])
    classes, numbers = np.unique(labels, return_inverse=True)
    true, given = numbers.reshape(labels.shape)
    actual, claimed, both = (np.bincount(found, minlength=classes.size) for found in (true, given, true[true == given]))
    return classes, Confusion(both, claimed - both, actual - both, true.size - actual - claimed + both)


class OperatingPoint(NamedTuple):
    """What the largest radius of a false-positive rate gives.

    Attributes
    ----------
    radius
        Inclusive; below all scores where even the nearest false pairs are too many.
    recall
        Share of the true pairs within it.
    false_pairs
        False pairs within it.
    """

    radius: float
    recall: float
    false_pairs: int


def operating_point(true: NDArray[Any], false: NDArray[Any], rate: float, negatives: int) -> OperatingPoint:
    """Return the largest radius whose false-positive rate does not exceed ``rate``, and the recall there.

    Parameters
    ----------
    true
        Scores of all true pairs, in any order, infinite for those that were not found.
    false
        Scores of the false pairs, in any order; only the ``rate * negatives`` nearest and one more are needed.
    rate
        False pairs accepted per false pair.
    negatives
        Number of all false pairs.

    Raises
    ------
    ValueError
        Too few false pairs are given to tell where the rate is exceeded.
    """
    allowed = int(rate * negatives + 1e-9)  # 1e-5 of 300,000 is three pairs, rounding or not
    if len(false) <= allowed < negatives:
        raise ValueError(
            f"to tell the radius of {allowed} false pairs takes the nearest {allowed + 1}, not {len(false)}"
        )
    if allowed >= negatives:
        return OperatingPoint(math.inf, 1.0, negatives)
    refused = np.partition(false, allowed)[allowed]
    radius = float(refused - 1 if np.issubdtype(false.dtype, np.integer) else np.nextafter(refused, -np.inf))
    return OperatingPoint(
        radius, float(np.mean(true < refused)) if true.size else math.nan, int(np.count_nonzero(false < refused))
    )


def expected_false_pairs(false_pairs: int, pairs: int, photos: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return how many false pairs a collection of so many photos is to expect, and the upper bound of that number.

    The bound is exact for independent pairs (Clopper & Pearson 1934, "The Use of Confidence or Fiducial Limits
    Illustrated in the Case of the Binomial"). Pairs that share a photo are not: few photos make most of the false ones.

    Parameters
    ----------
    false_pairs, pairs
        False pairs among so many that were measured.
    photos
        Size of the collection.
    confidence
        That the bound holds, between 0 and 1.

    Examples
    --------
    None of 299,573 pairs: at most 3 in as many, nearly (the "rule of three").

    >>> expected, bound = expected_false_pairs(0, 299_573, photos=775)
    >>> expected, round(bound, 2)
    (0.0, 3.0)
    """
    from scipy.special import betaincinv

    there = photos * (photos - 1) / 2
    bound = float(betaincinv(false_pairs + 1, pairs - false_pairs, confidence)) if false_pairs < pairs else 1.0
    return there * false_pairs / pairs, there * bound


def _within(scores: NDArray[Any], radii: ArrayLike) -> Counts:
    counts: Counts = np.searchsorted(np.sort(scores), np.asarray(radii), side="right")
    return counts


def _ratio(part: ArrayLike, whole: ArrayLike) -> Shares:
    numerator, denominator = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    ratios: Shares = np.full(denominator.shape, np.nan)
    return np.divide(numerator, denominator, out=ratios, where=denominator != 0)
