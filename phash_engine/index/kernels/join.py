"""Join buckets with buckets: find all close pairs of two collections, or of one with itself.

For every bucket on the left, the codes of all near buckets on the right are gathered into a buffer that stays in the L1
cache, and compared in tiles of 4 x 64. That is 3 to 5 times faster than a query for each code, which reads the same
buckets repeatedly. A pair is reported by the first chunk in which it is near.
"""

from __future__ import annotations

from typing import Any, Final

from numba import njit

from phash_engine.index.kernels.buckets import chunk_value
from phash_engine.index.kernels.match_keys import QUERY_SHIFT, ROW_BITS
from phash_engine.index.kernels.popcount import (
    LANES,
    TILE_QUERIES,
    TILE_ROWS,
    as_int,
    distance,
    lowest_bit,
    queries_within,
    query_within,
    rows_within,
)
from phash_engine.index.kernels.probe import chunk_distance

_BUFFER_ROWS: Final = 1024
"""Codes gathered before they are compared: 8 KB per word, and 8 KB for their places."""
BUFFER_SIZE: Final = _BUFFER_ROWS + LANES
"""Whole vectors are copied; the last may exceed the rows."""
_GROUP: Final = 64
"""Most left codes that share one buffer: the keys of all must fit at once."""


@njit(nogil=True, cache=True, _nrt=False)
def pairs(
    left: Any,
    right: Any,
    is_self: bool,
    chunk: int,
    start: int,
    stop: int,
    limit: int,
    radii: Any,
    masks: Any,
    begins: Any,
    buffer: Any,
    places: Any,
    keys: Any,
) -> Any:
    """Find the pairs whose left code is in places ``start`` to ``stop``, until ``keys`` is full.

    Parameters
    ----------
    left, right
        ``Buckets`` of the same chunks and bit order.
    is_self
        Left and right are the same; each pair is returned once.
    chunk
        The chunk whose buckets are compared; ``start`` and ``stop`` are places of it.
    limit
        Largest accepted distance.
    radii, masks, begins
        As for ``probe.within``.
    buffer, places
        Columns and int64 of ``BUFFER_SIZE``: work space.
    keys
        int64, written: match keys with left place minus ``start`` as query, distance, and right entry as row.

    Returns
    -------
    tuple
        First place that is not done, number of keys written.
    """
    count, first = 0, start
    low, width = left.lows[chunk], left.widths[chunk]
    while first < stop:
        value = chunk_value(left.columns[left.words[chunk]], first, low, width)
        end = as_int(left.offsets[left.firsts[chunk] + value + 1])
        last = min(min(end, stop), first + _GROUP)
        whole, filled = count, 0
        for i in range(begins[radii[chunk] + 1]):
            near = value ^ masks[i]
            if masks[i] >> width or (is_self and near < value):
                continue
            bucket = right.firsts[chunk] + near
            place, following = as_int(right.offsets[bucket]), as_int(right.offsets[bucket + 1])
            if is_self and near == value:
                place = first + 1
            while place < following:
                taken = min(following - place, _BUFFER_ROWS - filled)
                _gather(right, place, taken, buffer, places, filled)
                place += taken
                filled += taken
                if filled == _BUFFER_ROWS:
                    count = _compare(
                        left,
                        right,
                        is_self,
                        chunk,
                        start,
                        first,
                        last,
                        limit,
                        radii,
                        buffer,
                        places,
                        filled,
                        keys,
                        count,
                    )
                    filled = 0
                    if count < 0:
                        return first, whole
        count = _compare(
            left, right, is_self, chunk, start, first, last, limit, radii, buffer, places, filled, keys, count
        )
        if count < 0:
            return first, whole
        first = last
    return stop, count


@njit(nogil=True, cache=True, _nrt=False, forceinline=True)
def _gather(right: Any, place: int, taken: int, buffer: Any, places: Any, filled: int) -> None:
    """Copy codes, in whole vectors, to the end of the buffer."""
    for step in range(0, taken, LANES):
        for word in range(len(buffer)):
            for i in range(LANES):
                buffer[word][filled + step + i] = right.columns[word][place + step + i]
        for i in range(LANES):
            places[filled + step + i] = place + step + i


@njit(nogil=True, cache=True, _nrt=False)
def _compare(
    left: Any,
    right: Any,
    is_self: bool,
    chunk: int,
    start: int,
    first: int,
    last: int,
    limit: int,
    radii: Any,
    buffer: Any,
    places: Any,
    filled: int,
    keys: Any,
    count: int,
) -> int:
    """Compare a group of left codes with the buffer; return the number of keys, or -1 if they do not fit."""
    for query in range(first, last, TILE_QUERIES):
        queries = min(TILE_QUERIES, last - query)
        for row in range(0, filled, TILE_ROWS):
            near_queries = 0
            if queries == TILE_QUERIES:
                near_queries = queries_within(buffer, row, left.columns, query, limit)
            else:
                for i in range(queries):
                    near_queries |= query_within(buffer, row, left.columns, query + i, limit) << i
            while near_queries:
                near = query + lowest_bit(near_queries)
                near_queries &= near_queries - 1
                if count + TILE_ROWS > keys.size:
                    return -1
                mask = 0
                for lanes in range(0, TILE_ROWS, LANES):
                    mask |= rows_within(buffer, row + lanes, left.columns, near, limit) << lanes
                if row + TILE_ROWS > filled:
                    mask &= (1 << (filled - row)) - 1
                while mask:
                    found = row + lowest_bit(mask)
                    mask &= mask - 1
                    if is_self and places[found] <= near:
                        continue
                    if not _found_before(left, near, buffer, found, chunk, radii):
                        bits = distance(buffer, found, left.columns, near)
                        keys[count] = (
                            ((near - start) << QUERY_SHIFT) | (bits << ROW_BITS) | as_int(right.entries[places[found]])
                        )
                        count += 1
    return count


@njit(nogil=True, cache=True, _nrt=False, forceinline=True)
def _found_before(left: Any, place: int, buffer: Any, other: int, chunk: int, radii: Any) -> bool:
    """Whether an earlier chunk finds the same pair."""
    for earlier in range(chunk):
        if chunk_distance(left, place, buffer, other, earlier) <= radii[earlier]:
            return True
    return False
