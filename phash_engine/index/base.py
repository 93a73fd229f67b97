"""The index: codes by id, built, changed, saved and loaded. Each kind implements the search over rows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phash_engine._columns import Columns, read_only
from phash_engine._threads import available_threads
from phash_engine.index.id_map import IdMap
from phash_engine.index.rows import Rows
from phash_engine.index.search import Searches
from phash_engine.index.validation import CODE_BITS, as_codes, as_ids, by_id, check_count

KINDS: dict[str, tuple[str, str]] = {
    "auto": ("phash_engine.index.planner", "PlannedRows"),
    "linear": ("phash_engine.index.linear", "LinearRows"),
    "bktree": ("phash_engine.index.bktree", "BKTreeRows"),
    "multi": ("phash_engine.index.multi_index", "MultiIndexRows"),
}
"""Module and class of each kind, imported when it is built: ``linear`` alone does without numba."""


class Index(Searches):
    """Exact search over codes of one width, of the kind that is given.

    Results depend neither on the order of the codes nor on the number of threads, nor on the kind.

    Parameters
    ----------
    codes
        uint64 ``(n,)`` or ``(n, words)``, 1 to 4 words; bool bits ``(n, 64 * words)``; or packed bytes, uint8
        ``(n, 8 * words)``. As in the hex of imagehash the first bit, the top of the first byte, is bit 63 of its word.
    ids
        Integers ``(n,)``, all different; ``0..n-1`` when None.
    kind
        One of ``KINDS``. All return the same results; "auto" takes the fastest.
    threads
        Most threads to use; all available processors when None.

    Raises
    ------
    TypeError
        Codes of another dtype, ids that are not integers.
    ValueError
        An unknown kind, codes of another shape, another number of ids than codes, or a repeated id.

    Examples
    --------
    >>> import numpy
    >>> index = Index(numpy.array([0b0000, 0b0001, 0b1111], dtype=numpy.uint64))
    >>> index
    Index(3 codes of 64 bits, kind='auto')
    >>> index.range_search(numpy.array([0b0011], dtype=numpy.uint64), radius=1).ids
    array([1])
    """

    def __init__(
        self, codes: ArrayLike, ids: ArrayLike | None = None, kind: str = "auto", *, threads: int | None = None
    ) -> None:
        if kind not in KINDS:
            raise ValueError(f"there is no index kind {kind!r}; kinds are {', '.join(KINDS)}")
        module, name = KINDS[kind]
        array = as_codes(codes)
        columns, ordered = by_id(array, as_ids(ids, len(array)))
        self._threads = available_threads() if threads is None else check_count(threads, "threads")
        self._ids = IdMap(ordered)
        self._rows: Rows = getattr(import_module(module), name)(columns, self._ids, self._threads)

    def __repr__(self) -> str:
        number = f"{len(self)} code{'' if len(self) == 1 else 's'}"
        return f"Index({number} of {CODE_BITS * self.words} bits, kind={self.kind!r})"

    def add(self, codes: ArrayLike, ids: ArrayLike | None = None) -> NDArray[np.int64]:
        """Add codes.

        Parameters
        ----------
        codes
            uint64 ``(n,)`` or ``(n, words)``.
        ids
            Integers ``(n,)`` never used in this index; those after the highest ever used when None.

        Returns
        -------
        numpy.ndarray
            int64 ``(n,)``: their ids.

        Raises
        ------
        TypeError, ValueError
            Codes or ids as for a new index, or an id that is or was in this one.

        Notes
        -----
        Ids above all present ones cost little; for a lower one the whole index is built again.
        """
        array = as_codes(codes, self.words)
        new = self._ids.new_ids(ids, len(array))
        columns, ordered = by_id(array, new)
        if self._ids.follow_last(ordered):
            self._ids.append(ordered)
            self._rows.append(columns)
        else:
            self._rebuild(columns, ordered)
        return new

    def remove(self, ids: ArrayLike) -> None:
        """Remove codes by their ids, which are never used again.

        Raises
        ------
        TypeError
            Ids that are not integers.
        ValueError
            An id that is not in this index, or is repeated; nothing is removed then.
        """
        self._rows.remove(self._ids.remove(ids))
        if self._ids.removed_count > self._rows.max_removed_share * len(self._ids):
            self._rebuild(tuple(column[:0] for column in self._rows.columns()), np.empty(0, dtype=np.int64))

    def replace(self, columns: Columns, ids: NDArray[np.int64]) -> None:
        """Replace all codes; for parameters and errors see ``index_columns``."""
        if any(column.shape != ids.shape for column in columns):
            raise ValueError(f"{columns[0].size} codes need ids of shape ({columns[0].size},), not {ids.shape}")
        self._ids.replace(ids)
        self._rows.build(read_only(columns))

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Write the index into a folder; see ``io.save``."""
        from phash_engine.index import io

        io.save(self, directory)

    @staticmethod
    def load(directory: str | os.PathLike[str], *, threads: int | None = None) -> Index:
        """Open the index last saved into a folder, memory-mapped; see ``io.load``."""
        from phash_engine.index import io

        return io.load(directory, threads=threads)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the whole state of this index, for ``from_arrays`` of an empty one of its kind and width."""
        return {**self._ids.to_arrays(), **self._rows.arrays()}

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Load the state that ``to_arrays`` returned; arrays are not copied where possible.

        Raises
        ------
        KeyError, ValueError
            Arrays that are missing or do not fit together.
        """
        self._ids.from_arrays(arrays)
        self._rows.restore(arrays)
        self._rows.remove(np.flatnonzero(self._ids.removed))

    def _rebuild(self, columns: Columns, ids: NDArray[np.int64]) -> None:
        """Build again, without the removed codes and with further ones."""
        present = ~self._ids.removed
        pairs = zip(self._rows.columns(), columns, strict=True)
        codes = np.stack([np.concatenate((column[present], added)) for column, added in pairs], axis=1)
        ordered, ascending = by_id(codes, np.concatenate((self._ids.ids[present], ids)))
        self._ids.replace(ascending)
        self._rows.build(ordered)


def index_columns(columns: Columns, ids: NDArray[np.int64], kind: str = "auto", *, threads: int | None = None) -> Index:
    """Build an index over codes whose words are separate columns, without joining them.

    Parameters
    ----------
    columns
        uint64 ``(n,)`` for each word; ``linear`` and ``auto`` read contiguous ones where they lie.
    ids
        int64 ``(n,)``, ascending (not checked).
    kind, threads
        As for :class:`Index`.

    Raises
    ------
    ValueError
        An unknown kind, or another number of ids than codes.
    """
    index = Index(np.empty((0, len(columns)), dtype=np.uint64), kind=kind, threads=threads)
    index.replace(columns, ids)
    return index
