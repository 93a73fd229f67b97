"""Folders → catalogue: find what changed, read it in worker threads, commit from one.

A file of the same size and modification time as in the last scan is not opened. A new or changed file is read once; if
its digest is known, since it was moved or copied, it is not decoded again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from phash_engine import _files, _memory, _optional
from phash_engine._files import File, Unreadable
from phash_engine._threads import available_threads
from phash_engine.catalogue import KnownFile, Sighting, Store
from phash_engine.hashing.views import Wanted
from phash_engine.images import formats
from phash_engine.scanning import managed_folders, sidecars
from phash_engine.scanning.report import Misnamed, ScanReport
from phash_engine.scanning.walk import Walk, distinct_roots, is_gone, walk_root
from phash_engine.scanning.workers import BatchResult, WorkerPool

Progress = Callable[[int, int], None]
"""Called with the number of files done and the number to do."""

_COMMIT_SECONDS = 1.0
_ON_DISK = frozenset({"current", "stale", "failed"})


def scan(
    folders: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    catalogue: Store,
    *,
    exclude: str | Sequence[str] = (),
    include_managed: bool = False,
    workers: int | None = None,
    memory: int | None = None,
    pairing: bool = True,
    crops: bool | None = None,
    frames: int | None = None,
    refresh: bool = False,
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
        Shell patterns of names or relative paths to skip.
    include_managed
        Whether managed folders are scanned too: see ``managed_folders``. Those among ``folders`` always are.
    workers
        Threads that read and decode; None for one a processor core.
    memory
        Bytes that they hold together of files and of what decoding takes; a picture that needs more is decoded alone.
        None for a quarter of the memory of the machine or of its control group.
    pairing
        Whether files of one shot are one photo with sidecars, as ``sidecars.pair`` decides; if not, each picture is a
        photo.
    crops
        Whether crops of each picture (``views.CROPS``) are catalogued too, so that it is found by a part of it; None
        for the value of the last scan that was given one, at first False. When it changes, all pictures are read again.
    frames
        How many frames of an animation, or pages of a TIFF, are catalogued besides the first; None as for ``crops``,
        at first 0. When it changes, animations are read again.
    refresh
        Whether photos that were read before their traits were kept, and failures without a digest, are read again.
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
        ``workers`` or ``memory`` below 1, or ``frames`` below 0.
    KeyboardInterrupt
        Passed on after what had been read was committed.
    """
    workers = available_threads() if workers is None else workers
    if workers < 1:
        raise ValueError(f"workers must be at least 1, not {workers}")
    memory = _memory.budget(memory)
    folders, exclude = _files.listed(folders, "folders"), _files.listed(exclude, "exclude")
    began = time.monotonic()
    report = ScanReport()
    _request_views(catalogue, crops, frames)
    catalogue.failures.retry(_optional.resolved())
    files, reached = _walk_roots(folders, exclude, catalogue, report, include_managed=include_managed, refresh=refresh)
    photo_of = _read_photos(files, catalogue, workers, memory, report, progress, pairing=pairing, refresh=refresh)
    found = {file.path: file for file in files}
    for root in reached:
        sidecars.update(root, photo_of, found, catalogue)
    report.sidecars = len(photo_of)
    report.photos = report.unchanged + report.decoded + report.recognised
    catalogue.refresh_index()
    report.seconds = time.monotonic() - began
    return report


def _request_views(catalogue: Store, crops: bool | None, frames: int | None) -> None:
    if frames is not None and frames < 0:
        raise ValueError(f"frames must be at least 0, not {frames}")
    before = catalogue.settings.requested_views()
    requested = Wanted(before.crops if crops is None else crops, before.frames if frames is None else frames)
    if requested != before:
        catalogue.settings.request_views(requested)


# ── walk ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _walk_roots(
    folders: Iterable[str | os.PathLike[str]],
    exclude: Sequence[str],
    catalogue: Store,
    report: ScanReport,
    *,
    include_managed: bool,
    refresh: bool,
) -> tuple[dict[File, KnownFile | None], list[str]]:
    """Walk the roots and mark what is missing; return the files with what is known of them, and the roots reached."""
    files: dict[File, KnownFile | None] = {}
    reached: list[str] = []
    managed = managed_folders.of(catalogue)
    for root in distinct_roots(folders, managed, include_managed=include_managed):
        known = catalogue.known_files(root, with_traits=refresh)
        walk = walk_root(root, exclude, managed, include_managed=include_managed, had_photos=bool(known))
        if isinstance(walk, Unreadable):
            report.unreachable.append(walk)
            continue
        reached.append(root)
        files |= {file: known.get(file.path) for file in walk.files}
        report.add_walk(walk)
        report.managed_roots += filter(None, [managed.containing(root)])
        _update_missing(walk, known, catalogue, report)
    report.managed = [folder for folder in report.managed if folder.path not in reached]
    return files, reached


def _update_missing(walk: Walk, known: Mapping[str, KnownFile], catalogue: Store, report: ScanReport) -> None:
    """Mark what is gone, and what is back unchanged; a file that was only skipped this time is neither."""
    found = {file.path: file for file in walk.files}
    gone = [path for path, file in known.items() if file.state in _ON_DISK and path not in found and is_gone(path)]
    report.missing += catalogue.mark_missing(gone)
    back = ((path, file) for path, file in known.items() if file.state == "missing" and path in found)
    catalogue.mark_found([path for path, file in back if _is_unchanged(found[path], file)])


# ── read ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _read_photos(
    files: Mapping[File, KnownFile | None],
    catalogue: Store,
    workers: int,
    memory: int,
    report: ScanReport,
    progress: Progress | None,
    *,
    pairing: bool,
    refresh: bool,
) -> dict[str, str]:
    """Read what is new or changed but for sidecars; return the photo of each sidecar, by path.

    A file that cannot be read has no sidecars: those that seemed its own may be photos, and are read in the next round.
    """
    paths = [file.path for file in files]
    failed = {file: known for file, known in files.items() if known and known.state == "failed"}
    not_photos = {file.path for file, known in failed.items() if _is_unchanged(file, known)}
    pending = list(files)
    while True:
        photo_of = sidecars.pair(paths, not_photos) if pairing else {}
        photos = [file for file in pending if file.path not in photo_of]
        pending = [file for file in pending if file.path in photo_of]
        to_read = [file for file in photos if _needs_reading(file, files[file], report)]
        if not to_read:
            return photo_of
        with WorkerPool(to_read, catalogue, workers, memory, refresh=refresh) as results:
            _commit_all(results, catalogue, report, len(to_read), progress)
        catalogue.drop_unreferenced()
        not_photos |= {failure.path for failure in report.failures}


def _needs_reading(file: File, known: KnownFile | None, report: ScanReport) -> bool:
    if known is not None and _is_unchanged(file, known) and known.state != "stale":
        report.unchanged += known.state != "failed"
        report.known_failures += known.state == "failed"
        return False
    # A photo that became another kind of file is read too: it fails, and matches nothing from then on.
    if (known is not None and known.state != "imported") or formats.is_image(file.path):
        return True
    report.skipped += 1
    return False


def _is_unchanged(file: File, known: KnownFile) -> bool:
    return known[:2] == (file.size, file.mtime_ns)


# ── commit ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _commit_all(
    results: Iterable[BatchResult], catalogue: Store, report: ScanReport, total: int, progress: Progress | None
) -> None:
    """Commit about once a second, and on any interruption what was read by then."""
    pending, done, committed = BatchResult([], []), 0, time.monotonic()
    try:
        for sightings, contents in results:
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


def _commit(result: BatchResult, catalogue: Store, report: ScanReport) -> BatchResult:
    """Commit a result and count it; return an empty one."""
    if result.sightings:
        catalogue.record(result.sightings, result.contents)
    failures = [Unreadable(s.path, s.reason) for s in result.sightings if s.reason]
    report.misnamed += _misnamed(result.sightings, catalogue)
    report.failures += failures
    report.decoded += len(result.contents)
    report.recognised += len(result.sightings) - len(failures) - len(result.contents)
    return BatchResult([], [])


def _misnamed(sightings: Iterable[Sighting], catalogue: Store) -> list[Misnamed]:
    known = catalogue.contents.formats({s.digest for s in sightings if s.digest})
    # The content of a photo is not known yet while another thread still reads its twin.
    read = ((s.path, known[s.digest]) for s in sightings if s.digest in known)
    return [Misnamed(path, kind) for path, kind in read if formats.is_misnamed(path, kind)]
