"""Linear scan in numpy: no compilation and no import beyond numpy, for one-shot look-ups.

The functions and results are those of ``scan``. Work is done in tiles of queries x rows, so temporary memory stays
below a few megabytes for any number of codes; memory-mapped columns are read once per block of queries and not copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from phash_engine._columns import EMPTY, Columns
from phash_engine.index.kernels.match_keys import MatchKeys, distances_of, first_k, pack, queries_of, rows_of

Distances = NDArray[np.unsignedinteger[Any]]

_TILE: Final = 1 << 16
"""Code pairs compared at once: their 8-byte differences stay in the L2 cache."""
_FILTER_RADIUS: Final = 24
_FILTER_ROWS: Final = 1 << 16
"""Largest radius, and fewest rows, for which a filter is faster; two words of this many rows stay in the cache."""


def within(columns: Columns, start: int, stop: int, queries: Columns, limits: NDArray[np.int64]) -> MatchKeys:
    """Compare every query with the codes in rows ``start`` to ``stop``.

    Parameters
    ----------
    columns
        Codes, ``words`` columns ``(n,)``.
    start, stop
        Rows to compare.
    queries
        Codes, ``words`` columns ``(q,)``.
    limits
        int64 ``(q,)``: largest accepted distance of each query; -1 accepts nothing.

    Returns
    -------
    numpy.ndarray
        Match keys, unsorted. Cost: ``q * (stop - start) * words`` word comparisons, about 1 G/s; with the filter 2 G/s.
    """
    if len(columns) > 1 and stop - start >= _FILTER_ROWS and limits.max(initial=0) <= _FILTER_RADIUS:
        return _with_distances(_filtered(columns, start, stop, queries, limits), columns, queries, limits)
    found = [EMPTY]
    size = max(1, _TILE // max(1, stop - start))
    for query in range(0, limits.size, size):
        block = tuple(column[query : query + size] for column in queries)
        for row, distances in _tiles(columns, start, stop, block):
            found.append(_keys(distances, limits[query : query + size], query, row))
    return np.concatenate(found)


def nearest(columns: Columns, start: int, stop: int, queries: Columns, limits: NDArray[np.int64], k: int) -> MatchKeys:
    """Return the ``k`` nearest codes of each query among rows ``start`` to ``stop``, ties go to the first rows.

    Parameters and cost are those of ``within``; no match exceeds the limit of its query. Match keys are sorted.
    """
    found = [EMPTY]
    size = max(1, _TILE // max(1, stop - start))
    for query in range(0, limits.size, size):
        block = tuple(column[query : query + size] for column in queries)
        best, limit = EMPTY, limits[query : query + size].copy()
        for row, distances in _tiles(columns, start, stop, block):
            if row == start and distances.shape[1] > k:
                np.minimum(limit, np.partition(distances, k - 1)[:, k - 1], out=limit)
            best = np.sort(np.concatenate((best, _keys(distances, limit, query, row))))
            best = first_k(best, k)
            _tighten(limit, best, query, k)
        found.append(best)
    return np.concatenate(found)


def _tiles(columns: Columns, start: int, stop: int, queries: Columns) -> Iterator[tuple[int, Distances]]:
    """Yield ``(first row, distances (queries, rows))`` over all rows; the array is reused for the next tile."""
    count = queries[0].size
    width = max(1, _TILE // max(1, count))
    differences = np.empty((count, min(width, stop - start)), dtype=np.uint64)
    bits = np.empty(differences.shape, dtype=np.uint8)
    total: Distances = np.empty(differences.shape, dtype=np.uint8 if len(columns) < 4 else np.uint16)
    for row in range(start, stop, width):
        rows = slice(0, min(width, stop - row))
        distances = total[:, rows]
        distances.fill(0)
        for column, query in zip(columns, queries, strict=True):
            np.bitwise_xor(query[:, np.newaxis], column[row : row + rows.stop], out=differences[:, rows])
            np.bitwise_count(differences[:, rows], out=bits[:, rows])
            np.add(distances, bits[:, rows], out=distances)
        yield row, distances


def _keys(distances: Distances, limits: NDArray[np.int64], query: int, row: int) -> MatchKeys:
    """Return the match keys of one tile whose corner is ``(query, row)``."""
    bounds = (limits + 1).astype(distances.dtype)
    places = np.flatnonzero(distances < bounds[:, np.newaxis])
    queries, rows = np.divmod(places, distances.shape[1])
    return pack(queries + query, distances[queries, rows].astype(np.int64), rows + row)


def _filtered(columns: Columns, start: int, stop: int, queries: Columns, limits: NDArray[np.int64]) -> MatchKeys:
    """Return candidates that may be within the limits, with distances of 0.

    Codes differ in at least as many bits as there are bit positions where one of their first two words differs. That
    takes one popcount for both words, and for small limits excludes nearly all codes that do not match.
    """
    (one, other), found = columns[:2], [EMPTY]
    differences, more = np.empty((2, _FILTER_ROWS), dtype=np.uint64)
    bits = np.empty(_FILTER_ROWS, dtype=np.uint8)
    requests = list(zip(queries[0], queries[1], limits.tolist(), strict=True))
    for row in range(start, stop, _FILTER_ROWS):
        rows = slice(row, min(row + _FILTER_ROWS, stop))
        part = slice(0, rows.stop - row)
        for query, (word, another, limit) in enumerate(requests):
            np.bitwise_xor(one[rows], word, out=differences[part])
            np.bitwise_xor(other[rows], another, out=more[part])
            np.bitwise_or(differences[part], more[part], out=differences[part])
            np.bitwise_count(differences[part], out=bits[part])
            if bits[part].min() <= limit:  # rare, and faster to test than to locate
                near = np.flatnonzero(bits[part] <= limit)
                found.append(pack(np.full_like(near, query), np.zeros_like(near), near + row))
    return np.concatenate(found)


def _with_distances(keys: MatchKeys, columns: Columns, queries: Columns, limits: NDArray[np.int64]) -> MatchKeys:
    """Compute the distances of candidates, and drop those beyond their limits."""
    numbers, rows = queries_of(keys), rows_of(keys)
    distances = np.zeros(keys.size, dtype=np.int64)
    for column, query in zip(columns, queries, strict=True):
        distances += np.bitwise_count(column[rows] ^ query[numbers])
    near = distances <= limits[numbers]
    return pack(numbers[near], distances[near], rows[near])


def _tighten(limits: NDArray[np.int64], best: MatchKeys, query: int, k: int) -> None:
    """Lower the limit of each query that has ``k`` matches: a later row must be strictly nearer."""
    queries = queries_of(best) - query
    begins, ends = (np.searchsorted(queries, np.arange(limits.size), side) for side in ("left", "right"))
    full = ends - begins == k
    limits[full] = distances_of(best[ends[full] - 1]) - 1
