"""Run ``phash`` with a scan that reads so many batches of files, and then waits for the interruption.

``python -m tests.paused_scan 3 scan DIR --workers 1 …`` commits the first batch, and no other before the end. When the
third has come back it prints ``waiting``; it reads on when the scan is being left.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from itertools import count
from threading import Event
from typing import Any

from phash_engine.catalogue import Store
from phash_engine.cli import main
from phash_engine.scanning import scan, workers
from phash_engine.scanning.report import ScanReport
from phash_engine.scanning.workers import BatchResult, WorkerPool


def pause_after(batches: int) -> None:
    """Let the scan of this process wait after a number of batches."""
    came_back, is_left = Event(), Event()
    begun = count(1)
    read_batch, results, leave, commit = workers.read_batch, WorkerPool.__iter__, WorkerPool.__exit__, scan._commit

    def paused(*arguments: Any) -> BatchResult:
        if next(begun) > batches and not is_left.is_set():
            came_back.wait()
            print("waiting", flush=True)
            is_left.wait()
        return read_batch(*arguments)

    def counted(pool: WorkerPool) -> Iterator[BatchResult]:
        for number, result in enumerate(results(pool), 1):
            yield result
            if number == batches:
                came_back.set()

    def left(pool: WorkerPool, *error: object) -> None:
        is_left.set()
        leave(pool, *error)

    def committed_once(result: BatchResult, catalogue: Store, report: ScanReport) -> BatchResult:
        scan._COMMIT_SECONDS = math.inf
        return commit(result, catalogue, report)

    workers.read_batch = paused  # type: ignore[assignment]
    scan._commit, scan._COMMIT_SECONDS = committed_once, -1.0
    WorkerPool.__iter__, WorkerPool.__exit__ = counted, left  # type: ignore[method-assign]


if __name__ == "__main__":
    pause_after(int(sys.argv.pop(1)))
    main()
