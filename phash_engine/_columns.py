"""Columns of numbers: contiguous views, arrays that grow, sorted look-ups, and sorting of rows.

To sort rows of several columns, each row is packed into one int64 where it fits, which sorts some ten times faster.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from phash_engine._threads import in_threads

Ids = NDArray[np.int64]
IntColumn = NDArray[np.int64]
"""One column of rows of whole numbers."""
Columns = tuple[NDArray[np.uint64], ...]
"""Codes, one column for each word."""
Item = TypeVar("Item", bound=np.generic)

EMPTY: Final[IntColumn] = np.empty(0, dtype=np.int64)
EMPTY.flags.writeable = False

_SPAN: Final = 1 << 18
"""Rows that are merged at once: 2 MB, which stay in the cache."""
_STEP: Final = 1 << 8
"""Every 256th key is sampled, to choose where to cut."""


def read_only(columns: Iterable[NDArray[Any]]) -> Columns:
    """Return contiguous read-only views: the only type of columns that kernels are compiled for."""
    views = tuple(np.ascontiguousarray(column).view() for column in columns)
    for view in views:
        view.flags.writeable = False
    return views


def slice_columns(columns: Columns, rows: range) -> Columns:
    """Return consecutive rows of columns, as views."""
    return tuple(column[rows.start : rows.stop] for column in columns)


class GrowingColumn(Generic[Item]):
    """A column that grows at its end, with spare room. The initial array is copied only when the first items are added.

    >>> column = GrowingColumn(np.array([1, 2]))
    >>> column.append(np.array([3]))
    >>> column.array
    array([1, 2, 3])
    """

    def __init__(self, array: NDArray[Item]) -> None:
        self._room = np.asarray(array)
        self._size = array.size

    @property
    def array(self) -> NDArray[Item]:
        """The items, as a read-only view. Later growth does not change it."""
        view = self._room[: self._size]
        view.flags.writeable = False
        return view

    def append(self, items: NDArray[Item]) -> None:
        """Add items at the end; amortised, the cost is that of copying them twice."""
        size = self._size + items.size
        if size > self._room.size or not self._room.flags.writeable:
            room = np.empty(size + size // 2, dtype=self._room.dtype)
            room[: self._size] = self._room[: self._size]
            self._room = room
        self._room[self._size : size] = items
        self._size = size

    def change(self, places: NDArray[np.int64], item: Item | bool) -> None:
        """Set the items in some places."""
        if not self._room.flags.writeable:
            self._room = self._room.copy()
        self._room[places] = item


def spans(count: int, size: int) -> list[range]:
    """Cut ``0..count`` into ranges of at most ``size``; one empty range if there is nothing."""
    return [range(first, min(first + size, count)) for first in range(0, max(1, count), max(1, size))]


def lookup(known: Ids, numbers: Ids) -> tuple[Ids, NDArray[np.bool_]]:
    """Return the row of each number in an ascending column, and whether it is in the column at all.

    >>> lookup(np.array([2, 5, 9]), np.array([5, 6]))
    (array([1, 2]), array([ True, False]))
    """
    if not known.size:
        return np.zeros_like(numbers), np.zeros(numbers.shape, dtype=np.bool_)
    rows = np.minimum(np.searchsorted(known, numbers), known.size - 1)
    return rows, known[rows] == numbers


def sorted_columns(*columns: IntColumn) -> tuple[IntColumn, ...]:
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


def sorted_blocks(
    blocks: Iterable[tuple[IntColumn, ...]], largest: Sequence[int], threads: int
) -> tuple[IntColumn, ...]:
    """Sort the rows of many blocks of columns together.

    Parameters
    ----------
    blocks
        Each as for ``sorted_columns``, with a column for each number of ``largest``.
    largest
        Upper bound of each column, inclusive.
    threads
        Most threads to use.

    Returns
    -------
    tuple of numpy.ndarray
        The columns, int64. Sorting needs 8 further bytes a row.
    """
    widths = [number.bit_length() for number in largest]
    if sum(widths) > 63:
        empty = (EMPTY,) * len(largest)
        return sorted_columns(*(np.concatenate(column) for column in zip(empty, *blocks, strict=True)))
    runs = [_packed(block, widths) for block in blocks]
    list(in_threads(np.ndarray.sort, runs, threads))
    cuts = _cuts(runs)
    places = cuts.sum(axis=0)
    ordered = tuple(np.empty(places[-1], dtype=np.int64) for _ in largest)

    def merge(span: int) -> None:
        keys = np.concatenate([EMPTY, *(run[a:b] for run, a, b in zip(runs, *cuts.T[span : span + 2], strict=True))])
        keys.sort()
        _unpack(keys, widths, tuple(column[places[span] : places[span + 1]] for column in ordered))

    list(in_threads(merge, range(places.size - 1), threads))
    return ordered


def _cuts(runs: Sequence[IntColumn]) -> NDArray[np.int64]:
    """Return where to cut sorted runs, a row for each run, so that the parts between two cuts make one span of keys."""
    sample = np.sort(np.concatenate([EMPTY, *(run[::_STEP] for run in runs)]))
    edges = sample[_SPAN // _STEP :: _SPAN // _STEP]
    inner = [np.searchsorted(run, edges) for run in runs]
    ends = [(0, *cuts, run.size) for run, cuts in zip(runs, inner, strict=True)]
    return np.array(ends, dtype=np.int64).reshape(len(runs), edges.size + 2)


def _packed(columns: Sequence[IntColumn], widths: Sequence[int]) -> IntColumn:
    """Join the numbers of each row, the first on top."""
    packed = columns[0].astype(np.int64)
    for column, width in zip(columns[1:], widths[1:], strict=True):
        packed <<= width
        packed |= column
    return packed


def _unpack(packed: IntColumn, widths: Sequence[int], columns: Sequence[IntColumn]) -> None:
    """Write the numbers of each row into columns; ``packed`` is used up."""
    for column, width in zip(reversed(columns), reversed(widths), strict=True):
        np.bitwise_and(packed, (1 << width) - 1, out=column)
        packed >>= width
