"""Buckets: for each chunk, the codes sorted by their chunk values, with an offset table from value to bucket.

The buckets hold the codes themselves, once for each chunk, so that a probe reads consecutive memory. With row numbers
only, each candidate would be fetched from elsewhere (2 to 12 times slower). Built by counting sort.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from phash_engine._columns import Columns, read_only
from phash_engine._threads import in_threads
from phash_engine.index.kernels.chunks import Chunks
from phash_engine.index.kernels.popcount import LANES, as_int


class Buckets(NamedTuple):
    """Codes by their chunk values. A **place** is an index into ``columns`` and ``entries``.

    Attributes
    ----------
    columns
        Codes, ``words`` columns ``(m * n + 8,)``: all codes ordered by their first chunk, then all by their second, and
        so on; the last eight places are padding for vector loads.
    entries
        uint32 ``(m * n,)``: entry number of the code in each place.
    offsets
        uint32: place where each bucket begins. The bucket of value v of chunk c ends where the next begins.
    firsts
        int64 ``(m,)``: index in ``offsets`` of the bucket of value 0 of each chunk.
    words, lows, widths
        The chunks.
    """

    columns: Columns
    entries: NDArray[np.uint32]
    offsets: NDArray[np.uint32]
    firsts: NDArray[np.int64]
    words: NDArray[np.int64]
    lows: NDArray[np.int64]
    widths: NDArray[np.int64]


def build(columns: Columns, chunks: Chunks, threads: int) -> Buckets:
    """Sort codes into buckets.

    Parameters
    ----------
    columns
        Codes, ``words`` columns ``(n,)``, ``m * n`` below 2**32.
    chunks
        The m chunks of a code.
    threads
        Most threads to use; each thread sorts by one chunk at a time.

    Returns
    -------
    Buckets
        ``m * (8 * words + 4)`` bytes a code and ``4 * 2**width`` a chunk.
    """
    n, m = columns[0].size, chunks.widths.size
    sizes = (1 << chunks.widths) + 1
    firsts = np.cumsum(sizes) - sizes
    buckets = _empty(len(columns), m * n, int(sizes.sum()), firsts, chunks)
    list(in_threads(lambda chunk: _sort_by_chunk(columns, buckets, chunk, chunk * n), range(m), threads))
    return frozen(buckets)


def build_chunk(columns: Columns, chunks: Chunks, chunk: int) -> Buckets:
    """Sort codes into the buckets of one chunk only: 1/m of the memory; places and offsets begin at 0."""
    offsets = (1 << int(chunks.widths[chunk])) + 1
    buckets = _empty(len(columns), columns[0].size, offsets, np.zeros_like(chunks.widths), chunks)
    _sort_by_chunk(columns, buckets, chunk, 0)
    return frozen(buckets)


def _empty(words: int, places: int, offsets: int, firsts: NDArray[np.int64], chunks: Chunks) -> Buckets:
    columns = tuple(np.empty(places + LANES, dtype=np.uint64) for _ in range(words))
    for column in columns:
        column[places:] = 0
    return Buckets(columns, np.empty(places, dtype=np.uint32), np.zeros(offsets, dtype=np.uint32), firsts, *chunks)


def frozen(buckets: Buckets) -> Buckets:
    """Return the same buckets with every array read-only, the only type that kernels are compiled for."""
    arrays: Any = read_only(buckets[1:])
    return Buckets(read_only(buckets.columns), *arrays)


@njit(nogil=True, cache=True, _nrt=False)
def chunk_value(column: Any, place: int, low: int, width: int) -> int:
    """Return the bits of one chunk of the word in ``column[place]``."""
    return (as_int(column[place]) >> low) & ((1 << width) - 1)


@njit(nogil=True, cache=True)
def _sort_by_chunk(columns: Any, buckets: Any, chunk: int, first: int) -> None:
    """Sort by counting: count the values, then put each code into the next free place of its bucket."""
    n = columns[0].size
    low, width = buckets.lows[chunk], buckets.widths[chunk]
    keys = columns[buckets.words[chunk]]
    offsets = buckets.offsets[buckets.firsts[chunk] : buckets.firsts[chunk] + (1 << width) + 1]
    for row in range(n):
        offsets[chunk_value(keys, row, low, width) + 1] += 1
    offsets[0] = first
    for value in range(1 << width):
        offsets[value + 1] += offsets[value]
    free = offsets.copy()
    for row in range(n):
        value = chunk_value(keys, row, low, width)
        place = free[value]
        free[value] += 1
        buckets.entries[place] = row
        for word in range(len(columns)):
            buckets.columns[word][place] = columns[word][row]


def merge(old: Buckets, new: Buckets, threads: int) -> Buckets:
    """Merge two sets of buckets of the same chunks into one; new entries are numbered after the old.

    Cost: one pass over both, in order.
    """
    size = old.entries.size + new.entries.size
    columns = tuple(np.empty(size + LANES, dtype=np.uint64) for _ in old.columns)
    for column in columns:
        column[size:] = 0
    merge_keys = Buckets(columns, np.empty(size, np.uint32), np.empty_like(old.offsets), *old[3:])
    list(in_threads(partial(_merge_chunk, old, new, merge_keys), range(old.widths.size), threads))
    return frozen(merge_keys)


@njit(nogil=True, cache=True, _nrt=False)
def _merge_chunk(old: Any, new: Any, merge_keys: Any, chunk: int) -> None:
    """Copy each bucket of a chunk, first the old codes, then the new."""
    codes = old.entries.size // old.widths.size
    at = old.firsts[chunk]
    place = chunk * (merge_keys.entries.size // old.widths.size)
    for value in range(1 << old.widths[chunk]):
        merge_keys.offsets[at + value] = place
        place = _copy_bucket(old, at + value, 0, merge_keys, place)
        place = _copy_bucket(new, at + value, codes, merge_keys, place)
    merge_keys.offsets[at + (1 << old.widths[chunk])] = place


@njit(nogil=True, cache=True, _nrt=False, forceinline=True)
def _copy_bucket(source: Any, bucket: int, entries_before: int, merge_keys: Any, place: int) -> int:
    """Copy one bucket; return the place after it."""
    first, last = as_int(source.offsets[bucket]), as_int(source.offsets[bucket + 1])
    for i in range(first, last):
        merge_keys.entries[place + i - first] = as_int(source.entries[i]) + entries_before
        for word in range(len(source.columns)):
            merge_keys.columns[word][place + i - first] = source.columns[word][i]
    return place + last - first
