"""Look at every code: the plainest index, and the fastest one for few codes and for wide radii."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import product
from types import ModuleType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phash_engine.hamming import plain
from phash_engine.hamming.hits import MAX_QUERIES, Columns, Hits, merged, queries_of, rows_of, sorted_pairs
from phash_engine.hamming.threads import in_threads
from phash_engine.index.base import Index, Pairs, as_codes, as_ids, by_id

_COLD_WORK: Final = 1 << 30
"""Word comparisons from which loading numba and its kernels (0.8 s) beats going on with numpy (1 G/s)."""
_THREAD_WORK: Final = 1 << 24
"""Word comparisons that are worth a thread."""
_HEAP_ITEMS: Final = 1 << 22
"""Hits that a thread keeps while it looks for the nearest: 32 MB."""
_BLOCK_QUERIES: Final = 64
"""Queries that share a pass over the codes at least, where there are that many for each thread."""
_JOIN_ROWS: Final = 1024


class LinearIndex(Index):
    """Exact search that compares every query with every code.

    Parameters
    ----------
    codes
        uint64 ``(n,)`` or ``(n, words)``, 1 to 4 words. Not copied where they have one word or Fortran order and their
        ids ascend; memory-mapped codes are read where they lie.
    ids
        Whole numbers ``(n,)``, each once; ``0..n-1`` when None.
    threads
        Most threads to use; all available processors when None.

    Raises
    ------
    TypeError
        Codes that are not uint64, ids that are not whole numbers.
    ValueError
        Codes of another shape, ids of another number, or an id twice.

    Notes
    -----
    A query costs ``n * words`` comparisons of 64 bits whatever the radius, a self-join half of that for each code: 12
    to 19 G/s on each core with AVX-512 VPOPCNTDQ. Small jobs run in numpy at about 1 G/s and never import numba.
    """

    def __init__(self, codes: ArrayLike, ids: ArrayLike | None = None, *, threads: int | None = None) -> None:
        array = as_codes(codes)
        self._columns, rows_to_ids = by_id(array, as_ids(ids, len(array)))
        super().__init__(array.shape[1], rows_to_ids, threads)

    def _hits(self, queries: Columns, limits: NDArray[np.int64], k: int | None) -> Iterator[tuple[int, Hits]]:
        return look_at_all(self._columns, queries, limits, k, self._threads)

    def _pairs(self, radius: int) -> Pairs:
        n = len(self)
        work = n * n // 2 * self.words
        kernels = _kernels(work)

        def join(rows: range) -> Pairs:
            block = _part(self._columns, rows)
            limits = np.full(len(rows), radius, dtype=np.int64)
            hits = kernels.within(self._columns, rows.start, n, block, limits)
            left, right, distances = sorted_pairs(hits[rows_of(hits) > queries_of(hits) + rows.start])
            return Pairs(left + rows.start, right, distances)

        blocks = in_threads(join, _spans(n, _JOIN_ROWS), _useful(self._threads, work))
        return Pairs(*(np.concatenate(columns) for columns in zip(*blocks, strict=True)))


def look_at_all(
    columns: Columns, queries: Columns, limits: NDArray[np.int64], k: int | None, threads: int
) -> Iterator[tuple[int, Hits]]:
    """Compare every query with every code.

    Parameters
    ----------
    columns, queries
        Codes, ``words`` columns ``(n,)`` and ``(q,)``.
    limits
        int64 ``(q,)``: largest accepted distance of each query.
    k
        Most hits of each query; all when None.
    threads
        Most threads to use.

    Yields
    ------
    tuple
        First query of a block and the block's sorted hits.
    """
    n, count = columns[0].size, limits.size
    work = n * count * len(columns)
    kernels, threads = _kernels(work), _useful(threads, work)

    def look(task: tuple[range, range]) -> Hits:
        block, rows = task
        asked, accepted = _part(queries, block), limits[block.start : block.stop]
        if k is None:
            return merged([kernels.within(columns, rows.start, rows.stop, asked, accepted)], None)
        hits: Hits = kernels.nearest(columns, rows.start, rows.stop, asked, accepted, k)
        return hits

    parts = _spans(n, -(-n // threads) if count < threads * _BLOCK_QUERIES else n)
    most = min(MAX_QUERIES, max(1, _HEAP_ITEMS // min(k or 1, max(1, n))))
    blocks = _spans(count, min(most, max(_BLOCK_QUERIES, -(-count // (4 * threads)))))
    hits = in_threads(look, product(blocks, parts), threads)
    for i, block in enumerate(blocks):
        found = hits[i * len(parts) : (i + 1) * len(parts)]
        yield block.start, found[0] if len(parts) == 1 else merged(found, k)


def _kernels(work: int) -> ModuleType:
    """Return the faster of the two implementations for a number of word comparisons."""
    if work < _COLD_WORK and "phash_engine.hamming.scan" not in sys.modules:
        return plain
    from phash_engine.hamming import scan

    return scan


def _useful(threads: int, work: int) -> int:
    """Return how many threads have enough to do."""
    return min(threads, 1 + work // _THREAD_WORK)


def _part(columns: Columns, rows: range) -> Columns:
    """Return some rows of columns."""
    return tuple(column[rows.start : rows.stop] for column in columns)


def _spans(count: int, size: int) -> list[range]:
    """Cut ``0..count`` into ranges of at most ``size``; one empty range if there is nothing."""
    return [range(first, min(first + size, count)) for first in range(0, max(1, count), max(1, size))]
