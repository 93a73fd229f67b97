"""How many of many pairs come by chance within a radius that few or none of those measured have reached.

Down to the start of its tail a distribution of distances is counted. Below, its logarithm goes on in a straight line:
the bits by which the pairs of the tail stay below its start are geometrically distributed, the whole-number form of the
generalised Pareto distribution of shape 0, to which tails of the normal kind tend (Pickands 1975, "Statistical
Inference Using Extreme Order Statistics").
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine.matching.policy import DECISION_BITS

Whole = NDArray[np.int64]

FEWEST: Final = 1000
"""Pairs, below which there is no tail to speak of."""
_SHARE, _LEAST, _MOST = 0.01, 20, 100
"""The tail is this share of the pairs, but no fewer and no more than these, and those equally near."""


class Tail(NamedTuple):
    """The near end of the distances, or scores, of pairs that do not show the same.

    Attributes
    ----------
    nearest
        Those of the tail, sorted, int64.
    pairs
        Number of all pairs that were measured.
    spread
        How much more the number of near pairs varies than it would if none shared a picture, 1 or more.
    """

    nearest: Whole
    pairs: int
    spread: float

    @property
    def start(self) -> int:
        """The largest distance of the tail."""
        return int(self.nearest[-1])

    def share(self, radius: int) -> float:
        """Return the expected share of pairs within a radius up to the start, 0..1."""
        if radius >= self.start:
            return len(self.nearest) / self.pairs
        below = int(self._below)
        return len(self.nearest) / self.pairs * (below / (below + len(self.nearest))) ** (self.start - radius)

    def bound(self, radius: int, confidence: float = 0.95) -> float:
        """Return what the share within a radius up to the start does not exceed, with a confidence between 0 and 1.

        The bounds on the number of the tail (Garwood 1936, "Fiducial Limits for the Poisson Distribution") and on its
        steepness (Clopper & Pearson 1934) hold together. Pairs that share pictures say less: both count as many pairs
        less as their number varies more (Kish 1965, "Survey Sampling", 8.2).
        """
        from scipy.special import betaincinv, gammaincinv

        count, below = len(self.nearest) / self.spread, self._below / self.spread
        doubt = (1 - confidence) / (1 if radius >= self.start else 2)
        least = self.spread * float(gammaincinv(count + 1, 1 - doubt)) / self.pairs
        if radius >= self.start:
            return min(least, 1.0)
        steepness = 1 - float(betaincinv(count, below + 1, doubt))
        counted = int(np.searchsorted(self.nearest, radius, side="right")) / self.pairs
        return float(max(counted, min(least, 1.0) * steepness ** (self.start - radius)))

    def radius(self, share: float, confidence: float = 0.95) -> int:
        """Return the largest radius, up to the start, whose bound does not exceed a share.

        At most so far below the start as two of 192 bits can differ.
        """
        radii = range(self.start, self.start - DECISION_BITS, -1)
        return next((radius for radius in radii if self.bound(radius, confidence) <= share), self.start - DECISION_BITS)

    @property
    def _below(self) -> float:
        return float((self.start - self.nearest).sum())


def tail_of(values: Whole, left: Whole, right: Whole, pairs: int) -> Tail:
    """Return the tail of pairs that do not show the same.

    Parameters
    ----------
    values
        Distances or scores of the nearest pairs, whole numbers ``(m,)``; what lies beyond the tail does not matter.
    left, right
        Numbers of the pictures of each pair, ``(m,)``.
    pairs
        Number of all pairs.

    Raises
    ------
    ValueError
        Fewer than :data:`FEWEST` pairs, or fewer values than the tail has.
    """
    if pairs < FEWEST:
        raise ValueError(f"a tail takes {FEWEST} pairs at least, not {pairs}")
    wanted = int(np.clip(_SHARE * pairs, _LEAST, _MOST))
    if len(values) < wanted:
        raise ValueError(f"a tail takes the nearest {wanted} pairs, not {len(values)}")
    start = np.partition(values, wanted - 1)[wanted - 1]
    chosen = values <= start
    return Tail(np.sort(values[chosen]).astype(np.int64), pairs, _spread(left[chosen], right[chosen]))


def _spread(left: Whole, right: Whole) -> float:
    """Return the variance of the number of pairs over that of independent ones: pairs that share a picture go together.

    Of ``m`` pairs it is ``m`` and two for each two pairs that meet in a picture.
    """
    _, counts = np.unique(np.concatenate([left, right]), return_counts=True)
    return max(1.0, float((counts.astype(np.int64) ** 2).sum() - len(left)) / len(left))
