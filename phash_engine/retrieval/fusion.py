"""One number out of several distances: the sum, and the means of the 2018 talk.

The sum is the default, and the best of them on every measure taken. The means are those with which a talk of 2018
searched the Google landmarks by perceptual codes: distances of zero are dropped, and where all are zero the mean is 0.
A single zero therefore says nothing, which suits codes that collide often.

==============  ==============================================  ==================================
sum             of all distances
arithmetic      mean of those above zero                        the talk accepted below 18
geometric       mean of those above zero                        the talk accepted below 12
harmonic        mean of those above zero                        the talk accepted below 17.5
square-roots    mean of the square roots of those above zero    the talk accepted up to 4.3
==============  ==============================================  ==================================

**Searches are complete.** Whatever the rule, raising a distance that is not zero never lowers the score. So among all
distances whose smallest is ``m`` none scores below ``(m, ..., m)``: for ``m = 0`` that is 0, the lowest score there is;
for ``m > 0`` none is zero and all can be lowered to ``m``. The largest ``m`` with ``rule(m, ..., m) <= limit`` is
therefore a radius that at least one single code of every match keeps: the limit over the number of codes for the sum,
the limit itself for the means, its square for the mean of square roots.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phash_engine.hashing import codes
from phash_engine.hashing.codes import BITS
from phash_engine.index import Index
from phash_engine.index.validation import as_ids

Whole = NDArray[np.int64]
Scores = NDArray[np.float64]

_DECIMALS: Final = 9
"""Scores are rounded, or one that equals the limit is lost to its last bit: (15, 21) has the harmonic mean 17.5."""
_MOST_PAIRS: Final = 1 << 22
"""Candidates looked at in one go."""


class Scored(NamedTuple):
    """Verified matches as columns, sorted by (query, score, id).

    Attributes
    ----------
    queries, ids
        int64 ``(m,)``.
    scores
        float64 ``(m,)``: the lower, the nearer.
    """

    queries: NDArray[np.int64]
    ids: NDArray[np.int64]
    scores: Scores


def fuse(distances: ArrayLike, rule: str = "sum") -> Scores:
    """Return one score for each row of distances.

    Parameters
    ----------
    distances
        Bits, whole numbers ``(..., c)``: one for each of ``c`` codes.
    rule
        One of :data:`RULES`.

    Returns
    -------
    numpy.ndarray
        float64 ``(...)``.

    Raises
    ------
    ValueError
        An unknown rule.

    Examples
    --------
    >>> [float(fuse([2, 8, 0], rule)) for rule in RULES]
    [10.0, 5.0, 4.0, 3.2, 2.121320344]
    """
    if rule not in RULES:
        raise ValueError(f"there is no rule {rule!r}; rules are {', '.join(RULES)}")
    return np.round(RULES[rule](np.asarray(distances, dtype=np.float64)), _DECIMALS)


def single_radius(limit: float, count: int, rule: str = "sum") -> int:
    """Return the radius that at least one single code keeps where the score of ``count`` codes is within the limit.

    Returns
    -------
    int
        Bits, inclusive, 0..64; -1 where no score is within the limit.
    """
    equal = np.repeat(np.arange(BITS + 1)[:, np.newaxis], count, axis=1)
    return int(np.searchsorted(fuse(equal, rule), limit, side="right")) - 1


class FusedIndex:
    """Exact search by one score of several codes, over one index of each code.

    Parameters
    ----------
    table
        uint64 ``(n, c)``, as many codes as wanted.
    ids
        Whole numbers ``(n,)``, each once; ``0..n-1`` when None.
    kind
        As for ``Index``.

    Raises
    ------
    TypeError, ValueError
        As for ``Index``.
    """

    def __init__(self, table: ArrayLike, ids: ArrayLike | None = None, kind: str = "auto") -> None:
        self._codes = _as_table(table)
        self._ids = as_ids(ids, len(self._codes))
        self._indexes: list[Index] = [Index(column, kind=kind) for column in self._codes.T]

    def range_search(self, queries: ArrayLike, limit: float, rule: str = "sum") -> Scored:
        """Find all whose score is within a limit of each query.

        Parameters
        ----------
        queries
            uint64 ``(q, c)``.
        limit
            Inclusive; "below 12" is ``math.nextafter(12, 0)``.
        rule
            One of :data:`RULES`.

        Returns
        -------
        Scored
            Sorted by (query, score, id).

        Raises
        ------
        TypeError, ValueError
            Queries that do not fit this index, or an unknown rule.

        Notes
        -----
        Costs the range queries of each code at :func:`single_radius`, and a look at all they find.
        """
        asked = _as_table(queries, len(self._indexes))
        radius = single_radius(limit, len(self._indexes), rule)
        parts = [_NOTHING]
        if radius >= 0:
            step = max(1, _MOST_PAIRS // max(1, len(self._codes)))
            for first in range(0, len(asked), step):
                for queried, rows, distances in self._candidates(asked[first : first + step], radius):
                    scores = fuse(distances, rule)
                    within = scores <= limit
                    parts.append(Scored(queried[within] + first, self._ids[rows[within]], scores[within]))
        found, ids, accepted = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.lexsort((ids, accepted, found))
        return Scored(found[order], ids[order], accepted[order])

    def _candidates(self, asked: NDArray[np.uint64], radius: int) -> Iterator[tuple[Whole, Whole, Whole]]:
        """Yield queries, rows and all distances of what each code finds and none before it has found."""
        for code, index in enumerate(self._indexes):
            matches = index.range_search(asked[:, code], radius)
            between = codes.distances(asked[matches.queries], self._codes[matches.ids])
            new = (between[:, :code] > radius).all(axis=1)
            yield matches.queries[new], matches.ids[new], between[new]


def _as_table(columns: ArrayLike, width: int | None = None) -> NDArray[np.uint64]:
    table: NDArray[Any] = np.asarray(columns)
    if table.ndim != 2 or table.shape[1] != (width or max(1, table.shape[1])):
        raise ValueError(f"codes must have shape (n, {width or 'codes'}), not {table.shape}")
    return table


def _mean_of_nonzero(
    forward: Callable[[Scores], Scores], back: Callable[[Scores], Scores]
) -> Callable[[Scores], Scores]:
    """Return the rule that averages a function of what is not zero, and undoes the function."""

    def rule(distances: Scores) -> Scores:
        present = distances > 0
        counts = np.maximum(present.sum(axis=-1), 1)
        values = np.where(present, forward(np.where(present, distances, 1)), 0).sum(axis=-1) / counts
        mean: Scores = np.where(present.any(axis=-1), back(values), 0)
        return mean

    return rule


def _same(values: Scores) -> Scores:
    return values


RULES: Mapping[str, Callable[[Scores], Scores]] = {
    "sum": lambda distances: distances.sum(axis=-1),
    "arithmetic": _mean_of_nonzero(_same, _same),
    "geometric": _mean_of_nonzero(np.log, np.exp),
    "harmonic": _mean_of_nonzero(np.reciprocal, lambda means: 1 / np.where(means > 0, means, 1)),
    "square-roots": _mean_of_nonzero(np.sqrt, _same),
}
"""What makes a score of distances, float64 ``(..., c)``, by name."""

_NOTHING = Scored(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))
