"""Linear scan in compiled tiles of 4 queries x 64 codes, with the functions and results of ``scan_numpy``.

Rows are read in blocks that stay in the L1 cache while all queries pass over them. Each tile is first tested for any
match at all; nearly none has one, so the cost is that of the comparisons and does not depend on the limits. Matches are
read from bit masks into one buffer per call, which doubles when full.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from phash_engine._columns import Columns
from phash_engine.index.kernels.heap import offer
from phash_engine.index.kernels.match_keys import QUERY_SHIFT, ROW_BITS, MatchKeys
from phash_engine.index.kernels.popcount import (
    LANES,
    TILE_QUERIES,
    TILE_ROWS,
    VECTORS,
    as_int,
    distance,
    lowest_bit,
    queries_within,
    query_within,
    rows_within,
)

_BLOCK = 1024
"""Rows in a block: 8 KB per word."""
_NO_ENTRIES = np.empty(0, dtype=np.uint32)
_NO_ENTRIES.flags.writeable = False


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
        Match keys, unsorted. Cost: ``q * (stop - start) * words`` word comparisons, 12 to 19 G/s with AVX-512
        VPOPCNTDQ.
    """
    return np.asarray(_within(columns, start, stop, queries, limits))


def nearest(
    columns: Columns,
    start: int,
    stop: int,
    queries: Columns,
    limits: NDArray[np.int64],
    k: int,
    entries: NDArray[np.uint32] | None = None,
) -> MatchKeys:
    """Return the ``k`` nearest codes of each query among rows ``start`` to ``stop``, ties go to the first rows.

    Parameters and cost are those of ``within``; no match exceeds the limit of its query. Match keys are sorted. If
    ``entries`` of the rows are given, they replace the rows in the keys, and ties go to the lowest entries.
    """
    k = min(k, max(0, stop - start))
    entries = _NO_ENTRIES if entries is None else entries
    return np.sort(_nearest(columns, entries, start, stop, queries, limits.copy(), k))


@njit(nogil=True, cache=True)
def _within(columns: Any, start: int, stop: int, queries: Any, limits: Any) -> Any:
    keys = np.empty(2 * TILE_QUERIES * _BLOCK, np.int64)
    count = 0
    for first in range(start, stop, _BLOCK):
        last = min(first + _BLOCK, stop)
        for query in range(0, limits.size, TILE_QUERIES):
            if count + TILE_QUERIES * _BLOCK > keys.size:
                keys = _doubled(keys, count)
            for row in range(first, last, TILE_ROWS):
                near_queries = _near_queries(columns, row, last, queries, query, limits)
                while near_queries:
                    near = query + lowest_bit(near_queries)
                    mask = _near_rows(columns, row, last, queries, near, limits[near])
                    while mask:
                        found = row + lowest_bit(mask)
                        mask &= mask - 1
                        bits = distance(columns, found, queries, near)
                        keys[count] = (near << QUERY_SHIFT) | (bits << ROW_BITS) | found
                        count += 1
                    near_queries &= near_queries - 1
    return keys[:count]


@njit(nogil=True, cache=True)
def _nearest(columns: Any, entries: Any, start: int, stop: int, queries: Any, limits: Any, k: int) -> Any:
    heaps = np.empty((limits.size, k), np.int64)
    sizes = np.zeros(limits.size, np.int64)
    for first in range(start, stop, _BLOCK):
        last = min(first + _BLOCK, stop)
        for query in range(0, limits.size, TILE_QUERIES):
            for row in range(first, last, TILE_ROWS):
                near_queries = _near_queries(columns, row, last, queries, query, limits)
                while near_queries:
                    near = query + lowest_bit(near_queries)
                    mask = _near_rows(columns, row, last, queries, near, limits[near])
                    while mask:
                        found = row + lowest_bit(mask)
                        mask &= mask - 1
                        bits = distance(columns, found, queries, near)
                        if bits <= limits[near]:
                            entry = as_int(entries[found]) if entries.size else found
                            sizes[near] = offer(heaps[near], sizes[near], (bits << ROW_BITS) | entry)
                            if sizes[near] == k:
                                # Rows ascend: at equal distance, the row already in the heap comes first.
                                limits[near] = (heaps[near, 0] >> ROW_BITS) - (entries.size == 0)
                    near_queries &= near_queries - 1
    return _collected(heaps, sizes)


@njit(nogil=True, cache=True)
def _near_queries(columns: Any, row: int, last: int, queries: Any, query: int, limits: Any) -> int:
    """Return a mask of the queries of a tile, whole or not, that may have matches in it."""
    count = min(TILE_QUERIES, limits.size - query)
    if not VECTORS or row + TILE_ROWS > last:
        return (1 << count) - 1
    if count == TILE_QUERIES:
        return queries_within(columns, row, queries, query, limits)
    near_queries = 0
    for i in range(count):
        near_queries |= query_within(columns, row, queries, query + i, limits) << i
    return near_queries


@njit(nogil=True, cache=True)
def _near_rows(columns: Any, row: int, last: int, queries: Any, query: int, limit: int) -> int:
    """Return a mask of the rows of a tile, whole or not, within ``limit`` of one query."""
    rows = min(TILE_ROWS, last - row)
    whole = rows - rows % LANES if VECTORS else 0
    mask = 0
    for i in range(0, whole, LANES):
        mask |= rows_within(columns, row + i, queries, query, limit) << i
    for i in range(whole, rows):
        mask |= int(distance(columns, row + i, queries, query) <= limit) << i
    return mask


@njit(nogil=True, cache=True)
def _doubled(keys: Any, count: int) -> Any:
    """Copy the first ``count`` keys to an array of twice the size."""
    larger = np.empty(2 * keys.size, np.int64)
    larger[:count] = keys[:count]
    return larger


@njit(nogil=True, cache=True)
def _collected(heaps: Any, sizes: Any) -> Any:
    """Return the match keys in the heaps of all queries."""
    keys = np.empty(sizes.sum(), np.int64)
    count = 0
    for query in range(sizes.size):
        for i in range(sizes[query]):
            keys[count] = (query << QUERY_SHIFT) | heaps[query, i]
            count += 1
    return keys
