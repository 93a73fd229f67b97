"""An array that grows at its end, with room to spare so that growing costs little."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Item = TypeVar("Item", bound=np.generic)


class Growing(Generic[Item]):
    """A one-dimensional array that starts as a given one, which is copied only when the first items are added."""

    def __init__(self, array: NDArray[Item]) -> None:
        self._room = np.asarray(array)
        self._size = array.size

    @property
    def array(self) -> NDArray[Item]:
        """What it holds, as a read-only view. Later growth does not change it."""
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
        """Put an item in some places."""
        if not self._room.flags.writeable:
            self._room = self._room.copy()
        self._room[places] = item
