"""Worker threads, and a memory budget that they share. Kernels release the interpreter lock, so threads suffice."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from threading import Condition
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

Task = TypeVar("Task")
Result = TypeVar("Result")


def available_threads() -> int:
    """Return the number of processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_threads(function: Callable[[Task], Result], tasks: Iterable[Task], threads: int) -> Iterator[Result]:
    """Yield ``function`` of each task, in the order of the tasks; at most ``2 * threads`` are submitted ahead."""
    waiting = iter(tasks)
    ahead = list(islice(waiting, 2))
    if threads == 1 or len(ahead) < 2:
        yield from map(function, ahead)
        yield from map(function, waiting)
        return
    from concurrent.futures import ThreadPoolExecutor  # not imported by a look-up without threads

    with ThreadPoolExecutor(threads) as pool:
        running: deque[Future[Result]] = deque(pool.submit(function, task) for task in ahead)
        running.extend(pool.submit(function, task) for task in islice(waiting, 2 * threads - len(ahead)))
        while running:
            yield running.popleft().result()
            running.extend(pool.submit(function, task) for task in islice(waiting, 1))


class Budget:
    """Bytes that may be held at once; a thread that needs more waits until enough are released.

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
        """Hold a number of bytes inside the block; a request above the total waits for all of it."""
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
