"""Directories → catalogue: find what changed, read it on worker threads, commit from one.

A file whose size and time of change are those of the last scan is not opened. A file that is new or changed is read
once; if its digest is known, because it was moved or copied, it is not decoded again. Reading, hashing and decoding
release the interpreter lock, so threads are enough.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from phash_engine import _files, _optional, images
from phash_engine._files import File, Unreadable
from phash_engine._threads import Budget, available_threads
from phash_engine.catalogue import UNREAD, Content, KnownFile, Sighting, Store, View
from phash_engine.errors import ImageError
from phash_engine.hashing import hashers, quality
from phash_engine.hashing.views import FULL, Wanted
from phash_engine.images import formats
from phash_engine.scanning import sidecars
from phash_engine.scanning.walk import Walk
from phash_engine.scanning.walk import walk as walk_root

Progress = Callable[[int, int], None]
"""Called with the number of files done and the number to do."""

_BATCH = 16
_COMMIT_SECONDS = 1.0
_FILE_BYTES = 192_000_000
"""Files are read whole; all workers together hold no more than this, or one file that is larger."""
_ON_DISK = frozenset({"current", "stale", "failed"})


class Misnamed(NamedTuple):
    """A picture whose name says another format than its bytes, and the format that it has."""

    path: str
    format: str


@dataclass
class ScanReport:
    """What a scan did; ``failures``, ``unreadable`` and ``unreachable`` are values, not exceptions.

    Attributes
    ----------
    photos
        Pictures met that are in the catalogue now.
    unchanged, decoded, recognised
        Of these: not opened; decoded; read but known by digest (moved or copied).
    failures
        Files that could not be read as pictures in this scan.
    misnamed
        Pictures read in this scan whose extension is that of another format; they are photos like all others.
    known_failures
        Files whose bytes were no picture in an earlier scan and have not changed since.
    companions
        Files that belong to a photo of the same shot, and were not read.
    skipped, hidden, excluded, links
        Entries passed over: not pictures; leading dot; fitting an exclude pattern; symbolic links.
    missing
        Photos newly marked missing.
    unreadable
        Folders and entries that could not be looked at.
    unreachable
        Roots that are not there, went away during the walk, or are empty where photos had been: nothing below them was
        marked missing.
    seconds
        Wall-clock time.
    """

    photos: int = 0
    unchanged: int = 0
    decoded: int = 0
    recognised: int = 0
    failures: list[Unreadable] = field(default_factory=list)
    misnamed: list[Misnamed] = field(default_factory=list)
    known_failures: int = 0
    companions: int = 0
    skipped: int = 0
    hidden: int = 0
    excluded: int = 0
    links: int = 0
    missing: int = 0
    unreadable: list[Unreadable] = field(default_factory=list)
    unreachable: list[Unreadable] = field(default_factory=list)
    seconds: float = 0.0


def scan(
    folders: Sequence[str | os.PathLike[str]],
    catalogue: Store,
    *,
    exclude: Sequence[str] = (),
    workers: int | None = None,
    pairing: bool = True,
    crops: bool | None = None,
    frames: int | None = None,
    progress: Progress | None = None,
) -> ScanReport:
    """Bring the catalogue up to date with some folders and all below them.

    Parameters
    ----------
    folders
        Roots; one that cannot be reached is reported and does not stop the others.
    catalogue
        An open catalogue; only the calling thread writes to it.
    exclude
        Shell patterns of names or relative paths to pass over.
    workers
        Threads that read and decode; None for one a processor core.
    pairing
        Whether files of one shot, as ``sidecars.pair`` tells them, are one photo with companions; if not, each
        picture is a photo.
    crops
        Whether crops of each picture (``views.CROPS``) are catalogued too, so that it is found by a part of it; None
        for what the last scan that was told did, at first not. When it changes, all pictures are read again.
    frames
        How many frames of an animation, or pages of a TIFF, are catalogued besides the first; None as for ``crops``,
        at first 0. When it changes, animations are read again.
    progress
        Called after each batch of files.

    Returns
    -------
    ScanReport
        Counts and failures.

    Raises
    ------
    CatalogueError
        The catalogue cannot be written.
    ValueError
        ``workers`` below 1, or ``frames`` below 0.
    KeyboardInterrupt
        Passed on after what had been read was committed.
    """
    workers = available_threads() if workers is None else workers
    if workers < 1:
        raise ValueError(f"workers must be at least 1, not {workers}")
    began = time.monotonic()
    report = ScanReport()
    _set_wanted(catalogue, crops, frames)
    catalogue.failures.retry(_optional.overcome())
    met: dict[File, KnownFile | None] = {}
    reached: list[str] = []
    for root in _roots(folders):
        known = catalogue.known_files(root)
        walk = _walk(root, exclude, known, report)
        if walk is None:
            continue
        reached.append(root)
        met |= {file: known.get(file.path) for file in walk.files}
        _update_missing(walk, known, catalogue, report)
    paired = _read_photos(met, catalogue, workers, report, progress, pairing=pairing)
    for root in reached:
        _update_companions(root, paired, {file.path for file in met}, catalogue)
    report.companions = len(paired)
    report.photos = report.unchanged + report.decoded + report.recognised
    catalogue.refresh_index()
    report.seconds = time.monotonic() - began
    return report


def _set_wanted(catalogue: Store, crops: bool | None, frames: int | None) -> None:
    if frames is not None and frames < 0:
        raise ValueError(f"frames must be at least 0, not {frames}")
    before = catalogue.settings.requested_views()
    wanted = Wanted(before.crops if crops is None else crops, before.frames if frames is None else frames)
    if wanted != before:
        catalogue.settings.request_views(wanted)


def _read_photos(
    met: Mapping[File, KnownFile | None],
    catalogue: Store,
    workers: int,
    report: ScanReport,
    progress: Progress | None,
    *,
    pairing: bool,
) -> dict[str, str]:
    """Read what is new or changed but for companions; return the photo of each companion.

    A file that cannot be read stands for no other: what seemed its companion may be a photo, and is looked at then.
    """
    paths = [file.path for file in met]
    failed = {file: known for file, known in met.items() if known and known.state == "failed"}
    no_photos = {file.path for file, known in failed.items() if _is_same(file, known)}
    left = list(met)
    while True:
        paired = sidecars.pair(paths, no_photos) if pairing else {}
        alone = [file for file in left if file.path not in paired]
        left = [file for file in left if file.path in paired]
        todo = [file for file in alone if _needs_reading(file, met[file], report)]
        if not todo:
            return paired
        with _Reading(todo, catalogue, workers) as reading:
            _record(reading, catalogue, report, len(todo), progress)
        catalogue.drop_unreferenced()
        no_photos |= {failure.path for failure in report.failures}


def _update_companions(root: str, paired: Mapping[str, str], met: Container[str], catalogue: Store) -> None:
    """Bring the companions below a root up to date; one only passed over this time stays."""
    known = catalogue.sidecars.below(root)
    separated = [path for path in known if path not in paired and (path in met or _is_gone(path))]
    below = ((path, photo) for path, photo in paired.items() if _files.contains(root, path))
    new = {path: photo for path, photo in below if known.get(path) != photo}
    if new or separated:
        catalogue.pair(new, separated)


Decoded = tuple[bytes, images.Picture]


class Reading(NamedTuple):
    """What one batch of files gave: a sighting of each, and the contents that were new."""

    sightings: list[Sighting]
    contents: list[Content]


def read_batch(
    batch: Sequence[File], known_digests: set[bytes], wanted: Wanted, budget: Budget, stop: threading.Event
) -> Reading:
    """Read files, decode those of unknown digest, and hash their blocks together."""
    sightings: list[Sighting] = []
    decoded: list[Decoded] = []
    for file in batch:
        if stop.is_set():
            break
        with budget.held(file.size):
            sightings.append(_read_file(file, known_digests, wanted, decoded))
    return Reading(sightings, _contents(decoded, wanted))


def _read_file(file: File, known_digests: set[bytes], wanted: Wanted, decoded: list[Decoded]) -> Sighting:
    """Read a file, and decode it if its digest is unknown."""
    try:
        file, data = _files.read(file.path)
    except ImageError as error:
        return Sighting(file.path, UNREAD, UNREAD, None, error.reason)
    digest = _files.digest(data)
    try:
        if digest not in known_digests:
            picture = images.read_picture(data, file.path, crops=wanted.crops, frames=wanted.frames)
            decoded.append((digest, picture))
            known_digests.add(digest)
        return Sighting(*file, digest)
    except ImageError as error:
        return Sighting(*file, None, error.reason)


def _contents(decoded: Sequence[Decoded], wanted: Wanted) -> list[Content]:
    if not decoded:
        return []
    blocks = np.stack([block for _, picture in decoded for block in picture.blocks.values()])
    qualities, details = quality.gradient_quality(blocks), quality.detail(blocks)
    trusted, table = quality.is_trusted(qualities, details).tolist(), hashers.hash_blocks(blocks)
    contents, row = [], 0
    for digest, (info, views) in decoded:
        stop = row + len(views)
        rows = map(View, views, trusted[row:stop], table[row:stop])
        marks = int(qualities[row]), float(details[row])
        # Without structure the full view is kept to be searched on request; others tell nothing.
        kept = [view for view in rows if view.trusted or view.name == FULL]
        contents.append(Content(digest, *info[:3], *marks, kept, wanted, info.is_animated))
        row = stop
    return contents


class _Reading:
    """Worker threads that read batches; few are in flight, and on leaving the rest are dropped."""

    def __init__(self, todo: list[File], catalogue: Store, workers: int) -> None:
        size = max(1, min(_BATCH, len(todo) // (4 * workers)))
        self._batches = iter([todo[start : start + size] for start in range(0, len(todo), size)])
        self._known_digests = catalogue.known_digests()
        self._wanted = catalogue.settings.requested_views()
        self._ahead = 2 * workers
        self._budget = Budget(_FILE_BYTES)
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="scan")
        self._running: set[Future[Reading]] = set()

    def __enter__(self) -> _Reading:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._pool.shutdown(cancel_futures=True)

    def __iter__(self) -> Iterator[Reading]:
        while True:
            self._submit()
            if not self._running:
                return
            done, self._running = wait(self._running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()

    def _submit(self) -> None:
        while len(self._running) < self._ahead and (batch := next(self._batches, None)) is not None:
            reading = self._pool.submit(read_batch, batch, self._known_digests, self._wanted, self._budget, self._stop)
            self._running.add(reading)


def _record(reading: _Reading, catalogue: Store, report: ScanReport, total: int, progress: Progress | None) -> None:
    """Commit about once a second, and on any interruption what was read by then."""
    pending, done, committed = Reading([], []), 0, time.monotonic()
    try:
        for sightings, contents in reading:
            pending.sightings.extend(sightings)
            pending.contents.extend(contents)
            done += len(sightings)
            if progress:
                progress(done, total)
            if time.monotonic() - committed > _COMMIT_SECONDS:
                pending = _commit(pending, catalogue, report)
                committed = time.monotonic()
    finally:
        _commit(pending, catalogue, report)


def _commit(reading: Reading, catalogue: Store, report: ScanReport) -> Reading:
    """Commit a reading and count it; return an empty one."""
    if reading.sightings:
        catalogue.record(reading.sightings, reading.contents)
    failures = [Unreadable(s.path, s.reason) for s in reading.sightings if s.digest is None]
    report.misnamed += _misnamed(reading.sightings, catalogue)
    report.failures += failures
    report.decoded += len(reading.contents)
    report.recognised += len(reading.sightings) - len(failures) - len(reading.contents)
    return Reading([], [])


def _misnamed(sightings: Sequence[Sighting], catalogue: Store) -> list[Misnamed]:
    known = catalogue.contents.formats({s.digest for s in sightings if s.digest})
    # Of a photo whose twin another thread is still reading nothing is known yet.
    read = ((s.path, known[s.digest]) for s in sightings if s.digest in known)
    return [Misnamed(path, kind) for path, kind in read if formats.is_misnamed(path, kind)]


def _roots(folders: Sequence[str | os.PathLike[str]]) -> list[str]:
    """Return absolute roots without those that the walk of another comes to anyway."""
    roots: list[str] = []
    for folder in sorted({_files.absolute(folder) for folder in folders}):
        if not any(_leads_to(root, folder) for root in roots):
            roots.append(folder)
    return roots


def _leads_to(root: str, folder: str) -> bool:
    """Whether a walk goes down from a root to a folder: below it, and nothing hidden and no link on the way."""
    if not _files.contains(root, folder):
        return False
    step = Path(folder)
    while step != Path(root):
        if step.name.startswith(".") or step.is_symlink():
            return False
        step = step.parent
    return True


def _walk(root: str, exclude: Sequence[str], known: dict[str, KnownFile], report: ScanReport) -> Walk | None:
    """Walk a root and count; None if it cannot be reached or looks like the mount point of a drive that is away."""
    before = _files.identity(root)
    walk = walk_root(root, exclude)
    if walk.unreadable and walk.unreadable[0].path == root:
        report.unreachable.append(walk.unreadable[0])
        return None
    if known and not walk.entries:
        report.unreachable.append(Unreadable(root, "empty, but held photos before: is its drive away?"))
        return None
    if _files.identity(root) != before:
        report.unreachable.append(Unreadable(root, "went away while it was walked"))
        return None
    report.unreadable += walk.unreadable
    report.hidden += walk.hidden
    report.excluded += walk.excluded
    report.links += walk.links
    return walk


def _needs_reading(file: File, known: KnownFile | None, report: ScanReport) -> bool:
    if known is not None and _is_same(file, known) and known.state != "stale":
        report.unchanged += known.state != "failed"
        report.known_failures += known.state == "failed"
        return False
    # A photo that became another kind of file is read too: to fail, and match no more.
    if (known is not None and known.state != "imported") or formats.looks_like_image(file.path):
        return True
    report.skipped += 1
    return False


def _is_same(file: File, known: KnownFile) -> bool:
    return known[:2] == (file.size, file.mtime_ns)


def _update_missing(walk: Walk, known: dict[str, KnownFile], catalogue: Store, report: ScanReport) -> None:
    """Mark what is gone and what is back unchanged; a file only passed over this time is neither."""
    met = {file.path: file for file in walk.files}
    gone = [path for path, file in known.items() if file.state in _ON_DISK and path not in met and _is_gone(path)]
    report.missing += catalogue.mark_missing(gone)
    missing = ((path, file) for path, file in known.items() if file.state == "missing" and path in met)
    catalogue.mark_found([path for path, file in missing if file[:2] == met[path][1:]])


def _is_gone(path: str) -> bool:
    """Whether no regular file is there any more; one that cannot be looked at may well be."""
    try:
        return not stat.S_ISREG(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
