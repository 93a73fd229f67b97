"""Probe the buckets near each query, and compare the candidates in them.

A code is in one bucket of every chunk and may be a candidate in several probes. Only the first reports it: which one
that is follows from the distances of its chunks and is computed only for matches, without a bitmap of candidates.
"""

from __future__ import annotations

from typing import Any, Final

from numba import njit

from phash_engine.index.kernels.buckets import chunk_value
from phash_engine.index.kernels.heap import offer
from phash_engine.index.kernels.match_keys import QUERY_SHIFT, ROW_BITS
from phash_engine.index.kernels.popcount import LANES, as_int, distance, lowest_bit, popcount, prefetch, rows_within

_ALWAYS_PROBED: Final = 16
"""Queries of a call to ``nearest`` that are always probed."""
_PROBE_SHARE: Final = 8
"""Probing costs up to this fraction of a scan are spent before probing is compared with a scan."""


@njit(nogil=True, cache=True, _nrt=False)
def within(
    buckets: Any,
    postings: Any,
    queries: Any,
    start: int,
    limit: int,
    radii: Any,
    masks: Any,
    begins: Any,
    places: Any,
    keys: Any,
) -> Any:
    """Find the codes within ``limit`` of the queries from ``start`` on, until ``keys`` is full.

    Parameters
    ----------
    buckets, postings
        ``Buckets`` and the ``Postings`` of their entries.
    queries
        Codes, ``words`` columns.
    start
        First query to search.
    limit
        Largest accepted distance.
    radii
        ``chunk_radii(limit, m)``.
    masks, begins
        ``flip_masks`` of the widest chunk and the largest of ``radii``.
    places
        int64 ``(2, masks)``: work space.
    keys
        int64, written: match keys of whole queries, unsorted.

    Returns
    -------
    tuple
        First query that is not searched; numbers of keys written, of buckets probed, of codes compared.
    """
    count, probes, candidates = 0, 0, 0
    for query in range(start, queries[0].size):
        whole = count
        for chunk in range(radii.size):
            found = _find_buckets(buckets, queries, query, chunk, masks, 0, begins[radii[chunk] + 1], places)
            probes += found
            for i in range(found):
                last = places[1, i]
                candidates += last - places[0, i]
                for lanes in range(places[0, i], last, LANES):
                    mask = _lanes_within(buckets, lanes, last, queries, query, limit)
                    while mask:
                        place = lanes + lowest_bit(mask)
                        mask &= mask - 1
                        if not _found_before(buckets, place, queries, query, chunk, radii):
                            count = _append(buckets, postings, place, queries, query, keys, count)
                            if count < 0:
                                return query, whole, probes, candidates
    return queries[0].size, count, probes, candidates


@njit(nogil=True, cache=True, _nrt=False)
def nearest(
    buckets: Any,
    postings: Any,
    queries: Any,
    limits: Any,
    costs: Any,
    budget: int,
    masks: Any,
    begins: Any,
    places: Any,
    heaps: Any,
    sizes: Any,
) -> Any:
    """Find the k nearest codes of each query; probe with more and more flipped bits while that costs less than a scan.

    Chunk by chunk with 0 flipped bits, then with 1, and so on: after chunk c of m at s bits, every code within
    ``m * s + c`` has been found. A query that finds few codes early on is left to a scan.

    Parameters
    ----------
    buckets, postings, queries
        As for ``within``.
    limits
        int64 ``(q,)``: largest accepted distance of each query; lowered to a known bound if a scan would cost less.
    costs
        int64 ``(steps,)``: cumulative cost of probing up to each step, as far as it can be cheaper. Farther codes are
        not reported.
    budget
        Cost of a scan; if that is less for nearly all queries, the rest are not probed.
    masks, begins
        ``flip_masks`` of the widest chunk and the largest radius that can be cheaper.
    places
        int64 ``(2, masks)``: work space.
    heaps
        int64 ``(q, k)``, written: the match keys of each query, with query number 0.
    sizes
        int64 ``(q,)``, written: number of matches of each query, -1 if a scan would cost less.

    Returns
    -------
    tuple
        Numbers of buckets probed and of codes compared.
    """
    chunks = buckets.widths.size
    probes, candidates, given_up = 0, 0, 0
    for query in range(sizes.size):
        if query >= _ALWAYS_PROBED and given_up * 8 > query * 7:
            sizes[query] = -1
            given_up += 1
            continue
        size, limit, done = 0, min(limits[query], costs.size - 1), False
        for step in range(costs.size):
            if costs[step] * _PROBE_SHARE > budget and size < heaps.shape[1] and limit < limits[query]:
                break
            flipped, chunk = step // chunks, step % chunks
            found = _find_buckets(buckets, queries, query, chunk, masks, begins[flipped], begins[flipped + 1], places)
            probes += found
            for i in range(found):
                candidates += places[1, i] - places[0, i]
                size, limit = _compare_bucket(
                    buckets, postings, places[0, i], places[1, i], queries, query, step, limit, heaps, size
                )
            if limit <= step:
                done = size == heaps.shape[1] or limit == limits[query]
                break
        sizes[query] = size if done else -1
        if not done:
            limits[query] = limit if size == heaps.shape[1] else limits[query]
            given_up += 1
    return probes, candidates


@njit(nogil=True, cache=True, _nrt=False, forceinline=True)
def _find_buckets(
    buckets: Any, queries: Any, query: int, chunk: int, masks: Any, begin: int, end: int, places: Any
) -> int:
    """Store the first and last place of each bucket near a chunk of a query, and prefetch its first cache lines.

    The codes are compared after all buckets are found: by then the memory has arrived.
    """
    width = buckets.widths[chunk]
    value = chunk_value(queries[buckets.words[chunk]], query, buckets.lows[chunk], width)
    zero, size = buckets.firsts[chunk], 1 << width
    found = 0
    for i in range(begin, end):
        if masks[i] < size:
            bucket = zero + (value ^ masks[i])
            first, last = as_int(buckets.offsets[bucket]), as_int(buckets.offsets[bucket + 1])
            places[0, found] = first
            places[1, found] = last
            found += first < last
            prefetch(buckets.columns, first)
            prefetch(buckets.columns, first + LANES)
    return found


@njit(nogil=True, cache=True, _nrt=False, forceinline=True)
def _lanes_within(buckets: Any, lanes: int, last: int, queries: Any, query: int, limit: int) -> int:
    """Return a mask of the next eight places, before ``last``, whose codes are within ``limit`` of a query."""
    mask = rows_within(buckets.columns, lanes, queries, query, limit)
    if lanes + LANES > last:
        mask &= (1 << (last - lanes)) - 1
    return mask


@njit(nogil=True, cache=True, _nrt=False, forceinline=True)
def _found_before(buckets: Any, place: int, queries: Any, query: int, chunk: int, radii: Any) -> bool:
    """Whether an earlier chunk finds the same code."""
    for earlier in range(chunk):
        if chunk_distance(buckets, place, queries, query, earlier) <= radii[earlier]:
            return True
    return False


@njit(nogil=True, cache=True, _nrt=False, forceinline=True)
def chunk_distance(buckets: Any, place: int, queries: Any, query: int, chunk: int) -> int:
    """Return the number of differing bits of one chunk of a code and of a query."""
    word, low, width = buckets.words[chunk], buckets.lows[chunk], buckets.widths[chunk]
    left = chunk_value(buckets.columns[word], place, low, width)
    return popcount(left ^ chunk_value(queries[word], query, low, width))


@njit(nogil=True, cache=True, _nrt=False, forceinline=True)
def _rows(postings: Any, entry: int) -> Any:
    """Return where the rows of an entry begin and end."""
    if postings.begins.size == 0:
        return as_int(entry), as_int(entry) + 1
    return as_int(postings.begins[entry]), as_int(postings.begins[entry + 1])


@njit(nogil=True, cache=True, _nrt=False, forceinline=True)
def _row(postings: Any, i: int) -> int:
    """Return the row at position ``i``, or -1 if it was removed."""
    row = as_int(postings.rows[i]) if postings.begins.size else i
    return -1 if postings.removed.size and postings.removed[row] else row


@njit(nogil=True, cache=True, _nrt=False, forceinline=True)
def _append(buckets: Any, postings: Any, place: int, queries: Any, query: int, keys: Any, count: int) -> int:
    """Append a match key for each row of an entry; return the number of keys, or -1 if there is no room."""
    first, last = _rows(postings, buckets.entries[place])
    if count + last - first > keys.size:
        return -1
    key = (query << QUERY_SHIFT) | (distance(buckets.columns, place, queries, query) << ROW_BITS)
    for i in range(first, last):
        row = _row(postings, i)
        if row >= 0:
            keys[count] = key | row
            count += 1
    return count


@njit(nogil=True, cache=True, _nrt=False, forceinline=True)
def _compare_bucket(
    buckets: Any,
    postings: Any,
    first: int,
    last: int,
    queries: Any,
    query: int,
    step: int,
    limit: int,
    heaps: Any,
    size: int,
) -> Any:
    """Offer the codes of a bucket to a heap; return its size and the largest distance that can still improve it."""
    for lanes in range(first, last, LANES):
        mask = _lanes_within(buckets, lanes, last, queries, query, limit)
        while mask:
            place = lanes + lowest_bit(mask)
            mask &= mask - 1
            found = distance(buckets.columns, place, queries, query)
            if found <= limit and not _found_before_step(buckets, place, queries, query, step):
                size = _offer(postings, buckets.entries[place], found << ROW_BITS, heaps[query], size)
                if size == heaps.shape[1]:
                    limit = min(limit, heaps[query, 0] >> ROW_BITS)
    return size, limit


@njit(nogil=True, cache=True, _nrt=False, forceinline=True)
def _found_before_step(buckets: Any, place: int, queries: Any, query: int, step: int) -> bool:
    """Whether an earlier step finds the code: it differs less in some chunk, or equally in an earlier chunk."""
    chunks = buckets.widths.size
    for other in range(chunks):
        if chunks * chunk_distance(buckets, place, queries, query, other) + other < step:
            return True
    return False


@njit(nogil=True, cache=True, _nrt=False)
def _offer(postings: Any, entry: int, key: int, heap: Any, size: int) -> int:
    """Offer the rows of an entry to a heap. They ascend: after the first that is too large, all are."""
    first, last = _rows(postings, entry)
    for i in range(first, last):
        row = _row(postings, i)
        if size == heap.size and (key | row) > heap[0]:
            break
        if row >= 0:
            size = offer(heap, size, key | row)
    return size
