"""Several distances → one score: the sum, and the means of a talk of 2018.

The sum is the default, and the best of them on every measure taken. The means are those with which a talk of 2018
searched the Google landmarks by perceptual codes: distances of zero are dropped, and where all are zero the mean is 0.
A single zero does not make the score 0, which suits codes that collide often.

==============  ==============================================  ==================================
sum             of all distances
arithmetic      mean of those above zero                        the talk accepted below 18
geometric       mean of those above zero                        the talk accepted below 12
harmonic        mean of those above zero                        the talk accepted below 17.5
square-roots    mean of the square roots of those above zero    the talk accepted up to 4.3
==============  ==============================================  ==================================

**The radius of a single code.** By every method, raising a distance that is not zero never lowers the score. So among
all distances whose smallest is ``m`` none scores below ``(m, ..., m)``: for ``m = 0`` that is 0, the lowest possible
score; for ``m > 0`` none is zero and all can be lowered to ``m``. The largest ``m`` with ``score(m, ..., m) <= limit``
is therefore a radius within which every match is by at least one single code: the limit over the number of codes for
the sum, the limit itself for the means, its square for the mean of square roots.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phash_engine.hashing.codes import BITS

Whole = NDArray[np.int64]
Scores = NDArray[np.float64]

_DECIMALS: Final = 9
"""Scores are rounded, or a score equal to the limit is lost to its last bit: (15, 21) has the harmonic mean 17.5."""


def fuse(distances: ArrayLike, method: str = "sum") -> Scores:
    """Return one score for each row of distances.

    Parameters
    ----------
    distances
        Bits, whole numbers ``(..., c)``: one for each of ``c`` codes.
    method
        One of :data:`METHODS`.

    Returns
    -------
    numpy.ndarray
        float64 ``(...)``.

    Raises
    ------
    ValueError
        An unknown method.

    Examples
    --------
    >>> [float(fuse([2, 8, 0], method)) for method in METHODS]
    [10.0, 5.0, 4.0, 3.2, 2.121320344]
    """
    if method not in METHODS:
        raise ValueError(f"unknown fusion method {method!r}; methods are {', '.join(METHODS)}")
    return np.round(METHODS[method](np.asarray(distances, dtype=np.float64)), _DECIMALS)


def single_radius(limit: float | Scores, count: int, method: str = "sum") -> Whole:
    """Return the radius within which every match by a score of ``count`` codes is by at least one single code.

    Parameters
    ----------
    limit
        Largest accepted score, or float64 ``(q,)``.
    count
        Number of codes.
    method
        One of :data:`METHODS`.

    Returns
    -------
    numpy.ndarray
        int64 of the shape of ``limit``: bits, inclusive, 0..64; -1 where no score is within the limit.
    """
    equal = np.repeat(np.arange(BITS + 1)[:, np.newaxis], count, axis=1)
    return np.asarray(np.searchsorted(fuse(equal, method), limit, side="right") - 1, dtype=np.int64)


def _mean_of_nonzero(
    forward: Callable[[Scores], Scores], back: Callable[[Scores], Scores]
) -> Callable[[Scores], Scores]:
    """Return the method that averages a function of the nonzero distances, and inverts the function."""

    def method(distances: Scores) -> Scores:
        present = distances > 0
        counts = np.maximum(present.sum(axis=-1), 1)
        values = np.where(present, forward(np.where(present, distances, 1)), 0).sum(axis=-1) / counts
        mean: Scores = np.where(present.any(axis=-1), back(values), 0)
        return mean

    return method


def _same(values: Scores) -> Scores:
    return values


METHODS: Mapping[str, Callable[[Scores], Scores]] = {
    "sum": lambda distances: distances.sum(axis=-1),
    "arithmetic": _mean_of_nonzero(_same, _same),
    "geometric": _mean_of_nonzero(np.log, np.exp),
    "harmonic": _mean_of_nonzero(np.reciprocal, lambda means: 1 / np.where(means > 0, means, 1)),
    "square-roots": _mean_of_nonzero(np.sqrt, _same),
}
"""Functions of distances, float64 ``(..., c)``, to scores, by name."""
