"""Worker threads that read files, decode the pictures of unknown digest, and hash their blocks.

Reading, decoding and hashing release the interpreter lock, so threads are enough.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from phash_engine import _files, images
from phash_engine._files import File
from phash_engine._threads import Budget
from phash_engine.catalogue import UNREAD, Content, KeptReading, Sighting, Store, View
from phash_engine.errors import ImageError
from phash_engine.hashing import hashers, quality
from phash_engine.hashing.views import FULL, Wanted
from phash_engine.images.integrity import Intact

_BATCH_SIZE = 16
_FILE_BYTES = 192_000_000
"""Files are read whole; all workers together hold no more than this or a quarter of the memory, or one larger file."""

_KNOWN = {Intact.YES: True, Intact.NO: False}
"""Whether a file is intact, as the catalogue stores it: None where that is not known."""

Decoded = tuple[bytes, images.Reading]


class Budgets(NamedTuple):
    """Memory for the bytes of files, and for what decoding holds."""

    files: Budget
    decoding: Budget


class BatchResult(NamedTuple):
    """A sighting of each file of a batch, and the contents that were new."""

    sightings: list[Sighting]
    contents: list[Content]


class WorkerPool:
    """Threads that read files in batches: a context manager that yields the results when iterated over.

    At most two batches for each thread are submitted ahead; on leaving, the batches not begun are dropped.

    Parameters
    ----------
    files
        What to read.
    catalogue
        It knows which digests need no decoding, and which views are requested; used in the constructor alone.
    workers
        Number of threads.
    memory
        Bytes that all threads together hold of files and of what decoding takes; a larger picture is decoded alone.
    refresh
        Whether contents whose traits are not known are decoded again.
    """

    def __init__(
        self, files: Sequence[File], catalogue: Store, workers: int, memory: int, *, refresh: bool = False
    ) -> None:
        size = max(1, min(_BATCH_SIZE, len(files) // (4 * workers)))
        self._batches = iter([files[start : start + size] for start in range(0, len(files), size)])
        self._known_digests = catalogue.known_digests(with_traits=refresh)
        self._views = catalogue.settings.requested_views()
        self._ahead = 2 * workers
        # Two budgets: a thread that holds a file waits for memory to decode it, and those that have it release it.
        of_files = min(_FILE_BYTES, memory // 4)
        self._budgets = Budgets(Budget(of_files), Budget(memory - of_files))
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="scan")
        self._running: set[Future[BatchResult]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._pool.shutdown(cancel_futures=True)

    def __iter__(self) -> Iterator[BatchResult]:
        while True:
            self._submit()
            if not self._running:
                return
            done, self._running = wait(self._running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()

    def _submit(self) -> None:
        while len(self._running) < self._ahead and (batch := next(self._batches, None)) is not None:
            future = self._pool.submit(read_batch, batch, self._known_digests, self._views, self._budgets, self._stop)
            self._running.add(future)


def read_batch(
    batch: Sequence[File], known_digests: set[bytes], views: Wanted, budgets: Budgets, stop: threading.Event
) -> BatchResult:
    """Read files, decode those of unknown digest, and hash their blocks together.

    Parameters
    ----------
    batch
        What to read.
    known_digests
        Shared by all threads; the digests of decoded files are added.
    views
        The requested views.
    budgets
        Memory for all threads.
    stop
        Set to end the batch before its next file.
    """
    sightings: list[Sighting] = []
    decoded: list[Decoded] = []
    for file in batch:
        if stop.is_set():
            break
        with budgets.files.held(file.size):
            sightings.append(_read_file(file, known_digests, views, budgets.decoding, decoded))
    return BatchResult(sightings, _contents(decoded, views))


def _read_file(
    file: File, known_digests: set[bytes], views: Wanted, memory: Budget, decoded: list[Decoded]
) -> Sighting:
    """Read a file, and decode it if its digest is unknown."""
    try:
        file, data = _files.read(file.path)
    except ImageError as error:
        return Sighting(file.path, UNREAD, UNREAD, None, error.reason)
    digest = _files.digest(data)
    try:
        if digest not in known_digests:
            reading = images.read_file(data, file.path, crops=views.crops, frames=views.frames, memory=memory)
            decoded.append((digest, reading))
            known_digests.add(digest)
        return Sighting(*file, digest)
    except ImageError as error:
        # An empty file is a copy of nothing.
        return Sighting(*file, digest if data else None, error.reason, error.is_damaged)


def _contents(decoded: Sequence[Decoded], requested: Wanted) -> list[Content]:
    """Hash the blocks of all pictures in one call, and return their contents."""
    if not decoded:
        return []
    blocks = np.stack([block for _, reading in decoded for block in _all_blocks(reading)])
    qualities, details = quality.gradient_quality(blocks), quality.detail(blocks)
    trusted, codes = quality.is_trusted(qualities, details).tolist(), hashers.hash_blocks(blocks)
    contents, start = [], 0
    for digest, reading in decoded:
        info, names, (intact, fault) = reading.picture
        middle, stop = start + len(names), start + len(names) + len(reading.frames)
        views = map(View, names, trusted[start:middle], codes[start:middle])
        # A full view without structure is kept for searches that ask for it; other views without structure are useless.
        kept_views = [view for view in views if view.trusted or view.name == FULL]
        frames = dict(zip(reading.frames, codes[middle:stop], strict=True))
        kept = KeptReading(reading.traits, reading.grey, frames)
        marks = int(qualities[start]), float(details[start])
        contents.append(
            Content(digest, *info[:3], *marks, kept_views, requested, info.is_animated, _KNOWN.get(intact), fault, kept)
        )
        start = stop
    return contents


def _all_blocks(reading: images.Reading) -> Iterator[NDArray[np.uint16]]:
    yield from reading.picture.blocks.values()
    yield from reading.frames.values()
