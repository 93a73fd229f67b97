"""Look at every code with numpy alone: no compilation and no import beyond numpy, for one-shot lookups.

The same functions as in ``scan``, bit for bit. Work goes in tiles of queries x rows, so temporary memory stays below
a few megabytes whatever the number of codes; memory-mapped columns are read once per block of queries and never copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from phash_engine.hamming.hits import (
    NO_HITS,
    Columns,
    Hits,
    distances_of,
    first_of_each,
    pack,
    queries_of,
    rows_of,
)

Distances = NDArray[np.unsignedinteger[Any]]

_TILE: Final = 1 << 18
"""Code pairs compared at once: few megabytes, and so much work that threads seldom wait for each other."""
_SIEVED: Final = 24
"""Radius up to which so few codes pass a sieve that looking at them again is nothing."""

Pair = tuple[NDArray[np.uint64], NDArray[np.uint64]]


def within(columns: Columns, start: int, stop: int, queries: Columns, limits: NDArray[np.int64]) -> Hits:
    """Compare every query with the codes in rows ``start`` to ``stop``.

    Parameters
    ----------
    columns
        Codes, ``words`` columns ``(n,)``.
    start, stop
        Rows to look at.
    queries
        Codes, ``words`` columns ``(q,)``.
    limits
        int64 ``(q,)``: largest accepted distance of each query; -1 accepts nothing.

    Returns
    -------
    numpy.ndarray
        Hits, unsorted. Cost: ``q * (stop - start) * words`` word comparisons, about 1 G/s.

    Notes
    -----
    Codes differ in at least as many bits as there are places in which one of two words differs. For small radii that
    is a sieve: it takes one counting instead of ``words``, and nearly all codes fail.
    """
    found = [NO_HITS]
    size = max(1, _TILE // max(1, stop - start))
    sieved = len(columns) > 1 and limits.max(initial=0) <= _SIEVED
    for query in range(0, limits.size, size):
        accepted = limits[query : query + size]
        pairs = _pairs(columns, queries, query, size)
        for row, distances in _tiles([pairs[:2]] if sieved else [[pair] for pair in pairs], start, stop):
            hits = _hits(distances, accepted, query, row)
            found.append(_verified(hits, columns, queries, limits) if sieved else hits)
    return np.concatenate(found)


def nearest(columns: Columns, start: int, stop: int, queries: Columns, limits: NDArray[np.int64], k: int) -> Hits:
    """Return the ``k`` nearest codes of each query among rows ``start`` to ``stop``, of equal distance the first rows.

    Parameters and cost are those of ``within``; no hit lies beyond its query's limit. Hits are sorted.
    """
    found = [NO_HITS]
    size = max(1, _TILE // max(1, stop - start))
    for query in range(0, limits.size, size):
        pairs = _pairs(columns, queries, query, size)
        best, limit = NO_HITS, limits[query : query + size].copy()
        for row, distances in _tiles([[pair] for pair in pairs], start, stop):
            if row == start and distances.shape[1] > k:
                np.minimum(limit, np.partition(distances, k - 1)[:, k - 1], out=limit)
            best = np.sort(np.concatenate((best, _hits(distances, limit, query, row))))
            best = first_of_each(best, k)
            _tighten(limit, best, query, k)
        found.append(best)
    return np.concatenate(found)


def _pairs(columns: Columns, queries: Columns, query: int, size: int) -> list[Pair]:
    """Each column of the codes with that of a block of queries."""
    return [(column, asked[query : query + size]) for column, asked in zip(columns, queries, strict=True)]


def _tiles(groups: Sequence[Sequence[Pair]], start: int, stop: int) -> Iterator[tuple[int, Distances]]:
    """Yield ``(first row, distances (queries, rows))`` over all rows; the array is used again for the next tile.

    Of a group of words the places are counted in which any of them differs.
    """
    count = groups[0][0][1].size
    width = max(1, _TILE // max(1, count))
    differences, others = np.empty((2, count, min(width, stop - start)), dtype=np.uint64)
    bits = np.empty(differences.shape, dtype=np.uint8)
    total: Distances = np.empty(differences.shape, dtype=np.uint8 if len(groups) < 4 else np.uint16)
    for row in range(start, stop, width):
        rows = slice(0, min(width, stop - row))
        distances = total[:, rows]
        distances.fill(0)
        for (column, asked), *further in groups:
            np.bitwise_xor(asked[:, np.newaxis], column[row : row + rows.stop], out=differences[:, rows])
            for other, asked_other in further:
                np.bitwise_xor(asked_other[:, np.newaxis], other[row : row + rows.stop], out=others[:, rows])
                np.bitwise_or(differences[:, rows], others[:, rows], out=differences[:, rows])
            np.bitwise_count(differences[:, rows], out=bits[:, rows])
            np.add(distances, bits[:, rows], out=distances)
        yield row, distances


def _hits(distances: Distances, limits: NDArray[np.int64], query: int, row: int) -> Hits:
    """Hits of one tile whose corner is ``(query, row)``."""
    bounds = (limits + 1).astype(distances.dtype)
    places = np.flatnonzero(distances < bounds[:, np.newaxis])
    queries, rows = np.divmod(places, distances.shape[1])
    return pack(queries + query, distances[queries, rows].astype(np.int64), rows + row)


def _verified(hits: Hits, columns: Columns, queries: Columns, limits: NDArray[np.int64]) -> Hits:
    """Give hits their true distances, and leave out those beyond their limits."""
    asked, rows = queries_of(hits), rows_of(hits)
    distances = np.zeros(hits.size, dtype=np.int64)
    for column, query in zip(columns, queries, strict=True):
        distances += np.bitwise_count(column[rows] ^ query[asked])
    near = distances <= limits[asked]
    return pack(asked[near], distances[near], rows[near])


def _tighten(limits: NDArray[np.int64], best: Hits, query: int, k: int) -> None:
    """Lower the limit of each query that has its ``k`` hits: a later row must be strictly nearer."""
    queries = queries_of(best) - query
    begins, ends = (np.searchsorted(queries, np.arange(limits.size), side) for side in ("left", "right"))
    full = ends - begins == k
    limits[full] = distances_of(best[ends[full] - 1]) - 1
