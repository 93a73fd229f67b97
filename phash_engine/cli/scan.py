"""``phash scan``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from phash_engine.catalogue import Catalogue
from phash_engine.cli import COMMANDS, INTERRUPTED, options, output
from phash_engine.scan import ScanReport, scan


@click.command("scan", short_help=COMMANDS["scan"])
@options.folders
@options.exclude
@options.workers
@options.catalogue
@options.as_json
@options.strict
def command(
    folders: tuple[str, ...],
    exclude: tuple[str, ...],
    workers: int | None,
    catalogue_path: Path | None,
    as_json: bool,
    strict: bool,
) -> int:
    """Read the pictures below folders into the catalogue.

    Files that have not changed since the last scan are not opened. Files that are gone are marked missing, not
    forgotten.
    """
    if not folders:
        raise click.UsageError("name at least one folder to scan")
    with options.open_or_create(catalogue_path) as catalogue:
        report = run(folders, catalogue, exclude=exclude, workers=workers)
    if as_json:
        output.record(_as_record(report))
    return exit_code(report, len(folders), strict=strict)


def run(folders: Sequence[str], catalogue: Catalogue, *, exclude: Sequence[str], workers: int | None) -> ScanReport:
    """Scan with a progress bar, and say on standard error what was done and what could not be read."""
    try:
        with output.progress_bar("reading") as progress:
            report = scan(folders, catalogue, exclude=exclude, workers=workers, progress=progress)
    except KeyboardInterrupt:
        output.message("interrupted; what was read is in the catalogue, and the same command goes on from there")
        raise click.exceptions.Exit(INTERRUPTED) from None
    for path, reason in [*report.unreachable, *report.unreadable, *report.failures]:
        output.message(f"{path}: {reason}")
    output.message(_summary(report))
    return report


def exit_code(report: ScanReport, roots: int, *, strict: bool) -> int:
    """Return 2 if no folder could be reached, 3 if some files could not be read and that matters, else 0."""
    if len(report.unreachable) == roots:
        return 2
    unread = report.failures or report.known_failures or report.unreadable or report.unreachable
    return 3 if strict and unread else 0


def _summary(report: ScanReport) -> str:
    parts = [
        f"{report.photos} photos: {report.decoded} decoded, {report.recognised} recognised, "
        f"{report.unchanged} unchanged"
    ]
    failed = len(report.failures) + report.known_failures
    for number, what in [
        (failed, "could not be read (phash failures lists them)"),
        (report.missing, "missing since the last scan"),
        (report.skipped, "no pictures"),
        (report.excluded, "excluded"),
        (report.hidden, "hidden"),
        (report.links, "links"),
    ]:
        if number:
            parts.append(f"{number} {what}")
    return f"{'; '.join(parts)}; {report.seconds:.1f} s"


def _as_record(report: ScanReport) -> dict[str, object]:
    lists = {"failures", "unreadable", "unreachable"}
    record = {name: value for name, value in vars(report).items() if name not in lists}
    return record | {name: [entry._asdict() for entry in getattr(report, name)] for name in sorted(lists)}
