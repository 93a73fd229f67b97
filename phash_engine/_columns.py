"""Sort rows of columns of numbers: each row packed into one int64 where it fits, which sorts some ten times faster."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from phash_engine._threads import in_threads

Ids = NDArray[np.int64]
Hits = NDArray[np.int64]
Columns = tuple[NDArray[np.uint64], ...]

NO_HITS: Final[Hits] = np.empty(0, dtype=np.int64)
NO_HITS.flags.writeable = False

_SPAN: Final = 1 << 18
"""Rows that are merged at once: 2 MB, which stay in the cache."""
_STEP: Final = 1 << 8
"""Of each this many keys one is sampled, to choose where to cut."""


def read_only(columns: Iterable[NDArray[Any]]) -> Columns:
    """Return contiguous read-only views: the only type of columns that kernels are compiled for."""
    views = tuple(np.ascontiguousarray(column).view() for column in columns)
    for view in views:
        view.flags.writeable = False
    return views


def spans(count: int, size: int) -> list[range]:
    """Cut ``0..count`` into ranges of at most ``size``; one empty range if there is nothing."""
    return [range(first, min(first + size, count)) for first in range(0, max(1, count), max(1, size))]


def lookup(known: Ids, numbers: Ids) -> tuple[Ids, NDArray[np.bool_]]:
    """Return the row of each number among known ones, which are ascending, and whether it is among them at all.

    >>> lookup(np.array([2, 5, 9]), np.array([5, 6]))
    (array([1, 2]), array([ True, False]))
    """
    if not known.size:
        return np.zeros_like(numbers), np.zeros(numbers.shape, dtype=np.bool_)
    rows = np.minimum(np.searchsorted(known, numbers), known.size - 1)
    return rows, known[rows] == numbers


def sorted_columns(*columns: Hits) -> tuple[Hits, ...]:
    """Sort rows of columns of numbers from 0 on by the first column, then the second, and so on."""
    widths = [int(column.max(initial=0)).bit_length() for column in columns]
    if sum(widths) > 63:
        order = np.lexsort(columns[::-1])
        return tuple(column[order] for column in columns)
    keys = _packed(columns, widths)
    keys.sort()
    ordered = tuple(np.empty_like(keys) for _ in columns)
    _unpack(keys, widths, ordered)
    return ordered


def sorted_blocks(blocks: Iterable[tuple[Hits, ...]], largest: Sequence[int], threads: int) -> tuple[Hits, ...]:
    """Sort the rows of many blocks of columns together.

    Parameters
    ----------
    blocks
        Each as for ``sorted_columns``, and of as many columns as ``largest`` has numbers.
    largest
        What no number of each column exceeds.
    threads
        Most threads to use.

    Returns
    -------
    tuple of numpy.ndarray
        The columns, int64. Beside them, 8 bytes a row are needed to sort.
    """
    widths = [number.bit_length() for number in largest]
    if sum(widths) > 63:
        empty = (NO_HITS,) * len(largest)
        return sorted_columns(*(np.concatenate(column) for column in zip(empty, *blocks, strict=True)))
    runs = [_packed(block, widths) for block in blocks]
    list(in_threads(np.ndarray.sort, runs, threads))
    cuts = _cuts(runs)
    places = cuts.sum(axis=0)
    ordered = tuple(np.empty(places[-1], dtype=np.int64) for _ in largest)

    def merge(span: int) -> None:
        keys = np.concatenate([NO_HITS, *(run[a:b] for run, a, b in zip(runs, *cuts.T[span : span + 2], strict=True))])
        keys.sort()
        _unpack(keys, widths, tuple(column[places[span] : places[span + 1]] for column in ordered))

    list(in_threads(merge, range(places.size - 1), threads))
    return ordered


def _cuts(runs: Sequence[Hits]) -> NDArray[np.int64]:
    """Return where to cut sorted runs, a row for each, so that what lies between two cuts of all is a span of keys."""
    sample = np.sort(np.concatenate([NO_HITS, *(run[::_STEP] for run in runs)]))
    edges = sample[_SPAN // _STEP :: _SPAN // _STEP]
    inner = [np.searchsorted(run, edges) for run in runs]
    ends = [(0, *cuts, run.size) for run, cuts in zip(runs, inner, strict=True)]
    return np.array(ends, dtype=np.int64).reshape(len(runs), edges.size + 2)


def _packed(columns: Sequence[Hits], widths: Sequence[int]) -> Hits:
    """Join the numbers of each row, the first on top."""
    packed = columns[0].astype(np.int64)
    for column, width in zip(columns[1:], widths[1:], strict=True):
        packed <<= width
        packed |= column
    return packed


def _unpack(packed: Hits, widths: Sequence[int], columns: Sequence[Hits]) -> None:
    """Write the numbers of each row into columns; ``packed`` is used up."""
    for column, width in zip(reversed(columns), reversed(widths), strict=True):
        np.bitwise_and(packed, (1 << width) - 1, out=column)
        packed >>= width
