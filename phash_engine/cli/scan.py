"""``phash scan``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from phash_engine import _files
from phash_engine.catalogue import recovery
from phash_engine.catalogue.store import Store
from phash_engine.cli import COMMANDS, INTERRUPTED, options, output
from phash_engine.cli.command import Explained, further
from phash_engine.errors import PhashError
from phash_engine.reports import names
from phash_engine.scanning.managed_folders import MEANING
from phash_engine.scanning.report import ScanReport
from phash_engine.scanning.scan import scan


@click.command("scan", cls=Explained, short_help=COMMANDS["scan"])
@options.folders
@options.exclude
@options.include_managed
@options.workers
@options.memory
@options.pairs
@options.crops
@options.frames
@options.catalogue
@further("--refresh", is_flag=True, help="Read again what was catalogued by a version that kept less of a file.")
@further("--rebuild", is_flag=True, help="Set a corrupt catalogue aside, and create a new one.")
@options.as_json
@options.strict
def command(
    folders: tuple[str, ...],
    exclude: tuple[str, ...],
    include_managed: bool,
    workers: int | None,
    memory: int | None,
    pairs: str,
    crops: bool | None,
    frames: int | None,
    catalogue_path: Path | None,
    refresh: bool,
    rebuild: bool,
    as_json: bool,
    strict: bool,
) -> int:
    """Read the pictures below folders into the catalogue. Files that have not changed are not opened.

    Files that are gone are marked missing, not forgotten. A picture with a uniform border is also found by what is
    inside the border.
    """
    if rebuild:
        _rebuild(catalogue_path or options.default_catalogue())
    with options.open_or_create(catalogue_path) as catalogue:
        report = run(
            folders,
            catalogue,
            exclude=exclude,
            include_managed=include_managed,
            workers=workers,
            memory=memory,
            pairs=pairs,
            crops=crops,
            frames=frames,
            refresh=refresh,
        )
    if as_json:
        output.record(_as_record(report))
    return PhashError.exit_code if reached_nothing(report, folders) else exit_code(report, strict=strict)


def run(
    folders: Sequence[str],
    catalogue: Store,
    *,
    exclude: Sequence[str],
    workers: int | None,
    pairs: str,
    memory: int | None = None,
    include_managed: bool = False,
    crops: bool | None = None,
    frames: int | None = None,
    refresh: bool = False,
) -> ScanReport:
    """Scan with a progress bar, and report on standard error what was done and what could not be read."""
    try:
        with output.progress_bar("reading") as progress:
            report = scan(
                folders,
                catalogue,
                exclude=exclude,
                include_managed=include_managed,
                workers=workers,
                memory=memory,
                pairing=pairs == "together",
                crops=crops,
                frames=frames,
                refresh=refresh,
                progress=progress,
            )
    except KeyboardInterrupt:
        output.message("interrupted; what was read is in the catalogue, and the same command goes on from there")
        raise click.exceptions.Exit(INTERRUPTED) from None
    for path, reason in report.unreachable:
        output.message(f"{names.quoted(path)}: {reason}")
    with output.Failures("phash failures" if catalogue.path else "") as failures:
        for path, reason in [*report.unreadable, *report.failures]:
            failures.add(path, reason)
    for line in _managed(report):
        output.message(line)
    if not reached_nothing(report, folders):
        output.message(_summary(report))
    return report


def _managed(report: ScanReport) -> Iterator[str]:
    """Yield a line for each kind of managed folders that were passed over, and for what else was found of them."""
    for kind, meaning in MEANING.items():
        found = [folder for folder in report.managed if folder.kind == kind]
        if found:
            owners = ", ".join(sorted({folder.application for folder in found}))
            first = names.quoted(found[0].path) + (", …" if found[1:] else "")
            folders = output.count(len(found), "folder")
            yield f"passed over: {folders} {meaning} ({owners}): {first}; --include-managed looks into them"
    for path, kind, application in report.managed_roots:
        managed = f"a folder {MEANING[kind]} ({application})"
        yield f"{names.quoted(path)}: {managed}, scanned; no photo in it is kept before one outside"
    for path, application in report.databases:
        yield f"{names.quoted(path)}: {application} keeps track of these photos, and does not notice when they go"


def reached_nothing(report: ScanReport, folders: Sequence[str]) -> bool:
    """Whether none of the given folders could be reached."""
    away = [folder.path for folder in report.unreachable]
    return all(_files.is_below(_files.absolute(folder), away) for folder in folders)


def exit_code(report: ScanReport, *, strict: bool) -> int:
    """Return 3 if ``strict`` and some files could not be read, else 0."""
    unread = report.failures or report.known_failures or report.unreadable or report.unreachable
    return 3 if strict and unread else 0


def _rebuild(path: Path) -> None:
    rebuilt = recovery.rebuild(path)
    if rebuilt is None:
        output.message(f"{path} is not corrupt, and is kept")
    else:
        saved = f"; recovered decisions and imported hashes: {rebuilt.rows}" if rebuilt.rows else ""
        output.message(f"the corrupt catalogue is {rebuilt.corrupt} now{saved}")


def _summary(report: ScanReport) -> str:
    """Return one line: the photos by what was done with them, and whatever else was found."""
    photos = [
        (report.decoded, "read"),
        (report.recognised, "moved or copied"),
        (report.unchanged, "unchanged"),
    ]
    others = [
        (len(report.failures) + report.known_failures, "could not be read ('phash failures' lists them)"),
        (len(report.misnamed), "with the extension of another format"),
        (report.missing, "missing since the last scan"),
        (report.sidecars, "belonging to a photo (sidecars)"),
        (report.skipped, "skipped, not an image"),
        (report.excluded, "excluded"),
        (report.hidden, "hidden"),
        (report.links, "skipped, a link"),
        (report.special, "skipped, a pipe, socket or device"),
    ]
    done = ", ".join(f"{number} {what}" for number, what in photos if number)
    parts = [output.count(report.photos, "photo") + (f": {done}" if done else "")]
    parts += [f"{number} {what}" for number, what in others if number]
    return f"{'; '.join(parts)}; {report.seconds:.1f} s"


def _as_record(report: ScanReport) -> dict[str, object]:
    lists = {"failures", "misnamed", "unreadable", "unreachable", "managed_roots", "databases"}
    fields = {name: value for name, value in vars(report).items() if name not in lists}
    fields["managed"] = Counter(folder.kind for folder in report.managed)
    return fields | {name: [entry._asdict() for entry in getattr(report, name)] for name in sorted(lists)}
