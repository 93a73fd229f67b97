"""Linear scan: the simplest index, and the fastest for few codes and for large radii."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import islice, product
from types import ModuleType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from phash_engine._columns import Columns, GrowingColumn, IntColumn, slice_columns, spans
from phash_engine._threads import in_threads
from phash_engine.index.kernels import scan_numpy
from phash_engine.index.kernels.match_keys import MAX_QUERIES, MatchKeys, distances_of, merge_keys, queries_of, rows_of
from phash_engine.index.rows import Rows

_COLD_WORK: Final = 1 << 30
"""Word comparisons from which loading numba and its kernels (0.8 s) beats going on with numpy (1 G/s)."""
_WARM_WORK: Final = 1 << 24
"""The same where numba is loaded: the kernels come from its cache in 10 ms."""
_THREAD_WORK: Final = 1 << 24
"""Word comparisons that justify a thread."""
_HEAP_ITEMS: Final = 1 << 22
"""Match keys that a thread keeps during a k-nearest search: 32 MB."""
_BLOCK_QUERIES: Final = 64
"""Smallest number of queries that share a pass over the codes, if there are enough for all threads."""
_JOIN_ROWS: Final = 1024
_JOIN_MATCHES: Final = 1 << 26
"""Upper bound of the matches of a block of rows in a self-join, reached if every pair matches: 512 MB."""


class LinearRows(Rows):
    """Exact search that compares every query with every code.

    Notes
    -----
    A query costs ``n * words`` comparisons of 64 bits at any radius, a self-join half of that for each code: 12
    to 19 G/s on each core with AVX-512 VPOPCNTDQ. Small jobs run in numpy at about 1 G/s and never import numba.
    """

    kind = "linear"

    def build(self, columns: Columns) -> None:
        self._columns = [GrowingColumn(column) for column in columns]

    def append(self, columns: Columns) -> None:
        for held, column in zip(self._columns, columns, strict=True):
            held.append(column)

    def remove(self, rows: NDArray[np.int64]) -> None:
        pass  # max_removed_share is 0: the index is built again

    def columns(self) -> Columns:
        return tuple(column.array for column in self._columns)

    def search(self, queries: Columns, limits: NDArray[np.int64], k: int | None) -> Iterable[tuple[int, MatchKeys]]:
        return scan_all(self.columns(), queries, limits, k, self._threads)

    def pair_blocks(self, radius: int) -> tuple[int, Iterator[tuple[IntColumn, ...]]]:
        return compare_all(self.columns(), radius, self._threads)


def compare_all(columns: Columns, radius: int, threads: int) -> tuple[int, Iterator[tuple[IntColumn, ...]]]:
    """Compare every code with those in later rows.

    Returns
    -------
    tuple
        Number of blocks; blocks of pairs of rows: left, right, distances.
    """
    n = columns[0].size
    work = n * n // 2 * len(columns)
    kernels = _kernels(work)

    def join(rows: range) -> tuple[IntColumn, ...]:
        limits = np.full(len(rows), radius, dtype=np.int64)
        keys = kernels.within(columns, rows.start, n, slice_columns(columns, rows), limits)
        keys = keys[rows_of(keys) > queries_of(keys) + rows.start]
        return queries_of(keys) + rows.start, rows_of(keys), distances_of(keys)

    blocks = spans(n, max(_BLOCK_QUERIES, min(_JOIN_ROWS, _JOIN_MATCHES // max(1, n))))
    return len(blocks), in_threads(join, blocks, _thread_count(threads, work))


def scan_all(
    columns: Columns, queries: Columns, limits: NDArray[np.int64], k: int | None, threads: int
) -> Iterator[tuple[int, MatchKeys]]:
    """Compare every query with every code.

    Parameters
    ----------
    columns, queries
        Codes, ``words`` columns ``(n,)`` and ``(q,)``.
    limits
        int64 ``(q,)``: largest accepted distance of each query.
    k
        Most matches of each query; all when None.
    threads
        Most threads to use.

    Yields
    ------
    tuple
        First query of a block, and its sorted match keys.
    """
    n, count = columns[0].size, limits.size
    work = n * count * len(columns)
    kernels, threads = _kernels(work), _thread_count(threads, work)

    def search(task: tuple[range, range]) -> MatchKeys:
        block, rows = task
        asked, accepted = slice_columns(queries, block), limits[block.start : block.stop]
        if k is None:
            return merge_keys([kernels.within(columns, rows.start, rows.stop, asked, accepted)], None)
        keys: MatchKeys = kernels.nearest(columns, rows.start, rows.stop, asked, accepted, k)
        return keys

    parts = spans(n, -(-n // threads) if count < threads * _BLOCK_QUERIES else n)
    most = min(MAX_QUERIES, max(1, _HEAP_ITEMS // min(k or 1, max(1, n))))
    blocks = spans(count, min(most, max(_BLOCK_QUERIES, -(-count // (4 * threads)))))
    keys = in_threads(search, product(blocks, parts), threads)
    for block in blocks:
        found = list(islice(keys, len(parts)))
        yield block.start, found[0] if len(parts) == 1 else merge_keys(found, k)


def _kernels(work: int) -> ModuleType:
    """Return the faster of the two implementations for a number of word comparisons."""
    cheap = _WARM_WORK if "numba" in sys.modules else _COLD_WORK
    if work < cheap and "phash_engine.index.kernels.scan" not in sys.modules:
        return scan_numpy
    from phash_engine.index.kernels import scan

    return scan


def _thread_count(threads: int, work: int) -> int:
    """Return how many threads have enough work."""
    return min(threads, 1 + work // _THREAD_WORK)
