"""A budget of bytes that threads share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class Budget:
    """Bytes that may be held at once; who needs more waits until others have let go of theirs.

    >>> budget = Budget(100)
    >>> with budget.held(70):
    ...     budget.free
    30
    """

    def __init__(self, total: int) -> None:
        self.free = total
        self._total = total
        self._changed = Condition()

    @contextmanager
    def held(self, size: int) -> Iterator[None]:
        """Hold so many bytes inside; more than there are in all are held alone."""
        size = min(size, self._total)
        with self._changed:
            self._changed.wait_for(lambda: self.free >= size)
            self.free -= size
        try:
            yield
        finally:
            with self._changed:
                self.free += size
                self._changed.notify_all()
