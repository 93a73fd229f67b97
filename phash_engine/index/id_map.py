"""The id map of an index: the id of each row, and which rows were removed. An id is never used twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phash_engine._columns import GrowingColumn
from phash_engine.index.validation import as_ids, is_in


class IdMap:
    """Ids of rows, ascending; marks of removed rows; ids of rows that were dropped.

    Consecutive ids are not stored: most indexes have ``0..n-1``.
    """

    _ids: GrowingColumn[np.int64] | None
    _removed: GrowingColumn[np.bool_]

    def __init__(self, ids: NDArray[np.int64]) -> None:
        self._retired: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._start(ids, np.zeros(ids.size, dtype=np.bool_))

    @property
    def ids(self) -> NDArray[np.int64]:
        """Id of each row."""
        return np.arange(self._first, self._first + self._count) if self._ids is None else self._ids.array

    def ids_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the ids of some rows."""
        if self._ids is None:
            return rows + self._first if self._first else rows
        return self._ids.array[rows]

    @property
    def removed(self) -> NDArray[np.bool_]:
        """Whether each row was removed."""
        return self._removed.array

    def __len__(self) -> int:
        """Return the number of rows, including removed ones."""
        return self._count

    def new_ids(self, ids: ArrayLike | None, count: int) -> NDArray[np.int64]:
        """Return ``ids``, or those after the highest ever used, for ``count`` further codes.

        Raises
        ------
        TypeError, ValueError
            Ids as for a new index, or an id that is or was in this index.
        """
        highest = max(self._last(), int(self._retired.max(initial=-1)), -1)
        new = as_ids(ids, count) + (highest + 1 if ids is None else 0)
        used = self._rows(new)[1] | is_in(self._retired, new)
        if used.any():
            raise ValueError(f"id {new[used][0]} is or was in this index; an id is never used twice")
        return new

    def follow_last(self, ids: NDArray[np.int64]) -> bool:
        """Whether ascending ids are higher than those of all rows."""
        return not ids.size or not self._count or bool(ids[0] > self._last())

    def append(self, ids: NDArray[np.int64]) -> None:
        """Add rows with ids that are higher than those of all rows."""
        if not self._count:
            self._first = int(ids[0]) if ids.size else 0
        if self._ids is None and ids.size and not (ids[0] == self._first + self._count and _is_consecutive(ids)):
            self._ids = GrowingColumn(self.ids)
        if self._ids is not None:
            self._ids.append(ids)
        self._count += ids.size
        self._removed.append(np.zeros(ids.size, dtype=np.bool_))

    def remove(self, ids: ArrayLike) -> NDArray[np.int64]:
        """Mark the rows of ids as removed and return them.

        Raises
        ------
        TypeError
            Ids that are not integers.
        ValueError
            An id that is not in the index, or is repeated; none is marked then.
        """
        requested = as_ids(ids, np.size(ids))
        rows, present = self._rows(requested)
        present[present] = ~self.removed[rows[present]]
        if not present.all():
            raise ValueError(f"id {requested[~present][0]} is not in this index")
        self._removed.change(rows, True)
        self.removed_count += rows.size
        return rows

    def replace(self, ids: NDArray[np.int64]) -> None:
        """Replace the ids of all rows; those of removed rows stay used."""
        if self.removed_count:
            self._retired = np.union1d(self._retired, self.ids[self.removed])
        self._start(ids, np.zeros(ids.size, dtype=np.bool_))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state as arrays by name, for ``from_arrays``."""
        return {"ids": self.ids, "removed": self.removed, "retired": self._retired}

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Load the state that ``to_arrays`` returned; raise ValueError if the arrays do not fit together."""
        if arrays["removed"].shape != arrays["ids"].shape:
            raise ValueError(f"{arrays['ids'].size} ids, and {arrays['removed'].size} marks of those removed")
        self._retired = arrays["retired"]
        self._start(arrays["ids"], arrays["removed"])

    def _start(self, ids: NDArray[np.int64], removed: NDArray[np.bool_]) -> None:
        self._count = ids.size
        self._first = int(ids[0]) if ids.size else 0
        self._ids = None if _is_consecutive(ids) else GrowingColumn(ids)
        self._removed = GrowingColumn(removed)
        self.removed_count = int(np.count_nonzero(removed))
        """Number of removed rows."""

    def _last(self) -> int:
        """Return the id of the last row, -1 if there is none."""
        if not self._count:
            return -1
        return self._first + self._count - 1 if self._ids is None else int(self._ids.array[-1])

    def _rows(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the rows of ids, and whether each id has a row."""
        if self._ids is None:
            return ids - self._first, (ids >= self._first) & (ids < self._first + self._count)
        return np.searchsorted(self._ids.array, ids), is_in(self._ids.array, ids)


def _is_consecutive(ids: NDArray[np.int64]) -> bool:
    """Whether ascending ids are consecutive."""
    return not ids.size or int(ids[-1]) - int(ids[0]) == ids.size - 1
