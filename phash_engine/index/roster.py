"""Which ids stand in which rows of an index, and which were removed: an id is never given twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from phash_engine.index.arguments import as_ids, is_in
from phash_engine.index.growing import Growing


class Roster:
    """Ids of rows, ascending; marks of removed rows; ids that once stood in rows which are gone altogether."""

    def __init__(self, ids: NDArray[np.int64]) -> None:
        self._retired: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._start(ids, np.zeros(ids.size, dtype=np.bool_))

    @property
    def ids(self) -> NDArray[np.int64]:
        """Id of each row."""
        return self._ids.array

    @property
    def removed(self) -> NDArray[np.bool_]:
        """Whether each row was removed."""
        return self._removed.array

    def __len__(self) -> int:
        """Return the number of rows, removed ones, too."""
        return self.ids.size

    def new_ids(self, ids: ArrayLike | None, count: int) -> NDArray[np.int64]:
        """Return ``ids``, or those after the highest ever used, for ``count`` more codes.

        Raises
        ------
        TypeError, ValueError
            Ids as for a new index, or one that is or was in this one.
        """
        highest = max((int(used[-1]) for used in (self.ids, self._retired) if used.size), default=-1)
        new = as_ids(ids, count) + (max(-1, highest) + 1 if ids is None else 0)
        used = is_in(self.ids, new) | is_in(self._retired, new)
        if used.any():
            raise ValueError(f"id {new[used][0]} is or was in this index; an id is never given twice")
        return new

    def come_after(self, ids: NDArray[np.int64]) -> bool:
        """Whether ascending ids are higher than those of all rows."""
        return not ids.size or not len(self) or bool(ids[0] > self.ids[-1])

    def append(self, ids: NDArray[np.int64]) -> None:
        """Put ids that come after all others into further rows."""
        self._ids.append(ids)
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
        wanted = as_ids(ids, np.size(ids))
        present = is_in(self.ids, wanted)
        rows = np.searchsorted(self.ids, wanted)
        present[present] = ~self.removed[rows[present]]
        if not present.all():
            raise ValueError(f"id {wanted[~present][0]} is not in this index")
        self._removed.change(rows, True)
        self.gone += rows.size
        return rows

    def replace(self, ids: NDArray[np.int64]) -> None:
        """Start again with these ids; those of removed rows stay used."""
        self._retired = np.union1d(self._retired, self.ids[self.removed])
        self._start(ids, np.zeros(ids.size, dtype=np.bool_))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything by name, for ``from_arrays``."""
        return {"ids": self.ids, "removed": self.removed, "retired": self._retired}

    def from_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Become the roster whose ``to_arrays`` these are; raise ValueError if they do not fit together."""
        if arrays["removed"].shape != arrays["ids"].shape:
            raise ValueError(f"{arrays['ids'].size} ids, and {arrays['removed'].size} marks of those removed")
        self._retired = arrays["retired"]
        self._start(arrays["ids"], arrays["removed"])

    def _start(self, ids: NDArray[np.int64], removed: NDArray[np.bool_]) -> None:
        self._ids = Growing(ids)
        self._removed = Growing(removed)
        self.gone = int(np.count_nonzero(removed))
        """Number of removed rows."""
