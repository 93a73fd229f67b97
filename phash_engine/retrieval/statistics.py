"""Statistics of a collection: histograms of distances to the nearest other, and correlations of the bits of codes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Shares = NDArray[np.float64]

_BITS: Final = (0, *range(1, 98, 8), 193)
_COSINES: Final = (-1.0, 0.0, *(tenth / 10 for tenth in range(1, 10)), 0.95, 0.99, 1.0)
_PERCENTS: Final = (1, 5, 10)


class Histogram(NamedTuple):
    """How a quantity of the nearest others is distributed.

    Attributes
    ----------
    quantity
        Its name and unit.
    bins, percent
        Names of the bins, and the percentage of the values in each; NaN without values.
    mean_of_nearest
        Mean of the nearest 1, 5 and 10 %, by "1 %" and so on.
    """

    quantity: str
    bins: list[str]
    percent: list[float]
    mean_of_nearest: Mapping[str, float]


def histogram_of_distances(distances: ArrayLike) -> Histogram:
    """Return the histogram of distances in bits of 192, whole numbers ``(n,)``."""
    bins = [f"{low}–{high - 1}" if high > low + 1 else str(low) for low, high in pairwise(_BITS)]
    means = {f"{percent} %": mean_of_lowest(distances, percent) for percent in _PERCENTS}
    return Histogram("bits to the nearest other", bins, percentages(distances, _BITS).tolist(), means)


def histogram_of_cosines(cosines: ArrayLike) -> Histogram:
    """Return the histogram of cosines ``(n,)``, -1..1."""
    values = np.asarray(cosines, dtype=np.float64)
    bins = [f"{low:g} to {high:g}" for low, high in pairwise(_COSINES)]
    means = {f"{percent} %": 1 - mean_of_lowest(1 - values, percent) for percent in _PERCENTS}
    within = np.clip(values, -1, 1)  # rounding may carry them beyond
    return Histogram("cosine with the nearest other", bins, percentages(within, _COSINES).tolist(), means)


def percentages(values: ArrayLike, edges: ArrayLike) -> Shares:
    """Return the percentage of the values in each bin ``edges[i] <= value < edges[i + 1]``.

    Parameters
    ----------
    values
        ``(n,)``: distances or cosines.
    edges
        ``(b + 1,)``, ascending; the last one belongs to its bin.

    Returns
    -------
    numpy.ndarray
        float64 ``(b,)``; NaN without values.

    Examples
    --------
    >>> percentages([0, 3, 24, 60], [0, 1, 25, 192])
    array([25., 50., 25.])
    """
    counts, _ = np.histogram(np.asarray(values), np.asarray(edges))
    total = np.size(values)
    return 100 * counts / total if total else np.full(counts.shape, np.nan)


def mean_of_lowest(values: ArrayLike, percent: float) -> float:
    """Return the mean of the lowest ``percent`` of the values, at least of one; NaN without any.

    Examples
    --------
    >>> mean_of_lowest([9, 1, 3, 7], 50)
    2.0
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    taken = ordered[: max(1, round(len(ordered) * percent / 100))]
    return float(taken.mean()) if len(taken) else float("nan")


class BitUse(NamedTuple):
    """How much the bits of codes repeat one another.

    Attributes
    ----------
    bits
        Of a code.
    constant
        Number of bits that are the same in all codes.
    correlation
        Mean absolute correlation of two different other bits; NaN where there are none.
    effective
        Number of independent bits with the same variance: the distances between codes of unrelated photos spread like
        those of codes of this many independent bits. Copies lower it, and so does a small collection.
    """

    bits: int
    constant: int
    correlation: float
    effective: float


def bit_use(codes: NDArray[np.uint64]) -> BitUse:
    """Measure the correlations between the bits of codes ``(n, words)``.

    The effective number is ``m**2 / sum of r**2`` over all ``m * m`` correlations (Bretherton et al. 1999, "The
    Effective Number of Spatial Degrees of Freedom of a Time-Varying Field", equation 5).

    Examples
    --------
    Three bits vary, two of them always together:

    >>> bit_use(np.array([[0b000], [0b011], [0b100], [0b111]], dtype=np.uint64))[1:]
    (61, 0.3333333333333333, 1.8)
    """
    octets = codes.astype(">u8", order="C").view(np.uint8)
    bits = np.unpackbits(octets, axis=1)
    means = bits.mean(axis=0) if len(bits) else np.zeros(bits.shape[1])
    varies = (means > 0) & (means < 1)
    count = int(varies.sum())
    standard = (bits[:, varies] - means[varies]) / np.sqrt(means[varies] * (1 - means[varies]))
    correlations = standard.T @ standard / max(len(bits), 1)
    apart = np.abs(correlations[~np.eye(count, dtype=np.bool_)])
    squares = float((correlations**2).sum())
    return BitUse(
        bits.shape[1],
        bits.shape[1] - count,
        float(apart.mean()) if apart.size else float("nan"),
        count**2 / squares if squares else 0.0,
    )
