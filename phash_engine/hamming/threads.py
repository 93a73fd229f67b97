"""Many tasks on a few threads. Kernels release the GIL, so threads are enough."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def available_threads() -> int:
    """Return the number of processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_threads(function: Callable[[Task], Result], tasks: Iterable[Task], threads: int) -> list[Result]:
    """Return ``function`` of each task, in the order of the tasks."""
    waiting = list(tasks)
    if min(threads, len(waiting)) <= 1:
        return [function(task) for task in waiting]
    with ThreadPoolExecutor(min(threads, len(waiting))) as pool:
        return list(pool.map(function, waiting))
