"""Linear scan: the simplest index, and the fastest one for few codes and for large radii."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import islice, product
from types import ModuleType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from phash_engine._columns import Columns, Hits, spans
from phash_engine._threads import in_threads
from phash_engine.index.growing import Growing
from phash_engine.index.kernels import plain
from phash_engine.index.kernels.hits import MAX_QUERIES, distances_of, merged, part, queries_of, rows_of
from phash_engine.index.rows import Rows

_COLD_WORK: Final = 1 << 30
"""Word comparisons from which loading numba and its kernels (0.8 s) beats going on with numpy (1 G/s)."""
_WARM_WORK: Final = 1 << 24
"""The same where numba is loaded: the kernels come from its cache in 10 ms."""
_THREAD_WORK: Final = 1 << 24
"""Word comparisons that are worth a thread."""
_HEAP_ITEMS: Final = 1 << 22
"""Hits that a thread keeps during a search for the nearest: 32 MB."""
_BLOCK_QUERIES: Final = 64
"""Queries that share a pass over the codes at least, where there are that many for each thread."""
_JOIN_ROWS: Final = 1024
_JOIN_HITS: Final = 1 << 26
"""Hits that a block of rows of a self-join may have at most, where every pair is one: 512 MB."""


class LinearRows(Rows):
    """Exact search that compares every query with every code.

    Notes
    -----
    A query costs ``n * words`` comparisons of 64 bits whatever the radius, a self-join half of that for each code: 12
    to 19 G/s on each core with AVX-512 VPOPCNTDQ. Small jobs run in numpy at about 1 G/s and never import numba.
    """

    kind = "linear"

    def build(self, columns: Columns) -> None:
        self._growing = [Growing(column) for column in columns]

    def append(self, columns: Columns) -> None:
        for growing, column in zip(self._growing, columns, strict=True):
            growing.append(column)

    def hide(self, rows: NDArray[np.int64]) -> None:
        pass  # the codes are moved together at once

    def columns(self) -> Columns:
        return tuple(growing.array for growing in self._growing)

    def hits(self, queries: Columns, limits: NDArray[np.int64], k: int | None) -> Iterable[tuple[int, Hits]]:
        return scan_all(self.columns(), queries, limits, k, self._threads)

    def pair_blocks(self, radius: int) -> tuple[int, Iterator[tuple[Hits, ...]]]:
        return compare_all(self.columns(), radius, self._threads)


def compare_all(columns: Columns, radius: int, threads: int) -> tuple[int, Iterator[tuple[Hits, ...]]]:
    """Compare every code with those in later rows.

    Returns
    -------
    tuple
        Number of blocks; blocks of pairs of rows: left, right, distances.
    """
    n = columns[0].size
    work = n * n // 2 * len(columns)
    kernels = _kernels(work)

    def join(rows: range) -> tuple[Hits, ...]:
        limits = np.full(len(rows), radius, dtype=np.int64)
        hits = kernels.within(columns, rows.start, n, part(columns, rows), limits)
        hits = hits[rows_of(hits) > queries_of(hits) + rows.start]
        return queries_of(hits) + rows.start, rows_of(hits), distances_of(hits)

    blocks = spans(n, max(_BLOCK_QUERIES, min(_JOIN_ROWS, _JOIN_HITS // max(1, n))))
    return len(blocks), in_threads(join, blocks, _useful(threads, work))


def scan_all(
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

    def search(task: tuple[range, range]) -> Hits:
        block, rows = task
        asked, accepted = part(queries, block), limits[block.start : block.stop]
        if k is None:
            return merged([kernels.within(columns, rows.start, rows.stop, asked, accepted)], None)
        hits: Hits = kernels.nearest(columns, rows.start, rows.stop, asked, accepted, k)
        return hits

    parts = spans(n, -(-n // threads) if count < threads * _BLOCK_QUERIES else n)
    most = min(MAX_QUERIES, max(1, _HEAP_ITEMS // min(k or 1, max(1, n))))
    blocks = spans(count, min(most, max(_BLOCK_QUERIES, -(-count // (4 * threads)))))
    hits = in_threads(search, product(blocks, parts), threads)
    for block in blocks:
        found = list(islice(hits, len(parts)))
        yield block.start, found[0] if len(parts) == 1 else merged(found, k)


def _kernels(work: int) -> ModuleType:
    """Return the faster of the two implementations for a number of word comparisons."""
    cheap = _WARM_WORK if "numba" in sys.modules else _COLD_WORK
    if work < cheap and "phash_engine.index.kernels.scan" not in sys.modules:
        return plain
    from phash_engine.index.kernels import scan

    return scan


def _useful(threads: int, work: int) -> int:
    """Return how many threads have enough to do."""
    return min(threads, 1 + work // _THREAD_WORK)
