"""Exact search by one score of several codes (see ``fusion``), over one index of each code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phash_engine._columns import spans
from phash_engine.hashing import codes
from phash_engine.index import Index
from phash_engine.index.validation import as_ids, check_count
from phash_engine.retrieval.fusion import Scores, Whole, fuse, single_radius

_MOST_PAIRS: Final = 1 << 20
"""Candidates that are compared at once."""


class Scored(NamedTuple):
    """Verified matches as columns, sorted by (query, score, id).

    Attributes
    ----------
    queries, ids
        int64 ``(m,)``.
    scores
        float64 ``(m,)``: the lower, the nearer.
    """

    queries: Whole
    ids: Whole
    scores: Scores


class FusedIndex:
    """Exact search by one score of several codes, over one index of each code.

    Parameters
    ----------
    table
        uint64 ``(n, c)``: ``c`` codes of each picture.
    ids
        Whole numbers ``(n,)``, each once; ``0..n-1`` when None.
    kind, threads
        As for ``Index``.

    Raises
    ------
    TypeError, ValueError
        As for ``Index``.
    """

    def __init__(
        self, table: ArrayLike, ids: ArrayLike | None = None, kind: str = "auto", *, threads: int | None = None
    ) -> None:
        self._codes = _as_table(table)
        self._ids = as_ids(ids, len(self._codes))
        self._indexes: list[Index] = [Index(column, kind=kind, threads=threads) for column in self._codes.T]

    def range_search(self, queries: ArrayLike, limit: float | Scores, method: str = "sum") -> Scored:
        """Find all whose score is within a limit of each query.

        Parameters
        ----------
        queries
            uint64 ``(q, c)``.
        limit
            Inclusive, one for all queries or float64 ``(q,)``; "below 12" is ``math.nextafter(12, 0)``.
        method
            One of :data:`METHODS`.

        Returns
        -------
        Scored
            Sorted by (query, score, id).

        Raises
        ------
        TypeError, ValueError
            Queries that do not fit this index, or an unknown method.

        Notes
        -----
        Cost: the range queries of each code at :func:`single_radius`, and a comparison with all they find.
        """
        table = _as_table(queries, len(self._indexes))
        limits = np.broadcast_to(np.asarray(limit, dtype=np.float64), len(table))
        radii = single_radius(limits, len(self._indexes), method)
        possible = np.flatnonzero(radii >= 0)
        parts = [_NOTHING]
        for block in spans(len(possible), max(1, _MOST_PAIRS // max(1, len(self._codes)))):
            chosen = possible[block.start : block.stop]
            for found, rows, distances in self._candidates(table[chosen], radii[chosen]):
                scores = fuse(distances, method)
                within = scores <= limits[chosen[found]]
                parts.append(Scored(chosen[found[within]], self._ids[rows[within]], scores[within]))
        found, ids, accepted = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.lexsort((ids, accepted, found))
        return Scored(found[order], ids[order], accepted[order])

    def search(self, queries: ArrayLike, k: int, method: str = "sum") -> Scored:
        """Find the ``k`` with the lowest scores of each query, and all with the score of the ``k``-th.

        Parameters
        ----------
        queries
            uint64 ``(q, c)``.
        k
            At least 1; fewer are returned where there are fewer.
        method
            One of :data:`METHODS`.

        Returns
        -------
        Scored
            Sorted by (query, score, id).

        Raises
        ------
        TypeError, ValueError
            As for :meth:`range_search`, or ``k`` below 1.

        Notes
        -----
        The ``k`` nearest by each single code are scored, and the ``k``-th lowest of their scores limits a range query,
        which is complete (after Fagin, Lotem & Naor 2003, "Optimal Aggregation Algorithms for Middleware", section 4).
        """
        table = _as_table(queries, len(self._indexes))
        k = min(check_count(k, "k"), len(self._codes))
        parts = [_NOTHING]
        if k:
            for block in spans(len(table), max(1, _MOST_PAIRS // (k * len(self._indexes)))):
                part = table[block.start : block.stop]
                found = self.range_search(part, self._bounds(part, k, method), method)
                last = found.scores[np.searchsorted(found.queries, np.arange(len(part))) + k - 1]
                within = found.scores <= last[found.queries]
                parts.append(Scored(found.queries[within] + block.start, found.ids[within], found.scores[within]))
        return Scored(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def _bounds(self, table: NDArray[np.uint64], k: int, method: str) -> Scores:
        """Return an upper bound ``(q,)`` of the ``k``-th lowest score of each query."""
        found = [index.search(column, k) for index, column in zip(self._indexes, table.T, strict=True)]
        pairs = np.unique(np.concatenate([matches.queries * len(self._codes) + matches.ids for matches in found]))
        queries, rows = np.divmod(pairs, len(self._codes))
        scores = fuse(codes.distances(table[queries], self._codes[rows]), method)
        ordered = scores[np.lexsort((scores, queries))]
        bounds: Scores = ordered[np.searchsorted(queries, np.arange(len(table))) + k - 1]
        return bounds

    def _candidates(self, table: NDArray[np.uint64], radii: Whole) -> Iterator[tuple[Whole, Whole, Whole]]:
        """Yield queries, rows and all distances of the matches by each code that are no matches by one before it."""
        for code, index in enumerate(self._indexes):
            matches = index.range_search(table[:, code], radii)
            between = codes.distances(table[matches.queries], self._codes[matches.ids])
            new = (between[:, :code] > radii[matches.queries, np.newaxis]).all(axis=1)
            yield matches.queries[new], matches.ids[new], between[new]


def _as_table(columns: ArrayLike, width: int | None = None) -> NDArray[np.uint64]:
    table: NDArray[Any] = np.asarray(columns)
    if table.ndim != 2 or table.shape[1] != (width or max(1, table.shape[1])):
        raise ValueError(f"codes must have shape (n, {width or 'codes'}), not {table.shape}")
    return table


_NOTHING = Scored(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))
