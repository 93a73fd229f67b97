"""Join the buckets of two collections, and turn pairs of entries into pairs of rows, in blocks of bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

import numpy as np

from phash_engine._columns import Columns, Hits
from phash_engine._threads import in_threads
from phash_engine.index.kernels import join
from phash_engine.index.kernels.buckets import Buckets, build_one
from phash_engine.index.kernels.chunks import Chunks, chunk_radii, flips
from phash_engine.index.kernels.hits import distances_of, queries_of, rows_of
from phash_engine.index.kernels.postings import Postings, counts, rows_of_each

_SPAN: Final = 1 << 14
"""Rows that one task takes: enough that single buckets do not matter, and few enough to share out evenly."""
_ROOM: Final = 1 << 18
_BLOCK_PAIRS: Final = 1 << 22
"""Pairs in a block: 100 MB. There may be more by those of one row, which are never cut."""

Columns3 = tuple[Hits, Hits, Hits]


def bucket_pairs(buckets: Buckets, radius: int, threads: int) -> tuple[int, Iterator[Columns3]]:
    """Find all pairs of entries within a radius, each once.

    Parameters
    ----------
    buckets
        The entries.
    radius
        Bits, inclusive.
    threads
        Most threads to use.

    Returns
    -------
    tuple
        Number of tasks; for each task left entries, right entries and distances, int64.
    """
    size = buckets.entries.size // buckets.widths.size
    return _joined(lambda chunk: (buckets, chunk * size), size, buckets, radius, threads)


def bucket_matches(columns: Columns, buckets: Buckets, radius: int, threads: int) -> tuple[int, Iterator[Columns3]]:
    """Find the entries within a radius of each of other codes, which are put into buckets by one chunk at a time.

    Parameters are those of ``bucket_pairs``, and the other codes with their bits in the order of the buckets; so is the
    result, with the numbers of these codes on the left.
    """
    chunks = Chunks(buckets.words, buckets.lows, buckets.widths)
    return _joined(lambda chunk: (build_one(columns, chunks, chunk), 0), columns[0].size, buckets, radius, threads)


def _joined(
    left_of: Callable[[int], tuple[Buckets, int]], size: int, right: Buckets, radius: int, threads: int
) -> tuple[int, Iterator[Columns3]]:
    """Join the left buckets of each chunk, ``size`` rows from some row on, with the right."""
    radii = chunk_radii(radius, right.widths.size)
    plan = (radii, *flips(int(right.widths.max()), int(radii[0])))
    joined = np.flatnonzero(radii >= 0).tolist()

    def tasks() -> Iterator[tuple[Buckets, int, int, int]]:
        for chunk in joined:
            left, begin = left_of(chunk)
            for first in range(begin, begin + size, _SPAN):
                yield left, chunk, first, min(first + _SPAN, begin + size)

    def run(task: tuple[Buckets, int, int, int]) -> Columns3:
        left, chunk, start, stop = task
        buffer = tuple(np.empty(join.BUFFER_SIZE, dtype=np.uint64) for _ in left.columns)
        places = np.empty(join.BUFFER_SIZE, dtype=np.int64)
        found, room = [], _ROOM
        while start < stop:
            hits = np.empty(room, dtype=np.int64)
            reached, count = join.pairs(
                left, right, left is right, chunk, start, stop, radius, *plan, buffer, places, hits
            )
            found.append((left.entries[start + queries_of(hits[:count])], hits[:count]))
            room = room if reached > start else room * 8
            start = reached
        hits = np.concatenate([each for _, each in found])
        return np.concatenate([each for each, _ in found]).astype(np.int64), rows_of(hits), distances_of(hits)

    return len(joined) * len(range(0, size, _SPAN)), in_threads(run, tasks(), threads)


def row_pairs(pairs: Columns3, left: Postings, right: Postings) -> Iterator[Columns3]:
    """Name the rows of pairs of entries: every row of the one with every row of the other."""
    if not left.begins.size and not right.begins.size:
        yield pairs
        return
    left_entries, right_entries, distances = pairs
    left_counts, right_counts = counts(left, left_entries), counts(right, right_entries)
    for few in _pieces(left_counts * right_counts):
        of_left, left_rows = rows_of_each(left, left_entries[few], left_counts[few])
        entries, sizes, bits = (column[few][of_left] for column in (right_entries, right_counts, distances))
        for fewer in _pieces(sizes):
            of_right, right_rows = rows_of_each(right, entries[fewer], sizes[fewer])
            yield left_rows[fewer][of_right], right_rows, bits[fewer][of_right]


def _pieces(sizes: Hits) -> Iterator[slice]:
    """Cut where sizes sum up to a block, but never one of them."""
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if ends.size else 0
    cuts = np.unique(np.searchsorted(ends, np.arange(0, total, _BLOCK_PAIRS), side="right"))
    return (slice(first, last) for first, last in pairwise([*cuts.tolist(), sizes.size]))


def twins(postings: Postings) -> Columns3:
    """Pairs of each entry that has several rows with itself, at distance 0."""
    entries = np.flatnonzero(np.diff(postings.begins.astype(np.int64)) > 1)
    return entries, entries, np.zeros(entries.size, dtype=np.int64)
