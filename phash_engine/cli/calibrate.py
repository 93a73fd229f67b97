"""``phash calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np

from phash_engine import _files
from phash_engine.cli import COMMANDS, options, output
from phash_engine.cli import label as label_command
from phash_engine.cli import scan as scan_command
from phash_engine.cli.command import Explained, option
from phash_engine.errors import PhashError
from phash_engine.matching import calibration, policy
from phash_engine.matching.calibration import Limit, Report
from phash_engine.reports import charts
from phash_engine.retrieval import labels
from phash_engine.retrieval.labeller import Labeller


@click.command("calibrate", cls=Explained, short_help=COMMANDS["calibrate"])
@options.folders_or_all
@option(
    "--fpr",
    type=click.FloatRange(0, 1e-3, min_open=True),
    metavar="SHARE",
    help="Accept this share of false pairs, as 1e-7.  [default: one false group in the collection]",
)
@options.labels
@option("--forget", is_flag=True, help="Measure nothing, and let dedupe decide by the defaults again.")
@options.exclude
@options.workers
@options.pairs
@options.catalogue
@options.chart
@options.as_json
def command(
    folders: tuple[str, ...],
    fpr: float | None,
    labels_path: str | None,
    forget: bool,
    exclude: tuple[str, ...],
    workers: int | None,
    pairs: str,
    catalogue_path: Path | None,
    chart: Path | None,
    as_json: bool,
) -> int:
    """Scan folders, measure how near different photos come, and let 'phash dedupe' decide by the result.

    It prints the largest radius and score that make no more false pairs than requested, and how many copies they find.
    Without DIR all photos of the catalogue are measured. Calibrate again when their number has grown by half.

    Up to 1,000 photos are compared with all. Copies among the nearest pairs are verified and left out. Then copies of
    50 photos are made in memory, by family of change, to measure how many are found. No file is changed.

    With --labels nothing is set: printed is the confidence to require of 'phash label'. CSV has the columns path and
    label, or is the word folder for the names of folders. 'phash label --calibrate' measures the same for other votes
    and for models.
    """
    if labels_path and (fpr or forget):
        raise click.UsageError("--labels measures labels alone: leave out --fpr and --forget")
    if forget:
        with options.open_existing(catalogue_path) as catalogue:
            policy.set_calibration(catalogue, None)
        return 0
    if chart:
        charts.check(chart)
    if labels_path and labels_path != labels.FOLDER:
        labels.read(labels_path)  # a wrong file is refused before a scan that takes long
    inside = [_files.absolute(folder) for folder in folders] or None
    with options.open_or_create(catalogue_path) if folders else options.open_existing(catalogue_path) as catalogue:
        if folders:
            scanned = scan_command.run(folders, catalogue, exclude=exclude, workers=workers, pairs=pairs)
            if scan_command.reached_nothing(scanned, folders):
                return PhashError.exit_code
        if labels_path:
            known = options.known_labels(catalogue, labels_path, folders)
            return label_command.report(Labeller(catalogue, known), label_command.ACCURACY, chart, as_json=as_json)
        options.note_missing_opencv()
        with output.progress_bar("copying") as progress:
            report = calibration.calibrate(catalogue, inside, rate=fpr, progress=progress)
        policy.set_calibration(catalogue, report.calibration)
    if chart:
        copied = np.bincount(report.copied, minlength=1)
        charts.distances(chart, report.impostors.counts, copied, report.radius.limit)
    if as_json:
        output.record(_record(report))
    else:
        _print(report)
    return 0


def _record(report: Report) -> dict[str, Any]:
    return {
        "photos": report.impostors.contents,
        "pairs": report.impostors.by_distance.pairs,
        "copies": report.impostors.copies,
        "confidence": calibration.CONFIDENCE,
        "radius": report.radius._asdict(),
        "cutoff": report.cutoff and report.cutoff._asdict(),
        "recall": {family: share for family, (share, _) in report.recall.items()},
    }


def _print(report: Report) -> None:
    found = report.impostors
    left_out = output.count(found.copies, "pair")
    output.text(f"{found.by_distance.pairs} pairs of {found.contents} photos; {left_out} of copies left out")
    output.text(f"  radius {report.radius.limit:>3}  {_expected(report.radius)}")
    if report.cutoff:
        output.text(f"  score  {report.cutoff.limit:>3}  {_expected(report.cutoff)}")
    output.text(f"copies found by {report.policy.limit}")
    for family, (share, number) in report.recall.items():
        output.text(f"  {share:6.1%} of {number:>3}  {family}")
    output.message("'phash dedupe' decides by this from now on, unless --radius is given; --forget ends it")


def _expected(limit: Limit) -> str:
    return f"{limit.expected:.2g} false pairs expected, <= {limit.bound:.2g} at {calibration.CONFIDENCE:.0%}"
