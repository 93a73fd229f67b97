"""The ids of the rows of an index, and which were removed: an id is never given twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phash_engine.index.growing import Growing
from phash_engine.index.validation import as_ids, is_in


class IdMap:
    """Ids of rows, ascending; marks of removed rows; ids of rows that are gone altogether.

    Ids without gaps are not stored: most indexes have ``0..n-1``.
    """

    _ids: Growing[np.int64] | None
    _removed: Growing[np.bool_]

    def __init__(self, ids: NDArray[np.int64]) -> None:
        self._retired: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._start(ids, np.zeros(ids.size, dtype=np.bool_))

    @property
    def ids(self) -> NDArray[np.int64]:
        """Id of each row."""
        return np.arange(self._first, self._first + self._count) if self._ids is None else self._ids.array

    def named(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the ids of some rows."""
        if self._ids is None:
            return rows + self._first if self._first else rows
        return self._ids.array[rows]

    @property
    def removed(self) -> NDArray[np.bool_]:
        """Whether each row was removed."""
        return self._removed.array

    def __len__(self) -> int:
        """Return the number of rows, removed ones, too."""
        return self._count

    def new_ids(self, ids: ArrayLike | None, count: int) -> NDArray[np.int64]:
        """Return ``ids``, or those after the highest ever used, for ``count`` more codes.

        Raises
        ------
        TypeError, ValueError
            Ids as for a new index, or one that is or was in this one.
        """
        highest = max(self._last(), int(self._retired.max(initial=-1)), -1)
        new = as_ids(ids, count) + (highest + 1 if ids is None else 0)
        used = self._rows(new)[1] | is_in(self._retired, new)
        if used.any():
            raise ValueError(f"id {new[used][0]} is or was in this index; an id is never given twice")
        return new

    def come_after(self, ids: NDArray[np.int64]) -> bool:
        """Whether ascending ids are higher than those of all rows."""
        return not ids.size or not self._count or bool(ids[0] > self._last())

    def append(self, ids: NDArray[np.int64]) -> None:
        """Put ids that come after all others into further rows."""
        if not self._count:
            self._first = int(ids[0]) if ids.size else 0
        if self._ids is None and ids.size and not (ids[0] == self._first + self._count and _has_no_gap(ids)):
            self._ids = Growing(self.ids)
        if self._ids is not None:
            self._ids.append(ids)
        self._count += ids.size
        self._removed.append(np.zeros(ids.size, dtype=np.bool_))

    def remove(self, ids: ArrayLike) -> NDArray[np.int64]:
        """Mark the rows of ids as removed and return them.

        Raises
        ------
        TypeError
            Ids that are not whole numbers.
        ValueError
            An id that is not there, or twice among these; none is marked then.
        """
        requested = as_ids(ids, np.size(ids))
        rows, present = self._rows(requested)
        present[present] = ~self.removed[rows[present]]
        if not present.all():
            raise ValueError(f"id {requested[~present][0]} is not in this index")
        self._removed.change(rows, True)
        self.gone += rows.size
        return rows

    def replace(self, ids: NDArray[np.int64]) -> None:
        """Start again with these ids; those of removed rows stay used."""
        if self.gone:
            self._retired = np.union1d(self._retired, self.ids[self.removed])
        self._start(ids, np.zeros(ids.size, dtype=np.bool_))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything by name, for ``from_arrays``."""
        return {"ids": self.ids, "removed": self.removed, "retired": self._retired}

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Become the map whose ``to_arrays`` these are; raise ValueError if they do not fit together."""
        if arrays["removed"].shape != arrays["ids"].shape:
            raise ValueError(f"{arrays['ids'].size} ids, and {arrays['removed'].size} marks of those removed")
        self._retired = arrays["retired"]
        self._start(arrays["ids"], arrays["removed"])

    def _start(self, ids: NDArray[np.int64], removed: NDArray[np.bool_]) -> None:
        self._count = ids.size
        self._first = int(ids[0]) if ids.size else 0
        self._ids = None if _has_no_gap(ids) else Growing(ids)
        self._removed = Growing(removed)
        self.gone = int(np.count_nonzero(removed))
        """Number of removed rows."""

    def _last(self) -> int:
        """Return the id of the last row, -1 if there is none."""
        if not self._count:
            return -1
        return self._first + self._count - 1 if self._ids is None else int(self._ids.array[-1])

    def _rows(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the rows of ids, and whether each has one."""
        if self._ids is None:
            return ids - self._first, (ids >= self._first) & (ids < self._first + self._count)
        return np.searchsorted(self._ids.array, ids), is_in(self._ids.array, ids)


def _has_no_gap(ids: NDArray[np.int64]) -> bool:
    """Whether ascending ids are consecutive."""
    return not ids.size or int(ids[-1]) - int(ids[0]) == ids.size - 1
