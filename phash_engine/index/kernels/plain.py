"""Look at every code with numpy alone: no compilation and no import beyond numpy, for one-shot lookups.

The same functions as in ``scan``, bit for bit. Work goes in tiles of queries x rows, so temporary memory stays below
a few megabytes whatever the number of codes; memory-mapped columns are read once per block of queries and never copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from phash_engine._columns import NO_HITS, Columns, Hits
from phash_engine.index.kernels.hits import distances_of, first_of_each, pack, queries_of, rows_of

Distances = NDArray[np.unsignedinteger[Any]]

_TILE: Final = 1 << 16
"""Code pairs compared at once: their 8-byte differences stay in the L2 cache."""
_SIEVED_RADIUS: Final = 24
_SIEVED_ROWS: Final = 1 << 16
"""Radius up to which, and rows from which, a sieve pays; two words of this many rows stay in the cache."""


def within(columns: Columns, start: int, stop: int, queries: Columns, limits: NDArray[np.int64]) -> Hits:
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
        Hits, unsorted. Cost: ``q * (stop - start) * words`` word comparisons, about 1 G/s; with a sieve 2 G/s.
    """
    if len(columns) > 1 and stop - start >= _SIEVED_ROWS and limits.max(initial=0) <= _SIEVED_RADIUS:
        return _verified(_sieved(columns, start, stop, queries, limits), columns, queries, limits)
    found = [NO_HITS]
    size = max(1, _TILE // max(1, stop - start))
    for query in range(0, limits.size, size):
        block = tuple(column[query : query + size] for column in queries)
        for row, distances in _tiles(columns, start, stop, block):
            found.append(_hits(distances, limits[query : query + size], query, row))
    return np.concatenate(found)


def nearest(columns: Columns, start: int, stop: int, queries: Columns, limits: NDArray[np.int64], k: int) -> Hits:
    """Return the ``k`` nearest codes of each query among rows ``start`` to ``stop``, of equal distance the first rows.

    Parameters and cost are those of ``within``; no hit lies beyond its query's limit. Hits are sorted.
    """
    found = [NO_HITS]
    size = max(1, _TILE // max(1, stop - start))
    for query in range(0, limits.size, size):
        block = tuple(column[query : query + size] for column in queries)
        best, limit = NO_HITS, limits[query : query + size].copy()
        for row, distances in _tiles(columns, start, stop, block):
            if row == start and distances.shape[1] > k:
                np.minimum(limit, np.partition(distances, k - 1)[:, k - 1], out=limit)
            best = np.sort(np.concatenate((best, _hits(distances, limit, query, row))))
            best = first_of_each(best, k)
            _tighten(limit, best, query, k)
        found.append(best)
    return np.concatenate(found)


def _tiles(columns: Columns, start: int, stop: int, queries: Columns) -> Iterator[tuple[int, Distances]]:
    """Yield ``(first row, distances (queries, rows))`` over all rows; the array is used again for the next tile."""
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


def _hits(distances: Distances, limits: NDArray[np.int64], query: int, row: int) -> Hits:
    """Hits of one tile whose corner is ``(query, row)``."""
    bounds = (limits + 1).astype(distances.dtype)
    places = np.flatnonzero(distances < bounds[:, np.newaxis])
    queries, rows = np.divmod(places, distances.shape[1])
    return pack(queries + query, distances[queries, rows].astype(np.int64), rows + row)


def _sieved(columns: Columns, start: int, stop: int, queries: Columns, limits: NDArray[np.int64]) -> Hits:
    """Return what may be within the limits, with distances of 0.

    Codes differ in at least as many bits as there are places where one of their first two words differs. That takes one
    counting for both words, and for small limits leaves next to nothing of codes that are not alike.
    """
    (one, other), found = columns[:2], [NO_HITS]
    differences, more = np.empty((2, _SIEVED_ROWS), dtype=np.uint64)
    bits = np.empty(_SIEVED_ROWS, dtype=np.uint8)
    asked = list(zip(queries[0], queries[1], limits.tolist(), strict=True))
    for row in range(start, stop, _SIEVED_ROWS):
        rows = slice(row, min(row + _SIEVED_ROWS, stop))
        part = slice(0, rows.stop - row)
        for query, (word, another, limit) in enumerate(asked):
            np.bitwise_xor(one[rows], word, out=differences[part])
            np.bitwise_xor(other[rows], another, out=more[part])
            np.bitwise_or(differences[part], more[part], out=differences[part])
            np.bitwise_count(differences[part], out=bits[part])
            if bits[part].min() <= limit:  # nearly never, and faster to find than the place
                near = np.flatnonzero(bits[part] <= limit)
                found.append(pack(np.full_like(near, query), np.zeros_like(near), near + row))
    return np.concatenate(found)


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
