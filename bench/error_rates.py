"""The radius of a false-positive rate with the recall there, and how many false pairs a collection is to expect."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


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


def operating_point(true: NDArray[Any], false: NDArray[Any], rate: float, impostors: int) -> OperatingPoint:
    """Return the largest radius whose false-positive rate does not exceed ``rate``, and the recall there.

    Parameters
    ----------
    true
        Scores of all true pairs, in any order, infinite for those that were not found.
    false
        Scores of the false pairs, in any order; only the ``rate * impostors`` nearest and one more are needed.
    rate
        False pairs accepted per false pair.
    impostors
        Number of all false pairs, which are those of impostors.

    Raises
    ------
    ValueError
        Too few false pairs to determine where the rate is exceeded.
    """
    allowed = int(rate * impostors + 1e-9)  # 1e-5 of 300,000 is three pairs, rounding or not
    if len(false) <= allowed < impostors:
        raise ValueError(
            f"the radius of {allowed} false pairs needs the nearest {allowed + 1} of them, not {len(false)}"
        )
    if allowed >= impostors:
        return OperatingPoint(math.inf, 1.0, impostors)
    refused = np.partition(false, allowed)[allowed]
    radius = float(refused - 1 if np.issubdtype(false.dtype, np.integer) else np.nextafter(refused, -np.inf))
    return OperatingPoint(
        radius, float(np.mean(true < refused)) if true.size else math.nan, int(np.count_nonzero(false < refused))
    )


def expected_false_pairs(false_pairs: int, pairs: int, photos: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the expected number of false pairs in a collection, and its upper bound.

    The bound is exact for independent pairs (Clopper & Pearson 1934, "The Use of Confidence or Fiducial Limits
    Illustrated in the Case of the Binomial"). Pairs that share a photo are not: few photos make most of the false ones.

    Parameters
    ----------
    false_pairs, pairs
        Number of false pairs, and of all pairs that were measured.
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
