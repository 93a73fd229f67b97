"""Join the buckets of two collections, and expand pairs of entries to pairs of rows, in blocks of bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

import numpy as np

from phash_engine._columns import Columns, IntColumn
from phash_engine._threads import in_threads
from phash_engine.index.kernels import join
from phash_engine.index.kernels.buckets import Buckets, build_chunk
from phash_engine.index.kernels.chunks import Chunks, chunk_radii, flip_masks
from phash_engine.index.kernels.match_keys import distances_of, queries_of, rows_of
from phash_engine.index.kernels.postings import Postings, counts, rows_of_each

_SPAN: Final = 1 << 14
"""Places of one task: many against the size of a bucket, few enough to spread evenly over threads."""
_ROOM: Final = 1 << 18
_BLOCK_PAIRS: Final = 1 << 22
"""Pairs in a block: 100 MB. The pairs of one row stay together, so a block may exceed it by those."""

PairColumns = tuple[IntColumn, IntColumn, IntColumn]


def bucket_pairs(buckets: Buckets, radius: int, threads: int) -> tuple[int, Iterator[PairColumns]]:
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
    return _join(lambda chunk: (buckets, chunk * size), size, buckets, radius, threads)


def bucket_matches(columns: Columns, buckets: Buckets, radius: int, threads: int) -> tuple[int, Iterator[PairColumns]]:
    """Find the entries within a radius of each query code. Queries are put into buckets by one chunk at a time.

    Parameters and result are those of ``bucket_pairs``, with the query codes ``columns``, their bits in the order
    of the buckets; query numbers are on the left.
    """
    chunks = Chunks(buckets.words, buckets.lows, buckets.widths)
    return _join(lambda chunk: (build_chunk(columns, chunks, chunk), 0), columns[0].size, buckets, radius, threads)


def _join(
    left_of: Callable[[int], tuple[Buckets, int]], size: int, right: Buckets, radius: int, threads: int
) -> tuple[int, Iterator[PairColumns]]:
    """Join the left buckets of each chunk, ``size`` places from a first place on, with the right buckets."""
    radii = chunk_radii(radius, right.widths.size)
    plan = (radii, *flip_masks(int(right.widths.max()), int(radii[0])))
    chunks = np.flatnonzero(radii >= 0).tolist()

    def tasks() -> Iterator[tuple[Buckets, int, int, int]]:
        for chunk in chunks:
            left, begin = left_of(chunk)
            for first in range(begin, begin + size, _SPAN):
                yield left, chunk, first, min(first + _SPAN, begin + size)

    def run(task: tuple[Buckets, int, int, int]) -> PairColumns:
        left, chunk, start, stop = task
        buffer = tuple(np.empty(join.BUFFER_SIZE, dtype=np.uint64) for _ in left.columns)
        places = np.empty(join.BUFFER_SIZE, dtype=np.int64)
        found, room = [], _ROOM
        while start < stop:
            keys = np.empty(room, dtype=np.int64)
            reached, count = join.pairs(
                left, right, left is right, chunk, start, stop, radius, *plan, buffer, places, keys
            )
            found.append((left.entries[start + queries_of(keys[:count])], keys[:count]))
            room = room if reached > start else room * 8
            start = reached
        keys = np.concatenate([each for _, each in found])
        return np.concatenate([each for each, _ in found]).astype(np.int64), rows_of(keys), distances_of(keys)

    return len(chunks) * len(range(0, size, _SPAN)), in_threads(run, tasks(), threads)


def row_pairs(pairs: PairColumns, left: Postings, right: Postings) -> Iterator[PairColumns]:
    """Expand pairs of entries to pairs of rows: every row of the left entry with every row of the right."""
    if not left.begins.size and not right.begins.size:
        yield pairs
        return
    left_entries, right_entries, distances = pairs
    left_counts, right_counts = counts(left, left_entries), counts(right, right_entries)
    for block in _cut_blocks(left_counts * right_counts):
        of_left, left_rows = rows_of_each(left, left_entries[block], left_counts[block])
        entries, sizes, bits = (column[block][of_left] for column in (right_entries, right_counts, distances))
        for part in _cut_blocks(sizes):
            of_right, right_rows = rows_of_each(right, entries[part], sizes[part])
            yield left_rows[part][of_right], right_rows, bits[part][of_right]


def _cut_blocks(sizes: IntColumn) -> Iterator[slice]:
    """Cut where sizes add up to a block, but never within one size."""
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if ends.size else 0
    cuts = np.unique(np.searchsorted(ends, np.arange(0, total, _BLOCK_PAIRS), side="right"))
    return (slice(first, last) for first, last in pairwise([*cuts.tolist(), sizes.size]))


def equal_pairs(postings: Postings) -> PairColumns:
    """Return each entry that has several rows, paired with itself at distance 0."""
    entries = np.flatnonzero(np.diff(postings.begins.astype(np.int64)) > 1)
    return entries, entries, np.zeros(entries.size, dtype=np.int64)
